//! What the paper venue does with our commands.

use super::matching::Match;
use super::pit::{Pit, Resting};
use super::records::Past;
use super::{FillModel, PaperVenue, Request};
use hedgerow_model::{
    AccountId, Amend, HostTime, InstrumentId, InstrumentKind, Liquidity, NewOrder, Order, Price,
    Quantity, Side, TimeInForce, VenueOrderId, VenueRejection, VenueReport, VenueTime, WireId,
};

impl PaperVenue {
    pub(super) fn execute(&mut self, at: HostTime, request: Request) {
        self.accounts.insert(request.account());
        match request {
            Request::Place(order) => self.place(at, &order),
            Request::Cancel { account, instrument, wire } => {
                self.cancel(at, account, instrument, wire);
            }
            Request::Amend { account, instrument, wire, amend } => {
                self.amend(at, account, instrument, wire, &amend);
            }
            Request::SetLeverage { account, instrument, leverage_hundredths } => {
                self.change_leverage(at, (account, instrument), leverage_hundredths);
            }
            Request::Reconcile { account, since, nonce, extent } => {
                self.reconcile(at, account, (since, extent), nonce);
            }
            Request::QueryOrder { account, instrument, wire, nonce } => {
                let answer = self.records.answer(account, wire);
                let report = VenueReport::OrderState { nonce: Some(nonce), wire, answer };
                self.answer(at, account, instrument, report);
            }
            Request::QueryTrades { account, instrument, wire, nonce } => {
                for past in self.records.told(account, wire) {
                    self.tell(at, account, past, true);
                }
                self.answer(at, account, instrument, VenueReport::TradesTold { nonce, wire });
            }
        }
    }

    fn place(&mut self, at: HostTime, order: &Order) {
        let index = order.request.instrument.index();
        let Some(pit) = self.pits.get(index) else {
            return;
        };
        let (venue, account, wire) = (pit.spec.venue, order.account, order.wire);
        if self.records.knows(account, wire) {
            // of this answer nothing is noted: it says nothing of the order that has the id
            let report = VenueReport::Rejected { wire, reason: VenueRejection::DuplicateId };
            let happened = VenueTime::from_nanos(at.as_nanos());
            return self.tell(at, account, Past { venue, happened, report }, true);
        }
        self.records.placed(order);
        let expiry = pit.spec.kind.expiry();
        let over = expiry.is_some_and(|expiry| at.as_nanos() >= expiry.as_nanos());
        let NewOrder { side, price, quantity, .. } = order.request;
        let taken = pit.takes((account, wire), side, price, quantity.units());
        let filled: i64 = taken.iter().map(|m| m.quantity).sum();
        let left = order.request.quantity.units() - filled;
        let refused = over.then_some(VenueRejection::NotTrading).or_else(|| pit.refuses(order));
        let refused = refused.or_else(|| pit.refuses_sum(account, side, &taken, (price, left)));
        if let Some(reason) = refused {
            self.report(at, venue, account, VenueReport::Rejected { wire, reason });
            return;
        }
        let kill = order.request.time_in_force == TimeInForce::FillOrKill && left > 0;
        let id = VenueOrderId(self.next_order);
        self.next_order += 1;
        self.report(at, venue, account, VenueReport::Accepted { wire, order: id });
        if kill {
            let filled = Some(Quantity::ZERO);
            self.report(at, venue, account, VenueReport::Expired { wire, filled });
            return;
        }
        self.settle_matches(at, index, taken);
        if left <= 0 {
            return;
        }
        if order.request.time_in_force != TimeInForce::GoodTillCancel {
            let filled = Some(Quantity::from_units(filled));
            self.report(at, venue, account, VenueReport::Expired { wire, filled });
            return;
        }
        let NewOrder { side, price, flags, .. } = order.request;
        self.rest(
            index,
            Resting {
                account,
                wire,
                side,
                price,
                remaining: left,
                filled,
                ahead: 0,
                shrunk: (0, 0),
                waits: None,
                post_only: flags.post_only,
                reduce_only: flags.reduce_only,
            },
        );
    }

    /// At the end of its queue; what still crosses waits for the other side to move.
    fn rest(&mut self, index: usize, resting: Resting) {
        if let Some(pit) = self.pits.get_mut(index) {
            let ahead = pit.queue_ahead(resting.side, resting.price);
            let other = pit.best(resting.side.opposite()).map(|best| best.price);
            let waits = other.filter(|_| pit.crosses(resting.side, resting.price));
            pit.waiting |= waits.is_some();
            pit.resting.push(Resting { ahead, waits, shrunk: (0, 0), ..resting });
        }
        self.rested_changed(index);
    }

