"""What a command costs to start and run, as ratios to `python -c "import pint"` in the same run and environment.

    python benchmarks/startup.py [--json] [--write] [--pairs 15] [COMMAND…]

CPU time is the median of the ratios of interleaved pairs of whole processes: a busy machine slows both of a pair.
Instructions are counted by callgrind where valgrind is installed; they come out the same every run, so they judge
the goal where there are any. The environment holds what a pharmacy would have and nothing else: numpy in particular
would make Pint, the peer, half as dear again. It is kept in build/ and made anew when the dependencies change.
A COMMAND (one argument, quoted, such as "formula list") is measured beside the standing ones, without a goal.
The exit code is 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

# What is measured runs as installed: with its bytecode, whatever this shell says of writing it.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / "build" / "startup"
PAGE = ROOT / "docs" / "performance.md"
PEER = ("-c", "import pint")
PLAN = """
plan naltrexone-capsule --strength "1.5 mg" --count 100 --from tablet --tablet-weight "302.4 mg" --capsule-size 3
--shell-maker coni-snap --filler-packing "135 mg" --readability "0.1 mg" --minimum-weight "20 mg" --overage "5 %" --json
"""
# {settings} and {batch} come from a demo made for the purpose; {out} is taken away before each run, because a label
# replaces no file, and each label is for one capsule, because no more is given out than was made.
LABEL = """
--settings {settings} --as ana label {batch} --out {out} --prescription 7 --patient "Alex Q. Sample"
--prescriber "Dr. J. Example" --quantity "1 capsule"
"""
DEMO = "demo {folder}"
BATCHES = "--settings {settings} batch list --json"


class Goal(NamedTuple):
    """A command as it is typed, and the ratio it may cost at most; None where it is only watched."""

    name: str
    command: str
    at_most: float | None


class Cost(NamedTuple):
    """What was measured, as ratios to the peer."""

    name: str
    cpu: float
    instructions: float | None
    at_most: float | None

    @property
    def met(self) -> bool:
        """True if the goal holds, by instructions where they were counted."""
        return self.at_most is None or (self.instructions or self.cpu) <= self.at_most


GOALS = (
    Goal("plan --json", PLAN, 1.9),
    Goal("--help", "--help", 0.40),
    Goal("label --out", LABEL, 3.1),
    Goal("--version", "--version", None),
    Goal('convert "4.5 mg" mcg', 'convert "4.5 mg" mcg', None),
    Goal("formula list", "formula list", None),
    Goal("batch list", "--settings {settings} batch list", None),
    Goal("journal verify", "--settings {settings} journal verify", None),
)


def quiet(*command: str | Path) -> None:
    """Runs a command that must succeed; what it said is shown only when it does not."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{shlex.join(map(str, command))}\n{done.stdout}{done.stderr}")


def lean_python() -> Path:
    """The interpreter of an environment with the locked run-time dependencies and this checkout, and no more."""
    needs = (ROOT / "requirements" / "base.lock").read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    digest = hashlib.sha256(needs + sys.version.encode()).hexdigest()
    python, made_for = ENVIRONMENT / "bin" / "python", ENVIRONMENT / "made-for"
    if not (made_for.exists() and made_for.read_text() == digest):
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        quiet(sys.executable, "-m", "venv", "--without-pip", ENVIRONMENT)
        pip = (sys.executable, "-m", "pip", "--python", python, "install", "-qq", "--disable-pip-version-check")
        quiet(*pip, "--require-hashes", "-r", ROOT / "requirements" / "base.lock")
        quiet(*pip, "--no-deps", "-e", ROOT)
        made_for.write_text(digest)
    return python


def take_away(folder: Path) -> None:
    """Removes the paper that an earlier run of a command wrote."""
    for paper in folder.glob("*.pdf"):
        paper.unlink()


