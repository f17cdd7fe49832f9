//! The kill latch: while it is set, nothing that may open leaves this host.
//!
//! It is a flag that is looked at between the loop's decision and the venue, and a file whose space
//! was taken when the host first started: a full disk does not keep it from being set, a busy loop
//! does not delay it, and a restart finds it as it was. Whoever sets it waits until what was just
//! being sent has left; after that nothing does. Only an operator's `resume` releases it. What the
//! gate sealed as a reduction of an operator's flatten opens nothing and leaves all the same.
//!
//! A file that cannot be understood counts as set; so does one that is gone, or another in its
//! place, while a host is at work.

mod release;

pub use release::Seen;

use hedgerow_model::{
    HostTime, InstrumentId, VenueCommand, VenueEvent, VenueId, VenueRejection, VenueReport,
    VenueTime,
};
use hedgerow_ports::{SimulatedVenue, Venue};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{ErrorKind, Result};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::{Duration, SystemTime};

const BYTES: usize = 4_096;
/// How often the file is looked at, for whoever sets it without the host's help.
const LOOK: Duration = Duration::from_millis(100);

#[derive(Debug)]
struct Latch {
    set: AtomicBool,
    /// Held by whoever sends, from the look at the flag until it has left.
    sending: RwLock<()>,
    /// None in a backtest, which nobody kills.
    file: Option<Held>,
}

/// The file that is written and looked at, and the state folder it was opened in.
#[derive(Debug)]
struct Held {
    state: PathBuf,
    file: Mutex<File>,
}

/// The latch of one host.
#[derive(Clone, Debug)]
pub struct KillLatch(Arc<Latch>);

fn path(state: &Path) -> PathBuf {
    state.join("kill.latch")
}

fn open(state: &Path) -> Result<File> {
    open_at(&path(state))
}

fn open_at(path: &Path) -> Result<File> {
    let file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    let missing = usize::try_from((BYTES as u64).saturating_sub(length)).unwrap_or(0);
    if missing > 0 {
        // written, not only reserved: a sparse file would need space later
        file.write_all_at(&vec![0; missing], length)?;
        file.sync_all()?;
    }
    Ok(file)
}

/// Why it is set, if the file says so.
fn read(file: &File) -> Result<Option<String>> {
    let mut bytes = [0; BYTES];
    match file.read_exact_at(&mut bytes, 0) {
        // somebody wrote less than we would: what they wrote is why
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            let _ = file.read_at(&mut bytes, 0)?;
            if bytes[0] == 0 {
                return Ok(Some("its file was cut off".into()));
            }
        }
        read => read?,
    }
    if bytes[0] == 0 {
        return Ok(None);
    }
    Ok(Some(said(&bytes)))
}

/// The reason that its bytes begin with.
fn said(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).chars().filter(|c| !c.is_control()).collect()
}

fn write(file: &File, why: &str) -> Result<()> {
    let mut bytes = [0; BYTES];
    let why = if why.is_empty() { "killed" } else { why };
    let length = why.len().min(BYTES - 32);
    bytes[..length].copy_from_slice(&why.as_bytes()[..length]);
    // the same reason once more is another kill: behind it stands when, and by which process
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    bytes[length + 1..length + 17].copy_from_slice(&now.as_nanos().to_le_bytes());
    bytes[length + 17..length + 21].copy_from_slice(&std::process::id().to_le_bytes());
    file.write_all_at(&bytes, 0)?;
    file.sync_data()
}

/// Sets the latch of a host that does not answer, or does not run: it starts halted.
pub fn set_at(state: &Path, why: &str) -> Result<()> {
    for _ in 0..100 {
        let file = open(state)?;
        write(&file, why)?;
        // a release that was under way may have put another in its place, and looked before this
        if is_at(&file, state).unwrap_or(false) {
            return Ok(());
        }
    }
    Err(std::io::Error::other("another file is put in its place again and again"))
}

/// Whether the path leads to a file.
fn is_at(file: &File, state: &Path) -> Result<bool> {
    let (there, held) = (std::fs::metadata(path(state))?, file.metadata()?);
    Ok((there.dev(), there.ino()) == (held.dev(), held.ino()))
}

