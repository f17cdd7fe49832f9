//! Whatever the venues do and in whatever order it is heard, with time-outs, lost requests, torn
//! streams and deaths of the host: a pair ends balanced, flat, or stuck with an alarm, and the
//! ledger is the venues'.

use super::*;
use crate::snapshot::tests::any_cut_is_the_whole;
use hedgerow_model::{Give, Making};
use hedgerow_model::{OrderPhase, OrderState, QueryAnswer};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

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
    Hear { leg: usize, place: usize, again: bool },
    /// No answer came in time.
    TimeOut { order: usize },
    /// The stream of an account is torn, and comes back.
    Tear { leg: usize },
    /// The host dies; what it had to send last left or did not.
    Die { sent: bool },
    /// A market moves by so many ticks, or loses its bids.
    Move { leg: usize, ticks: i64, bids: bool },
    /// Time passes.
    Pass { ms: u64 },
    /// The strategy gives the plan up.
    GiveUp,
    /// An operator changes the mode.
    Mode { mode: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let order = 0..8_usize;
    prop_oneof![
        6 => (order.clone(), 1..40_i64).prop_map(|(order, lots)| Step::Fill { order, lots }),
        4 => order.clone().prop_map(|order| Step::End { order }),
        2 => order.clone().prop_map(|order| Step::Reject { order }),
        9 => (0..2_usize, 0..4_usize, prop::bool::weighted(0.2))
            .prop_map(|(leg, place, again)| Step::Hear { leg, place, again }),
        2 => order.prop_map(|order| Step::TimeOut { order }),
        1 => (0..2_usize).prop_map(|leg| Step::Tear { leg }),
        1 => any::<bool>().prop_map(|sent| Step::Die { sent }),
        2 => (0..2_usize, -40..40_i64, prop::bool::weighted(0.8))
            .prop_map(|(leg, ticks, bids)| Step::Move { leg, ticks, bids }),
        4 => (1..400_u64).prop_map(|ms| Step::Pass { ms }),
        1 => Just(Step::GiveUp),
        1 => (0..2_usize).prop_map(|mode| Step::Mode { mode }),
    ]
}

/// An order as its venue has it.
#[derive(Clone, Copy, Debug)]
struct Theirs {
    sent: Sent,
    filled: i64,
    alive: bool,
}

/// Two venues with a truth of their own.
struct World {
    pair: Pair,
    /// By leg and wire id.
    orders: BTreeMap<(u32, u64), Theirs>,
    /// Everything each venue ever reported, and what of it is still on its way.
    told: [Vec<(u64, VenueReport)>; 2],
    coming: [VecDeque<(u64, VenueReport)>; 2],
    trades: u64,
    /// Questions that were answered, by leg.
    answered: BTreeSet<(u32, u64)>,
}

impl World {
    fn new(legs_first: LegOrder, tries: u32) -> Self {
        let mut world = Self {
            pair: Pair::with(legs(), wide(), true),
            orders: BTreeMap::new(),
            told: Default::default(),
            coming: Default::default(),
            trades: 0,
            answered: BTreeSet::new(),
        };
        world.reconcile(0);
        world.reconcile(1);
        let make = legs_first.maker().map(|_| Making::new(1_200, Give::Ticks(50)));
        world.pair.open(&PairRequest { legs: legs_first, tries, make, ..request() });
        world.take_sent(true);
        world
    }

    /// Orders that left reach their venue, or do not.
    fn take_sent(&mut self, arrives: bool) {
        for sent in self.pair.sent() {
            let held = self.position(sent.leg);
            let room = -held * sent.side.sign();
            let refused = sent.reduce_only && room < sent.quantity;
            if !arrives {
                continue;
            }
            let order = Theirs { sent, filled: 0, alive: !refused };
            let known = self.orders.insert((sent.leg.0, sent.wire), order);
            assert!(known.is_none(), "sent twice: {sent:?}");
            let crosses = sent.rests && self.crosses(sent);
            if crosses {
                self.change(sent, |order| order.alive = false);
                let reason = hedgerow_model::VenueRejection::PostOnlyWouldTake;
                self.tell(sent.leg, VenueReport::Rejected { wire: WireId(sent.wire), reason });
            } else if refused {
                let reason = hedgerow_model::VenueRejection::WouldIncrease;
                self.tell(sent.leg, VenueReport::Rejected { wire: WireId(sent.wire), reason });
            }
        }
        self.take_cancels(arrives);
    }

