//! What a strategy wants, in a person's words: prices and quantities as decimals, names as in the
//! config.

use hedgerow_model::{Amend, Instrument, Intent, NewOrder, Side, TimeInForce};
use std::collections::BTreeMap;

/// All intents of one answer. Instruments of orders that an amendment names are remembered.
pub(super) struct Words {
    instruments: Vec<Instrument>,
    /// Instruments of orders seen, by number.
    orders: BTreeMap<u64, usize>,
}

/// An amendment is of an order that was placed lately.
const ORDERS: usize = 100_000;

impl Words {
    pub(super) fn new(instruments: Vec<Instrument>) -> Self {
        Self { instruments, orders: BTreeMap::new() }
    }

    /// Takes note of orders, so that their amendments can be told.
    pub(super) fn see(&mut self, intents: &[Intent]) {
        for intent in intents {
            if let Intent::Submit(order) = intent {
                self.orders.insert(order.number, order.instrument.index());
                if self.orders.len() > ORDERS {
                    self.orders.pop_first();
                }
            }
        }
    }

    pub(super) fn of(&self, intents: &[Intent]) -> String {
        match intents {
            [] => "nothing".to_owned(),
            intents => intents.iter().map(|i| self.intent(i)).collect::<Vec<_>>().join("; "),
        }
    }

    fn intent(&self, intent: &Intent) -> String {
        match intent {
            Intent::Submit(order) => self.order(order),
            Intent::Amend(amend) => self.change(amend),
            Intent::Replace(replacement) => self.change(&replacement.amend()),
            Intent::Cancel(number) => format!("cancel of order {number}"),
            Intent::CancelAll(id) => {
                let name = self.instruments.get(id.index()).map_or("?", |i| i.symbol.as_str());
                format!("cancel of all in {name}")
            }
            other => format!("{other:?}"),
        }
    }

    fn change(&self, amend: &Amend) -> String {
        let place = self.orders.get(&amend.order);
        match place.and_then(|place| self.instruments.get(*place)) {
            Some(spec) => {
                let (price, quantity) = (amend.price, amend.quantity);
                let (price, quantity) = (spec.price(price), spec.quantity(quantity));
                format!("order {} to {quantity} at {price}", amend.order)
            }
            None => format!("order {} changed: {amend:?}", amend.order),
        }
    }

    fn order(&self, order: &NewOrder) -> String {
        let Some(spec) = self.instruments.get(order.instrument.index()) else {
            return format!("{order:?}");
        };
        let side = if order.side == Side::Buy { "buy" } else { "sell" };
        let (price, quantity) = (spec.price(order.price), spec.quantity(order.quantity));
        let conditions = [
            (order.time_in_force == TimeInForce::ImmediateOrCancel, "immediate or cancel"),
            (order.time_in_force == TimeInForce::FillOrKill, "fill or kill"),
            (order.flags.post_only, "post only"),
            (order.flags.reduce_only, "reduce only"),
        ];
        let conditions: Vec<&str> =
            conditions.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect();
        let conditions = if conditions.is_empty() {
            String::new()
        } else {
            format!(" ({})", conditions.join(", "))
        };
        let (number, symbol) = (order.number, &spec.symbol);
        format!("order {number}: {side} {quantity} {symbol} at {price}{conditions}")
    }
}
