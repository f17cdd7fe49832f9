//! Whether what is missing of an opening is still worth having, where its plan says what the pair
//! must be worth; at prices that can be had now, against what the other leg was filled at.
//!
//! - A leg of which nothing is filled is asked for only while the pair is worth it, and at no price
//!   at which it would not be: else the other leg is taken back.
//! - One that is part filled is completed with all that the plan gives, unless taking back costs
//!   less than what the pair would fall short by. Completing wins ties, and whatever cannot be
//!   compared.

use super::PlanSlot;
use super::price::{Priced, cost_bps, reach};
use crate::Engine;
use hedgerow_model::{
    Decimal, HostTime, Instrument, PairKind, PairPhase, PriceSource, RiskRejection, Side,
};

/// What the leg that is missing is judged by.
struct Terms {
    least_bps: i32,
    /// What the other leg was filled at.
    had: Decimal,
    begun: bool,
}

impl Terms {
    /// What the pair is worth with the leg at a price.
    fn premium(&self, side: Side, price: Decimal) -> Option<Decimal> {
        match side {
            Side::Buy => super::preflight::premium(price, self.had),
            Side::Sell => super::preflight::premium(self.had, price),
        }
    }

    /// The last price of the leg at which the pair is worth what it must be.
    fn bound(&self, side: Side) -> Option<Decimal> {
        let bps = Decimal::from(10_000);
        let times = bps.checked_add(Decimal::from(self.least_bps))?.checked_div(bps)?;
        match side {
            Side::Buy => self.had.checked_div(times),
            Side::Sell => self.had.checked_mul(times),
        }
    }
}

impl Engine {
    fn terms(&self, slot: &PlanSlot, leg: u8) -> Option<Terms> {
        let least_bps = slot.plan.request.min_premium_bps?;
        let opens = slot.plan.kind == PairKind::Open;
        let other = usize::from(1_u8.saturating_sub(leg));
        let spec = self.config.instrument(slot.plan.legs.get(other)?.instrument)?;
        let had = slot.legs.get(other)?.average(spec).filter(|_| opens)?;
        let begun = slot.legs.get(usize::from(leg))?.forth.0 != 0;
        Some(Terms { least_bps, had, begun })
    }

    /// What a taker of `side` gets or pays now; nothing without a fresh touch.
    fn touch_of(&self, now: HostTime, spec: &Instrument, side: Side) -> Option<Decimal> {
        let (touch, source) = self.source(now, (spec, side), false).ok()?;
        (source == PriceSource::Touch).then_some(touch)
    }

    /// Whether what is missing of a leg may be completed.
    pub(super) fn is_worth_completing(&self, now: HostTime, slot: &PlanSlot, leg: u8) -> bool {
        let costs = || {
            let terms = self.terms(slot, leg)?;
            let planned = slot.plan.legs.get(usize::from(leg))?;
            let spec = self.config.instrument(planned.instrument)?;
            let at = self.touch_of(now, spec, planned.side)?;
            let premium = terms.premium(planned.side, at)?;
            let short = Decimal::from(terms.least_bps).checked_sub(premium)?;
            if short <= Decimal::ZERO || !terms.begun {
                return Some((short, Decimal::ZERO));
            }
            let other = slot.plan.legs.get(usize::from(1_u8.saturating_sub(leg)))?;
            let back = other.side.opposite();
            let at = self.touch_of(now, self.config.instrument(other.instrument)?, back)?;
            Some((short, cost_bps(back, at, terms.had)?))
        };
        costs().is_none_or(|(short, taking_back)| short <= taking_back.max(Decimal::ZERO))
    }

    /// The limit of an order of an opening: of a leg of which nothing is filled no worse than what
    /// the pair must be worth. What a leg that rests has filled is hedged whatever it costs.
    pub(super) fn within_worth(
        &self,
        now: HostTime,
        (slot, leg): (&PlanSlot, u8),
        spec: &Instrument,
        priced: Priced,
    ) -> Result<Priced, RiskRejection> {
        let terms = self.terms(slot, leg).filter(|terms| !terms.begun);
        let side = slot.plan.legs.get(usize::from(leg)).map(|planned| planned.side);
        let (Some(terms), Some(side)) = (terms, side) else { return Ok(priced) };
        if slot.phase == PairPhase::Making {
            return Ok(priced);
        }
        let touch = self.touch_of(now, spec, side).ok_or(RiskRejection::NoMarket)?;
        let premium_bps = terms.premium(side, touch).ok_or(RiskRejection::Overflow)?;
        let least_bps = terms.least_bps;
        if premium_bps < Decimal::from(least_bps) {
            return Err(RiskRejection::PremiumTooLow { premium_bps, least_bps });
        }
        let bound = terms.bound(side).ok_or(RiskRejection::Overflow)?;
        let bound = spec.passive_price(side, bound).map_err(|_| RiskRejection::Overflow)?;
        let limit = match side {
            Side::Buy => priced.limit.min(bound),
            Side::Sell => priced.limit.max(bound),
        };
        Ok(Priced { limit, reach: reach(spec, side, touch, limit), ..priced })
    }
}
