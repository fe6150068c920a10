"""``compounding options``: every way to make an order, compared. Nothing is recorded."""

from __future__ import annotations

import copy
import math
import textwrap
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import click

from compounding.cli.app import App
from compounding.cli.ordering import (
    balance_from,
    corrections,
    fill_spread,
    materials_from,
    order_from,
    refuse_what_lots_say,
)
from compounding.cli.plan import plan as plan_command
from compounding.cli.show import emit, notice, say
from compounding.problems import NotUnderstood, Problem
from compounding.quantities import amount, count, decimal_text, quantity, told, written
from compounding.records.formula import Formula, digest_of, read_formula
from compounding.records.stock import Lot
from compounding.rules.shells import shells_of
from compounding.work.materials import Order
from compounding.work.options import RULE, Figures, Wanted, Way, ranked, ways_from_lots, ways_from_materials

WIDTH = 100
TABLETS = ("tablet_weight", "tablet_weights")
POWDER = ("form", "assay", "assay_basis", "assay_of", "water", "loss_on_drying", "solvents")

Compared = Sequence[tuple[Way, Figures | None]]


COMPARED = {
    "source": "What carries the active: tablets, powder, or one lot of these or of a trituration; default: all are compared.",
    "method": "One procedure of the formula; default: all are compared.",
    "balance": "One balance of the settings; default: all are compared.",
    "capsule_size": "One size of the maker's shells, such as 3; default: all are compared.",
    "explain": "Show where the figures of each way come from.",
}


# A comparison is a table: no paper of one plan, and no batches drawn of it.
NOT_COMPARED = ("out", "simulate")


def _compared(option: click.Parameter) -> click.Parameter:
    """An option of `plan` as it is here: what is not named is compared."""
    own = copy.copy(option)
    if isinstance(own, click.Option) and own.name in COMPARED:
        own.help = COMPARED[own.name]
        if own.name != "explain":
            own.default, own.show_default = None, False
    return own


@click.command(params=[_compared(option) for option in plan_command.params if option.name not in NOT_COMPARED])
@click.pass_obj
def options(app: App, /, id: str, source: str | None, explain: bool, as_json: bool, **given: Any) -> None:
    """Compare every way to make an order: sources, procedures, balances, shells and fillers at hand.

    The options are those of plan. What you name is kept; what you leave out is compared.

    \b
    compounding options naltrexone-capsule --strength "1.5 mg" --count 100
    compounding options naltrexone-capsule --strength "1.5 mg" --count 100 --tablet-weight "302.4 mg" \\
      --shell-maker coni-snap --filler-density "0.45 g/mL" --readability "0.1 mg" --minimum-weight "20 mg"
    """
    text, name = app.formula_text(id)
    formula = read_formula(text, name)
    order = order_from(app, formula, given | {"method": given["method"] or "standard"})
    changed = any(given[key] for key in ("overage", "overage_on", "extra"))
    wanted = Wanted(source, given["method"], given["filler"], changed)
    lots: Sequence[Lot] = ()
    balances = [given | {"balance": each} for each in _balances(app, given)]
    if any(given[key] for key in (*TABLETS, *POWDER)):
        benches = [
            materials_from(app, formula, each, bench | size, order.prepared)
            for each in _kinds(source, given)
            for bench in balances
            for size in _sizes(formula, order, given)
        ]
        ways = ways_from_materials(formula, digest_of(text), order, benches, wanted)
    else:
        refuse_what_lots_say(given)
        lots = app.lots()
        on = [balance_from(app, each) for each in balances]
        ways = ways_from_lots(
            formula, digest_of(text), order, lots, on, wanted, *corrections(app, given), fill_spread(app)
        )
    compared = ranked(ways, order, lots)
    possible = any(figures for _, figures in compared)
    problems = [] if possible else [_none(formula, order, compared)]
    if as_json:
        emit(
            {
                "options": [_data(way, figures, first=not place) for place, (way, figures) in enumerate(compared)],
                "rule": RULE,
                "problems": [vars(each) for each in problems],
            }
        )
    else:
        say(options_text(formula, order, compared, explain=explain))
    for problem in problems:
        notice(f"{problem.text} [{problem.code}]")
    raise click.exceptions.Exit(0 if possible else 1)


