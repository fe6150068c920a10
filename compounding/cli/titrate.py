"""``compounding titrate``: a dose that rises in steps, as a calendar, bottles, labels and leaflet."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from compounding.cli.app import App
from compounding.cli.calendar import ics_option, write_calendar
from compounding.cli.ids import FORMULA
from compounding.cli.ordering import day
from compounding.cli.show import emit, json_option, notice, say, table
from compounding.documents.calendar import Event
from compounding.problems import NotUnderstood, Problem, Refused, stopping
from compounding.quantities import (
    Quantity,
    amount,
    count,
    decimal_text,
    in_unit,
    of_material,
    quantity,
    told,
    written,
)
from compounding.records.formula import Formula, digest_of, read_formula
from compounding.rules.titrations import USUAL, Schedule, schedule_named
from compounding.work.titrating import Asked, Titration, in_mg, plan_titration

WIDTH = 80
NO_HOLD = "0 days"
MOST_IN_KIT = 9999  # capsules of one strength: more is a slip of the finger

F = TypeVar("F", bound=Callable[..., Any])


def step_options(command: F) -> F:
    """The options that say how a dose rises, and from which day."""
    for option in reversed(
        (
            click.option("--start", metavar="MASS", help='First dose, such as "1 mg".'),
            click.option("--to", "target", metavar="MASS", help='Last dose, such as "4.5 mg".'),
            click.option("--step", metavar="MASS", help='How much the dose rises each time, such as "0.5 mg".'),
            click.option("--every", metavar="DAYS", help='How long each dose is taken, such as "7 days" or "1 week".'),
            click.option("--schedule", "named", metavar="NAME", help="A named schedule, such as norland; options change it."),
            click.option("--hold", metavar="DAYS", default=NO_HOLD, help='Further days at the last dose, such as "30 days".'),
            click.option("--from", "first", metavar="DATE", help="Day of the first dose; default: today."),
        )
    ):
        command = option(command)
    return command


@click.command()
@step_options
@click.option("--strengths", metavar="MASSES", help='Capsules that the pharmacy makes, such as "0.5 mg,1.5 mg".')
@click.option("--kit", metavar="MASS=COUNT", multiple=True, help='Capsules at hand, such as "0.5 mg=63"; repeat.')
@click.option("--beyond-use", metavar="DATE", help="Last day of use of capsules at hand; default: made today.")
@click.option("--formula", "id", default="naltrexone-capsule", show_default=True, type=FORMULA)
@click.option("--explain", is_flag=True, help="Show how each number came about.")
@ics_option
@json_option
@click.pass_obj
def titrate(
    app: App, /, id: str, named: str | None, explain: bool, ics: Path | None, as_json: bool, **given: Any
) -> None:
    """Plan a dose that rises in steps, taken as whole capsules; nothing is recorded.

    \b
    compounding titrate --start "1 mg" --to "4.5 mg" --step "0.5 mg" --every "7 days" \\
      --strengths "0.5 mg,1.5 mg" --hold "30 days"
    compounding titrate --schedule norland --kit "0.5 mg=63" --kit "1.5 mg=63"
    """
    text, name = app.formula_text(id)
    formula = read_formula(text, name)
    asked, problems = asked_titration(app, formula, named, given)
    made, more = plan_titration(formula, asked, app.today())
    problems += more
    if made is None:
        raise Refused(problems)
    if ics is not None:
        write_calendar(app, ics, _events(made), f"titration {formula.id}")
    if as_json:
        emit(
            {
                "formula": {"id": formula.id, "version": formula.version, "digest": digest_of(text)},
                **titration_data(asked, made),
                "problems": [vars(each) for each in problems],
            }
        )
    else:
        say(titration_text(formula, asked, made, explain=explain))
    for problem in problems:
        notice(f"{problem.text} [{problem.code}]")
    raise click.exceptions.Exit(1 if stopping(problems) else 0)


def _events(made: Titration) -> list[Event]:
    """Each step of the titration, in the patient's calendar; what to take is said in capsules and in milligrams."""
    events = []
    for step, counts in zip(made.steps, made.taken, strict=True):
        capsules = ", ".join(
            f"{told(count(each, 'capsule'))} of {in_mg(strength)}"
            for strength, each in zip(made.strengths, counts, strict=True)
            if each
        )
        events.append(Event(made.on(step.first_day), made.on(step.last_day), f"{told(step.dose)}: {capsules} a day"))
    return events


