"""Proof before print: a label is read back from its PDF, by other software than drew it, and compared.

The page is read as text and looked at as the dots that the printer will burn. Words that are there
as text may still be white, tiny, cut off, covered or beside the page; so each letter's dots are
counted and compared with the ink that this letter has in its font.
"""

from __future__ import annotations

import ctypes
import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache, cached_property
from typing import Any

from compounding.documents import barcode, pdf
from compounding.documents.boxes import BOLD, NBSP, REGULAR
from compounding.documents.sheets import Place
from compounding.documents.stocks import Stock
from compounding.documents.templates import Template, template_fields
from compounding.frozen import dataclass
from compounding.problems import Problem
from compounding.records.label import LabelText
from compounding.rules.writing import unsafe

# A dot this light or lighter is paper; 1-bit printers may burn any darker one.
PAPER = 250
# Letters are weighed on a finer picture than the printer's: at 203 dots per inch a letter of 6 points is
# set to whole dots, half a dot beside its box.
INK_DOTS_PER_INCH = 600
# The ink of a letter against the ink it has in its font. Rendering adds or takes a few percent; what is
# pale, cut in half or covered lies outside.
LEAST_INK = 0.8
MOST_INK = 1.25
# A letter's ink comes this near to each side of its box, in dots of the finer picture.
STRIP = 3
# The ink of each letter in its font, measured once by scripts/font_ink.py.
INK_FILE = pdf.FONT_FILES[REGULAR].with_name("ink.json")
# For each grey of a dot, 1 if it is ink, or if it is lighter than black.
_DARK = bytes(grey < PAPER for grey in range(256))
_LIGHT = bytes(grey > 255 - PAPER for grey in range(256))
# Sizes are compared with floors to this many points: a PDF holds them rounded.
ROUNDING = 0.02


@dataclass(frozen=True)
class Letter:
    """One character as read back: its box in points from the lower left corner, size, and font."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    size: float
    font: str


@dataclass(frozen=True)
class Raster:
    """A page as dots: one byte each, 0 black to 255 white, row by row from the top."""

    width: int
    height: int
    dots: bytes
    scale: float

    def dark(self, left: int, top: int, right: int, bottom: int) -> bool:
        """True if any dot of an area has ink, as far as the area lies on the page."""
        left, top = max(left, 0), max(top, 0)
        right, bottom = min(right, self.width), min(bottom, self.height)
        return any(1 in line.translate(_DARK) for line in self._lines(left, top, right, bottom))

    def light(self, left: int, top: int, right: int, bottom: int) -> bool:
        """True if any dot of an area on the page is lighter than black."""
        return any(1 in line.translate(_LIGHT) for line in self._lines(left, top, right, bottom))

    def ink(self, left: int, top: int, right: int, bottom: int) -> float:
        """Ink in an area, in dots."""
        dots = b"".join(self._lines(left, top, right, bottom))
        grey = dots.translate(None, b"\x00\xff")
        return len(dots) - dots.count(255) - sum(grey) / 255

    def area(self, left: int, top: int, right: int, bottom: int) -> bytes:
        """The dots of an area, row after row."""
        width, dots = self.width, self.dots
        return b"".join([dots[row * width + left : row * width + right] for row in range(top, bottom)])

    def _lines(self, left: int, top: int, right: int, bottom: int) -> Iterator[bytes]:
        """The dots of an area as its rows or its columns, whichever are fewer."""
        width, dots = self.width, self.dots
        if right - left < bottom - top:
            return (dots[top * width + column : bottom * width : width] for column in range(left, right))
        return (dots[row * width + left : row * width + right] for row in range(top, bottom))


@dataclass(frozen=True)
class Reading:
    """A page read back: its size, its letters, its dots on the printer, and a finer picture."""

    width: float
    height: float
    letters: tuple[Letter, ...]
    raster: Raster
    fine: Raster

    @cached_property
    def plain(self) -> tuple[str, tuple[int, ...]]:
        """The text with each run of spaces and line breaks as one space, and the letter at each place."""
        text: list[str] = []
        places: list[int] = []
        for place, letter in enumerate(self.letters):
            character = " " if letter.text.isspace() or letter.text == NBSP else letter.text
            if character == " " and (not text or text[-1] == " "):
                continue
            text.append(character)
            places.append(place)
        return "".join(text), tuple(places)


def text_of(document: bytes) -> str:
    """All words of a PDF in reading order; line breaks are spaces, pages are parted by a line break."""
    import pypdfium2

    found = pypdfium2.PdfDocument(document)
    return "\n".join(_plain(page.get_textpage().get_text_range()) for page in found)


def plain_words(text: str) -> str:
    """A text as it is compared: composed, every run of spaces and line breaks one space."""
    return _plain(text)


def read_pages(document: bytes, dots_per_inch: int) -> list[tuple[tuple[Letter, ...], Raster]]:
    """Every page of a PDF: its letters in reading order, and its dots."""
    import pypdfium2

    return [(tuple(_letters(page)), _raster(page, dots_per_inch)) for page in pypdfium2.PdfDocument(document)]


def prove_label(
    document: bytes,
    text: LabelText,
    stock: Stock,
    template: Template,
    dots_per_inch: int | None = None,
    place: Place | None = None,
) -> list[Problem]:
    """Everything that is wrong with a label's PDF; it may be printed if there is nothing."""
    checked = check_file(document, text, stock, template, dots_per_inch, place)
    return [problem for problems in checked.values() for problem in problems]


