//! The gate: every order and amendment passes here, in one fixed order of checks, or is denied with
//! the first reason found. There is no way around it: only this file can make an [`Approved`]
//! value.
//!
//! Fails closed: an unknown instrument, a missing price, stale data or a number that does not fit
//! is a denial. Cost does not grow with the number of past orders: sums are kept as orders come and
//! go.

use super::worst::{Beside, Wanted, Worst};
use super::{
    band, cancel_ratio, collar, gross, leverage, liquidation, net, notional, open_orders, position,
    safe_leverage, self_cross, stale, venue_health,
};
use crate::strategy::Holding;
use crate::{AccountGuards, Engine, InstrumentLimits};
use hedgerow_model::{
    AccountId, Action, Amend, Approved, ClientOrderId, Decimal, HostTime, Instrument,
    InstrumentKind, NewOrder, Order, OrderStatus, PLAN_ORDERS, Price, Quantity, RiskRejection,
    Scope, StrategyId, TradingMode, WireId,
};

const NO_LIMITS: InstrumentLimits =
    InstrumentLimits { order_notional_max: None, position_notional_max: None };

/// The figures of an order that limits look at.
pub(crate) struct Asked {
    pub(crate) side: hedgerow_model::Side,
    pub(crate) price: Price,
    pub(crate) quantity: Quantity,
    /// Already reserved by the order this one changes.
    pub(crate) held: i64,
    pub(crate) held_notional: Decimal,
    pub(crate) reduce_only: bool,
    /// One more order, not a change of one.
    pub(crate) is_new: bool,
    /// What a plan does with it; nothing: it is the strategy's own.
    pub(crate) action: Option<Action>,
    /// It may only be one of two reduce-only orders of which its venue lets the one act that
    /// offsets the position: what it is judged by is what it would be if it did not reduce.
    pub(crate) offsets: bool,
    /// What will leave beside it.
    pub(crate) beside: Beside,
}

impl Asked {
    /// A new order.
    pub(crate) fn of(
        side: hedgerow_model::Side,
        price: Price,
        quantity: Quantity,
        reduce_only: bool,
    ) -> Self {
        let (held, held_notional) = (0, Decimal::ZERO);
        let (is_new, action, beside) = (true, None, Beside::default());
        let offsets = false;
        Self {
            side,
            price,
            quantity,
            held,
            held_notional,
            reduce_only,
            is_new,
            action,
            offsets,
            beside,
        }
    }
}

impl Engine {
    /// Judges a new order.
    pub(crate) fn approve(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        request: &NewOrder,
        action: Option<Action>,
    ) -> Result<Approved<Order>, RiskRejection> {
        let NewOrder { side, price, quantity, flags, .. } = *request;
        let asked = Asked { action, ..Asked::of(side, price, quantity, flags.reduce_only) };
        self.approve_as(now, strategy, request, &asked)
    }

    /// Judges the reduce-only order of the other side that a venue wants beside the one that
    /// closes: every limit holds for it as if it opened.
    pub(crate) fn approve_offsetting(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        request: &NewOrder,
    ) -> Result<Approved<Order>, RiskRejection> {
        let NewOrder { side, price, quantity, .. } = *request;
        let action = Some(Action::PlanUnwinds);
        let asked = Asked { action, offsets: true, ..Asked::of(side, price, quantity, true) };
        self.approve_as(now, strategy, request, &asked)
    }

    fn approve_as(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        request: &NewOrder,
        asked: &Asked,
    ) -> Result<Approved<Order>, RiskRejection> {
        let (account, reduces) = self.judge(now, strategy, request.instrument, asked)?;
        let wire = WireId(self.next_wire.get(&account).copied().unwrap_or(1));
        // the kill latch lets through what bears this seal: it can do nothing but reduce
        let flattens = asked.action == Some(Action::OperatorFlattens);
        let seal = match flattens && reduces && request.flags.reduce_only {
            true => Approved::flattening_seal_by_gate,
            false => Approved::seal_by_gate,
        };
        Ok(seal(Order {
            id: ClientOrderId { strategy, number: request.number },
            wire,
            venue_id: None,
            account,
            request: *request,
            status: OrderStatus::PendingNew,
            filled: Quantity::ZERO,
            created: now,
        }))
    }