# ---- what the options say ----


def asked_titration(
    app: App, formula: Formula, named: str | None, given: dict[str, Any]
) -> tuple[Asked, list[Problem]]:
    """The titration that the options describe; what they leave out comes from a named schedule, and is told.

    Raises:
        NotUnderstood: an option is not understood, or neither the doses nor a schedule are given.
    """
    schedule = schedule_named(named, app.today()) if named else None
    usual = schedule or schedule_named(USUAL, app.today())
    if schedule is None and (given["start"] is None or given["target"] is None):
        text = "The first and the last dose are not known: give --start and --to, or --schedule with a name"
        raise NotUnderstood(Problem("titration.options", text, "start"))
    kit = _kit(given["kit"], formula)
    if given["strengths"]:
        strengths = [_mass(each.strip(), "--strengths", formula) for each in given["strengths"].split(",")]
    else:
        strengths = [strength for strength, _ in kit] or [_of(each, formula) for each in usual.strengths]
    one = count(1, "capsule")
    asked = Asked(
        start=_dose(given["start"], "--start", usual.start, formula),
        target=_dose(given["target"], "--to", usual.target, formula),
        step=_dose(given["step"], "--step", usual.step, formula),
        every=_days(given["every"] or written(usual.every), "--every"),
        hold=_days(given["hold"], "--hold"),
        strengths=tuple(strength / one for strength in strengths),
        first_day=day(app, given["first"]),
        kit=_counts(strengths, kit) if kit else None,
        beyond_use=day(app, given["beyond_use"]) if given["beyond_use"] else None,
        schedule=schedule,
    )
    return asked, [] if schedule else _assumed(given, usual)


def _assumed(given: dict[str, Any], usual: Schedule) -> list[Problem]:
    """What was not given, and is taken from the usual schedule."""
    taken = {
        "--step": told(usual.step) if not given["step"] else "",
        "--every": told(usual.every) if not given["every"] else "",
        "--strengths": ", ".join(map(told, usual.strengths)) if not given["strengths"] and not given["kit"] else "",
    }
    words = [f"{option} {value}" for option, value in taken.items() if value]
    if not words:
        return []
    text = f"Not given, and taken as {usual.id} has it: {'; '.join(words)}. The prescription decides"
    return [Problem("titration.assumed", text, "schedule", stops=False, source=usual.source)]


def _of(mass: Quantity, formula: Formula) -> Quantity:
    return in_unit(of_material(mass, formula.substance), "mg")


def _mass(text: str, option: str, formula: Formula) -> Quantity:
    value = quantity(text)
    if value.dimensionality != quantity("1 mg").dimensionality:
        raise NotUnderstood(
            Problem(
                "quantity.dimension", f"{option} is {text}: write a mass, such as 1.5 mg", option.removeprefix("--")
            )
        )
    if amount(value, "ng").denominator != 1:  # it would be written rounded, and no label says what it means
        says = f"{option} is {text}, finer than a nanogram: check the decimal point and the unit"
        raise NotUnderstood(Problem("titration.too-fine", says, option.removeprefix("--")))
    return _of(value, formula)


def _dose(text: str | None, option: str, usual: Quantity, formula: Formula) -> Quantity:
    return _of(usual, formula) if text is None else _mass(text, option, formula)


