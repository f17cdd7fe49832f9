//! Reading a component's file. Between a look at it and the read anything may be put in its place:
//! what is opened is what is judged, no more of it is taken than a component may have, and nobody
//! is waited for.

use crate::load::LoadError;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The bytes of a component's file, at most so many: of a regular file, and of no link.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, LoadError> {
    // a pipe would be waited for until somebody writes into it
    let how = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = match rustix::fs::open(path, how, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::LOOP) => return Err(LoadError::one("it is a link: put the file itself here")),
        Err(error) => return Err(failed(&error.into())),
    };
    let meta = file.metadata().map_err(|error| failed(&error))?;
    if !meta.is_file() {
        return Err(LoadError::one("it is not a regular file: put the component itself here"));
    }
    too_large(meta.len(), most)?;
    take(file, most)
}

fn failed(error: &std::io::Error) -> LoadError {
    LoadError::one(format!("it cannot be read: {error}"))
}

/// Whether a file of so many bytes is no component.
pub(crate) fn too_large(bytes: u64, most: u64) -> Result<(), LoadError> {
    if bytes > most {
        return Err(LoadError::one(format!("the file has {bytes} bytes, {most} are allowed")));
    }
    Ok(())
}

/// Whoever goes on writing is not followed further than one byte too many.
fn take(file: impl Read, most: u64) -> Result<Vec<u8>, LoadError> {
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > most) {
        return Err(LoadError::one(format!("the file has more than {most} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, FileType};

    /// A file without an end, which counts what is taken of it.
    struct Growing(u64);

    impl Read for Growing {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0 += u64::try_from(buffer.len()).unwrap();
            Ok(buffer.len())
        }
    }

    #[test]
    fn a_file_that_grows_is_not_followed() {
        let mut file = Growing(0);
        let why = take(&mut file, 1_000).unwrap_err().to_string();
        assert!(why.contains("more than 1000 bytes"), "{why}");
        assert_eq!(file.0, 1_001);
    }

    #[test]
    fn only_a_regular_file_is_read_and_nobody_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("file"), b"four").unwrap();
        assert_eq!(read(&path("file"), 4).unwrap(), b"four");
        std::os::unix::fs::symlink(path("file"), path("link")).unwrap();
        rustix::fs::mknodat(CWD, path("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        for (name, most, why) in [
            ("file", 3, "the file has 4 bytes, 3 are allowed"),
            ("link", 4, "it is a link"),
            ("pipe", 4, "not a regular file"),
            ("nothing", 4, "it cannot be read: No such file"),
        ] {
            let said = read(&path(name), most).unwrap_err().to_string();
            assert!(said.contains(why), "{name}: {said}");
        }
    }
}
