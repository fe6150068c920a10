"""The plan of an oral liquid, made up to volume."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from compounding.calc import amounts, solutions
from compounding.calc.measured import working
from compounding.problems import CompoundingError, Problem, Refused, stopping
from compounding.quantities import (
    Concentration,
    Mass,
    MassPerUnit,
    Volume,
    amount,
    as_balance,
    count,
    cut,
    decimal_text,
    in_unit,
    material_of,
    of_material,
    quantity,
    ratio,
    together,
    told,
    written,
)
from compounding.records.aliquot import Aliquot
from compounding.records.batch import Batch
from compounding.records.formula import Component, Formula
from compounding.records.plan import Active, Dose, Line, Plan
from compounding.work.diluting import Diluted, Measure, dilute_in_liquid
from compounding.work.doubts import with_doubts
from compounding.work.materials import Balance, Materials, Order
from compounding.work.planning import (
    Notebook,
    balance_used,
    calculations,
    check_bench,
    check_method,
    check_order,
    check_stock,
    check_weighings,
    common_warnings,
    expected_of,
    formula_used,
    lot_of,
    mass_text,
    ordered_strength,
    percent_text,
    plan_beyond_use,
    procedure,
    strength_text,
    times_as_substance,
    weighing_line,
)
from compounding.work.sourcing import (
    Dilute,
    aliquot_steps,
    check_trituration,
    counted,
    plan_source,
    stock_lines,
    without_need_of_dilution,
)


def plan_liquid(formula: Formula, digest: str, order: Order, materials: Materials) -> tuple[Plan | None, list[Problem]]:
    """Plan a batch of oral liquid.

    Returns:
        The plan, or None if it must be refused, and every problem seen.
    """
    problems = check_order(formula, order) + check_method(formula, order, materials)
    problems += check_bench(formula, order, materials)
    if materials.trituration:
        problems += check_trituration(formula, materials.trituration.batch)
    if stopping(problems):
        return None, problems
    try:
        made = _planned(formula, digest, order, materials)
        made = with_doubts(formula, made, materials)
    except CompoundingError as refusal:
        return None, [*problems, *refusal.problems]
    problems += _with_a_device(check_weighings(made.lines, materials.balance), formula, order)
    problems += check_stock(made.lines, made.source, materials)
    return (None if stopping(problems) else made), problems


def _with_a_device(problems: Iterable[Problem], formula: Formula, order: Order) -> list[Problem]:
    """What dissolves can be taken from a stock solution: it is said where only the device to measure it is missing."""
    dissolve = {each.material for each in formula.component if each.solubility}
    hint = ". Or name a syringe in the settings (devices): then it is taken from a stock solution"
    missing = not order.devices
    return [replace(each, text=each.text + hint) if missing and each.where in dissolve else each for each in problems]


# Solid tablet excipients, ascorbic acid and benzoate lie near this; it only shows how much room solids take.
SOLID_DENSITY = quantity("1.5 g/mL")


def _concentration(formula: Formula, order: Order) -> Concentration:
    """What was ordered, as the formula's substance."""
    return of_material(order.strength * times_as_substance(formula, order), formula.substance)


def _tablets_of(formula: Formula, order: Order, claim: MassPerUnit) -> Fraction:
    """Tablets whose claim makes the volume ordered, whole or not."""
    assert order.volume is not None
    return amount(_concentration(formula, order) * order.volume / claim, "tablet")


def _whole_volumes(formula: Formula, order: Order, claim: MassPerUnit) -> list[Volume]:
    """The volumes that whole tablets make, within the batch sizes of the formula."""
    low, high = quantity(formula.batch.minimum), quantity(formula.batch.maximum)
    each = in_unit(claim * count(1, "tablet") / _concentration(formula, order), "mL")
    volumes = [each * Fraction(number) for number in range(1, int(ratio(high, each)) + 1)]
    return [volume for volume in volumes if low <= volume <= high]


def _refuse_parts_of_tablets(formula: Formula, order: Order, claim: MassPerUnit) -> None:
    assert order.volume is not None
    tablets = _tablets_of(formula, order, claim)
    if tablets.denominator != 1:
        volumes = ", ".join(told(volume) for volume in _whole_volumes(formula, order, claim)) or "none"
        text = (
            f"{told(order.volume)} of {told(order.strength)} takes {decimal_text(tablets, 2)} tablets, which is not whole. "
            f"Volumes of whole tablets: {volumes}"
        )
        raise Refused(Problem("method.whole-tablets", text, "volume"))


