"""A plan: every number that a batch relies on, as text, so that it can be read without us.

Quantities are written as `quantities.written` writes them; percentages are decimal text and become
numbers only in ``--json``. Nothing here decides anything.
"""

from __future__ import annotations

from msgspec import Struct

from compounding.quantities import quantity, told
from compounding.records.aliquot import Aliquot
from compounding.records.doubt import DoubtLine, Uniformity


class FormulaUsed(Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    version: str
    digest: str


class Active(Struct, frozen=True, forbid_unknown_fields=True):
    substance: str
    needed: str


class SourceUsed(Struct, frozen=True, forbid_unknown_fields=True):
    """What carries the active, and how much of it is weighed."""

    kind: str
    material: str
    lot: str | None
    exact: str
    weigh: str
    rounding_error_percent: str
    label_claim: str | None = None
    average_weight: str | None = None
    weighed_tablets: int | None = None
    tablets_exact: str | None = None
    tablets: int | None = None
    discarded: str | None = None
    content_percent: str | None = None
    certificate: tuple[tuple[str, str], ...] = ()


class FillerUsed(Struct, frozen=True, forbid_unknown_fields=True):
    """The filler; how it packs is known of capsules alone."""

    material: str
    lot: str | None
    packing: str | None
    origin: str | None
    per_capsule: str | None
    exact: str
    weigh: str
    rounding_error_percent: str


class CapsuleUsed(Struct, frozen=True, forbid_unknown_fields=True):
    size: str
    maker: str
    lot: str | None
    volume: str
    shell: str
    fill: str
    theoretical_weight: str
    source_share_percent: str
    packed_percent: str


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    """One ingredient to weigh or measure, with its target and the limits that a reading must meet."""

    line: str
    material: str
    lot: str | None
    measure: str
    exact: str
    target: str
    low: str
    high: str


class Dose(Struct, frozen=True, forbid_unknown_fields=True):
    """One dose of a liquid, and how it is drawn up with a device in stock: on a mark, or the nearest and the one beyond."""

    dose: str
    volume: str
    device: str | None
    on_mark: bool | None
    nearest: str | None
    error_percent: str | None
    other_mark: str | None = None
    other_error_percent: str | None = None


class Expected(Struct, frozen=True, forbid_unknown_fields=True):
    """What will be made if nothing is lost, how sure that is, and where the doubt comes from.

    ``strength`` counts the source as the correction counts it; ``certified_strength`` by its certificate, where the
    correction leaves some of a deficit out. Errors are relative to the strength ordered.
    """

    strength: str
    error_percent: str
    certified_strength: str | None = None
    certified_error_percent: str | None = None
    expanded_uncertainty_percent: str | None = None
    coverage_factor: int | None = None
    largest: str | None = None
    budget: tuple[DoubtLine, ...] = ()


class BeyondUseUsed(Struct, frozen=True, forbid_unknown_fields=True):
    date: str
    days: int
    storage: str
    limited_by: str
    rule: str
    source: str


class BalanceUsed(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    readability: str
    minimum_weight: str
    mode: str
    figures: str
    source: str | None


class ProcedureStep(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A step of the procedure; ``lines`` are those of the worksheet that are read before it is done."""

    number: int
    do: str
    working: str
    lines: tuple[str, ...] = ()


class Calculation(Struct, frozen=True, forbid_unknown_fields=True):
    number: int
    gives: str
    equation: str
    working: str
    result: str
    source: str | None


class Plan(Struct, frozen=True, forbid_unknown_fields=True):
    """One batch as it is meant to be made."""

    formula: FormulaUsed
    name: str
    form: str
    strength: str
    ordered_as: str
    count: int | None
    volume: str | None
    made: str
    prepared: str
    overage_percent: str
    overage_on: str
    active: Active
    source: SourceUsed
    filler: FillerUsed | None
    capsule: CapsuleUsed | None
    vehicle: str | None
    dose: Dose | None
    bottle: str | None
    method: str
    lines: tuple[Line, ...]
    aliquots: tuple[Aliquot, ...]
    expected: Expected
    beyond_use: BeyondUseUsed
    balance: BalanceUsed
    warnings: tuple[str, ...]
    steps: tuple[ProcedureStep, ...]
    calculation: tuple[Calculation, ...]
    uniformity: Uniformity | None = None
    mass: str | None = None
    # Stock solutions of ingredients that are too little to weigh; those of the source are ``aliquots``.
    stocks: tuple[Aliquot, ...] = ()

    @property
    def ordered(self) -> str:
        """What was ordered, such as ``100 capsules``, ``60 mL`` or ``10 g``."""
        return told(quantity(f"{self.count} capsules" if self.count else self.volume or self.mass or ""))

    @property
    def concentration(self) -> str | None:
        return self.strength if self.volume else None
