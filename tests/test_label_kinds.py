"""Every kind of label through the command line, from a released batch to a proved PDF; one story for all of them."""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from compounding.documents.proof import text_of
from tests.bench import Bench, ran, words_approved
from tests.pages import alike, rewritten, run_all, shown_in

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "choose-a-label.md"
RX = '--prescription 99 --patient "Alex Q. Sample" --prescriber "Dr. J. Example" --quantity "1 capsule"'
WARNING = "Do NOT take opioid pain, cough or diarrhea medicines."


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("labels")
    assert ran(["demo", str(folder / "demo")]).code == 0
    return Bench(folder / "demo")


def read(bench: Bench, name: str) -> str:
    return " ".join(text_of((bench.folder / name).read_bytes()).split())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--template two-piece --stock 3x2", ["1 of 2", "2 of 2"]),
        ("--template two-piece --stock L7160 --first 20", ["1 of 2", "2 of 2"]),
        ("--template three-piece --stock 2.25x1.25", ["1 of 3", "2 of 3", "3 of 3"]),
        ("--template bottle --stock 4x3", ["Keep out of reach of children."]),
        ("--stock 5163 --first 7", ["Lot CAPS-1"]),
    ],
)
def test_a_patients_label_of_every_kind_is_written_with_its_warning(bench: Bench, options: str, says: list[str]) -> None:
    name = f"{options.replace(' ', '')}.pdf"
    done = bench.do(f"label CAPS-1 {RX} {options} --out {{folder}}/{name}")
    assert "naltrexone hydrochloride 1.5 mg, one point five milligrams" in done.out
    for each in [WARNING, "Alex Q. Sample", *says]:
        assert each in read(bench, name)


def test_a_label_keeps_the_warnings_revision_and_digest_and_its_template_in_the_record(bench: Bench) -> None:
    from compounding.documents.texts import read_warning

    label = bench.do(f"label CAPS-1 {RX} --out {{folder}}/kept.pdf --json").json["label"]
    printed = next(entry for entry in entries_of(bench) if label in str(entry))
    assert printed["warning"] == "opioid-warning revision 1"
    assert printed["warning_digest"] == read_warning().digest
    assert (printed["template"], printed["profile"], printed["language"]) == ("prescription", "us-ca", "en")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ('bulk --amount "1000 kg"', "label.quantity"),
        ('bulk --amount "0.5 capsules"', "label.quantity"),
        ('sample --amount "5000 capsules"', "label.too-much"),
        ('quarantine --amount "0 capsules"', "label.quantity"),
    ],
)
def test_a_container_holds_no_more_than_was_made_and_in_its_unit(bench: Bench, asked: str, code: str) -> None:
    assert bench.run(f"label sticker CAPS-1 {asked} --stock 4x3 --out {{folder}}/no.pdf").codes == [code]


@pytest.mark.parametrize("size", ["999x999in", "200x200in", "60x40in", "301x20mm"])
def test_a_size_that_no_label_has_is_refused_at_once(bench: Bench, size: str) -> None:
    done = bench.run(f"label CAPS-1 {RX} --stock {size} --out {{folder}}/no.pdf")
    assert (done.code, done.codes) == (2, ["data.not-understood"]) and "at most 300 mm" in done.err


def entries_of(bench: Bench) -> list[dict[str, Any]]:
    with sqlite3.connect(bench.journal) as database:
        return [json.loads(row[0])["body"] for row in database.execute("select body from entries order by sequence desc")]


@pytest.mark.parametrize("kind", ["quarantine", "released", "bulk", "sample"])
def test_stickers_carry_the_warning_and_an_id_each(bench: Bench, kind: str) -> None:
    done = bench.do(
        f'label sticker CAPS-1 {kind} --amount "10 capsules" --reason "no assay yet" --stock 5163 --first 9 --count 3 '
        f"--out {{folder}}/{kind}.pdf --json"
    ).json
    assert len(set(done["labels"])) == 3
    words = read(bench, f"{kind}.pdf")
    assert words.count(WARNING) == 3
    assert all(id in words for id in done["labels"])


