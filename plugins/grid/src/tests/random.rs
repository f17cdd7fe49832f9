//! Whatever is lost or late: the levels hold what the ledger has.

use super::*;

/// A small generator; the same seed gives the same run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % n
    }

    fn among<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let n = u64::try_from(all.len()).unwrap();
        (n > 0).then(|| all[usize::try_from(self.below(n)).unwrap()])
    }
}

struct Run {
    h: Harness<Grid>,
    parameters: serde_json::Value,
    checkpoint: SavedState,
    mid: i64,
    /// Orders that ended with something unfilled.
    ended: Vec<OrderUpdate>,
    /// The highest order number so far.
    last: u64,
    /// Everything is heard, in order: nothing is late, nobody is killed.
    calm: bool,
}

impl Run {
    fn new(parameters: serde_json::Value) -> Self {
        let h = Harness::<Grid>::new(&parameters, market());
        let checkpoint = h.save();
        let (ended, last, calm) = (Vec::new(), 0, false);
        Self { h, parameters, checkpoint, mid: 10_000, ended, last, calm }
    }

    fn step(&mut self, dice: &mut Dice) {
        let orders = live(&self.h);
        self.last = orders.last().map_or(self.last, |order| self.last.max(order.number));
        match dice.below(10) {
            0..3 => {
                self.mid += i64::try_from(dice.below(61)).unwrap() - 30;
                self.h.advance(dice.below(2_000_000_000));
                self.h.quote(1, self.mid - 1, self.mid + 1);
            }
            3..6 => self.fill(dice, &orders),
            6 | 7 => {
                if let Some(order) = dice.among(&orders) {
                    let endings =
                        [OrderStatus::Canceled, OrderStatus::Expired, OrderStatus::Rejected];
                    self.ended.push(order);
                    self.h.update(order.number, dice.among(&endings).unwrap());
                }
            }
            8 | 9 if self.calm => {}
            8 => {
                if let Some(order) = self.ended.pop() {
                    self.h.fill(order.number, 1);
                }
            }
            _ => self.kill(orders),
        }
        if self.h.intents().iter().any(Intent::needs_checkpoint) {
            self.checkpoint = self.h.save();
        }
    }

    fn fill(&mut self, dice: &mut Dice, orders: &[OrderUpdate]) {
        if let Some(order) = dice.among(orders) {
            let left = u64::try_from(order.quantity.units() - order.filled.units()).unwrap();
            let part = if dice.below(2) == 0 { left } else { 1 + dice.below(left) };
            self.h.fill(order.number, i64::try_from(part).unwrap());
        }
    }

    /// The state of the last checkpoint, and the host's truth.
    fn kill(&mut self, mut orders: Vec<OrderUpdate>) {
        let position = self.h.context().position(model::InstrumentId(1)).units();
        let entry = self.h.context().entry(model::InstrumentId(1)).unwrap_or_default();
        let mut told = resumed(vec![], position, &entry.to_string());
        // a finished order of the highest number: numbers are not used again
        let price = Price::from_units(1);
        orders.retain(|order| !order.status.is_terminal());
        let live = orders.iter().any(|order| order.number == self.last);
        orders.extend((!live).then_some(OrderUpdate {
            number: self.last,
            instrument: model::InstrumentId(1),
            side: Side::Buy,
            status: OrderStatus::Canceled,
            price,
            quantity: Quantity::from_units(1),
            filled: Quantity::ZERO,
            reason: 0,
        }));
        told.orders = orders;
        self.ended.clear();
        let saved = Some(&self.checkpoint);
        self.h = Harness::<Grid>::restored(&self.parameters, market(), saved, told);
    }
}

/// Every direction and sizing, with and without an entry.
fn taste(seed: u64) -> serde_json::Value {
    let direction = ["buy", "sell", "neutral"][usize::try_from(seed % 3).unwrap()];
    let sizing = if seed % 5 < 2 { "equal-quote" } else { "equal-base" };
    serde_json::json!({
        "direction": direction, "sizing": sizing, "max_open": 4, "activation_bound": "0.02",
        "immediate_entry": seed.is_multiple_of(4),
    })
}

#[test]
fn the_levels_hold_what_the_ledger_has() {
    for seed in 0..150 {
        let mut dice = Dice(seed);
        let mut more = taste(seed);
        if seed % 7 < 3 {
            more["stop_loss"] = "0.003".into();
        }
        let mut run = Run::new(with(g1(), more));
        for step in 0..200 {
            run.step(&mut dice);
            let position = run.h.context().position(model::InstrumentId(1));
            assert_eq!(run.h.strategy().held(), position, "seed {seed}, step {step}");
        }
    }
}

/// What was heard is booked where it belongs: no level is made up for what does not fit.
#[test]
fn nothing_is_adopted_when_everything_was_heard() {
    for seed in 0..80 {
        let mut dice = Dice(seed);
        let mut run = Run { calm: true, ..Run::new(with(g1(), taste(seed))) };
        for step in 0..200 {
            run.step(&mut dice);
            let adopted = run.h.strategy().state.levels.iter().any(|level| level.adopted);
            assert!(!adopted, "seed {seed}, step {step}");
        }
        assert_eq!(said(&run.h.status(), "adopted"), "0", "seed {seed}");
    }
}
