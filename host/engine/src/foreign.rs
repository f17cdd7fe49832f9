//! What somebody else holds on an account of ours, as an operator has said: its part of what the
//! venue does with the whole. The venue trades, pays and charges for an account; whose it was it
//! does not know.

use crate::{Effects, Engine};
use hedgerow_model::{
    AccountId, Decimal, Fact, InstrumentId, MONEY_DIGITS, Quantity, Rounding, Side, StrategyId,
    VenueEvent, VenueReport, VenueTime,
};

impl Engine {
    /// What others hold on an account, as an operator has said.
    pub(crate) fn held_by_others(&self, account: AccountId, instrument: InstrumentId) -> i64 {
        self.external.get(&(account, instrument)).map_or(0, |held| held.units())
    }

    /// Whether a strategy may ever have held anything of an instrument on an account: it has traded
    /// it, has taken it over, or an order may have filled.
    fn may_have_held(&self, account: AccountId, instrument: InstrumentId) -> bool {
        let owner = self.owner_of(account, instrument);
        let slot = owner.and_then(|id| self.strategies.get(id.index()));
        let holding = slot.and_then(|slot| slot.holding(instrument));
        holding.is_some_and(|holding| {
            let waits = [Side::Buy, Side::Sell].iter().any(|side| holding.open(*side) != 0);
            waits || holding.has_traded() || !holding.position.quantity.is_zero()
        })
    }

    /// What of a new funding payment is for what others hold. What is odd about it is said.
    pub(crate) fn split_funding(&mut self, event: &VenueEvent, effects: &mut Effects) -> Decimal {
        let VenueReport::FundingPayment { instrument, settlement, amount } = event.report else {
            return Decimal::ZERO;
        };
        let (now, account) = (event.received, event.account);
        let part = self.funding_of_others((account, instrument), (settlement, amount));
        let said = match part {
            None => Some("is booked whole, others hold it too"),
            // that others hold it an operator has said, or it was said with the payment before
            Some(_)
                if self.held_by_others(account, instrument) != 0
                    || self.may_have_held(account, instrument)
                    || self.funding_seen.contains_key(&(account, instrument)) =>
            {
                None
            }
            Some(_) => Some("is for what nobody here has ever held: it is somebody else's"),
        };
        if let Some(said) = said {
            let (name, _) = self.in_words(instrument, Quantity::ZERO);
            let detail = format!("{name}: funding of {amount} {said}");
            self.record(now, Fact::Discrepancy { account, detail }, effects);
        }
        part.unwrap_or_default()
    }

    /// What of a funding payment is for what others hold: in proportion, half to even; the owner's
    /// part and theirs are the whole, exactly. Nothing where that cannot be told: the strategy has
    /// traded since the settlement, or both hold different sides, whose parts may be far more than
    /// the whole. What a strategy never held cannot have been its own: an account has a past.
    fn funding_of_others(
        &self,
        (account, instrument): (AccountId, InstrumentId),
        (settlement, amount): (VenueTime, Decimal),
    ) -> Option<Decimal> {
        if !self.may_have_held(account, instrument) {
            return Some(amount);
        }
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
