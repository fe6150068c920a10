"""A plan against its second calculation, number by number, and then against the mass balance.

A plan writes a number exactly where that takes at most 12 decimals, else at 9; a few it writes shorter. That
agreement on writing is all that the two paths share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from compounding.problems import CompoundingError, Problem
from compounding.work.second.balance import mass_balance
from compounding.work.second.ratio import Ratio, decimal, to_places
from compounding.work.second.reading import measured
from compounding.work.second.recompute import Inputs, recompute

# Numbers that the plan writes with fewer decimals; the rest are exact.
PLACES = {
    "overage_percent": 4,
    "dose.volume": 3,
    "expected.strength": 4,
    "expected.error_percent": 4,
    "source.rounding_error_percent": 4,
    "filler.rounding_error_percent": 4,
    "capsule.source_share_percent": 2,
    "capsule.packed_percent": 2,
}
# What of a plan is a number of the dose. Every one that a plan holds must be worked out a second time.
NUMBERS = {
    "": ("strength", "made", "overage_percent"),
    "active": ("needed",),
    "source": (
        "label_claim",
        "average_weight",
        "exact",
        "weigh",
        "tablets_exact",
        "tablets",
        "discarded",
        "rounding_error_percent",
    ),
    "filler": ("packing", "per_capsule", "exact", "weigh", "rounding_error_percent"),
    "capsule": ("volume", "shell", "fill", "theoretical_weight", "source_share_percent", "packed_percent"),
    "dose": ("dose", "volume"),
    "expected": ("strength", "error_percent"),
    "balance": ("readability",),
}
LINE = ("exact", "target", "low", "high")


def compare(plan: Mapping[str, Any], inputs: Inputs) -> list[Problem]:
    """Every difference between a plan and its second calculation, and every amount that does not balance.

    Args:
        plan: the record of the plan as plain data.
        inputs: what was ordered and what lies on the bench, as text.

    Returns:
        Problems ``plan.paths-differ`` and ``plan.mass-balance``, which stop; none if the plan may be used.
        The balance of numbers that already differ would say the same again.
    """
    try:
        again = recompute(inputs)
        problems = differences(plan, again)
        return problems or mass_balance(plan, inputs, again)
    except (CompoundingError, ArithmeticError, LookupError, TypeError) as why:
        return [_differs(f"the second calculation could not be made: {why}", None)]


def differences(plan: Mapping[str, Any], expected: Mapping[str, tuple[str, Ratio]]) -> list[Problem]:
    """Each number that differs, stands on one side alone, or measures something else."""
    found = dict(_numbers(plan))
    if len(plan["lines"]) != len({line["line"] for line in plan["lines"]}):
        return [_differs("two lines of the plan have one name", "lines")]
    problems = []
    for name in [*expected, *(found.keys() - expected.keys())]:
        if name not in found:
            problems.append(_differs(f"{name} was worked out a second time and is missing from the plan", name))
        elif name not in expected:
            problems.append(_differs(f"{name} is {found[name]} in the plan and has no second calculation", name))
        else:
            kind, value = expected[name]
            seen = measured(found[name])
            if seen.kind != kind or seen.shown != written(value / seen.unit, PLACES.get(name)):
                again = f"{decimal(value / seen.unit)} {seen.name}".rstrip() if seen.kind == kind else f"a {kind}"
                problems.append(_differs(f"{name} is {found[name]} in the plan and {again} worked out again", name))
    return problems


def written(value: Ratio, places: int | None = None) -> Ratio:
    """A value as a plan writes it: exactly where that takes at most 12 decimals, else at 9; or at so many at most.

    Example:
        >>> written(Ratio(1, 2**12)) == Ratio(1, 2**12), written(Ratio(2, 3)) == Ratio(666666667, 10**9)
        (True, True)
    """
    if places is not None:
        return to_places(value, places)
    return value if 10**12 % value.under == 0 else to_places(value, 9)


def _numbers(plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each number of the dose by its place, as the plan writes it; what a plan leaves out is not there."""
    for part, names in NUMBERS.items():
        values = (plan[part] if part else plan) or {}
        for name in names:
            if values.get(name) is not None:
                yield f"{part}.{name}".lstrip("."), str(values[name])
    for line in plan["lines"]:
        yield from ((f"lines.{line['line']}.{name}", line[name]) for name in LINE)


def _differs(what: str, where: str | None) -> Problem:
    text = f"Two independent calculations differ: {what}. Do not make this batch; have a pharmacist work it by hand"
    return Problem("plan.paths-differ", f"{text}, and report the order", where)
