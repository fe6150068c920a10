"""One door to planning: the form of the formula says which plan is made, and a second path must agree with it."""

from __future__ import annotations

from compounding.problems import Problem, stopping
from compounding.records.formula import Formula
from compounding.records.plan import Plan
from compounding.work.capsules import plan_capsules
from compounding.work.liquids import plan_liquid
from compounding.work.materials import Materials, Order
from compounding.work.twice import differing


def plan(formula: Formula, digest: str, order: Order, materials: Materials) -> tuple[Plan | None, list[Problem]]:
    """Plan one batch, and work it out a second time in another way.

    Returns:
        The plan, or None if it must be refused, and every problem seen.
    """
    planned = {"capsule": plan_capsules, "oral liquid": plan_liquid}[formula.dosage_form]
    made, problems = planned(formula, digest, order, materials)
    if made is not None:
        problems = problems + differing(made, formula, order, materials)
    return (None if stopping(problems) else made), problems
