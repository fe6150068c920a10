"""``compounding formula``: master formulation records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import click

from compounding.cli.app import App, read_text
from compounding.cli.ids import FORMULA
from compounding.cli.lists import list_options, show_list
from compounding.cli.show import emit, json_option, notice, say
from compounding.problems import CompoundingError, NotUnderstood, Problem, Refused
from compounding.records.formula import Component, Formula, digest_of, read_formula
from compounding.records.record import as_data
from compounding.rules.tables import in_force


@click.group()
def formula() -> None:
    """Master formulation records: how a preparation is made, checked, stored and labelled."""


@formula.command("list")
@list_options
@click.pass_obj
def list_formulas(app: App, /, **wanted: Any) -> None:
    """List the formulas at hand; the pharmacy's own come before those shipped."""
    found = [read_formula(read_text(file, "formula", "restore it"), str(file)) for file in app.formula_files().values()]
    rows = [
        (each.id, each.version, each.dosage_form, f"{each.strength.minimum} to {each.strength.maximum}")
        for each in found
    ]

    def data() -> list[dict[str, Any]]:
        return [{"id": each.id, "version": each.version, "name": each.name, "form": each.dosage_form} for each in found]

    show_list("formulas", ("formula", "version", "form", "strength"), rows, data, right=(1,), **wanted)


@formula.command()
@click.argument("id", type=FORMULA)
@json_option
@click.pass_obj
def show(app: App, id: str, as_json: bool) -> None:
    """Show one formula whole."""
    text, name = app.formula_text(id)
    found = read_formula(text, name)
    if as_json:
        emit({"digest": digest_of(text), **as_data(found)})
    else:
        say(formula_in_words(found, digest_of(text), app.today()))


@formula.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@click.pass_obj
def check(app: App, file: Path, as_json: bool) -> None:
    """Check a formula file: every key that is missing, unknown or wrong, with what to write."""
    from compounding.work.approving import check_rules

    text = read_text(file, "formula", "give a formula file")
    found = read_formula(text, str(file))
    if problems := check_rules(found, app.today()):
        raise NotUnderstood(problems)
    if as_json:
        emit({"id": found.id, "version": found.version, "digest": digest_of(text), "problems": []})
    else:
        say(f"{file} is a whole formula: {found.id}, version {found.version}, {digest_of(text)}")


@formula.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check every file and write none.")
@json_option
@click.pass_obj
def import_formulas(app: App, files: tuple[Path, ...], dry_run: bool, as_json: bool) -> None:
    """Take formula files into the pharmacy's own folder, all or none; each is approved afterwards.

    \b
    compounding formula import capsule.toml suspension.toml --dry-run
    """
    from compounding.store.files import write_whole
    from compounding.work.approving import check_rules

    folder = app.settings_file.parent / app.settings.formulas
    found: dict[Path, str] = {}
    problems: list[Problem] = []
    for file in files:
        try:
            text = read_text(file, "formula", "give a formula file")
            formula = read_formula(text, str(file))
            problems += [replace(each, text=f"{file}: {each.text}") for each in check_rules(formula, app.today())]
            place = folder / f"{formula.id}.toml"
        except CompoundingError as refusal:
            problems += refusal.problems
            continue
        if place in found or place.exists():
            says = f"{file}: there is a formula {place.stem} already; give this one another id, or take that one away"
            problems.append(Problem("formula.known", says, str(file)))
        found[place] = text
    if problems:
        raise Refused(problems)
    if not dry_run:
        folder.mkdir(parents=True, exist_ok=True)
        for place, text in found.items():
            write_whole(place, text.encode())
    names = [place.stem for place in found]
    if as_json:
        emit({"formulas": names, "written": not dry_run, "problems": []})
    else:
        say(f"{len(names)} formulas {'would be ' if dry_run else ''}taken into {folder}: {', '.join(names)}.")
        notice(f"Next: compounding formula approve {names[0]}")