def check_file(
    document: bytes,
    text: LabelText,
    stock: Stock,
    template: Template,
    dots_per_inch: int | None = None,
    place: Place | None = None,
) -> dict[str, list[Problem]]:
    """The checks that a label's PDF went through, by name, each with what is wrong by it.

    ``glyphs``, ``writing``, ``words``, ``ink``, and ``barcode`` if the label has one; ``file`` alone if it cannot be read.

    Args:
        document: the PDF.
        text: what the label must say.
        stock: what it is printed on.
        template: the sizes below which no field may stand.
        dots_per_inch: of the printer; the stock's own without it.
        place: where the label lies; the first place of a page alone without it.
    """
    reading, problems = _read(document, stock, dots_per_inch or stock.dots_per_inch, place)
    if reading is None:
        return {"file": problems}
    fields = {name: _plain(words) for name, words in template_fields(text, template).items()}
    wording = list(_wording_problems(reading, fields, stock, template))
    faint = [problem for problem in wording if problem.code == "proof.not-readable"]
    checked = {
        "glyphs": [problem for name, words in sorted(fields.items()) for problem in pdf.unprintable(words, name)],
        "writing": unsafe(fields, date.fromisoformat(text.filled_on)),
        "words": [problem for problem in wording if problem not in faint],
        "ink": [*faint, *_margin_problems(reading, stock)],
    }
    if template.has_symbol:
        checked["barcode"] = list(_symbol_problems(reading, text.encoded, text.symbology, stock))
    return checked


def burned(document: bytes, dots_per_inch: int) -> list[Raster]:
    """The pages of a PDF as their printer burns them: the dots that a proof looked at."""
    import pypdfium2

    return [_raster(page, dots_per_inch) for page in pypdfium2.PdfDocument(document)]


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).replace(NBSP, " ").replace("\x02", "-").split())


