#!/usr/bin/env bash
# Workflow runs with fan-out on two nodes and one PostgreSQL under kill -9, SIGSTOP past the lease and crashes of the database:
# scripts/chaos-workflows.sh RUNS FAULTS [SEED]
set -euo pipefail
cd "$(dirname "$0")/.."

export PLEXTERA_CHAOS_RUNS="${1:-10000}"
export PLEXTERA_CRASH_KILLS="$((${2:-60} * 4))"
export PLEXTERA_CRASH_SEED="${3:-$(date +%s)}"
echo "==> $PLEXTERA_CHAOS_RUNS runs, ${2:-60} faults, seed $PLEXTERA_CRASH_SEED" >&2
exec cargo test --locked -p plextera --test crash workflows::runs_end_once -- --nocapture
