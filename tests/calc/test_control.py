"""Control charts: limits, run rules one by one, and capability."""

from __future__ import annotations

import tomllib
from math import inf, nan
from pathlib import Path
from random import Random
from statistics import stdev
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compounding.calc.control import RULES, Limits, baseline_limits, capability, moving_ranges, signals
from compounding.problems import CannotCompute

CASES = tomllib.loads((Path(__file__).parent.parent / "cases/control.toml").read_text("utf-8"))
SIGMA_ONE = Limits(n=20, mean=0.0, mean_range=1.128, sigma=1.0, provisional=False)
# Quiet values: no rule sees anything in them, whatever follows within 1 sigma.
QUIET = [0.2, -0.3, 1.2, -0.4, -0.5]


def fires(z: list[float]) -> dict[str, tuple[int, ...]]:
    return signals(z, SIGMA_ONE)


def nelson(z: list[float]) -> dict[int, tuple[int, ...]]:
    return {int(name[-1]): places for name, places in fires(z).items() if name.startswith("nelson")}


@pytest.mark.parametrize("case", CASES["chart"], ids=lambda case: case["id"])
def test_the_limits_come_out_as_written(case: dict[str, Any]) -> None:
    expected, limits = case["expected"], baseline_limits(case["data"])
    seen = {
        "n": limits.n,
        "mean": limits.mean,
        "MR_bar": limits.mean_range,
        "sigma_within": limits.sigma,
        "UCL_3sigma": limits.upper,
        "LCL_3sigma": limits.lower,
        "UCL_2_66": limits.mean + 2.66 * limits.mean_range,
        "LCL_2_66": limits.mean - 2.66 * limits.mean_range,
        "MR_UCL": limits.range_upper,
        "s_overall": stdev(case["data"]),
    }
    if "Cp" in expected:
        index = capability(case["data"], 90, 110)
        assert index.cp is not None
        assert index.pp is not None
        seen |= {"Cp": index.cp.value, "Cpk": index.cpk.value, "Pp": index.pp.value, "Ppk": index.ppk.value}
    assert expected == {key: round(value, len(str(expected[key]).partition(".")[2])) for key, value in seen.items()}


def test_the_hits_of_a_drifting_chart_are_the_written_ones() -> None:
    case = CASES["chart"][1]
    seen = signals(case["data"], baseline_limits(case["data"]))
    written = {f"nelson-{rule}": tuple(places) for rule, places in case["nelson_hits"].items()}
    assert {name: places for name, places in seen.items() if name.startswith("nelson")} == written
    assert seen["western-electric-3"] == written["nelson-6"]


@pytest.mark.parametrize("case", CASES["nelson"], ids=lambda case: case["id"])
def test_each_written_nelson_rule_fires_where_written_and_no_other(case: dict[str, Any]) -> None:
    assert nelson(case["z"]) == {case["rule"]: (case["fires_at_index_0_based"],)}


ALTERNATING = [0.3, -0.3, 1.4, 0.3, 1.4, -0.4, 0.3, -1.4, 0.3, -0.3, 0.4, -0.3, 1.4, 0.3]
BOTH_SIDES = [1.2, 1.3, -1.2, -1.3, 1.2, 1.3, -1.4, -1.2]


@pytest.mark.parametrize(
    ("rule", "z"),
    [
        (1, [3.1]),
        (2, [0.4, 1.2, 0.3, 0.6, 0.5, 1.3, 0.2, 0.4, 0.6]),
        (3, [-0.9, -0.5, -0.1, 0.3, 0.5, 0.9]),
        (4, ALTERNATING),
        (5, [2.1, 0.1, 2.3]),
        (6, [1.1, 1.4, 0.2, 1.3, 1.2]),
        (7, [0.3, -0.4, -0.5, 0.9] * 3 + [0.3, -0.4, -0.5]),
        (8, BOTH_SIDES),
    ],
)
def test_each_nelson_rule_needs_its_whole_window_and_looks_both_ways(rule: int, z: list[float]) -> None:
    for mirrored in (z, [-value for value in z]):
        assert nelson(mirrored) == {rule: (len(z) - 1,)}
        assert nelson(mirrored[1:]) == nelson(mirrored[:-1]) == {}


@pytest.mark.parametrize(("rule", "line", "needed"), [("nelson-1", 3.0, 1), ("nelson-5", 2.0, 3), ("nelson-6", 1.0, 5)])
def test_a_value_on_a_line_is_not_beyond_it(rule: str, line: float, needed: int) -> None:
    for side in (1, -1):
        assert rule not in fires([side * (line + 5e-7)] * needed)
        assert rule in fires([side * (line + 2e-6)] * needed)


