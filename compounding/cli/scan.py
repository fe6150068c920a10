"""``compounding scan``: what is it that a hand scanner has just read?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click

from compounding.cli.app import App, Decision
from compounding.cli.ids import LABEL
from compounding.cli.show import emit, json_option, say
from compounding.problems import CompoundingError, NotUnderstood, Problem, Refused, stopping
from compounding.records.batch import Batch
from compounding.records.issued import Label, Sticker, labels_of, stickers_of
from compounding.work.labelling import PREVIEW
from compounding.work.scanning import (
    Scan,
    check_scanned,
    check_sticker_scanned,
    check_stuck_on,
    confirm_label,
    meant_label,
    read_scan,
    same_id,
    supplied_codes,
)


@click.command()
@click.argument("text", required=False)
@click.option("--printed", is_flag=True, help="This label was just printed: record that it was read back.")
@click.option("--expect", type=LABEL, help="With --printed: the label that it must be.")
@json_option
@click.pass_context
def scan(ctx: click.Context, text: str | None, printed: bool, expect: str | None, as_json: bool) -> None:
    """Say what a barcode or an id is: a label, a lot, a batch, a supplier's package, or a head of the journal.

    TEXT is what the scanner types. Without it scans are read line by line, until an empty one or the end.

    \b
    compounding scan L0000001A
    compounding scan --printed --expect L0000001A
    """
    app: App = ctx.obj
    lines = [text] if text is not None else _lines()
    wrong = 0
    for line in lines:
        try:
            data, words, problems = _answered(app, line, printed, expect)
        except CompoundingError as error:
            if text is not None:
                raise
            data, words, problems = {"read": line, "kind": None}, "", list(error.problems)
        if as_json:
            emit(data | {"problems": [vars(each) for each in problems]})
        elif words:
            say(words)
        for problem in problems:
            click.echo(f"{problem.text} [{problem.code}]", err=True)
        wrong += bool(stopping(problems))
    ctx.exit(1 if wrong else 0)


def _lines() -> Iterator[str]:
    """Scans as they come; on a terminal each is asked for, and an empty line ends."""
    asks = sys.stdin.isatty()
    while True:
        if asks:
            click.echo("Scan: ", nl=False, err=True)
        line = sys.stdin.readline()
        if not line.strip():
            return
        yield line.rstrip("\r\n")


def _answered(app: App, typed: str, printed: bool, expect: str | None) -> tuple[dict[str, Any], str, list[Problem]]:
    """What was scanned: as data, in words, and what is wrong with it."""
    read = read_scan(typed)
    for id in read.ids:
        if id.upper() == PREVIEW:
            text = "This is a preview, printed to look at, and no label: destroy it"
            raise Refused(Problem("scan.preview", text, id))
        label = meant_label(id)
        if label and (facts := app.recorded(f"label:{label}")):
            tell_label = _sticker if label in stickers_of(facts) else _label
            return tell_label(app, read, label, printed, expect)
        if printed:
            continue
        for kind, tell in (("batch", _batch), ("lot", _lot)):
            known = same_id(id, app.ids(f"{kind}:"))
            if known:
                return tell(app, known)
    if printed:
        raise Refused(_unknown(read, "no label that was printed here"))
    return _package(app, read) or _head(app, read)


def _label(
    app: App, read: Scan, id: str, printed: bool, expect: str | None
) -> tuple[dict[str, Any], str, list[Problem]]:
    def found() -> tuple[Label, Any]:
        label = labels_of(app.recorded(f"label:{id}"))[id]
        return label, app.batch(label.printed.batch)

    label, batch = found()
    if printed:

        def decide() -> Decision:
            label, batch = found()
            return _read_back(batch, id, read, expect, check_scanned(label, batch, read, app.today()))

        app.record(decide)
        label, batch = found()
    problems = check_scanned(label, batch, read, app.today())
    fact, plan = label.printed, batch.plan
    data = {
        "read": read.text,
        "kind": "label",
        "label": id,
        "state": label.state,
        "batch": batch.id,
        "batch_state": batch.state,
        "product": plan.name,
        "strength": plan.strength,
        "quantity": fact.quantity,
        "prescription": fact.prescription,
        "beyond_use": plan.beyond_use.date,
        "copy": fact.copy_number,
        "printed": label.entry.time,
        "scanned": label.scanned.time if label.scanned else None,
        "replaced_by": label.replaced_by,
    }
    copy = f", copy {fact.copy_number}" if fact.copy_number > 1 else ""
    read_back = "; read back" if label.scanned else ""
    words = (
        f"Label {id}{copy}: {label.state}{read_back}. {plan.name}, {plan.strength}, {fact.quantity}, "
        f"Rx {fact.prescription}. Batch {batch.id}, {batch.state}, use by {plan.beyond_use.date}"
    )
    return data, words, problems


def _read_back(batch: Batch, id: str, read: Scan, expect: str | None, problems: list[Problem]) -> Decision:
    fact, problems = confirm_label(batch.id, id, read, expect, problems)
    subjects = (f"batch:{batch.id}", f"label:{id}")
    return Decision([(fact, subjects)] if fact else [], problems, {f"batch:{batch.id}": batch.last_seen})


def _sticker(
    app: App, read: Scan, id: str, printed: bool, expect: str | None
) -> tuple[dict[str, Any], str, list[Problem]]:
    """A sticker of a batch: one for quarantine is never an answer to go on with."""

    def found() -> tuple[Sticker, Batch]:
        sticker = stickers_of(app.recorded(f"label:{id}"))[id]
        return sticker, app.batch(sticker.printed.batch)

    if printed:

        def decide() -> Decision:
            sticker, batch = found()
            return _read_back(batch, id, read, expect, check_sticker_scanned(sticker, read))

        app.record(decide)
    sticker, batch = found()
    problems = check_sticker_scanned(sticker, read)
    problems += [] if printed else check_stuck_on(sticker, batch, app.today())
    kind, plan = sticker.kind, batch.plan
    data = {
        "read": read.text,
        "kind": "sticker",
        "label": id,
        "says": kind,
        "state": sticker.state,
        "batch": batch.id,
        "batch_state": batch.state,
        "product": plan.name,
        "strength": plan.strength,
        "beyond_use": plan.beyond_use.date,
        "printed": sticker.entry.time,
        "scanned": sticker.scanned.time if sticker.scanned else None,
    }
    named = f"{kind.capitalize()} {'label' if kind in ('bulk', 'sample') else 'sticker'} {id}"
    words = (
        f"{named}: {sticker.state}{'; read back' if sticker.scanned else ''}. {plan.name}, {plan.strength}. "
        f"Batch {batch.id}, {batch.state}, use by {plan.beyond_use.date}"
    )
    return data, words, problems


def _batch(app: App, id: str) -> tuple[dict[str, Any], str, list[Problem]]:
    batch = app.batch(id)
    plan = batch.plan
    data = {
        "kind": "batch",
        "batch": id,
        "batch_state": batch.state,
        "product": plan.name,
        "strength": plan.strength,
        "beyond_use": plan.beyond_use.date,
    }
    return data, f"Batch {id}, {batch.state}: {plan.name}, {plan.strength}, use by {plan.beyond_use.date}", []


def _lot(app: App, id: str) -> tuple[dict[str, Any], str, list[Problem]]:
    lot = app.lot(id)
    assert lot is not None
    fact = lot.received
    problems = []
    if lot.quarantined:
        problems.append(Problem("lot.quarantined", f"Lot {id} is in quarantine ({lot.quarantined}): do not use it", id))
    if lot.expires < app.today():
        problems.append(Problem("lot.expired", f"Lot {id} expired on {fact.expires}: do not use it", id))
    data = {
        "kind": "lot",
        "lot": id,
        "material": fact.material,
        "supplier": fact.supplier,
        "supplier_lot": fact.supplier_lot,
        "expires": fact.expires,
    }
    words = f"Lot {id}: {fact.material}, {fact.supplier} lot {fact.supplier_lot}, to be used by {fact.expires}"
    return data, words, problems


def _package(app: App, read: Scan) -> tuple[dict[str, Any], str, list[Problem]] | None:
    """The lot that a supplier's package belongs to, by the lot number on it and the drug code in its trade item number."""
    number, code = supplied_codes(read)
    if number is None:
        return None
    lots = [lot for lot in app.lots() if lot.received.supplier_lot.casefold() == number.casefold()]
    for lot in lots:
        ours = (lot.received.ndc or "").replace("-", "")
        if not (code and ours) or ours == code:
            data, words, problems = _lot(app, lot.id)
            return data | {"supplier_package": True}, f"{words} (by the supplier's barcode)", problems
    text = f"A supplier's package of lot {number}: no lot received here has that number. Receive it, or set it aside"
    raise Refused(Problem("scan.unknown-package", text, number))


def _head(app: App, read: Scan) -> tuple[dict[str, Any], str, list[Problem]]:
    """The state of the journal whose short code was printed on a paper."""
    from compounding.store.log import read_short_code, short_code

    try:
        code = read_short_code(read.text)
    except NotUnderstood:
        raise Refused(_unknown(read, "no label, lot, batch or head of this journal")) from None
    entries = app.journal.entries()
    for entry in entries:
        if short_code(app.journal.origin, entry.head) == code:
            size = entry.head.size
            break
    else:
        if app.journal.short_code() != code:
            text = f"{code} is no head of this journal: the paper is another journal's, or entries were changed"
            raise Refused(Problem("scan.unknown-head", text, code))
        size = len(entries)
    words = f"The journal as it was after entry {size}; {len(entries) - size} entries came since"
    return {"kind": "head", "head": code, "entries": size}, words, []


def _unknown(read: Scan, is_what: str) -> Problem:
    hint = ""
    if any(id[:1].upper() == "L" and id[1:-1].isdigit() for id in read.ids):
        hint = " Its check character is wrong, or it was printed elsewhere."
    text = f"{read.text!r} is {is_what}.{hint} Scan again, or type the id as it is printed"
    return Problem("scan.unknown", text, read.text)
