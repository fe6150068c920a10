# make demo        two batches from tablets to printed label, in ./demo
# make test        everything the tests need, then all tests
# make check       style, types, layers
# make bench       all benchmarks, each against its floor or peer, as ratios of one run (docs/performance.md)
# make mutants     branch coverage and mutation run of the verdicts of quality control
# make faults      the journal against killed, cut off and failing machines, at full length; as root, three quarters of an hour
# make tutorial    the outputs and pictures in docs/tutorial.md and README.md, made anew
# make proofs      every kind of label on one picture, docs/pictures/labels.png, made anew
# make references  docs/references.md out of docs/references.d, docs/rules.md out of the tests, docs/reference and docs/schemas
#                  out of the code
# make clean       removes what the others made
# PYTHON=/path/to/python3.11 picks the interpreter.

.DEFAULT_GOAL := help
.PHONY: help demo test check bench faults mutants tutorial proofs references clean
.SILENT:

export PYTHON

help:
	sed -n '/^$$/q; s/^# //p' Makefile

# The environment to use the tool, and the one to work on it: the second holds the first.
.venv/used: pyproject.toml requirements/base.lock scripts/make-environment.sh
	if [ -e .venv/developed ]; then $(MAKE) -s .venv/developed; else sh scripts/make-environment.sh requirements/base.lock; fi
	touch $@

.venv/developed: pyproject.toml requirements/dev.lock scripts/make-environment.sh
	sh scripts/make-environment.sh requirements/dev.lock
	touch $@

# ./demo holds only what an earlier demo wrote, so it may go.
demo: .venv/used
	rm -rf demo
	.venv/bin/compounding demo demo

test: .venv/developed
	sh scripts/setup-tests.sh
	.venv/bin/python -m pytest -n auto

check: .venv/developed
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/python -m pytest tests/test_layers.py

bench: .venv/developed
	sh scripts/setup-tests.sh bench
	@missed=; for each in startup plan chance lists journal qc barcodes labels; do \
		.venv/bin/python benchmarks/$$each.py || missed="$$missed $$each"; \
	done; test -z "$$missed" || { echo "Goals were missed in:$$missed" >&2; exit 1; }

mutants: .venv/developed
	.venv/bin/python scripts/mutants.py

faults: .venv/developed
	sh scripts/setup-tests.sh faults
	.venv/bin/python benchmarks/faults.py --write

tutorial: .venv/developed
	PYTHONPATH=. .venv/bin/python tests/test_tutorial.py --write

proofs: .venv/developed
	PYTHONPATH=. .venv/bin/python scripts/proofs.py

references: .venv/developed
	.venv/bin/python scripts/references.py
	.venv/bin/python scripts/rules.py
	.venv/bin/python scripts/reference.py
	.venv/bin/python scripts/schemas.py

clean:
	rm -rf .venv build dist demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
