"""Control charts of single values, such as the assay of each batch of one product and strength.

Limits come from a baseline phase and are then frozen; a value is judged against them and never moves them.
Control limits say what the process does; specification limits say what it should do. The two never mix.

A value within a millionth of a standard deviation of a line counts as lying on it, so that the last bit
of a float decides nothing. On a line is not beyond it.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress, pairwise
from math import fsum, inf, isfinite, sqrt
from operator import sub
from statistics import NormalDist

from compounding.frozen import dataclass
from compounding.problems import CannotCompute

# Expected range of two normal values, in standard deviations; its rounding to 1.128 is the usual one.
# Charts that use 2.66 instead of 3 / 1.128 differ in the fourth digit.
D2 = 1.128
# Upper limit of the range of two values, in mean ranges: 1 + 3 d3 / d2 with d3 = 0.8525.
D4 = 3.267

# Below these counts limits are provisional, and a capability would be a guess dressed as a number.
LEAST_FOR_LIMITS = 20
LEAST_FOR_CAPABILITY = 20
ON_THE_LINE = 1e-6

RULES: Mapping[str, str] = {
    "nelson-1": "one value beyond 3 sigma",
    "nelson-2": "nine in a row on one side of the mean",
    "nelson-3": "six in a row all rising or all falling",
    "nelson-4": "fourteen in a row alternating up and down",
    "nelson-5": "two of three beyond 2 sigma on one side",
    "nelson-6": "four of five beyond 1 sigma on one side",
    "nelson-7": "fifteen in a row within 1 sigma",
    "nelson-8": "eight in a row with none within 1 sigma, on both sides",
    "western-electric-1": "one value beyond 3 sigma",
    "western-electric-2": "two of three beyond 2 sigma on one side",
    "western-electric-3": "four of five beyond 1 sigma on one side",
    "western-electric-4": "eight in a row on one side of the mean",
    "moving-range": "the step from the value before is beyond the upper limit of the range",
}


@dataclass(frozen=True)
class Limits:
    """What a baseline phase says the process does; all in the unit of the values.

    Args:
        n: values in the baseline.
        mean: centre line.
        mean_range: mean of the moving ranges, the centre line of their chart.
        sigma: within-process standard deviation, mean range / 1.128.
        provisional: True while the baseline has fewer than 20 values.
    """

    n: int
    mean: float
    mean_range: float
    sigma: float
    provisional: bool

    @property
    def lower(self) -> float:
        """Lower control limit, mean - 3 sigma."""
        return self.mean - 3 * self.sigma

    @property
    def upper(self) -> float:
        """Upper control limit, mean + 3 sigma."""
        return self.mean + 3 * self.sigma

    @property
    def range_upper(self) -> float:
        """Upper control limit of the moving range; the lower one is 0."""
        return D4 * self.mean_range


def moving_ranges(values: Sequence[float]) -> list[float]:
    """Distance of each value from the one before.

    Args:
        values: in the order they were made [one unit].

    Returns:
        Ranges, one fewer than values.

    Source:
        control-chart-constants; jmp-individuals-charts

    Example:
        >>> moving_ranges([99.0, 101.0, 98.0])
        [2.0, 3.0]
    """
    return [abs(step) for step in _steps(values)]


def _steps(values: Sequence[float]) -> list[float]:
    return list(map(sub, values[1:], values))


def baseline_limits(baseline: Sequence[float]) -> Limits:
    """Limits of the individuals and moving range charts, from a baseline phase; keep them from then on.

        sigma = mean moving range / 1.128

    Args:
        baseline: values in the order they were made [one unit; at least two, not all alike].

    Returns:
        The limits.

    Raises:
        CannotCompute: fewer than two values, one that is not a number, or no scatter at all.

    Source:
        control-chart-constants; jmp-individuals-charts; frozen-baseline

    Example:
        >>> limits = baseline_limits([99.0, 101.0, 98.0, 100.0])
        >>> limits.mean, round(limits.sigma, 4), limits.provisional
        (99.5, 2.0686, True)
    """
    _check_numbers(baseline)
    n = len(baseline)
    if n < 2:
        raise CannotCompute(f"{n} values seen: a chart needs a baseline of at least two.", code="control.too-few")
    mean_range = fsum(moving_ranges(baseline)) / (n - 1)
    if mean_range == 0:
        raise CannotCompute(
            f"All {n} values of the baseline are {baseline[0]:g}: without any scatter there are no limits. "
            "Check whether the results were rounded.",
            code="control.no-scatter",
        )
    return Limits(n, fsum(baseline) / n, mean_range, mean_range / D2, provisional=n < LEAST_FOR_LIMITS)


def _check_numbers(values: Iterable[float]) -> None:
    for place, value in enumerate(values, start=1):
        if not isfinite(value):
            raise CannotCompute(f"Value {place} is {value}: a chart needs numbers. Check the result.")


def signals(values: Sequence[float], limits: Limits) -> dict[str, tuple[int, ...]]:
    """Where each run rule fires, against frozen limits.

    A rule fires at the last value of its window, also when that value itself lies inside: four of the
    last five count, whichever four. Nothing runs across phases: call once for each.

    Args:
        values: one phase, in the order made [unit of the limits].
        limits: from the baseline of that phase.

    Returns:
        Rule name (see `RULES`) to the places, counted from 0, at which it fires; rules that are silent are left out.

    Raises:
        CannotCompute: a value is not a number.

    Source:
        nelson-rules-micromine; western-electric-rules

    Example:
        >>> signals([100.1, 99.5, 103.2], Limits(20, 100.0, 1.128, 1.0, False))
        {'nelson-1': (2,), 'western-electric-1': (2,), 'moving-range': (2,)}
    """
    _check_numbers(values)
    zones = _zones(values, limits)
    beyond_3 = [abs(zone) == 4 for zone in zones]
    above, below = [zone > 0 for zone in zones], [zone < 0 for zone in zones]
    above_1, below_1 = [zone > 1 for zone in zones], [zone < -1 for zone in zones]
    above_2, below_2 = [zone > 2 for zone in zones], [zone < -2 for zone in zones]
    within_1 = [-1 <= zone <= 1 for zone in zones]
    steps = _steps(values)
    rising, falling = [False, *(step > 0 for step in steps)], [False, *(step < 0 for step in steps)]
    turning = [False, False, *(a * b < 0 for a, b in pairwise(steps))]
    # Eight in a row outside on one side only are a shift, which other rules name.
    outside_1 = _windows([not flag for flag in within_1], 8, 8)
    one_sided = _windows(above_1, 8, 8) | _windows(below_1, 8, 8)
    fired = {
        "nelson-1": _windows(beyond_3, 1, 1),
        "nelson-2": _windows(above, 9, 9) | _windows(below, 9, 9),
        "nelson-3": _windows(rising, 5, 5) | _windows(falling, 5, 5),
        "nelson-4": _windows(turning, 12, 12),
        "nelson-5": _windows(above_2, 2, 3) | _windows(below_2, 2, 3),
        "nelson-6": _windows(above_1, 4, 5) | _windows(below_1, 4, 5),
        "nelson-7": _windows(within_1, 15, 15),
        "nelson-8": outside_1 - one_sided,
        "western-electric-4": _windows(above, 8, 8) | _windows(below, 8, 8),
        "moving-range": {i for i, step in enumerate(steps, start=1) if abs(step) > limits.range_upper},
    }
    # These three are the same rule under two names.
    for number, nelson in ((1, "nelson-1"), (2, "nelson-5"), (3, "nelson-6")):
        fired[f"western-electric-{number}"] = fired[nelson]
    return {name: tuple(sorted(fired[name])) for name in RULES if fired[name]}


def _zones(values: Sequence[float], limits: Limits) -> list[int]:
    """The zone of each value: 0 on the mean, 1 up to 1 sigma above it, ... 4 beyond 3 sigma; negative below."""
    edges = [limits.mean + (sigmas - ON_THE_LINE) * limits.sigma for sigmas in (-3, -2, -1, 0)]
    edges += [limits.mean + (sigmas + ON_THE_LINE) * limits.sigma for sigmas in (0, 1, 2, 3)]
    return [bisect(edges, value) - 4 for value in values]


def _windows(flags: Sequence[bool], needed: int, of: int) -> set[int]:
    """Places where at least so many of the last so many flags are set.

    Walks the set flags only, each beside the one that completes it: most flags are rare.
    """
    places = list(compress(range(len(flags)), flags))
    fired: set[int] = set()
    for first, last in zip(places, places[needed - 1 :], strict=False):
        if last < first + of:
            fired.update(range(last, min(first + of, len(flags))))
    return fired


@dataclass(frozen=True)
class Index:
    """A capability index with its confidence interval.

    Args:
        value: the estimate.
        low: lower end of the interval.
        high: upper end of the interval.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Capability:
    """How a process fits its specification.

    Args:
        n: values it rests on.
        confidence: of each interval.
        cp: width of the specification over 6 sigma within; None with one limit only.
        cpk: distance of the mean from the nearer limit over 3 sigma within.
        pp: as cp, with the overall standard deviation.
        ppk: as cpk, with the overall standard deviation.
    """

    n: int
    confidence: float
    cp: Index | None
    cpk: Index
    pp: Index | None
    ppk: Index


