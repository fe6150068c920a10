"""``compounding qc``: quality results of a batch, and of values alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import click

from compounding.calc.around_mean import ContentAroundMean
from compounding.cli.app import App, Decision, fail_if_stopped
from compounding.cli.batch import batch_decision, finish
from compounding.cli.chart import baseline, chart
from compounding.cli.ids import BATCH, meant
from compounding.cli.ordering import day as day_of
from compounding.cli.results import attachment, files_option, given_files, kept, results, sampling
from compounding.cli.show import emit, json_option, notice, say
from compounding.cli.values import DIALECT, Asked, Entered, entered, from_file, value_options
from compounding.problems import NotUnderstood, Problem, stopping
from compounding.quantities import decimal_text, number, percent
from compounding.records.batch import Batch
from compounding.records.facts import Tested
from compounding.records.record import replaced
from compounding.rules.capsule_weights import EUROPE_CONTENT
from compounding.work.contents import Judged, contents_of, judge_contents, judge_weight_variation, said
from compounding.work.possible import check_gross
from compounding.work.readings import Reading, milligrams
from compounding.work.ruling import CONTENTS, USP_CONTENT, ruling
from compounding.work.same_values import check_copied
from compounding.work.testing import assay_result, check_tester, observed_result, waiting, when_found
from compounding.work.uniformity import content_result, single_content
from compounding.work.weights import (
    WEIGHTS_DO_NOT_PROVE,
    WeightsJudged,
    judge_capsules,
    shell_of,
    single_weight,
    weights_needed,
    weights_result,
)

date_option = click.option("--date", "day", metavar="DATE", help="Day the result was found; default: today.")
confidence_option = click.option(
    "--confidence",
    default="90 %",
    show_default=True,
    metavar="SHARE",
    help="For the share of samples that would pass (ASTM E2810).",
)

Result = tuple[Tested | None, list[Problem]]


class _Quality(click.Group):
    """The commands of quality control; those of investigations are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), "investigate"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "investigate":
            from compounding.cli.investigate import investigate

            return investigate
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Quality)
def qc() -> None:
    """Quality control: record what was seen; the limits come from the batch's formula."""


for _command in (results, attachment, sampling, chart, baseline):
    qc.add_command(_command)


