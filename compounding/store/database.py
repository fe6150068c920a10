"""The port to the database that holds a journal: rows in, rows out, one transaction at a time.

What a row means is for `journal` to say. The statements stand here once, for SQLite and PostgreSQL
understand them alike; what each does in its own way (transactions, locks, schema, what its failures
mean) is in `sqlite` and `postgresql`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from compounding.problems import EnvironmentFails, NotUnderstood, Problem

FORMAT = 1
BUSY_SECONDS = 60

# Where a journal lies: a file, or the address of a server's database.
Place = Path | str

_COLUMNS = "site, sequence, kind, time, person, idempotency_key, body, signatures, leaf, peaks"
_PERSONAL = "site, prescription, salt, name, address, digest"


class Row(NamedTuple):
    """One row of `entries`: the stored bytes, and what is derived from them to find them."""

    site: str
    sequence: int
    kind: str
    time: str
    person: str
    idempotency_key: str
    body: bytes
    signatures: bytes
    leaf: bytes
    peaks: bytes


class PersonalRow(NamedTuple):
    """One row of `personal`, the table that may be erased."""

    site: str
    prescription: str
    salt: bytes
    name: str
    address: str
    digest: str


class CommitFails(EnvironmentFails):
    """The last step of a transaction failed; whether it took effect must be looked up."""


class DamagedRow(Exception):
    """A column holds what no table promised."""


class Database(ABC):
    """A connection to one database. Make it with `create` or `open_place`; close it.

    Args:
        where: its place, as a message names it; never with a password.
    """

    where: str

    # ---- what each database does in its own way ----

    @abstractmethod
    def close(self) -> None:
        """Let go of the connection."""

    @abstractmethod
    def writing(self, site: str) -> AbstractContextManager[None]:
        """One transaction that is written down as a whole, or not at all; other writers of the site wait.

        Raises:
            CommitFails: its last step failed, and it is not known whether it took effect.
            EnvironmentFails: nothing was written.
        """

    @abstractmethod
    def reading(self) -> AbstractContextManager[None]:
        """One moment of the database for several readings."""

    @abstractmethod
    def settled(self, site: str) -> bool:
        """Wait until no commit of a site is under way; True if what can be read after that will last."""

    @abstractmethod
    def altered_parts(self) -> list[str]:
        """Tables, indexes, triggers and rights that are missing, changed or too many."""

    @abstractmethod
    def damage(self) -> list[str]:
        """What the database itself finds wrong with its files; it sees structure, not content."""

    @abstractmethod
    def _all(self, statement: str, *values: str | int) -> list[tuple[Any, ...]]:
        """All rows of a question; a failure in plain words."""

    @abstractmethod
    def _each(self, statement: str, *values: str | int) -> Iterator[tuple[Any, ...]]:
        """The rows of a question one at a time; only inside `reading`."""

    @abstractmethod
    def _put(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run a statement once for each row; only inside `writing`."""

    # ---- entries ----

    def add(self, row: Row, subjects: tuple[str, ...]) -> None:
        """Insert one entry and the subjects it is about; only inside `writing`."""
        self._put(f"INSERT INTO entries({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)", [row])
        listed = [(row.site, subject, row.sequence) for subject in subjects]
        self._put("INSERT INTO subjects(site, subject, sequence) VALUES (?,?,?)", listed)

    def last_two(self, site: str) -> list[Row]:
        """The last entry and the one before it, the last first; fewer if there are fewer."""
        return self._rows("WHERE site = ? ORDER BY sequence DESC LIMIT 2", site)

    def row(self, site: str, sequence: int) -> Row | None:
        """One entry by its place."""
        found = self._rows("WHERE site = ? AND sequence = ?", site, sequence)
        return found[0] if found else None

    def every_leaf(self, site: str) -> Iterator[tuple[int, bytes, bytes, bytes, bytes]]:
        """Sequence, bytes, signatures, leaf and peaks of all entries in order, one at a time; only inside `reading`."""
        statement = "SELECT sequence, body, signatures, leaf, peaks FROM entries WHERE site = ? ORDER BY sequence"
        return self._each(statement, site)

    def leaves(self, site: str, after: int, last: int) -> list[tuple[int, bytes, bytes]]:
        """Sequence, bytes and signatures of the entries behind one place up to another, in order."""
        statement = "SELECT sequence, body, signatures FROM entries WHERE site = ? AND sequence > ? AND sequence <= ? ORDER BY sequence"
        return [(_whole(each[0]), bytes(each[1]), bytes(each[2])) for each in self._all(statement, site, after, last)]
    def every_body(self, site: str) -> Iterator[tuple[bytes, bytes, bytes]]:
        """Bytes, signatures and leaf of all entries in order, one at a time; only inside `reading`."""
        return self._each("SELECT body, signatures, leaf FROM entries WHERE site = ? ORDER BY sequence", site)

    def first_missing(self, site: str) -> int:
        """The first number from 1 on that no entry has, though a later one follows; 0 if there is none."""
        ((number, first, last),) = self._all(
            "SELECT count(*), coalesce(min(sequence), 1), coalesce(max(sequence), 0) FROM entries WHERE site = ?", site
        )
        if (first, last) == (1, number):
            return 0
        places = self._each("SELECT sequence FROM entries WHERE site = ? ORDER BY sequence", site)
        return next(place for place, (sequence,) in enumerate(places, start=1) if sequence != place)

    def rows(self, site: str, after: int) -> list[Row]:
        """All entries with a higher sequence, in order."""
        return self._rows("WHERE site = ? AND sequence > ? ORDER BY sequence", site, after)

    def rows_signed(self, site: str, since: int) -> list[Row]:
        """The entries from a sequence on that somebody signed, in order."""
        return self._rows("WHERE site = ? AND sequence >= ? AND length(signatures) > 0 ORDER BY sequence", site, since)

    def rows_about(self, site: str, subject: str, after: int) -> list[Row]:
        """The entries about one subject with a higher sequence, in order."""
        about = "(SELECT sequence FROM subjects WHERE site = ? AND subject = ? AND sequence > ?)"
        return self._rows(f"WHERE site = ? AND sequence IN {about} ORDER BY sequence", site, site, subject, after)

    def entries_under(self, site: str, first: str, end: str) -> Iterator[tuple[int, bytes, bytes, bytes]]:
        """Sequence, body, signatures and leaf of each entry about the subjects from `first` to before `end`, one at a
        time, in the order of the subjects; only inside `reading`."""
        statement = (
            "SELECT entries.sequence, body, signatures, leaf FROM subjects JOIN entries"
            " ON entries.site = subjects.site AND entries.sequence = subjects.sequence"
            " WHERE subjects.site = ? AND subject >= ? AND subject < ? ORDER BY subject, entries.sequence"
        )
        return ((_whole(each[0]), *map(bytes, each[1:])) for each in self._each(statement, site, first, end))  # type: ignore[misc]

    def row_of_key(self, site: str, idempotency_key: str) -> Row | None:
        """The entry that was written under this key."""
        found = self._rows("WHERE site = ? AND idempotency_key = ?", site, idempotency_key)
        return found[0] if found else None

    def last_about(self, site: str, subject: str) -> int:
        """Sequence of the last entry about a subject [0 if there is none]."""
        ((last,),) = self._all(
            "SELECT coalesce(max(sequence), 0) FROM subjects WHERE site = ? AND subject = ?", site, subject
        )
        return _whole(last)

    def last_about_each(self, site: str, subjects: Sequence[str]) -> list[int]:
        """Sequence of the last entry about each of some subjects [0 if there is none]."""
        if not subjects:
            return []
        marks = ",".join("?" * len(subjects))
        statement = (
            f"SELECT subject, max(sequence) FROM subjects WHERE site = ? AND subject IN ({marks}) GROUP BY subject"
        )
        found = {str(subject): _whole(last) for subject, last in self._all(statement, site, *subjects)}
        return [found.get(subject, 0) for subject in subjects]

    def subjects_between(self, site: str, first: str, end: str) -> list[tuple[str, int]]:
        """Subjects from `first` to before `end`, each with the sequence of its last entry."""
        found = self._all(
            "SELECT subject, max(sequence) FROM subjects"
            " WHERE site = ? AND subject >= ? AND subject < ? GROUP BY subject ORDER BY subject",
            site,
            first,
            end,
        )
        return [(str(subject), _whole(last)) for subject, last in found]

    def _rows(self, condition: str, *values: str | int) -> list[Row]:
        return [Row._make(row) for row in self._all(f"SELECT {_COLUMNS} FROM entries {condition}", *values)]

    # ---- the erasable table ----

    def put_personal(self, row: PersonalRow) -> None:
        """Write down, or write over, who a prescription is for; only inside `writing`."""
        changed = ", ".join(f"{column} = excluded.{column}" for column in ("salt", "name", "address", "digest"))
        self._put(
            f"INSERT INTO personal({_PERSONAL}) VALUES (?,?,?,?,?,?) ON CONFLICT (site, prescription) DO UPDATE SET {changed}",
            [row],
        )

    def erase_personal(self, site: str, prescription: str) -> None:
        """Erase who a prescription is for; only inside `writing`."""
        self._put("DELETE FROM personal WHERE site = ? AND prescription = ?", [(site, prescription)])

    def personal(self, site: str, prescription: str) -> PersonalRow | None:
        """Who a prescription is for, unless it was never known or has been erased."""
        statement = f"SELECT {_PERSONAL} FROM personal WHERE site = ? AND prescription = ?"
        found = self._all(statement, site, prescription)
        return PersonalRow._make(found[0]) if found else None

    # ---- for verification: inside `reading`, row by row ----

    def site_known(self, site: str) -> bool:
        """True if this database holds the journal of the site."""
        return bool(self._all("SELECT 1 FROM sites WHERE site = ?", site))

    def sites(self) -> list[str]:
        """The sites whose journals this database holds."""
        return [str(site) for (site,) in self._all("SELECT site FROM sites ORDER BY site")]

    def count(self, site: str) -> int:
        """Number of entries of a site."""
        ((number,),) = self._all("SELECT count(*) FROM entries WHERE site = ?", site)
        return _whole(number)

    def every_row(self, site: str) -> Iterator[Row]:
        """All entries in order, one at a time."""
        return map(Row._make, self.every_tuple(site))

    def every_tuple(self, site: str) -> Iterator[tuple[Any, ...]]:
        """The same, each as a plain tuple in the order of `Row`'s columns."""
        return self._each(f"SELECT {_COLUMNS} FROM entries WHERE site = ? ORDER BY sequence", site)

    def every_subject_after(self, number: int, site: str) -> Iterator[tuple[Any, ...]]:
        """All rows of `subjects` as a number that is given, subject and sequence, in whatever order."""
        return self._each("SELECT CAST(? AS bigint), subject, sequence FROM subjects WHERE site = ?", number, site)

    def every_subject(self, site: str) -> Iterator[tuple[int, str]]:
        """All rows of `subjects` as sequence and subject, in order of sequence."""
        statement = "SELECT sequence, subject FROM subjects WHERE site = ? ORDER BY sequence, subject"
        return ((_whole(sequence), str(subject)) for sequence, subject in self._each(statement, site))

    def every_personal(self) -> Iterator[PersonalRow]:
        """All rows of `personal`."""
        return map(PersonalRow._make, self._each(f"SELECT {_PERSONAL} FROM personal ORDER BY site, prescription"))

    def strangers(self) -> list[str]:
        """Sites that rows belong to although the database does not hold their journal."""
        tables = " UNION ".join(f"SELECT site FROM {table}" for table in ("entries", "subjects", "personal"))
        return [
            str(site) for (site,) in self._all(f"SELECT site FROM ({tables}) AS named EXCEPT SELECT site FROM sites")
        ]


