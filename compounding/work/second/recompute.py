"""An order and its materials, as text, to every number of a plan: the rules of the pharmacy, in integers.

Masses are nanograms, volumes nanolitres, a density nanograms in a nanolitre. Whatever carries the active enters as
one number, `content`: the active in one mass of source.
"""

from __future__ import annotations

from dataclasses import dataclass

from compounding.problems import CannotCompute
from compounding.work.second.content import (
    average,
    certified,
    certified_factor,
    content,
    factor,
    in_one_tablet,
    ordered_as_counted,
)
from compounding.work.second.dilution import Mixture, mixtures, parts_together, stock_of
from compounding.work.second.inputs import (
    CapsuleTexts,
    Chosen,
    DeviceTexts,
    Inputs,
    PowderTexts,
    SubstanceTexts,
    TabletTexts,
    TriturationTexts,
)
from compounding.work.second.ratio import HUNDRED, ONE, ZERO, Ratio, ceiling, to_step
from compounding.work.second.reading import CONCENTRATION, MASS, PLAIN, SHARE, VOLUME, measured, number, of_kind

CYLINDER = of_kind(VOLUME, "0.01 mL")
# The numbers of a plan by their places in the record: what each measures, and its value in the smallest units.
Numbers = dict[str, tuple[str, Ratio]]
# By the kind of what is ordered: what its strength measures, and where the record holds how much was ordered.
ORDERED = {PLAIN: (MASS, "count"), VOLUME: (CONCENTRATION, "volume"), MASS: (SHARE, "mass")}


def form_of(inputs: Inputs) -> tuple[str, str, str]:
    """What is ordered by its kind, what its strength measures, and its place in the record."""
    kind = PLAIN if inputs.capsule else measured(inputs.ordered).kind
    strength, place = ORDERED[kind]
    return kind, strength, place


@dataclass(frozen=True)
class Batch:
    """What the order comes to.

    Args:
        strength: active in one capsule, in one volume or in one mass.
        made: capsules or volume that the mixture is enough for, or its mass.
        active: in the whole mixture, as the form that is counted.
    """

    strength: Ratio
    made: Ratio
    active: Ratio


def batch(inputs: Inputs) -> Batch:
    """Active for everything ordered and its overage; an overage on the batch makes more of the same mixture.

    active = strength x ordered x (1 + overage) x counted form in one of the ordered
    made   = ordered x (1 + overage)   if the overage is on the batch
           = ordered                   if it is on the active alone
    """
    kind, strong, _ = form_of(inputs)
    strength, ordered = of_kind(strong, inputs.strength), of_kind(kind, inputs.ordered)
    more = ONE + number(inputs.overage)
    made = {"batch": ordered * more, "active": ordered}[inputs.overage_on]
    return Batch(strength, made, strength * ordered * more * ordered_as_counted(inputs.substance))


def tablets_for(powder: Ratio, weigh: Ratio, source: TabletTexts) -> int:
    """Whole tablets to crush: enough for the exact powder, and for what the balance will ask for."""
    return max(ceiling(powder / average(source)), ceiling(weigh / average(source)))


def recompute(inputs: Inputs, chosen: Chosen = Chosen()) -> Numbers:  # noqa: B008
    """Every number of the plan by its place in the record, with what it measures, in the smallest units.

    What a balance weighs is rounded once, here, to the balance's step; all else is exact.

    Args:
        inputs: what was ordered and what lies on the bench.
        chosen: what the plan chose.

    Raises:
        NotUnderstood: a text cannot be read.
        CannotCompute: the source alone overfills the capsule, or something cannot be weighed or measured.

    Source:
        jcu-tablets, compdirect, unc-triturations
    """
    made = batch(inputs)
    kind, strong, size = form_of(inputs)
    found = {
        "strength": (strong, made.strength),
        size: (kind, of_kind(kind, inputs.ordered)),
        "made": (kind, made.made),
        "overage_percent": (PLAIN, number(inputs.overage) * HUNDRED),
        "active.needed": (MASS, made.active),
        "balance.readability": (MASS, of_kind(MASS, inputs.readability)),
        "balance.minimum_weight": (MASS, of_kind(MASS, inputs.minimum)),
    }
    need = made.active / content(inputs.source, inputs.substance)
    mixed = mixtures(need, inputs, chosen)
    together = to_step(need, of_kind(MASS, inputs.readability)) + _beside(inputs, made, need) if kind == MASS else None
    found |= _source(inputs, chosen, made, need, mixed, together or made.made) | _mixtures(inputs, mixed)
    if kind == MASS:
        return found | _trituration(inputs, made, need)
    if inputs.capsule:
        return found | _capsule(inputs, inputs.capsule, made, need, mixed)
    return found | _liquid(inputs, chosen, made) | _dose(inputs, chosen, made)


