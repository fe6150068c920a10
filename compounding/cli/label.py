"""``compounding label``: a label drawn from the record and proved; and what labels are printed on.

``label BATCH`` stands for ``label write BATCH``: the most used command is the shortest. A batch whose id is one of
the other commands' names needs the long form.
"""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path

import click

from compounding.cli.app import App, Decision
from compounding.cli.show import emit, json_option
from compounding.problems import Problem, Refused, stopping
from compounding.records.facts import LabelPrinted
from compounding.work.labelling import Prescription, check_label, label_element, label_id, label_text

# Where the other commands live, and what they are for: as in main, none is imported before it is called.
COMMANDS = {
    "stocks": ("label_stocks", "Label stocks: list, show, import gLabels templates."),
    "calibrate": ("label_stocks", "A page of outlines, by which a printer is set right."),
}


class LabelCommands(click.Group):
    """``write``, which goes without saying, and the commands of `COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return ["write", *COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module = importlib.import_module(f"compounding.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.list_commands(ctx), "-h", "--help"):
            args = ["write", *args]
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            shown = {"write": "A label of a batch as PDF; label BATCH does the same."}
            formatter.write_dl([*shown.items(), *((name, says) for name, (_, says) in COMMANDS.items())])


@click.group(cls=LabelCommands)
def label() -> None:
    """Labels: drawn from the record, read back, and only then written.

    \b
    compounding label 2026-0001 --prescription 1234567 --patient "Alex Sample" \\
      --prescriber "Dr. J. Example" --quantity "30 capsules" --out label.pdf
    compounding label write --help
    """


@label.command()
@click.argument("id")
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.pdf",
    help="Where to write the PDF; it replaces no file.",
)
@click.option("--prescription", required=True, help="Prescription number.")
@click.option("--patient", required=True, help="Patient's name as it shall be printed.")
@click.option("--prescriber", required=True, help="Prescriber's name.")
@click.option("--quantity", required=True, metavar="QUANTITY", help='What this container holds, such as "30 capsules".')
@click.option("--directions", help="How to take it; default: the formula's.")
@click.option("--purpose", help="What it is for, if the prescription says so.")
@click.option("--stock", metavar="NAME", help="Label stock, or a size such as 83x54mm; default: the settings'.")
@click.option("--printer", metavar="NAME", help="Move the label as the settings say for this printer.")
@click.option("--first", metavar="N", type=int, default=1, help="The first free label of a used sheet; default: 1.")
@json_option
@click.pass_obj
def write(
    app: App, /, id: str, out: Path, stock: str | None, printer: str | None, first: int, as_json: bool, **given: str
) -> None:
    """Write a prescription label of a released batch as PDF.

    It is read back and compared with the record first: every word, the ink, the barcode. One fault, and
    there is no label.

    \b
    compounding label 2026-0001 --prescription 1234567 --patient "Alex Sample" \\
      --prescriber "Dr. J. Example" --quantity "30 capsules" --out label.pdf
    """
    from compounding.cli.label_stocks import own_stocks, printer_shift, stock_name
    from compounding.documents.label import draw_label, layout_label
    from compounding.documents.proof import prove_label, prove_rest
    from compounding.documents.sheets import imposed, places
    from compounding.documents.stocks import read_stock
    from compounding.documents.templates import read_template
    from compounding.documents.texts import read_auxiliary, read_warning
    from compounding.store.files import check_paper, written_whole

    check_paper(out, may_replace=False)
    prescription = Prescription(
        given["prescription"],
        given["patient"],
        given["prescriber"],
        given["quantity"],
        given["directions"],
        given["purpose"],
    )
    paper = read_stock(stock_name(app, stock, printer), own_stocks(app))
    at = places(paper, first, 1, printer_shift(app, printer))
    template = read_template()
    batch = app.batch(id)
    problems = check_label(batch, prescription, app.today()) + _check_patient(app, prescription)
    if stopping(problems):
        raise Refused(problems)
    warning = read_warning(batch.formula.label.warning)
    identifier = label_id(len(app.ids("label:")) + 1)
    element = label_element(batch, identifier, app.settings.gtins)
    text = label_text(
        batch,
        prescription,
        app.settings.pharmacy,
        warning,
        read_auxiliary(),
        identifier,
        app.today(),
        app.settings.barcode,
        element,
    )
    page, problems = layout_label(text, paper, template)
    if page is None:
        raise Refused(problems)
    pdf = draw_label(imposed([page], paper, at)[0], text)
    problems = prove_label(pdf, text, paper, template, place=at[0]) + prove_rest(pdf, paper, at)
    if stopping(problems):
        raise Refused(problems)

    def decide() -> Decision:
        rx = f"rx:{prescription.number}"
        seen, now = app.journal.last_seen([rx]), app.batch(id)
        refused = check_label(now, prescription, app.today()) + _check_patient(app, prescription)
        if stopping(refused):
            return Decision([], refused, {})
        known = app.journal.recall_personal(prescription.number)
        personal = app.journal.personal(prescription.number, prescription.patient, "")
        fact = LabelPrinted(
            batch=id,
            label=identifier,
            prescription=prescription.number,
            patient=f"sha256:{(known or personal).digest}",
            quantity=prescription.quantity,
            stock=paper.id,
            warning=f"{warning.id} revision {warning.revision}",
            warning_digest=warning.digest,
            pdf=f"sha256:{hashlib.sha256(pdf).hexdigest()}",
            copy_number=text.copy,
            proved=("words", "ink", "barcode", "glyphs"),
            element=element,
            symbology=text.symbology,
            filled_on=text.filled_on,
            prescriber=text.prescriber,
            directions=text.directions,
            purpose=text.purpose,
        )
        seen |= {f"batch:{id}": now.last_seen, f"label:{identifier}": 0}
        subjects = (f"batch:{id}", f"label:{identifier}", rx)
        return Decision([(fact, subjects)], refused, seen, personal=None if known else personal)

    with written_whole(out, pdf):
        _, entries = app.record(decide)
    if as_json:
        emit({"file": str(out), "label": identifier, "entry": entries[-1].sequence, "problems": []})
    else:
        click.echo(f"Label {identifier} of {id} proved and written to {out} (entry {entries[-1].sequence})")


def _check_patient(app: App, prescription: Prescription) -> list[Problem]:
    """A prescription number belongs to one patient."""
    known = app.journal.recall_personal(prescription.number)
    if known is None or known.name == prescription.patient:
        return []
    text = f"Prescription {prescription.number} was labelled for another name before. Check the number and the name"
    return [Problem("label.patient", text, prescription.number)]
