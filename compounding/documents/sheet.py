"""Sheets for the office printer, drawn alike: facts in a grid, warnings, tables that go on over pages, running lines.

A record must be printable whatever it says: a text that is too long for its cell makes the row grow,
a word that is too wide is cut between letters, and a character without a glyph is spelled out by its number.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from compounding.documents import barcode, pdf
from compounding.documents.boxes import (
    BOLD,
    NBSP,
    REGULAR,
    Box,
    Line,
    Mark,
    Page,
    Piece,
    Rule,
    Symbol,
    Word,
    baseline,
    broken,
    glue,
    line_width,
    moved,
    pieces,
    place,
    wrap,
)
from compounding.frozen import dataclass
from compounding.problems import Problem
from compounding.records.worksheet import Notice

LETTER = (612.0, 792.0)
A4 = (595.276, 841.89)

MARGIN = 36.0
HEAD = 30.0  # the line at the top of each page, with the white below it [pt]
FOOT = 26.0  # the line at the bottom, with the white above it [pt]
FOOT_LINES = 3  # as many as reach no further down than the code beside them
LEADING = 1.2
TEXT = 9.0
SMALL = 7.5
TITLE = 11.0
NOTICE = 10.0
# Seven millimetres: a row that a person writes in [pt].
PEN = 7 * 72 / 25.4
SIGNING = 11 * 72 / 25.4
CELL = 3.0  # white inside a cell [pt]
LIGHT = 0.75  # grey of rules
SHADE = 0.93  # grey behind column titles
LABEL = 0.3  # grey of the small words that name a value
CODE_DOT = 72 / 600  # office printers: modules of 0.42 mm are whole dots at 300 and 600 dots per inch
CODE_DOTS = 10
HEAD_DOTS = 10  # the head of the journal, in the white at the foot of the page
ROW_LINES = 40  # a longer row goes on in a further one, which may stand on the next page


@dataclass(frozen=True)
class Column:
    """A column of a table: its title, width [pt], and whether its texts stand right or bold."""

    title: str
    width: float
    right: bool = False
    bold: bool = False


@dataclass(frozen=True)
class Block:
    """A piece of a page that is not parted: its height, and its marks counted from its upper left corner.

    Args:
        keep: True if it must not be the last on a page.
        again: what is repeated above it when it opens a page, the titles of its table.
    """

    height: float
    marks: tuple[Mark, ...]
    keep: bool = False
    again: Block | None = None


@dataclass(frozen=True)
class Running:
    """What stands at the top and the bottom of each page.

    Args:
        title, record: what the sheet is, and the id of its batch.
        foot: what it was made by.
        head: short code of the journal's head, or nothing.
        kind: the first word of the codes of problems, such as ``worksheet``.
    """

    title: str
    record: str
    foot: str
    head: str
    kind: str


def laid_out(blocks: Sequence[Block], running: Running, size: tuple[float, float]) -> tuple[list[Page], list[Problem]]:
    """Blocks on as many pages as they need, and a problem for each that is taller than a page."""
    body = size[1] - 2 * MARGIN - HEAD - FOOT
    problems = [
        Problem(
            f"{running.kind}.too-tall",
            f"{running.title} {running.record}: a part of the page needs {block.height:.0f} pt in height and has "
            f"{body:.0f} pt. Shorten the text.",
        )
        for block in blocks
        if block.height > body
    ]
    bodies = _paged(blocks, body)
    pages = [
        Page(*size, (*_running(running, size, number, len(bodies)), *_moved(content, MARGIN, size[1] - MARGIN - HEAD)))
        for number, content in enumerate(bodies, 1)
    ]
    return pages, problems


def printable(value: Any, where: str, problems: list[Problem]) -> Any:
    """The same texts in composed form, characters that cannot be printed spelled out as ``[U+738B]``."""
    if isinstance(value, str):
        value = " ".join(unicodedata.normalize("NFC", value).split(" "))
        value = value.replace("\r", " ").replace("\n", " ").replace("\t", " ")
        strange = [character for character in dict.fromkeys(value) if pdf.cannot_print(character)]
        problems += [replace(problem, stops=False) for problem in pdf.unprintable(value, where)]
        for character in strange:
            value = value.replace(character, f"[U+{ord(character):04X}]")
        return value
    if isinstance(value, tuple):
        return tuple(printable(item, where, problems) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return replace(value, **{name: printable(getattr(value, name), name, problems) for name in names})
    return value


def _lines(text: str, font: str, size: float, room: float) -> list[Line]:
    return wrap(broken(pieces(glue(text), font, pdf.width_of), room / size, pdf.width_of), room / size)


def _set(
    lines: Iterable[Line], x: float, top: float, size: float, *, right: float = 0.0, grey: float = 0.0
) -> list[Word]:
    """Lines below each other; with ``right`` they end at the right edge of a space that wide."""
    words: list[Word] = []
    for line in lines:
        start = x + right - line_width(line) * size if right else x
        words += place(line, start, baseline(top, size, LEADING), size, grey=grey)
        top -= size * LEADING
    return words


def facts(values: Sequence[tuple[str, str]], width: float) -> Block:
    """Values side by side, each below the small word that names it."""
    cells = [(name, _lines(value, REGULAR, 9.5, width - 2 * CELL)) for name, value in values]
    height = SMALL * LEADING + max(max(len(lines), 1) for _, lines in cells) * 9.5 * LEADING + 2 * CELL
    marks: list[Mark] = [Rule(0, 0, width * len(values), 0, 0.5, LIGHT)]
    for number, (name, lines) in enumerate(cells):
        x = number * width + (CELL if number else 0)
        marks += _set(_lines(name, REGULAR, SMALL, width), x, -CELL, SMALL, grey=LABEL)
        marks += _set(lines, x, -CELL - SMALL * LEADING, 9.5)
        if number:
            marks.append(Rule(number * width - CELL, -CELL, number * width - CELL, -height + CELL, 0.5, LIGHT))
    return Block(height, tuple(marks))


def table(
    title: str, columns: list[Column], rows: Sequence[tuple[str, ...]], width: float, pen: float
) -> Iterator[Block]:
    """A section: its title, the titles of its columns, and its rows, none of which is parted by a page's end."""
    scale = width / sum(column.width for column in columns)
    columns = [replace(column, width=column.width * scale) for column in columns]
    yield Block(12 + TITLE * LEADING + 3, tuple(_set(_lines(title, BOLD, TITLE, width), 0, -12, TITLE)), keep=True)
    titles = _titles(columns, width)
    yield replace(titles, keep=True)
    for row in rows:
        for block in _row(columns, row, width, pen):
            yield replace(block, again=titles)