impl Held {
    fn new(state: &Path, file: File) -> Option<Self> {
        Some(Self { state: state.to_owned(), file: Mutex::new(file) })
    }

    fn lock(&self) -> MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the path still leads to the file that is held.
    fn is_in_place(&self, file: &File) -> Result<bool> {
        is_at(file, &self.state)
    }

    /// Why it is set, as far as can be told: whatever keeps us from knowing counts as set.
    fn look(&self) -> Option<String> {
        let file = self.lock();
        match self.is_in_place(&file) {
            Ok(true) => {}
            Ok(false) => {
                let said = open(&self.state).and_then(|other| read(&other));
                let other = || "another file was put in the place of its own".to_owned();
                return Some(said.ok().flatten().unwrap_or_else(other));
            }
            Err(error) => return Some(format!("its file is not where it was: {error}")),
        }
        read(&file).unwrap_or_else(|error| Some(format!("its file cannot be read: {error}")))
    }

    /// The file at the path, for whoever writes: a restart will look at that one.
    fn in_place(&self) -> Result<MutexGuard<'_, File>> {
        let mut file = self.lock();
        if !self.is_in_place(&file).unwrap_or(false) {
            *file = open(&self.state)?;
        }
        Ok(file)
    }
}

/// How coarse times of files are.
const FILE_TIME: Duration = Duration::from_millis(5);

impl KillLatch {
    /// Whether it was set after a moment, as its file says: whoever asked for a release before that
    /// did not know of it.
    pub fn was_set_after(&self, moment: SystemTime) -> bool {
        let Some(held) = &self.0.file else { return false };
        let changed = std::fs::metadata(path(&held.state)).and_then(|file| file.modified());
        held.look().is_some() && changed.is_ok_and(|at| at + FILE_TIME > moment)
    }

    /// Opens or makes the latch of a state folder; why it is set, if it is.
    pub fn open(state: &Path) -> Result<(Self, Option<String>)> {
        let file = open(state)?;
        let why = read(&file)?;
        // a release has its room then; without it the latch stays set, and that is said
        let _ = open_at(&release::spare(state));
        let latch = Latch {
            set: AtomicBool::new(why.is_some()),
            sending: RwLock::new(()),
            file: Held::new(state, file),
        };
        Ok((Self(Arc::new(latch)), why))
    }

    /// One whose file cannot be written.
    #[cfg(test)]
    pub(crate) fn of_a_file_that_cannot_be_written(state: &Path) -> Result<Self> {
        let (latch, _) = Self::open(state)?;
        drop(latch);
        let (set, sending) = (AtomicBool::new(false), RwLock::new(()));
        let file = Held::new(state, File::open(path(state))?);
        Ok(Self(Arc::new(Latch { set, sending, file })))
    }

    /// One that nobody can set from outside.
    #[must_use]
    pub fn absent() -> Self {
        let (set, sending) = (AtomicBool::new(false), RwLock::new(()));
        Self(Arc::new(Latch { set, sending, file: None }))
    }

    /// Sets it. When this returns, nothing that may open leaves any more; an error is of the file
    /// alone.
    pub fn set(&self, why: &str) -> Result<()> {
        self.hold();
        let Some(held) = &self.0.file else { return Ok(()) };
        let file = held.in_place();
        // a release that was under way has ended: this came after it
        self.hold();
        write(&*file?, why)
    }

    fn hold(&self) {
        self.0.set.store(true, Ordering::SeqCst);
        // what was being sent has left when this is had
        drop(self.0.sending.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// What its file holds: whoever is to release it looks first, and decides by that.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.0.file.as_ref().map_or_else(Seen::default, |held| Seen::at(&held.state))
    }

    /// Releases it. If the file cannot be written it stays set.
    pub fn release(&self) -> Result<()> {
        self.release_as(&self.seen())
    }

    /// Releases it as it was seen. If somebody has set it since, or the file cannot be written, it
    /// stays set.
    pub fn release_as(&self, seen: &Seen) -> Result<()> {
        let mut file = self.0.file.as_ref().map(Held::in_place).transpose()?;
        if let (Some(held), Some(file)) = (&self.0.file, &mut file) {
            release::release(&held.state, file, seen)?;
        }
        // whoever sets it meanwhile waits for the file, and sets it once more
        self.0.set.store(false, Ordering::SeqCst);
        drop(file);
        Ok(())
    }

    /// Whether it is set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.set.load(Ordering::SeqCst)
    }

