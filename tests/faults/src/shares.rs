//! Trades of a venue's own will on an account that is not ours alone: a part of them is somebody
//! else's, by what each holds.

use crate::venues::Venues;
use hedgerow_model::{AccountId, Fee, Quantity, VenueEvent, VenueReport};

impl Venues {
    /// What the facts do not take of such a trade happened beside them.
    pub(crate) fn share_out(&mut self, account: AccountId) {
        let shared = std::rc::Rc::clone(&self.shared);
        let tracker = shared.tracker.borrow();
        let Some(session) = self.session(account) else { return };
        let spec = &shared.script.instruments[session.instrument.index()];
        let told = session.history.iter().filter_map(|event| match event.report {
            VenueReport::Forced { trade, side, price, quantity, fee, .. } => {
                let (own, paid) = *tracker.forced.get(&(account, trade))?;
                let rest = Quantity::from_units(quantity.units() - own.units());
                let fee = Fee { amount: fee.amount - paid.amount, ..fee };
                Some((trade, (side, price, rest, fee)))
            }
            _ => None,
        });
        let told: Vec<_> = told.collect();
        for (trade, (side, price, rest, fee)) in told {
            // a power cut may take the fact, and it is shared anew
            let booked = session.shared_out.insert(trade, rest.units()).unwrap_or(0);
            let more = rest.units() - booked;
            if more == 0 || session.delivered {
                continue;
            }
            shared.coverage.borrow_mut().total("trades of a venue's own will, shared");
            let side = if more > 0 { side } else { side.opposite() };
            session.book_beside(spec, (side, price, Quantity::from_units(more.abs()), fee));
        }
    }

    /// What of a venue's word is ours, by the facts: never more than there was.
    pub(crate) fn own_part(&self, event: &VenueEvent) -> VenueEvent {
        let mut event = event.clone();
        let tracker = self.shared.tracker.borrow();
        if let VenueReport::Forced { trade, quantity, fee, .. } = &mut event.report
            && let Some((own, paid)) = tracker.forced.get(&(event.account, *trade))
            && own < quantity
            && tracker.ignored.contains(&event.account)
        {
            (*quantity, *fee) = (*own, *paid);
        }
        event
    }
}
