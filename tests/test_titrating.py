"""Titrations: schedules counted by hand, what is true of every schedule, and what is refused."""

from __future__ import annotations

import re
import shlex
import sys
import tempfile
import tomllib
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from compounding.calc.schedules import capsules_for_doses, dose_steps, kit_end, raises_needed, supply
from compounding.data_files import data_folder
from compounding.documents.label import layout_label
from compounding.problems import CannotCompute, stopping
from compounding.quantities import Quantity, amount, count, quantity, told
from compounding.records.formula import Formula, read_formula
from compounding.records.record import replaced
from compounding.rules.tables import rows
from compounding.rules.titrations import schedule_named
from compounding.work.titrating import LABEL_LENGTH, Asked, Titration, plan_titration
from tests.bench import Ran, ran
from tests.documents.samples import CAPSULE, ROLL, TEMPLATE
from tests.pages import alike, rewritten, run_all, shown_in

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "how-to" / "titrate.md"
CASES = tomllib.loads((ROOT / "tests/cases/titrations.toml").read_text("utf-8"))["case"]
TODAY = date(2026, 11, 22)
ACTIVE = "naltrexone hydrochloride"
ONE = count(1, "capsule")


def formula(name: str = "naltrexone-capsule") -> Formula:
    return read_formula((data_folder("formulas") / f"{name}.toml").read_text("utf-8"), name)


def mg(text: str) -> Quantity:
    return quantity(text, ACTIVE)


def each(*texts: str) -> tuple[Quantity, ...]:
    """Strengths: what one capsule holds."""
    return tuple(mg(text) / ONE for text in texts)


NORLAND = Asked(mg("0.5 mg"), mg("4.5 mg"), mg("0.5 mg"), 7, 0, each("0.5 mg", "1.5 mg"), TODAY)


def asked(case: dict[str, Any]) -> Asked:
    """A case; its kit is in the order of the strengths from small to large."""
    strengths = sorted(each(*case["strengths"]))
    doses = [mg(case[name]) for name in ("start", "target", "step")]
    kit = tuple(case["kit"]) if "kit" in case else None
    return Asked(*doses, case["every"], case.get("hold", 0), tuple(strengths), TODAY, kit)


def planned(wanted: Asked, on: date = TODAY) -> Titration:
    made, problems = plan_titration(formula(), wanted, on)
    assert made is not None, problems
    return made


# ---- worked examples ----


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_schedule_is_the_one_counted_by_hand(case: dict[str, Any]) -> None:
    made, problems = plan_titration(formula(), asked(case), TODAY)
    assert made is not None
    assert [told(step.dose) for step in made.steps] == case["doses"]
    assert [list(counts) for counts in made.taken] == case["taken"]
    assert list(made.supply) == case["supply"]
    assert [problem.code for problem in problems] == case["problems"]
    if "kit" in case:
        end, is_ = made.kit_end, case["kit_ends"]
        assert end is not None
        assert (end.last_day, list(end.left_over), list(end.missing)) == (is_["day"], is_["left_over"], is_["missing"])
        assert [day or "never" for day in end.runs_out] == is_["short_on"]
        assert ("at " + is_["dose"] if "dose" in is_ else "no day is whole") in problems[-1].text


@pytest.mark.parametrize("row", rows("titrations"), ids=lambda row: row["id"])
def test_every_named_schedule_keeps_to_its_source_and_to_the_formula(row: dict[str, Any]) -> None:
    named = schedule_named(row["id"], TODAY)
    doses = [mg(told(dose)) for dose in (named.start, named.target, named.step)]
    strengths = each(*map(told, named.strengths))
    wanted = Asked(*doses, int(amount(named.every, "days")), 0, strengths, TODAY, schedule=named)
    made, problems = plan_titration(formula(), wanted, TODAY)
    assert made is not None
    assert {problem.code for problem in problems} <= {"titration.caution"}
    _, changed = plan_titration(formula(), replace(wanted, every=30), TODAY)
    said = [problem.text for problem in changed if problem.code == "titration.unlike-source"]
    assert len(said) == 1 and said[0].endswith(("; here it is 30 days", "; here it is 210 days"))


