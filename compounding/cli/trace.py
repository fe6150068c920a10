"""``compounding trace``: from a lot to the patients, and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from compounding.cli.app import App, nearest
from compounding.cli.ids import Id
from compounding.cli.lists import list_options, show_list
from compounding.cli.show import say
from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem, Refused
from compounding.quantities import told, written
from compounding.records.batch import Batch
from compounding.records.facts import LabelPrinted
from compounding.records.stock import Lot
from compounding.work.drug import drug_in_mass
from compounding.work.tracing import (
    Portion,
    Reach,
    backward,
    balance_of_batch,
    crushed_and_left,
    drug_weighed_in,
    forward,
    lots_in,
    made_in,
    mass_in,
    portions_of_lot,
)

HEAD = ("of", "id", "what", "where", "amount", "mass", "drug")


@dataclass(frozen=True)
class Meant:
    """What an id names: a lot, or batches; of a prescription all that it was labelled from."""

    lot: str | None
    batches: tuple[str, ...]


@click.command()
@click.argument("id", type=Id("lot", "batch", "rx", "label"))
@list_options
@click.pass_obj
def trace(app: App, /, id: str, **wanted: Any) -> None:
    """Follow a lot to the patients, or a batch or a prescription both ways; every portion with amount, mass and drug.

    The masses of a batch add up to what was weighed in, and so does its drug, by what the source is stated to hold.
    A liquid is not weighed as a whole: it is made up to volume, and its drug is followed by volume.

    Triturations made here are followed through to what was made from them. Where two things have the same id, write
    lot:ID, batch:ID or rx:ID.

    \b
    compounding trace TAB-1
    compounding trace CAPS-1
    compounding trace 1234567
    """
    found = meant(app, id)
    before = backward(app, found.batches)
    after = forward(app, filter(None, (found.lot,)), found.batches)
    if not any(wanted.values()):
        for line in [*_origins(before, found.batches, 0), *_ways(after, found)]:
            say(line)
        return
    rows = _rows(before, after, found)
    show_list(
        "portions", HEAD, rows, lambda: [dict(zip(HEAD, row, strict=True)) for row in rows], right=(4, 5, 6), **wanted
    )


def meant(app: App, id: str) -> Meant:
    """What an id names.

    Raises:
        Refused: nothing here has this id.
        NotUnderstood: two things have it.
    """
    kind, _, name = id.rpartition(":")
    known = {
        "lot": app.lot(name) is not None,
        "batch": bool(app.recorded(f"batch:{name}")),
        "rx": bool(app.recorded(f"rx:{name}")),
        "label": bool(app.recorded(f"label:{name}")),
    }
    kinds = [each for each, there in known.items() if there and kind in ("", each)]
    if not kinds:
        everything = [*app.ids("lot:"), *app.ids("batch:"), *app.ids("rx:")]
        text = f"{id} is no lot, batch, prescription or label here{nearest(name, everything)}"
        raise Refused(Problem("trace.unknown", text, id))
    if len(kinds) > 1:
        ways = " or ".join(f"{each}:{name}" for each in kinds)
        raise NotUnderstood(Problem("trace.ambiguous", f"{name} names more than one thing: write {ways}", id))
    if kinds[0] == "lot":
        return Meant(name, ())
    if kinds[0] == "batch":
        return Meant(None, (name,))
    printed = [each.fact for each in app.recorded(f"{kinds[0]}:{name}") if isinstance(each.fact, LabelPrinted)]
    return Meant(None, tuple(dict.fromkeys(each.batch for each in printed)))


def _rows(before: Reach, after: Reach, found: Meant) -> list[tuple[str, ...]]:
    """Of lots on the way to a batch what went into it; of what came from it every portion."""
    rows = [
        _row("lot", lot.id, each)
        for lot in before.lots.values()
        for each in portions_of_lot(lot)
        if each.where in before.batches
    ]
    rows += [_row("lot", lot.id, each) for lot in after.lots.values() for each in portions_of_lot(lot)]
    earlier = {id: batch for id, batch in before.batches.items() if id not in after.batches}
    for id, batch in {**earlier, **after.batches}.items():
        rows += [_row("batch", id, each) for each in balance_of_batch(batch)] or [
            ("batch", id, batch.state, "", "", "", "")
        ]
    return rows


def _row(of: str, id: str, each: Portion) -> tuple[str, ...]:
    amount = written(each.amount) if each.amount is not None else ""
    mass = written(each.mass, 1) if each.mass is not None else ""
    return of, id, each.what, each.where, amount, mass, written(each.drug, 2) if each.drug is not None else ""


def _origins(before: Reach, batches: Sequence[str], depth: int) -> Iterator[str]:
    """What batches were made of, each lot below its batch, and below a trituration what that was made of."""
    inside = "  " * depth
    for id in batches:
        batch = before.batches[id]
        yield f"{inside}batch {id} was made of"
        for name in lots_in(batch):
            lot = before.lots.get(name)
            if lot is None:
                yield f"{inside}    lot {name}"
                continue
            for taker, line, taken in lot.used:
                if taker == id:
                    rest = _crushed(batch) if line == "source" else ""
                    yield f"{inside}  {told(taken):>14}  of lot {_origin(lot)}{'; ' if rest else ''}{rest}"
            if lot.received.made_here:
                yield from _origins(before, (lot.received.made_here.batch,), depth + 2)


def _crushed(batch: Batch) -> str:
    """What was left of the tablets that were crushed; empty if nothing was."""
    crushed = crushed_and_left(batch)
    if crushed is None or crushed.magnitude <= 0:
        return ""
    return f"about {told(crushed, 1)} of them crushed and not weighed in, drug {told(drug_in_mass(batch, crushed), 2)}"


def _origin(lot: Lot) -> str:
    received = lot.received
    code = f", NDC {received.ndc}" if received.ndc else ""
    return f"{lot.id}: {received.material}, {received.supplier} {received.supplier_lot}{code}"


def _ways(after: Reach, found: Meant) -> Iterator[str]:
    """Where everything went, each batch below the lot, and each lot below the batch, that it came from."""
    shown: set[str] = set()
    if found.lot is not None:
        yield from _lot_ways(after, after.lots[found.lot], 0, shown)
    for id in found.batches:
        yield from _batch_ways(after, after.batches[id], 0, shown)


def _lot_ways(after: Reach, lot: Lot, depth: int, shown: set[str]) -> Iterator[str]:
    inside = "  " * depth
    yield f"{inside}lot {_origin(lot)}: {lot.received.amount} received"
    for each in portions_of_lot(lot):
        yield f"{inside}  {_portion(each)}"
        if each.what == "used in batch":
            batch = after.batches[each.where]
            if batch.plan.source.lot == lot.id and (rest := _crushed(batch)):
                yield f"{inside}  {'':>14}  {rest}"
            yield from _batch_ways(after, batch, depth + 2, shown)
    used = {batch for batch, _, _ in lot.used}
    for id in lot.opened:
        if id not in used and id in after.batches:
            yield f"{inside}  {'':>14}  nothing yet in batch: {id}, on the bench"
    yield f"{inside}  {'= ' + lot.received.amount:>14}"


def _batch_ways(after: Reach, batch: Batch, depth: int, shown: set[str]) -> Iterator[str]:
    inside = "  " * depth
    if f"batch {batch.id}" in shown:
        yield f"{inside}batch {batch.id}: see above"
        return
    shown.add(f"batch {batch.id}")
    yield f"{inside}batch {batch.id}: {batch.plan.name}, {batch.plan.strength}; {batch.state}"
    for each in balance_of_batch(batch):
        yield f"{inside}  {_portion(each)}"
        if each.what == "became lot" and each.where in after.lots:
            yield from _lot_ways(after, after.lots[each.where], depth + 2, shown)
    made, mass, drug = made_in(batch), mass_in(batch), drug_weighed_in(batch)
    if made is not None:
        weighed = f"; {told(mass)} weighed in" if mass is not None else "; not weighed as a whole"
        active = f"; drug weighed in: {told(drug, 2)} of {batch.plan.active.substance}" if drug is not None else ""
        yield f"{inside}  {'= ' + told(made):>14}{weighed}{active}"


def _portion(each: Portion) -> str:
    amount = told(each.amount) if each.amount is not None else ""
    mass = told(each.mass, 1) if each.mass is not None else ""
    drug = f"drug {told(each.drug, 2)}" if each.drug is not None else ""
    inside = f" ({', '.join(filter(None, (mass, drug)))})" if mass or drug else ""
    return f"{amount:>14}  {each.what}{': ' + each.where if each.where else ''}{inside}"
