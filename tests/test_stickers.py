"""Every kind of label is known by its barcode and proved by its record; stickers are printed, and never counted."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pypdf
import pytest
import zxingcpp
from PIL import Image

from compounding.documents import pdf
from compounding.documents.boxes import Page, Word
from compounding.documents.proof import text_of
from compounding.documents.stocks import read_stock
from tests.bench import Bench, Ran, carried_on, stocked, words_approved
from tests.documents.symbols import scanned_from
from tests.printers import READY, burned_from, thermal
from tests.released import PRESCRIPTION, copied, released

SPANISH = 'label CAPS-1 {rx} --language es --stock 4x3 --directions "Tome 1 cápsula por la boca al acostarse."'
LABELS = {
    "prescription": "label CAPS-1 {rx}",
    "spanish": SPANISH,
    "two pieces": "label CAPS-1 {rx} --template two-piece --stock 3x2",
    "two pieces on a sheet": "label CAPS-1 {rx} --template two-piece --stock L7160 --first 20",
    "three pieces": "label CAPS-1 {rx} --template three-piece --stock 2.25x1.25",
    "bottle": "label CAPS-1 {rx} --template bottle --stock 4x3",
}
STICKERS = {
    "quarantine": 'label sticker CAPS-1 quarantine --reason "no assay yet"',
    "released": "label sticker CAPS-1 released --count 2",
    "bulk": 'label sticker CAPS-1 bulk --amount "10 capsules" --stock 5163 --first 9 --count 3',
    "sample in two": 'label sticker CAPS-1 sample --amount "10 capsules" --two-piece --stock 2x1',
    "bulk in two": 'label sticker CAPS-1 bulk --amount "10 capsules" --two-piece --stock 2.25x1.25 --count 2',
    "quarantine in two": "label sticker CAPS-1 quarantine --two-piece --stock 2x1",
    "sample": 'label sticker CAPS-1 sample --amount "10 capsules" --stock 4x3 --language es',
}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """CAPS-1 is released and has a label of every kind in a file of its name: nobody writes to it."""
    bench = released(tmp_path_factory.mktemp("released"))
    words_approved(bench, "es")
    words = " ".join(f'"{each}"' if " " in each else each for each in PRESCRIPTION)
    for name, command in (LABELS | STICKERS).items():
        asked = command.replace("{rx}", f'{words} --quantity "1 capsule"')
        bench.do(f'{asked} --out "{{folder}}/{name}.pdf"', "tom")
    bench.do("label auxiliary shake-well --stock 1.5x0.5 --count 3 --out {folder}/auxiliary.pdf", "tom")
    return bench


@pytest.fixture
def bench(out: Bench, tmp_path: Path) -> Bench:
    return copied(out, tmp_path / "bench")


def proof(bench: Bench, file: Path | str) -> Ran:
    return bench.run(["label", "proof", str(bench.folder / file), "--json"])


def label_of(bench: Bench, name: str) -> Any:
    """The id of the first label in a file."""
    return proof(bench, f"{name}.pdf").json["label"]


@pytest.mark.parametrize("name", [*LABELS, *STICKERS])
def test_a_label_of_every_kind_passes_its_proof_and_is_known_to_a_scan(out: Bench, name: str) -> None:
    done = proof(out, f"{name}.pdf")
    assert (done.code, done.json["as_recorded"]) == (0, True), done.err
    found = out.run(["scan", done.json["label"], "--json"]).json
    assert found["kind"] == ("sticker" if name in STICKERS else "label")
    assert (found["batch"], found["state"], found["strength"]) == ("CAPS-1", "valid", "1.5 mg")
    assert [each["code"] for each in found["problems"]] == (["sticker.quarantine"] if "quarantine" in name else [])


def test_an_auxiliary_label_passes_without_a_barcode_and_another_sentence_does_not(out: Bench, tmp_path: Path) -> None:
    assert proof(out, "auxiliary.pdf").code == 0
    paper = read_stock("1.5x0.5")
    said = Word(10, 15, 9, pdf.REGULAR, "Ask us")
    (tmp_path / "other.pdf").write_bytes(pdf.paint([Page(paper.width, paper.height, (said,))], title="x"))
    assert proof(out, tmp_path / "other.pdf").codes == ["proof.barcode"]


def test_what_was_read_from_a_quarantine_sticker_says_not_to_use_it(out: Bench) -> None:
    told = out.run(["scan", scanned_from(out.folder / "quarantine.pdf")])
    assert told.code == 1
    assert told.out.startswith("Quarantine sticker ") and "Batch CAPS-1, released" in told.out
    assert "do not use or dispense" in told.err


@pytest.mark.parametrize("kind", ["bulk", "sample"])
def test_a_recalled_batch_and_one_that_is_out_of_date_get_quarantine_stickers_alone(
    bench: Bench, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = f'label sticker CAPS-1 {kind} --amount "1 capsule" --stock 4x3 --out {{folder}}/no.pdf'
    quarantine = "label sticker CAPS-1 quarantine --out {folder}/"
    with monkeypatch.context() as later:
        later.setattr("compounding.cli.app.App.today", lambda app: date(2031, 1, 1))
        assert bench.run(asked, "tom").codes == ["label.out-of-date"]
        bench.do(f"{quarantine}old.pdf", "tom")
    bench.do('recall CAPS-1 --reason "wrong lot"', "ana")
    assert bench.run(asked, "tom").codes == ["label.recalled"]
    bench.do(f"{quarantine}recalled.pdf", "tom")


@pytest.mark.parametrize("kind", ["bulk", "sample"])
def test_what_is_not_released_says_so_and_what_is_not_made_has_no_label(tmp_path: Path, kind: str) -> None:
    bench = stocked(tmp_path / "bench")
    words_approved(bench)
    asked = f'label sticker CAPS-1 {kind} --amount "1 capsule" --stock 4x3 --out {{folder}}/{kind}.pdf'
    carried_on(bench, "CAPS-1", "batch step")
    assert bench.run(asked).codes == ["label.not-made"]
    carried_on(bench, "CAPS-1", "qc weights CAPS-1", begin="batch step")
    bench.do(asked)
    assert "NOT RELEASED" in text_of((bench.folder / f"{kind}.pdf").read_bytes())
    assert proof(bench, f"{kind}.pdf").code == 0


def test_a_sticker_says_what_became_of_its_batch(bench: Bench) -> None:
    stuck, kept = label_of(bench, "released"), label_of(bench, "sample")
    bench.do('recall CAPS-1 --reason "wrong lot"', "ana")
    for id in (stuck, kept):
        assert bench.run(["scan", id]).codes == ["sticker.state"]


def test_a_sticker_is_read_back_and_never_reprinted(bench: Bench) -> None:
    id = label_of(bench, "quarantine")
    assert bench.run(["scan", "--printed", "--expect", "L00000018", id]).codes == ["scan.other-label"]
    assert bench.run(["scan", "--printed", id], "tom").code == 0
    assert bench.run(["scan", id, "--json"]).json["scanned"]
    refused = bench.run(["label", "reprint", id, "--reason", "torn", "--out", str(bench.folder / "no.pdf")])
    assert refused.codes == ["label.sticker"] and "label sticker CAPS-1 quarantine" in refused.err


def test_stickers_are_not_counted_with_the_labels(bench: Bench) -> None:
    bench.do(f"label account CAPS-1 --applied {len(LABELS)}", "tom")


# ---- one thing is spoiled ----


def without(page: int, bench: Bench, name: str, folder: Path) -> Path:
    """The file of a label without one of its pages."""
    found = pypdf.PdfReader(bench.folder / f"{name}.pdf")
    writer = pypdf.PdfWriter()
    kept = list(found.pages)
    del kept[page]
    for each in kept:
        writer.add_page(each)
    writer.write(folder / "cut.pdf")
    return folder / "cut.pdf"


def test_a_set_without_one_of_its_pieces_is_caught(out: Bench, tmp_path: Path) -> None:
    assert "proof.text-missing" in proof(out, without(0, out, "three pieces", tmp_path)).codes
    assert "proof.barcode" in proof(out, without(2, out, "three pieces", tmp_path)).codes


def test_a_sticker_that_is_missing_from_its_print_is_named(out: Bench, tmp_path: Path) -> None:
    done = proof(out, without(1, out, "released", tmp_path))
    assert "proof.sticker-missing" in {each["code"] for each in done.json["problems"]}


@pytest.mark.parametrize(("name", "cut"), [("spanish", "opioides"), ("prescription", "opioid"), ("bulk", "opioid")])
def test_a_warning_with_a_word_cut_out_is_caught_in_every_language(
    out: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, cut: str
) -> None:
    from compounding.documents import judging

    # The file is read with one word less: what a cut leaves of the text layer.
    whole = judging.proof.Reading.plain.func  # type: ignore[attr-defined]
    monkeypatch.setattr(judging.proof.Reading, "plain", property(lambda reading: (whole(reading)[0].replace(cut, ""), ())))
    wrong = {each["where"] for each in proof(out, f"{name}.pdf").json["problems"]}
    assert "warning text" in wrong


# ---- to a printer ----


def test_stickers_go_to_a_printer_and_what_became_of_them_is_on_record(bench: Bench) -> None:
    with thermal(READY) as printer:
        done = bench.run(f"label sticker CAPS-1 quarantine --count 2 --raw 127.0.0.1:{printer.port} --json", "tom").json
        sent = printer.waited()
    both = b"".join(sent).split(b"^XZ\n")[:-1]
    read = [symbol.text for zpl in both for symbol in zxingcpp.read_barcodes(burned_from(zpl + b"^XZ\n"))]
    assert read == [f"(91){id}" for id in done["labels"]]
    assert bench.run(["scan", done["labels"][1], "--json"]).json["state"] == "valid"
    assert bench.head()


def test_stickers_whose_print_failed_count_as_not_printed_all_of_them(bench: Bench) -> None:
    with thermal() as printer:
        done = bench.run(
            f"label sticker CAPS-1 released --count 2 --raw 127.0.0.1:{printer.port} --timeout 1 --json", "tom"
        ).json
        printer.waited()
    first, second = done["labels"]
    assert bench.run(["scan", second, "--json"]).json["state"] == "sent"
    bench.do(["label", "lost", first, "--reason", "the printer was off"], "tom")
    assert bench.run(["scan", second]).codes == ["label.print-failed"]
    assert bench.do("journal verify --json").json
    bench.do("batch export CAPS-1 --out {folder}/one.batch")
    assert bench.run(["verify", str(bench.folder / "one.batch")]).code == 0


def test_a_preview_of_stickers_or_of_a_set_shows_each_label_and_records_nothing(bench: Bench) -> None:
    head = bench.head()
    bench.do("label sticker CAPS-1 quarantine --count 2 --preview {folder}/two.png", "tom")
    bench.do("label auxiliary shake-well --stock 1.5x0.5 --preview {folder}/aux.png", "tom")
    words = [*PRESCRIPTION, "--quantity", "1 capsule", "--template", "three-piece", "--stock", "2.25x1.25"]
    bench.do(["label", "CAPS-1", *words, "--preview", str(bench.folder / "set.png")], "tom")
    assert bench.head() == head
    with Image.open(bench.folder / "two.png") as two, Image.open(bench.folder / "set.png") as three:
        assert two.size == (812, 2 * 406 + 16) and three.size[1] > 3 * 250
        assert len(zxingcpp.read_barcodes(two.convert("L"))) == 2