# ---- what is true of every schedule ----

halves = st.integers(1, 9).map(lambda number: Fraction(number, 2))
SCHEDULES = st.tuples(
    st.lists(halves, min_size=2, max_size=2).map(sorted),
    halves,
    st.integers(1, 14),
    st.integers(0, 30),
    st.lists(halves, min_size=1, max_size=4, unique=True),
)


def asked_for(ends: list[Fraction], step: Fraction, every: int, hold: int, strengths: list[Fraction]) -> Asked:
    one = mg("1 mg")
    start, target = (dose * one for dose in ends)
    return Asked(start, target, step * one, every, hold, tuple(each * one / ONE for each in sorted(strengths)), TODAY)


def days_on_labels(made: Titration) -> dict[tuple[int, int], int]:
    """Capsules by strength and day, read from the words of the labels alone."""
    said: dict[tuple[int, int], int] = {}
    for bottle in made.bottles:
        in_bottle = 0
        for number, first, last in re.findall(
            r"(\d+) capsules? (?:by mouth at bedtime )?on days? (\d+)(?: to (\d+))?", bottle.directions
        ):
            for day in range(int(first), int(last or first) + 1):
                assert (bottle.strength, day) not in said
                said[bottle.strength, day] = int(number)
                in_bottle += int(number)
        assert in_bottle == bottle.capsules
    return said


@given(SCHEDULES)
def test_capsules_make_each_dose_exactly_and_labels_name_each_of_them(schedule: Any) -> None:
    made, _ = plan_titration(formula(), asked_for(*schedule), TODAY)
    assume(made is not None)
    assert made is not None
    for step, counts in zip(made.steps, made.taken, strict=True):
        assert step.dose == sum(number * each * ONE for number, each in zip(counts, made.strengths, strict=True))
    planned_days = {
        (place, day): number
        for step, counts in zip(made.steps, made.taken, strict=True)
        for place, number in enumerate(counts)
        for day in range(step.first_day, step.last_day + 1)
        if number
    }
    assert days_on_labels(made) == planned_days
    assert all(len(bottle.directions) <= LABEL_LENGTH for bottle in made.bottles)
    assert len(made.leaflet) == len(made.steps)


@given(SCHEDULES, st.lists(st.integers(0, 200), min_size=4, max_size=4))
def test_all_that_a_kit_holds_is_taken_or_left_over(schedule: Any, kit: list[int]) -> None:
    wanted = asked_for(*schedule)
    wanted = replace(wanted, kit=tuple(kit[: len(wanted.strengths)]))
    made, _ = plan_titration(formula(), wanted, TODAY)
    assume(made is not None)
    assert made is not None and made.kit is not None and made.kit_end is not None
    doses = [step.dose for step in made.steps for _ in range(step.days)][: made.kit_end.last_day]
    held = [number * each * ONE for number, each in zip(made.kit, made.strengths, strict=True)]
    left = [number * each * ONE for number, each in zip(made.kit_end.left_over, made.strengths, strict=True)]
    assert sum(held) == sum([*doses, *left])
    assert all(number >= 0 for number in made.kit_end.left_over)
    assert (made.kit_end.last_day == made.last_day) == (set(made.kit_end.runs_out) == {None})
    if not any(made.kit_end.missing):
        assert made.kit_end.last_day == made.last_day


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True), st.integers(1, 45))
def test_no_dose_could_be_taken_in_fewer_capsules(halves: list[int], dose: int) -> None:
    fewest = [0] + [99] * dose
    for half in range(1, dose + 1):
        fewest[half] = min((fewest[half - each] + 1 for each in halves if each <= half), default=99)
    found = capsules_for_doses([Fraction(half, 2) * mg("1 mg") / ONE for half in sorted(halves)])
    counts = found.get(Fraction(dose, 2))
    assert sum(counts) == fewest[dose] if counts else fewest[dose] > 10


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 5), st.integers(1, 30), st.integers(0, 60))
def test_the_doses_rise_by_one_step_each_and_their_days_follow_on(
    start: int, rise: int, step: int, every: int, hold: int
) -> None:
    made = dose_steps(start * mg("0.1 mg"), (start + rise) * mg("0.1 mg"), step * mg("0.1 mg"), every, hold)
    raises = [later.dose - dose.dose for dose, later in pairwise(made)]
    assert set(raises[:-1]) <= {step * mg("0.1 mg")}
    assert 0 * mg("1 mg") < raises[-1] <= step * mg("0.1 mg")
    assert [later.first_day for later in made[1:]] == [dose.last_day + 1 for dose in made[:-1]]
    assert made[-1].last_day == len(made) * every + hold


