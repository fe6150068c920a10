"""How sure a plan is: the budget of its uncertainty and its chances, as text, percentages to two decimals."""

from __future__ import annotations

from msgspec import Struct


class DoubtLine(Struct, frozen=True, forbid_unknown_fields=True):
    """One contribution: what varies, by how much of the dose, for the batch or each unit, and how that is known."""

    source: str
    relative_percent: str
    kind: str
    origin: str
    basis: str


class Doubt(Struct, frozen=True, forbid_unknown_fields=True):
    """The expanded uncertainty of one dose, and where it comes from."""

    expanded_uncertainty_percent: str
    coverage_factor: int
    batch_percent: str
    unit_percent: str
    largest: str
    budget: tuple[DoubtLine, ...]


class Uniformity(Struct, frozen=True, forbid_unknown_fields=True):
    """Chances of the batch: content uniformity at least and at its first stage (units only), potency, both at least."""

    chance_to_pass_percent: str | None
    stage_1_percent: str | None
    potency_percent: str
    both_percent: str | None = None
