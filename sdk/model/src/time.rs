//! Points in time and spans of it, nanoseconds UTC since the Unix epoch.
//!
//! Two clocks, two types: a venue's time never meets the host's by accident. This file never reads
//! a clock; times only arrive inside inputs.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A span of time in nanoseconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Duration(u64);

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// From milliseconds, saturating at the largest span.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// From seconds, saturating at the largest span.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// The span in nanoseconds.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The span in whole milliseconds, rounded down.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }
}

macro_rules! clock {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize,
            Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            /// The epoch, 1970-01-01T00:00:00Z.
            pub const EPOCH: Self = Self(0);
            /// Later than every point in time that occurs.
            pub const NEVER: Self = Self(u64::MAX);

            /// From nanoseconds since the epoch.
            #[must_use]
            pub const fn from_nanos(nanos: u64) -> Self {
                Self(nanos)
            }

            /// Nanoseconds since the epoch.
            #[must_use]
            pub const fn as_nanos(self) -> u64 {
                self.0
            }

            /// This time plus a span, saturating at [`Self::NEVER`].
            #[must_use]
            pub const fn after(self, span: Duration) -> Self {
                Self(self.0.saturating_add(span.0))
            }

            /// The span from `earlier` to this time; zero when `earlier` is not earlier.
            #[must_use]
            pub const fn since(self, earlier: Self) -> Duration {
                Duration(self.0.saturating_sub(earlier.0))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}.{:09}", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
            }
        }
    };
}

clock! {
    /// Time by the host's clock: when something reached us. The engine's only notion of "now".
    HostTime
}
clock! {
    /// Time by a venue's clock: when the venue says something happened.
    VenueTime
}
