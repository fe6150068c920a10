"""Facts: what happened, in the past tense. A kind is forever; it may gain an optional key, never a new meaning.

Quantities are text as they were read. A fact is written once; a mistake is answered by a later fact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from compounding.frozen import dataclass
from compounding.problems import NotUnderstood
from compounding.records.plan import Plan
from compounding.records.record import DateText, NumberText, PercentText, QuantityText, Record, as_data, validated

# Ids are typed, scanned and printed: letters, digits and hyphens, nothing that a scanner or a shell takes for more.
Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,31}$")]


class Packing(Record, frozen=True, kw_only=True):
    """What fills one capsule of a maker's size when packed as in production."""

    size: str
    maker: str
    mass: QuantityText


class Certificate(Record, frozen=True, kw_only=True):
    """What the certificate of a bulk powder says; shares are written as ``99.6 %``."""

    form: str
    assay: PercentText
    assay_basis: Literal["as-is", "dried", "anhydrous", "anhydrous-solvent-free"]
    assay_of: str | None = None
    water: PercentText | None = None
    loss_on_drying: PercentText | None = None
    solvents: PercentText | None = None
    number: str | None = None


class MadeHere(Record, frozen=True, kw_only=True):
    """The batch of our own that a lot comes from, and what it holds.

    ``strength`` is its label's, ``assay`` the result as it was recorded (``98.5 %`` of label, or a content such as
    ``98.5 mg/g``), ``notes`` what its source makes true of everything made from it.
    """

    batch: Id
    strength: QuantityText
    assay: str
    notes: tuple[str, ...] = ()


class LotReceived(Record, frozen=True, kw_only=True):
    """A source lot came in. ``weights`` are the individual weights of the tablets or empty shells, as read.

    ``price`` is what the whole amount cost, in the currency of the pharmacy.
    """

    lot: Id
    role: Literal["tablet", "powder", "filler", "shell", "ingredient", "trituration"]
    material: str
    supplier: str
    supplier_lot: str
    expires: DateText
    received: DateText
    amount: QuantityText
    ndc: str | None = None
    national_code: str | None = None
    label_claim: QuantityText | None = None
    content: PercentText | None = None
    content_uncertainty: PercentText | None = None
    size: str | None = None
    maker: str | None = None
    volume: QuantityText | None = None
    weights: tuple[QuantityText, ...] = ()
    packing: tuple[Packing, ...] = ()
    tapped_density: QuantityText | None = None
    bulk_density: QuantityText | None = None
    certificate: Certificate | None = None
    made_here: MadeHere | None = None
    price: NumberText | None = None


class LotMeasured(Record, frozen=True, kw_only=True):
    """Something of a lot was measured anew; it takes the place of what was known, which stays on record."""

    lot: str
    weights: tuple[QuantityText, ...] = ()
    packing: tuple[Packing, ...] = ()
    tapped_density: QuantityText | None = None
    bulk_density: QuantityText | None = None


class LotQuarantined(Record, frozen=True, kw_only=True):
    """A lot may not be used until it is cleared; the entry holds the reason."""

    lot: str


class LotCleared(Record, frozen=True, kw_only=True):
    """A quarantined lot may be used again; the entry holds the reason."""

    lot: str


class LotAdjusted(Record, frozen=True, kw_only=True):
    """A count found another amount than the record says; the entry holds the reason."""

    lot: str
    was: QuantityText
    counted: QuantityText


class LotDiscarded(Record, frozen=True, kw_only=True):
    """Some of a lot, or all that was left, was thrown away; the entry holds the reason."""

    lot: str
    amount: QuantityText


class BatchOpened(Record, frozen=True, kw_only=True):
    """A plan became a batch. The formula is kept whole, line by line, so that the record can be judged by itself."""

    batch: Id
    plan: Plan
    formula: tuple[str, ...]


