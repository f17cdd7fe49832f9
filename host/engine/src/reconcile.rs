//! Questions to venues about what is: after every loss of the private stream, before the first
//! order, and from time to time.
//!
//! On `Up` the venue is asked for everything. It tells again what happened lately (fills are booked
//! once, by their key), then its open orders and positions, then that this is all; until then
//! nothing opens. From time to time it is asked for a part of that. An answer that fails, is cut
//! off, or belongs to an earlier question changes nothing: it is never read as empty. An order that
//! is missing from a list is only in doubt (`doubts`); what differs is judged in `compare`.
//! Nothing is ever sent again but cancels.

use crate::doubts::back_off;
use crate::truth::ForeignOrders;
use crate::{Effects, Engine};
use hedgerow_model::{
    AccountId, ClientOrderId, Duration, Extent, Fact, HostTime, InstrumentId, Order, Price,
    Quantity, Side, VenueCommand, VenueEvent, VenueReport, VenueTime, WireId,
};
use std::collections::{BTreeMap, BTreeSet};

/// How far back the venue is asked to tell again: longer than any clock differs.
const OVERLAP: Duration = Duration::from_secs(60);
/// How often it is asked before a position that differs counts: its answer comes in parts, and what
/// fills in between is in one part and not in the other.
const ASKED: u8 = 3;
/// After so many rounds in which a venue's list and its answers do not agree people are told.
const STRANGE: u8 = 5;

/// A position that is not the venue's: whose account, in what, ours, theirs.
pub(crate) type Differing = (InstrumentId, Quantity, Quantity);

/// What the venue has told so far.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The question under way; nothing: none was asked, or it is over.
    pub(crate) nonce: Option<u64>,
    /// When it was asked.
    pub(crate) at: HostTime,
    /// How often we asked since the stream is up.
    asked: u8,
    /// How often the question failed in a row.
    failed: u8,
    /// Orders are in doubt: it is asked again when it is known what became of them.
    waits: bool,
    /// How often that was so in a row.
    rounds: u8,
    /// What differed in the answer before.
    drift: Vec<Differing>,
    /// Our live orders when we asked: only these can be missing from the answer.
    pub(crate) ours: BTreeSet<ClientOrderId>,
    pub(crate) open: BTreeMap<WireId, Open>,
    pub(crate) foreign: BTreeMap<InstrumentId, ForeignOrders>,
    pub(crate) positions: BTreeMap<InstrumentId, Quantity>,
    /// When it is asked again if nothing comes.
    pub(crate) again: Option<HostTime>,
}

/// An order as the venue has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    pub(crate) instrument: InstrumentId,
    pub(crate) price: Price,
    pub(crate) quantity: Quantity,
    pub(crate) filled: Quantity,
}

impl Answer {
    pub(crate) fn take(&mut self, report: &VenueReport) {
        match report {
            VenueReport::OpenOrder { wire, instrument, price, quantity, filled, .. } => {
                let (instrument, price, quantity) = (*instrument, *price, *quantity);
                let open = Open { instrument, price, quantity, filled: *filled };
                self.open.insert(*wire, open);
            }
            VenueReport::ForeignOrder { instrument, side, remaining, .. } => {
                let known = self.foreign.entry(*instrument).or_default();
                let sum = match side {
                    Side::Buy => &mut known.buy,
                    Side::Sell => &mut known.sell,
                };
                *sum = sum.saturating_add(remaining.units().max(0));
            }
            VenueReport::Position { instrument, quantity, .. } => {
                self.positions.insert(*instrument, *quantity);
            }
            _ => {}
        }
    }
}

impl Engine {
    /// Whether an account may open.
    pub(crate) fn is_reconciled(&self, account: AccountId) -> bool {
        !self.unreconciled.contains_key(&account)
    }

    /// Whether questions cannot reach the venue of an account now.
    pub(crate) fn is_cut_off(&self, account: AccountId) -> bool {
        let answer = self.unreconciled.get(&account);
        answer.is_some_and(|a| a.nonce.is_none() && a.again.is_none() && !a.waits)
    }

    /// The private stream is confirmed: ask.
    pub(crate) fn begin_reconcile(&mut self, event: &VenueEvent, effects: &mut Effects) {
        let (now, account) = (event.received, event.account);
        self.ask(now, account, 1, effects);
        for id in self.doubts_of(account) {
            // the list says nothing of what is over and was said to have filled further
            let over = self.order(id.strategy, id.number).is_none();
            if let Some(doubt) = self.truth.doubts.get_mut(&id).filter(|_| over) {
                doubt.at = now;
            }
        }
    }