    /// Judges an amendment of a live order.
    pub(crate) fn approve_amend(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        amend: &Amend,
    ) -> Result<Approved<Amend>, RiskRejection> {
        let slot = self.strategies.get(strategy.index()).ok_or(RiskRejection::UnknownInstrument)?;
        let known = slot.orders.get(&amend.order).filter(|_| amend.order < PLAN_ORDERS);
        let known = known.ok_or(RiskRejection::UnknownOrder)?;
        // with one on its way whose outcome is not known a second one would hide what that may do
        let working = known.amending.is_none()
            && matches!(known.order.status, OrderStatus::Open | OrderStatus::PartiallyFilled);
        let left = amend.quantity.checked_sub(known.order.filled).ok_or(RiskRejection::Overflow)?;
        if !working || !left.is_positive() {
            return Err(RiskRejection::NotAmendable);
        }
        let request = known.order.request;
        let asked = Asked {
            held: known.reserved,
            held_notional: known.reserved_notional,
            is_new: false,
            ..Asked::of(request.side, amend.price, left, request.flags.reduce_only)
        };
        self.judge(now, strategy, request.instrument, &asked)?;
        Ok(Approved::seal_by_gate(*amend))
    }

    /// Whether an order would pass every guard now; nothing is counted and nothing leaves.
    pub fn would_pass(
        &self,
        now: HostTime,
        strategy: StrategyId,
        request: &NewOrder,
    ) -> Result<(), RiskRejection> {
        let NewOrder { side, price, quantity, flags, .. } = *request;
        let asked = Asked::of(side, price, quantity, flags.reduce_only);
        let (account, reduces) = self.weigh(now, strategy, request.instrument, &asked)?;
        self.has_tokens(now, (strategy, account), reduces)
    }

    /// Whether an order that was approved can only reduce, with all that is open beside it.
    #[must_use]
    pub fn is_reduction(&self, order: &Order) -> bool {
        let slot = self.strategies.get(order.id.strategy.index());
        let holding = slot.and_then(|slot| slot.holding(order.request.instrument));
        let reduces = holding.is_some_and(|holding| holding.only_reduces(order.request.side, 0));
        order.request.flags.reduce_only || reduces
    }

    fn judge(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        instrument: hedgerow_model::InstrumentId,
        asked: &Asked,
    ) -> Result<(AccountId, bool), RiskRejection> {
        let (account, reduces) = self.weigh(now, strategy, instrument, asked)?;
        // what a plan completes leaves too: to hold one leg alone is worse than to be quick
        self.take_tokens(now, (strategy, account), reduces || asked.action.is_some())?;
        Ok((account, reduces))
    }

    /// Judges without counting: the account, and whether it can only reduce.
    pub(crate) fn weigh(
        &self,
        now: HostTime,
        strategy: StrategyId,
        instrument: hedgerow_model::InstrumentId,
        asked: &Asked,
    ) -> Result<(AccountId, bool), RiskRejection> {
        let index = strategy.index();
        let slot = self.strategies.get(index).ok_or(RiskRejection::UnknownInstrument)?;
        let spec = self.config.instrument(instrument).ok_or(RiskRejection::UnknownInstrument)?;
        if !slot.sees(instrument) {
            return Err(RiskRejection::UnknownInstrument);
        }
        let holding = slot.holding(instrument).ok_or(RiskRejection::NotGranted)?;
        check_grid(spec, asked)?;
        // it does not trade any more, neither way: what is held of it is delivered
        if spec.kind.is_over(now) || Self::is_delivered(holding, spec) {
            return Err(RiskRejection::Expired);
        }
        let account = holding.account;
        if self.is_hedged(account, instrument) {
            return Err(RiskRejection::HedgeMode);
        }
        let reduces = holding.only_reduces(asked.side, asked.quantity.units() - asked.held);
        let mode = self.mode_at(strategy, account, instrument);
        let reconciled = self.is_reconciled(account);
        self.check_mode((mode, reconciled), reduces, asked)?;
        let mark = self.check_market(now, (spec, slot.limits.collar_bps), reduces, asked)?;
        let requested = worth(spec, asked)?;
        // a spot venue makes no exception for what reduces
        let exempt = asked.reduce_only && spec.kind != InstrumentKind::Spot;
        if let Some(minimum) = spec.min_notional.filter(|min| requested < *min && !exempt) {
            return Err(RiskRejection::BelowMinNotional { requested, minimum });
        }
        if asked.action.is_none() && !asked.reduce_only {
            let own = self.tally.best(account, instrument, asked.side.opposite());
            self_cross::check(asked.side, asked.price, own)?;
        }
        // what only reduces is never refused by a limit of ours
        if !reduces {
            if self.has_unknown_positions(account) {
                return Err(RiskRejection::UnknownPositions);
            }
            self.check_limits(now, strategy, (spec, holding, mark), (requested, asked))?;
        }
        Ok((account, reduces))
    }

