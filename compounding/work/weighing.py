"""A reading for a line of the worksheet. It happened, so it is recorded; outside its limits it holds the batch."""

from __future__ import annotations

from datetime import date

from compounding.problems import Problem
from compounding.quantities import count, quantity
from compounding.records.batch import Batch
from compounding.records.facts import Weighed
from compounding.records.plan import Line
from compounding.records.stock import Lot
from compounding.work.stocking import check_left, check_lot


def weigh(
    batch: Batch, line_name: str, reading: str, lot: Lot | None, reason: str | None, on: date, sent: str | None = None
) -> tuple[Weighed | None, list[Problem]]:
    """Judge a reading against its line.

    Args:
        batch: the batch as it stands.
        line_name: ``source``, ``filler``, ``vehicle`` or the name of an ingredient.
        reading: the text that the balance or cylinder shows.
        lot: the lot that was taken, as it stands; None if the line has none.
        reason: why the line is weighed again, if it is.
        on: the day of the weighing.
        sent: the line that the balance sent, if it did.

    Returns:
        The fact to record, or None if the reading cannot belong to the line; and every problem seen.
        A reading outside its limits gives both a fact and a problem.
    """
    line = next((each for each in batch.plan.lines if each.line == line_name), None)
    problems = still_open(batch)
    if line is None:
        names = ", ".join(each.line for each in batch.plan.lines)
        problems.append(
            Problem("weighing.unknown-line", f"{line_name} is no line of {batch.id}: it has {names}", line_name)
        )
        return None, problems
    problems += _check_taken(line, lot, on)
    earlier = batch.reading_of(line.line)
    if earlier is not None and not reason:
        text = (
            f"{line.material} of {batch.id} was read before: give --reason to weigh it again; the first reading stays"
        )
        problems.append(Problem("weighing.again", text, line.line))
    value, low, high = quantity(reading), quantity(line.low), quantity(line.high)
    if value.dimensionality != low.dimensionality:
        text = f"{line.material}: {reading} was read, {line.low} to {line.high} planned. Write the reading in that unit"
        problems.append(Problem("weighing.unit", text, line.line))
    elif lot and lot.id == line.lot:
        tablets = count(batch.plan.source.tablets or 0, "tablet")
        problems += check_left(lot, batch.id, line.line, tablets if lot.received.role == "tablet" else value)
    if problems:
        return None, problems
    within = bool(low <= value <= high)
    if not within:
        text = (
            f"{line.material}: {reading} read, {line.low} to {line.high} planned. It is recorded and holds the batch: "
            "weigh again with a reason, or have a second person accept the deviation"
        )
        problems.append(Problem("weighing.outside-limits", text, line.line))
    fact = Weighed(
        batch=batch.id,
        line=line.line,
        material=line.material,
        lot=line.lot,
        reading=reading,
        low=line.low,
        high=line.high,
        within=within,
        replaces=earlier.sequence if earlier else None,
        tablets=batch.plan.source.tablets if line.line == "source" else None,
        balance=batch.plan.balance.name if line.measure == "balance" else None,
        sent=sent,
    )
    return fact, problems


def still_open(batch: Batch) -> list[Problem]:
    """A batch that has ended takes no further work."""
    if batch.state == "open":
        return []
    text = f"Batch {batch.id} was {batch.state}: nothing more can be made of it. Open another batch"
    return [Problem("batch.ended", text, batch.id)]


def _check_taken(line: Line, lot: Lot | None, on: date) -> list[Problem]:
    if lot is None:
        return (
            [Problem("weighing.lot", f"{line.material} needs its lot {line.lot}: give --lot", line.line)]
            if line.lot
            else []
        )
    if lot.id != line.lot:
        text = f"{line.material} is planned from lot {line.lot}, not {lot.id}. Take that lot, or plan the batch anew"
        return [Problem("weighing.wrong-lot", text, lot.id)]
    return check_lot(lot, lot.id, on)
