"""Random labels read back as a scanner sees them: clean, turned, blurred, pale, and all of it at once.

    python benchmarks/barcodes.py [--labels 1000] [--seed 905] [--json] [--write]

Each label is laid out, drawn as PDF and rastered at 203, 300 and 600 dots per inch, in 1 bit as a printer burns it. The
clean page is read whole; the others are pictures of the symbol and a centimetre around it, nine points of a
camera to a module: turned by up to 10 degrees, blurred by 0.3 module, paled to a third of the contrast, and all three. The
exit code is 1 if one is not read, or is read as anything else.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import zxingcpp
from PIL import Image, ImageFilter, ImageOps

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from compounding.documents import barcode  # noqa: E402
from compounding.documents.boxes import Symbol  # noqa: E402
from compounding.documents.label import draw_label, layout_label  # noqa: E402
from compounding.documents.proof import burned  # noqa: E402
from compounding.documents.stocks import read_stock  # noqa: E402
from compounding.documents.templates import read_template  # noqa: E402
from compounding.records.label import LabelText  # noqa: E402
from compounding.rules import gs1  # noqa: E402
from compounding.work.labelling import label_id  # noqa: E402
from tests.documents.samples import CAPSULE, LIQUID  # noqa: E402

DOTS_PER_INCH = (203, 300, 600)
SEEN = 9  # points of the camera in one module
PALE = [100 + value // 3 for value in range(256)]
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZéøŁŠß"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=905)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    asked = parser.parse_args()
    begun = time.process_time()
    read, missed = reading(asked.labels, asked.seed)
    if asked.write:
        from page import write_table

        write_table("barcodes", table(read, asked.labels))
    if asked.json:
        print(
            json.dumps(
                {
                    "labels": asked.labels,
                    "read": {f"{dpi} {how}": n for (dpi, how), n in read.items()},
                    "missed": missed,
                }
            )
        )
    else:
        for (dots_per_inch, how), count in read.items():
            print(f"{dots_per_inch} dots per inch, {how:<18} {count} of {asked.labels} read")
        print(f"{time.process_time() - begun:.0f} s of CPU; missed: {', '.join(missed) or 'none'}")
    return 1 if missed else 0


def table(read: Counter[tuple[int, str]], labels: int) -> str:
    """How many of the labels were read, a row for each way they were seen in."""
    ways = list(dict.fromkeys(how for _, how in read))
    head = ["| read, of " + f"{labels:,}" + " | " + " | ".join(f"{dpi} dots per inch" for dpi in DOTS_PER_INCH) + " |"]
    rows = ["| " + " | ".join([how, *(f"{read[dpi, how]:,}" for dpi in DOTS_PER_INCH)]) + " |" for how in ways]
    return "\n".join([*head, "|" + "---|" * (len(DOTS_PER_INCH) + 1), *rows])


def reading(labels: int, seed: int) -> tuple[Counter[tuple[int, str]], list[str]]:
    """How many labels were read in each way, and those that were not, by resolution, way and what they hold."""
    chance = random.Random(seed)
    read: Counter[tuple[int, str]] = Counter()
    missed = []
    for _ in range(labels):
        for dots_per_inch in DOTS_PER_INCH:
            text, picture, module, symbol = label(chance, dots_per_inch)
            for how, seen in views(picture, symbol, module, chance):
                found = [each.text for each in zxingcpp.read_barcodes(seen)]
                read[dots_per_inch, how] += found == [text.encoded]
                if found != [text.encoded]:
                    missed.append(f"{dots_per_inch} {how} {text.encoded}")
    return read, missed


def label(chance: random.Random, dots_per_inch: int) -> tuple[LabelText, Image.Image, int, tuple[int, int, int, int]]:
    """A random label as it is burned: its words, its dots, the dots of a module, and where its symbol lies."""
    template = read_template()
    while True:
        id = label_id(chance.randrange(1, 10**7))
        batch = f"{chance.choice(('LDN', 'CAPS', 'B'))}-{chance.randrange(10000)}"
        day = f"2027-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}"
        long = [("01", "09501101530003"), ("17", day.replace("-", "")[2:]), ("10", batch), ("21", id)]
        with_number = chance.random() < 0.3
        text = replace(
            chance.choice((CAPSULE, LIQUID)),
            patient=" ".join(_word(chance) for _ in range(2)),
            prescription=str(chance.randrange(1, 10**8)),
            batch=batch,
            beyond_use_date=day,
            identifier=id,
            copy=chance.choice((1, 1, 1, 2)),
            element=gs1.bracketed(long) if with_number else "",
            symbology=chance.choice(("data-matrix", "data-matrix", "qr")) if with_number else "data-matrix",
        )
        stock = replace(read_stock("4x3" if with_number else "4x2"), dots_per_inch=dots_per_inch)
        page, _ = layout_label(text, stock, template)
        if page is None:
            continue
        (raster,) = burned(draw_label(page, title=text.identifier), dots_per_inch)
        picture = Image.frombytes("L", (raster.width, raster.height), raster.dots)
        symbol = next(mark for mark in page.marks if isinstance(mark, Symbol))
        left, top = symbol.x * raster.scale, (page.height - symbol.y - symbol.height) * raster.scale
        area = (
            round(left),
            round(top),
            round(left + symbol.width * raster.scale),
            round(top + symbol.height * raster.scale),
        )
        module = barcode.SYMBOLOGIES[text.symbology].dots[dots_per_inch]
        return text, picture.point([0] * 128 + [255] * 128), module, area


def views(
    picture: Image.Image, symbol: tuple[int, int, int, int], module: int, chance: random.Random
) -> Iterator[tuple[str, Image.Image]]:
    """The page itself, and the symbol as a camera may see it."""
    yield "clean", picture
    around = 9 * module
    # What lies beside the label is white paper.
    paper = ImageOps.expand(picture, around, 255)
    near = paper.crop((symbol[0], symbol[1], symbol[2] + 2 * around, symbol[3] + 2 * around))
    size = (round(near.width * SEEN / module), round(near.height * SEEN / module))
    fine = near.resize(size, Image.Resampling.BICUBIC)
    angle = chance.uniform(-10, 10)
    turned = fine.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    yield "turned", turned
    blur = ImageFilter.GaussianBlur(0.3 * SEEN)
    yield "blurred", fine.filter(blur)
    yield "pale", fine.point(PALE)
    yield "all three", turned.filter(blur).point(PALE)


def _word(chance: random.Random) -> str:
    return "".join(chance.choice(LETTERS) for _ in range(chance.randrange(2, 9))).capitalize()


if __name__ == "__main__":
    sys.exit(main())
