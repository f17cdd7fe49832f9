//! Margin as venues tell it: equity, what is used and what must stay, per account, venue and settle
//! asset; maintenance by size of position; prices of liquidation. Nothing of it survives a restart
//! or the loss of a venue: it is told again, and until then it is unknown, which is not safe.

use super::liquidation::Held;
use super::{leverage, margin_health, margin_ratio, margin_utilisation, safe_leverage};
use crate::strategy::Holding;
use crate::{Effects, Engine};
use hedgerow_model::view::AccountView;
use hedgerow_model::{
    AccountId, Decimal, Guard, GuardAction, GuardKey, HostTime, Instrument, InstrumentId,
    InstrumentKind, MarginBracket, MarginMode, Quantity, Scope, Side, VenueEvent, VenueId,
    VenueReport,
};
use std::collections::{BTreeMap, BTreeSet};

/// Maintenance of a size: a rate, less an amount (quote currency).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tier {
    pub(crate) rate: Decimal,
    pub(crate) deduction: Decimal,
}

/// One pool of margin, settle asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pool {
    pub(crate) equity: Decimal,
    pub(crate) used: Decimal,
    pub(crate) maintenance: Decimal,
    /// When that was told.
    pub(crate) told: HostTime,
    /// Since when, at the latest, its account holds derivatives; nothing: it has none.
    pub(crate) needed: Option<HostTime>,
}

/// Everything that venues told.
#[derive(Debug, Default)]
pub(crate) struct Margins {
    pub(super) pools: BTreeMap<(AccountId, VenueId, String), Pool>,
    brackets: BTreeMap<InstrumentId, Vec<MarginBracket>>,
    /// Where positions are liquidated: told, or computed when their margin was told. `None`: at no
    /// price.
    prices: BTreeMap<(AccountId, InstrumentId), Option<Decimal>>,
    told: BTreeSet<(AccountId, InstrumentId)>,
    /// Accounts whose venue cannot be reached.
    down: BTreeSet<(AccountId, VenueId)>,
}

impl Margins {
    pub(crate) fn is_down(&self, account: AccountId, venue: VenueId) -> bool {
        self.down.contains(&(account, venue))
    }

    /// Where a position is liquidated. Nothing: unknown.
    pub(crate) fn price(
        &self,
        account: AccountId,
        instrument: InstrumentId,
    ) -> Option<Option<Decimal>> {
        self.prices.get(&(account, instrument)).copied()
    }

    /// Positions changed: what was known of their liquidation is not any more.
    pub(crate) fn forget_prices(&mut self, account: AccountId) {
        self.prices.retain(|(whose, _), _| *whose != account);
        self.told.retain(|(whose, _)| *whose != account);
    }

    /// What of a pool is not used: nothing of an asset that its venue leaves out where it tells
    /// others. `None`: it has told nothing.
    pub(crate) fn free(&self, account: AccountId, venue: VenueId, asset: &str) -> Option<Decimal> {
        let Some(pool) = self.pools.get(&(account, venue, asset.to_owned())) else {
            let mut told =
                self.pools.keys().filter(|(whose, at, _)| (*whose, *at) == (account, venue));
            return told.next().map(|_| Decimal::ZERO);
        };
        pool.equity.checked_sub(pool.used)
    }

    /// Of an account's margin in an asset at a venue what was told last, and since when it must be
    /// known; nothing: none was told.
    pub(crate) fn told_at(
        &self,
        account: AccountId,
        venue: VenueId,
        asset: &str,
    ) -> Option<(HostTime, Option<HostTime>)> {
        // there are few, and the gate asks with every order: no key is made for it
        let mut pools = self.pools.iter();
        let is_it = |((whose, at, of), _): &(&(AccountId, VenueId, String), &Pool)| {
            (*whose, *at, of.as_str()) == (account, venue, asset)
        };
        pools.find(is_it).map(|(_, pool)| (pool.told, pool.needed))
    }

    pub(super) fn pools(&self, account: AccountId) -> impl Iterator<Item = (&str, &Pool)> {
        self.pools_at(account).map(|(_, asset, pool)| (asset, pool))
    }

