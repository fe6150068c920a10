"""``compounding journal``: the record itself."""

from __future__ import annotations

import click

from compounding.cli.app import App
from compounding.cli.show import emit, json_option
from compounding.problems import Refused


@click.group()
def journal() -> None:
    """The record itself."""


@journal.command()
@json_option
@click.pass_obj
def verify(app: App, as_json: bool) -> None:
    """Check every byte of the journal; name the first entry that fails, and why."""
    from compounding.store.verify import verify as verify_journal

    problems = verify_journal(app.journal)
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
