"""A table of lots comes in whole, or not at all with every bad row named."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook

from tests.bench import Bench, begun

WEIGHTS = "; ".join(f"{weight} mg" for weight in (301.2, 303, 302.1, 303.3, 302.4, 300.8, 304.1, 302, 303.6, 301.5))
HEAD = ["lot", "role", "material", "supplier", "supplier lot", "expires", "amount", "label claim", "weights", "packing", "size", "maker", "form", "assay", "assay basis"]  # fmt: skip
TABLETS = ["TAB-1", "tablet", "naltrexone tablets", "Example Generics", "=1+1", "2099-12-31", "100 tablets", "50 mg", WEIGHTS, "", "", "", "", "", ""]  # fmt: skip
FILLER = ["MCC-1", "filler", "microcrystalline cellulose", "Example Excipients", "M1", "2099-12-31", "1 kg", "", "", "3:coni-snap:135 mg", "", "", "", "", ""]  # fmt: skip
SHELLS = ["CAP-1", "shell", "gelatin capsule shells", "Example Capsules", "C1", "2099-12-31", "1000 capsules", "", "", "", "3", "coni-snap", "", "", ""]  # fmt: skip
POWDER = ["POW-1", "powder", "naltrexone hydrochloride", "Example Chemicals", "P1", "2099-12-31", "25 g", "", "", "", "", "", "anhydrous", "99.6 %", "as-is"]  # fmt: skip
ROWS = [HEAD, TABLETS, FILLER, SHELLS, POWDER]


def as_csv(folder: Path, rows: list[list[str]]) -> Path:
    with (folder / "lots.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return folder / "lots.csv"


def as_workbook(folder: Path, rows: list[list[str]]) -> Path:
    book = Workbook()
    for number, row in enumerate(rows, 1):
        for column, text in enumerate(row, 1):
            book.active.cell(number, column, text).data_type = "s" if text else "n"
    book.save(folder / "lots.xlsx")
    return folder / "lots.xlsx"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return begun(tmp_path / "bench")


@pytest.mark.parametrize("written", [as_csv, as_workbook])
def test_a_whole_table_comes_in_and_a_batch_can_be_planned_from_it(
    bench: Bench, written: Callable[[Path, list[list[str]]], Path], tmp_path: Path
) -> None:
    file = written(tmp_path, ROWS)
    before = bench.journal.read_bytes()
    assert bench.do(f"lot import {file} --dry-run").out.startswith("4 lots would be received")
    assert bench.journal.read_bytes() == before
    assert bench.do(f"lot import {file} --json").json["lots"] == ["TAB-1", "MCC-1", "CAP-1", "POW-1"]
    for source in ("TAB-1", "POW-1"):
        bench.do(f'plan naltrexone-capsule --strength "1.5 mg" --count 100 --from {source}')
    tablets = bench.do("lot show TAB-1 --json").json["lot"]
    assert (tablets["supplier_lot"], len(tablets["weights"])) == ("=1+1", 10)
    assert "received before" in bench.run(f"lot import {file}").err


def changed(row: int, heading: str, becomes: str) -> list[list[str]]:
    rows = [list(each) for each in ROWS]
    rows[row][HEAD.index(heading)] = becomes
    return rows


@pytest.mark.parametrize(
    ("rows", "code", "says"),
    [
        (changed(1, "amount", "100"), "record.key", "Row 2"),
        (changed(2, "amount", "1,5 kg"), "record.key", "Row 3"),
        (changed(3, "lot", "TAB-1"), "lot.known", "Row 4"),
        (changed(1, "expires", "2020-01-31"), "lot.expired", "Row 2"),
        (changed(4, "assay", "99.6"), "record.key", "Row 5"),
        (changed(4, "form", "") and [HEAD, TABLETS, [*POWDER[:12], "", "", ""]], "powder.certificate", "Row 3"),
        (changed(2, "role", "fillet"), "lot.role", "Row 3"),
        (changed(2, "packing", "3:135 mg"), "lot.packing", "Row 3"),
        (changed(0, "label claim", "label clam"), "column.unknown", "label_claim"),
        (changed(0, "lot", "role"), "column.twice", "own"),
        ([HEAD, [*TABLETS, "more"]], "column.cells", "Row 2"),
        ([HEAD, HEAD, TABLETS], "lot.role", "Row 2"),
        ([HEAD], "file.empty", "no rows"),
        ([], "file.empty", "headings"),
    ],
)
def test_one_bad_row_and_nothing_comes_in(
    bench: Bench, rows: list[list[str]], code: str, says: str, tmp_path: Path
) -> None:
    before = bench.journal.read_bytes()
    told = bench.run(f"lot import {as_csv(tmp_path, rows)}")
    assert told.code in (1, 2) and code in told.codes and says in told.err, told.err
    assert bench.journal.read_bytes() == before


def test_every_bad_row_is_told_at_once(bench: Bench, tmp_path: Path) -> None:
    rows = [HEAD, [*TABLETS[:6], "100", *TABLETS[7:]], FILLER, [*SHELLS[:1], "shells", *SHELLS[2:]]]
    told = bench.run(f"lot import {as_csv(tmp_path, rows)}")
    assert "Row 2" in told.err and "Row 4" in told.err and told.codes[-1] == "import.nothing"


def test_a_cell_that_a_spreadsheet_computed_or_merged_is_refused(bench: Bench, tmp_path: Path) -> None:
    file = as_workbook(tmp_path, ROWS)
    from openpyxl import load_workbook

    book = load_workbook(file)
    book.active["G2"] = "=50+50"
    book.save(file)
    told = bench.run(f"lot import {file}")
    assert told.code == 1 and "G2" in told.err
    book.active["G2"] = "100 tablets"
    book.active.merge_cells("C3:D3")
    book.save(file)
    assert "erged" in bench.run(f"lot import {file}").err


def test_formulas_come_in_together_or_not_at_all(bench: Bench, tmp_path: Path) -> None:
    from compounding.data_files import data_folder

    shipped = (data_folder("formulas") / "naltrexone-capsule.toml").read_text("utf-8")
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(shipped.replace('id = "naltrexone-capsule"', 'id = "own-capsule"'), "utf-8")
    bad.write_text(shipped.replace("strength_basis", "strength_bases"), "utf-8")
    settings = bench.folder / "settings.toml"
    settings.write_text(settings.read_text("utf-8").replace("\nsite = ", '\nformulas = "own"\nsite = ', 1), "utf-8")
    assert "record.key" in bench.run(f"formula import {good} {bad}").codes
    assert not (bench.folder / "own").exists()
    bench.do(f"formula import {good}")
    assert "own-capsule" in bench.do("formula list").out
    assert bench.run(f"formula import {good}").codes == ["formula.known"]
