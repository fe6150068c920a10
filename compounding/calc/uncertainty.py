"""How sure a dose is: relative standard uncertainties, their budget, and what they come to together.

A dose is a product and quotient of what was weighed, measured and assumed, so relative standard uncertainties
add as squares. First order is enough here: what it leaves out goes with the fourth power, and with factors known
to 6 % and a divisor known to 3 % that is less than 1 % of the sum.

What moves the whole batch (``batch``) is kept apart from what differs from unit to unit (``unit``): a sample
shows the second and never the first. The balance's own calibration is left out on purpose: tablets and powder
are weighed on the same balance, and a common error of scale leaves their ratio.

Uncertainties are floats: they stand beside a dose and never on the way to one.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot, isfinite, sqrt
from statistics import fmean, stdev
from typing import Final, Literal

from compounding.frozen import dataclass
from compounding.problems import CannotCompute

COVERAGE_FACTOR: Final = 2

Kind = Literal["batch", "unit"]
Origin = Literal["measured", "certificate", "assumed"]


@dataclass(frozen=True)
class Contribution:
    """One reason why a dose is not known better.

    Args:
        source: what varies, in a few words.
        relative: relative standard uncertainty of the dose from it [1; from 0].
        kind: ``batch`` if all units share it, ``unit`` if each has its own.
        origin: whether the number was measured here, stands on a certificate, or is assumed.
        basis: how the number came about, with the source key of what was assumed.
    """

    source: str
    relative: float
    kind: Kind
    origin: Origin
    basis: str

    def __post_init__(self) -> None:
        if not (isfinite(self.relative) and self.relative >= 0):
            raise CannotCompute(f"Uncertainty of {self.source}: {self.relative} is no share from zero; check its input")


@dataclass(frozen=True)
class Budget:
    """What the contributions come to.

    Args:
        batch_relative: standard uncertainty of the batch's mean [1].
        unit_relative: standard deviation from unit to unit [1].
        expanded_percent: of the dose in one unit, with the coverage factor [percent].
        coverage_factor: k; 2 covers about 95 %.
        largest: the contribution that matters most; None where nothing contributes.
        contributions: all of them, in the order given.
    """

    batch_relative: float
    unit_relative: float
    expanded_percent: float
    coverage_factor: int
    largest: Contribution | None
    contributions: tuple[Contribution, ...]


def budget(contributions: Sequence[Contribution]) -> Budget:
    """Put contributions together by first-order propagation.

        u = sqrt(sum(u_i**2)) for each kind,  U = k * sqrt(u_batch**2 + u_unit**2)

    Args:
        contributions: of independent inputs of a product or quotient.

    Returns:
        The budget.

    Source:
        gum, 5.1.6 for products, 6.2 for the coverage factor

    Example:
        >>> three, four = (Contribution(f"{u}", u, "batch", "measured", "") for u in (0.03, 0.04))
        >>> together = budget([three, four])
        >>> round(together.batch_relative, 6), round(together.expanded_percent, 6), together.largest.source
        (0.05, 10.0, '0.04')
    """
    batch, unit = (hypot(*(each.relative for each in contributions if each.kind == kind)) for kind in ("batch", "unit"))
    return Budget(
        batch_relative=batch,
        unit_relative=unit,
        expanded_percent=100 * COVERAGE_FACTOR * hypot(batch, unit),
        coverage_factor=COVERAGE_FACTOR,
        largest=max(
            (each for each in contributions if each.relative > 0), key=lambda each: each.relative, default=None
        ),
        contributions=tuple(contributions),
    )


def rectangular(half_width: float) -> float:
    """Standard uncertainty of what lies anywhere within limits, all as likely.

        u = half_width / sqrt(3)

    It is also the root mean square of a loss, or of a spread, that lies anywhere from 0 to the limit and is not
    corrected for.

    Args:
        half_width: from the centre to a limit [1 or any unit; from 0].

    Source:
        gum, 4.3.7 and 4.4.5

    Example:
        >>> round(rectangular(0.10), 6)
        0.057735
    """
    return _from_zero(half_width, "half width") / sqrt(3)


def content_by_window(low_percent: float, high_percent: float) -> float:
    """Tablets that are only known to lie within the limits of their monograph.

        u = (high - low) / 2 / sqrt(3) / 100

    Args:
        low_percent: least content [percent of label; from 0].
        high_percent: greatest content [percent of label; at least the least].

    Source:
        gum, 4.3.7; usp-naltrexone-tablets for 90 to 110 %

    Example:
        >>> round(content_by_window(90, 110), 6)
        0.057735
    """
    return rectangular((high_percent - low_percent) / 200)


def content_by_certificate(expanded_percent: float, coverage_factor: float = COVERAGE_FACTOR) -> float:
    """Content on a certificate that states its own uncertainty.

        u = U / k / 100

    Args:
        expanded_percent: uncertainty stated [percent of the content; from 0].
        coverage_factor: k that belongs to it [above 0].

    Source:
        gum, 4.3.3

    Example:
        >>> content_by_certificate(1.2)
        0.006
    """
    return _from_zero(expanded_percent, "uncertainty") / _above_zero(coverage_factor, "coverage factor") / 100


def mean_weight(weights: Sequence[float]) -> float:
    """Mean weight of tablets that were weighed one by one; the scatter holds the error of each weighing.

        u = s / (mean * sqrt(n))

    Args:
        weights: one weight a tablet [one unit; above 0; at least two].

    Raises:
        CannotCompute: fewer than two weights, or one not above zero.

    Source:
        gum, 4.2.3

    Example:
        >>> round(mean_weight([300, 302, 304]), 6)
        0.003824
    """
    if len(weights) < 2:
        raise CannotCompute(f"{len(weights)} weight seen: a scatter needs at least two. Weigh more tablets one by one")
    for weight in weights:
        _above_zero(weight, "tablet weight")
    return one_of_many(stdev(weights) / fmean(weights), len(weights))


def one_of_many(rsd: float, n: int) -> float:
    """Mean of some units that stand for all of their batch.

        u = rsd / sqrt(n)

    Args:
        rsd: relative standard deviation from unit to unit [1; from 0].
        n: units taken [from 1].

    Source:
        gum, 4.2.3

    Example:
        >>> one_of_many(0.02, 4)
        0.01
    """
    return _from_zero(rsd, "relative standard deviation") / sqrt(_above_zero(n, "count"))


def weighing(mass: float, readability: float, repeatability: float) -> float:
    """One weighing: the zero and the load are each rounded to a step, and the balance does not repeat itself.

        u = sqrt(2 * (d / sqrt(12))**2 + s**2) / mass

    The rounding alone is 0.41 d: the least that USP <41> credits a balance with.

    Args:
        mass: what is weighed [mass; above 0].
        readability: d, smallest step of the balance [the same unit; above 0].
        repeatability: s, standard deviation of repeated weighings [the same unit; from 0].

    Source:
        gum, F.2.2.1 for the rounding; usp-41 for 0.41 d

    Example:
        >>> round(weighing(100, 1, 0), 5)
        0.00408
    """
    rounding = 2 * (_above_zero(readability, "readability") / sqrt(12)) ** 2
    return sqrt(rounding + _from_zero(repeatability, "repeatability") ** 2) / _above_zero(mass, "mass")


def volume(measured: float, tolerance: float, times: int = 1) -> float:
    """One volume by a graduated cylinder, whose tolerance says nothing but its limits, so they are rectangular.

        u = times * tolerance / sqrt(3) / volume

    Args:
        measured: volume [volume; above 0].
        tolerance: of the cylinder, at any mark [the same unit; from 0].
        times: fillings of the same cylinder, which share its error [from 1].

    Source:
        gum, 4.3.7; astm-e1272 for tolerances

    Example:
        >>> round(volume(100, 1.00), 6)
        0.005774
    """
    return times * rectangular(tolerance) / _above_zero(measured, "volume")


def _from_zero(value: float, what: str) -> float:
    if not (isfinite(value) and value >= 0):
        raise CannotCompute(f"The {what} is {value}: it cannot be below zero; check it")
    return value


def _above_zero(value: float, what: str) -> float:
    if not (isfinite(value) and value > 0):
        raise CannotCompute(f"The {what} is {value}: it must be above zero; check it")
    return value
