"""``compounding label proof``: a label's file judged before it is printed, whoever drew it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from compounding.cli.app import App
from compounding.cli.show import emit, json_option
from compounding.problems import EnvironmentFails, NotUnderstood, Problem

if TYPE_CHECKING:
    from compounding.documents.judging import Judged

WORDS = {
    "text": "every required string is there whole",
    "margins": "no ink in the margins",
    "barcode": "the barcode reads, follows GS1, and has white around it",
    "glyphs": "every letter is there as ink",
    "writing": "nothing that was misread before",
}


@dataclass(frozen=True)
class Known:
    """What the record says that a file must say.

    Args:
        given: names and numbers in it that are not judged as writing.
        digest: of the file that was proved.
    """

    label: str
    batch: str
    entry: int
    stock: str
    digest: str
    required: dict[str, str]
    given: tuple[str, ...]
    problems: list[Problem]


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--stock", metavar="NAME", help="What it is printed on; default: the record's, or by the page's size.")
@click.option(
    "--expect", "expected", multiple=True, metavar="TEXT", help="A string that it must hold whole; repeat it."
)
@json_option
@click.pass_context
def proof(ctx: click.Context, file: Path, stock: str | None, expected: tuple[str, ...], as_json: bool) -> None:
    """Judge a label's PDF, from here or from elsewhere: words, ink, margins, barcode, writing.

    If its barcode names a label of the journal, it must say what the record says.

    \b
    compounding label proof label.pdf
    compounding label proof from-elsewhere.pdf --stock 4x2 --expect "1.5 mg"
    """
    from compounding.documents.judging import judge, said_by, stock_of
    from compounding.documents.stocks import read_stock

    app: App = ctx.obj
    document = _content(file)
    paper = read_stock(stock, _own_stocks(app)) if stock else stock_of(document)
    wanted = {f"--expect {number}": text for number, text in enumerate(expected, 1)}
    judged = judge(document, paper, wanted, (), app.today())
    known = _known(app, dict(said_by(judged.symbols)))
    if known:
        paper = read_stock(stock or known.stock, _own_stocks(app))
        judged = judge(document, paper, wanted | known.required, known.given, app.today())
    digest = f"sha256:{hashlib.sha256(document).hexdigest()}"
    problems = [problem for found in judged.problems.values() for problem in found]
    problems += known.problems if known else []
    if as_json:
        emit(
            {
                "file": str(file),
                "digest": digest,
                "stock": paper.id,
                "symbols": [symbol.prefix + symbol.element for symbol in judged.symbols],
                "label": known.label if known else None,
                "as_recorded": known.digest == digest if known else None,
                "checks": {name: not found for name, found in judged.problems.items()},
                "problems": [vars(problem) for problem in problems],
            }
        )
    else:
        _tell(file, paper.name, judged, known, digest)
    for problem in problems:
        click.echo(f"{problem.text} [{problem.code}]", err=True)
    ctx.exit(1 if problems else 0)


def _tell(file: Path, paper: str, judged: Judged, known: Known | None, digest: str) -> None:
    click.echo(f"{file} on {paper}")
    for name, found in judged.problems.items():
        click.echo(f"  {'FAULT' if found else 'ok':<5}  {WORDS[name]}")
    read = ", ".join(symbol.element for symbol in judged.symbols) or "nothing"
    click.echo(f"  barcode: {read}")
    if known is None:
        click.echo("  no label of this journal: judged without a record")
        return
    same = "is the file that was proved then" if known.digest == digest else "is NOT the file that was proved then"
    click.echo(f"  label {known.label} of {known.batch}, entry {known.entry}: this {same}")


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise NotUnderstood(Problem("file.missing", f"There is no file {file}: check its name", str(file))) from None
    except OSError as error:
        raise EnvironmentFails(
            Problem("file.not-read", f"{file} cannot be read: {error.strerror}", str(file))
        ) from None


def _own_stocks(app: App) -> Path | None:
    if not app.has_settings:
        return None
    from compounding.cli.label_stocks import own_stocks

    return own_stocks(app)


def _known(app: App, elements: dict[str, str]) -> Known | None:
    """What the record says of the label that a barcode names; None without settings, or if there is no such label."""
    from compounding.documents.texts import read_warning
    from compounding.records.issued import labels_of
    from compounding.work.scanning import check_scanned, read_scan

    id = elements.get("91") or elements.get("21") or ""
    if not app.has_settings or not id or not (facts := app.recorded(f"label:{id}")):
        return None
    label = labels_of(facts)[id]
    fact = label.printed
    batch = app.batch(fact.batch)
    person = app.journal.recall_personal(fact.prescription)
    pharmacy = app.settings.pharmacy
    required = {
        "batch": batch.id,
        "use by": batch.plan.beyond_use.date,
        "prescription": fact.prescription,
        "strength": batch.plan.strength.replace("/", " per "),
        "drug": batch.plan.ordered_as,
        "directions": fact.directions or "",
        "patient": person.name if person else "",
        "prescriber": fact.prescriber or "",
    }
    warning = read_warning(batch.formula.label.warning)
    if warning.digest == fact.warning_digest:
        required |= {"warning heading": warning.heading, "warning": warning.text}
    else:  # another language or revision: the strings in the language of the label are not known here
        required = {name: required[name] for name in ("batch", "use by", "prescription", "patient", "prescriber")}
    message = "".join(f"({ai}){value}" for ai, value in elements.items())
    given = (pharmacy.name, pharmacy.address, pharmacy.phone, *required.values(), fact.label)
    return Known(
        label=id,
        batch=batch.id,
        entry=label.entry.sequence,
        stock=fact.stock,
        digest=fact.pdf,
        required={name: text for name, text in required.items() if text},
        given=tuple(text for text in given if text not in (required.get("directions"), required.get("strength"))),
        problems=check_scanned(label, batch, read_scan(message), app.today()),
    )
