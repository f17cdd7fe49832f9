//! What positions are worth at their marks, as linear forms in whole numbers.
//!
//! A profit in the quote currency is a constant plus, per instrument, a coefficient times the mark;
//! that holds for linear contracts and, valued in quote at the mark, for inverse ones too. There is
//! a form for each strategy, for each account and for the host. They are evaluated on every mark
//! that moves, by the engine and by the scan that looks for a quiet stretch: the same code, the
//! same whole numbers, so both always agree.
//!
//! All values are doubled (a mark is kept doubled, half ticks being exact) and scaled by ten to the
//! `digits`. What does not fit 128 bits is no value, and no value counts as a tripped guard.

mod gauge;
mod measures;

use crate::config::EngineConfig;
use crate::limits::ProfitGuards;
use crate::risk::{drawdown, loss, loss_day};
pub(crate) use gauge::{Gauge, Trips};
use hedgerow_model::{
    AccountId, Decimal, Instrument, InstrumentId, MONEY_DIGITS, Position, Quantity, Rounding,
    Scope, StrategyId,
};
use std::collections::BTreeMap;

/// A form by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FormId(pub(crate) usize);

/// Limits of a form; none: not measured.
#[derive(Clone, Copy, Debug, Default)]
struct Bounds {
    loss: Option<i128>,
    day: Option<i128>,
    drawdown: Option<i128>,
}

/// One linear form and its measures.
#[derive(Debug, Default)]
struct Form {
    /// Parts that no mark moves, and the coefficient of each instrument's doubled mark.
    parts: Vec<(InstrumentId, Part)>,
    /// The one instrument whose mark moves this form, if it is one.
    sole: Option<InstrumentId>,
    /// Profit at the last reset of the measures.
    base: i128,
    /// The part of the highest profit that facts know.
    noted: i128,
    /// Profit since the measures began when the day began.
    day: i128,
    bounds: Bounds,
    /// What has tripped and was not released.
    tripped: Trips,
}

impl Form {
    fn is_watched(&self) -> bool {
        let Bounds { loss, day, drawdown } = self.bounds;
        loss.is_some() || day.is_some() || drawdown.is_some()
    }

