//! One strategy of a config: what it trades, on whose account, within which limits.

use super::StrategyEntry;
use super::reader::{At, Section};
use hedgerow_engine::{OpenOrders, StrategyLimits};
use hedgerow_model::{Decimal, Instrument, InstrumentId};
use hedgerow_simulator::VenueConfig;
use hedgerow_simulator::paper::Fees;
use std::collections::BTreeMap;

/// What strategies refer to.
pub(super) struct Names<'a> {
    /// Instruments as `venue:symbol`, right or wrong: one that is wrong is told where it stands.
    pub(super) declared: Vec<String>,
    pub(super) venues: &'a [(String, VenueConfig)],
    pub(super) instruments: &'a [(Instrument, Fees)],
    pub(super) accounts: &'a [String],
}

fn limits(s: &mut Section<'_, '_>) -> Option<StrategyLimits> {
    let money = |at: Option<At<Decimal>>| at.map(|at| at.value);
    let small = |at: Option<At<u64>>| at.and_then(|at| u32::try_from(at.value).ok());
    let order_notional_max = money(s.positive("order_notional_max"));
    let position_notional_max = money(s.positive("position_notional_max"));
    let gross_notional_max = money(s.positive("gross_notional_max"));
    let open_orders_max = small(s.whole("open_orders_max", 1..100_001));
    let orders_per_s_max = small(s.whole("orders_per_s_max", 1..100_001));
    let collar_bps = small(s.whole("collar_bps", 1..10_000));
    let loss_max = money(s.positive("loss_max"));
    let drawdown_max = money(s.positive("drawdown_max"));
    let timers_max = s.whole_or("timers_max", 0..10_001, 100);
    Some(StrategyLimits {
        order_notional_max: order_notional_max?,
        position_notional_max: position_notional_max?,
        gross_notional_max: gross_notional_max?,
        open_orders_max: open_orders_max?,
        orders_per_s_max: orders_per_s_max?,
        collar_bps: collar_bps?,
        loss_max: loss_max?,
        drawdown_max: drawdown_max?,
        timers_max: u32::try_from(timers_max).ok()?,
    })
}

/// Limits that could not be read: nothing may be done.
const NOTHING: StrategyLimits = StrategyLimits {
    order_notional_max: Decimal::ZERO,
    position_notional_max: Decimal::ZERO,
    gross_notional_max: Decimal::ZERO,
    open_orders_max: 0,
    orders_per_s_max: 0,
    collar_bps: 0,
    loss_max: Decimal::ZERO,
    drawdown_max: Decimal::ZERO,
    timers_max: 0,
};

fn find_instrument(names: &Names<'_>, text: &str) -> Option<usize> {
    let (venue, symbol) = text.split_once(':')?;
    names.instruments.iter().position(|(i, _)| {
        i.symbol == symbol && names.venues.get(i.venue.index()).is_some_and(|(n, _)| n == venue)
    })
}

fn find_account(
    s: &mut Section<'_, '_>,
    names: &Names<'_>,
    (key, at): (&str, At<String>),
) -> Option<usize> {
    let place = names.accounts.iter().position(|known| *known == at.value);
    if place.is_none() {
        let what = format!("there is no account \"{}\"", at.value);
        s.problem(at.span, key, what, "name an [[account]] of this file");
    }
    place
}

/// Roles that hedge each other, one for one.
fn hedges(
    s: &mut Section<'_, '_>,
    roles: Option<&BTreeMap<String, usize>>,
    unplaced: &[String],
) -> Vec<(InstrumentId, InstrumentId)> {
    let place = |s: &mut Section<'_, '_>, at: &At<String>| {
        let found = roles.and_then(|roles| roles.get(&at.value)).copied();
        if found.is_none() && !unplaced.contains(&at.value) {
            let fix = "write a role of [strategy.roles] on both sides";
            s.problem(at.span.clone(), &at.value, "is not a role here", fix);
        }
        found.and_then(|place| u32::try_from(place).ok()).map(InstrumentId)
    };
    let mut all = Vec::new();
    for (one, other) in s.pairs() {
        let (a, b) = (place(s, &one), place(s, &other));
        if a.is_some() && a == b {
            s.problem(other.span, &one.value, "hedges itself", "name another role");
        } else if let (Some(a), Some(b)) = (a, b) {
            all.push((a, b));
        }
    }
    all
}

