//! What follows rows that the journal has lost: a power cut may take the last commits before the
//! disk was full, and what was kept aside since then is the only word of what was done. It makes no
//! sense without them, so it is not merged: it is kept under a name of its own for people, and
//! what holds by itself is taken over: modes, and what operators said.

use crate::emergency::Kept;
use hedgerow_model::{Fact, Stamped};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Result, Write as _};
use std::path::{Path, PathBuf};

/// So many of them may lie there.
const MOST: u32 = 1_000;

/// The files of a journal, by number.
fn files(journal: &Path) -> impl Iterator<Item = PathBuf> {
    (1..=MOST).map(|number| journal.with_extension(format!("not-merged-{number}.jsonl")))
}

fn text(kept: &Kept) -> serde_json::Result<String> {
    let line = |fact: &Stamped| serde_json::to_string(fact).map(|line| line + "\n");
    kept.facts.iter().map(line).collect()
}

/// Where these facts are kept, if they are.
pub(crate) fn kept_in(journal: &Path, kept: &Kept) -> Option<PathBuf> {
    let text = text(kept).ok().filter(|text| !text.is_empty())?;
    // somebody may have taken one away: the next is looked for all the same
    files(journal).find(|path| std::fs::read(path).is_ok_and(|read| read == text.as_bytes()))
}

/// What the journal and its audit say of it.
pub(crate) fn word(file: &Path, kept: &Kept) -> Option<Stamped> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let command = format!("facts of a full disk not merged: kept in {name}");
    let reason = format!("rows of the journal before {} are lost", kept.after + 1);
    let fact = Fact::Operator { command, reason };
    kept.facts.last().map(|last| Stamped { time: last.time, fact })
}

/// Keeps it: one JSON line a fact. The same facts are kept once, however often this is tried.
pub(crate) fn keep(journal: &Path, kept: &Kept) -> Result<PathBuf> {
    if let Some(path) = kept_in(journal, kept) {
        return Ok(path);
    }
    let text = text(kept)?;
    for path in files(journal) {
        if path.exists() {
            continue;
        }
        let partial = path.with_extension("partial");
        let mut file = File::create(&partial)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&partial, &path)?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        return Ok(path);
    }
    Err(std::io::Error::other("too many files of this kind lie here: look at them"))
}

/// What holds without the facts before it.
pub(crate) fn lasting(facts: &[Stamped]) -> Vec<Stamped> {
    let holds = |fact: &Fact| {
        matches!(fact, Fact::Mode { .. } | Fact::Operator { .. } | Fact::Asked { .. })
    };
    facts.iter().filter(|stamped| holds(&stamped.fact)).cloned().collect()
}

/// What there is, by kind: `2 Fill, 1 Mode`.
pub(crate) fn in_words(facts: &[Stamped]) -> String {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for Stamped { fact, .. } in facts {
        let text = format!("{fact:?}");
        let kind = text.split([' ', '{', '(']).next().unwrap_or("?").to_owned();
        *kinds.entry(kind).or_default() += 1;
    }
    let told = kinds.into_iter().map(|(kind, count)| format!("{count} {kind}"));
    told.collect::<Vec<_>>().join(", ")
}
