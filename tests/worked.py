"""Runs the worked examples of `tests/cases/`: a calculation, what it is given, what must come out.

A quantity is written as `302.4 mg/tablet of tablet powder`, a ratio as a decimal or as `325/360`. What comes
out is compared at the decimals that the case writes; a number that a source published wrongly must differ.
"""

from __future__ import annotations

import importlib
import tomllib
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from compounding.problems import CannotCompute
from compounding.quantities import amount, half_up, quantity

CASES = Path(__file__).parent / "cases"


def examples(subject: str) -> list[Any]:
    """Every line of working in `cases/<subject>.toml`, named by its case."""
    cases = tomllib.loads((CASES / f"{subject}.toml").read_text("utf-8"))["case"]
    return [
        pytest.param(subject, step, id=f"{case['id']}: {step['calculate'].replace('_', ' ')}")
        for case in cases
        for step in case["step"]
    ]


def value(written: str) -> Any:
    read, _, of = written.partition(" of ")
    return quantity(read, of or None) if " " in read else Fraction(read)


def show(subject: str, step: dict[str, Any]) -> None:
    """Do one step of a worked example, and compare."""
    calculation = getattr(importlib.import_module(f"compounding.calc.{subject}"), step["calculate"])
    given = {name: value(written) for name, written in step["given"].items()}
    if "refuses" in step:
        with pytest.raises(CannotCompute, match=step["refuses"]):
            calculation(**given)
        return
    result = calculation(**given)
    for key in {"gives", "published_wrong"} & step.keys():
        digits, _, unit = step[key].partition(" ")
        exact = amount(result, unit) if unit else result
        agrees = half_up(exact, len(digits.partition(".")[2])) == Fraction(digits)
        assert agrees is (key == "gives"), f"{key} {step[key]}: {exact} {unit}"
