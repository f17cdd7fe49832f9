//! What was earned and paid, for people: per strategy, account and asset, and per pair.

use crate::Engine;
use hedgerow_model::view::{Counted, EarnedView, PairLegView, PairView};
use hedgerow_model::{
    AccountId, Decimal, Earnings, Instrument, Line, PairLegRecord, PairRecord, Position, StrategyId,
};
use std::collections::BTreeMap;

/// Earnings as lines: amounts, their worth, and what has none where they are counted in a currency.
fn lines(
    earned: &Earnings,
    is_counted: bool,
) -> impl Iterator<Item = (Counted, String, Line, Decimal)> + '_ {
    let all = [
        (Counted::Asset, &earned.assets),
        (Counted::Worth, &earned.worth),
        (Counted::Unconverted, &earned.unconverted),
    ];
    let all = all.into_iter().filter(move |(counted, _)| is_counted || *counted == Counted::Asset);
    let of = |(counted, sums): (Counted, &BTreeMap<String, Line>)| {
        let line = |(name, line): (&String, &Line)| (counted, name.clone(), *line, line.net());
        sums.iter().map(line).collect::<Vec<_>>()
    };
    all.flat_map(of)
}

impl Engine {
    fn is_counted(&self) -> bool {
        self.config.accounting.currency.is_some()
    }

    /// What every strategy earned and paid on each account.
    #[must_use]
    pub fn earned_views(&self) -> Vec<EarnedView> {
        let mut sums: BTreeMap<(Option<StrategyId>, AccountId), Earnings> = BTreeMap::new();
        for (strategy, slot) in (0_u32..).map(StrategyId).zip(&self.strategies) {
            for holding in &slot.holdings {
                let key = (Some(strategy), holding.account);
                sums.entry(key).or_default().add(&holding.earned);
            }
        }
        for (account, earned) in &self.unowned {
            sums.entry((None, *account)).or_default().add(earned);
        }
        let named = |id: StrategyId| self.config.strategies.get(id.index()).map(|s| s.name.clone());
        let view = |((strategy, account), earned): ((Option<StrategyId>, AccountId), Earnings)| {
            let known = self.config.accounts.get(account.index());
            let account = known.map_or_else(|| "?".to_owned(), |known| known.name.clone());
            let strategy = strategy.and_then(named);
            let row = |(counted, currency, line, net)| EarnedView {
                strategy: strategy.clone(),
                account: account.clone(),
                counted,
                currency,
                line,
                net,
            };
            lines(&earned, self.is_counted()).map(row).collect::<Vec<_>>()
        };
        sums.into_iter().flat_map(view).collect()
    }

    /// The pairs of a strategy.
    pub(crate) fn pair_views(&self, strategy: StrategyId) -> Vec<PairView> {
        let view = |record: &PairRecord| PairView {
            plans: record.plans.clone(),
            opened: record.opened,
            closed: record.closed,
            legs: record.legs.iter().filter_map(|leg| self.pair_leg_view(leg)).collect(),
            earned: lines(&record.earned(), self.is_counted()).collect(),
        };
        self.pairs.of(strategy).map(view).collect()
    }

    fn pair_leg_view(&self, leg: &PairLegRecord) -> Option<PairLegView> {
        let spec = self.config.instrument(leg.instrument)?;
        let average = |sum| Some(PairLegRecord::average(spec, sum)?.normalize());
        Some(PairLegView {
            name: self.name(spec),
            quantity: spec.quantity(leg.position.quantity),
            entry: average(leg.entered),
            exit: average(leg.left),
            unrealised: self.unrealised(spec, &leg.position),
            line: leg.earned.assets.get(&spec.settle).copied().unwrap_or_default(),
            settle: spec.settle.clone(),
        })
    }

    /// Profit of the open part at the mark, settle asset; nothing without a mark.
    pub(crate) fn unrealised(&self, spec: &Instrument, position: &Position) -> Option<Decimal> {
        let value = spec.value_at(self.mark(spec)?, position.quantity).ok()?;
        let gain = value - position.cost;
        Some(if spec.kind.is_inverse() { -gain } else { gain })
    }
}
