#!/usr/bin/env bash
# kill -9 of the real program at random moments under load, on both engines: scripts/crash.sh KILLS [SEED]
set -euo pipefail
cd "$(dirname "$0")/.."

export PLEXTERA_CRASH_KILLS="${1:-20}"
export PLEXTERA_CRASH_SEED="${2:-$(date +%s)}"
echo "==> $PLEXTERA_CRASH_KILLS kills per engine, seed $PLEXTERA_CRASH_SEED" >&2
exec cargo test --locked -p plextera --test crash -- --nocapture
