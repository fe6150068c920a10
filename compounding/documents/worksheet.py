"""The worksheet: blanks for a pen where nothing is recorded yet; filled, the same page is the compounding record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from compounding.documents import pdf
from compounding.documents.boxes import Page
from compounding.documents.sheet import (
    LETTER,
    MARGIN,
    PEN,
    SIGNING,
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
from compounding.records.worksheet import WorksheetText


def draw_worksheet(text: WorksheetText, size: tuple[float, float] = LETTER) -> tuple[bytes, list[Problem]]:
    """The worksheet as a PDF, with a notice of every character that had to be spelled out.

    A problem that stops (a title or a warning longer than a page) leaves the PDF empty.

    Args:
        text: every word of it; empty strings become blanks.
        size: of the page [pt].
    """
    pages, problems = layout_worksheet(text, size)
    if stopping(problems):
        return b"", problems
    return pdf.paint(pages, title=f"{text.title} {text.record}"), problems


def layout_worksheet(text: WorksheetText, size: tuple[float, float] = LETTER) -> tuple[list[Page], list[Problem]]:
    """The pages of a worksheet with every word at its place."""
    problems: list[Problem] = []
    text = printable(text, "", problems)
    width = size[0] - 2 * MARGIN
    foot = f"Record {text.record}   Formula {text.formula} version {text.formula_version}"
    running = Running(text.title, text.record, foot, text.head, "worksheet")
    pages, too_tall = laid_out([*_opening(text, width), *_sections(text, width)], running, size)
    return pages, problems + too_tall


def _opening(text: WorksheetText, width: float) -> Iterator[Block]:
    """What the batch is, and the warnings to the people at the bench."""
    yield product(text.product, text.strength, text.record, width)
    third = width / 3
    yield facts([("Record", text.record), ("Quantity", text.quantity), ("Prepared on", text.prepared_on)], third)
    formula = f"{text.formula}, version {text.formula_version}"
    yield facts([("Formula", formula), ("Balance", text.balance), ("Storage", text.storage)], third)
    use_by = f"{text.beyond_use_date} ({text.beyond_use_reason})" if text.beyond_use_date else ""
    yield facts([("Beyond-use date", use_by)], width)
    yield facts([("Container", text.container)], width)
    yield facts([("Formula digest", text.formula_digest)], width)
    yield Block(8.0, ())
    yield from notices(text.warnings, width)


def _sections(text: WorksheetText, width: float) -> Iterator[Block]:
    components = [
        (
            *(line.material, line.lot, line.expiry, line.exact, line.weigh, line.low, line.high, line.weighed),
            f"{line.by} {line.at}".strip(),
        )
        for line in text.components
    ]
    origins = [(line.lot, line.material, line.supplier, line.supplier_lot, line.national_code) for line in text.origins]
    calculations = [(str(line.number), line.do, line.working) for line in text.calculations]
    steps = [(str(line.number), line.do, line.done_by, line.at) for line in text.steps]
    checks = [(line.trait, line.expected, line.observed, line.verdict, line.person, line.at) for line in text.checks]
    yields = [(line.what, line.expected, line.found) for line in text.yields]
    # A paper that nobody signs, such as a plan, has no room for deviations either.
    deviations = [(line,) for line in text.deviations] or ([("",), ("",)] if text.signatures else [])
    signatures = [(line.meaning, line.name, line.at) for line in text.signatures]
    tables: list[tuple[str, list[Column], Sequence[tuple[str, ...]], float]] = [
        ("Components", _COMPONENTS, components, PEN),
        ("Origin of the materials", _ORIGINS, origins, PEN),
        ("Calculations", _CALCULATIONS, calculations, PEN),
        ("Assumptions and notes", _WORDS, [(note,) for note in text.notes], PEN),
        ("Procedure", _STEPS, steps, PEN),
        ("Checks", _CHECKS, checks, PEN),
        ("Yield and mass balance", _YIELD, yields, PEN),
        ("Appearance of the finished preparation", _WORDS, [(text.description,)], 1.5 * PEN),
        ("Deviations and problems", _WORDS, deviations, PEN),
        ("Signatures", _SIGNATURES, signatures, SIGNING),
    ]
    for number, (title, columns, rows, pen) in enumerate((each for each in tables if each[2]), 1):
        blocks = list(table(f"{number}. {title}", columns, rows, width, pen))
        if title == "Signatures":  # nobody signs a page that does not hold the other signatures
            blocks = [replace(block, keep=True) for block in blocks[:-1]] + blocks[-1:]
        yield from blocks


_COMPONENTS = [
    Column("Material", 78, bold=True),
    Column("Lot", 52),
    Column("Expires", 55),
    Column("Exact", 72, right=True),
    Column("Weigh", 60, right=True, bold=True),
    Column("From", 54, right=True),
    Column("To", 54, right=True),
    Column("Weighed", 60, right=True, bold=True),
    Column("By, time", 55),
]
_ORIGINS = [
    Column("Lot", 70),
    Column("Material as received", 160),
    Column("Supplier", 130),
    Column("Supplier's lot", 80),
    Column("National Drug Code", 100),
]
_CALCULATIONS = [Column("", 22, right=True), Column("What", 158), Column("Working", 360)]
_STEPS = [Column("", 22, right=True), Column("Step", 342), Column("Done by", 74), Column("Time", 102)]
_CHECKS = [
    Column("Trait", 96),
    Column("Expected", 122),
    Column("Observed", 100),
    Column("Verdict", 50, bold=True),
    Column("Person", 70),
    Column("Time", 102),
]
_YIELD = [Column("", 260), Column("Expected", 140, right=True), Column("Found", 140, right=True, bold=True)]
_SIGNATURES = [Column("Meaning", 250), Column("Name and signature", 188), Column("Time", 102)]
_WORDS = [Column("", 540)]