def _titles(columns: list[Column], width: float) -> Block:
    if not any(column.title for column in columns):
        return Block(0.5, (Rule(0, 0, width, 0, 0.8, 0.3),))
    height = 8.0 * LEADING + 2 * CELL
    marks: list[Mark] = [Box(0, -height, width, height, fill=SHADE), Rule(0, -height, width, -height, 0.8, 0.3)]
    x = 0.0
    for column in columns:
        right = column.width - 2 * CELL if column.right else 0.0
        lines = _lines(column.title, BOLD, 8.0, column.width - 2 * CELL)
        marks += _set(lines, x + CELL, -CELL, 8.0, right=right)
        x += column.width
    return Block(height, tuple(marks))


def _row(columns: list[Column], cells: tuple[str, ...], width: float, pen: float) -> Iterator[Block]:
    """A row as high as its longest cell; at least as high as a pen needs if a cell is blank."""
    texts = [
        _lines(cell, BOLD if column.bold else REGULAR, TEXT, column.width - 2 * CELL)
        for column, cell in zip(columns, cells, strict=True)
    ]
    count = max(len(lines) for lines in texts)
    for start in range(0, max(count, 1), ROW_LINES):
        part = [lines[start : start + ROW_LINES] for lines in texts]
        height = max(len(lines) for lines in part) * TEXT * LEADING + 2 * CELL
        yield _cells(columns, part, width, height if all(cells) else max(height, pen))


def _cells(columns: list[Column], texts: list[list[Line]], width: float, height: float) -> Block:
    marks: list[Mark] = [Rule(0, -height, width, -height, 0.5, LIGHT)]
    x = 0.0
    for column, lines in zip(columns, texts, strict=True):
        right = column.width - 2 * CELL if column.right else 0.0
        marks += _set(lines, x + CELL, -CELL, TEXT, right=right)
        x += column.width
        if x < width - 1:
            marks.append(Rule(x, 0, x, -height, 0.4, LIGHT))
    return Block(height, tuple(marks))


def _group(blocks: Sequence[Block], start: int) -> list[Block]:
    """The block at a place with all that it must be kept with."""
    end = start
    while blocks[end].keep and end + 1 < len(blocks):
        end += 1
    return list(blocks[start : end + 1])


def _moved(blocks: Iterable[Block], x: float, top: float) -> Iterator[Mark]:
    """The marks of blocks below each other, from a corner of the page."""
    for block in blocks:
        yield from (moved(mark, x, top) for mark in block.marks)
        top -= block.height


