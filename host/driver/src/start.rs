//! The beginning of a run: what strategies are shown before it, and when each may begin.

use crate::instance::StrategyState;
use crate::{Driver, DriverError};
use hedgerow_model::{HostTime, Input, StrategyId};
use hedgerow_ports::{Feed, Journal, SimulatedVenue, StrategyHost};

impl<F: Feed, V: SimulatedVenue, H: StrategyHost, J: Journal> Driver<F, V, H, J> {
    /// Passes over market data up to a time, before [`Self::start`]: the engine and the venue see
    /// it, strategies are shown the bars of it as history.
    pub fn warm_up(&mut self, until: HostTime) -> Result<(), DriverError> {
        self.instances.iter_mut().for_each(|known| known.state = StrategyState::Loading);
        loop {
            let tick = self.feed.peek(1);
            let Some(first) = tick.first() else { return Ok(()) };
            let at = HostTime::from_nanos(first.recv_ts);
            if at > until {
                return Ok(());
            }
            self.now = self.now.max(at);
            self.step_market(&tick)?;
        }
    }

    /// Starts all strategies: each gets `resumed` and what is known of its markets. Those that were
    /// in quarantine when the facts end stay there.
    pub fn start(&mut self) -> Result<(), DriverError> {
        // a live host begins when it is told to: what has arrived by then comes in its own order,
        // beside what venues say, and a recording knows of no other
        if !self.feed.is_live() {
            let first = self.feed.peek(1).first().map(|tick| HostTime::from_nanos(tick.recv_ts));
            self.now = self.now.max(first.unwrap_or(self.now));
        }
        for index in 0..self.instances.len() {
            let quarantined = self.engine.is_quarantined(self.instances[index].strategy);
            let state =
                if quarantined { StrategyState::Quarantined } else { StrategyState::Loading };
            self.instances[index].state = state;
        }
        self.start_ready()
    }

    /// Before the start: a strategy that has no instance, where a journal goes on. It is left in
    /// quarantine, and everything else begins.
    pub fn keep_out(&mut self, strategy: StrategyId, why: String) -> Result<(), DriverError> {
        if self.instances.get(strategy.index()).is_some() {
            self.quarantine(strategy.index(), why);
        }
        self.drain()
    }

    /// Starts those whose account has come to be known.
    pub(crate) fn start_ready(&mut self) -> Result<(), DriverError> {
        for index in 0..self.instances.len() {
            let (now, strategy) = (self.now, self.instances[index].strategy);
            let waits = self.instances[index].state == StrategyState::Loading;
            if waits && self.engine.may_start(strategy) {
                let watched = self.instances[index].probation.is_some();
                self.instances[index].state =
                    if watched { StrategyState::Probation } else { StrategyState::Running };
                self.handle(Input::Start { now, strategy, from_cut: false, fault: None });
                self.drain()?;
            }
        }
        Ok(())
    }
}