# ---- what is refused ----

BEFORE, FAR = TODAY - timedelta(days=1), TODAY + timedelta(days=367)


@pytest.mark.parametrize(
    ("spoilt", "code", "says"),
    [
        ({"target": mg("0.5 mg"), "start": mg("4.5 mg")}, "titration.backwards", "goes backwards, from 4.5 mg to 0.5 mg"),
        ({"step": mg("0 mg")}, "titration.step", "The step is 0 mg"),
        ({"step": mg("1 mg") * -1}, "titration.step", "The step is -1 mg"),
        ({"step": mg("0.001 mg")}, "titration.too-long", "4,001 steps and 28,007 days"),
        ({"hold": 700}, "titration.too-long", "9 steps and 763 days"),
        ({"every": 0}, "titration.interval", "write 1 day or more"),
        ({"start": mg("0.25 mg")}, "titration.dose", "0.25 mg is outside 0.5 mg to 4.5 mg of naltrexone-capsule, version 1"),
        ({"target": mg("45 mg"), "step": mg("4.5 mg")}, "titration.dose", "45 mg is outside"),
        ({"strengths": each("0.5 mg", "15 mg")}, "titration.strength", "Capsules of 15 mg are outside"),
        ({"strengths": each("0.5 mg", "0.5 mg")}, "titration.strength", "named twice"),
        ({"strengths": each(*(f"{n}.5 mg" for n in range(5)), "1 mg", "2 mg")}, "titration.strength", "7 strengths"),
        ({"strengths": ()}, "titration.strength", "0 strengths"),
        ({"strengths": each("1.5 mg", "3 mg")}, "titration.unreachable", "0.5 mg, 1 mg, 2 mg, 2.5 mg, 3.5 mg and 4 mg cannot be taken as at most 10 whole capsules of 1.5 mg and 3 mg: capsules of 0.5 mg beside them would make"),
        ({"strengths": each("0.5 mg"), "step": mg("0.3 mg")}, "titration.unreachable", "no strength of naltrexone-capsule beside them"),
        ({"first_day": BEFORE}, "titration.past", "2026-11-21, has passed: write today, 2026-11-22, or later"),
        ({"first_day": FAR}, "titration.far", "more than a year away"),
    ],
)  # fmt: skip
def test_a_schedule_with_one_thing_spoilt_is_refused_by_name(spoilt: dict[str, Any], code: str, says: str) -> None:
    made, problems = plan_titration(formula(), replace(NORLAND, **spoilt), TODAY)
    assert made is None
    assert [problem.code for problem in stopping(problems)] == [code]
    assert says in stopping(problems)[0].text


def test_every_reason_is_told_at_once() -> None:
    _, problems = plan_titration(formula(), replace(NORLAND, every=0, step=mg("0 mg"), first_day=BEFORE), TODAY)
    assert [problem.code for problem in problems] == ["titration.past", "titration.interval", "titration.step"]


