"""Containers that go out, and batches that are called back: what may be recorded, and what binds a lot to a patient."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from compounding.problems import Problem
from compounding.quantities import Quantity, quantity, ratio, told
from compounding.records.batch import Batch
from compounding.records.facts import Dispensed, LotAdjusted, LotDiscarded, Recalled, Yielded
from compounding.records.issued import labels_of
from compounding.records.stock import Lot
from compounding.settings import Person


def dispense(batch: Batch, label: str, on: date) -> tuple[Dispensed | None, list[Problem]]:
    """A labelled container goes out: of a released batch in date, under a label that stands, once.

    Source:
        usp-795
    """
    problems = []
    known = labels_of(batch.labels + batch.printing + batch.scanned).get(label)
    if known is None:
        return None, [Problem("dispense.label", f"{label} is no label of batch {batch.id}: scan the label", label)]
    if not known.stands:
        problems.append(
            Problem("dispense.void", f"Label {label} is {known.state}: the container needs one that stands", label)
        )
    if batch.state != "released" or batch.under_investigation:
        state = "under investigation" if batch.under_investigation else batch.state
        problems.append(Problem("dispense.not-released", f"Batch {batch.id} is {state}: it is not dispensed", batch.id))
    if batch.beyond_use_date < on:
        text = f"Batch {batch.id} was to be used by {batch.beyond_use_date}: it is not dispensed"
        problems.append(Problem("dispense.out-of-date", text, batch.id))
    if before := [each for each in batch.dispensed if isinstance(each.fact, Dispensed) and each.fact.label == label]:
        text = f"Label {label} was dispensed already, in entry {before[0].sequence}: one label is one container"
        problems.append(Problem("dispense.twice", text, label))
    fact = known.printed
    made = Dispensed(batch=batch.id, label=label, prescription=fact.prescription, quantity=fact.quantity)
    return (None if problems else made), problems


def recall(batch: Batch, person: Person, because_of: str | None) -> tuple[Recalled | None, list[Problem]]:
    """A pharmacist calls a released batch back."""
    problems = []
    if batch.state != "released":
        text = f"Batch {batch.id} is {batch.state}: only a released batch is called back"
        problems.append(Problem("recall.not-released", text, batch.id))
    if "pharmacist" not in person.roles:
        text = f"{person.name} is {' and '.join(person.roles)}: a pharmacist must call a batch back"
        problems.append(Problem("person.role", text, person.name))
    return (None if problems else Recalled(batch=batch.id, because_of=because_of)), problems


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


@dataclass(frozen=True)
class Portion:
    """Some of a lot or a batch, and where it is.

    Args:
        what: such as ``used in batch``, ``thrown away``, ``left``.
        where: the batch, prescription or reason; empty for what is left.
        amount: how much.
    """

    what: str
    where: str
    amount: Quantity


def portions_of_lot(lot: Lot) -> tuple[Portion, ...]:
    """Where every milligram, tablet or shell of a lot is; the amounts add up to what came in, exactly.

    A count that found less is a portion that is missing; one that found more, a portion below zero.
    """
    used = [Portion("used in batch", batch, taken) for batch, _, taken in lot.used]
    thrown = [Portion("thrown away", reason, amount) for amount, reason in lot.discarded]
    counted = [Portion("missing by count", reason, 0 * change - change) for change, reason in lot.adjusted]
    return (*used, *thrown, *counted, Portion("left", "", lot.left))


def portions_of_batch(batch: Batch) -> tuple[Portion, ...]:
    """Where what was made is: in labelled containers, dispensed or not, and the rest, samples of the tests among it."""
    yielded = batch.yielded[-1].fact if batch.yielded else None
    if not isinstance(yielded, Yielded):
        return ()
    left = quantity(yielded.made)
    out = {each.fact.label for each in batch.dispensed if isinstance(each.fact, Dispensed)}
    portions = []
    for id, label in labels_of(batch.labels + batch.printing + batch.scanned).items():
        if label.stands or id in out:
            amount = quantity(label.printed.quantity)
            left = left - amount
            what = "dispensed" if id in out else "labelled"
            portions.append(Portion(what, f"Rx {label.printed.prescription}, label {id}", amount))
    return (*portions, Portion("kept, or used by tests", "", left))


def adds_up(portions: Iterable[Portion], whole: Quantity) -> bool:
    """Whether portions are the whole, exactly."""
    total = 0 * whole
    for each in portions:
        total = total + each.amount
    return not whole.magnitude or ratio(total, whole) == 1
