"""Lots: what is wrong with one as it comes in, whether it may be used, and which one to take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from typing import Final

from compounding.problems import NotUnderstood, Problem
from compounding.quantities import Mass, Quantity, amount, in_unit, material, quantity, ratio, told
from compounding.records.facts import LotMeasured, LotReceived
from compounding.records.formula import Formula
from compounding.records.stock import Lot, average_of
from compounding.rules.shells import check_volume, check_weight, shell_of
from compounding.rules.substances import contradicts

# Names that look and sound alike; a mix-up puts a patient into withdrawal or leaves one without rescue.
LOOK_ALIKES: Final = {"naltrexone": ("naloxone", "nalmefene", "methylnaltrexone")}

# Tablets of one lot further apart than this hold a slip of the pen, a broken tablet or another product.
FURTHEST_APART: Final = Fraction(3, 2)

# No tablet that is swallowed weighs more; ten of them on the pan together do.
HEAVIEST_TABLET: Final = quantity("2 g")

# The monograph's assay grinds 20 tablets and works with their average; a batch for one patient crushes four. Of ten
# tablets whose weights scatter by 3 %, the average is known to 1 % (usp29-tablets; ten is our own judgement).
TABLETS_WEIGHED: Final = 10

# The average of a lot is that of its tablets: weighed again, it moves by a few percent at most. Further means another
# unit, another balance's reading or another product.
AVERAGE_MOVES: Final = Fraction(1, 10)

# No powder that fills capsules is denser when tapped (hpe-densities).
DENSEST_POWDER: Final = quantity("2 g/mL")

_RECEIVED_AS: Final = {
    "tablet": ("tablet",),
    "powder": ("mg",),
    "shell": ("capsule",),
    "filler": ("mg",),
    "ingredient": ("mg", "mL"),
    "trituration": ("mg",),
}


def check_received(fact: LotReceived, today: date) -> list[Problem]:
    """What is wrong with a lot as it comes in; nothing is recorded while there is anything.

    Shells are judged by what their makers stated on the day of receipt.

    Args:
        fact: the lot.
        today: the day of the entry.

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
    problems += check_form(fact, date.fromisoformat(fact.received))
    if fact.role == "trituration" and fact.made_here is None:
        text = (
            f"Lot {fact.lot}: a trituration comes from a batch made here; give --from-batch. A bought one is a powder "
            "with its certificate"
        )
        problems.append(Problem("trituration.batch", text, fact.lot))
    if fact.role == "shell" and not (fact.size and fact.maker):
        text = f"Lot {fact.lot}: shells need their size and their maker, because sizes differ between makers"
        problems.append(Problem("lot.shell", text, fact.lot))
    if fact.role == "shell" and fact.volume:
        problems += _check_shell_volume(fact)
    weights = () if fact.role == "tablet" else fact.weights
    measured = LotMeasured(
        lot=fact.lot,
        weights=weights,
        packing=fact.packing,
        tapped_density=fact.tapped_density,
        bulk_density=fact.bulk_density,
    )
    problems += check_measured(measured, date.fromisoformat(fact.received))
    if fact.role == "shell" and not problems:
        problems += check_shells(fact, fact.weights, date.fromisoformat(fact.received))
    if fact.received > today.isoformat():
        text = f"Lot {fact.lot}: {fact.received} has not come yet; today is {today}. Give the day on which it came in"
        problems.append(Problem("lot.in-future", text, fact.lot))
    if fact.expires < fact.received:
        problems.append(
            Problem("lot.expired", f"Lot {fact.lot} expired on {fact.expires}: do not take it in", fact.lot)
        )
    return problems


def check_form(received: LotReceived, on: date) -> list[Problem]:
    """A powder is of one form: its name and its certificate must not say two.

    Base for hydrochloride, or the other way round, moves every dose by a tenth.
    """
    certificate = received.certificate
    if certificate is None:
        return []
    try:
        named = contradicts(received.material, certificate.form, on)
    except NotUnderstood as refusal:
        return list(refusal.problems)
    if named is None:
        return []
    text = (
        f"Lot {received.lot} is called {named.name}, and its certificate is for {certificate.form}: one of the two is "
        "wrong. Read container and certificate again, and give the --material and --form that both say"
    )
    return [Problem("powder.form-contradicts", text, received.lot)]


