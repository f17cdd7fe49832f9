//! Rows of each answer. Prices are decimals in the quote currency, quantities of plans base units,
//! costs basis points with worse as positive, times nanoseconds since the epoch.

use super::word;
use super::{Filter, Names, Told};
use hedgerow_model::{Decimal, Fact, HostTime, OrderFact, PairOutcome, Price, Quantity, Stamped};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub(super) type Row = Map<String, Value>;

pub(super) const PLANS: &[&str] = &[
    "began",
    "strategy",
    "plan",
    "kind",
    "outcome",
    "buys",
    "sells",
    "advised",
    "premium_bps",
    "retries",
    "orders",
    "repair_loss",
    "took_ms",
];
pub(super) const INCIDENTS: &[&str] = &[
    "began",
    "strategy",
    "plan",
    "kind",
    "outcome",
    "asked",
    "filled",
    "repair_price",
    "loss",
    "residual",
    "retries",
    "took_ms",
];
pub(super) const FILLS: &[&str] = &[
    "time",
    "strategy",
    "order",
    "account",
    "instrument",
    "side",
    "price",
    "quantity",
    "liquidity",
    "fee",
    "fee_asset",
    "trade",
    "inferred",
    "replaces",
    "forced",
];
pub(super) const ORDERS: &[&str] = &[
    "time",
    "strategy",
    "order",
    "account",
    "instrument",
    "side",
    "price",
    "quantity",
    "filled",
    "status",
    "reason",
];
pub(super) const FUNDING: &[&str] = &["time", "account", "instrument", "amount", "settlement"];

pub(super) fn row(value: Value) -> Row {
    match value {
        Value::Object(map) => map,
        _ => Row::new(),
    }
}

fn outcome(told: &Told) -> String {
    match told.result.as_ref().map(|result| &result.outcome) {
        None => "under way".into(),
        Some(PairOutcome::Balanced) => "balanced".into(),
        Some(PairOutcome::Flat) => "flat".into(),
        Some(PairOutcome::Stuck { why }) => format!("stuck: {why}"),
    }
}

/// Everything of a leg: what was found before it began, and what came of it.
fn leg(told: &Told, place: usize, names: &Names) -> Value {
    let planned = &told.plan.legs[place];
    let result = told.result.as_ref().map(|result| &result.legs[place]);
    let repairs = told.result.as_ref().and_then(|result| result.repairs.as_ref());
    json!({
        "instrument": names.of("instrument", planned.instrument.0),
        "account": names.of("account", planned.account.0),
        "side": planned.side,
        "asked": planned.base,
        "expected": planned.expected,
        "estimate_bps": planned.estimate_bps,
        "spread_bps": planned.spread_bps,
        "fillable": planned.fillable,
        "displayed": planned.displayed.units(),
        "source": planned.source,
        "reach": planned.reach,
        "margin": planned.margin,
        "result": result,
        "repair": repairs.map(|legs| &legs[place]),
    })
}

pub(super) fn plans(all: &[Told], names: &Names) -> Vec<Row> {
    let short = |told: &Told, place: usize| {
        let planned = &told.plan.legs[place];
        let got = told.result.as_ref().map_or(Decimal::ZERO, |result| result.legs[place].base);
        let name = names.of("instrument", planned.instrument.0);
        format!("{} of {} {name}", got.normalize(), planned.base.normalize())
    };
    let of = |told: &Told| {
        let result = told.result.as_ref();
        row(json!({
            "began": told.began,
            "strategy": told.strategy,
            "plan": told.plan.id,
            "kind": told.plan.kind,
            "outcome": outcome(told),
            "buys": short(told, 0),
            "sells": short(told, 1),
            "legs": [leg(told, 0, names), leg(told, 1, names)],
            "order_of_legs": told.plan.request.legs,
            "advised": told.plan.advised,
            "premium_bps": told.plan.premium_bps,
            "residual": result.map(|result| result.residual),
            "retries": result.map(|result| result.retries),
            "orders": result.map(|result| result.orders),
            "repair_loss": result.map(|result| result.repair_loss),
            "took_ms": result.map(|result| result.took_ms),
        }))
    };
    all.iter().map(of).collect()
}