# ---- what the options say ----


def _balances(app: App, given: dict[str, Any]) -> Sequence[str | None]:
    """The balances to compare, by name: the one that is named or described, else all of the settings."""
    if given["balance"] or given["readability"] or given["minimum_weight"] or not app.has_settings:
        return [given["balance"]]
    return list(app.settings.balances)


def _kinds(source: str | None, given: dict[str, Any]) -> Sequence[str]:
    """The kinds of source that the options describe."""
    if source in ("tablet", "powder"):
        return [source]
    if source:
        text = f"Lot {source} tells its own weights and certificate: leave those options out, or leave --from out"
        raise NotUnderstood(Problem("order.options", text, "from"))
    described = {"tablet": TABLETS, "powder": POWDER}
    return [kind for kind, keys in described.items() if any(given[key] for key in keys)]


def _sizes(formula: Formula, order: Order, given: dict[str, Any]) -> Sequence[dict[str, str]]:
    """The shells to compare: the size that is named, else every size of the maker."""
    if not formula.filler or given["capsule_size"] or not given["shell_maker"]:
        return [{}]
    of_one_size = [key for key in ("filler_packing", "source_packing", "shell_weight") if given[key]]
    if of_one_size:
        names = " and ".join(f"--{key.replace('_', '-')}" for key in of_one_size)
        text = f"{names}: of which size? Give --capsule-size; all sizes can be compared with --filler-density"
        raise NotUnderstood(Problem("capsule.unknown", text, "capsule-size"))
    return [{"capsule_size": shell.size} for shell in shells_of(given["shell_maker"], order.prepared)]


def _none(formula: Formula, order: Order, compared: Compared) -> Problem:
    """Nothing is possible: said in one sentence; the reasons stand with the ways."""
    drug = formula.substance.split()[0]
    if not compared:
        text = f"No tablets and no powder of {drug} are on the shelf: receive a lot, or describe what is in hand, as for plan"
    else:
        text = f"{_ordered(order)} cannot be made of what is at hand: the reasons stand with each way"
    return Problem("options.none", text, formula.id)


# ---- how it is shown ----


def _data(way: Way, figures: Figures | None, *, first: bool) -> dict[str, Any]:
    """One way as the JSON of the command line; what is not known of a refused way is null."""
    made, chosen = way.plan, way.chosen
    smallest = figures.smallest if figures else None
    return {
        "recommended": first and figures is not None,
        **vars(chosen),
        "volume": written(way.order.volume) if way.order and way.order.volume is not None else None,
        "overage_percent": decimal_text(way.order.overage * 100, 4) if way.order else None,
        "overage_on": way.order.overage_on if way.order else None,
        "weighings": figures.weighings if figures else None,
        "smallest_weighing": smallest.target if smallest else None,
        "smallest_weighing_of": smallest.material if smallest else None,
        "minimum_weight": made.balance.minimum_weight if made else None,
        "times_minimum": _number(figures.times_minimum, 1) if figures else None,
        "dilutions": figures.dilutions if figures else None,
        "tablets": figures.tablets if figures else None,
        "discarded": figures.discarded if figures else None,
        "wasted": written(figures.wasted) if figures and figures.wasted is not None else None,
        "active_taken": written(figures.active_taken, 1) if figures else None,
        "active_beyond_order": written(figures.beyond_order, 1) if figures else None,
        "cost": _number(figures.cost, 2) if figures else None,
        "expanded_uncertainty_percent": made.expected.expanded_uncertainty_percent if made else None,
        "chance_to_pass_percent": made.uniformity.chance_to_pass_percent if made and made.uniformity else None,
        "potency_chance_percent": made.uniformity.potency_percent if made and made.uniformity else None,
        "beyond_use": {"date": made.beyond_use.date, "days": made.beyond_use.days} if made else None,
        "refused": None if made else [vars(each) for each in way.problems],
        "problems": [vars(each) for each in way.problems] if made else [],
    }


def _number(value: Fraction | None, places: int) -> float | None:
    return None if value is None else round(float(value), places)


