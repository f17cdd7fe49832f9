//! Market data as a tape of chunks that two readers share: the feed that the host hears, and the
//! venue that trades against it. A chunk is dropped when both have passed it.

use hedgerow_model::{Tick, TickSlice};
use hedgerow_ports::Feed;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// A stretch of ticks.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// As the host receives them, sorted by receive time.
    pub ticks: Arc<Vec<Tick>>,
    /// The same ticks in the order in which they took effect at the venue, where that is another:
    /// streams have delays of their own. Over chunks that order is the order of the chunks.
    pub at_venue: Option<Arc<Vec<Tick>>>,
    /// When each of those took effect, on the host's clock; never after it was received, never
    /// decreasing. Absent: at the time of receipt.
    pub at: Option<Arc<Vec<u64>>>,
}

/// Where chunks come from.
pub trait Source: Send {
    /// The next stretch, or nothing at the end.
    fn next_chunk(&mut self) -> Option<Chunk>;
}

impl Source for std::vec::IntoIter<Chunk> {
    fn next_chunk(&mut self) -> Option<Chunk> {
        self.next()
    }
}

struct Inner {
    source: Box<dyn Source>,
    chunks: VecDeque<Chunk>,
    /// The number of the first chunk still held.
    first: usize,
    /// What each reader still needs.
    needed: [usize; 2],
}

/// The tape. Clones share it.
#[derive(Clone)]
pub struct Tape(Arc<Mutex<Inner>>);

impl Tape {
    /// A tape from a source.
    #[must_use]
    pub fn new(source: Box<dyn Source>) -> Self {
        let inner = Inner { source, chunks: VecDeque::new(), first: 0, needed: [0, 0] };
        Self(Arc::new(Mutex::new(inner)))
    }

    /// A tape of ticks that are all in memory and take effect when they are received.
    #[must_use]
    pub fn of(ticks: Vec<Tick>) -> Self {
        let chunk = Chunk { ticks: Arc::new(ticks), at_venue: None, at: None };
        Self::new(Box::new(vec![chunk].into_iter()))
    }

    /// Chunk number `index`, for `reader` (0 feed, 1 venue), which will not ask for earlier ones
    /// again.
    pub(crate) fn chunk(&self, reader: usize, index: usize) -> Option<Chunk> {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = &mut *guard;
        inner.needed[reader] = index;
        let oldest = inner.needed[0].min(inner.needed[1]);
        // the newest stays: to give back a whole recording at its end takes longer than it helps
        while inner.first < oldest && inner.chunks.len() > 1 {
            inner.chunks.pop_front();
            inner.first += 1;
        }
        inner.get(index)
    }
}

impl Inner {
    fn get(&mut self, index: usize) -> Option<Chunk> {
        let at = index.checked_sub(self.first)?;
        while self.chunks.len() <= at {
            let chunk = self.source.next_chunk()?;
            if !chunk.ticks.is_empty() {
                self.chunks.push_back(chunk);
            }
        }
        self.chunks.get(at).cloned()
    }
}

/// The host's reader of a tape.
pub struct TapeFeed {
    tape: Tape,
    index: usize,
    offset: usize,
    current: Option<Chunk>,
}

impl TapeFeed {
    /// The feed of a tape.
    #[must_use]
    pub fn new(tape: &Tape) -> Self {
        let current = tape.chunk(0, 0);
        Self { tape: tape.clone(), index: 0, offset: 0, current }
    }

    fn settle(&mut self) {
        while let Some(chunk) = &self.current {
            if self.offset < chunk.ticks.len() {
                return;
            }
            self.offset = 0;
            self.index += 1;
            self.current = self.tape.chunk(0, self.index);
        }
    }
}

impl Feed for TapeFeed {
    fn peek(&mut self, max: usize) -> TickSlice {
        self.settle();
        match &self.current {
            Some(chunk) => {
                let range = self.offset..self.offset.saturating_add(max);
                TickSlice::of(Arc::clone(&chunk.ticks), range)
            }
            None => TickSlice::new(Arc::default()),
        }
    }

    fn take(&mut self, n: usize) {
        self.offset += n;
        self.settle();
    }
}

/// The venue's reader of a tape: one tick at a time, with a look ahead.
pub(crate) struct Cursor {
    tape: Tape,
    index: usize,
    pub(crate) offset: usize,
    current: Option<Chunk>,
}

impl Cursor {
    pub(crate) fn new(tape: &Tape) -> Self {
        let current = tape.chunk(1, 0);
        let mut cursor = Self { tape: tape.clone(), index: 0, offset: 0, current };
        cursor.settle();
        cursor
    }

    fn settle(&mut self) {
        while self.current.as_ref().is_some_and(|chunk| self.offset >= chunk.ticks.len()) {
            self.offset = 0;
            self.index += 1;
            self.current = self.tape.chunk(1, self.index);
        }
    }

    /// The chunk and the place in it; nothing at the end.
    pub(crate) fn here(&self) -> Option<(&Chunk, usize)> {
        self.current.as_ref().map(|chunk| (chunk, self.offset))
    }

    /// When the next tick takes effect.
    pub(crate) fn next_at(&self) -> Option<u64> {
        let (chunk, offset) = self.here()?;
        chunk.at_venue().get(offset).map(|tick| chunk.effect(offset, tick))
    }

    pub(crate) fn pass(&mut self, n: usize) {
        self.offset += n;
        self.settle();
    }

    /// Which chunk this is, so that a scan knows when its place is no longer valid.
    pub(crate) fn chunk_number(&self) -> usize {
        self.index
    }

    /// When the first tick of the next chunk takes effect, if there is one.
    pub(crate) fn after_this_chunk(&self) -> Option<u64> {
        // asking as reader 1 for a later chunk must not release this one: peek through the tape
        let mut guard = self.tape.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = guard.get(self.index + 1)?;
        next.at_venue().first().map(|tick| next.effect(0, tick))
    }
}

impl Chunk {
    /// The ticks in the order in which they take effect.
    pub(crate) fn at_venue(&self) -> &[Tick] {
        self.at_venue.as_ref().unwrap_or(&self.ticks)
    }

    /// When a tick, at its place in that order, takes effect at the venue.
    #[inline]
    pub(crate) fn effect(&self, place: usize, tick: &Tick) -> u64 {
        match &self.at {
            Some(at) => at.get(place).copied().unwrap_or(u64::MAX),
            None => tick.recv_ts,
        }
    }
}
