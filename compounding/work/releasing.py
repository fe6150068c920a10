"""Verification by a second person, and the gate before release: every reason why not, all at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from compounding.problems import Problem
from compounding.records.batch import Batch
from compounding.records.facts import (
    DeviationAccepted,
    LabelPrinted,
    Recorded,
    Rejected,
    Released,
    Tested,
    Verified,
    Weighed,
    Yielded,
)
from compounding.records.stock import Lot
from compounding.settings import Person
from compounding.work.accounting import accounted
from compounding.work.confirming import check_signatures
from compounding.work.testing import waiting
from compounding.work.weighing import still_open

VERIFIED = "I compared this record with its formula, the materials and the preparation, and found them to agree."
RELEASED_TO_COMPOUND = "I reviewed the complete record; the preparation meets its formula and may be compounded with."
RELEASED = "I reviewed the complete record; the preparation meets its formula and may be dispensed."


def held_by(batch: Batch) -> list[Recorded]:
    """Facts outside their limits that nobody has settled: by weighing again, or by accepting the deviation."""
    settled = batch.accepted_entries
    current = [batch.reading_of(line.line) for line in batch.plan.lines]
    outside = [each for each in current if each and isinstance(each.fact, Weighed) and not each.fact.within]
    if batch.yielded and isinstance(last := batch.yielded[-1].fact, Yielded) and not last.within:
        outside.append(batch.yielded[-1])
    return [each for each in outside if each.sequence not in settled]


def accept_deviation(
    batch: Batch, entry: int, by: str, person: Person, reason: str | None
) -> tuple[DeviationAccepted | None, list[Problem]]:
    """A pharmacist other than its author lets a fact outside its limits stand, with a reason."""
    problems = still_open(batch)
    held = {each.sequence: each for each in held_by(batch)}
    if entry not in held:
        known = ", ".join(map(str, held)) or "none"
        problems.append(
            Problem(
                "deviation.unknown", f"Entry {entry} holds nothing in {batch.id}; open deviations: {known}", str(entry)
            )
        )
    elif held[entry].person == by:
        problems.append(
            Problem("deviation.own", f"Entry {entry} is {person.name}'s own: another person must accept it", by)
        )
    if "pharmacist" not in person.roles:
        problems.append(_needs_pharmacist(person, "accept a deviation"))
    if not reason:
        problems.append(Problem("deviation.reason", "Say why the deviation does no harm: give --reason", str(entry)))
    return (None if problems else DeviationAccepted(batch=batch.id, entry=entry)), problems


def _needs_pharmacist(person: Person, to: str) -> Problem:
    return Problem("person.role", f"{person.name} is {' and '.join(person.roles)}: a pharmacist must {to}", person.name)


def check_made(batch: Batch) -> list[Problem]:
    """Everything that is not made or not settled yet."""
    problems = []
    for line in batch.plan.lines:
        if batch.reading_of(line.line) is None:
            problems.append(
                Problem("batch.not-weighed", f"{line.material} is not weighed: weigh {line.target}", line.line)
            )
    left = [step.number for step in batch.plan.steps if step.number not in batch.steps_done]
    if left:
        problems.append(Problem("batch.steps", f"Steps not done: {', '.join(map(str, left))}", batch.id))
    if not batch.yielded:
        problems.append(Problem("batch.no-yield", "The yield is not recorded: count what was made", batch.id))
    for each in held_by(batch):
        text = f"Entry {each.sequence} {_held(each)} and not settled: record it again, or accept it with a reason"
        problems.append(Problem("batch.held", text, str(each.sequence)))
    return problems


def _held(entry: Recorded) -> str:
    """Why a fact holds its batch, in words that follow its number."""
    if isinstance(entry.fact, Yielded) and entry.fact.no_balance:
        return "(yield) has no mass balance"
    what = entry.fact.material if isinstance(entry.fact, Weighed) else "yield"
    return f"({what}) is outside its limits"


def verify_batch(batch: Batch, by: str, person: Person) -> tuple[Verified | None, list[Problem]]:
    """A pharmacist who did none of the work compares record, materials and preparation, results included.

    What is recorded after a verification asks for another one, so a verification before the results is told so.
    """
    problems = still_open(batch) + check_made(batch)
    if by in batch.makers:
        text = f"{person.name} took part in making {batch.id}: another person must verify it"
        problems.append(Problem("verify.own-work", text, by, source="usp-795"))
    if "pharmacist" not in person.roles:
        problems.append(_needs_pharmacist(person, "verify"))
    if problems:
        return None, problems
    return Verified(batch=batch.id, meaning=VERIFIED), _worth_knowing(batch, by, person)


def _worth_knowing(batch: Batch, by: str, person: Person) -> list[Problem]:
    """What weakens a verification: results that are still to come, and results of one's own."""
    problems = []
    done = {each.fact.trait for each in batch.standing if isinstance(each.fact, Tested)}
    missing = [test.trait for test in batch.formula.test if test.required and test.trait not in done]
    if missing:
        text = f"Not tested yet: {', '.join(missing)}. What is recorded from here on needs another verification"
        problems.append(Problem("verify.before-tests", text, batch.id, stops=False))
    own = [each.fact.trait for each in batch.standing if isinstance(each.fact, Tested) and each.person == by]
    if own:
        text = f"{person.name} recorded {', '.join(dict.fromkeys(own))} too: let another pharmacist verify where there is one"
        problems.append(Problem("verify.own-results", text, by, stops=False))
    return problems


