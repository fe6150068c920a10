"""Lists as files for other programs: CSV and XLSX. The home of openpyxl, as far as it writes.

A cell is text and never a formula: a supplier's lot called ``=1+1`` must not be computed by whoever opens the list.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

# What a spreadsheet program takes for the beginning of a formula, or skips to find one (owasp-csv-injection).
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def defused(text: str) -> str:
    """A text that no spreadsheet program computes: an apostrophe goes before what would begin a formula.

    Example:
        >>> defused("=HYPERLINK(1)"), defused("1.5 mg")
        ("'=HYPERLINK(1)", '1.5 mg')

    Source:
        owasp-csv-injection
    """
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) else text


def csv_text(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows as RFC 4180 writes them: commas, quotes where they are needed, lines ended by CR LF."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(head)
    writer.writerows([defused(cell) for cell in row] for row in rows)
    return written.getvalue()


def workbook(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """Rows as a workbook of one sheet: titles in bold and kept in view, columns as wide as their texts."""
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title[:31]  # the most that a sheet's name may have
    for number, row in enumerate((head, *rows), 1):
        for column, text in enumerate(row, 1):
            cell = sheet.cell(number, column, text)
            cell.data_type = "s"  # text, whatever it begins with
            cell.font = Font(bold=number == 1)
    for column in range(1, len(head) + 1):
        width = max(len(row[column - 1]) for row in (head, *rows))
        sheet.column_dimensions[get_column_letter(column)].width = min(60, width + 2)
    sheet.freeze_panes = "A2"
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()
