//! What ends the grid, in order: loss, loss of the whole, limit price, time, trailing, profit,
//! finished; and closing what is held.

use crate::level::{self, Level, LevelState};
use crate::parameters::{Direction, Parameters};
use crate::{Grid, State, ledger, say};
use hedgerow_sdk::model::{Action, HostTime, Instrument, Quote};
use hedgerow_sdk::{Context, Decimal, FillNotice, OrderRequest, Price, Quantity, Side, serde};

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
    /// The profit of the open position fell `trailing_delta` from its highest.
    Trailing,
    /// The open position earned `position_take_profit`.
    Profit,
    /// The whole grid lost more than `stop_loss_total` of its money.
    TotalLoss,
    /// The market left the grid at the far end and nothing is held.
    Finished,
}

/// The open position at the prices it could be closed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenProfit {
    /// Profit, entry fees taken off, settle asset.
    pub(crate) gain: Decimal,
    /// What closing it would cost as a taker.
    pub(crate) exit_fee: Decimal,
    /// What it cost, long and short parts alike.
    pub(crate) cost: Decimal,
}

impl OpenProfit {
    /// The share of its cost, entry fees taken off.
    pub(crate) fn share(&self) -> Decimal {
        self.gain / self.cost
    }

    /// The same less the fee of closing it.
    pub(crate) fn net_share(&self) -> Decimal {
        (self.gain - self.exit_fee) / self.cost
    }
}

pub(crate) fn open_profit(
    levels: &[Level],
    market: &hedgerow_sdk::Instrument,
    ctx: &Context,
) -> Option<OpenProfit> {
    let spec = &market.spec;
    let mut sum = OpenProfit { gain: Decimal::ZERO, exit_fee: Decimal::ZERO, cost: Decimal::ZERO };
    // a long closes at the bid, a short at the ask: each valued once, whatever the levels are
    for side in [Side::Buy, Side::Sell] {
        let own = || levels.iter().filter(|level| level.held() * side.sign() > 0);
        let held = Quantity::from_units(own().map(Level::held).sum());
        if held.is_zero() {
            continue;
        }
        let cost: Decimal = own().map(Level::cost).sum();
        let fees: Decimal = own().map(Level::fees).sum();
        let price = ctx.market(spec.id)?.touch(side)?;
        let value = spec.value(price, held).ok()?;
        let gain = if spec.kind.is_inverse() { cost - value } else { value - cost };
        sum.gain += gain - fees;
        sum.exit_fee += spec.fee(price, held.abs(), market.taker_fee).ok()?;
        sum.cost += cost.abs();
    }
    (!sum.cost.is_zero()).then_some(sum)
}

/// What stops the grid now, if anything does; moves the trailing stop.
pub(crate) fn check(
    p: &Parameters,
    state: &mut State,
    ctx: &Context,
    market: &hedgerow_sdk::Instrument,
) -> Option<Stop> {
    let spec = &market.spec;
    let quote = ctx.market(spec.id)?.best()?;
    let open = open_profit(&state.levels, market, ctx);
    let trailed = trail(p, &mut state.trailing, open);
    let share = open.map(|open| open.share());
    if p.stop_loss.zip(share).is_some_and(|(limit, share)| share < -limit) {
        return Some(Stop::Loss);
    }
    let unit = Decimal::from(spec.price_scale.unit());
    let mid = Decimal::from(quote.mid_doubled()) / Decimal::TWO / unit;
    let gain = state.realised + open.map_or(Decimal::ZERO, |open| open.gain);
    // an inverse contract's gain is in the base asset
    let gain = if spec.kind.is_inverse() { gain * mid } else { gain };
    if p.stop_loss_total.is_some_and(|limit| gain < -limit * p.total_quote) {
        return Some(Stop::TotalLoss);
    }
    let below = |limit: Decimal| mid <= limit;
    let above = |limit: Decimal| mid >= limit;
    let crossed = match p.direction {
        Direction::Buy => p.limit_price.is_some_and(below),
        Direction::Sell => p.limit_price.is_some_and(above),
        Direction::Neutral => {
            p.limit_price.is_some_and(below) || p.upper_limit_price.is_some_and(above)
        }
    };
    if crossed {
        return Some(Stop::LimitPrice);
    }
    let age = ctx.now().since(HostTime::from_nanos(state.started)).as_nanos() / 1_000_000_000;
    if p.time_limit_s.is_some_and(|limit| age >= limit) {
        return Some(Stop::Time);
    }
    if trailed {
        return Some(Stop::Trailing);
    }
    let net = open.map(|open| open.net_share());
    if p.position_take_profit.zip(net).is_some_and(|(target, net)| net >= target) {
        return Some(Stop::Profit);
    }
    is_finished(p, state, spec, mid).then_some(Stop::Finished)
}

