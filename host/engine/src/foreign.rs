//! What somebody else holds on an account of ours, as an operator has said: its part of what the
//! venue does with the whole. The venue trades, pays and charges for an account; whose it was it
//! does not know.

use crate::Engine;
use hedgerow_model::{
    AccountId, Decimal, InstrumentId, MONEY_DIGITS, Quantity, Rounding, Side, StrategyId, VenueTime,
};

impl Engine {
    /// What others hold on an account, as an operator has said.
    pub(crate) fn held_by_others(&self, account: AccountId, instrument: InstrumentId) -> i64 {
        self.external.get(&(account, instrument)).map_or(0, |held| held.units())
    }

    /// What of a funding payment is for what others hold: in proportion, half to even; the owner's
    /// part and theirs are the whole, exactly. Nothing where that cannot be told: the strategy has
    /// traded since the settlement, or both hold different sides, whose parts may be far more than
    /// the whole.
    pub(crate) fn funding_of_others(
        &self,
        (account, instrument): (AccountId, InstrumentId),
        (settlement, amount): (VenueTime, Decimal),
    ) -> Option<Decimal> {
        let others = self.held_by_others(account, instrument);
        if others == 0 {
            return Some(Decimal::ZERO);
        }
        let owner = self.owner_of(account, instrument);
        let slot = owner.and_then(|id| self.strategies.get(id.index()));
        let Some(holding) = slot.and_then(|slot| slot.holding(instrument)) else {
            return Some(amount);
        };
        let ours = holding.position.quantity.units();
        if holding.has_traded_since(settlement) || ours.signum() * others.signum() < 0 {
            return None;
        }
        let part = amount.checked_mul(Decimal::from(others))?;
        let part = part.checked_div(Decimal::from(ours.checked_add(others)?))?;
        Some(Rounding::HalfEven.decimal(part, MONEY_DIGITS))
    }

    /// What of a trade that the venue made by itself fell on the strategy, and what others hold
    /// after it. Both are closed in proportion, the strategy's part in whole lots, down.
    pub(crate) fn own_part(
        &self,
        (strategy, account, instrument): (StrategyId, AccountId, InstrumentId),
        (side, quantity): (Side, Quantity),
    ) -> (Quantity, Option<Quantity>) {
        let others = self.held_by_others(account, instrument);
        let slot = self.strategies.get(strategy.index());
        let ours = slot.map_or(0, |slot| slot.position(instrument).units());
        let closes = |held: i64| match side {
            Side::Sell => i128::from(held.max(0)),
            Side::Buy => -i128::from(held.min(0)),
        };
        let (mine, theirs) = (closes(ours), closes(others));
        if theirs == 0 {
            return (quantity, None);
        }
        let lot = self.finest_lot(instrument);
        let part = i128::from(quantity.units()) * mine / (mine + theirs);
        let part = i64::try_from(part).unwrap_or(0);
        let part =
            if mine + theirs > i128::from(quantity.units()) { part - part % lot } else { part };
        let rest = quantity.units().saturating_sub(part);
        let left = match side {
            Side::Sell => others.saturating_sub(rest),
            Side::Buy => others.saturating_add(rest),
        };
        (Quantity::from_units(part), Some(Quantity::from_units(left)))
    }
}