/// A component is named without its ending.
fn without_ending(s: &mut Section<'_, '_>, at: At<String>) -> Option<At<String>> {
    let Some(name) = at.value.strip_suffix(".wasm") else { return Some(at) };
    let fix = format!("write \"{name}\": the ending belongs to the file in the plugins folder");
    s.problem(at.span, "plugin", format!("is \"{}\", with its ending", at.value), fix);
    None
}

/// Roles and their instruments; those whose instrument is not to be had are `unplaced`.
fn roles(
    roles: &mut Section<'_, '_>,
    names: &Names<'_>,
    unplaced: &mut Vec<String>,
) -> BTreeMap<String, usize> {
    let mut map: BTreeMap<String, usize> = BTreeMap::new();
    for (role, instrument) in roles.pairs() {
        match find_instrument(names, &instrument.value) {
            Some(place) => {
                if let Some((other, _)) = map.iter().find(|(_, known)| **known == place) {
                    let what = format!("is {}, which is \"{other}\" too", instrument.value);
                    let fix = "give each role an instrument of its own";
                    roles.problem(instrument.span, &role.value, what, fix);
                }
                map.insert(role.value, place);
            }
            None if names.declared.contains(&instrument.value) => unplaced.push(role.value),
            None => {
                let what = format!("there is no instrument \"{}\"", instrument.value);
                let fix = "write \"venue:symbol\" of an [[instrument]] of this file";
                roles.problem(instrument.span, &role.value, what, fix);
                unplaced.push(role.value);
            }
        }
    }
    map
}

pub(super) fn strategy(s: &mut Section<'_, '_>, names: &Names<'_>) -> Option<StrategyEntry> {
    let name = s.name("name", &[]);
    let plugin = s.name("plugin", &['/', '\\']).and_then(|at| without_ending(s, at));
    let account = s.text("account").and_then(|at| find_account(s, names, ("account", at)));
    let mut unplaced = Vec::new();
    let roles = s.required_table("roles", |s| (roles(s, names, &mut unplaced), s.places()));
    let (roles, role_places) = roles.unzip();
    let known = roles.iter().flat_map(|roles: &BTreeMap<String, usize>| roles.keys());
    let placed: Vec<String> = known.chain(&unplaced).cloned().collect();
    let accounts = s.table("accounts", |accounts| {
        let mut map = BTreeMap::new();
        for (role, at) in accounts.pairs() {
            let place = find_account(accounts, names, (&role.value, at));
            if !placed.contains(&role.value) {
                let fix = "write a role of [strategy.roles]";
                accounts.problem(role.span, &role.value, "is not a role here", fix);
            }
            // one that was not found owns nothing
            map.insert(role.value, place.unwrap_or(usize::MAX));
        }
        map
    });
    let policies = [("cancel", OpenOrders::Cancel), ("keep", OpenOrders::Keep)];
    let on_stop = s.word_or("on_stop", &policies, OpenOrders::Cancel);
    let grants = s.words("grants", &[("set-leverage", ())]);
    // said, it holds in quarantine too; usually orders stay only as long as somebody comes back
    let said = policies.map(|(word, policy)| (word, Some(policy)));
    let on_fault = s.word_or("on_fault", &said, None);
    let parameters = s.table("parameters", |p| (p.json(), p.places()));
    let (parameters, places) =
        parameters.unwrap_or_else(|| (serde_json::json!({}), BTreeMap::new()));
    let spans = ["plugin", "parameters", "roles"].map(|key| s.span_of(key));
    let limits = s.required_table("limits", |s| (limits(s), super::guards::strategy(s)));
    let (limits, mut guards) = limits.unwrap_or_default();
    let of = roles.as_ref();
    let hedges = s.table("hedges", |s| hedges(s, of, &unplaced)).unwrap_or_default();
    guards.hedges = hedges;
    let name = name?;
    Some(StrategyEntry {
        name: name.value,
        plugin: plugin?.value,
        // an account that was not found is no account: it owns nothing
        account: account.unwrap_or(usize::MAX),
        accounts: accounts.unwrap_or_default(),
        roles: roles.unwrap_or_default(),
        role_places: role_places.unwrap_or_default(),
        unplaced,
        parameters,
        places,
        limits: limits.unwrap_or(NOTHING),
        may_set_leverage: !grants.is_empty(),
        guards,
        on_stop,
        on_fault: on_fault.unwrap_or(OpenOrders::Keep),
        on_quarantine: on_fault.unwrap_or(OpenOrders::Cancel),
        span: name.span,
        spans,
    })
}
