"""Uniformity of dosage units: USP <905>, harmonised with Ph. Eur. 2.9.40.

The verdict is reached in whole numbers and fractions. Nothing is rounded before the acceptance value,
and the acceptance value is rounded half up, once, to the decimals of its limit. Public implementations
go wrong at the second stage: k becomes 2.0 there, the limit stays 15.0, and 25 is only the width in
percent of a window around the reference value M that no single unit may leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from compounding.calc.rounding import decimals_of, rounded_half_up, rounded_sum_with_root
from compounding.calc.spread import SHOWN_DECIMALS, spread
from compounding.frozen import dataclass
from compounding.problems import CannotCompute

Verdict = Literal["pass", "fail", "test_20_more"]

ACCEPTABILITY_CONSTANT = {10: Decimal("2.4"), 30: Decimal("2.0")}
LOWEST_REFERENCE = Fraction("98.5")
HIGHEST_REFERENCE = Fraction("101.5")


@dataclass(frozen=True)
class Outside:
    """A unit outside the window.

    Args:
        index: its place in the values given, from 0.
        value: its content [percent of label].
    """

    index: int
    value: Fraction


@dataclass(frozen=True)
class Uniformity:
    """Ten or thirty units judged; percentages are of the label claim.

    Args:
        n: units judged [10 or 30].
        stage: 1 for ten units, 2 for thirty.
        target: T, the content per unit at manufacture [percent].
        case: 1 for a target up to 101.5 %, 2 above.
        mean: X [percent, exact].
        sd: s, sample standard deviation [percent, to ten decimals].
        rsd: s in percent of the mean, to ten decimals; None where the mean is zero.
        reference_value: M [percent, exact].
        acceptability_constant: k, 2.4 for ten units and 2.0 for thirty.
        acceptance_value: AV = |M - X| + k s, to ten decimals, for reading.
        acceptance_value_rounded: the same rounded half up to the decimals of the limit: the one that is judged.
        limit: L1, what the acceptance value may reach.
        window: least and greatest content of a single unit [percent, exact]; None at stage 1, which has none.
        out_of_range: the units outside the window.
        verdict: ``pass``, ``fail``, or ``test_20_more`` after a stage 1 that does not pass.
    """

    n: int
    stage: int
    target: Fraction
    case: int
    mean: Fraction
    sd: Decimal
    rsd: Decimal | None
    reference_value: Fraction
    acceptability_constant: Decimal
    acceptance_value: Decimal
    acceptance_value_rounded: Decimal
    limit: Decimal
    window: tuple[Fraction, Fraction] | None
    out_of_range: tuple[Outside, ...]
    verdict: Verdict


def reference_value(mean: Fraction, target: Fraction) -> Fraction:
    """M: the mean itself, held between 98.5 % and the greater of 101.5 % and the target.

    Args:
        mean: mean content of the units [percent of label].
        target: content per unit at manufacture [percent of label].

    Returns:
        Reference value [percent of label].

    Source:
        usp-905-table-2, Table 2

    Example:
        >>> reference_value(Fraction("105.9"), Fraction(100)), reference_value(Fraction("104"), Fraction(105))
        (Fraction(203, 2), Fraction(104, 1))
    """
    return min(max(mean, LOWEST_REFERENCE), max(HIGHEST_REFERENCE, target))


def judge(
    contents: Sequence[Fraction],
    *,
    target: Fraction = Fraction(100),
    limit: Decimal = Decimal("15.0"),
    unit_limit: Decimal = Decimal("25.0"),
) -> Uniformity:
    """Content uniformity of ten units (stage 1), or of the same ten and twenty more (stage 2).

        AV = |M - X| + k s,  passes if AV, rounded half up to the limit's decimals, is at most the limit
        at stage 2 each unit also lies from (1 - 0.01 L2) M to (1 + 0.01 L2) M, nothing rounded

    Stage 1 looks at no single unit: ten units with AV of at most 15.0 cannot hold one beyond 17.8 %.

    Args:
        contents: one content a unit, measured one by one [percent of label; from 0; 10 or 30 of them].
        target: T, content per unit at manufacture [percent of label; above 0].
        limit: L1 [percent; above 0].
        unit_limit: L2 [percent; from 0, below 100].

    Returns:
        The judgement with every number it rests on.

    Raises:
        CannotCompute: another count than 10 or 30, a negative content, or a limit or target out of range.

    Source:
        usp-905-table-2, Table 2; usp-905-faq; usp-general-notices-7 for the rounding

    Example:
        >>> ten = [Fraction(x) for x in "104.6 103.1 106.2 105.0 102.8 104.9 103.7 105.5 104.1 106.1".split()]
        >>> result = judge(ten)
        >>> print(result.acceptance_value, result.acceptance_value_rounded, result.verdict)
        5.9193616299 5.9 pass
    """
    _check(contents, target, limit, unit_limit)
    scatter = spread(contents)
    k = ACCEPTABILITY_CONSTANT[scatter.n]
    reference = reference_value(scatter.mean, target)
    distance, spread_squared = abs(reference - scatter.mean), Fraction(k) ** 2 * scatter.variance
    judged = rounded_sum_with_root(distance, spread_squared, decimals_of(limit))
    stage = 1 if scatter.n == 10 else 2
    window = unit_window(reference, unit_limit) if stage == 2 else None
    outside = _outside(contents, window)
    return Uniformity(
        n=scatter.n,
        stage=stage,
        target=target,
        case=1 if target <= HIGHEST_REFERENCE else 2,
        mean=scatter.mean,
        sd=scatter.sd,
        rsd=scatter.rsd,
        reference_value=reference,
        acceptability_constant=k,
        acceptance_value=rounded_sum_with_root(distance, spread_squared, SHOWN_DECIMALS),
        acceptance_value_rounded=judged,
        limit=limit,
        window=window,
        out_of_range=outside,
        verdict=_verdict(judged <= limit, stage, outside),
    )


def _check(contents: Sequence[Fraction], target: Fraction, limit: Decimal, unit_limit: Decimal) -> None:
    if len(contents) not in ACCEPTABILITY_CONSTANT:
        raise CannotCompute(
            f"{len(contents)} contents seen; content uniformity judges the first 10 units, or those 10 and 20 more "
            "(30). Give every unit that was measured, one value each, and no other.",
            code="uniformity.count",
        )
    for place, content in enumerate(contents, start=1):
        if content < 0:
            raise CannotCompute(
                f"Unit {place}: content {float(content):g} % of label is below zero. Check the reading.",
                code="uniformity.negative",
            )
    if not (target > 0 and limit > 0 and 0 <= unit_limit < 100):
        raise CannotCompute(f"target {target} %, L1 {limit}, L2 {unit_limit}: check the acceptance criteria")


def unit_window(reference: Fraction, unit_limit: Decimal) -> tuple[Fraction, Fraction]:
    """The contents a single unit may have at stage 2: (1 ± 0.01 L2) M, not rounded.

    Args:
        reference: M of the thirty units [percent of label].
        unit_limit: L2 [percent].

    Returns:
        Least and greatest content [percent of label].

    Source:
        usp-905-faq (M 101.5 gives 76.125 to 126.875)

    Example:
        >>> [float(x) for x in unit_window(Fraction("101.5"), Decimal("25.0"))]
        [76.125, 126.875]
    """
    share = Fraction(unit_limit) / 100
    return reference * (1 - share), reference * (1 + share)


def _outside(contents: Sequence[Fraction], window: tuple[Fraction, Fraction] | None) -> tuple[Outside, ...]:
    if window is None:
        return ()
    least, greatest = window
    return tuple(Outside(i, x) for i, x in enumerate(contents) if not least <= x <= greatest)


def _verdict(within_limit: bool, stage: int, outside: tuple[Outside, ...]) -> Verdict:
    if within_limit and not outside:
        return "pass"
    return "test_20_more" if stage == 1 else "fail"


def working(result: Uniformity) -> tuple[str, ...]:
    """The judgement as lines that can be followed with a pencil; four decimals where a root is involved.

    Args:
        result: a judgement.

    Returns:
        One line a step.

    Example:
        >>> for line in working(judge([Fraction(96), Fraction(104)] * 5)): print(line)
        10 units: mean X = 100.0000 %, standard deviation s = 4.2164 %
        98.5 <= X <= 101.5, so M = X = 100.0000 %
        AV = |M - X| + k s = 0.0000 + 2.4 x 4.2164 = 10.1193
        rounded half up AV = 10.1, limit 15.0: pass
    """
    upper = f"{float(max(HIGHEST_REFERENCE, result.target)):g}"
    if result.mean < LOWEST_REFERENCE:
        reason = "X < 98.5, so M = 98.5"
    elif result.reference_value < result.mean:
        reason = f"X > {upper}, so M = {upper}"
    else:
        reason = f"98.5 <= X <= {upper}, so M = X = {_four(result.mean)} %"
    sd = _four(Fraction(result.sd))
    lines = [
        f"{result.n} units: mean X = {_four(result.mean)} %, standard deviation s = {sd} %",
        reason,
        f"AV = |M - X| + k s = {_four(abs(result.reference_value - result.mean))} + {result.acceptability_constant} "
        f"x {sd} = {_four(Fraction(result.acceptance_value))}",
    ]
    if result.window is not None:
        seen = ", ".join(f"unit {unit.index + 1} {_four(unit.value)} %" for unit in result.out_of_range) or "none"
        lines.append(f"single units {_four(result.window[0])} to {_four(result.window[1])} %, outside: {seen}")
    lines.append(
        f"rounded half up AV = {result.acceptance_value_rounded}, limit {result.limit}: "
        f"{result.verdict.replace('_', ' ')}"
    )
    return tuple(lines)


def _four(value: Fraction) -> Decimal:
    return rounded_half_up(value, 4)


def percent_of_label(masses: Sequence[Fraction], strength: Fraction) -> tuple[Fraction, ...]:
    """Contents as percent of the labelled strength.

        x = 100 mass / strength

    Args:
        masses: active found in each unit [mass, the unit of the strength].
        strength: active per unit on the label [mass; above 0].

    Returns:
        Contents [percent of label].

    Raises:
        CannotCompute: the strength is zero or below.

    Source:
        usp-905-table-2

    Example:
        >>> percent_of_label([Fraction("1.47")], Fraction("1.5"))
        (Fraction(98, 1),)
    """
    if strength <= 0:
        raise CannotCompute(f"strength {strength}: contents need a labelled strength above zero")
    return tuple(100 * mass / strength for mass in masses)
