"""How results are shown: text for people on standard output, or one JSON object."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")


def emit(data: dict[str, Any]) -> None:
    """Write one JSON object; percentages become numbers here and nowhere before."""
    click.echo(json.dumps(_numbers(data), ensure_ascii=False, indent=1))


def _numbers(data: Any, key: str = "") -> Any:
    if isinstance(data, dict):
        return {name: _numbers(value, name) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_numbers(each, key) for each in data]
    if isinstance(data, str) and (key.endswith("_percent") or key == "tablets_exact"):
        value = Decimal(data)
        return int(value) if value == value.to_integral_value() else float(value)
    return data


def columns() -> int | None:
    """How many letters a line of the terminal has; None where the result goes into a file or a pipe, which cuts nothing."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def say(text: str) -> None:
    """Write a result for people; on a terminal no word is broken at its edge."""
    width = columns()
    click.echo(fitted(text, width) if width else text)


def fitted(text: str, width: int) -> str:
    """Text whose lines fit, broken between words; what goes on stands under what it belongs to.

    Example:
        >>> print(fitted("  capsule   size 3 of coni-snap, packed 100 %", 30))
          capsule   size 3 of
                    coni-snap, packed
                    100 %
    """
    return "\n".join(_folded(line, width) for line in text.split("\n"))


def _folded(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    import textwrap

    beside = re.match(r" *\S+(?: \S+)* {2,}(?=\S)| *(?:[!*]|[0-9]+\.) +", line)  # a name and its text; a numbered step
    under = beside.end() if beside and beside.end() <= width // 2 else len(line) - len(line.lstrip()) + 2
    begin, rest = (line[: beside.end()], line[beside.end() :]) if beside else ("", line.lstrip())
    begin = begin or line[: len(line) - len(rest)]
    return textwrap.fill(
        rest, width, initial_indent=begin, subsequent_indent=" " * under, break_long_words=False, break_on_hyphens=False
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Text in columns; the columns named in ``right`` are numbers and stand flush right.

    Where the columns do not fit the terminal each row is a block of lines, one for each of its cells.
    """
    cells = [list(head), *[list(row) for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    room = columns()
    if room and sum(widths) + 2 * (len(head) - 1) > room:
        return blocks(head, rows)
    lines = []
    for row in cells:
        parts = [
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(parts).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def blocks(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Each row as lines of a title and its cell; a row that goes on with an empty first cell joins the one before.

    Example:
        >>> print(blocks(("lot", "left"), [("TAB-1", "94 tablets"), ("MCC-1", "80 g")]))
        lot   TAB-1
        left  94 tablets
        <BLANKLINE>
        lot   MCC-1
        left  80 g
    """
    width = max(map(len, head))
    whole: list[list[str]] = []
    for row in rows:
        if row[0] or not whole:
            whole.append(list(row))
        else:
            whole[-1] = [f"{cell} {more}".strip() for cell, more in zip(whole[-1], row, strict=True)]
    return "\n\n".join(
        "\n".join(f"{title:<{width}}  {cell}" for title, cell in zip(head, row, strict=True) if cell) for row in whole
    )


def notice(text: str) -> None:
    """Say something beside the result, on standard error."""
    click.echo(fitted(text, shutil.get_terminal_size().columns) if sys.stderr.isatty() else text, err=True)
