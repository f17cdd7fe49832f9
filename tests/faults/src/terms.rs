//! What a venue accepts changes while it trades, and nothing that was approved after the host heard
//! of it is sent off the new grid.

use crate::fault::Fault;
use crate::script::Episode;
use crate::venues::Venues;
use hedgerow_model::{
    HostTime, InstrumentId, Price, Quantity, StrategyId, Terms, VenueEvent, VenueReport, VenueTime,
};

/// The newest that a host was told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    /// When that was so, by the venue's clock.
    since: VenueTime,
    /// When this process heard it, if it did.
    pub(crate) at: Option<u64>,
    terms: Terms,
}

impl Venues {
    /// The terms of the moment come into force at a venue.
    pub(crate) fn change_terms(&mut self, now: u64, episode: &Episode) {
        let script = &self.shared.script;
        let here = |id: &InstrumentId| {
            let whose = StrategyId(episode.strategy);
            (script.venue_of(*id), script.owner(*id)) == (episode.venue, whose)
        };
        let all = script.instruments.iter().map(|spec| spec.id).filter(here);
        for id in all.collect::<Vec<_>>() {
            let terms = self.shared.script.terms(id, now);
            self.inner.change_terms(HostTime::from_nanos(now), id, terms);
        }
    }

    /// Keeps what the host was told, and counts what is news to it.
    pub(crate) fn note_terms(&mut self, event: &VenueEvent) {
        let VenueReport::Terms { instrument, terms } = event.report else { return };
        if event.venue.0 != self.shared.script.venue_of(instrument) {
            return; // the host takes no word of it from another venue
        }
        let own = self.shared.script.instruments[instrument.index()].terms();
        let begun = Heard { since: VenueTime::default(), at: None, terms: own };
        let known = self.terms.get(&instrument).copied().unwrap_or(begun);
        if event.happened < known.since {
            return; // it was on its way for longer than what is newer
        }
        if terms.grid != known.terms.grid {
            self.shared.happened(Fault::TickChange);
        }
        if terms.lot != known.terms.lot {
            self.shared.happened(Fault::LotChange);
        }
        let at = match known.at {
            Some(at) if known.terms == terms => at,
            _ => event.received.as_nanos(),
        };
        let heard = Heard { since: event.happened, at: Some(at), terms };
        self.terms.insert(instrument, heard);
    }

    /// What was approved after `since` fits what the host was told by then.
    pub(crate) fn check_terms(
        &self,
        now: u64,
        (id, since): (InstrumentId, u64),
        (price, quantity): (Price, Quantity),
    ) {
        let Some(Heard { at: Some(at), terms, .. }) = self.terms.get(&id) else { return };
        if *at >= since {
            return;
        }
        let spec = self.shared.script.instruments[id.index()].clone().with_terms(*terms);
        let fits = spec.grid.accepts(price, spec.price_scale)
            && spec.is_whole_lots(quantity)
            && quantity >= spec.min_quantity;
        if !fits {
            let what = format!("{quantity} of {id} at {price} leave and do not fit {terms:?}");
            self.shared.must_not(now, what);
        }
    }
}
