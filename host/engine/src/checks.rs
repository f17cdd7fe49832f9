//! Questions from time to time, while the stream stands: whether orders and positions are still
//! what their venue has. What differs is read again before it counts.

use crate::reconcile::{Answer, Differing};
use crate::{Effects, Engine};
use hedgerow_model::{AccountId, Duration, Extent, HostTime, VenueEvent, VenueTime};

/// How far back payments are told again: venues list them late.
const PAYMENTS: Duration = Duration::from_secs(3_600);

/// What is asked of an account from time to time.
#[derive(Debug)]
pub(crate) struct Check {
    /// When orders and positions are compared next.
    orders: HostTime,
    positions: HostTime,
    /// The question under way.
    pub(crate) question: Option<(Extent, Answer)>,
    /// Positions that differed when last read: they count when they do so again.
    pub(crate) drift: Vec<Differing>,
}

impl Check {
    pub(crate) fn next(&self) -> HostTime {
        match &self.question {
            Some((_, answer)) => answer.again.unwrap_or(HostTime::NEVER),
            None => self.orders.min(self.positions),
        }
    }
}

impl Engine {
    pub(crate) fn begin_checks(&mut self, now: HostTime, account: AccountId) {
        let asks = self.asks(account);
        let at = |every: Option<Duration>| every.map_or(HostTime::NEVER, |every| now.after(every));
        let (orders, positions) = (at(asks.orders_every), at(asks.positions_every));
        if orders.min(positions) != HostTime::NEVER {
            let check = Check { orders, positions, question: None, drift: Vec::new() };
            self.truth.checks.insert(account, check);
        }
    }

    /// Questions from time to time, and those that nobody answered.
    pub(crate) fn checks_due(&mut self, now: HostTime, effects: &mut Effects) {
        let due = self.truth.checks.iter().filter(|(_, check)| check.next() <= now);
        for account in due.map(|(account, _)| *account).collect::<Vec<_>>() {
            self.check(now, account, effects);
        }
    }

    fn check(&mut self, now: HostTime, account: AccountId, effects: &mut Effects) {
        let asks = self.asks(account);
        let Some(check) = self.truth.checks.get_mut(&account) else { return };
        // one that was not answered in time says nothing
        check.question = None;
        let after = |every: Option<Duration>| every.map_or(HostTime::NEVER, |e| now.after(e));
        let extent = if check.orders <= now {
            check.orders = after(asks.orders_every);
            Extent::Orders
        } else if check.positions <= now {
            check.positions = after(asks.positions_every);
            // before a difference counts, what happened is told again: a fill may have been missed
            if check.drift.is_empty() { Extent::Positions } else { Extent::All }
        } else {
            return;
        };
        if extent == Extent::Orders {
            self.doubt_slow(now, account, effects);
        }
        let payments = VenueTime::from_nanos(now.as_nanos().saturating_sub(PAYMENTS.as_nanos()));
        let since = match extent {
            Extent::All => self.untold_since(account).min(payments),
            _ => payments,
        };
        let answer = self.question(now, account, (extent, since), effects);
        if let Some(check) = self.truth.checks.get_mut(&account) {
            check.question = Some((extent, answer));
        }
    }

    pub(crate) fn check_told(
        &mut self,
        event: &VenueEvent,
        (extent, answer): (Extent, &Answer),
        effects: &mut Effects,
    ) {
        if extent == Extent::All {
            self.note_told(event, answer, effects);
        }
        if extent.has_orders() {
            self.compare_settled_orders(event, answer, effects);
        }
        if extent.has_positions() {
            self.compare_drift(event, answer, effects);
        }
    }

    /// Positions differ: they are read again soon.
    pub(crate) fn read_again(&mut self, now: HostTime, account: AccountId, drift: Vec<Differing>) {
        let settling = self.config.accounts.get(account.index()).map(|known| known.settling);
        let pause = self.asks(account).pause.max(settling.unwrap_or(Duration::ZERO));
        if let Some(check) = self.truth.checks.get_mut(&account) {
            check.drift = drift;
            check.positions = check.positions.min(now.after(pause));
        }
    }
}
