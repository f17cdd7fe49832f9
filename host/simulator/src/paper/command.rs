//! What the paper venue does with our commands.

use super::matching::Match;
use super::pit::{Pit, Resting};
use super::{FillModel, PaperVenue, Request};
use hedgerow_model::{
    AccountId, Amend, HostTime, InstrumentId, InstrumentKind, Liquidity, NewOrder, Order, Price,
    Quantity, Side, TimeInForce, VenueOrderId, VenueRejection, VenueReport, WireId,
};

impl PaperVenue {
    pub(super) fn execute(&mut self, at: HostTime, request: Request) {
        match request {
            Request::Place(order) => self.place(at, &order),
            Request::Cancel { account, instrument, wire } => {
                self.cancel(at, account, instrument, wire);
            }
            Request::Amend { account, instrument, wire, amend } => {
                self.amend(at, account, instrument, wire, &amend);
            }
            Request::Reconcile { account, nonce, .. } => self.reconcile(at, account, nonce),
        }
    }

    fn place(&mut self, at: HostTime, order: &Order) {
        let index = order.request.instrument.index();
        let Some(pit) = self.pits.get(index) else {
            return;
        };
        let (venue, account, wire) = (pit.spec.venue, order.account, order.wire);
        if let Some(reason) = pit.refuses(order) {
            self.report(at, venue, account, VenueReport::Rejected { wire, reason });
            return;
        }
        let taken = pit.takes(order);
        let filled: i64 = taken.iter().map(|m| m.quantity).sum();
        let left = order.request.quantity.units() - filled;
        let kill = order.request.time_in_force == TimeInForce::FillOrKill && left > 0;
        let id = VenueOrderId(self.next_order);
        self.next_order += 1;
        self.report(at, venue, account, VenueReport::Accepted { wire, order: id });
        if kill {
            self.report(at, venue, account, VenueReport::Expired { wire });
            return;
        }
        self.settle_matches(at, index, taken);
        if left <= 0 {
            return;
        }
        if order.request.time_in_force != TimeInForce::GoodTillCancel {
            self.report(at, venue, account, VenueReport::Expired { wire });
            return;
        }
        if let Some(pit) = self.pits.get_mut(index) {
            let ahead = pit.queue_ahead(order.request.side, order.request.price);
            let other = pit.best(order.request.side.opposite()).map(|best| best.price);
            let waits = other.filter(|_| pit.crosses(order));
            pit.waiting |= waits.is_some();
            pit.resting.push(Resting {
                account,
                wire,
                side: order.request.side,
                price: order.request.price,
                remaining: left,
                filled,
                ahead,
                shrunk: (0, 0),
                waits,
                reduce_only: order.request.flags.reduce_only,
            });
        }
        self.rested_changed(index);
    }

    fn cancel(&mut self, at: HostTime, account: AccountId, id: InstrumentId, wire: WireId) {
        let Some(pit) = self.pits.get_mut(id.index()) else {
            return;
        };
        let venue = pit.spec.venue;
        let before = pit.resting.len();
        pit.resting.retain(|r| !(r.account == account && r.wire == wire));
        let gone = pit.resting.len() < before;
        let report = if gone {
            VenueReport::Canceled { wire }
        } else {
            VenueReport::CancelRejected { wire, reason: VenueRejection::UnknownOrder }
        };
        self.report(at, venue, account, report);
        if gone {
            self.rested_changed(id.index());
        }
    }

