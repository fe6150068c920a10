"""Lists as other programs read them; a cell is text, whatever it begins with."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.bench import Bench, stocked, story

LISTS = ("lot list", "batch list", "formula list", "label stocks list")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The demo's lots, one of which its supplier has named as a formula."""
    made = stocked(tmp_path_factory.mktemp("lists"))
    _, tablets = next(each for each in story("lot receive") if "TAB-1" in each[1])
    made.do(tablets.replace("TAB-1", "TAB-2").replace("AB1234", "=1+1"))
    made.do('batch open naltrexone-capsule --strength "1.5 mg" --count 100 --from TAB-1 --id CAPS-1')
    return made


@pytest.mark.parametrize("command", LISTS)
def test_every_list_holds_the_same_as_table_csv_workbook_and_json(bench: Bench, command: str, tmp_path: Path) -> None:
    table = bench.do(command).out.splitlines()
    rows = list(csv.reader(io.StringIO(bench.do(f"{command} --csv").out)))
    bench.do(f"{command} --xlsx {tmp_path}/list.xlsx")
    book = load_workbook(tmp_path / "list.xlsx")
    assert [[str(cell.value) for cell in row] for row in book.worksheets[0].rows] == rows
    [records] = json.loads(bench.do(f"{command} --json").out).values()
    assert len(records) == len(rows) - 1 == len(table) - 2 > 0
    for row, line in zip(rows[1:], table[2:], strict=True):
        assert line.split() == " ".join(row).split()


def test_a_cell_that_would_begin_a_formula_is_text() -> None:
    from compounding.documents.spreadsheets import csv_text, workbook

    cells = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "1.5 mg"]
    [_, written] = list(csv.reader(io.StringIO(csv_text(cells, [cells]), newline="")))
    assert written == [*(f"'{cell}" for cell in cells[:-1]), "1.5 mg"]
    [_, row] = load_workbook(io.BytesIO(workbook("a", cells, [cells]))).worksheets[0].rows
    assert [(cell.data_type, cell.value) for cell in row] == [("s", cell) for cell in cells]


def test_a_list_replaces_no_file_and_is_wanted_in_one_way(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "there.xlsx").write_text("mine")
    assert bench.run(f"lot list --xlsx {tmp_path}/there.xlsx").codes == ["file.exists"]
    assert (tmp_path / "there.xlsx").read_text() == "mine"
    assert bench.run(f"lot list --xlsx {tmp_path}/there.csv").codes == ["file.name"]
    assert bench.run("lot list --csv --json").code == 2
