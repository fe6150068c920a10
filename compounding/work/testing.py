"""Quality results: what was expected, what was seen, the verdict. A failing result stays and holds the batch."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from compounding.calc.weights import AgainstTheoretical
from compounding.problems import CannotCompute, NotUnderstood, Problem
from compounding.quantities import amount, decimal_text, number, quantity, ratio, told
from compounding.records.batch import Batch
from compounding.records.facts import Tested
from compounding.records.formula import Test
from compounding.rules.acceptance import conforms
from compounding.rules.capsule_weights import Judgement, judge_weights

WEIGHTS_DO_NOT_PROVE = (
    "Weights do not prove content: below 25 mg or 25 % of active in a unit only an assay of single units does."
)


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


def weights_result(batch: Batch, weights: Sequence[str], shell: str) -> tuple[Tested | None, list[Problem], list[str]]:
    """Capsules weighed one by one, against the theoretical weight and the other rules that the formula names.

    Args:
        batch: the batch as it stands.
        weights: gross weight of each filled capsule, as read.
        shell: mean weight of one empty shell.

    Returns:
        The result, the problems, and one line for each rule that was computed.

    Source:
        unc-pharmlabs-capsules
    """
    test, problems = find_test(batch, "capsule weights", "weights")
    if problems or test is None or batch.plan.capsule is None:
        return None, problems, []
    if len(weights) < (test.units or 1):
        text = f"{len(weights)} weights were given; {test.units} capsules are weighed one by one. Weigh {test.units} and give each"
        raise CannotCompute(text, code="weights.too-few")
    gross = [_milligrams(weight) for weight in weights]
    fill = amount(quantity(batch.plan.capsule.fill), "mg")
    judged = judge_weights(gross, _milligrams(shell), fill, on=batch.prepared)
    ruling = [each for each in judged if each.rule.id in test.rules]
    failed = [reason for each in ruling if each.verdict != "pass" for reason in each.reasons]
    fact = Tested(
        batch=batch.id,
        trait=test.trait,
        method=test.method,
        expected=test.expected,
        observed=_weights_observed(judged),
        verdict="fail" if failed else "pass",
        values=tuple(weights),
        findings=(*failed, f"mean empty shell {shell}", WEIGHTS_DO_NOT_PROVE),
    )
    lines = [f"{each.rule.authority}: {each.verdict.replace('_', ' ')}" for each in judged]
    return fact, failing(fact, failed), lines


def _milligrams(text: str) -> Fraction:
    value = quantity(text)
    if value.dimensionality != quantity("1 mg").dimensionality:
        raise NotUnderstood(Problem("weights.unit", f"{text} is not a mass: write each weight such as 187.3 mg", text))
    return amount(value, "mg")


def _weights_observed(judged: Sequence[Judgement]) -> str:
    """What the capsules weighed, in one line for the record."""
    result = next(each.result for each in judged if isinstance(each.result, AgainstTheoretical))
    gross, net = result.gross_percent, result.net_percent
    return (
        f"n {result.gross.n}, mean {decimal_text(result.gross.mean, 1)} mg of {decimal_text(result.theoretical, 1)} mg in theory; "
        f"gross {decimal_text(min(gross), 1)} to {decimal_text(max(gross), 1)} %, "
        f"net fill {decimal_text(min(net), 1)} to {decimal_text(max(net), 1)} % of theory; "
        f"relative standard deviation {decimal_text(Fraction(result.gross.rsd or 0), 2)} %"
    )


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
    if test.kind in ("weights", "assay"):
        text = f"{test.trait} is not observed but measured: use qc {'weights' if test.kind == 'weights' else 'assay'}"
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
