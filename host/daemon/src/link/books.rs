//! What a paper venue keeps over its own death: every order it was given and every report it made,
//! one JSON line each, written before anybody is told.
//!
//! A torn last line is what a killed process leaves; it was told to nobody, and is cut off.

use crate::command::Failure;
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
pub(super) struct Books {
    file: Option<File>,
    /// How much of it is whole.
    length: u64,
    /// Reports that could not be written yet: they are told, so they must not be lost.
    waiting: String,
}

/// What was read back.
#[derive(Default)]
pub(super) struct Kept {
    /// Every order, by account and wire id; `filled` and request as they stand.
    pub(super) orders: BTreeMap<(u32, u64), Order>,
    /// Every order as it was placed, in order.
    pub(super) placed: Vec<Order>,
    /// Every report, and in which line it is.
    pub(super) log: Vec<(u64, VenueEvent)>,
}

impl Books {
    /// Books that forget.
    pub(super) fn none() -> Self {
        Self { file: None, length: 0, waiting: String::new() }
    }

    /// Opens or makes the file; gives what it holds.
    pub(super) fn open(path: &Path) -> std::io::Result<(Self, Kept)> {
        let mut kept = Kept::default();
        let text = std::fs::read_to_string(path).or_else(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Ok(String::new()),
            _ => Err(e),
        })?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        for (number, line) in (1_u64..).zip(text.get(..whole).unwrap_or("").lines()) {
            let read = serde_json::from_str(line).map_err(|e| {
                std::io::Error::other(format!("{}: line {number}: {e}", path.display()))
            })?;
            kept.take(number, read);
        }
        let file = File::options().create(true).append(true).open(path)?;
        let length = u64::try_from(whole).unwrap_or(0);
        file.set_len(length)?;
        Ok((Self { file: Some(file), length, waiting: String::new() }, kept))
    }

    pub(super) fn placed(&mut self, order: &Order) -> std::io::Result<()> {
        self.write(&Line::Placed(Box::new(order.clone())))
    }

    /// A report is told whether it could be kept or not; it is kept as soon as that is possible.
    pub(super) fn reported(&mut self, event: &VenueEvent) -> std::io::Result<()> {
        let line = Line::Reported(Box::new(event.clone()));
        self.waiting.push_str(&serde_json::to_string(&line).map_err(std::io::Error::other)?);
        self.waiting.push('\n');
        self.flush()
    }

    fn write(&mut self, line: &Line) -> std::io::Result<()> {
        self.flush()?;
        let mut text = serde_json::to_string(line).map_err(std::io::Error::other)?;
        text.push('\n');
        self.append(&text)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        self.append(&waiting).inspect_err(|_| self.waiting = waiting)
    }

    /// All of it or nothing: half a line would be read as damage.
    fn append(&mut self, text: &str) -> std::io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        if let Err(error) = file.write_all(text.as_bytes()) {
            file.set_len(self.length)?;
            return Err(error);
        }
        self.length += u64::try_from(text.len()).unwrap_or(0);
        Ok(())
    }
}

impl Kept {
    fn take(&mut self, number: u64, line: Line) {
        match line {
            Line::Placed(order) => {
                self.placed.push((*order).clone());
                self.orders.insert((order.account.0, order.wire.0), *order);
            }
            Line::Reported(event) => {
                self.apply(&event);
                self.log.push((number, *event));
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
            VenueReport::Canceled { wire, .. } => {
                set(wire.0, &|o| o.status = OrderStatus::Canceled);
            }
            VenueReport::Expired { wire, .. } => set(wire.0, &|o| o.status = OrderStatus::Expired),
            _ => {}
        }
    }

    /// Orders as they were placed, of which anything is known to have become. The others were on
    /// their way to the market when the process died, and never reached it.
    pub(super) fn arrived(&self) -> impl Iterator<Item = &Order> {
        self.placed.iter().filter(|order| {
            let now = self.orders.get(&(order.account.0, order.wire.0));
            now.is_some_and(|now| now.status != OrderStatus::PendingNew)
        })
    }

    /// Orders that rest.
    pub(super) fn resting(&self) -> impl Iterator<Item = &Order> {
        self.orders.values().filter(|order| order.status == OrderStatus::Open)
    }
}

/// When the market of these books began: a venue that was killed goes on in the same market.
pub(super) fn began(folder: &Path, now: u64) -> Result<u64, Failure> {
    let file = folder.join("market-began");
    if let Ok(text) = std::fs::read_to_string(&file) {
        let fail = |e| Failure::new(format!("{}: {e}: it holds a time in ns", file.display()));
        return text.trim().parse().map_err(fail);
    }
    // aside first: half a number would keep the venue from ever starting again
    let aside = folder.join("market-began.new");
    std::fs::write(&aside, now.to_string()).map_err(Failure::new)?;
    std::fs::rename(&aside, &file).map_err(Failure::new)?;
    Ok(now)
}
