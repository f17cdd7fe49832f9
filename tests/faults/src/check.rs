//! What must hold, compared with the venues' own truth.

use crate::script::Script;
use crate::shared::Shared;
use crate::venues::{Venues, Way};
use hedgerow_engine::Engine;
use hedgerow_model::{
    AccountId, Fact, InstrumentId, OrderFact, Quantity, Side, Stamped, StrategyId, TradeId,
    VenueEvent, VenueReport, WireId,
};
use hedgerow_simulator::paper::Request;
use std::collections::BTreeMap;

/// Whether a fact approves the order behind a key.
#[must_use]
pub fn approves(stamped: &Stamped, (account, wire): (AccountId, WireId)) -> bool {
    matches!(&stamped.fact, Fact::Order { fact: OrderFact::Approved(order), .. }
        if order.account == account && order.wire == wire)
}

/// Each strategy's instruments.
fn traded(script: &Script) -> impl Iterator<Item = (StrategyId, InstrumentId, AccountId)> + '_ {
    let of = |spec: &hedgerow_model::Instrument| {
        (script.owner(spec.id), spec.id, script.account(spec.id))
    };
    script.instruments.iter().map(of)
}

impl Venues {
    /// What could still trade at the venue at most, per side: what rests, and what is on its way
    /// there; but not of orders whose facts are lost.
    fn worst(&self, account: AccountId, side: Side) -> i64 {
        let mut open: BTreeMap<WireId, i64> = BTreeMap::new();
        let resting: BTreeMap<WireId, (i64, i64)> = self
            .inner
            .resting()
            .filter(|rests| rests.account == account && rests.side == side)
            .map(|rests| (rests.wire, (rests.remaining, rests.filled)))
            .collect();
        open.extend(resting.iter().map(|(wire, (remaining, _))| (*wire, *remaining)));
        for way in self.queue.values() {
            match way {
                Way::Request(Request::Place(order), _)
                    if order.account == account && order.request.side == side =>
                {
                    open.insert(order.wire, order.request.quantity.units());
                }
                Way::Request(Request::Amend { account: of, wire, amend, .. }, _)
                    if *of == account =>
                {
                    if let Some((remaining, filled)) = resting.get(wire) {
                        let more = amend.quantity.units() - filled;
                        open.insert(*wire, more.max(*remaining));
                    }
                }
                _ => {}
            }
        }
        let known = |(wire, _): &(&WireId, &i64)| !self.lost.contains(&(account, **wire));
        open.iter().filter(known).map(|(_, units)| units).sum()
    }

    /// Whether nothing but orders has changed what an account has, as far as the host has heard.
    pub(crate) fn is_known(&self, now: u64, account: AccountId) -> bool {
        let Some(session) = self.sessions.get(account.index()) else { return false };
        let tracker = self.shared.tracker.borrow();
        let heard = |(trade, quantity): (&TradeId, &Quantity)| {
            let ours = tracker.forced.get(&(account, *trade));
            let rest = session.shared_out.get(trade).copied().unwrap_or(0);
            ours.is_some_and(|(own, _)| own.units() + rest == quantity.units())
        };
        // a delivery is a venue's truth before it is an event of it
        let over = session.delivered || self.awaits_delivery(now, account);
        let settled = !over || tracker.delivered.contains(&account);
        // an adoption on a full disk is no fact yet
        let adopts = |stamped: &Stamped| match stamped.fact {
            Fact::Adopted { account: of, .. } => of == Some(account),
            _ => false,
        };
        let told = !self.shared.disk.borrow().aside.iter().any(adopts);
        let clear = told && !session.grown && now >= session.vague_until;
        settled && clear && session.forced.iter().all(heard)
    }

