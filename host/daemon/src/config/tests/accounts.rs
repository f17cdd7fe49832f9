//! Leverage and margin mode of an account: what is expected, and what else is accepted.

use super::*;

#[test]
fn a_leverage_is_exact_and_none_is_above_what_the_venue_allows() {
    let account = |more: &'static str| ("name = \"one\"\n", more);
    check(&[account("name = \"one\"\nleverage = \"2.5\"\nmargin_mode = \"isolated\"\n")], &[]);
    for wrong in ["0.5", "2.505", "1001", "-1"] {
        let text = format!("name = \"one\"\nleverage = \"{wrong}\"\n");
        check(&[("name = \"one\"\n", &text)], &["leverage: is no leverage"]);
    }
    check(
        &[account("name = \"one\"\nleverage = \"20\"\nleverage_max = \"10\"\n")],
        &["is above leverage_max"],
    );
    check(
        &[account("name = \"one\"\nmargin_mode = \"portfolio\"\n")],
        &["margin_mode: is \"portfolio\""],
    );
    let known = read(GOOD).unwrap().leverages[0];
    assert_eq!((known.margin, known.max_hundredths), (hedgerow_model::Margin::ONE, 10_000));
}

#[test]
fn what_else_an_account_accepts_is_read_as_it_is_told() {
    let name = "name = \"one\"\n";
    let account = format!("{name}accept = [\"3x cross\", \"2.5x isolated\"]\n");
    let accepted = &changed(&[(name, &account)]).account_entries[0].accept;
    let told: Vec<String> = accepted.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["3x cross", "2.5x isolated"]);
    assert!(read(GOOD).unwrap().account_entries[0].accept.is_empty());
    for wrong in ["3x", "3 cross", "0.5x cross", "2.505x cross", "3x portfolio"] {
        let account = format!("{name}accept = [\"{wrong}\"]\n");
        let said = format!("accept: has \"{wrong}\", which is no leverage and margin mode");
        check(&[(name, &account)], &[&said]);
    }
}