def _days(text: str, option: str) -> int:
    weeks = re.fullmatch(r"([1-9][0-9]?) weeks?", text)
    if weeks:
        return 7 * int(weeks[1])
    try:
        value = quantity(text)
    except NotUnderstood:
        says = f"{option} is {text[:40]}: write whole days or weeks, such as 7 days or 1 week"
        raise NotUnderstood(Problem("titration.interval", says, option.removeprefix("--"))) from None
    if value.dimensionality != quantity("1 day").dimensionality or amount(value, "days").denominator != 1:
        says = f"{option} is {text}: write whole days, such as 7 days"
        raise NotUnderstood(Problem("quantity.dimension", says, option.removeprefix("--")))
    return int(amount(value, "days"))


def _kit(given: tuple[str, ...], formula: Formula) -> list[tuple[Quantity, int]]:
    """Strengths and counts of a kit, as typed: ``0.5 mg=63``."""
    kit: list[tuple[Quantity, int]] = []
    for text in given:
        strength, sign, number = text.partition("=")
        if not sign or not re.fullmatch(r"0|[1-9][0-9]{0,8}", number) or int(number) > MOST_IN_KIT:
            says = f"--kit is {text}: write a strength, = and at most {MOST_IN_KIT:,} whole capsules, such as 0.5 mg=63"
            raise NotUnderstood(Problem("titration.kit", says, "kit"))
        kit.append((_mass(strength, "--kit", formula), int(number)))
    return kit


def _counts(strengths: list[Quantity], kit: list[tuple[Quantity, int]]) -> tuple[int, ...]:
    """Capsules in the kit of each strength: none where the kit does not name it."""
    named = [strength for strength, _ in kit]
    for place, strength in enumerate(named):
        if strength in named[:place]:
            text = f"--kit names {told(strength)} twice: give each strength once, with all its capsules"
            raise NotUnderstood(Problem("titration.kit", text, "kit"))
        if strength not in strengths:
            text = f"--kit holds {told(strength)}, which is not among --strengths: add it there, or leave it out"
            raise NotUnderstood(Problem("titration.kit", text, "kit"))
    return tuple(next((number for each, number in kit if each == strength), 0) for strength in strengths)


# ---- how it is shown ----


def titration_data(asked: Asked, made: Titration) -> dict[str, Any]:
    """A titration as the JSON of the command line."""
    strengths = [in_mg(each) for each in made.strengths]
    end = made.kit_end
    supplies: list[dict[str, Any]] = []
    for place, strength in enumerate(strengths):
        line: dict[str, Any] = {"strength": strength, "count": made.supply[place]}
        if made.kit is not None and end is not None:
            line |= {
                "kit": made.kit[place],
                "runs_out_on_day": end.runs_out[place],
                "left_over": end.left_over[place],
                "missing": end.missing[place],
            }
        supplies.append(line)
    return {
        "schedule": asked.schedule.id if asked.schedule else None,
        "schedule_source": asked.schedule.source if asked.schedule else None,
        "start": written(asked.start),
        "to": written(asked.target),
        "step": written(asked.step),
        "every": written(count(asked.every, "day")),
        "hold": written(count(asked.hold, "day")),
        "from": made.first_day.isoformat(),
        "until": made.on(made.last_day).isoformat(),
        "days": made.last_day,
        "steps": [
            {
                "number": number,
                "first_day": step.first_day,
                "last_day": step.last_day,
                "from": made.on(step.first_day).isoformat(),
                "until": made.on(step.last_day).isoformat(),
                "dose": written(step.dose),
                "capsules": [
                    {"strength": strength, "count": each}
                    for strength, each in zip(strengths, counts, strict=True)
                    if each
                ],
            }
            for number, (step, counts) in enumerate(zip(made.steps, made.taken, strict=True), 1)
        ],
        "supply": supplies,
        "kit_ends_on_day": end.last_day if end else None,
        "kit_ends_at": _dose_reached(made),
        "labels": [
            {
                "strength": strengths[each.strength],
                "count": each.capsules,
                "first_day": each.first_day,
                "last_day": each.last_day,
                "directions": each.directions,
            }
            for each in made.bottles
        ],
        "leaflet": made.leaflet,
        "beyond_use": {"date": made.beyond_use.isoformat(), "rule": made.beyond_use_rule},
        "working": made.working,
    }


