"""The weight rules in force today, on the worked examples."""

from __future__ import annotations

import tomllib
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compounding.calc.around_mean import mass_uniformity
from compounding.calc.rounding import decimals_of, rounded_half_up
from compounding.calc.weights import AgainstTheoretical, Brazil, brazil, loss, net_weights
from compounding.problems import CannotCompute
from compounding.rules.acceptance import rule
from compounding.rules.capsule_weights import (
    BRAZIL,
    EUROPE,
    GERMANY,
    THEORETICAL,
    Filling,
    Judgement,
    brazil_limits,
    judge_contents_around_mean,
    judge_loss,
    judge_weights,
    mass_limits,
)

CASES = tomllib.loads(
    (Path(__file__).parent.parent / "cases/capsule_weights.toml").read_text("utf-8"), parse_float=Decimal
)
DAY = date(2026, 11, 22)
GOOD = [Fraction(weight) for weight in CASES["capsules"][0]["gross_weights_mg"]]
SHELL, FILL = Fraction(48), Fraction(150)


def fractions(values: list[Any]) -> list[Fraction]:
    return [Fraction(value) for value in values]


def agrees(exact: Fraction | Decimal, written: Decimal) -> bool:
    return rounded_half_up(Fraction(exact), decimals_of(written)) == written


FILLED = (Fraction("15.000"), Fraction("14.620"))  # DE-LOSS-1


def judged(gross: list[Fraction], **more: Any) -> dict[str, Judgement]:
    return {j.rule.id: j for j in judge_weights(gross, SHELL, FILL, on=DAY, **{"filled": FILLED, **more})}


@pytest.mark.parametrize("case", CASES["capsules"], ids=lambda case: case["id"])
def test_the_worked_capsules_are_judged_as_written(case: dict[str, Any]) -> None:
    by_rule = judged(fractions(case["gross_weights_mg"]))
    theory, brazilian, german = (by_rule[name].result for name in (THEORETICAL, BRAZIL, GERMANY))
    assert isinstance(theory, AgainstTheoretical)
    assert isinstance(brazilian, Brazil)
    assert isinstance(german, Filling)

    assert theory.gross.rsd is not None
    assert agrees(theory.gross.mean, case["mean"])
    assert agrees(theory.gross.sd, case["sd"])
    assert agrees(theory.gross.rsd, case["rsd_pct"])
    for percents, written in (
        (theory.gross_percent, case["gross_pct_of_theoretical"]),
        (theory.net_percent, case["net_pct_of_theoretical"]),
    ):
        assert agrees(min(percents), written[0])
        assert agrees(max(percents), written[1])
    assert (theory.gross_outside == ()) == case["usp_style_gross_90_110"]
    assert (theory.net_outside == ()) == case["usp_style_net_90_110"]

    expected = case["brazil"]
    assert brazilian.limit_percent == expected["mean_limit_pct"]
    assert (brazilian.beyond == ()) == expected["mean_ok"]
    assert brazilian.rsd_within == expected["DPR_ok"]
    assert agrees(brazilian.least_percent, expected["Qmin"])
    assert agrees(brazilian.greatest_percent, expected["Qmax"])
    assert (brazilian.verdict == "pass") == all(expected[key] for key in ("mean_ok", "DPR_ok", "Q_ok"))

    assert german.fills.masses.rsd is not None
    assert agrees(german.fills.masses.rsd, case["net_rsd_pct"])
    assert (not any("relative standard deviation" in reason for reason in german.reasons)) == case[
        "dac_rsd_5_ok_on_net"
    ]


def test_a_batch_that_is_uniformly_short_passes_the_mean_and_fails_the_theory() -> None:
    short = judged([weight - Fraction("20.7") for weight in GOOD] * 2)
    assert [short[name].verdict for name in (EUROPE, GERMANY)] == ["pass", "pass"]
    assert [short[name].verdict for name in (THEORETICAL, BRAZIL)] == ["fail", "fail"]
    assert short[THEORETICAL].reasons[-1].startswith("net fill of capsule 20 is")


def test_two_wrong_capsules_hide_in_a_group_weighing_and_are_named_one_by_one() -> None:
    hidden = fractions(CASES["capsules"][2]["gross_weights_mg"])
    assert sum(hidden) / len(hidden) == SHELL + FILL
    assert judged(hidden)[BRAZIL].reasons == (
        "more than 10 % from the mean: unit 1, unit 2",
        "DPR is 6.6663 %, at most 4 % allowed",
        "Qmin is 85.8586 %, at least 90 % asked for",
        "Qmax is 114.1414 %, at most 110 % allowed",
    )


