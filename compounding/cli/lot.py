"""``compounding lot``: source lots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from compounding.cli.app import App, Decision, fail_if_stopped, read_text, unknown_lot
from compounding.cli.ids import BATCH, LOT
from compounding.cli.lists import list_options, show_list
from compounding.cli.lot_import import import_lots
from compounding.cli.ordering import CERTIFICATE, TABLET_CONTENT, day, with_options
from compounding.cli.show import emit, json_option, notice, say
from compounding.problems import NotUnderstood, Problem, stopping
from compounding.quantities import told, written
from compounding.records.facts import LotCleared, LotMeasured, LotQuarantined, LotReceived, Packing
from compounding.records.national_code import national_code
from compounding.records.record import Record, as_data, replaced, validated
from compounding.records.stock import Lot
from compounding.work.own_lots import check_clear, lot_from_batch
from compounding.work.stocking import (
    check_densities,
    check_measured,
    check_received,
    check_shells,
    check_tablets_again,
)


@click.group()
def lot() -> None:
    """Source lots: tablets, fillers, shells, ingredients."""


weights_options = (
    click.option(
        "--weights",
        "weights_file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="File with single weights, one a line.",
    ),
    click.option(
        "--weight", "weights", multiple=True, metavar="MASS", help='One single weight, such as "302.4 mg"; repeat it.'
    ),
    click.option(
        "--packing",
        multiple=True,
        metavar="SIZE:MAKER:MASS",
        help='Packing statistic, such as "3:coni-snap:135 mg"; repeat it.',
    ),
    click.option("--tapped-density", metavar="DENSITY", help='Tapped density, such as "0.45 g/mL".'),
    click.option("--bulk-density", metavar="DENSITY", help='Bulk density, such as "0.32 g/mL".'),
)


def _weighing_options(command: Any) -> Any:
    for option in reversed(weights_options):
        command = option(command)
    return command


def _weights(file: Path | None, given: Sequence[str]) -> tuple[str, ...]:
    lines = read_text(file, "weights", "give a file with one weight a line").splitlines() if file else []
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#")) + tuple(given)


def _packings(given: Sequence[str]) -> tuple[Packing, ...]:
    read = []
    for text in given:
        parts = text.split(":")
        if len(parts) != 3:
            raise NotUnderstood(
                Problem(
                    "lot.packing",
                    f'{text!r} is not a packing: write SIZE:MAKER:MASS, such as "3:coni-snap:135 mg"',
                    text,
                )
            )
        read.append(validated(Packing, {"size": parts[0], "maker": parts[1], "mass": parts[2]}, "--packing"))
    return tuple(read)


CERTIFICATE_FIELDS = ("form", "assay", "assay_basis", "assay_of", "water", "loss_on_drying", "solvents")


@lot.command()
@click.argument("id", metavar="ID")
@click.option(
    "--role",
    required=True,
    type=click.Choice(["tablet", "powder", "filler", "shell", "ingredient", "trituration"]),
    help="What the lot is for.",
)
@click.option("--material", help='Material in small letters, such as "naltrexone tablets" or "glycerol".')
@click.option("--supplier", help="Who supplied it.")
@click.option("--supplier-lot", help="The lot number on the container.")
@click.option("--expires", metavar="DATE", help="Last day of use, such as 2027-12-31.")
@click.option("--from-batch", type=BATCH, help="Batch of trituration made here; it says all but the amount.")
@click.option("--amount", required=True, metavar="QUANTITY", help='How much came in, such as "100 tablets" or "500 g".')
@click.option("--price", metavar="NUMBER", help="What that cost, in the pharmacy's currency, such as 24.50.")
@click.option("--received", metavar="DATE", help="Day of receipt; default: today.")
@click.option("--ndc", help="National Drug Code as on the container, such as 47335-326-08.")
@click.option("--label-claim", metavar="MASS", help='Active in one tablet by its label, such as "50 mg".')
@click.option("--size", help="Size of the shells.")
@click.option("--maker", help="Maker of the shells.")
@click.option("--volume", metavar="VOLUME", help="Volume of one shell, if its maker states another.")
@with_options(*TABLET_CONTENT, *CERTIFICATE)
@click.option("--certificate", metavar="TEXT", help="Number or digest of a powder's certificate.")
@_weighing_options
@json_option
@click.pass_obj
def receive(
    app: App,
    /,
    id: str,
    as_json: bool,
    weights_file: Path | None,
    weights: tuple[str, ...],
    packing: tuple[str, ...],
    from_batch: str | None,
    **given: Any,
) -> None:
    """Receive a lot.

    \b
    compounding lot receive TAB-1 --role tablet --material "naltrexone tablets" --supplier Sun \\
      --supplier-lot AB123 --ndc 47335-326-08 --expires 2027-12-31 --amount "100 tablets" \\
      --label-claim "50 mg" --weights weights.txt
    compounding lot receive TRIT-1 --role trituration --from-batch 2026-0003 --amount "9.8 g"
    """
    if from_batch:
        _receive_own(app, id, from_batch, _packings(packing), {**given, "weight": weights or weights_file}, as_json)
        return
    missing = [f"--{name.replace('_', '-')}" for name in SAID_BY_A_BATCH if given[name] is None]
    if missing:
        text = f"A lot that comes in needs {', '.join(missing)}; one that was made here needs --from-batch alone"
        raise NotUnderstood(Problem("lot.options", text, missing[0]))
    on_certificate = {name: given.pop(name) for name in CERTIFICATE_FIELDS} | {"number": given.pop("certificate")}
    body = {key: value for key, value in given.items() if value is not None}
    if any(on_certificate.values()):
        body["certificate"] = {key: value for key, value in on_certificate.items() if value is not None}
    body |= {
        "lot": id,
        "received": day(app, given["received"]).isoformat(),
        "weights": _weights(weights_file, weights),
        "packing": [as_data(each) for each in _packings(packing)],
    }
    if given["ndc"]:
        body["national_code"] = national_code(given["ndc"])
    fact = validated(LotReceived, body, f"lot {id}")

    def decide() -> Decision:
        known = app.lot(id)
        problems = check_received(fact, app.today()) + _check_new(known)
        facts: list[tuple[Record, tuple[str, ...]]] = [] if stopping(problems) else [(fact, (f"lot:{id}",))]
        return Decision(facts, problems, {f"lot:{id}": 0} if known is None else {})

    _done(
        app,
        *app.record(decide),
        id,
        f"Lot {id} received: {fact.amount} of {fact.material}, to be used by {fact.expires}.",
        as_json,
    )


def _check_new(known: Lot | None) -> list[Problem]:
    if known is None:
        return []
    text = f"Lot {known.id} was received before, on {known.received.received}: give this one another id"
    return [Problem("lot.known", text, known.id)]


# What has to be said of a lot that comes in, and what a batch made here says itself.
SAID_BY_A_BATCH = ("material", "supplier", "supplier_lot", "expires")


def _receive_own(
    app: App, id: str, batch_id: str, packing: tuple[Packing, ...], given: dict[str, Any], as_json: bool
) -> None:
    """A batch of trituration becomes a lot: the batch says what it is, what it holds and until when."""
    allowed = {"role", "amount", "expires", "received"}
    stray = [f"--{name.replace('_', '-')}" for name, value in given.items() if value and name not in allowed]
    if stray or given["role"] != "trituration":
        text = f"The batch says what its lot is: leave out {', '.join(stray)}" if stray else "Give --role trituration"
        raise NotUnderstood(Problem("lot.options", f"{text}. Only a trituration is a lot from a batch", batch_id))
    received = day(app, given["received"])
    expires = day(app, given["expires"]) if given["expires"] else None

    def decide() -> Decision:
        batch, known = app.batch(batch_id), app.lot(id)
        fact, problems = lot_from_batch(batch, id, given["amount"], app.settings.pharmacy.name, received, expires)
        problems += _check_new(known)
        fact = replaced(fact, packing=packing) if fact else None
        problems += check_received(fact, app.today()) if fact else []
        subjects = (f"lot:{id}", f"batch:{batch_id}")
        facts: list[tuple[Record, tuple[str, ...]]] = [(fact, subjects)] if fact and not stopping(problems) else []
        return Decision(facts, problems, {f"batch:{batch_id}": batch.last_seen, f"lot:{id}": 0})

    decision, entries = app.record(decide)
    fact = decision.facts[0][0]
    assert isinstance(fact, LotReceived) and fact.made_here
    says = (
        f"Lot {id} received: {fact.amount} of {fact.material} from batch {batch_id}, {fact.made_here.strength}, assayed "
        f"{fact.made_here.assay}, to be used by {fact.expires}."
    )
    _done(app, decision, entries, id, says, as_json)


def _done(app: App, decision: Decision, entries: Any, id: str, says: str, as_json: bool) -> None:
    found = app.lot(id)
    assert found is not None
    if as_json:
        emit(
            {
                "lot": lot_data(found),
                "entries": [entry.sequence for entry in entries],
                "problems": [vars(each) for each in decision.problems],
            }
        )
    else:
        say(f"{says} (entry {entries[-1].sequence})")
        for problem in decision.problems:
            notice(problem.text)
    fail_if_stopped(decision.problems)


@lot.command()
@click.argument("id", type=LOT)
@_weighing_options
@json_option
@click.pass_obj
def measure(
    app: App,
    /,
    id: str,
    as_json: bool,
    weights_file: Path | None,
    weights: tuple[str, ...],
    packing: tuple[str, ...],
    **densities: str | None,
) -> None:
    """Record new single weights, a packing statistic or a density of a lot; the earlier ones stay on record."""
    body = {
        "lot": id,
        "weights": _weights(weights_file, weights),
        "packing": [as_data(each) for each in _packings(packing)],
    }
    measured = {name: text for name, text in densities.items() if text}
    fact = validated(LotMeasured, body | measured, f"lot {id}")
    if not (fact.weights or fact.packing or measured):
        text = "Nothing was measured: give --weights, --packing, --tapped-density or --bulk-density"
        raise NotUnderstood(Problem("lot.measure", text, id))

    def decide() -> Decision:
        found, problems = _known(app, id)
        problems += check_measured(fact, app.today())
        if found and measured and not problems:
            after = found.after(fact)
            problems += check_densities(f"Lot {id}", after.bulk_density, after.tapped_density)
        if found and fact.weights and found.received.role == "tablet" and not problems:
            problems += check_tablets_again(found, fact.weights)
        if found and found.received.role == "shell" and not problems:
            problems += check_shells(found.received, fact.weights, app.today())
        return _decided(fact, id, found, problems)

    _done(app, *app.record(decide), id, f"Lot {id} measured.", as_json)


def _known(app: App, id: str) -> tuple[Lot | None, list[Problem]]:
    found = app.lot(id)
    return found, [] if found else [unknown_lot(app, id)]


def _decided(fact: Record, id: str, found: Lot | None, problems: list[Problem], reason: str | None = None) -> Decision:
    facts = [] if stopping(problems) else [(fact, (f"lot:{id}",))]
    return Decision(facts, problems, {f"lot:{id}": found.last_seen} if found else {}, reason)


@lot.command()
@click.argument("id", type=LOT)
@click.option("--reason", required=True, help="Why it may not be used.")
@json_option
@click.pass_obj
def quarantine(app: App, id: str, reason: str, as_json: bool) -> None:
    """Put a lot into quarantine: no plan takes it until it is cleared."""

    def decide() -> Decision:
        found, problems = _known(app, id)
        if found and found.quarantined:
            problems.append(Problem("lot.quarantined", f"Lot {id} is in quarantine already ({found.quarantined})", id))
        return _decided(LotQuarantined(lot=id), id, found, problems, reason)

    _done(app, *app.record(decide), id, f"Lot {id} is in quarantine: {reason}.", as_json)


@lot.command()
@click.argument("id", type=LOT)
@click.option("--reason", required=True, help="Why it may be used again.")
@json_option
@click.pass_obj
def clear(app: App, id: str, reason: str, as_json: bool) -> None:
    """Clear a lot from quarantine."""

    def decide() -> Decision:
        found, problems = _known(app, id)
        if found and not found.quarantined:
            problems.append(Problem("lot.not-quarantined", f"Lot {id} is not in quarantine", id))
        batch = app.batch(found.received.made_here.batch) if found and found.received.made_here else None
        problems += check_clear(id, batch) if batch else []
        decided = _decided(LotCleared(lot=id), id, found, problems, reason)
        return replace(decided, seen={**decided.seen, f"batch:{batch.id}": batch.last_seen}) if batch else decided

    _done(app, *app.record(decide), id, f"Lot {id} may be used again: {reason}.", as_json)


@lot.command()
@click.argument("id", type=LOT)
@click.option("--to", "now", required=True, metavar="QUANTITY", help='What a count found, such as "92 tablets".')
@click.option("--reason", required=True, help="Why the record says another amount.")
@json_option
@click.pass_obj
def adjust(app: App, id: str, now: str, reason: str, as_json: bool) -> None:
    """Correct the amount of a lot after a count; what the record said stays on it.

    \b
    compounding lot adjust TAB-1 --to "92 tablets" --reason "four broken in the bottle"
    """
    from compounding.work.counting import adjust as decide_adjust

    def decide() -> Decision:
        found, problems = _known(app, id)
        fact, more = decide_adjust(found, now) if found else (None, [])
        return _decided_if(fact, id, found, problems + more, reason)

    _done(app, *app.record(decide), id, f"Lot {id} holds {now} by count: {reason}.", as_json)


@lot.command()
@click.argument("id", type=LOT)
@click.option("--amount", metavar="QUANTITY", help="How much; default: all that is left.")
@click.option("--reason", required=True, help="Why it is thrown away.")
@json_option
@click.pass_obj
def discard(app: App, id: str, amount: str | None, reason: str, as_json: bool) -> None:
    """Record that a lot, or some of it, is thrown away.

    \b
    compounding lot discard TAB-1 --reason "expired"
    """
    from compounding.work.counting import discard as decide_discard

    def decide() -> Decision:
        found, problems = _known(app, id)
        fact, more = decide_discard(found, amount) if found else (None, [])
        return _decided_if(fact, id, found, problems + more, reason)

    _done(app, *app.record(decide), id, f"Lot {id}: {amount or 'all that was left'} thrown away: {reason}.", as_json)


def _decided_if(fact: Record | None, id: str, found: Lot | None, problems: list[Problem], reason: str) -> Decision:
    return _decided(fact, id, found, problems, reason) if fact else Decision([], problems, {})


@lot.command()
@click.argument("id", type=LOT)
@json_option
@click.pass_obj
def show(app: App, id: str, as_json: bool) -> None:
    """Show one lot as it stands: what came in, what was measured, what was used."""
    from compounding.problems import Refused

    found, problems = _known(app, id)
    if found is None:
        raise Refused(problems)
    if as_json:
        emit({"lot": lot_data(found)})
        return
    received = found.received
    say(f"{id}: {received.material} ({received.role}), {received.supplier} lot {received.supplier_lot}")
    say(f"  received {received.received}: {received.amount}; left {told(found.left)}; use by {received.expires}")
    if received.ndc:
        say(f"  NDC {received.ndc}, in eleven digits {received.national_code}")
    if held := received.made_here:
        say(f"  made here: batch {held.batch}, {held.strength} by its label, assayed {held.assay}")
    if found.quarantined:
        say(f"  IN QUARANTINE: {found.quarantined}")
    if found.average_weight is not None:
        say(f"  {len(found.weights)} weighed one by one, average {told(found.average_weight, 3)}")
    for packing in found.packing:
        say(f"  packs {packing.mass} in size {packing.size} of {packing.maker}")
    for batch, line, taken in found.used:
        say(f"  used {told(taken)} in {batch} ({line})")
    for thrown, why in found.discarded:
        say(f"  thrown away {told(thrown)}: {why}")
    for change, why in found.adjusted:
        more = change.magnitude > 0
        say(f"  {told(change if more else 0 * change - change)} {'more' if more else 'less'} by count: {why}")


@lot.command("list")
@click.option(
    "--expiring", "days", type=click.IntRange(min=0), metavar="DAYS", help="Those that expire within so many days."
)
@click.option("--low", is_flag=True, help="Materials of which less is left than [reorder] in the settings names.")
@list_options
@click.pass_obj
def list_lots(app: App, /, days: int | None, low: bool, **wanted: Any) -> None:
    """List all lots: what is left, until when, and whether they may be used.

    \b
    compounding lot list --expiring 60
    compounding lot list --low --csv
    """
    from compounding.work.turnover import expiring

    if low and days is not None:
        raise NotUnderstood(Problem("lot.list", "Give --expiring or --low: one lists lots, the other materials", "low"))
    if low:
        _list_low(app, wanted)
        return
    today = app.today()
    lots = app.lots() if days is None else expiring(app.lots(), today, days)
    rows = [
        (
            each.id,
            each.received.material,
            told(each.left),
            each.received.expires,
            "quarantine" if each.quarantined else "expired" if each.expires < today else "usable",
        )
        for each in lots
    ]
    head = ("lot", "material", "left", "use by", "state")
    show_list("lots", head, rows, lambda: [lot_data(each) for each in lots], right=(2,), **wanted)


def _list_low(app: App, wanted: dict[str, Any]) -> None:
    from compounding.work.turnover import running_low

    if not app.settings.reorder:
        text = (
            'The settings do not say when to order: write a table [reorder] with lines such as "naltrexone tablets" = '
            '"60 tablets"'
        )
        raise NotUnderstood(Problem("reorder.none", text, str(app.settings_file)))
    found = running_low(app.lots(), app.settings.reorder, app.today())
    head = ("material", "left", "reorder", "lots")
    rows = [(each.material, written(each.left), written(each.reorder), ", ".join(each.lots)) for each in found]
    show_list("low", head, rows, lambda: [dict(zip(head, row, strict=True)) for row in rows], right=(1, 2), **wanted)


def lot_data(found: Lot) -> dict[str, Any]:
    """A lot as data."""
    data: dict[str, Any] = as_data(found.received)
    return data | {
        "left": written(found.left),
        "weights": list(found.weights),
        "average_weight": written(found.average_weight) if found.average_weight is not None else None,
        "packing": [as_data(each) for each in found.packing],
        "quarantined": found.quarantined,
        "used": [{"batch": batch, "line": line, "amount": written(taken)} for batch, line, taken in found.used],
        "adjusted": [{"change": written(change), "reason": reason} for change, reason in found.adjusted],
        "discarded": [{"amount": written(thrown), "reason": reason} for thrown, reason in found.discarded],
    }


lot.add_command(import_lots)
