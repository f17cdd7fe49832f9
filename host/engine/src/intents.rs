//! What strategies want: judged one by one in list order, each seeing what came before it.

use crate::risk::{HOST_PLANS, TALK_BYTES_PER_S, Talk};
use crate::{Effects, Engine, OpenOrders};
use hedgerow_model::{
    Amend, CallFault, ClientOrderId, Event, Fact, FaultKind, HostTime, InstrumentId, Intent,
    NewOrder, OrderFact, OrderStatus, Outcome, PLAN_ORDERS, Report, RiskRejection, StrategyId,
    TimerId, VenueCommand,
};

impl Engine {
    pub(crate) fn on_outcome(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        (first_order, version): (u64, u32),
        outcome: Outcome,
        effects: &mut Effects,
    ) {
        let Some(slot) = self.strategies.get_mut(strategy.index()) else {
            return;
        };
        if !outcome.intents.is_empty() {
            slot.active = now;
        }
        let expected = slot.next_order;
        let good = first_order == expected
            && outcome.order_numbers().zip(expected..).all(|(number, next)| number == next);
        if !good {
            let detail = format!("orders must be numbered from {expected}");
            let fault = CallFault { kind: FaultKind::BadAnswer, detail };
            self.on_fault(now, strategy, fault, expected, effects);
            return;
        }
        let next = outcome.order_numbers().last().map(|last| last.saturating_add(1));
        if let Some(state) = outcome.checkpoint {
            let unheard = self.unheard_timers(strategy);
            self.record(now, Fact::Checkpoint { strategy, version, state, unheard }, effects);
        }
        let acts = !outcome.intents.is_empty();
        self.note_asked(strategy, &outcome.intents);
        for intent in outcome.intents {
            self.on_intent(now, strategy, intent, effects);
        }
        if let Some(next) = next.filter(|next| *next > self.next_order(strategy)) {
            // the last of them were denied so often that it is not journaled any more
            self.record(now, Fact::OrderNumbers { strategy, next }, effects);
        }
        if acts {
            // it writes facts anyway
            self.note_peak(now, strategy, effects);
        }
    }

    fn on_intent(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        intent: Intent,
        effects: &mut Effects,
    ) {
        match intent {
            Intent::Submit(order) => self.submit(now, strategy, &order, effects),
            Intent::Amend(amend) => self.amend(now, strategy, &amend, effects),
            Intent::Replace(wanted) if self.can_amend(strategy, wanted.order) => {
                self.amend(now, strategy, &wanted.amend(), effects);
            }
            Intent::Replace(wanted) => self.replace(now, strategy, wanted, effects),
            Intent::Cancel(number) => {
                let own = number < PLAN_ORDERS;
                let gone = own
                    && (self.cancel(now, strategy, number, effects)
                        || self.take_back(now, strategy, number, effects));
                if !gone {
                    self.refuse(
                        now,
                        strategy,
                        ("cancel", number),
                        RiskRejection::UnknownOrder,
                        effects,
                    );
                }
            }
            Intent::CancelAll(id) => self.cancel_many(now, strategy, Some(id), effects),
            Intent::SetTimer { id, at } => self.set_timer(now, strategy, (id, at), effects),
            Intent::CancelTimer(id) => {
                if self.timers.contains(strategy, id) || self.has_fired(strategy, id) {
                    self.record(now, Fact::TimerEnded { strategy, id, fired: false }, effects);
                }
            }
            Intent::Report(report) => self.report(now, strategy, report, effects),
            Intent::Plan { id, kind, json } => {
                let begun = if id < HOST_PLANS {
                    self.begin_plan(now, strategy, (id, &kind, &json), effects)
                } else {
                    let detail = "ids from 2^63 on are of the host's own plans".into();
                    Err(RiskRejection::PlanUnreadable { detail })
                };
                if let Err(reason) = begun {
                    self.refuse(now, strategy, ("plan", id), reason, effects);
                }
            }
            Intent::CancelPlan(id) => {
                if id >= HOST_PLANS || !self.give_up_plan(now, (strategy, id), effects) {
                    let reason = RiskRejection::UnknownOrder;
                    self.refuse(now, strategy, ("cancel-plan", id), reason, effects);
                }
            }
            Intent::SetLeverage { instrument, leverage_hundredths } => {
                let asked = (instrument, leverage_hundredths);
                if let Err(reason) = self.set_leverage(now, strategy, asked, effects) {
                    let what = ("set-leverage", u64::from(instrument.0));
                    self.refuse(now, strategy, what, reason, effects);
                }
            }
            Intent::Other(message) => {
                self.unsupported(now, strategy, ("other", u64::from(message.code)), effects);
            }
        }
    }

    fn set_timer(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        (id, at): (TimerId, HostTime),
        effects: &mut Effects,
    ) {
        let (room, known) = self.timer_room(strategy, id);
        let at = at.max(now);
        if self.timers.at(strategy, id) == Some(at) {
            // it is so already: nothing to write
        } else if room || known {
            self.record(now, Fact::TimerSet { strategy, id, at }, effects);
        } else {
            let reason = RiskRejection::TooManyTimers;
            self.refuse(now, strategy, ("set-timer", id.0), reason, effects);
        }
    }

