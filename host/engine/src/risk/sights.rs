//! Guards that look at marks: how near a liquidation is, and how far the legs of a hedge are apart.
//!
//! A sight is made anew whenever positions, margin or hedges changed; between these its verdict is
//! a function of marks alone. The engine asks it on every mark that moves, and so does the scan for
//! a quiet stretch: it is quiet as long as no sight changes its mind.

use super::hedge_gap::Gap;
use super::liquidation::Band;
use crate::{Effects, Engine};
use hedgerow_model::{Decimal, Guard, GuardAction, GuardKey, HostTime, InstrumentId, Scope, Side};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
pub(crate) enum Rule {
    Distance(InstrumentId, Band),
    Gap(Gap),
}

/// One guard with what it looks at.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    pub(crate) key: GuardKey,
    action: GuardAction,
    rule: Rule,
    tripped: bool,
}

impl Sight {
    /// What it says to these marks. Nothing when one is missing.
    fn verdict(&self, mark: impl Fn(InstrumentId) -> Option<i64>) -> Option<bool> {
        match &self.rule {
            Rule::Distance(instrument, band) => {
                mark(*instrument).map(|mark| band.is_near(mark, self.tripped))
            }
            Rule::Gap(gap) => gap.is_wide(mark, self.tripped),
        }
    }

    /// Whether it would trip, or rest.
    pub(crate) fn changes_mind(&self, mark: impl Fn(InstrumentId) -> Option<i64>) -> bool {
        self.verdict(mark).is_some_and(|trips| trips != self.tripped)
    }
}

/// All sights.
#[derive(Debug, Default)]
pub(crate) struct Sights {
    all: Vec<Sight>,
    on: BTreeMap<InstrumentId, Vec<usize>>,
    /// Instruments whose funding a guard looks at.
    pub(crate) funding: BTreeSet<InstrumentId>,
    /// Something has changed since they were made.
    pub(crate) stale: bool,
}

impl Sights {
    /// Those of an engine that has not looked yet.
    pub(crate) fn unseen() -> Self {
        Self { stale: true, ..Self::default() }
    }

    /// Those that look at an instrument's mark.
    pub(crate) fn on(&self, id: InstrumentId) -> impl Iterator<Item = &Sight> {
        let places = self.on.get(&id).map_or(&[][..], Vec::as_slice);
        places.iter().filter_map(|place| self.all.get(*place))
    }

    pub(crate) fn any_on(&self, id: InstrumentId) -> bool {
        self.on.contains_key(&id)
    }

    pub(crate) fn looks_at_funding(&self, id: InstrumentId) -> bool {
        self.funding.contains(&id)
    }

    fn add(&mut self, sight: Sight) {
        let place = self.all.len();
        let looks_at = match &sight.rule {
            Rule::Distance(instrument, _) => vec![*instrument],
            Rule::Gap(gap) => gap.legs.iter().map(|leg| leg.instrument).collect(),
        };
        for id in looks_at {
            self.on.entry(id).or_default().push(place);
        }
        self.all.push(sight);
    }
}

impl Engine {
    /// After a mark moved: what looks at it.
    pub(crate) fn sight_mark(&mut self, now: HostTime, id: InstrumentId, effects: &mut Effects) {
        if !self.sights.any_on(id) {
            return;
        }
        let mark = |id: InstrumentId| self.markets.get(id).and_then(|m| m.mark_doubled);
        let minds = self.sights.on(id).filter(|sight| sight.changes_mind(mark));
        let minds: Vec<Sight> = minds.cloned().collect();
        for sight in minds {
            self.settle_sight(now, &sight, effects);
        }
    }

    fn settle_sight(&mut self, now: HostTime, sight: &Sight, effects: &mut Effects) {
        let mark = |id: InstrumentId| self.markets.get(id).and_then(|m| m.mark_doubled);
        let Some(trips) = sight.verdict(mark) else { return };
        if trips == self.guards.has_tripped(&sight.key) {
            return; // it has nothing new to say
        }
        let detail = self.sight_in_words(sight);
        self.settle_guard(now, (&sight.key, trips), (sight.action, detail), effects);
    }

