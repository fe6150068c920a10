"""A list in four ways: a table for people, JSON, CSV on standard output, or a workbook in a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from compounding.cli.show import emit, json_option, notice, say, table
from compounding.problems import NotUnderstood, Problem

F = TypeVar("F", bound=Callable[..., Any])


def list_options(command: F) -> F:
    """Give a command ``--json``, ``--csv`` and ``--xlsx``; what it gets of them it hands to `show_list`."""
    options = (
        json_option,
        click.option("--csv", is_flag=True, help="Comma-separated values on standard output."),
        click.option(
            "--xlsx",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE.xlsx",
            help="Write a workbook; it replaces no file.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def show_list(
    name: str,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    data: Callable[[], list[dict[str, Any]]],
    right: Sequence[int] = (),
    *,
    as_json: bool,
    csv: bool,
    xlsx: Path | None,
) -> None:
    """Show a list as it is wanted.

    Args:
        name: what it lists, which is its key in the JSON, such as ``lots``.
        head: titles of the columns, with the unit where all cells share one.
        rows: the cells, as many in a row as there are titles.
        data: the same as records, asked for only if JSON is wanted.
        right: columns of numbers.
        as_json, csv, xlsx: how it is wanted; without any of them it is a table for people.

    Raises:
        NotUnderstood: more than one way is asked for, or the file is not called .xlsx.
        Refused: the file is there already.
    """
    if sum((as_json, csv, xlsx is not None)) > 1:
        raise NotUnderstood(Problem("list.ways", "Give one of --json, --csv and --xlsx", name))
    if as_json:
        emit({name: data()})
    elif csv:
        from compounding.documents.spreadsheets import csv_text

        click.echo(csv_text(head, rows), nl=False)
    elif xlsx is not None:
        _write(name, xlsx, head, rows)
    else:
        say(table(head, rows, right=right))


def _write(name: str, path: Path, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from compounding.documents.spreadsheets import workbook
    from compounding.store.files import check_new, write_whole

    check_new(path, ".xlsx")
    write_whole(path, workbook(name, head, rows))
    notice(f"{len(rows)} {name} written to {path}")
