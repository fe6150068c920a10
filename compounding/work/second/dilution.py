"""Too little to weigh: the mixtures that a plan chose, worked out again and judged.

A plan chooses into how many parts a mixture is divided and how large the part is. What is weighed, filled up, carried
and thrown away follows from that; and a choice is good only if everything in it can be weighed or measured.
"""

from __future__ import annotations

from dataclasses import dataclass

from compounding.problems import CannotCompute
from compounding.work.second.inputs import Chosen, Inputs
from compounding.work.second.ratio import Ratio, decimal, to_step
from compounding.work.second.reading import CONCENTRATION, MASS, VOLUME, of_kind

# More than these nobody mixes evenly (brazil-triturates), and a stock beyond a bottle is no longer a stock.
MOST_PARTS, MOST_MIXTURES = 100, 2
LARGEST_STOCK = of_kind(VOLUME, "100 mL")
# Below a fifth of a device the error of its marks grows (brainscape-uk).
LEAST_SHARE_OF_DEVICE = Ratio(1, 5)


@dataclass(frozen=True)
class Mixture:
    """One mixture, of which one part is used.

    Args:
        inside: what is diluted [mass; the volume taken before, for a second stock].
        total: all of it [mass; volume of a stock].
        take: the part that is used [as the total].
        multiple: how many such parts it is.
        drug: drug in all of it [mass].
    """

    inside: Ratio
    total: Ratio
    take: Ratio
    multiple: int
    drug: Ratio

    @property
    def carries(self) -> Ratio:
        """Drug in the part that is used."""
        return self.drug * self.take / self.total

    @property
    def diluent(self) -> Ratio:
        return self.total - self.inside

    @property
    def wasted(self) -> Ratio:
        return self.total - self.take

    @property
    def geometric(self) -> tuple[Ratio, ...]:
        """What is added each time: as much as is in the mortar, at the end what is left."""
        additions, mortar = [], self.inside
        while mortar < self.total:
            rest = self.total - mortar
            additions.append(mortar if mortar < rest else rest)
            mortar = mortar + additions[-1]
        return tuple(additions)


def parts_together(chosen: Chosen) -> Ratio:
    """How many times the need goes into the first mixture."""
    many = 1
    for part in chosen.parts:
        many *= part.multiple
    return Ratio(many)


def mixtures(need: Ratio, inputs: Inputs, chosen: Chosen) -> tuple[Mixture, ...]:
    """The mixtures of a plan, in order; none if the source is weighed as it is.

    Args:
        need: what the preparation needs of the source, not rounded [mass].
        inputs: with the balance, and what a part of a stock is measured with.
        chosen: what the plan chose.

    Raises:
        CannotCompute: a source that can be weighed is diluted, one that cannot is not, or a mixture cannot be made.

    Source:
        unc-triturations; unc-pharmlabs-aliquots
    """
    step = of_kind(MASS, inputs.readability)
    _need(to_step(need, step), inputs, chosen)
    found: list[Mixture] = []
    inside = drug = to_step(need * parts_together(chosen), step)
    for part in chosen.parts:
        if not 2 <= part.multiple <= MOST_PARTS:
            raise CannotCompute(f"A mixture is divided into {part.multiple} parts; 2 to {MOST_PARTS} are possible")
        take = of_kind(MASS if inputs.capsule else VOLUME, part.take)
        found.append(Mixture(inside, take * Ratio(part.multiple), take, part.multiple, drug))
        inside, drug = take, found[-1].carries
    if found:
        _weighable("drug", found[0].drug, inputs)
    for mixture in found:
        if inputs.capsule:
            _can_be_weighed(mixture, inputs)
        else:
            _can_be_measured(mixture, inputs, inputs.solubility)
    return tuple(found)


def stock_of(material: str, need: Ratio, solubility: str | None, inputs: Inputs, chosen: Chosen) -> Mixture | None:
    """The stock solution of an ingredient; None where it is weighed as it is.

    Raises:
        CannotCompute: what can be weighed is dissolved, what cannot is not, or the stock cannot be made or measured.
    """
    step, minimum = of_kind(MASS, inputs.readability), of_kind(MASS, inputs.minimum)
    part = dict(chosen.stocks).get(material)
    if part is None or not to_step(need, step) < minimum:
        if part is not None:
            raise CannotCompute(f"{_mg(need)} of {material} can be weighed, and a stock is made of it")
        return None  # below the minimum its own line is refused
    if not 2 <= part.multiple <= MOST_PARTS:
        raise CannotCompute(f"The stock of {material} is divided into {part.multiple} parts; 2 to {MOST_PARTS} are possible")
    drug, take = to_step(need * Ratio(part.multiple), step), of_kind(VOLUME, part.take)
    mixture = Mixture(drug, take * Ratio(part.multiple), take, part.multiple, drug)
    _weighable(material, drug, inputs)
    _can_be_measured(mixture, inputs, solubility)
    return mixture


def _need(rounded: Ratio, inputs: Inputs, chosen: Chosen) -> None:
    too_little = rounded < of_kind(MASS, inputs.minimum) and inputs.method != "whole-tablets"
    if too_little and not chosen.parts:
        raise CannotCompute(f"{_mg(rounded)} of the source is below {inputs.minimum}, and it is not diluted")
    if chosen.parts and not too_little:
        raise CannotCompute(f"{_mg(rounded)} of the source can be weighed, and it is diluted")
    if len(chosen.parts) > MOST_MIXTURES:
        raise CannotCompute(f"{len(chosen.parts)} mixtures are made; {MOST_MIXTURES} are the most")


def _can_be_weighed(mixture: Mixture, inputs: Inputs) -> None:
    """Drug, diluent and part must all reach the balance's minimum weight, and the part lie on its steps."""
    if mixture.take != to_step(mixture.take, of_kind(MASS, inputs.readability)):
        raise CannotCompute(f"The balance does not show the part of {_mg(mixture.take)}")
    _weighable("part", mixture.take, inputs)
    _weighable("diluent", mixture.diluent, inputs)


def _weighable(what: str, mass: Ratio, inputs: Inputs) -> None:
    if mass < of_kind(MASS, inputs.minimum):
        raise CannotCompute(f"The {what} of {_mg(mass)} in a mixture is below {inputs.minimum}")
    if inputs.capacity and of_kind(MASS, inputs.capacity) < mass:
        raise CannotCompute(f"The {what} of {_mg(mass)} in a mixture is above {inputs.capacity}")


def _can_be_measured(mixture: Mixture, inputs: Inputs, solubility: str | None) -> None:
    """All of it dissolves, the stock is not too large, and the part lies on a mark of a device in stock."""
    if not solubility or of_kind(CONCENTRATION, solubility) * mixture.total < mixture.drug:
        raise CannotCompute(f"{_mg(mixture.drug)} of a powder does not dissolve in {_ml(mixture.total)}")
    if mixture.total > LARGEST_STOCK:
        raise CannotCompute(f"A stock of {_ml(mixture.total)} is too large")
    for device in inputs.devices:
        holds, step = of_kind(VOLUME, device.capacity), of_kind(VOLUME, device.step)
        on_mark = (mixture.take / step).under == 1
        if on_mark and holds * LEAST_SHARE_OF_DEVICE <= mixture.take <= holds:
            return
    raise CannotCompute(f"No device in stock measures the part of {_ml(mixture.take)}")


def _mg(value: Ratio) -> str:
    return f"{decimal(value / of_kind(MASS, '1 mg'))} mg"


def _ml(value: Ratio) -> str:
    return f"{decimal(value / of_kind(VOLUME, '1 mL'))} mL"
