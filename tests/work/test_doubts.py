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

from compounding.calc.chance import chance_to_pass, chances_with_assay, potency_chance
from compounding.calc.uncertainty import Budget
from compounding.data_files import data_folder
from compounding.problems import NotUnderstood
from compounding.quantities import amount, quantity
from compounding.records.aliquot import Aliquot
from compounding.records.formula import Formula, digest_of, read_formula
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
    of_aliquots,
)
from compounding.work.materials import Balance, Device, Filler, Materials, Order, Powder, Shells, Tablets
from compounding.work.planned import plan as make_plan

TODAY = date(2026, 11, 22)
TEXTS = {path.stem: path.read_text("utf-8") for path in data_folder("formulas").glob("naltrexone-*.toml")}
CAPSULE, LIQUID, TRITURATION = (
    read_formula(TEXTS[f"naltrexone-{name}"], name) for name in ("capsule", "oral-liquid", "trituration")
)
WEIGHTS = tuple(quantity(f"{weight} mg/tablet") for weight in ("298.4", "300.4", "302.4", "304.4", "306.4"))
BENCH = Materials(
    tablets=Tablets(quantity("50 mg/tablet"), WEIGHTS, weighed=5),
    balance=Balance("analytical", quantity("0.1 mg"), quantity("20 mg")),
    filler=Filler("microcrystalline cellulose", quantity("135 mg"), None),
    shells=Shells("3", "coni-snap", quantity("0.30 mL"), quantity("48 mg")),
)
CAPSULES = Order(quantity("1.5 mg"), 100, None, Fraction(1, 20), "batch", TODAY)
BOTTLE = Order(quantity("1 mg/mL"), None, quantity("60 mL"), Fraction(0), "batch", TODAY)
TRITURATE = Order(quantity("100 mg/g"), None, None, Fraction(0), "batch", TODAY, mass=quantity("10 g"))
FIVE_PERCENT = tomllib.loads((Path(__file__).parent.parent / "cases/uncertainty.toml").read_text("utf-8"))[
    "five_percent"
]


def formula_of(order: Order) -> Formula:
    return LIQUID if order.volume is not None else TRITURATION if order.mass is not None else CAPSULE


def planned(order: Order, bench: Materials = BENCH) -> Plan:
    formula = formula_of(order)
    made, problems = make_plan(formula, digest_of(TEXTS[formula.id]), order, bench)
    assert made, problems
    return made


def budgeted(order: Order, bench: Materials = BENCH, *known: Any) -> Budget:
    return budget_of(formula_of(order), planned(order, bench), bench, known)


def percents(budget: Budget) -> dict[str, float]:
    return {each.source: round(100 * each.relative, 4) for each in budget.contributions}


