"""The papers of a recall, drawn like the worksheet: what to set aside, whom to call, and a letter to each patient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compounding.documents import pdf
from compounding.documents.boxes import Page
from compounding.documents.sheet import (
    LETTER,
    MARGIN,
    PEN,
    Block,
    Column,
    Running,
    facts,
    laid_out,
    notices,
    paragraph,
    printable,
    product,
    table,
)
from compounding.problems import Problem, stopping
from compounding.records.recall import LetterText, RecallText
from compounding.records.worksheet import Notice

_BATCHES = [Column("Batch", 90, bold=True), Column("Preparation", 340), Column("State", 110)]
_HELD = [
    Column("Set aside", 110, bold=True),
    Column("What it is", 260),
    Column("Amount", 80),
    Column("Done by, on", 90),
]
_CALLS = [
    Column("Patient", 92, bold=True),
    Column("Prescriber", 84),
    Column("Prescription", 58),
    Column("Label", 56),
    Column("Batch", 50),
    Column("Holds", 50),
    Column("Where", 76),
    Column("Both told by, on", 74),
]
_CONTAINERS = [Column("Product", 230, bold=True), Column("Quantity", 90), Column("Batch", 110), Column("Label", 110)]
LETTER_TEXT = 11.0


def draw_recall(text: RecallText, size: tuple[float, float] = LETTER) -> tuple[bytes, list[Problem]]:
    """The list and the letters as one PDF; pages are counted for the list and for each letter, because they part.

    A problem that stops (a text longer than a page) leaves the PDF empty.

    Args:
        text: every word of it.
        size: of the page [pt].
    """
    problems: list[Problem] = []
    text = printable(text, "", problems)
    width = size[0] - 2 * MARGIN
    foot = f"Recall of {text.record}   {text.pharmacy}, {text.phone}"
    running = Running(text.title, text.record, foot, text.head, "recall")
    pages: list[Page] = []
    for blocks in (
        [*_opening(text, width), *_tables(text, width)],
        *(_letter(text, each, width) for each in text.letters),
    ):
        more, too_tall = laid_out(list(blocks), running, size)
        pages += more
        problems += too_tall
    return (b"" if stopping(problems) else pdf.paint(pages, title=f"{text.title} {text.record}")), problems


def _opening(text: RecallText, width: float) -> Iterator[Block]:
    """What is called back, why and by whom."""
    yield product(text.title, text.what, text.record, width)
    third = width / 3
    yield facts([("Called back on", text.on), ("By", text.by), ("Pharmacy", f"{text.pharmacy}, {text.phone}")], third)
    yield facts([("Reason", text.reason)], width)
    yield facts([("Severity", text.severity)], width)
    yield Block(8.0, ())
    yield from notices((Notice("STOP", "Nothing of these lots and batches is used, labelled or dispensed."),), width)


def _tables(text: RecallText, width: float) -> Iterator[Block]:
    held = [(each.what, each.name, each.amount, "") for each in text.held]
    calls = [
        (each.patient, each.prescriber, each.prescription, each.label, each.batch, each.quantity, each.where, "") for each in text.calls
    ]
    tables: list[tuple[str, list[Column], Sequence[tuple[str, ...]]]] = [
        ("Batches", _BATCHES, text.batches),
        ("Quarantine", _HELD, held),
        ("Call patients and prescribers; telephone numbers stand on the prescriptions", _CALLS, calls),
    ]
    for number, (title, columns, rows) in enumerate((each for each in tables if each[2]), 1):
        yield from table(f"{number}. {title}", columns, rows, width, PEN)


def _letter(text: RecallText, letter: LetterText, width: float) -> Iterator[Block]:
    """A letter: who writes and to whom, what to do, which containers, and a line to sign on."""
    for line in (text.pharmacy, text.address, text.phone):
        yield paragraph(line, width, LETTER_TEXT, 0.0)
    yield Block(36.0, ())
    for line in letter.to:
        yield paragraph(line, width, LETTER_TEXT, 0.0)
    yield Block(24.0, ())
    yield paragraph(text.on, width, LETTER_TEXT, 12.0)
    yield paragraph(letter.greeting, width, LETTER_TEXT, 8.0)
    for words in letter.body:
        yield paragraph(words, width, LETTER_TEXT, 8.0)
    yield from table("What we call back", _CONTAINERS, letter.containers, width, 0.0)
    yield Block(14.0, ())
    for words in letter.closing:
        yield paragraph(words, width, LETTER_TEXT, 8.0)
