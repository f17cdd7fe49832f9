//! Risk: the gate that every order passes, and the guards that watch the whole. Both fail closed.

mod band;
mod cancel_ratio;
mod collar;
pub(crate) mod drawdown;
mod draws;
mod emergency;
mod equity;
mod flatten;
mod funding_flip;
mod gate;
mod gross;
mod guards;
mod hedge_gap;
mod leverage;
mod liquidation;
pub(crate) mod loss;
pub(crate) mod loss_day;
mod margin;
mod margin_health;
mod margin_ratio;
mod margin_utilisation;
mod modes;
mod net;
mod notional;
mod open_orders;
mod order_rate;
mod pairs;
mod pools;
mod position;
mod rate;
mod safe_leverage;
mod self_cross;
mod sights;
mod stale;
mod tally;
mod trip;
mod unhedged;
mod unknown;
mod venue_health;
mod worst;

use hedgerow_model::Decimal;

/// A guard of margin rests when its figure is so many points below its limit.
const HYSTERESIS: Decimal = Decimal::from_parts(5, 0, 0, false, 0);

pub(crate) use cancel_ratio::CancelCount;
pub(crate) use draws::Due;
pub(crate) use flatten::Flattening;
pub(crate) use gate::Asked;
pub(crate) use guards::GUARD;
pub(crate) use margin::Margins;
pub(crate) use modes::{Modes, is_of};
pub(crate) use order_rate::buckets;
pub(crate) use pairs::{Duties, HOST_PLANS};
pub(crate) use pools::Rations;
pub(crate) use rate::{DenialLimit, TALK_BYTES_PER_S, Talk, TalkLimit, TokenBucket};
pub(crate) use sights::Sights;
pub(crate) use tally::{Counted, Tally};
pub(crate) use trip::{Guards, Tripped};
pub(crate) use unhedged::{Hedge, Hedges};
pub(crate) use worst::Beside;
