//! How the recorded market fills our orders.

use super::delivery::Sample;
use super::pit::{Pit, room};
use super::{FillModel, PaperVenue};
use hedgerow_model::{
    AccountId, FeedStatus, HostTime, Level, Liquidity, Price, Quantity, Quote, Side, Tick,
    TickKind, VenueReport, WireId, flag,
};

/// A fill to be reported.
pub(super) struct Match {
    pub(super) account: AccountId,
    pub(super) wire: WireId,
    pub(super) side: Side,
    pub(super) price: Price,
    pub(super) quantity: i64,
    pub(super) liquidity: Liquidity,
}

impl PaperVenue {
    #[inline]
    pub(super) fn on_tick(&mut self, at: HostTime, tick: &Tick) {
        let index = usize::try_from(tick.instrument).unwrap_or(usize::MAX);
        let Some(pit) = self.pits.get_mut(index) else {
            return;
        };
        pit.see(at, tick);
        if pit.is_beyond_margin() {
            self.mark_beyond(at, index);
        }
        let Some(pit) = self.pits.get_mut(index) else { return };
        if pit.resting.is_empty() {
            return;
        }
        let matches = pit.meet(tick);
        if !matches.is_empty() {
            self.settle_matches(at, index, matches);
        }
    }

    /// Books fills in the venue's ledger, drops what is filled, and reports.
    pub(super) fn settle_matches(&mut self, at: HostTime, index: usize, matches: Vec<Match>) {
        let mut accounts: Vec<AccountId> = matches.iter().map(|m| m.account).collect();
        accounts.dedup();
        for m in matches {
            let units = self.pits.get_mut(index).map_or(0, |pit| pit.allowed(&m));
            if units == 0 {
                continue;
            }
            let Some(pit) = self.pits.get_mut(index) else {
                return;
            };
            let quantity = Quantity::from_units(units);
            if !pit.is_held() {
                pit.skip_settled(at);
            }
            let (venue, instrument) = (pit.spec.venue, pit.spec.id);
            let Ok(fee) = pit.book(m.account, m.side, (m.price, quantity), m.liquidity) else {
                if let Some(report) = pit.end_unbooked(&m, units) {
                    self.report(at, venue, m.account, report);
                }
                continue;
            };
            let trade = self.next_trade();
            let (wire, price, liquidity) = (m.wire, m.price, m.liquidity);
            let report =
                VenueReport::Fill { wire, trade, instrument, price, quantity, liquidity, fee };
            self.report(at, venue, m.account, report);
        }
        self.trim_reducers(at, index);
        self.rested_changed(index);
        for account in accounts {
            self.tell_margin(at, account);
            self.settle_margin(at, account);
        }
    }

    /// Resting reduce-only orders never outgrow the position: cut to it, or ended. Either is told,
    /// or the host would wait for ever for the part that was cut.
    fn trim_reducers(&mut self, at: HostTime, index: usize) {
        let Some(pit) = self.pits.get_mut(index) else {
            return;
        };
        let venue = pit.spec.venue;
        let mut told = Vec::new();
        for resting in pit.resting.iter_mut().filter(|r| r.reduce_only && r.remaining > 0) {
            let room = room(&pit.positions, resting.account, resting.side);
            if resting.remaining <= room {
                continue;
            }
            resting.remaining = room;
            let (wire, price) = (resting.wire, resting.price);
            let quantity = Quantity::from_units(resting.filled + room);
            let report = match room {
                0 => VenueReport::Expired { wire, filled: Some(quantity) },
                _ => VenueReport::Amended { wire, price, quantity },
            };
            told.push((resting.account, report));
        }
        for (account, report) in told {
            self.report(at, venue, account, report);
        }
    }

    /// After resting orders of a pit came or went.
    pub(super) fn rested_changed(&mut self, index: usize) {
        let Some(pit) = self.pits.get_mut(index) else {
            return;
        };
        pit.resting.retain(|resting| resting.remaining > 0);
        pit.reband();
        self.resting = self.pits.iter().filter(|pit| !pit.resting.is_empty()).count();
        self.held = self.pits.iter().filter(|pit| pit.is_held()).count();
        self.scan.forget();
    }
}

/// What a quote shows: bid and ask, unless a side is empty.
fn shown(tick: &Tick) -> Option<(Level, Level)> {
    let level = |price, quantity| Level {
        price: Price::from_units(price),
        quantity: Quantity::from_units(quantity),
    };
    let whole = tick.b > 0 && tick.d > 0;
    whole.then(|| (level(tick.a, tick.b), level(tick.c, tick.d)))
}

