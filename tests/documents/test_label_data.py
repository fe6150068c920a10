"""Stocks, templates and wordings are checked when they are read: spoil one thing, expect one refusal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compounding.data_files import data_folder
from compounding.documents.boxes import NBSP, glue
from compounding.documents.stocks import read_stock, stock_names
from compounding.documents.templates import read_template
from compounding.documents.texts import (
    SHIPPED,
    languages,
    read_auxiliary,
    read_warning,
    read_wording,
    shipped_texts,
    wording_ids,
)
from compounding.problems import CompoundingError, EnvironmentFails, NotUnderstood

LABELS = data_folder("labels")


def spoiled(tmp_path: Path, path: str, old: str, new: str) -> Path:
    """A folder with one of our files in which one thing is changed."""
    text = (LABELS / path).read_text("utf-8")
    assert old in text
    (tmp_path / Path(path).name).write_text(text.replace(old, new), encoding="utf-8")
    return tmp_path


def refusal(read: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(NotUnderstood) as caught:
        read(*arguments)
    return f"{caught.value.problems[0].code}: {caught.value.problems[0].text}"


def test_every_stock_that_we_ship_reads_and_names_one_that_there_is() -> None:
    stocks = [read_stock(name) for name in stock_names()]
    assert [stock.id for stock in stocks] == list(stock_names())
    assert {stock.next_larger for stock in stocks} <= {"", *stock_names()}


def test_a_roll_of_4_by_2_inches_has_812_by_406_dots() -> None:
    stock = read_stock("4x2")
    dots = (stock.width * stock.dots_per_inch / 72, stock.height * stock.dots_per_inch / 72)
    assert tuple(map(round, dots)) == (812, 406)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('kind = "roll"', 'kind = "ribbon"', "kind: 'ribbon' is neither roll nor sheet"),
        ("[101.6, 50.8]", "[101.6]", "label_mm: must hold two numbers"),
        ("[101.6, 50.8]", "[-101.6, 50.8]", "label_mm: width, height, columns and rows must be above zero"),
        ("margin_mm = 1.2", "margin_mm = 0.1", "margin_mm: must lie between 0.5 mm and a quarter"),
        ("margin_mm = 1.2", "margin_mm = 20", "margin_mm: must lie between 0.5 mm and a quarter"),
        ("dots_per_inch = 203", "dots_per_inch = 150", "dots_per_inch: must be 203, 300 or 600"),
        ("dots_per_inch = 203", 'dots_per_inch = "203"', "dots_per_inch: '203' is not a int"),
        ("dots_per_inch = 203", "", "dots_per_inch: is missing"),
        ("margin_mm", "colour = 1\nmargin_mm", "colour: is not a key of this file"),
        ('id = "4x2"', "id = ", "cannot be read"),
        ("margin_mm", "columns = 2\nmargin_mm", "columns: run off the page"),
        ("margin_mm", "corner_mm = [1, 0]\nmargin_mm", "columns: run off the page"),
        (
            'kind = "roll"',
            'kind = "sheet"\npage_mm = [216, 279]\ncolumns = 2\npitch_mm = [101, 51]',
            "pitch_mm: 101.00 mm is smaller than the label, 101.60 mm: the columns overlap",
        ),
    ],
)
def test_a_stock_whose_numbers_do_not_add_up_is_refused(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert expected in refusal(read_stock, "4x2", spoiled(tmp_path, "stocks/4x2.toml", old, new))


def test_an_unknown_stock_is_refused_with_those_there_are() -> None:
    assert refusal(read_stock, "4x22").startswith("data.unknown: 4x22 is not a label stock here: did you mean 4x2? ")
    assert refusal(read_stock, "roll").startswith("data.unknown: roll is not a label stock here: there are 1.5x0.5, 2.25x1.25,")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('heading = "{warning_heading}"', "", "the opioid warning is missing or altered"),
        (
            'parts = ["{warning_text}"]',
            'parts = ["{warning_text} Ask us."]',
            "the opioid warning is missing or altered",
        ),
        ('parts = ["{warning_text}"]', 'parts = ["{patient}"]', "the opioid warning is missing or altered"),
        ('parts = ["{warning_text}"]\nbold = true', 'parts = ["{warning_text}"]', "the warning must be bold"),
        ("8, 7.5]\nfloor = 7.5", "8, 5]\nfloor = 5", "the warning must be bold, with a floor of 7.5 pt"),
        ("floor_wide = 8", "floor_wide = 5", "may raise the floor, not lower it"),
        ("floor_wide = 8", "floor_wide = 7.5", "a floor_wide of 8 pt or more"),
        ("floor_wide = 8", "", "a floor_wide of 8 pt or more"),
        ("13, 13, 12, 12]\nfloor = 12", "13, 13, 12, 9]\nfloor = 9", "must stand at 12 pt or more in a zone of half"),
        ("least_share = 0.5", "least_share = 0.3", "must stand at 12 pt or more in a zone of half"),
        (
            'parts = ["{patient}"]',
            'parts = ["{patient} {prescriber}"]',
            "may not stand among the items for the patient",
        ),
        ('"{say_lot}~{batch}", ', "", "no row says {batch}"),
        ('made = ""', 'made = "{batch}"', ""),
        (
            'may_leave_out = ["compounded_on", "route"]',
            'may_leave_out = ["patient"]',
            "may hold compounded_on and route",
        ),
        ('may_leave_out = ["compounded_on", "route"]', "", "no row says {compounded_on}"),
        ("~{quantity}", "~{quantity}{colour}", "{colour} is not a field of a label"),
        ("sizes = [9, 8.5, 8, 7.5, 7]", "sizes = [9, 8.5, 8, 7.5, 6]", "stay at 7 pt or above"),
        ("sizes = [9, 8.5, 8, 7.5, 7]", "sizes = [8, 9, 8, 7.5, 7]", "must go from large to small"),
        ("leading = [1.2, 1.15, 1.15, 1.15, 1.15]", "leading = [1.2, 1.15, 1.15, 1.15, 1]", "between 1.15 and 1.3"),
        ("leading = [1.2, 1.15, 1.15, 1.15, 1.15]", "leading = [1.2]", "one number for each size"),
        ("symbol = true", "", "exactly one zone has the symbol"),
    ],
)
def test_a_template_that_could_mislead_does_not_load(tmp_path: Path, old: str, new: str, expected: str) -> None:
    folder = spoiled(tmp_path, "templates/prescription.toml", old, new)
    if expected:
        assert expected in refusal(read_template, "prescription", folder)
    else:
        assert read_template("prescription", folder).id == "prescription"


def test_an_edited_warning_is_refused(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    spoiled(tmp_path / "en", "texts/en/opioid.toml", "Do NOT take", "Do take")
    assert "digest: the words were changed" in refusal(read_wording, "opioid", "en", None, tmp_path)


def test_a_warning_is_never_shown_in_another_language() -> None:
    assert refusal(read_warning, "opioid", "fr").startswith("data.unknown: There is no opioid.toml in fr")
    assert read_warning("opioid", "es").text.startswith("NO tome")


def test_every_wording_that_is_shipped_is_pinned_at_its_revision_and_reads() -> None:
    ids = [id for language in languages() for id in wording_ids(language)]
    assert sorted(id for id, _ in SHIPPED) == sorted(ids)
    for id in ids:
        language, _, name = id.partition("/")
        assert read_wording(name, language).digest in SHIPPED.values()
    assert {path.name for path in shipped_texts().iterdir()} == set(languages())


def test_the_warning_does_not_claim_an_approval_that_nobody_gave() -> None:
    assert 'approved_by = "nobody yet' in (LABELS / "texts/en/opioid.toml").read_text("utf-8")
    assert read_warning().revision == 1
    assert read_auxiliary()["shake-well"] == "Shake well."


def test_data_is_found_in_a_checkout_first_then_in_the_package(tmp_path: Path) -> None:
    package = tmp_path / "compounding"
    (package / "data" / "labels").mkdir(parents=True)
    assert data_folder("labels", package=package) == package / "data" / "labels"
    (tmp_path / "labels").mkdir()
    assert data_folder("labels", package=package) == package / "data" / "labels"
    (tmp_path / "pyproject.toml").touch()
    assert data_folder("labels", package=package) == tmp_path / "labels"


def test_missing_data_is_a_damaged_installation(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFails) as caught:
        data_folder("labels", package=tmp_path / "compounding")
    assert isinstance(caught.value, CompoundingError)
    assert "Install compounding-pharmacy again" in caught.value.problems[0].text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Take 2 capsules at bedtime.", "2 capsules"),
        ("for 14 nights. Then", "14 nights."),
        ("naltrexone 1 mg per mL liquid", "1 mg per mL"),
        ("Call (555) 010-0142 now", "(555) 010-0142"),
        ("Call +1 555 010 0142 now", "+1 555 010 0142"),
        ("on May 21, 2027 at", "May 21, 2027"),
        ("by Dr. Example", "Dr. Example"),
        ("Do NOT take opioids", "Do NOT take"),
        ("Store at 20 °C to 25 °C", "20 °C"),
    ],
)
def test_what_belongs_together_is_not_parted(text: str, kept: str) -> None:
    assert kept.replace(" ", NBSP) in glue(text).split(" ")


def test_a_time_after_a_date_is_not_taken_for_a_phone_number() -> None:
    assert NBSP not in glue("2026-11-21 11:02, lot1 lot2, 2026-11-21 12")
