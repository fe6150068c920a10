"""Whatever is changed behind the journal's back is found, by the first entry that it spoils."""

from __future__ import annotations

import functools
import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compounding.problems import CompoundingError
from compounding.store import log
from compounding.store.canonical import canonical_bytes
from compounding.store.journal import Journal
from compounding.store.verify import _Peaks, verify
from tests.enforced import rule
from tests.store.journals import SITE, draft, filled, told_of_file

ENTRIES = 12
SEED = 20260301
FLIPS_OF_CONTENT, FLIPS_OF_EMPTY_SPACE, FLIPS_BEFORE_AN_APPEND = 1500, 150, 150


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a good journal."""
    path = tmp_path_factory.mktemp("good") / "journal.db"
    filled(path, ENTRIES).close()
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "journal.db"
    path.write_bytes(content)
    return path


def spoil(path: Path, *statements: str, drop_triggers: bool = True) -> None:
    """Change the file as an administrator could: take the triggers away, and put them back afterwards."""
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA synchronous=OFF")
        triggers = raw.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers if drop_triggers else ():
            raw.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            raw.execute(statement)
        for _, sql in triggers if drop_triggers else ():
            raw.execute(sql)


def found(path: Path) -> list[str]:
    """Where verification finds something wrong."""
    with Journal.open(path, SITE) as journal:
        problems = verify(journal)
    assert all(problem.stops and "backup" in problem.text for problem in problems)
    return [str(problem.where) for problem in problems]


def test_a_journal_as_it_was_written_verifies_and_tells_its_progress(path: Path) -> None:
    told: list[tuple[int, int]] = []
    with Journal.open(path, SITE) as journal:
        assert verify(journal, lambda done, total: told.append((done, total))) == []
    assert told == [(ENTRIES, ENTRIES)]


@rule("REC-24")
@pytest.mark.parametrize("sequence", range(1, ENTRIES + 1))
@pytest.mark.parametrize(
    "column",
    [
        "kind = 'Released'",
        "time = '2026-03-01T09:00:00.000001Z'",
        "person = 'Bo'",
        "idempotency_key = 'x'",
        "body = CAST(replace(body, '952.6', '95.26') AS BLOB)",
        "signatures = x'00'",
        "leaf = zeroblob(32)",
        "peaks = zeroblob(length(peaks))",
        "peaks = CAST(peaks || zeroblob(32) AS BLOB)",
        "site = 'north'",
        "sequence = 100",
    ],
)
def test_a_changed_column_is_found_at_its_entry(path: Path, column: str, sequence: int) -> None:
    spoil(path, f"UPDATE entries SET {column} WHERE sequence = {sequence}")
    assert f"entry {sequence}" in found(path) or (sequence == ENTRIES and column.startswith(("site", "sequence")))
    assert found(path)


@rule("REC-23")
@pytest.mark.parametrize("sequence", range(1, ENTRIES))
def test_a_deleted_entry_is_found_where_it_was(path: Path, sequence: int) -> None:
    at = f"WHERE sequence = {sequence}"
    spoil(path, f"DELETE FROM subjects {at}", f"DELETE FROM entries {at}")
    assert found(path) == [f"entry {sequence}"]


@rule("REC-23")
@pytest.mark.parametrize("sequence", range(1, ENTRIES))
def test_two_swapped_entries_are_found_at_the_first(path: Path, sequence: int) -> None:
    number = f"CASE sequence WHEN {sequence} THEN {sequence + 1} WHEN {sequence + 1} THEN {sequence} ELSE sequence END"
    for table in ("entries", "subjects"):
        spoil(path, f"UPDATE {table} SET sequence = -({number})", f"UPDATE {table} SET sequence = -sequence")
    assert found(path) == [f"entry {sequence}"]


@rule("REC-23")
@pytest.mark.parametrize("sequence", range(1, ENTRIES + 1))
def test_a_doubled_entry_is_found_at_the_end(path: Path, sequence: int) -> None:
    parts = "kind, time, person, 'double', body, signatures, leaf, peaks"
    spoil(path, f"INSERT INTO entries SELECT site, {ENTRIES + 1}, {parts} FROM entries WHERE sequence = {sequence}")
    assert found(path) == [f"entry {ENTRIES + 1}"]


@rule("REC-24")
@pytest.mark.parametrize(
    ("statement", "where"),
    [
        ("DELETE FROM subjects WHERE sequence = 4", "entry 4"),
        ("UPDATE subjects SET subject = 'batch:other' WHERE sequence = 4", "entry 4"),
        ("UPDATE subjects SET sequence = 5 WHERE sequence = 4", "entry 4"),
        ("INSERT INTO subjects VALUES ('main', 'batch:other', 4)", "entry 4"),
        ("INSERT INTO subjects VALUES ('main', 'batch:other', 0)", "entry 1"),
        ("INSERT INTO subjects VALUES ('main', 'batch:other', 99)", "subjects"),
        ("INSERT INTO subjects VALUES ('north', 'batch:other', 1)", "file"),
        ("UPDATE personal SET name = 'Bo'", "rx-1"),
        ("UPDATE personal SET prescription = 'rx-2'", "rx-2"),
        ("UPDATE personal SET salt = zeroblob(16)", "rx-1"),
        ("DELETE FROM sites", "file"),
        ("CREATE TABLE notes(a)", "table notes"),
        ("CREATE INDEX quick ON entries(person)", "index quick"),
        ("CREATE TRIGGER quiet AFTER INSERT ON entries BEGIN SELECT 1; END", "trigger quiet"),
    ],
)
def test_a_spoiled_table_beside_the_entries_is_found(path: Path, statement: str, where: str) -> None:
    if statement == "DELETE FROM sites":
        spoil(path, statement)
        with pytest.raises(CompoundingError, match="is the journal of no site"):
            Journal.open(path, SITE)
    else:
        spoil(path, statement)
        assert where in found(path)


@rule("REC-24")
@pytest.mark.parametrize("trigger", ["entries_refuse_delete", "subjects_refuse_update", "entries_join_at_the_end"])
def test_a_missing_trigger_is_found(path: Path, trigger: str) -> None:
    spoil(path, f"DROP TRIGGER {trigger}", drop_triggers=False)
    assert found(path) == [f"trigger {trigger}"]


def forge(path: Path, sequence: int, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the bytes of one entry, and make everything in its own row fit again."""
    with Journal.open(path, SITE) as journal:
        rows = journal.database.rows(SITE, 0)
    fact = json.loads(rows[sequence - 1].body)
    change(fact)
    raw = canonical_bytes(fact)
    leaves = [*(row.leaf for row in rows[: sequence - 1]), log.leaf_hash(raw)]
    frontier = functools.reduce(log.grown, leaves, log.EMPTY)
    parts = f"body = x'{raw.hex()}', leaf = x'{leaves[-1].hex()}', peaks = x'{b''.join(frontier.peaks).hex()}'"
    spoil(path, f"UPDATE entries SET {parts} WHERE sequence = {sequence}")


