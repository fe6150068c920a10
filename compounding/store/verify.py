"""Is the journal what was written, every byte of it?

Nothing stored beside the entries is believed: the tree, the columns and the subjects are derived
again from their bytes. Whoever removes a trigger and edits a row is found here; whoever
rewrites the whole log consistently is found by a head printed before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256

from compounding.problems import EnvironmentFails, NotUnderstood, Problem
from compounding.records.written import Written, WrittenSigning, surely_written
from compounding.store import log
from compounding.store.canonical import read_canonical, visible
from compounding.store.database import Database, Row
from compounding.store.journal import (
    SIGNATURE_BYTES,
    Entry,
    Journal,
    Signing,
    clock_went_back,
    entry_of,
    is_as_remembered,
)
from compounding.store.keys import signature_holds
from compounding.store.log import Frontier
from compounding.work.duties import DutyBroken
from compounding.work.states import States

_PROGRESS_EVERY = 1000  # entries

Progress = Callable[[int, int], None]


def verify(
    journal: Journal,
    progress: Progress | None = None,
    *,
    trusted: int = 0,
    quick: bool = False,
    notes: list[str] | None = None,
) -> list[Problem]:
    """Everything that is wrong with a journal; an empty list if it is what was written.

    Of several bad entries the first is named, for those after it follow from it. In a file writers wait meanwhile.

    Args:
        journal: an open journal.
        progress: is told now and then how many entries of how many are done.
        trusted: entries up to this one belong to a head that was found good before, and are still those bytes: of them
            only what the later ones rest on is read [0 or more].
        quick: compare the bytes of each entry with the tree, and nothing else.
        notes: takes what is in order, and must be known all the same, such as a key that nobody vouched for.

    Raises:
        EnvironmentFails: the file cannot be read (disk, lock); a damaged file is an answer, not a failure.
    """
    problems: list[Problem] = []
    database = journal.database
    parts = (_file(database), _entries(journal, progress, trusted, notes), _personal(database))
    for checked in (_bytes_alone(journal, progress),) if quick else parts:
        try:
            with database.reading():
                problems.extend(checked)
        except EnvironmentFails as failure:
            if any(problem.code != "journal.damaged" for problem in failure.problems):
                raise
            problems.append(_problem("unreadable", f"The database cannot read it: {failure.__cause__}", "file"))
    return problems


def _file(database: Database) -> Iterator[Problem]:
    """Structure of the file, its tables and triggers, and rows that belong to nobody."""
    for damage in database.damage():
        yield _problem("structure", f"The database finds itself damaged: {damage}", "file")
    for part in database.altered_parts():
        yield _problem("schema", f"The {part} is missing, was changed, or should not be there", part)
    for site in database.strangers():
        yield _problem("stranger", f"There are rows of a site {site!r} that has no journal here", "file")


class _Peaks:
    """The frontier of the tree while it is walked; it grows in place."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def root(self) -> bytes:
        """Root over the leaves so far."""
        if not self._peaks:
            return log.EMPTY_ROOT
        root = self._peaks[-1]
        for peak in self._peaks[-2::-1]:
            root = sha256(b"\1" + peak + root).digest()
        return root

    def frontier(self) -> Frontier:
        """The leaves so far."""
        return Frontier(self.size, tuple(self._peaks))

    def grow(self, leaf: bytes) -> None:
        """One leaf hash more."""
        rest = self.size
        while rest & 1:
            leaf = sha256(b"\1" + self._peaks.pop() + leaf).digest()
            rest >>= 1
        self._peaks.append(leaf)
        self.size += 1

    def stored(self) -> bytes:
        """The peaks one after the other, as the latest entry keeps them."""
        return b"".join(self._peaks)


