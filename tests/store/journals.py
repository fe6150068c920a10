"""A small journal to tell stories with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from compounding.problems import CompoundingError, Problem
from compounding.store.database import Place
from compounding.store.journal import Draft, Journal
from compounding.store.verify import verify
from tests.servers import WRITER

SITE = "main"
START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def draft(kind: str = "Weighed", *subjects: str, minute: int = 0, **changed: Any) -> Draft:
    """A fact about these subjects (a batch, if none is named) at so many minutes past nine."""
    whole: dict[str, Any] = {
        "kind": kind,
        "body": {"line": "naltrexone tablets", "reading": "952.6 mg"},
        "subjects": subjects or ("batch:2026-0001",),
        "person": "Ana Müller",
        "workstation": "bench-1",
        "reason": "",
        "time": START + timedelta(minutes=minute),
    }
    return Draft(**(whole | changed))


def begun(place: Place, site: str = SITE) -> Journal:
    """An empty journal in a file; or on a server by its owner, opened as the bench."""
    if isinstance(place, Path):
        return Journal.create(place, site)
    from compounding.store import postgresql

    postgresql.create(place.replace(f"{WRITER}@", "postgres@"), site, WRITER).close()
    return Journal.open(place, site)


def filled(place: Place, entries: int = 12) -> Journal:
    """A journal with entries about two batches and a lot, and a name."""
    journal = begun(place)
    for number in range(entries):
        subjects = (f"batch:2026-000{number % 2}", "lot:NAL-50")[: 1 + number % 3 // 2]
        journal.append([draft("Weighed", *subjects, minute=number, idempotency_key=f"key-{number}")], {})
    journal.remember_person_of("rx-1", "Zoë O'Hara", "12 High Street, Springfield")
    return journal


def told_of_file(path: Path) -> list[Problem]:
    """What is wrong with a journal in a file: found by verifying it, or told when it is opened."""
    try:
        with Journal.open(path, SITE) as journal:
            return verify(journal)
    except CompoundingError as refused:
        return list(refused.problems)