    fn crosses(&self, sent: Sent) -> bool {
        let market = self.pair.rig.engine.markets.get(sent.leg).unwrap();
        let other = market.touch(sent.side.opposite());
        other.is_some_and(|other| sent.side.reaches(Price::from_units(sent.price), other))
    }

    /// Cancels that left reach their venue, or do not.
    fn take_cancels(&mut self, arrives: bool) {
        for (leg, wire) in std::mem::take(&mut self.pair.canceled) {
            let known = self.orders.get(&(leg.0, wire)).copied().filter(|_| arrives);
            let Some(order) = known else { continue };
            let wire = WireId(wire);
            let report = if order.alive {
                self.change(order.sent, |order| order.alive = false);
                VenueReport::Canceled { wire, filled: Some(Quantity::from_units(order.filled)) }
            } else {
                let reason = hedgerow_model::VenueRejection::UnknownOrder;
                VenueReport::CancelRejected { wire, reason }
            };
            self.tell(leg, report);
        }
    }

    fn tell(&mut self, leg: InstrumentId, report: VenueReport) {
        let told = (self.pair.rig.now, report);
        self.told[leg.index()].push(told.clone());
        self.coming[leg.index()].push_back(told);
    }

    fn position(&self, leg: InstrumentId) -> i64 {
        let on = self.orders.iter().filter(|((of, _), _)| *of == leg.0);
        on.map(|(_, order)| order.sent.side.sign() * order.filled).sum()
    }

    fn alive(&self, order: usize) -> Option<Theirs> {
        let alive: Vec<Theirs> = self.orders.values().filter(|o| o.alive).copied().collect();
        alive.get(order % alive.len().max(1)).copied()
    }

    fn change(&mut self, sent: Sent, change: impl FnOnce(&mut Theirs)) {
        if let Some(order) = self.orders.get_mut(&(sent.leg.0, sent.wire)) {
            change(order);
        }
    }

    fn fill(&mut self, order: Theirs, lots: i64) {
        let sent = order.sent;
        let lot = if sent.leg == L { 10 } else { 5 };
        let units = (lots * lot).min(sent.quantity - order.filled);
        self.trades += 1;
        self.change(sent, |order| {
            order.filled += units;
            order.alive = order.filled < order.sent.quantity;
        });
        let report = VenueReport::Fill {
            wire: WireId(sent.wire),
            trade: TradeId(self.trades),
            instrument: sent.leg,
            price: Price::from_units(sent.price),
            quantity: Quantity::from_units(units),
            liquidity: Liquidity::Taker,
            fee: Fee::ZERO,
        };
        self.tell(sent.leg, report);
    }

    fn end(&mut self, order: Theirs) {
        self.change(order.sent, |order| order.alive = false);
        let (wire, filled) = (WireId(order.sent.wire), Some(Quantity::from_units(order.filled)));
        self.tell(order.sent.leg, VenueReport::Expired { wire, filled });
    }

    fn hear(&mut self, leg: usize, place: usize, again: bool) {
        let coming = &mut self.coming[leg];
        let Some(report) = coming.remove(place % coming.len().max(1)) else { return };
        if again {
            coming.push_back(report.clone());
        }
        self.pair.report_of(InstrumentId(u32::try_from(leg).unwrap()), report);
    }

    /// The stream is back: the host asks, the venue answers.
    fn reconcile(&mut self, leg: usize) {
        let id = InstrumentId(u32::try_from(leg).unwrap());
        self.pair.report(id, VenueReport::Up);
        self.answer();
    }

