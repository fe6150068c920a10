"""``compounding certificate``: the certificate of analysis, drawn from the record."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from compounding.cli.app import App
from compounding.cli.ids import BATCH
from compounding.cli.show import emit, json_option, notice, say
from compounding.problems import Problem, Refused, stopping


@click.command()
@click.argument("id", type=BATCH)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.pdf",
    help="Where to write the PDF; it may replace a PDF.",
)
@click.option(
    "--fhir",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.json",
    help="Write the analysis as a bundle of FHIR R5 resources too; it replaces no file.",
)
@json_option
@click.pass_obj
def certificate(app: App, id: str, out: Path | None, fhir: Path | None, as_json: bool) -> None:
    """Write the certificate of analysis of a released batch as PDF, or as JSON.

    The files that prove its results are checked first: one that was changed or lost, and there is no certificate.

    \b
    compounding certificate 2026-0001 --out certificate.pdf
    """
    from compounding.documents.certificate import draw_certificate
    from compounding.store.attachments import check
    from compounding.store.files import check_new, check_paper, write_whole
    from compounding.work.analysis import analysis_text, check_certifiable
    from compounding.work.results import attached_to

    if out is None and fhir is None and not as_json:
        raise click.UsageError("Say where the certificate goes: give --out FILE.pdf, --fhir FILE.json, or --json.")
    if out is not None:
        check_paper(out, may_replace=True)
    batch = app.batch(id)
    refused = check_certifiable(batch) + check(app.attachments, [each.digest for each in attached_to(batch)])
    if refused:
        raise Refused(refused)
    text = analysis_text(batch, app.names, app.settings.pharmacy, app.journal.short_code())
    problems: list[Problem] = []
    if out is not None:
        pdf, problems = draw_certificate(text)
        if stopping(problems):
            raise Refused(problems)
        write_whole(out, pdf)
    if fhir is not None:
        from compounding.records.record import json_with_digits
        from compounding.work.batch_analysis import bundle_of

        check_new(fhir, ".json")
        bundle = bundle_of(batch, app.names, app.settings.pharmacy, app.settings.site, text)
        write_whole(fhir, json_with_digits(bundle) + b"\n")
        notice(f"FHIR bundle of {id} written to {fhir}")
    if as_json:
        emit({"file": str(out) if out else None, **asdict(text), "problems": [vars(each) for each in problems]})
        return
    if out is not None:
        say(f"{text.title} of {id} written to {out}; head {text.head}")
    for problem in problems:
        notice(problem.text)
