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
    /// Profit at the last reset of the measures.
    base: i128,
    /// Highest profit since then.
    pub(crate) peak: i128,
    /// The part of it that facts know.
    noted: i128,
    loss_max: i128,
    drawdown_max: i128,
}

#[derive(Clone, Copy, Debug, Default)]
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
            holders: config.instruments.iter().map(|_| Vec::new()).collect(),
            host_loss_max: config.host.loss_max.map(doubled),
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
        match form.parts.iter_mut().find(|(id, _)| *id == instrument.id) {
            Some((_, known)) => *known = part,
            None => form.parts.push((instrument.id, part)),
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

    /// What the guards of a strategy say to a profit, given the highest before it.
    pub(crate) fn judge(&self, strategy: StrategyId, profit: Option<i128>, peak: i128) -> Verdict {
        let Some(form) = self.forms.get(strategy.index()) else {
            return Verdict::Loss;
        };
        let Some(profit) = profit else {
            return Verdict::Loss;
        };
        if profit < form.loss_max.saturating_neg() {
            Verdict::Loss
        } else if peak.saturating_sub(profit) > form.drawdown_max {
            Verdict::Drawdown
        } else {
            Verdict::Fine
        }
    }

    pub(crate) fn peak(&self, strategy: StrategyId) -> i128 {
        self.forms.get(strategy.index()).map_or(0, |form| form.peak)
    }

    pub(crate) fn raise_peak(&mut self, strategy: StrategyId, profit: i128) {
        if let Some(form) = self.forms.get_mut(strategy.index()) {
            form.peak = form.peak.max(profit);
        }
    }

    /// The highest profit, when it is more than facts know.
    pub(crate) fn new_peak(&self, strategy: StrategyId) -> Option<Decimal> {
        let form = self.forms.get(strategy.index()).filter(|form| form.peak > form.noted)?;
        self.money(form.peak)
    }

    /// Takes a highest profit from the facts.
    pub(crate) fn note_peak(&mut self, strategy: StrategyId, profit: Decimal) {
        let doubled = scaled(profit, self.digits).and_then(|value| value.checked_mul(2));
        if let (Some(form), Some(peak)) = (self.forms.get_mut(strategy.index()), doubled) {
            form.peak = form.peak.max(peak);
            form.noted = form.peak;
        }
    }

    /// Starts a strategy's measures anew at its present profit.
    pub(crate) fn reset(&mut self, strategy: StrategyId, profit: Decimal) {
        let doubled = scaled(profit, self.digits).and_then(|value| value.checked_mul(2));
        if let (Some(form), Some(profit)) = (self.forms.get_mut(strategy.index()), doubled) {
            form.base = form.base.saturating_add(profit);
            (form.peak, form.noted) = (0, 0);
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
