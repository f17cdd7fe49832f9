//! The real binary, the real components, recorded and generated markets.

mod answers;
mod bad_files;
mod beginnings;
mod commands;
mod day;
mod flattens;
mod halts;
mod hostile;
mod kills;
mod latch;
mod limits;
mod native;
mod pairs;
mod processes;
mod recordings;
mod reload;
mod replay;
mod restarts;
mod rig;
mod rollbacks;
mod throughput;
