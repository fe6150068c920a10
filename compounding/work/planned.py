"""One door to planning: the form of the formula says which plan is made."""

from __future__ import annotations

from compounding.problems import Problem
from compounding.records.formula import Formula
from compounding.records.plan import Plan
from compounding.work.capsules import plan_capsules
from compounding.work.liquids import plan_liquid
from compounding.work.materials import Materials, Order


def plan(formula: Formula, digest: str, order: Order, materials: Materials) -> tuple[Plan | None, list[Problem]]:
    """Plan one batch.

    Returns:
        The plan, or None if it must be refused, and every problem seen.
    """
    planned = {"capsule": plan_capsules, "oral liquid": plan_liquid}[formula.dosage_form]
    return planned(formula, digest, order, materials)
