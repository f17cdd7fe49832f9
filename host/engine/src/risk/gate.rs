//! The gate: every order and amendment passes here, in one fixed order of checks, or is denied with
//! the first reason found. There is no way around it: only this file can make an [`Approved`]
//! value.
//!
//! Fails closed: an unknown instrument, a missing price, stale data or a number that does not fit
//! is a denial. Cost does not grow with the number of past orders: sums are kept as orders come and
//! go.

use crate::Engine;
use crate::market::DataState;
use crate::strategy::{Holding, StrategySlot};
use hedgerow_model::{
    AccountId, Action, Amend, Approved, ClientOrderId, Decimal, HostTime, Instrument,
    InstrumentKind, NewOrder, Order, OrderStatus, PLAN_ORDERS, Price, Quantity, RiskRejection,
    StrategyId, TradingMode, WireId,
};

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
    /// Orders that will leave beside it, and what they are worth.
    pub(crate) beside: (u32, Decimal),
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
        let (is_new, action, beside) = (true, None, (0, Decimal::ZERO));
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
        let account = self.judge(now, strategy, request.instrument, asked)?;
        let wire = WireId(self.next_wire.get(&account).copied().unwrap_or(1));
        Ok(Approved::seal_by_gate(Order {
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
        let working =
            matches!(known.order.status, OrderStatus::Open | OrderStatus::PartiallyFilled);
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
    ) -> Result<AccountId, RiskRejection> {
        let (account, reduces) = self.weigh(now, strategy, instrument, asked)?;
        let slot = self.strategies.get_mut(strategy.index());
        let slot = slot.ok_or(RiskRejection::UnknownInstrument)?;
        // what a plan completes leaves too: to hold one leg alone is worse than to be quick
        if !slot.bucket.take(now, reduces || asked.action.is_some()) {
            return Err(RiskRejection::RateLimited { limit_per_s: slot.bucket.per_s() });
        }
        Ok(account)
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
        let expired = spec.kind.expiry().is_some_and(|at| now.as_nanos() >= at.as_nanos());
        if expired {
            return Err(RiskRejection::Expired);
        }
        let reduces = holding.only_reduces(asked.side, asked.quantity.units() - asked.held);
        let mode = self.mode_at(strategy, holding.account, instrument);
        let reconciled = self.is_reconciled(holding.account);
        self.check_mode((mode, reconciled), reduces, asked)?;
        let mark = self.check_market(now, (spec, slot.limits.collar_bps), reduces, asked)?;
        check_limits(spec, slot, holding, mark, reduces, asked)?;
        if !reduces {
            self.check_gross(slot, spec, asked)?;
            // the host's guard cannot judge while what somebody holds has no mark
            if self.exposure.couples() && self.is_somebody_unmarked() {
                return Err(RiskRejection::NoMarket);
            }
        }
        Ok((holding.account, reduces))
    }

    fn check_mode(
        &self,
        (mode, reconciled): (TradingMode, bool),
        reduces: bool,
        asked: &Asked,
    ) -> Result<(), RiskRejection> {
        if asked.reduce_only && !reduces && !asked.offsets {
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
    ) -> Result<i64, RiskRejection> {
        let market = self.markets.get(spec.id).ok_or(RiskRejection::NoMarket)?;
        let age = now.since(market.received);
        let fresh = market.state == DataState::Fresh && age <= self.markets.stale_after;
        if !fresh && !reduces {
            if market.state == DataState::Unseen {
                return Err(RiskRejection::NoMarket);
            }
            return Err(RiskRejection::StaleMarket { age_ms: age.as_millis() });
        }
        let two_sided = market.touch(hedgerow_model::Side::Buy).is_some()
            && market.touch(hedgerow_model::Side::Sell).is_some();
        let mark = market.mark_doubled.filter(|mark| *mark > 0).ok_or(RiskRejection::NoMarket)?;
        if !two_sided && !reduces {
            return Err(RiskRejection::NoMarket);
        }
        if !fresh {
            return Ok(mark); // a reduction: an old mark says nothing of what its price should be
        }
        let width = i128::from(mark) * i128::from(collar_bps) / 10_000;
        let doubled = i128::from(asked.price.units()) * 2;
        if (doubled - i128::from(mark)).abs() > width {
            let edge =
                |doubled: i128| Price::from_units(i64::try_from(doubled / 2).unwrap_or(i64::MAX));
            let (low, high) = (edge(i128::from(mark) - width), edge(i128::from(mark) + width));
            return Err(RiskRejection::OutsideCollar { price: asked.price, low, high });
        }
        Ok(mark)
    }

    fn check_gross(
        &self,
        slot: &StrategySlot,
        spec: &Instrument,
        asked: &Asked,
    ) -> Result<(), RiskRejection> {
        let overflow = RiskRejection::Overflow;
        let add =
            |sum: Decimal, more: Decimal| sum.checked_add(more).ok_or(RiskRejection::Overflow);
        let asked_for = spec.notional(asked.price, asked.quantity).map_err(|_| overflow.clone())?;
        let mut worst = add(add(asked_for, -asked.held_notional)?, asked.beside.1)?;
        for holding in &slot.holdings {
            worst = add(worst, holding.open_notional)?;
            if holding.position.quantity.is_zero() {
                continue;
            }
            let id = holding.instrument;
            let known = self.config.instrument(id).ok_or(RiskRejection::UnknownInstrument)?;
            let market = self.markets.get(id).ok_or(RiskRejection::NoMarket)?;
            let mark = market.mark(known).ok_or(RiskRejection::NoMarket)?;
            let notional = known.notional_at(mark, holding.position.quantity.abs());
            worst = add(worst, notional.map_err(|_| overflow.clone())?)?;
        }
        let limit = slot.limits.gross_notional_max;
        if worst > limit {
            return Err(RiskRejection::GrossAboveMax { worst, limit });
        }
        Ok(())
    }
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

fn check_limits(
    spec: &Instrument,
    slot: &StrategySlot,
    holding: &Holding,
    mark_doubled: i64,
    reduces: bool,
    asked: &Asked,
) -> Result<(), RiskRejection> {
    let overflow = |_| RiskRejection::Overflow;
    let requested = spec.notional(asked.price, asked.quantity).map_err(overflow)?;
    // a spot venue makes no exception for what reduces
    let exempt = asked.reduce_only && spec.kind != InstrumentKind::Spot;
    if let Some(minimum) = spec.min_notional.filter(|min| requested < *min && !exempt) {
        return Err(RiskRejection::BelowMinNotional { requested, minimum });
    }
    // what only reduces is never refused by a limit of ours
    if reduces {
        return Ok(());
    }
    let open = u32::try_from(slot.orders.len()).unwrap_or(u32::MAX);
    let open = open.saturating_add(asked.beside.0);
    if asked.is_new && open >= slot.limits.open_orders_max {
        let limit = slot.limits.open_orders_max;
        return Err(RiskRejection::OpenOrdersAboveMax { open, limit });
    }
    let limit = slot.limits.order_notional_max;
    if requested > limit {
        return Err(RiskRejection::NotionalAboveMax { limit, requested });
    }
    let worst = asked
        .side
        .sign()
        .checked_mul(holding.position.quantity.units())
        .and_then(|held| held.checked_add(holding.open(asked.side)))
        .and_then(|sum| sum.checked_add(asked.quantity.units()))
        .and_then(|sum| sum.checked_sub(asked.held))
        .ok_or(RiskRejection::Overflow)?;
    let mark = Decimal::from_i128_with_scale(
        i128::from(mark_doubled) * 5,
        u32::from(spec.price_scale.digits()) + 1,
    );
    let worst = Quantity::from_units(worst);
    let reached = spec.notional_at(mark, worst).map_err(overflow)?;
    if reached > slot.limits.position_notional_max {
        let one = spec.notional_at(mark, Quantity::from_units(1)).map_err(overflow)?;
        let units = slot.limits.position_notional_max.checked_div(one).unwrap_or_default();
        let limit =
            Quantity::from_units(i64::try_from(units.trunc().mantissa()).unwrap_or(i64::MAX));
        return Err(RiskRejection::PositionAboveMax { worst, limit });
    }
    Ok(())
}
