"""What a leaflet tells a patient, from the record of the labels on the bottles; and whether it may be given."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from compounding.calc.schedules import DoseStep
from compounding.problems import NotUnderstood, Problem
from compounding.quantities import count, quantity, told
from compounding.records.batch import Batch
from compounding.records.issued import Label
from compounding.records.label import WarningText
from compounding.records.leaflet import (
    Block,
    Face,
    Grid,
    Items,
    LeafletText,
    LeafletWording,
    Paragraph,
    Part,
    Section,
    Sheet,
    WordingSection,
    strings,
)
from compounding.rules.follow_up import FollowUp
from compounding.rules.reading import check_reading
from compounding.rules.writing import unsafe
from compounding.settings import Pharmacy
from compounding.work.titrating import Titration, in_mg

# How directions count capsules, in the languages of our texts.
CAPSULES: Final = re.compile(r"(\d+)\s*(?:capsules?|cápsulas?)\b")
DAYS: Final = re.compile(CAPSULES.pattern + r"\D*?\b(?:days?|días?)\s+(\d+)(?:\s+(?:to|a|al)\s+(\d+))?")
# Sentences of labels that a leaflet repeats in its own places.
SHAKE: Final = "shake-well"


@dataclass(frozen=True)
class Supply:
    """A bottle: its label as it stands, and the batch that it was filled from."""

    label: Label
    batch: Batch

    @property
    def id(self) -> str:
        return self.label.printed.label

    @property
    def directions(self) -> str:
        return self.label.printed.directions or ""

    @property
    def strength(self) -> str:
        return self.batch.plan.strength


def check_supplies(supplies: Sequence[Supply], on: date) -> list[Problem]:
    """Whether these labels may have a leaflet: they stand, on bottles that may be used, of one product for one prescription.

    Args:
        supplies: the labels that were named, with their batches.
        on: the day of the leaflet.
    """
    problems: list[Problem] = []
    for each in supplies:
        problems += _check_label(each)
    for id, batch in {each.batch.id: each.batch for each in supplies}.items():
        problems += _check_batch(id, batch, on)
    return problems + list(_check_together(supplies))


def _check_label(supply: Supply) -> Iterator[Problem]:
    label, id = supply.label, supply.id
    if label.state == "void":
        text = f"Label {id} is void: {label.replaced_by} took its place. Name that one"
        yield Problem("leaflet.void", text, id)
    elif label.state == "not printed":
        yield Problem("leaflet.void", f"Label {id} was never printed: label the bottle first", id)
    elif not supply.directions or not label.printed.prescriber:
        text = f"The record does not hold the words of label {id}: label the bottle anew, and destroy {id}"
        yield Problem("leaflet.words-missing", text, id)


def _check_batch(id: str, batch: Batch, on: date) -> Iterator[Problem]:
    if batch.state != "released":
        text = f"Batch {id} is {batch.state}: its bottles go to nobody, and get no leaflet"
        yield Problem("leaflet.not-released", text, id)
    elif batch.under_investigation or batch.unfinished:
        text = f"Batch {id} is held, under investigation or with a test unfinished: settle that first"
        yield Problem("leaflet.held", text, id)
    if batch.beyond_use_date < on:
        text = f"The beyond-use date {batch.plan.beyond_use.date} of {id} has passed: it gets no leaflet"
        yield Problem("leaflet.out-of-date", text, id)


def _check_together(supplies: Sequence[Supply]) -> Iterator[Problem]:
    ids = [each.id for each in supplies]
    if twice := [id for place, id in enumerate(ids) if id in ids[:place]]:
        yield Problem("leaflet.twice", f"Label {twice[0]} is named twice: name each bottle once", twice[0])
    for code, what, values in (
        ("prescriptions", "prescriptions", [each.label.printed.prescription for each in supplies]),
        ("languages", "languages", [each.label.printed.language or "en" for each in supplies]),
        ("products", "products", [f"{each.batch.plan.ordered_as}, {each.batch.plan.form}" for each in supplies]),
    ):
        if len(found := list(dict.fromkeys(values))) > 1:
            text = (
                f"The labels are of {len(found)} {what} ({'; '.join(found)}): a leaflet is for one. Write one for each"
            )
            yield Problem(f"leaflet.{code}", text, ids[0])


def kit_of(supplies: Sequence[Supply]) -> dict[str, int]:
    """Capsules at hand of each strength, as its batch has it.

    Raises:
        NotUnderstood: the labels are not those of capsules.
    """
    kit: dict[str, int] = {}
    for each in supplies:
        number = quantity(each.label.printed.quantity)
        if number.dimensionality != count(1, "capsule").dimensionality:
            text = f"Label {each.id} is on {told(number)}: a dose rises in whole capsules. Leave the steps out"
            raise NotUnderstood(Problem("leaflet.form", text, each.id))
        kit[each.strength] = kit.get(each.strength, 0) + int(number.magnitude)
    return kit


def check_calendar(supplies: Sequence[Supply], made: Titration) -> list[Problem]:
    """Whether bottles and calendar say the same: each strength is in date while it is taken, by as many capsules as its label says."""
    problems = []
    for place, strength in enumerate(map(in_mg, made.strengths)):
        mine = [each for each in supplies if told(quantity(each.strength)) == strength]
        steps = list(zip(made.steps, made.taken, strict=True))
        last = max((made.on(step.last_day) for step, counts in steps if counts[place]), default=None)
        first_out = min(mine, key=lambda each: each.batch.beyond_use_date)
        if last and last > first_out.batch.beyond_use_date:
            text = (
                f"Capsules of {strength} are taken until {last}, and label {first_out.id} is to be used by "
                f"{first_out.batch.beyond_use_date}: dispense a later batch of them, or a shorter calendar"
            )
            problems.append(Problem("leaflet.beyond-use", text, first_out.id))
        if differs := _directions_differ(mine, [(step, counts[place]) for step, counts in steps]):
            text = (
                f"The labels of {strength} say {differs}: label the bottles with the directions that titrate writes for "
                "it, or send the patient to the calendar there"
            )
            problems.append(Problem("leaflet.directions", text, mine[0].id))
    return problems


def _directions_differ(supplies: Sequence[Supply], taken: Sequence[tuple[DoseStep, int]]) -> str:
    """Where the labels of a strength say something else than its calendar; empty where nothing does."""
    asked = {day: number for step, number in taken if number for day in range(step.first_day, step.last_day + 1)}
    said = {int(number) for each in supplies for number in CAPSULES.findall(each.directions)}
    if said and said != set(asked.values()):
        return f"{_numbers(said)} capsules, the calendar {_numbers(set(asked.values()))}"
    days = {
        day: int(number)
        for each in supplies
        for number, first, last in DAYS.findall(each.directions)
        for day in range(int(first), int(last or first) + 1)
    }
    # Directions that name no days send the patient to the calendar, and cannot contradict it.
    wrong = [day for day in sorted(days | asked) if days.get(day) != asked.get(day)] if days else []
    if not wrong:
        return ""
    return f"{told(count(days.get(wrong[0], 0), 'capsule'))} on day {wrong[0]}, the calendar {asked.get(wrong[0], 0)}"


def _numbers(numbers: set[int]) -> str:
    return ", ".join(map(str, sorted(numbers))) or "none"


def check_start(supplies: Sequence[Supply], first_day: date) -> list[Problem]:
    """Whether the bottles are in date on the first day."""
    return [
        Problem(
            "leaflet.beyond-use",
            f"Label {each.id} is to be used by {each.batch.beyond_use_date}, before the first day, {first_day}",
            each.id,
        )
        for each in supplies
        if each.batch.beyond_use_date < first_day
    ]


@dataclass(frozen=True)
class Told:
    """Everything that the record tells, beside the labels.

    Args:
        patient: the name, from beside the journal.
        say: the record's words in the leaflet's language; None where they are in it already.
        sentences: the labels' sentences by name, such as ``shake-well``.
        first_day, on: day of the first dose, day of the leaflet.
        titration: the calendar, if the dose rises.
        approved_by: the name of the pharmacist who approved the leaflet's words; None if nobody did yet.
    """

    supplies: tuple[Supply, ...]
    patient: str
    wording: LeafletWording
    say: Mapping[str, str] | None
    sentences: Mapping[str, str]
    warning: WarningText
    pharmacy: Pharmacy
    first_day: date
    on: date
    follow_ups: tuple[FollowUp, ...]
    titration: Titration | None = None
    approved_by: str | None = None


def leaflet_texts(known: Told) -> tuple[list[LeafletText], list[Problem]]:
    """The leaflet with its calendar on the first page and, for when that is too long, on a page of its own.

    Returns:
        The texts in the order in which to try them, and every reason against them; a text is empty of none.
    """
    try:
        places = [{"here"}, {"apart"}] if known.titration else [{"steady"}]
        texts = [_leaflet(known, place, _values(known)) for place in places]
        neutral = [_leaflet(known, place, _values(known) | dict.fromkeys(_GIVEN, "one")) for place in places]
    except NotUnderstood as refusal:
        return [], list(refusal.problems)
    problems: list[Problem] = []
    for where, words in (each for text in neutral for each in strings(text)):
        problems += [
            Problem(each.code, f"{where}: {each.text}", where, source=each.source)
            for each in unsafe({"sentence": words}, known.on)
        ]
    problems += unsafe({"drug": str(_values(known)["drug"])}, known.on)
    problems += check_reading(_running(known.wording), known.wording.language, known.on)
    return texts, list(dict.fromkeys(problems))


def _running(wording: LeafletWording) -> list[str]:
    """The leaflet's own sentences, without what is filled in: a long name makes no text harder."""
    texts = [text for section in wording.sections for part in section.parts for text in part.texts]
    return [_PLACEHOLDER.sub("", f"{text.lead} {text.text}") for text in texts]


