"""Limits are dated rows; results are rounded to their limit before they are compared."""

from __future__ import annotations

import tomllib
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from compounding.calc import uniformity
from compounding.calc.rounding import decimals_of, rounded_half_up
from compounding.problems import NotUnderstood
from compounding.rules.acceptance import conforms, rule, rules_in_force

DAY = date(2026, 11, 22)
CASES = tomllib.loads(
    (Path(__file__).parent.parent / "cases/rounding_to_limit.toml").read_text("utf-8"), parse_float=Decimal
)


@pytest.mark.parametrize("case", CASES["case"], ids=lambda case: f"{case['raw']} {case['limit']}")
def test_a_result_is_rounded_to_its_limit_and_then_compared(case: dict[str, Any]) -> None:
    sign, number = case["limit"].split()
    limit, raw = Decimal(number), Fraction(case["raw"])
    assert str(rounded_half_up(raw, decimals_of(limit))) == case["rounded"]
    low, high = (limit, None) if sign == ">=" else (None, limit)
    assert conforms(raw, low, high) == case["conforms"]


def test_every_rule_says_whose_it_is_and_from_when() -> None:
    for row in rules_in_force(DAY):
        assert row.day_is in ("in force", "as read")
        assert row.authority
        assert row.source
        assert row.limits


def test_the_constants_of_the_calculation_are_those_of_the_rows() -> None:
    row = rule("content-uniformity", DAY)
    seen = uniformity.judge([Fraction(100)] * 30)
    assert seen.limit == row.decimal("acceptance_value")
    assert seen.window == uniformity.unit_window(Fraction(100), row.decimal("unit_window_percent"))
    row = rule("weight-variation", DAY)
    assert (row.decimal("least_active_mg"), row.decimal("least_share_percent")) == (25, 25)


def test_a_rule_that_is_not_known_or_not_yet_in_force_is_refused() -> None:
    with pytest.raises(NotUnderstood, match="known are: content-uniformity"):
        rule("content", DAY)
    with pytest.raises(NotUnderstood, match="On 2011-12-12 nothing was in force yet for id capsule-weight-brazil"):
        rule("capsule-weight-brazil", date(2011, 12, 12))
    assert rule("capsule-weight-brazil", date(2011, 12, 13)).day_is == "in force"
