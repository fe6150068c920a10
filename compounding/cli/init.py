"""``compounding init``: a settings file and an empty journal."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from compounding.cli.show import emit, json_option, notice
from compounding.problems import NotUnderstood, Problem, Refused
from compounding.settings import read_settings

TEMPLATE = """\
# Settings of one pharmacy at one site. Lines that begin with # are notes.

site = {site}
journal = {journal}        # {lies}
stock = "4x2"                     # label stock used unless a command names another
signatures = "{signatures}"{gap}# required: nothing is verified, released or approved unsigned
unapproved_formula = "{unapproved}"{gap2}# a batch of a formula that nobody approved here: refuse, warn or allow
unapproved_text = "refuse"        # a label whose words nobody approved here: refuse or warn

[pharmacy]                        # stands on every label
name = {name}
address = {address}
phone = {phone}

# People, by the id that --as takes. Roles: pharmacist, technician, qc.
{people}
# Balances, by name: the readability, and the least mass that the last repeatability test allows.
{balances}# Measuring devices that go out with a liquid: what each holds, and the step from mark to mark.
{devices}"""


@click.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for settings and journal; default: the user's settings folder.",
)
@click.option("--site", default="main", show_default=True, help="Name of the site, in small letters.")
@click.option(
    "--journal",
    "address_of_journal",
    metavar="postgresql://HOST/DATABASE",
    help="A PostgreSQL server for the journal, which compounding journal init then begins; default: a file.",
)
@click.option("--name", help="Name of the pharmacy.")
@click.option("--address", help="Its address, as on a label.")
@click.option("--phone", help="Its telephone number, as on a label.")
@click.option(
    "--person",
    "people",
    multiple=True,
    metavar="ID:NAME:ROLES",
    help='Someone who works here, such as "ana:Ana Ortiz:pharmacist"; repeat it.',
)
@click.option(
    "--balance",
    "balances",
    multiple=True,
    metavar="NAME:READABILITY:MINIMUM",
    help='A balance, such as "bench:0.1 mg:20 mg"; repeat it.',
)
@click.option(
    "--device",
    "devices",
    multiple=True,
    metavar="ID:NAME:CAPACITY:STEP",
    help='A measuring device, such as "oral-5:5 mL oral syringe:5 mL:0.1 mL"; repeat it.',
)
@click.option(
    "--signatures",
    type=click.Choice(["required", "optional"]),
    default="required",
    show_default=True,
    help="Whether verifying, releasing and approving always ask for a signature.",
)
@json_option
def init(
    folder: Path | None,
    site: str,
    address_of_journal: str | None,
    name: str | None,
    address: str | None,
    phone: str | None,
    people: tuple[str, ...],
    balances: tuple[str, ...],
    devices: tuple[str, ...],
    signatures: str,
    as_json: bool,
) -> None:
    """Write a settings file and an empty journal; asks for what is missing on a terminal.

    \b
    compounding init --folder pharmacy --name "Example Pharmacy" --address "12 Sample Street" \\
      --phone "(555) 010-0142" --person "ana:Ana Ortiz:pharmacist" --person "tom:Tom Reed:technician" \\
      --balance "bench:0.1 mg:20 mg"
    """
    from compounding.store.files import written_whole
    from compounding.store.journal import Journal

    if folder is None:
        import platformdirs

        folder = Path(platformdirs.user_config_dir("compounding"))
    settings_file, journal_file = folder / "settings.toml", folder / "journal.sqlite"
    if address_of_journal is not None and not address_of_journal.startswith("postgresql://"):
        text = f"{address_of_journal} is no address of a server: write postgresql://host/database"
        raise NotUnderstood(Problem("init.journal", text, "--journal"))
    for file in (settings_file, journal_file):
        if file.exists():
            raise Refused(
                Problem(
                    "init.exists", f"{file} is there already: nothing was changed. Choose another --folder", str(file)
                )
            )
    asked = {"--name": name, "--address": address, "--phone": phone}
    asked = {key: value or _ask(key) for key, value in asked.items()}
    people = people or (_ask("--person"),)
    balances = balances or (_ask("--balance"),)
    text = TEMPLATE.format(
        site=_quoted(site),
        journal=_quoted(address_of_journal or "journal.sqlite"),
        lies="on this server" if address_of_journal else "beside this file",
        signatures=signatures,
        gap=" " * (19 - len(signatures)),
        unapproved="warn" if signatures == "required" else "allow",
        gap2=" " * (7 if signatures == "required" else 6),
        name=_quoted(asked["--name"]),
        address=_quoted(asked["--address"]),
        phone=_quoted(asked["--phone"]),
        people="".join(_person(each) for each in people),
        balances="".join(_balance(each) for each in balances),
        devices="".join(_device(each) for each in devices),
    )
    settings = read_settings(text, str(settings_file))
    folder.mkdir(parents=True, exist_ok=True)
    with written_whole(settings_file, text.encode()):
        if address_of_journal is None:
            Journal.create(journal_file, settings.site).close()
    place = address_of_journal or str(journal_file)
    if as_json:
        emit({"settings": str(settings_file), "journal": place, "problems": []})
        return
    click.echo(f"Settings: {settings_file}\nJournal:  {place}")
    then = "compounding journal init --help" if address_of_journal else "compounding lot receive --help"
    first = people[0].partition(":")[0].strip()
    if signatures == "required" and not address_of_journal:
        then = f"compounding --as {first} person add {first}"
    notice(f"Next: export COMPOUNDING_SETTINGS={settings_file}, then {then}")


_ASK = {
    "--name": "Name of the pharmacy",
    "--address": "Address",
    "--phone": "Telephone",
    "--person": "First person, as ID:NAME:ROLES (ana:Ana Ortiz:pharmacist)",
    "--balance": "Balance, as NAME:READABILITY:MINIMUM (bench:0.1 mg:20 mg)",
}


def _ask(option: str) -> str:
    if sys.stdin.isatty():
        answer: str = click.prompt(_ASK[option], err=True)
        return answer
    raise NotUnderstood(Problem("init.missing", f"{option} is missing: {_ASK[option]}", option))


def _parts(text: str, option: str) -> list[str]:
    parts = [part.strip() for part in text.split(":")]
    if len(parts) != 3 or not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,30}", parts[0]):
        raise NotUnderstood(Problem("init.parts", f"{text!r} does not fit {option}: {_ASK[option]}", option))
    return parts


def _person(text: str) -> str:
    id, name, roles = _parts(text, "--person")
    return person_table(id, name, [role.strip() for role in roles.split(",")])


def person_table(id: str, name: str, roles: Sequence[str]) -> str:
    """The table of one person in a settings file."""
    return f"[people.{id}]\nname = {_quoted(name)}\nroles = [{', '.join(map(_quoted, roles))}]\n\n"


def _balance(text: str) -> str:
    name, readability, minimum = _parts(text, "--balance")
    return f"[balances.{name}]\nreadability = {_quoted(readability)}\nminimum_weight = {_quoted(minimum)}\n\n"


def _device(text: str) -> str:
    id, _, rest = text.partition(":")
    parts = [part.strip() for part in rest.rsplit(":", 2)]
    if len(parts) != 3 or not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,30}", id):
        asked = "ID:NAME:CAPACITY:STEP (oral-5:5 mL oral syringe:5 mL:0.1 mL)"
        raise NotUnderstood(Problem("init.parts", f"{text!r} does not fit --device: {asked}", "--device"))
    name, capacity, step = map(_quoted, parts)
    return f"[devices.{id}]\nname = {name}\ncapacity = {capacity}\nstep = {step}\n\n"


def _quoted(text: str | None) -> str:
    """A TOML basic string; what TOML forbids in one is refused."""
    plain = text or ""
    if any(ord(character) < 32 or ord(character) == 127 for character in plain):
        raise NotUnderstood(Problem("init.text", f"{plain!r} holds a control character: type it again", plain))
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