def test_a_liquid_and_directions_without_a_count_are_refused() -> None:
    liquid = formula("naltrexone-oral-liquid")
    vague = replaced(formula(), label=replaced(formula().label, directions="Take as your calendar shows."))
    for other, code in ((liquid, "titration.form"), (vague, "titration.directions")):
        made, problems = plan_titration(other, NORLAND, TODAY)
        assert made is None and [problem.code for problem in problems] == [code]


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        ({"hold": 150}, "2027-05-20, is day 180; the kit goes on to day 213 (2027-06-22), with 1.5 mg still in use. Dispense it in two parts: days 1 to 180 now"),
        ({"hold": 500}, "Dispense it in parts: days 1 to 180 now"),
        ({"beyond_use": date(2026, 12, 31)}, "is day 40; the kit goes on to day 63 (2027-01-23), with 0.5 mg and 1.5 mg still in use. Dispense it in two parts: days 1 to 35 now"),
        ({"beyond_use": date(2026, 11, 25)}, "Dispense it in parts: days 1 to 4 now"),
        ({"beyond_use": date(2026, 11, 21)}, "2026-11-21, passes before the first day, 2026-11-22: make a new batch"),
    ],
)  # fmt: skip
def test_a_beyond_use_date_before_the_end_of_the_kit_stops_it(spoilt: dict[str, Any], says: str) -> None:
    _, problems = plan_titration(formula(), replace(NORLAND, **spoilt), TODAY)
    assert [problem.code for problem in problems] == ["titration.beyond-use"]
    assert says in problems[0].text


def test_the_last_day_of_use_may_be_the_last_day_of_the_kit() -> None:
    last = TODAY + timedelta(days=62)
    assert plan_titration(formula(), replace(NORLAND, beyond_use=last), TODAY)[1] == []
    _, problems = plan_titration(formula(), replace(NORLAND, beyond_use=last, kit=(63, 63)), TODAY)
    assert [problem.code for problem in problems] == ["titration.kit-ends"]


def test_capsules_for_a_later_start_are_dated_from_today() -> None:
    made = planned(replace(NORLAND, first_day=TODAY + timedelta(days=100)))
    assert made.beyond_use == date(2027, 5, 20)


@pytest.mark.parametrize("spoilt", [("2 mg", "1 mg", "1 mg"), ("1 mg", "2 mg", "0 mg"), ("1 mL", "2 mL", "1 mL")])
def test_the_calculation_refuses_a_wrong_direction_a_zero_step_and_a_volume(spoilt: tuple[str, str, str]) -> None:
    with pytest.raises(CannotCompute):
        raises_needed(*map(mg, spoilt))


def test_the_calculation_refuses_days_strengths_and_counts_outside_their_range() -> None:
    steps = dose_steps(mg("1 mg"), mg("2 mg"), mg("1 mg"), 7)
    for every, hold in ((0, 0), (7, -1), (400, 0), (1, 800)):
        with pytest.raises(CannotCompute):
            dose_steps(mg("1 mg"), mg("2 mg"), mg("1 mg"), every, hold)
    for strengths in ((), each("0 mg"), each("1 mg", "1 mg"), each("2 mg", "1 mg"), (mg("1 mg"),)):
        with pytest.raises(CannotCompute):
            capsules_for_doses(strengths)
    with pytest.raises(CannotCompute):
        kit_end(steps, [(1,), (2,)], [-1])
    assert supply(steps, [(1,), (2,)]) == (21,)


# ---- words ----


def test_every_label_of_the_worked_examples_fits_a_label_of_four_by_two_inches() -> None:
    for case in CASES:
        for bottle in planned(asked(case)).bottles:
            text = replace(CAPSULE, directions=bottle.directions, quantity=told(count(bottle.capsules, "capsule")))
            page, problems = layout_label(text, ROLL, TEMPLATE)
            assert page is not None and stopping(problems) == [], bottle.directions


