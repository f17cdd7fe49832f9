//! What positions are worth at their marks, as linear forms in whole numbers.
//!
//! A strategy's profit in the quote currency is a constant plus, per instrument, a coefficient
//! times the mark; that holds for linear contracts and, valued in quote at the mark, for inverse
//! ones too. The forms are evaluated on every mark that moves, by the engine and by the scan that
//! looks for a quiet stretch: the same code, the same whole numbers, so both always agree.
//!
//! All values are doubled (a mark is kept doubled, half ticks being exact) and scaled by ten to the
//! `digits`. What does not fit 128 bits is no value, and no value counts as a tripped guard.

use crate::config::EngineConfig;
use hedgerow_model::{
    Decimal, Instrument, InstrumentId, MONEY_DIGITS, Position, Rounding, StrategyId,
};

/// One strategy's linear form and its measures.
#[derive(Debug, Default)]
pub(crate) struct Form {
    /// Parts that no mark moves, and the coefficient of each instrument's doubled mark.
    parts: Vec<(InstrumentId, Part)>,
    /// The one instrument whose mark moves this form, if it is one.
    sole: Option<InstrumentId>,
    /// Profit at the last reset of the measures.
    base: i128,
    /// The part of the highest profit that facts know.
    noted: i128,
    loss_max: i128,
    drawdown_max: i128,
}

/// What the guards of one strategy remember of the marks so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gauge {
    /// Highest profit since the measures began.
    peak: i128,
    /// Lowest and highest mark at which nothing happens: no guard trips, no new peak. The form is
    /// linear, so between two such marks nothing happens either. Only with a single mark to watch.
    calm: Option<(i64, i64)>,
}

impl Gauge {
    /// Whether a mark is known to change nothing.
    #[inline]
    pub(crate) fn is_calm(&self, mark: i64) -> bool {
        self.calm.is_some_and(|(low, high)| low <= mark && mark <= high)
    }

    /// A higher peak brings every drawdown nearer: what was calm below it need not be any more.
    fn raise(&mut self, profit: i128) {
        if profit > self.peak {
            *self = Self { peak: profit, calm: None };
        }
    }

    fn widen(&mut self, mark: i64) {
        let (low, high) = self.calm.unwrap_or((mark, mark));
        self.calm = Some((low.min(mark), high.max(mark)));
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Part {
    constant: i128,
    coefficient: i128,
}

/// What a guard says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Fine,
    Drawdown,
    Loss,
}

/// All forms.
#[derive(Debug)]
pub(crate) struct Exposure {
    digits: u32,
    forms: Vec<Form>,
    gauges: Vec<Gauge>,
    /// Strategies with a position, per instrument.
    holders: Vec<Vec<StrategyId>>,
    host_loss_max: Option<i128>,
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
        let form = |limits: &crate::config::StrategyLimits| Form {
            loss_max: doubled(limits.loss_max),
            drawdown_max: doubled(limits.drawdown_max),
            ..Form::default()
        };
        Self {
            digits,
            forms: config.strategies.iter().map(|s| form(&s.limits)).collect(),
            gauges: config.strategies.iter().map(|_| Gauge::default()).collect(),
            holders: config.instruments.iter().map(|_| Vec::new()).collect(),
            host_loss_max: config.host.profit.loss.map(|watch| doubled(watch.limit)),
        }
    }

