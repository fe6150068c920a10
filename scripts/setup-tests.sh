#!/bin/sh
# setup-tests.sh [bench]: the programs from outside Python that the tests (or the benchmarks) call.
# Says nothing when all are there; installs what is missing with apt when root; else says what to type.
set -eu

# program:Debian package
case ${1:-tests} in
tests) needed="pdftotext:poppler-utils" ;;
bench) needed="valgrind:valgrind" ;;
*)
    echo "usage: setup-tests.sh [bench]" >&2
    exit 2
    ;;
esac

missing() {
    for pair in $needed; do
        command -v "${pair%%:*}" >/dev/null 2>&1 || printf '%s ' "${pair##*:}"
    done
}

install() {
    # shellcheck disable=SC2086 # package names are separate words
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $1 >/dev/null 2>&1
}

packages=$(missing)
if [ -z "$packages" ]; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    # A package list that is there and fresh saves the update.
    install "$packages" || { apt-get update -qq && install "$packages"; } || true
    packages=$(missing)
fi
if [ -n "$packages" ]; then
    echo "Missing for this: $packages" >&2
    echo "Install with: sudo apt-get install $packages(or the same programs by your system's own means), then run this again." >&2
    exit 1
fi