def _source(
    inputs: Inputs, chosen: Chosen, made: Batch, need: Ratio, mixed: tuple[Mixture, ...], over: Ratio
) -> Numbers:
    """What is weighed of the source: the need, or the drug of the first mixture, which the last part carries again.

    The active spreads ``over`` the capsules or the volume made, or the mass that was weighed together.
    """
    step, whole = of_kind(MASS, inputs.readability), inputs.method == "whole-tablets"
    first = need * parts_together(chosen)
    weigh = first if whole else to_step(first, step)
    carried = mixed[-1].carries if mixed else weigh
    reached = carried * content(inputs.source, inputs.substance) / ordered_as_counted(inputs.substance) / over
    found = {
        "source.exact": (MASS, need),
        "source.weigh": (MASS, to_step(weigh, _last_digit(inputs.readability)) if whole else weigh),
        "source.rounding_error_percent": (PLAIN, _percent_off(carried, need)),
        "expected.strength": (form_of(inputs)[1], reached),
        "expected.error_percent": (PLAIN, _percent_off(reached, made.strength)),
    }
    if isinstance(inputs.source, PowderTexts):
        held = reached / content(inputs.source, inputs.substance) * certified(inputs.source, inputs.substance)
        if held != reached:
            found["expected.certified_strength"] = (form_of(inputs)[1], held)
            found["expected.certified_error_percent"] = (PLAIN, _percent_off(held, made.strength))
        return found | _certificate(inputs.source, inputs.substance) | _weighed("source", first, inputs)
    if isinstance(inputs.source, TriturationTexts):
        held = content(inputs.source, inputs.substance)
        return found | {"certificate.content": (SHARE, held)} | _weighed("source", first, inputs)
    one, counted = average(inputs.source), made.active / in_one_tablet(inputs.source)
    tablets = Ratio(tablets_for(first, weigh, inputs.source))
    if inputs.source.content:
        found["source.content_percent"] = (PLAIN, number(inputs.source.content) * HUNDRED)
    return found | {
        "source.label_claim": (MASS, of_kind(MASS, inputs.source.label_claim)),
        "source.average_weight": (MASS, one),
        "source.tablets_exact": (PLAIN, counted),
        "source.tablets": (PLAIN, tablets),
        "source.discarded": (MASS, to_step(tablets * one - weigh, step)),
        **(_counted(counted) if whole else _weighed("source", first, inputs)),
    }


def _beside(inputs: Inputs, made: Batch, need: Ratio) -> Ratio:
    """Filler of a trituration as it is weighed."""
    return to_step(made.made - need, of_kind(MASS, inputs.readability))


def _trituration(inputs: Inputs, made: Batch, need: Ratio) -> Numbers:
    """Filler makes the source up to the mass of the trituration.

    Raises:
        CannotCompute: the source leaves no room for it.
    """
    filler, weigh = made.made - need, _beside(inputs, made, need)
    if filler <= ZERO:
        raise CannotCompute("The source leaves no room for filler", code="trituration.too-strong")
    return {
        "filler.exact": (MASS, filler),
        "filler.weigh": (MASS, weigh),
        "filler.rounding_error_percent": (PLAIN, _percent_off(weigh, filler)),
        **_weighed("filler", filler, inputs),
    }


