//! What the engine is told once. Limits have no defaults: whoever builds this has been told them.

use crate::limits::{AccountGuards, HostLimits, InstrumentLimits, StrategyGuards};
use crate::writes::WriteLimits;
use hedgerow_model::{
    AccountId, Accounting, Decimal, Duration, Instrument, InstrumentId, Interest, Margin,
    StrategyId, VenueId,
};
use std::collections::BTreeSet;

/// Everything the engine is told.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// By id, without holes.
    pub instruments: Vec<Instrument>,
    /// Venue names, by id.
    pub venues: Vec<String>,
    /// Venues that cannot amend an order: a replacement there is a cancel and a new order.
    pub no_amends: BTreeSet<VenueId>,
    /// By id.
    pub accounts: Vec<AccountConfig>,
    /// By id.
    pub strategies: Vec<StrategyConfig>,
    /// Limits over everything.
    pub host: HostLimits,
    /// Limits of instruments, by id; what is missing at the end has none.
    pub instrument_limits: Vec<InstrumentLimits>,
    /// In what earnings are counted.
    pub accounting: Accounting,
    /// Market data older than this is stale.
    pub stale_after: Duration,
    /// How many ticks a strategy may have before it without having read them, where strategies run
    /// on threads of their own. Nothing: the driver calls them itself, in virtual time.
    pub tick_credit: Option<u32>,
    /// What each strategy may make the host write.
    pub writes: WriteLimits,
}

/// One credential set.
#[derive(Clone, Debug)]
pub struct AccountConfig {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Whether it must be reconciled with its venue before anything opens on it. Simulated venues
    /// in this process begin with nothing and need not be.
    pub reconcile: bool,
    /// How long an order may be on its way so that its venue does not know it yet when it is asked:
    /// one that is younger and not found is asked for again.
    pub settling: Duration,
    /// Its limits and guards.
    pub guards: AccountGuards,
    /// Leverage and margin mode its venue is expected to have in every derivative; a pair opens on
    /// no other, unless it names one. Nothing: only what a pair names is checked.
    pub margin: Option<Margin>,
    /// What else is accepted where a plan names it.
    pub accept: Vec<Margin>,
    /// How its venue is asked.
    pub asks: Asks,
    /// How much may be sent to its venue; nothing: as much as there is.
    pub pools: Vec<PoolConfig>,
}

/// One limit of a venue on how much may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    /// The limit's name, as the venue's session tells it.
    pub name: String,
    /// Weight that may be sent at once.
    pub burst: u32,
    /// In this time all of it comes back, evenly.
    pub per: Duration,
    /// What of it only cancels and reductions may use.
    pub reserve: u32,
    /// How long an order that opens may wait before it is refused, unsent.
    pub wait: Duration,
    /// What each command weighs.
    pub weights: Weights,
}

/// What commands weigh in a pool; zero: they do not draw on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    /// A new order.
    pub place: u32,
    /// A cancel.
    pub cancel: u32,
    /// An amendment.
    pub amend: u32,
    /// A question after one order or its trades.
    pub query: u32,
    /// A question after orders, positions and what happened.
    pub reconcile: u32,
}

/// How a venue is asked about what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asks {
    /// How often an order must not be found before it is taken to be gone.
    pub lookups: u8,
    /// How long until it is asked for again; doubled each time.
    pub pause: Duration,
    /// How long an answer may take before the question is asked again.
    pub patience: Duration,
    /// How often orders in flight and open orders are compared; nothing: only when the stream comes
    /// back.
    pub orders_every: Option<Duration>,
    /// How often positions, balances and payments are compared.
    pub positions_every: Option<Duration>,
}

impl Default for Asks {
    fn default() -> Self {
        Self {
            lookups: 3,
            pause: Duration::from_millis(250),
            patience: Duration::from_secs(5),
            orders_every: None,
            positions_every: None,
        }
    }
}

/// One strategy.
#[derive(Clone, Debug)]
pub struct StrategyConfig {
    /// Its id.
    pub id: StrategyId,
    /// Its name.
    pub name: String,
    /// What it may trade, each once, and on whose account. It is the one owner of these there.
    pub trades: Vec<(InstrumentId, AccountId)>,
    /// What else it watches.
    pub watches: Vec<InstrumentId>,
    /// Which market data it gets.
    pub interest: Interest,
    /// Its limits.
    pub limits: StrategyLimits,
    /// Its guards beside them.
    pub guards: StrategyGuards,
    /// Whether it may change the leverage of what it trades.
    pub may_set_leverage: bool,
    /// What becomes of its open orders when it is stopped.
    pub on_stop: OpenOrders,
    /// What becomes of its open orders when it fails, until it runs again.
    pub on_fault: OpenOrders,
    /// What becomes of them when it has failed so often that it is not called any more.
    pub on_quarantine: OpenOrders,
}

/// What becomes of open orders that nobody looks after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpenOrders {
    /// They are canceled.
    #[default]
    Cancel,
    /// They stay.
    Keep,
}

/// Limits of one strategy. Money is in the quote currency, taken as equal among USD-like ones.
#[derive(Clone, Debug)]
pub struct StrategyLimits {
    /// Worth of one order.
    pub order_notional_max: Decimal,
    /// Worth of the position in one instrument, with all open orders filled the worst way.
    pub position_notional_max: Decimal,
    /// Worth of all positions and open orders together.
    pub gross_notional_max: Decimal,
    /// Live orders.
    pub open_orders_max: u32,
    /// Orders and amendments per second, sustained; one second's worth may come at once.
    pub orders_per_s_max: u32,
    /// Distance of a price from the mark, basis points.
    pub collar_bps: u32,
    /// Loss since the start that stops everything but cancels.
    pub loss_max: Decimal,
    /// Fall from the highest profit that stops opening.
    pub drawdown_max: Decimal,
    /// Timers at once.
    pub timers_max: u32,
}

impl EngineConfig {
    pub(crate) fn instrument(&self, id: InstrumentId) -> Option<&Instrument> {
        self.instruments.get(id.index())
    }

    /// The venue of an instrument.
    #[must_use]
    pub fn venue_of(&self, id: InstrumentId) -> Option<VenueId> {
        self.instrument(id).map(|instrument| instrument.venue)
    }
}
