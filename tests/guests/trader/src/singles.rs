//! The plans of one leg that the strategy asks for: every kind, with parameters from its dice.

use crate::Trader;
use hedgerow_sdk::model::InstrumentId;
use hedgerow_sdk::{
    AggressiveRequest, BarrierRequest, ChaseRequest, CloseRequest, Context, Decimal,
    InsideSpreadRequest, LimitRequest, MarketRequest, OnCancel, OrderSize, Side, SinglePhase,
    TieredRequest, TwapRequest,
};

/// What the venues of the simulation take of what takes, a fraction.
const FEE: Decimal = Decimal::from_parts(5, 0, 0, false, 4);

impl Trader {
    /// A plan of one leg of any kind.
    pub(super) fn single(&mut self, ctx: &mut Context, id: InstrumentId) {
        let busy = ctx.plans().filter_map(|plan| plan.single()).any(|p| p.outcome.is_none());
        if busy && self.below(5) != 0 {
            return;
        }
        match self.below(20) {
            0..=4 => self.close(ctx, id),
            5..=9 => self.barrier(ctx, id),
            10..=12 => self.chase(ctx, id),
            13..=15 => self.twap(ctx, id),
            _ => self.short(ctx, id),
        }
    }

    fn ms(&mut self, from: u64, to: u64) -> u32 {
        u32::try_from(from + self.below(to - from)).unwrap_or(1_000)
    }

    fn bps(&mut self, most: u64) -> u32 {
        u32::try_from(1 + self.below(most)).unwrap_or(1)
    }

    /// How much, and which way; one in three reduces what is held, as long as something is.
    fn want(&mut self, ctx: &Context, id: InstrumentId) -> (Side, OrderSize, bool) {
        let size = match self.below(2) {
            0 => OrderSize::Base(Decimal::new(1 + self.int(60), 2)),
            _ => OrderSize::Quote(Decimal::from(20 + self.int(600))),
        };
        let held = ctx.position(id).units();
        let reduces = held != 0 && self.below(3) == 0;
        let side = match (reduces, held > 0) {
            (true, true) => Side::Sell,
            (true, false) => Side::Buy,
            _ => self.side(),
        };
        (side, size, reduces)
    }

    /// A price off the own touch, as a decimal.
    fn decimal(&mut self, ctx: &Context, id: InstrumentId, side: Side, off: i64) -> Decimal {
        let price = self.price(ctx, id, side, off);
        let spec = ctx.instrument(id).map(|known| &known.spec);
        price.zip(spec).map_or(Decimal::ONE_THOUSAND, |(price, spec)| spec.price(price))
    }

    fn close(&mut self, ctx: &mut Context, id: InstrumentId) {
        let size = match self.below(4) {
            0 => OrderSize::Base(Decimal::new(1 + self.int(40), 2)),
            1 => OrderSize::Quote(Decimal::from(20 + self.int(400))),
            _ => OrderSize::All,
        };
        let request = CloseRequest {
            size,
            tries: 1 + u32::try_from(self.below(4)).unwrap_or(0),
            timeout_ms: self.ms(300, 9_000),
            dual: self.below(3) == 0,
            ..CloseRequest::new(id, self.bps(60))
        };
        ctx.carry_out(request);
    }

    fn chase(&mut self, ctx: &mut Context, id: InstrumentId) {
        let (side, size, reduce_only) = self.want(ctx, id);
        let off = -10 - self.int(60);
        let (limit, lasts) = (self.decimal(ctx, id, side, off), self.ms(500, 25_000));
        let request = ChaseRequest {
            distance_ticks: u32::try_from(self.below(3)).unwrap_or(0),
            refresh_ticks: self.bps(4),
            cross_steps: u32::try_from(self.below(4)).unwrap_or(0),
            step_ms: self.ms(200, 4_000),
            reduce_only,
            ..ChaseRequest::new(id, side, size, limit, lasts)
        };
        ctx.carry_out(request);
    }

    fn twap(&mut self, ctx: &mut Context, id: InstrumentId) {
        let (side, size, reduce_only) = self.want(ctx, id);
        let interval = self.ms(500, 6_000);
        let horizon = interval * self.ms(1, 8) + self.ms(0, 400);
        let maker_ms = (self.below(2) == 0).then(|| interval / 2 + 1);
        let request = TwapRequest::new(id, side, size, (horizon, interval), self.bps(40));
        ctx.carry_out(TwapRequest { maker_ms, reduce_only, ..request });
    }

