"""A process that writes into a journal and says so: the subject of the kill and concurrency tests.

journal_child.py FILE honest NAME    appends for ever; says "begin n" before and "done n" after each append
journal_child.py FILE early NAME     the seeded bug: says "done n" before it has appended
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from compounding.store.journal import Draft, Journal

SUBJECT = "lot:SHARED"


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def one(name: str, number: int) -> Draft:
    time, key = datetime.now(UTC), f"{name}-{number}"
    return Draft("Weighed", {"reading": "1.5 mg"}, (SUBJECT,), name, "bench", "", time, key)


def append_for_ever(journal: Journal, name: str, *, early: bool) -> None:
    for number in count():
        say(f"begin {number}")
        if early:
            say(f"done {number}")
        journal.append([one(name, number)], {})
        if not early:
            say(f"done {number}")


if __name__ == "__main__":
    path, mode, name = sys.argv[1:]
    with Journal.open(Path(path), "main") as journal:
        append_for_ever(journal, name, early=mode == "early")