class Weighed(Record, frozen=True, kw_only=True):
    """A reading for one line of the worksheet, inside its limits or not: it happened.

    ``sent`` is the balance's own line, with its mark of stability, where the balance sent the reading.
    """

    batch: str
    line: str
    material: str
    lot: str | None
    reading: QuantityText
    low: QuantityText
    high: QuantityText
    within: bool
    replaces: int | None = None
    tablets: int | None = None
    balance: str | None = None
    sent: str | None = None


class StepDone(Record, frozen=True, kw_only=True):
    batch: str
    number: int
    do: str


class Yielded(Record, frozen=True, kw_only=True):
    """How much was made, and where the rest of the mass went; ``no_balance`` is why that is not known."""

    batch: str
    made: QuantityText
    planned: QuantityText
    yield_percent: NumberText
    within: bool
    mass_in: QuantityText | None = None
    mass_out: QuantityText | None = None
    remainder: QuantityText | None = None
    loss_percent: str | None = None
    shells_used: int | None = None
    no_balance: str | None = None


class Attached(Record, frozen=True, kw_only=True):
    """A file that proves a result; its bytes are kept beside the journal under their digest."""

    name: str
    digest: Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
    size: int


class Tested(Record, frozen=True, kw_only=True):
    """One quality result: what was expected, what was seen, the verdict.

    A content uniformity at stage 1 that does not pass is ``test_20_more``: it holds the batch until a later result
    ``joins`` its entry, and is judged on the values of both. ``found`` is the day of the result where it was not the
    day of the entry; ``entered`` says how the values came in, such as a file with its digest.
    ``investigation`` is the one that a failing result opened, or that a retest belongs to; ``retest`` is the retest's number.
    ``by_weight`` is the assay by which net weights were judged as contents; their values are those weights.
    """

    batch: str
    trait: str
    method: str
    expected: str
    observed: str
    verdict: Literal["pass", "fail", "test_20_more"]
    values: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    laboratory: str | None = None
    stage: int | None = None
    joins: int | None = None
    found: DateText | None = None
    entered: str | None = None
    attachments: tuple[Attached, ...] = ()
    investigation: str | None = None
    retest: int | None = None
    by_weight: PercentText | None = None


class InvestigationOpened(Record, frozen=True, kw_only=True):
    """Something may be wrong with a batch: a failing result of its own, a complaint or a deviation. It holds the batch."""

    batch: str
    investigation: Id
    about: Literal["result", "complaint", "deviation"]
    what: str
    trait: str | None = None


class HypothesisStated(Record, frozen=True, kw_only=True):
    """What may have gone wrong, and what was looked at to find out; phase 1 is the laboratory, phase 2 the whole batch."""

    batch: str
    investigation: str
    phase: Literal[1, 2]
    hypothesis: str
    found: str


class RetestPlanned(Record, frozen=True, kw_only=True):
    """A pharmacist other than the analyst approved a retest: why, how, and how many, before the first is done."""

    batch: str
    investigation: str
    phase: Literal[1, 2]
    hypothesis: str
    plan: str
    retests: Annotated[int, Meta(gt=0, le=99)]
    sample: Literal["original", "new"] = "original"


class Resampled(Record, frozen=True, kw_only=True):
    """A new sample was approved, because the first was shown to be unsound; the entry holds the reason."""

    batch: str
    investigation: str
    plan: str


class ResultInvalidated(Record, frozen=True, kw_only=True):
    """The original result says nothing about the batch: an assignable cause, and the evidence for it. It stays on record."""

    batch: str
    investigation: str
    cause: str
    evidence: str


class InvestigationConcluded(Record, frozen=True, kw_only=True):
    """What the investigation found, and whether other batches share the cause; ``no_action`` is why none is needed."""

    batch: str
    investigation: str
    conclusion: str
    other_batches: str
    cause: str | None = None
    no_action: str | None = None


class InvestigationClosed(Record, frozen=True, kw_only=True):
    """The disposition, by a second person: the batch is rejected, or may go on to be released."""

    batch: str
    investigation: str
    disposition: Literal["reject", "release"]
    meaning: str


