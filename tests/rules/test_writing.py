"""Safe writing: what was misread on labels before is refused with what to write; what is safe is left alone."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from compounding.rules.writing import in_words, unsafe

CASES: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent.parent / "cases" / "writing.toml").read_text("utf-8")
)["case"]
DAY = date(2026, 11, 22)


@pytest.mark.parametrize("case", CASES, ids=[case["says"] for case in CASES])
def test_what_was_misread_before_is_refused_with_its_replacement(case: dict[str, Any]) -> None:
    problems = unsafe({case.get("field", "directions"): case["says"]}, DAY)
    assert case["id"] in " ".join(problem.text for problem in problems)
    assert case["write"] in " ".join(problem.text for problem in problems)


@pytest.mark.parametrize(
    "says",
    [
        "Take 1 capsule by mouth at bedtime.",
        "Take 0.5 mg for 10 days, then 10 mg and 10.05 mg.",
        "Take 1 capsule at bedtime for 7 nights, then 2 capsules for 7 nights, then 3 capsules every night at bedtime.",
        "Store at 20 °C to 25 °C (68 °F to 77 °F). Protect from light.",
        "Use by 2027-05-20, or May 20, 2027.",
        "Take 1,250 mg of it. Stop. Ask us.",
        "Take 1,234,567 mg at 9. 5 nights later stop.",
        "Tome 1 cápsula por la boca al acostarse.",
        "Take it in the morning (2 capsules) and at bedtime (1 capsule).",
    ],
)
def test_safe_writing_is_left_alone(says: str) -> None:
    assert unsafe({"directions": says, "storage": says}, DAY) == []


@pytest.mark.parametrize(
    "says",
    [
        "Take 5 mL at bedtime", "Take 1 tablet at bedtime", "Use 1 drop in each eye", "Inject 1 capsule",
        "Take 0.5 capsule at bedtime", "Take half a capsule at bedtime", "Tome media cápsula",
    ],
)  # fmt: skip
def test_directions_that_no_capsule_can_be_taken_by_are_refused(says: str) -> None:
    capsules = {"directions": says, "strength": "1.5 mg", "quantity": "30 capsules"}
    assert [problem.code for problem in unsafe(capsules, DAY)] == ["writing.dose"]


def test_names_are_printed_as_they_are_given() -> None:
    assert (
        unsafe(
            {"patient": "U Tin & Bid .5 mg", "prescriber": "Dr. Hs", "batch": "LDN-1", "pharmacy_name": "A & B"}, DAY
        )
        == []
    )


@pytest.mark.parametrize(
    ("drug", "code"), [("naltrexone", "writing.salt-basis"), ("naloxone hydrochloride", "material.look-alike")]
)
def test_the_drugs_name_says_its_salt_and_is_not_its_look_alike(drug: str, code: str) -> None:
    assert [problem.code for problem in unsafe({"drug": drug}, DAY)] == [code]
    assert unsafe({"drug": "naltrexone hydrochloride"}, DAY) == unsafe({"drug": "naltrexone base"}, DAY) == []


@pytest.mark.parametrize(
    ("directions", "says"),
    [
        ("Take 1.5 mL by mouth.", "told in mL and in mg"),
        ("Take 1.5 mg by mouth.", "told in mL and in mg"),
        ("Take 1.5 mL (1.5 mg), then 2 mL.", "told in mL and in mg"),
        ("Take 1.5 mL (15 mg) by mouth.", "1.5 mL hold 1.5 mg"),
        ("Take 1.5 mg (15 mL) by mouth.", "15 mL hold 15 mg"),
        ("Take 2 mL (2.4 mg) by mouth.", "2 mL hold 2 mg"),
    ],
)
def test_a_dose_of_a_liquid_is_told_twice_and_the_two_agree(directions: str, says: str) -> None:
    problems = unsafe({"strength": "1 mg per mL", "directions": directions}, DAY)
    assert [problem.code for problem in problems] == ["writing.liquid-dose"]
    assert says in problems[0].text


def test_a_dose_rounded_to_the_marks_of_its_syringe_agrees() -> None:
    assert unsafe({"strength": "3 mg per mL", "directions": "Take 0.33 mL (1 mg) at bedtime."}, DAY) == []
    assert unsafe({"strength": "1 mg per mL", "directions": "Take 1.5 mg (1.5 mL) at bedtime."}, DAY) == []


@pytest.mark.parametrize(
    ("directions", "says"),
    [
        ("Take 1 capsule (15 mg) at bedtime.", "that is 1.5 mg"),
        ("Take 2 capsules (1.5 mg) at bedtime.", "that is 3 mg"),
        ("Take 15 mg (1 capsule) at bedtime.", "that is 1.5 mg"),
        ("Take 1 capsule (1.5 mcg) at bedtime.", "that is 1.5 mg"),
        ("Take 1 capsule of 15 mg at bedtime.", "that is 1.5 mg"),
        ("Take 1 15 mg capsule at bedtime.", "that is 1.5 mg"),
        ("Tome 2 cápsulas (30 mg) al acostarse.", "that is 3 mg"),
        ("Tome 1 cápsula de 15 mg al acostarse.", "that is 1.5 mg"),
        ("Take 15 mg at bedtime.", "“15 mg” says not how many to take"),
        ("Take 1 capsule (1.5 mg) for 7 nights, then 3 mg.", "“3 mg” says not how many to take"),
        ("Take half a capsule (0.75 mg).", "“0.75 mg” says not how many to take"),
    ],
)
def test_a_dose_of_capsules_is_what_so_many_of_this_strength_hold(directions: str, says: str) -> None:
    problems = unsafe({"strength": "1.5\u00a0mg", "directions": directions}, DAY)
    assert [problem.code for problem in problems] == ["writing.dose"]
    assert says in problems[0].text


@pytest.mark.parametrize(
    ("strength", "directions"),
    [
        ("1.5 mg", "Take 1 capsule (1.5 mg) at bedtime for 7 nights, then 2 capsules (3 mg)."),
        ("1.5 mg", "Take 1,500 mcg (1 capsule), then 3 capsules (0.0045 g)."),
        ("1.5 mg", "Tome 3 cápsulas (4.5 mg) al acostarse."),
        ("500 mcg", "Take 1 capsule of 0.5 mg at bedtime."),
        ("1 mg per mL", "Take 1.5 mL (1.5 mg) at bedtime."),
        ("20 mg per g", "Weigh 100 mg of it."),
    ],
)
def test_a_dose_that_is_what_its_capsules_hold_is_left_alone(strength: str, directions: str) -> None:
    assert unsafe({"strength": strength, "directions": directions}, DAY) == []


@pytest.mark.parametrize("field", ["directions", "purpose", "reason", "auxiliary", "ingredients", "sentence"])
@pytest.mark.parametrize("other", ["naloxone", "NALOXONE", "naloxona", "nalmefene", "methylnaltrexone"])
def test_a_look_alike_stands_nowhere_on_a_label_of_naltrexone(field: str, other: str) -> None:
    problems = unsafe({"drug": "naltrexone hydrochloride", field: f"1 capsule of {other}"}, DAY)
    assert [(problem.code, problem.where) for problem in problems] == [("material.look-alike", field)]
    assert unsafe({"warning_text": f"Not {other}.", "drug": "naltrexone hydrochloride"}, DAY) == []


@pytest.mark.parametrize(
    ("strength", "words"),
    [
        ("0.5 mg", "zero point five milligrams"),
        ("1 mg per mL", "one milligram per millilitre"),
        ("1.5 mg", "one point five milligrams"),
        ("15 mg", "fifteen milligrams"),
        ("4.5 mg", "four point five milligrams"),
        ("45 mg", "forty-five milligrams"),
        ("0.05 mg/mL", "zero point zero five milligrams per millilitre"),
        ("1,250 mcg", "one thousand two hundred fifty micrograms"),
    ],
)
def test_strengths_that_look_alike_sound_apart(strength: str, words: str) -> None:
    assert in_words(strength) == words
