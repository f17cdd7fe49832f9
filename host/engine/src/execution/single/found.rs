//! What the first order of an opening finds, against what the operator allows.

use super::SingleSlot;
use super::send::{At, Wanted};
use crate::Engine;
use crate::execution::PlanKey;
use crate::execution::opening::Found;
use crate::execution::price::cost_bps;
use hedgerow_model::{HostTime, Instrument, Price, RiskRejection};

impl Engine {
    /// What the first order of an opening finds: of one that takes, or rests where it takes.
    pub(super) fn found(
        &self,
        now: HostTime,
        (key, slot): (PlanKey, &SingleSlot),
        spec: &Instrument,
        (first, price): (&Wanted, Price),
    ) -> Result<Found, RiskRejection> {
        let (side, quantity) = (slot.plan.side, first.quantity);
        let middle = self.middle(now, spec)?;
        let spread_bps = self.spread_bps(spec, middle);
        let offer = self.offer(spec, side, (quantity, price));
        let Some(offer) = offer.filter(|o| o.fillable.is_positive() && !first.post_only) else {
            return Ok(Found { spread_bps, takes: None });
        };
        // all that is displayed within its reach, however little of it is needed
        let wide = match first.at {
            At::Beyond(give, true) => {
                let wanted = Wanted { at: At::Beyond(give, false), ..*first };
                self.price_at(now, spec, (key, slot), &wanted)?.price
            }
            _ => price,
        };
        let wide = self.offer(spec, side, (quantity, wide));
        let displayed = wide.map_or(offer.displayed, |wide| wide.displayed);
        let cost = cost_bps(side, offer.average, middle).ok_or(RiskRejection::Overflow)?;
        Ok(Found { spread_bps, takes: Some((cost, quantity, displayed)) })
    }
}