    /// What a strategy says is journaled, as long as it is not too much.
    fn report(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        report: Report,
        effects: &mut Effects,
    ) {
        let bytes = u64::try_from(report.text_bytes()).unwrap_or(u64::MAX);
        let Some(slot) = self.strategies.get_mut(strategy.index()) else { return };
        match slot.talk.say(now, bytes) {
            Talk::Heard => self.record(now, Fact::Said { strategy, report }, effects),
            Talk::TooMuch => {
                let reason = RiskRejection::RateLimited { limit_per_s: TALK_BYTES_PER_S };
                self.refuse(now, strategy, ("report", 0), reason, effects);
            }
            Talk::StillTooMuch => {}
        }
    }

    fn timer_room(&self, strategy: StrategyId, id: hedgerow_model::TimerId) -> (bool, bool) {
        let room = self
            .strategies
            .get(strategy.index())
            .is_some_and(|slot| slot.timers < slot.limits.timers_max);
        (room, self.timers.contains(strategy, id))
    }

    fn unsupported(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        what: (&str, u64),
        fx: &mut Effects,
    ) {
        self.refuse(now, strategy, what, RiskRejection::NotSupported, fx);
    }

    /// Journals the refusal of an intent that is not a new order.
    pub(crate) fn refuse(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        (intent, id): (&str, u64),
        reason: RiskRejection,
        effects: &mut Effects,
    ) {
        let code = reason.code();
        if self.is_journaled_denial(now, strategy, effects) {
            self.record(
                now,
                Fact::IntentDenied { strategy, intent: intent.into(), reason },
                effects,
            );
        }
        let json = format!("{{\"denied\":\"{intent}\",\"id\":{id},\"reason\":{code}}}");
        let notice = hedgerow_model::OpaqueMessage { code, json };
        self.deliver(strategy, now, Event::Other(notice), effects);
    }

    /// Whether a denial goes into the journal: not beyond so many a second, which would fill the
    /// disk. A strategy that comes so far is stopped.
    fn is_journaled_denial(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        effects: &mut Effects,
    ) -> bool {
        let Some(slot) = self.strategies.get_mut(strategy.index()) else { return false };
        match slot.denials.count(now) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Equal => {
                let why = "it was denied too often in one second: its orders are not journaled";
                self.stop_strategy(now, strategy, why, effects);
                true
            }
            std::cmp::Ordering::Greater => false,
        }
    }

    /// Whether the next denial would be journaled.
    pub(crate) fn is_denial_journaled(&self, now: HostTime, strategy: StrategyId) -> bool {
        self.strategies.get(strategy.index()).is_some_and(|slot| slot.denials.has_room(now))
    }

    fn submit(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        request: &NewOrder,
        effects: &mut Effects,
    ) {
        let id = ClientOrderId { strategy, number: request.number };
        match self.approve(now, strategy, request, None) {
            Ok(approved) => {
                let fact = OrderFact::Approved(Box::new(approved.get().clone()));
                self.record(now, Fact::Order { id, fact }, effects);
                effects.commands.push(VenueCommand::Place(approved));
            }
            Err(reason) => {
                let is_journaled = self.is_journaled_denial(now, strategy, effects);
                self.deny(now, (id, request), (reason, is_journaled), effects);
            }
        }
    }

    fn amend(&mut self, now: HostTime, strategy: StrategyId, amend: &Amend, fx: &mut Effects) {
        if !self.can_amend(strategy, amend.order) {
            let reason = RiskRejection::NotAmendable;
            return self.refuse(now, strategy, ("amend", amend.order), reason, fx);
        }
        match self.approve_amend(now, strategy, amend) {
            Ok(approved) => {
                let id = ClientOrderId { strategy, number: amend.order };
                let target = self
                    .order(strategy, amend.order)
                    .map(|order| (order.account, order.request.instrument, order.wire));
                self.record(now, Fact::Order { id, fact: OrderFact::AmendRequested(*amend) }, fx);
                if let Some((account, instrument, wire)) = target {
                    let amend = approved;
                    fx.commands.push(VenueCommand::Amend { account, instrument, wire, amend });
                }
            }
            Err(reason) => self.refuse(now, strategy, ("amend", amend.order), reason, fx),
        }
    }

    /// Cancels one live order; `false` when there is none. Never refused otherwise.
    pub(crate) fn cancel(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        number: u64,
        effects: &mut Effects,
    ) -> bool {
        let Some(order) = self.order(strategy, number) else {
            return false;
        };
        if order.status == OrderStatus::PendingCancel {
            return true;
        }
        let (account, instrument, wire) = (order.account, order.request.instrument, order.wire);
        let id = ClientOrderId { strategy, number };
        self.record(now, Fact::Order { id, fact: OrderFact::CancelRequested }, effects);
        effects.commands.push(VenueCommand::Cancel { account, instrument, wire });
        true
    }

    pub(crate) fn cancel_many(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        instrument: Option<InstrumentId>,
        effects: &mut Effects,
    ) {
        self.take_all_back(now, strategy, instrument, effects);
        let numbers = self.strategies.get(strategy.index()).map(|slot| slot.cancelable(instrument));
        for number in numbers.unwrap_or_default() {
            self.cancel(now, strategy, number, effects);
        }
    }

    pub(crate) fn on_fault(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        fault: CallFault,
        next_order: u64,
        effects: &mut Effects,
    ) {
        self.record(now, Fact::Fault { strategy, fault }, effects);
        self.is_down(strategy);
        self.record(now, Fact::OrderNumbers { strategy, next: next_order }, effects);
        if self.policy(strategy, |slot| slot.on_fault) == OpenOrders::Cancel {
            self.end_orders(now, strategy, effects);
        }
    }
}