def test_the_budget_of_a_capsule_is_the_one_computed_by_hand() -> None:
    seen = budgeted(CAPSULES)
    assert percents(seen) == {
        "content of the source": 5.7735,  # 10 / sqrt(3)
        "sampling of crushed tablets": 1.8042,  # 6.25 / sqrt(3) / sqrt(4): 3.15 tablets needed, 4 crushed
        "mean tablet weight": 0.4677,  # sqrt(10) / 302.4 / sqrt(5)
        "weighing of tablet powder": 0.0106,  # 93 % of 0.1 sqrt(1/6 + 1) / 952.6, as of the filler
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


LITTLE = Balance("coarse", quantity("10 mg"), quantity("300 mg"))
POWDER = Powder("anhydrous", Fraction(1), "as-is")
SYRINGES = (
    Device("1 mL syringe", quantity("1 mL"), quantity("0.02 mL")),
    Device("5 mL syringe", quantity("5 mL"), quantity("0.2 mL")),
)
DRAWN = {
    "tablets": (CAPSULES, BENCH),
    "powder": (CAPSULES, replace(BENCH, tablets=None, powder=POWDER)),
    "tablets as capsules of which most is source": (
        replace(CAPSULES, strength=quantity("4.5 mg")),
        replace(BENCH, tablets=Tablets(quantity("50 mg/tablet"), (quantity("1200 mg/tablet"),) * 3, 3)),
    ),
    "one dilution": (
        replace(CAPSULES, count=50, strength=quantity("0.5 mg")),
        replace(BENCH, tablets=None, powder=POWDER, balance=Balance("analytical", quantity("1 mg"), quantity("82 mg"))),
    ),
    "two dilutions": (
        replace(CAPSULES, count=30, strength=quantity("0.5 mg"), overage=Fraction(0)),
        replace(BENCH, tablets=None, powder=POWDER, balance=LITTLE),
    ),
    "liquid": (BOTTLE, BENCH),
    "stock": (
        replace(BOTTLE, volume=quantity("30 mL"), devices=SYRINGES),
        replace(BENCH, tablets=None, powder=POWDER, balance=Balance("bench", quantity("1 mg"), quantity("60 mg"))),
    ),
    "trituration": (TRITURATE, replace(BENCH, shells=None)),
}


def doses(plan: Plan, bench: Materials, budget: Budget, batches: int = 40_000) -> list[float]:
    """Doses drawn from the model itself, mixture by mixture, as shares of what was expected."""
    u, random = {each.source: each.relative for each in budget.contributions}, Random(905)
    step = float(amount(bench.balance.readability, "mg"))

    def anywhere(what: str) -> float:
        return random.uniform(1 - u[what] * sqrt(3), 1 + u[what] * sqrt(3)) if what in u else 1.0

    def normal(what: str) -> float:
        return random.gauss(1, u[what]) if what in u else 1.0

    def measured(text: str) -> float:
        value = quantity(text)
        if value.dimensionality == quantity("1 mL").dimensionality:
            glass = cylinder_for(amount(value, "mL"), TODAY)
            return float(amount(value, "mL")) + random.uniform(-1, 1) * float(glass.tolerance) * glass.times
        return random.gauss(float(amount(value, "mg")), step * sqrt(1 / 6 + 1))

    def one() -> float:
        drug = inside = measured(plan.aliquots[0].weigh if plan.aliquots else plan.source.weigh)
        for place, each in enumerate(plan.aliquots):
            whole = inside + measured(each.diluent) if each.diluent else measured(each.total)
            taken = measured(plan.aliquots[place + 1].weigh if place + 1 < len(plan.aliquots) else each.take)
            drug, inside = drug * taken / whole * normal(f"mixing of mixture {each.step}"), taken
        drug *= anywhere(CONTENT) * normal("sampling of crushed tablets") / normal("mean tablet weight")
        drug *= anywhere("transfer loss") * normal("mixing")
        if plan.volume:
            return drug / measured(plan.made)
        filler = next(line for line in plan.lines if line.line == "filler")
        return drug / (inside + measured(filler.target)) * anywhere("mean fill") * normal(FILL_SPREAD)

    return [one() for _ in range(batches)]


@pytest.mark.parametrize("kind", DRAWN)
def test_the_budget_agrees_with_drawing_the_model_itself_within_2_percent(kind: str) -> None:
    order, bench = DRAWN[kind]
    plan = planned(order, bench)
    assert len(plan.aliquots) == {"one dilution": 1, "two dilutions": 2, "stock": 1}.get(kind, 0)
    budget = budgeted(order, bench)
    drawn = doses(plan, bench, budget)
    assert budget.expanded_percent == pytest.approx(200 * stdev(drawn) / fmean(drawn), rel=0.02)


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
    )
    plain, better = budgeted(CAPSULES), budgeted(CAPSULES, BENCH, *known)
    assert len(better.contributions) == len(plain.contributions)
    assert (percents(better)[CONTENT], percents(better)[FILL_SPREAD]) == (0.6, 1.5)
    assert better.expanded_percent < plain.expanded_percent
    assert better.largest and better.largest.source == "mixing"


def test_tablets_that_are_counted_and_a_filler_as_needed_are_not_weighed() -> None:
    for order, line in ((BOTTLE, "source"), (CAPSULES, "filler")):
        plan = planned(order)
        lines = tuple(replaced(each, measure="count") if each.line == line else each for each in plan.lines)
        found = percents(budget_of(formula_of(order), replaced(plan, lines=lines), BENCH))
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
        "mixing of mixture 1": 2.8868,
        "part taken of mixture 1": 0.216,  # weighed once, into the second mixture
        "volume of mixture 2": 0.5774,  # 1.00 mL / sqrt(3) / 100 mL
        "part taken of mixture 2": 1.1547,  # 0.20 mL / sqrt(3) / 10 mL
        "mixing of mixture 2": 0.5774,
    }
    assert len(budgeted(CAPSULES, BENCH, *seen).contributions) == len(budgeted(CAPSULES).contributions) + 6


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
    _, both = chances_with_assay(mean, unit, batch_sd=mean * budget.batch_relative, assay_sd=2)
    assert float(seen.both_percent or 0) == pytest.approx(100 * both, abs=0.005)
    assert float(seen.chance_to_pass_percent) == pytest.approx(100 * max(expected.at_least, both), abs=0.005)
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