def _certificate(powder: PowderTexts, substance: SubstanceTexts) -> Numbers:
    """What record and worksheet say of the certificate."""
    return {
        "certificate.content_percent": (PLAIN, content(powder, substance) * HUNDRED),
        "certificate.factor": (PLAIN, factor(powder)),
        "certificate.exact_factor": (PLAIN, certified_factor(powder)),
    }


def _mixtures(inputs: Inputs, mixed: tuple[Mixture, ...]) -> Numbers:
    """Each dilution: what goes in, all of it, the part that is used, the rest, and what the part carries."""
    found: Numbers = {}
    for step, mixture in enumerate(mixed, 1):
        kind = MASS if inputs.capsule else VOLUME
        found |= {
            f"aliquots.{step}.weigh": (MASS if step == 1 else kind, mixture.inside),
            f"aliquots.{step}.total": (kind, mixture.total),
            f"aliquots.{step}.take": (kind, mixture.take),
            f"aliquots.{step}.multiple": (PLAIN, Ratio(mixture.multiple)),
            f"aliquots.{step}.wasted": (kind, mixture.wasted),
            f"aliquots.{step}.carries": (MASS, mixture.carries),
        }
        if inputs.capsule:
            found[f"aliquots.{step}.diluent"] = (MASS, mixture.diluent)
            for addition, mass in enumerate(mixture.geometric, 1):
                found[f"aliquots.{step}.geometric.{addition}"] = (MASS, mass)
            found |= _weighed(f"diluent {step}", mixture.diluent, inputs)
            found |= _weighed(f"aliquot {step}", mixture.take, inputs)
        else:
            found |= _as_it_is(f"stock {step}", VOLUME, mixture.total) | _as_it_is(f"part {step}", VOLUME, mixture.take)
    return found


def _capsule(inputs: Inputs, capsule: CapsuleTexts, made: Batch, need: Ratio, mixed: tuple[Mixture, ...]) -> Numbers:
    """By packing statistics: the filler takes the share of the capsule that the source leaves.

    share = source per capsule / packing of the source
    filler per capsule = (1 - share) x packing of the filler
    filler to weigh = filler of all capsules - diluent in the last part
    """
    shell = of_kind(VOLUME, capsule.shell_volume)
    if capsule.packing:
        packing = of_kind(MASS, capsule.packing)
    else:
        packing = shell * of_kind(CONCENTRATION, capsule.tapped_density or "")
    source_packing = of_kind(MASS, capsule.source_packing) if capsule.source_packing else packing
    source_each = need / made.made
    share = source_each / source_packing
    if share > ONE:
        raise CannotCompute("The source alone overfills the capsule: choose a larger size", code="capsule.overfull")
    filler_each = (ONE - share) * packing
    filler = filler_each * made.made - (mixed[-1].take - mixed[-1].carries if mixed else ZERO)
    if filler < ZERO:
        raise CannotCompute("The diluted source brings more filler than the capsules hold: choose a larger size")
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
        **(_as_needed if inputs.method == "volume-completion" else _weighed)("filler", filler, inputs),
    }


def _liquid(inputs: Inputs, chosen: Chosen, made: Batch) -> Numbers:
    """Each component for the volume made; the vehicle is made up TO that volume, never added to it."""
    found: Numbers = {}
    for material, amount, solubility in inputs.components:
        if amount.endswith("% v/v") or "L/" in amount:
            found |= _poured(material, of_kind(f"{VOLUME}/{VOLUME}", amount) * made.made, inputs)
            continue
        need = of_kind(CONCENTRATION, amount) * made.made
        stock = stock_of(material, need, solubility, inputs, chosen)
        found |= _weighed(material, need if stock is None else need * Ratio(stock.multiple), inputs)
        if stock is not None:
            found |= _as_it_is(f"stock {material}", VOLUME, stock.total) | _as_it_is(f"part {material}", VOLUME, stock.take)
            found |= {
                f"stocks.{material}.weigh": (MASS, stock.drug),
                f"stocks.{material}.total": (VOLUME, stock.total),
                f"stocks.{material}.take": (VOLUME, stock.take),
                f"stocks.{material}.multiple": (PLAIN, Ratio(stock.multiple)),
                f"stocks.{material}.wasted": (VOLUME, stock.wasted),
                f"stocks.{material}.carries": (MASS, stock.carries),
            }
    found |= _poured("vehicle", made.made, inputs)
    return found


