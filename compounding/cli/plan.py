"""``compounding plan``: a plan without recording anything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from compounding.cli.app import App, fail_if_stopped
from compounding.cli.ids import FORMULA, Id
from compounding.cli.ordering import (
    CERTIFICATE,
    CORRECTION,
    TABLET_CONTENT,
    balance_from,
    corrections,
    fill_spread,
    materials_from,
    order_from,
    order_options,
    refuse_what_lots_say,
    said_by_options,
    source_described,
    with_options,
)
from compounding.cli.show import emit, json_option, notice, say, table
from compounding.problems import Refused, stopping
from compounding.quantities import cut, quantity, told
from compounding.records.formula import Formula, digest_of, read_formula
from compounding.records.plan import Plan
from compounding.records.record import as_data
from compounding.records.stock import Lot
from compounding.work.gathering import Choice
from compounding.work.plan_words import expected_rows, simulated_text, source_rows
from compounding.work.planned import check_day, plan_from_lots
from compounding.work.planned import plan as make_plan
from compounding.work.stocking import only_source

if TYPE_CHECKING:
    from compounding.calc.simulation import Simulated

# A million batches are thirty million capsules: some seconds.
MOST_SIMULATED = 1_000_000


@click.command()
@click.argument("id", type=FORMULA)
@order_options
@click.option(
    "--from",
    "source",
    type=Id("lot", words=("tablet", "powder")),
    help="What carries the active: tablets or powder as described by the options, or a lot of either or of a "
    "trituration; default: the only lot on the shelf that can, or tablets if an option describes a material.",
)
@click.option("--tablet-weight", metavar="MASS", help='Average weight of the tablets in hand, such as "302.4 mg".')
@click.option("--tablet-weights", metavar="FILE", help="File with the weight of each tablet, one a line.")
@click.option("--capsule-size", metavar="SIZE", help="Size of the shells, such as 3.")
@click.option("--shell-maker", metavar="NAME", help="Maker of the shells, such as coni-snap.")
@click.option("--shell-weight", metavar="MASS", help="Mean weight of 20 empty shells; default: the maker's figure.")
@click.option("--filler", metavar="MATERIAL", help="Another filler that the formula allows.")
@click.option("--filler-packing", metavar="MASS", help='Filler that fills one capsule of the size, such as "135 mg".')
@click.option("--filler-density", metavar="DENSITY", help='Tapped density of the filler, such as "0.45 g/mL".')
@click.option("--source-packing", metavar="MASS", help="Source powder that fills one capsule of the size.")
@with_options(*TABLET_CONTENT, *CERTIFICATE, *CORRECTION)
@click.option("--explain", is_flag=True, help="Show each step as an equation with numbers and units.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.pdf",
    help="Write the plan as PDF too, with each step of its calculation; it may replace a PDF.",
)
@click.option(
    "--simulate",
    type=click.IntRange(1, MOST_SIMULATED),
    metavar="BATCHES",
    help="Draw so many batches of capsules too and test each for content uniformity; needs the extra simulation.",
)
@json_option
@click.pass_obj
def plan(
    app: App,
    /,
    id: str,
    source: str | None,
    explain: bool,
    out: Path | None,
    simulate: int | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Plan a batch without recording anything.

    \b
    compounding plan naltrexone-capsule --strength "1.5 mg" --count 100 --from TAB-1
    compounding plan naltrexone-oral-liquid --concentration "1 mg/mL" --volume "60 mL" \\
      --tablet-weight "302.4 mg" --readability "0.1 mg" --minimum-weight "20 mg"
    """
    text, name = app.formula_text(id)
    formula = read_formula(text, name)
    order = order_from(app, formula, given)
    digest = digest_of(text)
    if source is None and app.has_settings and not said_by_options(given) and (shelf := app.lots()):
        source = only_source(formula, shelf, order.prepared).id
    lots: list[Lot] = []
    if source in (None, "tablet", "powder"):
        materials = materials_from(app, formula, source_described(source, given), given, order.prepared)
        made, problems = make_plan(formula, digest, order, materials)
    else:
        refuse_what_lots_say(given)
        choice = Choice(source, filler_material=given["filler"])
        balance, lots = balance_from(app, given), app.lots()
        how = (*corrections(app, given), fill_spread(app))
        made, problems = plan_from_lots(formula, digest, order, lots, choice, balance, *how)
        if made is not None and order.volume is not None:
            from compounding.work.liquids import other_strengths

            problems += other_strengths(order, formula, [app.batch(each) for each in app.ids("batch:")])
    if made is not None:
        problems += check_day(made, lots, app.today())
    if made is None or stopping(problems):
        raise Refused(problems)
    drawn = _drawn(made, simulate) if simulate else None
    if out is not None:
        _write(app, made, formula, out)
    if as_json:
        emit({**plan_data(made), **_drawn_data(drawn), "problems": [vars(problem) for problem in problems]})
    else:
        say(plan_text(made, explain=explain))
        if drawn is not None:
            say(f"\n  simulated         {simulated_text(drawn)}")
        if explain:
            for line in _samples(formula, made):
                say(line)
        for problem in problems:
            notice(problem.text)
    fail_if_stopped(problems)