def test_labels_and_leaflet_are_plain_sentences() -> None:
    made = planned(replace(NORLAND, start=mg("2 mg"), target=mg("2.5 mg"), hold=7))
    assert [bottle.directions for bottle in made.bottles] == [
        "Take 1 capsule by mouth at bedtime on days 1 to 7, then 2 capsules on days 8 to 21.",
        "Take 1 capsule by mouth at bedtime on days 1 to 21.",
    ]
    assert made.leaflet == (
        "Week 1 (days 1 to 7, 2026-11-22 to 2026-11-28): "
        "take 1 capsule of 0.5 mg and 1 capsule of 1.5 mg by mouth at bedtime. Dose: 2 mg.",
        "Weeks 2 to 3 (days 8 to 21, 2026-11-29 to 2026-12-12): "
        "take 2 capsules of 0.5 mg and 1 capsule of 1.5 mg by mouth at bedtime. Dose: 2.5 mg.",
    )
    made = planned(replace(NORLAND, start=mg("4 mg"), every=1, hold=2))
    assert [sentence.partition(":")[0] for sentence in made.leaflet] == [
        "Day 1 (2026-11-22)",
        "Days 2 to 4 (2026-11-23 to 2026-11-25)",
    ]


def test_directions_too_long_for_a_label_are_told() -> None:
    long = "Take 1 capsule by mouth at bedtime with a full glass of water, on an empty stomach."
    wordy = replaced(formula(), label=replaced(formula().label, directions=long))
    _, problems = plan_titration(wordy, replace(NORLAND, target=mg("0.5 mg")), TODAY)
    assert [(problem.code, problem.stops) for problem in problems] == [("titration.label", False)]


def test_the_working_adds_up_doses_and_capsules_to_the_same_mass() -> None:
    working = planned(NORLAND).working
    assert "days 22 to 28: dose 0.5 mg + 3 × 0.5 mg = 2 mg; 2 mg = 1 × 0.5 mg + 1 × 1.5 mg" in working
    assert "capsules of 1.5 mg: 7 × 1 + 7 × 1 + 7 × 1 + 7 × 2 + 7 × 2 + 7 × 2 + 7 × 3 = 84" in working
    assert {line.rpartition(" = ")[2] for line in working[-2:]} == {"157.5 mg"}


# ---- the command ----


def titrate(tmp_path: Path, words: str) -> Ran:
    return ran(["--settings", str(tmp_path / "none.toml"), "titrate", *shlex.split(words)])


KIT = '--schedule norland --kit "0.5 mg=63" --kit "1.5 mg=63"'


def test_a_script_reads_where_the_kit_ends_and_what_is_missing(tmp_path: Path) -> None:
    told_ = titrate(tmp_path, f"{KIT} --json")
    data = told_.json
    assert told_.code == 1
    assert (data["days"], data["kit_ends_on_day"], data["kit_ends_at"]) == (63, 56, "4 mg")
    assert data["supply"][1] == {
        "strength": "1.5 mg", "count": 84, "kit": 63, "runs_out_on_day": 57, "left_over": 0, "missing": 21,
    }  # fmt: skip
    assert data["steps"][3]["dose"] == "2 mg"
    assert data["steps"][3]["capsules"] == [{"strength": "0.5 mg", "count": 1}, {"strength": "1.5 mg", "count": 1}]
    assert sum(label["count"] for label in data["labels"]) == 63 + 84
    assert (
        [problem["code"] for problem in data["problems"]] == told_.codes == ["titration.caution", "titration.kit-ends"]
    )


def test_a_schedule_that_lasts_is_shown_within_80_columns(tmp_path: Path) -> None:
    strengths = '--strengths "0.5 mg, 1 mg,1500 mcg,2 mg,3 mg,4.5 mg"'
    shown = titrate(tmp_path, f'--start "1 mg" --to "4.5 mg" --step "0.5 mg" --every "7 days" {strengths} --explain')
    assert (shown.code, shown.err) == (0, "")
    assert max(map(len, shown.out.splitlines())) <= 80
    assert "1.5 mg" in shown.out and "1500" not in shown.out


