"""Chances agree with the written ones, with a second integral, and with drawing batches."""

from __future__ import annotations

import time
import tomllib
from itertools import product
from math import exp, inf, lgamma, log, nan, pi, sqrt
from pathlib import Path
from random import Random
from statistics import NormalDist, fmean, stdev
from typing import Any

import pytest

from compounding.calc.chance import chance_to_pass, chances_with_assay, lower_bound, potency_chance
from compounding.calc.distributions import chi_square_cdf, normal_between, normal_cdf, quantile
from compounding.problems import CannotCompute

CASES = tomllib.loads((Path(__file__).parent.parent / "cases/chance.toml").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES["chance"], ids=lambda case: case["id"])
def test_the_chances_come_out_as_written(case: dict[str, Any]) -> None:
    seen = chance_to_pass(case["mu"], case["sigma"])
    assert round(seen.stage_1, 4) == case["P_stage1"]
    assert round(seen.at_least, 4) == case["lower_bound_P_pass"]


@pytest.mark.parametrize("case", CASES["lower_bound"], ids=lambda case: f"n {case['n']} s {case['s']}")
def test_the_lower_bounds_come_out_as_written(case: dict[str, Any]) -> None:
    seen = lower_bound(case["n"], case["mean"], case["s"], confidence=case["confidence"])
    assert round(seen, 4) == case["lower_bound"]


@pytest.mark.parametrize(
    "case", CASES["published"] + CASES["sd_limit"], ids=lambda case: f"n {case['n']} {case['mean']}"
)
def test_the_largest_spread_that_is_accepted_is_the_written_one(case: dict[str, Any]) -> None:
    digits = len(str(case["s_limit"]).partition(".")[2])
    half = 0.5 * 10**-digits if digits == 2 else 0.0011
    below, above = (
        lower_bound(case["n"], case["mean"], case["s_limit"] + side * half, confidence=case["confidence"])
        for side in (-1, 1)
    )
    assert below > case["bound"] > above


def value_chance(n: int, k: float, mean: float, sd: float, batch_sd: float) -> float:
    """The same chance as an integral over s instead of over the mean, by the trapezoidal rule."""
    df, most, steps = n - 1, 15.0 / k, 40_000
    of_mean = NormalDist(mean, sqrt(sd**2 / n + batch_sd**2))
    log_scale = log(2) + df / 2 * log(df / 2) - lgamma(df / 2) - df * log(sd)
    total = 0.0
    for i in range(1, steps):
        s = most * i / steps
        density = exp(log_scale + (df - 1) * log(s) - df * s * s / (2 * sd * sd))
        total += density * (of_mean.cdf(116.5 - k * s) - of_mean.cdf(83.5 + k * s))
    s = most
    density = exp(log_scale + (df - 1) * log(s) - df * s * s / (2 * sd * sd))
    return (total + density * (of_mean.cdf(101.5) - of_mean.cdf(98.5)) / 2) * most / steps


@pytest.mark.parametrize(("mean", "sd", "batch_sd"), [(100, 5, 0), (96, 4, 2), (105.9, 5, 0), (92, 2, 3), (104, 1, 6)])
def test_two_ways_to_integrate_agree_within_1e_8(mean: float, sd: float, batch_sd: float) -> None:
    seen = chance_to_pass(mean, sd, batch_sd=batch_sd)
    assert seen.stage_1 == pytest.approx(value_chance(10, 2.4, mean, sd, batch_sd), abs=1e-8)
    assert seen.stage_2_value == pytest.approx(value_chance(30, 2.0, mean, sd, batch_sd), abs=1e-8)


def value(units: list[float], k: float) -> tuple[float, float]:
    n, mean = len(units), sum(units) / len(units)
    reference = min(max(mean, 98.5), 101.5)
    return abs(reference - mean) + k * sqrt(sum((x - mean) ** 2 for x in units) / (n - 1)), reference


