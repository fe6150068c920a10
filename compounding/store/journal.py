"""The append-only journal of one site: drafts of facts in, entries out, nothing ever changed.

An entry is the canonical JSON of one fact, with its place in the log and the head of the log before
it. Its bytes are stored as they are; the other columns only help to find it. A decision says
which subjects it was made on and the last entry it saw of each; if one of them has moved, nothing
is written, and whoever decided reads and decides again.

An entry names the last entry before it about each of its subjects, so that some of them can be shown to be whole without the rest.
An entry that signs says so in its bytes: who, under which printed name, with which key, meaning what, and the digest of
what was shown, which is kept with it. The signatures are over those bytes, and so over the head of the log before them; they
stand beside the bytes and belong to the entry's leaf.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from types import TracebackType
from typing import Any, Self

from compounding.frozen import dataclass
from compounding.problems import EnvironmentFails, NotUnderstood, Problem, Refused
from compounding.store import log
from compounding.store.canonical import canonical_bytes, plain_text, read_canonical
from compounding.store.database import CommitFails, Database, PersonalRow, Place, Row, check_site, create, open_place
from compounding.store.log import Frontier, Head

CLOCK_TOLERANCE = timedelta(seconds=2)  # two workstations whose clocks agree this well do not disturb each other
SALT_BYTES = 16

_KEYS = {
    "body",
    "head",
    "idempotency_key",
    "kind",
    "person",
    "reason",
    "schema",
    "sequence",
    "site",
    "subjects",
    "time",
    "workstation",
}
_CLOCK_KEY = "clock_set_back"  # only there when it is true
_SIGNING_KEY = "signing"  # only there when somebody signs
_SHOWN_KEY = "shown"  # the page that was signed, line by line; only there when somebody signs, and not in older entries
_PREVIOUS_KEY = "previous"  # not there in entries from before it was written
_SIGNING_PARTS = ("key", "meaning", "name", "person", "shown")
SIGNATURE_BYTES = 64  # of Ed25519


def new_key() -> str:
    """A key under which one append can be looked up, drawn at random [128 bits]."""
    return os.urandom(16).hex()


@dataclass(frozen=True)
class Signing:
    """What an entry says of one signature.

    Args:
        person: who signs.
        name: the name as it is printed.
        key: public half of the key [64 hexadecimal digits].
        meaning: what the signature says.
        shown: SHA-256 of what the person was shown [64 hexadecimal digits].
    """

    person: str
    name: str
    key: str
    meaning: str
    shown: str


@dataclass(frozen=True)
class Signer:
    """A signature to be made: what it says, and what makes it of the entry's bytes."""

    signing: Signing
    sign: Callable[[bytes], bytes]


@dataclass(frozen=True)
class Draft:
    """A fact that may join the journal.

    Args:
        kind: what happened, in the past tense: ``Weighed``.
        body: the fact itself: text, whole numbers, booleans, None, lists and objects of these.
        subjects: what it is about, as ``kind:identifier``: ``batch:2026-0001``.
        person: who did it or saw it.
        workstation: where it was written down.
        reason: why, if a reason was asked for; else empty.
        time: when, with its time zone.
        idempotency_key: writing the same fact twice under one key writes it once.
        schema: version of the body's form [1 or more].
        clock_set_back: True if this entry is knowingly earlier than the one before it.
        signers: who signs it, in order; the key is open already, for the log is held while it signs.
        shown: the page that they sign, line by line; kept with the entry.
    """

    kind: str
    body: Mapping[str, Any]
    subjects: tuple[str, ...]
    person: str
    workstation: str
    reason: str
    time: datetime
    idempotency_key: str = field(default_factory=new_key)
    schema: int = 1
    clock_set_back: bool = False
    signers: tuple[Signer, ...] = ()
    shown: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)  # a journal has a million
