//! Where facts go while the journal cannot be written: a file whose space was taken at the start,
//! so that a full disk does not refuse it. What is in it is merged when the journal is opened
//! again.
//!
//! Its head says how much of it counts and which row the journal ended with: if the journal has
//! grown since, it took these facts in itself, before anything later.

use hedgerow_model::{Fact, HostTime, Stamped};
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Room for some ten thousand facts: cancels and reductions of one bad day, with the states of the
/// strategies as far as they fit.
const BYTES: u64 = 16 << 20;
const HEAD: u64 = 16;

/// The file.
#[derive(Debug)]
pub(crate) struct Emergency {
    file: File,
    used: u64,
    /// How many facts that is.
    count: usize,
    /// The journal's last row when the first of them was kept.
    after: i64,
    /// Something could not be kept: what comes later would leave a hole before it.
    broken: bool,
}

/// What was kept, and after which row of the journal.
pub(crate) struct Kept {
    pub(crate) facts: Vec<Stamped>,
    pub(crate) after: i64,
}

/// A line per fact that changes anything.
fn lines(facts: &[Stamped], states: bool) -> String {
    let mut text = String::new();
    for Stamped { time, fact } in facts {
        match fact {
            Fact::Said { .. } | Fact::Market { .. } | Fact::IntentDenied { .. } => continue,
            Fact::Checkpoint { .. } if !states => continue,
            _ => {}
        }
        // facts are plain data: nothing in them can fail to serialise
        text.push_str(&serde_json::to_string(&(time, fact)).unwrap_or_default());
        text.push('\n');
    }
    text
}

/// Nothing is in it yet: where space is missing, nothing else is.
fn no_room(error: Error) -> Error {
    let full = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::FileTooLarge];
    if !full.contains(&error.kind()) {
        return error;
    }
    let what = format!("there is no room for its {} MiB ({error}): make some", BYTES >> 20);
    Error::new(ErrorKind::StorageFull, what)
}

/// Takes its space: written, not only reserved, since a sparse file would need space later.
fn reserve(file: &File) -> Result<()> {
    let zeros = vec![0; 64 << 10];
    for place in (0..BYTES).step_by(zeros.len()) {
        file.write_all_at(&zeros, place)?;
    }
    file.sync_all()
}

impl Emergency {
    /// Opens the file or takes its space; gives what is in it. A torn end is left out: it was not
    /// counted.
    pub(crate) fn open(path: &Path) -> Result<(Self, Kept)> {
        let file =
            File::options().create(true).truncate(false).read(true).write(true).open(path)?;
        let length = file.metadata()?.len();
        if length < BYTES {
            // one whose space was not all had holds nothing; one that was cut short may
            let mut head = vec![0; usize::try_from(length.min(HEAD)).unwrap_or(0)];
            file.read_exact_at(&mut head, 0)?;
            if head.iter().any(|byte| *byte != 0) {
                return Err(Error::new(ErrorKind::InvalidData, "it is cut short"));
            }
            if let Err(error) = reserve(&file) {
                // what was had of it is the room that is missing, and nothing is in it
                let _ = std::fs::remove_file(path);
                return Err(no_room(error));
            }
        }
        let mut head = [0; HEAD as usize];
        file.read_exact_at(&mut head, 0)?;
        let (used, after) = head.split_at(8);
        let word = |bytes: &[u8]| bytes.try_into().map(u64::from_le_bytes).unwrap_or(0);
        let used = word(used).min(BYTES - HEAD);
        let after = i64::try_from(word(after)).unwrap_or(0);
        let mut body = vec![0; usize::try_from(used).unwrap_or(0)];
        file.read_exact_at(&mut body, HEAD)?;
        let text = String::from_utf8_lossy(&body);
        let fact = |(number, line): (usize, &str)| {
            let read: std::result::Result<(HostTime, Fact), _> = serde_json::from_str(line);
            // what was counted was whole: without it what comes later makes no sense
            let (time, fact) = read.map_err(|e| {
                let what = format!("fact {} of it is damaged ({e})", number + 1);
                Error::new(ErrorKind::InvalidData, what)
            })?;
            Ok(Stamped { time, fact })
        };
        let facts = text.lines().enumerate().map(fact).collect::<Result<Vec<_>>>()?;
        let count = facts.len();
        Ok((Self { file, used, count, after, broken: false }, Kept { facts, after }))
    }

    /// Keeps more facts; `after` is the journal's last row, where it can be read: without it
    /// nothing can begin, and what is there goes on from its own. What is only told to people is
    /// not kept; when there is no room for states any more, the rest still is: a strategy then goes
    /// on from an earlier state, and its orders are known.
    pub(crate) fn keep(&mut self, facts: &[Stamped], after: Option<i64>) -> Result<()> {
        if self.broken {
            return Err(std::io::Error::other("something before it is missing"));
        }
        let room = BYTES - HEAD - self.used;
        let mut text = lines(facts, true);
        if text.len() as u64 > room || room < BYTES / 4 {
            text = lines(facts, false);
        }
        let kept = self.append(&text, after);
        self.broken = kept.is_err();
        kept
    }

    fn append(&mut self, text: &str, after: Option<i64>) -> Result<()> {
        if text.is_empty() {
            return Ok(()); // nothing that a restart needs
        }
        let more = text.len() as u64;
        if self.used + more > BYTES - HEAD {
            return Err(std::io::Error::other("the emergency file is full"));
        }
        if self.used == 0 {
            let unknown = || std::io::Error::other("where the journal ends cannot be read");
            self.after = after.ok_or_else(unknown)?;
        }
        self.file.write_all_at(text.as_bytes(), HEAD + self.used)?;
        self.file.sync_data()?;
        self.used += more;
        self.count += text.lines().count();
        self.write_head()
    }

    /// How many facts are in it.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Forgets everything: the journal has it.
    pub(crate) fn clear(&mut self) -> Result<()> {
        self.broken = false;
        if self.used == 0 {
            return Ok(());
        }
        (self.used, self.count) = (0, 0);
        self.write_head()
    }

    fn write_head(&mut self) -> Result<()> {
        let after = u64::try_from(self.after).unwrap_or(0);
        let mut head = [0; HEAD as usize];
        let (first, second) = head.split_at_mut(8);
        first.copy_from_slice(&self.used.to_le_bytes());
        second.copy_from_slice(&after.to_le_bytes());
        self.file.write_all_at(&head, 0)?;
        self.file.sync_data()
    }
}
