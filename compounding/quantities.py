"""A milligram of what: quantities that carry their material as a dimension.

Text is read by our own small grammar and never by Pint's parser, which takes ``1,5 mg`` for 15 mg.
Magnitudes are exact rationals. Each material (a salt, a tablet powder, a filler) is a base unit, so that milligrams
of different materials cannot be added, compared or confused.

Three voices of writing: `written` for records and JSON (what `quantity` reads back), `told` for labels
and people (thousands marked), and the digits of a balance, which are kept as text where they are read.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final, TypeAlias

from compounding import units
from compounding.problems import CannotCompute, NotUnderstood, Problem
from compounding.units import REGISTRY as _REGISTRY
from compounding.units import Unit

Quantity: TypeAlias = units.Quantity[Any]

# What a quantity measures; `calc.measured` checks it at every call.
Mass: TypeAlias = Quantity
Volume: TypeAlias = Quantity
Count: TypeAlias = Quantity
MassPerUnit: TypeAlias = Quantity
Concentration: TypeAlias = Quantity
Density: TypeAlias = Quantity
Content: TypeAlias = Quantity

_NUMBER = r"(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,9})?"
_SPELLING = r"[A-Za-z\u00b5\u03bc]{1,12}"
_QUANTITY = re.compile(rf"({_NUMBER}) ({_SPELLING})(?:/(?:({_NUMBER}) )?({_SPELLING}))?")
_SHARE = re.compile(rf"({_NUMBER}) % (w/w|w/v|v/v)")
_PERCENT = re.compile(rf"({_NUMBER}) %")

_UNITS: Final = {
    "kg": "kilogram",
    "g": "gram",
    "mg": "milligram",
    "mcg": "microgram",
    "ug": "microgram",
    "\u00b5g": "microgram",
    "\u03bcg": "microgram",
    "ng": "nanogram",
    "L": "liter",
    "mL": "milliliter",
    "ml": "milliliter",
    "mm": "millimeter",
    "day": "day",
    "days": "day",
    "tablet": "tablet",
    "tablets": "tablet",
    "capsule": "capsule",
    "capsules": "capsule",
    "dose": "dose",
    "doses": "dose",
    "drop": "drop",
    "drops": "drop",
}
_SYMBOLS: Final = {
    "kilogram": "kg",
    "gram": "g",
    "milligram": "mg",
    "microgram": "mcg",
    "nanogram": "ng",
    "liter": "L",
    "milliliter": "mL",
    "millimeter": "mm",
}
_COUNTED: Final = frozenset({"tablet", "capsule", "dose", "drop", "day"})

# Spellings that people type and that have been misread: what to write instead.
_INSTEAD: Final = {
    "cc": "mL",
    "ccs": "mL",
    "MG": "mg",
    "Mg": "mg",
    "mG": "mg",
    "Mgs": "mg",
    "mgs": "mg",
    "ML": "mL",
    "Ml": "mL",
    "mls": "mL",
    "gm": "g",
    "gms": "g",
    "G": "g",
    "KG": "kg",
    "Kg": "kg",
    "MCG": "mcg",
    "mcgs": "mcg",
    "l": "L",
    "gr": "mg or g (gr is a grain, 64.79891 mg)",
    "grain": "mg",
    "U": "the mass in mg or mcg",
    "IU": "the mass in mg or mcg",
    "unit": "the mass in mg or mcg",
    "units": "the mass in mg or mcg",
    "M": "the concentration in mg/mL",
    "tab": "tablet",
    "tabs": "tablets",
    "cap": "capsule",
    "caps": "capsules",
}

# What was seen, and what to write instead; the first that matches speaks.
_NUMBER_ADVICE: Final[tuple[tuple[str, str], ...]] = (
    (r".*[^\x20-\x7e\u00b5\u03bc].*", "it holds a character that is not plain text; type the digits 0 to 9, a point and a unit"),
    (r".*[0-9],[0-9].*", "a comma can mean a decimal or thousands; write a decimal with a point, as in 1.5 mg, and thousands plainly, as in 1500 mg"),
    (r"[-+].*", "a sign is not accepted; write the amount alone, as in 1.5 mg"),
    (r"\.[0-9].*", "a point without a zero before it is overlooked; write 0.5 mg, not .5 mg"),
    (r"[0-9]+\.(?:[^0-9].*)?", "a point without a digit after it; write 5 mg, not 5. mg"),
    (r"0[0-9].*", "a number may not begin with 0 unless a point follows; write 10 mg or 0.10 mg"),
    (r"[0-9.]+[eE][-+]?[0-9].*", "powers of ten are not accepted; write the number out, as in 1500 mg or 0.001 mg"),
    (r"(?i)(nan|inf|infinity)\b.*", "that is not a number; write digits, as in 1.5 mg"),
    (r"[0-9]+ ?/ ?[0-9]+.*|[0-9]+ [0-9]+/.*|.*1:[0-9]+.*", "fractions and ratios are not accepted; write a decimal, as in 0.5 mg"),
    (r"[0-9.]+ ?(-|to) ?[0-9].*", "a range is not accepted; write one amount"),
    (r"[0-9]+ [0-9].*", "a space inside a number is not accepted; write 1000 mg, not 1 000 mg"),
    (r"[0-9.]*\.[0-9.]*\..*", "there is more than one point; write a number such as 1.5"),
    (r"[0-9]{10}.*|[0-9]*\.[0-9]{10}.*", "a number has at most 9 digits before and 9 after the point"),
)  # fmt: skip
_QUANTITY_ADVICE: Final = (
    *_NUMBER_ADVICE,
    (r"", "nothing was written; write a number, a space and a unit, such as 1.5 mg"),
    (r"[0-9.]+ ?%.*", "a percentage here needs its basis; write % w/w, % w/v or % v/v"),
    (r"[0-9.]+", "the unit is missing; write a number, a space and a unit, such as 1.5 mg"),
    (r"[0-9.]+[A-Za-z\u00b5\u03bc].*", "a space is missing between number and unit; write 1.5 mg, not 1.5mg"),
    (r"[0-9.]+  +.*| .*|.* ", "there are too many spaces; write one space between number and unit"),
)  # fmt: skip
_LONGEST: Final = 60


def _refuse(text: str, why: str, code: str = "quantity.not-understood") -> NotUnderstood:
    seen = text if len(text) <= 40 else text[:37] + "..."
    return NotUnderstood(Problem(code, f"{seen!r} was not understood: {why}."))


def _advice(text: str, known: tuple[tuple[str, str], ...], otherwise: str) -> str:
    if len(text) > _LONGEST:
        return f"it is too long; {otherwise}"
    return next((sentence for pattern, sentence in known if re.fullmatch(pattern, text, re.DOTALL)), otherwise)


def number(text: str) -> Fraction:
    """Read a bare decimal number: ASCII digits and one point, at most 15 significant digits.

    Raises:
        NotUnderstood: anything else, with a sentence that says what to write instead.

    Source:
        house-number-grammar

    Example:
        >>> number("0.25")
        Fraction(1, 4)
    """
    if len(text) > 20 or not re.fullmatch(_NUMBER, text):
        raise _refuse(text, _advice(text, _NUMBER_ADVICE, "write a number alone, such as 1.5"), "number.not-understood")
    if len(text.replace(".", "").strip("0")) > 15:
        raise _refuse(text, "no balance gives more than 15 significant digits", "number.not-understood")
    return Fraction(text)


def _unit(spelling: str, text: str) -> Unit:
    if spelling in _UNITS:
        return units.unit(_UNITS[spelling])
    if spelling in _INSTEAD:
        raise _refuse(text, f"{spelling} has been misread; write {_INSTEAD[spelling]}", "quantity.unit")
    known = "kg, g, mg, mcg, ng, L, mL, mm, tablets, capsules, doses, drops or days"
    raise _refuse(text, f"{spelling} is not a unit of the bench; write {known}", "quantity.unit")


def quantity(text: str, of: str | None = None) -> Quantity:
    """Read a quantity: a number, a space, a unit, optionally ``/`` and a number and a unit.

    Args:
        text: such as ``1.5 mg``, ``250 mg/5 mL``, ``302.4 mg/tablet`` or ``0.5 % w/v`` (g per 100 mL).
        of: the material whose mass it is; a mass without a material fits no calculation.

    Returns:
        Exact quantity in the units that were typed.

    Raises:
        NotUnderstood: with what was seen and what to write instead.

    Source:
        house-number-grammar

    Example:
        >>> quantity("250 mg/5 mL")
        <Quantity(50, 'milligram / milliliter')>
    """
    if found := _SHARE.fullmatch(text):
        over = {"w/w": ("gram", "gram"), "w/v": ("gram", "milliliter"), "v/v": ("milliliter", "milliliter")}[found[2]]
        read = _REGISTRY.Quantity(number(found[1]) / 100, units.unit(over[0])) / units.unit(over[1])
    elif found := _QUANTITY.fullmatch(text):
        read = _REGISTRY.Quantity(number(found[1]), _unit(found[2], text))
        if found[4]:
            divisor = number(found[3]) if found[3] else Fraction(1)
            if not divisor:
                raise _refuse(text, "it divides by zero")
            read = read / _REGISTRY.Quantity(divisor, _unit(found[4], text))
    else:
        raise _refuse(
            text, _advice(text, _QUANTITY_ADVICE, "write a number, a space and a unit, such as 1.5 mg or 1 mg/mL")
        )
    return read * material(of) if of else read


def percent(text: str) -> Fraction:
    """Read a share of something, such as an overage or an assay: ``5 %`` is 1/20.

    Raises:
        NotUnderstood: the sign or the space is missing, or a basis was written where none belongs.
    """
    found = _PERCENT.fullmatch(text)
    if not found:
        why = "write a share as a number, a space and %, such as 5 %"
        raise _refuse(text, _advice(text, _NUMBER_ADVICE, why), "percent.not-understood")
    return number(found[1]) / 100


def material(name: str) -> Unit:
    """The dimension of a material, such as ``naltrexone hydrochloride`` or ``tablet powder``.

    Raises:
        NotUnderstood: the name is not words of small letters, digits and hyphens, or names a unit or a dimension.
    """
    if not re.fullmatch(r"[a-z][a-z0-9 -]{2,60}", name):
        raise _refuse(name, "name a material in small letters, such as microcrystalline cellulose", "material.name")
    symbol = name.replace(" ", "_").replace("-", "_")
    if symbol in _NOT_MATERIALS:  # it would redefine the unit, and every conversion with it
        raise _refuse(name, "that is a unit or a dimension; name the material itself", "material.name")
    if symbol not in _materials:
        units.define_base(symbol, symbol)
        _materials[symbol] = name
    return units.unit(symbol)


_materials: dict[str, str] = {}
_NOT_MATERIALS: Final = frozenset(
    {"mass", "volume", "length", "time", "dimensionless"}
    | {
        prefix + unit + plural
        for prefix in ("", "kilo", "milli", "micro", "nano")
        for unit in {"gram", "liter", "millimeter"} | _COUNTED
        for plural in ("", "s")
    }
)


def material_of(value: Quantity) -> str | None:
    """The name of the material whose mass this is, or None."""
    return next((_materials[unit] for unit, power in value._units.items() if unit in _materials and power == 1), None)


def _exact(power: Any) -> Fraction:
    return Fraction(power)


def dimensions(value: Quantity) -> tuple[dict[str, Fraction], dict[str, Fraction]]:
    """What a quantity measures: its ordinary dimensions, and its materials, each with its power."""
    ordinary: dict[str, Fraction] = {}
    materials: dict[str, Fraction] = {}
    for name, power in value.dimensionality.items():
        (materials if name[1:-1] in _materials else ordinary)[name[1:-1]] = _exact(power)
    return ordinary, materials


def of_material(value: Quantity, name: str) -> Quantity:
    """The same mass, now said of a material; only for a mass that was read without one."""
    if dimensions(value)[1]:
        raise CannotCompute(f"{written(value)} already is a mass of {material_of(value)}, not of {name}")
    return value * material(name)


def taken_as(value: Quantity, name: str) -> Quantity:
    """A figure of one material, assumed to hold for another; whoever calls it says so to the reader."""
    for of, power in dimensions(value)[1].items():
        value = value / material(_materials[of]) ** power
    return value * material(name)


def content(share: Fraction, of: str, within: str) -> Content:
    """How much of one material is in a mass of another [mass/mass], such as a hydrochloride in its bulk powder.

    Raises:
        CannotCompute: both are the same material.
    """
    if of == within:
        raise CannotCompute(f"A content of {of} in {within} says nothing: name what is in what")
    return share * material(of) / material(within)


def together(masses: Sequence[Quantity], name: str) -> Quantity:
    """What different materials weigh when they are mixed: the mass of the mixture.

    Example:
        >>> written(together([quantity("9 mg", "tablet powder"), quantity("126 mg", "lactose")], "mixture"))
        '135 mg'
    """
    parts = [taken_as(mass, name) for mass in masses]
    return sum(parts[1:], parts[0])


def _wanted(unit: str, like: Quantity) -> Unit:
    """A unit from its spelling, with the material of a quantity."""
    return _unit_of_materials(unit, tuple(each for each in like._units.items() if each[0] in _materials))


@functools.cache
def _unit_of_materials(unit: str, materials: tuple[tuple[str, int], ...]) -> Unit:
    top, _, bottom = unit.partition("/")
    wanted = _unit(top, unit) / _unit(bottom, unit) if bottom else _unit(top, unit)
    for name, power in materials:
        wanted = wanted * material(_materials[name]) ** power
    return wanted


def amount(value: Quantity, unit: str) -> Fraction:
    """The exact magnitude in a unit such as ``mg``, ``mL`` or ``mg/mL``; the material is left aside.

    Raises:
        NotUnderstood: the unit cannot express the quantity.
    """
    try:
        return Fraction(value.m_as(_wanted(unit, value)))
    except units.DimensionalityError:
        why = f"{unit} cannot express {_unit_text(value, Fraction(1)) or 'a plain number'}"
        raise _refuse(written(value), why, "quantity.dimension") from None


def in_unit(value: Quantity, unit: str) -> Quantity:
    """The same quantity, expressed in another unit; the material stays."""
    return _REGISTRY.Quantity(amount(value, unit), _wanted(unit, value))


def count(number_of: int | Fraction, of: str) -> Count:
    """So many tablets, capsules or doses: a count with its own dimension."""
    return _REGISTRY.Quantity(Fraction(number_of), _unit(of, of))


def rounded(value: Quantity, step: Quantity) -> Quantity:
    """Round half up to a whole number of steps, as a balance of that readability shows it.

    Source:
        usp-general-notices-7

    Example:
        >>> written(rounded(quantity("952.56 mg"), quantity("0.1 mg")))
        '952.6 mg'
    """
    unit = _unit_text(step, Fraction(1))
    one_step = amount(step, unit)
    return _REGISTRY.Quantity(half_up(amount(value, unit) / one_step) * one_step, _wanted(unit, value))


def half_up(value: Fraction, places: int = 0) -> Fraction:
    """Round half up, away from zero, to so many decimal places.

    Source:
        usp-general-notices-7

    Example:
        >>> half_up(Fraction("2.345"), 2)
        Fraction(47, 20)
    """
    scaled = abs(value) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Fraction(whole if value >= 0 else -whole, 10**places)


def decimal_text(value: Fraction, places: int | None = None) -> str:
    """Write a rational as a decimal, half up to 9 places: no more, so that `quantity` reads back what a record says.

    Args:
        places: at most this many decimals, rounded half up.

    Example:
        >>> decimal_text(Fraction(1, 8)), decimal_text(Fraction(2, 3), 2)
        ('0.125', '0.67')
    """
    places = 9 if places is None else places
    shown = half_up(value, places)
    digits = f"{abs(shown.numerator) * 10**places // shown.denominator:0{places + 1}d}"
    text = f"{digits[:-places]}.{digits[-places:]}".rstrip("0").rstrip(".") if places else digits
    return f"-{text}" if shown < 0 else text


def _unit_text(value: Quantity, magnitude: Fraction) -> str:
    ordinary = {name: _exact(power) for name, power in value._units.items() if name not in _materials}
    top = [name for name, power in ordinary.items() if power > 0]
    bottom = [name for name, power in ordinary.items() if power < 0]
    words = [name + "s" if name in _COUNTED and magnitude != 1 else _SYMBOLS.get(name, name) for name in top]
    under = "".join(f"/{_SYMBOLS.get(name, name)}" for name in bottom)
    return " ".join(words) + under


def written(value: Quantity, places: int | None = None) -> str:
    """Write for records and JSON, such as ``952.6 mg``: what `quantity` reads back. No material."""
    magnitude = Fraction(value.magnitude)
    return f"{decimal_text(magnitude, places)} {_unit_text(value, magnitude)}".rstrip()


def as_balance(value: Quantity, readability: Quantity) -> str:
    """Write with every digit that a balance of that readability shows, trailing zeros included.

    Example:
        >>> as_balance(quantity("381 mg"), quantity("0.1 mg"))
        '381.0 mg'
    """
    unit = _unit_text(readability, Fraction(1))
    places = len(decimal_text(amount(readability, unit)).partition(".")[2])
    digits = decimal_text(amount(value, unit), places)
    whole, _, decimals = digits.partition(".")
    return f"{whole}.{decimals:0<{places}} {unit}" if places else f"{whole} {unit}"


def told(value: Quantity, places: int | None = None) -> str:
    """Write for people: leading zero, no trailing zero, a space before the unit, commas from 1,000 up.

    Source:
        ismp-error-prone

    Example:
        >>> told(quantity("12500.50 mg"))
        '12,500.5 mg'
    """
    digits, _, unit = written(value, places).partition(" ")
    whole, point, decimals = digits.removeprefix("-").partition(".")
    sign = "-" if digits.startswith("-") else ""
    return f"{sign}{int(whole):,}{point}{decimals} {unit}".rstrip()


def cut(text: str, places: int) -> str:
    """A quantity as text with few decimals, for a narrow place; ``…`` says that there are more.

    Nothing is rounded: what is weighed stands beside it.

    Example:
        >>> cut("497.037655573 mg", 3), cut("952.56 mg", 3), cut("100 capsules", 3)
        ('497.037… mg', '952.56 mg', '100 capsules')
    """
    digits, _, unit = text.partition(" ")
    whole, _, decimals = digits.partition(".")
    return text if len(decimals) <= places else f"{whole}.{decimals[:places]}… {unit}".rstrip()


def ratio(value: Quantity, to: Quantity) -> Fraction:
    """How many times one quantity holds another of its kind [1].

    Raises:
        CannotCompute: they do not measure the same, or the other is zero.
    """
    if value.dimensionality != to.dimensionality:
        of, of_other = (f" of {name}" if name else "" for name in (material_of(value), material_of(to)))
        text = f"{told(value)}{of} cannot be compared with {told(to)}{of_other}"
        raise CannotCompute(text, code="quantity.dimension")
    if not to:
        raise CannotCompute(
            f"{told(to)} of {material_of(to) or 'anything'} must be above zero", code="calculation.zero"
        )
    return Fraction((value / to).m_as(_REGISTRY.dimensionless))
