"""What a scanner types is recognised, whatever it adds, loses or turns round; a label is read back after printing."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from compounding.rules import gs1
from tests.bench import Bench, Ran
from tests.documents.symbols import scanned_from
from tests.released import copied, label, labelled, released

SUPPLIED = gs1.message(gs1.read_bracketed("(01)00347335326086(17)121231(10)AB1234(21)XYZ"))


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """CAPS-1 is released and has the label L0000001: nobody writes to it."""
    bench = released(tmp_path_factory.mktemp("released"))
    assert labelled(bench) == "L00000018"
    return bench


@pytest.fixture
def bench(out: Bench, tmp_path: Path) -> Bench:
    return copied(out, tmp_path / "bench")


def scan(bench: Bench, *words: str) -> Ran:
    return bench.run(["scan", *words], "tom")


@pytest.mark.parametrize(
    "typed",
    [
        "]d291L00000018",
        "]C191L00000018",
        "]Q391L00000018",
        "91L00000018",
        "(91)L00000018",
        "L00000018",
        "l00000018",
        "]D291l00000018",
        "91L00000018\x1d",
        "]d2<GS>91L00000018",
    ],
)
def test_a_label_is_known_whatever_the_scanner_adds(out: Bench, typed: str) -> None:
    found = scan(out, typed, "--json").json
    assert (found["kind"], found["label"], found["state"], found["batch"]) == ("label", "L00000018", "valid", "CAPS-1")
    assert (found["strength"], found["copy"], found["problems"]) == ("1.5 mg", 1, [])


def test_what_is_in_the_printed_barcode_is_what_is_known(out: Bench) -> None:
    assert scan(out, scanned_from(out.folder / "label.pdf"), "--json").json["label"] == "L00000018"


@pytest.mark.parametrize("typed", ["L00000017", "L00000081", "L0000018", "L00000026", "]d291L00000017"])
def test_a_misread_label_is_not_taken_for_another(out: Bench, typed: str) -> None:
    assert scan(out, typed).codes == ["scan.unknown"]


@pytest.mark.parametrize(
    ("typed", "kind", "id"),
    [("TAB-1", "lot", "TAB-1"), ("]d291caps-1", "batch", "CAPS-1"), ("caps-1", "batch", "CAPS-1")],
)
def test_lots_and_batches_are_known(out: Bench, typed: str, kind: str, id: str) -> None:
    found = scan(out, typed, "--json").json
    assert (found["kind"], found[kind]) == (kind, id)


@pytest.mark.parametrize("separator", ["\x1d", "<GS>", "{GS}", "^]", "|", "\u241d"])
def test_the_package_of_a_supplier_is_known_by_its_lot_and_drug_code(out: Bench, separator: str) -> None:
    found = scan(out, "]d2" + SUPPLIED.replace("\x1d", separator), "--json").json
    assert (found["lot"], found["supplier_lot"], found["supplier_package"]) == ("TAB-1", "AB1234", True)


def test_a_package_of_another_drug_with_the_same_lot_number_is_not_taken_for_ours(out: Bench) -> None:
    assert scan(out, "]d201003473353270831712123110AB1234").codes == ["scan.unknown-package"]


def test_a_message_that_is_no_gs1_is_refused_with_its_fault(out: Bench) -> None:
    assert scan(out, "]d20100347335326087").codes == ["barcode.element"]
    assert scan(out, "]d2").codes == ["scan.nothing"]


def test_the_head_on_a_paper_says_how_far_the_journal_had_come(out: Bench) -> None:
    now = out.do("journal head --json").json
    found = scan(out, now["head"].lower(), "--json").json
    assert (found["kind"], found["entries"]) == ("head", now["entries"])
    assert scan(out, now["head"][:-1] + ("0" if now["head"][-1] != "0" else "1")).codes == ["scan.unknown-head"]


def test_reading_back_is_recorded_once_the_right_label_was_scanned(bench: Bench) -> None:
    assert scan(bench, "--printed", "--expect", "L00000026", "L00000018").codes == ["scan.other-label"]
    assert scan(bench, "--printed", "TAB-1").codes == ["scan.unknown"]
    assert scan(bench, "--printed", "--expect", "L00000018", "]d291L00000018").code == 0
    assert scan(bench, "L00000018", "--json").json["scanned"]
    (fact,) = bench.do("batch show CAPS-1 --json").json["scanned"]
    assert (fact["label"], fact["read"], fact["person"]) == ("L00000018", "(91)L00000018", "tom")


def test_scans_come_line_by_line(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(" ]d291L00000018\t\r\nnothing\nTAB-1\n\nCAPS-1\n"))
    done = scan(bench)
    assert [line.split(":")[0] for line in done.out.splitlines()] == ["Label L00000018", "Lot TAB-1"]
    assert (done.code, done.codes) == (1, ["scan.unknown"])


def test_a_pharmacy_with_a_trade_item_number_has_it_in_the_barcode_with_date_lot_and_label(bench: Bench) -> None:
    settings = bench.folder / "settings.toml"
    text = settings.read_text("utf-8").replace('stock = "4x2"', 'stock = "4x3"')
    numbers = '[gtins]\n"naltrexone-capsule 1.5 mg" = "9501101530003"\n'
    settings.write_text(f"{text}\n{numbers}", encoding="utf-8")
    id = labelled(bench, "second")
    typed = scanned_from(bench.folder / "second.pdf")
    assert typed.startswith("]d20109501101530003172") and typed.endswith(f"10CAPS-1\x1d21{id}")
    assert scan(bench, typed, "--json").json["label"] == id
    lost = scan(bench, typed.replace("\x1d", ""), "--json").json
    assert (lost["label"], lost["problems"]) == (id, [])
    other = typed.replace("\x1d", "")[:-1] + ("0" if id[-1] != "0" else "1")
    assert scan(bench, other).codes == ["scan.unknown-package"]
    assert scan(bench, typed.replace("CAPS-1", "CAPS-2")).codes == ["label.barcode-differs"]
    settings.write_text(f"{text}\n{numbers.replace('0003', '0004')}", encoding="utf-8")
    assert label(bench, name="third").codes == ["barcode.element"]
