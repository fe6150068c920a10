"""The beyond-use date: the class's limit, studies of the preparation, and every component's expiry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from compounding.frozen import dataclass
from compounding.problems import Problem, Refused
from compounding.rules.tables import Row, in_force

# The day of compounding is day 1, the earlier of the two readings in use (uiuc-bud).
FIRST_DAY = 1

KEPT = {"room": "at room temperature", "refrigerator": "in the refrigerator"}


@dataclass(frozen=True)
class BeyondUseDate:
    """The date, how many days that is from the day of preparation, and what limited it."""

    on: date
    days: int
    limited_by: str
    rule: str
    source: str


@dataclass(frozen=True)
class StabilityStudy:
    """A study's days in one storage; ``preservative_tested`` if it passed USP <51> in the same container."""

    days: int
    storage: str
    source: str
    preservative_tested: bool = False


def beyond_use_date(
    category: str,
    storage: str,
    prepared: date,
    expiries: Mapping[str, date],
    studies: Sequence[StabilityStudy] = (),
) -> BeyondUseDate:
    """The earliest of the class's limit, the preparation's own studies and the components' expiries.

    A study in the same storage shortens; it extends an aqueous class only with a passed preservative test,
    a nonaqueous one always, and never past the ceiling.

    Args:
        category: the class of `rules/beyond_use.toml`.
        storage: ``room`` or ``refrigerator``.
        prepared: day of preparation, which counts as day 1.
        expiries: last day of use of each component, by name.
        studies: stability studies of this preparation in this container.

    Raises:
        Refused: the class does not allow the storage, or a component expires before the preparation.

    Source:
        usp-795
    """
    table: dict[str, Row] = {row["id"]: row for row in in_force("beyond_use", prepared)}
    if category not in table:
        raise Refused(
            Problem(
                "beyond-use.no-rule", f"No beyond-use rule for {category} was in force on {prepared}; check the date"
            )
        )
    limit = table[category]
    if storage not in limit["storage"]:
        raise Refused(
            Problem(
                "beyond-use.storage",
                f"A preparation that is {limit['says']} may not be kept {KEPT.get(storage, storage)}: refrigerate it",
                source=limit["source"],
            )
        )
    expired = [(component, expiry) for component, expiry in expiries.items() if expiry < prepared]
    if expired:
        raise Refused(
            Problem("lot.expired", f"{component} expired on {expiry}; take another lot", component)
            for component, expiry in expired
        )
    days, limited_by, source = limit["days"], f"class: {limit['says']}", limit["source"]
    reaches = []
    for study in studies:
        may_extend = not category.startswith("aqueous") or study.preservative_tested
        reach = min(study.days, table["ceiling"]["days"])
        if study.storage == storage and (reach < days or (reach > days and may_extend)):
            reaches.append((reach, study.source))
    if reaches:  # where studies differ, the shortest counts, in whatever order they are listed
        (days, source), limited_by = min(reaches), f"stability study {KEPT[storage]}"
    last = prepared + timedelta(days=days - FIRST_DAY)
    component, expiry = min(expiries.items(), key=lambda each: each[1], default=("", last))
    if expiry < last:
        days, last = (expiry - prepared).days + FIRST_DAY, expiry
        limited_by, source = f"expiry of {component}", "usp-795"
    rule = f"USP <795>: {limit['says']}, at most {limit['days']} days; never past a component's expiry; day of preparation is day 1"
    return BeyondUseDate(last, days, limited_by, rule, source)
