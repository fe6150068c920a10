"""Capsule weights of a batch: every weight rule is computed, those of the formula and of the settings decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from fractions import Fraction
from typing import Literal

from compounding.calc.weights import AgainstTheoretical
from compounding.frozen import dataclass
from compounding.problems import CannotCompute, NotUnderstood, Problem, Refused
from compounding.quantities import amount, decimal_text, quantity, told
from compounding.records.batch import Batch
from compounding.records.facts import Tested, Yielded
from compounding.rules.acceptance import Rule
from compounding.rules.capsule_weights import Judgement, judge_weights
from compounding.rules.shells import weighed_anew
from compounding.work.possible import check_gross
from compounding.work.readings import Reading, milligrams
from compounding.work.ruling import WEIGHTS, check_all_judged, expected_by, least_capsules, marked, ruling
from compounding.work.testing import failing, find_test

WEIGHTS_DO_NOT_PROVE = (
    "Weights do not prove content: below 25 mg or 25 % of active in a unit only an assay of single units does."
)


@dataclass(frozen=True)
class WeightsJudged:
    """Capsule weights by every rule there is.

    Args:
        judged: what each rule says.
        deciding: the ids of the rules that decide.
        reasons: why those did not pass, one sentence each.
        alike: a doubt about the weighing itself; empty if there is none.
    """

    judged: tuple[Judgement, ...]
    deciding: frozenset[str]
    reasons: tuple[str, ...]
    alike: str

    @property
    def verdict(self) -> Literal["pass", "fail"]:
        return "fail" if self.reasons else "pass"

    @property
    def observed(self) -> str:
        """What the capsules weighed, in one line for the record."""
        return _weights_observed(self.judged)

    @property
    def lines(self) -> tuple[str, ...]:
        """What each rule says, its figures by its own names, and why one that does not decide did not pass or judge."""
        return tuple(self._line(each) for each in self.judged)

    def _line(self, each: Judgement) -> str:
        decides = each.rule.id in self.deciding
        verdict = f"{each.rule.authority}: {each.verdict.replace('_', ' ')}{marked(decides, each.rule.verified)}"
        # Of theory, the least and the greatest stand in the line of what was observed.
        figures = {} if isinstance(each.result, AgainstTheoretical) else each.figures
        said = [f"{name} {decimal_text(value, 2)} %" for name, value in figures.items()]
        return "; ".join(filter(None, (verdict, ", ".join(said), "" if decides else first_reasons(each.reasons))))


def first_reasons(reasons: Sequence[str], most: int = 2) -> str:
    """Some of many reasons in one sentence, and how many more there are."""
    more = f" and {len(reasons) - most} more" if len(reasons) > most else ""
    return "; ".join(reasons[:most]) + more


@dataclass(frozen=True)
class EmptyShell:
    """One empty shell, as capsules are judged with it.

    Args:
        mass: mean of one [mg].
        says: what it is the mean of, for the line of what was observed; empty for the planned one.
        finding: the same with every weight, for the record.
        problems: that it lies far from the planned one.
    """

    mass: Fraction
    says: str
    finding: str
    problems: tuple[Problem, ...] = ()


def planned_shell(batch: Batch) -> EmptyShell:
    """The shell of a batch as its plan has it; the batch is one of capsules."""
    assert batch.plan.capsule
    shell = batch.plan.capsule.shell
    return EmptyShell(_milligrams(shell), "", f"empty shell {shell}, as planned")


def weighed_shells(batch: Batch, shells: Sequence[Reading], reason: str | None) -> EmptyShell:
    """The shell of a batch as empty shells weigh that were weighed one by one: a lighter one makes capsules look fuller.

    Args:
        batch: the batch as it stands, one of capsules.
        shells: single weights.
        reason: why they weigh so much more or less than the planned shell, if they do.

    Raises:
        CannotCompute: too few of them.
        Refused: their mean is far from the planned shell, and nobody says why.
        NotUnderstood: a weight is no mass.

    Source:
        br-siacom-notice (20 empty shells); capsugel-bas-255 (tolerances)
    """
    capsule = batch.plan.capsule
    assert capsule
    planned = quantity(capsule.shell)
    least, tolerance, source = weighed_anew(capsule.maker, capsule.size, planned, batch.prepared)
    if len(shells) < least:
        text = (
            f"{len(shells)} empty shells were given; {least} are weighed one by one. Without them the planned shell counts, "
            f"{told(planned)}"
        )
        raise CannotCompute(text, code="weights.too-few-shells")
    masses = milligrams(shells)
    mean = sum(masses, Fraction(0)) / len(masses)
    shown = f"{decimal_text(mean, 2)} mg, the mean of {len(masses)} weighed ({told(planned)} planned)"
    problems: list[Problem] = []
    if abs(mean - amount(planned, "mg")) > amount(tolerance, "mg"):
        text = (
            f"The empty shells weigh {shown}; at most {told(tolerance, 2)} more or less are expected of size {capsule.size} of "
            f"{capsule.maker}. With another shell the weights say nothing about this plan"
        )
        if not reason:
            text += ". Check balance, size and maker; if it is so, give --reason"
            raise Refused(Problem("weights.shell", text, "--shells", source=source))
        problems.append(Problem("weights.shell", f"{text}. Recorded because: {reason}", capsule.shell, stops=False))
    singles = ", ".join(each.text for each in shells)
    because = f", because {reason}" if problems else ""
    return EmptyShell(mean, f"shell {shown}{because}", f"empty shells one by one: {singles}", tuple(problems))


def judge_capsules(
    weights: Sequence[Reading],
    shell: Fraction,
    fill: str,
    rules: Sequence[Rule],
    units: int | None,
    on: date,
    filled: tuple[str, str] | None = None,
    volume: str | None = None,
) -> WeightsJudged:
    """Capsules weighed one by one, by every weight rule; those that are named decide.

    Args:
        weights: gross weight of each filled capsule.
        shell: mean weight of one empty shell [mg].
        fill: planned fill of one capsule.
        rules: the rules that decide.
        units: capsules that must be weighed at least, if the formula says so.
        on: the day the batch was prepared.
        filled: powder weighed in, and found again, where that is known.
        volume: of the body of one shell, where that is known.

    Raises:
        CannotCompute: too few capsules, a group weighing, a weight below the empty shell; a rule that decides and
            cannot judge.
        NotUnderstood: a weight is no mass or more than a capsule can weigh, or the units are mixed.

    Source:
        unc-pharmlabs-capsules; cce-capsules for weighing them one by one
    """
    _check_singly(weights, least_capsules(rules, units))
    gross = milligrams(weights)
    check_gross(weights, shell, volume)
    powder = (_milligrams(filled[0]), _milligrams(filled[1])) if filled else None
    judged = judge_weights(gross, shell, _milligrams(fill), on=on, filled=powder)
    check_all_judged(judged, rules)
    deciding = frozenset(each.id for each in rules)
    failed = tuple(
        reason for each in judged if each.rule.id in deciding and each.verdict != "pass" for reason in each.reasons
    )
    return WeightsJudged(judged, deciding, failed, _ALIKE if len(set(gross)) == 1 else "")


_ALIKE = (
    "All weights are the same to the last digit. If one group weighing was divided by its count, it hides what this "
    "test looks for: weigh each capsule"
)


def _check_singly(weights: Sequence[Reading], least: int) -> None:
    if len(weights) >= least:
        return
    if len(weights) == 1:
        text = (
            f"One weight was given, {weights[0].text}; {least} capsules are weighed one by one. A group weighing is no test of "
            "uniformity: one capsule far too light and one far too heavy cancel out in it. Give each weight"
        )
        raise CannotCompute(text, code="weights.group")
    text = (
        f"{len(weights)} weights were given; {least} capsules are weighed one by one. Weigh {least} and give each: a group "
        "weighing, or fewer, would hide what is looked for"
    )
    raise CannotCompute(text, code="weights.too-few")


def weights_result(
    batch: Batch,
    weights: Sequence[Reading],
    shells: Sequence[Reading] = (),
    rule_sets: Sequence[str] = (),
    reason: str | None = None,
) -> tuple[Tested | None, list[Problem], WeightsJudged | None]:
    """Capsules of a batch weighed one by one, against the theoretical weight and by the other rules.

    Args:
        batch: the batch as it stands.
        weights: gross weight of each filled capsule, as read.
        shells: empty shells weighed one by one; the planned shell counts if there are none.
        rule_sets: rules that the pharmacy's settings name; they decide beside those of the formula.
        reason: why the shells weigh so much more or less than the planned one, if they do.

    Returns:
        The result, the problems, and what each rule says.
    """
    test, problems = find_test(batch, "capsule weights", "weights")
    if problems or test is None or batch.plan.capsule is None:
        return None, problems, None
    shell = weighed_shells(batch, shells, reason) if shells else planned_shell(batch)
    rules = ruling(test.rules, rule_sets, WEIGHTS, batch.prepared)
    capsule = batch.plan.capsule
    found = judge_capsules(
        weights, shell.mass, capsule.fill, rules, test.units, batch.prepared, mass_balance(batch), capsule.volume
    )
    fact = Tested(
        batch=batch.id,
        trait=test.trait,
        method=test.method,
        expected=expected_by(test, test.rules, rules),
        observed="; ".join(filter(None, (found.observed, shell.says))),
        verdict=found.verdict,
        values=tuple(each.text for each in weights),
        findings=(
            *found.reasons,
            *found.lines,
            *filter(None, [found.alike]),
            shell.finding,
            WEIGHTS_DO_NOT_PROVE,
        ),
    )
    doubts = [Problem("weights.alike", found.alike, test.trait, stops=False)] if found.alike else []
    return fact, [*failing(fact, found.reasons), *doubts, *shell.problems], found


def single_weight(batch: Batch, shells: Sequence[Reading], reason: str | None) -> Callable[[Reading], None]:
    """What the weight of one capsule of a batch must be, whatever the others are; see `check_gross`."""
    capsule = batch.plan.capsule
    if capsule is None:
        return lambda reading: None
    shell = weighed_shells(batch, shells, reason) if shells else planned_shell(batch)
    return lambda reading: check_gross([reading], shell.mass, capsule.volume)


def mass_balance(batch: Batch) -> tuple[str, str] | None:
    """The powder that was weighed in for a batch, and what its latest yield found of it; None if it did not look."""
    last = batch.yielded[-1].fact if batch.yielded else None
    if not isinstance(last, Yielded) or last.mass_in is None or last.mass_out is None:
        return None
    return last.mass_in, last.mass_out


def weights_needed(batch: Batch, rule_sets: Sequence[str]) -> int:
    """How many capsules of a batch are weighed, so that every rule that decides can judge them."""
    test = next((each for each in batch.formula.test if each.kind == "weights"), None)
    if test is None:
        return 1
    return least_capsules(ruling(test.rules, rule_sets, WEIGHTS, batch.prepared), test.units)


def shell_of(text: str) -> Fraction:
    """The mean of one empty shell as somebody gives it for weights without a batch [mg].

    Raises:
        NotUnderstood: it is no mass.
    """
    return _milligrams(text)


def _milligrams(text: str) -> Fraction:
    value = quantity(text)
    if value.dimensionality != quantity("1 mg").dimensionality:
        raise NotUnderstood(Problem("weights.unit", f"{text} is not a mass: write each weight such as 187.3 mg", text))
    return amount(value, "mg")


def _weights_observed(judged: Sequence[Judgement]) -> str:
    """What the capsules weighed, in one line for the record."""
    result = next(each.result for each in judged if isinstance(each.result, AgainstTheoretical))
    gross, net = result.gross_percent, result.net_percent
    return (
        f"n {result.gross.n}, mean {decimal_text(result.gross.mean, 1)} mg of {decimal_text(result.theoretical, 1)} mg in theory; "
        f"gross {decimal_text(min(gross), 1)} to {decimal_text(max(gross), 1)} %, "
        f"net fill {decimal_text(min(net), 1)} to {decimal_text(max(net), 1)} % of theory; "
        f"relative standard deviation {decimal_text(Fraction(result.gross.rsd or 0), 2)} %"
    )
