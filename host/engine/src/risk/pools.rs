//! Rate pools: how much may be sent to a venue, by account and limit.
//!
//! Each is a leaky bucket counted in whole weights, exact on the time of inputs (GCRA). A command
//! draws from several pools at once or from none. Cancels and reductions draw on a reserve that
//! nothing else touches. What may not leave yet waits, by priority: cancels, reductions, orders of
//! plans, new orders, questions. Cancels and reductions wait as long as it takes, a venue's ban
//! included; an order that opens waits for a bounded time and is then refused, unsent. The check
//! and the charge are one step. Nothing here survives a restart: what waited never left.

use super::draws::{Due, is_same_question, weight};
use crate::config::PoolConfig;
use crate::{Effects, Engine};
use hedgerow_model::{
    AccountId, Action, Duration, Fact, HostTime, OrderEvent, OrderFact, PLAN_ORDERS, VenueCommand,
    VenueEvent, VenueRejection, VenueReport, WireId,
};
use std::collections::BTreeMap;

/// What goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    Cancel,
    Reduce,
    Hedge,
    New,
    Question,
}

impl Rank {
    const fn may_use_reserve(self) -> bool {
        matches!(self, Self::Cancel | Self::Reduce)
    }
}

/// One pool.
#[derive(Debug)]
struct Pool {
    config: PoolConfig,
    /// When all that was drawn has run off; in the past: the pool is full.
    empty_at: HostTime,
    closed_until: HostTime,
}

impl Pool {
    fn unit(&self) -> u64 {
        (self.config.per.as_nanos() / u64::from(self.config.burst.max(1))).max(1)
    }

    fn span(&self, weight: u32) -> u64 {
        self.unit().saturating_mul(u64::from(weight))
    }

    /// From when on so much can be drawn: at once if that is not after now.
    fn ready(&self, weight: u32, rank: Rank) -> HostTime {
        let reserve = if rank.may_use_reserve() { 0 } else { self.config.reserve };
        let room = self.config.burst.saturating_sub(reserve);
        // what is heavier than the whole pool goes when the pool is full
        let weight = weight.min(room);
        let free = self.span(room).saturating_sub(self.span(weight));
        let full = HostTime::from_nanos(self.empty_at.as_nanos().saturating_sub(free));
        full.max(self.closed_until)
    }

    fn draw(&mut self, now: HostTime, weight: u32) {
        let from = self.empty_at.max(now);
        self.empty_at = HostTime::from_nanos(from.as_nanos().saturating_add(self.span(weight)));
    }
}

/// A command that may not leave yet.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) since: HostTime,
    pub(super) command: VenueCommand,
}

/// Whose, how urgent, and in which order it came.
type Key = (AccountId, Rank, u64);

/// All pools, and what waits for them.
#[derive(Debug, Default)]
pub(crate) struct Rations {
    pools: BTreeMap<AccountId, Vec<Pool>>,
    /// Accounts whose venue said that everything waits.
    closed: BTreeMap<AccountId, HostTime>,
    pub(super) waiting: BTreeMap<Key, Waiting>,
    next: u64,
}

impl Rations {
    pub(crate) fn new(config: &crate::EngineConfig) -> Self {
        let pool = |config: &PoolConfig| Pool {
            config: config.clone(),
            empty_at: HostTime::EPOCH,
            closed_until: HostTime::EPOCH,
        };
        let of = config.accounts.iter().filter(|account| !account.pools.is_empty());
        let pools = of.map(|account| (account.id, account.pools.iter().map(pool).collect()));
        Self { pools: pools.collect(), ..Self::default() }
    }

    fn is_idle(&self) -> bool {
        self.pools.is_empty() && self.closed.is_empty() && self.waiting.is_empty()
    }

