"""Investigations of results out of specification, complaints and deviations.

A failing result stays on record and counts, unless a cause is found that has to do with the test and not with the batch.
Retests are fixed in number before the first is done, and each is judged by itself: no mean hides a result.

Source:
    fda-oos-2022; fda-oos-retests; fda-oos-averaging; fda-oos-phase-two
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Literal

from compounding.problems import Problem
from compounding.records.batch import Batch
from compounding.records.facts import (
    HypothesisStated,
    InvestigationClosed,
    InvestigationConcluded,
    InvestigationOpened,
    LotQuarantined,
    Rejected,
    Resampled,
    ResultInvalidated,
    RetestPlanned,
    Tested,
)
from compounding.records.investigation import Investigation
from compounding.records.record import Record, replaced
from compounding.records.stock import Lot
from compounding.settings import Person
from compounding.work.same_values import hold_earlier, is_mean

Phase = Literal[1, 2]
Disposition = Literal["reject", "release"]

MEANINGS: Mapping[Disposition, str] = {
    "reject": "I reviewed the complete investigation; the batch is rejected.",
    "release": "I reviewed the complete investigation; its cause is documented, and it no longer holds the batch.",
}


# ---- opening ----


def failed(batch: Batch, fact: Tested, id: str, lots: Sequence[Lot]) -> tuple[list[Record], str]:
    """A failing result with the investigation that it opens, and why they are written.

    Args:
        batch: the batch as it stands.
        fact: the failing result.
        id: of the investigation.
        lots: what the batch became.

    Returns:
        The facts, the result first, and the reason that all of them carry.

    Source:
        fda-oos-2022
    """
    what = f"{fact.trait} fails: {fact.observed}. Expected: {fact.expected}"
    opened = InvestigationOpened(batch=batch.id, investigation=id, about="result", what=what, trait=fact.trait)
    reason = f"{fact.trait} of batch {batch.id} fails ({fact.observed}): investigation {id}"
    return [replaced(fact, investigation=id), opened, *quarantines(lots)], reason


def open_investigation(
    batch: Batch, id: str, about: Literal["complaint", "deviation"], what: str, lots: Sequence[Lot]
) -> tuple[list[Record], str]:
    """An investigation that a person opens by hand; a failing result opens its own."""
    opened = InvestigationOpened(batch=batch.id, investigation=id, about=about, what=what)
    return [opened, *quarantines(lots)], f"{about} about batch {batch.id}: investigation {id}"


def quarantines(lots: Sequence[Lot]) -> list[LotQuarantined]:
    """What a batch became is held with it; a lot that is in quarantine already stays so for its own reason."""
    return [LotQuarantined(lot=lot.id) for lot in lots if not lot.quarantined]


def find_investigation(batch: Batch, id: str) -> Investigation:
    """An investigation of a batch, by its id."""
    return next(each for each in batch.investigations if each.id == id)


# ---- what is common to the rules ----


def _still_open(investigation: Investigation) -> list[Problem]:
    if not investigation.closed:
        return []
    text = f"{investigation.id} is {investigation.state}: nothing more is recorded in it but its actions. Open another"
    return [Problem("investigation.closed", text, investigation.id)]


def _about_a_result(investigation: Investigation) -> list[Problem]:
    if investigation.result:
        return []
    text = f"{investigation.id} is about a {investigation.fact.about}: test the batch with compounding qc; a result that fails opens its own"
    return [Problem("investigation.no-result", text, investigation.id)]


def _not_confirmed(investigation: Investigation) -> list[Problem]:
    if not investigation.confirmed:
        return []
    text = f"A retest of {investigation.id} failed too: the result is confirmed, and nothing sets it aside. Reject the batch"
    return [Problem("investigation.confirmed", text, investigation.id, source="fda-oos-2022")]


def _missing(investigation: Investigation, code: str, needed: Mapping[str, tuple[object, str]]) -> list[Problem]:
    """One problem for each thing that is not said: its option, what was given, what it is for."""
    return [
        Problem(f"{code}.{name}", f"{investigation.id}: say {what}: give --{name}", name)
        for name, (given, what) in needed.items()
        if not given
    ]


def _pharmacist_other_than_the_analyst(
    investigation: Investigation, by: str, person: Person, to: str, code: str
) -> list[Problem]:
    problems = []
    if "pharmacist" not in person.roles:
        text = f"{person.name} is {' and '.join(person.roles)}: a pharmacist must {to}"
        problems.append(Problem("person.role", text, person.name))
    if by in investigation.analysts:
        text = f"{person.name} recorded a result of {investigation.id}: another person must {to}"
        problems.append(Problem(code, text, by))
    return problems


def _check_phase(investigation: Investigation, phase: Phase) -> list[Problem]:
    """The laboratory is looked at first; a complaint or a deviation need not begin there."""
    if phase == 1 or investigation.phase or not investigation.result:
        return []
    text = f"{investigation.id} has no laboratory phase yet: state what may have gone wrong in the test, with --phase 1"
    return [Problem("investigation.phase", text, investigation.id, source="fda-oos-2022")]


# ---- phases ----


def state_hypothesis(
    investigation: Investigation, phase: Phase, hypothesis: str | None, found: str | None
) -> tuple[HypothesisStated | None, list[Problem]]:
    """What may have gone wrong, and what was found when it was looked at."""
    problems = _still_open(investigation) + _check_phase(investigation, phase)
    needed = {"hypothesis": (hypothesis, "what may have gone wrong"), "found": (found, "what was looked at and found")}
    problems += _missing(investigation, "phase", needed)
    if problems or not (hypothesis and found):
        return None, problems
    where = {"batch": investigation.batch, "investigation": investigation.id}
    return HypothesisStated(**where, phase=phase, hypothesis=hypothesis, found=found), []


def plan_retest(
    investigation: Investigation,
    by: str,
    person: Person,
    *,
    phase: Phase | None,
    hypothesis: str | None,
    plan: str | None,
    retests: int | None,
) -> tuple[RetestPlanned | None, list[Problem]]:
    """A retest is approved before it is done, once for each sample; who records the plan approves it.

    Args:
        investigation: as it stands.
        by: id of the approver.
        person: the approver, a pharmacist who recorded none of its results.
        phase: 1 for the laboratory, 2 for the whole batch.
        hypothesis: what the retest shall show.
        plan: which preparation of which sample is tested how, by whom.
        retests: how many, no more and no fewer [1 or more].

    Source:
        fda-oos-retests
    """
    problems = _still_open(investigation) + _about_a_result(investigation) + _not_confirmed(investigation)
    needed = {
        "phase": (phase, "whether it belongs to phase 1 (laboratory) or 2 (the whole batch)"),
        "hypothesis": (hypothesis, "what the retest shall show"),
        "plan": (plan, "what is tested, how and by whom"),
        "retests": (retests, "how many retests are done, before the first"),
    }
    problems += _missing(investigation, "retest", needed)
    problems += _check_phase(investigation, phase or 1)
    to = "approve a retest"
    problems += _pharmacist_other_than_the_analyst(investigation, by, person, to, "retest.own")
    if investigation.planned:
        fixed = investigation.planned.fact
        assert isinstance(fixed, RetestPlanned)
        text = (
            f"{investigation.id} has its plan (entry {investigation.planned.sequence}): {fixed.retests} on the "
            f"{fixed.sample} sample. Their number is fixed; results do not change it"
        )
        problems.append(Problem("retest.planned", text, investigation.id, source="fda-oos-retests"))
    if problems or not (phase and hypothesis and plan and retests):
        return None, problems
    return (
        RetestPlanned(
            batch=investigation.batch,
            investigation=investigation.id,
            phase=phase,
            hypothesis=hypothesis,
            plan=plan,
            retests=retests,
            sample=investigation.sample,
        ),
        [],
    )


# ---- retests ----


def as_retest(
    batch: Batch, investigation: Investigation, fact: Tested, reason: str | None, day_of: Callable[[str], date]
) -> tuple[Tested | None, list[Problem]]:
    """A result as the next retest of an investigation, with its number; it was judged as any result is.

    Args:
        batch: the batch as it stands.
        investigation: as it stands.
        fact: the result, judged by the limits of the formula.
        reason: where values stand that look like earlier ones, or like their mean, and are neither.
        day_of: the day here at a time in UTC, as entries have it.

    Source:
        fda-oos-retests; fda-oos-averaging
    """
    problems = _still_open(investigation) + _about_a_result(investigation)
    if problems:
        return None, problems
    if investigation.fact.trait != fact.trait:
        text = f"{investigation.id} is about {investigation.fact.trait}, not about {fact.trait}: record that without it"
        problems.append(Problem("retest.trait", text, fact.trait))
    if investigation.planned is None:
        text = (
            f"{investigation.id} has no plan for a retest of the {investigation.sample} sample: have one approved first"
        )
        problems.append(Problem("retest.not-planned", text, investigation.id, source="fda-oos-retests"))
    elif investigation.retests_left < 1:
        text = (
            f"{investigation.id}: all retests that were fixed beforehand are done. Testing until it passes proves nothing: "
            "conclude with what there is"
        )
        problems.append(Problem("retest.too-many", text, investigation.id, source="fda-oos-retests"))
    elif fact.found and date.fromisoformat(fact.found) < (planned := day_of(investigation.planned.time)):
        text = (
            f"{fact.found} is before the retests of {investigation.id} were fixed, on {planned}: what was found before its "
            "plan is no retest. Check the day"
        )
        problems.append(Problem("retest.before-plan", text, "--date", source="fda-oos-retests"))
    numbers = {each.sequence: each.fact.retest for each in investigation.retests if isinstance(each.fact, Tested)}
    if fact.joins and fact.joins not in numbers:
        problems.append(_joins_another(fact, investigation.id))
    if not problems:
        problems += _check_values(batch, investigation, fact, reason)
    if problems:
        return None, problems
    number = numbers[fact.joins] if fact.joins else len(set(numbers.values())) + 1
    return replaced(fact, investigation=investigation.id, retest=number), []


def check_joined(batch: Batch, fact: Tested) -> list[Problem]:
    """The second stage of a retest is recorded as that retest, and of no other result."""
    joined = [each.fact for each in batch.tested if each.sequence == fact.joins and isinstance(each.fact, Tested)]
    return [_joins_another(fact, each.investigation or "") for each in joined if each.retest]


def _joins_another(fact: Tested, id: str) -> Problem:
    text = (
        f"{fact.trait}: entry {fact.joins} waits for its second stage, and only one of the two is a retest of {id}. "
        "Finish each in the way that it was begun"
    )
    return Problem("retest.joins", text, fact.trait)


def _check_values(batch: Batch, investigation: Investigation, fact: Tested, reason: str | None) -> list[Problem]:
    """A retest is a reading of its own: neither old values again, of whichever stage, nor the mean of earlier ones."""
    if reason:
        return []
    if hold_earlier(batch, fact):
        text = (
            f"{fact.trait}: these values hold those of an earlier result. Give the values of this retest alone. If they "
            "read exactly that, say where they stand: retest --reason WHERE, then the rest"
        )
        return [Problem("retest.old-values", text, fact.trait, source="fda-oos-averaging")]
    earlier = [each.fact for each in (investigation.result, *investigation.retests) if each]
    tested = [each for each in earlier if isinstance(each, Tested)]
    if len(tested) < 2 or not is_mean(batch, fact, tested):
        return []
    text = (
        f"{fact.trait}: {fact.values[0]} is the mean of the original result and the retests. A mean hides a result: give "
        "what this preparation read. If it read exactly that, say where it stands: retest --reason WHERE, then the rest"
    )
    return [Problem("retest.mean", text, fact.trait, source="fda-oos-averaging")]


def resample(
    investigation: Investigation, by: str, person: Person, plan: str | None, reason: str | None
) -> tuple[Resampled | None, list[Problem]]:
    """A new sample, only because the first was unsound; who records it approves it.

    Source:
        fda-oos-2022
    """
    problems = _still_open(investigation) + _about_a_result(investigation) + _not_confirmed(investigation)
    needed = {
        "plan": (plan, "how the new sample is taken"),
        "reason": (reason, "what shows that the sample was unsound"),
    }
    problems += _missing(investigation, "resample", needed)
    to = "approve a new sample"
    problems += _pharmacist_other_than_the_analyst(investigation, by, person, to, "resample.own")
    if investigation.resampled:
        text = f"{investigation.id} had a new sample (entry {investigation.resampled.sequence}): there is no third"
        problems.append(Problem("resample.known", text, investigation.id))
    if problems or not plan:
        return None, problems
    return Resampled(batch=investigation.batch, investigation=investigation.id, plan=plan), []


def invalidate(
    investigation: Investigation, by: str, person: Person, cause: str | None, evidence: str | None
) -> tuple[ResultInvalidated | None, list[Problem]]:
    """The original result is set aside, because something that is shown went wrong in the test. It stays on record.

    Neither a passing retest nor a test for outliers is such a cause.

    Source:
        fda-oos-2022
    """
    problems = _still_open(investigation) + _about_a_result(investigation) + _not_confirmed(investigation)
    needed = {"cause": (cause, "what went wrong in the test"), "evidence": (evidence, "what shows that it did")}
    problems += _missing(investigation, "invalidation", needed)
    to = "set a result aside"
    problems += _pharmacist_other_than_the_analyst(investigation, by, person, to, "invalidation.own")
    if investigation.result and not investigation.phase:
        text = f"{investigation.id}: nothing was looked at yet. Record the laboratory phase first"
        problems.append(Problem("investigation.phase", text, investigation.id))
    if investigation.invalidated:
        text = f"The result of {investigation.id} was set aside before (entry {investigation.invalidated.sequence})"
        problems.append(Problem("invalidation.known", text, investigation.id))
    if problems or not (cause and evidence):
        return None, problems
    where = {"batch": investigation.batch, "investigation": investigation.id}
    return ResultInvalidated(**where, cause=cause, evidence=evidence), []


# ---- the end ----


def conclude(
    batch: Batch,
    investigation: Investigation,
    *,
    conclusion: str | None,
    other_batches: str | None,
    cause: str | None,
    no_action: str | None,
) -> tuple[InvestigationConcluded | None, list[Problem]]:
    """What was found, and whether other batches share the cause: that is asked of a rejected batch too.

    Args:
        batch: the batch as it stands; once rejected it takes no more results, so no retest is waited for.
        investigation: as it stands.
        conclusion: what was found.
        other_batches: which were looked at, and what was seen.
        cause: the root cause, if there is one.
        no_action: why nothing has to be corrected or prevented.

    Source:
        fda-oos-2022; fda-oos-phase-two; fda-oos-rejected
    """
    problems = _still_open(investigation)
    needed = {
        "conclusion": (conclusion, "what was found"),
        "other-batches": (other_batches, "which other batches were looked at, and what was seen"),
    }
    problems += _missing(investigation, "conclusion", needed)
    if not investigation.phase:
        text = f"{investigation.id}: nothing was looked at yet. State a hypothesis and what was found first"
        problems.append(Problem("investigation.phase", text, investigation.id))
    elif investigation.result and not investigation.invalidated and investigation.phase < 2:
        text = f"{investigation.id}: the laboratory found no cause. Look at the whole batch, with --phase 2, before concluding"
        problems.append(Problem("conclusion.phase-two", text, investigation.id, source="fda-oos-phase-two"))
    if batch.state != "rejected":
        problems += _check_retests(investigation)
    if problems or not (conclusion and other_batches):
        return None, problems
    return (
        InvestigationConcluded(
            batch=investigation.batch,
            investigation=investigation.id,
            conclusion=conclusion,
            other_batches=other_batches,
            cause=cause,
            no_action=no_action,
        ),
        [],
    )


def _check_retests(investigation: Investigation) -> list[Problem]:
    """The number fixed beforehand is a least number too."""
    if not (left := investigation.retests_left):
        return []
    text = f"{investigation.id}: {left} of the retests fixed beforehand are still to be done: fewer is no more allowed than more"
    return [Problem("retest.missing", text, investigation.id, source="fda-oos-retests")]


def close(
    batch: Batch, investigation: Investigation, disposition: Disposition, by: str, person: Person, reason: str | None
) -> tuple[list[Record], list[Problem]]:
    """The disposition: by a pharmacist who opened, tested, set aside and concluded nothing of it.

    Args:
        batch: the batch as it stands; it is rejected in the same breath, released before or not.
        investigation: as it stands.
        disposition: ``release`` lets the batch go on to the release gate, which still judges all the rest.
        by: who decides.
        person: the same.
        reason: why.

    Source:
        fda-oos-2022; ich-q10 (effectiveness of an action is verified)
    """
    problems = _still_open(investigation) + _check_concluded(investigation)
    if "pharmacist" not in person.roles:
        text = f"{person.name} is {' and '.join(person.roles)}: a pharmacist must decide about a batch"
        problems.append(Problem("person.role", text, person.name))
    concerned = (investigation.opened, investigation.invalidated, investigation.concluded)
    if by in investigation.analysts | {each.person for each in concerned if each}:
        text = (
            f"{person.name} opened, tested, set aside or concluded in {investigation.id}: a second person must decide"
        )
        problems.append(Problem("disposition.own", text, by))
    if not reason:
        problems.append(Problem("disposition.reason", f"{investigation.id}: say why: give --reason", "reason"))
    if disposition == "release":
        problems += _check_release(batch, investigation)
    if problems:
        return [], problems
    closed = InvestigationClosed(
        batch=batch.id, investigation=investigation.id, disposition=disposition, meaning=MEANINGS[disposition]
    )
    rejects = disposition == "reject" and batch.state != "rejected"
    return [closed, *([Rejected(batch=batch.id)] if rejects else [])], []


def what_forbids_release(batch: Batch, investigation: Investigation) -> list[Problem]:
    """Everything that an investigation still lacks before its batch may go on, whoever decides."""
    return [] if investigation.closed else _check_concluded(investigation) + _check_release(batch, investigation)


def _check_concluded(investigation: Investigation) -> list[Problem]:
    """There is a conclusion, nothing was recorded since, and something is done about it."""
    if not investigation.concluded:
        since = ": something was recorded since its conclusion" if investigation.was_concluded else ""
        text = f"{investigation.id} is not concluded{since}. Conclude it"
        return [Problem("investigation.not-concluded", text, investigation.id)]
    found = investigation.concluded.fact
    if investigation.actions or (isinstance(found, InvestigationConcluded) and found.no_action):
        return []
    text = f"{investigation.id} has no action: assign one, or conclude why none is needed with --no-action"
    return [Problem("disposition.no-action", text, investigation.id, source="ich-q10")]


def _check_release(batch: Batch, investigation: Investigation) -> list[Problem]:
    """What forbids that a batch goes on: no cause, a result that stands, a retest that is missing or failed."""
    problems = _not_confirmed(investigation)
    if batch.state == "rejected":
        text = f"Batch {batch.id} was rejected: close {investigation.id} with reject"
        problems.append(Problem("disposition.rejected", text, batch.id))
    found = investigation.concluded.fact if investigation.concluded else None
    if isinstance(found, InvestigationConcluded) and not found.cause:
        text = f"{investigation.id} has no documented cause: conclude it with --cause, or reject the batch"
        problems.append(Problem("disposition.cause", text, investigation.id, source="fda-oos-2022"))
    if investigation.result is None:
        return problems
    if not investigation.invalidated:
        text = f"The result of {investigation.id} stands: without an assignable cause no retest undoes it. Find one, or reject the batch"
        problems.append(Problem("disposition.result-stands", text, investigation.id, source="fda-oos-2022"))
    if investigation.planned is None:
        text = f"{investigation.id}: no retest takes the place of the failing result. Have one planned, or reject the batch"
        problems.append(Problem("disposition.no-retest", text, investigation.id))
    return problems + _check_retests(investigation)
