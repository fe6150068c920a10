"""The source of the active in a plan: tablets, powder or a trituration, weighed as it is or as part of a dilution."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from compounding.calc import amounts, sources, triturations
from compounding.frozen import dataclass
from compounding.problems import CannotCompute, Problem, Refused, stopping
from compounding.quantities import (
    Mass,
    amount,
    as_balance,
    content,
    count,
    decimal_text,
    in_unit,
    of_material,
    ratio,
    rounded,
    told,
    written,
)
from compounding.records.aliquot import Aliquot
from compounding.records.formula import Formula
from compounding.records.plan import Line, SourceUsed
from compounding.records.record import replaced
from compounding.work.diluting import Diluted
from compounding.work.materials import Balance, FromLot, Materials, Order
from compounding.work.planning import TABLET_POWDER, Notebook, lot_of, mass_text, percent_text, weighing_line
from compounding.work.powders import content_of

_NONE: tuple[str, ...] = ()

# Plans the dilution of a mass that is too little to weigh; None where it can be weighed as it is.
Dilute = Callable[[Mass], tuple[Diluted | None, list[Problem]]]


@dataclass(frozen=True)
class SourcePlanned:
    """The source as planned.

    Args:
        used: its record.
        exact: what the preparation needs of it, not rounded [mass].
        carried: active in what goes into the preparation [mass].
        material: the source as a material.
        taken_from: its lot.
        weigh: what is weighed of it, into the preparation or into the first dilution [mass].
        first: the same, not rounded [mass].
        diluted: the dilution, if there is one.
        warnings: what the dilution says.
        certified: what a powder holds by its certificate, as a share of what it counts for [1].
    """

    used: SourceUsed
    exact: Mass
    carried: Mass
    material: str
    taken_from: FromLot | None
    weigh: Mass
    first: Mass
    diluted: Diluted | None
    warnings: tuple[str, ...]
    certified: Fraction = Fraction(1)

    @property
    def aliquots(self) -> tuple[Aliquot, ...]:
        return self.diluted.aliquots if self.diluted else ()


def plan_source(
    formula: Formula, order: Order, materials: Materials, active: Mass, notebook: Notebook, dilute: Dilute
) -> SourcePlanned:
    """What carries the active, and how much of it is weighed.

    Raises:
        Refused: the certificate of a powder cannot be used, or it is too little to weigh even diluted.
    """
    if materials.powder:
        return _powder(formula, order, materials, active, notebook, dilute)
    if materials.trituration:
        return _trituration(formula, materials, active, notebook, dilute)
    return _tablets(formula, order, materials, active, notebook, dilute)


def _tablets(
    formula: Formula, order: Order, materials: Materials, active: Mass, notebook: Notebook, dilute: Dilute
) -> SourcePlanned:
    tablets, readability = materials.tablets, materials.balance.readability
    assert tablets
    claim = of_material(tablets.label_claim, formula.substance)
    if tablets.content is not None:
        claim = amounts.certified_claim(claim, tablets.content)
    weights = [of_material(weight, TABLET_POWDER) for weight in tablets.weights]
    average = weights[0]
    if tablets.weighed:
        one = count(1, "tablet")
        average = amounts.average_weight(sum(weights[1:], weights[0]) * one, one * tablets.weighed)
    needed = amounts.tablets_for(active, claim)
    exact = amounts.tablet_powder_for(active, claim, average)
    if order.method == "whole-tablets":  # all of the powder goes in: nothing is rounded
        first, weigh, diluted, warnings, carried = exact, exact, None, _NONE, active
    else:
        first, weigh, diluted, warnings = _weighed(exact, materials.balance, notebook, dilute)
        carried = amounts.active_weighed(diluted.carried if diluted else weigh, claim, average)
    # Rounding up can ask for more than the tablets of the exact mass hold.
    crushed = amounts.whole_tablets(max(first, weigh) / average)
    notebook.stands_for["tablets"] = (told(crushed), f"{decimal_text(amount(needed, 'tablet'), 4)} tablets needed")
    left = amounts.discarded_powder(crushed, average, weigh)
    used = SourceUsed(
        kind="tablet",
        material=TABLET_POWDER,
        lot=lot_of(tablets.taken_from),
        exact=mass_text(exact),
        weigh=as_balance(weigh, readability),
        rounding_error_percent=_rounding(exact, weigh, diluted),
        label_claim=mass_text(of_material(tablets.label_claim, formula.substance)),
        content_percent=percent_text(tablets.content) if tablets.content is not None else None,
        average_weight=mass_text(average),
        weighed_tablets=tablets.weighed,
        tablets_exact=decimal_text(amount(needed, "tablet")),
        tablets=int(amount(crushed, "tablet")),
        discarded=as_balance(rounded(left, readability), readability),
    )
    return SourcePlanned(used, exact, carried, TABLET_POWDER, tablets.taken_from, weigh, first, diluted, warnings)


def _powder(
    formula: Formula, order: Order, materials: Materials, active: Mass, notebook: Notebook, dilute: Dilute
) -> SourcePlanned:
    powder = materials.powder
    assert powder
    found = content_of(powder, formula.substance, order.prepared)
    exact = sources.powder_for(active, found.content)
    first, weigh, diluted, warnings = _weighed(exact, materials.balance, notebook, dilute)
    carried = sources.active_in_powder(diluted.carried if diluted else weigh, found.content)
    used = SourceUsed(
        kind="powder",
        material=found.material,
        lot=lot_of(powder.taken_from),
        exact=mass_text(exact),
        weigh=as_balance(weigh, materials.balance.readability),
        rounding_error_percent=_rounding(exact, weigh, diluted),
        certificate=found.lines,
    )
    certified = ratio(found.certified, found.content)
    return SourcePlanned(
        used, exact, carried, found.material, powder.taken_from, weigh, first, diluted, warnings, certified
    )


def check_trituration(formula: Formula, batch: str) -> list[Problem]:
    """What may be made from a trituration: capsules; its filler would settle in a liquid."""
    if formula.dosage_form == "oral liquid":
        text = (
            f"The trituration of batch {batch} carries its filler, which dissolves in nothing and would settle in the "
            "bottle: make a liquid from tablets or powder"
        )
        return [Problem("source.insoluble", text, "source")]
    if formula.dosage_form == "trituration":
        text = f"A trituration is made from tablets or powder, not from another one: take the source of batch {batch}"
        return [Problem("source.trituration", text, "source")]
    return []


def _trituration(
    formula: Formula, materials: Materials, active: Mass, notebook: Notebook, dilute: Dilute
) -> SourcePlanned:
    """A trituration of our own counts for what its assay found, never for its label."""
    held = materials.trituration
    assert held
    by_label = content(amount(held.strength, "mg/mg"), formula.substance, held.material)
    found = triturations.content_by_assay(by_label, held.assay)
    exact = triturations.trituration_for(active, found)
    first, weigh, diluted, warnings = _weighed(exact, materials.balance, notebook, dilute)
    carried = triturations.active_carried(diluted.carried if diluted else weigh, found)
    used = SourceUsed(
        kind="trituration",
        material=held.material,
        lot=lot_of(held.taken_from),
        exact=mass_text(exact),
        weigh=as_balance(weigh, materials.balance.readability),
        rounding_error_percent=_rounding(exact, weigh, diluted),
        certificate=(
            ("made here", f"batch {held.batch}, {told(held.strength)} by its label"),
            ("assay", held.assayed + (" of label" if held.assayed.endswith("%") else "")),
            ("content", f"{written(in_unit(found, 'mg/g'))} of {formula.substance}, as assayed"),
        ),
    )
    return SourcePlanned(used, exact, carried, held.material, held.taken_from, weigh, first, diluted, warnings)


def _rounding(exact: Mass, weigh: Mass, diluted: Diluted | None) -> str:
    return percent_text(diluted.error if diluted else ratio(weigh, exact) - 1)


def _weighed(
    exact: Mass, balance: Balance, notebook: Notebook, dilute: Dilute
) -> tuple[Mass, Mass, Diluted | None, tuple[str, ...]]:
    """The mass to weigh, not rounded and rounded: of the need itself, or of the first dilution that carries it."""
    diluted, problems = dilute(exact)
    if stopping(problems):
        raise Refused(problems)
    if diluted is None:
        weigh = amounts.to_weigh(exact, balance.readability)
        notebook.note("source", as_balance(weigh, balance.readability), steps=2)
        return exact, weigh, None, ()
    first = diluted.mixtures[0]
    notebook.note("source", as_balance(first.weigh, balance.readability), steps=2)
    because = [f"Diluted twice: {diluted.because}."] if diluted.because else []
    return first.exact, first.weigh, diluted, (*because, *(problem.text for problem in problems))


def dilution_lines(
    source: SourcePlanned, diluent_from: FromLot | None, formula: Formula, balance: Balance
) -> tuple[Line, ...]:
    """The lines of the worksheet for the source: its weighing, then diluent and part of each dilution."""
    lines = [_source_line(source, formula, balance)]
    for number, mixture in enumerate(source.diluted.mixtures if source.diluted else (), 1):
        if mixture.diluent is None:
            raise CannotCompute("A trituration needs a diluent that is weighed")
        lines.append(
            weighing_line(f"diluent {number}", diluent_from, mixture.diluent, mixture.diluent, formula, balance)
        )
        lines.append(weighing_line(f"aliquot {number}", None, mixture.take, mixture.take, formula, balance))
    return tuple(lines)


def _source_line(source: SourcePlanned, formula: Formula, balance: Balance) -> Line:
    return weighing_line("source", source.taken_from, source.first, source.weigh, formula, balance)


def stock_lines(
    source: SourcePlanned, solvent: str, solvent_from: FromLot | None, formula: Formula, balance: Balance
) -> tuple[Line, ...]:
    """The same for a liquid: each stock is made up to a volume, and a measured part is taken of it."""
    lines = [_source_line(source, formula, balance)]
    for aliquot in source.aliquots:
        lot = lot_of(solvent_from)
        lines.append(
            Line(
                f"stock {aliquot.step}",
                solvent,
                lot,
                "to volume",
                aliquot.total,
                aliquot.total,
                aliquot.total,
                aliquot.total,
            )
        )
        part = Line(f"part {aliquot.step}", f"stock {aliquot.step}", None, "measure", *(aliquot.take,) * 4)
        lines.append(part)
    return tuple(lines)


def aliquot_steps(source: SourcePlanned) -> tuple[str, ...]:
    """What is done for each dilution, in words, after the source was weighed."""
    steps = []
    for each in source.aliquots:
        if each.diluent:
            additions = f", adding {', '.join(each.geometric)} in turn" if each.geometric else ""
            steps.append(
                f"Mix {each.weigh} of {each.material} with {each.diluent} of {each.diluent_material} by geometric dilution"
                f"{additions}; of the {each.total} take {each.take} and discard the rest ({each.wasted})."
            )
        else:
            steps.append(
                f"Dissolve {each.weigh} of {each.material} in {each.diluent_material} and make up TO {each.total}; "
                f"take {each.take} and discard the rest ({each.wasted})."
            )
    return tuple(steps)


def counted(line: Line, source: SourceUsed) -> Line:
    """All powder of whole tablets goes in: they are counted, not weighed."""
    tablets = f"{source.tablets} tablets" if source.tablets != 1 else "1 tablet"
    return replaced(line, material="tablets", measure="count", exact=tablets, target=tablets, low=tablets, high=tablets)


def without_need_of_dilution(need: Mass) -> tuple[Diluted | None, list[Problem]]:
    """For a source that cannot be diluted here: it is weighed, and refused later if the balance may not."""
    return None, []
