"""A column of values in a file that an instrument or a spreadsheet wrote: CSV or XLSX. The dialect is stated, not guessed.

The home of openpyxl as far as it reads; it is imported when a workbook is read and never before.
"""

from __future__ import annotations

import csv
import hashlib
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any, Final

from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem
from compounding.work.readings import Row

# A column of thirty values takes a few kB; what is far beyond is another file, or made to do harm.
LARGEST_FILE: Final = 1024 * 1024
LARGEST_UNPACKED: Final = 4 * 1024 * 1024
MOST_ROWS, MOST_COLUMNS, MOST_MERGED = 10_000, 200, 10_000


@dataclass(frozen=True)
class Layout:
    """Where the values stand, and how they are written.

    Args:
        column: the heading above them; None where the file has one column and no heading.
        sheet: the sheet of a workbook; None where it has one.
        delimiter: what separates the cells of a CSV.
        decimal: its decimal sign.
    """

    column: str | None = None
    sheet: str | None = None
    delimiter: str = ","
    decimal: str = "."


@dataclass(frozen=True)
class _Line:
    """One row of a table: how each cell is called, and what stands in it."""

    name: str
    cells: tuple[Row, ...]

    @property
    def blank(self) -> bool:
        return not any(cell.text.strip() for cell in self.cells)


def column_of(content: bytes, name: str, layout: Layout) -> tuple[Row, ...]:
    """The values of one column, in order.

    Args:
        content: the file.
        name: what the file is called.
        layout: where the values stand, and how they are written.

    Raises:
        NotUnderstood: not such a file, or the column is not there, or a cell in it is no plain value.
    """
    lines = _lines(content, name, layout)
    return tuple(_under_heading(lines, name, layout.column) if layout.column else _only_column(lines, name))


def table_of(content: bytes, name: str, layout: Layout) -> tuple[list[tuple[str, dict[str, str]]], list[Problem]]:
    """Rows under the headings of the first row: where each stands, and the text of each cell that is not empty.

    Returns:
        The rows, and a problem for every row that has too many or too few cells, or a cell that is no plain value.

    Raises:
        NotUnderstood: not such a file, nothing in it, or a heading is missing or stands there twice.
    """
    lines = _lines(content, name, layout)
    if not lines:
        raise _wrong("file.empty", f"{name} is empty: the first row holds the headings", name)
    headings = [_plain(cell).text.strip().lower().replace(" ", "_").replace("-", "_") for cell in lines[0].cells]
    while headings and not headings[-1]:
        headings.pop()
    again = sorted({each for each in headings if headings.count(each) > 1})
    if again:
        text = f"{name} has the heading {_cut(again[0])} twice or more, or a column without one: give each its own"
        raise _wrong("column.twice", text, name)
    rows, problems = [], []
    for line in lines[1:]:
        beyond = [cell for cell in line.cells[len(headings) :] if cell.text.strip()]
        if beyond or len(line.cells) < len(headings):
            text = (
                f"{line.name} of {name} has {len(line.cells)} cells under {len(headings)} headings. If a decimal comma "
                "divided a number, state the dialect: --delimiter ';'"
            )
            problems.append(Problem("column.cells", text, line.name))
            continue
        try:
            cells = {head: _plain(cell).text.strip() for head, cell in zip(headings, line.cells, strict=False)}
        except NotUnderstood as refusal:
            problems += refusal.problems
            continue
        rows.append((line.name, {head: text for head, text in cells.items() if text}))
    return rows, problems


def _lines(content: bytes, name: str, layout: Layout) -> list[_Line]:
    """The rows of a file that hold anything."""
    if len(content) > LARGEST_FILE:
        raise _wrong("file.too-large", f"{name} has {len(content):,} bytes: at most {LARGEST_FILE:,} are read", name)
    if content.startswith(b"PK\x03\x04"):
        lines = _lines_of_workbook(content, name, layout)
    elif content.startswith(b"\xd0\xcf\x11\xe0"):
        raise _wrong("file.format", f"{name} is an old workbook (.xls): save it as .xlsx or CSV", name)
    else:
        if layout.sheet:
            raise _wrong("file.sheet", f"{name} is text and has no sheets: leave --sheet out", name)
        lines = _lines_of_text(content, name, layout)
    return [line for line in lines if not line.blank]


