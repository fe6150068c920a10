"""Quality results: what was expected, what was seen, the verdict. A failing result stays and holds the batch."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
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
from compounding.work.possible import check_ingredient, check_share, check_volume_made

FOUND: Mapping[str, bool] = {"absent": False, "not detected": False, "present": True, "detected": True}
_COUNT = re.compile(r"(< ?)?(0|[1-9][0-9]{0,8}) (\S{1,12})")


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
    batch: Batch,
    decided: tuple[Tested | None, list[Problem]],
    day: date | None,
    today: date,
    day_of: Callable[[str], date],
) -> tuple[Tested | None, list[Problem]]:
    """A result with the day it was found: not before its batch was prepared or its first stage found, nor in the future.

    Args:
        batch: the batch as it stands.
        decided: the result and the problems so far.
        day: the day it was found; None for today.
        today: the day of the entry.
        day_of: the day here at a time in UTC, as entries have it.
    """
    fact, problems = decided
    found = day or today
    first = next((each for each in batch.tested if fact and each.sequence == fact.joins), None)
    wrong = None
    if found > today:
        text = f"{found} has not come yet; today is {today}. Give the day the result was found"
        wrong = Problem("test.in-future", text, "--date")
    elif found < batch.prepared:
        text = f"{found} is before {batch.id} was prepared, on {batch.prepared}: check the day, and which batch it is"
        wrong = Problem("test.before-batch", text, "--date")
    elif first and found < (begun := found_on(first, day_of)):
        text = f"{found} is before its first stage (entry {first.sequence}), which was found on {begun}: check the day"
        wrong = Problem("test.before-stage-1", text, "--date")
    if wrong:  # what would have been recorded is not, so nothing that says so is told
        return None, [wrong] if fact else [*problems, wrong]
    return (replaced(fact, found=found.isoformat()) if fact and day else fact), problems


def found_on(result: Recorded, day_of: Callable[[str], date]) -> date:
    """The day a result was found: the one that was said, or that of its entry."""
    assert isinstance(result.fact, Tested)
    return date.fromisoformat(result.fact.found) if result.fact.found else day_of(result.time)


def check_tester(batch: Batch, by: str, name: str) -> list[Problem]:
    """Whether who tests a batch took part in making it: that is told, and the verification that follows sees it."""
    if by not in batch.makers:
        return []
    text = f"{name} took part in making {batch.id}: let another person test it where you can"
    return [Problem("test.by-maker", text, by, stops=False)]


def waiting(batch: Batch, trait: str) -> Recorded | None:
    """The stage 1 of a trait that asked for 20 more units and has not got them; None if there is none."""
    asked = [each for each in batch.unfinished if isinstance(each.fact, Tested) and each.fact.trait == trait]
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

    Raises:
        NotUnderstood: it is no percentage, or more than a capsule or a sample can hold.
        CannotCompute: it is not in the measure of the strength.

    Source:
        usp-general-notices-7 (rounded half up to the limit's decimals before it is compared)
    """
    test, problems = find_test(batch, "assay", "assay")
    if problems or test is None:
        return None, problems
    share = percent_of_label(result, batch.plan.strength)
    check_share(batch, test, share)
    observed = f"{_percent_like(share, _limit(test))} % of label"
    observed += "" if result.endswith("%") else f" ({result} of {batch.plan.strength})"
    return _judged(batch, test, conforms(share, *_limits(test)), observed, result, method, laboratory)


def _limits(test: Test) -> tuple[Decimal | None, Decimal | None]:
    """The limits of a test; None where there is none."""
    return Decimal(test.low) if test.low else None, Decimal(test.high) if test.high else None


def _limit(test: Test) -> Decimal:
    """The limit whose decimals a result is shown with."""
    return Decimal(test.low or test.high or "0")


