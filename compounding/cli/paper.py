"""``compounding worksheet``: paper drawn from the record."""

from __future__ import annotations

from pathlib import Path

import click

from compounding.cli.app import App
from compounding.cli.ids import BATCH
from compounding.cli.show import emit, json_option, notice
from compounding.problems import Refused, stopping
from compounding.work.worksheets import worksheet_text


@click.command()
@click.argument("id", type=BATCH)
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.pdf",
    help="Where to write the PDF; it may replace a PDF.",
)
@json_option
@click.pass_obj
def worksheet(app: App, id: str, out: Path, as_json: bool) -> None:
    """Write the worksheet of a batch as PDF; once it is filled in, the same page is the compounding record.

    \b
    compounding worksheet 2026-0001 --out worksheet.pdf
    """
    from compounding.cli.wording import own_texts
    from compounding.documents.texts import read_warning
    from compounding.documents.worksheet import draw_worksheet
    from compounding.store.files import check_paper, write_whole

    check_paper(out, may_replace=True)
    batch = app.batch(id)
    ids = {line.lot for line in batch.plan.lines} | {batch.plan.capsule.lot if batch.plan.capsule else None}
    lots = {lot.id: lot for each in filter(None, ids) if (lot := app.lot(each))}
    warning = read_warning(batch.formula.label.warning, own=own_texts(app))
    text = worksheet_text(batch, lots, app.names, warning, app.journal.short_code())
    pdf, problems = draw_worksheet(text)
    if stopping(problems):
        raise Refused(problems)
    write_whole(out, pdf)
    if as_json:
        emit({"file": str(out), "title": text.title, "head": text.head, "problems": [vars(each) for each in problems]})
    else:
        click.echo(f"{text.title} of {id} written to {out}; head {text.head}")
        for problem in problems:
            notice(problem.text)
