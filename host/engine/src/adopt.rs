//! Positions that are not the venue's: an operator says whose the difference is. Until then nothing
//! opens on the account. An adjustment has an id that follows from what was found, so that the
//! same finding after a restart is the same adjustment and changes nothing.

use crate::{Effects, Engine};
use hedgerow_model::{
    AccountId, Entry, Event, Fact, Fee, FeeAsset, HostTime, InstrumentId, PositionUpdate, Price,
    Quantity, Scope, StrategyId, VenueTime,
};

impl Engine {
    fn unknown_of(&self, of: impl Fn(AccountId, InstrumentId) -> bool) -> Vec<Unknown> {
        let known = self.truth.unknown.iter().filter(|((account, id), _)| of(*account, *id));
        known.map(|((account, id), more)| (*account, *id, *more)).collect()
    }

    /// The ledger takes the venue's positions over, at the mark: what differs, or what was ignored
    /// before, where its venue has told what there is.
    pub(crate) fn adopt(
        &mut self,
        now: HostTime,
        (strategy, ignored): (StrategyId, bool),
        effects: &mut Effects,
    ) {
        let is_own = |account, id| self.owner_of(account, id) == Some(strategy);
        let own = match ignored {
            false => self.unknown_of(is_own),
            true => {
                let all = self.external.iter().map(|((account, id), held)| (*account, *id, *held));
                let known = |account| self.is_reconciled(account);
                all.filter(|(account, id, _)| is_own(*account, *id) && known(*account)).collect()
            }
        };
        if own.is_empty() {
            let of = self.scope_in_words(Scope::Strategy(strategy));
            let command = format!("{of}: nothing to adopt");
            let reason = match ignored {
                true => "nothing of it is ignored on an account whose venue has told what there is",
                false => "nothing differs; what was ignored is adopted by `adopt --ignored`",
            };
            self.record(now, Fact::Operator { command, reason: reason.into() }, effects);
        }
        for (account, instrument, more) in own {
            let marked = self.markets.get(instrument).and_then(|market| market.mark_doubled);
            let Some(price) = marked.map(|doubled| Price::from_units(doubled / 2)) else {
                let command = format!("position in {instrument} not adopted");
                let reason = "there is no mark to value it at".into();
                self.record(now, Fact::Operator { command, reason }, effects);
                continue;
            };
            let slot = self.strategies.get(strategy.index());
            let ours = slot.map(|slot| slot.position(instrument)).unwrap_or_default();
            let quantity = Quantity::from_units(ours.units().saturating_add(more.units()));
            if ignored {
                // what differs besides is still nobody's
                let quantity = Quantity::ZERO;
                self.record(now, Fact::Ignored { account, instrument, quantity }, effects);
            } else {
                self.truth.unknown.remove(&(account, instrument));
            }
            self.adjust(now, (strategy, instrument), (quantity, price), effects);
            self.read_again(now, account, Vec::new());
        }
    }

    /// Makes a position what its venue has.
    pub(crate) fn adjust(
        &mut self,
        now: HostTime,
        (strategy, instrument): (StrategyId, InstrumentId),
        (quantity, price): (Quantity, Price),
        effects: &mut Effects,
    ) {
        let slot = self.strategies.get(strategy.index());
        let Some(holding) = slot.and_then(|slot| slot.holding(instrument)) else { return };
        let mark = self.last_fill.get(&holding.account).copied().unwrap_or(VenueTime::EPOCH);
        let id = adjustment(holding.account, instrument, quantity, mark);
        let account = Some(holding.account);
        self.note_rates(now, instrument, FeeAsset::Settle, effects);
        let fact = Fact::Adopted { strategy, instrument, quantity, price, id, account };
        self.record(now, fact, effects);
        self.tell_position(now, strategy, instrument, effects);
        self.recap(now, (strategy, instrument), effects);
        self.guard(now, strategy, effects);
    }

