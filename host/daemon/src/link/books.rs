//! What a paper venue keeps over its own death: every order it was given and every report it made,
//! one JSON line each, written before anybody is told.
//!
//! A torn last line is what a killed process leaves; it was told to nobody, and is cut off.

use crate::command::Failure;
use hedgerow_model::{
    HostTime, Order, OrderStatus, TimeInForce, VenueEvent, VenueId, VenueReport, VenueTime,
};
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

    /// The ends of orders that may not rest: they were over when the process died, and nobody was
    /// told. `venues`: of each instrument.
    pub(super) fn over(&self, now: HostTime, venues: &[VenueId]) -> Vec<VenueEvent> {
        let end = |order: &Order| {
            let venue = *venues.get(order.request.instrument.index())?;
            let happened = VenueTime::from_nanos(now.as_nanos());
            let report = VenueReport::Expired { wire: order.wire, filled: Some(order.filled) };
            let account = order.account;
            Some(VenueEvent { venue, account, received: now, happened, report })
        };
        self.resting().filter(|order| !may_rest(order)).filter_map(end).collect()
    }

    /// Orders that rest.
    pub(super) fn resting(&self) -> impl Iterator<Item = &Order> {
        self.orders.values().filter(|order| order.status == OrderStatus::Open)
    }
}

/// Whether what is left of an order waits in the book.
pub(super) fn may_rest(order: &Order) -> bool {
    order.request.time_in_force == TimeInForce::GoodTillCancel
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

#[cfg(test)]
mod tests {
    use super::*;
    use hedgerow_model::{
        AccountId, ClientOrderId, InstrumentId, NewOrder, OrderFlags, Price, Quantity, Side,
        StrategyId, VenueOrderId, WireId,
    };

    fn order(wire: u64, time_in_force: TimeInForce) -> Order {
        Order {
            id: ClientOrderId { strategy: StrategyId(0), number: wire },
            wire: WireId(wire),
            venue_id: None,
            account: AccountId(0),
            request: NewOrder {
                number: wire,
                instrument: InstrumentId(0),
                side: Side::Buy,
                price: Price::from_units(100),
                quantity: Quantity::from_units(5),
                time_in_force,
                flags: OrderFlags::default(),
            },
            status: OrderStatus::PendingNew,
            filled: Quantity::ZERO,
            created: HostTime::EPOCH,
        }
    }

    /// Killed after it took an immediate order, and before it told of its end.
    #[test]
    fn what_may_not_rest_ends_and_is_told_after_a_death() {
        let mut kept = Kept::default();
        let gtc = TimeInForce::GoodTillCancel;
        for (wire, kind) in
            [(1, gtc), (2, TimeInForce::ImmediateOrCancel), (3, TimeInForce::FillOrKill)]
        {
            kept.take(wire * 2, Line::Placed(Box::new(order(wire, kind))));
            let report = VenueReport::Accepted { wire: WireId(wire), order: VenueOrderId(wire) };
            let (received, happened) = (HostTime::EPOCH, VenueTime::EPOCH);
            let (venue, account) = (VenueId(0), AccountId(0));
            let event = VenueEvent { venue, account, received, happened, report };
            kept.take(wire * 2 + 1, Line::Reported(Box::new(event)));
        }
        let rest: Vec<u64> =
            kept.resting().filter(|o| may_rest(o)).map(|order| order.wire.0).collect();
        assert_eq!(rest, [1]);
        let over = kept.over(HostTime::from_nanos(7), &[VenueId(0)]);
        let ended = |event: &VenueEvent| match event.report {
            VenueReport::Expired { wire, filled } => Some((wire.0, filled)),
            _ => None,
        };
        let ended: Vec<_> = over.iter().filter_map(ended).collect();
        assert_eq!(ended, [(2, Some(Quantity::ZERO)), (3, Some(Quantity::ZERO))]);
        // told once: the line of the end is in the books of the next death
        for event in over {
            kept.take(99, Line::Reported(Box::new(event)));
        }
        assert!(kept.over(HostTime::from_nanos(8), &[VenueId(0)]).is_empty());
    }
}
