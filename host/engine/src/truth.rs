//! What is being found out about venues: questions under way, what is doubted, what was claimed.
//!
//! Nothing here is a fact, and nothing survives a restart: a host that starts again asks about
//! everything anew. What was found out is a fact before anything follows from it.

use crate::checks::Check;
use crate::{Engine, config::Asks};
use hedgerow_model::{
    AccountId, ClientOrderId, Decimal, HostTime, InstrumentId, InstrumentKind, PositionMode,
    Quantity, StrategyId, VenueEvent, VenueId, VenueTime, WireId,
};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is being found out.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    /// Facts were folded since the last input.
    pub(crate) restored: bool,
    /// The newest question's number.
    nonce: u64,
    pub(crate) doubts: BTreeMap<ClientOrderId, Doubt>,
    /// Orders whose end was inferred: how many cancels were sent since, and when the next is due.
    pub(crate) linger: BTreeMap<ClientOrderId, (u8, HostTime)>,
    /// Cancels that were refused and must come true: how often, and when the next is due.
    pub(crate) again: BTreeMap<ClientOrderId, (u8, HostTime)>,
    /// Accounts of which everything was told since this process began.
    pub(crate) told: BTreeSet<AccountId>,
    pub(crate) checks: BTreeMap<AccountId, Check>,
    /// Orders of others, as last told: what they may still buy and sell.
    pub(crate) foreign: BTreeMap<(AccountId, InstrumentId), ForeignOrders>,
    /// Positions that nobody here accounts for, until an operator says whose they are.
    pub(crate) unknown: BTreeMap<(AccountId, InstrumentId), Quantity>,
    /// Accounts that hold long and short side by side at a venue: not traded on there.
    pub(crate) hedged: BTreeSet<(AccountId, VenueId)>,
    /// The newest statement of its venue about an order: older ones say nothing any more.
    pub(crate) stated: BTreeMap<(AccountId, WireId), Statement>,
    /// When a venue's newest terms of an instrument were in force.
    pub(crate) terms_at: BTreeMap<InstrumentId, VenueTime>,
}

/// What orders of others may still do in an instrument, units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ForeignOrders {
    pub(crate) buy: i64,
    pub(crate) sell: i64,
}

/// How statements about one order follow each other: by the venue's time, then by what had filled,
/// then by how far it was.
pub(crate) type Statement = (VenueTime, i64, u8);

/// What is asked about an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum About {
    /// How it stands.
    #[default]
    Order,
    /// Its trades and its end.
    Trades,
}

/// An order that its venue is asked about by itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doubt {
    /// The question under way.
    pub(crate) nonce: Option<u64>,
    /// When it was asked.
    pub(crate) asked: HostTime,
    /// When it is asked again: nobody answered, or the answer was not enough.
    pub(crate) at: HostTime,
    /// An answer before this would not count.
    pub(crate) not_before: HostTime,
    pub(crate) about: About,
    /// How often it was not found, late enough.
    pub(crate) lost: u8,
    /// How often the question failed in a row.
    pub(crate) failed: u8,
    /// History and trades were searched since.
    pub(crate) searched: bool,
    /// What the venue says had filled, when that is more than was heard.
    pub(crate) claim: Option<Claim>,
}

/// More had filled than was heard.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) filled: Quantity,
    pub(crate) average: Option<Decimal>,
    pub(crate) happened: VenueTime,
    /// How often its trades were asked for.
    pub(crate) asked: u8,
    /// The trades did not come: this is asked once more for the average.
    pub(crate) last: bool,
}

impl Engine {
    /// A number that no question had: above all earlier ones, those of other processes too.
    pub(crate) fn next_nonce(&mut self, now: HostTime) -> u64 {
        let next = self.truth.nonce.saturating_add(1).max(now.as_nanos());
        self.truth.nonce = next;
        next
    }

    pub(crate) fn asks(&self, account: AccountId) -> Asks {
        let known = self.config.accounts.get(account.index());
        known.map(|account| account.asks).unwrap_or_default()
    }

    /// When something is to be asked or sent again.
    pub(crate) fn next_of_truth(&self) -> Option<HostTime> {
        let doubts = self.truth.doubts.values().map(|doubt| doubt.at);
        let linger = self.truth.linger.values().map(|(_, at)| *at);
        let checks = self.truth.checks.values().map(Check::next);
        let again = self.truth.again.values().map(|(_, at)| *at);
        doubts.chain(linger).chain(again).chain(checks).filter(|at| *at != HostTime::NEVER).min()
    }

    /// Whether an account holds long and short side by side where an instrument trades.
    pub(crate) fn is_hedged(&self, account: AccountId, instrument: InstrumentId) -> bool {
        let spec = self.config.instrument(instrument);
        let derivative = spec.filter(|spec| spec.kind != InstrumentKind::Spot);
        derivative.is_some_and(|spec| self.truth.hedged.contains(&(account, spec.venue)))
    }

    /// How an account holds positions at a venue.
    pub(crate) fn on_position_mode(&mut self, event: &VenueEvent, mode: PositionMode) {
        let key = (event.account, event.venue);
        match mode {
            PositionMode::Hedge => self.truth.hedged.insert(key),
            PositionMode::OneWay => self.truth.hedged.remove(&key),
        };
    }

    /// Whether an account holds positions that nobody here accounts for.
    pub(crate) fn has_unknown_positions(&self, account: AccountId) -> bool {
        self.truth.unknown.keys().any(|(whose, _)| *whose == account)
    }

    /// What is held and open on an account in an instrument that is not ours: signed position, and
    /// what foreign orders may still buy and sell. It is part of the account's risk and of no
    /// strategy's position.
    #[must_use]
    pub fn foreign(
        &self,
        account: AccountId,
        instrument: InstrumentId,
    ) -> (Quantity, Quantity, Quantity) {
        let key = (account, instrument);
        let ignored = self.external.get(&key).copied().unwrap_or_default();
        let unknown = self.truth.unknown.get(&key).copied().unwrap_or_default();
        let held = ignored.units().saturating_add(unknown.units());
        let orders = self.truth.foreign.get(&key).copied().unwrap_or_default();
        let of = Quantity::from_units;
        (of(held), of(orders.buy), of(orders.sell))
    }

    /// Where anything is held or open that is not ours.
    pub(crate) fn foreign_keys(&self) -> BTreeSet<(AccountId, InstrumentId)> {
        let ignored = self.external.keys().chain(self.truth.unknown.keys());
        ignored.chain(self.truth.foreign.keys()).copied().collect()
    }

    /// The strategy that holds an instrument on an account: there is at most one.
    pub(crate) fn owner_of(
        &self,
        account: AccountId,
        instrument: InstrumentId,
    ) -> Option<StrategyId> {
        let slots = (0_u32..).map(StrategyId).zip(&self.strategies);
        let mut owners = slots.filter(|(_, slot)| {
            slot.holding(instrument).is_some_and(|holding| holding.account == account)
        });
        owners.next().map(|(id, _)| id)
    }
}