    /// Takes a strategy's new position in an instrument.
    pub(crate) fn update(
        &mut self,
        strategy: StrategyId,
        instrument: &Instrument,
        position: &Position,
    ) {
        // no value: a coefficient that no mark can carry makes every evaluation fail closed
        let part = self
            .part(instrument, position)
            .unwrap_or(Part { constant: i128::MIN, coefficient: i128::MAX });
        let Some(form) = self.forms.get_mut(strategy.index()) else {
            return;
        };
        // what says nothing is left out, and the rest is in order: the form follows from the
        // positions alone, whatever came first
        form.parts.retain(|(id, _)| *id != instrument.id);
        if part != Part::default() {
            let place = form.parts.partition_point(|(id, _)| *id < instrument.id);
            form.parts.insert(place, (instrument.id, part));
        }
        let mut moving = form.parts.iter().filter(|(_, part)| part.coefficient != 0);
        form.sole = moving.next().filter(|_| moving.next().is_none()).map(|(id, _)| *id);
        if let Some(gauge) = self.gauges.get_mut(strategy.index()) {
            gauge.calm = None;
        }
        if let Some(holders) = self.holders.get_mut(instrument.id.index()) {
            holders.retain(|holder| *holder != strategy);
            if part.coefficient != 0 {
                holders.push(strategy);
                holders.sort_unstable();
            }
        }
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

    /// Strategies whose worth a mark of this instrument moves.
    pub(crate) fn holders(&self, instrument: InstrumentId) -> &[StrategyId] {
        self.holders.get(instrument.index()).map_or(&[], Vec::as_slice)
    }

    /// A strategy's profit since its measures began, doubled and scaled. `None` when a mark is
    /// missing. `Some(None)` when it does not fit.
    pub(crate) fn profit(
        &self,
        strategy: StrategyId,
        mark: impl Fn(InstrumentId) -> Option<i64>,
    ) -> Option<Option<i128>> {
        let form = self.forms.get(strategy.index())?;
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

    /// What the guards of a strategy say to the present marks, which the gauge takes note of.
    /// Nothing when a mark is missing.
    pub(crate) fn judge(
        &self,
        strategy: StrategyId,
        mark: impl Fn(InstrumentId) -> Option<i64> + Copy,
        gauge: &mut Gauge,
    ) -> Option<Verdict> {
        let Some(profit) = self.profit(strategy, mark)? else {
            return Some(Verdict::Loss);
        };
        let form = self.forms.get(strategy.index())?;
        gauge.raise(profit);
        if profit < form.loss_max.saturating_neg() {
            return Some(Verdict::Loss);
        }
        if gauge.peak.saturating_sub(profit) > form.drawdown_max {
            return Some(Verdict::Drawdown);
        }
        if let Some(mark) = form.sole.and_then(mark) {
            gauge.widen(mark);
        }
        Some(Verdict::Fine)
    }

    /// The gauges of all strategies, by id.
    pub(crate) fn gauges(&self) -> &[Gauge] {
        &self.gauges
    }

    pub(crate) fn gauge(&self, strategy: StrategyId) -> Gauge {
        self.gauges.get(strategy.index()).copied().unwrap_or_default()
    }

    pub(crate) fn set_gauge(&mut self, strategy: StrategyId, gauge: Gauge) {
        if let Some(known) = self.gauges.get_mut(strategy.index()) {
            *known = gauge;
        }
    }

    /// Whether the highest profit is so far above what facts know that a restart must not forget
    /// it: by a sixteenth of the drawdown limit.
    pub(crate) fn is_peak_due(&self, strategy: StrategyId, gauge: &Gauge) -> bool {
        let known = self.forms.get(strategy.index());
        known.is_some_and(|form| gauge.peak.saturating_sub(form.noted) > form.drawdown_max / 16)
    }

    /// The highest profit, when it is more than facts know.
    pub(crate) fn new_peak(&self, strategy: StrategyId) -> Option<Decimal> {
        let peak = self.gauge(strategy).peak;
        self.forms.get(strategy.index()).filter(|form| peak > form.noted)?;
        self.money(peak)
    }

    /// Takes a highest profit from the facts.
    pub(crate) fn note_peak(&mut self, strategy: StrategyId, profit: Decimal) {
        let doubled = scaled(profit, self.digits).and_then(|value| value.checked_mul(2));
        let mut gauge = self.gauge(strategy);
        if let (Some(form), Some(peak)) = (self.forms.get_mut(strategy.index()), doubled) {
            gauge.raise(peak);
            form.noted = gauge.peak;
            self.set_gauge(strategy, gauge);
        }
    }

    /// Starts a strategy's measures anew at its present profit.
    pub(crate) fn reset(&mut self, strategy: StrategyId, profit: Decimal) {
        let doubled = scaled(profit, self.digits).and_then(|value| value.checked_mul(2));
        if let (Some(form), Some(profit)) = (self.forms.get_mut(strategy.index()), doubled) {
            form.base = form.base.saturating_add(profit);
            form.noted = 0;
            self.set_gauge(strategy, Gauge::default());
        }
    }

    /// Where a strategy's measures begin and the highest profit that facts know, as whole numbers
    /// in text.
    pub(crate) fn measures(&self, strategy: StrategyId) -> (String, String) {
        let form = self.forms.get(strategy.index());
        form.map(|form| (form.base.to_string(), form.noted.to_string())).unwrap_or_default()
    }

    /// Takes up what [`Self::measures`] gave.
    pub(crate) fn set_measures(&mut self, strategy: StrategyId, (base, noted): &(String, String)) {
        let (base, noted) = (base.parse().unwrap_or(0), noted.parse().unwrap_or(0));
        if let Some(form) = self.forms.get_mut(strategy.index()) {
            (form.base, form.noted) = (base, noted);
            self.set_gauge(strategy, Gauge { peak: noted, calm: None });
        }
    }

    /// Whether the loss of all strategies together is too large.
    pub(crate) fn host_loss(&self, profits: impl Iterator<Item = Option<i128>>) -> bool {
        let Some(limit) = self.host_loss_max else {
            return false;
        };
        let mut sum = Some(0_i128);
        for profit in profits {
            sum = (|| sum?.checked_add(profit?))();
        }
        sum.is_none_or(|sum| sum < limit.saturating_neg())
    }

    /// Whether any guard couples strategies with each other.
    pub(crate) fn couples(&self) -> bool {
        self.host_loss_max.is_some()
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
    use hedgerow_model::{Fee, Price, Quantity, Side};

    /// A mark that a gauge calls calm is one that judging would have called fine, without a peak.
    #[test]
    fn calm_marks_change_nothing() {
        let strategy = StrategyId(0);
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
            let mut gauge = exposure.gauge(strategy);
            loop {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                doubled += [-7, -2, -1, 0, 1, 2, 7][(random >> 33) as usize % 7];
                let mark = |_| Some(doubled);
                let profit = exposure.profit(strategy, mark).flatten().unwrap();
                peak = peak.max(profit);
                let mut anew = Gauge { peak, calm: None };
                let expected = exposure.judge(strategy, mark, &mut anew);
                if gauge.is_calm(doubled) {
                    skipped += 1;
                    assert_eq!(expected, Some(Verdict::Fine), "seed {seed}");
                } else {
                    assert_eq!(exposure.judge(strategy, mark, &mut gauge), expected, "seed {seed}");
                }
                assert_eq!(gauge.peak, peak, "seed {seed}");
                if expected != Some(Verdict::Fine) {
                    break;
                }
            }
        }
        assert!(skipped > 10_000, "only {skipped} marks were calm");
    }
}
