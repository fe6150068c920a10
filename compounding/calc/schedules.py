"""A dose that rises in steps, taken as whole capsules: the steps, the capsules for each, and how long a kit lasts.

Days and capsules are whole numbers, doses exact. Of all ways to make a dose from the strengths at hand we take the
fewest capsules, then the fewest different bottles, then the larger strengths: less to swallow, less to mix up.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations_with_replacement
from math import ceil, gcd, lcm
from typing import Final

from compounding.calc.measured import check
from compounding.frozen import dataclass
from compounding.problems import CannotCompute
from compounding.quantities import Mass, MassPerUnit, amount, ratio, told

MOST_CAPSULES: Final = 10  # at one time: 4.5 mg takes nine of the smallest usual strength, 0.5 mg
MOST_STRENGTHS: Final = 6
MOST_STEPS: Final = 60
MOST_DAYS: Final = 731  # two years: four times as long as any beyond-use date reaches


@dataclass(frozen=True)
class DoseStep:
    """One dose for so many days; day 1 is the first of the schedule."""

    dose: Mass
    first_day: int
    days: int

    @property
    def last_day(self) -> int:
        return self.first_day + self.days - 1


@dataclass(frozen=True)
class KitEnd:
    """How far a kit goes; each tuple is in the order of the strengths.

    Args:
        last_day: the last day with a whole dose [day; 0 if there is none].
        runs_out: the first day that a strength alone would not cover, None if it lasts [day].
        left_over: capsules left after the last day with a whole dose [from 0].
        missing: capsules that the whole schedule needs beyond the kit [from 0].
    """

    last_day: int
    runs_out: tuple[int | None, ...]
    left_over: tuple[int, ...]
    missing: tuple[int, ...]


def raises_needed(start: Mass, target: Mass, step: Mass) -> int:
    """How often a dose is raised until it reaches the target; the last raise may be smaller than the others.

        raises = (target - start) / step, rounded up

    Args:
        start, target: first and last dose [mass; the target at least the start].
        step: each raise [mass; above 0].

    Raises:
        CannotCompute: the schedule goes backwards, or the step is zero.

    Example:
        >>> from compounding.quantities import quantity
        >>> raises_needed(*(quantity(f"{mg} mg", "naltrexone") for mg in ("1", "4.5", "1")))
        4
    """
    for name, dose in {"start": start, "target": target, "step": step}.items():
        check(name, "Mass", dose)
    if target < start or step.magnitude <= 0:
        raise CannotCompute(
            f"from {told(start)} to {told(target)} by {told(step)}: a step above zero must lead upwards"
        )
    return ceil(ratio(target - start, step))


def dose_steps(start: Mass, target: Mass, step: Mass, every: int, hold: int = 0) -> tuple[DoseStep, ...]:
    """The doses from start to target, each with its days.

        dose = start + raises * step, and the target where that would pass it

    Args:
        start, target: first and last dose [mass; the target at least the start].
        step: each raise [mass; above 0].
        every: days at each dose, the target too [days; from 1].
        hold: further days at the target [days; from 0].

    Raises:
        CannotCompute: a figure is outside its range, or the schedule has too many steps or days.
    """
    raises = raises_needed(start, target, step)
    if every < 1 or hold < 0 or raises >= MOST_STEPS or (raises + 1) * every + hold > MOST_DAYS:
        text = f"{raises + 1} steps of {every} days and {hold} more: at most {MOST_STEPS} steps and {MOST_DAYS} days"
        raise CannotCompute(text)
    doses = [start + number * step for number in range(raises)] + [target]
    return tuple(
        DoseStep(dose, number * every + 1, every + (hold if number == raises else 0))
        for number, dose in enumerate(doses)
    )


def capsules_for_doses(strengths: Sequence[MassPerUnit]) -> dict[Fraction, tuple[int, ...]]:
    """Every dose that at most ten capsules make, in mg, with the capsules of each strength to take for it.

    Of several ways the one with the fewest capsules counts, then with the fewest different strengths, then
    with more of the largest strength.

    Args:
        strengths: what the pharmacy makes, the smallest first [mass/capsule; above 0; 1 to 6 of them].

    Raises:
        CannotCompute: too many strengths, one twice, out of order, or not above zero.

    Source:
        house-capsules-for-dose

    Example:
        >>> from compounding.quantities import quantity
        >>> capsules_for_doses([quantity(f"{mg} mg/capsule", "naltrexone") for mg in ("0.5", "1.5")])[Fraction(4)]
        (2, 2)
    """
    for strength in strengths:
        check("strength", "MassPerUnit", strength)
    each = [amount(strength, "mg/capsule") for strength in strengths]
    if not 1 <= len(each) <= MOST_STRENGTHS or each != sorted(set(each)) or each[0] <= 0:
        text = (
            f"1 to {MOST_STRENGTHS} different strengths above zero, smallest first: {', '.join(map(told, strengths))}"
        )
        raise CannotCompute(text)
    best: dict[Fraction, tuple[int, ...]] = {}
    for capsules in range(1, MOST_CAPSULES + 1):
        for taken in combinations_with_replacement(range(len(each)), capsules):
            counts = tuple(taken.count(place) for place in range(len(each)))
            dose = sum((each[place] for place in taken), Fraction(0))
            if dose not in best or _burden(counts) < _burden(best[dose]):
                best[dose] = counts
    return best


def _burden(counts: tuple[int, ...]) -> tuple[int, int, tuple[int, ...]]:
    """What makes one way to take a dose worse than another: capsules, bottles, then fewer of the large strengths."""
    return sum(counts), sum(1 for count in counts if count), tuple(-count for count in reversed(counts))


def strength_needed(doses: Sequence[Mass], strengths: Sequence[MassPerUnit]) -> Fraction | None:
    """The largest strength, in mg, that makes every dose possible beside those at hand; None if no single one does.

    Tried are the doses that cannot be made now, and what divides all of them.

    Args:
        doses: every dose of the schedule [mass; above 0].
        strengths: what the pharmacy makes, the smallest first [mass/capsule].

    Example:
        >>> from compounding.quantities import quantity
        >>> mg = [quantity(f"{mg} mg", "naltrexone") for mg in ("1", "2", "3", "4", "4.5")]
        >>> strength_needed(mg, [quantity("1.5 mg/capsule", "naltrexone")])
        Fraction(1, 1)
    """
    now = {dose: sum(counts) for dose, counts in capsules_for_doses(strengths).items()} | {Fraction(0): 0}
    missing = {amount(dose, "mg") for dose in doses} - set(now)
    if not missing:
        return None
    whole = lcm(*(dose.denominator for dose in missing))
    divisor = Fraction(gcd(*(int(dose * whole) for dose in missing)), whole)

    def would_do(strength: Fraction) -> bool:
        return all(
            any(now.get(dose - more * strength, MOST_CAPSULES) + more <= MOST_CAPSULES for more in range(1, 11))
            for dose in missing
        )

    return next(filter(would_do, sorted({*missing, divisor}, reverse=True)), None)


def supply(steps: Sequence[DoseStep], taken: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Capsules of each strength for a whole schedule.

        capsules = the sum over the steps of days * capsules a day

    Args:
        steps: the schedule.
        taken: for each step the capsules of each strength a day [from 0].
    """
    daily = zip(*taken, strict=True)
    return tuple(sum(step.days * count for step, count in zip(steps, counts, strict=True)) for counts in daily)


