"""Dates as a calendar file (RFC 5545) that any calendar program reads. The home of icalendar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256

from compounding.frozen import dataclass


@dataclass(frozen=True)
class Event:
    """Whole days with something to do.

    Args:
        first: first day.
        last: last day, included.
        summary: what stands in the calendar.
        description: the rest.
    """

    first: date
    last: date
    summary: str
    description: str = ""


def calendar_file(events: Sequence[Event], written: datetime, origin: str) -> bytes:
    """A calendar of whole-day events.

    Args:
        events: in order.
        written: now, with its time zone.
        origin: whose calendar it is; with day and words it makes each event's identity, so that a file that is
            read twice does not show its events twice.
    """
    from icalendar import Calendar
    from icalendar import Event as Entry

    calendar = Calendar()
    calendar.add("prodid", "-//compounding//bench tool//EN")
    calendar.add("version", "2.0")
    for event in events:
        entry = Entry()
        identity = "\n".join((origin, event.first.isoformat(), event.last.isoformat(), event.summary))
        entry.add("uid", sha256(identity.encode()).hexdigest()[:32] + "@compounding")
        entry.add("dtstamp", written)
        entry.add("dtstart", event.first)
        entry.add("dtend", event.last + timedelta(days=1))  # the first day that no longer belongs to it
        entry.add("summary", event.summary)
        if event.description:
            entry.add("description", event.description)
        entry.add("transp", "TRANSPARENT")  # nobody is busy because of it
        calendar.add_component(entry)
    return calendar.to_ical()
