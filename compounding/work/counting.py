"""What a count finds, what is thrown away, what runs low or expires, and which lot should be used first."""

from __future__ import annotations

from fractions import Fraction

from compounding.problems import Problem
from compounding.quantities import quantity, told
from compounding.records.facts import LotAdjusted, LotDiscarded
from compounding.records.stock import Lot

# More of what a package says than this in it is taken for a slip: our choice, for packages hold a few tablets more at most.
OVERFILL = Fraction(11, 10)


def adjust(lot: Lot, now: str) -> tuple[LotAdjusted | None, list[Problem]]:
    """A count found another amount: not below zero, in the unit of the lot.

    A package may hold somewhat more than it says, so a count above what came in is recorded, with a doubt; one far above it
    is a slip, or another delivery, and refused.
    """
    counted, left = quantity(now), lot.left
    if counted.dimensionality != left.dimensionality:
        text = f"Lot {lot.id} is counted in such as {told(left)}, not {now}: write the amount so"
        return None, [Problem("lot.amount", text, lot.id)]
    came_in = quantity(lot.received.amount)
    if counted > came_in * OVERFILL:
        text = f"Lot {lot.id} came in as {lot.received.amount}; {now} is far more. Check number and unit; receive another delivery as a lot of its own"
        return None, [Problem("lot.more-than-received", text, lot.id)]
    if counted == left:
        return None, [Problem("lot.as-recorded", f"Lot {lot.id} holds {told(left)} by the record too", lot.id)]
    fact = LotAdjusted(lot=lot.id, was=told(left).replace(",", ""), counted=now)
    if counted > came_in:
        text = f"Lot {lot.id} came in as {lot.received.amount}, and {now} is more: look whether another lot stands with it. It is recorded"
        return fact, [Problem("lot.more-than-received", text, lot.id, stops=False)]
    return fact, []


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
