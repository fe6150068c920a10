"""The results of a batch as rows: what its formula expects, what was seen, the verdict, by whom and when."""

from __future__ import annotations

from collections.abc import Mapping

from compounding.frozen import dataclass
from compounding.records.batch import Batch
from compounding.records.facts import Attached, Recorded, Tested
from compounding.records.formula import Test

UNVERIFIED = "limit unverified: a pharmacist confirms it"


@dataclass(frozen=True)
class ResultRow:
    """One result, or a test that has none yet (``entry`` is 0 then).

    Args:
        trait, method, expected: of the formula version of the batch; the method as it was really done, and what was
            expected then, with what the settings ask for beside it.
        observed, verdict: what was seen, and ``pass``, ``fail`` or ``test_20_more``.
        person, time: the printed name of who recorded it, and when (UTC, ISO 8601).
        laboratory, found: who found it, if it came from outside, and the day if it was not that of the entry.
        required: False for a test that the batch may go without.
        verified: False if a pharmacist has yet to confirm the limit.
        values, findings: single values as they were read, and what the judgement says of them.
        attachments: the files that prove it.
        counts: False for a result that an investigation set aside.
        unfinished: True for a stage 1 that waits for 20 more units.
    """

    trait: str
    method: str
    expected: str
    observed: str = ""
    verdict: str = ""
    person: str = ""
    time: str = ""
    entry: int = 0
    laboratory: str | None = None
    found: str | None = None
    required: bool = True
    verified: bool = True
    values: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    attachments: tuple[Attached, ...] = ()
    counts: bool = True
    unfinished: bool = False

    @property
    def limits(self) -> str:
        """What is expected; an unverified limit says so."""
        return self.expected + ("" if self.verified else f" ({UNVERIFIED})")


def result_rows(batch: Batch, names: Mapping[str, str]) -> tuple[ResultRow, ...]:
    """Every test of the batch's formula in its order, each result a row, oldest first.

    Args:
        batch: the batch as it stands.
        names: printed names of people by id.
    """
    rows = []
    for test in batch.formula.test:
        found = [each for each in batch.tested if isinstance(each.fact, Tested) and each.fact.trait == test.trait]
        rows += [_row(test, each, names, batch) for each in found] or [
            ResultRow(test.trait, test.method, test.expected, required=test.required, verified=test.verified)
        ]
    return tuple(rows)


def _row(test: Test, recorded: Recorded, names: Mapping[str, str], batch: Batch) -> ResultRow:
    fact, counts = recorded.fact, recorded in batch.standing
    assert isinstance(fact, Tested)
    again = f" (retest {fact.retest} of {fact.investigation})" if fact.retest else ""
    aside = "" if counts else f" (set aside by {fact.investigation})"
    return ResultRow(
        trait=test.trait,
        method=fact.method,
        expected=fact.expected,
        observed=fact.observed + again + aside,
        verdict=fact.verdict,
        person=names.get(recorded.person, recorded.person),
        time=recorded.time,
        entry=recorded.sequence,
        laboratory=fact.laboratory,
        found=fact.found,
        required=test.required,
        verified=test.verified,
        values=fact.values,
        findings=fact.findings,
        attachments=fact.attachments,
        counts=counts,
        unfinished=recorded in batch.unfinished,
    )


def attached_to(batch: Batch) -> tuple[Attached, ...]:
    """Every file that a result of the batch names, each digest once, in the order they came."""
    files = [file for each in batch.tested if isinstance(each.fact, Tested) for file in each.fact.attachments]
    return tuple({file.digest: file for file in files}.values())
