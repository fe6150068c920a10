"""Rounding half up, exactly: for numbers that are judged against a limit.

Python's `round()` works on binary floats and sends ties to the even digit, so it turns 97.95 into 97.9
or 98.0 as the machine pleases. Pharmacopoeias round ties up, so here a number is an exact fraction,
or an exact fraction plus the root of one, until the last digit is cut.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import isqrt

from compounding.problems import CannotCompute


def decimals_of(limit: Decimal) -> int:
    """How many decimals a limit is written with: the precision that a result is rounded to.

    Args:
        limit: a limit as the authority prints it [any unit; finite].

    Returns:
        Count of decimals [from 0].

    Source:
        usp-general-notices-7

    Example:
        >>> decimals_of(Decimal("15.0")), decimals_of(Decimal("90")), decimals_of(Decimal("1E+2"))
        (1, 0, 0)
    """
    return max(0, -int(limit.as_tuple().exponent))


def rounded_half_up(value: Fraction, decimals: int) -> Decimal:
    """A number at a given count of decimals, ties away from zero.

    Args:
        value: the exact number [any unit].
        decimals: digits to keep after the point [from 0].

    Returns:
        The rounded number, with all its digits [unit of the value].

    Source:
        usp-general-notices-7; rounding-table

    Example:
        >>> rounded_half_up(Fraction("97.95"), 1), rounded_half_up(Fraction("0.025"), 2)
        (Decimal('98.0'), Decimal('0.03'))
    """
    magnitude = rounded_sum_with_root(abs(value), Fraction(0), decimals)
    return magnitude if value >= 0 else -magnitude


def rounded_sum_with_root(number: Fraction, square: Fraction, decimals: int) -> Decimal:
    """A number plus a square root, rounded half up without ever computing the root.

        floor((number + sqrt(square)) * 10**decimals + 1/2)

    Over a common denominator d the sum is (a + sqrt(b)) / d with whole a and b, and its floor is
    (a + isqrt(b)) // d: whole numbers only, so a tie is seen as a tie.

    Args:
        number: the rational part [any unit; from 0].
        square: the number under the root [unit squared; from 0].
        decimals: digits to keep after the point [from 0].

    Returns:
        The rounded sum, with all its digits [unit of the number].

    Raises:
        CannotCompute: one of the parts is negative.

    Source:
        usp-general-notices-7; the identity floor(x / d) = floor(floor(x) / d)

    Example:
        >>> rounded_sum_with_root(Fraction(0), Fraction(2), 6)
        Decimal('1.414214')
    """
    if number < 0 or square < 0:
        raise CannotCompute(f"{number} + sqrt({square}): both parts must be zero or more")
    scale = 10**decimals
    shifted, scaled_square = number * scale + Fraction(1, 2), square * scale**2
    denominator = shifted.denominator * scaled_square.denominator
    whole = int(shifted * denominator)
    under_the_root = int(scaled_square * denominator**2)
    return Decimal((whole + isqrt(under_the_root)) // denominator).scaleb(-decimals)
