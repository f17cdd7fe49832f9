//! What an operator's word about a difference can do, by what the view says: nothing is taken over
//! of an account whose venue has not told what is held, and nothing where nothing differs. Both are
//! answers, and neither is `accepted`.

use super::understood::named;
use super::{ANY, Call, Desk, Message, Reply, Request, Ticket, plain};
use crate::config::{Config, instrument_name};
use crate::wiring::Loaded;
use hedgerow_model::view::HostView;
use hedgerow_model::{Scope, StrategyId};
use std::collections::BTreeMap;

/// What strategies trade: accounts and instruments, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traded(BTreeMap<StrategyId, Vec<(String, String)>>);

/// Accounts and what is traded there.
type Roles = [(String, String)];

impl Traded {
    /// By a config and its components.
    pub(crate) fn of(config: &Config, loaded: &Loaded) -> Self {
        let engine = crate::wiring::engine_config(config, loaded);
        let account = |id: hedgerow_model::AccountId| config.accounts.get(id.index()).cloned();
        let instrument = |id: hedgerow_model::InstrumentId| {
            config.instruments.get(id.index()).map(|(spec, _)| instrument_name(config, spec))
        };
        let strategies = engine.strategies.iter().map(|strategy| {
            let all = strategy.trades.iter();
            let all = all.filter_map(|(what, on)| Some((account(*on)?, instrument(*what)?)));
            (strategy.id, all.collect())
        });
        Self(strategies.collect())
    }

    /// Whether there is something to do: nothing more to say, or why nothing follows. An error is
    /// for one that is not to be done at all, since it is not known what there is.
    pub(super) fn finds(
        &self,
        request: &Request,
        view: &HostView,
    ) -> Result<Option<String>, String> {
        let Request::Settle { strategy: name, adopt, ignored, .. } = request else {
            return Ok(None);
        };
        let kinds = if *adopt { &ANY[..1] } else { &ANY[..2] };
        match named(view, kinds, name) {
            Ok(scope) => self.judge(scope, (*adopt, *ignored), view),
            // what is wrong with the name is told elsewhere
            Err(_) => Ok(None),
        }
    }

    fn judge(
        &self,
        scope: Scope,
        (adopt, ignored): (bool, bool),
        view: &HostView,
    ) -> Result<Option<String>, String> {
        let (accounts, own): (Vec<&String>, Option<&Roles>) = match scope {
            Scope::Strategy(id) => {
                let own = self.0.get(&id).map(Vec::as_slice).unwrap_or_default();
                (own.iter().map(|(account, _)| account).collect(), Some(own))
            }
            Scope::Account(id) => {
                let named = view.accounts.iter().filter(|account| account.id == id);
                (named.map(|account| &account.name).collect(), None)
            }
            _ => return Ok(None),
        };
        // the engine's words for both, by account
        let says = |account: &str, what: &str| {
            let of = format!("account {account}: ");
            view.conditions.iter().any(|said| said.starts_with(&of) && said.contains(what))
        };
        let mark = if ignored { " is ignored, as somebody else's" } else { " is nobody's here" };
        let found = match own {
            Some(own) => {
                own.iter().any(|(account, what)| says(account, &format!(" in {what}{mark}")))
            }
            None => accounts.iter().any(|account| says(account, mark)),
        };
        if found {
            return Ok(None);
        }
        let done = if adopt { "adopted" } else { "ignored" };
        let is_untold = |account: &&&String| says(account, "its venue has not told what is");
        if let Some(account) = accounts.iter().find(is_untold) {
            let why = "its venue has not told what is held";
            return Err(format!("nothing was {done}: account {account}: {why}; ask again then"));
        }
        let why = match ignored {
            true => "nothing of it is ignored",
            false => "nothing differs from what its venue has told",
        };
        Ok(Some(format!("nothing was {done}: {why}")))
    }
}

impl Desk {
    /// What is not to be done is in the audit, as what is done.
    pub(super) fn refuse(&self, call: &Call, why: String) -> Reply {
        if let Some((command, reason)) = call.request.in_words() {
            let (by, reason, from) = (plain(&call.by), plain(&reason), "control socket".to_owned());
            let (result, ticket) = (format!("refused: {why}"), Some(Ticket::of(&self.waiting)));
            let _ = self.inbox.send(Message::Asked { command, reason, by, from, result, ticket });
        }
        Reply::Refused { why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hedgerow_model::view::AccountView;
    use hedgerow_model::{AccountId, TradingMode};

    #[test]
    fn nothing_to_settle_is_told_and_what_is_unknown_is_not_taken_for_equal() {
        let of = vec![("acc".to_owned(), "v:A".to_owned())];
        let traded = Traded(BTreeMap::from([(StrategyId(0), of)]));
        let account = AccountView {
            id: AccountId(0),
            name: "acc".into(),
            mode: TradingMode::Running,
            equity: None,
            leverage: None,
            safe_leverage: None,
            liquidation_distances: Vec::new(),
        };
        let ask = |scope, what, told: &[&str]| {
            let conditions = told.iter().map(|said| (*said).to_owned()).collect();
            let accounts = vec![account.clone()];
            traded.judge(scope, what, &HostView { accounts, conditions, ..HostView::default() })
        };
        let untold = "account acc: its venue has not told what is, nothing opens";
        let differs = "account acc: 1 in v:A is nobody's here, nothing opens: adopt or ignore it";
        let ignored = "account acc: 1 in v:A is ignored, as somebody else's (adopt --ignored …)";
        let other = "account acc: 1 in v:B is nobody's here, nothing opens: adopt or ignore it";
        let (adopt, again, ignore) = ((true, false), (true, true), (false, false));
        let (me, acc) = (Scope::Strategy(StrategyId(0)), Scope::Account(AccountId(0)));
        for (scope, what, told) in [
            (me, adopt, differs),
            (me, ignore, differs),
            (acc, ignore, differs),
            (acc, ignore, other),
            (me, again, ignored),
        ] {
            assert_eq!(ask(scope, what, &[told]), Ok(None), "{told}");
        }
        for (scope, what) in [(me, adopt), (me, again), (me, ignore), (acc, ignore)] {
            let why = ask(scope, what, &[untold]).unwrap_err();
            assert!(why.starts_with("nothing was ") && why.contains("has not told"), "{why}");
            let said = ask(scope, what, &[]).unwrap().unwrap();
            assert!(said.starts_with("nothing was "), "{said}");
        }
        assert!(ask(me, adopt, &[other]).unwrap().unwrap().contains("nothing differs"));
        assert!(ask(me, again, &[differs]).unwrap().unwrap().contains("is ignored"));
    }
}
