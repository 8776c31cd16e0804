#!/usr/bin/env bash
# Installs what is missing, builds the service, and starts its demo: a made-up retailer in a database of its own.
#
#   scripts/demo.sh                    stays in the foreground until ctrl-C
#   scripts/demo.sh --check            ends after the first answer
#   scripts/demo.sh --customers 10000  with more customers than 2,000; see docs/generate.md
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"

program=target/release/customer-profile

say() { echo "demo: $*"; }
fail() {
    echo "demo: $*" >&2
    exit 1
}

# Started by root the database runs as an unprivileged user, who must be able to come here.
all_may_enter() {
    local dir=$1
    while [ "$dir" != / ]; do
        [ -n "$(find "$dir" -maxdepth 0 -perm -001)" ] || return 1
        dir=$(dirname "$dir")
    done
}

choose_data_dir() {
    data_dir=$PWD/.demo
    if [ "$(id -u)" = 0 ] && ! all_may_enter "$PWD"; then
        # One per checkout; where all may write, a directory of that name could be anyone's.
        data_dir=/var/tmp/customer-profile-demo-$(printf %s "$PWD" | cksum | cut -d ' ' -f 1)
        mkdir -m 711 "$data_dir" 2>/dev/null || true
        if [ -L "$data_dir" ] || [ ! -d "$data_dir" ] || [ ! -O "$data_dir" ]; then
            fail "$data_dir is somebody else's: remove it, or set CUSTOMER_PROFILE_DATA_DIR"
        fi
        say "the database's user cannot enter $PWD, so the data goes to $data_dir"
    fi
}

begun=$SECONDS
scripts/setup.sh
setup=$((SECONDS - begun))

say "building (the first time takes minutes)"
begun=$SECONDS
cargo build --release --locked
build=$((SECONDS - begun))
say "setup took $setup s, the build $build s"

# The demo never writes to a database that somebody cares about.
unset DATABASE_URL REDIS_URL
data_dir=${CUSTOMER_PROFILE_DATA_DIR:-}
[ -n "$data_dir" ] || choose_data_dir
export CUSTOMER_PROFILE_DATA_DIR=$data_dir

check=0
for argument in "$@"; do
    if [ "$argument" = --check ]; then check=1; fi
done
if [ "$check" = 0 ]; then
    say "data in $data_dir; every profile can be verified while it serves:"
    say "  CUSTOMER_PROFILE_DATA_DIR=$data_dir $program verify"
    # In place of this shell, so that ctrl-C reaches the program alone.
    exec "$program" demo "$@"
fi
begun=$SECONDS
"$program" demo "$@"
say "check passed: setup $setup s, build $build s, the rest $((SECONDS - begun)) s"
