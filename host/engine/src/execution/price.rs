//! What a plan can trade against, and at which limit it asks.

use crate::Engine;
use crate::market::{DataState, Market};
use hedgerow_model::{
    Decimal, HostTime, Instrument, Price, Quantity, RiskRejection, Rounding, Side, ValueError,
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

/// `price` moved by so many basis points to the worse for a taker of `side`.
fn widened(side: Side, price: Decimal, bps: u32) -> Option<Decimal> {
    let by = Decimal::from(BPS + side.sign() * i64::from(bps));
    price.checked_mul(by)?.checked_div(Decimal::from(BPS))
}

impl Engine {
    fn is_fresh(&self, now: HostTime, market: &Market) -> bool {
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

    /// The limit of an order that takes: the touch widened by so many basis points, or the mark
    /// where there is no touch to be had; within the collar of the strategy.
    pub(crate) fn taking_limit(
        &self,
        now: HostTime,
        spec: &Instrument,
        side: Side,
        (bps, collar_bps): (u32, u32),
    ) -> Result<Price, RiskRejection> {
        let overflow = |_: ValueError| RiskRejection::Overflow;
        let market = self.markets.get(spec.id).ok_or(RiskRejection::NoMarket)?;
        let mark = market.mark(spec).ok_or(RiskRejection::NoMarket)?;
        let fresh = self.is_fresh(now, market);
        let touch = market.touch(side.opposite()).filter(|_| fresh).map(|price| spec.price(price));
        let limit = widened(side, touch.unwrap_or(mark), bps).ok_or(RiskRejection::Overflow)?;
        let limit = spec.aggressive_price(side, limit).map_err(overflow)?;
        if !fresh {
            return Ok(limit);
        }
        let edge = widened(side, mark, collar_bps).ok_or(RiskRejection::Overflow)?;
        // rounded to the inside
        let edge = spec.passive_price(side, edge).map_err(overflow)?;
        Ok(match side {
            Side::Buy => limit.min(edge),
            Side::Sell => limit.max(edge),
        })
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