@formula.command()
@click.argument("id", type=FORMULA)
@json_option
@click.pass_obj
def approve(app: App, id: str, as_json: bool) -> None:
    """Approve a formula as a pharmacist: this text of it, and no other; you sign.

    \b
    compounding --as ana formula approve naltrexone-capsule
    """
    from compounding.cli.app import Decision
    from compounding.work.approving import approve_formula

    text, name = app.formula_text(id)
    found, digest = read_formula(text, name), digest_of(text)
    subject = f"formula:{found.id}"

    def decide() -> Decision:
        earlier = app.recorded(subject)
        fact, problems = approve_formula(found, digest, earlier, app.person, app.today())
        seen = {subject: earlier[-1].sequence if earlier else 0}
        shown = formula_in_words(found, digest, app.today())
        return Decision([(fact, (subject,))] if fact else [], problems, seen, shown=shown)

    _, entries = app.record(decide)
    entry = entries[0].sequence
    if as_json:
        emit({"formula": found.id, "version": found.version, "digest": digest, "entry": entry, "problems": []})
    else:
        say(f"{found.id} version {found.version} approved by {app.person.name} (entry {entry})")


def formula_in_words(found: Formula, digest: str, on: date) -> str:
    """A formula whole, for people; classes and rules in the words of the tables in force on a day."""
    parts = (
        _head(found, digest),
        _made_of(found),
        _procedures(found),
        ["Looks like", f"  {found.description}"],
        _tests(found, on),
        _yield(found),
        _beyond_use(found, on),
        _label(found),
        ["Notes", *[f"  {note}" for note in (*found.tablet_notes, *found.notes)]],
        [f"References: {', '.join(found.references)}"],
    )
    return "\n\n".join("\n".join(part) for part in parts)


def _head(found: Formula, digest: str) -> list[str]:
    lines = [
        f"{found.name}  ({found.id}, version {found.version})",
        f"  {digest}",
        f"  {found.dosage_form}, {found.route}; {found.strength.minimum} to {found.strength.maximum}; "
        f"batches of {found.batch.minimum} to {found.batch.maximum}",
    ]
    if found.dose:
        lines.append(f"  a dose is {found.dose.minimum} to {found.dose.maximum}")
    approval = found.approval
    return [
        *lines,
        f"  {found.strength_basis}",
        f"  prepared by: {approval['prepared_by']}",
        f"  approved by: {approval['approved_by']}",
        f"  why this version: {approval['change_reason']}",
    ]


def _made_of(found: Formula) -> list[str]:
    lines = ["Made of", f"  active: {found.substance}"]
    for each in found.source:
        low, high = each.content_percent
        lines.append(f"  from {each.kind}s of {each.label_claim} ({' or '.join(each.materials)})")
        lines.append(f"    which hold {low} to {high} % of their claim. {each.note}")
    if found.powder:
        lines.append(f"  or from powder ({' or '.join(found.powder.materials)})")
        dissolves = f" Water dissolves {found.powder.solubility}." if found.powder.solubility else ""
        lines.append(f"    {found.powder.note}{dissolves} [{found.powder.source}]")
    if found.filler:
        others = "".join(f", or {name}" for name in found.filler.alternatives)
        lines.append(f"  filler: {found.filler.material} ({found.filler.grade}){others}. {found.filler.note}")
        for other in found.filler.refused:
            named = ", ".join((other.material, *other.also))
            lines.append(f"  refused: {named}: {other.reason} [{other.source}]")
    if found.shell:
        lines.append(f"  shells: {found.shell.material}. {found.shell.note}")
    lines += [_component(each) for each in found.component]
    if found.vehicle:
        lines.append(f"  vehicle: {found.vehicle.material} ({found.vehicle.grade}): {found.vehicle.note}")
    within = found.tolerance
    on = {"batch": "the batch, every ingredient", "active": "the active alone"}[found.overage_on]
    return [
        *lines,
        f"  overage: {found.overage} on {on}, unless the order says otherwise",
        f"  readings may lie {within.weighing_percent} % from a mass and {within.volume_percent} % from a volume [{within.source}]",
        f"  container: {found.container}",
        f"  equipment: {', '.join(found.equipment)}",
    ]


