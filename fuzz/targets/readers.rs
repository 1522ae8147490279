#![no_main]

#[path = "../common/insights.rs"]
#[allow(dead_code)]
mod insights_targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| insights_targets::readers(data));
