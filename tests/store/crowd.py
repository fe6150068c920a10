"""Many processes at one instant: each opens the journal, waits for the word, does its task, and tells what came of it.

    crowd.py COUNT PLACE TASK

Tasks, all at site ``main``:
    append          5 entries about one subject, each decided again when it moved
    draw TIMES      TIMES draws of 1 from the lot, each decided on what is left; says when nothing is left
    careless TIMES  the seeded bug: draws without naming what the decision saw
    approve TIMES   at TIMES instants that all share, one approval of a batch, decided on whether it has one
    spread TIMES SITES   TIMES entries each, at one of SITES sites (site-0, site-1 ...), about nothing shared
    bare TIMES      TIMES rows each into a table without chain, lock or trigger: what the server can do
    mixed TIMES FOLDER BUG   TIMES operations each, weighing, drawing, approving and reading by lot, told in FOLDER as
        `tests.store.history` reads them; BUG is ``honest``, or one that the checker of histories must find: ``careless``
        (decides without saying what it saw), ``early`` (acknowledges before it appends), ``twice`` (repeats under a new key)
    append-until FILE   entries about the writer's own batch, until there is such a file
    unlocked TIMES  TIMES entries in a file whose locks do not hold, as on a network disk; says how many were acknowledged
    command WORDS   the command line, PLACE is its settings file; ``{number}`` stands for the number of the process

    commands LIST   the same, LIST is JSON: for each process how long it waits after the word [s], and its WORDS

Keys are as cheap to open as in all tests. Prints one line of JSON: for each process its exit code, what it did, and its longest wait in seconds.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from compounding.problems import CompoundingError
from compounding.store.database import Place
from compounding.store.journal import ClockBehind, Draft, Journal, JournalMoved, new_key
from compounding.store.sqlite import SqliteDatabase

SHARED, LOT = 5, "lot:SHARED"
APART = 0.05  # seconds from one shared instant to the next
TRIES = 2  # as often as a command decides before it holds the journal


def fact(kind: str, subject: str, name: str, **body: int | str) -> Draft:
    return Draft(kind, body, (subject,), name, "bench", "", datetime.now(UTC))


def decided(journal: Journal, decide: Callable[[], tuple[Draft, dict[str, int]] | None], told: dict[str, Any]) -> bool:
    """Decide and append, as a command does; False if the decision was no."""

    def once() -> bool:
        decision = decide()
        if decision is not None:
            journal.append([decision[0]], decision[1])
        return decision is not None

    for _ in range(TRIES):
        try:
            return once()
        except (JournalMoved, ClockBehind):  # whoever waits long for its turn decides again, as a command does
            told["moved"] += 1
    with journal.alone():
        return once()


def append(journal: Journal, name: str, told: dict[str, Any]) -> None:
    for _ in range(SHARED):
        timed(told, lambda: decided(journal, lambda: (fact("Weighed", LOT, name), journal.last_seen([LOT])), told))


def draw(journal: Journal, name: str, told: dict[str, Any], times: int, *, careless: bool) -> None:
    def decide() -> tuple[Draft, dict[str, int]] | None:
        last = journal.last_seen([LOT])[LOT]
        (entry,) = journal.entries(LOT, after=last - 1)[:1]
        if entry.body["left"] < 1:
            return None
        return fact("Drawn", LOT, name, left=entry.body["left"] - 1), {} if careless else {LOT: entry.sequence}

    for _ in range(times):
        if not timed(told, lambda: decided(journal, decide, told)):
            told["nothing left"] = True
            return


def approve(journal: Journal, name: str, told: dict[str, Any], times: int) -> None:
    for number in range(times):
        batch = f"batch:{number}"

        def decide(batch: str = batch) -> tuple[Draft, dict[str, int]] | None:
            return None if journal.entries(batch) else (fact("Approved", batch, name), {batch: 0})

        time.sleep(APART - time.time() % APART)
        timed(told, lambda decide=decide: decided(journal, decide, told))


def timed(told: dict[str, Any], act: Callable[[], bool]) -> bool:
    began = time.monotonic()
    done = act()
    told["done"] += done
    told["longest"] = max(told["longest"], time.monotonic() - began)
    return done


def command(words: list[str], settings: str, number: int, told: dict[str, Any], wait: Callable[[], None]) -> int:
    from tests.bench import ran

    wait()
    done = ran(["--settings", settings, *(word.format(number=number) for word in words)])
    told["codes"] = done.codes
    told["done"] += done.code == 0
    return done.code


def mixed(journal: Journal, number: int, times: int, folder: Path, bug: str) -> None:
    """Operations by lot, and what became of each."""
    source, told = random.Random(f"{number} {bug}"), []
    waiting: list[Draft] = []

    def done(draft: Draft, seen: dict[str, int]) -> int:
        if bug == "early":  # keeps one entry back
            waiting.append(draft)
            if len(waiting) > 1:
                journal.append([waiting.pop(0)], {})
            return journal.head().size + 1
        (entry,) = journal.append([draft], {} if bug == "careless" else seen)
        if bug == "twice" and source.random() < 0.1:
            journal.append([replace(draft, idempotency_key=new_key())], {})
        return entry.sequence

    def once(what: str, id: str, batch: str) -> int | None:
        if what == "read":
            return journal.head().size
        if what == "weigh":
            return done(fact("Weighed", f"batch:own-{number}", id, id=id), {})
        if what == "approve":
            return None if journal.entries(batch) else done(fact("Approved", batch, id, id=id), {batch: 0})
        last = journal.last_seen([LOT])[LOT]
        (entry,) = journal.entries(LOT, after=last - 1)[:1]
        left = entry.body["left"]
        return done(fact("Drawn", LOT, id, id=id, left=left - 1), {LOT: entry.sequence}) if left else None

    for each in range(times):
        what, id = source.choice(("weigh", "draw", "draw", "approve", "read")), f"{number}-{each}"
        batch = f"batch:{source.randrange(2 * times)}"
        began = time.monotonic()
        for _ in range(TRIES):
            try:
                answer = once(what, id, batch)
                break
            except (JournalMoved, ClockBehind):
                continue
        else:
            with journal.alone():
                answer = once(what, id, batch)
        told.append([what, id, began, time.monotonic(), answer])
    (folder / f"{number}.json").write_text(json.dumps(told))


def unlocked(journal: Journal, number: int, times: int, told: dict[str, Any]) -> None:
    """Append while nobody's lock is kept; whatever fails is skipped."""
    assert isinstance(journal.database, SqliteDatabase)
    address = journal.database.path.as_uri() + "?mode=rw&vfs=unix-none"
    journal.database._connection = sqlite3.connect(address, uri=True, isolation_level=None)
    told["keys"] = []
    for _ in range(times):
        draft = fact("Weighed", f"batch:{number}", f"writer {number}")
        try:
            journal.append([draft], {})
        except (CompoundingError, sqlite3.Error):
            continue
        told["done"] += 1
        told["keys"].append(draft.idempotency_key)
        told["seen"] = [journal._seen.size, journal._seen.root.hex()]


