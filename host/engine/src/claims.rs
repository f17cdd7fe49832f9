//! What venues say of orders as they stand, and fills that are missing from what was heard.
//!
//! A statement never moves an order backwards: older ones are told by the venue's time, then by
//! what had filled, then by how far the order was. When more had filled than was heard, the trades
//! are asked for. If they do not come, one fill is inferred for the difference, at the price that
//! keeps the venue's average, under an id that follows from what was said; the real ones replace it
//! when they arrive (vector O1).

use crate::truth::{About, Claim};
use crate::{Effects, Engine};
use hedgerow_model::{
    ClientOrderId, Decimal, Duration, Fact, Fee, HostTime, InstrumentId, Liquidity, OrderEvent,
    OrderFact, OrderPhase, OrderState, Price, Quantity, QueryAnswer, Rounding, TradeId,
    VenueCommand, VenueEvent, VenueReport, VenueTime, WireId,
};

/// How long fills that a venue speaks of may take before they are asked for.
const OWED: Duration = Duration::from_secs(1);
/// No order is larger: thousands of them can be summed up.
const LARGEST: Quantity = Quantity::from_units(i64::MAX >> 12);
/// Ids of inferred fills have this bit.
const INFERRED: u64 = 1 << 63;

/// An id that follows from what was said of whose order: the same after a restart.
fn inferred_id(wire: WireId, account: u32, filled: Quantity) -> TradeId {
    let words = [u64::from(account), wire.0, filled.units().unsigned_abs()];
    let bytes = words.into_iter().flat_map(u64::to_le_bytes);
    // FNV-1a: any fixed mixing does
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    TradeId(hash | INFERRED)
}

const fn rank(phase: OrderPhase) -> u8 {
    match phase {
        OrderPhase::Open => 0,
        OrderPhase::Rejected => 1,
        OrderPhase::Expired | OrderPhase::Canceled => 2,
        OrderPhase::Filled => 3,
    }
}

impl Engine {
    /// An order as its venue has it.
    pub(crate) fn on_order_state(&mut self, event: &VenueEvent, effects: &mut Effects) {
        let VenueReport::OrderState { nonce, wire, answer } = event.report else { return };
        let Some(id) = self.find(event, wire, effects) else { return };
        if nonce.is_some_and(|nonce| !self.is_answer(id, nonce)) {
            return;
        }
        let doubt = self.truth.doubts.get(&id).filter(|_| nonce.is_some());
        let asked = doubt.map_or(event.received, |doubt| doubt.asked);
        match answer {
            QueryAnswer::Found(state) => self.stated((event, asked), (id, wire), &state, effects),
            QueryAnswer::NotFound if nonce.is_some() => {
                self.not_found(event.received, id, effects);
            }
            QueryAnswer::NotFound => {}
        }
    }

    fn stated(
        &mut self,
        (event, asked): (&VenueEvent, HostTime),
        (id, wire): (ClientOrderId, WireId),
        state: &OrderState,
        effects: &mut Effects,
    ) {
        let (now, account) = (event.received, event.account);
        let Some(order) = self.any_order(id) else { return };
        let (price, quantity) = (state.price, state.quantity);
        let sane = order.request.instrument == state.instrument
            && self.can_be(order.request.instrument, price, quantity)
            && self.can_have_filled(id, state.filled);
        if !sane {
            let detail = format!("a statement of order {id} that cannot be: {:?}", event.report);
            self.record(now, Fact::Discrepancy { account, detail }, effects);
            return self.ask_later(now, id);
        }
        let statement = (event.happened, state.filled.units(), rank(state.phase));
        let newest = self.truth.stated.entry((account, wire)).or_insert(statement);
        if statement < *newest {
            return self.ask_later(now, id);
        }
        *newest = statement;
        let live = self.order(id.strategy, id.number).is_some();
        let settled = match live {
            true => self.live_stated((event, asked), (id, wire), state, effects),
            false if state.phase == OrderPhase::Open => {
                self.rests_though_over(event, id, effects);
                Ok(())
            }
            false => Ok(()),
        };
        let known = self.any_order(id).map_or(Quantity::ZERO, |order| order.filled);
        if state.filled > known {
            let claim = (state.filled, state.average, event.happened);
            self.claim(now, id, claim, effects);
        } else if let Err(at) = settled {
            self.ask_when_settled(id, at);
        } else {
            self.truth.doubts.remove(&id);
        }
    }

    /// An order is asked for when what left last about it can be seen in the answer.
    pub(crate) fn ask_when_settled(&mut self, id: ClientOrderId, at: HostTime) {
        let doubt = self.truth.doubts.entry(id).or_default();
        doubt.not_before = at;
        if doubt.nonce.is_none() {
            doubt.at = at;
        }
    }

