"""One exact number: an integer over an integer, in lowest terms."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd


@dataclass(frozen=True)
class Ratio:
    """A number that is never rounded unless it is asked to be.

    Args:
        over: above the line.
        under: below the line [not 0].

    Raises:
        ZeroDivisionError: nothing is divided by zero.

    Example:
        >>> Ratio(6, 4) * Ratio(1, 3) + Ratio(1)
        Ratio(over=3, under=2)
    """

    over: int
    under: int = 1

    def __post_init__(self) -> None:
        if self.under == 0:
            raise ZeroDivisionError(f"{self.over} divided by zero")
        divisor = gcd(self.over, self.under) * (1 if self.under > 0 else -1)
        object.__setattr__(self, "over", self.over // divisor)
        object.__setattr__(self, "under", self.under // divisor)

    def __add__(self, other: Ratio) -> Ratio:
        return Ratio(self.over * other.under + other.over * self.under, self.under * other.under)

    def __sub__(self, other: Ratio) -> Ratio:
        return Ratio(self.over * other.under - other.over * self.under, self.under * other.under)

    def __mul__(self, other: Ratio) -> Ratio:
        return Ratio(self.over * other.over, self.under * other.under)

    def __truediv__(self, other: Ratio) -> Ratio:
        return Ratio(self.over * other.under, self.under * other.over)

    def __abs__(self) -> Ratio:
        return Ratio(abs(self.over), self.under)

    def __lt__(self, other: Ratio) -> bool:
        return self.over * other.under < other.over * self.under

    def __le__(self, other: Ratio) -> bool:
        return self.over * other.under <= other.over * self.under


ZERO, ONE, HUNDRED = Ratio(0), Ratio(1), Ratio(100)


def total(ratios: tuple[Ratio, ...]) -> Ratio:
    """The sum; zero if there is none."""
    result = ZERO
    for each in ratios:
        result = result + each
    return result


def ceiling(value: Ratio) -> int:
    """The smallest whole number that is not below the value.

    Example:
        >>> ceiling(Ratio(63, 20)), ceiling(Ratio(2))
        (4, 2)
    """
    return -(-value.over // value.under)


def to_step(value: Ratio, step: Ratio) -> Ratio:
    """The whole number of steps nearest to a value; a half goes away from zero.

    Example:
        >>> to_step(Ratio(95256, 100), Ratio(1, 10)), to_step(Ratio(-1, 2), ONE)
        (Ratio(over=4763, under=5), Ratio(over=-1, under=1))
    """
    steps = abs(value) / step
    nearest = (2 * steps.over + steps.under) // (2 * steps.under)
    return Ratio(nearest if value.over >= 0 else -nearest) * step


def to_places(value: Ratio, places: int) -> Ratio:
    """A value at so many decimals, half away from zero."""
    return to_step(value, Ratio(1, 10**places))


def decimal(value: Ratio) -> str:
    """The decimals of a value for a message, at most 12, without zeros at the end.

    Example:
        >>> decimal(Ratio(1, 8)), decimal(Ratio(-2, 3))
        ('0.125', '-0.666666666667')
    """
    shown = to_places(value, 12)
    whole, rest = divmod(abs(shown.over) * 10**12 // shown.under, 10**12)
    digits = f"{whole}.{rest:012}".rstrip("0").rstrip(".")
    return f"-{digits}" if shown.over < 0 else digits