def digest_of_file(content: bytes) -> str:
    """The SHA-256 of a file, by which a record names the very file that was read."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _only_column(lines: Sequence[_Line], name: str) -> Iterator[Row]:
    for line in lines:
        filled = [cell for cell in line.cells if cell.text.strip()]
        if len(line.cells) != 1 and not (len(filled) == 1 and line.cells[0] is filled[0]):
            text = (
                f"{line.name} of {name} has {len(line.cells)} cells: name the column with --column. If a decimal comma "
                "divided a number, state the dialect: --delimiter ';' --decimal ','"
            )
            raise _wrong("column.missing", text, line.name)
        cell = filled[0]
        if line is lines[0] and not re.search(r"[0-9]|^S ", cell.text):
            text = f"{line.name} of {name} is {_cut(cell.text)}: if that heads the values, name it with --column"
            raise _wrong("column.heading", text, line.name)
        yield _plain(cell)


def _under_heading(lines: Sequence[_Line], name: str, heading: str) -> Iterator[Row]:
    """The cells below a heading; what stands above it, such as the instrument's name, is left aside."""
    at = next((at for at, line in enumerate(lines) if any(_says(cell, heading) for cell in line.cells)), None)
    if at is None:
        first = (
            ", ".join(cell.text.strip() for cell in lines[0].cells if cell.text.strip())[:200] if lines else "nothing"
        )
        text = f"{name} has no column {heading}: its first row has {first}. Check --column, --sheet and --delimiter"
        raise _wrong("column.unknown", text, heading)
    places = [place for place, cell in enumerate(lines[at].cells) if _says(cell, heading)]
    if len(places) > 1:
        raise _wrong("column.twice", f"{name} has {len(places)} columns {heading}: give each its own name", heading)
    width = len(lines[at].cells)
    for line in lines[at + 1 :]:
        if len(line.cells) != width:
            text = (
                f"{line.name} of {name} has {len(line.cells)} cells under {width} headings. If a decimal comma divided "
                "a number, state the dialect: --delimiter ';' --decimal ','"
            )
            raise _wrong("column.cells", text, line.name)
        cell = line.cells[places[0]]
        if not cell.text.strip():
            text = f"{_capital(cell.where)} of {name} is empty among values: fill it in, or take the row out"
            raise _wrong("column.empty-cell", text, cell.where)
        yield _plain(cell)


def _says(cell: Row, heading: str) -> bool:
    return cell.text.strip() == heading.strip()


def _plain(cell: Row) -> Row:
    if isinstance(cell, _Spoiled):
        raise _wrong(cell.code, f"{_capital(cell.where)} {cell.why}", cell.where)
    return cell


# ---- text ----


def _lines_of_text(content: bytes, name: str, layout: Layout) -> list[_Line]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _wrong("file.format", f"{name} is UTF-16 text: save it as CSV in UTF-8", name)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _wrong(
            "file.not-text", f"{name} is no workbook and no UTF-8 text: save it as CSV in UTF-8", name
        ) from None
    reader = csv.reader(StringIO(text, newline=""), delimiter=layout.delimiter, strict=True)
    lines = []
    try:
        for cells in reader:
            row = f"row {reader.line_num}"
            lines.append(_Line(_capital(row), tuple(Row(row, cell, layout.decimal) for cell in cells)))
    except csv.Error as error:
        raise _wrong("file.not-csv", f"{name}, row {reader.line_num}: {error}. Mend that row", name) from None
    return lines


# ---- workbooks ----


