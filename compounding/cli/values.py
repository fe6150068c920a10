"""How values come in: as arguments, at a prompt, through a pipe, or from a file that an instrument wrote.

At the prompt a balance or a scanner that types like a keyboard enters a value a line.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from compounding.cli.show import notice
from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem
from compounding.work.readings import Reading, Row, check_one_unit, read, read_all, rows_from, weight_of_line

C = TypeVar("C", bound=Callable[..., Any])

# A pipe that never ends is not a column of values.
LONGEST_INPUT = 64 * 1024
# The options that say how a file is written.
DIALECT = ("column", "sheet", "delimiter", "decimal")


@dataclass(frozen=True)
class Entered:
    """The values of one test, and how they came in.

    Args:
        readings: the values, in order.
        how: the file with its digest, or that a balance sent them; None for values that were typed.
        withdrawn: what was taken back at the prompt, one sentence each: it stays on record.
    """

    readings: tuple[Reading, ...]
    how: str | None = None
    withdrawn: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """What a prompt takes.

    Args:
        count: how many values.
        check: refuses, by raising `NotUnderstood`, one that cannot be whatever the others are.
    """

    count: int
    check: Callable[[Reading], None] = lambda reading: None


def value_options(command: C) -> C:
    """The options that say where values stand and how they are written."""
    options = (
        click.option(
            "--file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="CSV or XLSX file with the values.",
        ),
        click.option("--column", metavar="NAME", help="Heading of the column; not needed for a file of one column."),
        click.option("--sheet", metavar="NAME", help="Sheet of an XLSX file; not needed where it has one."),
        click.option(
            "--delimiter", type=click.Choice([",", ";", "tab"]), help="What separates the cells of a CSV.  [default: ,]"
        ),
        click.option("--decimal", type=click.Choice([".", ","]), help="Decimal sign in the file.  [default: .]"),
        click.option("--unit", metavar="UNIT", help="Unit of values that are written without one, such as mg."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def entered(
    words: Sequence[str], given: Mapping[str, Any], asked: Callable[[], Asked], *, unit: str | None = None
) -> Entered:
    """The values of a test, from wherever they come.

    Args:
        words: the values that were typed as arguments; ``-`` alone reads a pipe.
        given: the options of `value_options`.
        asked: what a prompt takes; it is not looked for unless somebody is prompted.
        unit: the unit of values without one, where no option says.

    Raises:
        NotUnderstood: no values, values twice, or values that are not understood.
    """
    unit = given["unit"] or unit
    if given["file"] is None and (said := next((name for name in DIALECT if given[name]), None)):
        raise _wrong("values.no-file", f"--{said} says how a file is written: give --file too, or leave it out")
    if given["file"] is not None:
        if words:
            raise _wrong("values.twice", f"{words[0]} was given beside --file: give the values once")
        return from_file(given["file"], given, unit)
    if list(words) == ["-"]:
        lines = [line for line in _piped().splitlines() if line.strip()]
        return _described(read_all(rows_from(lines, "line"), unit), "standard input")
    if words:
        return _described(read_all(rows_from(words), unit), None)
    if sys.stdin.isatty():
        return _prompted(asked(), unit)
    raise _wrong("values.missing", "No values were given: write them, give --file, or - to read a pipe")


def one_reading(text: str) -> tuple[str, str | None]:
    """A reading as it was typed, and the balance's own line if one sent it; ``-`` reads one line.

    Raises:
        NotUnderstood: nothing came, or the balance says that it is no weight.
    """
    if text == "-":
        text = sys.stdin.readline(LONGEST_INPUT).strip()
        if not text:
            raise _wrong("values.missing", "No reading came through the pipe: send one line")
        if not text.isprintable():
            raise _wrong(
                "quantity.not-understood", f"{text[:40]!a} was not understood: send a reading such as 952.4 mg"
            )
    weight = weight_of_line(text)
    return (weight, " ".join(text.split())) if weight else (text, None)


def from_file(file: Path, given: Mapping[str, Any], unit: str | None) -> Entered:
    """The values of a file, CSV or XLSX.

    Args:
        file: where they stand.
        given: how it is written, as in `value_options`.
        unit: the unit of values without one.

    Raises:
        NotUnderstood: no such file, or no values in it; each that is not understood, by its place.
    """
    from compounding.work.columns import LARGEST_FILE, Layout, column_of, digest_of_file

    if not file.is_file():
        raise _wrong("file.missing", f"{file} is not a file: give a CSV or XLSX file")
    with file.open("rb") as opened:
        content = opened.read(LARGEST_FILE + 1)
    layout = Layout(
        column=given["column"],
        sheet=given["sheet"],
        delimiter="\t" if given["delimiter"] == "tab" else given["delimiter"] or ",",
        decimal=given["decimal"] or ".",
    )
    readings = read_all(column_of(content, file.name, layout), unit)
    if not readings:
        raise _wrong("values.missing", f"{file} holds no values: check --column and --sheet")
    column = f", column {layout.column}" if layout.column else ""
    return _described(readings, f"file {file.name}{column}, {digest_of_file(content)}")


def _piped() -> str:
    text = sys.stdin.read(LONGEST_INPUT + 1)
    if len(text) > LONGEST_INPUT:
        raise _wrong(
            "values.too-many", f"More than {LONGEST_INPUT:,} characters came through the pipe: send the values alone"
        )
    return text


def _described(readings: tuple[Reading, ...], how: str | None, withdrawn: Sequence[str] = ()) -> Entered:
    stable = sum(each.stable for each in readings)
    if stable:
        many = "each" if stable == len(readings) else f"{stable} of {len(readings)}"
        how = "; ".join(filter(None, (how, f"{many} marked stable by the balance")))
    return Entered(readings, how, tuple(withdrawn))


def _prompted(asked: Asked, unit: str | None) -> Entered:
    """Take a value a line; say after each how many there are, their mean and their scatter."""
    needed = asked.count
    notice(f"Enter {needed} values, one a line. back takes the last one back (it stays on record); Ctrl-C ends.")
    readings: list[Reading] = []
    withdrawn: list[str] = []
    while len(readings) < needed:
        click.echo(f"{len(readings) + 1} of {needed}: ", err=True, nl=False)
        line = sys.stdin.readline(LONGEST_INPUT)
        if not line:  # the terminal was closed
            raise click.Abort
        if not line.strip():  # some balances end a line twice
            continue
        if line.strip() == "back":
            if readings:
                last = readings.pop()
                withdrawn.append(f"taken back while entering: {last.where}, {last.text}")
            continue
        try:
            reading = read(Row(f"value {len(readings) + 1}", line.rstrip("\r\n")), unit)
            check_one_unit([*readings[:1], reading])
            asked.check(reading)
        except NotUnderstood as refusal:
            notice(f"\a  not taken: {refusal.problems[0].text}")  # the bell: who weighs looks at the balance
            continue
        readings.append(
            Reading(f"value {len(readings) + 1}", reading.text, reading.value, reading.unit, reading.stable)
        )
        notice(f"  {_progress(readings, needed)}")
    return _described(tuple(readings), "entered at the prompt", withdrawn)


def _progress(readings: Sequence[Reading], needed: int) -> str:
    """Such as ``3 of 10: 187.3 mg; mean 186.90 mg, RSD 0.52 %``."""
    from compounding.calc.rounding import rounded_half_up
    from compounding.calc.spread import spread

    last = readings[-1]
    line = f"{len(readings)} of {needed}: {last.text}"
    if len(readings) < 2:
        return line
    scatter = spread([each.value for each in readings])
    decimals = len(last.text.partition(" ")[0].partition(".")[2]) + 1
    rsd = f", RSD {scatter.rsd:.2f} %" if scatter.rsd is not None else ""
    return f"{line}; mean {rounded_half_up(scatter.mean, decimals)} {last.unit}{rsd}"


def _wrong(code: str, text: str) -> NotUnderstood:
    return NotUnderstood(Problem(code, text))
