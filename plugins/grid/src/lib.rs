//! Grid: a ladder of levels; each buys (or sells) at its price and closes at a profit, again and
//! again.
//!
//! Specification: levels from prices, money and the venue's minima (`levels`), one state machine
//! per level (`level`), stops over the whole position (`stops`). Parameters and risks: README.md.
//!
//! Every fill is booked to the level whose order it was, in parts as it comes; whatever was not
//! heard is made up for from the ledger's position (`ledger`), so that the levels always hold what
//! the strategy holds. What it sends is in `placing`, how it ends in `stops`.
#![warn(clippy::cast_possible_truncation)]

mod backoff;
mod check;
mod entry;
mod layout;
mod ledger;
mod level;
mod levels;
mod lever;
mod parameters;
mod placing;
mod stops;
mod terms;

pub use backoff::Backoff;
pub use layout::Layout;
pub use level::{Level, LevelState};
pub use levels::{GridError, PlannedLevel, plan};
pub use parameters::{Direction, Parameters, Sizing, Spacing};

use entry::Entry;
use hedgerow_sdk::model::VenueRejection;
use hedgerow_sdk::{
    Context, Decimal, Event, FillNotice, InitError, Instrument, Intent, OrderStatus, OrderUpdate,
    Quantity, SavedState, Strategy, Tick, TickKind, Want, model, save_json, serde, serde_json,
};
use lever::Lever;
use std::collections::BTreeMap;
use stops::Stop;

/// What survives a restart.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(crate = "hedgerow_sdk::serde", default)]
pub struct State {
    /// What the levels were laid out from; nothing before that.
    layout: Option<Layout>,
    levels: Vec<Level>,
    /// When the last opens were placed, ns.
    last_open: u64,
    started: u64,
    /// Whether a cycle closed since the levels were laid out.
    traded: bool,
    /// Profit of closed parts, fees taken off.
    realised: Decimal,
    fees: Decimal,
    cycles: u64,
    /// The one order for levels that the market had passed.
    entry: Entry,
    /// The profit at which the trailing stop fires, once it is armed.
    trailing: Option<Decimal>,
    stopping: Option<Stop>,
    /// The close of everything that is under way.
    close_order: Option<u64>,
    /// When the next one may go, after one that was refused or found nobody.
    close_retry: Backoff,
    done: bool,
}

/// The strategy.
pub struct Grid {
    parameters: Parameters,
    market: Instrument,
    state: State,
    /// The levels are those of other parameters: no opens until there are new ones.
    outdated: bool,
    /// The venue's steps are not what they were when the levels were made.
    relays: bool,
    /// Orders under cancel, and when that was asked for: a venue that refuses is not asked at once.
    canceling: BTreeMap<u64, u64>,
    /// Live orders that no level owns: left by a state that was lost.
    strays: Vec<u64>,
    lever: Lever,
}

