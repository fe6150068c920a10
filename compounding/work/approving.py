"""Formulas and the words of labels are approved by the text: a pharmacist's word for one text, and for no other.

The text that was approved last stands; those before it are superseded, and come back only by being approved again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Literal

from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem
from compounding.quantities import number
from compounding.records.facts import FormulaApproved, Recorded, TextApproved
from compounding.records.formula import Formula
from compounding.records.label import Wording
from compounding.records.signatures import doubted
from compounding.rules.acceptance import rules_in_force
from compounding.settings import Person
from compounding.work.ruling import CONTENTS, WEIGHTS, check_target

APPROVED = "I compared this formula with its sources, found it fit for our patients, and let it be made here."

TEXT_APPROVED = "I read these words, compared them with their sources, and let labels be written with them here."
# The language that the sources were read in: words in any other are a translation.
WRITTEN_IN = "en"


def approve_formula(
    formula: Formula, digest: str, earlier: Iterable[Recorded], person: Person, on: date
) -> tuple[FormulaApproved | None, list[Problem]]:
    """A pharmacist lets this text of a formula be made."""
    problems = check_rules(formula, on)
    if "pharmacist" not in person.roles:
        text = f"{person.name} is {' and '.join(person.roles)}: a pharmacist must approve a formula"
        problems.append(Problem("person.role", text, person.name))
    standing = standing_approval(earlier)
    if standing is not None and standing.fact.digest == digest:
        text = (
            f"{formula.id} version {formula.version} was approved in entry {standing.sequence}: nothing is left to do"
        )
        problems.append(Problem("formula.approved", text, formula.id))
    fact = FormulaApproved(formula=formula.id, version=formula.version, digest=digest, meaning=APPROVED)
    return (None if problems else fact), problems


def check_rules(formula: Formula, on: date) -> list[Problem]:
    """Whether the tests of a formula can be judged on a day: by rules that there are, and a target that they allow.

    A batch is judged by the formula it was made by; what is wrong here would only show when its results are in.
    """
    problems = []
    for test in formula.test:
        known = {"weights": WEIGHTS, "content": CONTENTS}.get(test.kind, ())
        for name in test.rules:
            if name not in known or name not in {each.id for each in rules_in_force(on)}:
                there = ", ".join(known) or "none for this kind"
                text = f"The test {test.trait} names the rule {name}: there are {there}"
                problems.append(Problem("formula.rule", text, test.trait))
        if test.target:
            try:
                check_target(number(test.target), on)
            except NotUnderstood as refusal:
                problems += refusal.problems
    return problems


@dataclass(frozen=True)
class Approval:
    """An approval with its place in the journal."""

    sequence: int
    fact: FormulaApproved


def approvals_of(recorded: Iterable[Recorded]) -> list[Approval]:
    """Every approval of a formula whose signature is not in doubt, oldest first."""
    recorded = tuple(recorded)
    in_doubt = doubted(recorded)
    return [
        Approval(each.sequence, each.fact)
        for each in recorded
        if isinstance(each.fact, FormulaApproved) and each not in in_doubt
    ]


def standing_approval(recorded: Iterable[Recorded]) -> Approval | None:
    """The approval that stands now: the last one."""
    return next(reversed(approvals_of(recorded)), None)


def check_approved(
    formula: Formula, digest: str, recorded: Iterable[Recorded], policy: Literal["refuse", "warn", "allow"]
) -> list[Problem]:
    """Whether a batch of this text may be opened; what an unapproved one means is for the settings to say.

    A text that was approved and superseded since is refused, whatever the settings say.
    """
    approvals = approvals_of(recorded)
    standing = approvals[-1] if approvals else None
    if standing is not None and standing.fact.digest == digest:
        return []
    if standing is not None and any(each.fact.digest == digest for each in approvals):
        text = (
            f"{formula.id} version {formula.version} was superseded by version {standing.fact.version} (entry {standing.sequence}):"
            f" take that one; if this one must be made, a pharmacist approves it again with compounding formula approve {formula.id}"
        )
        return [Problem("formula.superseded", text, formula.id)]
    if policy == "allow":
        return []
    text = f"{formula.id} version {formula.version} is not approved here: a pharmacist runs compounding formula approve {formula.id}"
    return [Problem("formula.not-approved", text, formula.id, stops=policy == "refuse")]


def approve_text(
    wording: Wording, earlier: Sequence[Recorded], person: Person
) -> tuple[TextApproved | None, list[Problem]]:
    """A pharmacist lets labels be written in these words.

    Args:
        earlier: what was recorded about this text.
    """
    problems = []
    if "pharmacist" not in person.roles:
        text = f"{person.name} is {' and '.join(person.roles)}: a pharmacist must approve the words of labels"
        problems.append(Problem("person.role", text, person.name))
    for each in earlier:
        fact = each.fact
        if isinstance(fact, TextApproved) and fact.revision == wording.revision and fact.digest != wording.digest:
            text = (
                f"Revision {wording.revision} of {wording.id} was approved in entry {each.sequence} with other words. "
                "Give the new words the next revision"
            )
            problems.append(Problem("text.revision", text, wording.id))
            break
    if text_is_approved(wording, earlier):
        at = max(each.sequence for each in earlier if isinstance(each.fact, TextApproved))
        text = f"{wording.id} revision {wording.revision} was approved in entry {at}: nothing is left to do"
        problems.append(Problem("text.approved", text, wording.id))
    fact = TextApproved(
        text=wording.id,
        revision=wording.revision,
        digest=wording.digest,
        words=dict(wording.words),
        meaning=TEXT_APPROVED,
    )
    return (None if problems else fact), problems


def text_is_approved(wording: Wording, recorded: Sequence[Recorded]) -> bool:
    """True if the latest approval of a text is for these words and not in doubt: the one before it holds no more."""
    in_doubt = doubted(recorded)
    facts = [each.fact for each in recorded if isinstance(each.fact, TextApproved) and each not in in_doubt]
    return bool(facts) and facts[-1].digest == wording.digest


def check_texts(
    wordings: Iterable[Wording], recorded: Mapping[str, Sequence[Recorded]], policy: Literal["refuse", "warn"]
) -> list[Problem]:
    """Whether a label may be written in these words.

    Words that nobody approved are refused or told of, as the settings say; a pharmacy's own words and a translation are
    refused whatever they say.

    Args:
        recorded: what was recorded about each text, by its id.
    """
    missing = [each for each in wordings if not text_is_approved(each, recorded.get(each.id, ()))]
    if not missing:
        return []
    language = missing[0].language
    ids = [each.id for each in missing]
    named = " and ".join(filter(None, [", ".join(ids[:-1]), ids[-1]]))
    text = f"The words of {named} are not approved here: a pharmacist runs compounding label text approve {language}"
    translated = language.partition("-")[0] != WRITTEN_IN
    stops = policy == "refuse" or translated or any(each.own for each in missing)
    return [Problem("text.not-approved", text, ids[0], stops=stops)]
