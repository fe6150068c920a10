"""Every way to make an order with what is at hand, compared: the recommended one first, the refused ones last.

Each way is one source, procedure, balance, shell and filler, planned as any other plan and worked out twice. What the
order does not name is compared. A procedure is planned as it needs to be, unless the order names an overage itself:
volume-completion with the overage on the active alone, whole tablets without overage and with a volume that whole
tablets make.

`RULE` says how the possible ways are put in order. Chances that lie close together count as equal, because a plan
assumes more than such a difference; waste is counted in active, because tablet powder, mixtures and stocks have no
other measure in common.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from itertools import product
from typing import Final

from compounding.frozen import dataclass
from compounding.problems import CompoundingError, NotUnderstood, Problem, stopping
from compounding.quantities import Mass, Quantity, amount, count, half_up, in_unit, percent, quantity, ratio
from compounding.records.formula import Formula
from compounding.records.plan import Line, Plan
from compounding.records.stock import Lot
from compounding.rules.shells import size_for
from compounding.work.gathering import Choice
from compounding.work.materials import Balance, Materials, Order
from compounding.work.planned import plan, plan_from_lots
from compounding.work.planning import check_filler, check_order, times_as_substance
from compounding.work.stocking import check_lot

ONE: Final = count(1, "tablet")
CLOSE: Final = 1  # percentage point between chances that count as equal
RULE: Final = (
    "Recommended is the way most likely to pass its tests, judged by the less likely of content uniformity and potency; "
    f"ways within {CLOSE} percentage point of the likeliest count as equally likely. Of equals comes first the one with "
    "fewer dilutions, then with less active taken beyond the order, then with the later use-by date, then with fewer "
    "weighings, then with its smallest weighing further above the minimum of its balance, then with the capsule size that "
    "is usual for its active (brazil-essay, unverified) or else the smaller one, then by name. The ways after it are put "
    "in order alike."
)


@dataclass(frozen=True)
class Wanted:
    """What the order names; None is compared.

    Args:
        source: ``tablet``, ``powder`` or the id of a lot.
        method: a procedure of the formula.
        filler: a material.
        overage: True if the order names its overage, so that no procedure changes it.
    """

    source: str | None = None
    method: str | None = None
    filler: str | None = None
    overage: bool = False


@dataclass(frozen=True)
class Chosen:
    """What sets one way apart; None where a lot is refused whatever it is combined with.

    Args:
        source: the lot, or the kind where there are no lots.
        kind: ``tablet``, ``powder`` or ``trituration``.
        shells, filler_lot: lots, if there are any.
    """

    source: str | None = None
    kind: str | None = None
    method: str | None = None
    balance: str | None = None
    size: str | None = None
    maker: str | None = None
    shells: str | None = None
    filler: str | None = None
    filler_lot: str | None = None


@dataclass(frozen=True)
class Way:
    """One way to make an order, and what came of planning it.

    Args:
        chosen: what it is made of, how, and on which balance.
        order: the order as this way takes it; None where nothing was planned.
        plan: None if it is refused.
        problems: why it is refused, or what should be known.
    """

    chosen: Chosen
    order: Order | None
    plan: Plan | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Figures:
    """What a way costs and how sure it is.

    Args:
        weighings: on the balance.
        smallest: the smallest weighing that decides an amount; None if nothing is weighed.
        times_minimum: it, in minimum weights of its balance.
        dilutions: mixtures of which a part is used.
        tablets: crushed; None for a powder.
        discarded: powder of them that is left over.
        wasted: what dilutions leave over [mass or volume]; None without any.
        active_taken: active taken off the shelf [mass].
        beyond_order: of it, what the order does not hold: left over, wasted, or added for losses [mass].
        cost: by the prices of the lots; None if one of them is not known.
        chance: the smaller of the chances to pass, in percent.
    """

    weighings: int
    smallest: Line | None
    times_minimum: Fraction | None
    dilutions: int
    tablets: int | None
    discarded: str | None
    wasted: Quantity | None
    active_taken: Mass
    beyond_order: Mass
    cost: Fraction | None
    chance: Fraction


# ---- all the ways ----


def ways_from_lots(
    formula: Formula,
    digest: str,
    order: Order,
    lots: Sequence[Lot],
    balances: Sequence[Balance],
    wanted: Wanted,
    correction: str = "always",
    above_100: str = "refuse",
    fill_spread: Fraction | None = None,
) -> list[Way]:
    """Every way to make an order from the lots on the shelf; a lot that may not be used is one refused way.

    Args:
        lots: all lots; those that are used up are left aside.
        balances: those to compare.
        wanted: what is named and therefore not compared.
        correction, above_100: how the pharmacy weighs for the certificate of a powder.
        fill_spread: relative standard deviation of its fills, if it measured that [1].
    """
    shelf = [lot for lot in lots if lot.left.magnitude > 0 or lot.id == wanted.source]
    roles = {
        "source": [lot for lot in shelf if _is_source(lot, formula, wanted)],
        "shell": [lot for lot in shelf if formula.shell and lot.received.role == "shell"],
        "filler": [lot for lot in shelf if _is_filler(lot, formula, wanted)],
    }
    unusable = {lot.id: _why_not(lot, formula, order.prepared) for of in roles.values() for lot in of}
    refused = [_refused_lot(lot, unusable[lot.id]) for of in roles.values() for lot in of if unusable[lot.id]]
    usable = {role: [lot for lot in of if not unusable[lot.id]] for role, of in roles.items()}
    if wanted.source and wanted.source not in ("tablet", "powder", *(lot.id for lot in shelf)):
        unknown = check_lot(None, wanted.source, order.prepared)
        refused.append(Way(Chosen(source=wanted.source), None, None, tuple(unknown)))
    ways = list[Way]()
    # Without any usable lot of shells or filler the plan itself says what is missing.
    shell_lots, filler_lots = (list[Lot | None](usable[role]) or [None] for role in ("shell", "filler"))
    for source, balance, shells, filler in product(usable["source"], balances, shell_lots, filler_lots):
        chosen = _chosen(source, balance, shells, filler)
        choice = Choice(source.id, chosen.filler_lot, chosen.filler or wanted.filler, chosen.shells)

        def make(
            asked: Order, choice: Choice = choice, balance: Balance = balance
        ) -> tuple[Plan | None, list[Problem]]:
            return plan_from_lots(formula, digest, asked, lots, choice, balance, correction, above_100, fill_spread)

        claim, content = source.received.label_claim, source.received.content
        one = quantity(claim) * (percent(content) if content else 1) if claim else None
        ways += _planned(chosen, _orders(formula, order, wanted, one), make)
    return ways + refused


def ways_from_materials(
    formula: Formula, digest: str, order: Order, benches: Iterable[Materials], wanted: Wanted
) -> list[Way]:
    """Every way to make an order from materials without lots, such as the sizes of one maker on each balance."""
    ways: list[Way] = []
    for bench in benches:
        kind = "tablet" if bench.tablets else "powder"
        chosen = Chosen(
            source=kind,
            kind=kind,
            balance=bench.balance.name,
            size=bench.shells.size if bench.shells else None,
            maker=bench.shells.maker if bench.shells else None,
            filler=bench.filler.material if bench.filler else None,
        )

        def make(asked: Order, bench: Materials = bench) -> tuple[Plan | None, list[Problem]]:
            return plan(formula, digest, asked, bench)

        one = bench.tablets.label_claim * (bench.tablets.content or 1) * ONE if bench.tablets else None
        ways += _planned(chosen, _orders(formula, order, wanted, one), make)
    return ways


def _is_source(lot: Lot, formula: Formula, wanted: Wanted) -> bool:
    """A source of the formula's drug: a material is named by its drug first, as in ``naltrexone tablets``."""
    role = lot.received.role
    if lot.id == wanted.source:
        return True
    drug = formula.substance.split()[0]
    known = role in ("tablet", "powder", "trituration") and wanted.source in (None, role)
    return known and drug in lot.received.material.split()


