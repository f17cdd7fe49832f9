//! One level: Idle, OpenPlaced, OpenFilled, ClosePlaced, and around again.
//!
//! What a level holds is what its fills were, never what its orders asked for. A canceled open with
//! a partial fill goes on with the filled part; a canceled close goes on with the unclosed part.

use crate::parameters::{Direction, Parameters};
use hedgerow_sdk::model::Instrument;
use hedgerow_sdk::{Decimal, FillNotice, Price, Quantity, Side, serde};

/// Where a level stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(crate = "hedgerow_sdk::serde")]
pub enum LevelState {
    /// Nothing placed, nothing held.
    #[default]
    Idle,
    /// Its opening order rests.
    OpenPlaced,
    /// It holds something and nothing is placed to close it.
    OpenFilled,
    /// Its closing order rests.
    ClosePlaced,
}

/// One level.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(crate = "hedgerow_sdk::serde")]
pub struct Level {
    /// Its price.
    pub price: Price,
    /// What it opens.
    pub quantity: Quantity,
    /// Where it stands.
    pub state: LevelState,
    /// Its live order.
    pub order: Option<u64>,
    /// Whether the market has been on the far side of it, so that it may open.
    pub armed: bool,
    /// Not before this, ns.
    pub retry_at: u64,
    /// Open quantity, signed.
    held: i64,
    /// Settle-asset value of it, signed.
    cost: Decimal,
    /// Fees paid for it.
    fees: Decimal,
}

impl Level {
    /// An idle level.
    #[must_use]
    pub fn new(price: Price, quantity: Quantity) -> Self {
        Self { price, quantity, ..Self::default() }
    }

    /// Open quantity, signed.
    #[must_use]
    pub fn held(&self) -> i64 {
        self.held
    }

    pub(crate) fn cost(&self) -> Decimal {
        self.cost
    }

    pub(crate) fn fees(&self) -> Decimal {
        self.fees
    }

    /// A buy level may open once the market has been above it, a sell level once below.
    pub(crate) fn arm(&mut self, direction: Direction, bid: Price, ask: Price) {
        self.armed |= match direction {
            Direction::Buy => bid > self.price,
            Direction::Sell => ask < self.price,
        };
    }

    pub(crate) fn open_placed(&mut self, order: u64) {
        (self.state, self.order) = (LevelState::OpenPlaced, Some(order));
    }

    pub(crate) fn close_placed(&mut self, order: u64) {
        (self.state, self.order) = (LevelState::ClosePlaced, Some(order));
    }

    /// Books a fill of this level's order; gives the profit of what it closed, both fees taken off.
    pub(crate) fn fill(&mut self, spec: &Instrument, fill: &FillNotice) -> Decimal {
        let signed = fill.side.sign() * fill.quantity.units();
        if self.held == 0 || self.held.signum() == signed.signum() {
            let value = spec.value(fill.price, Quantity::from_units(signed)).unwrap_or_default();
            self.held += signed;
            self.cost += value;
            self.fees += fill.fee;
            return Decimal::ZERO;
        }
        self.close_part(spec, fill.price, fill.quantity.units()) - fill.fee
    }

    /// Takes `units` off what is held, at a price; gives the profit less the fees of opening it.
    pub(crate) fn close_part(&mut self, spec: &Instrument, price: Price, units: i64) -> Decimal {
        let closed = units.min(self.held.abs());
        if closed == 0 {
            return Decimal::ZERO;
        }
        let held = self.held.abs();
        let share = |whole: Decimal| {
            if closed == held {
                return whole;
            }
            (whole * Decimal::from(closed) / Decimal::from(held)).round_dp(14)
        };
        let (part, fees) = (share(self.cost), share(self.fees));
        let signed = Quantity::from_units(closed * self.held.signum());
        let value = spec.value(price, signed).unwrap_or_default();
        self.held -= signed.units();
        self.cost -= part;
        self.fees -= fees;
        let gain = if spec.kind.is_inverse() { part - value } else { value - part };
        gain - fees
    }

    /// Its order is over; whether a whole cycle closed with it.
    pub(crate) fn order_ended(&mut self) -> bool {
        let closing = self.state == LevelState::ClosePlaced;
        self.order = None;
        self.state = if self.held == 0 { LevelState::Idle } else { LevelState::OpenFilled };
        closing && self.held == 0
    }

    /// Where to open: at the level, or just behind the touch when the market is through it.
    pub(crate) fn open_price(
        &self,
        p: &Parameters,
        spec: &Instrument,
        bid: Price,
        ask: Price,
    ) -> Option<Price> {
        match p.direction {
            Direction::Buy if self.price >= bid => {
                let behind = spec.price(bid) * (Decimal::ONE - p.safe_extra_spread);
                spec.passive_price(Side::Buy, behind).ok()
            }
            Direction::Sell if self.price <= ask => {
                let behind = spec.price(ask) * (Decimal::ONE + p.safe_extra_spread);
                spec.passive_price(Side::Sell, behind).ok()
            }
            _ => Some(self.price),
        }
    }

    /// Where to close: a profit from the level, or from the average fill when that was worse.
    pub(crate) fn close_price(
        &self,
        p: &Parameters,
        spec: &Instrument,
        bid: Price,
        ask: Price,
    ) -> Option<Price> {
        let level = spec.price(self.price);
        let entry = spec.average_entry(self.cost, Quantity::from_units(self.held))?;
        match p.direction {
            Direction::Buy => {
                let target = level.max(entry) * (Decimal::ONE + p.take_profit);
                let target = spec.passive_price(Side::Sell, target).ok()?;
                if target > bid {
                    return Some(target);
                }
                let behind = spec.price(ask) * (Decimal::ONE + p.safe_extra_spread);
                spec.passive_price(Side::Sell, behind).ok()
            }
            Direction::Sell => {
                let target = level.min(entry) * (Decimal::ONE - p.take_profit);
                let target = spec.passive_price(Side::Buy, target).ok()?;
                if target < ask {
                    return Some(target);
                }
                let behind = spec.price(bid) * (Decimal::ONE - p.safe_extra_spread);
                spec.passive_price(Side::Buy, behind).ok()
            }
        }
    }
}
