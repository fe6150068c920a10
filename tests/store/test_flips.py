"""A journal of more than 100 KiB, each of whose bytes is flipped: what changes what is read is reported.

With all other tests some hundred bytes of it are tried, drawn by lot; with `make faults` every one.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path

from tests.servers import new_folder
from tests.store.journals import begun, draft, told_of_file
from tests.store.killing import LONG, SEED, tell
from tests.store.test_verify import told

ENTRIES, FEW, WORKERS = 13, 150, os.cpu_count() or 1


def large(path: Path) -> bytes:
    with begun(path) as journal:
        for number in range(ENTRIES):
            note = f"{number}: " + "poured from the bag, " * 250
            journal.append([draft("Weighed", "batch:1", "lot:A", minute=number, body={"note": note})], {})
        journal.remember_person_of("rx-1", "Zoë O'Hara", "12 High Street, Springfield")
    return path.read_bytes()


def report(path: Path, content: bytes, places: list[int]) -> tuple[int, list[int]]:
    """How many flips are reported, and those that silently change what is read."""
    path.write_bytes(content)
    good, source, reported, silent = told(path), random.Random(SEED), 0, []
    for place in places:
        spoiled = bytearray(content)
        spoiled[place] ^= 1 << source.randrange(8)
        path.write_bytes(spoiled)
        problems = told_of_file(path)
        reported += bool(problems)
        if not problems and told(path) != good:
            silent.append(place)
    return reported, silent


def shared(folder: Path, content: bytes, places: list[int]) -> list[tuple[int, list[int]]]:
    """The same by as many processes as there are cores, each in a file of its own."""
    for number in range(WORKERS):
        if os.fork() == 0:
            code = 1
            try:
                done = report(folder / f"{number}.db", content, places[number::WORKERS])
                (folder / f"{number}.json").write_text(json.dumps(done))
                code = 0
            finally:
                os._exit(code)
    for _ in range(WORKERS):
        assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
    return [tuple(json.loads((folder / f"{number}.json").read_text())) for number in range(WORKERS)]


def test_every_flipped_byte_of_a_large_journal_that_changes_what_is_read_is_reported() -> None:
    folder = new_folder()
    try:
        content = large(folder / "good.db")
        assert len(content) >= 100 * 1024
        every = list(range(len(content)))
        places = every if LONG else random.Random(SEED).sample(every, FEW)
        done = shared(folder, content, places)
    finally:
        shutil.rmtree(folder)
    reported, silent = sum(each for each, _ in done), [place for _, each in done for place in each]
    assert silent == [], f"seed {SEED}"
    assert reported > len(places) * 0.6  # the flips did land on what matters
    tell(f"each byte of {len(content) // 1024} KiB flipped", runs=len(places), fired=reported, lost=0)
