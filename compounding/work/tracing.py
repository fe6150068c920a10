"""Where every portion of a lot and of a batch is, and everything that a lot went into, through triturations too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from compounding.frozen import dataclass
from compounding.quantities import Quantity, amount, quantity, ratio
from compounding.records.batch import Batch
from compounding.records.facts import Dispensed, LotReceived, Tested, Weighed, Yielded
from compounding.records.issued import Label, labels_of
from compounding.records.stock import Lot
from compounding.work.drug import drug_in, volume_made_up_to
from compounding.work.sampling import sample_lines


class Shelf(Protocol):
    """Where lots and batches are read."""

    def lot(self, id: str, /) -> Lot | None: ...

    def batch(self, id: str, /) -> Batch: ...


@dataclass(frozen=True)
class Portion:
    """Some of a lot or a batch, and where it is.

    Args:
        what: such as ``used in batch``, ``thrown away``, ``left``, ``dispensed``.
        where: the batch, lot, prescription or reason; empty for what is left.
        amount: how much; None for what has a mass alone, the remainder and the loss of a batch.
        mass: of the mixture in it [mass]; None where the batch was not weighed as a whole.
        drug: in it, by what the source is stated to hold [mass]; None of a lot, whose page states its content.
    """

    what: str
    where: str
    amount: Quantity | None
    mass: Quantity | None = None
    drug: Quantity | None = None


def portions_of_lot(lot: Lot) -> tuple[Portion, ...]:
    """Where every milligram, tablet or shell of a lot is; the amounts add up to what came in, exactly.

    A count that found less is a portion that is missing; one that found more, a portion below zero.
    """
    used = [Portion("used in batch", batch, taken) for batch, _, taken in lot.used]
    thrown = [Portion("thrown away", reason, some) for some, reason in lot.discarded]
    counted = [Portion("missing by count", reason, 0 * change - change) for change, reason in lot.adjusted]
    return (*used, *thrown, *counted, Portion("left", "", lot.left))


def containers_of(batch: Batch) -> list[tuple[Label, bool]]:
    """Every label that a container carries or carried when it went out, and whether it went out."""
    out = {each.fact.label for each in batch.dispensed if isinstance(each.fact, Dispensed)}
    labels = labels_of(batch.labels + batch.printing + batch.scanned)
    return [(label, id in out) for id, label in labels.items() if label.stands or id in out]


def used_by_tests(batch: Batch) -> Quantity | None:
    """What the tests that were done used up, by the samples that the formula states; None before there is a yield."""
    made = _yielded(batch)
    if made is None:
        return None
    whole = quantity(made.made)
    done = {each.fact.trait for each in batch.tested if isinstance(each.fact, Tested)}
    takes = [each.take for each in sample_lines(batch.formula, whole, ()) if each.destroyed and each.test.trait in done]
    same = [take for take in takes if take is not None and take.dimensionality == whole.dimensionality]
    return min(sum(same, whole * 0), whole)


def portions_of_batch(batch: Batch) -> tuple[Portion, ...]:
    """Where what was made is: containers, lots that it became, samples of tests, the rest. They add up to it, exactly.

    A capsule's or a gram's share of the mass is an even one: what came out divided by how many.
    """
    yielded, tests = _yielded(batch), used_by_tests(batch)
    if yielded is None or tests is None:
        return ()
    made = quantity(yielded.made)
    found = [
        (
            "dispensed" if out else "labelled",
            f"Rx {label.printed.prescription}, label {label.printed.label}",
            quantity(label.printed.quantity),
        )
        for label, out in containers_of(batch)
    ]
    lots = [each.fact for each in batch.lots if isinstance(each.fact, LotReceived)]
    found += [("became lot", each.lot, quantity(each.amount)) for each in lots]
    left = made - _sum([each[2] for each in found], made)
    tested = max(min(tests, left), made * 0)
    if tested.magnitude:
        found.append(("used by tests", "as the formula states", tested))
    if left != tested:
        found.append(("kept", "", left - tested))
    masses, drug = _masses(yielded), _drug(batch, yielded)
    return tuple(
        Portion(
            what,
            where,
            some,
            masses[0] * ratio(some, made) if masses else None,
            drug.made * ratio(some, made) if drug else None,
        )
        for what, where, some in found
    )


@dataclass(frozen=True)
class _Divided:
    """Where the drug of a batch is: together what was weighed in."""

    made: Quantity
    remainder: Quantity
    lost: Quantity
    diluted: Quantity


def _drug(batch: Batch, yielded: Yielded) -> _Divided | None:
    """The drug by mass where everything was weighed, by volume in a liquid, else all of it in what was made."""
    drug = drug_in(batch)
    if drug is None:
        return None
    none, left = 0 * drug.mixed, drug.weighed - drug.mixed
    if yielded.mass_in and (masses := _masses(yielded)):
        made, remainder, lost = (drug.mixed * ratio(each, quantity(yielded.mass_in)) for each in masses)
        return _Divided(made, remainder, lost, left)
    if (whole := volume_made_up_to(batch)) is not None:
        made = drug.mixed * ratio(quantity(yielded.made), whole)
        return _Divided(made, none, drug.mixed - made, left)
    return _Divided(drug.mixed, none, none, left)


def balance_of_batch(batch: Batch) -> tuple[Portion, ...]:
    """The portions of a batch with what was left over, what was lost and what stayed in a dilution.

    Their masses are all that was weighed in, exactly, and so is their drug. There are no masses of a batch that was not
    weighed as a whole: of capsules that nobody weighed together, or of a liquid, where the vehicle is what was still
    missing to the volume, and nobody measures that; its drug is accounted for by volume.
    """
    portions, yielded = portions_of_batch(batch), _yielded(batch)
    if yielded is None:
        return ()
    masses, drug = _masses(yielded), _drug(batch, yielded)
    _, remainder, lost = masses or (None, None, None)
    rest = []
    if remainder is not None:
        rest.append(Portion("left over", "", None, remainder, drug.remainder if drug else None))
    if lost is not None or (drug and drug.lost.magnitude):
        rest.append(Portion("lost", "", None, lost, drug.lost if drug else None))
    if drug and drug.diluted.magnitude:
        rest.append(Portion("thrown away", "the rest of the dilution", None, None, drug.diluted))
    return (*portions, *rest)


def mass_in(batch: Batch) -> Quantity | None:
    """What was weighed into a batch [mass]; None where its mass was not balanced."""
    yielded = _yielded(batch)
    return quantity(yielded.mass_in) if yielded and yielded.mass_in else None


def drug_weighed_in(batch: Batch) -> Quantity | None:
    """The drug in the source that was weighed for a batch [mass]; None before it was."""
    drug = drug_in(batch)
    return drug.weighed if drug else None


def made_in(batch: Batch) -> Quantity | None:
    """What was made; None before there is a yield."""
    yielded = _yielded(batch)
    return quantity(yielded.made) if yielded else None


def _yielded(batch: Batch) -> Yielded | None:
    last = batch.yielded[-1].fact if batch.yielded else None
    return last if isinstance(last, Yielded) else None


def _masses(yielded: Yielded) -> tuple[Quantity, Quantity, Quantity] | None:
    """What was made, what was left over and what was lost [mass]; a gain is a loss below zero."""
    if not (yielded.mass_in and yielded.mass_out):
        return None
    went_in, found = quantity(yielded.mass_in), quantity(yielded.mass_out)
    remainder = quantity(yielded.remainder) if yielded.remainder else 0 * found
    return found - remainder, remainder, went_in - found


def adds_up(portions: Iterable[Portion], whole: Quantity) -> bool:
    """Whether amounts are the whole, exactly."""
    return _sum([each.amount for each in portions if each.amount is not None], whole) == whole


def mass_adds_up(portions: Iterable[Portion], whole: Quantity) -> bool:
    """Whether masses are the whole, exactly."""
    return _sum([each.mass for each in portions if each.mass is not None], whole) == whole


def drug_adds_up(portions: Iterable[Portion], whole: Quantity) -> bool:
    """Whether the drug in portions is the whole, exactly."""
    return _sum([each.drug for each in portions if each.drug is not None], whole) == whole


def _sum(values: Iterable[Quantity], whole: Quantity) -> Quantity:
    total = 0 * whole
    for each in values:
        total = total + each
    return total


def lots_in(batch: Batch) -> tuple[str, ...]:
    """The lots of a batch, as its plan names them."""
    lots = [line.lot for line in batch.plan.lines] + [batch.plan.capsule.lot if batch.plan.capsule else None]
    return tuple(dict.fromkeys(filter(None, lots)))


def became(batch: Batch) -> tuple[str, ...]:
    """The lots that a batch became."""
    return tuple(each.fact.lot for each in batch.lots if isinstance(each.fact, LotReceived))


@dataclass(frozen=True)
class Reach:
    """Lots and batches that are bound to each other, nearest first."""

    lots: Mapping[str, Lot]
    batches: Mapping[str, Batch]


def forward(shelf: Shelf, lots: Iterable[str], batches: Iterable[str] = ()) -> Reach:
    """Everything that holds something of some lots and batches: the batches that used a lot, the lots that they became, on.

    The lots and batches themselves are among it, and batches on the bench that are to use a lot.
    """
    found_lots: dict[str, Lot] = {}
    found: dict[str, Batch] = {}
    waiting_lots, waiting = list(lots), list(batches)
    while waiting_lots or waiting:
        if waiting_lots:
            id = waiting_lots.pop(0)
            lot = None if id in found_lots else shelf.lot(id)
            if lot is not None:
                found_lots[id] = lot
                used = [batch for batch, _, _ in lot.used]
                planned = [id for id in lot.opened if id not in used and shelf.batch(id).state == "open"]
                waiting += [*used, *planned]
            continue
        id = waiting.pop(0)
        if id not in found:
            found[id] = shelf.batch(id)
            waiting_lots += became(found[id])
    return Reach(found_lots, found)


def backward(shelf: Shelf, batches: Iterable[str]) -> Reach:
    """Everything that some batches hold something of: their lots, and the batches that made those, on.

    The batches themselves are among it.
    """
    found_lots: dict[str, Lot] = {}
    found: dict[str, Batch] = {}
    waiting = list(batches)
    for id in waiting:
        if id in found:
            continue
        found[id] = shelf.batch(id)
        for name in lots_in(found[id]):
            lot = None if name in found_lots else shelf.lot(name)
            if lot is not None:
                found_lots[name] = lot
                waiting += [lot.received.made_here.batch] if lot.received.made_here else []
    return Reach(found_lots, found)


def crushed_and_left(batch: Batch) -> Quantity | None:
    """Powder of crushed tablets that was not weighed in [mass], by their average; None unless tablets are the source."""
    read = batch.reading_of("source")
    fact = read.fact if read else None
    average = batch.plan.source.average_weight
    if not (isinstance(fact, Weighed) and fact.tablets and average):
        return None
    one = quantity("1 mg")
    return one * (amount(quantity(average), "mg") * fact.tablets - amount(quantity(fact.reading), "mg"))
