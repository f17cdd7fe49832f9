//! Funding that is about to turn: what a hedge earns per hour is below its minimum at so many
//! announcements in a row (S23, strategies 1.6). Rates are compared per hour; an unknown interval
//! is no rate. A spot leg that is owned outright pays nothing, one that is borrowed pays what its
//! venue asks for that (strategies 1.2, vector M6).

use super::unhedged::Hedge;
use crate::{Effects, Engine, FundingGuard};
use hedgerow_model::{
    AccountId, Decimal, Guard, GuardKey, HostTime, InstrumentId, InstrumentKind, RATE_SCALE, Scope,
    StrategyId,
};
use std::collections::BTreeSet;

const HOUR_NS: i64 = 3_600 * 1_000_000_000;

/// A rate per interval (scaled as in ticks) as a fraction per hour.
pub(super) fn hourly(rate: i64, interval_ns: i64) -> Option<Decimal> {
    let interval = Some(interval_ns).filter(|interval| *interval > 0)?;
    let whole = Decimal::try_from_i128_with_scale(i128::from(rate), RATE_SCALE).ok()?;
    whole.checked_mul(HOUR_NS.into())?.checked_div(interval.into())
}

/// How many announcements in a row are below the minimum, with this one.
fn count(before: u32, edge: Decimal, guard: &FundingGuard) -> u32 {
    if edge < guard.edge_per_h_min { before.saturating_add(1) } else { 0 }
}

impl Engine {
    pub(super) fn funding_guard(&self, (strategy, ..): Hedge) -> Option<FundingGuard> {
        self.config.strategies.get(strategy.index())?.guards.funding
    }

    /// Legs of hedges that are held and whose funding is guarded.
    pub(crate) fn funding_looked_at(&self) -> BTreeSet<InstrumentId> {
        let guarded = self.hedges.all().filter(|hedge| self.funding_guard(*hedge).is_some());
        let held = guarded.filter(|hedge| self.is_whole(*hedge));
        held.flat_map(|(_, a, b)| [a, b]).collect()
    }

    /// Whether both legs are held, in opposite directions.
    pub(super) fn is_whole(&self, (strategy, a, b): Hedge) -> bool {
        let slot = self.strategies.get(strategy.index());
        let sign = |id| slot.map_or(0, |slot| slot.position(id).units().signum());
        sign(a).saturating_mul(sign(b)) < 0
    }

    /// What a spot leg owes: what is sold short is borrowed; what was bought is paid with borrowed
    /// money if the venue says that it is owed.
    fn borrowed(&self, strategy: StrategyId, id: InstrumentId) -> Option<&str> {
        let spec = self.config.instrument(id).filter(|spec| spec.kind == InstrumentKind::Spot)?;
        let holding = self.strategies.get(strategy.index())?.holding(id)?;
        let owes = |asset: &String| {
            let told = self.balances.get(&(holding.account, asset.clone()));
            told.is_some_and(|(total, _)| total.is_sign_negative() && !total.is_zero())
        };
        match holding.position.quantity.units().signum() {
            -1 => Some(&spec.base),
            1 if owes(&spec.quote) => Some(&spec.quote),
            _ => None,
        }
    }

    /// What one unit of a leg earns per hour, a fraction, as it is held; a leg that is not held
    /// earns nothing. Nothing: a rate is missing.
    pub(crate) fn leg_earns(&self, strategy: StrategyId, id: InstrumentId) -> Option<Decimal> {
        let spec = self.config.instrument(id)?;
        let holding = self.strategies.get(strategy.index())?.holding(id)?;
        let sign = holding.position.quantity.units().signum();
        if spec.kind != InstrumentKind::Spot {
            let announced = self.markets.get(id)?.funding_tick?;
            let hourly = hourly(announced.a, announced.b)?;
            return hourly.checked_mul(sign.checked_neg()?.into());
        }
        let Some(borrowed) = self.borrowed(strategy, id) else { return Some(Decimal::ZERO) };
        let rate = self.borrow_rate_of(holding.account, borrowed)?;
        let whole = Decimal::try_from_i128_with_scale(rate.into(), RATE_SCALE);
        whole.ok()?.checked_mul(Decimal::NEGATIVE_ONE)
    }

