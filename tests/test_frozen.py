"""Frozen dataclasses that start quickly keep what those of the standard library promise."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from compounding.frozen import dataclass as quick


@quick(frozen=True)
class Weighed:
    """A weighing, with a check and a field that is made anew."""

    text: str
    stable: bool = True
    notes: list[str] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        """No weighing without a text."""
        if not self.text:
            raise ValueError("no text")


def test_fields_are_given_by_place_or_by_name() -> None:
    assert Weighed("381.0 mg", False) == Weighed(stable=False, text="381.0 mg")
    assert Weighed("381.0 mg") != Weighed("381.1 mg")
    assert repr(Weighed("381.0 mg")) == "Weighed(text='381.0 mg', stable=True, notes=[])"


def test_what_it_makes_for_one_is_not_shared_with_another() -> None:
    assert Weighed("1 mg").notes is not Weighed("1 mg").notes


def test_another_class_with_the_same_fields_is_not_equal() -> None:
    @quick(frozen=True)
    class Dispensed:
        text: str

    @quick(frozen=True)
    class Returned:
        text: str

    assert Dispensed("1 mg") != Returned("1 mg")  # type: ignore[comparison-overlap]  # what is tested
    assert len({Dispensed("1 mg"), Dispensed("1 mg"), Dispensed("2 mg")}) == 2


def test_without_eq_each_is_itself_alone() -> None:
    @quick(frozen=True, eq=False)
    class Seen:
        text: str

    assert Seen("1 mg") != Seen("1 mg")


def test_its_own_check_is_run() -> None:
    with pytest.raises(ValueError, match="no text"):
        Weighed("")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda made: made(),
        lambda made: made("1 mg", True, [], "more"),
        lambda made: made("1 mg", text="2 mg"),
        lambda made: made("1 mg", unit="mg"),
    ],
)
def test_too_few_too_many_twice_and_unknown_are_refused(wrong: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match="Weighed"):
        wrong(Weighed)


def test_nothing_is_changed_or_taken_away() -> None:
    weighed = Weighed("1 mg")
    with pytest.raises(dataclasses.FrozenInstanceError, match="never changed"):
        weighed.text = "2 mg"  # type: ignore[misc]  # what is tested
    with pytest.raises(dataclasses.FrozenInstanceError, match="never taken away"):
        del weighed.text


def test_the_standard_library_knows_its_fields() -> None:
    weighed = Weighed("1 mg")
    assert dataclasses.replace(weighed, text="2 mg") == Weighed("2 mg")
    assert dataclasses.asdict(weighed) == {"text": "1 mg", "stable": True, "notes": []}