/// Whether the market has left the grid at its far end and nothing is held.
fn is_finished(p: &Parameters, state: &State, spec: &Instrument, mid: Decimal) -> bool {
    let beyond = match p.direction {
        Direction::Buy => mid > p.end,
        Direction::Sell => mid < p.start,
        Direction::Neutral => false, // it waits until the market comes back
    };
    // only a grid that has traded can be finished: one that waits beyond its range has not begun
    let lot = spec.lot.units();
    let flat =
        state.levels.iter().all(|l| l.held().abs() < lot && l.state != LevelState::ClosePlaced);
    beyond && flat && state.traded
}

/// The trailing stop: armed above the activation, its trigger follows the profit and never falls;
/// whether it fires. A position that is gone takes it along.
pub(crate) fn trail(
    p: &Parameters,
    trigger: &mut Option<Decimal>,
    open: Option<OpenProfit>,
) -> bool {
    let (Some(activation), Some(delta)) = (p.trailing_activation, p.trailing_delta) else {
        *trigger = None;
        return false;
    };
    let Some(net) = open.map(|open| open.net_share()) else {
        *trigger = None;
        return false;
    };
    match trigger {
        Some(at) if net < *at => return true,
        Some(at) => *at = (*at).max(net - delta),
        None if net > activation => *trigger = Some(net - delta),
        None => {}
    }
    false
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
        let loss = matches!(self.state.stopping, Some(Stop::Loss | Stop::TotalLoss));
        self.parameters.keep_position && !loss
    }

    /// Where an order takes: `close_slippage` through the touch.
    pub(crate) fn taking_price(&self, side: Side, quote: &Quote) -> Option<Price> {
        let touch = if side == Side::Sell { quote.bid.price } else { quote.ask.price };
        let slack = Decimal::ONE + Decimal::from(side.sign()) * self.parameters.close_slippage;
        let spec = &self.market.spec;
        spec.aggressive_price(side, spec.price(touch) * slack).ok()
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
        if !self.keeps() {
            let (levels, spec) = (&mut self.state.levels, &self.market.spec);
            self.state.realised += ledger::net(levels, spec, quote.bid.price);
        }
        let (held, spec) = (self.held().units(), &self.market.spec);
        let side = if held > 0 { Side::Sell } else { Side::Buy };
        let Some(price) = self.taking_price(side, quote) else { return };
        // what the venue does not take stays
        let least = level::least_worth(spec, true);
        let quantity = level::closable(held, spec, price, least).filter(|_| !self.keeps());
        let Some(quantity) = quantity else {
            self.state.done = true;
            say(ctx, hedgerow_sdk::Level::Info, format!("stopped: {:?}", self.state.stopping));
            return;
        };
        // what is denied now is denied again in the same event: no order without a chance
        let waits = !self.state.close_retry.is_over(ctx.now().as_nanos());
        if waits || !ctx.mode().permits(Action::StrategyReduces) {
            return;
        }
        let order = OrderRequest::limit(spec.id, side, price, quantity);
        self.state.close_order = Some(ctx.submit(order.immediate().reduce_only()));
    }
}
