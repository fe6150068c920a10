"""The certificate of analysis of a released batch: what its record says, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from compounding.problems import Problem
from compounding.quantities import quantity, told
from compounding.records.analysis import AnalysisText, AttachmentLine, ResultLine, ValuesLine
from compounding.records.batch import Batch
from compounding.records.facts import (
    DeviationAccepted,
    InvestigationClosed,
    Recorded,
    Released,
    ResultInvalidated,
    Yielded,
)
from compounding.records.worksheet import Notice, SignatureLine
from compounding.settings import Pharmacy
from compounding.work.confirming import check_signatures
from compounding.work.releasing import check_investigations, check_tests
from compounding.work.results import ResultRow, attached_to, result_rows

TITLE = "Certificate of analysis"
OWN_TESTS = (
    "These are tests of this batch, done at this pharmacy unless a laboratory is named; this is not a certificate of a "
    "third party."
)
ROUNDED = "Results are compared with their limits after rounding half up to the decimals of the limit"
UNROUNDED = "; capsule weights are compared as they are, nothing rounded"


def check_certifiable(batch: Batch) -> list[Problem]:
    """A certificate is written for a released batch alone, and while nothing holds it: it would speak for a batch in doubt."""
    if batch.state == "released":
        why = [*check_investigations(batch), *check_tests(batch), *check_signatures(batch)]
        text = f"Batch {batch.id} is held since its release: no certificate is written until that is settled"
        return [Problem("certificate.held", text, batch.id), *why] if why else []
    advice = "a certificate is written for released batches only" if batch.state == "rejected" else "release it first"
    text = f"Batch {batch.id} is {batch.state}, not released: {advice}"
    return [Problem("certificate.not-released", text, batch.id)]


def analysis_text(batch: Batch, names: Mapping[str, str], pharmacy: Pharmacy, head: str) -> AnalysisText:
    """What the certificate of a released batch says.

    Args:
        batch: the batch, released.
        names: printed names of people by id.
        pharmacy: who issues it.
        head: short code of the journal's head.
    """
    plan, rows = batch.plan, result_rows(batch, names)
    done = [row for row in rows if row.entry]
    last = batch.yielded[-1].fact if batch.yielded else None
    return AnalysisText(
        title=TITLE,
        record=batch.id,
        pharmacy=pharmacy.name,
        address=f"{pharmacy.address}, {pharmacy.phone}",
        product=plan.name,
        strength=plan.strength,
        strength_basis=batch.formula.strength_basis,
        quantity=told(quantity(last.made)) if isinstance(last, Yielded) else "",
        prepared_on=plan.prepared,
        released_on=batch.ended.time[:10] if batch.ended else "",
        beyond_use_date=plan.beyond_use.date,
        storage=batch.formula.beyond_use.storage_text,
        container=batch.formula.container + (f"; bottle of {plan.bottle}" if plan.bottle else ""),
        formula=plan.formula.id,
        formula_version=plan.formula.version,
        formula_digest=plan.formula.digest,
        conclusion=_conclusion(batch, done, names),
        results=tuple(_result(row) for row in done),
        values=tuple(ValuesLine(row.trait, ", ".join(row.values)) for row in done if len(row.values) > 1),
        notes=(OWN_TESTS, _rounding(batch, done), _beyond_use(batch), *_notes(batch, rows, names)),
        attachments=_attachments(batch, done),
        signatures=tuple(_signatures(batch, names)),
        head=head,
    )


def _conclusion(batch: Batch, done: Sequence[ResultRow], names: Mapping[str, str]) -> Notice:
    """What the results come to, and the words that the batch was released with."""
    aside = sum(not row.counts for row in done)
    standing = [row for row in done if row.counts and row.verdict != "test_20_more"]  # a first stage is half a result
    says = [f"All {len(standing)} {'results that count' if aside else 'results'} meet the limits of the formula."]
    if aside:
        says.append(f"{aside} {'was' if aside == 1 else 'were'} set aside by an investigation: see the notes.")
    fact = batch.ended.fact if batch.ended else None
    if batch.ended and isinstance(fact, Released):
        says.append(f"{names.get(batch.ended.person, batch.ended.person)} released the batch: “{fact.meaning}”")
    return Notice("RELEASED", " ".join(says))


def _result(row: ResultRow) -> ResultLine:
    found_on = f"found on {row.found}" if row.found else ""
    by = ", ".join(filter(None, (row.laboratory, found_on)))
    return ResultLine(
        trait=row.trait,
        method=f"{row.method}; {by}" if by else row.method,
        limit=row.limits,
        found=row.observed,
        verdict="FAIL" if row.verdict == "fail" else row.verdict.replace("_", " "),
        recorded=f"{row.person}, {row.time[:10]}",
    )


def _rounding(batch: Batch, done: Sequence[ResultRow]) -> str:
    """How results were compared: weights are judged unrounded, which is the stricter way."""
    weighed = {test.trait for test in batch.formula.test if test.kind == "weights"} & {row.trait for row in done}
    return ROUNDED + (UNROUNDED if weighed else "") + "."


def _beyond_use(batch: Batch) -> str:
    used = batch.plan.beyond_use
    return (
        f"The beyond-use date is {used.days} days from the preparation, its day included; limited by {used.limited_by}."
    )


def _minute(time: str) -> str:
    return time[:16].replace("T", " ") + " UTC"


def _notes(batch: Batch, rows: Sequence[ResultRow], names: Mapping[str, str]) -> Iterator[str]:
    """What the results say beside their verdicts, the tests that were not done, the deviations that were accepted."""
    for row in rows:
        yield from (f"{row.trait}: {finding}" for finding in row.findings)
    missing = [row.trait for row in rows if not row.entry]
    if missing:
        yield f"Not done, because the formula does not require it of each batch: {', '.join(missing)}."
    yield from _set_aside(batch, names)
    for each in batch.accepted:
        if isinstance(each.fact, DeviationAccepted):
            who = names.get(each.person, each.person)
            yield f"Deviation of entry {each.fact.entry} accepted by {who}: {each.reason}"


def _set_aside(batch: Batch, names: Mapping[str, str]) -> Iterator[str]:
    """Each investigation of the batch: what it was about, why its result does not count, how it was closed and by whom."""
    for each in batch.investigations:
        says = f"{each.id}: {each.fact.what}."
        if each.invalidated and isinstance(fact := each.invalidated.fact, ResultInvalidated):
            says += f" The result was set aside for a cause that was found: {fact.cause} ({fact.evidence})."
        if each.closed and isinstance(fact := each.closed.fact, InvestigationClosed):
            who = names.get(each.closed.person, each.closed.person)
            says += f" Closed by {who}, {each.closed.time[:10]}: {fact.disposition}; {each.closed.reason}."
        yield says


def _attachments(batch: Batch, done: Sequence[ResultRow]) -> tuple[AttachmentLine, ...]:
    return tuple(
        AttachmentLine(
            name=file.name,
            proves=", ".join(row.trait for row in done if file.digest in {each.digest for each in row.attachments}),
            size=f"{file.size:,} bytes",
            digest=file.digest.removeprefix("sha256:"),
        )
        for file in attached_to(batch)
    )


def _signatures(batch: Batch, names: Mapping[str, str]) -> Iterator[SignatureLine]:
    makers = ", ".join(sorted(names.get(person, person) for person in batch.makers))
    yield SignatureLine("Compounded by", makers, _minute(batch.steps[-1].time) if batch.steps else "")
    if batch.verified:
        yield _signed("Verified by (took no part in making)", batch.verified[-1], names)
    if batch.ended:
        yield _signed("Released by", batch.ended, names)


def _signed(meaning: str, recorded: Recorded, names: Mapping[str, str]) -> SignatureLine:
    return SignatureLine(meaning, names.get(recorded.person, recorded.person), _minute(recorded.time))
