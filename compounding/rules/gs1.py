"""GS1 element strings: what a barcode may say, how it is written, and how what a scanner reads is taken apart.

The application identifiers are rows of `gs1.toml`. An element is a pair of identifier and value; for eyes it is
written in brackets, ``(91)L0000042D``; in the symbol the brackets are absent, and a separator (GS, U+001D) ends each
value of varying length that is not the last.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path

from compounding.data_files import Table, read_table
from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem

SEPARATOR = "\x1d"
# The 82 characters that GS1 allows in an element (CSET 82).
CHARACTERS = frozenset("!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
FIGURES = frozenset("0123456789")

Element = tuple[str, str]


@dataclass(frozen=True)
class Identifier:
    """One application identifier; the columns of `gs1.toml`."""

    ai: str
    title: str
    kind: str
    least: int
    most: int
    fixed: bool
    check: str
    needs: tuple[tuple[str, ...], ...]
    excludes: tuple[str, ...]


@cache
def identifiers() -> Mapping[str, Identifier]:
    """Every application identifier that is known here, by its number."""
    table = read_table(Path(__file__).with_name("gs1.toml"))
    return {row.ai: row for row in map(_identifier, table.tables("ai"))}


def _identifier(row: Table) -> Identifier:
    length = row.take("length", list)
    found = Identifier(
        ai=row.take("ai", str),
        title=row.take("title", str),
        kind=row.take("kind", str),
        least=length[0],
        most=length[-1],
        fixed=row.take("fixed", bool, False),
        check=row.take("check", str, ""),
        needs=tuple(tuple(group) for group in row.take("needs", list, [])),
        excludes=tuple(row.take("excludes", list, [])),
    )
    row.end()
    return found


def bracketed(elements: Sequence[Element]) -> str:
    """An element string for eyes.

    Example:
        >>> bracketed([("91", "L0000042D")])
        '(91)L0000042D'
    """
    return "".join(f"({ai}){value}" for ai, value in elements)


def read_bracketed(text: str) -> tuple[Element, ...]:
    """The elements of a string for eyes.

    Raises:
        NotUnderstood: it is not of the form ``(91)L0000042D``.
    """
    if not re.fullmatch(r"(\([0-9]{2,4}\)[^()]+)+", text):
        example = "write such as (91)L0000042D"
        raise NotUnderstood(Problem("barcode.brackets", f"{text!r} is no element string: {example}", text))
    return tuple(re.findall(r"\(([0-9]{2,4})\)([^()]+)", text))


def message(elements: Sequence[Element]) -> str:
    """What the symbol holds: no brackets, and a separator after each value of varying length but the last.

    Example:
        >>> message([("01", "09501101530003"), ("10", "A1"), ("21", "7")])
        '010950110153000310A1\\x1d217'
    """
    parts = []
    for place, (ai, value) in enumerate(elements, 1):
        row = identifiers().get(ai)
        ends = place < len(elements) and not (row and row.fixed)
        parts.append(f"{ai}{value}{SEPARATOR if ends else ''}")
    return "".join(parts)


def read_message(text: str) -> tuple[Element, ...]:
    """The elements of what a scanner read, taken apart by the lengths of the table and the separators.

    Args:
        text: without a symbology prefix; separators as U+001D.

    Raises:
        NotUnderstood: an identifier is not in the table, or a value is cut off.
    """
    elements: list[Element] = []
    rest = text.removeprefix(SEPARATOR)
    while rest:
        ai = next((rest[:length] for length in (2, 3, 4) if rest[:length] in identifiers()), None)
        if ai is None:
            text = f"{rest[:4]!r} begins with no GS1 identifier known here, after {bracketed(elements) or 'nothing'}: scan again"
            raise NotUnderstood(Problem("barcode.unknown-identifier", text, rest[:4], source="gs1-syntax"))
        row, rest = identifiers()[ai], rest[len(ai) :]
        end = row.most if row.fixed else len(rest.partition(SEPARATOR)[0])
        value, rest = rest[:end], rest[end:].removeprefix(SEPARATOR)
        elements.append((ai, value))
    return tuple(elements)


def element_problems(elements: Sequence[Element]) -> list[Problem]:
    """Everything in an element string that GS1's syntax does not allow.

    Args:
        elements: all that one package says, in their order.

    Source:
        gs1-syntax
    """
    problems = []
    present = [ai for ai, _ in elements]
    for ai, value in elements:
        row = identifiers().get(ai)
        faults = _faults(row, value, present) if row else ["is no GS1 identifier known here"]
        problems += [
            Problem("barcode.element", f"({ai}){value} {fault}", where=f"({ai})", source="gs1-syntax")
            for fault in faults
        ]
    if not elements:
        problems.append(Problem("barcode.element", "There is no element for the barcode to hold", source="gs1-syntax"))
    return problems


def _faults(row: Identifier, value: str, present: Sequence[str]) -> Iterator[str]:
    if not row.least <= len(value) <= row.most:
        asked = str(row.most) if row.least == row.most else f"{row.least} to {row.most}"
        yield f"has {len(value)} characters: {row.title} has {asked}"
    strange = sorted(set(value) - (FIGURES if row.kind == "N" else CHARACTERS))
    if strange:
        allowed = "figures only" if row.kind == "N" else "letters, figures and ordinary signs, no space"
        yield f"holds {' '.join(map(repr, strange))}: {row.title} holds {allowed}"
    elif row.check == "digit" and value[-1:] != check_digit(value[:-1]):
        yield f"ends with {value[-1:]}, its check figure is {check_digit(value[:-1])}: type it again from the package"
    elif row.check == "date" and len(value) == 6 and day_of(value) is None:
        yield "is no date: write YYMMDD"
    for group in row.needs:
        if not set(group) & set(present):
            yield f"may not stand without {' or '.join(f'({other})' for other in group)}"
    for other in row.excludes:
        if other in present:
            yield f"may not stand beside ({other})"
    if present.count(row.ai) > 1:
        yield "stands there more than once"


def check_digit(figures: str) -> str:
    """The figure that follows the others so that three times every second one and once the rest add up to tens.

    Example:
        >>> check_digit("0950110153000")
        '3'
    """
    total = sum(int(figure) * (3 if place % 2 == 0 else 1) for place, figure in enumerate(reversed(figures)))
    return str(-total % 10)


def day_of(value: str) -> date | None:
    """The day in six figures, YYMMDD of this century; day 00 is the last of its month. None if there is none."""
    year, month, day = 2000 + int(value[:2]), int(value[2:4]), int(value[4:])
    try:
        return date(year, month, day or monthrange(year, month)[1])
    except ValueError:  # calendar.IllegalMonthError is one
        return None


def six_figures(day: date) -> str:
    """A day as GS1 writes it.

    Example:
        >>> six_figures(date(2027, 5, 21))
        '270521'
    """
    return day.strftime("%y%m%d")
