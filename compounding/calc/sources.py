"""Bulk powder: how much of what was ordered it holds, by its certificate, and how much of it to weigh.

A content says of what and in what: the hydrochloride in a powder is not the dihydrate in it. So a factor
between two forms fits once and never twice, and a mass of one form cannot stand for another.
"""

from __future__ import annotations

from fractions import Fraction

from compounding.calc.measured import measured
from compounding.problems import CannotCompute
from compounding.quantities import Content, Mass, decimal_text, half_up, ratio


@measured
def water_and_solvents(water: Fraction, solvents: Fraction) -> Fraction:
    """What an anhydrous and solvent-free assay leaves out of the powder.

        left_out = water + solvents

    Args:
        water: by Karl Fischer, water of hydration included [1; from 0].
        solvents: residual solvents together [1; from 0].

    Source:
        usp-naltrexone-hydrochloride
    """
    return water + solvents


@measured
def share_in_powder(assay: Content, left_out: Fraction) -> Content:
    """Assayed form in the powder as it is weighed.

        share = assay * (1 - left_out)

    Args:
        assay: assayed form in the powder without what the basis leaves out [mass/mass; above 0].
        left_out: share of the powder that the basis leaves out [1; from 0, below 1]: nothing as is, the loss
            on drying when dried, the water when anhydrous, water and solvents when anhydrous and solvent-free.

    Returns:
        Content by the certificate, not rounded.

    Raises:
        CannotCompute: what is left out lies outside its range.

    Source:
        amira-weighing-correction

    Example:
        >>> from compounding.quantities import content
        >>> assay = content(Fraction("0.996"), "naltrexone hydrochloride", "bulk powder")
        >>> print(share_in_powder(assay, Fraction("0.091")).magnitude)
        226341/250000
    """
    if not 0 <= left_out < 1:
        raise CannotCompute(
            f"{decimal_text(left_out * 100)} % of the powder left out is outside 0 to 100 %; check the certificate",
            code="powder.left-out",
        )
    return assay * (1 - left_out)


@measured
def weighing_factor(pure: Content, share: Content) -> Fraction:
    """How many times more powder is weighed than if it were pure.

        weighing_factor = pure / share

    Args:
        pure: the assayed form in a powder of nothing else: 1 [mass/mass].
        share: the assayed form in the powder as it is weighed [mass/mass; above 0].

    Source:
        rezepturforum-weighing-correction
    """
    return ratio(pure, share)


@measured
def share_by_factor(pure: Content, factor: Fraction) -> Content:
    """Assayed form that the powder counts for when the factor on its container, with three decimals, is used.

        share = pure / half_up(factor, 3)

    Args:
        pure: the assayed form in a powder of nothing else: 1 [mass/mass].
        factor: weighing factor, exact [1; above 0].

    Source:
        rezepturforum-weighing-correction
    """
    return pure / half_up(factor, 3)


@measured
def content_as_ordered(share: Content, ordered_mole: Mass, assayed_mole: Mass) -> Content:
    """Ordered form that the powder carries, when its certificate counts another form.

        content = share * ordered_mole / assayed_mole

    Args:
        share: assayed form in the powder [mass/mass; above 0].
        ordered_mole: mass of one mole of the form that was ordered [mass; above 0].
        assayed_mole: mass of one mole of the form that the certificate counts [mass; above 0].

    Returns:
        Content, not rounded; above 1 where the ordered form weighs more than the powder's.

    Raises:
        CannotCompute: the share does not count the form of ``assayed_mole``: the factor was applied before.

    Source:
        compounding-today-11-41
    """
    return share * ordered_mole / assayed_mole


@measured
def same_moles(mass: Mass, from_mole: Mass, to_mole: Mass) -> Mass:
    """Mass of one form that holds as many moles as a mass of another.

        same_moles = mass * to_mole / from_mole

    Args:
        mass: one form [mass].
        from_mole: mass of one mole of it [mass; above 0].
        to_mole: mass of one mole of the other form [mass; above 0].

    Source:
        compounding-today-11-41
    """
    return mass * to_mole / from_mole


@measured
def powder_for(active: Mass, content: Content) -> Mass:
    """Bulk powder that carries the active.

        powder = active / content

    Args:
        active: active needed [mass; above 0].
        content: active in the powder as it is weighed [mass/mass; above 0].

    Returns:
        Mass for the balance, not rounded.

    Source:
        amira-weighing-correction

    Example:
        >>> from compounding.quantities import content, quantity, written
        >>> strong = content(Fraction("0.905364"), "naltrexone hydrochloride", "bulk powder")
        >>> written(powder_for(quantity("450 mg", "naltrexone hydrochloride"), strong), 2)
        '497.04 mg'
    """
    return active / content


@measured
def active_in_powder(weigh: Mass, content: Content) -> Mass:
    """Active that the rounded weighing of bulk powder carries.

        active_weighed = weigh * content

    Args:
        weigh: bulk powder on the balance [mass].
        content: active in the powder as it is weighed [mass/mass; above 0].

    Source:
        amira-weighing-correction
    """
    return weigh * content