    /// When an account wants to be asked about again.
    pub(crate) fn next_question(&self) -> Option<HostTime> {
        self.unreconciled.values().filter_map(|answer| answer.again).min()
    }

    /// Asks again what could not be said yet, or was not answered.
    pub(crate) fn ask_again(&mut self, now: HostTime, effects: &mut Effects) {
        let due = |answer: &Answer| answer.again.is_some_and(|at| at <= now);
        let due = self.unreconciled.iter().filter(|(_, answer)| due(answer));
        for (account, asked) in due.map(|(id, answer)| (*id, answer.asked)).collect::<Vec<_>>() {
            if let Some(answer) = self.unreconciled.get_mut(&account)
                && answer.nonce.is_some()
            {
                // it takes longer than that: it is given more time, or no answer ever counts
                answer.failed = answer.failed.saturating_add(1);
            }
            self.ask(now, account, asked, effects);
        }
    }

    /// Goes on where orders were in doubt and are not any more.
    pub(crate) fn go_on_reconciling(&mut self, now: HostTime, effects: &mut Effects) {
        let waits = self.unreconciled.iter().filter(|(_, answer)| answer.waits);
        for account in waits.map(|(account, _)| *account).collect::<Vec<_>>() {
            if self.has_doubts(account) {
                continue;
            }
            let pause = self.asks(account).pause;
            let Some(answer) = self.unreconciled.get_mut(&account) else { continue };
            answer.waits = false;
            if answer.rounds > 1 {
                // its list and its answers do not agree: not faster than it can settle
                answer.again = Some(now.after(pause));
            } else {
                self.ask(now, account, 1, effects);
            }
        }
    }

    pub(crate) fn ask(
        &mut self,
        now: HostTime,
        account: AccountId,
        asked: u8,
        effects: &mut Effects,
    ) {
        let since = self.untold_since(account);
        let before = self.unreconciled.remove(&account);
        let mut answer = self.question(now, account, (Extent::All, since), effects);
        answer.asked = asked;
        if let Some(before) = before {
            (answer.drift, answer.failed) = (before.drift, before.failed);
            answer.rounds = before.rounds;
            let patience = back_off(self.asks(account).patience, answer.failed);
            answer.again = Some(now.after(patience));
        }
        self.unreconciled.insert(account, answer);
        self.truth.checks.remove(&account);
    }

    /// From when on a venue may know something that it has not told: everything before its first
    /// answer, then what came after it was last asked. A fill that was heard since proves nothing
    /// of those before it.
    pub(crate) fn untold_since(&self, account: AccountId) -> VenueTime {
        let told = self.told_until.get(&account).copied().unwrap_or(VenueTime::EPOCH);
        VenueTime::from_nanos(told.as_nanos().saturating_sub(OVERLAP.as_nanos()))
    }

    /// An answer was complete: what happened by the time it was asked for is told.
    pub(crate) fn note_told(&mut self, event: &VenueEvent, answer: &Answer, effects: &mut Effects) {
        let until = VenueTime::from_nanos(answer.at.as_nanos());
        let fact = Fact::Compared { account: event.account, until };
        self.record(event.received, fact, effects);
    }

    pub(crate) fn question(
        &mut self,
        now: HostTime,
        account: AccountId,
        (extent, since): (Extent, VenueTime),
        effects: &mut Effects,
    ) -> Answer {
        let nonce = self.next_nonce(now);
        let ours = self.live_orders(account).map(|order| order.id).collect();
        let again = Some(now.after(self.asks(account).patience));
        effects.commands.push(VenueCommand::Reconcile { account, since, nonce, extent });
        Answer { nonce: Some(nonce), at: now, ours, again, ..Answer::default() }
    }

    pub(crate) fn live_orders(&self, account: AccountId) -> impl Iterator<Item = &Order> {
        let orders = self.strategies.iter().flat_map(|slot| slot.orders.values());
        orders.map(|known| &known.order).filter(move |order| order.account == account)
    }

    /// The private stream is lost: nothing opens until it is back and compared. What was asked
    /// will not be answered.
    pub(crate) fn lose_reconcile(&mut self, account: AccountId) {
        let must = self.config.accounts.get(account.index()).is_some_and(|known| known.reconcile);
        if must {
            self.unreconciled.insert(account, Answer::default());
        }
        self.truth.checks.remove(&account);
        for id in self.doubts_of(account) {
            let live = self.order(id.strategy, id.number).is_some();
            let Some(doubt) = self.truth.doubts.get_mut(&id) else { continue };
            if !live && doubt.claim.is_none() {
                // it is over, and all that happened is told again
                self.truth.doubts.remove(&id);
                continue;
            }
            (doubt.nonce, doubt.at) = (None, HostTime::NEVER);
        }
    }

