"""Values are read from arguments, a prompt, a pipe, CSV, XLSX and balance lines, or refused by their place."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from compounding.problems import NotUnderstood
from compounding.work.columns import Layout, column_of
from compounding.work.readings import Row, check_one_unit, read, read_all, rows_from
from tests.bench import Bench, carried_on, ran, stocked

CASES = tomllib.loads((Path(__file__).parent / "cases/entering.toml").read_text("utf-8"))
TEN = ["187.3", "186.0", "188.1", "187.0", "186.4", "187.9", "188.4", "186.8", "187.2", "187.6"]


def refused(problem: str, says: str, do: Callable[[], Any]) -> None:
    with pytest.raises(NotUnderstood) as refusal:
        do()
    first = refusal.value.problems[0]
    assert (first.code, says in first.text) == (problem, True), first.text


@pytest.mark.parametrize("case", CASES["line"], ids=lambda case: case["is"])
def test_a_line_is_read_or_refused_in_a_sentence(case: dict[str, Any]) -> None:
    row = Row("value 3", case["text"], case.get("decimal", "."))
    if "problem" in case:
        refused(case["problem"], case["says"], lambda: read(row, case.get("unit")))
        return
    reading = read(row, case.get("unit"))
    assert (reading.text, reading.stable) == (case["reads"], case.get("stable", False))


@pytest.mark.parametrize("case", CASES["column"], ids=lambda case: case["is"])
def test_a_column_of_text_is_read_or_refused_by_its_row(case: dict[str, Any]) -> None:
    layout = Layout(case.get("column"), None, case.get("delimiter", ","), case.get("decimal", "."))

    def values() -> list[str]:
        rows = column_of(case["file"].encode(), "weights.csv", layout)
        return [each.text for each in read_all(rows, case.get("unit"))]

    if "problem" in case:
        refused(case["problem"], case["says"], values)
    else:
        assert values() == case["reads"]


@given(st.text(max_size=40))
def test_whatever_a_line_says_it_is_read_exactly_or_refused(text: str) -> None:
    try:
        reading = read(Row("value 1", text), "mg")
    except NotUnderstood:
        return
    assert reading.value >= 0 and read(Row("value 1", reading.text)).value == reading.value


# Space around a value, more digits than a person types, a unit that is stated, percent of label: these belong here.
TAKEN = {"unit missing", "too many spaces", "too many digits", "too long", "percent without its basis, or a wrong one"}
HOSTILE = tomllib.loads((Path(__file__).parent / "cases/hostile_quantities.toml").read_text("utf-8"))["group"]


@pytest.mark.parametrize("group", HOSTILE, ids=lambda group: group["name"])
def test_what_is_no_quantity_is_no_value(group: dict[str, Any]) -> None:
    for text in group["texts"]:
        try:
            reading = read(Row("value 1", text), "mg")
        except NotUnderstood:
            continue
        assert group["name"] in TAKEN or text.strip("\t\r\n").replace("\t", " ") == reading.text, text


def test_mixed_units_are_refused_by_the_first_that_differs() -> None:
    readings = read_all(rows_from(["187.3 mg", "0.1860 g"]))
    refused("value.mixed-units", "Value 2: 0.1860 g stands among values in mg", lambda: check_one_unit(readings))


# ---- workbooks ----


def workbook(spoil: Callable[[Worksheet], Any] = lambda sheet: None, name: str = "weights") -> bytes:
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = name
    sheet.append(["unit", "gross"])
    for place, weight in enumerate(TEN, 1):
        sheet.append([place, float(weight)])
    spoil(sheet)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def test_a_column_of_a_workbook_is_read_as_a_person_sees_it() -> None:
    rows = column_of(workbook(), "weights.xlsx", Layout("gross"))
    assert [row.text for row in rows] == [f"{float(weight):g}" for weight in TEN]
    assert rows[0].where == "cell B2"
    tenth = column_of(workbook(lambda sheet: sheet.append([11, 0.1 + 0.2])), "weights.xlsx", Layout("gross"))[-1]
    assert tenth.text == "0.3"  # 15 digits, as the sheet shows; 0.30000000000000004 is the machine's


def percentage(sheet: Worksheet) -> None:
    sheet["B4"] = 0.987
    sheet["B4"].number_format = "0.0%"


@pytest.mark.parametrize(
    ("problem", "spoil"),
    [
        ("cell.formula", lambda sheet: sheet.__setitem__("B4", "=B3*2")),
        ("cell.formula", lambda sheet: sheet.__setitem__("B4", True)),
        ("cell.date", lambda sheet: sheet.__setitem__("B4", date(2026, 3, 18))),
        ("cell.error", lambda sheet: sheet.__setitem__("B4", "#N/A")),
        ("cell.merged", lambda sheet: sheet.merge_cells("B4:B5")),
        ("cell.percentage", percentage),
        ("column.empty-cell", lambda sheet: sheet.__setitem__("B4", None)),
    ],
)
def test_a_cell_that_holds_no_plain_value_is_refused_by_its_name(problem: str, spoil: Callable[[Any], None]) -> None:
    refused(problem, "Cell B4", lambda: column_of(workbook(spoil), "weights.xlsx", Layout("gross")))


def test_of_several_sheets_one_is_named() -> None:
    two = workbook(lambda sheet: sheet.parent.create_sheet("blank"))
    refused("file.sheet", "weights, blank", lambda: column_of(two, "w.xlsx", Layout("gross")))
    refused("file.sheet", "no sheet other", lambda: column_of(two, "w.xlsx", Layout("gross", "other")))
    assert len(column_of(two, "w.xlsx", Layout("gross", "weights"))) == 10


def with_part(content: bytes, old: str, new: bytes) -> bytes:
    """A workbook with one part of its package replaced."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as after:
        for part in before.infolist():
            after.writestr(part.filename, new if part.filename == old else before.read(part))
    return packed.getvalue()


