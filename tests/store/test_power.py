"""The power fails under a writer: what was acknowledged before is there when the machine is up again."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from compounding.store.journal import Journal
from tests.enforced import rule
from tests.store.journals import SITE
from tests.store.killing import LONG, SEED, is_whole, nursery, tell, there
from tests.store.power import PowerSupply

POWER_CUTS = {"ext4": 1000, "xfs": 200} if LONG else {"ext4": 50, "xfs": 10}
# Settings that are too weak: not every cut loses an entry then, but one of so many does.
MOST_CUTS = 100
SEEDED = {
    "no sync at all": "PRAGMA synchronous=OFF",
    "write-ahead log, synchronous=NORMAL": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
    "rollback journal, synchronous=NORMAL": "PRAGMA synchronous=NORMAL",
    "rollback journal, synchronous=FULL": "PRAGMA synchronous=FULL",
}


@pytest.fixture(params=POWER_CUTS)
def cut_off(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, PowerSupply]]:
    """A file system of its own, on a loop device, from which the power can be taken; and its kind."""
    supply = PowerSupply(tmp_path, request.param)
    supply.connect()
    yield request.param, supply
    supply.disconnect()


def cuts(supply: PowerSupply, runs: int, setting: str = "") -> tuple[int, int]:
    """Cut the power under a writer again and again, or until something is lost: entries acknowledged before, and lost."""
    source, acknowledged, lost = random.Random(SEED), 0, 0
    path = supply.folder / "journal.db"
    with nursery() as born:
        for run in range(runs):
            for file in supply.folder.glob("journal.db*"):
                file.unlink()
            Journal.create(path, SITE).close()
            life, pid = born.bear("write", path, f"cut{run}", *([setting] if setting else []))
            born.hear_one_done(life)
            time.sleep(source.uniform(0, 0.05))
            born.hear_what_was_said(life)
            before = set(life.done)  # what was said while the power went does not count
            supply.cut()
            with suppress(ProcessLookupError):  # the writer saw the disk fail, and ended
                os.kill(pid, signal.SIGKILL)
            born.hear_until_dead(life)
            supply.disconnect()
            supply.connect()
            acknowledged += len(before)
            lost += len(before) if not is_whole(path) else len(before - there(path, before))
            if lost:
                break
    return acknowledged, lost


@rule("REC-26")
@pytest.mark.parametrize("setting", SEEDED.values(), ids=SEEDED)
def test_the_power_cut_harness_catches_a_database_that_does_not_wait_for_the_disk(
    cut_off: tuple[str, PowerSupply], setting: str
) -> None:
    _, supply = cut_off
    assert cuts(supply, MOST_CUTS, setting)[1] > 0
    assert supply.fired > 0


def test_every_acknowledged_entry_survives_a_power_cut(cut_off: tuple[str, PowerSupply]) -> None:
    kind, supply = cut_off
    runs = POWER_CUTS[kind]
    acknowledged, lost = cuts(supply, runs)
    assert acknowledged >= runs and lost == 0
    assert supply.fired == runs
    tell(f"power cut, {kind}, SQLite", runs=runs, acknowledged=acknowledged, lost=lost, fired=supply.fired)