    fn check_mode(
        &self,
        (mode, reconciled): (TradingMode, bool),
        reduces: bool,
        asked: &Asked,
    ) -> Result<(), RiskRejection> {
        let flattens = asked.action == Some(Action::OperatorFlattens);
        if (asked.reduce_only || flattens) && !reduces && !asked.offsets {
            return Err(RiskRejection::WouldIncrease);
        }
        let own = if reduces { Action::StrategyReduces } else { Action::StrategyOpens };
        let action = asked.action.unwrap_or(own);
        if !mode.permits(action) {
            return Err(RiskRejection::ModeForbids { mode });
        }
        if !reconciled && !reduces {
            return Err(RiskRejection::NotReconciled);
        }
        if self.journal_failed && !reduces {
            return Err(RiskRejection::JournalUnavailable);
        }
        Ok(())
    }

    /// Fresh data, a price on both sides, and the collar around the mark. A reduction needs a mark,
    /// which may be old; then there is no collar.
    fn check_market(
        &self,
        now: HostTime,
        (spec, collar_bps): (&Instrument, u32),
        reduces: bool,
        asked: &Asked,
    ) -> Result<Decimal, RiskRejection> {
        let market = self.markets.get(spec.id).ok_or(RiskRejection::NoMarket)?;
        let fresh = stale::check(now, market, self.markets.stale_after, reduces)?;
        let mark = market.mark_doubled.filter(|mark| *mark > 0).ok_or(RiskRejection::NoMarket)?;
        if fresh {
            // an old mark says nothing of what a price should be
            collar::check(asked.price, mark, collar_bps)?;
            band::check(spec, (asked.side, asked.price), mark)?;
        }
        market.mark_exact(spec).ok_or(RiskRejection::NoMarket)
    }

