"""The beyond-use date: what limits it, and what is refused."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compounding.problems import NotUnderstood, Refused
from compounding.rules.beyond_use import BeyondUseDate, StabilityStudy, beyond_use_date
from compounding.rules.tables import in_force, one_in_force, rows

CASES = tomllib.loads((Path(__file__).parent / "cases/beyond_use.toml").read_text("utf-8"))["case"]
TODAY = date(2026, 11, 22)
CLASSES = ("aqueous_nonpreserved", "aqueous_preserved", "nonaqueous_oral_liquid", "nonaqueous_other")


def dated(case: dict[str, Any]) -> BeyondUseDate:
    studies = [StabilityStudy(source="usp-795", **study) for study in case.get("studies", [])]
    return beyond_use_date(case["class"], case["storage"], TODAY, case.get("expiries", {}), studies)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_date_is_the_one_computed_by_hand(case: dict[str, Any]) -> None:
    found = dated(case)
    assert (found.on, found.days) == (case["is"], case["days"])
    assert found.limited_by.startswith(case["limited_by"])
    assert found.on == TODAY + timedelta(days=found.days - 1)
    assert case.get("day_0", found.on + timedelta(days=1)) == found.on + timedelta(days=1)


def test_an_aqueous_liquid_without_preservative_is_refrigerated_or_refused() -> None:
    with pytest.raises(Refused, match=r"not preserved .* may not be kept at room temperature: refrigerate it$") as refusal:
        beyond_use_date("aqueous_nonpreserved", "room", TODAY, {})  # BUD-11
    assert [problem.code for problem in refusal.value.problems] == ["beyond-use.storage"]


def test_every_expired_component_is_named() -> None:
    expiries = {"tablets": date(2026, 11, 21), "filler": date(2027, 1, 1), "shells": date(2020, 1, 1)}
    with pytest.raises(Refused) as refusal:
        beyond_use_date("nonaqueous_other", "room", TODAY, expiries)
    assert [(problem.code, problem.text) for problem in refusal.value.problems] == [
        ("lot.expired", "tablets expired on 2026-11-21; take another lot"),
        ("lot.expired", "shells expired on 2020-01-01; take another lot"),
    ]


def test_the_limits_judge_from_the_first_of_november_2023() -> None:
    for category in CLASSES:
        assert beyond_use_date(category, "refrigerator", date(2023, 11, 1), {}).days in (14, 35, 90, 180)
        with pytest.raises(Refused, match=rf"No beyond-use rule for {category} was in force on 2023-10-31"):
            beyond_use_date(category, "refrigerator", date(2023, 10, 31), {})


def test_a_class_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Refused, match="No beyond-use rule for capsules was in force"):
        beyond_use_date("capsules", "room", TODAY, {})


@given(
    st.sampled_from(CLASSES),
    st.lists(st.builds(StabilityStudy, st.integers(1, 3650), st.just("refrigerator"), st.just("s"), st.booleans())),
    st.dictionaries(st.text(max_size=5), st.dates(TODAY, date(2040, 1, 1)), max_size=5),
)
def test_no_date_passes_the_ceiling_or_any_component(
    category: str, studies: list[StabilityStudy], expiries: dict[str, date]
) -> None:
    found = beyond_use_date(category, "refrigerator", TODAY, expiries, studies)
    assert TODAY <= found.on <= TODAY + timedelta(days=179)
    assert all(found.on <= expiry for expiry in expiries.values())
    assert found == beyond_use_date(category, "refrigerator", TODAY, expiries, studies[::-1])


def test_a_later_row_judges_later_batches_and_leaves_the_old_ones_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    newer = next(row for row in rows("beyond_use") if row["id"] == "nonaqueous_other") | {
        "from": date(2027, 1, 1),
        "days": 120,
    }
    monkeypatch.setattr("compounding.rules.tables.rows", lambda table: (newer, *rows(table)))
    days = [beyond_use_date("nonaqueous_other", "room", day, {}).days for day in (date(2026, 12, 31), date(2027, 1, 1))]
    assert days == [180, 120]


def test_a_row_that_is_asked_for_is_found_or_what_there_is_gets_named() -> None:
    assert one_in_force("beyond_use", TODAY, id="aqueous_preserved")["days"] == 35
    with pytest.raises(NotUnderstood, match=r"^No row for id emulsion on 2026-11-22; known are: aqueous_nonpreserved, "):
        one_in_force("beyond_use", TODAY, id="emulsion")
    assert in_force("shells", date(1999, 12, 31)) == ()
