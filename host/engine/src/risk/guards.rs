//! Guards of profit on every mark that moves, and what an operator says.
//!
//! A guard latches what its action says, and stays until an operator clears it.

use crate::portfolio::{FormId, Trips};
use crate::{Effects, Engine, OperatorCommand};
use hedgerow_model::{
    AccountId, Fact, Guard, GuardAction, GuardKey, HostTime, InstrumentId, Scope, StrategyId,
    TradingMode,
};

/// How the reason of a mode begins that a guard has set.
pub(crate) const GUARD: &str = "guard: ";

impl Engine {
    pub(crate) fn profit_now(&self, form: FormId) -> Option<Option<i128>> {
        let mark = |id: InstrumentId| self.markets.get(id).and_then(|m| m.mark_doubled);
        self.exposure.profit(form, mark)
    }

    /// Whether a guard of the account or of the host cannot judge, because something that is held
    /// has no mark.
    pub(crate) fn is_unmarked(&self, account: AccountId) -> bool {
        let over = [self.exposure.form_of(Scope::Account(account)), self.host_form()];
        let mut watched = self.exposure.watched();
        watched.any(|form| over.contains(&Some(form)) && self.profit_now(form).is_none())
    }

    fn host_form(&self) -> Option<FormId> {
        self.exposure.form_of(Scope::Host)
    }

    /// After a mark moved (doubled, to this): everything it is part of.
    pub(crate) fn guard_mark(
        &mut self,
        now: HostTime,
        (id, doubled): (InstrumentId, i64),
        effects: &mut Effects,
    ) {
        // by index: the list cannot change while marks move, only fills change it
        let mut index = 0;
        while let Some(form) = self.exposure.holders(id).get(index).copied() {
            if !self.exposure.gauge(form).is_calm(doubled) {
                self.guard_form(now, form, effects);
            }
            index += 1;
        }
    }

    fn guard_form(&mut self, now: HostTime, form: FormId, effects: &mut Effects) {
        let mark = |id: InstrumentId| self.markets.get(id).and_then(|m| m.mark_doubled);
        let mut gauge = self.exposure.gauge(form);
        let Some(news) = self.exposure.judge(form, mark, &mut gauge) else {
            return;
        };
        self.exposure.set_gauge(form, gauge);
        if self.exposure.is_peak_due(form, &gauge) {
            self.note_peak_of(now, form, effects);
        }
        if news.any() {
            self.trip_profit(now, self.exposure.scope_of(form), news, effects);
        }
    }

    fn trip_profit(&mut self, now: HostTime, scope: Scope, news: Trips, effects: &mut Effects) {
        let whose = match scope {
            Scope::Host => " of all strategies",
            Scope::Account(_) => " of the account",
            _ => "",
        };
        let all = [
            (news.loss, Guard::Loss, format!("loss{whose} above loss_max")),
            (news.day, Guard::LossDay, format!("loss{whose} of this day above loss_day_max")),
            (news.drawdown, Guard::Drawdown, format!("drawdown{whose} above drawdown_max")),
        ];
        for (_, guard, detail) in all.into_iter().filter(|(trips, ..)| *trips) {
            let action = self.profit_action(scope, guard);
            self.trip(now, &GuardKey::whole(guard, scope), action, detail, effects);
        }
    }

    fn profit_action(&self, scope: Scope, guard: Guard) -> GuardAction {
        let profit = match scope {
            Scope::Strategy(id) => {
                let guards = self.config.strategies.get(id.index()).map(|s| &s.guards);
                let action = guards.map(|guards| match guard {
                    Guard::Loss => guards.loss_action,
                    Guard::LossDay => guards.loss_day.map_or(GuardAction::Halt, |w| w.action),
                    _ => guards.drawdown_action,
                });
                return action.unwrap_or(GuardAction::Halt);
            }
            Scope::Account(id) => {
                self.config.accounts.get(id.index()).map(|account| account.guards.profit)
            }
            _ => Some(self.config.host.profit),
        };
        let watch = profit.and_then(|profit| match guard {
            Guard::Loss => profit.loss,
            Guard::LossDay => profit.loss_day,
            _ => profit.drawdown,
        });
        watch.map_or(GuardAction::Halt, |watch| watch.action)
    }

