"""``compounding batch``: the batch record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from compounding.cli.app import App, Decision, fail_if_stopped, unknown_lot
from compounding.cli.ids import BATCH, FORMULA, LOT, Id
from compounding.cli.lists import list_options, show_list
from compounding.cli.ordering import (
    CORRECTION,
    balance_from,
    corrections,
    fill_spread,
    order_from,
    order_options,
    with_options,
)
from compounding.cli.plan import plan_data
from compounding.cli.show import emit, json_option, notice, say, table
from compounding.cli.values import one_reading
from compounding.problems import Problem, Refused, stopping
from compounding.records.batch import Batch
from compounding.records.facts import BatchOpened, LotReceived, Recorded, Tested, Weighed, Yielded, kind_of
from compounding.records.formula import digest_of, read_formula
from compounding.records.investigation import Investigation, investigations_of
from compounding.records.overview import ended_as, glance
from compounding.records.record import Record, as_data, validated
from compounding.records.series import ENDED, series_subjects
from compounding.records.stock import Lot
from compounding.work.approving import check_approved
from compounding.work.gathering import Choice
from compounding.work.liquids import other_strengths
from compounding.work.making import do_step, record_yield
from compounding.work.planned import check_day, plan_from_lots
from compounding.work.releasing import (
    accept_deviation,
    check_investigations,
    check_made,
    check_tests,
    held_by,
    reject_batch,
    release_batch,
    verify_batch,
)
from compounding.work.turnover import check_first_used
from compounding.work.waiting import waits_for
from compounding.work.weighing import weigh as weigh_line


@click.group()
def batch() -> None:
    """Batches: from a plan to a released or rejected preparation."""


@batch.command("open")
@click.argument("formula_id", type=FORMULA)
@order_options
@click.option(
    "--from",
    "source",
    required=True,
    type=LOT,
    help="Lot of tablets, powder or trituration that carries the active.",
)
@with_options(*CORRECTION)
@click.option("--filler", type=LOT, help="Lot of filler; default: the usable one that expires first.")
@click.option("--shells", type=LOT, help="Lot of shells; default: the usable one that expires first.")
@click.option("--lot", "others", multiple=True, type=LOT, help="Lot of another ingredient; repeat it.")
@click.option("--id", "id", metavar="ID", help="Id of the batch; default: the next of the year, such as 2026-0001.")
@click.option("--reason", help="Why a lot is taken that does not expire first.")
@json_option
@click.pass_obj
def open_batch(
    app: App,
    /,
    formula_id: str,
    source: str,
    filler: str | None,
    shells: str | None,
    others: tuple[str, ...],
    id: str | None,
    reason: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Open a batch from a plan; every ingredient comes from a lot.

    \b
    compounding batch open naltrexone-capsule --strength "1.5 mg" --count 100 --from TAB-1
    """
    text, name = app.formula_text(formula_id)
    formula = read_formula(text, name)
    order, balance = order_from(app, formula, given), balance_from(app, given)
    opened: list[str] = []

    def decide() -> Decision:
        lots = {lot.id: lot for lot in app.lots()}
        batch_id = id or _next_id(app, order.prepared.year)  # if another takes it meanwhile, the append is refused
        problems: list[Problem] = []
        if id and id in app.ids("batch:"):
            problems.append(Problem("batch.known", f"Batch {batch_id} was opened before: give another --id", batch_id))
        unknown = [other for other in others if other not in lots]
        problems += [unknown_lot(app, other) for other in unknown]
        digest = digest_of(text)
        approvals = app.recorded(f"formula:{formula.id}")
        problems += check_approved(formula, digest, approvals, app.settings.unapproved_formula)
        if stopping(problems):
            return Decision([], problems, {})
        choice = Choice(source, filler, None, shells, others)
        how = (*corrections(app, given), fill_spread(app))
        made, more = plan_from_lots(formula, digest, order, list(lots.values()), choice, balance, *how)
        problems += more
        if made is not None:
            problems += check_day(made, lots.values(), app.today())
        if made is not None and order.volume is not None:
            problems += other_strengths(order, formula, [app.batch(each) for each in app.ids("batch:")])
        not_first = check_first_used(made, list(lots.values()), order.prepared, reason) if made else []
        if made is None or not_first or stopping(problems):
            return Decision([], problems + not_first, {})
        fact = validated(
            BatchOpened, {"batch": batch_id, "plan": as_data(made), "formula": text.split("\n")}, f"batch {batch_id}"
        )
        taken = {line.lot for line in made.lines} | {made.capsule.lot if made.capsule else None}
        subjects = (
            f"batch:{batch_id}",
            *(f"lot:{lot}" for lot in sorted(filter(None, taken))),
            *series_subjects(made, fact),
        )
        seen = {f"batch:{batch_id}": 0} | {f"lot:{lot}": lots[lot].last_seen for lot in filter(None, taken)}
        seen[f"formula:{formula.id}"] = approvals[-1].sequence if approvals else 0
        opened[:] = [batch_id]
        return Decision([(fact, subjects)], problems, seen, reason)

    decision, entries = app.record(decide)
    found = app.batch(opened[0])
    if as_json:
        data = plan_data(found.plan)
        emit(
            {
                "batch": found.id,
                "entries": [entries[0].sequence],
                "plan": data,
                "problems": [vars(each) for each in decision.problems],
            }
        )
        return
    say(
        f"Batch {found.id} opened (entry {entries[0].sequence}): {found.plan.name}, {found.plan.strength}, for {found.plan.made}."
    )
    for line in found.plan.lines:
        say(
            f"  {line.line}: {line.target} of {line.material} from lot {line.lot}; {line.low} to {line.high} accepted"
        )
    for problem in decision.problems:
        notice(problem.text)
    notice(
        f"Next: compounding worksheet {found.id} --out worksheet.pdf, then compounding batch weigh {found.id} source READING --lot {found.plan.source.lot}"
    )


