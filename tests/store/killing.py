"""Writers that are killed, and what they had said before: shared by the harnesses of the fault tests.

`LONG` is set by ``make faults``: then every harness runs as often as the figures in docs/performance.md say, and
`tell` keeps what it counted.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from compounding.problems import EnvironmentFails
from compounding.store.database import Place
from compounding.store.journal import Journal
from compounding.store.verify import verify
from tests.store.journals import SITE

ROOT = Path(__file__).parents[2]
LONG = "COMPOUNDING_FAULTS" in os.environ
SEED = 20260301


def tell(what: str, **figures: int | float) -> None:
    """Keep what a long run counted."""
    if LONG:
        with Path(os.environ["COMPOUNDING_FAULTS"]).open("a") as file:
            file.write(json.dumps({"what": what, **figures}) + "\n")


@dataclass
class Life:
    """What one writer said before it died."""

    name: str
    begun: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    calls: int = 0
    fired: bool = False
    answer: int | None = None
    code: int | None = None

    def hear(self, line: str) -> None:
        match line.split():
            case ["begin", number]:
                self.begun.add(f"{self.name}-{number}")
            case ["done", number]:
                self.done.add(f"{self.name}-{number}")
            case ["refused", _, code]:
                self.refused.append(code)
            case ["calls", number, fired]:
                self.calls, self.fired = int(number), fired == "1"
            case ["code", code]:
                self.answer = int(code)
            case ["dead", code]:
                self.code = int(code)


class Nursery:
    """The process that bears the writers."""

    def __init__(self, shim: Path | None = None) -> None:
        surroundings = {**os.environ, "PYTHONPATH": str(ROOT)} | ({"LD_PRELOAD": str(shim)} if shim else {})
        command = [sys.executable, "-m", "tests.store.nursery"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=surroundings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._rest = b""

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    def bear(self, task: str, place: Place, name: str, *rest: object) -> tuple[Life, int]:
        """A writer, alive; its process id."""
        assert self._process.stdin
        self._process.stdin.write(" ".join([task, str(place), name, *map(str, rest)]).encode() + b"\n")
        life = Life(name)
        while True:
            line = self._line()
            life.hear(line)
            if line.startswith("pid "):
                return life, int(line.split()[1])

    def hear_until_dead(self, life: Life) -> Life:
        while life.code is None:
            life.hear(self._line())
        return life

    def hear_what_was_said(self, life: Life) -> None:
        """Everything said up to now, without waiting."""
        assert self._process.stdout
        os.set_blocking(self._process.stdout.fileno(), False)
        self._rest += self._process.stdout.read(1 << 20) or b""
        os.set_blocking(self._process.stdout.fileno(), True)
        while b"\n" in self._rest:
            life.hear(self._line())

    def hear_one_done(self, life: Life) -> None:
        """Wait for the first acknowledgement, or for the end."""
        while not life.done and life.code is None:
            life.hear(self._line())

    def _line(self) -> str:
        assert self._process.stdout
        while b"\n" not in self._rest:
            more = self._process.stdout.read(4096)
            assert more, "the nursery has gone"
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()


@contextmanager
def nursery(shim: Path | None = None) -> Iterator[Nursery]:
    opened = Nursery(shim)
    try:
        yield opened
    finally:
        opened.close()


def killed(born: Nursery, task: str, place: Place, name: str, after: float, *rest: object) -> Life:
    """Kill a writer some seconds after its first acknowledgement."""
    life, pid = born.bear(task, place, name, *rest)
    born.hear_one_done(life)
    time.sleep(after)
    os.kill(pid, signal.SIGKILL)
    return born.hear_until_dead(life)


def there(place: Place, keys: set[str]) -> set[str]:
    """Which of these keys the journal holds."""
    with Journal.open(place, SITE) as journal:
        return {key for key in keys if journal.database.row_of_key(SITE, key)}


def is_whole(place: Place) -> bool:
    """True if the journal verifies, and takes one more entry."""
    try:
        with Journal.open(place, SITE) as journal:
            return verify(journal) == []
    except EnvironmentFails:
        return False
