"""Content uniformity of single units: of values alone, and of a batch whose two stages belong together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

from compounding.calc.around_mean import ContentAroundMean
from compounding.calc.chance import lower_bound
from compounding.calc.rounding import rounded_half_up
from compounding.calc.uniformity import Uniformity, judge, percent_of_label, working
from compounding.calc.weight_variation import judge_by_weight
from compounding.problems import CannotCompute, NotUnderstood, Problem
from compounding.quantities import amount, decimal_text, percent, quantity
from compounding.records.batch import Batch
from compounding.records.facts import Recorded, Tested
from compounding.rules.acceptance import Rule, rule
from compounding.rules.capsule_weights import EUROPE_CONTENT, judge_contents_around_mean
from compounding.work.possible import check_share
from compounding.work.readings import Reading, Row, check_one_unit, milligrams, read
from compounding.work.ruling import CONTENTS, USP_CONTENT, expected_by, marked, ruling
from compounding.work.testing import failing, find_test, waiting

Verdict = Literal["pass", "fail", "test_20_more"]
TARGET = "uniformity-target"
_WORST: tuple[Verdict, ...] = ("fail", "test_20_more", "pass")


@dataclass(frozen=True)
class Judged:
    """Units judged by every rule of content, and what they promise of others like them.

    Args:
        usp: USP <905> with its numbers.
        europe: Ph. Eur. 2.9.6 B on the same contents; None where their mean is zero.
        europe_verified: whether its limits are verified.
        verdict: of the rules that decide, the strictest answer.
        deciding: the ids of the rules that decide.
        confidence: of the promise [1].
        promise: at least this share of samples would pass, at that confidence (ASTM E2810) [percent]; None where
            the mean is zero.
    """

    usp: Uniformity
    europe: ContentAroundMean | None
    europe_verified: bool
    verdict: Verdict
    deciding: frozenset[str]
    confidence: Fraction
    promise: Fraction | None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it does not pass, a sentence for each rule that decides and does not."""
        reasons = []
        if USP_CONTENT in self.deciding and self.usp.verdict != "pass":
            units = ", ".join(str(each.index + 1) for each in self.usp.out_of_range)
            outside = f"; outside the window: unit {units}" if units else ""
            reasons.append(
                f"the acceptance value is {self.usp.acceptance_value_rounded}, at most {self.usp.limit} passes{outside}"
            )
        if EUROPE_CONTENT in self.deciding and self.europe and self.europe.verdict != "pass":
            reasons.append(f"by Ph. Eur. 2.9.6 B {'; '.join(self.europe.reasons)}")
        if EUROPE_CONTENT in self.deciding and not self.europe:
            reasons.append("Ph. Eur. 2.9.6 B decides and cannot judge these values")
        return tuple(reasons)

    @property
    def lines(self) -> tuple[str, ...]:
        """The working, the other rule and the promise, one sentence each; which rules decide is said."""
        lines = list(working(self.usp))
        lines[-1] += marked(USP_CONTENT in self.deciding, True)
        if self.europe:
            reasons = "".join(f"; {reason}" for reason in self.europe.reasons)
            marks = marked(EUROPE_CONTENT in self.deciding, self.europe_verified)
            lines.append(f"Ph. Eur. 2.9.6 B, around the mean: {said(self.europe.verdict)}{marks}{reasons}")
        if self.promise is not None:
            lines.append(
                f"ASTM E2810: with {decimal_text(100 * self.confidence, 2)} % confidence at least "
                f"{decimal_text(self.promise, 1)} % of samples like this one would pass USP <905>"
            )
        return tuple(lines)


def said(verdict: str) -> str:
    """A verdict in words: ``test 20 more``."""
    return verdict.replace("_", " ")


def contents_of(readings: Sequence[Reading], strength: str | None) -> tuple[Fraction, ...]:
    """Contents in percent of label, from percentages or from the active found in each unit.

    Args:
        readings: one a unit, all in one unit of measure.
        strength: active per unit on the label; needed for masses.

    Raises:
        NotUnderstood: mixed units, no mass and no percentage, or masses without a strength.
    """
    check_one_unit(readings)
    if readings and readings[0].unit == "%":
        return tuple(each.value for each in readings)
    masses = milligrams(readings, "uniformity.unit")
    if strength is None:
        text = f"{readings[0].text} is a mass: give the strength on the label with --strength, such as 1.5 mg"
        raise NotUnderstood(Problem("uniformity.strength", text, "--strength"))
    return percent_of_label(masses, mass_of(strength, "--strength"))


