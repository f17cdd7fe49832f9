//! Orders that may be lost: each is asked for by itself until it is known what became of it.
//!
//! "Not found" counts only in answer to such a question, only when the last word of the order is
//! older than the venue's settling time, and only when it comes so many times, spaced with
//! back-off. Then an order that its venue never had is taken to be rejected. One that it had is
//! looked for among history and trades first, and only then taken to be canceled. Until that moment
//! it holds all it may still fill reserved; after it cancels go out a few times more, and its
//! tombstone still books what comes. A question that fails says nothing.

use crate::truth::About;
use crate::{Effects, Engine};
use hedgerow_model::{
    ClientOrderId, Duration, Fact, HostTime, OrderEvent, OrderFact, VenueCommand, VenueEvent,
    VenueRejection,
};

/// How many cancels follow an order whose end was inferred.
const CANCELS: u8 = 3;
/// No back-off is longer than the first one doubled so many times.
const DOUBLINGS: u8 = 6;

pub(crate) fn back_off(pause: Duration, times: u8) -> Duration {
    Duration::from_nanos(pause.as_nanos().saturating_mul(1 << times.min(DOUBLINGS)))
}

impl Engine {
    /// The outcome of something is not known: its venue is asked, at once unless it is cut off.
    pub(crate) fn doubt(&mut self, now: HostTime, id: ClientOrderId, effects: &mut Effects) {
        let Some(order) = self.order(id.strategy, id.number) else { return };
        if self.rations.holds_back(order.account, order.wire) {
            return; // its venue cannot know it yet
        }
        let doubt = self.truth.doubts.entry(id).or_default();
        if doubt.nonce.is_none() {
            self.ask_about(now, id, effects);
        }
    }

    pub(crate) fn ask_about(&mut self, now: HostTime, id: ClientOrderId, effects: &mut Effects) {
        let Some(order) = self.any_order(id) else {
            self.truth.doubts.remove(&id);
            return;
        };
        let (account, instrument, wire) = (order.account, order.request.instrument, order.wire);
        let cut_off = self.is_cut_off(account);
        let patience = self.asks(account).patience;
        let nonce = self.next_nonce(now);
        let Some(doubt) = self.truth.doubts.get_mut(&id) else { return };
        if cut_off || now < doubt.not_before {
            // asked about when its venue is back, and not sooner than it may count
            doubt.nonce = None;
            doubt.at = if cut_off { HostTime::NEVER } else { doubt.not_before };
            return;
        }
        // one that was not answered in time is given more of it
        doubt.failed = doubt.failed.saturating_add(u8::from(doubt.nonce.is_some()));
        (doubt.nonce, doubt.asked) = (Some(nonce), now);
        doubt.at = now.after(back_off(patience, doubt.failed));
        effects.commands.push(match doubt.about {
            About::Order => VenueCommand::QueryOrder { account, instrument, wire, nonce },
            About::Trades => VenueCommand::QueryTrades { account, instrument, wire, nonce },
        });
    }

    /// Whether an answer is to the question under way about an order; then it is not any more.
    pub(crate) fn is_answer(&mut self, id: ClientOrderId, nonce: u64) -> bool {
        let doubt = self.truth.doubts.get_mut(&id);
        let Some(doubt) = doubt.filter(|doubt| doubt.nonce == Some(nonce)) else { return false };
        (doubt.nonce, doubt.failed, doubt.at) = (None, 0, HostTime::NEVER);
        true
    }