def cheap_keys() -> None:
    from compounding.store import keys

    keys.COST = keys.Cost(passes=1, memory=8, lanes=1)


def bare(address: str, times: int, told: dict[str, Any], wait: Callable[[], None]) -> int:
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        wait()
        began = time.monotonic()
        for _ in range(times):
            connection.execute("INSERT INTO compounding.bare VALUES (%s)", (b"x" * 600,))
        told["seconds"], told["done"] = time.monotonic() - began, times
    return 0


def one(number: int, task: list[str], place: Place, wait: Callable[[], None]) -> tuple[int, dict[str, Any]]:
    name = f"writer {number}"
    told: dict[str, Any] = {"done": 0, "moved": 0, "longest": 0.0}
    if task[0] == "command":
        return command(task[1:], str(place), number, told, wait), told
    if task[0] == "commands":
        delay, words = json.loads(task[1])[number]

        def later() -> None:
            wait()
            time.sleep(delay)

        return command(words, str(place), number, told, later), told
    if task[0] == "bare":
        return bare(str(place), int(task[1]), told, wait), told
    site = f"site-{number % int(task[2])}" if task[0] == "spread" else "main"
    with Journal.open(place, site) as journal:
        wait()
        match task:
            case ["spread", times, _]:
                began = time.monotonic()
                for _ in range(int(times)):
                    timed(told, lambda: bool(journal.append([fact("Weighed", f"batch:{number}", name)], {})))
                told["seconds"] = time.monotonic() - began
            case ["append"]:
                append(journal, name, told)
            case ["draw" | "careless", times]:
                draw(journal, name, told, int(times), careless=task[0] == "careless")
            case ["unlocked", times]:
                unlocked(journal, number, int(times), told)
            case ["mixed", times, folder, bug]:
                mixed(journal, number, int(times), Path(folder), bug)
            case ["append-until", file]:
                while not Path(file).exists():
                    timed(told, lambda: bool(journal.append([fact("Weighed", f"batch:{number}", name)], {})))
            case ["approve", times]:
                approve(journal, name, told, int(times))
    return 0, told


def main(count: int, task: list[str], place: Place) -> None:
    # What every process needs is imported once, before there are many.
    cheap_keys()
    if isinstance(place, str) or (task[0] == "command" and "postgresql://" in place.read_text()):
        importlib.import_module("compounding.store.postgresql")
    if task[0] in ("command", "commands"):
        for module in ("tests.bench", "compounding.cli.batch", "compounding.cli.qc", "compounding.cli.signing", "compounding.work.planned", "compounding.store.journal"):
            importlib.import_module(module)
    go_read, go_write = os.pipe()
    ready_read, ready_write = os.pipe()
    told_read, told_write = os.pipe()

    def wait() -> None:
        os.close(go_write)
        os.write(ready_write, b".")
        os.read(go_read, 1)  # until the parent lets go

    for number in range(count):
        if os.fork() == 0:
            code, told = 70, {}
            try:
                code, told = one(number, task, place, wait)
            except BaseException:
                traceback.print_exc()
            os.write(told_write, (json.dumps({"code": code, **told}) + "\n").encode())
            os._exit(0)
    waiting = 0
    while waiting < count:
        waiting += len(os.read(ready_read, count))
    os.close(go_write)
    os.close(told_write)
    with os.fdopen(told_read) as stream:
        print(json.dumps([json.loads(line) for line in stream]))


if __name__ == "__main__":
    number, where, *words = sys.argv[1:]
    main(int(number), words, where if where.startswith("postgresql://") else Path(where))