def _whole_tablet_volumes(formula: Formula, order: Order, claim: MassPerUnit) -> list[str]:
    """The next volume that needs no weighing of the drug at all."""
    found = [volume for volume in _whole_volumes(formula, order, claim) if volume >= order.volume]
    if not found or not any(each.method == "whole-tablets" for each in formula.alternative):
        return []
    tablets = ratio(found[0] * _concentration(formula, order), claim * count(1, "tablet"))
    return [f"Without weighing the drug: {tablets} whole tablets make {told(found[0])} (--method whole-tablets)."]


# A part of a stock is measured from a fifth of the device on: below it the error grows (brainscape-uk).
LEAST_OF_A_DEVICE = Fraction(1, 5)
LARGEST_STOCK = quantity("100 mL")


def _stock(formula: Formula, order: Order, balance: Balance, solubility: str | None) -> Dilute:
    """How what is too little to weigh is taken from a stock solution, if it dissolves and there is a device to measure it.

    Args:
        solubility: the most of it that one volume of the vehicle dissolves; None if it does not dissolve.
    """
    if not solubility or not formula.vehicle or not order.devices:
        return without_need_of_dilution
    device = max(order.devices, key=lambda each: each.capacity)
    least = device.capacity * LEAST_OF_A_DEVICE
    measure = Measure(device.name, least, device.step, LARGEST_STOCK, device.capacity)
    solvent = formula.vehicle.material

    def dilute(need: Mass) -> tuple[Diluted | None, list[Problem]]:
        dissolves = of_material(quantity(solubility), material_of(need) or "")
        return dilute_in_liquid(need, balance, solvent, measure, solubility=dissolves)

    return dilute


def _solubility(formula: Formula, materials: Materials) -> str | None:
    """How much of a powder dissolves; tablet powder does not."""
    return formula.powder.solubility if materials.powder and formula.powder else None


def _dose(order: Order, volume: Volume) -> Dose:
    """The dose on the smallest device in stock that holds it, or the nearest mark with the error."""
    assert order.dose is not None
    text, told_volume = written(order.dose), written(in_unit(volume, "mL"), 3)
    holding = [device for device in order.devices if device.capacity >= volume]
    if not holding:
        return Dose(text, told_volume, None, None, None, None)
    found = [(solutions.on_device(volume, device.capacity, device.step), device) for device in holding]
    mark, device = min(found, key=lambda each: (not each[0].on_mark, each[1].capacity, each[1].step))
    if mark.on_mark:
        return Dose(text, told_volume, device.name, True, None, None)
    other: tuple[str | None, str | None] = (None, None)
    if mark.other is not None and mark.other_error is not None:
        other = written(in_unit(mark.other, "mL")), percent_text(mark.other_error, 1)
    nearest = written(in_unit(mark.mark, "mL"))
    return Dose(text, told_volume, device.name, False, nearest, percent_text(mark.error, 1), *other)


def _check_device(order: Order, dose: Dose | None) -> list[str]:
    """A dose that is a small part of its device is drawn up badly, also on a mark."""
    if dose is None or dose.device is None:
        return []
    capacity = next(each.capacity for each in order.devices if each.name == dose.device)
    if quantity(dose.volume) >= LEAST_OF_A_DEVICE * capacity:
        return []
    return [
        f"A dose of {dose.volume} is less than a fifth of what the {dose.device} holds ({told(capacity)}): "
        "give a smaller device with this bottle (brainscape-uk)."
    ]


def _bottle(order: Order, volume: Volume) -> str | None:
    """The smallest bottle in stock that holds the liquid."""
    holding = [bottle for bottle in order.bottles if bottle >= volume]
    return written(min(holding, key=lambda bottle: amount(bottle, "mL"))) if holding else None


@dataclass(frozen=True)
class _Ingredient:
    """One ingredient of the vehicle as planned: its lines, the mass of a solid, and its stock if it is too little to weigh."""

    lines: tuple[Line, ...]
    solid: Mass | None = None
    stock: Aliquot | None = None


