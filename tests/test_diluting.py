"""Too little to weigh: the dilution that is found can be weighed, loses nothing, and wastes least."""

from __future__ import annotations

import math
import tomllib
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from compounding.calc.measured import working
from compounding.quantities import Quantity, amount, decimal_text, half_up, quantity, written
from compounding.work.diluting import EXACT_MAY_WASTE, MOST_PARTS, Diluted, Measure, dilute, dilute_in_liquid
from compounding.work.materials import Balance

CASES = tomllib.loads((Path(__file__).parent / "cases/dilution.toml").read_text("utf-8"))
DRUG = "naltrexone hydrochloride"
WATER = Measure("10 mL pipette", quantity("1 mL"), quantity("0.1 mL"), quantity("100 mL"))


def balance(readability: str, minimum: str) -> Balance:
    return Balance("the balance", quantity(readability), quantity(minimum))


def mg(value: Fraction | int) -> Quantity:
    return quantity("1 mg") * value


def of_drug(value: Fraction | int) -> Quantity:
    return quantity("1 mg", DRUG) * value


def planned(found: tuple[Diluted | None, list[Any]]) -> Diluted:
    plan, problems = found
    assert plan is not None and not [problem for problem in problems if problem.stops]
    return plan


@pytest.mark.parametrize("case", CASES["aliquot"], ids=lambda case: case["id"])
def test_the_aliquot_is_found(case: dict[str, Any]) -> None:
    plan = planned(
        dilute(quantity(case["need"], DRUG), balance(case["readability"], case["minimum_weight"]), "lactose")
    )
    keys = ("weigh", "diluent", "total", "take", "multiple")
    assert [{key: getattr(each, key) for key in keys} for each in plan.aliquots] == case["mixtures"]
    assert decimal_text(plan.error * 100, 4) == case["error_percent"]


@pytest.mark.parametrize("case", CASES["stock"], ids=lambda case: case["id"])
def test_the_liquid_aliquot_is_found(case: dict[str, Any]) -> None:
    measure = Measure("measure", *(quantity(case[key]) for key in ("smallest", "step", "largest")))
    at = balance(case["readability"], case["minimum_weight"])
    plan = planned(
        dilute_in_liquid(quantity(case["need"], DRUG), at, "water", measure, solubility=quantity(case["solubility"]))
    )
    keys = ("weigh", "total", "take", "multiple")
    assert [{key: getattr(each, key) for key in keys} for each in plan.aliquots] == case["mixtures"]
    assert plan.error == 0 and plan.diluent is None


needs = st.builds(Fraction, st.integers(1, 40_000), st.sampled_from([1, 2, 3, 7, 10, 100, 360]))


@given(needs, st.sampled_from(["0.01 mg", "0.1 mg", "0.5 mg", "1 mg"]), st.integers(820, 4000))
def test_every_weighing_is_allowed_and_the_drug_closes(need: Fraction, readability: str, least: int) -> None:
    step = amount(quantity(readability), "mg")
    minimum = step * Fraction(least, 2)
    assume(minimum / 5000 < need < minimum - step)
    plan = planned(dilute(of_drug(need), Balance("the balance", mg(step), mg(minimum)), "lactose"))
    first, last = plan.mixtures[0], plan.mixtures[-1]
    drug, parts = amount(first.weigh, "mg"), math.prod(each.multiple for each in plan.mixtures)
    assert amount(plan.carried, "mg") == drug / parts == need * (1 + plan.error)
    assert abs(plan.error) <= step / 2 / (need * parts)
    assert plan.error == 0 or (need * parts / step).denominator > 1
    inside = first.weigh
    for mixture in plan.mixtures:
        assert mixture.diluent is not None
        part, diluent, total, take = (
            amount(value, "mg") for value in (inside, mixture.diluent, mixture.total, mixture.take)
        )
        assert min(part, diluent, take) >= minimum
        assert take <= total == part + diluent == take * mixture.multiple
        assert all((value / step).denominator == 1 for value in (part, diluent, total, take))
        assert 2 <= mixture.multiple <= MOST_PARTS
        inside = mixture.take
    assert plan.diluent is not None
    assert amount(plan.diluent, "mg") + amount(plan.carried, "mg") == amount(last.take, "mg")


def wasted(plan: Diluted, unit: str) -> Fraction:
    return sum((amount(quantity(each.wasted), unit) for each in plan.aliquots), Fraction(0))


