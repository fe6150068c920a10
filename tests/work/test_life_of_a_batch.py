"""Whatever people do at a batch, in whatever order: each answer is the one that a plain model of the rules gives.

The model knows nothing of the code: a few sets and numbers, and the rules as sentences. Now and then the whole history is
written into a journal, as it came, and the verifier of journals must find nothing in it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from compounding.cli.app import App
from compounding.problems import Problem
from compounding.records import facts
from compounding.records.batch import Batch, batch_of
from compounding.records.facts import LabelPrinted, Recorded, body_of, kind_of
from compounding.records.record import Record
from compounding.records.stock import Lot
from compounding.settings import Person
from compounding.store.journal import Draft, Journal
from compounding.store.verify import verify
from compounding.work.dispensing import dispense
from compounding.work.making import do_step, record_yield
from compounding.work.recalling import recall
from compounding.work.releasing import accept_deviation, reject_batch, release_batch, verify_batch
from compounding.work.testing import assay_result, observed_result
from compounding.work.weighing import weigh
from tests.bench import stocked, story
from tests.store.killing import LONG, tell

RUNS, STEPS, MOST_ENTRIES = (2000, 50, 400) if LONG else (50, 40, 100)
PHARMACISTS, PEOPLE = {"ana", "ben"}, ["ana", "ben", "tom", "kim"]
# What is read within the limits, outside of them, and in a unit that the line has not.
READINGS = {"source": ("952.3 mg", "900 mg", "3 mL"), "filler": ("13222.0 mg", "13500 mg", "13 mL")}
LOTS = {"source": "TAB-1", "filler": "MCC-1"}
TAKES = {3: "source", 4: "filler"}  # step and the line that must have been read before it
LAST_STEP = 7
REQUIRED = {"capsule weights", "assay", "appearance"}
MADE, USED_BY_TESTS, CONTAINER = 103, 10, 32
# How often each answer was given: the kind of the fact, or the code of the refusal.
ANSWERS: Counter[str] = Counter()


# What at least one of the lives must come to, or they show little.
ONCE = ("verified", "released", "dispensed", "batch.ended", "batch.held", *(("recalled", "rejected", "dispense.not-released", "dispense.too-much") if LONG else ()))


class Start:
    """A batch as the demo opens it, and its lots; read once."""

    def __init__(self, folder: Path) -> None:
        bench = stocked(folder)
        (opening,) = (command for _, command in story("batch open naltrexone-capsule"))
        bench.do(opening)
        app = App(str(folder / "settings.toml"), "ana")
        self.opened = app.recorded("batch:CAPS-1")
        self.lots = {id: lot for id in ("TAB-1", "MCC-1", "CAP-1") if (lot := app.lot(id))}
        self.people = dict(app.settings.people)
        self.journal = bench.journal
        app.close()


START: Start


class Life(RuleBasedStateMachine):
    """One batch, its facts, and the model beside them."""

    @initialize(progress=st.integers(0, 20))
    def begin(self, progress: int) -> None:
        self.recorded: list[Recorded] = list(START.opened)
        self.subjects: list[tuple[str, ...]] = []
        self.next = START.opened[-1].sequence + 1
        # The model.
        self.read: dict[str, tuple[int, bool, str]] = {}  # line: entry, within, who
        self.steps: set[int] = set()
        self.made: tuple[int, bool, str] | None = None
        self.settled: set[int] = set()
        self.makers: set[str] = set()
        self.to_verify = self.verified = 0
        self.passed: set[str] = set()
        self.ended = ""
        self.labels: dict[str, bool] = {}  # label: whether it went out
        self._batch: Batch | None = None
        for done in self.as_it_should_be()[:progress]:  # so that some lives begin late
            done()

    def as_it_should_be(self) -> list[Callable[[], None]]:
        """The life of a batch at which nothing goes wrong, up to three labels."""
        steps = [partial(self.do, number, "tom") for number in range(1, LAST_STEP + 1)]
        read = [partial(self.weigh, line, 0, "tom", again=False) for line in ("source", "filler")]
        tests = [partial(self.test, trait) for trait in sorted(REQUIRED)]
        end = [partial(self.verify, "ben"), partial(self.release, "ana"), self.label, self.label, self.label]
        return [*steps[:2], read[0], steps[2], read[1], *steps[3:], partial(self.make, True, False, "tom"), *tests, *end]

    # ---- what the model says ----

    def held(self) -> dict[int, str]:
        """Entries outside their limits that nobody has settled, with who recorded them."""
        outside = [each for each in (*self.read.values(), self.made) if each and not each[1]]
        return {entry: who for entry, _, who in outside if entry not in self.settled}

    def unmade(self) -> set[str]:
        """Why it is not made and settled yet."""
        return {
            *(["batch.not-weighed"] if len(self.read) < len(READINGS) else []),
            *(["batch.steps"] if len(self.steps) < LAST_STEP else []),
            *([] if self.made else ["batch.no-yield"]),
            *(["batch.held"] if self.held() else []),
        }

    def closed(self) -> set[str]:
        return {"batch.ended"} if self.ended else set()

    def role(self, who: str) -> set[str]:
        return set() if who in PHARMACISTS else {"person.role"}

    # ---- held against what the code says ----

    def batch(self) -> Batch:
        if self._batch is None:
            self._batch = batch_of(self.recorded)
        assert self._batch is not None
        return self._batch

    def lot(self, line: str) -> Lot:
        return START.lots[LOTS[line]]

    def person(self, who: str) -> Person:
        return START.people[who]

    def answered(
        self, who: str, given: tuple[Record | None, list[Problem]], expected: set[str], *, beside: set[str] = frozenset()
    ) -> int:
        """Compare an answer with the model's, and record the fact; its entry, or 0.

        ``beside`` is what is told beside a fact that is recorded all the same.
        """
        fact, problems = given
        codes = {problem.code for problem in problems if problem.stops}
        assert codes == (expected or beside), (codes, expected, beside)
        assert (fact is None) == bool(expected)
        ANSWERS.update(codes if fact is None else [kind_of(fact)])
        if fact is None:
            return 0
        return self.write(who, fact)

    def write(self, who: str, fact: Record, *more: str) -> int:
        time = datetime(2026, 3, 1, 9, tzinfo=UTC) + timedelta(minutes=self.next)
        self._batch = None
        self.recorded.append(Recorded(self.next, time.strftime("%Y-%m-%dT%H:%M:%SZ"), who, "why", fact))
        lot = getattr(fact, "lot", None)
        self.subjects.append(("batch:CAPS-1", *([f"lot:{lot}"] if lot else []), *more))
        self.next += 1
        return self.next - 1

    @rule(line=st.sampled_from(sorted(READINGS)), kind=st.sampled_from([0, 0, 0, 1, 2]), who=st.sampled_from(PEOPLE), again=st.booleans())
    def weigh(self, line: str, kind: int, who: str, again: bool) -> None:
        expected = self.closed()
        expected |= {"weighing.again"} if line in self.read and not again else set()
        expected |= {"weighing.unit"} if kind == 2 else set()
        given = weigh(self.batch(), line, READINGS[line][kind], self.lot(line), "again" if again else None, self.batch().prepared)
        entry = self.answered(who, given, expected, beside={"weighing.outside-limits"} if kind == 1 else set())
        if entry:
            self.read[line] = entry, kind == 0, who
            self.makers.add(who)
            self.to_verify = entry

    @rule(number=st.integers(1, LAST_STEP + 1), who=st.sampled_from(PEOPLE))
    def step(self, number: int, who: str) -> None:
        self.do(number, who)

    @precondition(lambda self: len(self.steps) < LAST_STEP and not self.ended)
    @rule(who=st.sampled_from(["tom", "tom", "kim", "ana"]))
    def next_step(self, who: str) -> None:
        self.do(len(self.steps) + 1, who)

    def do(self, number: int, who: str) -> None:
        expected = self.closed()
        if number > LAST_STEP:
            expected |= {"step.unknown"}
        elif number in self.steps:
            expected |= {"step.done"}
        elif number > 1 and number - 1 not in self.steps:
            expected |= {"step.order"}
        elif number in TAKES and TAKES[number] not in self.read:
            expected |= {"step.before-weighing"}
        entry = self.answered(who, do_step(self.batch(), number), expected)
        if entry:
            self.steps.add(number)
            self.makers.add(who)
            self.to_verify = entry

    @rule(weighed=st.booleans(), again=st.booleans(), who=st.sampled_from(["tom", "tom", "kim", "ana"]))
    def make(self, weighed: bool, again: bool, who: str) -> None:
        expected = self.closed()
        expected |= {"yield.before-weighing"} if len(self.read) < len(READINGS) else set()
        expected |= {"yield.again"} if self.made and not again else set()
        masses = ("18829 mg", "240 mg") if weighed else (None, None)
        reason = "again" if again else None
        given = record_yield(
            self.batch(), f"{MADE} capsules", *masses, 0, START.lots["CAP-1"], reason, None if weighed else "scale broken"
        )
        entry = self.answered(who, given, expected, beside=set() if weighed else {"yield.no-balance"})
        if entry:
            self.made = entry, weighed, who
            self.makers.add(who)
            self.to_verify = entry

    @rule(at=st.integers(0, 3), who=st.sampled_from(PEOPLE), reason=st.sampled_from(["harmless", "harmless", None]))
    def accept(self, at: int, who: str, reason: str | None) -> None:
        held = self.held()
        entry = sorted(held)[at] if at < len(held) else self.next
        expected = self.closed() | self.role(who) | (set() if reason else {"deviation.reason"})
        expected |= {"deviation.unknown"} if entry not in held else {"deviation.own"} if held[entry] == who else set()
        done = self.answered(who, accept_deviation(self.batch(), entry, who, self.person(who), reason), expected)
        if done:
            self.settled.add(entry)
            self.to_verify = done

    @rule(trait=st.sampled_from(sorted(REQUIRED)))
    def test(self, trait: str) -> None:
        batch = self.batch()
        expected = ({"batch.ended"} if self.ended == "rejected" else set()) | (set() if self.made else {"test.before-yield"})
        if trait == "assay":
            given = assay_result(batch, "98.7 %", None, None)
        elif trait == "appearance":
            given = observed_result(batch, "appearance", "closed, clean", True)
        else:  # what ten weighings come to; how they are judged has its own tests
            fact = facts.Tested(batch="CAPS-1", trait=trait, method="weighed", expected="90 to 110 %", observed="99 %", verdict="pass")
            given = None if expected else fact, [Problem(code, "") for code in sorted(expected)]
        entry = self.answered("kim", given, expected)
        if entry:
            self.passed.add(trait)
            self.to_verify = entry

    @rule(who=st.sampled_from(PEOPLE))
    def verify(self, who: str) -> None:
        expected = self.closed() | self.unmade() | self.role(who) | ({"verify.own-work"} if who in self.makers else set())
        self.verified = self.answered(who, verify_batch(self.batch(), who, self.person(who)), expected) or self.verified

    @rule(who=st.sampled_from(PEOPLE))
    def release(self, who: str) -> None:
        expected = self.closed() | self.unmade() | self.role(who)
        expected |= {"test.missing"} if REQUIRED - self.passed else set()
        expected |= {"batch.not-verified"} if self.verified < self.to_verify or not self.verified else set()
        expected |= {"labels.not-accounted"} if self.labels else set()
        batch = self.batch()
        if self.answered(who, release_batch(batch, self.person(who), batch.prepared, START.lots.values()), expected):
            self.ended = "released"

    @rule(who=st.sampled_from(PEOPLE), reason=st.sampled_from(["spilled", None]), sure=st.integers(0, 5))
    def reject(self, who: str, reason: str | None, sure: int) -> None:
        expected = self.closed() | self.role(who) | (set() if reason else {"reject.reason"})
        if not expected and sure:
            return  # few batches are rejected, so that some come to their end
        if self.answered(who, reject_batch(self.batch(), self.person(who), reason), expected):
            self.ended = "rejected"

    @precondition(lambda self: self.ended == "released" and (len(self.labels) + 1) * CONTAINER <= MADE)
    @rule()
    def label(self) -> None:
        name = f"L{len(self.labels):08d}"
        fact = LabelPrinted(
            batch="CAPS-1", label=name, prescription="7001", patient="00", quantity=f"{CONTAINER} capsules", stock="4x3",
            warning="no opioids", warning_digest="sha256:00", pdf="sha256:00", copy_number=1, proved=(),
        )  # fmt: skip
        self.write("tom", fact, f"label:{name}")
        self.labels[name] = False

    @rule(at=st.integers(0, 4))
    def hand_out(self, at: int) -> None:
        name = sorted(self.labels)[at] if at < len(self.labels) else "L99999999"
        expected: set[str] = set()
        if name not in self.labels:
            expected = {"dispense.label"}
        else:
            expected |= {"dispense.not-released"} if self.ended != "released" else set()
            expected |= {"dispense.twice"} if self.labels[name] else set()
            out = sum(self.labels.values()) * CONTAINER
            tests = USED_BY_TESTS if "capsule weights" in self.passed else 0
            if not expected and out + CONTAINER > MADE - tests:
                expected = {"dispense.too-much"}
        batch = self.batch()
        if self.answered("tom", dispense(batch, name, batch.prepared), expected):
            self.labels[name] = True

    @rule(who=st.sampled_from(PEOPLE), sure=st.integers(0, 4))
    def call_back(self, who: str, sure: int) -> None:
        expected = self.role(who) | (set() if self.ended == "released" else {"recall.not-released"})
        if not expected and sure:
            return
        if self.answered(who, recall(self.batch(), self.person(who), "CAPS-1"), expected):
            self.ended = "recalled"

    @invariant()
    def the_batch_is_in_the_state_of_the_model(self) -> None:
        assert self.batch().state == (self.ended or "open")

    def teardown(self) -> None:
        if not hasattr(self, "recorded") or len(self.subjects) > MOST_ENTRIES:
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "journal.sqlite"
            shutil.copyfile(START.journal, path)
            with Journal.open(path, "main") as journal:
                now = datetime.now(UTC)
                drafts = [
                    Draft(kind_of(each.fact), body_of(each.fact), subjects, each.person, "bench", each.reason or "", now)
                    for each, subjects in zip(self.recorded[len(START.opened) :], self.subjects, strict=True)
                ]
                journal.append(drafts, {})
                assert verify(journal) == []


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], None]:
    global START
    START = Start(tmp_path_factory.mktemp("life") / "bench")
    return lambda: None


def test_every_answer_in_the_life_of_a_batch_is_the_models(start: object) -> None:
    how = settings(max_examples=RUNS, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Life, settings=how)
    refused = sum(times for code, times in ANSWERS.items() if "." in code)
    missed = {*ONCE} - {*ANSWERS}
    assert not missed, "the lot fell on none of these; draw more lives"
    tell("answers in the life of a batch, against a model", runs=sum(ANSWERS.values()), fired=refused, lost=0)