class ActionAssigned(Record, frozen=True, kw_only=True):
    """A corrective or preventive action: who does it until when, and when its effect is looked at."""

    batch: str
    investigation: str
    number: Annotated[int, Meta(gt=0)]
    action: str
    owner: str
    due: DateText
    check: DateText


class ActionDone(Record, frozen=True, kw_only=True):
    batch: str
    investigation: str
    number: int
    what: str


class EffectChecked(Record, frozen=True, kw_only=True):
    """Someone other than its owner looked whether an action had the effect that it was for."""

    batch: str
    investigation: str
    number: int
    effective: bool
    found: str


class DeviationAccepted(Record, frozen=True, kw_only=True):
    """Someone other than its author looked at a reading outside its limits and let the batch go on."""

    batch: str
    entry: int


class Verified(Record, frozen=True, kw_only=True):
    """A second person compared the record with the formula, the materials and the preparation."""

    batch: str
    meaning: str


class Released(Record, frozen=True, kw_only=True):
    batch: str
    meaning: str


class Rejected(Record, frozen=True, kw_only=True):
    batch: str


class Dispensed(Record, frozen=True, kw_only=True):
    """A labelled container went out. Who got it stands beside the journal, under its prescription.

    ``leaflet``: the entry of the latest leaflet that was written for the prescription before.
    """

    batch: str
    label: str
    prescription: str
    quantity: QuantityText
    leaflet: int | None = None


class NameErased(Record, frozen=True, kw_only=True):
    """The name that stood beside the journal for a prescription was erased; the entry holds the reason."""

    prescription: str


class Recalled(Record, frozen=True, kw_only=True):
    """A released batch is called back: nothing of it is labelled or dispensed any more. The entry holds the reason.

    ``severity`` is the class, by the harm that use may do.
    """

    batch: str
    because_of: str | None = None
    severity: Literal["I", "II", "III"] | None = None


class JournalResumed(Record, frozen=True, kw_only=True):
    """An older copy of the journal goes on, knowingly: what was seen before it was put back, and is not in it."""

    seen_entries: int
    seen_root: str


class ClockConfirmed(Record, frozen=True, kw_only=True):
    """A pharmacist looked at the clock of a workstation, and it is right although the entry ``after`` which this one stands
    was dated later (``was``), or long before. The entry holds the reason.
    """

    after: int
    was: str


class LabelPrinted(Record, frozen=True, kw_only=True):
    """A label left the tool, to a file or a printer. The patient's name is not here: a salted digest of it is.

    ``element`` is what its barcode holds, ``replaces`` the label that this one voids, ``sent_to`` the queue or the
    address of the printer; the words that the batch does not know are kept so that it can be proved and printed again.
    """

    batch: str
    label: str
    prescription: str
    patient: str
    quantity: QuantityText
    stock: str
    warning: str
    warning_digest: str
    pdf: str
    copy_number: int
    proved: tuple[str, ...]
    element: str | None = None
    symbology: str | None = None
    filled_on: DateText | None = None
    prescriber: str | None = None
    directions: str | None = None
    purpose: str | None = None
    replaces: str | None = None
    sent_to: str | None = None
    template: str | None = None
    profile: str | None = None
    language: str | None = None


class StickerPrinted(Record, frozen=True, kw_only=True):
    """Stickers or labels left the tool that stay in the pharmacy: for a bulk container, a sample, or a status.

    ``made_by``, ``made_on``, ``why`` and ``amount`` are the words on them that the batch does not know.
    """

    batch: str
    labels: tuple[str, ...]
    template: str
    stock: str
    warning: str
    warning_digest: str
    pdf: str
    proved: tuple[str, ...]
    language: str | None = None
    profile: str | None = None
    made_by: str | None = None
    made_on: DateText | None = None
    why: str | None = None
    amount: QuantityText | None = None
    sent_to: str | None = None