    /// Whether an order of this price and size can be: figures beyond that are refused before
    /// anything is summed up with them.
    pub(crate) fn can_be(&self, of: InstrumentId, price: Price, quantity: Quantity) -> bool {
        let spec = self.config.instrument(of);
        let worth = spec.is_some_and(|spec| spec.notional(price, quantity).is_ok());
        let sane = price.is_positive() && quantity.is_positive() && quantity <= LARGEST;
        sane && worth
    }

    /// Whether so much of an order can have filled, as it is or as it is being made.
    pub(crate) fn can_have_filled(&self, id: ClientOrderId, filled: Quantity) -> bool {
        let slot = self.strategies.get(id.strategy.index());
        let amending = slot.and_then(|slot| slot.orders.get(&id.number)?.amending);
        let known = self.any_order(id).map(|order| order.request.quantity.max(order.filled));
        let most = known.max(amending.map(|amend| amend.quantity));
        filled.units() >= 0 && most.is_some_and(|most| filled <= most)
    }

    /// An answer that says nothing is asked for again, if it was asked for.
    fn ask_later(&mut self, now: HostTime, id: ClientOrderId) {
        let account = self.any_order(id).map(|order| order.account).unwrap_or_default();
        let pause = self.asks(account).pause;
        if let Some(doubt) = self.truth.doubts.get_mut(&id).filter(|doubt| doubt.nonce.is_none()) {
            doubt.at = doubt.at.min(now.after(pause));
        }
    }

    fn live_stated(
        &mut self,
        (event, asked): (&VenueEvent, HostTime),
        (id, wire): (ClientOrderId, WireId),
        state: &OrderState,
        effects: &mut Effects,
    ) -> Result<(), HostTime> {
        let known = self.order(id.strategy, id.number).map(|order| order.filled);
        let ends = |event| (event, Some(state.filled));
        match state.phase {
            OrderPhase::Open => {
                let said = (state.price, state.quantity);
                return self.found_alive((event, asked), id, said, effects);
            }
            // after it was taken a rejection is an end like others
            OrderPhase::Rejected if !self.may_be_rejected(id) => {
                self.ended(event, wire, ends(OrderEvent::Canceled), effects);
            }
            OrderPhase::Rejected => {
                self.moved(event, wire, OrderEvent::Rejected, state.order, None, effects);
            }
            OrderPhase::Canceled => self.ended(event, wire, ends(OrderEvent::Canceled), effects),
            OrderPhase::Expired => self.ended(event, wire, ends(OrderEvent::Expired), effects),
            // its fills fill it
            OrderPhase::Filled if known.is_some_and(|known| state.filled > known) => {
                self.ended(event, wire, ends(OrderEvent::Canceled), effects);
            }
            // it was made smaller than we know: there is nothing left of it
            OrderPhase::Filled => {
                let (price, quantity) = (state.price, state.quantity.min(state.filled));
                let fact = OrderFact::Amended { price, quantity };
                self.record(event.received, Fact::Order { id, fact }, effects);
                self.tell_order(event.received, id, 0, effects);
            }
        }
        Ok(())
    }

    pub(crate) fn may_be_rejected(&self, id: ClientOrderId) -> bool {
        self.order(id.strategy, id.number).is_some_and(|order| {
            order.status.apply(OrderEvent::Rejected, order.filled.is_positive()).is_ok()
        })
    }

    /// It is over here, and it is not there: reported, and canceled.
    fn rests_though_over(&mut self, event: &VenueEvent, id: ClientOrderId, fx: &mut Effects) {
        let Some(order) = self.any_order(id) else { return };
        let (account, instrument, wire) = (order.account, order.request.instrument, order.wire);
        let detail = format!("order {id} rests at the venue and is {} here", order.status);
        self.record(event.received, Fact::Discrepancy { account, detail }, fx);
        fx.commands.push(VenueCommand::Cancel { account, instrument, wire });
    }

    /// More had filled than was heard.
    pub(crate) fn claim(
        &mut self,
        now: HostTime,
        id: ClientOrderId,
        (filled, average, happened): (Quantity, Option<Decimal>, VenueTime),
        effects: &mut Effects,
    ) {
        let doubt = self.truth.doubts.entry(id).or_default();
        let fresh = Claim { filled, average, happened, asked: 0, last: false };
        let last = match &mut doubt.claim {
            Some(claim) if filled >= claim.filled => {
                claim.average = average.or(claim.average.filter(|_| claim.filled == filled));
                (claim.filled, claim.happened) = (filled, claim.happened.max(happened));
                claim.last
            }
            Some(claim) => claim.last,
            none => {
                *none = Some(fresh);
                doubt.about = About::Trades;
                if doubt.nonce.is_none() {
                    doubt.at = now.after(OWED);
                }
                return;
            }
        };
        if last {
            self.infer_fill(now, id, effects);
        } else if doubt.nonce.is_none() {
            (doubt.about, doubt.at) = (About::Trades, now.after(OWED));
        }
    }

