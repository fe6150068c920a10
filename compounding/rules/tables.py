"""Dated rows of data: what an authority may change, with the day it came into force and its source."""

from __future__ import annotations

import tomllib
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from compounding.problems import NotUnderstood, Problem

Row = dict[str, Any]


@cache
def rows(table: str) -> tuple[Row, ...]:
    """Every row of the table ``rules/<table>.toml``, in the order written."""
    text = Path(__file__).with_name(f"{table}.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text, parse_float=Decimal)["row"])


def in_force(table: str, on: date, **keys: str) -> tuple[Row, ...]:
    """The rows in force on a day that match the keys: of those with the same id, the latest that has begun."""
    latest: dict[str, Row] = {}
    for row in rows(table):
        matches = row["from"] <= on and all(row.get(key) == value for key, value in keys.items())
        if matches and (row["id"] not in latest or latest[row["id"]]["from"] <= row["from"]):
            latest[row["id"]] = row
    return tuple(latest.values())


def one_in_force(table: str, on: date, **keys: str) -> Row:
    """The one row in force on a day that matches the keys.

    Raises:
        NotUnderstood: no row matches; names what there is, or the day on which it begins.
    """
    found = in_force(table, on, **keys)
    if len(found) == 1:
        return found[0]
    asked = ", ".join(f"{key} {value}" for key, value in keys.items())
    begins = [row["from"] for row in rows(table) if all(row.get(key) == value for key, value in keys.items())]
    if begins:
        text = f"On {on} nothing was in force yet for {asked}: it begins on {min(begins)}. Check the year of the day of preparation"
        raise NotUnderstood(Problem("date.before-rules", text, on.isoformat()))
    known = ", ".join(dict.fromkeys(" ".join(str(row.get(key, "")) for key in keys) for row in rows(table)))
    raise NotUnderstood(Problem(f"{table}.unknown", f"No row for {asked} on {on}; known are: {known}", asked))
