"""The decorator that checks what a calculation is given, and writes its working down.

A calculation documents its equation in its docstring, on an indented line. While `working` is open,
each call adds one step: that equation, the same with the numbers of this call, and the result. A test
evaluates every equation against the code, so that the working cannot say anything else than was done.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from fractions import Fraction
from typing import Any, Final, ParamSpec, TypeVar

from compounding.frozen import dataclass
from compounding.problems import CannotCompute
from compounding.quantities import amount, decimal_text, dimensions, material_of, told

P = ParamSpec("P")
R = TypeVar("R")

# The type aliases of quantities.py, and what each must measure once its material is left aside.
_DIMENSIONS: Final[dict[str, dict[str, int]]] = {
    "Mass": {"mass": 1},
    "Volume": {"volume": 1},
    "MassPerUnit": {"mass": 1, "unit": -1},
    "Concentration": {"mass": 1, "volume": -1},
    "Density": {"mass": 1, "volume": -1},
    "Count": {"unit": 1},
    "Content": {},
}
_KINDS: Final = {
    "Mass": "a mass of one material",
    "Volume": "a volume",
    "MassPerUnit": "a mass of one material in one tablet or capsule",
    "Concentration": "a mass of one material in a volume",
    "Density": "a mass of one material in a volume",
    "Count": "a number of tablets, capsules or doses",
    "Content": "a mass of one material in a mass of another",
}
_UNITS: Final = frozenset({"tablet", "capsule", "dose", "drop", "day"})


@dataclass(frozen=True)
class Step:
    """One line of working: what it gives, its equation, the equation with numbers, the result."""

    gives: str
    equation: str
    working: str
    result: str
    source: str | None = None


_steps: ContextVar[list[Step] | None] = ContextVar("steps", default=None)


@contextmanager
def working() -> Iterator[list[Step]]:
    """Collect the working of every calculation inside the block, in the order they were done."""
    steps: list[Step] = []
    token = _steps.set(steps)
    try:
        yield steps
    finally:
        _steps.reset(token)


def equation_of(calculation: Callable[..., Any]) -> str:
    """The equation on the indented line of a calculation's docstring, without line breaks."""
    found = re.search(r"\n\n    ( *\S[^\n]* = [^\n]*(?:\n {8,}\S[^\n]*)*)", inspect.cleandoc(calculation.__doc__ or ""))
    return " ".join(found[1].split()) if found else ""


def check(name: str, annotation: str, value: Any) -> None:
    """Refuse a value that does not measure what its annotation says, or that is a mass of nothing or of two things."""
    if annotation in _DIMENSIONS:
        ordinary, materials = dimensions(value)
        kind = {("unit" if key in _UNITS else key): power for key, power in ordinary.items()}
        expected = _DIMENSIONS[annotation]
        powers = [-1, 1] if annotation == "Content" else [1] if "mass" in expected else []
        of_one = sorted(materials.values()) == powers
        if kind != expected or not of_one:
            of = ", ".join(sorted(materials)).replace("_", " ")
            seen, needed = told(value) + (f" of {of}" if of else ""), _KINDS[annotation]
            raise CannotCompute(f"{name}: {seen} is not {needed}", code="calculation.dimension")


def _shown(value: Any) -> str:
    if hasattr(value, "dimensionality"):
        within = [name.replace("_", " ") for name, power in dimensions(value)[1].items() if power < 0]
        if within:
            return f"{decimal_text(amount(value, 'mg/mg'), 6)} mg {material_of(value)}/mg {within[0]}"
        magnitude, _, unit = told(value, 6).partition(" ")
        top, slash, bottom = unit.partition("/")
        return " ".join(filter(None, (magnitude, top, material_of(value)))) + slash + bottom
    return decimal_text(value, 6) if isinstance(value, Fraction) else str(value)


def measured(calculation: Callable[P, R]) -> Callable[P, R]:
    """Check the dimensions of a calculation's arguments and result, and write its working down."""
    hints = dict(calculation.__annotations__)
    names = tuple(inspect.signature(calculation).parameters)
    checked = {name: hint for name, hint in hints.items() if hint in _DIMENSIONS}

    @functools.wraps(calculation)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        given = dict(zip(names, args, strict=False)) | kwargs
        for name, value in given.items():
            if name in checked:
                check(name.replace("_", " "), checked[name], value)
        try:
            result = calculation(*args, **kwargs)
        except ZeroDivisionError:
            zero = " or ".join(name.replace("_", " ") for name, value in given.items() if not value)
            raise CannotCompute(f"{zero}: 0 was given; it must be above zero", code="calculation.zero") from None
        if "return" in checked:
            check(calculation.__name__.replace("_", " "), checked["return"], result)
        steps = _steps.get()
        if steps is not None:
            steps.append(_step(calculation, given, result))
        return result

    return call


def _step(calculation: Callable[..., Any], given: dict[str, Any], result: Any) -> Step:
    gives, equation, source = _documented(calculation)
    left, _, right = equation.partition(" = ")
    numbers = re.sub(r"[a-z_]+", lambda name: _shown(given[name[0]]) if name[0] in given else name[0], right)
    words = left.replace("_", " ")
    signs = str.maketrans({"*": "×", "_": " "})
    return Step(
        gives, equation.translate(signs), f"{words} = {numbers}".translate(signs), _shown(result), source
    )


@functools.cache
def _documented(calculation: Callable[..., Any]) -> tuple[str, str, str | None]:
    """What a calculation gives, its equation and its source, as its docstring says them."""
    doc = inspect.cleandoc(calculation.__doc__ or "")
    source = re.search(r"\nSource:\n +([^\s;,]+)", doc)
    return doc.splitlines()[0].rstrip("."), equation_of(calculation), source and source[1]
