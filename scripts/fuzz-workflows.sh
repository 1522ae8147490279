#!/usr/bin/env bash
# fuzz-workflows.sh SECONDS   runs each target that long; what breaks one is left in fuzz/workflows/artifacts and ends with an error.
# fuzz-workflows.sh keep      adds to fuzz/workflows/corpus, which the tests run, what the last runs have found to reach new code.
# Coverage comes from the compiler itself, so this needs nothing but Rust and a C++ compiler.
set -euo pipefail
cd "$(dirname "$0")/.."

host=$(rustc -vV | sed -n 's/^host: //p')
export CARGO_TARGET_DIR=$PWD/fuzz/workflows/target
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
 -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing"
RUSTFLAGS=$(tr '\n' ' ' <<<"$RUSTFLAGS")
cargo build --locked --release --manifest-path fuzz/workflows/Cargo.toml --target "$host"

for target in definition expression; do
    program=fuzz/workflows/target/$host/release/$target
    found=fuzz/workflows/target/found/$target
    mkdir -p "$found" fuzz/workflows/artifacts
    if [[ $1 == keep ]]; then
        "$program" -merge=1 -max_len=4096 "fuzz/workflows/corpus/$target" "$found"
        continue
    fi
    echo "==> $target, $1 s"
    "$program" -max_total_time="$1" -timeout=10 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 \
        -dict="fuzz/workflows/$target.dict" -artifact_prefix="fuzz/workflows/artifacts/$target-" "$found" "fuzz/workflows/corpus/$target" \
        2>&1 | grep -vE '^#[0-9]+\s+(NEW|REDUCE|pulse)|DEDICTIONARY'
done
