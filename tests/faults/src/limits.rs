//! Guards by what docs/guards.md says of them, judged by the venues' own truth and what is on its
//! way there: no order that opens leaves the process which a limit forbids.
//!
//! Marks are those the host heard, the mildest of them since the order was approved. What the host
//! counts is never less than what is true, but a fill that it has not heard is still an order at
//! its own price there, hence the slack.

use crate::venues::{Venues, Way};
use hedgerow_engine::EngineConfig;
use hedgerow_model::{
    AccountId, Decimal, InstrumentId, Order, PLAN_ORDERS, Price, Scope, Side, WireId,
};
use hedgerow_simulator::paper::Request;
use std::collections::BTreeMap;

/// By how much a sum may be above its limit by what the host values otherwise, percent of gross.
const SLACK: Decimal = Decimal::from_parts(4, 0, 0, false, 2);
const SECOND: u64 = 1_000_000_000;

/// What leaves, and how much of it: of an amendment the whole order as it would be.
pub(crate) struct Leaves<'o> {
    pub(crate) order: &'o Order,
    pub(crate) price: Price,
    pub(crate) units: i64,
    /// When it was approved, ns.
    pub(crate) since: u64,
    pub(crate) amends: bool,
}

/// Sums of a scope, quote currency.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    long: Decimal,
    short: Decimal,
    buys: Decimal,
    sells: Decimal,
    orders: u32,
}

impl Sum {
    fn gross(&self) -> Decimal {
        self.long + self.short + self.buys + self.sells
    }

    fn net(&self, side: Side) -> Decimal {
        match side {
            Side::Buy => self.long - self.short + self.buys,
            Side::Sell => self.short - self.long + self.sells,
        }
    }

    fn add(&mut self, other: &Self) {
        self.long += other.long;
        self.short += other.short;
        self.buys += other.buys;
        self.sells += other.sells;
        self.orders += other.orders;
    }
}

impl Venues {
    /// All that a limit says of an order or amendment that opens.
    pub(crate) fn check_limits(&mut self, now: u64, leaves: &Leaves<'_>) {
        let Some(config) = self.config.clone() else { return };
        let found = self.forbids(now, &config, leaves);
        if let Err(what) = found {
            let (order, word) = (leaves.order, if leaves.amends { "amends" } else { "opens" });
            self.shared.must_not(now, format!("order {} {word}: {what}: {order:?}", order.id));
        }
    }

    fn forbids(
        &mut self,
        now: u64,
        config: &EngineConfig,
        leaves: &Leaves<'_>,
    ) -> Result<(), String> {
        let (order, instrument) = (leaves.order, leaves.order.request.instrument);
        self.forbids_itself(now, config, leaves)?;
        self.forbids_rate(config, leaves)?;
        self.forbids_lag(config, leaves)?;
        let (strategy, account) = (order.id.strategy, order.account);
        let (limits, guards) = (&config.strategies[strategy.index()], &config.accounts);
        let theirs = &guards[account.index()].guards;
        let of_instrument = &config.instrument_limits[instrument.index()];
        let most = &limits.limits;
        if let Some(sum) = self.sum(now, Scope::Instrument(instrument), leaves) {
            let side = order.request.side;
            let held = [sum.long - sum.short, sum.short - sum.long];
            let reach = match side {
                Side::Buy => held[0] + sum.buys,
                Side::Sell => held[1] + sum.sells,
            };
            above("position", reach, Some(most.position_notional_max), sum.gross())?;
            above("instrument", sum.gross(), of_instrument.position_notional_max, sum.gross())?;
        }
        let scopes = [
            (
                Scope::Strategy(strategy),
                Some(most.gross_notional_max),
                limits.guards.net_notional_max,
                Some(most.open_orders_max),
            ),
            (
                Scope::Account(account),
                theirs.gross_notional_max,
                theirs.net_notional_max,
                theirs.open_orders_max,
            ),
            (
                Scope::Host,
                config.host.gross_notional_max,
                config.host.net_notional_max,
                config.host.open_orders_max,
            ),
        ];
        for (scope, gross, net, orders) in scopes {
            let Some(sum) = self.sum(now, scope, leaves) else { continue };
            above(&format!("gross of {scope:?}"), sum.gross(), gross, sum.gross())?;
            let reach = sum.net(order.request.side);
            above(&format!("net of {scope:?}"), reach, net, sum.gross())?;
            if let Some(most) = orders.filter(|most| !leaves.amends && sum.orders > *most) {
                return Err(format!("{} orders of {scope:?}, {most} may be", sum.orders));
            }
        }
        Ok(())
    }

