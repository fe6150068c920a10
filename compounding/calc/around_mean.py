"""Rules that compare capsules with their own mean: are they alike?

None of them sees a batch that is uniformly short, so none of them stands alone: a comparison with the
theoretical weight, or an assay, goes beside it. The limits come from `rules/acceptance.toml`.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

from compounding.calc.spread import Spread, spread
from compounding.calc.weights import DeviationLimits, deviations_percent, outside, rsd_shown, shown, units_named
from compounding.frozen import dataclass
from compounding.problems import CannotCompute

Verdict = Literal["pass", "fail", "test_20_more"]


@dataclass(frozen=True)
class MassLimits:
    """Limits of uniformity of mass around the mean (Ph. Eur. 2.9.5; the German check adds a limit to the scatter).

    Args:
        units: the counts that may be weighed.
        deviation: the single limit by mean mass.
        may_deviate: units that may lie beyond the single limit.
        never_beyond: no unit may lie beyond this many times the single limit.
        rsd_percent: greatest relative standard deviation [percent]; None where the rule has none.
    """

    units: tuple[int, ...]
    deviation: DeviationLimits
    may_deviate: int
    never_beyond: Fraction
    rsd_percent: Fraction | None = None


@dataclass(frozen=True)
class MassUniformity:
    """Masses compared with their own mean; indices count from 0.

    Args:
        masses: mean and scatter [mg].
        limit_percent: the single limit for that mean [percent].
        deviations: signed, one a unit [percent of the mean].
        beyond: units beyond the single limit.
        far_beyond: units beyond the limit that none may pass.
        verdict: ``pass`` or ``fail``.
        reasons: why not, one sentence each.
    """

    masses: Spread
    limit_percent: Fraction
    deviations: tuple[Fraction, ...]
    beyond: tuple[int, ...]
    far_beyond: tuple[int, ...]
    verdict: Verdict
    reasons: tuple[str, ...]


def mass_uniformity(masses_mg: Sequence[Fraction], limits: MassLimits) -> MassUniformity:
    """Uniformity of mass: few units beyond the limit, none far beyond. Says nothing about the right mass.

    Args:
        masses_mg: contents of each capsule [mg; as many as the rule says].
        limits: the rule's limits.

    Returns:
        The comparison and its verdict.

    Raises:
        CannotCompute: another count of units, or a mean that is not above zero.

    Source:
        ph-eur-2-9-5-and-6; scopeia-mass-uniformity; dap-2025-12 and pz-2025-11-27 for the German check
    """
    if len(masses_mg) not in limits.units:
        counts = " or ".join(str(count) for count in limits.units)
        raise CannotCompute(
            f"{len(masses_mg)} masses seen; this rule judges {counts}, weighed one by one.", code="weights.count"
        )
    masses = spread(masses_mg)
    single, deviations = limits.deviation.percent_for(masses.mean), deviations_percent(masses_mg, masses.mean)
    beyond = outside(deviations, -single, single)
    far_beyond = outside(deviations, -single * limits.never_beyond, single * limits.never_beyond)
    reasons = []
    if len(beyond) > limits.may_deviate:
        reasons.append(
            f"{len(beyond)} units deviate by more than {shown(single)} % from the mean, {limits.may_deviate} may"
        )
    if far_beyond:
        far = shown(single * limits.never_beyond)
        reasons.append(f"more than {far} % from the mean, where none may be: {units_named(far_beyond)}")
    if limits.rsd_percent is not None and masses.rsd_squared > limits.rsd_percent**2:
        reasons.append(
            f"relative standard deviation is {rsd_shown(masses)} %, at most {shown(limits.rsd_percent)} % is allowed"
        )
    return MassUniformity(masses, single, deviations, beyond, far_beyond, "fail" if reasons else "pass", tuple(reasons))


@dataclass(frozen=True)
class ContentLimits:
    """Limits of uniformity of content around the mean (Ph. Eur. 2.9.6, test B).

    Args:
        near_percent: the inner limit [percent of the mean, either way].
        far_percent: the outer limit, that no unit may pass [percent of the mean, either way].
        first_may: units of ten that may lie beyond the inner limit.
        first_fails_above: count beyond the inner limit above which ten units fail at once.
        second_may: units of thirty that may lie beyond the inner limit.
    """

    near_percent: Fraction
    far_percent: Fraction
    first_may: int
    first_fails_above: int
    second_may: int


@dataclass(frozen=True)
class ContentAroundMean:
    """Contents compared with their own mean; indices count from 0.

    Args:
        contents: mean and scatter [unit of the contents].
        stage: 1 for ten units, 2 for thirty.
        deviations: signed, one a unit [percent of the mean].
        beyond: units beyond the inner limit.
        far_beyond: units beyond the outer limit.
        verdict: ``pass``, ``fail`` or ``test_20_more``.
        reasons: why it does not pass, one sentence each.
    """

    contents: Spread
    stage: int
    deviations: tuple[Fraction, ...]
    beyond: tuple[int, ...]
    far_beyond: tuple[int, ...]
    verdict: Verdict
    reasons: tuple[str, ...]


def content_around_mean(contents: Sequence[Fraction], limits: ContentLimits) -> ContentAroundMean:
    """Uniformity of content of capsules, ten units or the same ten and twenty more. Combine it with an assay.

    Args:
        contents: active in each unit, measured one by one [one unit; 10 or 30 of them].
        limits: the rule's limits.

    Returns:
        The comparison and its verdict.

    Raises:
        CannotCompute: another count of units, or a mean that is not above zero.

    Source:
        ph-eur-2-9-5-and-6; wikipedia-uniformity-of-content (the second stage was not read at its source)
    """
    if len(contents) not in (10, 30):
        raise CannotCompute(
            f"{len(contents)} contents seen; this rule judges 10 units, or those 10 and 20 more (30).",
            code="uniformity.count",
        )
    scatter = spread(contents)
    deviations = deviations_percent(contents, scatter.mean)
    beyond = outside(deviations, -limits.near_percent, limits.near_percent)
    far_beyond = outside(deviations, -limits.far_percent, limits.far_percent)
    stage = 1 if len(contents) == 10 else 2
    may = limits.first_may if stage == 1 else limits.second_may
    fails_above = limits.first_fails_above if stage == 1 else limits.second_may
    reasons = []
    if far_beyond:
        far = shown(limits.far_percent)
        reasons.append(f"more than {far} % from the mean, where none may be: {units_named(far_beyond)}")
    if len(beyond) > may:
        reasons.append(f"{len(beyond)} units lie more than {shown(limits.near_percent)} % from the mean, {may} may")
    verdict: Verdict = "pass"
    if far_beyond or len(beyond) > fails_above:
        verdict = "fail"
    elif len(beyond) > may:
        verdict = "test_20_more"
    return ContentAroundMean(scatter, stage, deviations, beyond, far_beyond, verdict, tuple(reasons))
