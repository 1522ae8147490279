#!/usr/bin/env bash
# Every test of the workspace, against one PostgreSQL that is started for the run on a free port and ends with it.
# cargo-nextest runs them in less time; where it is not installed, cargo does.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/standard-webhooks.sh
cargo build --locked -p testkit --bin with-postgres
if cargo nextest --version >/dev/null 2>&1; then
    target/debug/with-postgres cargo nextest run --locked --workspace "$@"
    # Examples in documentation are not nextest's to run.
    exec cargo test --locked --workspace --doc
fi
exec target/debug/with-postgres cargo test --locked --workspace "$@"