def least_waste(need: Fraction, least: int, mixtures: int) -> Fraction:
    """By trying every division and every part: the least that is wasted, in steps of the balance."""
    limit = 2 * math.ceil(least / need)
    best: dict[bool, int] = {}
    for parts in product(range(2, limit + 1), repeat=mixtures):
        exact = need * math.prod(parts)
        if exact < least or math.prod(parts) > 6 * least / need:
            continue
        for takes in product(range(least, 2 * least + 2), repeat=mixtures):
            inside, waste = half_up(exact), 0
            for part, take in zip(parts, takes, strict=True):
                if part * take - inside < least:
                    break
                inside, waste = Fraction(take), waste + (part - 1) * take
            else:
                for key in {False, exact.denominator == 1}:
                    best[key] = min(waste, best.get(key, waste))
    worth_it = True in best and best[True] <= EXACT_MAY_WASTE * best[False]
    return Fraction(best[True] if worth_it else best[False])


small_needs = st.builds(Fraction, st.integers(2, 20), st.integers(1, 4))


@given(small_needs, st.integers(2, 12))
def test_no_mixture_wastes_less(need: Fraction, least: int) -> None:
    assume(half_up(need) < least <= 8 * need)
    plan = planned(dilute(of_drug(need), Balance("the balance", mg(1), mg(least)), "lactose"))
    assert len(plan.mixtures) == 1
    assert wasted(plan, "mg") == least_waste(need, least, 1)


@given(small_needs, st.integers(2, 6))
def test_no_two_mixtures_waste_less_and_they_are_made_only_if_one_wastes_more(need: Fraction, least: int) -> None:
    assume(half_up(need) < least <= 6 * need)
    at = Balance("a balance for grams", quantity("1 g"), least * quantity("1 g"))
    plan = planned(dilute(of_drug(1000 * need), at, "lactose"))
    one, two = (least_waste(need, least, mixtures) for mixtures in (1, 2))
    assert len(plan.mixtures) == (2 if one > 5 and two < one else 1)
    assert wasted(plan, "g") == (two if len(plan.mixtures) == 2 else one)


@given(st.integers(82, 400), st.integers(200, 900), st.sampled_from([Fraction(1, 10), Fraction(1, 2), Fraction(1, 7)]))
def test_need_and_balance_scaled_together_scale_the_dilution(least: int, thousandths: int, scale: Fraction) -> None:
    need = Fraction(least * thousandths, 1000)
    large, small = (
        planned(dilute(of_drug(need * by), Balance("the balance", mg(by), mg(least * by)), "lactose"))
        for by in (Fraction(1), scale)
    )
    assert [each.multiple for each in large.mixtures] == [each.multiple for each in small.mixtures]
    assert amount(large.take, "mg") * scale == amount(small.take, "mg")
    assert large.error == small.error


def test_the_working_is_that_of_the_plan() -> None:
    with working() as steps:
        plan = planned(dilute(of_drug(15), balance("0.1 mg", "82 mg"), "lactose"))
    assert [f"{step.working} = {step.result}" for step in steps] == [
        f"drug = 15 mg {DRUG} × 6 = 90 mg {DRUG}",
        f"to weigh = rounded(90 mg {DRUG}, 0.1 mg) = 90 mg {DRUG}",
        "total = 82 mg trituration × 6 = 492 mg trituration",
        "diluent = 492 mg trituration - 90 mg trituration = 402 mg trituration",
        f"drug in aliquot = 82 mg trituration / 492 mg trituration × 90 mg {DRUG} = 15 mg {DRUG}",
        f"relative error = 15 mg {DRUG} / 15 mg {DRUG} - 1 = 0",
    ]
    assert plan.aliquots[0].geometric == ("90.0 mg", "180.0 mg", "132.0 mg")
    assert written(plan.diluent or mg(0)) == "67 mg"


def test_two_mixtures_say_why() -> None:
    for need, at, why in [
        (Fraction(1, 2), balance("1 mg", "120 mg"), "one mixture would be divided into 240 parts; 100 is the most"),
        (Fraction(100), balance("1 mg", "820 mg"), "one mixture would waste 6.56 g"),
        (Fraction(15), balance("0.1 mg", "82 mg"), ""),
    ]:
        assert planned(dilute(of_drug(need), at, "lactose")).because == why
    at, light, small = (
        balance("0.1 mg", "82 mg"),
        quantity("1 g"),
        Measure("m", *map(quantity, ("1 mL", "1 mL", "10 mL"))),
    )
    plan = planned(dilute(of_drug(4), at, "lactose", capacity=light))
    assert plan.because == "one mixture would be too heavy for the balance"
    plan = planned(dilute_in_liquid(of_drug(4), at, "water", small, solubility=quantity("100 mg/mL")))
    assert plan.because == "one mixture would be larger than 10 mL"


def test_a_second_mixture_is_made_of_the_first() -> None:
    plan = planned(dilute(quantity("0.5 mg", DRUG), balance("1 mg", "120 mg"), "lactose"))
    assert [each.material for each in plan.aliquots] == [DRUG, "first trituration"]
    assert [each.carries for each in plan.aliquots] == ["8 mg", "0.5 mg"]
    assert [each.step for each in plan.aliquots] == [1, 2]