def _is_filler(lot: Lot, formula: Formula, wanted: Wanted) -> bool:
    """A filler that the formula names, be it to refuse it."""
    if not formula.filler or lot.received.role != "filler":
        return False
    material = lot.received.material
    if wanted.filler is not None:
        return material == wanted.filler
    named = material in (formula.filler.material, *formula.filler.alternatives)
    return named or any(each.is_named(material) for each in formula.filler.refused)


def _why_not(lot: Lot, formula: Formula, on: date) -> list[Problem]:
    """Why a lot may not be used, whatever it is combined with."""
    problems = check_lot(lot, lot.id, on)
    return problems + (check_filler(formula, lot.received.material) if lot.received.role == "filler" else [])


def _refused_lot(lot: Lot, problems: list[Problem]) -> Way:
    received = lot.received
    match received.role:
        case "shell":
            chosen = Chosen(shells=lot.id, size=received.size, maker=received.maker)
        case "filler":
            chosen = Chosen(filler_lot=lot.id, filler=received.material)
        case role:
            chosen = Chosen(source=lot.id, kind=role)
    return Way(chosen, None, None, tuple(problems))


def _chosen(source: Lot, balance: Balance, shells: Lot | None, filler: Lot | None) -> Chosen:
    return Chosen(
        source=source.id,
        kind=source.received.role,
        balance=balance.name,
        size=shells.received.size if shells else None,
        maker=shells.received.maker if shells else None,
        shells=shells.id if shells else None,
        filler=filler.received.material if filler else None,
        filler_lot=filler.id if filler else None,
    )