@pytest.mark.parametrize("side", [1, -1])
def test_a_value_on_the_mean_breaks_a_run_and_one_on_1_sigma_lies_within(side: int) -> None:
    run = [side * 0.3, side * 0.5] * 4
    assert "nelson-2" in fires([*run, side * 2e-6])
    assert "nelson-2" not in fires([*run, side * 5e-7])
    assert "nelson-2" not in fires([*run, -side * 0.3])
    assert fires([1.0, -1.0, 0.2] * 5)["nelson-7"] == (14,)
    assert "nelson-8" not in fires([*BOTH_SIDES[:-1], -1.0])


@pytest.mark.parametrize("side", [1, -1])
def test_equal_neighbours_neither_rise_nor_fall_nor_turn(side: int) -> None:
    assert "nelson-3" not in fires([side * z for z in (-0.9, -0.5, -0.1, -0.1, 0.5, 0.9)])
    assert "nelson-4" not in fires([*ALTERNATING[:6], ALTERNATING[5], *ALTERNATING[7:]])


@pytest.mark.parametrize("side", [1, -1])
def test_outside_on_one_side_is_a_shift_until_the_other_side_joins(side: int) -> None:
    shift = [side * 1.2, side * 1.9] * 4
    assert "nelson-8" not in fires(shift)
    assert fires([*shift, side * 1.2, -side * 1.2])["nelson-8"] == (9,)


@pytest.mark.parametrize(
    ("rule", "z"),
    [
        (2, [0.4, 1.2, 0.3, 0.6, -0.5, 0.5, 1.3, 0.2, 0.4, 0.6]),
        (5, [2.1, 0.1, 0.1, 2.3]),
        (6, [1.1, 1.4, 0.2, 0.2, 1.3, 1.2]),
        (7, [0.3, -0.4, -0.5, 0.9] * 2 + [1.2] + [0.3, -0.4, -0.5, 0.9] * 2),
        (8, [1.2, 1.3, -1.2, -1.3, 0.5, 1.2, 1.3, -1.4, -1.2]),
    ],
)
def test_a_window_is_no_longer_than_its_rule_says(rule: int, z: list[float]) -> None:
    for mirrored in (z, [-value for value in z]):
        assert nelson(mirrored) == {}, rule


def test_two_beyond_2_sigma_on_different_sides_are_no_signal() -> None:
    assert nelson([2.2, 0.1, -2.2]) == {}
    assert nelson([1.2, 1.2, 0.1, -1.2, -1.2]) == {}


def test_runs_slide_on_for_as_long_as_they_last() -> None:
    assert fires([0.4, 0.3, 1.2] * 4)["nelson-2"] == (8, 9, 10, 11)
    assert fires([5.0, 5.0])["nelson-5"] == (1,)


def test_western_electric_rules_are_named_beside_nelsons() -> None:
    assert fires([0.4, 1.2, 0.3, 0.6, 0.5, 1.3, 0.2, 0.4]) == {"western-electric-4": (7,)}
    assert fires([-0.4, -1.2, -0.3, -0.6, -0.5, -1.3, -0.2, -0.4]) == {"western-electric-4": (7,)}
    seen = fires([4.0, 2.5, 2.4, 2.3])
    assert seen["western-electric-1"] == seen["nelson-1"] == (0,)
    assert seen["western-electric-2"] == seen["nelson-5"] == (1, 2, 3)
    assert seen["western-electric-3"] == seen["nelson-6"] == (3,)
    assert set(seen) <= set(RULES)


def test_a_step_beyond_the_limit_of_the_range_is_a_signal() -> None:
    limit = SIGMA_ONE.range_upper
    assert limit == pytest.approx(3.267 * 1.128)
    assert fires([-1.8, limit - 1.8 + 1e-9]) == {"moving-range": (1,)}
    assert fires([1.8, 1.8 - limit - 1e-9]) == {"moving-range": (1,)}
    assert "moving-range" not in signals([0.0, limit], SIGMA_ONE)


def test_limits_are_provisional_below_twenty_values() -> None:
    values = [99.0, 101.0] * 10
    assert baseline_limits(values[:19]).provisional
    assert not baseline_limits(values).provisional


def test_frozen_limits_do_not_follow_new_values() -> None:
    limits = baseline_limits([99.0, 101.0] * 10)
    assert signals([120.0] * 3, limits)["nelson-1"] == (0, 1, 2)
    assert limits == baseline_limits([99.0, 101.0] * 10)


def test_an_empty_phase_and_a_single_value_have_no_runs() -> None:
    assert fires([]) == fires([0.1]) == {}
    assert moving_ranges([1.0]) == []


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([], "^0 values seen"),
        ([99.0], "^1 values seen"),
        (
            [99.9] * 20,
            r"^All 20 values of the baseline are 99.9: without any scatter .* Check whether the results were r.*d\.$",
        ),
        ([99.0, nan], "^Value 2 is nan"),
        ([inf, 99.0], "^Value 1 is inf"),
    ],
)
def test_a_baseline_without_limits_is_refused(values: list[float], says: str) -> None:
    with pytest.raises(CannotCompute, match=says):
        baseline_limits(values)


