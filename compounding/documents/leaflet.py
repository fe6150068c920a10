"""The patient's leaflet: one page in large type, perhaps its calendar, the card of check-ups and the card to cut out.

No word is smaller than 12 points, none is cut or parted, and what does not fit its page is refused with the points that
it needs and has. The pages carry their structure, so that they can be read aloud.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, product

from compounding.documents import barcode, pdf
from compounding.documents.boxes import (
    BOLD,
    NBSP,
    REGULAR,
    Box,
    Dot,
    Mark,
    Piece,
    Rule,
    Symbol,
    baseline,
    glue,
    line_width,
    moved,
    pieces,
    place,
    wrap,
)
from compounding.documents.sheet import A4, CODE_DOT, CODE_DOTS, LETTER, LIGHT, MARGIN, SHADE
from compounding.documents.tags import Tag, Tagged, TaggedPage
from compounding.problems import Problem, stopping
from compounding.records.leaflet import Block, Face, Grid, Items, LeafletText, Paragraph, Section, Sheet, strings

# Least sizes and spacing of what patients read (usp-17-labels, ismp-label-principles).
SIZE = 12.0
HEADING = 14.0
TITLE = 16.0
# From line to line, in sizes: the widest that fits (usp-17-labels).
LEADINGS = (1.25, 1.2, 1.15)
HEAD = 26.0  # the line at the top of each page, with the white below it [pt]
FOOT = 24.0  # the line at the bottom, with the white above it [pt]
COLUMNS = 22.0  # white between the two columns [pt]
LEAST_GAP = 7.0  # white above a section, at least and at most [pt]
MOST_GAP = 16.0
INDENT = 12.0
BULLET = 1.7
CELL = 4.0
PEN = 30.0  # a row that a patient writes in [pt]
WRITTEN = 0.3  # the part of a table's width that an empty column keeps, at least
BOX = 8.0  # white inside the box of the warning [pt]
MM = 72 / 25.4
# A bank card, ISO/IEC 7810 ID-1, folded: two faces side by side.
CARD = (85.6 * MM, 54.0 * MM)
CARD_EDGE = 9.0
CUT = (5.0, 3.0)
FOLD = (1.5, 3.0)
# The two columns of a page stand below what needs its whole width.
WIDE = frozenset({"what", "opioids"})
BOXED = "opioids"


@dataclass(frozen=True)
class Laid:
    """Something laid out, in reading order, counted from its upper left corner."""

    height: float
    content: tuple[Tagged, ...] = ()


@dataclass
class _Desk:
    """What is gathered while a leaflet is laid out: numbers for its elements, and everything that does not fit."""

    leading: float
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    problems: list[Problem] = field(default_factory=list)

    def tag(self, kind: str, scope: str = "", alt: str = "") -> Tag:
        return Tag(kind, next(self.numbers), alt, scope)


def paper(name: str) -> tuple[float, float]:
    """The size of a page, ``letter`` or ``a4`` [pt]."""
    return A4 if name == "a4" else LETTER


def draw_leaflet(
    texts: Sequence[LeafletText], size: tuple[float, float] = LETTER
) -> tuple[LeafletText | None, bytes, list[Problem]]:
    """The first of some texts that fits its pages, and its PDF; or nothing, and why the last one does not fit.

    Args:
        texts: the same leaflet, laid out more and more widely.
        size: of the page [pt].
    """
    problems: list[Problem] = []
    for text in texts:
        problems += [found for where, said in strings(text) for found in pdf.unprintable(said, where)]
    if problems:
        return None, b"", list({each.text.partition(": ")[2]: each for each in problems}.values())
    for leading, text in product(LEADINGS, texts):
        pages, problems = layout_leaflet(text, size, leading)
        if not stopping(problems):
            return text, pdf.paint_tagged(pages, title=text.title, language=text.language), problems
    return None, b"", problems


def layout_leaflet(
    text: LeafletText, size: tuple[float, float] = LETTER, leading: float = LEADINGS[0]
) -> tuple[list[TaggedPage], list[Problem]]:
    """The pages of a leaflet with every word at its place and every part named."""
    desk = _Desk(leading)
    pages = []
    for number, sheet in enumerate(text.sheets, 1):
        way = (desk.tag("Sect"),)
        body = _first(desk, text, sheet, way, size) if sheet.id == "leaflet" else _further(desk, sheet, way, size)
        running = _running(desk, text, number, size)
        pages.append(TaggedPage(*size, (*running, *_moved(body, MARGIN, size[1] - MARGIN - HEAD))))
    return pages, list(dict.fromkeys(desk.problems))


def _width(size: tuple[float, float]) -> float:
    return size[0] - 2 * MARGIN


def _room(size: tuple[float, float]) -> float:
    return size[1] - 2 * MARGIN - HEAD - FOOT


# ---- pages ----


def _first(
    desk: _Desk, text: LeafletText, sheet: Sheet, way: tuple[Tag, ...], size: tuple[float, float]
) -> tuple[Tagged, ...]:
    """The leaflet's page: what needs the whole width, then two columns of even height."""
    width = _width(size)
    title = _title(desk, sheet, way, width, text)
    wide = [_section(desk, each, way, width) for each in sheet.sections if each.id in WIDE]
    narrow = [_section(desk, each, way, (width - COLUMNS) / 2) for each in sheet.sections if each.id not in WIDE]
    parted = _parted([each.height for each in narrow])
    left, right = narrow[:parted], narrow[parted:]
    longest = max((left, right), key=lambda column: sum(each.height + LEAST_GAP for each in column))
    stacked = [title, *wide, *longest]
    needed = sum(each.height for each in stacked) + LEAST_GAP * (len(stacked) - 1)
    _check_room(desk, sheet, needed, _room(size))
    gap = min(MOST_GAP, LEAST_GAP + (_room(size) - needed) / (len(stacked) - 1))
    above = sum(each.height + gap for each in [title, *wide])
    return (
        *_stacked([title, *wide], gap),
        *_moved(_stacked(left, gap), 0, -above),
        *_moved(_stacked(right, gap), (width + COLUMNS) / 2, -above),
    )


