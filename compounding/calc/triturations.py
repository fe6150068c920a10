"""In-house triturations: active in a powdered filler, made once and used for many batches.

A trituration is a material of its own, so that a milligram of it is never taken for a milligram of active; its
content says how much active is in how much of it.
"""

from __future__ import annotations

from fractions import Fraction

from compounding.calc.amounts import in_range_of_overage
from compounding.calc.measured import measured
from compounding.problems import CannotCompute
from compounding.quantities import Content, Mass, decimal_text, ratio, told


@measured
def active_in_trituration(strength: Content, mass: Mass, overage: Fraction) -> Mass:
    """Active needed for a mass of trituration of a strength.

        active = strength * mass * (1 + overage)

    Args:
        strength: active in the finished trituration [mass/mass; above 0, below 1].
        mass: trituration ordered [mass; above 0].
        overage: share added for losses [1; from 0, at most 1/4].

    Returns:
        Mass of active, not rounded.

    Raises:
        CannotCompute: the overage lies outside its range.

    Source:
        brazil-triturates

    Example:
        >>> from compounding.quantities import content, quantity, written
        >>> tenth = content(Fraction(1, 10), "naltrexone hydrochloride", "trituration")
        >>> written(active_in_trituration(tenth, quantity("10 g", "trituration"), Fraction(0)))
        '1 g'
    """
    in_range_of_overage(overage)
    return strength * mass * (1 + overage)


@measured
def trituration_made(mass: Mass, overage: Fraction) -> Mass:
    """Trituration to make when the overage is on the whole batch.

        trituration_made = mass * (1 + overage)

    Args:
        mass: trituration ordered [mass; above 0].
        overage: share of every ingredient added for losses [1; from 0].

    Source:
        sicomp
    """
    return mass * (1 + overage)


@measured
def filler_beside_source(mixture: Mass, source: Mass) -> Mass:
    """Filler that makes the source up to the trituration.

        filler = mixture - source

    Args:
        mixture: the whole trituration [mass of the trituration].
        source: tablet powder or bulk powder in it, as a part of the trituration [mass of it; below all of it].

    Returns:
        Filler, still said as mass of the trituration.

    Raises:
        CannotCompute: the source alone is as much as the trituration: its strength cannot be reached with it.

    Source:
        brazil-triturates

    Example:
        >>> from compounding.quantities import quantity, written
        >>> written(filler_beside_source(quantity("10 g", "trituration"), quantity("6048 mg", "trituration")))
        '3.952 g'
    """
    if ratio(source, mixture) >= 1:
        text = (
            f"{told(source)} of source carry the active of {told(mixture)}: there is no room for filler. "
            "Order a lower strength, or take powder instead of tablets"
        )
        raise CannotCompute(text, code="trituration.too-strong")
    return mixture - source


@measured
def strength_made(active: Mass, mixture: Mass) -> Content:
    """Active in the finished trituration.

        strength_made = active / mixture

    Args:
        active: active weighed [mass].
        mixture: the whole trituration as it was weighed together [mass; above 0].
    """
    return active / mixture


@measured
def content_by_assay(strength: Content, assay: Fraction) -> Content:
    """Active in a trituration as its assay found it.

        content = strength * assay

    Args:
        strength: active by the label of the trituration [mass/mass; above 0].
        assay: what was found, as a share of the label [1; 0.90 to 1.10 by its formula].

    Returns:
        Content, not rounded.

    Raises:
        CannotCompute: the assay is not above zero.

    Source:
        ijpc-dilutions

    Example:
        >>> from compounding.quantities import amount, content
        >>> tenth = content(Fraction(1, 10), "naltrexone hydrochloride", "trituration")
        >>> amount(content_by_assay(tenth, Fraction("0.985")), "mg/g")
        Fraction(197, 2)
    """
    if assay <= 0:
        raise CannotCompute(f"The assay of {decimal_text(assay * 100)} % of label must be above zero: check the result")
    return strength * assay


@measured
def trituration_for(active: Mass, content: Content) -> Mass:
    """Trituration that carries the active.

        trituration = active / content

    Args:
        active: active needed [mass; above 0].
        content: active in the trituration by its assay [mass/mass; above 0].

    Returns:
        Mass for the balance, not rounded.

    Source:
        ijpc-dilutions

    Example:
        >>> from compounding.quantities import content, quantity, written
        >>> found = content(Fraction("0.0985"), "naltrexone hydrochloride", "trituration")
        >>> written(trituration_for(quantity("15.75 mg", "naltrexone hydrochloride"), found), 2)
        '159.9 mg'
    """
    return active / content


@measured
def active_carried(weigh: Mass, content: Content) -> Mass:
    """Active that the rounded weighing of a trituration carries.

        active_carried = weigh * content

    Args:
        weigh: trituration on the balance [mass].
        content: active in it by its assay [mass/mass].

    Source:
        ijpc-dilutions
    """
    return weigh * content
