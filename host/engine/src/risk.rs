//! Risk: the gate that every order passes, and the guards that watch the whole. Both fail closed.

mod gate;
mod guards;
mod rate;

pub(crate) use gate::Asked;
pub(crate) use rate::{TALK_BYTES_PER_S, Talk, TalkLimit, TokenBucket};
