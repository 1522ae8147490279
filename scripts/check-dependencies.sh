#!/usr/bin/env bash
# What may be linked into the product: licences that an Apache-2.0 product can ship, and one TLS stack.
#
# cargo-deny checks deny.toml where it is installed. Building it takes longer than all of our own checks together, so a
# machine without it checks the same two rules here, with nothing but cargo.
set -euo pipefail
cd "$(dirname "$0")/.."

if cargo deny --version >/dev/null 2>&1; then
    exec cargo deny --locked --workspace check bans licenses sources
fi

list() {
    cargo tree --locked --workspace --edges normal,build --target all --prefix none --format "$1" | sed 's/ (\*)$//' | grep . | sort -u
}

# One term per line: a package is fine when every AND-part has at least one OR-part that is allowed.
allowed='^(MIT|MIT-0|0BSD|Apache-2.0|Apache-2.0 WITH LLVM-exception|BSD-2-Clause|BSD-3-Clause|ISC|Zlib|Unicode-3.0|Unlicense|BSL-1.0|CC0-1.0|CDLA-Permissive-2.0)$'
is_allowed() {
    local expression part option fine
    # "A/B" is the old way to write "A OR B". Brackets here only ever hold one level of OR.
    expression=$(sed -E 's# ?/ ?# OR #g; s/[()]//g; s/ AND /\n/g' <<<"$1")
    while IFS= read -r part; do
        fine=no
        while IFS= read -r option; do
            if [[ $option =~ $allowed ]]; then fine=yes; fi
        done < <(sed 's/ OR /\n/g' <<<"$part")
        [[ $fine == yes ]] || return 1
    done <<<"$expression"
}

failed=0
while IFS=$'\t' read -r licence package; do
    if [[ $package == *"($PWD/"* ]]; then continue; fi
    if ! is_allowed "$licence"; then
        echo "error: $package has the licence '$licence', which is not among those this product ships" >&2
        failed=1
    fi
done < <(list $'{l}\t{p}')

for banned in openssl openssl-sys native-tls; do
    if list '{p}' | grep -E "^$banned v" >&2; then
        echo "error: $banned is a second TLS stack; rustls is ours" >&2
        failed=1
    fi
done
exit "$failed"
