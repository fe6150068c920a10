"""The labels of a batch as they stand: everything their facts add up to. It decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from compounding.frozen import dataclass
from compounding.records.facts import LabelPrinted, LabelScanned, PrintDone, PrintFailed, Recorded, StickerPrinted


@dataclass(frozen=True)
class Label:
    """One label that left the tool.

    Args:
        printed: the fact itself; ``entry`` is its place in the journal.
        replaced_by: id of the reprint that voids it.
        outcome: what became of it at the printer; None for a file, or while nobody knows.
        scanned: when it was read back.
    """

    entry: Recorded
    printed: LabelPrinted
    replaced_by: str | None = None
    outcome: Recorded | None = None
    scanned: Recorded | None = None

    @property
    def state(self) -> str:
        """``void``, ``not printed``, ``sent`` (nobody knows yet), or ``valid``."""
        if self.replaced_by:
            return "void"
        if self.outcome and isinstance(self.outcome.fact, PrintFailed):
            return "not printed"
        if self.printed.sent_to and not (self.outcome or self.scanned):
            return "sent"
        return "valid"

    @property
    def stands(self) -> bool:
        """True if a container may carry it."""
        return self.state in ("valid", "sent")


def labels_of(recorded: Iterable[Recorded]) -> dict[str, Label]:
    """The labels in some facts by id, oldest first.

    Args:
        recorded: facts about a batch or about one label, oldest first.
    """
    labels: dict[str, Label] = {}
    for entry in sorted(recorded, key=lambda each: each.sequence):
        fact = entry.fact
        if isinstance(fact, LabelPrinted):
            labels[fact.label] = Label(entry, fact)
            if fact.replaces in labels:
                labels[fact.replaces] = replace(labels[fact.replaces], replaced_by=fact.label)
        elif isinstance(fact, PrintDone | PrintFailed) and fact.label in labels:
            labels[fact.label] = replace(labels[fact.label], outcome=entry)
            # A reprint that never came out of the printer voids nothing.
            if isinstance(fact, PrintFailed) and (before := labels[fact.label].printed.replaces) in labels:
                labels[before] = replace(labels[before], replaced_by=None)
        elif isinstance(fact, LabelScanned) and fact.label in labels:
            labels[fact.label] = replace(labels[fact.label], scanned=entry)
    return labels


@dataclass(frozen=True)
class Sticker:
    """One of the stickers that left together; they stay in the pharmacy, so nobody counts them.

    Args:
        outcome: what became of them at the printer; None for a file, or while nobody knows.
        scanned: when this one was read back.
    """

    id: str
    entry: Recorded
    printed: StickerPrinted
    outcome: Recorded | None = None
    scanned: Recorded | None = None

    @property
    def kind(self) -> str:
        """What it says: ``quarantine``, ``released``, ``bulk`` or ``sample``, in however many pieces."""
        return self.printed.template.partition("-")[0]

    @property
    def state(self) -> str:
        """``not printed``, ``sent`` (nobody knows yet), or ``valid``."""
        if self.outcome and isinstance(self.outcome.fact, PrintFailed):
            return "not printed"
        return "sent" if self.printed.sent_to and not (self.outcome or self.scanned) else "valid"


def stickers_of(recorded: Iterable[Recorded]) -> dict[str, Sticker]:
    """The stickers in some facts by id, oldest first; what became of one at the printer became of all of its print."""
    stickers: dict[str, Sticker] = {}
    for entry in sorted(recorded, key=lambda each: each.sequence):
        fact = entry.fact
        if isinstance(fact, StickerPrinted):
            stickers |= {id: Sticker(id, entry, fact) for id in fact.labels}
        elif isinstance(fact, PrintDone | PrintFailed) and fact.label in stickers:
            for id in stickers[fact.label].printed.labels:
                stickers[id] = replace(stickers[id], outcome=entry)
        elif isinstance(fact, LabelScanned) and fact.label in stickers:
            stickers[fact.label] = replace(stickers[fact.label], scanned=entry)
    return stickers
