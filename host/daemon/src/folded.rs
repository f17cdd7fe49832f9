//! The engine as the journal's facts make it: what the store writes snapshots of, and what a host
//! begins with.

use crate::command::Failure;
use hedgerow_engine::{Engine, EngineConfig, Snapshot};
use hedgerow_model::Stamped;
use hedgerow_store::{Fold, Preface, SqliteJournal};

/// An engine that folds and never runs.
#[derive(Debug)]
pub struct Folded(pub Engine);

impl Folded {
    /// One that no fact has touched.
    #[must_use]
    pub fn new(config: EngineConfig) -> Self {
        Self(Engine::new(config))
    }

    /// From a journal: its newest good snapshot and the rows after it.
    pub fn of(journal: &SqliteJournal, config: EngineConfig) -> Result<Engine, Failure> {
        let began = std::time::Instant::now();
        let restarted = journal.restart(Self::new(config)).map_err(Failure::new)?;
        let (from, row, folded) = (restarted.from, restarted.row, restarted.folded);
        let took_ms = began.elapsed().as_millis();
        tracing::info!(from, row, folded, took_ms, "the journal is folded");
        Ok(restarted.state.0)
    }

    /// As a recording begins.
    pub fn of_recording(preface: &Preface, config: EngineConfig) -> Result<Engine, Failure> {
        let mut engine = Engine::new(config);
        if let Some(kept) = preface.state::<Snapshot>().map_err(Failure::new)? {
            let why = |e| Failure::new(format!("the recording's beginning is not used: {e}"));
            engine.take_up(kept).map_err(why)?;
        }
        engine.restore(&preface.facts);
        Ok(engine)
    }
}

impl Fold for Folded {
    type Kept = Snapshot;

    fn take_up(&mut self, kept: Snapshot) -> Result<(), String> {
        self.0.take_up(kept).map_err(|e| e.to_string())
    }

    fn fold(&mut self, fact: &Stamped) {
        self.0.restore([fact]);
    }

    fn keep(&self) -> Snapshot {
        self.0.snapshot()
    }
}
