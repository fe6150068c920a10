"""What every record read from outside has in common: frozen, strict, nothing extra, no numbers for quantities."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from compounding.problems import NotUnderstood, Problem
from compounding.quantities import material, number, percent, quantity

LARGEST_FILE = 256 * 1024


class Record(BaseModel):
    """A frozen record; a key that it does not know is an error, never ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


def _that_reads(read: Callable[[str], Any]) -> AfterValidator:
    """Text stays text, but one of the readers of quantities.py must understand it."""

    def checked(text: str) -> str:
        try:
            read(text)
        except NotUnderstood as refusal:
            raise PydanticCustomError("reading", "{why}", {"why": str(refusal)}) from None
        return text

    return AfterValidator(checked)


def _iso_date(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError("date", "write a date as 2027-05-21, year first", {}) from None
    return text


QuantityText = Annotated[str, _that_reads(quantity)]
NumberText = Annotated[str, _that_reads(number)]
PercentText = Annotated[str, _that_reads(percent)]
MaterialText = Annotated[str, _that_reads(material)]
DateText = Annotated[str, AfterValidator(_iso_date)]

R = TypeVar("R", bound=Record)


def read_toml(text: str, where: str) -> dict[str, Any]:
    """Parse TOML; decimals stay exact.

    Raises:
        NotUnderstood: not TOML, or larger than 256 KiB; names the line.
    """
    if len(text) > LARGEST_FILE:
        raise NotUnderstood(
            Problem("file.too-large", f"{where} is larger than 256 KiB; check that it is the file you mean", where)
        )
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise NotUnderstood(Problem("file.not-toml", f"{where} is not TOML: {error}. Mend that line.", where)) from None
    except (ValueError, ArithmeticError, RecursionError):
        text = f"{where} holds a number that is too long, or brackets within brackets. Mend it."
        raise NotUnderstood(Problem("file.not-toml", text, where)) from None


def validated(model: type[R], data: Mapping[str, Any], where: str) -> R:
    """Make a record of parsed data.

    Raises:
        NotUnderstood: one problem for each key that is missing, unknown or of the wrong kind.
    """
    try:
        return model.model_validate(_tuples(data))
    except ValidationError as error:
        details = error.errors()
        # A list whose only item is wrong is also said to be too short; the item says more.
        inside = {detail["loc"][:1] for detail in details if len(detail["loc"]) > 1}
        told_once = [each for each in details if each["type"] != "too_short" or each["loc"][:1] not in inside]
        raise NotUnderstood([_problem(detail, model, where) for detail in told_once]) from None


def _tuples(data: Any) -> Any:
    """Lists as tuples all the way down: a frozen record holds nothing that can change."""
    if isinstance(data, Mapping):
        return {key: _tuples(value) for key, value in data.items()}
    return tuple(_tuples(value) for value in data) if isinstance(data, list) else data


# What to write instead, by what Pydantic saw.
_INSTEAD = {
    "string_type": 'write it as text, in quotes, such as "1.5 mg"',
    "int_type": "write a whole number without quotes",
    "bool_type": "write true or false without quotes",
    "tuple_type": "write a list in square brackets",
    "too_short": "write at least one",
    "dict_type": "write it as a table of its own",
    "model_type": "write it as a table of its own",
}


def _problem(detail: ErrorDetails, model: type[Record], where: str) -> Problem:
    key = ".".join(str(part + 1) if isinstance(part, int) else part for part in detail["loc"]) or "the file"
    last = str(detail["loc"][-1]) if detail["loc"] else ""
    kind = detail["type"]
    if kind == "missing":
        text = f"{key} is missing: add it"
    elif kind == "extra_forbidden":
        near = difflib.get_close_matches(last, _keys(model), n=1)
        text = f"{key} is not a key of this record" + (f": did you mean {near[0]}?" if near else ": remove it")
    elif kind == "value_error":
        text = f"{key}: {detail['ctx']['error']!s}"
    elif kind == "reading":
        text = f"{key}: {detail['msg']}"
    else:
        instead = f"write {detail['ctx']['expected']}" if kind == "literal_error" else _INSTEAD.get(kind, detail["msg"])
        instead = instead.replace("Input should", "it should").replace("String should", "it should")
        text = f"{key} is {_seen(detail['input'])}: {instead}"
    return Problem("record.key", f"{where}: {text.removeprefix('the file: ')}", f"{where}: {key}")


def _seen(value: Any) -> str:
    for kind, name in ((Mapping, "a table"), (tuple, "a list"), (date, "a date")):
        if isinstance(value, kind):
            return name
    text = str(value) if isinstance(value, int | Decimal) else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _keys(model: type[Record]) -> set[str]:
    """Every key that occurs in a record or in the records inside it."""
    keys: set[str] = set()
    for name, field in model.model_fields.items():
        keys.add(field.alias or name)
        for inner in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, Record):
                keys |= _keys(inner)
    return keys
