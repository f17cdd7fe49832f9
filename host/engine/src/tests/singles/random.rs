//! Whatever the venue does and in whatever order it is heard, with lost requests, lost answers,
//! late fills, duplicates, torn streams and deaths of the host: never more is sent than was asked
//! for, never an order while another's outcome is unknown, always an end, and the ledger is the
//! venue's.

use super::world::World;
use super::*;
use hedgerow_model::{InsideSpreadRequest, OnCancel, SinglePurpose, Stamped};
use proptest::prelude::*;

/// What can happen next.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The venue fills some of an order.
    Fill { order: usize, lots: i64 },
    /// The venue ends an order.
    End { order: usize },
    /// The venue refuses an order of which nothing is filled.
    Reject { order: usize },
    /// A report arrives, perhaps not the oldest, perhaps twice.
    Hear { place: usize, again: bool },
    /// No answer came in time.
    TimeOut { order: usize },
    /// What leaves next is lost.
    Lose,
    /// The stream is torn, and comes back.
    Tear,
    /// The host dies; what it had to send last left or did not.
    Die { sent: bool },
    /// The market moves, or falls silent.
    Move { to: i64 },
    /// Time passes.
    Pass { ms: u64 },
    /// The strategy gives the plan up.
    GiveUp,
    /// An operator changes the mode.
    Mode { mode: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let order = 0..4_usize;
    prop_oneof![
        6 => (order.clone(), 1..40_i64).prop_map(|(order, lots)| Step::Fill { order, lots }),
        3 => order.clone().prop_map(|order| Step::End { order }),
        2 => order.clone().prop_map(|order| Step::Reject { order }),
        12 => (0..4_usize, prop::bool::weighted(0.2))
            .prop_map(|(place, again)| Step::Hear { place, again }),
        2 => order.prop_map(|order| Step::TimeOut { order }),
        1 => Just(Step::Lose),
        1 => Just(Step::Tear),
        1 => any::<bool>().prop_map(|sent| Step::Die { sent }),
        4 => (-80..80_i64).prop_map(|to| Step::Move { to }),
        6 => (1..900_u64).prop_map(|ms| Step::Pass { ms }),
        1 => Just(Step::GiveUp),
        1 => (0..3_usize).prop_map(|mode| Step::Mode { mode }),
    ]
}

/// Every kind, on a market of 600.00 to 600.10 in whole units of 0.1.
fn requests() -> Vec<SingleRequest> {
    let size = base("0.1");
    let limit = LimitRequest::new(X, Side::Buy, size, dec("59999"), 1_500);
    let aggressive = AggressiveRequest::new(X, Side::Sell, size).bps(5);
    let inside = InsideSpreadRequest::new(X, Side::Buy, size, 20);
    let tiered = TieredRequest::new(X, Side::Sell, size, 700, 20);
    let chase = ChaseRequest::new(X, Side::Buy, size, dec("60010"), 4_000);
    let twap = TwapRequest::new(X, Side::Buy, size, (4_000, 1_000), 20);
    let close = CloseRequest { tries: 4, ..CloseRequest::new(X, 20) };
    let fees = (dec("0.0005"), dec("0.0005"));
    let barrier = BarrierRequest::new(X, Side::Buy, fees, 50)
        .stop_loss(dec("0.0015"))
        .take_profit(dec("0.0005"))
        .trailing(dec("0.0002"), dec("0.0003"))
        .time_limit_ms(6_000);
    let rests = BarrierRequest { resting_take_profit: true, ..barrier.clone() };
    let keeps = BarrierRequest { on_cancel: OnCancel::Keep, ..barrier.clone() };
    vec![
        limit.into(),
        MarketRequest::new(X, Side::Sell, size, 20).into(),
        aggressive.into(),
        inside.into(),
        tiered.into(),
        chase.clone().into(),
        chase.crossing(3, 700).into(),
        twap.clone().into(),
        twap.making(500).into(),
        close.clone().into(),
        close.dual().into(),
        barrier.clone().enter_at(size, dec("60000")).into(),
        rests.clone().enter_at(size, dec("60000")).into(),
        rests.enter_now(size, 10).holding(OrderSize::All).into(),
        keeps.enter_now(size, 10).into(),
        barrier.holding(OrderSize::All).into(),
    ]
}

impl World {
    fn happen(&mut self, step: Step) {
        match step {
            Step::Fill { order, lots } => {
                self.alive(order).into_iter().for_each(|order| self.fill(order, lots));
            }
            Step::End { order } => {
                self.alive(order).into_iter().for_each(|order| self.end(order, false));
            }
            Step::Reject { order } => {
                if let Some(order) = self.alive(order).filter(|order| order.filled == 0) {
                    self.orders.get_mut(&order.sent.wire).unwrap().alive = false;
                    let reason = hedgerow_model::VenueRejection::NotTrading;
                    self.tell(VenueReport::Rejected { wire: WireId(order.sent.wire), reason });
                }
            }
            Step::Hear { place, again } => {
                let count = self.coming.len().max(1);
                if let Some(report) = self.coming.remove(place % count) {
                    if again {
                        self.coming.push_back(report.clone());
                    }
                    self.hear(report);
                }
            }
            Step::TimeOut { order } => {
                let all: Vec<u64> = self.orders.keys().copied().collect();
                if let Some(wire) = all.get(order % all.len().max(1)) {
                    self.one.rig.report(VenueReport::OutcomeUnknown { wire: WireId(*wire) });
                }
            }
            Step::Lose => self.lose = true,
            Step::Tear => {
                self.one.rig.report(VenueReport::Down);
                self.one.pass(20);
                self.deliver(true);
                self.reconcile();
            }
            Step::Die { sent } => {
                self.die(sent);
                self.reconcile();
            }
            Step::Move { to } if to > 70 => self.one.market = None,
            Step::Move { to } => self.one.quote(600_000 + to, 600_003 + to),
            Step::Pass { ms } => self.one.pass(ms),
            Step::GiveUp => self.one.give_up(),
            Step::Mode { mode } => {
                let modes = [TradingMode::ReduceOnly, TradingMode::CancelOnly, TradingMode::Halted];
                self.one.mode(modes[mode]);
            }
        }
        self.answer();
        self.deliver(true);
    }
}

/// Facts one by one: no order of the plan leaves while the outcome of another is not known, but the
/// second of two that are sent together.
pub(super) fn assert_known_before_each(config: &EngineConfig, facts: &[Stamped]) {
    let mut engine = Engine::new(config.clone());
    for stamped in facts {
        if let Fact::Plan {
            step: PlanStep::Single(SingleStep::Sends { purpose, number, .. }),
            ..
        } = &stamped.fact
        {
            for (other, slot) in engine.strategies[0].orders.range(PLAN_ORDERS..) {
                let together = *purpose == SinglePurpose::Other && *other + 1 == *number;
                let known =
                    matches!(slot.order.status, OrderStatus::Open | OrderStatus::PartiallyFilled);
                let known = known && slot.ending.is_none();
                assert!(known || together, "{number} leaves beside {:?}", slot.order);
            }
        }
        engine.restore([stamped]);
    }
}

/// Random runs; `HEDGEROW_PLAN_CASES` sets how many.
fn cases() -> ProptestConfig {
    let asked = std::env::var("HEDGEROW_PLAN_CASES").ok().and_then(|n| n.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(600), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_plan_of_one_leg_sends_no_more_than_asked_and_ends_whatever_happens(
        request in prop::sample::select(requests()),
        fills in any::<bool>(),
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut world = World::new(&request);
        for step in steps {
            world.happen(step);
        }
        world.settle(fills);
    }
}
