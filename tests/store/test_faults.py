"""Full and read-only disks, killed and competing processes: what was acknowledged stays, and nothing else."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from compounding.problems import EnvironmentFails, Problem
from compounding.store.database import CommitFails
from compounding.store.journal import Journal
from compounding.store.verify import verify
from tests.store import journal_child
from tests.store.journals import SITE, draft, filled

ROOT = Path(__file__).parents[2]
SEED = 20260301
KILLS, KILLS_OF_THE_SEEDED_BUG = 40, 8


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 1 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def append_until_refused(journal: Journal) -> None:
    for minute in range(1000):
        (entry,) = journal.append([draft(minute=minute, body={"note": "x" * 8000})], {})
        assert entry.sequence == minute + 1


def fill(file: Path) -> None:
    with file.open("wb", buffering=0) as whole:
        while True:
            whole.write(bytes(4096))


def test_a_full_disk_refuses_the_append_and_leaves_the_journal_as_it_was(small_disk: Path) -> None:
    with Journal.create(small_disk / "journal.db", SITE) as journal:
        with pytest.raises(EnvironmentFails) as caught:
            append_until_refused(journal)
        written = len(journal.entries())
        assert written > 10
        (problem,) = caught.value.problems
        assert problem.code == "journal.full"
        assert "The disk is full" in problem.text
        assert "nothing was recorded" in problem.text
        assert "Free some space" in problem.text
        assert journal.head().size == written
        assert verify(journal) == []
    with Journal.open(small_disk / "journal.db", SITE) as journal:
        assert [entry.sequence for entry in journal.entries()] == list(range(1, written + 1))


def test_when_space_is_free_again_the_next_append_works(small_disk: Path) -> None:
    with filled(small_disk / "journal.db", 5) as journal:
        filler = small_disk / "filler"
        with pytest.raises(OSError, match="No space"):
            fill(filler)
        with pytest.raises(EnvironmentFails, match="The disk is full"):
            journal.append([draft(minute=60)], {})
        with pytest.raises(EnvironmentFails, match="The disk is full"):
            Journal.create(small_disk / "second.db", SITE)
        filler.unlink()
        assert journal.append([draft(minute=60)], {})[0].sequence == 6
        assert verify(journal) == []
        Journal.create(small_disk / "second.db", SITE).close()


def test_a_read_only_disk_can_be_read_and_verified_but_not_written(small_disk: Path) -> None:
    filled(small_disk / "journal.db", 5).close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with Journal.open(small_disk / "journal.db", SITE) as journal:
        assert len(journal.entries()) == 5
        assert verify(journal) == []
        with pytest.raises(EnvironmentFails, match=r"may not be written .*: nothing was recorded"):
            journal.append([draft(minute=60)], {})
        with pytest.raises(EnvironmentFails, match="cannot be made"):
            Journal.create(small_disk / "second.db", SITE)


def test_a_journal_held_by_another_program_is_waited_for_and_then_refused(tmp_path: Path) -> None:
    with filled(tmp_path / "journal.db", 2) as holder, Journal.open(tmp_path / "journal.db", SITE) as waiter:
        waiter.database._connection.execute("PRAGMA busy_timeout=20")
        with (
            holder.database.writing(SITE),
            pytest.raises(EnvironmentFails, match=r"held the journal .*nothing was recorded"),
        ):
            waiter.append([draft(minute=60)], {})
        assert waiter.append([draft(minute=60)], {})[0].sequence == 3


def test_a_commit_that_failed_is_looked_up_and_never_guessed(tmp_path: Path) -> None:
    failure = CommitFails(Problem("journal.disk-error", "The disk reports an error: nothing was recorded."))
    with filled(tmp_path / "journal.db", 2) as journal:
        written, absent = draft(idempotency_key="key-1"), draft(idempotency_key="key-9")
        with pytest.raises(CommitFails, match="nothing was recorded"):
            journal._settle([absent], failure)
        with pytest.raises(EnvironmentFails, match="Entry 2 is in the file, but may not last"):
            journal._settle([written], failure)
    with pytest.raises(EnvironmentFails, match=r"not known whether the entry was recorded\. Do not repeat"):
        journal._settle([written], failure)  # closed: the look-up fails as well


def test_a_file_cut_short_anywhere_is_found(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    filled(path, 12).close()
    content = path.read_bytes()
    for length in range(512, len(content), 512):
        path.write_bytes(content[:length])
        try:
            with Journal.open(path, SITE) as journal:
                problems = verify(journal)
        except EnvironmentFails as refused:
            problems = list(refused.problems)
        assert problems, f"cut at {length}"


# ---- processes ----


def child(path: Path, mode: str, name: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(Path(journal_child.__file__)), str(path), mode, name]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE)


def killed(path: Path, mode: str, name: str, after: float) -> tuple[set[str], bool]:
    """Kill a writer some seconds after its first acknowledgement; the keys it acknowledged, and if it was at work."""
    process = child(path, mode, name)
    assert process.stdout is not None
    words = [process.stdout.readline(), process.stdout.readline()]
    time.sleep(after)
    process.kill()
    words += process.stdout.readlines()
    assert process.wait() == -9
    process.stdout.close()
    lines = [word.decode().split() for word in words if word.endswith(b"\n")]
    done = {f"{name}-{number}" for what, number in lines if what == "done"}
    begun = {f"{name}-{number}" for what, number in lines if what == "begin"}
    return done, begun != done


def keys(path: Path) -> set[str]:
    with Journal.open(path, SITE) as journal:
        assert verify(journal) == []
        return {entry.idempotency_key for entry in journal.entries()}


def test_the_kill_harness_catches_a_writer_that_acknowledges_too_early(tmp_path: Path) -> None:
    path, source, lost = tmp_path / "journal.db", random.Random(SEED), 0
    Journal.create(path, SITE).close()
    for run in range(KILLS_OF_THE_SEEDED_BUG):
        done, _ = killed(path, "early", f"early{run}", source.uniform(0, 0.04))
        lost += len(done - keys(path))
    assert lost


def test_every_acknowledged_entry_survives_kill_minus_nine(tmp_path: Path) -> None:
    path, source = tmp_path / "journal.db", random.Random(SEED)
    Journal.create(path, SITE).close()
    acknowledged: set[str] = set()
    at_work = in_a_transaction = 0
    for run in range(KILLS):
        done, unfinished = killed(path, "honest", f"run{run}", source.uniform(0, 0.04))
        acknowledged |= done
        at_work += unfinished
        in_a_transaction += path.with_name("journal.db-journal").exists()
        there = keys(path)
        assert acknowledged <= there, f"run {run}, seed {SEED}: {sorted(acknowledged - there)} lost"
        assert len(there) <= len(acknowledged) + run + 1  # at most the one append that was cut short
    assert at_work > KILLS // 2
    assert in_a_transaction > 0
    assert len(acknowledged) >= KILLS
