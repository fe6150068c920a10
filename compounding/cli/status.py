"""``compounding status``, and ``compounding`` alone: where things stand today, and what comes next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import click

from compounding.cli.app import App
from compounding.cli.show import emit, json_option, say
from compounding.frozen import dataclass
from compounding.quantities import told
from compounding.records.investigation import investigations_of
from compounding.records.series import ENDED, made_of
from compounding.work.turnover import running_low
from compounding.work.waiting import waits_for

# Lots that expire within this time are named.
SOON = timedelta(days=60)
# A batch that ended may wait for its labels to be counted; after this time it is no longer looked for.
LATELY = timedelta(days=90)


@dataclass(frozen=True)
class Item:
    """One thing to do or to know: its group, what it is about, in words, and the command for it."""

    group: str
    about: str
    says: str
    command: str


@click.command()
@json_option
@click.pass_obj
def status(app: App, as_json: bool) -> None:
    """Where things stand today: batches and what each waits for, investigations, lots that expire.

    \b
    compounding status
    """
    show_status(app, as_json=as_json)


def show_status(app: App, *, as_json: bool = False) -> None:
    """Show every item, by its group."""
    items = [*_batches(app), *_investigations(app), *_lots(app)]
    if as_json:
        emit({"date": app.today().isoformat(), "items": [asdict(each) for each in items]})
        return
    say(f"{app.settings.pharmacy.name}, {app.today()}")
    for group in dict.fromkeys(each.group for each in items):
        say(f"\n{group}")
        for each in items:
            if each.group == group:
                say(f"  {each.about:<14} {each.says}")
                say(f"  {'':<14} {each.command}")
    if not items:
        say("\nNothing waits. Open a batch:  compounding batch open --help")


def _batches(app: App) -> Iterator[Item]:
    """The batches that are not ended, and lately made ones whose labels are not accounted for, the oldest first."""
    ended, since = set(app.ids(ENDED)), app.today() - LATELY
    made = sorted(made_of(subject) for subject in app.ids("made:"))
    for day, id in made:
        if id in ended and date.fromisoformat(day) < since:
            continue  # only what may still wait is read: of a hundred thousand batches a few
        if wait := waits_for(app.batch(id)):
            about = "Batches on the bench" if wait.stage in ("making", "deviation") else "Batches that wait"
            yield Item(about, id, wait.what, wait.command)


def _investigations(app: App) -> Iterator[Item]:
    """Investigations that are open, and actions that are due."""
    today = app.today()
    for id in app.ids("investigation:"):
        [found] = investigations_of(app.recorded(f"investigation:{id}"))
        if not found.closed:
            says = f"batch {found.batch}: {found.state}"
            yield Item("Open investigations", id, says, f"compounding qc investigate show {id}")
        for action in found.actions:
            due = {"assigned": action.assigned.due, "done": action.assigned.check}.get(action.state)
            if due and date.fromisoformat(due) <= today:
                word = "to be done" if action.state == "assigned" else "to be checked for its effect"
                says = f"action {action.assigned.number} was {word} by {due}"
                yield Item("Actions that are due", id, says, f"compounding qc investigate show {id}")


def _lots(app: App) -> Iterator[Item]:
    """Lots that hold something and expire soon, or have expired, or are in quarantine; materials that run low."""
    today = app.today()
    lots = app.lots()
    for low in running_low(lots, app.settings.reorder, today):
        says = f"{told(low.left)} left, order below {told(low.reorder)}"
        yield Item("Stock that runs low", low.material, says, "compounding lot list --low")
    for lot in sorted(lots, key=lambda lot: (lot.expires, lot.id)):
        what: dict[str, Any] = {"about": lot.id, "command": f"compounding lot show {lot.id}"}
        if lot.left.magnitude <= 0:
            continue
        if lot.quarantined:
            yield Item("Lots in quarantine", says=f"{lot.received.material}: {lot.quarantined}", **what)
        elif lot.expires < today:
            yield Item("Lots that have expired", says=f"{lot.received.material}, {told(lot.left)} left: {lot.expires}", **what)
        elif lot.expires - today <= SOON:
            yield Item("Lots that expire soon", says=f"{lot.received.material}, {told(lot.left)} left: {lot.expires}", **what)
