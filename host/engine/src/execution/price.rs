//! What a plan can trade against, and at which limit it asks.

use crate::Engine;
use crate::market::{DataState, MarkSource, Market};
use hedgerow_model::{
    Decimal, Give, HostTime, Instrument, Price, PriceSource, Quantity, Reach, RiskRejection,
    Rounding, Side, ValueError,
};

/// One in basis points.
const BPS: i64 = 10_000;

/// What a quantity would cost now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    /// What can be had at the limit or better, at most what was asked for.
    pub(crate) fillable: Quantity,
    /// Everything displayed at the limit or better.
    pub(crate) displayed: Quantity,
    /// Average price of what can be had.
    pub(crate) average: Decimal,
    /// The last price touched.
    pub(crate) worst: Price,
}

/// The limit of an order, what it was made from, and how far it reaches beyond that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Priced {
    pub(crate) limit: Price,
    pub(crate) source: PriceSource,
    pub(crate) reach: Option<Reach>,
}

/// `price` moved by so many basis points to the worse for a taker of `side`.
pub(super) fn widened(side: Side, price: Decimal, bps: u32) -> Option<Decimal> {
    let by = Decimal::from(BPS + side.sign() * i64::from(bps));
    price.checked_mul(by)?.checked_div(Decimal::from(BPS))
}

/// Units of the grid's step around a price.
fn step(spec: &Instrument, price: Decimal) -> Option<Decimal> {
    let price = spec.aggressive_price(Side::Buy, price).ok()?;
    let step = spec.grid.step_at(price, spec.price_scale).ok()?;
    Some(spec.price(Price::from_units(step)))
}

/// `from` moved to the worse for a taker of `side`, by basis points or ticks.
pub(crate) fn given(spec: &Instrument, side: Side, from: Decimal, give: Give) -> Option<Decimal> {
    match give {
        Give::Bps(bps) => widened(side, from, bps),
        Give::Ticks(ticks) => {
            let by = step(spec, from)?.checked_mul(Decimal::from(ticks))?;
            from.checked_add(by.checked_mul(Decimal::from(side.sign()))?)
        }
    }
}

/// How far a limit reaches beyond a price, in ticks and in basis points.
pub(crate) fn reach(spec: &Instrument, side: Side, from: Decimal, limit: Price) -> Option<Reach> {
    let over = spec.price(limit).checked_sub(from)?.checked_mul(Decimal::from(side.sign()))?;
    let ticks = over.checked_div(step(spec, from)?)?.round_dp(4).normalize();
    let bps = over.checked_div(from)?.checked_mul(Decimal::from(BPS))?.round_dp(4).normalize();
    Some(Reach { ticks, bps })
}

/// The cost of a price against another, for a taker of `side`, basis points to four decimals.
pub(crate) fn cost_bps(side: Side, price: Decimal, against: Decimal) -> Option<Decimal> {
    let over = price.checked_sub(against)?.checked_div(against)?;
    Some(over.checked_mul(Decimal::from(BPS * side.sign()))?.round_dp(4).normalize())
}

impl Engine {
    pub(super) fn is_fresh(&self, now: HostTime, market: &Market) -> bool {
        let age = now.since(market.received);
        market.state == DataState::Fresh && age <= self.markets.stale_after
    }

    /// The middle of a market that can be traded on both sides now.
    pub(crate) fn middle(
        &self,
        now: HostTime,
        spec: &Instrument,
    ) -> Result<Decimal, RiskRejection> {
        let market = self.markets.get(spec.id).ok_or(RiskRejection::NoMarket)?;
        if !self.is_fresh(now, market) {
            let age_ms = now.since(market.received).as_millis();
            return Err(match market.state {
                DataState::Unseen => RiskRejection::NoMarket,
                _ => RiskRejection::StaleMarket { age_ms },
            });
        }
        let touch = |side| market.touch(side).ok_or(RiskRejection::NoMarket);
        let (bid, ask) = (touch(Side::Buy)?, touch(Side::Sell)?);
        if bid >= ask {
            return Err(RiskRejection::CrossedBook);
        }
        let sum = spec.price(bid).checked_add(spec.price(ask)).ok_or(RiskRejection::Overflow)?;
        sum.checked_div(Decimal::TWO).ok_or(RiskRejection::Overflow)
    }

    /// The venue's own mark, if it is not old.
    pub(super) fn venue_mark(&self, now: HostTime, spec: &Instrument) -> Option<Decimal> {
        let market = self.markets.get(spec.id)?;
        let own = market.source == MarkSource::Venue
            && now.since(market.marked) <= self.markets.stale_after;
        market.mark(spec).filter(|_| own)
    }

