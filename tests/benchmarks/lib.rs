//! Benchmarks of the host's paths: `cargo bench -p hedgerow-benchmarks`. Ratios within one run are
//! firm, nanoseconds are of the machine and the moment.
