"""Every weight rule on one set of capsules: all are computed, and the one that a formula names decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from compounding.calc.around_mean import (
    ContentAroundMean,
    ContentLimits,
    MassLimits,
    MassUniformity,
    content_around_mean,
    mass_uniformity,
)
from compounding.calc.weights import (
    AgainstTheoretical,
    Brazil,
    BrazilLimits,
    DeviationLimits,
    Loss,
    TheoreticalLimits,
    against_theoretical,
    brazil,
    loss,
    net_weights,
    shown,
)
from compounding.frozen import dataclass
from compounding.problems import CannotCompute
from compounding.rules.acceptance import Rule, rule, rules_in_force

THEORETICAL = "capsule-weight-theoretical"
EUROPE = "mass-uniformity-2.9.5"
EUROPE_CONTENT = "content-uniformity-2.9.6-B"
BRAZIL = "capsule-weight-brazil"
GERMANY = "capsule-fill-germany"


@dataclass(frozen=True)
class Filling:
    """The German check: the fills around their mean, and the mass that was lost while filling.

    Args:
        fills: compared with their mean.
        loss: of mass; None where it is not known, and the fills fail already.
        verdict: ``pass`` or ``fail``.
        reasons: why not, one sentence each.
    """

    fills: MassUniformity
    loss: Loss | None
    verdict: Literal["pass", "fail"]
    reasons: tuple[str, ...]


Result = AgainstTheoretical | MassUniformity | Brazil | Filling


@dataclass(frozen=True)
class Judgement:
    """What one rule says of the capsules.

    Args:
        rule: the row that judged.
        verdict: ``pass`` or ``fail``; ``not_judged`` where the rule asks for other capsules than were weighed, or for more.
        reasons: why it failed or could not judge, one sentence each.
        result: the numbers; None where it could not judge.
        code: of the problem, where it could not judge.
    """

    rule: Rule
    verdict: Literal["pass", "fail", "test_20_more", "not_judged"]
    reasons: tuple[str, ...]
    result: Result | None
    code: str = ""

    @property
    def figures(self) -> dict[str, Fraction]:
        """The numbers that this rule compares with its limits, by the names that it gives them [percent]."""
        match self.result:
            case AgainstTheoretical(gross_percent=gross, net_percent=net):
                ends = {"gross least": min(gross), "gross greatest": max(gross)}
                return ends | {"net least": min(net), "net greatest": max(net)}
            case Brazil(gross=gross, least_percent=least, greatest_percent=greatest):
                return {"DPR": Fraction(gross.rsd or 0), "Qmin": least, "Qmax": greatest}
            case MassUniformity() as masses:
                return {"furthest from the mean": _furthest(masses)}
            case Filling(fills=fills, loss=lost):
                scatter = {"furthest from the mean": _furthest(fills), "RSD": Fraction(fills.masses.rsd or 0)}
                return scatter | ({"loss": lost.percent} if lost else {})
        return {}


def _furthest(masses: MassUniformity) -> Fraction:
    return max(map(abs, masses.deviations))


def judge_weights(
    gross_mg: Sequence[Fraction],
    shell_mg: Fraction,
    fill_mg: Fraction,
    *,
    on: date,
    batch_units: int | None = None,
    filled: tuple[Fraction, Fraction] | None = None,
) -> tuple[Judgement, ...]:
    """All weight rules in force on a day, on the same capsules weighed one by one.

    Net fills are gross weights less the mean shell. Ph. Eur. 2.9.5 would empty each capsule: where the
    shells scatter, its result here is the stricter one.

    Args:
        gross_mg: one weight a filled capsule [mg].
        shell_mg: mean empty shell [mg; above 0].
        fill_mg: planned fill, active and filler [mg; above 0].
        on: the day the batch was prepared.
        batch_units: capsules in the batch, when that is fewer than a rule asks for.
        filled: powder weighed in for the batch, and found again in its capsules and beside them [mass, one unit];
            None where that is not known.

    Returns:
        One judgement a rule that was in force.

    Raises:
        CannotCompute: a weight below the shell or below zero, or no shell or fill: wrong for every rule.

    Source:
        the row of each rule
    """
    if fill_mg <= 0:
        raise CannotCompute("The planned fill is not above zero. Give the fill of one capsule from the plan.")
    fills = net_weights(gross_mg, shell_mg)
    named: dict[str, Callable[[Rule], Result]] = {
        THEORETICAL: lambda row: against_theoretical(gross_mg, shell_mg, fill_mg, TheoreticalLimits(**_numbers(row))),
        EUROPE: lambda row: mass_uniformity(fills, mass_limits(row)),
        BRAZIL: lambda row: brazil(gross_mg, shell_mg, fill_mg, brazil_limits(row), batch_units=batch_units),
        GERMANY: lambda row: _filling(fills, filled, row, on),
    }
    return tuple(_judgement(row, named[row.id]) for row in rules_in_force(on) if row.id in named)


def _judgement(row: Rule, compute: Callable[[Rule], Result]) -> Judgement:
    try:
        result = compute(row)
    except CannotCompute as reason:
        return Judgement(row, "not_judged", (str(reason).rstrip("."),), None, reason.problems[0].code)
    return Judgement(row, result.verdict, result.reasons, result)


def _filling(
    fills: Sequence[Fraction], filled: tuple[Fraction, Fraction] | None, row: Rule, on: date
) -> Filling:
    """The German check; without the loss it can fail, and not pass.

    Raises:
        CannotCompute: another count of capsules, or the loss is not known and nothing else fails.
    """
    masses = mass_uniformity(fills, mass_limits(row))
    lost = judge_loss(*filled, on=on) if filled else None
    reasons = masses.reasons
    most = shown(_numbers(row)["loss_percent"])
    if lost and lost.verdict == "fail":
        reasons = (*reasons, f"loss of mass is {shown(lost.percent)} %, at most {most} % is allowed")
    if lost is None and not reasons:
        raise CannotCompute(
            f"the loss of mass while filling is not known, of which it allows {most} %: it needs the powder weighed in "
            "and the powder found again",
            code="weights.loss",
        )
    return Filling(masses, lost, "fail" if reasons else "pass", reasons)


def judge_contents_around_mean(contents: Sequence[Fraction], *, on: date) -> ContentAroundMean:
    """Ph. Eur. 2.9.6 test B with the limits in force on a day; see `content_around_mean`."""
    return content_around_mean(contents, ContentLimits(**_numbers(rule(EUROPE_CONTENT, on))))


def judge_loss(charge: Fraction, recovered: Fraction, *, on: date) -> Loss:
    """Loss of mass while filling with the German limit in force on a day; see `loss`."""
    return loss(charge, recovered, _numbers(rule(GERMANY, on))["loss_percent"])


def mass_limits(row: Rule) -> MassLimits:
    """The numbers of a row about mass around the mean, as its calculation takes them."""
    numbers = _numbers(row)
    numbers.pop("loss_percent", None)
    return MassLimits(deviation=_deviation(numbers), **numbers)


def brazil_limits(row: Rule) -> BrazilLimits:
    """The numbers of the Brazilian row, as its calculation takes them."""
    numbers = _numbers(row)
    return BrazilLimits(deviation=_deviation(numbers), **numbers)


def _deviation(numbers: dict[str, Any]) -> DeviationLimits:
    return DeviationLimits(*(numbers.pop(name) for name in ("boundary_mg", "below_percent", "from_percent")))


def _numbers(row: Rule) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    for name, limit in row.limits.items():
        match limit:
            case Decimal():
                numbers[name] = Fraction(limit)
            case list():
                numbers[name] = tuple(limit)
            case _:
                numbers[name] = limit
    return numbers
