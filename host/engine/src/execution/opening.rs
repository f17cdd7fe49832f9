//! What a plan must find before it opens something, beside what every order must pass: what its
//! operator allows of slippage, spread and depth (strategies.md section 2), a pair that is not
//! cooling down (T2), and what the accounts have to pay with. What only closes is never asked.

use super::preflight::overflow;
use crate::Engine;
use crate::limits::OpeningLimits;
use hedgerow_model::{
    AccountId, Decimal, HostTime, Instrument, InstrumentId, InstrumentKind, Margin, PairLeg,
    Quantity, RiskRejection, Side, StrategyId, VenueId,
};
use std::collections::BTreeMap;

/// What was found of a market.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// Nothing without both sides.
    pub(super) spread_bps: Option<Decimal>,
    /// Of an order that takes: its cost against the middle, and how much of what is displayed
    /// within its reach it is.
    pub(super) takes: Option<(Decimal, Quantity, Quantity)>,
}

/// Refuses what is beyond a limit; where one is set, what is not known is beyond it.
pub(super) fn check_found(limits: &OpeningLimits, found: Found) -> Result<(), RiskRejection> {
    if let Some(limit_bps) = limits.max_spread_bps {
        let spread_bps = found.spread_bps.ok_or(RiskRejection::NoMarket)?;
        if spread_bps > limit_bps {
            return Err(RiskRejection::SpreadAboveMax { spread_bps, limit_bps });
        }
    }
    let Some((slippage_bps, quantity, displayed)) = found.takes else { return Ok(()) };
    if let Some(limit_bps) = limits.max_slippage_bps
        && slippage_bps > limit_bps
    {
        return Err(RiskRejection::SlippageAboveMax { slippage_bps, limit_bps });
    }
    if let Some(limit) = limits.max_depth_share {
        let share = Decimal::from(quantity.units()).checked_div(displayed.units().into());
        let share = share.ok_or(RiskRejection::NoMarket)?;
        if share > limit {
            let share = share.round_dp(6).normalize();
            return Err(RiskRejection::DepthShareAboveMax { share, limit });
        }
    }
    Ok(())
}

impl Engine {
    pub(super) fn opening_limits(&self, strategy: StrategyId) -> OpeningLimits {
        let config = self.config.strategies.get(strategy.index());
        config.map(|config| config.guards.opening).unwrap_or_default()
    }

    /// After a pair was opened and had to be taken back, the same is not tried again at once.
    pub(super) fn check_cooldown(
        &self,
        now: HostTime,
        strategy: StrategyId,
        legs: [InstrumentId; 2],
    ) -> Result<(), RiskRejection> {
        let cooldown = self.opening_limits(strategy).pair_cooldown;
        let ended = self.plans.taken_back_at((now, cooldown), strategy, legs);
        let Some(ended) = ended else { return Ok(()) };
        let left_ms = cooldown.as_millis().saturating_sub(now.since(ended).as_millis());
        Err(RiskRejection::CoolingDown { left_ms })
    }

    /// Whether each account has what its legs need, as far as its venue told: the price or the
    /// goods of a spot leg; the margin of a derivative, from the balance where one is told, else
    /// from what of its pool of margin is not used. At one time where leverage is not known.
    pub(super) fn check_balances(&self, legs: &[PairLeg; 2]) -> Result<(), RiskRejection> {
        let mut needs: BTreeMap<(AccountId, Option<VenueId>, &str), Decimal> = BTreeMap::new();
        for leg in legs {
            let spec = self.config.instrument(leg.instrument);
            let spec = spec.ok_or(RiskRejection::UnknownInstrument)?;
            let (asset, needed) = needs_of(spec, leg)?;
            let told = self.balances.contains_key(&(leg.account, asset.to_owned()));
            // a pool is a venue's own; a balance is all that the account has of an asset
            let pool = (!told && spec.kind != InstrumentKind::Spot).then_some(spec.venue);
            let sum = needs.entry((leg.account, pool, asset)).or_default();
            *sum = sum.checked_add(needed).ok_or(RiskRejection::Overflow)?;
        }
        for ((account, pool, asset), needed) in needs {
            let available = match pool {
                Some(venue) => self.margins.free(account, venue, asset),
                None => self.free_balance(account, asset),
            };
            if let Some(available) = available.filter(|available| *available < needed) {
                let asset = asset.to_owned();
                return Err(RiskRejection::BalanceTooLow { asset, available, needed });
            }
        }
        Ok(())
    }

    /// What of an asset is free: nothing where others are told and it is not. `None`: none is told.
    fn free_balance(&self, account: AccountId, asset: &str) -> Option<Decimal> {
        let known = self.balances.get(&(account, asset.to_owned())).map(|(_, free)| *free);
        let any = || self.balances.keys().any(|(whose, _)| *whose == account);
        known.or_else(|| any().then_some(Decimal::ZERO))
    }
}

/// What a leg binds when it opens.
fn needs_of<'e>(spec: &'e Instrument, leg: &PairLeg) -> Result<(&'e str, Decimal), RiskRejection> {
    if spec.kind != InstrumentKind::Spot {
        let leverage = leg.margin.unwrap_or(Margin::ONE).leverage();
        let margin = spec.initial_margin(leg.limit, leg.target, leverage).map_err(overflow)?;
        return Ok((&spec.settle, margin));
    }
    Ok(match leg.side {
        Side::Buy => (&spec.quote, spec.notional(leg.limit, leg.target).map_err(overflow)?),
        Side::Sell => (&spec.base, spec.quantity(leg.target)),
    })
}
