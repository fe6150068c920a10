"""The chance that a batch passes: content uniformity in closed form, potency, and what results in hand promise.

Contents are taken as normal, in percent of label. Then the mean and the standard deviation of a sample are
independent, and the chance of an acceptance value is one integral over the mean. The acceptance value is
compared unrounded with its limit, so each chance is a hair below that of the rule, which rounds.

Chances are floats: nothing here touches a dose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from math import exp, hypot, inf, isfinite, pi, sqrt

from compounding.calc.distributions import chi_square_cdf, normal_between, normal_cdf, quantile
from compounding.calc.uniformity import ACCEPTABILITY_CONSTANT, HIGHEST_REFERENCE, LOWEST_REFERENCE
from compounding.frozen import dataclass
from compounding.problems import CannotCompute

LOWEST, HIGHEST = float(LOWEST_REFERENCE), float(HIGHEST_REFERENCE)
LIMIT = 15.0

# How far out a density still counts: beyond seven standard deviations lies 3e-12.
FAR = 7.0
# Parts that each smooth piece is cut into, and Gauss's five nodes and weights in a part. Six keep the error of an
# acceptance value below 1e-9, and that of all inside and of both below 2e-7.
PARTS = 6
_NEAR, _FAR_NODE = (sqrt(5 + sign * 2 * sqrt(10 / 7)) / 3 for sign in (-1, 1))
_HEAVY, _LIGHT = ((322 + sign * 13 * sqrt(70)) / 900 for sign in (1, -1))
GAUSS = ((0.0, 128 / 225), (_NEAR, _HEAVY), (-_NEAR, _HEAVY), (_FAR_NODE, _LIGHT), (-_FAR_NODE, _LIGHT))

# An integral over the mean of a sample, not yet added up: values of the mean, and the share of the chance at each.
Shares = list[tuple[float, float]]


@dataclass(frozen=True)
class Chance:
    """The chance to pass content uniformity, by parts.

    Args:
        stage_1: ten units have an acceptance value within the limit.
        stage_2_value: thirty units have one.
        all_inside: thirty units all lie in the window, taken at its narrowest for any M.
        at_least: the whole test passes at least this often: max(stage 1, stage 2 value + all inside - 1).
    """

    stage_1: float
    stage_2_value: float
    all_inside: float
    at_least: float


def chance_to_pass(
    mean: float, sd: float, *, batch_sd: float = 0.0, target: float = 100.0, limit: float = LIMIT
) -> Chance:
    """Chance that a batch passes content uniformity, both stages.

    Args:
        mean: expected content [percent of label; above 0].
        sd: scatter from unit to unit, the assay of a single unit included [percent of label; from 0].
        batch_sd: uncertainty of the whole batch's mean, shared by all units [percent of label; from 0].
        target: T, content per unit at manufacture [percent of label; above 0].
        limit: L1 [percent; above 0].

    Returns:
        The chance by parts.

    Raises:
        CannotCompute: a number is not finite or out of range.

    Source:
        usp-905-table-2; astm-e2810 for the bound

    Example:
        >>> result = chance_to_pass(100, 5)
        >>> round(result.stage_1, 4), round(result.at_least, 4)
        (0.8551, 0.9997)
    """
    numbers = (mean, sd, batch_sd, target, limit)
    if not all(map(isfinite, numbers)) or mean <= 0 or sd < 0 or batch_sd < 0 or target <= 0 or limit <= 0:
        raise CannotCompute(f"mean {mean} %, spread {sd} and {batch_sd} %, T {target} %, L1 {limit}: check the batch")
    return _chance(mean, sd, batch_sd, target, limit)


def _chance(mean: float, sd: float, batch_sd: float, target: float, limit: float) -> Chance:
    return _of_shares(*_shares(mean, sd, batch_sd, target, limit))


def _shares(
    mean: float, sd: float, batch_sd: float, target: float, limit: float, bends: Iterable[float] = ()
) -> tuple[Shares, Shares, Shares]:
    """Of the acceptance value of ten and of thirty units, and of thirty units inside the window."""
    highest, bends = max(HIGHEST, target), tuple(bends)
    ten, thirty = (_value_within(n, mean, sd, batch_sd, highest, limit, bends) for n in (10, 30))
    return ten, thirty, _all_inside(mean, sd, batch_sd, 0.75 * highest, 1.25 * LOWEST, bends)


def _of_shares(ten: Shares, thirty: Shares, within: Shares) -> Chance:
    stage_1, stage_2, inside = (min(1.0, sum(share for _, share in each)) for each in (ten, thirty, within))
    return Chance(stage_1, stage_2, inside, max(stage_1, stage_2 + inside - 1))


def _value_within(
    n: int, mean: float, sd: float, batch_sd: float, highest: float, limit: float, bends: tuple[float, ...]
) -> Shares:
    """Chance that n units have an acceptance value of at most the limit.

    A sample of mean x passes if s is at most (limit - |M - x|) / k. Whatever moves the whole batch only
    widens the distribution of the mean and leaves s alone, so it adds to the variance of the mean.
    """
    least, greatest = LOWEST - limit, highest + limit
    if sd == 0:
        return [(mean, normal_between(mean, batch_sd, least, greatest))]
    k, mean_sd = float(ACCEPTABILITY_CONSTANT[n]), hypot(sd / sqrt(n), batch_sd)

    def density(x: float) -> float:
        allowed = (limit - max(LOWEST - x, x - highest, 0.0)) / k
        return _normal_density(x, mean, mean_sd) * chi_square_cdf((n - 1) * (allowed / sd) ** 2, n - 1)

    # Near each end the allowed s falls from more than a sample can show to nothing; sd marks the middle of that.
    feet = [end + side * share * k * sd for end, side in ((least, 1), (greatest, -1)) for share in (0.5, 1.0, 1.5, 3.0)]
    return _integral(
        density,
        max(least, mean - FAR * mean_sd),
        min(greatest, mean + FAR * mean_sd),
        [*feet, *bends, LOWEST, highest, mean],
    )


def _all_inside(mean: float, sd: float, batch_sd: float, low: float, high: float, bends: tuple[float, ...]) -> Shares:
    """Chance that thirty units of one batch all lie from low to high."""
    if batch_sd == 0:
        return [(mean, normal_between(mean, sd, low, high) ** 30)]

    def density(x: float) -> float:
        return _normal_density(x, mean, batch_sd) * normal_between(x, sd, low, high) ** 30

    edges = [edge + side * FAR * sd for edge in (low, high) for side in (-1, 0, 1)]
    return _integral(density, mean - FAR * batch_sd, mean + FAR * batch_sd, [*edges, *bends, mean])


def _normal_density(x: float, mean: float, sd: float) -> float:
    z = (x - mean) / sd
    return exp(-z * z / 2) / (sd * sqrt(2 * pi))


def _integral(density: Callable[[float], float], low: float, high: float, bends: Iterable[float]) -> Shares:
    """Integral from low to high by Gauss's rule on parts of each piece between the bends inside."""
    if low >= high:
        return []
    ends = [low, *sorted({bend for bend in bends if low < bend < high}), high]
    return [each for a, b in pairwise(ends) for each in _gauss(density, a, b)]