    /// When the first command that waits may leave, or has waited too long. What waits behind
    /// another may leave when that has: it wakes nobody before.
    pub(crate) fn next(&self) -> Option<HostTime> {
        let mut first = None;
        let mut wakes = |at: HostTime| first = Some(first.map_or(at, |known| at.min(known)));
        let mut behind: (Option<AccountId>, Vec<bool>) = (None, Vec::new());
        for ((account, rank, _), waiting) in &self.waiting {
            let draws = self.draws(*account, &waiting.command);
            if behind.0 != Some(*account) {
                behind = (Some(*account), vec![false; draws.len()]);
            }
            let waits = behind.1.iter().zip(&draws).any(|(blocked, draws)| *blocked && *draws);
            if !waits {
                wakes(self.ready(*account, *rank, &waiting.command));
            }
            behind.1.iter_mut().zip(&draws).for_each(|(blocked, draws)| *blocked |= *draws);
            self.expires(*account, *rank, waiting).into_iter().for_each(&mut wakes);
        }
        first
    }

    fn ready(&self, account: AccountId, rank: Rank, command: &VenueCommand) -> HostTime {
        let closed = self.closed.get(&account).copied().unwrap_or(HostTime::EPOCH);
        let pools = self.pools.get(&account).into_iter().flatten();
        let drawn = pools.map(|pool| (pool, weight(&pool.config.weights, command)));
        let ready =
            drawn.filter(|(_, weight)| *weight > 0).map(|(p, weight)| p.ready(weight, rank));
        ready.fold(closed, HostTime::max)
    }

    fn expires(&self, account: AccountId, rank: Rank, waiting: &Waiting) -> Option<HostTime> {
        let opens = matches!(rank, Rank::Hedge | Rank::New);
        let waits = self.pools.get(&account).into_iter().flatten();
        let wait = waits.map(|pool| pool.config.wait).min().unwrap_or(Duration::from_secs(1));
        opens.then(|| waiting.since.after(wait))
    }

    /// Which pools of an account a command draws on.
    fn draws(&self, account: AccountId, command: &VenueCommand) -> Vec<bool> {
        let pools = self.pools.get(&account).into_iter().flatten();
        pools.map(|pool| weight(&pool.config.weights, command) > 0).collect()
    }

    /// Whether so many orders that open could leave for an account at once.
    pub(crate) fn has_room(&self, now: HostTime, account: AccountId, orders: u32) -> bool {
        let closed = self.closed.get(&account).is_some_and(|until| *until > now);
        let waits =
            |(whose, rank, _): &Key| *whose == account && matches!(rank, Rank::Hedge | Rank::New);
        let mut pools = self.pools.get(&account).into_iter().flatten();
        let fits = pools.all(|pool| {
            let weight = pool.config.weights.place.saturating_mul(orders);
            weight == 0 || pool.ready(weight, Rank::New) <= now
        });
        !closed && fits && !self.waiting.keys().any(waits)
    }

    fn take(&mut self, now: HostTime, account: AccountId, command: &VenueCommand) {
        for pool in self.pools.get_mut(&account).into_iter().flatten() {
            let weight = weight(&pool.config.weights, command);
            pool.draw(now, weight);
        }
    }

    fn drop_order(&mut self, account: AccountId, wire: WireId) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|(whose, ..), waiting| {
            *whose != account
                || !matches!(&waiting.command, VenueCommand::Place(o) if o.get().wire == wire)
        });
        before != self.waiting.len()
    }
}

impl Engine {
    /// Lets those of the commands from `from` on leave that the pools allow, and those that waited.
    pub(crate) fn ration(&mut self, from: usize, due: Due, effects: &mut Effects) {
        if self.rations.is_idle() {
            return;
        }
        let now = self.now;
        let mut leave = Vec::new();
        let mut whose = match due {
            Due::All => None,
            Due::Of(account) => Some(account.into_iter().collect::<Vec<_>>()),
        };
        loop {
            let fresh = effects.commands.split_off(from.min(effects.commands.len()));
            for command in fresh {
                whose.iter_mut().for_each(|accounts| accounts.push(command.account()));
                self.line_up(now, command, effects);
            }
            for key in self.release(now, whose.as_deref(), &mut leave) {
                self.refuse_late(now, key, effects);
            }
            // what did not leave may have been followed by something else
            if effects.commands.len() <= from {
                break;
            }
        }
        effects.commands.append(&mut leave);
    }

