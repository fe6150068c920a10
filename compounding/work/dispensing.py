"""Containers that go out: what may be recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from compounding.problems import Problem
from compounding.quantities import quantity, told
from compounding.records.batch import Batch
from compounding.records.facts import Dispensed, LeafletWritten, Recorded, Yielded
from compounding.records.issued import labels_of
from compounding.work.tracing import used_by_tests


def dispense(
    batch: Batch, label: str, on: date, reason: str | None = None, leaflets: Sequence[Recorded] = ()
) -> tuple[Dispensed | None, list[Problem]]:
    """A labelled container goes out: of a released batch in date, under a label that stands, once.

    That no leaflet was written for its prescription is told: the patient may have one of an earlier container.

    Args:
        leaflets: what was recorded about the label's prescription, oldest first.
        reason: why there is more to go out than the tests can have left, if there is.

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
    if batch.state != "released" or batch.holds:
        state = f"held by {' and '.join(batch.holds)}" if batch.state == "released" else batch.state
        problems.append(Problem("dispense.not-released", f"Batch {batch.id} is {state}: it is not dispensed", batch.id))
    if batch.beyond_use_date < on:
        text = f"Batch {batch.id} was to be used by {batch.beyond_use_date}: it is not dispensed"
        problems.append(Problem("dispense.out-of-date", text, batch.id))
    if before := [each for each in batch.dispensed if isinstance(each.fact, Dispensed) and each.fact.label == label]:
        text = f"Label {label} was dispensed already, in entry {before[0].sequence}: one label is one container"
        problems.append(Problem("dispense.twice", text, label))
    fact = known.printed
    leaflet = max((each.sequence for each in leaflets if isinstance(each.fact, LeafletWritten)), default=None)
    made = Dispensed(
        batch=batch.id, label=label, prescription=fact.prescription, quantity=fact.quantity, leaflet=leaflet
    )
    if not problems and not reason:
        problems += _check_left(batch, made)
    if problems:
        return None, problems
    if leaflet is None:
        text = f"No leaflet was written for Rx {fact.prescription}: compounding leaflet {label} --out leaflet.pdf writes it"
        problems.append(Problem("dispense.no-leaflet", text, label, stops=False))
    return made, problems


def _check_left(batch: Batch, next_out: Dispensed) -> list[Problem]:
    """What goes out cannot be more than was made, less what the tests used up."""
    tests = used_by_tests(batch)
    if tests is None:
        return []
    yielded = batch.yielded[-1].fact
    assert isinstance(yielded, Yielded)
    left = quantity(yielded.made) - tests
    for each in batch.dispensed:
        if isinstance(each.fact, Dispensed):
            left = left - quantity(each.fact.quantity)
    if quantity(next_out.quantity) <= left:
        return []
    text = (
        f"Label {next_out.label} says {next_out.quantity}; of the {yielded.made} of batch {batch.id} the tests used up "
        f"{told(tests)}, and {told(left)} can be left. Look into the container: label what is in it anew, or say with "
        "--reason why the tests took less"
    )
    return [Problem("dispense.too-much", text, next_out.label)]