def test_a_rule_that_asks_for_other_capsules_does_not_judge_and_says_why() -> None:
    verdicts = {name: j.verdict for name, j in judged(GOOD).items()}
    assert verdicts == {THEORETICAL: "pass", EUROPE: "not_judged", BRAZIL: "pass", GERMANY: "pass"}
    assert judged(GOOD)[EUROPE].reasons == ("10 masses seen; this rule judges 20, weighed one by one",)
    one = judged([SHELL + FILL])
    assert {j.verdict for j in one.values()} == {"not_judged"}
    assert "group weighing" in one[THEORETICAL].reasons[0]
    assert judged(GOOD[:7], batch_units=7)[BRAZIL].verdict == "pass"
    assert judged(GOOD[:7], batch_units=8)[BRAZIL].verdict == "not_judged"


def test_a_rule_judges_only_batches_made_since_it_is_known() -> None:
    old = judge_weights(GOOD, SHELL, FILL, on=date(2012, 1, 1))
    assert [j.rule.id for j in old] == [THEORETICAL, EUROPE, BRAZIL]


@pytest.mark.parametrize("case", CASES["mass_uniformity"], ids=lambda case: case["id"])
def test_uniformity_of_mass_comes_out_as_written(case: dict[str, Any]) -> None:
    seen = mass_uniformity(fractions(case["net_mg"]), mass_limits(rule(EUROPE, DAY)))
    assert seen.masses.mean == case["mean"]
    assert seen.limit_percent == case["limit_pct"]
    assert (len(seen.beyond), len(seen.far_beyond)) == (case["outside_1x"], case["outside_2x"])
    assert (seen.verdict == "pass") == case["pass"]


def test_three_beyond_the_limit_fail_uniformity_of_mass() -> None:
    three = fractions([100] * 17 + [80, 120, 120])
    seen = mass_uniformity(three, mass_limits(rule(EUROPE, DAY)))
    assert (seen.verdict, seen.beyond, seen.far_beyond) == ("fail", (17, 18, 19), (17,))


@pytest.mark.parametrize(("mean", "percent"), [("299.999", "10"), ("300", "7.5")])
def test_a_capsule_of_300_mg_has_the_narrower_limit(mean: str, percent: str) -> None:
    assert mass_limits(rule(EUROPE, DAY)).deviation.percent_for(Fraction(mean)) == Fraction(percent)


@pytest.mark.parametrize("case", CASES["around_mean"], ids=lambda case: case["id"])
def test_contents_around_their_mean_come_out_as_written(case: dict[str, Any]) -> None:
    seen = judge_contents_around_mean(fractions(case["stage1"]), on=DAY)
    assert seen.contents.mean == case["mean"]
    assert (len(seen.beyond), len(seen.far_beyond)) == (case["outside_85_115"], case["outside_75_125"])
    assert seen.verdict == case["decision"].lower()


@pytest.mark.parametrize(
    ("contents", "verdict"),
    [
        ([100] * 10, "pass"),
        ([115, 85] + [100] * 8, "pass"),
        ([116, 84] + [100] * 8, "test_20_more"),
        ([116, 84, 116, 84] + [100] * 6, "fail"),
        ([126, 74] + [100] * 8, "fail"),
        ([116, 84, 100] + [100] * 27, "pass"),
        ([116, 84, 116, 84] + [100] * 26, "fail"),
        ([126, 100, 74] + [100] * 27, "fail"),
    ],
)
def test_the_second_stage_allows_three_and_none_far_off(contents: list[int], verdict: str) -> None:
    seen = judge_contents_around_mean(fractions(contents), on=DAY)
    assert seen.verdict == verdict
    assert bool(seen.reasons) == (verdict != "pass")


def test_contents_around_the_mean_need_ten_or_thirty() -> None:
    with pytest.raises(CannotCompute, match=r"^11 contents seen"):
        judge_contents_around_mean([Fraction(100)] * 11, on=DAY)


@pytest.mark.parametrize("case", CASES["brazil_published"], ids=lambda case: case["id"])
def test_a_published_report_is_recomputed_and_its_spread_does_not_follow(case: dict[str, Any]) -> None:
    milligrams = [1000 * weight for weight in fractions(case["weights_g"])]
    fill = 1000 * (Fraction(case["drug_g"]) + Fraction(case["excipient_g"]))
    seen = brazil(milligrams, 1000 * Fraction(case["empty_shell_g"]), fill, brazil_limits(rule(BRAZIL, DAY)))
    correct, printed = case["recomputed"], case["published"]
    assert seen.gross.rsd is not None
    assert seen.gross.mean / 1000 == correct["mean_g"]
    assert agrees(Fraction(seen.gross.sd) / 1000, correct["sd_n_minus_1"])
    assert agrees(seen.gross.rsd, correct["DPR_pct"])
    assert seen.theoretical / 1000 == correct["P_theoretical_g"]
    assert agrees(seen.least_percent, correct["Qmin_pct"])
    assert agrees(seen.greatest_percent, correct["Qmax_pct"])
    assert not agrees(seen.gross.rsd, printed["DPR_pct"])


