//! One level: Idle, OpenPlaced, OpenFilled, ClosePlaced, and around again.
//!
//! What a level holds is what its fills were, never what its orders asked for. A canceled open with
//! a partial fill goes on with the filled part; a canceled close goes on with the unclosed part.

use crate::backoff::Backoff;
use crate::levels::PlannedLevel;
use crate::parameters::Parameters;
use hedgerow_sdk::model::{Instrument, InstrumentKind};
use hedgerow_sdk::{Decimal, FillNotice, OrderRequest, OrderUpdate, Price, Quantity, Side, serde};

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
#[serde(crate = "hedgerow_sdk::serde", default)]
pub struct Level {
    /// Its price.
    pub price: Price,
    /// What it opens.
    pub quantity: Quantity,
    /// Whether it opens by selling.
    pub sells: bool,
    /// Where it stands.
    pub state: LevelState,
    /// Its live order.
    pub order: Option<u64>,
    /// Whether the market has been on the far side of it, so that it may open.
    pub armed: bool,
    /// Took over what no level of the grid accounts for: it only closes.
    pub adopted: bool,
    /// Its next order waits for this.
    pub backoff: Backoff,
    /// The limit of its live order.
    asked: Price,
    /// The quantity of its live order.
    ordered: i64,
    /// What of its live order's fills is in the sums below: the rest was not heard yet.
    booked: i64,
    /// Its last order that ended: a late fill of it belongs here.
    last: Option<u64>,
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
    pub fn new(planned: PlannedLevel) -> Self {
        let PlannedLevel { price, quantity, side } = planned;
        Self { price, quantity, sells: side == Side::Sell, ..Self::default() }
    }

    /// A level for what no other accounts for.
    pub(crate) fn adopted(price: Price) -> Self {
        Self { adopted: true, price, ..Self::default() }
    }

