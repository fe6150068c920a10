"""Bulk powder: how much of what was ordered it counts for, by its certificate and the pharmacy's correction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from functools import lru_cache

from compounding.calc import sources
from compounding.calc.measured import working
from compounding.frozen import dataclass
from compounding.problems import Problem, Refused, stopping
from compounding.quantities import Content, decimal_text, half_up, ratio
from compounding.rules.tables import one_in_force
from compounding.work.certificates import (
    ABOVE_100,
    BASIS_SAYS,
    CORRECTIONS,
    FIGURES,
    LEFT_OUT,
    Forms,
    check_certificate,
    forms_of,
    percent_of,
    pure_of,
    share_certified,
    share_of,
)
from compounding.work.materials import Powder


@dataclass(frozen=True)
class PowderContent:
    """What a powder counts for.

    Args:
        material: the powder as a material of its own, such as ``naltrexone hydrochloride dihydrate powder``.
        content: ordered form in the powder as it is weighed, as the correction counts it [mass/mass].
        certified: the same by the certificate alone, whatever the correction [mass/mass].
        factor: weighing factor in use [1]; 1 where nothing is weighed for.
        exact_factor: weighing factor by the certificate [1], exact.
        lines: for record and worksheet, what and how, in order.
    """

    material: str
    content: Content
    certified: Content
    factor: Fraction
    exact_factor: Fraction
    lines: tuple[tuple[str, str], ...]


def check_powder(powder: Powder, ordered: str, on: date) -> list[Problem]:
    """What is wrong with a powder for an order, its certificate and the correction, all at once."""
    return list(_problems_of(powder, ordered, on))


@lru_cache(maxsize=16)  # a plan asks three times: of its bench, of its warnings and of its content
def _problems_of(powder: Powder, ordered: str, on: date) -> tuple[Problem, ...]:
    with working():  # what is only judged here is no step of a plan
        problems = check_certificate(powder, ordered, on)
        if not stopping(problems):
            problems += _check_uncorrected(powder, forms_of(powder, ordered, on), on)
    return tuple(problems)


def content_of(powder: Powder, ordered: str, on: date) -> PowderContent:
    """How much of what was ordered a powder counts for; its working is written down.

    Args:
        powder: the powder.
        ordered: the form that was ordered, such as ``naltrexone hydrochloride``.
        on: day of preparation.

    Raises:
        Refused: the certificate cannot be used; every reason at once.
    """
    refused = stopping(check_powder(powder, ordered, on))
    if refused:
        raise Refused(refused)
    met = forms_of(powder, ordered, on)
    with working():  # what the certificate says is told beside the plan; it is not a step of it
        share = share_certified(powder, met)
        certified = _as_ordered(share, met.assayed, met)
        exact_factor = sources.weighing_factor(pure_of(met.assayed, met), share)
    counted, of, factor = _counted(powder, met, on)
    found = _as_ordered(counted, of, met)
    return PowderContent(
        material=met.material,
        content=found,
        certified=certified,
        factor=factor,
        exact_factor=exact_factor,
        lines=_lines(powder, met, of, found, factor, exact_factor),
    )


def check_together(powders: Sequence[Powder], ordered: str, on: date) -> list[Problem]:
    """Whether several lots may go into one batch: of one form only, each weighed by its own certificate."""
    problems = [problem for powder in powders for problem in check_powder(powder, ordered, on)]
    if stopping(problems):
        return problems
    found = dict.fromkeys(forms_of(powder, ordered, on).powder for powder in powders)
    if len(found) > 1:
        text = (
            f"The lots hold different substances: {', '.join(found)}. One batch is made of one form: "
            "take lots of the same form, and weigh each by its own certificate"
        )
        problems.append(Problem("powder.mixed", text, ordered))
    return problems


def _check_uncorrected(powder: Powder, met: Forms, on: date) -> list[Problem]:
    """What a correction leaves uncorrected, when a tenth of a percent or more of it can be seen."""
    certified = _as_ordered(share_certified(powder, met), met.assayed, met)
    counted, of, _ = _counted(powder, met, on)
    missing = 1 - ratio(certified, _as_ordered(counted, of, met))
    if half_up(abs(missing) * 100, 1) == 0:
        return []
    text = (
        f"By its certificate the powder holds {percent_of(abs(missing))} {'less' if missing > 0 else 'more'} than it counts for "
        f"with the correction {powder.correction}: every dose will, too. Choose another correction if that is not meant"
    )
    return [Problem("powder.uncorrected", text, "correction", stops=False, source="ijpc-2005-assay")]


def _counted(powder: Powder, met: Forms, on: date) -> tuple[Content, str, Fraction]:
    """What the powder counts for under its correction, of which form, and the weighing factor in use."""
    if powder.correction == "none":
        return pure_of(met.powder, met), met.powder, Fraction(1)
    share, pure = share_certified(powder, met), pure_of(met.assayed, met)
    factor = sources.weighing_factor(pure, share)
    if powder.correction == "always":
        return share, met.assayed, factor
    row = one_in_force("substances", on, kind="correction", id=powder.correction)
    if 1 - ratio(share, pure) > Fraction(row["deficit_above"], 100):
        return sources.share_by_factor(pure, factor), met.assayed, half_up(factor, row["decimals"])
    return pure, met.assayed, Fraction(1)


def _as_ordered(share: Content, of: str, met: Forms) -> Content:
    if of == met.ordered:
        return share
    return sources.content_as_ordered(share, met.moles[met.ordered], met.moles[of])


def _lines(
    powder: Powder, met: Forms, of: str, found: Content, factor: Fraction, exact_factor: Fraction
) -> tuple[tuple[str, str], ...]:
    assay, basis = powder.assay or Fraction(0), powder.basis or ""
    stated = [
        f"{words} {percent_of(value, None)}"
        for name, words in FIGURES.items()
        if (value := getattr(powder, name)) is not None
    ]
    form = met.known.get(met.powder)
    above = [("assay above 100 %", ABOVE_100[powder.above_100])] if assay > 1 else []
    return (
        ("powder", f"{met.powder}, {form.formula}" if form else met.powder),
        ("certificate", powder.certificate or "no number given"),
        ("assay", f"{percent_of(assay, None)} {met.assayed} {BASIS_SAYS[basis]}"),
        *above,
        ("stated", ", ".join(stated) or "no water, loss on drying or solvents"),
        ("correction", CORRECTIONS[powder.correction]),
        ("factor", f"{decimal_text(factor, 3)} in use; {decimal_text(exact_factor, 6)} by the certificate"),
        ("route", _route(of, basis, met)),
        (
            "content",
            f"{decimal_text(share_of(found, met.ordered, met) * 100, 4)} % {met.ordered} in the powder as it is weighed",
        ),
    )


def _route(of: str, basis: str, met: Forms) -> str:
    if of != met.ordered:
        counted, ordered = met.known[of], met.known[met.ordered]
        return (
            f"{of} {decimal_text(counted.molar_mass)} g/mol to {met.ordered} {decimal_text(ordered.molar_mass)} g/mol: "
            f"× {decimal_text(ordered.molar_mass / counted.molar_mass, 6)}"
        )
    if met.water(met.powder) and "water" in LEFT_OUT[basis]:
        return f"counted as {of}: the water of hydration is in the water left out, so no factor between forms"
    return f"counted as {of}, as ordered: no factor between forms"
