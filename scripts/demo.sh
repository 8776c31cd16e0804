#!/usr/bin/env bash
# Builds the service, starts it with a database of its own and imports a small example.
#
#   scripts/demo.sh           stays in the foreground until ctrl-C
#   scripts/demo.sh --check   ends after the first answer
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"

program=target/release/customer-profile
listen=${CUSTOMER_PROFILE_LISTEN__GRPC:-127.0.0.1:7401}
url=http://$listen
server=

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

listens() { (: <"/dev/tcp/${listen%:*}/${listen##*:}") 2>/dev/null; }

stop() {
    if [ -n "$server" ]; then
        kill -TERM "$server" 2>/dev/null || true
        wait "$server" || true
    fi
}

scripts/setup.sh
say "building (the first time takes minutes)"
cargo build --release --locked

# The demo never writes to a database that somebody cares about.
unset DATABASE_URL REDIS_URL
data_dir=${CUSTOMER_PROFILE_DATA_DIR:-}
[ -n "$data_dir" ] || choose_data_dir
export CUSTOMER_PROFILE_DATA_DIR=$data_dir CUSTOMER_PROFILE_LISTEN__GRPC=$listen

! listens || fail "something listens on $listen already: stop it, or set CUSTOMER_PROFILE_LISTEN__GRPC"
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
# In a process group of its own, so that ctrl-C reaches it once and through `stop`.
set -m
"$program" serve &
server=$!
set +m
for _ in $(seq 600); do
    if listens; then break; fi
    kill -0 "$server" 2>/dev/null || fail "the service ended before it listened on $listen"
    sleep 0.1
done
listens || fail "the service does not listen on $listen after a minute"

"$program" import --mapping examples/shop.toml examples/shop.csv --to "$url"
"$program" get email=hanako@example.com --to "$url"
if [ "${1:-}" = --check ]; then
    say "check passed"
    exit 0
fi
cat <<END

demo: serving on $listen, data in $data_dir. In another terminal:

  $program get phone=090-1234-5601 --to $url                 # the same person, as the store knows her
  $program get email=ken.smith@example.com --json --to $url  # as other services see it
  $program import --mapping examples/shop.toml examples/shop.csv --to $url    # again: nothing changes
  CUSTOMER_PROFILE_DATA_DIR=$data_dir $program verify        # every profile is what its interactions say
  $program --help

demo: ctrl-C stops it and keeps the data
END
wait "$server"