    /// Worth, distance from the mark, and orders of our own in the way.
    fn forbids_itself(
        &self,
        now: u64,
        config: &EngineConfig,
        leaves: &Leaves<'_>,
    ) -> Result<(), String> {
        let (order, price) = (leaves.order, leaves.price);
        let (id, side) = (order.request.instrument, order.request.side);
        let own = &config.strategies[order.id.strategy.index()].limits;
        let spec = &config.instruments[id.index()];
        let left = hedgerow_model::Quantity::from_units(leaves.units - order.filled.units());
        let worth = spec.notional(price, left).unwrap_or(Decimal::MAX);
        let of_instrument = config.instrument_limits[id.index()].order_notional_max;
        if worth > of_instrument.map_or(own.order_notional_max, |m| m.min(own.order_notional_max)) {
            return Err(format!("it is worth {worth}"));
        }
        let near = |mark: i64| {
            let width = i128::from(mark) * i128::from(own.collar_bps) / 10_000;
            (i128::from(price.units()) * 2 - i128::from(mark)).abs() <= width
        };
        if !self.marks(now, id, leaves.since).any(near) {
            return Err(format!("{price} is beyond the collar of {} bps", own.collar_bps));
        }
        let free = order.request.flags.reduce_only || order.id.number >= PLAN_ORDERS;
        let crossed = self.inner.resting().find(|rests| {
            let theirs = self.prices.get(&(rests.account, rests.wire));
            let meets = theirs.is_some_and(|(at, since)| {
                let reaches = (price.units() - at.units()) * side.sign() >= 0;
                reaches && *since < leaves.since && now == leaves.since
            });
            rests.account == order.account && rests.side != side && meets
        });
        match crossed.filter(|_| !free) {
            Some(own) => Err(format!("it reaches {own:?} of ours")),
            None => Ok(()),
        }
    }

    /// A second's worth may come at once, and then as many a second; a new process begins anew.
    fn forbids_rate(&mut self, config: &EngineConfig, leaves: &Leaves<'_>) -> Result<(), String> {
        let order = leaves.order;
        if order.id.number >= PLAN_ORDERS || leaves.amends {
            return Ok(());
        }
        let limits = [
            (
                Scope::Strategy(order.id.strategy),
                Some(config.strategies[order.id.strategy.index()].limits.orders_per_s_max),
            ),
            (
                Scope::Account(order.account),
                config.accounts[order.account.index()].guards.orders_per_s_max,
            ),
            (Scope::Host, config.host.orders_per_s_max),
        ];
        for (scope, most) in limits {
            let Some(most) = most else { continue };
            let times = self.left.entry(scope).or_default();
            times.push(leaves.since);
            let from = leaves.since.saturating_sub(SECOND);
            times.retain(|at| *at >= from);
            let within = times.iter().filter(|at| **at <= leaves.since).count();
            if within > 2 * usize::try_from(most).unwrap_or(0) + 1 {
                return Err(format!("{within} of {scope:?} in a second, {most} may be"));
            }
        }
        Ok(())
    }

    /// An order or a cancel that the venue has left unanswered.
    fn forbids_lag(&self, config: &EngineConfig, leaves: &Leaves<'_>) -> Result<(), String> {
        let account = leaves.order.account;
        let most = config.accounts[account.index()].guards.answer_max;
        let session = self.sessions.get(account.index());
        let tracker = self.shared.tracker.borrow();
        // what is sent once more for an order that is over waits for nothing
        let lives = |wire: WireId| {
            tracker.id_of(account, wire).is_some_and(|id| tracker.alive.contains_key(&id))
        };
        let waits = session.into_iter().flat_map(|session| &session.waits);
        let waits = waits.filter(|(wire, _)| lives(**wire)).map(|(_, since)| *since);
        let first = waits.min().unwrap_or(u64::MAX);
        let waited = leaves.since.saturating_sub(first);
        match most.filter(|most| waited > most.as_nanos()) {
            Some(most) => {
                Err(format!("the venue has been silent for {waited} ns, {most:?} may be"))
            }
            None => Ok(()),
        }
    }

