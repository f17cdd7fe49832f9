//! What a paper venue keeps over its own death: every order it was given and every report it made,
//! one JSON line each, written before anybody is told.
//!
//! A torn last line is what a killed process leaves; it was told to nobody, and is cut off.

use hedgerow_model::{Order, OrderStatus, VenueEvent, VenueReport};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

#[derive(Serialize, Deserialize)]
enum Line {
    Placed(Box<Order>),
    Reported(Box<VenueEvent>),
}

/// The file.
pub(super) struct Books(Option<File>);

/// What was read back.
#[derive(Default)]
pub(super) struct Kept {
    /// Every order, by account and wire id; `filled` and request as they stand.
    pub(super) orders: BTreeMap<(u32, u64), Order>,
    /// Every report.
    pub(super) log: Vec<VenueEvent>,
}

impl Books {
    /// Books that forget.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// Opens or makes the file; gives what it holds.
    pub(super) fn open(path: &Path) -> std::io::Result<(Self, Kept)> {
        let mut kept = Kept::default();
        let text = std::fs::read_to_string(path).or_else(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Ok(String::new()),
            _ => Err(e),
        })?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        for (number, line) in (1..).zip(text.get(..whole).unwrap_or("").lines()) {
            let read = serde_json::from_str(line).map_err(|e| {
                std::io::Error::other(format!("{}: line {number}: {e}", path.display()))
            })?;
            kept.take(read);
        }
        let file = File::options().create(true).append(true).open(path)?;
        file.set_len(u64::try_from(whole).unwrap_or(0))?;
        Ok((Self(Some(file)), kept))
    }

    pub(super) fn placed(&mut self, order: &Order) -> std::io::Result<()> {
        self.write(&Line::Placed(Box::new(order.clone())))
    }

    pub(super) fn reported(&mut self, event: &VenueEvent) -> std::io::Result<()> {
        self.write(&Line::Reported(Box::new(event.clone())))
    }

    fn write(&mut self, line: &Line) -> std::io::Result<()> {
        let Some(file) = &mut self.0 else { return Ok(()) };
        let mut text = serde_json::to_string(line).map_err(std::io::Error::other)?;
        text.push('\n');
        file.write_all(text.as_bytes())
    }
}

impl Kept {
    fn take(&mut self, line: Line) {
        match line {
            Line::Placed(order) => {
                self.orders.insert((order.account.0, order.wire.0), *order);
            }
            Line::Reported(event) => {
                self.apply(&event);
                self.log.push(*event);
            }
        }
    }

    fn apply(&mut self, event: &VenueEvent) {
        let account = event.account.0;
        let mut set = |wire: u64, change: &dyn Fn(&mut Order)| {
            if let Some(order) = self.orders.get_mut(&(account, wire)) {
                change(order);
            }
        };
        match &event.report {
            VenueReport::Accepted { wire, .. } => set(wire.0, &|o| o.status = OrderStatus::Open),
            VenueReport::Fill { wire, quantity, .. } => set(wire.0, &|order| {
                order.filled = order.filled.checked_add(*quantity).unwrap_or(order.filled);
                if !order.remaining().is_positive() {
                    order.status = OrderStatus::Filled;
                }
            }),
            VenueReport::Amended { wire, price, quantity } => set(wire.0, &|order| {
                (order.request.price, order.request.quantity) = (*price, *quantity);
            }),
            VenueReport::Rejected { wire, .. } => {
                set(wire.0, &|o| o.status = OrderStatus::Rejected);
            }
            VenueReport::Canceled { wire } => set(wire.0, &|o| o.status = OrderStatus::Canceled),
            VenueReport::Expired { wire } => set(wire.0, &|o| o.status = OrderStatus::Expired),
            _ => {}
        }
    }

    /// Orders that rest.
    pub(super) fn resting(&self) -> impl Iterator<Item = &Order> {
        self.orders.values().filter(|order| order.status == OrderStatus::Open)
    }
}
