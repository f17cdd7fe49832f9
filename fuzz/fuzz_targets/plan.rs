//! `cargo +nightly fuzz run plan`: a plan's kind up to the first zero byte, then its text.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (kind, json) = data.split_at(end);
    let json = json.get(1..).unwrap_or_default();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    hedgerow_simulation::fuzz::plan(&text(kind), &text(json));
});