    pub(super) fn pools_at(
        &self,
        account: AccountId,
    ) -> impl Iterator<Item = (VenueId, &str, &Pool)> {
        let all = self.pools.iter().filter(move |((whose, ..), _)| *whose == account);
        all.map(|((_, venue, asset), pool)| (*venue, asset.as_str(), pool))
    }

    /// The maintenance of a size: by the instrument's own brackets, else the strictest that is
    /// known of any instrument.
    fn tier(&self, instrument: InstrumentId, notional: Decimal) -> Option<Tier> {
        let own = self.brackets.get(&instrument).filter(|all| !all.is_empty());
        let Some(own) = own else {
            let all = self.brackets.values().flatten();
            let rate = all.map(|bracket| bracket.maintenance_rate).max()?;
            return Some(Tier { rate, deduction: Decimal::ZERO });
        };
        let fits = |bracket: &&MarginBracket| bracket.notional_max.is_none_or(|m| notional <= m);
        let bracket = own.iter().find(fits).or(own.last())?;
        Some(Tier { rate: bracket.maintenance_rate, deduction: bracket.deduction })
    }
}

impl Engine {
    /// A report about margin.
    pub(crate) fn on_margin(&mut self, event: &VenueEvent, effects: &mut Effects) {
        let (now, account) = (event.received, event.account);
        match &event.report {
            VenueReport::Margin { asset, equity, used, maintenance } => {
                if !self.trades_at(account, event.venue) {
                    return; // no session of its own tells this: whoever does, cannot know
                }
                let (equity, used, maintenance) = (*equity, *used, *maintenance);
                let is_it = |spec: &Instrument| spec.venue == event.venue && spec.settle == *asset;
                let held = self.derivatives(account).any(|(spec, _)| is_it(spec));
                let needed = held.then_some(now);
                let pool = Pool { equity, used, maintenance, told: now, needed };
                self.margins.pools.insert((account, event.venue, asset.clone()), pool);
                self.compute_prices(account, event.venue, asset, pool);
                self.guard_margin(now, account, effects);
            }
            VenueReport::LiquidationPrice { instrument, price } => {
                let key = (account, *instrument);
                self.margins.prices.insert(key, price.filter(|price| *price > Decimal::ZERO));
                self.margins.told.insert(key);
            }
            VenueReport::Brackets { instrument, brackets } => {
                self.margins.brackets.insert(*instrument, brackets.clone());
            }
            _ => return,
        }
        self.look_at_pairs(Scope::Account(account));
    }

    /// A venue came or went.
    pub(crate) fn venue_reached(&mut self, account: AccountId, venue: VenueId, reached: bool) {
        let key = (account, venue);
        if reached {
            self.margins.down.remove(&key);
            return;
        }
        self.margins.down.insert(key);
        self.margins.pools.retain(|(whose, at, _), _| (*whose, *at) != key);
        self.margins.forget_prices(account);
        self.look_at_pairs(Scope::Account(account));
    }

    /// Derivatives that an account holds, each with who holds it.
    pub(crate) fn derivatives(
        &self,
        account: AccountId,
    ) -> impl Iterator<Item = (&Instrument, &Holding)> {
        let all = self.strategies.iter().flat_map(|slot| &slot.holdings);
        let mine = all.filter(move |h| h.account == account && !h.position.quantity.is_zero());
        let known = mine.filter_map(|h| Some((self.config.instrument(h.instrument)?, h)));
        known.filter(|(spec, _)| spec.kind != InstrumentKind::Spot)
    }

    /// Where the positions of a pool are liquidated, where the venue does not tell.
    fn compute_prices(&mut self, account: AccountId, venue: VenueId, asset: &str, pool: Pool) {
        let of = |(spec, holding): (&Instrument, &Holding)| {
            let mine = spec.venue == venue && spec.settle == asset;
            let told = self.margins.told.contains(&(account, spec.id));
            if !mine || told {
                return None;
            }
            Some((spec.id, self.liquidation_price(spec, holding, pool)?))
        };
        let found: Vec<_> = self.derivatives(account).filter_map(of).collect();
        for (instrument, price) in found {
            self.margins.prices.insert((account, instrument), price);
        }
    }