def _gauss(density: Callable[[float], float], low: float, high: float) -> Shares:
    half = (high - low) / (2 * PARTS)
    nodes = [
        (low + (2 * part + 1) * half + node * half, weight * half) for part in range(PARTS) for node, weight in GAUSS
    ]
    return [(x, weight * density(x)) for x, weight in nodes]


def potency_chance(mean: float, *, batch_sd: float, assay_sd: float, low: float = 90.0, high: float = 110.0) -> float:
    """Chance that the assay of a batch lies within its limits.

        share of a normal distribution (mean, sqrt(batch_sd**2 + assay_sd**2)) from low to high

    Args:
        mean: expected mean content of the batch [percent of label].
        batch_sd: uncertainty of that mean [percent of label; from 0].
        assay_sd: error of the laboratory [percent of label; from 0].
        low: least assay [percent of label].
        high: greatest assay [percent of label; at least the least].

    Returns:
        The chance.

    Raises:
        CannotCompute: a number is not finite or out of range.

    Source:
        compounding-today-4-12 for the limits

    Example:
        >>> round(potency_chance(100, batch_sd=3, assay_sd=4), 4)
        0.9545
    """
    if not all(map(isfinite, (mean, batch_sd, assay_sd, low, high))) or batch_sd < 0 or assay_sd < 0 or low > high:
        raise CannotCompute(f"mean {mean} %, spread {batch_sd} and {assay_sd} %, limits {low} to {high} %: check them")
    return normal_between(mean, hypot(batch_sd, assay_sd), low, high)