def _judged(
    batch: Batch, test: Test, passed: bool, observed: str, found: str, method: str | None, laboratory: str | None
) -> tuple[Tested, list[Problem]]:
    """The result as a fact; a failing one holds the batch."""
    fact = Tested(
        batch=batch.id,
        trait=test.trait,
        method=method or test.method,
        expected=test.expected,
        observed=observed,
        verdict="pass" if passed else "fail",
        values=(found,),
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


def observed_result(
    batch: Batch,
    trait: str,
    found: str,
    passes: bool | None,
    method: str | None = None,
    laboratory: str | None = None,
) -> tuple[Tested | None, list[Problem]]:
    """A trait that is looked at, read or counted: appearance, pH, volume, water activity, colonies, preservative.

    Args:
        batch: the batch as it stands.
        trait: the trait's name in the formula.
        found: what was seen; a number for pH, a volume such as ``60 mL``, a count such as ``<10 CFU/mL``, ``absent``.
        passes: the observer's verdict where only a person can tell; a measured trait is judged by its limits.
        method: how it was found, if not as the formula says.
        laboratory: who found it.
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
        return _judged(batch, test, passes, found, found, method, laboratory)
    passed, observed = _measured(batch, test, found)
    if passes is not None and passes != passed:
        text = f"{test.trait} {found} against {test.expected} is judged by its limits: leave --pass and --fail out"
        raise NotUnderstood(Problem("test.verdict", text, trait))
    return _judged(batch, test, passed, observed, found, method, laboratory)


def _measured(batch: Batch, test: Test, found: str) -> tuple[bool, str]:
    """Whether what was found meets the limits of its test, and what to show of it."""
    match test.kind:
        case "absence":
            return _absent(test, found), found
        case "count":
            return _counted(test, found), found
        case "ingredient":
            planned = planned_amount(batch, test)
            share = percent_of_label(found, planned)
            check_ingredient(batch, test, share, planned)
            shown = found if found.endswith("%") else f"{found}, {_percent_like(share, _limit(test))} %"
            return conforms(share, *_limits(test)), f"{shown} of the {planned} planned"
        case "volume":
            share = _share_of_plan(batch, test, found)
            shown = f"{found}, {decimal_text(share, 1)} % of the {told(quantity(batch.plan.made))} planned"
            return conforms(share, *_limits(test)), shown
    value = number(found)
    if test.possible and not number(test.possible[0]) <= value <= number(test.possible[1]):
        text = f"{found} is no {test.trait}, which lies from {test.possible[0]} to {test.possible[1]}: read it again"
        raise NotUnderstood(Problem("test.not-possible", text, test.trait))
    return conforms(value, *_limits(test)), found


def planned_amount(batch: Batch, test: Test) -> str:
    """What the formula puts in of the component that a test of an ingredient is about, such as ``0.1 g/100 mL``."""
    return next(each.amount for each in batch.formula.component if each.material == test.of) or ""


def _share_of_plan(batch: Batch, test: Test, found: str) -> Fraction:
    """A volume in percent of the planned one."""
    planned, value = quantity(batch.plan.made), quantity(found)
    if value.dimensionality != planned.dimensionality:
        raise NotUnderstood(Problem("test.unit", f"{found} is not a volume: write such as {told(planned)}", test.trait))
    check_volume_made(batch, test, value)
    return 100 * ratio(value, planned)


def _absent(test: Test, found: str) -> bool:
    """Whether an organism was not found, in the words that laboratories use."""
    if found.lower() not in FOUND:
        text = f"{found!r} does not say whether {test.trait} was found: write {', '.join(FOUND)}"
        raise NotUnderstood(Problem("test.absence", text, test.trait))
    return not FOUND[found.lower()]


def _counted(test: Test, found: str) -> bool:
    """Whether a count of colonies is at most its limit; ``<10`` says that fewer than ten were counted.

    Source:
        usp-1111 (a criterion of 100 CFU allows counts up to 200: the formula's limit is the greatest count)
    """
    read = _COUNT.fullmatch(found)
    if read is None or read[3] != test.unit:
        text = f"{found!r} is not a count of {test.trait}: write a whole number and the unit, such as 40 {test.unit} or <10 {test.unit}"
        raise NotUnderstood(Problem("test.count", text, test.trait))
    most = int(test.high or "0")
    if read[1] and int(read[2]) > most + 1:
        text = (
            f"{found} does not tell whether more than {most} {test.unit} were there: ask the laboratory for the count"
        )
        raise NotUnderstood(Problem("test.count-undecided", text, test.trait))
    return bool(read[1]) or int(read[2]) <= most


def failing(fact: Tested, reasons: Sequence[str]) -> list[Problem]:
    """A failing result is recorded, and holds the batch."""
    if fact.verdict == "pass":
        return []
    why = "; ".join(reasons[:3]) or fact.observed
    more = f" and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    text = f"{fact.trait} fails: {why}{more}. Expected: {fact.expected}. It is recorded and holds the batch"
    return [Problem("test.failed", text, fact.trait)]
