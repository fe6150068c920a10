"""From an order and the bench to a plan, or every reason why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compounding.data_files import data_folder
from compounding.problems import Problem
from compounding.quantities import Quantity, amount, quantity
from compounding.records.formula import digest_of, read_formula
from compounding.records.plan import Plan
from compounding.records.record import as_data
from compounding.work.capsules import plan_capsules
from compounding.work.liquids import plan_liquid
from compounding.work.materials import Balance, Filler, FromLot, Materials, Order, Shells, Tablets

TEXTS = {path.stem: path.read_text("utf-8") for path in data_folder("formulas").glob("*.toml")}
CAPSULE, LIQUID = (read_formula(TEXTS[name], name) for name in ("naltrexone-capsule", "naltrexone-oral-liquid"))
DIGESTS = {formula.id: digest_of(TEXTS[formula.id]) for formula in (CAPSULE, LIQUID)}
TODAY = date(2026, 11, 22)

# The bench of most tests: tablets of 302.4 mg, a balance of 0.1 mg, cellulose that packs 135 mg in a size 3.
BENCH = Materials(
    tablets=Tablets(quantity("50 mg/tablet"), (quantity("302.4 mg/tablet"),), weighed=None),
    balance=Balance("analytical", quantity("0.1 mg"), quantity("20 mg")),
    filler=Filler("microcrystalline cellulose", quantity("135 mg"), None),
    shells=Shells("3", "coni-snap", quantity("0.30 mL"), quantity("48 mg")),
)
CAPSULES = Order(quantity("1.5 mg"), 100, None, Fraction(1, 20), "batch", TODAY)
BOTTLE = Order(quantity("1 mg/mL"), None, quantity("60 mL"), Fraction(0), "batch", TODAY)


def planned(order: Order, bench: Materials = BENCH) -> tuple[Plan | None, list[Problem]]:
    formula, plan = (CAPSULE, plan_capsules) if order.volume is None else (LIQUID, plan_liquid)
    return plan(formula, DIGESTS[formula.id], order, bench)


def plan(order: Order, bench: Materials = BENCH) -> Plan:
    made, problems = planned(order, bench)
    assert made and not problems, problems
    return made


def refusal(order: Order, bench: Materials = BENCH) -> Problem:
    """The one problem of an order that has exactly one."""
    made, problems = planned(order, bench)
    assert made is None
    [problem] = problems
    assert problem.stops
    return problem


def tablets(average: str, claim: str = "50 mg", **more: Any) -> Materials:
    weights = (quantity(f"{average}/tablet"),)
    return replace(BENCH, tablets=Tablets(quantity(f"{claim}/tablet"), weights, weighed=None, **more))


def exact(text: str) -> Fraction:
    return amount(quantity(text), "mg")


def test_a_hundred_capsules_of_1_5_mg() -> None:
    made = plan(CAPSULES)
    source, filler, capsule = made.source, made.filler, made.capsule
    assert filler and capsule
    assert (made.made, made.active.needed) == ("105 capsules", "157.5 mg")
    assert (source.exact, source.weigh, source.rounding_error_percent) == ("952.56 mg", "952.6 mg", "0.0042")
    assert (source.tablets_exact, source.tablets, source.discarded) == ("3.15", 4, "257.0 mg")
    assert (filler.per_capsule, filler.exact, filler.weigh) == ("125.928 mg", "13222.44 mg", "13222.4 mg")
    assert (capsule.fill, capsule.theoretical_weight, capsule.source_share_percent) == ("135 mg", "183 mg", "6.72")
    assert (made.expected.strength, made.expected.error_percent) == ("1.5001 mg", "0.0042")
    assert [(line.line, line.low, line.target, line.high) for line in made.lines] == [
        ("source", "933.5 mg", "952.6 mg", "971.7 mg"),
        ("filler", "12958.0 mg", "13222.4 mg", "13486.8 mg"),
    ]
    assert (made.beyond_use.date, made.beyond_use.days, made.beyond_use.storage) == (
        "2027-05-20",
        180,
        "20 °C to 25 °C",
    )


def test_the_procedure_and_the_working_hold_the_numbers_of_the_plan() -> None:
    made = plan(CAPSULES)
    said = " ".join(step.do for step in made.steps)
    for each in (
        "Weigh 4 tablets",
        "Weigh 952.6 mg",
        "Weigh 13222.4 mg of microcrystalline",
        "Fill 100 capsules of size 3",
    ):
        assert each in said
    assert "{" not in said
    assert made.steps[2].working == (
        "tablet powder = 157.5 mg naltrexone hydrochloride / 50 mg naltrexone hydrochloride/tablet × 302.4 mg tablet "
        "powder/tablet = 952.56 mg tablet powder; to weigh = rounded(952.56 mg tablet powder, 0.1 mg) = 952.6 mg tablet powder"
    )
    assert [step.number for step in made.calculation] == list(range(1, len(made.calculation) + 1))


def test_fifty_capsules_from_tablets_of_180_mg_leave_90_mg() -> None:
    """L05: 75 mg needed, 1.5 tablets, 270.0 mg of powder, 5.4 mg a capsule."""
    source = plan(replace(CAPSULES, count=50, overage=Fraction(0)), tablets("180 mg")).source
    assert (source.tablets_exact, source.tablets, source.weigh, source.discarded) == ("1.5", 2, "270.0 mg", "90.0 mg")


def test_thirty_capsules_from_one_tablet() -> None:
    """TAB-03: 149.76 mg of powder and 4350.24 mg of filler where either packs 150 mg."""
    bench = replace(tablets("166.4 mg"), filler=Filler("microcrystalline cellulose", quantity("150 mg"), None))
    made = plan(replace(CAPSULES, count=30, overage=Fraction(0)), bench)
    assert made.filler
    assert (made.source.exact, made.source.tablets, made.filler.exact) == ("149.76 mg", 1, "4350.24 mg")


def test_sixty_millilitres_of_1_mg_per_ml() -> None:
    made = plan(replace(BOTTLE, dose=quantity("4.5 mg")))
    assert (made.active.needed, made.source.weigh, made.source.tablets) == ("60 mg", "362.9 mg", 2)
    assert made.dose and (made.dose.dose, made.dose.volume) == ("4.5 mg", "4.5 mL")
    assert made.vehicle == "purified water, made up to 60 mL"
    assert [(line.line, line.target, line.low, line.high) for line in made.lines[1:]] == [
        ("ascorbic acid", "300.0 mg", "294.0 mg", "306.0 mg"),
        ("sodium benzoate", "60.0 mg", "58.8 mg", "61.2 mg"),
        ("glycerol", "12 mL", "11.4 mL", "12.6 mL"),
        ("vehicle", "60 mL", "57 mL", "63 mL"),
    ]
    assert (made.beyond_use.date, made.beyond_use.storage) == ("2026-12-26", "2 °C to 8 °C")


def test_a_hundred_millilitres_need_two_tablets() -> None:
    """L07."""
    source = plan(replace(BOTTLE, volume=quantity("100 mL"))).source
    assert (source.tablets_exact, source.tablets, source.discarded) == ("2", 2, "0.0 mg")


@pytest.mark.parametrize("strength", ["0.5 mg", "3 mg", "4.5 mg"])
@pytest.mark.parametrize("units", [30, 100, 299])
def test_capsules_are_planned_at_three_sizes(strength: str, units: int) -> None:
    made = plan(replace(CAPSULES, strength=quantity(strength), count=units))
    assert made.capsule and made.capsule.packed_percent == "100"
    assert quantity(made.expected.strength) <= quantity(strength) * Fraction(101, 100)


@pytest.mark.parametrize("strength", ["1 mg/mL", "2.5 mg/mL", "5 mg/mL"])
@pytest.mark.parametrize("volume", ["30 mL", "60 mL", "299 mL"])
def test_liquids_are_planned_at_three_sizes(strength: str, volume: str) -> None:
    made = plan(replace(BOTTLE, strength=quantity(strength), volume=quantity(volume)))
    assert made.volume == made.made == volume
    studied = not any("was not studied in this vehicle" in warning for warning in made.warnings)
    assert studied is (strength == "1 mg/mL")


def test_an_overage_on_the_active_raises_the_strength_and_says_so() -> None:
    on_active = plan(replace(CAPSULES, overage_on="active"))
    assert (on_active.made, on_active.source.weigh, on_active.expected.strength) == (
        "100 capsules",
        "952.6 mg",
        "1.5751 mg",
    )
    assert "The overage is on the active alone: if nothing is lost, a capsule holds 1.5751 mg." in on_active.warnings
    liquid = plan(replace(BOTTLE, overage=Fraction(1, 20), overage_on="active"))
    assert (liquid.made, liquid.expected.strength) == ("60 mL", "1.0499 mg/mL")
    on_batch = plan(replace(BOTTLE, overage=Fraction(1, 20)))
    assert (on_batch.made, on_batch.source.weigh, on_batch.expected.strength) == ("63 mL", "381.0 mg", "0.9999 mg/mL")


def test_the_filler_packs_by_the_density_of_its_lot_or_by_its_statistic() -> None:
    cellulose = Filler("microcrystalline cellulose", None, quantity("0.45 g/mL"))
    by_density, by_statistic = plan(CAPSULES, replace(BENCH, filler=cellulose)).filler, plan(CAPSULES).filler
    assert by_density and by_statistic
    assert by_density.weigh == by_statistic.weigh
    assert by_density.origin == "tapped density of the lot and volume of the shell"


def test_a_measured_packing_of_the_powder_needs_no_assumption() -> None:
    assumed, measured = plan(CAPSULES), plan(CAPSULES, replace(BENCH, source_packing=quantity("180 mg")))
    assert measured.capsule and measured.capsule.source_share_percent == "5.04"
    assert [any("taken to pack like" in warning for warning in made.warnings) for made in (assumed, measured)] == [
        True,
        False,
    ]


def test_tablets_weighed_one_by_one_are_averaged_and_counted() -> None:
    weights = tuple(quantity(f"{text} mg/tablet") for text in ("301.1", "303.3", "302.8"))
    made = plan(CAPSULES, replace(BENCH, tablets=Tablets(quantity("50 mg/tablet"), weights, weighed=3)))
    assert (made.source.average_weight, made.source.weighed_tablets) == ("302.4 mg", 3)
    assert not any("was given, not measured" in warning for warning in made.warnings)
    assert any("was given, not measured" in warning for warning in plan(CAPSULES).warnings)


def test_rounding_up_may_take_one_tablet_more() -> None:
    """200 mg of powder for one tablet of 199.97 mg: the balance asks for 200.0 mg."""
    order = replace(CAPSULES, strength=quantity("1 mg"), count=50, overage=Fraction(0))
    source = plan(order, tablets("199.97 mg")).source
    assert (source.tablets_exact, source.weigh, source.tablets, source.discarded) == ("1", "200.0 mg", 2, "199.9 mg")
    down = plan(order, tablets("199.94 mg")).source
    assert (down.weigh, down.tablets, down.discarded) == ("199.9 mg", 1, "0.0 mg")


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"strength": quantity("15 mg")}, "strength.outside-formula", "The strength 15 mg is outside 0.5 mg to 4.5 mg of naltrexone-capsule: check the decimal point and the unit."),
        ({"strength": quantity("1.5 g")}, "strength.outside-formula", "The strength 1.5 g is outside 0.5 mg to 4.5 mg"),
        ({"strength": quantity("0.4999 mg")}, "strength.outside-formula", "The strength 0.4999 mg is outside"),
        ({"strength": quantity("0 mg")}, "strength.outside-formula", "The strength 0 mg is outside"),
        ({"strength": quantity("1.5 mL")}, "order.dimension", "The strength is 1.5 mL; naltrexone-capsule needs one such as 0.5 mg"),
        ({"strength": quantity("1.5 mg/mL")}, "order.dimension", "The strength is 1.5 mg/mL; naltrexone-capsule needs"),
        ({"strength": quantity("1.5 mg/capsule")}, "order.dimension", "The strength is 1.5 mg/capsule; naltrexone-capsule needs"),
        ({"count": 300}, "batch.outside-formula", "The batch 300 capsules is outside 30 capsules to 299 capsules"),
        ({"count": 29}, "batch.outside-formula", "The batch 29 capsules is outside"),
        ({"count": 0}, "batch.outside-formula", "The batch 0 capsules is outside"),
        ({"count": -100}, "batch.outside-formula", "The batch -100 capsules is outside"),
        ({"count": None}, "order.dimension", "The batch is missing; naltrexone-capsule needs one such as 30 capsules"),
        ({"overage": Fraction(3, 10)}, "overage.out-of-range", "An overage of 30 % is outside 0 to 25 %"),
        ({"overage": Fraction(-1, 10)}, "overage.out-of-range", "An overage of -10 % is outside 0 to 25 %"),
        ({"prepared": date(2023, 10, 31)}, "beyond-use.no-rule", "No beyond-use rule for nonaqueous_other was in force on 2023-10-31"),
    ],
)  # fmt: skip
def test_an_order_of_capsules_that_the_formula_does_not_allow_is_refused(
    change: dict[str, Any], code: str, says: str
) -> None:
    problem = refusal(replace(CAPSULES, **change))
    assert (problem.code, problem.text[: len(says)]) == (code, says)


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"strength": quantity("10 mg/mL")}, "strength.outside-formula", "The strength 10 mg/mL is outside 1 mg/mL to 5 mg/mL"),
        ({"strength": quantity("1 mg")}, "order.dimension", "The strength is 1 mg; naltrexone-oral-liquid needs one such as 1 mg/mL"),
        ({"volume": quantity("1 L")}, "batch.outside-formula", "The batch 1 L is outside 30 mL to 299 mL"),
        ({"volume": quantity("60 mg")}, "order.dimension", "The batch is 60 mg; naltrexone-oral-liquid needs"),
        ({"count": 100}, "order.dimension", "The batch is 100 capsules; naltrexone-oral-liquid needs one such as 30 mL"),
        ({"dose": quantity("45 mg")}, "dose.outside-formula", "The dose 45 mg is outside 0.5 mg to 4.5 mg"),
        ({"dose": quantity("4.5 mL")}, "order.dimension", "The dose is 4.5 mL; naltrexone-oral-liquid needs one such as 0.5 mg"),
    ],
)  # fmt: skip
def test_an_order_of_liquid_that_the_formula_does_not_allow_is_refused(
    change: dict[str, Any], code: str, says: str
) -> None:
    problem = refusal(replace(BOTTLE, **change))
    assert (problem.code, problem.text[: len(says)]) == (code, says)


def test_every_fault_of_an_order_is_told_at_once() -> None:
    wrong = replace(CAPSULES, strength=quantity("15 mg"), count=1000)
    chalk = replace(BENCH, filler=Filler("calcium carbonate", quantity("135 mg"), None))
    _, problems = planned(wrong, chalk)
    assert [problem.code for problem in problems] == [
        "strength.outside-formula",
        "batch.outside-formula",
        "filler.refused",
    ]


@pytest.mark.parametrize(
    ("bench", "code", "says"),
    [
        (tablets("3024 mg"), "tablet.too-heavy", "Tablets: one tablet of 3,024 mg is heavier than 2 g"),
        (tablets("49.9 mg"), "tablet.lighter-than-claim", "A tablet cannot weigh less than its label claim; check the weights and their unit"),
        (tablets("0.3024 mg"), "tablet.lighter-than-claim", "A tablet cannot weigh less than its label claim"),
        (tablets("302.4 mg", "0 mg"), "bench.measure", "The label claim is 0 mg/tablet; write one above zero, such as 50 mg/tablet"),
        (replace(BENCH, tablets=Tablets(quantity("50 mg/tablet"), (), weighed=0)), "tablet.no-weights", "No tablet weights: weigh the tablets in hand, one by one"),
        (replace(BENCH, tablets=Tablets(quantity("50 mg"), (quantity("302.4 mg/tablet"),), None)), "bench.measure", "The label claim is 50 mg; write one above zero, such as 50 mg/tablet"),
        (replace(BENCH, filler=None), "capsule.unknown", "Capsule and filler are not known: give the capsule's size and maker"),
        (replace(BENCH, shells=None), "capsule.unknown", "Capsule and filler are not known"),
        (replace(BENCH, filler=Filler("starch", quantity("135 mg"), None)), "filler.not-in-formula", "starch is not a filler of naltrexone-capsule: use microcrystalline cellulose or lactose monohydrate"),
        (replace(BENCH, filler=Filler("microcrystalline cellulose", quantity("0 mg"), None)), "bench.measure", "The packing of the filler is 0 mg; write one above zero, such as 135 mg"),
        (replace(BENCH, filler=Filler("microcrystalline cellulose", quantity("9 mg"), None)), "capsule.overfull", "The source alone fills 100.8 % of the capsule; choose a larger size or split the dose"),
        (replace(BENCH, filler=Filler("microcrystalline cellulose", quantity("135 mL"), None)), "bench.measure", "The packing of the filler is 135 mL; write one above zero"),
        (replace(BENCH, balance=Balance("broken", quantity("0 mg"), quantity("1 g"))), "bench.measure", "The readability of the balance is 0 mg; write one above zero, such as 0.1 mg"),
        (replace(BENCH, balance=Balance("odd", quantity("0.1 mg"), quantity("20 mL"))), "bench.measure", "The minimum weight of the balance is 20 mL; write one above zero, such as 20 mg"),
        (replace(BENCH, filler=Filler("microcrystalline cellulose", None, None)), "filler.no-packing", "How microcrystalline cellulose packs is not known: fill one capsule and weigh it, or measure the tapped density"),
        (replace(BENCH, filler=Filler("microcrystalline cellulose", None, quantity("450 mg"))), "bench.measure", "The tapped density of the filler is 450 mg; write one above zero, such as 0.45 g/mL"),
        (replace(BENCH, shells=Shells("3", "coni-snap", quantity("0.30 g"), quantity("48 mg"))), "bench.measure", "The volume of a shell is 0.3 g"),
        (replace(BENCH, shells=Shells("3", "coni-snap", quantity("0.30 mL"), quantity("48 mL"))), "bench.measure", "The weight of a shell is 48 mL"),
        (replace(BENCH, source_packing=quantity("180 mL")), "bench.measure", "The packing of the tablet powder is 180 mL; write one above zero, such as 180 mg"),
        (tablets("302.4 mg", taken_from=FromLot("T1", date(2028, 1, 31)), on_hand=3), "lot.too-little", "Lot T1 holds 3 tablets; the plan crushes 4. Receive more, or make less"),
        (tablets("302.4 mg", taken_from=FromLot("T1", date(2026, 11, 21))), "lot.expired", "tablets (lot T1) expired on 2026-11-21; take another lot"),
    ],
)  # fmt: skip
def test_a_bench_that_cannot_make_the_capsules_is_refused(bench: Materials, code: str, says: str) -> None:
    problem = refusal(CAPSULES, bench)
    assert (problem.code, problem.text[: len(says)]) == (code, says)


@pytest.mark.parametrize("each", CAPSULE.filler.refused if CAPSULE.filler else (), ids=lambda each: each.material)
def test_a_refused_filler_is_refused_with_reason_and_source(each: Any) -> None:
    problem = refusal(CAPSULES, replace(BENCH, filler=Filler(each.material, quantity("135 mg"), None)))
    assert problem.text == f"{each.material} is refused as a filler: {each.reason} ({each.source}). Use microcrystalline cellulose"
    assert (problem.code, problem.source) == ("filler.refused", each.source)


@pytest.mark.parametrize("name", ["HPMC", "Hypromellose 2910", "hydroxypropyl methylcellulose", "RetaLac", "CaCO3", "Methocel E4M"])
def test_a_refused_filler_is_refused_by_its_other_names_too(name: str) -> None:
    assert refusal(CAPSULES, replace(BENCH, filler=Filler(name, quantity("135 mg"), None))).code == "filler.refused"


def test_a_lot_that_holds_too_little_is_named() -> None:
    lot = FromLot("C7", date(2028, 1, 31))
    filler = Filler("microcrystalline cellulose", quantity("135 mg"), None, taken_from=lot)
    short = replace(BENCH, filler=filler, left={"C7": quantity("10 g")})
    assert refusal(CAPSULES, short).text == (
        "Lot C7 of microcrystalline cellulose holds 10 g; the plan takes 13222.4 mg. Take another lot"
    )
    assert plan(CAPSULES, replace(short, left={"C7": quantity("13.2224 g")})).filler
    glycerol = {"glycerol": FromLot("G1", date(2028, 1, 31))}
    too_little = replace(BENCH, components=glycerol, left={"G1": quantity("11.9 mL")})
    assert refusal(BOTTLE, too_little).code == "lot.too-little"
    assert refusal(BOTTLE, replace(too_little, left={"G1": quantity("500 g")})).text == (
        "Lot G1 of glycerol was received as 500 g; the plan takes 12 mL. Take another lot"
    )


def test_the_lot_that_expires_first_limits_the_date() -> None:
    bench = replace(BENCH, components={"purified water": FromLot("W3", date(2026, 12, 1))})
    assert plan(BOTTLE, bench).beyond_use.limited_by == "expiry of purified water (lot W3)"
    assert plan(BOTTLE, bench).beyond_use.date == "2026-12-01"


def test_a_plan_is_plain_text_all_the_way_down() -> None:
    def leaves(data: Any) -> list[Any]:
        if isinstance(data, dict | list | tuple):
            return [leaf for each in (data.values() if isinstance(data, dict) else data) for leaf in leaves(each)]
        return [data]

    for made in (plan(CAPSULES), plan(BOTTLE)):
        assert {type(leaf) for leaf in leaves(as_data(made))} <= {str, int, type(None)}
        assert as_data(made)["formula"]["digest"] == DIGESTS[made.formula.id]


hundredths = st.integers(50, 450).map(lambda number: quantity(f"{Decimal(number).scaleb(-2)} mg"))
averages = st.integers(15_000, 45_000).map(lambda number: f"{Decimal(number).scaleb(-2)} mg")
overages = st.integers(0, 25).map(lambda percent: Fraction(percent, 100))


def test_a_balance_that_may_not_weigh_so_little_is_told_for_every_line() -> None:
    bench = replace(BENCH, balance=Balance("analytical", quantity("0.1 mg"), quantity("82 mg")))
    assert refusal(BOTTLE, bench).text == (
        "sodium benzoate: 60.0 mg is below the 82 mg that analytical may weigh. "
        "Make a larger batch, or use a balance with a lower minimum weight. "
        "Or name a syringe in the settings (devices): then it is taken from a stock solution"
    )
    _, problems = planned(BOTTLE, replace(bench, balance=replace(bench.balance, minimum_weight=quantity("1 g"))))
    assert [problem.where for problem in problems] == ["tablet powder", "ascorbic acid", "sodium benzoate"]


@given(
    hundredths,
    st.integers(30, 299),
    overages,
    averages,
    st.sampled_from(["batch", "active"]),
    st.sampled_from(["0.1 mg", "1 mg", "0.01 mg"]),
)
def test_every_milligram_of_active_is_in_the_powder_or_discarded(
    strength: Quantity, units: int, overage: Fraction, average: str, on: str, readability: str
) -> None:
    bench = replace(tablets(average), balance=Balance("any", quantity(readability), quantity("1 mcg")))
    bench = replace(bench, filler=Filler("microcrystalline cellulose", quantity("300 mg"), None))
    source = plan(Order(strength, units, None, overage, on, TODAY), bench).source
    one, step = exact(average), exact(readability)
    needed = amount(strength, "mg") * units * (1 + overage)
    assert exact(source.exact) / one * 50 == needed
    assert source.tablets * 50 - needed == (source.tablets * one - exact(source.exact)) / one * 50
    assert 0 <= source.tablets * 50 - needed < 100
    assert abs(exact(source.weigh) - exact(source.exact)) <= step / 2
    assert abs(exact(source.weigh) + exact(source.discarded) - source.tablets * one) <= step / 2
