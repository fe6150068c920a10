"""A journal in a SQLite file: its tables, its settings, and what each of its failures means.

The settings of a connection are those that lost no acknowledged entry in power
cuts: a rollback journal with ``synchronous=EXTRA``. ``REPLACE`` fires the triggers that refuse a
deletion only with ``recursive_triggers``.

Source:
    sqlite-pragma; sqlite-result-codes
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from compounding.problems import EnvironmentFails, Problem, Refused
from compounding.store.database import BUSY_SECONDS, FORMAT, CommitFails, DamagedRow, Database
from compounding.store.disks import far

APPLICATION_ID = 0x436D7064  # "Cmpd" in the file's header
OLDEST_SQLITE = (3, 37, 0)  # the first with STRICT tables

# A damaged length in the file asks for absurd memory; a damaged name stands undecodable in the message of an error.
_FAILURES = (sqlite3.Error, MemoryError, UnicodeDecodeError, DamagedRow)

_SETTINGS = (
    "PRAGMA journal_mode=DELETE",
    "PRAGMA synchronous=EXTRA",
    "PRAGMA foreign_keys=ON",
    "PRAGMA recursive_triggers=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
    "PRAGMA mmap_size=0",
    "PRAGMA secure_delete=ON",  # a name that was erased leaves no trace in the file
)

_SCHEMA = (
    """CREATE TABLE sites(
  site TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE entries(
  site TEXT NOT NULL REFERENCES sites(site),
  sequence INTEGER NOT NULL,
  kind TEXT NOT NULL,
  time TEXT NOT NULL,
  person TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  body BLOB NOT NULL,
  signatures BLOB NOT NULL,
  leaf BLOB NOT NULL,
  peaks BLOB NOT NULL,
  UNIQUE (site, sequence),
  UNIQUE (site, idempotency_key)
) STRICT""",
    """CREATE TABLE subjects(
  site TEXT NOT NULL,
  subject TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  PRIMARY KEY (site, subject, sequence),
  FOREIGN KEY (site, sequence) REFERENCES entries(site, sequence)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE personal(
  site TEXT NOT NULL REFERENCES sites(site),
  prescription TEXT NOT NULL,
  salt BLOB NOT NULL,
  name TEXT NOT NULL,
  address TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (site, prescription)
) STRICT, WITHOUT ROWID""",
    """CREATE TRIGGER entries_join_at_the_end BEFORE INSERT ON entries
  WHEN NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM entries WHERE site = NEW.site)
BEGIN SELECT RAISE(ABORT, 'the journal only grows at its end'); END""",
    *(
        f"""CREATE TRIGGER {table}_refuse_{event.lower()} BEFORE {event} ON {table}
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"""
        for table in ("sites", "entries", "subjects")
        for event in ("UPDATE", "DELETE")
    ),
)


class SqliteDatabase(Database):
    """A connection to one file."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.where = str(path)
        self._connection = connection
        self._file = _identity(path)
        self._far = far(path)

    def close(self) -> None:
        self._connection.close()

    # ---- transactions ----

    @contextmanager
    def writing(self, site: str) -> Iterator[None]:
        """One transaction; the file has one lock for all sites.

        SQLite goes on in a file that was moved away or removed; what is written there is in no journal, so it is not
        acknowledged.
        """
        if self._far:
            raise EnvironmentFails(_on_a_far_disk(self.path, self._far))
        with self._in_plain_words():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._refuse_if_replaced("nothing was recorded")
                yield
            except BaseException:
                self._roll_back()
                raise
            try:
                self._connection.execute("COMMIT")
            except _FAILURES as error:
                self._roll_back()
                raise CommitFails(_problem(self.path, error)) from error
            self._refuse_if_replaced("what was just recorded is in the file that was there before, and may be lost")

    def _refuse_if_replaced(self, fate: str) -> None:
        if _identity(self.path) != self._file:
            text = (
                f"{self.path} was moved, removed or replaced while it was in use: {fate}. Find out by whom, see that the right"
                " file is there, run `compounding journal verify`, and look whether the entry is there."
            )
            raise EnvironmentFails(Problem("journal.replaced", text, where=self.where))

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One moment of the file; writers wait meanwhile."""
        with self._in_plain_words():
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._roll_back()

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    @contextmanager
    def _in_plain_words(self) -> Iterator[None]:
        try:
            yield
        except _FAILURES as error:
            raise EnvironmentFails(_problem(self.path, error)) from error

    def settled(self, site: str) -> bool:
        """Nothing to wait for, and nothing to trust: after a failed commit a disk may forget what it shows now."""
        return False

    # ---- questions ----

    def _all(self, statement: str, *values: str | int) -> list[tuple[Any, ...]]:
        with self._in_plain_words():
            return self._connection.execute(statement, values).fetchall()

    def _each(self, statement: str, *values: str | int) -> Iterator[tuple[Any, ...]]:
        return self._connection.execute(statement, values)

    def _put(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        self._connection.executemany(statement, rows)

    # ---- for verification ----

    def altered_parts(self) -> list[str]:
        """Tables, indexes and triggers that are missing, changed or too many."""
        with sqlite3.connect(":memory:") as pattern:
            for statement in _SCHEMA:
                pattern.execute(statement)
            expected = set(pattern.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema"))
        pattern.close()
        found = set(self._connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema"))
        return sorted({f"{kind} {name}" for kind, name, _, _ in expected ^ found})

    def damage(self) -> list[str]:
        """What SQLite itself finds wrong with the file; it sees structure, not content."""
        found = [str(text) for (text,) in self._connection.execute("PRAGMA integrity_check(5)")]
        return [text for text in found if text != "ok"]


def create(path: Path, site: str) -> SqliteDatabase:
    """A new file with an empty journal; none is left if that fails.

    A file without a byte (the rest of an interrupted start) is taken; any other is left alone.

    Raises:
        Refused: there is a file already.
        EnvironmentFails: the file cannot be made.
    """
    _check_library()
    if kind := far(path):
        raise EnvironmentFails(_on_a_far_disk(path, kind))
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        if not (path.is_file() and path.stat().st_size == 0):
            text = f"{path} exists already and was left as it is: give another place, or use that journal."
            raise Refused(Problem("journal.exists", text, where=str(path))) from None
    except (OSError, ValueError) as error:
        text = f"{path} cannot be made ({_reason(error)}): nothing was recorded. Check the folder and its permissions."
        raise EnvironmentFails(Problem("journal.cannot-create", text, where=str(path))) from error
    try:
        return _begun(_connected(path), site)
    except BaseException:
        if path.stat().st_size == 0:
            path.unlink()
        raise


def _begun(database: SqliteDatabase, site: str) -> SqliteDatabase:
    try:
        with database.writing(site):
            for statement in (*_SCHEMA, f"PRAGMA application_id={APPLICATION_ID}", f"PRAGMA user_version={FORMAT}"):
                database._connection.execute(statement)
            database._connection.execute("INSERT INTO sites VALUES (?)", (site,))
    except BaseException:
        database.close()
        raise
    return database


def open_file(path: Path) -> SqliteDatabase:
    """Open a file that holds a journal.

    Raises:
        EnvironmentFails: there is none, or this is something else, or it is too new, or it cannot be read.
    """
    _check_library()
    try:
        status = os.stat(path)
    except FileNotFoundError:
        text = f"No journal at {path}: run `compounding init` to begin one, or correct the path in the settings."
        raise EnvironmentFails(Problem("journal.missing", text, where=str(path))) from None
    except (OSError, ValueError) as error:
        text = f"{path} cannot be opened ({_reason(error)}): nothing was recorded. Check the path and its permissions."
        raise EnvironmentFails(Problem("journal.cannot-open", text, where=str(path))) from error
    if not stat.S_ISREG(status.st_mode):
        text = f"{path} is not a file (a folder or a device): correct the path of the journal in the settings."
        raise EnvironmentFails(Problem("journal.not-a-file", text, where=str(path)))
    database = _connected(path)
    try:
        _check_format(database)
    except BaseException:
        database.close()
        raise
    return database


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file is at a place; None if none is."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _on_a_far_disk(path: Path, kind: str) -> Problem:
    text = (
        f"{path} lies on a network disk ({kind}), where two writers can spoil the journal because locks do not hold: nothing"
        " was recorded. Move it to a local disk, or several workstations to PostgreSQL."
    )
    return Problem("journal.network-disk", text, where=str(path))


def _connected(path: Path) -> SqliteDatabase:
    """A connection with every setting; ``mode=rw`` never makes a file, and reads one that may not be written."""
    connection = None
    try:
        address = path.absolute().as_uri() + "?mode=rw"
        connection = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        for setting in _SETTINGS:
            connection.execute(setting).fetchall()
    except _FAILURES as error:
        if connection is not None:
            connection.close()
        raise EnvironmentFails(_problem(path, error)) from error
    return SqliteDatabase(path, connection)


def _check_format(database: SqliteDatabase) -> None:
    path = database.path
    with database._in_plain_words():
        (application,) = database._connection.execute("PRAGMA application_id").fetchone()
        (version,) = database._connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        text = f"{path} is not a journal of this tool: correct the path in the settings, or restore the journal."
        raise EnvironmentFails(Problem("journal.foreign", text, where=str(path)))
    if version != FORMAT:
        text = (
            f"{path} has format {version}, this program knows format {FORMAT}: nothing was changed."
            " Use the version of the program that wrote it, or a newer one."
        )
        raise EnvironmentFails(Problem("journal.format", text, where=str(path)))


def _check_library() -> None:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        text = f"This Python brings SQLite {sqlite3.sqlite_version}; the journal needs 3.37: use a newer Python."
        raise EnvironmentFails(Problem("journal.sqlite-too-old", text))


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


# Primary result code: code of the problem, what happened, what to do.
_MEANINGS = {
    sqlite3.SQLITE_FULL: ("full", "The disk is full", "Free some space and run the command again."),
    sqlite3.SQLITE_READONLY: (
        "read-only",
        "The journal may not be written",
        "Check the permissions of the file and its folder.",
    ),
    sqlite3.SQLITE_BUSY: (
        "busy",
        f"Another program has held the journal for {BUSY_SECONDS} seconds",
        "Close that program and run the command again.",
    ),
    sqlite3.SQLITE_IOERR: (
        "disk-error",
        "The disk reports an error",
        "Check the disk, then run `compounding journal verify`.",
    ),
    sqlite3.SQLITE_CORRUPT: (
        "damaged",
        "The file is damaged",
        "Keep it as it is and go on with the newest backup that verifies.",
    ),
    sqlite3.SQLITE_CONSTRAINT: (
        "not-appended",
        "The journal takes no such row",
        "Run `compounding journal verify`.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "cannot-open",
        "The file cannot be opened",
        "Check the path and the permissions of its folder.",
    ),
}
_ALIASES = {
    sqlite3.SQLITE_NOTADB: sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOMEM: sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_TOOBIG: sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_MISMATCH: sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_LOCKED: sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_PROTOCOL: sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_PERM: sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_AUTH: sqlite3.SQLITE_READONLY,
}


def _problem(path: Path, error: Exception) -> Problem:
    """One sentence each: what happened, that nothing was recorded, what to do."""
    # Python gives no code for text that is not UTF-8 and for a table that is gone: only damage leads there.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    meaning = _MEANINGS.get(_ALIASES.get(code, code), _MEANINGS[sqlite3.SQLITE_CORRUPT])
    name, happened, advice = meaning
    text = f"{happened} ({path}: {error or 'out of memory'}): nothing was recorded. {advice}"
    return Problem(f"journal.{name}", text, where=str(path))