    fn line_up(&mut self, now: HostTime, command: VenueCommand, effects: &mut Effects) {
        let account = command.account();
        if let VenueCommand::Cancel { wire, .. } = &command
            && self.rations.drop_order(account, *wire)
        {
            let end = (OrderEvent::Canceled, None);
            return self.never_left(now, (account, *wire), end, effects);
        }
        let rank = self.rank(&command);
        // what still waits is not put twice: a question is asked as it is put now, in its old place
        let same = |((whose, _, _), waiting): &(&Key, &Waiting)| {
            *whose == account && is_same_question(&waiting.command, &command)
        };
        if let Some(key) = self.rations.waiting.iter().find(same).map(|(key, _)| *key) {
            self.rations.waiting.insert(key, Waiting { since: now, command });
            return;
        }
        self.rations.next = self.rations.next.saturating_add(1);
        let key = (account, rank, self.rations.next);
        self.rations.waiting.insert(key, Waiting { since: now, command });
    }

    /// Whether what opens and has waited may still leave: modes, connections and plans have gone on
    /// meanwhile.
    fn may_still_leave(&self, rank: Rank, command: &VenueCommand) -> bool {
        if matches!(rank, Rank::Cancel | Rank::Question) {
            return true;
        }
        let id = match command {
            VenueCommand::Place(order) => Some(order.get().id),
            VenueCommand::Amend { account, wire, .. } => {
                self.by_wire.get(&(*account, *wire)).copied()
            }
            _ => return true,
        };
        let Some((id, order)) = id.and_then(|id| Some((id, self.any_order(id)?))) else {
            return false;
        };
        let (account, instrument) = (order.account, order.request.instrument);
        if self.is_hedged(account, instrument) {
            return false; // its venue takes no order without a side, reductions neither
        }
        if self.is_reduction(order) {
            return !self.is_held_by_halt(id, order);
        }
        let mode = self.mode_at(id.strategy, account, instrument);
        let may = match rank {
            // spot that is bought back; what was a reduction and is none by now, opens
            Rank::Reduce if self.plans.takes_back(id) => mode.permits(Action::PlanUnwinds),
            _ => mode.permits(Action::StrategyOpens) && !self.plans.gave_up(id),
        };
        may && self.is_reconciled(account)
    }

    fn rank(&self, command: &VenueCommand) -> Rank {
        match command {
            VenueCommand::Cancel { .. } => Rank::Cancel,
            VenueCommand::Place(order) => {
                let order = order.get();
                // spot that was sold is bought back: no reduction, and as urgent as one
                match self.is_reduction(order) || self.plans.takes_back(order.id) {
                    true => Rank::Reduce,
                    false if order.id.number >= PLAN_ORDERS => Rank::Hedge,
                    false => Rank::New,
                }
            }
            VenueCommand::Amend { .. } | VenueCommand::SetLeverage { .. } => Rank::New,
            _ => Rank::Question,
        }
    }

    /// When what began to wait and was forbidden in one moment is refused: by no quiet tick.
    pub(crate) fn next_refusal(&self) -> Option<HostTime> {
        let all = self.rations.waiting.iter();
        let vain = all.filter(|((_, rank, _), w)| !self.may_still_leave(*rank, &w.command));
        vain.map(|(_, waiting)| waiting.since.after(Duration::from_nanos(1))).min()
    }

