"""Values that look like earlier ones of the same trait, or like their mean, in whatever unit and with however many zeros.

They are compared exactly and in one measure: percent of label, milligrams, millilitres or a bare number.

Source:
    fda-oos-averaging
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from compounding.problems import NotUnderstood, Problem
from compounding.quantities import amount, number, quantity
from compounding.records.batch import Batch
from compounding.records.facts import Tested
from compounding.records.formula import Test
from compounding.work.testing import percent_of_label, planned_amount


def in_one_measure(batch: Batch, trait: str, text: str) -> Fraction | None:
    """A value of a trait in the measure that all its values are compared in; None for words.

    Args:
        batch: whose label and formula say what a share is of.
        trait: of its formula.
        text: as it was recorded, such as ``1.48 mg`` or ``98.7 %``.
    """
    test = next(each for each in batch.formula.test if each.trait == trait)
    try:
        return _measured(batch, test, text)
    except NotUnderstood:
        return None


def _measured(batch: Batch, test: Test, text: str) -> Fraction:
    match test.kind:
        case "weights":
            return amount(quantity(text), "mg")
        case "content" | "assay":
            return percent_of_label(text, batch.plan.strength)
        case "ingredient":
            return percent_of_label(text, planned_amount(batch, test))
        case "volume":
            return amount(quantity(text), "mL")
        case "count":
            return number(text.partition(" ")[0])
    return number(text)


def hold_earlier(batch: Batch, fact: Tested) -> bool:
    """Whether several values hold all those of an earlier result of the same trait, of whichever stage."""
    if len(fact.values) < 2:
        return False
    given = Counter(in_one_measure(batch, fact.trait, text) for text in fact.values)
    earlier = [each.fact.values for each in batch.tested if isinstance(each.fact, Tested) and each.fact.trait == fact.trait]
    sets = [Counter(in_one_measure(batch, fact.trait, text) for text in values) for values in earlier if values]
    return any(each <= given for each in sets)


def check_copied(batch: Batch, fact: Tested) -> list[Problem]:
    """Whether several values stand in an earlier result already: that is told, for they may have been entered twice."""
    if not hold_earlier(batch, fact):
        return []
    text = f"{fact.trait}: {batch.id} has a result with the same values. If these were entered twice, say so in the record"
    return [Problem("test.same-values", text, fact.trait, stops=False)]


def is_mean(batch: Batch, fact: Tested, earlier: Sequence[Tested]) -> bool:
    """Whether a single value is the mean of earlier ones, within half of the last place that any of them is written with."""
    if any(len(each.values) != 1 for each in (fact, *earlier)):
        return False
    texts = [each.values[0] for each in earlier]
    now = in_one_measure(batch, fact.trait, fact.values[0])
    read = [value for text in texts if (value := in_one_measure(batch, fact.trait, text)) is not None]
    if now is None or len(read) < len(texts):
        return False
    within = max(_last_place(batch, fact.trait, text) for text in (fact.values[0], *texts)) / 2
    return abs(now - sum(read, Fraction(0)) / len(read)) <= within


def _last_place(batch: Batch, trait: str, text: str) -> Fraction:
    """What one more in the last digit of a value comes to, in the measure of its trait."""
    digits, _, unit = text.partition(" ")
    one = in_one_measure(batch, trait, f"1 {unit}".rstrip()) or Fraction(0)
    return one * Fraction(10) ** int(Decimal(digits).as_tuple().exponent)
