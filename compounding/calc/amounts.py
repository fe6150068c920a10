"""How much of a source carries the active that was ordered."""

from __future__ import annotations

import math
from fractions import Fraction

from compounding.calc.measured import measured
from compounding.problems import CannotCompute
from compounding.quantities import (
    Concentration,
    Count,
    Mass,
    MassPerUnit,
    Quantity,
    Volume,
    amount,
    count,
    decimal_text,
    ratio,
    rounded,
)


@measured
def active_in_units(strength: MassPerUnit, units: Count, overage: Fraction) -> Mass:
    """Active needed for capsules of a strength.

        active = strength * units * (1 + overage)

    Args:
        strength: active in one capsule [mass/capsule; above 0].
        units: capsules ordered [above 0].
        overage: share added for losses [1; from 0, at most 1/4].

    Returns:
        Mass of active, not rounded.

    Raises:
        CannotCompute: the overage lies outside its range.

    Source:
        jcu-tablets

    Example:
        >>> from compounding.quantities import count, quantity
        >>> strength = quantity("1.5 mg/capsule", "naltrexone hydrochloride")
        >>> print(active_in_units(strength, count(100, "capsule"), Fraction(1, 20)).magnitude)
        315/2
    """
    in_range_of_overage(overage)
    return strength * units * (1 + overage)


@measured
def active_in_volume(concentration: Concentration, volume: Volume, overage: Fraction) -> Mass:
    """Active needed for a volume of liquid of a concentration.

        active = concentration * volume * (1 + overage)

    Args:
        concentration: active in the finished liquid [mass/volume; above 0].
        volume: finished volume ordered [above 0].
        overage: share added for losses [1; from 0, at most 1/4].

    Returns:
        Mass of active, not rounded.

    Source:
        fawcett-1997
    """
    in_range_of_overage(overage)
    return concentration * volume * (1 + overage)


def in_range_of_overage(overage: Fraction) -> None:
    """Refuse an overage that is no replacement of losses [1; from 0, at most 1/4]."""
    if not 0 <= overage <= Fraction(1, 4):
        raise CannotCompute(
            f"An overage of {decimal_text(overage * 100)} % is outside 0 to 25 %; it replaces losses, it does not add to a dose",
            code="overage.out-of-range",
        )


@measured
def units_made(units: Count, overage: Fraction) -> Count:
    """Capsules' worth of mixture when the overage is on the whole batch.

        units_made = units * (1 + overage)

    Args:
        units: capsules ordered [above 0].
        overage: share of every ingredient added for losses [1; from 0].

    Source:
        sicomp
    """
    return units * (1 + overage)


@measured
def volume_made(volume: Volume, overage: Fraction) -> Volume:
    """Volume to make when the overage is on the whole batch.

        volume_made = volume * (1 + overage)

    Args:
        volume: volume ordered [above 0].
        overage: share of every ingredient added for losses [1; from 0].

    Source:
        sicomp
    """
    return volume * (1 + overage)


@measured
def average_weight(total: Mass, tablets: Count) -> MassPerUnit:
    """Average weight of the tablets in hand, each weighed by itself.

        average_weight = total / tablets

    Args:
        total: sum of the single weights [mass; above 0].
        tablets: how many were weighed [above 0].

    Returns:
        Average weight of one tablet, not rounded.

    Source:
        usp29-tablets
    """
    return total / tablets


@measured
def certified_claim(label_claim: MassPerUnit, content: Fraction) -> MassPerUnit:
    """Active in one tablet by the certificate of its lot, in place of the label claim alone.

        certified_claim = label_claim * content

    Args:
        label_claim: active in one tablet by its label [mass/tablet; above 0].
        content: what the certificate found, as a share of the claim [1; 0.9 to 1.1].

    Raises:
        CannotCompute: the content lies outside the monograph's window: such tablets are not used.

    Source:
        usp-naltrexone-tablets
    """
    if not Fraction(9, 10) <= content <= Fraction(11, 10):
        raise CannotCompute(
            f"A content of {decimal_text(content * 100)} % of the claim is outside 90 to 110 %: check the certificate, "
            "or do not use these tablets",
            code="tablet.content",
        )
    return label_claim * content


