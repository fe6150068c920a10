"""Random prescriptions as a pharmacist would type them: both forms, both overages, packing and density, odd units.

The second path gets the texts as they were typed, the first what `quantity` made of them: the two readers are
compared with every prescription too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from random import Random

from compounding.data_files import data_folder
from compounding.problems import Problem
from compounding.quantities import quantity
from compounding.records.formula import Formula, digest_of, read_formula
from compounding.records.plan import Plan
from compounding.records.record import as_data
from compounding.work.materials import Balance, Filler, Materials, Order, Shells, Tablets
from compounding.work.planned import plan
from compounding.work.second.compare import compare
from compounding.work.second.recompute import CapsuleTexts, Inputs, TabletTexts

TEXTS = {
    name: (data_folder("formulas") / f"naltrexone-{name}.toml").read_text("utf-8")
    for name in ("capsule", "oral-liquid")
}
FORMULAS = {name: read_formula(text, name) for name, text in TEXTS.items()}
DIGESTS = {name: digest_of(text) for name, text in TEXTS.items()}
PREPARED = date(2026, 11, 22)


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
        return plan(self.formula, DIGESTS[self.name], self.order, self.materials)


def disagreements(prescription: Prescription) -> list[Problem]:
    """What the two paths differ in; a capsule that the first finds overfull must be so for the second."""
    made, problems = prescription.planned()
    if made:
        return compare(as_data(made), prescription.typed)
    if [problem.code for problem in problems] == ["capsule.overfull"]:
        again = compare({}, prescription.typed)
        return [] if "overfills" in again[0].text else problems
    return problems


def prescriptions(seed: int, many: int) -> Iterator[Prescription]:
    """So many prescriptions; one seed always gives the same."""
    chance = Random(seed)
    for _ in range(many):
        yield prescription(chance)


def prescription(chance: Random) -> Prescription:
    name = chance.choice(("capsule", "oral-liquid"))
    formula = FORMULAS[name]
    overage = Fraction(chance.randint(0, 25), 100) if chance.random() < 0.8 else Fraction(1, chance.randint(4, 40))
    typed = {
        "overage": str(overage),
        "overage_on": chance.choice(("batch", "active")),
        "source": _tablets(chance),
        "readability": chance.choice(("0.1 mg", "1 mg", "0.01 mg", "0.001 g", "0.0001 g", "1 mcg")),
        "weighing_percent": formula.tolerance.weighing_percent,
        "volume_percent": formula.tolerance.volume_percent,
    }
    if name == "capsule":
        inputs = Inputs(
            strength=mass(chance, 500, 4500, 3),
            ordered=f"{chance.randint(30, 299)} capsules",
            capsule=_capsule(chance),
            **typed,
        )
    else:
        inputs = Inputs(
            strength=_concentration(chance),
            ordered=chance.choice(
                (f"{chance.randint(30, 299)} mL", f"{decimal(chance.randint(30_000, 299_000), 6)} L")
            ),
            components=tuple((component.material, component.amount or "") for component in formula.component),
            dose=chance.choice((None, mass(chance, 500, 4500, 3))),
            **typed,
        )
    return prescribed(name, inputs)


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


def _concentration(chance: Random) -> str:
    digits = chance.randint(1000, 5000)
    third = chance.randint(4, 14)
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
    return TabletTexts(f"{claim} mg", weights)


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
    return Order(
        strength=quantity(inputs.strength),
        count=count,
        volume=None if count else quantity(inputs.ordered),
        overage=Fraction(inputs.overage),
        overage_on=inputs.overage_on,
        prepared=PREPARED,
        dose=quantity(inputs.dose) if inputs.dose else None,
    )


def _materials(inputs: Inputs) -> Materials:
    source, capsule = inputs.source, inputs.capsule
    weights = tuple(quantity(f"{weight}/tablet") for weight in source.weights)
    bench = Materials(
        tablets=Tablets(quantity(f"{source.label_claim}/tablet"), weights, len(weights) if len(weights) > 1 else None),
        balance=Balance("any", quantity(inputs.readability), quantity("1 mcg")),
    )
    if not capsule:
        return bench
    packing, density, own = (
        quantity(text) if text else None for text in (capsule.packing, capsule.tapped_density, capsule.source_packing)
    )
    return Materials(
        tablets=bench.tablets,
        balance=bench.balance,
        filler=Filler("microcrystalline cellulose", packing, density),
        shells=Shells("3", "any", quantity(capsule.shell_volume), quantity(capsule.shell_weight)),
        source_packing=own,
    )
