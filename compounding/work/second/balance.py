"""The third witness: nothing is lost and nothing appears.

It weighs the numbers of a plan against the order by equations that neither calculation uses. Before rounding each
closes to exactly zero; after it, within half a step of the balance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compounding.problems import Problem
from compounding.work.second.ratio import ONE, ZERO, Ratio, decimal, total
from compounding.work.second.reading import MASS, measured, number, of_kind
from compounding.work.second.recompute import CapsuleTexts, Inputs

# What is left open, and how much of it rounding explains.
OpenEnds = dict[str, tuple[Ratio, Ratio]]


def mass_balance(plan: Mapping[str, Any], inputs: Inputs, exact: Mapping[str, tuple[str, Ratio]]) -> list[Problem]:
    """Every amount that does not balance, as problems ``plan.mass-balance`` that stop.

        tablets x claim = strength x ordered x (1 + overage) + left-over powder x claim / average
        source / its packing + filler / its packing = capsules made
        whole tablets = powder weighed + powder discarded, within half a step
        strength expected x made = active in the powder weighed, within half of the last decimal

    Args:
        plan: the record of the plan as plain data: what was rounded.
        inputs: what was ordered and what lies on the bench, as text.
        exact: the numbers before rounding, to which the plan was compared.
    """
    source, powder = plan["source"], exact["source.exact"][1]
    weigh, discarded = of_kind(MASS, source["weigh"]), of_kind(MASS, source["discarded"])
    half_step = of_kind(MASS, inputs.readability) / Ratio(2)

    claim = of_kind(MASS, inputs.source.label_claim)
    weights = tuple(of_kind(MASS, weight) for weight in inputs.source.weights)
    tablets = Ratio(source["tablets"])
    whole = tablets * total(weights) / Ratio(len(weights))
    carried = tablets * claim / whole

    ordered, more = measured(inputs.ordered).value, ONE + number(inputs.overage)
    doses = measured(inputs.strength).value * ordered * more
    made = ordered * more if inputs.overage_on == "batch" else ordered
    expected = measured(plan["expected"]["strength"])

    left: OpenEnds = {
        "active in the tablets, less the doses and what is left over": (
            tablets * claim - doses - (whole - powder) * carried,
            ZERO,
        ),
        "powder weighed and discarded, less the whole tablets": (weigh + discarded - whole, half_step),
        "powder weighed, less the exact mass": (weigh - powder, half_step),
        "active in the strength expected, less what the powder weighed carries": (
            expected.value * made - weigh * carried,
            made * expected.unit / Ratio(2 * 10**4),
        ),
    }
    if whole < weigh and inputs.method != "whole-tablets":
        left["powder weighed, less all the tablets crushed"] = (weigh - whole, ZERO)
    if inputs.capsule:
        left |= _full_capsules(inputs.capsule, made, powder, exact)
    return [_problem(what, over) for what, (over, explained) in left.items() if explained < abs(over)]


def _full_capsules(
    capsule: CapsuleTexts, made: Ratio, powder: Ratio, exact: Mapping[str, tuple[str, Ratio]]
) -> OpenEnds:
    """Every capsule is full, and what fills it is source and filler; counted as mass of filler."""
    if capsule.packing:
        packing = of_kind(MASS, capsule.packing)
    else:
        packing = measured(capsule.tapped_density or "").value * measured(capsule.shell_volume).value
    exchange = packing / of_kind(MASS, capsule.source_packing) if capsule.source_packing else ONE
    filler, fill = exact["filler.exact"][1], exact["capsule.fill"][1]
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
