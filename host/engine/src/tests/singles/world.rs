//! A venue with a truth of its own beside one plan of one leg.

use super::random::assert_known_before_each;
use super::*;
use hedgerow_model::{Barrier, OrderPhase, OrderState, QueryAnswer};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What a question is about.
#[derive(Clone, Copy)]
pub(super) enum About {
    All,
    Order(WireId),
    Trades(WireId),
}

pub(super) fn question(command: &VenueCommand) -> Option<(u64, About)> {
    match command {
        VenueCommand::Reconcile { nonce, .. } => Some((*nonce, About::All)),
        VenueCommand::QueryOrder { nonce, wire, .. } => Some((*nonce, About::Order(*wire))),
        VenueCommand::QueryTrades { nonce, wire, .. } => Some((*nonce, About::Trades(*wire))),
        _ => None,
    }
}

/// An order as the venue has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Theirs {
    pub(super) sent: Sent,
    pub(super) filled: i64,
    pub(super) alive: bool,
}

impl Theirs {
    /// What it has filled and may fill.
    pub(super) fn most(&self) -> i64 {
        if self.alive { self.sent.quantity } else { self.filled }
    }
}

/// A venue with a truth of its own.
pub(super) struct World {
    pub(super) one: One,
    pub(super) orders: BTreeMap<u64, Theirs>,
    /// Everything it ever reported, and what of it is still on its way.
    pub(super) told: Vec<(u64, VenueReport)>,
    pub(super) coming: VecDeque<(u64, VenueReport)>,
    pub(super) trades: u64,
    pub(super) answered: BTreeSet<u64>,
    pub(super) lose: bool,
    /// What was held before the plan.
    pub(super) before: i64,
}

impl World {
    pub(super) fn new(request: &SingleRequest) -> Self {
        let mut world = Self {
            one: One::with(spec(), wide(), true),
            orders: BTreeMap::new(),
            told: Vec::new(),
            coming: VecDeque::new(),
            trades: 1_000,
            answered: BTreeSet::new(),
            lose: false,
            before: 0,
        };
        world.reconcile();
        let holds = match request {
            SingleRequest::ClosePosition(_) => true,
            SingleRequest::Barrier(r) => r.held.is_some(),
            _ => false,
        };
        if holds {
            world.one.hold(Side::Buy, 600_000, 60);
            world.before = 60;
        }
        world.one.begin(request.clone());
        world.deliver(true);
        world
    }

    pub(super) fn tell(&mut self, report: VenueReport) {
        let told = (self.one.rig.now, report);
        self.told.push(told.clone());
        self.coming.push_back(told);
    }

    pub(super) fn position(&self) -> i64 {
        let sum = self.orders.values().map(|order| order.sent.side.sign() * order.filled);
        self.before + sum.sum::<i64>()
    }

    /// What left reaches the venue, or does not.
    pub(super) fn deliver(&mut self, arrives: bool) {
        let new = self.one.rig.effects.commands.get(self.one.taken..).unwrap_or_default().to_vec();
        let lost = std::mem::take(&mut self.lose) && !new.is_empty();
        let placed = self.one.sent();
        let mut placed = placed.into_iter();
        for command in new {
            let wire = match command {
                VenueCommand::Place(_) => {
                    let sent = placed.next().unwrap();
                    if arrives && !lost {
                        self.place(sent);
                    }
                    sent.wire
                }
                VenueCommand::Cancel { wire, .. } => {
                    if arrives && !lost {
                        self.cancel(wire.0);
                    }
                    wire.0
                }
                _ => continue,
            };
            if lost && arrives {
                self.one.rig.report(VenueReport::OutcomeUnknown { wire: WireId(wire) });
            }
        }
        self.check();
    }

    pub(super) fn place(&mut self, sent: Sent) {
        let resting = self.orders.values().filter(|o| o.alive && o.sent.side == sent.side);
        let resting: i64 = resting.map(|o| o.sent.quantity - o.filled).sum();
        let room = -self.position() * sent.side.sign() - resting;
        let refused = sent.reduce_only && room < sent.quantity;
        let order = Theirs { sent, filled: 0, alive: !refused };
        assert!(self.orders.insert(sent.wire, order).is_none(), "sent twice: {sent:?}");
        let wire = WireId(sent.wire);
        if refused {
            let reason = hedgerow_model::VenueRejection::WouldIncrease;
            self.tell(VenueReport::Rejected { wire, reason });
        } else {
            self.tell(VenueReport::Accepted { wire, order: VenueOrderId(sent.wire) });
        }
    }

