"""Content uniformity: the book's examples, ties, and what must not change a verdict."""

from __future__ import annotations

import tomllib
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compounding.calc.rounding import decimals_of, rounded_half_up
from compounding.calc.uniformity import judge, percent_of_label, reference_value, unit_window, working
from compounding.problems import CannotCompute

CASES = tomllib.loads((Path(__file__).parent.parent / "cases/uniformity.toml").read_text("utf-8"), parse_float=Decimal)
VERDICTS = {"PASS_STAGE_1": "pass", "PASS_STAGE_2": "pass", "FAIL": "fail", "TEST_20_MORE": "test_20_more"}

# Deviations that sum to zero, with a standard deviation of exactly 2 (ten units) and 6 (thirty).
TEN = [4, -4, 1, 1, -1, -1, 0, 0, 0, 0]
THIRTY = [6, -6] * 12 + [7, -7, 5, -5, 4, -4]

contents = st.fractions(min_value=60, max_value=140, max_denominator=1000)
tens = st.lists(contents, min_size=10, max_size=10)
thirties = st.lists(contents, min_size=30, max_size=30)
samples = st.one_of(tens, thirties)


def fractions(values: list[Any]) -> list[Fraction]:
    return [Fraction(value) for value in values]


def around(mean: str, sd: Fraction | str, deviations: list[int]) -> list[Fraction]:
    unit = Fraction(sd) / (2 if len(deviations) == 10 else 6)
    return [Fraction(mean) + unit * d for d in deviations]


def agrees(exact: Fraction, written: Decimal | int) -> bool:
    return rounded_half_up(exact, decimals_of(Decimal(written))) == written


def check_stage(values: list[Fraction], target: Fraction, expected: dict[str, Any]) -> None:
    seen = judge(values, target=target)
    assert seen.n == expected["n"]
    assert seen.acceptability_constant == expected["k"]
    assert seen.rsd is not None
    assert agrees(seen.mean, expected["mean"])
    assert agrees(Fraction(seen.sd), expected["s"])
    assert agrees(Fraction(seen.rsd), expected["rsd"])
    assert agrees(seen.reference_value, expected["M"])
    assert agrees(Fraction(seen.acceptance_value), expected["AV"])
    assert seen.acceptance_value_rounded == expected["AV_reported"]
    if seen.window:
        assert [float(edge) for edge in seen.window] == [float(expected["unit_lo"]), float(expected["unit_hi"])]
        assert [unit.value for unit in seen.out_of_range] == expected["units_outside"]


@pytest.mark.parametrize("case", CASES["judge"], ids=lambda case: case["id"])
def test_the_worked_examples_come_out_as_written(case: dict[str, Any]) -> None:
    first, more = fractions(case["first"]), fractions(case.get("more", []))
    target = Fraction(case["target"])
    check_stage(first, target, case["stage1"])
    if more:
        check_stage(first + more, target, case["stage2"])
    assert judge(first + more, target=target).verdict == VERDICTS[case["decision"]]


def test_the_example_of_usp_fails_at_both_stages_though_below_25() -> None:
    published = CASES["published"]
    ten = judge(around(str(published["mean"]), str(published["sd"]), TEN))
    thirty = judge(around(str(published["mean"]), "6", THIRTY))
    assert ten.acceptance_value == thirty.acceptance_value == published["acceptance_value"]
    assert (ten.verdict, thirty.verdict) == ("test_20_more", "fail")
    assert thirty.window == unit_window(Fraction("101.5"), Decimal("25.0")) == tuple(fractions(published["window"]))
    assert thirty.out_of_range == ()


@pytest.mark.parametrize("case", CASES["budget"], ids=lambda case: f"mean {case['mean']}")
def test_the_spread_a_mean_allows_passes_and_a_little_more_does_not(case: dict[str, Any]) -> None:
    mean, little = str(case["mean"]), Fraction("0.03")
    for deviations, most in ((TEN, case["s_max_stage1_n10"]), (THIRTY, case["s_max_stage2_n30"])):
        assert judge(around(mean, str(most), deviations)).verdict == "pass"
        assert judge(around(mean, Fraction(most) + little, deviations)).verdict != "pass"


