"""``compounding qc investigate``: results out of specification, complaints and deviations, until someone has decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import click

from compounding.cli.app import App, Decision, nearest
from compounding.cli.batch import batch_page, finish
from compounding.cli.ids import BATCH, INVESTIGATION
from compounding.cli.ordering import day
from compounding.cli.show import emit, json_option, notice, say, table
from compounding.problems import NotUnderstood, Problem, Refused, stopping
from compounding.records.batch import Batch
from compounding.records.facts import (
    ActionDone,
    EffectChecked,
    HypothesisStated,
    InvestigationClosed,
    InvestigationConcluded,
    InvestigationOpened,
    LotQuarantined,
    LotReceived,
    Recorded,
    Resampled,
    ResultInvalidated,
    RetestPlanned,
    Tested,
    kind_of,
)
from compounding.records.investigation import Action, Investigation
from compounding.records.record import Record, as_data
from compounding.records.series import series_subjects
from compounding.records.stock import Lot
from compounding.work.correcting import assign_action, check_effect, do_action
from compounding.work.investigating import (
    Disposition,
    Phase,
    as_retest,
    check_joined,
    close,
    conclude,
    failed,
    find_investigation,
    invalidate,
    open_investigation,
    plan_retest,
    resample,
    state_hypothesis,
    what_forbids_release,
)

# The commands of quality control that record a result of a batch.
TESTS = ("weights", "content", "assay", "observe")


@click.group()
def investigate() -> None:
    """What failed, why, and what becomes of the batch: a failing result opens an investigation by itself.

    \b
    compounding qc investigate show INV-2026-0001
    compounding qc investigate phase INV-2026-0001 1 --hypothesis "diluted twice" --found "the notebook says once"
    compounding qc investigate plan INV-2026-0001 --phase 1 --hypothesis "..." --plan "..." --retests 2
    compounding qc investigate retest INV-2026-0001 assay "98.1 %"
    compounding qc investigate invalidate INV-2026-0001 --cause "..." --evidence "..."
    compounding qc investigate conclude INV-2026-0001 --conclusion "..." --other-batches "..." --cause "..."
    compounding qc investigate action INV-2026-0001 --do "..." --owner tom --due 2027-01-15 --check 2027-04-15
    compounding qc investigate disposition INV-2026-0001 release --reason "..."
    """


# ---- reading and recording ----


def _batch_of(app: App, id: str) -> Batch:
    """The batch that an investigation is about, as it stands."""
    for each in app.recorded(f"investigation:{id}"):
        if isinstance(each.fact, InvestigationOpened):
            return app.batch(each.fact.batch)
    text = f"Investigation {id} was never opened here{nearest(id, app.ids('investigation:'))}"
    raise Refused(Problem("investigation.unknown", text, id))


def _next_id(app: App) -> str:
    year, taken = app.today().year, set(app.ids("investigation:"))
    return next(id for number in range(1, 10**6) if (id := f"INV-{year}-{number:04d}") not in taken)


def _lots_of(app: App, batch: Batch) -> list[Lot]:
    """The lots that a batch became, as they stand."""
    found = [app.lot(each.fact.lot) for each in batch.lots if isinstance(each.fact, LotReceived)]
    return [lot for lot in found if lot]


def _subjects(fact: Record, batch: Batch, id: str) -> tuple[str, ...]:
    """What a fact is about; a lot in quarantine is a fact of the lot and its batch."""
    if isinstance(fact, LotQuarantined):
        return (f"lot:{fact.lot}", f"batch:{batch.id}")
    return (f"batch:{batch.id}", f"investigation:{id}", *series_subjects(batch.plan, fact))


def _opening(app: App, batch: Batch, write: Callable[[str, list[Lot]], tuple[list[Record], str]]) -> Decision:
    """An investigation with the next free id, and every lot of the batch in quarantine, in one breath."""
    id, lots = _next_id(app), _lots_of(app, batch)
    facts, reason = write(id, lots)
    seen = {f"batch:{batch.id}": batch.last_seen, f"investigation:{id}": 0}
    seen |= {f"lot:{lot.id}": lot.last_seen for lot in lots}
    return Decision([(fact, _subjects(fact, batch, id)) for fact in facts], [], seen, reason)


def tested(
    app: App, batch: Batch, fact: Tested, problems: Sequence[Problem], seen: Mapping[str, int], reason: str | None
) -> Decision:
    """What a result brings with it: as a retest it joins its investigation, as a failing one it opens one."""
    if app.retest_of:
        found = find_investigation(batch, app.retest_of)
        again, refused = as_retest(batch, found, fact, app.retest_reason, app.day_of)
        facts = [(again, _subjects(again, batch, app.retest_of))] if again else []
        return Decision(facts, [*refused, *problems] if again else refused, seen, reason or app.retest_reason)
    if stops := check_joined(batch, fact):
        return Decision([], stops, seen)
    if fact.verdict != "fail":
        return Decision([(fact, (*seen, *series_subjects(batch.plan, fact)))], problems, seen, reason)
    decision = _opening(app, batch, lambda id, lots: failed(batch, fact, id, lots))
    opened = next(each for each, _ in decision.facts if isinstance(each, InvestigationOpened))
    lots = "".join(
        f", lot {each.lot} is in quarantine" for each, _ in decision.facts if isinstance(each, LotQuarantined)
    )
    says = f"; investigation {opened.investigation} is open{lots}"
    if batch.state == "released" and batch.labels:
        says += f"; {len(batch.labels)} of its labels were printed: hold what is here, find what went out with compounding trace {batch.id}"
    return replace(
        decision, problems=[replace(each, text=each.text + says) if each.stops else each for each in problems]
    )


def _record(
    app: App,
    id: str,
    judge: Callable[[Batch, Investigation], tuple[Record | Sequence[Record] | None, list[Problem]]],
    says: str,
    as_json: bool,
    reason: str | None = None,
) -> None:
    """Read the batch and its investigation, let a stage judge, write its facts down, and say so."""

    def decide() -> Decision:
        batch = _batch_of(app, id)
        made, problems = judge(batch, find_investigation(batch, id))
        facts = [made] if isinstance(made, Record) else list(made or ())
        drafts = [(fact, _subjects(fact, batch, id)) for fact in facts]
        seen = {f"batch:{batch.id}": batch.last_seen}
        page = f"{investigation_page(app, batch, id)}\n\n{batch_page(batch, app.names)}"
        return Decision([] if stopping(problems) else drafts, problems, seen, reason, shown=page)

    decision, entries = app.record(decide)
    finish(decision, entries, says, as_json)


# ---- opening and showing ----


@investigate.command("open")
@click.argument("batch_id", type=BATCH)
@click.option("--about", type=click.Choice(["complaint", "deviation"]), required=True, help="What it is about.")
@click.option("--what", required=True, help="What was said or seen, in whose words.")
@json_option
@click.pass_obj
def open_(app: App, batch_id: str, about: Any, what: str, as_json: bool) -> None:
    """Open one by hand, for a complaint or a deviation; it holds the batch. A failing result opens its own."""

    def decide() -> Decision:
        batch = app.batch(batch_id)
        return _opening(app, batch, lambda id, lots: open_investigation(batch, id, about, what, lots))

    decision, entries = app.record(decide)
    opened = decision.facts[0][0]
    assert isinstance(opened, InvestigationOpened)
    finish(decision, entries, f"Investigation {opened.investigation} is open; it holds batch {batch_id}.", as_json)


@investigate.command()
@click.argument("id", type=INVESTIGATION)
@json_option
@click.pass_obj
def show(app: App, id: str, as_json: bool) -> None:
    """Show an investigation: every fact of it, what it still needs, and its actions."""
    batch = _batch_of(app, id)
    found = find_investigation(batch, id)
    lacks = what_forbids_release(batch, found)
    if as_json:
        emit(investigation_data(found) | {"lacks": [vars(each) for each in lacks]})
        return
    say(investigation_page(app, batch, id))
    for problem in lacks:
        say(f"  before a release: {problem.text}")


def investigation_page(app: App, batch: Batch, id: str) -> str:
    """An investigation as it stands, for people: what they read before they sign."""
    found = find_investigation(batch, id)
    page = [f"{id}: batch {found.batch}, {found.state}", f"  {found.fact.what}"]
    for each in (found.opened, *found.facts):
        name = app.names.get(each.person, each.person)
        page.append(f"  {each.time[:10]}  {name}: {_told(each)} (entry {each.sequence})")
    page += [f"  {_action_told(app, action)}" for action in found.actions]
    return "\n".join(page)


def _told(entry: Recorded) -> str:
    """One fact of an investigation in words."""
    match entry.fact:
        case InvestigationOpened(about="result"):
            return "the result was recorded, and the investigation opened"
        case InvestigationOpened(about=about):
            return f"opened for a {about}"
        case HypothesisStated(phase=phase, hypothesis=hypothesis, found=found):
            return f"phase {phase}: {hypothesis}; found: {found}"
        case RetestPlanned() as plan:
            return f"phase {plan.phase}: retests fixed at {plan.retests}, {plan.sample} sample: {plan.plan}; to show: {plan.hypothesis}"
        case Tested() as fact:
            return f"retest {fact.retest}, {fact.trait}: {fact.verdict}; {fact.observed}"
        case Resampled(plan=plan):
            return f"new sample: {plan}; because {entry.reason}"
        case ResultInvalidated(cause=cause, evidence=evidence):
            return f"the original result is set aside: {cause}; shown by: {evidence}"
        case InvestigationConcluded() as end:
            because = f"; cause: {end.cause}" if end.cause else "; no cause found"
            action = f"; no action: {end.no_action}" if end.no_action else ""
            return f"concluded: {end.conclusion}{because}; other batches: {end.other_batches}{action}"
        case InvestigationClosed(disposition=disposition):
            return f"{disposition}: {entry.reason}"
        case ActionDone(number=number, what=what):
            return f"action {number} done: {what}"
        case EffectChecked(number=number, effective=effective, found=found):
            return f"action {number} {'had its effect' if effective else 'was WITHOUT EFFECT'}: {found}"
        case _:
            return f"action {getattr(entry.fact, 'number', '')} assigned"


def _action_told(app: App, action: Action) -> str:
    fact = action.assigned
    late = _late(app, action)
    return (
        f"action {fact.number}, {action.state}{late}: {fact.action}; {app.names.get(fact.owner, fact.owner)}, due {fact.due}, "
        f"effect looked at {fact.check}"
    )


def _late(app: App, action: Action) -> str:
    """Whether the day for an action, or for a look at its effect, has passed."""
    today = app.today().isoformat()
    waits = {"assigned": action.assigned.due, "done": action.assigned.check}.get(action.state)
    return " (OVERDUE)" if waits and waits < today else ""


@investigate.command("list")
@click.option("--open", "only_open", is_flag=True, help="Only those that are not closed or have an action to do.")
@json_option
@click.pass_obj
def list_(app: App, only_open: bool, as_json: bool) -> None:
    """List the investigations, oldest first, with the actions that are not yet shown to be effective."""
    found = [find_investigation(_batch_of(app, id), id) for id in sorted(app.ids("investigation:"))]
    if only_open:
        found = [each for each in found if not each.closed or _waiting(each)]
    if as_json:
        emit({"investigations": [investigation_data(each) for each in found]})
        return
    rows = [
        (
            each.id,
            each.batch,
            each.fact.trait or each.fact.about,
            each.opened.time[:10],
            each.state,
            _actions_told(app, each),
        )
        for each in found
    ]
    say(table(("investigation", "batch", "about", "opened", "state", "actions waiting"), rows))


def _waiting(found: Investigation) -> list[Action]:
    return [action for action in found.actions if action.state != "effective"]


def _actions_told(app: App, found: Investigation) -> str:
    return ", ".join(f"{action.assigned.number} {action.state}{_late(app, action)}" for action in _waiting(found))


def investigation_data(found: Investigation) -> dict[str, Any]:
    """An investigation as data: its state, every fact with its place, its actions as they stand."""
    facts = filter(None, (found.result, found.opened, *found.facts))
    return {
        "investigation": found.id,
        "batch": found.batch,
        "state": found.state,
        "about": found.fact.about,
        "what": found.fact.what,
        "retests_left": found.retests_left,
        "facts": [
            {
                "kind": kind_of(each.fact),
                "entry": each.sequence,
                "time": each.time,
                "person": each.person,
                "reason": each.reason,
            }
            | as_data(each.fact)
            for each in facts
        ],
        "actions": [as_data(each.assigned) | {"state": each.state} for each in found.actions],
    }


# ---- the phases ----


@investigate.command()
@click.argument("id", type=INVESTIGATION)
@click.argument("phase", type=click.IntRange(1, 2), metavar="1|2")
@click.option("--hypothesis", help="What may have gone wrong.")
@click.option("--found", help="What was looked at, and what was found.")
@json_option
@click.pass_obj
def phase(app: App, id: str, phase: Phase, hypothesis: str | None, found: str | None, as_json: bool) -> None:
    """Record a hypothesis and what was found: phase 1 is the laboratory, phase 2 the whole batch."""
    says = f"Phase {phase} of {id}: {hypothesis}; found: {found}."
    _record(app, id, lambda _, inquiry: state_hypothesis(inquiry, phase, hypothesis, found), says, as_json)


@investigate.command()
@click.argument("id", type=INVESTIGATION)
@click.option("--phase", type=click.IntRange(1, 2), help="1 the laboratory, 2 the whole batch.")
@click.option("--hypothesis", help="What the retest shall show.")
@click.option("--plan", "how", help="What is tested, how and by whom.")
@click.option("--retests", type=click.IntRange(1, 99), help="How many, no more and no fewer.")
@json_option
@click.pass_obj
def plan(
    app: App, id: str, phase: Phase | None, hypothesis: str | None, how: str | None, retests: int | None, as_json: bool
) -> None:
    """Approve a retest before it is done, as a pharmacist other than the analyst; its number is fixed here."""
    _record(
        app,
        id,
        lambda _, inquiry: plan_retest(
            inquiry, app.person_id, app.person, phase=phase, hypothesis=hypothesis, plan=how, retests=retests
        ),
        f"{id}: retests fixed at {retests}, approved by {app.person.name}.",
        as_json,
    )


# Options of the test stand behind its name and go on to it; --reason stands before the investigation.
@investigate.command(context_settings={"allow_interspersed_args": False})
@click.argument("id", type=INVESTIGATION)
@click.argument("test")
@click.argument("result", nargs=-1, type=click.UNPROCESSED)
@click.option("--reason", help="Where a reading stands that equals the mean of the earlier ones.")
@click.pass_context
def retest(ctx: click.Context, id: str, test: str, result: tuple[str, ...], reason: str | None) -> None:
    """Record a planned retest, as any result is recorded: TEST is a command of compounding qc, without its batch.

    \b
    compounding qc investigate retest INV-2026-0001 assay "98.1 %" --laboratory "Example Laboratories"
    """
    from compounding.cli.qc import qc

    app: App = ctx.obj
    command = qc.get_command(ctx, test) if test in TESTS else None
    if command is None:
        raise NotUnderstood(Problem("retest.test", f"{test} is no test: a retest is one of {', '.join(TESTS)}", test))
    app.retest_of, app.retest_reason = id, reason
    with command.make_context(test, [_batch_of(app, id).id, *result], parent=ctx) as called:
        command.invoke(called)


@investigate.command("resample")
@click.argument("id", type=INVESTIGATION)
@click.option("--plan", "how", help="How the new sample is taken.")
@click.option("--reason", help="What shows that the first sample was unsound.")
@json_option
@click.pass_obj
def resample_(app: App, id: str, how: str | None, reason: str | None, as_json: bool) -> None:
    """Approve a new sample, as a pharmacist other than the analyst; its retests are then planned."""
    says = f"{id}: a new sample was approved by {app.person.name}. Plan its retests."
    judged = lambda _, inquiry: resample(inquiry, app.person_id, app.person, how, reason)  # noqa: E731
    _record(app, id, judged, says, as_json, reason)


@investigate.command("invalidate")
@click.argument("id", type=INVESTIGATION)
@click.option("--cause", help="What went wrong in the test.")
@click.option("--evidence", help="What shows that it did; a passing retest does not.")
@json_option
@click.pass_obj
def invalidate_(app: App, id: str, cause: str | None, evidence: str | None, as_json: bool) -> None:
    """Set the original result aside for an assignable cause; it stays on record."""
    _record(
        app,
        id,
        lambda _, inquiry: invalidate(inquiry, app.person_id, app.person, cause, evidence),
        f"{id}: the original result is set aside by {app.person.name}: {cause}.",
        as_json,
    )


# ---- the end ----


@investigate.command("conclude")
@click.argument("id", type=INVESTIGATION)
@click.option("--conclusion", help="What was found.")
@click.option("--other-batches", help="Which other batches were looked at, and what was seen.")
@click.option("--cause", help="The root cause, if there is one; a batch goes on only with it.")
@click.option("--no-action", help="Why nothing has to be corrected or prevented.")
@json_option
@click.pass_obj
def conclude_(
    app: App,
    id: str,
    conclusion: str | None,
    other_batches: str | None,
    cause: str | None,
    no_action: str | None,
    as_json: bool,
) -> None:
    """Conclude: what was found, and whether other batches share the cause."""
    _record(
        app,
        id,
        lambda batch, inquiry: conclude(
            batch, inquiry, conclusion=conclusion, other_batches=other_batches, cause=cause, no_action=no_action
        ),
        f"{id} is concluded: {conclusion}. A second person decides: compounding qc investigate disposition {id} reject|release",
        as_json,
    )


@investigate.command()
@click.argument("id", type=INVESTIGATION)
@click.argument("decision", type=click.Choice(["reject", "release"]))
@click.option("--reason", help="Why.")
@json_option
@click.pass_obj
def disposition(app: App, id: str, decision: Disposition, reason: str | None, as_json: bool) -> None:
    """Decide, as a second person: reject the batch, or let it go on to its release."""
    _record(
        app,
        id,
        lambda batch, inquiry: close(batch, inquiry, decision, app.person_id, app.person, reason),
        f"{id} is closed by {app.person.name}: {decision}: {reason}.",
        as_json,
        reason,
    )
    batch = _batch_of(app, id)
    if decision == "reject" and batch.labels and not as_json:
        notice(f"Labels of batch {batch.id} were printed ({len(batch.labels)}): call back what was dispensed")


# ---- actions ----


@investigate.command()
@click.argument("id", type=INVESTIGATION)
@click.option("--do", "what", required=True, help="What is done, to correct or to prevent.")
@click.option("--owner", required=True, help="Id of the person who does it.")
@click.option("--due", required=True, metavar="DATE", help="Until when.")
@click.option("--check", required=True, metavar="DATE", help="When another person looks at its effect.")
@json_option
@click.pass_obj
def action(app: App, id: str, what: str, owner: str, due: str, check: str, as_json: bool) -> None:
    """Assign a corrective or preventive action."""
    until, looked_at = day(app, due), day(app, check)
    _record(
        app,
        id,
        lambda _, inquiry: assign_action(inquiry, what, owner, until, looked_at, app.settings.people, app.today()),
        f"{id}: {what}; {app.names.get(owner, owner)}, due {until}, effect looked at {looked_at}.",
        as_json,
    )


@investigate.command()
@click.argument("id", type=INVESTIGATION)
@click.argument("number", type=click.IntRange(min=1))
@click.option("--what", required=True, help="What was done.")
@json_option
@click.pass_obj
def done(app: App, id: str, number: int, what: str, as_json: bool) -> None:
    """Record that an action was done."""
    _record(
        app, id, lambda _, inquiry: do_action(inquiry, number, what), f"Action {number} of {id} done: {what}.", as_json
    )


@investigate.command()
@click.argument("id", type=INVESTIGATION)
@click.argument("number", type=click.IntRange(min=1))
@click.option("--effective/--without-effect", required=True, default=None, help="Whether it had the effect it was for.")
@click.option("--found", required=True, help="What was looked at, and what was seen.")
@json_option
@click.pass_obj
def effect(app: App, id: str, number: int, effective: bool, found: str, as_json: bool) -> None:
    """Record whether an action had its effect, as someone other than its owner."""
    verdict = "had its effect" if effective else "was without effect: do it again in another way"
    _record(
        app,
        id,
        lambda _, inquiry: check_effect(inquiry, number, effective, found, app.person_id, app.today()),
        f"Action {number} of {id} {verdict}. {found}.",
        as_json,
    )
