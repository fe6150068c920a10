"""What a plan shows as its working is what was computed: every equation is evaluated against its function."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import compounding.calc
from compounding.calc import measured
from compounding.calc.amounts import active_in_units, average_weight, per_capsule, tablet_powder_for
from compounding.calc.measured import Step, equation_of, working
from compounding.problems import CannotCompute
from compounding.quantities import content, count, half_up, quantity, rounded

ACTIVE, POWDER, DIHYDRATE = "naltrexone hydrochloride", "tablet powder", "naltrexone hydrochloride dihydrate"


def calculations() -> dict[str, Callable[..., Any]]:
    """Every function in `compounding.calc` that carries `measured`."""
    modules = [
        importlib.import_module(f"compounding.calc.{each.name}")
        for each in pkgutil.iter_modules(compounding.calc.__path__)
    ]
    return {
        name: function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if hasattr(function, "__wrapped__") and function.__module__ == module.__name__ and module is not measured
    }


CALCULATIONS = calculations()

# The unit and material of each argument, and the range that keeps a calculation possible: in thousandths.
ARGUMENTS: dict[str, tuple[str, str | None, int, int]] = {
    "active": ("mg", ACTIVE, 1, 10**6),
    "strength": ("mg/capsule", ACTIVE, 1, 10**5),
    "concentration": ("mg/mL", ACTIVE, 1, 10**5),
    "dose": ("mg", ACTIVE, 1, 10**5),
    "label_claim": ("mg/tablet", ACTIVE, 1, 10**5),
    "average_weight": ("mg/tablet", POWDER, 10**5, 10**6),
    "total": ("mg", POWDER, 1, 10**6),
    "weigh": ("mg", POWDER, 1, 10**6),
    "exact": ("mg", POWDER, 0, 10**6),
    "mass": ("mg", POWDER, 0, 10**6),
    "each": ("mg/capsule", POWDER, 0, 10**6),
    "source": ("mg/capsule", POWDER, 0, 10**5),
    "source_packing": ("mg/capsule", POWDER, 10**5, 10**6),
    "filler_packing": ("mg/capsule", "lactose", 10**5, 10**6),
    "made": ("mg/capsule", ACTIVE, 1, 10**5),
    "ordered": ("mg/capsule", ACTIVE, 1, 10**5),
    "units": ("capsules", None, 1, 10**6),
    "one": ("capsule", None, 1000, 1000),
    "tablets": ("tablets", None, 1, 10**6),
    "volume": ("mL", None, 1, 10**6),
    "capsule_volume": ("mL", None, 1, 1370),
    "volume_known": ("mL", None, 1, 1370),
    "volume_wanted": ("mL", None, 1, 1370),
    "filler": ("mg", "lactose", 10**5, 10**6),
    "filler_beside_diluent.diluent": ("mg", "lactose", 0, 10**5),
    "solids": ("mg", POWDER, 1, 10**6),
    "displaced_volume.density": ("g/mL", POWDER, 1, 2000),
    "packing": ("mg/capsule", "lactose", 1, 10**6),
    "tapped_density": ("g/mL", "lactose", 1, 2000),
    "readability": ("mg", None, 1, 1000),
    "overage": ("", None, 0, 250),
    "share": ("", None, 0, 1000),
    "sensitivity_requirement": ("mg", None, 1, 10**4),
    "permitted_percent": ("", None, 1, 10**5),
    "weighed": ("mg", None, 1, 10**6),
    "times": ("", None, 1, 10**7),
    "repeatability": ("mg", None, 0, 1000),
    "need": ("mg", ACTIVE, 1, 10**5),
    "drug": ("mg", ACTIVE, 10**5, 10**6),
    "multiple": ("", None, 1000, 10**5),
    "aliquot": ("mg", "trituration", 1, 10**5),
    "mixture": ("mg", "trituration", 10**5, 10**6),
    "active_in_trituration.strength": ("mg/mg", f"{ACTIVE} in trituration", 1, 1000),
    "active_in_trituration.mass": ("mg", "trituration", 1, 10**6),
    "filler_beside_source.source": ("mg", "trituration", 1, 99_999),
    "content_by_assay.strength": ("mg/mg", f"{ACTIVE} in trituration", 1, 1000),
    "content_by_assay.assay": ("", None, 900, 1100),
    "part": ("mg", "trituration", 1, 10**5),
    "taken": ("mL", None, 1, 1000),
    "drug_in_volume.volume": ("mL", None, 1000, 10**6),
    "dilution_factor": ("", None, 1000, 10**6),
    "assay": ("mg/mg", f"{ACTIVE} in bulk powder", 900, 1100),
    "certified_claim.content": ("", None, 900, 1100),
    "content": ("mg/mg", f"{ACTIVE} in {POWDER}", 1, 1200),
    "pure": ("mg/mg", f"{ACTIVE} in bulk powder", 1000, 1000),
    "weighing_factor.share": ("mg/mg", f"{ACTIVE} in bulk powder", 1, 1200),
    "content_as_ordered.share": ("mg/mg", f"{DIHYDRATE} in bulk powder", 1, 1200),
    "ordered_mole": ("g", ACTIVE, 1, 10**6),
    "assayed_mole": ("g", DIHYDRATE, 1, 10**6),
    "same_moles.mass": ("mg", ACTIVE, 0, 10**6),
    "from_mole": ("g", ACTIVE, 1, 10**6),
    "to_mole": ("g", DIHYDRATE, 1, 10**6),
    "factor": ("", None, 500, 2000),
    "left_out": ("", None, 0, 999),
    "water": ("", None, 0, 200),
    "solvents": ("", None, 0, 200),
    "component_mass.amount": ("g/mL", "lactose", 0, 2000),
    "component_volume.amount": ("mL/mL", None, 0, 1000),
}


def one_of(unit: str, of: str | None) -> Any:
    """One unit of a material; of a material ``in`` another, a content."""
    held, within, powder = (of or "").partition(" in ")
    return content(Fraction(1), held, powder) if within else quantity(f"1 {unit}", of)


def argument(calculation: str, name: str) -> st.SearchStrategy[Any]:
    unit, material, low, high = ARGUMENTS.get(f"{calculation}.{name}") or ARGUMENTS[name]
    numbers = st.integers(low, high).map(lambda thousandths: Fraction(thousandths, 1000))
    if not unit:
        return numbers
    one = one_of(unit, material)
    return numbers.map(lambda number: number * one)


def evaluated(equation: str, given_: dict[str, Any]) -> Any:
    """The right side of an equation with the arguments in place."""
    return eval(
        equation.partition(" = ")[2],
        {"__builtins__": {}},
        {"rounded": rounded, "half_up": half_up, "max": max} | given_,
    )


@pytest.mark.parametrize("name", CALCULATIONS)
@settings(max_examples=50)
@given(data=st.data())
def test_what_the_equation_says_is_what_the_calculation_does(name: str, data: st.DataObject) -> None:
    calculation = CALCULATIONS[name]
    given_ = {each: data.draw(argument(name, each), each) for each in inspect.signature(calculation).parameters}
    with working() as steps:
        result = calculation(**given_)
    assert evaluated(equation_of(calculation), given_) == result
    assert [step.equation for step in steps] == [equation_of(calculation).replace("*", "×").replace("_", " ")]
    assert not re.search(r"[a-z]_[a-z]", steps[0].working + steps[0].result)


def test_every_module_of_amounts_fills_and_solutions_is_measured() -> None:
    assert len(CALCULATIONS) >= 20
    assert {function.__module__.rpartition(".")[2] for function in CALCULATIONS.values()} >= {
        "amounts",
        "fills",
        "solutions",
    }
    assert [name for name, function in CALCULATIONS.items() if " = " not in equation_of(function)] == []


def test_a_step_shows_equation_numbers_result_and_source() -> None:
    with working() as steps:
        active_in_units(quantity("1.5 mg/capsule", ACTIVE), count(100, "capsule"), Fraction(1, 20))
    assert steps == [
        Step(
            gives="Active needed for capsules of a strength",
            equation="active = strength × units × (1 + overage)",
            working="active = 1.5 mg naltrexone hydrochloride/capsule × 100 capsules × (1 + 0.05)",
            result="157.5 mg naltrexone hydrochloride",
            source="jcu-tablets",
        )
    ]


def test_outside_a_working_nothing_is_collected() -> None:
    with working() as steps:
        pass
    per_capsule(quantity("1 g", POWDER), count(10, "capsule"))
    assert steps == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (quantity("5 mL"), "5 mL is not a mass of one material"),
        (quantity("5 mg"), "5 mg is not a mass of one material"),
        (quantity("5 mg", ACTIVE) * quantity("1 mg", POWDER) / quantity("1 mg"), "5 mg of naltrexone hydrochloride, tablet powder is not a mass of one"),
        (quantity("5 mg/capsule", ACTIVE), "5 mg/capsule of naltrexone hydrochloride is not a mass of one material"),
        (count(5, "tablet"), "5 tablets is not a mass of one material"),
    ],
    ids=["a volume", "a mass of nothing", "a mass of two", "a mass in each", "a count"],
)  # fmt: skip
def test_what_is_not_a_mass_of_one_material_is_refused(wrong: Any, says: str) -> None:
    with pytest.raises(CannotCompute, match=f"^mass: {says}"):
        per_capsule(wrong, count(100, "capsule"))


def test_a_claim_of_another_material_and_a_count_of_another_thing_are_refused() -> None:
    claim, weight = quantity("50 mg/tablet", "naloxone hydrochloride"), quantity("302.4 mg/tablet", POWDER)
    with pytest.raises(CannotCompute, match=r"^tablet powder for: .* is not a mass of one material$"):
        tablet_powder_for(quantity("75 mg", ACTIVE), claim, weight)
    with pytest.raises(CannotCompute, match=r"^active in units: .* is not a mass of one material$"):
        active_in_units(quantity("1.5 mg/capsule", ACTIVE), count(100, "tablet"), Fraction(0))
    with pytest.raises(CannotCompute, match=r"^total: 5 mL is not a mass of one material$"):
        average_weight(quantity("5 mL"), count(1, "tablet"))


@pytest.mark.parametrize("name", CALCULATIONS)
def test_zero_is_computed_with_or_refused_by_name(name: str) -> None:
    calculation = CALCULATIONS[name]
    ordinary = {
        each: Fraction(1, 10) if not unit else 10 * one_of(unit, material)
        for each in inspect.signature(calculation).parameters
        for unit, material, _, _ in [ARGUMENTS.get(f"{name}.{each}") or ARGUMENTS[each]]
    }
    for each, value in ordinary.items():
        said = refusal_of(calculation, ordinary | {each: 0 * value})
        assert re.search(r"^$|must be above zero|cannot weigh less|brings more filler|is outside 90 to 110 %", said)


def refusal_of(calculation: Callable[..., Any], given_: dict[str, Any]) -> str:
    try:
        calculation(**given_)
    except CannotCompute as refusal:
        return str(refusal)
    return ""
