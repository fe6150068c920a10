"""What a worksheet says: the plan with blanks, or the record of what was done. One text, one page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from compounding.quantities import cut
from compounding.records.batch import Batch
from compounding.records.facts import (
    BatchOpened,
    InvestigationClosed,
    InvestigationConcluded,
    Recorded,
    Rejected,
    Released,
    ResultInvalidated,
    StepDone,
    Tested,
    Weighed,
    Yielded,
)
from compounding.records.formula import Formula
from compounding.records.investigation import Investigation
from compounding.records.label import WarningText
from compounding.records.plan import Plan
from compounding.records.stock import Lot
from compounding.records.worksheet import (
    NOT_GIVEN,
    CalculationLine,
    CheckLine,
    ComponentLine,
    Notice,
    OriginLine,
    SignatureLine,
    StepLine,
    WorksheetText,
    YieldLine,
)
from compounding.work.plan_words import expected_rows, source_rows
from compounding.work.results import result_rows

NOT_RECORDED = "nothing is recorded"
PLAN_ONLY = Notice("PLAN ONLY", "Do not weigh by this paper: open a batch and print its worksheet.")


def worksheet_text(
    batch: Batch, lots: Mapping[str, Lot], names: Mapping[str, str], warning: WarningText, head: str
) -> WorksheetText:
    """The worksheet of a batch as it stands.

    Args:
        batch: the batch.
        lots: its lots by id, for their expiry.
        names: printed names of people by id.
        warning: the opioid warning, for the people at the bench too.
        head: short code of the journal's head.
    """
    plan = batch.plan
    begun = bool(batch.weighed or batch.steps)
    return WorksheetText(
        title="Compounding record" if begun else "Worksheet",
        record=batch.id,
        formula=f"{plan.formula.id}: {plan.name}",
        formula_version=plan.formula.version,
        formula_digest=plan.formula.digest,
        product=plan.name,
        strength=plan.strength,
        quantity=plan.ordered
        + (f" (mixture for {plan.made}, overage {plan.overage_percent} % on the {plan.overage_on})"),
        prepared_on=plan.prepared,
        beyond_use_date=plan.beyond_use.date,
        beyond_use_reason=f"{plan.beyond_use.days} days; {plan.beyond_use.limited_by} [{plan.beyond_use.source}]",
        storage=batch.formula.beyond_use.storage_text,
        balance=f"{plan.balance.name}, {plan.balance.readability}, at least {plan.balance.minimum_weight}",
        head=head,
        container=batch.formula.container + (f"; bottle of {plan.bottle}" if plan.bottle else ""),
        warnings=(
            Notice(warning.heading, warning.text),
            Notice("NALTREXONE", "not naloxone. " + batch.formula.strength_basis),
        ),
        notes=(*_in_words(plan), *plan.warnings, *batch.formula.notes),
        components=tuple(_component(batch, line.line, lots, names) for line in plan.lines) + _shells(batch, lots),
        origins=_origins(batch, lots),
        calculations=tuple(
            CalculationLine(each.number, each.gives, f"{each.working} = {each.result}") for each in plan.calculation
        ),
        steps=_steps(batch, names),
        checks=_checks(batch, names),
        yields=_yields(batch),
        description=batch.formula.description,
        deviations=_deviations(batch, names),
        signatures=_signatures(batch, names),
    )


def plan_sheet(plan: Plan, formula: Formula, lots: Mapping[str, Lot], warning: WarningText) -> WorksheetText:
    """A plan on paper, for whoever checks it by hand: every line of its calculation and of its doubts.

    It is no worksheet: nobody can weigh by it, because nothing of it is recorded, and its checks, yield and
    signatures are left out.
    """
    nobody = Recorded(0, "", "", None, BatchOpened(batch=NOT_RECORDED, plan=plan, formula=()))
    text = worksheet_text(Batch("", plan, formula, nobody), lots, {}, warning, head="")
    budget = tuple(
        f"Uncertainty, {each.source}: {each.relative_percent} % of a dose (standard, {each.kind}, {each.origin}); {each.basis}."
        for each in plan.expected.budget
    )
    beyond = f"Beyond use: {plan.beyond_use.rule}."
    return replace(
        text,
        title="Plan",
        record=NOT_RECORDED,
        warnings=(*text.warnings, PLAN_ONLY),
        notes=(*text.notes, *budget, beyond),
        checks=(),
        yields=(),
        signatures=(),
    )


def _in_words(plan: Plan) -> tuple[str, ...]:
    """What carries the active, what is expected and how sure it is; the bottle stands with the container."""
    rows = (row for row in (*source_rows(plan), *expected_rows(plan)) if row[0] != "bottle")
    return tuple(f"{name[0].upper()}{name[1:]}: {says}." for name, says in rows)


def _at(recorded: Recorded) -> str:
    return _minute(recorded.time)


def _minute(time: str) -> str:
    return time[:16].replace("T", " ") + " UTC" if time else ""


def _component(batch: Batch, line_name: str, lots: Mapping[str, Lot], names: Mapping[str, str]) -> ComponentLine:
    line = next(each for each in batch.plan.lines if each.line == line_name)
    read = batch.reading_of(line_name)
    lot = lots.get(line.lot or "")
    return ComponentLine(
        material=line.material + (" (make up to volume)" if line.measure == "to volume" else ""),
        lot=line.lot or "",
        expiry=lot.received.expires if lot else "",
        exact=cut(line.exact, 3),
        weigh=line.target,
        low=line.low,
        high=line.high,
        weighed=read.fact.reading if read and isinstance(read.fact, Weighed) else "",
        by=names.get(read.person, read.person) if read else "",
        at=_at(read) if read else "",
    )


def _shells(batch: Batch, lots: Mapping[str, Lot]) -> tuple[ComponentLine, ...]:
    capsule = batch.plan.capsule
    if capsule is None:
        return ()
    lot = lots.get(capsule.lot or "")
    used = batch.yielded[-1].fact.shells_used if batch.yielded and isinstance(batch.yielded[-1].fact, Yielded) else None
    return (
        ComponentLine(
            material=f"capsule shells, size {capsule.size}, {capsule.maker}",
            lot=capsule.lot or "",
            expiry=lot.received.expires if lot else "",
            exact=f"{batch.plan.count} shells",
            weigh=f"{batch.plan.count} shells",
            low="",
            high="",
            weighed=f"{used} shells" if used else "",
        ),
    )


def _origins(batch: Batch, lots: Mapping[str, Lot]) -> tuple[OriginLine, ...]:
    """Where each lot of the batch came from, once, in the order of the worksheet."""
    used = [line.lot for line in batch.plan.lines] + [batch.plan.capsule.lot if batch.plan.capsule else None]
    received = [lots[id].received for id in dict.fromkeys(filter(None, used)) if id in lots]
    return tuple(
        OriginLine(
            each.lot, each.material, each.supplier, each.supplier_lot, each.national_code or each.ndc or NOT_GIVEN
        )
        for each in received
    )


def _steps(batch: Batch, names: Mapping[str, str]) -> tuple[StepLine, ...]:
    done = {each.fact.number: each for each in batch.steps if isinstance(each.fact, StepDone)}
    return tuple(
        StepLine(
            step.number,
            step.do,
            names.get(done[step.number].person, done[step.number].person) if step.number in done else "",
            _at(done[step.number]) if step.number in done else "",
        )
        for step in batch.plan.steps
    )


def _checks(batch: Batch, names: Mapping[str, str]) -> tuple[CheckLine, ...]:
    """Each result, and a blank for each test that is still required."""
    return tuple(
        CheckLine(row.trait, row.limits, row.observed, row.verdict.replace("_", " "), row.person, _minute(row.time))
        for row in result_rows(batch, names)
        if row.entry or row.required
    )


def _yields(batch: Batch) -> tuple[YieldLine, ...]:
    plan = batch.plan
    planned = plan.ordered
    fact = batch.yielded[-1].fact if batch.yielded else None
    if not isinstance(fact, Yielded):
        lines = [YieldLine("made", planned), YieldLine("yield", _limits(batch))]
        return tuple(lines + ([] if plan.volume else [YieldLine("mass in"), YieldLine("mass out"), YieldLine("loss")]))
    lines = [YieldLine("made", planned, fact.made), YieldLine("yield", _limits(batch), f"{fact.yield_percent} %")]
    if fact.loss_percent is not None:
        most = batch.formula.yield_limits.loss_percent
        lines += [
            YieldLine("mass in", "", fact.mass_in or ""),
            YieldLine("mass out, remainder included", "", fact.mass_out or ""),
            YieldLine("loss", f"at most {most} %", f"{fact.loss_percent} %"),
        ]
    if fact.no_balance:
        lines.append(YieldLine("mass balance", "", f"not taken: {fact.no_balance}"))
    if plan.source.discarded:
        lines.append(YieldLine("tablet powder discarded", plan.source.discarded))
    return tuple(lines)


def _limits(batch: Batch) -> str:
    low, high = batch.formula.yield_limits.units_percent
    return f"{low} to {high} %"


def _deviations(batch: Batch, names: Mapping[str, str]) -> tuple[str, ...]:
    """What did not go as planned: readings, yield, failed tests, what was accepted, and why a batch was rejected."""
    lines = []
    for each in (*batch.weighed, *batch.yielded):
        fact = each.fact
        if isinstance(fact, Weighed) and not fact.within:
            lines.append(
                f"Entry {each.sequence}: {fact.material} {fact.reading} read, {fact.low} to {fact.high} planned."
            )
        elif isinstance(fact, Weighed) and fact.replaces:
            lines.append(
                f"Entry {each.sequence}: {fact.material} weighed again instead of entry {fact.replaces}: {each.reason}"
            )
        elif isinstance(fact, Yielded) and fact.no_balance:
            lines.append(f"Entry {each.sequence}: no mass balance: {fact.no_balance}")
        elif isinstance(fact, Yielded) and not fact.within:
            lines.append(f"Entry {each.sequence}: yield {fact.yield_percent} % or loss outside its limits.")
    for each in batch.tested:
        if isinstance(each.fact, Tested) and each.fact.verdict == "fail":
            lines.append(f"Entry {each.sequence}: {each.fact.trait} FAILED: {each.fact.observed}.")
    for investigation in batch.investigations:
        lines += _investigated(investigation, names)
    lines += [
        f"Entry {each.sequence}: {names.get(each.person, each.person)} accepted the deviation: {each.reason}"
        for each in batch.accepted
    ]
    if batch.ended and isinstance(batch.ended.fact, Rejected):
        person = names.get(batch.ended.person, batch.ended.person)
        lines.append(f"Entry {batch.ended.sequence}: REJECTED by {person}: {batch.ended.reason}")
    return tuple(lines)


def _investigated(investigation: Investigation, names: Mapping[str, str]) -> Iterator[str]:
    """An investigation in a few lines: what set a result aside, what was concluded, and who decided."""
    yield f"{investigation.id}, opened by entry {investigation.opened.sequence}, is {investigation.state}."
    for each in filter(None, (investigation.invalidated, investigation.concluded, investigation.closed)):
        match each.fact:
            case ResultInvalidated() as invalid:
                said = f"result set aside: {invalid.cause}; shown by: {invalid.evidence}"
            case InvestigationConcluded() as concluded:
                said = f"concluded: {concluded.conclusion}"
            case InvestigationClosed() as closed:
                said = f"{closed.disposition} by {names.get(each.person, each.person)}: {each.reason}"
            case _:
                continue
        yield f"Entry {each.sequence}: {investigation.id} {said}"


def _signatures(batch: Batch, names: Mapping[str, str]) -> tuple[SignatureLine, ...]:
    made_by = ", ".join(sorted(names.get(person, person) for person in batch.makers))
    verified = batch.verified[-1] if batch.verified else None
    ended = batch.ended
    word = {Released: "Released by", Rejected: "REJECTED by"}.get(
        type(ended.fact) if ended else Released, "Released by"
    )
    return (
        SignatureLine("Compounded by", made_by, _at(batch.steps[-1]) if batch.steps else ""),
        SignatureLine(
            "Verified by (took no part in making)",
            names.get(verified.person, "") if verified else "",
            _at(verified) if verified else "",
        ),
        SignatureLine(word, names.get(ended.person, "") if ended else "", _at(ended) if ended else ""),
    )
