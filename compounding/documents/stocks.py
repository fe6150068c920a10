"""Label stocks: the rolls and sheets that labels are printed on, each checked when it is read."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from compounding.data_files import Table, data_folder, read_table
from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem

POINTS_PER_MM = 72 / 25.4
# A laser printer leaves the outer sixth of an inch of a sheet white.
SHEET_UNPRINTABLE_MM = [4.2, 4.2, 4.2, 4.2]
# A roll of a pharmacy's own size prints as the common thermal printers do; a roll printer drifts about 1 mm.
OWN_SIZE = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)x(\d{1,3}(?:\.\d{1,3})?)(in|mm)")
OWN_MARGIN_MM = 1.2
OWN_DOTS_PER_INCH = 203
# No label or sheet is larger: A3 at most. What is mistyped would be drawn as millions of dots.
LONGEST_MM, LONGEST_PAGE_MM = 300.0, 420.0
# Rounding of numbers that are given in inches and millimetres.
SLACK = 0.01 * POINTS_PER_MM
# A label from this width on carries the warning larger: 4 inch rolls, and A4 sheets with two columns.
WIDE = 99 * POINTS_PER_MM


@dataclass(frozen=True)
class Grid:
    """Labels in columns and rows; lengths in points from the upper left corner of the page."""

    columns: int
    rows: int
    left: float
    top: float
    pitch_x: float
    pitch_y: float


@dataclass(frozen=True)
class Stock:
    """One stock; lengths in points, counted from the upper left corner of the page.

    Args:
        id, name: ``4x2``, ``4 x 2 in roll``.
        kind: ``roll`` or ``sheet``.
        width, height: of one label, without what its printer cannot reach.
        margin: the strip along each edge of a label that stays free of ink.
        dots_per_inch: of the printer; the barcode's modules are whole dots of it.
        page_width, page_height: of what goes through the printer: one label of a roll, or a sheet.
        grids: where labels lie on the page.
        area: of one whole label, what the printer cannot reach included.
        media: the printing system's name for the page.
        next_larger: id of the stock to try when a text does not fit.
    """

    id: str
    name: str
    kind: str
    width: float
    height: float
    margin: float
    dots_per_inch: int
    page_width: float
    page_height: float
    grids: tuple[Grid, ...]
    area: float
    media: str = ""
    next_larger: str = ""

    @property
    def places(self) -> tuple[tuple[float, float], ...]:
        """The upper left corner of every label, as they are counted: along each row, row by row."""
        return tuple(
            (grid.left + column * grid.pitch_x, grid.top + row * grid.pitch_y)
            for grid in self.grids
            for row in range(grid.rows)
            for column in range(grid.columns)
        )

    @property
    def is_wide(self) -> bool:
        """True for labels about 4 inches wide."""
        return self.width >= WIDE


def read_stock(name: str, folder: Path | None = None) -> Stock:
    """The stock of that name, checked.

    Args:
        name: the file's name without ``.toml``; or a size of a roll, such as ``83x54mm`` or ``3.27x2.14in``.
        folder: a pharmacy's own folder of stocks, which come before ours.

    Raises:
        NotUnderstood: there is no such stock, or its numbers do not add up.
    """
    files = stock_files(folder)
    if name in files:
        return _stock(read_table(files[name]))
    size = OWN_SIZE.fullmatch(name)
    if size:
        return _own_size(name, float(size[1]), float(size[2]), size[3])
    import difflib

    near = difflib.get_close_matches(name, files, n=1, cutoff=0.5)
    known = f"did you mean {near[0]}? compounding label stocks list names all" if near else f"there are {', '.join(sorted(files))}"
    text = f"{name} is not a label stock here: {known}; or write the size of a roll, such as 83x54mm."
    raise NotUnderstood(Problem("data.unknown", text, name))


def stock_files(folder: Path | None = None) -> dict[str, Path]:
    """The file of each stock by its name: ours, and a pharmacy's own in their place."""
    folders = [data_folder("labels") / "stocks", *([folder] if folder else [])]
    return {path.stem: path for each in folders for path in sorted(each.glob("*.toml"))}


def stock_names(folder: Path | None = None) -> tuple[str, ...]:
    """Names of the stocks there are."""
    return tuple(sorted(stock_files(folder)))


def _own_size(name: str, across: float, down: float, unit: str) -> Stock:
    millimetres = 25.4 if unit == "in" else 1.0
    values = {
        "id": name,
        "name": f"roll of {across:g} x {down:g} {unit}",
        "kind": "roll",
        "label_mm": [across * millimetres, down * millimetres],
        "margin_mm": OWN_MARGIN_MM,
        "dots_per_inch": OWN_DOTS_PER_INCH,
        "media": f"Custom.{across:g}x{down:g}{unit}",
        "sources": [],
    }
    return _stock(Table(values, Path(name)))


def stock_of(values: dict[str, object], file: Path) -> Stock:
    """A stock from the keys of a stock file, checked as one that is read.

    Raises:
        NotUnderstood: the numbers do not add up.
    """
    return _stock(Table(values, file))


