"""Write compounding/documents/fonts/ink.json: the area that each character of the label fonts blackens.

The proof of a label compares the dots of each letter with this. Run it when the fonts change; a test compares.
"""

from __future__ import annotations

import json
from pathlib import Path

from PIL import ImageFont

from compounding.documents import pdf

LARGE = 256  # size in dots at which a character is measured
FILE = Path(pdf.__file__).parent / "fonts" / "ink.json"


def ink_of(character: str, font: ImageFont.FreeTypeFont) -> int:
    """Area that a character blackens [millionths of the square of its size]."""
    return round(sum(bytes(font.getmask(character))) / 255 / LARGE**2 * 1_000_000)


def table() -> dict[str, dict[str, int]]:
    """The ink of every character that a label may hold, in each font."""
    codes = sorted(pdf._faces()["regular"].face.charToGlyph)
    characters = [chr(code) for code in codes if pdf.cannot_print(chr(code)) is None]
    fonts = {name: ImageFont.truetype(str(path), LARGE) for name, path in pdf.FONT_FILES.items()}
    return {name: {each: ink_of(each, font) for each in characters} for name, font in fonts.items()}


if __name__ == "__main__":
    FILE.write_text(json.dumps(table(), ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
