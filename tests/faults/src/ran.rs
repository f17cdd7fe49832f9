//! What became of a run, and what tells it from another.

use crate::coverage::Coverage;
use hedgerow_model::Stamped;

/// What became of a run.
#[derive(Debug)]
pub struct Ran {
    /// What must not have been, if anything.
    pub broken: Option<String>,
    /// What happened, counted.
    pub coverage: Coverage,
    /// All facts that were committed.
    pub facts: Vec<Stamped>,
    /// What happened, if it was asked for.
    pub timeline: Vec<String>,
}

impl Ran {
    /// FNV over the facts as JSON: two runs with the same one are the same to the byte.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut digest = 0xCBF2_9CE4_8422_2325_u64;
        let mut text = Vec::new();
        for stamped in &self.facts {
            text.clear();
            if serde_json::to_writer(&mut text, stamped).is_err() {
                continue;
            }
            for byte in &text {
                digest = (digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
            }
        }
        digest
    }
}
