"""From an order and the materials at hand to a plan, or every reason why not.

A strength outside its formula is refused. The working that a plan shows is what the calculations wrote
down while they were done; nothing is composed beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from compounding.calc import amounts
from compounding.calc.measured import Step
from compounding.problems import Problem
from compounding.quantities import (
    Concentration,
    Count,
    Mass,
    MassPerUnit,
    Quantity,
    amount,
    as_balance,
    count,
    decimal_text,
    in_unit,
    material_of,
    of_material,
    quantity,
    ratio,
    told,
    written,
)
from compounding.records.formula import Formula
from compounding.records.plan import (
    BalanceUsed,
    BeyondUseUsed,
    Calculation,
    FormulaUsed,
    Line,
    ProcedureStep,
    SourceUsed,
)
from compounding.rules.beyond_use import StabilityStudy, beyond_use_date
from compounding.work.materials import Balance, FromLot, Materials, Order

TABLET_POWDER: Final = "tablet powder"


def check_order(formula: Formula, order: Order) -> list[Problem]:
    """What the formula says of the strength, the size of the batch and the dose."""
    size = order.volume if order.count is None else count(order.count, "capsule")
    asked = [
        ("strength", order.strength, formula.strength, "strength.outside-formula"),
        ("batch", size, formula.batch, "batch.outside-formula"),
    ]
    if order.dose is not None and formula.dose is not None:
        asked.append(("dose", order.dose, formula.dose, "dose.outside-formula"))
    problems = []
    for what, value, limits, code in asked:
        low, high = quantity(limits.minimum), quantity(limits.maximum)
        if value is None or value.dimensionality != low.dimensionality:
            seen = "missing" if value is None else told(value)
            text = f"The {what} is {seen}; {formula.id} needs one such as {told(low)}"
            problems.append(Problem("order.dimension", text, what))
        elif not low <= value <= high:
            text = (
                f"The {what} {told(value)} is outside {told(low)} to {told(high)} of {formula.id}: "
                "check the decimal point and the unit. Another range needs another approved formula"
            )
            problems.append(Problem(code, text, what))
    return problems


def check_bench(materials: Materials) -> list[Problem]:
    """What lies on the bench must be described in its own measure, and none of it by zero."""
    tablets, balance, filler, shells = materials.tablets, materials.balance, materials.filler, materials.shells
    described: list[tuple[str, Quantity | None, str]] = [
        ("label claim", tablets.label_claim, "50 mg/tablet"),
        *(("tablet weight", weight, "302.4 mg/tablet") for weight in tablets.weights),
        ("readability of the balance", balance.readability, "0.1 mg"),
        ("minimum weight of the balance", balance.minimum_weight, "20 mg"),
        ("packing of the tablet powder", materials.source_packing, "180 mg"),
    ]
    if filler:
        described += [
            ("packing of the filler", filler.packing, "135 mg"),
            ("tapped density of the filler", filler.tapped_density, "0.45 g/mL"),
        ]
    if shells:
        described += [("volume of a shell", shells.volume, "0.30 mL"), ("weight of a shell", shells.weight, "48 mg")]
    problems = [
        Problem("bench.measure", f"The {what} is {told(value)}; write one above zero, such as {example}", what)
        for what, value, example in described
        if value is not None and not (value.magnitude > 0 and value.dimensionality == quantity(example).dimensionality)
    ]
    if not tablets.weights:
        problems.append(
            Problem("tablet.no-weights", "No tablet weights: weigh the tablets in hand, one by one", "tablets")
        )
    if filler and filler.packing is None and filler.tapped_density is None:
        text = f"How {filler.material} packs is not known: fill one capsule and weigh it, or measure the tapped density"
        problems.append(Problem("filler.no-packing", text, filler.material))
    return problems


@dataclass
class Notebook:
    """The working of one plan while it grows: the steps so far, and what each placeholder of a step stands for."""

    steps: list[Step]
    stands_for: dict[str, tuple[str, str]] = field(default_factory=dict)

    def note(self, placeholder: str, text: str, steps: int = 1) -> None:
        """Say what a placeholder stands for; its working is the last steps written."""
        worked = (f"{step.working} = {step.result}" for step in self.steps[len(self.steps) - steps :])
        self.stands_for[placeholder] = (text, "; ".join(worked))


@dataclass(frozen=True)
class SourcePlanned:
    """The source of the active as planned: its record, the exact and the rounded mass, the active carried."""

    used: SourceUsed
    exact: Mass
    weigh: Mass
    carried: Mass


def plan_source(formula: Formula, materials: Materials, active: Mass, notebook: Notebook) -> SourcePlanned:
    """Tablets to crush and tablet powder to weigh for the active."""
    tablets, readability = materials.tablets, materials.balance.readability
    claim = of_material(tablets.label_claim, formula.substance)
    weights = [of_material(weight, TABLET_POWDER) for weight in tablets.weights]
    average = weights[0]
    if tablets.weighed:
        one = count(1, "tablet")
        average = amounts.average_weight(sum(weights[1:], weights[0]) * one, one * tablets.weighed)
    exact_tablets = amounts.tablets_for(active, claim)
    crushed = amounts.whole_tablets(exact_tablets)
    exact = amounts.tablet_powder_for(active, claim, average)
    weigh = amounts.to_weigh(exact, readability)
    notebook.note("source", as_balance(weigh, readability), steps=2)
    if weigh > crushed * average:  # rounding up can ask for a trace more than whole tablets hold
        crushed = crushed + count(1, "tablet")
    notebook.stands_for["tablets"] = (
        told(crushed),
        f"{decimal_text(amount(exact_tablets, 'tablet'), 4)} tablets needed",
    )
    left = amounts.discarded_powder(crushed, average, weigh)
    carried = amounts.active_weighed(weigh, claim, average)
    used = SourceUsed(
        kind="tablet",
        material=TABLET_POWDER,
        lot=lot_of(tablets.taken_from),
        label_claim=mass_text(claim),
        average_weight=mass_text(average),
        weighed_tablets=tablets.weighed,
        exact=mass_text(exact),
        weigh=as_balance(weigh, readability),
        tablets_exact=decimal_text(amount(exact_tablets, "tablet")),
        tablets=int(amount(crushed, "tablet")),
        discarded=as_balance(left, readability),
        rounding_error_percent=percent_text(ratio(weigh, exact) - 1),
    )
    return SourcePlanned(used, exact, weigh, carried)


def mass_text(value: Mass | MassPerUnit) -> str:
    """A mass, or a mass in one unit, in milligrams and without the unit counted."""
    per = next((unit for unit in ("tablet", "capsule") if unit in value._units), None)
    return written(in_unit(value, f"mg/{per}" if per else "mg")).partition("/")[0]


def percent_text(share: Fraction, places: int = 4) -> str:
    """A share as the text of a percentage, rounded half up."""
    return decimal_text(share * 100, places)


def lot_of(taken_from: FromLot | None) -> str | None:
    return taken_from.lot if taken_from else None


def weighing_line(
    line: str, taken_from: FromLot | None, exact: Mass, weigh: Mass, formula: Formula, balance: Balance
) -> Line:
    """A line of the worksheet: the target, and the limits within the formula's tolerance, as the balance shows them."""
    share = Fraction(formula.tolerance.weighing_percent) / 100
    low, target, high = (as_balance(weigh * (1 + sign * share), balance.readability) for sign in (-1, 0, 1))
    return Line(line, material_of(exact) or line, lot_of(taken_from), "balance", mass_text(exact), target, low, high)


