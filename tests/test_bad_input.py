"""Whatever is typed wrongly, is missing, or fails meanwhile: one clear sentence, the right exit code, no change.

The worked cases are `tests/cases/bad_input.toml`. All of them share one bench, and the bytes of its journal stay the same.
"""

from __future__ import annotations

import contextlib
import os
import random
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from compounding.cli.main import compounding
from compounding.data_files import data_folder
from compounding.documents.boxes import REGULAR, Piece, broken
from tests.bench import Bench, Ran, carried_on, forget_what_was_seen, stocked, words_approved
from tests.enforced import rule

CASES = tomllib.loads((Path(__file__).parent / "cases" / "bad_input.toml").read_text("utf-8"))["case"]
BEGIN = {
    "plan": 'plan naltrexone-capsule --strength "1.5 mg" --count 100 --from TAB-1',
    "liquid": 'plan naltrexone-oral-liquid --concentration "1 mg/mL" --volume "60 mL" --from TAB-1',
    "free": 'plan naltrexone-oral-liquid --concentration "1 mg/mL" --volume "60 mL"',
    "shells": 'plan naltrexone-capsule --strength "1.5 mg" --count 100 --tablet-weight "302.4 mg" --shell-maker coni-snap',
    "open": 'batch open naltrexone-capsule --strength "1.5 mg" --count 100 --from TAB-1',
    "tablets": 'lot receive --role tablet --material "naltrexone tablets" --supplier S --supplier-lot L '
    '--expires {expiry} --amount "100 tablets" --label-claim "50 mg"',
    "label": "label --out {folder}/label.pdf --prescription 1234567 --patient P --prescriber D",
}
FILES = {
    "empty.txt": b"\n# nothing\n",
    "light.txt": b"30.24 mg\n" * 10,
    "two.txt": b"302 mg\n604 mg\n",
    "heavy.txt": b"340 mg\n" * 10,
    "words.txt": b"302.1 mg\nabout 300\n",
    "picture.png": b"\x89PNG\r\n\x1a\n\xff\xfe",
    "paper.pdf": b"%PDF-1.4\n",
    "letter.pdf": b"no PDF, whatever its name says",
    "broken.toml": b"site = [\n",
    "part.toml": b'site = "main"\njournal = "journal.sqlite"\n[people.ana]\nname = "Ana"\nroles = ["pharmacist"]\n',
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A bench with good and bad lots, and with batches in every state: new, made, ready, out, rejected."""
    bench = stocked(tmp_path_factory.mktemp("bench"))
    tablets = BEGIN["tablets"] + " --weights {folder}/tablets.txt"
    bench.do(f"{tablets} TAB-2")
    bench.do(f"{tablets} TAB-OLD --received 2020-01-01 --expires 2021-12-31")
    bench.do(f'{tablets} TAB-ASPIRIN --material "aspirin tablets"')
    bench.do(f'{tablets} TAB-5 --label-claim "5 mg"')
    bench.do(f"{tablets} TAB-Q")
    bench.do('lot quarantine TAB-Q --reason "broken seal"')
    bench.do(f'{tablets} TAB-FEW --amount "3 tablets"')
    few = "--supplier S --supplier-lot L --expires 2100-12-31"
    cellulose = '--role filler --material "microcrystalline cellulose" --packing "3:coni-snap:135 mg"'
    bench.do(f'lot receive MCC-FEW {few} {cellulose} --amount "10 g"')
    bench.do(
        f'lot receive CAP-FEW {few} --role shell --material shells --amount "50 capsules" --size 3 --maker coni-snap'
    )
    ends = {"NEW": "batch step", "MADE": "qc ", "READY": "batch release", "OUT": "label ", "REJ": "batch verify"}
    for batch, to in ends.items():
        carried_on(bench, "CAPS-1", to, id=f"CAPS-{batch}")
    words_approved(bench)
    bench.do("batch reject CAPS-REJ --reason crushed")
    carried_on(bench, "LIQ-1", "qc ", id="LIQ-MADE")
    for name, content in FILES.items():
        (bench.folder / name).write_bytes(content)
    settings = (bench.folder / "settings.toml").read_text("utf-8")
    for name, journal in (("foreign", "picture.png"), ("lost", "lost.sqlite")):
        (bench.folder / f"{name}.toml").write_text(settings.replace("journal.sqlite", journal))
    (bench.folder / "other.toml").write_text(settings.replace('"main"', '"other"'))
    return bench


def words_of(command: str) -> list[str]:
    for name, begin in BEGIN.items():
        command = command.replace(f"{{{name}}}", begin)
    return shlex.split(command)


def files_of(bench: Bench) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted(bench.folder.rglob("*")) if file.is_file()}


def no_traceback(ran: Ran) -> bool:
    return "Traceback" not in ran.out + ran.err and "tool.error" not in ran.err


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["is"])
def test_refused(bench: Bench, case: dict[str, Any]) -> None:
    before, words = files_of(bench), words_of(case["type"])
    told = bench.run(words, case.get("person", "ana"))
    assert (told.code, told.codes) == (case["exit"], case["problems"]), told.err
    assert case["says"] in told.err
    assert told.out == "" and no_traceback(told)
    if words[0] != "demo":
        as_data = bench.run([*words, "--json"], case.get("person", "ana"))
        assert (as_data.code, as_data.err) == (told.code, told.err)
        assert [problem["code"] for problem in as_data.json["problems"]] == case["problems"]
    assert files_of(bench) == before


# ---- hostile text ----

HOSTILE = {
    "quotes": """O'Brien "the baker" `x` $(id) \\""",
    "tags": "<b>Bold</b> & <i>Bo &amp; {expiry!r} %s",
    "sql": "x'); DROP TABLE entries; --",
    "a path": "../../../nowhere/passwd",
    "pictures": "\N{PILL} \N{FAMILY}",
    "long": "word " * 399,
    "one long word": "w" * 2000,
}
LOT = "lot receive LOT-X --supplier S --supplier-lot L --expires {expiry}"
LABEL = 'label CAPS-OUT --out {folder}/label.pdf --quantity "9 capsules" --prescription 7 --patient P --prescriber D'
INIT = 'init --folder {folder}/new --name N --address A --phone P --person "ana:A:qc" --balance "bench:0.1 mg:20 mg"'
# Every option and argument that takes a person's own words; of an option given twice the later one counts.
TEXTS = {
    "material": f'{LOT} --role ingredient --amount "1 kg" --material TEXT',
    "supplier": f'{LOT} --role ingredient --amount "1 kg" --material talc --supplier TEXT',
    "supplier's lot": f'{LOT} --role ingredient --amount "1 kg" --material talc --supplier-lot TEXT',
    "lot": "lot show TEXT",
    "id of a lot": "{tablets} --weights {folder}/tablets.txt TEXT",
    "national code": "{tablets} LOT-X --weights {folder}/tablets.txt --ndc TEXT",
    "size": f'{LOT} --role shell --amount "9 capsules" --material shells --maker m --size TEXT',
    "maker": f'{LOT} --role shell --amount "9 capsules" --material shells --size 3 --maker TEXT',
    "quarantine": "lot quarantine TAB-2 --reason TEXT",
    "clearance": "lot clear TAB-Q --reason TEXT",
    "packing": "lot measure MCC-1 --packing TEXT",
    "id of a batch": "{open} --id TEXT",
    "formula": 'batch open TEXT --strength "1.5 mg" --count 100 --from TAB-1',
    "source": 'batch open naltrexone-capsule --strength "1.5 mg" --count 100 --from TEXT',
    "filler": "{plan} --filler TEXT",
    "planned maker": '{shells} --capsule-size 3 --filler-packing "135 mg" --shell-maker TEXT',
    "batch": "batch show TEXT",
    "line": 'batch weigh CAPS-NEW TEXT "952.3 mg" --lot TAB-1',
    "reading": "batch weigh CAPS-NEW source TEXT --lot TAB-1",
    "second weighing": 'batch weigh CAPS-MADE source "952.3 mg" --lot TAB-1 --reason TEXT',
    "no mass balance": 'batch yield CAPS-MADE --made "100 capsules" --reason recount --no-balance TEXT',
    "second yield": 'batch yield CAPS-MADE --made "100 capsules" --weight "18829 mg" --reason TEXT',
    "rejection": "batch reject CAPS-MADE --reason TEXT",
    "method": 'qc assay CAPS-MADE "98.7 %" --method TEXT',
    "laboratory": 'qc assay CAPS-MADE "98.7 %" --laboratory TEXT',
    "content": "qc content CAPS-MADE --unit % TEXT",
    "column": "qc weights CAPS-MADE --file {folder}/tablets.txt --column TEXT",
    "trait": "qc observe CAPS-MADE TEXT clean --pass",
    "observation": "qc observe CAPS-MADE appearance TEXT --pass",
    "prescription": f"{LABEL} --prescription TEXT",
    "patient": f"{LABEL} --patient TEXT",
    "prescriber": f"{LABEL} --prescriber TEXT",
    "directions": f"{LABEL} --directions TEXT",
    "purpose": f"{LABEL} --purpose TEXT",
    "stock": f"{LABEL} --stock TEXT",
    "file": "worksheet CAPS-NEW --out {folder}/TEXT.pdf",
    "settings": "--settings TEXT lot list",
    "person": "--as TEXT batch step CAPS-NEW 1",
    "name": f"{INIT} --name TEXT",
    "site": f"{INIT} --site TEXT",
    "id of a person": f"{INIT} --person TEXT",
}