    /// Watched forms of a strategy and of the accounts it trades on.
    fn forms_of(&self, strategy: StrategyId) -> Vec<FormId> {
        let slot = self.strategies.get(strategy.index());
        let accounts = slot.into_iter().flat_map(|slot| slot.accounts()).map(Scope::Account);
        let scopes = std::iter::once(Scope::Strategy(strategy)).chain(accounts);
        let wanted: Vec<FormId> = scopes.filter_map(|s| self.exposure.form_of(s)).collect();
        self.exposure.watched().filter(|form| wanted.contains(form)).collect()
    }

    /// After anything that changed a strategy's profit: it, and its accounts.
    pub(crate) fn guard(&mut self, now: HostTime, strategy: StrategyId, effects: &mut Effects) {
        for form in self.forms_of(strategy) {
            self.guard_form(now, form, effects);
        }
    }

    /// After cash moved: a new highest profit becomes a fact.
    pub(crate) fn note_peak(&mut self, now: HostTime, strategy: StrategyId, effects: &mut Effects) {
        for form in self.forms_of(strategy) {
            self.note_peak_of(now, form, effects);
        }
    }

    fn note_peak_of(&mut self, now: HostTime, form: FormId, effects: &mut Effects) {
        if let Some(profit) = self.exposure.new_peak(form) {
            let scope = self.exposure.scope_of(form);
            self.record(now, Fact::Peak { scope, profit }, effects);
        }
    }

    pub(crate) fn guard_host(&mut self, now: HostTime, effects: &mut Effects) {
        let host = self.host_form();
        let watched = self.exposure.watched().find(|form| Some(*form) == host);
        if let Some(form) = watched {
            self.guard_form(now, form, effects);
            self.note_peak_of(now, form, effects);
        }
    }

    pub(crate) fn on_operator(
        &mut self,
        now: HostTime,
        command: &OperatorCommand,
        reason: String,
        effects: &mut Effects,
    ) {
        let said = Fact::Operator { command: format!("{command:?}"), reason: reason.clone() };
        self.record(now, said, effects);
        match *command {
            OperatorCommand::SetMode { scope, mode } => {
                if mode == TradingMode::Running {
                    self.release_guards(now, scope, effects);
                    if let Scope::Strategy(id) = scope {
                        // a leg that is held alone is taken over by its strategy's name
                        self.release_plans(now, id, effects);
                    }
                }
                if mode == TradingMode::Halted {
                    self.end_flattens_in(now, scope, effects);
                }
                if mode != TradingMode::Running && mode <= self.modes.of(scope) {
                    return; // only a release loosens, and what holds keeps its reason
                }
                self.set_mode(now, scope, mode, format!("operator: {reason}"), effects);
            }
            OperatorCommand::Adopt { strategy, ignored } => {
                self.adopt(now, (strategy, ignored), effects);
            }
            OperatorCommand::IgnoreOn { account } => self.ignore_on(now, account, effects),
            OperatorCommand::Ignore { strategy } => self.ignore(now, strategy, effects),
            OperatorCommand::CancelAll { scope } => self.cancel_all_in(now, scope, effects),
            OperatorCommand::ResumeReducing { scope } => {
                let mode = TradingMode::ReduceOnly;
                if self.modes.of(scope) != mode {
                    self.set_mode(now, scope, mode, format!("operator: {reason}"), effects);
                }
            }
            OperatorCommand::Flatten { scope } => self.flatten(now, scope, &reason, effects),
        }
    }

    pub(crate) fn restart_measures(&mut self, now: HostTime, scope: Scope, effects: &mut Effects) {
        let Some(form) = self.exposure.form_of(scope) else { return };
        let profit = self.profit_now(form).flatten();
        match profit.and_then(|profit| self.exposure.money(profit)) {
            Some(profit) => {
                self.record(now, Fact::MeasuresRestarted { scope, profit }, effects);
            }
            None => {
                // said, for the guards may trip again at once
                let of = self.scope_in_words(scope);
                let command = format!("measures of {of} not restarted");
                let reason = "a mark of what it holds is missing".into();
                self.record(now, Fact::Operator { command, reason }, effects);
            }
        }
    }
}
