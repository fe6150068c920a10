"""Corrective and preventive actions of an investigation: assigned, done, and looked at for their effect.

Source:
    ich-q10
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from compounding.problems import Problem
from compounding.records.facts import ActionAssigned, ActionDone, EffectChecked
from compounding.records.investigation import Action, Investigation
from compounding.settings import Person


def assign_action(
    investigation: Investigation,
    action: str,
    owner: str,
    due: date,
    check: date,
    people: Mapping[str, Person],
    on: date,
) -> tuple[ActionAssigned | None, list[Problem]]:
    """An action with its owner, the day until which it is done, and the day on which its effect is looked at.

    Args:
        investigation: as it stands; closed or not.
        action: what is done.
        owner: id of the person who does it.
        due: until when.
        check: when the effect is looked at; later than it is due.
        people: everyone who works here, by id.
        on: today.
    """
    problems = []
    if owner not in people or people[owner].retired:
        working = ", ".join(id for id, person in people.items() if not person.retired)
        problems.append(
            Problem("action.owner", f"{owner} does not work here: give --owner with one of {working}", owner)
        )
    if due < on:
        problems.append(Problem("action.due", f"{due} has passed: give the day until which it will be done", "due"))
    if check <= due:
        text = f"The effect is looked at on {check}, not later than the action is due ({due}): give a later --check"
        problems.append(Problem("action.check", text, "check"))
    if problems:
        return None, problems
    return (
        ActionAssigned(
            batch=investigation.batch,
            investigation=investigation.id,
            number=len(investigation.actions) + 1,
            action=action,
            owner=owner,
            due=due.isoformat(),
            check=check.isoformat(),
        ),
        [],
    )


def _find(investigation: Investigation, number: int) -> tuple[Action | None, list[Problem]]:
    found = {each.assigned.number: each for each in investigation.actions}
    if number in found:
        return found[number], []
    known = ", ".join(map(str, found)) or "none yet"
    text = f"{investigation.id} has no action {number}: there are {known}"
    return None, [Problem("action.unknown", text, str(number))]


def do_action(investigation: Investigation, number: int, what: str) -> tuple[ActionDone | None, list[Problem]]:
    """An action was done; one without effect is done again in another way."""
    action, problems = _find(investigation, number)
    if action and action.state in ("done", "effective"):
        text = f"Action {number} of {investigation.id} is {action.state} already: assign another, if more is needed"
        problems.append(Problem("action.done", text, str(number)))
    if problems:
        return None, problems
    return ActionDone(batch=investigation.batch, investigation=investigation.id, number=number, what=what), []


def check_effect(
    investigation: Investigation, number: int, effective: bool, found: str, by: str, on: date
) -> tuple[EffectChecked | None, list[Problem]]:
    """Someone other than its owner looks, on the day fixed or later, whether an action had its effect."""
    action, problems = _find(investigation, number)
    if action is None:
        return None, problems
    if action.state != "done":
        text = f"Action {number} of {investigation.id} is {action.state}: its effect is looked at after it is done"
        problems.append(Problem("effect.not-done", text, str(number)))
    if by == action.assigned.owner:
        text = f"Action {number} of {investigation.id} is {by}'s own: another person looks at its effect"
        problems.append(Problem("effect.own", text, by))
    if on < date.fromisoformat(action.assigned.check):
        text = f"The effect of action {number} is looked at from {action.assigned.check} on: it shows in time"
        problems.append(Problem("effect.early", text, str(number)))
    if problems:
        return None, problems
    where = {"batch": investigation.batch, "investigation": investigation.id}
    return EffectChecked(**where, number=number, effective=effective, found=found), []
