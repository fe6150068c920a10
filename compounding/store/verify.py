"""Is the journal what was written, every byte of it?

Nothing stored beside the entries is believed: the tree, the columns and the subjects are derived
again from their bytes. Whoever removes a trigger and edits a row is found here; whoever
rewrites the whole log consistently is found by a head printed before.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from typing import Any

from compounding.problems import EnvironmentFails, NotUnderstood, Problem
from compounding.records.written import Written, WrittenSigning, read_written, surely_written
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
_AT_ONCE = 4096  # entries whose bytes are hashed in one go

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


# A hash that has taken its first byte, copied for each node and leaf: half the time of a new one.
_NODE, _LEAF = sha256(b"\1"), sha256(b"\0")


def _node(left: bytes, right: bytes) -> bytes:
    node = _NODE.copy()
    node.update(left + right)
    return node.digest()


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
            node = _NODE.copy()
            node.update(peak + root)
            root = node.digest()
        return root

    def frontier(self) -> Frontier:
        """The leaves so far."""
        return Frontier(self.size, tuple(self._peaks))

    def grow(self, leaf: bytes) -> None:
        """One leaf hash more."""
        rest = self.size
        while rest & 1:
            leaf = _node(self._peaks.pop(), leaf)
            rest >>= 1
        self._peaks.append(leaf)
        self.size += 1

    def grow_all(self, leaves: list[bytes]) -> None:
        """Many leaf hashes more: whole subtrees are built level by level, as the loops of C do it."""
        at, left = 0, len(leaves)
        while left:
            size = 1 << (left.bit_length() - 1)
            if self.size:
                size = min(size, self.size & -self.size)
            level = leaves[at : at + size]
            while len(level) > 1:
                level = [sha256(b"\1" + one + other).digest() for one, other in zip(level[::2], level[1::2], strict=True)]
            node, rest = level[0], self.size // size
            while rest & 1:
                node = _node(self._peaks.pop(), node)
                rest >>= 1
            self._peaks.append(node)
            self.size, at, left = self.size + size, at + size, left - size

    def stored(self) -> bytes:
        """The peaks one after the other, as the latest entry keeps them."""
        return b"".join(self._peaks)


def _is_leaf(body: bytes, signatures: bytes, leaf: bytes) -> bool:
    """Whether these are the bytes of a leaf."""
    found = _LEAF.copy()
    found.update(log.leaf_data(body, signatures) if signatures else body)
    return found.digest() == leaf


def _entries(
    journal: Journal, progress: Progress | None, trusted: int, notes: list[str] | None
) -> Iterator[Problem]:
    """The log, entry by entry, up to the first bad one."""
    database, site = journal.database, journal.site
    total = database.count(site)
    peaks, time, done, found = _Peaks(), "", 0, None
    subjects, states = _Subjects(), States()
    for done, row in enumerate(database.every_tuple(site), start=1):
        try:
            entry = _surely(row, peaks, time, done <= trusted) or _closely(Row._make(row), peaks, time)
            subjects.take(entry)
            if entry.signing and done > trusted:
                _check_signatures(entry, row[6], row[7])
            states.take(entry)
            peaks.grow(row[8])
            if row[9] != peaks.stored():
                raise _wrong("the stored peaks are not those of the tree")
        except NotUnderstood as wrong:
            code = "signature" if wrong.problems[0].code == "verify.signature" else "entry"
            found = _problem(code, f"Entry {done} is the first bad one: {wrong}", f"entry {done}")
        except DutyBroken as broken:
            found = _problem(f"duty-{broken.code}", f"Entry {done} is the first bad one: {broken}", f"entry {done}")
        if found:
            break
        time = row[3]
        if progress and (done % _PROGRESS_EVERY == 0 or done == total):
            progress(done, total)
    if found or not subjects.are_listed(database, site):
        found = _first_misplaced(database, site, done - bool(found)) or found
    elif notes is not None:
        notes += states.notes
    if found:
        yield found


def _surely(row: tuple[Any, ...], before: _Peaks, last_time: str, trusted: bool) -> Written | None:
    """The entry in a row, if it is beyond doubt the next one; None if it must be looked at closely.

    Bytes that are trusted are taken as they are: neither their spelling nor the head that they name is judged again.
    """
    site, sequence, kind, time, person, key, body, signatures, leaf, _ = row
    if type(body) is not bytes or type(signatures) is not bytes or not _is_leaf(body, signatures, leaf):
        return None
    written = read_written(body) if trusted else surely_written(body)
    if (
        written is None
        or sequence != before.size + 1
        or written.sequence != sequence
        or written.site != site
        or written.kind != kind
        or written.time != time
        or written.person != person
        or written.idempotency_key != key
        or written.head.size != before.size
        or written.time < last_time
        or len(signatures) != SIGNATURE_BYTES * len(written.signing)
        or (written.shown is not None and not (written.signing and written.shown))
    ):
        return None
    if trusted:
        return written
    if written.head.root != before.root().hex() or not _is_time(time):
        return None
    if body.isascii():  # of its characters that cannot be seen, only the last stands there without an escape
        return None if b"\x7f" in body else written
    return written if visible(body.decode("utf-8")) else None


_CLOCK = re.compile(r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z")


def _is_time(text: str) -> bool:
    """True if a text is a moment as the journal writes it."""
    return _is_day(text[:10]) and _CLOCK.fullmatch(text, 10) is not None


@lru_cache(maxsize=1024)
def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
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
    if missing := database.first_missing(site):
        yield _problem("entry", f"Entry {missing} is the first bad one: it is missing", f"entry {missing}")
        return
    rows = database.every_body(site)
    while some := list(islice(rows, _AT_ONCE)):
        begin, leaves = peaks.size, [leaf for _, _, leaf in some]
        found = [sha256(b"\0" + (log.leaf_data(body, signed) if signed else body)).digest() for body, signed, _ in some]
        if found != leaves:
            bad = begin + 1 + next(at for at, leaf in enumerate(leaves) if found[at] != leaf)
            text = f"Entry {bad} is the first bad one: its bytes are not those of its leaf"
            yield _problem("entry", text, f"entry {bad}")
            return
        for sequence, (body, signed, _) in enumerate(some, start=begin + 1):
            if signed or sequence == total:
                peaks.grow_all(leaves[peaks.size - begin : sequence - begin - 1])
                if _head_in(body) != (peaks.size, peaks.root().hex()):
                    text = f"Entry {sequence} names another head than that of the entries before it; verify without --quick to find which"
                    yield _problem("entry", text, f"entry {sequence}")
                    return
        peaks.grow_all(leaves[peaks.size - begin :])
        if progress:
            progress(peaks.size, total)
    last = database.row(site, total)
    if last and last.peaks != peaks.stored():
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


def _check_signatures(entry: Entry | Written, body: bytes, signatures: bytes) -> None:
    """Every signature of an entry, over its bytes.

    Raises:
        NotUnderstood: one was not made of these bytes with the key that is named.
    """
    stated: Sequence[Signing | WrittenSigning] = entry.signing
    shown = None if entry.shown is None else sha256("\n".join(entry.shown).encode("utf-8")).hexdigest()
    for place, signing in enumerate(stated):
        signature = signatures[SIGNATURE_BYTES * place : SIGNATURE_BYTES * (place + 1)]
        if not signature_holds(signing.key, signature, body):
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
    """What the entries are about: the last entry about each subject, and all of it against the table of subjects.

    The table is a set of rows, so is what the entries say, and two sets are the same if the sums of their rows' hashes are;
    the hashes are salted, so that nobody can make another set for a sum. Read so, the table needs no sorting.
    """

    def __init__(self) -> None:
        self._salt = int.from_bytes(os.urandom(6), "big")
        self._sum = 0
        self._last: dict[str, int] = {}
        self._named = False  # True once an entry has named those before it: then all do

    def take(self, entry: Entry | Written) -> None:
        """The subjects of one entry, and those before it that it names.

        Raises:
            NotUnderstood: it names others.
        """
        last, previous, sequence = self._last, entry.previous, entry.sequence
        if previous is not None:
            self._named = True
            if previous != tuple([last.get(subject, 0) for subject in entry.subjects]):
                raise _wrong("it names other entries before it than those that there are")
        elif self._named:
            raise _wrong("it does not name the entries before it")
        for subject in entry.subjects:
            last[subject] = sequence
            self._sum += hash((self._salt, subject, sequence))

    def are_listed(self, database: Database, site: str) -> bool:
        """Whether the table holds what the entries say, and nothing else."""
        return sum(map(hash, database.every_subject_after(self._salt, site))) == self._sum


def _first_misplaced(database: Database, site: str, good: int) -> Problem | None:
    """The first entry that is not listed under what it is about, of those that are good otherwise; or a row of none."""
    rows = database.every_subject(site)
    following = next(rows, None)
    for done, row in enumerate(database.every_row(site), start=1):
        if done > good:
            return None
        listed = []
        while following is not None and following[0] <= done:
            listed.append(following)
            following = next(rows, None)
        about = entry_of(row).subjects
        if sorted(listed) != sorted((done, subject) for subject in about):
            text = f"it is about {', '.join(about) or 'nothing'}, but is listed otherwise"
            return _problem("entry", f"Entry {done} is the first bad one: {text}", f"entry {done}")
    if following is None:
        return None
    text = f"{following[1]!r} is listed as subject of entry {following[0]}, which is missing"
    return _problem("subject", text, "subjects")


def _wrong(reason: str) -> NotUnderstood:
    return NotUnderstood(Problem("verify.reason", reason))


def _problem(code: str, text: str, where: str) -> Problem:
    advice = "Keep the file as it is and go on with the newest backup that verifies."
    return Problem(f"verify.{code}", f"{text}. {advice}", where=where)
