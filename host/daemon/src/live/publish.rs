//! What the loop tells outsiders of itself, and the journal of its own absence.

use super::{Failure, Session};
use crate::config::Config;
use crate::wiring::{self, Loaded};
use hedgerow_engine::Engine;
use hedgerow_model::view::{HostView, StrategyState, StrategyView, VenueView};
use hedgerow_model::{Fact, HostTime, StrategyId, VenueId};
use hedgerow_simulator::readers::FileReport;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

/// What can be said before anything is under way: who is there, so that an operator's word for one
/// of them is understood and waits its turn.
pub(super) fn first(config: &Config, loaded: &Loaded) -> HostView {
    let named = Engine::new(wiring::engine_config(config, loaded));
    let ids = (0_u32..).map(StrategyId).take(config.strategies.len());
    let strategy = |id| {
        let view = named.strategy_view(id)?;
        Some(StrategyView { state: StrategyState::Loading, ..view })
    };
    HostView {
        schema: 1,
        mode: named.host_mode(),
        conditions: vec!["the host is starting".into()],
        accounts: named.account_views(),
        instruments: named.instrument_views(),
        strategies: ids.filter_map(strategy).collect(),
        ..HostView::default()
    }
}

impl Session<'_> {
    /// What the journal missed while it could not be written is one of its facts.
    fn tell_left_out(&mut self) -> Result<(), Failure> {
        let Some(left) = self.host.take_left_out() else { return Ok(()) };
        tracing::warn!(%left, "the journal is written again");
        let (command, reason) = ("written again", "the journal could not be written");
        let (command, reason) = (command.to_owned(), reason.to_owned());
        let (by, from, result) = ("the host".into(), "journal".into(), left.to_string());
        Ok(self.host.note(Fact::Asked { command, reason, by, from, result })?)
    }

    pub(super) fn publish(&mut self) -> Result<(), Failure> {
        self.tell_left_out()?;
        self.tell_found();
        self.host.ask_status()?;
        let mut view = self.host.view();
        if self.pacer.is_paced() {
            // ages go on while nothing comes: that is when they matter
            view.as_of = view.as_of.max(self.pacer.horizon());
        }
        view.banner = if self.host.is_journal_down() {
            "SIM  THE JOURNAL CANNOT BE WRITTEN: NOTHING OPENS".into()
        } else {
            "SIM".into()
        };
        if self.latch.is_set() {
            view.conditions.push("the kill latch is set: nothing opens before `resume`".into());
        }
        view.conditions.extend(self.folder.iter().cloned());
        view.conditions.extend(self.host.venue().inner().early());
        view.conditions.extend(self.ended.files.iter().filter_map(FileReport::odd));
        let named = |(id, name): (u32, &String)| {
            let (connection, since) = self.host.venue().inner().connection(VenueId(id));
            VenueView { name: name.clone(), connection, since }
        };
        let venues = &self.host.engine().config().venues;
        view.venues = (0_u32..).zip(venues).map(named).collect();
        let due = self.host.due().filter(|due| *due > HostTime::EPOCH);
        let behind = due.filter(|_| self.pacer.is_paced());
        view.behind_ms = behind.map_or(0, |due| self.pacer.horizon().since(due).as_millis());
        for strategy in &mut view.strategies {
            if let Some(plugin) = self.host.host().plugin(strategy.id) {
                let known = &plugin.description;
                strategy.component = format!("{} {}", known.name, known.version);
                strategy.hash = plugin.hash.clone();
            }
            if strategy.state == StrategyState::Running && self.tried.contains(&strategy.id) {
                strategy.state = StrategyState::Shadow;
            }
            strategy.candidate = self.judged.get(&strategy.id).cloned();
            if let Some((at, said)) = self.host.said(strategy.id) {
                strategy.status = Some(said.to_owned());
                view.status_as_of.insert(strategy.name.clone(), at);
            }
        }
        self.published = Some(Instant::now());
        *self.shared.lock().unwrap_or_else(PoisonError::into_inner) =
            (Arc::new(view.clone()), Instant::now());
        self.ended.view = view;
        Ok(())
    }
}
