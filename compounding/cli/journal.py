"""``compounding journal``: the record itself."""

from __future__ import annotations

from pathlib import Path

import click

from compounding.cli.app import App
from compounding.cli.show import emit, json_option
from compounding.problems import NotUnderstood, Problem, Refused


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
@json_option
@click.pass_obj
def verify(app: App, as_json: bool) -> None:
    """Check every byte of the journal and of the files that its results name; name the first entry that fails, and why."""
    from compounding.store.attachments import check
    from compounding.store.verify import verify as verify_journal

    problems = verify_journal(app.journal)
    problems += check(app.attachments, app.ids("attachment:"))
    if problems:
        raise Refused(problems)
    head = app.journal.head()
    if as_json:
        emit({"entries": head.size, "head": app.journal.short_code(), "problems": []})
    else:
        click.echo(f"The journal is whole: {head.size} entries, head {app.journal.short_code()}")


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
