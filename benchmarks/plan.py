"""What a plan costs in a running process, against the same arithmetic in bare Decimal.

    python benchmarks/plan.py [--write] [--pairs 30]

The peer computes every amount of the same plan (active, tablets, powder, filler, fill, limits of the lines) on bare
decimals: without units, materials, working, rules, dates, texts or doubts. The ratio says what all those cost; the
goal is the time of the plan itself. Times are CPU time, medians of interleaved pairs. The exit code is 1 if the goal is
missed.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.page import write_table  # noqa: E402
from compounding.data_files import data_folder  # noqa: E402
from compounding.quantities import quantity  # noqa: E402
from compounding.records.formula import digest_of, read_formula  # noqa: E402
from compounding.records.plan import Plan  # noqa: E402
from compounding.work.materials import Balance, Filler, Materials, Order, Shells, Tablets  # noqa: E402
from compounding.work.planned import plan as make_plan  # noqa: E402

AT_MOST_MS = 20.0
TEXT = (data_folder("formulas") / "naltrexone-capsule.toml").read_text("utf-8")
FORMULA, DIGEST = read_formula(TEXT, "naltrexone-capsule"), digest_of(TEXT)
WEIGHTS = [Decimal(3024 + step) / 10 for step in range(-10, 11)]


def plan() -> Plan:
    """100 capsules of 1.5 mg, from what someone typed to the whole plan."""
    weights = tuple(quantity(f"{weight} mg/tablet") for weight in WEIGHTS)
    materials = Materials(
        tablets=Tablets(quantity("50 mg/tablet"), weights, weighed=len(weights)),
        balance=Balance("analytical", quantity("0.1 mg"), quantity("20 mg")),
        filler=Filler("microcrystalline cellulose", quantity("135 mg"), None),
        shells=Shells("3", "coni-snap", quantity("0.30 mL"), quantity("48 mg")),
    )
    order = Order(quantity("1.5 mg"), 100, None, Fraction(1, 20), "batch", date(2026, 11, 22))
    made, problems = make_plan(FORMULA, DIGEST, order, materials)
    if not made:
        sys.exit(f"the plan of the benchmark is refused: {problems}")
    return made


def bare() -> tuple[Decimal, Decimal]:
    """The same amounts on bare decimals: powder and filler to weigh [mg]."""
    step, claim, packing, shell = Decimal("0.1"), Decimal(50), Decimal(135), Decimal(48)
    units = 100 * Decimal("1.05")
    active = Decimal("1.5") * units
    average = sum(WEIGHTS, Decimal(0)) / len(WEIGHTS)
    tablets = active / claim
    exact = tablets * average
    weigh = exact.quantize(step, ROUND_HALF_UP)
    _discarded = math.ceil(tablets) * average - weigh
    made = weigh / average * claim / units
    _error = made / Decimal("1.5") - 1
    each = exact / units
    share = each / packing
    filler_each = (1 - share) * packing
    filler_exact = filler_each * units
    filler = filler_exact.quantize(step, ROUND_HALF_UP)
    _theoretical = each + filler_each + shell
    for target in (weigh, filler):
        for sign in (-1, 1):
            (target * (1 + sign * Decimal("0.02"))).quantize(step, ROUND_HALF_UP)
    return weigh, filler


def main() -> int:
    """Measures, shows and, if asked, writes down."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    asked = parser.parse_args()
    seen, powder_and_filler = plan(), bare()
    planned = (seen.source.weigh, seen.filler.weigh if seen.filler else "")
    if planned != tuple(f"{mass} mg" for mass in powder_and_filler):
        sys.exit(f"the plan weighs {planned}, bare decimals {powder_and_filler}: they do not compute the same")
    plans, peers = [], []
    for _ in range(asked.pairs):
        begun = time.process_time()
        plan()
        between = time.process_time()
        for _ in range(100):
            bare()
        plans.append((between - begun) * 1000)
        peers.append((time.process_time() - between) * 10)
    milliseconds = statistics.median(plans)
    ratio = statistics.median(a / b for a, b in zip(plans, peers, strict=True))
    rows = [
        f"| `plan`, 100 capsules, in a running process | {milliseconds:.1f} ms | under {AT_MOST_MS:.0f} ms |",
        f"| the same against its arithmetic in bare Decimal | {ratio:.0f} | stated, no goal |",
    ]
    table = "\n".join(["| one plan | | goal |", "|---|---|---|", *rows])
    print(table)
    if asked.write:
        write_table("plan", table)
    return 0 if milliseconds < AT_MOST_MS else 1


if __name__ == "__main__":
    sys.exit(main())
