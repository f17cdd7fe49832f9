//! What an operator's word about a difference can do, by what the view says: nothing is taken over
//! of an account whose venue has not told what is held, and nothing where nothing differs. Both are
//! answers, and neither is `accepted`.

use super::understood::named;
use super::{ANY, Call, Desk, Message, Reply, Request, Ticket, plain};
use crate::config::Config;
use crate::wiring::Loaded;
use hedgerow_model::view::{AccountView, HostView};
use hedgerow_model::{AccountId, InstrumentId, Scope, StrategyId};
use std::collections::BTreeMap;

/// Accounts and what is traded there.
type Roles = Vec<(AccountId, InstrumentId)>;

/// What strategies trade, and where.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traded(BTreeMap<StrategyId, Roles>);

impl Traded {
    /// By a config and its components.
    pub(crate) fn of(config: &Config, loaded: &Loaded) -> Self {
        let engine = crate::wiring::engine_config(config, loaded);
        let of = |trades: &[(InstrumentId, AccountId)]| {
            trades.iter().map(|(what, on)| (*on, *what)).collect()
        };
        Self(engine.strategies.iter().map(|known| (known.id, of(&known.trades))).collect())
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
        let roles = match scope {
            Scope::Strategy(id) => self.0.get(&id).map(Vec::as_slice).unwrap_or_default(),
            _ => &[],
        };
        let is_meant = |account: &AccountView| match scope {
            Scope::Account(id) => account.id == id,
            _ => roles.iter().any(|(on, _)| *on == account.id),
        };
        let differs = |account: &AccountView| {
            let all = if ignored { &account.ignored } else { &account.unknown };
            let is_own = |what: &InstrumentId| match scope {
                Scope::Account(_) => true,
                _ => roles.contains(&(account.id, *what)),
            };
            all.iter().any(is_own)
        };
        if !matches!(scope, Scope::Strategy(_) | Scope::Account(_)) {
            return Ok(None);
        }
        let accounts: Vec<&AccountView> = view.accounts.iter().filter(|a| is_meant(a)).collect();
        if accounts.iter().any(|account| differs(account)) {
            return Ok(None);
        }
        let done = if adopt { "adopted" } else { "ignored" };
        if let Some(account) = accounts.iter().find(|account| !account.is_told) {
            let why = format!("account {}: its venue has not told what is held", account.name);
            return Err(format!("nothing was {done}: {why}; ask again then"));
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
        let (mine, other) = (InstrumentId(0), InstrumentId(1));
        let traded = Traded(BTreeMap::from([(StrategyId(0), vec![(AccountId(0), mine)])]));
        let account = AccountView {
            id: AccountId(0),
            name: "acc".into(),
            mode: TradingMode::Running,
            equity: None,
            leverage: None,
            safe_leverage: None,
            liquidation_distances: Vec::new(),
            is_told: true,
            unknown: Vec::new(),
            ignored: Vec::new(),
        };
        let unknown = |what| AccountView { unknown: vec![what], ..account.clone() };
        let ignored = AccountView { ignored: vec![mine], ..account.clone() };
        let untold = AccountView { is_told: false, ..account.clone() };
        let ask = |scope, what, told: &AccountView| {
            let accounts = vec![told.clone()];
            traded.judge(scope, what, &HostView { accounts, ..HostView::default() })
        };
        let (adopt, again, ignore) = ((true, false), (true, true), (false, false));
        let (me, acc) = (Scope::Strategy(StrategyId(0)), Scope::Account(AccountId(0)));
        for (scope, what, told) in [
            (me, adopt, unknown(mine)),
            (me, ignore, unknown(mine)),
            (acc, ignore, unknown(mine)),
            (acc, ignore, unknown(other)),
            (me, again, ignored),
        ] {
            assert_eq!(ask(scope, what, &told), Ok(None), "{told:?}");
        }
        for (scope, what) in [(me, adopt), (me, again), (me, ignore), (acc, ignore)] {
            let why = ask(scope, what, &untold).unwrap_err();
            assert!(why.starts_with("nothing was ") && why.contains("has not told"), "{why}");
            let said = ask(scope, what, &account).unwrap().unwrap();
            assert!(said.starts_with("nothing was "), "{said}");
        }
        assert!(ask(me, adopt, &unknown(other)).unwrap().unwrap().contains("nothing differs"));
        assert!(ask(me, again, &unknown(mine)).unwrap().unwrap().contains("is ignored"));
    }
}