    /// What an order that takes is priced from. An opening needs the touch of fresh data; a
    /// reduction does with the venue's own mark, the side that is there, or the last mark.
    pub(super) fn source(
        &self,
        now: HostTime,
        (spec, side): (&Instrument, Side),
        reduces: bool,
    ) -> Result<(Decimal, PriceSource), RiskRejection> {
        let market = self.markets.get(spec.id).ok_or(RiskRejection::NoMarket)?;
        let fresh = self.is_fresh(now, market);
        let touch = |side| market.touch(side).filter(|_| fresh).map(|price| spec.price(price));
        if let Some(touch) = touch(side.opposite()) {
            return Ok((touch, PriceSource::Touch));
        }
        if !reduces {
            let age_ms = now.since(market.received).as_millis();
            let unseen = fresh || market.state == DataState::Unseen;
            let stale = RiskRejection::StaleMarket { age_ms };
            return Err(if unseen { RiskRejection::NoMarket } else { stale });
        }
        let mark = market.mark(spec);
        if let Some(mark) = self.venue_mark(now, spec) {
            return Ok((mark, PriceSource::Mark));
        }
        let present = touch(side).map(|price| (price, PriceSource::PresentSide));
        present.or(mark.map(|mark| (mark, PriceSource::Mark))).ok_or(RiskRejection::NoMarket)
    }

    /// The limit of an order that takes: what it is priced from, widened; within the collar of the
    /// strategy around a fresh mark, and within the band of the venue.
    pub(crate) fn taking_limit(
        &self,
        now: HostTime,
        (spec, side): (&Instrument, Side),
        (give, collar_bps): (Give, u32),
        reduces: bool,
    ) -> Result<Priced, RiskRejection> {
        let overflow = |_: ValueError| RiskRejection::Overflow;
        let (from, source) = self.source(now, (spec, side), reduces)?;
        let limit = given(spec, side, from, give).ok_or(RiskRejection::Overflow)?;
        let limit = spec.aggressive_price(side, limit).map_err(overflow)?;
        let market = self.markets.get(spec.id).ok_or(RiskRejection::NoMarket)?;
        let mark = market.mark(spec);
        let fresh = mark.filter(|_| self.is_fresh(now, market));
        let collar = fresh.map(|mark| widened(side, mark, collar_bps));
        // an old mark is the best guess of where the venue's band lies
        let band = mark.zip(spec.band).map(|(mark, band)| band.edge(side, mark));
        let mut limit = limit;
        for edge in [collar, band].into_iter().flatten() {
            let edge = edge.ok_or(RiskRejection::Overflow)?;
            // rounded to the inside
            let edge = spec.passive_price(side, edge).map_err(overflow)?;
            limit = match side {
                Side::Buy => limit.min(edge),
                Side::Sell => limit.max(edge),
            };
        }
        Ok(Priced { limit, source, reach: reach(spec, side, from, limit) })
    }

    /// From best bid to best offer, basis points of the middle.
    pub(crate) fn spread_bps(&self, spec: &Instrument, middle: Decimal) -> Option<Decimal> {
        let market = self.markets.get(spec.id)?;
        let (bid, ask) = (market.touch(Side::Buy)?, market.touch(Side::Sell)?);
        let wide = spec.price(ask).checked_sub(spec.price(bid))?;
        let share = wide.checked_div(middle)?.checked_mul(Decimal::from(BPS))?;
        Some(share.round_dp(4).normalize())
    }

    /// What can be had of a quantity within a limit: of the book when there is one, else of the
    /// quote.
    pub(crate) fn offer(
        &self,
        spec: &Instrument,
        side: Side,
        (quantity, limit): (Quantity, Price),
    ) -> Option<Offer> {
        let market = self.markets.get(spec.id)?;
        if market.synced {
            let walk = market.book.walk(side, quantity, Some(limit))?;
            let all = Quantity::from_units(i64::MAX);
            let displayed = market.book.walk(side, all, Some(limit))?.filled;
            let average = average(spec, walk.cost_units, walk.filled)?;
            return Some(Offer { fillable: walk.filled, displayed, average, worst: walk.worst });
        }
        let quote = market.quote?;
        let level = match side {
            Side::Buy => quote.ask,
            Side::Sell => quote.bid,
        };
        let reaches = side.reaches(limit, level.price);
        let displayed = if reaches { level.quantity } else { Quantity::ZERO };
        let fillable = displayed.min(quantity);
        let (average, worst) = (spec.price(level.price), level.price);
        Some(Offer { fillable, displayed, average, worst })
    }

    /// A limit is never worse than the last price that is needed, and one step.
    pub(crate) fn tightened(spec: &Instrument, side: Side, limit: Price, worst: Price) -> Price {
        let step = spec.grid.step_at(worst, spec.price_scale).unwrap_or(0);
        let next = worst.units().saturating_add(side.sign().saturating_mul(step));
        let by = side.opposite().passive_rounding();
        let Ok(next) = spec.round_price(Price::from_units(next), by) else { return limit };
        match side {
            Side::Buy => limit.min(next),
            Side::Sell => limit.max(next),
        }
    }
}

fn average(spec: &Instrument, cost_units: i128, filled: Quantity) -> Option<Decimal> {
    if filled.is_zero() {
        return Some(Decimal::ZERO);
    }
    let cost = Decimal::try_from_i128_with_scale(cost_units, 0).ok()?;
    let units = cost.checked_div(Decimal::from(filled.units()))?;
    let price = units.checked_div(Decimal::from(spec.price_scale.unit()))?;
    Some(Rounding::HalfEven.decimal(price, hedgerow_model::MONEY_DIGITS))
}