def _next_id(app: App, year: int) -> str:
    taken = {id for id in app.ids("batch:") if id.startswith(f"{year}-")}
    return next(id for number in range(1, 10**6) if (id := f"{year}-{number:04d}") not in taken)


def batch_decision(
    app: App,
    /,
    id: str,
    judge: Callable[[Batch], tuple[Record | None, list[Problem]]],
    reason: str | None,
    lot: Lot | None = None,
) -> Decision:
    """Read the batch, let a stage judge, and name the batch and its lot, as they were read, as what it was judged on.

    A failing result opens an investigation in the same breath, however it was entered.
    """
    found = app.batch(id)
    seen = {f"batch:{id}": found.last_seen} | ({f"lot:{lot.id}": lot.last_seen} if lot else {})
    fact, problems = judge(found)
    if isinstance(fact, Tested) and (app.retest_of or fact.joins or fact.verdict == "fail"):
        from compounding.cli.investigate import tested  # most results that pass need none of it

        return tested(app, found, fact, problems, seen, reason)
    facts = [(fact, (*seen, *series_subjects(found.plan, fact)))] if fact else []
    return Decision(facts, problems, seen, reason, shown=batch_page(found, app.names))


def finish(decision: Decision, entries: Any, says: str, as_json: bool, **data: Any) -> None:
    """Say what was recorded, then every problem beside it; a stopping problem is exit code 1."""
    fact = decision.facts[0][0]
    if as_json:
        emit(
            {
                **as_data(fact),
                "entry": entries[0].sequence,
                **data,
                "problems": [vars(each) for each in decision.problems],
            }
        )
        for problem in decision.problems:
            notice(f"{problem.text} [{problem.code}]")
        raise click.exceptions.Exit(1 if stopping(decision.problems) else 0)
    say(f"{says} (entry {entries[0].sequence})")
    for problem in decision.problems:
        if not problem.stops:
            notice(f"{problem.text} [{problem.code}]")
    fail_if_stopped(decision.problems)
    name_next(getattr(fact, "batch", None))


def name_next(id: str | None) -> None:
    """Name the command that comes next for a batch, if anything is left to do."""
    app = click.get_current_context().obj
    if id and (wait := waits_for(app.batch(id))):
        notice(f"Next: {wait.command}")


