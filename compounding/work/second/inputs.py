"""What the second path is told, as text: the order, the bench, and the choices of a plan.

A number that is a share may be a ratio of whole numbers, such as ``1/20``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SubstanceTexts:
    """The forms of the active: base, salts and their hydrates.

    Args:
        counted: the form that the formula and the label claim of tablets count, such as ``naltrexone hydrochloride``.
        ordered: the form that the order counts.
        forms: each with its name, its short name and its formula, such as ``C20H23NO4.HCl.2H2O``; none if the counted
            form is the only one known.
        atomic_weights: each element with its weight, such as ``("H", "1.0080")``.
    """

    counted: str
    ordered: str
    forms: tuple[tuple[str, str, str], ...] = ()
    atomic_weights: tuple[tuple[str, str], ...] = ()


# A substance of which nobody says another form.
ONE_FORM = SubstanceTexts("active", "active")


@dataclass(frozen=True)
class TabletTexts:
    """Tablets as a source.

    Args:
        label_claim: active in one tablet, such as ``50 mg``.
        weights: weight of each tablet, or their average alone, such as ``302.4 mg``.
        content: what a certificate found, as a share of the claim; None relies on the label.
    """

    label_claim: str
    weights: tuple[str, ...]
    content: str | None = None


@dataclass(frozen=True)
class PowderTexts:
    """Bulk powder as a source, as its container and its certificate describe it; shares of 1.

    Args:
        form: the form on the label, by its name or in short.
        assay: such as ``0.996``.
        basis: ``as-is``, ``dried``, ``anhydrous`` or ``anhydrous-solvent-free``.
        water: by Karl Fischer, water of hydration included; None, like the next two, if it is not stated.
        loss_on_drying: what the powder loses when it is dried.
        solvents: residual solvents together.
        assay_of: the form that the assay counts, if the certificate says it.
        correction: ``always``, ``german-2-percent`` or ``none``.
        above_100: what an assay above 1 counts for: ``refuse``, ``as-stated`` or ``as-100``.
        deficit_above: of a correction with a limit: percent missing up to which nothing is weighed for.
        decimals: of such a correction: decimals of its factor.
    """

    form: str
    assay: str
    basis: str
    water: str | None = None
    loss_on_drying: str | None = None
    solvents: str | None = None
    assay_of: str | None = None
    correction: str = "always"
    above_100: str = "refuse"
    deficit_above: str | None = None
    decimals: str | None = None


@dataclass(frozen=True)
class TriturationTexts:
    """A trituration as a source.

    Args:
        strength: active in it by its label, such as ``100 mg/g``.
        assay: what its assay found, as a share of the label, such as ``197/200``.
    """

    strength: str
    assay: str


@dataclass(frozen=True)
class CapsuleTexts:
    """What fills a capsule beside the source; one of packing and tapped density is given.

    Args:
        packing: filler that fills one capsule, such as ``135 mg``.
        tapped_density: of the filler, such as ``0.45 g/mL``.
        source_packing: source that fills one capsule; None if it is taken to pack like the filler.
        shell_volume: such as ``0.30 mL``.
        shell_weight: such as ``48 mg``.
    """

    packing: str | None
    tapped_density: str | None
    source_packing: str | None
    shell_volume: str
    shell_weight: str


@dataclass(frozen=True)
class DeviceTexts:
    """A measuring device in stock: what it holds, and the step from mark to mark."""

    name: str
    capacity: str
    step: str


@dataclass(frozen=True)
class Inputs:
    """All that the numbers of a plan depend on, as text.

    Args:
        strength: ``1.5 mg`` in a capsule, ``1 mg/mL`` of a liquid, or ``100 mg/g`` of a trituration.
        ordered: ``100 capsules``, ``60 mL`` or ``10 g``.
        overage: share added for losses, such as ``1/20`` or ``0.05``.
        overage_on: ``batch`` or ``active``.
        source: what carries the active.
        readability: smallest step of the balance, such as ``0.1 mg``.
        minimum: the least mass that the balance may weigh, such as ``82 mg``.
        weighing_percent: how far a weighing may lie from its target, such as ``2``.
        volume_percent: the same for a volume.
        capsule: for capsules alone.
        components: for a liquid: each material with its amount, such as ``0.5 g/100 mL``, and how much of it one volume
            of the vehicle dissolves, if that is known.
        dose: for a liquid, if the order names one, such as ``4.5 mg``.
        method: ``standard``; ``whole-tablets`` counts them and weighs no powder; ``volume-completion`` takes
            filler as the capsules need it.
        capacity: the most that the balance weighs, if that is known.
        solubility: for a liquid: the most powder that one volume of its vehicle dissolves, such as ``65 mg/mL``.
        devices: for a liquid: what a dose, or a part of a stock, can be measured with.
        substance: the forms of the active.
    """

    strength: str
    ordered: str
    overage: str
    overage_on: str
    source: TabletTexts | PowderTexts | TriturationTexts
    readability: str
    minimum: str
    weighing_percent: str
    volume_percent: str
    capsule: CapsuleTexts | None = None
    components: tuple[tuple[str, str, str | None], ...] = ()
    dose: str | None = None
    method: str = "standard"
    capacity: str | None = None
    solubility: str | None = None
    devices: tuple[DeviceTexts, ...] = ()
    substance: SubstanceTexts = ONE_FORM


@dataclass(frozen=True)
class Part:
    """One dilution: into how many parts the mixture is divided, and the part that is taken, such as ``82.0 mg``."""

    multiple: int
    take: str


@dataclass(frozen=True)
class Chosen:
    """What a plan chooses, because more than one answer is right; everything else follows.

    Args:
        parts: the dilutions, in order.
        device: the name of what a dose is measured with.
        stocks: the part that is taken of the stock of an ingredient, by its material.
    """

    parts: tuple[Part, ...] = ()
    device: str | None = None
    stocks: tuple[tuple[str, Part], ...] = ()