def _parted(heights: Sequence[float]) -> int:
    """How many sections stand in the left column so that the longer column is as short as it can be."""

    def longer(parted: int) -> float:
        columns = (heights[:parted], heights[parted:])
        return max(sum(column) + LEAST_GAP * len(column) for column in columns)

    return min(range(len(heights) + 1), key=longer)


def _further(desk: _Desk, sheet: Sheet, way: tuple[Tag, ...], size: tuple[float, float]) -> tuple[Tagged, ...]:
    """A page below its heading: its sections, and the card at the foot."""
    width = _width(size)
    laid = [_title(desk, sheet, way, width), *(_section(desk, each, way, width) for each in sheet.sections)]
    if sheet.card:
        laid.append(_card(desk, sheet.card, way, width))
    needed = sum(each.height for each in laid) + MOST_GAP * (len(laid) - 1)
    _check_room(desk, sheet, needed, _room(size))
    return _stacked(laid, MOST_GAP)


def _check_room(desk: _Desk, sheet: Sheet, needed: float, available: float) -> None:
    if needed > available:
        text = (
            f"The page “{sheet.heading}” needs {needed:.0f} pt in height at {SIZE:g} pt type and has {available:.0f} pt. "
            "Shorten directions or purpose, or write a leaflet for fewer bottles at once"
        )
        desk.problems.append(Problem("leaflet.too-tall", text, sheet.id))


def _stacked(laid: Iterable[Laid], gap: float) -> tuple[Tagged, ...]:
    """Things below each other."""
    found: list[Tagged] = []
    top = 0.0
    for each in laid:
        found += _moved(each.content, 0, top)
        top -= each.height + gap
    return tuple(found)


