//! The folded state as one value: what facts up to some row have made, so that a restart folds only
//! the rows after it.
//!
//! A snapshot is made by an engine that has done nothing but fold, never by one at work: it holds
//! no market data, no question under way, nothing that a restart begins anew. Folding all facts,
//! and taking a snapshot up at any of them and folding the rest, give the same engine
//! (`tests/simulation`).
//!
//! Every struct of the state is taken apart by name here or derives its form: a new field does not
//! compile before it was decided on. One that folding changes must be in the snapshot, and
//! [`SNAPSHOT_VERSION`] grows whenever a field keeps its name and changes its meaning.

use crate::Engine;
use crate::execution::Plans;
use crate::ledger::Pairs;
use crate::leverage::Leverages;
use crate::risk::{CancelCount, Hedges, Modes, Tripped};
use crate::settlements::Settlements;
use crate::strategy::{Holding, OrderSlot, StrategySlot, Traded};
use crate::terms::Given;
use hedgerow_model::{
    AccountId, ClientOrderId, Decimal, Earnings, GuardKey, HostTime, Instrument, InstrumentId,
    Order, Quantity, Rates, Replacement, Scope, StrategyId, TimerId, VenueTime,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The meaning of snapshots this engine writes and reads.
pub const SNAPSHOT_VERSION: u32 = 5;

/// Everything that facts have made.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    version: u32,
    now: HostTime,
    /// As the config had them, and as facts changed them.
    given: Given,
    instruments: Vec<Instrument>,
    modes: Modes,
    /// Guards that have tripped, and the day that each scope is measured from.
    tripped: Vec<(GuardKey, Tripped)>,
    days: Vec<(Scope, u64)>,
    hedges: Hedges,
    /// Where measures begin, the highest profit and the day's, of all forms, as the exposure writes
    /// them.
    measures: Vec<[String; 3]>,
    strategies: Vec<Strategy>,
    timers: Vec<(StrategyId, TimerId, HostTime)>,
    plans: Plans,
    next_wire: BTreeMap<AccountId, u64>,
    /// None in what an earlier host wrote, which had none.
    #[serde(default)]
    replacing: Vec<(ClientOrderId, Replacement)>,
    tombstones: VecDeque<(HostTime, ClientOrderId)>,
    last_fill: BTreeMap<AccountId, VenueTime>,
    told_until: BTreeMap<AccountId, VenueTime>,
    funding_seen: BTreeMap<(AccountId, InstrumentId), Settlements>,
    interest_seen: BTreeMap<(AccountId, String), Settlements>,
    borrow: BTreeMap<(AccountId, String), i64>,
    rates: Rates,
    pairs: Pairs,
    unowned: BTreeMap<AccountId, Earnings>,
    balances: BTreeMap<(AccountId, String), (Decimal, Decimal)>,
    leverages: Leverages,
    external: BTreeMap<(AccountId, InstrumentId), Quantity>,
    odd: (u64, String),
}

/// One strategy.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Strategy {
    next_order: u64,
    next_plan_order: u64,
    holdings: Vec<Holding>,
    orders: BTreeMap<u64, OrderSlot>,
    finished: BTreeMap<u64, Order>,
    traded: BTreeMap<u64, Traded>,
    /// Timers that fired and are in no checkpoint.
    fired: BTreeSet<TimerId>,
    checkpoint: Option<(u32, Vec<u8>)>,
    /// Approved, denied, filled.
    counts: (u64, u64, u64),
    faults: u32,
    component: Option<String>,
    #[serde(default)]
    failed: Vec<(String, String)>,
    quarantined: bool,
    quarantine_why: Option<String>,
    refused: Option<String>,
    trial: Option<String>,
    last_denial: Option<(HostTime, String)>,
    said: Option<String>,
    cancels: CancelCount,
    /// When it last acted; not in what an earlier host wrote.
    #[serde(default)]
    active: HostTime,
}

/// Why a snapshot is not taken up. Folding everything is always right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// It means something else.
    #[error("it is of version {found}, this host reads {SNAPSHOT_VERSION}")]
    Version {
        /// Its version.
        found: u32,
    },
    /// It was folded for other strategies, instruments or roles.
    #[error("it was made for other {what}")]
    Other {
        /// What differs.
        what: &'static str,
    },
    /// A figure in it cannot be read.
    #[error("a figure in it cannot be read: {0}")]
    Figure(String),
}

