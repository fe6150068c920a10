"""A label says everything whole and large enough, or it is refused with the numbers."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import pytest

from compounding.documents import barcode
from compounding.documents.boxes import LEADING_MOST, Box, Page, Rule, Symbol, Word, listing
from compounding.documents.label import draw_label, layout_label
from compounding.documents.proof import prove_label, text_of
from compounding.documents.sheets import imposed, places
from compounding.documents.stocks import Stock, read_stock
from compounding.documents.templates import LEAST_LEADING
from compounding.problems import stopping
from compounding.records.label import LabelText
from tests.documents.samples import CAPSULE, LIQUID, ROLL, SMALL, TALL, TEMPLATE, TITRATION, golden

# Bars of a whole element string are nearly 4 in wide.
BIG = replace(TALL, width=10 * 72, page_width=10 * 72, height=4 * 72, page_height=4 * 72)


def laid_out(text: LabelText, stock: Stock = ROLL) -> Page:
    page, problems = layout_label(text, stock, TEMPLATE)
    assert page is not None, problems
    return page


def refusal(text: LabelText, stock: Stock = ROLL) -> str:
    page, problems = layout_label(text, stock, TEMPLATE)
    assert page is None
    assert len(problems) == 1, problems
    return f"{problems[0].code} {problems[0].where}: {problems[0].text}"


def words_of(page: Page) -> list[Word]:
    return [mark for mark in page.marks if isinstance(mark, Word)]


@pytest.mark.parametrize(
    ("name", "text", "stock"),
    [
        ("label-capsule-4x2.txt", CAPSULE, ROLL),
        ("label-liquid-4x2.txt", LIQUID, ROLL),
        ("label-titration-4x3.txt", replace(CAPSULE, directions=TITRATION), TALL),
    ],
)
def test_a_layout_changes_only_where_review_sees_it(name: str, text: LabelText, stock: Stock) -> None:
    golden(name, listing(laid_out(text, stock)))


@pytest.mark.parametrize("dots_per_inch", [203, 300, 600])
@pytest.mark.parametrize("text", [CAPSULE, LIQUID])
def test_a_label_that_was_laid_out_passes_its_proof(text: LabelText, dots_per_inch: int) -> None:
    stock = replace(ROLL, dots_per_inch=dots_per_inch)
    assert prove_label(draw_label(laid_out(text, stock), title=text.identifier), text, stock, TEMPLATE) == []


def test_the_same_label_gives_the_same_bytes() -> None:
    assert draw_label(laid_out(CAPSULE), title=CAPSULE.identifier) == draw_label(laid_out(CAPSULE), title=CAPSULE.identifier)


def test_half_of_the_label_is_for_the_patient_at_twelve_points_or_more() -> None:
    page = laid_out(CAPSULE)
    above = next(mark.y for mark in page.marks if isinstance(mark, Rule))
    below = next(mark.y + mark.height for mark in page.marks if isinstance(mark, Box))
    cluster = [word for word in words_of(page) if below < word.y < above]
    assert above - below >= page.height / 2
    assert min(word.size for word in cluster) >= 12
    assert " ".join(word.text for word in cluster).replace("\xa0", " ") == (
        "Alex Q. Sample naltrexone hydrochloride 1.5 mg capsule Take 1 capsule by mouth at bedtime. For: long-term pain"
    )


def test_lines_of_one_text_stand_apart_by_15_to_30_percent() -> None:
    words = words_of(laid_out(replace(CAPSULE, directions=TITRATION), TALL))
    directions = [word for word in words if word.font == "regular" and word.size > 12]
    lines = sorted({word.y for word in directions}, reverse=True)[:3]
    leadings = [(upper - lower) / directions[0].size for upper, lower in pairwise(lines)]
    assert len(leadings) == 2
    assert all(LEAST_LEADING - 0.001 <= leading <= LEADING_MOST + 0.001 for leading in leadings)


def test_the_warning_is_bold_and_at_least_eight_points_in_its_box() -> None:
    page = laid_out(CAPSULE)
    box = next(mark for mark in page.marks if isinstance(mark, Box))
    inside = [word for word in words_of(page) if box.y < word.y < box.y + box.height]
    assert " ".join(word.text for word in inside).replace("\xa0", " ") == (
        f"{CAPSULE.warning.heading} {CAPSULE.warning.text}"
    )
    assert all(word.font == "bold" and word.size >= 8 for word in inside)


def test_a_number_stays_with_what_it_counts() -> None:
    texts = {word.text.replace("\xa0", " ") for word in words_of(laid_out(LIQUID))}
    assert {"1 mg per mL", "oral suspension", "1.5 mL", "(555) 010-0142", "Use by 2026-12-26"} <= texts


def test_a_name_of_48_letters_stands_on_two_lines() -> None:
    text = replace(CAPSULE, patient="Maximiliana-Konstantina Featherstonehaugh-Sample")
    first, second = [word for word in words_of(laid_out(text)) if word.text in text.patient.split(" ")]
    assert first.y > second.y
    assert first.size == second.size >= 12


def test_a_liquid_with_two_lines_of_directions_moves_its_form_to_the_quantity() -> None:
    text = replace(LIQUID, directions="Shake well. Take 1.5 mL (1.5 mg) by mouth at bedtime. Use the oral syringe.")
    words = words_of(laid_out(replace(text, auxiliary=())))
    assert next(word.size for word in words if word.text == "oral\xa0suspension") < 8
    assert prove_label(draw_label(laid_out(text), title=text.identifier), text, ROLL, TEMPLATE) == []


def test_what_a_full_label_leaves_out_is_told() -> None:
    text = replace(CAPSULE, storage="Store at 20 °C to 25 °C (68 °F to 77 °F), protected from light and moisture.")
    page, problems = layout_label(text, ROLL, TEMPLATE)
    assert page is not None
    assert stopping(problems) == []
    assert [problem.text for problem in problems] == [
        "4 x 2 in roll has no room for: compounded on “2026-11-21”, route “For oral use.”. Stock 4x3 has room for it."
    ]


def test_a_titration_of_109_letters_is_refused_on_4x2_with_the_points() -> None:
    assert len(TITRATION) == 109
    assert refusal(replace(CAPSULE, directions=TITRATION)) == (
        "label.does-not-fit patient: patient: needs 82.8 pt in height at the smallest size of 12 pt and has 73.7 pt "
        "on 4 x 2 in roll."
    )


def test_a_word_of_50_letters_is_refused_with_the_points() -> None:
    assert refusal(replace(CAPSULE, patient="W" * 50)).startswith(
        f"label.word-too-wide patient: patient: “{'W' * 50}” needs 566.3 pt at its smallest size and has 278.0 pt"
    )


def test_a_patient_label_on_a_small_roll_is_refused_with_every_zone() -> None:
    assert refusal(CAPSULE, SMALL) == (
        "label.does-not-fit 2.25x1.25: The zones need 189.5 pt in height at their smallest sizes "
        "(patient 82.8, pharmacy 16.0, warning 47.0, trace 43.7) and have 81.7 pt on 2.25 x 1.25 in roll."
    )


def test_markup_is_printed_as_it_is_written() -> None:
    text = replace(CAPSULE, patient="<b>Ann</b> & <i>Bo", purpose="{patient} %s", prescriber="</para> <once>")
    document = draw_label(laid_out(text), title=text.identifier)
    assert "<b>Ann</b> & <i>Bo" in text_of(document)
    assert prove_label(document, text, ROLL, TEMPLATE) == []


@pytest.mark.parametrize(
    ("patient", "reason"),
    [
        ("王 Sample", "“王” (U+738B, CJK UNIFIED IDEOGRAPH-738B) is not in the font Liberation Sans"),
        ("Ann 😀", "“😀” (U+1F600, GRINNING FACE) is not in the font Liberation Sans"),
        ("אב", "(U+05D0, HEBREW LETTER ALEF) is written from right to left"),
        ("Ann\u202eB", "(U+202E, RIGHT-TO-LEFT OVERRIDE) is invisible"),
        ("An\u200bn", "(U+200B, ZERO WIDTH SPACE) is invisible"),
        ("Ann\nBo", "(U+000A, unnamed) is invisible"),
        ("x\u0327\u0301", "(U+0327, COMBINING CEDILLA) is an accent without its letter"),
    ],
)
def test_a_character_that_cannot_be_printed_is_refused_by_name(patient: str, reason: str) -> None:
    page, problems = layout_label(replace(CAPSULE, patient=patient), ROLL, TEMPLATE)
    assert page is None
    assert f"patient: {reason}. Write it with Latin letters, figures and ordinary signs." in [
        problem.text for problem in problems
    ]


def test_letters_with_accents_are_printed_composed() -> None:
    text = replace(CAPSULE, patient="Nguye\u0302\u0303n Łukasz Ørsted")
    assert "Nguyễn Łukasz Ørsted" in text_of(draw_label(laid_out(text), title=text.identifier))
    assert prove_label(draw_label(laid_out(text), title=text.identifier), text, ROLL, TEMPLATE) == []


@pytest.mark.parametrize("field", ["patient", "drug", "strength", "batch", "beyond_use_date", "pharmacy_phone"])
def test_a_label_without_a_required_field_is_refused(field: str) -> None:
    assert refusal(replace(CAPSULE, **{field: " "})).startswith(f"label.missing {field}")


def test_purpose_and_auxiliary_words_may_be_absent() -> None:
    text = replace(CAPSULE, purpose=None, auxiliary=())
    assert prove_label(draw_label(laid_out(text), title=text.identifier), text, ROLL, TEMPLATE) == []
    assert "For:" not in text_of(draw_label(laid_out(text), title=text.identifier))


def test_a_reprint_says_which_copy_it_is() -> None:
    text = replace(CAPSULE, copy=2)
    assert "Copy 2" in text_of(draw_label(laid_out(text), title=text.identifier))
    assert "Copy" not in text_of(draw_label(laid_out(CAPSULE), title=CAPSULE.identifier))


@pytest.mark.parametrize("identifier", ["L 1", "L#1", "(10)X", "L" * 91, "Ä1"])
def test_an_identifier_that_is_no_barcode_is_refused(identifier: str) -> None:
    assert refusal(replace(CAPSULE, identifier=identifier)).startswith("barcode.")


WITH_GTIN = replace(CAPSULE, element="(01)09501101530003(17)270520(10)LDN-2026-0001(21)L0000042D")


@pytest.mark.parametrize("dots_per_inch", [203, 300, 600])
@pytest.mark.parametrize("symbology", list(barcode.SYMBOLOGIES))
@pytest.mark.parametrize("text", [CAPSULE, WITH_GTIN])
def test_the_symbol_stands_on_whole_dots_and_reads(text: LabelText, symbology: str, dots_per_inch: int) -> None:
    stock = replace(BIG, dots_per_inch=dots_per_inch)
    text = replace(text, symbology=symbology)
    page = laid_out(text, stock)
    symbol = next(mark for mark in page.marks if isinstance(mark, Symbol))
    kind = barcode.SYMBOLOGIES[symbology]
    left, top = symbol.x / symbol.dot, (page.height - symbol.y - symbol.height) / symbol.dot
    assert (symbol.dots, round(left, 6) % 1, round(top, 6) % 1) == (kind.dots[dots_per_inch], 0, 0)
    least = 0.170 if kind.height_mm else 0.254
    assert least <= symbol.dots * symbol.dot * 25.4 / 72 <= 0.495
    assert prove_label(draw_label(page, title=text.identifier), text, stock, TEMPLATE) == []


def test_random_labels_are_refused_or_proved() -> None:
    chance = random.Random(905)
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789éøŁŠß.,-'()&<>%"

    def word(least: int, most: int, letters: str = letters) -> str:
        return "".join(chance.choice(letters) for _ in range(chance.randint(least, most)))

    made = 0
    for _ in range(40):
        stock = replace(read_stock(chance.choice(["4x2", "4x3", "4x6", "5163", "5164", "brother-62x100"])), dots_per_inch=chance.choice([203, 300, 600]))
        text = replace(
            chance.choice([CAPSULE, LIQUID]),
            patient=f"{word(2, 9)} {word(3, 14)}",
            directions="1.5 mL (1.5 mg) " + " ".join(word(4, 9, "aeinorstéßłW") for _ in range(chance.randint(1, 12))),
            prescriber=word(3, 12),
            batch=word(5, 14),
            identifier=f"L{chance.randrange(10**7):07d}",
        )
        page, problems = layout_label(text, stock, TEMPLATE)
        if page is None:
            assert stopping(problems)
            continue
        made += 1
        at = places(stock, 1, 1)
        assert prove_label(draw_label(imposed([page], stock, at)[0], title=text.identifier), text, stock, TEMPLATE, place=at[0]) == []
    assert made >= 15


def test_drawing_a_label_costs_no_import_of_quantities_and_models() -> None:
    code = "import sys, compounding.documents.label; print({'pint', 'pydantic', 'reportlab', 'zxingcpp'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
