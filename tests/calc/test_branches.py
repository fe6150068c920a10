"""Every branch of the verdicts of quality control is taken by a test, in every run of the tests.

The mutation run asks the same with all their tests (``make mutants``); here the worked examples alone do it.
"""

from __future__ import annotations

from pathlib import Path

from scripts.mutants import branch_coverage

# What Hypothesis draws and what is simulated takes long, and no branch needs it.
WORKED = ["-m", "not hypothesis", "-k", "not one_in_about"]


def test_the_worked_examples_take_every_branch_of_uniformity_and_control(tmp_path: Path) -> None:
    done = branch_coverage(tmp_path / "coverage", *WORKED)
    assert done.returncode == 0, done.stdout
