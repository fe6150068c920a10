"""Lots: what is wrong with one as it comes in, whether it may be used, and which one to take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from typing import Final

from compounding.problems import Problem
from compounding.quantities import Quantity, amount, material, quantity, ratio, told
from compounding.records.facts import LotMeasured, LotReceived
from compounding.records.stock import Lot

# Names that look and sound alike; a mix-up puts a patient into withdrawal or leaves one without rescue.
LOOK_ALIKES: Final = {"naltrexone": ("naloxone", "nalmefene", "methylnaltrexone")}

# Tablets of one lot further apart than this hold a slip of the pen, a broken tablet or another product.
FURTHEST_APART: Final = Fraction(3, 2)

_RECEIVED_AS: Final = {
    "tablet": ("tablet",),
    "powder": ("mg",),
    "shell": ("capsule",),
    "filler": ("mg",),
    "ingredient": ("mg", "mL"),
}


def check_received(fact: LotReceived) -> list[Problem]:
    """What is wrong with a lot as it comes in; nothing is recorded while there is anything.

    Raises:
        NotUnderstood: the material's name cannot be matched with those of the formulas.
    """
    material(fact.material)
    problems = _check_amount(fact)
    for alikes in LOOK_ALIKES.values():
        if any(alike in fact.material for alike in alikes):
            text = (
                f"Lot {fact.lot}: {fact.material} is a look-alike of naltrexone. Read the container again; set it aside"
            )
            problems.append(Problem("material.look-alike", text, fact.material, source="naltrexone-label"))
    if fact.role == "tablet":
        problems += _check_tablets(fact)
    if fact.role == "powder" and fact.certificate is None:
        text = f"Lot {fact.lot}: no certificate, no compounding; give --form, --assay, --assay-basis and what it leaves out"
        problems.append(Problem("powder.certificate", text, fact.lot, source="usp-795"))
    if fact.role == "shell" and not (fact.size and fact.maker):
        text = f"Lot {fact.lot}: shells need their size and their maker, because sizes differ between makers"
        problems.append(Problem("lot.shell", text, fact.lot))
    weights = () if fact.role == "tablet" else fact.weights
    measured = LotMeasured(lot=fact.lot, weights=weights, packing=fact.packing, tapped_density=fact.tapped_density)
    problems += check_measured(measured)
    if fact.expires < fact.received:
        problems.append(
            Problem("lot.expired", f"Lot {fact.lot} expired on {fact.expires}: do not take it in", fact.lot)
        )
    return problems


def check_measured(fact: LotMeasured) -> list[Problem]:
    """What is wrong with single weights, a packing statistic or a density."""
    problems = [
        Problem(
            "lot.weights",
            f"Lot {fact.lot}: a weight of {weight} is not a mass above zero; write such as 302.4 mg",
            weight,
        )
        for weight in fact.weights
        if not _is_a(weight, "1 mg")
    ]
    for packing in fact.packing:
        if not _is_a(packing.mass, "1 mg"):
            text = f"Lot {fact.lot}: a packing of {packing.mass} is not the mass that fills one capsule; write such as 135 mg"
            problems.append(Problem("lot.packing", text, fact.lot))
    if fact.tapped_density and not (
        _is_a(fact.tapped_density, "1 g/mL") and quantity(fact.tapped_density) <= quantity("2 g/mL")
    ):
        text = f"Lot {fact.lot}: {fact.tapped_density} is not a powder's tapped density; write such as 0.45 g/mL"
        problems.append(Problem("lot.density", text, fact.lot, source="hpe-densities"))
    return problems


def _is_a(text: str, example: str) -> bool:
    value = quantity(text)
    return bool(value.dimensionality == quantity(example).dimensionality and value.magnitude > 0)


def _check_amount(fact: LotReceived) -> list[Problem]:
    units = _RECEIVED_AS[fact.role]
    fits = any(_is_a(fact.amount, f"1 {unit}") for unit in units)
    whole = fact.role in ("powder", "filler", "ingredient") or (
        fits and amount(quantity(fact.amount), units[0]).denominator == 1
    )
    if fits and whole:
        return []
    expected = {
        "tablet": "30 tablets",
        "powder": "25 g",
        "shell": "1000 capsules",
        "filler": "500 g",
        "ingredient": "500 g or 500 mL",
    }
    text = f"Lot {fact.lot}: {fact.amount} was received; a {fact.role} needs an amount such as {expected[fact.role]}"
    return [Problem("lot.amount", text, fact.lot)]


def _check_tablets(fact: LotReceived) -> list[Problem]:
    if not fact.label_claim or not _is_a(fact.label_claim, "1 mg"):
        return [
            Problem("lot.label-claim", f"Lot {fact.lot}: tablets need the claim of one tablet, such as 50 mg", fact.lot)
        ]
    if not fact.weights or not all(_is_a(weight, "1 mg") for weight in fact.weights):
        text = f"Lot {fact.lot}: tablets need their own weights, one by one, such as 302.4 mg; weigh 10 or more in hand"
        return [Problem("lot.weights", text, fact.lot)]
    return check_tablet_weights(fact.lot, fact.label_claim, fact.weights)


def check_tablet_weights(lot: str, label_claim: str, weights: Sequence[str]) -> list[Problem]:
    """Tablets weigh more than the active that they claim, and much the same as each other."""
    lightest, heaviest = min(weights, key=quantity), max(weights, key=quantity)
    if quantity(lightest) <= quantity(label_claim):
        text = (
            f"Lot {lot}: a tablet of {lightest} cannot hold {label_claim} of active. "
            "Check the unit and the decimal point of the weights, then record them again"
        )
        return [Problem("tablet.lighter-than-claim", text, lot)]
    if ratio(quantity(heaviest), quantity(lightest)) > FURTHEST_APART:
        text = (
            f"Lot {lot}: tablets of one lot read from {lightest} to {heaviest}. "
            "Look for a slip of the pen, a broken tablet or another product, then record them again"
        )
        return [Problem("tablet.weights-apart", text, lot)]
    return []


def check_lot(lot: Lot | None, id: str, on: date) -> list[Problem]:
    """Why a lot may not be used: unknown, expired or in quarantine."""
    if lot is None:
        return [Problem("lot.unknown", f"Lot {id} was never received here: check the id, or receive it first", id)]
    problems = []
    if lot.quarantined:
        problems.append(
            Problem("lot.quarantined", f"Lot {id} is in quarantine ({lot.quarantined}): take another lot", id)
        )
    if lot.expires < on:
        problems.append(Problem("lot.expired", f"Lot {id} expired on {lot.expires}: take another lot", id))
    return problems


def check_left(lot: Lot, batch: str, line: str, needed: Quantity) -> list[Problem]:
    """Whether a lot holds what a line of a batch takes; what the same line took before, it gives back."""
    left = lot.left
    for taker, taken_by, taken in lot.used:
        if (taker, taken_by) == (batch, line):
            left = left + taken
    if needed <= left:
        return []
    text = f"Lot {lot.id} holds {told(left)}, less than {told(needed)}. Check the number and the lot"
    return [Problem("lot.too-little", text, lot.id)]


def first_to_expire(lots: Iterable[Lot], on: date) -> Lot | None:
    """The usable lot that expires first and still holds something."""
    usable = [lot for lot in lots if not check_lot(lot, lot.id, on) and lot.left.magnitude > 0]
    return min(usable, key=lambda lot: (lot.expires, lot.id), default=None)


def left_of(lots: Iterable[Lot]) -> dict[str, Quantity]:
    """What each lot still holds, by its id."""
    return {lot.id: lot.left for lot in lots}
