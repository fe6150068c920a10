"""``compounding leaflet``: what a patient is told with the bottles, from the record of their labels."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import click

from compounding.cli.app import App, Decision, nearest
from compounding.cli.ids import LABEL
from compounding.cli.ordering import day
from compounding.cli.show import emit, json_option, notice
from compounding.cli.titrate import NO_HOLD, asked_titration, step_options
from compounding.cli.wording import approval_of, check_words, names_of_words, own_texts
from compounding.problems import Problem, Refused, stopping
from compounding.quantities import count, written
from compounding.records.facts import LeafletWritten, StepsAsked
from compounding.records.issued import labels_of
from compounding.rules.follow_up import FollowUp, follow_ups
from compounding.work.leaflets import (
    Supply,
    Told,
    check_calendar,
    check_start,
    check_supplies,
    kit_of,
    leaflet_texts,
)
from compounding.work.scanning import meant_label, read_scan
from compounding.work.titrating import Asked, Titration, check_first_day, plan_titration


@click.command()
@click.argument("labels", nargs=-1, required=True, type=LABEL, metavar="LABEL...")
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.pdf",
    help="Where to write the PDF; it replaces no file.",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.html",
    help="Write the same words as a page of HTML too; it replaces no file.",
)
@click.option("--language", metavar="CODE", help="Language, such as es; it must be that of the labels, the default.")
@step_options
@json_option
@click.pass_obj
def leaflet(
    app: App,
    /,
    labels: tuple[str, ...],
    out: Path,
    html: Path | None,
    language: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Write the leaflet for some bottles of one prescription; scan or type their labels.

    Two pages: the leaflet; check-ups with their dates, and a card for the wallet. With steps (--start and --to, or
    --schedule) it has a calendar of capsules and milligrams, which must fit what the bottles hold. Everything else
    comes from the record. It is read back before it is written, and what the patient was told is recorded.

    \b
    compounding leaflet L0000001A --out leaflet.pdf --html leaflet.html
    compounding leaflet L0000001A L0000002B --start "0.5 mg" --to "4.5 mg" --step "0.5 mg" \\
      --every "7 days" --out leaflet.pdf
    """
    from compounding.documents.leaflet import draw_leaflet, paper
    from compounding.documents.leaflet_proof import prove_leaflet
    from compounding.documents.webpage import leaflet_page
    from compounding.store.files import check_new, check_paper, written_whole

    check_paper(out, may_replace=False)
    if html is not None:
        check_new(html, ".html")
    ids = [next(filter(None, map(meant_label, read_scan(each).ids)), each) for each in labels]
    supplies = [supply_of(app, id) for id in ids]
    _refuse(check_supplies(supplies, app.today()) + _check_language(supplies, language))
    first_day = day(app, given["first"])
    _refuse([*check_first_day(first_day, app.today(), "leaflet"), *check_start(supplies, first_day)])
    asked, titration, told = _titration(app, supplies, given)
    known, unapproved = gathered(app, supplies, first_day, titration)
    texts, problems = leaflet_texts(known)
    _refuse(problems)
    told += [each.text for each in (*unapproved, *problems)]
    text, pdf, problems = draw_leaflet(texts, paper(app.settings.paper))
    if text is None:
        raise Refused(problems)
    page = leaflet_page(text) if html else None
    problems, proved = prove_leaflet(pdf, page, text, known.warning)
    _refuse(problems)
    fact = _fact(known, pdf, page, proved, _steps(asked) if asked else None)
    subjects = (f"rx:{fact.prescription}", *(f"label:{id}" for id in ids), *(f"batch:{id}" for id in fact.batches))

    def decide() -> Decision:
        seen = app.journal.last_seen(subjects)
        refused = check_supplies([supply_of(app, id) for id in ids], app.today())
        if not refused and _patient(app, fact.prescription) == known.patient:
            return Decision([(fact, subjects)], [], seen)
        return Decision([], refused or [_erased(fact.prescription)], {})

    with ExitStack() as files:
        files.enter_context(written_whole(out, pdf))
        if html and page:
            files.enter_context(written_whole(html, page))
        _, entries = app.record(decide)
    if not all(each.verified for each in known.follow_ups):
        told.append(
            "No official text fixes the dates of its check-ups: the prescriber does. Compare them with the prescription"
        )
    if as_json:
        emit(_data(known, fact, len(text.sheets), (out, html), entries[0].sequence, told))
        return
    where = f"{out} and {html}" if html else str(out)
    click.echo(
        f"Leaflet for {', '.join(ids)}, Rx {fact.prescription}, proved and written to {where}: "
        f"{len(text.sheets)} pages, to print on one side (entry {entries[0].sequence})"
    )
    for each in known.follow_ups:
        until = f" to {each.last}" if each.last != each.first else ""
        click.echo(f"  {each.first}{until}  {known.wording.words[f'test-{each.id}']}")
    for said in told:
        notice(said)


