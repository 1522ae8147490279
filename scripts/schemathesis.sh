#!/usr/bin/env bash
# Generated requests against the served OpenAPI: no 5xx, no undocumented answer. Schemathesis comes from PyPI into a
# virtual environment below target/.
set -euo pipefail
cd "$(dirname "$0")/.."

environment=target/schemathesis
data=$(mktemp -d)
key="sk_live_$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n')"
port="${PORT:-18080}"

if [[ ! -x "$environment/bin/schemathesis" ]]; then
    echo "==> installing schemathesis into $environment" >&2
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet 'schemathesis>=4,<5'
fi

PLEXTERA_BOOTSTRAP_API_KEY="$key" PLEXTERA_LOG__FILTER=warn PLEXTERA_DELIVERY__RETRY_SCHEDULE=1s \
    target/debug/plextera serve --data-dir "$data" --listen "127.0.0.1:$port" &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -rf "$data"' EXIT

for _ in $(seq 100); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
    sleep 0.1
done

# The feed waits 20 s for what is new, by design: driving it with hundreds of requests would only test patience.
"$environment/bin/schemathesis" run "http://127.0.0.1:$port/api/openapi.json" \
    --header "Authorization: api-key $key" \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance \
    --exclude-path-regex '/feed$|^/api/public/v1/event-listeners/' --max-examples "${EXAMPLES:-50}" --request-timeout 30 --suppress-health-check all --generation-deterministic