def _write(app: App, made: Plan, formula: Formula, out: Path) -> None:
    """The plan as PDF, with the lots that it names."""
    from compounding.cli.wording import own_texts
    from compounding.documents.texts import read_warning
    from compounding.documents.worksheet import draw_worksheet
    from compounding.store.files import check_paper, write_whole
    from compounding.work.worksheets import plan_sheet

    check_paper(out, may_replace=True)
    ids = {line.lot for line in made.lines} | {made.capsule.lot if made.capsule else None}
    lots = {lot.id: lot for each in filter(None, ids) if (lot := app.lot(each))}
    warning = read_warning(formula.label.warning, own=own_texts(app))
    pdf, problems = draw_worksheet(plan_sheet(made, formula, lots, warning))
    if stopping(problems):
        raise Refused(problems)
    write_whole(out, pdf)
    notice(f"Written to {out}")


def _drawn(made: Plan, batches: int) -> Simulated:
    from compounding.work.doubts import simulated

    return simulated(made, batches)


def _drawn_data(drawn: Simulated | None) -> dict[str, Any]:
    """What drawing batches found, for the JSON of a plan that asked for it."""
    if drawn is None:
        return {}
    shares = {"chance": drawn.chance, "stage_1": drawn.stage_1, "standard_error": drawn.standard_error}
    return {"simulated": {"batches": drawn.batches} | {f"{name}_percent": 100 * each for name, each in shares.items()}}


def _samples(formula: Formula, made: Plan) -> list[str]:
    """What the tests of the formula will take from the batch, and whether what is made beyond the order covers it."""
    from compounding.cli.results import sampling_lines
    from compounding.work.sampling import sampling

    found, problems = sampling(formula, made.made, made.ordered, ())
    return ["", "What the tests take", *sampling_lines(found, "planned"), *[f"  ! {each.text}" for each in problems]]


def plan_data(made: Plan) -> dict[str, Any]:
    """A plan as the JSON of the command line: a liquid has its concentration beside the strength."""
    data: dict[str, Any] = as_data(made)
    return data | ({"concentration": made.strength} if made.volume else {})


def plan_text(made: Plan, *, explain: bool) -> str:
    """A plan for people."""
    lines = [
        f"{made.name}: {made.ordered} of {made.strength}",
        f"  formula {made.formula.id}, version {made.formula.version}",
        f"  active needed     {told(quantity(made.active.needed))} of {made.active.substance}, "
        f"with {made.overage_percent} % overage on the {made.overage_on}",
        *(f"  {name:<16}  {says}" for name, says in source_rows(made)),
        f"  balance           {made.balance.name}, {made.balance.readability}; {made.balance.figures}",
    ]
    if made.capsule:
        capsule = made.capsule
        lines.append(
            f"  capsule           size {capsule.size} of {capsule.maker} ({capsule.volume}): fill {capsule.fill}, "
            f"filled {capsule.theoretical_weight}, packed {capsule.packed_percent} %"
        )
    rows = [
        (
            line.material,
            line.lot or "",
            line.exact if explain else cut(line.exact, 4),
            line.target,
            f"{line.low} to {line.high}",
        )
        for line in made.lines
    ]
    lines += ["", table(("material", "lot", "exact", "weigh or measure", "limits"), rows, right=(2, 3)), ""]
    lines += [f"  {name:<18}{says}" for name, says in expected_rows(made)]
    beyond = made.beyond_use
    lines += [
        f"  use by            {beyond.date} ({beyond.days} days, {beyond.storage}); limited by {beyond.limited_by} [{beyond.source}]",
        "",
    ]
    lines += [f"  ! {warning}" for warning in made.warnings]
    lines += ["", *[f"{step.number:3}. {step.do}" for step in made.steps]]
    if explain:
        balance = made.balance
        says = f"  least mass on {balance.name}: {balance.figures}" + (f"  [{balance.source}]" if balance.source else "")
        lines += ["", "How it was worked out", says]
        for each in made.calculation:
            source_text = f"  [{each.source}]" if each.source else ""
            lines += [
                f"{each.number:3}. {each.gives}{source_text}",
                f"       {each.equation}",
                f"       {each.working}",
                f"       = {each.result}",
            ]
        lines += ["", "How sure it is, in percent of a dose"]
        doubts = [(each.source, each.relative_percent, each.kind, each.origin) for each in made.expected.budget]
        lines.append(table(("contribution", "standard %", "of", "origin"), doubts, right=(1,)))
        lines += [f"  {each.source}: {each.basis}" for each in made.expected.budget]
        lines += ["", f"  beyond use: {beyond.rule}"]
    return "\n".join(lines)
