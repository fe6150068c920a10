"""Normal and chi-square distributions in the standard library alone."""

from __future__ import annotations

from collections.abc import Callable
from math import erf, erfc, exp, pi, sqrt

from compounding.problems import CannotCompute


def normal_cdf(z: float) -> float:
    """Share of a standard normal distribution below z; the far tail keeps its relative precision.

    Example:
        >>> round(normal_cdf(1.959963984540054), 12)
        0.975
    """
    return erfc(-z / sqrt(2)) / 2


def normal_between(mean: float, sd: float, low: float, high: float) -> float:
    """Share of a normal distribution from low to high; all or nothing where nothing scatters.

    Args:
        mean: centre [one unit for all].
        sd: standard deviation [from 0].
        low: lower end, included.
        high: upper end, included.

    Returns:
        The share [from 0, at most 1].

    Example:
        >>> round(normal_between(100, 5, 90, 110), 4), normal_between(100, 0, 100, 110)
        (0.9545, 1.0)
    """
    if sd == 0:
        return 1.0 if low <= mean <= high else 0.0
    below, above = (low - mean) / sd, (high - mean) / sd
    # On the side where both tails are small: there a difference loses nothing.
    return normal_cdf(above) - normal_cdf(below) if below < 0 else normal_cdf(-below) - normal_cdf(-above)


def chi_square_cdf(x: float, df: int) -> float:
    """Share of a chi-square distribution below x, for an odd count of degrees of freedom.

        erf(sqrt(x/2)) - sqrt(2x/pi) exp(-x/2) sum(x**j / (1*3*5*...*(2j+1)), j = 0 ... (df-3)/2)

    Odd is what ten and thirty units give (9 and 29). The sum is taken from its last term inwards.

    Args:
        x: the value [from 0].
        df: degrees of freedom [odd, from 3].

    Returns:
        The share [from 0, at most 1]; absolute error below 1e-14.

    Raises:
        CannotCompute: the degrees of freedom are even or below 3.

    Source:
        integration by parts of the density

    Example:
        >>> round(chi_square_cdf(16.918977604620448, 9), 12)
        0.95
    """
    if df < 3 or df % 2 == 0:
        raise CannotCompute(f"{df} degrees of freedom: only odd counts from 3 have this closed form")
    if x <= 0:
        return 0.0
    total = 1.0
    for odd in range(df - 2, 1, -2):
        total = 1 + total * x / odd
    return erf(sqrt(x / 2)) - sqrt(2 * x / pi) * exp(-x / 2) * total


def quantile(cdf: Callable[[float], float], share: float, low: float, high: float) -> float:
    """The value below which a share of a distribution lies, by halving an interval that holds it.

    Args:
        cdf: a rising distribution function.
        share: the share below the value [between 0 and 1].
        low: a value below the answer.
        high: a value above the answer.

    Returns:
        The value, to the last bits of a float.

    Example:
        >>> round(quantile(normal_cdf, 0.975, -10, 10), 9)
        1.959963985
    """
    for _ in range(80):
        middle = (low + high) / 2
        if cdf(middle) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2