def _wording_problems(
    reading: Reading, fields: Mapping[str, str], stock: Stock, template: Template
) -> Iterator[Problem]:
    """Every required string is there whole, large enough, on the page, and as ink; and nothing else is."""
    plain, places = reading.plain
    faults = {place: fault for place, letter in enumerate(reading.letters) if (fault := _fault(letter, reading, stock))}
    heading = set(_spans(plain, places, fields.get("warning_heading", "")))
    # White on black: what is missing from the ink of the box is the letter.
    for place in heading & faults.keys():
        if _fault(reading.letters[place], reading, stock, inverse=True) is None:
            del faults[place]
    seen: set[int] = set()
    required = dict(fields) | {f"statement {number}": said for number, said in enumerate(template.statements, 1)}
    if "drug" in fields:
        required["strength"] = f"{fields['drug']} {fields['strength']}"
    for name, words in required.items():
        if not words or name == "identifier":
            continue
        spans = list(_spans(plain, places, words))
        if not spans and name in template.may_leave_out:
            continue
        if not spans:
            yield Problem(
                "proof.text-missing", f"The label does not read “{words}” ({name}). Do not print it.", where=name
            )
            continue
        seen.update(spans)
        wrong = dict.fromkeys(faults[place] for place in spans if place in faults)
        for fault in wrong:
            yield Problem("proof.not-readable", f"{name}: “{words}” {fault}. Do not print this label.", where=name)
        floor = template.floor_of(name, stock)
        largest = _largest(reading, spans, len(words.replace(" ", "")))
        if largest < floor - ROUNDING:
            yield Problem(
                "proof.too-small",
                f"{name}: “{words}” is {largest:.1f} pt, at least {floor:g} pt is asked. Do not print this label.",
                where=name,
            )
    seen.update(_spans(plain, places, fields.get("identifier", "")))
    rest = "".join(" " if place in seen else character for character, place in zip(plain, places, strict=True))
    strange = [word for word in rest.split() if word not in template.fixed_words]
    if strange:
        yield Problem(
            "proof.unknown-text",
            f"The label also reads “{' '.join(strange)}”, which the record does not hold. Do not print it.",
        )
    for place in sorted(faults.keys() - seen):
        letter = reading.letters[place]
        yield Problem("proof.not-readable", f"The letter “{letter.text}” {faults[place]}. Do not print this label.")


def _spans(plain: str, places: tuple[int, ...], words: str) -> Iterator[int]:
    """Places of the letters of every occurrence of some words."""
    start = plain.find(words) if words else -1
    while start >= 0:
        yield from places[start : start + len(words)]
        start = plain.find(words, start + 1)


def _largest(reading: Reading, spans: list[int], count: int) -> float:
    """The size of the occurrence that is written largest, by its smallest letter [pt]."""
    sizes = [reading.letters[place].size for place in spans if not reading.letters[place].text.isspace()]
    return max(min(sizes[start : start + count]) for start in range(0, len(sizes), count))


def _fault(letter: Letter, reading: Reading, stock: Stock, *, inverse: bool = False) -> str | None:
    """What is wrong with one letter on the page, or nothing."""
    if letter.text.isspace():
        return None
    if letter.font not in pdf.FONT_NAMES.values():
        return f"is in the font {letter.font or 'without name'}"
    raster = reading.fine
    inside = (
        stock.margin - 0.5 <= letter.left
        and letter.right <= reading.width - stock.margin + 0.5
        and stock.margin - 0.5 <= letter.bottom
        and letter.top <= reading.height - stock.margin + 0.5
    )
    if not inside:
        return "runs into the margin or off the label"
    left, right = int(letter.left * raster.scale), int(letter.right * raster.scale) + 1
    top = int((reading.height - letter.top) * raster.scale)
    bottom = int((reading.height - letter.bottom) * raster.scale) + 1
    right, bottom = min(right, raster.width), min(bottom, raster.height)
    found = raster.ink(left, top, right, bottom)
    if inverse:
        found = (right - left) * (bottom - top) - found
    bold = letter.font == pdf.FONT_NAMES[BOLD]
    wanted = _font_ink(letter.text, BOLD if bold else REGULAR) * (letter.size * raster.scale) ** 2
    # Small letters are set to whole dots: up to half a dot of a side may lie beside the box.
    half_dot = max(right - left, bottom - top) / 2
    if LEAST_INK * wanted - half_dot <= found <= MOST_INK * wanted + half_dot and _whole(
        raster, left, top, right, bottom, inverse=inverse
    ):
        return None
    return "is not dark on white as ink: pale, tiny, cut off or covered"


