"""The options that describe an order and its materials, and what they mean; planning and batches share them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import click

from compounding.cli.app import App, nearest, read_text
from compounding.cli.ids import BALANCE, DEVICE
from compounding.problems import NotUnderstood, Problem, Refused
from compounding.quantities import count, percent, quantity
from compounding.records.formula import Formula
from compounding.rules.shells import shell_of, size_for
from compounding.rules.substances import form_named, forms
from compounding.rules.surcharges import surcharge
from compounding.work.gathering import balance_in, balance_of
from compounding.work.materials import Balance, Device, Filler, Materials, Order, Powder, Shells, Tablets
from compounding.work.stocking import check_densities, check_packing, check_tablet_weights

F = TypeVar("F", bound=Callable[..., Any])


def order_options(command: F) -> F:
    """The options that say what is ordered, and on which balance it is weighed."""
    for option in reversed(
        (
            click.option(
                "--strength",
                metavar="MASS",
                help='Active in one capsule, such as "1.5 mg"; in a trituration, "100 mg/g".',
            ),
            click.option("--count", "number", type=click.IntRange(min=1), metavar="N", help="Capsules ordered."),
            click.option("--concentration", metavar="MASS/VOLUME", help='Active in a liquid, such as "1 mg/mL".'),
            click.option("--volume", metavar="VOLUME", help='Liquid ordered, such as "60 mL".'),
            click.option("--mass", metavar="MASS", help='Trituration ordered, such as "10 g".'),
            click.option("--dose", metavar="MASS", help='One dose of the liquid, such as "4.5 mg".'),
            click.option(
                "--strength-of",
                metavar="FORM",
                help="The form that the strength counts, such as base; default: the formula's own, the hydrochloride.",
            ),
            click.option(
                "--method",
                default="standard",
                show_default=True,
                metavar="NAME",
                help="Procedure of the formula: standard, volume-completion (capsules) or whole-tablets (liquids).",
            ),
            click.option("--filtered", is_flag=True, help="Filter the liquid free of grit."),
            click.option(
                "--syringe", type=DEVICE, metavar="NAME", help="Device of the settings for the dose; default: the best in stock."
            ),
            click.option(
                "--overage",
                metavar="PERCENT",
                help='Added for losses: a share such as "5 %", or german; default: the formula\'s.',
            ),
            click.option(
                "--extra",
                type=click.IntRange(min=1),
                metavar="N",
                help="Extra capsules' worth of mixture, instead of --overage.",
            ),
            click.option(
                "--overage-on",
                type=click.Choice(["batch", "active"]),
                help="Every ingredient, or the source alone; default: the formula's.",
            ),
            click.option("--prepared", metavar="DATE", help="Day of preparation, such as 2026-11-22; default: today."),
            click.option("--balance", type=BALANCE, metavar="NAME", help="A balance of the settings; default: the only one."),
            click.option("--readability", metavar="MASS", help='Smallest step of the balance, such as "0.1 mg".'),
            click.option("--minimum-weight", metavar="MASS", help='Least mass the balance may weigh, such as "20 mg".'),
        )
    ):
        command = option(command)
    return command


CERTIFICATE = (
    click.option("--form", metavar="NAME", help="Form of a powder: anhydrous, dihydrate, monohydrate or base."),
    click.option("--assay", metavar="PERCENT", help='Assay on its certificate, such as "99.6 %".'),
    click.option(
        "--assay-basis",
        type=click.Choice(["as-is", "dried", "anhydrous", "anhydrous-solvent-free"]),
        help="What the assay is stated of.",
    ),
    click.option("--assay-of", metavar="NAME", help="The form that the assay counts, if the certificate says it."),
    click.option("--water", metavar="PERCENT", help="Water by Karl Fischer, water of hydration included."),
    click.option("--loss-on-drying", metavar="PERCENT", help="Loss on drying."),
    click.option("--solvents", metavar="PERCENT", help='Residual solvents together; none found is "0 %".'),
)
TABLET_CONTENT = (
    click.option(
        "--content",
        metavar="PERCENT",
        help='Content of a tablet by its certificate, in percent of the claim, such as "99.2 %".',
    ),
    click.option(
        "--content-uncertainty",
        metavar="PERCENT",
        help="Expanded uncertainty (k = 2) of that content, or of a powder's assay, such as \"1.2 %\"; default: a laboratory's usual one.",
    ),
)
CORRECTION = (
    click.option(
        "--correction",
        type=click.Choice(["always", "german-2-percent", "none"]),
        help="How the certificate is weighed for; default: the settings', else always.",
    ),
    click.option(
        "--assay-above-100",
        type=click.Choice(["refuse", "as-stated", "as-100"]),
        help="What an assay above 100 % counts for; default: the settings', else refused.",
    ),
)


def with_options(*options: Any) -> Callable[[F], F]:
    """Give a command several options, in the order written."""

    def decorated(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated


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


# What an order of each form needs, and what else it may say; what stands with another form alone is refused.
_WANTED: dict[str, tuple[set[str], set[str]]] = {
    "capsule": ({"strength", "number"}, {"extra"}),
    "oral liquid": ({"concentration", "volume"}, {"dose"}),
    "trituration": ({"strength", "mass"}, set()),
}


def order_from(app: App, formula: Formula, given: dict[str, Any]) -> Order:
    """The order that the options describe.

    Raises:
        NotUnderstood: an option is missing for this form, or belongs to another.
    """
    capsule = formula.dosage_form == "capsule"
    wanted, allowed = _WANTED[formula.dosage_form]
    other = set().union(*(part for pair in _WANTED.values() for part in pair)) - wanted - allowed
    names = {"number": "count"}
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
    strength = quantity(given["concentration"] if given["strength"] is None else given["strength"])
    prepared = day(app, given["prepared"])
    overage, overage_on = percent(formula.overage), given["overage_on"] or formula.overage_on
    if given["extra"]:
        _only_one(given, "extra", "overage")
        _only_one(given, "extra", "overage_on")
        overage, overage_on = Fraction(given["extra"], given["number"] or 1), "batch"
    elif given["overage"] == "german":
        if not capsule:
            text = f"The German surcharge is for capsules; {formula.id} makes none. Give a share, such as 5 %"
            raise NotUnderstood(Problem("order.options", text, "overage"))
        overage, overage_on = surcharge("german", prepared, strength)
    elif given["overage"]:
        overage = percent(given["overage"])
    return Order(
        strength=strength,
        count=given["number"] if capsule else None,
        volume=None if given["volume"] is None else quantity(given["volume"]),
        mass=None if given["mass"] is None else quantity(given["mass"]),
        overage=overage,
        overage_on=overage_on,
        prepared=prepared,
        dose=quantity(given["dose"]) if given["dose"] else None,
        method=given["method"],
        ordered_as=form_ordered(formula, given["strength_of"], prepared),
        filtered=given["filtered"],
        devices=_devices(app, given["syringe"]),
        bottles=tuple(map(quantity, app.settings.bottles)) if app.has_settings else (),
    )


def form_ordered(formula: Formula, words: str | None, on: date) -> str | None:
    """The form that the strength counts: the formula's own unless the order names another."""
    if words is None:
        return None
    own = forms(on).get(formula.substance)
    if own is None:
        raise NotUnderstood(
            Problem("order.form", f"No other form of {formula.substance} is known here: leave it out", words)
        )
    return form_named(words, own.substance, on).name


