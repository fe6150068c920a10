"""Labels at their places on the page that goes through the printer, and the page by which a printer is set right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from compounding.documents import pdf
from compounding.documents.barcode import snapped
from compounding.documents.boxes import BOLD, REGULAR, Box, Mark, Page, Rule, Symbol, Word
from compounding.documents.stocks import POINTS_PER_MM, SLACK, Stock
from compounding.frozen import dataclass
from compounding.problems import Problem, Refused

# A label moved further than this, or a scale further from 1, is a wrong stock or "fit to page", not a printer's drift.
FURTHEST_MM = 8.0
SCALE_FROM, SCALE_TO = 0.97, 1.03
HAIR = 0.4
CROSS = 6.0


@dataclass(frozen=True)
class Shift:
    """What puts a printer's labels right.

    The scale moves the labels' places on the page and not what is on a label: letters keep their points, and a
    barcode keeps its whole dots.

    Args:
        right, down: what every label is moved by [pt].
        across, along: what the places are multiplied by, from the upper left corner of the page [1].
    """

    right: float = 0.0
    down: float = 0.0
    across: float = 1.0
    along: float = 1.0


NONE = Shift()


def shift_of(offset_mm: tuple[float, float], scale: tuple[float, float]) -> Shift:
    """A printer's settings as a shift.

    Raises:
        Refused: the numbers are beyond what a printer drifts.
    """
    if max(map(abs, offset_mm)) > FURTHEST_MM or not all(SCALE_FROM <= each <= SCALE_TO for each in scale):
        text = (
            f"The printer's offset_mm {offset_mm[0]:g}, {offset_mm[1]:g} and scale {scale[0]:g}, {scale[1]:g} go beyond "
            f"{FURTHEST_MM:g} mm and {SCALE_FROM:g} to {SCALE_TO:g}: print at full size, on the right stock, and measure again"
        )
        raise Refused(Problem("printer.shift", text, "printers"))
    return Shift(offset_mm[0] * POINTS_PER_MM, offset_mm[1] * POINTS_PER_MM, *scale)


@dataclass(frozen=True)
class Place:
    """Where a label lies: its page, from 0, and its upper left corner from that of the page [pt]."""

    page: int
    left: float
    top: float


def places(stock: Stock, first: int, count: int, shift: Shift = NONE) -> list[Place]:
    """The places of some labels, counted from the first free one; a full sheet is followed by the next.

    Args:
        first: number of the first free label on the first sheet [1; from 1].
        count: of labels [1; from 1].

    Raises:
        Refused: the sheet has no such label, or the shift moves a label off the page.
    """
    on_page = stock.places
    if not 1 <= first <= len(on_page):
        text = f"{stock.name} has labels 1 to {len(on_page)}: there is no label {first} to begin with"
        raise Refused(Problem("stock.first", text, str(first)))
    dot = 72 / stock.dots_per_inch
    found = []
    for number in range(first - 1, first - 1 + count):
        sheet, at = divmod(number, len(on_page))
        left, top = on_page[at]
        # On whole dots, so that the barcodes stay on them.
        left = snapped(left * shift.across + shift.right + dot / 2, dot)
        top = snapped(top * shift.along + shift.down + dot / 2, dot)
        _check_on_page(stock, left, top, at + 1)
        found.append(Place(sheet, left, top))
    return found


def _check_on_page(stock: Stock, left: float, top: float, number: int) -> None:
    room = stock.margin + SLACK
    if (
        min(left, top) < -room
        or left + stock.width > stock.page_width + room
        or top + stock.height > stock.page_height + room
    ):
        text = f"The printer's offset and scale move label {number} of {stock.name} off the page: measure it again"
        raise Refused(Problem("printer.shift", text, "printers"))


def imposed(labels: Sequence[Page], stock: Stock, at: Sequence[Place]) -> list[Page]:
    """The pages that go through the printer, with each label at its place."""
    pages = []
    for sheet in range(at[-1].page + 1):
        marks = [
            mark
            for label, place in zip(labels, at, strict=True)
            if place.page == sheet
            for mark in _moved(label, stock, place)
        ]
        pages.append(Page(stock.page_width, stock.page_height, tuple(marks)))
    return pages


def _moved(label: Page, stock: Stock, place: Place) -> Iterator[Mark]:
    right = place.left
    up = stock.page_height - place.top - label.height
    for mark in label.marks:
        match mark:
            case Rule():
                yield replace(mark, x=mark.x + right, y=mark.y + up, to_x=mark.to_x + right, to_y=mark.to_y + up)
            case Word() | Box() | Symbol():
                yield replace(mark, x=mark.x + right, y=mark.y + up)


def calibration(stock: Stock, shift: Shift = NONE) -> Page:
    """A page of outlines, with a cross and a number in the middle of each label: held against the stock, it shows
    how far the printer is off.
    """
    count = len(stock.places)
    marks: list[Mark] = []
    for number, place in enumerate(places(stock, 1, count, shift), 1):
        bottom = stock.page_height - place.top - stock.height
        marks.append(Box(place.left, bottom, stock.width, stock.height, line=HAIR))
        inside = stock.margin
        marks.append(
            Box(
                place.left + inside,
                bottom + inside,
                stock.width - 2 * inside,
                stock.height - 2 * inside,
                line=HAIR,
                grey=0.6,
            )
        )
        middle, height = place.left + stock.width / 2, bottom + stock.height / 2
        marks += _cross(middle, height)
        marks.append(Word(middle + 4, height + 3, 8.0, BOLD, str(number)))
    marks += _legend(stock, shift)
    return Page(stock.page_width, stock.page_height, tuple(marks))


def _cross(x: float, y: float) -> list[Mark]:
    return [Rule(x - CROSS, y, x + CROSS, y, HAIR), Rule(x, y - CROSS, x, y + CROSS, HAIR)]


def _legend(stock: Stock, shift: Shift) -> list[Mark]:
    """The stock's id in its first label, if it has the room; the rest is told on the screen."""
    first = places(stock, 1, 1, shift)[0]
    size = min(7.0, stock.height / 6)
    text = stock.id
    if pdf.width_of(text, REGULAR) * size > stock.width / 2 - 2 * stock.margin - CROSS:
        return []
    y = stock.page_height - first.top - stock.margin - 1.2 * size
    return [Word(first.left + stock.margin + 2, y, size, REGULAR, text)]


def spans(stock: Stock) -> tuple[float, float]:
    """How far the crosses of the outermost labels lie apart, across and along [mm]."""
    across = [left for left, _ in stock.places]
    along = [top for _, top in stock.places]
    return (max(across) - min(across)) / POINTS_PER_MM, (max(along) - min(along)) / POINTS_PER_MM
