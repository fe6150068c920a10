"""A journal on the move: written into one file as lines of JSON, and read into an empty place, every digest kept.

The first line says which log it is and its head; each line after it holds one entry, whose bytes stand in the line as
they were written, with its signatures. Names of patients and attached files come along in a backup, not in an export.
The last line says how many lines there were, so that a file that was cut is noticed by whoever has no head.

A backup may be sealed with a passphrase (argon2id, ChaCha20-Poly1305).

Source:
    rfc-9106; rfc-8439
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from compounding.problems import EnvironmentFails, NotUnderstood, Problem, Refused
from compounding.store import keys, log
from compounding.store.attachments import keep
from compounding.store.canonical import canonical_bytes
from compounding.store.database import PersonalRow, Place, Row
from compounding.store.files import write_whole
from compounding.store.journal import Entry, Journal, entry_of
from compounding.store.log import Frontier, Head
from compounding.store.verify import verify

FORMAT = "compounding-journal/v1"
_SEALED = b"compounding-sealed/v1\n"
_ENTRY = re.compile(rb'\{"entry":(\{.*\}),"signatures":"([0-9a-f]*)"\}', re.DOTALL)
_BATCH = 1000  # entries of one transaction on the way into a file of our own


def lines_of(journal: Journal, *, names: bool = False, files: Iterable[tuple[str, bytes]] = ()) -> Iterator[bytes]:
    """A journal, line by line, as it is at one moment.

    Args:
        journal: an open journal.
        names: with the erasable names of patients.
        files: attachments by digest that come along.
    """
    head = journal.head()
    first = {"format": FORMAT, "site": journal.site, "entries": head.size, "root": head.root.hex()}
    yield canonical_bytes(first)
    count = 1
    with journal.database.reading():
        for sequence, body, signatures, *_ in journal.database.every_leaf(journal.site):
            if sequence > head.size:
                break
            yield b'{"entry":%s,"signatures":"%s"}' % (body, bytes(signatures).hex().encode())
            count += 1
        for row in journal.database.every_personal() if names else ():
            if row.site == journal.site:
                values = {key: value for key, value in row._asdict().items() if key != "site"}
                yield canonical_bytes({"personal": values | {"salt": row.salt.hex()}})
                count += 1
    for digest, content in files:
        yield canonical_bytes({"attachment": {"content": b64encode(content).decode(), "digest": digest}})
        count += 1
    yield canonical_bytes({"lines": count})


def write_journal(path: Path, lines: Iterable[bytes], passphrase: str | None = None) -> Head:
    """Write a journal into a file that was not there, and read it back; the head that was read.

    Raises:
        EnvironmentFails: the disk is full, or what was read back is not what was written; no file is left.
    """
    content = b"".join(line + b"\n" for line in lines)
    write_whole(path, _sealed(content, passphrase) if passphrase else content)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return read_journal(path, Path(folder) / "again.db", Path(folder), passphrase)
    except (NotUnderstood, Refused) as refusal:
        path.unlink(missing_ok=True)
        text = f"{path} was written, but cannot be read back: {refusal}. No file was left; check the disk"
        raise EnvironmentFails(Problem("backup.not-readable", text, str(path))) from refusal


def read_journal(path: Path, place: Place, attachments: Path, passphrase: str | None = None) -> Head:
    """Read a journal from a file into an empty place: all of it, verified, or nothing.

    Args:
        path: the file.
        place: where the journal shall be: a file that is not there, or an empty journal of its site, which on a server
            `compounding journal init` begins.
        attachments: the folder into which attached files go.
        passphrase: of a sealed backup.

    Returns:
        Its head, the same as in the place that it came from.

    Raises:
        NotUnderstood: it is no such file, or it was cut or changed; names the line.
        Refused: the place is not empty, or the journal in the file does not verify.
    """
    lines = _opened(path, passphrase).split(b"\n")
    first = _read(lines[0], path, 1)
    if first.get("format") != FORMAT or lines.pop() or _read(lines[-1], path, len(lines)) != {"lines": len(lines) - 1}:
        raise _wrong(path, len(lines), "it is not a whole journal: its first or its last line is missing or changed")
    site = str(first["site"])
    if not isinstance(place, Path) or os.path.lexists(place):
        with Journal.open(place, site) as there:
            if there.head().size:
                raise _not_empty(there.database.where)
    with tempfile.TemporaryDirectory(dir=place.parent if isinstance(place, Path) else None) as folder:
        own = Path(folder) / "journal.db"
        with Journal.create(own, site) as journal:
            files = _fill(journal, lines, path)
            head = journal.head()
            if (head.size, head.root.hex()) != (first["entries"], first["root"]):
                raise _wrong(path, 1, f"its entries do not have the head that it names ({first['entries']} entries)")
            if problems := verify(journal):
                raise Refused(problems)
            for content in files:
                keep(attachments, content)
            if not isinstance(place, Path):
                _copy(journal, place)
        if isinstance(place, Path):
            own.replace(place)
    return head


def _fill(journal: Journal, lines: list[bytes], path: Path) -> list[bytes]:
    """Entries and names of a file into an empty journal of our own; the attached files."""
    frontier, files = log.EMPTY, []
    for begin in range(1, len(lines) - 1, _BATCH):
        with journal.database.writing(journal.site):
            for number in range(begin, min(begin + _BATCH, len(lines) - 1)):
                line = lines[number]
                if found := _ENTRY.fullmatch(line):
                    row, entry = _row(found[1], bytes.fromhex(found[2].decode()), frontier, path, number + 1)
                    journal.database.add(row, entry.subjects)
                    frontier = log.frontier_of(row.sequence, row.peaks)
                    continue
                other = _read(line, path, number + 1)
                if "personal" in other:
                    journal.database.put_personal(_personal(other["personal"], journal.site, path, number + 1))
                elif "attachment" in other:
                    files.append(b64decode(other["attachment"]["content"]))
                else:
                    raise _wrong(path, number + 1, "it holds neither an entry nor a name nor a file")
    return files


def _row(raw: bytes, signatures: bytes, before: Frontier, path: Path, line: int) -> tuple[Row, Entry]:
    """The row of an entry's bytes, derived anew."""
    leaf = log.leaf_hash(log.leaf_data(raw, signatures))
    peaks = b"".join(log.grown(before, leaf).peaks)
    stated = _read(raw, path, line)
    names = ("site", "sequence", "kind", "time", "person", "idempotency_key")
    row = Row._make((*map(stated.get, names), raw, signatures, leaf, peaks))
    try:
        if row.sequence != before.size + 1:
            raise _wrong(path, line, f"entry {before.size + 1} is missing or not at its place")
        return row, entry_of(row)
    except NotUnderstood as wrong:
        raise _wrong(path, line, str(wrong)) from None


