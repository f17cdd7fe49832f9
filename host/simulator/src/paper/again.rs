//! What a paper venue takes over from an earlier process: its orders, its reports, what rests.

use super::{Leverage, PaperVenue, pit};
use hedgerow_model::{AccountId, HostTime, InstrumentId, Order, Position, VenueEvent, VenueReport};

impl PaperVenue {
    /// Remembers everything from now on: others ask over its own death.
    pub fn keep_all(&mut self) {
        self.records.keep_all();
    }

    /// Takes note of an order of an earlier process, before its reports are booked again.
    pub fn placed_again(&mut self, order: &Order) {
        self.records.placed(order);
    }

    /// Books a report of an earlier process again: its fill or payment, and the ids it used.
    pub fn book_again(&mut self, event: &VenueEvent) {
        self.note(event.account, event.venue, event.happened, &event.report);
        match &event.report {
            VenueReport::Fill { wire, trade, instrument, price, quantity, fee, .. } => {
                self.next_trade = self.next_trade.max(trade.0 + 1);
                self.fills += 1;
                let Some(side) = self.records.side(event.account, *wire) else { return };
                let Some(pit) = self.pits.get_mut(instrument.index()) else { return };
                let position = pit.positions.entry(event.account).or_default();
                let _ = position.book(&pit.spec, side, *price, *quantity, *fee);
            }
            VenueReport::FundingPayment { instrument, amount, settlement } => {
                let Some(pit) = self.pits.get_mut(instrument.index()) else { return };
                pit.is_settled(settlement.as_nanos());
                pit.positions.entry(event.account).or_default().funding += amount;
            }
            VenueReport::Leverage { instrument, margin, max_hundredths } => {
                let leverage = Leverage { margin: *margin, max_hundredths: *max_hundredths };
                self.set_leverage(event.account, *instrument, leverage);
            }
            VenueReport::Forced { trade, instrument, side, price, quantity, fee, .. } => {
                self.next_trade = self.next_trade.max(trade.0 + 1);
                let Some(pit) = self.pits.get_mut(instrument.index()) else { return };
                let position = pit.positions.entry(event.account).or_default();
                let _ = position.book(&pit.spec, *side, *price, *quantity, *fee);
            }
            VenueReport::Delivered { instrument, price, quantity, fee } => {
                let Some(pit) = self.pits.get_mut(instrument.index()) else { return };
                pit.book_delivery(event.account, *price, *quantity, *fee);
            }
            VenueReport::Accepted { order, .. } => {
                self.next_order = self.next_order.max(order.0 + 1);
            }
            _ => {}
        }
        self.held = self.pits.iter().filter(|pit| pit.is_held()).count();
    }

    /// All of an earlier process is booked: what expired meanwhile is delivered, whoever the market
    /// took is liquidated, and it is known again how far marks may go.
    pub fn booked_again(&mut self, now: HostTime) {
        self.end_contracts(now);
        for account in self.collateral_of() {
            self.settle_margin(now, account);
        }
        self.tell_all_margins(now);
    }

    /// Puts an order of an earlier process to rest again. Its place in the queue died with that
    /// process: how many are ahead nobody knows until they are shown.
    pub fn rest_again(&mut self, order: &Order) {
        let index = order.request.instrument.index();
        let Some(pit) = self.pits.get_mut(index) else { return };
        pit.resting.push(pit::Resting {
            account: order.account,
            wire: order.wire,
            side: order.request.side,
            price: order.request.price,
            remaining: order.remaining().units(),
            filled: order.filled.units(),
            ahead: i64::MAX,
            waits: None,
            shrunk: (0, 0),
            post_only: order.request.flags.post_only,
            reduce_only: order.request.flags.reduce_only,
        });
        self.rested_changed(index);
    }

    /// Takes a position over as it is.
    pub fn hold(&mut self, account: AccountId, instrument: InstrumentId, position: Position) {
        if let Some(pit) = self.pits.get_mut(instrument.index()) {
            pit.positions.insert(account, position);
        }
        self.held = self.pits.iter().filter(|pit| pit.is_held()).count();
        self.reband_margin();
    }
}