def _devices(app: App, name: str | None) -> tuple[Device, ...]:
    """The devices in stock, or the one that was named."""
    known = app.settings.devices if app.has_settings else {}
    if name and name not in known:
        raise NotUnderstood(
            Problem("device.unknown", f"{name} is not a device of the settings{nearest(name, known)}", name)
        )
    chosen = {name: known[name]} if name else known
    return tuple(Device(each.name, quantity(each.capacity), quantity(each.step)) for each in chosen.values())


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
    return balance_in(balances[name], name, day(app, given["prepared"]))


def _tablets_from(formula: Formula, given: dict[str, Any]) -> Tablets:
    one = count(1, "tablet")
    claim = quantity(formula.source[0].label_claim) / one
    _only_one(given, "tablet_weights", "tablet_weight")
    if given["tablet_weights"]:
        file = Path(given["tablet_weights"])
        lines = [line.strip() for line in read_text(file, "weights", "give a file with one weight a line").splitlines()]
        read = [line for line in lines if line and not line.startswith("#")]
        weights = tuple(_mass(line, "a tablet weight") / one for line in read)
        if not weights:
            raise NotUnderstood(
                Problem("weights.none", f"{file} holds no weights: write one a line, such as 302.4 mg", str(file))
            )
        problems = check_tablet_weights(str(file), formula.source[0].label_claim, read)
        if problems:
            raise Refused(problems)
        return Tablets(claim, weights, len(weights), **_content(given))
    if given["tablet_weight"]:
        return Tablets(claim, (_mass(given["tablet_weight"], "--tablet-weight") / one,), None, **_content(given))
    text = "The tablets' weight is not known: weigh those in hand and give --tablet-weights FILE, --tablet-weight, or --from LOT"
    raise NotUnderstood(Problem("source.weight", text, "tablet-weight"))


