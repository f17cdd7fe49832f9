//! Of an account of a config: how its venue is asked about what is, how much may be sent to it, and
//! what else of leverage is accepted there.

use super::reader::{At, Section};
use hedgerow_engine::{Asks, PoolConfig, Weights};
use hedgerow_model::{Duration, Margin};

const MINUTE_MS: u64 = 60_001;
const DAY_S: u64 = 24 * 3_600 + 1;

/// What an account says of its venue.
#[derive(Clone, Debug, Default)]
pub struct AccountEntry {
    /// How it is asked; nothing: as is usual for the kind of market.
    pub asks: Option<(Duration, Asks)>,
    /// How much may be sent.
    pub pools: Vec<PoolConfig>,
    /// Leverage and margin mode that a pair may name beside what is expected.
    pub accept: Vec<Margin>,
}

/// What is usual where the venue is another process: its answers come in order over one stream.
#[must_use]
pub fn usual() -> (Duration, Asks) {
    let asks = Asks {
        pause: Duration::from_millis(100),
        orders_every: Some(Duration::from_secs(5)),
        positions_every: Some(Duration::from_secs(60)),
        ..Asks::default()
    };
    (Duration::ZERO, asks)
}

pub(super) fn entry(s: &mut Section<'_, '_>) -> AccountEntry {
    let asks = s.table("reconcile", asks);
    let pools = s.tables("pool", pool);
    for (place, pool) in pools.iter().enumerate() {
        if pools.iter().take(place).any(|earlier| earlier.name == pool.name) {
            let what = format!("\"{}\" is defined twice", pool.name);
            s.problem(s.span(), "pool", what, "give each its own name");
        }
    }
    AccountEntry { asks, pools, accept: Vec::new() }
}

fn asks(s: &mut Section<'_, '_>) -> (Duration, Asks) {
    let (settling, known) = usual();
    let ms = |of: Duration| of.as_millis();
    let every = |of: Option<Duration>| of.map_or(0, |every| every.as_millis() / 1_000);
    let settling = s.whole_or("settling_ms", 0..MINUTE_MS, ms(settling));
    let lookups = s.whole_or("lookups", 1..101, u64::from(known.lookups));
    let pause = s.whole_or("pause_ms", 1..MINUTE_MS, ms(known.pause));
    let patience = s.whole_or("patience_ms", 1..MINUTE_MS, ms(known.patience));
    let orders = s.whole_or("orders_every_s", 0..DAY_S, every(known.orders_every));
    let positions = s.whole_or("positions_every_s", 0..DAY_S, every(known.positions_every));
    let every = |seconds: u64| (seconds > 0).then(|| Duration::from_secs(seconds));
    let asks = Asks {
        lookups: u8::try_from(lookups).unwrap_or(known.lookups),
        pause: Duration::from_millis(pause),
        patience: Duration::from_millis(patience),
        orders_every: every(orders),
        positions_every: every(positions),
    };
    (Duration::from_millis(settling), asks)
}

fn pool(s: &mut Section<'_, '_>) -> Option<PoolConfig> {
    let small = |at: Option<At<u64>>| at.and_then(|at| u32::try_from(at.value).ok());
    let name = s.text("name").map(|at| at.value);
    let burst = small(s.whole("burst", 1..1_000_001));
    let per = s.whole("per_ms", 1..DAY_S * 1_000).map(|at| Duration::from_millis(at.value));
    let reserve = s.whole("reserve", 0..1_000_001);
    let wait = s.whole_or("wait_ms", 0..MINUTE_MS, 1_000);
    let weights = s.table("weights", |s| {
        let mut of = |key| u32::try_from(s.whole_or(key, 0..100_001, 1)).unwrap_or(1);
        let (place, cancel, amend) = (of("place"), of("cancel"), of("amend"));
        Weights { place, cancel, amend, query: of("query"), reconcile: of("reconcile") }
    });
    let one = Weights { place: 1, cancel: 1, amend: 1, query: 1, reconcile: 1 };
    let (burst, reserve) = (burst?, reserve?);
    if reserve.value >= u64::from(burst) {
        let what = format!("is {}, and the burst is {burst}", reserve.value);
        s.problem(reserve.span, "reserve", what, "leave something for what opens");
        return None;
    }
    Some(PoolConfig {
        name: name?,
        burst,
        per: per?,
        reserve: u32::try_from(reserve.value).ok()?,
        wait: Duration::from_millis(wait),
        weights: weights.unwrap_or(one),
    })
}