impl Pit {
    /// What of a match the position allows: one tick may reach several reductions, and each was
    /// cut to the whole position. What it does not allow stays unfilled.
    fn allowed(&mut self, m: &Match) -> i64 {
        let room = room(&self.positions, m.account, m.side);
        let mut ours = self.resting.iter_mut().filter(|r| r.account == m.account);
        let Some(resting) = ours.find(|r| r.wire == m.wire).filter(|r| r.reduce_only) else {
            return m.quantity;
        };
        let quantity = m.quantity.min(room);
        resting.filled -= m.quantity - quantity;
        resting.remaining += m.quantity - quantity;
        quantity
    }

    /// An order fitted into the ledger when it came, but no longer into what others made of the
    /// position: it ends, and what the ledger does not hold is not told as a fill.
    fn end_unbooked(&mut self, m: &Match, units: i64) -> Option<VenueReport> {
        let mut ours = self.resting.iter_mut().filter(|r| r.account == m.account);
        let resting = ours.find(|r| r.wire == m.wire)?;
        resting.filled -= units;
        resting.remaining = 0;
        let filled = Some(Quantity::from_units(resting.filled));
        Some(VenueReport::Expired { wire: m.wire, filled })
    }

    /// Takes one tick of the recorded market.
    #[inline]
    fn see(&mut self, at: HostTime, tick: &Tick) {
        if tick.kind == TickKind::Quote.code() {
            self.quote = shown(tick).map(|(bid, ask)| Quote { bid, ask });
            if self.quote.is_some() {
                self.set_middle(at, tick.a.saturating_add(tick.c));
            }
            return;
        }
        match TickKind::from_code(tick.kind) {
            Some(TickKind::Level) => self.see_level(at, tick),
            Some(TickKind::Mark) => {
                self.sample(at, Sample::Index, tick.b);
                self.sample(at, Sample::Mark, tick.a);
                if tick.a != 0 {
                    self.set_mark(tick.a.saturating_mul(2));
                }
            }
            Some(TickKind::Funding) => self.announce(at, tick),
            Some(TickKind::FeedStatus) => match FeedStatus::from_code(tick.a) {
                FeedStatus::Up => {}
                FeedStatus::Down | FeedStatus::Gap => self.lose(),
            },
            _ => {}
        }
    }

    fn see_level(&mut self, at: HostTime, tick: &Tick) {
        if !self.follows(tick) {
            return;
        }
        self.book.apply(tick);
        if tick.is_last()
            && let Some(quote) = self.book.quote()
        {
            self.set_middle(at, quote.mid_doubled());
        }
    }

    /// What a tick that was seen fills of what rests.
    fn meet(&mut self, tick: &Tick) -> Vec<Match> {
        match TickKind::from_code(tick.kind) {
            Some(TickKind::Quote) => self.meet_quote(tick),
            Some(TickKind::Trade) if tick.a <= self.low || tick.a >= self.high => {
                self.meet_trade(tick)
            }
            // a level that does not go on from the book leaves none
            Some(TickKind::Level) if self.has_book => self.meet_level(tick),
            _ => Vec::new(),
        }
    }

    fn meet_quote(&mut self, tick: &Tick) -> Vec<Match> {
        // where there is a book it alone says what stands across a price: two views would
        // contradict
        let Some((bid, ask)) = shown(tick).filter(|_| !self.has_book) else {
            return Vec::new();
        };
        if self.model == FillModel::Queue {
            self.shrink_queue(Side::Buy, bid);
            self.shrink_queue(Side::Sell, ask);
        }
        self.crossed(Some(bid), Some(ask))
    }

    /// What is displayed now is all that can be ahead.
    fn shrink_queue(&mut self, side: Side, best: Level) {
        for resting in self.resting.iter_mut().filter(|r| r.side == side) {
            if resting.price == best.price {
                resting.ahead = resting.ahead.min(best.quantity.units());
            } else if side.reaches(resting.price, best.price) {
                resting.ahead = 0; // our price is better than the touch: nobody is ahead
            }
        }
    }

