//! Guards in a config: every key with a good value and a wrong one, and what an action needs.

use super::*;

/// A key, a good value, a wrong one.
type Key<'a> = (&'a str, &'a str, &'a str);
/// What is replaced in a good config, with what, and the keys that may stand there.
type Place<'a> = (&'a str, &'a dyn Fn(&str) -> String, &'a [Key<'a>]);

const REDUCTION: &str = "[limits]\n[limits.reduction]\nslippage_bps = 5\nhedge_bps = 10\n\
                         emergency_bps = 50\ndeadline_ms = 2000\n";

/// Of accounts.
const ACCOUNT: &[Key<'static>] = &[
    ("gross_notional_max", "\"9\"", "\"-9\""),
    ("net_notional_max", "\"9\"", "0"),
    ("leverage_max", "\"3\"", "\"0\""),
    ("open_orders_max", "3", "0"),
    ("orders_per_s_max", "3", "-1"),
    ("cancels_per_fill_max", "50", "0"),
    ("answer_ms_max", "500", "0"),
    ("loss_max", "\"5\"", "\"0\""),
    ("loss_day_max", "\"5\"", "5.0"),
    ("drawdown_max", "\"5\"", "\"-5\""),
    ("margin_utilisation_max_percent", "\"80\"", "\"100\""),
    ("margin_utilisation_action", "\"pause\"", "\"stop\""),
    ("margin_ratio_max_percent", "\"50\"", "\"0\""),
    ("margin_watch_action", "\"alert\"", "\"look\""),
    ("margin_warning_action", "\"pause\"", "\"look\""),
    ("margin_danger_action", "\"cancel-only\"", "\"look\""),
    ("margin_critical_action", "\"halt\"", "\"look\""),
    ("liquidation_distance_min_percent", "\"10\"", "\"100\""),
    ("adverse_move_percent", "\"25\"", "\"-25\""),
    ("leverage_target", "\"4\"", "\"-4\""),
    ("liquidated_action", "\"halt\"", "\"die\""),
];

/// Every key of a guard, of every scope, with a good value and a wrong one.
#[test]
fn guards_are_read_and_their_wrong_values_told() {
    let account = |more: &str| format!("name = \"one\"\n[account.limits]\n{more}\n");
    let strategy = |more: &str| format!("collar_bps = 1\n{more}\n");
    let host = |more: &str| format!("[limits]\n{more}\n");
    let instrument = |more: &str| format!("taker_fee = \"0.0005\"\n[instrument.limits]\n{more}\n");
    let places: [Place<'_>; 4] = [
        ("name = \"one\"\n", &account, ACCOUNT),
        (
            "collar_bps = 1\n",
            &strategy,
            &[
                ("net_notional_max", "\"9\"", "\"-9\""),
                ("cancels_per_fill_max", "50", "0"),
                ("loss_action", "\"halt\"", "\"stop\""),
                ("drawdown_action", "\"alert\"", "\"stop\""),
                ("loss_day_max", "\"5\"", "\"0\""),
                ("hedge_gap_max_percent", "\"5\"", "\"100\""),
                ("hedge_gap_action", "\"pause\"", "\"fill\""),
                ("unhedged_ms_max", "10000", "0"),
                ("funding_edge_per_h_min", "\"-0.00001\"", "0.1"),
                ("max_slippage_bps", "\"8\"", "\"0\""),
                ("max_spread_bps", "\"2.5\"", "\"-1\""),
                ("max_depth_share", "\"0.25\"", "\"1.01\""),
                ("pair_cooldown_ms", "0", "86400001"),
            ],
        ),
        (
            "[limits]\n",
            &host,
            &[
                ("gross_notional_max", "\"9\"", "\"-9\""),
                ("net_notional_max", "\"9\"", "\"-9\""),
                ("open_orders_max", "3", "0"),
                ("orders_per_s_max", "3", "-1"),
                ("loss_day_max", "\"9\"", "\"-9\""),
                ("drawdown_max", "\"9\"", "\"-9\""),
            ],
        ),
        (
            "taker_fee = \"0.0005\"\n",
            &instrument,
            &[
                ("order_notional_max", "\"9\"", "\"-9\""),
                ("position_notional_max", "\"9\"", "\"-9\""),
            ],
        ),
    ];
    for (from, with, keys) in places {
        for (key, good, wrong) in keys {
            check(&[(from, &with(&format!("{key} = {good}")))], &[]);
            check(&[(from, &with(&format!("{key} = {wrong}")))], &[&format!("{key}: is ")]);
        }
    }
}

/// Where nothing is said a pair that had to be taken back waits for a minute, and no market is
/// measured before something opens.
#[test]
fn what_plans_must_find_is_absent_but_for_the_cooldown() {
    let opening = |text: &str| read(text).unwrap().strategies[0].guards.opening;
    let usual = hedgerow_engine::OpeningLimits {
        pair_cooldown: hedgerow_model::Duration::from_secs(60),
        ..Default::default()
    };
    assert_eq!(opening(GOOD), usual);
    let set = GOOD.replace("collar_bps = 1", "collar_bps = 1\nmax_slippage_bps = \"8\"");
    assert_eq!(opening(&set).max_slippage_bps, Some(hedgerow_model::Decimal::from(8)));
}

#[test]
fn an_action_needs_its_limit_and_what_it_is_carried_out_with() {
    let limit = |more: &'static str| ("collar_bps = 1\n", more);
    check(
        &[limit("collar_bps = 1\nunhedged_action = \"pause\"\n")],
        &["unhedged_action: is for nothing"],
    );
    let closes =
        limit("collar_bps = 1\nunhedged_ms_max = 5000\nunhedged_action = \"close-pair\"\n");
    check(&[closes], &["limits.reduction: is missing"]);
    check(&[closes, ("[limits]\n", REDUCTION)], &[]);
    let falls = REDUCTION.replace("hedge_bps = 10", "hedge_bps = 4");
    check(&[("[limits]\n", &falls)], &["hedge_bps: is below slippage_bps"]);
    let reduces = "name = \"one\"\n[account.limits]\nmargin_danger_action = \"reduce\"\n";
    let reduces = [("name = \"one\"\n", reduces), ("[limits]\n", REDUCTION)];
    check(&reduces, &["account.limits.leverage_target: is missing"]);
    // another's target is none of this account's
    let other = format!(
        "{}[[account]]\nname = \"two\"\n[account.limits]\nleverage_target = \"3\"\n",
        reduces[0].1
    );
    let said = ["account.limits.leverage_target: is missing for account \"one\""];
    check(&[("name = \"one\"\n", &other), ("[limits]\n", REDUCTION)], &said);
    // a strategy's guard and the host's concern the accounts that are traded on
    let beside = "name = \"one\"\n[[account]]\nname = \"two\"\n";
    let by_strategy = limit("collar_bps = 1\nloss_action = \"reduce\"\n");
    check(&[("name = \"one\"\n", beside), by_strategy, ("[limits]\n", REDUCTION)], &said);
    let by_host =
        format!("[limits]\nloss_max = \"9\"\nloss_action = \"reduce\"\n{}", &REDUCTION[9..]);
    check(&[("name = \"one\"\n", beside), ("[limits]\n", &by_host)], &said);
    let target = format!("{}leverage_target = \"3\"\n", reduces[0].1);
    check(&[("name = \"one\"\n", &target), ("[limits]\n", REDUCTION)], &[]);
    let known =
        read(&GOOD.replacen("name = \"one\"\n", &target, 1).replacen("[limits]\n", REDUCTION, 1));
    let guards = &known.unwrap().account_guards[0];
    assert_eq!(guards.taker_fee.to_string(), "0.0005", "what closing pays");
    assert_eq!(guards.margin_utilisation.limit.to_string(), "80", "by default");
}

#[test]
fn a_worse_grade_of_margin_is_not_followed_by_less() {
    let grades = |all: [&str; 4]| {
        let keys = ["watch", "warning", "danger", "critical"].into_iter().zip(all);
        let said = keys.filter(|(_, action)| !action.is_empty());
        let lines = said.map(|(grade, action)| format!("margin_{grade}_action = \"{action}\"\n"));
        format!("name = \"one\"\n[account.limits]\n{}", lines.collect::<String>())
    };
    let said = |all, wanted: &[&str]| check(&[("name = \"one\"\n", &grades(all))], wanted);
    said(["alert", "pause", "pause", "halt"], &[]);
    said(["pause", "", "", ""], &[]);
    let less = "margin_critical_action: is alert, which does less than margin_watch_action (halt)";
    said(["halt", "", "", "alert"], &[less]);
    said(
        ["halt", "pause", "halt", "cancel-only"],
        &["margin_warning_action: is pause", "margin_critical_action: is cancel-only"],
    );
}

#[test]
fn paper_money_is_an_amount_and_what_must_stay_a_fraction() {
    let money = |text: &str| format!("name = \"one\"\n[account.collateral]\n{text}\n");
    check(&[("name = \"one\"\n", &money("USD = \"1000\""))], &[]);
    // what nothing settles in would be no money, and the account would have no end of it
    let said = ["collateral.USDT: is money that no instrument here settles in"];
    check(&[("name = \"one\"\n", &money("USDT = \"1000\""))], &said);
    check(&[("name = \"one\"\n", &money("USD = \"-1\""))], &["collateral.USD: is -1"]);
    let rate = |text: &str| format!("lot = \"1\"\nmaintenance_rate = \"{text}\"\n");
    check(&[("lot = \"1\"\n", &rate("0.005"))], &[]);
    check(&[("lot = \"1\"\n", &rate("1"))], &["maintenance_rate: is 1"]);
    check(&[("lot = \"1\"\n", &rate("0"))], &["maintenance_rate: is 0"]);
}

#[test]
fn hedges_are_two_roles() {
    let roles = "market = \"v:A\"\n";
    let hedge = |text: &str| format!("{roles}[strategy.hedges]\n{text}\n");
    check(&[(roles, &hedge("market = \"market\""))], &["hedges.market: hedges itself"]);
    check(&[(roles, &hedge("market = \"other\""))], &["hedges.other: is not a role here"]);
}
