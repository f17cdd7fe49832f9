//! A shorter way to the same trouble: fewer faults, less time.

use crate::ran::Ran;
use crate::run::run;
use crate::script::{CALM, S, Script};

/// The shortest form found of a script that breaks something, and how many runs that took. Nothing:
/// it breaks nothing.
#[must_use]
pub fn shrink(seed: u64) -> Option<(Script, Ran, u32)> {
    let mut script = Script::of(seed);
    let mut runs = 1;
    let mut ran = run(&script, false);
    ran.broken.as_ref()?;
    let mut attempt = |script: &mut Script, ran: &mut Ran, other: Script| {
        runs += 1;
        let again = run(&other, false);
        let breaks = again.broken.is_some();
        if breaks {
            (*script, *ran) = (other, again);
        }
        breaks
    };
    loop {
        let before = (script.episodes.len(), script.seconds);
        let mut place = script.episodes.len();
        while place > 0 {
            place -= 1;
            let mut other = script.clone();
            other.episodes.remove(place);
            attempt(&mut script, &mut ran, other);
        }
        for (part, of) in [(1, 4), (1, 2), (3, 4), (9, 10)] {
            let seconds = (script.seconds - CALM) * part / of + CALM;
            let mut other = script.clone();
            other.seconds = seconds.max(CALM + 2);
            let end = (other.seconds - CALM) * S;
            other.episodes.retain(|episode| episode.from < end);
            other.episodes.iter_mut().for_each(|episode| episode.to = episode.to.min(end));
            if attempt(&mut script, &mut ran, other) {
                break;
            }
        }
        if (script.episodes.len(), script.seconds) == before {
            return Some((script, ran, runs));
        }
    }
}
