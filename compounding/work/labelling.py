"""What a prescription label says, and whether this batch may have one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Final

from compounding.frozen import dataclass
from compounding.problems import Problem, Refused
from compounding.quantities import Quantity, quantity, told
from compounding.records.batch import Batch
from compounding.records.facts import Yielded
from compounding.records.issued import Label, labels_of
from compounding.records.label import LabelText, WarningText
from compounding.rules import gs1
from compounding.settings import Pharmacy
from compounding.work.confirming import check_signatures

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
    for entry in batch.unfinished if batch.state == "released" else ():
        text = f"Entry {entry.sequence}, a stage 1 that asks for 20 more units, holds batch {batch.id}: test those first"
        problems.append(Problem("label.held", text, batch.id, source="usp-905-table-2"))
    problems += check_signatures(batch) if batch.state == "released" else []
    if date.fromisoformat(batch.plan.beyond_use.date) < on:
        text = f"The beyond-use date {batch.plan.beyond_use.date} of {batch.id} has passed: it gets no label"
        problems.append(Problem("label.out-of-date", text, batch.id))
    problems += _check_range(batch, prescription)
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


def _check_range(batch: Batch, prescription: Prescription) -> list[Problem]:
    """More capsules at once than the formula's strongest holds are told of: a slip of the pen, or a prescription to be read again."""
    if batch.plan.count is None or not prescription.directions:
        return []
    most = quantity(batch.formula.strength.maximum)
    for number in re.findall(r"(?<![\d.,])(\d{1,3}) (?:capsules?|cápsulas?)\b", prescription.directions):
        dose = int(number) * quantity(batch.plan.strength)
        if dose > most:
            text = (
                f"directions: {number} capsules of {batch.plan.strength} are {told(dose)}, above the {told(most)} that the formula "
                "is for: read the prescription again"
            )
            return [Problem("label.dose", text, "directions", stops=False)]
    return []


def check_sticker(batch: Batch, kind: str, on: date, amount: str = "") -> list[Problem]:
    """Whether the batch may have such a sticker: quarantine always, what says that it is good only while it is.

    Args:
        kind: the template's id.
        amount: what the container or the sample holds, if it says so.
    """
    problems = _check_amount(batch, amount) if amount else []
    if kind == "quarantine":
        return problems
    if kind == "released":
        if batch.state != "released":
            now = "was rejected" if batch.state == "rejected" else "is not released"
            return [Problem("label.not-released", f"Batch {batch.id} {now}: it gets no released sticker", batch.id)]
        if batch.holds:
            text = f"Batch {batch.id} is held by {' and '.join(batch.holds)}: it gets no released sticker, but a quarantine one"
            return [Problem("label.held", text, batch.id)]
        if batch.beyond_use_date < on:
            text = f"The beyond-use date {batch.plan.beyond_use.date} of {batch.id} has passed: it gets no released sticker"
            return [Problem("label.out-of-date", text, batch.id)]
        return problems
    if batch.state in ("rejected", "recalled"):
        text = f"Batch {batch.id} was {batch.state}: it gets no {kind} label, but a quarantine sticker"
        return [Problem(f"label.{batch.state}", text, batch.id)]
    if batch.beyond_use_date < on:
        text = f"The beyond-use date {batch.plan.beyond_use.date} of {batch.id} has passed: it gets no {kind} label, but a quarantine sticker"
        problems.append(Problem("label.out-of-date", text, batch.id))
    if not batch.makers:
        text = f"Nothing of {batch.id} is made yet: weigh it first, then label what holds it"
        problems.append(Problem("label.not-made", text, batch.id))
    return problems


def _check_amount(batch: Batch, amount: str) -> list[Problem]:
    """A container holds some of the batch, and no more than was made; before that is counted, than is planned."""
    there, asked = _made(batch) or quantity(batch.plan.made), quantity(amount)
    whole = batch.plan.count is None or asked.magnitude.denominator == 1
    if asked.dimensionality != there.dimensionality or asked.magnitude <= 0 or not whole:
        text = f"{amount} cannot be some of {told(there)} of {batch.id}: write the amount in that unit"
        return [Problem("label.quantity", text, "amount")]
    if asked > there:
        return [Problem("label.too-much", f"{batch.id} has {told(there)}, not {amount}", "amount")]
    return []


