"""Older copies, cut and rewritten journals are found: by the head that this workstation saw, and by any printed one."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from compounding.cli import demo
from compounding.store.journal import Journal
from tests.bench import Bench, begun, carried_on, stocked, story
from tests.enforced import rule
from tests.store.journals import draft

OPENED = 'batch open naltrexone-capsule --strength "1.5 mg" --count 100 --from TAB-1'


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return stocked(tmp_path / "bench")


def without_triggers(path: Path, *statements: str) -> None:
    """What somebody with the file and a good knowledge of it could do."""
    with sqlite3.connect(path) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
    connection.close()


@rule("REC-25")
def test_an_older_copy_in_the_journals_place_takes_no_entry_and_says_what_to_do(bench: Bench, tmp_path: Path) -> None:
    shutil.copy(bench.journal, tmp_path / "older")
    bench.do(OPENED)
    shutil.copy(tmp_path / "older", bench.journal)
    before = bench.journal.read_bytes()
    refused = bench.run(OPENED)
    assert refused.codes == ["journal.older-than-seen"] and "journal resume --reason" in refused.err
    assert bench.journal.read_bytes() == before
    assert bench.run("journal verify").codes == ["journal.older-than-seen"]
    assert bench.do("lot list").out  # it can be read
    assert bench.run('journal resume --reason "disk failed"', "tom").codes == ["person.role"]
    bench.do('journal resume --reason "disk failed"')
    bench.do(OPENED)
    (note,) = bench.do("journal verify --json").json["notes"]
    assert "an older copy went on, though 8 entries had been seen: disk failed" in note
    assert bench.run('journal resume --reason "again"').codes == ["journal.not-older"]


@rule("REC-25")
def test_going_on_with_an_older_copy_is_signed_and_a_wrong_passphrase_leaves_the_witness_where_it_is(tmp_path: Path) -> None:
    bench = stocked(tmp_path / "bench", signed=True)
    shutil.copy(bench.journal, tmp_path / "older")
    bench.do(OPENED)
    shutil.copy(tmp_path / "older", bench.journal)
    (bench.folder / "passphrases" / "ana.txt").write_text("not the words of ana at all\n")
    assert bench.run('journal resume --reason "disk failed"').codes == ["passphrase.wrong"]
    shutil.copy(tmp_path / "older", bench.journal)
    (bench.folder / "passphrases" / "ana.txt").write_text(f"{demo.PASSPHRASES['ana']}\n")
    assert bench.run(OPENED).codes == ["journal.older-than-seen"]
    bench.do('journal resume --reason "disk failed"')
    with Journal.open(bench.journal, "main") as journal:
        last = journal.entries()[-1]
    assert (last.kind, [each.person for each in last.signing]) == ("journal-resumed", ["ana"])
    assert last.signing[0].meaning.startswith("I know that this copy is older")
    carried_on(bench, "LIQ-1", "batch weigh")
    bench.do("batch export LIQ-1 --out {folder}/LIQ-1.batch")
    assert f"NOTE  entry {last.sequence}: an older copy of the journal went on: disk failed" in bench.do("verify {folder}/LIQ-1.batch").out


# ---- wrong clocks, and days that have not come ----


@rule("REC-31")
def test_a_lot_that_comes_in_tomorrow_is_refused(tmp_path: Path) -> None:
    bench = begun(tmp_path)
    today = datetime.now().astimezone().date()
    refused = bench.run(f"{RECEIVE} --received {today + timedelta(days=1)}")
    assert (refused.code, refused.codes) == (1, ["lot.in-future"]) and "has not come yet" in refused.err
    bench.do(f"{RECEIVE} --received {today}")


RECEIVE = next(command for _, command in story("lot receive") if "TAB-1" in command)


def written_at(bench: Bench, time: datetime) -> None:
    """An entry of a workstation whose clock reads so."""
    with Journal.open(bench.journal, "main") as journal:
        journal.append([draft("noted", "lot:none", time=time)], {})


@rule("REC-30")
def test_an_entry_from_a_wrong_clock_ends_no_journal_once_a_pharmacist_says_which_clock_is_right(tmp_path: Path) -> None:
    bench = begun(tmp_path, signed=True)
    written_at(bench, datetime(2040, 1, 1, tzinfo=UTC))
    refused = bench.run(RECEIVE)
    assert refused.codes == ["journal.clock-behind"] and "journal clock --reason" in refused.err
    assert bench.run('journal clock --reason "empty battery"', "tom").codes == ["person.role"]
    bench.do('journal clock --reason "empty battery"')
    bench.do(RECEIVE)
    assert bench.run('journal clock --reason "again"').codes == ["journal.clock-agrees"]
    (note,) = bench.do("journal verify --json").json["notes"]
    assert note == "Entry 6: the clock was said to be right, after an entry of 2040-01-01T00:00:00+00:00: empty battery"
    with Journal.open(bench.journal, "main") as journal:
        said = journal.entries()[5]
    assert said.clock_set_back and [each.person for each in said.signing] == ["ana"]


@rule("REC-30")
@pytest.mark.parametrize("days", [32, 400, 5000])
def test_a_clock_far_ahead_of_the_last_entry_writes_nothing_before_a_pharmacist_says_that_it_is_right(
    tmp_path: Path, days: int
) -> None:
    bench = begun(tmp_path)
    written_at(bench, datetime.now(UTC) - timedelta(days=days))
    refused = bench.run(RECEIVE)
    assert refused.codes == ["journal.clock-ahead"] and f"{days} days after the last entry" in refused.err
    bench.do('journal clock --reason "closed for the summer"')
    bench.do(RECEIVE)
    assert bench.head()


def test_a_month_without_entries_needs_no_word_and_an_empty_journal_neither(tmp_path: Path) -> None:
    bench = begun(tmp_path / "a")
    written_at(bench, datetime.now(UTC) - timedelta(days=30))
    bench.do(RECEIVE)
    assert begun(tmp_path / "b").run('journal clock --reason "new"').codes == ["journal.clock-agrees"]


def test_before_the_first_key_a_clock_can_be_said_to_be_right_whatever_the_settings_ask_for(tmp_path: Path) -> None:
    bench = begun(tmp_path)
    settings = bench.folder / "settings.toml"
    settings.write_text(settings.read_text().replace('signatures = "optional"', 'signatures = "required"'))
    written_at(bench, datetime(2040, 1, 1, tzinfo=UTC))
    bench.do('journal clock --reason "empty battery"')
    assert bench.head()


@rule("REC-25")
def test_every_head_that_was_printed_is_found_again_and_no_other(bench: Bench) -> None:
    heads = {}
    for person, command in list(story("CAPS-1"))[:4]:
        heads[bench.do("journal head --json").json["head"]] = bench.do("journal head --json").json["entries"]
        bench.do(command.replace("--out ", "--out {folder}/"), person)
    asked = " ".join(f"--witness {code}" for code in heads)
    told = bench.do(f"journal verify {asked} --json").json["witnesses"]
    assert {each["head"]: each["entries"] for each in told} == heads
    code = next(iter(heads))
    assert bench.do(f"journal verify --witness {code.lower().replace('-', ' ')!r}").out  # as somebody types it
    other = code[:-1] + ("0" if code[-1] != "0" else "1")
    assert bench.run(f"journal verify --witness {other}").codes == ["witness.misread"]
    assert bench.run(f"journal verify --witness {code[::-1]}").codes == ["witness.unknown"]
    assert bench.run("journal verify --witness RAY4").codes == ["log.code"]


def test_a_journal_that_was_written_anew_from_the_first_entry_lacks_the_printed_head(bench: Bench, tmp_path: Path) -> None:
    printed = bench.do("journal head --json").json["head"]
    other = stocked(tmp_path / "other")
    shutil.copy(other.journal, bench.journal)
    assert "journal.older-than-seen" in bench.run("journal verify").codes
    anew = Bench(other.folder)
    assert anew.run(f"journal verify --witness {printed}").codes == ["witness.unknown"]


@rule("REC-25")
@pytest.mark.parametrize("cut", [1, 3])
def test_a_tail_that_was_cut_is_noticed_by_workstation_and_paper(bench: Bench, cut: int) -> None:
    told = bench.do("journal head --json").json
    last = told["entries"] - cut
    without_triggers(
        bench.journal,
        f"DELETE FROM subjects WHERE sequence > {last}",
        f"DELETE FROM entries WHERE sequence > {last}",
    )
    assert "journal.older-than-seen" in bench.run(f"journal verify --witness {told['head']}").codes
    assert bench.run(OPENED).codes == ["journal.older-than-seen"]


def test_from_a_trusted_head_the_later_entries_alone_are_checked(bench: Bench) -> None:
    trusted = bench.do("journal head --json").json["head"]
    carried_on(bench, "CAPS-1", "batch verify")
    bench.do(f"journal verify --from {trusted}")
    without_triggers(bench.journal, "UPDATE entries SET person = 'eve' WHERE sequence = (SELECT max(sequence) FROM entries)")
    assert "verify.entry" in bench.run(f"journal verify --from {trusted}").codes
    assert bench.run("journal verify --from 0000-0000-0000-0000-0000-0000-00").codes == ["witness.unknown"]


def test_a_new_workstation_has_seen_nothing_and_refuses_nothing(tmp_path: Path) -> None:
    assert begun(tmp_path).head()
