//! The order table against arbitrary messages of its venue: whatever is said, in whatever order and
//! however often, nothing panics, what is filled never decreases, the position is the sum of what
//! was booked, and an order that is not over keeps what it may fill reserved.
//!
//! [`play`] takes bytes and decodes them to steps, so that a coverage-guided fuzzer can drive it as
//! it is (docs/fuzzing.md).

use super::*;
use hedgerow_model::{OrderPhase, OrderState, VenueRejection};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Reads numbers off bytes; at their end there are only zeros.
struct Source<'a>(&'a [u8]);

impl Source<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn below(&mut self, bound: u8) -> u8 {
        self.byte() % bound
    }

    /// Mostly sane, now and then at the edge of what a venue can say.
    fn quantity(&mut self) -> Quantity {
        let units = match self.byte() {
            0..=3 => -1,
            4..=7 => 0,
            8..=9 => i64::MAX,
            10..=11 => i64::MIN,
            byte => i64::from(byte) * 5,
        };
        Quantity::from_units(units)
    }

    fn price(&mut self) -> Price {
        Price::from_units(match self.byte() {
            0..=3 => 0,
            4..=5 => -10,
            6 => i64::MAX,
            byte => 9_900 + i64::from(byte % 20) * 10,
        })
    }

    fn reason(&mut self) -> VenueRejection {
        [
            VenueRejection::UnknownOrder,
            VenueRejection::DuplicateId,
            VenueRejection::FilterFailed,
            VenueRejection::Other(7),
        ][usize::from(self.below(4))]
    }

    fn nonce(&mut self, rig: &Rig) -> u64 {
        let queries = rig.queries();
        let newest = queries.len().saturating_sub(1 + usize::from(self.below(3)));
        match self.byte() % 4 {
            0 => u64::from(self.byte()),
            _ => queries.get(newest).map_or(0, |query| query.1),
        }
    }

    fn question(&mut self, rig: &Rig) -> u64 {
        let ask = |command: &VenueCommand| match command {
            VenueCommand::Reconcile { nonce, .. } => Some(*nonce),
            _ => None,
        };
        let newest = rig.effects.commands.iter().rev().find_map(ask).unwrap_or(0);
        if self.below(5) == 0 { u64::from(self.byte()) } else { newest }
    }
}

fn order_report(source: &mut Source<'_>, rig: &Rig) -> VenueReport {
    let wire = WireId(1 + u64::from(source.below(5)));
    let filled = if source.below(2) == 0 { None } else { Some(source.quantity()) };
    match source.below(12) {
        0 => VenueReport::Accepted { wire, order: VenueOrderId(wire.0) },
        1 => VenueReport::Rejected { wire, reason: source.reason() },
        2 | 3 => VenueReport::Fill {
            wire,
            trade: TradeId(u64::from(source.below(40))),
            instrument: InstrumentId(u32::from(source.byte() > 250)),
            price: source.price(),
            quantity: source.quantity(),
            liquidity: Liquidity::Maker,
            fee: Fee::ZERO,
        },
        4 => VenueReport::Canceled { wire, filled },
        5 => VenueReport::CancelRejected { wire, reason: source.reason() },
        6 => {
            let (price, quantity) = (source.price(), source.quantity());
            VenueReport::Amended { wire, price, quantity }
        }
        7 => VenueReport::AmendRejected { wire, reason: source.reason() },
        8 => VenueReport::Expired { wire, filled },
        9 => VenueReport::OutcomeUnknown { wire },
        10 => VenueReport::TradesTold { nonce: source.nonce(rig), wire },
        _ => {
            let phases = [
                OrderPhase::Open,
                OrderPhase::Filled,
                OrderPhase::Canceled,
                OrderPhase::Expired,
                OrderPhase::Rejected,
            ];
            let state = OrderState {
                order: None,
                instrument: InstrumentId(0),
                phase: phases[usize::from(source.below(5))],
                price: source.price(),
                quantity: source.quantity(),
                filled: source.quantity(),
                average: [None, Some(dec("100.1")), Some(dec("-3")), Some(Decimal::MAX)]
                    [usize::from(source.below(4))],
            };
            let found = QueryAnswer::Found(state);
            let answer = if source.below(3) == 0 { QueryAnswer::NotFound } else { found };
            let nonce = if source.below(2) == 0 { None } else { Some(source.nonce(rig)) };
            VenueReport::OrderState { nonce, wire, answer }
        }
    }
}

fn account_report(source: &mut Source<'_>, rig: &Rig) -> VenueReport {
    let nonce = source.question(rig);
    match source.below(8) {
        0 => VenueReport::Up,
        1 => VenueReport::Down,
        2 | 3 => VenueReport::Reconciled { nonce },
        4 => VenueReport::OpenOrder {
            nonce,
            wire: WireId(1 + u64::from(source.below(6))),
            order: VenueOrderId(1),
            instrument: InstrumentId(u32::from(source.below(9))),
            price: source.price(),
            quantity: source.quantity(),
            filled: source.quantity(),
        },
        5 => VenueReport::Position {
            nonce,
            instrument: InstrumentId(u32::from(source.below(5))),
            quantity: source.quantity(),
        },
        6 => VenueReport::QueryFailed { nonce: source.nonce(rig) },
        _ => VenueReport::RateLimited {
            limit: None,
            retry_after: Duration::from_millis(u64::from(source.byte())),
        },
    }
}

