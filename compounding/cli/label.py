"""``compounding label``: a label drawn from the record and proved; and what labels are printed on.

``label BATCH`` stands for ``label write BATCH``: the most used command is the shortest. A batch whose id is one of
the other commands' names needs the long form.
"""

from __future__ import annotations

import hashlib
import importlib
from dataclasses import replace
from pathlib import Path

import click

from compounding.cli.app import App, Decision, nearest
from compounding.cli.delivering import Way, chosen_way, deliver, ready_printer, way_options, write_preview
from compounding.cli.ids import BATCH, LABEL, STOCK
from compounding.cli.show import emit, json_option, notice, say
from compounding.cli.wording import check_words, label_language, names_of_words, own_texts
from compounding.problems import Problem, Refused, stopping
from compounding.records.batch import Batch
from compounding.records.facts import LabelPrinted
from compounding.records.issued import Label, labels_of, stickers_of
from compounding.rules.writing import in_words
from compounding.work.labelling import (
    PREVIEW,
    Prescription,
    check_label,
    check_reprint,
    check_warning,
    issued,
    label_element,
    label_id,
    label_text,
    translated,
)

# Where the other commands live, and what they are for: as in main, none is imported before it is called.
COMMANDS = {
    "account": ("label_account", "Where every label of a batch is: applied, spoiled or destroyed."),
    "lost": ("label_account", "A label that was sent to a printer and never came out."),
    "proof": ("label_proof", "A label's file judged before it is printed, whoever drew it."),
    "sticker": ("label_sticker", "Quarantine, released and sample stickers, labels of bulk containers."),
    "auxiliary": ("label_sticker", "Auxiliary labels: one approved sentence each."),
    "stocks": ("label_stocks", "Label stocks: list, show, import gLabels templates."),
    "text": ("label_text", "The words of labels, the opioid warning first: list, show, approve."),
    "calibrate": ("label_stocks", "A page of outlines, by which a printer is set right."),
}


HERE = {
    "write": "A label of a batch; label BATCH does the same.",
    "reprint": "A label again, with a reason; the one it replaces is void.",
}