def _moved(content: Iterable[Tagged], x: float, y: float) -> tuple[Tagged, ...]:
    return tuple(Tagged(each.way, tuple(moved(mark, x, y) for mark in each.marks)) for each in content)


def _running(desk: _Desk, text: LeafletText, number: int, size: tuple[float, float]) -> Iterator[Tagged]:
    """The lines at the top and the bottom of each page, as on all our papers, in the patient's size."""
    width = _width(size)
    page = text.page.replace("{number}", str(number)).replace("{count}", str(len(text.sheets)))
    top, bottom = size[1] - MARGIN, MARGIN
    left, right = _line(text.record, BOLD), _line(page, REGULAR)
    by = _line(text.pharmacy, REGULAR)
    for words in ([*left, *right], by):
        if line_width(tuple(words)) * SIZE > width:
            said = " ".join(piece.text for piece in words).replace(NBSP, " ")
            problem = (
                f"“{said}” needs {line_width(tuple(words)) * SIZE:.0f} pt in one line and has {width:.0f} pt. "
                "Write a leaflet for fewer bottles at once, or shorten the pharmacy's name"
            )
            desk.problems.append(Problem("leaflet.too-wide", problem, "each page"))
    marks: list[Mark] = []
    marks += place(tuple(left), MARGIN, baseline(top, SIZE, desk.leading), SIZE)
    marks += place(
        tuple(right), MARGIN + width - line_width(tuple(right)) * SIZE, baseline(top, SIZE, desk.leading), SIZE
    )
    marks.append(Rule(MARGIN, top - 17, MARGIN + width, top - 17, 1.0))
    marks += place(tuple(by), MARGIN, baseline(bottom + SIZE * desk.leading, SIZE, desk.leading), SIZE)
    marks.append(Rule(MARGIN, bottom + 17, MARGIN + width, bottom + 17, 0.5, LIGHT))
    yield Tagged((), tuple(marks))


# ---- parts of a page ----


def _title(desk: _Desk, sheet: Sheet, way: tuple[Tag, ...], width: float, text: LeafletText | None = None) -> Laid:
    """A heading in the largest type, the barcode of the record beside it if there is one."""
    content: list[Tagged] = []
    room = width
    if text is not None:
        rows = barcode.modules(text.element)
        side = len(rows) * CODE_DOTS * CODE_DOT
        room = width - side - 12
        figure = Symbol(width - side, -side, CODE_DOT, CODE_DOTS, rows)
        content.append(Tagged((*way, desk.tag("Figure", alt=text.code)), (figure,)))
    heading = _words(desk, _line(sheet.heading, BOLD), (*way, desk.tag("H1")), room, TITLE, sheet.id)
    height = heading.height
    content += heading.content
    for each in sheet.opening:
        laid = _paragraph(desk, each, way, room, sheet.id)
        content += _moved(laid.content, 0, -height)
        height += laid.height
    return Laid(height, tuple(content))


def _section(desk: _Desk, section: Section, way: tuple[Tag, ...], width: float) -> Laid:
    """A heading and its blocks; the warning's are framed, its heading white on black."""
    if section.id == BOXED:
        return _boxed(desk, section, way, width)
    heading = _words(desk, _line(section.heading, BOLD), (*way, desk.tag("H2")), width, HEADING, section.id)
    blocks = [_block(desk, each, way, width, section.id) for each in section.blocks]
    content = [*heading.content]
    height = heading.height + 1
    for each in blocks:
        content += _moved(each.content, 0, -height)
        height += each.height
    return Laid(height, tuple(content))


