"""Files that prove results: their bytes are kept beside the journal, each under its own SHA-256.

The journal holds name, size and digest; whoever has the journal can tell whether a file is still what was attached.
A file is kept before the entry that names it is written: an entry never points at nothing, and a file that no entry
names does no harm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from compounding.problems import EnvironmentFails, NotUnderstood, Problem, Refused
from compounding.store.files import make_folder, write_whole

LARGEST = 20 * 1024 * 1024  # bytes: a scanned certificate of forty pages has some five million
SCHEME = "sha256:"
HEX_DIGITS = 64


def digest_of(content: bytes) -> str:
    """The name of some bytes: ``sha256:`` and 64 hexadecimal digits."""
    return f"{SCHEME}{hashlib.sha256(content).hexdigest()}"


def read_given(file: Path) -> bytes:
    """The bytes of a file that someone wants to attach.

    Raises:
        NotUnderstood: it is missing, no ordinary file, empty, or larger than `LARGEST`; nothing was read then.
        EnvironmentFails: it cannot be read.
    """
    if not file.is_file():
        found = "is not an ordinary file" if file.exists() else "is not there"
        raise _refused("missing", f"{file} {found}: give the file of the certificate", file)
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
    except OSError as error:
        text = f"{file} could not be read: {error.strerror}. Nothing was recorded; check the file, then try again"
        raise EnvironmentFails(Problem("attachment.not-read", text, str(file))) from None
    if not content:
        raise _refused("empty", f"{file} is empty: give the file of the certificate", file)
    if len(content) > LARGEST:
        most = f"{LARGEST // 1024**2} MiB"
        raise _refused("too-large", f"{file} is larger than {most}: scan it with fewer dots per inch, or part it", file)
    return content


def _refused(code: str, text: str, file: Path) -> NotUnderstood:
    return NotUnderstood(Problem(f"attachment.{code}", text, str(file)))


def keep(folder: Path, content: bytes) -> str:
    """Keep bytes durably under their digest; the same bytes are kept once, and heal a copy that was spoiled.

    Returns:
        Their digest.
    """
    digest = digest_of(content)
    place = _place(folder, digest)
    if _as_kept(place) != content:
        make_folder(folder)
        write_whole(place, content)
    return digest


def read(folder: Path, digest: str) -> bytes:
    """The bytes that were attached under a digest.

    Raises:
        Refused: they are not there any more, or are not what was attached.
    """
    place = _place(folder, digest)
    content = _as_kept(place)
    if content is None:
        raise Refused(Problem("attachment.lost", f"{place} is not there: restore it from a backup", digest))
    if digest_of(content) != digest:
        text = f"{place} is not what was attached, it was changed since: restore it from a backup"
        raise Refused(Problem("attachment.changed", text, digest))
    return content


def check(folder: Path, digests: Iterable[str]) -> list[Problem]:
    """Every attachment that is lost or not what it was."""
    problems: list[Problem] = []
    for digest in dict.fromkeys(digests):
        try:
            read(folder, digest)
        except Refused as refusal:
            problems += refusal.problems
    return problems


def _place(folder: Path, digest: str) -> Path:
    """The file of a digest: hexadecimal digits and nothing that could lead out of the folder."""
    name = digest.removeprefix(SCHEME)
    if len(name) != HEX_DIGITS or set(name) - set("0123456789abcdef"):
        raise NotUnderstood(Problem("attachment.digest", f"{digest!r} is not a digest such as sha256:4b8f…", digest))
    return folder / name


def _as_kept(place: Path) -> bytes | None:
    """The bytes of a kept file, one that grew no further than needed to tell; None if there is none."""
    try:
        with place.open("rb") as file:
            return file.read(LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
