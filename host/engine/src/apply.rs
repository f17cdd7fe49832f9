//! Folding facts: the only place where state that must survive a restart changes.

mod orders;

use crate::Engine;
use hedgerow_model::{
    AccountId, Decimal, Duration, Fact, FundingNotice, HostTime, InstrumentId, Order, OrderEvent,
    PluginStep, Quantity, Report, StrategyId, TimerId, VenueTime, WireId,
};

/// How long a finished order is remembered for late fills.
const TOMBSTONE: Duration = Duration::from_secs(24 * 3600);
/// How many settlements are remembered per account and instrument: hourly ones for half a year.
const SETTLEMENTS: usize = 4_096;

impl Engine {
    pub(crate) fn apply(&mut self, time: HostTime, fact: &Fact) {
        match fact {
            Fact::Order { id, fact } => self.apply_order(time, *id, fact),
            Fact::Fill { .. } => self.apply_fill(time, fact),
            Fact::Funding { account, instrument, settlement, amount } => {
                self.apply_funding(*account, *instrument, *settlement, *amount);
            }
            Fact::Balance { account, asset, total, available } => {
                self.balances.insert((*account, asset.clone()), (*total, *available));
            }
            Fact::Leverage { .. } | Fact::LeverageAsked { .. } => self.apply_leverage(fact),
            Fact::OrderNumbers { strategy, next } => {
                if let Some(slot) = self.strategies.get_mut(strategy.index()) {
                    slot.next_order = slot.next_order.max(*next);
                }
            }
            Fact::WireIds { account, next } => self.use_wires(*account, *next),
            Fact::Adopted { .. } | Fact::Ignored { .. } => self.apply_settled(fact),
            Fact::Plan { strategy, plan, step } => self.apply_plan(time, (*strategy, *plan), step),
            Fact::TimerSet { strategy, id, at } => self.apply_timer_set(*strategy, *id, *at),
            Fact::TimerEnded { strategy, id, fired } => {
                self.apply_timer_ended(*strategy, *id, *fired);
            }
            Fact::Mode { scope, mode, reason } => self.modes.set(*scope, *mode, reason),
            Fact::MeasuresRestarted { strategy, profit } => {
                self.exposure.reset(*strategy, *profit);
            }
            Fact::Peak { strategy, profit } => self.exposure.note_peak(*strategy, *profit),
            Fact::Checkpoint { strategy, version, state, unheard } => {
                if let Some(slot) = self.strategies.get_mut(strategy.index()) {
                    slot.checkpoint = Some((*version, state.clone()));
                    slot.credit.fired.retain(|id, _| unheard.contains(id));
                    for id in unheard {
                        slot.credit.fired.entry(*id).or_insert(0);
                    }
                }
            }
            Fact::CheckpointDropped { strategy, unheard } => {
                if let Some(slot) = self.strategies.get_mut(strategy.index()) {
                    slot.checkpoint = None;
                    slot.credit.fired = unheard.iter().map(|id| (*id, 0)).collect();
                }
            }
            Fact::Fault { strategy, .. } => {
                if let Some(slot) = self.strategies.get_mut(strategy.index()) {
                    slot.faults = slot.faults.saturating_add(1);
                }
            }
            Fact::Plugin { strategy, step, hash, detail } => {
                self.apply_step(*strategy, *step, (hash, detail));
            }
            Fact::Said { strategy, report: Report::Status { text } } => {
                if let Some(slot) = self.strategies.get_mut(strategy.index()) {
                    slot.said = Some(text.clone());
                }
            }
            Fact::Instrument(instrument) => {
                if let Some(known) = self.config.instruments.get_mut(instrument.id.index()) {
                    known.clone_from(instrument);
                }
            }
            Fact::Discrepancy { detail, .. } => {
                self.odd = (self.odd.0.saturating_add(1), detail.clone());
            }
            // told to people; nothing to fold
            Fact::Boot { .. }
            | Fact::Named { .. }
            | Fact::Market { .. }
            | Fact::Said { .. }
            | Fact::IntentDenied { .. }
            | Fact::Operator { .. } => {}
        }
    }

    fn apply_step(&mut self, strategy: StrategyId, step: PluginStep, (hash, detail): (&str, &str)) {
        // a refusal of what was being swapped in names no file; one that does is of a candidate
        // that never came so far, and another may be on probation
        let refused_swap = step == PluginStep::Refused && hash.is_empty();
        if matches!(step, PluginStep::Accepted | PluginStep::RolledBack) || refused_swap {
            self.forget_cut(strategy);
        }
        let Some(slot) = self.strategies.get_mut(strategy.index()) else { return };
        match step {
            PluginStep::Refused => slot.refused = Some(format!("a new file is refused: {detail}")),
            PluginStep::RolledBack => slot.refused = Some(format!("rolled back: {detail}")),
            PluginStep::Loaded | PluginStep::Swapped => slot.refused = None,
            PluginStep::Shadowed => slot.trial = Some(detail.to_owned()),
            _ => {}
        }
        match step {
            PluginStep::Quarantined => {
                slot.quarantined = true;
                slot.quarantine_why = Some(format!("quarantine: {detail}"));
            }
            PluginStep::Released => (slot.quarantined, slot.quarantine_why) = (false, None),
            PluginStep::Loaded | PluginStep::Swapped | PluginStep::RolledBack => {
                slot.component = Some(hash.to_owned());
                if slot.quarantined && step != PluginStep::Loaded {
                    (slot.quarantined, slot.quarantine_why) = (false, None);
                }
            }
            PluginStep::Shadowed | PluginStep::Accepted | PluginStep::Refused => {}
        }
    }

