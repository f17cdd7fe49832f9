//! What there is to show of a loop.

use crate::Driver;
use crate::instance::Instance;
use hedgerow_model::view::HostView;
use hedgerow_ports::{Feed, Journal, SimulatedVenue, StrategyHost};
use std::collections::BTreeMap;

impl<F: Feed, V: SimulatedVenue, H: StrategyHost, J: Journal> Driver<F, V, H, J> {
    fn conditions(&self) -> Vec<String> {
        let mut all = self.engine.conditions();
        let ended = self.recorder.as_ref().and_then(|recorder| recorder.ended());
        all.extend(ended.map(|why| format!("the recording has ended: {why}")));
        let views = self.instances.iter().filter_map(|i| self.engine.strategy_view(i.strategy));
        all.extend(views.filter_map(|view| Some(format!("{}: {}", view.name, view.why?))));
        all
    }

    /// What there is to show. Banner, venues, hashes and status lines with their times are the
    /// caller's to fill in.
    pub fn view(&self) -> HostView {
        let strategy = |instance: &Instance| {
            let mut view = self.engine.strategy_view(instance.strategy)?;
            (view.state, view.calls) = (instance.state, instance.calls);
            Some(view)
        };
        HostView {
            schema: 1,
            as_of: self.now,
            banner: String::new(),
            mode: self.engine.host_mode(),
            conditions: self.conditions(),
            ticks: self.stats.ticks,
            calls: self.stats.market_calls + self.stats.event_calls,
            age_ms: 0,
            behind_ms: 0,
            venues: Vec::new(),
            accounts: self.engine.account_views(),
            instruments: self.engine.instrument_views(),
            strategies: self.instances.iter().filter_map(strategy).collect(),
            status_as_of: BTreeMap::new(),
            earned: self.engine.earned_views(),
        }
    }
}
