//! Configs that are wrong, and what is said about them: the reason, and no wrong remedy.

mod accounts;
mod guards;
mod money;

use super::parse::{Folders, parse};
use super::problem::Problems;
use super::{Config, ConfigError};
use crate::owners::{self, Owner};
use hedgerow_plugins::{Description, WantedRole};
use std::path::Path;

const GOOD: &str = r#"
plugins = "plugins"
state = "state"
stale_after_ms = 5000
[data]
source = "generated"
seed = 7
events_per_s = 100
[limits]
[[venue]]
name = "v"
latency_out_ms = 1
latency_back_ms = 1
[[instrument]]
venue = "v"
symbol = "A"
kind = "linear-perpetual"
base = "BTC"
quote = "USD"
price_decimals = 2
quantity_decimals = 0
tick = "0.1"
lot = "1"
min_quantity = "1"
min_notional = "5"
maker_fee = "-0.0001"
taker_fee = "0.0005"
[[account]]
name = "one"
[[strategy]]
name = "first"
plugin = "grid"
account = "one"
[strategy.roles]
market = "v:A"
[strategy.limits]
order_notional_max = "1"
position_notional_max = "1"
gross_notional_max = "1"
open_orders_max = 1
orders_per_s_max = 1
collar_bps = 1
loss_max = "1"
drawdown_max = "1"
"#;

fn read(text: &str) -> Result<Config, ConfigError> {
    parse(Path::new("host.toml"), text.to_owned(), Folders::Unseen)
}

/// A good config with parts replaced, which is good too.
pub(crate) fn changed(changes: &[(&str, &str)]) -> Config {
    let change = |text: String, (from, to): &(&str, &str)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    let text = changes.iter().fold(GOOD.to_owned(), change);
    read(&text).unwrap_or_else(|e| panic!("{}", e.screen))
}

/// What is said when parts of a good config are replaced.
fn said(changes: &[(&str, &str)]) -> String {
    let mut text = GOOD.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    read(&text).map_or_else(|e| e.screen, |_| String::new())
}

#[track_caller]
fn check(changes: &[(&str, &str)], wanted: &[&str]) {
    let said = said(changes);
    for part in wanted {
        assert!(said.contains(part), "{part:?} is not in\n{said}");
    }
    let end = if wanted.len() == 1 {
        "1 problem in".into()
    } else {
        format!("{} problems in", wanted.len())
    };
    assert!(
        wanted.is_empty() == said.is_empty() && said.contains(&end) != wanted.is_empty(),
        "{said}"
    );
}

const INVERSE: (&str, &str) = ("linear-perpetual", "inverse-perpetual");
const BINANCE: (&str, &str) = (
    "source = \"generated\"\nseed = 7\nevents_per_s = 100",
    "source = \"binance-raw\"\npath = \"x\"",
);

#[test]
fn what_risks_money_has_no_default_and_no_wrong_sign() {
    check(&[], &[]);
    check(&[INVERSE], &["multiplier: is missing"]);
    check(&[INVERSE, ("lot = \"1\"", "lot = \"1\"\nmultiplier = \"100\"")], &[]);
    check(&[("lot = \"1\"", "lot = \"1\"\nmultiplier = \"-1\"")], &["multiplier: is -1"]);
    check(&[BINANCE], &["sequence: is missing"]);
    check(&[BINANCE, ("lot = \"1\"", "lot = \"1\"\nsequence = \"previous-id\"")], &[]);
    check(&[("min_notional = \"5\"", "min_notional = \"-5\"")], &["min_notional: is -5"]);
    let band = ("min_notional = \"5\"", "min_notional = \"5\"\nband_above_bps = 500");
    check(&[band], &["band_below_bps: is missing"]);
    check(&[("[limits]", "[limits]\nloss_max = \"-1\"")], &["limits.loss_max: is -1"]);
    check(&[("\"0.0005\"", "\"5\"")], &["taker_fee: is 5"]);
    check(&[("\"-0.0001\"", "\"-1\"")], &["maker_fee: is -1"]);
}

#[test]
fn only_a_spot_market_takes_fees_in_what_was_received() {
    let received = ("lot = \"1\"", "lot = \"1\"\nfee_asset = \"received\"");
    check(&[("linear-perpetual", "spot"), received], &[]);
    check(&[received], &["only a spot instrument"]);
    check(&[("lot = \"1\"", "lot = \"1\"\nfee_asset = \"BNB\"")], &["fee_asset: is \"BNB\""]);
}