class Entry:
    """A fact in the journal.

    Args:
        sequence: its place [1 or more].
        head: the log before it.
        raw: its canonical bytes, from which all the rest was read.
        signatures: its signatures, one after the other as `signing` names them [64 bytes each].
        signing: what each signature says; empty for an entry that nobody signed.
        shown: the page that was signed, line by line; None if it was not kept.
        previous: the last entry before it about each of its subjects, in their order [0: none]; None if it does not say.
    """

    sequence: int
    kind: str
    schema: int
    site: str
    head: Head
    time: datetime
    person: str
    workstation: str
    reason: str
    subjects: tuple[str, ...]
    body: dict[str, Any]
    idempotency_key: str
    clock_set_back: bool
    raw: bytes
    signatures: bytes
    signing: tuple[Signing, ...] = ()
    previous: tuple[int, ...] | None = None
    shown: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Personal:
    """Who a prescription is for; not in the log, and erasable.

    Args:
        digest: salted SHA-256, in hexadecimal, that a fact in the log may hold in place of the name.
    """

    prescription: str
    name: str
    address: str
    digest: str


class JournalMoved(Refused):
    """Someone wrote about a subject between reading and writing: read and decide again."""


class ClockBehind(Refused):
    """A decision is older than the last entry: it waited while others wrote, or its clock is wrong. Decide again once."""


