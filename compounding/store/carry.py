"""A journal on the move: written into one file as lines of JSON, and read into an empty place, every digest kept.

The first line says which log it is and its head; each line after it holds one entry, whose bytes stand in the line as
they were written, with its signatures. Names of patients and attached files come along in a backup, not in an export.
The last line says how many lines there were, so that a file that was cut is noticed by whoever has no head.

A backup may be sealed (`store.sealing`). Neither way is more than one line, or one piece of a seal, in memory at a time.
"""

from __future__ import annotations

import io
import json
import os
import re
import stat
import tempfile
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from compounding.frozen import dataclass
from compounding.problems import EnvironmentFails, NotUnderstood, Problem, Refused
from compounding.store import attachments, log, sealing
from compounding.store.canonical import canonical_bytes
from compounding.store.database import PersonalRow, Place, Row, check_site
from compounding.store.files import move_whole, write_whole
from compounding.store.journal import Entry, Journal, entry_of, is_as_remembered
from compounding.store.log import Head
from compounding.store.sealing import Opens, Seal
from compounding.store.verify import verify

FORMAT = "compounding-journal/v1"
LONGEST_LINE = 2 * attachments.LARGEST  # bytes; an attached file grows by a third

_ENTRY = re.compile(rb'\{"entry":(\{.*\}),"signatures":"((?:[0-9a-f]{2})*)"\}', re.DOTALL)
_ATTACHED = "attachment:"
_BATCH = 1000  # entries that are read, or written in one transaction, at a time

Progress = Callable[[str], Callable[[int, int], None]]  # what is done, and then how much of how much


def _silent(_: str) -> Callable[[int, int], None]:
    return lambda done, total: None


@dataclass(frozen=True)
class Carried:
    """What a file holds.

    Args:
        head: of the journal.
        lost: each attached file that the journal names and that did not come along.
    """

    head: Head
    lost: tuple[Problem, ...]


# ---- out ----


def lines_of(journal: Journal, attached: Path | None = None, progress: Progress = _silent) -> Iterator[bytes]:
    """A journal, line by line, as it is at one moment; nobody who writes waits for it.

    Args:
        journal: an open journal.
        attached: the folder of attached files; with it the names of patients and those files come along, as far as they
            are there and unchanged.
    """
    head, told = journal.head(), progress("writing")
    first = {"format": FORMAT, "site": journal.site, "entries": head.size, "root": head.root.hex()}
    yield canonical_bytes(first)
    count = 1
    for sequence, body, signatures in _leaves(journal, head.size):
        yield b'{"entry":%s,"signatures":"%s"}' % (body, bytes(signatures).hex().encode())
        count += 1
        if sequence % _BATCH == 0 or sequence == head.size:
            told(sequence, head.size)
    for line in _beside(journal, attached) if attached else ():
        yield line
        count += 1
    yield canonical_bytes({"lines": count})


