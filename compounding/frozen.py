"""Frozen dataclasses that start quickly.

The standard library writes six methods for each class and compiles them whenever a command starts: for the fifty classes
that a plan meets, that costs more than importing click. Here they are written once, for all. The fields are those of the
standard library, so that its `replace`, `fields` and `asdict` know these classes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen: bool, eq: bool = True) -> Callable[[type], type]:
        """A class whose annotated names are its fields, given once and never changed; equal where all of them are.

        Example:
            >>> @dataclass(frozen=True)
            ... class Reading:
            ...     '''What a balance showed.'''
            ...     text: str
            ...     stable: bool = True
            >>> Reading("381.0 mg")
            Reading(text='381.0 mg', stable=True)
            >>> Reading("381.0 mg") == Reading(text="381.0 mg", stable=False)
            False
        """
        assert frozen, "what may change is a dataclass of the standard library"
        methods = _METHODS | (_EQUALITY if eq else {})
        return lambda made: _frozen(made, methods)


def _frozen(made: Any, methods: dict[str, Callable[..., Any]]) -> Any:
    made = dataclasses.dataclass(init=False, repr=False, eq=False)(made)
    fields = dataclasses.fields(made)
    made._names = tuple(field.name for field in fields)
    made._shape = (
        {field.name: field.default for field in fields},
        tuple(field.name for field in fields if field.default is field.default_factory),  # neither: both are MISSING
        tuple((field.name, field.default_factory) for field in fields if field.default_factory is not MISSING),
        getattr(made, "__post_init__", None),
    )
    for name, method in methods.items():
        setattr(made, name, method)
    return made


def _init(self: Any, /, *given: Any, **named: Any) -> None:
    names, held = self._names, self.__dict__
    defaults, required, factories, check = self._shape
    held.update(defaults)
    held.update(zip(names, given))  # noqa: B905 - too many are found below
    held.update(named)
    for name, make in factories:
        if held[name] is MISSING:
            held[name] = make()
    for name in required:
        if held[name] is MISSING:
            raise TypeError(f"{type(self).__name__}: {name} was not given")
    if len(held) > len(names) or len(given) > len(names) or (named and not named.keys().isdisjoint(names[: len(given)])):
        raise TypeError(f"{type(self).__name__} takes {', '.join(names)}, each once")
    if check:
        check(self)


def _held(self: Any) -> tuple[Any, ...]:
    return tuple([self.__dict__[name] for name in self._names])


def _repr(self: Any) -> str:
    shown = ", ".join(f"{name}={self.__dict__[name]!r}" for name in self._names)
    return f"{type(self).__qualname__}({shown})"


def _eq(self: Any, other: object) -> bool:
    return _held(self) == _held(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(_held(self))


def _setattr(self: Any, name: str, value: object) -> NoReturn:
    raise FrozenInstanceError(f"{type(self).__name__}.{name} is never changed")


def _delattr(self: Any, name: str) -> NoReturn:
    raise FrozenInstanceError(f"{type(self).__name__}.{name} is never taken away")


_METHODS = {"__init__": _init, "__repr__": _repr, "__setattr__": _setattr, "__delattr__": _delattr}
_EQUALITY = {"__eq__": _eq, "__hash__": _hash}