def mass_of(text: str, where: str) -> Fraction:
    """A mass from its text [mg].

    Raises:
        NotUnderstood: it is no mass.
    """
    value = quantity(text)
    if value.dimensionality != quantity("1 mg").dimensionality:
        raise NotUnderstood(Problem("uniformity.unit", f"{where} {text} is not a mass: write such as 1.5 mg", where))
    return amount(value, "mg")


def _check_target(target: Fraction, on: date) -> None:
    """A high target lets every high content pass: it lies where the assay must lie too."""
    limits = rule(TARGET, on)
    low, high = limits.decimal("low_percent"), limits.decimal("high_percent")
    if not low <= target <= high:
        text = (
            f"A target of {decimal_text(target, 2)} % of label was given; it lies from {low} to {high} %, as the assay does. "
            "Give the content that the formula aims at, 100 if it states none"
        )
        raise NotUnderstood(Problem("uniformity.target", text, "target", source=limits.source))


def judge_contents(
    contents: Sequence[Fraction], *, target: Fraction, confidence: Fraction, on: date, rules: Sequence[Rule] = ()
) -> Judged:
    """Judge ten or thirty contents by every rule there is.

    Args:
        contents: one a unit [percent of label].
        target: T, content per unit at manufacture [percent of label].
        confidence: for the promise of ASTM E2810 [1; between 0 and 1].
        on: the day whose rules judge.
        rules: the rules that decide; USP <905> if none is named.

    Raises:
        CannotCompute: another count than 10 or 30, or a number out of its range.
        NotUnderstood: nobody aims at such a target.
    """
    _check_target(target, on)
    limits = rule(USP_CONTENT, on)
    usp = judge(
        contents,
        target=target,
        limit=limits.decimal("acceptance_value"),
        unit_limit=limits.decimal("unit_window_percent"),
    )
    return _with_others(usp, contents, confidence, on, rules)


def judge_weight_variation(
    net: Sequence[Reading],
    *,
    assay: str,
    strength: str,
    fill: str,
    target: Fraction,
    confidence: Fraction,
    on: date,
) -> Judged:
    """Contents estimated from net weights, where the active is enough of the capsule for that.

    Args:
        net: what each capsule held, weighed without its shell.
        assay: of the batch, such as ``98.7 %``.
        strength: active per capsule on the label.
        fill: what a capsule holds, active and filler.
        target, confidence, on: as for `judge_contents`.

    Raises:
        Refused: below 25 mg or 25 % of active; says why.
    """
    _check_target(target, on)
    usp = judge_by_weight(
        milligrams(net, "uniformity.unit"),
        100 * percent(assay),
        active_mg=mass_of(strength, "--strength"),
        contents_mg=mass_of(fill, "--fill"),
        target=target,
    )
    return _with_others(usp, None, confidence, on, ())


def _with_others(
    usp: Uniformity, contents: Sequence[Fraction] | None, confidence: Fraction, on: date, rules: Sequence[Rule]
) -> Judged:
    if not 0 < confidence < 1:
        raise CannotCompute(f"A confidence of {float(100 * confidence):g} % was given: write one such as 90 %")
    europe = judge_contents_around_mean(contents, on=on) if contents and usp.mean else None
    answers = {USP_CONTENT: usp.verdict} | ({EUROPE_CONTENT: europe.verdict} if europe else {})
    deciding = frozenset(each.id for each in rules) or frozenset((USP_CONTENT,))
    found = {answers.get(each, "fail") for each in deciding}
    promise = None
    if usp.mean:
        bound = lower_bound(
            usp.n, float(usp.mean), float(usp.sd), confidence=float(confidence), target=float(usp.target)
        )
        promise = Fraction(min(int(bound * 1000), 999), 10)  # cut, never rounded up: ten units promise no certainty
    verified = rule(EUROPE_CONTENT, on).verified
    strictest = next(each for each in _WORST if each in found)
    return Judged(usp, europe, verified, strictest, deciding, confidence, promise)


