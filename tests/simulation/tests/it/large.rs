//! A restart takes as long as the rows after the newest snapshot, however long the journal is.
//!
//! The short form has 200,000 rows. The long form, with what it measures printed:
//! `HEDGEROW_JOURNAL_ROWS=10000000 cargo test -p hedgerow-simulation large -- --nocapture`.

use crate::snapshots::{Folded, same};
use hedgerow_model::{
    AccountId, ClientOrderId, Decimal, Fact, Fee, HostTime, InstrumentId, Liquidity, NewOrder,
    Order, OrderEvent, OrderFact, OrderFlags, OrderStatus, Price, Quantity, Report, Side, Stamped,
    StrategyId, TimeInForce, TradeId, VenueOrderId, VenueTime, WireId,
};
use hedgerow_ports::Journal as _;
use hedgerow_simulation::scene::{Scene, engine};
use hedgerow_store::{SqliteJournal, snapshot};
use std::path::Path;
use std::time::Instant;

/// Rows between the snapshot and the end.
const TAIL: u64 = 20_000;

/// A seeded maker's life as rows: orders that rest, fill in parts or are canceled, with funding
/// every hour, checkpoints, and what it says. Five rows an order, an order a second.
struct Rows {
    dice: u64,
    order: u64,
    time: u64,
    rows: u64,
}

impl Rows {
    fn new(seed: u64) -> Self {
        Self { dice: seed, order: 0, time: 1_700_000_000_000_000_000, rows: 0 }
    }

    fn throw(&mut self, sides: u64) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_041);
        (self.dice >> 33) % sides
    }

    fn order(&mut self) -> (ClientOrderId, Order) {
        self.order += 1;
        let number = self.order;
        let id = ClientOrderId { strategy: StrategyId(0), number };
        let side = if self.throw(2) == 0 { Side::Buy } else { Side::Sell };
        let price = Price::from_units(100_000 + i64::try_from(self.throw(2_000)).unwrap());
        let quantity = Quantity::from_units(1 + i64::try_from(self.throw(100)).unwrap());
        let request = NewOrder {
            number,
            instrument: InstrumentId(u32::try_from(self.throw(2)).unwrap()),
            side,
            price,
            quantity,
            time_in_force: TimeInForce::GoodTillCancel,
            flags: OrderFlags::default(),
        };
        let order = Order {
            id,
            wire: WireId(number),
            venue_id: None,
            account: AccountId(0),
            request,
            status: OrderStatus::PendingNew,
            filled: Quantity::ZERO,
            created: HostTime::from_nanos(self.time),
        };
        (id, order)
    }

    /// The facts of one order, and what comes beside it.
    fn some(&mut self) -> Vec<Stamped> {
        self.time += 500_000_000 + self.throw(1_000_000_000);
        let (id, order) = self.order();
        let (request, account) = (order.request, order.account);
        let moved = |event| {
            let venue_id = (event == OrderEvent::Accepted).then_some(VenueOrderId(id.number));
            Fact::Order { id, fact: OrderFact::Moved { event, venue_id, reason: None } }
        };
        let mut facts = vec![
            Fact::Order { id, fact: OrderFact::Approved(Box::new(order)) },
            moved(OrderEvent::Accepted),
        ];
        let filled = i64::try_from(self.throw(3)).unwrap() * request.quantity.units() / 2;
        if filled > 0 {
            facts.push(Fact::Fill {
                id,
                account,
                instrument: request.instrument,
                trade: TradeId(id.number),
                side: request.side,
                price: request.price,
                quantity: Quantity::from_units(filled),
                liquidity: Liquidity::Maker,
                fee: Fee::in_settle(Decimal::new(filled, 4)),
                happened: VenueTime::from_nanos(self.time),
                inferred: false,
                replaces: hedgerow_model::Quantity::ZERO,
            });
        }
        if filled < request.quantity.units() {
            facts.push(Fact::Order { id, fact: OrderFact::CancelRequested });
            facts.push(moved(OrderEvent::Canceled));
        }
        let strategy = StrategyId(0);
        match id.number % 64 {
            0 => facts.push(Fact::Checkpoint {
                strategy,
                version: 1,
                state: id.number.to_le_bytes().repeat(64),
                unheard: Vec::new(),
            }),
            1 => {
                let report = Report::Status { text: format!("order {id}") };
                facts.push(Fact::Said { strategy, report });
            }
            _ => {}
        }
        if id.number.is_multiple_of(3_600) {
            let settlement = VenueTime::from_nanos(self.time);
            let (instrument, amount) = (InstrumentId(0), Decimal::new(1, 3));
            facts.push(Fact::Funding {
                account,
                instrument,
                settlement,
                amount,
                others: Decimal::ZERO,
            });
        }
        self.rows += facts.len() as u64;
        let time = HostTime::from_nanos(self.time);
        facts.into_iter().map(|fact| Stamped { time, fact }).collect()
    }

    fn write(&mut self, path: &Path, until: u64) {
        let mut journal = SqliteJournal::open(path).unwrap();
        let mut batch = Vec::new();
        while self.rows < until {
            batch.append(&mut self.some());
            if batch.len() > 5_000 {
                journal.commit(&batch).unwrap();
                batch.clear();
            }
        }
        journal.commit(&batch).unwrap();
        journal.close().unwrap();
    }
}