    /// Marks that the host heard, doubled, from the one before a moment on.
    pub(crate) fn marks(
        &self,
        now: u64,
        id: InstrumentId,
        since: u64,
    ) -> impl Iterator<Item = i64> + '_ {
        let marks = &self.shared.market.marks[id.index()];
        let from = marks.partition_point(|(at, _)| *at < since).saturating_sub(1);
        let to = marks.partition_point(|(at, _)| *at <= now);
        marks[from..to].iter().map(|(_, mark)| *mark)
    }

    /// What a scope could come to hold, with what leaves; nothing where the truth was changed by
    /// something else than orders.
    fn sum(&self, now: u64, scope: Scope, leaves: &Leaves<'_>) -> Option<Sum> {
        let mut all = Sum::default();
        for spec in &self.shared.script.instruments {
            let (id, account) = (spec.id, self.shared.script.account(spec.id));
            let is_of = match scope {
                Scope::Host => true,
                Scope::Account(of) => of == account,
                Scope::Strategy(of) => of == self.shared.script.owner(id),
                Scope::Instrument(of) => of == id,
            };
            if !is_of {
                continue;
            }
            if !self.is_known(now, account) || self.unexplained(account) != 0 {
                return None;
            }
            all.add(&self.sum_of(now, (id, account), leaves)?);
        }
        Some(all)
    }

    fn sum_of(
        &self,
        now: u64,
        (id, account): (InstrumentId, AccountId),
        leaves: &Leaves<'_>,
    ) -> Option<Sum> {
        let spec = &self.shared.script.instruments[id.index()];
        let mark = self.marks(now, id, leaves.since).min().unwrap_or(0);
        let mark = spec.price(Price::from_units(mark / 2));
        let worth = |units: i64| {
            let units = hedgerow_model::Quantity::from_units(units.abs());
            if mark.is_zero() { None } else { spec.notional_at(mark, units).ok() }
        };
        let held = self.inner.position(account, id).quantity.units();
        let mut sum = Sum::default();
        if held != 0 {
            *if held > 0 { &mut sum.long } else { &mut sum.short } = worth(held)?;
        }
        let mut open: BTreeMap<WireId, (Side, i64)> = BTreeMap::new();
        for rests in self.inner.resting().filter(|rests| rests.account == account) {
            open.insert(rests.wire, (rests.side, rests.remaining));
        }
        for way in self.queue.values() {
            if let Way::Request(Request::Place(order), _) = way
                && order.account == account
            {
                let request = &order.request;
                open.insert(order.wire, (request.side, request.quantity.units()));
            }
        }
        let order = leaves.order;
        if order.account == account {
            let rests = self
                .inner
                .resting()
                .find(|rests| (rests.account, rests.wire) == (account, order.wire));
            let left = leaves.units - rests.map_or(0, |rests| rests.filled);
            match open.get_mut(&order.wire) {
                // one that makes it smaller adds nothing to what there is
                Some(known) if leaves.amends => known.1 = left,
                Some(known) => known.1 = known.1.max(left),
                // of an order that is over nothing more can come
                None if leaves.amends => {}
                None => drop(open.insert(order.wire, (order.request.side, left))),
            }
        }
        let tracker = self.shared.tracker.borrow();
        for (wire, (side, units)) in open {
            // no limit stops a reduction: one that was approved later may have left before
            if wire != order.wire && !tracker.by_wire(account, wire).is_some_and(|o| o.opens) {
                continue;
            }
            let at = self.prices.get(&(account, wire)).map(|(price, _)| spec.price(*price));
            let at = at.unwrap_or(spec.price(leaves.price));
            let units = hedgerow_model::Quantity::from_units(units);
            let worth = spec.notional_at(at.min(mark.max(Decimal::ONE)), units).ok()?;
            *if side == Side::Buy { &mut sum.buys } else { &mut sum.sells } += worth;
            sum.orders += 1;
        }
        Some(sum)
    }
}

fn above(what: &str, is: Decimal, most: Option<Decimal>, gross: Decimal) -> Result<(), String> {
    match most.filter(|most| is > *most + gross * SLACK) {
        Some(most) => Err(format!("{what} could reach {is}, {most} may be")),
        None => Ok(()),
    }
}
