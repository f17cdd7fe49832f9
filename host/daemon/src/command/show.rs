//! A view as a table for a terminal. Every figure has its age.

use super::money;
use comfy_table::{ContentArrangement, Table, presets};
use hedgerow_model::Decimal;
use hedgerow_model::view::{Connection, HostView, PositionView, StrategyView};
use hedgerow_model::{HostTime, PairOutcome, PlanUpdate, VenueTime};

/// A loop that is this far behind its inputs is told of.
const BEHIND_MS: u64 = 500;
/// A view this old is told of: it is made ten times a second.
const OLD_MS: u64 = 2_000;

pub(super) fn money(value: Decimal) -> String {
    // a coin is worth more than a dollar
    let digits = if value.abs() < Decimal::ONE { 8 } else { 4 };
    value.round_dp(digits).normalize().to_string()
}

fn maybe(value: Option<Decimal>) -> String {
    value.map_or_else(|| "-".into(), money)
}

fn age(now: HostTime, then: HostTime) -> String {
    if then == HostTime::EPOCH {
        return "never".into();
    }
    span(now.since(then).as_millis())
}

fn span(ms: u64) -> String {
    if ms < 10_000 {
        format!("{}.{} s", ms / 1000, ms % 1000 / 100)
    } else {
        format!("{} s", ms / 1000)
    }
}

pub(super) fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head.iter().copied());
    table
}

/// The whole view.
#[must_use]
pub fn view(view: &HostView) -> String {
    let now = view.as_of;
    let mut out = format!(
        "{}  mode {}  data time {}  {} ticks  {} calls  made {} ago\n\n",
        view.banner,
        view.mode,
        clock(now),
        view.ticks,
        view.calls,
        span(view.age_ms)
    );
    out.push_str(&conditions(view));
    out.push_str(&format!("{}\n\n{}\n\n", venues(view), markets(view)));
    out.push_str(&format!("{}\n\n", strategies(view)));
    let mut positions = table(&[
        "position",
        "quantity",
        "entry",
        "realised",
        "unrealised",
        "fees",
        "funding",
        "net",
        "",
        "age",
    ]);
    for s in &view.strategies {
        add_positions(&mut positions, &s.name, &s.positions, now);
    }
    out.push_str(&format!("{positions}\n"));
    out.push_str(&money::tables(view));
    out
}

fn venues(view: &HostView) -> Table {
    let mut venues = table(&["venue", "connection", "since"]);
    for v in &view.venues {
        let since = v.since.map_or_else(|| "-".to_owned(), clock);
        venues.add_row([v.name.clone(), v.connection.to_string(), since]);
    }
    venues
}

fn markets(view: &HostView) -> Table {
    let mut markets = table(&["market", "bid", "ask", "mark", "age", ""]);
    for i in &view.instruments {
        let over = i.expiry.is_some_and(|at| at.as_nanos() <= view.as_of.as_nanos());
        let word = match i.expiry {
            _ if over => "expired".to_owned(),
            _ if i.stale => "STALE".to_owned(),
            Some(at) => format!("expires in {}", far(view.as_of, at)),
            None => String::new(),
        };
        markets.add_row([
            i.name.clone(),
            maybe(i.bid),
            maybe(i.ask),
            maybe(i.mark),
            age(view.as_of, i.as_of),
            word,
        ]);
    }
    markets
}

fn strategies(view: &HostView) -> Table {
    let mut strategies = table(&[
        "strategy",
        "state",
        "mode",
        "component",
        "orders",
        "denied",
        "fills",
        "open",
        "faults",
        "acted",
    ]);
    for s in &view.strategies {
        strategies.add_row([
            s.name.clone(),
            format!("{:?}", s.state),
            s.mode.to_string(),
            format!("{} {}", s.component, s.hash.get(..8).unwrap_or("")),
            s.orders.to_string(),
            s.denied.to_string(),
            s.fills.to_string(),
            s.open_orders.len().to_string(),
            s.faults.to_string(),
            age(view.as_of, s.as_of),
        ]);
    }
    strategies
}

/// What is not well, a line each.
fn conditions(view: &HostView) -> String {
    let whole = view.conditions.iter().map(|condition| format!("! {condition}\n"));
    let late = (view.behind_ms >= BEHIND_MS).then(|| {
        format!("! the host is {} behind its inputs: it cannot keep up\n", span(view.behind_ms))
    });
    let old = (view.age_ms >= OLD_MS).then(|| {
        format!("! this was made {} ago: the host does not come round\n", span(view.age_ms))
    });
    let lost = view
        .venues
        .iter()
        .filter(|v| matches!(v.connection, Connection::Disconnected | Connection::Busy));
    let lost = lost.map(|v| format!("! venue {}: no connection, trying again\n", v.name));
    let whole = whole.chain(late).chain(old).chain(lost);
    let of = |s: &StrategyView| {
        let plans = s.plans.iter().map(plan_in_words);
        let ago = age(view.as_of, s.denied_at);
        let denied = s.last_denial.as_ref();
        let denied = denied.map(|why| format!("the newest denial, {ago} ago: {why}"));
        let tried = s.trial.as_ref();
        let tried =
            tried.map(|showed| format!("  {}: the newest file, as tried: {showed}\n", s.name));
        // why it may not do everything is among those of the whole
        let all = [s.refused.clone(), denied].into_iter().flatten().chain(plans);
        let all = all.map(|why| format!("! {}: {why}\n", s.name));
        all.chain(tried).collect::<String>()
    };
    whole.chain(view.strategies.iter().map(of)).collect()
}

