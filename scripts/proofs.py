"""Every kind of label on a stock that it fits, on one picture to look at: docs/pictures/labels.png.

    PYTHONPATH=. python scripts/proofs.py

The labels are drawn, proved and rendered as a printer would; all names and numbers are invented.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypdfium2
from PIL import Image, ImageDraw, ImageFont

from compounding.documents.label import draw_label, layout_set
from compounding.documents.pdf import FONT_FILES
from compounding.documents.profiles import read_profile
from compounding.documents.proof import prove_label
from compounding.documents.sheets import imposed, places
from compounding.documents.stocks import read_stock
from compounding.documents.templates import read_template, under
from compounding.documents.texts import read_warning
from compounding.records.label import LabelText
from tests.documents.samples import FULL, LIQUID, SAY, TITRATION

PICTURE = Path(__file__).parent.parent / "docs" / "pictures" / "labels.png"
DOTS_PER_INCH = 203
WIDTH = 2540
GAP = 26
CAPTION = 26

LIQUIDS = replace(FULL, **{name: getattr(LIQUID, name) for name in ("strength", "dosage_form", "directions", "quantity", "batch", "storage", "auxiliary")})
SPANISH = replace(
    FULL,
    drug="naltrexona clorhidrato",
    dosage_form="cápsula",
    directions="Tome 1 cápsula por la boca al acostarse.",
    purpose="dolor crónico",
    quantity="30 cápsulas",
    storage="Conservar entre 20 °C y 25 °C (68 °F y 77 °F).",
    route="Vía oral.",
    warning=read_warning("opioid", "es"),
    auxiliary=("Manténgase fuera del alcance de los niños.",),
    compounded_statement="Preparado magistral",
)
SHOWN: tuple[tuple[str, str, LabelText, str], ...] = (
    ("prescription", "4x2", FULL, "en"),
    ("prescription", "4x2", LIQUIDS, "en"),
    ("prescription", "4x3", replace(FULL, directions=TITRATION), "en"),
    ("prescription", "4x3", SPANISH, "es"),
    ("bottle", "4x3", replace(LIQUIDS, auxiliary=(SAY["shake-well"], SAY["oral-syringe"])), "en"),
    ("syringe", "4x2", LIQUIDS, "en"),
    ("syringe", "3x2", LIQUIDS, "en"),
    ("three-piece", "2.25x1.25", FULL, "en"),
    ("two-piece", "3x2", LIQUIDS, "en"),
    ("two-piece", "L7160", FULL, "en"),
    ("bulk", "4x2", LIQUIDS, "en"),
    ("quarantine", "3x2", FULL, "en"),
    ("quarantine", "4x2", FULL, "en"),
    ("released", "3x2", FULL, "en"),
    ("sample", "3x2", replace(FULL, quantity="10 capsules"), "en"),
    ("bulk", "brother-62x100", FULL, "en"),
    ("bulk-two-piece", "2.25x1.25", replace(FULL, quantity="10 capsules", status="NOT RELEASED"), "en"),
    ("sample-two-piece", "2x1", replace(FULL, quantity="10 capsules"), "en"),
    ("auxiliary", "1.5x0.5", replace(FULL, sentence=SAY["shake-well"]), "en"),
    ("auxiliary", "1.5x0.5", FULL, "en"),
    ("auxiliary", "2x1", FULL, "en"),
)


def pictures() -> list[tuple[str, Any]]:
    """A caption and a picture for each label."""
    found = []
    for name, stock_name, text, language in SHOWN:
        template = under(read_template(name, language=language), read_profile("us-ca"))
        stock = read_stock(stock_name)
        laid, problems = layout_set(text, stock, template)
        if not laid:
            sys.exit(f"{name} on {stock_name}: {problems[0].text}")
        for page, own in laid:
            at = places(stock, 1, 1)
            document = draw_label(imposed([page], stock, at)[0], title=text.identifier)
            faults = prove_label(document, text, stock, own, place=at[0])
            if faults:
                sys.exit(f"{name} on {stock_name}: {faults[0].text}")
            rendered = pypdfium2.PdfDocument(document)[0].render(scale=DOTS_PER_INCH / 72, grayscale=True)
            left, top, right, bottom = (
                round(length * DOTS_PER_INCH / 72)
                for length in (at[0].left, at[0].top, at[0].left + stock.width, at[0].top + stock.height)
            )
            picture = rendered.to_pil().crop((left, top, right, bottom))
            found.append((f"{own.name}, {stock.name}{' (es)' if language == 'es' else ''}", picture))
    return found


def main() -> None:
    """Paste the labels row by row, each with its caption above."""
    caption = ImageFont.truetype(str(FONT_FILES["regular"]), 18)
    places_, x, y, deep = [], GAP, GAP, 0
    for words, picture in pictures():
        if x + picture.width + GAP > WIDTH:
            x, y, deep = GAP, y + deep + CAPTION + GAP, 0
        places_.append((words, picture, x, y))
        x, deep = x + max(picture.width, int(caption.getlength(words))) + GAP, max(deep, picture.height)
    sheet = Image.new("L", (WIDTH, y + deep + CAPTION + GAP), 215)
    draw = ImageDraw.Draw(sheet)
    for words, picture, left, top in places_:
        draw.text((left, top), words, font=caption, fill=0)
        sheet.paste(picture, (left, top + CAPTION))
    sheet.quantize(8).save(PICTURE, optimize=True)
    print(f"{len(places_)} labels on {PICTURE.relative_to(PICTURE.parents[2])}")


if __name__ == "__main__":
    main()
