//! The journal file of a host: begun anew, or gone on with.

mod same;

use super::wall;
use crate::command::{Failure, exit};
use crate::config::Config;
use crate::folded::Folded;
use hedgerow_engine::{Engine, EngineConfig};
use hedgerow_model::{AccountId, Fact, HostTime, Stamped, StrategyId, WireId};
use hedgerow_ports::Journal as _;
use hedgerow_store::{Snapshots, SqliteJournal};
use std::collections::BTreeMap;
use std::path::Path;

const FILE: &str = "journal.sqlite";
/// How many journals of earlier runs stay beside a new one.
const KEPT: usize = 5;
/// Lies in a state folder whose venue outlives the host.
const ELSEWHERE: &str = "venue-elsewhere";

/// A new journal; one that lies there is kept beside it.
pub(super) fn begin(config: &Config) -> Result<SqliteJournal, Failure> {
    let path = config.state.join(FILE);
    if config.state.join(ELSEWHERE).exists() {
        let message = format!(
            "{}: this state folder belongs to runs with a venue in another process, whose orders \
             and positions it knows; give --venue, or another state folder",
            config.state.display()
        );
        return Err(Failure { code: exit::CONFIG, message });
    }
    // the paper venue's memory died with its process: an old journal is kept, not continued
    set_aside(&config.state)?;
    let mut journal = SqliteJournal::open(&path).map_err(Failure::new)?;
    journal.commit(&named(config)).map_err(Failure::new)?;
    Ok(journal)
}

/// Keeps the journal that lies there, if one does, beside the one that is to come.
fn set_aside(folder: &Path) -> Result<bool, Failure> {
    let path = folder.join(FILE);
    if !path.exists() {
        return Ok(false);
    }
    let old = SqliteJournal::open(&path).map_err(Failure::new)?;
    old.close().map_err(Failure::new)?;
    let kept = folder.join(format!("journal-{}.sqlite", wall()));
    std::fs::rename(&path, kept).map_err(Failure::new)?;
    tell_kept(folder);
    Ok(true)
}

/// Whether the journal here is of a venue that outlives the host: another tells of orders and
/// positions that went with their venue.
pub(crate) fn goes_on(folder: &Path) -> bool {
    folder.join(ELSEWHERE).exists() && folder.join(FILE).exists()
}

/// From here on this folder is that of a venue in another process. What a venue in this process
/// left has no part in it; and a journal that lost its mark is not given up by itself: people say.
fn take_for_elsewhere(folder: &Path) -> Result<(), Failure> {
    let mark = folder.join(ELSEWHERE);
    if mark.exists() {
        return Ok(());
    }
    let path = folder.join(FILE);
    if path.exists() {
        let journal = SqliteJournal::open(&path).map_err(Failure::new)?;
        if !journal.is_empty().map_err(Failure::new)? {
            let message = format!(
                "{}: this journal is of a venue that was part of its host's process, and went with \
                 it; give another state folder or move it away. If it is of this venue, and was \
                 put back from a copy, make an empty file {} beside it",
                path.display(),
                ELSEWHERE
            );
            return Err(Failure { code: exit::CONFIG, message });
        }
    }
    let kept = std::fs::File::create(mark).and_then(|mark| mark.sync_all());
    kept.map_err(Failure::new)
}

/// Of the journals of earlier runs the newest stay: a run that is begun anew every minute must not
/// fill the disk.
fn tell_kept(folder: &Path) {
    match keep_newest(folder) {
        Ok((0, kept)) => tracing::info!(kept, "journals of earlier runs lie beside this one's"),
        Ok((removed, kept)) => {
            tracing::info!(removed, kept, "of the journals of earlier runs the newest are kept");
        }
        Err(error) => tracing::warn!(%error, "journals of earlier runs cannot be cleared away"),
    }
}

/// Removes all but the newest; gives how many went and how many there are.
fn keep_newest(folder: &Path) -> std::io::Result<(usize, usize)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let time = name.strip_prefix("journal-").and_then(|rest| rest.strip_suffix(".sqlite"));
        if let Some(time) = time.and_then(|time| time.parse::<u64>().ok()) {
            all.push((time, path));
        }
    }
    all.sort();
    let old = all.len().saturating_sub(KEPT);
    for (_, path) in all.drain(..old) {
        std::fs::remove_file(path)?;
    }
    Ok((old, all.len()))
}