def create(place: Place, site: str) -> Database:
    """A place with the empty journal of one site; nothing is left there if that fails.

    Raises:
        Refused: there is a journal of the site already, or a file that is something else.
        EnvironmentFails: it cannot be made.
    """
    if isinstance(place, Path):
        from compounding.store import sqlite

        return sqlite.create(place, site)
    from compounding.store import postgresql

    return postgresql.create(place, site)


def open_place(place: Place) -> Database:
    """Open a place that holds journals.

    Raises:
        EnvironmentFails: there is none, or this is something else, or it is too new, or it cannot be read.
    """
    if isinstance(place, Path):
        from compounding.store import sqlite

        return sqlite.open_file(place)
    from compounding.store import postgresql

    return postgresql.open_address(place)


def _whole(value: object) -> int:
    """A number that a query gave; a damaged file may give something else, whatever the table promised."""
    if type(value) is not int:
        raise DamagedRow("a column holds something else than a whole number")
    return value


def check_site(site: str) -> str:
    """The name of a site, if it can stand in the first line of a checkpoint.

    Raises:
        NotUnderstood: other characters than letters, digits, dot, dash and underscore, or more than 64.
    """
    allowed = site.isascii() and site.replace(".", "").replace("-", "").replace("_", "").isalnum() and len(site) <= 64
    if not allowed:
        text = f"{site!r} cannot name a site: use up to 64 letters (a-z), digits, dots, dashes and underscores."
        raise NotUnderstood(Problem("journal.site", text, where="site"))
    return site