impl Strategy for Grid {
    type Parameters = Parameters;
    const NAME: &'static str = "grid";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const STATE_VERSION: u32 = 3;
    const OLDEST_READABLE_STATE: u32 = 1;

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
            .ok_or_else(|| InitError::Other("no instrument for the role market".into()))?
            .clone();
        parameters.check(market.maker_fee).map_err(InitError::BadParameters)?;
        parameters.check_market(&market.spec).map_err(InitError::BadParameters)?;
        let mut state: State = SavedState::json_or_default(saved)?;
        if saved.is_some_and(|saved| saved.version < 3) {
            // levels did not say how they open: all as the grid did
            let sells = state.layout.as_ref().map_or(parameters.direction, Layout::direction);
            state.levels.iter_mut().for_each(|level| level.sells = sells == Direction::Sell);
        }
        let layout = Layout::of(&parameters);
        if state.layout.is_none() {
            if state.levels.iter().all(|level| level.adopted) {
                state.done = false; // parameters that gave no grid may do so now
            } else {
                // version 1 did not say what its levels were made from
                state.layout = Some(layout.clone());
                state.traded = state.cycles > 0;
            }
        }
        let changed = state.layout.as_ref().map(|old| old.changed(&layout)).unwrap_or_default();
        if !changed.is_empty() && state.levels.iter().any(|level| level.held() != 0) {
            return Err(InitError::BadParameters(format!(
                "{} changed while the grid holds a position: set it back, or close the position \
                 with the old parameters first",
                changed.join(", ")
            )));
        }
        let outdated = !changed.is_empty();
        let (canceling, strays, lever) = (BTreeMap::new(), Vec::new(), Lever::default());
        let relays = false;
        Ok(Self { parameters, market, state, outdated, relays, canceling, strays, lever })
    }

    fn on_tick(&mut self, ctx: &mut Context, _: &Tick) {
        self.evaluate(ctx);
    }

    fn on_event(&mut self, ctx: &mut Context, event: &Event) {
        let id = self.market.spec.id;
        match event {
            Event::Fill(fill) if fill.instrument == id => self.on_fill(ctx, fill),
            Event::Order(update) if update.instrument == id => self.on_order(ctx, update),
            Event::Position(told) if told.instrument == id => self.settle(ctx, &[], None),
            Event::Resumed(_) => self.on_resumed(ctx),
            Event::Leverage { instrument, leverage_hundredths, .. } if *instrument == id => {
                self.lever.is_in_force(*leverage_hundredths);
            }
            Event::Other(notice) => return self.lever.on_notice(ctx, notice),
            Event::Instrument(_) | Event::FeeTier { .. } => {
                self.relays |= matches!(event, Event::Instrument(spec) if spec.id == id);
                if let Some(market) = ctx.instrument(id) {
                    self.market = market.clone();
                }
                return;
            }
            _ => return,
        }
        self.evaluate(ctx);
    }

    fn save(&self) -> Vec<u8> {
        save_json(&self.state)
    }

    fn status(&self, _: &Context) -> serde_json::Value {
        let held = self.held();
        let adopted = self.state.levels.iter().filter(|l| l.adopted).map(Level::held).sum();
        let adopted = Quantity::from_units(adopted);
        let count =
            |state: LevelState| self.state.levels.iter().filter(|l| l.state == state).count();
        serde_json::json!({
            "levels": self.state.levels.iter().filter(|l| !l.adopted).count(),
            "idle": count(LevelState::Idle),
            "opening": count(LevelState::OpenPlaced),
            "filled": count(LevelState::OpenFilled),
            "closing": count(LevelState::ClosePlaced),
            "cycles": self.state.cycles,
            "realised": self.state.realised,
            "fees": self.state.fees,
            "held": self.market.spec.quantity(held),
            "adopted": self.market.spec.quantity(adopted),
            "waits_for_new_levels": self.outdated,
            "too_small": self.too_small(),
            "stopping": self.state.stopping,
            "trailing_at": self.state.trailing,
            "done": self.state.done,
        })
    }
}

impl Grid {
    /// Open quantity over all levels, signed.
    pub(crate) fn held(&self) -> Quantity {
        let units = self.state.levels.iter().map(Level::held).sum::<i64>();
        Quantity::from_units(units)
    }

    fn on_fill(&mut self, ctx: &Context, fill: &FillNotice) {
        let spec = &self.market.spec;
        let state = &mut self.state;
        let fee = level::worth(fill, spec);
        state.fees += fee;
        if state.close_order == Some(fill.number) {
            let gain = stops::close_pro_rata(&mut state.levels, spec, fill);
            state.realised += gain - fee;
            state.close_retry.clear();
        } else if let Some(gain) = entry::book(&mut state.levels, spec, fill) {
            state.realised += gain;
        } else {
            state.realised -= fee;
        }
        // an order that has left its level, or filled more than the level held
        self.settle(ctx, &[], Some(fill.price));
    }

    pub(crate) fn count_cycle(&mut self, closed: bool) {
        self.state.cycles += u64::from(closed);
        self.state.traded |= closed;
    }