    pub(super) fn cancel(
        &mut self,
        at: HostTime,
        account: AccountId,
        id: InstrumentId,
        wire: WireId,
    ) {
        let Some(pit) = self.pits.get_mut(id.index()) else {
            return;
        };
        let venue = pit.spec.venue;
        let place = pit.resting.iter().position(|r| r.account == account && r.wire == wire);
        let gone = place.map(|place| pit.resting.remove(place));
        let report = match &gone {
            Some(resting) => {
                let filled = Some(Quantity::from_units(resting.filled));
                VenueReport::Canceled { wire, filled }
            }
            None => VenueReport::CancelRejected { wire, reason: VenueRejection::UnknownOrder },
        };
        self.report(at, venue, account, report);
        if gone.is_some() {
            self.rested_changed(id.index());
        }
    }

    /// A smaller size keeps its place in the queue; a new price or a larger size goes to the end,
    /// and takes first what its new price reaches.
    fn amend(
        &mut self,
        at: HostTime,
        account: AccountId,
        id: InstrumentId,
        wire: WireId,
        amend: &Amend,
    ) {
        let Some(pit) = self.pits.get_mut(id.index()) else {
            return;
        };
        let venue = pit.spec.venue;
        let found = pit.resting.iter().position(|r| r.account == account && r.wire == wire);
        let Some(place) = found else {
            let reason = VenueRejection::UnknownOrder;
            self.report(at, venue, account, VenueReport::AmendRejected { wire, reason });
            return;
        };
        let amends = self.venues.get(venue.index()).is_none_or(|config| config.amends);
        if !amends {
            let reason = VenueRejection::FilterFailed;
            self.report(at, venue, account, VenueReport::AmendRejected { wire, reason });
            return;
        }
        let resting = pit.resting.remove(place);
        let left = amend.quantity.units() - resting.filled;
        let (side, price, quantity) = (resting.side, amend.price, amend.quantity);
        let moves = price != resting.price;
        let taken = if moves { pit.takes((account, wire), side, price, left) } else { Vec::new() };
        let now: i64 = taken.iter().map(|m| m.quantity).sum();
        let refused = pit.refuses_amendment(&resting, amend);
        let refused =
            refused.or_else(|| pit.refuses_sum(account, side, &taken, (price, left - now)));
        if let Some(reason) = refused {
            pit.resting.insert(place, resting);
            self.report(at, venue, account, VenueReport::AmendRejected { wire, reason });
            return;
        }
        let amended = VenueReport::Amended { wire, price, quantity };
        if price == resting.price && left <= resting.remaining {
            pit.resting.insert(place, Resting { remaining: left, ..resting });
            self.report(at, venue, account, amended);
            return self.rested_changed(id.index());
        }
        self.report(at, venue, account, amended);
        self.settle_matches(at, id.index(), taken);
        let (remaining, filled) = (left - now, resting.filled + now);
        if remaining > 0 {
            self.rest(id.index(), Resting { price, remaining, filled, ..resting });
        } else {
            self.rested_changed(id.index());
        }
    }
}

impl Pit {
    fn crosses(&self, side: Side, price: Price) -> bool {
        self.best(side.opposite()).is_some_and(|best| side.reaches(price, best.price))
    }

    /// Why the venue would leave an order as it is, if it would; the order itself does not rest.
    fn refuses_amendment(&self, resting: &Resting, amend: &Amend) -> Option<VenueRejection> {
        let left = amend.quantity.units() - resting.filled;
        let moves = amend.price != resting.price;
        if resting.reduce_only && !self.only_reduces(resting.account, resting.side, left.max(0)) {
            return Some(VenueRejection::WouldIncrease);
        }
        if resting.post_only && moves && self.crosses(resting.side, amend.price) {
            return Some(VenueRejection::PostOnlyWouldTake);
        }
        if self.sells_unheld(resting.account, resting.side, left) {
            return Some(VenueRejection::InsufficientBalance);
        }
        let fits = left > 0 && self.fits(amend.price, amend.quantity);
        let fits = fits && self.is_in_band(resting.side, amend.price);
        (!fits).then_some(VenueRejection::FilterFailed)
    }

