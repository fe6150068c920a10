"""The ink table that the proof relies on says what the fonts blacken."""

from __future__ import annotations

import importlib.util
import json
import random
from pathlib import Path

from PIL import ImageFont

from compounding.documents import pdf

SCRIPT = Path(__file__).parents[2] / "scripts" / "font_ink.py"


def test_the_ink_table_is_what_the_fonts_blacken() -> None:
    spec = importlib.util.spec_from_file_location("font_ink", SCRIPT)
    assert spec and spec.loader
    font_ink = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(font_ink)
    stored = json.loads(font_ink.FILE.read_text(encoding="utf-8"))
    for name, path in pdf.FONT_FILES.items():
        font = ImageFont.truetype(str(path), font_ink.LARGE)
        sample = [*"naltrexone 0123456789.%°", *random.Random(905).sample(sorted(stored[name]), 100)]
        assert {each: stored[name][each] for each in sample} == {each: font_ink.ink_of(each, font) for each in sample}
