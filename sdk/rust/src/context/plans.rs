//! Plans as a strategy asks for them and sees them.

use super::Context;
use hedgerow_model::{
    InstrumentId, Intent, OpaqueMessage, PairKind, PairRequest, PlanUpdate, SingleRequest,
};

/// Ended plans are forgotten beyond so many.
const PLANS_KEPT: usize = 64;

impl Context {
    /// Asks for both legs of a pair to be opened; gives the plan's number. The host carries it out
    /// whatever becomes of this strategy; where it stands is in [`Self::plan`] and comes as
    /// [`crate::Event::Plan`]. One that does not begin is refused with [`crate::Event::Other`].
    pub fn pair_open(&mut self, request: &PairRequest) -> u64 {
        self.begin_plan(PairKind::Open, request)
    }

    /// Asks for both legs of a pair to be closed, reduce-only: `buy` is what was sold.
    pub fn pair_close(&mut self, request: &PairRequest) -> u64 {
        self.begin_plan(PairKind::Close, request)
    }

    /// Asks for a plan of one leg; gives its number. The host carries it out whatever becomes of
    /// this strategy; where it stands is in [`Self::plan`] and comes as [`crate::Event::Plan`]. One
    /// that does not begin is refused with [`crate::Event::Other`].
    ///
    /// ```
    /// use hedgerow_sdk::{
    ///     AggressiveRequest, BarrierRequest, ChaseRequest, CloseRequest, Context, Decimal,
    ///     LimitRequest, MarketRequest, OrderSize, Side, TieredRequest, TwapRequest,
    /// };
    /// use hedgerow_sdk::model::InstrumentId;
    ///
    /// fn ask(ctx: &mut Context, btc: InstrumentId) -> u64 {
    ///     let (buy, size) = (Side::Buy, OrderSize::Quote(Decimal::from(10_000)));
    ///     let price = Decimal::from(60_000);
    ///     // a limit order for two seconds; a market order within 5 bps
    ///     ctx.carry_out(LimitRequest::new(btc, buy, size, price, 2_000).post_only());
    ///     ctx.carry_out(MarketRequest::new(btc, buy, size, 5));
    ///     // ten ticks beyond the touch, or 3 bps; up to four times
    ///     ctx.carry_out(AggressiveRequest::new(btc, buy, size).cross_ticks(10));
    ///     ctx.carry_out(AggressiveRequest::new(btc, buy, size).bps(3));
    ///     // rests half a second, then takes within 5 bps
    ///     ctx.carry_out(TieredRequest::new(btc, buy, size, 500, 5));
    ///     // follows the touch for a minute, crosses the spread in three steps of five seconds
    ///     ctx.carry_out(ChaseRequest::new(btc, buy, size, price, 60_000).crossing(3, 5_000));
    ///     // ten slices in ten minutes, each resting for half a minute before it takes
    ///     ctx.carry_out(TwapRequest::new(btc, buy, size, (600_000, 60_000), 5).making(30_000));
    ///     // everything that is held
    ///     ctx.carry_out(CloseRequest::new(btc, 20));
    ///     // in at once; out at a loss of 1 %, a profit of 2 %, or after an hour
    ///     let fee = Decimal::new(5, 4);
    ///     let barrier = BarrierRequest::new(btc, buy, (fee, fee), 20).enter_now(size, 5);
    ///     let barrier = barrier.stop_loss(Decimal::new(1, 2)).take_profit(Decimal::new(2, 2));
    ///     ctx.carry_out(barrier.time_limit_ms(3_600_000))
    /// }
    /// ```
    pub fn carry_out(&mut self, request: impl Into<SingleRequest>) -> u64 {
        let request = request.into();
        let json = match &request {
            SingleRequest::Limit(request) => serde_json::to_string(request),
            SingleRequest::Market(request) => serde_json::to_string(request),
            SingleRequest::AggressiveLimit(request) => serde_json::to_string(request),
            SingleRequest::InsideSpread(request) => serde_json::to_string(request),
            SingleRequest::Tiered(request) => serde_json::to_string(request),
            SingleRequest::Chase(request) => serde_json::to_string(request),
            SingleRequest::Twap(request) => serde_json::to_string(request),
            SingleRequest::ClosePosition(request) => serde_json::to_string(request),
            SingleRequest::Barrier(request) => serde_json::to_string(request),
        };
        self.ask_for_plan(request.kind().word(), json.unwrap_or_default())
    }

    fn begin_plan(&mut self, kind: PairKind, request: &PairRequest) -> u64 {
        self.ask_for_plan(kind.word(), serde_json::to_string(request).unwrap_or_default())
    }

    fn ask_for_plan(&mut self, kind: &str, json: String) -> u64 {
        // the moment it is asked for: no other run has used it
        let id = self.now.max(self.next_plan);
        self.next_plan = id.saturating_add(1);
        self.push(Intent::Plan { id, kind: kind.into(), json });
        id
    }

    /// Gives a plan up. A pair: nothing more is completed, what one leg has too much is taken back.
    /// One leg: what rests is canceled, and no more is sent; a barrier closes what it holds, unless
    /// it was told to keep it.
    pub fn cancel_plan(&mut self, plan: u64) {
        self.push(Intent::CancelPlan(plan));
    }

    /// Asks for another leverage, in hundredths, where the operator has granted it. What holds then
    /// comes as [`crate::Event::Leverage`], whatever became of it.
    pub fn set_leverage(&mut self, instrument: InstrumentId, leverage_hundredths: u32) {
        self.push(Intent::SetLeverage { instrument, leverage_hundredths });
    }

    /// Where a plan stands: one that is under way or stuck, or ended since this instance began.
    #[must_use]
    pub fn plan(&self, id: u64) -> Option<&PlanUpdate> {
        self.plans.get(&id)
    }

    /// All of them.
    pub fn plans(&self) -> impl Iterator<Item = &PlanUpdate> {
        self.plans.values()
    }

    pub(super) fn plan_is(&mut self, message: &OpaqueMessage) {
        let Ok(update) = serde_json::from_str::<PlanUpdate>(&message.json) else { return };
        self.plans.insert(update.plan(), update);
        while self.plans.len() > PLANS_KEPT {
            let over = self.plans.values().find(|update| update.is_over());
            let Some(oldest) = over.map(PlanUpdate::plan) else { return };
            self.plans.remove(&oldest);
        }
    }
}
