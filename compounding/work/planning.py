"""From an order and the materials at hand to a plan, or every reason why not.

A strength outside its formula is refused. The working that a plan shows is what the calculations wrote
down while they were done; nothing is composed beside them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from compounding.calc import sources
from compounding.calc.measured import Step
from compounding.problems import Problem
from compounding.quantities import (
    Concentration,
    Content,
    Count,
    Mass,
    MassPerUnit,
    Quantity,
    as_balance,
    count,
    decimal_text,
    in_unit,
    material_of,
    of_material,
    quantity,
    rounded,
    told,
    written,
)
from compounding.records.formula import Formula
from compounding.records.plan import (
    BalanceUsed,
    BeyondUseUsed,
    Calculation,
    Expected,
    FormulaUsed,
    Line,
    ProcedureStep,
    SourceUsed,
)
from compounding.records.record import replaced
from compounding.rules.beyond_use import StabilityStudy, beyond_use_date
from compounding.rules.substances import forms
from compounding.rules.weighing import minimum_as_tested
from compounding.work.materials import Balance, FromLot, Materials, Order
from compounding.work.powders import check_powder
from compounding.work.stocking import check_heaviest

TABLET_POWDER: Final = "tablet powder"


def times_as_substance(formula: Formula, order: Order) -> Fraction:
    """How much of the formula's substance stands for one of the form ordered, by their molar masses [1]."""
    if order.ordered_as in (None, formula.substance):
        return Fraction(1)
    known = forms(order.prepared)
    return known[formula.substance].molar_mass / known[order.ordered_as or ""].molar_mass


def ordered_strength(formula: Formula, order: Order) -> Mass | Concentration:
    """The strength as the formula's substance; the molar-mass route of another form is written down."""
    if order.ordered_as in (None, formula.substance):
        return of_material(order.strength, formula.substance)
    known = forms(order.prepared)
    form, substance = known[order.ordered_as or ""], known[formula.substance]
    one = quantity("1 mL") if order.volume is not None else quantity("1 mL") / quantity("1 mL")
    return sources.same_moles(of_material(order.strength * one, form.name), form.mole, substance.mole) / one


def form_text(formula: Formula, order: Order) -> list[str]:
    """What an order of another form comes to, for whoever reads the plan."""
    if order.ordered_as in (None, formula.substance):
        return []
    counted = order.strength * times_as_substance(formula, order)
    return [
        f"Ordered as {order.ordered_as}: {told(order.strength)} of it is {told(counted, 4)} of {formula.substance}."
    ]


def check_order(formula: Formula, order: Order) -> list[Problem]:
    """What the formula says of the strength, the size of the batch and the dose."""
    times = times_as_substance(formula, order)
    size = order.volume if order.mass is None else order.mass
    if order.count is not None:
        size = count(order.count, "capsule")
    asked = [
        ("strength", order.strength * times, formula.strength, "strength.outside-formula"),
        ("batch", size, formula.batch, "batch.outside-formula"),
    ]
    if order.dose is not None and formula.dose is not None:
        asked.append(("dose", order.dose * times, formula.dose, "dose.outside-formula"))
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


def check_bench(formula: Formula, order: Order, materials: Materials) -> list[Problem]:
    """What lies on the bench must be described in its own measure, and none of it by zero."""
    tablets, balance, filler, shells = materials.tablets, materials.balance, materials.filler, materials.shells
    described: list[tuple[str, Quantity | None, str]] = [
        ("readability of the balance", balance.readability, "0.1 mg"),
        ("minimum weight of the balance", balance.minimum_weight, "20 mg"),
        ("packing of the tablet powder", materials.source_packing, "180 mg"),
    ]
    if tablets:
        described.append(("label claim", tablets.label_claim, "50 mg/tablet"))
        described += [("tablet weight", weight, "302.4 mg/tablet") for weight in tablets.weights]
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
    if materials.powder:
        problems += check_powder(materials.powder, formula.substance, order.prepared)
    if tablets and not tablets.weights:
        problems.append(
            Problem("tablet.no-weights", "No tablet weights: weigh the tablets in hand, one by one", "tablets")
        )
    if tablets and tablets.weights:
        problems += check_heaviest("Tablets", max(tablets.weights) * quantity("1 tablet"))
    if filler and shells and filler.packing is None and filler.tapped_density is None:
        text = f"How {filler.material} packs is not known: fill one capsule and weigh it, or measure the tapped density"
        problems.append(Problem("filler.no-packing", text, filler.material))
    return problems


