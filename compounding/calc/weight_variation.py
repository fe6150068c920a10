"""Weight variation: content uniformity estimated from weights, where a pharmacopoeia allows it (USP <905>).

For a low-dose capsule it is not allowed: the powder is nearly all filler, so its weight says little about its drug.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from compounding.calc.rounding import rounded_half_up
from compounding.calc.uniformity import Uniformity, judge
from compounding.problems import CannotCompute, Problem, Refused

# From here up, for both.
LEAST_ACTIVE_MG = Fraction(25)
LEAST_SHARE_OF_CONTENTS = Fraction(1, 4)


def applies(active_mg: Fraction, contents_mg: Fraction) -> bool:
    """Whether weight variation may stand for content uniformity.

    Args:
        active_mg: active per unit [mg; above 0].
        contents_mg: what the capsule holds, or the mass of the tablet [mg; at least the active].

    Returns:
        True from 25 mg of active up that is also at least 25 % of the contents.

    Raises:
        CannotCompute: the active is not above zero, or exceeds the contents.

    Source:
        usp-905-weight-variation; usp-905-weight-variation-copy

    Example:
        >>> applies(Fraction("4.5"), Fraction(150)), applies(Fraction(25), Fraction(100))
        (False, True)
    """
    if not 0 < active_mg <= contents_mg:
        raise CannotCompute(f"{active_mg} mg of active in contents of {contents_mg} mg: check both masses")
    return active_mg >= LEAST_ACTIVE_MG and active_mg / contents_mg >= LEAST_SHARE_OF_CONTENTS


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
    target: Fraction = Fraction(100),
) -> Uniformity:
    """Weight variation: the same judgement on contents estimated from weights, where that is allowed.

    Args:
        net_weights: contents of each unit, weighed one by one [mass, one unit; above 0; 10 or 30 of them].
        assay: assay of the batch [percent of label; above 0].
        active_mg: active per unit [mg; above 0].
        contents_mg: what the capsule holds [mg; at least the active].
        target: content per unit at manufacture [percent of label; above 0].

    Returns:
        The judgement.

    Raises:
        Refused: the active is below 25 mg or below 25 % of the contents.
        CannotCompute: a number is out of range.

    Source:
        usp-905-weight-variation; compounding-today-4-14
    """
    if not applies(active_mg, contents_mg):
        share = rounded_half_up(100 * active_mg / contents_mg, 2)
        raise Refused(
            Problem(
                "uniformity.weight-variation-not-allowed",
                f"{float(active_mg):g} mg of active is {share} % of the contents; weight variation needs "
                "at least 25 mg and 25 %, because the weight of a diluted powder says little about its drug. "
                "Assay ten units one by one (content uniformity).",
                source="usp-905-weight-variation",
            )
        )
    return judge(contents_by_weight(net_weights, assay), target=target)
