"""Capsule weights: is each one near its theoretical weight, and are they alike?

Alike is not enough: ten capsules may be beautifully uniform and all 10 % short, so some rules look at the
theoretical weight and others at the mean. The shell's constant mass hides deviations, so net fills are judged
beside gross weights. Weights are compared unrounded with their limits, which can only be the stricter way.

The limits come from `rules/acceptance.toml`; these functions know the arithmetic of the rules and none of
their numbers. Each takes the weight of every capsule: one group weighing divided by its count hides
exactly what is looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

from compounding.calc.rounding import rounded_half_up, rounded_sum_with_root
from compounding.calc.spread import Spread, spread
from compounding.frozen import dataclass
from compounding.problems import CannotCompute

Verdict = Literal["pass", "fail"]


@dataclass(frozen=True)
class DeviationLimits:
    """How far one capsule may lie from the mean: lighter capsules may vary more.

    Args:
        boundary_mg: mean from which the second limit holds [mg].
        below_percent: limit for a mean under the boundary [percent of the mean].
        from_percent: limit from the boundary up [percent of the mean].
    """

    boundary_mg: Fraction
    below_percent: Fraction
    from_percent: Fraction

    def percent_for(self, mean_mg: Fraction) -> Fraction:
        """The limit for a sample with this mean [percent of the mean]."""
        return self.below_percent if mean_mg < self.boundary_mg else self.from_percent


def deviations_percent(weights: Sequence[Fraction], reference: Fraction) -> tuple[Fraction, ...]:
    """How far each weight lies from a reference.

        100 (w - reference) / reference

    Args:
        weights: one weight a unit [mass, the unit of the reference; from 0].
        reference: what they are compared with [mass; above 0].

    Returns:
        Signed deviations [percent of the reference].

    Raises:
        CannotCompute: the reference is not above zero, or a weight is below zero.

    Source:
        ph-eur-2-9-5-and-6

    Example:
        >>> deviations_percent([Fraction(135), Fraction(153)], Fraction(150))
        (Fraction(-10, 1), Fraction(2, 1))
    """
    if reference <= 0:
        raise CannotCompute(f"Reference weight {reference}: weights need one above zero to be compared with.")
    for place, weight in enumerate(weights, start=1):
        if weight < 0:
            raise CannotCompute(
                f"Unit {place}: {shown(weight)} is below zero. Check the reading.", code="weights.negative"
            )
    return tuple(100 * (weight - reference) / reference for weight in weights)


def net_weights(gross: Sequence[Fraction], shell: Fraction) -> tuple[Fraction, ...]:
    """Fill of each capsule: its weight less the mean empty shell.

    Args:
        gross: one weight a filled capsule [mass, the unit of the shell].
        shell: mean empty shell [mass; above 0].

    Returns:
        Fills [mass]; the shell's own scatter stays in them.

    Raises:
        CannotCompute: the shell is not above zero, or a capsule weighs less than it.

    Source:
        unc-pharmlabs-capsules

    Example:
        >>> net_weights([Fraction(198)], Fraction(48))
        (Fraction(150, 1),)
    """
    if shell <= 0:
        raise CannotCompute(f"Empty shell {shown(shell)}: weigh some empty shells and give their mean.")
    for place, weight in enumerate(gross, start=1):
        if weight < shell:
            raise CannotCompute(
                f"Capsule {place} weighs {shown(weight)} mg, less than the empty shell of {shown(shell)} mg. "
                "Weigh it again, or check the unit and the shell size.",
                code="weights.below-shell",
            )
    return tuple(weight - shell for weight in gross)


@dataclass(frozen=True)
class TheoreticalLimits:
    """Limits of a rule that compares with the theoretical weight.

    Args:
        least_units: capsules to weigh at least.
        low_percent: least weight of each [percent of theoretical].
        high_percent: greatest weight of each [percent of theoretical].
    """

    least_units: int
    low_percent: Fraction
    high_percent: Fraction


@dataclass(frozen=True)
class AgainstTheoretical:
    """Gross and net weights compared with what they should be; indices count from 0.

    Args:
        gross: mean and scatter of the filled capsules [mass].
        net: mean and scatter of the fills [mass].
        theoretical: shell and planned fill [mass].
        gross_percent: each capsule [percent of theoretical weight].
        net_percent: each fill [percent of planned fill].
        gross_outside: capsules outside the limits.
        net_outside: fills outside the limits.
        verdict: ``pass`` if none is outside.
        reasons: why not, one sentence each.
    """

    gross: Spread
    net: Spread
    theoretical: Fraction
    gross_percent: tuple[Fraction, ...]
    net_percent: tuple[Fraction, ...]
    gross_outside: tuple[int, ...]
    net_outside: tuple[int, ...]
    verdict: Verdict
    reasons: tuple[str, ...]


def against_theoretical(
    gross: Sequence[Fraction], shell: Fraction, fill: Fraction, limits: TheoreticalLimits
) -> AgainstTheoretical:
    """Each capsule against shell plus planned fill, and each fill against the planned fill.

        gross % = 100 w / (shell + fill),  net % = 100 (w - shell) / fill

    Args:
        gross: one weight a filled capsule [mass, one unit for all].
        shell: mean empty shell [mass; above 0].
        fill: planned fill, active and filler [mass; above 0].
        limits: the rule's limits.

    Returns:
        The comparison and its verdict.

    Raises:
        CannotCompute: too few capsules, one lighter than the shell, or no planned fill.

    Source:
        unc-pharmlabs-capsules; compounding-today-4-12; hospital-capsule-control
    """
    _at_least(gross, limits.least_units)
    fills = net_weights(gross, shell)
    gross_percent = tuple(100 + d for d in deviations_percent(gross, shell + fill))
    net_percent = tuple(100 + d for d in deviations_percent(fills, fill))
    low, high = limits.low_percent, limits.high_percent
    gross_outside, net_outside = outside(gross_percent, low, high), outside(net_percent, low, high)
    reasons = [
        f"{what} of capsule {i + 1} is {shown(percents[i])} % of theory; {shown(low)} to {shown(high)} % is allowed"
        for what, percents, places in (
            ("gross weight", gross_percent, gross_outside),
            ("net fill", net_percent, net_outside),
        )
        for i in places
    ]
    return AgainstTheoretical(
        gross=spread(gross),
        net=spread(fills),
        theoretical=shell + fill,
        gross_percent=gross_percent,
        net_percent=net_percent,
        gross_outside=gross_outside,
        net_outside=net_outside,
        verdict="fail" if reasons else "pass",
        reasons=tuple(reasons),
    )


@dataclass(frozen=True)
class BrazilLimits:
    """Limits of the weight test that leaves capsules whole (Brazil, Formulário Nacional).

    Args:
        least_units: capsules to weigh at least; all of a smaller batch.
        deviation: limit of a single capsule by mean weight.
        rsd_percent: greatest relative standard deviation, DPR [percent].
        low_percent: least of the lightest capsule, Qmin [percent of theoretical].
        high_percent: greatest of the heaviest capsule, Qmax [percent of theoretical].
    """

    least_units: int
    deviation: DeviationLimits
    rsd_percent: Fraction
    low_percent: Fraction
    high_percent: Fraction


@dataclass(frozen=True)
class Brazil:
    """The Brazilian weight test; indices count from 0.

    Args:
        gross: mean and scatter of the filled capsules [mg].
        theoretical: shell and planned fill [mg].
        limit_percent: limit of a single capsule for that mean [percent of the mean].
        beyond: capsules beyond it.
        rsd_within: whether DPR is within its limit.
        least_percent: Qmin [percent of theoretical].
        greatest_percent: Qmax [percent of theoretical].
        verdict: ``pass`` or ``fail``.
        reasons: why not, one sentence each.
    """

    gross: Spread
    theoretical: Fraction
    limit_percent: Fraction
    beyond: tuple[int, ...]
    rsd_within: bool
    least_percent: Fraction
    greatest_percent: Fraction
    verdict: Verdict
    reasons: tuple[str, ...]


def brazil(
    gross_mg: Sequence[Fraction],
    shell_mg: Fraction,
    fill_mg: Fraction,
    limits: BrazilLimits,
    *,
    batch_units: int | None = None,
) -> Brazil:
    """Weight test of the Formulário Nacional: single capsules, DPR, and the extremes against theory.

        DPR = 100 s / mean,  Qmin = 100 lightest / (shell + fill),  Qmax = 100 heaviest / (shell + fill)

    Args:
        gross_mg: one weight a filled capsule [mg].
        shell_mg: mean empty shell [mg; above 0].
        fill_mg: planned fill, active and excipient [mg; above 0].
        limits: the rule's limits.
        batch_units: capsules in the batch, when fewer than the rule asks for.

    Returns:
        The test and its verdict.

    Raises:
        CannotCompute: too few capsules, or one lighter than the shell.

    Source:
        br-formulario-nacional; br-weight-report; br-siacom-notice (dividing by n - 1 was not read at its source)
    """
    _at_least(gross_mg, limits.least_units if batch_units is None else min(limits.least_units, batch_units))
    net_weights(gross_mg, shell_mg)
    gross, theoretical = spread(gross_mg), shell_mg + fill_mg
    single = limits.deviation.percent_for(gross.mean)
    beyond = outside(deviations_percent(gross_mg, gross.mean), -single, single)
    rsd_within = gross.rsd_squared <= limits.rsd_percent**2
    least, greatest = (100 + d for d in deviations_percent((min(gross_mg), max(gross_mg)), theoretical))
    reasons = []
    if beyond:
        reasons.append(f"more than {shown(single)} % from the mean: {units_named(beyond)}")
    if not rsd_within:
        reasons.append(f"DPR is {rsd_shown(gross)} %, at most {shown(limits.rsd_percent)} % allowed")
    if least < limits.low_percent:
        reasons.append(f"Qmin is {shown(least)} %, at least {shown(limits.low_percent)} % asked for")
    if greatest > limits.high_percent:
        reasons.append(f"Qmax is {shown(greatest)} %, at most {shown(limits.high_percent)} % allowed")
    verdict: Verdict = "fail" if reasons else "pass"
    return Brazil(gross, theoretical, single, beyond, rsd_within, least, greatest, verdict, tuple(reasons))


@dataclass(frozen=True)
class Loss:
    """Powder that did not reach the capsules.

    Args:
        percent: of the charge; negative if more was found than weighed in.
        verdict: ``pass`` or ``fail``.
    """

    percent: Fraction
    verdict: Verdict


def loss(charge: Fraction, recovered: Fraction, limit_percent: Fraction) -> Loss:
    """Loss of mass while filling.

        loss % = 100 (charge - recovered) / charge

    A gain is judged by the same number: powder that nobody weighed in is a slip too.

    Args:
        charge: powder weighed in [mass; above 0].
        recovered: filled capsules less their shells [mass; from 0].
        limit_percent: greatest loss [percent of the charge].

    Returns:
        The loss and its verdict.

    Raises:
        CannotCompute: the charge is not above zero, or the recovered mass is negative.

    Source:
        dap-2025-12; pz-2025-11-27; akhb-136

    Example:
        >>> print(float(loss(Fraction("15.000"), Fraction("14.625"), Fraction(3)).percent))
        2.5
    """
    if charge <= 0 or recovered < 0:
        raise CannotCompute(f"Charge {shown(charge)}, recovered {shown(recovered)}: check both masses.")
    percent = 100 * (charge - recovered) / charge
    return Loss(percent, "pass" if abs(percent) <= limit_percent else "fail")


def _at_least(weights: Sequence[Fraction], least: int) -> None:
    if len(weights) < least:
        raise CannotCompute(
            f"{len(weights)} weights seen; this rule judges at least {least} capsules, weighed one by one. A group "
            "weighing divided by its count would hide the capsules that this test looks for.",
            code="weights.count",
        )


def outside(values: Sequence[Fraction], low: Fraction, high: Fraction) -> tuple[int, ...]:
    """Places, counted from 0, of the values below the low limit or above the high one [one unit]."""
    return tuple(i for i, value in enumerate(values) if not low <= value <= high)


def units_named(indices: Sequence[int]) -> str:
    """Units as people count them, from 1: ``unit 3, unit 8``."""
    return ", ".join(f"unit {i + 1}" for i in indices)


def rsd_shown(scatter: Spread) -> str:
    """Relative standard deviation for a sentence, to four decimals [percent]."""
    return shown(Fraction(rounded_sum_with_root(Fraction(0), scatter.rsd_squared, 4)))


def shown(value: Fraction) -> str:
    """A number for a sentence: at most four decimals, no trailing zeros."""
    return f"{rounded_half_up(value, 4).normalize():f}"
