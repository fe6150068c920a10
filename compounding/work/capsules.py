"""The plan of a batch of capsules: tablet powder and filler that make every capsule full."""

from __future__ import annotations

from fractions import Fraction

from compounding.calc import amounts, fills
from compounding.calc.measured import working
from compounding.problems import CompoundingError, Problem, stopping
from compounding.quantities import (
    Mass,
    MassPerUnit,
    as_balance,
    count,
    in_unit,
    of_material,
    quantity,
    ratio,
    rounded,
    taken_as,
    together,
    told,
    written,
)
from compounding.records.formula import Formula
from compounding.records.plan import Active, CapsuleUsed, FillerUsed, Line, Plan
from compounding.records.record import replaced
from compounding.work.diluting import Diluted, dilute
from compounding.work.doubts import with_doubts
from compounding.work.materials import Balance, Filler, Materials, Order, Shells
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
    ordered_strength,
    percent_text,
    plan_beyond_use,
    procedure,
    strength_text,
    weighing_line,
    whole,
)
from compounding.work.sourcing import aliquot_steps, dilution_lines, plan_source

ONE = count(1, "capsule")


def plan_capsules(
    formula: Formula, digest: str, order: Order, materials: Materials
) -> tuple[Plan | None, list[Problem]]:
    """Plan a batch of capsules.

    Returns:
        The plan, or None if it must be refused, and every problem seen.
    """
    problems = check_order(formula, order) + check_method(formula, order, materials)
    problems += check_bench(formula, order, materials)
    problems += _check_filler(formula, materials)
    if stopping(problems):
        return None, problems
    try:
        made = _planned(formula, digest, order, materials)
        made = with_doubts(formula, made, materials)
    except CompoundingError as refusal:
        return None, [*problems, *refusal.problems]
    problems += check_weighings(made.lines, materials.balance) + check_stock(made.lines, made.source, materials)
    problems += _check_shells(order, materials)
    return (None if stopping(problems) else made), problems


def _check_filler(formula: Formula, materials: Materials) -> list[Problem]:
    assert formula.filler
    if not materials.filler or not materials.shells:
        text = "Capsule and filler are not known: give the capsule's size and maker, and how the filler packs"
        return [Problem("capsule.unknown", text, "capsule")]
    return check_filler(formula, materials.filler.material)


def _check_shells(order: Order, materials: Materials) -> list[Problem]:
    assert order.count and materials.shells
    lot = lot_of(materials.shells.taken_from)
    left = materials.left.get(lot) if lot else None
    if left is None or count(order.count, "capsule") <= left:
        return []
    text = f"Lot {lot} holds {told(left)}; the plan fills {order.count}. Take another lot"
    return [Problem("lot.too-little", text, lot)]


def _as_needed(line: Line, balance: Balance) -> Line:
    """The filler of the volume-completion method: what the capsules take; the target is an estimate, half to twice of it."""
    shown = (rounded(quantity(line.target) * share, balance.readability) for share in (Fraction(1, 2), Fraction(2)))
    low, high = (as_balance(each, balance.readability) for each in shown)
    return replaced(line, measure="as needed", low=low, high=high)


def _packing(filler: Filler, shells: Shells) -> tuple[MassPerUnit, str]:
    """How much filler one capsule of this size holds, and what that was taken from."""
    if filler.packing is not None:
        return of_material(filler.packing, filler.material) / ONE, "packing statistic of the lot"
    assert filler.tapped_density is not None
    density = of_material(filler.tapped_density, filler.material)
    return fills.packing_from_density(shells.volume, density, ONE), "tapped density of the lot and volume of the shell"