@qc.command()
@click.argument("words", nargs=-1, metavar="[BATCH] [WEIGHT]...")
@click.option("--shell", metavar="MASS", help="Mean weight of one empty shell; judges weights without a batch.")
@click.option(
    "--shells",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="File with empty shells weighed one by one, one a line; without it the planned shell of the batch counts.",
)
@click.option("--reason", help="Why these shells weigh so much more or less than the planned one.")
@click.option("--fill", metavar="MASS", help="Planned fill of one capsule; judges weights without a batch.")
@click.option("--charge", metavar="MASS", help="Powder weighed in, for the loss of mass; without a batch.")
@click.option(
    "--recovered", metavar="MASS", help="Powder found again in the capsules and beside them; without a batch."
)
@click.option("--rule", "rules", multiple=True, metavar="NAME", help="Rule that decides without a batch; repeat it.")
@value_options
@date_option
@json_option
@click.pass_obj
def weights(
    app: App,
    /,
    words: tuple[str, ...],
    shell: str | None,
    shells: Path | None,
    reason: str | None,
    fill: str | None,
    charge: str | None,
    recovered: str | None,
    rules: tuple[str, ...],
    day: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Judge the weights of single filled capsules.

    Weights are arguments, a column of a file, or lines: of a pipe with -, or typed one by one if none are given.

    \b
    compounding qc weights 2026-0001 "187.3 mg" "186.0 mg" ...
    compounding qc weights 2026-0001 --file weights.csv --column gross --unit mg
    compounding qc weights --fill "150 mg" --shell "48 mg" "198.4 mg" "197.1 mg" ...
    """
    weighed = from_file(shells, dict.fromkeys(DIALECT), given["unit"]) if shells else None
    if fill is not None:
        _weights_alone(app, words, _shell(shell, weighed), fill, _filled(charge, recovered), rules, given, as_json)
        return
    _check_of_a_batch({"--rule": rules, "--charge": charge, "--recovered": recovered}, shell)
    id, values = _batch_and(app, words)
    sets = app.settings.rule_sets
    single = weighed.readings if weighed else ()

    def asked() -> Asked:
        batch = app.batch(id)
        return Asked(weights_needed(batch, sets), single_weight(batch, single, reason))

    taken = entered(values, given, asked)
    found: list[WeightsJudged] = []

    def judge(batch: Batch) -> Result:
        fact, problems, judged = weights_result(batch, taken.readings, single, sets, reason)
        found[:] = [judged] if judged else []
        if fact and weighed:
            fact = replaced(fact, findings=(*fact.findings, f"empty shells: {weighed.how}"))
        return _with_origin(fact, taken), problems

    decision, entries = _record(app, id, day, judge, reason=reason)
    if not as_json:
        for line in found[0].lines:
            say(f"  {line}")
    _finish(decision, entries, as_json, **_rules_as_data(found[0]))
    if not as_json:
        notice(WEIGHTS_DO_NOT_PROVE)


def _batch_and(app: App, words: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    if not words:
        raise click.UsageError("Missing argument 'BATCH'.")
    if " " in words[0]:  # no id has a space
        text = f"{words[0]!r} is no batch: name the batch before its weights, or give --fill and --shell without one"
        raise NotUnderstood(Problem("weights.batch", text, words[0]))
    return meant(app, words[0], ("batch",)), words[1:]


def _check_of_a_batch(alone: dict[str, Any], shell: str | None) -> None:
    """Of a batch, its formula, plan and yield say what options say of weights alone."""
    if said := next((name for name, value in alone.items() if value), None):
        text = (
            f"{said} is for weights without a batch: of a batch, formula and yield say it. Leave it out, or give --fill"
        )
        raise NotUnderstood(Problem("weights.options", text, said))
    if shell is not None:
        text = (
            "--shell is for weights without a batch: of a batch, the planned shell counts. If its shells weigh otherwise, "
            "weigh 20 empty ones one by one and give --shells FILE"
        )
        raise NotUnderstood(Problem("weights.options", text, "--shell"))


def _shell(mean: str | None, weighed: Entered | None) -> Fraction:
    """One empty shell [mg], for weights without a batch: its mean as it is said, or of single ones."""
    if mean is not None and weighed is None:
        return shell_of(mean)
    if mean is None and weighed is not None:
        masses = milligrams(weighed.readings)
        return sum(masses, Fraction(0)) / len(masses)
    text = "Weights without a batch need one empty shell: give its mean with --shell, or single ones with --shells FILE"
    raise NotUnderstood(Problem("weights.options", text))


def _check_shell(shell: Fraction, reading: Reading) -> None:
    check_gross([reading], shell)


def _filled(charge: str | None, recovered: str | None) -> tuple[str, str] | None:
    if charge and recovered:
        return charge, recovered
    if charge or recovered:
        text = "The loss of mass needs both: the powder weighed in (--charge) and what was found again (--recovered)"
        raise NotUnderstood(Problem("weights.options", text))
    return None


def _weights_alone(
    app: App,
    words: tuple[str, ...],
    shell: Fraction,
    fill: str,
    filled: tuple[str, str] | None,
    names: tuple[str, ...],
    given: dict[str, Any],
    as_json: bool,
) -> None:
    from compounding.rules.capsule_weights import THEORETICAL
    from compounding.work.ruling import WEIGHTS, least_capsules, ruling

    sets = app.settings.rule_sets if app.has_settings else ()
    unknown = next((name for name in names if name not in WEIGHTS), None)
    if unknown:
        text = f"{unknown} is no rule of capsule weights: there are {', '.join(WEIGHTS)}"
        raise NotUnderstood(Problem("weights.rule", text, unknown))
    deciding = ruling(names or (THEORETICAL,), sets, WEIGHTS, app.today())
    check = partial(_check_shell, shell)
    taken = entered(words, given, lambda: Asked(least_capsules(deciding, None), check))
    found = judge_capsules(taken.readings, shell, fill, deciding, None, app.today(), filled)
    problems = []
    if found.reasons:
        more = f" and {len(found.reasons) - 3} more" if len(found.reasons) > 3 else ""
        problems.append(Problem("weights.fail", f"The weights fail: {'; '.join(found.reasons[:3])}{more}"))
    if found.alike:
        problems.append(Problem("weights.alike", found.alike, stops=False))
    if as_json:
        told_all = {"problems": [vars(each) for each in problems]}
        emit(
            {
                "n": len(taken.readings),
                "verdict": found.verdict,
                "observed": found.observed,
                **_rules_as_data(found),
                **told_all,
            }
        )
    else:
        for line in found.lines:
            say(f"  {line}")
        say(f"Capsule weights: {found.verdict}; {found.observed}.")
    _say(problems, as_json)


def _rules_as_data(found: WeightsJudged) -> dict[str, Any]:
    return {
        "rules": [
            {
                "rule": each.rule.id,
                "authority": each.rule.authority,
                "decides": each.rule.id in found.deciding,
                "verdict": each.verdict,
                **{
                    f"{name.lower().replace(' ', '_')}_percent": decimal_text(value, 4)
                    for name, value in each.figures.items()
                },
                "reasons": list(each.reasons),
                "source": each.rule.source,
                "verified": each.rule.verified,
            }
            for each in found.judged
        ]
    }


@qc.command()
@click.argument("values", nargs=-1, metavar="[VALUE]...")
@click.option(
    "--target", default="100", show_default=True, metavar="PERCENT", help="T: content at manufacture, in % of label."
)
@click.option("--strength", metavar="MASS", help="Strength on the label, for values that are masses.")
@click.option("--assay", metavar="SHARE", help="Assay of the batch: judges net weights (weight variation).")
@click.option("--fill", metavar="MASS", help="What a capsule holds, for weight variation.")
@click.option(
    "--units",
    type=click.Choice(["10", "30"]),
    default="10",
    show_default=True,
    help="How many values are asked for, if none are given.",
)
@confidence_option
@value_options
@json_option
@click.pass_obj
def uniformity(
    app: App,
    /,
    values: tuple[str, ...],
    target: str,
    strength: str | None,
    assay: str | None,
    fill: str | None,
    units: str,
    confidence: str,
    as_json: bool,
    **given: Any,
) -> None:
    """Judge the contents of 10 or 30 single units (USP <905>, Ph. Eur. 2.9.40), without a batch.

    Values are percent of label, or masses with --strength; arguments, a column of a file, or lines: of a pipe with -,
    or typed one by one if none are given. With --assay, --fill and --strength they are net weights.

    \b
    compounding qc uniformity 99.1 100.4 101.2 98.7 100.9 99.6 100.2 101.0 98.9 100.0
    compounding qc uniformity --file contents.csv --column found --unit mg --strength "1.5 mg"
    """
    bare = "%" if strength is None and assay is None else None
    readings = entered(values, given, lambda: Asked(int(units)), unit=bare).readings
    share = number(target.removesuffix("%").rstrip(" "))
    sure, today = percent(confidence), app.today()
    sets = app.settings.rule_sets if app.has_settings else ()
    rules = ruling((USP_CONTENT,), sets, CONTENTS, today)
    if assay is None and fill is None:
        judged = judge_contents(contents_of(readings, strength), target=share, confidence=sure, on=today, rules=rules)
    elif assay is None or fill is None or strength is None:
        text = "Weight variation needs --assay, --fill and --strength together; content uniformity needs no --fill"
        raise NotUnderstood(Problem("uniformity.options", text))
    else:
        found = 100 * percent(assay)
        judged = judge_weight_variation(
            readings, assay=found, strength=strength, fill=fill, target=share, confidence=sure, on=today, rules=rules
        )
    problems = _problems_of(judged)
    if as_json:
        emit(_judged_as_data(judged) | {"problems": [vars(each) for each in problems]})
    else:
        for line in judged.lines:
            say(f"  {line}")
        say(f"{judged.method}, stage {judged.usp.stage}: {said(judged.verdict)}")
    _say(problems, as_json)


def _problems_of(judged: Judged) -> list[Problem]:
    doubts = [Problem("uniformity.alike", judged.alike, stops=False)] if judged.alike else []
    why = "; ".join(judged.reasons)
    if judged.verdict == "pass":
        return doubts
    if judged.verdict == "test_20_more":
        text = f"The 10 units have not passed yet, as {why}. Test 20 more, and judge all 30 together"
        return [Problem("uniformity.test-20-more", text), *doubts]
    return [Problem("uniformity.fail", f"The {judged.usp.n} units fail, as {why}"), *doubts]


def _judged_as_data(judged: Judged) -> dict[str, Any]:
    usp = judged.usp
    window = [decimal_text(edge) for edge in usp.window] if usp.window else None
    return {
        "method": judged.method.lower(),
        "n": usp.n,
        "mean_percent": decimal_text(usp.mean),
        "sd_percent": str(usp.sd),
        "rsd_percent": None if usp.rsd is None else str(usp.rsd),
        "target_percent": decimal_text(usp.target),
        "case": usp.case,
        "reference_value_percent": decimal_text(usp.reference_value),
        "acceptability_constant": float(usp.acceptability_constant),
        "acceptance_value": float(usp.acceptance_value),
        "acceptance_value_rounded": float(usp.acceptance_value_rounded),
        "limit": float(usp.limit),
        "stage": usp.stage,
        "window_percent": window,
        "out_of_range": [
            {"unit": each.index + 1, "value_percent": decimal_text(each.value)} for each in usp.out_of_range
        ],
        "verdict": judged.verdict,
        "usp_verdict": usp.verdict,
        "others": [_europe_as_data(judged, judged.europe)] if judged.europe else [],
        "confidence_percent": decimal_text(100 * judged.confidence),
        "would_pass_at_least_percent": None if judged.promise is None else decimal_text(judged.promise),
        "working": list(judged.lines),
    }


def _europe_as_data(judged: Judged, europe: ContentAroundMean) -> dict[str, Any]:
    return {
        "rule": EUROPE_CONTENT,
        "decides": EUROPE_CONTENT in judged.deciding,
        "verdict": europe.verdict,
        "reasons": list(europe.reasons),
    }


@qc.command()
@click.argument("id", type=BATCH)
@click.argument("values", nargs=-1, metavar="[VALUE]...")
@click.option("--method", help="How it was found, if not as the formula says.")
@click.option("--laboratory", help="Who found it.")
@files_option("--certificate")
@click.option("--by-weight", is_flag=True, help="Values are net weights; the assay of the batch makes them contents.")
@confidence_option
@value_options
@date_option
@json_option
@click.pass_obj
def content(
    app: App,
    /,
    id: str,
    values: tuple[str, ...],
    method: str | None,
    laboratory: str | None,
    certificates: tuple[Path, ...],
    by_weight: bool,
    confidence: str,
    day: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Record the contents of single capsules of a batch: 10, and 20 more where those ask for it.

    Values are percent of label (98.7 %) or the mass found in each (1.48 mg). The 20 are judged together with the 10.
    Where a capsule holds enough active, and the formula says so, net weights may stand for assays: --by-weight.

    \b
    compounding qc content 2026-0001 --file contents.csv --column found --unit mg --laboratory "Example Laboratories"
    """
    sure, sets = percent(confidence), app.settings.rule_sets

    def asked() -> Asked:
        batch = app.batch(id)
        return Asked(20 if waiting(batch, "content uniformity") else 10, single_content(batch, by_weight))

    taken = entered(values, given, asked)
    found: list[Judged] = []

    def judge(batch: Batch) -> Result:
        fact, problems, judged = content_result(
            batch,
            taken.readings,
            rule_sets=sets,
            confidence=sure,
            method=method,
            laboratory=laboratory,
            by_weight=by_weight,
        )
        found[:] = [judged] if judged else []
        return _with_origin(fact, taken), problems

    decision, entries = _record(app, id, day, judge, certificates)
    if not as_json:
        for line in found[0].lines:
            say(f"  {line}")
    _finish(decision, entries, as_json, uniformity=_judged_as_data(found[0]))


@qc.command()
@click.argument("id", type=BATCH)
@click.argument("result")
@click.option("--method", help="How it was found, if not as the formula says.")
@click.option("--laboratory", help="Who found it.")
@files_option("--file", "--certificate")
@date_option
@json_option
@click.pass_obj
def assay(
    app: App,
    /,
    id: str,
    result: str,
    method: str | None,
    laboratory: str | None,
    certificates: tuple[Path, ...],
    day: str | None,
    as_json: bool,
) -> None:
    """Record an assay: percent of label, or the mass in one capsule or one millilitre.

    \b
    compounding qc assay 2026-0001 "98.7 %" --laboratory "Example Laboratories" --file certificate.pdf
    """
    decision, entries = _record(
        app, id, day, lambda found: assay_result(found, result, method, laboratory), certificates
    )
    _finish(decision, entries, as_json)


@qc.command()
@click.argument("id", type=BATCH)
@click.argument("trait")
@click.argument("found")
@click.option("--pass/--fail", "passes", default=None, help="Your verdict, where only a person can tell.")
@click.option("--method", help="How it was found, if not as the formula says.")
@click.option("--laboratory", help="Who found it.")
@files_option("--file", "--certificate")
@date_option
@json_option
@click.pass_obj
def observe(
    app: App,
    /,
    id: str,
    trait: str,
    found: str,
    passes: bool | None,
    method: str | None,
    laboratory: str | None,
    certificates: tuple[Path, ...],
    day: str | None,
    as_json: bool,
) -> None:
    """Record what was seen, read or counted: appearance, pH, volume, water activity, colonies, preservative.

    \b
    compounding qc observe 2026-0001 appearance "closed, clean, even powder" --pass
    compounding qc observe 2026-0002 pH 3.6
    compounding qc observe 2026-0002 "total aerobic count" "<10 CFU/mL" --file certificate.pdf
    """
    decision, entries = _record(
        app, id, day, lambda batch: observed_result(batch, trait, found, passes, method, laboratory), certificates
    )
    _finish(decision, entries, as_json)


def _record(
    app: App,
    id: str,
    day: str | None,
    judge: Callable[[Batch], Result],
    certificates: Sequence[Path] = (),
    reason: str | None = None,
) -> tuple[Decision, Any]:
    """Judge a result of a batch, see that its day can be, keep the files that prove it, and write it down."""
    found_on, today = day_of(app, day) if day else None, app.today()
    files = given_files(certificates)
    attached = tuple(file for file, _ in files)

    def dated(batch: Batch) -> Result:
        fact, problems = when_found(batch, judge(batch), found_on, today, app.day_of)
        if fact is None:
            return None, problems
        doubts = check_tester(batch, app.person_id, app.person.name) + check_copied(batch, fact)
        return replaced(fact, attachments=attached), problems + doubts

    return app.record(lambda: kept(app, batch_decision(app, id, dated, reason), files))


def _with_origin(fact: Tested | None, taken: Entered) -> Tested | None:
    if fact is None:
        return None
    return replaced(fact, entered=taken.how, findings=(*fact.findings, *taken.withdrawn))


def _finish(decision: Decision, entries: Any, as_json: bool, **data: Any) -> None:
    fact = decision.facts[0][0]
    assert isinstance(fact, Tested)
    says = f"{fact.trait}: {said(fact.verdict)}; {fact.observed}. Expected: {fact.expected}."
    finish(decision, entries, says, as_json, **data)


def _say(problems: list[Problem], as_json: bool) -> None:
    """Tell every problem, and end with exit code 1 if one of them stops."""
    if not as_json:
        for problem in problems:
            if not problem.stops:
                notice(f"{problem.text} [{problem.code}]")
        fail_if_stopped(problems)
        return
    for problem in problems:
        notice(f"{problem.text} [{problem.code}]")
    raise click.exceptions.Exit(1 if stopping(problems) else 0)
