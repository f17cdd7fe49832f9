//! What is checked and fixed before a pair plan sends anything: depth, premium, leverage, balances,
//! and that both legs would pass the gate. What was found is part of the plan's record.
//!
//! An opening needs a fresh market with two sides on both legs and all it asks for within its
//! reach. A close never waits for that: it prices from what there is, and says from what.

use super::make::maker_price;
use super::opening::{Found, check_found};
use super::price::{Offer, Priced, cost_bps, reach};
use super::request::{check_hedges, check_request, check_rise};
use super::size::{Draft, lot_base, size};
use super::{PlanKey, is_of_host};
use crate::Engine;
use crate::risk::{Asked, Beside};
use crate::strategy::StrategySlot;
use hedgerow_model::{
    AccountId, Action, Decimal, Duration, HostTime, InstrumentId, LegOrder, Margin, PairKind,
    PairLeg, PairPlan, PairRequest, PriceSource, Quantity, RiskRejection, Side, StrategyId,
};

/// Both legs at once are advised where this many times the target is displayed on each.
const DEEP: i128 = 3;

pub(super) fn overflow<E>(_: E) -> RiskRejection {
    RiskRejection::Overflow
}

/// A reason is journaled: what of it is the strategy's own text is cut.
const REASON_MAX: usize = 200;

pub(super) fn wrong(detail: impl Into<String>) -> RiskRejection {
    let detail: String = detail.into();
    let detail = match detail.char_indices().nth(REASON_MAX) {
        Some((end, _)) => format!("{}...", detail.get(..end).unwrap_or_default()),
        None => detail,
    };
    RiskRejection::PlanUnreadable { detail }
}

/// What was asked for, by whom.
#[derive(Clone, Copy)]
struct Asks<'a> {
    now: HostTime,
    slot: &'a StrategySlot,
    kind: PairKind,
    request: &'a PairRequest,
}

impl Engine {
    pub(super) fn plan_pair(
        &self,
        now: HostTime,
        strategy: StrategyId,
        (id, kind, json): (u64, PairKind, &str),
    ) -> Result<PairPlan, RiskRejection> {
        let request: PairRequest = serde_json::from_str(json).map_err(|e| wrong(e.to_string()))?;
        let slot = self.strategies.get(strategy.index());
        let slot = slot.ok_or(RiskRejection::UnknownInstrument)?;
        check_request(kind, &request)?;
        let ids = [request.buy, request.sell];
        if let Some(plan) = self.plans.in_the_way((strategy, id), &ids) {
            return Err(RiskRejection::PlanInTheWay { plan });
        }
        if kind == PairKind::Open {
            self.check_cooldown(now, strategy, ids)?;
        }
        let asks = Asks { now, slot, kind, request: &request };
        let drafts = [
            self.draft(asks, request.buy, Side::Buy)?,
            self.draft(asks, request.sell, Side::Sell)?,
        ];
        let [buy, sell] = &drafts;
        check_hedges(slot, kind, [buy, sell])?;
        check_rise(&request, buy)?;
        check_rise(&request, sell)?;
        let (targets, step) = size(slot, kind, &request, &drafts)?;
        let [first, second] = targets;
        let legs = [self.leg(asks, buy, (0, first))?, self.leg(asks, sell, (1, second))?];
        if kind == PairKind::Open {
            let limits = self.opening_limits(strategy);
            for (place, leg) in (0_u8..).zip(&legs) {
                let takes = request.legs.maker() != Some(place);
                let takes = takes.then_some((leg.estimate_bps, leg.target, leg.displayed));
                check_found(&limits, Found { spread_bps: leg.spread_bps, takes })?;
            }
        }
        let premium_bps = check_premium(&request, &legs)?;
        self.check_gate(now, (strategy, id), kind, &legs)?;
        if kind == PairKind::Open {
            self.check_balances(&legs)?;
        }
        let after = |ms: u32| now.after(Duration::from_millis(u64::from(ms)));
        Ok(PairPlan {
            id,
            kind,
            first: match request.legs {
                LegOrder::BuyFirst => Some(0),
                LegOrder::SellFirst => Some(1),
                LegOrder::ThinFirst => Some(thinner(&legs)),
                LegOrder::Simultaneous | LegOrder::MakerTaker | LegOrder::TakerMaker => None,
            },
            maker: request.legs.maker(),
            advised: advised(&legs),
            premium_bps,
            making_until: request.make.map(|make| after(make.for_ms)),
            deadline: after(request.deadline_ms),
            request,
            legs,
            step,
            began: now,
        })
    }

