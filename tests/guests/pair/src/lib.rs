//! A strategy that opens and closes one pair again and again, and knows from its plans alone where
//! it stands.

use hedgerow_sdk::model::{Duration, InstrumentId};
use hedgerow_sdk::{
    Accept, Context, Decimal, Event, Give, InitError, LegOrder, Making, PairRequest, PairSize,
    SavedState, Strategy, Tick, TickKind, TimerId, Want, save_json, schemars, serde, serde_json,
};

/// What it is told.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(crate = "hedgerow_sdk::serde", deny_unknown_fields)]
#[schemars(crate = "hedgerow_sdk::schemars")]
pub struct Parameters {
    /// How often it does something, ms.
    pub every_ms: u64,
    /// The order of legs, as in a request for a pair.
    pub legs: String,
}

/// What it has asked for.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(crate = "hedgerow_sdk::serde", default)]
pub struct Pair {
    every_ms: u64,
    legs: LegOrder,
    asked: u64,
    refused: u64,
    ended: u64,
}

const TURN: TimerId = TimerId(1);

impl Pair {
    fn leg(ctx: &Context, role: &str) -> Option<InstrumentId> {
        ctx.role(role).map(|known| known.spec.id)
    }

    fn turn(&mut self, ctx: &mut Context) {
        ctx.set_timer(TURN, ctx.now().after(Duration::from_millis(self.every_ms)));
        if ctx.plans().any(|plan| !plan.is_over()) {
            return;
        }
        let legs = Self::leg(ctx, "long").zip(Self::leg(ctx, "short"));
        let Some((long, short)) = legs else { return };
        let make = self
            .legs
            .maker()
            .map(|_| Making { reprice_ms: 100, ..Making::new(700, Give::Bps(20)) });
        let request = PairRequest {
            buy: long,
            sell: short,
            size: PairSize::Base(Decimal::new(1, 2)),
            legs: self.legs,
            first: Give::Bps(20),
            hedge: Give::Bps(50),
            emergency: Give::Bps(200),
            deadline_ms: 1_000,
            tries: 3,
            min_premium_bps: None,
            make,
            accept: Accept::default(),
        };
        self.asked += 1;
        if ctx.position(long).is_zero() && ctx.position(short).is_zero() {
            ctx.pair_open(&request);
        } else {
            ctx.pair_close(&PairRequest { buy: short, sell: long, size: PairSize::All, ..request });
        }
    }
}

impl Strategy for Pair {
    type Parameters = Parameters;
    const NAME: &'static str = "pair";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn wants() -> Vec<Want> {
        ["long", "short"].map(|role| Want::traded(role, &[TickKind::Quote])).to_vec()
    }

    fn init(p: Parameters, _: &Context, saved: Option<&SavedState>) -> Result<Self, InitError> {
        let state: Self = SavedState::json_or_default(saved)?;
        let legs = serde_json::from_value(serde_json::Value::String(p.legs));
        let legs = legs.map_err(|e| InitError::BadParameters(format!("legs: {e}")))?;
        Ok(Self { every_ms: p.every_ms, legs, ..state })
    }

    fn on_tick(&mut self, _: &mut Context, _: &Tick) {}

    fn on_event(&mut self, ctx: &mut Context, event: &Event) {
        match event {
            Event::Timer(TURN) => self.turn(ctx),
            Event::Resumed(_) if ctx.timers().next().is_none() => self.turn(ctx),
            Event::Plan(_) => self.ended += u64::from(!ctx.plans().any(|p| !p.is_over())),
            Event::Other(_) => self.refused += 1,
            _ => {}
        }
    }

    fn save(&self) -> Vec<u8> {
        save_json(self)
    }

    fn status(&self, _: &Context) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

hedgerow_sdk::export!(Pair);
