"""``compounding lot import``: many lots out of a table, all or none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from compounding.cli.app import App, Decision
from compounding.cli.show import emit, json_option, notice
from compounding.problems import Problem, Refused, stopping
from compounding.records.facts import LotReceived

if TYPE_CHECKING:
    from compounding.store.journal import Entry


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--sheet", metavar="NAME", help="Sheet of a workbook; default: its only one.")
@click.option("--delimiter", default=",", show_default=True, help="What separates the cells of a CSV.")
@click.option("--dry-run", is_flag=True, help="Check every row and record nothing.")
@json_option
@click.pass_obj
def import_lots(app: App, file: Path, sheet: str | None, delimiter: str, dry_run: bool, as_json: bool) -> None:
    """Receive every lot of a CSV or XLSX table, or none: each bad row is told with its reason.

    The first row holds the headings: lot, role, material, supplier, supplier lot, expires, amount, and whatever else
    lot receive takes, such as label claim, weights, packing, size, maker, ndc, assay, assay basis, water. Several
    weights or packings in one cell are parted by semicolons.

    \b
    compounding lot import opening-stock.xlsx --dry-run
    compounding lot import delivery.csv
    """
    from compounding.work.columns import Layout, table_of
    from compounding.work.importing import lots_from

    if len(delimiter) != 1:
        raise click.UsageError("--delimiter is one character, such as ; or ,")
    rows, problems = table_of(file.read_bytes(), file.name, Layout(sheet=sheet, delimiter=delimiter))
    lots: list[LotReceived] = []

    def decide() -> Decision:
        found, wrong = lots_from(rows, app.ids("lot:"), app.today())
        every = [*problems, *wrong]
        lots[:] = found
        if not rows and not every:
            every.append(Problem("file.empty", f"{file.name} has headings and no rows: there is nothing to import"))
        if stopping(every):
            return Decision([], [*every, _nothing(len(rows), file.name)], {})
        facts = [(lot, (f"lot:{lot.lot}",)) for lot in found]
        return Decision(facts, every, {f"lot:{lot.lot}": 0 for lot in found})

    entries: Sequence[Entry] = ()
    if dry_run:
        decision = decide()
        if not decision.facts:
            raise Refused(decision.problems)
    else:
        decision, entries = app.record(decide)
    done = "would be received" if dry_run else "received"
    if as_json:
        emit({"lots": [lot.lot for lot in lots], "recorded": not dry_run, "entries": [each.sequence for each in entries],
              "problems": [vars(each) for each in decision.problems]})  # fmt: skip
    else:
        click.echo(f"{len(lots)} lots {done} from {file.name}: {', '.join(lot.lot for lot in lots)}.")
        for problem in decision.problems:
            notice(problem.text)


def _nothing(rows: int, name: str) -> Problem:
    return Problem(
        "import.nothing", f"Nothing of the {rows} rows of {name} was recorded: mend them and import it again"
    )