# Names and numbers that others gave; they are printed as they are.
_GIVEN: Final = ("patient", "prescriber", "pharmacy", "phone", "prescription", "labels", "label", "approval")


def _values(known: Told) -> dict[str, Any]:
    """What stands for each placeholder."""
    wording, first = known.wording, known.supplies[0]
    fact, plan = known.supplies[-1].label.printed, first.batch.plan
    who = known.approved_by
    ids = [each.id for each in known.supplies]
    values = {
        "drug": _said(known, plan.ordered_as),
        "form": _listed_form(wording, plan.form),
        "strengths": _joined([_strength(known, each) for each in _strengths(known)], wording.words["and"]),
        "patient": known.patient,
        "prescription": fact.prescription,
        "prescriber": fact.prescriber,
        "purpose": "; ".join(dict.fromkeys(filter(None, (each.label.printed.purpose for each in known.supplies)))),
        "start": dated(wording, known.first_day),
        "today": dated(wording, known.on),
        "pharmacy": known.pharmacy.name,
        "phone": known.pharmacy.phone,
        "labels": ", ".join(ids),
        "label": ids[0],
        "revision": str(wording.revision),
        "approval": _filled(wording.words["approved"], {"name": who}) if who else wording.words["draft"],
        "shake": known.sentences.get(SHAKE, ""),
        "children": " ".join(said for name, said in known.sentences.items() if name != SHAKE),
        "storage": _said(known, first.batch.formula.beyond_use.storage_text),
        "use_by": _use_by(known),
        "supply_ends": dated(wording, known.titration.on(known.titration.last_day)) if known.titration else "",
        "warning_heading": known.warning.heading,
    }
    for each in reversed(known.follow_ups):
        values[each.id] = _when(wording, each)
    return values


