"""What a barcode may say is checked by GS1's syntax, and what is scanned is taken apart by it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compounding.problems import NotUnderstood
from compounding.rules import gs1

CASES = tomllib.loads((Path(__file__).parent.parent / "cases" / "gs1.toml").read_text("utf-8"))["case"]
IDENTIFIERS = gs1.identifiers()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["is"])
def test_an_element_string_has_the_faults_that_gs1_finds(case: dict[str, Any]) -> None:
    problems = gs1.element_problems(gs1.read_bracketed(case["element"]))
    assert [problem.where for problem in problems] == case["faults"]


def test_every_needed_or_excluded_identifier_is_a_number() -> None:
    for row in IDENTIFIERS.values():
        assert all(other.isdigit() for group in (*row.needs, row.excludes) for other in group)
        assert 1 <= row.least <= row.most and row.kind in "NX"
        assert not row.fixed or row.least == row.most


characters = st.sampled_from(sorted(gs1.CHARACTERS - set("()")))
free = st.sampled_from([ai for ai, row in IDENTIFIERS.items() if row.kind == "X"])


@given(st.lists(st.tuples(free, st.text(characters, min_size=1, max_size=20)), min_size=1, max_size=5))
def test_a_message_is_taken_apart_into_the_elements_it_was_made_of(elements: list[tuple[str, str]]) -> None:
    elements = [("17", "270521"), *elements]
    assert gs1.read_message(gs1.message(elements)) == tuple(elements)
    assert gs1.read_bracketed(gs1.bracketed(elements)) == tuple(elements)


def test_a_separator_stands_after_each_varying_value_but_the_last() -> None:
    elements = [("01", "09501101530003"), ("17", "270521"), ("10", "A"), ("21", "B")]
    assert gs1.message(elements) == "01095011015300031727052110A\x1d21B"
    assert gs1.read_message("\x1d" + gs1.message(elements)) == tuple(elements)


@pytest.mark.parametrize("message", ["", "(91)", "91L(10)", "(91)L(9)X", "x(91)L"])
def test_a_string_that_is_not_in_brackets_is_not_guessed(message: str) -> None:
    with pytest.raises(NotUnderstood):
        gs1.read_bracketed(message)


def test_an_unknown_identifier_in_a_message_is_named() -> None:
    with pytest.raises(NotUnderstood, match="'8017'"):
        gs1.read_message("80171234")


def test_day_00_is_the_last_of_its_month() -> None:
    found = [gs1.day_of(text) for text in ("270200", "281200", "270521")]
    assert [str(day) for day in found] == ["2027-02-28", "2028-12-31", "2027-05-21"]
    assert gs1.day_of("271300") is None
