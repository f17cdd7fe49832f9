//! The leverage that the venue must confirm before anything opens.

use crate::{Grid, say};
use hedgerow_sdk::model::OpaqueMessage;
use hedgerow_sdk::{Context, Intent, serde_json};

/// How long an answer is waited for before it is asked again, ns.
const AGAIN_NS: u64 = 60_000_000_000;

/// What is known of it. Not saved: a venue tells it again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lever {
    /// Hundredths, as the venue last told.
    in_force: Option<u32>,
    /// When it was asked for.
    asked: Option<u64>,
}

impl Lever {
    pub(crate) fn is_in_force(&mut self, hundredths: u32) {
        self.in_force = Some(hundredths);
    }

    /// A refusal is said once a minute: it is asked for no sooner.
    pub(crate) fn on_notice(&mut self, ctx: &mut Context, notice: &OpaqueMessage) {
        let json = serde_json::from_str::<serde_json::Value>(&notice.json).unwrap_or_default();
        if self.asked.is_some() && json["denied"] == "set-leverage" {
            let code = notice.code;
            say(
                ctx,
                hedgerow_sdk::Level::Warn,
                format!("nothing opens: the leverage was not set, reason {code}"),
            );
        }
    }
}

impl Grid {
    /// Whether the venue has the leverage that the parameters ask for; asks for it.
    pub(crate) fn is_levered(&mut self, ctx: &mut Context) -> bool {
        let Some(leverage_hundredths) = self.parameters.leverage_hundredths() else { return true };
        if self.lever.in_force == Some(leverage_hundredths) {
            return true;
        }
        let now = ctx.now().as_nanos();
        if self.lever.asked.is_none_or(|at| now.saturating_sub(at) >= AGAIN_NS) {
            self.lever.asked = Some(now);
            let instrument = self.market.spec.id;
            ctx.want(Intent::SetLeverage { instrument, leverage_hundredths });
        }
        false
    }
}