def _orders(formula: Formula, order: Order, wanted: Wanted, one_tablet: Mass | None) -> Iterator[Order]:
    """The order by each procedure; a powder has no whole tablets unless they are asked for.

    Args:
        one_tablet: active in it [mass, without material]; None where the source is no tablet.
    """
    methods = (wanted.method,) if wanted.method else ("standard", *(each.method for each in formula.alternative))
    for method in methods:
        asked = replace(order, method=method)
        if method == "volume-completion" and not wanted.overage:
            asked = replace(asked, overage_on="active")
        if method == "whole-tablets":
            if one_tablet is None and not wanted.method:
                continue
            asked = asked if wanted.overage else replace(asked, overage=Fraction(0))
            yield asked
            larger = _whole_tablet_volume(formula, order, one_tablet) if one_tablet is not None else None
            if larger is not None and larger != order.volume:
                yield replace(asked, volume=larger)
        else:
            yield asked


def _whole_tablet_volume(formula: Formula, order: Order, one_tablet: Mass) -> Quantity | None:
    """The smallest volume from the ordered one up that whole tablets make and a cylinder shows: whole millilitres.

    volume = tablets * active in one / concentration
    """
    if order.volume is None or stopping(check_order(formula, order)):
        return None
    strength = order.strength * times_as_substance(formula, order)
    largest, each = quantity(formula.batch.maximum), in_unit(one_tablet / strength, "mL")
    first = math.ceil(ratio(order.volume, each))
    volumes = (each * Fraction(number) for number in range(first, int(ratio(largest, each)) + 1))
    return next((volume for volume in volumes if amount(volume, "mL").denominator == 1), None)


def _planned(
    chosen: Chosen, orders: Iterable[Order], make: Callable[[Order], tuple[Plan | None, list[Problem]]]
) -> Iterator[Way]:
    for order in orders:
        try:
            made, problems = make(order)
        except CompoundingError as refusal:
            made, problems = None, list(refusal.problems)
        yield Way(replace(chosen, method=order.method), order, made, tuple(problems))


# ---- what each costs, and which comes first ----


