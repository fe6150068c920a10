"""Safe writing: what was misread on labels before is refused, each with what to write in its place.

What is looked for are the dated rows of `writing.toml`. A dose of a liquid is told in mg and in mL, and the two must
agree; a strength can be said in words, for the one who checks it against the prescription.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from functools import cache, lru_cache
from typing import Final

from compounding.problems import Problem
from compounding.rules.tables import in_force

# Names and numbers that a person or an authority gave: they are printed as they are. A man may be called U Tin, a
# street 1.0 Mile Road.
GIVEN: Final = frozenset(
    {
        "patient",
        "prescriber",
        "person",
        "pharmacy_name",
        "pharmacy_address",
        "pharmacy_phone",
        "prescription",
        "batch",
        "identifier",
        "copy",
        "warning_heading",
        "warning_text",
    }
)
# A strength of a liquid, and a dose of it; the Spanish of our texts says por.
LIQUID: Final = re.compile(r"([\d.,]+) mg (?:per|por) (?:([\d.,]+) )?mL")
DOSE: Final = re.compile(r"([\d.,]+) mL\s*\(([\d.,]+) mg\)|([\d.,]+) mg\s*\(([\d.,]+) mL\)")
# A strength of what is counted, and doses of it; what a capsule holds, told beside it.
COUNTED: Final = re.compile(r"([\d.,]+) (mg|mcg|g)")
UNIT: Final = r"(?:capsules?|cápsulas?|tablets?|tabletas?)"
DOSE_COUNTED: Final = re.compile(
    rf"([\d.,]+) {UNIT} \(([\d.,]+) (mg|mcg|g)\)|([\d.,]+) (mg|mcg|g) \(([\d.,]+) {UNIT}\)"
)
EACH_HOLDS: Final = re.compile(rf"{UNIT} (?:of|de) ([\d.,]+) (mg|mcg|g)\b|([\d.,]+) (mg|mcg|g) {UNIT}\b")
# What a line about capsules cannot mean: a volume, drops, another form, a part of one, another way than the mouth.
NOT_A_CAPSULE: Final = re.compile(
    r"\d\s?(?:mL\b|drops?\b|gotas?\b|tablets?\b|tabletas?\b|puffs?\b)|\d\.\d+ (?:capsules?|cápsulas?)\b"
    r"|(?:\bhalf\b|\bmedia\b|½|¼)[^.]{0,12}(?:capsule|cápsula)|\b(?:inject|inyect|inhal|eyes?\b|ears?\b|nostrils?\b|rectal)",
    re.IGNORECASE,
)
MASS: Final = re.compile(r"[\d.,]*\d (?:mg|mcg|g)\b")
IN_MG: Final = {"mcg": Fraction(1, 1000), "mg": Fraction(1), "g": Fraction(1000)}
# What a person could take for naltrexone, or naltrexone for it, in the fields that say what is in a container.
LOOK_ALIKE: Final = re.compile(r"nalox|nalmef|methylnal|metilnal", re.IGNORECASE)
MAY_NAME_A_DRUG: Final = frozenset(
    {
        "directions", "dose", "purpose", "auxiliary", "sentence", "reason", "ingredients", "storage", "dosage_form",
        "strength", "quantity", "route", "text",
    }
)  # fmt: skip
# A dose that is rounded to its syringe's marks lies this near to the dose that is meant, relative to it.
ROUNDED: Final = Fraction(1, 20)
VOLUME: Final = re.compile(r"\d mL\b")


def unsafe(fields: Mapping[str, str], on: date) -> list[Problem]:
    """What is written unsafely in the words of a label.

    Args:
        fields: words by the field they stand in.
        on: the day of printing.

    Source:
        ismp-error-prone; ismp-label-principles; usp-17-labels

    Example:
        >>> [problem.text for problem in unsafe({"directions": "Take .5 mg QD"}, date(2026, 11, 22))][0]
        'directions: “.5” (naked decimal) was misread before. Write a zero before the point: 0.5 mg.'
    """
    problems: list[Problem] = []
    for name, words in sorted(fields.items()):
        if name not in GIVEN and words:
            problems += _misread(name, words.replace("\u00a0", " "), on)
    # What is misread is not counted.
    counted = [] if any(problem.where == "directions" for problem in problems) else list(_counted(fields))
    return problems + list(_drug(fields)) + list(_liquid(fields)) + counted


@lru_cache(maxsize=1024)
def _misread(name: str, words: str, on: date) -> tuple[Problem, ...]:
    return tuple(_misread_in(name, words, on))


def _misread_in(name: str, words: str, on: date) -> Iterator[Problem]:
    for id, pattern, write, only, source in _rows(on):
        if only and name not in only:
            continue
        found = pattern.search(words)
        if found:
            seen = found.group().strip()
            text = f"{name}: “{seen}” ({id}) was misread before. Write {write}."
            yield Problem("writing.error-prone", text, name, source=source)


@cache
def _rows(on: date) -> tuple[tuple[str, re.Pattern[str], str, frozenset[str], str], ...]:
    return tuple(
        (row["id"], re.compile(row["pattern"]), row["write"], frozenset(row.get("only", ())), row["source"])
        for row in in_force("writing", on)
    )


def _drug(fields: Mapping[str, str]) -> Iterator[Problem]:
    """The drug's name is whole, says which form its strength counts, and is not its look-alike."""
    if any(re.search("naltrexon", words, re.IGNORECASE) for words in fields.values()):
        for name in sorted(MAY_NAME_A_DRUG & fields.keys()):
            if other := LOOK_ALIKE.search(fields[name]):
                text = f"{name}: “{other.group()}” is a look-alike of naltrexone, and stands on a label of naltrexone. Read the prescription again; take it out"
                yield Problem("material.look-alike", text, name, source="naltrexone-label")
    drug = fields.get("drug")
    if not drug:
        return
    if LOOK_ALIKE.search(drug):
        text = f"drug: {drug} is a look-alike of naltrexone. Read the container again; set it aside"
        yield Problem("material.look-alike", text, "drug", source="naltrexone-label")
    elif re.search(r"naltrexon", drug.lower()) and not re.search(r"hydrochloride|clorhidrato|\bbase\b", drug):
        text = (
            f"drug: “{drug}” does not say what its strength counts. Write naltrexone hydrochloride, or naltrexone base"
        )
        yield Problem("writing.salt-basis", text, "drug", source="naltrexone-label")