def test_a_label_in_spanish_is_spanish_throughout_or_refused(bench: Bench) -> None:
    spanish = f"label CAPS-1 {RX} --language es --stock 4x3 --out {{folder}}/es.pdf"
    words_approved(bench, "es")
    assert bench.run(spanish).codes == ["label.no-wording"]
    bench.do(f'{spanish} --directions "Tome 1 cápsula por la boca al acostarse."')
    words = read(bench, "es.pdf")
    for each in ("NO tome medicamentos con opioides", "naltrexona clorhidrato 1.5 mg cápsula", "Lote CAPS-1", "1 cápsula"):
        assert each in words
    for english in ("capsule", "Store", "Lot ", "WARNING", "Keep out"):
        assert english not in words
    assert bench.run(f"label CAPS-1 {RX} --language fr --out {{folder}}/fr.pdf").codes == ["data.unknown"]


@pytest.mark.parametrize("written", ["Take .5 mg at bedtime", "Take 1 capsule QD", "Take 10 U", "Take 1.0 mg"])
def test_directions_that_were_misread_before_print_nothing(bench: Bench, written: str) -> None:
    done = bench.run(f'label CAPS-1 {RX} --directions "{written}" --out {{folder}}/no.pdf')
    assert (done.code, set(done.codes)) == (1, {"writing.error-prone"})
    assert not (bench.folder / "no.pdf").exists()


@pytest.mark.parametrize(
    ("written", "codes"),
    [
        ("Take 1 capsule (15 mg) at bedtime.", ["writing.dose"]),
        ("Take 1 capsule of naloxone at bedtime.", ["material.look-alike"]),
        ("Take 10 MG, 0,5 mg or 1. 5 mg at bedtime", ["writing.error-prone"] * 3),
    ],
)
def test_directions_that_would_harm_print_nothing(bench: Bench, written: str, codes: list[str]) -> None:
    done = bench.run(f'label CAPS-1 {RX} --directions "{written}" --out {{folder}}/no.pdf')
    assert (done.code, done.codes) == (1, codes)
    assert not (bench.folder / "no.pdf").exists()


def test_auxiliary_labels_hold_an_approved_sentence_and_no_product(bench: Bench) -> None:
    bench.do("label auxiliary shake-well --stock 5167 --count 12 --first 75 --out {folder}/aux.pdf")
    assert read(bench, "aux.pdf").count("Shake well.") == 12
    assert bench.run("label auxiliary anything --out {folder}/x.pdf").codes == ["label.no-wording"]


@pytest.mark.parametrize("options", ["--first 0", "--first 11 --stock 5163", "--count 0", "--count -3"])
def test_counts_that_no_sheet_has_are_refused(bench: Bench, options: str) -> None:
    assert bench.run(f"label sticker CAPS-1 quarantine {options} --out {{folder}}/n.pdf").code in (1, 2)
    assert not (bench.folder / "n.pdf").exists()


@pytest.mark.parametrize(
    "command",
    [
        f"label CAPS-1 {RX} --out {{folder}}/de.pdf",
        f"label CAPS-1 {RX} --preview {{folder}}/de.png",
        "label sticker CAPS-1 quarantine --out {folder}/de.pdf",
        "label auxiliary shake-well --out {folder}/de.pdf",
        "doctor",
    ],
)
def test_the_profile_alone_says_the_language_and_one_without_texts_is_refused(bench: Bench, command: str) -> None:
    done = bench.under('profile = "de"').run(command)
    assert done.code in (1, 2) and "in de" in done.out + done.err
    assert not [*bench.folder.glob("de.p*")]


def printed_by(page: str, folder: Path) -> list[str]:
    """What the commands of the page print, after a demo."""
    assert ran(["demo", str(folder / "bench")]).code == 0
    return [printed for _, printed in run_all(shown_in(page), folder)]


def test_the_page_on_choosing_a_label_shows_what_its_commands_say(tmp_path: Path) -> None:
    page = PAGE.read_text("utf-8")
    for shown, printed in zip(shown_in(page), printed_by(page, tmp_path), strict=True):
        assert alike(printed) == alike(shown.printed), f"{shown.typed}\nrun this file with --write to write the page anew"


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    text = PAGE.read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(rewritten(text, printed_by(text, Path(folder))), "utf-8")
