"""Whether the clock of a workstation can be right, as far as the last entry tells; and what a pharmacist says of it.

The order of entries is their place, never their time. But a record with a wrong time misleads whoever reads it, and one
from 2040 would keep every later entry waiting until then.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from compounding.problems import Problem
from compounding.records.facts import ClockConfirmed
from compounding.settings import Person

# Longer than a pharmacy is closed for, and shorter than the slips of clocks: a month, a year, an empty battery. Our judgement.
FURTHEST_AHEAD: Final = timedelta(days=31)


def check_clock(now: datetime, last: datetime | None) -> list[Problem]:
    """Whether a clock is so far ahead of the last entry that somebody must look at it first."""
    if last is None or now - last <= FURTHEST_AHEAD:
        return []
    text = (
        f"The clock of this workstation reads {_moment(now)}, {(now - last).days} days after the last entry ({_moment(last)}): "
        "nothing was recorded. Set the clock right; if it is right, a pharmacist says so with compounding journal clock --reason"
    )
    return [Problem("journal.clock-ahead", text, "time")]


def confirm_clock(
    now: datetime, last: datetime | None, sequence: int, person: Person
) -> tuple[ClockConfirmed | None, list[Problem]]:
    """A pharmacist says that a clock is right, although it lies before the last entry or far after it.

    Args:
        now: what the clock reads.
        last: time of the last entry; None if there is none.
        sequence: of the last entry.
        person: who looked at the clock.
    """
    problems = []
    if last is None or (last <= now and not check_clock(now, last)):
        text = f"The clock reads {_moment(now)}, as it may after the last entry: there is nothing to confirm"
        problems.append(Problem("journal.clock-agrees", text, "time"))
    if "pharmacist" not in person.roles:
        text = f"{person.name} is {' and '.join(person.roles)}: a pharmacist must say that the clock is right"
        problems.append(Problem("person.role", text, person.name))
    if problems or last is None:
        return None, problems
    return ClockConfirmed(after=sequence, was=last.isoformat(timespec="seconds")), []


def _moment(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
