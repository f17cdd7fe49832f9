//! Pairs compared with the venues' own trades: what ended balanced or flat is so.

use crate::tracker::{Plan, Tracker};
use crate::venues::Venues;
use hedgerow_engine::Engine;
use hedgerow_model::{
    AccountId, ClientOrderId, Decimal, PairKind, PairOutcome, PairPhase, Purpose, Quantity,
    StrategyId, VenueReport, WireId,
};
use std::collections::BTreeMap;

/// Of each order: what traded, units, and what that was worth, base units.
type Traded = BTreeMap<(AccountId, WireId), (i64, Decimal)>;

impl Venues {
    /// What traded of each order, units and what they were worth, base units.
    fn traded(&self) -> Traded {
        let mut traded = Traded::new();
        for event in self.sessions.iter().flat_map(|session| &session.history) {
            let VenueReport::Fill { wire, instrument, price, quantity, .. } = &event.report else {
                continue;
            };
            let spec = &self.shared.script.instruments[instrument.index()];
            let (units, worth) = traded.entry((event.account, *wire)).or_default();
            *units += quantity.units();
            *worth += spec.base_quantity(*price, *quantity).unwrap_or_default();
        }
        traded
    }

    /// A pair is balanced, flat, or stuck with an alarm; at the end none is in progress.
    pub(crate) fn check_pairs(&self, engine: &Engine, now: u64) {
        let (tracker, traded) = (self.shared.tracker.borrow(), self.traded());
        for ((strategy, number), known) in &tracker.plans {
            if known.phase != PairPhase::Ended {
                if known.plan.legs.iter().any(|leg| self.awaits_delivery(now, leg.account)) {
                    continue; // what it holds by the facts cannot be closed any more
                }
                let held = engine.mode_of(*strategy);
                self.shared.must_not(now, format!("plan {number} has not ended: {held} {known:?}"));
                continue;
            }
            let stuck = matches!(known.outcome, Some(PairOutcome::Stuck { .. }) | None);
            let delivered = known.plan.legs.iter().any(|leg| self.is_delivered(leg.account));
            if stuck || delivered {
                continue;
            }
            let net = self.net_of(&tracker, (*strategy, known), &traded);
            let apart = apart_of(known, net);
            // what is worth so many coins is rounded
            if apart >= known.plan.step + Decimal::new(1, 9) {
                self.shared.must_not(
                    now,
                    format!(
                        "plan {number} ended {:?} with {apart} apart: {known:?}",
                        known.outcome
                    ),
                );
            }
        }
    }

    /// How much of each leg went through, by its venue's trades, base units.
    fn net_of(
        &self,
        tracker: &Tracker,
        (strategy, known): (StrategyId, &Plan),
        traded: &Traded,
    ) -> [Decimal; 2] {
        let mut net = [Decimal::ZERO; 2];
        for (order, (leg, purpose)) in &known.orders {
            let id = ClientOrderId { strategy, number: *order };
            let Some((key, instrument)) = tracker.key_of(id) else { continue };
            let spec = &self.shared.script.instruments[instrument.index()];
            let planned = &known.plan.legs[usize::from(*leg)];
            let (units, worth) = traded.get(&key).copied().unwrap_or_default();
            let base = match (spec.kind.is_inverse(), known.plan.kind) {
                (false, _) => spec.quantity(Quantity::from_units(units)),
                (true, PairKind::Open) => worth,
                // the part of the hedge that it was entered for
                (true, PairKind::Close) => {
                    let target = Decimal::from(planned.target.units());
                    planned.base * Decimal::from(units) / target
                }
            };
            let sign = if *purpose == Purpose::TakeBack { -1 } else { 1 };
            net[usize::from(*leg)] += base * Decimal::from(sign);
        }
        net
    }
}

/// How far apart the legs of a pair ended, or how much of what it was to close is left, base units.
fn apart_of(known: &Plan, net: [Decimal; 2]) -> Decimal {
    match (known.plan.kind, &known.outcome) {
        // both are closed whole, whatever they were
        (PairKind::Close, Some(PairOutcome::Flat)) => {
            // of both as much may be left as is less than an order can be, of one alone what is
            // less than a lot of now: that stays where a venue makes its lots larger
            let in_base = |leg: usize, units: Quantity| {
                let planned = &known.plan.legs[leg];
                planned.base * Decimal::from(units.units()) / Decimal::from(planned.target.units())
            };
            let rest = |leg: usize| known.plan.legs[leg].base - net[leg];
            // level within the lots of its end
            let lots = [0, 1].map(|leg| in_base(leg, known.least[leg].0));
            let level = (rest(0) - rest(1)).abs() < known.plan.step.max(lots[0]).max(lots[1]);
            let dust = |leg: usize| {
                let (lot, least) = known.least[leg];
                in_base(leg, if level { least } else { lot })
            };
            let left = |leg: usize| {
                let left = rest(leg);
                if left < dust(leg) { left.min(Decimal::ZERO) } else { left }
            };
            let behind = usize::from(net[0] > net[1]);
            // one that was closed by too much is followed while anything is held
            let followed = (net[0] - net[1]).abs();
            let held = known.left[behind] != 0 && left(1 - behind) < Decimal::ZERO;
            match known.late {
                false => left(0).abs().max(left(1).abs()),
                true if held => left(0).max(left(1)).max(followed),
                true => left(0).max(left(1)),
            }
        }
        _ => (net[0] - net[1]).abs(),
    }
}
