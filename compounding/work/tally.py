"""What the entries so far say about a lot, a batch, its labels and its investigations; quantities in whole numbers.

It is kept by `states`, which says what may follow. Records read the same facts for people (`records.batch`, `records.stock`);
this reads them anew, by itself, so that a million entries are judged in seconds and one mistake is not in both.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

# Each unit that a record may hold: what it measures, and how much of it one is, in 10^-15 mg, 10^-9 mL or 10^-9 pieces.
_PIECES = ("tablet", "capsule", "dose", "drop")
_UNITS: Mapping[str, tuple[str, int]] = {
    **{name: ("mass", 10**power) for name, power in (("kg", 12), ("g", 9), ("mg", 6), ("ng", 0))},
    **dict.fromkeys(("mcg", "ug", "µg", "μg"), ("mass", 10**3)),
    **{name: ("volume", times) for name, times in (("L", 10**3), ("mL", 1), ("ml", 1))},
    **{name: (piece, 1) for piece in _PIECES for name in (piece, f"{piece}s")},
}
PLACES = 9  # decimals that a number may have at most


@lru_cache(maxsize=4096)
def measured(text: str) -> tuple[str, int]:
    """What a quantity measures and how much it is, in the whole numbers of `_UNITS`.

    Raises:
        ValueError: it is no quantity of one unit, as records write it.
    """
    number, _, unit = text.partition(" ")
    whole, _, decimals = number.partition(".")
    if len(decimals) > PLACES or unit not in _UNITS or not (whole + decimals).isdigit():
        raise ValueError(f"{text!r} is no amount")
    what, times = _UNITS[unit]
    return what, int(whole + decimals.ljust(PLACES, "0")) * times


@dataclass
class LotTally:
    """What the entries so far say about one lot."""

    role: str
    what: str
    left: int
    batch: str = ""  # of ours that it was
    held: bool = False
    taken: dict[tuple[str, str], int] = field(default_factory=dict)


@dataclass
class InquiryTally:
    """One investigation: who took part in it, and what it lacks before its batch may go on."""

    people: set[str]
    open: bool = True
    concluded: bool = False
    invalidated: bool = False
    sample: str = "original"
    planned: tuple[str, int] = ("", 0)  # of which sample, how many
    earliest: str = ""  # the first day on which a planned retest may have been found
    done: set[int] = field(default_factory=set)

    @property
    def lacks_retests(self) -> bool:
        """A result was set aside, and what was planned in its place is not done."""
        sample, retests = self.planned
        return self.invalidated and (sample != self.sample or len(self.done) < retests)


@dataclass
class LabelTally:
    quantity: str
    prescription: str
    replaces: str
    replaced: bool = False
    failed: bool = False
    dispensed: bool = False

    @property
    def stands(self) -> bool:
        return not (self.replaced or self.failed)


@dataclass
class BatchTally:
    """What the entries so far say about one batch."""

    lines: frozenset[str]
    steps: int
    required: frozenset[str]  # traits that its formula has tested
    read: dict[str, int] = field(default_factory=dict)  # line: the entry that stands for it
    done: int = 0
    yielded: int = 0
    made: tuple[str, int] = ("", 0)
    outside: dict[int, str] = field(default_factory=dict)  # readings outside their limits, unsettled, and by whom
    makers: set[str] = field(default_factory=set)
    lots: set[str] = field(default_factory=set)
    to_verify: int = 0  # the latest entry that a verification must follow
    verified: int = 0
    ended: str = ""
    results: dict[int, tuple[str, str, str]] = field(default_factory=dict)  # entry: trait, verdict, investigation
    investigations: dict[str, InquiryTally] = field(default_factory=dict)
    to_reject: bool = False
    doubted: dict[int, str] = field(default_factory=dict)  # entries whose signatures are in doubt, with their kinds
    labels: dict[str, LabelTally] = field(default_factory=dict)
    stickers: set[str] = field(default_factory=set)

    def standing(self) -> list[tuple[str, str]]:
        """Trait and verdict of the results that count."""
        aside = {id for id, each in self.investigations.items() if each.invalidated}
        return [(trait, verdict) for trait, verdict, of in self.results.values() if of not in aside]

    def unmade(self) -> str:
        """What is not made or not settled yet; empty if all is."""
        unread = sorted(self.lines - self.read.keys())
        lacks = [f"{', '.join(unread)} not weighed"] if unread else []
        lacks += [f"steps after {self.done} not done"] if self.done < self.steps else []
        lacks += [] if self.yielded else ["no yield"]
        lacks += [f"entry {', '.join(map(str, self.outside))} outside its limits and not settled"] if self.outside else []
        return "; ".join(lacks)

    def unfit(self) -> str:
        """What its tests and investigations still hold against it; empty if nothing."""
        standing = self.standing()
        lacks = [f"{trait} failed" for trait, verdict in standing if verdict == "fail"]
        lacks += [f"{trait} waits for its second stage" for trait, verdict in standing if verdict == "test_20_more"]
        lacks += [f"{each} is not tested" for each in sorted(self.required - {trait for trait, _ in standing})]
        lacks += [f"the retests of {id} are not done" for id, each in self.investigations.items() if each.lacks_retests]
        return "; ".join(lacks)

    def concerned(self) -> set[str]:
        """Who made it, or took part in an investigation of it."""
        return self.makers.union(*(each.people for each in self.investigations.values()))

    def open_investigations(self) -> str:
        return ", ".join(id for id, each in self.investigations.items() if each.open)


@lru_cache(maxsize=256)
def required_traits(formula: tuple[str, ...]) -> frozenset[str]:
    """The traits that a formula has tested before release."""
    tests = tomllib.loads("\n".join(formula)).get("test", [])
    return frozenset(str(test["trait"]) for test in tests if test.get("required", True))
