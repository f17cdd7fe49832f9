//! What waits for a strategy that runs on a thread of its own: in order, and read one call at a
//! time. The engine's credit bounds the ticks in it; it is the driver's alone.

use hedgerow_model::{Delivered, Event, Held, HostTime, Tick, TickSlice, flag};
use std::collections::VecDeque;
use std::sync::Arc;

/// Something that waits.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "few wait; a box for each event would cost more")]
pub(crate) enum Item {
    Ticks(TickSlice),
    Event(HostTime, Event),
}

impl Item {
    /// Whether it was told by then; ticks that are not set aside were there before.
    fn is_until(&self, time: HostTime) -> bool {
        match self {
            Self::Ticks(_) => true,
            Self::Event(at, _) => *at <= time,
        }
    }

    fn is_timer(&self) -> bool {
        matches!(self, Self::Event(_, Event::Timer(_)))
    }
}

/// What a strategy's thread is at.
#[derive(Debug)]
pub(crate) enum Busy {
    /// These ticks; what it does not read comes again.
    Market(TickSlice),
    /// Anything else.
    Other,
}

/// One strategy's mailbox.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    waiting: VecDeque<Item>,
    /// Market data since the markets were cut for a successor; from [`Held::Later`] on events too.
    pub(crate) aside: Option<Vec<(HostTime, Delivered)>>,
    /// What of it waits for a successor.
    pub(crate) held: Option<Held>,
    pub(crate) busy: Option<Busy>,
}

impl Mailbox {
    /// Nothing that is to be handed out waits, and nothing is being done.
    pub(crate) fn is_idle(&self) -> bool {
        let nothing = match self.held {
            None => self.waiting.is_empty(),
            Some(Held::Timers) => self.has_only_timers(),
            Some(Held::Later) => self.waiting.is_empty(),
            Some(Held::Everything) => true,
        };
        nothing && self.busy.is_none()
    }

    /// Whether all that waits are timers: they may come after whatever a successor is told first.
    pub(crate) fn has_only_timers(&self) -> bool {
        self.waiting.iter().all(Item::is_timer)
    }

    pub(crate) fn has_ticks(&self) -> bool {
        self.waiting.iter().any(|item| matches!(item, Item::Ticks(_)))
    }

    fn item(time: HostTime, what: Delivered) -> Item {
        match what {
            Delivered::Event(event) => Item::Event(time, event),
            Delivered::Ticks(ticks) => Item::Ticks(TickSlice::new(Arc::new(ticks))),
        }
    }

    pub(crate) fn push(&mut self, time: HostTime, what: Delivered) {
        let of_market =
            matches!(what, Delivered::Ticks(_) | Delivered::Event(Event::Market { .. }));
        let is_later = self.held >= Some(Held::Later);
        if let (true, Some(aside)) = (of_market || is_later, &mut self.aside) {
            aside.push((time, what));
            return;
        }
        self.waiting.push_back(Self::item(time, what));
    }

    /// Puts these before everything that waits, in their order.
    pub(crate) fn push_first(&mut self, items: Vec<(HostTime, Delivered)>) {
        for (time, what) in items.into_iter().rev() {
            self.waiting.push_front(Self::item(time, what));
        }
    }

    /// From here on market data is for the successor.
    pub(crate) fn set_aside(&mut self) {
        self.aside.get_or_insert_default();
    }

    /// What was set aside comes in its place among what waits: for the successor, or for the old
    /// one if there is none.
    pub(crate) fn end_aside(&mut self) {
        self.held = None;
        let Some(aside) = self.aside.take() else { return };
        let mut before = std::mem::take(&mut self.waiting).into_iter().peekable();
        for (time, what) in aside {
            // what waits was told before any event that was set aside
            while let Some(item) = before.next_if(|item| item.is_until(time)) {
                self.waiting.push_back(item);
            }
            self.waiting.push_back(Self::item(time, what));
        }
        self.waiting.extend(before);
    }

