//! One instrument at the paper venue: the market others make, our resting orders, our positions.

use super::delivery::{Delivery, Sample};
use super::{FeeIn, Fees, FillModel, Leverage};
use hedgerow_model::{
    AccountId, Book, Decimal, Fee, FeeAsset, HostTime, Instrument, LastUpdate, Level, Liquidity,
    MONEY_DIGITS, MarginBracket, Position, Price, Quantity, Quote, RATE_SCALE, Rounding, Side,
    Tick, ValueError, VenueReport, VenueTime, WireId, flag,
};
use std::collections::BTreeMap;

/// An order of ours that rests.
#[derive(Clone, Debug)]
pub(super) struct Resting {
    pub(super) account: AccountId,
    pub(super) wire: WireId,
    pub(super) side: Side,
    pub(super) price: Price,
    pub(super) remaining: i64,
    pub(super) filled: i64,
    /// Displayed quantity that must trade first; the greatest number beyond what is displayed.
    pub(super) ahead: i64,
    /// By how much the book's update of this venue time lowered that: a trade of before it that is
    /// told later was counted with it.
    pub(super) shrunk: (i64, u64),
    /// The other side's best price that it already took from: until it leaves or comes nearer, what
    /// stands there is what is left of that.
    pub(super) waits: Option<Price>,
    pub(super) post_only: bool,
    pub(super) reduce_only: bool,
}

impl Resting {
    /// No more than this is displayed at its price, so no more can be ahead.
    pub(super) fn only_ahead(&mut self, displayed: i64, at: u64) {
        if displayed >= self.ahead {
            return;
        }
        let known = self.ahead != i64::MAX;
        let lowered = if known { self.ahead - displayed } else { 0 };
        self.shrunk = (self.shrunk.0 + lowered, at);
        self.ahead = displayed;
    }

    /// How much of a trade at its price the book's updates have already taken off what is ahead.
    pub(super) fn counted(&mut self, trade: &Tick, volume: i64) -> i64 {
        let (lowered, at) = self.shrunk;
        if trade.ts > at {
            self.shrunk.0 = 0; // what was lowered was taken back, or traded before
            return 0;
        }
        let counted = lowered.min(volume);
        self.shrunk.0 -= counted;
        counted
    }
}

/// Funding as last announced, on the host's clock.
#[derive(Clone, Copy, Debug)]
struct Announced {
    rate: i64,
    due: HostTime,
    /// The settlement by the venue's own clock: its key.
    settlement: u64,
    interval: u64,
}

pub(super) struct Pit {
    pub(super) spec: Instrument,
    /// Whether its terms are others than it began with.
    pub(super) changed: bool,
    fees: Fees,
    pub(super) model: FillModel,
    pub(super) book: Book,
    /// Whether the book grew from a snapshot without a hole: then it is the truth, else quotes are.
    pub(super) has_book: bool,
    in_snapshot: bool,
    /// A snapshot has just ended: what is displayed is known anew.
    pub(super) recounts: bool,
    last_update: Option<LastUpdate>,
    pub(super) quote: Option<Quote>,
    pub(super) mark_doubled: Option<i64>,
    pub(super) resting: Vec<Resting>,
    /// Best prices of our resting orders: nothing that stays between them can fill one.
    pub(super) low: i64,
    pub(super) high: i64,
    /// Whether any order waits for the market to leave its price.
    pub(super) waiting: bool,
    pub(super) positions: BTreeMap<AccountId, Position>,
    pub(super) leverages: BTreeMap<AccountId, Leverage>,
    funding: Option<Announced>,
    /// The last settlement that is over.
    settled: Option<u64>,
    /// Whether the venue's own marks have come: then quotes do not move it.
    pub(super) has_mark: bool,
    /// Maintenance by size.
    pub(super) brackets: Vec<MarginBracket>,
    /// Marks (doubled) between which nobody who holds something here can be liquidated.
    pub(super) margin_band: Option<(i64, i64)>,
    /// Of a dated contract: what its delivery price is made of.
    pub(super) delivery: Option<Box<Delivery>>,
}

impl Pit {
    pub(super) fn new(spec: Instrument, fees: Fees, model: FillModel) -> Self {
        Self {
            delivery: Delivery::of(&spec, fees.taker).map(Box::new),
            spec,
            changed: false,
            fees,
            model,
            book: Book::default(),
            has_book: false,
            in_snapshot: false,
            recounts: false,
            last_update: None,
            quote: None,
            mark_doubled: None,
            resting: Vec::new(),
            low: i64::MIN,
            high: i64::MAX,
            waiting: false,
            positions: BTreeMap::new(),
            leverages: BTreeMap::new(),
            funding: None,
            settled: None,
            has_mark: false,
            brackets: Vec::new(),
            margin_band: None,
        }
    }

