//! The deterministic core: books, orders, portfolio and risk as one state machine.
//!
//! [`Engine::handle`] is the only way in; effects are values. Time comes from the input alone.
//! There is no IO here, no clock, no randomness, no logging, no floating point, and no iteration
//! over a hash map: the same inputs give the same effects, byte for byte.
//!
//! Every change that must survive a restart goes through a [`Fact`]: `handle` decides, `apply`
//! folds. Restoring is folding the same facts again, or taking up a [`Snapshot`] of what they made.
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::float_arithmetic
    )
)]

mod adopt;
mod apply;
mod checks;
mod claims;
mod compare;
mod components;
mod config;
mod delivery;
mod doubts;
mod endings;
mod execution;
mod expiry;
mod fills;
mod forced;
mod foreign;
mod handover;
mod insist;
mod intents;
mod ledger;
mod leverage;
mod limits;
mod market;
mod portfolio;
mod quiet;
mod reconcile;
mod replace;
mod reports;
mod risk;
mod settlements;
mod snapshot;
mod strategy;
mod terms;
mod timers;
mod truth;
mod view;
mod writes;

pub use config::{
    AccountConfig, Asks, EngineConfig, OpenOrders, PoolConfig, StrategyConfig, StrategyLimits,
    Weights,
};
pub use hedgerow_model::{Fact, GuardAction, Input, OperatorCommand};
pub use limits::{
    AccountGuards, FundingGuard, HostLimits, InstrumentLimits, OpeningLimits, ProfitGuards,
    Reduction, StrategyGuards, Watch,
};
pub use quiet::QuietScan;
pub use snapshot::{SNAPSHOT_VERSION, Snapshot, SnapshotError};
pub use writes::WriteLimits;

use crate::execution::Plans;
use crate::ledger::Pairs;
use crate::market::Markets;
use crate::portfolio::Exposure;
use crate::risk::{Due, Duties, Guards, Hedge, Hedges, Margins, Modes, Sights, Tally, TokenBucket};
use crate::settlements::Settlements;
use crate::strategy::StrategySlot;
use crate::timers::Timers;
use hedgerow_model::{
    AccountId, ClientOrderId, Decimal, Delivery, Earnings, Event, HostTime, InstrumentId,
    PluginStep, Quantity, Rates, Replacement, Scope, Stamped, StrategyId, VenueCommand, VenueTime,
    WireId,
};
use std::collections::{BTreeMap, VecDeque};

/// What follows from an input.
#[derive(Debug, Default)]
pub struct Effects {
    /// To be committed first.
    pub facts: Vec<Stamped>,
    /// To leave after the commit.
    pub commands: Vec<VenueCommand>,
    /// To be delivered after the commit, in order.
    pub deliveries: VecDeque<Delivery>,
}

impl Effects {
    /// Whether nothing follows.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.facts.is_empty() && self.commands.is_empty() && self.deliveries.is_empty()
    }
}

