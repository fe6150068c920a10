"""``compounding formula``: master formulation records."""

from __future__ import annotations

from pathlib import Path

import click

from compounding.cli.app import App, read_text
from compounding.cli.show import emit, json_option, table
from compounding.records.formula import Formula, digest_of, read_formula
from compounding.records.record import as_data


@click.group()
def formula() -> None:
    """Master formulation records: how a preparation is made, checked, stored and labelled."""


@formula.command("list")
@json_option
@click.pass_obj
def list_formulas(app: App, as_json: bool) -> None:
    """List the formulas at hand; the pharmacy's own come before those shipped."""
    found = [read_formula(read_text(file, "formula", "restore it"), str(file)) for file in app.formula_files().values()]
    if as_json:
        emit(
            {
                "formulas": [
                    {"id": each.id, "version": each.version, "name": each.name, "form": each.dosage_form}
                    for each in found
                ]
            }
        )
        return
    rows = [
        (each.id, each.version, each.dosage_form, f"{each.strength.minimum} to {each.strength.maximum}")
        for each in found
    ]
    click.echo(table(("formula", "version", "form", "strength"), rows, right=(1,)))


@formula.command()
@click.argument("id")
@json_option
@click.pass_obj
def show(app: App, id: str, as_json: bool) -> None:
    """Show one formula whole."""
    text, name = app.formula_text(id)
    found = read_formula(text, name)
    if as_json:
        emit({"digest": digest_of(text), **as_data(found)})
    else:
        click.echo(_whole(found, digest_of(text)))


@formula.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def check(file: Path, as_json: bool) -> None:
    """Check a formula file: every key that is missing, unknown or wrong, with what to write."""
    text = read_text(file, "formula", "give a formula file")
    found = read_formula(text, str(file))
    if as_json:
        emit({"id": found.id, "version": found.version, "digest": digest_of(text), "problems": []})
    else:
        click.echo(f"{file} is a whole formula: {found.id}, version {found.version}, {digest_of(text)}")


def _whole(found: Formula, digest: str) -> str:
    lines = [
        f"{found.name}  ({found.id}, version {found.version})",
        f"  {digest}",
        f"  {found.dosage_form}, {found.route}; {found.strength.minimum} to {found.strength.maximum}; "
        f"batches of {found.batch.minimum} to {found.batch.maximum}",
        f"  {found.strength_basis}",
        f"  approved by: {found.approval['approved_by']}",
        "",
        "Made of",
    ]
    lines += [f"  {each.kind} of {each.label_claim}: {each.note}" for each in found.source]
    if found.filler:
        lines.append(
            f"  filler: {found.filler.material} ({found.filler.grade}); or {', '.join(found.filler.alternatives)}"
        )
        lines += [f"  refused: {each.material}: {each.reason} [{each.source}]" for each in found.filler.refused]
    lines += [f"  {each.material} ({each.role}): {each.amount} [{each.source}]" for each in found.component]
    if found.vehicle:
        lines.append(f"  vehicle: {found.vehicle.material}: {found.vehicle.note}")
    lines += [f"  container: {found.container}", f"  equipment: {', '.join(found.equipment)}", "", "Steps"]
    lines += [f"  {number}. {step['do']}" for number, step in enumerate(found.step, 1)]
    lines += ["", "Looks like", f"  {found.description}", "", "Tests"]
    for test in found.test:
        mark = "" if test.verified else " UNVERIFIED: a pharmacist confirms it"
        lines += [f"  {test.trait}: {test.expected}{mark}", f"    by {test.method} [{test.source}]"]
    lines += ["", "Beyond use", f"  class {found.beyond_use.category}; {found.beyond_use.storage_text}"]
    lines += [
        f"  study: {each.days} days at {each.storage}: {each.what} [{each.source}]" for each in found.beyond_use.study
    ]
    lines += ["", "Notes", *[f"  {note}" for note in found.notes], "", f"References: {', '.join(found.references)}"]
    return "\n".join(lines)