    /// What a hedge earns per hour: the rate of the short leg less that of the long one, less what
    /// borrowing costs.
    fn edge(&self, (strategy, a, b): Hedge) -> Option<Decimal> {
        self.leg_earns(strategy, a)?.checked_add(self.leg_earns(strategy, b)?)
    }

    /// After a venue said what borrowing an asset costs: an announcement for what is borrowed.
    pub(crate) fn guard_borrowing(
        &mut self,
        now: HostTime,
        (account, asset): (AccountId, &str),
        effects: &mut Effects,
    ) {
        let pays = |(strategy, a, b): &Hedge| {
            [*a, *b].into_iter().any(|id| {
                self.account_of(*strategy, id) == Some(account)
                    && self.borrowed(*strategy, id) == Some(asset)
            })
        };
        let hedges = self.hedges.all().filter(pays).filter(|hedge| self.is_whole(*hedge));
        let hedges = hedges.collect();
        self.count_edges(now, hedges, effects);
    }

    /// After funding of an instrument was announced.
    pub(crate) fn guard_funding(&mut self, now: HostTime, id: InstrumentId, effects: &mut Effects) {
        let of = |hedge: &Hedge| (hedge.1 == id || hedge.2 == id) && self.is_whole(*hedge);
        let hedges = self.hedges.all().filter(of).collect();
        self.count_edges(now, hedges, effects);
    }

    /// What each of these hedges earns now counts as one announcement.
    fn count_edges(&mut self, now: HostTime, hedges: Vec<Hedge>, effects: &mut Effects) {
        for hedge in hedges {
            let Some(guard) = self.funding_guard(hedge) else { continue };
            let Some(edge) = self.edge(hedge) else { continue };
            let before = self.funding_counts.get(&hedge).copied().unwrap_or(0);
            let times = count(before, edge, &guard);
            self.funding_counts.insert(hedge, times);
            let (strategy, a, b) = hedge;
            let scope = Scope::Strategy(strategy);
            let key = GuardKey { guard: Guard::FundingFlip, scope, of: vec![a, b] };
            let detail = format!("it earns {} per hour", edge.normalize());
            if times == 0 || times >= guard.times {
                self.settle_guard(now, (&key, times > 0), (guard.action, detail), effects);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hedgerow_model::GuardAction;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    /// Vectors F1 and F2: rates meet per hour.
    #[test]
    fn vectors_f1_and_f2_rates_per_hour() {
        let units = |rate: &str| {
            let scaled = d(rate) * Decimal::from(10_i64.pow(15));
            i64::try_from(scaled.normalize().mantissa()).unwrap()
        };
        for (rate, hours, expected) in [
            ("0.00002234", 8, Some("0.0000027925")),
            ("0.0000125", 1, Some("0.0000125")),
            ("0.0001", 8, Some("0.0000125")),
            ("0.00008", 1, Some("0.00008")),
            ("0.00008", 0, None),
        ] {
            let found = hourly(units(rate), hours * HOUR_NS).map(|rate| rate.normalize());
            assert_eq!(found, expected.map(d), "{rate} per {hours} h");
        }
    }

    #[test]
    fn so_many_in_a_row_and_one_good_one_begins_anew() {
        let action = GuardAction::Alert;
        let guard = FundingGuard { edge_per_h_min: d("0.00001"), times: 3, action };
        let mut times = 0;
        let seen: Vec<u32> = ["0.00000999", "0", "0.00001", "-0.1", "-0.1", "-0.1"]
            .map(|edge| {
                times = count(times, d(edge), &guard);
                times
            })
            .to_vec();
        assert_eq!(seen, [1, 2, 0, 1, 2, 3]);
    }
}
