//! What a venue accepts, which may change while an instrument lives.

use crate::fixed::Quantity;
use crate::grid::PriceGrid;
use crate::instrument::Instrument;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What a venue may change of an instrument while it trades. All else is fixed for the life of the
/// id: a venue that changes a scale, a multiplier or the kind has another instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Which prices the venue accepts.
    pub grid: PriceGrid,
    /// The step of quantities.
    pub lot: Quantity,
    /// The smallest order.
    pub min_quantity: Quantity,
    /// The largest order, if the venue has one.
    pub max_quantity: Option<Quantity>,
    /// The smallest order value in the quote currency, if the venue has one.
    pub min_notional: Option<Decimal>,
}

impl Instrument {
    /// What its venue may change.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let Self { grid, lot, min_quantity, max_quantity, min_notional, .. } = *self;
        Terms { grid, lot, min_quantity, max_quantity, min_notional }
    }

    /// The same by other terms.
    #[must_use]
    pub fn with_terms(self, terms: Terms) -> Self {
        let Terms { grid, lot, min_quantity, max_quantity, min_notional } = terms;
        Self { grid, lot, min_quantity, max_quantity, min_notional, ..self }
    }
}
