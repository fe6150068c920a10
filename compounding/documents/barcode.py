"""The barcode of a label: a GS1 Data Matrix that holds one internal identifier, in whole printer dots.

Application identifier (91) is free for a company's own use and stands alone; lot (10), date (17) and
serial (21) are not valid without a trade item number, which a pharmacy does not have (gs1-syntax).
One field has no separator in it, so no scanner can lose one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from compounding.problems import Problem

INTERNAL = "91"
LONGEST = 90
# The characters that GS1 allows in an element (CSET 82).
GS1_CHARACTERS = frozenset("!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
# Printer dots in one module: 0.375, 0.339 and 0.339 mm. They read in every raster tried, also turned,
# blurred and pale (barcode-raster-trial), and lie within 0.254 to 0.495 mm (gs1-general, table 6).
DOTS_PER_MODULE = {203: 3, 300: 4, 600: 8}
# White modules around the symbol (gs1-general, table 6).
QUIET_MODULES = 1


def identifier_problems(identifier: str) -> list[Problem]:
    """What keeps an identifier from being a barcode."""
    strange = sorted(set(identifier) - GS1_CHARACTERS | set(identifier) & set("()"))
    if identifier and not strange and len(identifier) <= LONGEST:
        return []
    seen = f"holds {' '.join(map(repr, strange))}" if strange else f"has {len(identifier)} characters"
    return [
        Problem(
            "barcode.identifier",
            f"The identifier {identifier!r} {seen}. Use 1 to {LONGEST} letters, figures and hyphens.",
            where="identifier",
            source="gs1-syntax",
        )
    ]


def element_string(identifier: str) -> str:
    """What a scanner reads: ``(91)L0001234``."""
    return f"({INTERNAL}){identifier}"


@lru_cache(maxsize=256)
def data_matrix(identifier: str) -> tuple[str, ...]:
    """The modules of a square Data Matrix, row by row from the top; ``1`` is dark.

    Args:
        identifier: without problems (`identifier_problems`).
    """
    import zxingcpp

    # Without gs1 the brackets become data; without force_square it is an oblong that many scanners cannot read.
    symbol = zxingcpp.create_barcode(
        element_string(identifier), zxingcpp.BarcodeFormat.DataMatrix, gs1=True, force_square=True
    )
    image: Any = memoryview(symbol.to_image(scale=1, add_quiet_zones=False))  # type: ignore[arg-type]
    return tuple("".join("0" if pixel else "1" for pixel in row) for row in image.tolist())


def snapped(length: float, dot: float) -> float:
    """The nearest whole number of printer dots below a length [pt]."""
    return int(length / dot + 1e-6) * dot
