#!/usr/bin/env bash
# The libraries of the Standard Webhooks specification for Python and JavaScript, which the tests let verify our
# deliveries. They come from PyPI and npm, once, in the versions and with the hashes that are pinned beside the tests,
# into target/standard-webhooks; nothing else of the machine changes. (The one for Rust is a dependency of the tests.)
set -euo pipefail
cd "$(dirname "$0")/.."

pins=$PWD/crates/server/tests/documentation/verification
place=$PWD/target/standard-webhooks
wanted=$(cat "$pins/requirements.txt" "$pins/package-lock.json" | sha256sum)
if [[ -e $place/done && $(<"$place/done") == "$wanted" ]]; then
    exit 0
fi

echo "==> installing standardwebhooks from PyPI and npm into target/standard-webhooks" >&2
rm -rf "$place"
mkdir -p "$place/node"
python3 -m venv "$place/python"
"$place/python/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$pins/requirements.txt"
cp "$pins/package.json" "$pins/package-lock.json" "$place/node/"
npm ci --prefix "$place/node" --silent --no-audit --no-fund --ignore-scripts
echo "$wanted" >"$place/done"
