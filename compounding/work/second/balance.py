"""The third witness: nothing is lost and nothing appears.

It weighs the numbers of a plan against the order by equations that neither calculation uses. Before rounding each
closes to exactly zero; after it, within half a step of the balance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compounding.problems import Problem
from compounding.work.second.content import assayed, factor, formula_of, labelled, mole, taken_out
from compounding.work.second.inputs import (
    CapsuleTexts,
    Inputs,
    PowderTexts,
    SubstanceTexts,
    TabletTexts,
    TriturationTexts,
)
from compounding.work.second.ratio import ONE, ZERO, Ratio, decimal, total
from compounding.work.second.reading import CONCENTRATION, MASS, SHARE, measured, number, of_kind
from compounding.work.second.recompute import Numbers

# What is left open, and how much of it rounding explains.
OpenEnds = dict[str, tuple[Ratio, Ratio]]


def mass_balance(plan: Mapping[str, Any], inputs: Inputs, exact: Numbers) -> list[Problem]:
    """Every amount that does not balance, as problems ``plan.mass-balance`` that stop.

        active in the tablets, or in the powder = doses ordered x (1 + overage) + active in what is left over
        source weighed = source in the parts that are used + source thrown away with the rest of each mixture
        source / its packing + filler and diluent / their packing = capsules made
        source + filler = trituration, within one step where they are weighed
        whole tablets = powder weighed + powder discarded, within half a step
        strength expected x made = active carried, within half of the last decimal

    Args:
        plan: the record of the plan as plain data: what was rounded.
        inputs: what was ordered and what lies on the bench, as text.
        exact: the numbers before rounding, to which the plan was compared.
    """
    ordered, more = measured(inputs.ordered).value, ONE + number(inputs.overage)
    doses = _counted(measured(inputs.strength).value * ordered * more, inputs.substance)
    made = ordered * more if inputs.overage_on == "batch" else ordered
    need, weigh = exact["source.exact"][1], of_kind(MASS, plan["source"]["weigh"])
    used, left = _mixtures(plan, need if inputs.method == "whole-tablets" else weigh, exact)
    if isinstance(inputs.source, PowderTexts):
        carried = doses / need
        left |= _moles(inputs.source, inputs.substance, need, doses)
    elif isinstance(inputs.source, TriturationTexts):
        carried = doses / need
        found = need * number(inputs.source.assay) * of_kind(SHARE, inputs.source.strength)
        left["active in the trituration by its assay, less the doses"] = (found - doses, ZERO)
    else:
        carried, tablets = _tablets(plan, inputs.source, inputs, need, doses)
        left |= tablets
    expected, half_step = measured(plan["expected"]["strength"]), of_kind(MASS, inputs.readability) / Ratio(2)
    if measured(inputs.ordered).kind == MASS:
        together = weigh + of_kind(MASS, plan["filler"]["weigh"])
        left["source and filler, less the trituration"] = (need + exact["filler.exact"][1] - made, ZERO)
        left["source and filler as weighed, less the trituration"] = (together - made, half_step + half_step)
        made = together
    first = exact["source.exact" if inputs.method == "whole-tablets" else "lines.source.exact"]
    left |= {
        "powder weighed, less the exact mass": (weigh - first[1], half_step),
        "active in the strength expected, less what the source carries": (
            _counted(expected.value * made, inputs.substance) - used * carried,
            _counted(made * expected.unit / Ratio(2 * 10**4), inputs.substance),
        ),
    }
    left |= _stocks(plan, inputs, made, half_step)
    if inputs.capsule:
        left |= _full_capsules(plan, inputs.capsule, made, need, exact)
    return [_problem(what, over) for what, (over, explained) in left.items() if explained < abs(over)]


def _counted(active: Ratio, substance: SubstanceTexts) -> Ratio:
    """Active as the form that is counted: the moles of the form that was ordered, weighed as the other."""
    if substance.ordered == substance.counted:
        return active
    ordered, counted = (formula_of(substance, name) for name in (substance.ordered, substance.counted))
    return active / mole(substance, ordered) * mole(substance, counted)


def _tablets(
    plan: Mapping[str, Any], source: TabletTexts, inputs: Inputs, need: Ratio, doses: Ratio
) -> tuple[Ratio, OpenEnds]:
    """Active in one mass of tablet powder; and that all tablets crushed are in the doses or left over."""
    crushed, weigh = Ratio(plan["source"]["tablets"]), of_kind(MASS, plan["source"]["weigh"])
    discarded, half_step = of_kind(MASS, plan["source"]["discarded"]), of_kind(MASS, inputs.readability) / Ratio(2)
    claim = of_kind(MASS, source.label_claim) * (number(source.content) if source.content else ONE)
    weights = tuple(of_kind(MASS, weight) for weight in source.weights)
    whole = crushed * total(weights) / Ratio(len(weights))
    carried = crushed * claim / whole
    left = {
        "active in the tablets, less the doses and what is left over": (
            crushed * claim - doses - (whole - need) * carried,
            ZERO,
        ),
        "powder weighed and discarded, less the whole tablets": (weigh + discarded - whole, half_step),
    }
    if whole < weigh and inputs.method != "whole-tablets":
        left["powder weighed, less all the tablets crushed"] = (weigh - whole, ZERO)
    return carried, left


def _moles(powder: PowderTexts, substance: SubstanceTexts, need: Ratio, doses: Ratio) -> OpenEnds:
    """What leaves the powder when it is dried, what is no active, and what is: counted in moles of active.

    A correction that is not the certificate's own counts for what it says it does.
    """
    if powder.correction == "always":
        dry, assay = need - need * taken_out(powder), number(powder.assay)
        active = dry * (ONE if powder.above_100 == "as-100" and not assay <= ONE else assay)
    else:
        active = need / factor(powder)
    if substance.forms:
        held = labelled(powder, substance) if powder.correction == "none" else assayed(powder, substance)
        active = active / mole(substance, held)
        doses = doses / mole(substance, formula_of(substance, substance.counted))
    return {"active in the powder, less the doses": (active - doses, ZERO)}


def _stocks(plan: Mapping[str, Any], inputs: Inputs, made: Ratio, half_step: Ratio) -> OpenEnds:
    """Of each stock of an ingredient: part and rest are all of it, and the part holds what the liquid needs."""
    left: OpenEnds = {}
    amounts = {material: amount for material, amount, _ in inputs.components}
    for each in plan["stocks"]:
        material = each["material"]
        whole, take, rest = (measured(each[name]).value for name in ("total", "take", "wasted"))
        left[f"stock of {material}: part and rest, less all of it"] = (take + rest - whole, ZERO)
        held = of_kind(MASS, each["weigh"]) * take
        left[f"{material} in the part of its stock, less what the liquid needs"] = (
            held / whole - of_kind(CONCENTRATION, amounts[material]) * made,
            half_step * take / whole,
        )
    return left


def _mixtures(plan: Mapping[str, Any], weigh: Ratio, exact: Numbers) -> tuple[Ratio, OpenEnds]:
    """The source that the last part carries; and that none of it is lost between the weighing and that part."""
    drug = weigh
    left: OpenEnds = {}
    thrown_away = ZERO
    for each in plan["aliquots"]:
        inside, whole, take, rest = (measured(each[name]).value for name in ("weigh", "total", "take", "wasted"))
        left[f"mixture {each['step']}: part and rest, less all of it"] = (take + rest - whole, ZERO)
        if each["diluent"] is not None:
            additions = total(tuple(of_kind(MASS, text) for text in each["geometric"]))
            left[f"mixture {each['step']}: what goes in, less all of it"] = (
                inside + of_kind(MASS, each["diluent"]) - whole,
                ZERO,
            )
            left[f"mixture {each['step']}: additions, less the diluent"] = (inside + additions - whole, ZERO)
        thrown_away = thrown_away + rest * drug / whole
        drug = exact[f"aliquots.{each['step']}.carries"][1]
    left["source weighed, less what is used and what is thrown away"] = (weigh - drug - thrown_away, ZERO)
    return drug, left


def _full_capsules(
    plan: Mapping[str, Any], capsule: CapsuleTexts, made: Ratio, powder: Ratio, exact: Numbers
) -> OpenEnds:
    """Every capsule is full, and what fills it is source, diluent and filler; counted as mass of filler."""
    if capsule.packing:
        packing = of_kind(MASS, capsule.packing)
    else:
        packing = measured(capsule.tapped_density or "").value * measured(capsule.shell_volume).value
    exchange = packing / of_kind(MASS, capsule.source_packing) if capsule.source_packing else ONE
    filler, fill = exact["filler.exact"][1], exact["capsule.fill"][1]
    if plan["aliquots"]:
        last = plan["aliquots"][-1]
        filler = filler + of_kind(MASS, last["take"]) - exact[f"aliquots.{last['step']}.carries"][1]
    return {
        "capsules filled by source and filler, less the capsules made": (
            powder * exchange + filler - made * packing,
            ZERO,
        ),
        "source and filler, less what fills the capsules": (powder + filler - fill * made, ZERO),
    }


def _problem(what: str, over: Ratio) -> Problem:
    text = f"The mass balance leaves {decimal(over / of_kind(MASS, '1 mg'))} mg open, expected 0: {what}"
    advice = "Do not make this batch; have a pharmacist work it by hand, and report the order"
    return Problem("plan.mass-balance", f"{text}. {advice}", what)
