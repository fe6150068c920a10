"""The journal keeps what it was given, in order, once, and nothing else."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from compounding.problems import CompoundingError, EnvironmentFails, NotUnderstood, Refused
from compounding.store import log
from compounding.store.canonical import canonical_bytes
from compounding.store.database import Place
from compounding.store.journal import Journal, JournalMoved
from compounding.store.verify import verify
from tests.enforced import rule
from tests.store.journals import SITE, START, begun, draft, filled


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(place: Place) -> Any:
    """An empty journal; each test with it runs on both databases."""
    with begun(place) as journal:
        yield journal


# ---- what is kept ----


@rule("REC-33")
def test_an_entry_names_the_last_entry_before_it_about_each_of_its_subjects(place: Place) -> None:
    with begun(place) as journal:
        one, two = draft("Weighed", "batch:1", "lot:A"), draft("Weighed", "batch:2", "lot:A", minute=1)
        journal.append([one, two], {})
        journal.append([draft("Weighed", "lot:A", "batch:1", "batch:3", minute=2)], {})
        assert [entry.previous for entry in journal.entries()] == [(0, 0), (0, 1), (2, 1, 0)]
        assert verify(journal) == []


def test_an_entry_reads_back_as_it_was_written(journal: Journal, place: Place) -> None:
    given = draft(body={"line": "tablets", "parts": [1, None, True, {"mass": "1.5 mg"}]}, reason="planned")
    (written,) = journal.append([given], {"batch:2026-0001": 0})
    with Journal.open(place, SITE) as again:
        assert again.entries() == (written,)
        assert again.head() == journal.head()
    for part in ("kind", "body", "subjects", "person", "workstation", "reason", "time", "idempotency_key", "schema"):
        assert getattr(written, part) == getattr(given, part)
    assert (written.sequence, written.site, written.head, written.signatures) == (
        1,
        SITE,
        log.Head(0, log.EMPTY_ROOT),
        b"",
    )


def test_each_entry_names_the_head_before_it_and_the_head_is_the_tree_over_the_bytes(journal: Journal) -> None:
    for number in range(9):
        head = journal.head()
        (entry,) = journal.append([draft(minute=number)], {})
        assert entry.head == head
    leaves = [log.leaf_hash(entry.raw) for entry in journal.entries()]
    assert journal.head() == log.Head(9, log.root_of(leaves))
    assert log.read_checkpoint(journal.checkpoint()) == ("compounding-pharmacy/main", journal.head())
    assert log.read_short_code(journal.short_code()) == journal.short_code()


def test_text_is_kept_in_normal_form_and_found_by_either_spelling(journal: Journal) -> None:
    journal.append([draft("Received", "lot:Cafe\u0301", person="Zoe\u0308")], {"lot:Cafe\u0301": 0})
    (entry,) = journal.entries("lot:Caf\u00e9")
    assert entry.person == "Zo\u00eb"
    assert journal.entries("lot:Cafe\u0301") == (entry,)
    assert journal.last_seen(["lot:Cafe\u0301"]) == {"lot:Caf\u00e9": 1}


def test_times_are_kept_in_universal_time(journal: Journal) -> None:
    chicago = timezone(timedelta(hours=-6))
    (entry,) = journal.append([draft(time=datetime(2026, 3, 1, 3, 0, 0, 250, tzinfo=chicago))], {})
    assert entry.time == datetime(2026, 3, 1, 9, 0, 0, 250, tzinfo=UTC)
    assert b'"time":"2026-03-01T09:00:00.000250Z"' in entry.raw


def test_entries_are_found_by_subject_and_after_a_sequence(place: Place) -> None:
    with filled(place, 6) as journal:
        assert [entry.sequence for entry in journal.entries()] == [1, 2, 3, 4, 5, 6]
        assert [entry.sequence for entry in journal.entries(after=4)] == [5, 6]
        assert [entry.sequence for entry in journal.entries("batch:2026-0001")] == [2, 4, 6]
        assert [entry.sequence for entry in journal.entries("batch:2026-0001", after=2)] == [4, 6]
        assert journal.entries("batch:nothing") == ()
        assert journal.subjects("batch:") == {"batch:2026-0000": 5, "batch:2026-0001": 6}
        assert journal.subjects("rx:") == {}
        assert journal.last_seen(["lot:NAL-50", "lot:none"]) == {"lot:NAL-50": 6, "lot:none": 0}
        with pytest.raises(NotUnderstood, match="no kind of subject"):
            journal.subjects("batch")


# ---- all or nothing, once, and only on what was seen ----


@rule("REC-27")
def test_a_decision_on_a_subject_that_moved_is_refused_and_writes_nothing(journal: Journal) -> None:
    seen = journal.last_seen(["batch:2026-0001", "lot:A"])
    journal.append([draft()], seen)
    with pytest.raises(
        JournalMoved, match="batch:2026-0001: the decision was made at entry 0, the journal is at entry 1"
    ):
        journal.append([draft("Planned", "lot:A"), draft()], seen)
    assert journal.head().size == 1
    assert len(journal.append([draft()], journal.last_seen(seen))) == 1


def test_entries_about_other_subjects_never_disturb(journal: Journal) -> None:
    seen = journal.last_seen(["batch:2026-0001"])
    journal.append([draft("Weighed", "batch:2026-0002"), draft("Weighed", "batch:2026-00010")], {})
    assert journal.append([draft()], seen)[0].sequence == 3


def test_a_decision_that_saw_more_than_there_is_is_refused(journal: Journal) -> None:
    with pytest.raises(JournalMoved):
        journal.append([draft()], {"batch:2026-0001": 7})


@rule("REC-26")
def test_several_facts_join_together_or_not_at_all(journal: Journal) -> None:
    assert [entry.sequence for entry in journal.append([draft(), draft(), draft()], {})] == [1, 2, 3]
    with pytest.raises(NotUnderstood):
        journal.append([draft(), draft(body={"mass": 0.1})], {})
    assert journal.head().size == 3
    assert journal.append([], {}) == ()
    assert verify(journal) == []


@rule("REC-27")
def test_the_same_fact_under_the_same_key_is_written_once(journal: Journal) -> None:
    first = journal.append([draft(idempotency_key="k1"), draft(idempotency_key="k2")], {"batch:2026-0001": 0})
    again = [draft(idempotency_key="k1", minute=9), draft(idempotency_key="k2", minute=9)]
    assert journal.append(again, {"batch:2026-0001": 0}) == first
    assert journal.head().size == 2


@pytest.mark.parametrize(
    "changed", [{"body": {}}, {"kind": "Released"}, {"subjects": ("batch:2",)}, {"person": "Bo"}, {"schema": 2}]
)
def test_another_fact_under_a_used_key_is_refused(journal: Journal, changed: dict[str, Any]) -> None:
    journal.append([draft(idempotency_key="k1")], {})
    with pytest.raises(Refused, match="Entry 1 was written under the same key, k1, with other content"):
        journal.append([draft(idempotency_key="k1", **changed)], {})
    with pytest.raises(Refused, match="same key"):
        journal.append([draft(idempotency_key="k1"), draft()], {})
    assert journal.head().size == 1


def test_keys_differ_by_themselves() -> None:
    assert draft().idempotency_key != draft().idempotency_key


# ---- time ----


def test_a_time_without_a_zone_is_refused(journal: Journal) -> None:
    with pytest.raises(NotUnderstood, match="has no time zone"):
        journal.append([draft(time=START.replace(tzinfo=None))], {})


@rule("REC-30")
@pytest.mark.parametrize(("behind", "taken"), [(0, True), (2, True), (2.000001, False), (86400 * 365 * 25, False)])
def test_a_clock_more_than_two_seconds_behind_the_last_entry_is_refused(
    journal: Journal, behind: float, taken: bool
) -> None:
    journal.append([draft(time=START)], {})
    late = START - timedelta(seconds=behind)
    if not taken:
        with pytest.raises(Refused, match="the last entry was written at 2026-03-01T09:00:00"):
            journal.append([draft(time=late)], {})
        said = {"body": {"after": 1, "was": START.isoformat()}, "clock_set_back": True}
        journal.append([draft("clock-confirmed", "journal:clock", time=late, **said)], {})
    journal.append([draft(time=late)], {})
    assert verify(journal) == []


# ---- what is not an entry ----


@rule("REC-29")
@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"kind": " "}, "An entry needs a kind"),
        ({"person": ""}, "An entry needs a person"),
        ({"idempotency_key": ""}, "An entry needs a idempotency_key"),
        ({"subjects": ("2026-0001",)}, "cannot be a subject"),
        ({"subjects": ("batch:",)}, "cannot be a subject"),
        ({"subjects": (":x",)}, "cannot be a subject"),
        ({"subjects": ("lot:A", "lot:A")}, "once"),
        ({"person": "An\u202ea"}, r"person: character 3 is U\+202E \(RIGHT-TO-LEFT OVERRIDE\)"),
        ({"reason": "two\nlines"}, r"reason: character 4 is U\+000A"),
        ({"body": {"note": "a\x00b"}}, r"Weighed\.body\.note: character 2"),
        ({"schema": "one"}, "not those of an entry"),
    ],
)
def test_a_draft_that_cannot_be_written_down_is_refused(
    journal: Journal, changed: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(NotUnderstood, match=sentence):
        journal.append([draft(**changed)], {})
    assert journal.head().size == 0


@rule("REC-29")
@pytest.mark.parametrize("text", ["'; DROP TABLE entries; --", '" OR 1=1', "%s ? :x", "\\", "😀", "x" * 100_000])
def test_sql_in_any_text_is_only_text(journal: Journal, text: str) -> None:
    everywhere = dict.fromkeys(("kind", "person", "workstation", "reason", "idempotency_key"), text)
    (entry,) = journal.append([draft(**everywhere, subjects=(f"lot:{text}",), body={text: text})], {f"lot:{text}": 0})
    assert journal.entries(f"lot:{text}") == (entry,)
    assert journal.remember_person_of(text, text, text) == journal.recall_personal(text)
    assert verify(journal) == []


# ---- nothing is changed or deleted ----


@rule("REC-28")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET person = 'Bo' WHERE sequence = 2",
        "DELETE FROM entries WHERE sequence = 3",
        "DELETE FROM entries",
        "REPLACE INTO entries SELECT site,2,kind,time,person,'new',body,signatures,leaf,peaks FROM entries WHERE sequence=1",
        "REPLACE INTO entries SELECT site,4,kind,time,person,'key-0',body,signatures,leaf,peaks FROM entries WHERE sequence=1",
        "INSERT INTO entries SELECT site,9,kind,time,person,'new',body,signatures,leaf,peaks FROM entries WHERE sequence=1",
        "UPDATE subjects SET subject = 'batch:other'",
        "DELETE FROM subjects WHERE sequence = 3",
        "UPDATE sites SET site = 'other'",
        "DELETE FROM sites",
    ],
)
def test_update_delete_and_replace_are_refused_by_the_file_itself(path: Path, statement: str) -> None:
    with filled(path, 3) as journal:
        before = journal.entries()
        with pytest.raises(sqlite3.IntegrityError, match=r"append-only|only grows at its end"):
            journal.database._connection.execute(statement)
        assert journal.entries() == before
        assert verify(journal) == []


# ---- names ----


@rule("REC-36")
def test_names_lie_beside_the_log_and_only_their_digest_may_enter_it(journal: Journal) -> None:
    kept = journal.remember_person_of("rx-1", "Zoe\u0308", "12 High Street")
    assert kept.name == "Zo\u00eb"
    assert journal.recall_personal("rx-1") == kept
    assert journal.recall_personal("rx-2") is None
    corrected = journal.remember_person_of("rx-1", "Zo\u00eb", "12 High Street")
    assert corrected.digest != kept.digest  # another salt: nobody can try names against the log
    assert journal.recall_personal("rx-1") == corrected
    assert journal.head().size == 0


@rule("REC-36")
def test_an_altered_name_is_refused_and_found(journal: Journal) -> None:
    journal.remember_person_of("rx-1", "Zoë", "12 High Street")
    journal.database._connection.execute("UPDATE personal SET name = 'Zoe'")
    with pytest.raises(Refused, match="rx-1 is not the one that was recorded"):
        journal.recall_personal("rx-1")
    assert [problem.code for problem in verify(journal)] == ["verify.personal"]


# ---- opening ----


def refusal(path: Path, site: str = SITE) -> CompoundingError:
    with pytest.raises(CompoundingError) as caught:
        Journal.open(path, site)
    return caught.value


def test_a_missing_journal_is_refused_and_not_made(path: Path) -> None:
    assert "compounding init" in str(refusal(path))
    assert isinstance(refusal(path), EnvironmentFails)
    assert not path.exists()


def test_a_folder_a_foreign_file_and_a_newer_format_are_refused(tmp_path: Path, path: Path) -> None:
    assert "is not a file" in str(refusal(tmp_path))
    assert "is not a file" in str(refusal(Path("/dev/null")))
    assert "cannot be opened" in str(refusal(Path("a\0b")))
    path.write_bytes(b"")
    assert "not a journal" in str(refusal(path))
    path.write_text("not a database at all, " * 100)
    assert "damaged" in str(refusal(path))
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE t(a)").connection.close()
    assert "not a journal" in str(refusal(tmp_path / "other.db"))
    filled(tmp_path / "newer.db", 1).close()
    with sqlite3.connect(tmp_path / "newer.db") as raw:
        raw.execute("PRAGMA user_version=2")
    raw.close()
    assert "format 2" in str(refusal(tmp_path / "newer.db"))


def test_a_journal_of_another_site_is_refused(path: Path) -> None:
    filled(path, 1).close()
    assert "is the journal of main, not of north" in str(refusal(path, "north"))
    for name in ("", "two words", "é", "a\nb", "a+b", "x" * 65):
        assert "cannot name a site" in str(refusal(path, name))


def test_a_file_that_exists_is_never_begun_again(path: Path, tmp_path: Path) -> None:
    filled(path, 2).close()
    with pytest.raises(Refused, match="exists already and was left as it is"):
        Journal.create(path, SITE)
    with Journal.open(path, SITE) as journal:
        assert journal.head().size == 2
    with pytest.raises(EnvironmentFails, match="No such file or directory"):
        Journal.create(tmp_path / "nowhere" / "journal.db", SITE)


def test_an_interrupted_start_can_be_repeated_and_others_cannot_read_the_file(path: Path) -> None:
    path.write_bytes(b"")
    path.chmod(0o600)
    Journal.create(path, SITE).close()
    assert path.stat().st_mode & 0o077 == 0
    Journal.create(path.with_name("second.db"), SITE).close()
    assert path.with_name("second.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["a journal?mode=memory.db", "100%25.db", "#1.db", "Apotheke Süd.db"])
def test_any_name_of_a_file_is_only_a_name(tmp_path: Path, name: str) -> None:
    filled(tmp_path / name, 1).close()
    assert [file.name for file in tmp_path.iterdir()] == [name]
    with Journal.open(tmp_path / name, SITE) as journal:
        assert journal.head().size == 1


def test_the_connection_has_the_settings_that_survive_a_power_cut(path: Path) -> None:
    journal = Journal.create(path, SITE)
    expected = {"journal_mode": "delete", "synchronous": 3, "foreign_keys": 1, "recursive_triggers": 1}
    expected |= {"trusted_schema": 0, "mmap_size": 0, "cell_size_check": 1, "busy_timeout": 60_000, "secure_delete": 1}
    run = journal.database._connection.execute
    found = {name: (run(f"PRAGMA {name}").fetchone() or [0])[0] for name in expected}
    journal.close()
    assert found == expected


def test_the_journal_starts_without_what_only_other_commands_need() -> None:
    heavy = "{'pint', 'pydantic', 'reportlab', 'cryptography', 'click', 'psycopg', 'numpy'}"
    program = f"import sys, compounding.store.journal, compounding.store.verify; print({heavy} & set(sys.modules))"
    root = Path(__file__).parents[2]
    told = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert told.stdout == "set()\n"


def test_the_bytes_of_an_entry_are_its_canonical_form(journal: Journal) -> None:
    (entry,) = journal.append([draft()], {})
    assert canonical_bytes(json.loads(entry.raw)) == entry.raw