def check_filler(formula: Formula, name: str) -> list[Problem]:
    """A filler must stand in the formula; one that the formula refuses is told with the reason."""
    if formula.filler is None:
        return []
    for each in formula.filler.refused:
        if each.is_named(name):
            text = f"{name} is refused as a filler: {each.reason} ({each.source}). Use {formula.filler.material}"
            return [Problem("filler.refused", text, name, source=each.source)]
    allowed = (formula.filler.material, *formula.filler.alternatives)
    if name in allowed:
        return []
    text = f"{name} is not a filler of {formula.id}: use {' or '.join(allowed)}"
    return [Problem("filler.not-in-formula", text, name)]


@dataclass
class Notebook:
    """The working of one plan while it grows: the steps so far, and what each placeholder of a step stands for."""

    steps: list[Step]
    stands_for: dict[str, tuple[str, str]] = field(default_factory=dict)

    def note(self, placeholder: str, text: str, steps: int = 1) -> None:
        """Say what a placeholder stands for; its working is the last steps written."""
        worked = (f"{step.working} = {step.result}" for step in self.steps[len(self.steps) - steps :])
        self.stands_for[placeholder] = (text, "; ".join(worked))


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
    shown = (rounded(weigh * (1 + sign * share), balance.readability) for sign in (-1, 0, 1))
    low, target, high = (as_balance(each, balance.readability) for each in shown)
    return Line(line, material_of(exact) or line, lot_of(taken_from), "balance", mass_text(exact), target, low, high)


def check_weighings(lines: tuple[Line, ...], balance: Balance) -> list[Problem]:
    """Every weighing must reach the balance's minimum weight, also what a dilution leaves of the filler."""
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
    on_hand = materials.tablets.on_hand if materials.tablets else None
    if on_hand is not None and source.tablets is not None and on_hand < source.tablets:
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
    lots: dict[str, FromLot | None] = {}
    if materials.tablets:
        lots["tablets"] = materials.tablets.taken_from
    if materials.powder:
        lots["powder"] = materials.powder.taken_from
    if materials.trituration:
        lots[materials.trituration.material] = materials.trituration.taken_from
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


def check_method(formula: Formula, order: Order, materials: Materials) -> list[Problem]:
    """The procedure that was asked for must stand in the formula, and fit the rest of the order."""
    known = ["standard", *(each.method for each in formula.alternative)]
    problems = []
    if order.method not in known:
        text = f"{formula.id} knows no procedure {order.method}: it has {', '.join(known)}"
        problems.append(Problem("method.unknown", text, "method"))
    if order.filtered and not formula.filtering:
        problems.append(
            Problem("method.filtering", f"{formula.id} says nothing of filtering: leave it out", "filtered")
        )
    if order.method == "volume-completion" and order.overage_on == "batch" and order.overage:
        text = (
            "Volume-completion fills exactly the capsules ordered: put the overage on the active (--overage-on active)"
        )
        problems.append(Problem("method.overage", text, "overage"))
    if order.method == "whole-tablets" and not materials.tablets:
        problems.append(Problem("method.source", "Whole tablets need tablets: a powder is weighed", "method"))
    if order.method == "whole-tablets" and order.overage:
        text = 'Whole tablets carry no overage: give --overage "0 %"'
        problems.append(Problem("method.overage", text, "overage"))
    return problems


def procedure(
    formula: Formula,
    order: Order,
    source: str,
    dilution: tuple[str, ...],
    stands_for: Mapping[str, tuple[str, str]],
    stocks: Mapping[str, str] | None = None,
) -> tuple[ProcedureStep, ...]:
    """The formula's steps with the plan's numbers in place, each with the working behind them.

    Args:
        source: ``tablet``, ``powder`` or ``trituration``; a step that is only for the other is left out.
        dilution: what is done to dilute the source, after the step that weighs it.
        stocks: how the stock of an ingredient is made, by the ingredient; done before the step that takes it.
    """
    stocks = stocks or {}
    steps: list[ProcedureStep] = []
    chosen = next((each.step for each in formula.alternative if each.method == order.method), formula.step)
    if order.filtered and formula.filtering:
        chosen = (*chosen[:-1], {"do": formula.filtering.do}, chosen[-1])
    for step in (step for step in chosen if step.get("only", source) == source):
        do, workings = step["do"], []
        for name, (text, worked) in stands_for.items():
            if f"{{{name}}}" in do:
                do = do.replace(f"{{{name}}}", text)
                workings.append(worked)
        lines = _lines_of(step["do"], order)
        for line in lines:
            if line in stocks:
                steps.append(ProcedureStep(len(steps) + 1, stocks[line], "", (line, f"stock {line}")))
        lines = tuple(f"part {line}" if line in stocks else line for line in lines)
        steps.append(ProcedureStep(len(steps) + 1, do, "; ".join(filter(None, workings)), lines))
        if "{source}" in step["do"]:
            steps += [
                ProcedureStep(len(steps) + number, each, "", tuple(f"{line} {number}" for line in _OF_A_DILUTION))
                for number, each in enumerate(dilution, 1)
            ]
    return tuple(steps)