/// Where ids begin in a new journal. The venue may know orders of a journal that is lost: theirs
/// are below, whatever the host's second.
pub(super) fn first_ids(config: &Config, now: HostTime) -> Vec<Stamped> {
    let first = (now.as_nanos() / 1_000_000_000) << 20;
    let of = |id| Fact::WireIds { account: AccountId(id), next: WireId(first) };
    let accounts = (0_u32..).take(config.accounts.len());
    accounts.map(|id| Stamped { time: now, fact: of(id) }).collect()
}

/// Where ids go on in a journal of before. It may lack what was done last (a power cut), or be a
/// copy of long ago that was put back: what was used since is below the clock.
pub(crate) fn ids_beyond(engine: &Engine, config: &Config, now: HostTime) -> Vec<Stamped> {
    engine.id_gap().into_iter().chain(first_ids(config, now)).collect()
}

fn named(config: &Config) -> Vec<Stamped> {
    let time = HostTime::from_nanos(wall());
    names(config).into_iter().chain(defined(config)).map(|fact| Stamped { time, fact }).collect()
}

/// The journal of an earlier run of the same config, to go on with; and whether there was one.
pub(super) fn go_on(config: &Config) -> Result<(SqliteJournal, bool), Failure> {
    let path = config.state.join(FILE);
    take_for_elsewhere(&config.state)?;
    let mut journal = SqliteJournal::open(&path).map_err(Failure::new)?;
    if journal.is_empty().map_err(Failure::new)? {
        journal.commit(&named(config)).map_err(Failure::new)?;
        return Ok((journal, false));
    }
    let known = SqliteJournal::facts_of(&path, &["Named"]).map_err(Failure::new)?;
    let known: Vec<&Fact> = known.iter().map(|stamped| &stamped.fact).collect();
    contradicts(&path, same::other_names(&known, &names(config)))?;
    let known = SqliteJournal::facts_of(&path, &["Defined"]).map_err(Failure::new)?;
    let now = defined(config);
    let before: Vec<&Fact> = known.iter().map(|stamped| &stamped.fact).collect();
    contradicts(&path, same::other_money(&before, &now))?;
    let newest = known.len().saturating_sub(now.len());
    if !known.iter().skip(newest).map(|stamped| &stamped.fact).eq(now.iter()) {
        let time = known.last().map_or(HostTime::EPOCH, |stamped| stamped.time);
        let facts: Vec<_> = now.into_iter().map(|fact| Stamped { time, fact }).collect();
        journal.commit(&facts).map_err(Failure::new)?;
    }
    Ok((journal, true))
}

/// A journal of something else than the config says is not gone on with.
fn contradicts(path: &Path, others: Vec<String>) -> Result<(), Failure> {
    if others.is_empty() {
        return Ok(());
    }
    let message = format!(
        "{}: the journal was written with other venues, accounts, instruments or strategies: {}; \
         set them back or use another state folder",
        path.display(),
        others.join("; ")
    );
    Err(Failure { code: exit::CONFIG, message })
}

/// Which component each strategy ran last.
pub(crate) fn ran(config: &Config) -> Result<BTreeMap<StrategyId, String>, Failure> {
    SqliteJournal::components(&config.state.join(FILE)).map_err(Failure::new)
}

/// Makes snapshots of the journal from now on.
pub(super) fn snapshots(config: &Config, fresh: EngineConfig) -> Result<Snapshots, Failure> {
    let path = config.state.join(FILE);
    let fresh = move || Folded::new(fresh.clone());
    Snapshots::start(&path, config.snapshot_rows, fresh).map_err(Failure::new)
}

/// What instruments are, for whoever reads the journal alone.
fn defined(config: &Config) -> Vec<Fact> {
    config.instruments.iter().map(|(spec, _)| Fact::Defined(Box::new(spec.clone()))).collect()
}

