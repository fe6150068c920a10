"""A process that bears writers: each is forked from it, so that thousands can be killed in minutes.

    nursery.py

A line on standard input bears one writer; it says "begin n" before and "done n" after each append, the nursery "dead
CODE" when it has ended:

    write PLACE NAME [SETTING]    appends until it is killed; SETTING are statements run on the connection first
    early PLACE NAME              the seeded bug: says "done n" before it has appended
    fault PLACE NAME MASK NTH ACTION ERROR    three appends with the shim armed; says "refused CODE", "calls N"
    command FOLDER NAME MASK NTH ACTION ERROR WORDS    the command line, WORDS as JSON, with the shim armed if MASK is not 0;
        says "ready" before it, "code N" and "refused - CODE" for each problem after it
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from compounding.problems import CompoundingError
from compounding.store.journal import Draft, Journal

THREE = 3
# What a command needs, imported once, before there are many.
COMMANDS = (
    *("cli.batch", "cli.lot", "cli.qc", "cli.label", "cli.paper", "cli.dispense", "cli.recall", "cli.journal", "cli.formula"),
    *("work.planned", "store.journal", "store.sqlite", "store.seen", "store.carry", "documents.proof", "documents.worksheet"),
)


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def one(name: str, number: int) -> Draft:
    subjects, time, key = (f"lot:{number % 3}", "batch:1"), datetime.now(UTC), f"{name}-{number}"
    return Draft("Weighed", {"reading": "1.5 mg", "note": "x" * 300}, subjects, name, "bench", "", time, key)


def write(place: Path | str, name: str, setting: str, *, early: bool) -> None:
    with Journal.open(place, "main") as journal:
        for statement in filter(None, setting.split(";")):
            journal.database._connection.execute(statement)
        say("ready")
        for number in count():
            say(f"begin {number}")
            if early:
                say(f"done {number}")
            journal.append([one(name, number)], {})
            if not early:
                say(f"done {number}")


def fault(place: Path | str, name: str, mask: str, nth: str, action: str, error: str) -> None:
    shim = ctypes.CDLL(None)
    with Journal.open(place, "main") as journal:
        shim.shim_arm(int(mask), int(nth), int(action), int(error))
        for number in range(THREE):
            say(f"begin {number}")
            try:
                journal.append([one(name, number)], {})
                say(f"done {number}")
            except CompoundingError as refused:
                say(f"refused {number} {refused.problems[0].code}")
        fired, calls = shim.shim_fired(), shim.shim_calls()
        shim.shim_arm(0, -1, 0, 0)
        say(f"calls {calls} {fired}")


def command(folder: Path, mask: str, nth: str, action: str, error: str, typed: str) -> None:
    from tests.bench import ran

    shim = ctypes.CDLL(None) if mask != "0" else None
    say("ready")
    if shim:
        shim.shim_arm(int(mask), int(nth), int(action), int(error))
    done = ran(["--settings", str(folder / "settings.toml"), *json.loads(typed)])
    if shim:
        fired, calls = shim.shim_fired(), shim.shim_calls()
        shim.shim_arm(0, -1, 0, 0)
        say(f"calls {calls} {fired}")
    for each in done.codes:
        say(f"refused - {each}")
    say(f"code {done.code}")


def bear(line: str) -> None:
    task, where, name, *rest = line.split(maxsplit=7) if line.startswith("command ") else line.split()
    if task == "command":
        for module in COMMANDS:
            importlib.import_module(f"compounding.{module}")
    place = where if where.startswith("postgresql://") else Path(where)
    if isinstance(place, str):
        importlib.import_module("compounding.store.postgresql")
    child = os.fork()
    if child == 0:
        try:
            if task == "fault":
                fault(place, name, *rest)
            elif task == "command":
                command(Path(where), *rest)
            else:
                write(place, name, " ".join(rest), early=task == "early")
        except CompoundingError as refused:
            say(f"refused - {refused.problems[0].code}")
        finally:
            os._exit(0)
    say(f"pid {child}")
    _, status = os.waitpid(child, 0)
    say(f"dead {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    for line in sys.stdin:
        bear(line.rstrip("\n"))