    fn liquidation_price(
        &self,
        spec: &Instrument,
        holding: &Holding,
        pool: Pool,
    ) -> Option<Option<Decimal>> {
        let quantity = holding.position.quantity;
        let mark = self.markets.get(spec.id)?.mark_exact(spec)?;
        let notional = spec.notional_at(mark, quantity.abs()).ok()?;
        let tier = self.margins.tier(spec.id, notional)?;
        let inverse = spec.kind.is_inverse();
        let size = if inverse { notional } else { notional.checked_div(mark)? };
        let side = if quantity.is_positive() { Side::Buy } else { Side::Sell };
        let held = Held { side, size, inverse, tier };
        let mode = self.leverages.get(&(holding.account, spec.id)).and_then(|known| known.margin);
        if let Some(margin) = mode.filter(|margin| margin.mode == MarginMode::Isolated) {
            // its own margin is all that stands for it
            let entry = holding.position.entry(spec)?;
            let worth = holding.position.cost.abs();
            return held.price(worth.checked_div(margin.leverage())?, entry);
        }
        let own = Self::maintenance(notional, mark, (inverse, tier))?;
        let others = pool.maintenance.checked_sub(own)?.max(Decimal::ZERO);
        held.price(pool.equity.checked_sub(others)?, mark)
    }

    /// What must stay for a position, settle asset.
    fn maintenance(
        notional: Decimal,
        mark: Decimal,
        (inverse, tier): (bool, Tier),
    ) -> Option<Decimal> {
        let quote = notional.checked_mul(tier.rate)?.checked_sub(tier.deduction)?;
        if inverse { quote.checked_div(mark) } else { Some(quote) }
    }

    /// The leverage that a stated adverse move leaves alive, with everything of an account as it is
    /// or could become.
    pub(crate) fn safe_leverage(
        &self,
        account: AccountId,
        adverse_percent: Decimal,
        (long, short): (bool, bool),
        more: Option<InstrumentId>,
    ) -> Option<Decimal> {
        let adverse = adverse_percent.checked_div(Decimal::ONE_HUNDRED)?;
        let held =
            self.derivatives(account).map(|(spec, holding)| (spec, holding.position.quantity));
        let mut strictest = None;
        for (spec, quantity) in held {
            let mark = self.markets.get(spec.id)?.mark_exact(spec)?;
            let notional = spec.notional_at(mark, quantity.abs()).ok()?;
            strictest = strictest.max(Some(self.margins.tier(spec.id, notional)?.rate));
        }
        if let Some(id) = more {
            strictest = strictest.max(Some(self.margins.tier(id, Decimal::ZERO)?.rate));
        }
        safe_leverage::of_both((long, short), adverse, strictest.unwrap_or_default())
    }

    /// After margin was told: the guards of its account.
    fn guard_margin(&mut self, now: HostTime, account: AccountId, effects: &mut Effects) {
        let Some(config) = self.config.accounts.get(account.index()) else { return };
        let guards = config.guards.clone();
        let worst = |of: fn(&Pool) -> Decimal| {
            self.margins.pools(account).map(|(_, pool)| of(pool)).max().unwrap_or_default()
        };
        let utilisation = worst(|pool| margin_utilisation::of(pool.used, pool.equity));
        let ratio = worst(|pool| margin_ratio::percent(pool.maintenance, pool.equity));
        let key = |guard| GuardKey::whole(guard, Scope::Account(account));
        let tripped = |guard| self.guards.has_tripped(&key(guard));
        let words = |percent: Decimal| match percent == Decimal::MAX {
            true => "there is no equity".to_owned(),
            false => format!("{} %", percent.round_dp(2)),
        };
        let mut found: Vec<(Guard, bool, GuardAction, String)> = Vec::new();
        let watch = guards.margin_utilisation;
        let guard = Guard::MarginUtilisation;
        let trips = margin_utilisation::trips(utilisation, watch.limit, tripped(guard));
        found.push((guard, trips, watch.action, format!("margin used: {}", words(utilisation))));
        if let Some(watch) = guards.margin_ratio {
            let guard = Guard::MarginRatio;
            let trips = margin_ratio::trips(ratio, watch.limit, tripped(guard));
            let detail = format!("maintenance margin of equity: {}", words(ratio));
            found.push((guard, trips, watch.action, detail));
        }
        for (grade, action) in guards.grades {
            let guard = Guard::MarginHealth(grade);
            let holds = margin_health::holds(grade, utilisation, tripped(guard));
            let detail = format!("margin is {}: {} used", grade.word(), words(utilisation));
            found.push((guard, holds, action, detail));
        }
        if let Some(watch) = guards.adverse_move {
            let (trips, detail) = self.is_unsafe(account, watch.limit);
            found.push((Guard::SafeLeverage, trips, watch.action, detail));
        }
        for (guard, trips, action, detail) in found {
            self.settle_guard(now, (&key(guard), trips), (action, detail), effects);
        }
    }