@pytest.mark.parametrize("need", ["82 mg", "81.95 mg", "900 mg"])
def test_what_can_be_weighed_is_not_diluted(need: str) -> None:
    assert dilute(quantity(need, DRUG), balance("0.1 mg", "82 mg"), "lactose") == (None, [])
    at = balance("0.1 mg", "82 mg")
    assert dilute_in_liquid(quantity(need, DRUG), at, "water", WATER, solubility=quantity("1 mg/mL")) == (None, [])


@pytest.mark.parametrize(
    ("need", "more", "code", "says"),
    [
        ("0 mg", {}, "aliquot.need", "an aliquot needs a mass above zero"),
        ("0.008 mg", {}, "aliquot.impossible", "is needed and the balance weighs from 82 mg. No aliquot"),
        ("15 mg", {"capacity": quantity("100 mg")}, "aliquot.impossible", "weighs from 82 mg to 100 mg"),
        ("15 mg", {"room": quantity("81 mg")}, "aliquot.larger-than-mixture", "the smallest aliquot is 82 mg, and the preparation holds 81 mg"),
    ],
    ids=["nothing needed", "below two dilutions", "too heavy", "no room"],
)  # fmt: skip
def test_an_impossible_aliquot_is_refused_with_the_reason(
    need: str, more: dict[str, Any], code: str, says: str
) -> None:
    _, problems = dilute(quantity(need, DRUG), balance("0.1 mg", "82 mg"), "lactose", **more)
    assert [(problem.code, problem.stops, problem.where) for problem in problems] == [(code, True, DRUG)]
    assert says in problems[0].text


@pytest.mark.parametrize(
    ("need", "solubility", "more", "code", "says"),
    [
        ("0 mg", "1 mg/mL", {}, "aliquot.need", "must be above zero"),
        ("15 mg", "0 mg/mL", {}, "aliquot.need", "0 mg/mL dissolves; both must be above zero"),
        ("15 mg", "0.5 mg/mL", {}, "aliquot.impossible", "0.5 mg/mL dissolves. No stock of at most 100 mL"),
        ("0.008 mg", "1 mg/mL", {}, "aliquot.impossible", "the 10 mL pipette measures from 1 mL"),
        ("15 mg", "2 mg/mL", {"room": quantity("7 mL")}, "aliquot.larger-than-mixture", "the smallest aliquot is 7.5 mL"),
    ],
    ids=["nothing needed", "nothing dissolves", "too little dissolves", "below two dilutions", "no room"],
)  # fmt: skip
def test_an_impossible_liquid_aliquot_is_refused_with_the_reason(
    need: str, solubility: str, more: dict[str, Any], code: str, says: str
) -> None:
    at = balance("0.1 mg", "82 mg")
    _, problems = dilute_in_liquid(quantity(need, DRUG), at, "water", WATER, solubility=quantity(solubility), **more)
    assert [(problem.code, problem.stops, problem.where) for problem in problems] == [(code, True, DRUG)]
    assert says in problems[0].text


@given(needs, st.integers(1, 400), st.integers(1, 30))
def test_every_part_of_a_liquid_lies_on_a_mark_and_all_drug_dissolves(
    need: Fraction, dissolves: int, marks: int
) -> None:
    assume(Fraction(1, 10) < need < 80)
    step, solubility = quantity("0.5 mL"), Fraction(dissolves, 10)
    measure = Measure("measure", marks * step, step, quantity("500 mL"))
    plan, problems = dilute_in_liquid(
        of_drug(need), balance("0.1 mg", "82 mg"), "water", measure, solubility=solubility * quantity("1 mg/mL")
    )
    assume(plan is not None)
    assert plan is not None and problems == []
    first, inside = plan.mixtures[0], Fraction(0)
    assert quantity("82 mg", DRUG) <= first.weigh <= solubility * quantity("1 mg/mL", DRUG) * first.total
    for mixture in plan.mixtures:
        take, total = amount(mixture.take, "mL"), amount(mixture.total, "mL")
        assert (
            take * 2 % 1 == 0 and mixture.take >= measure.smallest and inside < total == take * mixture.multiple <= 500
        )
        inside = take
    assert plan.carried == of_drug(need) * (1 + plan.error)


def test_much_waste_is_told_but_does_not_stop() -> None:
    plan, problems = dilute(of_drug(5), balance("1 mg", "820 mg"), "lactose")
    assert plan is not None
    assert [(problem.code, problem.stops) for problem in problems] == [("aliquot.waste", False)]
    assert "19.68 g of mixture are discarded" in problems[0].text