def _personal(values: Any, site: str, path: Path, line: int) -> PersonalRow:
    try:
        return PersonalRow(site=site, **(values | {"salt": bytes.fromhex(values["salt"])}))
    except (TypeError, ValueError, KeyError):
        raise _wrong(path, line, "it holds a name in another form") from None


def _copy(journal: Journal, place: Place) -> None:
    """A verified journal into the empty journal of its site on a server, in one transaction."""
    with Journal.open(place, journal.site) as other, other.database.writing(journal.site), journal.database.reading():
        for row in journal.database.every_row(journal.site):
            other.database.add(row, entry_of(row).subjects)
        for each in journal.database.every_personal():
            other.database.put_personal(each)


def is_sealed(path: Path) -> bool:
    """Whether a file asks for a passphrase."""
    with path.open("rb") as file:
        return file.read(len(_SEALED)) == _SEALED


def _sealed(content: bytes, passphrase: str) -> bytes:
    """Content that only the passphrase opens; what it cost to make the key stands before it, and is sealed with it."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    salt, nonce = os.urandom(16), os.urandom(12)
    cost = keys.COST
    stated = canonical_bytes(
        {"lanes": cost.lanes, "memory": cost.memory, "nonce": nonce.hex(), "passes": cost.passes, "salt": salt.hex()}
    )
    seal = ChaCha20Poly1305(keys.stretched(passphrase, salt, cost)).encrypt(nonce, content, stated)
    return _SEALED + stated + b"\n" + seal


def _opened(path: Path, passphrase: str | None) -> bytes:
    """The lines of a file, unsealed if it was sealed."""
    content = path.read_bytes()
    if not content.startswith(_SEALED):
        return content
    if passphrase is None:
        raise NotUnderstood(Problem("backup.sealed", f"{path} is sealed: give its passphrase", str(path)))
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    stated, _, seal = content.removeprefix(_SEALED).partition(b"\n")
    says = _read(stated, path, 2)
    try:
        cost = keys.Cost(says["passes"], says["memory"], says["lanes"])
        if not keys.allowed(cost):
            raise _wrong(path, 2, "its seal asks for more or less work than is allowed")
        key = keys.stretched(passphrase, bytes.fromhex(says["salt"]), cost)
        return ChaCha20Poly1305(key).decrypt(bytes.fromhex(says["nonce"]), seal, stated)
    except (InvalidTag, KeyError, TypeError, ValueError):
        text = f"The passphrase does not open {path}, or the file was changed: nothing was read"
        raise Refused(Problem("backup.passphrase", text, str(path))) from None


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


def _not_empty(place: str) -> Refused:
    text = f"There is a journal at {place} already: a journal is restored into an empty place only. Nothing was changed"
    return Refused(Problem("backup.not-empty", text, place))
