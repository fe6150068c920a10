"""Weight variation: where it is allowed, and its worked example."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from compounding.calc.rounding import decimals_of, rounded_half_up
from compounding.calc.weight_variation import WeightVariationLimits, applies, contents_by_weight, judge_by_weight
from compounding.problems import CannotCompute, Refused

CASES = tomllib.loads((Path(__file__).parent.parent / "cases/uniformity.toml").read_text("utf-8"), parse_float=Decimal)
WEIGHED = CASES["weight_variation"][0]
LIMITS = WeightVariationLimits(Fraction(25), Fraction(25))
NET = [Fraction(weight) for weight in WEIGHED["net_weights_mg"]]


@pytest.mark.parametrize("case", CASES["method"], ids=lambda case: case["id"])
def test_weight_variation_needs_25_mg_and_a_quarter_of_the_contents(case: dict[str, Any]) -> None:
    allowed = applies(Fraction(case["dose_mg"]), Fraction(case["content_mg"]), LIMITS)
    assert allowed == (case["method"] == "WV_ALLOWED")


def test_the_worked_example_of_weight_variation() -> None:
    contents = contents_by_weight(NET, Fraction(WEIGHED["assay_pct_of_label"]))
    assert [rounded_half_up(content, 3) for content in contents] == WEIGHED["x_i"]
    seen = judge_by_weight(
        NET,
        Fraction(WEIGHED["assay_pct_of_label"]),
        active_mg=Fraction(WEIGHED["label_mg"]),
        contents_mg=Fraction(WEIGHED["fill_mg"]),
        limits=LIMITS,
    )
    for exact, key in ((seen.mean, "X"), (seen.sd, "s"), (seen.reference_value, "M"), (seen.acceptance_value, "AV")):
        assert rounded_half_up(Fraction(exact), decimals_of(WEIGHED[key])) == WEIGHED[key]
    assert seen.verdict == "pass"


def test_everything_may_be_active_and_the_target_counts() -> None:
    assert applies(Fraction(25), Fraction(25), LIMITS)
    assert contents_by_weight([Fraction("0.5")] * 2, Fraction("0.5")) == (Fraction("0.5"), Fraction("0.5"))
    high: Any = {"assay": Fraction("117"), "active_mg": Fraction(50), "contents_mg": Fraction(150), "limits": LIMITS}
    assert judge_by_weight(NET, **high).verdict == "test_20_more"
    assert judge_by_weight(NET, **high, target=Fraction(105)).verdict == "pass"


def test_the_limits_of_the_rule_decide_and_each_number_alone_is_not_enough() -> None:
    stricter = WeightVariationLimits(Fraction(30), Fraction(50))
    for active, contents, allowed in ((30, 60, True), (29, 40, False), (30, 61, False)):
        assert applies(Fraction(active), Fraction(contents), stricter) == allowed
    with pytest.raises(Refused, match="needs at least 30 mg and 50 %"):
        judge_by_weight(NET, Fraction(100), active_mg=Fraction(50), contents_mg=Fraction(150), limits=stricter)
    tight = {"active_mg": Fraction(50), "contents_mg": Fraction(150), "limits": LIMITS, "limit": Decimal("1.0")}
    assert judge_by_weight(NET, Fraction(100), **tight).verdict == "test_20_more"


def test_a_low_dose_capsule_is_refused_with_the_reason() -> None:
    with pytest.raises(
        Refused, match=r"4\.5 mg of active is 3\.00 % of the contents; .*needs at least 25.*Assay ten units"
    ) as refusal:
        judge_by_weight(NET, Fraction(100), active_mg=Fraction("4.5"), contents_mg=Fraction(150), limits=LIMITS)
    problem = refusal.value.problems[0]
    assert (problem.code, problem.source) == ("uniformity.weight-variation-not-allowed", "usp-905-weight-variation")


@pytest.mark.parametrize(("active", "contents"), [(0, 10), (11, 10), (-1, 10)])
def test_an_active_that_does_not_fit_its_contents_is_refused(active: int, contents: int) -> None:
    with pytest.raises(CannotCompute, match="check both masses"):
        applies(Fraction(active), Fraction(contents), LIMITS)


@pytest.mark.parametrize(("weights", "assay"), [([], 100), ([1, 0], 100), ([1, -1], 100), ([1, 1], 0)])
def test_weights_and_assay_must_be_above_zero(weights: list[int], assay: int) -> None:
    with pytest.raises(CannotCompute, match=r"^Weight variation needs .* above zero\. Check the readings\.$"):
        contents_by_weight([Fraction(weight) for weight in weights], Fraction(assay))
