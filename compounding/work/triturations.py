"""The plan of an in-house trituration: active in a powdered filler, to be weighed into later batches."""

from __future__ import annotations

from compounding.calc import amounts, triturations
from compounding.calc.dilution import geometric_additions
from compounding.calc.measured import working
from compounding.problems import CompoundingError, Problem, stopping
from compounding.quantities import (
    Mass,
    amount,
    as_balance,
    content,
    in_unit,
    of_material,
    ratio,
    taken_as,
    together,
    told,
    written,
)
from compounding.records.formula import Formula
from compounding.records.plan import Active, FillerUsed, Plan
from compounding.work.doubts import with_doubts
from compounding.work.materials import Balance, Materials, Order
from compounding.work.planning import (
    Notebook,
    balance_used,
    calculations,
    check_bench,
    check_filler,
    check_method,
    check_order,
    check_stock,
    check_weighings,
    common_warnings,
    expected_of,
    formula_used,
    lot_of,
    mass_text,
    percent_text,
    plan_beyond_use,
    procedure,
    strength_text,
    weighing_line,
)
from compounding.work.sourcing import check_trituration, dilution_lines, plan_source, without_need_of_dilution


def material_of_trituration(formula: Formula) -> str:
    """What a formula's trituration is called as a material, whatever its lot."""
    return f"{formula.substance} trituration"


def plan_trituration(
    formula: Formula, digest: str, order: Order, materials: Materials
) -> tuple[Plan | None, list[Problem]]:
    """Plan a batch of trituration.

    Returns:
        The plan, or None if it must be refused, and every problem seen.
    """
    problems = _check_strength(formula, order) or check_order(formula, order)
    problems += check_method(formula, order, materials) + check_bench(formula, order, materials)
    problems += _check_materials(formula, materials)
    if stopping(problems):
        return None, problems
    try:
        made = with_doubts(formula, _planned(formula, digest, order, materials), materials)
    except CompoundingError as refusal:
        return None, [*problems, *refusal.problems]
    problems += check_weighings(made.lines, materials.balance) + check_stock(made.lines, made.source, materials)
    return (None if stopping(problems) else made), problems


def _check_strength(formula: Formula, order: Order) -> list[Problem]:
    """A mass in a mass; as a pure number a volume in a volume would pass for it."""
    problems = []
    units = written(order.strength).partition(" ")[2].split("/")
    if len(units) != 2 or not all(unit.endswith("g") for unit in units):
        text = f"The strength is {told(order.strength)}; {formula.id} needs a mass in a mass, such as 100 mg/g"
        problems.append(Problem("order.dimension", text, "strength"))
    if order.ordered_as not in (None, formula.substance):
        text = (
            f"A trituration counts {formula.substance}: leave --strength-of out; what is made from it may count another"
        )
        problems.append(Problem("order.form", text, "strength"))
    return problems


def _check_materials(formula: Formula, materials: Materials) -> list[Problem]:
    if materials.trituration:
        return check_trituration(formula, materials.trituration.batch)
    if materials.filler is None:
        return [Problem("filler.unknown", "The filler is not known: name it", "filler")]
    return check_filler(formula, materials.filler.material)


def _additions(source: Mass, filler: Mass, name: str, balance: Balance) -> str:
    """The filler of each addition of a geometric dilution, in words."""
    mixture, part = together([source, filler], name), taken_as(source, name)
    return ", ".join(as_balance(each, balance.readability) for each in geometric_additions(mixture, part))


def _planned(formula: Formula, digest: str, order: Order, materials: Materials) -> Plan:
    filler, balance, name = materials.filler, materials.balance, material_of_trituration(formula)
    assert filler and order.mass is not None
    with working() as steps:
        notebook = Notebook(steps)
        strength = content(amount(order.strength, "mg/mg"), formula.substance, name)
        ordered = of_material(in_unit(order.mass, "mg"), name)
        active = triturations.active_in_trituration(strength, ordered, order.overage)
        on_batch = order.overage_on == "batch"
        mixture = triturations.trituration_made(ordered, order.overage) if on_batch else ordered
        source = plan_source(formula, order, materials, active, notebook, without_need_of_dilution)
        beside = triturations.filler_beside_source(mixture, taken_as(source.exact, name))
        filler_exact = taken_as(beside, filler.material)
        filler_weigh = amounts.to_weigh(filler_exact, balance.readability)
        notebook.note("filler", as_balance(filler_weigh, balance.readability), steps=2)
        made = triturations.strength_made(source.carried, together([source.weigh, filler_weigh], name))
        error = amounts.relative_error(made, strength)
    notebook.stands_for |= {
        "filler_material": (filler.material, ""),
        "additions": (_additions(source.weigh, filler_weigh, name, balance), ""),
    }
    warnings = common_warnings(formula, order, materials)
    if order.overage_on == "active" and order.overage:
        found = strength_text(made, formula, order)
        warnings.append(f"The overage is on the active alone: if nothing is lost, the trituration holds {found}.")
    return Plan(
        formula=formula_used(formula, digest),
        name=formula.name,
        form=formula.dosage_form,
        strength=written(order.strength),
        ordered_as=formula.substance,
        count=None,
        volume=None,
        mass=written(in_unit(order.mass, "g")),
        made=written(in_unit(mixture, "g")),
        prepared=order.prepared.isoformat(),
        overage_percent=percent_text(order.overage),
        overage_on=order.overage_on,
        active=Active(formula.substance, mass_text(active)),
        source=source.used,
        filler=FillerUsed(
            material=filler.material,
            lot=lot_of(filler.taken_from),
            packing=None,
            origin=None,
            per_capsule=None,
            exact=mass_text(filler_exact),
            weigh=as_balance(filler_weigh, balance.readability),
            rounding_error_percent=percent_text(ratio(filler_weigh, filler_exact) - 1),
        ),
        capsule=None,
        vehicle=None,
        dose=None,
        bottle=None,
        method=order.method,
        lines=(
            *dilution_lines(source, filler.taken_from, formula, balance),
            weighing_line("filler", filler.taken_from, filler_exact, filler_weigh, formula, balance),
        ),
        aliquots=(),
        expected=expected_of(made, error, source.certified, formula, order),
        beyond_use=plan_beyond_use(formula, order, materials),
        balance=balance_used(balance),
        warnings=tuple(warnings),
        steps=procedure(formula, order, source.used.kind, (), notebook.stands_for),
        calculation=calculations(steps),
    )