@measured
def tablets_for(active: Mass, label_claim: MassPerUnit) -> Count:
    """Tablets that carry the active, before rounding up to whole ones.

        tablets = active / label_claim

    Args:
        active: active needed [mass; above 0].
        label_claim: active in one tablet by its label [mass/tablet; above 0].

    Source:
        jcu-tablets
    """
    return active / label_claim


@measured
def tablet_powder_for(active: Mass, label_claim: MassPerUnit, average_weight: MassPerUnit) -> Mass:
    """Powder of crushed tablets that carries the active.

        tablet_powder = active / label_claim * average_weight

    Args:
        active: active needed [mass; above 0].
        label_claim: active in one tablet by its label [mass/tablet; above 0].
        average_weight: weight of one whole tablet, film included [mass/tablet; above the label claim].

    Returns:
        Mass of tablet powder, not rounded.

    Raises:
        CannotCompute: a tablet would weigh less than the active it claims to hold.

    Source:
        jcu-tablets
    """
    if amount(average_weight, "mg/tablet") < amount(label_claim, "mg/tablet"):
        raise CannotCompute(
            "A tablet cannot weigh less than its label claim; check the weights and their unit",
            code="tablet.lighter-than-claim",
        )
    return active / label_claim * average_weight


def whole_tablets(tablets: Count) -> Count:
    """Whole tablets to crush: the next whole number.

    Source:
        jcu-tablets
    """
    return count(math.ceil(amount(tablets, "tablet")), "tablet")


@measured
def discarded_powder(tablets: Count, average_weight: MassPerUnit, weigh: Mass) -> Mass:
    """Tablet powder left over when whole tablets were crushed.

        discarded = tablets * average_weight - weigh

    Args:
        tablets: whole tablets crushed [above 0].
        average_weight: weight of one tablet [mass/tablet].
        weigh: tablet powder that goes into the batch [mass].

    Source:
        jcu-tablets
    """
    return tablets * average_weight - weigh


@measured
def active_weighed(weigh: Mass, label_claim: MassPerUnit, average_weight: MassPerUnit) -> Mass:
    """Active that the rounded weighing of tablet powder carries.

        active_weighed = weigh / average_weight * label_claim

    Args:
        weigh: tablet powder on the balance [mass].
        label_claim: active in one tablet [mass/tablet].
        average_weight: weight of one tablet [mass/tablet].

    Source:
        jcu-tablets
    """
    return weigh / average_weight * label_claim


@measured
def per_capsule(mass: Mass, units: Count) -> MassPerUnit:
    """Mass in one capsule, when it is filled into so many.

        per_capsule = mass / units

    Args:
        mass: one material [mass].
        units: capsules that the mixture fills [above 0].
    """
    return mass / units


@measured
def to_weigh(exact: Mass, readability: Quantity) -> Mass:
    """Mass to weigh, rounded half up to what the balance shows.

        to_weigh = rounded(exact, readability)

    Args:
        exact: the mass asked for [mass].
        readability: smallest step of the balance [mass without material; above 0].

    Source:
        usp-general-notices-7
    """
    return rounded(exact, readability)


@measured
def concentration_made(active: Mass, volume: Volume) -> Concentration:
    """Active in one volume of the finished liquid.

        concentration_made = active / volume

    Args:
        active: active weighed [mass].
        volume: volume made up to [above 0].
    """
    return active / volume


@measured
def relative_error(made: Quantity, ordered: Quantity) -> Fraction:
    """How far what will be made lies from what was ordered, relative to it.

        relative_error = made / ordered - 1

    Args:
        made: strength or concentration after rounding to the balance.
        ordered: strength or concentration ordered, in the same dimension.
    """
    return ratio(made, ordered) - 1
