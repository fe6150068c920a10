"""The certificate of a bulk powder: what it says, and why it may not be believed.

It says which form its assay counts, and of which powder: as is, dried, or without water. Where the assay
leaves the water out, the water of hydration is among it, and what is counted is the anhydrous salt: then
there is no second factor to apply.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Final

from compounding.calc import sources
from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem, stopping
from compounding.quantities import Content, Mass, content, decimal_text, ratio
from compounding.rules.substances import Form, form_named, forms, limit
from compounding.work.materials import Powder

# What each basis leaves out of the powder before the assay is counted.
LEFT_OUT: Final = {
    "as-is": (),
    "dried": ("loss_on_drying",),
    "anhydrous": ("water",),
    "anhydrous-solvent-free": ("water", "solvents"),
}
BASIS_SAYS: Final = {
    "as-is": "of the powder as it is",
    "dried": "of the dried powder",
    "anhydrous": "of the anhydrous powder",
    "anhydrous-solvent-free": "of the anhydrous and solvent-free powder",
}
# Authorities disagree whether an assay is weighed for at all; the pharmacy chooses, and the record says so.
CORRECTIONS: Final = {
    "always": "always: every deficit on the certificate is weighed for",
    "german-2-percent": "german-2-percent: weighed for when the powder holds more than 2 % too little, with three decimals",
    "none": "none: the powder counts as its form, pure; assay, water and loss on drying are not weighed for",
}
ABOVE_100: Final = {
    "refuse": "is refused",
    "as-stated": "counts as stated",
    "as-100": "counts as 100 %",
}
FIGURES: Final = {"water": "water", "loss_on_drying": "loss on drying", "solvents": "solvents"}


@dataclass(frozen=True)
class Forms:
    """The forms of one substance that meet here; all the same where only one is known."""

    ordered: str
    powder: str
    assayed: str
    known: Mapping[str, Form]

    def water(self, name: str) -> Fraction:
        return self.known[name].water if name in self.known else Fraction(0)

    @property
    def material(self) -> str:
        return f"{self.powder} powder"

    @property
    def moles(self) -> dict[str, Mass]:
        return {name: form.mole for name, form in self.known.items()}


def check_certificate(powder: Powder, ordered: str, on: date) -> list[Problem]:
    """What is wrong with a powder and its certificate for an order, all at once.

    Args:
        powder: the powder.
        ordered: the form that was ordered, such as ``naltrexone hydrochloride``.
        on: day of preparation.
    """
    problems = _check_figures(powder, on)
    try:
        met = forms_of(powder, ordered, on)
    except NotUnderstood as refusal:
        return [*refusal.problems, *problems]
    if not stopping(problems):
        problems += _check_assayed(powder, met, on)
    if not stopping(problems):
        problems += _check_water(powder, met) + _check_parts(powder, met, on)
    return problems


def forms_of(powder: Powder, ordered: str, on: date) -> Forms:
    """The forms that meet.

    Raises:
        NotUnderstood: the powder, or what its assay counts, is no form of what was ordered.
    """
    everything = forms(on)
    if ordered not in everything:  # one of which only itself is known: no other form can stand for it
        for words in (powder.form, powder.assay_of or ordered):
            if words != ordered:
                text = f"{words or 'Nothing'} was given where {ordered} was ordered, and no forms of {ordered} are known here"
                raise NotUnderstood(Problem("powder.form", f"{text}. Take a powder of {ordered}", words))
        return Forms(ordered, ordered, ordered, {})
    substance = everything[ordered].substance
    form = form_named(powder.form, substance, on)
    without_water = powder.basis in ("anhydrous", "anhydrous-solvent-free")
    assayed = form_named(powder.assay_of, substance, on).name if powder.assay_of else None
    return Forms(ordered, form.name, assayed or (form.salt if without_water else form.name), forms(on, substance))


def _check_figures(powder: Powder, on: date) -> list[Problem]:
    problems = []
    for what, chosen, known in (
        ("correction", powder.correction, CORRECTIONS),
        ("assay above 100 %", powder.above_100, ABOVE_100),
    ):
        if chosen not in known:
            text = f"{chosen} was given for the {what}; choose one of {', '.join(known)}"
            problems.append(Problem("powder.policy", text, what))
    if powder.basis not in LEFT_OUT:
        seen = f"The basis of the assay is {powder.basis}" if powder.basis else "The basis of the assay is missing"
        text = f"{seen}. Read on the certificate what it is stated of: {', '.join(LEFT_OUT)}"
        problems.append(Problem("powder.basis", text, "assay basis", source="usp-naltrexone-hydrochloride"))
    problems += _check_assay(powder, on)
    low, high = limit("water, solvents or loss on drying", on)
    for name, words in FIGURES.items():
        value = getattr(powder, name)
        if value is None and name in LEFT_OUT.get(powder.basis or "", ()):
            text = (
                f"The {words} is missing, and an assay {BASIS_SAYS[powder.basis or '']} leaves it out. "
                "Read it on the certificate; where none was found, write 0 %"
            )
            problems.append(Problem("powder.missing", text, words))
        elif value is not None and not low <= value <= high:
            text = f"The {words} is {percent_of(value)}, outside {percent_of(low)} to {percent_of(high)}: check the decimal point"
            problems.append(Problem("powder.figure", text, words))
    return problems


def _check_assay(powder: Powder, on: date) -> list[Problem]:
    low, high = limit("assay", on)
    if powder.assay is None:
        text = "The assay is missing. Read it on the certificate of the lot; without a certificate it is not used"
        return [Problem("powder.assay", text, "assay", source="usp-795")]
    if not low <= powder.assay <= high:
        text = (
            f"The assay is {percent_of(powder.assay)}, outside {percent_of(low)} to {percent_of(high)}: "
            "check the decimal point, and that it is the assay"
        )
        return [Problem("powder.assay", text, "assay")]
    if powder.assay > 1 and powder.above_100 == "refuse":
        text = (
            f"The assay is {percent_of(powder.assay)}, above 100 %: choose whether it counts as stated (as-stated), "
            "or as 100 % (as-100, the German rule)"
        )
        return [Problem("powder.assay-above-100", text, "assay", source="pta-forum-weighing-correction")]
    return []


def _check_assayed(powder: Powder, met: Forms, on: date) -> list[Problem]:
    """What the assay counts must be there in the powder that it is stated of."""
    water = met.water(met.assayed)
    if not water or powder.assay is None or powder.basis is None:
        return []
    salt = met.known[met.assayed].salt
    if powder.basis.startswith("anhydrous"):
        text = (
            f"An assay {BASIS_SAYS[powder.basis]} cannot count {met.assayed}: its water was left out. "
            f"It counts {salt}; check the certificate"
        )
        return [Problem("powder.assay-of", text, "assay")]
    if powder.basis == "dried" and (powder.loss_on_drying or 0) > water / 2:
        text = (
            f"A loss on drying of {percent_of(powder.loss_on_drying or water)} took the water of hydration along "
            f"({percent_of(water)}), so the dried powder is no longer {met.assayed}. Ask the supplier; if its assay "
            f"counts {salt}, say so"
        )
        return [Problem("powder.assay-of", text, "loss on drying")]
    if not powder.assay_of and powder.assay < limit("assay of a hydrate", on)[0]:
        text = (
            f"An assay of {percent_of(powder.assay)} {BASIS_SAYS[powder.basis]} may count {salt}, of which pure "
            f"{met.powder} holds {percent_of(1 - water)}, or {met.powder} itself. Read which, and say it"
        )
        return [Problem("powder.assay-of", text, "assay")]
    return []


def _check_water(powder: Powder, met: Forms) -> list[Problem]:
    """The water found should be that of the form on the label, and not that of another hydrate."""
    if powder.water is None or met.powder not in met.known:
        return []
    found, own = powder.water, met.known[met.powder]
    near = min((form for form in met.known.values() if form.salt == own.salt), key=lambda form: abs(form.water - found))
    if near == own:
        return []
    text = (
        f"Water of {percent_of(found)} is that of {near.name} ({percent_of(near.water)}) rather than of {own.name} "
        f"({percent_of(own.water)}). Read the form on container and certificate again"
    )
    if powder.correction == "none":
        text += "; without a correction the dose would follow the name alone, so choose one, or take another lot"
    return [Problem("powder.water", text, "water", stops=powder.correction == "none")]


def _check_parts(powder: Powder, met: Forms, on: date) -> list[Problem]:
    """Salt, water and solvents are parts of one powder: much more than 100 % means another basis than was given."""
    salt = share_of(share_certified(powder, met), met.assayed, met)
    if met.known:  # as the powder's own salt, whatever the assay counts
        salt *= met.known[met.known[met.powder].salt].molar_mass / met.known[met.assayed].molar_mass
    if powder.water is not None:
        beside = powder.water + (powder.solvents or 0)
    else:
        beside = max(powder.loss_on_drying or Fraction(0), met.water(met.powder))
    warned, most = limit("parts of the powder together", on)
    if salt + beside <= warned:
        return []
    text = (
        f"By this certificate {percent_of(salt)} of the powder is active and {percent_of(beside)} water and solvents, "
        f"{percent_of(salt + beside)} together. Read again what the assay is stated of; a monograph's is anhydrous"
    )
    return [Problem("powder.parts", text, "assay basis", stops=salt + beside > most)]


def _left_out(powder: Powder) -> Fraction:
    if powder.basis == "anhydrous-solvent-free":
        return sources.water_and_solvents(powder.water or Fraction(0), powder.solvents or Fraction(0))
    return sum((getattr(powder, name) for name in LEFT_OUT[powder.basis or "as-is"]), Fraction(0))


def share_certified(powder: Powder, met: Forms) -> Content:
    """The assayed form in the powder as it is weighed, by the certificate."""
    assay = powder.assay or Fraction(0)
    if powder.above_100 == "as-100":
        assay = min(assay, Fraction(1))
    return sources.share_in_powder(content(assay, met.assayed, met.material), _left_out(powder))


def pure_of(form: str, met: Forms) -> Content:
    return content(Fraction(1), form, met.material)


def share_of(value: Content, form: str, met: Forms) -> Fraction:
    return ratio(value, pure_of(form, met))


def percent_of(share: Fraction, places: int | None = 2) -> str:
    return f"{decimal_text(share * 100, places)} %"