    fn meet_level(&mut self, tick: &Tick) -> Vec<Match> {
        if self.is_in_snapshot() {
            return Vec::new(); // on the way to the end of it levels are what they were, not are
        }
        if std::mem::take(&mut self.recounts) {
            self.recount_queues(tick.ts);
        }
        let side = if tick.has(flag::SELL) { Side::Sell } else { Side::Buy };
        for resting in self.resting.iter_mut() {
            if resting.side == side && resting.price.units() == tick.a {
                resting.only_ahead(tick.b.max(0), tick.ts);
            }
        }
        if !tick.is_last() {
            return Vec::new();
        }
        if self.model == FillModel::Queue {
            for side in [Side::Buy, Side::Sell] {
                if let Some(best) = self.book.best(side) {
                    self.shrink_queue(side, best);
                }
            }
        }
        self.crossed(self.book.best(Side::Buy), self.book.best(Side::Sell))
    }

    /// After a snapshot: what it displays at our price is all that can be ahead. Beyond its last
    /// level nothing is known.
    fn recount_queues(&mut self, at: u64) {
        let book = &self.book;
        for resting in &mut self.resting {
            let last = book.levels(resting.side).last();
            if last.is_some_and(|last| resting.side.reaches(resting.price, last.price)) {
                resting.only_ahead(book.at(resting.side, resting.price).units(), at);
            }
        }
    }

    /// The market stands at or across our prices: through them, those orders are done, at their own
    /// prices; at them, by price and time as far as what is displayed goes.
    fn crossed(&mut self, bid: Option<Level>, ask: Option<Level>) -> Vec<Match> {
        let above = ask.is_none_or(|ask| ask.price.units() > self.low);
        let below = bid.is_none_or(|bid| bid.price.units() < self.high);
        if above && below {
            if self.waiting {
                self.resting.iter_mut().for_each(|resting| resting.waits = None);
                self.waiting = false;
            }
            return Vec::new();
        }
        let mut matches = Vec::new();
        let model = self.model;
        let units = |level: Option<Level>| level.map_or(0, |level| level.quantity.units());
        let (mut bid_left, mut ask_left) = (units(bid), units(ask));
        for index in self.priority() {
            let Some(resting) = self.resting.get_mut(index) else {
                continue;
            };
            let (other, left) = match resting.side {
                Side::Buy => (ask, &mut ask_left),
                Side::Sell => (bid, &mut bid_left),
            };
            let Some(other) = other.filter(|o| resting.side.reaches(resting.price, o.price)) else {
                resting.waits = None;
                continue;
            };
            let nearer =
                |seen: Price| resting.side.reaches(seen, other.price) && seen != other.price;
            if resting.waits.is_some_and(|seen| !nearer(seen)) {
                continue;
            }
            let touch_only = model == FillModel::Queue && other.price == resting.price;
            let most = if touch_only { *left } else { i64::MAX };
            let quantity = resting.remaining.min(most);
            // what a better price took is not there for the next
            *left = (*left - quantity).max(0);
            // what stands there now is taken; more must come
            resting.waits = Some(other.price);
            self.waiting = true;
            if quantity == 0 {
                continue;
            }
            matches.push(Match {
                account: resting.account,
                wire: resting.wire,
                side: resting.side,
                price: resting.price,
                quantity,
                liquidity: Liquidity::Maker,
            });
            resting.filled += quantity;
            resting.remaining -= quantity;
        }
        matches
    }

    /// Our own orders by price, then by time.
    fn priority(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.resting.len()).collect();
        order.sort_by_key(|i| self.resting.get(*i).map_or(0, |r| -r.side.sign() * r.price.units()));
        order
    }

    fn meet_trade(&mut self, tick: &Tick) -> Vec<Match> {
        let price = Price::from_units(tick.a);
        let hit = if tick.has(flag::SELL) { Side::Buy } else { Side::Sell };
        let model = self.model;
        let mut volume = tick.b;
        let mut matches = Vec::new();
        for index in self.priority() {
            let Some(resting) = self.resting.get_mut(index) else {
                continue;
            };
            let through = resting.side.reaches(resting.price, price) && resting.price != price;
            let at = resting.price == price;
            let quantity = match model {
                FillModel::Touch if through || at => resting.remaining,
                FillModel::Queue if through => resting.remaining.min(volume),
                FillModel::Queue if at && resting.side == hit => {
                    let counted = resting.counted(tick, volume);
                    let queue = resting.ahead.min(volume - counted);
                    resting.ahead -= queue;
                    resting.remaining.min(volume - counted - queue)
                }
                _ => 0,
            };
            if quantity <= 0 {
                continue;
            }
            if model == FillModel::Queue {
                volume -= quantity;
            }
            resting.remaining -= quantity;
            resting.filled += quantity;
            matches.push(Match {
                account: resting.account,
                wire: resting.wire,
                side: resting.side,
                price: resting.price,
                quantity,
                liquidity: Liquidity::Maker,
            });
        }
        matches
    }
}
