//! The recording of a run: every input in order and what followed from it, in append files.
//!
//! A file is a line that names the format, then blocks: length and CRC-32 of what follows, both 32
//! bits little endian, then entries: a kind, a length, a body. Ticks are their 64 bytes, everything
//! else is MessagePack. A torn or damaged block ends a recording there, and it is said. What a
//! recording needs to be played again, config and facts before it, stands at its beginning. A file
//! that is ended is converted to Parquet on a thread of its own.
//!
//! A disk that is full ends the recording, never the run.

mod columns;
mod writer;

use columns::Columns;
use hedgerow_model::{
    Delivered, Delivery, Event, HostTime, Stamped, StrategyId, Tick, VenueCommand,
};
use hedgerow_ports::{Record, Recording, RecordingError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
pub use writer::RecordingWriter;

const FORMAT: &[u8] = b"hedgerow-recording-1\n";
/// No block is longer; a longer one is damage.
const LONGEST: usize = 256 << 20;
const TICKS: u8 = 1;
const INPUT: u8 = 2;
const EFFECTS: u8 = 3;
const PREFACE: u8 = 4;

/// What a recording needs to be played again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preface {
    /// The config's file name, for messages.
    pub config_file: String,
    /// The config's text.
    pub config: String,
    /// Whether strategies ran on threads of their own, at the time of the wall clock.
    pub is_live: bool,
    /// The loop's time when it began.
    pub began: HostTime,
    /// The state that it began with, in a form of [`Self::begin_with`]; empty: none.
    #[serde(default)]
    pub state: Vec<u8>,
    /// Facts that were folded after that, before anything happened.
    pub facts: Vec<Stamped>,
    /// Whether ids were then taken from beyond anything that a process before can have used.
    pub goes_on: bool,
    /// Components by strategy, SHA-256.
    pub components: Vec<String>,
}

impl Preface {
    /// Takes a state to begin with.
    pub fn begin_with(&mut self, state: &impl Serialize) -> std::io::Result<()> {
        let bytes = rmp_serde::to_vec_named(state).map_err(std::io::Error::other)?;
        self.state = zstd::stream::encode_all(bytes.as_slice(), 1)?;
        Ok(())
    }

    /// The state to begin with, if there is one.
    pub fn state<T: DeserializeOwned>(&self) -> Result<Option<T>, RecordingError> {
        if self.state.is_empty() {
            return Ok(None);
        }
        let bytes = zstd::stream::decode_all(self.state.as_slice());
        let bytes = bytes.map_err(|e| RecordingError(format!("its beginning is damaged: {e}")))?;
        rmp_serde::from_slice(&bytes).map(Some).map_err(unreadable)
    }
}

fn segment(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number:06}.rec"))
}

fn converted(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number:06}.parquet"))
}

/// Whether a file of this number is there, in either form.
fn exists(folder: &Path, number: u32) -> bool {
    segment(folder, number).exists() || converted(folder, number).exists()
}

/// Facts, commands and events, each as MessagePack of its own: commands cannot be read back, for
/// nobody but the gate may make one.
fn form(facts: &[Stamped], commands: &[VenueCommand], events: &[&Delivery]) -> Vec<u8> {
    let told = events.iter().filter_map(|told| match &told.what {
        Delivered::Event(event) => Some((told.strategy, told.time, event)),
        Delivered::Ticks(_) => None,
    });
    let told: Vec<(StrategyId, HostTime, &Event)> = told.collect();
    let parts = [rmp_serde::to_vec(facts), rmp_serde::to_vec(commands), rmp_serde::to_vec(&told)];
    rmp_serde::to_vec(&parts.map(Result::unwrap_or_default)).unwrap_or_default()
}

/// One file of a recording, in either form.
#[derive(Debug)]
enum Source {
    Blocks(File),
    Columns(Box<Columns>),
}

impl Source {
    fn read_block(&mut self, block: &mut Vec<u8>) -> Result<bool, String> {
        match self {
            Self::Blocks(file) => read_block(file, block),
            Self::Columns(columns) => columns.read(block),
        }
    }
}

/// Reads a recording, file after file.
#[derive(Debug)]
pub struct RecordingReader {
    folder: PathBuf,
    segment: u32,
    file: Source,
    block: Vec<u8>,
    place: usize,
    /// What ended it before its end, if anything did.
    damage: Option<String>,
}

impl RecordingReader {
    /// Opens a recording; gives its preface.
    pub fn open(folder: &Path) -> Result<(Self, Preface), RecordingError> {
        let file = open_segment(folder, 1).map_err(|e| {
            let folder = folder.display();
            RecordingError(format!(
                "{folder} holds no recording ({e}): make one with `run --record`"
            ))
        })?;
        let folder = folder.to_owned();
        let (block, damage) = (Vec::new(), None);
        let mut this = Self { folder, segment: 1, file, block, place: 0, damage };
        let preface = match this.entry()? {
            Some((PREFACE, body)) => rmp_serde::from_slice(&body).map_err(unreadable)?,
            _ => return Err(RecordingError("its beginning is damaged".into())),
        };
        Ok((this, preface))
    }

