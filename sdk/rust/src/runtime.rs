//! The frame around a strategy: the same code inside a component and in a native test.

use crate::context::Context;
use crate::instrument::Instrument;
use crate::state::SavedState;
use crate::strategy::{InitError, StopReason, Strategy};
use hedgerow_model::{Event, Header, Outcome, Tick};

/// A strategy with its context, called as the contract says.
#[derive(Debug)]
pub struct Runtime<S> {
    strategy: S,
    ctx: Context,
}

impl<S: Strategy> Runtime<S> {
    /// `init` of the contract.
    pub fn init(
        parameters: &str,
        instruments: Vec<Instrument>,
        saved: Option<&SavedState>,
    ) -> Result<Self, InitError> {
        let parameters = serde_json::from_str(parameters)
            .map_err(|e| InitError::BadParameters(without_place(&e.to_string())))?;
        let ctx = Context::new(instruments);
        if let Some(state) = saved
            && !(S::OLDEST_READABLE_STATE..=S::STATE_VERSION).contains(&state.version)
        {
            return Err(InitError::BadState(format!(
                "state version {} is not between {} and {}",
                state.version,
                S::OLDEST_READABLE_STATE,
                S::STATE_VERSION
            )));
        }
        let strategy = S::init(parameters, &ctx, saved)?;
        Ok(Self { strategy, ctx })
    }

    /// `on-market` of the contract: reads up to and including the first tick it acts on.
    pub fn on_market(&mut self, header: &Header, ticks: &[Tick]) -> Outcome {
        self.ctx.begin(header.now.as_nanos(), header.next_order, header.mode);
        let mut consumed = 0_u32;
        for tick in ticks {
            consumed += 1;
            self.ctx.see(tick);
            if tick.is_last() {
                self.strategy.on_tick(&mut self.ctx, tick);
                if self.ctx.acted() {
                    break;
                }
            }
        }
        self.finish(consumed)
    }

    /// `on-event` of the contract.
    pub fn on_event(&mut self, header: &Header, event: &Event) -> Outcome {
        self.ctx.begin(header.now.as_nanos(), header.next_order, header.mode);
        self.ctx.hear(event);
        self.strategy.on_event(&mut self.ctx, event);
        self.finish(0)
    }

    /// `stop` of the contract.
    pub fn stop(&mut self, header: &Header, reason: StopReason) -> Outcome {
        self.ctx.begin(header.now.as_nanos(), header.next_order, header.mode);
        self.strategy.on_stop(&mut self.ctx, reason);
        self.finish(0)
    }

    /// `save` of the contract.
    pub fn save(&self) -> SavedState {
        SavedState { version: S::STATE_VERSION, data: self.strategy.save() }
    }

    /// `status` of the contract.
    pub fn status(&self) -> String {
        self.strategy.status(&self.ctx).to_string()
    }

    /// The strategy itself, for tests.
    pub fn strategy(&self) -> &S {
        &self.strategy
    }

    /// The context, for tests.
    pub fn context(&self) -> &Context {
        &self.ctx
    }

    fn finish(&mut self, consumed: u32) -> Outcome {
        if !self.ctx.acted() {
            return Outcome { consumed, ..Outcome::default() };
        }
        let intents = self.ctx.take_intents();
        let checkpoint = intents.iter().any(|i| i.needs_checkpoint()).then(|| self.strategy.save());
        Outcome { consumed, intents, checkpoint }
    }
}

/// A mistake without its line and column: they are those of what the host made of the config, which
/// nobody sees.
fn without_place(text: &str) -> String {
    text.rsplit_once(" at line ").map_or(text, |(what, _)| what).to_owned()
}
