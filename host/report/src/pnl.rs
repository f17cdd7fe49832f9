//! Profit and loss from facts alone: every amount under its day, strategy, account and instrument,
//! in its asset and worth at its own time.

use hedgerow_model::view::Counted;
use hedgerow_model::{
    AccountId, ClientOrderId, Decimal, Earnings, Entry, Fact, Fee, HostTime, Instrument,
    InstrumentId, Line, Position, Price, Quantity, Rates, Side, Stamped, StrategyId,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Whose, on which account, in what. Nothing: nobody's.
type Held = (StrategyId, AccountId, InstrumentId);

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
    /// Amounts of an asset, their worth in a currency, or amounts that had no rate.
    pub counted: Counted,
    /// The asset or currency.
    pub currency: String,
    /// The sums.
    #[serde(flatten)]
    pub line: Line,
    /// All together.
    pub net: Decimal,
}

/// A journal's profit and loss as it is read.
#[derive(Debug, Default)]
pub struct Pnl {
    window: (Option<HostTime>, Option<HostTime>),
    names: BTreeMap<(String, u32), String>,
    instruments: BTreeMap<InstrumentId, Instrument>,
    rates: Rates,
    positions: BTreeMap<Held, Position>,
    /// Units and value of fills that were inferred and have not come yet.
    inferred: BTreeMap<ClientOrderId, (i64, Decimal)>,
    sums: BTreeMap<(u64, Option<StrategyId>, AccountId, Option<InstrumentId>), Earnings>,
    /// Amounts of instruments that the journal does not define.
    pub undefined: u64,
}

/// Kinds of facts that it wants.
pub const PNL_KINDS: [&str; 10] = [
    "Named",
    "Defined",
    "Instrument",
    "Rate",
    "Fill",
    "Forced",
    "Delivered",
    "Funding",
    "Interest",
    "Adopted",
];

impl Pnl {
    /// Counts amounts from a time on and before another; nothing: all.
    #[must_use]
    pub fn within(from: Option<HostTime>, until: Option<HostTime>) -> Self {
        Self { window: (from, until), ..Self::default() }
    }

    /// Takes the next fact, in the journal's order.
    pub fn take(&mut self, stamped: &Stamped) {
        let (from, until) = self.window;
        let early = from.is_some_and(|from| stamped.time < from);
        if early || until.is_some_and(|until| stamped.time >= until) {
            // positions go on, sums do not
            let sums = std::mem::take(&mut self.sums);
            self.fold(stamped);
            self.sums = sums;
        } else {
            self.fold(stamped);
        }
    }

    fn fold(&mut self, Stamped { time, fact }: &Stamped) {
        let day = time.as_nanos() / 86_400_000_000_000;
        match fact {
            Fact::Named { what, id, name } => {
                // names carry what else an id stands for: the first word is the name
                let name = name.split_whitespace().next().unwrap_or("?").to_owned();
                self.names.insert((what.clone(), *id), name);
            }
            Fact::Defined(spec) | Fact::Instrument(spec) => {
                self.instruments.insert(spec.id, (**spec).clone());
            }
            Fact::Rate { asset, rate } => {
                self.rates.insert(asset.clone(), rate.clone());
            }
            Fact::Fill { .. } => self.fold_fill(day, fact),
            Fact::Forced { strategy, account, instrument, side, price, quantity, fee, .. } => {
                let held = (*strategy, *account, *instrument);
                self.fold_trade(day, held, (*side, *price, *quantity), *fee);
            }
            Fact::Delivered { strategy, account, instrument, price, quantity, fee, .. } => {
                let held = (*strategy, *account, *instrument);
                let side = if quantity.is_positive() { Side::Sell } else { Side::Buy };
                self.fold_trade(day, held, (side, *price, quantity.abs()), *fee);
            }
            Fact::Funding { account, instrument, amount, others, .. } => {
                if let Some(spec) = self.instruments.get(instrument).filter(|_| !others.is_zero()) {
                    let sums = self.sums.entry((day, None, *account, None)).or_default();
                    sums.enter(&spec.settle, Entry::Funding, *others, &self.rates);
                }
                let owners = self.positions.keys().copied();
                let owners: Vec<Held> =
                    owners.filter(|(_, on, what)| on == account && what == instrument).collect();
                let settle = self.instruments.get(instrument).map(|spec| spec.settle.clone());
                for (held, settle) in owners.into_iter().zip(settle.iter().cycle()) {
                    self.enter(day, held, (settle, Entry::Funding, amount.saturating_sub(*others)));
                }
            }
            Fact::Interest { account, asset, amount, of, .. } => {
                let whose = of.map(|(strategy, instrument, _)| (strategy, instrument));
                let key = (day, whose.map(|w| w.0), *account, whose.map(|w| w.1));
                let sums = self.sums.entry(key).or_default();
                sums.enter(asset, Entry::Interest, *amount, &self.rates);
            }
            Fact::Adopted { strategy, instrument, quantity, price, account, .. } => {
                // where it does not say its account, fills that came before it do
                let is_it = |held: &&Held| held.0 == *strategy && held.2 == *instrument;
                let known = || self.positions.keys().find(is_it).copied();
                let held = account.map(|account| (*strategy, account, *instrument)).or_else(known);
                let Some(held) = held else { return };
                let Some(spec) = self.instruments.get(instrument) else {
                    self.undefined += 1;
                    return;
                };
                let position = self.positions.entry(held).or_default();
                let before = position.realised;
                if position.adopt(spec, *quantity, *price).is_ok() {
                    let (gain, settle) = (position.realised - before, spec.settle.clone());
                    self.enter(day, held, (&settle, Entry::Price, gain));
                }
            }
            _ => {}
        }
    }

