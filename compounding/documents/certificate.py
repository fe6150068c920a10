"""The certificate of analysis, drawn like the worksheet: what was made, what it came to, each result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from compounding.documents import pdf
from compounding.documents.boxes import Page
from compounding.documents.sheet import (
    LETTER,
    MARGIN,
    Block,
    Column,
    Running,
    facts,
    laid_out,
    notices,
    printable,
    product,
    table,
)
from compounding.problems import Problem, stopping
from compounding.records.analysis import AnalysisText

SHORT = 200.0  # a table no taller than this is not parted by a page's end [pt]

_RESULTS = [
    Column("Test", 82, bold=True),
    Column("Method", 130),
    Column("Limit", 124),
    Column("Found", 114),
    Column("Verdict", 40, bold=True),
    Column("Recorded", 62),
]
_VALUES = [Column("Test", 82, bold=True), Column("As they were read", 470)]
_WORDS = [Column("", 540)]
# 64 hexadecimal digits of the size of a table's text are at most 321 pt wide: a digest is never broken, on A4 neither.
_ATTACHMENTS = [Column("File", 100, bold=True), Column("Proves", 96), Column("SHA-256 of its bytes", 344)]
_SIGNATURES = [Column("Meaning", 250), Column("Name", 188), Column("Time", 102)]


def draw_certificate(text: AnalysisText, size: tuple[float, float] = LETTER) -> tuple[bytes, list[Problem]]:
    """The certificate as a PDF, with a notice of every character that had to be spelled out.

    A problem that stops (a text longer than a page) leaves the PDF empty.

    Args:
        text: every word of it.
        size: of the page [pt].
    """
    pages, problems = layout_certificate(text, size)
    if stopping(problems):
        return b"", problems
    return pdf.paint(pages, title=f"{text.title} {text.record}"), problems


def layout_certificate(text: AnalysisText, size: tuple[float, float] = LETTER) -> tuple[list[Page], list[Problem]]:
    """The pages of a certificate with every word at its place."""
    problems: list[Problem] = []
    text = printable(text, "", problems)
    width = size[0] - 2 * MARGIN
    foot = f"Record {text.record}   Formula {text.formula} version {text.formula_version}   {text.pharmacy}"
    running = Running(text.title, text.record, foot, text.head, "certificate")
    pages, too_tall = laid_out([*_opening(text, width), *_sections(text, width)], running, size)
    return pages, problems + too_tall


def _opening(text: AnalysisText, width: float) -> Iterator[Block]:
    """What was made and by whom, and what the results come to."""
    yield product(text.product, text.strength, text.record, width)
    third, half = width / 3, width / 2
    formula = f"{text.formula}, version {text.formula_version}"
    yield facts([("Batch", text.record), ("Made", text.quantity), ("Formula", formula)], third)
    dates = [("Prepared on", text.prepared_on), ("Released on", text.released_on)]
    yield facts([*dates, ("Beyond-use date", text.beyond_use_date)], third)
    yield facts([("Storage", text.storage), ("Container", text.container)], half)
    issued = f"{text.pharmacy}, {text.address}"
    yield facts([("What the strength counts", text.strength_basis), ("Made and certified by", issued)], half)
    yield facts([("Formula digest", text.formula_digest)], width)
    yield Block(8.0, ())
    yield from notices((text.conclusion,), width)


def _sections(text: AnalysisText, width: float) -> Iterator[Block]:
    results = [(each.trait, each.method, each.limit, each.found, each.verdict, each.recorded) for each in text.results]
    attachments = [(f"{each.name}, {each.size}", each.proves, each.digest) for each in text.attachments]
    signatures = [(each.meaning, each.name, each.at) for each in text.signatures]
    tables: list[tuple[str, list[Column], Sequence[tuple[str, ...]]]] = [
        ("Results", _RESULTS, results),
        ("Single values", _VALUES, [(each.trait, each.values) for each in text.values]),
        ("Notes", _WORDS, [(note,) for note in text.notes]),
        ("Attached files", _ATTACHMENTS, attachments),
        ("Signatures", _SIGNATURES, signatures),
    ]
    blocks: list[Block] = []
    for number, (title, columns, rows) in enumerate((each for each in tables if each[2]), 1):
        section = list(table(f"{number}. {title}", columns, rows, width, 0.0))
        if sum(block.height for block in section) < SHORT:
            section = [replace(block, keep=True) for block in section[:-1]] + section[-1:]
            # Signatures do not stand on a page by themselves: they take a row of what they are about along.
            if title == "Signatures" and blocks and blocks[-1].height < SHORT:
                blocks[-1] = replace(blocks[-1], keep=True)
        blocks += section
    yield from blocks