@batch.command()
@click.argument("id", type=BATCH)
@click.argument("line")
@click.argument("reading")
@click.option("--lot", "lot_id", type=Id("lot", whole=True), help="Lot that was taken; scan or type it.")
@click.option("--reason", help="Why the line is weighed again.")
@json_option
@click.pass_obj
def weigh(app: App, id: str, line: str, reading: str, lot_id: str | None, reason: str | None, as_json: bool) -> None:
    """Record a reading for a line: source, filler, vehicle or an ingredient's name.

    The reading may be the line that a balance sends (MT-SICS); with - it is read from the terminal or a pipe, so that
    a balance that types like a keyboard enters it.

    \b
    compounding batch weigh 2026-0001 source "952.4 mg" --lot TAB-1
    compounding batch weigh 2026-0001 source "S S     0.9524 g" --lot TAB-1
    """
    reading, sent = one_reading(reading)

    def decide() -> Decision:
        lot = app.lot(lot_id) if lot_id else None
        if lot_id and lot is None:
            raise Refused(unknown_lot(app, lot_id))
        return batch_decision(
            app, id, lambda found: weigh_line(found, line, reading, lot, reason, app.today(), sent), reason, lot
        )

    decision, entries = app.record(decide)
    fact = decision.facts[0][0]
    assert isinstance(fact, Weighed)
    verdict = "within" if fact.within else "OUTSIDE"
    finish(decision, entries, f"{fact.material}: {fact.reading} read, {verdict} {fact.low} to {fact.high}.", as_json)


@batch.command()
@click.argument("id", type=BATCH)
@click.argument("number", type=click.IntRange(min=1))
@json_option
@click.pass_obj
def step(app: App, id: str, number: int, as_json: bool) -> None:
    """Record that a step of the procedure was done."""
    decision, entries = app.record(lambda: batch_decision(app, id, lambda found: do_step(found, number), None))
    finish(decision, entries, f"Step {number} of {id} done.", as_json)


@batch.command("yield")
@click.argument("id", type=BATCH)
@click.option(
    "--made", required=True, metavar="QUANTITY", help='What was made, such as "100 capsules", "60 mL" or "9.8 g".'
)
@click.option("--weight", metavar="MASS", help="Gross weight of all filled capsules together, for the mass balance.")
@click.option("--remainder", metavar="MASS", help="Mixture left over, or taken as samples.")
@click.option(
    "--no-balance", metavar="REASON", help="Why capsules were not weighed together; holds the batch until accepted."
)
@click.option("--spoiled", type=click.IntRange(min=0), default=0, show_default=True, help="Shells broken or discarded.")
@click.option("--reason", help="Why the yield is recorded again.")
@json_option
@click.pass_obj
def yield_(
    app: App,
    /,
    id: str,
    made: str,
    weight: str | None,
    remainder: str | None,
    no_balance: str | None,
    spoiled: int,
    reason: str | None,
    as_json: bool,
) -> None:
    """Record what was made, and account for the mass."""

    def decide() -> Decision:
        capsule = app.batch(id).plan.capsule
        shells = app.lot(capsule.lot) if capsule and capsule.lot else None
        return batch_decision(
            app,
            id,
            lambda found: record_yield(found, made, weight, remainder, spoiled, shells, reason, no_balance),
            reason,
            shells,
        )

    decision, entries = app.record(decide)
    fact = decision.facts[0][0]
    assert isinstance(fact, Yielded)
    loss = f"; {fact.mass_in} in, {fact.mass_out} out, loss {fact.loss_percent} %" if fact.loss_percent else ""
    finish(decision, entries, f"{fact.made} made of {fact.planned}: {fact.yield_percent} %{loss}.", as_json)


@batch.command()
@click.argument("id", type=BATCH)
@click.argument("entry", type=int)
@click.option("--reason", required=True, help="Why the deviation does no harm.")
@json_option
@click.pass_obj
def accept(app: App, id: str, entry: int, reason: str, as_json: bool) -> None:
    """Accept a deviation that another person recorded, with a reason."""
    decision, entries = app.record(
        lambda: batch_decision(
            app, id, lambda found: accept_deviation(found, entry, app.person_id, app.person, reason), reason
        )
    )
    finish(decision, entries, f"Deviation of entry {entry} accepted: {reason}.", as_json)


@batch.command()
@click.argument("id", type=BATCH)
@json_option
@click.pass_obj
def verify(app: App, id: str, as_json: bool) -> None:
    """Verify a batch as a second person who took no part in making it."""
    decision, entries = app.record(
        lambda: batch_decision(app, id, lambda found: verify_batch(found, app.person_id, app.person), None)
    )
    finish(decision, entries, f"Batch {id} verified by {app.person.name}.", as_json)


