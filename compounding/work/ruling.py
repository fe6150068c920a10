"""Which acceptance rules decide: those that the formula names, and those that the pharmacy asks for beside them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Final

from compounding.problems import CannotCompute, NotUnderstood, Problem
from compounding.quantities import decimal_text
from compounding.records.formula import Test
from compounding.rules.acceptance import Rule, rule
from compounding.rules.capsule_weights import BRAZIL, EUROPE, EUROPE_CONTENT, GERMANY, THEORETICAL, Judgement

WEIGHTS: Final = (THEORETICAL, EUROPE, BRAZIL, GERMANY)
TARGET: Final = "uniformity-target"
WEIGHT_VARIATION: Final = "weight-variation"
USP_CONTENT: Final = "content-uniformity"
CONTENTS: Final = (USP_CONTENT, EUROPE_CONTENT)


def ruling(named: Sequence[str], settings: Sequence[str], of: Sequence[str], on: date) -> tuple[Rule, ...]:
    """The rules that decide on one kind of test.

    Args:
        named: rules that the formula's test names.
        settings: rules of the pharmacy's settings, for any kind of test: they are added, and take nothing away.
        of: the rules there are for this kind of test.
        on: the day the batch was prepared.

    Returns:
        Their rows, the formula's first.

    Raises:
        NotUnderstood: the settings name a rule that is none, or one that was not in force that day.
    """
    check_rule_sets(settings)
    wanted = dict.fromkeys((*named, *(name for name in settings if name in of)))
    return tuple(rule(name, on) for name in wanted)


def check_rule_sets(settings: Sequence[str]) -> None:
    """The rules that a pharmacy's settings name.

    Raises:
        NotUnderstood: one of them is none.
    """
    for name in settings:
        if name not in (*WEIGHTS, *CONTENTS):
            text = f"rule_sets in the settings names {name}: there are {', '.join((*WEIGHTS, *CONTENTS))}"
            raise NotUnderstood(Problem("settings.rule-set", text, name))


def check_target(target: Fraction, on: date) -> None:
    """A high target lets every high content pass: it lies where the assay must lie too.

    Args:
        target: content per unit at manufacture [percent of label].
        on: the day whose rules judge.

    Raises:
        NotUnderstood: nobody aims at such a target.
    """
    limits = rule(TARGET, on)
    low, high = limits.decimal("low_percent"), limits.decimal("high_percent")
    if not low <= target <= high:
        text = (
            f"A target of {decimal_text(target, 2)} % of label was given; it lies from {low} to {high} %, as the assay does. "
            "Give the content that the formula aims at, 100 if it states none"
        )
        raise NotUnderstood(Problem("uniformity.target", text, "target", source=limits.source))


def expected_by(test: Test, named: Sequence[str], rules: Sequence[Rule]) -> str:
    """What is expected of a test: as its formula says, and by which rules of the settings beside it.

    Args:
        test: of the formula.
        named: the rules that the formula names.
        rules: all that decide.
    """
    beside = [each.authority for each in rules if each.id not in named]
    return test.expected + (f"; by the settings also {' and '.join(beside)}" if beside else "")


def marked(decides: bool, verified: bool) -> str:
    """What is said behind a rule's verdict: that it decides, and that its limits are not verified.

    Example:
        >>> marked(True, False), marked(False, True)
        (' (decides; unverified)', '')
    """
    marks = [word for word, said in (("decides", decides), ("unverified", not verified)) if said]
    return f" ({'; '.join(marks)})" if marks else ""


def least_capsules(rules: Sequence[Rule], units: int | None) -> int:
    """The least count of capsules that lets every ruling rule judge their weights.

    Args:
        rules: the rules that decide.
        units: what the formula's test asks for.
    """
    counts = [each.limits.get("least_units") or min(_listed(each)) for each in rules]
    return max([units or 1, *(count for count in counts if isinstance(count, int))])


def _listed(row: Rule) -> list[int]:
    units = row.limits["units"]
    assert isinstance(units, list)
    return units


def check_all_judged(judged: Sequence[Judgement], rules: Sequence[Rule]) -> None:
    """A rule that decides must have been able to judge.

    Raises:
        CannotCompute: it asks for other capsules than were weighed, or for the loss of mass.
    """
    deciding = {each.id for each in rules}
    for each in judged:
        if each.rule.id in deciding and each.verdict == "not_judged":
            text = f"{each.rule.authority} decides here and cannot judge: {'; '.join(each.reasons)}"
            raise CannotCompute(text, code=each.code)
