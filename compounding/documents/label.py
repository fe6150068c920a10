"""A prescription label: laid out by its template on a stock, or refused with what it lacks; then drawn."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import lru_cache

from compounding.documents import barcode, pdf
from compounding.documents.boxes import (
    BOLD,
    NBSP,
    PART_GAP,
    REGULAR,
    Box,
    Fitted,
    Mark,
    Page,
    Piece,
    Row,
    Rule,
    Symbol,
    TooTall,
    WideWord,
    Zone,
    baseline,
    fit,
    glue,
    line_width,
    pieces,
    place,
    wide_words,
)
from compounding.documents.stocks import Stock
from compounding.documents.templates import Template, ZonePattern, fields_in, template_fields, written
from compounding.frozen import dataclass
from compounding.problems import Problem
from compounding.records.label import LabelText, printed_fields
from compounding.rules.writing import unsafe

EDGE = 1.2  # line around the warning [pt]
BOX_PADDING = 0.5  # white above and below the words of the warning [pt]
TAG_PADDING = 0.45  # beside the words on the tag and in the box, in sizes
SHORT_PART = 24  # parts of a row up to this many characters stay on one line, if there are several
SYMBOL_SPACE = 1.5  # between the words and the barcode's quiet zone [pt]
RULE = 0.6  # line that closes a zone [pt]
RULE_SPACE = 1.6  # its height with the white around it [pt]
NARROW = 216  # below 3 inches the words of the warning stand above its text, not beside it [pt]
ACCENTS = 0.6  # white above the first zone for the accents of capitals [pt]


@dataclass(frozen=True)
class _Code:
    """A barcode to be placed: its rows as they are drawn, and its sizes [pt].

    Args:
        dot: the side of one printer dot; ``dots`` of them make a module.
        beside: its quiet zone at the left and at the right; ``above``: above and below.
    """

    rows: tuple[str, ...]
    dot: float
    dots: int
    beside: float
    above: float

    @property
    def width(self) -> float:
        return len(self.rows[0]) * self.dots * self.dot

    @property
    def height(self) -> float:
        return len(self.rows) * self.dots * self.dot

    @property
    def sizes(self) -> tuple[float, float]:
        """What it takes of a zone with its quiet zone, and the dot by which it is moved onto the grid."""
        return self.width + 2 * self.beside, self.height + 2 * self.above + self.dot


# What a label without a barcode has.
NO_CODE = _Code(("",), 0.0, 0, 0.0, 0.0)


def layout_label(text: LabelText, stock: Stock, template: Template) -> tuple[Page | None, list[Problem]]:
    """The label as a page with every word at its place, or all the problems that keep it from being one (`remedies`).

    A page may come with a notice that does not stop: which of the template's optional fields are not on it.

    Args:
        text: every word of the label.
        stock: what it is printed on, and by how many dots per inch.
        template: which words go where; its arrangements are tried in order.
    """
    fields = {name: unicodedata.normalize("NFC", words) for name, words in template_fields(text, template).items()}
    problems = _field_problems(fields, template) or unsafe(fields, date.fromisoformat(text.filled_on))
    if template.has_symbol:
        problems = problems or barcode.element_problems(text.encoded)
    if problems:
        return None, problems
    code = _code_of(text, stock) if template.has_symbol else NO_CODE
    if code.width + 2 * code.beside > (room := stock.width - 2 * stock.margin) / 2:
        return None, [_too_wide_code(code, room, text.symbology, stock)]
    for arrangement in template.arrangements:
        said = [(pattern, _said(pattern, fields)) for pattern in arrangement]
        said = [(pattern, words) for pattern, words in said if any(words)]
        arrangement = tuple(pattern for pattern, _ in said)
        heading = fields.get("warning_heading", "")
        zones = [
            _zone(pattern, words, heading, _Room.on(stock, template), code.sizes if pattern.symbol else NO_CODE.sizes)
            for pattern, words in said
        ]
        wide = wide_words(zones)
        if wide:
            problems = [_too_wide(word, stock) for word in wide]
            continue
        fitted = fit(zones, stock.height - 2 * stock.margin - template.gap * (len(zones) - 1))
        if isinstance(fitted, TooTall):
            problems = [_too_tall(fitted, stock)]
            continue
        marks = _place(fitted, arrangement, fields, stock, template, code)
        return Page(stock.width, stock.height, tuple(marks)), _left_out(arrangement, text, stock, template)
    return None, problems


def layout_set(
    text: LabelText, stock: Stock, template: Template
) -> tuple[tuple[tuple[Page, Template], ...], list[Problem]]:
    """The label, or each label of a set, as a page with the template it was laid out by; or all the problems.

    The labels of a set take the same arrangement: what one of them does not say, another one does.
    """
    problems: list[Problem] = []
    for number in range(len(template.arrangements)):
        laid, problems = [], []
        for piece in template.pieces or (template,):
            own = replace(piece, arrangements=(piece.arrangements[number],)) if template.pieces else piece
            page, found = layout_label(text, stock, own)
            problems += found
            if page:
                laid.append((page, own))
        if len(laid) == max(1, len(template.pieces)):
            return tuple(laid), problems
        if not template.pieces:
            break
    return (), problems


def draw_label(*pages: Page, title: str) -> bytes:
    """The PDF of labels that were laid out.

    Args:
        title: shown by viewers; holds no patient's name.
    """
    return pdf.paint(pages, title=title)


def _field_problems(fields: dict[str, str], template: Template) -> list[Problem]:
    problems = [
        Problem("label.missing", f"The label has no {name.replace('_', ' ')}. Add it and lay it out again.", where=name)
        for name, words in sorted(fields.items())
        if not words.strip() and name in template.requires | {"identifier", "warning_heading", "warning_text"}
    ]
    for name, words in sorted(fields.items()):
        problems += pdf.unprintable(words, name)
    return problems


def _left_out(arrangement: tuple[ZonePattern, ...], text: LabelText, stock: Stock, template: Template) -> list[Problem]:
    fields = printed_fields(text)
    missing = sorted(template.may_leave_out - fields_in(arrangement))
    if not missing:
        return []
    words = ", ".join(f"{name.replace('_', ' ')} “{fields[name]}”" for name in missing)
    larger = f" Stock {stock.next_larger} has room for it." if stock.next_larger else ""
    return [Problem("label.left-out", f"{stock.name} has no room for: {words}.{larger}", where=stock.id, stops=False)]


def _code_of(text: LabelText, stock: Stock) -> _Code:
    kind = barcode.SYMBOLOGIES[text.symbology]
    dot, dots = 72 / stock.dots_per_inch, kind.dots[stock.dots_per_inch]
    beside, above = (quiet * dots * dot for quiet in kind.quiet)
    return _Code(barcode.drawn(text.encoded, text.symbology, stock.dots_per_inch), dot, dots, beside, above)


# The words of a zone: its rows, their parts, each with its weight.
Said = tuple[tuple[tuple[str, str], ...], ...]


def _said(pattern: ZonePattern, fields: dict[str, str]) -> Said:
    return tuple(
        tuple((words, BOLD if part.bold else REGULAR) for part in row.parts if (words := written(part, fields)))
        for row in pattern.rows
    )


@dataclass(frozen=True)
class _Room:
    """What a stock and a template's white space leave for a zone [pt]."""

    width: float
    margin: float
    area: float
    is_wide: bool
    padding: float

    @classmethod
    def on(cls, stock: Stock, template: Template) -> _Room:
        return cls(stock.width, stock.margin, stock.area, stock.is_wide, template.padding)


