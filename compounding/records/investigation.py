"""An investigation: everything its facts add up to. It decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from compounding.frozen import dataclass
from compounding.records.facts import (
    ActionAssigned,
    ActionDone,
    EffectChecked,
    HypothesisStated,
    InvestigationClosed,
    InvestigationConcluded,
    InvestigationOpened,
    Recorded,
    Resampled,
    ResultInvalidated,
    RetestPlanned,
    Tested,
)

# After any of these, a conclusion has to be drawn again.
_WORK = (HypothesisStated, RetestPlanned, Resampled, ResultInvalidated, Tested)


@dataclass(frozen=True)
class Action:
    """A corrective or preventive action as it stands now: assigned, done, checked."""

    assigned: ActionAssigned
    done: Recorded | None = None
    checked: Recorded | None = None

    @property
    def state(self) -> str:
        """``assigned``, ``done``, ``effective`` or ``without effect``; done again, it waits for its next check."""
        if self.checked and isinstance(self.checked.fact, EffectChecked):
            return "effective" if self.checked.fact.effective else "without effect"
        return "done" if self.done else "assigned"


@dataclass(frozen=True)
class Investigation:
    """One investigation as it stands now; each group holds its facts oldest first.

    ``result`` is the failing result that opened it; None for a complaint or a deviation.
    """

    opened: Recorded
    fact: InvestigationOpened
    result: Recorded | None
    facts: tuple[Recorded, ...]

    @property
    def id(self) -> str:
        return self.fact.investigation

    @property
    def batch(self) -> str:
        return self.fact.batch

    @property
    def state(self) -> str:
        """``open``; ``concluded`` until a second person has decided; then ``closed: reject`` or ``closed: release``."""
        if self.closed and isinstance(self.closed.fact, InvestigationClosed):
            return f"closed: {self.closed.fact.disposition}"
        return "concluded" if self.concluded else "open"

    @property
    def hypotheses(self) -> tuple[HypothesisStated, ...]:
        return tuple(each.fact for each in self.facts if isinstance(each.fact, HypothesisStated))

    @property
    def phase(self) -> int:
        """The phase that it has come to; 0 before the first hypothesis."""
        return max((each.phase for each in self.hypotheses), default=0)

    @property
    def sample(self) -> Literal["original", "new"]:
        """What a retest is done on."""
        return "new" if self.resampled else "original"

    @property
    def planned(self) -> Recorded | None:
        """The plan for retests of the sample that counts now."""
        plan = self._last(RetestPlanned)
        return plan if plan and isinstance(plan.fact, RetestPlanned) and plan.fact.sample == self.sample else None

    @property
    def retests(self) -> tuple[Recorded, ...]:
        """Every retest, of the first sample and of a new one."""
        return tuple(each for each in self.facts if isinstance(each.fact, Tested) and each.fact.retest)

    @property
    def retests_left(self) -> int:
        """How many of the planned retests are still to be finished; 0 without a plan.

        A content uniformity whose first stage asks for 20 more units is finished by its second stage.
        """
        if self.planned is None or not isinstance(plan := self.planned.fact, RetestPlanned):
            return 0
        facts = [each.fact for each in self.retests if each.sequence > self.planned.sequence]
        finished = {fact.retest for fact in facts if isinstance(fact, Tested) and fact.verdict != "test_20_more"}
        return plan.retests - len(finished)

    @property
    def confirmed(self) -> bool:
        """A retest failed too."""
        return any(isinstance(each.fact, Tested) and each.fact.verdict == "fail" for each in self.retests)

    @property
    def resampled(self) -> Recorded | None:
        return self._last(Resampled)

    @property
    def invalidated(self) -> Recorded | None:
        return self._last(ResultInvalidated)

    @property
    def was_concluded(self) -> Recorded | None:
        """Its latest conclusion, whatever came after it."""
        return self._last(InvestigationConcluded)

    @property
    def concluded(self) -> Recorded | None:
        """Its conclusion; None if anything was found out or tested since."""
        last = self.was_concluded
        later = [each for each in self.facts if last and each.sequence > last.sequence and isinstance(each.fact, _WORK)]
        return None if later else last

    @property
    def closed(self) -> Recorded | None:
        return self._last(InvestigationClosed)

    @property
    def actions(self) -> tuple[Action, ...]:
        """Its actions in the order of their numbers."""
        found: dict[int, Action] = {}
        for each in self.facts:
            match each.fact:
                case ActionAssigned() as assigned:
                    found[assigned.number] = Action(assigned)
                case ActionDone() as done:
                    found[done.number] = Action(found[done.number].assigned, each)
                case EffectChecked() as checked:
                    action = found[checked.number]
                    found[checked.number] = Action(action.assigned, action.done, each)
        return tuple(found.values())

    @property
    def analysts(self) -> frozenset[str]:
        """Who recorded the failing result or a retest."""
        return frozenset(each.person for each in (self.result, *self.retests) if each)

    def _last(self, kind: type) -> Recorded | None:
        found = [each for each in self.facts if isinstance(each.fact, kind)]
        return found[-1] if found else None


def investigations_of(recorded: Iterable[Recorded]) -> tuple[Investigation, ...]:
    """Add up the facts of each investigation, oldest first."""
    opened: dict[str, Recorded] = {}
    results: dict[str, Recorded] = {}
    facts: dict[str, list[Recorded]] = {}
    for each in recorded:
        id = getattr(each.fact, "investigation", None)
        if id is None:
            continue
        if isinstance(each.fact, InvestigationOpened):
            opened[id] = each
        elif isinstance(each.fact, Tested) and each.fact.retest is None:
            results[id] = each
        else:
            facts.setdefault(id, []).append(each)
    return tuple(
        Investigation(entry, entry.fact, results.get(id), tuple(facts.get(id, ())))
        for id, entry in opened.items()
        if isinstance(entry.fact, InvestigationOpened)
    )