def _fixed(value: Fraction, places: int) -> str:
    """A number with all of its places, so that columns stand under each other."""
    whole, _, decimals = decimal_text(value, places).partition(".")
    whole = f"{int(whole):,}" if whole.isdigit() else whole
    return f"{whole}.{decimals:0<{places}}"


def _ordered(order: Order) -> str:
    if order.count is not None:
        return f"{order.count:,} capsules of {told(order.strength)}"
    much = order.volume if order.mass is None else order.mass
    assert much is not None
    return f"{told(much)} of {told(order.strength)}"


def options_text(formula: Formula, order: Order, compared: Compared, *, explain: bool) -> str:
    """All ways for people, at most 100 columns wide."""
    possible = [(way, figures) for way, figures in compared if figures]
    refused = [way for way, figures in compared if not figures]
    lines = [f"{formula.name}, {_ordered(order)}: {_ways(len(possible))} possible, {len(refused)} refused", ""]
    if possible:
        lines += [*_names(possible), "", _table(possible), "", *_wrapped(RULE, "")]
        if explain:
            lines += ["", "How it was compared"]
            lines += [line for number, each in enumerate(possible, 1) for line in _explained(number, *each)]
    if refused:
        lines += ["", "Refused"] if possible else ["Refused"]
        lines += _refused(refused)
    return "\n".join(lines)


def _ways(number: int) -> str:
    return "1 way is" if number == 1 else f"{number} ways are"


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False)


def _parts(way: Way) -> dict[str, str]:
    """What sets a way apart, each in words; what was not chosen is left out."""
    chosen, order = way.chosen, way.order
    kind = "tablets" if chosen.kind == "tablet" else chosen.kind
    shells = f"size {chosen.size} of {chosen.maker}" if chosen.size else None
    parts = {
        "source": _with_lot(kind, chosen.source if chosen.source != chosen.kind else None),
        "procedure": chosen.method,
        "balance": chosen.balance and f"on {chosen.balance}",
        "shells": _with_lot(shells, chosen.shells),
        "filler": _with_lot(chosen.filler, chosen.filler_lot),
        "volume": told(order.volume) if order and order.volume is not None else None,
        "overage": _overage(order) if order else None,
    }
    return {name: text for name, text in parts.items() if text}


def _with_lot(what: str | None, lot: str | None) -> str | None:
    return f"{what} ({lot})" if what and lot else what or lot


def _overage(order: Order) -> str:
    if not order.overage:
        return "no overage"
    return f"overage {decimal_text(order.overage * 100, 2)} % on the {order.overage_on}"


def _names(possible: Compared) -> list[str]:
    """What each possible way is, the recommended one first; what is the same in all of them is said once."""
    parts = [_parts(way) for way, _ in possible]
    same = {name: text for name, text in parts[0].items() if all(each.get(name) == text for each in parts)}
    lines = _wrapped("all ways: " + ", ".join(same.values()), "") if same and len(parts) > 1 else []
    for number, each in enumerate(parts, 1):
        own = [text for name, text in each.items() if name not in same or len(parts) == 1]
        lines += _wrapped(f"{number:3}  {', '.join(own)}" + ("  <- recommended" if number == 1 else ""), "")
    return lines


def _table(possible: Compared) -> str:
    """The figures of the possible ways; a column that says nothing of any of them is left out."""
    columns: list[tuple[str, list[str]]] = [("way", [str(number) for number in range(1, len(possible) + 1)])]

    def column(head: str, values: Iterable[str | None]) -> None:
        cells = ["-" if value is None else value for value in values]
        if any(cell != "-" for cell in cells):
            columns.append((head, cells))

    figures = [each for _, each in possible if each]
    made = [way.plan for way, _ in possible if way.plan]
    chances = [each.uniformity for each in made]
    column("weigh-\nings", (str(each.weighings) for each in figures))
    column("least,\nmini-\nmums", (_or_none(each.times_minimum, 1) for each in figures))
    column("dilu-\ntions", (str(each.dilutions) for each in figures))
    column("tab-\nlets", (None if each.tablets is None else str(each.tablets) for each in figures))
    column("left\nover,\nmg", (each.discarded and each.discarded.removesuffix(" mg") for each in figures))
    for unit in ("mg", "mL"):
        column(f"wasted,\n{unit}", (_wasted(each, unit) for each in figures))
    column("active\nbeyond,\nmg", (_fixed(amount(each.beyond_order, "mg"), 1) for each in figures))
    column("cost", (_or_none(each.cost, 2) for each in figures))
    column("dose,\n± %", (_percent(each.expected.expanded_uncertainty_percent) for each in made))
    column("units\npass,\n%", (_percent(each.chance_to_pass_percent if each else None) for each in chances))
    column("potency\npasses,\n%", (_percent(each.potency_percent if each else None) for each in chances))
    column("use by,\ndays", (str(each.beyond_use.days) for each in made))
    return _stacked(columns)