def gathered(
    app: App, supplies: list[Supply], first_day: date, titration: Titration | None
) -> tuple[Told, list[Problem]]:
    """Everything that the leaflet tells, and what of its words nobody approved here."""
    from compounding.documents.leaflet_words import read_leaflet
    from compounding.documents.profiles import read_profile
    from compounding.documents.texts import label_sentences, read_texts, read_warning, read_wording
    from compounding.work.labelling import check_warning

    batch, printed = supplies[0].batch, supplies[-1].label.printed
    code, profile, own = printed.language or "en", read_profile(app.settings.profile), own_texts(app)
    check_warning(batch, profile.warnings)
    names = names_of_words(code, batch.formula.label.warning)
    unapproved = check_words(app, code, ("leaflet", *names))
    wording, approval = read_leaflet(code, profile, own), approval_of(app, read_wording("leaflet", code, own))
    known = Told(
        supplies=tuple(supplies),
        patient=_patient(app, printed.prescription),
        wording=wording,
        say=read_texts("sentences", code, own) if "sentences" in names else None,
        sentences=label_sentences(batch.formula.label.auxiliary, profile, code, own),
        warning=read_warning(batch.formula.label.warning, code, own),
        pharmacy=app.settings.pharmacy,
        first_day=first_day,
        on=app.today(),
        follow_ups=follow_ups(first_day, app.today()),
        titration=titration,
        approved_by=app.names.get(approval.person, approval.person) if approval else None,
    )
    return known, unapproved


def _fact(
    known: Told, pdf: bytes, page: bytes | None, proved: tuple[str, ...], steps: StepsAsked | None
) -> LeafletWritten:
    wording, warning = known.wording, known.warning
    return LeafletWritten(
        labels=tuple(each.id for each in known.supplies),
        batches=tuple(dict.fromkeys(each.batch.id for each in known.supplies)),
        prescription=known.supplies[-1].label.printed.prescription,
        language=wording.language,
        text=f"{wording.id} revision {wording.revision}",
        text_digest=wording.digest,
        warning=f"{warning.id} revision {warning.revision}",
        warning_digest=warning.digest,
        first_day=known.first_day.isoformat(),
        pdf=_digest(pdf),
        proved=proved,
        steps=steps,
        html=_digest(page) if page else None,
    )


def _refuse(problems: list[Problem]) -> None:
    if stopping(problems):
        raise Refused(problems)


def supply_of(app: App, id: str) -> Supply:
    """A label as it stands, and its batch."""
    known = labels_of(app.recorded(f"label:{id}")).get(id)
    if known is None:
        text = f"{id} is no label of a patient's bottle that was printed here{nearest(id, app.ids('label:'))}"
        raise Refused(Problem("leaflet.unknown", text, id))
    return Supply(known, app.batch(known.printed.batch))


def _patient(app: App, prescription: str) -> str:
    """The patient's name, from beside the journal."""
    person = app.journal.recall_personal(prescription)
    if person is None:
        raise Refused(_erased(prescription))
    return person.name


def _erased(prescription: str) -> Problem:
    text = f"The name of prescription {prescription} was erased: there is nobody to write a leaflet for"
    return Problem("leaflet.name-erased", text, prescription)


def _check_language(supplies: list[Supply], asked: str | None) -> list[Problem]:
    """Directions are in the language of their label: a leaflet in another would show words of both."""
    others = [each for each in supplies if asked and (each.label.printed.language or "en") != asked]
    return [
        Problem(
            "leaflet.language",
            f"Label {each.id} is in {each.label.printed.language or 'en'}: its directions have no {asked} wording. "
            f"Label the bottle in {asked} first",
            each.id,
        )
        for each in others
    ]


def _titration(
    app: App, supplies: list[Supply], given: dict[str, Any]
) -> tuple[Asked | None, Titration | None, list[str]]:
    """The calendar that the options ask for, out of what the bottles hold; and what the pharmacist should know of it."""
    if not any(given[name] for name in ("start", "target", "step", "every", "named")) and given["hold"] == NO_HOLD:
        return None, None, []
    kit = tuple(f"{strength}={number}" for strength, number in kit_of(supplies).items())
    # Each strength is judged by its own date below; the latest is when the whole kit has ended.
    last = max(each.batch.beyond_use_date for each in supplies).isoformat()
    options = given | {"kit": kit, "strengths": None, "beyond_use": last}
    first = supplies[0].batch
    if first.plan.ordered_as != first.formula.substance:
        text = (
            f"Steps count {first.formula.substance}; these capsules count {first.plan.ordered_as}. Leave the steps out"
        )
        raise Refused(Problem("leaflet.form", text, first.id))
    asked, problems = asked_titration(app, first.formula, options.pop("named"), options)
    made, more = plan_titration(first.formula, asked, app.today())
    problems += more
    _refuse(problems + (check_calendar(supplies, made) if made else []))
    return asked, made, [problem.text for problem in problems if problem.code != "titration.label"]


def _steps(asked: Asked) -> StepsAsked:
    return StepsAsked(
        start=written(asked.start),
        to=written(asked.target),
        step=written(asked.step),
        every=written(count(asked.every, "day")),
        hold=written(count(asked.hold, "day")),
        schedule=asked.schedule.id if asked.schedule else None,
    )


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _data(
    known: Told, fact: LeafletWritten, pages: int, files: tuple[Path, Path | None], entry: int, told: list[str]
) -> dict[str, Any]:
    """What was written, as the JSON of the command line."""
    made = known.titration
    return {
        "file": str(files[0]),
        "html": str(files[1]) if files[1] else None,
        "pages": pages,
        "prescription": fact.prescription,
        "labels": list(fact.labels),
        "language": fact.language,
        "text": fact.text,
        "warning": fact.warning,
        "approved_by": known.approved_by,
        "proved": list(fact.proved),
        "from": fact.first_day,
        "until": made.on(made.last_day).isoformat() if made else None,
        "follow_up": [_follow_up(each) for each in known.follow_ups],
        "entry": entry,
        "notices": told,
        "problems": [],
    }


def _follow_up(each: FollowUp) -> dict[str, Any]:
    return {"id": each.id, "from": each.first.isoformat(), "until": each.last.isoformat(),
            "verified": each.verified, "source": each.source}  # fmt: skip
