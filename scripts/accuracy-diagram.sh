#!/usr/bin/env bash
# The reliability diagram of docs/accuracy.md with its figures, from the frozen synthetic set; the set is made if it is not
# there. Prints what the page quotes.
set -euo pipefail
cd "$(dirname "$0")/.."

out=target/corpus/diagram
mkdir -p "$out"
target/release/corpus evaluate synthetic --json "$out/figures.json"
cp "$out"/reliability-synthetic-held-out-0.svg docs/reliability.svg
grep -m1 'model name' /proc/cpuinfo | sed 's/.*: /machine: /'