    /// What of these accounts (nothing: of all) may leave leaves, in order; gives what has waited
    /// too long.
    fn release(
        &mut self,
        now: HostTime,
        whose: Option<&[AccountId]>,
        leave: &mut Vec<VenueCommand>,
    ) -> Vec<Key> {
        // a limit that is over is forgotten
        self.rations.closed.retain(|_, until| *until > now);
        let mut late = Vec::new();
        // of what draws on the same pools the first goes first: the next waits behind it
        let mut blocked: BTreeMap<AccountId, Vec<bool>> = BTreeMap::new();
        let is_due = |(account, ..): &Key| whose.is_none_or(|all| all.contains(account));
        for key in self.rations.waiting.keys().copied().filter(is_due).collect::<Vec<_>>() {
            let (account, rank, _) = key;
            let Some(waiting) = self.rations.waiting.get(&key) else { continue };
            if let VenueCommand::Place(order) = &waiting.command
                && self.order(order.get().id.strategy, order.get().id.number).is_none()
            {
                self.rations.waiting.remove(&key);
                continue;
            }
            if waiting.since < now && !self.may_still_leave(rank, &waiting.command) {
                late.push(key);
                continue;
            }
            let draws = self.rations.draws(account, &waiting.command);
            let behind = blocked.entry(account).or_insert_with(|| vec![false; draws.len()]);
            let waits = behind.iter().zip(&draws).any(|(blocked, draws)| *blocked && *draws);
            let ready = self.rations.ready(account, rank, &waiting.command) <= now;
            if ready && !waits {
                let Some(waiting) = self.rations.waiting.remove(&key) else { continue };
                self.rations.take(now, account, &waiting.command);
                self.note_left(now, &waiting);
                leave.push(waiting.command);
                continue;
            }
            behind.iter_mut().zip(&draws).for_each(|(blocked, draws)| *blocked |= *draws);
            let expires = self.rations.expires(account, rank, waiting);
            if expires.is_some_and(|expires| expires <= now) {
                late.push(key);
            }
        }
        late
    }

    /// What waited too long to be meant any more does not leave.
    fn refuse_late(&mut self, now: HostTime, key: Key, effects: &mut Effects) {
        let Some(waiting) = self.rations.waiting.remove(&key) else { return };
        let reason = Some(VenueRejection::RateLimited);
        match waiting.command {
            VenueCommand::Place(order) => {
                let order = (key.0, order.get().wire);
                self.never_left(now, order, (OrderEvent::Rejected, reason), effects);
            }
            VenueCommand::Amend { wire, .. } => {
                let end = (OrderEvent::AmendRejected, reason);
                self.never_left(now, (key.0, wire), end, effects);
            }
            command => self.leverage_never_asked(now, &command, waiting.since, effects),
        }
    }

    fn never_left(
        &mut self,
        now: HostTime,
        order: (AccountId, WireId),
        (event, reason): (OrderEvent, Option<VenueRejection>),
        effects: &mut Effects,
    ) {
        let Some(id) = self.by_wire.get(&order).copied() else { return };
        let Some(before) = self.any_order(id).map(|order| order.status) else { return };
        let fact = OrderFact::Moved { event, venue_id: None, reason };
        self.record(now, Fact::Order { id, fact }, effects);
        self.tell_change(now, (id, before), reason.map_or(0, VenueRejection::code), effects);
    }

    /// A venue limits us, or says how much of a limit is used.
    pub(crate) fn limited(&mut self, event: &VenueEvent) {
        let (now, account) = (event.received, event.account);
        match &event.report {
            VenueReport::RateLimited { limit, retry_after } => {
                let until = now.after(*retry_after);
                let mut pools = self.rations.pools.get_mut(&account).into_iter().flatten();
                let named =
                    limit.as_ref().and_then(|name| pools.find(|pool| pool.config.name == *name));
                let closed = match named {
                    Some(pool) => &mut pool.closed_until,
                    // one that we do not know may be any
                    None => self.rations.closed.entry(account).or_insert(HostTime::EPOCH),
                };
                *closed = (*closed).max(until);
            }
            VenueReport::RateUsed { limit, used } => {
                let pools = self.rations.pools.get_mut(&account).into_iter().flatten();
                for pool in pools.filter(|pool| pool.config.name == *limit) {
                    let used = Duration::from_nanos(pool.span(*used));
                    pool.empty_at = pool.empty_at.max(now.after(used));
                }
            }
            _ => {}
        }
    }
}