    /// Why the venue would not take an order, if it would not.
    fn refuses(&self, order: &Order) -> Option<VenueRejection> {
        let request = &order.request;
        let fits = self.fits(request.price, request.quantity) && self.is_enough(request);
        if !fits || !self.is_in_band(request.side, request.price) {
            return Some(VenueRejection::FilterFailed);
        }
        if self.sells_unheld(order.account, request.side, request.quantity.units()) {
            return Some(VenueRejection::InsufficientBalance);
        }
        if request.flags.post_only && self.crosses(request.side, request.price) {
            return Some(VenueRejection::PostOnlyWouldTake);
        }
        let reduces = self.only_reduces(order.account, request.side, request.quantity.units());
        if request.flags.reduce_only && !reduces {
            return Some(VenueRejection::WouldIncrease);
        }
        None
    }

    /// Refuses what the ledger could not hold, tried on a copy of it: what an order takes at once,
    /// then the rest at its own price.
    fn refuses_sum(
        &self,
        account: AccountId,
        side: Side,
        taken: &[Match],
        (price, left): (Price, i64),
    ) -> Option<VenueRejection> {
        let mut after = self.positions.get(&account).cloned().unwrap_or_default();
        let rest = (left > 0).then_some((price, left, Liquidity::Maker));
        let mut all = taken.iter().map(|m| (m.price, m.quantity, m.liquidity)).chain(rest);
        let fits = all.try_for_each(|(price, units, liquidity)| {
            let quantity = Quantity::from_units(units);
            let fee = self.fee(side, price, quantity, liquidity)?;
            after.book(&self.spec, side, price, quantity, fee).map(drop)
        });
        fits.is_err().then_some(VenueRejection::FilterFailed)
    }

    /// Whether a spot order beside those that rest would sell what is not held: nobody lends here.
    fn sells_unheld(&self, account: AccountId, side: Side, units: i64) -> bool {
        if self.spec.kind != InstrumentKind::Spot || side != Side::Sell {
            return false;
        }
        let resting = self.resting.iter().filter(|r| r.account == account && r.side == side);
        let offered: i64 = resting.map(|r| r.remaining).sum();
        let held = self.positions.get(&account).map_or(0, |position| position.quantity.units());
        offered.saturating_add(units) > held
    }

    /// Whether a price and a size are ones that this instrument has.
    fn fits(&self, price: Price, quantity: Quantity) -> bool {
        self.spec.grid.accepts(price, self.spec.price_scale)
            && quantity.is_positive()
            && self.spec.is_whole_lots(quantity)
            && self.spec.max_quantity.is_none_or(|most| quantity <= most)
    }

    /// Whether a price is as near to the mark as the venue wants it.
    fn is_in_band(&self, side: Side, price: Price) -> bool {
        let around = self.spec.band.zip(self.mark_doubled);
        around.is_none_or(|(band, mark)| band.allows(side, price, mark))
    }

    /// Whether an order is large enough. A reduction of a derivative may be worth less, as it is
    /// everywhere; a spot venue makes no difference.
    fn is_enough(&self, request: &NewOrder) -> bool {
        let exempt = request.flags.reduce_only && self.spec.kind != InstrumentKind::Spot;
        let worth = self.spec.notional(request.price, request.quantity);
        let worth = worth.is_ok_and(|worth| self.spec.min_notional.is_none_or(|min| worth >= min));
        request.quantity >= self.spec.min_quantity && (exempt || worth)
    }

    /// What an order takes at once of what its price reaches.
    fn takes(
        &self,
        (account, wire): (AccountId, WireId),
        side: Side,
        limit: Price,
        wanted: i64,
    ) -> Vec<Match> {
        let liquidity = Liquidity::Taker;
        let taker = |price, quantity| Match { account, wire, side, price, quantity, liquidity };
        let Some(best) = self.best(side.opposite()).filter(|_| self.crosses(side, limit)) else {
            return Vec::new();
        };
        match self.model {
            FillModel::Touch => vec![taker(best.price, wanted)],
            FillModel::Queue if !self.has_book => {
                vec![taker(best.price, wanted.min(best.quantity.units()))]
            }
            FillModel::Queue => {
                let mut left = wanted;
                let mut taken = Vec::new();
                for level in self.book.levels(side.opposite()) {
                    if left <= 0 || !side.reaches(limit, level.price) {
                        break;
                    }
                    let quantity = left.min(level.quantity.units());
                    taken.push(taker(level.price, quantity));
                    left -= quantity;
                }
                taken
            }
        }
    }
}
