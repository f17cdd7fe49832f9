//! What strategies are given: the start of an instance, and market data within their credit.
//!
//! Where strategies run on threads of their own, one that does not keep up must neither slow the
//! host nor fill its memory. Each has credit for so many ticks; what it has read comes back. Out of
//! credit, an instrument's data is held back, and when half the credit is back the instrument
//! starts again with a snapshot. Events are never held back; too many unanswered ones stop the
//! strategy.
//!
//! Being part of the state, all of this follows from the inputs and replays with them.

use crate::market::DataState;
use crate::{Effects, Engine};
use hedgerow_model::{
    Delivered, Delivery, Event, HostTime, InstrumentId, MarketStatus, ResumedState, StrategyId,
    Tick, TimerId, flag,
};
use std::collections::{BTreeMap, BTreeSet};

/// Events a strategy may leave unanswered before it may only cancel.
const EVENTS_MAX: u64 = 4_096;

/// What a strategy may still be given, and what is held back from it.
#[derive(Debug, Default)]
pub(crate) struct Credit {
    /// Ticks; a snapshot may overdraw it.
    left: i64,
    held_back: BTreeSet<InstrumentId>,
    /// It has no instance.
    pub(crate) down: bool,
    /// Timers that fired since the last cut, while what took over there is on probation.
    pub(crate) since_cut: Option<BTreeSet<TimerId>>,
    /// Events handed out and answered since its start.
    pub(crate) told: u64,
    pub(crate) heard: u64,
    /// What an instance that takes over at the last cut is told, and what it is shown.
    cut: Option<Vec<Delivered>>,
    cut_markets: Option<Vec<Delivered>>,
    /// How things stood when what came later was kept for a successor, with what was asked since.
    pub(crate) line: Option<ResumedState>,
    /// Timers that fired and are in no checkpoint yet, with the number of the event that told it.
    pub(crate) fired: BTreeMap<TimerId, u64>,
}

fn push_ticks(
    effects: &mut Effects,
    strategy: StrategyId,
    time: HostTime,
    more: impl IntoIterator<Item = Tick>,
) {
    if let Some(Delivery { strategy: last, what: Delivered::Ticks(ticks), .. }) =
        effects.deliveries.back_mut()
        && *last == strategy
    {
        ticks.extend(more);
        return;
    }
    let ticks: Vec<Tick> = more.into_iter().collect();
    if !ticks.is_empty() {
        let what = Delivered::Ticks(ticks);
        effects.deliveries.push_back(Delivery { strategy, time, what });
    }
}

impl Engine {
    fn full_credit(&self) -> i64 {
        self.config.tick_credit.map_or(i64::MAX, i64::from)
    }

    /// An event for a strategy. One that leaves too many unanswered may only cancel from then on.
    pub(crate) fn deliver(
        &mut self,
        strategy: StrategyId,
        time: HostTime,
        event: Event,
        effects: &mut Effects,
    ) {
        let Some(slot) = self.strategies.get_mut(strategy.index()) else { return };
        if slot.credit.down {
            return;
        }
        let what = Delivered::Event(event.normalized());
        effects.deliveries.push_back(Delivery { strategy, time, what });
        slot.credit.told = slot.credit.told.saturating_add(1);
        let waiting = slot.credit.told.saturating_sub(slot.credit.heard);
        if self.config.tick_credit.is_some() && waiting == EVENTS_MAX {
            self.stop_strategy(time, strategy, "it leaves its events unanswered", effects);
        }
    }

    /// Events that a strategy was given and has not answered.
    #[must_use]
    pub fn unanswered(&self, strategy: StrategyId) -> u64 {
        let slot = self.strategies.get(strategy.index());
        slot.map_or(0, |slot| slot.credit.told.saturating_sub(slot.credit.heard))
    }

    /// Whether market data is held back from a strategy.
    #[must_use]
    pub fn is_lagging(&self, strategy: StrategyId) -> bool {
        let slot = self.strategies.get(strategy.index());
        slot.is_some_and(|slot| !slot.credit.held_back.is_empty())
    }

    /// An event was answered.
    pub(crate) fn count_answer(&mut self, strategy: StrategyId, read: u32) {
        if let Some(slot) = self.strategies.get_mut(strategy.index())
            && read == 0
        {
            slot.credit.heard = slot.credit.heard.saturating_add(1);
        }
    }

    /// The beginning of an instance.
    pub(crate) fn on_start(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        from_cut: bool,
        effects: &mut Effects,
    ) {
        if let Some(slot) = self.strategies.get_mut(strategy.index()) {
            slot.credit.down = false;
        }
        if from_cut {
            self.start_from_cut(now, strategy, effects);
        } else {
            self.start_anew(now, strategy, effects);
        }
    }

    /// A strategy has no instance: what happens until its next start is in `resumed` then.
    pub(crate) fn is_down(&mut self, strategy: StrategyId) {
        if let Some(slot) = self.strategies.get_mut(strategy.index()) {
            slot.credit.down = true;
            slot.credit.line = None;
        }
    }

