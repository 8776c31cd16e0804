#!/usr/bin/env bash
# Tries the first minutes of a newcomer: a fresh Debian with nothing but apt, a Rust toolchain and a checkout.
#
#   scripts/check-bare-root.sh                   scripts/test.sh, then scripts/demo.sh --check
#   scripts/check-bare-root.sh --setup-only      scripts/setup.sh twice; the second time nothing is to be done
#   scripts/check-bare-root.sh --no-root-check   scripts/setup.sh as nobody names what is missing, in one line
#   scripts/check-bare-root.sh --image           the commands of the Dockerfile in their order, in roots like its bases
#   scripts/check-bare-root.sh --image PROGRAM   the same, but takes a program instead of building one
#
# Needs root and a Debian with a rustup toolchain; checks the last commit. Leaves nothing behind: where the system lets it,
# mounts and processes live in namespaces that end with this script, however it ends.
set -euo pipefail
cd "$(dirname "$0")/.."

suite=bookworm
mode=${1:-full}
given=${2:+$(realpath "$2")}
include=ca-certificates
cargo_home=${CARGO_HOME:-$HOME/.cargo}
rustup_home=${RUSTUP_HOME:-$HOME/.rustup}
root=

say() { echo "bare root: $*"; }
fail() {
    echo "bare root: $*" >&2
    exit 1
}

case $mode in full | --setup-only | --no-root-check | --image) ;; *) fail "unknown mode $mode" ;; esac
[ "$(id -u)" = 0 ] || fail "needs root to make another root"

own=(unshare --mount --propagation private --pid --fork --kill-child)
if [ -z "${BARE_ROOT_INSIDE:-}" ] && "${own[@]}" true 2>/dev/null; then
    BARE_ROOT_INSIDE=1 exec "${own[@]}" "$PWD/scripts/check-bare-root.sh" "$@"
fi

