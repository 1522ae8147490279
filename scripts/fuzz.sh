#!/usr/bin/env bash
# Runs every fuzz target for so many seconds. What is found lies in fuzz/artifacts; what is new in the corpora is kept by
# hand, because most of what a fuzzer keeps is noise.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "==> installing cargo-fuzz"
    cargo install --locked cargo-fuzz
fi
for target in $(cargo fuzz list); do
    echo "==> $target, $seconds s"
    cargo +nightly fuzz run "$target" -- -max_total_time="$seconds" -rss_limit_mb=4096 -timeout=20
done
