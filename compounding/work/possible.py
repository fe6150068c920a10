"""What cannot be: a slip of unit or decimal point, refused before it holds a batch for nothing.

Only what no batch could ever show is refused. Ten times the strength is the very mistake that a test is for: it is
recorded, and holds the batch.

Source:
    hpe-densities (no powder that fills capsules is denser than 2 g/mL)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Final

from compounding.problems import CannotCompute, NotUnderstood, Problem
from compounding.quantities import Quantity, amount, decimal_text, in_unit, quantity, told
from compounding.records.batch import Batch
from compounding.records.facts import Weighed
from compounding.records.formula import Test
from compounding.work.readings import Reading, milligrams
from compounding.work.stocking import DENSEST_POWDER

ADVICE: Final = "check the unit and the decimal point"
# A liquid that was made up to twice its volume is a result, and so are capsules with twice the active that was weighed, as
# tablets may hold more than their label claims; beyond that there is no more to find.
MOST_OF_WHAT_WENT_IN: Final = 2


def check_share(batch: Batch, test: Test, share: Fraction) -> None:
    """No sample holds more active than its whole capsule, or than the whole batch of a liquid or powder took in.

    Args:
        batch: the batch as it stands.
        test: of its content.
        share: what was found [percent of label].

    Raises:
        NotUnderstood: more than that.
    """
    strength = quantity(batch.plan.strength)
    if batch.plan.capsule:
        whole = quantity(batch.plan.capsule.fill)
        if share * strength > 100 * whole:
            text = (
                f"{decimal_text(share, 1)} % of label would be more than a whole capsule of {batch.id} holds "
                f"({told(whole)}): {ADVICE}"
            )
            raise NotUnderstood(Problem("test.not-possible", text, batch.id))
        taken = test.sample.take if test.sample and test.kind == "assay" else None
        check_together(batch, test, [share] * int(amount(quantity(taken or "1 capsule"), "capsule")))
        return
    mass = quantity("1 mg").dimensionality
    weighed = [each for each in _readings(batch, lambda line: line.startswith("source")) if each.dimensionality == mass]
    went_in = weighed or [quantity(batch.plan.source.exact)]  # whole tablets are counted, not weighed
    _check_content(batch, test, share * strength / 100, went_in, f"{decimal_text(share, 1)} % of label")


def check_together(batch: Batch, test: Test, shares: Sequence[Fraction]) -> None:
    """No capsules hold together far more than all the active that was weighed for their batch.

    Args:
        batch: the batch as it stands.
        test: of their content.
        shares: what was found in each of them, or for each in all of them [percent of label].

    Raises:
        NotUnderstood: they would.
    """
    held = sum(shares, Fraction(0)) / 100 * amount(quantity(batch.plan.strength), "mg")
    (line,) = [each for each in batch.plan.lines if each.line == "source"]
    reading = batch.reading_of("source")
    weighed = reading.fact.reading if reading and isinstance(reading.fact, Weighed) else line.exact
    went_in = amount(quantity(batch.plan.active.needed), "mg")
    if quantity(weighed).dimensionality == quantity(line.exact).dimensionality:  # tablets that are counted whole are not weighed
        went_in *= (quantity(weighed) / quantity(line.exact)).to("").magnitude
    if held > MOST_OF_WHAT_WENT_IN * went_in:
        number = f"{len(shares)} capsules" if len(shares) > 1 else "one capsule"
        text = (
            f"{decimal_text(sum(shares, Fraction(0)) / len(shares), 1)} % of label would be {decimal_text(held, 1)} mg in {number}, "
            f"and about {decimal_text(went_in, 1)} mg of {batch.plan.active.substance} went into all of {batch.id}: {ADVICE}"
        )
        raise NotUnderstood(Problem("test.not-possible", text, test.trait))


def check_ingredient(batch: Batch, test: Test, share: Fraction, planned: str) -> None:
    """No sample holds more of an ingredient than the whole batch took in; ``planned`` is its content by the formula."""
    went_in = _readings(batch, lambda line: line == test.of)
    _check_content(batch, test, share * quantity(planned) / 100, went_in, f"{decimal_text(share, 1)} % of {planned}")


def _check_content(batch: Batch, test: Test, content: Quantity, went_in: Sequence[Quantity], says: str) -> None:
    """A content of the sample, against all that went in; nothing is asked where that is not known in the same measure."""
    taken = test.sample.take if test.sample else None
    sample = quantity(taken or f"1 {batch.formula.batch.minimum.partition(' ')[2]}")
    held = content * sample
    known = [each for each in went_in if each.dimensionality == held.dimensionality]
    whole = sum(known[1:], known[0]) if known else None
    if whole is None or held <= whole:
        return
    unit = told(whole).partition(" ")[2]
    text = (
        f"{says} would be {told(in_unit(held, unit), 1)} in the {told(sample)} that the test takes, and {told(whole)} went "
        f"into all of {batch.id}: {ADVICE}"
    )
    raise NotUnderstood(Problem("test.not-possible", text, test.trait))


def check_volume_made(batch: Batch, test: Test, volume: Quantity) -> None:
    """No volume is far beyond all that was poured together.

    Raises:
        NotUnderstood: it is.
    """
    masses_and_volumes = _readings(batch, lambda _: True)
    poured = sum((_millilitres(each) for each in masses_and_volumes), Fraction(0))
    if poured and amount(volume, "mL") > MOST_OF_WHAT_WENT_IN * poured:
        text = f"{told(volume)} is far more than the {decimal_text(poured, 1)} mL that {batch.id} was made of: {ADVICE}"
        raise NotUnderstood(Problem("test.not-possible", text, test.trait))


def _millilitres(taken: Quantity) -> Fraction:
    """What was taken as a volume; a mass counts as that of water."""
    for unit in ("mL", "g"):
        if taken.dimensionality == quantity(f"1 {unit}").dimensionality:
            return amount(taken, unit)
    return Fraction(0)


def _readings(batch: Batch, wanted: Callable[[str], bool]) -> list[Quantity]:
    found = [batch.reading_of(line.line) for line in batch.plan.lines if wanted(line.line)]
    return [quantity(each.fact.reading) for each in found if each and isinstance(each.fact, Weighed)]


def check_gross(readings: Iterable[Reading], shell: Fraction, volume: str | None = None) -> None:
    """No filled capsule weighs less than its empty shell, or more than the shell full of the densest powder.

    Args:
        readings: gross weights of filled capsules.
        shell: one empty shell [mg].
        volume: of its body; None where that is not known.

    Raises:
        CannotCompute: lighter than the shell.
        NotUnderstood: heavier, or no mass.
    """
    most = shell + amount(DENSEST_POWDER * quantity(volume), "mg") if volume else None
    for each in readings:
        (mass,) = milligrams([each])
        where = f"{each.where[0].upper()}{each.where[1:]}"
        if mass < shell:
            text = f"{where}: {each.text} is less than the empty shell of {decimal_text(shell, 2)} mg: weigh it again, or {ADVICE}"
            raise CannotCompute(text, code="weights.below-shell")
        if most is not None and mass > most:
            text = (
                f"{where}: {each.text} is more than {decimal_text(most, 0)} mg, which is all that a capsule of {volume} can "
                f"weigh{'' if shell else ' without its shell'}, full of the densest powder: {ADVICE}"
            )
            raise NotUnderstood(Problem("weights.not-possible", text, each.where, source="hpe-densities"))