    /// The beginning of an instance that takes up what is: what it is told of this moment, and
    /// timers that fired and that its state does not know.
    pub(crate) fn start_anew(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        effects: &mut Effects,
    ) {
        let full = self.full_credit();
        let Some(slot) = self.strategies.get_mut(strategy.index()) else { return };
        let fired = std::mem::take(&mut slot.credit.fired);
        let since_cut = slot.credit.since_cut.take();
        slot.credit = Credit { left: full, since_cut, ..Credit::default() };
        let resumed = Event::Resumed(self.resumed(strategy));
        let mut opening = self.history_and(resumed, now, strategy);
        opening.extend(self.markets_now(now, strategy));
        self.open(now, strategy, opening, effects);
        for id in fired.into_keys() {
            self.deliver_timer(strategy, now, id, effects);
        }
    }

    /// Keeps what an instance that takes over will be shown of the markets.
    pub(crate) fn on_cut_markets(&mut self, now: HostTime, strategy: StrategyId) {
        let markets = self.markets_now(now, strategy);
        if let Some(slot) = self.strategies.get_mut(strategy.index()) {
            slot.credit.cut_markets = Some(markets);
        }
    }

    /// Keeps what an instance that takes over here will be told.
    pub(crate) fn on_cut(&mut self, now: HostTime, strategy: StrategyId) {
        let Some(slot) = self.strategies.get_mut(strategy.index()) else { return };
        let markets = slot.credit.cut_markets.take();
        let markets = markets.unwrap_or_else(|| self.markets_now(now, strategy));
        let resumed = self.resumed_at_cut(strategy);
        let mut opening = self.history_and(resumed, now, strategy);
        opening.extend(markets);
        // what waits of timers is for the successor: a way back tells it to the old one
        let waiting = self.unheard_timers(strategy).into_iter().collect();
        if let Some(slot) = self.strategies.get_mut(strategy.index()) {
            slot.credit.cut = Some(opening);
            slot.credit.since_cut = Some(waiting);
        }
    }

    /// The probation of what took over at the last cut is over.
    pub(crate) fn forget_cut(&mut self, strategy: StrategyId) {
        if let Some(slot) = self.strategies.get_mut(strategy.index()) {
            slot.credit.since_cut = None;
        }
    }

    /// The beginning of an instance that takes over at the cut; what happened since waits behind.
    pub(crate) fn start_from_cut(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        effects: &mut Effects,
    ) {
        let slot = self.strategies.get_mut(strategy.index());
        match slot.and_then(|slot| slot.credit.cut.take()) {
            Some(opening) => {
                self.open_first(strategy, &opening);
                self.open(now, strategy, opening, effects);
            }
            None => self.start_anew(now, strategy, effects),
        }
    }

    /// What was told since the cut and is not heard yet comes after the opening.
    fn open_first(&mut self, strategy: StrategyId, opening: &[Delivered]) {
        let events = opening.iter().filter(|part| matches!(part, Delivered::Event(_))).count();
        let Some(slot) = self.strategies.get_mut(strategy.index()) else { return };
        let heard = slot.credit.heard;
        for number in slot.credit.fired.values_mut().filter(|number| **number > heard) {
            *number = number.saturating_add(u64::try_from(events).unwrap_or(0));
        }
    }

    fn history_and(&self, resumed: Event, now: HostTime, strategy: StrategyId) -> Vec<Delivered> {
        let Some(slot) = self.strategies.get(strategy.index()) else { return Vec::new() };
        let bars = |id: InstrumentId| {
            let wanted = slot.interest.bars(id)?;
            Some(self.markets.get(id)?.history(wanted))
        };
        let history = slot.interest.instruments().filter_map(bars).flatten();
        let past = |t: Tick| Tick { recv_ts: now.as_nanos(), flags: t.flags | flag::HISTORY, ..t };
        vec![Delivered::Ticks(history.map(past).collect()), Delivered::Event(resumed)]
    }

    /// The markets as they stand, and what is not well with them.
    fn markets_now(&self, now: HostTime, strategy: StrategyId) -> Vec<Delivered> {
        let Some(slot) = self.strategies.get(strategy.index()) else { return Vec::new() };
        let ids: Vec<InstrumentId> = slot.interest.instruments().collect();
        let shown = ids.iter().flat_map(|id| self.market_ticks(now, strategy, *id));
        let trouble = |id: &InstrumentId| {
            let status = self.trouble(*id)?;
            Some(Delivered::Event(Event::Market { instrument: *id, status }))
        };
        let shown = Delivered::Ticks(shown.collect());
        let leverages = self.leverages_now(slot).into_iter();
        // before the market: what is asked for there must fit it
        let terms = self.terms_now(strategy).into_iter().map(Delivered::Event);
        let trouble = ids.iter().filter_map(trouble);
        let rest = trouble.chain(leverages.map(Delivered::Event));
        terms.chain(std::iter::once(shown)).chain(rest).collect()
    }

