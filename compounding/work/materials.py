"""What was ordered, and what lies on the bench: the inputs of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date
from fractions import Fraction

from compounding.frozen import dataclass
from compounding.quantities import Quantity


@dataclass(frozen=True)
class Device:
    """A measuring device in stock: what it holds, and the step from mark to mark."""

    name: str
    capacity: Quantity
    step: Quantity


@dataclass(frozen=True)
class Order:
    """What is to be made: so many capsules, a volume or a mass, and how strong.

    Args:
        strength: active in one capsule [mass], in the liquid [mass/volume] or in the trituration [mass/mass], without
            material.
        count: capsules [above 0], or None where it is no capsule.
        volume: finished volume [above 0], or None where it is no liquid.
        mass: finished trituration [mass without material; above 0], or None where it is none.
        overage: share added for losses [1; 0 to 1/4].
        overage_on: ``batch`` (every ingredient) or ``active`` (the source alone).
        prepared: day of preparation.
        dose: active in one dose of a liquid [mass], if the order names it.
        method: the procedure; ``standard``, or an alternative that the formula names.
        filtered: True if the liquid is filtered free of grit.
        ordered_as: the form that the strength counts, such as ``naltrexone``; None for the formula's own.
        devices, bottles: what is in stock to measure the dose and to fill the liquid into.
    """

    strength: Quantity
    count: int | None
    volume: Quantity | None
    overage: Fraction
    overage_on: str
    prepared: date
    dose: Quantity | None = None
    method: str = "standard"
    filtered: bool = False
    ordered_as: str | None = None
    devices: tuple[Device, ...] = ()
    bottles: tuple[Quantity, ...] = ()
    mass: Quantity | None = None


@dataclass(frozen=True)
class FromLot:
    """The lot that a material is taken from, and its last day of use."""

    lot: str
    expires: date


@dataclass(frozen=True)
class Tablets:
    """Tablets in hand.

    Args:
        label_claim: active in one tablet [mass/tablet, without material].
        weights: weight of each tablet, or their average alone [mass/tablet, without material].
        weighed: how many were weighed one by one; None if only an average was given.
        on_hand: whole tablets left in the lot, if it is one.
        content: what a certificate found, as a share of the claim [1; 0.9 to 1.1]; None relies on the label.
        content_uncertainty: its expanded uncertainty, k = 2 [1]; None if the certificate does not say.
    """

    label_claim: Quantity
    weights: tuple[Quantity, ...]
    weighed: int | None
    taken_from: FromLot | None = None
    on_hand: int | None = None
    content: Fraction | None = None
    content_uncertainty: Fraction | None = None


@dataclass(frozen=True)
class Filler:
    """A filler with how its lot packs: mass in one capsule of the chosen size, or tapped density."""

    material: str
    packing: Quantity | None
    tapped_density: Quantity | None
    taken_from: FromLot | None = None


@dataclass(frozen=True)
class Shells:
    """Empty capsule shells of one maker and size: volume of the body, weight of one."""

    size: str
    maker: str
    volume: Quantity
    weight: Quantity
    taken_from: FromLot | None = None


@dataclass(frozen=True)
class Balance:
    """The balance that will be used: its readability, the least mass that it may weigh, and how that was found.

    ``repeatability`` is the standard deviation that its own test found; None where it is not known.
    """

    name: str
    readability: Quantity
    minimum_weight: Quantity
    mode: str = "tested"
    figures: str = ""
    source: str | None = None
    capacity: Quantity | None = None
    repeatability: Quantity | None = None


@dataclass(frozen=True)
class Powder:
    """Bulk powder as its container and its certificate describe it.

    Args:
        form: on the label, by name or in short: ``base``, ``anhydrous``, ``dihydrate``.
        assay: on the certificate [1; 0.90 to 1.10].
        basis: what the assay is stated of: ``as-is``, ``dried``, ``anhydrous`` or ``anhydrous-solvent-free``.
        water: by Karl Fischer, water of hydration included [1], or None if not stated.
        loss_on_drying: [1], or None if not stated.
        solvents: residual solvents together [1], or None if not stated; none found is 0.
        assay_of: the form that the assay counts, if the certificate says it.
        correction: ``always``, ``german-2-percent`` or ``none``.
        above_100: what an assay above 100 % counts for: ``refuse``, ``as-stated`` or ``as-100``.
        taken_from: the lot, if it is one.
        certificate: digest or number of the certificate.
        assay_uncertainty: expanded uncertainty of the assay, k = 2, if the certificate states it [1].
    """

    form: str
    assay: Fraction | None
    basis: str | None
    water: Fraction | None = None
    loss_on_drying: Fraction | None = None
    solvents: Fraction | None = None
    assay_of: str | None = None
    correction: str = "always"
    above_100: str = "refuse"
    taken_from: FromLot | None = None
    certificate: str | None = None
    assay_uncertainty: Fraction | None = None


@dataclass(frozen=True)
class Trituration:
    """An in-house trituration, as its own batch made it and its assay found it.

    Args:
        material: such as ``naltrexone hydrochloride trituration``.
        strength: active by its label [mass/mass, without material].
        assay: what was found, as a share of the label [1; above 0], exact.
        assayed: the same as it was recorded, such as ``98.5 %``.
        batch: the batch that made it.
        notes: what its own source makes true of everything made from it.
        taken_from: the lot; it expires when the batch's beyond-use date ends.
    """

    material: str
    strength: Quantity
    assay: Fraction
    assayed: str
    batch: str
    notes: tuple[str, ...] = ()
    taken_from: FromLot | None = None


@dataclass(frozen=True)
class Materials:
    """Everything on the bench. Without lots a plan is a calculation only; a batch needs them all.

    ``fill_spread`` is the relative standard deviation of the fills that this pharmacy found in its own capsules [1].
    """

    tablets: Tablets | None
    balance: Balance
    filler: Filler | None = None
    shells: Shells | None = None
    source_packing: Quantity | None = None
    components: Mapping[str, FromLot] = field(default_factory=dict)
    left: Mapping[str, Quantity] = field(default_factory=dict)
    powder: Powder | None = None
    trituration: Trituration | None = None
    fill_spread: Fraction | None = None