def _component(each: Component) -> str:
    between = f", {each.range[0]} to {each.range[1]} is allowed" if each.range else ""
    dissolves = f". {each.solubility} dissolves" if each.solubility else ""
    note = f". {each.note}" if each.note else ""
    return f"  {each.role}: {each.material} ({each.grade}), {each.amount}{between}{dissolves}{note} [{each.source}]"


def _procedures(found: Formula) -> list[str]:
    lines = ["Steps", *_steps(found.step)]
    for other in found.alternative:
        lines += ["", f"Steps of {other.method}", f"  {other.note} [{other.source}]", *_steps(other.step)]
    if found.filtering:
        lines += ["", "If it is filtered", f"  {found.filtering.do}"]
        lines.append(f"  {found.filtering.note} [{found.filtering.source}]")
    return lines


def _steps(steps: Iterable[dict[str, str]]) -> list[str]:
    return [
        f"  {number}. {step['do']}" + (f" (only for a {step['only']})" if "only" in step else "")
        for number, step in enumerate(steps, 1)
    ]


def _tests(found: Formula, on: date) -> list[str]:
    lines = ["Tests"]
    for test in found.test:
        unverified = " UNVERIFIED: a pharmacist confirms it" if not test.verified else ""
        needed = "" if test.required else " (not required)"
        lines += [f"  {test.trait}{needed}: {test.expected}{unverified}"]
        units = f" of {test.units} units" if test.units else ""
        lines.append(f"    {test.kind}{units}: {test.method} [{test.source}]")
        unit = f" {test.unit}" if test.unit else f" % of the {test.of}" if test.of else ""
        if test.low or test.high:
            lines.append(f"    passes from {test.low or 'anything'} to {test.high or 'anything'}{unit}")
        if test.target:
            lines.append(f"    aims at {test.target} % of label")
        if test.by_weight:
            lines.append("    net weights and the assay may stand for assays of single units, where there is enough active")
        if test.possible:
            lines.append(f"    can read {test.possible[0]} to {test.possible[1]} at all")
        if test.sample:
            again = "used up" if test.sample.destroyed else "given back"
            share = f"{test.sample.share} of the batch" if test.sample.share else None
            takes = ", at least ".join(filter(None, (share, test.sample.take)))
            lines.append(f"    takes {takes}, {again} [{test.sample.source}]")
        for rule in test.rules:
            row = next(iter(in_force("acceptance", on, id=rule)), {})
            lines.append(f"    decided by {rule}: {row.get('authority', 'not in force')} [{row.get('source', '')}]")
    return lines


def _yield(found: Formula) -> list[str]:
    limits = found.yield_limits
    lines = ["Yield", f"  {limits.units_percent[0]} to {limits.units_percent[1]} % of the plan [{limits.source}]"]
    return lines + ([f"  at most {limits.loss_percent} % of the mass is lost"] if limits.loss_percent else [])


def _beyond_use(found: Formula, on: date) -> list[str]:
    rule = found.beyond_use
    row = next(iter(in_force("beyond_use", on, id=rule.category)), {})
    return [
        "Beyond use",
        f"  {row.get('says', 'no rule in force')}: at most {row.get('days', 0)} days [{row.get('source', '')}, {rule.category}]",
        f"  {rule.storage_text} ({rule.storage})",
        *[f"  study: {each.days} days at {each.storage}: {each.what} [{each.source}]" for each in rule.study],
    ]


def _label(found: Formula) -> list[str]:
    from compounding.documents.texts import read_auxiliary, read_warning

    warning, sentences = read_warning(found.label.warning), read_auxiliary()
    return [
        "Label",
        f"  {warning.heading}: {warning.text} [{found.label.warning}]",
        *[f"  {sentences.get(name, 'a sentence that is not here')} [{name}]" for name in found.label.auxiliary],
        f"  directions unless the prescription says otherwise: {found.label.directions}",
    ]