def _ingredient(
    component: Component, volume: Volume, formula: Formula, order: Order, materials: Materials, notebook: Notebook
) -> _Ingredient:
    """A solid to weigh, or to take from a stock solution, or a liquid to measure."""
    assert component.amount
    taken_from, balance = materials.components.get(component.material), materials.balance
    placeholder = component.material.replace(" ", "_")
    per_volume = quantity(component.amount)
    if per_volume.dimensionality != quantity("1 g/mL").dimensionality:
        needed = solutions.component_volume(per_volume, volume)
        notebook.note(placeholder, told(in_unit(needed, "mL")))
        line = _volume_line(component.material, component.material, lot_of(taken_from), "cylinder", needed, formula)
        return _Ingredient((line,))
    exact = solutions.component_mass(of_material(per_volume, component.material), volume)
    diluted, problems = _stock(formula, order, balance, component.solubility)(exact)
    if stopping(problems):
        raise Refused(problems)
    if diluted is None:
        weigh = amounts.to_weigh(exact, balance.readability)
        notebook.note(placeholder, as_balance(weigh, balance.readability), steps=2)
        line = weighing_line(component.material, taken_from, exact, weigh, formula, balance)
        return _Ingredient((line,), exact)
    if len(diluted.mixtures) > 1:
        text = f"{component.material}: {told(exact)} is too little to weigh, even from a stock solution. Make a larger batch"
        raise Refused(Problem("aliquot.impossible", text, component.material, source="unc-pharmlabs-aliquots"))
    (mixture,), (stock,) = diluted.mixtures, diluted.aliquots
    notebook.note(placeholder, f"{stock.take} (holding {cut(stock.carries, 3)}) of the stock")
    vehicle = formula.vehicle.material if formula.vehicle else ""
    solvent = lot_of(materials.components.get(vehicle))
    lines = (
        weighing_line(component.material, taken_from, mixture.exact, mixture.weigh, formula, balance),
        Line(f"stock {component.material}", vehicle, solvent, "to volume", *(stock.total,) * 4),
        Line(f"part {component.material}", f"stock of {component.material}", None, "measure", *(stock.take,) * 4),
    )
    return _Ingredient(lines, exact, stock)


def _stock_steps(stocks: Iterable[Aliquot]) -> dict[str, str]:
    """How the stock of an ingredient is made, by the ingredient; it is done before the step that takes it."""
    return {
        each.material: f"Dissolve {each.weigh} of {each.material} in {each.diluent_material} and make up TO {each.total}: the "
        f"stock of {each.material}; what is not taken of it ({each.wasted}) is discarded."
        for each in stocks
    }


def _refuse_too_large_parts(formula: Formula, volume: Volume, parts: Iterable[Aliquot]) -> None:
    """Parts of stocks and liquid ingredients together must fit into the volume that they are made up to."""
    taken = [quantity(part.take) for part in parts]
    per_volume = [quantity(each.amount) for each in formula.component if each.amount]
    liquids = [each * volume for each in per_volume if each.dimensionality != quantity("1 g/mL").dimensionality]
    together = sum((amount(each, "mL") for each in (*taken, *liquids)), Fraction(0))
    if taken and together > amount(volume, "mL"):
        text = (
            f"The parts of stock solutions and the liquid ingredients take up {told(together * quantity('1 mL'))}, and "
            f"{told(in_unit(volume, 'mL'))} is made. Make a larger batch, or use a balance with a lower minimum weight"
        )
        raise Refused(Problem("aliquot.larger-than-mixture", text, source="unc-pharmlabs-aliquots"))


def _volume_line(line: str, material: str, lot: str | None, measure: str, volume: Volume, formula: Formula) -> Line:
    share = Fraction(formula.tolerance.volume_percent) / 100
    low, target, high = (written(in_unit(volume * (1 + sign * share), "mL"), 2) for sign in (-1, 0, 1))
    return Line(line, material, lot, measure, written(in_unit(volume, "mL")), target, low, high)


