#!/usr/bin/env bash
# fuzz.sh documents|workflows SECONDS   runs each target of fuzz/… that long; what breaks one is left in its artifacts and ends with an error.
# fuzz.sh documents|workflows keep      adds to its corpus, which the tests run, what the last runs have found to reach new code.
# Coverage comes from the compiler itself, so this needs nothing but Rust and a C++ compiler.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=fuzz/$1
host=$(rustc -vV | sed -n 's/^host: //p')
export CARGO_TARGET_DIR=$PWD/$folder/target
flags=(
    -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing
)
export RUSTFLAGS="${flags[*]}"
cargo build --locked --release --manifest-path "$folder/Cargo.toml" --target "$host"

# The first name is the package's own.
for target in $(sed -n 's/^name = "\(.*\)"$/\1/p' "$folder/Cargo.toml" | tail -n +2); do
    program=$folder/target/$host/release/$target
    found=$folder/target/found/$target
    mkdir -p "$found" "$folder/artifacts"
    if [[ $2 == keep ]]; then
        "$program" -merge=1 -max_len=4096 "$folder/corpus/$target" "$found"
        continue
    fi
    echo "==> $target, $2 s"
    dictionary=()
    if [[ -e $folder/$target.dict ]]; then dictionary=(-dict="$folder/$target.dict"); fi
    "$program" -max_total_time="$2" -timeout=20 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 \
        "${dictionary[@]}" -artifact_prefix="$folder/artifacts/$target-" "$found" "$folder/corpus/$target" \
        2>&1 | grep -vE '^#[0-9]+\s+(NEW|REDUCE|pulse)|DEDICTIONARY'
done
