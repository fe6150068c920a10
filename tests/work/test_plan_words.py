"""What a plan says of its source, of what is expected, and of how a dose is drawn up."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from compounding.cli.plan import plan_text
from compounding.quantities import cut, quantity
from compounding.records.plan import Plan
from compounding.work.doubts import FILL_SPREAD
from compounding.work.materials import Balance, Device, Materials, Order, Powder
from compounding.work.plan_words import expected_rows, source_rows
from tests.work.test_doubts import BENCH, BOTTLE, CAPSULES, budgeted, percents, planned

HELD = Order(quantity("4.5 mg"), 100, None, Fraction(0), "batch", CAPSULES.prepared)
SYRINGE = Device("1 mL oral syringe", quantity("1 mL"), quantity("0.2 mL"))


def powder(assay: str, **more: str) -> Materials:
    return replace(BENCH, tablets=None, powder=Powder("anhydrous", Fraction(assay), "as-is", **more))


def said(plan: Plan) -> dict[str, str]:
    return dict(expected_rows(plan))


def test_a_deficit_that_a_correction_leaves_out_is_expected_and_lowers_the_chances() -> None:
    """100 capsules of 4.5 mg from a powder of 92 %, weighed as if it were 100 %: 4.14 mg each, 8 % less."""
    made, right = planned(HELD, powder("0.92", correction="none")), planned(HELD, powder("0.92"))
    assert said(made)["by certificate"] == "4.14 mg, 8 % below the order: the correction leaves that out"
    assert made.uniformity and float(made.uniformity.potency_percent) < 90
    assert right.uniformity and float(right.uniformity.potency_percent) > 99
    assert "by certificate" not in said(right)


@pytest.mark.parametrize(("assay", "told"), [("0.9995", True), ("0.9996", False)])
def test_what_is_left_out_is_told_from_a_tenth_of_a_percent_as_rounded(assay: str, told: bool) -> None:
    warnings = " ".join(planned(HELD, powder(assay, correction="none")).warnings)
    assert ("By its certificate the powder holds 0.05 % less" in warnings) == told


def test_an_overage_on_the_active_is_not_taken_for_rounding() -> None:
    plain = planned(CAPSULES)
    more = planned(replace(CAPSULES, overage=Fraction(1, 10), overage_on="active"))
    assert (
        said(plain)["expected"]
        == f"{plain.expected.strength}, {plain.expected.error_percent} % from rounding to the balance"
    )
    assert "% above the order: 10 % of overage on the active, " in said(more)["expected"]


def test_a_dose_between_two_marks_shows_both_and_one_on_a_mark_none() -> None:
    between = planned(replace(BOTTLE, dose=quantity("0.9 mg"), devices=(SYRINGE,)))
    assert said(between)["dose"] == (
        "0.9 mg is 0.9 mL, between two marks of the 1 mL oral syringe: the nearest is 0.8 mL, -11.1 %; the other is 1 mL, 11.1 %"
    )
    assert said(planned(replace(BOTTLE, dose=quantity("0.8 mg"), devices=(SYRINGE,))))["dose"].endswith(
        "on a mark of the 1 mL oral syringe"
    )


def test_a_mark_beyond_the_device_is_not_offered() -> None:
    """0.95 mL on a syringe of 1 mL in steps of 0.3 mL: 0.9 mL is its last mark."""
    plan = planned(replace(BOTTLE, dose=quantity("0.95 mg"), devices=(replace(SYRINGE, step=quantity("0.3 mL")),)))
    assert plan.dose and (plan.dose.nearest, plan.dose.other_mark) == ("0.9 mL", None)


@pytest.mark.parametrize(("capacity", "told"), [("2.5 mL", False), ("3 mL", True), ("10 mL", True)])
def test_a_dose_under_a_fifth_of_its_device_is_told(capacity: str, told: bool) -> None:
    device = Device("syringe", quantity(capacity), quantity("0.1 mL"))
    warnings = planned(replace(BOTTLE, dose=quantity("0.5 mg"), devices=(device,))).warnings
    assert any("A dose of 0.5 mL is less than a fifth of what the syringe holds" in each for each in warnings) == told


def test_the_repeatability_of_a_balance_and_the_spread_of_ones_own_fills_reach_the_budget() -> None:
    """952.6 mg, 93 % of it, on a balance that repeats to 3 mg: 0.93 x sqrt(3^2 + 0.1^2 / 6) / 952.6 = 0.29 %."""
    poor = Balance("bench", quantity("0.1 mg"), quantity("20 mg"), repeatability=quantity("3 mg"))
    found = budgeted(CAPSULES, replace(BENCH, balance=poor, fill_spread=Fraction(12, 1000)))
    lines = {each.source: each for each in found.contributions}
    assert percents(found)["weighing of tablet powder"] == pytest.approx(0.2938, abs=0.0002)
    assert lines["weighing of tablet powder"].origin == "measured"
    assert "whose repeatability of 3 mg was measured" in lines["weighing of tablet powder"].basis
    assert percents(found)[FILL_SPREAD] == 1.2 and lines[FILL_SPREAD].origin == "measured"


def test_the_uncertainty_of_an_assay_takes_the_place_of_the_laboratorys() -> None:
    sure = powder("0.98", certificate="C-1")
    assert sure.powder
    sure = replace(sure, powder=replace(sure.powder, assay_uncertainty=Fraction(3, 100)))
    assert percents(budgeted(HELD, sure))["content of the source"] == 1.5


def test_an_ingredient_that_is_too_little_to_weigh_is_taken_from_a_stock_solution() -> None:
    bench = replace(BENCH, balance=Balance("coarse", quantity("0.1 mg"), quantity("82 mg")))
    syringe = Device("5 mL oral syringe", quantity("5 mL"), quantity("0.2 mL"))
    made = planned(replace(BOTTLE, devices=(syringe,)), bench)
    lines = {line.line: line.target for line in made.lines}
    assert [lines[f"{part}sodium benzoate"] for part in ("", "stock ", "part ")] == ["120.0 mg", "2 mL", "1 mL"]
    [stock] = made.stocks
    assert (stock.carries, stock.wasted, stock.multiple) == ("60 mg", "1 mL", 2)
    steps = [each.do for each in made.steps]
    [making] = [
        place
        for place, do in enumerate(steps)
        if do.startswith("Dissolve 120.0 mg of sodium benzoate in purified water")
    ]
    assert "Take 1 mL (holding 60 mg) of the stock of sodium benzoate" in steps[making + 1]
    assert made.steps[making].lines == ("sodium benzoate", "stock sodium benzoate")
    assert "part sodium benzoate" in made.steps[making + 1].lines


def test_parts_that_do_not_fit_into_the_bottle_are_refused() -> None:
    bench = replace(BENCH, balance=Balance("coarse", quantity("0.1 mg"), quantity("82 mg")))
    large = Device("200 mL cylinder", quantity("200 mL"), quantity("50 mL"))
    with pytest.raises(AssertionError, match="liquid ingredients take up 62"):
        planned(replace(BOTTLE, devices=(large,)), bench)


def test_the_screen_cuts_what_nobody_weighs_and_explain_shows_all_of_it() -> None:
    made = planned(HELD, powder("0.913"))
    assert cut("492.880613363 mg", 4) == "492.8806… mg"
    exact = next(line.exact for line in made.lines if line.line == "source")
    assert exact not in plan_text(made, explain=False) and cut(exact, 4) in plan_text(made, explain=False)
    assert exact in plan_text(made, explain=True)


def test_the_rows_of_a_source_are_its_tablets_or_the_lines_of_its_certificate() -> None:
    assert source_rows(planned(CAPSULES))[0][0] == "tablets to crush"
    assert "content" in dict(source_rows(planned(HELD, powder("0.98"))))
