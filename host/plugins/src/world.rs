//! The world as a strategy was told of it: what a candidate must be told first when it is tried
//! from the middle of what the running version was given.

use hedgerow_model::{
    Book, Event, Instrument, InstrumentId, Intent, MarketStatus, OpaqueMessage, OrderStatus,
    OrderUpdate, PairOutcome, PlanUpdate, PositionUpdate, ResumedState, Tick, TickKind, flag,
};
use std::collections::BTreeMap;

/// One instrument as it was shown.
#[derive(Clone, Debug, Default)]
struct Shown {
    book: Book,
    /// Whether the book grew from a snapshot.
    synced: bool,
    last_level: Option<Tick>,
    quote: Option<Tick>,
    mark: Option<Tick>,
    funding: Option<Tick>,
}

/// What a strategy knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    resumed: ResumedState,
    markets: BTreeMap<u32, Shown>,
    /// Instruments that are not what an instance is started with.
    changed: BTreeMap<InstrumentId, Instrument>,
}

impl World {
    pub(crate) fn see(&mut self, tick: &Tick) {
        let shown = self.markets.entry(tick.instrument).or_default();
        match TickKind::from_code(tick.kind) {
            Some(TickKind::Quote) => shown.quote = Some(*tick),
            Some(TickKind::Mark) => shown.mark = Some(*tick),
            Some(TickKind::Funding) => shown.funding = Some(*tick),
            Some(TickKind::Level) => {
                shown.synced |= tick.has(flag::SNAPSHOT);
                if shown.synced {
                    shown.book.apply(tick);
                    shown.last_level = Some(*tick);
                }
            }
            Some(TickKind::FeedStatus) if tick.a != 1 => shown.forget(),
            _ => {}
        }
    }

    pub(crate) fn hear(&mut self, event: &Event) {
        let known = &mut self.resumed;
        match event {
            Event::Resumed(state) => {
                *self = Self { resumed: state.clone(), ..Self::default() };
            }
            Event::Instrument(spec) => {
                self.changed.insert(spec.id, spec.clone());
            }
            Event::Order(update) => {
                known.orders.retain(|order| order.number != update.number);
                if !update.status.is_terminal() {
                    known.orders.push(*update);
                }
            }
            Event::Fill(fill) => {
                let at = known.positions.iter_mut().find(|p| p.instrument == fill.instrument);
                match at {
                    Some(position) => position.quantity = fill.position,
                    None => known.positions.push(PositionUpdate {
                        instrument: fill.instrument,
                        quantity: fill.position,
                        entry: hedgerow_model::Decimal::ZERO,
                    }),
                }
            }
            Event::Position(update) => {
                known.positions.retain(|position| position.instrument != update.instrument);
                known.positions.push(*update);
            }
            Event::Balance(update) => {
                known.balances.retain(|b| (b.account, &b.asset) != (update.account, &update.asset));
                known.balances.push(update.clone());
            }
            Event::FundingPayment(notice) => {
                known.funding.retain(|payment| payment.instrument != notice.instrument);
                known.funding.push(*notice);
            }
            Event::Plan(message) => hear_plan(&mut known.plans, message),
            Event::Timer(id) => known.timers.retain(|(known, _)| known != id),
            Event::Mode(mode) => known.mode = *mode,
            Event::Market { instrument, status: MarketStatus::Gap | MarketStatus::Lagging } => {
                self.markets.entry(instrument.0).or_default().forget();
            }
            Event::Market { instrument, status: MarketStatus::Stale } => {
                // as the SDK: from here on the book says what can be traded at
                let shown = self.markets.entry(instrument.0).or_default();
                shown.quote = shown.quote.filter(|_| !shown.synced);
            }
            _ => {}
        }
    }

    /// What it asked for counts as what is on its way.
    pub(crate) fn asked(&mut self, intents: &[Intent]) {
        let known = &mut self.resumed;
        for intent in intents {
            match intent {
                Intent::Submit(order) => {
                    known.orders.push(OrderUpdate::unfilled(order, OrderStatus::PendingNew));
                }
                Intent::SetTimer { id, at } => {
                    known.timers.retain(|(known, _)| known != id);
                    known.timers.push((*id, *at));
                }
                Intent::CancelTimer(id) => known.timers.retain(|(known, _)| known != id),
                _ => {}
            }
        }
    }

    /// `resumed` and instruments that are not what they were, and the markets as a snapshot at a
    /// time.
    pub(crate) fn opening(&self, now: u64) -> (Vec<Event>, Vec<Tick>) {
        let shown = self.markets.values().flat_map(|shown| shown.ticks(now));
        let changed = self.changed.values().cloned().map(Event::Instrument);
        let resumed = std::iter::once(Event::Resumed(self.resumed.clone()));
        (resumed.chain(changed).collect(), shown.collect())
    }
}

