"""``compounding dispense``, ``trace`` and ``recall``: from a lot to the patients, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from compounding.cli.app import App, Decision, nearest
from compounding.cli.lists import list_options, show_list
from compounding.cli.show import emit, json_option, notice
from compounding.problems import Problem, Refused
from compounding.quantities import told
from compounding.records.batch import Batch
from compounding.records.facts import LabelPrinted, LotQuarantined
from compounding.records.record import Record
from compounding.records.series import series_subjects
from compounding.work.dispensing import Portion, portions_of_batch, portions_of_lot
from compounding.work.dispensing import dispense as decide_dispense
from compounding.work.dispensing import recall as decide_recall
from compounding.work.scanning import meant_label, read_scan


@click.command()
@click.argument("label")
@json_option
@click.pass_obj
def dispense(app: App, label: str, as_json: bool) -> None:
    """Record that a labelled container goes out; scan or type its label. What it is and for whom, the label says.

    \b
    compounding dispense L00000018
    """
    id = next(filter(None, map(meant_label, read_scan(label).ids)), label)
    printed = _printed(app, id)

    def decide() -> Decision:
        batch = app.batch(printed.batch)
        fact, problems = decide_dispense(batch, id, app.today())
        subjects = (f"batch:{batch.id}", f"label:{id}", f"rx:{printed.prescription}")
        return Decision([(fact, subjects)] if fact else [], problems, {f"batch:{batch.id}": batch.last_seen})

    _, entries = app.record(decide)
    if as_json:
        emit({"label": id, "batch": printed.batch, "prescription": printed.prescription,
              "quantity": printed.quantity, "entry": entries[0].sequence, "problems": []})  # fmt: skip
    else:
        says = f"{printed.quantity} of batch {printed.batch} dispensed for Rx {printed.prescription}"
        click.echo(f"{says}, label {id}. (entry {entries[0].sequence})")


def _printed(app: App, id: str) -> LabelPrinted:
    for each in app.recorded(f"label:{id}"):
        if isinstance(each.fact, LabelPrinted):
            return each.fact
    text = f"{id} is no label that was printed here{nearest(id, app.ids('label:'))}"
    raise Refused(Problem("dispense.label", text, id))


@click.command()
@click.argument("id", metavar="LOT|BATCH|RX")
@list_options
@click.pass_obj
def trace(app: App, /, id: str, **wanted: Any) -> None:
    """Follow a lot to the patients, or a batch or a prescription both ways; every portion with its amount.

    \b
    compounding trace TAB-1
    compounding trace CAPS-1
    compounding trace 1234567
    """
    rows = _traced(app, id)
    if wanted["as_json"] or wanted["csv"] or wanted["xlsx"]:
        keys = ("of", "id", "what", "where", "amount")
        show_list("portions", keys, rows, lambda: [dict(zip(keys, row, strict=True)) for row in rows], **wanted)
        return
    before = None
    for of, name, what, where, amount in rows:
        if (of, name) != before:
            click.echo(f"{of} {name}")
            before = (of, name)
        click.echo(f"  {amount:>16}  {what}{f': {where}' if where else ''}")


def _traced(app: App, id: str) -> list[tuple[str, str, str, str, str]]:
    """Rows of what is bound to a lot, a batch or a prescription: the lots, the batches, the containers."""
    batches = _batches_of(app, id)
    lots = [id] if app.lot(id) else list(dict.fromkeys(lot for each in batches for lot in lots_in(each)))
    rows = []
    for name in lots:
        lot = app.lot(name)
        if lot is not None:
            portions = portions_of_lot(lot)
            of_these = [each for each in portions if name == id or each.where in {batch.id for batch in batches}]
            rows += [_row("lot", name, each) for each in of_these]
    for batch in batches:
        rows += [_row("batch", batch.id, each) for each in portions_of_batch(batch)] or [
            ("batch", batch.id, batch.state, "", "")
        ]
    return rows


def _row(of: str, id: str, each: Portion) -> tuple[str, str, str, str, str]:
    return of, id, each.what, each.where, told(each.amount)


def _batches_of(app: App, id: str) -> list[Batch]:
    """The batches that a lot went into, or the batch itself, or the batch of a prescription."""
    lot = app.lot(id)
    if lot is not None:
        return [app.batch(each) for each in dict.fromkeys(batch for batch, _, _ in lot.used)]
    if app.recorded(f"batch:{id}"):
        return [app.batch(id)]
    named = [each.fact.batch for each in app.recorded(f"rx:{id}") if isinstance(each.fact, LabelPrinted)]
    if not named:
        known = [*app.ids("lot:"), *app.ids("batch:"), *app.ids("rx:")]
        text = f"{id} is no lot, batch or prescription here{nearest(id, known)}"
        raise Refused(Problem("trace.unknown", text, id))
    return [app.batch(each) for each in dict.fromkeys(named)]


def lots_in(batch: Batch) -> tuple[str, ...]:
    """The lots of a batch, as its plan names them."""
    lots = [line.lot for line in batch.plan.lines] + [batch.plan.capsule.lot if batch.plan.capsule else None]
    return tuple(dict.fromkeys(filter(None, lots)))


@dataclass(frozen=True)
class Call:
    """One patient to call: under which prescription, what went out, of which batch."""

    batch: str
    prescription: str
    patient: str
    quantity: str
    state: str


@click.command()
@click.argument("id", metavar="LOT|BATCH")
@click.option("--reason", required=True, help="Why it is called back.")
@list_options
@click.pass_obj
def recall(app: App, /, id: str, reason: str, **wanted: Any) -> None:
    """Call a released batch back, or every batch that a lot went into, and list whom to call.

    A lot goes into quarantine with it. Nothing of a recalled batch is labelled or dispensed any more. Names come from the
    prescriptions; telephone numbers are not kept here.

    \b
    compounding --as ana recall TAB-1 --reason "supplier's notice of 3 May"
    """

    def decide() -> Decision:
        lot = app.lot(id)
        batches = [each for each in _batches_of(app, id) if each.state == "released" or lot is None]
        facts: list[tuple[Record, tuple[str, ...]]] = []
        problems: list[Problem] = []
        seen = {f"batch:{each.id}": each.last_seen for each in batches}
        for batch in batches:
            fact, wrong = decide_recall(batch, app.person, id if lot else None)
            problems += wrong
            if fact:
                facts.append((fact, (f"batch:{batch.id}", *series_subjects(batch.plan, fact))))
        if lot is not None and not lot.quarantined:
            facts.append((LotQuarantined(lot=id), (f"lot:{id}",)))
            seen[f"lot:{id}"] = lot.last_seen
        if not facts and not problems:
            problems.append(
                Problem("recall.nothing", f"No released batch holds {id}, and it is in quarantine already", id)
            )
        if any(each.stops for each in problems):
            facts = []
        return Decision(facts, problems, seen, reason)

    batches = _batches_of(app, id)
    app.record(decide)
    calls = [call for batch in batches for call in _calls(app, app.batch(batch.id))]
    head = ("batch", "prescription", "patient", "quantity", "state")
    rows = [(each.batch, each.prescription, each.patient, each.quantity, each.state) for each in calls]
    show_list("calls", head, rows, lambda: [vars(each) for each in calls], right=(3,), **wanted)
    recalled = [batch.id for batch in batches if app.batch(batch.id).state == "recalled"]
    notice(f"Recalled: {', '.join(recalled) or 'no batch'}. {len(calls)} containers to call back.")


def _calls(app: App, batch: Batch) -> list[Call]:
    """Who has, or is about to get, something of a batch."""
    if batch.state != "recalled":
        return []
    calls = []
    for portion in portions_of_batch(batch):
        if portion.what in ("dispensed", "labelled"):
            prescription = portion.where.removeprefix("Rx ").partition(",")[0]
            known = app.journal.recall_personal(prescription)
            name = known.name if known else "name erased: see the paper prescription"
            calls.append(Call(batch.id, prescription, name, told(portion.amount), portion.what))
    return calls