@lru_cache(maxsize=512)
def _zone(pattern: ZonePattern, said: Said, heading_words: str, room: _Room, code: tuple[float, float]) -> Zone:
    """A zone of the template with this label's words, measured.

    Most zones of one label are those of the next, and of the next arrangement: they are measured once.

    Args:
        code: width and height of the barcode with its quiet zone [pt].
    """
    width = room.width - 2 * (room.margin + room.padding)
    written_rows = [(_words(parts, len(row.parts)), row) for parts, row in zip(said, pattern.rows, strict=True)]
    present = [(words, row) for words, row in written_rows if words]
    floors = [row.floor_on(room.is_wide) for _, row in present]
    steps = [
        step
        for step in range(len(pattern.leading))
        if all(row.sizes[step] >= floor for (_, row), floor in zip(present, floors, strict=True))
    ]
    rows = tuple(
        Row(words, tuple(row.sizes[step] for step in steps), row.one_line, row.spread) for words, row in present
    )
    leading = tuple(pattern.leading[step] for step in steps)
    rooms = tuple(width for _ in steps)
    extra = RULE_SPACE + ACCENTS if pattern.rule else 0.0
    least = 0.0
    if pattern.symbol:
        rooms = tuple(width - code[0] - SYMBOL_SPACE for _ in steps)
        least = code[1]
    if pattern.heading:
        heading = pieces(heading_words, BOLD, pdf.width_of)
        inside = room.width - 2 * room.margin - EDGE
        extra = 2 * (EDGE + BOX_PADDING)
        if room.width < NARROW:
            rooms = tuple(inside - EDGE - size * 2 * TAG_PADDING for size in rows[0].sizes)
            rows = (Row(tuple(heading), rows[0].sizes), *rows)
            extra += BOX_PADDING
        else:
            rooms = tuple(inside - size * (_tag(heading) + 2 * TAG_PADDING) for size in rows[0].sizes)
            least = extra + len(heading) * rows[0].sizes[-1] * leading[-1]
    if pattern.least_share:
        # From edge to edge of the label: beside these items there is only white.
        least = pattern.least_share * room.area / room.width
    return Zone(pattern.name, rows, leading, rooms, extra, least, grows=pattern.grows)