def _stock(table: Table) -> Stock:
    kind = table.take("kind", str)
    if kind not in ("roll", "sheet"):
        raise table.wrong("kind", f"{kind!r} is neither roll nor sheet.")
    width, height = _pair(table, "label_mm")
    page_width, page_height = _pair(table, "page_mm") if kind == "sheet" else (width, height)
    unprintable = _sides(table, kind)
    layouts = table.tables("layout") or [table]
    grids = tuple(_grid(each, width, height) for each in layouts)
    for each in layouts:
        if each is not table:
            each.end()
    stock = Stock(
        id=table.take("id", str),
        name=table.take("name", str),
        kind=kind,
        width=width,
        height=height,
        margin=_points(table.take("margin_mm", float)),
        dots_per_inch=table.take("dots_per_inch", int),
        page_width=page_width,
        page_height=page_height,
        grids=grids,
        area=width * height,
        media=table.take("media", str, ""),
        next_larger=table.take("next_larger", str, ""),
    )
    table.take("sources", list)
    table.end()
    _check(stock, table)
    _check_grids(stock, table)
    return _within_reach(stock, unprintable, table)


def _grid(table: Table, width: float, height: float) -> Grid:
    left, top = _pair(table, "corner_mm", [0, 0])
    pitch_x, pitch_y = _pair(table, "pitch_mm", [width / POINTS_PER_MM, height / POINTS_PER_MM])
    return Grid(table.take("columns", int, 1), table.take("rows", int, 1), left, top, pitch_x, pitch_y)


def _check(stock: Stock, table: Table) -> None:
    counts = [count for grid in stock.grids for count in (grid.columns, grid.rows)]
    if min(stock.width, stock.height) <= 0 or min(counts) < 1:
        raise table.wrong("label_mm", "width, height, columns and rows must be above zero.")
    if max(stock.width, stock.height) > _points(LONGEST_MM):
        raise table.wrong("label_mm", f"is no label's size: a side is at most {LONGEST_MM:g} mm.")
    if max(stock.page_width, stock.page_height) > _points(LONGEST_PAGE_MM):
        raise table.wrong("page_mm", f"is no sheet's size: a side is at most {LONGEST_PAGE_MM:g} mm.")
    if not _points(0.5) <= stock.margin <= min(stock.width, stock.height) / 4:
        raise table.wrong("margin_mm", "must lie between 0.5 mm and a quarter of the label's shorter side.")
    if stock.dots_per_inch not in (203, 300, 600):
        raise table.wrong("dots_per_inch", "must be 203, 300 or 600.")


def _check_grids(stock: Stock, table: Table) -> None:
    """Labels do not overlap and lie on the page."""
    for grid in stock.grids:
        along = (
            ("columns", grid.left, stock.width, grid.pitch_x, grid.columns, stock.page_width),
            ("rows", grid.top, stock.height, grid.pitch_y, grid.rows, stock.page_height),
        )
        for key, first, size, pitch, count, page in along:
            if count > 1 and pitch < size - SLACK:
                raise table.wrong(
                    "pitch_mm", f"{_mm(pitch)} mm is smaller than the label, {_mm(size)} mm: the {key} overlap."
                )
            end = first + (count - 1) * pitch + size
            if first < 0 or end > page + SLACK:
                raise table.wrong(
                    key,
                    f"run off the page: they reach from {_mm(first)} mm to {_mm(end)} mm, the page has {_mm(page)} mm. "
                    "Check page_mm, corner_mm, pitch_mm and label_mm.",
                )
    places = stock.places if len(stock.grids) > 1 else ()
    for number, (left, top) in enumerate(places):
        for other, (next_left, next_top) in enumerate(places[number + 1 :], number + 1):
            across = stock.width - abs(left - next_left)
            down = stock.height - abs(top - next_top)
            if min(across, down) > SLACK:
                raise table.wrong(
                    "layout", f"labels {number + 1} and {other + 1} overlap. Check corner_mm and pitch_mm."
                )


def _within_reach(stock: Stock, unprintable: tuple[float, ...], table: Table) -> Stock:
    """The stock whose every label, within its margin, lies where the printer can print.

    A roll's label gives up the strip that its printer cannot reach; on a sheet the margin has to hold it.
    """
    left, top, right, bottom = unprintable
    if stock.kind == "roll":
        left, top, right, bottom = (max(0.0, side - stock.margin) for side in unprintable)
        width, height = stock.width - left - right, stock.height - top - bottom
        if min(width, height) <= 4 * stock.margin:
            raise table.wrong("unprintable_mm", "leaves nothing of the label to print on.")
        grids = tuple(replace(grid, left=grid.left + left, top=grid.top + top) for grid in stock.grids)
        return replace(stock, width=width, height=height, grids=grids)
    for number, (x, y) in enumerate(stock.places, 1):
        inside = stock.margin + SLACK
        if (
            x + inside < left
            or y + inside < top
            or x + stock.width - inside > stock.page_width - right
            or y + stock.height - inside > stock.page_height - bottom
        ):
            raise table.wrong(
                "unprintable_mm",
                f"label {number} reaches with its printed part into the strip at the sheet's edge that the printer "
                "leaves white. Make margin_mm wider, or correct corner_mm.",
            )
    return stock


def _sides(table: Table, kind: str) -> tuple[float, ...]:
    """What the printer cannot reach of the page: left, top, right, bottom."""
    values = table.numbers("unprintable_mm", SHEET_UNPRINTABLE_MM if kind == "sheet" else [0, 0, 0, 0])
    if len(values) != 4 or min(values) < 0:
        raise table.wrong("unprintable_mm", "must hold four numbers of 0 or more: left, top, right, bottom.")
    return tuple(_points(value) for value in values)


def _pair(table: Table, key: str, default: list[float] | None = None) -> tuple[float, float]:
    values = table.numbers(key, default)
    if len(values) != 2:
        raise table.wrong(key, "must hold two numbers, across and down.")
    return _points(values[0]), _points(values[1])


def _points(millimetres: float) -> float:
    return round(millimetres * POINTS_PER_MM, 4)


def _mm(points: float) -> str:
    return f"{points / POINTS_PER_MM:.2f}"