@pytest.mark.parametrize("case", CASES["loss"], ids=lambda case: case["id"])
def test_the_loss_of_mass_comes_out_as_written(case: dict[str, Any]) -> None:
    seen = judge_loss(Fraction(case["charge"]), Fraction(case["recovered"]), on=DAY)
    assert agrees(seen.percent, case["percent"])
    assert seen.verdict == case["verdict"]


@pytest.mark.parametrize("case", CASES["loss"], ids=lambda case: case["id"])
def test_the_german_check_judges_the_loss_beside_the_fills(case: dict[str, Any]) -> None:
    filled = Fraction(case["charge"]), Fraction(case["recovered"])
    found = judged(GOOD, filled=filled)[GERMANY]
    assert found.verdict == case["verdict"] and agrees(found.figures["loss"], case["percent"])
    assert [reason for reason in found.reasons if "loss of mass is 3.3333 %, at most 3 %" in reason] == list(found.reasons)


def test_without_the_loss_the_german_check_may_fail_and_never_passes() -> None:
    unknown = judged(GOOD, filled=None)[GERMANY]
    assert (unknown.verdict, unknown.code, unknown.figures) == ("not_judged", "weights.loss", {})
    assert "of which it allows 3 %" in unknown.reasons[0]
    hidden = judged(fractions(CASES["capsules"][2]["gross_weights_mg"]), filled=None)[GERMANY]
    assert hidden.verdict == "fail" and "loss" not in hidden.figures


def test_a_gain_of_mass_is_judged_like_a_loss() -> None:
    assert loss(Fraction(100), Fraction(103), Fraction(3)).verdict == "pass"
    assert loss(Fraction(100), Fraction("103.1"), Fraction(3)).verdict == "fail"


@pytest.mark.parametrize("case", CASES["theoretical_range"], ids=lambda case: case["id"])
def test_a_hospital_accepts_the_same_range(case: dict[str, Any]) -> None:
    limits = rule(THEORETICAL, DAY)
    theory = Fraction(case["shell_g"]) + Fraction(case["fill_g"])
    for name, printed in zip(("low_percent", "high_percent"), case["range_g"], strict=True):
        assert agrees(theory * Fraction(limits.decimal(name)) / 100, printed)


@pytest.mark.parametrize(
    ("gross", "shell", "fill", "says"),
    [
        ([200, 47], 48, 150, r"^Capsule 2 weighs 47 mg, less than the empty shell of 48 mg"),
        ([200, 200], 0, 150, r"^Empty shell 0: weigh some empty shells"),
        ([200, 200], 48, 0, r"^The planned fill is not above zero"),
    ],
)
def test_weights_that_cannot_be_are_refused_for_every_rule(gross: list[int], shell: int, fill: int, says: str) -> None:
    with pytest.raises(CannotCompute, match=says):
        judge_weights(fractions(gross), Fraction(shell), Fraction(fill), on=DAY)


def test_masses_below_zero_and_a_charge_of_nothing_are_refused() -> None:
    with pytest.raises(CannotCompute, match=r"^Unit 2: -1 is below zero"):
        mass_uniformity(fractions([100, -1] * 10), mass_limits(rule(EUROPE, DAY)))
    with pytest.raises(CannotCompute, match=r"^Reference weight 0"):
        mass_uniformity([Fraction(0)] * 20, mass_limits(rule(EUROPE, DAY)))
    for charge, recovered in ((0, 0), (1, -1)):
        with pytest.raises(CannotCompute, match="check both masses"):
            loss(Fraction(charge), Fraction(recovered), Fraction(3))


@given(st.lists(st.fractions(min_value=150, max_value=250, max_denominator=10), min_size=20, max_size=20), st.randoms())
def test_the_order_of_the_capsules_changes_no_verdict(weights: list[Fraction], random: Any) -> None:
    shuffled = random.sample(weights, len(weights))
    assert [j.verdict for j in judged(weights).values()] == [j.verdict for j in judged(shuffled).values()]


def test_the_net_fill_is_the_weight_less_the_shell() -> None:
    assert net_weights(fractions(["198.4", 48]), SHELL) == (Fraction("150.4"), 0)


@pytest.mark.parametrize("case", CASES["mean_limits_published"], ids=lambda case: case["id"])
def test_published_limits_around_a_mean_are_recomputed_and_do_not_follow(case: dict[str, Any]) -> None:
    mean = Fraction(case["mean_g"])
    percent = mass_limits(rule(EUROPE, DAY)).deviation.percent_for(1000 * mean)
    assert percent == case["percent"]
    edges = [mean * (100 + sign * percent) / 100 for sign in (-1, 1)]
    for edge, exact, printed in zip(edges, case["exact_g"], case["printed_g"], strict=True):
        assert agrees(edge, exact)
        assert not agrees(edge, printed)
