"""A label is read back before it is printed: each way in which paper can lie is seeded and must be caught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import pytest

from compounding.documents import pdf
from compounding.documents.boxes import Box, Mark, Page, Rule, Symbol, Word
from compounding.documents.label import draw_label, layout_label
from compounding.documents.proof import prove_label, text_of
from compounding.problems import Problem
from tests.documents.samples import CAPSULE, ROLL, TALL, TEMPLATE

PAGE, _ = layout_label(CAPSULE, ROLL, TEMPLATE)
assert PAGE is not None
MARKS = PAGE.marks
BOX = next(mark for mark in MARKS if isinstance(mark, Box))
WARNING = [mark for mark in MARKS if isinstance(mark, Word) and BOX.y < mark.y < BOX.y + BOX.height and not mark.grey]
LOWEST = min(mark.y for mark in MARKS if isinstance(mark, Word))
PATIENT = next(mark for mark in MARKS if isinstance(mark, Word) and mark.text == "Alex")


def proved(*marks: Mark) -> list[Problem]:
    return prove_label(pdf.paint([Page(ROLL.width, ROLL.height, marks)], title="x"), CAPSULE, ROLL, TEMPLATE)


def with_warning(change: Callable[[Word], Word]) -> list[Problem]:
    return proved(*(change(mark) if mark in WARNING else mark for mark in MARKS))


def found(problems: list[Problem]) -> set[tuple[str, str | None]]:
    return {(problem.code, problem.where) for problem in problems}


def test_the_good_label_passes() -> None:
    assert proved(*MARKS) == []


def test_a_white_warning_is_caught() -> None:
    assert ("proof.not-readable", "warning_text") in found(with_warning(lambda word: replace(word, grey=1.0)))


def test_a_pale_warning_is_caught() -> None:
    assert ("proof.not-readable", "warning_text") in found(with_warning(lambda word: replace(word, grey=0.5)))


def test_a_tiny_warning_is_caught() -> None:
    assert ("proof.too-small", "warning_text") in found(with_warning(lambda word: replace(word, size=7.9)))
    assert ("proof.too-small", "warning_text") in found(with_warning(lambda word: replace(word, size=1.0)))


def test_a_warning_off_the_page_is_caught() -> None:
    assert ("proof.not-readable", "warning_text") in found(with_warning(lambda word: replace(word, x=word.x + 300)))


@pytest.mark.parametrize("fill", [0.0, 0.7, 1.0])
def test_a_covered_warning_is_caught(fill: float) -> None:
    cover = Box(WARNING[0].x, WARNING[0].y - 1, 60, 8, fill=fill)
    assert ("proof.not-readable", "warning_text") in found(proved(*MARKS, cover))


def clipped(left: float, bottom: float, right: float, top: float) -> list[Problem]:
    """The problems of the good label drawn through an opening."""
    from reportlab.pdfgen.canvas import Canvas

    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=(ROLL.width, ROLL.height), initialFontName="LiberationSans")
    opening = canvas.beginPath()
    opening.rect(left, bottom, right - left, top - bottom)
    canvas.clipPath(opening, stroke=0, fill=0)
    pdf._paint_marks(canvas, MARKS)
    canvas.save()
    return prove_label(buffer.getvalue(), CAPSULE, ROLL, TEMPLATE)


def test_clipped_words_are_caught() -> None:
    assert clipped(0, 0, ROLL.width, ROLL.height) == []
    assert ("proof.not-readable", "warning_text") in found(clipped(0, BOX.y + 10, ROLL.width, ROLL.height))


def test_descenders_cut_at_the_lower_edge_are_caught() -> None:
    assert ("proof.not-readable", "auxiliary") in found(clipped(0, LOWEST - 0.1, ROLL.width, ROLL.height))


def test_any_word_that_is_white_is_caught() -> None:
    for number, mark in enumerate(MARKS):
        if isinstance(mark, Word):
            spoiled = [*MARKS[:number], replace(mark, grey=1.0 - mark.grey), *MARKS[number + 1 :]]
            assert "proof.not-readable" in {problem.code for problem in proved(*spoiled)}, mark.text


@pytest.mark.parametrize(
    ("word", "other", "field"),
    [
        ("1.5\xa0mg", "15\xa0mg", "strength"),
        ("Do\xa0NOT\xa0take", "Do take", "warning_text"),
        ("Sample", "Simple", "patient"),
        ("Use\xa0by\xa02027-05-20", "Use\xa0by\xa02027-05-02", "beyond_use_date"),
        ("1\xa0capsule", "2\xa0capsule", "directions"),
    ],
)
def test_another_word_than_the_record_says_is_caught(word: str, other: str, field: str) -> None:
    spoiled = (replace(mark, text=other) if isinstance(mark, Word) and mark.text == word else mark for mark in MARKS)
    assert ("proof.text-missing", field) in found(proved(*spoiled))


def test_a_word_that_the_record_does_not_hold_is_caught() -> None:
    problems = proved(*MARKS, replace(PATIENT, x=200, text="15 mg"))
    assert [problem.text for problem in problems] == [
        "The label also reads “15 mg”, which the record does not hold. Do not print it."
    ]


def test_a_patient_name_below_twelve_points_is_caught() -> None:
    spoiled = (replace(mark, size=11.9) if mark == PATIENT else mark for mark in MARKS)
    assert ("proof.too-small", "patient") in found(proved(*spoiled))


@pytest.mark.parametrize(
    ("edge", "rule"),
    [
        ("left", Rule(1, 20, 1, 60, 0.5)),
        ("right", Rule(287, 20, 287, 60, 0.5)),
        ("upper", Rule(20, 143, 60, 143, 0.5)),
        ("lower", Rule(20, 1, 60, 1, 0.5)),
    ],
)
def test_ink_in_a_margin_is_caught(edge: str, rule: Rule) -> None:
    assert found(proved(*MARKS, rule)) == {("proof.margin", edge)}


def symbol() -> Symbol:
    return next(mark for mark in MARKS if isinstance(mark, Symbol))


def test_ink_in_the_quiet_zone_is_caught() -> None:
    beside = Rule(symbol().x - 0.6, symbol().y, symbol().x - 0.6, symbol().y + 10, 0.3)
    assert found(proved(*MARKS, beside)) == {("proof.quiet-zone", "identifier")}


def test_another_label_s_barcode_is_caught() -> None:
    other, _ = layout_label(replace(CAPSULE, identifier="L0000041B"), ROLL, TEMPLATE)
    assert other is not None
    assert found(proved(*other.marks)) == {("proof.barcode", "identifier")}


def test_a_barcode_that_is_missing_or_off_the_dots_is_caught() -> None:
    rest = [mark for mark in MARKS if not isinstance(mark, Symbol)]
    assert found(proved(*rest)) == {("proof.barcode", "identifier")}
    off = replace(symbol(), x=symbol().x - 3, dot=symbol().dot * 0.8)
    assert {code for code, _ in found(proved(*rest, off))} & {"proof.barcode", "proof.quiet-zone"}


def test_letters_of_another_font_are_caught() -> None:
    from reportlab.pdfgen.canvas import Canvas

    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=(ROLL.width, ROLL.height), initialFontName="LiberationSans")
    pdf._paint_marks(canvas, MARKS)
    canvas.setFont("Helvetica", 6)
    canvas.drawString(200, 100, "x")
    canvas.save()
    problems = prove_label(buffer.getvalue(), CAPSULE, ROLL, TEMPLATE)
    assert "The letter “x” is in the font Helvetica. Do not print this label." in [each.text for each in problems]


def test_a_label_of_another_size_and_a_broken_file_are_refused() -> None:
    document = draw_label(Page(ROLL.width, ROLL.height, MARKS), title=CAPSULE.identifier)
    assert found(prove_label(document, CAPSULE, TALL, TEMPLATE)) == {("proof.page-size", None)}
    assert found(prove_label(document[:500], CAPSULE, ROLL, TEMPLATE)) == {("proof.unreadable", None)}
    two = pdf.paint([Page(ROLL.width, ROLL.height, MARKS)] * 2, title="x")
    assert found(prove_label(two, CAPSULE, ROLL, TEMPLATE)) == {("proof.pages", None)}


def test_text_is_read_back_with_line_breaks_as_spaces() -> None:
    assert CAPSULE.warning.text in text_of(draw_label(Page(ROLL.width, ROLL.height, MARKS), title=CAPSULE.identifier))