    /// The facts among recorded effects.
    #[must_use]
    pub fn facts(effects: &[u8]) -> Vec<Stamped> {
        let parts: Vec<Vec<u8>> = rmp_serde::from_slice(effects).unwrap_or_default();
        let facts = parts.first().and_then(|facts| rmp_serde::from_slice(facts).ok());
        facts.unwrap_or_default()
    }

    /// What ended it before its end, if anything did.
    #[must_use]
    pub fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    fn entry(&mut self) -> Result<Option<(u8, Vec<u8>)>, RecordingError> {
        if self.place >= self.block.len() && !self.next_block() {
            return Ok(None);
        }
        let short = || RecordingError("an entry is longer than its block".into());
        let rest = self.block.get(self.place..).unwrap_or_default();
        let (kind, body, after) = split_entry(rest).ok_or_else(short)?;
        let (body, left) = (body.to_vec(), after.len());
        self.place = self.block.len() - left;
        Ok(Some((kind, body)))
    }

    /// The next file, if there is one; one that is missing before others is damage.
    fn next_file(&self) -> Result<Option<Source>, String> {
        match open_segment(&self.folder, self.segment + 1) {
            Ok(file) => Ok(Some(file)),
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e.to_string()),
            Err(_) if exists(&self.folder, self.segment + 2) => Err("it is missing".to_owned()),
            Err(_) => Ok(None),
        }
    }

    /// Reads on; `false` at the end, or at damage.
    fn next_block(&mut self) -> bool {
        loop {
            match self.file.read_block(&mut self.block) {
                Ok(true) => {
                    self.place = 0;
                    return true;
                }
                Ok(false) => match self.next_file() {
                    Ok(Some(file)) => (self.file, self.segment) = (file, self.segment + 1),
                    Ok(None) => return false,
                    Err(what) => {
                        self.damage = Some(format!("file {:06}: {what}", self.segment + 1));
                        return false;
                    }
                },
                Err(what) => {
                    self.damage = Some(format!("file {:06}: {what}", self.segment));
                    self.block.clear();
                    self.place = 0;
                    return false;
                }
            }
        }
    }
}

fn unreadable(error: rmp_serde::decode::Error) -> RecordingError {
    RecordingError(format!("an entry of another version: {error}"))
}

/// A converted file is whole: it stands under its name only then.
fn open_segment(folder: &Path, number: u32) -> std::io::Result<Source> {
    let path = converted(folder, number);
    if path.exists() {
        return Columns::open(&path).map(|columns| Source::Columns(Box::new(columns)));
    }
    open_rec(&segment(folder, number)).map(Source::Blocks)
}

fn open_rec(path: &Path) -> std::io::Result<File> {
    let mut file = File::open(path)?;
    let mut format = [0; FORMAT.len()];
    file.read_exact(&mut format)?;
    if format != FORMAT {
        return Err(std::io::Error::other("another format"));
    }
    Ok(file)
}

/// Kind and body of the first entry, and what comes after it.
fn split_entry(block: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[kind, a, b, c, d], rest) = block.split_first_chunk()?;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    let (body, rest) = rest.split_at_checked(length)?;
    Some((kind, body, rest))
}

/// One block; `false` at the end of the file.
fn read_block(file: &mut File, block: &mut Vec<u8>) -> Result<bool, String> {
    let mut head = [0; 8];
    let mut have = 0;
    while have < head.len() {
        match file.read(&mut head[have..]).map_err(|e| e.to_string())? {
            0 if have == 0 => return Ok(false),
            0 => return Err("its last block is torn".into()),
            more => have += more,
        }
    }
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (length, sum) = (word(0) as usize, word(4));
    if length > LONGEST {
        return Err("a block is longer than any".into());
    }
    block.clear();
    block.resize(length, 0);
    file.read_exact(block).map_err(|_| "its last block is torn".to_owned())?;
    if crc32fast::hash(block) != sum {
        return Err("a block is damaged".into());
    }
    Ok(true)
}

impl Recording for RecordingReader {
    fn next(&mut self) -> Result<Option<Record>, RecordingError> {
        let Some((kind, body)) = self.entry()? else { return Ok(None) };
        Ok(Some(match kind {
            TICKS => {
                let (ticks, _) = body.as_chunks::<64>();
                Record::Ticks(ticks.iter().map(Tick::from_le_bytes).collect())
            }
            INPUT => Record::Input(Box::new(rmp_serde::from_slice(&body).map_err(unreadable)?)),
            EFFECTS => Record::Effects(body),
            kind => return Err(RecordingError(format!("an entry of kind {kind}"))),
        }))
    }

    fn form(&self, facts: &[Stamped], commands: &[VenueCommand], events: &[&Delivery]) -> Vec<u8> {
        form(facts, commands, events)
    }

    fn words(&self, effects: &[u8]) -> String {
        let parts: Vec<Vec<u8>> = rmp_serde::from_slice(effects).unwrap_or_default();
        let facts = Self::facts(effects);
        let told = parts.get(2).and_then(|told| rmp_serde::from_slice(told).ok());
        let told: Vec<(StrategyId, HostTime, Event)> = told.unwrap_or_default();
        let facts: Vec<_> = facts.into_iter().map(|stamped| stamped.fact).collect();
        let told: Vec<_> = told.into_iter().map(|(strategy, _, event)| (strategy, event)).collect();
        format!("facts {facts:?}, events {told:?}")
    }
}

#[cfg(test)]
mod tests;
