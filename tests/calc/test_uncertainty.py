"""Doubts come out as by hand, add as squares, and agree with drawing and with another program."""

from __future__ import annotations

import tomllib
from math import hypot, inf, nan, sqrt
from pathlib import Path
from random import Random
from statistics import fmean, stdev
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uncertainties import ufloat

from compounding.calc import uncertainty
from compounding.calc.uncertainty import Budget, Contribution, budget
from compounding.problems import CannotCompute

CASES = tomllib.loads((Path(__file__).parent.parent / "cases/uncertainty.toml").read_text("utf-8"))["case"]


def of(*relatives: float, kind: Any = "batch") -> Budget:
    return budget([Contribution(f"input {i}", each, kind, "assumed", "") for i, each in enumerate(relatives)])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_each_doubt_comes_out_as_by_hand(case: dict[str, Any]) -> None:
    seen = getattr(uncertainty, case["what"])(*case["given"])
    assert 100 * seen == pytest.approx(case["percent"], rel=2e-5)


shares = st.lists(st.floats(0, 0.2), min_size=1, max_size=8)


@given(batch=shares, unit=shares)
def test_doubts_add_as_squares_and_batch_and_unit_stay_apart(batch: list[float], unit: list[float]) -> None:
    seen = budget([*of(*batch).contributions, *of(*unit, kind="unit").contributions])
    assert seen.batch_relative**2 == pytest.approx(sum(u * u for u in batch))
    assert seen.unit_relative**2 == pytest.approx(sum(u * u for u in unit))
    assert seen.expanded_percent == pytest.approx(200 * sqrt(sum(u * u for u in [*batch, *unit])))
    assert (seen.largest.relative if seen.largest else 0) == max(*batch, *unit)


def test_a_budget_without_doubts_has_no_largest_one() -> None:
    assert (of().expanded_percent, of().largest, of(0.0).largest, of(0.01).coverage_factor) == (0, None, None, 2)


@given(st.lists(st.floats(250, 350), min_size=2, max_size=10).filter(lambda weights: stdev(weights) > 0))
def test_more_tablets_of_the_same_scatter_say_more(weights: list[float]) -> None:
    # Four of each tablet: the scatter is all but the same, of four times as many.
    assert uncertainty.mean_weight(weights * 4) < uncertainty.mean_weight(weights)
    assert uncertainty.one_of_many(0.02, 9) == pytest.approx(uncertainty.one_of_many(0.02, 1) / 3)


@given(st.floats(1, 1e5), st.floats(1.001, 10), st.floats(0.01, 10), st.floats(0, 10))
def test_a_larger_mass_is_less_in_doubt_and_a_coarser_balance_more(m: float, more: float, d: float, s: float) -> None:
    weighing = uncertainty.weighing
    assert weighing(m * more, d, s) < weighing(m, d, s) < weighing(m, d * more, s)
    assert weighing(m, d, s) >= 0.408 * d / m


def test_a_larger_volume_in_the_same_cylinder_is_less_in_doubt() -> None:
    assert uncertainty.volume(90, 1.0) < uncertainty.volume(60, 1.0) < uncertainty.volume(60, 2.0)


def test_a_loss_that_is_not_corrected_for_counts_with_its_mean_square() -> None:
    losses = [(i + 0.5) / 100_000 for i in range(1000)]  # from 0 to 1 %, all as likely
    assert uncertainty.rectangular(0.01) == pytest.approx(sqrt(fmean(x * x for x in losses)), rel=1e-5)


# Relative uncertainties of factors and divisors, as large as a plan has them.
FACTORS, DIVISORS = (0.0577, 0.018, 0.0058, 0.0029), (0.0289, 0.0096)


def test_first_order_agrees_with_another_program_to_the_last_digits() -> None:
    product = 1.5
    for u in FACTORS:
        product *= ufloat(50, 50 * u)
    for u in DIVISORS:
        product /= ufloat(302.4, 302.4 * u)
    assert of(*FACTORS, *DIVISORS).batch_relative == pytest.approx(product.s / product.n, rel=1e-12)


def test_first_order_agrees_with_drawing_the_same_product_within_2_percent() -> None:
    random, drawn = Random(1272), []
    for _ in range(40_000):
        dose = random.uniform(1 - FACTORS[0] * sqrt(3), 1 + FACTORS[0] * sqrt(3))
        for u in FACTORS[1:]:
            dose *= random.gauss(1, u)
        for u in DIVISORS:
            dose /= random.gauss(1, u)
        drawn.append(dose)
    assert of(*FACTORS, *DIVISORS).batch_relative == pytest.approx(stdev(drawn) / fmean(drawn), rel=0.02)
    assert fmean(drawn) == pytest.approx(1, abs=0.002)


def test_what_first_order_leaves_out_is_below_1_percent() -> None:
    # Exact variance of a product of independent factors, and the next term of a divisor.
    exact = (1 + 0.06**2) * (1 + 0.03**2 + 8 * 0.03**4) - 1
    assert sqrt(exact) == pytest.approx(hypot(0.06, 0.03), rel=0.01)


@pytest.mark.parametrize(
    ("what", "given"),
    [
        ("content_by_window", (110, 90)),
        ("content_by_certificate", (-1,)),
        ("content_by_certificate", (1, 0)),
        ("mean_weight", ([302.4],)),
        ("mean_weight", ([302.4, 0],)),
        ("one_of_many", (0.02, 0)),
        ("weighing", (0, 0.1, 0.1)),
        ("weighing", (100, 0, 0.1)),
        ("weighing", (100, 0.1, -1)),
        ("weighing", (nan, 0.1, 0.1)),
        ("volume", (0, 1)),
        ("volume", (60, inf)),
    ],
)
def test_what_cannot_be_is_refused(what: str, given: tuple[Any, ...]) -> None:
    with pytest.raises(CannotCompute, match=r"check|Weigh more"):
        getattr(uncertainty, what)(*given)


def test_a_contribution_below_zero_is_refused() -> None:
    with pytest.raises(CannotCompute, match="Uncertainty of mixing"):
        Contribution("mixing", -0.01, "unit", "assumed", "")
