//! How large a recording may be: it is held in memory whole, and a machine that swaps or kills
//! says nothing of the reason.

use super::ReadError;
use std::path::Path;

/// What a tick takes while a recording is sorted: as read with its time of effect, as received, as
/// the venue saw it. Measured by the peak of a backtest; docs/config.md has the figures.
const TICK_BYTES: u64 = 208;

/// Room for ticks.
pub(crate) struct Room {
    /// Bytes; nothing: nobody knows.
    most: Option<u64>,
}

impl Room {
    /// Half of the machine's memory, or of what this process may take of it.
    pub(crate) fn of_machine() -> Self {
        let total = std::fs::read_to_string("/proc/meminfo").ok();
        let total = total.and_then(|text| kib_in(&text)).map(|kib| kib.saturating_mul(1024));
        let bound = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
        let bound = bound.and_then(|text| text.trim().parse().ok());
        Self { most: [total, bound].into_iter().flatten().min().map(|bytes| bytes / 2) }
    }

    /// So much, in bytes.
    #[cfg(test)]
    pub(crate) fn of(most: u64) -> Self {
        Self { most: Some(most) }
    }

    /// Refuses more ticks than there is room for.
    pub(crate) fn hold(&self, ticks: usize, folder: &Path) -> Result<(), ReadError> {
        let ticks = u64::try_from(ticks).unwrap_or(u64::MAX);
        let bytes = ticks.saturating_mul(TICK_BYTES);
        match self.most {
            Some(most) if bytes > most => {
                let mib = |bytes: u64| bytes >> 20;
                let (needed_mib, room_mib) = (mib(bytes), mib(most));
                Err(ReadError::TooLarge { folder: folder.into(), ticks, needed_mib, room_mib })
            }
            _ => Ok(()),
        }
    }
}

/// The machine's memory by `/proc/meminfo`, KiB.
fn kib_in(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_beyond_half_of_the_memory_is_refused_with_the_estimate() {
        let room = Room::of(10 << 20);
        let folder = Path::new("/data/day");
        assert!(room.hold(50_000, folder).is_ok());
        let said = room.hold(100_000, folder).unwrap_err().to_string();
        for part in ["/data/day", "100000 ticks", "19 MiB", "10 MiB", "split"] {
            assert!(said.contains(part), "{part} is not in {said}");
        }
        assert!(Room { most: None }.hold(usize::MAX, folder).is_ok());
        assert_eq!(kib_in("MemTotal:       24537124 kB\nMemFree: 1 kB\n"), Some(24_537_124));
    }
}
