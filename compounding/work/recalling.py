"""Batches that are called back: what may be recorded, what goes into quarantine, and whom to call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Final, Literal

from compounding.frozen import dataclass
from compounding.problems import Problem
from compounding.quantities import told
from compounding.records.batch import Batch
from compounding.records.facts import Dispensed, Recalled
from compounding.records.recall import CallLine, HeldLine, LetterText, RecallText
from compounding.records.stock import Lot
from compounding.rules.tables import one_in_force
from compounding.settings import Person, Pharmacy
from compounding.work.tracing import Reach, containers_of, portions_of_batch

Severity = Literal["I", "II", "III"]
NOT_CLASSIFIED: Final = "not classified yet"


def recall(
    batch: Batch, person: Person, because_of: str | None, severity: Severity | None = None
) -> tuple[Recalled | None, list[Problem]]:
    """A pharmacist calls a released batch back.

    Args:
        batch: as it stands.
        person: who acts.
        because_of: the lot, or the batch, that is called back.
        severity: class of the recall, by the harm that use may do.

    Source:
        cfr-21-7
    """
    problems = []
    if batch.state != "released":
        text = f"Batch {batch.id} is {batch.state}: only a released batch is called back"
        problems.append(Problem("recall.not-released", text, batch.id))
    if "pharmacist" not in person.roles:
        text = f"{person.name} is {' and '.join(person.roles)}: a pharmacist must call a batch back"
        problems.append(Problem("person.role", text, person.name))
    return (None if problems else Recalled(batch=batch.id, because_of=because_of, severity=severity)), problems


def severity_of(reach: Reach) -> tuple[Severity | None, str]:
    """The gravest class that is recorded of some batches, and what it means in words."""
    recorded = [each.recalled for each in reach.batches.values() if each.recalled]
    classes = [(each.fact.severity, each) for each in recorded if isinstance(each.fact, Recalled) and each.fact.severity]
    if not classes:
        return None, NOT_CLASSIFIED
    gravest, entry = min(classes, key=lambda each: len(each[0]))  # I, II, III
    return gravest, str(one_in_force("recalls", date.fromisoformat(entry.time[:10]), id=gravest)["says"])


@dataclass(frozen=True)
class Held:
    """Something in the pharmacy that nobody may use: a lot, what is left of a batch, or a batch on the bench."""

    kind: str
    id: str
    what: str
    amount: str


def to_quarantine(reach: Reach) -> list[Held]:
    """Everything of a recall that is still in the pharmacy."""
    lots = [_held_lot(lot) for lot in reach.lots.values() if lot.left.magnitude > 0]
    return lots + [held for batch in reach.batches.values() for held in _held_batch(batch)]


def _held_lot(lot: Lot) -> Held:
    received = lot.received
    return Held("lot", lot.id, f"{received.material}, {received.supplier} {received.supplier_lot}", told(lot.left))


def _held_batch(batch: Batch) -> Iterator[Held]:
    name = f"{batch.plan.name}, {batch.plan.strength}"
    if batch.state == "open":
        yield Held("batch", batch.id, f"{name}: on the bench, stop", f"for {batch.plan.made}")
        return
    for each in portions_of_batch(batch):
        if each.what == "kept" and each.amount is not None and each.amount.magnitude > 0:
            yield Held("batch", batch.id, f"{name}: kept, with the samples", told(each.amount))


@dataclass(frozen=True)
class Container:
    """One container to call back: of which batch, under which prescription and label, and whether it went out.

    ``on`` is the day on which it went out; empty if it was labelled and, as far as is recorded, is still here.
    """

    batch: str
    prescription: str
    prescriber: str
    label: str
    quantity: str
    state: str
    on: str


def to_call_back(batches: Iterable[Batch]) -> list[Container]:
    """Every container of some batches that a patient has, or may get."""
    found = []
    for batch in batches:
        out = {each.fact.label: each.time for each in batch.dispensed if isinstance(each.fact, Dispensed)}
        for label, gone in containers_of(batch):
            printed = label.printed
            state, on = ("dispensed", out[printed.label][:10]) if gone else ("labelled", "")
            prescriber = printed.prescriber or ""
            found.append(
                Container(batch.id, printed.prescription, prescriber, printed.label, printed.quantity, state, on)
            )
    return found


NOT_YET: Final = "no batch is called back: a drill, or a draft"
NAME_ERASED: Final = "name erased: see the paper prescription"
PRESCRIBER_UNKNOWN: Final = "see the paper prescription"


@dataclass(frozen=True)
class Patient:
    """Who a prescription is for, as it stands beside the journal."""

    name: str
    address: str = ""


def recall_text(
    id: str,
    what: str,
    reach: Reach,
    patients: Mapping[str, Patient],
    names: Mapping[str, str],
    pharmacy: Pharmacy,
    head: str,
) -> RecallText:
    """Every word of the papers of a recall.

    Args:
        id: of the lot or batch that is called back.
        what: what it is, in words.
        reach: everything that holds something of it.
        patients: by prescription; those whose names were erased are missing.
        names: of the people in the settings, by id.
    """
    calls = to_call_back(reach.batches.values())
    recorded = next((each.recalled for each in reach.batches.values() if each.recalled), None)
    quarantined = next((lot.quarantined for lot in reach.lots.values() if lot.quarantined), "")
    return RecallText(
        title="Recall",
        record=id,
        what=what,
        pharmacy=pharmacy.name,
        address=pharmacy.address,
        phone=pharmacy.phone,
        reason=(recorded.reason if recorded else quarantined) or "",
        on=recorded.time[:10] if recorded else NOT_YET,
        by=names.get(recorded.person, recorded.person) if recorded else "",
        severity=severity_of(reach)[1],
        batches=tuple((b.id, f"{b.plan.name}, {b.plan.strength}", b.state) for b in reach.batches.values()),
        held=tuple(HeldLine(f"{each.kind} {each.id}", each.what, each.amount) for each in to_quarantine(reach)),
        calls=tuple(_call_line(each, patients) for each in calls),
        letters=tuple(_letters(calls, reach, patients, pharmacy)),
        head=head,
    )


def _call_line(each: Container, patients: Mapping[str, Patient]) -> CallLine:
    patient = patients.get(each.prescription)
    where = f"with the patient since {each.on}" if each.on else "labelled; look here first"
    name = patient.name if patient else NAME_ERASED
    prescriber = each.prescriber or PRESCRIBER_UNKNOWN
    return CallLine(name, prescriber, each.prescription, each.label, each.batch, each.quantity, where)


def _letters(
    calls: Sequence[Container], reach: Reach, patients: Mapping[str, Patient], pharmacy: Pharmacy
) -> Iterator[LetterText]:
    """One letter for each patient and address who has a container of a recalled batch, with all of that patient's."""
    recalled = {id for id, batch in reach.batches.items() if batch.state == "recalled"}
    out = [each for each in calls if each.on and each.batch in recalled and each.prescription in patients]
    urgent = ("This is urgent: please telephone us today.",) if severity_of(reach)[0] == "I" else ()
    for patient in dict.fromkeys(patients[each.prescription] for each in out):
        containers = [each for each in out if patients[each.prescription] == patient]
        plans = {each.batch: reach.batches[each.batch].plan for each in containers}
        yield LetterText(
            to=tuple(filter(None, (patient.name, patient.address))),
            greeting=f"Dear {patient.name},",
            body=(
                "We are calling back the medicine named below, which our pharmacy made and gave to you. Please stop using "
                "it now, keep it apart from your other medicines, and do not throw it away.",
                f"Please telephone us at {pharmacy.phone} before you take anything in its place, and bring the container "
                "back to us, with all that is left in it. We or your prescriber will tell you how to go on.",
                "If you feel unwell, seek medical help at once, and show this letter and the label on the container.",
                *urgent,
            ),
            closing=(
                "We are sorry for the trouble.",
                f"The pharmacist, {pharmacy.name}: ______________________________",
            ),
            containers=tuple(
                (f"{plans[each.batch].name}, {plans[each.batch].strength}", each.quantity, each.batch, each.label)
                for each in containers
            ),
        )