class Journal:
    """The journal of one site in one file, or on a server. Make it with `create` or `open`; close it, or use it in ``with``."""

    def __init__(self, database: Database, site: str) -> None:
        self.database = database
        self.site = site
        self._alone: list[Draft] | None = None  # what was appended since `alone` began
        self._written: Head | None = None  # the head that it had after that
        self._seen = log.head_of(log.EMPTY)  # the head that it had when the last of our entries was acknowledged

    @classmethod
    def create(cls, place: Place, site: str) -> Self:
        """Begin an empty journal: in a file that is not there yet, or as one more site on a server."""
        return cls(create(place, check_site(site)), site)

    @classmethod
    def open(cls, place: Place, site: str) -> Self:
        """Open the journal of a site.

        Raises:
            EnvironmentFails: there is no journal, or it cannot be read.
            Refused: it is the journal of another site.
        """
        database = open_place(place)
        try:
            if not database.site_known(check_site(site)):
                sites = ", ".join(database.sites())
                text = f"{database.where} is the journal of {sites or 'no site'}, not of {site}: correct the settings."
                raise Refused(Problem("journal.other-site", text, where=database.where))
        except BaseException:
            database.close()
            raise
        return cls(database, site)

    def close(self) -> None:
        """Let go of the file, or of the server."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # ---- the log ----

    @property
    def origin(self) -> str:
        """The name of the log on a checkpoint."""
        return f"compounding-pharmacy/{self.site}"

    def head(self) -> Head:
        """Size and root of the log now."""
        return log.head_of(self._end()[0])

    def last_time(self) -> datetime | None:
        """Time of the last entry; None if there is none."""
        return self._end()[1]

    def had(self, head: Head) -> bool:
        """Whether the log once had this head: it is a beginning of today's."""
        if head.size == 0:
            return head == log.head_of(log.EMPTY)
        row = self.database.row(self.site, head.size)
        return row is not None and log.head_of(_frontier_after(row)) == head

    def checkpoint(self) -> str:
        """The head as text, for paper and QR code."""
        return log.checkpoint(self.origin, self.head())

    def short_code(self) -> str:
        """The head as 26 characters, for eyes and voices."""
        return log.short_code(self.origin, self.head())

    # ---- reading ----

    def entries(self, subject: str | None = None, after: int = 0) -> tuple[Entry, ...]:
        """Entries in order, of all subjects or about one.

        Args:
            subject: ``batch:2026-0001``; None for all.
            after: leave out entries up to this sequence [0 or more].

        Raises:
            Refused: an entry does not hold what was recorded.
        """
        if subject is None:
            rows = self.database.rows(self.site, after)
        else:
            rows = self.database.rows_about(self.site, plain_text(subject, "subject"), after)
        return tuple(self._trusted(row) for row in rows)

    def entry(self, sequence: int) -> Entry | None:
        """One entry by its place; None if there is none."""
        row = self.database.row(self.site, sequence)
        return None if row is None else self._trusted(row)

    def signed_with(self, key: str, since: int) -> tuple[Entry, ...]:
        """The entries from a sequence on that a key signed, in order."""
        entries = (self._trusted(row) for row in self.database.rows_signed(self.site, since))
        return tuple(entry for entry in entries if any(each.key == key for each in entry.signing))

    def written(self, subject: str) -> Iterator[bytes]:
        """The bytes of each entry about one subject, in order: for series of a hundred thousand.

        They are held against the hash that was stored with them, and nothing else: their form was checked when they
        were written, and `verify` checks all of it.

        Raises:
            Refused: an entry does not hold what was recorded.
        """
        for row in self.database.rows_about(self.site, plain_text(subject, "subject"), 0):
            if log.leaf_hash(log.leaf_data(row.body, row.signatures)) != row.leaf:
                raise _damaged(row.sequence, "its bytes do not have the hash that was stored with them")
            yield row.body

    def written_under(self, prefix: str) -> Iterator[bytes]:
        """The bytes of each entry about the subjects of one kind (``made:``), in the order of the subjects.

        They are held against the hash that was stored with them, as by `written`.

        Raises:
            Refused: an entry does not hold what was recorded.
        """
        with self.database.reading():
            for sequence, body, signatures, leaf in self.database.entries_under(self.site, *_between(prefix)):
                if log.leaf_hash(log.leaf_data(body, signatures)) != leaf:
                    raise _damaged(sequence, "its bytes do not have the hash that was stored with them")
                yield body

    def subjects(self, prefix: str) -> dict[str, int]:
        """The subjects of one kind (``batch:``), sorted, each with the sequence of its last entry."""
        return dict(self.database.subjects_between(self.site, *_between(prefix)))

    def last_seen(self, subjects: Iterable[str]) -> dict[str, int]:
        """The sequence of the last entry about each subject [0 if there is none]."""
        plain = [plain_text(subject, "subject") for subject in subjects]
        return {subject: self.database.last_about(self.site, subject) for subject in plain}

    # ---- writing ----

    def append(
        self, drafts: Sequence[Draft], seen: Mapping[str, int], personal: PersonalRow | None = None
    ) -> tuple[Entry, ...]:
        """Write down facts: all of them, durably, or none.

        Args:
            drafts: the facts in order.
            seen: each subject that the decision was made on, with the last sequence it saw there [0: nothing yet].
            personal: who a prescription in the facts is for, kept beside the log if they are written.

        Returns:
            The entries; those already there if they were written before under the same keys.

        Raises:
            JournalMoved: one of the subjects has another last entry than the decision saw.
            Refused: the clock went back, or a key was used for another fact, or the end of the log is damaged.
            NotUnderstood: a draft holds what cannot be written down.
            EnvironmentFails: disk or database failed.
        """
        drafts = [_checked(draft) for draft in drafts]
        if not drafts:
            return ()
        if self._alone is None:
            with self.alone():
                return self.append(drafts, seen, personal)
        self._alone.extend(drafts)
        entries = self._written_before(drafts)
        if not entries:
            self._refuse_if_moved(seen)
            entries = self._written_now(drafts)
            if personal is not None:
                self.database.put_personal(personal)
        return entries

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else writes while the block runs: what is decided in it cannot be overtaken.

        What is appended in it is written down when the block has ended well, all of it or nothing.
        """
        self._alone, self._written = [], None
        try:
            with self.database.writing(self.site):
                yield
            self._seen = self._written or self._seen
        except CommitFails as failure:
            self._settle(self._alone, failure)
        finally:
            self._alone = None

    def _written_before(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        """The entries that these drafts are already, or nothing."""
        rows = [self.database.row_of_key(self.site, draft.idempotency_key) for draft in drafts]
        entries = tuple(self._trusted(row) for row in rows if row is not None)
        if entries and (len(entries) < len(drafts) or not all(map(_says_the_same, drafts, entries))):
            text = (
                f"Entry {entries[0].sequence} was written under the same key, {entries[0].idempotency_key}, with other"
                " content: nothing was recorded. Look at that entry; if this is another fact, run the command again."
            )
            raise Refused(Problem("journal.key-used", text, where=f"entry {entries[0].sequence}"))
        return entries

    def _refuse_if_moved(self, seen: Mapping[str, int]) -> None:
        moved = []
        for subject, was in seen.items():
            now = self.database.last_about(self.site, plain_text(subject, "subject"))
            if now != was:
                text = (
                    f"{subject}: the decision was made at entry {was}, the journal is at entry {now} by now."
                    " Nothing was recorded. Run the command again."
                )
                moved.append(Problem("journal.moved", text, where=subject))
        if moved:
            raise JournalMoved(moved)

    def _written_now(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        frontier, last_time = self._end()
        self._refuse_an_older_copy(log.head_of(frontier))
        entries = []
        for draft in drafts:
            _refuse_a_clock_behind(draft, last_time)
            row = _row(draft, self.site, frontier, self.database.last_about_each(self.site, draft.subjects))
            self.database.add(row, draft.subjects)
            frontier = log.frontier_of(row.sequence, row.peaks)
            last_time = draft.time
            entries.append(entry_of(row))
        self._written = log.head_of(frontier)
        return tuple(entries)

    def _refuse_an_older_copy(self, now: Head) -> None:
        """Nothing is added to a journal that has lost what was written into it a moment ago."""
        if now != self._seen and not self.had(self._seen):
            text = (
                f"{self.database.where} had {self._seen.size} entries a moment ago, and they are not there any more: an older copy"
                " was put in its place. Nothing was recorded. Restore the newest backup that verifies."
            )
            raise Refused(Problem("journal.older-copy", text, where=self.database.where))

    def _settle(self, drafts: Sequence[Draft], failure: CommitFails) -> None:
        """Look up what became of drafts whose commit failed, and never guess; silent if they are there to stay."""
        try:
            lasting = self.database.settled(self.site)
            found = [self.database.row_of_key(self.site, draft.idempotency_key) for draft in drafts]
        except EnvironmentFails:
            fate = "It is not known whether the entry was recorded"
        else:
            rows = [row for row in found if row is not None]
            if not rows:
                raise failure
            if lasting:
                return
            fate = f"Entry {', '.join(str(row.sequence) for row in rows)} is in the file, but may not last"
        text = (
            f"The disk or the server failed at the last moment ({failure.__cause__ or failure}). {fate}. Do not repeat the"
            " command: check the disk or the server, run `compounding journal verify`, and look whether the entry is there."
        )
        raise EnvironmentFails(Problem("journal.outcome-unknown", text, where=self.database.where)) from failure

    def _end(self) -> tuple[Frontier, datetime | None]:
        """Frontier of the log and time of its last entry, after checking that entry against the one before it."""
        rows = self.database.last_two(self.site)
        if not rows:
            return log.EMPTY, None
        entries = [self._trusted(row) for row in rows]
        frontiers = [*map(_frontier_after, rows), log.EMPTY]
        if entries[0].head != log.head_of(frontiers[1]) or frontiers[0] != log.grown(frontiers[1], rows[0].leaf):
            raise _damaged(entries[0].sequence, "it does not follow from the entry before it")
        return frontiers[0], entries[0].time

    def _trusted(self, row: Row) -> Entry:
        try:
            return entry_of(row)
        except NotUnderstood as wrong:
            raise _damaged(row.sequence, str(wrong)) from wrong

    # ---- who a prescription is for ----

    def personal(self, prescription: str, name: str, address: str) -> PersonalRow:
        """Who a prescription is for, under a new salt; its digest may stand in a fact, which `append` keeps it with."""
        texts = [plain_text(text, what) for text, what in ((prescription, "prescription"), (name, "name"))]
        salt = os.urandom(SALT_BYTES)
        row = PersonalRow(self.site, texts[0], salt, texts[1], plain_text(address, "address"), "")
        return row._replace(digest=personal_digest(row))

    def remember_person_of(self, prescription: str, name: str, address: str) -> Personal:
        """Keep name and address beside the log; the digest may stand in a fact in their place.

        A second time for the same prescription corrects it, with a new digest.
        """
        row = self.personal(prescription, name, address)
        with self.database.writing(self.site):
            self.database.put_personal(row)
        return Personal(row.prescription, row.name, row.address, row.digest)

    def forget_personal(self, prescription: str) -> None:
        """Erase the name of a prescription; the entries that hold its digest stay, and say nothing without it."""
        with self.database.writing(self.site):
            self.database.erase_personal(self.site, plain_text(prescription, "prescription"))

    def recall_personal(self, prescription: str) -> Personal | None:
        """Who a prescription is for; None if it was never known here, or was erased.

        Raises:
            Refused: name or address are not what was remembered.
        """
        row = self.database.personal(self.site, plain_text(prescription, "prescription"))
        if row is None:
            return None
        if not is_as_remembered(row):
            text = (
                f"The name kept for prescription {row.prescription} is not the one that was recorded:"
                " use the paper prescription, and run `compounding journal verify`."
            )
            raise Refused(Problem("journal.personal-altered", text, where=row.prescription))
        return Personal(row.prescription, row.name, row.address, row.digest)


def _between(prefix: str) -> tuple[str, str]:
    """The first text that begins with a prefix, and the first after all that do."""
    if not prefix.isascii() or not prefix.endswith(":"):
        raise NotUnderstood(Problem("journal.prefix", f"{prefix!r} is no kind of subject: expected such as batch:"))
    return prefix, prefix[:-1] + chr(ord(":") + 1)


def entry_of(row: Row) -> Entry:
    """The entry in a row, if its columns say what its bytes say.

    Raises:
        NotUnderstood: the bytes are not those of the leaf, not canonical, not an entry, or a column differs.
    """
    if not all(isinstance(part, bytes) for part in (row.body, row.signatures, row.leaf, row.peaks)):
        raise _not_an_entry("a column holds no bytes")
    if log.leaf_hash(log.leaf_data(row.body, row.signatures)) != row.leaf:
        raise _not_an_entry("its bytes do not have the hash that was stored with them")
    fact = read_canonical(row.body)
    try:
        entry = _entry(fact, row)
    except (KeyError, TypeError, ValueError) as error:
        raise _not_an_entry("its bytes are not those of an entry") from error
    columns = (row.site, row.sequence, row.kind, row.time, row.person, row.idempotency_key)
    stated = tuple(fact[key] for key in ("site", "sequence", "kind", "time", "person", "idempotency_key"))
    if columns != stated:
        raise _not_an_entry("a column differs from its bytes")
    return entry


def personal_digest(row: PersonalRow) -> str:
    """Salted digest of name and address, bound to site and prescription [64 hexadecimal digits]."""
    stated = {
        "address": row.address,
        "name": row.name,
        "prescription": row.prescription,
        "salt": row.salt.hex(),
        "site": row.site,
    }
    return sha256(canonical_bytes(stated, "personal data")).hexdigest()


def is_as_remembered(row: PersonalRow) -> bool:
    """True if name and address still have the digest that was kept with them."""
    try:
        return isinstance(row.salt, bytes) and row.digest == personal_digest(row)
    except NotUnderstood:
        return False


def written_time(time: datetime) -> str:
    """A moment as the journal writes it: UTC, always with microseconds, so that text sorts as time does.

    Example:
        >>> written_time(datetime(2026, 3, 1, 9, 30, tzinfo=UTC))
        '2026-03-01T09:30:00.000000Z'
    """
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def clock_went_back(time: datetime, before: datetime | None) -> bool:
    """True if a moment lies further before the last entry than clocks differ."""
    return before is not None and time < before - CLOCK_TOLERANCE


def _checked(draft: Draft) -> Draft:
    """The draft with its texts in normal form and its time in UTC, or a refusal; before anything is locked."""
    if draft.time.tzinfo is None or draft.time.utcoffset() is None:
        text = f"The time {draft.time.isoformat()} has no time zone: nothing was recorded. Give it with its zone."
        raise NotUnderstood(Problem("journal.time-zone", text, where="time"))
    texts: dict[str, Any] = {
        name: plain_text(getattr(draft, name), name)
        for name in ("kind", "person", "workstation", "reason", "idempotency_key")
    }
    for name in ("kind", "person", "idempotency_key"):
        if not texts[name].strip():
            raise NotUnderstood(Problem("journal.empty", f"An entry needs a {name}: say what it is.", where=name))
    subjects = tuple(plain_text(subject, "subject") for subject in draft.subjects)
    for subject in subjects:
        kind, _, name = subject.partition(":")
        if not (kind.isascii() and kind.isalpha() and name.strip()) or subjects.count(subject) > 1:
            text = f"{subject!r} cannot be a subject: write its kind, a colon, its name, once, such as batch:2026-0001."
            raise NotUnderstood(Problem("journal.subject", text, where="subjects"))
    return replace(draft, **texts, subjects=subjects, time=draft.time.astimezone(UTC))


def _row(draft: Draft, site: str, before: Frontier, previous: Sequence[int] | None = None) -> Row:
    head = log.head_of(before)
    sequence = head.size + 1
    fact: dict[str, Any] = {
        "body": dict(draft.body),
        "head": {"root": head.root.hex(), "size": head.size},
        "idempotency_key": draft.idempotency_key,
        "kind": draft.kind,
        "person": draft.person,
        "reason": draft.reason,
        "schema": draft.schema,
        "sequence": sequence,
        "site": site,
        "subjects": list(draft.subjects),
        "time": written_time(draft.time),
        "workstation": draft.workstation,
    }
    if previous is not None:
        fact[_PREVIOUS_KEY] = list(previous)
    if draft.clock_set_back:
        fact[_CLOCK_KEY] = True
    if draft.signers:
        fact[_SIGNING_KEY] = [vars(signer.signing) for signer in draft.signers]
        if draft.shown:
            fact[_SHOWN_KEY] = list(draft.shown)
    raw = canonical_bytes(fact, draft.kind)
    signatures = b"".join(signer.sign(raw) for signer in draft.signers)
    leaf = log.leaf_hash(log.leaf_data(raw, signatures))
    peaks = b"".join(log.grown(before, leaf).peaks)
    key, time = draft.idempotency_key, fact["time"]
    return Row(site, sequence, draft.kind, time, draft.person, key, raw, signatures, leaf, peaks)


def _entry(fact: dict[str, Any], row: Row) -> Entry:
    """Read the parts of an entry; anything missing, too many or of another type is an error of some kind."""
    set_back = fact.get(_CLOCK_KEY, False)
    if fact.keys() - {_CLOCK_KEY, _SIGNING_KEY, _PREVIOUS_KEY, _SHOWN_KEY} != _KEYS or (_CLOCK_KEY in fact and set_back is not True):
        raise KeyError("parts")
    signing = _signing(fact[_SIGNING_KEY]) if _SIGNING_KEY in fact else ()
    if len(row.signatures) != SIGNATURE_BYTES * len(signing):
        raise _not_an_entry("it does not have the signatures that it names")
    head, subjects, previous = fact["head"], fact["subjects"], fact.get(_PREVIOUS_KEY)
    shown = fact.get(_SHOWN_KEY)
    if _SHOWN_KEY in fact and (type(shown) is not list or not shown or not signing):
        raise TypeError("parts")
    texts = [fact[name] for name in ("idempotency_key", "kind", "person", "reason", "site", "time", "workstation")]
    texts += shown or ()
    numbers = [fact["schema"], fact["sequence"], head["size"], *(previous or ())]
    if not all(type(text) is str for text in (*texts, *subjects)) or not all(type(number) is int for number in numbers):
        raise TypeError("parts")
    if _PREVIOUS_KEY in fact and (type(previous) is not list or len(previous) != len(subjects)):
        raise TypeError("parts")
    if type(subjects) is not list or type(fact["body"]) is not dict or set(head) != {"root", "size"}:
        raise TypeError("parts")
    time = datetime.fromisoformat(fact["time"])
    root = bytes.fromhex(head["root"])
    if written_time(time) != fact["time"] or root.hex() != head["root"]:
        raise ValueError("spelling")
    return Entry(
        sequence=fact["sequence"],
        kind=fact["kind"],
        schema=fact["schema"],
        site=fact["site"],
        head=Head(head["size"], root),
        time=time,
        person=fact["person"],
        workstation=fact["workstation"],
        reason=fact["reason"],
        subjects=tuple(subjects),
        body=fact["body"],
        idempotency_key=fact["idempotency_key"],
        clock_set_back=set_back,
        raw=row.body,
        signatures=row.signatures,
        signing=signing,
        previous=None if previous is None else tuple(previous),
        shown=None if shown is None else tuple(shown),
    )


def _signing(stated: list[dict[str, str]]) -> tuple[Signing, ...]:
    """What an entry says of its signatures; anything missing, too many or of another type is an error of some kind."""
    if type(stated) is not list or not stated:
        raise TypeError("signing")
    for each in stated:
        if set(each) != set(_SIGNING_PARTS) or not all(type(part) is str for part in each.values()):
            raise TypeError("signing")
    return tuple(Signing(**each) for each in stated)


def _says_the_same(draft: Draft, entry: Entry) -> bool:
    """True if a draft states the fact of an entry; a second try has another time and perhaps another workstation."""
    stated = (draft.kind, draft.schema, draft.subjects, draft.person, draft.reason, draft.clock_set_back)
    written = (entry.kind, entry.schema, entry.subjects, entry.person, entry.reason, entry.clock_set_back)
    return stated == written and canonical_bytes(dict(draft.body)) == canonical_bytes(entry.body)


def _frontier_after(row: Row) -> Frontier:
    try:
        return log.frontier_of(row.sequence, row.peaks)
    except NotUnderstood as wrong:
        raise _damaged(row.sequence, str(wrong)) from wrong


def _refuse_a_clock_behind(draft: Draft, last: datetime | None) -> None:
    if clock_went_back(draft.time, last) and not draft.clock_set_back:
        assert last is not None
        text = (
            f"The clock reads {written_time(draft.time)}, but the last entry was written at {written_time(last)}:"
            " nothing was recorded. Set the clock of this workstation right and run the command again; if it is right, and the"
            " one of that entry was not, a pharmacist says so with compounding journal clock --reason."
        )
        raise ClockBehind(Problem("journal.clock-behind", text, where="time"))


def _damaged(sequence: int, reason: str) -> Refused:
    text = (
        f"Entry {sequence} does not hold what was recorded: {reason}. Nothing was recorded now. Keep the file as it is,"
        " run `compounding journal verify`, and go on with the newest backup that verifies."
    )
    return Refused(Problem("journal.damaged", text, where=f"entry {sequence}"))


def _not_an_entry(reason: str) -> NotUnderstood:
    return NotUnderstood(Problem("journal.not-an-entry", reason))
