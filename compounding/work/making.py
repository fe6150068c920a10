"""Steps done, and what was made: yield and mass balance."""

from __future__ import annotations

from fractions import Fraction

from compounding.problems import Problem
from compounding.quantities import Quantity, amount, count, in_unit, quantity, ratio, told, written
from compounding.records.batch import Batch
from compounding.records.facts import StepDone, Weighed, Yielded
from compounding.records.stock import Lot
from compounding.work.planning import percent_text
from compounding.work.stocking import check_left
from compounding.work.weighing import still_open


def do_step(batch: Batch, number: int) -> tuple[StepDone | None, list[Problem]]:
    """One step of the procedure was done. Steps are done in order, each once."""
    problems = still_open(batch)
    step = next((each for each in batch.plan.steps if each.number == number), None)
    if step is None:
        text = f"Batch {batch.id} has steps 1 to {len(batch.plan.steps)}, not {number}"
        problems.append(Problem("step.unknown", text, str(number)))
    elif number in batch.steps_done:
        problems.append(
            Problem("step.done", f"Step {number} of {batch.id} is done already; nothing was recorded", str(number))
        )
    elif number - 1 not in batch.steps_done | {0}:
        text = f"Step {number - 1} of {batch.id} is not done yet: {batch.plan.steps[number - 2].do} Do it first"
        problems.append(Problem("step.order", text, str(number)))
    if problems or step is None:
        return None, problems
    return StepDone(batch=batch.id, number=number, do=step.do), []


def record_yield(
    batch: Batch,
    made: str,
    weight: str | None,
    remainder: str | None,
    spoiled: int,
    shells: Lot | None,
    reason: str | None,
) -> tuple[Yielded | None, list[Problem]]:
    """What came out, against what was planned and what was weighed in.

    Args:
        batch: the batch as it stands.
        made: units or volume made, such as ``100 capsules`` or ``60 mL``.
        weight: gross weight of all filled capsules together [mass], for the mass balance.
        remainder: mixture left over [mass].
        spoiled: shells broken or discarded.
        shells: the lot of the shells, as it stands; None if the batch has none.
        reason: why the yield is recorded again, if it is.

    Raises:
        NotUnderstood: weight or remainder is not a mass.

    Source:
        sask (95 to 105 % of theory); dap-2025-12 (loss at most 3 %)
    """
    problems = still_open(batch)
    plan = batch.plan
    for mass in filter(None, (weight, remainder)):
        amount(quantity(mass), "mg")  # refused here, whether it is used below or not
    unread = [line.material for line in plan.lines if batch.reading_of(line.line) is None]
    if unread:
        problems.append(
            Problem("yield.before-weighing", f"Not weighed yet: {', '.join(unread)}. Weigh first", batch.id)
        )
    if batch.yielded and not reason:
        text = f"The yield of {batch.id} was recorded before: give --reason to record it again; the first stays"
        problems.append(Problem("yield.again", text, batch.id))
    planned = count(plan.count, "capsule") if plan.count else quantity(plan.volume or "")
    value = quantity(made)
    if value.dimensionality != planned.dimensionality or value.magnitude <= 0:
        text = f"{made} was made; {batch.id} plans {told(planned)}. Write the yield in that unit"
        problems.append(Problem("yield.unit", text, "made"))
    elif plan.count and amount(value, "capsule").denominator != 1:
        problems.append(Problem("yield.unit", f"{made} is not a whole number of capsules", "made"))
    used = count(int(amount(value, "capsule")) + spoiled, "capsule") if plan.count and not problems else None
    if used is not None and shells:
        problems += check_left(shells, batch.id, "shells", used)
    if problems:
        return None, problems
    share = ratio(value, planned)
    low, high = (Fraction(each) / 100 for each in batch.formula.yield_limits.units_percent)
    within = low <= share <= high
    if not within:
        text = f"{made} made of {told(planned)}: {percent_text(share, 1)} %, {percent_text(low)} to {percent_text(high)} % expected"
        problems.append(
            Problem("yield.outside-limits", text + ". It is recorded and holds the batch until accepted", "made")
        )
    balance: dict[str, str] = {}
    if plan.count and weight:
        assert plan.capsule
        shell = quantity(plan.capsule.shell)
        if amount(quantity(weight), "mg") < amount(shell, "mg") * amount(value, "capsule"):
            text = f"{made} are said to weigh {weight} together, less than their empty shells of {told(shell)} each. Weigh them again"
            return None, [Problem("yield.lighter-than-shells", text, "weight")]
        balance, lost = _mass_balance(batch, amount(value, "capsule"), quantity(weight), remainder, shell)
        most = Fraction(batch.formula.yield_limits.loss_percent or "3") / 100
        if not -most / 3 <= lost <= most:
            within = False
            text = (
                f"Of {balance['mass_in']} weighed in, {balance['mass_out']} came out: a loss of {percent_text(lost, 2)} %, "
                f"at most {percent_text(most)} % expected. It is recorded and holds the batch until accepted"
            )
            problems.append(Problem("yield.loss", text, "weight"))
    fact = Yielded(
        batch=batch.id,
        made=made,
        planned=written(planned),
        yield_percent=percent_text(share, 2),
        within=within,
        remainder=remainder,
        shells_used=int(amount(used, "capsule")) if used is not None else None,
        **balance,
    )
    return fact, problems


def _mass_balance(
    batch: Batch, capsules: Fraction, weight: Quantity, remainder: str | None, shell: Quantity
) -> tuple[dict[str, str], Fraction]:
    """Mixture weighed in, mixture found again, and the share lost."""
    readings = [batch.reading_of(line.line) for line in batch.plan.lines]
    weighed_in = sum(
        (amount(quantity(each.fact.reading), "mg") for each in readings if each and isinstance(each.fact, Weighed)),
        Fraction(0),
    )
    found = amount(weight, "mg") - capsules * amount(shell, "mg")
    found += amount(quantity(remainder), "mg") if remainder else 0
    lost = 1 - found / weighed_in
    mg = quantity("1 mg")
    texts = {
        "mass_in": written(in_unit(mg * weighed_in, "mg")),
        "mass_out": written(in_unit(mg * found, "mg"), 3),
        "loss_percent": percent_text(lost, 2),
    }
    return texts, lost