def _entries(
    journal: Journal, progress: Progress | None, trusted: int, notes: list[str] | None
) -> Iterator[Problem]:
    """The log, entry by entry, up to the first bad one."""
    database, site = journal.database, journal.site
    total = database.count(site)
    peaks, time = _Peaks(), ""
    subjects, states = _Subjects(database, site), States()
    for done, row in enumerate(database.every_row(site), start=1):
        try:
            entry = _surely(row, peaks, time, done <= trusted) or _closely(row, peaks, time)
            subjects.take(entry)
            if entry.signing and done > trusted:
                _check_signatures(entry, row)
            states.take(entry)
            peaks.grow(row.leaf)
            if row.peaks != peaks.stored():
                raise _wrong("the stored peaks are not those of the tree")
        except NotUnderstood as wrong:
            code = "signature" if wrong.problems[0].code == "verify.signature" else "entry"
            yield _problem(code, f"Entry {done} is the first bad one: {wrong}", f"entry {done}")
            return
        except DutyBroken as broken:
            yield _problem(f"duty-{broken.code}", f"Entry {done} is the first bad one: {broken}", f"entry {done}")
            return
        time = row.time
        if progress and (done % _PROGRESS_EVERY == 0 or done == total):
            progress(done, total)
    if notes is not None:
        notes += states.notes
    extra = subjects.rest()
    if extra:
        yield _problem(
            "subject", f"{extra[1]!r} is listed as subject of entry {extra[0]}, which is missing", "subjects"
        )


def _surely(row: Row, before: _Peaks, last_time: str, trusted: bool) -> Written | None:
    """The entry in a row, if it is beyond doubt the next one; None if it must be looked at closely.

    Of an entry whose bytes are trusted the head that it names is not compared again.
    """
    body, signatures = row.body, row.signatures
    if type(body) is not bytes or type(signatures) is not bytes:
        return None
    if sha256(b"\0" + (log.leaf_data(body, signatures) if signatures else body)).digest() != row.leaf:
        return None
    written = surely_written(body)
    if (
        written is None
        or row.sequence != before.size + 1
        or written.sequence != row.sequence
        or written.site != row.site
        or written.kind != row.kind
        or written.time != row.time
        or written.person != row.person
        or written.idempotency_key != row.idempotency_key
        or written.head.size != before.size
        or written.time < last_time
        or len(signatures) != SIGNATURE_BYTES * len(written.signing)
        or (written.shown is not None and not (written.signing and written.shown))
        or (not trusted and written.head.root != before.root().hex())
    ):
        return None
    text = body.decode("utf-8")
    if not ((text.isascii() and text.isprintable()) or visible(text)) or not _is_time(written.time):
        return None
    return written


def _is_time(text: str) -> bool:
    """True if a text is a moment as the journal writes it."""
    try:
        return text[-1:] == "Z" and datetime.fromisoformat(text[:-1]).isoformat(timespec="microseconds") == text[:-1]
    except ValueError:
        return False


def _closely(row: Row, before: _Peaks, last_time: str) -> Entry:
    """The entry in a row, part by part.

    Raises:
        NotUnderstood: why it is not the next one.
    """
    time = datetime.fromisoformat(last_time) if last_time else None
    return _fits(row, before.frontier(), time)


def _bytes_alone(journal: Journal, progress: Progress | None) -> Iterator[Problem]:
    """The tree over the bytes of every entry, and the heads that the last entry and every signed one name."""
    database, site = journal.database, journal.site
    total, peaks = database.count(site), _Peaks()
    digest, grow = sha256, peaks.grow
    kept = b""
    for place, (sequence, body, signatures, leaf, stored) in enumerate(database.every_leaf(site), start=1):
        found = digest(b"\0" + (log.leaf_data(body, signatures) if signatures else body)).digest()
        if found != leaf or sequence != place:
            text = f"Entry {place} is the first bad one: its bytes are not those of its leaf, or it is missing"
            yield _problem("entry", text, f"entry {place}")
            return
        if (signatures or place == total) and _head_in(body) != (peaks.size, peaks.root().hex()):
            text = f"Entry {place} names another head than that of the entries before it; verify without --quick to find which"
            yield _problem("entry", text, f"entry {place}")
            return
        grow(leaf)
        kept = stored
        if progress and place % _PROGRESS_EVERY == 0:
            progress(place, total)
    if kept != peaks.stored():
        yield _problem("entry", f"Entry {total} is bad: the stored peaks are not those of the tree", f"entry {total}")