def _content(given: dict[str, Any]) -> dict[str, Any]:
    """What a certificate says of the tablets' content."""
    return {name: percent(given[name]) if given[name] else None for name in ("content", "content_uncertainty")}


def _mass(text: str, what: str) -> Any:
    value = quantity(text)
    if value.dimensionality != quantity("1 mg").dimensionality or value.magnitude <= 0:
        raise NotUnderstood(
            Problem("quantity.dimension", f"{what} is {text}: write a mass above zero, such as 302.4 mg", what)
        )
    return value


def materials_from(app: App, formula: Formula, source: str, given: dict[str, Any], on: date) -> Materials:
    """Materials without lots, from options alone."""
    shells = filler = None
    if formula.filler and formula.dosage_form != "capsule":
        filler = Filler(given["filler"] or formula.filler.material, None, None)
    elif formula.filler:
        if not given["capsule_size"] or not given["shell_maker"]:
            raise NotUnderstood(
                Problem(
                    "capsule.unknown", "Name the capsule: --capsule-size and --shell-maker; makers differ", "capsule"
                )
            )
        size = given["capsule_size"]
        if size == "auto":
            if packed := [_option(name) for name in ("filler_packing", "source_packing") if given[name]]:
                text = f"{' and '.join(packed)} says what fills a capsule of one size: name it, or give --filler-density"
                raise NotUnderstood(Problem("capsule.auto", text, "capsule-size"))
            size = size_for(quantity(given["strength"] or ""), given["shell_maker"], on)
        stated = shell_of(given["shell_maker"], size, on)
        weight = _mass(given["shell_weight"], "--shell-weight") if given["shell_weight"] else stated.weight
        if weight is None:
            text = f"How much an empty shell of {stated.maker} weighs is not known: weigh 20 and give --shell-weight"
            raise NotUnderstood(Problem("shells.weight", text, "shell-weight"))
        shells = Shells(stated.size, stated.maker, stated.volume, weight)
        if not given["filler_packing"] and not given["filler_density"]:
            text = "How the filler packs is not known: give --filler-packing (mass in one capsule) or --filler-density"
            raise NotUnderstood(Problem("filler.packing", text, "filler"))
        _only_one(given, "filler_packing", "filler_density")
        if problems := check_densities("--filler-density", None, given["filler_density"]):
            raise Refused(problems)
        filler = Filler(
            given["filler"] or formula.filler.material,
            _mass(given["filler_packing"], "--filler-packing") if given["filler_packing"] else None,
            quantity(given["filler_density"]) if given["filler_density"] else None,
        )
    if shells and filler and filler.packing is not None:
        problems = check_packing("--filler-packing", filler.packing, shells.volume)
        if problems:
            raise Refused(problems)
    packing = _mass(given["source_packing"], "--source-packing") if given["source_packing"] else None
    if shells and packing is not None and (problems := check_packing("--source-packing", packing, shells.volume)):
        raise Refused(problems)
    tablets = _tablets_from(formula, given) if source == "tablet" else None
    powder = _powder_from(app, given) if source == "powder" else None
    return Materials(
        tablets, balance_from(app, given), filler, shells, packing, powder=powder, fill_spread=fill_spread(app)
    )


