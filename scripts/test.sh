#!/usr/bin/env bash
# Everything that CI checks, the quick checks first and the tests last.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"

step() {
    local name=$1 begun=$SECONDS
    shift
    echo "== $name"
    "$@" || {
        echo "== $name: FAILED after $((SECONDS - begun)) s"
        exit 1
    }
    echo "== $name: ok, $((SECONDS - begun)) s"
}

lint_protocol() {
    local buf=target/tools/node_modules/.bin/buf
    if [ ! -x "$buf" ] || ! command -v node >/dev/null; then
        echo "SKIPPED: buf lint (buf is not installed; scripts/setup.sh --lint says why)"
        return
    fi
    "$buf" lint proto && "$buf" format proto -d --exit-code
}

step "setup" scripts/setup.sh --lint --clients --chart
step "cargo fmt" cargo fmt --check
step "buf lint" lint_protocol
step "Helm chart" scripts/check-chart.sh
step "cargo clippy" cargo clippy --all-targets --locked -- -D warnings
step "cargo doc" env RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --locked
step "examples in the documentation" cargo test --doc --locked
echo "== cargo test (after $SECONDS s)"
# In place of this shell, so that the last lines are cargo's own; the integration tests come last.
exec cargo test --tests --locked
