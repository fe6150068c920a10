"""Active in one mass of source: every kind of source has its branch here.

Tablets hold their label claim, or what a certificate found of it. A powder holds what its certificate says, of the form that the assay counts, and that
form holds the counted one as its molar mass is larger or smaller. Molar masses are added up from the atoms.
"""

from __future__ import annotations

from compounding.problems import CannotCompute
from compounding.work.second.inputs import PowderTexts, SubstanceTexts, TabletTexts, TriturationTexts
from compounding.work.second.ratio import HUNDRED, ONE, ZERO, Ratio, to_places, total
from compounding.work.second.reading import MASS, SHARE, number, of_kind

# What is taken out of the powder before its assay is counted.
TAKEN_OUT = {
    "as-is": (),
    "dried": ("loss_on_drying",),
    "anhydrous": ("water",),
    "anhydrous-solvent-free": ("water", "solvents"),
}


def average(source: TabletTexts) -> Ratio:
    """Weight of one tablet: the sum of all, divided by how many they are."""
    weights = tuple(of_kind(MASS, weight) for weight in source.weights)
    return total(weights) / Ratio(len(weights))


def in_one_tablet(source: TabletTexts) -> Ratio:
    """Active in one tablet: what its label claims, or the share of that which a certificate found."""
    return of_kind(MASS, source.label_claim) * (number(source.content) if source.content else ONE)


def content(source: TabletTexts | PowderTexts | TriturationTexts, substance: SubstanceTexts) -> Ratio:
    """Active in one mass of source, as the form that is counted [1; above 0]."""
    if isinstance(source, TabletTexts):
        return in_one_tablet(source) / average(source)
    if isinstance(source, TriturationTexts):
        return of_kind(SHARE, source.strength) * number(source.assay)
    if source.correction == "none":
        return times(substance, labelled(source, substance), substance.counted)
    return times(substance, assayed(source, substance), substance.counted) / factor(source)


def certified(source: PowderTexts, substance: SubstanceTexts) -> Ratio:
    """What a powder holds by its certificate, whatever the correction counts it for, as the form that is counted [1]."""
    return times(substance, assayed(source, substance), substance.counted) / certified_factor(source)


def ordered_as_counted(substance: SubstanceTexts) -> Ratio:
    """How much of the counted form stands for one of the form that was ordered [1]."""
    return times(substance, substance.ordered, substance.counted)


def taken_out(powder: PowderTexts) -> Ratio:
    """Share of the powder that its assay does not look at.

    Raises:
        CannotCompute: the certificate does not state it.
    """
    found = ZERO
    for name in TAKEN_OUT[powder.basis]:
        stated = getattr(powder, name)
        if stated is None:
            raise CannotCompute(f"An assay {powder.basis} needs the {name.replace('_', ' ')} of the certificate")
        found = found + number(stated)
    return found


def certified_factor(powder: PowderTexts) -> Ratio:
    """How many times more powder is weighed than if it were pure, by the certificate.

        factor = 10000 / (assay x (100 - taken out)), both in percent

    Raises:
        CannotCompute: the assay lies above 100 %, and nobody chose what it counts for.

    Source:
        amira-weighing-correction
    """
    assay = number(powder.assay) * HUNDRED
    if assay > HUNDRED and powder.above_100 != "as-stated":
        if powder.above_100 != "as-100":
            raise CannotCompute(f"An assay of {powder.assay} is above 1: choose what it counts for")
        assay = HUNDRED
    return HUNDRED * HUNDRED / (assay * (HUNDRED - taken_out(powder) * HUNDRED))


def factor(powder: PowderTexts) -> Ratio:
    """The same as the pharmacy's correction uses it.

    A correction with a limit leaves a smaller deficit alone and never weighs less; beyond the limit it uses the factor
    as it stands on the container.

    Raises:
        CannotCompute: the correction is not known.

    Source:
        rezepturforum-weighing-correction
    """
    found = certified_factor(powder)
    if powder.correction == "always":
        return found
    if powder.correction == "none":
        return ONE
    if powder.deficit_above is None or powder.decimals is None:
        raise CannotCompute(f"Nothing is known of the correction {powder.correction}")
    held = HUNDRED / found
    return to_places(found, int(powder.decimals)) if number(powder.deficit_above) < HUNDRED - held else ONE


def labelled(powder: PowderTexts, substance: SubstanceTexts) -> str:
    """Formula of what the label names."""
    return formula_of(substance, powder.form)


def assayed(powder: PowderTexts, substance: SubstanceTexts) -> str:
    """Formula of what the assay counts: what the certificate says, else the powder as the assay looks at it."""
    if powder.assay_of:
        return formula_of(substance, powder.assay_of)
    formula = labelled(powder, substance)
    return _without_water(formula) if "water" in TAKEN_OUT[powder.basis] else formula


def times(substance: SubstanceTexts, one: str, other: str) -> Ratio:
    """Mass of another form that is got from one mass of a form: as many moles as before [1].

    Args:
        substance: with its forms.
        one: name or formula of the form that there is.
        other: name or formula of the form that is wanted.

    Source:
        compounding-today-11-41
    """
    if one == other:
        return ONE
    return mole(substance, formula_of(substance, other)) / mole(substance, formula_of(substance, one))


def mole(substance: SubstanceTexts, formula: str) -> Ratio:
    """Mass of one mole in grams: each atom's weight as often as it stands in the formula.

    Example:
        >>> mole(SubstanceTexts("", "", (), (("H", "1.0080"), ("O", "15.999"))), "H2O")
        Ratio(over=3603, under=200)
    """
    weights = dict(substance.atomic_weights)
    return total(tuple(number(weights[element]) * Ratio(many) for element, many in _atoms(formula)))


def formula_of(substance: SubstanceTexts, words: str) -> str:
    """Formula of a form by its name, its short name or itself; where only one form is known, its name stands for it.

    Raises:
        CannotCompute: it is no form of the substance.
    """
    if not substance.forms and words == substance.counted:
        return words
    found = {each[-1] for each in substance.forms if words in each}
    if len(found) != 1:
        raise CannotCompute(f"{words} names {len(found)} forms of {substance.counted}")
    return found.pop()


def _without_water(formula: str) -> str:
    return ".".join(part for part in formula.split(".") if part.lstrip("0123456789") != "H2O")


def _atoms(formula: str) -> list[tuple[str, int]]:
    """Each element with its number, as often as it is written: ``2H2O`` gives four of H and two of O."""
    found = []
    for part in formula.split("."):
        times, rest = _digits(part)
        while rest:
            long = 2 if rest[1:2].islower() else 1
            many, after = _digits(rest[long:])
            found.append((rest[:long], times * many))
            rest = after
    return found


def _digits(text: str) -> tuple[int, str]:
    """The number that a text begins with, 1 if there is none, and the rest."""
    rest = text.lstrip("0123456789")
    digits = text[: len(text) - len(rest)]
    return int(digits or "1"), rest