@pytest.mark.parametrize(("mean", "sd", "batch_sd"), [(100, 6, 0), (96, 4, 3), (105.9, 5, 0)])
def test_drawn_batches_pass_as_often_as_computed_and_never_less_than_the_bound(
    mean: float, sd: float, batch_sd: float
) -> None:
    random, batches = Random(905), 20_000
    first = second = inside = passed = 0
    for _ in range(batches):
        centre = random.gauss(mean, batch_sd)
        units = [random.gauss(centre, sd) for _ in range(30)]
        stage_1 = value(units[:10], 2.4)[0] <= 15
        acceptance, reference = value(units, 2.0)
        stage_2 = acceptance <= 15 and all(abs(x - reference) <= 0.25 * reference for x in units)
        first += stage_1
        second += acceptance <= 15
        inside += all(76.125 <= x <= 123.125 for x in units)
        passed += stage_1 or stage_2
    seen = chance_to_pass(mean, sd, batch_sd=batch_sd)
    for share, chance in ((first, seen.stage_1), (second, seen.stage_2_value), (inside, seen.all_inside)):
        assert share / batches == pytest.approx(chance, abs=4 * sqrt(0.25 / batches))
    assert passed / batches >= seen.at_least - 4 * sqrt(0.25 / batches)


def test_a_batch_that_does_not_scatter_passes_or_fails_for_certain() -> None:
    assert chance_to_pass(83.5, 0).at_least == chance_to_pass(116.5, 0).at_least == 1
    assert chance_to_pass(83.4, 0).at_least == chance_to_pass(116.6, 0).at_least == 0
    assert chance_to_pass(60, 1).stage_1 == 0
    assert chance_to_pass(120, 0, target=105).at_least == 1


def test_an_uncertain_mean_alone_gives_the_share_of_means_that_pass() -> None:
    seen = chance_to_pass(100, 0, batch_sd=8)
    assert seen.stage_1 == seen.stage_2_value == normal_between(100, 8, 83.5, 116.5)
    assert seen.all_inside == pytest.approx(normal_between(100, 8, 76.125, 123.125), abs=1e-12)


def test_chances_fall_as_units_or_batches_scatter_more() -> None:
    for part in ("stage_1", "stage_2_value", "all_inside", "at_least"):
        for spoil in ({"sd": 6.5}, {"batch_sd": 4}):
            worse = chance_to_pass(**{"mean": 99, "sd": 5, "batch_sd": 1, **spoil})
            assert getattr(worse, part) < getattr(chance_to_pass(99, 5, batch_sd=1), part)


def test_the_corners_of_the_triangle_hold_its_least_chance() -> None:
    # Sigma at 90 % confidence is at most 1.6385 s for ten units; z is 1.9488.
    for mean, sd in ((97, 2.63), (99.7, 3.2), (108, 1.6)):
        least = lower_bound(10, mean, sd)
        for height, across in product((0.05, 0.3, 0.6, 0.9, 0.999), (-0.999, -0.5, 0, 0.5, 0.999)):
            sigma = height * 1.6385 * sd
            assert chance_to_pass(mean + across * 1.9488 * sigma / sqrt(10), sigma).at_least >= least - 1e-9


def test_results_whose_mean_fails_promise_nothing() -> None:
    assert lower_bound(10, 83, 0.1) == 0
    assert lower_bound(30, 100, 0) == 1
    assert lower_bound(30, 100, 5, confidence=0.01) > lower_bound(30, 100, 5, confidence=0.9)
    assert lower_bound(30, 100, 15) < 0.001
    assert lower_bound(10, 100, 1000) == 0


def test_potency_is_a_share_of_a_normal_distribution() -> None:
    assert potency_chance(100, batch_sd=3, assay_sd=4) == pytest.approx(1 - 2 * NormalDist().cdf(-2), abs=1e-15)
    assert potency_chance(110, batch_sd=0, assay_sd=0) == 1
    assert potency_chance(110.1, batch_sd=0, assay_sd=0) == 0
    assert potency_chance(95, batch_sd=5, assay_sd=0, low=95, high=200) == pytest.approx(0.5)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"mean": 0},
        {"mean": nan},
        {"sd": -1},
        {"sd": inf},
        {"batch_sd": -1},
        {"target": 0},
        {"limit": 0},
    ],
)
def test_a_batch_that_cannot_be_is_refused(spoilt: dict[str, float]) -> None:
    with pytest.raises(CannotCompute, match="check the batch"):
        chance_to_pass(**{"mean": 100, "sd": 5, **spoilt})


