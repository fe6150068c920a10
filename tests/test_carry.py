"""A journal moves between places and keeps every digest; a file with one thing changed is read in nowhere."""

from __future__ import annotations

import json
import os
import resource
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from compounding.problems import NotUnderstood, Refused
from compounding.store import log, sealing
from compounding.store.carry import lines_of, read_journal, write_journal
from compounding.store.database import Place
from compounding.store.journal import Journal
from compounding.store.verify import verify
from tests.bench import Bench, carried_on, forget_what_was_seen, stocked, story, words_approved
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
    words_approved(made)
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
    other = elsewhere(bench, tmp_path / "other")
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
    file, again, attached = tmp_path / "one", tmp_path / "two", tmp_path / "attached"
    with Journal.open(bench.journal, "main") as journal:
        write_journal(file, journal, bench.folder / "attachments")
    begun(place).close()
    assert read_journal(file, place, "main", attached).lost == ()
    assert heads(place) == heads(bench.journal)
    with Journal.open(place, "main") as journal:
        write_journal(again, journal, attached)
    assert again.read_bytes() == file.read_bytes()
    with pytest.raises(Refused):
        read_journal(file, place, "main", attached)


def test_a_sealed_backup_opens_with_its_passphrase_alone(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "sealed"
    with Journal.open(bench.journal, "main") as journal:
        write_journal(file, journal, bench.folder / "attachments", sealing.seal_with_passphrase(PASSPHRASE))
    assert b"Alex" not in file.read_bytes()

    def read(spoiled: Path, passphrase: str | None) -> None:
        read_journal(spoiled, tmp_path / "new.db", "main", tmp_path, passphrase and sealing.passphrase_opens(passphrase))

    for passphrase, error in ((None, NotUnderstood), (PASSPHRASE + "s", Refused)):
        with pytest.raises(error):
            read(file, passphrase)
    content = file.read_bytes()
    spoiled = file.with_suffix(".spoiled")
    for changed in (content[:-1], content[:-1] + bytes([content[-1] ^ 1]), content[: len(content) // 2], content + b"x"):
        spoiled.write_bytes(changed)
        with pytest.raises(Refused, match="changed or cut"):
            read(spoiled, PASSPHRASE)
    assert not (tmp_path / "new.db").exists()
    read(file, PASSPHRASE)
    assert heads(tmp_path / "new.db") == heads(bench.journal)


def of_line(number: int, change: Callable[[bytes], bytes]) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: [*lines[:number], change(lines[number]), *lines[number + 1 :]]


def of_attached(change: Callable[[bytes], bytes]) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: [change(line) if line.startswith(b'{"attachment"') else line for line in lines]


def counted(lines: list[bytes]) -> list[bytes]:
    return [*lines, b'{"lines":%d}' % len(lines)]


EMPTY = f"sha256:{sha256(b'').hexdigest()}".encode()
OTHER = b64encode(b"%PDF-1.4 another report")
MINE = b64encode(b"%PDF-1.4 a report")


@rule("REC-34")
@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda lines: lines[:-1], "missing"),
        (lambda lines: [*lines[:5], *lines[6:]], "line 6: entry 5 is missing"),
        (lambda lines: [*lines[:5], lines[6], lines[5], *lines[7:]], "line 6: entry 5 is missing"),
        (lambda lines: [*lines[:-2], lines[-1]], "lines stand before it"),
        (lambda lines: lines[1:], "line 1: it is not the first line"),
        (of_line(3, lambda line: line.replace(b"tom", b"tim", 1)), "line 5: entry 4 does not follow .*: line 4 was changed"),
        (of_line(9, lambda line: line.replace(b"tom", b"tim", 1)), "line 11: entry 10 does not follow .*: line 10 was changed"),
        (of_line(3, lambda line: line.replace(b'{"entry":{', b'{"entry":{ ', 1)), "line 4"),
        (of_line(3, lambda line: line.replace(b'"signatures":""', b'"signatures":"00"')), "line 4"),
        (of_line(3, lambda line: line.replace(b'"signatures":""', b'"signatures":"0"')), "line 4"),
        (of_line(3, lambda line: line.replace(b'"site":"main"', b'"site":"north"')), "line 4: entry 3 is of the site"),
        (of_line(3, lambda line: line.replace(b'"site":"main"', b'"site":5')), "line 4"),
        (of_line(3, lambda line: b'{"other":1}'), "line 4: it holds neither"),
        (of_line(3, lambda line: b"\xff"), "line 4: it is not a line"),
        (of_line(3, lambda line: b"[" * 100_000), "line 4: it is not a line"),
        (of_line(0, lambda line: line.replace(b'"entries":', b'"entries":1')), "first line names"),
        (of_line(0, lambda line: line.replace(b'"site":"main"', b'"site":5')), "line 1: it is not the first"),
        (of_line(0, lambda line: line.replace(b',"site":"main"', b"")), "line 1: it is not the first"),
        (of_line(0, lambda line: line.replace(b'"site":"main"', b'"site":"a b"')), "line 1: 'a b' cannot name a site"),
        (of_line(-3, lambda line: line.replace(b"Alex", b"Alec")), "the name in it is not the one"),
        (of_line(-3, lambda line: line.replace(b'"salt":"', b'"salt":"x')), "a name in another form"),
        (of_line(-3, lambda line: b'{"personal":{"name":5}}'), "a name in another form"),
        (lambda lines: counted([*lines[:-2], lines[-3], lines[-2]]), "has a name in an earlier line"),
        (of_attached(lambda line: line.replace(MINE, OTHER)), "not the one that was attached"),
        (of_attached(lambda line: line.replace(MINE, b"%")), "cannot be read"),
        (of_attached(lambda line: b'{"attachment":{"content":5,"digest":"5"}}'), "it holds neither"),
        (of_attached(lambda line: b'{"attachment":{"content":"","digest":"sha256:5"}}'), "not the one that was attached"),
        (lambda lines: counted([*lines[:-1], lines[-2]]), "stands in an earlier line"),
        (lambda lines: counted([*lines[:2], b'{"attachment":{"content":"","digest":"%s"}}' % EMPTY, *lines[2:-1]]), "no entry names"),
        (lambda lines: [*lines[:-1], lines[-2], lines[-1]], "earlier line"),
        (lambda lines: [*lines, lines[-1]], "after the last line"),
        (lambda lines: [], "line 1"),
    ],
)
def test_a_file_with_one_thing_changed_is_read_in_nowhere(
    bench: Bench, spoil: Callable[[list[bytes]], list[bytes]], named: str, tmp_path: Path
) -> None:
    with Journal.open(bench.journal, "main") as journal:
        lines = list(lines_of(journal, bench.folder / "attachments"))
    assert lines[-2].startswith(b'{"attachment"') and lines[-3].startswith(b'{"personal"')
    (tmp_path / "spoiled").write_bytes(b"".join(line + b"\n" for line in spoil(lines)))
    with pytest.raises((NotUnderstood, Refused), match=named):
        read_journal(tmp_path / "spoiled", tmp_path / "new.db", "main", tmp_path / "attached")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spoiled"]


