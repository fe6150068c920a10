"""A journal moves between places and keeps every digest; a file with one thing changed is read in nowhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from compounding.problems import NotUnderstood, Refused
from compounding.store import log
from compounding.store.carry import lines_of, read_journal, write_journal
from compounding.store.database import Place
from compounding.store.journal import Journal
from compounding.store.verify import verify
from tests.bench import Bench, carried_on, forget_what_was_seen, stocked, story
from tests.enforced import rule
from tests.pages import alike, run_all, shown_in
from tests.store.journals import begun

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "back-up-the-journal.md"
PASSPHRASE = "four quiet lanterns by the mill"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The demo's capsules with a label, whose patient has a name, and a result with a file; nobody writes to it."""
    made = stocked(tmp_path_factory.mktemp("carry"))
    (made.folder / "report.pdf").write_bytes(b"%PDF-1.4 a report")
    carried_on(made, "CAPS-1", "qc assay")
    made.do('qc assay CAPS-1 "98.7 %" --file {folder}/report.pdf', "kim")
    carried_on(made, "CAPS-1", "label ", begin="qc observe")
    for person, command in story("label CAPS-1"):
        made.do(command.replace("--out ", "--out {folder}/"), person)
    return made


def heads(place: Place, site: str = "main") -> tuple[int, str]:
    with Journal.open(place, site) as journal:
        assert verify(journal) == []
        return journal.head().size, journal.short_code()


@rule("REC-34")
def test_a_backup_holds_everything_and_is_restored_into_an_empty_place_only(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "all.backup"
    bench.do(f"journal backup {file}")
    assert bench.run(f"journal backup {file}").codes == ["file.exists"]
    assert bench.run(f"journal restore {file}").codes == ["backup.not-empty"]
    other = Bench(tmp_path / "other")
    other.folder.mkdir()
    (other.folder / "settings.toml").write_bytes((bench.folder / "settings.toml").read_bytes())
    other.do(f"journal restore {file}")
    assert other.head() == bench.head()
    assert other.do("batch show CAPS-1 --json").json == bench.do("batch show CAPS-1 --json").json
    with Journal.open(other.journal, "main") as journal:
        personal = journal.recall_personal("1234567")
    assert personal is not None and personal.name == "Alex Q. Sample"
    assert other.do("qc attachment CAPS-1 report.pdf --out {folder}/again.pdf")
    assert (other.folder / "again.pdf").read_bytes() == b"%PDF-1.4 a report"


def test_an_export_is_json_that_any_tool_reads_without_a_name_in_it(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    bench.do(f"journal export {file}")
    text = file.read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["entry"]["sequence"] for line in lines[1:-1]] == list(range(1, lines[0]["entries"] + 1))
    assert "Alex" not in text and lines[-1] == {"lines": len(lines) - 1}


def test_a_journal_goes_to_a_server_and_back_with_the_same_head(bench: Bench, place: Place, tmp_path: Path) -> None:
    file, again = tmp_path / "one", tmp_path / "two"
    with Journal.open(bench.journal, "main") as journal:
        write_journal(file, lines_of(journal, names=True))
    begun(place).close()
    read_journal(file, place, tmp_path)
    assert heads(place) == heads(bench.journal)
    with Journal.open(place, "main") as journal:
        write_journal(again, lines_of(journal, names=True))
    assert again.read_bytes() == file.read_bytes()
    with pytest.raises(Refused):
        read_journal(file, place, tmp_path)


def test_a_sealed_backup_opens_with_its_passphrase_alone(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "sealed"
    with Journal.open(bench.journal, "main") as journal:
        write_journal(file, lines_of(journal, names=True), PASSPHRASE)
    assert b"Alex" not in file.read_bytes()
    for passphrase, error in ((None, NotUnderstood), (PASSPHRASE + "s", Refused)):
        with pytest.raises(error):
            read_journal(file, tmp_path / "no.db", tmp_path, passphrase)
    assert not (tmp_path / "no.db").exists()
    spoiled = bytearray(file.read_bytes())
    spoiled[-1] ^= 1
    file.with_suffix(".spoiled").write_bytes(spoiled)
    with pytest.raises(Refused):
        read_journal(file.with_suffix(".spoiled"), tmp_path / "no.db", tmp_path, PASSPHRASE)
    read_journal(file, tmp_path / "yes.db", tmp_path, PASSPHRASE)
    assert heads(tmp_path / "yes.db") == heads(bench.journal)


def of_line(number: int, change: Callable[[bytes], bytes]) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: [*lines[:number], change(lines[number]), *lines[number + 1 :]]


@rule("REC-34")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda lines: lines[:-1],
        lambda lines: [*lines[:5], *lines[6:]],
        lambda lines: [*lines[:5], lines[6], lines[5], *lines[7:]],
        lambda lines: [*lines[:-2], lines[-1]],
        lambda lines: lines[1:],
        of_line(3, lambda line: line.replace(b"tom", b"tim", 1)),
        of_line(3, lambda line: line.replace(b'{"entry":{', b'{"entry":{ ', 1)),
        of_line(3, lambda line: line.replace(b'"signatures":""', b'"signatures":"00"')),
        of_line(3, lambda line: b'{"other":1}'),
        of_line(3, lambda line: b"\xff"),
        of_line(0, lambda line: line.replace(b'"entries":', b'"entries":1')),
        of_line(-2, lambda line: line.replace(b"Alex", b"Alec")),
        lambda lines: [*lines[:-1], lines[-2], lines[-1]],
        lambda lines: [],
    ],
)
def test_a_file_with_one_thing_changed_is_read_in_nowhere(
    bench: Bench, spoil: Callable[[list[bytes]], list[bytes]], tmp_path: Path
) -> None:
    with Journal.open(bench.journal, "main") as journal:
        lines = list(lines_of(journal, names=True))
    (tmp_path / "spoiled").write_bytes(b"".join(line + b"\n" for line in spoil(lines)))
    with pytest.raises((NotUnderstood, Refused)):
        read_journal(tmp_path / "spoiled", tmp_path / "new.db", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spoiled"]


@rule("REC-25")
def test_a_restored_old_backup_is_noticed_by_paper_and_by_who_saw_more(bench: Bench, tmp_path: Path) -> None:
    mine = stocked(tmp_path / "mine")
    mine.do(f"journal backup {tmp_path}/old.backup")
    mine.do('batch open naltrexone-capsule --strength "1.5 mg" --count 100 --from TAB-1')
    printed = mine.do("journal head --json").json["head"]
    mine.journal.unlink()
    mine.do(f"journal restore {tmp_path}/old.backup")
    assert mine.run("journal verify").codes == ["journal.older-than-seen"]
    forget_what_was_seen()
    mine.do("journal verify")
    assert mine.run(f"journal verify --witness {printed}").codes == ["witness.unknown"]
    assert log.read_short_code(printed)


def test_the_page_shows_what_its_commands_say(tmp_path: Path) -> None:
    shown = shown_in(PAGE.read_text("utf-8"))
    for each, (_, printed) in zip(shown, run_all(shown, tmp_path), strict=True):
        assert alike(printed) == alike(each.printed), each.typed
