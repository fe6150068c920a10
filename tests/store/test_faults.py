"""Full and read-only disks, killed and competing processes: what was acknowledged stays, and nothing else."""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from compounding.problems import EnvironmentFails, Problem
from compounding.store.database import CommitFails
from compounding.store.files import write_whole
from compounding.store.journal import Journal
from compounding.store.verify import verify
from tests.bench import begun, carried_on, stocked, story, words_approved
from tests.enforced import rule
from tests.store.journals import SITE, draft, filled
from tests.store.killing import LONG, SEED, Life, Nursery, is_whole, killed, nursery, tell, there

KILLS, KILLS_OF_THE_SEEDED_BUG, KILLS_OF_ONE_JOURNAL = 5000 if LONG else 500, 8, 50
TORN = 30 if LONG else 1
CALLS = {"write": 1, "sync": 2, "truncate": 4, "unlink": 8}
ACTIONS = {"die": 1, "die in half a write": 2}


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


# ---- killed ----


def test_the_kill_harness_catches_a_writer_that_acknowledges_too_early(tmp_path: Path) -> None:
    path, source, lost = tmp_path / "journal.db", random.Random(SEED), 0
    Journal.create(path, SITE).close()
    with nursery() as born:
        for run in range(KILLS_OF_THE_SEEDED_BUG):
            life = killed(born, "early", path, f"early{run}", source.uniform(0, 0.02))
            lost += len(life.done - there(path, life.done))
    assert lost


@rule("REC-26")
def test_every_acknowledged_entry_survives_kill_minus_nine_and_a_hot_journal_removed_after_it_is_found(memory: Path) -> None:
    source = random.Random(SEED)
    acknowledged = at_work = in_a_transaction = removed = told = 0
    with nursery() as born:
        for run in range(KILLS):
            path = memory / f"journal-{run // KILLS_OF_ONE_JOURNAL}.db"
            if not path.exists():
                Journal.create(path, SITE).close()
            life = killed(born, "write", path, f"run{run}", source.uniform(0, 0.01))
            assert life.code == -9 and life.done
            if path.with_name(f"{path.name}-journal").exists():
                in_a_transaction += 1
                if LONG or run % 10 == 0:  # somebody cleans up
                    alone = memory / "alone.db"
                    shutil.copyfile(path, alone)
                    removed += 1
                    whole = is_whole(alone)
                    told += not whole
                    assert not whole or there(alone, life.done) == life.done, f"run {run}, seed {SEED}, cleaned up"
            assert there(path, life.done) == life.done, f"run {run}, seed {SEED}"
            at_work += life.begun != life.done
            acknowledged += len(life.done)
            if run % KILLS_OF_ONE_JOURNAL == KILLS_OF_ONE_JOURNAL - 1:
                assert is_whole(path)
    assert at_work > KILLS // 2
    assert in_a_transaction > 0 and removed > 0
    tell("kill -9, SQLite", runs=KILLS, acknowledged=acknowledged, lost=0, fired=in_a_transaction)
    tell("the hot journal of a killed writer removed", runs=removed, fired=told, lost=0)


# ---- a disk that fails at the Nth call ----


def at_each_call(born: Nursery, content: bytes, path: Path, task: tuple[int, int, int]) -> Iterator[tuple[int, Life]]:
    """The same three appends again and again, each time with the fault one call later, until it fires no more."""
    mask, action, error = task
    for nth in range(1, 1000):
        for file in (path, path.with_name(f"{path.name}-journal")):
            file.unlink(missing_ok=True)
        path.write_bytes(content)
        life, _ = born.bear("fault", path, "fault", mask, nth, action, error)
        born.hear_until_dead(life)
        if not (life.fired or life.code == -9):
            return
        yield nth, life


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("good") / "journal.db"
    filled(path, 6).close()
    return path.read_bytes()


@rule("REC-26")
@pytest.mark.parametrize("call", ["write", "sync", "truncate", "unlink"])
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EACCES], ids=errno.errorcode.get)
def test_an_error_at_any_call_is_told_and_loses_nothing(
    shim: Path, memory: Path, content: bytes, call: str, error: int
) -> None:
    path, fired = memory / "journal.db", 0
    with nursery(shim) as born:
        for nth, life in at_each_call(born, content, path, (CALLS[call], 0, error)):
            fired += 1
            assert life.code == 0, f"{call} {nth}"
            assert there(path, life.done) == life.done, f"{call} {nth}"
            uncertain = "journal.outcome-unknown" in life.refused
            assert uncertain or there(path, life.begun) == life.done, f"{call} {nth}: {life.refused}"
            assert is_whole(path), f"{call} {nth}"
    assert fired or (call == "truncate")  # a rollback journal that is deleted is not cut
    if fired:
        tell(f"{errno.errorcode[error]} at every {call}", runs=fired, lost=0, fired=fired)


