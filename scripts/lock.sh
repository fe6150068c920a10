#!/bin/sh
# Writes requirements/base.lock and requirements/dev.lock anew from pyproject.toml: the newest releases that its
# bounds admit, for every Python and platform, each with its hashes. Run it when a bound changes or to take updates.
set -eu
cd "$(dirname "$0")/.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"${PYTHON:-python3}" -m pip install -qq --target "$tools" uv

compile() {
    "$tools/bin/uv" pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
        --no-config --no-emit-index-url --no-emit-find-links --custom-compile-command "sh scripts/lock.sh" "$@"
}
compile --output-file requirements/base.lock
compile --output-file requirements/dev.lock --constraint requirements/base.lock --extra postgres --group dev
