#!/usr/bin/env bash
# Workflow runs measured beside DBOS Transact, which gets a virtual environment below target/: scripts/bench-workflows.sh [ARGUMENTS OF BENCH]
set -euo pipefail
cd "$(dirname "$0")/.."

peer=target/dbos
if [[ ! -x $peer/bin/python ]]; then
    echo "==> installing the peer into $peer" >&2
    python3 -m venv "$peer"
fi
"$peer/bin/python" -m pip install --quiet --disable-pip-version-check 'dbos==3.4.0'
echo "commit: $(git rev-parse --short HEAD)"
exec target/release/bench workflows --peer "$peer/bin/python" "$@"