impl Engine {
    /// The folded state. Of an engine that has only folded.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let Self {
            config,
            given,
            strategies,
            timers,
            plans,
            modes,
            guards,
            hedges,
            next_wire,
            replacing,
            tombstones,
            last_fill,
            told_until,
            funding_seen,
            interest_seen,
            borrow,
            rates,
            pairs,
            unowned,
            balances,
            leverages,
            external,
            odd,
            now,
            exposure,
            by_wire: _, // follows from the orders; the rest begins anew with every host
            tally: _,
            markets: _,
            buckets: _,
            margins: _,
            sights: _,
            funding_counts: _,
            duties: _,
            unreconciled: _,
            truth: _,
            rations: _,
            journal_failed: _,
        } = self;
        Snapshot {
            version: SNAPSHOT_VERSION,
            now: *now,
            given: given.clone(),
            instruments: config.instruments.clone(),
            modes: modes.clone(),
            tripped: guards.tripped.iter().map(|(k, t)| (k.clone(), t.clone())).collect(),
            days: guards.days.iter().map(|(scope, day)| (*scope, *day)).collect(),
            hedges: hedges.clone(),
            measures: exposure.measures(),
            strategies: strategies.iter().map(Self::strategy_part).collect(),
            timers: timers.all().collect(),
            plans: plans.clone(),
            next_wire: next_wire.clone(),
            replacing: replacing.iter().map(|(id, wanted)| (*id, *wanted)).collect(),
            tombstones: tombstones.clone(),
            last_fill: last_fill.clone(),
            told_until: told_until.clone(),
            funding_seen: funding_seen.clone(),
            interest_seen: interest_seen.clone(),
            borrow: borrow.clone(),
            rates: rates.clone(),
            pairs: pairs.clone(),
            unowned: unowned.clone(),
            balances: balances.clone(),
            leverages: leverages.clone(),
            external: external.clone(),
            odd: odd.clone(),
        }
    }

    fn strategy_part(slot: &StrategySlot) -> Strategy {
        let StrategySlot {
            next_order,
            next_plan_order,
            holdings,
            credit,
            orders,
            finished,
            traded,
            checkpoint,
            approved,
            denied,
            fills,
            faults,
            component,
            failed,
            quarantined,
            quarantine_why,
            refused,
            trial,
            last_denial,
            said,
            cancels,
            // as the config says
            limits: _,
            watches: _,
            interest: _,
            // counted again
            timers: _,
            // begins anew with every host
            bucket: _,
            talk: _,
            denials: _,
            written: _,
            active,
        } = slot;
        Strategy {
            active: *active,
            next_order: *next_order,
            next_plan_order: *next_plan_order,
            holdings: holdings.clone(),
            orders: orders.clone(),
            finished: finished.clone(),
            traded: traded.clone(),
            fired: credit.fired.keys().copied().collect(),
            checkpoint: checkpoint.clone(),
            counts: (*approved, *denied, *fills),
            faults: *faults,
            component: component.clone(),
            failed: failed.clone(),
            quarantined: *quarantined,
            quarantine_why: quarantine_why.clone(),
            refused: refused.clone(),
            trial: trial.clone(),
            last_denial: last_denial.clone(),
            said: said.clone(),
            cancels: cancels.clone(),
        }
    }

    /// Takes a snapshot up in an engine that has not run, instead of the facts it was made of. On
    /// an error nothing has changed.
    pub fn take_up(&mut self, snapshot: Snapshot) -> Result<(), SnapshotError> {
        self.fits(&snapshot)?;
        let Snapshot {
            version: _,
            now,
            given,
            instruments,
            modes,
            tripped,
            days,
            hedges,
            measures,
            strategies,
            timers,
            plans,
            next_wire,
            replacing,
            tombstones,
            last_fill,
            told_until,
            funding_seen,
            interest_seen,
            borrow,
            rates,
            pairs,
            unowned,
            balances,
            leverages,
            external,
            odd,
        } = snapshot;
        self.now = now;
        (self.config.instruments, self.given) = (instruments, given);
        self.modes = modes;
        self.exposure.set_measures(&measures);
        self.guards.days = days.into_iter().collect();
        for (key, tripped) in tripped {
            self.note_trip(&key, true);
            self.guards.tripped.insert(key, tripped);
        }
        self.hedges.take_up(hedges);
        (self.plans, self.next_wire, self.tombstones) = (plans.taken_up(), next_wire, tombstones);
        self.replacing = replacing.into_iter().collect();
        (self.last_fill, self.told_until) = (last_fill, told_until);
        self.funding_seen = funding_seen;
        (self.interest_seen, self.borrow) = (interest_seen, borrow);
        (self.rates, self.pairs, self.unowned) = (rates, pairs, unowned);
        (self.balances, self.leverages, self.odd) = (balances, leverages, odd);
        (self.external, self.truth.restored) = (external, true);
        for (id, part) in (0_u32..).map(StrategyId).zip(strategies) {
            self.take_strategy_up(id, part);
        }
        for (strategy, id, at) in timers {
            self.timers.set(strategy, id, at);
            if let Some(slot) = self.strategies.get_mut(strategy.index()) {
                slot.timers = slot.timers.saturating_add(1);
            }
        }
        Ok(())
    }

    fn fits(&self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        if snapshot.version != SNAPSHOT_VERSION {
            return Err(SnapshotError::Version { found: snapshot.version });
        }
        // whatever was edited, lots and minima too: facts folded anew follow the config of now
        if !self.given.is_of_the_same(&snapshot.given) {
            return Err(SnapshotError::Other { what: "instruments" });
        }
        if self.strategies.len() != snapshot.strategies.len() {
            return Err(SnapshotError::Other { what: "strategies" });
        }
        for (slot, part) in self.strategies.iter().zip(&snapshot.strategies) {
            // what a strategy does not trade now was folded nowhere; what it did not trade then,
            // neither
            let key = |holding: &Holding| (holding.instrument, holding.account);
            if !slot.holdings.iter().map(key).eq(part.holdings.iter().map(key)) {
                return Err(SnapshotError::Other { what: "roles of a strategy" });
            }
        }
        if self.exposure.measures().len() != snapshot.measures.len() {
            return Err(SnapshotError::Other { what: "accounts" });
        }
        for figure in snapshot.measures.iter().flatten() {
            figure.parse::<i128>().map_err(|_| SnapshotError::Figure(figure.clone()))?;
        }
        Ok(())
    }

    fn take_strategy_up(&mut self, id: StrategyId, part: Strategy) {
        let Some(slot) = self.strategies.get_mut(id.index()) else { return };
        let Strategy {
            next_order,
            next_plan_order,
            holdings,
            orders,
            finished,
            traded,
            fired,
            checkpoint,
            counts,
            faults,
            component,
            failed,
            quarantined,
            quarantine_why,
            refused,
            trial,
            last_denial,
            said,
            cancels,
            active,
        } = part;
        let live = orders.values().map(|known| &known.order);
        for order in live.chain(finished.values()) {
            self.by_wire.insert((order.account, order.wire), order.id);
        }
        (slot.next_order, slot.next_plan_order) = (next_order, next_plan_order);
        (slot.holdings, slot.orders, slot.finished) = (holdings, orders, finished);
        slot.traded = traded;
        slot.credit.fired = fired.into_iter().map(|id| (id, 0)).collect();
        slot.checkpoint = checkpoint;
        (slot.approved, slot.denied, slot.fills) = counts;
        (slot.faults, slot.component, slot.failed) = (faults, component, failed);
        (slot.quarantined, slot.quarantine_why) = (quarantined, quarantine_why);
        (slot.refused, slot.last_denial, slot.said) = (refused, last_denial, said);
        (slot.cancels, slot.active) = (cancels, active);
        for counted in slot.orders.values().filter_map(|known| known.counted.as_ref()) {
            self.tally.add(counted);
        }
        slot.trial = trial;
        for holding in &slot.holdings {
            if let Some(spec) = self.config.instruments.get(holding.instrument.index()) {
                self.exposure.update(id, spec, &holding.position);
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