def _whole(raster: Raster, left: int, top: int, right: int, bottom: int, *, inverse: bool) -> bool:
    """True if a letter reaches all four sides of its box: a cut tail leaves one of them empty."""
    strips = (
        (left, top, right, top + STRIP),
        (left, bottom - STRIP, right, bottom),
        (left, top, left + STRIP, bottom),
        (right - STRIP, top, right, bottom),
    )
    return all(raster.light(*strip) if inverse else raster.dark(*strip) for strip in strips)


@cache
def _ink() -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = json.loads(INK_FILE.read_text(encoding="utf-8"))
    return table


def _font_ink(character: str, font: str) -> float:
    """Area that a letter blackens, in squares of its size; none for a letter that the font lacks."""
    return _ink()[font].get(character, 0) / 1_000_000


def _margin_problems(reading: Reading, stock: Stock) -> Iterator[Problem]:
    """No dot of ink in the strip along each edge."""
    raster = reading.raster
    strip = int(stock.margin * raster.scale)
    wide, high = raster.width, raster.height
    edges = {
        "upper": (0, 0, wide, strip),
        "lower": (0, high - strip, wide, high),
        "left": (0, 0, strip, high),
        "right": (wide - strip, 0, wide, high),
    }
    for edge, area in edges.items():
        if raster.dark(*area):
            yield Problem(
                "proof.margin",
                f"There is ink within {stock.margin:.1f} pt of the {edge} edge: a printer would cut it. Do not print.",
                where=edge,
            )


def _symbol_problems(reading: Reading, element: str, symbology: str, stock: Stock) -> Iterator[Problem]:
    """The barcode is read, says what it shall, is drawn module for module, and has white around it."""
    raster, kind = reading.raster, barcode.SYMBOLOGIES[symbology]
    found = read_symbols(raster)
    if [symbol.element for symbol in found] != [element] or found[0].prefix != kind.prefix:
        read = ", ".join(symbol.element for symbol in found) or "nothing"
        yield Problem(
            "proof.barcode", f"The barcode reads {read} instead of {element}. Do not print this label.", "identifier"
        )
        return
    rows = barcode.modules(element, symbology)
    module = kind.dots[stock.dots_per_inch] / stock.dots_per_inch * 72 * raster.scale
    left, top, _, _ = found[0].area
    places = [(left + across, top + down) for across in range(-3, 4) for down in range(-3, 4)]
    fitting = [place for place in places if _same(raster, rows, place, module)]
    if not fitting:
        yield Problem(
            "proof.barcode",
            "The barcode is not drawn in whole dots of the printer. Lay the label out for its dots per inch.",
            "identifier",
        )
        return
    if not any(_white_around(raster, _whole_symbol(raster, rows, place, module), kind, module) for place in fitting):
        yield Problem(
            "proof.quiet-zone",
            "There is ink in the white zone around the barcode: scanners would miss it. Do not print.",
            "identifier",
        )
    if kind.height_mm and not any(
        _bars_height(raster, rows, place, module) >= kind.height_mm / 25.4 * 72 * raster.scale for place in fitting
    ):
        text = f"The bars are lower than {kind.height_mm} mm: scanners would miss them. Draw the label again."
        yield Problem("proof.barcode", text, "identifier")


# Left, top, right and bottom, in dots.
Area = tuple[int, int, int, int]


@dataclass(frozen=True)
class SymbolRead:
    """A symbol as a scanner sees it: its prefix, its element string or text, and the area it takes, in dots."""

    prefix: str
    element: str
    area: Area


def read_symbols(raster: Raster) -> list[SymbolRead]:
    """Every symbol on a page of the kinds that labels carry."""
    import zxingcpp

    view = memoryview(raster.dots).cast("B", (raster.height, raster.width))
    writers = [getattr(zxingcpp.BarcodeFormat, kind.writer) for kind in barcode.SYMBOLOGIES.values()]
    found = zxingcpp.read_barcodes(view, formats=writers)  # type: ignore[arg-type]
    return [SymbolRead(each.symbology_identifier, each.text, _bounds(each.position)) for each in found]


