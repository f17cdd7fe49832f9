//! Which paper venue's socket serves which venues of a config.

use crate::config::{Config, SocketEntry};
use hedgerow_model::{AccountId, VenueId};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// One socket, and all that goes over it.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) path: PathBuf,
    /// The venues it serves.
    pub(super) venues: BTreeSet<VenueId>,
    /// Accounts that trade on them, each with its venue.
    pub(super) accounts: BTreeSet<(AccountId, VenueId)>,
}

/// Which account trades on which venue. `trades`: instruments and accounts, by place; what is only
/// watched needs no account.
fn accounts(config: &Config, trades: &[(usize, usize)]) -> BTreeSet<(AccountId, VenueId)> {
    let of = |(instrument, account): &(usize, usize)| {
        let (spec, _) = config.instruments.get(*instrument)?;
        Some((AccountId(u32::try_from(*account).unwrap_or(u32::MAX)), spec.venue))
    };
    trades.iter().filter_map(of).collect()
}

/// The venue of a name.
pub(super) fn venue(config: &Config, name: &str) -> Result<VenueId, String> {
    let place = config.venues.iter().position(|(known, _)| known == name);
    let id = place.and_then(|place| u32::try_from(place).ok()).map(VenueId);
    id.ok_or_else(|| {
        let known: Vec<&str> = config.venues.iter().map(|(known, _)| known.as_str()).collect();
        format!("there is no venue \"{name}\" in this config; it has {}", known.join(", "))
    })
}

/// All venues of a config, or those of some names.
pub(super) fn served(config: &Config, names: &[String]) -> Result<BTreeSet<VenueId>, String> {
    if names.is_empty() {
        return Ok((0_u32..).map(VenueId).take(config.venues.len()).collect());
    }
    names.iter().map(|name| venue(config, name)).collect()
}

/// Every venue behind one socket, and every account behind one socket: what is asked of an account
/// is answered by one.
pub(super) fn links(
    config: &Config,
    sockets: &[SocketEntry],
    trades: &[(usize, usize)],
) -> Result<Vec<Link>, String> {
    let trading = accounts(config, trades);
    let mut links: Vec<Link> = Vec::new();
    for SocketEntry { venue: name, path } in sockets {
        let names: Vec<String> = name.iter().cloned().collect();
        let venues = served(config, &names)?;
        if let Some(twice) = links.iter().flat_map(|link| &link.venues).find(|v| venues.contains(v))
        {
            let name = config.venues.get(twice.index()).map_or("?", |(name, _)| name);
            return Err(format!("venue \"{name}\" has two sockets"));
        }
        let of = |(_, venue): &&(AccountId, VenueId)| venues.contains(venue);
        let accounts = trading.iter().filter(of).copied().collect();
        match links.iter_mut().find(|link| link.path == *path) {
            Some(link) => {
                link.venues.extend(venues);
                link.accounts.extend(accounts);
            }
            None => links.push(Link { path: path.clone(), venues, accounts }),
        }
    }
    for (id, (name, _)) in (0_u32..).map(VenueId).zip(&config.venues) {
        if !links.iter().any(|link| link.venues.contains(&id)) {
            return Err(format!("venue \"{name}\" has no socket"));
        }
    }
    for (account, _) in &trading {
        let on = links.iter().filter(|l| l.accounts.iter().any(|(known, _)| known == account));
        if on.count() > 1 {
            let name = config.accounts.get(account.index()).map_or("?", String::as_str);
            return Err(format!(
                "account \"{name}\" trades on venues behind two sockets: give each its own account"
            ));
        }
    }
    Ok(links)
}

/// Why the sockets of a config cannot serve what is traded (instruments and accounts, by place), if
/// they cannot.
pub fn check_sockets(
    config: &Config,
    sockets: &[SocketEntry],
    trades: &[(usize, usize)],
) -> Result<(), String> {
    links(config, sockets, trades).map(|_| ())
}

/// `name=socket`, or a socket alone that serves every venue.
#[must_use]
pub fn socket_entry(text: &str) -> SocketEntry {
    match text.split_once('=') {
        Some((name, path)) if !name.contains('/') => {
            SocketEntry { venue: Some(name.to_owned()), path: PathBuf::from(path) }
        }
        _ => SocketEntry { venue: None, path: PathBuf::from(text) },
    }
}
