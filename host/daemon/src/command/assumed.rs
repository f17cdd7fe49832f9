//! What the simulated venues take for granted, in words, by the config that they were made from.

use crate::config::Config;
use hedgerow_model::{Instrument, InstrumentKind};
use hedgerow_simulator::FillModel;

/// All of it.
pub(super) fn by(config: &Config) -> Vec<String> {
    let uses = |model: FillModel| config.venues.iter().any(|(_, venue)| venue.fills == model);
    let holds = |is: fn(InstrumentKind) -> bool| config.instruments.iter().any(|(i, _)| is(i.kind));
    let mut all = vec![
        "orders have no market impact: displayed size that was taken is displayed again".to_owned(),
    ];
    if holds(|kind| kind != InstrumentKind::Spot) {
        all.extend(margin(config));
    }
    all.push(
        "a tick takes effect at its venue's time, moved by the smallest delay seen between the two \
         clocks, never after it was received; of one instrument in the order of receipt"
            .to_owned(),
    );
    if uses(FillModel::Queue) {
        all.push(
            "queue position: behind what was displayed, unknown beyond the last level; cancels \
             count as ahead only where the level shrinks; a market that goes through a price fills \
             the whole order there"
                .to_owned(),
        );
    }
    if uses(FillModel::Touch) {
        all.push("fill model touch: an order fills whole when its price is touched".to_owned());
    }
    if holds(|kind| kind == InstrumentKind::Spot) {
        all.push("spot begins with nothing: what is not held is not sold".to_owned());
    }
    if holds(|kind| !kind.is_perpetual() && kind != InstrumentKind::Spot) {
        all.push(
            "a dated future is delivered at its expiry, at the average of the index over the hour \
             before it (where the data has none, of the mark, else of the middle), for a taker's \
             fee; what is held at the end of the data is marked"
                .to_owned(),
        );
    }
    all
}

fn is_derivative(instrument: &Instrument) -> bool {
    instrument.kind != InstrumentKind::Spot
}

/// Of each account: whether its derivatives end with its money.
fn margin(config: &Config) -> Vec<String> {
    let mut all = Vec::new();
    for (place, account) in config.accounts.iter().enumerate() {
        let Some(money) = config.collateral.get(place).filter(|money| !money.is_empty()) else {
            let why = "it has no collateral in the config";
            all.push(format!("account {account}: no margin requirement, no liquidation: {why}"));
            continue;
        };
        let money: Vec<String> = money.iter().map(|(a, m)| format!("{m} {a}")).collect();
        all.push(format!(
            "account {account}: {} at each venue; at its maintenance margin it is liquidated whole \
             at the touch, the position that needs most first; no order is refused for want of \
             margin",
            money.join(", ")
        ));
    }
    let has_rate = |place: usize| config.maintenance_rates.get(place).is_some_and(Option::is_some);
    let derivatives = config.instruments.iter().enumerate().filter(|(_, (i, _))| is_derivative(i));
    let without = derivatives.filter(|(place, _)| !has_rate(*place));
    let without: Vec<&str> = without.map(|(_, (i, _))| i.symbol.as_str()).collect();
    let any = config.collateral.iter().any(|money| !money.is_empty());
    if any && !without.is_empty() {
        let names = without.join(", ");
        all.push(format!(
            "no maintenance margin for {names}: liquidated only when nothing is left"
        ));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::by;
    use crate::config::tests::changed;

    const ACCOUNT: &str = "name = \"one\"\n";

    fn assumed(changes: &[(&str, &str)]) -> String {
        by(&changed(changes)).join("\n")
    }

    /// What is said of margin is what the venue does with this config.
    #[test]
    fn margin_is_told_as_it_is_configured() {
        let none = assumed(&[]);
        assert!(none.contains("account one: no margin requirement, no liquidation"), "{none}");
        let money = format!("{ACCOUNT}[account.collateral]\nUSD = \"1000\"\n");
        let some = assumed(&[(ACCOUNT, &money)]);
        assert!(some.contains("account one: 1000 USD at each venue"), "{some}");
        assert!(some.contains("is liquidated") && !some.contains("no liquidation"), "{some}");
        assert!(some.contains("no maintenance margin for A"), "{some}");
        let rate = ("maker_fee", "maintenance_rate = \"0.01\"\nmaker_fee");
        let whole = assumed(&[(ACCOUNT, &money), rate]);
        assert!(!whole.contains("no maintenance margin"), "{whole}");
        // nobody is liquidated in spot
        let perpetual = "kind = \"linear-perpetual\"";
        let spot = assumed(&[(perpetual, "kind = \"spot\"")]);
        assert!(!spot.contains("liquidat") && spot.contains("begins with nothing"), "{spot}");
    }
}
