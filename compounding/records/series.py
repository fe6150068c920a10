"""Series: the results of one product and strength, batch after batch, and the subjects under which they are found.

A product is a formula, whatever its version; a strength counts one form of the active. Facts that a chart needs carry
a subject of their series beside that of their batch, so that the batches of one product are found among all others
without reading them.
"""

from __future__ import annotations

from compounding.problems import NotUnderstood, Problem
from compounding.quantities import amount, decimal_text, quantity, written
from compounding.records.facts import BatchOpened, Recalled, Rejected, Released, ResultInvalidated, Tested
from compounding.records.plan import Plan
from compounding.records.record import Record

# How a strength is spelled, however it was ordered: 1500 mcg and 1.5 mg are one.
_SPELLED_IN = ("mg", "mg/mL", "mg/g")


# Batches that were released or rejected; all others are open.
ENDED = "ended:"


def series_name(formula: str, strength: str, form: str | None = None) -> str:
    """The name of a product and strength.

    Args:
        formula: id of the formula.
        strength: such as ``1.5 mg``, ``1 mg/mL`` or ``100 mg/g``.
        form: the form that the strength counts, if it is not the formula's own.

    Raises:
        NotUnderstood: the strength is none.

    Example:
        >>> series_name("naltrexone-capsule", "1500 mcg")
        'naltrexone-capsule/1.5 mg'
    """
    value = quantity(strength)
    for unit in _SPELLED_IN:
        if value.dimensionality == quantity(f"1 {unit}").dimensionality:
            return f"{formula}/{decimal_text(amount(value, unit))} {unit}" + (f" of {form}" if form else "")
    text = f"{written(value)} is no strength: write such as 1.5 mg, 1 mg/mL or 100 mg/g"
    raise NotUnderstood(Problem("series.strength", text, "strength"))


def series_of(plan: Plan) -> str:
    """The name of the series that a batch belongs to."""
    form = None if plan.ordered_as == plan.active.substance else plan.ordered_as
    return series_name(plan.formula.id, plan.strength, form)


def made_prefix(series: str) -> str:
    """How the subjects of a series' batches begin; day of preparation and id follow."""
    return f"made:{series}:"


def made_of(subject: str) -> tuple[str, str]:
    """The day of preparation and the id of a batch, from the subject that it was opened under."""
    _, day, batch = subject.rsplit(":", 2)
    return day, batch


def results_subject(series: str, trait: str) -> str:
    """What the results of one trait are found under."""
    return f"results:{series}:{trait}"


def rejected_subject(series: str) -> str:
    """What the rejections of a series are found under."""
    return f"rejected:{series}"


def set_aside_subject(series: str) -> str:
    """What the results of a series that an investigation set aside are found under."""
    return f"aside:{series}"


def baseline_subject(series: str, trait: str) -> str:
    """What the baselines of one trait are found under."""
    return f"baseline:{series}:{trait}"


def series_subjects(plan: Plan, fact: Record) -> tuple[str, ...]:
    """The subjects of a fact beside its batch and lots: none, if no chart and no overview needs it."""
    series = series_of(plan)
    match fact:
        case BatchOpened(batch=batch):
            return (f"{made_prefix(series)}{plan.prepared}:{batch}",)
        case Tested(trait=trait):
            return (results_subject(series, trait),)
        case ResultInvalidated():
            return (set_aside_subject(series),)
        case Released(batch=batch):
            return (f"{ENDED}{batch}",)
        case Recalled(batch=batch):
            return (f"{ENDED}{batch}",)
        case Rejected(batch=batch):
            return (rejected_subject(series), f"{ENDED}{batch}")
        case _:
            return ()
