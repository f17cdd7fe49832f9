//! Cancels are never refused: what a strategy asks to cancel leaves at once, or as soon as the
//! pools and a venue's ban let it, in every mode, behind every guard, on a full disk. An order that
//! is over by then needs none.

use crate::shared::Shared;
use crate::tracker::{HOST_PLANS, Tracker};
use crate::venues::Venues;
use hedgerow_model::{
    AccountId, ClientOrderId, Fact, HostTime, Intent, OrderFact, OrderStatus, Outcome, PLAN_ORDERS,
    PairPhase, RiskRejection, StrategyId, VenueReport, WireId,
};
use std::collections::BTreeMap;

/// How long a pool of a script takes to let one more leave, ns: twelve in two seconds.
const UNIT: u64 = 2_000_000_000 / 12;
/// So many cancels of the host's own may stand before one in the line of a pool.
const OTHERS: u64 = 12;

/// Cancels that strategies have asked for and that have not left yet: since when.
#[derive(Debug, Default)]
pub struct Owed {
    cancels: BTreeMap<ClientOrderId, u64>,
    /// By account: until when its venue has banned the host.
    banned: BTreeMap<AccountId, u64>,
}

impl Tracker {
    /// A cancel is refused where there is nothing to cancel, and for no other reason.
    pub(crate) fn is_denial(
        &mut self,
        strategy: StrategyId,
        intent: &str,
        reason: &RiskRejection,
    ) -> Result<(), String> {
        let cancels = matches!(intent, "cancel" | "cancel-plan" | "cancel-all");
        if cancels && *reason != RiskRejection::UnknownOrder {
            return Err(format!("a {intent} is refused: {reason}"));
        }
        if intent != "cancel-plan" {
            return Ok(());
        }
        match self.over_already.get_mut(&strategy).filter(|count| **count > 0) {
            Some(count) => *count -= 1,
            None => return Err("a plan at work is not given up".into()),
        }
        Ok(())
    }

    /// A strategy gives a plan up: where it is at work that is never refused.
    fn gives_up(&mut self, strategy: StrategyId, plan: u64, full: bool) {
        let key = (strategy, plan);
        let pair = self.plans.get(&key).is_some_and(|plan| plan.phase != PairPhase::Ended);
        let single = self.singles.get(&key).is_some_and(|single| !single.is_over());
        // what the host does by itself nobody gives up
        if full || plan >= HOST_PLANS || !(pair || single) {
            *self.over_already.entry(strategy).or_default() += 1;
        }
    }
}

/// Whether a fact says something of an order that may be its end.
fn moves(fact: &Fact, of: ClientOrderId) -> bool {
    match fact {
        Fact::Fill { id, .. } => *id == of,
        Fact::Order { id, fact } => {
            use OrderFact as F;
            *id == of && !matches!(fact, F::CancelRequested | F::AmendRequested(_) | F::MustEnd)
        }
        _ => false,
    }
}

impl Shared {
    /// A strategy has answered: what it cancels is owed from then on.
    pub(crate) fn note_cancels(&self, now: u64, strategy: StrategyId, outcome: &Outcome) {
        if self.dead.get() {
            return;
        }
        let mut tracker = self.tracker.borrow_mut();
        if !self.full.get() {
            tracker.over_already.remove(&strategy); // what was refused before is a fact
        }
        for intent in &outcome.intents {
            if let Intent::CancelPlan(plan) = intent {
                tracker.gives_up(strategy, *plan, self.full.get());
            }
        }
        // on a full disk another cancel of it may be on its way, and that no fact yet
        let disk = self.disk.borrow();
        let asks = |fact: &Fact, of| {
            matches!(fact,
            Fact::Order { id, fact: OrderFact::CancelRequested } if *id == of)
        };
        let asked_before = |id| disk.aside.iter().any(|stamped| asks(&stamped.fact, id));
        let mut owed = self.owed.borrow_mut();
        let mut owes = |number: u64| {
            let id = ClientOrderId { strategy, number };
            let known = tracker.alive.get(&id);
            let waits = known.is_some_and(|k| k.order.status != OrderStatus::PendingCancel);
            let waits = waits && !asked_before(id);
            if waits && number < PLAN_ORDERS {
                owed.cancels.entry(id).or_insert(now);
                self.coverage.borrow_mut().total("cancels asked for");
            }
        };
        for intent in &outcome.intents {
            match intent {
                Intent::Cancel(number) => owes(*number),
                Intent::CancelAll(instrument) => {
                    let all = tracker.alive.range(
                        ClientOrderId { strategy, number: 0 }..ClientOrderId {
                            strategy,
                            number: PLAN_ORDERS,
                        },
                    );
                    let of =
                        |order: &hedgerow_model::Order| order.request.instrument == *instrument;
                    let all = all.filter(|(_, known)| of(&known.order));
                    all.map(|(id, _)| id.number).for_each(&mut owes);
                }
                _ => {}
            }
        }
    }

    /// A cancel leaves the process.
    pub(crate) fn canceled(&self, account: AccountId, wire: WireId) {
        if let Some(id) = self.tracker.borrow().id_of(account, wire) {
            self.owed.borrow_mut().cancels.remove(&id);
        }
    }

    /// What waited is lost with the process; the next one asks its venues.
    pub(crate) fn owes_nothing(&self) {
        *self.owed.borrow_mut() = Owed::default();
    }

    /// A venue says until when it takes nothing.
    pub(crate) fn note_ban(&self, account: AccountId, now: HostTime, report: &VenueReport) {
        let VenueReport::RateLimited { retry_after, .. } = report else { return };
        let until = now.after(*retry_after).as_nanos();
        let mut owed = self.owed.borrow_mut();
        let known = owed.banned.entry(account).or_default();
        *known = (*known).max(until);
    }
}

impl Venues {
    /// No cancel that was asked for waits for longer than the pools and a ban say.
    pub(crate) fn check_cancels(&self, now: u64) {
        let shared = &self.shared;
        let tracker = shared.tracker.borrow();
        let mut owed = shared.owed.borrow_mut();
        // on a full disk an order may be over and that no fact yet
        let aside = &shared.disk.borrow().aside;
        let moved = |id: &ClientOrderId| aside.iter().any(|stamped| moves(&stamped.fact, *id));
        owed.cancels.retain(|id, _| tracker.alive.contains_key(id) && !moved(id));
        let pools = shared.script.seed % 2 == 1;
        for (id, since) in &owed.cancels {
            let Some(known) = tracker.alive.get(id) else { continue };
            let account = known.order.account;
            let beside = tracker.alive.values().filter(|other| other.order.account == account);
            let line = if pools { (OTHERS + beside.count() as u64) * UNIT } else { 0 };
            let banned = owed.banned.get(&account).copied().unwrap_or(0);
            if now > banned.max(*since) + line {
                let waited = now - since;
                shared.must_not(now, format!("a cancel of {id} has not left for {waited} ns"));
            }
        }
    }
}