def _dose_reached(made: Titration) -> str | None:
    """The dose on the last whole day of the kit."""
    if made.kit_end is None:
        return None
    day = made.kit_end.last_day
    return next((written(step.dose) for step in made.steps if step.first_day <= day <= step.last_day), None)


def titration_text(formula: Formula, asked: Asked, made: Titration, *, explain: bool) -> str:
    """A titration for people, at most 80 columns wide."""
    until = made.on(made.last_day)
    steps = f"{len(made.steps)} steps" if len(made.steps) > 1 else "1 step"
    lines = [
        f"{formula.name}: {told(asked.start)} to {told(asked.target)}",
        f"  formula     {formula.id}, version {formula.version}",
        f"  schedule    {steps}, {made.last_day} days, {made.first_day} to {until}",
    ]
    if asked.schedule:
        lines += _wrapped(f"named {asked.schedule.id}: {asked.schedule.says} [{asked.schedule.source}]", " " * 14)
    lines += _wrapped(f"  beyond use  {made.beyond_use} ({made.beyond_use_rule})", " " * 14, "")
    lines += ["", "Capsules a day, by strength", "", _calendar(made), "", "Capsules for the whole schedule", ""]
    lines += [_supplies(made), "", "Labels", *_labels(made), "", "Leaflet"]
    for sentence in made.leaflet:
        lines += _wrapped(sentence, " " * 4, "  ")
    if explain:
        lines += ["", "How it was worked out"]
        for sentence in made.working:
            lines += _wrapped(sentence, " " * 4, "  ")
    return "\n".join(lines)


def _wrapped(text: str, later: str, first: str | None = None) -> list[str]:
    """Lines of at most 80 columns; a number stays beside its unit."""
    together = re.sub(r"(?<=[0-9]) (?=(mg|capsules?|days?)\b)", "\N{NO-BREAK SPACE}", text)
    begin = later if first is None else first
    lines = textwrap.wrap(together, WIDTH, initial_indent=begin, subsequent_indent=later, break_on_hyphens=False)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def _calendar(made: Titration) -> str:
    head = ("days", "from", "dose, mg", *(in_mg(each) for each in made.strengths))
    rows = [
        (
            f"{step.first_day} to {step.last_day}",
            made.on(step.first_day).isoformat(),
            decimal_text(amount(step.dose, "mg")),
            *(str(each) for each in counts),
        )
        for step, counts in zip(made.steps, made.taken, strict=True)
    ]
    return table(head, rows, right=range(2, len(head)))


def _supplies(made: Titration) -> str:
    end = made.kit_end
    needed = [(decimal_text(amount(each, "mg/capsule")), f"{number:,}") for each, number in _needed(made)]
    if made.kit is None or end is None:
        return table(("strength, mg", "capsules"), needed, right=(0, 1))
    rows = [
        (
            *line,
            f"{made.kit[place]:,}",
            f"{end.left_over[place]:,}",
            f"{end.missing[place]:,}",
            str(end.runs_out[place] or ""),
        )
        for place, line in enumerate(needed)
    ]
    head = ("strength, mg", "capsules", "in the kit", "left over", "missing", "short on day")
    return table(head, rows, right=range(6))


def _needed(made: Titration) -> list[tuple[Quantity, int]]:
    return list(zip(made.strengths, made.supply, strict=True))


def _labels(made: Titration) -> list[str]:
    lines = []
    for place, strength in enumerate(made.strengths):
        bottles = [each for each in made.bottles if each.strength == place]
        for number, each in enumerate(bottles, 1):
            which = f", bottle {number} of {len(bottles)}" if len(bottles) > 1 else ""
            lines.append(f"  {in_mg(strength)}{which}: {told(count(each.capsules, 'capsule'))}")
            lines += _wrapped(each.directions, " " * 4)
    return lines
