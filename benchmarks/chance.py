"""What a chance to pass costs: drawn, against the bare drawing of the same normals; in closed form, as it is.

    python benchmarks/chance.py [--write] [--pairs 15]

A pair is one simulation and, right after it, as many normals from the same generator in the same pieces and nothing
done with them: ten for each batch, twenty more where the first stage failed. The ratio is the median of the pairs, in
CPU time. numpy lies in build/simulation, where scripts/setup-tests.sh puts it. The exit code is 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "build" / "simulation"), str(ROOT)]

from benchmarks.page import write_table  # noqa: E402
from compounding.calc.chance import chance_to_pass  # noqa: E402
from compounding.calc.simulation import AT_ONCE, simulated_chance  # noqa: E402

MEAN, SD, BATCHES = 98.0, 5.8, 200_000
AT_MOST, AT_MOST_MS = 1.6, 10.0


def cpu_seconds(work: Callable[[], Any]) -> float:
    """Time that one piece of work takes on a processor [s]."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def drawn_bare(stage_1: float) -> None:
    """As many normals as the simulation draws."""
    import numpy

    generator = numpy.random.Generator(numpy.random.SFC64(905))
    ten, twenty = numpy.empty((10, AT_ONCE)), numpy.empty((20, round(AT_ONCE * (1 - stage_1))))
    for _ in range(BATCHES // AT_ONCE):
        generator.standard_normal(out=ten)
        generator.standard_normal(out=twenty)


def main() -> int:
    """Measures, shows and, if asked, writes down."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    asked = parser.parse_args()
    seen = simulated_chance(MEAN, SD, batches=BATCHES)
    ratios, closed = [], []
    for _ in range(asked.pairs):
        simulated = cpu_seconds(lambda: simulated_chance(MEAN, SD, batches=BATCHES))
        ratios.append(simulated / cpu_seconds(lambda: drawn_bare(seen.stage_1)))
        closed.append(cpu_seconds(lambda: chance_to_pass(MEAN, SD, batch_sd=3)) * 1000)
    ratio, milliseconds = statistics.median(ratios), statistics.median(closed)
    rows = [
        f"| simulation of both stages, {BATCHES:,} batches, against drawing the same normals | {ratio:.2f} | at most {AT_MOST} |",
        f"| closed form, both stages, the batch's mean uncertain | {milliseconds:.1f} ms | under {AT_MOST_MS:.0f} ms |",
    ]
    table = "\n".join(["| chance to pass | | goal |", "|---|---|---|", *rows])
    print(table)
    if asked.write:
        write_table("chance", table)
    return 0 if ratio <= AT_MOST and milliseconds < AT_MOST_MS else 1


if __name__ == "__main__":
    sys.exit(main())
