"""``compounding plan``, and the options that planning and opening a batch share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import click

from compounding.cli.app import App, fail_if_stopped, read_text
from compounding.cli.show import emit, json_option, notice, table
from compounding.problems import NotUnderstood, Problem, Refused
from compounding.quantities import count, percent, quantity, told
from compounding.records.formula import Formula, digest_of, read_formula
from compounding.records.plan import Plan
from compounding.records.record import as_data
from compounding.rules.shells import shell_of
from compounding.work.gathering import Choice, balance_of, gather
from compounding.work.materials import Balance, Filler, Materials, Order, Shells, Tablets
from compounding.work.planned import plan as make_plan

F = TypeVar("F", bound=Callable[..., Any])


def order_options(command: F) -> F:
    """The options that say what is ordered, and on which balance it is weighed."""
    for option in reversed(
        (
            click.option("--strength", metavar="MASS", help='Active in one capsule, such as "1.5 mg".'),
            click.option("--count", "number", type=click.IntRange(min=1), metavar="N", help="Capsules ordered."),
            click.option("--concentration", metavar="MASS/VOLUME", help='Active in a liquid, such as "1 mg/mL".'),
            click.option("--volume", metavar="VOLUME", help='Liquid ordered, such as "60 mL".'),
            click.option("--dose", metavar="MASS", help='One dose of the liquid, such as "4.5 mg".'),
            click.option(
                "--overage", metavar="PERCENT", help='Added for losses, such as "5 %"; default: the formula\'s.'
            ),
            click.option(
                "--overage-on",
                type=click.Choice(["batch", "active"]),
                help="Every ingredient, or the source alone; default: the formula's.",
            ),
            click.option("--prepared", metavar="DATE", help="Day of preparation, such as 2026-11-22; default: today."),
            click.option("--balance", metavar="NAME", help="A balance of the settings; default: the only one."),
            click.option("--readability", metavar="MASS", help='Smallest step of the balance, such as "0.1 mg".'),
            click.option("--minimum-weight", metavar="MASS", help='Least mass the balance may weigh, such as "20 mg".'),
        )
    ):
        command = option(command)
    return command


def day(app: App, text: str | None) -> date:
    """The day of preparation."""
    if text is None:
        return app.today()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotUnderstood(
            Problem("date.not-understood", f"{text!r} is not a date: write 2026-11-22, year first", text)
        ) from None


def order_from(app: App, formula: Formula, given: dict[str, Any]) -> Order:
    """The order that the options describe.

    Raises:
        NotUnderstood: an option is missing for this form, or belongs to the other.
    """
    capsule = formula.dosage_form == "capsule"
    wanted, other = ({"strength", "number"}, {"concentration", "volume", "dose"})
    names = {"number": "count"}
    if not capsule:
        wanted, other = {"concentration", "volume"}, {"strength", "number"}
    missing = sorted(f"--{names.get(key, key)}" for key in wanted if given[key] is None)
    stray = sorted(f"--{names.get(key, key)}" for key in other if given[key] is not None)
    if missing or stray:
        text = f"{formula.id} makes a {formula.dosage_form}: " + " and ".join(
            filter(
                None,
                (f"give {', '.join(missing)}" if missing else "", f"leave out {', '.join(stray)}" if stray else ""),
            )
        )
        raise NotUnderstood(Problem("order.options", text, (missing + stray)[0]))
    return Order(
        strength=quantity(given["strength"] if capsule else given["concentration"]),
        count=given["number"] if capsule else None,
        volume=None if capsule else quantity(given["volume"]),
        overage=percent(given["overage"] or formula.overage),
        overage_on=given["overage_on"] or formula.overage_on,
        prepared=day(app, given["prepared"]),
        dose=quantity(given["dose"]) if given["dose"] else None,
    )


def balance_from(app: App, given: dict[str, Any]) -> Balance:
    """The balance that the options or the settings name."""
    if given["readability"] or given["minimum_weight"]:
        if not (given["readability"] and given["minimum_weight"]):
            raise NotUnderstood(
                Problem("balance.options", "Give --readability and --minimum-weight together", "balance")
            )
        return balance_of(
            given["balance"] or "the balance", quantity(given["readability"]), quantity(given["minimum_weight"])
        )
    if not app.has_settings:
        text = "The balance is not known: give --readability and --minimum-weight, or a settings file"
        raise NotUnderstood(Problem("balance.unknown", text, "balance"))
    balances = app.settings.balances
    name = given["balance"] or (next(iter(balances)) if len(balances) == 1 else None)
    if name not in balances:
        raise NotUnderstood(
            Problem("balance.unknown", f"Name the balance: --balance {' or '.join(balances)}", "balance")
        )
    return balance_of(name, quantity(balances[name].readability), quantity(balances[name].minimum_weight))


def _tablets_from(formula: Formula, given: dict[str, Any]) -> Tablets:
    one = count(1, "tablet")
    claim = quantity(formula.source[0].label_claim) / one
    if given["tablet_weights"]:
        file = Path(given["tablet_weights"])
        lines = [line.strip() for line in read_text(file, "weights", "give a file with one weight a line").splitlines()]
        weights = tuple(_mass(line, "a tablet weight") / one for line in lines if line and not line.startswith("#"))
        if not weights:
            raise NotUnderstood(
                Problem("weights.none", f"{file} holds no weights: write one a line, such as 302.4 mg", str(file))
            )
        return Tablets(claim, weights, len(weights))
    if given["tablet_weight"]:
        return Tablets(claim, (_mass(given["tablet_weight"], "--tablet-weight") / one,), None)
    text = "The tablets' weight is not known: weigh those in hand and give --tablet-weights FILE, --tablet-weight, or --from LOT"
    raise NotUnderstood(Problem("source.weight", text, "tablet-weight"))


def _mass(text: str, what: str) -> Any:
    value = quantity(text)
    if value.dimensionality != quantity("1 mg").dimensionality or value.magnitude <= 0:
        raise NotUnderstood(
            Problem("quantity.dimension", f"{what} is {text}: write a mass above zero, such as 302.4 mg", what)
        )
    return value


def _materials_from(app: App, formula: Formula, given: dict[str, Any], on: date) -> Materials:
    """Materials without lots, from options alone."""
    shells = filler = None
    if formula.filler:
        if not given["capsule_size"] or not given["shell_maker"]:
            raise NotUnderstood(
                Problem(
                    "capsule.unknown", "Name the capsule: --capsule-size and --shell-maker; makers differ", "capsule"
                )
            )
        stated = shell_of(given["shell_maker"], given["capsule_size"], on)
        weight = _mass(given["shell_weight"], "--shell-weight") if given["shell_weight"] else stated.weight
        if weight is None:
            text = f"How much an empty shell of {stated.maker} weighs is not known: weigh 20 and give --shell-weight"
            raise NotUnderstood(Problem("shells.weight", text, "shell-weight"))
        shells = Shells(stated.size, stated.maker, stated.volume, weight)
        if not given["filler_packing"] and not given["filler_density"]:
            text = "How the filler packs is not known: give --filler-packing (mass in one capsule) or --filler-density"
            raise NotUnderstood(Problem("filler.packing", text, "filler"))
        filler = Filler(
            given["filler"] or formula.filler.material,
            _mass(given["filler_packing"], "--filler-packing") if given["filler_packing"] else None,
            quantity(given["filler_density"]) if given["filler_density"] else None,
        )
    packing = _mass(given["source_packing"], "--source-packing") if given["source_packing"] else None
    return Materials(_tablets_from(formula, given), balance_from(app, given), filler, shells, packing)


@click.command()
@click.argument("id", metavar="FORMULA")
@order_options
@click.option(
    "--from",
    "source",
    default="tablet",
    metavar="tablet|LOT",
    help="What carries the active: tablets, or a lot of them.",
    show_default=True,
)
@click.option("--tablet-weight", metavar="MASS", help='Average weight of the tablets in hand, such as "302.4 mg".')
@click.option("--tablet-weights", metavar="FILE", help="File with the weight of each tablet, one a line.")
@click.option("--capsule-size", metavar="SIZE", help="Size of the shells, such as 3.")
@click.option("--shell-maker", metavar="NAME", help="Maker of the shells, such as coni-snap.")
@click.option("--shell-weight", metavar="MASS", help="Mean weight of 20 empty shells; default: the maker's figure.")
@click.option("--filler", metavar="MATERIAL", help="Another filler that the formula allows.")
@click.option("--filler-packing", metavar="MASS", help='Filler that fills one capsule of the size, such as "135 mg".')
@click.option("--filler-density", metavar="DENSITY", help='Tapped density of the filler, such as "0.45 g/mL".')
@click.option("--source-packing", metavar="MASS", help="Tablet powder that fills one capsule of the size.")
@click.option("--explain", is_flag=True, help="Show each step as an equation with numbers and units.")
@json_option
@click.pass_obj
def plan(app: App, /, id: str, source: str, explain: bool, as_json: bool, **given: Any) -> None:
    """Plan a batch without recording anything.

    \b
    compounding plan naltrexone-capsule --strength "1.5 mg" --count 100 --from TAB-1
    compounding plan naltrexone-oral-liquid --concentration "1 mg/mL" --volume "60 mL" \\
      --tablet-weight "302.4 mg" --readability "0.1 mg" --minimum-weight "20 mg"
    """
    text, name = app.formula_text(id)
    formula = read_formula(text, name)
    order = order_from(app, formula, given)
    if source == "tablet":
        materials: Materials | None = _materials_from(app, formula, given, order.prepared)
        problems: list[Problem] = []
    else:
        choice = Choice(source, filler_material=given["filler"])
        materials, problems = gather(formula, app.lots(), choice, balance_from(app, given), order.prepared)
    if materials is None:
        raise Refused(problems)
    made, more = make_plan(formula, digest_of(text), order, materials)
    if made is None:
        raise Refused(problems + more)
    if as_json:
        emit({**plan_data(made), "problems": [vars(problem) for problem in problems + more]})
    else:
        click.echo(plan_text(made, explain=explain))
        for problem in problems + more:
            notice(problem.text)
    fail_if_stopped(problems + more)


def plan_data(made: Plan) -> dict[str, Any]:
    """A plan as the JSON of the command line: a liquid has its concentration beside the strength."""
    data: dict[str, Any] = as_data(made)
    return data | ({"concentration": made.strength} if made.volume else {})


def plan_text(made: Plan, *, explain: bool) -> str:
    """A plan for people."""
    what = f"{made.count} capsules of {made.strength}" if made.count else f"{made.volume} of {made.strength}"
    source = made.source
    lines = [
        f"{made.name}: {what}",
        f"  formula {made.formula.id}, version {made.formula.version}",
        f"  active needed     {told(quantity(made.active.needed))} of {made.active.substance}, "
        f"with {made.overage_percent} % overage on the {made.overage_on}",
        f"  tablets to crush  {source.tablets} ({source.tablets_exact} needed, average {source.average_weight}, claim {source.label_claim}); "
        f"{source.discarded} of powder left over",
    ]
    if made.capsule:
        capsule = made.capsule
        lines.append(
            f"  capsule           size {capsule.size} of {capsule.maker} ({capsule.volume}): fill {capsule.fill}, "
            f"filled {capsule.theoretical_weight}, packed {capsule.packed_percent} %"
        )
    rows = [
        (line.material, line.lot or "", line.exact, line.target, f"{line.low} to {line.high}") for line in made.lines
    ]
    lines += ["", table(("material", "lot", "exact", "weigh or measure", "limits"), rows, right=(2, 3)), ""]
    lines.append(
        f"  expected          {made.expected.strength}, {made.expected.error_percent} % from rounding to the balance"
    )
    if made.dose:
        lines.append(f"  dose              {made.dose.dose} is {made.dose.volume}")
    beyond = made.beyond_use
    lines += [
        f"  use by            {beyond.date} ({beyond.days} days, {beyond.storage}); limited by {beyond.limited_by} [{beyond.source}]",
        "",
    ]
    lines += [f"  ! {warning}" for warning in made.warnings]
    lines += ["", *[f"{step.number:3}. {step.do}" for step in made.steps]]
    if explain:
        lines += ["", "How it was worked out"]
        for each in made.calculation:
            source_text = f"  [{each.source}]" if each.source else ""
            lines += [
                f"{each.number:3}. {each.gives}{source_text}",
                f"       {each.equation}",
                f"       {each.working}",
                f"       = {each.result}",
            ]
        lines += ["", f"  beyond use: {beyond.rule}"]
    return "\n".join(lines)
