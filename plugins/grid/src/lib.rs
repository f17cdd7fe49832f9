//! Grid: a ladder of levels; each buys (or sells) at its price and closes at a profit, again and
//! again.
//!
//! Specification: levels from prices, money and the venue's minima (`levels`), one state machine
//! per level (`level`), stops over the whole position (`stops`). Parameters and risks: README.md.
//!
//! The strategy never holds what is not in its state or in its orders: a restart gives it both
//! back, and every fill is booked to the level whose order it was, in parts as it comes.
#![warn(clippy::cast_possible_truncation)]

mod level;
mod levels;
mod parameters;
mod stops;

pub use level::{Level, LevelState};
pub use levels::{GridError, Plan, plan};
pub use parameters::{Direction, Parameters, Spacing};

use hedgerow_sdk::model::{HostTime, InstrumentId};
use hedgerow_sdk::{
    Context, Decimal, Event, FillNotice, InitError, OrderRequest, OrderStatus, OrderUpdate, Price,
    Quantity, SavedState, Side, Strategy, Tick, TickKind, Want, serde, serde_json,
};
use stops::Stop;

/// What survives a restart.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(crate = "hedgerow_sdk::serde")]
pub struct State {
    levels: Vec<Level>,
    /// When the last opens were placed, ns.
    last_open: u64,
    started: u64,
    /// Profit of closed parts, fees taken off.
    realised: Decimal,
    fees: Decimal,
    cycles: u64,
    stopping: Option<Stop>,
    /// The close of everything that is under way.
    close_order: Option<u64>,
    done: bool,
}

/// The strategy.
pub struct Grid {
    parameters: Parameters,
    instrument: InstrumentId,
    state: State,
}

impl Strategy for Grid {
    type Parameters = Parameters;
    const NAME: &'static str = "grid";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn wants() -> Vec<Want> {
        vec![Want::traded("market", &[TickKind::Quote])]
    }

    fn init(
        parameters: Parameters,
        ctx: &Context,
        saved: Option<&SavedState>,
    ) -> Result<Self, InitError> {
        let market = ctx
            .role("market")
            .ok_or_else(|| InitError::Other("no instrument for the role market".into()))?;
        parameters.check(market.maker_fee).map_err(InitError::BadParameters)?;
        let state = saved.map_or_else(|| Ok(State::default()), SavedState::json)?;
        Ok(Self { parameters, instrument: market.spec.id, state })
    }

    fn on_tick(&mut self, ctx: &mut Context, _: &Tick) {
        self.evaluate(ctx);
    }

    fn on_event(&mut self, ctx: &mut Context, event: &Event) {
        match event {
            Event::Fill(fill) if fill.instrument == self.instrument => self.on_fill(ctx, fill),
            Event::Order(update) if update.instrument == self.instrument => {
                self.on_order(ctx, update);
            }
            Event::Resumed(_) => self.on_resumed(ctx),
            _ => return,
        }
        self.evaluate(ctx);
    }

    fn save(&self) -> Vec<u8> {
        serde_json::to_vec(&self.state).unwrap_or_default()
    }

    fn status(&self, ctx: &Context) -> serde_json::Value {
        let held = self.held();
        let count =
            |state: LevelState| self.state.levels.iter().filter(|l| l.state == state).count();
        serde_json::json!({
            "levels": self.state.levels.len(),
            "idle": count(LevelState::Idle),
            "opening": count(LevelState::OpenPlaced),
            "filled": count(LevelState::OpenFilled),
            "closing": count(LevelState::ClosePlaced),
            "cycles": self.state.cycles,
            "realised": self.state.realised,
            "fees": self.state.fees,
            "held": ctx.instrument(self.instrument).map(|i| i.spec.quantity(held)),
            "stopping": self.state.stopping,
            "done": self.state.done,
        })
    }
}

impl Grid {
    /// Open quantity over all levels, signed.
    fn held(&self) -> Quantity {
        let units = self.state.levels.iter().map(Level::held).sum::<i64>();
        Quantity::from_units(units)
    }

    fn side(&self) -> Side {
        match self.parameters.direction {
            Direction::Buy => Side::Buy,
            Direction::Sell => Side::Sell,
        }
    }

    /// Orders that ended while the strategy was down no longer hold their levels.
    fn on_resumed(&mut self, ctx: &Context) {
        for level in &mut self.state.levels {
            if level.order.is_some_and(|number| ctx.order(number).is_none()) {
                level.order_ended();
            }
        }
        if self.state.close_order.is_some_and(|number| ctx.order(number).is_none()) {
            self.state.close_order = None;
        }
    }