pub(super) fn incidents(all: &[Told], names: &Names) -> Vec<Row> {
    let of = |told: &Told| {
        let result = told.result.as_ref()?;
        let each = |of: &dyn Fn(usize) -> Option<Decimal>| {
            let text = |place| of(place).map_or("-".into(), |v| v.normalize().to_string());
            format!("{} / {}", text(0), text(1))
        };
        Some(row(json!({
            "began": told.began,
            "strategy": told.strategy,
            "plan": told.plan.id,
            "kind": told.plan.kind,
            "outcome": outcome(told),
            "asked": each(&|leg| Some(told.plan.legs[leg].base)),
            "filled": each(&|leg| Some(result.legs[leg].base)),
            "repair_price": each(&|leg| {
                let completed = result.repairs.as_ref().and_then(|all| all[leg].completed);
                result.legs[leg].taken_back.or(completed)
            }),
            "loss": result.repairs.as_ref().map(|all| each(&|leg| Some(all[leg].loss))),
            "legs": [leg(told, 0, names), leg(told, 1, names)],
            "repair_loss": result.repair_loss,
            "residual": result.residual,
            "retries": result.retries,
            "took_ms": result.took_ms,
        })))
    };
    all.iter().filter_map(of).collect()
}

/// A price and a quantity in the instrument's own measures; units where it is not defined.
fn figures(names: &Names, id: u32, price: Price, quantity: Quantity) -> (String, String) {
    match names.instruments.get(&id) {
        Some(spec) => (
            spec.price(price).normalize().to_string(),
            spec.quantity(quantity).normalize().to_string(),
        ),
        None => (format!("{} units", price.units()), format!("{} units", quantity.units())),
    }
}

/// Every fill; what the venue traded by itself of ours, a liquidation say, is one without an order.
pub(super) fn fills(facts: &[Stamped], names: &Names, filter: &Filter) -> Vec<Row> {
    let of = |stamped: &Stamped| {
        if let Fact::Forced { .. } = &stamped.fact {
            return forced(stamped, names, filter);
        }
        let Fact::Fill {
            id,
            account,
            instrument,
            trade,
            side,
            price,
            quantity,
            liquidity,
            fee,
            happened,
            inferred,
            replaces,
        } = &stamped.fact
        else {
            return None;
        };
        let strategy = names.of("strategy", id.strategy.0);
        filter.takes(stamped.time, Some(&strategy)).then_some(())?;
        let (_, replaced) = figures(names, instrument.0, *price, *replaces);
        let (price, quantity) = figures(names, instrument.0, *price, *quantity);
        Some(row(json!({
            "time": stamped.time,
            "happened": happened,
            "strategy": strategy,
            "order": id.number,
            "account": names.of("account", account.0),
            "instrument": names.of("instrument", instrument.0),
            "side": side,
            "price": price,
            "quantity": quantity,
            "liquidity": liquidity,
            "fee": fee.amount,
            "fee_asset": fee.asset,
            "trade": trade,
            "inferred": inferred,
            "replaces": replaced,
        })))
    };
    facts.iter().filter_map(of).collect()
}

