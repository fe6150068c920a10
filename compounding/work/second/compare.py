"""A plan against its second calculation, number by number, and then against the mass balance.

A plan writes a number at 9 decimals, a few shorter. That agreement on writing is all that the two paths share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from compounding.problems import CompoundingError, Problem
from compounding.work.second.balance import mass_balance
from compounding.work.second.inputs import Chosen, Inputs, Part
from compounding.work.second.ratio import Ratio, decimal, to_places
from compounding.work.second.reading import measured
from compounding.work.second.recompute import recompute

# Numbers that a plan writes with fewer decimals than 9.
PLACES = {
    "overage_percent": 4,
    "dose.volume": 3,
    "dose.error_percent": 1,
    "dose.other_error_percent": 1,
    "source.content_percent": 4,
    "certificate.content_percent": 4,
    "certificate.factor": 3,
    "certificate.exact_factor": 6,
    "expected.strength": 4,
    "expected.error_percent": 4,
    "expected.certified_strength": 4,
    "expected.certified_error_percent": 4,
    "source.rounding_error_percent": 4,
    "filler.rounding_error_percent": 4,
    "capsule.source_share_percent": 2,
    "capsule.packed_percent": 2,
}
# What of a plan is a number of the dose. Every one that a plan holds must be worked out a second time.
NUMBERS = {
    "": ("strength", "count", "volume", "mass", "made", "overage_percent"),
    "active": ("needed",),
    "source": (
        "label_claim",
        "content_percent",
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
    "dose": ("dose", "volume", "nearest", "error_percent", "other_mark", "other_error_percent"),
    "expected": ("strength", "error_percent", "certified_strength", "certified_error_percent"),
    "balance": ("readability", "minimum_weight"),
}
LINE = ("exact", "target", "low", "high")
ALIQUOT = ("weigh", "diluent", "total", "take", "multiple", "wasted", "carries")


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
        again = recompute(inputs, chosen_in(plan))
        problems = differences(plan, again)
        return problems or mass_balance(plan, inputs, again)
    except (CompoundingError, ArithmeticError, LookupError, TypeError) as why:
        return [_differs(f"the second calculation could not be made: {why}", None)]


def chosen_in(plan: Mapping[str, Any]) -> Chosen:
    """What a plan chose: these are taken from it, judged, and everything else is worked out from them."""
    parts = tuple(Part(int(each["multiple"]), each["take"]) for each in plan.get("aliquots", ()))
    stocks = tuple((each["material"], Part(int(each["multiple"]), each["take"])) for each in plan.get("stocks", ()))
    return Chosen(parts, (plan.get("dose") or {}).get("device"), stocks)


def differences(plan: Mapping[str, Any], expected: Mapping[str, tuple[str, Ratio]]) -> list[Problem]:
    """Each number that differs, stands on one side alone, or measures something else."""
    found = dict(_numbers(plan))
    if len(plan["lines"]) != len({line["line"] for line in plan["lines"]}):
        return [_differs("two lines of the plan have one name", "lines")]
    if len(plan["stocks"]) != len({each["material"] for each in plan["stocks"]}):
        return [_differs("two stocks of the plan are of one ingredient", "stocks")]
    problems = []
    for name in [*expected, *(found.keys() - expected.keys())]:
        if name not in found:
            problems.append(_differs(f"{name} was worked out a second time and is missing from the plan", name))
        elif name not in expected:
            problems.append(_differs(f"{name} is {found[name]} in the plan and has no second calculation", name))
        else:
            kind, value = expected[name]
            seen = measured(found[name])
            if seen.kind != kind or seen.shown != to_places(value / seen.unit, PLACES.get(name, 9)):
                again = f"{decimal(value / seen.unit)} {seen.name}".rstrip() if seen.kind == kind else f"a {kind}"
                problems.append(_differs(f"{name} is {found[name]} in the plan and {again} worked out again", name))
    return problems


def _numbers(plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each number of the dose by its place, as the plan writes it; what a plan leaves out is not there."""
    for part, names in NUMBERS.items():
        values = (plan[part] if part else plan) or {}
        for name in names:
            if values.get(name) is not None:
                yield f"{part}.{name}".lstrip("."), str(values[name])
    for line in plan["lines"]:
        yield from ((f"lines.{line['line']}.{name}", line[name]) for name in LINE)
    for each in plan["aliquots"]:
        here = f"aliquots.{each['step']}"
        yield from ((f"{here}.{name}", str(each[name])) for name in ALIQUOT if each[name] is not None)
        yield from ((f"{here}.geometric.{number}", text) for number, text in enumerate(each["geometric"], 1))
    for each in plan["stocks"]:
        here = f"stocks.{each['material']}"
        yield from ((f"{here}.{name}", str(each[name])) for name in ALIQUOT if each[name] is not None)
    yield from _certificate(dict(plan["source"]["certificate"]))


def _certificate(lines: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The numbers in the lines of a certificate: ``90.5364 % naltrexone ...``, ``1.105 in use; 1.104528 by ...``.

    A trituration has no factor, and its content is a mass in a mass: ``98.5 mg/g of naltrexone ...``.
    """
    if lines and "factor" not in lines:
        yield "certificate.content", " ".join(lines["content"].split(" ")[:2])
    elif lines:
        in_use, exact = lines["factor"].split("; ")
        yield "certificate.content_percent", lines["content"].partition(" ")[0]
        yield "certificate.factor", in_use.partition(" ")[0]
        yield "certificate.exact_factor", exact.partition(" ")[0]


def _differs(what: str, where: str | None) -> Problem:
    text = f"Two independent calculations differ: {what}. Do not make this batch; have a pharmacist work it by hand"
    return Problem("plan.paths-differ", f"{text}, and report the order", where)
