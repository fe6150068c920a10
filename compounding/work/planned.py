"""One door to planning: the form of the formula says which plan is made, and a second path must agree with it."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction

from compounding.problems import Problem, stopping
from compounding.records.formula import Formula
from compounding.records.plan import Plan
from compounding.records.stock import Lot
from compounding.work.gathering import Choice, gather
from compounding.work.materials import Balance, Materials, Order
from compounding.work.twice import differing

# Where each form is planned; imported when it is, because a command lives for half a second.
_PLANNED = {
    "capsule": ("capsules", "plan_capsules"),
    "oral liquid": ("liquids", "plan_liquid"),
    "trituration": ("triturations", "plan_trituration"),
}

# A preparation further ahead than this is a slip of the year [days].
FURTHEST_AHEAD = 366

# A lot that nobody named is passed over for these; the next to expire is tried.
PASSED_OVER = frozenset({"lot.too-little", "lot.measure"})


def plan(formula: Formula, digest: str, order: Order, materials: Materials) -> tuple[Plan | None, list[Problem]]:
    """Plan one batch, and work it out a second time in another way.

    Returns:
        The plan, or None if it must be refused, and every problem seen.
    """
    module, name = _PLANNED[formula.dosage_form]
    planned = getattr(importlib.import_module(f"compounding.work.{module}"), name)
    made, problems = planned(formula, digest, order, materials)
    if made is not None:
        problems = problems + differing(made, formula, order, materials)
    return (None if stopping(problems) else made), problems


def check_day(made: Plan, lots: Iterable[Lot], today: date) -> list[Problem]:
    """Whether a batch can have been, or will be, prepared on the day that its plan says.

    A batch may be recorded some days late; not after its own beyond-use date, and not from lots that came in later.

    Args:
        made: the plan.
        lots: those on the shelf; the ones that the plan does not take say nothing.
        today: the day on which it is planned.
    """
    prepared, use_by = date.fromisoformat(made.prepared), date.fromisoformat(made.beyond_use.date)
    taken = {line.lot for line in made.lines} | {made.capsule.lot if made.capsule else None}
    problems = []
    if use_by < today:
        text = f"Prepared on {prepared}, it would have been used by {use_by}, which has passed: check the day of preparation"
        problems.append(Problem("date.passed", text, "prepared"))
    if (prepared - today).days > FURTHEST_AHEAD:
        text = f"The day of preparation, {prepared}, is more than a year ahead: check the year"
        problems.append(Problem("date.far", text, "prepared"))
    for lot in lots:
        if lot.id in taken and lot.received.received > made.prepared:
            text = (
                f"Lot {lot.id} came in on {lot.received.received}, after the day of preparation, {prepared}: check the day, "
                "or take the lot that was there"
            )
            problems.append(Problem("lot.received-later", text, lot.id))
    return problems


def plan_from_lots(
    formula: Formula,
    digest: str,
    order: Order,
    lots: Sequence[Lot],
    choice: Choice,
    balance: Balance,
    correction: str = "always",
    above_100: str = "refuse",
    fill_spread: Fraction | None = None,
) -> tuple[Plan | None, list[Problem]]:
    """Plan one batch from the lots on the shelf: those that were named, else the first to expire that suffices.

    Returns:
        The plan, or None if it must be refused, and every problem seen; of lots passed over, that they were.
    """
    named = {choice.source, choice.filler, choice.shells, *choice.others}
    shelf, passed = list(lots), list[Problem]()
    while True:
        materials, problems = gather(
            formula, shelf, choice, balance, order.prepared, correction, above_100, fill_spread
        )
        if materials is None:
            return None, passed + problems
        made, more = plan(formula, digest, order, materials)
        short = {each.where for each in more if each.code in PASSED_OVER} - named
        if made is not None or not short:
            return made, passed + problems + more
        remaining = [lot for lot in shelf if lot.id not in short]
        if gather(formula, remaining, choice, balance, order.prepared, correction, above_100)[0] is None:
            return None, passed + problems + more
        passed += [
            Problem(
                "lot.passed-over",
                f"Lot {id} expires first but does not suffice: the next lot is taken",
                id,
                stops=False,
            )
            for id in sorted(filter(None, short))
        ]
        shelf = remaining
