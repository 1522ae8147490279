#!/usr/bin/env bash
# Every test of the workspace. cargo-nextest runs them in less time; where it is not installed, cargo does.
# One PostgreSQL serves the whole run: a test process without it would start one of its own.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --quiet --locked -p testkit --bin with-postgres
with_postgres="${CARGO_TARGET_DIR:-target}/debug/with-postgres"

if cargo nextest --version >/dev/null 2>&1; then
    "$with_postgres" cargo nextest run --locked --workspace "$@"
    # Examples in documentation are not nextest's to run.
    exec cargo test --locked --workspace --doc
fi
exec "$with_postgres" cargo test --locked --workspace "$@"
