//! Frames between a host and a paper venue: a kind, a length, a body. Ticks go as their 64 bytes
//! little endian, everything else as JSON.

use hedgerow_model::{Tick, VenueEvent, VenueId};
use hedgerow_simulator::Request;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::{Read, Write};

/// No frame is longer; a longer one is a broken stream.
const LONGEST: usize = 64 << 20;
const TICK: usize = 64;

/// What goes over the socket.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Frame {
    /// Host to venue.
    Request(Request),
    /// Host to venue: who asks is a test or a person.
    AskTruth,
    /// Venue to host, first of all: what its instruments are, and which venues it serves.
    Hello(Vec<String>, BTreeSet<VenueId>),
    /// Venue to whoever waited too long: another host is served.
    Busy,
    /// Venue to whoever comes too early: it passes over its market to the present.
    CatchingUp,
    /// Venue to host: it is alive.
    Beat,
    /// Venue to host.
    Ticks(Vec<Tick>),
    /// Venue to host.
    Event(VenueEvent),
    /// Venue to whoever asked.
    Truth(super::Truth),
}

#[derive(Serialize, Deserialize)]
enum Json {
    Request(Request),
    AskTruth,
    Hello(Vec<String>, BTreeSet<VenueId>),
    Busy,
    CatchingUp,
    Beat,
    Event(VenueEvent),
    Truth(super::Truth),
}

impl Frame {
    pub(super) fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        let (kind, body) = match self {
            Self::Ticks(ticks) => (1_u8, encode(ticks)),
            Self::Request(request) => (2, json(&Json::Request(request.clone()))?),
            Self::AskTruth => (2, json(&Json::AskTruth)?),
            Self::Hello(known, served) => (2, json(&Json::Hello(known.clone(), served.clone()))?),
            Self::Busy => (2, json(&Json::Busy)?),
            Self::CatchingUp => (2, json(&Json::CatchingUp)?),
            Self::Beat => (2, json(&Json::Beat)?),
            Self::Event(event) => (2, json(&Json::Event(event.clone()))?),
            Self::Truth(truth) => (2, json(&Json::Truth(truth.clone()))?),
        };
        let length = u32::try_from(body.len()).map_err(std::io::Error::other)?;
        let mut frame = vec![kind];
        frame.extend(length.to_le_bytes());
        frame.extend(body);
        out.write_all(&frame)
    }

    pub(super) fn read(from: &mut impl Read) -> std::io::Result<Self> {
        let mut head = [0_u8; 5];
        from.read_exact(&mut head)?;
        let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
        if length > LONGEST {
            return Err(std::io::Error::other("a frame longer than any"));
        }
        let mut body = vec![0; length];
        from.read_exact(&mut body)?;
        if head[0] == 1 {
            return Ok(Self::Ticks(decode(&body)));
        }
        Ok(match serde_json::from_slice(&body).map_err(std::io::Error::other)? {
            Json::Request(request) => Self::Request(request),
            Json::AskTruth => Self::AskTruth,
            Json::Busy => Self::Busy,
            Json::CatchingUp => Self::CatchingUp,
            Json::Beat => Self::Beat,
            Json::Hello(known, served) => Self::Hello(known, served),
            Json::Event(event) => Self::Event(event),
            Json::Truth(truth) => Self::Truth(truth),
        })
    }
}

fn json(value: &Json) -> std::io::Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(std::io::Error::other)
}

fn encode(ticks: &[Tick]) -> Vec<u8> {
    ticks.iter().flat_map(Tick::to_le_bytes).collect()
}

fn decode(body: &[u8]) -> Vec<Tick> {
    let (ticks, _) = body.as_chunks::<TICK>();
    ticks.iter().map(Tick::from_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_survive_the_socket() {
        let tick = Tick {
            ts: 1,
            recv_ts: u64::MAX,
            seq: 3,
            instrument: u32::MAX - 1,
            kind: 5,
            flags: 0x8001,
            a: -1,
            b: i64::MIN,
            c: 7,
            d: i64::MAX,
        };
        let mut bytes = Vec::new();
        let frame = Frame::Ticks(vec![tick, Tick::default()]);
        frame.write(&mut bytes).unwrap();
        assert_eq!(Frame::read(&mut bytes.as_slice()).unwrap(), frame);
        bytes.truncate(40);
        assert!(Frame::read(&mut bytes.as_slice()).is_err(), "a torn frame");
    }
}