#[test]
fn a_speed_beyond_all_numbers_is_a_problem() {
    let speed = |speed: &str| format!("seed = 7\nspeed = \"{speed}\"");
    check(&[("seed = 7", &speed("79228162514264337593543950335"))], &["data.speed: is negative"]);
    check(&[("seed = 7", &speed("0.0001"))], &["data.speed: is negative, finer"]);
    check(&[("seed = 7", &speed("60"))], &[]);
}

#[test]
fn one_mistake_is_told_once_and_with_its_own_remedy() {
    check(&[BINANCE, ("binance-raw", "binance_raw")], &["did you mean \"binance-raw\"?"]);
    check(&[("seed = 7\n", "")], &["data.seed: is missing"]);
    check(&[("latency_out_ms = 1", "latency_out_ms = \"fast\"")], &["latency_out_ms: is a text"]);
    check(&[("symbol = \"A\"", "symbol = \"B\"")], &["there is no instrument \"v:A\""]);
    let dated = ("linear-perpetual\"", "linear_future\"\nexpiry_unix_s = 1798185600");
    check(&[dated], &["did you mean \"linear-future\"?"]);
    let tick = "tick = \"0.1\"";
    check(&[(tick, "grid = \"significant\"\nfigures = 5\nmax_decimals = 1")], &["grid: is \"sig"]);
    check(&[(tick, "grid = \"ticks\"\ntick = \"0.1\"")], &["did you mean \"tick\"?"]);
    check(&[(tick, "grid = \"tick\"\ntick = \"0.1\"")], &[]);
    check(&[(tick, "grid = \"significant-figures\"\nfigures = 5\nmax_decimals = 1")], &[]);
    let both = ["figures: is missing", "max_decimals: is missing"];
    check(&[(tick, "grid = \"significant-figures\"")], &both);
}

#[test]
fn a_warm_up_is_of_a_recording() {
    let socket = "source = \"socket\"\npath = \"s\"\nwarm_up_s = 60";
    let generated = "source = \"generated\"\nseed = 7\nevents_per_s = 100";
    check(&[(generated, socket)], &["data.warm_up_s: is of a recording"]);
    check(&[(generated, &socket.replace("60", "0"))], &[]);
}

#[test]
fn what_is_there_twice_is_told() {
    let account = "[[account]]\nname = \"one\"\n";
    check(&[(account, &account.repeat(2))], &["account: \"one\" is defined twice"]);
    let from = GOOD.find("[[instrument]]").unwrap();
    let instrument = &GOOD[from..GOOD.find("[[account]]").unwrap()];
    check(&[(instrument, &instrument.repeat(2))], &["\"A\" of this venue is defined twice"]);
    check(
        &[("market = \"v:A\"", "hedge = \"v:A\"\nmarket = \"v:A\"")],
        &["which is \"hedge\" too"],
    );
}

/// What a component says of itself that trades its one role, or watches it.
fn component(trades: bool) -> Description {
    let want = WantedRole { role: "market".into(), kinds: Vec::new(), bars: None, trades };
    Description {
        name: "x".into(),
        version: "1".into(),
        contract: "0.1".into(),
        state_version: 1,
        oldest_readable_state: 1,
        parameters: serde_json::json!({}).into(),
        capabilities: Vec::new(),
        wants: vec![want],
    }
}

/// Who trades is not known before the components are loaded: watching is not owning.
#[test]
fn many_may_watch_what_one_trades() {
    let strategy = &GOOD[GOOD.find("[[strategy]]").unwrap()..];
    let second = strategy.replace("first", "second");
    let config = read(&format!("{GOOD}{second}")).unwrap_or_else(|e| panic!("{e}"));
    let claims = |trades: [bool; 2]| {
        let owner = |(entry, trades)| Owner::new(entry, &component(trades));
        let owners: Vec<Owner<'_>> = config.strategies.iter().zip(trades).map(owner).collect();
        let mut problems = Problems::default();
        owners::check(&config, &owners, &mut problems);
        problems.render("host.toml", &config.text)
    };
    let said = claims([true, true]);
    assert!(said.contains("\"first\" and \"second\" both claim A on account \"one\""), "{said}");
    assert!(said.contains("host.toml:46:"), "{said}");
    assert!(claims([true, false]).starts_with("0 problems"));
}