/// What each id stands for.
fn names(config: &Config) -> Vec<Fact> {
    let of = |what: &str, names: Vec<String>| -> Vec<Fact> {
        let named = |(id, name): (u32, String)| Fact::Named { what: what.into(), id, name };
        (0..).zip(names).map(named).collect()
    };
    // what an id means is more than a name: facts in other units or of another account are not ours
    let strategies = config.strategies.iter().map(|s| {
        let others = (!s.accounts.is_empty()).then(|| format!(" and {:?}", s.accounts));
        let others = others.unwrap_or_default();
        format!("{} {} on {}{others} {:?}", s.name, s.plugin, s.account, s.roles)
    });
    let mut all = of("venue", config.venues.iter().map(|(name, _)| name.clone()).collect());
    all.extend(of("account", config.accounts.clone()));
    all.extend(of("instrument", crate::config::definitions(config)));
    all.extend(of("strategy", strategies.collect()));
    all
}

#[cfg(test)]
mod tests {
    use super::{KEPT, go_on, keep_newest};
    use crate::config::{Config, tests::changed};

    /// What an id stands for, and the money of its facts, are for the life of a journal; what
    /// differs is told by its name.
    #[test]
    fn a_config_that_means_something_else_than_the_journal_is_told_what_differs() {
        let folder = tempfile::tempdir().unwrap();
        let of = |changes: &[(&str, &str)]| {
            let config = changed(changes);
            let config = Config { state: folder.path().to_owned(), ..config };
            go_on(&config).map(|(_, goes_on)| goes_on).map_err(|e| (e.code, e.message))
        };
        assert_eq!(of(&[]), Ok(false));
        assert_eq!(of(&[]), Ok(true));
        // what a venue may change goes on
        assert_eq!(of(&[("min_notional = \"5\"", "min_notional = \"6\"")]), Ok(true));
        let tables: [(&[(&str, &str)], &str); 8] = [
            (&[("quote = \"USD\"", "quote = \"EUR\"")], "instrument A: quote was USD, and is EUR"),
            (&[("base = \"BTC\"", "base = \"ETH\"")], "instrument A: base was BTC, and is ETH"),
            (
                &[("quantity_decimals = 0", "quantity_decimals = 1")],
                "instrument v:A: quantity_decimals was Scale(0), and is Scale(1)",
            ),
            (&[("linear-perpetual", "spot")], "kind was LinearPerpetual, and is Spot"),
            (
                &[("plugin = \"grid\"", "plugin = \"other\"")],
                "strategy first: plugin was grid, and is other",
            ),
            (&[("name = \"first\"", "name = \"last\"")], "strategy 1 was first, and is last"),
            (
                &[("[[account]]", "[[account]]\nname = \"new\"\n[[account]]")],
                "account 1 was one, and is new; account one is not in the journal",
            ),
            (
                &[("[[account]]", "[[account]]\nname = \"new\"\n[[account]]")],
                "strategy first: account and roles (by their places in the config) was on 0",
            ),
        ];
        for (changes, wanted) in tables {
            let (code, said) = of(changes).unwrap_err();
            assert_eq!(code, crate::command::exit::CONFIG);
            assert!(said.contains(wanted) && said.contains("set them back"), "{wanted}: {said}");
        }
    }

    #[test]
    fn only_the_newest_journals_of_earlier_runs_stay_and_nothing_else_goes() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| std::fs::write(folder.path().join(name), "").unwrap();
        // nine digits are older than ten, whatever the alphabet says
        for time in [900_000_001_u64, 1_000_000_000, 1_000_000_001, 1_000_000_002] {
            file(&format!("journal-{time}.sqlite"));
        }
        let others = ["journal.sqlite", "journal-mine.sqlite", "journal-7.sqlite.bak", "notes"];
        others.iter().for_each(|name| file(name));
        assert_eq!(keep_newest(folder.path()).unwrap(), (0, 4));
        for time in 3..=6 {
            file(&format!("journal-100000000{time}.sqlite"));
        }
        assert_eq!(keep_newest(folder.path()).unwrap(), (3, KEPT));
        let is_there = |name: &str| folder.path().join(name).exists();
        assert!(others.iter().all(|name| is_there(name)));
        assert!(is_there("journal-1000000006.sqlite") && is_there("journal-1000000002.sqlite"));
        assert!(!is_there("journal-900000001.sqlite") && !is_there("journal-1000000001.sqlite"));
    }
}
