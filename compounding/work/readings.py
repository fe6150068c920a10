"""Values as they arrive: typed, sent by a balance, or standing in a file. They are read, or refused by their place.

Nothing is guessed: a unit is written with the value or stated for all of them, a decimal comma is read only where
the dialect says so, and a balance line counts only if the balance marked it stable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final

from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem
from compounding.quantities import amount, number, quantity

# The first answers of MT-SICS to "send a weight": S, its state, then the weight with its unit if there is one.
_BALANCE_LINE: Final = re.compile(r"S ([SDI+-])(?: ([-0-9.]+) ([^ ]+))?")
_NO_WEIGHT: Final = {
    "D": ("balance.unstable", "the balance marked it unstable (S D): wait until it is still, and send it again"),
    "I": ("balance.busy", "the balance could not weigh (S I: busy, or never still): shield it, and send it again"),
    "+": ("balance.overload", "the balance is overloaded (S +): take the load off, and weigh less"),
    "-": ("balance.underload", "the balance is underloaded (S -): put its pan back, tare, and weigh again"),
}
# A result that a spreadsheet worked out has more decimals than anyone types.
_WORKED_OUT: Final = re.compile(r"(?:0|[1-9][0-9]{0,8})\.[0-9]{10,20}")
# Of a column in a wrong dialect every row is wrong, and for one reason.
MOST_TOLD: Final = 3
_SPACE: Final = re.compile(r"[ \t]+")
_DECIMAL_COMMA: Final = re.compile(r"([0-9]+),([0-9]+)(.*)", re.DOTALL)


@dataclass(frozen=True)
class Row:
    """One value as it was found.

    Args:
        where: its place in words, such as ``value 3``, ``row 4`` or ``cell B4``.
        text: what stands there.
        decimal: the decimal sign that its writer uses, as someone stated it: ``.`` or ``,``.
    """

    where: str
    text: str
    decimal: str = "."


@dataclass(frozen=True)
class Reading:
    """One value that was understood.

    Args:
        where: its place in words.
        text: number, space, unit, as it goes on record, such as ``187.3 mg`` or ``98.7 %``.
        value: the number, exact [the unit].
        unit: the unit as it was written; ``%`` for percent of label.
        stable: whether a balance sent it, marked stable.
    """

    where: str
    text: str
    value: Fraction
    unit: str
    stable: bool = False


def rows_from(texts: Iterable[str], name: str = "value", decimal: str = ".") -> tuple[Row, ...]:
    """Values given one after the other, each named by its place counted from 1."""
    return tuple(Row(f"{name} {place}", text, decimal) for place, text in enumerate(texts, 1))


def read(row: Row, unit: str | None = None) -> Reading:
    """Read one value; space around it and between number and unit, as balances send it, is left aside.

    Args:
        row: the value as it was found.
        unit: the unit of a value that is written without one.

    Raises:
        NotUnderstood: names the place, what was seen and what to do.

    Source:
        mettler-al-ic for balance lines; house-number-grammar

    Example:
        >>> read(Row("value 1", "S S      0.1873 g")).text
        '0.1873 g'
    """
    text = " ".join(_SPACE.split(row.text.strip(" \t\r\n")))
    stable = False
    if sent := weight_of_line(text, row.where):
        text, stable = sent, True
    else:
        text = _with_point(text, row)
    if re.fullmatch(r"- ?[0-9].*", text, re.DOTALL):
        raise _wrong(row.where, "value.negative", f"{_cut(text)} is below zero: tare, and measure it again")
    if re.fullmatch(r"[0-9.]+%", text):
        raise _wrong(
            row.where, "value.percent", f"{_cut(text)} was given: write a number, a space and %, such as 98.7 %"
        )
    digits, _, own = text.partition(" ")
    if not own and unit and re.fullmatch(r"[0-9.]+", digits):
        own, text = unit, f"{digits} {unit}"
    try:
        exact = Fraction(digits) if _WORKED_OUT.fullmatch(digits) else number(digits)
        if own != "%":
            amount(quantity(f"1 {own}"), own)  # a unit of the bench, and nothing but a unit
        return Reading(row.where, text, exact, own, stable)
    except NotUnderstood as refusal:
        problem = refusal.problems[0] if own == "%" else _refusal_of(text, refusal)
        once = ""
        if re.fullmatch(r"[0-9.]+", text) and not unit:
            once = " Or say the unit of all values with --unit, such as --unit mg, or --unit % for percent of label"
        elif _DECIMAL_COMMA.fullmatch(text) and row.decimal == ".":
            once = " Where a file is written with decimal commas, say --decimal ','"
        raise _wrong(row.where, problem.code, problem.text + once) from None


def _refusal_of(text: str, otherwise: NotUnderstood) -> Problem:
    """What the grammar says of the whole text, which is clearer than what it says of a part."""
    try:
        quantity(text)
    except NotUnderstood as refusal:
        return refusal.problems[0]
    return otherwise.problems[0]


def weight_of_line(text: str, where: str = "the reading") -> str | None:
    """The weight in a line of a balance that speaks MT-SICS; None if it is no such line.

    Args:
        text: the line, with single spaces or as it was sent.
        where: its place in words.

    Raises:
        NotUnderstood: the balance says that this is no weight: unstable, busy, overloaded or underloaded.

    Source:
        mettler-al-ic

    Example:
        >>> weight_of_line("S S      0.1873 g"), weight_of_line("187.3 mg")
        ('0.1873 g', None)
    """
    line = " ".join(_SPACE.split(text.strip(" \t\r\n")))
    if not re.fullmatch(r"S [A-Z+-](?: .*)?", line):
        return None
    found = _BALANCE_LINE.fullmatch(line)
    if found and found[1] in _NO_WEIGHT:
        code, why = _NO_WEIGHT[found[1]]
        raise _wrong(where, code, f"{_cut(line)} is not a weight: {why}")
    if not found or not found[2]:
        raise _wrong(
            where, "balance.line", f"{_cut(line)} was not understood: a balance line reads such as S S 0.1873 g"
        )
    if found[2].startswith("-"):
        raise _wrong(where, "value.negative", f"{found[2]} {found[3]} is below zero: tare, and measure it again")
    return f"{found[2]} {found[3]}"


def _with_point(text: str, row: Row) -> str:
    """The text with a decimal point, where its writer is said to use the comma."""
    if row.decimal == ".":
        return text
    found = _DECIMAL_COMMA.fullmatch(text)
    if "." in text or text.count(",") > 1 or ("," in text and not found):
        raise _wrong(
            row.where, "value.decimal", f"{_cut(text)} does not fit --decimal ',': write one comma and no point"
        )
    return f"{found[1]}.{found[2]}{found[3]}" if found else text


def read_all(rows: Sequence[Row], unit: str | None = None) -> tuple[Reading, ...]:
    """Read every value; what is wrong with the first few of them is told at once.

    Args:
        rows: the values as they were found.
        unit: the unit of values that are written without one.

    Raises:
        NotUnderstood: a value is not understood, or the values are not all in one unit.
    """
    readings: list[Reading] = []
    problems: list[Problem] = []
    for row in rows:
        try:
            readings.append(read(row, unit))
        except NotUnderstood as refusal:
            problems += refusal.problems
    if problems:
        left = len(problems) - MOST_TOLD
        more = [Problem("values.more", f"{left} more values were not understood")] if left > 0 else []
        raise NotUnderstood(problems[:MOST_TOLD] + more)
    return tuple(readings)


def check_one_unit(readings: Sequence[Reading]) -> None:
    """One set of values has one unit: another among them is a slip, and a slip of a thousand hides well.

    Raises:
        NotUnderstood: the units are mixed; names the first value that differs.
    """
    first = readings[0] if readings else None
    other = next((each for each in readings if first and each.unit != first.unit), None)
    if first and other:
        text = f"{other.text} stands among values in {first.unit}: give all of them in one unit"
        raise _wrong(other.where, "value.mixed-units", text)


def milligrams(readings: Sequence[Reading], code: str = "weights.unit") -> tuple[Fraction, ...]:
    """The values as masses, all read in one unit [mg].

    Raises:
        NotUnderstood: a value is no mass, or the units are mixed.
    """
    mass = quantity("1 mg").dimensionality
    for each in readings:
        if each.unit == "%" or quantity(f"1 {each.unit}").dimensionality != mass:
            raise _wrong(each.where, code, f"{each.text} is not a mass: write each weight such as 187.3 mg")
    check_one_unit(readings)
    return tuple(each.value * amount(quantity(f"1 {each.unit}"), "mg") for each in readings)


def _wrong(where: str, code: str, text: str) -> NotUnderstood:
    return NotUnderstood(Problem(code, f"{where[0].upper()}{where[1:]}: {text}", where))


def _cut(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:37]}...")