@pytest.fixture
def spare(bench: Bench, tmp_path: Path) -> Bench:
    """A copy of the bench, to write to."""
    shutil.copytree(bench.folder, tmp_path / "bench")
    return Bench(tmp_path / "bench")


@pytest.mark.parametrize("what", TEXTS)
def test_whatever_is_typed_for_it_is_taken_or_refused_in_a_sentence(spare: Bench, what: str) -> None:
    for text in HOSTILE.values():
        before = spare.journal.read_bytes()
        ran = spare.run([word.replace("TEXT", text) for word in words_of(TEXTS[what])])
        assert no_traceback(ran) and ran.code in (0, 1, 2, 3), ran.err
        assert all(len(line) < 2600 for line in ran.err.splitlines()), ran.err
        if ran.code != 0 and spare.journal.read_bytes() != before:
            assert ran.codes in (["weighing.outside-limits"], ["yield.no-balance"])  # it happened, so it was recorded
    assert spare.head()
    assert spare.run("worksheet CAPS-MADE --out {folder}/record.pdf").code == 0  # it can be printed whatever was typed


@pytest.mark.parametrize(
    "text", [text for text in HOSTILE.values() if text == text.strip()], ids=lambda text: ascii(text)[:30]
)
def test_odd_words_are_recorded_as_they_were_typed(spare: Bench, text: str) -> None:
    spare.do(["batch", "yield", "CAPS-MADE", "--made", "100 capsules", "--weight", "18829 mg", "--reason", text])
    assert spare.do("batch show CAPS-MADE --json").json["yielded"][-1]["reason"] == text


