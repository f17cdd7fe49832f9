//! The fault model: everything that goes wrong in a run is one of these, scheduled by the seed and
//! counted when it takes effect. What each does is told in docs/simulation.md.

use serde::{Deserialize, Serialize};

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// One kind of trouble.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Fault { $($(#[$doc])* $name,)* }

        impl Fault {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its word in tables and timelines.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

faults! {
    /// Ways to and from a venue take up to seconds.
    LatencySpike = "latency-spike",
    /// A request never arrives; the session gives up waiting.
    LostRequest = "lost-request",
    /// A request arrives, its answer does not; the session gives up waiting.
    LostAnswer = "lost-answer",
    /// A request arrives after the session has given up waiting.
    LateRequest = "late-request",
    /// A private message is told twice, the second time later.
    Duplicate = "duplicate",
    /// Private messages overtake each other.
    Reorder = "reorder",
    /// An order fills in part.
    PartialFill = "partial-fill",
    /// A fill is heard after the end of its order.
    LateFill = "late-fill",
    /// The venue refuses a request for any reason it has.
    Reject = "reject",
    /// A post-only order would have taken.
    PostOnlyRefusal = "post-only-refusal",
    /// A reduce-only order would have increased.
    ReduceOnlyRefusal = "reduce-only-refusal",
    /// The venue refuses everything for a while: too many requests.
    RateLimitBan = "rate-limit-ban",
    /// Updates of a book are missing.
    SequenceGap = "sequence-gap",
    /// A book whose best bid is not below its best offer.
    CrossedBook = "crossed-book",
    /// An instrument's data does not come any more.
    FrozenBook = "frozen-book",
    /// The venue's clock is off, and jumps.
    ClockSkew = "clock-skew",
    /// Private messages are lost and nobody notices for a while.
    StreamDead = "stream-dead",
    /// A venue is gone: requests, private messages and market data.
    Outage = "outage",
    /// The venue changes its tick: prices that were good are refused.
    TickChange = "tick-change",
    /// The venue changes its lot: what is held is no whole number of them any more.
    LotChange = "lot-change",
    /// An instrument is taken from trading: resting orders end.
    Delisting = "delisting",
    /// Funding changes its sign and size between settlements.
    FundingFlip = "funding-flip",
    /// The venue closes a part of a position by itself.
    Liquidation = "liquidation",
    /// A dated future is delivered: what rests ends, what is held is settled and gone.
    Delivery = "delivery",
    /// The venue takes a part of a position for somebody else's loss.
    Deleveraging = "adl",
    /// The journal cannot commit.
    DiskFull = "disk-full",
    /// The process dies between two effects, and the last commits are lost.
    PowerCut = "power-cut",
    /// The process dies between two effects.
    Kill = "kill",
    /// A strategy's call fails.
    Trap = "trap",
    /// A strategy's component is replaced.
    Reload = "reload",
    /// An operator tightens a mode.
    ModeChange = "mode-change",
    /// A venue does not tell margin any more, whatever happens to it.
    MarginSilent = "margin-silent",
    /// A private message comes long after its venue's settling time.
    VeryLate = "very-late",
}
