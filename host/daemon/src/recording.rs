//! A run's recording: begun with all that is needed to play it again, components included.

use crate::command::Failure;
use crate::config::Config;
use crate::kept;
use crate::wiring::{Host, Loaded};
use hedgerow_engine::Snapshot;
use hedgerow_ports::Recorder;
use hedgerow_store::{Preface, RecordingWriter, SqliteJournal};
use std::path::{Path, PathBuf};

/// A file of a recording is ended at about this size.
const SEGMENT_BYTES: u64 = 256 << 20;

/// Where a recording keeps a component.
pub(crate) fn component(folder: &Path, hash: &str) -> PathBuf {
    kept::path(folder, hash)
}

/// Whether a recording can begin here, asked before anything is done for the run.
pub(crate) fn check(folder: &Path) -> Result<(), Failure> {
    RecordingWriter::check(folder).map_err(|error| failed(folder, &error))
}

fn failed(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("recording into {}: {error}", folder.display()))
}

/// Records a host from here on into a folder of its own.
pub(crate) fn begin(
    folder: &Path,
    config: &Config,
    loaded: &Loaded,
    host: &mut Host<SqliteJournal>,
    (begins_with, goes_on): (Option<Snapshot>, bool),
) -> Result<(), Failure> {
    let mut preface = Preface {
        config_file: config.file.display().to_string(),
        config: config.text.clone(),
        is_live: config.data.is_live(),
        began: host.now(),
        state: Vec::new(),
        facts: Vec::new(),
        goes_on,
        components: loaded.plugins.iter().map(|plugin| plugin.hash.clone()).collect(),
    };
    if let Some(state) = begins_with {
        preface.begin_with(&state).map_err(Failure::new)?;
    }
    let writer = RecordingWriter::begin(folder, &preface, SEGMENT_BYTES)
        .map_err(|error| failed(folder, &error))?;
    for hash in &preface.components {
        keep(folder, &config.state, hash);
    }
    host.record(Box::new(writer) as Box<dyn Recorder>);
    Ok(())
}

fn keep(folder: &Path, state: &Path, hash: &str) {
    match std::fs::read(kept::path(state, hash)) {
        Ok(bytes) => kept::keep_for_ever(folder, hash, &bytes),
        Err(error) => tracing::warn!(%hash, %error, "a component is missing from the recording"),
    }
}