    /// Looks at the file from time to time, from a thread of its own, and tells when somebody else
    /// has set it; until the host is gone.
    pub fn watch(&self, tell: impl Fn(String) + Send + 'static) -> Result<()> {
        let known: Weak<Latch> = Arc::downgrade(&self.0);
        let body = move || {
            while let Some(latch) = known.upgrade() {
                // the flag first: a release between the two looks must not be undone
                let is_set = latch.set.load(Ordering::SeqCst);
                let said = latch.file.as_ref().and_then(Held::look);
                if let (false, Some(why)) = (is_set, said) {
                    Self(Arc::clone(&latch)).hold();
                    tell(why);
                }
                drop(latch);
                std::thread::sleep(LOOK);
            }
        };
        std::thread::Builder::new().name("kill-latch".into()).spawn(body).map(|_| ())
    }
}

/// A venue behind the latch: the last look before anything leaves.
pub struct Latched<V> {
    inner: V,
    latch: KillLatch,
    /// By instrument.
    venues: Vec<VenueId>,
    refused: VecDeque<VenueEvent>,
}

impl<V> Latched<V> {
    /// Puts a latch before a venue. `venues`: of each instrument.
    pub fn new(inner: V, latch: KillLatch, venues: Vec<VenueId>) -> Self {
        Self { inner, latch, venues, refused: VecDeque::new() }
    }

    /// The venue behind it.
    pub fn inner(&self) -> &V {
        &self.inner
    }

    /// What did not leave, provably: it is over.
    fn refuse(&mut self, now: HostTime, command: &VenueCommand) {
        let reason = VenueRejection::NotTrading;
        let (account, instrument, report) = match command {
            VenueCommand::Place(order) => {
                let (order, wire) = (order.get(), order.get().wire);
                let report = VenueReport::Rejected { wire, reason };
                (order.account, order.request.instrument, report)
            }
            VenueCommand::Amend { account, instrument, wire, .. } => {
                (*account, *instrument, VenueReport::AmendRejected { wire: *wire, reason })
            }
            _ => return,
        };
        let venue = self.venue_of(instrument);
        let happened = VenueTime::from_nanos(now.as_nanos());
        self.refused.push_back(VenueEvent { venue, account, received: now, happened, report });
    }

    fn venue_of(&self, instrument: InstrumentId) -> VenueId {
        self.venues.get(instrument.index()).copied().unwrap_or(VenueId(0))
    }
}

impl<V: Venue> Venue for Latched<V> {
    fn send(&mut self, now: HostTime, command: VenueCommand) {
        let may_open = match &command {
            // the gate sealed it: an operator's own, and it can only reduce
            VenueCommand::Place(order) if order.flattens() => {
                !order.get().request.flags.reduce_only
            }
            VenueCommand::Place(_) | VenueCommand::Amend { .. } => true,
            _ => false,
        };
        if !may_open {
            return self.inner.send(now, command);
        }
        let latch = self.latch.clone();
        let sending = latch.0.sending.read().unwrap_or_else(PoisonError::into_inner);
        if latch.is_set() {
            self.refuse(now, &command);
        } else {
            self.inner.send(now, command);
        }
        drop(sending);
    }

    fn poll(&mut self, now: HostTime, out: &mut Vec<VenueEvent>) {
        while self.refused.front().is_some_and(|event| event.received <= now) {
            out.extend(self.refused.pop_front());
        }
        self.inner.poll(now, out);
    }

    fn next_time(&self) -> Option<HostTime> {
        let refused = self.refused.front().map(|event| event.received);
        [refused, self.inner.next_time()].into_iter().flatten().min()
    }
}

impl<V: SimulatedVenue> SimulatedVenue for Latched<V> {
    fn quiet_until(&mut self, last: HostTime) -> HostTime {
        let quiet = self.inner.quiet_until(last);
        self.refused.front().map_or(quiet, |event| quiet.min(event.received))
    }

    fn advance(&mut self, now: HostTime) {
        self.inner.advance(now);
    }
}

#[cfg(test)]
mod tests;
