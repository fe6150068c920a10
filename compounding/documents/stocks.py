"""Label stocks: the rolls and sheets that labels are printed on, each checked when it is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from compounding.data_files import Table, data_folder, read_table
from compounding.problems import NotUnderstood, Problem

POINTS_PER_MM = 72 / 25.4


@dataclass(frozen=True)
class Stock:
    """One stock; lengths in points, counted from the upper left corner of the page.

    Args:
        id, name: ``4x2``, ``4 x 2 in roll``.
        kind: ``roll`` or ``sheet``.
        width, height: of one label.
        margin: the strip along each edge of a label that stays free of ink.
        dots_per_inch: of the printer; the barcode's modules are whole dots of it.
        page_width, page_height, left, top, pitch_x, pitch_y, columns, rows: where labels lie on the page.
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
    left: float = 0.0
    top: float = 0.0
    pitch_x: float = 0.0
    pitch_y: float = 0.0
    columns: int = 1
    rows: int = 1
    media: str = ""
    next_larger: str = ""


def read_stock(name: str, folder: Path | None = None) -> Stock:
    """The stock of that name, checked.

    Args:
        name: the file's name without ``.toml``.
        folder: a pharmacy's own folder of stocks; ours without it.

    Raises:
        NotUnderstood: there is no such stock, or its numbers do not add up.
    """
    if name not in stock_names(folder):
        text = f"{name} is not a label stock here. There are: {', '.join(stock_names(folder))}."
        raise NotUnderstood(Problem("data.unknown", text, name))
    return _stock(read_table((folder or data_folder("labels") / "stocks") / f"{name}.toml"))


def stock_names(folder: Path | None = None) -> tuple[str, ...]:
    """Names of the stocks there are."""
    return tuple(sorted(path.stem for path in (folder or data_folder("labels") / "stocks").glob("*.toml")))


def _stock(table: Table) -> Stock:
    kind = table.take("kind", str)
    if kind not in ("roll", "sheet"):
        raise table.wrong("kind", f"{kind!r} is neither roll nor sheet.")
    width, height = _pair(table, "label_mm")
    page_width, page_height = _pair(table, "page_mm") if kind == "sheet" else (width, height)
    corner = _pair(table, "corner_mm", [0, 0])
    pitch = _pair(table, "pitch_mm", [width / POINTS_PER_MM, height / POINTS_PER_MM])
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
        left=corner[0],
        top=corner[1],
        pitch_x=pitch[0],
        pitch_y=pitch[1],
        columns=table.take("columns", int, 1),
        rows=table.take("rows", int, 1),
        media=table.take("media", str, ""),
        next_larger=table.take("next_larger", str, ""),
    )
    table.take("sources", list)
    table.end()
    _check(stock, table)
    return stock


def _check(stock: Stock, table: Table) -> None:
    if min(stock.width, stock.height) <= 0 or min(stock.columns, stock.rows) < 1:
        raise table.wrong("label_mm", "width, height, columns and rows must be above zero.")
    if not _points(0.5) <= stock.margin <= min(stock.width, stock.height) / 4:
        raise table.wrong("margin_mm", "must lie between 0.5 mm and a quarter of the label's shorter side.")
    if stock.dots_per_inch not in (203, 300, 600):
        raise table.wrong("dots_per_inch", "must be 203, 300 or 600.")
    along = (
        ("columns", stock.left, stock.width, stock.pitch_x, stock.columns, stock.page_width),
        ("rows", stock.top, stock.height, stock.pitch_y, stock.rows, stock.page_height),
    )
    slack = _points(0.01)
    for key, first, size, pitch, count, page in along:
        if count > 1 and pitch < size - slack:
            raise table.wrong("pitch_mm", f"is smaller than the label: the {key} overlap.")
        if first < 0 or first + (count - 1) * pitch + size > page + slack:
            raise table.wrong(key, "run off the page: check page_mm, corner_mm, pitch_mm and label_mm.")


def _pair(table: Table, key: str, default: list[float] | None = None) -> tuple[float, float]:
    values = table.numbers(key, default)
    if len(values) != 2:
        raise table.wrong(key, "must hold two numbers, across and down.")
    return _points(values[0]), _points(values[1])


def _points(millimetres: float) -> float:
    return round(millimetres * POINTS_PER_MM, 4)
