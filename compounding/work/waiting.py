"""What a batch waits for now: the one thing that comes next, and the command for it."""

from __future__ import annotations

from compounding.frozen import dataclass
from compounding.records.batch import Batch
from compounding.records.facts import kind_of
from compounding.records.formula import Test
from compounding.work.accounting import accounted
from compounding.work.making import lines_unread
from compounding.work.releasing import held_by
from compounding.work.testing import waiting

# The command that records a test of a kind.
_COMMANDS = {
    "weights": "compounding qc weights {batch}",
    "content": "compounding qc content {batch}",
    "assay": "compounding qc assay {batch} RESULT",
}


@dataclass(frozen=True)
class Wait:
    """What comes next.

    Args:
        stage: ``investigation``, ``signature``, ``making``, ``deviation``, ``verification``, ``tests``, ``release`` or ``labels``.
        what: in words, such as ``weigh source: 952.6 mg``.
        command: what to type; words in capitals are for you to fill in.
    """

    stage: str
    what: str
    command: str


def waits_for(batch: Batch) -> Wait | None:
    """The next thing to do for a batch; None if nothing is left, or nothing can be done any more."""
    if batch.under_investigation:
        first = batch.under_investigation[0]
        return Wait("investigation", f"{first.id} is {first.state}", f"compounding qc investigate show {first.id}")
    if batch.doubted and batch.state in ("open", "released"):
        doubtful = batch.doubted[0]
        what = f"the signature of entry {doubtful.sequence} ({kind_of(doubtful.fact)}) is in doubt"
        return Wait("signature", what, f"compounding person confirm {doubtful.sequence} --reason WHY")
    if batch.state == "released":
        if accounted(batch):
            return None
        return Wait("labels", "labels are not accounted for", f"compounding label account {batch.id}")
    if batch.state in ("rejected", "recalled"):
        return None
    return _making(batch) or _deviation(batch) or _tests(batch) or _ending(batch)


def _making(batch: Batch) -> Wait | None:
    """The next reading, step or yield."""
    for step in batch.plan.steps:
        if step.number in batch.steps_done:
            continue
        for line in lines_unread(batch, step):
            lot = f" --lot {line.lot}" if line.lot else ""
            command = f"compounding batch weigh {batch.id} {_quoted(line.line)} READING{lot}"
            return Wait("making", f"weigh {line.material}: {line.target}", command)
        return Wait("making", f"step {step.number}: {step.do}", f"compounding batch step {batch.id} {step.number}")
    left = [line for line in batch.plan.lines if batch.reading_of(line.line) is None]
    if left:
        command = f"compounding batch weigh {batch.id} {_quoted(left[0].line)} READING"
        return Wait("making", f"weigh {left[0].material}: {left[0].target}", command)
    if not batch.yielded:
        return Wait("making", "count what was made", f"compounding batch yield {batch.id} --made QUANTITY")
    return None


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word


def _deviation(batch: Batch) -> Wait | None:
    held = held_by(batch)
    if not held:
        return None
    command = f"compounding batch accept {batch.id} {held[0].sequence} --reason WHY"
    return Wait("deviation", f"entry {held[0].sequence} is outside its limits", command)


def _tests(batch: Batch) -> Wait | None:
    """The first required test that has no result, or one whose first stage asks for more units."""
    for test in batch.formula.test:
        done = any(each.fact.trait == test.trait for each in batch.standing)  # type: ignore[attr-defined]
        if waiting(batch, test.trait):
            return Wait("tests", f"{test.trait}: 20 more units", _command(batch, test))
        if test.required and not done:
            return Wait("tests", f"{test.trait}: {test.expected}", _command(batch, test))
    return None


def _command(batch: Batch, test: Test) -> str:
    words = _COMMANDS.get(test.kind, "compounding qc observe {batch} {trait} FOUND")
    return words.format(batch=batch.id, trait=_quoted(test.trait))


def _ending(batch: Batch) -> Wait:
    if not batch.is_verified:
        return Wait("verification", "a second person verifies it", f"compounding batch verify {batch.id}")
    return Wait("release", "a pharmacist releases it", f"compounding batch release {batch.id}")
