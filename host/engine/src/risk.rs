//! Risk: the gate that every order passes, and the guards that watch the whole. Both fail closed.

mod gate;
mod guards;
mod modes;
mod rate;

pub(crate) use gate::Asked;
pub(crate) use guards::GUARD;
pub(crate) use modes::Modes;
pub(crate) use rate::{DenialLimit, TALK_BYTES_PER_S, Talk, TalkLimit, TokenBucket};
