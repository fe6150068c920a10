"""A plan says how sure it is: what its dose depends on, where each number comes from, and the chance to pass."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date
from fractions import Fraction
from math import hypot, sqrt
from pathlib import Path
from random import Random
from statistics import fmean, stdev
from typing import Any

import pytest

from compounding.calc.chance import chance_to_pass, potency_chance
from compounding.calc.uncertainty import Budget
from compounding.data_files import data_folder
from compounding.problems import NotUnderstood
from compounding.quantities import quantity
from compounding.records.aliquot import Aliquot
from compounding.records.formula import digest_of, read_formula
from compounding.records.plan import Plan
from compounding.records.record import replaced
from compounding.rules.doubts import assumption, cylinder_for
from compounding.rules.tables import rows
from compounding.work.doubts import (
    CONTENT,
    FILL_SPREAD,
    budget_of,
    certified_content,
    chance_of,
    doubt_of,
    measured_fill,
    measured_weighing,
    of_aliquots,
)
from compounding.work.materials import Balance, Filler, Materials, Order, Shells, Tablets
from compounding.work.planned import plan as make_plan

TODAY = date(2026, 11, 22)
TEXTS = {path.stem: path.read_text("utf-8") for path in data_folder("formulas").glob("naltrexone-*.toml")}
CAPSULE, LIQUID = (read_formula(TEXTS[name], name) for name in ("naltrexone-capsule", "naltrexone-oral-liquid"))
WEIGHTS = tuple(quantity(f"{weight} mg/tablet") for weight in ("298.4", "300.4", "302.4", "304.4", "306.4"))
BENCH = Materials(
    tablets=Tablets(quantity("50 mg/tablet"), WEIGHTS, weighed=5),
    balance=Balance("analytical", quantity("0.1 mg"), quantity("20 mg")),
    filler=Filler("microcrystalline cellulose", quantity("135 mg"), None),
    shells=Shells("3", "coni-snap", quantity("0.30 mL"), quantity("48 mg")),
)
CAPSULES = Order(quantity("1.5 mg"), 100, None, Fraction(1, 20), "batch", TODAY)
BOTTLE = Order(quantity("1 mg/mL"), None, quantity("60 mL"), Fraction(0), "batch", TODAY)
FIVE_PERCENT = tomllib.loads((Path(__file__).parent.parent / "cases/uncertainty.toml").read_text("utf-8"))[
    "five_percent"
]


def planned(order: Order, bench: Materials = BENCH) -> Plan:
    formula = LIQUID if order.volume else CAPSULE
    made, problems = make_plan(formula, digest_of(TEXTS[formula.id]), order, bench)
    assert made, problems
    return made


def budgeted(order: Order, bench: Materials = BENCH, *known: Any) -> Budget:
    return budget_of(LIQUID if order.volume else CAPSULE, planned(order, bench), bench, known)


def percents(budget: Budget) -> dict[str, float]:
    return {each.source: round(100 * each.relative, 4) for each in budget.contributions}


def test_the_budget_of_a_capsule_is_the_one_computed_by_hand() -> None:
    seen = budgeted(CAPSULES)
    assert percents(seen) == {
        "content of the source": 5.7735,  # 10 / sqrt(3)
        "sampling of crushed tablets": 1.8042,  # 6.25 / sqrt(3) / sqrt(4): 3.15 tablets needed, 4 crushed
        "mean tablet weight": 0.4677,  # sqrt(10) / 302.4 / sqrt(5)
        "weighing of tablet powder": 0.0113,  # 0.1 sqrt(1/6 + 1) / 952.6
        "transfer loss": 0.5774,
        "weighing of microcrystalline cellulose": 0.0008,  # the same of 13222.4 mg, with 93 % of it
        "mean fill": 1.7321,
        "mixing": 2.8868,
        "fill from capsule to capsule": 2.3094,
    }
    assert {each.source for each in seen.contributions if each.kind == "unit"} == {"mixing", FILL_SPREAD}
    assert {each.source for each in seen.contributions if each.origin == "measured"} == {"mean tablet weight"}
    assert seen.unit_relative == pytest.approx(hypot(0.05, 0.04) / sqrt(3))
    assert seen.largest and seen.largest.source == CONTENT


def test_the_budget_of_a_liquid_has_its_cylinder_and_no_filling() -> None:
    seen = percents(budgeted(BOTTLE))
    assert seen["volume"] == 0.9623  # 1.00 mL / sqrt(3) / 60 mL
    assert seen["sampling of crushed tablets"] == 2.5516
    assert not {"mean fill", FILL_SPREAD} & set(seen)


def test_the_budget_agrees_with_drawing_capsules_within_2_percent() -> None:
    seen = budgeted(CAPSULES)
    u = {each.source: each.relative for each in seen.contributions}
    step = 0.1 * sqrt(1 / 6 + 1)
    random, drawn = Random(905), []

    def anywhere(relative: float) -> float:
        return random.uniform(1 - relative * sqrt(3), 1 + relative * sqrt(3))

    for _ in range(40_000):
        content = anywhere(u[CONTENT]) * random.gauss(1, u["sampling of crushed tablets"])
        weight = random.gauss(302.4, 302.4 * u["mean tablet weight"])
        powder, filler = random.gauss(952.6, step), random.gauss(13222.4, step)
        share = powder / (powder + filler) * anywhere(u["transfer loss"]) * random.gauss(1, u["mixing"])
        fill = 135 * anywhere(u["mean fill"]) * random.gauss(1, u[FILL_SPREAD])
        drawn.append(content * 50 / weight * share * fill)
    assert fmean(drawn) == pytest.approx(1.5, rel=0.002)
    assert seen.expanded_percent == pytest.approx(200 * stdev(drawn) / fmean(drawn), rel=0.02)


def test_tablets_that_were_not_weighed_one_by_one_are_trusted_like_one() -> None:
    for weighed in (None, 1):
        bench = replace(BENCH, tablets=Tablets(quantity("50 mg/tablet"), WEIGHTS[2:3], weighed))
        (mean_weight,) = (
            each for each in budgeted(CAPSULES, bench).contributions if each.source == "mean tablet weight"
        )
        assert (round(100 * mean_weight.relative, 4), mean_weight.origin) == (2.8868, "assumed")
        assert "unverified" in mean_weight.basis


def test_what_is_known_takes_the_place_of_what_is_assumed() -> None:
    known = (
        certified_content(Fraction("1.2"), Fraction(2), "certificate C-1"),
        measured_fill(Fraction("1.5"), "last ten batches"),
        measured_weighing("tablet powder", quantity("952.6 mg"), quantity("0.1 mg"), quantity("0.02 mg")),
    )
    plain, better = budgeted(CAPSULES), budgeted(CAPSULES, BENCH, *known)
    assert len(better.contributions) == len(plain.contributions)
    assert (percents(better)[CONTENT], percents(better)[FILL_SPREAD]) == (0.6, 1.5)
    assert percents(better)["weighing of tablet powder"] < percents(plain)["weighing of tablet powder"]
    assert better.expanded_percent < plain.expanded_percent
    assert better.largest and better.largest.source == "mixing"


def test_tablets_that_are_counted_and_a_filler_as_needed_are_not_weighed() -> None:
    for order, line in ((BOTTLE, "source"), (CAPSULES, "filler")):
        plan = planned(order)
        lines = tuple(replaced(each, measure="count") if each.line == line else each for each in plan.lines)
        formula = LIQUID if order.volume else CAPSULE
        found = percents(budget_of(formula, replaced(plan, lines=lines), BENCH))
        material = next(each.material for each in plan.lines if each.line == line)
        assert f"weighing of {material}" not in found
        assert ("mean tablet weight" in found) == (line == "filler")


def test_a_dilution_adds_its_weighings_and_how_evenly_it_was_mixed() -> None:
    # 50 mg of drug and 450 mg of diluent, of which one tenth is taken; then 50 mg in 100 mL, of which 10 mL.
    solid = Aliquot(1, "tablet powder", "50.0 mg", "450.0 mg", "lactose", "500.0 mg", "50.0 mg", 10, "450.0 mg", "", ())
    liquid = Aliquot(2, "mixture 1", "50.0 mg", None, "water", "100 mL", "10 mL", 10, "90 mL", "", ())
    seen = of_aliquots((solid, liquid), BENCH.balance, TODAY)
    assert {each.source: round(100 * each.relative, 4) for each in seen} == {
        "weighing of tablet powder": 0.1944,  # 90 % of 0.1 sqrt(1/6 + 1) / 50
        "diluent of mixture 1": 0.0216,  # 90 % of the same / 450
        "part taken of mixture 1": 0.216,
        "mixing of mixture 1": 2.8868,
        "weighing of mixture 1": 0.216,
        "volume of mixture 2": 0.5774,  # 1.00 mL / sqrt(3) / 100 mL
        "part taken of mixture 2": 1.1547,  # 0.20 mL / sqrt(3) / 10 mL
        "mixing of mixture 2": 0.5774,
    }
    assert len(budgeted(CAPSULES, BENCH, *seen).contributions) == len(budgeted(CAPSULES).contributions) + 7


def test_bulk_powder_has_neither_tablets_nor_their_weight() -> None:
    plan = planned(CAPSULES)
    powder = replaced(plan, source=replaced(plan.source, kind="powder"))
    seen = percents(budget_of(CAPSULE, powder, BENCH))
    assert seen[CONTENT] == 1.1547
    assert not {"sampling of crushed tablets", "mean tablet weight"} & set(seen)


def test_the_chance_of_capsules_is_the_closed_form_with_the_laboratory_in_it() -> None:
    plan = planned(CAPSULES)
    budget = budgeted(CAPSULES)
    mean = 100 + float(plan.expected.error_percent)
    unit = hypot(mean * budget.unit_relative, 2)
    expected = chance_to_pass(mean, unit, batch_sd=mean * budget.batch_relative)
    seen = chance_of(budget, plan)
    assert seen.chance_to_pass_percent and seen.stage_1_percent
    assert float(seen.chance_to_pass_percent) == pytest.approx(100 * expected.at_least, abs=0.005)
    assert float(seen.stage_1_percent) == pytest.approx(100 * expected.stage_1, abs=0.005)
    potency = potency_chance(mean, batch_sd=mean * budget.batch_relative, assay_sd=2)
    assert float(seen.potency_percent) == pytest.approx(100 * potency, abs=0.005)


def test_a_certificate_raises_every_chance() -> None:
    plan = planned(CAPSULES)
    plain = chance_of(budgeted(CAPSULES), plan)
    better = chance_of(budgeted(CAPSULES, BENCH, certified_content(Fraction(1), Fraction(2), "certificate")), plan)
    for part in ("chance_to_pass_percent", "stage_1_percent", "potency_percent"):
        assert float(getattr(better, part)) > float(getattr(plain, part))
    assert float(better.potency_percent) > 99


def test_a_liquid_has_a_chance_of_potency_alone() -> None:
    seen = chance_of(budgeted(BOTTLE), planned(BOTTLE))
    assert (seen.chance_to_pass_percent, seen.stage_1_percent) == (None, None)
    assert 0 < float(seen.potency_percent) < 100


def test_a_plan_keeps_its_doubts_as_text_with_two_decimals() -> None:
    seen = doubt_of(budgeted(CAPSULES))
    assert (seen.coverage_factor, seen.largest) == (2, CONTENT)
    assert (seen.expanded_uncertainty_percent, seen.batch_percent, seen.unit_percent) == ("14.67", "6.34", "3.7")
    first = seen.budget[0]
    assert (first.source, first.relative_percent, first.kind, first.origin) == (CONTENT, "5.77", "batch", "assumed")
    assert "usp-naltrexone-tablets" in first.basis


def test_every_assumption_has_a_source_and_says_what_is_a_judgement() -> None:
    for row in rows("assumptions"):
        found = assumption(row["id"], TODAY)
        assert 0 < found.relative <= 1
        assert row["source"] in found.basis
        assert row["note"]
        assert ("unverified" in found.basis) == (not row["verified"])


@pytest.mark.parametrize("case", FIVE_PERCENT, ids=lambda case: f"{case['capacity']} mL")
def test_the_smallest_volume_within_5_percent_is_the_published_one(case: dict[str, Any]) -> None:
    glass = cylinder_for(Fraction(case["capacity"]), TODAY)
    assert float(glass.tolerance) / 0.05 == pytest.approx(case["volume"])


def test_the_smallest_cylinder_that_holds_it_is_taken_and_the_greatest_is_filled_again() -> None:
    assert [cylinder_for(Fraction(volume), TODAY).capacity for volume in ("5", "5.1", "60", "100", "299")] == [
        5,
        10,
        100,
        100,
        500,
    ]
    assert (cylinder_for(Fraction(900), TODAY).capacity, cylinder_for(Fraction(900), TODAY).times) == (500, 2)
    for volume in (5, 60, 250, 500):
        a, b = (cylinder_for(Fraction(volume), TODAY, glass).tolerance for glass in ("A", "B"))
        assert b == 2 * a
    with pytest.raises(NotUnderstood, match="class C"):
        cylinder_for(Fraction(60), TODAY, "C")