@pytest.mark.parametrize(("k", "deviations"), [("2.4", TEN), ("2.0", THIRTY)])
def test_an_acceptance_value_of_exactly_15_05_does_not_pass(k: str, deviations: list[int]) -> None:
    tie = Fraction("15.05") / Fraction(k)
    at, below = judge(around("100", tie, deviations)), judge(around("100", tie - Fraction(1, 10**30), deviations))
    assert (at.acceptance_value, at.acceptance_value_rounded) == (Decimal("15.05"), Decimal("15.1"))
    assert at.verdict != "pass"
    assert (below.acceptance_value_rounded, below.verdict) == (Decimal("15.0"), "pass")


def test_nothing_is_rounded_before_the_acceptance_value() -> None:
    # Rounded to one decimal first, the mean 98.46 and s 6.24 would give 0.0 + 2.4 x 6.2 = 14.9.
    assert judge(around("98.46", "6.24", TEN)).acceptance_value == Decimal("15.016")


def test_a_limit_with_two_decimals_is_compared_at_two() -> None:
    ten = around("100", Fraction("15.04") / Fraction("2.4"), TEN)
    assert judge(ten).verdict == "pass"
    assert judge(ten, limit=Decimal("15.00")).verdict == "test_20_more"


@pytest.mark.parametrize(
    ("mean", "target", "reference"),
    [
        ("98.4999", "100", "98.5"),
        ("98.5", "100", "98.5"),
        ("101.5", "100", "101.5"),
        ("101.6", "100", "101.5"),
        ("101.6", "101.5", "101.5"),
        ("98.4", "105", "98.5"),
        ("104.9", "105", "104.9"),
        ("105.1", "105", "105"),
    ],
)
def test_the_reference_value_follows_the_mean_up_to_its_ends(mean: str, target: str, reference: str) -> None:
    assert reference_value(Fraction(mean), Fraction(target)) == Fraction(reference)


def test_a_target_above_101_5_is_the_second_case_and_forgives_a_high_mean() -> None:
    ten = around("105", "6", TEN)
    assert judge(ten).verdict == "test_20_more"
    assert judge(ten, target=Fraction("105")).verdict == "pass"
    assert [judge(ten, target=Fraction(t)).case for t in ("100", "101.5", "101.51")] == [1, 1, 2]


@pytest.mark.parametrize(("rest", "edge", "outwards"), [("101.5", "126.875", 1), ("98.5", "73.875", -1)])
def test_a_unit_on_the_edge_of_the_window_passes_and_one_beyond_fails(rest: str, edge: str, outwards: int) -> None:
    others = fractions([rest] * 29)
    assert judge([*others, Fraction(edge)]).verdict == "pass"
    beyond = Fraction(edge) + outwards * Fraction(1, 10**9)
    seen = judge([*others[:7], beyond, *others[7:]])
    assert seen.verdict == "fail"
    assert seen.acceptance_value_rounded < seen.limit
    assert [(unit.index, unit.value) for unit in seen.out_of_range] == [(7, beyond)]


def test_stage_1_looks_at_no_single_unit() -> None:
    seen = judge(fractions([100] * 9 + [60]))
    assert (seen.stage, seen.window, seen.out_of_range, seen.verdict) == (1, None, (), "test_20_more")


def test_ten_empty_capsules_are_judged_without_a_relative_spread() -> None:
    seen = judge([Fraction(0)] * 10)
    assert (seen.rsd, seen.sd, seen.acceptance_value_rounded) == (None, 0, Decimal("98.5"))


@pytest.mark.parametrize("n", [0, 1, 9, 11, 20, 29, 31])
def test_any_other_count_is_refused(n: int) -> None:
    with pytest.raises(
        CannotCompute, match=rf"^{n} contents seen; .*the first 10 units.*20 more \(30\)\. Give every unit"
    ) as refusal:
        judge([Fraction(100)] * n)
    assert refusal.value.problems[0].code == "uniformity.count"


def test_a_negative_content_is_refused_by_its_place() -> None:
    with pytest.raises(CannotCompute, match=r"^Unit 3: content -0\.5 % of label is below zero") as refusal:
        judge(fractions([100, 100, "-0.5", *[100] * 7]))
    assert refusal.value.problems[0].code == "uniformity.negative"


@pytest.mark.parametrize(
    "criteria",
    [
        {"target": Fraction(0)},
        {"target": Fraction(-1)},
        {"limit": Decimal(0)},
        {"unit_limit": Decimal(-1)},
        {"unit_limit": Decimal(100)},
    ],
)
def test_criteria_out_of_range_are_refused(criteria: dict[str, Any]) -> None:
    with pytest.raises(CannotCompute, match=r"check the acceptance criteria$"):
        judge([Fraction(100)] * 10, **criteria)


