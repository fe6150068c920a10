"""Contents of single units, judged as values alone: by assays of each, or by their weights where that is allowed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Literal

from compounding.calc.around_mean import ContentAroundMean
from compounding.calc.chance import lower_bound
from compounding.calc.uniformity import Uniformity, judge, percent_of_label, working
from compounding.calc.weight_variation import WeightVariationLimits, judge_by_weight
from compounding.frozen import dataclass
from compounding.problems import CannotCompute, NotUnderstood, Problem
from compounding.quantities import amount, decimal_text, quantity
from compounding.rules.acceptance import Rule, rule
from compounding.rules.capsule_weights import EUROPE_CONTENT, THEORETICAL, judge_contents_around_mean
from compounding.work.readings import Reading, check_one_unit, milligrams
from compounding.work.ruling import USP_CONTENT, WEIGHT_VARIATION, check_target, marked

Verdict = Literal["pass", "fail", "test_20_more"]
_WORST: tuple[Verdict, ...] = ("fail", "test_20_more", "pass")


@dataclass(frozen=True)
class Weighed:
    """Contents that were estimated from weights.

    Args:
        assay: A, of the batch [percent of label].
        mean: of the net weights [mg].
    """

    assay: Fraction
    mean: Fraction

    @property
    def working(self) -> str:
        """How, in a line that can be followed with a pencil."""
        return (
            f"by weight: content = net weight x A / mean weight = net weight x {decimal_text(self.assay)} % / "
            f"{decimal_text(self.mean, 4)} mg"
        )


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
        weighed: where the contents come from weights; None if each was assayed.
    """

    usp: Uniformity
    europe: ContentAroundMean | None
    europe_verified: bool
    verdict: Verdict
    deciding: frozenset[str]
    confidence: Fraction
    promise: Fraction | None
    weighed: Weighed | None = None

    @property
    def method(self) -> str:
        """What was done, for people: contents that were assayed, or estimated from weights."""
        return "Weight variation" if self.weighed else "Content uniformity"

    @property
    def alike(self) -> str:
        """A doubt about the values themselves; empty if there is none."""
        if self.usp.sd:
            return ""
        return (
            "All values are the same to the last digit. If a mean was written for each, it hides what this test looks for: "
            "give what every unit read"
        )

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
        """The whole working, and what else there is to say, one sentence each; which rules decide is said."""
        by_weight = (self.weighed.working,) if self.weighed else ()
        return (*by_weight, *self._working, *self._others)

    @property
    def findings(self) -> tuple[str, ...]:
        """What of that goes on record and on paper: of the working the line with the acceptance value."""
        by_weight = (self.weighed.working,) if self.weighed else ()
        value = next(line for line in self._working if line.startswith("AV = "))
        return (*by_weight, value, *self._others, *filter(None, [self.alike]))

    @property
    def _working(self) -> tuple[str, ...]:
        *steps, verdict = working(self.usp)
        return (*steps, verdict + marked(USP_CONTENT in self.deciding, True))

    @property
    def _others(self) -> Iterator[str]:
        """The other rule, and the promise."""
        if self.europe:
            reasons = "".join(f"; {reason}" for reason in self.europe.reasons)
            marks = marked(EUROPE_CONTENT in self.deciding, self.europe_verified)
            yield f"Ph. Eur. 2.9.6 B, around the mean: {said(self.europe.verdict)}{marks}{reasons}"
        if self.promise is not None:
            yield (
                f"ASTM E2810: with {decimal_text(100 * self.confidence, 2)} % confidence at least "
                f"{decimal_text(self.promise, 1)} % of samples like this one would pass USP <905>"
            )


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
    check_target(target, on)
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
    assay: Fraction,
    strength: str,
    fill: str,
    target: Fraction,
    confidence: Fraction,
    on: date,
    rules: Sequence[Rule] = (),
) -> Judged:
    """Contents estimated from net weights, where the active is enough of the capsule for that.

    Args:
        net: what each capsule held, weighed without its shell.
        assay: A, of the batch [percent of label].
        strength: active per capsule on the label.
        fill: what a capsule is planned to hold, active and filler.
        target, confidence, on: as for `judge_contents`.
        rules: the rules that decide; USP <905> alone can judge by weight.

    Raises:
        Refused: below the least active, or its least share of the fill; says why.
        CannotCompute: another count than 10 or 30, contents far from the fill, or a rule that needs assays.
    """
    check_target(target, on)
    if any(each.id != USP_CONTENT for each in rules):
        text = "Ph. Eur. 2.9.6 decides here too, and judges assays of single units: weights cannot stand for them"
        raise CannotCompute(text, code="uniformity.by-weight")
    masses, planned = milligrams(net, "uniformity.unit"), mass_of(fill, "--fill")
    mean = sum(masses, Fraction(0)) / len(masses) if masses else Fraction(0)
    numbers, limits = rule(WEIGHT_VARIATION, on), rule(USP_CONTENT, on)
    usp = judge_by_weight(
        masses,
        assay,
        active_mg=mass_of(strength, "--strength"),
        contents_mg=planned,
        limits=WeightVariationLimits(
            Fraction(numbers.decimal("least_active_mg")), Fraction(numbers.decimal("least_share_percent"))
        ),
        target=target,
        limit=limits.decimal("acceptance_value"),
        unit_limit=limits.decimal("unit_window_percent"),
    )
    _check_near_fill(mean, planned, on)
    return replace(_with_others(usp, None, confidence, on, ()), weighed=Weighed(assay, mean))


def _check_near_fill(mean: Fraction, planned: Fraction, on: date) -> None:
    """Net weights of another fill than the planned one hold another share of active than their assay was reckoned with."""
    near = rule(THEORETICAL, on)
    low, high = near.decimal("low_percent"), near.decimal("high_percent")
    share = 100 * mean / planned
    if not low <= share <= high:
        text = (
            f"The net weights have a mean of {decimal_text(mean, 2)} mg, {decimal_text(share, 1)} % of the planned fill of "
            f"{decimal_text(planned, 2)} mg; {low} to {high} % are expected. Check the unit, and that they are contents alone"
        )
        raise CannotCompute(text, code="uniformity.far-from-fill")


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
