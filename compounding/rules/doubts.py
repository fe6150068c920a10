"""What is assumed where nothing was measured, and what a cylinder may be off: dated rows."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from compounding.calc.uncertainty import rectangular
from compounding.frozen import dataclass
from compounding.rules.tables import one_in_force


@dataclass(frozen=True)
class Assumption:
    """One assumption as it stands on a day.

    Args:
        relative: relative standard deviation that it stands for [1]; in steps of readability for the balance.
        basis: the row in words, with its source key; says unverified where it is a judgement.
    """

    relative: float
    basis: str


def assumption(assumption_id: str, on: date) -> Assumption:
    """The assumption used for a batch prepared on a day.

    Args:
        assumption_id: a row of `assumptions.toml`.
        on: day of preparation.

    Raises:
        NotUnderstood: no such row in force.

    Example:
        >>> round(assumption("transfer-loss", date(2026, 11, 22)).relative, 6)
        0.005774
    """
    row = one_in_force("assumptions", on, id=assumption_id)
    if "limit_percent" in row:
        relative = rectangular(float(row["limit_percent"]) / 100)
        said = f"anywhere up to {row['limit_percent']} %"
    elif "standard_percent" in row:
        relative = float(row["standard_percent"]) / 100
        said = f"standard deviation {row['standard_percent']} %"
    else:
        relative = float(row["steps"])
        said = f"{row['steps']} step of the readability"
    return Assumption(relative, f"{said} ({row['source']}{'' if row['verified'] else ', unverified'})")


@dataclass(frozen=True)
class Cylinder:
    """A graduated cylinder, and how often it is filled for one volume.

    Args:
        capacity: what it holds [mL].
        tolerance: how far a volume may be off [mL].
        times: fillings.
        basis: cylinder and class in words, with the source key.
    """

    capacity: Fraction
    tolerance: Fraction
    times: int
    basis: str


def cylinder_for(volume: Fraction, on: date, glass: str = "B") -> Cylinder:
    """The smallest cylinder that holds a volume at once; beyond the greatest, the greatest several times.

    Args:
        volume: to measure [mL; above 0].
        on: day of preparation.
        glass: class of the cylinder, ``A`` or ``B``.

    Raises:
        NotUnderstood: there is no such class.

    Source:
        astm-e1272

    Example:
        >>> cylinder_for(Fraction(60), date(2026, 11, 22)).basis
        'cylinder of 100 mL, class B, ±1.00 mL (astm-e1272)'
    """
    row = one_in_force("cylinders", on, **{"class": glass})
    by_size = sorted((Fraction(capacity), tolerance) for capacity, tolerance in row["tolerances"].items())
    capacity, tolerance = next((each for each in by_size if each[0] >= volume), by_size[-1])
    times = -(-volume // capacity)
    often = f", filled {times} times" if times > 1 else ""
    basis = f"cylinder of {capacity} mL, class {glass}, ±{tolerance} mL{often} ({row['source']})"
    return Cylinder(capacity, Fraction(tolerance), int(times), basis)