/// The state machine.
#[derive(Debug)]
pub struct Engine {
    config: EngineConfig,
    markets: Markets,
    strategies: Vec<StrategySlot>,
    timers: Timers,
    plans: Plans,
    exposure: Exposure,
    /// What live orders come to.
    tally: Tally,
    /// Orders and amendments per second, of accounts and the host where they are limited.
    buckets: BTreeMap<Scope, TokenBucket>,
    /// Guards that have tripped, and what they are measured from.
    guards: Guards,
    hedges: Hedges,
    /// What venues told of margin.
    margins: Margins,
    sights: Sights,
    /// How many announcements of funding in a row were below a hedge's minimum.
    funding_counts: BTreeMap<Hedge, u32>,
    duties: Duties,
    modes: Modes,
    /// Wire ids of live and recently finished orders.
    by_wire: BTreeMap<(AccountId, WireId), ClientOrderId>,
    next_wire: BTreeMap<AccountId, u64>,
    /// Orders that wait for those whose place they take to be over.
    replacing: BTreeMap<ClientOrderId, Replacement>,
    /// Finished orders and when they may be forgotten.
    tombstones: VecDeque<(HostTime, ClientOrderId)>,
    /// Accounts that are not reconciled, and what is known of those being asked about.
    unreconciled: BTreeMap<AccountId, reconcile::Answer>,
    /// What is being found out about venues.
    truth: truth::Truth,
    rations: risk::Rations,
    /// What of a venue's position an operator said is not ours, per account and instrument.
    external: BTreeMap<(AccountId, InstrumentId), Quantity>,
    given: terms::Given,
    /// When the newest fill of an account happened.
    last_fill: BTreeMap<AccountId, VenueTime>,
    /// By when the venue of an account has told all that happened.
    told_until: BTreeMap<AccountId, VenueTime>,
    /// Settlements of funding that were booked.
    funding_seen: BTreeMap<(AccountId, InstrumentId), Settlements>,
    /// Charges of interest that were booked.
    interest_seen: BTreeMap<(AccountId, String), Settlements>,
    /// What borrowing costs per hour, 1e-15, as venues said last.
    borrow: BTreeMap<(AccountId, String), i64>,
    /// What assets are worth, as facts noted last.
    rates: Rates,
    pairs: Pairs,
    /// Interest on what is nobody's here.
    unowned: BTreeMap<AccountId, Earnings>,
    /// Balances as the venue last told: total and available.
    balances: BTreeMap<(AccountId, String), (Decimal, Decimal)>,
    /// Leverage and margin mode as venues last told.
    leverages: leverage::Leverages,
    /// Set while the journal cannot be written: nothing opens.
    journal_failed: bool,
    /// Discrepancies so far, and the last one.
    odd: (u64, String),
    now: HostTime,
}

impl Engine {
    /// An engine with nothing in it but its configuration.
    #[must_use]
    pub fn new(config: EngineConfig) -> Self {
        let markets = Markets::new(&config);
        let strategies = config.strategies.iter().map(StrategySlot::new).collect();
        let exposure = Exposure::new(&config);
        let must = config.accounts.iter().filter(|account| account.reconcile);
        let unreconciled = must.map(|account| (account.id, reconcile::Answer::default())).collect();
        let rations = risk::Rations::new(&config);
        let given = terms::Given::of(&config.instruments);
        let duties = Duties::unseen(config.strategies.iter().map(|strategy| strategy.id));
        let mut this = Self {
            markets,
            strategies,
            exposure,
            tally: Tally::default(),
            buckets: risk::buckets(&config),
            guards: Guards::default(),
            hedges: Hedges::new(&config),
            margins: Margins::default(),
            sights: Sights::unseen(),
            funding_counts: BTreeMap::new(),
            duties,
            config,
            timers: Timers::default(),
            plans: Plans::default(),
            modes: Modes::default(),
            by_wire: BTreeMap::new(),
            replacing: BTreeMap::new(),
            next_wire: BTreeMap::new(),
            tombstones: VecDeque::new(),
            funding_seen: BTreeMap::new(),
            interest_seen: BTreeMap::new(),
            borrow: BTreeMap::new(),
            rates: Rates::new(),
            pairs: Pairs::default(),
            unowned: BTreeMap::new(),
            balances: BTreeMap::new(),
            leverages: BTreeMap::new(),
            unreconciled,
            truth: truth::Truth::default(),
            rations,
            external: BTreeMap::new(),
            given,
            last_fill: BTreeMap::new(),
            told_until: BTreeMap::new(),
            journal_failed: false,
            odd: (0, String::new()),
            now: HostTime::EPOCH,
        };
        if this.config.tick_credit.is_some() {
            // nobody hears anything yet: `resumed` tells it
            let all = (0_u32..).map(StrategyId).take(this.strategies.len());
            all.for_each(|strategy| this.is_down(strategy));
        }
        this
    }

