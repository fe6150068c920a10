"""Stocks: sheets and rolls, gLabels' templates, where labels come to lie, and setting a printer right."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from compounding.documents import pdf
from compounding.documents.boxes import Box, Page, Rule, Symbol
from compounding.documents.glabels import read_glabels
from compounding.documents.label import draw_label, layout_label
from compounding.documents.proof import prove_label, prove_rest, text_of
from compounding.documents.sheets import Shift, calibration, imposed, places, shift_of, spans
from compounding.documents.stocks import POINTS_PER_MM, Stock, read_stock, stock_names
from compounding.problems import NotUnderstood, Refused
from tests.bench import Bench, ran
from tests.documents.samples import CAPSULE, TEMPLATE

SHEET = read_stock("5163")
PAGE, _ = layout_label(CAPSULE, SHEET, TEMPLATE)
assert PAGE is not None
TEMPLATES = """<?xml version="1.0"?>
<Glabels-templates NAMESPACE>
 <Template brand="Avery" part="5163" size="US-Letter" _description="Shipping">
  <Label-rectangle id="0" width="4in" height="144pt" round="0.156in" x_waste="0.062in" y_waste="0in">
   <Markup-margin size="0.156in"/><Layout nx="2" ny="5" x0="0.1625in" y0="3pc" dx="10.63625cm" dy="2in"/>
  </Label-rectangle>
 </Template>
 <Template brand="Avery" part="8163" equiv="5163"/>
 <Template brand="Avery" part="18163" equiv="8163"/>
 <Template brand="Avery" part="lost" equiv="9999"/>
 <Template brand="Two" part="layouts" size="A4">
  <Label-rectangle id="0" width="60mm" height="50mm">
   <Layout nx="1" ny="2" x0="10mm" y0="20mm" dx="0mm" dy="60mm"/><Layout nx="2" ny="1" x0="75mm" y0="20mm" dx="62mm" dy="0"/>
  </Label-rectangle>
 </Template>
 <Template brand="Rayfilm" part="7001" size="A4">
  <Label-rectangle id="0" width="190mm" height="61mm"><Layout nx="1" ny="4" x0="10mm" y0="26mm" dx="190mm" dy="210mm"/></Label-rectangle>
 </Template>
 <Template brand="Avery" part="L7161" size="A4">
  <Label-rectangle id="0" width="63.57mm" height="46.78mm"><Layout nx="3" ny="6" x0="7.41mm" y0="8.11mm" dx="65.93mm" dy="46.74mm"/></Label-rectangle>
 </Template>
 <Template brand="Zweckform" part="3490" size="A4">
  <Label-rectangle id="0" width="70mm" height="36mm"><Layout nx="3" ny="8" x0="" y0="4.5mm" dx="70mm" dy="36mm"/></Label-rectangle>
 </Template>
 <Template brand="Round" part="1" size="A4"><Label-round id="0" radius="20mm"><Layout nx="1" ny="1" x0="9mm" y0="9mm" dx="0" dy="0"/></Label-round></Template>
 <Template brand="Roll" part="1" size="Other" width="57.15mm" height="31.75mm" roll_width="60mm">
  <Label-rectangle id="0" width="57.15mm" height="31.75mm"><Layout nx="1" ny="1" x0="0" y0="0" dx="0" dy="0"/></Label-rectangle>
 </Template>
