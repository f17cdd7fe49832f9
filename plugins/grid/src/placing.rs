//! What the grid sends while it runs: closes, opens, and cancels of what it no longer wants.

use crate::level::{Level, LevelState};
use crate::parameters::Direction;
use crate::{Grid, ledger, level, levels};
use hedgerow_sdk::model::{Action, HostTime, Quote};
use hedgerow_sdk::{Context, Decimal, OrderRequest, OrderStatus, Price, Quantity, Side};

/// A refused cancel is not repeated sooner, ns.
const CANCEL_AGAIN_NS: u64 = 1_000_000_000;

impl Grid {
    /// Asks for a cancel, unless that is under way or was refused just now.
    pub(crate) fn cancel(&mut self, ctx: &mut Context, number: u64) {
        let now = ctx.now().as_nanos();
        let live = ctx.order(number).is_some_and(|o| o.status != OrderStatus::PendingCancel);
        let asked = self.canceling.get(&number);
        if live && asked.is_none_or(|at| now.saturating_sub(*at) >= CANCEL_AGAIN_NS) {
            self.canceling.insert(number, now);
            ctx.cancel(number);
        }
    }

    /// Orders that nobody owns would fill for nobody.
    pub(crate) fn cancel_strays(&mut self, ctx: &mut Context) {
        self.strays.retain(|number| ctx.order(*number).is_some());
        for number in self.strays.clone() {
            self.cancel(ctx, number);
        }
    }

    pub(crate) fn place_closes(&mut self, ctx: &mut Context, quote: &Quote) {
        if !ctx.mode().permits(Action::StrategyReduces) {
            return;
        }
        let (p, spec, now) = (&self.parameters, &self.market.spec, ctx.now().as_nanos());
        let (bid, ask) = (quote.bid.price, quote.ask.price);
        // long and short levels are one position at the venue: what closes one may open it
        let nets = p.direction == Direction::Neutral;
        let least = level::least_worth(spec, !nets);
        ledger::pool(&mut self.state.levels, |level| {
            let at = level.close_price(p, spec, bid, ask).unwrap_or(level.price);
            level.closable(spec, at, least).is_some()
        });
        for level in &mut self.state.levels {
            if level.state != LevelState::OpenFilled || !level.backoff.is_over(now) {
                continue;
            }
            let Some(price) = level.close_price(p, spec, bid, ask) else { continue };
            let Some(quantity) = level.closable(spec, price, least) else { continue };
            let away = levels::distance(price, quote.mid_doubled());
            if p.activation_bound.is_some_and(|bound| away > bound) {
                continue;
            }
            let side = if level.held() > 0 { Side::Sell } else { Side::Buy };
            let order = OrderRequest::limit(spec.id, side, price, quantity).post_only();
            let order = if nets { order } else { order.reduce_only() };
            level.placed(ctx.submit(order), &order, LevelState::ClosePlaced);
        }
    }

    /// What the market left behind is taken back, with room so that it does not flutter; and closes
    /// of what a late fill has closed already.
    pub(crate) fn cancel_needless(&mut self, ctx: &mut Context, quote: &Quote) {
        let far = self.parameters.activation_bound.map(|bound| bound * Decimal::new(12, 1));
        let entry = self.state.entry.order;
        let needless = |level: &Level| {
            let price = match level.state {
                LevelState::OpenPlaced => level.price,
                LevelState::ClosePlaced => level.asked(),
                LevelState::Idle | LevelState::OpenFilled => return None,
            };
            let away = far.is_some_and(|far| levels::distance(price, quote.mid_doubled()) > far);
            // the entry takes or ends at once
            let own = level.order.filter(|number| Some(*number) != entry);
            own.filter(|_| away || level.closes_too_much())
        };
        let numbers: Vec<u64> = self.state.levels.iter().filter_map(needless).collect();
        for number in numbers {
            self.cancel(ctx, number);
        }
    }

    pub(crate) fn place_opens(&mut self, ctx: &mut Context, quote: &Quote) {
        let now = ctx.now();
        let waiting = now.since(HostTime::from_nanos(self.state.last_open)).as_nanos()
            < self.parameters.order_interval_ns();
        let placed = self.state.levels.iter().filter(|l| l.state == LevelState::OpenPlaced).count();
        let most = usize::try_from(self.parameters.max_open).unwrap_or(usize::MAX);
        let room = most.saturating_sub(placed);
        let batch = usize::try_from(self.parameters.max_per_batch).unwrap_or(usize::MAX).min(room);
        let may_open = ctx.mode().permits(Action::StrategyOpens);
        if (waiting && self.state.last_open > 0) || batch == 0 || !may_open {
            return;
        }
        self.lay_waiting();
        let mut left = batch;
        let mut reached = [Side::Buy, Side::Sell].map(|side| self.reached(side));
        for place in self.candidates(now.as_nanos(), quote) {
            let Some(level) = self.state.levels.get(place).filter(|_| left > 0) else { continue };
            let (side, quantity) = (level.side(), level.quantity);
            let [buys, sells] = &mut reached;
            let own = if side == Side::Buy { buys } else { sells };
            if !self.fits(*own, level.price, quantity) {
                continue;
            }
            *own += quantity.units();
            let (p, spec) = (&self.parameters, &self.market.spec);
            let Some(level) = self.state.levels.get_mut(place) else { continue };
            let Some(price) = level.open_price(p, spec, quote.bid.price, quote.ask.price) else {
                continue;
            };
            let order = OrderRequest::limit(spec.id, side, price, quantity).post_only();
            level.placed(ctx.submit(order), &order, LevelState::OpenPlaced);
            self.state.last_open = now.as_nanos();
            left -= 1;
        }
    }

    /// What is held to a side if all that is open on it fills.
    pub(crate) fn reached(&self, side: Side) -> i64 {
        let open = |level: &&Level| level.state == LevelState::OpenPlaced && level.side() == side;
        let resting: i64 = self.state.levels.iter().filter(open).map(Level::unfilled).sum();
        self.held().units() * side.sign() + resting
    }

    /// Whether the position stays within `max_position_base` if this is added to what is reached.
    pub(crate) fn fits(&self, reached: i64, price: Price, quantity: Quantity) -> bool {
        let Some(most) = self.parameters.max_position_base else { return true };
        let reached = reached + quantity.units();
        let base = self.market.spec.base_quantity(price, Quantity::from_units(reached.max(0)));
        base.is_ok_and(|base| base <= most)
    }

    /// Levels that may open now, nearest to the middle first.
    fn candidates(&self, now: u64, quote: &Quote) -> Vec<usize> {
        let p = &self.parameters;
        let away = |level: &Level| levels::distance(level.price, quote.mid_doubled());
        let ready = |level: &Level| {
            level.state == LevelState::Idle
                && (!self.relays || self.is_enough(level))
                && !level.adopted
                && level.armed
                && level.backoff.is_over(now)
                && p.activation_bound.is_none_or(|bound| away(level) <= bound)
        };
        let levels = self.state.levels.iter().enumerate();
        let mut near: Vec<(i64, usize)> = levels
            .filter(|(_, level)| ready(level))
            .map(|(place, level)| {
                let doubled = level.price.units().saturating_mul(2);
                (doubled.saturating_sub(quote.mid_doubled()).saturating_abs(), place)
            })
            .collect();
        near.sort_unstable();
        near.into_iter().map(|(_, place)| place).collect()
    }
}
