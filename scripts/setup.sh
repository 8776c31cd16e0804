#!/usr/bin/env bash
# Makes sure that what building and testing need is there. With nothing missing it changes nothing and needs no root.
#
#   scripts/setup.sh             Rust, a C linker, the PostgreSQL server programs, redis-server, libfaketime for a test
#   scripts/setup.sh --lint      also buf, which lints the protocol (through npm)
#   scripts/setup.sh --clients   also what the example clients in Python, Node and the browser need (through pip and npm)
#   scripts/setup.sh --chart     also what the checks of the Helm chart need (Go, promtool, and two Python packages by pip)
#
# It installs packages only as root on Debian and its kin, and starts no service and makes no system cluster in doing so.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"

buf_version=1.75.0

say() { echo "setup: $*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

# A compiler without the C library's headers is of no use, so the check is to link something.
links() {
    local program works=1
    have cc || return 1
    program=$(mktemp)
    printf '#include <stdio.h>\nint main(void) { return 0; }\n' | cc -x c - -o "$program" 2>/dev/null || works=0
    rm -f "$program"
    [ "$works" = 1 ]
}

# The places where the program itself looks; see src/embedded/binaries.rs.
has_postgres() {
    local dir
    if [ -n "${CUSTOMER_PROFILE_POSTGRES_BIN:-}" ]; then
        [ -x "$CUSTOMER_PROFILE_POSTGRES_BIN/initdb" ] && [ -x "$CUSTOMER_PROFILE_POSTGRES_BIN/postgres" ]
        return
    fi
    for dir in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
        /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin; do
        if [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ]; then return 0; fi
    done
    have initdb && have postgres
}

# As src/embedded/redis.rs looks for it.
has_redis() { have redis-server || [ -x /usr/local/bin/redis-server ] || [ -x /opt/homebrew/bin/redis-server ]; }

# As tests/it/faults/clock.rs looks for it: what sets the clock of one process.
has_faketime() { compgen -G "/usr/lib*/faketime/libfaketimeMT.so.1" >/dev/null ||
    compgen -G "/usr/lib/*/faketime/libfaketimeMT.so.1" >/dev/null ||
    compgen -G "/usr/local/lib/faketime/libfaketimeMT.so.1" >/dev/null; }

python=target/tools/python

# A virtual environment with what examples/python names, and node_modules with what the package files name.
has_python_client() {
    [ -x "$python/bin/python" ] && cmp -s examples/python/requirements.txt "$python/installed.txt"
}
has_node_client() { have node && cmp -s "examples/$1/package.json" "examples/$1/node_modules/installed.json"; }
has_clients() { has_python_client && has_node_client node && has_node_client web; }
can_make_venv() { have python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; }

make_python_client() {
    python3 -m venv "$python" &&
        "$python/bin/python" -m pip install -q --disable-pip-version-check -r examples/python/requirements.txt &&
        cp examples/python/requirements.txt "$python/installed.txt"
}
make_node_client() {
    npm install --prefix "examples/$1" --no-save --no-package-lock --no-audit --no-fund --silent </dev/null &&
        cp "examples/$1/package.json" "examples/$1/node_modules/installed.json"
}
make_clients() {
    { has_python_client || make_python_client; } && { has_node_client node || make_node_client node; } &&
        { has_node_client web || make_node_client web; }
}

# What scripts/check-chart.sh runs: something that renders, something that validates, something that tries the alerts.
charts=target/tools/chart
has_chart_python() { [ -x "$charts/bin/python" ] && cmp -s scripts/chart/requirements.txt "$charts/installed.txt"; }
has_chart_renderer() {
    have helm || { have go && [ -d /usr/share/gocode/src/github.com/Masterminds/sprig ] &&
        [ -d /usr/share/gocode/src/gopkg.in/yaml.v3 ]; }
}
chart_packages() {
    have promtool || echo prometheus
    has_chart_renderer || echo golang-go golang-github-masterminds-sprig-dev golang-gopkg-yaml.v3-dev
    can_make_venv || echo python3 python3-venv
}
make_chart_python() {
    python3 -m venv "$charts" &&
        "$charts/bin/python" -m pip install -q --disable-pip-version-check -r scripts/chart/requirements.txt &&
        cp scripts/chart/requirements.txt "$charts/installed.txt"
}

has_buf() {
    have node && grep -qs "\"version\": *\"$buf_version\"" target/tools/node_modules/@bufbuild/buf/package.json &&
        [ -x target/tools/node_modules/.bin/buf ]
}

# Puts a file aside under a name that `restore` finds, and writes another in its place.
replace() {
    if [ -e "$1" ]; then cp -p "$1" "$saved/${1//\//_}"; fi
    mkdir -p "$(dirname "$1")"
    cat >"$1"
}

restore() {
    local copy=$saved/${1//\//_}
    if [ -e "$copy" ]; then cp -p "$copy" "$1"; else rm -f "$1"; fi
}

# A subshell, so that the trap restores the files whichever way it ends.
install_packages() (
    policy=/usr/sbin/policy-rc.d
    cluster=/etc/postgresql-common/createcluster.conf
    saved=$(mktemp -d)
    # shellcheck disable=SC2317 # called by the trap
    put_back() {
        restore "$policy"
        restore "$cluster"
        # Where the package brought none of its own because ours was there, later installations get its default.
        if [ ! -e "$cluster" ] && [ -e /usr/share/postgresql-common/createcluster.conf ]; then
            cp /usr/share/postgresql-common/createcluster.conf "$cluster"
        fi
        rmdir "${cluster%/*}" 2>/dev/null || true
        rm -rf "$saved"
    }
    trap put_back EXIT
    trap 'exit 1' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' | replace "$policy"
    chmod 755 "$policy"
    echo 'create_main_cluster = false' | replace "$cluster"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q </dev/null
    apt-get install -y -q --no-install-recommends "$@" </dev/null
)

lint=0
clients=0
chart=0
for wanted in "$@"; do
    case $wanted in
        --lint) lint=1 ;;
        --clients) clients=1 ;;
        --chart) chart=1 ;;
        *)
            say "no such option: $wanted"
            exit 1
            ;;
    esac
