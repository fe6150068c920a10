"""Liquids are made up to volume: what goes in, and what a dose measures."""

from __future__ import annotations

from compounding.calc.measured import measured
from compounding.quantities import Concentration, Density, Mass, Quantity, Volume


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
