//! What the engine shows: the state that a starting strategy is given, and views for people.

mod earned;

use crate::Engine;
use crate::market::DataState;
use crate::reports::order_update;
use crate::strategy::{Holding, StrategySlot};
use hedgerow_model::view::{AccountView, InstrumentView, OrderView, PositionView, StrategyView};
use hedgerow_model::{
    AccountId, BalanceUpdate, Decimal, HostTime, Instrument, InstrumentId, Order, OrderStatus,
    OrderUpdate, PLAN_ORDERS, Position, PositionUpdate, Quantity, ResumedState, RiskRejection,
    Scope, Side, StrategyId, TradingMode,
};

impl Engine {
    /// What a strategy is told first: its orders, positions, timers and mode.
    #[must_use]
    pub fn resumed(&self, strategy: StrategyId) -> ResumedState {
        let Some(slot) = self.strategies.get(strategy.index()) else {
            return ResumedState::default();
        };
        let position = |holding: &Holding| {
            let spec = self.config.instrument(holding.instrument)?;
            let entry = holding.position.entry(spec)?;
            let quantity = holding.position.quantity;
            Some(PositionUpdate { instrument: holding.instrument, quantity, entry })
        };
        let own = slot.orders.range(..PLAN_ORDERS).map(|(_, known)| known);
        let orders = own.map(|known| order_update(&known.order, 0));
        let waiting = self.waiting_replacements(strategy);
        let waiting = waiting.map(|order| OrderUpdate::unfilled(&order, OrderStatus::PendingNew));
        ResumedState {
            orders: orders.chain(waiting).collect(),
            positions: slot.holdings.iter().filter_map(position).collect(),
            balances: slot.accounts().into_iter().flat_map(|id| self.balances_of(id)).collect(),
            plans: self.plan_messages(strategy),
            timers: self.timers.of(strategy).collect(),
            funding: slot.holdings.iter().filter_map(|holding| holding.funding).collect(),
            mode: self.mode_of(strategy),
        }
    }

    /// Orders of a strategy that are not finished.
    pub fn live_orders_of(&self, strategy: StrategyId) -> impl Iterator<Item = &Order> {
        let slot = self.strategies.get(strategy.index());
        let all = slot.into_iter().flat_map(|slot| slot.orders.values());
        all.map(|known| &known.order)
    }

    /// The account on which a strategy trades an instrument.
    #[must_use]
    pub fn account_of(&self, strategy: StrategyId, instrument: InstrumentId) -> Option<AccountId> {
        Some(self.strategies.get(strategy.index())?.holding(instrument)?.account)
    }

    /// What live and unknown orders of a strategy in an instrument may still buy and sell.
    #[must_use]
    pub fn reserved(&self, strategy: StrategyId, instrument: InstrumentId) -> (Quantity, Quantity) {
        let slot = self.strategies.get(strategy.index());
        let holding = slot.and_then(|slot| slot.holding(instrument));
        let open = holding.map_or((0, 0), |held| (held.open(Side::Buy), held.open(Side::Sell)));
        (Quantity::from_units(open.0), Quantity::from_units(open.1))
    }

    /// An amendment of a live order that its venue has not answered.
    #[must_use]
    pub fn amending(&self, strategy: StrategyId, number: u64) -> Option<hedgerow_model::Amend> {
        self.strategies.get(strategy.index())?.orders.get(&number)?.amending
    }

    /// How many orders are to end and have not: their cancel is not answered, or was refused.
    #[must_use]
    pub fn cancels_under_way(&self) -> usize {
        let orders = self.strategies.iter().flat_map(|slot| slot.orders.values());
        let ends = |known: &&crate::strategy::OrderSlot| {
            let asked = known.cancel_wanted || known.order.status == OrderStatus::PendingCancel;
            asked || known.must_end
        };
        orders.filter(ends).count()
    }

