#![no_main]
#![allow(dead_code, reason = "the checks of the other targets")]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::readers(bytes));
