//! The session of one account at its venue, as the simulation knows it.

use crate::kinds::about;
use hedgerow_model::{
    InstrumentId, Position, Price, Quantity, TradeId, VenueEvent, VenueReport, WireId,
};
use std::collections::{BTreeMap, BTreeSet};

/// The session of one account.
#[derive(Debug, Default)]
pub(crate) struct Session {
    pub(crate) venue: u32,
    pub(crate) instrument: InstrumentId,
    pub(crate) up: bool,
    /// How often the stream was torn: reports of before do not come any more.
    pub(crate) epoch: u64,
    /// Whether it is about to reconnect.
    pub(crate) resets: bool,
    /// The newest question, and whether it was answered since the stream is up.
    pub(crate) asked: u64,
    pub(crate) known: bool,
    /// Requests without an answer.
    pub(crate) unanswered: BTreeSet<WireId>,
    /// What the venue tells again.
    pub(crate) history: Vec<VenueEvent>,
    /// What happened to its position beside the facts, what of it was delivered, and which of its
    /// trades were heard under facts that are lost.
    pub(crate) beside: Position,
    pub(crate) delivered_beside: i64,
    pub(crate) forgotten: BTreeSet<TradeId>,
    /// An order may be larger than the facts that are left say, until all is told again.
    pub(crate) grown: bool,
    /// Until when fills may be heard of orders whose end was told without how much filled.
    pub(crate) vague_until: u64,
    /// The trades that were heard, and what they come to.
    pub(crate) heard: BTreeSet<TradeId>,
    pub(crate) held: i64,
    /// The position as it is.
    pub(crate) truth: i64,
    /// Trades of the venue's own will.
    pub(crate) forced: BTreeMap<TradeId, Quantity>,
    /// Others' part of each, as it is booked beside.
    pub(crate) shared_out: BTreeMap<TradeId, i64>,
    /// What it held was delivered, at which price; whether the host has heard of that.
    pub(crate) delivered: bool,
    pub(crate) delivered_at: Price,
    pub(crate) heard_of_it: bool,
    /// Orders and cancels without an answer, and since when.
    pub(crate) waits: BTreeMap<WireId, u64>,
    /// When the host heard of its margin since the stream is up.
    pub(crate) margin: Option<u64>,
    /// Since when it had to hear more of it.
    pub(crate) needed: Option<u64>,
}

impl Session {
    /// Of an instrument at a venue, before anything has happened.
    pub(crate) fn of(venue: u32, instrument: InstrumentId) -> Self {
        Self { venue, instrument, ..Self::default() }
    }

    /// A report is heard: whatever it says of an order answers what was asked of it.
    pub(crate) fn answered(&mut self, report: &VenueReport) {
        if let Some(wire) = about(report) {
            self.waits.remove(&wire);
        }
    }
}
