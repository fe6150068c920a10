"""What the papers of a recall say. Every text is already written; an empty one is not printed."""

from __future__ import annotations

from compounding.frozen import dataclass


@dataclass(frozen=True)
class HeldLine:
    """Something to set aside: a lot or a batch, what it is, how much."""

    what: str
    name: str
    amount: str


@dataclass(frozen=True)
class CallLine:
    """A container to call back: whose, who prescribed it, under which prescription and label, what it holds, where it is."""

    patient: str
    prescriber: str
    prescription: str
    label: str
    batch: str
    quantity: str
    where: str


@dataclass(frozen=True)
class LetterText:
    """One letter to a patient.

    Args:
        to: lines of the address, the name first.
        greeting, body, closing: paragraphs.
        containers: label, product, batch and quantity of each container.
    """

    to: tuple[str, ...]
    greeting: str
    body: tuple[str, ...]
    closing: tuple[str, ...]
    containers: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True)
class RecallText:
    """Every word of the papers of one recall.

    Args:
        title: ``Recall``.
        record: the lot or batch that is called back, repeated on each page.
        what: what that is.
        pharmacy, address, phone: who calls it back.
        reason, on, by: why, the day and the person; empty where nothing is recorded yet.
        severity: the class of the recall and what it means.
        batches: the batches of the recall, with their states.
        held, calls: the tables.
        letters: one for each patient whose name is known.
        head: short code of the journal's head.
    """

    title: str
    record: str
    what: str
    pharmacy: str
    address: str
    phone: str
    reason: str
    on: str
    by: str
    severity: str
    batches: tuple[tuple[str, str, str], ...]
    held: tuple[HeldLine, ...]
    calls: tuple[CallLine, ...]
    letters: tuple[LetterText, ...]
    head: str