    /// What is due: questions that nobody answered or that are to be asked again, and cancels of
    /// orders whose end was inferred.
    pub(crate) fn doubts_due(&mut self, now: HostTime, effects: &mut Effects) {
        let due = self.truth.doubts.iter().filter(|(_, doubt)| doubt.at <= now);
        for id in due.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.ask_about(now, id, effects);
        }
        let due = self.truth.linger.iter().filter(|(_, (_, at))| *at <= now);
        for (id, sent) in due.map(|(id, (sent, _))| (*id, *sent)).collect::<Vec<_>>() {
            self.cancel_again(now, id, sent, effects);
        }
    }

    fn cancel_again(&mut self, now: HostTime, id: ClientOrderId, sent: u8, fx: &mut Effects) {
        let Some(order) = self.any_order(id).filter(|_| sent < CANCELS) else {
            self.truth.linger.remove(&id);
            return;
        };
        let (account, instrument, wire) = (order.account, order.request.instrument, order.wire);
        fx.commands.push(VenueCommand::Cancel { account, instrument, wire });
        let pause = back_off(self.asks(account).pause, sent.saturating_mul(2).saturating_add(2));
        self.truth.linger.insert(id, (sent.saturating_add(1), now.after(pause)));
    }

    /// A question failed: what is known stays as it was, and it is asked again later.
    pub(crate) fn query_failed(&mut self, event: &VenueEvent, nonce: u64) {
        let asked = self.truth.doubts.iter().find(|(_, doubt)| doubt.nonce == Some(nonce));
        let Some(id) = asked.map(|(id, _)| *id) else {
            return self.question_failed(event, nonce);
        };
        let pause = self.asks(event.account).pause;
        if let Some(doubt) = self.truth.doubts.get_mut(&id) {
            doubt.nonce = None;
            doubt.at = event.received.after(back_off(pause, doubt.failed));
            doubt.failed = doubt.failed.saturating_add(1);
        }
    }

    /// The venue does not know an order that it was asked for by itself.
    pub(crate) fn not_found(&mut self, now: HostTime, id: ClientOrderId, effects: &mut Effects) {
        let slot = self.strategies.get(id.strategy.index());
        let Some(known) = slot.and_then(|slot| slot.orders.get(&id.number)) else {
            // it is over here; more than was heard may have filled
            return self.trades_did_not_come(now, id, effects);
        };
        let (account, accepted, touched) = (known.order.account, known.accepted, known.touched);
        let settling = self.config.accounts.get(account.index()).map(|known| known.settling);
        let settled = touched.after(settling.unwrap_or(Duration::ZERO));
        let asks = self.asks(account);
        let Some(doubt) = self.truth.doubts.get_mut(&id) else { return };
        if doubt.claim.is_some() {
            // it has said how much of it filled: that it does not know it now takes nothing back
            return self.trades_did_not_come(now, id, effects);
        }
        doubt.about = About::Order;
        if now < settled {
            (doubt.at, doubt.not_before) = (settled, settled);
            return;
        }
        doubt.lost = doubt.lost.saturating_add(1);
        if doubt.lost < asks.lookups {
            doubt.at = now.after(back_off(asks.pause, doubt.lost.saturating_sub(1)));
            doubt.not_before = doubt.at;
        } else if !accepted {
            let end = (OrderEvent::Rejected, VenueRejection::NeverArrived);
            self.infer_end(now, id, end, effects);
        } else if !doubt.searched {
            (doubt.about, doubt.searched) = (About::Trades, true);
            self.ask_about(now, id, effects);
        } else {
            self.infer_end(now, id, (OrderEvent::Canceled, VenueRejection::Vanished), effects);
        }
    }

    /// All trades of an order have been told, and its end if history has it.
    pub(crate) fn trades_told(&mut self, event: &VenueEvent, effects: &mut Effects) {
        let hedgerow_model::VenueReport::TradesTold { nonce, wire } = event.report else { return };
        let Some(id) = self.find(event, wire, effects) else { return };
        if !self.is_answer(id, nonce) {
            return;
        }
        let now = event.received;
        let Some(doubt) = self.truth.doubts.get(&id) else { return };
        if doubt.claim.is_some() {
            self.trades_did_not_come(now, id, effects);
        } else if doubt.searched && self.order(id.strategy, id.number).is_some() {
            self.infer_end(now, id, (OrderEvent::Canceled, VenueRejection::Vanished), effects);
        } else {
            self.truth.doubts.remove(&id);
        }
    }

    fn infer_end(
        &mut self,
        now: HostTime,
        id: ClientOrderId,
        (event, reason): (OrderEvent, VenueRejection),
        effects: &mut Effects,
    ) {
        self.truth.doubts.remove(&id);
        let Some(order) = self.order(id.strategy, id.number) else { return };
        let account = order.account;
        // one of which something was heard that only what was taken can say ends like any other
        let never = event == OrderEvent::Rejected;
        let event = if never && !self.may_be_rejected(id) { OrderEvent::Canceled } else { event };
        if event != OrderEvent::Rejected {
            let detail = format!("order {id}: {reason}");
            self.record(now, Fact::Discrepancy { account, detail }, effects);
        }
        self.record(now, Fact::Order { id, fact: OrderFact::Inferred { event, reason } }, effects);
        self.truth.linger.insert(id, (0, now.after(self.asks(account).pause)));
        self.tell_order(now, id, reason.code(), effects);
    }

    /// An order of ours that is in flight for longer than its venue takes is asked for.
    pub(crate) fn doubt_slow(
        &mut self,
        now: HostTime,
        account: hedgerow_model::AccountId,
        effects: &mut Effects,
    ) {
        use hedgerow_model::OrderStatus as S;
        let settling = self.config.accounts.get(account.index()).map(|known| known.settling);
        let settling = settling.unwrap_or(Duration::ZERO).max(self.asks(account).pause);
        let slots = self.strategies.iter().flat_map(|slot| slot.orders.values());
        let slow = slots.filter(|known| {
            let flies = matches!(
                known.order.status,
                S::PendingNew | S::PendingCancel | S::PendingAmend | S::Unknown
            );
            known.order.account == account && flies && known.touched.after(settling) <= now
        });
        for id in slow.map(|known| known.order.id).collect::<Vec<_>>() {
            self.doubt(now, id, effects);
        }
    }

    /// Whether any live order of an account is in doubt.
    pub(crate) fn has_doubts(&self, account: hedgerow_model::AccountId) -> bool {
        self.truth
            .doubts
            .keys()
            .any(|id| self.any_order(*id).is_some_and(|order| order.account == account))
    }
}
