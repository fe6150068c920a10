"""The chance to pass the whole content uniformity test, by drawing batches: the other witness of the closed form.

Only this needs numpy (the extra ``simulation``), and only when it is called: where numpy is installed Pint
imports it too, so it stays out of everything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from math import isfinite, sqrt
from typing import Any, Final

from compounding.calc.chance import HIGHEST, LIMIT, LOWEST
from compounding.calc.uniformity import ACCEPTABILITY_CONSTANT
from compounding.problems import CannotCompute, EnvironmentFails, Problem

# So many batches at a time that the units of each stay in a processor's cache.
AT_ONCE: Final = 10_000
UNIT_WINDOW: Final = 0.25


@dataclass(frozen=True)
class Simulated:
    """Shares of the batches drawn that passed.

    Args:
        stage_1: at the first stage, ten units [1].
        chance: the whole test, twenty more units where the first stage failed [1].
        standard_error: of the chance; never 0, since one more batch might have come out the other way [1].
        batches: how many were drawn.
    """

    stage_1: float
    chance: float
    standard_error: float
    batches: int


def simulated_chance(
    mean: float,
    sd: float,
    *,
    batch_sd: float = 0.0,
    target: float = 100.0,
    limit: float = LIMIT,
    batches: int = 100_000,
    seed: int = 905,
) -> Simulated:
    """Draw batches and test each as the rule says: ten units, and twenty more where those do not pass.

    Args:
        mean: expected content [percent of label; above 0].
        sd: scatter from unit to unit [percent of label; above 0].
        batch_sd: uncertainty of the batch's mean [percent of label; from 0].
        target: T, content per unit at manufacture [percent of label; above 0].
        limit: L1 [percent; above 0].
        batches: to draw [from 1].
        seed: the same seed and numpy give the same batches.

    Returns:
        The shares and the standard error of the chance.

    Raises:
        CannotCompute: a number is not finite or out of range.
        EnvironmentFails: numpy is not installed.

    Source:
        usp-905-table-2
    """
    numbers = (mean, sd, batch_sd, target, limit)
    if not all(map(isfinite, numbers)) or min(mean, sd, target, limit) <= 0 or batch_sd < 0 or batches < 1:
        raise CannotCompute(f"{batches} batches of mean {mean} %, spread {sd} and {batch_sd} %: check the batch")
    numpy = _numpy()
    generator = numpy.random.Generator(numpy.random.SFC64(seed))
    test = _Test(numpy, mean, sd, batch_sd, max(HIGHEST, target), limit, numpy.empty(30 * AT_ONCE))
    first = second = 0
    for start in range(0, batches, AT_ONCE):
        passed = test.passed(generator, min(AT_ONCE, batches - start))
        first, second = first + passed[0], second + passed[1]
    chance = (first + second) / batches
    # Laplace's estimate: a share of exactly 0 or 1 in the sample is not certain.
    careful = (first + second + 1) / (batches + 2)
    return Simulated(first / batches, chance, sqrt(careful * (1 - careful) / batches), batches)


def _numpy() -> Any:
    try:
        return import_module("numpy")
    except ImportError:
        text = "Drawing batches needs numpy: install compounding-pharmacy[simulation]. The closed form needs nothing"
        raise EnvironmentFails(Problem("simulation.numpy-missing", text)) from None


@dataclass(frozen=True)
class _Test:
    """The rule on many batches at once; each column is a batch, each row a unit, in standard deviations.

    All normals are drawn into the same space: new memory for each piece would cost half as much as drawing.
    """

    numpy: Any
    mean: float
    sd: float
    batch_sd: float
    highest: float
    limit: float
    space: Any

    def passed(self, generator: Any, batches: int) -> tuple[int, int]:
        """How many batches pass at the first stage, and how many of the others at the second."""
        np = self.numpy
        units = self._drawn(generator, 0, 10, batches)
        centre = np.full(batches, float(self.mean))
        if self.batch_sd:
            centre += self.batch_sd * generator.standard_normal(batches)
        total, squares = units.sum(axis=0), np.einsum("ij,ij->j", units, units)
        failed = np.flatnonzero(self._value(10, centre, total, squares)[0] > self.limit)
        if not failed.size:
            return batches, 0
        more = self._drawn(generator, units.size, 20, failed.size)
        total = total[failed] + more.sum(axis=0)
        squares = squares[failed] + np.einsum("ij,ij->j", more, more)
        value, reference = self._value(30, centre[failed], total, squares)
        near = np.flatnonzero(value <= self.limit)
        ten = np.take(units, failed[near], axis=1)
        least, greatest = (
            centre[failed[near]] + self.sd * end(end.reduce(ten), end.reduce(more)[near])
            for end in (np.minimum, np.maximum)
        )
        low, high = (side * reference[near] for side in (1 - UNIT_WINDOW, 1 + UNIT_WINDOW))
        return batches - failed.size, int(np.count_nonzero((least >= low) & (greatest <= high)))

    def _drawn(self, generator: Any, after: int, units: int, batches: int) -> Any:
        """So many units of so many batches, drawn into the space after what it holds already."""
        drawn = self.space[after : after + units * batches].reshape(units, batches)
        generator.standard_normal(out=drawn)
        return drawn

    def _value(self, n: int, centre: Any, total: Any, squares: Any) -> tuple[Any, Any]:
        """Acceptance value and reference value M of n units, from their sum and sum of squares."""
        np, k = self.numpy, float(ACCEPTABILITY_CONSTANT[n])
        mean = centre + self.sd / n * total
        s = self.sd * np.sqrt((squares - total * total / n) / (n - 1))
        reference = np.clip(mean, LOWEST, self.highest)
        return abs(reference - mean) + k * s, reference
