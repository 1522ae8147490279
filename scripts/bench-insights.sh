#!/usr/bin/env bash
# All goals of reading and learning beside what is reached: scripts/bench-insights.sh FOLDER
# The folder holds invoices/, receipts/ and forms/ as tools/corpus describes them. Figures are over held-out documents.
# What OCR reads is kept in target/corpus/pages; a new build reads anew. Less than 25 minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."

data=$(realpath "$1")
out=target/bench-insights
commit=$(git rev-parse --short HEAD)
pages=target/corpus/pages/$commit
corpus=target/release/corpus
rm -rf "$out"
mkdir -p "$out" "$pages"

# Name of the figures, then what to evaluate. Each runs once; what it prints is kept beside its figures.
measure() {
    local name=$1
    shift
    echo "==> $name: corpus evaluate $*"
    "$corpus" evaluate "$@" --json "$out/$name.json" | tee "$out/$name.txt"
}

receipts=(--data "$data/receipts" --pages "$pages")
invoices=(--data "$data/invoices" --pages "$pages")
measure receipts-text-0 receipts-text "${receipts[@]}" --holdout-only
for shown in 5 50 100; do measure "receipts-text-$shown" receipts-text "${receipts[@]}" --train "$shown" --draws 3; done
measure receipts-text-all receipts-text "${receipts[@]}" --train 526
measure receipts-images-all receipts-images "${receipts[@]}" --train 526
measure invoices-0 invoices "${invoices[@]}" --holdout-only
measure invoices-learned invoices-learned "${invoices[@]}" --draws 3
measure synthetic synthetic --pages "$pages"
if [[ -d $data/forms ]]; then measure forms forms --data "$data/forms"; fi

echo "==> routing, learning, speed, rejection"
"$corpus" routing --data "$data/receipts" | tee "$out/routing.txt"
target/release/examples/learning | tee "$out/learning.txt"
target/release/bench reading --pdfs "$data/invoices/pdf" | tee "$out/reading.txt"
target/release/bench recognition --images "$data/receipts/images" --count 4 | tee "$out/recognition.txt"
target/release/bench rejection --pdfs "$data/invoices/pdf" | tee "$out/rejection.txt"

echo "==> peers on the same held-out files"
environment=target/peers
if [[ ! -x $environment/bin/python ]]; then
    echo "==> installing invoice2data, pdfplumber and pypdfium2 into $environment" >&2
    python3 -m venv "$environment"
fi
"$environment/bin/pip" install --quiet --disable-pip-version-check -r scripts/peers/requirements.txt
"$environment/bin/python" -B scripts/peers/run.py "$data" "$out" | tee "$out/peers.txt"

echo
echo "commit $commit, $(sed -n 's/^machine: //p' "$out/reading.txt")"
python3 -B scripts/peers/goals.py "$out"