    /// Whether an account's derivatives are long, short, and what they are worth together. Nothing:
    /// a mark is missing.
    fn derivatives_worth(&self, account: AccountId) -> Option<(bool, bool, Decimal)> {
        let mut all = (false, false, Decimal::ZERO);
        for (spec, holding) in self.derivatives(account) {
            let mark = self.markets.get(spec.id)?.mark_exact(spec)?;
            let worth = spec.notional_at(mark, holding.position.quantity).ok()?;
            all.0 |= worth > Decimal::ZERO;
            all.1 |= worth < Decimal::ZERO;
            all.2 = all.2.checked_add(worth.abs())?;
        }
        Some(all)
    }

    /// One account, for people.
    pub(crate) fn account_view(&self, account: &crate::AccountConfig) -> AccountView {
        let id = account.id;
        let equity = self.equity(id);
        let held = self.derivatives_worth(id);
        let leverage = held.zip(equity).map(|((.., gross), equity)| leverage::of(gross, equity));
        let adverse = account.guards.adverse_move.map(|watch| watch.limit);
        let sides = held.map(|(long, short, _)| (long, short));
        let safe = adverse.zip(sides).and_then(|(m, sides)| self.safe_leverage(id, m, sides, None));
        let scope = Scope::Account(id);
        let key = |instrument| GuardKey {
            guard: Guard::LiquidationDistance,
            scope,
            of: vec![instrument],
        };
        let distance = |spec: &Instrument| (spec.id, self.distance_of(&key(spec.id), spec.id));
        let on_it = |all: &BTreeMap<(AccountId, InstrumentId), Quantity>| {
            all.keys().filter(|(on, _)| *on == id).map(|(_, what)| *what).collect()
        };
        AccountView {
            id,
            name: account.name.clone(),
            mode: self.modes.of(scope),
            equity,
            leverage,
            safe_leverage: safe,
            liquidation_distances: self.derivatives(id).map(|(spec, _)| distance(spec)).collect(),
            is_told: self.is_reconciled(id),
            unknown: on_it(&self.truth.unknown),
            ignored: on_it(&self.external),
        }
    }

    fn is_unsafe(&self, account: AccountId, adverse_percent: Decimal) -> (bool, String) {
        let Some((long, short, gross)) = self.derivatives_worth(account) else {
            return (true, "a mark is missing".into());
        };
        if !long && !short {
            return (false, String::new());
        }
        let leverage = self.equity(account).map(|equity| leverage::of(gross, equity));
        let safe = self.safe_leverage(account, adverse_percent, (long, short), None);
        match leverage.zip(safe) {
            Some((leverage, safe)) => {
                let detail = format!("leverage {}, safe is {safe}", leverage.round_dp(2));
                (leverage > safe, detail)
            }
            None => (true, "leverage or maintenance is not known".into()),
        }
    }

    /// Brings a guard to where what it looks at says.
    pub(crate) fn settle_guard(
        &mut self,
        now: HostTime,
        (key, trips): (&GuardKey, bool),
        (action, detail): (GuardAction, String),
        effects: &mut Effects,
    ) {
        if trips {
            self.trip(now, key, action, detail, effects);
        } else {
            self.rest(now, key, &detail, effects);
        }
    }
}