def _words(parts: tuple[tuple[str, str], ...], of: int) -> tuple[Piece, ...]:
    """The words of a row, measured.

    Args:
        of: how many parts the row has if every field has words.
    """
    words: list[Piece] = []
    for said, font in parts:
        words += _part(said, font, of > 1, bool(words))
    return tuple(words)


@lru_cache(maxsize=2048)
def _part(said: str, font: str, one_of_several: bool, follows: bool) -> tuple[Piece, ...]:
    whole = said.replace(" ", NBSP) if len(said) <= SHORT_PART and one_of_several else glue(said)
    return tuple(pieces(whole, font, pdf.width_of, PART_GAP if follows else 0.0))


def _tag(heading: list[Piece]) -> float:
    """Width of the black tag, in sizes: its words stand above each other."""
    return max(piece.width for piece in heading) + 2 * TAG_PADDING


def _place(
    fitted: tuple[Fitted, ...],
    arrangement: tuple[ZonePattern, ...],
    fields: dict[str, str],
    stock: Stock,
    template: Template,
    code: _Code,
) -> Iterator[Mark]:
    """The marks of all zones, from the top of the label down."""
    spare = stock.height - 2 * stock.margin - template.gap * (len(fitted) - 1) - sum(zone.height for zone in fitted)
    top = stock.height - stock.margin
    left = stock.margin + template.padding
    for zone, pattern in zip(fitted, arrangement, strict=True):
        height = zone.height + (spare if zone.zone.grows else 0.0)
        if pattern.heading and stock.width < NARROW:
            yield from _narrow_warning(zone, stock, top, height)
        elif pattern.heading:
            yield from _warning(zone, pieces(fields["warning_heading"], BOLD, pdf.width_of), stock, top, height)
        elif zone.zone.grows:
            yield from _rows(zone, left, top, spare / (len(zone.lines) + 1))
        else:
            above = ACCENTS if pattern.rule else (height - _lines_height(zone)) / 2
            yield from _rows(zone, left, top - above, 0.0)
        if pattern.rule:
            y = top - height + RULE / 2
            yield Rule(stock.margin, y, stock.width - stock.margin, y, RULE)
        if pattern.symbol:
            yield _symbol(stock, top, height, code)
        top -= height + template.gap


def _lines_height(zone: Fitted) -> float:
    return sum(len(lines) * zone.size(row) * zone.leading for row, lines in enumerate(zone.lines))


def _rows(zone: Fitted, left: float, top: float, between: float) -> Iterator[Mark]:
    """The lines of a zone, with some white above each row."""
    for number, lines in enumerate(zone.lines):
        top -= between
        size = zone.size(number)
        for line in lines:
            yield from place(
                line, left, baseline(top, size, zone.leading), size, extra=_spread(zone, number, line, size)
            )
            top -= size * zone.leading


