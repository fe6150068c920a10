"""Laying out: words get places before anything is painted, or problems say why they cannot.

Nothing here knows about paper software: the width of a text is asked from a function that is passed
in. Lengths are points (1/72 inch), counted from the lower left corner of the page. Words break only
at spaces; a no-break space holds a number and its unit together; nothing is squeezed, cut or elided.
"""

from __future__ import annotations

import dataclasses
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from compounding.frozen import dataclass

NBSP = "\u00a0"
LEADING_MOST = 1.3

# Liberation Sans: how far letters without accents reach above and below the baseline, in sizes.
# Capitals with accents reach 0.93, which the white between the lines takes up.
ASCENT = 0.74
DESCENT = 0.212

# The width of a text in a font at a size of 1 point; fonts scale in proportion.
Width = Callable[[str, str], float]

REGULAR = "regular"
BOLD = "bold"

# Between the parts of a row, in sizes.
PART_GAP = 0.7


@dataclasses.dataclass(frozen=True, slots=True)  # a page has hundreds
class Word:
    """A text at its place: left end of its baseline, size, font, grey (0 black, 1 white)."""

    x: float
    y: float
    size: float
    font: str
    text: str
    grey: float = 0.0


@dataclass(frozen=True)
class Box:
    """A rectangle, filled with a grey (or not) and edged with a line of some width inside it (or 0)."""

    x: float
    y: float
    width: float
    height: float
    fill: float | None = None
    line: float = 0.0
    grey: float = 0.0


@dataclass(frozen=True)
class Rule:
    """A straight line, perhaps dashed: lengths of ink and gap in turn [pt]."""

    x: float
    y: float
    to_x: float
    to_y: float
    width: float
    grey: float = 0.0
    dashes: tuple[float, ...] = ()


@dataclass(frozen=True)
class Dot:
    """A disc, filled with a grey (or not) and edged with a line of some width around its radius (or 0)."""

    x: float
    y: float
    radius: float
    fill: float | None = 0.0
    line: float = 0.0


@dataclass(frozen=True)
class Symbol:
    """A barcode: rows of ``1`` and ``0`` from the top, its lower left corner, its printer's dot.

    Args:
        dot: the side of one printer dot [pt].
        dots: printer dots in one module.
    """

    x: float
    y: float
    dot: float
    dots: int
    rows: tuple[str, ...]

    @property
    def width(self) -> float:
        """Without the quiet zone [pt]."""
        return len(self.rows[0]) * self.dots * self.dot

    @property
    def height(self) -> float:
        """Without the quiet zone [pt]."""
        return len(self.rows) * self.dots * self.dot


Mark = Word | Box | Rule | Dot | Symbol


def moved(mark: Mark, x: float, y: float) -> Mark:
    """The same mark, further right and up [pt]."""
    if isinstance(mark, Rule):
        return replace(mark, x=mark.x + x, y=mark.y + y, to_x=mark.to_x + x, to_y=mark.to_y + y)
    return replace(mark, x=mark.x + x, y=mark.y + y)


@dataclass(frozen=True)
class Page:
    """One page, laid out."""

    width: float
    height: float
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Piece:
    """A word that is never broken, measured: widths at a size of 1 point, and the space before it."""

    text: str
    font: str
    width: float
    gap: float


Line = tuple[Piece, ...]


def line_width(line: Line) -> float:
    """Width of a line at a size of 1 point."""
    return sum(piece.width for piece in line) + sum(piece.gap for piece in line[1:])


def listing(page: Page) -> str:
    """A page as text, one mark a line: layouts are compared and reviewed in this form."""
    return "\n".join(_listed(page)) + "\n"


def _listed(page: Page) -> Iterator[str]:
    yield f"page {page.width:g} x {page.height:g}"
    for mark in page.marks:
        match mark:
            case Word(x, y, size, font, text, grey):
                colour = f" grey {grey:g}" if grey else ""
                yield f"word {x:7.2f} {y:7.2f} {size:5.2f} {font:7}{colour} {text.replace(NBSP, ' ')}"
            case Box(x, y, width, height, fill, line, grey):
                inside = "" if fill is None else f" fill {fill:g}"
                yield f"box  {x:7.2f} {y:7.2f} {width:.2f} x {height:.2f}{inside} line {line:g} grey {grey:g}"
            case Rule(x, y, to_x, to_y, width, grey, dashes):
                dashed = " dashed" if dashes else ""
                yield f"rule {x:7.2f} {y:7.2f} to {to_x:.2f} {to_y:.2f} width {width:g} grey {grey:g}{dashed}"
            case Dot(x, y, radius, fill, line):
                inside = "" if fill is None else f" fill {fill:g}"
                yield f"dot  {x:7.2f} {y:7.2f} radius {radius:g}{inside} line {line:g}"
            case Symbol(x, y, _, dots, rows):
                yield f"code {x:7.2f} {y:7.2f} {len(rows)} x {len(rows[0])} modules of {dots} dots"


