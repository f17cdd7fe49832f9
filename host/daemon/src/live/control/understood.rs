//! What a request means: whom a name stands for, and what is asked of the loop.

use super::{ANY, Message, Reply, Request, plain};
use hedgerow_engine::OperatorCommand;
use hedgerow_model::Scope;
use hedgerow_model::view::HostView;

/// What a name means, of the kinds that the command can be about. One that means several is told
/// with what to write instead.
pub(super) fn named(view: &HostView, kinds: &[&'static str], name: &str) -> Result<Scope, String> {
    let all = kinds.iter().map(|kind| named_as(view, kind, name).map(|scope| (*kind, scope)));
    let found: Vec<_> = all.flatten().collect();
    if let Some((kind, rest)) = name.split_once('/')
        && found.is_empty()
    {
        let plain = named_as(view, kind, rest);
        return plain.ok_or_else(|| format!("there is no {kind} {rest}"));
    }
    match found.as_slice() {
        [(_, scope)] => Ok(*scope),
        [] => Err(match kinds {
            ["strategy"] => format!("there is no strategy {name}"),
            ["strategy", "account"] => format!("there is no strategy or account {name}"),
            _ => format!(
                "there is no strategy, account or instrument {name}; an instrument is written \
                 venue:symbol"
            ),
        }),
        several => {
            let ways = several.iter().map(|(kind, _)| format!("{kind}/{name}"));
            Err(format!("{name} means several: write {}", ways.collect::<Vec<_>>().join(" or ")))
        }
    }
}

pub(super) fn named_as(view: &HostView, kind: &str, name: &str) -> Option<Scope> {
    match kind {
        "strategy" => {
            view.strategies.iter().find(|s| s.name == name).map(|s| Scope::Strategy(s.id))
        }
        "account" => view.accounts.iter().find(|a| a.name == name).map(|a| Scope::Account(a.id)),
        "instrument" => {
            view.instruments.iter().find(|i| i.name == name).map(|i| Scope::Instrument(i.id))
        }
        _ => None,
    }
}

/// What a request means for the loop; or the answer to one that is none for it.
pub(super) fn understood(request: Request, view: HostView) -> Result<Message, Reply> {
    let refused = |why| Reply::Refused { why };
    let meant = |what: Option<String>| {
        let scope = what.map_or(Ok(Scope::Host), |name| named(&view, ANY, &name));
        scope.map_err(refused)
    };
    let (command, reason) = match request {
        Request::Status => return Err(Reply::Status(Box::new(view))),
        Request::Stop => return Ok(Message::Stop),
        Request::Retry { strategy, reason } => return retry(&view, &strategy, &reason),
        Request::Settle { strategy, adopt, ignored, reason } => {
            (settle(&view, &strategy, (adopt, ignored)).map_err(refused)?, reason)
        }
        Request::SetMode { what, mode, reason } => {
            (OperatorCommand::SetMode { scope: meant(what)?, mode }, reason)
        }
        Request::ResumeReducing { what, reason } => {
            (OperatorCommand::ResumeReducing { scope: meant(what)? }, reason)
        }
        Request::CancelAll { what, reason } => {
            (OperatorCommand::CancelAll { scope: meant(what)? }, reason)
        }
        Request::Flatten { what, reason } => {
            (OperatorCommand::Flatten { scope: meant(what)? }, reason)
        }
    };
    Ok(Message::Command(command, given(&reason)?))
}

fn given(reason: &str) -> Result<String, Reply> {
    let reason = plain(reason);
    if reason.trim().is_empty() {
        return Err(Reply::Refused { why: "give a reason: it is journaled".into() });
    }
    Ok(reason)
}

fn retry(view: &HostView, name: &str, reason: &str) -> Result<Message, Reply> {
    match named(view, &ANY[..1], name) {
        Ok(Scope::Strategy(strategy)) => Ok(Message::Retry(strategy, given(reason)?)),
        Ok(_) => Err(Reply::Refused { why: format!("{name} is no strategy") }),
        Err(why) => Err(Reply::Refused { why }),
    }
}

/// Whose a difference is to be: only one that trades it can adopt.
fn settle(
    view: &HostView,
    name: &str,
    (adopt, ignored): (bool, bool),
) -> Result<OperatorCommand, String> {
    let kinds = if adopt { &ANY[..1] } else { &ANY[..2] };
    match named(view, kinds, name)? {
        Scope::Strategy(strategy) if adopt => Ok(OperatorCommand::Adopt { strategy, ignored }),
        Scope::Strategy(strategy) => Ok(OperatorCommand::Ignore { strategy }),
        Scope::Account(account) if !adopt => Ok(OperatorCommand::IgnoreOn { account }),
        _ if adopt => Err(format!("{name} is no strategy: only one that trades it can adopt")),
        _ => Err(format!("{name} is no strategy or account")),
    }
}