@rule("REC-23")
def test_an_entry_forged_with_a_fitting_hash_is_found_at_the_next_one(path: Path) -> None:
    forge(path, 5, lambda fact: fact["body"].update(reading="95.26 mg"))
    assert found(path) == ["entry 6"]


@rule("REC-23")
@pytest.mark.parametrize(
    "change",
    [
        lambda fact: fact.pop("reason"),
        lambda fact: fact.update(extra=1),
        lambda fact: fact.pop("previous"),
        lambda fact: fact.update(shown=["a page that nobody signed"]),
        lambda fact: fact.update(shown=None),
        lambda fact: fact.update(previous=None),
        lambda fact: fact.update(previous=[]),
        lambda fact: fact.update(previous=["10"]),
        lambda fact: fact.update(previous=[fact["previous"][0] - 1, *fact["previous"][1:]]),
        lambda fact: fact.update(clock_set_back=False),
        lambda fact: fact.update(subjects="batch:2026-0000"),
        lambda fact: fact.update(body=[]),
        lambda fact: fact.update(schema="1"),
        lambda fact: fact.update(workstation=None),
        lambda fact: fact.update(time="2026-03-01T09:11:00Z"),
        lambda fact: fact.update(time="soon"),
        lambda fact: fact.update(kind="Released"),
        lambda fact: fact.update(sequence=11),
        lambda fact: fact["head"].update(root=fact["head"]["root"].upper()),
        lambda fact: fact["head"].update(root="00" * 32),
        lambda fact: fact["head"].update(size=10),
        lambda fact: fact["head"].update(more=1),
        lambda fact: fact.update(head=[]),
    ],
)
def test_bytes_that_are_not_those_of_an_entry_are_found_although_their_hash_fits(
    path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    forge(path, ENTRIES, change)
    assert found(path) == [f"entry {ENTRIES}"]


@rule("REC-30")
def test_an_entry_dated_before_the_one_before_it_is_found(path: Path) -> None:
    forge(path, ENTRIES, lambda fact: fact.update(time="2026-03-01T09:00:00.000000Z"))
    spoil(path, f"UPDATE entries SET time = '2026-03-01T09:00:00.000000Z' WHERE sequence = {ENTRIES}")
    with Journal.open(path, SITE) as journal:
        assert "its time is before" in verify(journal)[0].text


def test_reading_a_spoiled_entry_is_refused_and_so_is_writing_after_it(path: Path) -> None:
    spoil(path, f"UPDATE entries SET body = CAST(replace(body, '952', '925') AS BLOB) WHERE sequence = {ENTRIES}")
    with Journal.open(path, SITE) as journal:
        for attempt in (journal.entries, journal.head, lambda: journal.append([draft(minute=60)], {})):
            with pytest.raises(CompoundingError, match=f"Entry {ENTRIES} does not hold what was recorded"):
                attempt()  # type: ignore[operator]
        assert len(journal.entries("batch:2026-0000")) == ENTRIES // 2


@rule("REC-25")
def test_a_cut_tail_is_found_from_the_head_on_paper(path: Path) -> None:
    with Journal.open(path, SITE) as journal:
        _, paper = log.read_checkpoint(journal.checkpoint())
    spoil(path, "DELETE FROM subjects WHERE sequence > 9", "DELETE FROM entries WHERE sequence > 9")
    with Journal.open(path, SITE) as journal:
        assert verify(journal) == []  # nothing inside the file can know: hence the paper
        assert not log.consistency_holds(paper, journal.head(), ())


@rule("REC-25")
def test_a_rewritten_history_is_found_from_the_head_on_paper(path: Path, tmp_path: Path) -> None:
    with Journal.open(path, SITE) as journal:
        _, paper = log.read_checkpoint(journal.checkpoint())
    with filled(tmp_path / "forged.db", ENTRIES - 1) as forged:
        forged.append([draft(body={"reading": "95.26 mg"}, minute=60), draft(minute=61)], {})
        assert verify(forged) == []
        leaves = [log.leaf_hash(entry.raw) for entry in forged.entries()]
        proof = log.consistency_proof(leaves, paper.size)
        assert not log.consistency_holds(paper, forged.head(), proof)


@given(st.lists(st.integers(0, 70), max_size=6))
def test_a_tree_grown_in_pieces_is_the_tree_grown_leaf_by_leaf(pieces: list[int]) -> None:
    at_once, one_by_one, leaves = _Peaks(), _Peaks(), [log.leaf_hash(b"%d" % number) for number in range(sum(pieces))]
    for leaf in leaves:
        one_by_one.grow(leaf)
    for end, piece in zip(accumulate(pieces), pieces, strict=True):
        at_once.grow_all(leaves[end - piece : end])
    assert (at_once.size, at_once.stored(), at_once.root()) == (len(leaves), one_by_one.stored(), log.root_of(leaves))


# ---- flipped bytes ----


def told(path: Path) -> tuple[Any, ...]:
    """Everything that the journal says."""
    with Journal.open(path, SITE) as journal:
        subjects = {**journal.subjects("batch:"), **journal.subjects("lot:")}
        about = [journal.entries(subject) for subject in subjects]
        return (
            journal.entries(),
            about,
            subjects,
            journal.last_seen(subjects),
            journal.head(),
            journal.recall_personal("rx-1"),
        )


def flips(content: bytes, at: list[int], source: random.Random) -> Callable[[], Any]:
    """Each place with one bit of it flipped."""
    for place in at:
        spoiled = bytearray(content)
        spoiled[place] ^= 1 << source.randrange(8)
        yield place, bytes(spoiled)


@rule("REC-23")
def test_every_flipped_byte_that_changes_what_is_read_is_reported(path: Path, content: bytes) -> None:
    good = told(path)
    source = random.Random(SEED)
    used = [place for place, byte in enumerate(content) if byte]
    unused = [place for place, byte in enumerate(content) if not byte]
    places = list(range(100)) + source.sample(used, FLIPS_OF_CONTENT) + source.sample(unused, FLIPS_OF_EMPTY_SPACE)
    reported = 0
    for place, spoiled in flips(content, places, source):
        path.write_bytes(spoiled)
        problems = told_of_file(path)
        if problems:
            reported += 1
        else:
            assert told(path) == good, f"byte {place}, seed {SEED}: silently wrong"
    assert reported > FLIPS_OF_CONTENT * 0.9  # the flips did land on what matters


def test_an_append_to_a_flipped_file_is_refused_or_whole(path: Path, content: bytes) -> None:
    source = random.Random(SEED)
    for place, spoiled in flips(content, source.sample(range(len(content)), FLIPS_BEFORE_AN_APPEND), source):
        path.write_bytes(spoiled)
        try:
            with Journal.open(path, SITE) as journal:
                clean = not verify(journal)
                journal.append([draft(minute=60)], {})
                after = verify(journal)
        except CompoundingError:
            path.with_name("journal.db-journal").unlink(missing_ok=True)
            continue
        assert not (clean and after), f"byte {place}, seed {SEED}: {after}"
