//! Contracts that end while a run goes on: the paper venue delivers what is held of them, and the
//! ledger is to hold nothing from the host's hearing of it on, whatever comes late.

use crate::fault::Fault;
use crate::script::{START, Script};
use crate::tracker::Tracker;
use crate::venues::Venues;
use hedgerow_model::{
    AccountId, Fact, InstrumentKind, Order, Price, Quantity, Stamped, VenueEvent, VenueReport,
    VenueTime,
};
use std::collections::BTreeMap;
use std::rc::Rc;

impl Script {
    /// What is delivered is a future of that moment.
    pub(crate) fn date(&mut self) {
        for episode in self.episodes.iter().filter(|episode| episode.fault == Fault::Delivery) {
            let place = usize::try_from(episode.strategy * self.venues + episode.venue);
            let spec = place.ok().and_then(|place| self.instruments.get_mut(place));
            let Some(spec) = spec else { continue };
            let expiry = VenueTime::from_nanos(START + episode.from);
            spec.kind = match spec.kind {
                InstrumentKind::LinearPerpetual => InstrumentKind::LinearFuture { expiry },
                InstrumentKind::InversePerpetual => InstrumentKind::InverseFuture { expiry },
                // the first of two deliveries, or nothing that is ever delivered
                other => other,
            };
        }
    }

    /// Whether nothing is traded any more in an instrument.
    pub(crate) fn is_over(&self, place: usize, now: u64) -> bool {
        let expiry = self.instruments.get(place).and_then(|spec| spec.kind.expiry());
        expiry.is_some_and(|expiry| expiry.as_nanos() <= now)
    }
}

impl Tracker {
    /// Folds a delivery: what was held is gone.
    pub(crate) fn delivered(&mut self, fact: &Fact) {
        let Fact::Delivered { strategy, account, instrument, quantity, price, .. } = fact else {
            return;
        };
        self.deliver_adopted((*strategy, *instrument), *price);
        *self.positions.entry((*strategy, *instrument)).or_default() -= quantity.units();
        self.delivered.insert(*account);
    }

    /// Whether an order lives on an account.
    fn has_open(&self, account: AccountId) -> bool {
        self.alive.values().any(|known| known.order.account == account)
    }

    /// Nothing is approved of a contract that is over.
    pub(crate) fn is_traded(&self, order: &Order) -> Result<(), String> {
        let spec = self.instruments.get(order.request.instrument.index());
        let expiry = spec.and_then(|spec| spec.kind.expiry());
        match expiry.is_some_and(|at| order.created.as_nanos() >= at.as_nanos()) {
            true => Err("its contract is over".into()),
            false => Ok(()),
        }
    }
}

impl Venues {
    /// A venue delivers a position.
    pub(crate) fn note_delivered(&mut self, event: &VenueEvent) {
        let VenueReport::Delivered { price, .. } = event.report else { return };
        self.shared.happened(Fault::Delivery);
        let rests = self.inner.resting().any(|rests| rests.account == event.account);
        let open = self.shared.tracker.borrow().has_open(event.account);
        if rests || open {
            self.shared.coverage.borrow_mut().total("deliveries beside orders");
        }
        let shared = Rc::clone(&self.shared);
        if let Some(session) = self.session(event.account) {
            let spec = &shared.script.instruments[session.instrument.index()];
            session.deliver_beside(spec, price);
            (session.delivered, session.delivered_at, session.truth) = (true, price, 0);
        }
    }

    /// Whether the position of an account was delivered at its venue.
    pub(crate) fn is_delivered(&self, account: AccountId) -> bool {
        self.sessions.get(account.index()).is_some_and(|session| session.delivered)
    }

    /// What the host booked of deliveries is what the venues delivered, at one price each, and
    /// what others than our orders moved aside, all of it.
    pub(crate) fn check_deliveries(&self, now: u64, facts: &[Stamped]) {
        let mut booked: BTreeMap<AccountId, (i64, Vec<Price>)> = BTreeMap::new();
        for stamped in facts {
            if let Fact::Delivered { account, quantity, price, .. } = &stamped.fact {
                let sum = booked.entry(*account).or_default();
                sum.0 += quantity.units();
                sum.1.push(*price);
            }
        }
        let told = |event: &VenueEvent| match event.report {
            VenueReport::Delivered { quantity, price, .. } => {
                Some((event.account, (quantity, price)))
            }
            _ => None,
        };
        let history = self.sessions.iter().flat_map(|session| &session.history);
        let told: BTreeMap<AccountId, (Quantity, Price)> = history.filter_map(told).collect();
        for (account, (units, prices)) in &booked {
            let Some((quantity, price)) = told.get(account) else {
                self.shared.must_not(now, format!("a delivery on {account} that never was"));
                continue;
            };
            if prices.iter().any(|known| known != price) {
                let what = format!("{quantity} at {price} were delivered on {account}");
                self.shared.must_not(now, format!("{what}, booked are {units} at {prices:?}"));
            }
        }
        for (account, (quantity, _)) in &told {
            let Some(session) = self.sessions.get(account.index()) else { continue };
            let key = (self.shared.script.owner(session.instrument), session.instrument);
            let (adopted, of_them) = self.shared.tracker.borrow().taken_over(key);
            let ours = booked.get(account).map_or(0, |(units, _)| *units);
            // what happened beside the facts is delivered there, what was adopted here
            let own = ours - of_them - adopted.quantity.units();
            let theirs = quantity.units() - session.delivered_beside;
            if own != theirs {
                let what = format!("{theirs} of our own were delivered on {account}");
                self.shared.must_not(now, format!("{what}, booked are {own}"));
            }
        }
    }
}
