//! Prices of orders of plans of one leg: from the touch of a market with two sides; to reduce also
//! from the only side there is, or from the last mark. Nothing that opens is priced from less.

use super::slot::SingleSlot;
use crate::Engine;
use crate::execution::price::reach;
use crate::market::{DataState, Market};
use hedgerow_model::{
    Give, HostTime, Instrument, Price, PriceSource, Reach, RiskRejection, Side, ValueError,
};

/// A price, and how it came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Priced {
    pub(super) price: Price,
    pub(super) source: PriceSource,
    pub(super) reach: Option<Reach>,
}

/// Both touches of a market.
#[derive(Clone, Copy, Debug)]
pub(super) struct Touches {
    pub(super) own: Price,
    pub(super) other: Price,
}

fn overflow(_: ValueError) -> RiskRejection {
    RiskRejection::Overflow
}

/// The better of two prices for a taker that wants to give less.
pub(super) fn inside(side: Side, a: Price, b: Price) -> Price {
    match side {
        Side::Buy => a.min(b),
        Side::Sell => a.max(b),
    }
}

impl Engine {
    /// Both touches, fresh and not crossed.
    pub(super) fn touches(
        &self,
        now: HostTime,
        spec: &Instrument,
        side: Side,
    ) -> Result<Touches, RiskRejection> {
        let market = self.markets.get(spec.id).ok_or(RiskRejection::NoMarket)?;
        if !self.is_fresh(now, market) {
            return Err(self.why_not_fresh(now, market));
        }
        let touch = |side| market.touch(side).ok_or(RiskRejection::NoMarket);
        let (own, other) = (touch(side)?, touch(side.opposite())?);
        let crossed = match side {
            Side::Buy => own >= other,
            Side::Sell => own <= other,
        };
        if crossed { Err(RiskRejection::CrossedBook) } else { Ok(Touches { own, other }) }
    }

    fn why_not_fresh(&self, now: HostTime, market: &Market) -> RiskRejection {
        match market.state {
            DataState::Unseen => RiskRejection::NoMarket,
            _ => RiskRejection::StaleMarket { age_ms: now.since(market.received).as_millis() },
        }
    }

    /// The limit of an order that takes. What opens needs a whole market.
    pub(super) fn taking(
        &self,
        now: HostTime,
        spec: &Instrument,
        (side, reduces): (Side, bool),
        (give, collar_bps): (Give, u32),
    ) -> Result<Priced, RiskRejection> {
        if !reduces {
            self.touches(now, spec, side)?;
        }
        let priced = self.taking_limit(now, (spec, side), (give, collar_bps), reduces)?;
        let crate::execution::price::Priced { limit, source, reach } = priced;
        Ok(Priced { price: limit, source, reach })
    }

    /// The price `k / n` of the way from the own touch to the other; for `k = n` the other touch.
    /// One that rests stays a step away from the other touch.
    pub(super) fn across(
        &self,
        now: HostTime,
        spec: &Instrument,
        side: Side,
        (k, n, distance): (u32, u32, u32),
    ) -> Result<Priced, RiskRejection> {
        let Touches { own, other } = self.touches(now, spec, side)?;
        let source = PriceSource::Touch;
        if n > 0 && k >= n {
            let reach = reach(spec, side, spec.price(other), other);
            return Ok(Priced { price: other, source, reach });
        }
        let spread = other.units().saturating_sub(own.units());
        let way = i128::from(spread) * i128::from(k) / i128::from(n.max(1));
        let way = i64::try_from(way).map_err(|_| RiskRejection::Overflow)?;
        let step = spec.grid.step_at(own, spec.price_scale).map_err(overflow)?;
        let behind = side.sign().saturating_mul(step.saturating_mul(i64::from(distance)));
        let at = Price::from_units(own.units().saturating_add(way).saturating_sub(behind));
        let at = spec.round_price(at, side.passive_rounding()).map_err(overflow)?;
        let before = other.units().saturating_sub(side.sign().saturating_mul(step));
        let price = inside(side, at, Price::from_units(before));
        Ok(Priced { price, source, reach: None })
    }

    /// Within the plan's bound.
    pub(super) fn bounded(slot: &SingleSlot, side: Side, priced: Priced) -> Priced {
        match slot.plan.bound {
            Some(bound) => Priced { price: inside(side, priced.price, bound), ..priced },
            None => priced,
        }
    }
}
