//! What guards cannot see: margin that its venue has not told, or told long ago; what a hedge earns
//! while a rate is missing; fees in an asset that nothing says the worth of.
//!
//! None of it is silent: each is a sentence of the status for as long as it lasts. Where a guard of
//! margin does more than tell, what opens is refused meanwhile.

use super::margin::Margins;
use super::unhedged::Hedge;
use crate::{AccountConfig, AccountGuards, Engine};
use hedgerow_model::{
    AccountId, Asset, Decimal, Duration, GuardAction, HostTime, Instrument, InstrumentId,
    InstrumentKind, RiskRejection, Scope, StrategyId, VenueId,
};
use std::collections::BTreeMap;

/// Margin is old after so long while something is held; where the venue is asked less often, after
/// three times as long as from one question to the next.
const MARGIN_AGE_MIN: Duration = Duration::from_secs(60);

impl AccountGuards {
    /// Whether something is to follow from its margin but a word.
    fn acts_on_margin(&self) -> bool {
        let grades = self.grades.iter().map(|(_, action)| *action);
        let ratio = self.margin_ratio.map(|watch| watch.action);
        let mut all = grades.chain(ratio).chain([self.margin_utilisation.action]);
        let limited = self.leverage_max.is_some() || self.adverse_move.is_some();
        limited || all.any(|action| action != GuardAction::Alert)
    }
}

fn margin_age_max(account: &AccountConfig) -> Duration {
    let asked = account.asks.positions_every.map_or(0, Duration::as_nanos);
    MARGIN_AGE_MIN.max(Duration::from_nanos(asked.saturating_mul(3)))
}

impl Margins {
    /// An account holds derivatives with a margin, or none any more. What was needed and was not
    /// told since stays so: another position does not make old margin younger.
    pub(crate) fn note_needed(
        &mut self,
        now: HostTime,
        account: AccountId,
        held: impl Fn(VenueId, &str) -> bool,
    ) {
        let mine = self.pools.iter_mut().filter(|((whose, ..), _)| *whose == account);
        for ((_, venue, asset), pool) in mine {
            let held = held(*venue, asset);
            let untold = pool.needed.filter(|needed| held || *needed >= pool.told);
            pool.needed = untold.or(held.then_some(now));
        }
    }

    /// What of an account's margin must be known since a time: asset, when it was told, since when.
    pub(crate) fn untold(
        &self,
        account: AccountId,
    ) -> impl Iterator<Item = (&str, HostTime, HostTime)> {
        let all = self.pools(account);
        all.filter_map(|(asset, pool)| Some((asset, pool.told, pool.needed?)))
    }
}

impl Engine {
    /// Notes since when an account holds derivatives: before, nobody tells of margin that stays.
    pub(crate) fn note_margin_needed(&mut self, now: HostTime, account: AccountId) {
        let held: Vec<InstrumentId> = self.derivatives(account).map(|(spec, _)| spec.id).collect();
        let specs = &self.config;
        self.margins.note_needed(now, account, |venue, asset| {
            let mut held = held.iter().filter_map(|id| specs.instrument(*id));
            held.any(|spec| spec.venue == venue && spec.settle == asset)
        });
    }

    /// What is not known of an account's margin, in words, with what is about to be opened there.
    fn margin_doubt(
        &self,
        now: HostTime,
        account: &AccountConfig,
        more: Option<&Instrument>,
    ) -> Option<String> {
        let more = more.filter(|spec| spec.kind != InstrumentKind::Spot);
        let held = self.derivatives(account.id).map(|(spec, _)| spec);
        // each asset is a margin of its own: that of another says nothing of it
        held.chain(more).find_map(|spec| {
            let asset = spec.settle.as_str();
            let Some((told, needed)) = self.margins.told_at(account.id, spec.venue, asset) else {
                return Some(format!("its venue has told none in {asset}"));
            };
            let old = now > told.max(needed?).after(margin_age_max(account));
            let ago = || now.since(told).as_nanos() / 1_000_000_000;
            old.then(|| format!("that in {asset} was told {} s ago", ago()))
        })
    }

    /// Margin that was needed, and that its venue has not told since: with nothing held too.
    fn old_margin(&self, now: HostTime, account: &AccountConfig) -> Option<String> {
        self.margins.untold(account.id).find_map(|(asset, told, needed)| {
            let old = now > told.max(needed).after(margin_age_max(account));
            let ago = now.since(told).as_nanos() / 1_000_000_000;
            old.then(|| format!("that in {asset} was told {ago} s ago"))
        })
    }

    /// Refuses what opens where a guard is to act on margin that is not known.
    pub(crate) fn check_margin_known(
        &self,
        now: HostTime,
        account: &AccountConfig,
        spec: &Instrument,
    ) -> Result<(), RiskRejection> {
        if account.guards.acts_on_margin() && self.margin_doubt(now, account, Some(spec)).is_some()
        {
            return Err(RiskRejection::MarginUnknown);
        }
        Ok(())
    }

    /// What guards do not see, one sentence each.
    pub(crate) fn unseen_by_guards(&self) -> Vec<String> {
        let margin = self.config.accounts.iter().filter_map(|account| {
            let doubt = self.margin_doubt(self.now, account, None);
            let why = doubt.or_else(|| self.old_margin(self.now, account))?;
            let on = self.scope_in_words(Scope::Account(account.id));
            let follows = if account.guards.acts_on_margin() { ", nothing opens" } else { "" };
            Some(format!("{on}: margin is not known ({why}): its guards do not see it{follows}"))
        });
        let funding = self.hedges.all().filter_map(|hedge| self.edge_doubt(hedge));
        margin.chain(funding).chain(self.unrated_fees()).collect()
    }

    /// What is missing to say what a hedge earns, where that is guarded.
    fn edge_doubt(&self, hedge: Hedge) -> Option<String> {
        let (strategy, a, b) = hedge;
        self.funding_guard(hedge).filter(|_| self.is_whole(hedge))?;
        let missing: Vec<String> = [a, b]
            .into_iter()
            .filter(|id| self.leg_earns(strategy, *id).is_none())
            .filter_map(|id| Some(self.rate_in_words(self.config.instrument(id)?)))
            .collect();
        let of = self.scope_in_words(Scope::Strategy(strategy));
        let (guard, missing) = (hedgerow_model::Guard::FundingFlip, missing.join(" and "));
        (!missing.is_empty()).then(|| format!("guard {guard}: {of}: no {missing}: it sees nothing"))
    }

    fn rate_in_words(&self, spec: &Instrument) -> String {
        let what = if spec.kind == InstrumentKind::Spot { "borrow rate of" } else { "funding of" };
        format!("{what} {}", self.name(spec))
    }

    /// Fees that nothing says the worth of.
    fn unrated_fees(&self) -> Vec<String> {
        let mut all: BTreeMap<(StrategyId, Asset), Decimal> = BTreeMap::new();
        for (id, slot) in (0_u32..).map(StrategyId).zip(&self.strategies) {
            for (asset, paid) in slot.holdings.iter().flat_map(|h| &h.position.unrated_fees) {
                let sum = all.entry((id, *asset)).or_default();
                *sum = sum.saturating_add(*paid);
            }
        }
        let paid = all.into_iter().filter(|(_, paid)| !paid.is_zero());
        let told = paid.map(|((id, asset), paid)| {
            let (of, paid) = (self.scope_in_words(Scope::Strategy(id)), paid.normalize());
            format!("{of}: fees of {paid} {asset} had no rate: no guard of profit counts them")
        });
        told.collect()
    }
}
