"""Quality results: what was expected, what was seen, the verdict. A failing result stays and holds the batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from compounding.problems import NotUnderstood, Problem
from compounding.quantities import decimal_text, number, quantity, ratio, told
from compounding.records.batch import Batch
from compounding.records.facts import Recorded, Tested
from compounding.records.formula import Test
from compounding.records.record import replaced
from compounding.rules.acceptance import conforms


def find_test(batch: Batch, trait: str, kind: str | None = None) -> tuple[Test | None, list[Problem]]:
    """The test of a trait in the batch's formula; a batch that was rejected takes no more results."""
    problems = []
    if batch.state == "rejected":
        problems.append(
            Problem("batch.ended", f"Batch {batch.id} was rejected: no result is recorded for it", batch.id)
        )
    if not batch.yielded:
        problems.append(
            Problem("test.before-yield", f"Batch {batch.id} has no yield yet: record what was made first", batch.id)
        )
    test = next((each for each in batch.formula.test if each.trait.lower() == trait.lower()), None)
    if test is None or (kind and test.kind != kind):
        known = ", ".join(f"{each.trait} ({each.kind})" for each in batch.formula.test)
        problems.append(
            Problem("test.unknown", f"{trait} is not such a test of {batch.formula.id}: it has {known}", trait)
        )
    return test, problems


def when_found(
    batch: Batch, decided: tuple[Tested | None, list[Problem]], day: date | None, today: date
) -> tuple[Tested | None, list[Problem]]:
    """A result with the day it was found: not before the batch was prepared, and not in the future.

    Args:
        batch: the batch as it stands.
        decided: the result and the problems so far.
        day: the day it was found; None for today.
        today: the day of the entry.
    """
    fact, problems = decided
    found = day or today
    wrong = None
    if found > today:
        text = f"{found} has not come yet; today is {today}. Give the day the result was found"
        wrong = Problem("test.in-future", text, "--date")
    elif found < batch.prepared:
        text = f"{found} is before {batch.id} was prepared, on {batch.prepared}: check the day, and which batch it is"
        wrong = Problem("test.before-batch", text, "--date")
    if wrong:  # what would have been recorded is not, so nothing that says so is told
        return None, [wrong] if fact else [*problems, wrong]
    return (replaced(fact, found=found.isoformat()) if fact and day else fact), problems


def waiting(batch: Batch, trait: str) -> Recorded | None:
    """The stage 1 of a trait that asked for 20 more units and has not got them; None if there is none."""
    results = [(each, each.fact) for each in batch.tested if isinstance(each.fact, Tested) and each.fact.trait == trait]
    joined = {fact.joins for _, fact in results}
    asked = [each for each, fact in results if fact.verdict == "test_20_more" and each.sequence not in joined]
    return asked[-1] if asked else None


def assay_result(
    batch: Batch, result: str, method: str | None, laboratory: str | None
) -> tuple[Tested | None, list[Problem]]:
    """An assay in percent of label, or as the mass found in one unit or one volume.

    Args:
        batch: the batch as it stands.
        result: such as ``98.7 %``, ``1.48 mg`` (in one capsule), ``0.987 mg/mL`` or ``98.5 mg/g``.
        method: how it was found, if not as the formula says.
        laboratory: who found it.

    Source:
        usp-general-notices-7 (rounded half up to the limit's decimals before it is compared)
    """
    test, problems = find_test(batch, "assay", "assay")
    if problems or test is None:
        return None, problems
    share = percent_of_label(result, batch.plan.strength)
    low, high = Decimal(test.low or "0"), Decimal(test.high or "0")
    passed = conforms(share, low, high)
    fact = Tested(
        batch=batch.id,
        trait=test.trait,
        method=method or test.method,
        expected=test.expected,
        observed=f"{_percent_like(share, low)} % of label"
        + ("" if result.endswith("%") else f" ({result} of {batch.plan.strength})"),
        verdict="pass" if passed else "fail",
        values=(result,),
        laboratory=laboratory,
    )
    return fact, failing(fact, [])


