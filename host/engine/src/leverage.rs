//! Leverage and margin mode: what venues tell, what a strategy with the grant asks for, and what a
//! pair is checked against before it opens.
//!
//! Fails closed: what its venue has not told, or is being asked to change, is not known, and what
//! is not known does not fit anything that is accepted.

use crate::strategy::StrategySlot;
use crate::{Effects, Engine};
use hedgerow_model::{
    AccountId, Action, Event, Extent, Fact, HostTime, Instrument, InstrumentId, InstrumentKind,
    Margin, RiskRejection, StrategyId, VenueCommand, VenueEvent, VenueReport,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is known of one account in one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// In force; nothing: a change is under way.
    pub(crate) margin: Option<Margin>,
    /// The most allowed, hundredths.
    pub(crate) max_hundredths: u32,
}

pub(crate) type Leverages = BTreeMap<(AccountId, InstrumentId), Known>;

impl Engine {
    pub(crate) fn apply_leverage(&mut self, fact: &Fact) {
        match *fact {
            Fact::Leverage { account, instrument, margin, max_hundredths } => {
                let known = Known { margin: Some(margin), max_hundredths };
                self.leverages.insert((account, instrument), known);
            }
            Fact::LeverageAsked { account, instrument, .. } => {
                if let Some(known) = self.leverages.get_mut(&(account, instrument)) {
                    known.margin = None;
                }
            }
            _ => {}
        }
    }

    /// A venue told what is in force.
    pub(crate) fn on_leverage(&mut self, event: &VenueEvent, effects: &mut Effects) {
        let VenueReport::Leverage { instrument, margin, max_hundredths } = event.report else {
            return;
        };
        let (now, account) = (event.received, event.account);
        let told = Known { margin: Some(margin), max_hundredths };
        if self.leverages.get(&(account, instrument)) == Some(&told) {
            return;
        }
        let fact = Fact::Leverage { account, instrument, margin, max_hundredths };
        self.record(now, fact, effects);
        for strategy in self.owners(account, instrument) {
            self.deliver(
                strategy,
                now,
                leverage_event(instrument, margin, max_hundredths),
                effects,
            );
        }
    }

    /// What is known of a strategy's instruments: told to it when it starts.
    pub(crate) fn leverages_now(&self, slot: &StrategySlot) -> Vec<Event> {
        let known = slot.holdings.iter().filter_map(|holding| {
            let known = self.leverages.get(&(holding.account, holding.instrument))?;
            Some(leverage_event(holding.instrument, known.margin?, known.max_hundredths))
        });
        known.collect()
    }

    /// A strategy asks for another leverage; it is asked for once, and known again when told.
    pub(crate) fn set_leverage(
        &mut self,
        now: HostTime,
        strategy: StrategyId,
        (instrument, leverage_hundredths): (InstrumentId, u32),
        effects: &mut Effects,
    ) -> Result<(), RiskRejection> {
        let account = self.may_set_leverage(strategy, instrument, leverage_hundredths)?;
        let fact = Fact::LeverageAsked { strategy, account, instrument, leverage_hundredths };
        self.record(now, fact, effects);
        let command = VenueCommand::SetLeverage { account, instrument, leverage_hundredths };
        effects.commands.push(command);
        Ok(())
    }

    /// A leverage that was to be set was never asked for: the one there is, is read again.
    pub(crate) fn leverage_never_asked(
        &mut self,
        now: HostTime,
        command: &VenueCommand,
        since: HostTime,
        effects: &mut Effects,
    ) {
        let VenueCommand::SetLeverage { account, instrument, .. } = *command else { return };
        let waited = now.since(since);
        if self.truth.checks.contains_key(&account) {
            self.read_again(now, account, Vec::new());
        } else {
            let (nonce, since) = (self.next_nonce(now), self.untold_since(account));
            let extent = Extent::Positions;
            effects.commands.push(VenueCommand::Reconcile { account, since, nonce, extent });
        }
        if let Some(strategy) = self.owner_of(account, instrument) {
            let what = ("set-leverage", u64::from(instrument.0));
            let reason = RiskRejection::VenueLagging { waiting_ms: waited.as_millis() };
            self.refuse(now, strategy, what, reason, effects);
        }
    }

    fn may_set_leverage(
        &self,
        strategy: StrategyId,
        instrument: InstrumentId,
        asked_hundredths: u32,
    ) -> Result<AccountId, RiskRejection> {
        let config = self.config.strategies.get(strategy.index());
        let slot = self.strategies.get(strategy.index());
        let (config, slot) = config.zip(slot).ok_or(RiskRejection::UnknownInstrument)?;
        let spec = self.config.instrument(instrument).ok_or(RiskRejection::UnknownInstrument)?;
        let holding = slot.holding(instrument).filter(|_| config.may_set_leverage);
        let account = holding.ok_or(RiskRejection::NotGranted)?.account;
        if spec.kind == InstrumentKind::Spot {
            return Err(RiskRejection::NotSupported);
        }
        let mode = self.mode_at(strategy, account, instrument);
        // less margin is more risk: as an opening is
        if !mode.permits(Action::StrategyOpens) {
            return Err(RiskRejection::ModeForbids { mode });
        }
        if !self.is_reconciled(account) {
            return Err(RiskRejection::NotReconciled);
        }
        if self.journal_failed {
            return Err(RiskRejection::JournalUnavailable);
        }
        // a plan was judged by the leverage there was
        if let Some(plan) = self.plans.at_work_in(strategy, instrument) {
            return Err(RiskRejection::PlanInTheWay { plan });
        }
        let known = self.leverages.get(&(account, instrument));
        let max_hundredths = known.map_or(0, |known| known.max_hundredths);
        if asked_hundredths < Margin::ONE.leverage_hundredths || asked_hundredths > max_hundredths {
            return Err(RiskRejection::LeverageNotAllowed { asked_hundredths, max_hundredths });
        }
        Ok(account)
    }

    /// Leverage and margin mode in force, as far as told.
    pub(crate) fn margin_of(&self, account: AccountId, instrument: InstrumentId) -> Option<Margin> {
        self.leverages.get(&(account, instrument))?.margin
    }

    /// Checks a leg that is to be opened: what is accepted is what the account is expected to have,
    /// or of what else its operator accepts the one that the plan names. Gives what is in force.
    pub(crate) fn check_margin(
        &self,
        spec: &Instrument,
        account: AccountId,
        named: Option<Margin>,
    ) -> Result<Option<Margin>, RiskRejection> {
        if spec.kind == InstrumentKind::Spot {
            return Ok(None);
        }
        let known = self.margin_of(account, spec.id);
        let config = self.config.accounts.get(account.index());
        let expected = config.and_then(|config| config.margin);
        let further = config.map_or(&[][..], |config| config.accept.as_slice());
        // a strategy may be stricter than its operator, never laxer
        if let (Some(named), Some(expected)) = (named, expected)
            && named != expected
            && !further.contains(&named)
        {
            return Err(RiskRejection::LeverageDiffers { known: named, accepted: expected });
        }
        let Some(accepted) = named.or(expected) else { return Ok(known) };
        match known {
            None => Err(RiskRejection::LeverageUnknown { accepted }),
            Some(known) if known != accepted => {
                Err(RiskRejection::LeverageDiffers { known, accepted })
            }
            known => Ok(known),
        }
    }
}

fn leverage_event(instrument: InstrumentId, margin: Margin, max_hundredths: u32) -> Event {
    let leverage_hundredths = margin.leverage_hundredths;
    Event::Leverage { instrument, leverage_hundredths, max_hundredths }
}