def _liquid(fields: Mapping[str, str]) -> Iterator[Problem]:
    """A dose of a liquid is told in mg and in mL, and by its strength the two are the same."""
    strength = LIQUID.search(fields.get("strength", "").replace("\u00a0", " "))
    if not strength:
        return
    each_ml = _number(strength[1]) / _number(strength[2] or "1")
    for name in ("directions", "dose"):
        words = fields.get(name, "").replace("\u00a0", " ")
        doses = list(DOSE.finditer(words))
        if (words and len(doses) < len(VOLUME.findall(words))) or (words and not doses):
            text = f"{name}: a dose of a liquid is told in mL and in mg, each beside the other. Write such as 1.5 mL (1.5 mg)"
            yield Problem("writing.liquid-dose", text, name, source="ismp-oral-liquids")
            continue
        for dose in doses:
            ml, mg = (dose[1], dose[2]) if dose[1] else (dose[4], dose[3])
            volume, mass = _number(ml), _number(mg)
            # A volume is told as finely as its syringe is marked.
            half_digit = each_ml / (2 * 10 ** len(ml.partition(".")[2]))
            if abs(volume * each_ml - mass) > min(half_digit, mass * ROUNDED):
                from compounding.quantities import decimal_text  # loads Pint, which a label that is right does without

                text = (
                    f"{name}: “{dose.group()}” is not one dose at {fields['strength']}: "
                    f"{ml} mL hold {decimal_text(volume * each_ml)} mg. Correct the one that is wrong"
                )
                yield Problem("writing.liquid-dose", text, name, source="ismp-oral-liquids")


def _counted(fields: Mapping[str, str]) -> Iterator[Problem]:
    """A dose of capsules is told in capsules; a mass beside it is what so many of this strength hold."""
    strength = COUNTED.fullmatch(fields.get("strength", "").replace("\u00a0", " "))
    if not strength:
        return
    each = _number(strength[1]) * IN_MG[strength[2]]
    words = fields.get("directions", "").replace("\u00a0", " ")
    if re.search("c[aá]ps", fields.get("quantity", "")) and (other := NOT_A_CAPSULE.search(words)):
        text = (
            f"directions: “{other.group().strip()}” is no way to take capsules. Write how many whole ones are taken by mouth: "
            "Take 1 capsule by mouth at bedtime."
        )
        yield Problem("writing.dose", text, "directions", source="ismp-label-principles")
        return
    found = [
        (dose, _number(dose[1] or dose[6]) * each, _number(dose[2] or dose[4]) * IN_MG[dose[3] or dose[5]])
        for dose in DOSE_COUNTED.finditer(words)
    ]
    found += [
        (dose, each, _number(dose[1] or dose[3]) * IN_MG[dose[2] or dose[4]]) for dose in EACH_HOLDS.finditer(words)
    ]
    for dose, held, told in found:
        if held != told:
            from compounding.quantities import decimal_text  # loads Pint, which a label that is right does without

            text = (
                f"directions: “{dose.group()}” is not one dose at {fields['strength']}: that is "
                f"{decimal_text(held)} mg. Correct the one that is wrong"
            )
            yield Problem("writing.dose", text, "directions", source="ismp-label-principles")
    for dose, *_ in found:
        words = words.replace(dose.group(), " … ")
    if alone := MASS.search(words):
        text = (
            f"directions: “{alone.group()}” says not how many to take. Write the dose in what is counted, with the mass "
            f"beside it or without it: 1 capsule ({fields['strength']})"
        )
        yield Problem("writing.dose", text, "directions", source="ismp-label-principles")


def _number(text: str) -> Fraction:
    return Fraction(text.replace(",", "").rstrip(".") or "0")


_UNDER_20: Final = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_UNITS: Final = {"mg": "milligram", "mcg": "microgram", "g": "gram", "mL": "millilitre"}


def in_words(strength: str) -> str:
    """A strength in words, for the one who checks it: 1.5 mg and 15 mg sound apart where they look alike.

    Example:
        >>> in_words("1.5 mg"), in_words("15 mg per mL")
        ('one point five milligrams', 'fifteen milligrams per millilitre')
    """
    words = []
    for part in strength.replace("\u00a0", " ").replace("/", " per ").split():
        if re.fullmatch(r"[\d,]*\.?\d+", part):
            words.append(_said(part.replace(",", "")))
        elif part in _UNITS:
            one = not words or words[-1] in ("one", "per")
            words.append(_UNITS[part] if one else f"{_UNITS[part]}s")
        else:
            words.append(part)
    return " ".join(words)


def _said(number: str) -> str:
    whole, point, decimals = number.partition(".")
    said = _whole(int(whole or "0"))
    return f"{said} point {' '.join(_UNDER_20[int(digit)] for digit in decimals)}" if point else said


def _whole(number: int) -> str:
    if number < 20:
        return _UNDER_20[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens - 2] + (f"-{_UNDER_20[ones]}" if ones else "")
    size, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    many, rest = divmod(number, size)
    return f"{_whole(many)} {name}" + (f" {_whole(rest)}" if rest else "")
