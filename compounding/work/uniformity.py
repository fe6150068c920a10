"""Content uniformity of a batch: assays of single capsules or their weights, in two stages that belong together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from compounding.calc.rounding import rounded_half_up
from compounding.calc.uniformity import Uniformity
from compounding.problems import CannotCompute, Problem
from compounding.quantities import decimal_text, number
from compounding.records.batch import Batch
from compounding.records.facts import Recorded, Tested
from compounding.records.formula import Test
from compounding.work.contents import Judged, contents_of, judge_contents, judge_weight_variation
from compounding.work.possible import check_gross, check_share, check_together
from compounding.work.readings import Reading, Row, read
from compounding.work.ruling import CONTENTS, USP_CONTENT, expected_by, ruling
from compounding.work.testing import failing, find_test, percent_of_label, waiting


def content_result(
    batch: Batch,
    readings: Sequence[Reading],
    *,
    rule_sets: Sequence[str] = (),
    confidence: Fraction = Fraction(9, 10),
    method: str | None = None,
    laboratory: str | None = None,
    by_weight: bool = False,
) -> tuple[Tested | None, list[Problem], Judged | None]:
    """Contents of single units of a batch. Twenty join the ten of a stage 1 that asked for them, and replace nothing.

    Args:
        batch: the batch as it stands.
        readings: what was found in each unit, in percent of label or as a mass.
        rule_sets: rules that the pharmacy's settings name.
        confidence: for the promise of ASTM E2810 [1].
        method: how it was found, if not as the formula says.
        laboratory: who found it.
        by_weight: whether the readings are net weights, that stand for contents by the assay of the batch.

    Raises:
        CannotCompute: not 10 (or 30) units, or not 20 where stage 1 asked for them.
        NotUnderstood: a value that is no content of a capsule of this batch.
        Refused: weights where they cannot stand for contents.

    Source:
        usp-905-table-2; usp-905-faq; usp-905-weight-variation
    """
    test, problems = find_test(batch, "content uniformity", "content")
    if problems or test is None:
        return None, problems, None
    first = waiting(batch, test.trait)
    _check_count(len(readings), first)
    earlier = first.fact.values if first and isinstance(first.fact, Tested) else ()
    named = test.rules or (USP_CONTENT,)
    rules = ruling(named, rule_sets, CONTENTS, batch.prepared)
    asked = {
        "target": number(test.target) if test.target else Fraction(100),
        "confidence": confidence,
        "on": batch.prepared,
        "rules": rules,
    }
    if by_weight:
        judged, wrong = _by_weight(batch, test, (*_read_again(earlier), *readings), first, asked)
    else:
        judged, wrong = _by_assay(batch, test, earlier, readings, first, asked)
    if judged is None:
        return None, wrong, None
    way = f"{judged.method.lower()}: net weights, and the assay of {_assay_text(judged)}" if judged.weighed else test.method
    fact = Tested(
        batch=batch.id,
        trait=test.trait,
        method=method or way,
        expected=expected_by(test, named, rules),
        observed=_observed(judged.usp),
        verdict=judged.verdict,
        values=tuple(each.text for each in readings),
        findings=judged.findings,
        laboratory=laboratory,
        stage=judged.usp.stage,
        joins=first.sequence if first else None,
        by_weight=_assay_text(judged) if judged.weighed else None,
    )
    doubts = [Problem("uniformity.alike", judged.alike, fact.trait, stops=False)] if judged.alike else []
    return fact, _told(fact, judged) + doubts, judged


def _assay_text(judged: Judged) -> str:
    return f"{decimal_text(judged.weighed.assay)} %" if judged.weighed else ""


def _by_assay(
    batch: Batch,
    test: Test,
    earlier: Sequence[str],
    readings: Sequence[Reading],
    first: Recorded | None,
    asked: dict[str, Any],
) -> tuple[Judged | None, list[Problem]]:
    if wrong := _check_one_way(first, by_weight=False):
        return None, wrong
    found = contents_of(readings, batch.plan.strength)
    for share in found:
        check_share(batch, test, share)
    check_together(batch, test, found)
    before = contents_of(_read_again(earlier), batch.plan.strength)
    return judge_contents((*before, *found), **asked), []


def _by_weight(
    batch: Batch, test: Test, readings: Sequence[Reading], first: Recorded | None, asked: dict[str, Any]
) -> tuple[Judged | None, list[Problem]]:
    """Net weights as contents: where there is enough active, the formula lets them, and the batch has its assay."""
    capsule = batch.plan.capsule
    if capsule is None:
        text = f"{batch.id} has no capsules: contents of single units are not weighed"
        return None, [Problem("uniformity.by-weight", text, test.trait)]
    if wrong := _check_one_way(first, by_weight=True):
        return None, wrong
    check_gross(readings, Fraction(0), capsule.volume)
    kinds = {each.trait: each.kind for each in batch.formula.test}
    results = [each.fact for each in batch.standing if isinstance(each.fact, Tested)]
    assays = [each.values[0] for each in results if kinds[each.trait] == "assay"]
    shares = [percent_of_label(text, batch.plan.strength) for text in assays]
    # Of several, the one that lies furthest from the label: it is the strictest.
    assay = max(shares, key=lambda share: abs(share - 100), default=None)
    # Whether there is enough active is asked first: an assay more would not help.
    judged = judge_weight_variation(
        readings, assay=assay or Fraction(100), strength=batch.plan.strength, fill=capsule.fill, **asked
    )
    problems = []
    if not test.by_weight:
        text = (
            f"{batch.formula.id} asks for assays of single units. If weights may stand for them, its pharmacist writes "
            f"by_weight = true into the test {test.trait}, and approves that version"
        )
        problems.append(Problem("uniformity.by-weight", text, test.trait))
    if assay is None:
        text = f"{batch.id} has no assay that counts: weights stand for contents by it. Record the assay first"
        problems.append(Problem("uniformity.no-assay", text, batch.id))
    return (None, problems) if problems else (judged, [])


def _check_one_way(first: Recorded | None, *, by_weight: bool) -> list[Problem]:
    """Both stages are assays, or both are weights."""
    if first is None or not isinstance(first.fact, Tested) or bool(first.fact.by_weight) == by_weight:
        return []
    begun = "weights: give the 20 more with --by-weight" if first.fact.by_weight else "assays: assay 20 more"
    return [Problem("uniformity.two-ways", f"Stage 1 (entry {first.sequence}) was judged by {begun}", first.fact.trait)]


def single_content(batch: Batch, by_weight: bool) -> Callable[[Reading], None]:
    """What one content or net weight of a batch must be, whatever the others are.

    Raises:
        NotUnderstood: by what is returned; no percentage and no mass, or more than a whole capsule holds.
    """
    test, _ = find_test(batch, "content uniformity", "content")
    volume = batch.plan.capsule.volume if batch.plan.capsule else None

    def check(reading: Reading) -> None:
        if by_weight:
            check_gross([reading], Fraction(0), volume)
            return
        (share,) = contents_of([reading], batch.plan.strength)
        if test:
            check_share(batch, test, share)

    return check


def _read_again(values: Sequence[str]) -> tuple[Reading, ...]:
    """Values as they were recorded."""
    return tuple(read(Row(f"value {n}", text)) for n, text in enumerate(values, 1))


def _check_count(given: int, first: Recorded | None) -> None:
    if first and given != 20:
        text = (
            f"{given} values were given; entry {first.sequence} holds the 10 of stage 1, which asks for 20 more. Give "
            "those 20: they are judged together with the 10, which stay"
        )
        raise CannotCompute(text, code="uniformity.count")
    if not first and given not in (10, 30):
        text = (
            f"{given} values were given; content uniformity is judged on 10 capsules, or on 30 that were all measured. "
            "Give every capsule that was measured, one value each, and no other"
        )
        raise CannotCompute(text, code="uniformity.count")


def _observed(result: Uniformity) -> str:
    outside = f", {len(result.out_of_range)} outside the window" if result.out_of_range else ""
    aimed = f"; target {decimal_text(result.target)} %" if result.target != 100 else ""
    return (
        f"n {result.n}, mean {rounded_half_up(result.mean, 1)} %, standard deviation "
        f"{rounded_half_up(Fraction(result.sd), 2)} %, acceptance value {result.acceptance_value_rounded} "
        f"of at most {result.limit}{outside}{aimed}"
    )


def _told(fact: Tested, judged: Judged) -> list[Problem]:
    if fact.verdict != "test_20_more":
        return failing(fact, judged.reasons)
    text = (
        f"{fact.trait}: {fact.observed}. Stage 1 does not pass, as {'; '.join(judged.reasons)}: assay 20 more capsules. "
        "It is recorded and holds the batch"
    )
    return [Problem("uniformity.test-20-more", text, fact.trait)]
