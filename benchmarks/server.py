"""What sites on one PostgreSQL server cost each other: eight writers on eight sites against eight on one.

    python benchmarks/server.py [--write] [--times 400]

A server of our own, with its files on the disk and every commit waited for; eight processes that began at one instant
append entries about nothing shared. On one site each waits for the lock until the commit before it is on the disk; on
eight, commits are flushed together. In one run also one writer alone, and bare inserts by the same eight, each its own
commit, into a table without chain, lock or trigger: what the server itself can do on this machine. Writers and server
share its cores: how busy those are says whether more sites could have gained more. The median of three rounds; the exit
code is 1 if the goal is missed although cores were idle.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from benchmarks.page import write_table  # noqa: E402
from compounding.store import postgresql  # noqa: E402
from tests.servers import WRITER, Server, made, new_folder, prepared  # noqa: E402

WRITERS, ROUNDS, AT_LEAST, BUSY = 8, 3, 4.0, 0.9


def rate(server: Server, count: int, *task: str) -> float:
    """Entries a second of so many processes together."""
    command = [sys.executable, "-m", "tests.store.crowd", str(count), server.address(), *task]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=True
    )
    told = json.loads(done.stdout)
    return float(sum(each["done"] for each in told) / max(each["seconds"] for each in told))


def busy(before: list[int], after: list[int]) -> float:
    """The share of its time that the machine worked between two readings [0 to 1]."""
    spent = [late - early for early, late in zip(before, after, strict=True)]
    return 1 - (spent[3] + spent[4]) / sum(spent)  # idle, and waiting for the disk


def clock() -> list[int]:
    return [int(each) for each in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]


@dataclass(frozen=True)
class Measured:
    """The table, and whether the goal is met or the machine's cores were busy."""

    table: str
    met: bool


def measured(times: int) -> Measured:
    """What so many entries of each writer cost."""
    folder = new_folder(on_disk=True)
    server = prepared(made(folder))
    try:
        for number in range(WRITERS):
            postgresql.create(server.address("postgres"), f"site-{number}", WRITER).close()
        server.run("CREATE TABLE compounding.bare(body bytea)", f"GRANT INSERT ON compounding.bare TO {WRITER}")
        tasks = {
            "alone": (1, "spread", str(times), "1"),
            "one": (WRITERS, "spread", str(times), "1"),
            "eight": (WRITERS, "spread", str(times), str(WRITERS)),
            "bare alone": (1, "bare", str(times)),
            "bare": (WRITERS, "bare", str(times)),
        }
        rounds, worked = [], []
        for _ in range(ROUNDS):
            told = {}
            for name, task in tasks.items():
                begin = clock()
                told[name] = rate(server, *task)
                if name == "eight":
                    worked.append(busy(begin, clock()))
            rounds.append(told)
    finally:
        server.stop("fast")
        shutil.rmtree(folder)
    each = {name: statistics.median(one[name] for one in rounds) for name in tasks}
    share = statistics.median(worked)
    gain, bare = each["eight"] / each["one"], each["bare"] / each["bare alone"]
    table = "\n".join(
        [
            f"{os.cpu_count()} cores.",
            "",
            "| PostgreSQL, durable | entries a second | |",
            "|---|---|---|",
            f"| one writer | {each['alone']:,.0f} | |",
            f"| {WRITERS} writers on one site | {each['one']:,.0f} | |",
            f"| {WRITERS} writers on {WRITERS} sites | {each['eight']:,.0f} | {gain:.1f} of one site; goal at least {AT_LEAST:g}, {'met' if gain >= AT_LEAST else 'missed'} |",
            f"| the cores meanwhile | {share:.0%} busy | |",
            f"| bare insert and commit, one writer | {each['bare alone']:,.0f} | |",
            f"| bare insert and commit, {WRITERS} writers | {each['bare']:,.0f} | {bare:.1f} of one writer |",
        ]
    )
    return Measured(table, gain >= AT_LEAST or share >= BUSY)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    options.add_argument("--times", type=int, default=400)
    given = options.parse_args()
    done = measured(given.times)
    print(done.table)
    if given.write:
        write_table("server", done.table)
    return 0 if done.met else 1


if __name__ == "__main__":
    sys.exit(main())
