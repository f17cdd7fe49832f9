//! What becomes of a request and of a report: by the script's troubles of the moment and the dice.

use crate::dice::Dice;
use crate::fault::Fault;
use crate::kinds::{is_answer, wire_of};
use crate::script::{MS, S, spike};
use crate::shared::Shared;
use crate::venues::{Session, Venues, Way};
use hedgerow_model::{AccountId, Order, VenueEvent, VenueRejection, VenueReport};
use hedgerow_simulator::paper::Request;
use std::collections::BTreeMap;

/// How long a session waits for an answer. All that may still arrive afterwards does so before an
/// order counts as settled.
const PATIENCE: u64 = 2 * S;
/// How long an order may be on its way: what the engine is told as the venue's settling time.
pub const SETTLING: u64 = 6 * S;
/// A message that comes whatever became of its stream meanwhile, if that is up again.
pub const ANY_STREAM: u64 = u64::MAX;

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Fate {
    /// It arrives.
    Arrives { after: u64, answer_lost: bool, patience: Option<u64> },
    /// It does not.
    Lost { patience: u64 },
    /// It is refused before it means anything.
    Refused { after: u64, report: VenueReport },
}

impl Fate {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Arrives { answer_lost: true, .. } => "(its answer will be lost)",
            Self::Arrives { patience: Some(_), .. } => "(too late)",
            Self::Arrives { .. } => "",
            Self::Lost { .. } => "(lost)",
            Self::Refused { .. } => "(refused)",
        }
    }
}

/// The dice of fates.
pub struct Fates {
    dice: Dice,
    /// By account: the last report's arrival, which nothing overtakes in calm times.
    last: BTreeMap<AccountId, u64>,
}

impl Fates {
    pub(crate) fn new(seed: u64) -> Self {
        Self { dice: Dice::of(seed, 4), last: BTreeMap::new() }
    }

    /// Whether the venue of an account is out of reach.
    pub(crate) fn is_gone(&self, shared: &Shared, now: u64, account: AccountId) -> bool {
        let venue = account.0 % shared.script.venues;
        shared.script.at(Fault::Outage, now, Some(venue)).next().is_some()
    }

    pub(crate) fn way_back(&mut self, shared: &Shared, now: u64, venue: u32) -> u64 {
        let base = shared.script.latency.get(usize::try_from(venue).unwrap_or(0));
        base.map_or(MS, |latency| latency.1) + spike(&shared.script, venue, now)
    }

    fn hits(&mut self, shared: &Shared, fault: Fault, now: u64, venue: u32, percent: u64) -> bool {
        shared.script.at(fault, now, Some(venue)).next().is_some() && self.dice.percent(percent)
    }

    /// How much longer what a venue says of an account is on its way: it may come after it was
    /// asked again, and says what was when it was asked first.
    pub(crate) fn late_answer(&mut self, shared: &Shared, now: u64, venue: u32) -> u64 {
        if !self.hits(shared, Fault::LateRequest, now, venue, 50) {
            return 0;
        }
        shared.happened(Fault::LateRequest);
        self.dice.between(1, 9_000) * MS
    }

    pub(crate) fn of(
        &mut self,
        shared: &Shared,
        now: u64,
        account: AccountId,
        session: &Session,
        request: &Request,
    ) -> Fate {
        let venue = session.venue;
        if self.is_gone(shared, now, account) {
            shared.happened(Fault::Outage);
            return Fate::Lost { patience: PATIENCE };
        }
        if self.hits(shared, Fault::LostRequest, now, venue, 50) {
            shared.happened(Fault::LostRequest);
            return Fate::Lost { patience: PATIENCE };
        }
        let base = shared.script.latency.get(usize::try_from(venue).unwrap_or(0));
        let slow = spike(&shared.script, venue, now);
        if slow > 0 {
            shared.happened(Fault::LatencySpike);
        }
        let after = base.map_or(MS, |latency| latency.0) + slow;
        if let Some(report) = self.refusal(shared, now, venue, request) {
            let after = after + self.way_back(shared, now, venue);
            return Fate::Refused { after, report };
        }
        if self.hits(shared, Fault::LateRequest, now, venue, 50) {
            shared.happened(Fault::LateRequest);
            let after = PATIENCE + self.dice.between(1, 2_500) * MS;
            return Fate::Arrives { after, answer_lost: false, patience: Some(PATIENCE) };
        }
        let answer_lost = self.hits(shared, Fault::LostAnswer, now, venue, 50);
        let slow = 2 * after > PATIENCE || answer_lost || !session.up;
        Fate::Arrives { after, answer_lost, patience: slow.then_some(PATIENCE) }
    }

