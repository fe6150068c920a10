"""How much filler makes every capsule full: worked examples, and what is true of every fill."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compounding.calc.fills import filler_per_capsule, mass_in_capsules, packing_from_density, share_of_capsule
from compounding.quantities import count, quantity, ratio
from compounding.rules.shells import check_volume
from compounding.rules.tables import rows
from tests.worked import examples, show

TODAY = date(2026, 11, 22)
ONE = count(1, "capsule")
milligrams = st.integers(1, 1_000_000).map(lambda number: Fraction(number, 1000))


@pytest.mark.parametrize(("subject", "step"), examples("fills"))
def test_the_worked_example_comes_out_as_computed(subject: str, step: dict[str, Any]) -> None:
    show(subject, step)


@given(milligrams, milligrams, milligrams)
def test_source_and_filler_fill_the_capsule_exactly(source: Fraction, room: Fraction, packing: Fraction) -> None:
    powder, filler = quantity("1 mg/capsule", "tablet powder"), quantity("1 mg/capsule", "lactose")
    share = share_of_capsule(source * powder, (source + room) * powder)
    assert share + ratio(filler_per_capsule(share, packing * filler), packing * filler) == 1


@given(milligrams, st.integers(1, 500), st.integers(2, 100))
def test_k_times_the_capsules_hold_exactly_k_times_the_filler(each: Fraction, units: int, k: int) -> None:
    filler = each * quantity("1 mg/capsule", "lactose")
    assert mass_in_capsules(filler, count(k * units, "capsule")) == k * mass_in_capsules(
        filler, count(units, "capsule")
    )


def test_a_shell_table_shifted_by_one_size_is_not_ours() -> None:
    """B05: one maker's page prints 0.95, 0.37 and 0.21 mL for sizes 000, 1 and 3 (urmachine)."""
    for row in (row for row in rows("shells") if "sizes" in row):
        volumes = {size: quantity(figures[0]) for size, figures in row["sizes"].items()}
        assert list(volumes) == ["000", "00", "0", "1", "2", "3", "4", "5"]
        assert list(volumes.values()) == sorted(volumes.values(), reverse=True)
        assert not any(check_volume(size, volume, TODAY) for size, volume in volumes.items())
    shifted = {"000": "0.95", "00": "0.68", "0": "0.50", "1": "0.37", "2": "0.30", "3": "0.21", "5": "0.15"}
    refused = {size: [each.code for each in check_volume(size, quantity(f"{mL} mL"), TODAY)] for size, mL in shifted.items()}
    assert refused == {size: ["shells.volume"] for size in shifted}


def test_microcrystalline_cellulose_fills_a_size_3_with_135_mg_and_not_225() -> None:
    packing = packing_from_density(quantity("0.30 mL"), quantity("0.45 g/mL", "microcrystalline cellulose"), ONE)
    assert packing == quantity("135 mg/capsule", "microcrystalline cellulose")


def test_a_mixture_made_for_225_mg_gives_2_7_of_4_5_mg_where_135_mg_go_in() -> None:
    """L09: "size 3 holds 225 mg" (compounder-fill) leaves two fifths of the dose outside the capsules."""
    share = share_of_capsule(quantity("4.5 mg/capsule", "drug"), quantity("225 mg/capsule", "drug"))
    received = filler_per_capsule(1 - share, quantity("135 mg/capsule", "mixture"))
    assert received == quantity("2.7 mg/capsule", "mixture")  # what the rest, the filler, leaves of the 135 mg
