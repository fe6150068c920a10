"""What is advised where a label does not fit does fit: it was laid out with the same words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compounding.documents.label import layout_set
from compounding.documents.profiles import read_profile
from compounding.documents.remedies import sets_for, with_remedies
from compounding.documents.stocks import Stock, read_stock, stock_names
from compounding.documents.templates import Template, read_template, under
from compounding.records.label import LabelText
from tests.documents.samples import CAPSULE, FULL, TITRATION

PROFILE = read_profile("us-ca")
LIQUID = replace(
    CAPSULE, strength="1 mg per mL", dosage_form="oral suspension", quantity="60 mL", directions="Take 1.5 mL (1.5 mg)."
)


def kind(name: str) -> Template:
    return under(read_template(name), PROFILE)


def advice(text: LabelText, stock: Stock, template: Template) -> str:
    """What is said after the points; the label must not fit."""
    laid, problems = layout_set(text, stock, template)
    assert not laid
    sets = sets_for(template, PROFILE, "en", None)
    (told,) = {
        after.text.removeprefix(before.text).strip()
        for before, after in zip(problems, with_remedies(problems, text, stock, template, sets), strict=True)
    }
    return told


def test_a_titration_that_is_too_long_for_one_label_is_said_to_fit_where_it_does() -> None:
    long = replace(CAPSULE, directions=TITRATION)
    assert advice(long, read_stock("4x2"), kind("prescription")) == (
        "Print on a larger stock (4x3), print a two-piece set, shorten the text, or move words to an auxiliary label."
    )


def test_what_would_not_help_is_not_advised() -> None:
    small = read_stock("2.25x1.25")
    assert advice(CAPSULE, small, kind("prescription")).startswith("Print on a larger stock (4x2), print a three-piece set")
    wide = replace(CAPSULE, patient="W" * 50)
    assert advice(wide, small, kind("prescription")) == "Shorten the text, or move words to an auxiliary label."
    assert advice(FULL, small, kind("sample")).startswith("Print on a larger stock (4x2), print a two-piece set")
    assert advice(CAPSULE, read_stock("50x30mm"), kind("prescription")).startswith("Print on a larger stock, ")


@pytest.mark.parametrize("name", stock_names())
@pytest.mark.parametrize("text", [CAPSULE, LIQUID], ids=["capsule", "liquid"])
def test_whatever_larger_stock_is_named_has_room(name: str, text: LabelText) -> None:
    template, stock = kind("prescription"), read_stock(name)
    laid, problems = layout_set(text, stock, template)
    if not laid:
        said = with_remedies(problems, text, stock, template, sets_for(template, PROFILE, "en", None))[0].text
        if "larger stock (" in said:
            larger = said.partition("larger stock (")[2].partition(")")[0]
            assert layout_set(text, read_stock(larger), template)[0]
