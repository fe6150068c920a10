"""What many processes say they did, held against what the journal says: one history, in which each takes its turn.

An operation is told with the moments at which it began and ended, on the one clock of the machine, and with what it was
answered. The journal's own order is a total one, so a violation is found in one walk: an answer that the journal does not
hold, or holds twice; an operation that came before another had even begun, and stands after it; a reading that misses what
was acknowledged before; a decision on what was not so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from compounding.store.journal import Entry

LOT = "lot:SHARED"


@dataclass(frozen=True)
class Operation:
    """One operation as its process tells it.

    Args:
        what: ``weigh``, ``draw``, ``approve`` or ``read``.
        id: under which it stands in the body of its entry; empty for a reading.
        began, ended: on the monotonic clock [s].
        answer: sequence of its entry, or for a reading the size of the journal; None if it was told no.
    """

    what: str
    id: str
    began: float
    ended: float
    answer: int | None


def violations(operations: Iterable[Operation], entries: Iterable[Entry]) -> list[str]:
    """Everything that no history of turns explains."""
    entries, told = tuple(entries), tuple(operations)
    written = [each for each in told if each.what != "read" and each.answer is not None]
    return [*_answers(written, entries), *_order(written), *_readings(told, written), *_decisions(entries)]


def met(operations: Iterable[Operation]) -> int:
    """How many operations began before an earlier one had ended."""
    latest, found = 0.0, 0
    for each in sorted(operations, key=lambda each: each.began):
        found += each.began < latest
        latest = max(latest, each.ended)
    return found


def _answers(written: list[Operation], entries: tuple[Entry, ...]) -> list[str]:
    """Each acknowledged operation is one entry, at the place that it was told."""
    places: dict[str, list[int]] = {}
    for entry in entries:
        places.setdefault(str(entry.body.get("id", "")), []).append(entry.sequence)
    return [f"{each.id} was told entry {each.answer}, and is {places.get(each.id)}" for each in written if places.get(each.id) != [each.answer]]


def _order(written: list[Operation]) -> list[str]:
    """Nobody whose turn ended before another's began stands after it."""
    found, latest = [], None
    for each in sorted(written, key=lambda each: each.answer or 0):
        if latest is not None and each.ended < latest.began:
            found.append(f"{each.id} ended before {latest.id} began, and stands after it")
        if latest is None or each.began > latest.began:
            latest = each
    return found


def _readings(told: tuple[Operation, ...], written: list[Operation]) -> list[str]:
    """A reading holds all that was acknowledged before it began, and nothing that began after it ended."""
    found = []
    for each in told:
        if each.what != "read" or each.answer is None:
            continue
        least = max((other.answer or 0 for other in written if other.ended < each.began), default=0)
        most = min((other.answer or 0 for other in written if other.began > each.ended), default=each.answer + 1)
        if not least <= each.answer < most:
            found.append(f"a reading of {each.answer} entries, where {least} were acknowledged and {most} came later")
    return found


def _decisions(entries: tuple[Entry, ...]) -> list[str]:
    """Each drawing is from what was left, each batch is approved once."""
    found, left, approved = [], None, set()
    for entry in entries:
        if LOT in entry.subjects and "left" in entry.body:
            if left is not None and (entry.body["left"] != left - 1 or left < 1):
                found.append(f"entry {entry.sequence} leaves {entry.body['left']} of {left}")
            left = entry.body["left"]
        if entry.kind == "Approved":
            if entry.subjects[0] in approved:
                found.append(f"entry {entry.sequence} approves {entry.subjects[0]} again")
            approved.add(entry.subjects[0])
    return found