    /// One leg as it is fixed: where it rests, or what it takes and what that would cost.
    fn leg(
        &self,
        asks: Asks<'_>,
        draft: &Draft<'_>,
        (place, target): (u8, Quantity),
    ) -> Result<PairLeg, RiskRejection> {
        let Asks { now, slot, kind, request } = asks;
        let (spec, side) = (draft.spec, draft.side);
        let account = slot.holding(spec.id).ok_or(RiskRejection::NotGranted)?.account;
        let makes = request.make.filter(|_| request.legs.maker() == Some(place));
        let (priced, offer) = match makes {
            Some(make) => {
                let limit = maker_price(self, (spec, side), make.behind_ticks, None)?;
                let (worst, average) = (limit, spec.price(limit));
                let (source, reach) = (PriceSource::Touch, None);
                let displayed = self.shown(asks, draft);
                let all = Offer { fillable: target, displayed, average, worst };
                (Priced { limit, source, reach }, all)
            }
            None => self.taken(asks, draft, target)?,
        };
        let shown = Decimal::from(offer.fillable.units()).checked_div(target.units().into());
        let estimate = cost_bps(side, offer.average, draft.middle);
        Ok(PairLeg {
            instrument: spec.id,
            account,
            side,
            target,
            base: draft.base(target)?,
            limit: priced.limit,
            source: priced.source,
            reach: priced.reach,
            middle: draft.middle,
            spread_bps: self.middle(now, spec).ok().and_then(|mid| self.spread_bps(spec, mid)),
            expected: offer.average,
            estimate_bps: estimate.ok_or(RiskRejection::Overflow)?,
            worst: offer.worst,
            fillable: shown.ok_or(RiskRejection::Overflow)?.round_dp(6).normalize(),
            displayed: offer.displayed,
            margin: self.margin_for(draft, account, (kind, request))?,
        })
    }

    /// What is displayed for a leg within its reach.
    fn shown(&self, Asks { now, slot, request, .. }: Asks<'_>, draft: &Draft<'_>) -> Quantity {
        let (spec, side) = (draft.spec, draft.side);
        let reach = (request.first, slot.limits.collar_bps);
        let limit = self.taking_limit(now, (spec, side), reach, false).map(|priced| priced.limit);
        let offer = limit.ok().and_then(|limit| self.offer(spec, side, (spec.lot, limit)));
        offer.map_or(Quantity::ZERO, |offer| offer.displayed)
    }

    /// What a leg takes: an opening all of it or nothing; a close what there is.
    fn taken(
        &self,
        Asks { now, slot, kind, request }: Asks<'_>,
        draft: &Draft<'_>,
        target: Quantity,
    ) -> Result<(Priced, Offer), RiskRejection> {
        let (spec, side) = (draft.spec, draft.side);
        let closes = kind == PairKind::Close;
        let reach_of = (request.first, slot.limits.collar_bps);
        let priced = self.taking_limit(now, (spec, side), reach_of, closes)?;
        let limit = priced.limit;
        let offer = match priced.source {
            PriceSource::Touch => self.offer(spec, side, (target, limit)),
            _ => None, // there is nothing displayed to take
        };
        match offer {
            Some(offer) if offer.fillable >= target => {
                let limit = Self::tightened(spec, side, limit, offer.worst);
                let touch = self.markets.get(spec.id).and_then(|m| m.touch(side.opposite()));
                let touch = touch.ok_or(RiskRejection::NoMarket)?;
                let reach = reach(spec, side, spec.price(touch), limit);
                Ok((Priced { limit, reach, ..priced }, offer))
            }
            Some(offer) if closes && offer.fillable.is_positive() => Ok((priced, offer)),
            _ if closes => {
                let (fillable, displayed) = (Quantity::ZERO, Quantity::ZERO);
                let average = spec.price(limit);
                Ok((priced, Offer { fillable, displayed, average, worst: limit }))
            }
            Some(Offer { fillable, .. }) => {
                Err(RiskRejection::NotEnoughDepth { fillable, wanted: target })
            }
            None => Err(RiskRejection::NoMarket),
        }
    }

    /// Leverage and margin mode of a leg: checked where it opens.
    fn margin_for(
        &self,
        draft: &Draft<'_>,
        account: AccountId,
        (kind, request): (PairKind, &PairRequest),
    ) -> Result<Option<Margin>, RiskRejection> {
        if kind == PairKind::Close {
            return Ok(self.margin_of(account, draft.spec.id));
        }
        let named = match draft.side {
            Side::Buy => request.accept.buy,
            Side::Sell => request.accept.sell,
        };
        self.check_margin(draft.spec, account, named)
    }

