//! What a strategy says of itself before it is started.

use crate::strategy::Strategy;
use hedgerow_model::TickKind;

/// What a strategy wants to see of one role. The host's config maps roles to instruments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The role's name, such as "market" or "hedge".
    pub role: String,
    /// Which ticks.
    pub kinds: Vec<TickKind>,
    /// Book levels per side, 0 for all. Hosts give all of them today and refuse another number.
    pub depth: u16,
    /// Bar interval in nanoseconds, 0 for no bars.
    pub bar_interval: u64,
    /// Closed bars wanted before the start.
    pub bar_history: u32,
    /// Whether the instrument must be tradable.
    pub trades: bool,
}

impl Want {
    /// A role that is only watched.
    #[must_use]
    pub fn watched(role: &str, kinds: &[TickKind]) -> Self {
        Self {
            role: role.into(),
            kinds: kinds.to_vec(),
            depth: 0,
            bar_interval: 0,
            bar_history: 0,
            trades: false,
        }
    }

    /// A role that is traded.
    ///
    /// ```
    /// use hedgerow_sdk::{TickKind, Want};
    /// let want = Want::traded("market", &[TickKind::Quote, TickKind::Trade]);
    /// assert!(want.trades);
    /// ```
    #[must_use]
    pub fn traded(role: &str, kinds: &[TickKind]) -> Self {
        Self { trades: true, ..Self::watched(role, kinds) }
    }
}

impl Want {
    /// The same, and bars: how long each is, and how many closed ones are shown as history before
    /// `resumed`.
    ///
    /// ```
    /// use hedgerow_sdk::{TickKind, Want};
    /// let want = Want::traded("market", &[TickKind::Quote]).with_bars(60_000_000_000, 20);
    /// assert_eq!(want.bar_history, 20);
    /// ```
    #[must_use]
    pub fn with_bars(self, interval_ns: u64, history: u32) -> Self {
        Self { bar_interval: interval_ns, bar_history: history, ..self }
    }
}

/// The answer to `describe`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The strategy's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The contract it was built against.
    pub contract: String,
    /// The version of the state it writes.
    pub state_version: u32,
    /// The oldest state it can read.
    pub oldest_readable_state: u32,
    /// JSON Schema of its parameters.
    pub parameters: String,
    /// Asked for beyond data and orders.
    pub capabilities: Vec<String>,
    /// What it wants to see.
    pub wants: Vec<Want>,
}

/// The contract this SDK speaks.
pub(crate) const CONTRACT: &str = "0.1.0";

impl Description {
    /// What a strategy says if it does not say it by hand.
    #[must_use]
    pub fn of<S: Strategy>() -> Self {
        let schema = schemars::schema_for!(S::Parameters);
        Self {
            name: S::NAME.into(),
            version: S::VERSION.into(),
            contract: CONTRACT.into(),
            state_version: S::STATE_VERSION,
            oldest_readable_state: S::OLDEST_READABLE_STATE,
            parameters: serde_json::to_string(&schema).unwrap_or_default(),
            capabilities: S::capabilities(),
            wants: S::wants(),
        }
    }
}
