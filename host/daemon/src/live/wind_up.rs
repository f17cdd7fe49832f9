//! The end of a run in order.

use super::{Session, control};
use crate::command::Failure;
use crate::command::show::plan_in_words;
use hedgerow_driver::Progress;
use hedgerow_model::Duration;
use hedgerow_model::view::StrategyView;
use hedgerow_ports::StopReason;
use std::time::Instant;

impl Session<'_> {
    /// The strategies' last calls, and the cancels that follow from them.
    pub(super) fn wind_up(&mut self) -> Result<(), Failure> {
        const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);
        // what was accepted is done, and nothing more is accepted
        control::close(&self.desk);
        self.take_all()?;
        self.obey_all()?;
        self.give_receipts();
        while !self.host.is_ready_to_stop() {
            self.host.advance(self.pacer.horizon())?;
        }
        self.host.stop_all(StopReason::Shutdown)?;
        let (began, until) = (Instant::now(), self.host.now().after(Duration::from_secs(2)));
        while began.elapsed() < PATIENCE {
            let engine = self.host.engine();
            let waits = engine.cancels_under_way() + engine.plans_under_way();
            if self.host.is_stopped() && waits == 0 {
                break;
            }
            match self.host.advance(self.pacer.horizon().min(until))? {
                Progress::Worked => {}
                Progress::Finished if self.host.is_stopped() => break,
                _ => std::thread::sleep(std::time::Duration::from_millis(1)),
            }
        }
        self.host.stop_now()?;
        // what was refused meanwhile belongs to the audit, and a kill to the journal
        self.take_all()?;
        self.obey_all()?;
        self.host.try_journal()?;
        let left = self.host.engine().cancels_under_way();
        self.publish()?;
        let cancels = (left > 0).then(|| {
            format!("{left} cancels that the venue has not answered: those orders may live on")
        });
        let open = half_open(&self.ended.view.strategies);
        let held = to_close(&self.host.engine().flattening_in_words());
        let unwritten = self.unwritten();
        let all = cancels.into_iter().chain(open).chain(held).chain(unwritten);
        let all: Vec<String> = all.collect();
        if all.is_empty() {
            return Ok(());
        }
        Err(Failure::new(format!("the run has ended with {}", all.join("; and with "))))
    }

    /// Facts that the journal could not take to the end, and where they are.
    fn unwritten(&self) -> Option<String> {
        let count = self.host.unwritten();
        let (kept, file) = self.host.journal().aside();
        let file = file.display();
        (count > 0).then(|| {
            format!(
                "{count} facts that the journal could not take; {kept} of them lie in {file}, and \
                 the next start takes them in"
            )
        })
    }
}

/// What an operator wanted closed and is still held.
fn to_close(flattening: &[String]) -> Option<String> {
    let all = flattening.join(", ");
    (!all.is_empty()).then(|| format!("positions that are not closed: {all}"))
}

/// Plans that are under way or stuck when nobody looks after them any more.
fn half_open(strategies: &[StrategyView]) -> Option<String> {
    let of = |strategy: &StrategyView| -> Vec<String> {
        let said = |plan| format!("{} {}", strategy.name, plan_in_words(plan));
        strategy.plans.iter().map(said).collect()
    };
    let all: Vec<String> = strategies.iter().flat_map(of).collect();
    (!all.is_empty()).then(|| format!("plans that are not done: {}", all.join(", ")))
}