    /// The only way in.
    pub fn handle(&mut self, input: Input<'_>, effects: &mut Effects) {
        let from = effects.commands.len();
        let due = Due::of(&input);
        self.take(input, effects);
        if std::mem::take(&mut self.truth.restored) {
            self.note_begun(self.now);
        }
        self.ration(from, due, effects);
    }

    fn pass(&mut self, now: HostTime) {
        self.now = self.now.max(now);
    }

    fn take(&mut self, input: Input<'_>, effects: &mut Effects) {
        match input {
            Input::Market(ticks) => self.on_market(ticks, effects),
            Input::Venue(event) => {
                self.now = self.now.max(event.received);
                self.on_report(&event, effects);
            }
            Input::Wake(now) => {
                self.pass(now);
                self.on_wake(now, effects);
            }
            Input::Outcome { now, strategy, first_order, state_version, outcome, .. } => {
                self.pass(now);
                let read = outcome.consumed;
                self.count_answer(strategy, read);
                self.count_writes(now, strategy, &outcome);
                let versions = (first_order, state_version);
                self.on_outcome(now, strategy, versions, outcome, effects);
                self.return_credit(now, strategy, read, effects);
            }
            Input::Fault { now, strategy, fault, next_order } => {
                self.pass(now);
                self.on_fault(now, strategy, fault, next_order, effects);
            }
            Input::CutMarkets { now, strategy } => {
                self.pass(now);
                self.on_cut_markets(now, strategy);
            }
            Input::Shed { now, strategy, ticks } => {
                self.pass(now);
                self.on_shed(now, strategy, ticks, effects);
            }
            Input::Hold { now, strategy, what } => {
                self.pass(now);
                self.on_hold(strategy, what);
            }
            Input::Cut { now, strategy, .. } => {
                self.pass(now);
                self.on_cut(now, strategy);
            }
            Input::Start { now, strategy, from_cut, fault } => {
                self.pass(now);
                self.on_start(now, strategy, from_cut, effects);
                if let Some((kind, count)) = fault {
                    self.deliver(strategy, now, Event::Fault { kind, count }, effects);
                }
            }
            Input::Quarantine { now, strategy, why } => {
                self.pass(now);
                self.on_quarantine(now, strategy, why, effects);
            }
            Input::Asked { now, .. } | Input::Stopping { now, .. } => self.pass(now),
            Input::Stopped { now, strategy } => {
                self.pass(now);
                self.on_stopped(now, strategy, effects);
            }
            Input::Operator { now, command, reason } => {
                self.pass(now);
                self.on_operator(now, &command, reason, effects);
            }
            Input::Note { now, fact } => {
                self.pass(now);
                self.record(now, *fact, effects);
            }
            Input::Journal { failed } => self.journal_failed = failed,
        }
        self.replacements_go_on(effects);
        self.flattening_goes_on(effects);
        self.look_around(effects);
    }

    fn on_quarantine(&mut self, now: HostTime, of: StrategyId, why: String, fx: &mut Effects) {
        let (step, hash) = (PluginStep::Quarantined, String::new());
        let fact = Fact::Plugin { strategy: of, step, hash, detail: why };
        self.record(now, fact, fx);
        self.is_down(of);
        if self.policy(of, |slot| slot.on_quarantine) == OpenOrders::Cancel {
            self.end_orders(now, of, fx);
        }
    }