    fn doubts_of(&self, account: AccountId) -> Vec<ClientOrderId> {
        let of = |id: &&ClientOrderId| {
            self.any_order(**id).is_some_and(|order| order.account == account)
        };
        self.truth.doubts.keys().filter(of).copied().collect()
    }

    /// One part of the venue's answer.
    pub(crate) fn on_answer(&mut self, event: &VenueEvent, effects: &mut Effects) {
        let of = match &event.report {
            VenueReport::OpenOrder { nonce, .. }
            | VenueReport::ForeignOrder { nonce, .. }
            | VenueReport::Position { nonce, .. }
            | VenueReport::Reconciled { nonce } => *nonce,
            _ => return,
        };
        let account = event.account;
        let ends = matches!(event.report, VenueReport::Reconciled { .. });
        let answer = self.unreconciled.get_mut(&account);
        if let Some(answer) = answer.filter(|answer| answer.nonce == Some(of)) {
            answer.take(&event.report);
            if ends {
                self.all_told(event, effects);
            }
            return;
        }
        // an answer to an earlier question says nothing about this one
        let Some(check) = self.truth.checks.get_mut(&account) else { return };
        let asked = check.question.as_mut().filter(|(_, answer)| answer.nonce == Some(of));
        let Some((_, answer)) = asked else { return };
        answer.take(&event.report);
        if ends && let Some((extent, answer)) = check.question.take() {
            self.check_told(event, (extent, &answer), effects);
        }
    }

    /// The answer of an account that may not open is complete.
    fn all_told(&mut self, event: &VenueEvent, effects: &mut Effects) {
        let (now, account) = (event.received, event.account);
        let Some(mut answer) = self.unreconciled.remove(&account) else { return };
        let missing: Vec<ClientOrderId> = self.unlisted(account, &answer);
        if !missing.is_empty() {
            let rounds = answer.rounds.saturating_add(1);
            if rounds == STRANGE {
                let detail = format!("orders it says are open are not in its list: {missing:?}");
                self.record(now, Fact::Discrepancy { account, detail }, effects);
            }
            let waits = Answer { waits: true, asked: answer.asked, rounds, ..Answer::default() };
            self.unreconciled.insert(account, waits);
            for id in missing {
                self.doubt_anew(now, id, effects);
            }
            return;
        }
        let drift = self.differing(account, &answer.positions);
        let agree = answer.asked >= ASKED && answer.drift == drift;
        if !drift.is_empty() && !agree {
            let asked = answer.asked.saturating_add(1).min(ASKED);
            // what differs at last, or moves, is read again in a while: lists may lag behind
            let later = asked >= ASKED;
            answer.drift = drift;
            answer.nonce = None;
            if later {
                answer.asked = asked;
                answer.again = Some(now.after(self.asks(account).pause));
                self.unreconciled.insert(account, answer);
                return;
            }
            self.unreconciled.insert(account, answer);
            return self.ask(now, account, asked, effects);
        }
        self.finish_reconcile(event, &answer, effects);
        self.begin_checks(now, account);
    }

    fn unlisted(&self, account: AccountId, answer: &Answer) -> Vec<ClientOrderId> {
        let ours = self.live_orders(account).filter(|order| answer.ours.contains(&order.id));
        // what waits in the line is not there yet
        let missing = ours.filter(|order| {
            let left = !self.rations.holds_back(account, order.wire);
            left && !answer.open.contains_key(&order.wire)
        });
        missing.map(|order| order.id).collect()
    }

    /// What was asked before the stream was lost is asked again.
    pub(crate) fn doubt_anew(&mut self, now: HostTime, id: ClientOrderId, effects: &mut Effects) {
        if let Some(doubt) = self.truth.doubts.get_mut(&id) {
            doubt.nonce = None;
        }
        self.doubt(now, id, effects);
    }

    /// A question about an account failed.
    pub(crate) fn question_failed(&mut self, event: &VenueEvent, nonce: u64) {
        let (now, account) = (event.received, event.account);
        let pause = self.asks(account).pause;
        if let Some(answer) = self.unreconciled.get_mut(&account)
            && answer.nonce == Some(nonce)
        {
            let again = pause.as_nanos().saturating_mul(1 << answer.failed.min(6));
            answer.nonce = None;
            answer.failed = answer.failed.saturating_add(1);
            answer.again = Some(now.after(Duration::from_nanos(again)));
            return;
        }
        if let Some(check) = self.truth.checks.get_mut(&account)
            && check.question.as_ref().is_some_and(|(_, answer)| answer.nonce == Some(nonce))
        {
            check.question = None;
        }
    }
}
