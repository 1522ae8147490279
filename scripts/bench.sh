#!/usr/bin/env bash
# Everything that is measured, one after another: scripts/bench.sh [FOLDER OF LABELLED DOCUMENTS]
# The folder holds invoices/ and receipts/ as tools/corpus describes them; without it, documents made for the purpose are
# read, and accuracy is left out.
set -euo pipefail
cd "$(dirname "$0")/.."

data="${1:-}"
bench=target/release/bench
echo "commit: $(git rev-parse --short HEAD)"
"$bench" reading ${data:+--pdfs "$data/invoices/pdf"}
"$bench" recognition ${data:+--images "$data/receipts/images"}
"$bench" jobs --count 2000
"$bench" jobs --count 500 --rate 25
"$bench" jobs --count 500 --document empty --subscriptions 20
if [[ -n "$data" ]]; then
    for set in invoices receipts-text receipts-images; do
        target/release/corpus evaluate "$set" --data "$data/${set%%-*}" --holdout-only
    done
fi