@pytest.mark.parametrize("spoilt", [{"mean": nan}, {"batch_sd": -1}, {"assay_sd": -1}, {"low": 111}])
def test_a_potency_that_cannot_be_is_refused(spoilt: dict[str, float]) -> None:
    with pytest.raises(CannotCompute, match="check them"):
        potency_chance(**{"mean": 100, "batch_sd": 1, "assay_sd": 1, **spoilt})


@pytest.mark.parametrize("spoilt", [{"n": 20}, {"confidence": 0}, {"confidence": 1}, {"sd": -1}, {"sd": nan}])
def test_a_bound_needs_ten_or_thirty_units_and_a_confidence(spoilt: dict[str, Any]) -> None:
    with pytest.raises(CannotCompute, match="10 or 30 units"):
        lower_bound(**{"n": 10, "mean": 100, "sd": 3, **spoilt})


def test_one_chance_takes_less_than_ten_milliseconds() -> None:
    seconds = []
    for _ in range(20):
        started = time.process_time()
        chance_to_pass(98, 5.8)
        seconds.append(time.process_time() - started)
    assert min(seconds) < 0.010


def test_the_distributions_agree_with_printed_tables() -> None:
    for df, printed in ((9, {0.05: 3.325, 0.95: 16.919}), (29, {0.05: 17.708, 0.95: 42.557})):
        for share, x in printed.items():
            seen = quantile(lambda x, df=df: chi_square_cdf(x, df), share, 0, 100)  # type: ignore[misc]
            assert round(seen, 3) == x
    assert chi_square_cdf(-1, 9) == chi_square_cdf(0, 9) == 0
    assert chi_square_cdf(1, 3) == pytest.approx(2 * NormalDist().cdf(1) - 1 - 2 * exp(-0.5) / sqrt(2 * pi), abs=1e-15)
    for df in (1, 8):
        with pytest.raises(CannotCompute, match="odd counts from 3"):
            chi_square_cdf(1.0, df)
    assert normal_cdf(-10) == pytest.approx(7.61985302416e-24)
    assert normal_between(0, 1, 9, 10) == pytest.approx(1.12858840595e-19)


def test_an_assay_that_cannot_fail_leaves_content_uniformity_alone() -> None:
    units, both = chances_with_assay(98, 5.8, batch_sd=2, assay_sd=2, low=-1000, high=1000)
    alone = chance_to_pass(98, 5.8, batch_sd=2)
    assert both == pytest.approx(alone.at_least, abs=1e-9)
    assert units.stage_1 == pytest.approx(alone.stage_1, abs=1e-9)


def test_a_batch_that_is_known_exactly_passes_both_tests_independently() -> None:
    units, both = chances_with_assay(95, 4, batch_sd=0, assay_sd=3)
    potency = potency_chance(95, batch_sd=0, assay_sd=3)
    first, second = units.stage_1 * potency, (units.stage_2_value + units.all_inside - 1) * potency
    assert both == pytest.approx(max(first, second), abs=1e-9)


@pytest.mark.parametrize(("mean", "sd", "batch_sd", "assay_sd"), [(96, 3, 4, 2), (104, 1.5, 6, 0.5), (100, 4, 3, 2)])
def test_both_chances_agree_with_drawn_batches(mean: float, sd: float, batch_sd: float, assay_sd: float) -> None:
    """Each draw: a batch's own mean, its assay, the mean and the spread of thirty units, and whether all lie inside."""
    random, passed, batches = Random(26), 0, 20_000
    for _ in range(batches):
        own = random.gauss(mean, batch_sd)
        units = [random.gauss(own, sd) for _ in range(30)]
        potent = 90 <= random.gauss(own, assay_sd) <= 110
        ten, thirty = (_acceptance(units[:10], 2.4), _acceptance(units, 2.0))
        inside = all(76.125 <= unit <= 123.125 for unit in units)
        passed += potent and (ten <= 15 or (thirty <= 15 and inside))
    _, both = chances_with_assay(mean, sd, batch_sd=batch_sd, assay_sd=assay_sd)
    # A lower bound, and a close one: it lets a batch count at the better stage alone.
    assert passed / batches - 0.03 < both < passed / batches + 4 * sqrt(0.25 / batches)


def _acceptance(units: list[float], k: float) -> float:
    mean = fmean(units)
    return abs(min(max(mean, 98.5), 101.5) - mean) + k * stdev(units)
