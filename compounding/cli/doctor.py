"""``compounding doctor``: everything that could fail later, looked at now, and how to mend it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import click

from compounding.cli.app import App, nearest
from compounding.cli.show import emit, json_option, say
from compounding.frozen import dataclass
from compounding.problems import CompoundingError

State = Literal["well", "look", "fails"]

# Where the pharmacy's own formulas lie if the settings do not say; it need not be there.
OWN_FORMULAS = "formulas"
# Below this a batch's papers and a journal's growth are no longer sure to fit.
LEAST_FREE_MIB = 200
# So long before a balance's test is due it is said.
SOON = timedelta(days=14)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: ``well``; ``look``, which may be right; ``fails``."""

    what: str
    state: State
    says: str


@click.command()
@json_option
@click.pass_obj
def doctor(app: App, as_json: bool) -> None:
    """Look at everything that could fail later, and say how to mend it. Exit code 1 if something would fail.

    \b
    compounding doctor
    """
    findings = list(_findings(app))
    fails = sum(each.state == "fails" for each in findings)
    if as_json:
        emit({"findings": [asdict(each) for each in findings], "fails": fails})
    else:
        width = max(len(each.what) for each in findings)
        for each in findings:
            sign = {"well": "  well ", "look": "* look ", "fails": "! FAILS"}[each.state]
            say(f"{sign}  {each.what:<{width}}  {each.says}")
    raise click.exceptions.Exit(1 if fails else 0)


def _findings(app: App) -> Iterator[Finding]:
    found = _tried("settings", lambda: _settings(app))
    yield from found
    if any(each.state == "fails" for each in found):
        return
    journal = _tried("journal", lambda: _journal(app))
    if any(each.state == "fails" for each in journal):
        yield from journal  # said once: what is read from it cannot be looked at
    else:
        yield from _tried("signing keys", lambda: _keys(app))
        yield from journal
        yield from _tried("clock", lambda: _clock(app))
        yield from _tried("materials", lambda: _reorder(app))
        yield from _tried("words of labels", lambda: _words(app))
    for what, look in (
        ("formulas", _formulas),
        ("rules", _rules),
        ("trade item numbers", _gtins),
        ("labels", _labels),
        ("printers", _printers),
        ("balances", _balances),
    ):
        yield from _tried(what, lambda look=look: look(app))  # type: ignore[misc]


