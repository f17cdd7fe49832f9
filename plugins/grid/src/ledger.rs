//! What the levels hold against what the ledger has.
//!
//! A fill may be heard late, or never: the state after a fault or a kill is the last checkpoint's.
//! The position is the host's truth, so the difference is given to the levels whose orders can have
//! made it, and what none of them can have made to one adopted level that only closes. After
//! [`settle`] the levels hold the position to the unit; prices and fees of what was not heard are
//! estimates.

use crate::level::{Level, LevelState};
use crate::{Grid, entry};
use hedgerow_sdk::model::{self, Fee, Instrument};
use hedgerow_sdk::{Context, Decimal, FillNotice, OrderUpdate, Price, Quantity, Rounding};
use std::collections::BTreeSet;

impl Grid {
    /// What happened unheard: fills of live orders are booked where they belong, orders that ended
    /// release their levels, and the ledger's position settles the rest.
    pub(crate) fn on_resumed(&mut self, ctx: &Context) {
        let gone = |order: Option<u64>| order.is_some_and(|number| ctx.order(number).is_none());
        let mut ended = Vec::new();
        let mut live = BTreeSet::new();
        for (place, level) in self.state.levels.iter_mut().enumerate() {
            match level.order.and_then(|number| ctx.order(number)) {
                Some(order) => {
                    level.learn(order);
                    live.insert(order.number);
                }
                None if level.order.is_some() => ended.push(place),
                None => {}
            }
        }
        for order in live.into_iter().filter_map(|number| ctx.order(number)) {
            let owners = self.state.levels.iter().filter(|l| l.order == Some(order.number));
            let missed = order.filled.units() - owners.map(Level::booked).sum::<i64>();
            if missed > 0 {
                let fill = unheard(&self.market, order, missed);
                self.state.fees += fill.fee.amount;
                let gain = entry::book(&mut self.state.levels, &self.market.spec, &fill);
                self.state.realised += gain.unwrap_or_default();
            }
        }
        if gone(self.state.close_order) {
            self.state.close_order = None;
        }
        let entered = gone(self.state.entry.order);
        if entered {
            self.state.entry.order = None;
        }
        self.settle(ctx, &ended, None);
        // it is made once: what it did not open waits like any level
        let opened = |place: &usize| self.state.levels.get(*place).is_some_and(|l| l.held() != 0);
        if entered && ended.iter().any(opened) {
            self.state.entry.due = false;
        }
        for place in ended {
            if let Some(level) = self.state.levels.get_mut(place) {
                let closed = level.order_ended(self.market.spec.lot.units());
                self.count_cycle(closed);
            }
        }
        let owned = |number| self.state.levels.iter().any(|level| level.order == Some(number));
        let ours = ctx.orders().filter(|order| order.instrument == self.market.spec.id);
        let own = [self.state.close_order, self.state.entry.order];
        let stray = |number: &u64| !owned(*number) && !own.contains(&Some(*number));
        self.strays = ours.map(|order| order.number).filter(stray).collect();
    }

    /// Makes the levels hold what the ledger has.
    pub(crate) fn settle(&mut self, ctx: &Context, ended: &[usize], price: Option<Price>) {
        let spec = &self.market.spec;
        // what a fill said was paid is counted already
        let fee = if price.is_some() { Decimal::ZERO } else { self.market.maker_fee };
        let entry = || spec.price_on_grid(ctx.entry(spec.id)?, Rounding::HalfEven).ok();
        let known = Known {
            spec,
            position: ctx.position(spec.id).units(),
            ended,
            price: price.or_else(entry),
            fee,
        };
        let inferred = settle(&mut self.state.levels, &known);
        self.state.realised += inferred.gain;
        self.state.fees += inferred.fees;
        // a late fill changes what is left to close, even after the end
        if self.state.stopping.is_some() && !self.keeps() {
            self.state.done &= self.held().is_zero();
        }
    }
}

/// A fill that was not heard, as well as its order tells: at its limit, as a maker.
fn unheard(market: &hedgerow_sdk::Instrument, order: &OrderUpdate, units: i64) -> FillNotice {
    let quantity = Quantity::from_units(units);
    let fee = market.spec.fee(order.price, quantity, market.maker_fee).unwrap_or_default();
    FillNotice {
        number: order.number,
        instrument: order.instrument,
        side: order.side,
        price: order.price,
        quantity,
        liquidity: model::Liquidity::Maker,
        fee: Fee::in_settle(fee),
        trade: model::TradeId(0),
        position: Quantity::ZERO,
    }
}

/// What is known when the difference is looked at.
pub(crate) struct Known<'a> {
    pub(crate) spec: &'a Instrument,
    /// The ledger's, signed.
    pub(crate) position: i64,
    /// Places of levels whose order ended and may have filled unheard.
    pub(crate) ended: &'a [usize],
    /// The best guess at the price of what no order explains.
    pub(crate) price: Option<Price>,
    /// Fee to count for what was not heard, a fraction of value.
    pub(crate) fee: Decimal,
}

/// What was booked without having been heard.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Inferred {
    /// Profit of what closed, fees taken off.
    pub(crate) gain: Decimal,
    pub(crate) fees: Decimal,
}

