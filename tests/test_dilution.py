"""Least weighable quantities, aliquots and triturations: worked examples, and geometric dilution."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compounding.calc.dilution import doublings, drug_in_aliquot, drug_to_weigh, geometric_additions, mixture_total
from compounding.problems import CannotCompute
from compounding.quantities import Quantity, quantity
from tests.worked import examples, show

masses = st.integers(1, 10**7).map(lambda number: Fraction(number, 100))


def trituration(mass: Fraction | int) -> Quantity:
    return quantity("1 mg", "trituration") * mass


@pytest.mark.parametrize(("subject", "step"), examples("dilution"))
def test_the_worked_example_comes_out_as_computed(subject: str, step: dict[str, Any]) -> None:
    show(subject, step)


@given(masses, masses, st.integers(1, 1000))
def test_an_aliquot_carries_exactly_what_is_needed(need: Fraction, aliquot: Fraction, multiple: int) -> None:
    needed = need * quantity("1 mg", "drug")
    total = mixture_total(trituration(aliquot), Fraction(multiple))
    assert drug_in_aliquot(trituration(aliquot), total, drug_to_weigh(needed, Fraction(multiple))) == needed


@given(masses, masses)
def test_geometric_dilution_never_adds_more_than_is_in_the_mortar_and_adds_it_all(
    part: Fraction, more: Fraction
) -> None:
    mortar, whole = trituration(part), trituration(part + more)
    additions = geometric_additions(whole, mortar)
    for addition in additions:
        assert 0 < addition.magnitude <= mortar.magnitude
        mortar = mortar + addition
    assert mortar == whole
    assert abs(len(additions) - math.log2((part + more) / part)) < 1 + 1e-9


@pytest.mark.parametrize("power", [0, 1, 2, 29, 49, 100])
def test_doublings_are_exact_beside_powers_of_two(power: int) -> None:
    assert doublings(trituration(2**power), trituration(1)) == power
    assert doublings(trituration(2**power + Fraction(1, 10**9)), trituration(1)) == power + 1


def test_a_mixture_smaller_than_what_is_diluted_is_refused() -> None:
    with pytest.raises(CannotCompute, match="larger than the mixture"):
        doublings(trituration(1), trituration(2))