</Glabels-templates>
"""
PLAIN = TEMPLATES.replace(" NAMESPACE", "")
GIVEN = {
    "plain": PLAIN.encode(),
    "with a namespace": TEMPLATES.replace("NAMESPACE", 'xmlns="http://glabels.org/xmlns/3.0/"').encode(),
    "packed": gzip.compress(PLAIN.encode()),
}


@pytest.mark.parametrize("data", GIVEN.values(), ids=GIVEN)
def test_templates_of_glabels_become_stocks_in_all_their_forms_and_units(data: bytes, tmp_path: Path) -> None:
    found = {each.part: each for each in read_glabels(data, "x.xml")}
    for part in ("Avery 5163", "Avery 8163", "Avery 18163"):
        stock = found[part].stock
        assert stock is not None
        (tmp_path / f"{stock.id}.toml").write_text(found[part].toml)
        kept = read_stock(stock.id, tmp_path)
        assert kept == stock
        assert len(kept.places) == 10
        for (left, top), (our_left, our_top) in zip(kept.places, SHEET.places, strict=True):
            assert (left, top) == pytest.approx((our_left, our_top), abs=0.02)


def test_a_template_of_several_layouts_has_all_their_labels(tmp_path: Path) -> None:
    found = {each.part: each for each in read_glabels(GIVEN["plain"], "x.xml")}["Two layouts"]
    assert found.stock is not None
    (tmp_path / "two-layouts.toml").write_text(found.toml)
    corners = [(round(left / POINTS_PER_MM), round(top / POINTS_PER_MM)) for left, top in found.stock.places]
    assert corners == [(10, 20), (10, 80), (75, 20), (137, 20)]
    assert read_stock("two-layouts", tmp_path) == found.stock


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("Rayfilm 7001", "rows: run off the page: they reach from 26.00 mm to 717.00 mm, the page has 297.00 mm"),
        ("Avery L7161", "pitch_mm: 46.74 mm is smaller than the label, 46.78 mm: the rows overlap"),
        ("Zweckform 3490", "Layout x0='' is not a length such as 25.4mm"),
        ("Avery lost", "equiv='9999' is not in this file"),
        ("Round 1", "its labels are round"),
    ],
)
def test_a_template_whose_numbers_do_not_add_up_is_refused_by_the_number(part: str, says: str) -> None:
    found = {each.part: each for each in read_glabels(GIVEN["plain"], "x.xml")}[part]
    assert found.stock is None and found.problem is not None
    assert says in found.problem.text


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not XML"),
        (b"\x1f\x8b\x08oops", "gzip cannot unpack it"),
        (b"<html/>", "it holds <html>"),
        (b"<Glabels-templates/>", "no <Template>"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><Glabels-templates>&a;</Glabels-templates>', "declares a document type"),
        (gzip.compress(b" " * 30_000_000), "more than 20,000,000 characters"),
    ],
)
def test_what_is_no_file_of_templates_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(NotUnderstood, match=says):
        read_glabels(data, "x.xml")


def test_a_template_that_leads_in_a_circle_is_refused() -> None:
    data = b'<Glabels-templates><Template brand="A" part="1" equiv="2"/><Template brand="A" part="2" equiv="1"/></Glabels-templates>'
    assert [each.problem.text for each in read_glabels(data, "x") if each.problem] == [
        "A 1: equiv='1' leads in a circle.".replace("'1'", "'2'"),
        "A 2: equiv='1' leads in a circle.",
    ]


def test_a_pharmacys_own_size_is_a_stock() -> None:
    stock = read_stock("83x54mm")
    assert (round(stock.width / POINTS_PER_MM, 2), round(stock.height / POINTS_PER_MM, 2)) == (83, 54)
    assert read_stock("4x2in").area == pytest.approx(read_stock("4x2").area)


def test_a_pharmacys_own_stock_comes_before_ours(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "labels/stocks/4x2.toml").read_text().replace("4 x 2 in roll", "ours")
    (tmp_path / "4x2.toml").write_text(text)
    assert read_stock("4x2", tmp_path).name == "ours"
    assert set(stock_names()) <= set(stock_names(tmp_path))


@pytest.mark.parametrize("name", ["0x2in", "4x0mm", "1x1mm"])
def test_a_size_that_is_no_label_is_refused(name: str) -> None:
    with pytest.raises(NotUnderstood):
        read_stock(name)


@pytest.mark.parametrize("name", stock_names())
def test_every_stock_keeps_its_ink_where_its_printer_prints(name: str) -> None:
    stock = read_stock(name)
    for left, top in stock.places:
        assert left >= 0 and left + stock.width <= stock.page_width + 0.1
        assert top >= 0 and top + stock.height <= stock.page_height + 0.1
    assert len(set(stock.places)) == len(stock.places)


# ---- sheets ----


@pytest.mark.parametrize("first", [1, 7, 10])
def test_a_label_is_printed_on_the_first_free_place_of_a_used_sheet_and_nowhere_else(first: int) -> None:
    assert PAGE is not None
    at = places(SHEET, first, 1)
    document = draw_label(imposed([PAGE], SHEET, at)[0], title=CAPSULE.identifier)
    assert prove_label(document, CAPSULE, SHEET, TEMPLATE, place=at[0]) == []
    assert prove_rest(document, SHEET, at) == []
    other = places(SHEET, first % 10 + 1, 1)
    assert {each.code for each in prove_label(document, CAPSULE, SHEET, TEMPLATE, place=other[0])} >= {
        "proof.text-missing"
    }
    assert [each.code for each in prove_rest(document, SHEET, other)] == ["proof.beside"]


def test_labels_go_on_with_the_next_sheet() -> None:
    assert PAGE is not None
    at = places(SHEET, 9, 4)
    assert [place.page for place in at] == [0, 0, 1, 1]
    texts = [replace(CAPSULE, identifier=f"L000004{number}A") for number in range(4)]
    pages = [layout_label(text, SHEET, TEMPLATE)[0] for text in texts]
    document = pdf.paint(imposed([page for page in pages if page], SHEET, at), title="x")
    for text, place in zip(texts, at, strict=True):
        assert prove_label(document, text, SHEET, TEMPLATE, place=place) == []
    assert prove_rest(document, SHEET, at) == []


@pytest.mark.parametrize("first", [0, -1, 11])
def test_a_place_that_the_sheet_has_not_is_refused(first: int) -> None:
    with pytest.raises(Refused, match="has labels 1 to 10"):
        places(SHEET, first, 1)


def test_a_printers_shift_moves_labels_and_keeps_barcodes_on_whole_dots() -> None:
    assert PAGE is not None
    shift = shift_of((0.7, -0.4), (1.002, 0.998))
    place = places(SHEET, 10, 1, shift)[0]
    left, top = SHEET.places[9]
    assert place.left == pytest.approx(left * 1.002 + 0.7 * POINTS_PER_MM, abs=0.07)
    assert place.top == pytest.approx(top * 0.998 - 0.4 * POINTS_PER_MM, abs=0.07)
    page = imposed([PAGE], SHEET, [place])[0]
    symbol = next(mark for mark in page.marks if isinstance(mark, Symbol))
    for length in (symbol.x, page.height - symbol.y):
        assert length / symbol.dot == pytest.approx(round(length / symbol.dot), abs=0.01)
    assert prove_label(draw_label(page, title=CAPSULE.identifier), CAPSULE, SHEET, TEMPLATE, place=place) == []


@pytest.mark.parametrize(("offset", "scale"), [((9, 0), (1, 1)), ((0, 0), (0.9, 1)), ((0, 0), (1, 1.2))])
def test_a_shift_beyond_any_printers_drift_is_refused(offset: tuple[float, float], scale: tuple[float, float]) -> None:
    with pytest.raises(Refused, match="measure again"):
        shift_of(offset, scale)


def test_a_shift_that_moves_a_label_off_the_page_is_refused() -> None:
    with pytest.raises(Refused, match="off the page"):
        places(SHEET, 1, 1, Shift(right=-20))


def test_the_calibration_page_shows_every_label_where_the_printer_will_print_it() -> None:
    page = calibration(SHEET, Shift(right=3.0))
    outlines = [mark for mark in page.marks if isinstance(mark, Box) and not mark.grey]
    assert [outline.x for outline in outlines] == pytest.approx([left + 3 for left, _ in SHEET.places], abs=0.07)
    crosses = [mark for mark in page.marks if isinstance(mark, Rule) and mark.y == mark.to_y]
    across = (crosses[-1].x - crosses[0].x) / POINTS_PER_MM, (crosses[0].y - crosses[-1].y) / POINTS_PER_MM
    assert across == pytest.approx(spans(SHEET), abs=0.1)
    assert " 10" in text_of(pdf.paint([page], title="x")).replace("\n", " ")


@pytest.mark.parametrize("name", stock_names())
def test_every_stock_has_a_calibration_page(name: str) -> None:
    stock: Stock = read_stock(name)
    page: Page = calibration(stock)
    assert (page.width, page.height) == (stock.page_width, stock.page_height)


# ---- commands ----


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    done = ran(["init", "--folder", str(tmp_path), "--site", "here"])
    if done.code:
        from tests.bench import begun

        return begun(tmp_path)
    return Bench(tmp_path)


def test_stocks_are_imported_listed_shown_and_calibrated(bench: Bench) -> None:
    settings = bench.folder / "settings.toml"
    text = (
        'stocks = "own"\n' + settings.read_text() + '\n[printers.LASER]\nstock = "avery-5163"\noffset_mm = [1, 0.5]\n'
    )
    settings.write_text(text)
    (bench.folder / "x.xml").write_bytes(GIVEN["packed"])
    done = bench.do("label stocks import {folder}/x.xml")
    assert "5 stocks written" in done.out and "5 were refused" in done.out
    assert "pitch_mm: 46.74 mm is smaller than the label" in done.err
    assert bench.run("label stocks import {folder}/x.xml --part 5163").codes == ["file.exists"]
    assert bench.run("label stocks import {folder}/x.xml --part 7777").codes == ["stocks.unknown-part"]
    assert bench.run("label stocks import {folder}/x.xml --part L7161").codes == ["stocks.does-not-add-up"]
    assert "avery-5163" in bench.do("label stocks list").out
    assert json.loads(bench.do("label stocks show avery-5163 --json").out)["labels"] == 10
    assert "106.3" in bench.do("label calibrate --printer LASER --out {folder}/c.pdf").out
    unknown = bench.run("label calibrate --printer INK --out {folder}/d.pdf")
    assert unknown.codes == ["printer.unknown"] and "there are LASER. Write [printers.INK] there" in unknown.err