    /// Everything that only what opens is held to.
    fn check_limits(
        &self,
        now: HostTime,
        strategy: StrategyId,
        (spec, holding, mark): (&Instrument, &Holding, Decimal),
        (requested, asked): (Decimal, &Asked),
    ) -> Result<(), RiskRejection> {
        let missing = RiskRejection::UnknownInstrument;
        let slot = self.strategies.get(strategy.index()).ok_or(missing.clone())?;
        let config = self.config.strategies.get(strategy.index()).ok_or(missing.clone())?;
        let account = self.config.accounts.get(holding.account.index()).ok_or(missing)?;
        let of_instrument = self.config.instrument_limits.get(spec.id.index());
        let of_instrument = of_instrument.unwrap_or(&NO_LIMITS);
        let (own, theirs, host) = (&config.guards, &account.guards, &self.config.host);
        // on another account it is no part of this one's sums
        let beside = |scope| match scope {
            Scope::Account(id) if asked.beside.account != Some(id) => (0, Decimal::ZERO),
            _ => (asked.beside.orders, asked.beside.worth),
        };
        let down = self.margins.is_down(account.id, spec.venue);
        venue_health::check(now, down, self.tally.waits_since(account.id), theirs.answer_max)?;
        if asked.is_new {
            let open = u32::try_from(slot.orders.len()).unwrap_or(u32::MAX);
            let of = |scope, open: u32, most| {
                open_orders::check(scope, open.saturating_add(beside(scope).0), most)
            };
            of(Scope::Strategy(strategy), open, Some(slot.limits.open_orders_max))?;
            of(Scope::Account(account.id), self.tally.open(account.id), theirs.open_orders_max)?;
            of(Scope::Host, self.tally.open_of_all(), host.open_orders_max)?;
        }
        let cancels = slot.cancels.of_all(now);
        cancel_ratio::check(Scope::Strategy(strategy), cancels, own.cancels_per_fill_max)?;
        self.check_cancels(now, account)?;
        let most = [Some(slot.limits.order_notional_max), of_instrument.order_notional_max];
        notional::check(requested, most)?;
        let limit = slot.limits.position_notional_max;
        position::check(spec, holding, (mark, limit), asked)?;
        let beyond = theirs.is_exposure_limited()
            || host.is_exposure_limited()
            || of_instrument.position_notional_max.is_some();
        let (instrument, whose) = (spec.id, account.id);
        let wanted = Wanted { strategy, account: whose, instrument, beyond };
        let more = requested.checked_sub(asked.held_notional).ok_or(RiskRejection::Overflow)?;
        let sums = self.sums(wanted)?.with_order(asked.side, more)?;
        position::check_all(&sums.instrument, of_instrument.position_notional_max)?;
        let limits = [
            (Scope::Strategy(strategy), Some(slot.limits.gross_notional_max), own.net_notional_max),
            (Scope::Account(whose), theirs.gross_notional_max, theirs.net_notional_max),
            (Scope::Host, host.gross_notional_max, host.net_notional_max),
        ];
        for (scope, most, net_most) in limits {
            net::check(scope, sums.of(scope), asked.side, net_most)?;
            // what leaves beside it counts, whichever way it goes
            let all = sums.of(scope).with_order(asked.side, beside(scope).1)?;
            gross::check(scope, &all, most)?;
        }
        self.check_margin_known(now, account, spec)?;
        if theirs.is_margin_limited() {
            let (_, worth) = beside(Scope::Account(whose));
            let sum = sums.account.with_order(asked.side.opposite(), worth)?;
            self.check_equity(theirs, whose, instrument, &sum)?;
        }
        // a guard over several cannot judge while what somebody holds has no mark
        if self.is_unmarked(whose) {
            return Err(RiskRejection::NoMarket);
        }
        Ok(())
    }

    fn check_equity(
        &self,
        guards: &AccountGuards,
        account: AccountId,
        instrument: hedgerow_model::InstrumentId,
        sum: &Worst,
    ) -> Result<(), RiskRejection> {
        let gross = sum.gross()?;
        let equity = self.equity(account);
        leverage::check(gross, equity, guards.leverage_max)?;
        if let Some(watch) = guards.adverse_move {
            let zero = Decimal::ZERO;
            let sides = (sum.long + sum.buys > zero, sum.short + sum.sells > zero);
            let safe = self.safe_leverage(account, watch.limit, sides, Some(instrument));
            let worst = leverage::of(gross, equity.ok_or(RiskRejection::MarginUnknown)?);
            safe_leverage::check(worst, safe)?;
        }
        liquidation::check(self.is_liquidation_unknown(account))
    }
}

/// What an order is worth at its price.
fn worth(spec: &Instrument, asked: &Asked) -> Result<Decimal, RiskRejection> {
    spec.notional(asked.price, asked.quantity).map_err(|_| RiskRejection::Overflow)
}

fn check_grid(spec: &Instrument, asked: &Asked) -> Result<(), RiskRejection> {
    let quantity = asked.quantity;
    if !quantity.is_positive() || !spec.is_whole_lots(quantity) {
        return Err(RiskRejection::QuantityOffGrid { quantity, lot: spec.lot });
    }
    let price = asked.price;
    if !price.is_positive() || !spec.grid.accepts(price, spec.price_scale) {
        return Err(RiskRejection::PriceOffGrid { price });
    }
    if quantity < spec.min_quantity {
        return Err(RiskRejection::BelowMinQuantity { quantity, minimum: spec.min_quantity });
    }
    if let Some(maximum) = spec.max_quantity.filter(|max| quantity > *max) {
        return Err(RiskRejection::AboveMaxQuantity { quantity, maximum });
    }
    Ok(())
}