    fn apply_timer_set(&mut self, strategy: StrategyId, id: TimerId, at: HostTime) {
        let known = self.timers.contains(strategy, id);
        self.timers.set(strategy, id, at);
        if let Some(slot) = self.strategies.get_mut(strategy.index()) {
            slot.credit.fired.remove(&id);
            slot.timers = slot.timers.saturating_add(u32::from(!known));
        }
    }

    fn apply_timer_ended(&mut self, strategy: StrategyId, id: TimerId, fired: bool) {
        let known = self.timers.contains(strategy, id);
        self.timers.end(strategy, id);
        if let Some(slot) = self.strategies.get_mut(strategy.index()) {
            slot.timers = slot.timers.saturating_sub(u32::from(known));
            if fired {
                slot.credit.fired.insert(id, 0);
            } else {
                slot.credit.fired.remove(&id);
            }
        }
    }

    fn use_wires(&mut self, account: AccountId, next: WireId) {
        let known = self.next_wire.entry(account).or_insert(1);
        *known = (*known).max(next.0);
    }

    fn apply_fill(&mut self, time: HostTime, fact: &Fact) {
        let Fact::Fill { id, quantity, .. } = fact else {
            return;
        };
        self.book_fill(fact);
        let grow = |order: &mut Order| {
            order.filled = order.filled.checked_add(*quantity).unwrap_or(order.filled);
        };
        let left = self
            .strategies
            .get(id.strategy.index())
            .and_then(|slot| {
                let live = slot.orders.get(&id.number).map(|known| &known.order);
                live.or_else(|| slot.finished.get(&id.number))
            })
            .map_or(Quantity::ZERO, Order::remaining);
        let event = if *quantity >= left { OrderEvent::FinalFill } else { OrderEvent::PartialFill };
        self.advance_order(time, *id, event, grow);
        // the last fill of an order that its venue has ended
        let slot = self.strategies.get(id.strategy.index());
        let known = slot.and_then(|slot| slot.orders.get(&id.number));
        let ending = known.and_then(|known| Some((known.ending?, known.order.filled)));
        if let Some(((event, wanted), filled)) = ending
            && filled >= wanted
        {
            self.advance_order(time, *id, event, |_| {});
        }
    }

    fn book_fill(&mut self, fact: &Fact) {
        let Fact::Fill {
            id, account, instrument, trade, side, price, quantity, fee, happened, ..
        } = fact
        else {
            return;
        };
        let Some(spec) = self.config.instruments.get(instrument.index()) else {
            return;
        };
        let Some(slot) = self.strategies.get_mut(id.strategy.index()) else {
            return;
        };
        let newest = self.last_fill.entry(*account).or_default();
        *newest = (*newest).max(*happened);
        slot.fills = slot.fills.saturating_add(1);
        let Some(holding) = slot.holding_mut(*instrument) else {
            return;
        };
        holding.remember_trade(*happened, *trade, id.number);
        // a fill that does not fit leaves the position as it was; `filled` has stopped the strategy
        if holding.position.book(spec, *side, *price, *quantity, *fee).is_ok() {
            self.exposure.update(id.strategy, spec, &holding.position);
            let what = (*price, *quantity, *fee);
            self.count_for_plan(*id, (*instrument, *side), what);
        }
    }

    fn apply_funding(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        settlement: VenueTime,
        amount: Decimal,
    ) {
        let seen = self.funding_seen.entry((account, instrument)).or_default();
        seen.insert(settlement);
        if seen.len() > SETTLEMENTS {
            seen.pop_first();
        }
        let Some(spec) = self.config.instruments.get(instrument.index()) else {
            return;
        };
        for (index, slot) in self.strategies.iter_mut().enumerate() {
            let holding = slot.holding_mut(instrument);
            let Some(holding) = holding.filter(|holding| holding.account == account) else {
                continue;
            };
            if holding.position.fund(amount).is_err() {
                continue; // `funded` has stopped the strategy
            }
            holding.funding = Some(FundingNotice { instrument, amount, settlement });
            if let Ok(index) = u32::try_from(index) {
                let strategy = StrategyId(index);
                self.exposure.update(strategy, spec, &holding.position);
            }
        }
    }

    pub(crate) fn is_new_funding(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        settlement: VenueTime,
    ) -> bool {
        let Some(seen) = self.funding_seen.get(&(account, instrument)) else { return true };
        // what is older than all that is remembered was booked long ago
        let old =
            seen.len() >= SETTLEMENTS && seen.first().is_some_and(|oldest| settlement < *oldest);
        !old && !seen.contains(&settlement)
    }
}
