//! What an earlier process of the venue did, booked again. What does not fit is damage, and is
//! said: a ledger that left out a line of its own would be no truth to compare with.

use super::{Leverage, PaperVenue, pit};
use hedgerow_model::{
    AccountId, Decimal, Fee, HostTime, InstrumentId, Order, Position, Price, Quantity, Side,
    TradeId, ValueError, VenueEvent, VenueReport, WireId,
};

/// Why a report of an earlier process cannot be booked.
#[derive(Debug, thiserror::Error)]
pub enum AgainError {
    /// A fill of nothing.
    #[error("a fill of order {}, which was not placed", .0.0)]
    NotPlaced(WireId),
    /// Of a config that is not this one.
    #[error("instrument {} is not in the config", .0.0)]
    NoInstrument(InstrumentId),
    /// Beyond what a position holds.
    #[error("it does not fit into the position")]
    DoesNotFit(#[from] ValueError),
    /// After which there is none.
    #[error("the last of all ids is used")]
    LastId,
}

/// A trade of before.
struct Trade {
    id: TradeId,
    side: Side,
    price: Price,
    quantity: Quantity,
    fee: Fee,
}

impl PaperVenue {
    /// Takes note of an order of an earlier process, before its reports are booked again.
    pub fn placed_again(&mut self, order: &Order) {
        self.records.placed(order);
    }

    /// Books a report of an earlier process again: its fill or payment, and the ids it used.
    pub fn book_again(&mut self, event: &VenueEvent) -> Result<(), AgainError> {
        let account = event.account;
        match &event.report {
            VenueReport::Fill { wire, trade, instrument, price, quantity, fee, .. } => {
                let side = self.records.side(account, *wire).ok_or(AgainError::NotPlaced(*wire))?;
                let (id, price, quantity, fee) = (*trade, *price, *quantity, *fee);
                self.trade_again(account, *instrument, Trade { id, side, price, quantity, fee })?;
                self.fills += 1;
            }
            VenueReport::FundingPayment { instrument, amount, settlement } => {
                self.fund_again(account, *instrument, *amount)?;
                if let Some(pit) = self.pits.get_mut(instrument.index()) {
                    pit.is_settled(settlement.as_nanos());
                }
            }
            VenueReport::Leverage { instrument, margin, max_hundredths } => {
                let leverage = Leverage { margin: *margin, max_hundredths: *max_hundredths };
                self.set_leverage(account, *instrument, leverage);
            }
            VenueReport::Forced { trade, instrument, side, price, quantity, fee, .. } => {
                let (id, side, price, quantity, fee) = (*trade, *side, *price, *quantity, *fee);
                self.trade_again(account, *instrument, Trade { id, side, price, quantity, fee })?;
            }
            VenueReport::Delivered { instrument, price, quantity, fee } => {
                let pit = self.pits.get_mut(instrument.index());
                let pit = pit.ok_or(AgainError::NoInstrument(*instrument))?;
                pit.book_delivery(account, *price, *quantity, *fee)?;
            }
            VenueReport::Accepted { order, .. } => {
                let next = order.0.checked_add(1).ok_or(AgainError::LastId)?;
                self.next_order = self.next_order.max(next);
            }
            _ => {}
        }
        self.note(account, event.venue, event.happened, &event.report);
        self.held = self.pits.iter().filter(|pit| pit.is_held()).count();
        Ok(())
    }

    fn trade_again(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        trade: Trade,
    ) -> Result<(), AgainError> {
        let Trade { id, side, price, quantity, fee } = trade;
        let next = id.0.checked_add(1).ok_or(AgainError::LastId)?;
        let pit = self.pits.get_mut(instrument.index());
        let pit = pit.ok_or(AgainError::NoInstrument(instrument))?;
        let position = pit.positions.entry(account).or_default();
        position.book(&pit.spec, side, price, quantity, fee)?;
        self.next_trade = self.next_trade.max(next);
        Ok(())
    }

    fn fund_again(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        amount: Decimal,
    ) -> Result<(), AgainError> {
        let pit = self.pits.get_mut(instrument.index());
        let pit = pit.ok_or(AgainError::NoInstrument(instrument))?;
        Ok(pit.positions.entry(account).or_default().fund(amount)?)
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

    /// Remembers everything from now on: others ask over its own death.
    pub fn keep_all(&mut self) {
        self.records.keep_all();
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
