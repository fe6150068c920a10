"""One dilution of a plan, as text: what is weighed into it, and the part that goes on."""

from __future__ import annotations

from msgspec import Struct


class Aliquot(Struct, frozen=True, forbid_unknown_fields=True):
    """One mixture that is divided, of which one part is used and the rest discarded.

    Args:
        step: 1 for the first mixture, 2 for the one made of a part of it.
        material: what is diluted: the drug, or the first mixture.
        weigh: how much of it goes in: a mass, or the volume taken of the first stock.
        diluent: mass of diluent; None where a liquid is made up to ``total``.
        diluent_material: the diluent or the solvent.
        total: mass of the mixture, or volume of the stock.
        take: the part that is used.
        multiple: into how many such parts the mixture is divided.
        wasted: the rest of the mixture.
        carries: drug in the part that is taken, exactly.
        geometric: diluent of each addition of a geometric dilution, in order; empty for a liquid.
    """

    step: int
    material: str
    weigh: str
    diluent: str | None
    diluent_material: str
    total: str
    take: str
    multiple: int
    wasted: str
    carries: str
    geometric: tuple[str, ...]
