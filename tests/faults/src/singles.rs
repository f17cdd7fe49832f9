//! Plans of one leg compared with the venues' own trades: none that reduces has opened anything,
//! and each ended with figures that are the sums of what its orders traded.

use crate::tracker::{Single, Sums, goes_in, is_sum};
use crate::venues::Venues;
use hedgerow_model::{
    AccountId, ClientOrderId, Decimal, HostTime, SinglePhase, VenueEvent, VenueReport, WireId,
};
use std::collections::BTreeMap;

/// Units, value and fees of what traded of each order.
type Trades = BTreeMap<(AccountId, WireId), (i64, Decimal, Decimal)>;

impl Venues {
    /// A fill happens at a venue: what was to reduce does, whatever the position was thought to be.
    pub(crate) fn note_truth(&mut self, event: &VenueEvent) {
        self.note_delivered(event);
        self.note_beside(event);
        if let VenueReport::Forced { trade, side, quantity, .. } = &event.report
            && let Some(session) = self.session(event.account)
        {
            session.forced.insert(*trade, *quantity);
            session.truth += side.sign() * quantity.units();
        }
        let VenueReport::Fill { wire, quantity, .. } = &event.report else { return };
        let known = self.wires.get(&(event.account, *wire)).copied();
        let Some((side, reduce_only)) = known else { return };
        let Some(session) = self.session(event.account) else { return };
        let before = session.truth;
        session.truth += side.sign() * quantity.units();
        if reduce_only && session.truth.abs() > before.abs() {
            let (after, now) = (session.truth, HostTime::as_nanos(event.received));
            self.shared.must_not(now, format!("a reduction went from {before} to {after}"));
        }
    }

    fn trades(&self) -> Trades {
        let mut all = Trades::new();
        for event in self.sessions.iter().flat_map(|session| &session.history) {
            let VenueReport::Fill { wire, instrument, price, quantity, fee, .. } = &event.report
            else {
                continue;
            };
            let spec = &self.shared.script.instruments[instrument.index()];
            let sum = all.entry((event.account, *wire)).or_default();
            sum.0 += quantity.units();
            sum.1 += spec.value(*price, *quantity).unwrap_or_default();
            sum.2 += fee.amount;
        }
        all
    }

    /// At the end: every plan of one leg has ended, with figures that are true.
    pub(crate) fn check_singles(&self, now: u64) {
        let tracker = self.shared.tracker.borrow();
        let trades = self.trades();
        for ((strategy, number), single) in &tracker.singles {
            let Some(result) = single.result.as_ref().filter(|_| single.is_over()) else {
                if self.awaits_delivery(now, single.plan.account) {
                    continue; // what it holds by the facts cannot be closed any more
                }
                self.shared.must_not(now, format!("plan {number} has not ended: {single:?}"));
                continue;
            };
            let of = |order: &u64| {
                let id = ClientOrderId { strategy: *strategy, number: *order };
                let (key, _) = tracker.key_of(id)?;
                trades.get(&key).copied()
            };
            let mut sums = Sums::default();
            for (order, purpose) in &single.orders {
                let Some((units, value, fees)) = of(order) else { continue };
                let sum = if goes_in(*purpose) { &mut sums.0 } else { &mut sums.1 };
                *sum = (sum.0 + units, sum.1 + value, sum.2 + fees);
            }
            if single.is_released() {
                continue; // it was stuck and an operator has taken it over: late fills are his
            }
            if self.is_delivered(single.plan.account) {
                continue; // what was delivered of it is in its figures, and no trade of its orders
            }
            let spec = &self.shared.script.instruments[single.plan.request.instrument().index()];
            if let Err(what) = is_sum(spec, single, result, sums) {
                self.shared.must_not(now, format!("the venue's trades: {what}"));
            }
            // an order that is said to have ended without its late fills is made up for by the next
            if sums.0.0 - single.late() > single.plan.target.units() {
                self.shared.must_not(now, format!("plan {number} traded too much: {single:?}"));
            }
        }
    }
}

impl Single {
    /// Whether it was stuck and an operator has taken over.
    #[must_use]
    pub fn is_released(&self) -> bool {
        self.released
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.phase == SinglePhase::Ended
    }
}
