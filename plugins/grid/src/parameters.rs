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
    /// Buys below the centre and sells above it.
    Neutral,
}

/// What is the same on each level.
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
#[serde(crate = "hedgerow_sdk::serde", rename_all = "kebab-case")]
#[schemars(crate = "hedgerow_sdk::schemars")]
pub enum Sizing {
    /// The base quantity.
    #[default]
    EqualBase,
    /// The worth in the quote currency.
    EqualQuote,
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
    /// buy, sell or neutral.
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
    /// equal-base or equal-quote.
    #[serde(default)]
    pub sizing: Sizing,
    /// Neutral grids: levels below it buy, above it sell; none: the middle when the grid begins.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub centre: Option<Decimal>,
    /// Most base units to be held, opens that rest counted; long and short alike.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub max_position_base: Option<Decimal>,
    /// Leverage the venue must confirm before anything opens; none: as it stands.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub leverage: Option<Decimal>,
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
    /// Open the levels that the market is already through at the start, as one order, instead of
    /// waiting until it has been above.
    #[serde(default)]
    pub immediate_entry: bool,
    /// A price that ends the grid when the middle crosses it: below a buy or neutral grid, above
    /// a sell grid.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub limit_price: Option<Decimal>,
    /// Neutral grids: the price above that ends it.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub upper_limit_price: Option<Decimal>,
    /// Loss of the open position that ends the grid, a fraction of its cost, entry fees counted.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub stop_loss: Option<Decimal>,
    /// Loss of the whole grid, closed parts and open position, that ends it: a fraction of
    /// `total_quote`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub stop_loss_total: Option<Decimal>,
    /// Profit of the open position that ends the grid, a fraction of its cost, entry fees and the
    /// fee of closing counted.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub position_take_profit: Option<Decimal>,
    /// Profit above which the trailing stop is armed; measured as `position_take_profit`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub trailing_activation: Option<Decimal>,
    /// How far the profit may fall from its highest once armed.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub trailing_delta: Option<Decimal>,
    /// Time that ends the grid, seconds.
    #[serde(default)]
    pub time_limit_s: Option<u64>,
    /// Keep the position when a stop other than a loss ends the grid.
    #[serde(default)]
    pub keep_position: bool,
    /// How far through the touch an order may go that takes: the close of everything, and that of
    /// `immediate_entry`. A fraction.
    #[serde(default = "half_percent")]
    #[schemars(with = "String")]
    pub close_slippage: Decimal,
}

impl Parameters {
    pub(crate) fn order_interval_ns(&self) -> u64 {
        self.order_interval_ms.saturating_mul(1_000_000)
    }
}
