"""Where every label of a batch is: on a container, spoiled, or destroyed. None may lie about."""

from __future__ import annotations

from compounding.problems import Problem
from compounding.records.batch import Batch
from compounding.records.facts import LabelsAccounted
from compounding.work.labelling import issued


def account_labels(
    batch: Batch, applied: int, spoiled: int, destroyed: int
) -> tuple[LabelsAccounted | None, list[Problem]]:
    """The labelling of a batch is closed once every label that came out is accounted for.

        printed = applied + spoiled + destroyed

    A label whose print failed never came out; one whose print nobody knows the end of must be read back first.

    Args:
        applied, spoiled, destroyed: counts since the first label of the batch [1; from 0].

    Source:
        label-reconciliation
    """
    labels = issued(batch)
    out = [label for label in labels.values() if label.state != "not printed"]
    counts = {"applied": applied, "spoiled": spoiled, "destroyed": destroyed}
    problems = [
        Problem("labels.count", f"{number} labels were {name}? Count them again: 0 or more", name)
        for name, number in counts.items()
        if number < 0
    ]
    if not out:
        problems.append(Problem("labels.none", f"{batch.id} has no labels to account for", batch.id))
    for label in out:
        if label.state == "sent":
            id = label.printed.label
            text = f"Nobody knows whether label {id} came out: read it back (scan --printed), or record that it did not (label lost)"
            problems.append(Problem("labels.unknown", text, id))
    total = applied + spoiled + destroyed
    if total != len(out):
        text = (
            f"{len(out)} labels of {batch.id} were printed, {total} are accounted for "
            f"({applied} applied, {spoiled} spoiled, {destroyed} destroyed): find the difference before this closes"
        )
        problems.append(Problem("labels.not-accounted", text, batch.id, source="label-reconciliation"))
    valid = sum(1 for label in out if label.stands)
    if applied > valid:
        voided = ", ".join(label.printed.label for label in out if not label.stands) or "none"
        text = f"{applied} labels of {batch.id} were applied, but only {valid} are valid: take off and destroy those that are void ({voided})"
        problems.append(Problem("labels.void-applied", text, batch.id))
    fact = LabelsAccounted(batch=batch.id, printed=len(out), applied=applied, spoiled=spoiled, destroyed=destroyed)
    return (None if problems else fact), problems


def accounted(batch: Batch) -> bool:
    """True if every label is accounted for: none was printed since the account."""
    latest = max((each.sequence for each in (*batch.labels, *batch.printing)), default=0)
    return not latest or bool(batch.accounted and batch.accounted[-1].sequence > latest)