def _percent(text: str | None) -> str | None:
    return text and _fixed(Fraction(text), 2)


def _or_none(value: Fraction | None, places: int) -> str | None:
    return None if value is None else _fixed(value, places)


def _wasted(figures: Figures, unit: str) -> str | None:
    wasted = figures.wasted
    if wasted is None or wasted.dimensionality != quantity(f"1 {unit}").dimensionality:
        return None
    return _fixed(amount(wasted, unit), 1)


def _stacked(columns: list[tuple[str, list[str]]]) -> str:
    """A table of numbers whose heads may have several lines, the last of them next to the numbers."""
    heads = [head.split("\n") for head, _ in columns]
    depth = max(map(len, heads))
    widths = [max(map(len, [*head, *cells])) for head, (_, cells) in zip(heads, columns, strict=True)]
    stacked = zip(*([""] * (depth - len(head)) + head for head in heads), strict=True)
    rows = [*stacked, tuple("-" * width for width in widths), *zip(*(cells for _, cells in columns), strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _refused(refused: list[Way]) -> list[str]:
    """The refused ways, those with the same reasons together."""
    alike: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for way in refused:
        reasons = tuple(dict.fromkeys(f"{each.text} [{each.code}]" for each in way.problems if each.stops))
        alike.setdefault(reasons, []).append({name: text for name, text in _parts(way).items() if name != "overage"})
    lines = []
    for reasons, ways in alike.items():
        lines += [line for way in _together(ways) for line in _wrapped(way, "  ")]
        lines += [line for reason in reasons for line in _wrapped(reason, "    ")]
    return lines


def _together(ways: list[dict[str, str]]) -> list[str]:
    """Ways that are every combination of some choices in one line; otherwise one a line."""
    names = dict.fromkeys(name for each in ways for name in each)
    choices = [list(dict.fromkeys(each.get(name, "") for each in ways)) for name in names]
    different = list(dict.fromkeys(", ".join(each.values()) for each in ways))
    if math.prod(map(len, choices)) == len(different):
        return [", ".join(" or ".join(filter(None, each)) for each in choices)]
    return different


def _explained(number: int, way: Way, figures: Figures | None) -> list[str]:
    """Where the figures of one way come from."""
    made = way.plan
    assert made and figures
    says = []
    if figures.smallest and figures.times_minimum is not None:
        says.append(
            f"smallest weighing: {figures.smallest.target} of {figures.smallest.material} / {made.balance.minimum_weight} "
            f"minimum weight of {made.balance.name} = {_fixed(figures.times_minimum, 1)} ({made.balance.figures})"
        )
    source = made.source
    if source.tablets is not None:
        taken = f"{told(count(source.tablets, 'tablet'))} crushed / {source.tablets_exact} needed"
    else:
        taken = f"{source.weigh} weighed / {source.exact} needed"
    says.append(
        f"active beyond the order: {made.active.needed} needed × {taken} = {told(figures.active_taken, 4)} taken; "
        f"the order holds {told(figures.active_taken - figures.beyond_order, 4)}"
    )
    says += [
        f"dilution of {each.material}: {each.wasted} of {each.total} wasted" for each in (*made.aliquots, *made.stocks)
    ]
    says.append(
        f"dose: ± {made.expected.expanded_uncertainty_percent} % (k = 2), most of it from {made.expected.largest}"
    )
    says.append(f"use by: {made.beyond_use.date}, limited by {made.beyond_use.limited_by} [{made.beyond_use.source}]")
    says += [each.text for each in way.problems]
    return [f"  way {number}", *(line for each in says for line in _wrapped(each, "    "))]
