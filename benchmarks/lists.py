"""What a list of many batches costs, against a bare sqlite3 query for the same rows that prints them.

    python benchmarks/lists.py [--write] [--batches 100000] [--pairs 3]

A journal of so many capsule batches, each opened whole (twenty thousand bytes) and released, is written to a temporary
file. The list is the command `batch list` after its start: entries held against their hashes, read, sorted, set in
columns. The peer asks SQLite for the same six words of each batch (json_extract) and prints them with commas. The ratio
is the median of interleaved pairs, in CPU time. The exit code is 1 if the goal is missed.
"""

from __future__ import annotations

import argparse
import io
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.page import write_table  # noqa: E402
from compounding.records.facts import Released  # noqa: E402
from tests.bench import Bench, stocked  # noqa: E402
from tests.series import batches, draft, pattern, write  # noqa: E402

AT_MOST = 2.0
AT_ONCE = 1000
QUERY = """
SELECT json_extract(body, '$.body.batch'), json_extract(body, '$.body.plan.name'),
       json_extract(body, '$.body.plan.strength'), json_extract(body, '$.body.plan.made'),
       json_extract(body, '$.body.plan.beyond_use.date'),
       (SELECT kind FROM subjects JOIN entries AS ended USING (site, sequence)
        WHERE subjects.site = entries.site AND subject = 'ended:' || json_extract(entries.body, '$.body.batch'))
FROM entries WHERE kind = 'batch-opened'
"""


def journal_of(folder: Path, number: int) -> Bench:
    """A bench whose journal holds so many released batches."""
    bench = stocked(folder)
    first = pattern(bench)
    bench.do('batch reject FIRST --reason "only a pattern"')
    for begin in range(1, number + 1, AT_ONCE):
        opened = batches(first, [None] * min(AT_ONCE, number + 1 - begin), begin)
        ids = [str(each.body["batch"]) for each in opened]
        released = [draft(Released(batch=id, meaning="reviewed"), first.plan, id) for id in ids]
        now = datetime.now(UTC)
        write(bench, [replace(each, time=now) for pair in zip(opened, released, strict=True) for each in pair])
    return bench


def bare(bench: Bench) -> str:
    """The same rows by bare SQL, printed."""
    out = io.StringIO()
    with redirect_stdout(out), sqlite3.connect(bench.journal) as connection:
        for row in connection.execute(QUERY):
            print(",".join(map(str, row)))
    connection.close()
    return out.getvalue()


def cpu_seconds(work: Callable[[], Any]) -> float:
    """Time that one piece of work takes on a processor [s]."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def main() -> int:
    """Measures, and says whether the goal is met."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    parser.add_argument("--batches", type=int, default=100_000)
    parser.add_argument("--pairs", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = journal_of(Path(folder), asked.batches)
        listed = bench.do("batch list --csv").out.splitlines()[1:]
        assert sorted(line.split(",")[0] for line in listed) == sorted(line.split(",")[0] for line in bare(bench).splitlines())
        ratios, times = [], []
        for _ in range(asked.pairs):
            times.append(cpu_seconds(lambda: bench.do("batch list")))
            ratios.append(times[-1] / cpu_seconds(lambda: bare(bench)))
    ratio = statistics.median(ratios)
    table = (
        f"| a list of {asked.batches:,} batches | | goal |\n|---|---|---|\n"
        f"| `batch list`, against a bare query for the same rows that prints them | {ratio:.2f} | at most {AT_MOST:g} |\n"
        f"| the same, CPU time | {statistics.median(times):.1f} s | stated, no goal |"
    )
    print(table)
    if asked.write:
        write_table("lists", table)
    return 0 if ratio <= AT_MOST else 1


if __name__ == "__main__":
    sys.exit(main())
