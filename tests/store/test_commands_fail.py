"""Each command of the bench, killed at any call and at any moment, or told by the disk that it fails.

The demo's capsules are made, labelled and called back; before each command its folder is copied, and in the copy the command
meets a fault. Then the journal is whole, the command is in it as a whole or not at all, no half paper lies about, and the
command can be run again.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import random
import shlex
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from compounding.store.journal import Journal
from compounding.store.verify import verify
from tests.bench import EXPIRY, Bench, begun, forget_what_was_seen, story
from tests.servers import new_folder
from tests.store.journals import SITE
from tests.store.killing import LONG, SEED, Life, Nursery, nursery, tell

EVERY_CALL = 1 | 2 | 4 | 8
# One call in so many is tried, and the command is run again after one trial in so many; with `make faults` always.
STEP, MOMENTS, ERROR_STEP, AGAIN = (1, 40, 3, 1) if LONG else (12, 2, 40, 4)
ERRORS = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.ENOLCK)
LOCKING = 16

AFTERWARDS = (
    ("tom", "leaflet LABEL --out {folder}/leaflet.pdf --html {folder}/leaflet.html"),
    ("ana", "dispense LABEL"),
    ("tom", 'lot adjust MCC-1 --to "900 g" --reason count'),
    ("tom", 'lot discard CAP-1 --amount "5 capsules" --reason dropped'),
    ("ana", 'recall TAB-1 --reason "notice of the supplier" --letter {folder}/recall.pdf'),
    ("ana", "journal backup {folder}/all.backup"),
)


def commands() -> Iterator[tuple[str, str]]:
    """The commands of a batch's life that record something or write a paper, with who gives them."""
    for person, command in itertools.chain(story("lot receive"), story("label text"), story("CAPS-1")):
        yield person, command.replace("--out ", "--out {folder}/").replace("{expiry}", EXPIRY)
    yield from AFTERWARDS


@dataclass
class Count:
    """What the harness did."""

    runs: int = 0
    fired: int = 0
    again: int = 0


class Trial:
    """One command, at a bench as it was before it."""

    def __init__(self, bench: Bench, born: Nursery, typed: str, person: str) -> None:
        self.bench, self.born, self.person = bench, born, person
        self.typed = typed
        self.copy = Bench(bench.folder.with_name("copy"))
        self.before = size_of(bench.journal)

    def words(self, bench: Bench) -> list[str]:
        return ["--as", self.person, *shlex.split(self.typed.replace("{folder}", str(bench.folder)))]

    def begin(self, mask: int = 0, nth: int = 0, action: int = 0, error: int = 0) -> tuple[Life, int]:
        shutil.rmtree(self.copy.folder, ignore_errors=True)
        shutil.copytree(self.bench.folder, self.copy.folder)
        forget_what_was_seen()  # the copy is another journal in the place of the last one
        typed = json.dumps(self.words(self.copy))
        return self.born.bear("command", self.copy.folder, "command", mask, nth, action, error, typed)

    def check(self, life: Life, grows: int, count: Count) -> None:
        """Everything that must be true after a fault."""
        said = f"{self.typed}: {life}"
        count.runs += 1
        with Journal.open(self.copy.journal, SITE) as journal:
            assert verify(journal) == [], said
            after = journal.head().size
        assert after in (self.before, self.before + grows), said
        if life.answer == 0:
            assert after == self.before + grows, said
        elif "recall.no-letter" in life.refused:
            # A recall does not wait for its letter: it stands, and says how the letter is written.
            assert life.answer == 3 and after == self.before + grows, said
        elif life.code == 0 and "journal.outcome-unknown" not in life.refused and "journal.replaced" not in life.refused:
            assert life.answer == 3 and after == self.before, said
            assert not list(self.copy.folder.rglob("*.part")), said
        for paper in self.copy.folder.glob("*.pdf"):
            content = paper.read_bytes()
            assert content.startswith(b"%PDF") and content.rstrip().endswith(b"%%EOF"), said
        if count.runs % AGAIN:
            return
        for word in (each for each in self.words(self.copy) if each.endswith((".pdf", ".html", ".backup"))):
            if "letter" not in self.typed and after == self.before:
                Path(word).unlink(missing_ok=True)  # a paper that may be drawn again
        again = self.copy.run(self.words(self.copy)[2:], self.person)
        assert again.code == 0 or (again.code == 1 and after == self.before + grows), f"{said}; again: {again}"
        count.again += again.code == 0


def size_of(journal: Path) -> int:
    with Journal.open(journal, SITE) as opened:
        return opened.head().size


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A bench in memory, where a sync costs nothing: a kill takes nothing from the system."""
    folder = new_folder()
    yield begun(folder / "bench")
    shutil.rmtree(folder)


def at_each_command(bench: Bench, born: Nursery) -> Iterator[tuple[Trial, int, int]]:
    """A trial of each command, how many entries it adds, and how many calls it makes; then it is run at the bench."""
    for person, command in commands():
        if " LABEL" in command:
            command = command.replace("LABEL", bench.do("batch show CAPS-1 --json").json["labels"][0]["label"])
        trial = Trial(bench, born, command.replace("--weights {folder}", f"--weights {bench.folder}"), person)
        life = born.hear_until_dead(trial.begin(EVERY_CALL, 10**6)[0])
        assert life.answer == 0, f"{command}: {life}"
        yield trial, size_of(trial.copy.journal) - trial.before, life.calls
        forget_what_was_seen()
        bench.do(trial.words(bench)[2:], person)


def test_each_command_is_done_as_a_whole_or_not_at_all_whatever_kills_it_or_fails_it(bench: Bench, shim: Path) -> None:
    killed, failed, number = Count(), Count(), 0
    source = random.Random(SEED)
    with nursery(shim) as born:
        for number, (trial, grows, calls) in enumerate(at_each_command(bench, born), 1):
            for nth in range(1 + number % STEP, calls + 1, STEP):
                life = born.hear_until_dead(trial.begin(EVERY_CALL, nth, 1)[0])
                assert life.code == -9
                trial.check(life, grows, killed)
                killed.fired += 1
            for _ in range(MOMENTS):
                life, pid = trial.begin()
                time.sleep(source.uniform(0, 0.06))
                with suppress(ProcessLookupError):  # it was faster
                    os.kill(pid, signal.SIGKILL)
                trial.check(born.hear_until_dead(life), grows, killed)
                killed.fired += life.code == -9 and life.answer is None
            for error in ERRORS:
                mask = LOCKING if error == errno.ENOLCK else EVERY_CALL
                for nth in range(1 + (7 * number + error) % ERROR_STEP, calls + 1, ERROR_STEP):
                    life = born.hear_until_dead(trial.begin(mask, nth, 0, error)[0])
                    assert life.code == 0
                    trial.check(life, grows, failed)
                    failed.fired += life.fired
    assert number > 30 and killed.fired > 2 * number and failed.fired > number
    assert killed.again > number / 3 and failed.again > number / 3
    tell(f"{number} commands killed, at every call and at any moment", runs=killed.runs, fired=killed.fired, lost=0)
    tell(f"{number} commands, errors of the disk and of locks", runs=failed.runs, fired=failed.fired, lost=0)
