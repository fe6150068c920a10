"""How results are shown: text for people on standard output, or one JSON object."""

from __future__ import annotations

import json
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


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Text in columns; the columns named in ``right`` are numbers and stand flush right."""
    cells = [list(head), *[list(row) for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = []
    for row in cells:
        parts = [
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(parts).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def notice(text: str) -> None:
    """Say something beside the result, on standard error."""
    click.echo(text, err=True)