    /// Tells again all that happened, then what is, to whoever asks.
    fn answer(&mut self) {
        let questions = |world: &Self| -> Vec<(u32, u64, Option<WireId>)> {
            let asks = world.pair.rig.effects.commands.iter().filter_map(|command| match command {
                VenueCommand::Reconcile { nonce, account, .. } => Some((account.0, *nonce, None)),
                VenueCommand::QueryOrder { nonce, account, wire, .. }
                | VenueCommand::QueryTrades { nonce, account, wire, .. } => {
                    Some((account.0, *nonce, Some(*wire)))
                }
                _ => None,
            });
            asks.filter(|(leg, nonce, _)| !world.answered.contains(&(*leg, *nonce))).collect()
        };
        while let Some((leg, nonce, wire)) = questions(self).first().copied() {
            if let Some(wire) = wire {
                self.answered.insert((leg, nonce));
                self.answer_of(InstrumentId(leg), nonce, wire);
                continue;
            }
            self.answered.insert((leg, nonce));
            let id = InstrumentId(leg);
            self.coming[id.index()].clear();
            for report in self.told[id.index()].clone() {
                self.pair.report_of(id, report);
            }
            let open: Vec<Theirs> = self.orders.values().filter(|o| o.alive).copied().collect();
            for Theirs { sent, filled, .. } in open.into_iter().filter(|o| o.sent.leg == id) {
                let report = VenueReport::OpenOrder {
                    nonce,
                    wire: WireId(sent.wire),
                    order: VenueOrderId(sent.wire),
                    instrument: id,
                    price: Price::from_units(sent.price),
                    quantity: Quantity::from_units(sent.quantity),
                    filled: Quantity::from_units(filled),
                };
                self.pair.report(id, report);
            }
            let quantity = Quantity::from_units(self.position(id));
            self.pair.report(id, VenueReport::Position { nonce, instrument: id, quantity });
            self.pair.report(id, VenueReport::Reconciled { nonce });
        }
    }

    /// An answer about one order; the question after its trades gets all that ever happened.
    fn answer_of(&mut self, leg: InstrumentId, nonce: u64, wire: WireId) {
        let trades = self.pair.rig.effects.commands.iter().any(|command| {
            matches!(command, VenueCommand::QueryTrades { nonce: of, .. } if *of == nonce)
        });
        if trades {
            for report in self.told[leg.index()].clone() {
                self.pair.report_of(leg, report);
            }
            return self.pair.report(leg, VenueReport::TradesTold { nonce, wire });
        }
        let known = self.orders.get(&(leg.0, wire.0)).copied();
        let rejected = self.told[leg.index()].iter().any(
            |(_, report)| matches!(report, VenueReport::Rejected { wire: of, .. } if *of == wire),
        );
        let state = |Theirs { sent, filled, alive }: Theirs| OrderState {
            order: None,
            instrument: leg,
            phase: match (alive, rejected) {
                (true, _) => OrderPhase::Open,
                (_, true) => OrderPhase::Rejected,
                _ if filled == sent.quantity => OrderPhase::Filled,
                _ => OrderPhase::Expired,
            },
            price: Price::from_units(sent.price),
            quantity: Quantity::from_units(sent.quantity),
            filled: Quantity::from_units(filled),
            average: None,
        };
        let answer = known.map_or(QueryAnswer::NotFound, |order| QueryAnswer::Found(state(order)));
        self.pair.report(leg, VenueReport::OrderState { nonce: Some(nonce), wire, answer });
    }

    fn die(&mut self, sent: bool) {
        self.take_sent(sent);
        let facts = self.pair.rig.effects.facts.clone();
        let mut pair = Pair::with(legs(), wide(), true);
        pair.rig.engine.restore(&facts);
        any_cut_is_the_whole(&pair.rig.engine.config().clone(), &facts);
        pair.rig.effects.facts = facts;
        pair.rig.now = self.pair.rig.now + 50_000_000;
        pair.markets();
        self.pair = pair;
        self.coming = Default::default();
        self.answered.clear();
    }

    fn happen(&mut self, step: Step) {
        match step {
            Step::Fill { order, lots } => {
                self.alive(order).into_iter().for_each(|order| self.fill(order, lots));
            }
            Step::End { order } => self.alive(order).into_iter().for_each(|order| self.end(order)),
            Step::Reject { order } => {
                if let Some(order) = self.alive(order).filter(|order| order.filled == 0) {
                    self.change(order.sent, |order| order.alive = false);
                    let reason = hedgerow_model::VenueRejection::NotTrading;
                    let wire = WireId(order.sent.wire);
                    self.tell(order.sent.leg, VenueReport::Rejected { wire, reason });
                }
            }
            Step::Hear { leg, place, again } => self.hear(leg, place, again),
            Step::TimeOut { order } => {
                let all: Vec<Theirs> = self.orders.values().copied().collect();
                if let Some(order) = all.get(order % all.len().max(1)) {
                    let wire = WireId(order.sent.wire);
                    self.pair.report(order.sent.leg, VenueReport::OutcomeUnknown { wire });
                }
            }
            Step::Tear { leg } => {
                let id = InstrumentId(u32::try_from(leg).unwrap());
                self.pair.report(id, VenueReport::Down);
                self.pair.pass(20);
                self.take_sent(true);
                self.reconcile(leg);
            }
            Step::Die { sent } => {
                self.die(sent);
                self.reconcile(0);
                self.take_sent(true);
                self.reconcile(1);
            }
            Step::Move { leg, ticks, bids } => {
                let (id, bid) = [(L, 599_998), (S, 600_299)][leg];
                let bids = if bids { 10_000 } else { 0 };
                self.pair.quote(id, (bid + ticks, bids), (bid + ticks + 2, 10_000));
            }
            Step::Pass { ms } => self.pair.pass(ms),
            Step::GiveUp => self.pair.rig.want(vec![Intent::CancelPlan(1)]),
            Step::Mode { mode } => {
                self.pair.mode([TradingMode::ReduceOnly, TradingMode::CancelOnly][mode]);
            }
        }
        self.answer();
        self.take_sent(true);
    }

