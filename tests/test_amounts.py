"""How much carries the active: worked examples, and what is true of every batch."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compounding.calc.amounts import (
    active_in_units,
    active_in_volume,
    active_weighed,
    concentration_made,
    discarded_powder,
    per_capsule,
    tablet_powder_for,
    tablets_for,
    to_weigh,
    units_made,
    volume_made,
    whole_tablets,
)
from compounding.quantities import Quantity, amount, count, quantity
from tests.worked import examples, show

ACTIVE, POWDER = "naltrexone hydrochloride", "tablet powder"
ONE, NONE = Fraction(1), Fraction(0)


def thousandths(low: int, high: int, of: Quantity) -> st.SearchStrategy[Quantity]:
    return st.integers(low, high).map(lambda number: Fraction(number, 1000) * of)


strengths = thousandths(1, 50_000, quantity("1 mg/capsule", ACTIVE))
claims = thousandths(1, 100_000, quantity("1 mg/tablet", ACTIVE))
weights = thousandths(100_000, 900_000, quantity("1 mg/tablet", POWDER))
concentrations = thousandths(1, 50_000, quantity("1 mg/mL", ACTIVE))
volumes = thousandths(1, 1_000_000, quantity("1 mL"))
counts = st.integers(1, 100_000).map(lambda number: count(number, "capsule"))
overages = st.integers(0, 250).map(lambda thousandth: Fraction(thousandth, 1000))


@pytest.mark.parametrize(("subject", "step"), examples("amounts"))
def test_the_worked_example_comes_out_as_computed(subject: str, step: dict[str, Any]) -> None:
    show(subject, step)


@pytest.mark.parametrize(("needed", "crushed"), [("4.8", 5), ("2", 2), ("1.5", 2), ("0.9", 1), ("3.000000001", 4)])
def test_tablets_are_crushed_whole(needed: str, crushed: int) -> None:
    assert amount(whole_tablets(count(Fraction(needed), "tablet")), "tablet") == crushed


@given(strengths, counts, overages, claims, weights)
def test_the_exact_powder_carries_exactly_the_active_needed(
    strength: Quantity, units: Quantity, overage: Fraction, claim: Quantity, weight: Quantity
) -> None:
    active = active_in_units(strength, units, overage)
    assert active_weighed(tablet_powder_for(active, claim, weight), claim, weight) == active


@given(strengths, counts, overages, claims, weights)
def test_what_whole_tablets_hold_is_weighed_or_discarded(
    strength: Quantity, units: Quantity, overage: Fraction, claim: Quantity, weight: Quantity
) -> None:
    active = active_in_units(strength, units, overage)
    crushed, powder = whole_tablets(tablets_for(active, claim)), tablet_powder_for(active, claim, weight)
    left = discarded_powder(crushed, weight, powder)
    assert quantity("0 mg", POWDER) <= left < count(1, "tablet") * weight
    assert active_weighed(powder, claim, weight) + active_weighed(left, claim, weight) == crushed * claim


@given(strengths, counts, overages, claims, weights, st.integers(2, 100))
def test_k_times_the_capsules_need_exactly_k_times_the_powder(
    strength: Quantity, units: Quantity, overage: Fraction, claim: Quantity, weight: Quantity, k: int
) -> None:
    once, often = (active_in_units(strength, each, overage) for each in (units, k * units))
    assert tablet_powder_for(often, claim, weight) == k * tablet_powder_for(once, claim, weight)


@given(strengths, counts, overages)
def test_an_overage_on_the_batch_keeps_the_strength_and_one_on_the_active_raises_it_by_itself(
    strength: Quantity, units: Quantity, overage: Fraction
) -> None:
    active = active_in_units(strength, units, overage)
    assert per_capsule(active, units_made(units, overage)) == strength
    assert per_capsule(active, units) == strength * (1 + overage)


@given(concentrations, volumes, overages)
def test_the_same_holds_for_a_liquid(concentration: Quantity, volume: Quantity, overage: Fraction) -> None:
    active = active_in_volume(concentration, volume, overage)
    assert concentration_made(active, volume_made(volume, overage)) == concentration
    assert concentration_made(active, volume) == concentration * (1 + overage)


@given(
    thousandths(0, 10**9, quantity("1 mg", POWDER)), st.sampled_from(["0.01 mg", "0.1 mg", "1 mg", "0.001 g", "5 mg"])
)
def test_a_weighing_lies_within_half_a_step_of_the_exact_mass(exact: Quantity, readability: str) -> None:
    step = quantity(readability)
    error = to_weigh(exact, step) - exact
    assert abs(amount(error, "mg")) <= amount(step, "mg") / 2