# What must not be parted by the end of a line; each match's spaces become no-break spaces.
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_NUMBER = r"(?<!\w)\d(?:[\d.,/]*\d)?"
_TOGETHER = re.compile(
    r"[+(]\d[\d()-]*(?: [\d()-]{2,})+|\b\d{3} \d{3}[ -]\d{4}\b"  # a phone number
    rf"|\b(?:{_MONTHS}) \d{{1,2}}, \d{{4}}"  # a date
    rf"|{_NUMBER}(?: to {_NUMBER})? (?:mg|mcg|g) per (?:{_NUMBER} )?[A-Za-z]+"  # a strength
    rf"|{_NUMBER} (?:to|or) {_NUMBER} [^\W\d]\w{{0,14}}"  # a range
    rf"|{_NUMBER} (?!to |or |and |then )[A-Za-z°%µ]\S{{0,14}}"  # a number and what it counts
    r"|\b(?:Rx|Lot|Dr\.|Mr\.|Mrs\.|Ms\.|No\.|Step|Week|Day|size) \S+"
    r"|\b[Dd]o (?:NOT|not) \S+",
)


def glue(text: str) -> str:
    """A text whose numbers hold on to their units, and ``Do NOT`` to its verb.

    Example:
        >>> glue("Take 2 capsules at bedtime. Call (555) 010-0142.").split(" ")
        ['Take', '2\\xa0capsules', 'at', 'bedtime.', 'Call', '(555)\\xa0010-0142.']
    """
    return _TOGETHER.sub(lambda match: match.group().replace(" ", NBSP), text)


def pieces(text: str, font: str, width: Width, first_gap: float = 0.0) -> list[Piece]:
    """The words of a text, measured; the first one may ask for more space before it."""
    space = width(" ", font)
    found = [Piece(word, font, width(word, font), space) for word in text.split(" ") if word]
    if found and first_gap:
        found[0] = Piece(found[0].text, font, found[0].width, first_gap)
    return found


def wrap(words: Sequence[Piece], room: float) -> list[Line]:
    """Lines filled one after the other; a word wider than the room stands alone on its line.

    Args:
        words: measured at 1 point.
        room: width of a line, in sizes.
    """
    lines: list[Line] = []
    line: list[Piece] = []
    used = 0.0
    for word in words:
        if line and used + word.gap + word.width <= room:
            used += word.gap + word.width
            line.append(word)
            continue
        if line:
            lines.append(tuple(line))
        line = [word]
        used = word.width
    if line:
        lines.append(tuple(line))
    return lines


def broken(words: Sequence[Piece], room: float, width: Width) -> list[Piece]:
    """Words with those that are wider than the room cut: for records, which must be printed.

    They are cut where a number was held to its unit, then after a hyphen, and only then between letters. A label never
    does this: it refuses.
    """
    found: list[Piece] = []
    for word in words:
        gap = word.gap
        for part in word.text.split(NBSP) if word.width > room else [word.text]:
            rest = part
            while width(rest, word.font) > room and len(rest) > 1:
                fits = bisect_right(range(1, len(rest)), room, key=lambda n: width(rest[:n], word.font))
                count = max(fits, 1)
                count = rest.rfind("-", 0, count) + 1 or count
                found.append(Piece(rest[:count], word.font, width(rest[:count], word.font), gap))
                # As wide as a line, so that the cut ends the line.
                rest, gap = rest[count:], room
            found.append(Piece(rest, word.font, width(rest, word.font), gap))
            gap = width(" ", word.font)
    return found


def place(line: Line, x: float, y: float, size: float, *, grey: float = 0.0, extra: float = 0.0) -> list[Word]:
    """The words of a line at their places.

    Args:
        line: measured words.
        x, y: left end of the baseline [pt].
        extra: space that is added before each part of a row [pt].
    """
    words = []
    for number, piece in enumerate(line):
        if number:
            x += piece.gap * size + (extra if piece.gap >= PART_GAP else 0.0)
        words.append(Word(x, y, size, piece.font, piece.text, grey))
        x += piece.width * size
    return words


def baseline(top: float, size: float, leading: float) -> float:
    """Where the baseline of a line lies whose upper edge is at ``top``: letters in the middle of it."""
    return top - size * ((leading - ASCENT - DESCENT) / 2 + ASCENT)


@dataclass(frozen=True)
class Row:
    """Words that wrap together, with a size for each step of the ladder."""

    words: tuple[Piece, ...]
    sizes: tuple[float, ...]
    one_line: bool = False
    spread: bool = False


