"""What results must meet: the dated rows of `acceptance.toml`, and the comparison with a limit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction

from compounding.calc.rounding import decimals_of, rounded_half_up
from compounding.frozen import dataclass
from compounding.rules.tables import Row, in_force, one_in_force

Limit = Decimal | int | list[int]


@dataclass(frozen=True)
class Rule:
    """One rule as it stands from a day on.

    Args:
        id: its stable name, which a formula or the settings refer to.
        authority: who asks for it.
        in_force: the day from which this row judges.
        day_is: ``in force`` if that is the authority's day, ``as read`` if only the text's age is known.
        source: key in ``docs/references.md``.
        verified: False where a number was inferred or read in a secondary place.
        note: what to know before relying on it.
        limits: the numbers by name, exactly as written; units are part of the names.
    """

    id: str
    authority: str
    in_force: date
    day_is: str
    source: str
    verified: bool
    note: str
    limits: Mapping[str, Limit]

    def decimal(self, name: str) -> Decimal:
        """One limit with the decimals it is written with [unit in its name]."""
        limit = self.limits[name]
        assert isinstance(limit, Decimal)
        return limit


def rule(rule_id: str, on: date) -> Rule:
    """The row of a rule that judges a batch prepared on a day: the latest that was in force then.

    Args:
        rule_id: a rule's name.
        on: the day the batch was prepared.

    Returns:
        The row.

    Raises:
        NotUnderstood: no such rule, or none in force that day; names what there is.

    Example:
        >>> print(rule("content-uniformity", date(2026, 11, 22)).decimal("acceptance_value"))
        15.0
    """
    return _rule(one_in_force("acceptance", on, id=rule_id))


def rules_in_force(on: date) -> tuple[Rule, ...]:
    """Every rule that judges a batch prepared on a day, in the order written."""
    return tuple(_rule(row) for row in in_force("acceptance", on))


def _rule(row: Row) -> Rule:
    return Rule(**{"in_force" if key == "from" else key: value for key, value in row.items()})


def conforms(value: Fraction, low: Decimal | None, high: Decimal | None) -> bool:
    """Whether a result meets its limits, rounded half up to the decimals of each limit first.

    Args:
        value: the exact result [unit of the limits].
        low: least value that conforms; None where there is none.
        high: greatest value that conforms; None where there is none.

    Returns:
        True if it conforms.

    Source:
        usp-general-notices-7; rounding-table

    Example:
        >>> conforms(Fraction("89.95"), Decimal("90.0"), Decimal("110.0"))
        True
        >>> conforms(Fraction("110.05"), Decimal("90.0"), Decimal("110.0"))
        False
    """
    at_least = low is None or rounded_half_up(value, decimals_of(low)) >= low
    at_most = high is None or rounded_half_up(value, decimals_of(high)) <= high
    return at_least and at_most
