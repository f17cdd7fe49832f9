//! The one order that opens the levels the market has passed already, and whose fills go to several
//! levels.
//!
//! Without it these levels wait until the market has been on their far side: a long grid that
//! starts in the middle of its range must not buy its upper half by accident.

use crate::Grid;
use crate::backoff::Backoff;
use crate::level::{Level, LevelState};
use hedgerow_sdk::model::{Action, Instrument, Quote};
use hedgerow_sdk::{
    Context, Decimal, FeeAsset, FillNotice, OrderRequest, OrderStatus, OrderUpdate, Price,
    Quantity, Side, serde,
};

/// Where the entry stands.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(crate = "hedgerow_sdk::serde", default)]
pub(crate) struct Entry {
    /// It is still to be made.
    pub(crate) due: bool,
    /// Its order is under way.
    pub(crate) order: Option<u64>,
    /// When it is tried again, after it was refused or found nobody.
    retry: Backoff,
}

impl Grid {
    /// Places the entry, if one is due.
    pub(crate) fn place_entry(&mut self, ctx: &mut Context, quote: &Quote) {
        let entry = &self.state.entry;
        let waits = entry.order.is_some() || !entry.retry.is_over(ctx.now().as_nanos());
        if !entry.due || waits || !ctx.mode().permits(Action::StrategyOpens) {
            return;
        }
        self.lay_waiting();
        let passed = self.passed();
        let Some(first) = passed.first().and_then(|place| self.state.levels.get(*place)) else {
            self.state.entry.due = false;
            return;
        };
        let side = first.side();
        let Some(price) = self.taking_price(side, quote) else { return };
        let (places, quantity) = self.within_limits(&passed, side, price);
        if places.is_empty() {
            self.state.entry.due = false; // the limit leaves no room: these levels wait
            return;
        }
        let order = OrderRequest::limit(self.market.spec.id, side, price, quantity).immediate();
        let number = ctx.submit(order);
        self.state.entry.order = Some(number);
        for place in places {
            if let Some(level) = self.state.levels.get_mut(place) {
                level.entered(number, price);
            }
        }
    }

    /// Levels that the market is through, the nearest to it first. They are of one side: either
    /// buys above the market or sells below it.
    fn passed(&self) -> Vec<usize> {
        let waits = |level: &Level| {
            level.state == LevelState::Idle
                && !level.armed
                && !level.adopted
                && level.held() == 0
                && (!self.relays || self.is_enough(level))
        };
        let levels = self.state.levels.iter().enumerate().filter(|(_, level)| waits(level));
        let mut places: Vec<(i64, usize)> = levels
            .map(|(place, level)| (level.price.units() * level.side().sign(), place))
            .collect();
        places.sort_unstable();
        places.into_iter().map(|(_, place)| place).collect()
    }

    /// As many of them as one order may open.
    fn within_limits(&self, passed: &[usize], side: Side, price: Price) -> (Vec<usize>, Quantity) {
        let (mut places, mut sum) = (Vec::new(), 0_i64);
        let reached = self.reached(side);
        for place in passed {
            let Some(level) = self.state.levels.get(*place) else { continue };
            let more = Quantity::from_units(sum.saturating_add(level.quantity.units()));
            let too_large = self.market.spec.max_quantity.is_some_and(|most| more > most);
            if too_large || !self.fits(reached, price, more) {
                break;
            }
            sum = more.units();
            places.push(*place);
        }
        (places, Quantity::from_units(sum))
    }

    /// What became of its order.
    pub(crate) fn entry_ended(&mut self, update: &OrderUpdate, now: u64, interval: u64) {
        let entry = &mut self.state.entry;
        entry.order = None;
        if update.filled.is_zero() || update.status == OrderStatus::Denied {
            entry.retry.refused(now, interval);
        } else {
            // what one order did not open waits like any level
            entry.due = false;
        }
        let lot = self.market.spec.lot.units();
        let own = |level: &&mut Level| level.order == Some(update.number);
        for level in self.state.levels.iter_mut().filter(own) {
            level.order_ended(lot);
        }
    }
}

/// Books a fill to the levels whose order made it; gives the profit of what it closed, its fee
/// taken off. Nothing when it is no level's.
pub(crate) fn book(levels: &mut [Level], spec: &Instrument, fill: &FillNotice) -> Option<Decimal> {
    let owners = |level: &Level| level.made(fill.number);
    let mut places: Vec<usize> =
        (0..levels.len()).filter(|place| levels.get(*place).is_some_and(owners)).collect();
    places.sort_by_key(|place| {
        levels.get(*place).map(|level| level.price.units() * level.side().sign())
    });
    let last = *places.last()?;
    let mut left = fill.quantity.units();
    let mut parts: Vec<(usize, i64)> = Vec::new();
    for place in places {
        let room = levels.get(place).map_or(0, Level::room);
        let units = if place == last { left } else { left.min(room) };
        left -= units;
        if units > 0 {
            parts.push((place, units));
        }
    }
    let (mut gain, mut fee) = (Decimal::ZERO, fill.fee.amount);
    let count = parts.len();
    for (nth, (place, units)) in parts.into_iter().enumerate() {
        let mut part = part_of(fill, units, spec);
        if nth + 1 == count {
            part.fee.amount = fee; // what rounding left
        }
        fee -= part.fee.amount;
        if let Some(level) = levels.get_mut(place) {
            gain += level.fill(spec, &part);
            level.settle_state(spec.lot.units());
        }
    }
    Some(gain)
}

/// A part of a fill with its share of the fee: of one in the base asset in whole units.
fn part_of(fill: &FillNotice, units: i64, spec: &Instrument) -> FillNotice {
    let mut part = FillNotice { quantity: Quantity::from_units(units), ..*fill };
    let whole = Decimal::from(fill.quantity.units().max(1));
    let share = fill.fee.amount * Decimal::from(units) / whole;
    let digits = match fill.fee.asset {
        FeeAsset::Base => u32::from(spec.quantity_scale.digits()),
        _ => 14,
    };
    part.fee.amount = share.round_dp(digits);
    part
}
