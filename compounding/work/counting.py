"""What a count finds, what is thrown away, what runs low or expires, and which lot should be used first."""

from __future__ import annotations

from compounding.problems import Problem
from compounding.quantities import quantity, told
from compounding.records.facts import LotAdjusted, LotDiscarded
from compounding.records.stock import Lot


def adjust(lot: Lot, now: str) -> tuple[LotAdjusted | None, list[Problem]]:
    """A count found another amount: not below zero, not above what came in, in the unit of the lot."""
    counted, left = quantity(now), lot.left
    if counted.dimensionality != left.dimensionality:
        text = f"Lot {lot.id} is counted in such as {told(left)}, not {now}: write the amount so"
        return None, [Problem("lot.amount", text, lot.id)]
    if counted > quantity(lot.received.amount):
        text = f"Lot {lot.id} came in as {lot.received.amount}; {now} is more. Receive what is more as a lot of its own"
        return None, [Problem("lot.more-than-received", text, lot.id)]
    if counted == left:
        return None, [Problem("lot.as-recorded", f"Lot {lot.id} holds {told(left)} by the record too", lot.id)]
    return LotAdjusted(lot=lot.id, was=told(left).replace(",", ""), counted=now), []


def discard(lot: Lot, amount: str | None) -> tuple[LotDiscarded | None, list[Problem]]:
    """Some of a lot is thrown away, or all that is left: never more than there is."""
    left = lot.left
    thrown = left if amount is None else quantity(amount)
    if thrown.dimensionality != left.dimensionality:
        text = f"Lot {lot.id} is counted in such as {told(left)}, not {amount}: write the amount so"
        return None, [Problem("lot.amount", text, lot.id)]
    if thrown > left or left.magnitude <= 0:
        text = f"Lot {lot.id} holds {told(left)}: no more can be thrown away. Check the number and the lot"
        return None, [Problem("lot.too-little", text, lot.id)]
    return LotDiscarded(lot=lot.id, amount=amount or told(left).replace(",", "")), []
