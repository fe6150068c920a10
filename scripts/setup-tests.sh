#!/bin/sh
# setup-tests.sh [bench|faults|simulation]: what the tests (or the benchmarks) need beside .venv: programs from outside
# Python, and numpy in build/simulation, because in .venv Pint would import it. `simulation` makes that folder alone;
# `faults` is what the tests need, and published signatures in build/vectors.
# Says nothing when all is there; installs missing programs with apt when root; else says what to type.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin # where mkfs.ext4 lies, and not on everybody's path

# program:Debian package
case ${1:-tests} in
tests | faults) needed="pdftotext:poppler-utils pg_ctlcluster:postgresql gcc:gcc+libc6-dev mkfs.ext4:e2fsprogs mkfs.xfs:xfsprogs age:age bindfs:bindfs groff:groff-base
    cupsd:cups lp:cups-client ipptool:cups-ipp-utils gs:ghostscript /usr/lib/cups/filter/gstoraster:cups-filters" ;;
bench) needed="valgrind:valgrind pg_ctlcluster:postgresql" ;;
simulation) needed="" ;;
*)
    echo "usage: setup-tests.sh [bench|faults|simulation]" >&2
    exit 2
    ;;
esac

numpy_is_there() {
    PYTHONPATH=build/simulation .venv/bin/python -c "import numpy" 2>/dev/null
}

if ! numpy_is_there; then
    rm -rf build/simulation
    .venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes \
        --target build/simulation -r requirements/simulation.lock
fi

if [ "${1:-tests}" = faults ] && [ ! -d build/vectors/cryptography_vectors ]; then
    .venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps \
        --target build/vectors -r requirements/vectors.lock
fi

missing() {
    for pair in $needed; do
        command -v "${pair%%:*}" >/dev/null 2>&1 || printf '%s ' "${pair##*:}" | tr + ' '
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