    fn on_fill(&mut self, ctx: &Context, fill: &FillNotice) {
        let Some(market) = ctx.instrument(self.instrument) else {
            return;
        };
        self.state.fees += fill.fee;
        if self.state.close_order == Some(fill.number) {
            let gain = stops::close_pro_rata(&mut self.state.levels, &market.spec, fill);
            self.state.realised += gain - fill.fee;
            return;
        }
        let owner = self.state.levels.iter_mut().find(|level| level.order == Some(fill.number));
        let Some(level) = owner else { return };
        self.state.realised += level.fill(&market.spec, fill);
    }

    fn on_order(&mut self, ctx: &Context, update: &OrderUpdate) {
        if !update.status.is_terminal() {
            return;
        }
        if self.state.close_order == Some(update.number) {
            self.state.close_order = None;
            return;
        }
        let interval = self.parameters.order_interval_ns();
        let owner = self.state.levels.iter_mut().find(|level| level.order == Some(update.number));
        if let Some(level) = owner {
            let closed = level.order_ended();
            self.state.cycles += u64::from(closed);
            // a refused open waits its turn again
            if matches!(update.status, OrderStatus::Rejected | OrderStatus::Denied) {
                level.retry_at = ctx.now().as_nanos().saturating_add(interval.max(1_000_000_000));
            }
        }
    }

    fn evaluate(&mut self, ctx: &mut Context) {
        let Some(quote) = ctx.market(self.instrument).and_then(|market| market.best()) else {
            return;
        };
        if self.state.done || ctx.is_history() {
            return;
        }
        let (bid, ask) = (quote.bid.price, quote.ask.price);
        if self.state.levels.is_empty() && !self.lay_out(ctx, quote.mid_doubled()) {
            return;
        }
        for level in &mut self.state.levels {
            level.arm(self.parameters.direction, bid, ask);
        }
        if self.state.stopping.is_none() {
            self.state.stopping = stops::check(&self.parameters, &self.state, ctx, self.instrument);
        }
        if self.state.stopping.is_some() {
            self.wind_down(ctx, bid, ask);
            return;
        }
        self.place_closes(ctx, bid, ask);
        self.cancel_far(ctx, quote.mid_doubled());
        self.place_opens(ctx, bid, ask);
    }

    /// Lays the levels out from the first middle seen.
    fn lay_out(&mut self, ctx: &mut Context, mid_doubled: i64) -> bool {
        let Some(market) = ctx.instrument(self.instrument) else {
            return false;
        };
        let mid = Decimal::from(mid_doubled)
            / Decimal::TWO
            / Decimal::from(market.spec.price_scale.unit());
        match plan(&self.parameters, &market.spec, mid) {
            Ok(plan) => {
                let level = |price| Level::new(price, plan.quantity);
                self.state.levels = plan.prices.into_iter().map(level).collect();
                self.state.started = ctx.now().as_nanos();
                true
            }
            Err(error) => {
                let text = format!("no grid: {error}");
                ctx.want(hedgerow_sdk::Intent::Report(hedgerow_sdk::model::Report::Status {
                    text,
                }));
                self.state.done = true;
                false
            }
        }
    }

    fn place_closes(&mut self, ctx: &mut Context, bid: Price, ask: Price) {
        let Some(spec) = ctx.instrument(self.instrument).map(|market| market.spec.clone()) else {
            return;
        };
        let side = self.side().opposite();
        let now = ctx.now().as_nanos();
        for level in &mut self.state.levels {
            if level.state != LevelState::OpenFilled || level.retry_at > now {
                continue;
            }
            let quantity = Quantity::from_units(level.held().abs());
            if quantity < spec.min_quantity || !spec.is_whole_lots(quantity) {
                continue;
            }
            let Some(price) = level.close_price(&self.parameters, &spec, bid, ask) else {
                continue;
            };
            let order = OrderRequest::limit(self.instrument, side, price, quantity);
            level.close_placed(ctx.submit(order.post_only().reduce_only()));
        }
    }

