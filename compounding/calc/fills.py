"""How much filler makes every capsule full: by packing statistics, or by density."""

from __future__ import annotations

from fractions import Fraction

from compounding.calc.measured import measured
from compounding.problems import CannotCompute
from compounding.quantities import Count, Density, Mass, MassPerUnit, Volume, decimal_text, ratio


@measured
def share_of_capsule(source: MassPerUnit, source_packing: MassPerUnit) -> Fraction:
    """Share of the capsule that the source takes up, by its packing statistic.

        share = source / source_packing

    Args:
        source: source material in one capsule [mass/capsule; from 0].
        source_packing: source material that fills one capsule of this size [mass/capsule; above 0].

    Raises:
        CannotCompute: the source does not fit the capsule.

    Source:
        compdirect
    """
    share = ratio(source, source_packing)
    if share > 1:
        raise CannotCompute(
            f"The source alone fills {decimal_text(share * 100, 1)} % of the capsule; choose a larger size or split the dose",
            code="capsule.overfull",
        )
    return share


@measured
def filler_per_capsule(share: Fraction, filler_packing: MassPerUnit) -> MassPerUnit:
    """Filler that takes up the rest of one capsule, by its packing statistic.

        filler_per_capsule = (1 - share) * filler_packing

    Args:
        share: share of the capsule that the source takes up [1; from 0, at most 1].
        filler_packing: filler that fills one capsule of this size [mass/capsule; above 0].

    Source:
        compdirect
    """
    return (1 - share) * filler_packing


@measured
def packing_from_density(capsule_volume: Volume, tapped_density: Density, one: Count) -> MassPerUnit:
    """Packing statistic of a powder from its tapped density.

        packing = capsule_volume * tapped_density / one

    Args:
        capsule_volume: volume of the body of the capsule, as its maker states it [volume; above 0].
        tapped_density: tapped density of the lot [mass/volume; above 0, at most 2 g/mL].
        one: one capsule.

    Source:
        hpe-densities
    """
    return capsule_volume * tapped_density / one


@measured
def packing_in_size(packing: MassPerUnit, volume_known: Volume, volume_wanted: Volume) -> MassPerUnit:
    """Packing statistic for another size of the same maker, by the volumes of the shells.

        packing_in_size = packing * volume_wanted / volume_known

    Args:
        packing: powder that fills one capsule of the known size [mass/capsule; above 0].
        volume_known: volume of the size in which it was measured [volume; above 0].
        volume_wanted: volume of the size that will be filled [volume; above 0].

    Source:
        pharmetika
    """
    return packing * volume_wanted / volume_known


@measured
def mass_in_capsules(each: MassPerUnit, units: Count) -> Mass:
    """Mass of a material in so many capsules.

        mass = each * units

    Args:
        each: the material in one capsule [mass/capsule].
        units: capsules [above 0].
    """
    return each * units


@measured
def filler_beside_diluent(filler: Mass, diluent: Mass) -> Mass:
    """Filler to weigh beside what came along as diluent of the source.

        filler_beside_diluent = filler - diluent

    Args:
        filler: filler of all capsules [mass].
        diluent: the same material in the part of the dilution that is used [mass; at most the filler].

    Raises:
        CannotCompute: the part of the dilution brings more than all capsules hold.

    Source:
        unc-triturations
    """
    if diluent > filler:
        raise CannotCompute(
            "The diluted source brings more filler than the capsules hold: choose a larger size or a balance "
            "with a lower minimum weight",
            code="aliquot.larger-than-mixture",
        )
    return filler - diluent
