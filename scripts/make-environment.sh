#!/bin/sh
# make-environment.sh LOCK: a virtual environment in .venv that holds the releases of LOCK and this project, editable.
# Safe to run again. PYTHON names the interpreter; without it the first of the usual names that is 3.11 or newer.
set -eu
cd "$(dirname "$0")/.."
lock=$1

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for name in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14}; do
        if new_enough "$name"; then
            echo "$name"
            return
        fi
    done
    echo "Python 3.11 or newer is needed and ${PYTHON:-python3} is not it. Install one, or name it: make PYTHON=/path/to/python3.11" >&2
    exit 1
}

make_environment() {
    python=$1
    if "$python" -m venv .venv >/dev/null 2>&1; then
        return
    fi
    # Debian ships venv without its pip unless python3-venv is installed; virtualenv brings its own.
    rm -rf .venv
    tools=$(mktemp -d)
    trap 'rm -rf "$tools"' EXIT
    if "$python" -m pip install -qq --disable-pip-version-check --target "$tools" virtualenv &&
        PYTHONPATH=$tools "$python" -m virtualenv --quiet .venv; then
        return
    fi
    rm -rf .venv
    echo "No virtual environment could be made with $python. On Debian: apt-get install python3-venv" >&2
    exit 1
}

# A wrong PYTHONPATH or an active environment of someone else must not reach into ours.
unset PYTHONPATH PYTHONHOME
if ! [ -x .venv/bin/python ] || ! new_enough .venv/bin/python; then
    rm -rf .venv
    chosen=$(find_python)
    make_environment "$chosen"
fi
.venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r "$lock"
.venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps -e .