def _spread(zone: Fitted, number: int, line: tuple[Piece, ...], size: float) -> float:
    """Space to add before each part of a row that is to fill its line."""
    parts = sum(1 for piece in line[1:] if piece.gap >= PART_GAP)
    if not zone.zone.rows[number].spread or not parts or len(zone.lines[number]) > 1:
        return 0.0
    return (zone.zone.rooms[zone.step] - line_width(line) * size) / parts


def _warning(zone: Fitted, heading: list[Piece], stock: Stock, top: float, height: float) -> Iterator[Mark]:
    """The box: white words on a black tag at the left, the text beside it."""
    size = zone.size(0)
    left = stock.margin
    tag = _tag(heading) * size
    yield Box(left, top - height, stock.width - 2 * left, height, line=EDGE)
    yield Box(left, top - height, tag, height, fill=0.0)
    line_height = size * zone.leading
    word_top = top - (height - len(heading) * line_height) / 2
    for piece in heading:
        x = left + (tag - piece.width * size) / 2
        yield from place((piece,), x, baseline(word_top, size, zone.leading), size, grey=1.0)
        word_top -= line_height
    line_top = top - (height - _lines_height(zone)) / 2
    for line in zone.lines[0]:
        yield from place(line, left + tag + TAG_PADDING * size, baseline(line_top, size, zone.leading), size)
        line_top -= line_height


def _narrow_warning(zone: Fitted, stock: Stock, top: float, height: float) -> Iterator[Mark]:
    """The box where a tag at the left would leave the text no room: the tag lies above it."""
    size, left = zone.size(0), stock.margin
    width = stock.width - 2 * left
    line_height = size * zone.leading
    tag = EDGE + BOX_PADDING + len(zone.lines[0]) * line_height
    yield Box(left, top - height, width, height, line=EDGE)
    yield Box(left, top - tag, width, tag, fill=0.0)
    line_top = top - EDGE - BOX_PADDING / 2
    for line in zone.lines[0]:
        x = left + (width - line_width(line) * size) / 2
        yield from place(line, x, baseline(line_top, size, zone.leading), size, grey=1.0)
        line_top -= line_height
    line_top = top - tag - (height - tag - EDGE - len(zone.lines[1]) * line_height) / 2
    for line in zone.lines[1]:
        yield from place(line, left + EDGE + TAG_PADDING * size, baseline(line_top, size, zone.leading), size)
        line_top -= line_height


def _symbol(stock: Stock, top: float, height: float, code: _Code) -> Symbol:
    """The barcode at the right of a zone, its corner on the printer's dots, counted from the upper left."""
    x = barcode.snapped(stock.width - stock.margin - code.beside - code.width, code.dot)
    from_top = barcode.snapped(stock.height - top + (height - code.height) / 2 + code.dot / 2, code.dot)
    return Symbol(x, stock.height - from_top - code.height, code.dot, code.dots, code.rows)


def _too_wide_code(code: _Code, room: float, symbology: str, stock: Stock) -> Problem:
    text = (
        f"The barcode ({symbology}) is {code.width + 2 * code.beside:.1f} pt wide with its white zone, and may take half "
        f"of the {room:.1f} pt on {stock.name}."
    )
    return Problem("label.barcode-too-wide", text, where="identifier")


def _too_wide(word: WideWord, stock: Stock) -> Problem:
    return Problem(
        "label.word-too-wide",
        f"{word.zone}: “{word.word}” needs {word.needed:.1f} pt at its smallest size and has {word.available:.1f} pt "
        f"on {stock.name}.",
        where=word.zone,
    )


def _too_tall(tall: TooTall, stock: Stock) -> Problem:
    if tall.zone:
        return Problem(
            "label.does-not-fit",
            f"{tall.zone}: needs {tall.needed:.1f} pt in height at the smallest size of {tall.smallest:g} pt "
            f"and has {tall.available:.1f} pt on {stock.name}.",
            where=tall.zone,
        )
    zones = ", ".join(f"{name} {height:.1f}" for name, height in tall.heights)
    return Problem(
        "label.does-not-fit",
        f"The zones need {tall.needed:.1f} pt in height at their smallest sizes ({zones}) "
        f"and have {tall.available:.1f} pt on {stock.name}.",
        where=stock.id,
    )