    fn draft<'e>(
        &'e self,
        Asks { now, slot, kind, .. }: Asks<'_>,
        id: InstrumentId,
        side: Side,
    ) -> Result<Draft<'e>, RiskRejection> {
        let spec = self.config.instrument(id).ok_or(RiskRejection::UnknownInstrument)?;
        if slot.holding(id).is_none() {
            let seen = slot.sees(id);
            return Err(if seen {
                RiskRejection::NotGranted
            } else {
                RiskRejection::UnknownInstrument
            });
        }
        let middle = match self.middle(now, spec) {
            Err(_) if kind == PairKind::Close => self.source(now, (spec, side), true)?.0,
            middle => middle?,
        };
        let worth = match kind {
            PairKind::Open => middle,
            // what is closed of an inverse leg is the part of the hedge that it was entered for
            PairKind::Close => slot.entry(spec).unwrap_or(middle),
        };
        let lot = lot_base(spec, worth).ok_or(RiskRejection::Overflow)?;
        Ok(Draft { spec, side, middle, lot })
    }

    /// Whether both legs would pass the gate, each beside the other.
    fn check_gate(
        &self,
        now: HostTime,
        key: PlanKey,
        kind: PairKind,
        legs: &[PairLeg; 2],
    ) -> Result<(), RiskRejection> {
        let strategy = key.0;
        let action = (kind == PairKind::Close && is_of_host(key)).then_some(Action::PlanUnwinds);
        let mut beside = Beside::default();
        for leg in legs {
            let spec = self.config.instrument(leg.instrument);
            let spec = spec.ok_or(RiskRejection::UnknownInstrument)?;
            let asked = Asked {
                action,
                beside,
                ..Asked::of(leg.side, leg.limit, leg.target, kind == PairKind::Close)
            };
            self.weigh(now, strategy, leg.instrument, &asked)?;
            let worth = spec.notional(leg.limit, leg.target).map_err(overflow)?;
            beside = Beside { orders: 1, worth, account: Some(leg.account) };
        }
        if kind == PairKind::Open {
            let slot = self.strategies.get(strategy.index());
            let slot = slot.ok_or(RiskRejection::UnknownInstrument)?;
            let [one, other] = legs.each_ref().map(|leg| leg.account);
            let same = u32::from(one == other);
            // both legs, or none
            let room = |account| self.rations.has_room(now, account, 1 + same);
            if !slot.bucket.has(now, 2) || !room(one) || !room(other) {
                return Err(RiskRejection::RateLimited { limit_per_s: slot.bucket.per_s() });
            }
            self.have_tokens(now, [one, other])?;
        }
        Ok(())
    }
}

/// What the sold leg is worth above the bought one at prices that can be had now.
fn check_premium(request: &PairRequest, legs: &[PairLeg; 2]) -> Result<Decimal, RiskRejection> {
    let [buy, sell] = legs;
    check_worth(request, (buy.expected, sell.expected))
}

/// What is sold above what is bought, if that is what the plan asks for.
pub(super) fn check_worth(
    request: &PairRequest,
    (buy, sell): (Decimal, Decimal),
) -> Result<Decimal, RiskRejection> {
    let premium_bps = premium(buy, sell).ok_or(RiskRejection::Overflow)?;
    match request.min_premium_bps {
        Some(least_bps) if premium_bps < Decimal::from(least_bps) => {
            Err(RiskRejection::PremiumTooLow { premium_bps, least_bps })
        }
        _ => Ok(premium_bps),
    }
}

pub(crate) fn premium(buy: Decimal, sell: Decimal) -> Option<Decimal> {
    let over = sell.checked_sub(buy)?.checked_div(buy)?;
    Some(over.checked_mul(Decimal::from(10_000))?.round_dp(4))
}

/// How many times over the target is displayed, in thousandths.
fn share(leg: &PairLeg) -> i128 {
    let units = |quantity: Quantity| i128::from(quantity.units());
    (units(leg.displayed) * 1_000).checked_div(units(leg.target)).unwrap_or(0)
}

/// The leg with less to trade against.
fn thinner([buy, sell]: &[PairLeg; 2]) -> u8 {
    u8::from(share(sell) < share(buy))
}

/// The order of legs that the books speak for: both at once where both are deep, else the thin one
/// first, so that the other follows for what could be had.
fn advised(legs: &[PairLeg; 2]) -> LegOrder {
    let deep = legs.iter().all(|leg| share(leg) >= DEEP * 1_000);
    if deep { LegOrder::Simultaneous } else { LegOrder::ThinFirst }
}
