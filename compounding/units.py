"""The units of a pharmacy's bench in one registry of Pint, and the one home of Pint.

Nothing exists in it but this list and the materials that are added by name. Units are defined and asked for by value:
no text is ever parsed. So Pint's reader of unit files, which it imports at its start and which is half of what that
costs, is left out until somebody asks for it (docs/decisions/start-up.md).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from types import ModuleType, SimpleNamespace
from typing import Any, Final


class _Later(ModuleType):
    """A package that is executed when it is asked for a name that it does not hold."""

    def __getattr__(self, name: str) -> Any:
        self.__class__ = ModuleType  # type: ignore[assignment]
        assert self.__spec__ and self.__spec__.loader
        self.__spec__.loader.exec_module(self)
        return getattr(self, name)


def _no_version(distribution: str) -> str:
    raise LookupError(distribution)


@contextmanager
def _without_reader() -> Iterator[None]:
    """Inside the block Pint is imported, and makes a registry, without what it reads unit files with.

    After it, whoever reads one has that as ever. Pint does not learn its own version, which it would look up in the
    metadata of its distribution: it says ``unknown``, as it does where there is none. Where Pint was imported
    already, or has another shape, nothing is left out.
    """
    pint = None if "pint" in sys.modules else PathFinder.find_spec("pint")
    spec = pint and PathFinder.find_spec("pint.delegates", pint.submodule_search_locations)
    if not spec:
        yield
        return
    package, metadata = module_from_spec(spec), ModuleType("importlib.metadata")
    unused = {
        "txt_defparser": SimpleNamespace(DefParser=lambda *_, **__: None),
        "ParserConfig": lambda *_: None,
        "Formatter": lambda registry: sys.modules["pint.delegates.formatter"].Formatter(registry),
    }
    vars(package).update(unused)
    vars(metadata)["version"] = _no_version
    sys.modules[spec.name] = package
    known = sys.modules.setdefault(metadata.__name__, metadata)
    try:
        yield
    finally:
        for name in unused:
            delattr(package, name)
        package.__class__ = _Later
        if known is metadata:
            del sys.modules[metadata.__name__]


with _without_reader():
    import pint

    REGISTRY: Final[Any] = pint.UnitRegistry(None, non_int_type=Fraction, on_redefinition="raise")

from pint.facets.plain import ScaleConverter, UnitDefinition  # noqa: E402
from pint.util import UnitsContainer  # noqa: E402

Quantity = pint.Quantity
Unit = pint.Unit
DimensionalityError = pint.DimensionalityError

# Countable things are dimensions of their own: a capsule is not a tablet, and neither is a number.
COUNTED: Final = ("tablet", "capsule", "dose", "drop")
_BASE: Final = {"gram": "mass", "liter": "volume", "millimeter": "length", "day": "time"} | {each: each for each in COUNTED}
_PARTS: Final = {
    "kilogram": ("gram", Fraction(1000)),
    "milligram": ("gram", Fraction(1, 10**3)),
    "microgram": ("gram", Fraction(1, 10**6)),
    "nanogram": ("gram", Fraction(1, 10**9)),
    "milliliter": ("liter", Fraction(1, 10**3)),
}


def _define(name: str, of: str, scale: Any) -> None:  # Pint's types know floats alone
    REGISTRY.define(UnitDefinition(name, None, (), ScaleConverter(scale), UnitsContainer({of: 1})))


def define_base(name: str, dimension: str) -> None:
    """Add a unit with a dimension of its own.

    Raises:
        pint.RedefinitionError: there is such a unit already.
    """
    _define(name, f"[{dimension}]", Fraction(1))


@cache
def unit(name: str) -> Unit:
    """A unit of the registry by its full name, such as ``milligram``."""
    # The power is a whole number: Pint makes any other a float, and 1 mcg would be 999.9999999999999 ng.
    return REGISTRY.Unit(UnitsContainer({name: 1}))


for _name, _dimension in _BASE.items():
    define_base(_name, _dimension)
for _name, (_of, _scale) in _PARTS.items():
    _define(_name, _of, _scale)
