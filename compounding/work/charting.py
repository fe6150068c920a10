"""Control charts across the batches of one product and strength: which values, which limits, which signals.

One value a batch, in the order of preparation. A batch counts with its first result, both stages of it together: a later
one is on the chart too, and moves nothing. A result that an investigation set aside is marked, and the first of its retests
counts. Failing and rejected batches stay where they are. Limits come from a baseline that someone froze;
without one they are provisional, from the first batches, and the chart says so.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import NamedTuple

from compounding.calc.control import (
    LEAST_FOR_LIMITS,
    RULES,
    Capability,
    Limits,
    baseline_limits,
    capability,
    moving_ranges,
    signals,
)
from compounding.frozen import dataclass
from compounding.problems import CannotCompute, NotUnderstood, Problem, Refused
from compounding.quantities import quantity, ratio
from compounding.records.facts import BaselineFrozen, Recorded, Rejected, ResultInvalidated, Tested
from compounding.records.formula import Formula, Test
from compounding.records.record import Record
from compounding.records.series import made_of
from compounding.settings import Person

FAMILIES = ("nelson", "western-electric")
PERCENT = "%"
# Tests whose result is no number, and those whose result is a share of the label.
SEEN = ("observation", "absence")
OF_LABEL = ("assay", "content")


class Point(NamedTuple):
    """The value that a batch counts with.

    Args:
        batch: its id.
        prepared: day of preparation, ``2026-03-01``.
        value: mean of what was measured, in the unit of the chart.
        entry: sequence of the result.
        failing: True if any result of the batch for this trait fails, but for those that were set aside.
        rejected: True if the batch was rejected.
        later: values of later results, which do not count.
        set_aside: values that an investigation set aside, which do not count either.
    """

    batch: str
    prepared: str
    value: float
    entry: int
    failing: bool = False
    rejected: bool = False
    later: tuple[float, ...] = ()
    set_aside: tuple[float, ...] = ()


@dataclass(frozen=True)
class Phase:
    """Batches that are judged by the same limits.

    Args:
        start, end: places of its batches, from the first to before the last [0 or more].
        limits: of its baseline; None before the first baseline, or where no limits can be computed.
        says: where the limits come from, or why there are none.
        baseline: ids of the batches that the limits come from.
        frozen: the entry that froze them; None if they are provisional.
        signals: rule to the places where it fires, counted over the whole chart.
    """

    start: int
    end: int
    limits: Limits | None
    says: str
    baseline: frozenset[str]
    frozen: Recorded | None
    signals: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Specification:
    """What the formula of the latest batch asks of the trait, in the unit of the chart; None where it asks nothing."""

    low: float | None
    high: float | None
    expected: str
    verified: bool


@dataclass(frozen=True)
class Chart:
    """A control chart.

    Args:
        product, strength, trait, unit: what is charted; the unit is empty for a bare number.
        points: one for each batch with a result, in order of preparation.
        phases: they follow each other and cover every point.
        specification: never mixed with the control limits.
        capability: of the last phase; None if it is refused.
        capability_says: why there is none, or what to know before relying on it; empty if there is nothing.
        without: batches that were opened and have no result, in order.
        rules: those that were asked for, and the moving range.
    """

    product: str
    strength: str
    trait: str
    unit: str
    points: tuple[Point, ...]
    phases: tuple[Phase, ...]
    specification: Specification
    capability: Capability | None
    capability_says: str
    without: tuple[str, ...]
    rules: tuple[str, ...]

    @property
    def days(self) -> str:
        """When the batches were prepared."""
        first, last = self.points[0].prepared, self.points[-1].prepared
        return f"on {first}" if first == last else f"from {first} to {last}"

    @cached_property
    def signals(self) -> dict[int, list[str]]:
        """Rules that fire, by the place of the batch."""
        found: dict[int, list[str]] = {}
        for phase in self.phases:
            for rule in self.rules:
                for place in phase.signals.get(rule, ()):
                    found.setdefault(place, []).append(rule)
        return dict(sorted(found.items()))

    @cached_property
    def signals_of_values(self) -> dict[int, list[str]]:
        """Rules that fire on the values themselves, by the place of the batch."""
        every = {place: [rule for rule in rules if rule != "moving-range"] for place, rules in self.signals.items()}
        return {place: rules for place, rules in every.items() if rules}

    @cached_property
    def ranges(self) -> tuple[float | None, ...]:
        """How far each value lies from the one before; None for the first of a phase, because no step leads into it."""
        found: list[float | None] = []
        for phase in self.phases:
            found += [None, *moving_ranges([point.value for point in self.points[phase.start : phase.end]])]
        return tuple(found)

    def middle_at(self, place: int) -> float:
        """The centre line at a batch; its own value where there is none."""
        limits = next(phase.limits for phase in self.phases if place < phase.end)
        return limits.mean if limits else self.points[place].value


def rules_named(text: str) -> tuple[str, ...]:
    """The run rules that a list names: a family such as ``nelson``, or one rule such as ``nelson-2``.

    Raises:
        NotUnderstood: a name is none of them.

    Example:
        >>> rules_named("western-electric-1,nelson-3")
        ('nelson-3', 'western-electric-1', 'moving-range')
    """
    asked = [name.strip() for name in text.split(",")]
    for name in asked:
        if name not in RULES and name not in FAMILIES:
            known = f"{' or '.join(FAMILIES)}, or one of {', '.join(RULES)}"
            raise NotUnderstood(Problem("chart.rule", f"{name or 'nothing'} is no rule: write {known}", "rules"))
    return tuple(rule for rule in RULES if rule == "moving-range" or rule in asked or rule.rpartition("-")[0] in asked)


def trait_named(formula: Formula, trait: str) -> Test:
    """The test of a formula that a chart can show.

    Raises:
        NotUnderstood: there is no such trait, or it is looked at and not measured.
    """
    known = {each.trait.lower(): each for each in formula.test if each.kind not in SEEN}
    if trait.lower() not in known:
        names = ", ".join(each.trait for each in known.values())
        text = f"{trait} is not measured by {formula.id}, version {formula.version}: write {names}"
        raise NotUnderstood(Problem("chart.trait", text, trait))
    return known[trait.lower()]


def points_of(
    made: Mapping[str, int],
    results: Iterable[tuple[int, Record]],
    rejections: Iterable[tuple[int, Record]],
    label: str | None,
    set_aside: Iterable[tuple[int, Record]] = (),
) -> tuple[tuple[Point, ...], tuple[str, ...], str]:
    """One point for each batch with a result that counts, the batches without one, and the unit of the values.

    Args:
        made: subject of each batch of the series, with the sequence at which it was opened.
        results: of one trait, with their sequences, oldest first.
        rejections: of batches of the series.
        label: the strength on it, where the trait is a share of it: what is found as a mass is shown in percent.
        set_aside: what investigations of the series set aside.

    Raises:
        Refused: the results are in units that do not fit together, or one is no number.
    """
    gone = {fact.batch for _, fact in rejections if isinstance(fact, Rejected)}
    invalid = {fact.investigation for _, fact in set_aside if isinstance(fact, ResultInvalidated)}
    first: dict[str, _Result] = {}
    more: dict[str, list[_Result]] = {}
    units = set()
    for entry, fact in results:
        assert isinstance(fact, Tested)
        try:
            value, unit = _value(fact.values, label) if fact.by_weight is None else _value((fact.by_weight,), label)
        except ValueError:
            text = f"Entry {entry} on {fact.batch} says {', '.join(fact.values) or 'nothing'}, which is no number: a chart needs numbers"
            raise Refused(Problem("chart.value", text, fact.batch)) from None
        units.add(unit)
        one = _Result(
            entry, value, fact.verdict == "fail", len(fact.values), fact.joins, fact.investigation, fact.retest, bool(fact.by_weight)
        )
        if first.setdefault(fact.batch, one) is not one:
            more.setdefault(fact.batch, []).append(one)
    if len(units) > 1:
        text = f"The results are in {' and '.join(sorted(unit or 'bare numbers' for unit in units))}: one chart has one unit"
        raise Refused(Problem("chart.units", text))
    points, without = [], []
    # Two batches of one day stand in the order in which they were opened.
    in_order = sorted((day, last, batch) for (day, batch), last in zip(map(made_of, made), made.values(), strict=True))
    for day, _, batch in in_order:
        begun = first.get(batch)
        point: Point | None = None
        if begun and (batch in more or begun.investigation in invalid):
            point = _point(batch, day, batch in gone, [begun, *more.get(batch, ())], invalid)
        elif begun:
            point = Point(batch, day, begun.value, begun.entry, begun.failing, batch in gone)
        if point:
            points.append(point)
        else:
            without.append(batch)
    return tuple(points), tuple(without), units.pop() if units else ""


class _Result(NamedTuple):
    """What a chart needs of one result, or of both stages of one: a hundred thousand are held at once."""

    entry: int
    value: float
    failing: bool
    units: int
    joins: int | None
    investigation: str | None
    retest: int | None
    by_weight: bool


def _point(
    batch: str, day: str, rejected: bool, found: Sequence[_Result], invalid: Container[str | None]
) -> Point | None:
    """What a batch with several results counts with; None if all was set aside and nothing takes its place yet."""
    whole = _joined(found)
    aside = [each for each in whole if each.retest is None and each.investigation in invalid]
    standing = [each for each in whole if each not in aside]
    counts = whole[0]
    if counts in aside:
        # Of what was recorded since, its own retests were planned; any other result undoes nothing.
        again = [each for each in standing if each.investigation == counts.investigation]
        if not again:
            return None
        counts = again[0]
    failing = any(each.failing for each in standing)
    later = tuple(each.value for each in standing if each is not counts)
    return Point(batch, day, counts.value, counts.entry, failing, rejected, later, tuple(each.value for each in aside))


def _joined(found: Iterable[_Result]) -> list[_Result]:
    """Results with the two stages of each as one, at the place of its first; the verdict is that of its second."""
    whole: list[_Result] = []
    for each in found:
        place = next((n for n, first in enumerate(whole) if first.entry == each.joins), None)
        if place is None:
            whole.append(each)
            continue
        first = whole[place]
        units = first.units + each.units
        mean = (first.value * first.units + each.value * each.units) / units
        # By weight, the mean is the assay that the second stage was judged by.
        whole[place] = each._replace(entry=first.entry, value=each.value if each.by_weight else mean, units=units)
    return whole


def _value(values: Sequence[str], label: str | None) -> tuple[float, str]:
    """The number that a result counts with, the mean of several, and its unit."""
    if len(values) == 1:
        return _one(values[0], label)
    read = [_one(value, label) for value in values]
    if not read:
        raise ValueError
    return sum(value for value, _ in read) / len(read), "/".join(sorted({unit for _, unit in read}))


def _one(text: str, label: str | None) -> tuple[float, str]:
    """One reading; of most, the text was judged when it was recorded, and its digits are a number."""
    digits, _, unit = text.partition(" ")
    times, shown = _in_percent(unit, label)
    return float(digits) * times, shown


@cache
def _in_percent(unit: str, label: str | None) -> tuple[float, str]:
    """What a reading is multiplied by, and the unit it then has: percent of label where it measures the strength."""
    if label is None or not unit or unit == PERCENT:
        return 1.0, unit
    one, whole = quantity(f"1 {unit}"), quantity(label)
    if one.dimensionality == whole.dimensionality:
        return float(100 * ratio(one, whole)), PERCENT
    return 1.0, unit


def baseline_chosen(
    points: Sequence[Point], days: str | None, number: int | None, left_out: Iterable[str] = ()
) -> list[Point]:
    """The points of a baseline: those prepared from one day to another, or the first ones.

    Args:
        points: in order.
        days: both included, such as ``2026-01-01..2026-06-30``.
        number: how many from the first on.
        left_out: batches among them that do not count.

    Raises:
        NotUnderstood: the days are not two dates in order, or a batch that is left out is none of these.
    """
    if days is not None:
        first, last = _days(days)
        chosen = [point for point in points if first <= point.prepared <= last]
    else:
        chosen = list(points[:number])
    out = set(left_out)
    if strange := out - {point.batch for point in chosen}:
        text = f"{', '.join(sorted(strange))} is not among the {len(chosen)} batches of this baseline: leave it out of --leave-out"
        raise NotUnderstood(Problem("baseline.leave-out", text, "leave-out"))
    return [point for point in chosen if point.batch not in out]


def _days(text: str) -> tuple[str, str]:
    from datetime import date

    first, _, last = text.partition("..")
    try:
        days = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        days = (date.max, date.min)
    if days[0] > days[1]:
        why = f"{text!r} is not from one day to another: write such as 2026-01-01..2026-06-30"
        raise NotUnderstood(Problem("baseline.days", why, "baseline"))
    return days[0].isoformat(), days[1].isoformat()


def phases_of(
    points: Sequence[Point], frozen: Sequence[Recorded], tried: Sequence[Point] | None = None
) -> tuple[Phase, ...]:
    """The phases of a chart: from each frozen baseline to the next, or one phase that is provisional.

    Args:
        points: in order; at least one.
        frozen: the baselines that were frozen, oldest first. One that begins where an earlier one began, or before it,
            takes its place.
        tried: the points of a baseline that is tried out instead; it begins with the first of them.
    """
    values = [point.value for point in points]
    if tried is not None or not frozen:
        return tuple(_unfrozen(points, values, tried))
    places = {point.batch: place for place, point in enumerate(points)}
    starts: list[tuple[int, Recorded]] = []
    for each in frozen:
        assert isinstance(each.fact, BaselineFrozen)
        start = min(places[batch] for batch in each.fact.batches)
        starts = [*(before for before in starts if before[0] < start), (start, each)]
    phases = [_without_limits(0, starts[0][0], "before the first baseline")] if starts[0][0] else []
    for (start, each), end in zip(starts, [*(start for start, _ in starts[1:]), len(points)], strict=True):
        fact = each.fact
        assert isinstance(fact, BaselineFrozen)
        says = f"frozen on {each.time[:10]} from {len(fact.batches)} batches (entry {each.sequence})"
        phases.append(_judged(start, end, values, frozen_limits(fact), says, frozenset(fact.batches), each))
    return tuple(phases)


def _unfrozen(points: Sequence[Point], values: Sequence[float], tried: Sequence[Point] | None) -> Iterator[Phase]:
    chosen = points[:LEAST_FOR_LIMITS] if tried is None else tried
    batches = frozenset(point.batch for point in chosen)
    start = next((place for place, point in enumerate(points) if point.batch in batches), 0)
    if start:
        yield _without_limits(0, start, "before the baseline")
    try:
        limits = baseline_limits([point.value for point in chosen])
    except CannotCompute as why:
        yield _without_limits(start, len(points), str(why).rstrip("."))
        return
    says = f"provisional, not frozen: from {'the first ' if tried is None else ''}{len(chosen)} batches"
    yield _judged(start, len(points), values, limits, says, batches, None)


def _without_limits(start: int, end: int, says: str) -> Phase:
    return Phase(start, end, None, says, frozenset(), None, {})


def _judged(
    start: int,
    end: int,
    values: Sequence[float],
    limits: Limits,
    says: str,
    batches: frozenset[str],
    frozen: Recorded | None,
) -> Phase:
    if limits.provisional and frozen:
        says += f"; provisional, a baseline has at least {LEAST_FOR_LIMITS}"
    fired = signals(values[start:end], limits)
    if start:
        fired = {rule: tuple(place + start for place in places) for rule, places in fired.items()}
    return Phase(start, end, limits, says, batches, frozen, fired)


def frozen_limits(fact: BaselineFrozen) -> Limits:
    """The limits as they were frozen."""
    n = len(fact.batches)
    return Limits(n, float(fact.mean), float(fact.mean_range), float(fact.sigma), provisional=n < LEAST_FOR_LIMITS)


def specification_of(test: Test, unit: str) -> Specification:
    """The limits of a formula's test; a trait that is judged by a rule set has none of its own."""
    shared = unit == PERCENT and test.kind in ("assay", "ingredient")
    limits = shared or (test.kind == "number" and not unit) or (test.kind == "count" and unit in ("", test.unit))
    low, high = (float(each) if each and limits else None for each in (test.low, test.high))
    return Specification(low, high, test.expected, test.verified)


