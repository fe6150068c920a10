"""A plan in words, the same on the screen and on paper: what carries the active, what is expected, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from compounding.quantities import decimal_text
from compounding.records.doubt import Uniformity
from compounding.records.plan import Dose, Expected, Plan

if TYPE_CHECKING:
    from compounding.calc.simulation import Simulated

Row = tuple[str, str]


def source_rows(plan: Plan) -> list[Row]:
    """What carries the active: tablets to crush, or the lines of a certificate."""
    source = plan.source
    if source.tablets is None:
        return list(source.certificate)
    says = (
        f"{source.tablets} ({source.tablets_exact} needed, average {source.average_weight}, claim {source.label_claim}); "
        f"{source.discarded} of powder left over"
    )
    content = (
        [("content", f"{source.content_percent} % of the claim, by certificate")] if source.content_percent else []
    )
    return [("tablets to crush", says), *content]


def expected_rows(plan: Plan) -> Iterator[Row]:
    """What will be made if nothing is lost, why that is not the order exactly, how sure it is, and how a dose is drawn."""
    expected = plan.expected
    yield "expected", f"{expected.strength}, {_why(plan)}"
    if expected.certified_strength:
        yield "by certificate", _certified(expected)
    if expected.expanded_uncertainty_percent:
        says = f"± {expected.expanded_uncertainty_percent} % of a dose (k = 2); most of it from {expected.largest}"
        yield "uncertainty", says
    if plan.uniformity:
        yield "chances", chances_text(plan.uniformity)
    if plan.dose:
        yield "dose", dose_text(plan.dose)
    if plan.bottle:
        yield "bottle", plan.bottle


def _why(plan: Plan) -> str:
    """Where the difference from the order comes from: rounding, and an overage that is on the active alone."""
    if plan.overage_on == "batch" or not Fraction(plan.overage_percent):
        return f"{plan.expected.error_percent} % from rounding to the balance"
    return (
        f"{plan.expected.error_percent} % above the order: {plan.overage_percent} % of overage on the active, "
        f"{plan.source.rounding_error_percent} % from rounding to the balance"
    )


def _certified(expected: Expected) -> str:
    error = Fraction(expected.certified_error_percent or "0")
    side = "below" if error < 0 else "above"
    return (
        f"{expected.certified_strength}, {decimal_text(abs(error))} % {side} the order: the correction leaves that out"
    )


def chances_text(chances: Uniformity) -> str:
    """The chances that the batch passes its tests, in words."""
    parts = [f"potency {chances.potency_percent} %"]
    if chances.chance_to_pass_percent:
        parts.insert(0, f"content uniformity at least {chances.chance_to_pass_percent} %")
    if chances.both_percent:
        parts.append(f"both at least {chances.both_percent} %")
    return ", ".join(parts)


def dose_text(dose: Dose) -> str:
    """How a dose is drawn up, in words."""
    says = f"{dose.dose} is {dose.volume}"
    if dose.device is None:
        return says
    if dose.on_mark:
        return f"{says}, on a mark of the {dose.device}"
    marks = f"the nearest is {dose.nearest}, {dose.error_percent} %"
    if dose.other_mark:
        marks += f"; the other is {dose.other_mark}, {dose.other_error_percent} %"
    return f"{says}, between two marks of the {dose.device}: {marks}"


def simulated_text(drawn: Simulated) -> str:
    """What drawing batches found, in words."""
    stage_1, chance, error = (
        decimal_text(Fraction(100 * share), 2) for share in (drawn.stage_1, drawn.chance, drawn.standard_error)
    )
    return (
        f"{chance} % of {drawn.batches:,} batches drawn pass content uniformity (standard error {error} %), "
        f"{stage_1} % at the first stage"
    )
