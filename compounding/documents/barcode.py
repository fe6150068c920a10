"""The barcode of a label in whole printer dots: a Data Matrix unless a QR code or GS1-128 is asked for.

By default it holds one internal identifier. Application identifier (91) is free for a company's own use and stands
alone; lot (10), date (17) and serial (21) are not valid without a trade item number, which a pharmacy seldom has
(gs1-syntax). One field has no separator in it, so no scanner can lose one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem
from compounding.rules import gs1


@dataclass(frozen=True)
class Symbology:
    """One kind of symbol.

    Args:
        writer: what the barcode library calls it.
        prefix: what a scanner puts before the message of a GS1 symbol of this kind.
        dots: printer dots in one module, by dots per inch.
        quiet: white modules at the left and right, and above and below.
        height_mm: of a linear symbol; 0 for a square one, whose modules say it.
    """

    writer: str
    prefix: str
    dots: Mapping[int, int]
    quiet: tuple[int, int]
    height_mm: float = 0.0


# Printer dots in one module: 0.375, 0.339 and 0.339 mm for the square ones, 0.25 mm for bars. They read in every raster
# tried, also turned, blurred and pale (barcode-raster-trial), and lie within 0.254 to 0.495 mm for squares and 0.170 to
# 0.495 mm for bars, which stand 12.7 mm high (gs1-general, table 6). QR's quiet zone is its own standard's.
SQUARE = {203: 3, 300: 4, 600: 8}
BARS = {203: 2, 300: 3, 600: 6}
SYMBOLOGIES: Mapping[str, Symbology] = {
    "data-matrix": Symbology("DataMatrix", "]d2", SQUARE, (1, 1)),
    "qr": Symbology("QRCode", "]Q3", SQUARE, (4, 4)),
    "gs1-128": Symbology("Code128", "]C1", BARS, (10, 0), height_mm=12.7),
}
DATA_MATRIX = "data-matrix"


def internal(identifier: str) -> str:
    """The element string of an identifier of our own.

    Example:
        >>> internal("L0000042D")
        '(91)L0000042D'
    """
    return gs1.bracketed([("91", identifier)])


def element_problems(element: str) -> list[Problem]:
    """What keeps an element string, ``(91)L0000042D``, from being a barcode."""
    try:
        return gs1.element_problems(gs1.read_bracketed(element))
    except NotUnderstood as error:
        return list(error.problems)


@lru_cache(maxsize=256)
def modules(element: str, symbology: str = DATA_MATRIX) -> tuple[str, ...]:
    """The modules of a symbol, row by row from the top, ``1`` is dark; of a linear symbol, its only row.

    Args:
        element: an element string without problems (`element_problems`).
        symbology: one of `SYMBOLOGIES`.
    """
    import zxingcpp

    writer = SYMBOLOGIES[symbology].writer
    # Without gs1 the brackets become data; without force_square it is an oblong that many scanners cannot read.
    square = {"force_square": True} if symbology == DATA_MATRIX else {}
    symbol = zxingcpp.create_barcode(element, getattr(zxingcpp.BarcodeFormat, writer), gs1=True, **square)
    image: Any = memoryview(symbol.to_image(scale=1, add_quiet_zones=False))  # type: ignore[arg-type]
    rows = tuple("".join("0" if pixel else "1" for pixel in row) for row in image.tolist())
    return rows[:1] if SYMBOLOGIES[symbology].height_mm else rows


@lru_cache(maxsize=4)
def of_head(code: str) -> tuple[str, ...]:
    """The modules of a QR code of a head of the journal, as it is typed: 25 rows, of which 15 % may be lost.

    It is no message of GS1, so nobody takes it for a label.
    """
    import zxingcpp

    symbol = zxingcpp.create_barcode(code, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    image: Any = memoryview(symbol.to_image(scale=1, add_quiet_zones=False))  # type: ignore[arg-type]
    return tuple("".join("0" if pixel else "1" for pixel in row) for row in image.tolist())


def drawn(element: str, symbology: str, dots_per_inch: int) -> tuple[str, ...]:
    """The modules as they are drawn: the row of a linear symbol is repeated up to its height."""
    kind = SYMBOLOGIES[symbology]
    rows = modules(element, symbology)
    module_mm = kind.dots[dots_per_inch] * 25.4 / dots_per_inch
    return rows * math.ceil(kind.height_mm / module_mm) if kind.height_mm else rows


def snapped(length: float, dot: float) -> float:
    """The nearest whole number of printer dots below a length, which may be below zero [pt]."""
    return math.floor(length / dot + 1e-6) * dot