def check_weighings(lines: tuple[Line, ...], balance: Balance) -> list[Problem]:
    """Every weighing must reach the balance's minimum weight."""
    return [
        Problem(
            "weighing.below-minimum",
            f"{line.material}: {line.target} is below the {told(balance.minimum_weight)} that {balance.name} may weigh. "
            "Make a larger batch, or use a balance with a lower minimum weight",
            line.material,
            source="usp-41",
        )
        for line in lines
        if line.measure == "balance" and quantity(line.target) < balance.minimum_weight
    ]


def check_stock(lines: tuple[Line, ...], source: SourceUsed, materials: Materials) -> list[Problem]:
    """Every lot must still hold what the plan takes from it."""
    problems = []
    on_hand = materials.tablets.on_hand
    if on_hand is not None and on_hand < source.tablets:
        text = (
            f"Lot {source.lot} holds {on_hand} tablets; the plan crushes {source.tablets}. Receive more, or make less"
        )
        problems.append(Problem("lot.too-little", text, source.lot))
    for line in lines:
        left = materials.left.get(line.lot) if line.lot else None
        if left is None:
            continue
        if quantity(line.target).dimensionality != left.dimensionality:
            text = f"Lot {line.lot} of {line.material} was received as {told(left)}; the plan takes {line.target}. Take another lot"
            problems.append(Problem("lot.measure", text, line.lot))
        elif quantity(line.target) > left:
            text = (
                f"Lot {line.lot} of {line.material} holds {told(left)}; the plan takes {line.target}. Take another lot"
            )
            problems.append(Problem("lot.too-little", text, line.lot))
    return problems