    fn open(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        opening: Vec<Delivered>,
        effects: &mut Effects,
    ) {
        for part in opening {
            match part {
                Delivered::Event(event) => self.deliver(strategy, now, event, effects),
                Delivered::Ticks(ticks) => self.give_ticks(strategy, now, ticks, effects),
            }
        }
    }

    /// Ticks that are not refused for want of credit; they use it all the same.
    fn give_ticks(
        &mut self,
        strategy: StrategyId,
        now: HostTime,
        ticks: Vec<Tick>,
        effects: &mut Effects,
    ) {
        if let Some(slot) = self.strategies.get_mut(strategy.index()) {
            let count = i64::try_from(ticks.len()).unwrap_or(i64::MAX);
            slot.credit.left = slot.credit.left.saturating_sub(count);
        }
        push_ticks(effects, strategy, now, ticks);
    }

    /// A market as it stands, as far as a strategy wants to see it.
    fn market_ticks(
        &self,
        now: HostTime,
        strategy: StrategyId,
        instrument: InstrumentId,
    ) -> Vec<Tick> {
        let market = self.markets.get(instrument);
        let Some((market, slot)) = market.zip(self.strategies.get(strategy.index())) else {
            return Vec::new();
        };
        let ticks = market.snapshot(instrument).into_iter();
        let wanted = ticks.filter(|tick| slot.interest.wants(tick));
        wanted.map(|tick| tick.told_at(now.as_nanos())).collect()
    }

    /// Ticks that rebuild what is known of an instrument, flagged as a snapshot.
    #[must_use]
    pub fn snapshot_ticks(&self, instrument: InstrumentId) -> Vec<Tick> {
        self.markets.get(instrument).map(|m| m.snapshot(instrument)).unwrap_or_default()
    }

    /// How an instrument's data is, unless all is well with it.
    pub(crate) fn trouble(&self, instrument: InstrumentId) -> Option<MarketStatus> {
        let market = self.markets.get(instrument)?;
        match market.state {
            DataState::Unseen | DataState::Fresh => None,
            DataState::Stale => Some(MarketStatus::Stale),
            // the snapshot that ends the gap is coming in: what is shown of it must not be
            // forgotten
            DataState::Gap if market.in_snapshot => Some(MarketStatus::Stale),
            DataState::Gap => Some(MarketStatus::Gap),
        }
    }

    /// One tick for everybody who wants it and has credit.
    pub(crate) fn hand_out(&mut self, now: HostTime, tick: &Tick, effects: &mut Effects) {
        let instrument = InstrumentId(tick.instrument);
        for index in 0..self.strategies.len() {
            let Some(slot) = self.strategies.get_mut(index) else { continue };
            let Ok(strategy) = u32::try_from(index).map(StrategyId) else { continue };
            let credit = &mut slot.credit;
            if credit.held_back.contains(&instrument) || !slot.interest.wants(tick) {
                continue;
            }
            if credit.left > 0 {
                credit.left = credit.left.saturating_sub(1);
                push_ticks(effects, strategy, now, [*tick]);
            } else {
                credit.held_back.insert(instrument);
                let event = Event::Market { instrument, status: MarketStatus::Lagging };
                self.deliver(strategy, now, event, effects);
            }
        }
    }

    /// Ticks that waited were dropped: every instrument starts again from a snapshot, for whoever
    /// reads on.
    pub(crate) fn on_shed(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        ticks: u32,
        effects: &mut Effects,
    ) {
        let Some(slot) = self.strategies.get_mut(strategy.index()) else { return };
        let all: Vec<InstrumentId> = slot.interest.instruments().collect();
        for instrument in all {
            let Some(slot) = self.strategies.get_mut(strategy.index()) else { return };
            if slot.credit.held_back.insert(instrument) {
                let event = Event::Market { instrument, status: MarketStatus::Lagging };
                self.deliver(strategy, now, event, effects);
            }
        }
        self.return_credit(now, strategy, ticks, effects);
    }

    /// Ticks were read. With half the credit back, what was held back starts again.
    pub(crate) fn return_credit(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        read: u32,
        effects: &mut Effects,
    ) {
        let full = self.full_credit();
        let Some(slot) = self.strategies.get_mut(strategy.index()) else { return };
        let credit = &mut slot.credit;
        credit.left = credit.left.saturating_add(i64::from(read)).min(full);
        if credit.held_back.is_empty() || credit.left < full / 2 {
            return;
        }
        for instrument in std::mem::take(&mut credit.held_back) {
            // in this order: a snapshot of what is stale is stale
            let ticks = self.market_ticks(now, strategy, instrument);
            self.give_ticks(strategy, now, ticks, effects);
            let status = self.trouble(instrument).unwrap_or(MarketStatus::Fresh);
            self.deliver(strategy, now, Event::Market { instrument, status }, effects);
        }
    }
}
