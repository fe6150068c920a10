"""``compounding init``: a settings file and an empty journal."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from compounding.cli.ids import STOCK
from compounding.cli.show import emit, json_option, notice
from compounding.cli.wizard import asked, several
from compounding.documents.profiles import profile_names, read_profile
from compounding.documents.stocks import read_stock
from compounding.problems import NotUnderstood, Problem, Refused
from compounding.quantities import quantity, written
from compounding.records.record import validated
from compounding.settings import BalanceSettings, DeviceSettings, Person, read_settings

DEFAULT_PROFILE = "us-ca"
TEMPLATE = """\
# Settings of one pharmacy at one site. What follows a # is a note; a line that begins with one is not in force:
# take the # away to set it.

site = {site}
journal = {journal}        # {lies}
# formulas = "formulas"           # folder of your own formulas, beside this file, which come before those of the tool
signatures = "{signatures}"{gap}# required: nothing is verified, released or approved unsigned
unapproved_formula = "{unapproved}"{gap2}# a batch of a formula that nobody approved here: refuse, warn or allow
unapproved_text = "refuse"        # a label whose words nobody approved here: refuse or warn

# Labels
{own_profile}profile = {profile}               # the place whose law they follow: {profiles}
stock = {stock}                     # used unless a command names another: compounding label stocks list
# stocks = "stocks"               # folder of your own label stocks, beside this file
# language = "es"                 # of labels, where it is not the profile's
# barcode = "gs1-128"             # data-matrix, qr or gs1-128

# Rules
{own_rules}rule_sets = [{rule_sets}]                    # weight and content rules that decide beside those that a formula names
# correction = "german-2-percent" # of powder for its certificate: always, german-2-percent or none
# assay_above_100 = "as-stated"   # an assay above 100 %: refuse, as-stated or as-100
# bottles = ["60 mL", "120 mL"]   # sizes in stock; an order that fits none is told

[pharmacy]                        # stands on every label
name = {name}
address = {address}
phone = {phone}

# People, by the id that --as takes. Roles: pharmacist, technician, qc. Somebody who leaves stays, with retired = true.
{people}
# Balances, by name: the readability, and how the least mass that it may weigh is found.
#   mode = "tested"       minimum_weight, by the balance's own test (this is the default)
#   mode = "strict"       USP <41>, from repeatability: the standard deviation of ten weighings
#   mode = "compounding"  from sensitivity_requirement and permitted_error
#   capacity = "220 g"          the most it may weigh
#   tested = "2026-11-02"       when it was tested last; a note of your own
#   test_due = "2027-05-02"     when its next test is due; doctor and status say so in time
{balances}# Measuring devices that go out with a liquid: what each holds, and the step from mark to mark.
# [devices.oral-5]
# name = "5 mL oral syringe"
# capacity = "5 mL"
# step = "0.1 mL"
{devices}
# Label printers, by the name of the queue; offset_mm and scale come from compounding label stocks calibrate.
# [printers.zebra]
# stock = "4x2"
# offset_mm = [0.0, 0.0]
{printers}
# Amounts below which a material is ordered: lot list --low and status name what is below.
# [reorder]
# "naltrexone tablets" = "60 tablets"

# Trade item numbers of products that have one.
# [gtins]
# "naltrexone-capsule 1.5 mg" = "09501101530003"