@rule("REC-26")
@pytest.mark.parametrize("action", ["die", "die in half a write"])
def test_death_at_any_call_leaves_a_whole_journal_and_a_hot_journal_removed_is_found(
    shim: Path, memory: Path, content: bytes, action: str
) -> None:
    path, beside, fired, told, looked_fine = memory / "journal.db", memory / "journal.db-journal", 0, 0, 0
    with nursery(shim) as born:
        for nth, life in at_each_call(born, content, path, (15 if action == "die" else 1, ACTIONS[action], 0)):
            fired += 1
            left = path.read_bytes()
            hot = beside.exists()
            assert there(path, life.done) == life.done, f"{action} {nth}"
            assert is_whole(path), f"{action} {nth}"
            if hot:  # somebody cleans up
                path.write_bytes(left)
                beside.unlink(missing_ok=True)
                if is_whole(path):
                    assert there(path, life.done) == life.done, f"{action} {nth}, cleaned up"
                    looked_fine += 1
                else:
                    told += 1
    assert fired > 20 and told > 0
    tell(f"{action} at every call", runs=fired, lost=0, fired=fired)


@rule("REC-26")
def test_a_write_that_is_torn_anywhere_with_garbage_behind_it_loses_nothing(shim: Path, memory: Path, content: bytes) -> None:
    path, fired = memory / "journal.db", 0
    with nursery(shim) as born:
        for seed in range(1, TORN + 1):
            for nth, life in at_each_call(born, content, path, (CALLS["write"], 4, seed)):
                assert life.code == -9, f"write {nth}, seed {seed}"
                fired += 1
                assert there(path, life.done) == life.done, f"write {nth}, seed {seed}"
                assert is_whole(path), f"write {nth}, seed {seed}"
    assert fired > 60 * TORN
    tell("a torn write with garbage, at every write", runs=fired, lost=0, fired=fired)


@rule("REC-26")
def test_a_disk_that_lies_is_found_out(shim: Path, memory: Path, content: bytes) -> None:
    path, fired, told = memory / "journal.db", 0, 0
    with nursery(shim) as born:
        for nth, life in at_each_call(born, content, path, (1, 3, 0)):
            fired += 1
            whole = is_whole(path)
            told += not whole
            assert not whole or there(path, life.done) == life.done, f"write {nth}"
    assert told > 0
    tell("half a write that says it was whole", runs=fired, lost=0, fired=fired)


def test_at_every_level_of_a_full_disk_an_entry_is_whole_or_refused_and_no_half_paper_is_left(small_disk: Path) -> None:
    path, paper, filler = small_disk / "journal.db", small_disk / "label.pdf", small_disk / "filler"
    filled(path, 5).close()
    refused = written = papers = 0
    codes: set[str] = set()
    for pages in range(40 if LONG else 24):
        filler.unlink(missing_ok=True)
        with pytest.raises(OSError, match="No space"):
            fill(filler)
        os.truncate(filler, filler.stat().st_size - pages * 4096)
        with Journal.open(path, SITE) as journal:
            before = journal.head().size
            try:
                journal.append([draft(minute=60, body={"note": "x" * 9000}), draft(minute=60)], {})
                written += 1
                assert journal.head().size == before + 2
            except EnvironmentFails as failure:
                refused += 1
                codes.update(problem.code for problem in failure.problems)
                assert journal.head().size == before
            assert verify(journal) == []
        try:
            write_whole(paper, b"%PDF-" + bytes(30_000))
            assert paper.stat().st_size == 30_005
            papers += 1
            paper.unlink()
        except EnvironmentFails:
            assert sorted(file.name for file in small_disk.iterdir()) == ["filler", "journal.db"]
    assert refused > 3 and written > 3 and papers > 0 and codes == {"journal.full"}
    tell("full disk, every 4 KiB", runs=refused + written, lost=0, fired=refused)


@rule("REC-26")
def test_a_journal_that_cannot_be_written_refuses_the_label_before_there_is_paper(
    small_disk: Path, tmp_path: Path
) -> None:
    bench = begun(small_disk / "bench")
    for person, command in story("lot receive"):
        bench.do(command, person)
    carried_on(bench, "CAPS-1", "label ")
    words_approved(bench)
    ((person, command),) = story("label CAPS-1")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    paper = tmp_path / "label.pdf"
    refused = bench.run(command.replace("capsules-label.pdf", str(paper)), person)
    assert (refused.code, refused.codes) == (3, ["journal.read-only"])
    assert list(tmp_path.iterdir()) == [small_disk]
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    bench.do(command.replace("capsules-label.pdf", str(paper)), person)
    assert paper.exists()


def test_a_recall_stands_and_says_so_when_its_letter_finds_no_room(small_disk: Path, tmp_path: Path) -> None:
    bench = stocked(tmp_path / "bench")
    carried_on(bench, "CAPS-1", "label ")
    with suppress(OSError):
        fill(small_disk / "filler")
    lost = bench.run(f"recall TAB-1 --reason 'notice of the supplier' --letter {small_disk}/recall.pdf", "ana")
    assert (lost.code, lost.codes) == (3, ["recall.no-letter"]) and "The recall is recorded" in lost.err
    assert bench.do("batch show CAPS-1 --json").json["state"] == "recalled"
    (small_disk / "filler").unlink()
    bench.do(f"recall TAB-1 --list --letter {small_disk}/recall.pdf", "ana")
    assert (small_disk / "recall.pdf").read_bytes().startswith(b"%PDF")