    /// Whether a level tick goes on from what the book is. After a hole nothing does until a
    /// snapshot: matching on what is left of a book would invent fills.
    pub(super) fn follows(&mut self, tick: &Tick) -> bool {
        if tick.has(flag::SNAPSHOT) {
            (self.has_book, self.in_snapshot) = (true, true);
        } else if !self.has_book {
            return false;
        } else if !self.in_snapshot && !self.spec.sequence.continues(self.last_update, tick) {
            self.lose();
            return false;
        }
        self.last_update = Some(LastUpdate { id: tick.seq, snapshot: self.in_snapshot });
        self.recounts = self.in_snapshot && tick.is_last();
        self.in_snapshot &= !tick.is_last();
        true
    }

    /// Whether a snapshot has begun and not ended: what is displayed so far is not what stands.
    pub(super) fn is_in_snapshot(&self) -> bool {
        self.in_snapshot
    }

    /// Something is missing: what the market was is no longer known. Where our orders stand in
    /// their queues is kept, nothing better is known.
    pub(super) fn lose(&mut self) {
        self.book.clear();
        self.has_book = false;
        self.in_snapshot = false;
        self.last_update = None;
        self.quote = None;
    }

    /// Recomputes the band after the resting orders changed.
    pub(super) fn reband(&mut self) {
        let price = |side: Side| {
            self.resting.iter().filter(move |r| r.side == side).map(|r| r.price.units())
        };
        self.low = price(Side::Buy).max().unwrap_or(i64::MIN);
        self.high = price(Side::Sell).min().unwrap_or(i64::MAX);
    }

    /// Best level of a side: of the book when there is one, else of the quote.
    pub(super) fn best(&self, side: Side) -> Option<Level> {
        if self.has_book {
            return self.book.best(side);
        }
        self.quote.map(|quote| match side {
            Side::Buy => quote.bid,
            Side::Sell => quote.ask,
        })
    }

    /// What a trade costs.
    pub(super) fn fee(
        &self,
        side: Side,
        price: Price,
        quantity: Quantity,
        liquidity: Liquidity,
    ) -> Result<Fee, ValueError> {
        let rate = match liquidity {
            Liquidity::Maker => self.fees.maker,
            Liquidity::Taker => self.fees.taker,
        };
        if self.fees.taken_in == FeeIn::Received && side == Side::Buy {
            let got = self.spec.quantity(quantity).checked_mul(rate);
            let amount = Rounding::HalfEven.decimal(got.ok_or(ValueError::Overflow)?, MONEY_DIGITS);
            return Ok(Fee { amount, asset: FeeAsset::Base });
        }
        self.spec.fee(price, quantity, rate).map(Fee::in_settle)
    }

    /// Books a trade, and gives its fee. On an error nothing has changed.
    pub(super) fn book(
        &mut self,
        account: AccountId,
        side: Side,
        (price, quantity): (Price, Quantity),
        liquidity: Liquidity,
    ) -> Result<Fee, ValueError> {
        let fee = self.fee(side, price, quantity, liquidity)?;
        let mut after = self.positions.get(&account).cloned().unwrap_or_default();
        after.book(&self.spec, side, price, quantity, fee)?;
        self.positions.insert(account, after);
        Ok(fee)
    }

    /// Displayed quantity in front of a new order.
    pub(super) fn queue_ahead(&self, side: Side, price: Price) -> i64 {
        if self.has_book {
            let displayed = self.book.at(side, price).units();
            let last = self.book.levels(side).last();
            // beyond the last level others stand too, nobody knows how many until they are shown
            let beyond = last.is_some_and(|last| !side.reaches(price, last.price));
            return if displayed == 0 && beyond { i64::MAX } else { displayed };
        }
        match self.best(side) {
            // deeper than the touch nothing is displayed: what stands at the touch is the guess
            Some(level) if !side.reaches(price, level.price) || level.price == price => {
                level.quantity.units()
            }
            Some(_) => 0,
            // in a gap nobody knows who stands there, until they are shown again
            None => i64::MAX,
        }
    }

    /// The venue's own mark.
    pub(super) fn set_mark(&mut self, doubled: i64) {
        self.has_mark = true;
        self.mark_doubled = Some(doubled);
    }

    /// A middle, which stands for the mark where the venue sends none.
    #[inline]
    pub(super) fn set_middle(&mut self, at: HostTime, doubled: i64) {
        if self.delivery.is_some() {
            self.sample_doubled(at, Sample::Middle, doubled);
        }
        if !self.has_mark {
            self.mark_doubled = Some(doubled);
        }
    }

