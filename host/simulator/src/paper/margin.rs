//! Margin of accounts that were given collateral: equity, what is used and what must stay, per
//! venue and settle asset; told after everything that changes a position, when an account is asked
//! about, and every ten seconds while something is held. What falls to its maintenance is
//! liquidated: at the touch, the position that needs most first.
//!
//! An account without collateral has no end of money, and nothing is told of it.

use super::PaperVenue;
use super::pit::Pit;
use hedgerow_model::{
    AccountId, Decimal, Duration, ForcedKind, HostTime, InstrumentId, InstrumentKind, Liquidity,
    MarginBracket, Position, Price, Quantity, Side, Tick, TickKind, VenueId, VenueReport,
};
use std::collections::BTreeMap;

/// Between two tellings while something is held.
const EVERY: Duration = Duration::from_secs(10);

/// Whose, where, in which settle asset.
type Key = (AccountId, VenueId, String);

/// Collateral, and when margin is told next.
#[derive(Debug, Default)]
pub(super) struct Margins {
    collateral: BTreeMap<Key, Decimal>,
    due: Option<HostTime>,
}

/// What a pool comes to.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    equity: Decimal,
    used: Decimal,
    maintenance: Decimal,
    held: u32,
}

impl Pit {
    fn mark(&self) -> Option<Decimal> {
        let digits = u32::from(self.spec.price_scale.digits()) + 1;
        let tenths = i128::from(self.mark_doubled?) * 5;
        Some(Decimal::from_i128_with_scale(tenths, digits))
    }

    fn is_of(&self, (_, venue, asset): &Key) -> bool {
        let derivative = self.spec.kind != InstrumentKind::Spot;
        derivative && self.spec.venue == *venue && self.spec.settle == *asset
    }

    fn held_by(&self, account: AccountId) -> Option<&Position> {
        self.positions.get(&account).filter(|position| !position.quantity.is_zero())
    }

    /// Worth of a position and what must stay for it, settle asset.
    fn needs(&self, position: &Position) -> Option<(Decimal, Decimal)> {
        let mark = self.mark()?;
        let worth = self.spec.value_at(mark, position.quantity.abs()).ok()?;
        let notional = self.spec.notional_at(mark, position.quantity.abs()).ok()?;
        let fits = |b: &&MarginBracket| b.notional_max.is_none_or(|most| notional <= most);
        let bracket = self.brackets.iter().find(fits).or(self.brackets.last());
        let quote = bracket.map_or(Decimal::ZERO, |b| notional * b.maintenance_rate - b.deduction);
        let needs = if self.spec.kind.is_inverse() { quote / mark } else { quote };
        Some((worth, needs.max(Decimal::ZERO)))
    }

    /// Whether a tick leaves the mark where nobody can be liquidated.
    pub(super) fn keeps_margin(&self, tick: &Tick) -> bool {
        let Some((low, high)) = self.margin_band else { return true };
        let within = |doubled: i64| low <= doubled && doubled <= high;
        match TickKind::from_code(tick.kind) {
            Some(TickKind::Mark) => tick.a == 0 || within(tick.a.saturating_mul(2)),
            Some(TickKind::Quote) if !self.has_mark => within(tick.a.saturating_add(tick.c)),
            // what the book's middle becomes is not followed ahead
            Some(TickKind::Level) => self.has_mark,
            _ => true,
        }
    }

    /// Whether the mark has left its band.
    pub(super) fn is_beyond_margin(&self) -> bool {
        let beyond = |(low, high)| self.mark_doubled.is_some_and(|m| m < low || m > high);
        self.margin_band.is_some_and(beyond)
    }

    /// Marks at which a position loses no more than `share` (settle asset), its maintenance growing
    /// as fast as it can.
    fn band(&self, position: &Position, share: Decimal) -> Option<(i64, i64)> {
        let rates = self.brackets.iter().map(|bracket| bracket.maintenance_rate);
        let most = Decimal::ONE + rates.max().unwrap_or_default();
        let mark = self.mark()?;
        let notional = self.spec.notional_at(mark, position.quantity.abs()).ok()?;
        let (low, high) = if self.spec.kind.is_inverse() {
            let (is, may) = (Decimal::ONE.checked_div(mark)?, share.checked_div(notional * most)?);
            let high = Some(is - may).filter(|left| *left > Decimal::ZERO);
            let high = high.and_then(|left| Decimal::ONE.checked_div(left));
            (Decimal::ONE.checked_div(is + may)?, high)
        } else {
            let may = share.checked_div(notional.checked_div(mark)? * most)?;
            (mark - may, Some(mark + may))
        };
        let doubled = |price: Decimal| {
            let units = Decimal::from(self.spec.price_scale.unit()) * Decimal::TWO;
            price.checked_mul(units)
        };
        let whole =
            |x: Decimal| i64::try_from(x.trunc().mantissa() / 10_i128.pow(x.trunc().scale()));
        let low = whole(doubled(low)?.ceil()).ok()?;
        let high = high.and_then(doubled).and_then(|high| whole(high.floor()).ok());
        Some((low, high.unwrap_or(i64::MAX)))
    }
}