@rule("REC-29")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "text.empty"),
        ("   ", "text.empty"),
        ("spilled\x00", "canonical.character"),
        ("\x1b[31mspilled", "canonical.character"),
        ("spilled\nReleased by Ana Ortiz", "canonical.character"),
        ("abc\u202edef", "canonical.character"),
        ("abc\udcff", "canonical.character"),
        ("w" * 2001, "text.too-long"),
        ("megabyte" * 131_072, "text.too-long"),
    ],
    ids=lambda text: ascii(text)[:30],
)
def test_text_that_cannot_be_shown_on_paper_is_refused_whatever_it_is_for(
    bench: Bench, text: str, problem: str
) -> None:
    before = files_of(bench)
    for what in ("rejection", "patient", "settings", "formula"):
        ran = bench.run([word.replace("TEXT", text) for word in words_of(TEXTS[what])])
        assert (ran.code, ran.codes, len(ran.err) < 400) == (2, [problem], True)
        assert ran.err.removesuffix("\n").isprintable()
    assert files_of(bench) == before


@pytest.mark.parametrize("line", ['name = "Ana Ortiz"', "[people.ana]", 'address = "'])
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Ana \\u001b[2JOrtiz", "canonical.character"),
        ("Ana\\nOrtiz", "canonical.character"),
        ("abc\\u202edef", "canonical.character"),
        ("abc\\u200bdef", "canonical.character"),
        ("O" * 101, "record.key"),
        ("O" * 10_000, "file.text-too-long"),
        ("O" * 100_000, "file.text-too-long"),
    ],
    ids=lambda text: ascii(text)[:20],
)
def test_a_name_in_the_settings_is_held_to_what_a_typed_one_is(spare: Bench, line: str, text: str, problem: str) -> None:
    file = spare.folder / "settings.toml"
    settings = file.read_text("utf-8")
    assert line in settings
    changed = f'[people."{text}"]' if line.startswith("[") else line.replace('"', f'"{text}', 1)
    file.write_text(settings.replace(line, changed, 1), "utf-8")
    for command in ("person list", "worksheet CAPS-MADE --out {folder}/record.pdf"):
        refused = spare.run(command)
        assert (refused.code, refused.codes[:1], len(refused.err) < 400) == (2, [problem], True), refused.err
        assert refused.out == "" and refused.err.removesuffix("\n").isprintable()


