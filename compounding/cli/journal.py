"""``compounding journal``: the record itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from compounding.cli.app import App, Decision
from compounding.cli.show import emit, json_option
from compounding.problems import NotUnderstood, Problem, Refused
from compounding.records.facts import JournalResumed

if TYPE_CHECKING:
    from compounding.store.log import Head


@click.group()
def journal() -> None:
    """The record itself."""


@journal.command()
@click.option(
    "--owner", metavar="ADDRESS", help="On a server: the same database, as the role that shall own the tables."
)
@click.option(
    "--writer", metavar="ROLE", help="On a server: the role of the bench, which may read and add, nothing else."
)
@json_option
@click.pass_obj
def init(app: App, owner: str | None, writer: str | None, as_json: bool) -> None:
    """Begin an empty journal where the settings say, of the site that they name.

    \b
    compounding journal init
    compounding journal init --owner postgresql://pharmacy_owner@db1/pharmacy --writer bench
    """
    place = app.journal_place
    where = begin_journal(place, app.settings.site, owner, writer)
    if as_json:
        emit({"journal": where, "site": app.settings.site, "problems": []})
    else:
        click.echo(f"The journal of {app.settings.site} begins at {where}")


def begin_journal(place: Path | str, site: str, owner: str | None, writer: str | None) -> str:
    """An empty journal of a site; its place as a message names it."""
    from compounding.store.database import check_site
    from compounding.store.journal import Journal

    if isinstance(place, Path):
        if owner or writer:
            text = f"The journal in the settings is a file ({place}): --owner and --writer are for a server"
            raise NotUnderstood(Problem("journal.no-server", text, "--owner" if owner else "--writer"))
        with Journal.create(place, site) as made:
            return made.database.where
    from compounding.store import postgresql

    database = postgresql.create(owner or place, check_site(site), writer)
    database.close()
    return database.where


@journal.command()
@click.option(
    "--witness", "witnesses", multiple=True, metavar="CODE", help="A head from a paper, typed or scanned; repeat it."
)
@click.option("--from", "trusted", metavar="CODE", help="A head up to which the journal was verified before.")
@json_option
@click.pass_obj
def verify(app: App, witnesses: tuple[str, ...], trusted: str | None, as_json: bool) -> None:
    """Check every byte of the journal and of the files that its results name; name the first entry that fails, and why.

    A head on an older paper is found again among those that the journal has had: if it is not, the journal was
    rewritten, cut, or is an older copy.

    \b
    compounding journal verify
    compounding journal verify --witness RAY4-KJK4-XT6H-TG8W-961J-1GBF-YC
    """
    from compounding.store.attachments import check
    from compounding.store.verify import verify as verify_journal
    from compounding.store.witness import check as check_seen

    begun = head_at(app, trusted) if trusted else None
    problems = verify_journal(app.journal, _progress(), begun)
    problems += check(app.attachments, app.ids("attachment:"))
    problems += check_seen(app.witness_file, app.journal)
    if problems:
        raise Refused(problems)
    found = [(code, head_at(app, code).size) for code in witnesses]
    head = app.journal.head()
    if as_json:
        papers = [{"witness": code, "entries": size} for code, size in found]
        emit({"entries": head.size, "head": app.journal.short_code(), "witnesses": papers, "problems": []})
        return
    click.echo(f"The journal is whole: {head.size} entries, head {app.journal.short_code()}")
    for code, size in found:
        click.echo(f"{code}: its head after {size} entries, a beginning of today's {head.size}")


def head_at(app: App, text: str) -> Head:
    """The head that a paper names.

    Raises:
        NotUnderstood: it is no code.
        Refused: the journal never had it.
    """
    from compounding.store.log import read_short_code
    from compounding.store.witness import sized

    code = read_short_code(text)
    found = sized(app.journal, code)
    if found is None:
        says = (
            f"The journal of {app.settings.site} never had the head {code}: it was rewritten or cut, it is an older copy, or "
            "the paper is of another site. Keep the file as it is, and look for a backup that has this head"
        )
        raise Refused(Problem("journal.witness", says, code))
    return found


def _progress() -> Callable[[int, int], None] | None:
    """A bar on a terminal, from the second second on."""
    if not sys.stderr.isatty():
        return None
    begun = time.monotonic()

    def shown(done: int, total: int) -> None:
        spent = time.monotonic() - begun
        if spent > 1:
            left = spent / done * (total - done)
            bar = "#" * (30 * done // total)
            end = "\n" if done == total else ""
            click.echo(f"\r[{bar:<30}] {done:,} of {total:,} entries, {left:.0f} s left ", err=True, nl=False)
            click.echo(end, err=True, nl=False)

    return shown


@journal.command()
@click.option("--reason", required=True, help="Why an older copy goes on, and what was lost with the newer one.")
@json_option
@click.pass_obj
def resume(app: App, reason: str, as_json: bool) -> None:
    """Go on with an older copy of the journal, knowingly, when the newer one is lost; a pharmacist says so.

    \b
    compounding --as ana journal resume --reason "disk failed on 12 May; entries after the backup are on paper"
    """
    from compounding.store.log import read_checkpoint
    from compounding.store.witness import check, remember

    problems = check(app.witness_file, app.journal)
    if not problems:
        raise Refused(Problem("journal.not-older", "The journal holds all that this workstation has seen: nothing to resume"))
    if "pharmacist" not in app.person.roles:
        text = f"{app.person.name} is {' and '.join(app.person.roles)}: a pharmacist must say so"
        raise Refused(Problem("person.role", text, app.person_id))
    _, seen = read_checkpoint(app.witness_file.read_text("utf-8"))
    app.witness_file.rename(app.witness_file.with_suffix(f".{seen.size}.lost"))
    fact = JournalResumed(seen_entries=seen.size, seen_root=seen.root.hex())
    _, entries = app.record(lambda: Decision([(fact, ("journal:resumed",))], [], {}, reason))
    remember(app.witness_file, app.journal)
    if as_json:
        emit({"entry": entries[0].sequence, "seen_entries": seen.size, "problems": []})
    else:
        click.echo(f"The journal goes on from {entries[0].sequence - 1} entries; {seen.size} had been seen (entry {entries[0].sequence})")


@journal.command()
@json_option
@click.pass_obj
def head(app: App, as_json: bool) -> None:
    """Show the head: the short code that papers carry, and the checkpoint behind it."""
    if as_json:
        emit(
            {
                "entries": app.journal.head().size,
                "head": app.journal.short_code(),
                "checkpoint": app.journal.checkpoint(),
            }
        )
    else:
        click.echo(app.journal.short_code())
        click.echo(app.journal.checkpoint().rstrip())