def _powder_from(app: App, given: dict[str, Any]) -> Powder | None:
    """A powder as the options describe its certificate; what is missing is told by the plan."""
    correction, above_100 = corrections(app, given)
    shares: dict[str, Any] = {
        name: percent(given[name]) if given[name] else None for name in ("assay", "water", "loss_on_drying", "solvents")
    }
    sure = given["content_uncertainty"]
    return Powder(
        form=given["form"] or "",
        basis=given["assay_basis"],
        assay_of=given["assay_of"],
        correction=correction,
        above_100=above_100,
        assay_uncertainty=percent(sure) if sure else None,
        **shares,
    )


def fill_spread(app: App) -> Fraction | None:
    """How much the fills of this pharmacy's own capsules scatter, if the settings say so [1]."""
    said = app.settings.fill_spread if app.has_settings else None
    return percent(said) if said else None


def corrections(app: App, given: dict[str, Any]) -> tuple[str, str]:
    """How a certificate is weighed for: the options, else the settings, else always and never above 100 %."""
    settings = app.settings if app.has_settings else None
    return (
        given["correction"] or (settings.correction if settings else "always"),
        given["assay_above_100"] or (settings.assay_above_100 if settings else "refuse"),
    )


OF_TABLETS = ("tablet_weight", "tablet_weights", "content")
OF_POWDER = ("form", "assay", "assay_basis", "assay_of", "water", "loss_on_drying", "solvents")
# Options that describe materials: with a lot, its own facts say it.
SAID_BY_LOTS = (
    *("tablet_weight", "tablet_weights", "capsule_size", "shell_maker", "shell_weight"),
    *("filler_packing", "filler_density", "source_packing", "content", "content_uncertainty"),
    *OF_POWDER,
)


def source_described(source: str | None, given: dict[str, Any]) -> str:
    """Whether the options describe tablets or a powder.

    Raises:
        NotUnderstood: they describe both, or another source than was named: one of them would be ignored.
    """
    tablets, powder = (
        [_option(name) for name in names if given[name] is not None] for names in (OF_TABLETS, OF_POWDER)
    )
    if source is None:
        source = "powder" if powder and not tablets else "tablet"
    if source == "tablet" and given["content_uncertainty"] and not given["content"]:
        text = "--content-uncertainty says how sure a content is: give --content with it, or leave it out"
        raise NotUnderstood(Problem("order.options", text, "content-uncertainty"))
    stray = powder if source == "tablet" else tablets
    if source == "tablet":
        stray = stray + [_option(name) for name in ("correction", "assay_above_100") if given[name] is not None]
    if stray:
        other = "a powder" if source == "tablet" else "tablets"
        text = f"The source is {'tablets' if source == 'tablet' else 'a powder'}, but {other} would have {', '.join(stray)}: leave it out, or give another --from"
        raise NotUnderstood(Problem("order.options", text, stray[0].removeprefix("--")))
    return source


def _only_one(given: dict[str, Any], one: str, other: str) -> None:
    """Two options that say the same thing twice: one would be ignored, so both are refused."""
    if given[one] is not None and given[other] is not None:
        text = f"{_option(one)} and {_option(other)} answer the same question: give one of them"
        raise NotUnderstood(Problem("order.options", text, one.replace("_", "-")))


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def said_by_options(given: dict[str, Any]) -> list[str]:
    """The options that describe materials, as they were typed."""
    return [_option(name) for name in SAID_BY_LOTS if given[name] is not None]


def refuse_what_lots_say(given: dict[str, Any]) -> None:
    """An option that a lot's own facts answer would be ignored: it is refused instead.

    Raises:
        NotUnderstood: names the options, and how the lot is corrected.
    """
    if stray := said_by_options(given):
        text = (
            f"{', '.join(stray)}: a plan from a lot takes that from the lots. Leave it out, or record it with "
            "compounding lot measure"
        )
        raise NotUnderstood(Problem("order.options", text, stray[0]))