def _leaflet(known: Told, place: set[str], values: Mapping[str, Any]) -> LeafletText:
    words = known.wording.words
    sheets = ["leaflet", *(["calendar"] if "apart" in place else []), "card"]
    several = "record-several" if len(known.supplies) > 1 else "record"
    return LeafletText(
        language=known.wording.language,
        title=_filled(words["title"], values),
        record=_filled(words[several], values),
        pharmacy=f"{values['pharmacy']}, {values['phone']}",
        page=words["page"],
        element=known.supplies[0].label.printed.element or f"(91){known.supplies[0].id}",
        code=_filled(words["code"], values),
        sheets=tuple(_sheet(known, id, place, values) for id in sheets),
    )


def _sheet(known: Told, id: str, place: set[str], values: Mapping[str, Any]) -> Sheet:
    words = known.wording.words
    heading = _filled(words["title" if id == "leaflet" else f"{id}-sheet"], values)
    opening = [_filled(words["for"], values)]
    if id == "leaflet" and values["purpose"]:
        opening.append(_filled(words["purpose"], values))
    opening.append(_filled(words["first-dose"], values))
    return Sheet(
        id=id,
        heading=heading[:1].upper() + heading[1:] if id != "leaflet" else heading,
        opening=(Paragraph(" ".join(opening)),),
        sections=tuple(_section(known, each, place, values) for each in known.wording.sections if each.sheet == id),
        card=_card(known.wording, values) if id == "card" else None,
    )


def _section(known: Told, section: WordingSection, place: set[str], values: Mapping[str, Any]) -> Section:
    liquid = known.supplies[0].batch.plan.volume is not None
    shaken = SHAKE in known.sentences
    true = {*place, *(["liquid"] if liquid else []), "shake" if shaken else "still"}
    blocks = [block for part in section.parts if true.issuperset(part.when) for block in _blocks(known, part, values)]
    return Section(section.id, _filled(section.heading, values), tuple(blocks))


def _blocks(known: Told, part: Part, values: Mapping[str, Any]) -> Iterator[Block]:
    match part.insert:
        case "warning":
            yield Paragraph(known.warning.text, strong=True)
        case "directions":
            yield from _directions(known)
        case "calendar" if known.titration:
            yield _calendar(known, known.titration)
        case "bottles":
            yield _bottles(known)
        case "follow-up":
            yield Grid(known.wording.listed("follow-up"), tuple(_due(known)))
        case _:
            said = tuple(Paragraph(_filled(each.text, values), _filled(each.lead, values)) for each in part.texts)
            yield from [Items(said)] if part.is_list else said