def cpu_seconds(python: Path, arguments: tuple[str, ...], folder: Path) -> float:
    """Time that one whole process spent on a processor, in and for the program [s]."""
    take_away(folder)
    process = subprocess.Popen([python, *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.stderr.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{shlex.join(arguments)} ended with {process.returncode}: {said.decode()}")
    return usage.ru_utime + usage.ru_stime


def instructions(python: Path, arguments: tuple[str, ...], folder: Path) -> int | None:
    """Instructions of one whole process [1], or None without valgrind."""
    if not shutil.which("valgrind"):
        return None
    take_away(folder)
    watched = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(python), *arguments]
    # A fixed hash seed makes the count come out the same every run.
    surroundings = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(watched, cwd=folder, env=surroundings, capture_output=True, text=True)
    counted = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not counted:
        sys.exit(f"{shlex.join(arguments)} under callgrind ended with {done.returncode}: {done.stderr}")
    return int(counted[1])


def demonstration(python: Path, folder: Path) -> dict[str, str]:
    """What the standing commands name: the settings and first batch of a fresh demo, and a file to write."""
    names = {"folder": str(folder / "demo"), "settings": str(folder / "demo" / "settings.toml")}
    quiet(python, "-m", "compounding", *words(DEMO, names))
    listed = subprocess.check_output([python, "-m", "compounding", *words(BATCHES, names)], cwd=folder)
    batch = json.loads(listed)["batches"][0]["id"]
    return {**names, "batch": batch, "out": str(folder / "label.pdf")}


def words(command: str, names: dict[str, str]) -> tuple[str, ...]:
    """The words of a command line, with what stands in braces filled in."""
    return tuple(word.format(**names) for word in shlex.split(command))


def measure(goals: list[Goal], pairs: int, python: Path, folder: Path) -> list[Cost]:
    """Every command against the peer: first once unmeasured, so that all is compiled and read, then in turn."""
    names = demonstration(python, folder)
    commands = [("-m", "compounding", *words(goal.command, names)) for goal in goals]
    for command in (PEER, *commands):
        cpu_seconds(python, command, folder)
    ratios: list[list[float]] = [[] for _ in goals]
    for _ in range(pairs):
        for command, seen in zip(commands, ratios, strict=True):
            peer = cpu_seconds(python, PEER, folder)
            seen.append(cpu_seconds(python, command, folder) / peer)
    floor = instructions(python, PEER, folder)
    counts = [instructions(python, command, folder) for command in commands]
    return [
        Cost(goal.name, statistics.median(seen), count / floor if count and floor else None, goal.at_most)
        for goal, seen, count in zip(goals, ratios, counts, strict=True)
    ]


def table(costs: list[Cost]) -> str:
    """The result as Markdown, a row a command."""
    rows = ["| command | CPU time | instructions | goal | |", "|---|---|---|---|---|"]
    for cost in costs:
        counted = "not counted" if cost.instructions is None else f"{cost.instructions:.2f}"
        goal = "" if cost.at_most is None else f"at most {cost.at_most}"
        verdict = "" if cost.at_most is None else "met" if cost.met else "missed"
        rows.append(f"| `{cost.name}` | {cost.cpu:.2f} | {counted} | {goal} | {verdict} |")
    return "\n".join(rows)


def write_page(text: str) -> None:
    """Puts the table between the two marks of docs/performance.md."""
    page = PAGE.read_text("utf-8")
    begin, end = "<!-- startup: begin -->", "<!-- startup: end -->"
    before, after = page.split(begin)[0], page.split(end)[1]
    machine = f"CPython {platform.python_version()} on {platform.system()} {platform.machine()}."
    PAGE.write_text(f"{before}{begin}\n{machine}\n\n{text}\n{end}{after}", "utf-8")


def main() -> int:
    """Measures, shows and, if asked, writes down."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help='such as "formula list"')
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    asked = parser.parse_args()
    goals = [*GOALS, *(Goal(command, command, None) for command in asked.commands)]
    with tempfile.TemporaryDirectory() as folder:
        costs = measure(goals, asked.pairs, lean_python(), Path(folder))
    if asked.json:
        shown = [cost._asdict() | {"met": cost.met} for cost in costs]
        print(json.dumps({"peer": 'python -c "import pint"', "costs": shown}))
    else:
        print('Ratios to python -c "import pint":\n\n' + table(costs))
    if asked.write:
        write_page(table(costs))
    return 0 if all(cost.met for cost in costs) else 1


if __name__ == "__main__":
    sys.exit(main())
