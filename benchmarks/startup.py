"""What a command costs to start and run, as ratios to importing the libraries of such a tool in the same run.

The peer of every command is `python -c "import click, pint, pydantic"`; that of a label imports ReportLab's canvas too.

    python benchmarks/startup.py [--json] [--write] [--pairs 15] [COMMAND…]

CPU time is the median of the ratios of interleaved pairs of whole processes: a busy machine slows both of a pair.
Instructions are counted by callgrind where valgrind is installed; they come out the same every run, so they judge
the goal where there are any. The environment holds what a pharmacy would have and nothing else: numpy in particular
would make Pint, the peer, half as dear again; and pydantic, which only the peer imports. It is kept in build/ and made anew when the dependencies change.
Beside each command stand the three packages whose modules took longest to import, with their part of all imports.
A COMMAND (one argument, quoted, such as "formula list") is measured beside the standing ones, without a goal.
The exit code is 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from page import write_table

# What is measured runs as installed: with its bytecode, whatever this shell says of writing it.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / "build" / "startup"
LIBRARIES = "import click, pint, pydantic"
CANVAS = f"{LIBRARIES}; from reportlab.pdfgen import canvas"
# Of the locked packages of the developers, what the peer needs and the tool does not.
PEERS_OWN = ("annotated-types", "pydantic", "pydantic-core", "typing-extensions", "typing-inspection")
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
    """A command as it is typed, the ratio it may cost at most (None where it is only watched), and to which imports."""

    name: str
    command: str
    at_most: float | None = None
    peer: str = LIBRARIES


class Cost(NamedTuple):
    """What was measured, as ratios to the peer."""

    name: str
    cpu: float
    instructions: float | None
    at_most: float | None
    imports: str

    @property
    def met(self) -> bool:
        """True if the goal holds, by instructions where they were counted."""
        return self.at_most is None or (self.instructions or self.cpu) <= self.at_most


GOALS = (
    Goal("plan --json", PLAN, 1.0),
    Goal("--help", "--help", 1.0),
    Goal("label --out", LABEL, 1.3, CANVAS),
    Goal(
        "plan --from TAB-1",
        '--settings {settings} plan naltrexone-capsule --strength "1.5 mg" --count 100 --from TAB-1',
    ),
    *(
        Goal(command, f"--settings {{settings}} {command}")
        for command in (
            "--version",
            'convert "4.5 mg" mcg',
            "status",
            "formula list",
            "formula show naltrexone-capsule",
            "lot list",
            "lot show TAB-1",
            "batch list",
            "batch show {batch}",
            "qc results {batch}",
            "label stocks list",
            "scan {batch}",
            "trace {batch}",
            "recall {batch} --list",
            "person list",
            "journal head",
            "journal verify",
            "completion bash",
            "man plan",
        )
    ),
)


def quiet(*command: str | Path) -> None:
    """Runs a command that must succeed; what it said is shown only when it does not."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{shlex.join(map(str, command))}\n{done.stdout}{done.stderr}")


def lean_python() -> Path:
    """The interpreter of an environment with the locked run-time dependencies and this checkout, and no more."""
    lock = ROOT / "requirements" / "base.lock"
    needs = lock.read_bytes() + locked(PEERS_OWN).encode() + (ROOT / "pyproject.toml").read_bytes()
    digest = hashlib.sha256(needs + sys.version.encode()).hexdigest()
    python, made_for = ENVIRONMENT / "bin" / "python", ENVIRONMENT / "made-for"
    if not (made_for.exists() and made_for.read_text() == digest):
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        quiet(sys.executable, "-m", "venv", "--without-pip", ENVIRONMENT)
        pip = (sys.executable, "-m", "pip", "--python", python, "install", "-qq", "--disable-pip-version-check")
        quiet(*pip, "--require-hashes", "-r", ROOT / "requirements" / "base.lock")
        quiet(*pip, "--no-deps", "-e", ROOT)
        with tempfile.NamedTemporaryFile("w", suffix=".lock") as lock:
            lock.write(locked(PEERS_OWN))
            lock.flush()
            quiet(*pip, "--require-hashes", "--no-deps", "-r", lock.name)
        made_for.write_text(digest)
    return python


def locked(names: tuple[str, ...]) -> str:
    """These packages of the developers' lock, each with its hashes."""
    blocks = re.split(r"\n(?=[a-z])", (ROOT / "requirements" / "dev.lock").read_text("utf-8"))
    return "\n".join(block for block in blocks if block.split("==")[0] in names) + "\n"


def slowest_imports(python: Path, arguments: tuple[str, ...], folder: Path) -> str:
    """The three packages whose own modules took longest to import, with their part of all imports."""
    take_away(folder)
    done = subprocess.run([python, "-X", "importtime", *arguments], cwd=folder, capture_output=True, text=True)
    spent: dict[str, int] = {}
    for micros, name in re.findall(r"^import time: +(\d+) \| +\d+ \| +([\w.]+)$", done.stderr, re.MULTILINE):
        package = name.split(".")[0].removeprefix("_")
        spent[package] = spent.get(package, 0) + int(micros)
    whole = sum(spent.values())
    worst = sorted(spent, key=spent.__getitem__, reverse=True)[:3]
    return ", ".join(f"{package} {100 * spent[package] / whole:.0f} %" for package in worst)


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
    peers = [("-c", goal.peer) for goal in goals]
    for command in {*peers, *commands}:
        cpu_seconds(python, command, folder)
    ratios: list[list[float]] = [[] for _ in goals]
    for _ in range(pairs):
        for command, peer, seen in zip(commands, peers, ratios, strict=True):
            beside = cpu_seconds(python, peer, folder)
            seen.append(cpu_seconds(python, command, folder) / beside)
    floors = {peer: instructions(python, peer, folder) for peer in set(peers)}
    costs = []
    for goal, command, peer, seen in zip(goals, commands, peers, ratios, strict=True):
        count, floor = instructions(python, command, folder), floors[peer]
        counted = count / floor if count and floor else None
        costs.append(
            Cost(goal.name, statistics.median(seen), counted, goal.at_most, slowest_imports(python, command, folder))
        )
    return costs


def table(costs: list[Cost]) -> str:
    """The result as Markdown, a row a command."""
    rows = ["| command | CPU time | instructions | goal | | slowest imports |", "|---|---|---|---|---|---|"]
    for cost in costs:
        counted = "not counted" if cost.instructions is None else f"{cost.instructions:.2f}"
        goal = "" if cost.at_most is None else f"at most {cost.at_most}"
        verdict = "" if cost.at_most is None else "met" if cost.met else "missed"
        rows.append(f"| `{cost.name}` | {cost.cpu:.2f} | {counted} | {goal} | {verdict} | {cost.imports} |")
    return "\n".join(rows)


def main() -> int:
    """Measures, shows and, if asked, writes down."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help='such as "formula list"')
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    asked = parser.parse_args()
    goals = [*GOALS, *(Goal(command, command) for command in asked.commands)]
    with tempfile.TemporaryDirectory() as folder:
        costs = measure(goals, asked.pairs, lean_python(), Path(folder))
    if asked.json:
        shown = [cost._asdict() | {"met": cost.met} for cost in costs]
        print(json.dumps({"peer": f'python -c "{LIBRARIES}"', "costs": shown}))
    else:
        print(f'Ratios to python -c "{LIBRARIES}" (a label: to "{CANVAS}"):\n\n{table(costs)}')
    if asked.write:
        write_table("startup", table(costs))
    return 0 if all(cost.met for cost in costs) else 1


if __name__ == "__main__":
    sys.exit(main())