    /// The engine holds reserved at least the worst that can come of what is at the venue.
    pub(crate) fn check_exposure(&self, engine: &Engine, now: u64) {
        for (strategy, instrument, account) in traded(&self.shared.script) {
            if !self.is_known(now, account) {
                continue;
            }
            // what is not adopted yet the host does not know of
            let unexplained = self.unexplained(account);
            let truth = self.inner.position(account, instrument).quantity.units() - unexplained;
            let ours = engine.positions(strategy).find(|(spec, ..)| spec.id == instrument);
            let ours = ours.map_or(0, |(_, position, _)| position.quantity.units());
            let (buys, sells) = engine.reserved(strategy, instrument);
            let long = truth + self.worst(account, Side::Buy);
            let short = truth - self.worst(account, Side::Sell);
            if long > ours + buys.units() || short < ours - sells.units() {
                self.shared.must_not(
                    now,
                    format!(
                        "reserved in {instrument}: the venue's {truth} may become {short} to \
                         {long}, ours {ours} with {buys} and {sells} open"
                    ),
                );
            }
        }
    }

    /// At the end: the ledger is the venue's, and nothing is left open.
    pub(crate) fn check_ledger(&self, engine: &Engine, now: u64) {
        for (strategy, instrument, account) in traded(&self.shared.script) {
            let truth = self.inner.position(account, instrument);
            let ours = engine.positions(strategy).find(|(spec, ..)| spec.id == instrument);
            let ours = ours.map(|(_, position, _)| position.clone()).unwrap_or_default();
            let spec = &self.shared.script.instruments[instrument.index()];
            if !self.is_same(now, (&ours, account), spec) {
                self.shared.must_not(
                    now,
                    format!("ledger of {instrument}: the venue has {truth:?}, we have {ours:?}"),
                );
            }
            let open = |id: &InstrumentId| *id == instrument;
            let theirs = self.inner.open_orders().iter().filter(|(_, id, _)| open(id)).count();
            let alive: Vec<_> = engine
                .live_orders_of(strategy)
                .filter(|order| order.request.instrument == instrument)
                .collect();
            if theirs > 0 || !alive.is_empty() {
                self.shared.must_not(
                    now,
                    format!("{theirs} orders rest in {instrument}, alive here are {alive:?}"),
                );
            }
        }
    }

    /// Every fill and payment of the venue is a fact, once.
    pub(crate) fn check_facts(&self, now: u64) {
        let disk = self.shared.disk.borrow();
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        let mut inferred: BTreeMap<(AccountId, InstrumentId, Side), i64> = BTreeMap::new();
        let mut approved = std::collections::BTreeSet::new();
        for stamped in &disk.facts {
            match &stamped.fact {
                Fact::Fill { account, instrument, side, quantity, inferred: true, .. } => {
                    *inferred.entry((*account, *instrument, *side)).or_default() +=
                        quantity.units();
                }
                Fact::Fill {
                    account,
                    trade,
                    price,
                    quantity,
                    fee,
                    instrument,
                    side,
                    replaces,
                    ..
                } => {
                    *inferred.entry((*account, *instrument, *side)).or_default() -=
                        replaces.units();
                    let key = format!("fill {account} {trade:?} {price} {quantity} {fee:?}");
                    *seen.entry(key).or_default() += 1;
                }
                Fact::Funding { account, instrument, settlement, amount, .. } => {
                    let key = format!("funding {account} {instrument} {settlement:?} {amount}");
                    *seen.entry(key).or_default() += 1;
                }
                Fact::Forced { account, trade, side, price, quantity, fee, .. } => {
                    let key =
                        format!("forced {account} {trade:?} {side:?} {price} {quantity} {fee:?}");
                    *seen.entry(key).or_default() += 1;
                }
                Fact::Order { fact: OrderFact::Approved(order), .. } => {
                    approved.insert((order.account, order.wire));
                }
                _ => {}
            }
        }
        // all that was inferred has been told since
        if let Some((of, left)) = inferred.into_iter().find(|(_, left)| *left != 0) {
            self.shared.must_not(now, format!("{left} of {of:?} are inferred and never came"));
        }
        for session in &self.sessions {
            for event in &session.history {
                if let VenueReport::Fill { wire, .. } = &event.report
                    && !approved.contains(&(event.account, *wire))
                {
                    continue; // the order was lost with the power; its position is adopted
                }
                let Some(key) = key_of(&self.own_part(event)) else { continue };
                let times = seen.remove(&key).unwrap_or(0);
                if times != 1 {
                    self.shared.must_not(now, format!("{key} is a fact {times} times"));
                }
            }
        }
        self.check_deliveries(now, &disk.facts);
        if let Some((key, _)) = seen.pop_first() {
            self.shared.must_not(now, format!("{key} is a fact and never happened"));
        }
        // and strategies have heard of all of it
        self.shared.never_told().into_iter().for_each(|never| self.shared.must_not(now, never));
    }
}