    fn fold_trade(&mut self, day: u64, held: Held, what: (Side, Price, Quantity), fee: Fee) {
        let Some(spec) = self.instruments.get(&held.2) else {
            self.undefined += 1;
            return;
        };
        let position = self.positions.entry(held).or_default();
        let sums = self.sums.entry((day, Some(held.0), held.1, Some(held.2))).or_default();
        // one that does not fit was not booked by the host either
        let _ = sums.fill(position, spec, what, fee, &self.rates);
    }

    /// A fill; where it is the real one of what was inferred, what that was booked at is set right
    /// with the last of it.
    fn fold_fill(&mut self, day: u64, fact: &Fact) {
        let Fact::Fill {
            id,
            account,
            instrument,
            side,
            price,
            quantity,
            fee,
            inferred,
            replaces,
            ..
        } = fact
        else {
            return;
        };
        let held = (id.strategy, *account, *instrument);
        let new = Quantity::from_units(quantity.units().saturating_sub(replaces.units()));
        self.fold_trade(day, held, (*side, *price, new), *fee);
        let Some(spec) = self.instruments.get(instrument) else { return };
        let worth = |quantity| spec.value(*price, quantity).unwrap_or_default();
        let open = self.inferred.entry(*id).or_default();
        if *inferred {
            open.0 = open.0.saturating_add(new.units());
            open.1 = open.1.saturating_add(worth(new));
        }
        if !replaces.is_positive() {
            return;
        }
        open.0 = open.0.saturating_sub(replaces.units());
        open.1 = open.1.saturating_sub(worth(*replaces));
        if open.0 > 0 {
            return;
        }
        let more = Decimal::ZERO.saturating_sub(open.1);
        self.inferred.remove(id);
        let position = self.positions.entry(held).or_default();
        let before = position.realised;
        if position.correct(spec, (*side, *replaces), more).is_ok() {
            let gain = position.realised.saturating_sub(before);
            let settle = spec.settle.clone();
            self.enter(day, held, (&settle, Entry::Price, gain));
        }
    }

    fn enter(
        &mut self,
        day: u64,
        (strategy, account, instrument): Held,
        (asset, what, amount): (&str, Entry, Decimal),
    ) {
        let key = (day, Some(strategy), account, Some(instrument));
        self.sums.entry(key).or_default().enter(asset, what, amount, &self.rates);
    }

