#!/usr/bin/env bash
# Installs Debian packages for the named purposes, and only those that are missing. Says what it does before it does it.
#
#   scripts/install-packages.sh build ocr postgres
set -euo pipefail

packages() {
    case "$1" in
        # aws-lc (TLS) and SQLite are C; both are compiled with the program.
        build) echo gcc libc6-dev make ;;
        ocr)
            echo tesseract-ocr
            for language in eng deu fra spa ita nld por; do echo "tesseract-ocr-$language"; done
            ;;
        # The tests start servers of their own on free ports; no cluster is created or started.
        postgres) echo postgresql ;;
        bench) echo poppler-utils ;;
        python) echo python3 python3-venv ;;
        # The snippets of the documentation are run in their own languages. Go is the large one: 80 MB.
        node) echo nodejs npm ;;
        go) echo golang-go ;;
        *)
            echo "error: unknown purpose '$1'; known: build ocr postgres bench python node go" >&2
            exit 2
            ;;
    esac
}

is_installed() {
    dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

# A machine may have them from elsewhere (a newer PostgreSQL, a compiler of its own).
is_provided() {
    case "$1" in
        gcc | make | npm | python3) command -v "$1" >/dev/null ;;
        nodejs) command -v node >/dev/null ;;
        golang-go) command -v go >/dev/null ;;
        python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
        libc6-dev) [[ -e /usr/include/stdio.h ]] ;;
        postgresql) compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null ;;
        poppler-utils) command -v pdftotext >/dev/null ;;
        *) return 1 ;;
    esac
}

missing=()
for purpose in "$@"; do
    wanted=$(packages "$purpose")
    for package in $wanted; do
        is_provided "$package" || { command -v dpkg-query >/dev/null && is_installed "$package"; } || missing+=("$package")
    done
done
if ((${#missing[@]} == 0)); then
    exit 0
fi

if ! command -v apt-get >/dev/null; then
    echo "error: this machine has no apt-get; install by hand what these Debian packages provide: ${missing[*]}" >&2
    exit 1
fi
as_root=()
if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
        echo "error: missing packages, and neither root nor sudo; run as root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi

echo "==> installing ${missing[*]}" >&2
# Debian's postgresql package would create and start a cluster that nobody here uses.
if [[ " ${missing[*]} " == *" postgresql "* && ! -e /etc/postgresql-common/createcluster.conf ]]; then
    "${as_root[@]}" mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o Dpkg::Options::=--force-confold "${missing[@]}"