fn forced(stamped: &Stamped, names: &Names, filter: &Filter) -> Option<Row> {
    let Fact::Forced {
        kind,
        strategy,
        account,
        instrument,
        trade,
        side,
        price,
        quantity,
        fee,
        happened,
    } = &stamped.fact
    else {
        return None;
    };
    let strategy = names.of("strategy", strategy.0);
    filter.takes(stamped.time, Some(&strategy)).then_some(())?;
    let (price, quantity) = figures(names, instrument.0, *price, *quantity);
    Some(row(json!({
        "time": stamped.time,
        "happened": happened,
        "strategy": strategy,
        "order": null,
        "account": names.of("account", account.0),
        "instrument": names.of("instrument", instrument.0),
        "side": side,
        "price": price,
        "quantity": quantity,
        "liquidity": null,
        "fee": fee.amount,
        "fee_asset": fee.asset,
        "trade": trade,
        "inferred": false,
        "replaces": null,
        "forced": kind,
    })))
}

/// What is known of one order.
struct Order {
    time: HostTime,
    row: Row,
    id: u32,
    filled: i64,
    status: &'static str,
    reason: Option<String>,
}

pub(super) fn orders(facts: &[Stamped], names: &Names, filter: &Filter) -> Vec<Row> {
    let mut all: BTreeMap<(u32, u64), Order> = BTreeMap::new();
    for Stamped { time, fact } in facts {
        match fact {
            Fact::Order { id, fact } => {
                let key = (id.strategy.0, id.number);
                match fact {
                    OrderFact::Approved(order) => {
                        let (request, of) = (order.request, order.account.0);
                        let id = request.instrument.0;
                        let (price, quantity) = figures(names, id, request.price, request.quantity);
                        let row = row(json!({
                            "time": time,
                            "strategy": names.of("strategy", key.0),
                            "order": key.1,
                            "account": names.of("account", of),
                            "instrument": names.of("instrument", id),
                            "side": request.side,
                            "price": price,
                            "quantity": quantity,
                        }));
                        let (filled, status, reason) = (0, "sent", None);
                        all.insert(key, Order { time: *time, row, id, filled, status, reason });
                    }
                    OrderFact::Inferred { event, reason } => {
                        if let Some(order) = all.get_mut(&key) {
                            order.status = word(*event, order.status);
                            order.reason = Some(reason.to_string());
                        }
                    }
                    OrderFact::Moved { event, reason, .. } => {
                        if let Some(order) = all.get_mut(&key) {
                            order.status = word(*event, order.status);
                            order.reason = reason.map(|r| r.to_string()).or(order.reason.take());
                        }
                    }
                    _ => {}
                }
            }
            Fact::Fill { id, quantity, replaces, .. } => {
                if let Some(order) = all.get_mut(&(id.strategy.0, id.number)) {
                    order.filled += quantity.units() - replaces.units();
                }
            }
            _ => {}
        }
    }
    let mut told: Vec<Order> = all.into_values().collect();
    told.retain(|order| {
        filter.takes(order.time, order.row.get("strategy").and_then(Value::as_str))
    });
    told.sort_by_key(|order| order.time);
    let done = |mut order: Order| {
        let quantity = Quantity::from_units(order.filled);
        let (_, filled) = figures(names, order.id, Price::from_units(0), quantity);
        let full = order.row.get("quantity").and_then(Value::as_str) == Some(filled.as_str());
        order.row.insert("status".into(), json!(if full { "filled" } else { order.status }));
        order.row.insert("filled".into(), json!(filled));
        order.row.insert("reason".into(), json!(order.reason));
        order.row
    };
    told.into_iter().map(done).collect()
}

pub(super) fn funding(facts: &[Stamped], names: &Names, filter: &Filter) -> Vec<Row> {
    let of = |stamped: &Stamped| {
        let Fact::Funding { account, instrument, settlement, amount, others } = &stamped.fact
        else {
            return None;
        };
        // a payment belongs to an account: who trades there is not in it
        filter.takes(stamped.time, filter.strategy.as_deref()).then_some(())?;
        Some(row(json!({
            "time": stamped.time,
            "account": names.of("account", account.0),
            "instrument": names.of("instrument", instrument.0),
            "amount": amount,
            "others": others,
            "settlement": settlement,
        })))
    };
    facts.iter().filter_map(of).collect()
}
