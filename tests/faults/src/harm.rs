//! What befalls a venue itself.

use crate::dice::Dice;
use crate::fate::ANY_STREAM;
use crate::fault::Fault;
use crate::script::{Episode, MS, S};
use crate::venues::{Venues, Way};
use hedgerow_model::{
    AccountId, Fee, ForcedKind, HostTime, InstrumentId, InstrumentKind, Price, Quantity, Side,
    StrategyId, TradeId, VenueReport, WireId,
};
use hedgerow_ports::SimulatedVenue;
use hedgerow_simulator::paper::Request;

/// Trades that no order made have this bit.
const FORCED: u64 = 1 << 62;

impl Venues {
    fn accounts(&self, venue: u32) -> Vec<AccountId> {
        let all = (0..).map(AccountId).zip(&self.sessions);
        all.filter(|(_, session)| session.venue == venue).map(|(account, _)| account).collect()
    }

    /// A venue is out of reach: its sessions notice after a while.
    pub(crate) fn outage(&mut self, now: u64, venue: u32) {
        self.shared.happened(Fault::Outage);
        for account in self.accounts(venue) {
            self.reset(account, now + S);
        }
    }

    /// All that rests at a venue ends within three seconds, by the venue's will.
    pub(crate) fn delist(&mut self, now: u64, episode: &Episode) {
        let (venue, mut dice) = (episode.venue, Dice::of(episode.dice, 12));
        let accounts = self.accounts(venue);
        let resting: Vec<_> =
            self.inner.resting().filter(|rests| accounts.contains(&rests.account)).collect();
        for rests in resting {
            self.shared.happened(Fault::Delisting);
            let (account, instrument, wire) = (rests.account, rests.instrument, rests.wire);
            let at = now + dice.between(0, 3_000) * MS;
            self.put(at, Way::Request(Request::Cancel { account, instrument, wire }, false));
        }
    }

    /// What happens to an order just while an amendment of it is on its way: its acceptance is told
    /// at last, or a venue that is taking its instrument from trading ends it.
    pub(crate) fn meets(&mut self, now: u64, key: (AccountId, InstrumentId, WireId)) {
        let (account, instrument, wire) = key;
        let accepts = |way: &Way| {
            matches!(way, Way::Report(event, ANY_STREAM) if event.account == account
                && matches!(event.report, VenueReport::Accepted { wire: of, .. } if of == wire))
        };
        let late = self.queue.iter().find(|(_, way)| accepts(way)).map(|(at, _)| *at);
        if let Some(way) = late.and_then(|at| self.queue.remove(&at)) {
            self.put(now + 1, way);
        }
        let venue = self.sessions.get(account.index()).map(|session| session.venue);
        if self.shared.script.at(Fault::Delisting, now, venue).next().is_some() {
            self.shared.happened(Fault::Delisting);
            self.put(now, Way::Request(Request::Cancel { account, instrument, wire }, false));
        }
    }

    /// The venue closes a part of a position; the host learns of it when it asks.
    pub(crate) fn liquidate(&mut self, now: u64, episode: &Episode) {
        let mut dice = Dice::of(episode.dice, 6);
        for account in self.accounts(episode.venue) {
            let Some(session) = self.sessions.get(account.index()) else { continue };
            let instrument = session.instrument;
            if self.shared.script.owner(instrument).0 != episode.strategy {
                continue;
            }
            let mut position = self.inner.position(account, instrument);
            let held = position.quantity.units();
            let spec = &self.shared.script.instruments[instrument.index()];
            let lots = held.abs() / spec.lot.units();
            if lots == 0 {
                continue;
            }
            let side = if held > 0 { Side::Sell } else { Side::Buy };
            let part = (1 + dice.int(u64::try_from(lots).unwrap_or(1))) * spec.lot.units();
            let (price, part) =
                (Price::from_units(10_000), Quantity::from_units(part.min(held.abs())));
            let booked = position.book(spec, side, price, part, Fee::default());
            if booked.is_err() {
                continue;
            }
            self.shared.happened(Fault::Liquidation);
            self.shared.say(now, "venue", format_args!("liquidates {part} of {held} on {account}"));
            self.inner.hold(account, instrument, position);
            let shared = std::rc::Rc::clone(&self.shared);
            let spec = &shared.script.instruments[instrument.index()];
            if let Some(session) = self.sessions.get_mut(account.index()) {
                session.book_beside(spec, (side, price, part, Fee::ZERO));
                session.truth += side.sign() * part.units();
            }
            self.reset(account, now + dice.between(100, 8_000) * MS);
        }
    }

