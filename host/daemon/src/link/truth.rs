//! What a paper venue has on its books, for whoever compares: a test, or a person.

use super::frame::Frame;
use crate::command::Failure;
use hedgerow_model::{AccountId, Decimal, InstrumentId, Position, VenueEvent, VenueReport};
use hedgerow_simulator::PaperVenue;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::BufReader;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// What the venue itself has on its books, for whoever compares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Positions: account, instrument, signed units, fees, realised, funding.
    pub positions: Vec<(AccountId, InstrumentId, i64, Decimal, Decimal, Decimal)>,
    /// Fills reported, by account.
    pub fills: BTreeMap<u32, u64>,
    /// Orders placed, by account.
    pub placed: BTreeMap<u32, u64>,
    /// Wire ids that were placed more than once.
    pub repeated: Vec<(AccountId, u64)>,
    /// Wire ids that rest now.
    pub open: Vec<(AccountId, u64)>,
}

impl Truth {
    /// Takes in what another venue has, of other accounts.
    pub fn add(&mut self, other: Self) {
        self.positions.extend(other.positions);
        self.fills.extend(other.fills);
        self.placed.extend(other.placed);
        self.repeated.extend(other.repeated);
        self.open.extend(other.open);
    }

    pub(super) fn of(
        venue: &PaperVenue,
        log: &[VenueEvent],
        placed: &BTreeMap<(AccountId, u64), u32>,
    ) -> Self {
        let mut truth = Self::default();
        for (account, spec, position) in venue.positions() {
            let Position { quantity, fees, realised, funding, .. } = position;
            let line = (account, spec.id, quantity.units(), *fees, *realised, *funding);
            truth.positions.push(line);
        }
        for event in log {
            let fill = matches!(event.report, VenueReport::Fill { .. });
            *truth.fills.entry(event.account.0).or_default() += u64::from(fill);
        }
        for ((account, wire), count) in placed {
            *truth.placed.entry(account.0).or_default() += 1;
            if *count > 1 {
                truth.repeated.push((*account, *wire));
            }
        }
        let open = venue.open_orders();
        truth.open = open.into_iter().map(|(account, _, wire)| (account, wire)).collect();
        truth
    }
}

/// Asks a paper venue for its truth. Only while no host is connected.
pub fn truth(socket: &Path) -> Result<Truth, Failure> {
    let mut stream = UnixStream::connect(socket).map_err(Failure::new)?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).map_err(Failure::new)?;
    Frame::AskTruth.write(&mut stream).map_err(Failure::new)?;
    let mut reader = BufReader::new(stream);
    loop {
        if let Frame::Truth(truth) = Frame::read(&mut reader).map_err(Failure::new)? {
            return Ok(truth);
        }
    }
}
