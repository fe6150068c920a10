"""What a control chart over many batches costs, against numpy doing the same sums on the same journal.

    python benchmarks/qc.py [--write] [--batches 100000] [--pairs 5]

A journal of so many capsule batches, each opened and with an assay, is written to a temporary file; what a batch was
opened with is left out of all but the last, because a chart finds it by index and does not read it. The chart is what
``qc chart`` does after its start: batches by index, results read and held against their hashes, limits, Nelson's and
Western Electric's rules, capability. The peer reads the same rows with bare sqlite3 and json, checks nothing, and does
the same sums in numpy. The ratio is the median of interleaved pairs, in CPU time. The exit code is 1 if the goal is
missed. numpy lies in build/simulation, where scripts/setup-tests.sh puts it.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "build" / "simulation"), str(ROOT)]

import numpy as np  # noqa: E402

from benchmarks.page import write_table  # noqa: E402
from compounding.cli.app import App  # noqa: E402
from compounding.cli.chart import read_series  # noqa: E402
from compounding.work.charting import Chart, chart_of, phases_of, rules_named  # noqa: E402
from tests.bench import Bench, stocked  # noqa: E402
from tests.series import batches, pattern, write  # noqa: E402

AT_MOST = 2.0
PRODUCT, STRENGTH = "naltrexone-capsule", "1.5 mg"
AT_ONCE = 2000
GIVEN = {"strength": STRENGTH, "strength_of": None, "trait": "assay"}


def journal_of(folder: Path, number: int) -> Bench:
    """A bench whose journal holds so many batches with an assay each."""
    bench = stocked(folder)
    first = pattern(bench)
    chance = random.Random(905)
    values = [f"{chance.gauss(99.4, 1.2):.1f}" for _ in range(number)]
    for begin in range(0, number, AT_ONCE):
        drafts = batches(first, values[begin : begin + AT_ONCE], begin + 1, whole=False)
        write(bench, drafts)
    write(bench, batches(first, [None], number + 1))
    return bench


def charted(bench: Bench) -> Chart:
    """The chart as the command makes it."""
    app = App(str(bench.folder / "settings.toml"), "ana")
    try:
        series = read_series(app, PRODUCT, GIVEN)
        phases = phases_of(series.points, series.frozen)
        made = (series.points, series.without, series.unit)
        return chart_of(PRODUCT, STRENGTH, series.test, made, phases, rules_named("nelson,western-electric"))
    finally:
        app.close()


def in_numpy(bench: Bench) -> dict[str, Any]:
    """The same values by bare SQL, the same limits, rules and indices in numpy."""
    with sqlite3.connect(bench.journal) as connection:
        opened = connection.execute(
            "SELECT subject FROM subjects WHERE subject >= ? AND subject < ?", (f"made:{PRODUCT}/", f"made:{PRODUCT}0")
        ).fetchall()
        days = {subject.rsplit(":", 1)[1]: subject for (subject,) in opened}
        rows = connection.execute(
            "SELECT body FROM entries WHERE sequence IN (SELECT sequence FROM subjects WHERE subject = ?)",
            (f"results:{PRODUCT}/{STRENGTH}:assay",),
        ).fetchall()
    connection.close()
    found = {}
    for (raw,) in rows:
        body = json.loads(raw)["body"]
        found[body["batch"]] = float(body["values"][0].removesuffix(" %"))
    return sums(np.array([found[batch] for batch in sorted(found, key=days.__getitem__)]))


def sums(values: Any) -> dict[str, Any]:
    """Limits from the first twenty, every rule by sliding windows, Cpk and Ppk."""
    base = values[:20]
    sigma_of = np.abs(np.diff(base)).mean()
    z = (values - base.mean()) / (sigma_of / 1.128)
    steps = np.diff(values)

    def fires(flags: Any, needed: int, of: int) -> int:
        counts = np.convolve(flags, np.ones(of, int))[: len(flags)]
        return int((counts >= needed).sum())

    line = 1e-6
    up, down = steps > 0, steps < 0
    turns = steps[1:] * steps[:-1] < 0
    outside = np.abs(z) > 1 + line
    fired = {
        "1": int((np.abs(z) > 3 + line).sum()),
        "2": fires(z > line, 9, 9) + fires(z < -line, 9, 9),
        "3": fires(up, 5, 5) + fires(down, 5, 5),
        "4": fires(turns, 12, 12),
        "5": fires(z > 2 + line, 2, 3) + fires(z < -2 - line, 2, 3),
        "6": fires(z > 1 + line, 4, 5) + fires(z < -1 - line, 4, 5),
        "7": fires(~outside, 15, 15),
        "8": fires(outside, 8, 8) - fires(z > 1 + line, 8, 8) - fires(z < -1 - line, 8, 8),
        "w4": fires(z > line, 8, 8) + fires(z < -line, 8, 8),
        "range": int((np.abs(steps) > 3.267 * sigma_of).sum()),
    }
    nearer = min(110 - values.mean(), values.mean() - 90)
    within = np.abs(steps).mean() / 1.128
    return {"fired": fired, "cpk": nearer / (3 * within), "ppk": nearer / (3 * values.std(ddof=1))}


def cpu_seconds(work: Callable[[], Any]) -> float:
    """Time that one piece of work takes on a processor [s]."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def check_alike(chart: Chart, peer: dict[str, Any]) -> None:
    """Both found the same: a race between different answers would mean nothing."""
    fired = chart.phases[-1].signals
    for number in "12345678":
        assert len(fired.get(f"nelson-{number}", ())) == peer["fired"][number], number
    assert len(fired.get("western-electric-4", ())) == peer["fired"]["w4"]
    assert len(fired.get("moving-range", ())) == peer["fired"]["range"]
    assert chart.capability
    assert abs(chart.capability.cpk.value - peer["cpk"]) < 1e-9
    assert abs(chart.capability.ppk.value - peer["ppk"]) < 1e-9


def main() -> int:
    """Measures, shows and, if asked, writes down."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--batches", type=int, default=100_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    asked = parser.parse_args()
    gc.disable()  # as the command does
    with tempfile.TemporaryDirectory() as folder:
        bench = journal_of(Path(folder) / "bench", asked.batches)
        check_alike(charted(bench), in_numpy(bench))
        pairs = [
            (cpu_seconds(lambda: charted(bench)), cpu_seconds(lambda: in_numpy(bench))) for _ in range(asked.pairs)
        ]
    ratio = statistics.median(ours / peer for ours, peer in pairs)
    seconds = statistics.median(ours for ours, _ in pairs)
    rows = [
        f"| control chart of {asked.batches:,} batches, against numpy doing the same sums plus reading them | {ratio:.2f} | at most {AT_MOST:g} |",
        f"| the same, by the clock of the processor | {seconds:.1f} s | stated, no goal |",
    ]
    table = "\n".join(["| quality control | | goal |", "|---|---|---|", *rows])
    print(table)
    if asked.write:
        write_table("qc", table)
    return 0 if ratio <= AT_MOST else 1


if __name__ == "__main__":
    sys.exit(main())
