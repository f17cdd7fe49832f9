//! Plans of one leg, at random.

use super::Random;
use hedgerow_sdk::model::InstrumentId;
use hedgerow_sdk::{
    AggressiveRequest, BarrierRequest, ChaseRequest, CloseRequest, Context, Decimal,
    InsideSpreadRequest, LimitRequest, MarketRequest, OrderSize, PlanUpdate, Side, TieredRequest,
    TwapRequest,
};

fn short(dice: &mut Random, most: u64) -> u32 {
    u32::try_from(1 + dice.below(most)).unwrap_or(1)
}

/// One of any kind, or one given up.
pub(super) fn ask(dice: &mut Random, ctx: &mut Context, id: InstrumentId) {
    let live: Vec<u64> = ctx.plans().filter(|p| !p.is_over()).map(PlanUpdate::plan).collect();
    if let (Some(plan), 0) = (live.first(), dice.below(4)) {
        return ctx.cancel_plan(*plan);
    }
    let Some(spec) = ctx.instrument(id).map(|known| known.spec.clone()) else { return };
    let Some(quote) = ctx.market(id).and_then(|market| market.best()) else { return };
    let side = if dice.next() & 1 == 0 { Side::Buy } else { Side::Sell };
    let size = match dice.below(2) {
        0 => OrderSize::Base(Decimal::new(1 + dice.signed(60, 0), 2)),
        _ => OrderSize::Quote(Decimal::from(5 + dice.signed(200, 0))),
    };
    let price = spec.price(if side == Side::Buy { quote.bid.price } else { quote.ask.price });
    match dice.below(10) {
        0 => ctx.carry_out(LimitRequest::new(id, side, size, price, short(dice, 800))),
        1 => ctx.carry_out(MarketRequest::new(id, side, size, 20)),
        2 => {
            let request = AggressiveRequest::new(id, side, size).cross_ticks(short(dice, 5));
            let (attempt_ms, timeout_ms) = (short(dice, 200), 1_000);
            ctx.carry_out(AggressiveRequest { attempt_ms, timeout_ms, ..request })
        }
        3 => {
            let request = InsideSpreadRequest::new(id, side, size, 30);
            let post_only = dice.next() & 1 == 0;
            ctx.carry_out(InsideSpreadRequest {
                attempt_ms: short(dice, 200),
                post_only,
                ..request
            })
        }
        4 => ctx.carry_out(TieredRequest::new(id, side, size, short(dice, 400), 30)),
        5 => {
            let far = price + price * Decimal::new(if side == Side::Buy { 2 } else { -2 }, 3);
            let request = ChaseRequest::new(id, side, size, far, short(dice, 3_000));
            ctx.carry_out(request.crossing(short(dice, 3), short(dice, 400)))
        }
        6 => {
            let request = TwapRequest::new(id, side, size, (short(dice, 900) + 300, 300), 30);
            match dice.below(2) {
                0 => ctx.carry_out(request),
                _ => ctx.carry_out(request.making(short(dice, 250))),
            }
        }
        7 => {
            let request = CloseRequest::new(id, 30);
            ctx.carry_out(CloseRequest { dual: dice.below(3) == 0, timeout_ms: 800, ..request })
        }
        _ => barrier(dice, ctx, (id, side), (size, price)),
    };
}

fn barrier(
    dice: &mut Random,
    ctx: &mut Context,
    (id, side): (InstrumentId, Side),
    (size, price): (OrderSize, Decimal),
) -> u64 {
    let thousandth = |n: i64| Decimal::new(n, 3);
    let fee = Decimal::new(dice.signed(5, 0), 4);
    let request = BarrierRequest::new(id, side, (fee, fee), 50);
    let request = match dice.below(3) {
        0 => request.enter_at(size, price),
        1 => request.enter_now(size, 20),
        _ => request.holding(OrderSize::All),
    };
    let request = request
        .stop_loss(thousandth(1 + dice.signed(4, 0)))
        .take_profit(thousandth(1 + dice.signed(4, 0)))
        .trailing(thousandth(dice.signed(3, 0)), thousandth(1))
        .time_limit_ms(1 + dice.below(2_500));
    ctx.carry_out(BarrierRequest { resting_take_profit: dice.next() & 1 == 0, ..request })
}
