"""Mutates the verdicts of quality control and counts what their tests notice: ``make mutants``.

    python scripts/mutants.py [--write] [--at-most-children 2]

Works on a copy in build/mutants, with mutmut beside it, so that neither the tree nor .venv is touched. mutmut leaves
decorated functions (properties, dataclasses) alone; branch coverage, asked for first, does not. The exit code is 1 if
a branch is not taken or fewer than 95 % of the mutants are killed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.page import write_table  # noqa: E402

FOLDER = ROOT / "build" / "mutants"
LOCK = ROOT / "requirements" / "mutants.lock"
SUBJECTS = ("control", "uniformity")
TESTS = [f"tests/calc/test_{subject}.py" for subject in SUBJECTS]
AT_LEAST = 95.0  # percent of the mutants

CONFIGURATION = f"""\
[tool.mutmut]
source_paths = ["compounding"]
only_mutate = {json.dumps([f"compounding/calc/{subject}.py" for subject in SUBJECTS])}
pytest_add_cli_args_test_selection = {json.dumps(TESTS)}
pytest_add_cli_args = ["-p", "no:cacheprovider"]

[tool.pytest.ini_options]
addopts = "--import-mode=importlib"
"""
# The same examples of Hypothesis for every mutant, so that two runs agree.
CONFTEST = """\
from hypothesis import settings

settings.register_profile("mutants", deadline=None, derandomize=True, database=None)
settings.load_profile("mutants")
"""


def branch_coverage(coverage_file: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Runs the tests, or those of them that ``more`` picks, with branch coverage of both files; code 0 if all are taken."""
    measured = [f"--cov=compounding.calc.{subject}" for subject in SUBJECTS]
    asked = ["--cov-branch", "--cov-fail-under=100", "--cov-report=term-missing:skip-covered", *measured]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *TESTS, *asked, *more]
    environment = {**os.environ, "COVERAGE_FILE": str(coverage_file)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def every_branch_is_taken() -> bool:
    """Measures it with every test, and shows it."""
    done = branch_coverage(FOLDER / "coverage")
    print(done.stdout, end="")
    return done.returncode == 0


def install_mutmut() -> Path:
    """mutmut by its lock, in a folder of its own; installed again only when the lock changes."""
    library, installed = FOLDER / "library", FOLDER / "installed.lock"
    if not installed.is_file() or installed.read_bytes() != LOCK.read_bytes():
        shutil.rmtree(library, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run([*pip, "--target", str(library), "-r", str(LOCK)], check=True)
        installed.write_bytes(LOCK.read_bytes())
    return library


def copy_tree() -> Path:
    """The package and the tests of both subjects, and nothing from an earlier run."""
    work = FOLDER / "work"
    shutil.rmtree(work, ignore_errors=True)
    without_caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "compounding", work / "compounding", ignore=without_caches)
    for part in ("calc", "cases"):
        shutil.copytree(ROOT / "tests" / part, work / "tests" / part, ignore=without_caches)
    (work / "tests" / "conftest.py").write_text(CONFTEST, "utf-8")
    (work / "pyproject.toml").write_text(CONFIGURATION, "utf-8")
    return work


def run_mutmut(library: Path, work: Path, children: int) -> dict[str, int]:
    """How many mutants met which end."""
    environment = {**os.environ, "PYTHONPATH": str(library)}
    mutmut = [sys.executable, "-m", "mutmut"]
    log = FOLDER / "run.log"
    with log.open("wb") as shown:
        done = subprocess.run(
            [*mutmut, "run", "--max-children", str(children)], cwd=work, env=environment, stdout=shown, stderr=shown
        )
    if done.returncode:
        sys.exit(f"mutmut stopped; {log} says why")
    subprocess.run([*mutmut, "export-cicd-stats"], cwd=work, env=environment, check=True, stdout=subprocess.DEVNULL)
    survivors = subprocess.run(
        [*mutmut, "results"], cwd=work, env=environment, check=True, capture_output=True, text=True
    )
    print(survivors.stdout, end="")
    counts: dict[str, int] = json.loads((work / "mutants" / "mutmut-cicd-stats.json").read_text("utf-8"))
    return counts


def main() -> int:
    """Measures, shows and, if asked, writes down."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--at-most-children", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    asked = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    covered = every_branch_is_taken()
    counts = run_mutmut(install_mutmut(), copy_tree(), asked.at_most_children)
    # A mutant that never ends is noticed; one that no test runs is not.
    killed, total = counts["killed"] + counts["timeout"], counts["total"]
    share = 100 * killed / total
    rows = [
        f"| mutants killed in {' and '.join(f'calc/{subject}.py' for subject in SUBJECTS)} | {killed} of {total}, {share:.1f} % | at least {AT_LEAST:g} % |",
        f"| branches taken in both | {'all' if covered else 'not all'} | all |",
    ]
    table = "\n".join(["| tests of the verdicts | | goal |", "|---|---|---|", *rows])
    print(table)
    if asked.write:
        write_table("mutants", table)
    return 0 if covered and share >= AT_LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