    fn balances_of(&self, account: AccountId) -> Vec<BalanceUpdate> {
        let known = self.balances.iter().filter(|((whose, _), _)| *whose == account);
        let update = |((account, asset), (total, available)): (&(AccountId, String), &_)| {
            let (account, asset) = (*account, asset.clone());
            BalanceUpdate { account, asset, total: *total, available: *available }
        };
        known.map(update).collect()
    }

    /// The host's own mode.
    #[must_use]
    pub fn host_mode(&self) -> TradingMode {
        self.modes.of(Scope::Host)
    }

    /// The time of the newest input.
    #[must_use]
    pub fn now(&self) -> HostTime {
        self.now
    }

    /// Orders approved, denied, and fills booked by a strategy.
    #[must_use]
    pub fn counts(&self, strategy: StrategyId) -> (u64, u64, u64) {
        self.strategies
            .get(strategy.index())
            .map_or((0, 0, 0), |slot| (slot.approved, slot.denied, slot.fills))
    }

    /// The positions of a strategy, with the instrument and its mark.
    pub fn positions(
        &self,
        strategy: StrategyId,
    ) -> impl Iterator<Item = (&Instrument, &Position, Option<Decimal>)> {
        let holdings = self.strategies.get(strategy.index()).map(|s| s.holdings.as_slice());
        holdings.unwrap_or_default().iter().filter_map(|holding| {
            let spec = self.config.instrument(holding.instrument)?;
            Some((spec, &holding.position, self.mark(spec)))
        })
    }

    fn mark(&self, spec: &Instrument) -> Option<Decimal> {
        self.markets.get(spec.id)?.mark(spec)
    }

    pub(crate) fn name(&self, spec: &Instrument) -> String {
        let venue = self.config.venues.get(spec.venue.index()).map_or("?", String::as_str);
        format!("{venue}:{}", spec.symbol)
    }

    /// Every market, for people.
    #[must_use]
    pub fn instrument_views(&self) -> Vec<InstrumentView> {
        let view = |spec: &Instrument| {
            let market = self.markets.get(spec.id)?;
            let touch = |side| market.touch(side).map(|price| spec.price(price));
            Some(InstrumentView {
                id: spec.id,
                name: self.name(spec),
                bid: touch(Side::Buy),
                ask: touch(Side::Sell),
                mark: self.mark(spec),
                as_of: market.received,
                stale: market.state != DataState::Fresh,
                mode: self.modes.of(Scope::Instrument(spec.id)),
                expiry: spec.kind.expiry(),
            })
        };
        self.config.instruments.iter().filter_map(view).collect()
    }

    /// Every account, for people.
    #[must_use]
    pub fn account_views(&self) -> Vec<AccountView> {
        self.config.accounts.iter().map(|account| self.account_view(account)).collect()
    }

    /// Why something was refused, with figures as people write them.
    pub(crate) fn refusal_in_words(&self, of: InstrumentId, reason: &RiskRejection) -> String {
        let spec = self.config.instrument(of);
        spec.map_or_else(|| reason.to_string(), |spec| reason.in_words(spec))
    }

