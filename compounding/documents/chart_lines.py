"""The control chart in a terminal of 80 columns and 24 lines: letters alone, no colour."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from compounding.documents.chart import (
    batches_counted,
    places_for,
    range_scale,
    scale_over,
    short_rule,
    signal_lines,
    values_scale,
)
from compounding.work.charting import Chart, Phase, Point

COLUMNS, LINES, PLOT = 79, 23, 54
ROWS, RANGE_ROWS = range(5, 11), 3  # of values as many as there is room for
LABEL = 9
MOST_RULES = 3
LEGEND = "o batch  * signals  x fails its test  R rejected  - control limit  . mean"


def chart_lines(chart: Chart, last: int = PLOT) -> list[str]:
    """The charts of individuals and of moving ranges, the specification, signals and capability; at most 23 lines.

    Where much has to be said the chart of individuals has fewer rows; no sentence is cut, and no rule that fires is hidden.

    Args:
        chart: with at least one point.
        last: how many of the latest batches are drawn [at most 54]; all are judged.
    """
    points = chart.points
    first = max(0, len(points) - min(last, PLOT))
    head = f"{chart.product}, {chart.strength}: {chart.trait}" + (", % of label" if chart.unit == "%" else "")
    which = f"{batches_counted(len(points))}, {chart.days}"
    which += f"; last {len(points) - first} drawn, all judged" if first else ""
    says = chart.phases[-1].says
    above = [head, which, *_wrapped(f"Limits {says}." if chart.phases[-1].limits else f"No limits: {says}")]
    below = [*_specification(chart), *_signals(chart), *_beyond(chart, first), *_capability(chart)]
    shown = points[first:]
    spacing = 2 if len(shown) * 2 <= PLOT else 1
    ranges = _ranges(chart, first, spacing)
    taken = len(above) + len(ranges) + len(_axis(shown, spacing)) + 1 + len(below)
    rows = min(max(LINES - taken, ROWS.start), ROWS.stop - 1)
    return [*above, *_values(chart, first, spacing, rows), *ranges, *_axis(shown, spacing), LEGEND, *below]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, COLUMNS, subsequent_indent="  ")


def _phases_shown(chart: Chart, first: int) -> list[Phase]:
    return [phase for phase in chart.phases if phase.end > first and phase.limits]


def _grid(
    rows: Sequence[str], names: Sequence[str], cells: Sequence[Sequence[str]], sign: str
) -> list[str]:
    """Labels, cells and what is said at their ends, a line a row."""
    return [f"{label:>{LABEL}} {sign}{''.join(row)}{name}".rstrip() for label, row, name in zip(rows, cells, names, strict=True)]


def _values(chart: Chart, first: int, spacing: int, rows: int) -> list[str]:
    """The chart of individuals."""
    shown = chart.points[first:]
    phases = _phases_shown(chart, first)
    known = [phase.limits for phase in phases if phase.limits]
    down = values_scale([point.value for point in shown], known, rows - 0.5, -0.5)
    grid = [[" "] * (len(shown) * spacing) for _ in range(rows)]
    names = [""] * rows

    def row(value: float) -> int:
        return min(rows - 1, max(0, round(down.within(value))))

    for phase in phases:
        assert phase.limits
        for value, sign in ((phase.limits.mean, "."), (phase.limits.lower, "-"), (phase.limits.upper, "-")):
            for column in _columns(phase, first, spacing):
                grid[row(value)][column] = sign
    last = chart.phases[-1].limits
    if last:
        for name, value in (("mean", last.mean), ("lower", last.lower), ("upper", last.upper)):
            names[row(value)] = f" {name} {value:.{places_for(last.sigma)}f}"
    for n, point in enumerate(shown):
        grid[row(point.value)][n * spacing] = _mark(point, first + n in chart.signals_of_values)
    step = (down.high - down.low) / rows
    labels = [f"{down.high - (n + 0.5) * step:.{places_for(step)}f}" for n in range(rows)]
    return _grid(labels, names, grid, "|")


def _ranges(chart: Chart, first: int, spacing: int) -> list[str]:
    """The chart of moving ranges, in few rows; none leads from one phase to the next."""
    shown = chart.ranges[first:]
    held = [each for each in shown if each is not None]
    if not held:
        return []
    phases = _phases_shown(chart, first)
    up = range_scale(held, [phase.limits for phase in phases if phase.limits], RANGE_ROWS - 0.5, -0.5)
    grid = [[" "] * (len(shown) * spacing) for _ in range(RANGE_ROWS)]
    names = [""] * RANGE_ROWS

    def row(value: float) -> int:
        return min(RANGE_ROWS - 1, max(0, round(up.within(value))))

    for phase in phases:
        assert phase.limits
        for value, sign in ((phase.limits.mean_range, "."), (phase.limits.range_upper, "-")):
            for column in _columns(phase, first, spacing):
                grid[row(value)][column] = sign
    last = chart.phases[-1].limits
    if last:
        for name, value in (("mean", last.mean_range), ("upper", last.range_upper)):
            names[row(value)] = f" {name} {value:.{places_for(last.sigma)}f}"
    for n, each in enumerate(shown):
        if each is not None:
            fires = "moving-range" in chart.signals.get(first + n, ())
            grid[row(each)][n * spacing] = "*" if fires else "o"
    step = up.high / RANGE_ROWS
    labels = [f"{up.high - (n + 0.5) * step:.{places_for(step)}f}" for n in range(RANGE_ROWS)]
    return [f"{'ranges':>{LABEL}} +", *_grid(labels, names, grid, "|")]


def _columns(phase: Phase, first: int, spacing: int) -> Iterable[int]:
    return range((max(phase.start, first) - first) * spacing, (phase.end - first) * spacing)


def _axis(shown: Sequence[Point], spacing: int) -> list[str]:
    """The foot of both charts: from which batch to which."""
    width, ends = len(shown) * spacing, f"{shown[0].batch} to {shown[-1].batch}"
    return [f"{'':>{LABEL}} +{'-' * width} {ends}"] if LABEL + 3 + width + len(ends) <= COLUMNS else [
        f"{'':>{LABEL}} +{'-' * width}",
        f"{'':>{LABEL}}  {ends}",
    ]


def _beyond(chart: Chart, first: int) -> list[str]:
    """Values that lie so far out that they stand at the edge."""
    known = [phase.limits for phase in _phases_shown(chart, first) if phase.limits]
    down = values_scale([point.value for point in chart.points[first:]], known, 0, 1)
    out = [f"{each.batch} {each.value:.6g}" for each in chart.points[first:] if not down.low <= each.value <= down.high]
    if not out:
        return []
    more = f" and {len(out) - 3} more" if len(out) > 3 else ""
    return _wrapped(f"At the edge, farther out: {', '.join(out[-3:])}{more}")


def _mark(point: Point, signal: bool) -> str:
    return "R" if point.rejected else "x" if point.failing else "*" if signal else "o"


def _specification(chart: Chart) -> list[str]:
    """The specification on a line of its own, and where the control limits lie within it."""
    wanted, limits = chart.specification, chart.phases[-1].limits
    if wanted.low is None and wanted.high is None:
        return ["Specification: none of its own"]
    low, high = ("" if each is None else f"{each:g}" for each in (wanted.low, wanted.high))
    text = (
        f"Specification {low} to {high}"
        if low and high
        else f"Specification at {'least' if low else 'most'} {low or high}"
    )
    text += "" if wanted.verified else " (not verified)"
    if not (limits and wanted.low is not None and wanted.high is not None):
        return [text]
    ends = "  [.] control"
    room = COLUMNS - len(text) - 3 - len(ends)
    across = scale_over([wanted.low, wanted.high, limits.lower, limits.upper], 0, room - 1, 0.0)
    cells = [" "] * room
    for value, sign in (
        (limits.mean, "."), (limits.lower, "["), (limits.upper, "]"), (wanted.low, "|"), (wanted.high, "|"),
    ):  # fmt: skip
        cells[round(across.at(value))] = sign
    return [f"{text}   {''.join(cells)}{ends}"]


def _signals(chart: Chart) -> list[str]:
    """What each rule that fires says, a line a rule; of many, their names and latest batches."""
    lines = signal_lines(chart)
    if not lines:
        return ["Signals: none"]
    if len(lines) <= MOST_RULES:
        return [each for line in lines for each in _wrapped(f"  {line}")]
    latest = {rule: place for place, rules in chart.signals.items() for rule in rules}
    said = [f"{short_rule(rule)} {chart.points[latest[rule]].batch}" for rule in chart.rules if rule in latest]
    return _wrapped(f"Signals, the latest of each rule: {', '.join(said)}; --json names all")


def _capability(chart: Chart) -> Sequence[str]:
    index = chart.capability
    if index is None:
        return _wrapped(chart.capability_says)
    named = ((name, each) for name, each in (("Cpk", index.cpk), ("Ppk", index.ppk)))
    text = ", ".join(f"{name} {each.value:.2f} ({each.low:.2f} to {each.high:.2f})" for name, each in named)
    return _wrapped(f"{text}, {100 * index.confidence:g} % confidence. {chart.capability_says}")
