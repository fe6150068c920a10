"""Too little to weigh: what a balance may weigh, and the larger weighing of which a part is taken.

A mixture is a material of its own (a trituration, a stock), so that a milligram of it is never taken for a
milligram of what it carries. Where a mass passes from one to the other, `quantities.taken_as` says so.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

from compounding.calc.measured import measured
from compounding.problems import CannotCompute
from compounding.quantities import Mass, Quantity, Volume, ratio, told


@measured
def least_weighable(sensitivity_requirement: Quantity, permitted_percent: Fraction) -> Quantity:
    """Least quantity that a balance weighs within the permitted error.

        least_weighable = sensitivity_requirement * 100 / permitted_percent

    Args:
        sensitivity_requirement: what moves the pointer by one division [mass without material; above 0].
        permitted_percent: error that one weighing may have [percent; above 0].

    Returns:
        Mass without material, not rounded.

    Source:
        unc-weigh; basicmedicalkey

    Example:
        >>> from compounding.quantities import quantity, written
        >>> written(least_weighable(quantity("6 mg"), Fraction(5)))
        '120 mg'
    """
    return sensitivity_requirement * 100 / permitted_percent


@measured
def percent_error(sensitivity_requirement: Quantity, weighed: Quantity) -> Fraction:
    """Error that a weighing may have, in percent of it.

        percent_error = sensitivity_requirement * 100 / weighed

    Args:
        sensitivity_requirement: what moves the pointer by one division [mass without material].
        weighed: the mass on the balance [mass without material; above 0].

    Source:
        unc-weigh

    Example:
        >>> from compounding.quantities import quantity
        >>> percent_error(quantity("6 mg"), quantity("50 mg"))
        Fraction(12, 1)
    """
    return ratio(sensitivity_requirement, weighed) * 100


@measured
def minimum_weight(times: Fraction, repeatability: Quantity, share: Fraction, readability: Quantity) -> Quantity:
    """Minimum weight of a balance from its repeatability, which counts as a share of the readability at least.

        minimum_weight = times * max(repeatability, share * readability)

    Args:
        times: how many standard deviations the minimum weight holds [1; USP <41>: 2000].
        repeatability: standard deviation of ten or more weighings of one weight [mass without material; from 0].
        share: the least that counts, as a share of the readability [1; USP <41>: 0.41].
        readability: smallest step of the balance [mass without material; above 0].

    Returns:
        Mass without material, not rounded.

    Source:
        usp-41

    Example:
        >>> from compounding.quantities import quantity, written
        >>> written(minimum_weight(Fraction(2000), quantity("0.03 mg"), Fraction("0.41"), quantity("0.1 mg")))
        '82 mg'
    """
    return times * max(repeatability, share * readability)


@measured
def drug_to_weigh(need: Mass, multiple: Fraction) -> Mass:
    """Drug to weigh when only one part of the mixture is used.

        drug = need * multiple

    Args:
        need: drug that the preparation needs [mass].
        multiple: into how many parts the mixture is divided [1; whole, above 0].

    Source:
        unc-triturations; basicmedicalkey
    """
    return need * multiple


@measured
def mixture_total(aliquot: Mass, multiple: Fraction) -> Mass:
    """What the whole mixture weighs.

        total = aliquot * multiple

    Args:
        aliquot: the part that will be taken [mass of the mixture].
        multiple: into how many such parts the mixture is divided [1; whole, above 0].

    Source:
        unc-triturations; basicmedicalkey
    """
    return aliquot * multiple


@measured
def diluent_to_weigh(mixture: Mass, part: Mass) -> Mass:
    """Diluent that fills the mixture up.

        diluent = mixture - part

    Args:
        mixture: the whole mixture [mass of the mixture].
        part: what is diluted, as a part of the mixture [mass of the mixture; at most all of it].

    Returns:
        Diluent, still said as mass of the mixture.

    Raises:
        CannotCompute: there would be more of the part than of the mixture.

    Source:
        unc-triturations; basicmedicalkey
    """
    _no_larger(part, mixture, "part to dilute")
    return mixture - part


@measured
def drug_in_aliquot(aliquot: Mass, mixture: Mass, drug: Mass) -> Mass:
    """Drug that an aliquot of a mixture carries.

        drug_in_aliquot = aliquot / mixture * drug

    Args:
        aliquot: the part that is taken [mass of the mixture; at most all of it].
        mixture: the whole mixture [mass of the mixture; above 0].
        drug: drug in the whole mixture [mass].

    Raises:
        CannotCompute: the aliquot is larger than the mixture.

    Source:
        unc-triturations; savva
    """
    _no_larger(aliquot, mixture, "aliquot")
    return aliquot / mixture * drug


@measured
def aliquot_for(need: Mass, mixture: Mass, drug: Mass) -> Mass:
    """Aliquot of a mixture, or part of a trituration, that carries a mass of drug.

        aliquot = need / drug * mixture

    Args:
        need: drug that the preparation needs [mass; at most what the mixture holds].
        mixture: the whole mixture [mass of the mixture].
        drug: drug in the whole mixture [mass; above 0].

    Raises:
        CannotCompute: the mixture holds less drug than is needed.

    Source:
        unc-triturations; savva
    """
    _no_larger(need, drug, "need")
    return need / drug * mixture


@measured
def stock_volume(taken: Volume, multiple: Fraction) -> Volume:
    """Volume that a liquid stock is made up to.

        stock_volume = taken * multiple

    Args:
        taken: the part that will be measured [volume].
        multiple: into how many such parts the stock is divided [1; whole, above 0].

    Source:
        unc-pharmlabs-aliquots
    """
    return taken * multiple


@measured
def drug_in_volume(taken: Volume, volume: Volume, drug: Quantity) -> Quantity:
    """Drug that a measured part of a liquid stock carries.

        drug_in_volume = taken / volume * drug

    Args:
        taken: the part that is measured [volume; at most all of it].
        volume: what the stock was made up to [volume; above 0].
        drug: drug in the whole stock [mass, or volume of a liquid].

    Raises:
        CannotCompute: the part is larger than the stock.

    Source:
        unc-pharmlabs-aliquots
    """
    _no_larger(taken, volume, "part taken")
    return taken / volume * drug


@measured
def volume_for(need: Quantity, volume: Volume, drug: Quantity) -> Volume:
    """Volume of a liquid stock that carries an amount of drug.

        volume_for = need / drug * volume

    Args:
        need: drug that the preparation needs [mass, or volume of a liquid; at most what the stock holds].
        volume: what the stock was made up to [volume].
        drug: drug in the whole stock [as the need; above 0].

    Raises:
        CannotCompute: the stock holds less drug than is needed.

    Source:
        unc-pharmlabs-aliquots
    """
    _no_larger(need, drug, "need")
    return need / drug * volume


def _no_larger(part: Quantity, whole: Quantity, name: str) -> None:
    if part and ratio(part, whole) > 1:
        text = f"The {name} of {told(part)} is larger than the mixture's {told(whole)}: check both and their units"
        raise CannotCompute(text, code="aliquot.larger-than-mixture")


@measured
def dilution_factor(mixture: Mass, part: Mass) -> Fraction:
    """The N of a dilution 1 in N: one part of drug in N parts of mixture.

        dilution_factor = mixture / part

    Args:
        mixture: the whole mixture [mass of the mixture].
        part: what is diluted, as a part of the mixture [mass of the mixture; above 0].

    Source:
        brazil-triturates
    """
    return ratio(mixture, part)


@measured
def trituration_to_weigh(need: Mass, dilution_factor: Fraction) -> Mass:
    """Trituration 1 in N that carries a mass of drug.

        trituration = need * dilution_factor

    Args:
        need: drug that the preparation needs [mass].
        dilution_factor: the N of 1 in N [1; from 1].

    Returns:
        Mass of the trituration, still said as mass of the drug.

    Source:
        brazil-triturates
    """
    return need * dilution_factor


def doublings(mixture: Mass, part: Mass) -> int:
    """In how many additions the diluent goes in, each as much as is in the mortar already.

        ceil(log2(mixture / part)), in whole numbers: a logarithm of floats is wrong beside powers of two

    Args:
        mixture: the whole mixture [mass of the mixture].
        part: what is diluted [mass of the mixture; above 0, at most all of it].

    Source:
        pharmapproach

    Example:
        >>> from compounding.quantities import quantity
        >>> doublings(quantity("1200 mg", "trituration"), quantity("120 mg", "trituration"))
        4
    """
    _no_larger(part, mixture, "part")
    return (math.ceil(ratio(mixture, part)) - 1).bit_length()


def geometric_additions(mixture: Mass, part: Mass) -> tuple[Mass, ...]:
    """Each addition of a geometric dilution: what is in the mortar is doubled until all diluent is in.

    Sources disagree whether equal amounts are equal by weight or by volume; these are weights.

    Args:
        mixture: the whole mixture [mass of the mixture].
        part: what is diluted [mass of the mixture; above 0, at most all of it].

    Returns:
        Diluent of each addition, in order, still said as mass of the mixture; together they are all of it.

    Source:
        pharmapproach; scienceinsights

    Example:
        >>> from compounding.quantities import quantity, written
        >>> whole, drug = quantity("1200 mg", "trituration"), quantity("120 mg", "trituration")
        >>> [written(each) for each in geometric_additions(whole, drug)]
        ['120 mg', '240 mg', '480 mg', '240 mg']
    """
    mortar = [part * 2**addition for addition in range(doublings(mixture, part))] + [mixture]
    return tuple(after - before for before, after in itertools.pairwise(mortar))
