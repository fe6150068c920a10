"""``compounding label proof``: a label's file judged before it is printed, whoever drew it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from compounding.cli.app import App
from compounding.cli.ids import STOCK
from compounding.cli.show import emit, json_option
from compounding.cli.wording import own_texts, printed_warning, short_word
from compounding.documents.profiles import read_profile
from compounding.documents.templates import Template, read_template, template_fields, under
from compounding.documents.texts import label_sentences, read_texts
from compounding.frozen import dataclass
from compounding.problems import EnvironmentFails, NotUnderstood, Problem
from compounding.records.label import LabelText, WarningText
from compounding.work.labelling import Prescription, label_text, sticker_text, translated

if TYPE_CHECKING:
    from compounding.documents.judging import Judged
    from compounding.records.batch import Batch
    from compounding.records.facts import LabelPrinted, LeafletWritten, Recorded, StickerPrinted
    from compounding.records.issued import Sticker

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
        required: for each label in it, the strings by their names.
        given: names and numbers in it that are not judged as writing.
        digest: of the file that was proved.
    """

    label: str
    batch: str
    entry: int
    stock: str
    digest: str
    required: tuple[dict[str, str], ...]
    given: tuple[str, ...]
    problems: list[Problem]


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--stock", type=STOCK, metavar="NAME", help="What it is printed on; default: the record's, or by the page's size.")
@click.option(
    "--expect", "expected", multiple=True, metavar="TEXT", help="A string that it must hold whole; repeat it."
)
@json_option
@click.pass_context
def proof(ctx: click.Context, file: Path, stock: str | None, expected: tuple[str, ...], as_json: bool) -> None:
    """Judge a label's PDF, from here or from elsewhere: words, ink, margins, barcode, writing.

    If its barcode names a label of the journal, it must say what the record says. A leaflet must be the file that was
    proved, to the last byte.

    \b
    compounding label proof label.pdf
    compounding label proof from-elsewhere.pdf --stock 4x2 --expect "1.5 mg"
    """
    from compounding.documents.judging import judge, said_by, stock_of
    from compounding.documents.stocks import read_stock

    app: App = ctx.obj
    document = _content(file)
    digest = f"sha256:{hashlib.sha256(document).hexdigest()}"
    if leaflet := _leaflet(app, document, digest):
        _tell_leaflet(file, leaflet, digest, as_json=as_json)
        return
    paper = read_stock(stock, _own_stocks(app)) if stock else stock_of(document)
    wanted = {f"--expect {number}": text for number, text in enumerate(expected, 1)}
    judged = judge(document, paper, [wanted], (), app.today())
    known = _known(app, said_by(judged.symbols))
    if known:
        paper = read_stock(stock or known.stock, _own_stocks(app))
        required = [label | (wanted if not number else {}) for number, label in enumerate(known.required)]
        judged = judge(document, paper, required, known.given, app.today())
    elif not judged.symbols and _is_auxiliary(app, judged.words):
        judged = judge(document, paper, [wanted], (), app.today(), has_symbol=False)
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


def _leaflet(app: App, document: bytes, digest: str) -> Recorded | None:
    """The leaflet of this journal that a file is, to the last byte; a leaflet is proved whole before it is written."""
    from compounding.documents.leaflet_proof import elements_of
    from compounding.records.facts import LeafletWritten
    from compounding.work.scanning import meant_label, read_scan

    for element in elements_of(document) if app.has_settings else ():
        for id in filter(None, map(meant_label, read_scan(element).ids)):
            for each in app.recorded(f"label:{id}"):
                if isinstance(each.fact, LeafletWritten) and each.fact.pdf == digest:
                    return each
    return None


def _tell_leaflet(file: Path, leaflet: Recorded, digest: str, *, as_json: bool) -> None:
    fact = cast("LeafletWritten", leaflet.fact)
    if as_json:
        emit({"file": str(file), "digest": digest, "leaflet": list(fact.labels), "entry": leaflet.sequence,
              "as_recorded": True, "proved": list(fact.proved), "problems": []})  # fmt: skip
        return
    click.echo(f"{file} is the leaflet of {', '.join(fact.labels)}, Rx {fact.prescription}, entry {leaflet.sequence}")
    click.echo(f"  this is the file that was proved then: {', '.join(fact.proved)}")


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


def _is_auxiliary(app: App, words: str) -> bool:
    """True if a file says approved auxiliary sentences and nothing else: such a label carries no barcode."""
    from compounding.cli.wording import own_texts
    from compounding.documents.texts import languages, read_auxiliary

    own = own_texts(app)
    rest = " ".join(words.split())
    sentences = [said for language in languages(own) for said in read_auxiliary(language, own).values()]
    for said in sorted(sentences, key=len, reverse=True):
        rest = rest.replace(said, "")
    return bool(words.strip()) and not rest.strip()


# What a label says of the pharmacy may have changed in the settings since; the id is in the barcode.
_NOT_OF_THE_RECORD = {"pharmacy_name", "pharmacy_address", "pharmacy_phone", "identifier", "copy"}