def _boxed(desk: _Desk, section: Section, way: tuple[Tag, ...], width: float) -> Laid:
    room = width - 2 * BOX
    heading = _words(desk, _line(section.heading, BOLD), (*way, desk.tag("H2")), room, HEADING, section.id, grey=1.0)
    band = heading.height + 4
    content = [*_moved(heading.content, BOX, -2)]
    height = band + 4
    for each in section.blocks:
        laid = _block(desk, each, way, room, section.id)
        content += _moved(laid.content, BOX, -height)
        height += laid.height + 2
    height += 3
    frame = (Box(0, -height, width, height, line=1.4), Box(0, -band, width, band, fill=0.0))
    return Laid(height, (Tagged((), frame), *content))


def _block(desk: _Desk, block: Block, way: tuple[Tag, ...], width: float, where: str) -> Laid:
    match block:
        case Paragraph():
            return _paragraph(desk, block, way, width, where)
        case Items(items):
            return _items(desk, items, (*way, desk.tag("L")), width, where)
        case Grid():
            return _grid(desk, block, (*way, desk.tag("Table")), width, where)


def _paragraph(desk: _Desk, paragraph: Paragraph, way: tuple[Tag, ...], width: float, where: str) -> Laid:
    return _words(desk, _line_of(paragraph), (*way, desk.tag("P")), width, SIZE, where)


def _line_of(paragraph: Paragraph) -> list[Piece]:
    font = BOLD if paragraph.strong else REGULAR
    return [*_line(paragraph.lead, BOLD), *_line(paragraph.text, font)]


def _items(desk: _Desk, items: Sequence[Paragraph], way: tuple[Tag, ...], width: float, where: str) -> Laid:
    content: list[Tagged] = []
    height = 0.0
    for each in items:
        inside = (*way, desk.tag("LI"), desk.tag("LBody"))
        laid = _words(desk, _line_of(each), inside, width - INDENT, SIZE, where)
        middle = baseline(-height, SIZE, desk.leading) + 0.34 * SIZE
        content.append(Tagged((), (Dot(3 + BULLET, middle, BULLET),)))
        content += _moved(laid.content, INDENT, -height)
        height += laid.height
    return Laid(height, tuple(content))


def _line(text: str, font: str) -> list[Piece]:
    return pieces(glue(text), font, pdf.width_of)


def _words(
    desk: _Desk,
    words: Sequence[Piece],
    way: tuple[Tag, ...],
    width: float,
    size: float,
    where: str,
    *,
    grey: float = 0.0,
) -> Laid:
    """Words over as many lines as they need; one that is wider than a line is a problem."""
    for word in words:
        if word.width * size > width + 0.01:
            said = word.text.replace(NBSP, " ")
            text = f"{where}: “{said}” is {word.width * size:.0f} pt wide at {size:g} pt type, a line {width:.0f} pt. Shorten it"
            desk.problems.append(Problem("leaflet.too-wide", text, where))
    lines = wrap(words, width / size + 1e-6)
    marks: list[Mark] = []
    for number, line in enumerate(lines):
        marks += place(line, 0, baseline(-number * size * desk.leading, size, desk.leading), size, grey=grey)
    return Laid(len(lines) * size * desk.leading, (Tagged(way, tuple(marks)),))


# ---- tables ----


def _grid(desk: _Desk, grid: Grid, way: tuple[Tag, ...], width: float, where: str) -> Laid:
    """A table over the whole width: its titles shaded, a line below each row."""
    widths = _widths(grid, width)
    content: list[Tagged] = []
    height = 2.0
    for number, row in enumerate((grid.head, *grid.rows)):
        titles = number == 0
        within = (*way, desk.tag("TR"))
        cells = [
            _cell(desk, words, within, room, where, title="Column" if titles else "" if place_ else "Row")
            for place_, (words, room) in enumerate(zip(row, widths, strict=True))
        ]
        tall = max(max(each.height for each in cells), 0 if all(row) else PEN - 2 * CELL) + 2 * CELL
        edge: list[Mark] = [Box(0, -height - tall, width, tall, fill=SHADE)] if titles else []
        edge.append(Rule(0, -height - tall, width, -height - tall, 0.8 if titles else 0.5, 0.3 if titles else 0.5))
        content.append(Tagged((), tuple(edge)))
        left = 0.0
        for each, room in zip(cells, widths, strict=True):
            content += _moved(each.content, left + CELL, -height - CELL)
            left += room
        height += tall
    return Laid(height + 4, tuple(content))