_OF_A_DILUTION: Final = ("diluent", "aliquot", "stock", "part")


def _lines_of(do: str, order: Order) -> tuple[str, ...]:
    """The lines of the worksheet that a step takes, by what it names in braces; what names none is passed over."""
    other_names = {"volume": "vehicle"} | ({"tablets": "source"} if order.method == "whole-tablets" else {})
    named = re.findall(r"\{([a-z_]+)\}", do)
    return tuple(other_names.get(name, name.replace("_", " ")) for name in named)


def calculations(steps: list[Step]) -> tuple[Calculation, ...]:
    return tuple(
        Calculation(position, step.gives, step.equation, step.working, step.result, step.source)
        for position, step in enumerate(steps, 1)
    )


def formula_used(formula: Formula, digest: str) -> FormulaUsed:
    return FormulaUsed(formula.id, formula.version, digest)


def balance_used(balance: Balance) -> BalanceUsed:
    return BalanceUsed(
        balance.name,
        written(balance.readability),
        written(balance.minimum_weight),
        balance.mode,
        balance.figures or minimum_as_tested(balance.minimum_weight).figures,
        balance.source,
    )


def common_warnings(formula: Formula, order: Order, materials: Materials) -> list[str]:
    """What every plan must say of its procedure and of what it assumes."""
    warnings = form_text(formula, order)
    if materials.tablets:
        low, high = formula.source[0].content_percent
        if materials.tablets.content is None:
            text = f"A tablet is taken to hold its label claim; its monograph allows {low} to {high} % (usp-naltrexone-tablets)."
            warnings.append(text)
        if materials.tablets.weighed is None:
            text = "The average tablet weight was given, not measured here: weigh the tablets in hand one by one."
            warnings.append(text)
        warnings += formula.tablet_notes
    if materials.powder:
        found = check_powder(materials.powder, formula.substance, order.prepared)
        warnings += [problem.text for problem in found]
    if materials.trituration:
        warnings += [
            f"Of the trituration of batch {materials.trituration.batch}: {each}" for each in materials.trituration.notes
        ]
    warnings += [f"{each.note} [{each.source}]" for each in formula.alternative if each.method == order.method]
    if order.filtered and formula.filtering:
        warnings.append(f"{formula.filtering.note} [{formula.filtering.source}]")
    warnings += [
        f"The limits for {test.trait} ({test.expected}) are unverified: a pharmacist confirms them."
        for test in formula.test
        if test.required and not test.verified
    ]
    return warnings


def expected_of(
    made: MassPerUnit | Concentration | Content, error: Fraction, certified: Fraction, formula: Formula, order: Order
) -> Expected:
    """What will be made if nothing is lost: by what the source counts for, and by its certificate where that is less.

    Args:
        made: active in one of what is made, by what the source counts for.
        error: how far that lies from the order, relative to it [1].
        certified: what the source holds by its certificate, as a share of what it counts for [1].
    """
    expected = Expected(strength_text(made, formula, order), percent_text(error))
    if certified == 1:
        return expected
    return replaced(
        expected,
        certified_strength=strength_text(made * certified, formula, order),
        certified_error_percent=percent_text((1 + error) * certified - 1),
    )


def strength_text(made: MassPerUnit | Concentration | Content, formula: Formula, order: Order) -> str:
    """The strength that will be made, to four decimals, in the unit and the form that were ordered."""
    made = made / times_as_substance(formula, order)
    unit = written(order.strength).partition(" ")[2]
    return written(in_unit(made, unit + "/capsule" if "capsule" in made._units else unit), 4).replace("/capsule", "")


def whole(units: Count, of: str) -> str:
    """A count as text, such as ``105 capsules``."""
    return told(in_unit(units, of))