def test_a_name_of_the_longest_that_is_taken_stands_on_paper(spare: Bench) -> None:
    file = spare.folder / "settings.toml"
    file.write_text(file.read_text("utf-8").replace("Ana Ortiz", "O" * 100), "utf-8")
    spare.do("worksheet CAPS-MADE --out {folder}/record.pdf")


def test_a_character_that_cannot_be_seen_is_in_no_formula(spare: Bench) -> None:
    text = (data_folder("formulas") / "naltrexone-capsule.toml").read_text("utf-8")
    (spare.folder / "odd.toml").write_text(text.replace('name = "', 'name = "\\u001b[2J', 1), "utf-8")
    assert spare.run("formula check {folder}/odd.toml").codes == ["canonical.character"]


def test_a_word_of_any_length_is_cut_with_few_looks_at_it() -> None:
    asked = []

    def width(text: str, font: str) -> float:
        asked.append(len(text))
        return len(text) / 2

    parts = broken([Piece("O" * 100_000, REGULAR, 50_000, 0)], 50, width)
    assert "".join(part.text for part in parts) == "O" * 100_000
    assert [len(part.text) for part in parts] == [100] * 1000
    assert len(asked) < 25 * len(parts)


# ---- what is recorded ----

RECORDING = {
    "receive": "{tablets} TAB-X --weights {folder}/tablets.txt",
    "measure": "lot measure TAB-1 --weights {folder}/tablets.txt",
    "quarantine": "lot quarantine TAB-1 --reason damp",
    "open": "{open} --id CAPS-X",
    "weigh": 'batch weigh CAPS-NEW source "952.3 mg" --lot TAB-1',
    "step": "batch step CAPS-NEW 1",
    "yield": 'batch yield CAPS-MADE --made "100 capsules" --weight "18829 mg" --reason recount',
    "reject": "batch reject CAPS-NEW --reason spilled",
    "weights": "qc weights CAPS-MADE" + ' "183 mg"' * 10,
    "assay": 'qc assay CAPS-MADE "98.7 %"',
    "observe": "qc observe CAPS-MADE appearance clean --pass",
    "verify": "batch verify CAPS-MADE",
    "release": "batch release CAPS-READY",
    "label": '{label} CAPS-OUT --quantity "9 capsules"',
    "worksheet": "worksheet CAPS-NEW --out {folder}/worksheet.pdf",
    "init": INIT,
}


# ---- chance ----

VALUES = (
    *("0", "-1", "1.5", "1e3", "NaN", "999999999", "0.000000001", "1.5 mg", "1,5 mg", ".5 mg", "5 %", "5% w/v", "105 %"),
    *("0 mg", "1000 kg", "1 mg/mL", "60 mL", "1 mg/0 mL", "3 tablets", "0.5 capsules", "1 mm", "1 day", "1 mg/mg"),
    *("TAB-1", "TAB-OLD", "CAP-1", "MCC-1", "ASC-1", "GLY-1", "CAPS-NEW", "CAPS-MADE", "LIQ-MADE", "CAPS-OUT", "CAPS-9"),
    *("naltrexone-capsule", "naltrexone-oral-liquid", "source", "filler", "vehicle", "assay", "pH", "volume", "appearance"),
    *("3", "000", "coni-snap", "3:coni-snap:135 mg", "::", "2026-02-30", "9999-12-31", "0001-01-01", "microcrystalline cellulose"),
    *("active", "batch", "tablet", "shell", "4x3", "--", "-", "--json", "{folder}", "{folder}/words.txt", "{folder}/out.pdf", "'"),
)  # fmt: skip
SEED, TRIES = 20261122, 300


def command_of(words: list[str]) -> click.Command:
    """The command that words begin with."""
    found: click.Command = compounding
    for word in words:
        if not isinstance(found, click.Group):
            break
        found = found.get_command(click.Context(found), word) or found
    return found


COMMANDS = [*(case["type"] for case in CASES if "demo" not in case["type"]), *TEXTS.values(), *RECORDING.values()]


def chosen(chance: random.Random) -> list[str]:
    """A command of this file with a word or two changed, or an option more."""
    words = words_of(chance.choice(COMMANDS))
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(1, len(words))
        options = [each.opts[0] for each in command_of(words).params if isinstance(each, click.Option)]
        if options and chance.random() < 0.3:
            words += [chance.choice(options), chance.choice(VALUES)]
        elif place > 1 and not words[place].startswith("-"):
            words[place] = chance.choice(VALUES)
    return words