    pub(super) fn announce(&mut self, at: HostTime, tick: &Tick) {
        let interval = u64::try_from(tick.b).unwrap_or(0);
        let next = u64::try_from(tick.c).unwrap_or(0);
        // the announcement's own two times tell how the venue's clock stands to the host's
        let wait = next.saturating_sub(tick.ts);
        let due = HostTime::from_nanos(at.as_nanos().saturating_add(wait));
        // a late announcement of what is settled must not settle it again
        let new = self.settled.is_none_or(|settled| next > settled);
        if interval > 0 && next > tick.ts && new {
            self.funding = Some(Announced { rate: tick.a, due, settlement: next, interval });
        }
    }

    pub(super) fn is_held(&self) -> bool {
        self.positions.values().any(|position| !position.quantity.is_zero())
    }

    /// Passes over settlements that nobody had a position for.
    pub(super) fn skip_settled(&mut self, now: HostTime) {
        if let Some(funding) = self.funding.as_mut().filter(|funding| funding.due <= now) {
            let missed = now.since(funding.due).as_nanos() / funding.interval.max(1) + 1;
            let passed = missed.saturating_mul(funding.interval);
            funding.settlement = funding.settlement.saturating_add(passed);
            self.settled = Some(funding.settlement.saturating_sub(funding.interval));
            funding.due = HostTime::from_nanos(funding.due.as_nanos().saturating_add(passed));
        }
    }

    /// A settlement was paid by an earlier process: it is not paid again.
    pub(super) fn is_settled(&mut self, settlement: u64) {
        self.settled = self.settled.max(Some(settlement));
        if let Some(funding) = self.funding.as_mut().filter(|f| f.settlement <= settlement) {
            let times = (settlement - funding.settlement) / funding.interval.max(1) + 1;
            let passed = times.saturating_mul(funding.interval);
            funding.settlement = funding.settlement.saturating_add(passed);
            funding.due = HostTime::from_nanos(funding.due.as_nanos().saturating_add(passed));
        }
    }

    /// When funding is due, while anybody holds a position.
    pub(super) fn funding_due(&self) -> Option<HostTime> {
        self.funding.filter(|_| self.is_held()).map(|funding| funding.due)
    }

    /// The same, where it is due sooner than something else: asked with every input, and whether
    /// anybody holds a position is the dearer question.
    pub(super) fn funding_before(&self, other: HostTime) -> Option<HostTime> {
        let due = self.funding.as_ref().map(|funding| funding.due).filter(|due| *due < other)?;
        self.is_held().then_some(due)
    }

    /// Pays what is due.
    pub(super) fn settle(&mut self) -> Vec<(AccountId, VenueReport)> {
        let Some(funding) = self.funding else {
            return Vec::new();
        };
        let next = HostTime::from_nanos(funding.due.as_nanos().saturating_add(funding.interval));
        let key = funding.settlement;
        self.settled = Some(key);
        let settlement = key.saturating_add(funding.interval);
        self.funding = Some(Announced { due: next, settlement, ..funding });
        let rate = Decimal::from_i128_with_scale(i128::from(funding.rate), RATE_SCALE);
        let digits = u32::from(self.spec.price_scale.digits()) + 1;
        let Some(mark) = self
            .mark_doubled
            .map(|doubled| Decimal::from_i128_with_scale(i128::from(doubled) * 5, digits))
        else {
            return Vec::new();
        };
        let settlement = VenueTime::from_nanos(key);
        let instrument = self.spec.id;
        let mut paid = Vec::new();
        for (account, position) in &mut self.positions {
            let amount = self.spec.funding_payment(mark, position.quantity, rate);
            let Some(amount) = amount.ok().filter(|amount| !amount.is_zero()) else {
                continue;
            };
            // what the ledger does not hold is not paid
            if position.fund(amount).is_err() {
                continue;
            }
            let report = VenueReport::FundingPayment { instrument, settlement, amount };
            paid.push((*account, report));
        }
        paid
    }

    /// Whether an order of `side` and `quantity` would only reduce the account's position.
    pub(super) fn only_reduces(&self, account: AccountId, side: Side, quantity: i64) -> bool {
        let room = room(&self.positions, account, side);
        room > 0 && quantity <= room
    }
}

/// How much an order of `side` could reduce the account's position.
pub(super) fn room(
    positions: &BTreeMap<AccountId, Position>,
    account: AccountId,
    side: Side,
) -> i64 {
    let held = positions.get(&account).map_or(0, |position| position.quantity.units());
    if held.signum() * side.sign() < 0 { held.abs() } else { 0 }
}