/// Limits and guards add figures in quote currencies: different money is not one sum.
#[test]
fn money_of_different_kinds_is_not_added() {
    let strategy = &GOOD[GOOD.find("[[strategy]]").unwrap()..];
    let begin = GOOD.find("[[instrument]]").unwrap();
    let end = begin + GOOD[begin..].find("[[account]]").unwrap();
    let other = |quote: &str| {
        let instrument = GOOD[begin..end].replace("symbol = \"A\"", "symbol = \"B\"");
        let instrument = instrument.replace("quote = \"USD\"", &format!("quote = \"{quote}\""));
        let second = strategy.replace("first", "second").replace("v:A", "v:B");
        let text = format!("{GOOD}\n{instrument}\n{second}");
        let text = text.replace("\n[limits]\n", "\n[limits]\nloss_max = \"5\"\n");
        let config = read(&text).unwrap_or_else(|e| panic!("{e}"));
        let owner = |entry| Owner::new(entry, &component(true));
        let owners: Vec<Owner<'_>> = config.strategies.iter().map(owner).collect();
        let mut problems = Problems::default();
        owners::check_money(&config, &owners, &mut problems);
        problems.render("host.toml", &config.text)
    };
    assert!(other("USDC").starts_with("0 problems"));
    let said = other("BTC");
    assert!(said.contains("would add BTC and USD as if they were one"), "{said}");
}

#[test]
fn the_numbers_of_updates_are_the_product_s_own() {
    let wrong = ("lot = \"1\"", "lot = \"1\"\nsequence = \"snapshots\"");
    check(&[BINANCE, wrong], &["sequence: is not how these updates are numbered"]);
    let other = ("lot = \"1\"", "lot = \"1\"\nsequence = \"first-id-follows\"");
    check(&[BINANCE, other], &["sequence: is not how"]);
    check(&[BINANCE, ("linear-perpetual", "spot"), other], &[]);
    let thousand = ("lot = \"1\"", "lot = \"1\"\nmultiplier = \"1000\"");
    check(&[("linear-perpetual", "spot"), thousand], &["multiplier must be 1"]);
}

#[test]
fn a_folder_for_a_source_that_reads_none_is_refused() {
    let config = read(GOOD).unwrap();
    let said = config.with_data(Path::new("x")).unwrap_err().screen;
    assert!(said.contains("--data") && said.contains("\"generated\""), "{said}");
}

#[test]
fn a_name_is_something_that_can_be_written_elsewhere() {
    check(&[("name = \"first\"", "name = \"\"")], &["strategy[0].name: is \"\", which is no name"]);
    check(&[("name = \"first\"", "name = \"the first\"")], &["without spaces"]);
    let path = ("plugin = \"grid\"", "plugin = \"../grid\"");
    check(&[path], &["strategy[0].plugin: is \"../grid\", which is no name"]);
    let colon = [("name = \"v\"", "name = \"v:w\""), ("venue = \"v\"", "venue = \"v:w\"")];
    check(&colon, &["or ':'", "there is no instrument \"v:A\""]);
    let sandbox = "[sandbox]\ncall_soft_cpu_ms = 200\n[limits]";
    check(&[("[limits]", sandbox)], &["is 200, above call_hard_cpu_ms, which is 100"]);
}

#[test]
fn a_grant_is_named_and_there_is_none_by_itself() {
    let plugin = "plugin = \"grid\"\n";
    assert!(!read(GOOD).unwrap().strategies[0].may_set_leverage);
    let granted = GOOD.replace(plugin, "plugin = \"grid\"\ngrants = [\"set-leverage\"]\n");
    assert!(read(&granted).unwrap().strategies[0].may_set_leverage);
    check(&[(plugin, "plugin = \"grid\"\ngrants = [\"withdraw\"]\n")], &["is \"withdraw\""]);
}

/// Sockets of two venues: each venue has one, and an account is behind one.
#[test]
fn every_venue_and_every_account_is_behind_one_socket() {
    let second =
        "[[venue]]\nname = \"w\"\nlatency_out_ms = 1\nlatency_back_ms = 1\n[[instrument]]\n";
    let text = GOOD.replacen("[[instrument]]\n", second, 1);
    let other = text[text.find("[[instrument]]").unwrap()..text.find("[[account]]").unwrap()]
        .replace("venue = \"v\"", "venue = \"w\"");
    let text = text
        .replacen("[[account]]\n", &format!("{other}[[account]]\nname = \"two\"\n[[account]]\n"), 1)
        .replacen("market = \"v:A\"", "market = \"v:A\"\nother = \"w:A\"", 1);
    let judged = |text: &str, sockets: &[&str]| {
        // all roles trade
        let config = read(text).unwrap_or_else(|e| panic!("{e}"));
        let sockets: Vec<_> = sockets.iter().map(|s| crate::link::socket_entry(s)).collect();
        let entry = &config.strategies[0];
        let trades = entry.roles.iter().map(|(role, place)| (*place, entry.account_of(role)));
        crate::link::check_sockets(&config, &sockets, &trades.collect::<Vec<_>>())
    };
    let said = |text: &str, sockets: &[&str]| judged(text, sockets).unwrap_err();
    assert_eq!(judged(&text, &["a.sock"]), Ok(()));
    assert_eq!(judged(&text, &["v=a.sock", "w=a.sock"]), Ok(()));
    assert!(said(&text, &["v=a.sock"]).contains("\"w\" has no socket"));
    assert!(said(&text, &["a.sock", "w=b.sock"]).contains("\"w\" has two sockets"));
    assert!(said(&text, &["v=a.sock", "x=b.sock"]).contains("no venue \"x\""));
    assert!(said(&text, &["v=a.sock", "w=b.sock"]).contains("account \"one\" trades on venues"));
    let apart = text
        .replace("[strategy.limits]", "[strategy.accounts]\nother = \"two\"\n[strategy.limits]");
    assert_eq!(judged(&apart, &["v=a.sock", "w=b.sock"]), Ok(()));
    // what is only watched needs no account there
    let config = read(&text).unwrap();
    let sockets = ["v=a.sock", "w=b.sock"].map(crate::link::socket_entry);
    assert_eq!(crate::link::check_sockets(&config, &sockets, &[(0, 0)]), Ok(()));
}