def _head_in(body: bytes) -> tuple[int, str] | None:
    """The head that an entry's bytes name."""
    try:
        head = read_canonical(body)["head"]
        return head["size"], head["root"]
    except (NotUnderstood, KeyError, TypeError):
        return None


def _fits(row: Row, before: Frontier, last_time: datetime | None) -> Entry:
    """The entry in a row, if it is the next one after this frontier.

    Raises:
        NotUnderstood: why it is not.
    """
    if row.sequence != before.size + 1:
        raise _wrong(f"it is missing, the next one has the number {row.sequence}")
    entry = entry_of(row)
    if entry.head != log.head_of(before):
        raise _wrong("the head that it names is not that of the entries before it")
    if row.peaks != b"".join(log.grown(before, row.leaf).peaks):
        raise _wrong("the stored peaks are not those of the tree")
    if clock_went_back(entry.time, last_time) and not entry.clock_set_back:
        raise _wrong("its time is before that of the entry before it")
    return entry


def _check_signatures(entry: Entry | Written, row: Row) -> None:
    """Every signature of an entry, over its bytes.

    Raises:
        NotUnderstood: one was not made of these bytes with the key that is named.
    """
    stated: Sequence[Signing | WrittenSigning] = entry.signing
    shown = None if entry.shown is None else sha256("\n".join(entry.shown).encode("utf-8")).hexdigest()
    for place, signing in enumerate(stated):
        signature = row.signatures[SIGNATURE_BYTES * place : SIGNATURE_BYTES * (place + 1)]
        if not signature_holds(signing.key, signature, row.body):
            text = f"the signature of {signing.name} is not one of these bytes by that key"
            raise NotUnderstood(Problem("verify.signature", text))
        if shown not in (None, signing.shown):
            text = f"the page that is kept with it is not the one that {signing.name} was shown"
            raise NotUnderstood(Problem("verify.signature", text))


def _personal(database: Database) -> Iterator[Problem]:
    """The erasable names, each against its own digest."""
    for row in database.every_personal():
        if not is_as_remembered(row):
            text = f"The name kept for prescription {row.prescription} is not the one that was recorded"
            yield _problem("personal", text, row.prescription)


class _Subjects:
    """The rows of the table of subjects, walked in step with the entries, and the last entry about each."""

    def __init__(self, database: Database, site: str) -> None:
        self._rows = database.every_subject(site)
        self._next = next(self._rows, None)
        self._last: dict[str, int] = {}
        self._named = False  # True once an entry has named those before it: then all do

    def take(self, entry: Entry | Written) -> None:
        """Take the rows of one entry, and compare them with what it says."""
        listed, sequence = [], entry.sequence
        following = self._next
        while following is not None and following[0] <= sequence:
            listed.append(following)
            following = next(self._rows, None)
        self._next = following
        self._check_previous(entry)
        if len(listed) == 1 == len(entry.subjects) and listed[0] == (sequence, entry.subjects[0]):
            return
        if sorted(listed) != sorted((sequence, subject) for subject in entry.subjects):
            raise _wrong(f"it is about {', '.join(entry.subjects) or 'nothing'}, but is listed otherwise")

    def _check_previous(self, entry: Entry | Written) -> None:
        last, previous = self._last, entry.previous
        if previous is None:
            if self._named:
                raise _wrong("it does not name the entries before it")
        else:
            self._named = True
            if previous != tuple([last.get(subject, 0) for subject in entry.subjects]):
                raise _wrong("it names other entries before it than those that there are")
        for subject in entry.subjects:
            last[subject] = entry.sequence

    def rest(self) -> tuple[int, str] | None:
        """A row that no entry has taken."""
        return self._next


def _wrong(reason: str) -> NotUnderstood:
    return NotUnderstood(Problem("verify.reason", reason))


def _problem(code: str, text: str, where: str) -> Problem:
    advice = "Keep the file as it is and go on with the newest backup that verifies."
    return Problem(f"verify.{code}", f"{text}. {advice}", where=where)
