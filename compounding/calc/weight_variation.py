"""Weight variation: content uniformity estimated from weights, where a pharmacopoeia allows it (USP <905>).

For a low-dose capsule it is not allowed: the powder is nearly all filler, so its weight says little about its drug.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from compounding.calc.rounding import rounded_half_up
from compounding.calc.uniformity import Uniformity, judge
from compounding.frozen import dataclass
from compounding.problems import CannotCompute, Problem, Refused


@dataclass(frozen=True)
class WeightVariationLimits:
    """From where up weights may stand for contents; both must be met.

    Args:
        least_active_mg: active per unit [mg].
        least_share_percent: active in the contents [percent].
    """

    least_active_mg: Fraction
    least_share_percent: Fraction


def applies(active_mg: Fraction, contents_mg: Fraction, limits: WeightVariationLimits) -> bool:
    """Whether weight variation may stand for content uniformity.

    Args:
        active_mg: active per unit [mg; above 0].
        contents_mg: what the capsule holds, or the mass of the tablet [mg; at least the active].
        limits: the rule's limits.

    Returns:
        True from the least active up that is also at least the least share of the contents.

    Raises:
        CannotCompute: the active is not above zero, or exceeds the contents.

    Source:
        usp-905-weight-variation; usp-905-weight-variation-copy

    Example:
        >>> limits = WeightVariationLimits(Fraction(25), Fraction(25))
        >>> applies(Fraction("4.5"), Fraction(150), limits), applies(Fraction(25), Fraction(100), limits)
        (False, True)
    """
    if not 0 < active_mg <= contents_mg:
        raise CannotCompute(f"{active_mg} mg of active in contents of {contents_mg} mg: check both masses")
    return active_mg >= limits.least_active_mg and 100 * active_mg / contents_mg >= limits.least_share_percent


def contents_by_weight(net_weights: Sequence[Fraction], assay: Fraction) -> tuple[Fraction, ...]:
    """Contents estimated from net weights and the assay of the batch.

        x_i = w_i A / mean(w)

    Args:
        net_weights: contents of each unit, weighed one by one [mass, one unit; above 0].
        assay: A, the assay of the batch [percent of label; above 0].

    Returns:
        Estimated contents [percent of label].

    Raises:
        CannotCompute: no weights, or a weight or the assay is not above zero.

    Source:
        compounding-today-4-14 for the idea; the formula of <905> was not read at its source

    Example:
        >>> contents_by_weight([Fraction(99), Fraction(101)], Fraction(98))
        (Fraction(4851, 50), Fraction(4949, 50))
    """
    if not net_weights or min(net_weights) <= 0 or assay <= 0:
        raise CannotCompute("Weight variation needs net weights and an assay above zero. Check the readings.")
    mean = Fraction(sum(net_weights)) / len(net_weights)
    return tuple(weight * assay / mean for weight in net_weights)


def judge_by_weight(
    net_weights: Sequence[Fraction],
    assay: Fraction,
    *,
    active_mg: Fraction,
    contents_mg: Fraction,
    limits: WeightVariationLimits,
    target: Fraction = Fraction(100),
    limit: Decimal = Decimal("15.0"),
    unit_limit: Decimal = Decimal("25.0"),
) -> Uniformity:
    """Weight variation: the same judgement on contents estimated from weights, where that is allowed.

    Args:
        net_weights: contents of each unit, weighed one by one [mass, one unit; above 0; 10 or 30 of them].
        assay: assay of the batch [percent of label; above 0].
        active_mg: active per unit [mg; above 0].
        contents_mg: what the capsule holds [mg; at least the active].
        limits: where the rule allows it.
        target: content per unit at manufacture [percent of label; above 0].
        limit, unit_limit: L1 and L2, as for `judge`.

    Returns:
        The judgement.

    Raises:
        Refused: there is too little active, by itself or in the contents.
        CannotCompute: a number is out of range.

    Source:
        usp-905-weight-variation; compounding-today-4-14
    """
    if not applies(active_mg, contents_mg, limits):
        share = rounded_half_up(100 * active_mg / contents_mg, 2)
        raise Refused(
            Problem(
                "uniformity.weight-variation-not-allowed",
                f"{float(active_mg):g} mg of active is {share} % of the contents; weight variation needs "
                f"at least {float(limits.least_active_mg):g} mg and {float(limits.least_share_percent):g} %, because the weight of a diluted powder says little about its drug. "
                "Assay ten units one by one (content uniformity).",
                source="usp-905-weight-variation",
            )
        )
    contents = contents_by_weight(net_weights, assay)
    return judge(contents, target=target, limit=limit, unit_limit=unit_limit)
