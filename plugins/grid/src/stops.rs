//! What ends the grid, in order: loss, limit price, time; and closing what is held.

use crate::level::{self, Level, LevelState};
use crate::parameters::{Direction, Parameters};
use crate::{Grid, State, say};
use hedgerow_sdk::model::{Action, HostTime, Instrument, Quote};
use hedgerow_sdk::{Context, Decimal, FillNotice, OrderRequest, Quantity, Side, serde};

/// Why the grid ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(crate = "hedgerow_sdk::serde")]
pub enum Stop {
    /// The open position lost more than `stop_loss` of its cost.
    Loss,
    /// The middle crossed `limit_price`.
    LimitPrice,
    /// `time_limit_s` is over.
    Time,
    /// The market left the grid at the far end and nothing is held.
    Finished,
}

/// Profit of the open position at the price it could be closed at, entry fees taken off, as a
/// fraction of its cost.
pub(crate) fn open_profit(levels: &[Level], spec: &Instrument, ctx: &Context) -> Option<Decimal> {
    let held: i64 = levels.iter().map(Level::held).sum();
    let cost: Decimal = levels.iter().map(Level::cost).sum();
    if held == 0 || cost.is_zero() {
        return None;
    }
    let side = if held > 0 { Side::Buy } else { Side::Sell };
    // a long closes at the bid, a short at the ask
    let price = ctx.market(spec.id)?.touch(side)?;
    let value = spec.value(price, Quantity::from_units(held)).ok()?;
    let gain = if spec.kind.is_inverse() { cost - value } else { value - cost };
    let fees: Decimal = levels.iter().map(Level::fees).sum();
    Some((gain - fees) / cost.abs())
}

pub(crate) fn check(
    p: &Parameters,
    state: &State,
    ctx: &Context,
    market: &hedgerow_sdk::Instrument,
) -> Option<Stop> {
    let spec = &market.spec;
    let quote = ctx.market(spec.id)?.best()?;
    let profit = open_profit(&state.levels, spec, ctx);
    if let (Some(limit), Some(profit)) = (p.stop_loss, profit)
        && profit < -limit
    {
        return Some(Stop::Loss);
    }
    let unit = Decimal::from(spec.price_scale.unit());
    let mid = Decimal::from(quote.mid_doubled()) / Decimal::TWO / unit;
    let crossed = |limit: Decimal| match p.direction {
        Direction::Buy => mid <= limit,
        Direction::Sell => mid >= limit,
    };
    if p.limit_price.is_some_and(crossed) {
        return Some(Stop::LimitPrice);
    }
    let age = ctx.now().since(HostTime::from_nanos(state.started)).as_nanos() / 1_000_000_000;
    if p.time_limit_s.is_some_and(|limit| age >= limit) {
        return Some(Stop::Time);
    }
    let beyond = match p.direction {
        Direction::Buy => mid > p.end,
        Direction::Sell => mid < p.start,
    };
    // only a grid that has traded can be finished: one that waits beyond its range has not begun
    let lot = spec.lot.units();
    let flat =
        state.levels.iter().all(|l| l.held().abs() < lot && l.state != LevelState::ClosePlaced);
    (beyond && flat && state.traded).then_some(Stop::Finished)
}

/// Books a fill of the closing order over the levels that hold something; gives the profit.
pub(crate) fn close_pro_rata(
    levels: &mut [Level],
    spec: &Instrument,
    fill: &FillNotice,
) -> Decimal {
    let mut left = fill.quantity.units();
    let mut gain = Decimal::ZERO;
    let closes = |level: &&mut Level| level.held().signum() == -fill.side.sign();
    for level in levels.iter_mut().filter(closes) {
        let take = left.min(level.held().abs());
        gain += level.close_part(spec, fill.price, take);
        left -= take;
        level.settle_state(spec.lot.units());
        if left == 0 {
            break;
        }
    }
    gain
}

impl Grid {
    /// Whether what is held stays when the grid ends; a loss is never kept.
    pub(crate) fn keeps(&self) -> bool {
        self.parameters.keep_position && self.state.stopping != Some(Stop::Loss)
    }

    /// Cancel everything, wait for what that brings, close the rest, be flat, be done.
    pub(crate) fn wind_down(&mut self, ctx: &mut Context, quote: &Quote) {
        let spec = &self.market.spec;
        let others = ctx.orders().filter(|order| {
            order.instrument == spec.id && Some(order.number) != self.state.close_order
        });
        let live: Vec<u64> = others.map(|order| order.number).collect();
        for number in &live {
            self.cancel(ctx, *number);
        }
        // a late fill changes the rest; a second close is never sent while one is not known to be
        // over
        if !live.is_empty() || self.state.close_order.is_some() {
            return;
        }
        let (held, spec) = (self.held().units(), &self.market.spec);
        let quantity = level::closable(held, spec).filter(|_| !self.keeps());
        let Some(quantity) = quantity else {
            self.state.done = true;
            say(ctx, format!("stopped: {:?}", self.state.stopping));
            return;
        };
        // what is denied now is denied again in the same event: no order without a chance
        let waits = !self.state.close_retry.is_over(ctx.now().as_nanos());
        if waits || !ctx.mode().permits(Action::StrategyReduces) {
            return;
        }
        let side = if held > 0 { Side::Sell } else { Side::Buy };
        let touch = if side == Side::Sell { quote.bid.price } else { quote.ask.price };
        let slack = Decimal::ONE + Decimal::from(side.sign()) * self.parameters.close_slippage;
        let Ok(price) = spec.aggressive_price(side, spec.price(touch) * slack) else {
            return;
        };
        let order = OrderRequest::limit(spec.id, side, price, quantity);
        self.state.close_order = Some(ctx.submit(order.immediate().reduce_only()));
    }
}