def _bounds(position: Any) -> Area:
    corners = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    across, down = [corner.x for corner in corners], [corner.y for corner in corners]
    return min(across), min(down), max(across), max(down)


def _whole_symbol(raster: Raster, rows: tuple[str, ...], place: tuple[int, int], module: float) -> Area:
    """The area of a symbol without its quiet zone; of bars, the height over which they stand, module by module."""
    left, top = place
    right, bottom = left + round(len(rows[0]) * module), top + round(len(rows) * module)
    if len(rows) == 1:
        while _same(raster, rows, (left, top - 1), module):
            top -= 1
        while _same(raster, rows, (left, bottom + 1 - round(module)), module):
            bottom += 1
    return left, top, right, bottom


def _bars_height(raster: Raster, rows: tuple[str, ...], place: tuple[int, int], module: float) -> float:
    _, top, _, bottom = _whole_symbol(raster, rows, place, module)
    return bottom - top


def _white_around(raster: Raster, symbol: Area, kind: barcode.Symbology, module: float) -> bool:
    """True if the quiet zone around a symbol is free of ink."""
    left, top, right, bottom = symbol
    beside, above = (round(quiet * module) for quiet in kind.quiet)
    around = (
        (left - beside, top - above, right + beside, top),
        (left - beside, bottom, right + beside, bottom + above),
        (left - beside, top, left, bottom),
        (right, top, right + beside, bottom),
    )
    return not any(raster.dark(*area) for area in around)


def _same(raster: Raster, rows: Iterable[str], place: tuple[int, int], module: float) -> bool:
    """True if the middle of every module is as dark as it should be."""
    left, top = place
    for down, row in enumerate(rows):
        y = int(top + (down + 0.5) * module)
        for across, dark in enumerate(row):
            x = int(left + (across + 0.5) * module)
            if not (0 <= x < raster.width and 0 <= y < raster.height):
                return False
            if (raster.dots[y * raster.width + x] < 128) is not (dark == "1"):
                return False
    return True


def prove_rest(document: bytes, stock: Stock, used: Sequence[Place]) -> list[Problem]:
    """Whether the pages hold nothing beside the labels: what was used before, and the sheet's edge, stay white.

    Args:
        stock: a roll's page is its label: there is nothing beside it.
        used: where the labels of the document lie.
    """
    import pypdfium2

    if (stock.page_width, stock.page_height) == (stock.width, stock.height):
        return []
    dots_per_inch = 203
    scale = dots_per_inch / 72
    problems = []
    for number, page in enumerate(pypdfium2.PdfDocument(document)):
        raster = _raster(page, dots_per_inch)
        dots = bytearray(raster.dots)
        for place in used:
            if place.page == number:
                left, right = int(place.left * scale), int((place.left + stock.width) * scale) + 1
                left, right = max(left, 0), min(right, raster.width)
                for row in range(
                    max(int(place.top * scale), 0), min(int((place.top + stock.height) * scale) + 1, raster.height)
                ):
                    at = row * raster.width
                    dots[at + left : at + right] = b"\xff" * (right - left)
        if min(dots, default=255) < PAPER:
            text = f"Page {number + 1} has ink beside its labels. Do not print."
            problems.append(Problem("proof.beside", text, f"page {number + 1}"))
    return problems