def test_files_that_are_made_to_do_harm_or_are_something_else_are_refused_at_once() -> None:
    sheet = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(io.BytesIO(workbook())) as package:
        merged = package.read(sheet).replace(
            b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'
        )
        linked = package.read(sheet).replace(
            b"</sheetData>", b'</sheetData><hyperlinks><hyperlink ref="A1:XFD1048576" location="A1"/></hyperlinks>'
        )
        hidden = merged.replace(b"A1:XFD", b"&#65;1:XFD")
        far = package.read(sheet).replace(b'r="11"', b'r="1048576"').replace(b'"B11"', b'"XFD1048576"')
    began = time.monotonic()
    for problem, content in (
        ("file.too-large", with_part(workbook(), sheet, merged)),
        ("file.too-large", with_part(workbook(), sheet, linked)),
        ("file.too-large", with_part(workbook(), sheet, hidden)),
        ("file.too-large", with_part(workbook(), sheet, far)),
        ("file.too-large", with_part(workbook(), "xl/styles.xml", b" " * 5_000_000)),
        ("file.too-large", b"1\n" * 600_000),
        ("file.not-workbook", workbook()[:2000]),
        ("file.not-workbook", with_part(workbook(), "xl/workbook.xml", b"<not")),
        ("file.format", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("file.format", "187.3 mg".encode("utf-16")),
        ("file.not-text", b"187.3 mg\n\xb5g"),
    ):
        refused(problem, "it", lambda content=content: column_of(content, "it", Layout("gross")))
    assert time.monotonic() - began < 3


# ---- at the bench ----


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A bench with a batch of capsules that is made and not tested."""
    bench = stocked(tmp_path_factory.mktemp("bench"))
    carried_on(bench, "CAPS-1", "qc weights")
    return bench


WEIGHTS = ["qc", "weights", "--fill", "139.5 mg", "--shell", "47.8 mg"]


def test_a_file_a_pipe_and_arguments_give_the_same(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    (bench.folder / "weights.xlsx").write_bytes(workbook())
    (bench.folder / "weights.csv").write_text("unit;gross\n" + "".join(f"1;{w.replace('.', ',')}\n" for w in TEN))
    dialect = ["--file", "{folder}/weights.csv", "--column", "gross", "--delimiter", ";", "--decimal", ","]
    ways = [
        [*WEIGHTS, "--unit", "mg", *TEN],
        [*WEIGHTS, "--unit", "mg", "--file", "{folder}/weights.xlsx", "--column", "gross"],
        [*WEIGHTS, "--unit", "mg", *dialect],
        [*WEIGHTS, "-"],
    ]
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"S S   {weight} mg\n\n" for weight in TEN)))
    assert len({bench.do([*way, "--json"]).out for way in ways}) == 1


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (["--column", "gross", "1 mg"], "values.no-file"),
        (["--file", "{folder}/tablets.txt", "1 mg"], "values.twice"),
        (["--file", "/dev/null"], "file.missing"),
        ([], "values.missing"),
        (["1 %"], "weights.group"),
        (["187 mg"] * 9 + ["0.187 g"], "value.mixed-units"),
        (["187 mg"] * 9 + ["47 mg"], "weights.below-shell"),
        (["187 mg"] * 9 + ["-187 mg"], "value.negative"),
        (["--", "-187 mg"], "value.negative"),
        (["--rule", "none"], "weights.rule"),
    ],
)
def test_values_that_do_not_fit_are_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, more: list[str], problem: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    told = bench.run([*WEIGHTS, *more])
    assert (told.code, told.codes) == (2, [problem]), told.err


def test_a_pipe_that_never_ends_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("1 mg\n" * 20_000))
    assert bench.run([*WEIGHTS, "-"]).codes == ["values.too-many"]


def typed(lines: list[str], words: list[str]) -> tuple[int, str]:
    """Run a command on a terminal of its own and type lines into it: exit code, and what the terminal showed."""
    ours, its = pty.openpty()
    process = subprocess.Popen([sys.executable, "-m", "compounding", *words], stdin=its, stdout=its, stderr=its)
    os.close(its)
    os.write(ours, "".join(f"{line}\n" for line in lines).encode())
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other end was closed
            break
        shown += part
    os.close(ours)
    return process.wait(), shown.decode()


def test_at_a_terminal_a_value_is_taken_a_line_and_the_mean_so_far_is_shown() -> None:
    lines = ["S S   187.3 mg", "", "S D   150.0 mg", "0.186 g", "18.6 mg", "999 mg", "back", *(f"{w} mg" for w in TEN[1:])]
    code, shown = typed(lines, WEIGHTS)
    assert code == 0, shown
    assert "1 of 10: 187.3 mg" in shown
    assert "not taken: Value 2: 'S D 150.0 mg' is not a weight" in shown
    assert "not taken: Value 2: 0.186 g stands among values in mg" in shown
    assert "not taken: Value 2: 18.6 mg is less than the empty shell of 47.8 mg" in shown
    assert "2 of 10: 186.0 mg; mean 186.65 mg, RSD 0.49 %" in shown
    assert "Capsule weights: pass; n 10, mean 187.3 mg" in shown


def test_of_a_batch_as_many_are_asked_for_as_its_rules_need_and_what_is_taken_back_stays(bench: Bench) -> None:
    settings = bench.folder / "asks.toml"
    settings.write_text('rule_sets = ["mass-uniformity-2.9.5"]\n' + (bench.folder / "settings.toml").read_text())
    weights = [f"{183 + place % 5 / 10:.1f} mg" for place in range(20)]
    acting = ["--settings", str(settings), "--as", "kim"]
    slips = ["18.3 mg", "1830 mg", "183 mL"]
    code, shown = typed(["138.0 mg", "back", "back", *slips, *weights], [*acting, "qc", "weights", "CAPS-1"])
    for slip, says in zip(slips, ("is less than the empty shell", "more than 648 mg", "is not a mass"), strict=True):
        assert f"not taken: Value 1: {slip}" in shown and says in shown
    assert code == 0 and "1 of 20: 183.0 mg" in shown and "Ph. Eur. 2.9.5: pass (decides)" in shown, shown
    tested = bench.do("batch show CAPS-1 --json").json["tested"][0]
    assert (len(tested["values"]), tested["entered"]) == (20, "entered at the prompt")
    assert "taken back while entering: value 1, 138.0 mg" in tested["findings"]


def test_thirty_contents_are_taken_a_line_each_where_they_are_asked_for() -> None:
    code, shown = typed(["98.0", "102.0"] * 15, ["qc", "uniformity", "--units", "30"])
    assert code == 0 and "30 of 30: 102.0 %" in shown and "Content uniformity, stage 2: pass" in shown, shown


def test_a_content_that_no_capsule_can_hold_is_refused_as_soon_as_it_is_typed(bench: Bench) -> None:
    acting = ["--settings", str(bench.folder / "settings.toml"), "--as", "kim"]
    typed_first = ["148 mg", "1.5 mL", *["1.48 mg"] * 10]
    code, shown = typed(typed_first, [*acting, "qc", "content", "CAPS-1", "--date", "2020-01-01"])
    assert code == 1 and "not taken: 9866.7 % of label would be more than a whole capsule" in shown, shown
    assert "not taken: Value 1: 1.5 mL is not a mass" in shown and "10 of 10: 1.48 mg" in shown


def test_the_ten_of_a_stage_1_are_shown_with_their_working(bench: Bench) -> None:
    told = bench.run(["qc", "content", "CAPS-1", "--unit", "%", *["80", "120"] * 5], "kim")
    assert (told.code, told.codes) == (1, ["uniformity.test-20-more"])
    assert "AV = |M - X| + k s" in told.out and "content uniformity: test 20 more; n 10" in told.out
    assert bench.run(["qc", "content", "CAPS-1", "--unit", "%", *["100"] * 9], "kim").codes == ["uniformity.count"]


def test_values_that_stand_in_an_earlier_result_are_told_of(bench: Bench) -> None:
    again = ["qc", "weights", "CAPS-1", "--unit", "mg", "183.4", "182.1", "184.2", "181.8", "185.3", "183.0", "182.6", "184.5", "183.9", "182.3"]
    assert bench.do(again, "kim").codes == []
    twice = bench.do(again, "kim")
    assert twice.codes == ["test.same-values"] and "CAPS-1 has a result with the same values" in twice.err
    assert bench.do([*again[:-1], "182.4"], "kim").codes == []


def begun(bench: Bench, id: str) -> None:
    """A batch whose source is weighed next."""
    bench.do(f'batch open naltrexone-capsule --strength "1.5 mg" --count 100 --from TAB-1 --id {id}')
    for number in (1, 2):
        bench.do(f"batch step {id} {number}")


def test_a_balance_line_is_a_reading_of_a_batch_and_its_mark_stays(bench: Bench) -> None:
    begun(bench, "SENT")
    unstable = bench.run(["batch", "weigh", "SENT", "source", "S D     0.9523 g", "--lot", "TAB-1"])
    assert (unstable.code, unstable.codes) == (2, ["balance.unstable"])
    sent = bench.do(["batch", "weigh", "SENT", "source", "S S     0.9523 g", "--lot", "TAB-1", "--json"]).json
    assert (sent["reading"], sent["sent"], sent["within"]) == ("0.9523 g", "S S 0.9523 g", True)


def test_a_reading_may_come_through_a_pipe(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(bench, "PIPED")
    again = 'batch weigh PIPED source - --lot TAB-1 --reason "the boat was moved" --json'
    monkeypatch.setattr("sys.stdin", io.StringIO("952.3 mg\n"))
    seen = bench.do(again).json
    assert seen["reading"] == "952.3 mg" and "sent" not in seen
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert bench.run(again).codes == ["values.missing"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\x1b[2J952.3 mg"))
    assert bench.run(again).codes == ["quantity.not-understood"]


def test_weights_without_their_batch_are_told_where_it_stands(bench: Bench) -> None:
    told = bench.run(["qc", "weights", *["187.3 mg"] * 10])
    assert (told.code, told.codes) == (2, ["weights.batch"]) and "--fill and --shell" in told.err


def test_without_values_or_terminal_one_is_told_how_to_give_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert ran(["qc", "uniformity"]).codes == ["values.missing"]
