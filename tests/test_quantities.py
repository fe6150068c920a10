"""Text is read or refused, never guessed; units are exact; a milligram is a milligram of something."""

from __future__ import annotations

import itertools
import operator
import string
import tomllib
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from timeit import repeat

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compounding.problems import CannotCompute, NotUnderstood
from compounding.quantities import (
    amount,
    as_balance,
    count,
    decimal_text,
    half_up,
    in_unit,
    material,
    material_of,
    number,
    of_material,
    percent,
    quantity,
    ratio,
    rounded,
    taken_as,
    together,
    told,
    written,
)

HOSTILE = tomllib.loads((Path(__file__).parent / "cases/hostile_quantities.toml").read_text("utf-8"))["group"]
TEN_MEGABYTES = 10**7
MASSES = ("kg", "g", "mg", "mcg", "ng")
VOLUMES = ("L", "mL")

# At most 15 digits, 9 of them before the point and 9 after it: everything that the grammar can hold.
digits = st.tuples(st.integers(0, 10**15 - 1), st.integers(6, 9)).filter(lambda pair: pair[0] < 10 ** (9 + pair[1]))
numbers = digits.map(lambda pair: f"{Decimal(pair[0]).scaleb(-pair[1]):f}")


@pytest.mark.parametrize("group", HOSTILE, ids=lambda group: group["name"])
def test_a_hostile_text_is_refused_with_a_sentence(group: dict[str, list[str]]) -> None:
    for text in group["texts"]:
        with pytest.raises(NotUnderstood, match=r"was not understood: .*\.$") as refusal:
            quantity(text)
        assert group.get("says", "") in str(refusal.value), text


@pytest.mark.parametrize(
    "group", [group for group in HOSTILE if "number" not in group], ids=lambda group: group["name"]
)
def test_a_hostile_text_is_neither_a_number_nor_a_percentage(group: dict[str, list[str]]) -> None:
    for text in group["texts"]:
        with pytest.raises(NotUnderstood):
            number(text)
        if text != "5 %":
            with pytest.raises(NotUnderstood):
                percent(text)


def refused(text: str) -> None:
    for read in (quantity, number, percent, material):
        with pytest.raises(NotUnderstood):
            read(text)