    /// What is not well with the whole, one sentence each.
    #[must_use]
    pub fn conditions(&self) -> Vec<String> {
        let accounts = self.config.accounts.iter().filter(|a| !self.is_reconciled(a.id));
        let unknown = accounts
            .map(|a| format!("account {}: its venue has not told what is, nothing opens", a.name));
        let mode = self.modes_in_words();
        let flattening = self.flattening_in_words();
        let guards = self.alerts().into_iter().chain(self.unseen_by_guards());
        let journal = self.journal_failed.then(|| "the journal cannot be written".to_owned());
        let (odd, last) = &self.odd;
        let odd =
            (*odd > 0).then(|| format!("{odd} discrepancies in the journal, the last: {last}"));
        let repaired = self.plans.repaired();
        let repaired = (repaired > 0).then(|| {
            format!("pairs repaired or stuck lately: {repaired}; see journal query incidents")
        });
        let held = self.truth.unknown.iter().map(|((account, id), more)| {
            let (name, more) = self.in_words(*id, *more);
            let on = self.scope_in_words(Scope::Account(*account));
            format!("{on}: {more} in {name} is nobody's here, nothing opens: adopt or ignore it")
        });
        let ignored = self.external.iter().map(|((account, id), held)| {
            let (name, held) = self.in_words(*id, *held);
            let on = self.scope_in_words(Scope::Account(*account));
            format!(
                "{on}: {held} in {name} is ignored, as somebody else's (adopt --ignored undoes it)"
            )
        });
        let foreign = self.truth.foreign.keys().map(|(account, id)| {
            let (name, _) = self.in_words(*id, hedgerow_model::Quantity::ZERO);
            let on = self.scope_in_words(Scope::Account(*account));
            format!("{on}: orders of somebody else rest in {name}")
        });
        let hedged = self.truth.hedged.iter().map(|(account, _)| {
            let on = self.scope_in_words(Scope::Account(*account));
            format!("{on}: in hedge mode, nothing is traded: switch it to one-way at its venue")
        });
        unknown
            .chain(hedged)
            .chain(held)
            .chain(ignored)
            .chain(foreign)
            .chain(mode)
            .chain(flattening)
            .chain(guards)
            .chain(journal)
            .chain(odd)
            .chain(repaired)
            .collect()
    }

    /// One strategy, for people. What the engine does not know is left empty.
    #[must_use]
    pub fn strategy_view(&self, strategy: StrategyId) -> Option<StrategyView> {
        let slot = self.strategies.get(strategy.index())?;
        let config = self.config.strategies.get(strategy.index())?;
        Some(StrategyView {
            id: strategy,
            name: config.name.clone(),
            state: hedgerow_model::view::StrategyState::Running,
            mode: self.mode_of(strategy),
            why: slot.quarantine_why.clone().or_else(|| self.why(strategy)),
            refused: slot.refused.clone(),
            candidate: None,
            pairs: self.pair_views(strategy),
            trial: slot.trial.clone(),
            plans: self.plan_views(strategy),
            last_denial: slot.last_denial.as_ref().map(|(_, why)| why.clone()),
            denied_at: slot.last_denial.as_ref().map_or(HostTime::EPOCH, |(at, _)| *at),
            component: String::new(),
            hash: String::new(),
            calls: 0,
            faults: slot.faults,
            orders: slot.approved,
            denied: slot.denied,
            fills: slot.fills,
            positions: slot.holdings.iter().filter_map(|h| self.position_view(h)).collect(),
            open_orders: self.order_views(slot),
            as_of: slot.active,
            status: slot.said.clone(),
        })
    }

    fn position_view(&self, holding: &Holding) -> Option<PositionView> {
        let spec = self.config.instrument(holding.instrument)?;
        let position = &holding.position;
        Some(PositionView {
            instrument: spec.id,
            name: self.name(spec),
            quantity: spec.quantity(position.quantity),
            entry: position.entry(spec),
            settle: spec.settle.clone(),
            realised: position.realised,
            unrealised: self.unrealised(spec, position),
            fees: position.fees,
            other_fees: position.other_fees.clone(),
            funding: position.funding,
            interest: position.interest,
            funding_expected: self.expected_funding(holding, spec),
            as_of: self.markets.get(spec.id).map_or(HostTime::EPOCH, |market| market.received),
            expiry: spec.kind.expiry(),
            delivered: Self::delivered_at(holding, spec).map(|price| spec.price(price)),
        })
    }

    fn order_views(&self, slot: &StrategySlot) -> Vec<OrderView> {
        let view = |known: &crate::strategy::OrderSlot| {
            let order = &known.order;
            let spec = self.config.instrument(order.request.instrument)?;
            Some(OrderView {
                number: order.request.number,
                instrument: spec.id,
                side: order.request.side,
                price: spec.price(order.request.price),
                quantity: spec.quantity(order.request.quantity),
                filled: spec.quantity(order.filled),
                status: order.status,
                as_of: order.created,
            })
        };
        slot.orders.values().filter_map(view).collect()
    }
}
