"""The control chart in a terminal of 80 columns and 24 lines: letters alone, no colour."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from compounding.documents.chart import batches_counted, places_for, scale_over, signal_lines, values_scale
from compounding.work.charting import Chart, Point

COLUMNS, ROWS, PLOT = 79, 10, 54
LABEL = 9
MOST_RULES = 3
LEGEND = "o batch   * signals   x fails its test   R rejected   - control limit   . mean"


def chart_lines(chart: Chart, last: int = PLOT) -> list[str]:
    """The chart of individuals, its limits, the specification, signals and capability; at most 23 lines.

    Args:
        chart: with at least one point.
        last: how many of the latest batches are drawn [at most 54]; all are judged.
    """
    points = chart.points
    first = max(0, len(points) - min(last, PLOT))
    head = f"{chart.product}, {chart.strength}: {chart.trait}" + (", % of label" if chart.unit == "%" else "")
    which = f"{batches_counted(len(points))}, {chart.days}"
    which += f"; last {len(points) - first} drawn, all judged" if first else ""
    return [
        head,
        which,
        *_wrapped(f"Limits {chart.phases[-1].says}.", 1),
        *_plot(chart, first),
        LEGEND,
        *_specification(chart),
        *_signals(chart),
        *_beyond(chart, first),
        *_capability(chart),
    ]


def _wrapped(text: str, most: int) -> list[str]:
    """A text over at most so many lines; the whole of it stands in ``--json``."""
    return textwrap.wrap(text, COLUMNS, subsequent_indent="  ", max_lines=most, placeholder=" ...")


def _plot(chart: Chart, first: int) -> list[str]:
    shown = chart.points[first:]
    phases = [phase for phase in chart.phases if phase.end > first and phase.limits]
    known = [phase.limits for phase in phases if phase.limits]
    down = values_scale([point.value for point in shown], known, ROWS - 0.5, -0.5)
    spacing = 2 if len(shown) * 2 <= PLOT else 1
    grid = [[" "] * (len(shown) * spacing) for _ in range(ROWS)]
    names = [""] * ROWS

    def row(value: float) -> int:
        return min(ROWS - 1, max(0, round(down.within(value))))

    for phase in phases:
        assert phase.limits
        columns = range((max(phase.start, first) - first) * spacing, (phase.end - first) * spacing)
        for value, sign in ((phase.limits.mean, "."), (phase.limits.lower, "-"), (phase.limits.upper, "-")):
            for column in columns:
                grid[row(value)][column] = sign
    last = chart.phases[-1].limits
    if last:
        for name, value in (("mean", last.mean), ("lower", last.lower), ("upper", last.upper)):
            names[row(value)] = f" {name} {value:.{places_for(last.sigma)}f}"
    for n, point in enumerate(shown):
        grid[row(point.value)][n * spacing] = _mark(point, first + n in chart.signals)
    step = (down.high - down.low) / ROWS
    labels = [f"{down.high - (n + 0.5) * step:.{places_for(step)}f}" for n in range(ROWS)]
    lines = [
        f"{label:>{LABEL}} |{''.join(cells)}{name}".rstrip()
        for label, cells, name in zip(labels, grid, names, strict=True)
    ]
    ends = f"{shown[0].batch} to {shown[-1].batch}"
    return [
        *lines,
        f"{'':>{LABEL}} +{'-' * (len(shown) * spacing)} {ends if len(shown) * spacing < 34 else ''}".rstrip(),
    ] + ([f"{'':>{LABEL}}  {ends}"] if len(shown) * spacing >= 34 else [])


def _beyond(chart: Chart, first: int) -> list[str]:
    """Values that lie so far out that they stand at the edge."""
    known = [phase.limits for phase in chart.phases if phase.end > first and phase.limits]
    down = values_scale([point.value for point in chart.points[first:]], known, 0, 1)
    out = [f"{each.batch} {each.value:.6g}" for each in chart.points[first:] if not down.low <= each.value <= down.high]
    return _wrapped(f"At the edge, farther out: {', '.join(out)}", 1) if out else []


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
    lines = signal_lines(chart)
    if not lines:
        return ["Signals: none"]
    if len(lines) > MOST_RULES:
        lines = [*lines[: MOST_RULES - 1], f"and {len(lines) - MOST_RULES + 1} more rules; --json lists all"]
    return [each for line in lines for each in _wrapped(f"  {line}", 1)]


def _capability(chart: Chart) -> Sequence[str]:
    index = chart.capability
    if index is None:
        return _wrapped(chart.capability_says, 2)
    named = ((name, each) for name, each in (("Cpk", index.cpk), ("Ppk", index.ppk)))
    text = ", ".join(f"{name} {each.value:.2f} ({each.low:.2f} to {each.high:.2f})" for name, each in named)
    return _wrapped(f"{text}, {100 * index.confidence:g} % confidence. {chart.capability_says}", 2)
