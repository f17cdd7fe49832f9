//! The sums as rows, told apart as asked.

use super::{Key, Pnl};
use hedgerow_model::view::Counted;
use hedgerow_model::{Decimal, Earnings, InstrumentId, Line, RateSource};
use serde::Serialize;
use std::collections::BTreeMap;

/// What rows may be told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The strategy.
    Strategy,
    /// The account.
    Account,
    /// The instrument.
    Instrument,
    /// The day, UTC.
    Day,
    /// The pair: what plans opened together. What is in none is told apart as `-`.
    Pair,
}

/// One sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The day, UTC, `2026-01-31`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    /// The strategy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// The account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Venue and symbol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instrument: Option<String>,
    /// The pair: its strategy, its first plan, the leg that was bought and the one that was sold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pair: Option<String>,
    /// Amounts of an asset, their worth in a currency, or amounts that had no rate.
    pub counted: Counted,
    /// The asset or currency.
    pub currency: String,
    /// The sums.
    #[serde(flatten)]
    pub line: Line,
    /// All together.
    pub net: Decimal,
    /// Of amounts that had no rate: what is missing to convert them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

/// Day, strategy, account, instrument, pair.
type Heading = (Option<u64>, [Option<String>; 4]);

impl Pnl {
    /// The sums, told apart as asked, always by asset; of all strategies or of one. Told apart by
    /// pair they come to the same: what is in no pair has a row of its own.
    #[must_use]
    pub fn rows(&self, by: &[By], only: Option<&str>) -> Vec<Row> {
        let mut all: BTreeMap<Heading, Earnings> = BTreeMap::new();
        for (key, earned) in &self.sums {
            let claimed = self.claimed(key);
            let whose = claimed.1.and_then(|id| self.names.get(&("strategy".to_owned(), id.0)));
            if only.is_some_and(|only| whose.map(String::as_str) != Some(only)) {
                continue;
            }
            let mut add = |pair: String, part: &Earnings| {
                let heading = self.heading(&claimed, by, pair);
                all.entry(heading).or_default().add(part);
            };
            if !by.contains(&By::Pair) {
                add(String::new(), earned);
                continue;
            }
            let mut rest = earned.clone();
            for ((_, pair), part) in self.paired.range((*key, 0)..=(*key, usize::MAX)) {
                less(&mut rest, part);
                add(self.pair_in_words(*pair), part);
            }
            if rest != Earnings::default() {
                add("-".to_owned(), &rest);
            }
        }
        all.iter().flat_map(|(heading, earned)| self.lines(heading, earned)).collect()
    }

    /// The names of strategies, by number.
    pub fn strategies(&self) -> impl Iterator<Item = &str> {
        let named = self.names.iter().filter(|((what, _), _)| what == "strategy");
        named.map(|(_, name)| name.as_str())
    }

    /// What was paid on an instrument before anybody was known to hold it is whose it is now.
    fn claimed(&self, key: &Key) -> Key {
        let (day, strategy, account, instrument) = *key;
        let Some(of) = instrument.filter(|_| strategy.is_none()) else { return *key };
        let mut held = self.positions.keys().filter(|held| (held.1, held.2) == (account, of));
        (day, held.next().map(|held| held.0), account, instrument)
    }

    fn heading(&self, key: &Key, by: &[By], pair: String) -> Heading {
        let (day, strategy, account, instrument) = *key;
        let asks = |what| by.contains(&what);
        let name = |what, id: Option<u32>| id.map_or("-".to_owned(), |id| self.name(what, id));
        let parts = [
            asks(By::Strategy).then(|| name("strategy", strategy.map(|s| s.0))),
            asks(By::Account).then(|| name("account", Some(account.0))),
            asks(By::Instrument).then(|| name("instrument", instrument.map(|i| i.0))),
            asks(By::Pair).then_some(pair),
        ];
        (asks(By::Day).then_some(day), parts)
    }

    fn name(&self, what: &str, id: u32) -> String {
        let known = self.names.get(&(what.to_owned(), id));
        known.cloned().unwrap_or_else(|| id.to_string())
    }

    fn pair_in_words(&self, place: usize) -> String {
        let Some(record) = self.pairs.get(place) else { return "?".into() };
        let [long, short] = record.legs.each_ref().map(|leg| leg.instrument.0);
        let [long, short] = [long, short].map(|id| self.name("instrument", id));
        let strategy = self.name("strategy", record.strategy.0);
        let plan = record.plans.first().copied().unwrap_or(0);
        format!("{strategy} {plan}: {long} + {short}")
    }

    fn lines(&self, (day, words): &Heading, earned: &Earnings) -> Vec<Row> {
        let parts = [
            (Counted::Asset, &earned.assets),
            (Counted::Worth, &earned.worth),
            (Counted::Unconverted, &earned.unconverted),
        ];
        // where no currency is counted in, nothing is without its worth
        let counts = !self.rates.is_empty();
        let parts = parts.into_iter().filter(|(of, _)| counts || *of != Counted::Unconverted);
        let row = |counted, currency: &String, line: &Line| {
            let [strategy, account, instrument, pair] = words.clone();
            let unknown = counted == Counted::Unconverted;
            Row {
                day: day.map(date),
                strategy,
                account,
                instrument,
                pair,
                counted,
                currency: currency.clone(),
                line: *line,
                net: line.net(),
                missing: unknown.then(|| self.missing(currency)),
            }
        };
        parts
            .flat_map(|(of, all)| all.iter().map(move |(name, line)| (of, name, line)))
            .map(|(of, name, line)| row(of, name, line))
            .collect()
    }

    /// What is missing to say what an asset is worth.
    fn missing(&self, asset: &str) -> String {
        let currency = self.rates.get(asset).or(self.rates.values().next());
        let Some(currency) = currency.map(|rate| rate.currency.as_str()) else {
            return "a rate".into();
        };
        let same = |quote: &str| {
            let rate = self.rates.get(quote).and_then(|rate| rate.worth);
            matches!(rate, Some((_, RateSource::Currency | RateSource::Config)))
        };
        let trades = self
            .instruments
            .values()
            .filter(|spec| spec.base == asset && (spec.quote == currency || same(&spec.quote)));
        let ids: Vec<InstrumentId> = trades.map(|spec| spec.id).collect();
        let names: Vec<String> = ids.iter().map(|id| self.name("instrument", id.0)).collect();
        match names.is_empty() {
            true => format!("an instrument that trades {asset} against {currency}"),
            false => format!("a fresh mark of {}", names.join(" or ")),
        }
    }
}

/// Takes a part away; what is nothing then is not there.
fn less(all: &mut Earnings, part: &Earnings) {
    let Earnings { assets, worth, unconverted } = all;
    let of = [(assets, &part.assets), (worth, &part.worth), (unconverted, &part.unconverted)];
    for (sums, part) in of {
        for (key, gone) in part {
            let line = sums.entry(key.clone()).or_default();
            let Line { price, fees, funding_received, funding_paid, interest } = line;
            let parts = [
                (price, gone.price),
                (fees, gone.fees),
                (funding_received, gone.funding_received),
                (funding_paid, gone.funding_paid),
                (interest, gone.interest),
            ];
            for (sum, gone) in parts {
                *sum = sum.saturating_sub(gone);
            }
        }
        sums.retain(|_, line| *line != Line::default());
    }
}

/// A day since 1970 as a date of the Gregorian calendar.
pub(super) fn date(day: u64) -> String {
    // years begin in March, so that the day that comes and goes is the last
    let day = day + 719_468;
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{of_month:02}")
}
