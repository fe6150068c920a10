"""gLabels' XML templates as stocks: read, checked by the same rules as our own files, refused where they do not add up.

The format is that of the template database of gLabels (glabels-templates): lengths are a number and pt, in, mm, cm or
pc, without a unit points; an ``equiv`` names another part of the same brand with the same layout.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from compounding.documents.stocks import SHEET_UNPRINTABLE_MM, Stock, stock_of
from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem

MM_PER_UNIT = {"": 25.4 / 72, "pt": 25.4 / 72, "in": 25.4, "mm": 1.0, "cm": 10.0, "pc": 25.4 / 6}
LENGTH = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(pt|in|mm|cm|pc|)\s*")
PAGES_MM = {
    "A4": (210, 297),
    "US-Letter": (215.9, 279.4),
    "US-Legal": (215.9, 355.6),
    "A5": (148, 210),
    "A3": (297, 420),
}
MEDIA = {"US-Letter": "Letter", "US-Legal": "Legal"}
# Whatever someone hands us: the whole database of gLabels has 1.3 million characters.
LARGEST = 20_000_000
MARGIN_MM = 1.5
# A sheet goes through a laser printer, a roll through a thermal one.
SHEET_DOTS_PER_INCH = 600
ROLL_DOTS_PER_INCH = 203


@dataclass(frozen=True)
class Found:
    """One template of a file: the stock that it makes, or why it makes none.

    Args:
        part: brand and part, as they are written: ``Avery 5163``.
        toml: the text of the stock's file.
    """

    part: str
    stock: Stock | None
    toml: str
    problem: Problem | None


def read_glabels(data: bytes, where: str) -> tuple[Found, ...]:
    """Every template of a file, in its order.

    Args:
        data: XML, or XML that gzip packed.
        where: the file's name, for messages.

    Raises:
        NotUnderstood: this is no such file.
    """
    root = _root(data, where)
    if _name(root) != "Glabels-templates":
        raise _not_understood(where, f"it holds <{_name(root)[:40]}>, not <Glabels-templates>")
    templates = [element for element in root if _name(element) == "Template"]
    if not templates:
        raise _not_understood(where, "it holds no <Template>")
    known = {(each.get("brand", ""), each.get("part", "")): each for each in templates}
    return tuple(_found(template, known, Path(where)) for template in templates)


def _root(data: bytes, where: str) -> ElementTree.Element:
    if data[:2] == b"\x1f\x8b":
        try:
            unpacked = zlib.decompressobj(wbits=31)
            data = unpacked.decompress(data, LARGEST + 1)
        except (zlib.error, gzip.BadGzipFile) as error:
            raise _not_understood(where, f"gzip cannot unpack it: {error}") from None
    if len(data) > LARGEST:
        raise _not_understood(where, f"it has more than {LARGEST:,} characters")
    # A declared entity could unfold to gigabytes, or fetch another file; the database declares none.
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise _not_understood(where, "it declares a document type, which templates do not need")
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise _not_understood(where, f"it is not XML: {error}") from None


def _not_understood(where: str, why: str) -> NotUnderstood:
    text = f"{where} is no file of gLabels templates: {why}. Give a *-templates.xml of gLabels, packed by gzip or not"
    return NotUnderstood(Problem("stocks.not-glabels", text, where))


def _name(element: ElementTree.Element) -> str:
    """The element's name without its namespace: some of gLabels' own files have one, some have none."""
    return element.tag.rpartition("}")[2]


def _found(template: ElementTree.Element, known: dict[tuple[str, str], ElementTree.Element], where: Path) -> Found:
    brand, part = template.get("brand", ""), template.get("part", "")
    called = f"{brand} {part}".strip()
    try:
        values = _values(template, known, called)
        stock = stock_of(dict(values), where)
    except NotUnderstood as refused:
        text = refused.problems[0].text.removeprefix(f"{where.name}: ")
        return Found(called, None, "", Problem("stocks.does-not-add-up", f"{called}: {text}", called))
    except _Unusable as why:
        return Found(called, None, "", Problem("stocks.unusable", f"{called}: {why}", called))
    return Found(called, stock, _toml(values, called), None)


class _Unusable(Exception):
    """A template that makes no stock, with the reason."""


def _values(
    template: ElementTree.Element, known: dict[tuple[str, str], ElementTree.Element], called: str
) -> dict[str, Any]:
    """The keys of a stock file."""
    meant, size = _meant(template, known)
    page = _page(meant, size)
    labels = [element for element in meant if _name(element).startswith("Label-")]
    if len(labels) != 1:
        raise _Unusable(f"it has {len(labels)} shapes of labels, not one. Measure the sheet and write a stock file.")
    label = labels[0]
    if _name(label) != "Label-rectangle":
        shape = _name(label).removeprefix("Label-")
        raise _Unusable(f"its labels are {shape}; words and warning need a rectangle. Choose another stock.")
    width, height = (_length(label, key) for key in ("width", "height"))
    layouts = [_layout(each, width, height) for each in label if _name(each) == "Layout"]
    if not layouts:
        raise _Unusable("it has no Layout: nothing says where the labels lie.")
    slug = re.sub(r"[^a-z0-9.]+", "-", called.lower()).strip("-")
    is_roll = page is None
    values: dict[str, Any] = {"id": slug, "name": called, "kind": "roll" if is_roll else "sheet"}
    if page:
        values["page_mm"] = list(page)
    values |= {
        "label_mm": [width, height],
        "margin_mm": MARGIN_MM if is_roll or page is None else _margin(layouts, width, height, page),
        "dots_per_inch": ROLL_DOTS_PER_INCH if is_roll else SHEET_DOTS_PER_INCH,
        "media": MEDIA.get(size, size) if not is_roll else "",
    }
    if len(layouts) > 1:
        values["layout"] = [layout.values for layout in layouts]
    elif not is_roll:
        values |= layouts[0].values
    values["sources"] = ["label-stock-glabels"]
    return values


def _meant(
    template: ElementTree.Element, known: dict[tuple[str, str], ElementTree.Element]
) -> tuple[ElementTree.Element, str]:
    """The template that an alias stands for, through aliases of aliases; its page's size."""
    brand, seen = template.get("brand", ""), set()
    while equiv := template.get("equiv"):
        if equiv in seen or (brand, equiv) not in known:
            why = "leads in a circle" if equiv in seen else "is not in this file"
            raise _Unusable(f"equiv={equiv!r} {why}.")
        seen.add(equiv)
        template = known[brand, equiv]
    return template, template.get("size", "")


