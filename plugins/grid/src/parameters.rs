//! What the operator sets.

use hedgerow_sdk::{Decimal, schemars, serde};

/// Which way the grid opens.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(crate = "hedgerow_sdk::serde", rename_all = "lowercase")]
#[schemars(crate = "hedgerow_sdk::schemars")]
pub enum Direction {
    /// Buys low, sells higher.
    Buy,
    /// Sells high, buys lower.
    Sell,
}

/// How levels are spread.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(crate = "hedgerow_sdk::serde", rename_all = "lowercase")]
#[schemars(crate = "hedgerow_sdk::schemars")]
pub enum Spacing {
    /// Equal steps.
    #[default]
    Arithmetic,
    /// Equal ratios.
    Geometric,
}

fn ten() -> u32 {
    10
}

fn three() -> u32 {
    3
}

fn two_bps() -> Decimal {
    Decimal::new(2, 4)
}

fn half_percent() -> Decimal {
    Decimal::new(5, 3)
}

fn many() -> u32 {
    200
}

/// Parameters. Prices in the quote currency, fractions as fractions: 0.01 is one percent.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(crate = "hedgerow_sdk::serde", deny_unknown_fields)]
#[schemars(crate = "hedgerow_sdk::schemars")]
pub struct Parameters {
    /// buy or sell.
    pub direction: Direction,
    /// Lowest level.
    #[schemars(with = "String")]
    pub start: Decimal,
    /// Highest level.
    #[schemars(with = "String")]
    pub end: Decimal,
    /// Money over all levels.
    #[schemars(with = "String")]
    pub total_quote: Decimal,
    /// Least distance of levels, as a fraction of the range's lower end.
    #[schemars(with = "String")]
    pub min_step: Decimal,
    /// Least worth of one order.
    #[schemars(with = "String")]
    pub min_order_quote: Decimal,
    /// Profit of a level, a fraction of its price.
    #[schemars(with = "String")]
    pub take_profit: Decimal,
    /// arithmetic or geometric.
    #[serde(default)]
    pub spacing: Spacing,
    /// Most opens resting at once.
    #[serde(default = "ten")]
    pub max_open: u32,
    /// Most opens placed at one time.
    #[serde(default = "three")]
    pub max_per_batch: u32,
    /// Most levels.
    #[serde(default = "many")]
    pub max_levels: u32,
    /// Least time between batches of opens, milliseconds.
    #[serde(default)]
    pub order_interval_ms: u64,
    /// Opens only this near to the middle, a fraction; none: all.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub activation_bound: Option<Decimal>,
    /// How far behind the touch an order is put whose level the market has passed.
    #[serde(default = "two_bps")]
    #[schemars(with = "String")]
    pub safe_extra_spread: Decimal,
    /// Place levels the market is already through at once, instead of waiting until it has been
    /// above.
    #[serde(default)]
    pub immediate_entry: bool,
    /// A price that ends the grid when the middle crosses it.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub limit_price: Option<Decimal>,
    /// Loss of the open position that ends the grid, a fraction of its cost.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub stop_loss: Option<Decimal>,
    /// Time that ends the grid, seconds.
    #[serde(default)]
    pub time_limit_s: Option<u64>,
    /// Keep the position when a stop other than the stop loss ends the grid.
    #[serde(default)]
    pub keep_position: bool,
    /// How far through the touch the closing order may go, a fraction.
    #[serde(default = "half_percent")]
    #[schemars(with = "String")]
    pub close_slippage: Decimal,
}

impl Parameters {
    /// What must hold between them; one sentence a person can act on.
    pub fn check(&self, maker_fee: Decimal) -> Result<(), String> {
        let positive = [
            ("start", self.start),
            ("total_quote", self.total_quote),
            ("min_order_quote", self.min_order_quote),
            ("take_profit", self.take_profit),
        ];
        let optional = [
            ("activation_bound", self.activation_bound),
            ("limit_price", self.limit_price),
            ("stop_loss", self.stop_loss),
        ];
        let given = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
        for (name, value) in positive.into_iter().chain(given) {
            if value <= Decimal::ZERO {
                return Err(format!("{name} is {value}, it must be above zero"));
            }
        }
        let fractions = [
            ("min_step", self.min_step),
            ("safe_extra_spread", self.safe_extra_spread),
            ("close_slippage", self.close_slippage),
        ];
        for (name, value) in fractions {
            if value < Decimal::ZERO || value >= Decimal::ONE {
                return Err(format!("{name} is {value}, it must be at least 0 and below 1"));
            }
        }
        if self.direction == Direction::Sell && self.take_profit >= Decimal::ONE {
            let asked = self.take_profit;
            return Err(format!("take_profit is {asked}: a sell cannot be bought back at nothing"));
        }
        if self.start >= self.end {
            return Err(format!("start {} must be below end {}", self.start, self.end));
        }
        if self.max_open == 0 || self.max_per_batch == 0 || self.max_levels == 0 {
            return Err("max_open, max_per_batch and max_levels must be above zero".into());
        }
        // profit needs take_profit > 2 f / (1 - f) for a maker fee f each way
        if maker_fee >= Decimal::ONE {
            return Err(format!(
                "no grid pays a maker fee of {maker_fee}, which takes all it sells"
            ));
        }
        let break_even = Decimal::TWO * maker_fee / (Decimal::ONE - maker_fee);
        if self.take_profit <= break_even {
            return Err(format!(
                "take_profit {} does not pay the fees: it must be above {}",
                self.take_profit,
                break_even.round_dp(8)
            ));
        }
        Ok(())
    }

    pub(crate) fn order_interval_ns(&self) -> u64 {
        self.order_interval_ms.saturating_mul(1_000_000)
    }
}
