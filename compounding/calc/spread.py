"""How values scatter around their mean: exact mean and variance, roots rounded only to be shown."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from compounding.calc.rounding import rounded_sum_with_root
from compounding.frozen import dataclass
from compounding.problems import CannotCompute

SHOWN_DECIMALS = 10


@dataclass(frozen=True)
class Spread:
    """Mean and scatter of a sample.

    Args:
        n: how many values [at least 2].
        mean: their mean [unit of the values].
        variance: sum of squared deviations over n - 1 [unit squared].
    """

    n: int
    mean: Fraction
    variance: Fraction

    @property
    def sd(self) -> Decimal:
        """Sample standard deviation, to ten decimals [unit of the values]."""
        return rounded_sum_with_root(Fraction(0), self.variance, SHOWN_DECIMALS)

    @property
    def rsd(self) -> Decimal | None:
        """Standard deviation in percent of the mean, to ten decimals; None where the mean is zero."""
        if self.mean == 0:
            return None
        return rounded_sum_with_root(Fraction(0), self.rsd_squared, SHOWN_DECIMALS)

    @property
    def rsd_squared(self) -> Fraction:
        """Square of the relative standard deviation, exact, to compare with the square of a limit [percent squared]."""
        return 10_000 * self.variance / self.mean**2


def spread(values: Sequence[Fraction]) -> Spread:
    """Mean and sample variance, exact.

        variance = sum((x - mean)**2) / (n - 1)

    Args:
        values: one number a unit measured [one unit; at least two].

    Returns:
        Mean and scatter.

    Raises:
        CannotCompute: fewer than two values.

    Source:
        usp-905-table-2

    Example:
        >>> print(spread([Fraction(98), Fraction(100), Fraction(102)]).sd)
        2.0000000000
    """
    n = len(values)
    if n < 2:
        raise CannotCompute(f"{n} value seen: a spread needs at least two. Measure more units.")
    mean = Fraction(sum(values)) / n
    return Spread(n=n, mean=mean, variance=sum(((x - mean) ** 2 for x in values), Fraction(0)) / (n - 1))
