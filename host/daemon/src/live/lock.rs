//! The state folder for one process alone.

use crate::command::Failure;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

/// What a process that was killed held is let go a moment after it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Takes the folder, for as long as the file is held.
pub(crate) fn lock(state: &Path) -> Result<File, Failure> {
    let path = state.join("lock");
    let file = File::create(&path).map_err(|e| {
        let what = format!("{}: {e}; give the host a folder to write to (`state`)", path.display());
        Failure::new(what)
    })?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                let state = state.display();
                let what = format!("another process already works in the folder {state}");
                return Err(Failure::new(what));
            }
            Err(TryLockError::Error(error)) => {
                return Err(Failure::new(format!("{}: {error}", path.display())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that ends meanwhile is waited for, one that goes on is told of.
    #[test]
    fn a_folder_is_waited_for_a_moment() {
        let folder = tempfile::tempdir().unwrap();
        let held = lock(folder.path()).unwrap();
        let said = lock(folder.path()).unwrap_err().message;
        assert!(said.contains("another process already works"), "{said}");
        let ends = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(200));
            drop(held);
        });
        assert!(lock(folder.path()).is_ok());
        ends.join().unwrap();
    }
}
