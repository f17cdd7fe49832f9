//! What a strategy does that wants more than its guards allow: many orders at once, orders that
//! grow, orders against its own, prices far away, cancels without end.

use crate::Trader;
use hedgerow_sdk::model::{Amend, InstrumentId};
use hedgerow_sdk::{Context, Intent, OrderRequest, OrderStatus, Quantity, Side};

impl Trader {
    /// One try to get around a guard.
    pub(super) fn attack(&mut self, ctx: &mut Context, id: InstrumentId) {
        let any = self.below(8);
        match if self.below(2) == 0 { self.favourite } else { any } {
            0 => self.crowd(ctx, id),
            1 => self.grow(ctx, id),
            2 => self.cross(ctx, id),
            3 => self.reach(ctx, id),
            4 => self.churn(ctx, id),
            5 => self.lean(ctx),
            6 => self.large(ctx, id),
            _ => self.pile(ctx, id),
        }
    }

    fn lots(ctx: &Context, id: InstrumentId, lots: i64) -> Quantity {
        let lot = ctx.instrument(id).map_or(1, |known| known.spec.lot.units());
        Quantity::from_units(lot * lots)
    }

    fn place(&mut self, ctx: &mut Context, id: InstrumentId, (side, off, lots): (Side, i64, i64)) {
        let Some(price) = self.price(ctx, id, side, off) else { return };
        ctx.submit(OrderRequest::limit(id, side, price, Self::lots(ctx, id, lots)));
    }

    /// Many orders at once: how many live, how many a second, what they come to together.
    fn crowd(&mut self, ctx: &mut Context, id: InstrumentId) {
        let side = self.side();
        for _ in 0..2 + self.below(8) {
            let order = (side, self.int(6), 1 + self.int(12));
            self.place(ctx, id, order);
        }
    }

    /// Orders that were small when they were judged.
    fn grow(&mut self, ctx: &mut Context, id: InstrumentId) {
        let own = ctx.orders().filter(|order| order.instrument == id);
        let own: Vec<_> = own.copied().collect();
        for order in own {
            let times = 2 + self.int(8);
            let quantity = Quantity::from_units(order.quantity.units() * times);
            let off = -self.int(40);
            let price = self.price(ctx, id, order.side, off).unwrap_or(order.price);
            ctx.want(Intent::Amend(Amend { order: order.number, price, quantity }));
        }
    }

    /// Against an order of its own.
    fn cross(&mut self, ctx: &mut Context, id: InstrumentId) {
        let own = ctx.orders().find(|order| order.instrument == id).copied();
        let Some(own) = own else {
            let order = (self.side(), 2, 2);
            return self.place(ctx, id, order);
        };
        let request = OrderRequest::limit(id, own.side.opposite(), own.price, own.quantity);
        ctx.submit(if self.below(2) == 0 { request.immediate() } else { request });
    }

    /// A price far from the mark, on either side of it.
    fn reach(&mut self, ctx: &mut Context, id: InstrumentId) {
        let off = 10 + self.int(200);
        let order = (self.side(), if self.below(2) == 0 { off } else { -off }, 1);
        self.place(ctx, id, order);
    }

    /// Cancels and places again whatever it has.
    fn churn(&mut self, ctx: &mut Context, id: InstrumentId) {
        let own = ctx.orders().filter(|order| order.status != OrderStatus::PendingCancel);
        let own: Vec<u64> = own.map(|order| order.number).collect();
        own.into_iter().for_each(|number| ctx.cancel(number));
        for _ in 0..2 + self.below(5) {
            let order = (self.side(), 4 + self.int(10), 1);
            self.place(ctx, id, order);
        }
    }

    /// All of it the same way, everywhere.
    fn lean(&mut self, ctx: &mut Context) {
        let all: Vec<InstrumentId> = ctx.instruments().iter().map(|i| i.spec.id).collect();
        let side = self.side();
        for id in all {
            let order = (side, -5 - self.int(10), 3 + self.int(15));
            self.place(ctx, id, order);
        }
    }

    fn large(&mut self, ctx: &mut Context, id: InstrumentId) {
        let order = (self.side(), -self.int(6), 20 + self.int(400));
        self.place(ctx, id, order);
    }

    /// More of what is held already.
    fn pile(&mut self, ctx: &mut Context, id: InstrumentId) {
        let held = ctx.position(id).units();
        let side = if held < 0 { Side::Sell } else { Side::Buy };
        for _ in 0..2 {
            let order = (side, -4, 4 + self.int(30));
            self.place(ctx, id, order);
        }
    }
}
