//! The trial of a candidate in a strategy's place: what it is held against, and what it showed.

use super::super::{Message, Told};
use super::{Watched, Worker};
use crate::config::schema;
use crate::wiring;
use hedgerow_plugins::{Plugin, ShadowReport};
use std::sync::mpsc::channel;
use std::time::Duration;

/// Why a candidate is not let in.
pub(super) enum No {
    Never(String),
    /// It was tried, and the machine may have been the reason.
    NotNow(String),
    /// It was not even tried.
    Busy(String),
    /// It failed in this strategy's place before, and no operator has said otherwise since.
    Before(String),
    /// It runs there; whether that is news, as another was refused before.
    Runs(bool),
}

/// Whether the parameters that a strategy has suit a candidate's schema.
fn takes(schema: &serde_json::Value, parameters: &str) -> Result<(), String> {
    let parameters = serde_json::from_str(parameters).map_err(|e| e.to_string())?;
    let misfits = schema::misfits(schema, &parameters).into_iter();
    let all: Vec<String> = misfits.map(|m| format!("{} {}", m.path, m.what)).take(5).collect();
    if all.is_empty() {
        return Ok(());
    }
    Err(format!("the strategy's parameters do not suit it: {}", all.join("; ")))
}

/// What a trial came to.
pub(super) struct Trial {
    pub(super) detail: String,
    /// The components that the host needs.
    pub(super) in_use: Vec<String>,
}

impl From<String> for No {
    fn from(why: String) -> Self {
        Self::Never(why)
    }
}

impl Worker {
    /// Checks that the candidate fits in a strategy's place and tries it on recent events.
    pub(super) fn prepare(&self, watched: &Watched, plugin: &Plugin) -> Result<Trial, No> {
        let description = &plugin.description;
        let (answer, answered) = channel();
        let recent = Message::Recent(watched.strategy, plugin.hash.clone(), answer);
        let asked = self.inbox.send(recent);
        let told = asked.ok().and_then(|()| answered.recv_timeout(Duration::from_secs(5)).ok());
        let Some(Told { recent, state_version: now, in_use, failed, runs, refused }) = told else {
            return Err(No::Busy("the host does not answer".into()));
        };
        if runs {
            return Err(No::Runs(refused));
        }
        if let Some(why) = failed {
            return Err(No::Before(format!(
                "it failed here before ({why}): another file, or `hedgerow plugin retry`"
            )));
        }
        if description.name != watched.name {
            let why = format!("it is {}, the strategy runs {}", description.name, watched.name);
            return Err(No::Never(why));
        }
        wiring::wants_no_more(&watched.wants, &description.wants)?;
        takes(&description.parameters, &watched.setup.parameters)?;
        let well = |detail| Ok(Trial { detail, in_use });
        let (oldest, newest) = (description.oldest_readable_state, description.state_version);
        if !(oldest..=newest).contains(&now) {
            let why = format!("it reads states {oldest} to {newest}, the state now is {now}");
            return Err(No::Never(why));
        }
        let ring = recent.and_then(|recent| recent.ring());
        let Some(ring) = ring else { return well("no recent events to try it on".into()) };
        let _ = self.inbox.send(Message::Trial(watched.strategy, true));
        let shown = ring.shadow(&self.engine, plugin, &watched.setup, &self.limits);
        let _ = self.inbox.send(Message::Trial(watched.strategy, false));
        match shown {
            Ok(report) => well(in_words(report)),
            Err(failure) if failure.may_pass() => {
                Err(No::NotNow(format!("in the shadow: {failure}")))
            }
            Err(failure) => Err(No::Never(format!("in the shadow: {failure}"))),
        }
    }
}

/// What a trial showed, for the journal and for `status`.
fn in_words(report: ShadowReport) -> String {
    let ShadowReport { calls, different, left_out, first_difference, both_ways } = report;
    let as_before = match first_difference {
        None => format!("{calls} recent calls, same intents; {left_out} left out for time"),
        Some(first) => format!("{calls} recent calls, {different} with other intents; {first}"),
    };
    let ticks = both_ways.ticks;
    match both_ways.difference {
        None => format!("{as_before}; {ticks} ticks one by one as in batches"),
        // legal live, where nobody says how many come at once; a backtest of it proves nothing
        Some(difference) => format!(
            "{as_before}; IT ACTS ON TICKS IT WAS ONLY SHOWN: {difference}: its backtests hold \
             only with --batch 1"
        ),
    }
}
