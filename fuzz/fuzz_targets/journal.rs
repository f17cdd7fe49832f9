//! `cargo +nightly fuzz run journal`: a journal's file and its log, split at a place that the first
//! four bytes say.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((place, data)) = data.split_first_chunk::<4>() else { return };
    let place = u32::from_le_bytes(*place) as usize % (data.len() + 1);
    let (file, log) = data.split_at(place);
    let folder = tempfile::tempdir().expect("a folder");
    hedgerow_simulation::fuzz::journal(folder.path(), file, log);
});