    /// How it opens.
    #[must_use]
    pub fn side(&self) -> Side {
        if self.sells { Side::Sell } else { Side::Buy }
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
    pub(crate) fn arm(&mut self, bid: Price, ask: Price) {
        self.armed |= if self.sells { ask < self.price } else { bid > self.price };
    }

    /// An order of its own is on its way: to close what it holds, or to open.
    pub(crate) fn placed(&mut self, number: u64, order: &OrderRequest, to: LevelState) {
        self.state = to;
        (self.order, self.asked) = (Some(number), order.price);
        (self.ordered, self.booked) = (order.quantity.units(), 0);
    }

    /// Its part of an order that opens several levels is on its way.
    pub(crate) fn entered(&mut self, number: u64, limit: Price) {
        self.state = LevelState::OpenPlaced;
        (self.order, self.asked) = (Some(number), limit);
        (self.ordered, self.booked) = (self.quantity.units(), 0);
    }

    /// Whether its close would close more than is held: a late fill was faster.
    pub(crate) fn closes_too_much(&self) -> bool {
        let left = self.ordered - self.booked;
        self.state == LevelState::ClosePlaced && left > self.held.abs()
    }

    /// States of version 1 did not keep what the order was; what is held tells what was booked.
    pub(crate) fn learn(&mut self, order: &OrderUpdate) {
        if self.ordered == 0 {
            (self.asked, self.ordered) = (order.price, order.quantity.units());
            let held = self.held.abs();
            let closes = self.state == LevelState::ClosePlaced;
            self.booked = if closes { (self.ordered - held).max(0) } else { held };
        }
    }

    /// The limit of its order, as far as it was kept.
    pub(crate) fn asked(&self) -> Price {
        if self.asked.is_zero() { self.price } else { self.asked }
    }

    pub(crate) fn booked(&self) -> i64 {
        self.booked
    }

    /// What its open may still fill.
    pub(crate) fn unfilled(&self) -> i64 {
        self.quantity.units() - self.booked
    }

    /// What it may still hold beyond what it does.
    pub(crate) fn room(&self) -> i64 {
        (self.quantity.units() - self.held.abs()).max(0)
    }

    /// Whether a fill of this order belongs here, be it late.
    pub(crate) fn made(&self, order: u64) -> bool {
        self.order == Some(order) || self.last == Some(order)
    }

    /// Books a fill of an order of this level's; gives the profit of what it closed, both fees
    /// taken off. What it closed beyond what is held here is not this level's.
    pub(crate) fn fill(&mut self, spec: &Instrument, fill: &FillNotice) -> Decimal {
        let units = fill.quantity.units();
        if self.order == Some(fill.number) {
            self.booked += units;
        }
        self.backoff.clear();
        if fill.side == self.side() && !self.adopted {
            self.add(spec, fill.price, fill.side.sign() * units, worth(fill, spec));
            // what the venue took of what was bought is not there to be sold
            let taken = fill.fee.base_units(spec).unwrap_or_default().units();
            return self.close_part(spec, fill.price, taken);
        }
        self.close_part(spec, fill.price, units) - worth(fill, spec)
    }

    /// Adds to what is held.
    pub(crate) fn add(&mut self, spec: &Instrument, price: Price, signed: i64, fee: Decimal) {
        let value = spec.value(price, Quantity::from_units(signed)).unwrap_or_default();
        self.held += signed;
        self.cost += value;
        self.fees += fee;
    }

    /// What of it one order at this price can close.
    pub(crate) fn closable(
        &self,
        spec: &Instrument,
        at: Price,
        least: Option<Decimal>,
    ) -> Option<Quantity> {
        closable(self.held, spec, at, least)
    }

    /// Empties the level: quantity, cost, fees.
    pub(crate) fn give_up(&mut self) -> (i64, Decimal, Decimal) {
        let part = (self.held, self.cost, self.fees);
        (self.held, self.cost, self.fees) = Default::default();
        self.settle_state(1);
        part
    }

    pub(crate) fn take_over(&mut self, (held, cost, fees): (i64, Decimal, Decimal)) {
        self.held += held;
        self.cost += cost;
        self.fees += fees;
    }

    /// Where it stands without an order follows from what it holds. Less than a lot, as a fee in
    /// the base asset leaves, waits for the next cycle.
    pub(crate) fn settle_state(&mut self, lot: i64) {
        if self.order.is_none() {
            let nothing = self.held.abs() < lot;
            self.state = if nothing { LevelState::Idle } else { LevelState::OpenFilled };
        }
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
    pub(crate) fn order_ended(&mut self, lot: i64) -> bool {
        let closing = self.state == LevelState::ClosePlaced;
        self.last = self.order.take();
        self.booked = 0;
        self.settle_state(lot);
        closing && self.state == LevelState::Idle
    }

    /// Where to open: at the level, or just behind the touch when the market is through it.
    pub(crate) fn open_price(
        &self,
        p: &Parameters,
        spec: &Instrument,
        bid: Price,
        ask: Price,
    ) -> Option<Price> {
        match self.side() {
            Side::Buy if self.price >= bid => {
                let behind = spec.price(bid) * (Decimal::ONE - p.safe_extra_spread);
                spec.passive_price(Side::Buy, behind).ok()
            }
            Side::Sell if self.price <= ask => {
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
        if self.held > 0 {
            let target = level.max(entry) * (Decimal::ONE + p.take_profit);
            let target = spec.passive_price(Side::Sell, target).ok()?;
            if target > bid {
                return Some(target);
            }
            let behind = spec.price(ask) * (Decimal::ONE + p.safe_extra_spread);
            return spec.passive_price(Side::Sell, behind).ok();
        }
        let target = level.min(entry) * (Decimal::ONE - p.take_profit);
        let target = spec.passive_price(Side::Buy, target).ok()?;
        if target < ask {
            return Some(target);
        }
        let behind = spec.price(bid) * (Decimal::ONE - p.safe_extra_spread);
        spec.passive_price(Side::Buy, behind).ok()
    }
}

/// A fill's fee in the settle asset. One in the venue's token is the host's to count.
pub(crate) fn worth(fill: &FillNotice, spec: &Instrument) -> Decimal {
    fill.fee.worth(spec, fill.price).ok().flatten().unwrap_or_default()
}

/// What an order that closes must be worth: a spot venue makes no exception for one that reduces,
/// others only for one that says so.
pub(crate) fn least_worth(spec: &Instrument, reduce_only: bool) -> Option<Decimal> {
    spec.min_notional.filter(|_| !reduce_only || spec.kind == InstrumentKind::Spot)
}

/// What of a signed quantity one order at this price can close: whole lots, not below the venue's
/// least nor above its most, and not worth less than this.
pub(crate) fn closable(
    held: i64,
    spec: &Instrument,
    at: Price,
    least: Option<Decimal>,
) -> Option<Quantity> {
    let units = spec.max_quantity.map_or(held.abs(), |most| held.abs().min(most.units()));
    let lots = units.checked_div(spec.lot.units())?;
    let quantity = Quantity::from_units(lots * spec.lot.units());
    let worth = || spec.notional(at, quantity);
    let is_worth = least.is_none_or(|least| worth().is_ok_and(|worth| worth >= least));
    (quantity.is_positive() && quantity >= spec.min_quantity && is_worth).then_some(quantity)
}
