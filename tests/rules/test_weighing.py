"""The least that a balance may weigh is found by its mode, and says from which figures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fractions import Fraction

import pytest

from compounding.problems import CannotCompute, NotUnderstood
from compounding.quantities import quantity, written
from compounding.rules.weighing import MinimumWeight, compounding_minimum, minimum_as_tested, strict_minimum

DAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("found", "weight", "mode", "figures", "source"),
    [
        (strict_minimum(quantity("0.03 mg"), quantity("0.1 mg"), DAY), "82 mg", "strict", "not below 0.41 × the readability of 0.1 mg", "usp-41"),
        (strict_minimum(quantity("0 mg"), quantity("1 mg"), DAY), "820 mg", "strict", "2000 × the repeatability of 0 mg", "usp-41"),
        (strict_minimum(quantity("0.05 mg"), quantity("0.1 mg"), DAY), "100 mg", "strict", "the repeatability of 0.05 mg", "usp-41"),
        (compounding_minimum(quantity("6 mg"), DAY), "120 mg", "compounding", "6 mg × 100 / 5 % permitted error", "unc-weigh"),
        (compounding_minimum(quantity("6 mg"), DAY, Fraction(2)), "300 mg", "compounding", "6 mg × 100 / 2 % permitted error", "unc-weigh"),
        (minimum_as_tested(quantity("20 mg")), "20 mg", "tested", "20 mg, as the balance was tested", None),
    ],
)  # fmt: skip
def test_a_minimum_weight_says_how_it_was_found(found: MinimumWeight, weight: str, mode: str, figures: str, source: str | None) -> None:  # fmt: skip
    assert (written(found.weight), found.mode, found.source) == (weight, mode, source)
    assert figures in found.figures


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (lambda: minimum_as_tested(quantity("0 mg")), "The minimum weight is 0 mg: write a mass above zero"),
        (lambda: minimum_as_tested(quantity("20 mL")), "The minimum weight is 20 mL: write a mass above zero"),
        (lambda: strict_minimum(quantity("1 mL"), quantity("1 mg"), DAY), "The repeatability is 1 mL"),
        (lambda: strict_minimum(quantity("1 mg"), quantity("0 mg"), DAY), "The readability is 0 mg"),
        (lambda: compounding_minimum(quantity("0 mg"), DAY), "The sensitivity requirement is 0 mg"),
        (lambda: compounding_minimum(quantity("6 mg"), DAY, Fraction(0)), "A permitted error of 0 % is outside"),
        (lambda: compounding_minimum(quantity("6 mg"), DAY, Fraction(101)), "A permitted error of 101 % is outside"),
    ],
)
def test_a_figure_outside_its_range_is_refused(asked: Callable[[], object], says: str) -> None:
    with pytest.raises(CannotCompute, match=f"^{says}"):
        asked()


def test_a_day_before_the_rule_has_no_answer() -> None:
    with pytest.raises(NotUnderstood, match="On 2013-11-30 nothing was in force yet for id strict"):
        strict_minimum(quantity("0.05 mg"), quantity("0.1 mg"), date(2013, 11, 30))
