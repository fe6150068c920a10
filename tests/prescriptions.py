"""Random prescriptions as a pharmacist would type them: every form, both overages, packing and density, odd units,
tablets, powders with their certificates and triturations with their assay, and balances on which little is enough or much is too little.

The second path gets the texts as they were typed, the first what `quantity` made of them: the two readers are
compared with every prescription too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from random import Random
from typing import Any

from compounding.data_files import data_folder
from compounding.problems import Problem, stopping
from compounding.quantities import quantity
from compounding.records.formula import Formula, digest_of, read_formula
from compounding.records.plan import Plan
from compounding.records.record import as_data
from compounding.rules.substances import forms
from compounding.work.capsules import plan_capsules
from compounding.work.certificates import check_certificate
from compounding.work.liquids import plan_liquid
from compounding.work.materials import Balance, Device, Filler, Materials, Order, Powder, Shells, Tablets, Trituration
from compounding.work.second.compare import compare
from compounding.work.second.inputs import (
    CapsuleTexts,
    DeviceTexts,
    Inputs,
    PowderTexts,
    SubstanceTexts,
    TabletTexts,
    TriturationTexts,
)
from compounding.work.triturations import material_of_trituration, plan_trituration

TEXTS = {
    name: (data_folder("formulas") / f"naltrexone-{name}.toml").read_text("utf-8")
    for name in ("capsule", "oral-liquid", "trituration")
}
# So weak that the drug alone is too little to weigh, and is taken from a stock, or from a stock of a stock.
TEXTS["weak-liquid"] = TEXTS["oral-liquid"]
for was, becomes in (("1 mg/mL", "0.01 mg/mL"), ("5 mg/mL", "0.09 mg/mL"), ("0.1 g/100 mL", "0.5 g/100 mL")):
    TEXTS["weak-liquid"] = TEXTS["weak-liquid"].replace(f' = "{was}"', f' = "{becomes}"')
FORMULAS = {name: read_formula(text, name) for name, text in TEXTS.items()}
DIGESTS = {name: digest_of(text) for name, text in TEXTS.items()}
PREPARED = date(2026, 11, 22)
ORDERED = FORMULAS["capsule"].substance
FIGURES = ("assay", "water", "loss_on_drying", "solvents")
KNOWN = forms(PREPARED, "naltrexone")
SALT = SubstanceTexts(
    counted=ORDERED,
    ordered=ORDERED,
    forms=tuple((each.name, each.short, each.formula) for each in KNOWN.values()),
    atomic_weights=(("H", "1.0080"), ("C", "12.011"), ("N", "14.007"), ("O", "15.999"), ("Cl", "35.45")),
)
WORDS = ("form", "basis", "assay_of", "correction", "above_100")


@dataclass(frozen=True)
class Prescription:
    """One order with its bench, for either path."""

    name: str
    order: Order
    materials: Materials
    typed: Inputs

    @property
    def formula(self) -> Formula:
        return FORMULAS[self.name]

    def planned(self) -> tuple[Plan | None, list[Problem]]:
        """What the first path alone makes of it."""
        planning = {"capsule": plan_capsules, "trituration": plan_trituration}.get(self.name, plan_liquid)
        return planning(self.formula, DIGESTS[self.name], self.order, self.materials)


BALANCES = (
    *((step, "1 mcg") for step in ("0.1 mg", "1 mg", "0.01 mg", "0.001 g", "0.0001 g", "1 mcg")),
    *(("0.1 mg", "82 mg"), ("0.1 mg", "20 mg"), ("0.01 mg", "8.2 mg"), ("1 mg", "820 mg"), ("0.001 g", "0.12 g")),
    *(("0.5 mg", "30 mg"), ("0.1 mg", "0.0205 g"), ("1 mg", "300 mg"), ("10 mg", "1.2 g")),
)
# The first takes every part of a stock that these balances make.
DEVICES = (
    DeviceTexts("10 mL oral syringe", "10 mL", "0.2 mL"),
    DeviceTexts("1 mL oral syringe", "1 mL", "0.01 mL"),
    DeviceTexts("3 mL oral syringe", "3 mL", "0.1 mL"),
    DeviceTexts("5 mL oral syringe", "5 mL", "0.2 mL"),
)

# What no choice of a plan can help against: the second path, told of no choice, must refuse it as well.
IMPOSSIBLE = {
    "capsule.overfull": ("overfills",),
    "trituration.too-strong": ("leaves no room",),
    "weighing.below-minimum": ("below",),
    "aliquot.impossible": ("below",),
    "aliquot.larger-than-mixture": ("below", "overfills"),
}


def disagreements(prescription: Prescription) -> list[Problem]:
    """What the two paths differ in; what the first refuses the second must refuse too."""
    made, problems = prescription.planned()
    if made:
        return compare(as_data(made), prescription.typed)
    said = compare({}, prescription.typed)[0].text
    refused = stopping(problems)
    return [each for each in refused if not any(words in said for words in IMPOSSIBLE.get(each.code, ()))]


def prescriptions(seed: int, many: int) -> Iterator[Prescription]:
    """So many prescriptions; one seed always gives the same."""
    chance = Random(seed)
    for _ in range(many):
        yield prescription(chance)


def prescription(chance: Random) -> Prescription:
    name = chance.choice(("capsule", "capsule", "capsule", "oral-liquid", "weak-liquid", "trituration"))
    formula = FORMULAS[name]
    overage = Fraction(chance.randint(0, 25), 100) if chance.random() < 0.8 else Fraction(1, chance.randint(4, 40))
    readability, minimum = chance.choice(BALANCES)
    source = _source(chance, name)
    typed: dict[str, Any] = {
        "overage": str(overage),
        "overage_on": chance.choice(("batch", "active")),
        "source": source,
        "readability": readability,
        "minimum": minimum,
        "weighing_percent": formula.tolerance.weighing_percent,
        "volume_percent": formula.tolerance.volume_percent,
        "substance": SALT if name == "weak-liquid" or chance.random() < 0.8 else replace(SALT, ordered="naltrexone base"),
    }
    if name == "capsule":
        inputs = Inputs(
            strength=mass(chance, 500, 4000, 3),
            ordered=f"{chance.randint(30, 299)} capsules",
            capsule=_capsule(chance),
            capacity=chance.choice((None, "220 g")),
            **typed,
        )
    elif name == "trituration":
        inputs = Inputs(
            strength=f"{decimal(chance.randint(200, 1000), 1)} mg/g",
            ordered=mass(chance, 50_000, 490_000, 1),
            **typed | {"substance": SALT},
        )
    else:
        inputs = Inputs(
            strength=_concentration(chance, weak=name == "weak-liquid"),
            ordered=chance.choice(
                (f"{chance.randint(30, 299)} mL", f"{decimal(chance.randint(30_000, 299_000), 6)} L")
            ),
            components=tuple((each.material, each.amount or "", each.solubility) for each in formula.component),
            dose=chance.choice((None, mass(chance, 500, 4000, 3))) if name == "oral-liquid" else None,
            solubility=formula.powder.solubility if formula.powder and isinstance(source, PowderTexts) else None,
            devices=(*chance.sample(DEVICES[1:], chance.randint(0, 2)), *(DEVICES[:1] if name == "weak-liquid" else ())),
            **typed,
        )
    if chance.random() < 0.2 and name != "trituration":
        inputs = _by_another_method(chance, inputs)
    return prescribed(name, inputs)


def _source(chance: Random, name: str) -> TabletTexts | PowderTexts | TriturationTexts:
    if name == "capsule" and chance.random() < 0.2:
        return TriturationTexts(f"{decimal(chance.randint(200, 1000), 1)} mg/g", decimal(chance.randint(9000, 11000), 4))
    return _powder(chance) if name == "weak-liquid" or chance.random() < 0.4 else _tablets(chance)


def _by_another_method(chance: Random, inputs: Inputs) -> Inputs:
    """The same by volume-completion, or from whole tablets; by the standard where it does not fit."""
    if inputs.capsule:
        return replace(inputs, method="volume-completion", overage_on="active")
    if not isinstance(inputs.source, TabletTexts):
        return inputs
    label = replace(inputs.source, content=None)  # what a certificate finds seldom comes out in whole tablets
    milligrams, tablets = chance.randint(1, 4), chance.randint(1, 2)
    ordered = Fraction(inputs.source.label_claim.removesuffix(" mg")) * 12 * tablets / milligrams
    if not 30 <= ordered <= 299 or ordered.denominator != 1:
        return inputs
    counted = replace(inputs, method="whole-tablets", overage="0", source=label, substance=SALT)
    return replace(counted, strength=f"{milligrams} mg/mL", ordered=f"{ordered} mL")


def prescribed(name: str, typed: Inputs) -> Prescription:
    """What was typed, as both paths get it."""
    return Prescription(name, _order(typed), _materials(typed), typed)


def decimal(digits: int, places: int) -> str:
    """``12345`` with three places is ``12.345``."""
    text = f"{digits:0{places + 1}}"
    return f"{text[:-places]}.{text[-places:]}" if places else text


def mass(chance: Random, low: int, high: int, places: int) -> str:
    """A mass of so many milligrams, whose digits are given up to some places, in a unit of any size."""
    more = chance.choice((0, 0, 0, 2))
    digits = chance.randint(low * 10**more, high * 10**more)
    if chance.random() < 0.3:  # as round as people write it
        digits -= digits % 10 ** (places + more - 1)
        digits = max(digits, low * 10**more)
    in_mg = places + more
    unit, shift = chance.choice((("mg", 0), ("mg", 0), ("mg", 0), ("g", 3), ("mcg", -3)))
    if in_mg + shift < 0:
        digits, shift = digits * 10 ** -(in_mg + shift), -in_mg
    return f"{decimal(digits, in_mg + shift)} {unit}"


def _concentration(chance: Random, weak: bool = False) -> str:
    if weak:
        return f"{decimal(chance.randint(100, 900), 4)} mg/mL"
    digits = chance.randint(1000, 4500)
    third = chance.randint(4, 13)
    return chance.choice(
        (
            f"{decimal(digits, 3)} mg/mL",
            f"{decimal(digits, 3)} g/L",
            f"{decimal(digits, 1)} mg/100 mL",
            f"{third} mg/3 mL",
        )
    )


def _tablets(chance: Random) -> TabletTexts:
    claim, places = chance.choice((50, 50, 25, 4)), chance.choice((1, 2))
    middle = chance.randint(claim * 2, 600)
    weights = tuple(
        f"{decimal(middle * 10**places + chance.randint(-9, 9) * 10 ** (places - 1), places)} mg"
        for _ in range(chance.choice((1, 2, 3, 7, 20)))
    )
    content = chance.choice((None, None, decimal(chance.randint(9000, 11000), 4)))
    return TabletTexts(f"{claim} mg", weights, content)


def _powder(chance: Random) -> PowderTexts:
    """A powder whose certificate can be believed: of any form, assayed of any basis, with water near its own."""
    while True:
        form = chance.choice(list(KNOWN.values()))
        own = int(form.water * 10_000)
        basis = chance.choice(("as-is", "dried", "anhydrous", "anhydrous-solvent-free"))
        pure = chance.randint(9_700, 10_200)
        of_salt = form.water and basis == "as-is" and chance.random() < 0.5
        correction = chance.choice(("always", "german-2-percent", "none"))
        limit = {"deficit_above": "2", "decimals": "3"} if correction == "german-2-percent" else {}
        typed = PowderTexts(
            form=chance.choice((form.name, form.short)),
            assay=decimal(pure * (10_000 - own) // 10_000 if of_salt else pure, 4),
            basis=basis,
            water=_stated(chance, own + chance.randint(0, 60), basis.startswith("anhydrous")),
            loss_on_drying=_stated(chance, chance.randint(0, 300), basis == "dried"),
            solvents=_stated(chance, chance.randint(0, 50), basis == "anhydrous-solvent-free"),
            assay_of=form.salt if of_salt else chance.choice((None, None, form.name)),
            correction=correction,
            above_100=chance.choice(("as-stated", "as-100")),
            **limit,
        )
        if not stopping(check_certificate(_as_powder(typed), ORDERED, PREPARED)):
            return typed


def _stated(chance: Random, ten_thousandths: int, needed: bool) -> str | None:
    return decimal(ten_thousandths, 4) if needed or chance.random() < 0.3 else None


def _as_powder(typed: PowderTexts) -> Powder:
    figures = {name: Fraction(getattr(typed, name)) if getattr(typed, name) else None for name in FIGURES}
    return Powder(**{name: getattr(typed, name) for name in WORDS}, **figures)


def _capsule(chance: Random) -> CapsuleTexts:
    by_packing = chance.random() < 0.5
    return CapsuleTexts(
        packing=mass(chance, 200, 6000, 1) if by_packing else None,
        tapped_density=None if by_packing else f"{decimal(chance.randint(200, 1200), 3)} g/mL",
        source_packing=mass(chance, 200, 6000, 1) if chance.random() < 0.5 else None,
        shell_volume=chance.choice(("0.21 mL", "0.30 mL", "0.48 mL", "0.91 mL")),
        shell_weight=mass(chance, 380, 1200, 1),
    )


def _order(inputs: Inputs) -> Order:
    count = int(inputs.ordered.removesuffix(" capsules")) if inputs.capsule else None
    measured = None if count else quantity(inputs.ordered)
    by_mass = measured is not None and measured.dimensionality == quantity("1 g").dimensionality
    return Order(
        strength=quantity(inputs.strength),
        count=count,
        volume=None if by_mass else measured,
        mass=measured if by_mass else None,
        overage=Fraction(inputs.overage),
        overage_on=inputs.overage_on,
        prepared=PREPARED,
        dose=quantity(inputs.dose) if inputs.dose else None,
        method=inputs.method,
        ordered_as=None if inputs.substance.ordered == ORDERED else inputs.substance.ordered,
        devices=tuple(Device(each.name, quantity(each.capacity), quantity(each.step)) for each in inputs.devices),
    )


def _materials(inputs: Inputs) -> Materials:
    source, capsule = inputs.source, inputs.capsule
    bench = Materials(
        tablets=_as_tablets(source) if isinstance(source, TabletTexts) else None,
        powder=_as_powder(source) if isinstance(source, PowderTexts) else None,
        trituration=_as_trituration(source) if isinstance(source, TriturationTexts) else None,
        filler=Filler("microcrystalline cellulose", None, None),
        balance=Balance(
            "any",
            quantity(inputs.readability),
            quantity(inputs.minimum),
            capacity=quantity(inputs.capacity) if inputs.capacity else None,
        ),
    )
    if not capsule:
        return bench
    packing, density, own = (
        quantity(text) if text else None for text in (capsule.packing, capsule.tapped_density, capsule.source_packing)
    )
    return replace(
        bench,
        filler=Filler("microcrystalline cellulose", packing, density),
        shells=Shells("3", "any", quantity(capsule.shell_volume), quantity(capsule.shell_weight)),
        source_packing=own,
    )


def _as_trituration(source: TriturationTexts) -> Trituration:
    material = material_of_trituration(FORMULAS["trituration"])
    return Trituration(material, quantity(source.strength), Fraction(source.assay), source.assay, "T-1")


def _as_tablets(source: TabletTexts) -> Tablets:
    weights = tuple(quantity(f"{weight}/tablet") for weight in source.weights)
    return Tablets(
        label_claim=quantity(f"{source.label_claim}/tablet"),
        weights=weights,
        weighed=len(weights) if len(weights) > 1 else None,
        content=Fraction(source.content) if source.content else None,
    )