# Shells and their volumes come with the tool; a lot of shells says its size, maker and weight when it is received.
"""


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
    metavar="NAME:READABILITY:LEAST",
    help='A balance, such as "bench:0.1 mg:20 mg", or by its test, "bench:0.1 mg:repeatability 0.12 mg"; repeat it.',
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
@click.option("--profile", default=DEFAULT_PROFILE, show_default=True, help="The place whose law labels follow.")
@click.option("--stock", type=STOCK, metavar="NAME", default="4x2", show_default=True, help="The label stock that is used unless a command names another.")
@click.option("--printer", "printers", multiple=True, metavar="QUEUE", help="Queue of a label printer; repeat it.")
@click.option(
    "--rule-set", "rule_sets", multiple=True, metavar="ID", help="A rule that decides beside a formula's own; repeat it."
)
@click.option("--no-input", is_flag=True, help="Ask nothing, not even on a terminal; what is missing is refused.")
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
    profile: str,
    stock: str,
    printers: tuple[str, ...],
    rule_sets: tuple[str, ...],
    no_input: bool,
    as_json: bool,
) -> None:
    """Write a settings file and an empty journal; asks for what is missing on a terminal, one thing at a time.

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
    given = {"--name": name, "--address": address, "--phone": phone, "--person": people, "--balance": balances}
    missing = [option for option, value in given.items() if not value]
    asks = bool(missing) and not no_input and sys.stdin.isatty()
    if missing and not asks:
        raise NotUnderstood([Problem("init.missing", f"{each} is missing: {_ASK[each]}", each) for each in missing])
    read_profile(profile)
    read_stock(stock)
    name, address, phone = (
        value or asked(_ASK[option], _filled)
        for option, value in (("--name", name), ("--address", address), ("--phone", phone))
    )
    tables = tuple(map(_person, people)) or several("Another person? Who makes a batch cannot verify it", _ask_person)
    of_balances = tuple(map(_balance, balances)) or several("Another balance?", _ask_balance)
    of_devices = tuple(map(_device, devices))
    if asks:
        of_devices = of_devices or several("A measuring device that goes out with liquids?", _ask_device, first=False)
        printers = printers or several("A label printer?", lambda: asked("Its queue", _named), first=False)
        stock = asked("Label stock", lambda typed: read_stock(typed).id, stock)
        profile = asked(f"Profile of labels ({', '.join(profile_names())})", lambda typed: read_profile(typed).id, profile)
        wanted = "Rule sets that decide beside a formula's own, with commas between them (none: just Enter)"
        rule_sets = rule_sets or asked(wanted, _rules, "")
    text = TEMPLATE.format(
        site=_quoted(site),
        journal=_quoted(address_of_journal or "journal.sqlite"),
        lies="on this server" if address_of_journal else "beside this file",
        signatures=signatures,
        gap=" " * (19 - len(signatures)),
        unapproved="warn" if signatures == "required" else "allow",
        gap2=" " * (7 if signatures == "required" else 6),
        own_profile="" if profile != DEFAULT_PROFILE else "# ",
        own_rules="" if rule_sets else "# ",
        profile=_quoted(profile),
        profiles=", ".join(profile_names()),
        stock=_quoted(stock),
        rule_sets=", ".join(map(_quoted, _rules(",".join(rule_sets)))),
        name=_quoted(name),
        address=_quoted(address),
        phone=_quoted(phone),
        people="".join(tables),
        balances="".join(of_balances),
        devices="".join(of_devices),
        printers="".join(f"[printers.{_key(each)}]\n\n" for each in printers),
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
    first = next(iter(settings.people))
    if signatures == "required" and not address_of_journal:
        then = f"compounding --as {first} person add {first}"
    notice(f"Next: export COMPOUNDING_SETTINGS={shlex.quote(str(settings_file.absolute()))}, then {then}")


_ASK = {
    "--name": "Name of the pharmacy",
    "--address": "Address, as on a label",
    "--phone": "Telephone",
    "--person": "a person, as ID:NAME:ROLES (ana:Ana Ortiz:pharmacist)",
    "--balance": "a balance, as NAME:READABILITY:LEAST (bench:0.1 mg:20 mg)",
}
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


def _filled(text: str) -> str:
    """A text that says something."""
    if not text.strip():
        raise NotUnderstood(Problem("init.empty", "Nothing was given: write a name, or what stands on a label"))
    _quoted(text)
    return text


def _named(text: str) -> str:
    """An id for a person, a device or a balance."""
    if not _ID.fullmatch(text):
        said = f"{text!r} is no id: write small letters, digits and hyphens, such as ana or bench-2"
        raise NotUnderstood(Problem("init.id", said, text))
    return text


def _rules(text: str) -> tuple[str, ...]:
    """Rules that decide everywhere, by their ids."""
    from compounding.work.ruling import check_rule_sets

    named = tuple(filter(None, (each.strip() for each in text.split(","))))
    check_rule_sets(named)
    return named


def _ask_person() -> str:
    id = asked("Id of a person, as --as takes it (ana)", _named)
    name = asked("Full name", _filled)
    return asked("Roles, of pharmacist, technician and qc", lambda roles: _person(f"{id}:{name}:{roles}"), "pharmacist")


def _ask_balance() -> str:
    name = asked("Name of a balance (bench)", _named)
    readability = asked("Its readability (0.1 mg)", _mass)
    how = "The least it may weigh (20 mg), or its test: repeatability 0.12 mg"
    return asked(how, lambda least: _balance(f"{name}:{readability}:{least}"))


def _ask_device() -> str:
    id = asked("Id of the device (oral-5)", _named)
    name = asked("Its name (5 mL oral syringe)", _filled)
    capacity = asked("What it holds (5 mL)", lambda typed: written(quantity(typed)))
    return asked("From mark to mark (0.1 mL)", lambda step: _device(f"{id}:{name}:{capacity}:{step}"))


def _mass(text: str) -> str:
    validated(BalanceSettings, {"readability": text, "minimum_weight": text}, "balance")
    return text


def _parts(text: str, option: str) -> list[str]:
    parts = [part.strip() for part in text.split(":")]
    if len(parts) != 3 or not _ID.fullmatch(parts[0]) or not all(parts):
        raise NotUnderstood(Problem("init.parts", f"{text!r} does not fit {option}: {_ASK[option]}", option))
    return parts


def _person(text: str) -> str:
    id, name, roles = _parts(text, "--person")
    listed = [role.strip() for role in roles.split(",")]
    validated(Person, {"name": name, "roles": listed}, f"person {id}")
    return person_table(id, name, listed)


def person_table(id: str, name: str, roles: Sequence[str]) -> str:
    """The table of one person in a settings file."""
    return f"[people.{id}]\nname = {_quoted(name)}\nroles = [{', '.join(map(_quoted, roles))}]\n\n"


def _balance(text: str) -> str:
    name, readability, least = _parts(text, "--balance")
    test = re.fullmatch(r"repeatability +(.+)", least)
    keys = {"readability": readability}
    keys |= {"mode": "strict", "repeatability": test[1]} if test else {"minimum_weight": least}
    validated(BalanceSettings, keys, f"balance {name}")
    return "\n".join((f"[balances.{name}]", *(f"{key} = {_quoted(value)}" for key, value in keys.items()), "", ""))


def _device(text: str) -> str:
    id, _, rest = text.partition(":")
    parts = [part.strip() for part in rest.rsplit(":", 2)]
    if len(parts) != 3 or not _ID.fullmatch(id):
        asked = "ID:NAME:CAPACITY:STEP (oral-5:5 mL oral syringe:5 mL:0.1 mL)"
        raise NotUnderstood(Problem("init.parts", f"{text!r} does not fit --device: {asked}", "--device"))
    validated(DeviceSettings, dict(zip(("name", "capacity", "step"), parts, strict=True)), f"device {id}")
    name, capacity, step = map(_quoted, parts)
    return f"[devices.{id}]\nname = {name}\ncapacity = {capacity}\nstep = {step}\n\n"


def _key(text: str) -> str:
    """The name of a table."""
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else _quoted(text)


def _quoted(text: str | None) -> str:
    """A TOML basic string; what TOML forbids in one is refused."""
    plain = text or ""
    if any(ord(character) < 32 or ord(character) == 127 for character in plain):
        raise NotUnderstood(Problem("init.text", f"{plain!r} holds a control character: type it again", plain))
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
