#!/usr/bin/env bash
# Every test of the workspace. cargo-nextest runs them in less time; where it is not installed, cargo does.
set -euo pipefail
cd "$(dirname "$0")/.."

if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked --workspace "$@"
    # Examples in documentation are not nextest's to run.
    exec cargo test --locked --workspace --doc
fi
exec cargo test --locked --workspace "$@"
