"""The certificate of analysis on paper: every word at its place, none cut, each page named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compounding.documents.boxes import Page, Word, listing
from compounding.documents.certificate import draw_certificate, layout_certificate
from compounding.documents.pdf import width_of
from compounding.documents.proof import text_of
from compounding.documents.sheet import A4, LETTER, MARGIN
from compounding.records.analysis import AttachmentLine
from tests.documents.samples import ANALYSIS, golden
from tests.documents.test_worksheet import strings


def words(page: Page) -> list[Word]:
    return [mark for mark in page.marks if isinstance(mark, Word)]


def test_a_layout_changes_only_where_review_sees_it() -> None:
    pages, problems = layout_certificate(ANALYSIS)
    assert problems == []
    golden("certificate.txt", "".join(map(listing, pages)))


@pytest.mark.parametrize("size", [LETTER, A4])
def test_every_word_is_read_back_from_the_page(size: tuple[float, float]) -> None:
    document, problems = draw_certificate(ANALYSIS, size)
    assert problems == []
    read = text_of(document)
    assert [text for text in strings(ANALYSIS) if not all(word in read for word in text.split())] == []


@pytest.mark.parametrize("size", [LETTER, A4])
def test_no_word_leaves_the_page_and_a_digest_stays_on_one_line(size: tuple[float, float]) -> None:
    widest = AttachmentLine("report.pdf", "assay", "20,971,520 bytes", "0123456789abcdea" * 4)
    pages, _ = layout_certificate(replace(ANALYSIS, attachments=(widest,)), size)
    for word in (each for page in pages for each in words(page)):
        assert word.x + width_of(word.text, word.font) * word.size <= size[0] - MARGIN + 0.01, word.text
    assert any(word.text == widest.digest for page in pages for word in words(page))


def test_each_page_names_its_record_and_its_number() -> None:
    pages, problems = layout_certificate(replace(ANALYSIS, results=ANALYSIS.results * 30))
    assert len(pages) >= 3 and problems == []
    for number, page in enumerate(pages, 1):
        said = " ".join(word.text for word in words(page)).replace("\xa0", " ")
        assert f"Certificate of analysis {ANALYSIS.record} Page {number} of {len(pages)}" in said


def test_those_who_signed_stand_together() -> None:
    for count in range(1, 30):
        pages, _ = layout_certificate(replace(ANALYSIS, notes=("A note.",) * count))
        holding = [{"09:20\xa0UTC", "11:20\xa0UTC"} & {word.text for word in words(page)} for page in pages]
        assert sorted(map(len, holding)) == [0] * (len(pages) - 1) + [2]


def test_no_page_holds_signatures_alone() -> None:
    for count in range(1, 60):
        pages, _ = layout_certificate(replace(ANALYSIS, notes=("A note.",) * count, attachments=()))
        (signed,) = [page for page in pages if any(word.text == "11:20\xa0UTC" for word in words(page))]
        assert any(word.text == "note." for word in words(signed)), count


def test_a_conclusion_longer_than_a_page_is_refused() -> None:
    document, problems = draw_certificate(
        replace(ANALYSIS, conclusion=replace(ANALYSIS.conclusion, text="word " * 3000))
    )
    assert document == b"" and [problem.code for problem in problems] == ["certificate.too-tall"]


def test_a_foreign_letter_is_printed_with_its_number_and_told() -> None:
    document, problems = draw_certificate(replace(ANALYSIS, notes=("Seen by 王.",)))
    assert "Seen by [U+738B]." in text_of(document)
    assert [(problem.code, problem.stops) for problem in problems] == [("text.cannot-print", False)]