    /// The difference is somebody else's.
    pub(crate) fn ignore(&mut self, now: HostTime, strategy: StrategyId, effects: &mut Effects) {
        let own = self.unknown_of(|account, id| self.owner_of(account, id) == Some(strategy));
        self.ignore_all(now, own, effects);
    }

    /// All that an account holds and nobody here accounts for is somebody else's.
    pub(crate) fn ignore_on(&mut self, now: HostTime, account: AccountId, effects: &mut Effects) {
        let on = self.unknown_of(|whose, _| whose == account);
        self.ignore_all(now, on, effects);
    }

    fn ignore_all(&mut self, now: HostTime, all: Vec<Unknown>, effects: &mut Effects) {
        for (account, instrument, more) in all {
            let before = self.external.get(&(account, instrument)).copied().unwrap_or_default();
            let quantity = Quantity::from_units(before.units().saturating_add(more.units()));
            self.record(now, Fact::Ignored { account, instrument, quantity }, effects);
            self.truth.unknown.remove(&(account, instrument));
            // what was found may be old by now
            self.read_again(now, account, Vec::new());
        }
    }

    /// Folds what a venue's answer and a word about a difference have settled.
    pub(crate) fn apply_settled(&mut self, time: HostTime, fact: &Fact) {
        match fact {
            Fact::Adopted { strategy, instrument, quantity, price, .. } => {
                self.apply_adopted(time, (*strategy, *instrument), (*quantity, *price));
            }
            Fact::Compared { account, until } => {
                let known = self.told_until.entry(*account).or_default();
                *known = (*known).max(*until);
            }
            Fact::Ignored { account, instrument, quantity } => {
                self.odd = (0, String::new());
                self.external.insert((*account, *instrument), *quantity);
                self.external.retain(|_, quantity| !quantity.is_zero());
            }
            _ => {}
        }
    }

    fn apply_adopted(
        &mut self,
        time: HostTime,
        (strategy, instrument): (StrategyId, InstrumentId),
        (quantity, price): (Quantity, Price),
    ) {
        self.odd = (0, String::new());
        let Some(spec) = self.config.instruments.get(instrument.index()) else { return };
        let slot = self.strategies.get_mut(strategy.index());
        let Some(holding) = slot.and_then(|slot| slot.holding_mut(instrument)) else { return };
        // to a quantity, not by one: the same adjustment again is none
        let account = holding.account;
        let realised = holding.position.realised;
        if holding.position.adopt(spec, quantity, price).is_ok() {
            let gain = holding.position.realised - realised;
            holding.earned.enter(&spec.settle, Entry::Price, gain, &self.rates);
            self.exposure.update(strategy, spec, &holding.position);
            let whose = (strategy, account, instrument);
            self.trim_pairs(time, whose, price, (quantity, Fee::ZERO));
        }
    }

    pub(crate) fn tell_position(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        instrument: InstrumentId,
        effects: &mut Effects,
    ) {
        let slot = self.strategies.get(strategy.index());
        let spec = self.config.instrument(instrument);
        let told = slot.and_then(|slot| slot.holding(instrument)).zip(spec).map(|(held, spec)| {
            let entry = held.position.entry(spec).unwrap_or_default();
            PositionUpdate { instrument, quantity: held.position.quantity, entry }
        });
        if let Some(update) = told {
            self.deliver(strategy, now, Event::Position(update), effects);
        }
    }
}

/// Whose account, in what, how much more its venue has.
type Unknown = (AccountId, InstrumentId, Quantity);

/// The id of an adjustment: of the account, the instrument, the position there, and the last fill.
fn adjustment(
    account: AccountId,
    instrument: InstrumentId,
    quantity: Quantity,
    last_fill: VenueTime,
) -> u64 {
    let ids = (u64::from(account.0) << 32) | u64::from(instrument.0);
    let bytes = [ids.to_le_bytes(), quantity.units().to_le_bytes()];
    let bytes = bytes.into_iter().chain([last_fill.as_nanos().to_le_bytes()]).flatten();
    bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