def kit_end(steps: Sequence[DoseStep], taken: Sequence[tuple[int, ...]], kit: Sequence[int]) -> KitEnd:
    """How far a kit goes when every day is taken as planned; a day without its whole dose ends it.

    Args:
        steps: the schedule.
        taken: for each step the capsules of each strength a day [from 0].
        kit: capsules of each strength at hand [from 0].
    """
    if any(count < 0 for count in kit):
        raise CannotCompute(f"a kit of {', '.join(map(str, kit))} capsules: write counts from 0")
    needed = supply(steps, taken)
    runs_out = tuple(
        _first_day_short(steps, [counts[place] for counts in taken], count) for place, count in enumerate(kit)
    )
    last_day = min((day - 1 for day in runs_out if day is not None), default=steps[-1].last_day)
    lasting = [DoseStep(step.dose, step.first_day, _days_until(step, last_day)) for step in steps]
    used = supply(lasting, taken)
    return KitEnd(
        last_day,
        runs_out,
        tuple(count - gone for count, gone in zip(kit, used, strict=True)),
        tuple(max(0, count - have) for count, have in zip(needed, kit, strict=True)),
    )


def _first_day_short(steps: Sequence[DoseStep], daily: Sequence[int], count: int) -> int | None:
    """The first day for which a bottle does not hold enough."""
    for step, each in zip(steps, daily, strict=True):
        if each * step.days > count:
            return step.first_day + count // each
        count -= each * step.days
    return None


def _days_until(step: DoseStep, last_day: int) -> int:
    """Days of a step that lie before the end of a day of the schedule."""
    return max(0, min(step.last_day, last_day) - step.first_day + 1)
