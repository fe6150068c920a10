"""The control chart on paper: one page for PDF and SVG alike, readable in black and white.

Above, the values with their control limits, dashed; below, the moving ranges. The specification stands apart, in a
field of its own with its own scale: what the process does is never read off what it should do. A mark's shape says
what happened to the batch: ring, cross, square.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import floor, log10

from compounding.calc.control import RULES, Index, Limits
from compounding.documents.boxes import BOLD, REGULAR, Box, Dot, Mark, Page, Rule, Word, pieces, wrap
from compounding.documents.pdf import paint, unprintable, width_of
from compounding.documents.svg import drawn
from compounding.frozen import dataclass
from compounding.problems import Problem
from compounding.work.charting import Chart, Phase

WIDTH, HEIGHT = 792.0, 612.0  # Letter, across
LEFT, RIGHT = 40.0, 752.0
PLOT_LEFT, PLOT_RIGHT = 76.0, 572.0
VALUES, RANGES = (330.0, 504.0), (208.0, 290.0)  # lower and upper edge of the two charts
FIELD_LEFT = 690.0  # the field of the specification
DASHED, DOTTED = (5.0, 2.5), (1.0, 2.0)
SMALL, PLAIN, NAME = 7.5, 9.0, 6.5
BASELINE = 0.94  # grey
REACH = 4.6  # half of a mark
VALUES_AND_RANGES = (RANGES[0], VALUES[1] + 1)  # between which small texts stand
ALONE = ("nelson-1", "western-electric-1")  # rules that judge one value by itself
ROOM_FOR_SIGNALS = 108.0  # of every rule there is [pt]
BINS = 24
# How far the picture reaches beyond the limits: one value far out must not press the others flat.
SIGMAS_SHOWN, RANGES_SHOWN = 5.0, 2.0


@dataclass(frozen=True)
class Scale:
    """Values along an axis.

    Args:
        low, high: values at its ends.
        start, end: places of its ends [pt].
    """

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a value lies [pt]."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def within(self, value: float) -> float:
        """Where a value lies, or the edge that it lies beyond [pt]."""
        return self.at(min(max(value, self.low), self.high))


def scale_over(values: Sequence[float], start: float, end: float, pad: float = 0.08) -> Scale:
    """A scale that holds all values with some white at both ends."""
    low, high = min(values), max(values)
    white = (high - low) * pad or abs(high) * pad or 1.0
    return Scale(low - white, high + white, start, end)


def ticks(scale: Scale, most: int) -> list[float]:
    """Round values along a scale, at most so many.

    Example:
        >>> ticks(Scale(97.3, 102.9, 0, 100), 6)
        [98.0, 99.0, 100.0, 101.0, 102.0]
    """
    span = scale.high - scale.low
    power = 10.0 ** floor(log10(span / most))
    step = next(power * times for times in (1, 2, 5, 10, 20) if span / (power * times) <= most)
    first = -floor(-scale.low / step)
    return [round(count * step, 9) for count in range(first, floor(scale.high / step) + 1)]


def places_for(step: float) -> int:
    """Decimals with which a step of this size shows two digits."""
    return min(9, max(0, 1 - floor(log10(step)))) if step > 0 else 0


def short_rule(rule: str) -> str:
    """A rule's name for a narrow place.

    Example:
        >>> short_rule("nelson-3"), short_rule("western-electric-1"), short_rule("moving-range")
        ('N3', 'W1', 'MR')
    """
    family, _, number = rule.rpartition("-")
    return "MR" if rule == "moving-range" else f"{family[0].upper()}{number}"


def batches_counted(number: int) -> str:
    """How many batches, in words.

    Example:
        >>> batches_counted(1), batches_counted(1200)
        ('1 batch', '1,200 batches')
    """
    return f"{number:,} {'batch' if number == 1 else 'batches'}"


def draw_chart(chart: Chart, head: str, day: str, last: int) -> tuple[dict[str, bytes], list[Problem]]:
    """The chart as PDF and as SVG.

    Args:
        chart: with at least one point.
        head: short code of the journal it was drawn from.
        day: when it was drawn.
        last: how many of the latest batches are drawn; all are judged.

    Returns:
        The files by the ending of their names, and what cannot be printed.
    """
    problems = [each for text in _texts(chart) for each in unprintable(text, "chart")]
    if problems:
        return {}, problems
    page = layout_chart(chart, head, day, last)
    title = f"Control chart of {chart.trait}: {chart.product} {chart.strength}"
    signalled = f"{len(chart.signals)} of {len(chart.points)} batches signal"
    says = f"Individuals and moving range of {len(chart.points)} batches; {signalled}. {chart.phases[-1].says}."
    return {".pdf": paint([page], title=title), ".svg": drawn(page, title=title, says=says)}, []


def _texts(chart: Chart) -> tuple[str, ...]:
    return (chart.product, chart.strength, chart.trait, chart.unit, chart.specification.expected)


def layout_chart(chart: Chart, head: str, day: str, last: int) -> Page:
    """Every mark of the page at its place."""
    first = max(0, len(chart.points) - last)
    # Half a step of white at both ends keeps the marks off the frame.
    across = Scale(first - 0.5, len(chart.points) - 0.5, PLOT_LEFT, PLOT_RIGHT)
    marks = [
        *_heading(chart, first),
        *_values(chart, first, across),
        *_ranges(chart, first, across),
        *_batches(chart, first, across),
        *_field(chart),
        *_legend(),
        *_findings(chart),
        *_text(f"Drawn from the journal on {day}, head {head}", LEFT, 24, SMALL, grey=0.35),
    ]
    return Page(WIDTH, HEIGHT, tuple(marks))


def _text(
    text: str, x: float, y: float, size: float, font: str = REGULAR, *, grey: float = 0.0, right: bool = False
) -> Iterator[Word]:
    """A text on one line, from x on or up to x."""
    yield Word(x - width_of(text, font) * size if right else x, y, size, font, text, grey)


def _centred(text: str, x: float, y: float, size: float, *, grey: float = 0.0) -> Iterator[Word]:
    yield from _text(text, x - width_of(text, REGULAR) * size / 2, y, size, grey=grey)


def _paragraph(text: str, x: float, y: float, room: float, size: float = 8.5) -> Iterator[Word]:
    """A text over several lines, from y down."""
    for number, line in enumerate(wrap(pieces(text, REGULAR, width_of), room / size)):
        yield from _text(" ".join(piece.text for piece in line), x, y - number * size * 1.25, size)


def _heading(chart: Chart, first: int) -> Iterator[Mark]:
    yield from _text(f"Control chart: {chart.trait}", LEFT, 566, 16, BOLD)
    points = chart.points
    which = f"{batches_counted(len(points))} prepared {chart.days}"
    if first:
        which += f"; the last {len(points) - first} are drawn, all are judged"
    yield from _text(f"{chart.product}, {chart.strength}: {which}", LEFT, 550, 10)
    if chart.without:
        shown = ", ".join(chart.without[:6]) + (
            f" and {len(chart.without) - 6:,} more" if len(chart.without) > 6 else ""
        )
        yield from _text(f"Without a result: {shown}", LEFT, 537, SMALL, grey=0.3)


def _phases_from(chart: Chart, first: int) -> list[Phase]:
    return [phase for phase in chart.phases if phase.end > first]


def _frame(edges: tuple[float, float], up: Scale, title: str, unit: str) -> Iterator[Mark]:
    low, high = edges
    yield Rule(PLOT_LEFT, low, PLOT_LEFT, high, 0.6, 0.4)
    yield Rule(PLOT_LEFT, low, PLOT_RIGHT, low, 0.6, 0.4)
    for tick in ticks(up, 6):
        yield Rule(PLOT_LEFT - 3, up.at(tick), PLOT_LEFT, up.at(tick), 0.6, 0.4)
        yield from _text(f"{tick:g}", PLOT_LEFT - 6, up.at(tick) - 2.6, SMALL, grey=0.25, right=True)
    yield from _text(title + (f", {unit}" if unit else ""), PLOT_LEFT, high + 7, PLAIN, BOLD)


def _values(chart: Chart, first: int, across: Scale) -> Iterator[Mark]:
    """The chart of individuals."""
    points, phases = chart.points[first:], _phases_from(chart, first)
    known = [phase.limits for phase in phases if phase.limits]
    held = [each for point in points for each in (point.value, *point.later, *point.set_aside)]
    up = values_scale(held, known)
    yield from _baselines(chart, first, across)
    yield from _frame(VALUES, up, "Individual values", "% of label" if chart.unit == "%" else chart.unit)
    for phase in phases:
        if phase.limits:
            limits, ends = phase.limits, _ends(phase, first, across)
            for sigmas in (-2, -1, 1, 2):
                y = up.at(limits.mean + sigmas * limits.sigma)
                yield Rule(ends[0], y, ends[1], y, 0.4, 0.7, DOTTED)
            yield from _limit_lines(ends, up, limits.mean, (limits.lower, limits.upper))
    places = places_for(known[-1].sigma) if known else 2
    if known and chart.phases[-1].limits:
        named = (("upper limit", known[-1].upper), ("mean", known[-1].mean), ("lower limit", known[-1].lower))
        for name, value in named:
            yield from _text(f"{name} {value:.{places}f}", PLOT_RIGHT + 6, up.at(value) - 2.6, SMALL)
    if not known:
        yield from _text("no control limits", PLOT_RIGHT + 6, (VALUES[0] + VALUES[1]) / 2, SMALL)
    yield from _lines([(across.at(first + n), up.within(point.value)) for n, point in enumerate(points)])
    for n, point in enumerate(points):
        x = across.at(first + n)
        for value in point.later:
            yield Dot(x, up.within(value), 1.6, None, 0.6)
        for value in point.set_aside:
            yield from _set_aside(x, up.within(value))
        signal = first + n in chart.signals_of_values
        yield from _mark(x, up.within(point.value), point.failing, point.rejected, signal)
    yield from _names(chart, first, across, up)


def values_scale(
    values: Sequence[float], known: Sequence[Limits], start: float = VALUES[0], end: float = VALUES[1]
) -> Scale:
    """A scale over values and limits; a value far out is drawn at its edge."""
    if known:
        low = min(limits.mean - SIGMAS_SHOWN * limits.sigma for limits in known)
        high = max(limits.mean + SIGMAS_SHOWN * limits.sigma for limits in known)
        values = [min(max(value, low), high) for value in values]
    return scale_over([*values, *(edge for each in known for edge in (each.lower, each.upper))], start, end)


def range_scale(held: Sequence[float], known: Sequence[Limits], start: float, end: float) -> Scale:
    """A scale from zero over moving ranges and their limits; a range far out is drawn at its edge."""
    edges = [limits.range_upper for limits in known]
    most = max(edges) * RANGES_SHOWN if edges else max([*held, 0.0])
    return Scale(0.0, (1.08 * max([*(min(each, most) for each in held), *edges, 0.0])) or 1.0, start, end)


def _ends(phase: Phase, first: int, across: Scale) -> tuple[float, float]:
    """From where to where the lines of a phase go [pt]."""
    return across.at(max(phase.start, first) - 0.5), across.at(phase.end - 0.5)


def _limit_lines(ends: tuple[float, float], up: Scale, middle: float, edges: Sequence[float]) -> Iterator[Mark]:
    yield Rule(ends[0], up.at(middle), ends[1], up.at(middle), 0.8, 0.35)
    for edge in edges:
        yield Rule(ends[0], up.at(edge), ends[1], up.at(edge), 0.9, 0.0, DASHED)


def _lines(places: Sequence[tuple[float, float]]) -> Iterator[Mark]:
    """From each value to the next."""
    for (x, y), (to_x, to_y) in pairwise(places):
        yield Rule(x, y, to_x, to_y, 0.6, 0.5)


def _mark(x: float, y: float, failing: bool, rejected: bool, signal: bool) -> Iterator[Mark]:
    """A batch: a dot, or a cross where a result fails; in a ring where it signals, in a square where it was rejected."""
    if failing:
        yield Rule(x - 2.8, y - 2.8, x + 2.8, y + 2.8, 1.3)
        yield Rule(x - 2.8, y + 2.8, x + 2.8, y - 2.8, 1.3)
    else:
        yield Dot(x, y, 1.9)
    if signal:
        yield Dot(x, y, 4.2, None, 0.9)
    if rejected:
        yield Box(x - 6.0, y - 6.0, 12.0, 12.0, None, 0.9)


def _set_aside(x: float, y: float) -> Iterator[Mark]:
    """A value that an investigation set aside: a ring that is struck out."""
    yield Dot(x, y, 2.2, None, 0.6)
    yield Rule(x - 3.2, y - 3.2, x + 3.2, y + 3.2, 0.7)


class _Names:
    """Small texts beside marks: each goes where it hides no mark and no other text, or the list below has it alone."""

    def __init__(self, marks: Iterable[tuple[float, float]]) -> None:
        self.taken = [(x - REACH, x + REACH, y - REACH, y + REACH) for x, y in marks]

    def placed(self, text: str, x: float, y: float, above: bool, ground: float = 1.0) -> Iterator[Mark]:
        """The text at a mark: on one side of it, on the other, further off, or beside; on a ground that hides lines."""
        width = width_of(text, REGULAR) * NAME
        sides = (9.5, -14.5, 17.5, -22.5) if above else (-14.5, 9.5, -22.5, 17.5)
        places = [(x - width / 2, y + off) for off in sides] + [(x + 8, y - 2.2), (x - 8 - width, y - 2.2)]
        for left, foot in places:
            if text and VALUES_AND_RANGES[0] <= foot <= VALUES_AND_RANGES[1] and self._free(left, left + width, foot):
                self.taken.append((left - 1, left + width + 1, foot - 1.2, foot + NAME - 0.8))
                yield Box(left - 1, foot - 1.2, width + 2, NAME + 0.4, ground)
                yield from _text(text, left, foot, NAME)
                return

    def _free(self, left: float, right: float, foot: float) -> bool:
        return all(
            right < begin or left > end or foot + NAME - 1 < low or foot - 1 > high for begin, end, low, high in self.taken
        )


def _names(chart: Chart, first: int, across: Scale, up: Scale) -> Iterator[Mark]:
    """The rules that a batch signals, and values beyond the picture, where there is room."""
    drawn_now = range(first, len(chart.points))
    names = _Names((across.at(place), up.within(chart.points[place].value)) for place in drawn_now)
    counted = frozenset[str]().union(*(phase.baseline for phase in chart.phases))
    for place in drawn_now:
        batch, _, value, *_ = chart.points[place]
        text = f"{_beyond(value, up)} {' '.join(_signals_named(chart, place))}".strip()
        ground = BASELINE if batch in counted else 1.0
        inside = value < up.low if _beyond(value, up) else value >= chart.middle_at(place)
        yield from names.placed(text, across.at(place), up.within(value), inside, ground)


def _signals_named(chart: Chart, place: int) -> list[str]:
    """The rules to name at a batch: those that judge it alone, and of a run only where it begins to signal."""
    fired = chart.signals_of_values
    before = fired.get(place - 1, [])
    return [short_rule(rule) for rule in fired.get(place, []) if rule in ALONE or rule not in before]


def _beyond(value: float, up: Scale) -> str:
    """What a value is that lies beyond the picture; nothing for one within."""
    if up.low <= value <= up.high:
        return ""
    return f"{'↑' if value > up.high else '↓'} {value:.6g}"


def _baselines(chart: Chart, first: int, across: Scale) -> Iterator[Mark]:
    """The batches that the limits come from, on grey; where their limits come from, above."""
    for phase in _phases_from(chart, first):
        counted = [n for n in range(max(phase.start, first), phase.end) if chart.points[n].batch in phase.baseline]
        if counted:
            left, right = across.at(counted[0] - 0.5), across.at(counted[-1] + 0.5)
            yield Box(left, VALUES[0], right - left, VALUES[1] - VALUES[0], BASELINE)
            yield from _text("baseline", left + 3, VALUES[0] + 4, 6.5, grey=0.35)
        if phase.start > first:
            x = across.at(phase.start - 0.5)
            yield Rule(x, RANGES[0], x, VALUES[1], 0.8, 0.3)


def _ranges(chart: Chart, first: int, across: Scale) -> Iterator[Mark]:
    """The chart of moving ranges; none leads from one phase to the next."""
    phases = _phases_from(chart, first)
    held = [each for each in chart.ranges[first:] if each is not None]
    up = range_scale(held, [phase.limits for phase in phases if phase.limits], *RANGES)
    yield from _frame(RANGES, up, "Moving ranges", chart.unit)
    names = _Names((across.at(place), up.within(chart.ranges[place] or 0.0)) for place in range(first, len(chart.points)))
    for phase in phases:
        if phase.limits:
            limits = phase.limits
            yield from _limit_lines(_ends(phase, first, across), up, limits.mean_range, (limits.range_upper,))
        drawn_now = range(max(phase.start, first), phase.end)
        steps = [(place, step) for place in drawn_now if (step := chart.ranges[place]) is not None]
        yield from _lines([(across.at(place), up.within(step)) for place, step in steps])
        for place, step in steps:
            beyond = place in phase.signals.get("moving-range", ())
            yield from _mark(across.at(place), up.within(step), False, False, beyond)
            yield from names.placed(_beyond(step, up), across.at(place), up.within(step), False)
    last = chart.phases[-1].limits
    if last:
        places = places_for(last.sigma)
        for name, value in (("upper limit", last.range_upper), ("mean range", last.mean_range)):
            yield from _text(f"{name} {value:.{places}f}", PLOT_RIGHT + 6, up.at(value) - 2.6, SMALL)


def _batches(chart: Chart, first: int, across: Scale) -> Iterator[Mark]:
    """Some of the batches, named below with the day of preparation, as many as fit."""
    drawn_now = range(first, len(chart.points))
    widest = max(width_of(text, REGULAR) * 7 for n in drawn_now for text in (chart.points[n].batch, "2026-00-00"))
    step = 1
    while (across.at(step) - across.at(0)) < widest + 8 and step < len(drawn_now):
        step += 1
    for n in drawn_now[::step]:
        x = across.at(n)
        yield Rule(x, RANGES[0] - 3, x, RANGES[0], 0.6, 0.4)
        yield from _centred(chart.points[n].batch, x, RANGES[0] - 11, 7)
        yield from _centred(chart.points[n].prepared, x, RANGES[0] - 19.5, 7, grey=0.35)


def _field(chart: Chart) -> Iterator[Mark]:
    """The specification: its limits, heavy, the values of the last phase between them, and what they reach."""
    wanted, phase = chart.specification, chart.phases[-1]
    yield from _text("Specification", FIELD_LEFT, VALUES[1] + 7, PLAIN, BOLD)
    limits = [(name, value) for name, value in (("high", wanted.high), ("low", wanted.low)) if value is not None]
    if not limits:
        text = "The formula sets no limits of its own for this trait."
        yield from _paragraph(text, FIELD_LEFT, VALUES[1] - 8, RIGHT - FIELD_LEFT, SMALL)
        return
    values = [point.value for point in chart.points[phase.start :]]
    reached = [phase.limits.lower, phase.limits.upper] if phase.limits else []
    ends = [*(value for _, value in limits), *reached]
    # As far again as the limits lie apart: a value farther out stands at the edge and presses nothing flat.
    apart = max(ends) - min(ends) or abs(ends[0]) or 1.0
    near = [min(max(value, min(ends) - apart), max(ends) + apart) for value in values]
    up = scale_over([*near, *ends], *VALUES, 0.12)
    yield Box(FIELD_LEFT, VALUES[0], RIGHT - FIELD_LEFT, VALUES[1] - VALUES[0], None, 0.5, 0.6)
    yield from _bars(values, up)
    if phase.limits:
        x, low, high = RIGHT - 6, up.at(phase.limits.lower), up.at(phase.limits.upper)
        yield Rule(x, low, x, high, 0.9, 0.0, DASHED)
        for y in (low, high):
            yield Rule(x - 3, y, x + 3, y, 0.9)
    for name, value in limits:
        y = up.at(value)
        yield Rule(FIELD_LEFT, y, RIGHT, y, 2.2)
        yield from _text(f"{name} {value:g}", FIELD_LEFT - 4, y - 2.6, SMALL, BOLD, right=True)
    yield from _text(f"n = {len(values):,}", FIELD_LEFT, VALUES[0] - 10, SMALL, grey=0.3)
    if not wanted.verified:
        yield from _text("limits not verified", FIELD_LEFT, VALUES[0] - 19, SMALL)


def _bars(values: Sequence[float], up: Scale) -> Iterator[Mark]:
    """How often which values are found."""
    tall = (up.high - up.low) / BINS
    counts = [0] * BINS
    for value in values:
        counts[min(BINS - 1, max(0, floor((value - up.low) / tall)))] += 1
    room = RIGHT - FIELD_LEFT - 18
    for n, many in enumerate(counts):
        if many:
            y = up.at(up.low + n * tall)
            yield Box(
                FIELD_LEFT, y + 0.3, max(1.0, room * many / max(counts)), (VALUES[1] - VALUES[0]) / BINS - 0.6, 0.6
            )


def _legend() -> Iterator[Mark]:
    y, x = 166.0, PLOT_LEFT
    for name, (failing, rejected, signal) in (
        ("batch", (False, False, False)),
        ("signals", (False, False, True)),
        ("fails its test", (True, False, False)),
        ("rejected", (False, True, False)),
    ):
        yield from _mark(x + 4, y + 2.6, failing, rejected, signal)
        yield from _text(name, x + 13, y, SMALL)
        x += 30 + width_of(name, REGULAR) * SMALL
    yield Dot(x + 4, y + 2.6, 1.6, None, 0.6)
    yield from _text("later result", x + 11, y, SMALL)
    x += 64
    yield from _set_aside(x + 4, y + 2.6)
    yield from _text("set aside", x + 12, y, SMALL)
    x += 56
    yield Rule(x, y + 2.6, x + 22, y + 2.6, 0.9, 0.0, DASHED)
    yield from _text("control limit, 3 sigma", x + 27, y, SMALL)
    x += 116
    yield Rule(x, y + 2.6, x + 16, y + 2.6, 2.2)
    yield from _text("specification limit", x + 21, y, SMALL)


def _findings(chart: Chart) -> Iterator[Mark]:
    """Below: which rules fire, and how capable the process is."""
    middle, top = 434.0, 144.0
    yield from _text("Signals", LEFT, top, PLAIN, BOLD)
    lines = signal_lines(chart) or ["No rule fires."]
    step = min(10.0, ROOM_FOR_SIGNALS / len(lines))
    for number, line in enumerate(lines, 1):
        yield from _text(line, LEFT, top - 2 - number * step, min(8.0, step - 0.5))
    yield from _text("Capability", middle, top, PLAIN, BOLD)
    text = chart.capability_says
    if chart.capability:
        index = chart.capability
        text = f"Cpk {_index(index.cpk)}, Ppk {_index(index.ppk)}; {100 * index.confidence:g} % confidence. {text}"
    yield from _paragraph(text, middle, top - 12, RIGHT - middle)
    yield from _text("Control limits", middle, top - 58, PLAIN, BOLD)
    yield from _paragraph(f"{chart.phases[-1].says}.".capitalize(), middle, top - 70, RIGHT - middle)


def signal_lines(chart: Chart) -> list[str]:
    """A line for each rule that fires: its name, what it says, how often, and the latest batch."""
    places: dict[str, list[int]] = {}
    for place, rules in chart.signals.items():
        for rule in rules:
            places.setdefault(rule, []).append(place)
    lines = []
    for rule in chart.rules:
        if found := places.get(rule):
            many = f"{len(found):,} batches, the latest" if len(found) > 1 else ""
            lines.append(
                f"{short_rule(rule)} {RULES[rule]}: {many} {chart.points[found[-1]].batch}".replace(":  ", ": ")
            )
    return lines


def _index(index: Index) -> str:
    return f"{index.value:.2f} ({index.low:.2f} to {index.high:.2f})"