    pub(super) fn cancel(&mut self, wire: u64) {
        match self.orders.get(&wire).copied().filter(|order| order.alive) {
            Some(order) => self.end(order, true),
            None => {
                let reason = hedgerow_model::VenueRejection::UnknownOrder;
                self.tell(VenueReport::CancelRejected { wire: WireId(wire), reason });
            }
        }
    }

    pub(super) fn alive(&self, order: usize) -> Option<Theirs> {
        let alive: Vec<Theirs> = self.orders.values().filter(|o| o.alive).copied().collect();
        alive.get(order % alive.len().max(1)).copied()
    }

    pub(super) fn fill(&mut self, order: Theirs, lots: i64) {
        let sent = order.sent;
        let mut units = lots.min(sent.quantity - order.filled);
        if sent.reduce_only {
            units = units.min(-self.position() * sent.side.sign());
        }
        if units <= 0 {
            return;
        }
        self.trades += 1;
        let theirs = self.orders.get_mut(&sent.wire).unwrap();
        theirs.filled += units;
        theirs.alive = theirs.filled < sent.quantity;
        self.tell(VenueReport::Fill {
            wire: WireId(sent.wire),
            trade: TradeId(self.trades),
            instrument: X,
            price: Price::from_units(sent.price),
            quantity: Quantity::from_units(units),
            liquidity: Liquidity::Taker,
            fee: Fee::ZERO,
        });
    }

    pub(super) fn end(&mut self, order: Theirs, canceled: bool) {
        self.orders.get_mut(&order.sent.wire).unwrap().alive = false;
        let (wire, filled) = (WireId(order.sent.wire), Some(Quantity::from_units(order.filled)));
        self.tell(match canceled {
            true => VenueReport::Canceled { wire, filled },
            false => VenueReport::Expired { wire, filled },
        });
    }

    pub(super) fn hear(&mut self, (happened, report): (u64, VenueReport)) {
        let event = VenueEvent {
            venue: VenueId(0),
            account: AccountId(0),
            received: HostTime::from_nanos(self.one.rig.now),
            happened: VenueTime::from_nanos(happened),
            report,
        };
        let input = Input::Venue(std::borrow::Cow::Borrowed(&event));
        self.one.rig.engine.handle(input, &mut self.one.rig.effects);
    }

    /// The stream is back: the host asks, the venue answers.
    pub(super) fn reconcile(&mut self) {
        self.one.rig.report(VenueReport::Up);
        self.answer();
    }

    pub(super) fn answer(&mut self) {
        loop {
            let asks = self.one.rig.effects.commands.iter().filter_map(question);
            let open = asks.filter(|(nonce, _)| !self.answered.contains(nonce)).collect::<Vec<_>>();
            let Some((nonce, about)) = open.first().copied() else { return };
            self.answered.insert(nonce);
            match about {
                About::All => {}
                About::Order(wire) => {
                    self.answer_of(nonce, wire);
                    continue;
                }
                About::Trades(wire) => {
                    for report in self.told.clone() {
                        self.hear(report);
                    }
                    self.one.rig.report(VenueReport::TradesTold { nonce, wire });
                    continue;
                }
            }
            self.coming.clear();
            for report in self.told.clone() {
                self.hear(report);
            }
            let alive: Vec<Theirs> = self.orders.values().filter(|o| o.alive).copied().collect();
            for Theirs { sent, filled, .. } in alive {
                self.one.rig.report(VenueReport::OpenOrder {
                    nonce,
                    wire: WireId(sent.wire),
                    order: VenueOrderId(sent.wire),
                    instrument: X,
                    price: Price::from_units(sent.price),
                    quantity: Quantity::from_units(sent.quantity),
                    filled: Quantity::from_units(filled),
                });
            }
            let quantity = Quantity::from_units(self.position());
            self.one.rig.report(VenueReport::Position { nonce, instrument: X, quantity });
            self.one.rig.report(VenueReport::Reconciled { nonce });
        }
    }