def _cell(desk: _Desk, words: str, way: tuple[Tag, ...], room: float, where: str, *, title: str) -> Laid:
    """A cell; one that is written in is there without words."""
    inside = (*way, desk.tag("TH" if title else "TD", scope=title))
    if not words:
        return Laid(0.0, (Tagged(inside, ()),))
    return _words(desk, _line(words, BOLD if title else REGULAR), inside, room - 2 * CELL, SIZE, where)


def _widths(grid: Grid, width: float) -> list[float]:
    """The columns' widths: each has its longest word, and of what is left as much as its longest text wants."""
    columns = list(zip(grid.head, *grid.rows, strict=True))
    least, wanted = [], []
    for column in columns:
        parts = [[piece.width * SIZE for piece in _line(text, BOLD)] for text in column]
        least.append(max(max(words, default=0) for words in parts) + 2 * CELL)
        wanted.append(max(line_width(tuple(_line(text, BOLD))) * SIZE for text in column) + 2 * CELL + 1)
    written = [not all(column) for column in columns]
    least = [max(each, width * WRITTEN) if empty else each for each, empty in zip(least, written, strict=True)]
    wanted = [max(each, low) for each, low in zip(wanted, least, strict=True)]
    left = width - sum(least)
    more = [high - low for high, low in zip(wanted, least, strict=True)]
    if left <= 0:
        return [each * width / sum(least) for each in least]
    if sum(more) >= left:
        return [low + left * each / sum(more) for low, each in zip(least, more, strict=True)]
    return [each + (left - sum(more)) / len(columns) for each in wanted]


# ---- the card ----


def _card(desk: _Desk, faces: tuple[Face, Face], way: tuple[Tag, ...], width: float) -> Laid:
    """Two faces side by side inside the line to cut along, parted by the line to fold along."""
    wide, high = CARD
    left = (width - 2 * wide) / 2
    edges = [
        Rule(left, 0, left + 2 * wide, 0, 0.8, 0.0, CUT),
        Rule(left, -high, left + 2 * wide, -high, 0.8, 0.0, CUT),
        Rule(left, 0, left, -high, 0.8, 0.0, CUT),
        Rule(left + 2 * wide, 0, left + 2 * wide, -high, 0.8, 0.0, CUT),
        Rule(left + wide, 0, left + wide, -high, 0.6, 0.5, FOLD),
    ]
    content = [Tagged((), tuple(edges))]
    for number, face in enumerate(faces):
        content += _moved(_face(desk, face, way).content, left + number * wide + CARD_EDGE, -CARD_EDGE)
    return Laid(high, tuple(content))


def _face(desk: _Desk, face: Face, way: tuple[Tag, ...]) -> Laid:
    room, high = CARD[0] - 2 * CARD_EDGE, CARD[1] - 2 * CARD_EDGE
    laid = [_words(desk, _line(face.heading, BOLD), (*way, desk.tag("H3")), room, HEADING, "card")]
    laid += [_paragraph(desk, each, way, room, "card") for each in face.blocks]
    needed = sum(each.height for each in laid)
    if needed > high:
        text = (
            f"The side “{face.heading}” of the card for the wallet needs {needed:.0f} pt in height at {SIZE:g} pt type and "
            f"has {high:.0f} pt. Shorten the pharmacy's or the prescriber's name"
        )
        desk.problems.append(Problem("leaflet.too-tall", text, "card"))
    gap = min(4.0, max(0.0, (high - needed) / max(len(laid) - 1, 1)))
    return Laid(high, _stacked(laid, gap))
