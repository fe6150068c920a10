"""The shipped formulas load; a broken one is refused by file and key, with what to write instead."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compounding.cli.formula import formula_in_words
from compounding.data_files import data_folder
from compounding.problems import NotUnderstood
from compounding.quantities import amount, quantity
from compounding.records.formula import Formula, Limits, digest_of, read_formula
from compounding.records.record import as_data
from compounding.work.materials import Order
from compounding.work.planning import check_order

FILES = sorted(data_folder("formulas").glob("*.toml"))
TEXTS = {path.stem: path.read_text("utf-8") for path in FILES}
SPOILED = tomllib.loads((Path(__file__).parent / "cases/spoiled_formulas.toml").read_text("utf-8"))["case"]


def spoiled(case: dict[str, str]) -> str:
    text = TEXTS[case["file"]]
    if "old" in case:
        assert text.count(case["old"]) >= 1, "the formula no longer holds what this case spoils"
        text = text.replace(case["old"], case["new"], 1)
    if "cut_from" in case:
        start = text.index(case["cut_from"])
        text = text[:start] + text[text.index(case["cut_to"], start) :]
    return text


@pytest.mark.parametrize("name", TEXTS)
def test_a_shipped_formula_loads_under_the_name_of_its_file(name: str) -> None:
    formula = read_formula(TEXTS[name], f"{name}.toml")
    assert formula.id == name
    assert formula.label.warning == "opioid"
    assert formula.references


def texts_in(value: Any) -> list[str]:
    """Every text of a record, however deep."""
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts_in(each)]
    if isinstance(value, list):
        return [text for each in value for text in texts_in(each)]
    return [str(value)] if not isinstance(value, bool) else []


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_shown_of_a_formula_holds_every_text_of_it_and_classes_in_words(name: str) -> None:
    formula = read_formula(TEXTS[name], f"{name}.toml")
    shown = formula_in_words(formula, digest_of(TEXTS[name]), date(2026, 11, 22))
    assert [text for text in texts_in(as_data(formula)) if text not in shown] == []
    in_words = ("water activity", "OPIOID WARNING: Do NOT take opioid pain", "Keep out of reach of children.")
    assert [words for words in in_words if words not in shown] == []
    assert "not in force" not in shown and "no rule in force" not in shown and "not here" not in shown


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("tablets", ["1 tablet", "4 tablets"])
def test_a_step_reads_well_for_one_tablet_and_for_many(name: str, tablets: str) -> None:
    formula = read_formula(TEXTS[name], f"{name}.toml")
    steps = [*formula.step, *(step for other in formula.alternative for step in other.step)]
    naming = [step["do"].replace("{tablets}", tablets) for step in steps if "{tablets}" in step["do"]]
    assert naming and all(tablets in step and "them" not in step and "one by one" not in step for step in naming)


@pytest.mark.parametrize("case", SPOILED, ids=lambda case: case["id"])
def test_a_spoiled_formula_is_refused_by_file_and_key(case: dict[str, str]) -> None:
    with pytest.raises(NotUnderstood) as refusal:
        read_formula(spoiled(case), "my-formula.toml")
    texts = [problem.text for problem in refusal.value.problems]
    expected = [case[key] for key in ("says", "also") if key in case]
    assert len(texts) == len(expected), texts
    for says in expected:
        assert any(text.startswith("my-formula.toml") and says in text for text in texts), texts


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "id is missing"),
        ("x" * 262_145, "is larger than 256 KiB; check that it is the file you mean"),
        ("a = " + "9" * 5000, "holds a number that is too long"),
        ("a = 1e99999999999999999999", "holds a number that is too long"),
        ("a = " + "[" * 100_000, "brackets within brackets"),
        ("\0", "is not TOML"),
    ],
    ids=["nothing", "too large", "a long number", "a large number", "brackets", "binary"],
)
def test_a_file_that_is_no_formula_is_refused_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(NotUnderstood) as refusal:
        read_formula(text, "my-formula.toml")
    assert refusal.value.problems[0].text.startswith("my-formula.toml")
    assert says in refusal.value.problems[0].text


@given(st.sampled_from(sorted(TEXTS)), st.data())
def test_a_formula_with_a_piece_cut_out_is_read_or_refused(name: str, data: st.DataObject) -> None:
    text = TEXTS[name]
    start = data.draw(st.integers(0, len(text)))
    text = text[:start] + text[data.draw(st.integers(start, start + 200)) :]
    with suppress(NotUnderstood):
        assert isinstance(read_formula(text, "x.toml"), Formula)


def test_a_change_of_one_letter_is_another_digest() -> None:
    text = TEXTS["naltrexone-capsule"]
    assert digest_of(text) == digest_of(text)
    assert digest_of(text) != digest_of(text.replace("mouth", "Mouth"))
    assert digest_of("") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def every_limit() -> list[tuple[str, Formula, str]]:
    formulas = [(name, read_formula(text, name)) for name, text in TEXTS.items()]
    return [(name, f, what) for name, f in formulas for what in ("strength", "batch", "dose") if getattr(f, what)]


@pytest.mark.parametrize(("name", "formula", "what"), every_limit())
def test_a_slip_of_ten_always_leaves_the_range(name: str, formula: Formula, what: str) -> None:
    limits: Limits = getattr(formula, what)
    unit = limits.minimum.partition(" ")[2]
    low, high = (amount(quantity(text), unit) for text in (limits.minimum, limits.maximum))
    for step in range(10_000):
        exact = low + (high - low) * Fraction(step, 9_999)
        assert low <= exact <= high
        assert not any(low <= exact * slip <= high for slip in (10, Fraction(1, 10), 1000, Fraction(1, 1000)))


@pytest.mark.parametrize("slip", [Fraction(10), Fraction(1, 10), Fraction(1000), Fraction(1, 1000)])
@given(per_mille=st.integers(0, 1000))
def test_a_plan_with_a_slip_of_ten_is_stopped(slip: Fraction, per_mille: int) -> None:
    formula = read_formula(TEXTS["naltrexone-capsule"], "x")
    low, high = quantity(formula.strength.minimum), quantity(formula.strength.maximum)
    meant = low + (high - low) * Fraction(per_mille, 1000)
    order = Order(meant, 100, None, Fraction(0), "batch", date(2026, 11, 22))
    assert check_order(formula, order) == []
    slipped = Order(meant * slip, 100, None, Fraction(0), "batch", date(2026, 11, 22))
    assert [problem.code for problem in check_order(formula, slipped)] == ["strength.outside-formula"]
