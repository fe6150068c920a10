"""Any label's file judged, whoever drew it: its words, its ink, its margins, its barcode, its writing.

A label of our own is proved before it leaves (`proof`). A file from elsewhere says neither what it must say nor where:
what it must say comes from the record that its barcode names, or from the person who asks.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from compounding.documents import barcode, pdf, proof
from compounding.documents.boxes import NBSP
from compounding.documents.sheets import Place
from compounding.documents.stocks import Grid, Stock, read_stock, stock_names
from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem
from compounding.rules import gs1
from compounding.rules.writing import unsafe

CHECKS = ("text", "margins", "barcode", "glyphs", "writing")
SAME_SIZE = 0.5  # a page is a stock's if it differs by no more [pt]


@dataclass(frozen=True)
class Judged:
    """What was found in a file: its words, its symbols, and what is wrong by check."""

    words: str
    symbols: tuple[proof.SymbolRead, ...]
    problems: Mapping[str, tuple[Problem, ...]]


def stock_of(document: bytes) -> Stock:
    """The stock whose page a file has; a roll of its own size if there is none.

    Raises:
        NotUnderstood: the file is no PDF, or its page is no label's.
    """
    width, height = page_size(document)
    for name in stock_names():
        stock = read_stock(name)
        if abs(stock.page_width - width) <= SAME_SIZE and abs(stock.page_height - height) <= SAME_SIZE:
            return stock
    return read_stock(f"{width / 72:.3f}x{height / 72:.3f}in")


def page_count(document: bytes) -> int:
    """How many pages a file has that can be read (`page_size`)."""
    import pypdfium2

    return len(pypdfium2.PdfDocument(document))


def page_size(document: bytes) -> tuple[float, float]:
    """Width and height of a file's first page [pt].

    Raises:
        NotUnderstood: it is no PDF.
    """
    import pypdfium2

    try:
        width, height = pypdfium2.PdfDocument(document)[0].get_size()
    except pypdfium2.PdfiumError as error:
        raise NotUnderstood(Problem("proof.unreadable", f"The file cannot be read as a PDF: {error}")) from None
    return width, height


def judge(
    document: bytes,
    stock: Stock,
    required: Sequence[Mapping[str, str]],
    given: Sequence[str],
    on: date,
    *,
    has_symbol: bool = True,
) -> Judged:
    """Everything that is wrong with a file, on any of its pages.

    Args:
        stock: what it is printed on; its whole page is looked at.
        required: for each label in it the strings that this one must hold whole, by name.
        given: names and numbers in it that are printed as they are, and not judged as writing.
        on: the day by which its writing is judged.
        has_symbol: False for a label that carries no barcode.
    """
    whole = Grid(1, 1, 0.0, 0.0, stock.page_width, stock.page_height)
    page = replace(stock, width=stock.page_width, height=stock.page_height, grids=(whole,))
    readings = []
    for number in range(page_count(document)):
        reading, problems = proof._read(document, page, stock.dots_per_inch, Place(number, 0.0, 0.0))
        if reading is None:
            return Judged("", (), {"text": tuple(problems)})
        readings.append(reading)
    pages = [reading.plain[0] for reading in readings]
    symbols = [tuple(proof.read_symbols(reading.raster)) for reading in readings]
    barcodes = [
        problem for reading, on_it in zip(readings, symbols, strict=True) for problem in _symbols(reading, on_it, stock)
    ]
    if has_symbol and not any(symbols):
        text = "No barcode can be read. Draw it in whole dots of the printer, with white around it"
        barcodes = [Problem("proof.barcode", text, "identifier")]
    found = {
        "text": _missing(pages, required),
        "margins": tuple(problem for each in readings for problem in proof._margin_problems(each, page)),
        "barcode": tuple(barcodes),
        "glyphs": tuple(dict.fromkeys(problem for each in readings for problem in _unreadable(each, page))),
        "writing": tuple(dict.fromkeys(problem for words in pages for problem in _writing(words, given, on))),
    }
    return Judged("\n".join(pages), tuple(each for on_it in symbols for each in on_it), found)


def _missing(pages: Sequence[str], required: Sequence[Mapping[str, str]]) -> tuple[Problem, ...]:
    """Each string that is not there whole: on the page of its label, or as often as labels have it on one page."""
    wanted = [
        [(name, " ".join(text.replace(NBSP, " ").split())) for name, text in label.items()] for label in required
    ]
    if len(pages) == len(wanted):
        missing = [each for words, label in zip(pages, wanted, strict=True) for each in label if each[1] not in words]
    else:
        times = Counter(each for label in wanted for each in label)
        missing = [each for each, count in times.items() if sum(words.count(each[1]) for words in pages) < count]
    return tuple(
        Problem("proof.text-missing", f"The file does not read “{text}” ({name}). Do not print it", name)
        for name, text in dict.fromkeys(missing)
    )


def _symbols(reading: proof.Reading, symbols: Sequence[proof.SymbolRead], stock: Stock) -> list[Problem]:
    problems = []
    kinds = {kind.prefix: name for name, kind in barcode.SYMBOLOGIES.items()}
    for symbol in symbols:
        if symbol.prefix not in kinds:
            text = (
                f"The barcode {symbol.element} is no GS1 symbol ({symbol.prefix}): a scanner does not know whose it is"
            )
            problems.append(Problem("proof.barcode", text, "identifier"))
            continue
        wrong = barcode.element_problems(symbol.element)
        problems += wrong
        if not wrong and not _quiet(reading.raster, symbol, kinds[symbol.prefix]):
            text = "There is ink in the white zone around the barcode: scanners would miss it. Do not print"
            problems.append(Problem("proof.quiet-zone", text, "identifier"))
    return problems


def _quiet(raster: proof.Raster, symbol: proof.SymbolRead, symbology: str) -> bool:
    """True if a symbol has its white zone; a dot beside its corners is its own edge."""
    left, top, right, bottom = symbol.area
    rows = barcode.modules(symbol.element, symbology)
    module = (right - left) / len(rows[0])
    beside, above = (math.floor(quiet * module) for quiet in barcode.SYMBOLOGIES[symbology].quiet)
    edge = 2
    around = [
        (left - beside, top, left - edge, bottom),
        (right + edge, top, right + beside, bottom),
    ]
    if above:
        around += [(left, top - above, right, top - edge), (left, bottom + edge, right, bottom + above)]
    return not any(raster.dark(*area) for area in around)


def _unreadable(reading: proof.Reading, page: Stock) -> tuple[Problem, ...]:
    """Letters that have no dark ink of their own: pale, white, covered, cut off, or without a glyph.

    Letters of our own fonts are weighed; of another font only that there is ink and paper where the letter is.
    """
    problems = []
    for letter in reading.letters:
        if letter.text.isspace():
            continue
        ours = letter.font in pdf.FONT_NAMES.values()
        fault = (
            proof._fault(letter, reading, page) and proof._fault(letter, reading, page, inverse=True)
            if ours
            else _faint(letter, reading)
        )
        if letter.text in ("\ufffd", "\x00"):
            fault = "has no glyph: an empty box or nothing is printed"
        if fault:
            problems.append(
                Problem("proof.not-readable", f"The letter “{letter.text}” {fault}. Do not print", letter.text)
            )
    return tuple(dict.fromkeys(problems))


def _faint(letter: proof.Letter, reading: proof.Reading) -> str | None:
    raster, scale = reading.fine, reading.fine.scale
    left, right = int(letter.left * scale), int(letter.right * scale) + 1
    top, bottom = int((reading.height - letter.top) * scale), int((reading.height - letter.bottom) * scale) + 1
    inside = left >= 0 and right <= raster.width and top >= 0 and bottom <= raster.height
    if not inside:
        return "runs off the label"
    dots = raster.area(left, top, right, bottom)
    if not dots or min(dots) > 128 or max(dots) < 128:
        return "is not dark on white as ink: pale, covered, or without a glyph"
    return None


def _writing(words: str, given: Sequence[str], on: date) -> tuple[Problem, ...]:
    """What is written unsafely, outside what somebody gave."""
    for text in sorted(filter(None, given), key=len, reverse=True):
        whole = re.escape(" ".join(text.split()))
        words = re.sub(rf"(?<![\w.,]){whole}(?!\w|[.,]\d)", " … ", words)  # whole words: the 1 of 1.5 mg is no number of a prescription
    return tuple(unsafe({"text": words}, on))


def said_by(symbols: Sequence[proof.SymbolRead]) -> list[gs1.Element]:
    """The elements of all symbols of a file that are GS1's."""
    elements: list[gs1.Element] = []
    for symbol in symbols:
        if not barcode.element_problems(symbol.element):
            elements += gs1.read_bracketed(symbol.element)
    return elements