def capability(
    values: Sequence[float], low: float | None, high: float | None, *, confidence: float = 0.95
) -> Capability:
    """Capability indices of values in control, each with its confidence interval.

        Cp = (high - low) / 6 s,  Cpk = min(high - mean, mean - low) / 3 s

    with s = mean moving range / 1.128 (Cp, Cpk) or the sample standard deviation (Pp, Ppk). Intervals:

        Cp sqrt(chi2 / v)  at both tails, chi2 by Wilson and Hilferty (within 0.5 % from 11 degrees on)
        Cpk ± z sqrt(1 / (9 n) + Cpk**2 / (2 v))  by the normal approximation

    with v = n - 1 degrees of freedom for the sample standard deviation, and 0.62 (n - 1) for moving ranges,
    which use less of the data. An index of values that signal is not a capability: look at `signals` first.

    Args:
        values: in the order they were made [one unit; at least 20, not all alike].
        low: lower specification limit [same unit]; None where there is none.
        high: upper specification limit [same unit]; None where there is none.
        confidence: of each two-sided interval [between 0 and 1].

    Returns:
        The indices.

    Raises:
        CannotCompute: fewer than 20 values, no specification, or a number out of range.

    Source:
        capability-indices; capability-intervals; moving-range-degrees-of-freedom

    Example:
        >>> values = [99.0, 101.0, 98.0, 100.0, 102.0] * 5
        >>> index = capability(values, 90.0, 110.0).ppk
        >>> print(f"{index.value:.2f} ({index.low:.2f} to {index.high:.2f})")
        2.31 (1.64 to 2.98)
    """
    _check_specification(low, high, confidence)
    n = len(values)
    if n < LEAST_FOR_CAPABILITY:
        raise CannotCompute(
            f"{n} values seen; a capability index needs at least {LEAST_FOR_CAPABILITY}. With fewer, even its "
            "confidence interval says next to nothing. Go on charting until there are enough.",
            code="capability.too-few",
        )
    limits = baseline_limits(values)
    overall = sqrt(fsum((value - limits.mean) ** 2 for value in values) / (n - 1))
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    nearer = min(inf if high is None else high - limits.mean, inf if low is None else limits.mean - low)
    width = None if low is None or high is None else high - low

    def centred(s: float, df: float) -> Index:
        value = nearer / (3 * s)
        half = z * sqrt(1 / (9 * n) + value**2 / (2 * df))
        return Index(value, value - half, value + half)

    def spread(s: float, df: float) -> Index | None:
        if width is None:
            return None
        value = width / (6 * s)
        return Index(value, value * _root_of_chi_square(-z, df), value * _root_of_chi_square(z, df))

    within_df, overall_df = 0.62 * (n - 1), n - 1.0
    return Capability(
        n=n,
        confidence=confidence,
        cp=spread(limits.sigma, within_df),
        cpk=centred(limits.sigma, within_df),
        pp=spread(overall, overall_df),
        ppk=centred(overall, overall_df),
    )


def _check_specification(low: float | None, high: float | None, confidence: float) -> None:
    _check_numbers(limit for limit in (low, high) if limit is not None)
    if low is None and high is None:
        raise CannotCompute("No specification limit was given: a capability needs at least one.")
    if low is not None and high is not None and low >= high:
        raise CannotCompute(f"Specification {low:g} to {high:g}: the lower limit must lie below the upper one.")
    if not 0 < confidence < 1:
        raise CannotCompute(f"Confidence {confidence}: give a share between 0 and 1, such as 0.95.")


def _root_of_chi_square(z: float, df: float) -> float:
    """sqrt(chi2 / df) at a normal quantile, by Wilson and Hilferty: chi2 / df = (1 - a + z sqrt(a))**3, a = 2 / (9 df)."""
    a = 2 / (9 * df)
    return sqrt(max(0.0, 1 - a + z * sqrt(a)) ** 3)
