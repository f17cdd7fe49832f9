//! What must hold between the parameters; one sentence each that a person can act on.

use crate::parameters::{Direction, Parameters};
use hedgerow_sdk::Decimal;
use hedgerow_sdk::model::{Instrument, InstrumentKind};

impl Parameters {
    /// Against the venue's maker fee.
    pub fn check(&self, maker_fee: Decimal) -> Result<(), String> {
        self.check_signs()?;
        self.check_direction()?;
        self.check_barriers()?;
        if self.start >= self.end {
            return Err(format!("start {} must be below end {}", self.start, self.end));
        }
        if self.max_open == 0 || self.max_per_batch == 0 || self.max_levels == 0 {
            return Err("max_open, max_per_batch and max_levels must be above zero".into());
        }
        // profit needs take_profit > 2 f / (1 - f) for a maker fee f each way
        if maker_fee >= Decimal::ONE {
            return Err(format!(
                "no grid pays a maker fee of {maker_fee}, which takes all it sells"
            ));
        }
        let break_even = Decimal::TWO * maker_fee / (Decimal::ONE - maker_fee);
        if self.take_profit <= break_even {
            return Err(format!(
                "take_profit {} does not pay the fees: it must be above {}",
                self.take_profit,
                break_even.round_dp(8)
            ));
        }
        Ok(())
    }

    /// Against the market it is to trade.
    pub fn check_market(&self, spec: &Instrument) -> Result<(), String> {
        if spec.kind != InstrumentKind::Spot {
            return Ok(());
        }
        if self.direction == Direction::Neutral {
            return Err("direction is neutral: a spot market cannot be sold short, use buy".into());
        }
        if self.leverage.is_some() {
            return Err("leverage is set: a spot market has none, leave it out".into());
        }
        Ok(())
    }

    fn check_signs(&self) -> Result<(), String> {
        let positive = [
            ("start", self.start),
            ("total_quote", self.total_quote),
            ("min_order_quote", self.min_order_quote),
            ("take_profit", self.take_profit),
        ];
        let optional = [
            ("activation_bound", self.activation_bound),
            ("limit_price", self.limit_price),
            ("upper_limit_price", self.upper_limit_price),
            ("centre", self.centre),
            ("max_position_base", self.max_position_base),
            ("leverage", self.leverage),
            ("stop_loss", self.stop_loss),
            ("stop_loss_total", self.stop_loss_total),
            ("position_take_profit", self.position_take_profit),
            ("trailing_activation", self.trailing_activation),
            ("trailing_delta", self.trailing_delta),
        ];
        let given = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
        for (name, value) in positive.into_iter().chain(given) {
            if value <= Decimal::ZERO {
                return Err(format!("{name} is {value}, it must be above zero"));
            }
        }
        let fractions = [
            ("min_step", self.min_step),
            ("safe_extra_spread", self.safe_extra_spread),
            ("close_slippage", self.close_slippage),
        ];
        for (name, value) in fractions {
            if value < Decimal::ZERO || value >= Decimal::ONE {
                return Err(format!("{name} is {value}, it must be at least 0 and below 1"));
            }
        }
        Ok(())
    }

    fn check_direction(&self) -> Result<(), String> {
        let sells = self.direction != Direction::Buy;
        if sells && self.take_profit >= Decimal::ONE {
            let asked = self.take_profit;
            return Err(format!("take_profit is {asked}: a sell cannot be bought back at nothing"));
        }
        if self.direction == Direction::Neutral {
            let outside = |centre: &Decimal| *centre <= self.start || *centre >= self.end;
            if let Some(centre) = self.centre.filter(outside) {
                let (start, end) = (self.start, self.end);
                return Err(format!("centre is {centre}, it must lie between {start} and {end}"));
            }
            return Ok(());
        }
        let only_neutral = [("centre", self.centre), ("upper_limit_price", self.upper_limit_price)];
        match only_neutral.into_iter().find(|(_, value)| value.is_some()) {
            Some((name, _)) => Err(format!("{name} is for neutral grids only: leave it out")),
            None => Ok(()),
        }
    }

    fn check_barriers(&self) -> Result<(), String> {
        if self.trailing_activation.is_some() != self.trailing_delta.is_some() {
            return Err("trailing_activation and trailing_delta need each other".into());
        }
        let finer = |leverage: &Decimal| leverage.normalize().scale() > 2;
        if let Some(leverage) = self.leverage.filter(finer) {
            return Err(format!("leverage is {leverage}: at most two decimals"));
        }
        Ok(())
    }

    /// The leverage in hundredths, as the contract has it.
    pub(crate) fn leverage_hundredths(&self) -> Option<u32> {
        let hundredths = self.leverage? * Decimal::ONE_HUNDRED;
        u32::try_from(hundredths.trunc().mantissa()).ok()
    }
}
