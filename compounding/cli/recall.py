"""``compounding recall``: what to quarantine and whom to call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from compounding.cli.app import App, Decision
from compounding.cli.ids import Id
from compounding.cli.lists import list_options, show_list
from compounding.cli.show import emit, notice, say, table
from compounding.cli.trace import Meant, meant
from compounding.problems import EnvironmentFails, NotUnderstood, Problem, Refused, stopping
from compounding.records.facts import LotQuarantined
from compounding.records.record import Record
from compounding.records.series import series_subjects
from compounding.work.recalling import (
    NAME_ERASED,
    Container,
    Held,
    Patient,
    Severity,
    recall_text,
    severity_of,
    to_call_back,
    to_quarantine,
)
from compounding.work.recalling import recall as decide_recall
from compounding.work.tracing import Reach, forward


@click.command()
@click.argument("id", type=Id("lot", "batch"))
@click.option("--reason", help="Why it is called back.")
@click.option(
    "--severity",
    type=click.Choice(["I", "II", "III"], case_sensitive=False),
    help="Class of the recall: I, serious harm or death is reasonably probable; II, temporary or reversible harm; III, none likely.",
)
@click.option("--list", "only_list", is_flag=True, help="Only list, for a drill or once more; nothing is recorded.")
@click.option(
    "--letter",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.pdf",
    help="Write the list, and a letter to each patient, as a PDF.",
)
@list_options
@click.pass_obj
def recall(
    app: App,
    /,
    id: str,
    reason: str | None,
    severity: Severity | None,
    only_list: bool,
    letter: Path | None,
    **wanted: Any,
) -> None:
    """Call a released batch back, or every batch that a lot went into, and list what to quarantine and whom to call.

    What was made with triturations of it is called back too, and their lots go into quarantine with it. Nothing of a
    recalled batch is labelled or dispensed any more. Names come from the prescriptions; telephone numbers are not kept
    here.

    \b
    compounding --as ana recall TAB-1 --reason "supplier's notice of 3 May" --severity II --letter recall.pdf
    compounding recall TAB-1 --list
    """
    if bool(reason) == only_list or (severity and only_list):
        text = "Say why with --reason, which calls it back; or give --list alone, which records nothing"
        raise NotUnderstood(Problem("recall.reason", text, id))
    if letter is not None:
        from compounding.store.files import check_paper

        check_paper(letter, may_replace=True)
    found = meant(app, id)
    if found.lot is None and len(found.batches) != 1:
        raise Refused(
            Problem("recall.several", f"{id} is in {', '.join(found.batches)}: call back one batch or lot", id)
        )
    if reason:
        app.record(lambda: _decide(app, found, reason, severity))
    reach = _reach(app, found)
    if letter is not None:
        try:
            _write_letter(app, found, reach, letter)
        except (EnvironmentFails, OSError) as error:
            if not reason:
                raise
            text = (
                f"The recall is recorded, its letter was not written: {error}. Write it with "
                f"compounding recall {id} --list --letter {letter}"
            )
            raise EnvironmentFails(Problem("recall.no-letter", text, id)) from None
    _show(app, reach, wanted)


def _reach(app: App, found: Meant) -> Reach:
    return forward(app, filter(None, (found.lot,)), found.batches)


def _decide(app: App, found: Meant, reason: str, severity: Severity | None) -> Decision:
    """Every released batch is called back and every lot of them is quarantined, in one entry each."""
    reach = _reach(app, found)
    facts: list[tuple[Record, tuple[str, ...]]] = []
    problems: list[Problem] = []
    for batch in reach.batches.values():
        if batch.state == "released" or batch.id in found.batches:
            fact, wrong = decide_recall(batch, app.person, found.lot or found.batches[0], severity)
            problems += wrong
            facts += [(fact, (f"batch:{batch.id}", *series_subjects(batch.plan, fact)))] if fact else []
    facts += [(LotQuarantined(lot=id), (f"lot:{id}",)) for id, lot in reach.lots.items() if not lot.quarantined]
    if not facts and not problems:
        text = f"No released batch holds {found.lot}, and it is in quarantine already; --list shows who has what"
        problems.append(Problem("recall.nothing", text, found.lot))
    seen = {f"batch:{id}": batch.last_seen for id, batch in reach.batches.items()}
    seen |= {f"lot:{id}": lot.last_seen for id, lot in reach.lots.items()}
    return Decision([] if stopping(problems) else facts, problems, seen, reason)


def _patients(app: App, calls: list[Container]) -> dict[str, Patient]:
    """Who the prescriptions of containers are for, where the names were not erased."""
    known = {each.prescription: app.journal.recall_personal(each.prescription) for each in calls}
    return {number: Patient(person.name, person.address) for number, person in known.items() if person}


def _write_letter(app: App, found: Meant, reach: Reach, out: Path) -> None:
    from compounding.documents.recall import draw_recall
    from compounding.store.files import write_whole

    lot = reach.lots.get(found.lot or "")
    if lot is not None:
        id, what = lot.id, f"lot {lot.id}: {lot.received.material}, {lot.received.supplier} {lot.received.supplier_lot}"
    else:
        plan = reach.batches[found.batches[0]].plan
        id, what = found.batches[0], f"batch {found.batches[0]}: {plan.name}, {plan.strength}"
    patients = _patients(app, to_call_back(reach.batches.values()))
    text = recall_text(id, what, reach, patients, app.names, app.settings.pharmacy, app.journal.short_code())
    pdf, problems = draw_recall(text)
    if stopping(problems):
        raise Refused(problems)
    write_whole(out, pdf)
    notice(f"Written to {out}: the list, letters to patients: {len(text.letters)}")
    for problem in problems:
        notice(problem.text)


def _show(app: App, reach: Reach, wanted: Mapping[str, Any]) -> None:
    """The list: as tables, as one JSON object, or as rows that begin with what to do."""
    held, calls = to_quarantine(reach), to_call_back(reach.batches.values())
    names = {number: patient.name for number, patient in _patients(app, calls).items()}
    if wanted["as_json"] and not (wanted["csv"] or wanted["xlsx"]):
        called = [asdict(each) | {"patient": names.get(each.prescription, NAME_ERASED)} for each in calls]
        emit(
            {
                "severity": severity_of(reach)[0],
                "quarantine": [asdict(each) for each in held],
                "calls": called,
                "problems": [],
            }
        )
    elif wanted["csv"] or wanted["xlsx"]:
        columns = ("do", "patient", "prescriber", "prescription", "label", "lot or batch", "what", "amount", "on")
        show_list("recall", columns, _all_rows(held, calls, names), list, **wanted)
    else:
        say("Quarantine")
        say(
            table(
                ("", "", "what", "amount"), [(each.kind, each.id, each.what, each.amount) for each in held], right=(3,)
            )
        )
        say("\nCall (telephone numbers stand on the prescriptions)")
        head = ("patient", "prescriber", "prescription", "label", "batch", "holds", "state", "on")
        say(table(head, [_call(each, names) for each in calls], right=(5,)))
        say(f"Severity: {severity_of(reach)[1]}")
    states = [f"{id} {batch.state}" for id, batch in reach.batches.items()]
    notice(f"{len(calls)} containers to call back. Batches: {', '.join(states) or 'none'}.")


def _call(each: Container, names: Mapping[str, str]) -> tuple[str, ...]:
    patient = names.get(each.prescription, NAME_ERASED)
    return (patient, each.prescriber, each.prescription, each.label, each.batch, each.quantity, each.state, each.on)


def _all_rows(held: list[Held], calls: list[Container], names: Mapping[str, str]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("quarantine", "", "", "", "", each.id, each.what, each.amount, "") for each in held]
    for each in calls:
        who = names.get(each.prescription, NAME_ERASED)
        called = each.prescription, each.label, each.batch, each.state, each.quantity, each.on
        rows.append(("call", who, each.prescriber, *called))
    return rows
