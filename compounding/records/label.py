"""What a prescription label says: words already written as they are told, nothing left to decide."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields

from compounding.frozen import dataclass


@dataclass(frozen=True)
class WarningText:
    """A warning in its approved wording; it is printed whole and unchanged, or not at all.

    Args:
        id: name of the wording, such as ``opioid-warning``.
        revision: number of the approved revision [1; from 1].
        heading: the words on the black tag.
        text: the words in the box.
    """

    id: str
    revision: int
    heading: str
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of the four values, one a line: what the record of a printed label keeps."""
        lines = "\n".join([self.id, str(self.revision), self.heading, self.text])
        return "sha256:" + hashlib.sha256(lines.encode()).hexdigest()


@dataclass(frozen=True)
class Wording:
    """A file of words that labels are written with, in one language and at one revision.

    Args:
        id: language and name, ``en/opioid``.
        revision: number of the wording [1; from 1].
        words: by their names; ``heading`` and ``text`` of a warning.
        title: of a warning, ``opioid-warning``; empty for any other words.
        sources: where the words come from.
        approved_by: what the file says of its approval; the approval that counts is on record.
        own: True if it lies in the pharmacy's own folder.
    """

    id: str
    revision: int
    words: Mapping[str, str]
    title: str
    sources: tuple[str, ...]
    approved_by: str
    own: bool

    @property
    def language(self) -> str:
        return self.id.partition("/")[0]

    @property
    def warning(self) -> WarningText | None:
        """The warning that it is."""
        return WarningText(self.title, self.revision, self.words["heading"], self.words["text"]) if self.title else None

    @property
    def digest(self) -> str:
        """SHA-256 of id, revision, and each name with its words, one a line; of a warning, its own digest."""
        if self.warning:
            return self.warning.digest
        lines = [self.id, str(self.revision), *(f"{name}\t{said}" for name, said in sorted(self.words.items()))]
        return "sha256:" + hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class LabelText:
    """Every word of one prescription label.

    Args:
        drug: the name in full, salt included: ``naltrexone hydrochloride``.
        strength: as told, ``1.5 mg`` or ``1 mg per mL``.
        dosage_form: ``capsule``, ``oral suspension``.
        purpose: what it is for, if the prescription says so.
        quantity: ``30 capsules`` or ``60 mL``.
        filled_on, beyond_use_date, compounded_on: ISO dates, ``2026-11-22``.
        storage: a sentence, ``Store at 20 °C to 25 °C.``
        route: words for the label, ``For oral use.``
        auxiliary: further sentences, ``Shake well.``
        compounded_statement: that it was compounded, ``Compounded preparation``.
        identifier: the label's own id, held by the barcode and printed beside it.
        copy: 1 for the first print; a reprint says which copy it is [1; from 1].
        symbology: ``data-matrix``, ``qr`` or ``gs1-128``.
        element: what the barcode holds, if it is more than the identifier.
        dose: of one syringe, ``1.5 mL (1.5 mg)``.
        ingredients: the other ingredients by kind, ``microcrystalline cellulose``.
        person: who did what a sticker says, such as the one who released.
        acted_on: the day of it, ISO date.
        reason: why a batch is in quarantine.
        status: that a batch is not released, while it is not.
        sentence: of an auxiliary label.
    """

    pharmacy_name: str
    pharmacy_address: str
    pharmacy_phone: str
    patient: str
    drug: str
    strength: str
    dosage_form: str
    directions: str
    purpose: str | None
    prescription: str
    quantity: str
    prescriber: str
    filled_on: str
    batch: str
    beyond_use_date: str
    compounded_on: str
    storage: str
    route: str
    warning: WarningText
    auxiliary: tuple[str, ...]
    compounded_statement: str
    identifier: str
    copy: int = 1
    symbology: str = "data-matrix"
    element: str = ""
    dose: str = ""
    ingredients: str = ""
    person: str = ""
    acted_on: str = ""
    reason: str = ""
    status: str = ""
    sentence: str = ""

    @property
    def encoded(self) -> str:
        """What the barcode holds: an element string, by default a company's own identifier, ``(91)L0000042D``."""
        return self.element or f"(91){self.identifier}"


# Fields that may stay empty where a template or a profile does not require them; a label without any other is refused.
MAY_BE_EMPTY = frozenset({"purpose", "auxiliary", "copy", "ingredients", "reason", "status"})
# Fields of some templates only.
ADDED_FIELDS = frozenset({"dose", "ingredients", "person", "acted_on", "reason", "status", "sentence"})

# The names that templates use for the words of a label.
_NOT_WORDS = {"warning", "element", "symbology"}
FIELD_NAMES = frozenset(field.name for field in fields(LabelText)) - _NOT_WORDS | {"warning_heading", "warning_text"}


def printed_fields(text: LabelText) -> dict[str, str]:
    """The words of a label by `FIELD_NAMES`: auxiliary sentences joined, a first print without copy number."""
    words = {name: getattr(text, name) for name in FIELD_NAMES if not name.startswith("warning_")}
    words |= {
        "warning_heading": text.warning.heading,
        "warning_text": text.warning.text,
        "purpose": text.purpose or "",
        "auxiliary": " ".join(text.auxiliary),
        "copy": str(text.copy) if text.copy > 1 else "",
    }
    return words
