"""The forms of a substance: what each weighs by its formula, which one an order means, what is mistaken for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from functools import cache

from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem
from compounding.quantities import Mass, decimal_text, quantity
from compounding.rules.tables import in_force, one_in_force


@dataclass(frozen=True)
class Form:
    """One form of a substance: base, salt or hydrate of the salt.

    Args:
        name: as materials are named, such as ``naltrexone hydrochloride dihydrate``.
        substance: what it is a form of, such as ``naltrexone``.
        short: what people call it among the forms, such as ``dihydrate``.
        formula: such as ``C20H23NO4.HCl.2H2O``; one of the substance in each.
        molar_mass: by its formula [g/mol], exact; this one is used.
        printed: what a monograph or register prints [g/mol], if one was read.
        salt: the form that is left when its water of hydration is taken off.
        water: share of its mass that is water of hydration [1].
        source: key of what says that it exists.
        verified: False if no source was read.
    """

    name: str
    substance: str
    short: str
    formula: str
    molar_mass: Fraction
    printed: Fraction | None
    salt: str
    water: Fraction
    source: str
    verified: bool

    @property
    def mole(self) -> Mass:
        """Mass of one mole, said of this form."""
        return quantity(f"{decimal_text(self.molar_mass)} g", self.name)

    @property
    def printed_apart(self) -> Fraction | None:
        """How far the printed molar mass lies from the computed one, relative to it, in millionths."""
        return None if self.printed is None else (self.printed / self.molar_mass - 1) * 10**6


def molar_mass(formula: str, on: date) -> Fraction:
    """Molar mass of a formula by the atomic weights in force [g/mol], exact.

    Args:
        formula: elements and their numbers, parts joined by points, as ``C20H23NO4.HCl.2H2O``.
        on: day of the calculation.

    Source:
        ciaaw-2021

    Example:
        >>> decimal_text(molar_mass("C20H23NO4.HCl", date(2026, 3, 2)))
        '377.865'
    """
    weights = one_in_force("substances", on, kind="weights")["weights"]
    total = Fraction(0)
    for part in formula.split("."):
        times, atoms = re.fullmatch(r"([0-9]*)(.+)", part).groups()  # type: ignore[union-attr]
        each = sum(
            (
                Fraction(weights[element]) * int(number or 1)
                for element, number in re.findall(r"([A-Z][a-z]?)([0-9]*)", atoms)
            ),
            Fraction(0),
        )
        total += int(times or 1) * each
    return total


@cache
def forms(on: date, substance: str | None = None) -> Mapping[str, Form]:
    """The forms known on a day by name: of one substance, or all."""
    found = {}
    for row in in_force("substances", on, kind="form"):
        if substance in (None, row["substance"]):
            mass = molar_mass(row["formula"], on)
            found[row["id"]] = Form(
                name=row["id"],
                substance=row["substance"],
                short=row["short"],
                formula=row["formula"],
                molar_mass=mass,
                printed=Fraction(row["printed"]) if "printed" in row else None,
                salt=row["salt"],
                water=row["water"] * molar_mass("H2O", on) / mass,
                source=row["source"],
                verified=row.get("verified", True),
            )
    return found


def form_named(words: str, substance: str, on: date) -> Form:
    """A form of a substance by its name, or by what it is called among the forms.

    Raises:
        NotUnderstood: no such form; names what there is, and warns of a look-alike.

    Example:
        >>> form_named("dihydrate", "naltrexone", date(2026, 3, 2)).name
        'naltrexone hydrochloride dihydrate'
    """
    known = forms(on, substance)
    for form in known.values():
        if words in (form.name, form.short):
            return form
    alike = look_alike(words, substance, on)
    if alike:
        text = f"{words} names {alike}, a look-alike of {substance}. Read the container again; set it aside"
        raise NotUnderstood(Problem("material.look-alike", text, words, source="naltrexone-label"))
    names = ", ".join(f"{form.short} ({form.name})" for form in known.values()) or "none"
    text = f"{words or 'Nothing'} was given as the form; forms of {substance} are: {names}. Read it on the certificate"
    raise NotUnderstood(Problem("powder.form", text, words))


def ordered_form(words: str, on: date) -> str:
    """What an order for a substance means: its hydrochloride, unless it names the base.

    Example:
        >>> ordered_form("naltrexone", date(2026, 3, 2)), ordered_form("naltrexone base", date(2026, 3, 2))
        ('naltrexone hydrochloride', 'naltrexone base')
    """
    orders = in_force("substances", on, kind="order", substance=words)
    return str(orders[0]["means"]) if orders else words


def contradicts(material: str, words: str, on: date) -> Form | None:
    """The form that the name of a material stands for, if the form on its certificate is another one.

    A hydrate that goes by the name of its salt is no contradiction: listings name both so, and what water it holds
    stands on the certificate.

    Args:
        material: name of the material, such as ``naltrexone hydrochloride``.
        words: form on its certificate, by its name or what it is called among the forms.

    Raises:
        NotUnderstood: there is no such form.

    Source:
        openfda-ndc-dihydrate

    Example:
        >>> contradicts("naltrexone hydrochloride", "dihydrate", date(2026, 3, 2)) is None
        True
        >>> contradicts("naltrexone hydrochloride", "base", date(2026, 3, 2)).name
        'naltrexone hydrochloride'
    """
    named = forms(on).get(material)
    if named is None:
        return None
    form = form_named(words, named.substance, on)
    return None if named.name in (form.name, form.salt) else named


def look_alike(words: str, substance: str, on: date) -> str | None:
    """The look-alike of a substance that a name holds, or None."""
    alikes = (str(row["id"]) for row in in_force("substances", on, kind="look-alike", substance=substance))
    return next((alike for alike in alikes if alike in words), None)


def limit(name: str, on: date) -> tuple[Fraction, Fraction]:
    """The lowest and the highest that a figure of a certificate may be [1]."""
    row = one_in_force("substances", on, kind="limit", id=name)
    return Fraction(row["low"], 100), Fraction(row["high"], 100)