def chart_of(
    product: str,
    strength: str,
    test: Test,
    made: tuple[tuple[Point, ...], tuple[str, ...], str],
    phases: Sequence[Phase],
    rules: Sequence[str],
) -> Chart:
    """Put a chart together, and say how capable the process of its last phase is, or why nobody can say."""
    points, without, unit = made
    specification = specification_of(test, unit)
    values = [point.value for point in points[phases[-1].start :]]
    index, says = _capability(values, specification, phases[-1], rules)
    return Chart(
        product, strength, test.trait, unit, points, tuple(phases), specification, index, says, without, tuple(rules)
    )


def _capability(
    values: Sequence[float], wanted: Specification, phase: Phase, rules: Sequence[str]
) -> tuple[Capability | None, str]:
    if wanted.low is None and wanted.high is None:
        return None, "No capability: the formula sets no limits of its own for this trait."
    if phase.limits is None:
        return None, f"No capability: {phase.says}."
    try:
        index = capability(values, wanted.low, wanted.high)
    except CannotCompute as why:
        return None, f"No capability: {why} [capability-intervals]"
    signalled = len({place for rule in rules for place in phase.signals.get(rule, ())})
    if signalled:
        return index, f"{signalled} of these {index.n} batches signal: find out why before relying on an index."
    return index, ""


