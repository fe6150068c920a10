"""A released batch of trituration becomes a lot: what it holds, until when, and how much of it there may be."""

from __future__ import annotations

from datetime import date

from compounding.problems import Problem
from compounding.quantities import Quantity, quantity, told
from compounding.records.batch import Batch
from compounding.records.facts import LotReceived, MadeHere, Tested, Yielded
from compounding.work.triturations import material_of_trituration


def lot_from_batch(
    batch: Batch, id: str, amount: str, pharmacy: str, received: date, expires: date | None = None
) -> tuple[LotReceived | None, list[Problem]]:
    """The lot that a batch of trituration becomes.

    Its content is the strength of the batch times its assay; it expires when the batch's beyond-use date ends.

    Args:
        batch: the batch as it stands.
        id: of the lot.
        amount: how much becomes the lot [mass]; with other lots of the batch at most its yield.
        pharmacy: who made it.
        received: the day that it is taken in.
        expires: an earlier last day, if it shall have one.

    Returns:
        The fact, or None if it must be refused, and every reason.

    Source:
        ijpc-dilutions; pharmetika-sub-formulas
    """
    problems = []
    if batch.plan.form != "trituration":
        text = f"{batch.id} is a batch of {batch.plan.form}: only a trituration becomes a lot"
        problems.append(Problem("own-lot.form", text, batch.id))
    if batch.state != "released":
        text = (
            f"Batch {batch.id} {'was rejected' if batch.state == 'rejected' else 'is not released'}: it becomes no lot"
        )
        problems.append(Problem("own-lot.not-released", text, batch.id))
    for each in batch.holds:
        text = f"Batch {batch.id} is held by {each}: it becomes no lot before that is settled"
        problems.append(Problem("own-lot.held", text, batch.id))
    last = date.fromisoformat(batch.plan.beyond_use.date)
    if expires is not None and expires > last:
        text = f"{expires} is later than the beyond-use date {last} of {batch.id}: the lot cannot outlast it"
        problems.append(Problem("own-lot.expires", text, id))
    assay = _assay(batch)
    if assay is None:
        text = f"Batch {batch.id} has no assay: what its lot holds is not known. Have it assayed first"
        problems.append(Problem("own-lot.assay", text, batch.id))
    problems += _check_amount(batch, amount)
    if problems or assay is None:
        return None, problems
    notes = batch.formula.tablet_notes if batch.plan.source.kind == "tablet" else ()
    fact = LotReceived(
        lot=id,
        role="trituration",
        material=material_of_trituration(batch.formula),
        supplier=pharmacy,
        supplier_lot=batch.id,
        expires=min(expires or last, last).isoformat(),
        received=received.isoformat(),
        amount=amount,
        made_here=MadeHere(batch=batch.id, strength=batch.plan.strength, assay=assay, notes=notes),
    )
    return fact, []


def _assay(batch: Batch) -> str | None:
    """The latest assay that counts, as it was recorded; a batch with a failing one is never released."""
    kinds = {test.trait: test.kind for test in batch.formula.test}
    found = [each.fact for each in batch.standing if isinstance(each.fact, Tested)]
    results = [each.values[0] for each in found if kinds.get(each.trait) == "assay" and each.values]
    return results[-1] if results else None


def check_clear(lot: str, batch: Batch) -> list[Problem]:
    """Whether a lot that was made here may leave quarantine: its batch is neither rejected nor under investigation."""
    problems = []
    if batch.state == "rejected":
        text = f"Lot {lot} comes from batch {batch.id}, which was rejected: discard it"
        problems.append(Problem("lot.batch-rejected", text, lot))
    for each in batch.holds:
        text = f"Lot {lot} comes from batch {batch.id}, which is held by {each}: settle that first"
        problems.append(Problem("lot.batch-held", text, lot))
    return problems


def _check_amount(batch: Batch, amount: str) -> list[Problem]:
    """All lots of a batch together hold at most what was made."""
    value, made = quantity(amount), _made(batch)
    if value.dimensionality != quantity("1 g").dimensionality or value.magnitude <= 0:
        return [Problem("lot.amount", f"{amount} is not the mass of a trituration: write such as 9.8 g", "amount")]
    if made is None or made.dimensionality != value.dimensionality:
        return []  # no yield, or no trituration: refused above
    taken = [each.fact for each in batch.lots if isinstance(each.fact, LotReceived)]
    left = made - sum((quantity(each.amount) for each in taken), made * 0)
    if value <= left:
        return []
    before = f", of which {', '.join(each.lot for each in taken)} took {told(made - left)}" if taken else ""
    text = f"{batch.id} made {told(made)}{before}: a lot of {told(value)} is more than is left"
    return [Problem("own-lot.too-much", text, "amount")]


def _made(batch: Batch) -> Quantity | None:
    last = batch.yielded[-1].fact if batch.yielded else None
    return quantity(last.made) if isinstance(last, Yielded) else None
