"""A titration: which doses on which days, which capsules for each, and whether kit and beyond-use date last.

Nothing is recorded; a schedule is worked out, written for labels and leaflet, or refused with every reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Final

from compounding.calc.schedules import (
    MOST_CAPSULES,
    MOST_DAYS,
    MOST_STEPS,
    MOST_STRENGTHS,
    DoseStep,
    KitEnd,
    capsules_for_doses,
    dose_steps,
    kit_end,
    raises_needed,
    strength_needed,
    supply,
)
from compounding.frozen import dataclass
from compounding.problems import Problem
from compounding.quantities import Mass, MassPerUnit, Quantity, amount, count, decimal_text, quantity, told
from compounding.records.formula import Formula
from compounding.rules.beyond_use import StabilityStudy, beyond_use_date
from compounding.rules.titrations import Schedule

# Two lines of 12 points on a label 4 inches wide, beside a patient's name, a product and a purpose.
LABEL_LENGTH: Final = 90
FURTHEST_START: Final = 366  # days from today; a later one is a slip of the year
ONE_CAPSULE: Final = "1 capsule"


@dataclass(frozen=True)
class Asked:
    """What is prescribed, and what the pharmacy makes it from.

    Args:
        start, target, step: doses and raise [mass of the formula's substance].
        every: days at each dose, the target too [days].
        hold: further days at the target [days].
        strengths: what the capsules hold, in any order [mass/capsule].
        first_day: the day of the first dose.
        kit: capsules of each strength at hand, in the order of the strengths; None if they are yet to be made.
        beyond_use: last day of use of capsules at hand; None if they are made today, by the formula's rule.
        schedule: the named schedule that it follows, if any.
    """

    start: Mass
    target: Mass
    step: Mass
    every: int
    hold: int
    strengths: tuple[MassPerUnit, ...]
    first_day: date
    kit: tuple[int, ...] | None = None
    beyond_use: date | None = None
    schedule: Schedule | None = None


@dataclass(frozen=True)
class Bottle:
    """One bottle with its label's directions: capsules of one strength for some days.

    Args:
        strength: place of the strength in the titration.
        capsules: how many it holds [capsules].
        first_day, last_day: the days that the directions name [day of the schedule].
        directions: words for the label.
    """

    strength: int
    capsules: int
    first_day: int
    last_day: int
    directions: str


@dataclass(frozen=True)
class Titration:
    """A whole schedule; what is counted for each strength is in their order, the smallest first.

    Args:
        taken: for each step the capsules of each strength a day.
        supply: capsules of each strength for all days.
        kit: the capsules at hand, and how far they go; both None if none were named.
        beyond_use, beyond_use_rule: last day of use, and what it comes from.
        bottles: bottles and their labels, by strength and day.
        leaflet: one sentence a step.
        working: how each number came about, a line each.
    """

    first_day: date
    strengths: tuple[MassPerUnit, ...]
    steps: tuple[DoseStep, ...]
    taken: tuple[tuple[int, ...], ...]
    supply: tuple[int, ...]
    kit: tuple[int, ...] | None
    kit_end: KitEnd | None
    beyond_use: date
    beyond_use_rule: str
    bottles: tuple[Bottle, ...]
    leaflet: tuple[str, ...]
    working: tuple[str, ...]

    @property
    def last_day(self) -> int:
        return self.steps[-1].last_day

    def on(self, day: int) -> date:
        """The date of a day of the schedule."""
        return self.first_day + timedelta(days=day - 1)


def in_mg(strength: MassPerUnit) -> str:
    """A strength as it is told: what one capsule holds."""
    return told(strength * count(1, "capsule"))


def plan_titration(formula: Formula, asked: Asked, today: date) -> tuple[Titration | None, list[Problem]]:
    """Work a titration out.

    A last raise that would pass the target is made smaller and told, because a smaller raise never gives more
    than was prescribed.

    Args:
        formula: the capsules; its range holds for doses and strengths, its directions for labels.
        asked: the prescription, and what there is.
        today: the day on which capsules are made that are not at hand.

    Returns:
        The titration, or None if there is none, and every problem seen.
    """
    # A formula of another form measures its strength otherwise: its range says nothing about a dose.
    problems = list(_check_formula(formula)) or [*_check_days(asked, today), *_check_doses(formula, asked)]
    if problems:
        return None, problems
    order = sorted(range(len(asked.strengths)), key=lambda place: asked.strengths[place])
    strengths = tuple(asked.strengths[place] for place in order)
    kit = None if asked.kit is None else tuple(asked.kit[place] for place in order)
    steps = dose_steps(asked.start, asked.target, asked.step, asked.every, asked.hold)
    problems += [*_told_of_last_raise(asked, steps), *_told_of_schedule(asked, steps)]
    ways = capsules_for_doses(strengths)
    if unreachable := _check_reachable(formula, steps, strengths, ways):
        return None, [*problems, unreachable]
    taken = tuple(ways[amount(step.dose, "mg")] for step in steps)
    needed = supply(steps, taken)
    last, rule = _last_day_of_use(formula, asked, today)
    made = Titration(
        asked.first_day,
        strengths,
        steps,
        taken,
        needed,
        kit,
        None if kit is None else kit_end(steps, taken, kit),
        last,
        rule,
        tuple(_bottles(formula, strengths, steps, taken)),
        tuple(_leaflet(formula, asked.first_day, strengths, steps, taken)),
        tuple(_working(asked, strengths, steps, taken, needed)),
    )
    return made, [*problems, *_check_labels(made), *_check_kit(made), *_check_beyond_use(made)]


# ---- what can be wrong with what was asked ----


def _check_formula(formula: Formula) -> Iterator[Problem]:
    if formula.dosage_form != "capsule":
        text = f"{formula.id} makes an {formula.dosage_form}: a titration is made of whole capsules. Name a capsule formula"
        yield Problem("titration.form", text, "formula")
    elif ONE_CAPSULE not in formula.label.directions:
        text = f"The directions of {formula.id} do not say {ONE_CAPSULE!r}: write them so that the count can be changed"
        yield Problem("titration.directions", text, "formula")


def check_first_day(first: date, today: date, kind: str = "titration") -> Iterator[Problem]:
    """Whether a first dose may be taken on a day: not before today, nor a year later.

    Args:
        kind: the first word of the problems' codes.
    """
    if first < today:
        yield Problem(f"{kind}.past", f"The first day, {first}, has passed: write today, {today}, or later", "from")
    elif (first - today).days > FURTHEST_START:
        text = f"The first day, {first}, is more than a year away: check the year"
        yield Problem(f"{kind}.far", text, "from")


def _check_days(asked: Asked, today: date) -> Iterator[Problem]:
    yield from check_first_day(asked.first_day, today)
    if asked.every < 1:
        yield Problem("titration.interval", "Each dose is taken for 0 days: write 1 day or more", "every")


def _check_doses(formula: Formula, asked: Asked) -> Iterator[Problem]:
    limits = formula.strength
    low, high = (quantity(text, formula.substance) for text in (limits.minimum, limits.maximum))
    allowed = f"{told(low)} to {told(high)} of {formula.id}, version {formula.version}"
    advice = "check the decimal point and the unit. Another range needs another approved formula"
    for where, dose in {"start": asked.start, "to": asked.target}.items():
        if not low <= dose <= high:
            yield Problem("titration.dose", f"A dose of {told(dose)} is outside {allowed}: {advice}", where)
    one = count(1, "capsule")
    for strength in asked.strengths:
        if not low <= strength * one <= high:
            text = f"Capsules of {in_mg(strength)} are outside {allowed}: {advice}"
            yield Problem("titration.strength", text, "strengths")
    twice = [each for place, each in enumerate(asked.strengths) if each in asked.strengths[:place]]
    if twice:
        text = f"Capsules of {in_mg(twice[0])} are named twice: name each strength once"
        yield Problem("titration.strength", text, "strengths")
    if not 1 <= len(asked.strengths) <= MOST_STRENGTHS:
        text = f"{len(asked.strengths)} strengths are given: name 1 to {MOST_STRENGTHS}"
        yield Problem("titration.strength", text, "strengths")
    if asked.step.magnitude <= 0:
        yield Problem(
            "titration.step", f"The step is {told(asked.step)}: write how much the dose rises each time", "step"
        )
    elif asked.target < asked.start:
        text = (
            f"The schedule goes backwards, from {told(asked.start)} to {told(asked.target)}: give the lower dose "
            "as the start. Lowering a dose is no titration, and is planned by its prescriber"
        )
        yield Problem("titration.backwards", text, "to")
    else:
        yield from _check_length(asked)


def _check_length(asked: Asked) -> Iterator[Problem]:
    steps = raises_needed(asked.start, asked.target, asked.step) + 1
    days = steps * asked.every + asked.hold
    if steps > MOST_STEPS or days > MOST_DAYS:
        text = (
            f"The schedule has {steps:,} steps and {days:,} days: at most {MOST_STEPS} steps and {MOST_DAYS} days are "
            "planned at once. Check step, interval and hold"
        )
        yield Problem("titration.too-long", text, "step")


# ---- what is told of the schedule ----


def _told_of_last_raise(asked: Asked, steps: Sequence[DoseStep]) -> Iterator[Problem]:
    if len(steps) > 1 and (last := steps[-1].dose - steps[-2].dose) != asked.step:
        text = (
            f"Steps of {told(asked.step)} from {told(asked.start)} do not end at {told(asked.target)}: "
            f"the last raise is {told(last)}. Confirm it with the prescriber"
        )
        yield Problem("titration.last-step", text, "step", stops=False)


_LEFT_OPEN: Final = {
    "start": "First dose",
    "target": "Last dose",
    "step": "Step",
    "every": "Time at each dose",
    "reaching": "Time until the last dose",
}


def _told_of_schedule(asked: Asked, steps: Sequence[DoseStep]) -> Iterator[Problem]:
    """Where a named schedule was changed beyond what its source leaves open."""
    named = asked.schedule
    if named is None:
        return
    if named.caution:
        yield Problem("titration.caution", named.caution, "schedule", stops=False, source=named.source)
    found = {"start": asked.start, "target": asked.target, "step": asked.step}
    reaching = count(steps[-1].first_day - 1, "day")
    given = {name: amount(value, "mg") for name, value in found.items()}
    given |= {"every": Fraction(asked.every), "reaching": amount(reaching, "day")}
    for name, value in given.items():
        unit = "mg" if name in found else "days"
        own = getattr(named, name, None)
        low, high = named.between.get(name, (own, own))
        if low is None or high is None or name in named.chosen or amount(low, unit) <= value <= amount(high, unit):
            continue
        says = told(low) if low == high else f"{told(low)} to {told(high)}"
        here = told(quantity(f"{decimal_text(value)} {unit}"))
        text = f"{_LEFT_OPEN[name]}: the source of {named.id} says {says}; here it is {here}"
        yield Problem("titration.unlike-source", text, name, stops=False, source=named.source)


def _check_reachable(
    formula: Formula,
    steps: Sequence[DoseStep],
    strengths: Sequence[MassPerUnit],
    ways: dict[Fraction, tuple[int, ...]],
) -> Problem | None:
    doses = [step.dose for step in steps]
    missing = [told(dose) for dose in doses if amount(dose, "mg") not in ways]
    if not missing:
        return None
    would_do = strength_needed(doses, strengths)
    if would_do is not None and would_do >= amount(quantity(formula.strength.minimum), "mg"):
        advice = f"capsules of {decimal_text(would_do)} mg beside them would make every dose"
    else:
        advice = f"no strength of {formula.id} beside them would make every dose. Change the steps"
    have = _listed([in_mg(each) for each in strengths])
    text = f"{_listed(missing)} cannot be taken as at most {MOST_CAPSULES} whole capsules of {have}: {advice}"
    return Problem("titration.unreachable", text, "strengths")


# ---- whether it lasts ----


def _last_day_of_use(formula: Formula, asked: Asked, today: date) -> tuple[date, str]:
    if asked.beyond_use is not None:
        return asked.beyond_use, "as given, for capsules at hand"
    rule = formula.beyond_use
    studies = [StabilityStudy(study.days, study.storage, study.source) for study in rule.study]
    found = beyond_use_date(rule.category, rule.storage, today, {}, studies)
    return found.on, f"{found.days} days if made today; limited by {found.limited_by}; a lot may shorten it"


def _check_labels(made: Titration) -> Iterator[Problem]:
    for bottle in made.bottles:
        if len(bottle.directions) > LABEL_LENGTH:
            text = (
                f"The directions for days {bottle.first_day} to {bottle.last_day} have {len(bottle.directions)} letters; "
                f"{LABEL_LENGTH} fit a label 4 inches wide. Print on a larger stock, or shorten the formula's directions"
            )
            yield Problem("titration.label", text, in_mg(made.strengths[bottle.strength]), stops=False)


def _check_kit(made: Titration) -> Iterator[Problem]:
    if made.kit is None or made.kit_end is None:
        return
    end = made.kit_end
    reached = next((step.dose for step in made.steps if step.first_day <= end.last_day <= step.last_day), None)
    so_far = f"the last whole day is {end.last_day}, at {told(reached)}" if reached is not None else "no day is whole"
    for place, day in enumerate(end.runs_out):
        if day is None:
            continue
        strength = in_mg(made.strengths[place])
        text = (
            f"The {made.kit[place]:,} capsules of {strength} do not cover day {day} ({made.on(day)}). With this kit "
            f"{so_far}. For all {made.last_day} days dispense {end.missing[place]:,} more of {strength}"
        )
        yield Problem("titration.kit-ends", text, strength)


def _check_beyond_use(made: Titration) -> Iterator[Problem]:
    """The kit must end before its beyond-use date does; otherwise it is dispensed in parts."""
    ends = made.kit_end.last_day if made.kit_end else made.last_day
    usable = (made.beyond_use - made.first_day).days + 1
    if ends <= usable:
        return
    if usable < 1:
        text = (
            f"The beyond-use date, {made.beyond_use}, passes before the first day, {made.first_day}: make a new batch"
        )
        yield Problem("titration.beyond-use", text, "beyond-use")
        return
    late = [
        in_mg(strength)
        for place, strength in enumerate(made.strengths)
        if any(counts[place] and step.last_day > usable and step.first_day <= ends for step, counts in _daily(made))
    ]
    # A part ends with a dose where it can, so that a new bottle begins with a new step.
    part = max((step.last_day for step in made.steps if step.last_day <= usable), default=usable)
    if usable >= made.steps[-1].first_day:
        part = usable
    parts = "two parts" if ends - part <= usable else "parts"
    text = (
        f"The beyond-use date, {made.beyond_use}, is day {usable}; the kit goes on to day {ends} ({made.on(ends)}), with "
        f"{_listed(late)} still in use. Dispense it in {parts}: days 1 to {part} now, the rest from a batch made later"
    )
    yield Problem("titration.beyond-use", text, "beyond-use")


def _daily(made: Titration) -> Iterator[tuple[DoseStep, tuple[int, ...]]]:
    return zip(made.steps, made.taken, strict=True)


# ---- words for labels and leaflet ----


def _capsules(number: int) -> str:
    return told(count(number, "capsule"))


def _days(first: int, last: int) -> str:
    return f"day {first}" if first == last else f"days {first} to {last}"


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def _runs(steps: Sequence[DoseStep], daily: Sequence[int]) -> list[tuple[int, int, int]]:
    """Days in a row on which the same number of capsules comes from one bottle: number, first day, last day."""
    runs: list[tuple[int, int, int]] = []
    for step, number in zip(steps, daily, strict=True):
        if runs and runs[-1][0] == number and runs[-1][2] == step.first_day - 1:
            runs[-1] = (number, runs[-1][1], step.last_day)
        elif number:
            runs.append((number, step.first_day, step.last_day))
    return runs


def _directions(formula: Formula, runs: Sequence[tuple[int, int, int]]) -> str:
    """The formula's directions for a bottle: the first number in a whole sentence, the others after it."""
    number, first, last = runs[0]
    sentence = formula.label.directions.removesuffix(".").replace(ONE_CAPSULE, _capsules(number), 1)
    later = [f", then {_capsules(number)} on {_days(first, last)}" for number, first, last in runs[1:]]
    return f"{sentence} on {_days(first, last)}{''.join(later)}."


def _bottles(
    formula: Formula, strengths: Sequence[MassPerUnit], steps: Sequence[DoseStep], taken: Sequence[tuple[int, ...]]
) -> Iterator[Bottle]:
    """A bottle for each strength, or several where its directions are too long for one label."""
    for place in range(len(strengths)):
        together: list[tuple[int, int, int]] = []
        for run in _runs(steps, [counts[place] for counts in taken]):
            if together and len(_directions(formula, [*together, run])) > LABEL_LENGTH:
                yield _bottle(formula, place, together)
                together = []
            together.append(run)
        if together:
            yield _bottle(formula, place, together)


def _bottle(formula: Formula, place: int, runs: Sequence[tuple[int, int, int]]) -> Bottle:
    capsules = sum(number * (last - first + 1) for number, first, last in runs)
    return Bottle(place, capsules, runs[0][1], runs[-1][2], _directions(formula, runs))


def _leaflet(
    formula: Formula,
    first_day: date,
    strengths: Sequence[MassPerUnit],
    steps: Sequence[DoseStep],
    taken: Sequence[tuple[int, ...]],
) -> Iterator[str]:
    """For each step when, how many capsules of which strength, and the dose in mg."""
    before, _, after = formula.label.directions.removesuffix(".").partition(ONE_CAPSULE)
    for step, counts in zip(steps, taken, strict=True):
        first, last = (first_day + timedelta(days=day - 1) for day in (step.first_day, step.last_day))
        dates = f"{first}" if first == last else f"{first} to {last}"
        weeks, days = _weeks(step), _days(step.first_day, step.last_day)
        when = f"{weeks} ({days}, {dates})" if weeks else f"{days.capitalize()} ({dates})"
        parts = [
            f"{_capsules(number)} of {in_mg(each)}" for number, each in zip(counts, strengths, strict=True) if number
        ]
        yield f"{when}: {before.lower()}{_listed(parts)}{after}. Dose: {told(step.dose)}."


def _weeks(step: DoseStep) -> str:
    """The weeks of a step, if it begins and ends with one."""
    if (step.first_day - 1) % 7 or step.days % 7:
        return ""
    first, last = (step.first_day + 6) // 7, step.last_day // 7
    return f"Week {first}" if first == last else f"Weeks {first} to {last}"


# ---- where the numbers come from ----


def _working(
    asked: Asked,
    strengths: Sequence[MassPerUnit],
    steps: Sequence[DoseStep],
    taken: Sequence[tuple[int, ...]],
    needed: Sequence[int],
) -> Iterator[str]:
    for number, (step, counts) in enumerate(zip(steps, taken, strict=True)):
        raised = asked.start + number * asked.step
        dose = f"{told(asked.start)} + {number} × {told(asked.step)} = {told(raised)}"
        if raised != step.dose:
            dose += f", more than the target: {told(step.dose)}"
        made = " + ".join(
            f"{each} × {in_mg(strength)}" for each, strength in zip(counts, strengths, strict=True) if each
        )
        yield f"{_days(step.first_day, step.last_day)}: dose {dose}; {told(step.dose)} = {made}"
    for place, strength in enumerate(strengths):
        terms = [f"{step.days} × {counts[place]}" for step, counts in zip(steps, taken, strict=True) if counts[place]]
        if terms:
            yield f"capsules of {in_mg(strength)}: {' + '.join(terms)} = {needed[place]}"
    doses = " + ".join(f"{step.days} × {told(step.dose)}" for step in steps)
    yield f"doses of all days: {doses} = {told(_total([step.days * step.dose for step in steps]))}"
    capsules = [number * strength * count(1, "capsule") for number, strength in zip(needed, strengths, strict=True)]
    held = " + ".join(f"{number} × {in_mg(strength)}" for number, strength in zip(needed, strengths, strict=True))
    yield f"held by all capsules: {held} = {told(_total(capsules))}"


def _total(masses: Sequence[Quantity]) -> Quantity:
    return sum(masses[1:], masses[0])