def _leaves(journal: Journal, size: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Sequence, bytes and signatures of the first so many entries: they never change, so they are read some at a time."""
    for after in range(0, size, _BATCH):
        yield from journal.database.leaves(journal.site, after, min(after + _BATCH, size))


def _beside(journal: Journal, attached: Path) -> Iterator[bytes]:
    """The erasable names, and the attached files."""
    with journal.database.reading():
        named = [row for row in journal.database.every_personal() if row.site == journal.site]
    for row in named:
        values = {key: value for key, value in row._asdict().items() if key != "site"}
        yield canonical_bytes({"personal": values | {"salt": row.salt.hex()}})
    for digest in _digests(journal):
        try:
            content = attachments.read(attached, digest)
        except Refused:
            continue  # named when all is written: the rest is backed up
        yield b'{"attachment":{"content":"%s","digest":"%s"}}' % (b64encode(content), digest.encode())


def _digests(journal: Journal) -> list[str]:
    """The digest of every file that an entry names."""
    return [subject.removeprefix(_ATTACHED) for subject in journal.subjects(_ATTACHED)]


def write_journal(
    path: Path, journal: Journal, attached: Path | None = None, seal: Seal | None = None, progress: Progress = _silent
) -> Carried:
    """Write a journal into a file that was not there, and read all of it back.

    Args:
        path: where.
        journal: an open journal.
        attached: for a backup: the folder of attached files, as in `lines_of`.
        seal: who may read it; everyone if there is none.

    Raises:
        EnvironmentFails: the disk is full, or what was read back is not what was written; no file is left.
    """
    plain = (line + b"\n" for line in lines_of(journal, attached, progress))
    write_whole(path, sealing.sealed(plain, seal) if seal else plain)
    try:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "again.db"
            return read_journal(path, place, journal.site, Path(folder), seal.opens if seal else None, progress)
    except (NotUnderstood, Refused) as refusal:
        path.unlink(missing_ok=True)
        text = f"{path} was written, but cannot be read back: {refusal}. No file was left; check the disk"
        raise EnvironmentFails(Problem("backup.not-readable", text, str(path))) from refusal


# ---- in ----


def read_journal(
    path: Path,
    place: Place,
    site: str,
    attached: Path,
    opens: Opens | None = None,
    progress: Progress = _silent,
) -> Carried:
    """Read a journal from a file into an empty place: all of it, verified, or nothing.

    Args:
        path: the file.
        place: where the journal shall be: a file that is not there, or an empty journal of its site, which on a server
            `compounding journal init` begins.
        site: of the place; the file must be of the same.
        attached: the folder into which attached files go.
        opens: finds the key of a sealed backup.

    Returns:
        Its head, the same as in the place that it came from; and each file that it names and that is neither in it nor in
        the folder.

    Raises:
        NotUnderstood: it is no such file, or it was cut or changed; names the line.
        Refused: the place is not empty, the file is of another site, or the journal in it does not verify.
    """
    with _lines(path, opens) as lines, tempfile.TemporaryDirectory(dir=_beside_of(place)) as folder:
        first = _first(next(lines, b""), path)
        _check_place(place, first, site, path)
        own = Path(folder) / "journal.db"
        with Journal.create(own, site) as journal:
            files = _Filling(journal, path, Path(folder), progress("reading")).fill(lines, first["entries"])
            head = journal.head()
            if (head.size, head.root.hex()) != (first["entries"], first["root"]):
                why = "its entries do not have the head that its first line names"
                raise _wrong(path, head.size + 1, f"{why}: that line, or the last entry, was changed")
            if problems := verify(journal, progress("verifying")):
                raise Refused(problems)
            for file in files:
                attachments.keep(attached, file.read_bytes())
            lost = tuple(attachments.check(attached, _digests(journal)))
            if not isinstance(place, Path):
                _copy(journal, place)
        if isinstance(place, Path):
            move_whole(own, place)
    return Carried(head, lost)


def _beside_of(place: Place) -> Path | None:
    return place.parent if isinstance(place, Path) else None


def _check_place(place: Place, first: dict[str, Any], site: str, path: Path) -> None:
    """Whether the journal of a first line may go there; before anything is made."""
    if first["site"] != site:
        text = f"{path} is the journal of {first['site']}, the settings are those of {site}: give the settings of that site"
        raise Refused(Problem("backup.other-site", f"{text}. Nothing was changed", str(path)))
    if not isinstance(place, Path) or os.path.lexists(place):
        with Journal.open(place, site) as there:
            if there.head().size:
                text = f"There is a journal at {there.database.where} already: a journal is restored into an empty place only"
                raise Refused(Problem("backup.not-empty", f"{text}. Nothing was changed", there.database.where))


@contextmanager
def _lines(path: Path, opens: Opens | None) -> Iterator[Iterator[bytes]]:
    """The lines of a file, unsealed if it was sealed, each without its end."""
    with regular(path) as file:
        yield _parted(_pieces(file, path, opens), path)


def _pieces(file: BinaryIO, path: Path, opens: Opens | None) -> Iterator[bytes]:
    """What is in a file, unsealed if it was sealed."""
    if opens is None:
        yield from iter(lambda: file.read(sealing.PIECE), b"")
        return
    try:
        yield from sealing.opened(file, opens)
    except (NotUnderstood, Refused) as refusal:
        (problem,) = refusal.problems
        raise type(refusal)(Problem(problem.code, f"{path}: {problem.text}", str(path))) from None


def _parted(pieces: Iterable[bytes], path: Path) -> Iterator[bytes]:
    waiting, length, number = [b""], 0, 1
    for piece in pieces:
        *ends, begins = piece.split(b"\n")
        for end in ends:
            yield b"".join((*waiting, end))
            waiting, length, number = [], 0, number + 1
        waiting.append(begins)
        length += len(begins)
        if length > LONGEST_LINE:
            raise _wrong(path, number, "it is longer than any line of a journal")
    if length:
        raise _wrong(path, number, "it was cut: the end of the line is missing")


@contextmanager
def regular(path: Path) -> Iterator[BinaryIO]:
    """A file to read from; what never ends, or never begins, is not even opened for reading.

    Raises:
        NotUnderstood: it is a device, a pipe or a folder.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb", buffering=io.DEFAULT_BUFFER_SIZE) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            text = f"{path} is not a file (a device or a pipe): copy it into a file first"
            raise NotUnderstood(Problem("backup.not-a-file", text, str(path)))
        yield file


def _first(line: bytes, path: Path) -> dict[str, Any]:
    """What the first line says of the journal."""
    first = _read(line, path, 1)
    wanted = {"entries": int, "format": str, "root": str, "site": str}
    if {key: type(value) for key, value in first.items()} != wanted or first["format"] != FORMAT:
        raise _wrong(path, 1, "it is not the first line of a journal")
    try:
        check_site(first["site"])
    except NotUnderstood as wrong:
        raise _wrong(path, 1, str(wrong)) from None
    return first


class _Filling:
    """The lines of a file on their way into an empty journal of our own.

    Args:
        journal: the empty one.
        path: the file that the lines are of.
        folder: for its attached files.
        told: is told how many entries of how many are in.
    """

    def __init__(self, journal: Journal, path: Path, folder: Path, told: Callable[[int, int], None]) -> None:
        self.journal, self.path, self.folder, self.told = journal, path, folder, told
        self.line = 1
        self.frontier = log.EMPTY
        self.files: dict[str, Path] = {}
        self.prescriptions: set[str] = set()

    def fill(self, lines: Iterator[bytes], total: int) -> list[Path]:
        """Take all lines after the first; the attached files."""
        database, site, ended = self.journal.database, self.journal.site, False
        try:
            while not ended:
                with database.writing(site):
                    while not (ended := self._take(next(lines, None))) and self.frontier.size % _BATCH:
                        pass
                self.told(self.frontier.size, total)
        except EnvironmentFails as failure:
            if failure.problems[0].code != "journal.not-appended":
                raise
            raise self._wrong("another entry before it has the same key") from None
        if next(lines, None) is not None:
            self.line += 1
            raise self._wrong("it stands after the last line")
        named = set(_digests(self.journal))
        if stranger := next((digest for digest in self.files if digest not in named), None):
            raise self._wrong(f"no entry names the attached file {stranger}")
        return list(self.files.values())

    def _take(self, line: bytes | None) -> bool:
        """Take one line; True if it was the last."""
        if line is None:
            raise self._wrong("it is the last one that is there: what follows is missing, the file was cut")
        self.line += 1
        if found := _ENTRY.fullmatch(line):
            row, entry = self._row(found[1], bytes.fromhex(found[2].decode()))
            self.journal.database.add(row, entry.subjects)
            self.frontier = log.frontier_of(row.sequence, row.peaks)
            return False
        match _read(line, self.path, self.line):
            case {"personal": dict(values), **rest} if not rest:
                self.journal.database.put_personal(self._personal(values))
            case {"attachment": {"content": str(content), "digest": str(digest), **more}, **rest} if not (more or rest):
                self._attached(digest, content)
            case {"lines": int(lines), **rest} if not rest:
                if lines != self.line - 1:
                    raise self._wrong(f"it says that {lines} lines stand before it, and there are {self.line - 1}")
                return True
            case _:
                raise self._wrong("it holds neither an entry nor a name nor a file")
        return False

    def _row(self, raw: bytes, signatures: bytes) -> tuple[Row, Entry]:
        """The row of an entry's bytes, derived anew, if it is the next one."""
        stated, before = _read(raw, self.path, self.line), self.frontier
        leaf = log.leaf_hash(log.leaf_data(raw, signatures))
        peaks = b"".join(log.grown(before, leaf).peaks)
        names = ("site", "sequence", "kind", "time", "person", "idempotency_key")
        row = Row._make((*map(stated.get, names), raw, signatures, leaf, peaks))
        if row.sequence != before.size + 1:
            raise self._wrong(f"entry {before.size + 1} is missing or not at its place")
        try:
            entry = entry_of(row)
        except NotUnderstood as wrong:
            raise self._wrong(f"entry {before.size + 1}: {wrong}") from None
        if entry.site != self.journal.site:
            raise self._wrong(f"entry {entry.sequence} is of the site {entry.site!r}")
        if entry.head != log.head_of(before):
            why = f"entry {entry.sequence} does not follow from the lines before it"
            raise self._wrong(f"{why}: line {self.line - 1} was changed, or this one")
        return row, entry

    def _personal(self, values: dict[str, Any]) -> PersonalRow:
        try:
            row = PersonalRow(site=self.journal.site, **(values | {"salt": bytes.fromhex(values["salt"])}))
        except (TypeError, ValueError, KeyError):
            raise self._wrong("it holds a name in another form") from None
        texts = (row.prescription, row.name, row.address, row.digest)
        if not all(type(text) is str for text in texts) or not is_as_remembered(row):
            raise self._wrong("the name in it is not the one that was recorded")
        if row.prescription in self.prescriptions:
            raise self._wrong(f"prescription {row.prescription} has a name in an earlier line")
        self.prescriptions.add(row.prescription)
        return row

    def _attached(self, digest: str, content: str) -> None:
        try:
            decoded = b64decode(content, validate=True)
        except (Base64Error, ValueError):
            raise self._wrong("the file in it cannot be read") from None
        if attachments.digest_of(decoded) != digest:
            raise self._wrong(f"the file in it is not the one that was attached as {digest}")
        if digest in self.files:
            raise self._wrong(f"{digest} stands in an earlier line")
        self.files[digest] = self.folder / f"file{len(self.files)}"
        self.files[digest].write_bytes(decoded)

    def _wrong(self, why: str) -> NotUnderstood:
        return _wrong(self.path, self.line, why)


def _copy(journal: Journal, place: Place) -> None:
    """A verified journal into the empty journal of its site on a server, in one transaction."""
    with Journal.open(place, journal.site) as other, other.database.writing(journal.site), journal.database.reading():
        for row in journal.database.every_row(journal.site):
            other.database.add(row, entry_of(row).subjects)
        for each in journal.database.every_personal():
            other.database.put_personal(each)


def is_sealed(path: Path) -> bool:
    """Whether a file asks for a passphrase or a key."""
    with regular(path) as file:
        return file.read(len(sealing.BEGINS)) == sealing.BEGINS


def wants_passphrase(path: Path) -> bool:
    """Whether a sealed file asks for a passphrase; for a key otherwise."""
    with regular(path) as file:
        return sealing.wants_passphrase(file)


def private_half(path: Path, opens: Opens | None) -> str:
    """The private half of a backup key in a file, unsealed if it was sealed.

    Raises:
        NotUnderstood: there is none in it.
        Refused: it does not open.
    """
    with regular(path) as file:
        whole = next(_pieces(file, path, opens), b"")  # a key is far shorter than one piece
    for line in whole.decode("utf-8", "replace").splitlines():
        if line and not line.startswith("#"):
            return line
    raise NotUnderstood(Problem("seal.key", f"{path} holds no private half of a backup key", str(path)))


def _read(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise _wrong(path, number, "it is not a line of a journal")
    return value


def _wrong(path: Path, line: int, why: str) -> NotUnderstood:
    text = f"{path}, line {line}: {why}. Nothing was read in: take another copy"
    return NotUnderstood(Problem("backup.changed", text, f"line {line}"))
