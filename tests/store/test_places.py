"""A journal lies where locks hold, and stays where it lies while somebody writes into it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from compounding.problems import CompoundingError, EnvironmentFails, Refused
from compounding.store.disks import FAR, far, filesystem_of
from compounding.store.journal import Journal
from compounding.store.log import Head
from compounding.store.verify import verify
from tests.bench import Bench, stocked
from tests.store.journals import SITE, draft, filled
from tests.store.killing import LONG, tell, there
from tests.store.test_concurrency import crowd_of

UNLOCKED = 100 if LONG else 3


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Path]:
    """A folder that says that it is on another machine: a real mount of the kind that sshfs makes."""
    (tmp_path / "there").mkdir()
    (tmp_path / "a share").mkdir()
    subprocess.run(["bindfs", "-o", "subtype=sshfs", tmp_path / "there", tmp_path / "a share"], check=True)
    yield tmp_path / "a share"
    subprocess.run(["umount", tmp_path / "a share"], check=True)


def test_no_journal_is_begun_or_written_on_a_network_disk_but_one_that_is_there_can_be_saved(
    share: Path, tmp_path: Path
) -> None:
    assert far(share / "journal.db") == "fuse.sshfs" in FAR
    with pytest.raises(EnvironmentFails, match=r"network disk \(fuse.sshfs\).*nothing was recorded"):
        Journal.create(share / "journal.db", SITE)
    assert list(share.iterdir()) == []
    filled(tmp_path / "there" / "journal.db", 3).close()
    with Journal.open(share / "journal.db", SITE) as journal:
        with pytest.raises(EnvironmentFails, match="Move it to a local disk"):
            journal.append([draft(minute=60)], {})
        assert verify(journal) == [] and len(journal.entries()) == 3


def test_a_command_says_so_and_a_backup_still_takes_the_journal_away(share: Path, tmp_path: Path) -> None:
    stocked(tmp_path / "there" / "bench")
    bench = Bench(share / "bench")
    refused = bench.run('lot quarantine MCC-1 --reason "damp"')
    assert (refused.code, refused.codes) == (3, ["journal.network-disk"])
    assert "network disk" in bench.run("doctor").out
    bench.do(f"journal backup {tmp_path}/saved.backup")


def test_a_disk_of_this_machine_is_known_as_one(tmp_path: Path) -> None:
    assert filesystem_of(tmp_path) not in ("", *FAR) and far(tmp_path) == ""
    assert filesystem_of(Path("/proc/self")) == "proc"


def found_out(path: Path, heads: list[Head]) -> tuple[bool, bool]:
    """Whether verification finds something wrong with a file, and whether it lacks a head that somebody was told."""
    try:
        with Journal.open(path, SITE) as journal:
            reported = bool(verify(journal))
            return reported, not all(map(journal.had, heads))
    except CompoundingError:
        return True, True


def test_a_journal_that_was_written_without_locks_is_found_out(memory: Path) -> None:
    lost = reported = 0
    for run in range(UNLOCKED):
        path = memory / f"{run}.db"
        Journal.create(path, SITE).close()
        told = crowd_of(4, path, "unlocked", "30")
        heads = [Head(each["seen"][0], bytes.fromhex(each["seen"][1])) for each in told if each["done"]]
        wrong, missing = found_out(path, heads)
        reported += wrong
        lost += missing
        if not wrong:  # then nothing that was acknowledged is gone without a head on paper that says so
            keys = {key for each in told for key in each["keys"]}
            assert missing or there(path, keys) == keys, f"run {run}"
    assert lost > 0 and reported > 0
    tell("four writers whose locks do not hold", runs=UNLOCKED, fired=lost)


def replaced(path: Path, how: str) -> None:
    """An older copy is put in the place of a journal: moved there, or written over it."""
    old = path.with_name("old.db")
    if how == "mv":
        old.replace(path)
    elif how == "cp":
        shutil.copyfile(old, path)
    else:
        path.unlink()


@pytest.mark.parametrize("how", ["mv", "cp", "rm"])
def test_a_file_that_is_replaced_while_it_is_open_gets_no_entry_that_is_acknowledged(how: str, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    filled(path, 3).close()
    shutil.copy(path, tmp_path / "old.db")
    with Journal.open(path, SITE) as journal:
        assert journal.append([draft(minute=60)], {})[0].sequence == 4
        replaced(path, how)
        with pytest.raises((EnvironmentFails, Refused)) as caught:
            journal.append([draft(minute=61)], {})
        assert caught.value.problems[0].code == ("journal.older-copy" if how == "cp" else "journal.replaced")
        assert "othing was recorded" in str(caught.value)


def test_a_file_that_is_moved_away_between_the_decision_and_its_commit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    def moved_in_between(journal: Journal) -> None:
        with journal.alone():
            journal.append([draft(minute=60)], {})
            os.rename(path, tmp_path / "away.db")

    with filled(path, 3) as journal:
        with pytest.raises(EnvironmentFails, match="what was just recorded is in the file that was there before"):
            moved_in_between(journal)
        os.rename(tmp_path / "away.db", path)
        assert [entry.sequence for entry in journal.entries()] == [1, 2, 3, 4]


def test_what_was_rolled_back_is_not_missed_later(tmp_path: Path) -> None:
    def taken_back(journal: Journal) -> None:
        with journal.alone():
            journal.append([draft(minute=60)], {})
            journal.append([draft(minute=61)], {})
            raise KeyboardInterrupt

    with filled(tmp_path / "journal.db", 3) as journal:
        with pytest.raises(KeyboardInterrupt):
            taken_back(journal)
        assert journal.append([draft(minute=60)], {})[0].sequence == 4
        assert journal.append([draft(minute=61)], {})[0].sequence == 5
