"""A lot: everything its facts add up to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

from compounding.frozen import dataclass
from compounding.quantities import Quantity, count, quantity
from compounding.records.facts import (
    BatchOpened,
    LotAdjusted,
    LotCleared,
    LotDiscarded,
    LotMeasured,
    LotQuarantined,
    LotReceived,
    Packing,
    Recorded,
    Weighed,
    Yielded,
)


@dataclass(frozen=True)
class Lot:
    """One lot as it stands now.

    Args:
        received: the fact that brought it in.
        weights: the latest individual weights, as read.
        packing: the latest packing statistic for each size and maker.
        used: what batches took from it, by batch and line.
        adjusted, discarded: what counts changed and what was thrown away, each with its reason.
        opened: batches whose plans name it, whether they took anything or not.
        quarantined: why it may not be used, or None.
        last_seen: sequence of the latest entry about it.
    """

    received: LotReceived
    weights: tuple[str, ...]
    packing: tuple[Packing, ...]
    tapped_density: str | None
    bulk_density: str | None
    used: tuple[tuple[str, str, Quantity], ...]
    quarantined: str | None
    last_seen: int
    adjusted: tuple[tuple[Quantity, str], ...] = ()
    discarded: tuple[tuple[Quantity, str], ...] = ()
    opened: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.received.lot

    @property
    def expires(self) -> date:
        return date.fromisoformat(self.received.expires)

    @property
    def left(self) -> Quantity:
        """What was received less what was used and thrown away, as counts have corrected it, in the unit received."""
        left = quantity(self.received.amount)
        for _, _, taken in self.used:
            left = left - taken
        for change, _ in self.adjusted:
            left = left + change
        for thrown, _ in self.discarded:
            left = left - thrown
        return left

    def after(self, measured: LotMeasured) -> Lot:
        """The lot with what was measured anew in the place of what was known."""
        return replace(
            self,
            weights=measured.weights or self.weights,
            packing=(*self.packing, *measured.packing),
            tapped_density=measured.tapped_density or self.tapped_density,
            bulk_density=measured.bulk_density or self.bulk_density,
        )

    def packing_in(self, size: str, maker: str) -> Quantity | None:
        """The packing statistic for a size of a maker, if it was measured."""
        found = [each for each in self.packing if (each.size, each.maker) == (size, maker)]
        return quantity(found[-1].mass) if found else None

    @property
    def average_weight(self) -> Quantity | None:
        """Average of the individual weights [mass], exact."""
        return average_of(self.weights) if self.weights else None


def average_of(weights: Sequence[str]) -> Quantity:
    """Average of individual weights, as read [mass; at least one], exact."""
    read = [quantity(weight) for weight in weights]
    return sum(read[1:], read[0]) / len(read)


def lot_of(recorded: Iterable[Recorded]) -> Lot | None:
    """Add up the facts about one lot, oldest first; None if it was never received."""
    lot: Lot | None = None
    for entry in recorded:
        fact = entry.fact
        if isinstance(fact, LotReceived):
            lot = Lot(
                fact, fact.weights, fact.packing, fact.tapped_density, fact.bulk_density, (), None, entry.sequence
            )
        elif lot is not None:
            lot = replace(_after(lot, entry), last_seen=entry.sequence)
    return lot


def _after(lot: Lot, entry: Recorded) -> Lot:
    match entry.fact:
        case LotMeasured() as measured:
            return lot.after(measured)
        case LotAdjusted() as found:
            change = quantity(found.counted) - quantity(found.was)
            return replace(lot, adjusted=(*lot.adjusted, (change, entry.reason or "")))
        case LotDiscarded() as thrown:
            return replace(lot, discarded=(*lot.discarded, (quantity(thrown.amount), entry.reason or "")))
        case BatchOpened() as opened:
            return replace(lot, opened=(*lot.opened, opened.batch))
        case LotQuarantined():
            return replace(lot, quarantined=entry.reason or "no reason given")
        case LotCleared():
            return replace(lot, quarantined=None)
        case Weighed() as weighed if weighed.lot == lot.id:
            if lot.received.role == "tablet":
                return _taken(lot, weighed.batch, weighed.line, count(weighed.tablets or 0, "tablet"))
            return _taken(lot, weighed.batch, weighed.line, quantity(weighed.reading))
        case Yielded() as yielded if lot.received.role == "shell":
            return _taken(lot, yielded.batch, "shells", count(yielded.shells_used or 0, "capsule"))
    return lot


def _taken(lot: Lot, batch: str, line: str, taken: Quantity) -> Lot:
    """A later reading of the same line replaces the earlier one: one portion went into the batch.

    Tablets once crushed do not come back, so of two readings the larger number of tablets stays.
    """
    earlier = [each for each in lot.used if (each[0], each[1]) == (batch, line)]
    if lot.received.role == "tablet" and earlier:
        taken = max(taken, earlier[0][2], key=lambda each: Fraction(each.magnitude))
    kept = tuple(each for each in lot.used if (each[0], each[1]) != (batch, line))
    return replace(lot, used=(*kept, (batch, line, taken)))
