"""Steps done, and what was made: yield and mass balance."""

from __future__ import annotations

from fractions import Fraction

from compounding.problems import Problem
from compounding.quantities import amount, count, in_unit, quantity, ratio, told, written
from compounding.records.batch import Batch
from compounding.records.facts import StepDone, Weighed, Yielded
from compounding.records.plan import Line, Plan, ProcedureStep
from compounding.records.stock import Lot
from compounding.work.planning import percent_text
from compounding.work.stocking import check_left
from compounding.work.weighing import still_open


def do_step(batch: Batch, number: int) -> tuple[StepDone | None, list[Problem]]:
    """One step of the procedure was done. Steps are done in order, each once, and after the readings that they take."""
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
    elif unread := [line.material for line in lines_unread(batch, step)]:
        text = (
            f"Step {number} of {batch.id} takes {', '.join(unread)}: record the reading first (compounding batch weigh)"
        )
        problems.append(Problem("step.before-weighing", text, str(number)))
    if problems or step is None:
        return None, problems
    return StepDone(batch=batch.id, number=number, do=step.do), []


def lines_unread(batch: Batch, step: ProcedureStep) -> list[Line]:
    """Lines that a step takes and nobody has read; what is taken as needed is known only afterwards."""
    return [
        line
        for line in batch.plan.lines
        if line.line in step.lines and line.measure != "as needed" and batch.reading_of(line.line) is None
    ]


def record_yield(
    batch: Batch,
    made: str,
    weight: str | None,
    remainder: str | None,
    spoiled: int,
    shells: Lot | None,
    reason: str | None,
    no_balance: str | None = None,
) -> tuple[Yielded | None, list[Problem]]:
    """What came out, against what was planned and what was weighed in.

    Args:
        batch: the batch as it stands.
        made: units, volume or mass made, such as ``100 capsules``, ``60 mL`` or ``9.8 g``.
        weight: gross weight of all filled capsules together [mass], for the mass balance.
        remainder: mixture left over, or taken as samples [mass].
        spoiled: shells broken or discarded.
        shells: the lot of the shells, as it stands; None if the batch has none.
        reason: why the yield is recorded again, if it is.
        no_balance: why capsules were not weighed together. Without their mass nobody can say where it went, so
            the yield then holds the batch until a second person accepts it.

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
    problems += _check_balance(batch, weight, no_balance)
    planned = count(plan.count, "capsule") if plan.count else quantity(plan.volume or plan.mass or "")
    value = quantity(made)
    if value.dimensionality != planned.dimensionality or value.magnitude <= 0:
        text = f"{made} was made; {batch.id} plans {told(planned)}. Write the yield in that unit"
        problems.append(Problem("yield.unit", text, "made"))
    elif plan.count and amount(value, "capsule").denominator != 1:
        problems.append(Problem("yield.unit", f"{made} is not a whole number of capsules", "made"))
    if plan.mass and weight:
        text = f"{batch.id} makes {plan.name}: what was made is a weight already. Leave --weight out"
        problems.append(Problem("yield.weight", text, "weight"))
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
    if no_balance:
        within = False
        text = f"No mass balance ({no_balance}). It is recorded and holds the batch until accepted"
        problems.append(Problem("yield.no-balance", text, "weight"))
    balance: dict[str, str] = {}
    came_out = amount(value, "mg") if plan.mass else None
    if plan.capsule and weight:
        shell = quantity(plan.capsule.shell)
        came_out = amount(quantity(weight), "mg") - amount(shell, "mg") * amount(value, "capsule")
        if came_out < 0:
            text = f"{made} are said to weigh {weight} together, less than their empty shells of {told(shell)} each. Weigh them again"
            return None, [Problem("yield.lighter-than-shells", text, "weight")]
    if came_out is not None:
        balance, lost = _mass_balance(batch, came_out, remainder)
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
        no_balance=no_balance,
        **balance,
    )
    return fact, problems


def _check_balance(batch: Batch, weight: str | None, no_balance: str | None) -> list[Problem]:
    """The mass balance is part of a capsule batch's record: either the weight, or the reason why there is none."""
    if batch.plan.count and not weight and not no_balance:
        text = (
            f"The mass balance of {batch.id} needs the gross weight of all filled capsules: give --weight, or "
            "--no-balance with the reason, which holds the batch until a second person accepts it"
        )
        return [Problem("yield.weight", text, "weight")]
    if no_balance and (weight or not batch.plan.count):
        text = "--no-balance is for capsules that were not weighed together: leave it out"
        return [Problem("yield.weight", text, "no-balance")]
    return []


def _lines_that_go_in(plan: Plan) -> list[str]:
    """The lines whose readings make up the mixture: of a dilution the last part alone, the rest is thrown away."""
    lines = [line.line for line in plan.lines]
    if not plan.aliquots:
        return lines
    last = f"aliquot {plan.aliquots[-1].step}"
    return [line for line in lines if line == last or not line.startswith(("source", "diluent ", "aliquot "))]


def _mass_balance(batch: Batch, came_out: Fraction, remainder: str | None) -> tuple[dict[str, str], Fraction]:
    """Mixture weighed in, mixture found again [mg], and the share lost."""
    readings = [batch.reading_of(line) for line in _lines_that_go_in(batch.plan)]
    weighed_in = sum(
        (amount(quantity(each.fact.reading), "mg") for each in readings if each and isinstance(each.fact, Weighed)),
        Fraction(0),
    )
    found = came_out + (amount(quantity(remainder), "mg") if remainder else 0)
    lost = 1 - found / weighed_in
    mg = quantity("1 mg")
    texts = {
        "mass_in": written(in_unit(mg * weighed_in, "mg")),
        "mass_out": written(in_unit(mg * found, "mg"), 3),
        "loss_percent": percent_text(lost, 2),
    }
    return texts, lost
