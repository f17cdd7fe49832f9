//! The parameters that decide where levels are and what they trade. Saved levels are only good for
//! the layout they were made from.

use crate::parameters::{Direction, Parameters, Sizing, Spacing};
use hedgerow_sdk::{Decimal, serde};

/// What the levels were laid out from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(crate = "hedgerow_sdk::serde")]
pub struct Layout {
    direction: Direction,
    start: Decimal,
    end: Decimal,
    total_quote: Decimal,
    min_step: Decimal,
    min_order_quote: Decimal,
    spacing: Spacing,
    max_levels: u32,
    #[serde(default)]
    sizing: Sizing,
    #[serde(default)]
    centre: Option<Decimal>,
}

impl Layout {
    /// As the parameters have it.
    #[must_use]
    pub fn of(p: &Parameters) -> Self {
        Self {
            direction: p.direction,
            start: p.start,
            end: p.end,
            total_quote: p.total_quote,
            min_step: p.min_step,
            min_order_quote: p.min_order_quote,
            spacing: p.spacing,
            max_levels: p.max_levels,
            sizing: p.sizing,
            centre: p.centre,
        }
    }

    pub(crate) fn direction(&self) -> Direction {
        self.direction
    }

    /// The keys in which another layout differs.
    #[must_use]
    pub fn changed(&self, other: &Self) -> Vec<&'static str> {
        let keys = [
            ("direction", self.direction == other.direction),
            ("start", self.start == other.start),
            ("end", self.end == other.end),
            ("total_quote", self.total_quote == other.total_quote),
            ("min_step", self.min_step == other.min_step),
            ("min_order_quote", self.min_order_quote == other.min_order_quote),
            ("spacing", self.spacing == other.spacing),
            ("max_levels", self.max_levels == other.max_levels),
            ("sizing", self.sizing == other.sizing),
            ("centre", self.centre == other.centre),
        ];
        keys.into_iter().filter(|(_, same)| !same).map(|(key, _)| key).collect()
    }
}