@dataclass(frozen=True, eq=False)
class Zone:
    """A zone to be fitted.

    Args:
        rows: from the top; ``leading`` and ``rooms`` (width of a line [pt]) for each step.
        extra: height beside the lines: edges and white space [pt].
        least: height that the zone has at least [pt].
        grows: True for the one zone that takes what the others leave.
    """

    name: str
    rows: tuple[Row, ...]
    leading: tuple[float, ...]
    rooms: tuple[float, ...]
    extra: float = 0.0
    least: float = 0.0
    grows: bool = False


@dataclass(frozen=True)
class Fitted:
    """A zone at one step of its ladder: its lines by row, the height that they need.

    Args:
        folded: rows that want one line and have more.
    """

    zone: Zone
    step: int
    lines: tuple[tuple[Line, ...], ...]
    height: float
    folded: int

    @property
    def leading(self) -> float:
        """Line spacing, in sizes."""
        return self.zone.leading[self.step]

    def size(self, row: int) -> float:
        """Size of a row [pt]."""
        return self.zone.rows[row].sizes[self.step]


@dataclass(frozen=True)
class WideWord:
    """A word that is wider than its zone at the smallest size."""

    zone: str
    word: str
    needed: float
    available: float


@dataclass(frozen=True)
class TooTall:
    """Zones that need more height than there is; ``zone`` is the one that is over, if it is one alone."""

    zone: str | None
    needed: float
    available: float
    smallest: float
    heights: tuple[tuple[str, float], ...]


def wide_words(zones: Sequence[Zone]) -> list[WideWord]:
    """Every word that does not fit the width of its zone even at the end of the ladder."""
    return [
        WideWord(zone.name, word.text, word.width * row.sizes[-1], zone.rooms[-1])
        for zone in zones
        for row in zone.rows
        for word in row.words
        if word.width * row.sizes[-1] > zone.rooms[-1]
    ]


def fit(zones: Sequence[Zone], height: float) -> tuple[Fitted, ...] | TooTall:
    """All zones together in one height.

    The zone that grows takes the largest step that fits, with the rows that want one line on one line
    if any step can do that; the others then take the largest step that leaves it enough.

    Args:
        zones: without a word that is too wide (`wide_words`).
        height: what they may fill together [pt].
    """
    growing = next(zone for zone in zones if zone.grows)
    others = [zone for zone in zones if not zone.grows]
    steps = _ladder(growing)
    levels = max((len(zone.leading) for zone in others), default=1)
    ladders = [_ladder(zone) for zone in others]
    best: tuple[tuple[int, ...], Fitted, list[Fitted]] | None = None
    for level in range(levels):
        chosen = [_at(ladder, level) for ladder in ladders]
        rest = height - sum(fitted.height for fitted in chosen)
        folded = sum(fitted.folded for fitted in chosen)
        for fitted in steps:
            key = (fitted.folded, fitted.step, folded, level)
            if fitted.height <= rest and growing.least <= rest and (best is None or key < best[0]):
                best = key, fitted, chosen
    if best is None:
        return _too_tall(growing, steps[-1], [ladder[-1] for ladder in ladders], height)
    _, main, chosen = best
    by_name = {fitted.zone.name: fitted for fitted in [main, *chosen]}
    return tuple(by_name[zone.name] for zone in zones)


@lru_cache(maxsize=512)
def _ladder(zone: Zone) -> list[Fitted]:
    """The steps at which no word of the zone is too wide, largest first."""
    ladder = []
    for step, (leading, room) in enumerate(zip(zone.leading, zone.rooms, strict=True)):
        if any(word.width * row.sizes[step] > room for row in zone.rows for word in row.words):
            continue
        lines = tuple(tuple(wrap(row.words, room / row.sizes[step])) for row in zone.rows)
        needed = sum(len(found) * row.sizes[step] * leading for found, row in zip(lines, zone.rows, strict=True))
        folded = sum(1 for found, row in zip(lines, zone.rows, strict=True) if row.one_line and len(found) > 1)
        height = needed + zone.extra if zone.grows else max(needed + zone.extra, zone.least)
        ladder.append(Fitted(zone, step, lines, height, folded))
    return ladder


def _at(ladder: list[Fitted], level: int) -> Fitted:
    """The step of a ladder for a level or a later one that keeps rows on one line; its end if it is shorter."""
    reached = [fitted for fitted in ladder if fitted.step >= level] or ladder[-1:]
    return min(reached, key=lambda fitted: fitted.folded)


def _too_tall(growing: Zone, main: Fitted, others: list[Fitted], height: float) -> TooTall:
    taken = sum(fitted.height for fitted in others)
    heights = tuple((fitted.zone.name, fitted.height) for fitted in [main, *others])
    smallest = min(row.sizes[-1] for row in growing.rows)
    if growing.least <= height - taken:
        return TooTall(growing.name, main.height, height - taken, smallest, heights)
    return TooTall(None, taken + max(main.height, growing.least), height, smallest, heights)
