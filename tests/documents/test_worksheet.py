"""One page is worksheet and record: blanks for a pen, everything else whole."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

import pytest

from compounding.documents.boxes import Rule, Word, listing
from compounding.documents.pdf import width_of
from compounding.documents.proof import text_of
from compounding.documents.sheet import A4, LETTER, PEN
from compounding.documents.worksheet import draw_worksheet, layout_worksheet
from compounding.quantities import cut
from compounding.records.worksheet import StepLine, WorksheetText
from tests.documents.samples import BLANK, FILLED, golden


def strings(value: Any) -> list[str]:
    """Every text of a worksheet."""
    if isinstance(value, str):
        return [value] if value else []
    if isinstance(value, tuple):
        return [text for item in value for text in strings(item)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [text for field in dataclasses.fields(value) for text in strings(getattr(value, field.name))]
    return []


@pytest.mark.parametrize(("name", "text"), [("worksheet.txt", BLANK), ("record.txt", FILLED)])
def test_a_layout_changes_only_where_review_sees_it(name: str, text: WorksheetText) -> None:
    pages, problems = layout_worksheet(text)
    assert problems == []
    golden(name, "".join(map(listing, pages)))


@pytest.mark.parametrize("size", [LETTER, A4])
@pytest.mark.parametrize("text", [BLANK, FILLED])
def test_every_word_is_read_back_from_the_page(text: WorksheetText, size: tuple[float, float]) -> None:
    document, problems = draw_worksheet(text, size)
    assert problems == []
    read = text_of(document)
    # A name and a time share a cell, in two lines: each word is there.
    assert [words for words in strings(text) if not all(word in read for word in words.split())] == []
    assert text.warnings[0].text in read


def test_the_same_worksheet_gives_the_same_bytes() -> None:
    assert draw_worksheet(FILLED) == draw_worksheet(FILLED)


def test_a_blank_row_has_room_for_a_pen() -> None:
    pages, _ = layout_worksheet(replace(BLANK, steps=(StepLine(1, "Mix."), StepLine(2, "Fill."))))
    marks = [mark for page in pages for mark in page.marks]
    first, second = (
        next(mark.y for mark in marks if isinstance(mark, Word) and mark.text == do) for do in ("Mix.", "Fill.")
    )
    assert first - second >= PEN - 0.001 >= 19.8


def test_each_page_names_its_record_and_its_number() -> None:
    steps = tuple(StepLine(number, f"Step number {number}.") for number in range(1, 80))
    pages, _ = layout_worksheet(replace(BLANK, steps=steps))
    assert len(pages) >= 3
    for number, page in enumerate(pages, 1):
        words = " ".join(mark.text for mark in page.marks if isinstance(mark, Word)).replace("\xa0", " ")
        assert f"Page {number} of {len(pages)}" in words
        assert BLANK.record in words


def test_a_long_text_makes_its_row_grow_and_goes_on_on_the_next_page() -> None:
    story = " ".join(f"word{number}" for number in range(3000))
    pages, problems = layout_worksheet(replace(FILLED, deviations=(story,)))
    assert problems == []
    words = [mark for page in pages for mark in page.marks if isinstance(mark, Word) and mark.text.startswith("word")]
    assert [word.text for word in words] == story.split()
    assert min(word.y for word in words) > 36


def test_no_word_leaves_its_cell() -> None:
    long = "LOT-" + "1234567890" * 4
    line = replace(BLANK.components[0], lot=long, exact="1,234,567.123456789 mg", material="M" * 60)
    pages, problems = layout_worksheet(replace(BLANK, components=(line,)))
    assert problems == []
    page = pages[0]
    start = next(mark.x for mark in page.marks if isinstance(mark, Word) and mark.text == "LOT-")
    pieces = [mark for mark in page.marks if isinstance(mark, Word) and mark.x == start and mark.text in long]
    assert "".join(piece.text for piece in pieces) == long
    edges = [mark for mark in page.marks if isinstance(mark, Rule) and mark.x == mark.to_x]
    for piece in pieces:
        cell = min(edge.x for edge in edges if edge.x > piece.x and edge.to_y < piece.y < edge.y)
        assert piece.x + width_of(piece.text, piece.font) * piece.size < cell


def test_markup_is_printed_as_it_is_written() -> None:
    document, _ = draw_worksheet(replace(FILLED, deviations=("<b>5 < 6</b> & <!-- x --> </para>",)))
    assert "<b>5 < 6</b> & <!-- x --> </para>" in text_of(document)


def test_a_record_with_a_foreign_letter_is_printed_with_its_number_and_told() -> None:
    document, problems = draw_worksheet(replace(FILLED, deviations=("Seen by 王.",)))
    assert "Seen by [U+738B]." in text_of(document)
    assert [(problem.code, problem.stops, "U+738B" in problem.text) for problem in problems] == [
        ("text.cannot-print", False, True)
    ]


def test_a_warning_longer_than_a_page_is_refused() -> None:
    notice = replace(BLANK.warnings[0], text="word " * 3000)
    document, problems = draw_worksheet(replace(BLANK, warnings=(notice,)))
    assert document == b""
    assert [problem.code for problem in problems] == ["worksheet.too-tall"]


def test_no_mass_breaks_inside_its_digits() -> None:
    """The largest batch of a powder that its certificate corrects, on a balance of tenths of a milligram."""
    exact = cut("98765.446409432 mg", 3)
    line = replace(
        BLANK.components[0], exact=exact, weigh="98765.4 mg", low="96790.1 mg", high="100740.7 mg", weighed="98766.0 mg"
    )
    pages, _ = layout_worksheet(replace(BLANK, components=(line,)))
    words = " ".join(mark.text for mark in pages[0].marks if isinstance(mark, Word))
    for digits in ("98765.446…", "98765.4", "96790.1", "100740.7", "98766.0"):
        assert digits in words.replace("\xa0", " ").split(), digits