/// Brings the levels to the ledger's position.
pub(crate) fn settle(levels: &mut Vec<Level>, known: &Known<'_>) -> Inferred {
    let mut inferred = Inferred::default();
    let held: i64 = levels.iter().map(Level::held).sum();
    let mut left = known.position.saturating_sub(held);
    for place in closing_order(levels, known) {
        let Some(level) = levels.get_mut(place) else { continue };
        if left == 0 || level.held().signum() != -left.signum() {
            continue;
        }
        let units = left.abs().min(level.held().abs());
        let ended = known.ended.contains(&place);
        let price = if ended { Some(level.asked()) } else { known.price };
        let price = price.unwrap_or(level.price);
        let fee = known.fee_of(price, units);
        inferred.gain += level.close_part(known.spec, price, units) - fee;
        inferred.fees += fee;
        left -= left.signum() * units;
    }
    for place in opening_order(levels, known) {
        let Some(level) = levels.get_mut(place) else { continue };
        let units = left.abs().min(level.unfilled());
        if left.signum() != level.side().sign() || units <= 0 {
            continue;
        }
        let fee = known.fee_of(level.asked(), units);
        level.add(known.spec, level.asked(), left.signum() * units, fee);
        inferred.fees += fee;
        left -= left.signum() * units;
    }
    if left != 0 {
        inferred.fees += adopt(levels, known, left);
    }
    levels.iter_mut().for_each(|level| level.settle_state(known.spec.lot.units()));
    inferred
}

impl Known<'_> {
    pub(crate) fn fee_of(&self, price: Price, units: i64) -> Decimal {
        self.spec.fee(price, Quantity::from_units(units), self.fee).unwrap_or_default()
    }
}

/// Who can have closed: levels whose close ended, then what was adopted, then the nearest.
fn closing_order(levels: &[Level], known: &Known<'_>) -> Vec<usize> {
    let rank = |place: usize, level: &Level| {
        let closed = known.ended.contains(&place) && level.state == LevelState::ClosePlaced;
        if closed { 0 } else { 1 + i64::from(!level.adopted) }
    };
    let mut places: Vec<_> = levels
        .iter()
        .enumerate()
        .map(|(place, level)| {
            let price = level.price.units() * level.side().sign();
            (rank(place, level), price, place)
        })
        .collect();
    places.sort_unstable();
    places.into_iter().map(|(.., place)| place).collect()
}

/// Who can have opened: levels whose open ended, the one that the market reaches first at the head.
fn opening_order(levels: &[Level], known: &Known<'_>) -> Vec<usize> {
    let opening = |place: &&usize| {
        levels.get(**place).is_some_and(|level| level.state == LevelState::OpenPlaced)
    };
    let mut places: Vec<usize> = known.ended.iter().filter(opening).copied().collect();
    places.sort_by_key(|place| {
        levels.get(*place).map(|level| -level.price.units() * level.side().sign())
    });
    places
}

/// Gives the rest to the adopted level; gives its fee.
fn adopt(levels: &mut Vec<Level>, known: &Known<'_>, units: i64) -> Decimal {
    // without any price it could not be closed at a profit; the next event brings one
    let Some(price) = known.price else { return Decimal::ZERO };
    let fee = known.fee_of(price, units.abs());
    match levels.iter_mut().find(|level| level.adopted) {
        Some(level) => level.add(known.spec, price, units, fee),
        None => {
            let mut level = Level::adopted(price);
            level.add(known.spec, price, units, fee);
            levels.push(level);
        }
    }
    fee
}

/// A grid that ends holds one position: levels that hold the opposite of each other are closed
/// against each other, at a price that makes no difference to the sum. Gives the profit.
pub(crate) fn net(levels: &mut [Level], spec: &Instrument, at: Price) -> Decimal {
    let held = |levels: &[Level], sign: i64| -> i64 {
        levels.iter().map(|level| (level.held() * sign).max(0)).sum()
    };
    let (longs, shorts) = (held(levels, 1), held(levels, -1));
    let mut left = [longs.min(shorts); 2];
    let mut gain = Decimal::ZERO;
    for level in levels.iter_mut() {
        let [long, short] = &mut left;
        let rest = if level.held() > 0 { long } else { short };
        let units = (*rest).min(level.held().abs());
        *rest -= units;
        gain += level.close_part(spec, at, units);
        level.settle_state(spec.lot.units());
    }
    gain
}

/// Moves what cannot be closed alone to the nearest level that waits to close more.
pub(crate) fn pool(levels: &mut [Level], can_close: impl Fn(&Level) -> bool) {
    let waits = |level: &Level| level.state == LevelState::OpenFilled && level.held() != 0;
    for place in 0..levels.len() {
        let Some(small) = levels.get(place).filter(|level| waits(level)) else { continue };
        if can_close(small) {
            continue;
        }
        let (price, sign) = (small.price.units(), small.held().signum());
        let gap = |level: &Level| level.price.units().saturating_sub(price).saturating_abs();
        let nearest = levels
            .iter()
            .enumerate()
            .filter(|(other, level)| {
                *other != place && waits(level) && level.held().signum() == sign
            })
            .min_by_key(|(_, level)| gap(level))
            .map(|(other, _)| other);
        let Some(nearest) = nearest else { continue };
        let part = levels.get_mut(place).map(Level::give_up).unwrap_or_default();
        if let Some(level) = levels.get_mut(nearest) {
            level.take_over(part);
        }
    }
}
