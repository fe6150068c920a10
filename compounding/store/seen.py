"""The head that this workstation saw last, kept apart from the journal: it shows an older copy put in the journal's place.

It lies in the user's state folder and not beside the journal, so that whoever restores a folder does not restore it too.
Paper is the other witness (`store.witness`).
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from compounding.problems import EnvironmentFails, NotUnderstood, Problem
from compounding.store import log
from compounding.store.journal import Journal
from compounding.store.log import Head


def witness_file(place: Path | str, site: str, folder: Path) -> Path:
    """Where in a folder the last head of a journal is kept; the name is made of its place, which may hold a password."""
    named = os.path.realpath(place) if isinstance(place, Path) else place
    digest = sha256(f"{site}\n{named}".encode()).hexdigest()[:32]
    return folder / "heads" / f"{digest}.txt"


def remember(file: Path, journal: Journal) -> None:
    """Keep the head of now; a folder that cannot be written leaves the last one, which still holds."""
    beside = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(journal.checkpoint(), "utf-8")
        beside.replace(file)
    except OSError:
        return


def gone(file: Path, failure: EnvironmentFails) -> EnvironmentFails:
    """A failure to open a journal, in words for whoever saw it before: then none is to be begun, but one to be found."""
    (problem, *_) = failure.problems
    seen = _seen(file)
    if problem.code != "journal.missing" or seen is None:
        return failure
    text = (
        f"No journal at {problem.where}, where this workstation saw one with {seen.size} entries: it was moved or removed. "
        "Find it and put it back, or restore the newest backup with compounding journal restore FILE; do not begin a new one"
    )
    return EnvironmentFails(Problem("journal.gone", text, problem.where))


def _seen(file: Path) -> Head | None:
    """The head that was seen last; None if none was, or what was kept is no head any more."""
    try:
        return log.read_checkpoint(file.read_text("utf-8"))[1]
    except (OSError, UnicodeDecodeError, NotUnderstood):
        return None


def check(file: Path, journal: Journal) -> list[Problem]:
    """What the head that was seen last says against the journal: cut, rewritten, or an older copy."""
    seen = _seen(file)
    if seen is None or journal.had(seen):
        return []
    now = journal.head()
    what = f"it has {now.size} entries" if now.size < seen.size else f"its first {seen.size} entries are others now"
    text = (
        f"This workstation saw the journal with {seen.size} entries, and {what}: an older copy was put in its place, or "
        "entries were taken away or rewritten. Nothing was recorded. Restore the newest backup that verifies; if this one "
        "must go on, a pharmacist says so with compounding journal resume --reason"
    )
    return [Problem("journal.older-than-seen", text, journal.database.where)]

