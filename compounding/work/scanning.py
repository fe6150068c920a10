"""What a hand scanner typed: taken apart, and what may be answered about a label.

A scanner is a keyboard. It may put the kind of symbol in front (``]d2``), lose or replace the separator, type in the
wrong case when Caps Lock is on, and end with a tab or a line break.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem
from compounding.records.batch import Batch
from compounding.records.facts import LabelScanned
from compounding.records.issued import Label, Sticker
from compounding.rules import gs1
from compounding.work.labelling import is_label_id

# What scanners type in the place of the separator. None of them is a character of GS1.
SEPARATORS = re.compile(r"\x1d|\u241d|<GS>|\{GS\}|\[GS\]|\\x1d|\\u001d|\^\]|[|~^#]", re.IGNORECASE)
# Prefixes (ISO/IEC 15424): those that announce a GS1 message, and every other one.
GS1_PREFIX = re.compile(r"\](?:d2|C1|Q3|J1|e0)", re.IGNORECASE)
ANY_PREFIX = re.compile(r"\][A-Za-z][0-9A-Za-z]")


@dataclass(frozen=True)
class Scan:
    """What was read: the text itself, and the elements if it is a GS1 message.

    Args:
        announced: True if the scanner said that it is one.
    """

    text: str
    elements: tuple[gs1.Element, ...]
    announced: bool

    def value(self, ai: str) -> str | None:
        """The value of an application identifier."""
        return dict(self.elements).get(ai)

    @property
    def ids(self) -> tuple[str, ...]:
        """What may be an id of our own: the internal identifier, the serial number, or the text itself."""
        own = (self.value("91"), self.value("21"), None if self.announced else self.text)
        return tuple(dict.fromkeys(each for each in own if each))


def read_scan(typed: str) -> Scan:
    """What a scanner typed, without its prefix.

    Raises:
        NotUnderstood: nothing was read, or a message that says it is GS1 is none.

    Example:
        >>> read_scan("]d291L0000042D").elements
        (('91', 'L0000042D'),)
    """
    text = typed.strip(" \t\r\n")
    announced = GS1_PREFIX.match(text) is not None
    text = ANY_PREFIX.sub("", text, count=1) if ANY_PREFIX.match(text) else text
    if not text:
        raise NotUnderstood(Problem("scan.nothing", "Nothing was read: scan again"))
    if text.startswith("("):
        return Scan(text, gs1.read_bracketed(text), announced=True)
    message = SEPARATORS.sub(gs1.SEPARATOR, text)
    try:
        elements = gs1.read_message(message)
        problems = gs1.element_problems(elements)
    except NotUnderstood as error:
        elements, problems = (), list(error.problems)
    if announced and problems:
        raise NotUnderstood(problems)
    return Scan(text, () if problems else _parted(elements), announced)


def _parted(elements: tuple[gs1.Element, ...]) -> tuple[gs1.Element, ...]:
    """The elements of one of our labels whose separator was lost: its id, as a serial number, ran on behind the lot.

    A lot that happens to end so is told apart by the check character.
    """
    if elements and elements[-1][0] == "10":
        lot, serial, id = elements[-1][1][:-11], elements[-1][1][-11:-9], elements[-1][1][-9:]
        if lot and serial == "21" and meant_label(id):
            return (*elements[:-1], ("10", lot), ("21", id))
    return elements


def same_id(typed: str, known: Iterable[str]) -> str | None:
    """The id that was meant, whatever the case; the exact one first.

    Raises:
        NotUnderstood: two ids differ in their case alone.
    """
    alike = [id for id in known if id.casefold() == typed.casefold()]
    if typed in alike:
        return typed
    if len(alike) > 1:
        text = f"{typed} may be {' or '.join(alike)}: turn Caps Lock off and scan again"
        raise NotUnderstood(Problem("scan.case", text, typed))
    return alike[0] if alike else None


def ids_of(typed: str) -> tuple[str, ...]:
    """What may be an id of our own in a text that was typed or scanned.

    Example:
        >>> ids_of("]C1TAB-1")
        ('TAB-1',)
    """
    try:
        return read_scan(typed).ids
    except NotUnderstood:  # it says that it is GS1 and is not: a label printer that was set up so
        return (ANY_PREFIX.sub("", typed.strip(), count=1),)


def abbreviated(typed: str, known: Iterable[str]) -> list[str]:
    """The ids that begin so, whatever the case.

    A number is never cut: ``CAPS-1`` is another batch than ``CAPS-10``, not a short way to write it.

    Example:
        >>> abbreviated("caps-1", ["CAPS-10", "CAPS-1A", "LIQ-1"])
        ['CAPS-1A']
    """
    short = typed.casefold()
    found = [id for id in known if id.casefold().startswith(short)]
    return [id for id in found if not (short[-1:].isdigit() and id[len(short) :][:1].isdigit())]


def meant_label(typed: str) -> str | None:
    """The id of a label, in capitals; None if the text is none, or its check character is wrong."""
    return typed.upper() if is_label_id(typed.upper()) else None


def check_scanned(label: Label, batch: Batch, scan: Scan, on: date) -> list[Problem]:
    """What keeps a container with this label from being handed out, as far as label and batch say."""
    printed = label.printed
    problems = []
    if label.state == "void":
        text = f"Label {printed.label} is void: {label.replaced_by} took its place. Destroy it"
        problems.append(Problem("label.void", text, printed.label))
    if label.state == "not printed":
        text = f"Label {printed.label} counts as not printed, because its print failed. Destroy it, and print another"
        problems.append(Problem("label.print-failed", text, printed.label))
    said = gs1.bracketed(scan.elements).casefold()
    recorded = printed.element or gs1.bracketed([("91", printed.label)])
    if scan.elements and said != recorded.casefold():
        text = f"The barcode says {gs1.bracketed(scan.elements)}, the record {recorded}. Destroy the label, and print it again"
        problems.append(Problem("label.barcode-differs", text, printed.label))
    if batch.state != "released":
        problems.append(
            Problem("label.not-released", f"Batch {batch.id} is {batch.state}: do not hand it out", batch.id)
        )
    if date.fromisoformat(batch.plan.beyond_use.date) < on:
        text = f"The beyond-use date {batch.plan.beyond_use.date} of {batch.id} has passed: do not hand it out"
        problems.append(Problem("label.out-of-date", text, batch.id))
    return problems


def check_sticker_scanned(sticker: Sticker, scan: Scan) -> list[Problem]:
    """Whether a sticker is the one that the record knows."""
    id, problems = sticker.id, []
    if sticker.state == "not printed":
        text = f"Sticker {id} counts as not printed, because its print failed. Destroy it, and print another"
        problems.append(Problem("label.print-failed", text, id))
    said, recorded = gs1.bracketed(scan.elements), gs1.bracketed([("91", id)])
    if said and said.casefold() != recorded.casefold():
        text = f"The barcode says {said}, the record {recorded}. Destroy the sticker, and print another"
        problems.append(Problem("label.barcode-differs", text, id))
    return problems


def check_stuck_on(sticker: Sticker, batch: Batch, on: date) -> list[Problem]:
    """What keeps a container with this sticker from being used, as far as sticker and batch say."""
    kind = sticker.kind
    if kind == "quarantine":
        text = f"A quarantine sticker of {batch.id}, which is {batch.state}: do not use or dispense what it stands on"
        return [Problem("sticker.quarantine", text, sticker.id)]
    problems = []
    if batch.state in ("rejected", "recalled") or (kind == "released" and batch.state != "released"):
        problems.append(Problem("sticker.state", f"Batch {batch.id} is {batch.state}: do not use it", batch.id))
    if batch.holds and batch.state == "released":
        text = f"Batch {batch.id} is held by {' and '.join(batch.holds)}: do not use it"
        problems.append(Problem("sticker.held", text, batch.id))
    if batch.beyond_use_date < on:
        text = f"The beyond-use date {batch.plan.beyond_use.date} of {batch.id} has passed: do not use it"
        problems.append(Problem("label.out-of-date", text, batch.id))
    return problems


def confirm_label(
    batch: str, label: str, scan: Scan, expected: str | None, problems: list[Problem]
) -> tuple[LabelScanned | None, list[Problem]]:
    """A label that was just printed is read back.

    Args:
        batch, label: whose label, and its id.
        expected: the label that was printed, if the scan is to be that one and no other.
        problems: what is wrong with it already.
    """
    problems = list(problems)
    if expected and expected.casefold() != label.casefold():
        text = f"This is label {label}, not {expected}: take the label that was just printed"
        problems.append(Problem("scan.other-label", text, label))
    read = gs1.bracketed(scan.elements) or scan.text
    return (None if problems else LabelScanned(batch=batch, label=label, read=read)), problems


def supplied_codes(scan: Scan) -> tuple[str | None, str | None]:
    """What a supplier's package says: its lot, and the ten digits of a US National Drug Code inside its trade item number.

    Source:
        gs1-ndc: a GTIN-14 of a US drug is an indicator figure, 03, the ten digits of the code, and a check figure
    """
    gtin = scan.value("01")
    return scan.value("10"), gtin[3:13] if gtin and gtin[1:3] == "03" else None