def figures_of(made: Plan, planned: Order, order: Order, lots: Sequence[Lot] = ()) -> Figures:
    """What one plan costs and how sure it is.

    Args:
        made: the plan.
        planned: the order as it was planned, perhaps for a larger volume.
        order: what was ordered.
        lots: with the prices of those that the plan takes.
    """
    weighed = [line for line in made.lines if line.measure == "balance"]
    smallest = min(weighed, key=lambda line: quantity(line.target), default=None)
    taken = _active_taken(made)
    share = Fraction(1)
    if order.volume is not None and planned.volume is not None:
        share = ratio(order.volume, planned.volume)
    wasted = [quantity(each.wasted) for each in made.aliquots]
    passes = made.uniformity
    chances = [passes.potency_percent, passes.chance_to_pass_percent] if passes else []
    return Figures(
        weighings=sum(line.measure in ("balance", "as needed") for line in made.lines),
        smallest=smallest,
        times_minimum=ratio(quantity(smallest.target), quantity(made.balance.minimum_weight)) if smallest else None,
        dilutions=len(made.aliquots),
        tablets=made.source.tablets,
        discarded=made.source.discarded,
        wasted=sum(wasted[1:], wasted[0]) if wasted else None,
        active_taken=taken,
        beyond_order=taken - quantity(made.active.needed) / (1 + planned.overage) * share,
        cost=_cost(made, lots),
        chance=min((Fraction(each) for each in chances if each), default=Fraction(0)),
    )


def _active_taken(made: Plan) -> Mass:
    """Active in the tablets that are crushed, or in the powder that is weighed.

    taken = active needed * source taken / source needed
    """
    source, needed = made.source, quantity(made.active.needed)
    if source.tablets is not None and source.tablets_exact is not None:
        return needed * (source.tablets / Fraction(source.tablets_exact))
    return needed * ratio(quantity(source.weigh), quantity(source.exact))


def _cost(made: Plan, lots: Sequence[Lot]) -> Fraction | None:
    """What is taken of each lot, at the share of its price; None if a price is not known."""
    source, capsule = made.source, made.capsule
    taken: list[tuple[str | None, str]] = [
        (line.lot, line.target) for line in made.lines if line.lot and line.line != "source"
    ]
    taken.append((source.lot, source.weigh if source.tablets is None else f"{source.tablets} tablets"))
    if capsule:
        taken.append((capsule.lot, f"{made.count} capsules"))
    received = {lot.id: lot.received for lot in lots}
    costs = []
    for lot, much in taken:
        if lot is None or (price := received[lot].price) is None:
            return None
        costs.append(Fraction(price) * ratio(quantity(much), quantity(received[lot].amount)))
    return sum(costs, Fraction(0))


def ranked(ways: Iterable[Way], order: Order, lots: Sequence[Lot] = ()) -> list[tuple[Way, Figures | None]]:
    """All ways in the order of `RULE`, the first one recommended; the refused ones last, as they were found."""
    found = [(way, figures_of(way.plan, way.order, order, lots) if way.plan and way.order else None) for way in ways]
    possible = [(way, figures) for way, figures in found if figures]
    in_order = list[tuple[Way, Figures | None]]()
    while possible:
        likeliest = max(figures.chance for _, figures in possible)
        equals = [each for each in possible if each[1].chance >= likeliest - CLOSE]
        possible = [each for each in possible if each[1].chance < likeliest - CLOSE]
        equals.sort(key=lambda each: _rank(*each))
        in_order += equals
    return [*in_order, *((way, None) for way, figures in found if figures is None)]


def _rank(way: Way, figures: Figures) -> tuple[int | Fraction | str, ...]:
    """What decides between ways that are as likely to pass: the smaller comes first."""
    assert way.plan and way.order
    chosen = way.chosen
    names = (chosen.source, chosen.method, chosen.balance, chosen.size, chosen.shells, chosen.filler, chosen.filler_lot)
    return (
        figures.dilutions,
        half_up(amount(figures.beyond_order, "mg"), 1),
        -date.fromisoformat(way.plan.beyond_use.date).toordinal(),
        figures.weighings,
        -(figures.times_minimum or 0),
        *_size_rank(way.plan, way.order),
        *(name or "" for name in names),
        way.plan.made,
    )


def _size_rank(made: Plan, order: Order) -> tuple[int, Fraction]:
    """0 for the size that is usual for the active in a capsule, else 1; then the volume of the shell."""
    if made.capsule is None:
        return 0, Fraction(0)
    try:
        usual = size_for(order.strength, made.capsule.maker, order.prepared)
    except NotUnderstood:  # a maker that the table does not know; its lot says the volume
        usual = None
    return int(made.capsule.size != usual), amount(quantity(made.capsule.volume), "mL")