    /// Nothing is left alone without somebody who looks after it.
    fn check(&self) {
        let engine = &self.pair.rig.engine;
        let slot = &engine.plans.pair(&(ME, 1)).unwrap();
        let ended = slot.phase == PairPhase::Ended;
        if ended {
            assert!(slot.is_level() || slot.is_stuck(), "{slot:?}");
        } else {
            let waits = engine.has_live_orders((ME, 1));
            let wakes = slot.wake != HostTime::NEVER;
            assert!(waits || wakes, "nothing will happen: {slot:?}");
        }
        for (leg, state) in slot.plan.legs.iter().zip(&slot.legs) {
            assert!(state.filled <= leg.target.units(), "more than was planned: {slot:?}");
            assert!(state.filled >= 0, "more was taken back than there was: {slot:?}");
        }
    }

    /// Everything on its way arrives, every order ends, and time passes, until nothing moves.
    fn settle(&mut self) {
        let mut calm = 0;
        for _ in 0..300 {
            // by now the venues do as they are asked
            while let Some(order) = self.alive(0) {
                self.fill(order, i64::from(u16::MAX));
            }
            self.reconcile(0);
            self.reconcile(1);
            self.take_sent(true);
            self.check();
            self.pair.pass(1_000);
            self.answer();
            self.take_sent(true);
            let slot = &self.pair.rig.engine.plans.pair(&(ME, 1)).unwrap();
            let over = slot.phase == PairPhase::Ended && self.alive(0).is_none();
            calm = if over { calm + 1 } else { 0 };
            if calm == 5 {
                break;
            }
        }
        self.check();
        let slot = &self.pair.rig.engine.plans.pair(&(ME, 1)).unwrap();
        assert_eq!(slot.phase, PairPhase::Ended, "{slot:?}");
        for leg in [L, S] {
            assert_eq!(self.pair.held(leg), self.position(leg), "the ledger is not the venue's");
        }
        let apart = self.position(L) + self.position(S);
        assert!(apart.abs() < 10 || slot.is_stuck(), "{apart} {slot:?}");
        let sends = |stamped: &&hedgerow_model::Stamped| {
            let Fact::Plan { step, .. } = &stamped.fact else { return false };
            matches!(step, PlanStep::Sends { purpose: Purpose::TakeBack, .. })
        };
        let taken_back = self.pair.rig.effects.facts.iter().filter(sends).count();
        let tries = usize::try_from(slot.plan.request.tries).unwrap();
        assert!(!slot.is_stuck() || taken_back >= tries, "given up too early: {slot:?}");
        let odd = self.pair.rig.effects.facts.iter().find(|stamped| {
            matches!(&stamped.fact, Fact::Discrepancy { detail, .. }
                if detail.contains("position") || detail.contains("inferred"))
        });
        assert!(odd.is_none(), "{odd:?}");
        self.pair.assert_restores();
    }
}

/// Random runs; `HEDGEROW_PLAN_CASES` sets how many.
fn cases() -> ProptestConfig {
    let asked = std::env::var("HEDGEROW_PLAN_CASES").ok().and_then(|n| n.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(3_000), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_pair_ends_balanced_flat_or_stuck_whatever_happens(
        first in prop::sample::select(vec![
            LegOrder::Simultaneous, LegOrder::Simultaneous, LegOrder::BuyFirst, LegOrder::ThinFirst,
            LegOrder::MakerTaker, LegOrder::TakerMaker,
        ]),
        tries in 1..4_u32,
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut world = World::new(first, tries);
        for step in steps {
            world.happen(step);
            world.check();
        }
        world.settle();
    }
}