/// A plan as it stands now, as long as it is under way or stuck. What is asked for of plans needs
/// nothing here: whether one begins is told in the next event.
fn hear_plan(plans: &mut Vec<OpaqueMessage>, message: &OpaqueMessage) {
    let read = |message: &OpaqueMessage| serde_json::from_str::<PlanUpdate>(&message.json).ok();
    let Some(update) = read(message) else { return };
    plans.retain(|known| read(known).is_none_or(|known| known.plan() != update.plan()));
    let outcome = update.pair().and_then(|pair| pair.outcome.as_ref());
    if !update.is_over() || matches!(outcome, Some(PairOutcome::Stuck { .. })) {
        plans.push(message.clone());
    }
}

impl Shown {
    fn forget(&mut self) {
        self.book.clear();
        (self.synced, self.last_level, self.quote) = (false, None, None);
    }

    fn ticks(&self, now: u64) -> Vec<Tick> {
        let mut ticks = Vec::new();
        if let Some(last) = self.last_level {
            let flags = flag::NO_VENUE_TIME;
            ticks = self.book.snapshot(Tick { flags, ..last }.told_at(now));
        }
        for tick in [self.quote, self.mark, self.funding].into_iter().flatten() {
            ticks.push(Tick { flags: tick.flags | flag::SNAPSHOT, ..tick.told_at(now) });
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hedgerow_model::{
        HostTime, InstrumentId, NewOrder, OrderFlags, Price, Quantity, Side, TimeInForce, TimerId,
    };

    #[test]
    fn orders_timers_and_markets_are_as_they_were_told() {
        let mut world = World::default();
        let order = NewOrder {
            number: 4,
            instrument: InstrumentId(1),
            side: Side::Sell,
            price: Price::from_units(9),
            quantity: Quantity::from_units(2),
            time_in_force: TimeInForce::GoodTillCancel,
            flags: OrderFlags::default(),
        };
        let timer = |id| Intent::SetTimer { id: TimerId(id), at: HostTime::from_nanos(id) };
        let other = NewOrder { number: 5, ..order };
        world.asked(&[Intent::Submit(order), Intent::Submit(other), timer(1), timer(2)]);
        world.hear(&Event::Timer(TimerId(1)));
        let level = |price, quantity, flags| Tick {
            instrument: 1,
            kind: TickKind::Level.code(),
            flags,
            a: price,
            b: quantity,
            ..Tick::default()
        };
        world.see(&level(5, 1, 0)); // before a snapshot: nothing
        world.see(&level(7, 1, flag::SNAPSHOT));
        world.see(&level(8, 3, flag::SELL | flag::LAST));
        world.see(&level(7, 0, flag::LAST));
        let opening = |world: &World, now| {
            let (events, ticks) = world.opening(now);
            let Some(Event::Resumed(resumed)) = events.into_iter().next() else { panic!() };
            (resumed, ticks)
        };
        let (resumed, ticks) = opening(&world, 50);
        let numbers: Vec<u64> = resumed.orders.iter().map(|order| order.number).collect();
        assert_eq!((numbers, resumed.timers.len()), (vec![4, 5], 1));
        assert_eq!(ticks.len(), 1);
        assert!(ticks[0].has(flag::SNAPSHOT) && ticks[0].is_last() && ticks[0].recv_ts == 50);
        let canceled = OrderUpdate { status: OrderStatus::Canceled, ..resumed.orders[0] };
        world.hear(&Event::Order(canceled));
        world.hear(&Event::Market { instrument: InstrumentId(1), status: MarketStatus::Gap });
        let (resumed, ticks) = opening(&world, 60);
        assert_eq!((resumed.orders.len(), ticks.len()), (1, 0));
    }

    /// A candidate is told what the running version knows: a book without a level is one, and a
    /// quote that ended while the book went on is none.
    #[test]
    fn an_empty_book_and_an_ended_quote_are_told_as_such() {
        let mut world = World::default();
        let tick = |kind: TickKind, a, b, flags| {
            let (instrument, kind, flags) = (1, kind.code(), flags | flag::LAST);
            Tick { ts: 7, instrument, kind, flags, a, b, c: 9, d: 1, ..Tick::default() }
        };
        let stale = Event::Market { instrument: InstrumentId(1), status: MarketStatus::Stale };
        world.see(&tick(TickKind::Quote, 5, 1, 0));
        world.hear(&stale);
        assert_eq!(world.opening(50).1.len(), 1, "nothing else is known");
        world.see(&tick(TickKind::Level, 5, 1, flag::SNAPSHOT));
        world.see(&tick(TickKind::Level, 5, 0, 0));
        world.hear(&stale);
        let ticks = world.opening(50).1;
        let flags = flag::SNAPSHOT | flag::LAST | flag::NO_VENUE_TIME;
        let level = tick(TickKind::Level, 0, 0, flags).told_at(50);
        assert_eq!(ticks, [level]);
        assert_eq!((ticks[0].ts, ticks[0].recv_ts), (50, 50));
    }
}