    /// After a fill: what was claimed may be met.
    pub(crate) fn claim_met(&mut self, id: ClientOrderId) {
        let filled = self.any_order(id).map_or(Quantity::ZERO, |order| order.filled);
        let claim = self.truth.doubts.get(&id).and_then(|doubt| doubt.claim.as_ref());
        if claim.is_some_and(|claim| filled >= claim.filled) {
            self.truth.doubts.remove(&id);
        }
    }

    /// All trades were told and do not make up what the venue says: asked for some times more, then
    /// for the average once more, then the rest is inferred.
    pub(crate) fn trades_did_not_come(
        &mut self,
        now: HostTime,
        id: ClientOrderId,
        effects: &mut Effects,
    ) {
        let account = self.any_order(id).map(|order| order.account).unwrap_or_default();
        let asks = self.asks(account);
        let Some(doubt) = self.truth.doubts.get_mut(&id) else { return };
        let Some(claim) = &mut doubt.claim else {
            self.truth.doubts.remove(&id);
            return;
        };
        if claim.last {
            return self.infer_fill(now, id, effects);
        }
        claim.asked = claim.asked.saturating_add(1);
        if claim.asked < asks.lookups {
            doubt.at = now.after(asks.pause);
        } else {
            (claim.last, doubt.about) = (true, About::Order);
            self.ask_about(now, id, effects);
        }
    }

    /// One fill for what is missing.
    fn infer_fill(&mut self, now: HostTime, id: ClientOrderId, effects: &mut Effects) {
        let claim = self.truth.doubts.remove(&id).and_then(|doubt| doubt.claim);
        let (Some(claim), Some(order)) = (claim, self.any_order(id)) else { return };
        let quantity = claim.filled.units().saturating_sub(order.filled.units());
        if quantity <= 0 {
            return;
        }
        let quantity = Quantity::from_units(quantity);
        let request = order.request;
        let (account, wire, known) = (order.account, order.wire, order.filled);
        let price = self.inferred_price(id, &claim, quantity).unwrap_or(request.price);
        let detail = format!(
            "order {id}: its venue says {} filled and told {known}: {quantity} at {price} inferred",
            claim.filled
        );
        self.record(now, Fact::Discrepancy { account, detail }, effects);
        let fact = Fact::Fill {
            id,
            account,
            instrument: request.instrument,
            trade: inferred_id(wire, account.0, claim.filled),
            side: request.side,
            price,
            quantity,
            liquidity: Liquidity::Taker,
            fee: Fee::ZERO,
            happened: claim.happened,
            inferred: true,
            replaces: Quantity::ZERO,
        };
        self.book(now, fact, effects);
    }

    /// `(avg x cum - sum of p q) / (cum - sum of q)`, in what the units are worth, so that it holds
    /// for inverse contracts too.
    fn inferred_price(&self, id: ClientOrderId, claim: &Claim, missing: Quantity) -> Option<Price> {
        let slot = self.strategies.get(id.strategy.index())?;
        let order = self.any_order(id)?;
        let spec = self.config.instrument(order.request.instrument)?;
        let all = spec.value_at(claim.average?, claim.filled).ok()?;
        let known = slot.traded.get(&id.number).map_or(Decimal::ZERO, |traded| traded.value);
        let average = spec.average_entry(all.checked_sub(known)?, missing)?;
        let price = Price::rounded(average, spec.price_scale, Rounding::HalfEven).ok()?;
        // an average that no trade can have made says nothing
        let fits = price.is_positive() && spec.notional(price, missing).is_ok();
        fits.then_some(price)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inferred_id_follows_from_whose_order_and_how_much() {
        let id = |wire, account, filled| {
            inferred_id(WireId(wire), account, Quantity::from_units(filled))
        };
        assert_eq!(id(1, 2, 3), id(1, 2, 3));
        let others = [id(2, 2, 3), id(1, 3, 3), id(1, 2, 4)];
        assert!(others.iter().all(|other| *other != id(1, 2, 3)));
        assert!(others.iter().all(|other| other.0 & INFERRED != 0));
    }
}