fn step(source: &mut Source<'_>, rig: &mut Rig) {
    rig.now += u64::from(source.byte()) * 3_000_000;
    rig.quote(0, 9_990, 10_010);
    match source.below(10) {
        0 => {
            let side = [Side::Buy, Side::Sell][usize::from(source.below(2))];
            rig.submit(rig.order(side, 10_000, 100 + i64::from(source.below(8)) * 100));
        }
        1 => {
            let number = 1 + u64::from(source.below(5));
            let (price, quantity) = (source.price(), source.quantity());
            rig.want(match source.below(2) {
                0 => vec![Intent::Cancel(number)],
                _ => vec![Intent::Amend(Amend { order: number, price, quantity })],
            });
        }
        2 => rig.wake_next(),
        3 => {
            let (strategy, mode) = (ME, TradingMode::Running);
            let scope = Scope::Strategy(strategy);
            let now = HostTime::from_nanos(rig.now);
            for command in [
                OperatorCommand::Adopt { strategy, ignored: strategy.0 == 1 },
                OperatorCommand::SetMode { scope, mode },
                OperatorCommand::IgnoreOn { account: AccountId(0) },
            ] {
                let reason = "on".into();
                rig.engine.handle(Input::Operator { now, command, reason }, &mut rig.effects);
            }
        }
        4 | 5 => {
            let report = account_report(source, rig);
            rig.report(report);
        }
        _ => {
            let report = order_report(source, rig);
            // told late, or by another clock
            let happened = rig.now.saturating_sub(u64::from(source.byte()) * 1_000_000);
            let event = VenueEvent {
                venue: VenueId(0),
                account: AccountId(0),
                received: HostTime::from_nanos(rig.now),
                happened: VenueTime::from_nanos(happened),
                report,
            };
            rig.engine.handle(Input::Venue(std::borrow::Cow::Owned(event)), &mut rig.effects);
        }
    }
}

/// What must hold after each step.
fn check(rig: &Rig, filled: &mut BTreeMap<u64, i64>) {
    let slot = &rig.engine.strategies[0];
    let mut open = [0_i64; 2];
    for (number, known) in &slot.orders {
        let order = &known.order;
        assert!(!order.status.is_terminal(), "{order:?}");
        let least = match known.ending {
            Some((_, filled)) => filled.units().saturating_sub(order.filled.units()),
            None => order.remaining().units(),
        };
        assert!(known.reserved >= least.max(0), "{known:?}");
        open[usize::from(order.request.side == Side::Sell)] += known.reserved;
        let before = filled.insert(*number, order.filled.units()).unwrap_or(0);
        assert!(before <= order.filled.units(), "filled fell: {order:?}");
    }
    for (number, order) in &slot.finished {
        assert!(order.status.is_terminal(), "{order:?}");
        let before = filled.insert(*number, order.filled.units()).unwrap_or(0);
        assert!(before <= order.filled.units(), "filled fell: {order:?}");
    }
    let holding = &slot.holdings[0];
    assert_eq!([holding.open_buy, holding.open_sell], open, "reserved is what orders reserve");
}

/// Position and facts: the sum of what was booked, or what the venue was said to have.
fn booked(rig: &Rig) -> i64 {
    let mut position = 0_i64;
    for stamped in &rig.effects.facts {
        match &stamped.fact {
            Fact::Fill { side, quantity, replaces, price, .. } => {
                let units = quantity.units().saturating_sub(replaces.units());
                let spec = instrument(0);
                // what does not fit the ledger was told, and stopped the strategy
                if spec.value(*price, Quantity::from_units(units)).is_ok() {
                    position = position.saturating_add(side.sign().saturating_mul(units));
                }
            }
            Fact::Adopted { quantity, .. } => position = quantity.units(),
            _ => {}
        }
    }
    position
}

/// Plays what the bytes say.
pub(crate) fn play(bytes: &[u8]) {
    let mut config = config(StrategyLimits { orders_per_s_max: 1_000, ..limits() });
    config.accounts[0].reconcile = bytes.first().is_some_and(|byte| byte % 2 == 0);
    config.accounts[0].asks.orders_every = Some(Duration::from_secs(1));
    config.accounts[0].asks.positions_every = Some(Duration::from_secs(3));
    let mut rig = Rig::new();
    rig.engine = Engine::new(config);
    let mut source = Source(bytes);
    let mut filled = BTreeMap::new();
    while !source.0.is_empty() {
        step(&mut source, &mut rig);
        check(&rig, &mut filled);
    }
    let stopped = rig.effects.facts.iter().any(|stamped| {
        matches!(&stamped.fact, Fact::Discrepancy { detail, .. } if detail.contains("not fit"))
    });
    assert!(stopped || booked(&rig) == rig.position(), "{} {}", booked(&rig), rig.position());
    let mut again = Engine::new(rig.engine.config().clone());
    again.restore(&rig.effects.facts);
    assert_eq!(again.resumed(ME), rig.engine.resumed(ME));
}

fn cases() -> ProptestConfig {
    let asked = std::env::var("HEDGEROW_MESSAGE_CASES").ok().and_then(|n| n.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(1_000), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_messages_of_a_venue_break_the_order_table(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        play(&bytes);
    }
}