def _directions(known: Told) -> Iterator[Paragraph]:
    """What the labels say, once where bottles of one strength say the same."""
    said = dict.fromkeys((each.strength, each.directions) for each in known.supplies)
    for strength, directions in said:
        lead = f"{_strength(known, strength)}:" if len(_strengths(known)) > 1 else ""
        yield Paragraph(directions, lead, strong=True)


def _calendar(known: Told, made: Titration) -> Grid:
    words = known.wording.words
    strengths = [_strength(known, in_mg(each)) for each in made.strengths]
    rows = [
        (
            dated(known.wording, made.on(step.first_day), "day"),
            dated(known.wording, made.on(step.last_day), "day"),
            told(step.dose),
            *(str(each) if each else words["none"] for each in counts),
        )
        for step, counts in zip(made.steps, made.taken, strict=True)
    ]
    head = (
        *known.wording.listed("calendar"),
        *(_filled(words["capsules-of"], {"strength": each}) for each in strengths),
    )
    return Grid(head, tuple(rows))


def _bottles(known: Told) -> Grid:
    rows = [
        (
            f"{_strength(known, each.strength)} ({each.id})",
            _amount(known, each.label.printed.quantity),
            each.directions,
            dated(known.wording, each.batch.beyond_use_date),
        )
        for each in known.supplies
    ]
    return Grid(known.wording.listed("bottles"), tuple(rows))


def _due(known: Told) -> Iterator[tuple[str, ...]]:
    for each in known.follow_ups:
        yield known.wording.words[f"test-{each.id}"], _when(known.wording, each), ""


def _card(wording: LeafletWording, values: Mapping[str, Any]) -> tuple[Face, Face]:
    front, back = (
        Face(_filled(wording.words[f"card-{side}"], values), tuple(Paragraph(_filled(line, values)) for line in lines))
        for side, lines in zip(("front", "back"), wording.card, strict=True)
    )
    return front, back


# ---- words ----


_PLACEHOLDER: Final = re.compile(r"\{([a-z_-]+)\}")


def _filled(words: str, values: Mapping[str, Any]) -> str:
    """Words with what the record says in the place of each name in braces; what is filled in is never read again."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            text = f"The leaflet's words ask for {match[0]}, which no record holds. Correct the text file"
            raise NotUnderstood(Problem("leaflet.placeholder", text, match[1]))
        return str(values[match[1]])

    return " ".join(_PLACEHOLDER.sub(value, words).split(" "))


def _said(known: Told, words: str) -> str:
    """The record's words in the leaflet's language."""
    if known.say is None:
        return words
    if words not in known.say:
        raise _no_wording(known, words)
    return known.say[words]


def _no_wording(known: Told, words: str) -> NotUnderstood:
    text = f"There is no {known.wording.language} wording of “{words}”: add it to the texts of that language, approved"
    return NotUnderstood(Problem("leaflet.no-wording", text, words))


def _listed_form(wording: LeafletWording, form: str) -> str:
    name = f"form-{form.replace(' ', '-')}"
    if name not in wording.words:
        text = f"{wording.id} has no words for the form {form}: write {name} in your own texts, and have it approved"
        raise NotUnderstood(Problem("leaflet.no-wording", text, form))
    return wording.words[name]


def _strengths(known: Told) -> list[str]:
    return sorted(dict.fromkeys(each.strength for each in known.supplies), key=quantity)


def _strength(known: Told, strength: str) -> str:
    return _amount(known, told(quantity(strength)).replace("/", " per "))


def _amount(known: Told, text: str) -> str:
    number, _, unit = text.partition(" ")
    return f"{number} {_said(known, unit)}"


def _use_by(known: Told) -> str:
    """The date that all bottles share, or one for each strength."""
    days = {
        strength: min(each.batch.beyond_use_date for each in known.supplies if each.strength == strength)
        for strength in _strengths(known)
    }
    if len(set(days.values())) == 1:
        return dated(known.wording, next(iter(days.values())))
    pattern = known.wording.words["use-by"]
    parts = [
        _filled(pattern, {"strength": _strength(known, strength), "date": dated(known.wording, day)})
        for strength, day in days.items()
    ]
    return "; ".join(parts)


def _when(wording: LeafletWording, due: FollowUp) -> str:
    first, last = dated(wording, due.first), dated(wording, due.last)
    return first if first == last else _filled(wording.words["between"], {"first": first, "last": last})


def dated(wording: LeafletWording, day: date, pattern: str = "date") -> str:
    """A day in the words of a language, on one line; ``date`` with its year, ``day`` with the day of the week."""
    months = wording.listed("months" if pattern == "date" else "months-short")
    values = {
        "month": months[day.month - 1],
        "day": day.day,
        "year": day.year,
        "weekday": wording.listed("weekdays-short")[day.weekday()],
    }
    return _filled(wording.words[pattern], values).replace(" ", "\N{NO-BREAK SPACE}")


def _joined(words: Sequence[str], last: str) -> str:
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)
