//! What earnings are counted in.

use super::*;

#[test]
fn what_earnings_are_counted_in_is_said_in_full() {
    let counted = |table: &str| ("[limits]".to_owned(), format!("[accounting]\n{table}\n[limits]"));
    for (table, wanted) in [
        ("currency = \"USD\"\nsame = [\"USD\"]", "names USD, which is the currency"),
        ("currency = \"USD\"\nsame = \"USDT\"", "not a list of texts"),
        ("currency = \"USD\"\nsame = [1]", "not a list of texts"),
        ("same = [\"USDT\"]", "accounting.currency: is missing"),
        (
            "currency = \"USD\"\nsame = [\"BTC\"]",
            "says that one BTC is worth one USD: A is its price",
        ),
        ("currency = \"USD\"\nsame = [\"SOL\"]", "says that one SOL is worth one USD"),
        ("currency = \"DOGE\"", "currency: is DOGE, which no instrument trades or settles in"),
    ] {
        let (from, to) = counted(table);
        check(&[(&from, &to)], &[wanted]);
    }
    check(&[("stale_after_ms = 5000", "stale_after_ms = 5000\nsnapshot_rows = 5")], &["is 5"]);
    let (from, to) = counted("currency = \"USD\"\nsame = [\"USDT\", \"USDC\"]");
    let config = read(&GOOD.replacen(&from, &to, 1)).unwrap();
    assert_eq!(config.accounting.currency.as_deref(), Some("USD"));
    assert_eq!(config.accounting.same, ["USDT", "USDC"]);
    assert_eq!(config.snapshot_rows, 100_000);
    assert_eq!(read(GOOD).unwrap().accounting, hedgerow_model::Accounting::default());
}