class PrintDone(Record, frozen=True, kw_only=True):
    """The printer took a label whole, as far as it or its queue can tell."""

    batch: str
    label: str
    sent_to: str
    job: str | None = None


class PrintFailed(Record, frozen=True, kw_only=True):
    """A label that was sent was not printed: it is void. The entry holds the reason."""

    batch: str
    label: str
    sent_to: str
    job: str | None = None


class LabelScanned(Record, frozen=True, kw_only=True):
    """A printed label was read back with a scanner, and it says what the record says."""

    batch: str
    label: str
    read: str


class LabelsAccounted(Record, frozen=True, kw_only=True):
    """Where all labels of a batch are: on containers, spoiled, or destroyed."""

    batch: str
    printed: int
    applied: int
    spoiled: int
    destroyed: int


class StepsAsked(Record, frozen=True, kw_only=True):
    """The rising dose that a leaflet's calendar shows, as it was asked for; ``hold`` are the further days at the last dose."""

    start: QuantityText
    to: QuantityText
    step: QuantityText
    every: QuantityText
    hold: QuantityText
    schedule: str | None = None


class LeafletWritten(Record, frozen=True, kw_only=True):
    """A leaflet left the tool: what the patient of some labels was told, in which words, from which first day.

    ``text`` and ``warning`` are the wordings with their revisions. The patient's name is not here; the digests are those
    of the files as they were given out.
    """

    labels: tuple[Id, ...]
    batches: tuple[Id, ...]
    prescription: str
    language: str
    text: str
    text_digest: str
    warning: str
    warning_digest: str
    first_day: DateText
    pdf: str
    proved: tuple[str, ...]
    steps: StepsAsked | None = None
    html: str | None = None


KeyText = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]  # the public half of an Ed25519 key, in hexadecimal
PersonId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]


class FormulaApproved(Record, frozen=True, kw_only=True):
    """A pharmacist lets a formula be made from here on: this text of it, by its digest, and no other."""

    formula: str
    version: str
    digest: str
    meaning: str