def _lines_of_workbook(content: bytes, name: str, layout: Layout) -> list[_Line]:
    from openpyxl import load_workbook

    _check_package(content, name)
    try:
        book = load_workbook(BytesIO(content), data_only=False, keep_links=False)
    except Exception:  # openpyxl has no exception of its own for a broken package: it raises whatever it stumbles on
        raise _wrong("file.not-workbook", f"{name} is not a workbook that can be read: save it again", name) from None
    names = [sheet.title for sheet in book.worksheets]
    if layout.sheet is None and len(names) != 1:
        raise _wrong("file.sheet", f"{name} has the sheets {', '.join(names)}: name one with --sheet", name)
    if layout.sheet is not None and layout.sheet not in names:
        raise _wrong("file.sheet", f"{name} has no sheet {layout.sheet}: it has {', '.join(names)}", name)
    sheet = book[layout.sheet or names[0]]
    if sheet.max_row > MOST_ROWS or sheet.max_column > MOST_COLUMNS:
        text = f"{name} has {sheet.max_row:,} rows and {sheet.max_column:,} columns: give a sheet with the values alone"
        raise _wrong("file.too-large", text, name)
    merged = {place for area in sheet.merged_cells.ranges for row in area.rows for place in row}
    lines = []
    for number, row in enumerate(sheet.iter_rows(), 1):
        cells = tuple(_cell(cell, (cell.row, cell.column) in merged, layout.decimal) for cell in row)
        lines.append(_Line(f"Row {number}", cells))
    return lines


@dataclass(frozen=True)
class _Spoiled(Row):
    """A cell that holds no plain value; it is refused if it stands in the column that is read."""

    code: str = ""
    why: str = ""


def _cell(cell: Any, merged: bool, decimal: str) -> Row:
    """A cell as text: a number as a person sees it, to 15 significant digits, which is all that a workbook keeps."""
    where, value = f"cell {cell.coordinate}", cell.value
    if merged:
        return _Spoiled(where, str(value or "merged"), code="cell.merged", why="is merged with others: unmerge it")
    if value is None:
        return Row(where, "")
    if isinstance(value, date | datetime | time | timedelta):
        why = f"holds a date or time ({value}), perhaps a number that was taken for one: write the number as text"
        return _Spoiled(where, str(value), code="cell.date", why=why)
    if cell.data_type == "f" or isinstance(value, bool):
        what = "a formula" if cell.data_type == "f" else "true or false"
        return _Spoiled(where, str(value), code="cell.formula", why=f"holds {what}: paste the plain value")
    if cell.data_type == "e":
        return _Spoiled(where, str(value), code="cell.error", why=f"holds the error {value}: mend it")
    if isinstance(value, int | float):
        if "%" in cell.number_format:
            why = f"holds {value} and shows a percentage: write the percentage as a plain number"
            return _Spoiled(where, str(value), code="cell.percentage", why=why)
        return Row(where, f"{Decimal(f'{value:.15g}'):f}")
    return Row(where, str(value), decimal)


def _check_package(content: bytes, name: str) -> None:
    """A workbook is a package of parts; one that unpacks to far more than values need is not opened."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as package:
            parts = package.infolist()
            if sum(part.file_size for part in parts) > LARGEST_UNPACKED or len(parts) > 1000:
                raise _wrong(
                    "file.too-large", f"{name} unpacks to too much: give a workbook with the values alone", name
                )
            texts = [package.read(part) for part in parts if part.filename.endswith(".xml")]
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, ValueError):
        raise _wrong("file.not-workbook", f"{name} is not a workbook that can be read: save it again", name) from None
    # openpyxl makes every cell of a merged or linked area before anyone can ask how large it is.
    areas = [
        area for text in texts for area in re.findall(rb"(?:mergeCell|hyperlink)\s[^>]*?ref\s*=\s*[\"']([^\"']*)", text)
    ]
    if sum(map(_cells_in, areas)) > MOST_MERGED:
        raise _wrong(
            "file.too-large", f"{name} merges or links too many cells: give a workbook with the values alone", name
        )


def _cells_in(area: bytes) -> int:
    """How many cells an area such as ``A1:C5`` holds; one that cannot be read counts as too many."""
    found = re.fullmatch(rb"([A-Z]{1,3})([0-9]{1,7})(?::([A-Z]{1,3})([0-9]{1,7}))?", area)
    if not found:
        return MOST_MERGED + 1
    if not found[3]:
        return 1
    left, right = (sum((letter - 64) * 26**n for n, letter in enumerate(reversed(found[k]))) for k in (1, 3))
    return (abs(right - left) + 1) * (abs(int(found[4]) - int(found[2])) + 1)


def _wrong(code: str, text: str, where: str) -> NotUnderstood:
    return NotUnderstood(Problem(code, text, where))


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _cut(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:37]}...")
