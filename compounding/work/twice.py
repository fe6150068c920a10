"""Each plan is worked out twice: hands the order and the bench, as text, to the second path and asks what differs."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from compounding.problems import Problem
from compounding.quantities import Quantity, written
from compounding.records.formula import Formula
from compounding.records.plan import Plan
from compounding.records.record import as_data
from compounding.rules.tables import in_force, one_in_force
from compounding.work.materials import Filler, Materials, Order, Powder, Shells
from compounding.work.second.compare import compare
from compounding.work.second.inputs import (
    CapsuleTexts,
    DeviceTexts,
    Inputs,
    PowderTexts,
    SubstanceTexts,
    TabletTexts,
    TriturationTexts,
)


def differing(plan: Plan, formula: Formula, order: Order, materials: Materials) -> list[Problem]:
    """What the second calculation and the mass balance say against a plan; any of it refuses the plan."""
    return compare(as_data(plan), inputs_from(formula, order, materials))


def inputs_from(formula: Formula, order: Order, materials: Materials) -> Inputs:
    """The texts that the second path reads; the formula's own stand as they were written."""
    filler, shells, balance = materials.filler, materials.shells, materials.balance
    return Inputs(
        strength=exactly(order.strength),
        ordered=_ordered(order),
        overage=str(order.overage),
        overage_on=order.overage_on,
        source=_source(order, materials),
        readability=exactly(balance.readability),
        minimum=exactly(balance.minimum_weight),
        weighing_percent=formula.tolerance.weighing_percent,
        volume_percent=formula.tolerance.volume_percent,
        capsule=_capsule(filler, shells, materials.source_packing) if filler and shells and order.count else None,
        components=tuple((each.material, each.amount or "", each.solubility) for each in formula.component),
        dose=_or_none(order.dose),
        method=order.method,
        capacity=_or_none(balance.capacity),
        solubility=formula.powder.solubility
        if order.volume is not None and formula.powder and materials.powder
        else None,
        substance=_substance(formula.substance, order),
        devices=tuple(DeviceTexts(each.name, exactly(each.capacity), exactly(each.step)) for each in order.devices),
    )


def _ordered(order: Order) -> str:
    measured = order.volume if order.mass is None else order.mass
    return f"{order.count} capsules" if measured is None else exactly(measured)


def _source(order: Order, materials: Materials) -> TabletTexts | PowderTexts | TriturationTexts:
    if materials.trituration:
        return TriturationTexts(exactly(materials.trituration.strength), str(materials.trituration.assay))
    if materials.powder:
        return _powder(materials.powder, order.prepared)
    tablets = materials.tablets
    assert tablets
    weights = tuple(exactly(weight) for weight in tablets.weights)
    return TabletTexts(exactly(tablets.label_claim), weights, _share(tablets.content))


def _powder(powder: Powder, on: date) -> PowderTexts:
    rule = next(iter(in_force("substances", on, kind="correction", id=powder.correction)), None)
    return PowderTexts(
        form=powder.form,
        assay=_share(powder.assay) or "",
        basis=powder.basis or "",
        water=_share(powder.water),
        loss_on_drying=_share(powder.loss_on_drying),
        solvents=_share(powder.solvents),
        assay_of=powder.assay_of,
        correction=powder.correction,
        above_100=powder.above_100,
        deficit_above=str(rule["deficit_above"]) if rule else None,
        decimals=str(rule["decimals"]) if rule else None,
    )


def _substance(counted: str, order: Order) -> SubstanceTexts:
    """What the tables hold of the substance on the day of preparation, before it is computed with."""
    rows = in_force("substances", order.prepared, kind="form")
    of = next((row["substance"] for row in rows if row["id"] == counted), None)
    weights = one_in_force("substances", order.prepared, kind="weights")["weights"]
    known = tuple((row["id"], row["short"], row["formula"]) for row in rows if row["substance"] == of)
    return SubstanceTexts(counted, order.ordered_as or counted, known, tuple(weights.items()))


def _share(share: Fraction | None) -> str | None:
    return None if share is None else str(share)


def exactly(value: Quantity) -> str:
    """A quantity as text that loses nothing: `written` would end ``1 mg/3 mL`` at nine decimals.

    Example:
        >>> from compounding.quantities import quantity
        >>> exactly(quantity("1 mg/3 mL")), exactly(quantity("0.25 g"))
        ('1/3 mg/mL', '1/4 g')
    """
    return f"{Fraction(value.magnitude)} {written(value).partition(' ')[2]}"


def _capsule(filler: Filler, shells: Shells, source_packing: Quantity | None) -> CapsuleTexts:
    return CapsuleTexts(
        packing=_or_none(filler.packing),
        tapped_density=_or_none(filler.tapped_density),
        source_packing=_or_none(source_packing),
        shell_volume=exactly(shells.volume),
        shell_weight=exactly(shells.weight),
    )


def _or_none(value: Quantity | None) -> str | None:
    return None if value is None else exactly(value)