impl PaperVenue {
    /// Gives an account so much of an asset at a venue to trade derivatives with.
    pub fn set_collateral(
        &mut self,
        account: AccountId,
        venue: VenueId,
        (asset, amount): (&str, Decimal),
    ) {
        self.margins.collateral.insert((account, venue, asset.to_owned()), amount);
    }

    /// Equity and maintenance margin of an account in its first pool. Nothing: it has none.
    #[must_use]
    pub fn margins_of(&self, account: AccountId) -> Option<(Decimal, Decimal)> {
        let figures = self.figures(self.keys_of(account).first()?)?;
        Some((figures.equity, figures.maintenance))
    }

    /// How much of a position's worth must stay, by its size.
    pub fn set_brackets(&mut self, instrument: InstrumentId, brackets: Vec<MarginBracket>) {
        if let Some(pit) = self.pits.get_mut(instrument.index()) {
            pit.brackets = brackets;
        }
    }

    /// Tells the margin of every account before the first tick is heard.
    pub fn tell_margins(&mut self) {
        let at = HostTime::from_nanos(self.cursor.next_at().unwrap_or(0));
        let accounts: Vec<AccountId> = self.margins.collateral.keys().map(|key| key.0).collect();
        for account in accounts {
            self.tell_brackets(at, account);
            self.tell_margin(at, account);
        }
    }

    pub(super) fn tell_brackets(&mut self, at: HostTime, account: AccountId) {
        let mine = self.keys_of(account);
        let told = self.pits.iter().filter(|pit| mine.iter().any(|key| pit.is_of(key)));
        let told = told.filter(|pit| !pit.brackets.is_empty()).map(|pit| {
            let (instrument, brackets) = (pit.spec.id, pit.brackets.clone());
            (pit.spec.venue, VenueReport::Brackets { instrument, brackets })
        });
        for (venue, report) in told.collect::<Vec<_>>() {
            self.report(at, venue, account, report);
        }
    }

    fn keys_of(&self, account: AccountId) -> Vec<Key> {
        self.margins.collateral.keys().filter(|key| key.0 == account).cloned().collect()
    }

    fn figures(&self, key: &Key) -> Option<Figures> {
        let mut sum = Figures { equity: *self.margins.collateral.get(key)?, ..Figures::default() };
        for pit in self.pits.iter().filter(|pit| pit.is_of(key)) {
            let Some(position) = pit.positions.get(&key.0) else { continue };
            sum.equity += position.net_realised();
            if position.quantity.is_zero() {
                continue;
            }
            let (worth, needs) = pit.needs(position)?;
            let gain = pit.spec.value_at(pit.mark()?, position.quantity).ok()? - position.cost;
            sum.equity += if pit.spec.kind.is_inverse() { -gain } else { gain };
            let leverage = pit.leverages.get(&key.0).map(|known| known.margin.leverage());
            sum.used += worth / leverage.unwrap_or(Decimal::ONE);
            sum.maintenance += needs;
            sum.held += 1;
        }
        Some(sum)
    }

    /// Tells what the margin of an account is now.
    pub(super) fn tell_margin(&mut self, at: HostTime, account: AccountId) {
        for key in self.keys_of(account) {
            let Some(sum) = self.figures(&key) else { continue };
            let Figures { equity, used, maintenance, held } = sum;
            let (venue, asset) = (key.1, key.2.clone());
            let report = VenueReport::Margin { asset, equity, used, maintenance };
            self.report(at, venue, account, report);
            let mut told = Vec::new();
            for pit in self.pits.iter().filter(|pit| pit.is_of(&key)) {
                let Some(position) = pit.held_by(account) else { continue };
                let instrument = pit.spec.id;
                let price = liquidation(pit, position, &sum);
                told.push((venue, VenueReport::LiquidationPrice { instrument, price }));
            }
            for (venue, report) in told.drain(..) {
                self.report(at, venue, account, report);
            }
            if held > 0 && self.margins.due.is_none() {
                self.margins.due = Some(at.after(EVERY));
            }
        }
    }

    /// When margin is told next, while the data goes on.
    pub(super) fn margin_due(&self) -> HostTime {
        self.margins.due.unwrap_or(HostTime::NEVER)
    }

    /// Everybody's margin, as it is now.
    pub(super) fn tell_all_margins(&mut self, at: HostTime) {
        self.margins.due = None;
        for account in self.collateral_of() {
            self.tell_margin(at, account);
        }
    }

    /// Accounts that have collateral.
    pub(super) fn collateral_of(&self) -> Vec<AccountId> {
        let mut accounts: Vec<AccountId> = self.margins.collateral.keys().map(|k| k.0).collect();
        accounts.dedup();
        accounts
    }