    /// Opens that the market left behind are taken back, with room so that they do not flutter.
    fn cancel_far(&mut self, ctx: &mut Context, mid_doubled: i64) {
        let Some(bound) = self.parameters.activation_bound else {
            return;
        };
        let far = bound * Decimal::new(12, 1);
        for level in &self.state.levels {
            let Some(number) = level.order.filter(|_| level.state == LevelState::OpenPlaced) else {
                continue;
            };
            let away = levels::distance(level.price, mid_doubled) > far;
            let live = ctx.order(number).is_some_and(|o| o.status != OrderStatus::PendingCancel);
            if away && live {
                ctx.cancel(number);
            }
        }
    }

    fn place_opens(&mut self, ctx: &mut Context, bid: Price, ask: Price) {
        let now = ctx.now();
        let waiting = now.since(HostTime::from_nanos(self.state.last_open)).as_nanos()
            < self.parameters.order_interval_ns();
        let placed = self.state.levels.iter().filter(|l| l.state == LevelState::OpenPlaced).count();
        let most = usize::try_from(self.parameters.max_open).unwrap_or(usize::MAX);
        let room = most.saturating_sub(placed);
        let batch = usize::try_from(self.parameters.max_per_batch).unwrap_or(usize::MAX).min(room);
        let only_reduce = ctx.mode() != hedgerow_sdk::TradingMode::Running;
        if (waiting && self.state.last_open > 0) || batch == 0 || only_reduce {
            return;
        }
        let Some(spec) = ctx.instrument(self.instrument).map(|market| market.spec.clone()) else {
            return;
        };
        let mid_doubled = bid.units().saturating_add(ask.units());
        let near = |level: &Level| {
            let bound = self.parameters.activation_bound;
            bound.is_none_or(|bound| levels::distance(level.price, mid_doubled) <= bound)
        };
        let ready = |level: &Level| {
            level.state == LevelState::Idle
                && (level.armed || self.parameters.immediate_entry)
                && level.retry_at <= now.as_nanos()
                && near(level)
        };
        let levels = self.state.levels.iter().enumerate();
        let mut candidates: Vec<usize> =
            levels.filter(|(_, level)| ready(level)).map(|(place, _)| place).collect();
        let gap = |place: &usize| {
            self.state.levels.get(*place).map_or(i64::MAX, |level| {
                level.price.units().saturating_mul(2).saturating_sub(mid_doubled).saturating_abs()
            })
        };
        candidates.sort_by_key(gap);
        let side = self.side();
        for place in candidates.into_iter().take(batch) {
            let Some(level) = self.state.levels.get_mut(place) else {
                continue;
            };
            let Some(price) = level.open_price(&self.parameters, &spec, bid, ask) else {
                continue;
            };
            let order = OrderRequest::limit(self.instrument, side, price, level.quantity);
            level.open_placed(ctx.submit(order.post_only()));
            self.state.last_open = now.as_nanos();
        }
    }

    /// Cancel everything, wait for what that brings, close the rest once, be flat, be done.
    fn wind_down(&mut self, ctx: &mut Context, bid: Price, ask: Price) {
        let live: Vec<(u64, OrderStatus)> = ctx
            .orders()
            .filter(|order| Some(order.number) != self.state.close_order)
            .map(|order| (order.number, order.status))
            .collect();
        for (number, status) in &live {
            if *status != OrderStatus::PendingCancel {
                ctx.cancel(*number);
            }
        }
        // a late fill changes the rest; a second close is never sent while one is not known to be
        // over
        if !live.is_empty() || self.state.close_order.is_some() {
            return;
        }
        let held = self.held();
        let keep = self.parameters.keep_position;
        let Some(spec) = ctx.instrument(self.instrument).map(|market| market.spec.clone()) else {
            return;
        };
        let quantity = held.abs();
        if keep || quantity < spec.min_quantity {
            self.state.done = true;
            let text = format!("stopped: {:?}", self.state.stopping);
            ctx.want(hedgerow_sdk::Intent::Report(hedgerow_sdk::model::Report::Status { text }));
            return;
        }
        let side = if held.units() > 0 { Side::Sell } else { Side::Buy };
        let touch = if side == Side::Sell { bid } else { ask };
        let slack = Decimal::ONE + Decimal::from(side.sign()) * self.parameters.close_slippage;
        let Ok(price) = spec.aggressive_price(side, spec.price(touch) * slack) else {
            return;
        };
        let order = OrderRequest::limit(self.instrument, side, price, quantity);
        self.state.close_order = Some(ctx.submit(order.immediate().reduce_only()));
    }
}

hedgerow_sdk::export!(Grid);

#[cfg(test)]
mod tests;
