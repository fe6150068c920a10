"""A plan: every number that a batch relies on, as text, so that it can be read without us.

Quantities are written as `quantities.written` writes them; percentages are decimal text and become
numbers only in ``--json``. Nothing here decides anything.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import Any


@dataclass(frozen=True)
class FormulaUsed:
    id: str
    version: str
    digest: str


@dataclass(frozen=True)
class Active:
    substance: str
    needed: str


@dataclass(frozen=True)
class SourceUsed:
    """What carries the active, and how much of it is weighed."""

    kind: str
    material: str
    lot: str | None
    label_claim: str
    average_weight: str
    weighed_tablets: int | None
    exact: str
    weigh: str
    tablets_exact: str
    tablets: int
    discarded: str
    rounding_error_percent: str


@dataclass(frozen=True)
class FillerUsed:
    material: str
    lot: str | None
    packing: str
    origin: str
    per_capsule: str
    exact: str
    weigh: str
    rounding_error_percent: str


@dataclass(frozen=True)
class CapsuleUsed:
    size: str
    maker: str
    lot: str | None
    volume: str
    shell: str
    fill: str
    theoretical_weight: str
    source_share_percent: str
    packed_percent: str


@dataclass(frozen=True)
class Line:
    """One ingredient to weigh or measure, with its target and the limits that a reading must meet."""

    line: str
    material: str
    lot: str | None
    measure: str
    exact: str
    target: str
    low: str
    high: str


@dataclass(frozen=True)
class Dose:
    dose: str
    volume: str


@dataclass(frozen=True)
class Expected:
    strength: str
    error_percent: str


@dataclass(frozen=True)
class BeyondUseUsed:
    date: str
    days: int
    storage: str
    limited_by: str
    rule: str
    source: str


@dataclass(frozen=True)
class BalanceUsed:
    name: str
    readability: str
    minimum_weight: str


@dataclass(frozen=True)
class ProcedureStep:
    number: int
    do: str
    working: str


@dataclass(frozen=True)
class Calculation:
    number: int
    gives: str
    equation: str
    working: str
    result: str
    source: str | None


@dataclass(frozen=True)
class Plan:
    """One batch as it is meant to be made."""

    formula: FormulaUsed
    name: str
    form: str
    strength: str
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
    lines: tuple[Line, ...]
    aliquots: tuple[str, ...]
    expected: Expected
    beyond_use: BeyondUseUsed
    balance: BalanceUsed
    warnings: tuple[str, ...]
    steps: tuple[ProcedureStep, ...]
    calculation: tuple[Calculation, ...]

    @property
    def concentration(self) -> str | None:
        return self.strength if self.volume else None


def as_data(record: Any) -> Any:
    """A record as plain dictionaries, lists and text, ready for canonical JSON."""
    if is_dataclass(record):
        return {field.name: as_data(getattr(record, field.name)) for field in fields(record)}
    return [as_data(each) for each in record] if isinstance(record, tuple | list) else record