class LabelCommands(click.Group):
    """``write``, which goes without saying, and the commands of `COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*HERE, *COMMANDS]

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
            formatter.write_dl([*HERE.items(), *((name, says) for name, (_, says) in COMMANDS.items())])


@click.group(cls=LabelCommands)
def label() -> None:
    """Labels: drawn from the record, read back, and only then written.

    \b
    compounding label 2026-0001 --prescription 1234567 --patient "Alex Sample" \\
      --prescriber "Dr. J. Example" --quantity "30 capsules" --out label.pdf
    compounding label write --help
    """


stock_option = click.option(
    "--stock", type=STOCK, metavar="NAME", help="Label stock, or a size such as 83x54mm; default: the settings'."
)
printer_option = click.option("--printer", metavar="NAME", help="The printer of the settings whose stock and calibration hold; default: the queue.")
template_option = click.option(
    "--template",
    type=click.Choice(["prescription", "bottle", "two-piece", "three-piece", "syringe"]),
    default="prescription",
    help="What kind of label; default: prescription.",
)
language_option = click.option(
    "--language", metavar="CODE", help="Language of the label's own words, such as es; default: the settings' or the profile's."
)
first_option = click.option(
    "--first", metavar="N", type=int, default=1, help="The first free label of a used sheet; default: 1."
)


@label.command()
@click.argument("id", type=BATCH)
@way_options
@click.option("--prescription", required=True, help="Prescription number.")
@click.option("--patient", required=True, help="Patient's name as it shall be printed.")
@click.option("--prescriber", required=True, help="Prescriber's name.")
@click.option("--quantity", required=True, metavar="QUANTITY", help='What this container holds, such as "30 capsules".')
@click.option("--directions", help="How to take it; default: the formula's.")
@click.option("--purpose", help="What it is for, if the prescription says so.")
@template_option
@language_option
@stock_option
@printer_option
@first_option
@json_option
@click.pass_obj
def write(
    app: App,
    /,
    id: str,
    out: Path | None,
    queue: str | None,
    raw: str | None,
    preview: Path | None,
    timeout: float,
    template: str,
    language: str | None,
    stock: str | None,
    printer: str | None,
    first: int,
    as_json: bool,
    **given: str,
) -> None:
    """Write or print a prescription label of a released batch.

    It is read back and compared with the record first: every word, the ink, the barcode. One fault, and
    there is no label.

    \b
    compounding label 2026-0001 --prescription 1234567 --patient "Alex Sample" \\
      --prescriber "Dr. J. Example" --quantity "30 capsules" --out label.pdf
    """
    way = chosen_way(out, queue, raw, preview, timeout)
    prescription = Prescription(
        given["prescription"],
        given["patient"],
        given["prescriber"],
        given["quantity"],
        given["directions"],
        given["purpose"],
    )
    issue(app, id, prescription, way, (stock, printer, first), as_json, as_asked=(template, language))


@label.command()
@click.argument("id", type=LABEL)
@click.option("--reason", required=True, help="What happened to the label that it replaces.")
@way_options
@stock_option
@printer_option
@first_option
@json_option
@click.pass_obj
def reprint(
    app: App,
    /,
    id: str,
    reason: str,
    out: Path | None,
    queue: str | None,
    raw: str | None,
    preview: Path | None,
    timeout: float,
    stock: str | None,
    printer: str | None,
    first: int,
    as_json: bool,
) -> None:
    """Print a label again, with the words of its record: it gets a new id and its copy number; the old one is void.

    \b
    compounding label reprint L0000001A --reason "smeared" --out again.pdf
    """
    way = chosen_way(out, queue, raw, preview, timeout)
    facts = app.recorded(f"label:{id.upper()}")
    replaced = labels_of(facts).get(id.upper())
    if sticker := stickers_of(facts).get(id.upper()):
        kind, of = sticker.kind, sticker.printed.batch
        text = f"{id.upper()} is a sticker, and is not printed again: destroy it, and print another with compounding label sticker {of} {kind}"
        raise Refused(Problem("label.sticker", text, id))
    if replaced is None:
        known = nearest(id.upper(), app.ids("label:"))
        raise Refused(Problem("label.unknown", f"Label {id} was never printed here{known}", id))
    fact = replaced.printed
    person = app.journal.recall_personal(fact.prescription)
    if person is None or fact.prescriber is None:
        text = f"The record does not hold the words of label {id} any more: label batch {fact.batch} anew, and destroy {id}"
        raise Refused(Problem("label.words-erased", text, id))
    words = (fact.prescription, person.name, fact.prescriber, fact.quantity, fact.directions, fact.purpose)
    issue(app, fact.batch, Prescription(*words), way, (stock or fact.stock, printer, first), as_json, replaced, reason, (fact.template or "prescription", fact.language))


def issue(
    app: App,
    id: str,
    prescription: Prescription,
    way: Way,
    on: tuple[str | None, str | None, int],
    as_json: bool,
    replaced: Label | None = None,
    reason: str | None = None,
    as_asked: tuple[str, str | None] = ("prescription", None),
) -> None:
    """Lay a label out, prove it, record it, and let it go; one fault, and there is none.

    Args:
        id: the batch.
        on: stock, printer, and the first free label of a sheet.
        replaced: the label that a reprint voids, with the reason for it.
        as_asked: the template, and the language if not that of the settings.
    """
    from compounding.cli.label_stocks import own_stocks, printer_of, printer_shift, stock_name
    from compounding.documents.label import draw_label, layout_set
    from compounding.documents.profiles import read_profile
    from compounding.documents.proof import check_file, prove_rest
    from compounding.documents.remedies import sets_for, with_remedies
    from compounding.documents.sheets import imposed, places
    from compounding.documents.stocks import read_stock
    from compounding.documents.templates import read_template, under
    from compounding.documents.texts import label_sentences, read_texts, read_warning

    stock, printer, first = on
    printer = printer_of(app, printer, way.queue)
    paper = read_stock(stock_name(app, stock, printer), own_stocks(app))
    profile = read_profile(app.settings.profile)
    language, own = label_language(app, as_asked[1]), own_texts(app)
    template = under(read_template(as_asked[0], language=language, texts=own), profile)
    at = places(paper, first, max(1, len(template.pieces)), printer_shift(app, printer))
    batch = app.batch(id)
    old = replaced.printed.label if replaced else None

    def refusals(now: Batch) -> list[Problem]:
        again = check_reprint(issued(now)[old], reason or "") if old else []
        return again + check_label(now, prescription, app.today(), old) + _check_patient(app, prescription)

    if stopping(problems := refusals(batch)):
        raise Refused(problems)
    ready = ready_printer(way, paper)
    check_warning(batch, profile.warnings)
    told = [*problems, *check_words(app, language, names_of_words(language, batch.formula.label.warning))]
    warning = read_warning(batch.formula.label.warning, language, own)
    identifier = label_id(len(app.ids("label:")) + 1) if way.records else PREVIEW
    text = label_text(
        batch,
        prescription,
        app.settings.pharmacy,
        warning,
        label_sentences(batch.formula.label.auxiliary, profile, language, own),
        identifier,
        app.today(),
        app.settings.barcode,
        label_element(batch, identifier, app.settings.gtins),
        replaced.printed.copy_number + 1 if replaced else 1,
    )
    text = replace(text, ingredients=text.ingredients if "ingredients" in profile.requires else "")
    if language != "en":
        given = prescription.directions is not None
        text, problems = translated(text, read_texts("sentences", language, own), language, own_directions=given)
        if stopping(problems):
            raise Refused(problems)
    laid, problems = layout_set(text, paper, template)
    if not laid:
        sets = sets_for(template, profile, language, own)
        raise Refused(with_remedies(problems, text, paper, template, sets, own_stocks(app)))
    pdf = draw_label(*(imposed([page for page, _ in laid], paper, at)), title=f"Label {identifier}")
    checked = [check_file(pdf, text, paper, piece, place=place) for (_, piece), place in zip(laid, at, strict=True)]
    problems += [fault for each in checked for faults in each.values() for fault in faults]
    problems += prove_rest(pdf, paper, at)
    if stopping(problems):
        raise Refused(problems)
    problems += told

    def decide() -> Decision:
        rx = f"rx:{prescription.number}"
        seen, now = app.journal.last_seen([rx]), app.batch(id)
        if stopping(refused := refusals(now)):
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
            proved=tuple(dict.fromkeys(name for each in checked for name in each)),
            element=text.encoded,
            symbology=text.symbology,
            filled_on=text.filled_on,
            prescriber=text.prescriber,
            directions=text.directions,
            purpose=text.purpose,
            replaces=old,
            sent_to=way.sent_to,
            template=template.id,
            profile=profile.id,
            language=language,
        )
        seen |= {f"batch:{id}": now.last_seen, f"label:{identifier}": 0}
        subjects = (f"batch:{id}", f"label:{identifier}", rx, *([f"label:{old}"] if old else []))
        return Decision([(fact, subjects)], refused, seen, reason, None if known else personal)

    done = {"file": str(way.out) if way.out else None, "label": identifier, "entry": None, "copy": text.copy}
    said = f"Preview of a label of {id}: nothing is recorded, and its barcode is no label's"
    if way.records:
        entry, what = deliver(app, way, ready, paper, (id, identifier), pdf, decide)
        done |= {"entry": entry.sequence, "replaces": old, "sent_to": way.sent_to}
        voids = f"; {old} is void: destroy it" if old else ""
        said = f"Label {identifier} of {id} proved and {what} (entry {entry.sequence}){voids}"
    if way.preview:
        write_preview(way.preview, pdf, paper)
        said += f"; picture in {way.preview}"
    in_figures = f"{text.drug} {text.strength}"
    if as_json:
        done |= {"strength_in_words": in_words(text.strength)}
        emit(done | {"preview": str(way.preview) if way.preview else None, "problems": [vars(p) for p in problems]})
    else:
        say(said)
        say(f"  Check against the prescription: {in_figures}, {in_words(text.strength)}")
        for problem in problems:
            notice(problem.text)


def _check_patient(app: App, prescription: Prescription) -> list[Problem]:
    """A prescription number belongs to one patient."""
    known = app.journal.recall_personal(prescription.number)
    if known is None or known.name == prescription.patient:
        return []
    text = f"Prescription {prescription.number} was labelled for another name before. Check the number and the name"
    return [Problem("label.patient", text, prescription.number)]