/// Resident memory, MiB; zero where the kernel does not say.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) >> 10
}

fn restart(path: &Path, scene: &Scene, what: &str) -> (Folded, u64) {
    let (before, began) = (resident(), Instant::now());
    let journal = SqliteJournal::open(path).unwrap();
    let restarted = journal.restart(Folded(engine(scene, &[]))).unwrap();
    let took = began.elapsed().as_millis();
    let grown = resident().saturating_sub(before);
    println!("{what}: {took} ms, {} rows folded, {grown} MiB more resident", restarted.folded);
    assert!(restarted.skipped.is_empty());
    (restarted.state, restarted.folded)
}

#[test]
fn a_large_journal_restarts_from_its_snapshot_and_the_tail() {
    let wanted = std::env::var("HEDGEROW_JOURNAL_ROWS").ok().and_then(|rows| rows.parse().ok());
    let rows: u64 = wanted.unwrap_or(200_000);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let mut scene = Scene { strategies: vec![(1, 1)], ..Scene::default() };
    scene.taste.instruments = 2;
    let mut seeded = Rows::new(7);
    seeded.write(&path, rows - TAIL);
    let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |meta| meta.len() >> 20);
    let (whole, folded) = restart(&path, &scene, "without a snapshot");
    assert!(folded > rows - TAIL - rows / 50, "all but states that were replaced");
    drop(whole);
    let began = Instant::now();
    snapshot(&path, Folded(engine(&scene, &[]))).unwrap();
    let files = std::fs::read_dir(path.with_extension("snapshots")).unwrap();
    let size: u64 = files.map(|file| file.unwrap().metadata().unwrap().len() >> 10).sum();
    println!("first snapshot: {} ms, {size} KiB", began.elapsed().as_millis());
    seeded.write(&path, rows);
    println!("{} rows, {} orders, {} MiB", seeded.rows, seeded.order, bytes(&path));
    let (state, folded) = restart(&path, &scene, "with a snapshot");
    assert!(folded <= TAIL + 10, "{folded} rows were folded");
    let began = Instant::now();
    snapshot(&path, Folded(engine(&scene, &[]))).unwrap();
    println!("next snapshot: {} ms", began.elapsed().as_millis());
    // the long form has shown it above, and comparing texts of millions of orders takes for ever
    if rows <= 1_000_000 {
        std::fs::remove_dir_all(path.with_extension("snapshots")).unwrap();
        let (whole, _) = restart(&path, &scene, "all of it");
        same(&whole.0, &state.0).unwrap();
    }
}