class TextApproved(Record, frozen=True, kw_only=True):
    """A pharmacist lets labels be written in these words from here on, and in no others under this id.

    ``text`` is language and name, ``en/opioid``; the words are kept, so that a label of any year can be held against them.
    """

    text: Annotated[str, Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*/[a-z0-9][a-z0-9-]{0,30}$")]
    revision: Annotated[int, Meta(ge=1)]
    digest: Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
    words: dict[str, str]
    meaning: str


class KeyCreated(Record, frozen=True, kw_only=True):
    """A person signs with this key from here on, under this printed name and in these roles.

    Whatever key the person had before ends here. The entry is signed with the key itself, which shows that its
    private half is in hand, and by those who know the person. ``unvouched`` says for ever that there were too few of
    them: then nothing but the sheet signed by hand shows whose key it is.
    """

    person: PersonId
    name: str
    roles: Annotated[tuple[Literal["pharmacist", "technician", "qc"], ...], Meta(min_length=1)]
    key: KeyText
    replaces: KeyText | None = None
    unvouched: bool = False


class KeyRetired(Record, frozen=True, kw_only=True):
    """A key signs nothing from here on, because its person left; what it signed stays signed."""

    person: PersonId
    key: KeyText


class KeyRevoked(Record, frozen=True, kw_only=True):
    """A key may be in other hands: it signs nothing from here on, and signatures since an entry are in doubt.

    The entry is about every batch and formula that it signed something of since then.
    """

    person: PersonId
    key: KeyText
    since: Annotated[int, Meta(ge=1)] | None = None


class SignatureConfirmed(Record, frozen=True, kw_only=True):
    """Somebody looked again at what a key signed that was in other hands, and that signature stands; the entry says why."""

    entry: int
    batch: str | None = None


class PassphraseRefused(Record, frozen=True, kw_only=True):
    """Someone gave a wrong passphrase for a key."""

    person: PersonId
    key: KeyText


class BaselineFrozen(Record, frozen=True, kw_only=True):
    """The limits of a control chart, computed once from the results of some batches and kept until the next baseline.

    They hold from the first of these batches on. ``left_out`` are batches among them that were not counted; the entry
    holds the reason. All numbers are in ``unit``; ``lower`` may lie below zero.
    """

    product: str
    strength: QuantityText
    strength_of: str | None = None
    trait: str
    unit: str
    batches: tuple[Id, ...]
    left_out: tuple[Id, ...] = ()
    mean: NumberText
    mean_range: NumberText
    sigma: NumberText
    lower: str
    upper: NumberText
    range_upper: NumberText


KINDS: Mapping[str, type[Record]] = {
    re.sub(r"(?<!^)([A-Z])", r"-\1", kind.__name__).lower(): kind
    for kind in (
        LotReceived,
        LotMeasured,
        LotQuarantined,
        LotCleared,
        LotAdjusted,
        LotDiscarded,
        BatchOpened,
        Weighed,
        StepDone,
        Yielded,
        Tested,
        InvestigationOpened,
        HypothesisStated,
        RetestPlanned,
        Resampled,
        ResultInvalidated,
        InvestigationConcluded,
        InvestigationClosed,
        ActionAssigned,
        ActionDone,
        EffectChecked,
        DeviationAccepted,
        Verified,
        Released,
        Rejected,
        Dispensed,
        Recalled,
        NameErased,
        JournalResumed,
        ClockConfirmed,
        LabelPrinted,
        StickerPrinted,
        PrintDone,
        PrintFailed,
        LabelScanned,
        LabelsAccounted,
        LeafletWritten,
        FormulaApproved,
        TextApproved,
        KeyCreated,
        KeyRetired,
        KeyRevoked,
        SignatureConfirmed,
        PassphraseRefused,
        BaselineFrozen,
    )
}
_NAMES = {kind: name for name, kind in KINDS.items()}

F = TypeVar("F", bound=Record)


@dataclass(frozen=True)
class Recorded:
    """A fact with its place in the journal: sequence, time (UTC, ISO 8601), person, reason."""

    sequence: int
    time: str
    person: str
    reason: str | None
    fact: Record


def kind_of(fact: Record) -> str:
    """The name of a fact's kind in the journal, such as ``lot-received``."""
    return _NAMES[type(fact)]


def body_of(fact: Record) -> dict[str, Any]:
    """A fact as canonical data: keys that hold their default are left out."""
    data: dict[str, Any] = as_data(fact)
    return data


def read_fact(kind: str, body: Mapping[str, Any], where: str) -> Record:
    """A fact from its body.

    Raises:
        NotUnderstood: the kind is not known to this version, or its body does not fit.
    """
    if kind not in KINDS:
        from compounding.problems import Problem

        raise NotUnderstood(
            Problem("fact.unknown", f"{where} is of kind {kind}, which this version does not know: update")
        )
    return validated(KINDS[kind], body, where)


class _Entry(msgspec.Struct, frozen=True):
    """What a series needs of an entry of the journal."""

    sequence: int
    kind: str
    body: msgspec.Raw


_ENTRY = msgspec.json.Decoder(_Entry)


@cache  # made when the first of a kind is read: all of them would cost every command the time of a calculation
def _reader(kind: str) -> msgspec.json.Decoder[Record]:
    return msgspec.json.Decoder(KINDS[kind])


def read_written(raw: bytes) -> tuple[int, Record]:
    """Sequence and fact of an entry, straight from its bytes: for a hundred thousand of them.

    Raises:
        NotUnderstood: the kind is not known to this version, or its body does not fit.
    """
    entry = _ENTRY.decode(raw)
    try:
        fact = _reader(entry.kind).decode(entry.body)
    except (KeyError, msgspec.ValidationError):
        # Slower, and says in a sentence what is wrong.
        fact = read_fact(entry.kind, msgspec.json.decode(entry.body), f"entry {entry.sequence}")
    return entry.sequence, fact
