"""Each plan is worked out twice: hands the order and the bench, as text, to the second path and asks what differs."""

from __future__ import annotations

from fractions import Fraction

from compounding.problems import Problem
from compounding.quantities import Quantity, written
from compounding.records.formula import Formula
from compounding.records.plan import Plan
from compounding.records.record import as_data
from compounding.work.materials import Filler, Materials, Order, Shells
from compounding.work.second.compare import compare
from compounding.work.second.recompute import CapsuleTexts, Inputs, TabletTexts


def differing(plan: Plan, formula: Formula, order: Order, materials: Materials) -> list[Problem]:
    """What the second calculation and the mass balance say against a plan; any of it refuses the plan."""
    return compare(as_data(plan), inputs_from(formula, order, materials))


def inputs_from(formula: Formula, order: Order, materials: Materials) -> Inputs:
    """The texts that the second path reads; the formula's own stand as they were written."""
    tablets, filler, shells = materials.tablets, materials.filler, materials.shells
    return Inputs(
        strength=exactly(order.strength),
        ordered=exactly(order.volume) if order.volume is not None else f"{order.count} capsules",
        overage=str(order.overage),
        overage_on=order.overage_on,
        source=TabletTexts(exactly(tablets.label_claim), tuple(exactly(weight) for weight in tablets.weights)),
        readability=exactly(materials.balance.readability),
        weighing_percent=formula.tolerance.weighing_percent,
        volume_percent=formula.tolerance.volume_percent,
        capsule=_capsule(filler, shells, materials.source_packing) if filler and shells and order.count else None,
        components=tuple((component.material, component.amount or "") for component in formula.component),
        dose=_or_none(order.dose),
    )


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