def _check_shell_volume(fact: LotReceived) -> list[Problem]:
    if not _is_a(fact.volume or "", "1 mL"):
        text = f"Lot {fact.lot}: {fact.volume} is not the volume of a shell; write such as 0.30 mL"
        return [Problem("lot.shell", text, fact.lot)]
    return check_volume(fact.size or "", quantity(fact.volume or ""), date.fromisoformat(fact.received))


def check_shells(lot: LotReceived, weights: Sequence[str], on: date) -> list[Problem]:
    """Empty shells that were weighed one by one: their mean is that of their maker and size."""
    if not weights:
        return []
    return check_weight(f"Lot {lot.lot}", lot.maker or "", lot.size or "", average_of(weights), on)


def check_measured(fact: LotMeasured, on: date) -> list[Problem]:
    """What is wrong with single weights, a packing statistic or a density, measured on a day."""
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
        elif volume := _volume_stated(packing.maker, packing.size, on):
            problems += check_packing(f"Lot {fact.lot}", quantity(packing.mass), volume)
    return problems + check_densities(f"Lot {fact.lot}", fact.bulk_density, fact.tapped_density)


def check_densities(whose: str, bulk: str | None, tapped: str | None) -> list[Problem]:
    """Densities that a powder can have; tapping settles it, so the tapped one is never the lower.

    Source:
        hpe-densities
    """
    problems = []
    for kind, text in (("bulk", bulk), ("tapped", tapped)):
        if text and not (_is_a(text, "1 g/mL") and quantity(text) <= DENSEST_POWDER):
            says = f"{whose}: {text} is not a powder's {kind} density; write such as 0.45 g/mL"
            problems.append(Problem("lot.density", says, whose, source="hpe-densities"))
    if not problems and bulk and tapped and quantity(tapped) < quantity(bulk):
        says = (
            f"{whose}: the tapped density, {tapped}, is below the bulk density, {bulk}: a powder settles when it is "
            "tapped. Check whether the two were exchanged"
        )
        problems.append(Problem("lot.tapped-below-bulk", says, whose, source="hpe-densities"))
    return problems


def check_packing(whose: str, packing: Quantity, volume: Quantity) -> list[Problem]:
    """What fills a capsule must have a density that a powder can have.

    Args:
        whose: what is filled in, to begin the sentence with, such as ``Lot MCC-1``.
        packing: what fills one capsule [mass].
        volume: of the body of its shell [volume; above 0].

    Source:
        hpe-densities
    """
    if packing <= DENSEST_POWDER * volume:
        return []
    density = told(in_unit(packing / volume, "g/mL"), 1)
    text = (
        f"{whose}: {told(packing)} in a shell of {told(volume)} would be {density}; no powder is denser than "
        f"{told(DENSEST_POWDER)}. Check the unit, the decimal point and the size"
    )
    return [Problem("lot.packing", text, whose, source="hpe-densities")]


def _volume_stated(maker: str, size: str, on: date) -> Quantity | None:
    """The volume of a shell by its maker; None for one that the table does not know: a plan judges by its lot's own."""
    try:
        return shell_of(maker, size, on).volume
    except NotUnderstood:
        return None


def _is_a(text: str, example: str) -> bool:
    value = quantity(text)
    return bool(value.dimensionality == quantity(example).dimensionality and value.magnitude > 0)


