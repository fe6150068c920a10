"""`label proof` judges any file: one thing is spoiled, and the check that it breaks is named."""

from __future__ import annotations

import hashlib
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

import pypdf
import pytest
from reportlab.pdfgen.canvas import Canvas

from compounding.documents import barcode, pdf
from compounding.documents.boxes import Mark, Page, Symbol, Word
from compounding.documents.label import layout_label
from tests.bench import Bench, Ran, ran
from tests.documents.samples import CAPSULE, ROLL, TEMPLATE
from tests.released import copied, labelled, released

PAGE, _ = layout_label(CAPSULE, ROLL, TEMPLATE)
assert PAGE is not None
SYMBOL = next(mark for mark in PAGE.marks if isinstance(mark, Symbol))


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """CAPS-1 has the label label.pdf: nobody writes to it."""
    bench = released(tmp_path_factory.mktemp("released"))
    labelled(bench)
    return bench


def proof(bench: Bench, file: Path, *options: str) -> Ran:
    return bench.run(["label", "proof", str(file), "--json", *options])


def alone(file: Path, *options: str) -> Ran:
    """The judgement where there is no pharmacy."""
    return ran(["--settings", str(file.parent / "none.toml"), "label", "proof", str(file), "--json", *options])


def failing(done: Ran) -> list[str]:
    return [name for name, passed in done.json["checks"].items() if not passed]


def drawn(folder: Path, *marks: Mark) -> Path:
    (folder / "foreign.pdf").write_bytes(pdf.paint([Page(ROLL.width, ROLL.height, marks)], title="x"))
    return folder / "foreign.pdf"


def by_another_program(folder: Path, *, x: float = 200.0, grey: float = 0.0, element: str = "(91)L0000042D") -> Path:
    """A label that another program drew, in its own font, with a GS1 Data Matrix."""
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=(288, 144))
    canvas.setFillGray(grey)
    canvas.setFont("Helvetica", 12)
    canvas.drawString(20, 100, "naltrexone hydrochloride 1.5 mg")
    canvas.setFillGray(0)
    rows = barcode.modules(element)
    for down, row in enumerate(rows):
        for across, dark in enumerate(row):
            if dark == "1":
                canvas.rect(x + across * 1.5, 80 - down * 1.5, 1.5, 1.5, stroke=0, fill=1)
    canvas.save()
    (folder / "other.pdf").write_bytes(buffer.getvalue())
    return folder / "other.pdf"


def test_the_file_that_was_proved_is_known_as_it(out: Bench) -> None:
    done = proof(out, out.folder / "label.pdf")
    assert done.code == 0, done.err
    assert (done.json["label"], done.json["as_recorded"], failing(done)) == ("L00000018", True, [])
    digest = hashlib.sha256((out.folder / "label.pdf").read_bytes()).hexdigest()
    assert done.json["digest"] == f"sha256:{digest}"


def test_a_file_that_was_saved_again_is_judged_by_the_record(out: Bench, tmp_path: Path) -> None:
    again = tmp_path / "again.pdf"
    writer = pypdf.PdfWriter(clone_from=out.folder / "label.pdf")
    writer.add_metadata({"/Title": "saved again"})
    writer.write(again)
    done = proof(out, again)
    assert (done.code, done.json["as_recorded"], failing(done)) == (0, False, [])


def test_a_label_with_this_id_and_another_strength_is_caught(out: Bench, tmp_path: Path) -> None:
    spoiled = tmp_path / "spoiled.pdf"
    marks: list[Any] = [
        Word(mark.x, mark.y, mark.size, mark.font, "15\xa0mg")
        if isinstance(mark, Word) and mark.text == "1.5\xa0mg"
        else mark
        for mark in PAGE.marks
        if not isinstance(mark, Symbol)
    ]
    code = barcode.modules("(91)L00000018")
    shutil.move(drawn(tmp_path, *marks, Symbol(SYMBOL.x, SYMBOL.y, SYMBOL.dot, SYMBOL.dots, code)), spoiled)
    done = proof(out, spoiled)
    assert "strength" in {problem["where"] for problem in done.json["problems"]}
    assert failing(done)[0] == "text"


def test_the_file_of_a_label_that_was_replaced_is_refused(out: Bench, tmp_path: Path) -> None:
    bench = copied(out, tmp_path / "bench")
    bench.do(["label", "reprint", "L00000018", "--reason", "torn", "--out", str(tmp_path / "again.pdf")], "tom")
    assert proof(bench, bench.folder / "label.pdf").codes == ["label.void"]
    assert proof(bench, tmp_path / "again.pdf").code == 0


def test_a_good_file_of_another_program_passes_without_a_record(tmp_path: Path) -> None:
    done = alone(by_another_program(tmp_path), "--expect", "1.5 mg", "--stock", "4x2")
    assert (done.code, failing(done), done.json["label"], done.json["symbols"]) == (0, [], None, ["]d2(91)L0000042D"])


def test_a_string_that_is_not_there_whole_is_named(tmp_path: Path) -> None:
    done = alone(by_another_program(tmp_path), "--expect", "2.5 mg")
    assert (done.code, done.codes, failing(done)) == (1, ["proof.text-missing"], ["text"])


def test_pale_letters_of_another_program_are_caught(tmp_path: Path) -> None:
    assert failing(alone(by_another_program(tmp_path, grey=0.8))) == ["glyphs"]


def test_ink_in_the_margin_of_another_program_s_label_is_caught(tmp_path: Path) -> None:
    assert "margins" in failing(alone(by_another_program(tmp_path, x=265.5)))


def test_a_barcode_that_breaks_the_rules_of_gs1_is_caught(tmp_path: Path) -> None:
    done = alone(by_another_program(tmp_path, element="(10)A1(21)7"))
    assert (done.codes, failing(done)) == (["barcode.element", "barcode.element"], ["barcode"])


def test_ink_beside_the_barcode_and_no_barcode_are_caught(tmp_path: Path) -> None:
    beside = Word(SYMBOL.x - 2.0, SYMBOL.y + 8, 6.0, "bold", "I")
    assert "proof.quiet-zone" in alone(drawn(tmp_path, *PAGE.marks, beside)).codes
    rest = [mark for mark in PAGE.marks if not isinstance(mark, Symbol)]
    assert failing(alone(drawn(tmp_path, *rest))) == ["barcode"]


def test_unsafe_writing_is_caught(tmp_path: Path) -> None:
    done = alone(drawn(tmp_path, *PAGE.marks, Word(200, 100, 7, "regular", ".5 mg QD")))
    assert "writing" in failing(done)


def test_what_is_no_pdf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.pdf").write_text("no PDF")
    assert alone(tmp_path / "notes.pdf").codes == ["proof.unreadable"]
    assert alone(tmp_path / "missing.pdf").codes == ["file.missing"]
