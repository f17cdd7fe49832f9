//! Whether a candidate acts on ticks that it was only shown: what it was given lately, one tick at
//! a time and in batches, must lead to the same acts at the same ticks. The SDK sees to that; a
//! guest that reads its list by itself need not.

use super::{Entry, Given, Ring, run};
use crate::instance::Instance;
use hedgerow_model::{CallFault, FaultKind, Header, HostTime, Intent, Tick, TickSlice, flag};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Ticks that are given both ways; a trial takes no longer than this all the same.
const TICKS: usize = 20_000;
const LONGEST: Duration = Duration::from_secs(2);
const BATCH: usize = 1_024;

/// What giving ticks both ways showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BothWays {
    /// Ticks given.
    pub ticks: usize,
    /// The first act that was another, in words.
    pub difference: Option<String>,
}

/// Something given to both: market data of calls that came one after the other, or an event.
enum Step<'r> {
    Ticks(Header, Vec<Tick>),
    Event(&'r Entry),
}

impl Ring {
    /// Gives two instances of a candidate the same ticks, one by one and in batches.
    pub(super) fn both_ways(
        &self,
        make: impl Fn() -> Result<Instance, CallFault>,
    ) -> Result<BothWays, CallFault> {
        let (mut single, mut batched) = (make()?, make()?);
        let mut shown = BothWays::default();
        let began = Instant::now();
        let first = self.older.as_ref().unwrap_or(&self.newer);
        for entry in &first.opening {
            run(&mut single, entry)?;
            run(&mut batched, entry)?;
        }
        for step in self.steps() {
            if shown.ticks >= TICKS || began.elapsed() > LONGEST {
                break;
            }
            match step {
                Step::Event(entry) => {
                    run(&mut single, entry)?;
                    run(&mut batched, entry)?;
                }
                Step::Ticks(header, ticks) => {
                    let ticks = TickSlice::new(Arc::new(ticks));
                    let one_by_one = acts(&mut single, header, &ticks, 1);
                    let in_batches = acts(&mut batched, header, &ticks, BATCH);
                    let (one_by_one, in_batches) = match (one_by_one, in_batches) {
                        (Ok(one_by_one), Ok(in_batches)) => (one_by_one, in_batches),
                        // at work it is given no more than it reads in time
                        (Err(fault), _) | (_, Err(fault)) if fault.kind == FaultKind::Deadline => {
                            return Ok(shown);
                        }
                        (Err(fault), _) | (_, Err(fault)) => return Err(fault),
                    };
                    if one_by_one != in_batches {
                        let at = |acts: &[(usize, Vec<Intent>)]| match acts.first() {
                            Some((tick, intents)) => format!("{} at tick {tick}", intents.len()),
                            None => "none".to_owned(),
                        };
                        let other = |(a, b): &(&_, &_)| a != b;
                        let place = one_by_one.iter().zip(&in_batches).take_while(|p| !other(p));
                        let place = place.count();
                        let (one, many) = (&one_by_one[place..], &in_batches[place..]);
                        shown.difference = Some(format!(
                            "after {} ticks its next intents are {} in batches, {} one by one",
                            shown.ticks,
                            at(many),
                            at(one)
                        ));
                        return Ok(shown);
                    }
                    shown.ticks += ticks.len();
                }
            }
        }
        Ok(shown)
    }

    fn steps(&self) -> Vec<Step<'_>> {
        let older = self.older.iter().flat_map(|half| &half.entries);
        let mut steps: Vec<Step<'_>> = Vec::new();
        for entry in older.chain(&self.newer.entries) {
            let Given::Market(ticks) = &entry.given else {
                steps.push(Step::Event(entry));
                continue;
            };
            let past = |ticks: &[Tick]| ticks.first().is_some_and(|tick| tick.has(flag::HISTORY));
            match steps.last_mut() {
                // what is wanted of history is void, and must not take the present along
                Some(Step::Ticks(header, all))
                    if header.mode == entry.header.mode
                        && past(all) == past(ticks)
                        && all.len() + ticks.len() <= BATCH =>
                {
                    all.extend_from_slice(ticks);
                }
                _ => steps.push(Step::Ticks(entry.header, ticks.to_vec())),
            }
        }
        steps
    }
}

/// What it wants, and at which tick.
fn acts(
    instance: &mut Instance,
    mut header: Header,
    ticks: &TickSlice,
    most: usize,
) -> Result<Vec<(usize, Vec<Intent>)>, CallFault> {
    let (mut acts, mut at, mut rest) = (Vec::new(), 0, ticks.clone());
    while let Some(first) = rest.first() {
        header.now = HostTime::from_nanos(first.recv_ts);
        let outcome = instance.on_market(header, &rest.prefix(most.min(rest.len())))?;
        header.next_order += outcome.submits();
        let read = outcome.consumed.max(1) as usize;
        at += read;
        if !outcome.intents.is_empty() {
            acts.push((at, outcome.intents));
        }
        rest = rest.suffix(read);
    }
    Ok(acts)
}
