"""The plan of an oral liquid, made up to volume."""

from __future__ import annotations

from fractions import Fraction

from compounding.calc import amounts, solutions
from compounding.calc.measured import working
from compounding.problems import CompoundingError, Problem, stopping
from compounding.quantities import Volume, as_balance, in_unit, of_material, quantity, told, written
from compounding.records.formula import Component, Formula
from compounding.records.plan import Active, Dose, Expected, Line, Plan
from compounding.work.materials import Materials, Order
from compounding.work.planning import (
    Notebook,
    balance_used,
    calculations,
    check_bench,
    check_order,
    check_stock,
    check_weighings,
    common_warnings,
    formula_used,
    lot_of,
    mass_text,
    percent_text,
    plan_beyond_use,
    plan_source,
    procedure,
    strength_text,
    weighing_line,
)


def plan_liquid(formula: Formula, digest: str, order: Order, materials: Materials) -> tuple[Plan | None, list[Problem]]:
    """Plan a batch of oral liquid.

    Returns:
        The plan, or None if it must be refused, and every problem seen.
    """
    problems = check_order(formula, order) + check_bench(materials)
    if stopping(problems):
        return None, problems
    try:
        made = _planned(formula, digest, order, materials)
    except CompoundingError as refusal:
        return None, [*problems, *refusal.problems]
    problems += check_weighings(made.lines, materials.balance) + check_stock(made.lines, made.source, materials)
    return (None if stopping(problems) else made), problems


def _component_line(
    component: Component, volume: Volume, formula: Formula, materials: Materials, notebook: Notebook
) -> Line:
    """One ingredient of the vehicle: a solid to weigh, or a liquid to measure."""
    assert component.amount
    taken_from, balance = materials.components.get(component.material), materials.balance
    placeholder = component.material.replace(" ", "_")
    per_volume = quantity(component.amount)
    if per_volume.dimensionality == quantity("1 g/mL").dimensionality:
        exact = solutions.component_mass(of_material(per_volume, component.material), volume)
        weigh = amounts.to_weigh(exact, balance.readability)
        notebook.note(placeholder, as_balance(weigh, balance.readability), steps=2)
        return weighing_line(component.material, taken_from, exact, weigh, formula, balance)
    needed = solutions.component_volume(per_volume, volume)
    notebook.note(placeholder, told(in_unit(needed, "mL")))
    return _volume_line(component.material, component.material, lot_of(taken_from), "cylinder", needed, formula)


def _volume_line(line: str, material: str, lot: str | None, measure: str, volume: Volume, formula: Formula) -> Line:
    share = Fraction(formula.tolerance.volume_percent) / 100
    low, target, high = (written(in_unit(volume * (1 + sign * share), "mL"), 2) for sign in (-1, 0, 1))
    return Line(line, material, lot, measure, written(in_unit(volume, "mL")), target, low, high)


def _planned(formula: Formula, digest: str, order: Order, materials: Materials) -> Plan:
    assert order.volume is not None and formula.vehicle and formula.dose
    with working() as steps:
        notebook = Notebook(steps)
        concentration = of_material(order.strength, formula.substance)
        active = amounts.active_in_volume(concentration, order.volume, order.overage)
        on_batch = order.overage_on == "batch"
        volume = amounts.volume_made(order.volume, order.overage) if on_batch else order.volume
        source = plan_source(formula, materials, active, notebook)
        components = tuple(
            _component_line(component, volume, formula, materials, notebook) for component in formula.component
        )
        made = amounts.concentration_made(source.carried, volume)
        error = amounts.relative_error(made, concentration)
        dose = None
        if order.dose is not None:
            measured = solutions.dose_volume(of_material(order.dose, formula.substance), concentration)
            dose = Dose(written(order.dose), written(in_unit(measured, "mL"), 3))
    notebook.stands_for["volume"] = (told(in_unit(volume, "mL")), "")
    warnings = common_warnings(formula, materials)
    studied = quantity(formula.strength.minimum)
    if order.strength != studied:
        warnings.append(
            f"The stability of {told(order.strength)} was not studied in this vehicle; {told(studied)} was."
        )
    if order.overage_on == "active" and order.overage:
        warnings.append(
            f"The overage is on the active alone: if nothing is lost, it is {strength_text(made, order.strength)}."
        )
    vehicle = formula.vehicle.material
    lines = (
        weighing_line("source", materials.tablets.taken_from, source.exact, source.weigh, formula, materials.balance),
        *components,
        _volume_line("vehicle", vehicle, lot_of(materials.components.get(vehicle)), "to volume", volume, formula),
    )
    return Plan(
        formula=formula_used(formula, digest),
        name=formula.name,
        form=formula.dosage_form,
        strength=written(order.strength),
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
        lines=lines,
        aliquots=(),
        expected=Expected(strength_text(made, order.strength), percent_text(error)),
        beyond_use=plan_beyond_use(formula, order, materials),
        balance=balance_used(materials.balance),
        warnings=tuple(warnings),
        steps=procedure(formula, notebook.stands_for),
        calculation=calculations(steps),
    )