def _tried(what: str, look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """What was found; a problem on the way is a finding too, in its own words."""
    findings: list[Finding] = []
    try:
        findings.extend(look())
    except CompoundingError as error:
        findings += [Finding(what, "fails", f"{problem.text} [{problem.code}]") for problem in error.problems]
    return findings


def _settings(app: App) -> Iterator[Finding]:
    settings = app.settings
    working = [each for each in settings.people.values() if not each.retired]
    pharmacists = sum("pharmacist" in each.roles for each in working)
    yield Finding("settings", "well", f"{app.settings_file}: {settings.pharmacy.name}, site {settings.site}")
    if pharmacists < 2:
        text = (
            f"{pharmacists} pharmacist: who makes a batch cannot verify it; add another person under [people] in "
            f"{app.settings_file}"
        )
        yield Finding("people", "look", text)
    else:
        yield Finding("people", "well", f"{len(working)} people, {pharmacists} of them pharmacists")


def _keys(app: App) -> Iterator[Finding]:
    """Keys of those who may sign; without them nobody verifies or releases where signatures are required."""
    from compounding.cli.signing import site_keys
    from compounding.records.people import active_key
    from compounding.settings import keys_folder
    from compounding.store.keys import sealed_file

    keys, _ = site_keys(app)
    folder = keys_folder(app.settings_file)
    if folder.exists() and folder.stat().st_mode & 0o077:
        yield Finding("signing keys", "look", f"{folder} is open to other users: chmod 700 {folder}")
    for id, person in app.settings.people.items():
        if person.retired or "pharmacist" not in person.roles:
            continue
        key = active_key(keys, id)
        if key is None and app.settings.signatures == "required":
            text = f"{person.name} has no key and can sign nothing: compounding person add {id}"
            yield Finding("signing keys", "fails", text)
        elif key is not None and not sealed_file(folder, key.public).is_file():
            text = (
                f"the sealed key of {person.name} is not in {folder}: restore it from a backup, or make a new one with "
                f"compounding person add {id}"
            )
            yield Finding("signing keys", "fails", text)
        elif key is not None:
            yield Finding("signing keys", "well", f"{person.name} can sign")


def _journal(app: App) -> Iterator[Finding]:
    journal, place = app.journal, app.journal_place
    head = journal.head()
    with journal.database.writing(journal.site):
        pass  # it can be written to
    yield Finding("journal", "well", f"{head.size} entries, head {journal.short_code()}; it can be read and written")
    if isinstance(place, Path):
        free = shutil.disk_usage(place.parent).free // 2**20
        if free < LEAST_FREE_MIB:
            text = f"{free} MiB are free in {place.parent}: make room, or the next entry may be refused"
            yield Finding("disk", "look", text)
        else:
            yield Finding("disk", "well", f"{free // 1024} GiB free" if free >= 1024 else f"{free} MiB free")


def _clock(app: App) -> Iterator[Finding]:
    """The clock against the last entry, and against the network where the system knows."""
    now = app.now()
    head = app.journal.head()
    last = app.journal.entries(after=head.size - 1) if head.size else ()
    if last and last[-1].time > now:
        text = f"the clock reads {now:%Y-%m-%d %H:%M} UTC, before the last entry ({last[-1].time:%Y-%m-%d %H:%M}): set it right"
        yield Finding("clock", "fails", text)
        return
    synchronised = _asked_of_system(["timedatectl", "show", "--property=NTPSynchronized", "--value"])
    if synchronised == "no":
        yield Finding("clock", "look", "it is not kept by a time server: timedatectl set-ntp true")
    else:
        yield Finding("clock", "well", f"{now:%Y-%m-%d %H:%M} UTC")


def _asked_of_system(words: list[str]) -> str | None:
    """What a program of the system answers; None if it is not there or does not answer."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _formulas(app: App) -> Iterator[Finding]:
    from compounding.records.formula import read_formula

    if app.settings.formulas != OWN_FORMULAS:
        yield from _folder(app, "formulas", app.settings.formulas)
    names = []
    for name in app.formula_files():
        text, file = app.formula_text(name)
        read_formula(text, file)
        names.append(name)
    yield Finding("formulas", "well", ", ".join(names))


def _folder(app: App, key: str, named: str | None) -> Iterator[Finding]:
    """A folder that the settings name is there."""
    if named and not (app.settings_file.parent / named).is_dir():
        text = f"{key} names {named}, and there is no such folder beside {app.settings_file}: make it, or mend the name"
        yield Finding(key, "fails", text)


def _rules(app: App) -> Iterator[Finding]:
    from compounding.work.ruling import check_rule_sets

    check_rule_sets(app.settings.rule_sets)
    if app.settings.rule_sets:
        yield Finding("rules", "well", f"beside a formula's own: {', '.join(app.settings.rule_sets)}")


def _gtins(app: App) -> Iterator[Finding]:
    """Each number is one, and each product is a formula here with a strength."""
    from compounding.rules.gs1 import element_problems

    formulas = app.formula_files()
    for product, number in app.settings.gtins.items():
        for problem in element_problems([("01", number)]):
            yield Finding("trade item numbers", "fails", f"{product}: {problem.text}")
        if product.split(" ")[0] not in formulas:
            text = f"{product} begins with no formula here: write it as naltrexone-capsule 1.5 mg"
            yield Finding("trade item numbers", "fails", text)


def _reorder(app: App) -> Iterator[Finding]:
    """A material that nobody ever received may be new, or misspelt."""
    known = {lot.received.material for lot in app.lots()}
    for material in app.settings.reorder if known else ():
        if material not in known:
            text = f"[reorder] names {material}, of which no lot was ever received{nearest(material, sorted(known))}"
            yield Finding("materials", "look", text)


def _labels(app: App) -> Iterator[Finding]:
    """A page is set, painted and read back: fonts, renderer and barcode reader are all needed for it."""
    from compounding.cli.label_stocks import own_stocks
    from compounding.cli.wording import label_language, own_texts
    from compounding.documents.profiles import read_profile
    from compounding.documents.proof import text_of
    from compounding.documents.stocks import read_stock
    from compounding.documents.templates import read_template
    from compounding.documents.texts import read_warning
    from compounding.documents.worksheet import draw_worksheet
    from compounding.records.worksheet import Notice, WorksheetText

    yield from _folder(app, "stocks", app.settings.stocks)
    read_profile(app.settings.profile)
    stock = read_stock(app.settings.stock, own_stocks(app))
    language = label_language(app)
    read_template(language=language, texts=own_texts(app))
    warning = read_warning("opioid", language, own_texts(app))
    words: dict[str, Any] = dict.fromkeys((each.name for each in fields(WorksheetText) if each.type == "str"), "-")
    words |= {"title": "Test page", "warnings": (Notice(warning.heading, warning.text),)}
    page = WorksheetText(**words)
    document, _ = draw_worksheet(page)
    read = " ".join(text_of(document).split())
    if " ".join(warning.text.split()) not in read:
        yield Finding("labels", "fails", "the opioid warning could not be read back from a test page: install the tool anew")
    else:
        yield Finding("labels", "well", f"stock {stock.id}; fonts, warning and reader are in order")


def _words(app: App) -> Iterator[Finding]:
    """The words of labels and leaflets must be approved here, and those that the settings name must be usable."""
    from compounding.cli.wording import check_words, label_language, names_of_words, own_texts
    from compounding.documents.leaflet_words import read_leaflet
    from compounding.documents.profiles import read_profile

    language = label_language(app)
    read_leaflet(language, read_profile(app.settings.profile), own_texts(app))
    told = check_words(app, language, ("leaflet", *names_of_words(language, "opioid")))
    for problem in told:
        yield Finding("words of labels", "look", f"{problem.text} [{problem.code}]")
    if not told:
        yield Finding("words of labels", "well", f"those in {language} are approved")


def _printers(app: App) -> Iterator[Finding]:
    from compounding.cli.label_stocks import own_stocks
    from compounding.documents.stocks import read_stock
    from compounding.printing.queue import ask_queue, medium_for

    if not app.settings.printers:
        yield Finding("printers", "look", "no printer is in the settings; labels go to PDF: add [printers.NAME] to print")
    for name, printer in app.settings.printers.items():
        stock = read_stock(printer.stock or app.settings.stock, own_stocks(app))
        queue = ask_queue(name)
        _, problems = medium_for(queue, stock.page_width, stock.page_height, stock.dots_per_inch)
        for problem in problems:
            yield Finding(f"printer {name}", "fails", f"{problem.text} [{problem.code}]")
        if not problems:
            yield Finding(f"printer {name}", "well", f"ready for {stock.id}")


def _balances(app: App) -> Iterator[Finding]:
    today = app.today()
    for name, balance in app.settings.balances.items():
        if balance.test_due is None:
            text = f"when its next test is due is not known: add test_due under [balances.{name}]"
            yield Finding(f"balance {name}", "look", text)
            continue
        due = date.fromisoformat(balance.test_due)
        if due < today:
            text = f"its test was due on {due}: weigh ten times, and write the result and the next date into the settings"
            yield Finding(f"balance {name}", "fails", text)
        elif due - today <= SOON:
            yield Finding(f"balance {name}", "look", f"its next test is due on {due}")
        else:
            yield Finding(f"balance {name}", "well", f"{balance.readability}; next test {due}")