    /// Drops the ticks that wait; how many.
    pub(crate) fn shed(&mut self) -> u32 {
        let mut count = 0;
        self.waiting.retain(|item| match item {
            Item::Ticks(ticks) => {
                count += ticks.len();
                false
            }
            Item::Event(..) => true,
        });
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// What was not read comes next.
    pub(crate) fn put_back(&mut self, rest: TickSlice) {
        if !rest.is_empty() {
            self.waiting.push_front(Item::Ticks(rest));
        }
    }

    /// The next thing for a call: an event, or at most so many ticks that wait one after the other.
    pub(crate) fn next(&mut self, most: usize) -> Option<Item> {
        match self.held {
            Some(Held::Timers) => return self.next_beside_timers(most),
            Some(Held::Everything) => return None,
            None | Some(Held::Later) => {}
        }
        let first = self.waiting.pop_front()?;
        let Item::Ticks(ticks) = first else { return Some(first) };
        if ticks.len() > most {
            self.put_back(ticks.suffix(most));
            return Some(Item::Ticks(ticks.prefix(most)));
        }
        if !matches!(self.waiting.front(), Some(Item::Ticks(_))) {
            return Some(Item::Ticks(ticks));
        }
        let mut all = ticks.to_vec();
        while let Some(Item::Ticks(more)) = self.waiting.front() {
            let past = |ticks: &[Tick]| ticks.first().is_some_and(|t| t.has(flag::HISTORY));
            // what is wanted of history is void, and must not take the present along
            let room = most - all.len();
            if room == 0 || past(&all) != past(more) {
                break;
            }
            all.extend_from_slice(&more.prefix(room));
            let rest = more.suffix(room);
            self.waiting.pop_front();
            self.put_back(rest);
        }
        Some(Item::Ticks(TickSlice::new(Arc::new(all))))
    }

    /// The next thing that is no timer.
    fn next_beside_timers(&mut self, most: usize) -> Option<Item> {
        let place = self.waiting.iter().position(|item| !item.is_timer())?;
        let first = self.waiting.remove(place)?;
        let Item::Ticks(ticks) = first else { return Some(first) };
        if ticks.len() > most {
            self.waiting.insert(place, Item::Ticks(ticks.suffix(most)));
        }
        Some(Item::Ticks(ticks.prefix(most.min(ticks.len()))))
    }

    /// How many events wait, for this instance or a successor.
    pub(crate) fn events(&self) -> usize {
        let aside = self.aside.iter().flatten();
        let waiting = self.waiting.iter().filter(|item| matches!(item, Item::Event(..)));
        aside.filter(|(_, what)| matches!(what, Delivered::Event(_))).count() + waiting.count()
    }

    /// Forgets what waits: a new instance is told what is.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
        (self.aside, self.held) = (None, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hedgerow_model::TimerId;

    const LARGEST: usize = 1024;

    fn ticks(range: std::ops::Range<u64>) -> Delivered {
        Delivered::Ticks(range.map(|seq| Tick { seq, ..Tick::default() }).collect())
    }

    fn seqs(item: Option<Item>) -> Vec<u64> {
        match item {
            Some(Item::Ticks(ticks)) => ticks.iter().map(|tick| tick.seq).collect(),
            _ => Vec::new(),
        }
    }

    /// Behind the line everything is for the successor, in the order in which it came.
    #[test]
    fn what_comes_later_waits_in_one_line() {
        let mut mailbox = Mailbox::default();
        let at = HostTime::EPOCH;
        let timer = |id| Delivered::Event(Event::Timer(TimerId(id)));
        mailbox.push(at, timer(1));
        mailbox.set_aside();
        mailbox.push(at, ticks(0..1));
        mailbox.held = Some(Held::Later);
        mailbox.push(at, timer(2));
        mailbox.push(at, ticks(1..2));
        assert!(!mailbox.is_idle() && mailbox.events() == 2);
        assert!(matches!(mailbox.next(3), Some(Item::Event(_, Event::Timer(TimerId(1))))));
        assert!(mailbox.next(3).is_none() && mailbox.is_idle() && mailbox.has_only_timers());
        mailbox.end_aside();
        assert_eq!(seqs(mailbox.next(3)), [0]);
        assert!(matches!(mailbox.next(3), Some(Item::Event(_, Event::Timer(TimerId(2))))));
        assert_eq!(seqs(mailbox.next(3)), [1]);
    }

    /// What is kept for a successor stays in its order; the rest is handed out in its own.
    #[test]
    fn what_is_held_waits() {
        let mut mailbox = Mailbox::default();
        let at = HostTime::EPOCH;
        let timer = |id| Delivered::Event(Event::Timer(TimerId(id)));
        mailbox.push(at, timer(1));
        mailbox.push(at, ticks(0..5));
        mailbox.push(at, timer(2));
        mailbox.push(at, Delivered::Event(Event::Mode(hedgerow_model::TradingMode::Running)));
        mailbox.held = Some(Held::Timers);
        assert!(!mailbox.is_idle());
        assert_eq!(seqs(mailbox.next(3)), [0, 1, 2]);
        assert_eq!(seqs(mailbox.next(3)), [3, 4]);
        assert!(matches!(mailbox.next(3), Some(Item::Event(_, Event::Mode(_)))));
        assert!(mailbox.next(3).is_none() && mailbox.is_idle());
        mailbox.push(at, Delivered::Event(Event::Mode(hedgerow_model::TradingMode::Running)));
        mailbox.held = Some(Held::Everything);
        assert!(mailbox.next(3).is_none() && mailbox.is_idle() && !mailbox.has_only_timers());
        mailbox.end_aside();
        for id in [1, 2] {
            let next = mailbox.next(3);
            assert!(matches!(next, Some(Item::Event(_, Event::Timer(TimerId(n)))) if n == id));
        }
    }

    #[test]
    fn in_order_and_at_most_so_many_at_a_time() {
        let mut mailbox = Mailbox::default();
        let at = HostTime::EPOCH;
        mailbox.push(at, ticks(0..2));
        mailbox.push(at, ticks(2..3));
        mailbox.push(at, Delivered::Event(Event::Timer(TimerId(1))));
        mailbox.push(at, ticks(3..3_000));
        assert_eq!(seqs(mailbox.next(LARGEST)), [0, 1, 2]);
        mailbox.put_back(TickSlice::new(Arc::new(vec![Tick { seq: 2, ..Tick::default() }])));
        assert_eq!(seqs(mailbox.next(LARGEST)), [2]);
        assert!(matches!(mailbox.next(LARGEST), Some(Item::Event(..))));
        mailbox.push_first(vec![(at, ticks(7_000..7_001)), (at, ticks(7_001..7_002))]);
        let mut read = Vec::new();
        while let next @ Some(_) = mailbox.next(LARGEST) {
            let more = seqs(next);
            assert!(more.len() <= LARGEST);
            read.extend(more);
        }
        let all: Vec<u64> = (7_000..7_002).chain(3..3_000).collect();
        assert_eq!(read, all);
    }
}