    /// The kinds that are over soon.
    fn short(&mut self, ctx: &mut Context, id: InstrumentId) {
        let (side, size, reduce_only) = self.want(ctx, id);
        let (reach, lasts, each) = (self.bps(30), self.ms(500, 9_000), self.ms(100, 2_000));
        let (post_only, off) = (self.below(3) == 0, self.int(10) - 5);
        match self.below(5) {
            0 => {
                let price = self.decimal(ctx, id, side, off);
                let request = LimitRequest::new(id, side, size, price, lasts);
                ctx.carry_out(LimitRequest { post_only, reduce_only, ..request })
            }
            1 => {
                let request = MarketRequest::new(id, side, size, reach);
                ctx.carry_out(MarketRequest { timeout_ms: lasts, reduce_only, ..request })
            }
            2 => {
                let (ticks, attempt_ms, timeout_ms) = (self.below(3), each, lasts);
                let request = AggressiveRequest::new(id, side, size);
                let request = match ticks {
                    0 => request.bps(reach),
                    1 => request.cross_ticks(reach),
                    _ => request,
                };
                ctx.carry_out(AggressiveRequest { attempt_ms, timeout_ms, reduce_only, ..request })
            }
            3 => ctx.carry_out(InsideSpreadRequest {
                steps: 1 + u32::try_from(self.below(4)).unwrap_or(0),
                post_only,
                attempt_ms: each,
                timeout_ms: lasts,
                reduce_only,
                ..InsideSpreadRequest::new(id, side, size, reach)
            }),
            _ => {
                let price = self.decimal(ctx, id, side, off);
                let price = (self.below(2) == 0).then_some(price);
                let request = TieredRequest::new(id, side, size, each, reach);
                let timeout_ms = each + lasts;
                ctx.carry_out(TieredRequest {
                    price,
                    post_only,
                    timeout_ms,
                    reduce_only,
                    ..request
                })
            }
        };
    }

    /// An entry, what is held, or both, and at least one barrier around it.
    fn barrier(&mut self, ctx: &mut Context, id: InstrumentId) {
        let held = ctx.position(id).units();
        let adopts = held != 0 && self.below(2) == 0;
        let side = match adopts {
            true if held > 0 => Side::Buy,
            true => Side::Sell,
            false => self.side(),
        };
        let size = OrderSize::Base(Decimal::new(1 + self.int(50), 2));
        let mut request = BarrierRequest::new(id, side, (FEE, FEE), self.bps(60));
        if adopts {
            let part = OrderSize::Base(Decimal::new(1 + self.int(20), 2));
            request = request.holding(if self.below(3) == 0 { part } else { OrderSize::All });
        }
        if !adopts || self.below(3) == 0 {
            let off = self.int(8) - 3;
            request = match self.below(2) {
                0 => request.enter_now(size, self.bps(30)),
                _ => request.enter_at(size, self.decimal(ctx, id, side, off)),
            };
        }
        if let Some(entry) = request.entry.as_mut().filter(|entry| entry.price.is_some()) {
            entry.post_only = self.below(3) == 0;
        }
        request.stop_loss = (self.below(4) != 0).then(|| Decimal::new(5 + self.int(60), 4));
        request.take_profit = (self.below(3) != 0).then(|| Decimal::new(1 + self.int(40), 4));
        request.resting_take_profit = self.below(2) == 0;
        if self.below(2) == 0 {
            request = request.trailing(Decimal::new(self.int(20), 4), Decimal::new(5, 4));
        }
        if request.stop_loss.is_none() || self.below(3) != 0 {
            request = request.time_limit_ms(u64::from(self.ms(500, 40_000)));
        }
        request.tries = 1 + u32::try_from(self.below(4)).unwrap_or(0);
        request.on_cancel = if self.below(3) == 0 { OnCancel::Keep } else { OnCancel::Close };
        ctx.carry_out(request);
    }

    /// Gives up the barriers that are at work: some of them have no end of their own.
    pub(super) fn give_up_barriers(&mut self, ctx: &mut Context) {
        let working = ctx.plans().filter_map(|plan| plan.single()).filter(|plan| {
            plan.kind == hedgerow_sdk::SingleKind::Barrier && plan.phase == SinglePhase::Working
        });
        let working: Vec<u64> = working.map(|plan| plan.plan).collect();
        for plan in working {
            if self.below(8) == 0 {
                ctx.cancel_plan(plan);
            }
        }
    }
}