    fn sight_in_words(&self, sight: &Sight) -> String {
        let mark = |id: InstrumentId| self.markets.get(id).and_then(|m| m.mark_doubled);
        let percent = match &sight.rule {
            Rule::Gap(gap) => gap.percent(mark),
            Rule::Distance(id, _) => self.distance_of(&sight.key, *id),
        };
        let percent = percent.map_or("unknown".into(), |p| format!("{} %", p.round_dp(2)));
        let names = sight.key.of.iter().filter_map(|id| self.config.instrument(*id));
        let names: Vec<String> = names.map(|spec| self.name(spec)).collect();
        let names = names.join(" and ");
        match sight.key.guard {
            Guard::HedgeGap => format!("{names} differ by {percent}"),
            _ => format!("{names} is {percent} from its liquidation"),
        }
    }

    pub(crate) fn distance_of(&self, key: &GuardKey, id: InstrumentId) -> Option<Decimal> {
        let Scope::Account(account) = key.scope else { return None };
        let (spec, holding) = self.derivatives(account).find(|(spec, _)| spec.id == id)?;
        let mark = self.markets.get(id)?.mark_exact(spec)?;
        let price = self.margins.price(account, id)??;
        let long = holding.position.quantity.is_positive();
        let side = if long { Side::Buy } else { Side::Sell };
        super::liquidation::distance(side, mark, price)
    }

    /// After anything but quiet ticks: sights are made anew if something changed, and guards whose
    /// matter is gone are at rest.
    pub(crate) fn look_around(&mut self, effects: &mut Effects) {
        let now = self.now;
        // each round can trip guards whose plans change hedges again; there are not many
        for _ in 0..8 {
            if !std::mem::take(&mut self.sights.stale) {
                return;
            }
            self.make_sights();
            for sight in self.sights.all.clone() {
                self.settle_sight(now, &sight, effects);
            }
            self.rest_what_is_gone(now, effects);
            self.see_to_pairs(now, effects);
        }
    }

    /// Something of this scope has changed.
    pub(crate) fn look_at_pairs(&mut self, scope: Scope) {
        self.sights.stale = true;
        let whose = self.concerned(scope);
        self.duties.look_at(whose);
    }

    fn make_sights(&mut self) {
        let mut sights = Sights::default();
        for account in &self.config.accounts {
            let Some(watch) = account.guards.liquidation_distance_min else { continue };
            for (spec, holding) in self.derivatives(account.id) {
                let Some(Some(price)) = self.margins.price(account.id, spec.id) else { continue };
                let long = holding.position.quantity.is_positive();
                let side = if long { Side::Buy } else { Side::Sell };
                let units = Decimal::from(spec.price_scale.unit().saturating_mul(2));
                let doubled = price.checked_mul(units);
                let band = doubled.and_then(|doubled| Band::new(side, doubled, watch.limit));
                let Some(band) = band else { continue };
                let guard = Guard::LiquidationDistance;
                let key = GuardKey { guard, scope: Scope::Account(account.id), of: vec![spec.id] };
                let tripped = self.guards.has_tripped(&key);
                let rule = Rule::Distance(spec.id, band);
                sights.add(Sight { key, action: watch.action, rule, tripped });
            }
        }
        for (key, gap, action) in self.gaps() {
            let tripped = self.guards.has_tripped(&key);
            sights.add(Sight { key, action, rule: Rule::Gap(gap), tripped });
        }
        sights.funding = self.funding_looked_at();
        self.sights = sights;
    }

    /// Guards that have tripped over something that is not held any more.
    fn rest_what_is_gone(&mut self, now: HostTime, effects: &mut Effects) {
        let gone = |key: &&GuardKey| match key.guard {
            Guard::LiquidationDistance => match key.scope {
                Scope::Account(account) => {
                    let mut held = self.derivatives(account);
                    !held.any(|(spec, _)| key.of.contains(&spec.id))
                }
                _ => true,
            },
            Guard::HedgeGap => self.is_flat_hedge(key) || self.is_dust(key),
            Guard::FundingFlip => self.is_flat_hedge(key),
            Guard::Unhedged => !self.is_unhedged(key),
            _ => false,
        };
        let all: Vec<GuardKey> = self.guards.tripped.keys().filter(gone).cloned().collect();
        for key in all {
            self.rest(now, &key, "nothing of it is left", effects);
        }
    }

    /// Whether a position on an account has no known price of liquidation, where that is guarded.
    pub(crate) fn is_liquidation_unknown(&self, account: hedgerow_model::AccountId) -> bool {
        let guards = self.config.accounts.get(account.index()).map(|account| &account.guards);
        let guarded = guards.is_some_and(|guards| guards.liquidation_distance_min.is_some());
        let mut held = self.derivatives(account);
        guarded && held.any(|(spec, _)| self.margins.price(account, spec.id).is_none())
    }
}
