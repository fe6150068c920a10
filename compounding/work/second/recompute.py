"""An order and its materials, as text, to every number of a plan: the rules of the pharmacy, in integers.

Masses are nanograms, volumes nanolitres, a density nanograms in a nanolitre. Whatever carries the active enters as
one number, `content`: the active in one mass of source. Tablets give label claim / average weight; a powder will give
assay x what its basis leaves x molar mass wanted / molar mass weighed; a trituration or an aliquot is again a mass of
active in a mass of mixture. Only `content` and `tablets_for` know which source it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from compounding.problems import CannotCompute
from compounding.work.second.ratio import HUNDRED, ONE, Ratio, ceiling, to_step, total
from compounding.work.second.reading import MASS, PLAIN, VOLUME, number, of_kind

CONCENTRATION = f"{MASS}/{VOLUME}"
CYLINDER = of_kind(VOLUME, "0.01 mL")


@dataclass(frozen=True)
class TabletTexts:
    """Tablets as a source.

    Args:
        label_claim: active in one tablet, such as ``50 mg``.
        weights: weight of each tablet, or their average alone, such as ``302.4 mg``.
    """

    label_claim: str
    weights: tuple[str, ...]


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
class Inputs:
    """All that the numbers of a plan depend on, as text.

    Args:
        strength: ``1.5 mg`` in a capsule, or ``1 mg/mL`` of a liquid.
        ordered: ``100 capsules`` or ``60 mL``.
        overage: share added for losses, such as ``1/20`` or ``0.05``.
        overage_on: ``batch`` or ``active``.
        source: what carries the active.
        readability: smallest step of the balance, such as ``0.1 mg``.
        weighing_percent: how far a weighing may lie from its target, such as ``2``.
        volume_percent: the same for a volume.
        capsule: for capsules alone.
        components: for a liquid: each material with its amount, such as ``0.5 g/100 mL``.
        dose: for a liquid, if the order names one, such as ``4.5 mg``.
        method: ``standard``; ``whole-tablets`` counts them and weighs no powder; ``volume-completion`` takes
            filler as the capsules need it.
    """

    strength: str
    ordered: str
    overage: str
    overage_on: str
    source: TabletTexts
    readability: str
    weighing_percent: str
    volume_percent: str
    capsule: CapsuleTexts | None = None
    components: tuple[tuple[str, str], ...] = ()
    dose: str | None = None
    method: str = "standard"


@dataclass(frozen=True)
class Batch:
    """What the order comes to.

    Args:
        strength: active in one capsule, or in one volume.
        made: capsules, or volume, that the mixture is enough for.
        active: in the whole mixture.
    """

    strength: Ratio
    made: Ratio
    active: Ratio


def batch(inputs: Inputs) -> Batch:
    """Active for everything ordered and its overage; an overage on the batch makes more of the same mixture.

    active = strength x ordered x (1 + overage)
    made   = ordered x (1 + overage)   if the overage is on the batch
           = ordered                   if it is on the active alone
    """
    strength = of_kind(MASS if inputs.capsule else CONCENTRATION, inputs.strength)
    ordered = of_kind(PLAIN if inputs.capsule else VOLUME, inputs.ordered)
    more = ONE + number(inputs.overage)
    made = {"batch": ordered * more, "active": ordered}[inputs.overage_on]
    return Batch(strength, made, strength * ordered * more)


def average(source: TabletTexts) -> Ratio:
    """Weight of one tablet: the sum of all, divided by how many they are."""
    weights = tuple(of_kind(MASS, weight) for weight in source.weights)
    return total(weights) / Ratio(len(weights))


def content(source: TabletTexts) -> Ratio:
    """Active in one mass of source [1; above 0]: every kind of source has its branch here."""
    return of_kind(MASS, source.label_claim) / average(source)


def tablets_for(powder: Ratio, weigh: Ratio, inputs: Inputs) -> int:
    """Whole tablets to crush: enough for the exact powder, and for what the balance will ask for, if one is used."""
    one = average(inputs.source)
    weighed = powder if inputs.method == "whole-tablets" else weigh
    return max(ceiling(powder / one), ceiling(weighed / one))


def recompute(inputs: Inputs) -> dict[str, tuple[str, Ratio]]:
    """Every number of the plan by its place in the record, with what it measures, in the smallest units.

    What a balance weighs is rounded once, here, to the balance's step; all else is exact.

    Raises:
        NotUnderstood: a text cannot be read.
        CannotCompute: the source alone overfills the capsule.

    Source:
        jcu-tablets, compdirect
    """
    made = batch(inputs)
    strength = MASS if inputs.capsule else CONCENTRATION
    found = {
        "strength": (strength, made.strength),
        "made": (PLAIN if inputs.capsule else VOLUME, made.made),
        "overage_percent": (PLAIN, number(inputs.overage) * HUNDRED),
        "active.needed": (MASS, made.active),
        "balance.readability": (MASS, of_kind(MASS, inputs.readability)),
    }
    powder = made.active / content(inputs.source)
    found |= _source(inputs, made, powder, strength)
    return found | (_capsule(inputs, inputs.capsule, made, powder) if inputs.capsule else _liquid(inputs, made))


def _source(inputs: Inputs, made: Batch, powder: Ratio, strength: str) -> dict[str, tuple[str, Ratio]]:
    source, step = inputs.source, of_kind(MASS, inputs.readability)
    one, claim = average(source), of_kind(MASS, source.label_claim)
    weigh = to_step(powder, step)
    tablets = tablets_for(powder, weigh, inputs)
    reached = weigh * content(source) / made.made
    return {
        "source.label_claim": (MASS, claim),
        "source.average_weight": (MASS, one),
        "source.exact": (MASS, powder),
        "source.weigh": (MASS, weigh),
        "source.tablets_exact": (PLAIN, made.active / claim),
        "source.tablets": (PLAIN, Ratio(tablets)),
        "source.discarded": (MASS, to_step(Ratio(tablets) * one - weigh, step)),
        "source.rounding_error_percent": (PLAIN, _percent_off(weigh, powder)),
        "expected.strength": (strength, reached),
        "expected.error_percent": (PLAIN, _percent_off(reached, made.strength)),
        **(_counted(made.active / claim) if inputs.method == "whole-tablets" else _weighed("source", powder, inputs)),
    }


def _capsule(inputs: Inputs, capsule: CapsuleTexts, made: Batch, powder: Ratio) -> dict[str, tuple[str, Ratio]]:
    """By packing statistics: the filler takes the share of the capsule that the source leaves.

    share = source per capsule / packing of the source
    filler per capsule = (1 - share) x packing of the filler
    """
    shell = of_kind(VOLUME, capsule.shell_volume)
    if capsule.packing:
        packing = of_kind(MASS, capsule.packing)
    else:
        packing = shell * of_kind(CONCENTRATION, capsule.tapped_density or "")
    source_packing = of_kind(MASS, capsule.source_packing) if capsule.source_packing else packing
    source_each = powder / made.made
    share = source_each / source_packing
    if share > ONE:
        raise CannotCompute("The source alone overfills the capsule: choose a larger size", code="capsule.overfull")
    filler_each = (ONE - share) * packing
    filler = filler_each * made.made
    weigh = to_step(filler, of_kind(MASS, inputs.readability))
    weight = of_kind(MASS, capsule.shell_weight)
    return {
        "filler.packing": (MASS, packing),
        "filler.per_capsule": (MASS, filler_each),
        "filler.exact": (MASS, filler),
        "filler.weigh": (MASS, weigh),
        "filler.rounding_error_percent": (PLAIN, _percent_off(weigh, filler)),
        "capsule.volume": (VOLUME, shell),
        "capsule.shell": (MASS, weight),
        "capsule.fill": (MASS, source_each + filler_each),
        "capsule.theoretical_weight": (MASS, weight + source_each + filler_each),
        "capsule.source_share_percent": (PLAIN, share * HUNDRED),
        "capsule.packed_percent": (PLAIN, (share + filler_each / packing) * HUNDRED),
        **_weighed("filler", filler, inputs),
        **(_as_needed(weigh, inputs) if inputs.method == "volume-completion" else {}),
    }


def _liquid(inputs: Inputs, made: Batch) -> dict[str, tuple[str, Ratio]]:
    """Each component for the volume made; the vehicle is made up TO that volume, never added to it."""
    found: dict[str, tuple[str, Ratio]] = {}
    for material, amount in inputs.components:
        if amount.endswith("% v/v") or "L/" in amount:
            found |= _poured(material, of_kind(f"{VOLUME}/{VOLUME}", amount) * made.made, inputs)
        else:
            found |= _weighed(material, of_kind(CONCENTRATION, amount) * made.made, inputs)
    found |= _poured("vehicle", made.made, inputs)
    if inputs.dose:
        dose = of_kind(MASS, inputs.dose)
        found |= {"dose.dose": (MASS, dose), "dose.volume": (VOLUME, dose / made.strength)}
    return found


def _weighed(line: str, exact: Ratio, inputs: Inputs) -> dict[str, tuple[str, Ratio]]:
    """A weighing: target and limits are what the balance can show."""
    step = of_kind(MASS, inputs.readability)
    target, off = to_step(exact, step), number(inputs.weighing_percent) / HUNDRED
    return {
        f"lines.{line}.exact": (MASS, exact),
        f"lines.{line}.target": (MASS, target),
        f"lines.{line}.low": (MASS, to_step(target * (ONE - off), step)),
        f"lines.{line}.high": (MASS, to_step(target * (ONE + off), step)),
    }


def _counted(tablets: Ratio) -> dict[str, tuple[str, Ratio]]:
    """Tablets that go in whole: a part of one would differ from the whole ones that the plan counts."""
    return {f"lines.source.{name}": (PLAIN, tablets) for name in ("exact", "target", "low", "high")}


def _as_needed(target: Ratio, inputs: Inputs) -> dict[str, tuple[str, Ratio]]:
    """Filler is topped up until the capsules are full: from half to twice of what is expected."""
    step = of_kind(MASS, inputs.readability)
    return {
        "lines.filler.low": (MASS, to_step(target / Ratio(2), step)),
        "lines.filler.high": (MASS, to_step(target * Ratio(2), step)),
    }


def _poured(line: str, exact: Ratio, inputs: Inputs) -> dict[str, tuple[str, Ratio]]:
    """A volume: no balance rounds it, a cylinder is read to a hundredth of a millilitre; the limits are off the exact."""
    off = number(inputs.volume_percent) / HUNDRED
    return {
        f"lines.{line}.exact": (VOLUME, exact),
        f"lines.{line}.target": (VOLUME, to_step(exact, CYLINDER)),
        f"lines.{line}.low": (VOLUME, to_step(exact * (ONE - off), CYLINDER)),
        f"lines.{line}.high": (VOLUME, to_step(exact * (ONE + off), CYLINDER)),
    }


def _percent_off(value: Ratio, wanted: Ratio) -> Ratio:
    """How far a value lies from what was wanted, in percent; what is wanted as zero is met by zero."""
    return (value - wanted) / wanted * HUNDRED if wanted.over else wanted
