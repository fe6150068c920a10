"""What the tests of a batch take from it, and what is left to dispense."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import ceil

from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem
from compounding.quantities import Quantity, amount, count, decimal_text, percent, quantity, ratio, told
from compounding.records.formula import Formula, Test


@dataclass(frozen=True)
class SampleLine:
    """What one test takes; nothing if it looks at the whole batch or shares the sample of another.

    Args:
        counted: True if the batch is tested so, and what it takes is missing from what is dispensed.
        possible: False if it takes more than there is of the batch.
    """

    test: Test
    take: Quantity | None
    destroyed: bool
    counted: bool
    source: str
    possible: bool = True


@dataclass(frozen=True)
class Sampling:
    """The samples of one batch.

    Args:
        lines: one for each test of the formula.
        made: what was made, or will be if nothing is lost.
        ordered: what is to be dispensed.
        destroyed: what the counted tests use up.
        left: what is left to dispense; at least nothing.
    """

    lines: tuple[SampleLine, ...]
    made: Quantity
    ordered: Quantity
    destroyed: Quantity
    left: Quantity

    @property
    def cost_percent(self) -> Fraction:
        """What the tests use up, in percent of what was made."""
        return 100 * ratio(self.destroyed, self.made)

    @property
    def covered(self) -> bool:
        """Whether what is left is all that was ordered."""
        return bool(self.left >= self.ordered)


def sample_lines(formula: Formula, made: Quantity, asked: Iterable[str]) -> tuple[SampleLine, ...]:
    """What each test of a formula takes: every required test counts, and of the others those that are asked for.

    Args:
        formula: the formula of the batch.
        made: what there is of it, or will be.
        asked: traits of tests that are not required and will be done, or were.
    """
    wanted = {trait.lower() for trait in asked}
    return tuple(_line(formula, test, made, test.required or test.trait.lower() in wanted) for test in formula.test)


def _line(formula: Formula, test: Test, made: Quantity, counted: bool) -> SampleLine:
    if test.sample is None:
        # Where a batch is smaller than what is weighed, all of it is (br-formulario-nacional).
        unit = formula.batch.minimum.partition(" ")[2]
        take = min(quantity(f"{test.units} {unit}"), made) if test.units else None
        return SampleLine(test, take, False, counted, test.source)
    takes = [quantity(test.sample.take)] if test.sample.take else []
    if test.sample.share:
        takes.append(_whole(made * percent(test.sample.share)))
    take = max(takes)
    return SampleLine(test, take, test.sample.destroyed, counted, test.sample.source, bool(take <= made))


def _whole(taken: Quantity) -> Quantity:
    """A part of a batch; of capsules, whole ones."""
    if taken.dimensionality != quantity("1 capsule").dimensionality:
        return taken
    return count(ceil(amount(taken, "capsule")), "capsule")


def sampling(formula: Formula, made: str, ordered: str, asked: Sequence[str]) -> tuple[Sampling, list[Problem]]:
    """The samples of a batch, and whether what is made beyond the order covers them.

    Args:
        formula: its formula.
        made: what was made, or is planned to be, such as ``105 capsules``.
        ordered: what is to be dispensed, in the same measure.
        asked: traits of tests that are not required and are done all the same.

    Raises:
        NotUnderstood: the formula has no such test.
    """
    known = {test.trait.lower() for test in formula.test}
    unknown = [trait for trait in asked if trait.lower() not in known]
    if unknown:
        says = f"no test of {formula.id}: it has {', '.join(test.trait for test in formula.test)}"
        raise NotUnderstood(Problem("test.unknown", f"{trait} is {says}", trait) for trait in unknown)
    total, wanted = quantity(made), quantity(ordered)
    lines = sample_lines(formula, total, asked)
    used = sum((each.take for each in lines if each.counted and each.destroyed and each.take is not None), total * 0)
    found = Sampling(lines, total, wanted, used, max(total - used, total * 0))
    problems = [_more_than_made(each, total) for each in lines if each.counted and not each.possible]
    return found, problems + ([] if found.covered else [_not_covered(found)])


def _more_than_made(line: SampleLine, made: Quantity) -> Problem:
    """A test that one batch cannot supply."""
    assert line.take is not None
    text = (
        f"{line.test.trait} takes {told(line.take)}, and {told(made)} are all there is: plan a larger batch, or make one for "
        "this test alone"
    )
    return Problem("sampling.more-than-made", text, line.test.trait, stops=False)


def _not_covered(found: Sampling) -> Problem:
    """What is missing, and how much more would have to be made."""
    unit = told(found.ordered).partition(" ")[2]
    short = amount(found.ordered - found.left, unit)
    more = decimal_text(Fraction(ceil(short)) if "capsule" in unit else short, 2)
    text = (
        f"The tests use up {told(found.destroyed)} of {told(found.made)}: {told(found.left)} are left of the "
        f"{told(found.ordered)} ordered, {more} {unit} too few. Dispense less, or plan {more} {unit} more than are dispensed"
    )
    return Problem("sampling.not-covered", text, "samples", stops=False)
