"""Many writers at one instant, on both databases: nothing lost, nothing forked, nothing given twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from compounding.cli.app import App
from compounding.store.carry import read_journal, write_journal
from compounding.store.database import Place
from compounding.store.journal import Journal
from compounding.store.verify import verify
from tests.bench import begun as begun_bench
from tests.bench import carried_on, story
from tests.enforced import rule
from tests.servers import Server
from tests.store import crowd
from tests.store.history import Operation, met, violations
from tests.store.journals import SITE, begun, draft
from tests.store.killing import LONG, tell

ROOT = Path(__file__).parents[2]
WRITERS, CROWD, INSTANTS, COMMANDS = 20, 200, 100, 6
PROCESSES, OPERATIONS = 50, 400 if LONG else 8
BACKUPS = 100 if LONG else 4
STOCK, DRAWS = (3900, "20") if LONG else (150, "1")


def crowd_of(count: int, place: Place, *task: str) -> list[dict[str, Any]]:
    """What each of so many processes did; all of them were ready before the first began."""
    command = [sys.executable, "-m", "tests.store.crowd", str(count), str(place), *task]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300
    )
    assert done.stdout, done.stderr
    told: list[dict[str, Any]] = json.loads(done.stdout)
    assert len(told) == count, done.stderr
    return told


def stocked(place: Place, amount: int) -> None:
    with begun(place) as journal:
        journal.append([draft("Received", crowd.LOT, body={"left": amount})], {})


def drawn(place: Place) -> int:
    with Journal.open(place, SITE) as journal:
        assert verify(journal) == []
        return len(journal.entries(crowd.LOT)) - 1


@rule("REC-27")
def test_twenty_writers_about_one_subject_lose_nothing_and_fork_nothing(place: Place) -> None:
    begun(place).close()
    told = crowd_of(WRITERS, place, "append")
    assert [each["done"] for each in told] == [crowd.SHARED] * WRITERS
    with Journal.open(place, SITE) as journal:
        entries = journal.entries()
        assert [entry.sequence for entry in entries] == list(range(1, WRITERS * crowd.SHARED + 1))
        assert verify(journal) == []


def test_a_writer_that_does_not_say_what_it_saw_overdraws_the_lot_and_is_noticed_here(place: Place) -> None:
    stocked(place, WRITERS)
    crowd_of(WRITERS, place, "careless", "3")
    assert drawn(place) > WRITERS


@rule("REC-20", "REC-27")
def test_two_hundred_writers_never_draw_more_from_a_lot_than_there_is(place: Place) -> None:
    stocked(place, STOCK)
    began = time.monotonic()
    told = crowd_of(CROWD, place, "draw", DRAWS)
    took = time.monotonic() - began
    assert [each["code"] for each in told] == [0] * CROWD
    assert sum(each["done"] for each in told) == STOCK == drawn(place)
    assert any("nothing left" in each for each in told)
    moved, longest = sum(each["moved"] for each in told), max(each["longest"] for each in told)
    database = "SQLite" if isinstance(place, Path) else "PostgreSQL"
    tell(f"{CROWD} writers on one lot, {database}, {STOCK / took:.0f} a second", runs=CROWD, acknowledged=STOCK,
         lost=0, fired=moved, seconds=round(longest, 2))  # fmt: skip


@rule("REC-27")
def test_of_two_approvers_at_one_instant_exactly_one_approves(place: Place) -> None:
    begun(place).close()
    first, second = crowd_of(2, place, "approve", str(INSTANTS))
    assert first["done"] + second["done"] == INSTANTS
    assert first["moved"] + second["moved"] > 0  # they did meet
    with Journal.open(place, SITE) as journal:
        assert len(journal.entries()) == INSTANTS
        assert verify(journal) == []


def history_of(place: Place, folder: Path, bug: str, times: int) -> tuple[int, list[str]]:
    """What fifty processes did, by lot, at one journal: how many operations met another, and what is wrong with them."""
    stocked(place, PROCESSES * times)
    assert [each["code"] for each in crowd_of(PROCESSES, place, "mixed", str(times), str(folder), bug)] == [
        0
    ] * PROCESSES
    told = [Operation(*each) for file in sorted(folder.iterdir()) for each in json.loads(file.read_text())]
    assert len(told) == PROCESSES * times
    with Journal.open(place, SITE) as journal:
        assert verify(journal) == []
        return met(told), violations(told, journal.entries())


@pytest.mark.parametrize("bug", ["careless", "early", "twice"])
def test_the_checker_of_histories_finds_each_seeded_bug(bug: str, memory: Path, tmp_path: Path) -> None:
    assert history_of(memory / "journal.db", tmp_path, bug, 8)[1]


def test_what_fifty_processes_did_is_one_history_in_which_each_took_its_turn(place: Place, tmp_path: Path) -> None:
    (tmp_path / "told").mkdir()
    overlapping, wrong = history_of(place, tmp_path / "told", "honest", OPERATIONS)
    assert wrong == [] and overlapping > PROCESSES
    database = "SQLite" if isinstance(place, Path) else "PostgreSQL"
    tell(
        f"{PROCESSES} processes, operations by lot, {database}", runs=PROCESSES * OPERATIONS, fired=overlapping, lost=0
    )


def test_backups_that_are_made_while_twenty_write_are_whole_and_each_holds_the_one_before(
    place: Place, tmp_path: Path
) -> None:
    begun(place).close()
    command = [
        sys.executable,
        "-m",
        "tests.store.crowd",
        str(WRITERS),
        str(place),
        "append-until",
        str(tmp_path / "stop"),
    ]
    heads = []
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE
    ) as crowd:
        with Journal.open(place, SITE) as journal:
            for number in range(BACKUPS):
                while journal.head().size <= (
                    heads[-1].size if heads else 0
                ):  # each shall have more than the one before
                    assert crowd.poll() is None
                    time.sleep(0.01)
                heads.append(write_journal(tmp_path / f"{number}.backup", journal, tmp_path).head)
        (tmp_path / "stop").touch()
        assert crowd.wait() == 0
    assert sorted({head.size for head in heads}) == [head.size for head in heads]
    for number, head in enumerate(heads):
        restored = tmp_path / f"{number}.db"
        assert read_journal(tmp_path / f"{number}.backup", restored, SITE, tmp_path).head == head
        with Journal.open(restored, SITE) as older, Journal.open(place, SITE) as journal:
            assert journal.had(head) and verify(older) == []
            assert all(older.had(each) for each in heads[: number + 1])
    database = "SQLite" if isinstance(place, Path) else "PostgreSQL"
    tell(f"backup while {WRITERS} write, {database}", runs=BACKUPS, fired=len(heads), lost=0)


def test_a_command_that_waited_longer_than_clocks_differ_takes_the_time_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = begun_bench(tmp_path / "bench")
    _, tablets = next(iter(story("lot receive")))
    waited = iter([datetime.now(UTC) - timedelta(minutes=1)])
    with Journal.open(bench.journal, "main") as journal:
        journal.append([crowd.fact("Weighed", "lot:OTHER", "tom")], {})
    monkeypatch.setattr(App, "now", lambda _: next(waited, None) or datetime.now(UTC))
    bench.do(tablets, "tom")


@rule("REC-27")
def test_commands_at_one_instant_release_a_batch_once_and_open_each_its_own(
    place: Place, tmp_path: Path, server: Server
) -> None:
    bench = begun_bench(tmp_path / "bench")
    settings = bench.folder / "settings.toml"
    if isinstance(place, str):
        settings.write_text(settings.read_text().replace('"journal.sqlite"', f'"{place}"'))
        begun(place).close()
    for person, command in story("lot receive"):
        bench.do(command, person)
    carried_on(bench, "CAPS-1", "batch release")
    released = crowd_of(COMMANDS, settings, "command", "--as", "ana", "batch", "release", "CAPS-1")
    assert sum(each["done"] for each in released) == 1, released
    opening = ("batch", "open", "naltrexone-capsule", "--strength", "1.5 mg", "--count", "100", "--from", "TAB-1")
    opened = crowd_of(COMMANDS, settings, "command", "--as", "ana", *opening)
    assert [each["done"] for each in opened] == [1] * COMMANDS, opened
    batches = bench.do("batch list --json").json["batches"]
    assert len({each["id"] for each in batches}) == len(batches) == COMMANDS + 1
    bench.head()