    /// A smaller size keeps its place in the queue; a new price or a larger size goes to the end.
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
        let resting = pit.resting.remove(place);
        let left = amend.quantity.units() - resting.filled;
        let moves = amend.price != resting.price;
        let crosses = moves
            && pit
                .best(resting.side.opposite())
                .is_some_and(|best| resting.side.reaches(amend.price, best.price));
        let crosses = crosses || !pit.fits(amend.price, amend.quantity);
        let crosses = crosses || pit.sells_unheld(account, resting.side, left);
        let outgrows = resting.reduce_only && !pit.only_reduces(account, resting.side, left.max(0));
        if crosses || left <= 0 || outgrows {
            // as a post-only amendment would be: refused, the order stays as it was
            pit.resting.insert(place, resting);
            let reason = match outgrows {
                true => VenueRejection::WouldIncrease,
                false => VenueRejection::FilterFailed,
            };
            self.report(at, venue, account, VenueReport::AmendRejected { wire, reason });
            return;
        }
        let keeps = amend.price == resting.price && left <= resting.remaining;
        let ahead = if keeps { resting.ahead } else { pit.queue_ahead(resting.side, amend.price) };
        let place = if keeps { place } else { pit.resting.len() };
        let waits = resting.waits.filter(|_| !moves);
        // at the end of another queue nothing was counted yet
        let shrunk = if keeps { resting.shrunk } else { (0, 0) };
        pit.resting.insert(
            place,
            Resting { price: amend.price, remaining: left, ahead, shrunk, waits, ..resting },
        );
        let (price, quantity) = (amend.price, amend.quantity);
        self.report(at, venue, account, VenueReport::Amended { wire, price, quantity });
        self.rested_changed(id.index());
    }

    fn reconcile(&mut self, at: HostTime, account: AccountId, nonce: u64) {
        let mut told = Vec::new();
        for pit in &self.pits {
            let (venue, instrument) = (pit.spec.venue, pit.spec.id);
            for resting in pit.resting.iter().filter(|r| r.account == account) {
                let filled = Quantity::from_units(resting.filled);
                let (wire, order) = (resting.wire, VenueOrderId(resting.wire.0));
                let quantity = Quantity::from_units(resting.filled + resting.remaining);
                let price = resting.price;
                let report = VenueReport::OpenOrder {
                    nonce,
                    wire,
                    order,
                    instrument,
                    price,
                    quantity,
                    filled,
                };
                told.push((venue, report));
            }
            if let Some(position) = pit.positions.get(&account) {
                let quantity = position.quantity;
                told.push((venue, VenueReport::Position { nonce, instrument, quantity }));
            }
        }
        for (venue, report) in told {
            self.report(at, venue, account, report);
        }
        // after the last of all venues' answers
        let back = self.longest(|venue| venue.latency_back);
        let slowest = self.venues.iter().position(|venue| venue.latency_back == back);
        let slowest = u32::try_from(slowest.unwrap_or(0)).map(hedgerow_model::VenueId);
        let venue = slowest.unwrap_or_default();
        self.report(at, venue, account, VenueReport::Reconciled { nonce });
    }
}

impl Pit {
    fn crosses(&self, order: &Order) -> bool {
        let request = &order.request;
        self.best(request.side.opposite())
            .is_some_and(|best| request.side.reaches(request.price, best.price))
    }

    /// Why the venue would not take an order, if it would not.
    fn refuses(&self, order: &Order) -> Option<VenueRejection> {
        let request = &order.request;
        if !self.fits(request.price, request.quantity) || !self.is_enough(request) {
            return Some(VenueRejection::FilterFailed);
        }
        if self.sells_unheld(order.account, request.side, request.quantity.units()) {
            return Some(VenueRejection::InsufficientBalance);
        }
        if request.flags.post_only && self.crosses(order) {
            return Some(VenueRejection::PostOnlyWouldTake);
        }
        let reduces = self.only_reduces(order.account, request.side, request.quantity.units());
        if request.flags.reduce_only && !reduces {
            return Some(VenueRejection::WouldIncrease);
        }
        None
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

    /// Whether an order is large enough. A reduction of a derivative may be worth less, as it is
    /// everywhere; a spot venue makes no difference.
    fn is_enough(&self, request: &NewOrder) -> bool {
        let exempt = request.flags.reduce_only && self.spec.kind != InstrumentKind::Spot;
        let worth = self.spec.notional(request.price, request.quantity);
        let worth = worth.is_ok_and(|worth| self.spec.min_notional.is_none_or(|min| worth >= min));
        request.quantity >= self.spec.min_quantity && (exempt || worth)
    }

    /// What an order takes at once.
    fn takes(&self, order: &Order) -> Vec<Match> {
        let request = &order.request;
        let taker = |price: Price, quantity: i64| Match {
            account: order.account,
            wire: order.wire,
            side: request.side,
            price,
            quantity,
            liquidity: Liquidity::Taker,
        };
        let Some(best) = self.best(request.side.opposite()).filter(|_| self.crosses(order)) else {
            return Vec::new();
        };
        let wanted = request.quantity.units();
        match self.model {
            FillModel::Touch => vec![taker(best.price, wanted)],
            FillModel::Queue if !self.has_book => {
                vec![taker(best.price, wanted.min(best.quantity.units()))]
            }
            FillModel::Queue => {
                let mut left = wanted;
                let mut taken = Vec::new();
                for level in self.book.levels(request.side.opposite()) {
                    if left <= 0 || !request.side.reaches(request.price, level.price) {
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
