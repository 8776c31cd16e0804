#!/usr/bin/env bash
# Throws bytes that nobody would write at everything that reads what strangers send. No part of CI: no two runs are alike.
#
#   scripts/fuzz.sh                   every target for 60 seconds
#   scripts/fuzz.sh 600 jwt tokens    these two, for ten minutes each
#
# It needs a nightly toolchain (RUSTUP_TOOLCHAIN names another than `nightly`) and a C++ compiler, and installs cargo-fuzz
# into target/tools. What is learned stays in fuzz/corpus, what crashes in fuzz/artifacts. Without sanitizers: neither the
# service nor the targets have unsafe code, so what can break are assertions, arithmetic, memory limits and time limits.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/target/tools/bin:$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
export RUSTUP_TOOLCHAIN=${RUSTUP_TOOLCHAIN:-nightly}

cargo_fuzz_version=0.13.2

say() { echo "fuzz: $*" >&2; }
fail() {
    say "$*"
    exit 1
}

# The longest input of a target: a little more than what the code behind it takes in one piece.
longest() {
    case $1 in
        tokens | normalisers) echo 1024 ;;
        jwt) echo 12288 ;;
        *) echo 16384 ;;
    esac
}

seconds=60
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
    seconds=$1
    shift
fi
targets=("$@")
if [ "${#targets[@]}" = 0 ]; then
    for file in fuzz/fuzz_targets/*.rs; do
        targets+=("$(basename "$file" .rs)")
    done
fi
for target in "${targets[@]}"; do
    [ -f "fuzz/fuzz_targets/$target.rs" ] || fail "no such target: $target"
done

RUSTUP_AUTO_INSTALL=0 rustc -Z help >/dev/null 2>&1 ||
    fail "the toolchain $RUSTUP_TOOLCHAIN is missing or no nightly one: rustup toolchain install nightly, or set RUSTUP_TOOLCHAIN"
command -v c++ >/dev/null || fail "a C++ compiler is missing (on Debian: apt-get install g++)"
if [ "$(cargo-fuzz --version 2>/dev/null)" != "cargo-fuzz $cargo_fuzz_version" ]; then
    say "installing cargo-fuzz $cargo_fuzz_version into target/tools"
    cargo install --quiet --locked --root target/tools "cargo-fuzz@$cargo_fuzz_version"
fi

say "building"
cargo fuzz build --sanitizer none

# Exports are read from files; in memory where there is such a place.
memory=/dev/shm
[ -w "$memory" ] || memory=${TMPDIR:-/tmp}
TMPDIR=$(mktemp -d "$memory/customer-profile-fuzz.XXXXXX")
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 1' INT TERM HUP

# One line of figures from the log of a target.
figures() {
    awk -v name="$1" '
        $2 == "INITED" || $2 == "NEW" || $2 == "REDUCE" || $2 == "pulse" || $2 == "DONE" {
            for (i = 3; i < NF; i++) { if ($i == "cov:") edges = $(i + 1); if ($i == "corp:") corpus = $(i + 1) }
        }
        /^stat::number_of_executed_units/ { runs = $2 }
        /^stat::average_exec_per_sec/ { rate = $2 }
        /^stat::peak_rss_mb/ { memory = $2 }
        END {
            sub("/.*", "", corpus)
            printf "%-16s %9d runs, %6d a second, %6d edges, %5d inputs, %4d MiB", name, runs, rate, edges, corpus, memory
        }' "$2"
}

summary=()
crashed=0
mkdir -p target/fuzz
for target in "${targets[@]}"; do
    log=target/fuzz/$target.log
    options=(-max_total_time="$seconds" -rss_limit_mb=1024 -timeout=5 -max_len="$(longest "$target")" -print_final_stats=1)
    dictionary=fuzz/dictionaries/$target.dict
    if [ -f "$dictionary" ]; then options+=(-dict="$dictionary"); fi
    mkdir -p "fuzz/corpus/$target"
    say "$target for $seconds s"
    outcome=ok
    cargo fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- "${options[@]}" >"$log" 2>&1 || {
        outcome=CRASHED
        crashed=1
        grep -A 1 'panicked at\|libFuzzer:\|^SUMMARY\|Test unit written\|^error' "$log" | head -n 20 >&2 || true
        say "all of it is in $log"
    }
    summary+=("$(figures "$target" "$log"): $outcome")
    echo "${summary[-1]}"
done

echo "== fuzz: ${#targets[@]} targets, $seconds s each"
printf '%s\n' "${summary[@]}"
exit "$crashed"