    fn set(&mut self, instrument: InstrumentId, part: Part) {
        self.parts.retain(|(id, _)| *id != instrument);
        if part != Part::default() {
            let place = self.parts.partition_point(|(id, _)| *id < instrument);
            self.parts.insert(place, (instrument, part));
        }
        let mut moving = self.parts.iter().filter(|(_, part)| part.coefficient != 0);
        self.sole = moving.next().filter(|_| moving.next().is_none()).map(|(id, _)| *id);
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Part {
    constant: i128,
    coefficient: i128,
}

/// No value: a coefficient that no mark can carry makes every evaluation fail closed.
const NO_VALUE: Part = Part { constant: i128::MIN, coefficient: i128::MAX };

/// All forms.
#[derive(Debug)]
pub(crate) struct Exposure {
    digits: u32,
    strategies: usize,
    accounts: usize,
    /// Of strategies, then of accounts, then of the host.
    forms: Vec<Form>,
    gauges: Vec<Gauge>,
    /// On which account each strategy trades each instrument, and what it has.
    owned: BTreeMap<(InstrumentId, StrategyId), (AccountId, Part)>,
    /// Watched forms that a mark moves, per instrument.
    holders: Vec<Vec<FormId>>,
}

fn power_of_ten(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

/// `value` as a whole number of ten to the minus `digits`, half-even.
fn scaled(value: Decimal, digits: u32) -> Option<i128> {
    let rounded = Rounding::HalfEven.decimal(value, digits.min(28));
    let more = digits.checked_sub(rounded.scale())?;
    rounded.mantissa().checked_mul(power_of_ten(more)?)
}

impl Exposure {
    pub(crate) fn new(config: &EngineConfig) -> Self {
        let of = |i: &Instrument| {
            let price = u32::from(i.price_scale.digits());
            let linear = price + u32::from(i.quantity_scale.digits()) + i.multiplier.scale();
            if i.kind.is_inverse() { MONEY_DIGITS + price } else { linear }
        };
        let digits = config.instruments.iter().map(of).max().unwrap_or(0).max(MONEY_DIGITS);
        let doubled = |value: Decimal| {
            // a limit that does not fit trips at once
            scaled(value, digits).and_then(|v| v.checked_mul(2)).unwrap_or(0)
        };
        let form = |bounds: Bounds| Form { bounds, ..Form::default() };
        let watched = |guards: &ProfitGuards| {
            let limit = |watch: Option<crate::Watch>| watch.map(|watch| doubled(watch.limit));
            let (loss, day) = (limit(guards.loss), limit(guards.loss_day));
            form(Bounds { loss, day, drawdown: limit(guards.drawdown) })
        };
        let strategies = config.strategies.iter().map(|strategy| {
            let loss = Some(doubled(strategy.limits.loss_max));
            let drawdown = Some(doubled(strategy.limits.drawdown_max));
            let day = strategy.guards.loss_day.map(|watch| doubled(watch.limit));
            form(Bounds { loss, day, drawdown })
        });
        let accounts = config.accounts.iter().map(|account| watched(&account.guards.profit));
        let all = strategies.chain(accounts).chain([watched(&config.host.profit)]);
        let forms: Vec<Form> = all.collect();
        let trades = config.strategies.iter().flat_map(|strategy| {
            let nothing = Part::default();
            let trades = strategy.trades.iter();
            trades.map(move |(id, account)| ((*id, strategy.id), (*account, nothing)))
        });
        Self {
            digits,
            strategies: config.strategies.len(),
            accounts: config.accounts.len(),
            gauges: forms.iter().map(|_| Gauge::default()).collect(),
            forms,
            owned: trades.collect(),
            holders: config.instruments.iter().map(|_| Vec::new()).collect(),
        }
    }

    /// The form of a scope; instruments have none.
    pub(crate) fn form_of(&self, scope: Scope) -> Option<FormId> {
        let place = match scope {
            Scope::Strategy(id) => Some(id.index()).filter(|place| *place < self.strategies),
            Scope::Account(id) => Some(id.index())
                .filter(|place| *place < self.accounts)
                .map(|place| self.strategies + place),
            Scope::Host => Some(self.strategies + self.accounts),
            Scope::Instrument(_) => None,
        };
        place.map(FormId)
    }

    /// What a form is of.
    pub(crate) fn scope_of(&self, FormId(place): FormId) -> Scope {
        let id = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        if place < self.strategies {
            return Scope::Strategy(StrategyId(id(place)));
        }
        let place = place - self.strategies;
        if place < self.accounts { Scope::Account(AccountId(id(place))) } else { Scope::Host }
    }

    /// Forms that are watched.
    pub(crate) fn watched(&self) -> impl Iterator<Item = FormId> + '_ {
        let all = self.forms.iter().enumerate().filter(|(_, form)| form.is_watched());
        all.map(|(place, _)| FormId(place))
    }

    fn form(&self, id: FormId) -> Option<&Form> {
        self.forms.get(id.0)
    }

    fn form_mut(&mut self, scope: Scope) -> Option<(FormId, &mut Form)> {
        let id = self.form_of(scope)?;
        self.forms.get_mut(id.0).map(|form| (id, form))
    }

    /// Takes a strategy's new position in an instrument.
    pub(crate) fn update(
        &mut self,
        strategy: StrategyId,
        instrument: &Instrument,
        position: &Position,
    ) {
        let part = self.part(instrument, position).unwrap_or(NO_VALUE);
        let Some((account, known)) = self.owned.get_mut(&(instrument.id, strategy)) else { return };
        *known = part;
        let account = *account;
        for scope in [Scope::Strategy(strategy), Scope::Account(account), Scope::Host] {
            let part = self.together(instrument.id, scope);
            let Some((id, form)) = self.form_mut(scope) else { continue };
            form.set(instrument.id, part);
            let watched = form.is_watched();
            if let Some(gauge) = self.gauges.get_mut(id.0) {
                gauge.calm = None;
            }
            if let Some(holders) = self.holders.get_mut(instrument.id.index()) {
                holders.retain(|holder| *holder != id);
                if watched && part.coefficient != 0 {
                    holders.push(id);
                    holders.sort_unstable();
                }
            }
        }
    }

    /// What all of a scope have in an instrument.
    fn together(&self, instrument: InstrumentId, scope: Scope) -> Part {
        let range = (instrument, StrategyId(0))..=(instrument, StrategyId(u32::MAX));
        let mine = self.owned.range(range).filter(|((_, strategy), (account, _))| match scope {
            Scope::Strategy(id) => id == *strategy,
            Scope::Account(id) => id == *account,
            Scope::Host | Scope::Instrument(_) => true,
        });
        let sum = mine.map(|(_, (_, part))| *part).try_fold(Part::default(), |sum, part| {
            Some(Part {
                constant: sum.constant.checked_add(part.constant)?,
                coefficient: sum.coefficient.checked_add(part.coefficient)?,
            })
        });
        sum.unwrap_or(NO_VALUE)
    }

    fn part(&self, i: &Instrument, position: &Position) -> Option<Part> {
        let price_digits = u32::from(i.price_scale.digits());
        let settled = position.net_realised();
        let quantity = i128::from(position.quantity.units());
        if i.kind.is_inverse() {
            let coin = settled.checked_add(position.cost)?;
            let coefficient = scaled(coin, self.digits.checked_sub(price_digits)?)?;
            let contracts = i.notional_at(Decimal::ONE, position.quantity).ok()?;
            let constant = scaled(contracts, self.digits)?.checked_mul(-2)?;
            return Some(Part { constant, coefficient });
        }
        let used = price_digits + u32::from(i.quantity_scale.digits()) + i.multiplier.scale();
        let coefficient = quantity
            .checked_mul(i.multiplier.mantissa())?
            .checked_mul(power_of_ten(self.digits.checked_sub(used)?)?)?;
        let constant = scaled(settled.checked_sub(position.cost)?, self.digits)?.checked_mul(2)?;
        Some(Part { constant, coefficient })
    }

    /// What so much of an instrument is worth: a constant, and a coefficient times the doubled
    /// mark.
    pub(crate) fn worth(&self, i: &Instrument, quantity: Quantity) -> Option<(i128, i128)> {
        if i.kind.is_inverse() {
            let contracts = i.notional_at(Decimal::ONE, quantity).ok()?;
            return Some((scaled(contracts, self.digits)?.checked_mul(2)?, 0));
        }
        let digits = u32::from(i.price_scale.digits()) + u32::from(i.quantity_scale.digits());
        let used = digits + i.multiplier.scale();
        let units = i128::from(quantity.units()).checked_mul(i.multiplier.mantissa())?;
        Some((0, units.checked_mul(power_of_ten(self.digits.checked_sub(used)?)?)?))
    }

    /// Watched forms whose worth a mark of this instrument moves.
    pub(crate) fn holders(&self, instrument: InstrumentId) -> &[FormId] {
        self.holders.get(instrument.index()).map_or(&[], Vec::as_slice)
    }

    /// A form's profit since its measures began, doubled and scaled. `None` when a mark is missing.
    /// `Some(None)` when it does not fit.
    pub(crate) fn profit(
        &self,
        id: FormId,
        mark: impl Fn(InstrumentId) -> Option<i64>,
    ) -> Option<Option<i128>> {
        let form = self.form(id)?;
        let mut sum = form.base.checked_neg();
        for (instrument, part) in &form.parts {
            let moved = if part.coefficient == 0 {
                Some(0)
            } else {
                part.coefficient.checked_mul(i128::from(mark(*instrument)?))
            };
            sum = (|| sum?.checked_add(moved?)?.checked_add(part.constant))();
        }
        Some(sum)
    }

    /// What the guards of a form say to the present marks beyond what is known, which the gauge
    /// takes note of. Nothing when a mark is missing.
    pub(crate) fn judge(
        &self,
        id: FormId,
        mark: impl Fn(InstrumentId) -> Option<i64> + Copy,
        gauge: &mut Gauge,
    ) -> Option<Trips> {
        let form = self.form(id)?;
        let Bounds { loss, day, drawdown } = form.bounds;
        let Some(profit) = self.profit(id, mark)? else {
            let all =
                Trips { loss: loss.is_some(), day: day.is_some(), drawdown: drawdown.is_some() };
            return Some(all.beyond(form.tripped));
        };
        gauge.raise(profit);
        let trips = Trips {
            loss: loss::trips(loss, profit),
            day: loss_day::trips(day, profit, form.day),
            drawdown: drawdown::trips(drawdown, profit, gauge.peak),
        };
        let news = trips.beyond(form.tripped);
        if let Some(mark) = form.sole.and_then(mark).filter(|_| !news.any()) {
            gauge.widen(mark);
        }
        Some(news)
    }

    /// The gauges of all forms, by place.
    pub(crate) fn gauges(&self) -> &[Gauge] {
        &self.gauges
    }

    pub(crate) fn gauge(&self, id: FormId) -> Gauge {
        self.gauges.get(id.0).copied().unwrap_or_default()
    }

    pub(crate) fn set_gauge(&mut self, id: FormId, gauge: Gauge) {
        if let Some(known) = self.gauges.get_mut(id.0) {
            *known = gauge;
        }
    }

    /// Folds what has tripped, or was released.
    pub(crate) fn set_tripped(&mut self, scope: Scope, change: impl FnOnce(&mut Trips)) {
        let Some((id, form)) = self.form_mut(scope) else { return };
        change(&mut form.tripped);
        if let Some(gauge) = self.gauges.get_mut(id.0) {
            gauge.calm = None;
        }
    }

    fn doubled(&self, value: Decimal) -> Option<i128> {
        scaled(value, self.digits).and_then(|value| value.checked_mul(2))
    }

    /// A doubled, scaled value as money.
    pub(crate) fn money(&self, value: i128) -> Option<Decimal> {
        Decimal::try_from_i128_with_scale(value.checked_div(2)?, self.digits).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{config, instrument, limits};
    use hedgerow_model::{Fee, Price, Side};

    /// A mark that a gauge calls calm is one that judging would have called fine, without a peak.
    #[test]
    fn calm_marks_change_nothing() {
        let strategy = StrategyId(0);
        let form = FormId(0);
        let mut skipped = 0;
        for (seed, side) in (1..=200).flat_map(|seed| [(seed, Side::Buy), (seed, Side::Sell)]) {
            let mut exposure = Exposure::new(&config(limits()));
            let mut position = Position::default();
            let (price, quantity) = (Price::from_units(10_000), Quantity::from_units(20_000));
            position
                .book(&instrument(0), side, price, quantity, Fee::in_settle(Decimal::ONE))
                .unwrap();
            exposure.update(strategy, &instrument(0), &position);
            let (mut doubled, mut random, mut peak) = (20_000_i64, seed * 7_919_u64, 0);
            let mut gauge = exposure.gauge(form);
            loop {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                doubled += [-7, -2, -1, 0, 1, 2, 7][(random >> 33) as usize % 7];
                let mark = |_| Some(doubled);
                let profit = exposure.profit(form, mark).flatten().unwrap();
                peak = peak.max(profit);
                let mut anew = Gauge { peak, calm: None };
                let expected = exposure.judge(form, mark, &mut anew);
                if gauge.is_calm(doubled) {
                    skipped += 1;
                    assert_eq!(expected, Some(Trips::default()), "seed {seed}");
                } else {
                    assert_eq!(exposure.judge(form, mark, &mut gauge), expected, "seed {seed}");
                }
                assert_eq!(gauge.peak, peak, "seed {seed}");
                if expected != Some(Trips::default()) {
                    break;
                }
            }
        }
        assert!(skipped > 10_000, "only {skipped} marks were calm");
    }
}