def _read(
    document: bytes, stock: Stock, dots_per_inch: int, place: Place | None = None
) -> tuple[Reading | None, list[Problem]]:
    """One label of a PDF, read; or why it cannot be."""
    import pypdfium2

    try:
        found = pypdfium2.PdfDocument(document)
    except pypdfium2.PdfiumError as error:
        return None, [Problem("proof.unreadable", f"The PDF cannot be read: {error}. Draw it again.")]
    if place is None and len(found) != 1:
        return None, [Problem("proof.pages", f"The PDF has {len(found)} pages, a label has one. Draw it again.")]
    at = place or Place(0, *stock.places[0])
    if at.page >= len(found):
        return None, [Problem("proof.pages", f"The PDF has no page {at.page + 1}. Draw it again.")]
    page = found[at.page]
    width, height = page.get_size()
    if abs(width - stock.page_width) > 0.1 or abs(height - stock.page_height) > 0.1:
        size = f"{width:.1f} x {height:.1f} pt, {stock.name} is {stock.page_width:.1f} x {stock.page_height:.1f} pt"
        return None, [Problem("proof.page-size", f"The page is {size}. Choose the stock that is in the printer.")]
    window = Window(at.left, at.top, stock.width, stock.height)
    printed, fine = _raster(page, dots_per_inch, window), _raster(page, INK_DOTS_PER_INCH, window)
    whole = (stock.page_width, stock.page_height) == (stock.width, stock.height)
    letters = _letters(page, window.left, height - window.top - window.height)
    here = letters if whole else _within(letters, window)
    return Reading(stock.width, stock.height, tuple(here), printed, fine), []


def _within(letters: Iterable[Letter], window: Window) -> Iterator[Letter]:
    """The letters of one label; a space has no box of its own and goes with the letter before it."""
    inside = False
    for letter in letters:
        if not letter.text.isspace():
            across, up = (letter.left + letter.right) / 2, (letter.bottom + letter.top) / 2
            inside = 0 <= across <= window.width and 0 <= up <= window.height
        if inside:
            yield letter


def _letters(page: object, right: float = 0.0, up: float = 0.0) -> Iterator[Letter]:
    """The letters of a page, counted from a point of it."""
    from pypdfium2 import raw

    text = page.get_textpage()  # type: ignore[attr-defined]
    edges = [ctypes.c_double() for _ in range(4)]
    matrix = raw.FS_MATRIX()
    name = ctypes.create_string_buffer(256)
    flags = ctypes.c_int()
    for place in range(text.count_chars()):
        raw.FPDFText_GetCharBox(text, place, *edges)
        left, right_edge, bottom, top = (edge.value for edge in edges)
        raw.FPDFText_GetMatrix(text, place, matrix)
        length = raw.FPDFText_GetFontInfo(text, place, name, 256, flags)
        size = raw.FPDFText_GetFontSize(text, place) * min(abs(matrix.a), abs(matrix.d))
        font = name.raw[: max(length - 1, 0)].decode("utf-8", "replace").rpartition("+")[2]
        # A hyphen at the end of a line comes back as U+0002.
        character = chr(raw.FPDFText_GetUnicode(text, place)).replace("\x02", "-")
        yield Letter(character, left - right, bottom - up, right_edge - right, top - up, size, font)


@dataclass(frozen=True)
class Window:
    """A part of a page, from its upper left corner [pt]."""

    left: float
    top: float
    width: float
    height: float


def _raster(page: object, dots_per_inch: int, window: Window | None = None) -> Raster:
    """A page, or a part of it, as a printer's dots, in grey: whole dots in width and height."""
    import pypdfium2
    from pypdfium2 import raw

    scale = dots_per_inch / 72
    window = window or Window(0.0, 0.0, *page.get_size())  # type: ignore[attr-defined]
    width, height = round(window.width * scale), round(window.height * scale)
    bitmap = pypdfium2.PdfBitmap.new_native(width, height, raw.FPDFBitmap_Gray)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
    # At the printer's own scale: a page stretched to whole dots would lay its barcode beside them.
    matrix = raw.FS_MATRIX(scale, 0, 0, scale, -window.left * scale, -window.top * scale)
    clip = raw.FS_RECTF(0, 0, width, height)
    raw.FPDF_RenderPageBitmapWithMatrix(bitmap, page, matrix, clip, raw.FPDF_ANNOT | raw.FPDF_PRINTING)
    lines = bytes(bitmap.buffer)
    if bitmap.stride != width:
        lines = b"".join([lines[row * bitmap.stride : row * bitmap.stride + width] for row in range(height)])
    return Raster(width, height, lines, scale)
