//! A journal in memory, and its identity as bytes.

use hedgerow_model::Stamped;
use hedgerow_ports::{Journal, JournalError};
use sha2::{Digest, Sha256};

/// Facts of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryJournal {
    /// In the order they were committed.
    pub facts: Vec<Stamped>,
}

impl Journal for MemoryJournal {
    fn commit(&mut self, facts: &[Stamped]) -> Result<(), JournalError> {
        self.facts.extend_from_slice(facts);
        Ok(())
    }
}

impl MemoryJournal {
    /// All facts as bytes: MessagePack, one after the other.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for fact in &self.facts {
            // facts are plain data: nothing in them can fail to serialise
            out.extend(rmp_serde::to_vec(fact).unwrap_or_default());
        }
        out
    }

    /// SHA-256 of [`Self::bytes`], hex.
    #[must_use]
    pub fn hash(&self) -> String {
        Sha256::digest(self.bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