@batch.command()
@click.argument("id", type=BATCH)
@json_option
@click.pass_obj
def release(app: App, id: str, as_json: bool) -> None:
    """Release a batch, or learn every reason why not."""

    def decide() -> Decision:
        found = app.batch(id)
        used = {each.fact.lot for each in found.weighed if isinstance(each.fact, Weighed) and each.fact.lot}
        used |= {found.plan.capsule.lot} if found.plan.capsule and found.plan.capsule.lot else set()
        lots = [lot for each in sorted(used) if (lot := app.lot(each))]
        decision = batch_decision(app, id, lambda found: release_batch(found, app.person, app.today(), lots), None)
        return replace(decision, seen={**decision.seen, **{f"lot:{lot.id}": lot.last_seen for lot in lots}})

    decision, entries = app.record(decide)
    finish(decision, entries, f"Batch {id} released by {app.person.name}.", as_json)


@batch.command()
@click.argument("id", type=BATCH)
@click.option("--reason", required=True, help="Why it is rejected.")
@json_option
@click.pass_obj
def reject(app: App, id: str, reason: str, as_json: bool) -> None:
    """Reject a batch. Its investigations go on: whether other batches share the cause is asked all the same."""
    decision, entries = app.record(
        lambda: batch_decision(app, id, lambda found: reject_batch(found, app.person, reason), reason)
    )
    for each in app.batch(id).under_investigation:
        notice(f"{each.id} stays open: conclude it, because other batches may share the cause")
    finish(decision, entries, f"Batch {id} rejected by {app.person.name}: {reason}.", as_json)


@batch.command()
@click.argument("id", type=BATCH)
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
@json_option
@click.pass_obj
def export(app: App, id: str, out: Path, as_json: bool) -> None:
    """Write a batch into one signed file that compounding verify checks without this journal.

    \b
    compounding --as ana batch export CAPS-1 --out CAPS-1.batch
    """
    from compounding.cli.signing import exporter_of
    from compounding.store.attachments import read
    from compounding.store.export import export_batch
    from compounding.store.files import write_whole
    from compounding.work.results import attached_to

    found = app.batch(id)
    if out.exists():
        text = f"{out} is there already, and an export replaces no file: give another name"
        raise Refused(Problem("file.exists", text, str(out)))
    signing, sign = exporter_of(app)
    files = {
        each.digest.removeprefix("sha256:"): (each.name, read(app.attachments, each.digest))
        for each in attached_to(found)
    }
    content = export_batch(app.journal, found.id, app.now(), signing, sign, files)
    write_whole(out, content)
    by = f"signed by {signing.name}" if signing else "not signed: nobody has a key here"
    if as_json:
        emit({"file": str(out), "batch": found.id, "signed": signing.person if signing else None, "problems": []})
    else:
        say(f"Batch {found.id} exported to {out}, {by}")


@batch.command()
@click.argument("id", type=BATCH)
@json_option
@click.pass_obj
def show(app: App, id: str, as_json: bool) -> None:
    """Show a batch as it stands, and what it still needs."""
    found = app.batch(id)
    left = check_made(found) + check_tests(found) + check_investigations(found) if found.state == "open" else []
    if as_json:
        emit(batch_data(found) | {"open": [vars(each) for each in left]})
        return
    say(batch_page(found, app.names))
    for problem in left:
        say(f"  open: {problem.text}")


def batch_page(found: Batch, names: Mapping[str, str]) -> str:
    """A batch as it stands, for people: what they read before they sign."""
    plan = found.plan
    page = [
        f"Batch {found.id}: {plan.name}, {plan.strength}, for {plan.made}; {_state(found)}; use by {plan.beyond_use.date}"
    ]
    if found.opened.reason:
        page.append(f"a lot that does not expire first was taken: {found.opened.reason}")
    rows = []
    for line in plan.lines:
        read = found.reading_of(line.line)
        fact = read.fact if read else None
        reading = (
            (fact.reading, "yes" if fact.within else "NO", names.get(read.person, read.person))
            if read and isinstance(fact, Weighed)
            else ("", "", "")
        )
        rows.append((line.line, line.lot or "", line.target, *reading))
    page.append(table(("line", "lot", "planned", "read", "within", "by"), rows, right=(2, 3)))
    page.append(f"steps done: {', '.join(map(str, sorted(found.steps_done))) or 'none'} of {len(plan.steps)}")
    page += [_tested_line(found, each, names) for each in found.tested]
    page += [f"{each.id}, {each.state}: {each.fact.what}" for each in found.investigations]
    page += [
        f"entry {each.sequence} ({kind_of(each.fact)}), signed by {names.get(each.person, each.person)}: in doubt"
        for each in found.doubted
    ]
    page += [
        f"became lot {each.fact.lot}: {each.fact.amount}" for each in found.lots if isinstance(each.fact, LotReceived)
    ]
    return "\n".join(page)


