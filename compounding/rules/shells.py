"""Capsule shells as their makers state them, and the check that a stated volume belongs to its size."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Final

from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem
from compounding.quantities import Quantity, quantity, ratio, told
from compounding.rules.tables import in_force, rows

# Makers of one size differ by up to 10 %; neighbouring sizes by 20 % and more.
FURTHEST_FROM_KNOWN: Final = Fraction(12, 100)


@dataclass(frozen=True)
class Shell:
    """One maker's shell of one size; its weight and the tolerance of that are None where the maker's figure was not found."""

    maker: str
    size: str
    volume: Quantity
    weight: Quantity | None
    tolerance: Quantity | None
    source: str


def shells_of(maker: str, on: date) -> tuple[Shell, ...]:
    """All sizes of a maker, largest first.

    Raises:
        NotUnderstood: the maker is not in the table; names those that are.
    """
    found = in_force("shells", on, maker=maker)
    if not found:
        known = ", ".join(dict.fromkeys(row["maker"] for row in rows("shells") if "maker" in row))
        text = (
            f"{maker} is not a maker of shells in the table: write one of {known}, or receive a lot with its --volume"
        )
        raise NotUnderstood(Problem("shells.unknown", text, maker))
    row = found[0]
    return tuple(_shell(maker, size, row["source"], *map(quantity, figures)) for size, figures in row["sizes"].items())


def _shell(
    maker: str,
    size: str,
    source: str,
    volume: Quantity,
    weight: Quantity | None = None,
    tolerance: Quantity | None = None,
) -> Shell:
    return Shell(maker, size, volume, weight, tolerance, source)


def shell_of(maker: str, size: str, on: date) -> Shell:
    """One size of a maker.

    Raises:
        NotUnderstood: the maker does not make it, as far as the table knows.
    """
    shells = shells_of(maker, on)
    found = next((shell for shell in shells if shell.size == size), None)
    if found is None:
        text = f"{maker} has no size {size} in the table: write one of {', '.join(shell.size for shell in shells)}"
        raise NotUnderstood(Problem("shells.unknown", text, size))
    return found


def size_for(active: Quantity, maker: str, on: date) -> str:
    """The size that a rule of thumb gives for the active in one capsule; the plan then checks that all fits.

    Source:
        brazil-essay (up to 5 mg size 4, up to 50 mg size 3; unverified)
    """
    row = next(row for row in in_force("shells", on) if "by_active" in row)
    sizes = [shell.size for shell in shells_of(maker, on)]
    return next((size for most, size in row["by_active"] if active <= quantity(most) and size in sizes), sizes[0])


def weighed_anew(maker: str, size: str, planned: Quantity, on: date) -> tuple[int, Quantity, str]:
    """How shells of a batch are weighed anew, and how far their mean may lie from the planned shell.

    Args:
        maker, size: of the shells.
        planned: weight of one shell in the plan [mass].
        on: day of preparation.

    Returns:
        How many at least, the tolerance [mass], and where it is written.

    Source:
        br-siacom-notice (20 empty shells); capsugel-bas-255 (tolerances)
    """
    (row,) = in_force("shells", on, id="weighed anew")
    for shell in _known(maker, on):
        if shell.size == size and shell.tolerance is not None:
            return row["least"], shell.tolerance, shell.source
    return row["least"], planned * Fraction(row["otherwise_percent"]) / 100, "capsugel-bas-255"


def check_weight(whose: str, maker: str, size: str, mean: Quantity, on: date) -> list[Problem]:
    """The mean of shells that were weighed must be that of their maker and size, as far as the table knows it.

    Args:
        whose: to begin the sentence with, such as ``Lot CAP-1``.
        maker, size: of the shells.
        mean: of single empty shells [mass].
        on: the day they were weighed.

    Source:
        capsugel-bas-255
    """
    for shell in _known(maker, on):
        if shell.size == size and shell.weight is not None and shell.tolerance is not None:
            if abs(mean - shell.weight) <= shell.tolerance:
                return []
            text = (
                f"{whose}: a mean of {told(mean, 2)} is not that of a size {size} shell of {maker}, which weighs "
                f"{told(shell.weight)}, {told(shell.tolerance)} more or less. Check balance, size and maker"
            )
            return [Problem("shells.weight", text, whose, source=shell.source)]
    return []


def _known(maker: str, on: date) -> tuple[Shell, ...]:
    """All sizes of a maker; none of one that the table does not know."""
    return shells_of(maker, on) if in_force("shells", on, maker=maker) else ()


def check_volume(size: str, volume: Quantity, on: date) -> list[Problem]:
    """A volume stated for a size must lie near what some maker states for it; tables shifted by one size exist.

    Source:
        urmachine (a published table in which every size has its neighbour's volume)
    """
    makers = [row["maker"] for row in in_force("shells", on) if "maker" in row]
    known = [shell.volume for maker in makers for shell in shells_of(maker, on) if shell.size == size]
    near = [each for each in known if abs(ratio(volume, each) - 1) <= FURTHEST_FROM_KNOWN]
    if near or not known:
        return []
    said = " or ".join(sorted({told(each) for each in known}))
    text = (
        f"{told(volume)} is not the volume of a size {size} shell; makers state {said}. A shifted table? Check the size"
    )
    return [Problem("shells.volume", text, size, source="urmachine")]