/// What a venue told of money, as its fact is called.
fn key_of(event: &VenueEvent) -> Option<String> {
    let account = event.account;
    match &event.report {
        VenueReport::Fill { trade, price, quantity, fee, .. } => {
            Some(format!("fill {account} {trade:?} {price} {quantity} {fee:?}"))
        }
        VenueReport::Forced { trade, side, price, quantity, fee, .. } => {
            Some(format!("forced {account} {trade:?} {side:?} {price} {quantity} {fee:?}"))
        }
        VenueReport::FundingPayment { instrument, settlement, amount } => {
            Some(format!("funding {account} {instrument} {settlement:?} {amount}"))
        }
        _ => None,
    }
}

/// What two engines have to agree on, one line for each thing.
#[must_use]
pub fn summary(engine: &Engine, shared: &Shared) -> Vec<String> {
    let mut all = vec![format!("host {}", engine.host_mode())];
    for id in (0..shared.script.strategies).map(StrategyId) {
        all.push(format!("{id} mode {} next {}", engine.mode_of(id), engine.next_order(id)));
        all.push(format!("{id} counts {:?}", engine.counts(id)));
        all.push(format!("{id} quarantined {}", engine.is_quarantined(id)));
        all.push(format!("{id} checkpoint {:?}", engine.checkpoint(id)));
        for order in engine.live_orders_of(id) {
            let amending = engine.amending(id, order.id.number);
            all.push(format!("{order:?} amending {amending:?}"));
        }
        for (spec, position, _) in engine.positions(id) {
            let reserved = engine.reserved(id, spec.id);
            all.push(format!("{} {position:?} reserved {reserved:?}", spec.id));
        }
        all.extend(engine.plan_views(id).iter().map(|plan| format!("{plan:?}")));
        let resumed = engine.resumed(id);
        all.push(format!("timers {:?} funding {:?}", resumed.timers, resumed.funding));
    }
    all
}

/// What the facts alone make: an engine that folds them, as they come, and does nothing else.
pub struct Folded {
    engine: Engine,
    taken: usize,
}

impl Folded {
    /// Before any fact.
    #[must_use]
    pub fn new(script: &Script) -> Self {
        Self { engine: Engine::new(crate::scene::config(script)), taken: 0 }
    }

    /// The facts alone give the same engine.
    pub fn compare(&mut self, engine: &Engine, shared: &Shared, now: u64) {
        let disk = shared.disk.borrow();
        self.engine.restore(disk.facts.get(self.taken..).unwrap_or_default());
        self.taken = disk.facts.len();
        drop(disk);
        let (ours, theirs) = (summary(engine, shared), summary(&self.engine, shared));
        let differs = ours.iter().zip(&theirs).find(|(a, b)| a != b);
        if let Some((a, b)) = differs {
            shared.must_not(now, format!("restored facts differ: live {a} restored {b}"));
        } else if ours.len() != theirs.len() {
            shared.must_not(now, "restored facts give more or fewer things");
        }
    }
}