@pytest.mark.parametrize("piece", ["1", "1,1", "1:", "0.", "a", " ", "5 mg ", "\n", "-", "(", "5 %", "µ", "1-1 "])
def test_ten_megabytes_are_refused_as_fast_as_a_word(piece: str) -> None:
    for text in (piece * (TEN_MEGABYTES // len(piece)), piece * (TEN_MEGABYTES // len(piece)) + "\n"):
        assert min(repeat(lambda text=text: refused(text), number=1, repeat=2)) < 0.04, "10 ms for each of four readers"


def test_no_hostile_text_takes_ten_milliseconds() -> None:
    for text in itertools.chain.from_iterable(group["texts"] for group in HOSTILE):
        assert min(repeat(lambda text=text: read(text), number=1, repeat=3)) < 0.01, text


def read(text: str) -> None:
    with pytest.raises(NotUnderstood):
        quantity(text)


def test_of_all_spellings_of_up_to_three_letters_only_the_listed_are_units() -> None:
    seen, known = 0, set()
    for length in (1, 2, 3):
        for letters in itertools.product(string.ascii_letters, repeat=length):
            seen += 1
            try:
                quantity(f"5 {''.join(letters)}")
            except NotUnderstood:
                continue
            known.add("".join(letters))
    assert seen == 143_364
    assert known == {"kg", "g", "mg", "mcg", "ug", "ng", "L", "mL", "ml", "mm", "day"}


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(NotUnderstood):
        assert quantity(text) == quantity(written(quantity(text)))


@given(numbers, st.sampled_from((*MASSES, *VOLUMES, "mm", "mg/mL", "mg/tablet", "g/L", "mg/capsule", "mL/dose")))
def test_what_is_written_reads_back_the_same(text: str, unit: str) -> None:
    read = quantity(f"{text} {unit}")
    assert isinstance(read.magnitude, Fraction)
    assert read.magnitude == Fraction(text)
    assert quantity(written(read)) == read


@given(st.fractions(0, 999_999))
def test_what_a_plan_works_out_is_written_so_that_it_can_be_read_back(value: Fraction) -> None:
    assert quantity(f"{decimal_text(value)} mg").magnitude == half_up(value, 9)


@given(numbers)
def test_a_number_is_the_decimal_that_was_typed(text: str) -> None:
    assert number(text) == Fraction(Decimal(text))
    assert percent(f"{text} %") == Fraction(text) / 100


@given(numbers, st.sampled_from([MASSES, VOLUMES]).flatmap(lambda units: st.permutations(units).map(lambda u: u[:2])))
def test_a_conversion_and_back_changes_nothing(text: str, units: list[str]) -> None:
    read = quantity(f"{text} {units[0]}", "naltrexone hydrochloride")
    there = in_unit(read, units[1])
    assert isinstance(there.magnitude, Fraction)
    back = in_unit(there, units[0])
    assert (back.magnitude, written(back), material_of(back)) == (read.magnitude, written(read), material_of(read))


@pytest.mark.parametrize(
    ("text", "unit", "is_"),
    [
        ("1 kg", "ng", 10**12),
        ("1 ng", "kg", Fraction(1, 10**12)),
        ("1 mL/ng", "mL/kg", 10**12),
        ("1 kg", "mg", 1_000_000),
        ("1 mg", "mcg", 1_000),
        ("1 mcg", "ng", 1_000),
        ("1 L", "mL", 1_000),
        ("250 mg/5 mL", "mg/mL", 50),
        ("1 mg/mL", "g/L", 1),
        ("0.9 % w/v", "mg/mL", 9),
        ("2 % v/v", "mL/L", 20),
    ],
)
def test_units_are_exact(text: str, unit: str, is_: int) -> None:
    assert amount(quantity(text), unit) == is_


@pytest.mark.parametrize("spelling", ["mcg", "ug", "\u00b5g", "\u03bcg"])
def test_a_microgram_is_one_unit_however_it_is_spelt(spelling: str) -> None:
    assert quantity(f"5 {spelling}") == quantity("0.005 mg")
    assert written(quantity(f"5 {spelling}")) == "5 mcg"


@pytest.mark.parametrize(("text", "unit"), [("1 mg", "mL"), ("1 mL", "mg"), ("1 tablet", "capsule"), ("1 mg/mL", "mg")])
def test_a_mass_is_no_volume_and_a_tablet_no_capsule(text: str, unit: str) -> None:
    with pytest.raises(NotUnderstood, match="cannot express"):
        amount(quantity(text), unit)


@pytest.mark.parametrize("combine", [operator.add, operator.sub, operator.lt])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (quantity("5 mg", "naltrexone hydrochloride"), quantity("5 mg", "lactose monohydrate")),
        (quantity("5 mg", "naltrexone hydrochloride"), quantity("5 mg")),
        (count(1, "tablet"), count(1, "capsule")),
        (count(1, "dose"), count(1, "drop")),
        (quantity("5 mg"), quantity("5 mL")),
    ],
    ids=["two materials", "material and none", "tablets and capsules", "doses and drops", "mass and volume"],
)
def test_unlike_things_are_not_added_or_compared(combine: object, one: object, other: object) -> None:
    with pytest.raises(pint.DimensionalityError):
        combine(one, other)  # type: ignore[operator]


def test_unlike_things_have_no_ratio_and_none_is_measured_in_nothing() -> None:
    with pytest.raises(
        CannotCompute, match=r"^5 mg of naltrexone hydrochloride cannot be compared with 1 mg of lactose$"
    ):
        ratio(quantity("5 mg", "naltrexone hydrochloride"), quantity("1 mg", "lactose"))
    with pytest.raises(CannotCompute, match=r"^0 mg of lactose must be above zero$"):
        ratio(quantity("5 mg", "lactose"), quantity("0 mg", "lactose"))


