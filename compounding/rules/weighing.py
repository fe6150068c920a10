"""The least mass that a balance may weigh: by USP <41>, by the error that compounding permits, or as tested."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Literal

from compounding.calc import dilution
from compounding.frozen import dataclass
from compounding.problems import CannotCompute
from compounding.quantities import Mass, decimal_text, quantity, told
from compounding.rules.tables import one_in_force

Mode = Literal["tested", "strict", "compounding"]


@dataclass(frozen=True)
class MinimumWeight:
    """What a balance may weigh at least, and how that was found.

    Args:
        mode: ``strict`` (USP <41>), ``compounding`` (permitted error) or ``tested`` (a figure of the balance's test).
        weight: the least net mass [mass without material].
        figures: the figures that it was found from, as a sentence for record and worksheet.
        source: key in ``docs/references.md``; None for a figure of the balance's own test.
    """

    mode: Mode
    weight: Mass
    figures: str
    source: str | None


def minimum_as_tested(weight: Mass) -> MinimumWeight:
    """A minimum weight that the balance's own test gave [mass without material; above 0].

    Raises:
        CannotCompute: it is not a mass above zero.
    """
    _mass("minimum weight", weight)
    return MinimumWeight("tested", weight, f"minimum weight {told(weight)}, as the balance was tested", None)


def strict_minimum(repeatability: Mass, readability: Mass, on: date) -> MinimumWeight:
    """Minimum weight by USP <41>, as it judges on a day.

    Args:
        repeatability: standard deviation of at least ten weighings of one weight [mass without material; from 0].
        readability: smallest step of the balance [mass without material; above 0].
        on: the day of preparation.

    Raises:
        CannotCompute: one of them is not such a mass.

    Source:
        usp-41

    Example:
        >>> strict_minimum(quantity("0.05 mg"), quantity("0.1 mg"), date(2026, 11, 22)).figures
        'strict: 2000 × the repeatability of 0.05 mg, not below 0.41 × the readability of 0.1 mg: at least 100 mg'
    """
    _mass("repeatability", repeatability, from_zero=True)
    _mass("readability", readability)
    row = one_in_force("weighing", on, id="strict")
    share = Fraction(row["least_share_of_readability"])
    weight = dilution.minimum_weight(Fraction(row["times"]), repeatability, share, readability)
    figures = (
        f"strict: {row['times']} × the repeatability of {told(repeatability)}, "
        f"not below {decimal_text(share, 3)} × the readability of {told(readability)}: at least {told(weight)}"
    )
    return MinimumWeight("strict", weight, figures, row["source"])


def compounding_minimum(
    sensitivity_requirement: Mass, on: date, permitted_percent: Fraction | None = None
) -> MinimumWeight:
    """Least weighable quantity at the error that one weighing may have.

    Args:
        sensitivity_requirement: of the balance; 6 mg for Class III [mass without material; above 0].
        on: the day of preparation.
        permitted_percent: error of one weighing [percent; above 0, at most 100]; None takes the usual one.

    Raises:
        CannotCompute: one of them lies outside its range.

    Source:
        unc-weigh

    Example:
        >>> compounding_minimum(quantity("6 mg"), date(2026, 11, 22)).figures
        'compounding: sensitivity requirement of 6 mg × 100 / 5 % permitted error: at least 120 mg'
    """
    _mass("sensitivity requirement", sensitivity_requirement)
    row = one_in_force("weighing", on, id="compounding")
    percent = Fraction(row["permitted_percent"]) if permitted_percent is None else permitted_percent
    if not 0 < percent <= 100:
        text = f"A permitted error of {decimal_text(percent)} % is outside 0 to 100 %: write one such as 5 %"
        raise CannotCompute(text, code="weighing.permitted-error")
    weight = dilution.least_weighable(sensitivity_requirement, percent)
    figures = (
        f"compounding: sensitivity requirement of {told(sensitivity_requirement)} × 100 / "
        f"{decimal_text(percent)} % permitted error: at least {told(weight)}"
    )
    return MinimumWeight("compounding", weight, figures, row["source"])


def _mass(name: str, value: Mass, from_zero: bool = False) -> None:
    if value.dimensionality != quantity("1 mg").dimensionality or value.magnitude < 0 or not (value or from_zero):
        text = f"The {name} is {told(value)}: write a mass above zero, such as 0.1 mg"
        raise CannotCompute(text, code="weighing.balance-figure")