#[test]
fn an_account_says_how_its_venue_is_asked_and_how_much_may_be_sent() {
    let more = r#"name = "one"
[account.reconcile]
settling_ms = 2000
lookups = 4
orders_every_s = 0
[[account.pool]]
name = "requests"
burst = 1200
per_ms = 60000
reserve = 100
weights = { place = 2, query = 5 }
"#;
    let config = read(&GOOD.replace("name = \"one\"\n", more)).unwrap();
    let entry = &config.account_entries[0];
    let (settling, asks) = entry.asks.unwrap();
    assert_eq!((settling.as_millis(), asks.lookups, asks.orders_every), (2_000, 4, None));
    assert_eq!(asks.positions_every, Some(hedgerow_model::Duration::from_secs(60)));
    let pool = &entry.pools[0];
    assert_eq!((pool.burst, pool.reserve, pool.wait.as_millis()), (1_200, 100, 1_000));
    assert_eq!((pool.weights.place, pool.weights.cancel, pool.weights.query), (2, 1, 5));
    for (from, to, said) in [
        ("reserve = 100", "reserve = 1200", "account[0].pool[0].reserve"),
        ("reserve = 100\n", "", "account[0].pool[0].reserve"),
        ("lookups = 4", "lookups = 0", "account[0].reconcile.lookups"),
        ("burst = 1200", "burst = 0", "account[0].pool[0].burst"),
        ("lookups = 4", "lookup = 4", "lookup"),
    ] {
        let text = GOOD.replace("name = \"one\"\n", &more.replace(from, to));
        let error = read(&text).unwrap_err().to_string();
        assert!(error.contains(said), "{from}: {error}");
    }
}

/// Host time goes on from the journal's, which is read after the config was checked: a check must
/// not begin it. In a process of its own, where nobody else has.
#[test]
fn a_check_of_what_expires_does_not_begin_host_time() {
    const ALONE: &str = "HEDGEROW_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let name = "config::tests::a_check_of_what_expires_does_not_begin_host_time";
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        assert!(alone.args(["--exact", name]).env(ALONE, "1").status().unwrap().success());
        return;
    }
    let dated = GOOD.replace("linear-perpetual\"", "linear-future\"\nexpiry_unix_s = 4102444800");
    let config = read(&dated).unwrap_or_else(|e| panic!("{e}"));
    let owners = [Owner::new(&config.strategies[0], &component(true))];
    assert!(!owners[0].trades.is_empty());
    crate::check::check_expiry(&config, &owners, &mut Problems::default());
    let ahead = crate::live::system() + 3_600_000_000_000;
    assert!(crate::live::clock(ahead) >= ahead, "time fell over a restart");
}

/// What a paper venue accepts may change; what is not said stays.
#[test]
fn terms_change_at_their_time_and_wrong_ones_are_told_where_they_stand() {
    let with = |text: &str| {
        let end = "[[account]]";
        (end.to_owned(), format!("[[instrument.change]]\n{text}\n{end}"))
    };
    let (end, good) = with("at_unix_s = 1700000000\nlot = \"10\"");
    let config = changed(&[(&end, &good)]);
    let (id, at, terms) = config.changes[0];
    let spec = &config.instruments[id.index()].0;
    assert_eq!(at.as_nanos(), 1_700_000_000_000_000_000);
    assert_eq!(spec.quantity(terms.lot).to_string(), "10");
    assert_eq!((terms.grid, terms.min_quantity), (spec.grid, spec.min_quantity));
    let (end, bad) = with("lot = \"-1\"\nsize = 3");
    check(&[(&end, &bad)], &["at_unix_s", "above zero", "size"]);
}