def check_warning(batch: Batch, warnings: Mapping[str, str]) -> None:
    """A product of a substance that has a warning carries it, whatever its formula says.

    Args:
        warnings: the warning by substance.

    Raises:
        Refused: the formula names another one.
    """
    for substance, warning in warnings.items():
        if batch.formula.substance.startswith(substance) and batch.formula.label.warning != warning:
            text = (
                f"Formula {batch.formula.id} names the warning {batch.formula.label.warning}: every product of {substance} "
                f"carries {warning}. Correct the formula"
            )
            raise Refused(Problem("label.warning", text, batch.formula.id))


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
    """Every word of the label; the opioid warning comes from the formula and cannot be left out.

    Args:
        auxiliary: the sentences of the label, by name.
    """
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
        auxiliary=tuple(dict.fromkeys(auxiliary.values())),
        compounded_statement="Compounded preparation",
        identifier=identifier,
        symbology=symbology,
        element=element,
        dose=f"{plan.dose.volume} ({plan.dose.dose})" if plan.dose else "",
        ingredients=", ".join(other_ingredients(batch)),
        copy=copy,
    )


def other_ingredients(batch: Batch) -> tuple[str, ...]:
    """Everything in the preparation beside its drug, by kind, in the order of the plan."""
    substance = batch.formula.substance.split()[0]
    materials = [line.material for line in batch.plan.lines]
    others = [each for each in materials if substance not in each and "tablet" not in each]
    crushed = ["tablet excipients"] if any("tablet" in each for each in materials) else []
    return tuple(dict.fromkeys(others + crushed))


def sticker_text(
    batch: Batch,
    pharmacy: Pharmacy,
    warning: WarningText,
    identifier: str,
    on: date,
    *,
    person: str,
    reason: str = "",
    amount: str = "",
    status: str = "",
) -> LabelText:
    """Every word of a label that stays in the pharmacy: for a bulk container, a sample, or a status.

    Args:
        person: who did what it says.
        amount: what the container or the sample holds.
        status: that the batch is not released, in the label's language.
    """
    return LabelText(
        pharmacy_name=pharmacy.name,
        pharmacy_address=pharmacy.address,
        pharmacy_phone=pharmacy.phone,
        patient="",
        drug=batch.plan.ordered_as,
        strength=batch.plan.strength.replace("/", " per "),
        dosage_form=batch.plan.form,
        directions="",
        purpose=None,
        prescription="",
        quantity=told(quantity(amount)) if amount else "",
        prescriber="",
        filled_on=on.isoformat(),
        batch=batch.id,
        beyond_use_date=batch.plan.beyond_use.date,
        compounded_on=batch.plan.prepared,
        storage=batch.formula.beyond_use.storage_text,
        route="",
        warning=warning,
        auxiliary=(),
        compounded_statement="Compounded preparation",
        identifier=identifier,
        person=person,
        acted_on=on.isoformat(),
        reason=reason,
        status=status,
    )


# What the record says in English, and a label says in its own language.
_SENTENCES: Final = ("drug", "dosage_form", "storage", "route", "compounded_statement", "ingredients")


def translated(
    text: LabelText, say: Mapping[str, str], language: str, *, own_directions: bool
) -> tuple[LabelText, list[Problem]]:
    """The label's words in another language; a wording that is missing is refused, never shown in English.

    Args:
        say: what stands for each English wording.
        language: of the label.
        own_directions: True if the directions were given for this label, in its language.
    """
    problems = []

    def said(words: str, name: str) -> str:
        if words and words not in say:
            missing = f"{name}: there is no {language} wording of “{words}”. Add it to texts/{language}/sentences.toml, approved"
            problems.append(Problem("label.no-wording", missing, name))
        return say.get(words, words)

    changed: dict[str, str] = {name: said(getattr(text, name), name) for name in _SENTENCES}
    number, _, unit = text.quantity.partition(" ")
    changed["quantity"] = f"{number} {said(unit, 'quantity')}"
    amount, _, per = text.strength.partition(" ")
    changed["strength"] = f"{amount} {said(per, 'strength')}"
    if not own_directions:
        missing = f"directions: the formula's are in English. Give --directions in {language}"
        problems.append(Problem("label.no-wording", missing, "directions"))
    return replace(text, **changed), problems  # type: ignore[arg-type]


def default_directions(batch: Batch) -> str:
    """The formula's own directions with the dose of the order; one capsule is a dose."""
    text = batch.formula.label.directions
    dose = batch.plan.dose
    return text.replace("{dose}", dose.dose).replace("{dose_volume}", dose.volume) if dose else text
