"""Many batches of one product on a bench: one is opened by the command, the others are its fact with other ids and days.

They are real entries of a real journal, with the subjects that the commands give them; only making them is left out,
which is not what a chart is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from compounding.records.facts import BatchOpened, Rejected, Tested, body_of, kind_of, read_fact
from compounding.records.plan import Plan
from compounding.records.record import Record, replaced
from compounding.records.series import series_subjects
from compounding.store.journal import Draft, Journal
from tests.bench import Bench

OPEN = 'batch open naltrexone-capsule --strength "1.5 mg" --count 100 --from TAB-1 --id FIRST'
FIRST_DAY = date(2026, 1, 5)

# Made up: a steady process of 24 batches (SPC-03 of tests/cases/control.toml and four more), in percent of label.
STEADY = (
    "99.8", "99.2", "98.6", "99.1", "100.1", "101.0", "100.3", "100.9", "101.6", "101.2", "100.9", "100.1",
    "99.4", "98.8", "99.5", "99.6", "100.3", "100.7", "101.3", "100.6", "100.2", "99.9", "99.3", "100.4",
)  # fmt: skip


def pattern(bench: Bench) -> BatchOpened:
    """A batch of capsules, opened by the command."""
    bench.do(OPEN)
    with Journal.open(bench.journal, "main") as journal:
        entry = journal.entries("batch:FIRST")[0]
    fact = read_fact(entry.kind, entry.body, "the pattern")
    assert isinstance(fact, BatchOpened)
    return fact


def result(batch: str, value: str, verdict: str = "pass", trait: str = "assay") -> Tested:
    """An assay as the command records it."""
    return Tested(
        batch=batch,
        trait=trait,
        method="HPLC",
        expected="90.0 to 110.0 % of label",
        observed=f"{value} of label",
        verdict="fail" if verdict == "fail" else "pass",
        values=(value,),
    )


def draft(fact: Record, plan: Plan, batch: str) -> Draft:
    """A fact about a batch, with the subjects that the commands give it."""
    return Draft(
        kind=kind_of(fact),
        body=body_of(fact),
        subjects=(f"batch:{batch}", *series_subjects(plan, fact)),
        person="kim",
        workstation="bench",
        reason="",
        time=datetime.now(UTC),
    )


def batches(first: BatchOpened, values: Iterable[str | None], number: int = 1, *, whole: bool = True) -> list[Draft]:
    """Batches one after the other, a day apart, each with its assay; None stands for a batch without a result.

    Args:
        number: of the first.
        whole: False to leave the plan out of the entries, twenty thousand bytes each.
    """
    drafts = []
    for count, value in enumerate(values):
        day = FIRST_DAY + timedelta(days=number - 1 + count)
        batch = f"2026-{number + count:04d}"
        plan = replaced(first.plan, prepared=day.isoformat())
        opened = draft(replaced(first, batch=batch, plan=plan), plan, batch)
        drafts.append(opened if whole else replace(opened, body={"batch": batch}))
        if value is not None:
            share = float(value)
            drafts.append(draft(result(batch, f"{value} %", "pass" if 90 <= share <= 110 else "fail"), plan, batch))
    return drafts


def write(bench: Bench, drafts: Sequence[Draft]) -> None:
    """Append them."""
    with Journal.open(bench.journal, "main") as journal:
        journal.append(drafts, {})


def rejection(first: BatchOpened, batch: str) -> Draft:
    return draft(Rejected(batch=batch), first.plan, batch)