    fn on_order(&mut self, ctx: &Context, update: &OrderUpdate) {
        let now = ctx.now().as_nanos();
        let interval = self.parameters.order_interval_ns();
        let ended = update.status.is_terminal();
        if ended {
            self.canceling.remove(&update.number);
        }
        if self.state.close_order == Some(update.number) {
            if ended {
                self.state.close_order = None;
                if update.filled.is_zero() {
                    self.state.close_retry.refused(now, interval);
                }
            }
            return;
        }
        if self.state.entry.order == Some(update.number) {
            if ended {
                self.entry_ended(update, now, interval);
            }
            return;
        }
        let owner = self.state.levels.iter_mut().find(|level| level.order == Some(update.number));
        let Some(level) = owner else {
            return;
        };
        match update.status {
            // the touch moved onto it; it is as good as new in a moment
            OrderStatus::Rejected if update.reason == VenueRejection::PostOnlyWouldTake.code() => {
                level.backoff.pause(now, interval);
            }
            OrderStatus::Denied | OrderStatus::Rejected => level.backoff.refused(now, interval),
            OrderStatus::Canceled | OrderStatus::Expired if update.filled.is_zero() => {
                level.backoff.pause(now, interval);
            }
            OrderStatus::Open | OrderStatus::PartiallyFilled => level.backoff.clear(),
            _ => {}
        }
        if ended {
            let closed = level.order_ended(self.market.spec.lot.units());
            self.count_cycle(closed);
        }
    }

    fn evaluate(&mut self, ctx: &mut Context) {
        // an expired contract trades no more: what is held of it is delivered
        if ctx.is_history() || self.market.spec.kind.is_over(ctx.now()) {
            return;
        }
        self.cancel_strays(ctx);
        self.state.levels.retain(|l| !l.adopted || l.held() != 0 || l.order.is_some());
        if self.outdated {
            self.start_over(ctx);
        }
        let Some(quote) = ctx.market(self.market.spec.id).and_then(|market| market.best()) else {
            return;
        };
        if self.state.layout.is_none() && !self.state.done {
            self.lay_out(ctx, quote.mid_doubled());
        }
        if self.state.done {
            if self.state.layout.is_none() {
                self.place_closes(ctx, &quote); // of what was adopted, though there is no grid
            }
            return;
        }
        for level in &mut self.state.levels {
            level.arm(quote.bid.price, quote.ask.price);
        }
        if self.state.stopping.is_none() {
            let (p, state) = (&self.parameters, &mut self.state);
            state.stopping = stops::check(p, state, ctx, &self.market);
        }
        if self.state.stopping.is_some() {
            self.wind_down(ctx, &quote);
            return;
        }
        self.place_closes(ctx, &quote);
        self.cancel_needless(ctx, &quote);
        if !self.outdated && self.is_levered(ctx) {
            self.place_entry(ctx, &quote);
            self.place_opens(ctx, &quote);
        }
    }

    /// The parameters of the levels changed: what they have open is taken back, what they hold is
    /// closed at its price, and then there are new ones.
    fn start_over(&mut self, ctx: &mut Context) {
        let id = self.market.spec.id;
        let opens = |level: &&Level| level.state == LevelState::OpenPlaced;
        let opens = self.state.levels.iter().filter(opens).filter_map(|level| level.order);
        for number in opens.collect::<Vec<_>>() {
            self.cancel(ctx, number);
        }
        let live = ctx.orders().any(|order| order.instrument == id);
        let lot = self.market.spec.lot;
        if !live && self.held().abs() < lot && ctx.position(id).abs() < lot {
            let State { realised, fees, cycles, .. } = self.state;
            self.state = State { realised, fees, cycles, ..State::default() };
            self.outdated = false;
        }
    }

    /// Lays the levels out from the first middle seen.
    fn lay_out(&mut self, ctx: &mut Context, mid_doubled: i64) {
        let spec = &self.market.spec;
        let unit = Decimal::from(spec.price_scale.unit());
        let mid = Decimal::from(mid_doubled) / Decimal::TWO / unit;
        match plan(&self.parameters, spec, mid) {
            Ok(plan) => {
                self.state.levels.extend(plan.into_iter().map(Level::new));
                self.state.entry.due = self.parameters.immediate_entry;
                self.state.started = ctx.now().as_nanos();
                self.state.layout = Some(Layout::of(&self.parameters));
            }
            Err(error) => {
                say(ctx, hedgerow_sdk::Level::Error, format!("no grid: {error}"));
                self.state.done = true;
            }
        }
    }
}

/// One line for people: in the log now, and as what it last said.
fn say(ctx: &mut Context, level: hedgerow_sdk::Level, text: String) {
    ctx.log(level, &text);
    ctx.want(Intent::Report(model::Report::Status { text }));
}

hedgerow_sdk::export!(Grid);

#[cfg(test)]
mod tests;
