"""The drug of a batch: how much was weighed in, by what its source is stated to hold, and how it is divided.

A milligram of drug is followed from the reading of the source through each dilution, whose unused rest is thrown away.
What the plan took the source to hold (label claim, certificate, assay) holds here too: an assay of the batch says how
much it really is.
"""

from __future__ import annotations

from compounding.frozen import dataclass
from compounding.quantities import Quantity, amount, quantity, ratio
from compounding.records.batch import Batch
from compounding.records.facts import Weighed


@dataclass(frozen=True)
class Drug:
    """The drug of a batch, as a mass of what its formula counts.

    Args:
        weighed: in the source that was weighed, or counted [mass].
        mixed: of it, what went on into the batch; the rest stayed in the dilutions [mass; at most `weighed`].
    """

    weighed: Quantity
    mixed: Quantity


def drug_in(batch: Batch) -> Drug | None:
    """The drug that went into a batch; None before its source, and every dilution, was weighed.

        drug = reading / exact * needed;  after each dilution  drug * taken / total

    Example:
        952.3 mg read where 952.56 mg hold 157.5 mg: 157.457... mg.
    """
    goes_in = _source(batch)
    if goes_in is None:
        return None
    weighed = mixed = drug_in_mass(batch, goes_in)
    for each in batch.plan.aliquots:
        if each.diluent is None:
            total, taken = _reading(batch, f"stock {each.step}"), _reading(batch, f"part {each.step}")
        else:
            diluent, taken = _reading(batch, f"diluent {each.step}"), _reading(batch, f"aliquot {each.step}")
            total = goes_in + diluent if diluent is not None else None
        if total is None or taken is None:
            return None
        mixed, goes_in = mixed * ratio(taken, total), taken
    return Drug(weighed, mixed)


def drug_in_mass(batch: Batch, powder: Quantity) -> Quantity:
    """The drug in some of the source [mass]."""
    return quantity(batch.plan.active.needed) * ratio(powder, quantity(batch.plan.source.exact))


def volume_made_up_to(batch: Batch) -> Quantity | None:
    """The volume that the drug of a liquid is divided over; None for another form."""
    lines = [line.line for line in batch.plan.lines if line.measure == "to volume" and not line.line.startswith("stock ")]
    return _reading(batch, lines[-1]) if lines else None


def _source(batch: Batch) -> Quantity | None:
    """The mass of source that was taken: read from the balance, or whole tablets by their average."""
    read, average = _reading(batch, "source"), batch.plan.source.average_weight
    if read is None or read.dimensionality == quantity("1 mg").dimensionality:
        return read
    return quantity(average) * amount(read, "tablet") if average else None


def _reading(batch: Batch, line: str) -> Quantity | None:
    read = batch.reading_of(line)
    return quantity(read.fact.reading) if read and isinstance(read.fact, Weighed) else None
