#!/bin/sh
# Writes requirements/*.lock anew from pyproject.toml: the newest releases that its bounds admit, for every Python and
# platform, each with its hashes. Run it when a bound changes or to take updates. numpy has a lock of its own, because
# it is kept out of the environment where Pint would import it, and so has mutmut, which `make mutants` alone needs.
set -eu
cd "$(dirname "$0")/.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"${PYTHON:-python3}" -m pip install -qq --target "$tools" uv

compile() {
    "$tools/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade --no-strip-extras \
        --no-config --no-emit-index-url --no-emit-find-links --custom-compile-command "sh scripts/lock.sh" "$@"
}
compile pyproject.toml --output-file requirements/base.lock
compile pyproject.toml --output-file requirements/dev.lock --constraint requirements/base.lock --extra postgres --group dev
sed -n 's/^simulation = \["\(.*\)"\]$/\1/p' pyproject.toml | compile - --output-file requirements/simulation.lock
sed -n 's/^mutants = \["\(.*\)"\]$/\1/p' pyproject.toml | compile - --constraint requirements/dev.lock --output-file requirements/mutants.lock