    /// The sums, told apart as asked, always by asset; of all strategies or of one.
    #[must_use]
    pub fn rows(&self, by: &[By], only: Option<&str>) -> Vec<Row> {
        let asks = |what| by.contains(&what);
        type Key = (Option<u64>, Option<String>, Option<String>, Option<String>);
        let mut all: BTreeMap<Key, Earnings> = BTreeMap::new();
        for ((day, strategy, account, instrument), earned) in &self.sums {
            let whose = strategy.and_then(|id| self.names.get(&("strategy".to_owned(), id.0)));
            if only.is_some_and(|only| whose.map(String::as_str) != Some(only)) {
                continue;
            }
            let name = |what: &str, id: Option<u32>| match id {
                Some(id) => {
                    let known = self.names.get(&(what.to_owned(), id));
                    known.cloned().unwrap_or_else(|| id.to_string())
                }
                None => "-".to_owned(),
            };
            let key = (
                asks(By::Day).then_some(*day),
                asks(By::Strategy).then(|| name("strategy", strategy.map(|s| s.0))),
                asks(By::Account).then(|| name("account", Some(account.0))),
                asks(By::Instrument).then(|| name("instrument", instrument.map(|i| i.0))),
            );
            all.entry(key).or_default().add(earned);
        }
        let mut rows = Vec::new();
        for ((day, strategy, account, instrument), earned) in all {
            let parts = [
                (Counted::Asset, &earned.assets),
                (Counted::Worth, &earned.worth),
                (Counted::Unconverted, &earned.unconverted),
            ];
            // where no currency is counted in, nothing is without its worth
            let counts = !self.rates.is_empty();
            let parts = parts.into_iter().filter(|(of, _)| counts || *of != Counted::Unconverted);
            for (counted, lines) in parts {
                rows.extend(lines.iter().map(|(currency, line)| Row {
                    day: day.map(date),
                    strategy: strategy.clone(),
                    account: account.clone(),
                    instrument: instrument.clone(),
                    counted,
                    currency: currency.clone(),
                    line: *line,
                    net: line.net(),
                }));
            }
        }
        rows
    }
}

/// A day since 1970 as a date of the Gregorian calendar.
fn date(day: u64) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use hedgerow_model::{FeeAsset, InstrumentKind, PriceGrid, Scale, SequenceRule, VenueId};

    fn perpetual() -> Instrument {
        Instrument {
            id: InstrumentId(0),
            venue: VenueId(0),
            symbol: "X".into(),
            kind: InstrumentKind::LinearPerpetual,
            base: "B".into(),
            quote: "Q".into(),
            settle: "Q".into(),
            price_scale: Scale::new(0).unwrap(),
            quantity_scale: Scale::new(0).unwrap(),
            grid: PriceGrid::Tick(Price::from_units(1)),
            lot: Quantity::from_units(1),
            min_quantity: Quantity::from_units(1),
            max_quantity: None,
            min_notional: None,
            band: None,
            multiplier: Decimal::ONE,
            sequence: SequenceRule::Snapshots,
        }
    }

    /// A journal that was lost begins with what is adopted: funding finds its owner, and a sale
    /// closes the position instead of opening one the other way.
    #[test]
    fn what_was_adopted_without_a_fill_has_an_owner() {
        let (strategy, account, instrument) = (StrategyId(0), AccountId(3), InstrumentId(0));
        let forced = |price: i64| Fact::Forced {
            kind: hedgerow_model::ForcedKind::Liquidation,
            strategy,
            account,
            instrument,
            trade: hedgerow_model::TradeId(1),
            side: Side::Sell,
            price: Price::from_units(price),
            quantity: Quantity::from_units(5),
            fee: Fee { amount: Decimal::ZERO, asset: FeeAsset::Settle },
            happened: hedgerow_model::VenueTime::EPOCH,
        };
        let settlement = hedgerow_model::VenueTime::EPOCH;
        let facts = [
            Fact::Defined(Box::new(perpetual())),
            Fact::Adopted {
                strategy,
                instrument,
                quantity: Quantity::from_units(5),
                price: Price::from_units(100),
                id: 1,
                account: Some(account),
            },
            Fact::Funding {
                account,
                instrument,
                settlement,
                amount: Decimal::TWO,
                others: Decimal::ZERO,
            },
            forced(110),
        ];
        let mut pnl = Pnl::default();
        for fact in facts {
            pnl.take(&Stamped { time: HostTime::EPOCH, fact });
        }
        let rows = pnl.rows(&[By::Account], None);
        let nets: Vec<_> = rows.iter().filter(|row| row.counted == Counted::Asset).collect();
        let [row] = nets.as_slice() else { panic!("{rows:?}") };
        assert_eq!((row.account.as_deref(), row.net), (Some("3"), Decimal::from(52)));
        let left: Vec<_> = pnl.positions.values().map(|held| held.quantity.units()).collect();
        assert_eq!(left, [0]);
    }

    #[test]
    fn days_are_dates() {
        for (day, expected) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (19_782, "2024-02-29"),
            (19_783, "2024-03-01"),
            (20_453, "2025-12-31"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(date(day), expected);
        }
    }
}
