"""Rounding half up is exact, also under a root."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compounding.calc.rounding import decimals_of, rounded_half_up, rounded_sum_with_root
from compounding.calc.spread import spread
from compounding.problems import CannotCompute

numbers = st.fractions(min_value=0, max_value=1000, max_denominator=10**6)


@given(st.decimals(-1000, 1000, places=5), st.integers(0, 6))
def test_it_agrees_with_decimal_half_up(value: Decimal, decimals: int) -> None:
    expected = value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    assert rounded_half_up(Fraction(value), decimals) == expected


@given(numbers, numbers, st.integers(0, 8))
def test_a_root_that_comes_out_even_is_rounded_like_the_number_it_is(a: Fraction, b: Fraction, decimals: int) -> None:
    assert rounded_sum_with_root(a, b**2, decimals) == rounded_half_up(a + b, decimals)


@given(numbers, numbers)
def test_the_rounded_sum_brackets_the_root(a: Fraction, square: Fraction) -> None:
    low = Fraction(rounded_sum_with_root(a, square, 4)) - Fraction(1, 20000)
    high = low + Fraction(1, 10000)
    assert low <= a or (low - a) ** 2 <= square
    assert (high - a) ** 2 > square


def test_ties_go_away_from_zero_and_digits_are_kept() -> None:
    assert str(rounded_half_up(Fraction("89.95"), 1)) == "90.0"
    assert str(rounded_half_up(Fraction("-2.5"), 0)) == "-3"
    assert str(rounded_half_up(Fraction(0), 2)) == "0.00"


def test_a_limit_tells_its_decimals() -> None:
    assert [decimals_of(Decimal(limit)) for limit in ("15.0", "0.02", "90", "1E+2")] == [1, 2, 0, 0]


def test_a_negative_part_is_refused() -> None:
    for parts in ((Fraction(-1), Fraction(1)), (Fraction(1), Fraction(-1))):
        with pytest.raises(CannotCompute, match="zero or more"):
            rounded_sum_with_root(*parts, 1)


def test_a_spread_needs_two_values_and_a_relative_one_a_mean() -> None:
    with pytest.raises(CannotCompute, match="at least two"):
        spread([Fraction(1)])
    assert spread([Fraction(-1), Fraction(1)]).rsd is None
    assert spread([Fraction(99), Fraction(101)]).rsd == Decimal("1.4142135624")