def test_the_narrowest_criteria_still_judge() -> None:
    seen = judge([Fraction(99)] * 30, target=Fraction(1), limit=Decimal("0.1"), unit_limit=Decimal(0))
    assert (seen.verdict, seen.window) == ("pass", (99, 99))
    assert judge([Fraction(99)] * 30, unit_limit=Decimal(99)).window == (Fraction("0.99"), Fraction("197.01"))


def test_masses_become_percent_of_the_label() -> None:
    assert percent_of_label(fractions(["1.5", "1.47", "0"]), Fraction("1.5")) == (100, 98, 0)
    assert percent_of_label([Fraction("0.25")], Fraction("0.5")) == (50,)
    for strength in (0, -1):
        with pytest.raises(CannotCompute, match=f"^strength {strength}: contents need a labelled strength above zero$"):
            percent_of_label([Fraction(1)], Fraction(strength))


def test_the_working_tells_each_step() -> None:
    two = judge([*fractions([98] * 28), Fraction("73.25"), Fraction("125")])
    assert working(two)[3].endswith("outside: unit 29 73.2500 %, unit 30 125.0000 %")
    low = judge([*fractions([98] * 29), Fraction("73.25")])
    assert working(low) == (
        "30 units: mean X = 97.1750 %, standard deviation s = 4.5187 %",
        "X < 98.5, so M = 98.5",
        "AV = |M - X| + k s = 1.3250 + 2.0 x 4.5187 = 10.3624",
        "single units 73.8750 to 123.1250 %, outside: unit 30 73.2500 %",
        "rounded half up AV = 10.4, limit 15.0: fail",
    )
    high = working(judge(around("106", "6", THIRTY), target=Fraction(105)))
    assert high[1] == "X > 105, so M = 105"
    assert high[3] == "single units 78.7500 to 131.2500 %, outside: none"
    assert working(judge(around("102", "7", TEN)))[1::2] == (
        "X > 101.5, so M = 101.5",
        "rounded half up AV = 17.3, limit 15.0: test 20 more",
    )
    for mean in ("98.5", "101.5"):
        assert working(judge(around(mean, "2", TEN)))[1] == f"98.5 <= X <= 101.5, so M = X = {mean}000 %"


@given(samples, st.fractions(min_value="0.1", max_value=50, max_denominator=100))
def test_masses_and_percents_give_the_same_judgement(values: list[Fraction], strength: Fraction) -> None:
    masses = [value * strength / 100 for value in values]
    assert judge(percent_of_label(masses, strength)) == judge(values)


@given(samples, st.randoms(use_true_random=False))
def test_the_order_of_the_units_changes_nothing(values: list[Fraction], random: Any) -> None:
    shuffled = random.sample(values, len(values))
    one, other = judge(values), judge(shuffled)
    assert (one.verdict, one.acceptance_value, one.mean) == (other.verdict, other.acceptance_value, other.mean)
    assert sorted(unit.value for unit in one.out_of_range) == sorted(unit.value for unit in other.out_of_range)


@given(
    samples,
    st.integers(0, 9),
    st.one_of(
        st.fractions(min_value=0, max_value="73.87", max_denominator=100),
        st.fractions(min_value="126.88", max_value=400, max_denominator=100),
    ),
)
def test_a_unit_outside_every_window_never_passes(values: list[Fraction], place: int, outside: Fraction) -> None:
    seen = judge([*values[:place], outside, *values[place + 1 :]])
    assert seen.verdict == ("test_20_more" if seen.stage == 1 else "fail")


@given(samples)
def test_the_verdict_agrees_with_sixty_digits(values: list[Fraction]) -> None:
    seen = judge(values)
    with localcontext(prec=60):
        mean = sum(values) / len(values)
        square = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
        distance = max(Fraction("98.5") - mean, mean - Fraction("101.5"), Fraction(0))
        root = (Decimal(square.numerator) / square.denominator).sqrt()
        av = Decimal(distance.numerator) / distance.denominator + seen.acceptability_constant * root
        inside = len(values) == 10 or all(abs(value / seen.reference_value - 1) <= Fraction(1, 4) for value in values)
        assert abs(av - seen.acceptance_value) <= Decimal("1e-10")
        assert (seen.verdict == "pass") == (av < Decimal("15.05") and inside)
