"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from compounding.problems import EnvironmentFails, NotUnderstood, Problem, Refused

PNG_BEGINS = b"\x89PNG"
# How a paper or chart of each kind begins.
BEGINS = {".pdf": b"%PDF-", ".svg": b"<svg "}


def check_paper(path: Path, *, may_replace: bool, kinds: tuple[str, ...] = (".pdf",)) -> None:
    """Whether a paper may be written to a place: it is called .pdf, and nothing but a PDF is ever replaced there.

    Args:
        path: where the paper shall be.
        may_replace: True if a PDF that is there already may give way, as a worksheet does to its record.
        kinds: how its name may end; a file is replaced by one of its own kind alone.

    Raises:
        NotUnderstood: the name does not end so; such a name may be the journal's, or a file's that belongs to it.
        Refused: something is there that must stay.
    """
    kind = path.suffix.lower()
    if kind not in kinds:
        text = f"{path} does not end with {' or '.join(kinds)}: give a name such as {path.stem or 'paper'}{kinds[0]}"
        raise NotUnderstood(Problem("file.not-pdf-name", text, str(path)))
    if not os.path.lexists(path):
        return
    if not may_replace:
        text = f"{path} is there already, and a label replaces no file. Nothing was recorded: give another name"
        raise Refused(Problem("file.exists", text, str(path)))
    if not _begins(path, BEGINS[kind]):
        text = f"{path} is there already and is no {kind[1:].upper()}: it was left as it is. Give another name"
        raise Refused(Problem("file.exists", text, str(path)))


def check_picture(path: Path) -> None:
    """Whether a picture may be written to a place: it is called .png, and nothing but a picture is replaced there.

    Raises:
        NotUnderstood: the name does not end with .png.
        Refused: something is there that must stay.
    """
    if path.suffix.lower() != ".png":
        text = f"{path} does not end with .png: give a name such as label.png"
        raise NotUnderstood(Problem("file.not-png-name", text, str(path)))
    if os.path.lexists(path) and not _begins(path, PNG_BEGINS):
        text = f"{path} is there already and is no picture: it was left as it is. Give another name"
        raise Refused(Problem("file.exists", text, str(path)))


def check_new(path: Path, ending: str = "") -> None:
    """Whether a file may be written to a place: nothing is there yet, and its name ends as it should, if that matters.

    Raises:
        NotUnderstood: the name ends otherwise.
        Refused: something is there, and stays as it is.
    """
    if ending and path.suffix.lower() != ending:
        text = f"{path} does not end with {ending}: give a name such as {path.stem or 'file'}{ending}"
        raise NotUnderstood(Problem("file.name", text, str(path)))
    if os.path.lexists(path):
        raise Refused(
            Problem("file.exists", f"{path} is there already and was left as it is: give another name", str(path))
        )


def _begins(path: Path, begins: bytes) -> bool:
    """Whether a file begins as one of its kind does; what cannot be read is not known to be one."""
    try:
        with path.open("rb") as file:
            return file.read(len(begins)) == begins
    except OSError:
        return False


@contextmanager
def written_whole(path: Path, content: bytes | Iterable[bytes], mode: int = 0o666) -> Iterator[None]:
    """Write a file, whole or in pieces, beside its place and durably; move it there when the block ends well, remove it otherwise.

    ``mode`` is who may read and write it, less what the user's mask takes away.

    What must be recorded before a paper may exist is recorded inside the block.

    Raises:
        EnvironmentFails: the disk is full or the folder cannot be written; nothing of the file is left.
        NotUnderstood: the path names no file.
    """
    if not path.name:
        raise NotUnderstood(Problem("file.no-name", f"{path} names no file: give a name such as label.pdf", str(path)))
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with _in_plain_words(path), open(beside, "wb", opener=partial(os.open, mode=mode)) as file:
            for piece in (content,) if isinstance(content, bytes) else content:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        yield
        move_whole(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """A folder, and those it lies in, there after a power cut too.

    Raises:
        EnvironmentFails: it cannot be made.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with _in_plain_words(folder):
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def write_whole(path: Path, content: bytes | Iterable[bytes], mode: int = 0o666) -> None:
    """Write a file that is there whole or not at all."""
    with written_whole(path, content, mode):
        pass


def move_whole(beside: Path, path: Path) -> None:
    """Move a file that is durable into its place, there after a power cut too.

    Raises:
        EnvironmentFails: it cannot be moved.
    """
    with _in_plain_words(path):
        beside.replace(path)
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _in_plain_words(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        text = f"{path} could not be written: {error.strerror}. No file was left; check the disk and the folder, then try again"
        raise EnvironmentFails(Problem("file.not-written", text, str(path))) from None