done

missing=()
links || missing+=(gcc libc6-dev)
has_postgres || missing+=(postgresql)
has_redis || missing+=(redis-server)
# One test alone needs it, and says so when it is not there.
if ! has_faketime && { [ "${CI:-}" = true ] || { [ "$(id -u)" = 0 ] && have apt-get; }; }; then
    missing+=(libfaketime)
fi
if [ "${CI:-}" = true ] && ! have npm; then
    if [ "$lint" = 1 ] && ! has_buf; then node=1; fi
    if [ "$clients" = 1 ] && ! has_clients; then node=1; fi
    [ "${node:-0}" = 0 ] || missing+=(nodejs npm)
fi
if [ "$clients" = 1 ] && [ "${CI:-}" = true ] && ! has_python_client && ! can_make_venv; then
    missing+=(python3 python3-venv)
fi
if [ "$chart" = 1 ] && [ "${CI:-}" = true ]; then
    for package in $(chart_packages); do missing+=("$package"); done
fi

unmet=""
have cargo || unmet="a Rust toolchain with cargo (https://rustup.rs)"
if [ -n "${CUSTOMER_PROFILE_POSTGRES_BIN:-}" ] && ! has_postgres; then
    say "CUSTOMER_PROFILE_POSTGRES_BIN is $CUSTOMER_PROFILE_POSTGRES_BIN, which does not hold both initdb and postgres"
    exit 1
fi
if [ "${#missing[@]}" -gt 0 ] && { [ "$(id -u)" != 0 ] || ! have apt-get; }; then
    unmet="${unmet:+$unmet, }${missing[*]} (as root on Debian: apt-get install --no-install-recommends ${missing[*]})"
fi
if [ -n "$unmet" ]; then
    say "missing: $unmet"
    exit 1
fi
if [ "${#missing[@]}" -gt 0 ]; then
    say "installing ${missing[*]}"
    install_packages "${missing[@]}" >&2
fi

if [ "$lint" = 1 ] && ! has_buf; then
    if ! have npm; then
        say "SKIPPED: buf (there is no npm to install it with)"
    elif npm install --prefix target/tools --no-save --no-audit --no-fund --silent \
        "@bufbuild/buf@$buf_version" </dev/null >&2; then
        say "installed buf $buf_version into target/tools"
    elif [ "${CI:-}" = true ]; then
        say "npm could not install @bufbuild/buf@$buf_version"
        exit 1
    else
        say "SKIPPED: buf (npm could not install it)"
    fi
fi

if [ "$clients" = 1 ] && ! has_clients; then
    if ! have npm || ! can_make_venv; then
        say "SKIPPED: example clients (they need npm, and python3 with venv)"
    elif make_clients >&2; then
        say "installed what the example clients need"
    elif [ "${CI:-}" = true ]; then
        say "pip or npm could not install what the example clients need"
        exit 1
    else
        say "SKIPPED: example clients (pip or npm could not install what they need)"
    fi
fi

if [ "$chart" = 1 ]; then
    mapfile -t packages < <(chart_packages | tr ' ' '\n')
    if [ "${#packages[@]}" -gt 0 ]; then
        installed=0
        if [ "$(id -u)" = 0 ] && have apt-get; then
            # By itself and not as a condition, in which no failure would end it.
            install_packages "${packages[@]}" >&2 &
            if wait $!; then installed=1; fi
        fi
        if [ "$installed" = 1 ]; then
            say "installed ${packages[*]}"
        else
            say "SKIPPED: some checks of the chart (missing: ${packages[*]})"
        fi
    fi
    if ! has_chart_python; then
        if ! can_make_venv; then
            say "SKIPPED: checks of the chart (they need python3 with venv)"
        elif make_chart_python >&2; then
            say "installed what the checks of the chart need into $charts"
        elif [ "${CI:-}" = true ]; then
            say "pip could not install what scripts/chart/requirements.txt names"
            exit 1
        else
            say "SKIPPED: checks of the chart (pip could not install what they need)"
        fi
    fi
fi
