//! What is odd about the plugins folder as a whole: components that no strategy names, and files
//! that strategies name and that are gone.

use super::super::Message;
use hedgerow_model::printable;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

/// So many files are shown of each kind.
const SHOWN: usize = 10;

#[derive(Default)]
pub(super) struct Folder {
    /// Components that no strategy names; what lies there at the start is nobody's mistake.
    unnamed: BTreeSet<PathBuf>,
    /// Named files that were not there at the last look: whoever replaces one may first remove it.
    absent: BTreeSet<PathBuf>,
    /// Those that were not there at the look before it either.
    gone: BTreeSet<PathBuf>,
    /// Whether what is seen from now on is news.
    begun: bool,
    /// Whether a restart goes on with what ran last, and needs no file.
    kept: bool,
}

impl Folder {
    /// Before the first look.
    pub(super) fn new(kept: bool) -> Self {
        Self { kept, ..Self::default() }
    }

    /// A component that no strategy names: whoever put it there may have meant another name.
    pub(super) fn is_unnamed(&mut self, path: PathBuf, inbox: &Sender<Message>) {
        let shown = path.display();
        if !self.begun {
            tracing::info!(path = %shown, "no strategy names this component: not looked at");
            return;
        }
        tracing::warn!(path = %shown, "no strategy names this component: not looked at");
        self.unnamed.insert(path);
        self.tell(inbox);
    }

    /// After each look: a file that went is no matter any more, unless somebody needs it.
    pub(super) fn looked<'a>(
        &mut self,
        named: impl Iterator<Item = &'a Path>,
        inbox: &Sender<Message>,
    ) {
        self.begun = true;
        let unnamed = self.unnamed.len();
        self.unnamed.retain(|path| path.exists());
        // what a link leads to is looked at, and told of, as a file that cannot be taken
        let absent: BTreeSet<PathBuf> =
            named.filter(|path| path.symlink_metadata().is_err()).map(Path::to_owned).collect();
        let gone: BTreeSet<PathBuf> = absent.intersection(&self.absent).cloned().collect();
        self.absent = absent;
        for path in gone.difference(&self.gone) {
            tracing::warn!(path = %path.display(), "this component's file is gone");
        }
        if gone != self.gone || self.unnamed.len() != unnamed {
            self.gone = gone;
            self.tell(inbox);
        }
    }

    fn tell(&self, inbox: &Sender<Message>) {
        let name = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            printable(&name, 64)
        };
        let unnamed = self.unnamed.iter().take(SHOWN);
        let unnamed = unnamed.map(|path| format!("no strategy names the plugin {}", name(path)));
        let gone = self.gone.iter().take(SHOWN).map(|path| {
            let name = name(path);
            let then = match self.kept {
                true => "a restart goes on with what ran last",
                false => "a restart needs it",
            };
            format!("{name} is gone from the plugins folder: {then}; put it back or replace it")
        });
        let _ = inbox.send(Message::Folder(unnamed.chain(gone).collect()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_file_that_strategies_name_and_that_is_gone_is_told_until_it_is_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("grid.wasm");
        let (inbox, heard) = channel();
        let mut seen = Folder::default();
        let look = |seen: &mut Folder| seen.looked([file.as_path()].into_iter(), &inbox);
        let told = || match heard.try_recv() {
            Ok(Message::Folder(all)) => Some(all),
            _ => None,
        };
        look(&mut seen);
        assert_eq!(told(), None, "it may just be replaced");
        look(&mut seen);
        let all = told().unwrap();
        assert!(all.len() == 1 && all[0].contains("grid.wasm is gone"), "{all:?}");
        look(&mut seen);
        assert_eq!(told(), None, "once");
        std::fs::write(&file, b"there").unwrap();
        look(&mut seen);
        assert_eq!(told(), Some(Vec::new()));
    }

    #[test]
    fn what_nobody_names_is_told_if_it_came_while_the_host_ran() {
        let folder = tempfile::tempdir().unwrap();
        let [before, after] = ["before.wasm", "after.wasm"].map(|name| folder.path().join(name));
        std::fs::write(&after, b"there").unwrap();
        let (inbox, heard) = channel();
        let mut seen = Folder::default();
        seen.is_unnamed(before, &inbox);
        seen.looked(std::iter::empty(), &inbox);
        assert!(heard.try_recv().is_err());
        seen.is_unnamed(after.clone(), &inbox);
        let told = |all: Message| matches!(all, Message::Folder(all) if all.len() == 1);
        assert!(told(heard.try_recv().unwrap()));
        std::fs::remove_file(after).unwrap();
        seen.looked(std::iter::empty(), &inbox);
        assert!(matches!(heard.try_recv(), Ok(Message::Folder(all)) if all.is_empty()));
    }
}
