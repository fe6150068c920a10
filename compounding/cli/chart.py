"""``compounding qc chart`` and ``qc baseline``: the batches of one product and strength, one after the other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from compounding.cli.app import App, Decision, nearest
from compounding.cli.batch import finish
from compounding.cli.ids import BATCH
from compounding.cli.ordering import form_ordered
from compounding.cli.show import emit, json_option, notice
from compounding.problems import NotUnderstood, Problem, Refused, stopping
from compounding.records.series import (
    baseline_subject,
    made_of,
    made_prefix,
    rejected_subject,
    results_subject,
    series_name,
    set_aside_subject,
)

if TYPE_CHECKING:
    from compounding.records.facts import Recorded
    from compounding.records.formula import Test
    from compounding.work.charting import Chart, Phase, Point


class Series(NamedTuple):
    """What the journal says of one trait of one product and strength: its test, points, and baselines."""

    name: str
    form: str | None
    test: Test
    points: tuple[Point, ...]
    without: tuple[str, ...]
    unit: str
    frozen: list[Recorded]


def series_options(command: Any) -> Any:
    """The options that name a series and a baseline."""
    for option in (
        click.option("--baseline-batches", type=click.IntRange(min=2), metavar="N", help="Baseline: the first N batches."),
        click.option("--baseline", metavar="DAY..DAY", help="Baseline: batches prepared from one day to another, both included."),
        click.option("--trait", default="assay", show_default=True, help="What was tested, as the formula calls it."),
        click.option("--strength-of", metavar="FORM", help="The form that the strength counts, such as base; default: the formula's own."),
        click.option("--strength", required=True, metavar="STRENGTH", help='Such as "1.5 mg", "1 mg/mL" or "100 mg/g".'),
        click.argument("product", metavar="PRODUCT"),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command()
@series_options
@click.option(
    "--rules",
    default="nelson",
    show_default=True,
    metavar="NAMES",
    help="nelson, western-electric, or single rules such as nelson-2; with commas between.",
)
@click.option(
    "--last",
    type=click.IntRange(2, 400),
    default=100,
    show_default=True,
    metavar="N",
    help="Draw the latest N batches; all are judged.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the chart as FILE.pdf or FILE.svg.",
)
@json_option
@click.pass_obj
def chart(app: App, /, product: str, rules: str, last: int, out: Path | None, as_json: bool, **given: Any) -> None:
    """Control chart of a trait, batch after batch: individuals and moving ranges, with their signals.

    \b
    compounding qc chart naltrexone-capsule --strength "1.5 mg"
    compounding qc chart naltrexone-capsule --strength "1.5 mg" --rules western-electric --out assay.pdf
    """
    from compounding.store.files import check_paper, write_whole
    from compounding.work.charting import baseline_chosen, chart_of, phases_of, rules_named

    asked = rules_named(rules)
    if out:
        check_paper(out, may_replace=True, kinds=(".pdf", ".svg"))
    series = read_series(app, product, given)
    tried = None
    if _one_baseline(given):
        tried = baseline_chosen(series.points, given["baseline"], given["baseline_batches"])
    phases = phases_of(series.points, series.frozen, tried)
    made = (series.points, series.without, series.unit)
    found = chart_of(product, series.name.partition("/")[2], series.test, made, phases, asked)
    if out:
        from compounding.documents.chart import draw_chart

        files, problems = draw_chart(found, app.journal.short_code(), app.today().isoformat(), last)
        if stopping(problems):
            raise Refused(problems)
        write_whole(out, files[out.suffix.lower()])
    if as_json:
        emit(chart_data(found) | ({"file": str(out)} if out else {}))
        return
    if out:
        click.echo(f"Control chart of {found.trait}, {len(found.points):,} batches, written to {out}")
        return
    from compounding.documents.chart_lines import chart_lines

    click.echo("\n".join(chart_lines(found, last)))
    if found.without:
        shown = ", ".join(found.without[:5]) + (
            f" and {len(found.without) - 5:,} more" if len(found.without) > 5 else ""
        )
        notice(f"Without a result: {shown}")


@click.command()
@series_options
@click.option(
    "--leave-out", multiple=True, type=BATCH, help="A batch with a known cause; repeat it, and give the reason."
)
@click.option("--reason", help="Why there is a new baseline, or why batches are left out.")
@json_option
@click.pass_obj
def baseline(
    app: App, /, product: str, leave_out: tuple[str, ...], reason: str | None, as_json: bool, **given: Any
) -> None:
    """Freeze the limits of a control chart: computed once, kept until the next baseline.

    \b
    compounding qc baseline naltrexone-capsule --strength "1.5 mg" --baseline 2026-01-01..2026-06-30
    """
    from compounding.work.charting import baseline_chosen, freeze_baseline

    if not _one_baseline(given):
        text = "Say which batches: --baseline 2026-01-01..2026-06-30, or --baseline-batches 20 for the first 20"
        raise NotUnderstood(Problem("baseline.which", text, "baseline"))

    def decide() -> Decision:
        name = series_name(product, given["strength"])
        series = read_series(app, product, given)
        subject = baseline_subject(series.name, series.test.trait)
        read = (results_subject(series.name, series.test.trait), set_aside_subject(series.name))
        seen = app.journal.last_seen([subject, *read])
        chosen = baseline_chosen(series.points, given["baseline"], given["baseline_batches"], leave_out)
        fact, problems = freeze_baseline(
            product,
            name.partition("/")[2],
            series.form,
            series.test,
            series.unit,
            chosen,
            series.frozen,
            app.person,
            leave_out,
            reason,
        )
        return Decision([(fact, (subject,))] if fact else [], problems, seen, reason)

    decision, entries = app.record(decide)
    fact: Any = decision.facts[0][0]
    says = f"Baseline of {fact.trait} frozen from {len(fact.batches)} batches: {_short(fact.lower)} to {_short(fact.upper)}, mean {_short(fact.mean)} {fact.unit}"
    finish(decision, entries, says.rstrip() + ".", as_json)


def _short(digits: str) -> str:
    return f"{float(digits):.6g}"


def _one_baseline(given: dict[str, Any]) -> bool:
    """Whether a baseline was named; two are one too many."""
    if given["baseline"] and given["baseline_batches"]:
        text = "--baseline and --baseline-batches were both given: give one of them"
        raise NotUnderstood(Problem("baseline.which", text, "baseline"))
    return bool(given["baseline"] or given["baseline_batches"])


def read_series(app: App, product: str, given: dict[str, Any]) -> Series:
    """Everything that the journal holds about one trait of one product and strength.

    Raises:
        Refused: no batch of it was ever opened, or none has a result.
        NotUnderstood: the trait is none of its formula.
    """
    from compounding.records.facts import read_written
    from compounding.records.formula import read_formula
    from compounding.work.charting import OF_LABEL, points_of, trait_named

    form = None
    if given["strength_of"]:
        formula = read_formula(*app.formula_text(product))
        named = form_ordered(formula, given["strength_of"], app.today())
        form = None if named == formula.substance else named
    name = series_name(product, given["strength"], form)
    made = app.journal.subjects(made_prefix(name))
    if not made:
        raise Refused(Problem("chart.no-batches", f"No batch of {name} was ever opened here{_others(app, name)}", name))
    latest = app.batch(made_of(max(made, key=lambda subject: made[subject]))[1])
    test = trait_named(latest.formula, given["trait"])
    results = map(read_written, app.journal.written(results_subject(name, test.trait)))
    rejections = map(read_written, app.journal.written(rejected_subject(name)))
    set_aside = map(read_written, app.journal.written(set_aside_subject(name)))
    label = latest.plan.strength if test.kind in OF_LABEL else None
    points, without, unit = points_of(made, results, rejections, label, set_aside)
    if not points:
        text = f"None of the {len(made)} batches of {name} has a result for {test.trait} yet: record one with compounding qc"
        raise Refused(Problem("chart.no-results", text, test.trait))
    frozen = app.recorded(baseline_subject(name, test.trait))
    return Series(name, form, test, points, without, unit, frozen)


def _others(app: App, name: str) -> str:
    known = {subject.removeprefix("made:").rsplit(":", 2)[0] for subject in app.journal.subjects("made:")}
    return nearest(name, sorted(known))


def _rounded(value: float | None) -> float | None:
    """A difference of two results without the noise of binary numbers: no result has more than nine decimals."""
    return value if value is None else round(value, 9)


def chart_data(found: Chart) -> dict[str, Any]:
    """The whole chart as data."""
    fired = found.signals
    return {
        "product": found.product,
        "strength": found.strength,
        "trait": found.trait,
        "unit": found.unit,
        "rules": list(found.rules),
        "batches": [
            {
                "batch": point.batch,
                "prepared": point.prepared,
                "value": point.value,
                "moving_range": _rounded(found.ranges[place]),
                "entry": point.entry,
                "verdict": "fail" if point.failing else "pass",
                "rejected": point.rejected,
                "later": list(point.later),
                "set_aside": list(point.set_aside),
                "signals": fired.get(place, []),
            }
            for place, point in enumerate(found.points)
        ],
        "without_result": list(found.without),
        "phases": [_phase_data(found, phase) for phase in found.phases],
        "specification": vars(found.specification),
        "capability": found.capability and _capability_data(found),
        "capability_says": found.capability_says,
    }


def _phase_data(found: Chart, phase: Phase) -> dict[str, Any]:
    limits = phase.limits
    return {
        "first_batch": found.points[phase.start].batch,
        "last_batch": found.points[phase.end - 1].batch,
        "batches": phase.end - phase.start,
        "limits_from": phase.says,
        "frozen_entry": phase.frozen.sequence if phase.frozen else None,
        "frozen_by": phase.frozen.person if phase.frozen else None,
        "limits": limits
        and {
            "n": limits.n,
            "mean": limits.mean,
            "sigma": limits.sigma,
            "lower": limits.lower,
            "upper": limits.upper,
            "mean_range": limits.mean_range,
            "range_upper": limits.range_upper,
            "provisional": limits.provisional,
        },
    }


def _capability_data(found: Chart) -> dict[str, Any]:
    index = found.capability
    assert index
    named = {"cp": index.cp, "cpk": index.cpk, "pp": index.pp, "ppk": index.ppk}
    return {
        "n": index.n,
        "confidence": index.confidence,
        **{name: each and {"value": each.value, "low": each.low, "high": each.high} for name, each in named.items()},
    }
