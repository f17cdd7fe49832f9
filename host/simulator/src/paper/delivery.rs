//! Dated contracts at their end: at the expiry what rests ends, and what is held is closed at the
//! average of the index over the last hour before it, for the fee of a taker unless another is set.
//!
//! Where the data has no index the average is of the mark, and without a mark of the middle; each
//! price counts for as long as it stood. With none of them a position is delivered at its own
//! entry. The average is made of every tick on its way, held or not, so it is the same whatever is
//! asked meanwhile, and over a restart of the venue in the same market.

use super::PaperVenue;
use super::pit::Pit;
use hedgerow_model::{
    AccountId, Decimal, Duration, Fee, HostTime, Instrument, InstrumentId, Price, Quantity,
    Rounding, Side, ValueError, VenueReport,
};

/// Over how long before the expiry, unless something else is set.
const WINDOW: Duration = Duration::from_secs(3_600);

/// What an average is made of, the best first.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sample {
    Index,
    Mark,
    Middle,
}

/// How a contract is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryTerms {
    /// The average is over so long before the expiry.
    pub window: Duration,
    /// The fee, a fraction of value.
    pub fee: Decimal,
}

/// A price over time: doubled units times nanoseconds, and how many of these.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    last: Option<i64>,
    at: u64,
    sum: i128,
    span: u64,
}

impl Mean {
    /// The price that stood last has stood until now.
    fn pass(&mut self, until: u64, from: u64) {
        let since = self.at.max(from);
        if let Some(last) = self.last.filter(|_| until > since) {
            let span = until - since;
            // a price times an hour: far from what 128 bits hold
            self.sum += i128::from(last) * i128::from(span);
            self.span += span;
        }
        self.at = self.at.max(until);
    }

    fn average(mut self, (from, to): (u64, u64)) -> Option<Price> {
        self.pass(to, from);
        let twice = i128::from(self.span) * 2;
        let units = Rounding::HalfEven.divide(self.sum, twice)?;
        i64::try_from(units).ok().map(Price::from_units)
    }
}

/// One dated contract's end.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    terms: DeliveryTerms,
    expiry: u64,
    means: [Mean; 3],
}

impl Delivery {
    pub(super) fn of(spec: &Instrument, fee: Decimal) -> Option<Self> {
        let expiry = spec.kind.expiry()?.as_nanos();
        Some(Self {
            terms: DeliveryTerms { window: WINDOW, fee },
            expiry,
            means: Default::default(),
        })
    }

    fn window(&self) -> (u64, u64) {
        (self.expiry.saturating_sub(self.terms.window.as_nanos()), self.expiry)
    }

    fn price(&self) -> Option<Price> {
        self.means.iter().find_map(|mean| mean.average(self.window()))
    }
}

impl Pit {
    /// Takes a price of the venue's own; 0 is absent.
    pub(super) fn sample(&mut self, at: HostTime, what: Sample, units: i64) {
        if units != 0 && self.delivery.is_some() {
            self.sample_doubled(at, what, units.saturating_mul(2));
        }
    }

    pub(super) fn sample_doubled(&mut self, at: HostTime, what: Sample, doubled: i64) {
        let Some(delivery) = &mut self.delivery else { return };
        let (at, (from, to)) = (at.as_nanos(), delivery.window());
        let [index, mark, middle] = &mut delivery.means;
        let mean = match what {
            Sample::Index => index,
            Sample::Mark => mark,
            Sample::Middle => middle,
        };
        if at < to {
            mean.pass(at, from);
            mean.last = Some(doubled);
        }
    }

    /// When this contract ends, as long as anything is to end with it.
    pub(super) fn ends(&self) -> Option<HostTime> {
        let expiry = self.delivery.as_ref().map(|delivery| delivery.expiry);
        let any = expiry.filter(|_| !self.resting.is_empty() || self.is_held());
        any.map(HostTime::from_nanos)
    }

    /// Books that a position was closed by the end of its contract.
    pub(super) fn book_delivery(
        &mut self,
        account: AccountId,
        price: Price,
        quantity: Quantity,
        fee: Fee,
    ) -> Result<(), ValueError> {
        let side = if quantity.is_positive() { Side::Sell } else { Side::Buy };
        let position = self.positions.entry(account).or_default();
        position.book(&self.spec, side, price, quantity.abs(), fee).map(drop)
    }

    /// Closes all positions; whose, and what is told of it.
    fn deliver(&mut self) -> Vec<(AccountId, VenueReport)> {
        let held = self.positions.iter().filter(|(_, position)| !position.quantity.is_zero());
        let held: Vec<_> = held.map(|(account, held)| (*account, held.clone())).collect();
        let instrument = self.spec.id;
        let mut told = Vec::new();
        for (account, position) in held {
            let Some(delivery) = &self.delivery else { continue };
            let entry = || {
                let units = position.entry(&self.spec)?.checked_mul(self.price_unit())?;
                i64::try_from(Rounding::HalfEven.decimal(units, 0).normalize().mantissa()).ok()
            };
            let price = delivery.price().or_else(|| entry().map(Price::from_units));
            let (price, quantity) = (price.unwrap_or_default(), position.quantity);
            let fee = self.spec.fee(price, quantity.abs(), delivery.terms.fee);
            let fee = fee.map(Fee::in_settle).unwrap_or_default();
            // one that is too large for a ledger is told, so that its owner's ledger refuses it too
            let _ = self.book_delivery(account, price, quantity, fee);
            told.push((account, VenueReport::Delivered { instrument, price, quantity, fee }));
        }
        told
    }

    fn price_unit(&self) -> Decimal {
        Decimal::from(self.spec.price_scale.unit())
    }
}

impl PaperVenue {
    /// Says how a dated contract is delivered.
    pub fn set_delivery(&mut self, instrument: InstrumentId, terms: DeliveryTerms) {
        let pit = self.pits.get_mut(instrument.index());
        if let Some(delivery) = pit.and_then(|pit| pit.delivery.as_mut()) {
            delivery.terms = terms;
        }
    }

    /// When the first contract ends in which anything rests or is held.
    pub(super) fn next_end(&self) -> HostTime {
        self.pits.iter().filter_map(Pit::ends).min().unwrap_or(HostTime::NEVER)
    }

    /// An expired contract trades no more: what rests of it ends, what is held is delivered.
    pub(super) fn end_contracts(&mut self, at: HostTime) {
        for index in 0..self.pits.len() {
            let over = |pit: &&mut Pit| pit.ends().is_some_and(|ends| ends <= at);
            let Some(pit) = self.pits.get_mut(index).filter(over) else { continue };
            let venue = pit.spec.venue;
            let resting = std::mem::take(&mut pit.resting);
            let delivered = pit.deliver();
            for resting in resting {
                let (wire, filled) = (resting.wire, Some(Quantity::from_units(resting.filled)));
                self.report(at, venue, resting.account, VenueReport::Expired { wire, filled });
            }
            self.rested_changed(index);
            for (account, report) in delivered {
                self.report(at, venue, account, report);
                self.tell_margin(at, account);
                self.settle_margin(at, account);
            }
        }
    }
}