def test_what_is_not_given_is_taken_from_a_named_source_and_told(tmp_path: Path) -> None:
    shown = titrate(tmp_path, '--start "1 mg" --to "4.5 mg"')
    assert (shown.code, shown.codes) == (0, ["titration.assumed"])
    assert "--step 0.5 mg; --every 7 days; --strengths 0.5 mg, 1.5 mg" in shown.err


@pytest.mark.parametrize(
    ("words", "exit_code", "codes"),
    [
        ('--start "4.5 mg" --to "1 mg"', 1, ["titration.assumed", "titration.backwards"]),
        ("--schedule norland --step '0 mg'", 1, ["titration.step"]),
        ("--schedule norland --start '-1 mg'", 2, ["quantity.not-understood"]),
        ("--schedule norland --to '45 mg'", 1, ["titration.dose", "titration.too-long"]),
        ("--schedule norland --start '1 mL'", 2, ["quantity.dimension"]),
        ("--schedule norland --start '500000.5 ng'", 2, ["titration.too-fine"]),
        ("--schedule norland --every '7 mg'", 2, ["quantity.dimension"]),
        ("--schedule norland --every '1.5 days'", 2, ["quantity.dimension"]),
        ("--schedule norland --hold 30", 2, ["titration.interval"]),
        ("--schedule norland --every 'a fortnight'", 2, ["titration.interval"]),
        ("--schedule norland --strengths '0.5 mg,1,5 mg'", 2, ["quantity.not-understood"]),
        ("--schedule norland --strengths '1.5 mg,3 mg'", 1, ["titration.caution", "titration.unreachable"]),
        ("--schedule northland", 2, ["titration.schedule"]),
        ("--schedule norland --kit '0.5 mg'", 2, ["titration.kit"]),
        ("--schedule norland --kit '0.5 mg=63.5'", 2, ["titration.kit"]),
        ("--schedule norland --kit '0.5 mg=10000'", 2, ["titration.kit"]),
        ("--schedule norland --kit '0.5 mg=6' --kit '500 mcg=7'", 2, ["titration.kit"]),
        ("--schedule norland --kit '2 mg=6' --strengths '0.5 mg,1.5 mg'", 2, ["titration.kit"]),
        ("--schedule norland --from 2020-01-01", 1, ["titration.past"]),
        ("--schedule norland --from 9999-12-31", 1, ["titration.far"]),
        ("--schedule norland --from tomorrow", 2, ["date.not-understood"]),
        ("--schedule norland --beyond-use 2020-01-01", 1, ["titration.caution", "titration.beyond-use"]),
        ("--schedule norland --formula naltrexone-oral-liquid", 1, ["titration.form"]),
        ("--schedule norland --formula aspirin", 2, ["formula.unknown"]),
        ("--start '1 mg'", 2, ["titration.options"]),
    ],
)  # fmt: skip
def test_what_is_typed_wrongly_is_refused_in_a_sentence(
    tmp_path: Path, words: str, exit_code: int, codes: list[str]
) -> None:
    told_ = titrate(tmp_path, words)
    assert (told_.code, told_.codes) == (exit_code, codes), told_.err
    as_data = titrate(tmp_path, f"{words} --json")
    assert (as_data.code, [problem["code"] for problem in as_data.json["problems"]]) == (exit_code, codes)


def test_weeks_are_days(tmp_path: Path) -> None:
    asked = '--start "1.5 mg" --to "4.5 mg" --step "1.5 mg" --strengths "1.5 mg" --every'
    assert titrate(tmp_path, f"{asked} '2 weeks'").out == titrate(tmp_path, f"{asked} '14 days'").out


def test_the_commands_of_the_page_say_what_it_shows(tmp_path: Path) -> None:
    shown = shown_in(PAGE.read_text("utf-8"))
    assert len(shown) >= 3
    for each_, (_, printed) in zip(shown, run_all(shown, tmp_path), strict=True):
        assert alike(printed) == alike(each_.printed), (
            f"{each_.typed}\nrun this file with --write to write the page anew"
        )


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    page = PAGE.read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(rewritten(page, [text for _, text in run_all(shown_in(page), Path(folder))]), "utf-8")
