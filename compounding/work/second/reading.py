"""Text to number: digits, a point, a space, a unit. The second path's own reader, which knows nothing of the first.

A number may be a ratio of whole numbers, such as ``1/3``: the order of ``1 mg/3 mL`` has no decimal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from compounding.problems import NotUnderstood, Problem
from compounding.work.second.ratio import Ratio

MASS: Final = "mass"
VOLUME: Final = "volume"
PLAIN: Final = "number"
CONCENTRATION: Final = f"{MASS}/{VOLUME}"
SHARE: Final = f"{MASS}/{MASS}"

# Each unit as so many of the smallest, with what it measures: nanograms, nanolitres, pieces.
UNITS: Final = {
    "kg": (MASS, 1_000_000_000_000),
    "g": (MASS, 1_000_000_000),
    "mg": (MASS, 1_000_000),
    "mcg": (MASS, 1_000),
    "ug": (MASS, 1_000),
    "\u00b5g": (MASS, 1_000),
    "\u03bcg": (MASS, 1_000),
    "ng": (MASS, 1),
    "L": (VOLUME, 1_000_000_000),
    "mL": (VOLUME, 1_000_000),
    "ml": (VOLUME, 1_000_000),
    "tablet": (PLAIN, 1),
    "tablets": (PLAIN, 1),
    "capsule": (PLAIN, 1),
    "capsules": (PLAIN, 1),
}
# Per cent of a strength: grams or millilitres in 100 mL. Per weight of a liquid needs a density: not read here.
PER_CENT: Final = {"% w/v": "g/100 mL", "% v/v": "mL/100 mL"}


@dataclass(frozen=True)
class Measured:
    """A number in nanograms, nanolitres, pieces, or one of these per one of another.

    Args:
        kind: ``mass``, ``volume``, ``number`` or ``mass/volume`` and the like; so much per piece keeps its kind.
        value: in the smallest units.
        unit: one of the unit that was written, in the smallest units.
        name: the unit as it was written.
    """

    kind: str
    value: Ratio
    unit: Ratio
    name: str

    @property
    def shown(self) -> Ratio:
        """The number that was written before the unit."""
        return self.value / self.unit


def number(text: str) -> Ratio:
    """Digits, perhaps a point and digits, perhaps a stroke and digits; a minus sign may stand before them.

    Raises:
        NotUnderstood: anything else.

    Example:
        >>> number("0.25"), number("-1/3")
        (Ratio(over=1, under=4), Ratio(over=-1, under=3))
    """
    above, stroke, below = text.removeprefix("-").partition("/")
    whole, point, decimals = above.partition(".")
    parts = [whole, *([decimals] if point else []), *([below] if stroke else [])]
    if not all(part.isascii() and part.isdigit() for part in parts) or (stroke and not int(below)):
        raise _not_understood(text, "digits, with one point at most")
    magnitude = Ratio(int(whole + decimals), 10 ** len(decimals) * (int(below) if stroke else 1))
    return Ratio(-magnitude.over, magnitude.under) if text.startswith("-") else magnitude


def measured(text: str) -> Measured:
    """A number, a space and a unit, perhaps per so many of another unit; or a number alone.

    Raises:
        NotUnderstood: anything else.

    Example:
        >>> measured("250 mg/5 mL").value, measured("302.4 mg/tablet").kind
        (Ratio(over=50, under=1), 'mass')
    """
    digits, _, units = text.partition(" ")
    above, stroke, below = PER_CENT.get(units, units).partition("/")
    kind, size = _unit(above, text)
    if stroke:
        many, space, name = below.rpartition(" ")
        per_kind, per = _unit(name, text)
        size = size / (per * number(many) if space else per)
        kind = kind if per_kind == PLAIN else f"{kind}/{per_kind}"
    return Measured(kind, number(digits) * size, size, units)


def of_kind(kind: str, text: str) -> Ratio:
    """What a text measures, in the smallest units [from 0], if it measures that.

    Raises:
        NotUnderstood: the text cannot be read, measures something else, or lies below zero.
    """
    read = measured(text)
    if read.kind != kind or read.value.over < 0:
        raise _not_understood(text, f"a {kind}")
    return read.value


def _unit(name: str, text: str) -> tuple[str, Ratio]:
    if not name:
        return PLAIN, Ratio(1)
    if name not in UNITS:
        raise _not_understood(text, "one of the units " + ", ".join(UNITS))
    kind, size = UNITS[name]
    return kind, Ratio(size)


def _not_understood(text: str, expected: str) -> NotUnderstood:
    return NotUnderstood(
        Problem(
            "plan.second-reading", f"The second calculation read {text!r} and expected {expected}; correct the text"
        )
    )
