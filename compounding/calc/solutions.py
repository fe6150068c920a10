"""Liquids are made up to volume: what goes in, and what a dose measures."""

from __future__ import annotations

from fractions import Fraction

from compounding.calc.measured import measured
from compounding.frozen import dataclass
from compounding.problems import CannotCompute
from compounding.quantities import (
    Concentration,
    Count,
    Density,
    Mass,
    MassPerUnit,
    Quantity,
    Volume,
    in_unit,
    ratio,
    told,
)


@measured
def component_mass(amount: Density, volume: Volume) -> Mass:
    """Mass of an ingredient in a finished volume.

        component_mass = amount * volume

    Args:
        amount: mass of the ingredient in a volume of the finished liquid [mass/volume].
        volume: finished volume [above 0].

    Source:
        fawcett-1997
    """
    return amount * volume


@measured
def component_volume(amount: Quantity, volume: Volume) -> Volume:
    """Volume of a liquid ingredient in a finished volume.

        component_volume = amount * volume

    Args:
        amount: volume of the ingredient in a volume of the finished liquid [volume/volume].
        volume: finished volume [above 0].

    Source:
        fawcett-1997
    """
    return amount * volume


@measured
def dose_volume(dose: Mass, concentration: Concentration) -> Volume:
    """Volume that carries a dose.

        dose_volume = dose / concentration

    Args:
        dose: active in one dose [mass; above 0].
        concentration: active in the finished liquid [mass/volume; above 0].

    Source:
        kennard
    """
    return dose / concentration


@measured
def volume_of_tablets(tablets: Count, label_claim: MassPerUnit, concentration: Concentration) -> Volume:
    """Volume that whole tablets make, without weighing any powder.

        volume = tablets * label_claim / concentration

    Args:
        tablets: whole tablets [above 0].
        label_claim: active in one tablet by its label [mass/tablet; above 0].
        concentration: active in the finished liquid [mass/volume; above 0].

    Source:
        fawcett-1997
    """
    return tablets * label_claim / concentration


@measured
def displaced_volume(solids: Mass, density: Density) -> Volume:
    """Volume that solids take up in the finished liquid: why it is made up to volume, and water never added.

        displaced_volume = solids / density

    Args:
        solids: mass of a solid ingredient [mass].
        density: its density as a solid [mass/volume; above 0].

    Source:
        unc-pharmlabs-aliquots
    """
    return in_unit(solids / density, "mL")


@dataclass(frozen=True)
class OnDevice:
    """A dose on a measuring device: the mark to draw to, whether it is the dose, and the error [1] if it is not.

    ``other`` is the mark on the dose's other side, with its error; None where the dose is on a mark, or the device has
    no such mark.
    """

    mark: Volume
    on_mark: bool
    error: Fraction
    other: Volume | None = None
    other_error: Fraction | None = None


def on_device(volume: Volume, capacity: Volume, step: Volume) -> OnDevice:
    """The mark of a device that lies nearest to a dose; of two as near, the lower one.

    Args:
        volume: the dose [volume; above 0].
        capacity: what the device holds [volume; above 0].
        step: from mark to mark [volume; above 0].

    Raises:
        CannotCompute: the dose is more than the device holds, or less than one step.

    Source:
        childrens-wisconsin

    Example:
        >>> from compounding.quantities import quantity, written
        >>> found = on_device(quantity("4.5 mL"), quantity("5 mL"), quantity("0.2 mL"))
        >>> print(written(found.mark), found.on_mark, found.error, written(found.other), found.other_error)
        4.4 mL False -1/45 4.6 mL 1/45
    """
    if volume > capacity:
        raise CannotCompute(f"{told(volume)} is more than a device of {told(capacity)} holds", code="device.too-small")
    steps = ratio(volume, step)
    whole = -((1 - 2 * steps) // 2)  # half down
    if whole < 1:
        raise CannotCompute(f"{told(volume)} is less than one mark of {told(step)}", code="device.too-coarse")
    mark = step * Fraction(whole)
    beside = step * Fraction(whole + (1 if steps > whole else -1))
    if steps == whole or not 0 * step < beside <= capacity:
        return OnDevice(mark, steps == whole, ratio(mark, volume) - 1)
    return OnDevice(mark, False, ratio(mark, volume) - 1, beside, ratio(beside, volume) - 1)
