//! Guards that watch the whole: loss, drawdown, and the loss of all strategies together.
//!
//! A guard latches a mode, cancels what is open, and stays until an operator clears it.

use crate::portfolio::Verdict;
use crate::quiet::trip_mode;
use crate::{Effects, Engine, OperatorCommand};
use hedgerow_model::{Fact, HostTime, InstrumentId, Scope, StrategyId, TradingMode};

/// How the reason of a mode begins that a guard has set.
pub(crate) const GUARD: &str = "guard: ";

impl Engine {
    fn profit_now(&self, strategy: StrategyId) -> Option<Option<i128>> {
        let mark = |id: InstrumentId| self.markets.get(id).and_then(|m| m.mark_doubled);
        self.exposure.profit(strategy, mark)
    }

    pub(crate) fn is_somebody_unmarked(&self) -> bool {
        let mut ids = (0_u32..).map(StrategyId).take(self.strategies.len());
        ids.any(|id| self.profit_now(id).is_none())
    }

    pub(crate) fn host_loss(&self, mark: impl Fn(InstrumentId) -> Option<i64> + Copy) -> bool {
        let ids = (0..self.strategies.len()).filter_map(|i| u32::try_from(i).ok().map(StrategyId));
        self.exposure.host_loss(ids.filter_map(|id| self.exposure.profit(id, mark)))
    }

    /// After a mark moved (doubled, to this): everybody who holds the instrument.
    pub(crate) fn guard_mark(
        &mut self,
        now: HostTime,
        (id, doubled): (InstrumentId, i64),
        effects: &mut Effects,
    ) {
        // by index: the list cannot change while marks move, only fills change it
        let mut index = 0;
        while let Some(strategy) = self.exposure.holders(id).get(index).copied() {
            if !self.exposure.gauge(strategy).is_calm(doubled) {
                self.guard(now, strategy, effects);
            }
            index += 1;
        }
        if index > 0 {
            self.guard_host(now, effects);
        }
    }

    /// After anything that changed a strategy's profit.
    pub(crate) fn guard(&mut self, now: HostTime, strategy: StrategyId, effects: &mut Effects) {
        let mark = |id: InstrumentId| self.markets.get(id).and_then(|m| m.mark_doubled);
        let mut gauge = self.exposure.gauge(strategy);
        let Some(verdict) = self.exposure.judge(strategy, mark, &mut gauge) else {
            return;
        };
        self.exposure.set_gauge(strategy, gauge);
        if self.exposure.is_peak_due(strategy, &gauge) {
            self.note_peak(now, strategy, effects);
        }
        let mode = trip_mode(verdict);
        if mode <= self.modes.of(Scope::Strategy(strategy)) {
            return;
        }
        let reason = match verdict {
            Verdict::Loss => "loss above loss_max",
            _ => "drawdown above drawdown_max",
        };
        self.set_mode(now, Scope::Strategy(strategy), mode, format!("{GUARD}{reason}"), effects);
    }

    /// After cash moved: a new highest profit becomes a fact.
    pub(crate) fn note_peak(&mut self, now: HostTime, strategy: StrategyId, effects: &mut Effects) {
        if let Some(profit) = self.exposure.new_peak(strategy) {
            self.record(now, Fact::Peak { strategy, profit }, effects);
        }
    }

    pub(crate) fn guard_host(&mut self, now: HostTime, effects: &mut Effects) {
        if !self.exposure.couples() || self.modes.of(Scope::Host) != TradingMode::Running {
            return;
        }
        let trips = {
            let mark = |id: InstrumentId| self.markets.get(id).and_then(|m| m.mark_doubled);
            self.host_loss(mark)
        };
        if trips {
            let reason = format!("{GUARD}loss of all strategies above the host's loss_max");
            self.set_mode(now, Scope::Host, TradingMode::ReduceOnly, reason, effects);
        }
    }

    pub(crate) fn on_operator(
        &mut self,
        now: HostTime,
        command: &OperatorCommand,
        reason: String,
        effects: &mut Effects,
    ) {
        let said = Fact::Operator { command: format!("{command:?}"), reason: reason.clone() };
        self.record(now, said, effects);
        match *command {
            OperatorCommand::SetMode { scope, mode } => {
                if mode == TradingMode::Running {
                    for id in self.concerned(scope) {
                        if self.modes.is_guarded(scope) {
                            self.restart_measures(now, id, effects);
                        }
                        self.release_plans(now, id, effects);
                    }
                } else if mode <= self.modes.of(scope) {
                    return; // only a release loosens, and what holds keeps its reason
                }
                self.set_mode(now, scope, mode, format!("operator: {reason}"), effects);
            }
            OperatorCommand::Adopt { strategy } => self.adopt(now, strategy, effects),
            OperatorCommand::Ignore { strategy } => self.ignore(now, strategy, effects),
            OperatorCommand::CancelAll { strategy } => {
                for id in self.concerned(strategy.into()) {
                    self.cancel_many(now, id, None, effects);
                    self.stop_opening_plans(now, id, effects);
                }
            }
        }
    }

    fn restart_measures(&mut self, now: HostTime, strategy: StrategyId, effects: &mut Effects) {
        let profit = self.profit_now(strategy).flatten();
        match profit.and_then(|profit| self.exposure.money(profit)) {
            Some(profit) => {
                self.record(now, Fact::MeasuresRestarted { strategy, profit }, effects);
            }
            None => {
                // said, for the guards may trip again at once
                let command = format!("measures of {strategy} not restarted");
                let reason = "a mark of what it holds is missing".into();
                self.record(now, Fact::Operator { command, reason }, effects);
            }
        }
    }
}
