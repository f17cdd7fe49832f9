//! `cargo +nightly fuzz run market`: market data, 28 bytes a tick.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hedgerow_simulation::fuzz::market(data));
