"""Too little to weigh: the fewest mixtures, of which parts are taken, and of those the ones that waste least.

All is counted in whole steps of the balance (and of the measure), so that a portion that is found can be
weighed as it stands. The numbers of the plan are then computed again by `calc.dilution`, which writes the working.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Final

from compounding.calc import amounts, dilution
from compounding.frozen import dataclass
from compounding.problems import Problem
from compounding.quantities import (
    Concentration,
    Mass,
    Quantity,
    Volume,
    amount,
    as_balance,
    half_up,
    in_unit,
    material_of,
    of_material,
    quantity,
    taken_as,
    told,
    written,
)
from compounding.records.aliquot import Aliquot
from compounding.work.materials import Balance

# A mixture is divided into 100 parts at most: 1 in 100 is the strongest dilution in one step that is normal
# practice for potent drugs (brazil-triturates). Stronger ones are made of a part of a first one.
MOST_PARTS: Final = 100
# Beyond this much powder thrown away a second mixture is made, if that wastes less: our choice, about what a
# small mortar mixes well.
MOST_WASTED: Final = quantity("5 g")
# Parts that the balance shows exactly may waste so many times what parts with a rounded drug waste. The rounding
# is below 0.07 % where the minimum weight is 820 readabilities, so it is not worth any number of tablets.
EXACT_MAY_WASTE: Final = 2

_ORDINALS: Final = ("first", "second")
_VOLUME: Final = quantity("1 mL").dimensionality


@dataclass(frozen=True)
class Measure:
    """What a liquid aliquot is measured with.

    Args:
        name: such as ``5 mL oral syringe``.
        smallest: smallest part that may be taken with it [volume; above 0].
        step: volume between two marks; a part is a whole number of them [volume; above 0].
        largest: largest stock that can be made up [volume].
        capacity: largest part that may be taken with it [volume]; None if that is not known.
    """

    name: str
    smallest: Volume
    step: Volume
    largest: Volume
    capacity: Volume | None = None


@dataclass(frozen=True)
class Mixture:
    """One dilution: what goes in, and what is taken of it.

    Args:
        name: the material of the mixture, such as ``first trituration``, or ``first stock`` of a liquid.
        exact: what is diluted, before it is rounded to the balance [mass or volume].
        weigh: what is diluted [mass on the balance's steps, or the volume taken before].
        diluent: mass of diluent; None where a liquid is made up to the total.
        total: the whole mixture [mass of the mixture, or volume].
        take: the part that is used [mass of the mixture, or volume].
        multiple: into how many such parts the mixture is divided.
        carried: drug in the part that is taken [mass].
    """

    name: str
    exact: Quantity
    weigh: Quantity
    diluent: Mass | None
    total: Quantity
    take: Quantity
    multiple: int
    carried: Mass


@dataclass(frozen=True)
class Diluted:
    """A drug that is too little to weigh, as it will be diluted.

    Args:
        mixtures: one or two dilutions, in order.
        aliquots: the same as text, for the plan.
        take: the part of the last mixture that goes into the preparation [mass of the mixture, or volume].
        carried: drug in it [mass].
        diluent: diluent in it [mass]; None for a liquid.
        error: how far the drug in it lies from the need, relative to it [1]; 0 where nothing was rounded.
        because: why two mixtures are made; empty for one.
    """

    mixtures: tuple[Mixture, ...]
    aliquots: tuple[Aliquot, ...]
    take: Quantity
    carried: Mass
    diluent: Mass | None
    error: Fraction
    because: str


@dataclass(frozen=True)
class _Portions:
    """Drug, parts and multiples of one or two mixtures, in whole steps."""

    drug: int
    multiples: tuple[int, ...]
    takes: tuple[int, ...]

    @property
    def wasted(self) -> int:
        return sum((multiple - 1) * take for multiple, take in zip(self.multiples, self.takes, strict=True))

    def order(self) -> tuple[int, int, tuple[int, ...]]:
        """The least wasted first; of those the least drug, then the smaller first mixture."""
        return self.wasted, self.drug, self.multiples


# The least part of mixture number one or two that may be taken, given what is inside and into how many parts it
# is divided; None if there is none.
_Part = Callable[[int, int, int], int | None]


def dilute(
    need: Mass, balance: Balance, diluent: str, *, room: Mass | None = None, capacity: Mass | None = None
) -> tuple[Diluted | None, list[Problem]]:
    """Plan the trituration of which a part carries a mass of drug that is too little to weigh.

    One mixture, or two where one would be divided into more than `MOST_PARTS` or waste more than `MOST_WASTED`: two cost
    more weighings and a second mixing than they save in powder (docs/decisions/fewer-mixtures.md). Drug, diluent and parts
    all reach the balance's minimum weight. No plan of as many mixtures wastes less, unless its drug is rounded: an exact
    one may waste up to `EXACT_MAY_WASTE` times as much.

    Args:
        need: what the preparation needs of the drug as it is weighed [mass].
        balance: its readability and minimum weight.
        diluent: the material to dilute with.
        room: the largest part that fits into the preparation [mass], if that is known.
        capacity: the most that the balance weighs [mass], if that matters.

    Returns:
        The dilution, or None if nothing needs to be diluted or nothing can be; and every problem seen.

    Source:
        unc-triturations
    """
    drug = material_of(need) or "the drug"
    step = amount(balance.readability, "mg")
    needed, least = amount(need, "mg") / step, math.ceil(amount(balance.minimum_weight, "mg") / step)
    if half_up(needed) >= least:
        return None, []
    if needed <= 0:
        return None, [
            Problem("aliquot.need", f"{told(need)} of {drug} is needed; an aliquot needs a mass above zero", drug)
        ]
    most = None if capacity is None else math.floor(amount(capacity, "mg") / step)

    def part(number: int, inside: int, multiple: int) -> int | None:
        take = max(least, _divided_up(inside + least, multiple))
        heaviest = max(inside, take, multiple * take - inside)
        return take if most is None or heaviest <= most else None

    limit = amount(MOST_WASTED, "mg") / step
    one = chosen = _best(_one_mixture, needed, least, part)
    if one is None or one.wasted > limit:
        two = _best(_two_mixtures, needed, least, part)
        chosen = two if one is None or (two and two.wasted < one.wasted) else one
    if chosen is None:
        text = (
            f"{drug}: {told(need)} is needed and {balance.name} weighs from {told(balance.minimum_weight)}"
            f"{f' to {told(capacity)}' if capacity is not None else ''}. No aliquot of two mixtures, each divided into at most "
            f"{MOST_PARTS} parts, can be weighed. Make a larger batch, use a trituration, or a balance with a lower minimum weight"
        )
        return None, [Problem("aliquot.impossible", text, drug, source="unc-triturations")]
    made = _as_powder(need, balance, diluent, chosen)
    because = "" if chosen is one else _why_two(needed, least, "be too heavy for the balance")
    if one and chosen is not one:
        because = f"one mixture would waste {_grams(one.wasted * balance.readability)}"
    problems = _too_large(made[-1].take, room, drug)
    if chosen.wasted > limit:
        text = (
            f"{drug}: {_grams(chosen.wasted * balance.readability)} of mixture are discarded. "
            "A balance with a lower minimum weight wastes less"
        )
        problems.append(Problem("aliquot.waste", text, drug, stops=False))
    return _diluted(need, made, diluent, balance, because), problems


def dilute_in_liquid(
    need: Mass,
    balance: Balance,
    solvent: str,
    measure: Measure,
    *,
    solubility: Concentration,
    room: Volume | None = None,
) -> tuple[Diluted | None, list[Problem]]:
    """Plan the stock, made up to volume, of which a measured part carries a mass of drug that is too little to weigh.

    One stock, or two where one would be divided into more than `MOST_PARTS` or be larger than the measure's largest.
    A part is a whole number of the measure's steps, and all of the drug dissolves.

    Args:
        need: what the preparation needs of the drug as it is weighed [mass].
        balance: its readability and minimum weight.
        solvent: the liquid that dissolves the drug.
        measure: what the part is taken with.
        solubility: the most drug that one volume dissolves [mass/volume; above 0].
        room: the largest part that fits into the preparation [volume], if that is known.

    Returns:
        The dilution, or None if nothing needs to be diluted or nothing can be; and every problem seen.

    Source:
        unc-pharmlabs-aliquots
    """
    drug = material_of(need) or "the drug"
    step, mark = amount(balance.readability, "mg"), amount(measure.step, "mL")
    needed, least = amount(need, "mg") / step, math.ceil(amount(balance.minimum_weight, "mg") / step)
    if half_up(needed) >= least:
        return None, []
    dissolves = amount(solubility, "mg/mL") * mark / step  # steps of the balance in one step of the measure
    if needed <= 0 or dissolves <= 0:
        text = f"{told(need)} of {drug} is needed, and {told(solubility)} dissolves; both must be above zero"
        return None, [Problem("aliquot.need", text, drug)]
    smallest = math.ceil(amount(measure.smallest, "mL") / mark)
    largest = math.floor(amount(measure.largest, "mL") / mark)
    holds = largest if measure.capacity is None else math.floor(amount(measure.capacity, "mL") / mark)

    def part(number: int, inside: int, multiple: int) -> int | None:
        fits = math.ceil(inside / (dissolves * multiple)) if number == 0 else inside // multiple + 1
        take = max(smallest, fits)
        return take if multiple * take <= largest and take <= holds else None

    one = _best(_one_mixture, needed, least, part)
    chosen = one or _best(_two_mixtures, needed, least, part)
    if chosen is None:
        text = (
            f"{drug}: {told(need)} is needed, {balance.name} weighs from {told(balance.minimum_weight)} and {told(solubility)} "
            f"dissolves. No stock of at most {told(measure.largest)}, nor a part of one diluted again, holds it in a part that "
            f"the {measure.name} measures from {told(measure.smallest)}. Make a larger batch, or use another solvent or measure"
        )
        return None, [Problem("aliquot.impossible", text, drug, source="unc-pharmlabs-aliquots")]
    made = _as_stock(need, balance, measure, chosen)
    because = "" if one else _why_two(needed, least, f"be larger than {told(measure.largest)}")
    return _diluted(need, made, solvent, balance, because), _too_large(made[-1].take, room, drug)


def _divided_up(number: int, by: int) -> int:
    return -(-number // by)


# How a mixture, or two, could be divided so that the drug reaches the least weighing, from the need, that least and a
# number of which all parts together must be a multiple.
_Ways = Callable[[Fraction, int, int], Iterator[tuple[int, ...]]]


def _best(ways: _Ways, needed: Fraction, least: int, part: _Part) -> _Portions | None:
    """The portions that waste least: with an exact drug if that wastes little more, else with a rounded one."""
    rounded, exact = (
        min(_possible(needed, ways(needed, least, whole), part), key=_Portions.order, default=None)
        for whole in (1, needed.denominator)
    )
    worth_it = rounded and exact and exact.wasted <= EXACT_MAY_WASTE * rounded.wasted
    return exact if worth_it else rounded


def _one_mixture(needed: Fraction, least: int, whole: int) -> Iterator[tuple[int, ...]]:
    """The fewest parts that make the drug weighable; more parts only waste more."""
    yield (_divided_up(math.ceil(least / needed), whole) * whole,)


def _two_mixtures(needed: Fraction, least: int, whole: int) -> Iterator[tuple[int, ...]]:
    """For every division of the second mixture the fewest parts of the first; more parts only waste more.

    The drug is a whole number of steps if all parts together are a multiple of ``whole``.
    """
    for second in range(2, MOST_PARTS + 1):
        multiple_of = whole // math.gcd(whole, second)
        first = max(2, _divided_up(least * needed.denominator, needed.numerator * second))
        yield _divided_up(first, multiple_of) * multiple_of, second


def _possible(needed: Fraction, ways: Iterator[tuple[int, ...]], part: _Part) -> Iterator[_Portions]:
    for multiples in ways:
        if max(multiples) > MOST_PARTS:
            continue
        twice, over = 2 * needed.numerator * math.prod(multiples), needed.denominator
        inside = drug = (twice + over) // (2 * over)  # rounded half up, in whole numbers because it is done often
        takes: list[int] = []
        for number, multiple in enumerate(multiples):
            take = part(number, inside, multiple)
            if take is None:
                break
            takes.append(take)
            inside = take
        else:
            yield _Portions(drug, multiples, tuple(takes))


def _why_two(needed: Fraction, least: int, otherwise: str) -> str:
    parts = math.ceil(least / needed)
    too_many = f"be divided into {parts} parts; {MOST_PARTS} is the most"
    return f"one mixture would {too_many if parts > MOST_PARTS else otherwise}"


def _grams(value: Quantity) -> str:
    return told(in_unit(value, "g"))


def _as_powder(need: Mass, balance: Balance, diluent: str, found: _Portions) -> list[Mixture]:
    """The mixtures with their masses, and the working of each."""
    readability = balance.readability
    exact = dilution.drug_to_weigh(need, Fraction(math.prod(found.multiples)))
    weigh = carried = amounts.to_weigh(exact, readability)
    mixtures: list[Mixture] = []
    for number, (multiple, take) in enumerate(zip(found.multiples, found.takes, strict=True)):
        name = _name(number, len(found.takes), "trituration")
        aliquot = of_material(take * readability, name)
        total = dilution.mixture_total(aliquot, Fraction(multiple))
        filled_up = dilution.diluent_to_weigh(total, taken_as(weigh, name))
        carried = dilution.drug_in_aliquot(aliquot, total, carried)
        mixtures.append(Mixture(name, exact, weigh, taken_as(filled_up, diluent), total, aliquot, multiple, carried))
        exact = weigh = aliquot
    return mixtures


def _as_stock(need: Mass, balance: Balance, measure: Measure, found: _Portions) -> list[Mixture]:
    """The stocks with their volumes, and the working of each."""
    exact = dilution.drug_to_weigh(need, Fraction(math.prod(found.multiples)))
    weigh = carried = amounts.to_weigh(exact, balance.readability)
    mixtures: list[Mixture] = []
    for number, (multiple, marks) in enumerate(zip(found.multiples, found.takes, strict=True)):
        taken = in_unit(marks * measure.step, "mL")
        total = dilution.stock_volume(taken, Fraction(multiple))
        carried = dilution.drug_in_volume(taken, total, carried)
        name = _name(number, len(found.takes), "stock")
        mixtures.append(Mixture(name, exact, weigh, None, total, taken, multiple, carried))
        exact = weigh = taken
    return mixtures


def _name(number: int, of: int, kind: str) -> str:
    return kind if of == 1 else f"{_ORDINALS[number]} {kind}"


def _diluted(need: Mass, made: list[Mixture], diluent: str, balance: Balance, because: str) -> Diluted:
    last = made[-1]
    drug = material_of(need) or "drug"
    into = [drug, *(mixture.name for mixture in made)]
    left = None if last.diluent is None else taken_as(last.take, diluent) - taken_as(last.carried, diluent)
    return Diluted(
        mixtures=tuple(made),
        aliquots=tuple(
            _as_text(number, into[number - 1], each, diluent, balance) for number, each in enumerate(made, 1)
        ),
        take=last.take,
        carried=last.carried,
        diluent=left,
        error=amounts.relative_error(last.carried, need),
        because=because,
    )


def _as_text(number: int, material: str, made: Mixture, diluent: str, balance: Balance) -> Aliquot:
    def text(value: Quantity) -> str:
        return written(in_unit(value, "mL")) if _is_volume(value) else as_balance(value, balance.readability)

    additions = (
        () if made.diluent is None else dilution.geometric_additions(made.total, taken_as(made.weigh, made.name))
    )
    return Aliquot(
        step=number,
        material=material,
        weigh=text(made.weigh),
        diluent=None if made.diluent is None else text(made.diluent),
        diluent_material=diluent,
        total=text(made.total),
        take=text(made.take),
        multiple=made.multiple,
        wasted=text(made.total - made.take),
        carries=written(in_unit(made.carried, "mg")),
        geometric=tuple(text(addition) for addition in additions),
    )


def _is_volume(value: Quantity) -> bool:
    return bool(value.dimensionality == _VOLUME)


def _too_large(take: Quantity, room: Quantity | None, drug: str) -> list[Problem]:
    unit = "mL" if _is_volume(take) else "mg"
    if room is None or amount(take, unit) <= amount(room, unit):
        return []
    text = (
        f"{drug}: the smallest aliquot is {told(take)}, and the preparation holds {told(room)}. "
        "Make a larger batch, or use a balance with a lower minimum weight"
    )
    return [Problem("aliquot.larger-than-mixture", text, drug)]