def percent_of_label(result: str, strength: str) -> Fraction:
    """An assay in percent of label, exact.

    Args:
        result: such as ``98.7 %``, or found in one unit, volume or mass: ``1.48 mg``, ``0.987 mg/mL``, ``98.5 mg/g``.
        strength: what the label says, in the same measure.

    Raises:
        NotUnderstood: a percentage without its space.
        CannotCompute: the result is not in the measure of the strength.
    """
    if not result.endswith("%"):
        return 100 * ratio(quantity(result), quantity(strength))
    if not result.endswith(" %"):
        raise NotUnderstood(Problem("assay.unit", f"{result} was given: write a number, a space and %, such as 98.7 %"))
    return number(result.removesuffix("%").rstrip(" "))


def _percent_like(value: Fraction, limit: Decimal) -> str:
    """A percentage with the decimals of its limit, trailing zeros kept: results are shown as their limits are."""
    places = max(0, -int(limit.as_tuple().exponent))
    digits = decimal_text(value, places)
    whole, _, decimals = digits.partition(".")
    return f"{whole}.{decimals:0<{places}}" if places else whole


def observed_result(batch: Batch, trait: str, found: str, passes: bool | None) -> tuple[Tested | None, list[Problem]]:
    """A trait that is looked at or read: appearance, pH, volume.

    Args:
        batch: the batch as it stands.
        trait: the trait's name in the formula.
        found: what was seen; a number for pH, a volume such as ``60 mL`` for volume.
        passes: the observer's verdict where only a person can tell; a measured trait is judged by its limits.
    """
    test, problems = find_test(batch, trait)
    if problems or test is None:
        return None, problems
    if test.kind in ("weights", "content", "assay"):
        text = f"{test.trait} is not observed but measured: use qc {test.kind}"
        return None, [Problem("test.kind", text, trait)]
    if test.kind == "observation":
        if passes is None:
            text = f"{test.trait} needs your verdict: compare with '{test.expected}' and give --pass or --fail"
            raise NotUnderstood(Problem("test.verdict", text, trait))
        passed, observed = passes, found
    else:
        value, observed = _measured(batch, test, found)
        passed = conforms(value, Decimal(test.low or "0"), Decimal(test.high or "0"))
        if passes is not None and passes != passed:
            text = f"{test.trait} {found} against {test.expected} is judged by its limits: leave --pass and --fail out"
            raise NotUnderstood(Problem("test.verdict", text, trait))
    fact = Tested(
        batch=batch.id,
        trait=test.trait,
        method=test.method,
        expected=test.expected,
        observed=observed,
        verdict="pass" if passed else "fail",
        values=(found,),
    )
    return fact, failing(fact, [])


def _measured(batch: Batch, test: Test, found: str) -> tuple[Fraction, str]:
    """The number to compare with the limits, and what to show: pH as it is, volume in percent of the plan."""
    if test.kind == "number":
        return number(found), found
    planned = quantity(batch.plan.made)
    value = quantity(found)
    if value.dimensionality != planned.dimensionality:
        raise NotUnderstood(Problem("test.unit", f"{found} is not a volume: write such as {told(planned)}", test.trait))
    share = 100 * ratio(value, planned)
    return share, f"{found}, {decimal_text(share, 1)} % of the {told(planned)} planned"


def failing(fact: Tested, reasons: Sequence[str]) -> list[Problem]:
    """A failing result is recorded, and holds the batch."""
    if fact.verdict == "pass":
        return []
    why = "; ".join(reasons[:3]) or fact.observed
    more = f" and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    text = f"{fact.trait} fails: {why}{more}. Expected: {fact.expected}. It is recorded and holds the batch"
    return [Problem("test.failed", text, fact.trait)]