    /// Folds facts into an engine that has not run. Nothing is emitted.
    pub fn restore<'a>(&mut self, facts: impl IntoIterator<Item = &'a Stamped>) {
        for stamped in facts {
            self.now = self.now.max(stamped.time);
            self.apply(stamped.time, &stamped.fact);
        }
        self.truth.restored = true;
    }

    /// When the engine wants to be woken, if no tick comes first.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<HostTime> {
        let next = [self.next_fixed_wakeup(), self.next_staleness()];
        next.into_iter().flatten().min()
    }

    /// When the first data grows stale if none comes.
    #[must_use]
    pub fn next_staleness(&self) -> Option<HostTime> {
        self.markets.next_staleness()
    }

    /// Wake-ups that do not move with the ticks.
    #[must_use]
    pub fn next_fixed_wakeup(&self) -> Option<HostTime> {
        let next = [
            self.timers.next(),
            self.plans.next(),
            self.next_question(),
            self.next_day(),
            self.next_unhedged(),
            self.next_duty(),
            self.plans.flattening.next(),
            self.next_of_truth(),
            self.rations.next(),
            self.next_refusal(),
        ];
        next.into_iter().flatten().min()
    }

    /// Facts that put ids beyond anything that a process may have used whose last commits were lost
    /// (a power cut): a second's worth of orders many times over.
    #[must_use]
    pub fn id_gap(&self) -> Vec<Stamped> {
        const GAP: u64 = 1_000_000;
        let wires = self.config.accounts.iter().map(|account| {
            let next = self.next_wire.get(&account.id).copied().unwrap_or(1);
            Fact::WireIds { account: account.id, next: WireId(next.saturating_add(GAP)) }
        });
        let numbers = self.config.strategies.iter().map(|strategy| {
            let next = self.next_order(strategy.id).saturating_add(GAP);
            Fact::OrderNumbers { strategy: strategy.id, next }
        });
        let stamp = |fact| Stamped { time: self.now, fact };
        wires.chain(numbers).map(stamp).collect()
    }

    /// Whether the journal cannot be written, as far as the engine was told.
    #[must_use]
    pub fn is_journal_failed(&self) -> bool {
        self.journal_failed
    }

    /// The first order number a strategy has never used.
    #[must_use]
    pub fn next_order(&self, strategy: StrategyId) -> u64 {
        self.strategies.get(strategy.index()).map_or(1, |slot| slot.next_order)
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// A strategy's newest checkpoint: state version and bytes.
    #[must_use]
    pub fn checkpoint(&self, strategy: StrategyId) -> Option<(u32, &[u8])> {
        let slot = self.strategies.get(strategy.index())?;
        slot.checkpoint.as_ref().map(|(version, bytes)| (*version, bytes.as_slice()))
    }

    fn on_stopped(&mut self, now: HostTime, strategy: StrategyId, effects: &mut Effects) {
        let scope = Scope::Strategy(strategy);
        if self.policy(strategy, |slot| slot.on_stop) == OpenOrders::Cancel {
            self.end_orders(now, strategy, effects);
            self.stop_opening_plans(now, strategy, scope, effects);
        }
        // whatever the policy: nobody would hedge what fills
        self.makers_give_up(now, strategy, (scope, true), effects);
    }

    fn policy(
        &self,
        strategy: StrategyId,
        of: impl Fn(&StrategyConfig) -> OpenOrders,
    ) -> OpenOrders {
        self.config.strategies.get(strategy.index()).map_or(OpenOrders::Cancel, of)
    }

    /// Whether a strategy may begin: its account is reconciled, and it is not in quarantine.
    #[must_use]
    pub fn may_start(&self, strategy: StrategyId) -> bool {
        let slot = self.strategies.get(strategy.index());
        slot.is_some_and(|slot| {
            let known = slot.accounts().into_iter().all(|account| self.is_reconciled(account));
            !slot.quarantined && known
        })
    }

    /// Whether a strategy is in quarantine, as far as the facts tell.
    #[must_use]
    pub fn is_quarantined(&self, strategy: StrategyId) -> bool {
        self.strategies.get(strategy.index()).is_some_and(|slot| slot.quarantined)
    }

    fn record(&mut self, time: HostTime, fact: Fact, effects: &mut Effects) {
        self.apply(time, &fact);
        effects.facts.push(Stamped { time, fact });
    }
}

#[cfg(test)]
mod tests;
