"""Named rules for what is added for losses."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from compounding.quantities import Quantity, quantity
from compounding.rules.tables import one_in_force


def surcharge(name: str, on: date, active_each: Quantity) -> tuple[Fraction, str]:
    """The share that a named rule adds to capsules of so much active, and what it is added to.

    Args:
        name: ``german``.
        on: day of preparation.
        active_each: active in one capsule [mass].

    Source:
        daz-2024

    Example:
        >>> surcharge("german", date(2026, 11, 22), quantity("1.5 mg"))
        (Fraction(1, 10), 'active')
    """
    row = one_in_force("surcharges", on, id=name)
    small = active_each < quantity(row["small_below_active"])
    return Fraction(row["small_percent"] if small else row["general_percent"], 100), row["on"]