def content_result(
    batch: Batch,
    readings: Sequence[Reading],
    *,
    rule_sets: Sequence[str] = (),
    confidence: Fraction = Fraction(9, 10),
    method: str | None = None,
    laboratory: str | None = None,
) -> tuple[Tested | None, list[Problem], Judged | None]:
    """Contents of single units of a batch. Twenty join the ten of a stage 1 that asked for them, and replace nothing.

    Args:
        batch: the batch as it stands.
        readings: what was found in each unit, in percent of label or as a mass.
        rule_sets: rules that the pharmacy's settings name.
        confidence: for the promise of ASTM E2810 [1].
        method: how it was found, if not as the formula says.
        laboratory: who found it.

    Raises:
        CannotCompute: not 10 (or 30) units, or not 20 where stage 1 asked for them.
        NotUnderstood: a value that is no content of a capsule of this batch.

    Source:
        usp-905-table-2; usp-905-faq
    """
    test, problems = find_test(batch, "content uniformity", "content")
    if problems or test is None:
        return None, problems, None
    first = waiting(batch, test.trait)
    _check_count(len(readings), first)
    earlier = first.fact.values if first and isinstance(first.fact, Tested) else ()
    found = contents_of(readings, batch.plan.strength)
    for share in found:
        check_share(batch, test, share)
    contents = (*_recorded(earlier, batch), *found)
    named = test.rules or (USP_CONTENT,)
    rules = ruling(named, rule_sets, CONTENTS, batch.prepared)
    judged = judge_contents(contents, target=Fraction(100), confidence=confidence, on=batch.prepared, rules=rules)
    fact = Tested(
        batch=batch.id,
        trait=test.trait,
        method=method or test.method,
        expected=expected_by(test, named, rules),
        observed=_observed(judged.usp),
        verdict=judged.verdict,
        values=tuple(each.text for each in readings),
        findings=judged.lines,
        laboratory=laboratory,
        stage=judged.usp.stage,
        joins=first.sequence if first else None,
    )
    return fact, _told(fact, judged), judged


def single_content(batch: Batch) -> Callable[[Reading], None]:
    """What one content of a batch must be, whatever the others are.

    Raises:
        NotUnderstood: by what is returned; no percentage and no mass, or more than a whole capsule holds.
    """
    test, _ = find_test(batch, "content uniformity", "content")

    def check(reading: Reading) -> None:
        (share,) = contents_of([reading], batch.plan.strength)
        if test:
            check_share(batch, test, share)

    return check


def _recorded(values: Sequence[str], batch: Batch) -> tuple[Fraction, ...]:
    return contents_of([read(Row(f"value {n}", text)) for n, text in enumerate(values, 1)], batch.plan.strength)


def _check_count(given: int, first: Recorded | None) -> None:
    if first and given != 20:
        text = (
            f"{given} values were given; entry {first.sequence} holds the 10 of stage 1, which asks for 20 more. Give "
            "those 20: they are judged together with the 10, which stay"
        )
        raise CannotCompute(text, code="uniformity.count")
    if not first and given not in (10, 30):
        text = (
            f"{given} values were given; content uniformity is judged on 10 capsules, or on 30 that were all measured. "
            "Give every capsule that was measured, one value each, and no other"
        )
        raise CannotCompute(text, code="uniformity.count")


def _observed(result: Uniformity) -> str:
    outside = f", {len(result.out_of_range)} outside the window" if result.out_of_range else ""
    return (
        f"n {result.n}, mean {rounded_half_up(result.mean, 1)} %, standard deviation "
        f"{rounded_half_up(Fraction(result.sd), 2)} %, acceptance value {result.acceptance_value_rounded} "
        f"of at most {result.limit}{outside}"
    )


def _told(fact: Tested, judged: Judged) -> list[Problem]:
    if fact.verdict != "test_20_more":
        return failing(fact, judged.reasons)
    text = (
        f"{fact.trait}: {fact.observed}. Stage 1 does not pass, as {'; '.join(judged.reasons)}: assay 20 more capsules. "
        "It is recorded and holds the batch"
    )
    return [Problem("uniformity.test-20-more", text, fact.trait)]
