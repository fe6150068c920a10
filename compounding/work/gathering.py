"""From the lots on the shelf to the materials of a plan: the lots that were named, else those that expire first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem, stopping
from compounding.quantities import Quantity, amount, count, in_unit, percent, quantity, ratio, told
from compounding.records.facts import LotReceived
from compounding.records.formula import Formula
from compounding.records.stock import Lot
from compounding.rules.shells import shell_of
from compounding.rules.weighing import compounding_minimum, minimum_as_tested, strict_minimum
from compounding.settings import BalanceSettings
from compounding.work.materials import Balance, Filler, FromLot, Materials, Powder, Shells, Tablets, Trituration
from compounding.work.planning import check_filler
from compounding.work.sourcing import check_trituration
from compounding.work.stocking import check_lot, check_source, first_to_expire, left_of
from compounding.work.triturations import material_of_trituration


@dataclass(frozen=True)
class Choice:
    """The lots that someone named; None, or a material not among ``others``, takes what expires first."""

    source: str
    filler: str | None = None
    filler_material: str | None = None
    shells: str | None = None
    others: tuple[str, ...] = ()


def gather(
    formula: Formula,
    lots: Sequence[Lot],
    choice: Choice,
    balance: Balance,
    on: date,
    correction: str = "always",
    above_100: str = "refuse",
    fill_spread: Fraction | None = None,
) -> tuple[Materials | None, list[Problem]]:
    """The materials of a plan from the lots at hand.

    Args:
        correction, above_100: how the pharmacy weighs for the certificate of a powder.
        fill_spread: relative standard deviation of its fills, if it measured that [1].

    Returns:
        The materials, or None if a lot is missing or may not be used; and every problem seen.
    """
    shelf = {lot.id: lot for lot in lots}
    problems: list[Problem] = []
    source = _named(shelf, choice.source, on, problems)
    if source:
        problems += _check_source(formula, source)
    shells = filler = None
    if formula.filler:
        encapsulated = formula.dosage_form == "capsule"
        shell_lot = _lot(shelf, choice.shells, "shell", None, on, problems) if encapsulated else None
        material = choice.filler_material or formula.filler.material
        problems += check_filler(formula, material)
        if stopping(problems):
            return None, problems
        filler_lot = _lot(shelf, choice.filler, "filler", material, on, problems)
        if shell_lot:
            shells = shells_of(shell_lot, on)
        if filler_lot and shell_lot and shells:
            filler = _filler(filler_lot, shells, on, problems)
        elif filler_lot and not encapsulated:
            filler = Filler(filler_lot.received.material, None, None, _from(filler_lot))
    wanted = [part.material for part in (*formula.component, *((formula.vehicle,) if formula.vehicle else ()))]
    components = {material: _component(shelf, choice, material, on, problems) for material in wanted}
    if stopping(problems) or source is None:
        return None, problems
    materials = Materials(
        tablets=_tablets(source) if source.received.role == "tablet" else None,
        powder=powder_in(source.received, correction, above_100, _from(source)),
        balance=balance,
        filler=filler,
        shells=shells,
        source_packing=source.packing_in(shells.size, shells.maker) if shells else None,
        components={material: _from(lot) for material, lot in components.items() if lot},
        left=left_of(lot for lot in lots if lot.received.role != "tablet"),
        trituration=_trituration(source),
        fill_spread=fill_spread,
    )
    return materials, problems


def _check_source(formula: Formula, source: Lot) -> list[Problem]:
    received = source.received
    if received.role not in ("tablet", "powder", "trituration"):
        text = (
            f"Lot {source.id} is {received.material}, a {received.role}: the source is tablets, powder or a trituration"
        )
        return [Problem("source.role", text, source.id)]
    if received.role == "trituration" and received.material != material_of_trituration(formula):
        text = f"Lot {source.id} is {received.material}; {formula.id} needs {material_of_trituration(formula)}"
        return [Problem("source.material", text, source.id)]
    if received.made_here:
        return check_trituration(formula, received.made_here.batch)
    return check_source(formula, source)


def _trituration(lot: Lot) -> Trituration | None:
    """A trituration as its batch left it."""
    held = lot.received.made_here
    if held is None:
        return None
    from compounding.work.testing import percent_of_label  # here, because few plans weigh a trituration

    return Trituration(
        material=lot.received.material,
        strength=quantity(held.strength),
        assay=percent_of_label(held.assay, held.strength) / 100,
        assayed=held.assay,
        batch=held.batch,
        notes=held.notes,
        taken_from=_from(lot),
    )


def _named(shelf: dict[str, Lot], id: str, on: date, problems: list[Problem]) -> Lot | None:
    found = check_lot(shelf.get(id), id, on)
    problems += found
    return None if found else shelf[id]


def _lot(
    shelf: dict[str, Lot], id: str | None, role: str, material: str | None, on: date, problems: list[Problem]
) -> Lot | None:
    """The lot that was named, or the usable one of the role and material that expires first."""
    if id:
        lot = _named(shelf, id, on, problems)
        if lot and lot.received.role != role:
            text = (
                f"Lot {id} is {lot.received.material}, received as {lot.received.role}, not as {role}: name another lot"
            )
            problems.append(Problem("lot.role", text, id))
            return None
        return lot
    on_shelf = [lot for lot in shelf.values() if lot.received.role == role]
    lot = first_to_expire([each for each in on_shelf if material in (None, each.received.material)], on)
    if lot is None:
        what = material or f"{role}s"
        text = f"No usable lot of {what}: receive one (compounding lot receive), or clear one from quarantine"
        problems.append(Problem("lot.none", text, what))
    return lot


def _component(shelf: dict[str, Lot], choice: Choice, material: str, on: date, problems: list[Problem]) -> Lot | None:
    named = [id for id in choice.others if id in shelf and shelf[id].received.material == material]
    return _lot(shelf, named[0] if named else None, "ingredient", material, on, problems)


def shells_of(lot: Lot, on: date) -> Shells:
    """Shells of a lot: its own weights where they were taken, its maker's figures otherwise.

    Raises:
        NotUnderstood: neither the lot nor the table of makers knows the volume.
    """
    size, maker = lot.received.size or "", lot.received.maker or ""
    volume, weight = quantity(lot.received.volume) if lot.received.volume else None, lot.average_weight
    if volume is None or weight is None:
        stated = shell_of(maker, size, on)
        volume = stated.volume if volume is None else volume
        weight = stated.weight if weight is None else weight
    if weight is None:
        text = f"How much a shell of lot {lot.id} weighs is not known: weigh 20 empty ones and record them with lot measure"
        raise NotUnderstood(Problem("shells.weight", text, lot.id))
    return Shells(size, maker, volume, weight, _from(lot))


def _filler(lot: Lot, shells: Shells, on: date, problems: list[Problem]) -> Filler:
    packing = lot.packing_in(shells.size, shells.maker)
    if packing is None:
        packing = _packing_of_another_size(lot, shells, on)
    density = quantity(lot.tapped_density) if lot.tapped_density else None
    if packing is None and density is None:
        text = (
            f"How lot {lot.id} packs in size {shells.size} of {shells.maker} is not known: fill ten capsules as in "
            "production, weigh their contents, and record the mean with compounding lot measure"
        )
        problems.append(Problem("filler.packing", text, lot.id, source="compdirect"))
    return Filler(lot.received.material, packing, density, _from(lot))


def _packing_of_another_size(lot: Lot, shells: Shells, on: date) -> Quantity | None:
    """The latest packing in another size of the same maker, carried over by the volumes of the shells."""
    others = [each for each in lot.packing if each.maker == shells.maker]
    if not others:
        return None
    known = shell_of(shells.maker, others[-1].size, on).volume
    return in_unit(quantity(others[-1].mass) * ratio(shells.volume, known), "mg")


def powder_in(received: LotReceived, correction: str, above_100: str, taken_from: FromLot | None) -> Powder | None:
    """A powder as its certificate describes it; None for a lot without one."""
    certificate = received.certificate
    if certificate is None:
        return None
    sure = percent(received.content_uncertainty) if received.content_uncertainty else None
    shares: dict[str, Any] = {
        name: percent(text) if (text := getattr(certificate, name)) else None
        for name in ("assay", "water", "loss_on_drying", "solvents")
    }
    return Powder(
        form=certificate.form,
        basis=certificate.assay_basis,
        assay_of=certificate.assay_of,
        correction=correction,
        above_100=above_100,
        taken_from=taken_from,
        certificate=certificate.number,
        assay_uncertainty=sure,
        **shares,
    )


def _tablets(lot: Lot) -> Tablets:
    one = count(1, "tablet")
    return Tablets(
        label_claim=quantity(lot.received.label_claim or "") / one,
        weights=tuple(quantity(weight) / one for weight in lot.weights),
        weighed=len(lot.weights),
        taken_from=_from(lot),
        on_hand=int(amount(lot.left, "tablet")),
        content=percent(lot.received.content) if lot.received.content else None,
        content_uncertainty=percent(lot.received.content_uncertainty) if lot.received.content_uncertainty else None,
    )


def _from(lot: Lot) -> FromLot:
    return FromLot(lot.id, lot.expires)


def balance_in(settings: BalanceSettings, name: str, on: date) -> Balance:
    """A balance of the settings, its minimum weight by the mode that they name."""
    readability = quantity(settings.readability)
    if settings.mode == "strict":
        found = strict_minimum(quantity(settings.repeatability or ""), readability, on)
    elif settings.mode == "compounding":
        permitted = percent(settings.permitted_error) * 100 if settings.permitted_error else None
        found = compounding_minimum(quantity(settings.sensitivity_requirement or ""), on, permitted)
    else:
        found = minimum_as_tested(quantity(settings.minimum_weight or ""))
    capacity = quantity(settings.capacity) if settings.capacity else None
    balance = balance_of(name, readability, found.weight)
    repeatability = quantity(settings.repeatability) if settings.repeatability else None
    return replace(
        balance,
        mode=found.mode,
        figures=found.figures,
        source=found.source,
        capacity=capacity,
        repeatability=repeatability,
    )


def balance_of(name: str, readability: Quantity, minimum_weight: Quantity) -> Balance:
    """A balance, its two figures checked.

    Raises:
        NotUnderstood: one is not a mass above zero, or the minimum lies below one step.
    """
    for what, value in (("readability", readability), ("minimum weight", minimum_weight)):
        if value.dimensionality != quantity("1 mg").dimensionality or value.magnitude <= 0:
            raise NotUnderstood(
                Problem("balance.figure", f"The {what} is {told(value)}: write a mass such as 0.1 mg", name)
            )
    if minimum_weight < readability:
        text = (
            f"The minimum weight {told(minimum_weight)} lies below the readability {told(readability)}: exchange them?"
        )
        raise NotUnderstood(Problem("balance.figure", text, name))
    return Balance(name, readability, minimum_weight)