def test_two_values_make_a_baseline_and_a_value_that_is_no_number_no_signal() -> None:
    assert baseline_limits([1.0, 2.0]).mean_range == 1
    with pytest.raises(CannotCompute, match=r"^Value 2 is nan"):
        fires([1.0, nan])


def test_each_refusal_has_its_code() -> None:
    for values, code in (([1.0], "control.too-few"), ([1.0, 1.0], "control.no-scatter")):
        with pytest.raises(CannotCompute) as refusal:
            baseline_limits(values)
        assert refusal.value.problems[0].code == code
    with pytest.raises(
        CannotCompute,
        match=r"^19 values seen; .* at least 20\. With fewer, even its confidence .*\. Go on charting .* are enough\.$",
    ) as refusal:
        capability([1.0, 2.0] * 9 + [1.0], 0, 3)
    assert refusal.value.problems[0].code == "capability.too-few"


TWENTY = CASES["chart"][1]["data"]


def test_the_intervals_of_capability_follow_their_formulas() -> None:
    seen = capability(TWENTY, 90, 110)
    # chi2 at 2.5 and 97.5 % is 8.9065 and 32.8523 for 19 degrees (printed tables): Pp 3.806 x sqrt(chi2 / 19).
    assert seen.pp is not None
    assert (seen.n, seen.confidence) == (20, 0.95)
    assert (seen.pp.low, seen.pp.high) == pytest.approx((2.6059, 5.0048), rel=2e-3)
    # 1.95996 x sqrt(1 / 180 + Ppk**2 / 38) and, for Cpk, v = 0.62 x 19 = 11.78.
    assert seen.ppk.high - seen.ppk.value == pytest.approx(1.2009, abs=5e-4)
    assert seen.ppk.value - seen.ppk.low == pytest.approx(1.2009, abs=5e-4)
    assert seen.cpk.high - seen.cpk.value == pytest.approx(2.4535, abs=5e-4)
    assert seen.cp is not None
    # chi2 for 11.78 degrees lies between those for 11 (3.8157 and 21.920) and 12 (4.4038 and 23.337).
    assert (3.8157 / 11) ** 0.5 < seen.cp.low / seen.cp.value < (4.4038 / 12) ** 0.5
    assert (23.337 / 12) ** 0.5 < seen.cp.high / seen.cp.value < (21.920 / 11) ** 0.5


def test_more_confidence_asks_for_a_wider_interval() -> None:
    narrow, wide = (capability(TWENTY, 90, 110, confidence=share).ppk for share in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high
    certain = capability(TWENTY, 90, 110, confidence=1 - 1e-15)
    assert certain.cp is not None
    assert certain.cp.low == 0


def test_one_specification_limit_leaves_the_indices_that_need_two_out() -> None:
    low, high, both = (capability(TWENTY, *ends) for ends in ((90, None), (None, 110), (90, 110)))
    assert (low.cp, low.pp, high.cp, high.pp) == (None, None, None, None)
    assert min(low.cpk.value, high.cpk.value) == both.cpk.value == high.cpk.value
    assert low.ppk.value > high.ppk.value


def test_a_mean_outside_its_specification_has_an_index_below_zero() -> None:
    assert capability(TWENTY, 101, 110).ppk.value < 0


@pytest.mark.parametrize(
    ("low", "high", "confidence", "says"),
    [
        (None, None, 0.95, r"^No specification limit"),
        (110, 90, 0.95, "^Specification 110 to 90"),
        (90, 90, 0.95, "^Specification 90 to 90"),
        (nan, 110, 0.95, "^Value 1 is nan"),
        (90, 110, 0, "^Confidence 0"),
        (90, 110, 1, "^Confidence 1"),
    ],
)
def test_a_specification_that_cannot_be_is_refused(low: Any, high: Any, confidence: float, says: str) -> None:
    with pytest.raises(CannotCompute, match=says):
        capability(TWENTY, low, high, confidence=confidence)


def test_rule_1_gives_a_false_alarm_in_about_370() -> None:
    random = Random(370)
    alarms = fires([random.gauss(0, 1) for _ in range(100_000)])["nelson-1"]
    assert 100_000 / len(alarms) == pytest.approx(370, rel=0.15)


def test_the_four_western_electric_rules_give_one_in_about_92() -> None:
    random, runs, total = Random(92), 600, 0
    for _ in range(runs):
        seen = fires([random.gauss(0, 1) for _ in range(500)])
        total += 1 + min((places[0] for name, places in seen.items() if name.startswith("western")), default=500)
    assert total / runs == pytest.approx(91.75, rel=0.12)


@given(st.lists(st.integers(-40, 40), max_size=40), st.integers(90, 110), st.integers(1, 8))
def test_moving_and_scaling_a_chart_changes_no_signal(tenths: list[int], mean: int, factor: int) -> None:
    moved = Limits(20, float(mean), 1.128 * factor, float(factor), False)
    assert signals([mean + factor * t / 10 for t in tenths], moved) == fires([t / 10 for t in tenths])