def freeze_baseline(
    product: str,
    strength: str,
    form: str | None,
    test: Test,
    unit: str,
    chosen: Sequence[Point],
    before: Sequence[Recorded],
    person: Person,
    left_out: Sequence[str],
    reason: str | None,
) -> tuple[BaselineFrozen | None, list[Problem]]:
    """Compute the limits of some batches once and for all; they hold until the next baseline.

    Args:
        chosen: the batches that count, in order.
        before: the baselines frozen so far.
        person: who freezes them.
        left_out: batches that were left out.
        reason: why there is a new baseline, or why batches were left out.

    Returns:
        The fact, and everything that should be known: signals within the baseline, failing batches in it, too few.

    Raises:
        CannotCompute: fewer than two batches, or no scatter.

    Source:
        frozen-baseline
    """
    problems = []
    if not {"pharmacist", "qc"} & set(person.roles):
        text = f"{person.name} is {' and '.join(person.roles)}: a pharmacist or QC person freezes a baseline"
        problems.append(Problem("person.role", text, person.name))
    if before and not reason:
        text = f"A baseline was frozen on {before[-1].time[:10]} (entry {before[-1].sequence}): give --reason for a new one; the first stays on record"
        problems.append(Problem("baseline.again", text, "reason"))
    if left_out and not reason:
        text = f"{', '.join(left_out)} would be left out: give --reason with the cause that was found"
        problems.append(Problem("baseline.leave-out", text, "reason"))
    limits = baseline_limits([point.value for point in chosen])
    if problems:
        return None, problems
    fact = BaselineFrozen(
        product=product,
        strength=strength,
        strength_of=form,
        trait=test.trait,
        unit=unit,
        batches=tuple(point.batch for point in chosen),
        left_out=tuple(left_out),
        mean=_digits(limits.mean),
        mean_range=_digits(limits.mean_range),
        sigma=_digits(limits.sigma),
        lower=_digits(limits.lower),
        upper=_digits(limits.upper),
        range_upper=_digits(limits.range_upper),
    )
    return fact, _worth_knowing(chosen, limits)


def _digits(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".")


def _worth_knowing(chosen: Sequence[Point], limits: Limits) -> list[Problem]:
    """What speaks against these batches as a baseline; it is told, and people decide."""
    problems = []
    if limits.provisional:
        text = f"{limits.n} batches; a baseline has at least {LEAST_FOR_LIMITS}: the limits are provisional. Freeze them again when there are enough"
        problems.append(Problem("baseline.few", text, stops=False))
    fired = signals([point.value for point in chosen], limits)
    if fired:
        first = "; ".join(f"{chosen[places[0]].batch} {rule}" for rule, places in list(fired.items())[:3])
        text = f"The baseline itself signals ({first}): find out why; a batch with a cause may be left out"
        problems.append(Problem("baseline.signals", text, stops=False))
    bad = [point.batch for point in chosen if point.failing or point.rejected]
    if bad:
        text = f"{', '.join(bad[:5])} in the baseline failed or was rejected: a batch with a cause may be left out"
        problems.append(Problem("baseline.failed", text, stops=False))
    return problems