    /// After positions or marks changed: liquidates whom it takes, tells whom it concerns, and
    /// finds anew how far marks may go.
    pub(super) fn settle_margin(&mut self, at: HostTime, account: AccountId) {
        for key in self.keys_of(account) {
            // each round closes a position
            for _ in 0..self.pits.len() {
                let Some(sum) = self.figures(&key) else { break };
                let sound = sum.maintenance.is_zero() || sum.equity > sum.maintenance;
                if sound || !self.liquidate(at, &key) {
                    break;
                }
            }
        }
        self.reband_margin();
    }

    /// After a mark left its band.
    pub(super) fn mark_beyond(&mut self, at: HostTime, index: usize) {
        let holders = self.pits.get(index).map(|pit| pit.positions.keys().copied());
        let holders: Vec<AccountId> = holders.into_iter().flatten().collect();
        for account in holders {
            self.settle_margin(at, account);
        }
    }

    /// Closes what needs most; `false` when nothing is held.
    fn liquidate(&mut self, at: HostTime, key: &Key) -> bool {
        let account = key.0;
        let held = self.pits.iter().enumerate().filter(|(_, pit)| pit.is_of(key));
        let needs = held.filter_map(|(index, pit)| {
            let position = pit.held_by(account)?;
            Some((pit.needs(position)?.1, index))
        });
        let Some((_, index)) = needs.max() else { return false };
        let resting = self.pits.get(index).map(|pit| {
            let mine = pit.resting.iter().filter(|resting| resting.account == account);
            mine.map(|resting| (pit.spec.id, resting.wire)).collect::<Vec<_>>()
        });
        for (instrument, wire) in resting.unwrap_or_default() {
            self.cancel(at, account, instrument, wire);
        }
        let Some(pit) = self.pits.get_mut(index) else { return false };
        let Some(position) = pit.positions.get(&account) else { return false };
        let quantity = position.quantity;
        let side = if quantity.is_positive() { Side::Sell } else { Side::Buy };
        let at_mark = Price::from_units(pit.mark_doubled.unwrap_or(0) / 2);
        let price = pit.best(side.opposite()).map_or(at_mark, |level| level.price);
        let quantity: Quantity = quantity.abs();
        let booked = pit.book(account, side, (price, quantity), Liquidity::Taker);
        let Ok(fee) = booked else { return false };
        let (kind, instrument, venue) = (ForcedKind::Liquidation, pit.spec.id, pit.spec.venue);
        let trade = self.next_trade();
        let report = VenueReport::Forced { kind, trade, instrument, side, price, quantity, fee };
        self.report(at, venue, account, report);
        self.rested_changed(index);
        self.tell_margin(at, account);
        true
    }

    pub(super) fn reband_margin(&mut self) {
        if self.margins.collateral.is_empty() {
            return;
        }
        let mut bands: BTreeMap<usize, (i64, i64)> = BTreeMap::new();
        for key in self.margins.collateral.keys() {
            let share = self.figures(key).and_then(|sum| {
                (sum.equity - sum.maintenance).checked_div(Decimal::from(sum.held))
            });
            for (index, pit) in self.pits.iter().enumerate().filter(|(_, pit)| pit.is_of(key)) {
                let Some(position) = pit.held_by(key.0) else { continue };
                let own = share.filter(|share| *share > Decimal::ZERO);
                let own = own.and_then(|share| pit.band(position, share));
                // nothing is sure: every mark is looked at
                let (low, high) = own.unwrap_or((i64::MAX, i64::MIN));
                let known = bands.entry(index).or_insert((i64::MIN, i64::MAX));
                *known = (known.0.max(low), known.1.min(high));
            }
        }
        for (index, pit) in self.pits.iter_mut().enumerate() {
            pit.margin_band = bands.get(&index).copied();
        }
        self.scan.forget();
    }
}

/// The mark at which a pool's equity is just its maintenance, if only this one moves.
fn liquidation(pit: &Pit, position: &Position, sum: &Figures) -> Option<Decimal> {
    let mark = pit.mark()?;
    let (worth, needs) = pit.needs(position)?;
    let equity = sum.equity - (sum.maintenance - needs);
    let notional = pit.spec.notional_at(mark, position.quantity.abs()).ok()?;
    let fits = |b: &&MarginBracket| b.notional_max.is_none_or(|most| notional <= most);
    let bracket = pit.brackets.iter().find(fits).or(pit.brackets.last())?;
    let (rate, one) = (bracket.maintenance_rate, Decimal::ONE);
    let long = position.quantity.is_positive();
    let found = if pit.spec.kind.is_inverse() {
        let (over, under) =
            if long { (one + rate, equity + worth) } else { (one - rate, worth - equity) };
        Some(under).filter(|under| *under > Decimal::ZERO)?;
        (notional * over).checked_div(under)?
    } else {
        let equity = equity + bracket.deduction;
        let (over, share) =
            if long { (worth - equity, one - rate) } else { (worth + equity, one + rate) };
        (over * mark).checked_div(worth * share)?
    };
    Some(found).filter(|price| *price > Decimal::ZERO)
}
