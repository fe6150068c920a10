"""``compounding calendar``: what must be used, or looked at, by which day."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from compounding.cli.app import App
from compounding.cli.show import notice
from compounding.documents.calendar import Event, calendar_file
from compounding.quantities import told

ics_option = click.option(
    "--ics",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.ics",
    help="Write a calendar file; it replaces no file.",
)


@click.command()
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.ics",
    help="Where to write the calendar; it replaces no file.",
)
@click.pass_obj
def calendar(app: App, out: Path) -> None:
    """Write a calendar of use-by dates: of each batch that was not rejected, and of each lot that holds something.

    \b
    compounding calendar --out use-by.ics
    """
    today = app.today()
    batches = [app.batch(id) for id in app.ids("batch:")]
    events = [
        Event(day, day, f"Use-by date of batch {each.id}", f"{each.plan.name}, {each.plan.strength}; {each.state}")
        for each in batches
        if each.state != "rejected" and (day := each.beyond_use_date) >= today
    ]
    events += [
        Event(each.expires, each.expires, f"Lot {each.id} expires", f"{each.received.material}: {told(each.left)} left")
        for each in app.lots()
        if each.left.magnitude > 0 and each.expires >= today
    ]
    events.sort(key=lambda event: (event.first, event.summary))
    write_calendar(app, out, events, app.settings.site)


def write_calendar(app: App, out: Path, events: Sequence[Event], origin: str) -> None:
    """Write events to a file that was not there.

    Raises:
        NotUnderstood: the file is not called .ics.
        Refused: it is there already.
    """
    from compounding.store.files import check_new, write_whole

    check_new(out, ".ics")
    write_whole(out, calendar_file(events, app.now(), origin))
    notice(f"{len(events)} dates written to {out}")