def _check_amount(fact: LotReceived) -> list[Problem]:
    units = _RECEIVED_AS[fact.role]
    fits = any(_is_a(fact.amount, f"1 {unit}") for unit in units)
    whole = fact.role in ("powder", "filler", "ingredient", "trituration") or (
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
        "trituration": "9.8 g",
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
    whose = f"Lot {fact.lot}"
    return check_enough_weights(whose, fact.weights) + check_tablet_weights(whose, fact.label_claim, fact.weights)


def check_enough_weights(whose: str, weights: Sequence[str]) -> list[Problem]:
    """Too few single weights do not tell a lot's average."""
    if len(weights) >= TABLETS_WEIGHED:
        return []
    given = f"{len(weights)} single weights were" if len(weights) != 1 else "1 single weight was"
    text = f"{whose}: {given} given; weigh {TABLETS_WEIGHED} tablets or more, one by one, because a few mislead"
    return [Problem("tablet.too-few-weights", text, whose, source="usp29-tablets")]


def check_tablets_again(lot: Lot, weights: Sequence[str]) -> list[Problem]:
    """What is wrong with a lot's tablets weighed again: all that can be wrong at receipt, or another average."""
    whose = f"Lot {lot.id}"
    problems = check_enough_weights(whose, weights)
    problems += check_tablet_weights(whose, lot.received.label_claim or "", weights)
    known = lot.average_weight
    if problems or known is None:
        return problems
    now = average_of(weights)
    if abs(ratio(now, known) - 1) > AVERAGE_MOVES:
        text = (
            f"{whose}: the tablets average {told(now, 1)} now and {told(known, 1)} before, more than 10 % apart. Check "
            "unit, balance and product; if the earlier weights are wrong, quarantine the lot and receive it anew"
        )
        problems.append(Problem("tablet.average-moved", text, lot.id))
    return problems


def check_tablet_weights(whose: str, label_claim: str, weights: Sequence[str]) -> list[Problem]:
    """Tablets weigh more than the active that they claim, and much the same as each other.

    Args:
        whose: what was weighed, to begin the sentence with, such as ``Lot TAB-1`` or the name of a file.
        label_claim: active in one tablet [mass].
        weights: single weights [mass, above 0; at least one].
    """
    lightest, heaviest = min(weights, key=quantity), max(weights, key=quantity)
    if quantity(lightest) <= quantity(label_claim):
        text = (
            f"{whose}: a tablet of {lightest} cannot hold {label_claim} of active. "
            "Check the unit and the decimal point of the weights, then record them again"
        )
        return [Problem("tablet.lighter-than-claim", text, whose)]
    if problems := check_heaviest(whose, quantity(heaviest)):
        return problems
    if ratio(quantity(heaviest), quantity(lightest)) > FURTHEST_APART:
        text = (
            f"{whose}: tablets of one lot read from {lightest} to {heaviest}. "
            "Look for a slip of the pen, a broken tablet or another product, then record them again"
        )
        return [Problem("tablet.weights-apart", text, whose)]
    return []


def check_heaviest(whose: str, weight: Mass) -> list[Problem]:
    """The weight of one tablet is that of one: several that were weighed together would be taken for it.

    Source:
        house-tablet-weight
    """
    if weight <= HEAVIEST_TABLET:
        return []
    text = (
        f"{whose}: one tablet of {told(weight)} is heavier than {told(HEAVIEST_TABLET)}, which none that is swallowed is. "
        "If several were weighed together, weigh them one by one; check the unit, too"
    )
    return [Problem("tablet.too-heavy", text, whose, source="house-tablet-weight")]


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


def check_source(formula: Formula, lot: Lot) -> list[Problem]:
    """Whether a lot of tablets or powder is what the formula takes its active from: by name, and tablets by claim."""
    received = lot.received
    if received.role == "tablet":
        known = {name: source.label_claim for source in formula.source for name in source.materials}
    else:
        known = dict.fromkeys(formula.powder.materials if formula.powder else (), "")
    if received.material not in known:
        text = (
            f"Lot {lot.id} is {received.material}; {formula.id} takes its active from {' or '.join(known) or 'tablets'}. "
            "Take another lot, or correct the name of this one by receiving it anew"
        )
        return [Problem("source.material", text, lot.id)]
    if problems := check_form(received, date.fromisoformat(received.received)):
        return problems
    claim = known[received.material]
    if claim and quantity(received.label_claim or "0 mg") != quantity(claim):
        text = (
            f"Lot {lot.id} claims {received.label_claim} a tablet; {formula.id} is written for tablets of {claim}. "
            "Take another lot"
        )
        return [Problem("source.label-claim", text, lot.id)]
    return []


def only_source(formula: Formula, lots: Iterable[Lot], on: date) -> Lot:
    """The one usable lot of tablets or powder that the formula can take its active from.

    Which of several is taken decides how sure a dose is: that choice is the pharmacist's.

    Raises:
        NotUnderstood: there is none, or there are several; says which.
    """
    sources = [lot for lot in lots if lot.received.role in ("tablet", "powder") and not check_source(formula, lot)]
    usable = [lot for lot in sources if not check_lot(lot, lot.id, on) and lot.left.magnitude > 0]
    if len(usable) == 1:
        return usable[0]
    if usable:
        names = ", ".join(lot.id for lot in usable)
        text = f"{names} could each carry the active: name one with --from, or compare them with compounding options"
        raise NotUnderstood(Problem("source.several", text, "from"))
    text = (
        f"No usable lot on the shelf is a source of {formula.id}: receive one with compounding lot receive, "
        "or describe the material with options such as --tablet-weight"
    )
    raise NotUnderstood(Problem("source.none", text, "from"))


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
