"""Formulas are approved by the text: a pharmacist's word for one text of it, and for no other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from compounding.problems import Problem
from compounding.records.facts import FormulaApproved, Recorded
from compounding.records.formula import Formula
from compounding.records.signatures import doubted
from compounding.settings import Person

APPROVED = "I compared this formula with its sources, found it fit for our patients, and let it be made here."


def approve_formula(
    formula: Formula, digest: str, earlier: Iterable[Recorded], person: Person
) -> tuple[FormulaApproved | None, list[Problem]]:
    """A pharmacist lets this text of a formula be made."""
    problems = []
    if "pharmacist" not in person.roles:
        text = f"{person.name} is {' and '.join(person.roles)}: a pharmacist must approve a formula"
        problems.append(Problem("person.role", text, person.name))
    standing = approval_of(digest, earlier)
    if standing is not None:
        text = (
            f"{formula.id} version {formula.version} was approved in entry {standing.sequence}: nothing is left to do"
        )
        problems.append(Problem("formula.approved", text, formula.id))
    fact = FormulaApproved(formula=formula.id, version=formula.version, digest=digest, meaning=APPROVED)
    return (None if problems else fact), problems


def approval_of(digest: str, recorded: Iterable[Recorded]) -> Recorded | None:
    """The approval of this text, if there is one whose signature is not in doubt."""
    recorded = tuple(recorded)
    in_doubt = doubted(recorded)
    approvals = (each for each in recorded if isinstance(each.fact, FormulaApproved) and each not in in_doubt)
    return next((each for each in approvals if each.fact.digest == digest), None)  # type: ignore[attr-defined]


def check_approved(
    formula: Formula, digest: str, recorded: Iterable[Recorded], policy: Literal["refuse", "warn", "allow"]
) -> list[Problem]:
    """Whether a batch of this text may be opened; what an unapproved one means is for the settings to say."""
    if policy == "allow" or approval_of(digest, recorded) is not None:
        return []
    text = f"{formula.id} version {formula.version} is not approved here: a pharmacist runs compounding formula approve {formula.id}"
    return [Problem("formula.not-approved", text, formula.id, stops=policy == "refuse")]
