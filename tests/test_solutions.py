"""Liquids made up to volume: worked examples, and a dose that measures what it should."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compounding.calc.solutions import component_mass, dose_volume
from compounding.quantities import quantity
from tests.worked import examples, show

amounts = st.integers(1, 10**6).map(lambda number: Fraction(number, 1000))


@pytest.mark.parametrize(("subject", "step"), examples("solutions"))
def test_the_worked_example_comes_out_as_computed(subject: str, step: dict[str, Any]) -> None:
    show(subject, step)


@given(amounts, amounts)
def test_the_volume_of_a_dose_holds_exactly_the_dose(dose: Fraction, concentration: Fraction) -> None:
    ordered, made = dose * quantity("1 mg", "drug"), concentration * quantity("1 mg/mL", "drug")
    assert component_mass(made, dose_volume(ordered, made)) == ordered