def _planned(formula: Formula, digest: str, order: Order, materials: Materials) -> Plan:
    assert order.volume is not None and formula.vehicle and formula.dose
    with working() as steps:
        notebook = Notebook(steps)
        concentration = ordered_strength(formula, order)
        active = amounts.active_in_volume(concentration, order.volume, order.overage)
        on_batch = order.overage_on == "batch"
        volume = amounts.volume_made(order.volume, order.overage) if on_batch else order.volume
        claim = of_material(materials.tablets.label_claim, formula.substance) if materials.tablets else None
        if order.method == "whole-tablets" and claim is not None:
            _refuse_parts_of_tablets(formula, order, claim)
        dilute = _stock(formula, order, materials.balance, _solubility(formula, materials))
        source = plan_source(formula, order, materials, active, notebook, dilute)
        ingredients = [
            _ingredient(component, volume, formula, order, materials, notebook) for component in formula.component
        ]
        stocks = tuple(each.stock for each in ingredients if each.stock)
        _refuse_too_large_parts(formula, volume, (*source.aliquots[-1:], *stocks))
        made = amounts.concentration_made(source.carried, volume)
        error = amounts.relative_error(made, concentration)
        dose = (
            _dose(
                order,
                solutions.dose_volume(
                    of_material(order.dose * times_as_substance(formula, order), formula.substance), concentration
                ),
            )
            if (order.dose is not None)
            else None
        )
        solids = together([source.exact, *(each.solid for each in ingredients if each.solid is not None)], "solids")
        displaced = solutions.displaced_volume(solids, of_material(SOLID_DENSITY, "solids"))
    notebook.stands_for["volume"] = (told(in_unit(volume, "mL")), "")
    warnings = [*common_warnings(formula, order, materials), *source.warnings]
    studied = quantity(formula.strength.minimum)
    if order.strength * times_as_substance(formula, order) != studied:
        warnings.append(
            f"The stability of {told(order.strength)} was not studied in this vehicle; {told(studied)} was."
        )
    if order.overage_on == "active" and order.overage:
        warnings.append(
            f"The overage is on the active alone: if nothing is lost, it is {strength_text(made, formula, order)}."
        )
    warnings.append(
        f"The solids take up about {told(in_unit(displaced, 'mL'), 2)} (at {told(SOLID_DENSITY)}, assumed, unverified): "
        f"made up TO {told(in_unit(volume, 'mL'))}, the strength is right whatever they take up."
    )
    warnings += _check_device(order, dose)
    if order.method == "standard" and claim is not None:
        warnings += _whole_tablet_volumes(formula, order, claim)
    vehicle = formula.vehicle.material
    water = materials.components.get(vehicle)
    first, *dilution = stock_lines(source, vehicle, water, formula, materials.balance)
    lines = (
        counted(first, source.used) if order.method == "whole-tablets" else first,
        *dilution,
        *(line for each in ingredients for line in each.lines),
        _volume_line("vehicle", vehicle, lot_of(materials.components.get(vehicle)), "to volume", volume, formula),
    )
    return Plan(
        formula=formula_used(formula, digest),
        name=formula.name,
        form=formula.dosage_form,
        strength=written(order.strength),
        ordered_as=order.ordered_as or formula.substance,
        count=None,
        volume=written(in_unit(order.volume, "mL")),
        made=written(in_unit(volume, "mL")),
        prepared=order.prepared.isoformat(),
        overage_percent=percent_text(order.overage),
        overage_on=order.overage_on,
        active=Active(formula.substance, mass_text(active)),
        source=source.used,
        filler=None,
        capsule=None,
        vehicle=f"{vehicle}, made up to {told(in_unit(volume, 'mL'))}",
        dose=dose,
        bottle=_bottle(order, volume),
        method=order.method,
        lines=lines,
        aliquots=source.aliquots,
        expected=expected_of(made, error, source.certified, formula, order),
        beyond_use=plan_beyond_use(formula, order, materials),
        balance=balance_used(materials.balance),
        warnings=tuple(warnings),
        steps=procedure(
            formula, order, source.used.kind, aliquot_steps(source), notebook.stands_for, _stock_steps(stocks)
        ),
        calculation=calculations(steps),
        stocks=stocks,
    )


def other_strengths(order: Order, formula: Formula, batches: Iterable[Batch]) -> list[Problem]:
    """Two concentrations of one drug in the same pharmacy are a known source of tenfold errors: said, not refused.

    Source:
        ahs-156
    """
    others = {
        batch.plan.strength: batch.id
        for batch in batches
        if batch.plan.volume
        and batch.plan.active.substance == formula.substance
        and batch.state != "rejected"
        and batch.plan.beyond_use.date >= order.prepared.isoformat()
        and quantity(batch.plan.strength) != order.strength
    }
    return [
        Problem(
            "strength.two-in-use",
            f"{told(order.strength)} is ordered while batch {id} of {strength} is in use: note the strength on every "
            "bottle, and keep the two apart",
            id,
            stops=False,
            source="ahs-156",
        )
        for strength, id in others.items()
    ]