def test_a_mass_is_said_of_one_material_once() -> None:
    powder = of_material(quantity("952.6 mg"), "tablet powder")
    assert (material_of(powder), written(powder)) == ("tablet powder", "952.6 mg")
    assert material_of(quantity("5 mg")) is None
    assert material_of(taken_as(powder, "lactose")) == "lactose"
    assert together([powder, quantity("1 g", "lactose")], "mixture") == quantity("1952.6 mg", "mixture")
    with pytest.raises(CannotCompute, match=r"^952.6 mg already is a mass of tablet powder, not of lactose$"):
        of_material(powder, "lactose")


@pytest.mark.parametrize(
    "name",
    ["milligram", "kilogram", "gram", "mass", "time", "tablets", "nanodose", "MCC", "Lactose", "", "ab", "x" * 99, "5 mg", "sel de Vichy\n", "lactose;"],
)  # fmt: skip
def test_a_unit_or_a_scribble_is_not_a_material(name: str) -> None:
    with pytest.raises(NotUnderstood, match=r"^'.*' was not understood: .*name (a material in small letters|the mat)"):
        material(name)
    assert amount(quantity("1 kg"), "mg") == 10**6


@pytest.mark.parametrize(
    ("value", "places", "is_"),
    [
        ("2.345", 2, "2.35"),
        ("2.5", 0, "3"),
        ("-2.5", 0, "-3"),
        ("-0.4", 0, "0"),
        ("0.025", 2, "0.03"),
        ("97.95", 1, "98"),
        ("1.005", 2, "1.01"),
        ("0", 3, "0"),
    ],
)
def test_a_half_is_rounded_up_away_from_zero(value: str, places: int, is_: str) -> None:
    assert half_up(Fraction(value), places) == Fraction(is_)
    assert decimal_text(Fraction(value), places) == is_


@given(st.fractions(), st.integers(0, 9))
def test_rounding_moves_a_number_by_at_most_half_a_step(value: Fraction, places: int) -> None:
    assert abs(half_up(value, places) - value) <= Fraction(1, 2 * 10**places)


@pytest.mark.parametrize(
    ("mass", "step", "reads"),
    [
        ("952.56 mg", "0.1 mg", "952.6 mg"),
        ("381 mg", "0.1 mg", "381.0 mg"),
        ("2.5 g", "1 mg", "2500 mg"),
        ("0.0025 g", "5 mg", "5 mg"),
        ("0.00249 g", "5 mg", "0 mg"),
        ("2500 mg", "0.001 g", "2.500 g"),
        ("12.34 mg", "0.02 mg", "12.34 mg"),
        ("12.33 mg", "0.02 mg", "12.34 mg"),
        ("0.45 mg", "0.1 mg", "0.5 mg"),
    ],
)
def test_a_balance_shows_whole_steps_with_all_its_digits(mass: str, step: str, reads: str) -> None:
    assert as_balance(rounded(quantity(mass), quantity(step)), quantity(step)) == reads


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (quantity("12500.50 mg"), "12,500.5 mg"),
        (quantity("0.50 mg"), "0.5 mg"),
        (quantity("999 mg"), "999 mg"),
        (quantity("1000 mg"), "1,000 mg"),
        (quantity("5.0 ug"), "5 mcg"),
        (quantity("1 tablets"), "1 tablet"),
        (count(100, "capsule"), "100 capsules"),
        (count(Fraction(1, 2), "tablet"), "0.5 tablets"),
        (quantity("60 ml"), "60 mL"),
        (quantity("250 mg/5 mL"), "50 mg/mL"),
        (quantity("5 mg/2 capsules"), "2.5 mg/capsule"),
        (quantity("0 mg"), "0 mg"),
        (quantity("0 mg") - quantity("0.5 mg"), "-0.5 mg"),
        (quantity("1 mg") / 3, "0.333333333 mg"),
    ],
)
def test_people_are_told_a_leading_zero_and_no_trailing_one(value: object, says: str) -> None:
    assert told(value) == says  # type: ignore[arg-type]
