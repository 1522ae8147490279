#!/usr/bin/env bash
# Everything that is measured, one after another: scripts/bench.sh [FOLDER OF LABELLED DOCUMENTS]
set -euo pipefail
cd "$(dirname "$0")/.."

bench=target/release/bench
"$bench" reading
"$bench" recognition
"$bench" jobs --binary target/release/plextera
if [[ -n "${1:-}" ]]; then
    if [[ ! -d tools/corpus ]]; then
        echo "error: accuracy needs tools/corpus, which this checkout does not have" >&2
        exit 1
    fi
    cargo run --locked --release -p corpus -- "$1"
fi
