"""What a prescription label says, and whether this batch may have one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from compounding.problems import Problem
from compounding.quantities import Quantity, quantity, told
from compounding.records.batch import Batch
from compounding.records.facts import Yielded
from compounding.records.issued import Label, labels_of
from compounding.records.label import LabelText, WarningText
from compounding.rules import gs1
from compounding.settings import Pharmacy

# Figures and letters that are never taken for one another: no I, L, O, S, Z.
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRTUVWXY"
# The id on a preview: number 0, which no label ever gets.
PREVIEW: Final = "L00000000"
ROUTES: Final = {"by mouth": "For oral use"}


@dataclass(frozen=True)
class Prescription:
    """What the prescription says.

    Args:
        number: the prescription number.
        patient: the patient's name as it shall be printed.
        prescriber: the prescriber's name.
        quantity: what this container holds: ``30 capsules`` or ``60 mL``.
        directions: how to take it; the formula's own if None.
        purpose: what it is for, if the prescription says so.
    """

    number: str
    patient: str
    prescriber: str
    quantity: str
    directions: str | None = None
    purpose: str | None = None


def label_id(number: int) -> str:
    """The id of the n-th label of a site, with a check character that finds any single slip and any swap.

    The check is the sum of the digits, each times its place, in a prime alphabet of 31 characters.

    Example:
        >>> label_id(42)
        'L0000042D'
    """
    digits = f"{number:07d}"
    check = sum(place * int(digit) for place, digit in enumerate(digits, 2)) % len(ALPHABET)
    return f"L{digits}{ALPHABET[check]}"


def is_label_id(text: str) -> bool:
    """Whether a text is the id of a label, its check character right.

    Example:
        >>> is_label_id("L0000042D"), is_label_id("L0000024D")
        (True, False)
    """
    figures = text[1:-1]
    return figures.isascii() and figures.isdigit() and label_id(int(figures)) == text


def label_element(batch: Batch, identifier: str, gtins: Mapping[str, str]) -> str:
    """What the barcode of a label holds: its id alone; with a trade item number that, date, lot, and the id as serial.

    Args:
        gtins: trade item numbers by formula and strength, ``naltrexone-capsule 1.5 mg``.

    Source:
        gs1-syntax: fixed lengths first, so that one separator is enough
    """
    gtin = gtins.get(f"{batch.formula.id} {batch.plan.strength}")
    if gtin is None:
        return gs1.bracketed([("91", identifier)])
    use_by = gs1.six_figures(date.fromisoformat(batch.plan.beyond_use.date))
    return gs1.bracketed([("01", gtin.zfill(14)), ("17", use_by), ("10", batch.id), ("21", identifier)])


def check_label(batch: Batch, prescription: Prescription, on: date, replaces: str | None = None) -> list[Problem]:
    """Whether the batch may have a dispensing label, and holds that much.

    Args:
        replaces: the label that the new one voids; what it gave out counts no more.
    """
    problems = []
    if batch.plan.form == "trituration":
        text = f"{batch.id} is a trituration, for compounding only: it is made into something, and that is labelled"
        return [Problem("label.trituration", text, batch.id)]
    if batch.state != "released":
        now = "was rejected" if batch.state == "rejected" else "is not released"
        problems.append(Problem("label.not-released", f"Batch {batch.id} {now}: it gets no dispensing label", batch.id))
    for each in batch.under_investigation if batch.state == "released" else ():
        text = f"{each.id} holds batch {batch.id} ({each.fact.what}): it gets no label before that is closed"
        problems.append(Problem("label.held", text, batch.id, source="fda-oos-2022"))
    if date.fromisoformat(batch.plan.beyond_use.date) < on:
        text = f"The beyond-use date {batch.plan.beyond_use.date} of {batch.id} has passed: it gets no label"
        problems.append(Problem("label.out-of-date", text, batch.id))
    asked = quantity(prescription.quantity)
    made = _made(batch)
    if made is not None:
        whole = batch.plan.count is None or asked.magnitude.denominator == 1
        if asked.dimensionality != made.dimensionality or asked.magnitude <= 0 or not whole:
            text = f"{prescription.quantity} cannot be dispensed from {told(made)}: write the quantity in that unit"
            problems.append(Problem("label.quantity", text, "quantity"))
        elif asked > (left := made - labelled(batch, made, replaces)):
            text = f"{batch.id} has {told(left)} left to label, not {prescription.quantity}"
            problems.append(Problem("label.too-much", text, "quantity"))
    return problems


def issued(batch: Batch) -> dict[str, Label]:
    """Every label that left for this batch, by id."""
    return labels_of(batch.labels + batch.printing + batch.scanned)


def check_reprint(label: Label, reason: str) -> list[Problem]:
    """Whether a label may be printed again: it must be the one that stands, and someone says why.

    Args:
        reason: what happened to the label that it replaces.
    """
    problems = []
    id = label.printed.label
    if label.state == "void":
        text = f"Label {id} is void already: {label.replaced_by} took its place. Reprint that one"
        problems.append(Problem("label.void", text, id))
    if label.state == "not printed":
        text = f"Label {id} was never printed: label the batch again, and a reprint is not needed"
        problems.append(Problem("label.print-failed", text, id))
    if not reason.strip():
        problems.append(Problem("label.reason", f"Say why {id} is printed again: give --reason", id))
    return problems


def _made(batch: Batch) -> Quantity | None:
    last = batch.yielded[-1].fact if batch.yielded else None
    return quantity(last.made) if isinstance(last, Yielded) else None


def labelled(batch: Batch, made: Quantity, without: str | None = None) -> Quantity:
    """What labels of this batch, perhaps without one, already went to patients."""
    total = made * 0
    for label in issued(batch).values():
        if label.stands and label.printed.label != without:
            total = total + quantity(label.printed.quantity)
    return total


def label_text(
    batch: Batch,
    prescription: Prescription,
    pharmacy: Pharmacy,
    warning: WarningText,
    auxiliary: Mapping[str, str],
    identifier: str,
    on: date,
    symbology: str = "data-matrix",
    element: str = "",
    copy: int = 1,
) -> LabelText:
    """Every word of the label; the opioid warning comes from the formula and cannot be left out."""
    plan, formula = batch.plan, batch.formula
    strength = plan.strength.replace("/", " per ")
    return LabelText(
        pharmacy_name=pharmacy.name,
        pharmacy_address=pharmacy.address,
        pharmacy_phone=pharmacy.phone,
        patient=prescription.patient,
        drug=plan.ordered_as,
        strength=strength,
        dosage_form=plan.form,
        directions=prescription.directions or default_directions(batch),
        purpose=prescription.purpose,
        prescription=prescription.number,
        quantity=told(quantity(prescription.quantity)),
        prescriber=prescription.prescriber,
        filled_on=on.isoformat(),
        batch=batch.id,
        beyond_use_date=plan.beyond_use.date,
        compounded_on=plan.prepared,
        storage=formula.beyond_use.storage_text,
        route=ROUTES.get(formula.route, formula.route),
        warning=warning,
        auxiliary=tuple(auxiliary[each] for each in formula.label.auxiliary if each in auxiliary),
        compounded_statement="Compounded preparation",
        identifier=identifier,
        symbology=symbology,
        element=element,
        copy=copy,
    )


def default_directions(batch: Batch) -> str:
    """The formula's own directions with the dose of the order; one capsule is a dose."""
    text = batch.formula.label.directions
    dose = batch.plan.dose
    return text.replace("{dose}", dose.dose).replace("{dose_volume}", dose.volume) if dose else text
