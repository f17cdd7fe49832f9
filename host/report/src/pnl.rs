//! Profit and loss from facts alone: every amount under its day, strategy, account, instrument and
//! pair, in its asset and worth at its own time. What cannot be converted stays apart, with what is
//! missing; it is in no worth.

mod pairs;
mod rows;

use self::pairs::Pairs;
pub use self::rows::{By, Row};
use hedgerow_model::{
    AccountId, ClientOrderId, Decimal, Earnings, Entry, Fact, Fee, HostTime, Instrument,
    InstrumentId, Position, Price, Quantity, Rates, Side, Stamped, StrategyId,
};
use std::collections::BTreeMap;

/// Whose, on which account, in what. Nothing: nobody's.
type Held = (StrategyId, AccountId, InstrumentId);
/// The day since 1970, whose, on which account, in what.
type Key = (u64, Option<StrategyId>, AccountId, Option<InstrumentId>);
/// An amount of an asset.
type Amount<'a> = (&'a str, Entry, Decimal);

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
    sums: BTreeMap<Key, Earnings>,
    pairs: Pairs,
    /// What of `sums` is of a pair, by its place in `pairs`.
    paired: BTreeMap<(Key, usize), Earnings>,
    /// Amounts of instruments that the journal does not define.
    pub undefined: u64,
}

/// Kinds of facts that it wants.
pub const PNL_KINDS: [&str; 11] = [
    "Named",
    "Defined",
    "Instrument",
    "Rate",
    "Plan",
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
            let paired = std::mem::take(&mut self.paired);
            self.fold(stamped);
            (self.sums, self.paired) = (sums, paired);
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
            Fact::Plan { strategy, plan, step } => self.pairs.plan((*strategy, *plan), step),
            Fact::Fill { .. } => self.fold_fill((day, *time), fact),
            Fact::Forced { strategy, account, instrument, side, price, quantity, fee, .. } => {
                let held = (*strategy, *account, *instrument);
                self.fold_trade(day, held, (*side, *price, *quantity), *fee);
                self.trim((day, *time), held, (*price, *quantity, *fee));
            }
            Fact::Delivered { strategy, account, instrument, price, quantity, fee, .. } => {
                let held = (*strategy, *account, *instrument);
                let side = if quantity.is_positive() { Side::Sell } else { Side::Buy };
                self.fold_trade(day, held, (side, *price, quantity.abs()), *fee);
                let Some(spec) = self.instruments.get(instrument) else { return };
                let what = (*price, *quantity, *fee);
                let parts = self.pairs.delivered(*time, held, spec, (what, &self.rates));
                self.pair_off(day, held, parts);
            }
            Fact::Funding { account, instrument, amount, others, settlement } => {
                if let Some(spec) = self.instruments.get(instrument).filter(|_| !others.is_zero()) {
                    let sums = self.sums.entry((day, None, *account, None)).or_default();
                    sums.enter(&spec.settle, Entry::Funding, *others, &self.rates);
                }
                let owners = self.positions.keys().copied();
                let owners: Vec<Held> =
                    owners.filter(|(_, on, what)| on == account && what == instrument).collect();
                let settle = self.instruments.get(instrument).map(|spec| spec.settle.clone());
                let ours = amount.saturating_sub(*others);
                if let (true, Some(settle)) = (owners.is_empty(), &settle) {
                    // whose it is an adoption may say later
                    let key = (day, None, *account, Some(*instrument));
                    let sums = self.sums.entry(key).or_default();
                    sums.enter(settle, Entry::Funding, ours, &self.rates);
                }
                for (held, settle) in owners.into_iter().zip(settle.iter().cycle()) {
                    self.enter(day, held, (settle, Entry::Funding, ours));
                    let units = self.positions.get(&held).map_or(0, |p| p.quantity.units());
                    let paid = (settle.as_str(), ours, *settlement);
                    let parts = self.pairs.funded(held, paid, (units, &self.rates));
                    self.pair_off(day, held, parts);
                }
            }
            Fact::Interest { account, asset, amount, of, .. } => {
                let whose = of.map(|(strategy, instrument, _)| (strategy, instrument));
                let key = (day, whose.map(|w| w.0), *account, whose.map(|w| w.1));
                let sums = self.sums.entry(key).or_default();
                sums.enter(asset, Entry::Interest, *amount, &self.rates);
            }
            Fact::Adopted { .. } => self.fold_adopted((day, *time), fact),
            _ => {}
        }
    }

    fn fold_adopted(&mut self, (day, time): (u64, HostTime), fact: &Fact) {
        let Fact::Adopted { strategy, instrument, quantity, price, account, .. } = fact else {
            return;
        };
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
            self.trim((day, time), held, (*price, *quantity, Fee::ZERO));
        }
    }

    /// What a trade has closed of pairs that are not its own.
    fn trim(&mut self, (day, time): (u64, HostTime), held: Held, what: (Price, Quantity, Fee)) {
        let Some(spec) = self.instruments.get(&held.2) else { return };
        let units = self.positions.get(&held).map_or(0, |position| position.quantity.units());
        let parts = self.pairs.trimmed(time, (held, units), spec, (what, &self.rates));
        self.pair_off(day, held, parts);
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
    fn fold_fill(&mut self, (day, time): (u64, HostTime), fact: &Fact) {
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
        let what = ((*side, *price, new), *fee);
        let parts = self.pairs.filled((time, *id), spec, (what, &self.rates));
        self.pair_off(day, held, parts);
        self.trim((day, time), held, (*price, new, *fee));
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
            let parts = self.pairs.corrected(*id, spec, ((*side, *replaces, more), &self.rates));
            self.enter(day, held, (&settle, Entry::Price, gain));
            self.pair_off(day, held, parts);
        }
    }

    /// Notes which part of what was just entered is of which pair.
    fn pair_off(&mut self, day: u64, held: Held, parts: Vec<(usize, Earnings)>) {
        let (strategy, account, instrument) = held;
        let key = (day, Some(strategy), account, Some(instrument));
        for (pair, part) in parts {
            self.paired.entry((key, pair)).or_default().add(&part);
        }
    }

    fn enter(
        &mut self,
        day: u64,
        (strategy, account, instrument): Held,
        (asset, what, amount): Amount<'_>,
    ) {
        let key = (day, Some(strategy), account, Some(instrument));
        self.sums.entry(key).or_default().enter(asset, what, amount, &self.rates);
    }
}

#[cfg(test)]
mod tests;
