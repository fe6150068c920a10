"""What a worksheet says. With blanks it is filled in by hand; filled it is the compounding record.

Every text is already written: targets as told (``2.5 g``), readings as read (``2.500 g``). An empty
string is a blank for a pen; a filled one is printed.
"""

from __future__ import annotations

from typing import Final

from compounding.frozen import dataclass

# Printed where there is nothing to say, so that nobody takes it for a blank to fill in.
NOT_GIVEN: Final = "none"


@dataclass(frozen=True)
class ComponentLine:
    """One material of the batch.

    Args:
        material, lot, expiry: what is taken, from which lot, and when that lot expires (ISO).
        exact: the calculated amount, not rounded for a balance.
        weigh: the target on the balance.
        low, high: the readings that are accepted.
        weighed, by, at: the reading, the person and the time; blank until it is done.
    """

    material: str
    lot: str
    expiry: str
    exact: str
    weigh: str
    low: str
    high: str
    weighed: str = ""
    by: str = ""
    at: str = ""


@dataclass(frozen=True)
class OriginLine:
    """Where the lot of a material came from: who supplied it, that supplier's lot, the National Drug Code if any."""

    lot: str
    material: str
    supplier: str
    supplier_lot: str
    national_code: str = NOT_GIVEN


@dataclass(frozen=True)
class CalculationLine:
    """One numbered equation: ``do`` says what is worked out, ``working`` holds numbers and units."""

    number: int
    do: str
    working: str


@dataclass(frozen=True)
class StepLine:
    """One step of the procedure, who did it and when."""

    number: int
    do: str
    done_by: str = ""
    at: str = ""


@dataclass(frozen=True)
class CheckLine:
    """One trait of the preparation: what is expected, what was seen, and the verdict on it."""

    trait: str
    expected: str
    observed: str = ""
    verdict: str = ""
    person: str = ""
    at: str = ""


@dataclass(frozen=True)
class YieldLine:
    """One line of the yield and mass balance."""

    what: str
    expected: str = ""
    found: str = ""


@dataclass(frozen=True)
class SignatureLine:
    """One signature: what it stands for, the printed name and the time."""

    meaning: str
    name: str = ""
    at: str = ""


@dataclass(frozen=True)
class Notice:
    """A warning to the people at the bench: a heading for the tag and the text beside it."""

    heading: str
    text: str


@dataclass(frozen=True)
class WorksheetText:
    """Every word of one worksheet.

    Args:
        title: ``Worksheet`` or ``Compounding record``.
        record: id of the batch, repeated on each page.
        formula, formula_version, formula_digest: the master formulation record it follows.
        product, strength, quantity: what is made.
        prepared_on, beyond_use_date: ISO dates; ``beyond_use_reason`` says what limited the latter, and its source.
        storage, balance, container: words.
        description: the finished preparation as seen; blank until then.
        warnings, notes: what must be seen at once, and what the calculations assume.
        head: short code of the journal's head; this paper is the witness against a rewritten journal.
    """

    title: str
    record: str
    formula: str
    formula_version: str
    formula_digest: str
    product: str
    strength: str
    quantity: str
    prepared_on: str
    beyond_use_date: str
    beyond_use_reason: str
    storage: str
    balance: str
    head: str
    container: str = ""
    warnings: tuple[Notice, ...] = ()
    notes: tuple[str, ...] = ()
    components: tuple[ComponentLine, ...] = ()
    origins: tuple[OriginLine, ...] = ()
    calculations: tuple[CalculationLine, ...] = ()
    steps: tuple[StepLine, ...] = ()
    checks: tuple[CheckLine, ...] = ()
    yields: tuple[YieldLine, ...] = ()
    description: str = ""
    deviations: tuple[str, ...] = ()
    signatures: tuple[SignatureLine, ...] = ()
