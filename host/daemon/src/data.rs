//! From a config's data source to a tape.

use crate::command::{Failure, exit};
use crate::config::{Config, DataSource};
use hedgerow_model::{Instrument, Tick};
use hedgerow_simulator::readers::{self, FileReport, ReadError};
use hedgerow_simulator::{Tape, generator};
use std::path::Path;

/// A tape and what there is to say about it.
pub struct Opened {
    /// The market.
    pub tape: Tape,
    /// What each file contained; empty for a generated market.
    pub files: Vec<FileReport>,
    /// First and last host time, ns; nothing for a generated market.
    pub span: Option<(u64, u64)>,
    /// Ticks in all; nothing for a generated market.
    pub ticks: Option<usize>,
}

impl Opened {
    /// Tells the log what each file contained, and warns of what a run must not pass over.
    pub(crate) fn log(&self) {
        for report in &self.files {
            let (file, rows, repeated, holes) =
                (&report.file, report.rows, report.repeated, report.holes);
            tracing::info!(file, rows, repeated, holes, notes = ?report.notes, "recording");
            if let Some(odd) = report.odd() {
                tracing::warn!(odd, "the recording is not whole");
            }
        }
    }
}

/// What is not there of a config's recording, a sentence each; nothing of it is read.
#[must_use]
pub fn absent(config: &Config) -> Vec<String> {
    type Finds = fn(&Path, &Instrument) -> Result<(), ReadError>;
    let (path, finds): (_, Finds) = match &config.data {
        DataSource::Generated { .. } | DataSource::Socket { .. } => return Vec::new(),
        DataSource::BinanceRaw { path } => (path, readers::in_binance_raw),
        DataSource::HyperliquidCsv { path } => (path, readers::in_hyperliquid_csv),
        DataSource::LighterCsv { path } => (path, readers::in_lighter_csv),
        DataSource::BenchCsv { path } => (path, |_, _| Ok(())),
    };
    if !path.is_dir() {
        return vec![format!("data.path: there is no folder {}", path.display())];
    }
    let missing = config.instruments.iter().filter_map(|(known, _)| finds(path, known).err());
    missing.map(|error| format!("data.path: {error}")).collect()
}

/// Opens the market of a config. `start` is where a generated market begins, host time ns.
pub fn open(config: &Config, start: u64) -> Result<Opened, ReadError> {
    let instruments: Vec<Instrument> =
        config.instruments.iter().map(|(instrument, _)| instrument.clone()).collect();
    let recording = match &config.data {
        DataSource::Generated { seed, events_per_s } => {
            let market = generator::Market::new(*seed, start, &instruments);
            let market = market.with_rate(*events_per_s);
            let tape = Tape::new(Box::new(market));
            return Ok(Opened { tape, files: Vec::new(), span: None, ticks: None });
        }
        DataSource::Socket { sockets } => {
            return Err(ReadError::File {
                path: sockets.first().map(|s| s.path.clone()).unwrap_or_default(),
                why: "a paper venue's socket is for `hedgerow run`, not a recording".into(),
            });
        }
        DataSource::BinanceRaw { path } => readers::binance_raw(path, &instruments)?,
        DataSource::HyperliquidCsv { path } => readers::hyperliquid_csv(path, &instruments)?,
        DataSource::LighterCsv { path } => readers::lighter_csv(path, &instruments)?,
        DataSource::BenchCsv { path } => readers::bench_csv(path, &instruments)?,
    };
    let recording = recording.whole()?;
    let time = |tick: Option<&Tick>| tick.map(|tick| tick.recv_ts);
    let ticks = recording.ticks();
    let span = time(ticks.first()).zip(time(ticks.last()));
    let (count, files) = (ticks.len(), recording.files.clone());
    Ok(Opened { tape: recording.into_tape(), files, span, ticks: Some(count) })
}

/// A warm-up that leaves nothing to trade on is a mistake.
pub(crate) fn check_warm_up(config: &Config, opened: &Opened) -> Result<(), Failure> {
    let Some((first, last)) = opened.span else { return Ok(()) };
    let seconds = last.saturating_sub(first) / 1_000_000_000;
    if config.warm_up.as_nanos() > 0 && config.warm_up.as_nanos() >= last.saturating_sub(first) {
        let message = format!(
            "{}: data.warm_up_s: the recording has {seconds} s, and all of it would be history; \
             write less",
            config.file.display()
        );
        return Err(Failure { code: exit::CONFIG, message });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::changed;

    /// Nothing of a recording is read: whether it is there is told all the same.
    #[test]
    fn a_recording_that_is_not_there_is_told() {
        let generated = "source = \"generated\"\nseed = 7\nevents_per_s = 100";
        let binance = (generated, "source = \"binance-raw\"\npath = \"x\"");
        let config =
            changed(&[binance, ("lot = \"1\"", "lot = \"1\"\nsequence = \"previous-id\"")]);
        let said = absent(&config);
        assert!(said.len() == 1 && said[0].contains("there is no folder"), "{said:?}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let config = Config { data: DataSource::BinanceRaw { path: path.clone() }, ..config };
        let said = absent(&config);
        assert!(said.len() == 1 && said[0].contains("there is no recording of A"), "{said:?}");
        std::fs::write(path.join("usdm_a_20240808.gz"), "").unwrap();
        assert_eq!(absent(&config), Vec::<String>::new());
    }
}