def chances_with_assay(
    mean: float,
    sd: float,
    *,
    batch_sd: float,
    assay_sd: float,
    target: float = 100.0,
    limit: float = LIMIT,
    low: float = 90.0,
    high: float = 110.0,
) -> tuple[Chance, float]:
    """Chance that a batch passes content uniformity, both stages, and that it passes its assay too.

    Both follow the batch's own mean, so the chances cannot be multiplied. Given the mean x of a sample, which varies
    by v around the batch's expected mean, the assay is normal again:

        assay | x = normal(mean + (batch_sd / v)**2 (x - mean), sqrt(batch_sd**2 + assay_sd**2 - (batch_sd**2 / v)**2))

    Args:
        mean: expected content [percent of label; above 0].
        sd: scatter from unit to unit, the assay of a single unit included [percent of label; above 0].
        batch_sd: uncertainty of the batch's mean, shared by all units and the assay [percent of label; from 0].
        assay_sd: error of the laboratory in the assay [percent of label; above 0].
        target: T, content per unit at manufacture [percent of label; above 0].
        limit: L1 [percent; above 0].
        low, high: limits of the assay [percent of label].

    Returns:
        The chance of content uniformity by parts, and at least the chance of both, by the same bound.

    Raises:
        CannotCompute: a number is not finite or out of range.

    Source:
        usp-905-table-2; compounding-today-4-12 for the limits of the assay

    Example:
        >>> units, both = chances_with_assay(100, 5, batch_sd=3, assay_sd=2)
        >>> round(units.at_least, 4), round(both, 4)
        (0.9453, 0.9437)
    """
    numbers = (mean, sd, batch_sd, assay_sd, target, limit, low, high)
    if not all(map(isfinite, numbers)) or min(mean, sd, assay_sd, target, limit) <= 0 or batch_sd < 0 or low > high:
        raise CannotCompute(f"mean {mean} %, spread {sd}, {batch_sd} and {assay_sd} %: check the batch")

    def potent(x: float, varies: float) -> float:
        follows = (batch_sd / varies) ** 2 if varies else 0.0
        return normal_between(mean + follows * (x - mean), sqrt(batch_sd**2 * (1 - follows) + assay_sd**2), low, high)

    def together(shares: Shares, varies: float) -> float:
        return sum(share * potent(x, varies) for x, share in shares if share)

    # Where the assay follows the mean closely, it turns from pass to fail around its limits.
    edges = (edge + across * assay_sd for edge in (low, high) for across in (-3, 0, 3))
    ten, thirty, within = _shares(mean, sd, batch_sd, target, limit, edges)
    stage_1, stage_2 = (together(each, hypot(sd / sqrt(n), batch_sd)) for each, n in ((ten, 10), (thirty, 30)))
    inside = together(within, batch_sd)
    assay = potency_chance(mean, batch_sd=batch_sd, assay_sd=assay_sd, low=low, high=high)
    return _of_shares(ten, thirty, within), max(stage_1, stage_2 + inside - assay, 0.0)


def lower_bound(n: int, mean: float, sd: float, *, confidence: float = 0.90, target: float = 100.0) -> float:
    """What results in hand promise: at this confidence, a further test passes at least this often (ASTM E2810).

        |mu - mean| <= z sigma / sqrt(n),  sigma <= sd sqrt((n - 1) / chi2)

    with z and chi2 each at the square root of the confidence: a triangle standing on its tip at (mean, 0).
    Along a ray from a tip that passes, each chance only falls as sigma grows, and along the top each falls
    away from its centre; a tip that fails makes its chance 0. So the three corners hold the least of each.

    Args:
        n: units measured [10 or 30].
        mean: their mean [percent of label; above 0].
        sd: their standard deviation [percent of label; from 0].
        confidence: of the statement [between 0 and 1].
        target: T, content per unit at manufacture [percent of label; above 0].

    Returns:
        Lower bound of the chance to pass; 0 where the mean alone would fail.

    Raises:
        CannotCompute: another count of units, or a number out of range.

    Source:
        astm-e2810; lewis-fan-2016 (limit s = 2.63 for ten units of mean 97); the formula was not read there

    Example:
        >>> round(lower_bound(10, 97, 2.63), 4)
        0.9504
    """
    if n not in ACCEPTABILITY_CONSTANT or not 0 < confidence < 1 or not 0 <= sd < inf:
        raise CannotCompute(
            f"{n} units with spread {sd} % at confidence {confidence}: the bound needs 10 or 30 units, a spread "
            "from zero and a confidence between 0 and 1"
        )
    tip = chance_to_pass(mean, 0.0, target=target)
    share, df = sqrt(confidence), n - 1
    z = quantile(normal_cdf, (1 + share) / 2, 0, 40)
    largest = sd * sqrt(df / quantile(lambda x: chi_square_cdf(x, df), 1 - share, 0, 40 * df))
    away = z * largest / sqrt(n)
    corners = [tip, *(_chance(mean + side * away, largest, 0.0, target, LIMIT) for side in (-1, 1))]
    stage_1 = min(corner.stage_1 for corner in corners)
    stage_2 = min(corner.stage_2_value for corner in corners)
    inside = min(corner.all_inside for corner in corners)
    return max(stage_1, stage_2 + inside - 1, 0.0)
