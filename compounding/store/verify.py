"""Is the journal what was written, every byte of it?

Nothing stored beside the entries is believed: the tree, the columns and the subjects are derived
again from their bytes. Whoever removes a trigger and edits a row is found here; whoever
rewrites the whole log consistently is found by a head printed before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from compounding.problems import EnvironmentFails, NotUnderstood, Problem
from compounding.store import log
from compounding.store.database import Database, Row
from compounding.store.journal import SIGNATURE_BYTES, Entry, Journal, clock_went_back, entry_of, is_as_remembered
from compounding.store.keys import signature_holds
from compounding.store.log import Frontier, Head
from compounding.work.duties import Duties, DutyBroken

_PROGRESS_EVERY = 1000  # entries


def verify(
    journal: Journal, progress: Callable[[int, int], None] | None = None, trusted: Head | None = None
) -> list[Problem]:
    """Everything that is wrong with a journal; an empty list if it is what was written.

    Of several bad entries the first is named, for those after it follow from it. In a file writers wait meanwhile.

    Args:
        journal: an open journal.
        progress: is told now and then how many entries of how many are done.
        trusted: a head up to which the journal was verified before; the entries up to it are only read, for what the
            later ones are judged by.

    Raises:
        EnvironmentFails: the file cannot be read (disk, lock); a damaged file is an answer, not a failure.
    """
    problems: list[Problem] = []
    database = journal.database
    for checked in (_file(database), _entries(journal, progress, trusted), _personal(database)):
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


def _entries(
    journal: Journal, progress: Callable[[int, int], None] | None, trusted: Head | None
) -> Iterator[Problem]:
    """The log, entry by entry, up to the first bad one."""
    database, site = journal.database, journal.site
    total = database.count(site)
    frontier, time = log.EMPTY, None
    subjects, duties = _Subjects(database, site), Duties()
    known = trusted.size if trusted else 0
    if trusted and not journal.had(trusted):
        yield _problem("trusted", f"The journal never had the head of {trusted.size} entries that is trusted", "head")
        return
    for done, row in enumerate(database.every_row(site), start=1):
        try:
            entry = _fits(row, frontier, time) if done > known else entry_of(row)
            subjects.take(entry)
            if done > known:
                _check_signatures(entry)
            duties.take(entry)
        except NotUnderstood as wrong:
            code = "signature" if wrong.problems[0].code == "verify.signature" else "entry"
            yield _problem(code, f"Entry {done} is the first bad one: {wrong}", f"entry {done}")
            return
        except DutyBroken as broken:
            yield _problem(f"duty-{broken.code}", f"Entry {done} is the first bad one: {broken}", f"entry {done}")
            return
        frontier, time = log.frontier_of(row.sequence, row.peaks), entry.time
        if progress and (done % _PROGRESS_EVERY == 0 or done == total):
            progress(done, total)
    extra = subjects.rest()
    if extra:
        yield _problem(
            "subject", f"{extra[1]!r} is listed as subject of entry {extra[0]}, which is missing", "subjects"
        )


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


def _check_signatures(entry: Entry) -> None:
    """Every signature of an entry, over its bytes.

    Raises:
        NotUnderstood: one was not made of these bytes with the key that is named.
    """
    for place, signing in enumerate(entry.signing):
        signature = entry.signatures[SIGNATURE_BYTES * place : SIGNATURE_BYTES * (place + 1)]
        if not signature_holds(signing.key, signature, entry.raw):
            text = f"the signature of {signing.name} is not one of these bytes by that key"
            raise NotUnderstood(Problem("verify.signature", text))


def _personal(database: Database) -> Iterator[Problem]:
    """The erasable names, each against its own digest."""
    for row in database.every_personal():
        if not is_as_remembered(row):
            text = f"The name kept for prescription {row.prescription} is not the one that was recorded"
            yield _problem("personal", text, row.prescription)


class _Subjects:
    """The rows of the table of subjects, walked in step with the entries."""

    def __init__(self, database: Database, site: str) -> None:
        self._rows = database.every_subject(site)
        self._next = next(self._rows, None)

    def take(self, entry: Entry) -> None:
        """Take the rows of one entry, and compare them with what it says."""
        listed = []
        while self._next is not None and self._next[0] <= entry.sequence:
            listed.append(self._next)
            self._next = next(self._rows, None)
        expected = [(entry.sequence, subject) for subject in entry.subjects]
        if sorted(listed) != sorted(expected):
            raise _wrong(f"it is about {', '.join(entry.subjects) or 'nothing'}, but is listed otherwise")

    def rest(self) -> tuple[int, str] | None:
        """A row that no entry has taken."""
        return self._next


def _wrong(reason: str) -> NotUnderstood:
    return NotUnderstood(Problem("verify.reason", reason))


def _problem(code: str, text: str, where: str) -> Problem:
    advice = "Keep the file as it is and go on with the newest backup that verifies."
    return Problem(f"verify.{code}", f"{text}. {advice}", where=where)