mounted=()
clean_up() {
    local at i
    for ((i = ${#mounted[@]} - 1; i >= 0; i--)); do
        at=${mounted[i]}
        umount "$at" 2>/dev/null || umount -l "$at" || say "still mounted: $at"
    done
    # Never into something that is mounted still.
    if [ -n "$root" ]; then rm -rf --one-file-system "$root" "$root.context" "$root.image"; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

mount_at() {
    local at=${*: -1}
    mkdir -p "$at"
    mount "${@:1:$#-1}" "$at" 2>/dev/null && mounted+=("$at")
}

make_root() {
    local file sources=() conf=()
    if ! command -v mmdebstrap >/dev/null; then
        apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends mmdebstrap
    fi
    root=$(mktemp -d /var/tmp/bare-root.XXXXXX)
    chmod 755 "$root"
    # The same sources, and the same way to them, as this machine's.
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
        if [ -s "$file" ]; then sources+=("$file"); fi
    done
    for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
        if grep -qsE '^[[:space:]]*Acquire::(http|https|Check|Retries)' "$file"; then conf+=("--aptopt=$file"); fi
    done
    mmdebstrap --quiet --mode=root --variant=apt --include="$include" "${conf[@]}" "$suite" "$root" "${sources[@]}"
    if [ "$mode" = --image ]; then
        # What the second base has, unpacked without a shell to configure it.
        mmdebstrap --quiet --mode=root --variant=extract --include=base-files,libc6,libgcc-s1,ca-certificates,tzdata \
            "${conf[@]}" "$suite" "$root.image" "${sources[@]}"
    fi
    for file in /etc/apt/keyrings /etc/apt/trusted.gpg.d /usr/share/keyrings /usr/local/share/ca-certificates; do
        if [ -d "$file" ]; then mkdir -p "$root$file" && cp -rL "$file/." "$root$file/"; fi
    done
    cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
    chroot "$root" update-ca-certificates >/dev/null 2>&1
}

add_toolchain() {
    local part
    mkdir -p "$root/opt/rust/cargo"
    # Copied, because cargo writes there; without credentials, which are nobody's business in there.
    for part in bin registry git config.toml; do
        if [ -e "$cargo_home/$part" ]; then cp -a "$cargo_home/$part" "$root/opt/rust/cargo/"; fi
    done
    if ! mount_at --bind -o ro "$rustup_home" "$root/opt/rust/rustup"; then
        say "mounts are refused, copying the toolchain"
        cp -a "$rustup_home/." "$root/opt/rust/rustup/"
    fi
}

add_checkout() {
    mkdir -p "$root/srv/customer-profile"
    git archive HEAD | tar -x -C "$root/srv/customer-profile"
}

# run USER SCRIPT [ARGUMENT...]: in the new root, with an environment that says nothing of this machine's.
run() {
    local user=$1 script=$2
    shift 2
    chroot --userspec="$user" "$root" env -i LANG=C.UTF-8 HOME="${run_home:-/root}" CI="${CI:-}" \
        CARGO_HOME=/opt/rust/cargo RUSTUP_HOME=/opt/rust/rustup \
        PATH=/opt/rust/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        "/srv/customer-profile/$script" "$@" </dev/null
}

timed() {
    local begun=$SECONDS
    if run 0:0 "$@"; then say "$*: ok, $((SECONDS - begun)) s"; else fail "$*: FAILED after $((SECONDS - begun)) s"; fi
}

no_service_was_left() {
    ! compgen -G "$root/etc/postgresql/*/main" >/dev/null || fail "a system cluster was made"
    [ ! -e "$root/usr/sbin/policy-rc.d" ] || fail "policy-rc.d stayed behind"
}

# instructions STAGE: those of a stage of the Dockerfile, each on a line, without comments.
instructions() {
    sed -e '/^[[:space:]]*#/d' -e '/^$/d' Dockerfile | sed -e ':a' -e '/\\$/{N;s/\\\n[[:space:]]*/ /;ba' -e '}' |
        awk -v wanted="$1" '/^FROM / { stage++ } stage == wanted && !/^FROM /'
}

# The last commit, less what .dockerignore keeps out.
make_context() {
    local entry
    mkdir "$root.context"
    git archive HEAD | tar -x -C "$root.context"
    grep -qx '\*' .dockerignore || fail ".dockerignore no longer begins with everything"
    for entry in "$root.context"/* "$root.context"/.[!.]*; do
        if [ -e "$entry" ] && ! grep -qxF "!$(basename "$entry")" .dockerignore; then rm -r "$entry"; fi
    done
}

in_builder() {
    chroot "$root" env -i HOME=/root CARGO_HOME=/opt/rust/cargo RUSTUP_HOME=/opt/rust/rustup \
        PATH=/opt/rust/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@" </dev/null
}

# A command that has the program given to it, and reads the manifest where it would build.
without_building() {
    sed -e 's|cargo build [^&]*&&|cargo metadata --locked --offline --no-deps --format-version 1 >/dev/null \&\&|' \
        -e 's|cp target[^ ]*|cp /given|' -e 's|out/$|out/customer-profile|'
}

build_stage() {
    local name rest folder=/ variables=() words target
    while read -r name rest; do
        say "builder: $name ${rest:0:80}"
        case $name in
            WORKDIR) folder=$rest && mkdir -p "$root$folder" ;;
            ENV) read -ra words <<<"$rest" && variables+=("${words[@]}") ;;
            COPY)
                read -ra words <<<"$rest"
                target=$root$folder/${words[-1]}
                for name in "${words[@]:0:${#words[@]}-1}"; do
                    # Of a folder its content is copied, as Docker does.
                    if [ -d "$root.context/$name" ]; then
                        mkdir -p "$target" && cp -a "$root.context/$name/." "$target"
                    else
                        cp -a "$root.context/$name" "$target"
                    fi
                done
                ;;
            RUN)
                if [ -n "$given" ]; then rest=$(without_building <<<"$rest"); fi
                in_builder "${variables[@]}" sh -ec "cd $folder; $rest" || fail "RUN $rest: FAILED"
                ;;
            *) fail "$name is not known here" ;;
        esac
    done < <(instructions 1)
}

image_stage() {
    local name rest words source user='' program=''
    while read -r name rest; do
        say "image: $name ${rest:0:80}"
        read -ra words <<<"$rest"
        case $name in
            ARG | LABEL | EXPOSE | CMD | HEALTHCHECK) ;;
            USER) user=$rest ;;
            ENTRYPOINT) program=$(tr -d '[]" ' <<<"$rest") ;;
            COPY)
                source=$root.context
                if [[ ${words[0]} = --from=builder ]]; then source=$root && words=("${words[@]:1}"); fi
                for name in "${words[@]:0:${#words[@]}-1}"; do
                    install -D -m 755 "$source/$name" "$root.image${words[-1]}$([[ ${words[-1]} = */ ]] && basename "$name")"
                done
                ;;
            *) fail "$name is not known here" ;;
        esac
    done < <(instructions 2)
    [[ $user =~ ^[1-9][0-9]*:[1-9][0-9]*$ ]] || fail "the user is $user, which Kubernetes cannot tell from root"
    if ! mount_at --bind "$root.image" "$root.image" || ! mount -o remount,ro,bind "$root.image"; then
        say "mounts are refused, so the root of the image can be written to"
    fi
    # There is no shell and no env in there, so variables come from outside.
    in_image() {
        read -ra words <<<"$1"
        env -i "${@:2}" "$(command -v chroot)" --userspec="$user" "$root.image" "$program" "${words[@]}" </dev/null 2>&1
    }
    say "$(in_image --version)"
    expect 0 "serve --help"
    expect 64 serve CUSTOMER_PROFILE_DATABASE__URL=postgres://nowhere/x
    expect 1 "$(instructions 2 | sed -n 's/^HEALTHCHECK .* CMD \[\(.*\)\]$/\1/p' | tr -d '",' | cut -d ' ' -f 2-)"
}

expect() {
    local code=0
    in_image "${@:2}" >"$root.image.log" || code=$?
    [ "$code" = "$1" ] || fail "$2 ended with $code and not with $1: $(cat "$root.image.log")"
    rm -f "$root.image.log"
    say "$2: ends with $1, as it should"
}

begun=$SECONDS
if [ "$mode" = --image ]; then include=ca-certificates,gcc,libc6-dev; fi
make_root
add_toolchain
if [ "$mode" = --image ]; then make_context; else add_checkout; fi
mount_at -t proc proc "$root/proc" || say "no /proc in there"
mount_at -t tmpfs -o mode=1777 tmpfs "$root/dev/shm" || say "no /dev/shm in there"
say "made in $((SECONDS - begun)) s"

case $mode in
--no-root-check)
    if output=$(run_home=/nonexistent run 65534:65534 scripts/setup.sh 2>&1); then fail "nothing was missing"; fi
    echo "$output"
    [ "$(wc -l <<<"$output")" = 1 ] || fail "more than one line"
    for package in gcc libc6-dev postgresql redis-server; do
        grep -qw -- "$package" <<<"$output" || fail "$package was not named"
    done
    ;;
--setup-only)
    timed scripts/setup.sh
    no_service_was_left
    timed scripts/setup.sh
    ;;
--image)
    if [ -n "$given" ]; then cp "$given" "$root/given"; fi
    build_stage
    image_stage
    ;;
full)
    timed scripts/test.sh
    no_service_was_left
    timed scripts/demo.sh --check
    ;;
esac
say "passed"
