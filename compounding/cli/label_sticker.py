"""``compounding label sticker`` and ``label auxiliary``: labels that stay in the pharmacy, or stand beside another."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from compounding.cli.app import App, Decision
from compounding.cli.delivering import chosen_way, deliver, let_go, ready_printer, way_options, write_preview
from compounding.cli.ids import BATCH
from compounding.cli.label import first_option, language_option, printer_option, stock_option
from compounding.cli.label_stocks import own_stocks, printer_of, printer_shift, stock_name
from compounding.cli.show import emit, json_option, notice
from compounding.cli.wording import check_words, label_language, names_of_words, own_texts, short_word
from compounding.problems import NotUnderstood, Problem, Refused, stopping

if TYPE_CHECKING:
    from compounding.documents.profiles import Profile
    from compounding.documents.stocks import Stock
    from compounding.documents.templates import Template
    from compounding.records.batch import Batch
    from compounding.records.label import LabelText

KINDS = ("quarantine", "released", "bulk", "sample")
IN_TWO = "-two-piece"
MOST = 500

count_option = click.option("--count", type=click.IntRange(1, MOST), default=1, help="How many; default: 1.")


@click.command()
@click.argument("id", type=BATCH)
@click.argument("kind", type=click.Choice(KINDS))
@way_options
@click.option("--amount", metavar="QUANTITY", help="What the container or the sample holds.")
@click.option("--reason", default="", help="Why it is in quarantine.")
@click.option("--two-piece", is_flag=True, help="In two pieces for small stock: what it is, and the warning.")
@count_option
@language_option
@stock_option
@printer_option
@first_option
@json_option
@click.pass_obj
def sticker(
    app: App,
    id: str,
    kind: str,
    out: Path | None,
    queue: str | None,
    raw: str | None,
    preview: Path | None,
    timeout: float,
    amount: str | None,
    reason: str,
    two_piece: bool,
    count: int,
    language: str | None,
    stock: str | None,
    printer: str | None,
    first: int,
    as_json: bool,
) -> None:
    """Write or print stickers of a batch: each with its own id, proved and recorded.

    A quarantine sticker can be had at any time; a released one only of a released batch.

    \b
    compounding label sticker 2026-0001 quarantine --reason "no assay yet" --out stickers.pdf
    """
    from compounding.documents.profiles import read_profile
    from compounding.documents.remedies import sets_for
    from compounding.documents.stocks import read_stock
    from compounding.documents.templates import read_template, under
    from compounding.documents.texts import read_texts, read_warning
    from compounding.records.facts import StickerPrinted
    from compounding.work.labelling import PREVIEW, check_sticker, check_warning, label_id, sticker_text, translated

    way = chosen_way(out, queue, raw, preview, timeout)
    printer = printer_of(app, printer, way.queue)
    language, own = label_language(app, language), own_texts(app)
    profile = read_profile(app.settings.profile)
    template = under(read_template(f"{kind}{IN_TWO if two_piece else ''}", language=language, texts=own), profile)
    paper = read_stock(stock_name(app, stock, printer), own_stocks(app))
    batch = app.batch(id)
    if refused := check_sticker(batch, kind, app.today(), amount or ""):
        raise Refused(refused)
    check_warning(batch, profile.warnings)
    told = check_words(app, language, names_of_words(language, batch.formula.label.warning))
    warning = read_warning(batch.formula.label.warning, language, own)
    begin = len(app.ids("label:")) + 1
    ids = tuple(label_id(number) if way.records else PREVIEW for number in range(begin, begin + count))
    who = _who(app, batch, kind)
    text = sticker_text(
        batch,
        app.settings.pharmacy,
        warning,
        ids[0],
        app.today(),
        person=who,
        reason=reason,
        amount=amount or "",
        status="" if batch.ended else short_word(app, language, "not_released"),
    )
    if language != "en":
        # Who made it and why are words of people; what the batch says is translated, or refused.
        text, problems = translated(text, read_texts("sentences", language, own), language, own_directions=True)
        if stopping(problems):
            raise Refused(problems)
    ready = ready_printer(way, paper)
    texts = [replace(text, identifier=each) for each in ids]
    sets = [] if two_piece else sets_for(template, profile, language, own)
    pdf, problems, checks = drawn(app, texts, template, paper, first, printer, sets)
    problems += told

    def decide() -> Decision:
        now = app.batch(id)
        if refused := check_sticker(now, kind, app.today(), amount or ""):
            return Decision([], refused, {})
        fact = StickerPrinted(
            batch=id,
            labels=ids,
            template=template.id,
            stock=paper.id,
            warning=f"{warning.id} revision {warning.revision}",
            warning_digest=warning.digest,
            pdf=f"sha256:{hashlib.sha256(pdf).hexdigest()}",
            proved=checks,
            language=language,
            profile=profile.id,
            made_by=who,
            made_on=text.acted_on,
            why=reason or None,
            amount=amount,
            sent_to=way.sent_to,
        )
        seen = {f"batch:{id}": now.last_seen} | {f"label:{each}": 0 for each in ids}
        return Decision([(fact, tuple(seen))], [], seen)

    done: dict[str, Any] = {"file": str(way.out) if way.out else None, "labels": list(ids), "entry": None, "sent_to": way.sent_to}
    said = f"Preview of a {template.name.lower()} of {id}: nothing is recorded, and its barcode is no label's"
    if way.records:
        entry, what = deliver(app, way, ready, paper, (id, *ids), pdf, decide)
        done |= {"entry": entry.sequence}
        many = ids[0] if count == 1 else f"{ids[0]} to {ids[-1]}"
        said = f"{template.name} {many} of {id} proved and {what} (entry {entry.sequence})"
    if way.preview:
        write_preview(way.preview, pdf, paper)
        said += f"; picture in {way.preview}"
    if as_json:
        preview_file = str(way.preview) if way.preview else None
        emit(done | {"preview": preview_file, "problems": [vars(p) for p in problems]})
        return
    click.echo(said)
    for problem in problems:
        notice(problem.text)


def _who(app: App, batch: Batch, kind: str) -> str:
    """Who did what a sticker says: who released the batch, who made it, or who prints."""
    if kind == "released" and batch.ended:
        return app.names.get(batch.ended.person, batch.ended.person)
    if kind == "bulk" and batch.makers:
        return ", ".join(sorted(app.names.get(maker, maker) for maker in batch.makers))
    return app.person.name


def drawn(
    app: App,
    texts: Sequence[LabelText],
    template: Template,
    paper: Stock,
    first: int,
    printer: str | None,
    sets: Sequence[Template] = (),
) -> tuple[bytes, list[Problem], tuple[str, ...]]:
    """Labels of one kind as one PDF, each of them proved, with the names of the checks.

    Raises:
        Refused: one does not fit, or fails its proof.
    """
    from compounding.documents.label import draw_label, layout_set
    from compounding.documents.proof import check_file, prove_rest
    from compounding.documents.remedies import with_remedies
    from compounding.documents.sheets import imposed, places

    at = places(paper, first, len(texts) * max(1, len(template.pieces)), printer_shift(app, printer))
    pages = []
    pieces = []
    problems: list[Problem] = []
    for text in texts:
        laid, problems = layout_set(text, paper, template)
        if not laid:
            raise Refused(with_remedies(problems, text, paper, template, sets, own_stocks(app)))
        pages += [page for page, _ in laid]
        pieces += [(text, piece) for _, piece in laid]
    pdf = draw_label(*imposed(pages, paper, at), title=f"{template.name} {texts[0].identifier}")
    checked = [check_file(pdf, text, paper, piece, place=place) for (text, piece), place in zip(pieces, at, strict=True)]
    faults = [fault for each in checked for found in each.values() for fault in found]
    faults += prove_rest(pdf, paper, at)
    if stopping(faults):
        raise Refused(faults)
    return pdf, problems, tuple(dict.fromkeys(name for each in checked for name in each))


@click.command()
@click.argument("name", metavar="SENTENCE")
@way_options
@count_option
@language_option
@stock_option
@printer_option
@first_option
@json_option
@click.pass_obj
def auxiliary(
    app: App,
    name: str,
    out: Path | None,
    queue: str | None,
    raw: str | None,
    preview: Path | None,
    timeout: float,
    count: int,
    language: str | None,
    stock: str | None,
    printer: str | None,
    first: int,
    as_json: bool,
) -> None:
    """Write or print auxiliary labels: one of the approved sentences, by its name.

    They name no product and are not counted: they stand beside a label that has the warning.

    \b
    compounding label auxiliary shake-well --stock 1.5x0.5 --count 10 --out shake.pdf
    """
    from compounding.documents.profiles import read_profile
    from compounding.documents.stocks import read_stock
    from compounding.documents.templates import read_template
    from compounding.documents.texts import label_sentences, read_auxiliary
    from compounding.work.labelling import PREVIEW

    way = chosen_way(out, queue, raw, preview, timeout)
    printer = printer_of(app, printer, way.queue)
    language, own = label_language(app, language), own_texts(app)
    told = check_words(app, language, ["auxiliary"])
    known = read_auxiliary(language, own)
    if name not in known:
        text = f"{name} is no auxiliary sentence in {language}. There are: {', '.join(known)}"
        raise NotUnderstood(Problem("label.no-wording", text, name))
    profile: Profile = read_profile(app.settings.profile)
    said = next(iter(label_sentences([name], profile, language, own).values()))
    paper = read_stock(stock_name(app, stock, printer), own_stocks(app))
    ready = ready_printer(way, paper)
    template = read_template("auxiliary", language=language, texts=own)
    pdf, _, _ = drawn(app, [_sentence(said, PREVIEW, app)] * count, template, paper, first, printer)
    what = let_go(way, ready, paper, pdf, f"auxiliary {name}") if way.records else "drawn, not printed"
    if way.preview:
        write_preview(way.preview, pdf, paper)
        what += f"; picture in {way.preview}"
    if as_json:
        done = {"file": str(way.out) if way.out else None, "sent_to": way.sent_to, "sentence": said, "count": count}
        emit(done | {"preview": str(way.preview) if way.preview else None, "problems": [vars(each) for each in told]})
    else:
        click.echo(f"{count} of “{said}” proved and {what}")
        for problem in told:
            notice(problem.text)


def _sentence(said: str, identifier: str, app: App) -> LabelText:
    """The words of an auxiliary label: its sentence, and nothing of any product."""
    from compounding.records.label import LabelText, WarningText

    empty: dict[str, Any] = dict.fromkeys(
        [
            "pharmacy_name",
            "pharmacy_address",
            "pharmacy_phone",
            "patient",
            "drug",
            "strength",
            "dosage_form",
            "directions",
            "prescription",
            "quantity",
            "prescriber",
            "batch",
            "beyond_use_date",
            "compounded_on",
            "storage",
            "route",
            "compounded_statement",
        ],
        "",
    )
    return LabelText(
        **empty,
        purpose=None,
        filled_on=app.today().isoformat(),
        warning=WarningText("none", 0, "", ""),
        auxiliary=(),
        identifier=identifier,
        sentence=said,
    )
