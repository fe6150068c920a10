"""What a certificate of analysis says. Every text is already written; an empty one is not printed."""

from __future__ import annotations

from compounding.frozen import dataclass
from compounding.records.worksheet import Notice, SignatureLine


@dataclass(frozen=True)
class ResultLine:
    """One result: the test, how it was done and where, its limit, what was found, the verdict, who recorded it and when."""

    trait: str
    method: str
    limit: str
    found: str
    verdict: str
    recorded: str


@dataclass(frozen=True)
class ValuesLine:
    """The single values behind a result, as they were read."""

    trait: str
    values: str


@dataclass(frozen=True)
class AttachmentLine:
    """A file that proves results, and the digest that its bytes must have."""

    name: str
    proves: str
    size: str
    digest: str


@dataclass(frozen=True)
class AnalysisText:
    """Every word of one certificate.

    Args:
        record: id of the batch, repeated on each page.
        pharmacy, address: who issues it.
        product, strength, strength_basis, quantity: what was made, and what the strength counts.
        prepared_on, released_on, beyond_use_date: ISO dates.
        storage, container: words.
        formula, formula_version, formula_digest: the master formulation record that set the limits.
        conclusion: what the results come to.
        results, values, notes, attachments, signatures: the tables.
        head: short code of the journal's head; this paper is the witness against a rewritten journal.
    """

    title: str
    record: str
    pharmacy: str
    address: str
    product: str
    strength: str
    strength_basis: str
    quantity: str
    prepared_on: str
    released_on: str
    beyond_use_date: str
    storage: str
    container: str
    formula: str
    formula_version: str
    formula_digest: str
    conclusion: Notice
    results: tuple[ResultLine, ...]
    head: str
    values: tuple[ValuesLine, ...] = ()
    notes: tuple[str, ...] = ()
    attachments: tuple[AttachmentLine, ...] = ()
    signatures: tuple[SignatureLine, ...] = ()
