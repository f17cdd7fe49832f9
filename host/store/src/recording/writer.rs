//! Writing a recording: blocks into an append file, the next file when one is full.

use super::{
    EFFECTS, FORMAT, INPUT, PREFACE, Preface, TICKS, columns, converted, exists, form, segment,
};
use hedgerow_model::{Delivery, Input, Stamped, Tick, VenueCommand};
use hedgerow_ports::Recorder;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const BLOCK: usize = 64 << 10;
/// So much may be lost with the process.
const FLUSH: Duration = Duration::from_secs(1);

/// Writes a recording.
#[derive(Debug)]
pub struct RecordingWriter {
    folder: PathBuf,
    segment: u32,
    segment_bytes: u64,
    /// Nothing once writing has failed.
    file: Option<File>,
    written: u64,
    block: Vec<u8>,
    ticks: Vec<u8>,
    flushed: Instant,
    ended: Option<String>,
    converter: Option<Converter>,
}

/// Converts files that are ended, one after the other.
#[derive(Debug)]
struct Converter {
    paths: Sender<(PathBuf, PathBuf)>,
    thread: JoinHandle<()>,
}

impl Converter {
    fn start() -> std::io::Result<Self> {
        let (paths, inbox) = channel::<(PathBuf, PathBuf)>();
        let body = move || {
            for (from, to) in inbox {
                if let Err(why) = columns::convert(&from, &to) {
                    let from = from.display();
                    tracing::warn!(%from, %why, "not converted to Parquet: it stays as it is");
                }
            }
        };
        let thread = std::thread::Builder::new().name("recording".into()).spawn(body)?;
        Ok(Self { paths, thread })
    }

    /// Waits until all is converted.
    fn end(self) {
        drop(self.paths);
        let _ = self.thread.join();
    }
}

impl RecordingWriter {
    /// Begins a recording in a new or empty folder; a file is ended at about `segment_bytes`.
    pub fn begin(folder: &Path, preface: &Preface, segment_bytes: u64) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Self::check(folder)?;
        let mut this = Self {
            folder: folder.to_owned(),
            segment: 0,
            segment_bytes,
            file: None,
            written: 0,
            block: Vec::new(),
            ticks: Vec::new(),
            flushed: Instant::now(),
            ended: None,
            converter: Some(Converter::start()?),
        };
        this.next_segment()?;
        let body = rmp_serde::to_vec(preface).map_err(std::io::Error::other)?;
        this.entry(PREFACE, &body);
        this.flush();
        Ok(this)
    }

    /// Whether a recording can begin in this folder.
    pub fn check(folder: &Path) -> std::io::Result<()> {
        if exists(folder, 1) {
            let what = format!("{} already holds a recording", folder.display());
            return Err(std::io::Error::new(std::io::ErrorKind::AlreadyExists, what));
        }
        Ok(())
    }

    fn next_segment(&mut self) -> std::io::Result<()> {
        self.segment += 1;
        let mut file = File::create_new(segment(&self.folder, self.segment))?;
        file.write_all(FORMAT)?;
        (self.file, self.written) = (Some(file), 0);
        Ok(())
    }

    fn entry(&mut self, kind: u8, body: &[u8]) {
        let Ok(length) = u32::try_from(body.len()) else { return };
        self.block.push(kind);
        self.block.extend(length.to_le_bytes());
        self.block.extend_from_slice(body);
        if self.block.len() >= BLOCK || self.flushed.elapsed() >= FLUSH {
            self.write_block();
        }
    }

    fn end_ticks(&mut self) {
        if !self.ticks.is_empty() {
            let ticks = std::mem::take(&mut self.ticks);
            self.entry(TICKS, &ticks);
            self.ticks = ticks;
            self.ticks.clear();
        }
    }

    /// Everything so far to the system.
    pub fn flush(&mut self) {
        self.end_ticks();
        self.write_block();
    }

    fn write_block(&mut self) {
        self.flushed = Instant::now();
        let block = std::mem::take(&mut self.block);
        if let (false, Some(file)) = (block.is_empty(), &mut self.file) {
            let mut whole = Vec::with_capacity(block.len() + 8);
            let length = u32::try_from(block.len()).unwrap_or(u32::MAX);
            whole.extend(length.to_le_bytes());
            whole.extend(crc32fast::hash(&block).to_le_bytes());
            whole.extend_from_slice(&block);
            let mut result = file.write_all(&whole);
            self.written += whole.len() as u64;
            if result.is_ok() && self.written >= self.segment_bytes {
                let ended = self.segment;
                result = self.next_segment();
                if let (Ok(()), Some(converter)) = (&result, &self.converter) {
                    let (from, to) = (segment(&self.folder, ended), converted(&self.folder, ended));
                    let _ = converter.paths.send((from, to));
                }
            }
            if let Err(error) = result {
                tracing::error!(%error, folder = %self.folder.display(), "the recording ends here");
                self.file = None;
                self.ended = Some(format!("{}: {error}", self.folder.display()));
            }
        }
        self.block = block;
        self.block.clear();
    }
}

impl Recorder for RecordingWriter {
    fn input(&mut self, input: &Input<'_>) {
        if let Input::Market(ticks) = input {
            self.ticks.extend(ticks.iter().flat_map(Tick::to_le_bytes));
            if self.ticks.len() >= BLOCK || self.flushed.elapsed() >= FLUSH {
                self.end_ticks();
            }
            return;
        }
        self.end_ticks();
        // inputs are plain data: nothing in them can fail to serialise
        let body = rmp_serde::to_vec(input).unwrap_or_default();
        self.entry(INPUT, &body);
    }

    fn effects(&mut self, facts: &[Stamped], commands: &[VenueCommand], events: &[&Delivery]) {
        self.end_ticks();
        let body = form(facts, commands, events);
        self.entry(EFFECTS, &body);
    }

    fn ended(&self) -> Option<&str> {
        self.ended.as_deref()
    }
}

impl Drop for RecordingWriter {
    fn drop(&mut self) {
        self.flush();
        if let Some(converter) = self.converter.take() {
            converter.end();
        }
    }
}