    /// Why the venue does not even look at a request, as the answer to it.
    fn refusal(
        &mut self,
        shared: &Shared,
        now: u64,
        venue: u32,
        request: &Request,
    ) -> Option<VenueReport> {
        if self.hits(shared, Fault::RateLimitBan, now, venue, 100) {
            shared.happened(Fault::RateLimitBan);
            return refuse(request, VenueRejection::Other(429));
        }
        if let Request::Place(order) = request
            && let Some((fault, reason)) = self.order_refusal(shared, now, venue, order)
        {
            shared.happened(fault);
            return refuse(request, reason);
        }
        if self.hits(shared, Fault::Reject, now, venue, 40) {
            shared.happened(Fault::Reject);
            let reason = match request {
                Request::Place(_) => self.dice.pick(&[
                    VenueRejection::InsufficientBalance,
                    VenueRejection::FilterFailed,
                    VenueRejection::NotTrading,
                    VenueRejection::Other(7),
                ]),
                // of no meaning to a question
                Request::Reconcile { .. }
                | Request::QueryOrder { .. }
                | Request::QueryTrades { .. } => VenueRejection::Other(9),
                _ => self.dice.pick(&[VenueRejection::UnknownOrder, VenueRejection::Other(8)]),
            };
            return refuse(request, reason);
        }
        None
    }

    fn order_refusal(
        &mut self,
        shared: &Shared,
        now: u64,
        venue: u32,
        order: &Order,
    ) -> Option<(Fault, VenueRejection)> {
        let request = &order.request;
        if request.flags.post_only && self.hits(shared, Fault::PostOnlyRefusal, now, venue, 70) {
            return Some((Fault::PostOnlyRefusal, VenueRejection::PostOnlyWouldTake));
        }
        if request.flags.reduce_only && self.hits(shared, Fault::ReduceOnlyRefusal, now, venue, 70)
        {
            return Some((Fault::ReduceOnlyRefusal, VenueRejection::WouldIncrease));
        }
        if self.hits(shared, Fault::Delisting, now, venue, 100) {
            return Some((Fault::Delisting, VenueRejection::NotTrading));
        }
        None
    }
}

fn refuse(request: &Request, reason: VenueRejection) -> Option<VenueReport> {
    match request {
        Request::Place(order) => Some(VenueReport::Rejected { wire: order.wire, reason }),
        Request::Cancel { wire, .. } => Some(VenueReport::CancelRejected { wire: *wire, reason }),
        Request::Amend { wire, .. } => Some(VenueReport::AmendRejected { wire: *wire, reason }),
        Request::Reconcile { nonce, .. }
        | Request::QueryOrder { nonce, .. }
        | Request::QueryTrades { nonce, .. } => Some(VenueReport::QueryFailed { nonce: *nonce }),
        Request::SetLeverage { .. } => None,
    }
}

