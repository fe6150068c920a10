"""A batch: everything its facts add up to. It decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from compounding.frozen import dataclass
from compounding.records.facts import (
    BatchOpened,
    DeviationAccepted,
    Dispensed,
    LabelPrinted,
    LabelsAccounted,
    LabelScanned,
    LotReceived,
    PrintDone,
    PrintFailed,
    Recalled,
    Recorded,
    Rejected,
    Released,
    StepDone,
    Tested,
    Verified,
    Weighed,
    Yielded,
    kind_of,
)
from compounding.records.formula import Formula, read_formula
from compounding.records.investigation import Investigation, investigations_of
from compounding.records.plan import Plan
from compounding.records.signatures import doubted


@dataclass(frozen=True)
class Batch:
    """One batch as it stands now; each group holds its facts oldest first.

    ``doubted`` are facts that a key signed which was in other hands, and nobody has confirmed: they hold the batch.
    """

    id: str
    plan: Plan
    formula: Formula
    opened: Recorded
    weighed: tuple[Recorded, ...] = ()
    steps: tuple[Recorded, ...] = ()
    yielded: tuple[Recorded, ...] = ()
    tested: tuple[Recorded, ...] = ()
    accepted: tuple[Recorded, ...] = ()
    verified: tuple[Recorded, ...] = ()
    ended: Recorded | None = None
    labels: tuple[Recorded, ...] = ()
    printing: tuple[Recorded, ...] = ()
    scanned: tuple[Recorded, ...] = ()
    accounted: tuple[Recorded, ...] = ()
    lots: tuple[Recorded, ...] = ()
    dispensed: tuple[Recorded, ...] = ()
    recalled: Recorded | None = None
    investigations: tuple[Investigation, ...] = ()
    doubted: tuple[Recorded, ...] = ()
    last_seen: int = 0

    @property
    def state(self) -> str:
        """``released`` or ``rejected`` once it ended, ``recalled`` if it was called back after that, else ``open``."""
        if self.ended is None:
            return "open"
        if self.recalled:
            return "recalled"
        return "released" if isinstance(self.ended.fact, Released) else "rejected"

    @property
    def under_investigation(self) -> tuple[Investigation, ...]:
        """The investigations that are not closed; each of them holds the batch, released or not."""
        return tuple(each for each in self.investigations if not each.closed)

    @property
    def standing(self) -> tuple[Recorded, ...]:
        """The results that count: all, retests too, but those that an investigation invalidated."""
        invalid = {each.result.sequence for each in self.investigations if each.invalidated and each.result}
        return tuple(each for each in self.tested if each.sequence not in invalid)

    @property
    def unfinished(self) -> tuple[Recorded, ...]:
        """Each stage 1 that asked for 20 more units and has not got them; it holds the batch, released or not."""
        joined = {each.fact.joins for each in self.tested if isinstance(each.fact, Tested)}
        return tuple(
            each
            for each in self.tested
            if isinstance(each.fact, Tested) and each.fact.verdict == "test_20_more" and each.sequence not in joined
        )

    @property
    def holds(self) -> tuple[str, ...]:
        """What keeps a released batch from going out, being made into something or being said to be released."""
        return (
            *(f"{each.id} ({each.fact.what}), which is not closed" for each in self.under_investigation),
            *(f"entry {each.sequence}, a stage 1 that asks for 20 more units" for each in self.unfinished),
            *(f"entry {each.sequence} ({kind_of(each.fact)}), whose signature is in doubt" for each in self.doubted),
        )

    def reading_of(self, line: str) -> Recorded | None:
        """The latest reading of a line: what stands for it now."""
        found = [each for each in self.weighed if isinstance(each.fact, Weighed) and each.fact.line == line]
        return found[-1] if found else None

    @property
    def steps_done(self) -> frozenset[int]:
        return frozenset(each.fact.number for each in self.steps if isinstance(each.fact, StepDone))

    @property
    def prepared(self) -> date:
        """Day of preparation, by which the rules that judge it are chosen."""
        return date.fromisoformat(self.plan.prepared)

    @property
    def beyond_use_date(self) -> date:
        return date.fromisoformat(self.plan.beyond_use.date)

    @property
    def makers(self) -> frozenset[str]:
        """Everyone who weighed, did a step or recorded the yield: none of them may verify."""
        return frozenset(each.person for each in (*self.weighed, *self.steps, *self.yielded))

    @property
    def accepted_entries(self) -> frozenset[int]:
        return frozenset(each.fact.entry for each in self.accepted if isinstance(each.fact, DeviationAccepted))

    @property
    def last_to_verify(self) -> int:
        """Sequence of the latest fact that a verification must follow: of making, a deviation accepted, a result."""
        aside = (each.invalidated for each in self.investigations if each.invalidated)
        facts = (*self.weighed, *self.steps, *self.yielded, *self.accepted, *self.tested, *aside)
        return max((each.sequence for each in facts), default=0)

    @property
    def is_verified(self) -> bool:
        """Whether a second person verified the batch after all of that."""
        return bool(self.verified) and self.verified[-1].sequence > self.last_to_verify


_GROUPS: dict[type, str] = {
    Weighed: "weighed",
    StepDone: "steps",
    Yielded: "yielded",
    Tested: "tested",
    DeviationAccepted: "accepted",
    Verified: "verified",
    LabelPrinted: "labels",
    PrintDone: "printing",
    PrintFailed: "printing",
    LabelScanned: "scanned",
    LabelsAccounted: "accounted",
    LotReceived: "lots",
    Dispensed: "dispensed",
}


def batch_of(recorded: Iterable[Recorded]) -> Batch | None:
    """Add up the facts about one batch, oldest first; None if it was never opened."""
    batch: Batch | None = None
    recorded = tuple(recorded)
    groups: dict[str, list[Recorded]] = {name: [] for name in _GROUPS.values()}
    ended: Recorded | None = None
    recalled: Recorded | None = None
    last = 0
    for entry in recorded:
        last = entry.sequence
        if isinstance(entry.fact, BatchOpened):
            formula = read_formula("\n".join(entry.fact.formula), f"the formula of batch {entry.fact.batch}")
            batch = Batch(entry.fact.batch, entry.fact.plan, formula, entry)
        elif isinstance(entry.fact, Released | Rejected):
            ended = entry
        elif isinstance(entry.fact, Recalled):
            recalled = entry
        elif type(entry.fact) in _GROUPS:
            groups[_GROUPS[type(entry.fact)]].append(entry)
    if batch is None:
        return None
    grouped: dict[str, Any] = {name: tuple(each) for name, each in groups.items()}
    return replace(
        batch,
        **grouped,
        ended=ended,
        recalled=recalled,
        investigations=investigations_of(recorded),
        doubted=doubted(recorded),
        last_seen=last,
    )