def test_two_entries_under_one_key_are_read_in_nowhere(bench: Bench, tmp_path: Path) -> None:
    with Journal.open(bench.journal, "main") as journal:
        (first, second, *_) = journal.entries()
        lines = list(lines_of(journal))
    raw = second.raw.replace(second.idempotency_key.encode(), first.idempotency_key.encode())
    lines[2] = b'{"entry":%s,"signatures":""}' % raw
    (tmp_path / "spoiled").write_bytes(b"".join(line + b"\n" for line in lines))
    with pytest.raises(NotUnderstood, match="line 3: another entry before it has the same key"):
        read_journal(tmp_path / "spoiled", tmp_path / "new.db", "main", tmp_path)


def test_what_is_no_file_is_not_read_at_all(bench: Bench, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    other = elsewhere(bench, tmp_path / "other")
    for each in ("/dev/zero", str(tmp_path / "pipe")):
        refused = other.run(["journal", "restore", each])
        assert (refused.code, refused.codes) == (2, ["backup.not-a-file"])
    (tmp_path / "endless").write_bytes(b"0" * 50_000_000)
    assert other.run(f"journal restore {tmp_path}/endless").codes == ["backup.changed"]
    assert not other.journal.exists()


def write_passphrase(folder: Path, passphrase: str = PASSPHRASE) -> None:
    """Of the backup key; nobody else can read it."""
    file = folder / "backup-key.txt"
    file.touch(mode=0o600)
    file.write_text(f"{passphrase}\n")


def elsewhere(bench: Bench, folder: Path, site: str = "main") -> Bench:
    """A folder with the bench's settings, and no journal."""
    other = Bench(folder)
    folder.mkdir()
    settings = (bench.folder / "settings.toml").read_text("utf-8").replace('site = "main"', f'site = "{site}"')
    (folder / "settings.toml").write_text(settings, "utf-8")
    return other


def test_the_journal_of_another_site_leaves_nothing_behind(bench: Bench, place: Place, tmp_path: Path) -> None:
    bench.do(f"journal export {tmp_path}/main.jsonl")
    north = elsewhere(bench, tmp_path / "north", "north")
    refused = north.run(f"journal import {tmp_path}/main.jsonl")
    assert (refused.code, refused.codes) == (1, ["backup.other-site"])
    assert not north.journal.exists()
    begun(place, "north").close()
    with pytest.raises(Refused, match="is the journal of main, the settings are those of north"):
        read_journal(tmp_path / "main.jsonl", place, "north", tmp_path)


def test_a_lost_attachment_stops_no_backup_and_is_named_when_it_is_made_and_restored(bench: Bench, tmp_path: Path) -> None:
    mine = elsewhere(bench, tmp_path / "mine")
    bench.do(f"journal backup {tmp_path}/whole.backup")
    mine.do(f"journal restore {tmp_path}/whole.backup")
    (kept,) = (mine.folder / "attachments").iterdir()
    kept.unlink()
    made = mine.run(f"journal backup {tmp_path}/rest.backup")
    assert (made.code, made.codes) == (1, ["attachment.lost"])
    assert "written to" in made.out and kept.name in made.err and "All else is in the backup" in made.err
    again = elsewhere(bench, tmp_path / "again")
    done = again.run(f"journal restore {tmp_path}/rest.backup --json")
    assert done.code == 1 and [each["code"] for each in done.json["problems"]] == ["attachment.lost"]
    assert again.run("journal head").out == mine.run("journal head").out
    (again.folder / "attachments").mkdir()
    (again.folder / "attachments" / kept.name).write_bytes(b"%PDF-1.4 a report")
    assert again.head() == bench.head()


def test_a_dropped_attachment_is_named_although_the_lines_were_counted_anew(bench: Bench, tmp_path: Path) -> None:
    with Journal.open(bench.journal, "main") as journal:
        lines = list(lines_of(journal, bench.folder / "attachments"))
    (tmp_path / "cut").write_bytes(b"".join(line + b"\n" for line in counted(lines[:-2])))
    other = elsewhere(bench, tmp_path / "other")
    assert other.run(f"journal restore {tmp_path}/cut").codes == ["attachment.lost"]


def test_a_backup_for_a_key_is_made_without_a_passphrase_and_opens_with_the_keys_own(bench: Bench, tmp_path: Path) -> None:
    other = elsewhere(bench, tmp_path / "other")
    secrets = other.folder / "passphrases"
    secrets.mkdir()
    write_passphrase(secrets)
    key = tmp_path / "backup.key"
    public = other.do(f"journal backup-key {key} --json").json["public"]
    assert key.stat().st_mode & 0o777 == 0o600 and b"SECRET" not in key.read_bytes()
    assert other.run(f"journal backup-key {key}").codes == ["file.exists"]
    file = tmp_path / "for.key"
    assert bench.run(f"journal backup {file} --to {public[:-1]}x").codes == ["seal.key"]
    assert bench.run(f"journal backup {file} --to {public} --seal").codes == ["backup.two-seals"]
    bench.do(f"journal backup {file} --to {public}")
    assert b"Alex" not in file.read_bytes()
    assert other.run(f"journal restore {file}").codes == ["backup.sealed"]
    assert other.run(f"journal restore {file} --key {file}").codes == ["seal.does-not-open"]
    assert other.run(f"journal restore {file} --key {other.folder}/settings.toml").codes == ["seal.key"]
    write_passphrase(secrets, "not the one that sealed it")
    assert other.run(f"journal restore {file} --key {key}").codes == ["seal.does-not-open"]
    assert not other.journal.exists()
    write_passphrase(secrets)
    other.do(f"journal restore {file} --key {key}")
    assert other.head() == bench.head()


def test_the_journal_moves_a_line_at_a_time(tmp_path: Path) -> None:
    """Twelve attached files of 2 MB make a backup of 32 MB; there is room for one copy of it and a little more."""
    bench = stocked(tmp_path / "large")
    carried_on(bench, "CAPS-1", "qc assay")
    for number in range(12):
        (bench.folder / "scan.pdf").write_bytes(b"%PDF-1.4" + bytes([number]) * 2_000_000)
        bench.do('qc assay CAPS-1 "98.7 %" --file {folder}/scan.pdf', "kim")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (now + 40_000_000,) * 2)
            code = bench.run(f"journal backup {tmp_path}/large.backup").code
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (tmp_path / "large.backup").stat().st_size > 32_000_000


def test_a_journal_that_was_here_before_is_looked_for_and_not_begun_anew(bench: Bench, tmp_path: Path) -> None:
    mine = stocked(tmp_path / "mine")
    never = elsewhere(bench, tmp_path / "never")
    assert never.run("lot list").codes == ["journal.missing"]
    mine.journal.rename(tmp_path / "moved")
    gone = mine.run("lot list")
    assert (gone.code, gone.codes) == (3, ["journal.gone"])
    assert "restore the newest backup" in gone.err and "do not begin a new one" in gone.err


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
    (tmp_path / "passphrases").mkdir()
    write_passphrase(tmp_path / "passphrases")
    shown = shown_in(PAGE.read_text("utf-8"))
    for each, (_, printed) in zip(shown, run_all(shown, tmp_path), strict=True):
        assert alike(printed) == alike(each.printed), each.typed