def test_no_command_drawn_by_lot_ends_in_an_error_of_the_tool(spare: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(spare.folder)
    chance, codes = random.Random(SEED), set()
    for _ in range(TRIES):
        words = chosen(chance)
        ran = spare.run(words, chance.choice(["ana", "ben", "tom", "kim"]))
        assert no_traceback(ran), f"{shlex.join(words)}: {ran.err}"
        codes.add(ran.code)
    assert codes >= {0, 1, 2}  # the lot is mixed
    assert spare.head()


# ---- a full disk ----


@pytest.fixture(scope="module")
def small_disk(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A real file system of 1 MiB."""
    place = tmp_path_factory.mktemp("small")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill_but(folder: Path, pages: int) -> None:
    """Fill the disk so that only some pages of 4 KiB are left."""
    with (folder / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(4096))
    size = (folder / "filler").stat().st_size - 4096 * pages
    os.truncate(folder / "filler", size)


@pytest.mark.parametrize("what", RECORDING)
def test_on_a_full_disk_a_command_works_or_leaves_everything_as_it_was(
    bench: Bench, small_disk: Path, what: str
) -> None:
    codes = []
    for pages in (0, 1, 3, 7, 14, 40, 80):
        small = Bench(small_disk / "bench")
        shutil.copytree(bench.folder, small.folder)
        before = files_of(small)
        fill_but(small_disk, pages)
        ran = small.run(words_of(RECORDING[what]), "ben")
        (small_disk / "filler").unlink()
        codes.append(ran.code)
        if ran.code != 0:
            assert (ran.code, len(ran.codes), len(ran.err.splitlines())) == (3, 1, 1), ran.err
            assert files_of(small) == before
        assert small.head() and no_traceback(ran)
        shutil.rmtree(small.folder)
        forget_what_was_seen()  # the next is another journal in the same place
    assert (codes[0], codes[-1]) == (3, 0)


# ---- several at once ----


def at_once(bench: Bench, commands: list[str]) -> list[tuple[int, str]]:
    """Run commands in processes at the same time; exit codes and what they say."""
    begin = [sys.executable, "-m", "compounding", "--settings", str(bench.folder / "settings.toml"), "--as", "tom"]
    typed = [[word.replace("{folder}", str(bench.folder)) for word in words_of(command)] for command in commands]
    running = [
        subprocess.Popen([*begin, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for words in typed
    ]
    told = [process.communicate(timeout=120) for process in running]
    return [(process.returncode, error) for process, (_, error) in zip(running, told, strict=True)]


def test_weighings_that_race_for_the_last_of_a_lot_leave_none_below_zero(spare: Bench) -> None:
    few = '--supplier S --supplier-lot L --expires 2100-12-31 --packing "3:coni-snap:135 mg" --amount "40 g"'
    spare.do(f'lot receive MCC-LAST --role filler --material "microcrystalline cellulose" {few}')
    last = '--weights {folder}/tablets.txt --amount "12 tablets" --expires 2100-12-31'
    spare.do(f"{BEGIN['tablets']} TAB-LAST {last}")
    names = [f"RACE-{number}" for number in range(4)]
    for name in names:
        spare.do(f"{BEGIN['open']} --from TAB-LAST --filler MCC-LAST --id {name} --reason race")
    for line, lot, reading in (("source", "TAB-LAST", "952.3 mg"), ("filler", "MCC-LAST", "13222.0 mg")):
        told = at_once(spare, [f'batch weigh {name} {line} "{reading}" --lot {lot}' for name in names])
        assert sorted(code for code, _ in told) == [0, 0, 0, 1]  # the lots are enough for three
        assert next(error for code, error in told if code).endswith("[lot.too-little]\n")
        assert not any("Traceback" in error for _, error in told)
    left = {lot["lot"]: lot["left"] for lot in spare.do("lot list --json").json["lots"]}
    assert (left["TAB-LAST"], left["MCC-LAST"]) == ("0 tablets", "0.334 g")
    assert spare.head()


def test_one_of_two_who_open_the_same_batch_or_do_the_same_step_is_told(spare: Bench) -> None:
    for command, problem in (
        (f"{BEGIN['open']} --id TWICE", "batch.known"),
        ("batch step TWICE 1", "step.done"),
        ('batch weigh TWICE source "952.3 mg" --lot TAB-1', "weighing.again"),
        (f"{BEGIN['tablets']} TAB-X --weights {{folder}}/tablets.txt --expires 2100-12-31", "lot.known"),
    ):
        told = at_once(spare, [command] * 2)
        assert sorted(code for code, _ in told) == [0, 1], told
        assert next(error for code, error in told if code).endswith(f"[{problem}]\n")
    assert spare.head()
