"""When a patient is looked at after the start: dated rows of data, each with its source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from compounding.rules.tables import in_force

DAYS = {"days": 1, "weeks": 7}


@dataclass(frozen=True)
class FollowUp:
    """One entry of the monitoring card.

    Args:
        id: names the words of it in each language.
        first, last: the days between which it is done; the same where it is one day.
        verified: False where no official text fixes it and the prescriber decides.
    """

    id: str
    first: date
    last: date
    verified: bool
    source: str


def follow_ups(start: date, on: date) -> tuple[FollowUp, ...]:
    """Everything that is looked at after a start, in the order of its days.

    Args:
        start: day of the first dose.
        on: the day whose rules hold.

    Example:
        >>> [(each.first.isoformat(), each.last.isoformat()) for each in follow_ups(date(2026, 11, 22), date(2026, 11, 22))
        ...  if each.id == "review"]
        [('2027-01-03', '2027-01-17')]
    """
    found = []
    for row in in_force("follow_up", on):
        for time in range(row.get("times", 1)):
            first, last = (_after(start, each, time + 1 if row.get("times") else 1) for each in row["after"])
            found.append(FollowUp(row["id"], first, last, row["verified"], row["source"]))
    return tuple(sorted(found, key=lambda each: (each.first, each.last)))


def _after(start: date, text: str, times: int) -> date:
    number, unit = text.split()
    if unit in ("year", "years"):
        year = start.year + times * int(number)
        try:
            return start.replace(year=year)
        except ValueError:  # the 29 February of a leap year
            return date(year, 3, 1)
    return start + timedelta(days=times * int(number) * DAYS[unit])