def check_tests(batch: Batch) -> list[Problem]:
    """Every required test done; every result that counts passing. One failing result is enough to hold the batch.

    A result that an investigation set aside does not count; the retests that were planned in its place do.

    Source:
        fda-oos-2022
    """
    problems = []
    results = [each.fact for each in batch.standing if isinstance(each.fact, Tested)]
    for test in batch.formula.test:
        found = [each for each in results if each.trait == test.trait]
        if test.required and not found:
            problems.append(
                Problem("test.missing", f"{test.trait} is not tested: expected {test.expected}", test.trait)
            )
        for each in found:
            if each.verdict == "fail":
                text = (
                    f"{test.trait} failed ({each.observed}), and a later result does not undo it: show an assignable "
                    "cause in its investigation, or reject the batch"
                )
                problems.append(Problem("test.failed", text, test.trait))
        if found and (first := waiting(batch, test.trait)):
            text = (
                f"{test.trait}: stage 1 (entry {first.sequence}) asks for 20 more units: test them, or reject the batch"
            )
            problems.append(Problem("test.unfinished", text, test.trait))
    return problems


def check_investigations(batch: Batch) -> list[Problem]:
    """No investigation is open, and what one set aside was tested again as planned."""
    problems = []
    for each in batch.investigations:
        if not each.closed:
            text = f"{each.id} is {each.state} ({each.fact.what}): a second person must decide. See compounding qc investigate show {each.id}"
            problems.append(Problem("investigation.open", text, each.id, source="fda-oos-2022"))
        elif each.invalidated and (each.planned is None or each.retests_left):
            text = f"{each.id} set its result aside, and the retests planned are not all done: reject the batch"
            problems.append(Problem("retest.missing", text, each.id, source="fda-oos-retests"))
    return problems


def check_lots(lots: Iterable[Lot]) -> list[Problem]:
    """Nothing of what the batch was made from is in quarantine, also if it was put there after it was weighed."""
    return [
        Problem(
            "batch.lot-quarantined",
            f"Lot {lot.id} of this batch is in quarantine ({lot.quarantined}): settle that first",
            lot.id,
        )
        for lot in lots
        if lot.quarantined
    ]


def check_labels(batch: Batch) -> list[Problem]:
    """Labels are accounted for: those that were printed before the release, if any, are on containers or destroyed.

    Source:
        label-reconciliation
    """
    if accounted(batch):
        return []
    printed = ", ".join(each.fact.label for each in batch.labels if isinstance(each.fact, LabelPrinted))
    text = f"Labels were printed before the release and are not accounted for: {printed}. Count them with compounding label account"
    return [Problem("labels.not-accounted", text, batch.id, source="label-reconciliation")]


def release_batch(
    batch: Batch, person: Person, on: date, lots: Iterable[Lot] = ()
) -> tuple[Released | None, list[Problem]]:
    """The gate: made, settled, tested, nothing under investigation, labels accounted, verified, in date.

    Args:
        batch: the batch as it stands.
        person: who releases it.
        on: today.
        lots: what it was made from, as they stand.
    """
    problems = still_open(batch) + check_made(batch) + check_tests(batch)
    problems += check_investigations(batch) + check_lots(lots) + check_labels(batch) + check_signatures(batch)
    if not batch.is_verified:
        changed = " again: something was recorded since" if batch.verified else ""
        problems.append(
            Problem("batch.not-verified", f"{batch.id} needs a second person's verification{changed}", batch.id)
        )
    if date.fromisoformat(batch.plan.beyond_use.date) < on:
        text = f"The beyond-use date {batch.plan.beyond_use.date} has passed: reject the batch"
        problems.append(Problem("batch.out-of-date", text, batch.id))
    if "pharmacist" not in person.roles:
        problems.append(_needs_pharmacist(person, "release"))
    meaning = RELEASED_TO_COMPOUND if batch.plan.form == "trituration" else RELEASED
    return (None if problems else Released(batch=batch.id, meaning=meaning)), problems


def reject_batch(batch: Batch, person: Person, reason: str | None) -> tuple[Rejected | None, list[Problem]]:
    """A pharmacist rejects a batch that is open, with a reason.

    Its investigations go on: whether other batches share the cause is asked all the same.

    Source:
        fda-oos-rejected
    """
    problems = still_open(batch)
    if "pharmacist" not in person.roles:
        problems.append(_needs_pharmacist(person, "reject"))
    if not reason:
        problems.append(Problem("reject.reason", f"Say why {batch.id} is rejected: give --reason", batch.id))
    return (None if problems else Rejected(batch=batch.id)), problems