    /// The account and instrument that an episode is about.
    fn concerned(&self, episode: &Episode) -> Option<(AccountId, InstrumentId)> {
        let script = &self.shared.script;
        let of = |spec: &&hedgerow_model::Instrument| {
            let owner = script.owner(spec.id).0 == episode.strategy;
            owner && script.venue_of(spec.id) == episode.venue
        };
        let spec = script.instruments.iter().find(of)?;
        Some((script.account(spec.id), spec.id))
    }

    /// Where an instrument stands.
    fn middle(&self, now: u64, instrument: InstrumentId) -> Price {
        let marks = &self.shared.market.marks[instrument.index()];
        let known = marks.partition_point(|(at, _)| *at <= now).checked_sub(1);
        Price::from_units(known.map_or(10_000, |place| marks[place].1 / 2))
    }

    /// The venue takes a part of a position for somebody else's loss, and says so.
    pub(crate) fn deleverage(&mut self, now: u64, episode: &Episode) {
        let mut dice = Dice::of(episode.dice, 10);
        let Some((account, instrument)) = self.concerned(episode) else { return };
        let spec = self.shared.script.instruments[instrument.index()].clone();
        let mut position = self.inner.position(account, instrument);
        let held = position.quantity.units();
        let lots = held.abs() / spec.lot.units();
        if lots == 0 || spec.kind == InstrumentKind::Spot {
            return;
        }
        let side = if held > 0 { Side::Sell } else { Side::Buy };
        let part = (1 + dice.int(u64::try_from(lots).unwrap_or(1))) * spec.lot.units();
        let (price, quantity) = (self.middle(now, instrument), Quantity::from_units(part));
        let fee = Fee::default();
        if position.book(&spec, side, price, quantity, fee).is_err() {
            return;
        }
        self.shared.happened(Fault::Deleveraging);
        self.inner.hold(account, instrument, position);
        let trade = TradeId(FORCED | episode.dice >> 16);
        let kind = ForcedKind::Deleveraging;
        let report = VenueReport::Forced { kind, trade, instrument, side, price, quantity, fee };
        let event = self.event(account, now, report);
        self.keep(&event);
        self.send_report(now, event);
    }

    /// Whether nothing of a strategy rests or is on its way: then what its venue says is all.
    pub(crate) fn is_still(&self, strategy: StrategyId) -> bool {
        let script = &self.shared.script;
        let own = |account: AccountId| script.owner(hedgerow_model::InstrumentId(account.0));
        let rests = self.inner.resting().any(|rests| own(rests.account) == strategy);
        let under_way = self.queue.values().any(|way| match way {
            Way::Request(request, _) => match request {
                Request::Place(order) => own(order.account) == strategy,
                Request::Cancel { account, .. }
                | Request::Amend { account, .. }
                | Request::SetLeverage { account, .. }
                | Request::QueryOrder { account, .. }
                | Request::QueryTrades { account, .. }
                | Request::Reconcile { account, .. } => own(*account) == strategy,
            },
            Way::Report(event, _) => own(event.account) == strategy,
            _ => false,
        });
        !rests && !under_way
    }

    /// Time passes while no process listens.
    pub(crate) fn pass(&mut self, now: u64) {
        self.advance(HostTime::from_nanos(now));
    }

    /// Every session, or those of a venue, connect again.
    pub(crate) fn reset_all(&mut self, now: u64, venue: Option<u32>) {
        for account in (0..).map(AccountId).take(self.sessions.len()) {
            let of = self.sessions.get(account.index()).map(|session| session.venue);
            if venue.is_none_or(|venue| of == Some(venue)) {
                self.reset(account, now + MS);
            }
        }
    }
}
