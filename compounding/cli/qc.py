"""``compounding qc``: quality results of a batch."""

from __future__ import annotations

from typing import Any

import click

from compounding.cli.app import App, Decision
from compounding.cli.batch import batch_decision, finish
from compounding.cli.show import json_option, notice
from compounding.problems import Problem
from compounding.records.batch import Batch
from compounding.records.facts import Tested
from compounding.work.testing import WEIGHTS_DO_NOT_PROVE, assay_result, observed_result, weights_result


@click.group()
def qc() -> None:
    """Quality control: record what was seen; the limits come from the batch's formula."""


@qc.command()
@click.argument("id")
@click.argument("values", nargs=-1, required=True, metavar="WEIGHT...")
@click.option("--shell", metavar="MASS", help="Mean weight of one empty shell; default: as planned.")
@json_option
@click.pass_obj
def weights(app: App, id: str, values: tuple[str, ...], shell: str | None, as_json: bool) -> None:
    """Judge the weights of single filled capsules.

    \b
    compounding qc weights 2026-0001 "187.3 mg" "186.0 mg" ...
    """
    lines: list[str] = []

    def judge(found: Batch) -> tuple[Tested | None, list[Problem]]:
        planned = found.plan.capsule.shell if found.plan.capsule else "0 mg"
        fact, problems, lines[:] = weights_result(found, values, shell or planned)
        return fact, problems

    decision, entries = app.record(lambda: batch_decision(app, id, judge, None))
    if not as_json:
        for line in lines:
            click.echo(f"  {line}")
    _finish(decision, entries, as_json)
    if not as_json:
        notice(WEIGHTS_DO_NOT_PROVE)


@qc.command()
@click.argument("id")
@click.argument("result")
@click.option("--method", help="How it was found, if not as the formula says.")
@click.option("--laboratory", help="Who found it.")
@json_option
@click.pass_obj
def assay(app: App, id: str, result: str, method: str | None, laboratory: str | None, as_json: bool) -> None:
    """Record an assay: percent of label, or the mass in one capsule or one millilitre.

    \b
    compounding qc assay 2026-0001 "98.7 %" --laboratory "Example Laboratories"
    """
    decision, entries = app.record(
        lambda: batch_decision(app, id, lambda found: assay_result(found, result, method, laboratory), None)
    )
    _finish(decision, entries, as_json)


@qc.command()
@click.argument("id")
@click.argument("trait")
@click.argument("found")
@click.option("--pass/--fail", "passes", default=None, help="Your verdict, where only a person can tell.")
@json_option
@click.pass_obj
def observe(app: App, id: str, trait: str, found: str, passes: bool | None, as_json: bool) -> None:
    """Record what was seen or read: appearance, pH, volume.

    \b
    compounding qc observe 2026-0001 appearance "closed, clean, even powder" --pass
    compounding qc observe 2026-0002 pH 3.6
    """
    decision, entries = app.record(
        lambda: batch_decision(app, id, lambda batch: observed_result(batch, trait, found, passes), None)
    )
    _finish(decision, entries, as_json)


def _finish(decision: Decision, entries: Any, as_json: bool) -> None:
    fact = decision.facts[0][0]
    assert isinstance(fact, Tested)
    finish(decision, entries, f"{fact.trait}: {fact.verdict}; {fact.observed}. Expected: {fact.expected}.", as_json)
