"""Which lot is used first, what expires, and what runs low."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem
from compounding.quantities import Quantity, count, quantity, told
from compounding.records.plan import Plan
from compounding.records.stock import Lot
from compounding.work.stocking import check_lot


def check_first_used(plan: Plan, lots: Sequence[Lot], on: date, reason: str | None) -> list[Problem]:
    """The lot that expires first is used first; whoever takes another one says why.

    Only lots of the same kind that hold enough for the whole batch are compared, so nobody is asked who has no choice.

    Args:
        plan: of the batch, with the lots that it takes.
        lots: all that are known.
        on: the day of preparation.
        reason: why another lot is taken, if it is.
    """
    if reason:
        return []
    shelf = {lot.id: lot for lot in lots}
    problems = []
    for id, needed in _needed(plan).items():
        taken = shelf[id]
        earlier = [
            lot
            for lot in lots
            if same_kind(lot, taken) and lot.expires < taken.expires and not check_lot(lot, lot.id, on)
        ]
        enough = [lot for lot in earlier if lot.left >= needed]
        if enough:
            first = min(enough, key=lambda lot: (lot.expires, lot.id))
            text = (
                f"Lot {id} expires on {taken.expires}; lot {first.id} of the same material expires first, on "
                f"{first.expires}, and suffices. Take {first.id}, or say with --reason why {id} is taken"
            )
            problems.append(Problem("lot.not-first", text, id))
    return problems


def _needed(plan: Plan) -> dict[str, Quantity]:
    """What a plan takes from each of its lots."""
    needed: dict[str, Quantity] = {}
    for line in plan.lines:
        if line.lot:
            target = quantity(line.target)
            needed[line.lot] = needed[line.lot] + target if line.lot in needed else target
    if plan.source.lot and plan.source.tablets:
        needed[plan.source.lot] = count(plan.source.tablets, "tablet")
    if plan.capsule and plan.capsule.lot and plan.count:
        needed[plan.capsule.lot] = count(plan.count, "capsule")
    return needed


def same_kind(lot: Lot, other: Lot) -> bool:
    """Whether one lot can stand for another as it is: what they are, and how much active they claim."""
    return lot.id != other.id and _kind(lot) == _kind(other)


def _kind(lot: Lot) -> tuple[object, ...]:
    received = lot.received
    claim = quantity(received.label_claim) if received.label_claim else None
    form = received.certificate.form if received.certificate else None
    strength = quantity(received.made_here.strength) if received.made_here else None
    return (received.role, received.material, claim, form, strength, received.size, received.maker)


def expiring(lots: Iterable[Lot], on: date, days: int) -> list[Lot]:
    """Lots that hold something and expire within some days, or have expired; the first to expire first."""
    last = on + timedelta(days=days)
    return sorted(
        (lot for lot in lots if lot.left.magnitude > 0 and lot.expires <= last), key=lambda lot: (lot.expires, lot.id)
    )


@dataclass(frozen=True)
class Low:
    """A material that runs low.

    Args:
        left: what usable lots of it hold together.
        reorder: the amount below which it is ordered, by the settings.
        lots: those lots.
    """

    material: str
    left: Quantity
    reorder: Quantity
    lots: tuple[str, ...]


def running_low(lots: Iterable[Lot], reorder: Mapping[str, str], on: date) -> list[Low]:
    """Materials of which usable lots hold less than the settings name; lots that are expired or quarantined do not count.

    Args:
        reorder: by material, the amount below which it is ordered.

    Raises:
        NotUnderstood: a material is counted in another unit than its lots.
    """
    shelf = list(lots)
    low = []
    for material, text in reorder.items():
        least = quantity(text)
        usable = [lot for lot in shelf if lot.received.material == material and not check_lot(lot, lot.id, on)]
        left = 0 * least
        for lot in usable:
            if lot.left.dimensionality != least.dimensionality:
                says = f"{material} is ordered below {text}, and lot {lot.id} holds {told(lot.left)}: write [reorder] in that unit"
                raise NotUnderstood(Problem("reorder.unit", says, material))
            left = left + lot.left
        if left < least:
            low.append(Low(material, left, least, tuple(lot.id for lot in usable if lot.left.magnitude > 0)))
    return low
