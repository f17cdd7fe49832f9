//! What the venues tell: of their own, and when they are asked.

use crate::fault::Fault;
use crate::kinds::{is_answer, is_told_again};
use crate::venues::{Venues, Way};
use hedgerow_model::{AccountId, Extent, HostTime, VenueEvent, VenueReport, VenueTime};
use hedgerow_simulator::paper::Request;

impl Venues {
    /// Takes what the paper venue reports by a moment and sends it on its way.
    pub(crate) fn listen(&mut self, now: u64, answer_lost: bool) {
        let mut reports = std::mem::take(&mut self.scratch);
        self.inner.poll_marked(HostTime::from_nanos(now), |event, again| {
            reports.push((event, again));
        });
        let mut lost = answer_lost;
        for (report, again) in reports.drain(..) {
            let event = match again {
                true => self.as_it_was(report, now),
                false => self.event(report.account, now, report.report),
            };
            if !again {
                self.note_partial(&event);
                self.keep(&event);
            }
            if lost && is_answer(&event.report) {
                lost = false;
                self.shared.happened(Fault::LostAnswer);
                self.shared.say(now, "lost", format_args!("answer {:?}", event.report));
                continue;
            }
            self.send_report(now, event);
        }
        self.scratch = reports;
    }

    /// What is told of the past is told as it was told first.
    fn as_it_was(&self, again: VenueEvent, now: u64) -> VenueEvent {
        let session = self.sessions.get(again.account.index());
        let mut known = session.into_iter().flat_map(|session| &session.history);
        let first = known.find(|event| event.report == again.report).cloned();
        first.unwrap_or_else(|| self.event(again.account, now, again.report))
    }

    /// What the venue still knows of later.
    pub(crate) fn keep(&mut self, event: &VenueEvent) {
        self.note_truth(event);
        if is_told_again(&event.report)
            && let Some(session) = self.session(event.account)
        {
            session.history.push(event.clone());
        }
    }

    /// What happened since, what is open, what is held, and that this is all: one answer, parts of
    /// which may be of different moments.
    pub(crate) fn answer(
        &mut self,
        now: u64,
        account: AccountId,
        (since, extent): (VenueTime, Extent),
        nonce: u64,
    ) {
        let Some(session) = self.sessions.get(account.index()) else { return };
        let (epoch, venue) = (session.epoch, session.venue);
        let wanted = |event: &&VenueEvent| match &event.report {
            VenueReport::FundingPayment { .. }
            | VenueReport::Forced { .. }
            | VenueReport::Delivered { .. } => event.happened >= since && extent.has_positions(),
            _ => event.happened >= since && extent == Extent::All,
        };
        let mut told: Vec<VenueEvent> = session.history.iter().filter(wanted).cloned().collect();
        let at = HostTime::from_nanos(now);
        self.inner.submit(at, Request::Reconcile { account, since, nonce, extent });
        let mut reports = Vec::new();
        self.inner.poll_marked(at, |event, again| {
            if !again {
                reports.push(event);
            }
        });
        // fills of this very moment belong to what happened
        for report in reports {
            let event = self.event(report.account, now, report.report);
            self.keep(&event);
            if event.account == account {
                if !self.is_margin_lost(now, &event) {
                    told.push(event);
                }
            } else {
                self.send_report(now, event);
            }
        }
        let late = self.fates.late_answer(&self.shared, now, venue);
        let back = self.fates.way_back(&self.shared, now, venue) + late;
        for event in told {
            self.put(now + back, Way::Report(event, epoch));
        }
    }
}
