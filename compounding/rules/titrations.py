"""Titrations that handouts and guides name, each as dated data with its source."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem
from compounding.quantities import Quantity, quantity
from compounding.rules.tables import in_force

# Whose step, interval and strengths are taken where none are given; whoever takes them says so.
USUAL: Final = "norland"


@dataclass(frozen=True)
class Schedule:
    """One named titration.

    Args:
        start, target, step: doses and raise [mass, of no material yet].
        every: how long each dose is taken [day].
        strengths: what its capsules hold [mass, of no material yet].
        between: from and to of what the source leaves open, by name: ``start``, ``target``, ``step``, ``every``,
            or ``reaching``, the days before the first at the target.
        chosen: what the source does not say and was chosen here, by the same names.
        caution: what a reader should know about it.
    """

    id: str
    says: str
    start: Quantity
    target: Quantity
    step: Quantity
    every: Quantity
    strengths: tuple[Quantity, ...]
    between: Mapping[str, tuple[Quantity, Quantity]]
    chosen: tuple[str, ...]
    caution: str | None
    source: str


def schedule_named(name: str, on: date) -> Schedule:
    """The titration of that name, as it stood on a day.

    Raises:
        NotUnderstood: no source names it; says which there are.
    """
    known = {row["id"]: row for row in in_force("titrations", on)}
    if name not in known:
        text = f"{name} is not a schedule here: write {', '.join(known)}, or give --start, --to, --step and --every"
        raise NotUnderstood(Problem("titration.schedule", text, "schedule"))
    row = known[name]
    return Schedule(
        row["id"],
        row["says"],
        quantity(row["start"]),
        quantity(row["target"]),
        quantity(row["step"]),
        quantity(row["every"]),
        tuple(quantity(each) for each in row["strengths"]),
        {key: (quantity(low), quantity(high)) for key, (low, high) in row.get("between", {}).items()},
        tuple(row.get("chosen", ())),
        row.get("caution"),
        row["source"],
    )