impl Venues {
    /// A report goes on its way to the host.
    pub(crate) fn send_report(&mut self, now: u64, mut event: VenueEvent) {
        let account = event.account;
        let Some(session) = self.sessions.get(account.index()) else { return };
        let (venue, epoch, up) = (session.venue, session.epoch, session.up);
        let shared = std::rc::Rc::clone(&self.shared);
        let gone = self.fates.is_gone(&shared, now, account);
        if self.is_margin_lost(now, &event) {
            return;
        }
        let deaf = shared.script.at(Fault::StreamDead, now, Some(venue)).next().is_some();
        if deaf && up {
            shared.happened(Fault::StreamDead);
        }
        if gone || deaf || !up {
            shared.say(now, "lost", format_args!("account {}: {:?}", account.0, event.report));
            return;
        }
        let mut after = self.fates.way_back(&shared, now, venue);
        let chosen = self.ends_first(now, &event);
        let late = matches!(event.report, VenueReport::Fill { .. })
            && (self.fates.hits(&shared, Fault::LateFill, now, venue, 50)
                || chosen == Some(Fault::LateFill));
        if late {
            shared.happened(Fault::LateFill);
            after += self.fates.dice.between(100, 3_000) * MS;
        }
        let vague = self.fates.hits(&shared, Fault::LateFill, now, venue, 30) || chosen.is_some();
        if vague
            && say_less(&mut event.report)
            && let Some(session) = self.session(account)
        {
            let late = shared.script.at(Fault::VeryLate, now, Some(venue)).next().is_some();
            session.vague_until = session.vague_until.max(now + if late { 70 } else { 10 } * S);
        }
        if let Some(at) = self.very_late(now, &event, chosen) {
            return self.put(at, Way::Report(event, ANY_STREAM));
        }
        let reorders = self.fates.hits(&shared, Fault::Reorder, now, venue, 60);
        if reorders {
            shared.happened(Fault::Reorder);
            after += self.fates.dice.between(1, 400) * MS;
        }
        let mut at = now + after;
        if !late && !reorders {
            let last = self.fates.last.entry(account).or_default();
            at = at.max(*last);
            *last = at;
        }
        if self.fates.hits(&shared, Fault::Duplicate, now, venue, 60) {
            shared.happened(Fault::Duplicate);
            let again = at + self.fates.dice.between(0, 1_500) * MS;
            self.put(again, Way::Report(event.clone(), epoch));
        }
        self.put(at, Way::Report(event, epoch));
    }

    /// Whether an order is one whose end is told before its fills are, and says nothing of them.
    fn ends_first(&self, now: u64, event: &VenueEvent) -> Option<Fault> {
        let venue = self.sessions.get(event.account.index())?.venue;
        let wire = wire_of(&event.report)?;
        let script = &self.shared.script;
        let chosen = |fault: &Fault| {
            let mut all = script.at(*fault, now, Some(venue));
            all.any(|episode| Dice::of(episode.dice ^ wire.0, 13).percent(40))
        };
        [Fault::LateFill, Fault::VeryLate].into_iter().find(chosen)
    }

    /// When a message comes that is told long after its venue's settling time, torn streams and
    /// all; whoever waits for it as an answer gives up.
    fn very_late(&mut self, now: u64, event: &VenueEvent, chosen: Option<Fault>) -> Option<u64> {
        let session = self.sessions.get(event.account.index())?;
        let (venue, shared) = (session.venue, std::rc::Rc::clone(&self.shared));
        let wire = wire_of(&event.report)?;
        let fills = matches!(event.report, VenueReport::Fill { .. });
        let hit = self.fates.hits(&shared, Fault::VeryLate, now, venue, 40);
        let comes_late = match chosen {
            Some(Fault::VeryLate) => fills,
            _ => hit,
        };
        if !comes_late {
            return None;
        }
        shared.happened(Fault::VeryLate);
        if is_answer(&event.report) {
            self.put(now + PATIENCE, Way::TimeOut(event.account, wire));
        }
        Some(now + SETTLING + self.fates.dice.between(1, 54_000) * MS)
    }

    /// Counts fills that leave something of their order.
    pub(crate) fn note_partial(&mut self, event: &VenueEvent) {
        let VenueReport::Fill { wire, quantity, .. } = event.report else { return };
        let tracker = self.shared.tracker.borrow();
        let known = tracker.by_wire(event.account, wire);
        if known.is_some_and(|known| quantity < known.order.remaining()) {
            self.shared.coverage.borrow_mut().fault(Fault::PartialFill);
        }
    }
}

/// A venue that does not tell how much was filled in all.
fn say_less(report: &mut VenueReport) -> bool {
    match report {
        VenueReport::Canceled { filled, .. } | VenueReport::Expired { filled, .. } => {
            *filled = None;
            true
        }
        _ => false,
    }
}