def _page(template: ElementTree.Element, size: str) -> tuple[float, float] | None:
    """Width and height of the sheet [mm]; nothing for a roll."""
    if template.get("roll_width") or size.lower() == "roll":
        return None
    if size.lower() in ("other", ""):
        return _length(template, "width"), _length(template, "height")
    if size not in PAGES_MM:
        raise _Unusable(f"size={size!r} is no page known here. There are: {', '.join(PAGES_MM)}, Other, roll.")
    return PAGES_MM[size]


def _length(element: ElementTree.Element, key: str) -> float:
    """A length [mm], to a thousandth."""
    said = element.get(key, "")
    found = LENGTH.fullmatch(said)
    if not found:
        raise _Unusable(f"{_name(element)} {key}={said!r} is not a length such as 25.4mm.")
    return round(float(found[1]) * MM_PER_UNIT[found[2]], 3)


@dataclass(frozen=True)
class _Layout:
    """Labels in columns and rows; lengths in millimetres."""

    columns: int
    rows: int
    x: float
    y: float
    dx: float
    dy: float

    @property
    def values(self) -> dict[str, object]:
        """As a stock file holds it."""
        corner, pitch = [self.x, self.y], [self.dx, self.dy]
        return {"columns": self.columns, "rows": self.rows, "corner_mm": corner, "pitch_mm": pitch}


def _layout(element: ElementTree.Element, width: float, height: float) -> _Layout:
    columns, rows = (_count(element, key) for key in ("nx", "ny"))
    # With one column the pitch says nothing; some files hold 0 there.
    across = _length(element, "dx") if columns > 1 else width
    along = _length(element, "dy") if rows > 1 else height
    return _Layout(columns, rows, _length(element, "x0"), _length(element, "y0"), across, along)


def _count(element: ElementTree.Element, key: str) -> int:
    said = element.get(key, "")
    if not re.fullmatch(r"\d{1,3}", said) or int(said) < 1:
        raise _Unusable(f"{_name(element)} {key}={said!r} is not a number of labels.")
    return int(said)


def _margin(layouts: list[_Layout], width: float, height: float, page: tuple[float, float]) -> float:
    """The strip of each label that stays white: wide enough for what the printer leaves white of the sheet [mm]."""
    margin = MARGIN_MM
    for layout in layouts:
        right = page[0] - (layout.x + (layout.columns - 1) * layout.dx + width)
        bottom = page[1] - (layout.y + (layout.rows - 1) * layout.dy + height)
        for reach, side in zip(SHEET_UNPRINTABLE_MM, (layout.x, layout.y, right, bottom), strict=True):
            margin = max(margin, reach - max(side, 0.0))
    return round(margin, 3)


def _toml(values: dict[str, Any], called: str) -> str:
    """The text of a stock file."""
    lines = [f"# {called}, read from a gLabels template. Sheets differ by up to 1 mm: print a calibration page first."]
    layouts = values.get("layout", [])
    lines += [f"{key} = {_said(value)}" for key, value in values.items() if key != "layout"]
    for layout in layouts:
        lines += ["", "[[layout]]", *(f"{key} = {_said(value)}" for key, value in layout.items())]
    return "\n".join(lines) + "\n"


def _said(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_said(each) for each in value)}]"
    if isinstance(value, float):
        return format(Decimal(str(value)).normalize(), "f")
    # JSON's strings are TOML's: quotes, backslashes and control characters are escaped alike.
    return json.dumps(value, ensure_ascii=False)


def some(found: tuple[Found, ...], parts: tuple[str, ...]) -> Iterator[Found]:
    """The templates whose part, or brand and part, was asked for; all without a wish.

    Raises:
        NotUnderstood: a part is not in the file.
    """
    wanted = {part.casefold() for part in parts}
    chosen = [each for each in found if not parts or _answers(each, wanted)]
    for part in parts:
        if not any(_answers(each, {part.casefold()}) for each in found):
            text = f"{part} is not in this file. It holds {len(found)} parts, such as {found[0].part}"
            raise NotUnderstood(Problem("stocks.unknown-part", text, part))
    yield from chosen


def _answers(found: Found, wanted: set[str]) -> bool:
    called = found.part.casefold()
    return called in wanted or any(called.endswith(f" {part}") for part in wanted)