def _planned(formula: Formula, digest: str, order: Order, materials: Materials) -> Plan:
    filler, shells, balance = materials.filler, materials.shells, materials.balance
    assert filler and shells and order.count
    with working() as steps:
        notebook = Notebook(steps)
        strength = ordered_strength(formula, order) / ONE
        ordered = count(order.count, "capsule")
        active = amounts.active_in_units(strength, ordered, order.overage)
        units = amounts.units_made(ordered, order.overage) if order.overage_on == "batch" else ordered
        diluent = filler.material

        def dilute_source(need: Mass) -> tuple[Diluted | None, list[Problem]]:
            return dilute(need, balance, diluent, capacity=balance.capacity)

        source = plan_source(formula, order, materials, active, notebook, dilute_source)
        source_each = amounts.per_capsule(source.exact, units)
        packing, origin = _packing(filler, shells)
        if materials.source_packing is not None:
            source_packing = of_material(materials.source_packing, source.material) / ONE
        else:
            source_packing = taken_as(packing, source.material)
        share = fills.share_of_capsule(source_each, source_packing)
        filler_each = fills.filler_per_capsule(share, packing)
        filler_exact = fills.mass_in_capsules(filler_each, units)
        filler_rest = filler_exact
        if source.diluted and source.diluted.diluent is not None:
            filler_rest = fills.filler_beside_diluent(filler_exact, source.diluted.diluent)
        filler_weigh = amounts.to_weigh(filler_rest, balance.readability)
        notebook.note("filler", as_balance(filler_weigh, balance.readability), steps=2)
        made = amounts.per_capsule(source.carried, units)
        error = amounts.relative_error(made, strength)
    fill = together([source_each * ONE, filler_each * ONE], "mixture")
    theoretical = together([fill, shells.weight], "filled capsule")
    notebook.stands_for |= {
        "filler_material": (filler.material, ""),
        "units": (whole(ordered, "capsule"), ""),
        "size": (shells.size, ""),
    }
    warnings = [*common_warnings(formula, order, materials), *source.warnings]
    if materials.source_packing is None:
        warnings.append(
            f"How {source.material} packs was not measured: it is taken to pack like {filler.material}. "
            f"It fills {percent_text(share, 1)} % of the capsule; a pack 20 % off moves the filler by {percent_text(share / 5, 1)} %."
        )
    if order.overage_on == "active":
        warnings.append(
            f"The overage is on the active alone: if nothing is lost, a capsule holds {strength_text(made, formula, order)}."
        )
    filler_line = weighing_line("filler", filler.taken_from, filler_rest, filler_weigh, formula, balance)
    lines = (
        *dilution_lines(source, filler.taken_from, formula, balance),
        _as_needed(filler_line, balance) if order.method == "volume-completion" else filler_line,
    )
    return Plan(
        formula=formula_used(formula, digest),
        name=formula.name,
        form=formula.dosage_form,
        strength=written(order.strength),
        ordered_as=order.ordered_as or formula.substance,
        count=order.count,
        volume=None,
        made=whole(units, "capsule"),
        prepared=order.prepared.isoformat(),
        overage_percent=percent_text(order.overage),
        overage_on=order.overage_on,
        active=Active(formula.substance, mass_text(active)),
        source=source.used,
        filler=FillerUsed(
            material=filler.material,
            lot=lot_of(filler.taken_from),
            packing=mass_text(packing),
            origin=origin,
            per_capsule=mass_text(filler_each),
            exact=mass_text(filler_rest),
            weigh=as_balance(filler_weigh, balance.readability),
            rounding_error_percent=percent_text(ratio(filler_weigh, filler_rest) - 1 if filler_each else share * 0),
        ),
        capsule=CapsuleUsed(
            size=shells.size,
            maker=shells.maker,
            lot=lot_of(shells.taken_from),
            volume=written(shells.volume),
            shell=written(in_unit(shells.weight, "mg")),
            fill=mass_text(fill),
            theoretical_weight=mass_text(theoretical),
            source_share_percent=percent_text(share, 2),
            packed_percent=percent_text(share + ratio(filler_each, packing), 2),
        ),
        vehicle=None,
        dose=None,
        bottle=None,
        method=order.method,
        lines=lines,
        aliquots=source.aliquots,
        expected=expected_of(made, error, source.certified, formula, order),
        beyond_use=plan_beyond_use(formula, order, materials),
        balance=balance_used(balance),
        warnings=tuple(warnings),
        steps=procedure(formula, order, source.used.kind, aliquot_steps(source), notebook.stands_for),
        calculation=calculations(steps),
    )