def _paged(blocks: Sequence[Block], height: float) -> list[list[Block]]:
    """Blocks filled page after page; titles stay with what they name, and tables repeat theirs."""
    pages: list[list[Block]] = [[]]
    left = height
    number = 0
    while number < len(blocks):
        group = _group(blocks, number)
        needed = sum(block.height for block in group)
        if needed > left and pages[-1]:
            pages.append([])
            left = height
            again = group[0].again
            if again:
                pages[-1].append(again)
                left -= again.height
        pages[-1] += group
        left -= needed
        number += len(group)
    return pages


def product(name: str, strength: str, record: str, width: float) -> Block:
    """The product in large type, its strength below; the barcode of the record at the right."""
    marks: list[Mark] = []
    room = width
    if record and not barcode.element_problems(element := barcode.internal(record)):
        modules = barcode.modules(element)
        side = len(modules) * CODE_DOTS * CODE_DOT
        marks.append(Symbol(width - side, -side, CODE_DOT, CODE_DOTS, modules))
        room = width - side - 12
    names = _lines(name, BOLD, 17.0, room)
    below_name = _lines(strength, REGULAR, 12.0, room)
    marks += _set(names, 0, 0, 17.0)
    below = len(names) * 17.0 * LEADING
    marks += _set(below_name, 0, -below, 12.0)
    return Block(max(below + len(below_name) * 12.0 * LEADING + 6, 32.0), tuple(marks))


def paragraph(text: str, width: float, size: float, below: float) -> Block:
    """Words over as many lines as they need, with white below them [pt]."""
    lines = _lines(text, REGULAR, size, width)
    return Block(len(lines) * size * LEADING + below, tuple(_set(lines, 0, 0, size)))


def notices(found: Sequence[Notice], width: float) -> Iterator[Block]:
    """Warnings below each other, their tags of one width."""
    tag = max((piece.width for notice in found for piece in _heading(notice)), default=0.0) * NOTICE + 14
    for notice in found:
        yield _notice(notice, tag, width)
        yield Block(6.0, ())


def _heading(notice: Notice) -> list[Piece]:
    return pieces(notice.heading, BOLD, pdf.width_of)


def _notice(notice: Notice, tag: float, width: float) -> Block:
    """A warning: white words above each other on a black tag, the text beside it in bold."""
    heading = _heading(notice)
    lines = _lines(notice.text, BOLD, NOTICE, width - tag - 14)
    line_height = NOTICE * LEADING
    height = max(len(lines), len(heading)) * line_height + 10
    marks: list[Mark] = [Box(0, -height, width, height, line=1.2), Box(0, -height, tag, height, fill=0.0)]
    top = -(height - len(heading) * line_height) / 2
    for piece in heading:
        x = (tag - piece.width * NOTICE) / 2
        marks += place((piece,), x, baseline(top, NOTICE, LEADING), NOTICE, grey=1.0)
        top -= line_height
    marks += _set(lines, tag + 7, -(height - len(lines) * line_height) / 2, NOTICE)
    return Block(height, tuple(marks))


def _running(text: Running, size: tuple[float, float], number: int, count: int) -> Iterator[Mark]:
    """The lines at the top and the bottom of each page: no page can be taken for another batch's."""
    width = size[0] - 2 * MARGIN
    top = size[1] - MARGIN
    head = pieces(text.title, BOLD, pdf.width_of) + pieces(text.record, REGULAR, pdf.width_of, 0.8)
    yield from _set([tuple(head)], MARGIN, top, 10.0)
    yield from _set(_lines(f"Page {number} of {count}", REGULAR, TEXT, width), MARGIN, top - 0.6, TEXT, right=width)
    yield Rule(MARGIN, top - 16, MARGIN + width, top - 16, 1.0)
    bottom = MARGIN + 2
    yield Rule(MARGIN, bottom + 12, MARGIN + width, bottom + 12, 0.5, LIGHT)
    room = width
    if text.head:
        modules = barcode.of_head(text.head)
        side, quiet = len(modules) * HEAD_DOTS * CODE_DOT, 4 * HEAD_DOTS * CODE_DOT
        yield Symbol(MARGIN + width - side, bottom + 12 - quiet - side, CODE_DOT, HEAD_DOTS, modules)
        words = _lines(f"Journal head {text.head}", REGULAR, SMALL, width)
        yield from _set(words, MARGIN, bottom + 9, SMALL, right=width - side - quiet, grey=LABEL)
        room -= side + quiet + line_width(words[0]) * SMALL + 2 * quiet
    foot = _lines(text.foot.replace("   ", NBSP * 3), REGULAR, SMALL, room)
    yield from _set(foot[:FOOT_LINES], MARGIN, bottom + 9, SMALL, grey=LABEL)
