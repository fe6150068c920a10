"""Older copies, cut and rewritten journals are found: by the head that this workstation saw, and by any printed one."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.bench import Bench, begun, carried_on, stocked, story

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
    assert bench.head()
    assert bench.run('journal resume --reason "again"').codes == ["journal.not-older"]


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