def plan_beyond_use(formula: Formula, order: Order, materials: Materials) -> BeyondUseUsed:
    """The beyond-use date of the preparation with the lots that it takes."""
    lots = {TABLET_POWDER.removesuffix(" powder") + "s": materials.tablets.taken_from}
    if materials.filler:
        lots[materials.filler.material] = materials.filler.taken_from
    if materials.shells:
        lots["capsule shells"] = materials.shells.taken_from
    lots.update(materials.components)
    found = beyond_use_date(
        formula.beyond_use.category,
        formula.beyond_use.storage,
        order.prepared,
        {f"{name} (lot {lot.lot})": lot.expires for name, lot in lots.items() if lot},
        [StabilityStudy(study.days, study.storage, study.source) for study in formula.beyond_use.study],
    )
    storage = {"room": "20 °C to 25 °C", "refrigerator": "2 °C to 8 °C"}[formula.beyond_use.storage]
    return BeyondUseUsed(found.on.isoformat(), found.days, storage, found.limited_by, found.rule, found.source)


def procedure(formula: Formula, stands_for: Mapping[str, tuple[str, str]]) -> tuple[ProcedureStep, ...]:
    """The formula's steps with the plan's numbers in place, each with the working behind them."""
    steps = []
    for position, step in enumerate(formula.step, 1):
        do, workings = step["do"], []
        for name, (text, worked) in stands_for.items():
            if f"{{{name}}}" in do:
                do = do.replace(f"{{{name}}}", text)
                workings.append(worked)
        steps.append(ProcedureStep(position, do, "; ".join(filter(None, workings))))
    return tuple(steps)


def calculations(steps: list[Step]) -> tuple[Calculation, ...]:
    return tuple(
        Calculation(position, step.gives, step.equation, step.working, step.result, step.source)
        for position, step in enumerate(steps, 1)
    )


def formula_used(formula: Formula, digest: str) -> FormulaUsed:
    return FormulaUsed(formula.id, formula.version, digest)


def balance_used(balance: Balance) -> BalanceUsed:
    return BalanceUsed(balance.name, written(balance.readability), written(balance.minimum_weight))


def common_warnings(formula: Formula, materials: Materials) -> list[str]:
    """What every plan from tablets must say of what it assumes."""
    low, high = formula.source[0].content_percent
    warnings = [
        f"A tablet is taken to hold its label claim; its monograph allows {low} to {high} % (usp-naltrexone-tablets)."
    ]
    if materials.tablets.weighed is None:
        warnings.append("The average tablet weight was given, not measured here: weigh the tablets in hand one by one.")
    warnings += [
        f"The limits for {test.trait} ({test.expected}) are unverified: a pharmacist confirms them."
        for test in formula.test
        if not test.verified
    ]
    return warnings


def strength_text(made: MassPerUnit | Concentration, like: Quantity) -> str:
    """The strength that will be made, to four decimals, in the unit that was ordered."""
    unit = written(like).partition(" ")[2]
    return written(in_unit(made, unit + "/capsule" if "capsule" in made._units else unit), 4).replace("/capsule", "")


def whole(units: Count, of: str) -> str:
    """A count as text, such as ``105 capsules``."""
    return told(in_unit(units, of))