def _known(app: App, elements: Sequence[tuple[str, str]]) -> Known | None:
    """What the record says of the labels that barcodes name; None without settings, or if there are no such labels."""
    from compounding.records.issued import labels_of, stickers_of
    from compounding.work.scanning import check_scanned, read_scan

    ids = list(dict.fromkeys(value for ai, value in elements if ai in ("91", "21")))
    if not app.has_settings or not ids or not (facts := app.recorded(f"label:{ids[0]}")):
        return None
    if sticker := stickers_of(facts).get(ids[0]):
        return _known_stickers(app, sticker, ids)
    label = labels_of(facts)[ids[0]]
    fact = label.printed
    batch = app.batch(fact.batch)
    message = "".join(f"({ai}){value}" for ai, value in dict(elements).items())
    problems = check_scanned(label, batch, read_scan(message), app.today())
    problems += [_other(id) for id in ids[1:]]
    person = app.journal.recall_personal(fact.prescription)
    prescription = Prescription(
        fact.prescription,
        person.name if person else "",
        fact.prescriber or "",
        fact.quantity,
        fact.directions,
        fact.purpose,
    )
    language, profile = fact.language or "en", read_profile(fact.profile or app.settings.profile)
    template = under(read_template(fact.template or "prescription", language=language, texts=own_texts(app)), profile)
    warning, unknown = _warning(app, batch, language, fact)
    sentences = label_sentences(batch.formula.label.auxiliary, profile, language, own_texts(app))
    filled = date.fromisoformat(fact.filled_on or label.entry.time[:10])
    text = label_text(batch, prescription, app.settings.pharmacy, warning, sentences, fact.label, filled)
    text = replace(
        text, copy=fact.copy_number, ingredients=text.ingredients if "ingredients" in profile.requires else ""
    )
    return _told(app, text, template, language, batch, label.entry.sequence, fact.stock, fact.pdf, problems + unknown)


def _known_stickers(app: App, sticker: Sticker, ids: Sequence[str]) -> Known:
    """What the record says of stickers that left together: each of them is in the file, and no other."""
    from compounding.work.scanning import check_sticker_scanned, read_scan

    fact = sticker.printed
    batch = app.batch(fact.batch)
    problems = check_sticker_scanned(sticker, read_scan(sticker.id))
    problems += [_other(id) for id in ids if id not in fact.labels]
    for id in [id for id in fact.labels if id not in ids]:
        gone = f"Sticker {id}, which was printed with these, is not in the file. Do not print it"
        problems.append(Problem("proof.sticker-missing", gone, id))
    language = fact.language or "en"
    template = read_template(fact.template, language=language, texts=own_texts(app))
    template = under(template, read_profile(fact.profile or app.settings.profile))
    warning, unknown = _warning(app, batch, language, fact)
    unreleased = batch.ended is None or batch.ended.sequence > sticker.entry.sequence
    text = sticker_text(
        batch,
        app.settings.pharmacy,
        warning,
        sticker.id,
        date.fromisoformat(fact.made_on or sticker.entry.time[:10]),
        person=fact.made_by or "",
        reason=fact.why or "",
        amount=fact.amount or "",
        status=short_word(app, language, "not_released") if unreleased else "",
    )
    told = _told(app, text, template, language, batch, sticker.entry.sequence, fact.stock, fact.pdf, problems + unknown)
    return replace(told, required=told.required * len(fact.labels), given=(*told.given, *fact.labels))


def _other(id: str) -> Problem:
    text = f"The file also holds {id}, which did not leave with the first label in it. Judge each file by itself"
    return Problem("proof.other-label", text, id)


def _warning(
    app: App, batch: Batch, language: str, fact: LabelPrinted | StickerPrinted
) -> tuple[WarningText, list[Problem]]:
    """The warning as it was printed; its words are never passed over because they are not known any more."""
    found = printed_warning(app, batch.formula.label.warning, language, fact.warning_digest)
    if found:
        return found, []
    text = (
        f"The words of {fact.warning}, with which this label was printed, are not known here any more. "
        "Do not print it: print the label again"
    )
    return WarningText("", 0, "", ""), [Problem("proof.warning-unknown", text, "warning")]


def _told(
    app: App,
    text: LabelText,
    template: Template,
    language: str,
    batch: Batch,
    entry: int,
    stock: str,
    digest: str,
    problems: list[Problem],
) -> Known:
    """What labels with these words must say, each piece of a set by itself."""
    if language != "en":
        text, missing = translated(
            text, read_texts("sentences", language, own_texts(app)), language, own_directions=True
        )
        problems = problems + missing
    required = []
    for piece in template.pieces or (template,):
        said = template_fields(text, piece)
        if "strength" in said:  # a strength alone may stand in the directions
            said["strength"] = f"{text.drug} {text.strength}"
        left = _NOT_OF_THE_RECORD | piece.may_leave_out
        required.append({name.replace("_", " "): words for name, words in said.items() if words and name not in left})
    pharmacy = app.settings.pharmacy
    judged = {"directions", "strength"}
    words = [words for label in required for name, words in label.items() if name not in judged]
    given = (pharmacy.name, pharmacy.address, pharmacy.phone, text.identifier, *words)
    return Known(text.identifier, batch.id, entry, stock, digest, tuple(required), given, problems)