def _dose(inputs: Inputs, chosen: Chosen, made: Batch) -> Numbers:
    """One dose, and on a device that has no such mark the nearest one; of two as near the lower.

    Raises:
        CannotCompute: no such device is in stock, or it does not hold the dose.
    """
    if not inputs.dose:
        return {}
    dose = of_kind(MASS, inputs.dose)
    volume = dose / made.strength
    found: Numbers = {"dose.dose": (MASS, dose), "dose.volume": (VOLUME, volume)}
    if chosen.device is None:
        return found
    holding = [each for each in inputs.devices if _holds(each, chosen.device, volume)]
    if not holding:
        raise CannotCompute(f"No {chosen.device} in stock holds the dose")
    step = of_kind(VOLUME, holding[0].step)
    mark = Ratio(ceiling(volume / step - Ratio(1, 2))) * step
    if mark == volume:
        return found
    found |= {"dose.nearest": (VOLUME, mark), "dose.error_percent": (PLAIN, _percent_off(mark, volume))}
    beyond = mark + step if mark < volume else mark - step
    if ZERO < beyond <= of_kind(VOLUME, holding[0].capacity):
        found |= {"dose.other_mark": (VOLUME, beyond), "dose.other_error_percent": (PLAIN, _percent_off(beyond, volume))}
    return found


def _holds(device: DeviceTexts, name: str, volume: Ratio) -> bool:
    return device.name == name and volume <= of_kind(VOLUME, device.capacity)


def _weighed(line: str, exact: Ratio, inputs: Inputs) -> Numbers:
    """A weighing: target and limits are what the balance can show.

    Raises:
        CannotCompute: the target lies below what the balance may weigh.

    Source:
        usp-41
    """
    step = of_kind(MASS, inputs.readability)
    target, off = to_step(exact, step), number(inputs.weighing_percent) / HUNDRED
    if target < of_kind(MASS, inputs.minimum):
        raise CannotCompute(
            f"What is weighed of {line} is below {inputs.minimum}, the least that the balance may weigh"
        )
    return _limits(line, exact, inputs, ONE - off, ONE + off)


def _as_needed(line: str, exact: Ratio, inputs: Inputs) -> Numbers:
    """Filler is topped up until the capsules are full: from half to twice of what is expected."""
    return _limits(line, exact, inputs, Ratio(1, 2), Ratio(2))


def _limits(line: str, exact: Ratio, inputs: Inputs, low: Ratio, high: Ratio) -> Numbers:
    step = of_kind(MASS, inputs.readability)
    target = to_step(exact, step)
    return {
        f"lines.{line}.exact": (MASS, exact),
        f"lines.{line}.target": (MASS, target),
        f"lines.{line}.low": (MASS, to_step(target * low, step)),
        f"lines.{line}.high": (MASS, to_step(target * high, step)),
    }


def _counted(tablets: Ratio) -> Numbers:
    """Tablets that go in whole: a part of one would differ from the whole ones that the plan counts."""
    return _as_it_is("source", PLAIN, tablets)


def _as_it_is(line: str, kind: str, value: Ratio) -> Numbers:
    """What is counted, or measured to a mark, has no limits but itself."""
    return {f"lines.{line}.{name}": (kind, value) for name in ("exact", "target", "low", "high")}


def _poured(line: str, exact: Ratio, inputs: Inputs) -> Numbers:
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


def _last_digit(step: str) -> Ratio:
    """What the last decimal of a balance counts, whatever its steps: 0.1 mg where it goes on by 0.5 mg."""
    read = measured(step)
    digit = read.unit
    while (read.value / digit).under != 1:
        digit = digit / Ratio(10)
    return digit