/// What a position has come to, all in all.
pub(super) fn net(p: &PositionView) -> Option<Decimal> {
    let gains = p.realised.saturating_add(p.unrealised?).saturating_add(p.funding);
    Some(gains.saturating_sub(p.fees).saturating_sub(p.interest))
}

fn add_positions(table: &mut Table, of: &str, positions: &[PositionView], now: HostTime) {
    for p in positions {
        table.add_row([
            format!("{of} {}{}", p.name, ended(p, now)),
            p.quantity.normalize().to_string(),
            maybe(p.entry),
            money(p.realised),
            maybe(p.unrealised),
            fees(p),
            money(p.funding),
            maybe(net(p)),
            p.settle.clone(),
            age(now, p.as_of),
        ]);
    }
}

/// What became of a position whose contract has ended.
fn ended(p: &PositionView, now: HostTime) -> String {
    let over = p.expiry.is_some_and(|at| at.as_nanos() <= now.as_nanos());
    match p.delivered {
        Some(price) => format!(" delivered at {}", money(price)),
        None if over && !p.quantity.is_zero() => " awaits delivery".into(),
        None => String::new(),
    }
}

/// How far away a time is.
fn far(now: HostTime, at: VenueTime) -> String {
    let hours = at.as_nanos().saturating_sub(now.as_nanos()) / 3_600_000_000_000;
    format!("{} d {} h", hours / 24, hours % 24)
}

/// Fees, those in other assets beside them.
fn fees(p: &PositionView) -> String {
    let others =
        p.other_fees.iter().map(|(asset, paid)| format!(" + {} {asset}", paid.normalize()));
    others.fold(money(p.fees), |all, other| all + &other)
}

/// A time of day, UTC.
fn clock(time: HostTime) -> String {
    let seconds = time.as_nanos() / 1_000_000_000;
    let (h, m, s) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{h:02}:{m:02}:{s:02} UTC")
}

/// Where a plan stands, in a line.
pub(crate) fn plan_in_words(plan: &PlanUpdate) -> String {
    match plan {
        PlanUpdate::Pair(plan) => {
            let legs: Vec<String> =
                plan.legs.iter().map(|leg| leg.base.normalize().to_string()).collect();
            let stands = match &plan.outcome {
                Some(PairOutcome::Stuck { why }) => format!("STUCK ({why})"),
                _ => format!("{:?}", plan.phase).to_lowercase(),
            };
            let (kind, apart) = (plan.kind.word(), plan.residual.normalize());
            let legs = legs.join(" bought, ");
            format!("{kind} {}: {stands}, {legs} sold, apart {apart} base", plan.plan)
        }
        PlanUpdate::Single(plan) => {
            let stands = match &plan.outcome {
                Some(ended) => super::query::single_outcome(ended),
                None => format!("{:?}", plan.phase).to_lowercase(),
            };
            let (kind, filled) = (plan.kind.word(), plan.figures.base.normalize());
            let orders = plan.figures.attempts;
            format!("{kind} {}: {stands}, {filled} base filled, {orders} orders", plan.plan)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hedgerow_model::InstrumentId;
    use std::collections::BTreeMap;

    /// What is cheap has digits too, and what is borrowed costs.
    #[test]
    fn a_position_is_shown_with_its_digits_and_all_that_it_cost() {
        let dec = |text: &str| text.parse::<Decimal>().unwrap();
        let position = PositionView {
            instrument: InstrumentId(0),
            name: "v:A".into(),
            quantity: dec("1000000"),
            entry: Some(dec("0.00002345")),
            settle: "USD".into(),
            realised: dec("5"),
            unrealised: Some(dec("2")),
            fees: dec("1"),
            other_fees: BTreeMap::new(),
            funding: dec("0.5"),
            interest: dec("0.25"),
            funding_expected: None,
            as_of: HostTime::EPOCH,
            expiry: None,
            delivered: None,
        };
        assert_eq!(net(&position), Some(dec("6.25")));
        let mut table = table(&["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]);
        add_positions(&mut table, "one", std::slice::from_ref(&position), HostTime::EPOCH);
        let shown = table.to_string();
        assert!(shown.contains("0.00002345") && shown.contains("6.25"), "{shown}");
        assert_eq!(ended(&position, HostTime::EPOCH), "");
        let dated = PositionView { expiry: Some(VenueTime::from_nanos(5)), ..position };
        assert_eq!(ended(&dated, HostTime::from_nanos(4)), "");
        assert_eq!(ended(&dated, HostTime::from_nanos(5)), " awaits delivery");
        let delivered = PositionView { delivered: Some(dec("104.50")), ..dated };
        assert_eq!(ended(&delivered, HostTime::from_nanos(5)), " delivered at 104.5");
    }
}