def _tested_line(found: Batch, entry: Recorded, names: Mapping[str, str]) -> str:
    """One result in a line: a retest says so, and one that was set aside too; who recorded it, and when."""
    fact = entry.fact
    assert isinstance(fact, Tested)
    again = f", retest {fact.retest} of {fact.investigation}" if fact.retest else ""
    aside = "" if entry in found.standing else "; set aside"
    return f"{fact.trait}{again}: {fact.verdict.replace('_', ' ')}; {fact.observed}{aside}; {names.get(entry.person, entry.person)}, {entry.time[:10]}"


@batch.command("list")
@list_options
@click.pass_obj
def list_batches(app: App, /, **wanted: Any) -> None:
    """List all batches, the oldest first; of a hundred thousand too."""
    ended = dict(map(ended_as, app.journal.written_under(ENDED)))
    held = {each.batch for each in open_investigations(app)} | set(doubted_batches(app))
    found = [glance(raw, ended) for raw in app.journal.written_under("made:")]
    found.sort(key=lambda each: (each.prepared, each.id))
    rows = []
    for each in found:
        if each.id in held:
            state = f"{each.state}, held"
        else:
            state = _state(app.batch(each.id)) if each.state == "open" else each.state
        rows.append((each.id, each.name, each.strength, each.made, each.use_by, state))
    head = ("batch", "preparation", "strength", "for", "use by", "state")
    keys = ("id", "name", "strength", "made", "use_by", "state")
    show_list(
        "batches", head, rows, lambda: [dict(zip(keys, row, strict=True)) for row in rows], right=(2, 3), **wanted
    )


def open_investigations(app: App) -> list[Investigation]:
    """Every investigation that is not closed."""
    found = [investigations_of(app.recorded(f"investigation:{id}")) for id in app.ids("investigation:")]
    return [each for one in found for each in one if not each.closed]


def doubted_batches(app: App) -> Iterator[str]:
    """Every batch of which a signature is in doubt."""
    revoked = {
        subject.removeprefix("batch:")
        for person in app.ids("person:")
        for entry in app.journal.entries(f"person:{person}")
        if entry.kind == "key-revoked"
        for subject in entry.subjects
        if subject.startswith("batch:")
    }
    yield from (id for id in sorted(revoked) if app.batch(id).doubted)


def _state(found: Batch) -> str:
    """Whether a batch is open, released or rejected, and held: by a deviation, an investigation, a test half done."""
    unfinished = found.unfinished and found.state != "rejected"
    doubted = found.doubted and found.state in ("open", "released")
    held = found.under_investigation or held_by(found) or unfinished or doubted
    return f"{found.state}, held" if held else found.state


def batch_data(found: Batch) -> dict[str, Any]:
    """A batch as data: its plan, and every fact with its place."""
    names = (
        "weighed",
        "steps",
        "yielded",
        "tested",
        "accepted",
        "verified",
        "labels",
        "printing",
        "scanned",
        "accounted",
        "lots",
    )
    facts = (getattr(found, name) for name in names)
    data: dict[str, Any] = {
        "id": found.id,
        "state": found.state,
        "held": _state(found) != found.state,
        "plan": plan_data(found.plan),
        "opened": {
            "entry": found.opened.sequence,
            "time": found.opened.time,
            "person": found.opened.person,
            "reason": found.opened.reason,
        },
    }
    for name, group in zip(names, facts, strict=True):
        data[name] = [
            {
                "entry": each.sequence,
                "time": each.time,
                "person": each.person,
                "reason": each.reason,
                **as_data(each.fact),
            }
            for each in group
        ]
    data["doubted"] = [each.sequence for each in found.doubted]
    data["investigations"] = [{"investigation": each.id, "state": each.state} for each in found.investigations]
    return data