    fn answer_of(&mut self, nonce: u64, wire: WireId) {
        let rejected = self.told.iter().any(
            |(_, report)| matches!(report, VenueReport::Rejected { wire: of, .. } if *of == wire),
        );
        let state = |Theirs { sent, filled, alive }: Theirs| OrderState {
            order: None,
            instrument: X,
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
        let known = self.orders.get(&wire.0).copied();
        let answer = known.map_or(QueryAnswer::NotFound, |order| QueryAnswer::Found(state(order)));
        self.one.rig.report(VenueReport::OrderState { nonce: Some(nonce), wire, answer });
    }

    pub(super) fn die(&mut self, sent: bool) {
        self.deliver(sent);
        self.one.restart();
        self.one.rig.now += 50_000_000;
        self.one.tick();
        self.coming.clear();
        self.answered.clear();
        let asked = self.one.rig.effects.commands.iter().filter_map(question);
        self.answered.extend(asked.map(|(nonce, _)| nonce)); // questions of the dead
    }

    pub(super) fn plan_side(&self) -> Side {
        self.one.plan().side
    }

    /// By the venue's truth: never more than was asked for, and never beyond what is held.
    pub(super) fn check(&self) {
        let plan = self.one.plan();
        let most = |side: Side| -> i64 {
            let of = self.orders.values().filter(|order| order.sent.side == side);
            of.map(Theirs::most).sum()
        };
        let (forth, back) = (most(plan.side), most(plan.side.opposite()));
        assert!(forth <= plan.target.units(), "{forth} of {plan:?}: {:?}", self.orders);
        let filled: i64 = (self.orders.values())
            .filter(|order| order.sent.side == plan.side)
            .map(|order| order.filled)
            .sum();
        let dual = matches!(&plan.request, SingleRequest::ClosePosition(r) if r.dual);
        let there = plan.adopted.0.units() + filled;
        assert!(dual || back <= there, "{back} of {there}: {:?}", self.orders);
        let slot = self.one.rig.engine.plans.single(&(ME, 1)).unwrap();
        if slot.phase != SinglePhase::Ended {
            let waits = self.one.rig.engine.has_live_orders((ME, 1));
            let asked = !self.one.rig.engine.is_reconciled(AccountId(0));
            let wakes = slot.wake != HostTime::NEVER || slot.watches();
            assert!(waits || wakes || asked, "nothing will happen: {slot:?}");
        }
    }

    /// Everything on its way arrives and time passes, until nothing moves.
    pub(super) fn settle(&mut self, fills: bool) {
        self.lose = false;
        self.one.quote(600_000, 600_003);
        let mut calm = 0;
        for _ in 0..200 {
            let now = self.orders.values().filter(|o| o.alive && !o.sent.rests).copied();
            for order in now.collect::<Vec<_>>() {
                match fills {
                    true => self.fill(order, i64::MAX),
                    false => self.end(order, false),
                }
                let left = self.orders[&order.sent.wire];
                if left.alive {
                    self.end(left, false);
                }
            }
            self.reconcile();
            self.deliver(true);
            self.one.pass(1_000);
            self.answer();
            self.deliver(true);
            let over = self.one.is_over() && self.alive(0).is_none();
            calm = if over { calm + 1 } else { 0 };
            if calm == 5 {
                break;
            }
        }
        assert!(calm == 5, "no end: {:?}", self.one.rig.engine.plans.single(&(ME, 1)));
        assert_eq!(self.one.rig.position(), self.position(), "the ledger is not the venue's");
        let odd = self.one.rig.effects.facts.iter().find(|stamped| {
            matches!(&stamped.fact, Fact::Discrepancy { detail, .. }
                if detail.contains("position") || detail.contains("not all fills"))
        });
        assert!(odd.is_none(), "{odd:?}");
        self.check_result();
        assert_known_before_each(&self.one.rig.engine.config, &self.one.rig.effects.facts);
        self.one.assert_restores();
    }

    /// The result says what the venue knows.
    pub(super) fn check_result(&self) {
        let result = self.one.result();
        let (side, plan) = (self.plan_side(), self.one.plan());
        let filled = |side: Side| -> i64 {
            let of = self.orders.values().filter(|order| order.sent.side == side);
            of.map(|order| order.filled).sum()
        };
        assert_eq!(result.figures.filled.units(), filled(side), "{result:?}");
        assert_eq!(result.figures.left.units(), plan.target.units() - filled(side));
        let held = plan.adopted.0.units() + filled(side) - filled(side.opposite());
        match &result.outcome {
            SingleOutcome::Filled => assert_eq!(result.figures.left.units(), 0),
            SingleOutcome::Unfilled { .. } | SingleOutcome::Expired => assert_eq!(filled(side), 0),
            SingleOutcome::Closed { by } => {
                assert_ne!(*by, Barrier::Elsewhere, "{result:?}");
                // what is less than an order can be stays
                assert!(held < 2, "{held} {result:?}");
            }
            SingleOutcome::Stuck { .. } => {
                assert!(held > 0);
                assert!(self.one.rig.engine.mode_of(ME) >= TradingMode::ReduceOnly);
            }
            SingleOutcome::Partly { .. } => {}
        }
    }
}
