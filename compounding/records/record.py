"""What every record has in common: frozen, strict, nothing extra, quantities as text that the grammar reads.

The home of msgspec, with the records beside it: it starts in a twentieth of pydantic's time (docs/decisions/0003-records.md).
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, ClassVar, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta as Meta  # for records that live elsewhere, such as the settings

from compounding.problems import NotUnderstood, Problem
from compounding.quantities import material, number, percent, quantity
from compounding.texts import plain_text

LARGEST_FILE = 256 * 1024
LONGEST_TEXT = 2000  # characters: some thirty lines of a worksheet
LONGEST_NAME = 100  # characters: what a line of a worksheet holds of a name


def _date(text: str) -> None:
    try:
        if date.fromisoformat(text).isoformat() == text:
            return
    except ValueError:
        pass
    raise NotUnderstood(Problem("date.not-understood", f"{text!r} is not a date: write 2027-05-21, year first"))


QuantityText = str
NumberText = str
PercentText = str
MaterialText = str
DateText = str
NameText = Annotated[str, Meta(max_length=LONGEST_NAME)]
# What the text of a field must be, by the name of its annotation.
_READERS: dict[str, Callable[[str], object]] = {
    "QuantityText": quantity,
    "NumberText": number,
    "PercentText": percent,
    "MaterialText": material,
    "DateText": _date,
}


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A frozen record; a key that it does not know is an error, never ignored.

    Fields annotated with one of the five kinds of text are checked by their grammar when a record is made.
    """

    _checked: ClassVar[tuple[tuple[str, Callable[[str], object]], ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        found = [
            (field, reader)
            for field, annotation in cls.__dict__.get("__annotations__", {}).items()  # noqa: RUF063
            for name, reader in _READERS.items()
            if name in str(annotation)
        ]
        cls._checked = (*cls._checked, *found)

    def __post_init__(self) -> None:
        for field, reader in self._checked:
            value = getattr(self, field)
            for text in _texts(value):
                try:
                    reader(text)
                except NotUnderstood as refusal:
                    raise ValueError(f"{field}: {refusal}") from None


def _texts(value: Any) -> Iterable[str]:
    """The texts of a field: it, each of several, or each value of a table."""
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, tuple):
        return value
    return () if value is None else (value,)


def named(name: str, **options: Any) -> Any:
    """A field whose key in the file is a word that Python keeps for itself."""
    return msgspec.field(name=name, **options)


def empty_table() -> Any:
    """A table that need not be in the file; without it, nothing is in it."""
    return msgspec.field(default_factory=dict)


R = TypeVar("R", bound=msgspec.Struct)


def read_toml(text: str, where: str) -> dict[str, Any]:
    """Parse TOML; decimals stay exact.

    Raises:
        NotUnderstood: not TOML, or larger than 256 KiB; names the line. A text in it is endless or holds a character that
            cannot be seen on paper; names the key.
    """
    if len(text) > LARGEST_FILE:
        raise NotUnderstood(
            Problem("file.too-large", f"{where} is larger than 256 KiB; check that it is the file you mean", where)
        )
    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise NotUnderstood(Problem("file.not-toml", f"{where} is not TOML: {error}. Mend that line.", where)) from None
    except (ValueError, ArithmeticError, RecursionError):
        text = f"{where} holds a number that is too long, or brackets within brackets. Mend it."
        raise NotUnderstood(Problem("file.not-toml", text, where)) from None
    _check_texts(data, where, "")
    return data


def _check_texts(value: Any, where: str, key: str) -> None:
    """Every text of a file, names of keys too: none endless, none with a character that cannot be seen on paper."""
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            text = f"{where}: {key} has {len(value):,} characters, at most {LONGEST_TEXT:,} are read: shorten it"
            raise NotUnderstood(Problem("file.text-too-long", text, f"{where}: {key}"))
        plain_text(value, f"{where}: {key}" if key else where)
    elif isinstance(value, dict):
        for name, each in value.items():
            _check_texts(name, where, "")
            _check_texts(each, where, f"{key}.{name}".lstrip("."))
    elif isinstance(value, list):
        for number, each in enumerate(value, 1):
            _check_texts(each, where, f"{key}.{number}")


def validated(model: type[R], data: Mapping[str, Any], where: str) -> R:
    """Make a record of parsed data.

    Raises:
        NotUnderstood: a key is missing, unknown or of the wrong kind; says which and what to write.
    """
    try:
        return msgspec.convert(data, model)
    except msgspec.ValidationError as error:
        problems = list(_keys_missing_or_unknown(model, data, where, ""))
        said = str(error)
        if "required field" not in said and "unknown field" not in said:
            problems.append(_problem(said, data, model, where))
        raise NotUnderstood(problems) from None


def as_data(record: Any) -> Any:
    """A record as dictionaries, lists and text, ready for canonical JSON; keys that hold their default are left out."""
    return msgspec.json.decode(msgspec.json.encode(record))


def json_with_digits(data: Any) -> bytes:
    """Data as JSON in which a Decimal is a number with all the digits that it was written with."""
    return msgspec.json.format(msgspec.json.Encoder(decimal_format="number").encode(data), indent=1)


def replaced(record: R, **changes: Any) -> R:
    """The same record with some fields changed."""
    return msgspec.structs.replace(record, **changes)


def _keys_missing_or_unknown(model: Any, data: Any, where: str, inside: str) -> Iterator[Problem]:
    """Every key that a record lacks or does not know, in the records inside it too."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(model)}
    for key in sorted(set(data) - set(fields)):
        near = difflib.get_close_matches(key, fields, n=1)
        advice = f"did you mean {near[0]}?" if near else "remove it"
        yield _key_problem(where, f"{inside}{key}", f"{inside}{key} is not a key of this record: {advice}")
    for key, field in fields.items():
        if key not in data and field.required:
            yield _key_problem(where, f"{inside}{key}", f"{inside}{key} is missing: add it")
        inner, value = _record_in(field.type), data.get(key)
        if inner and isinstance(value, Mapping) and _values_of(field.type):
            for name, each in value.items():
                if isinstance(each, Mapping):
                    yield from _keys_missing_or_unknown(inner, each, where, f"{inside}{key}.{name}.")
        elif inner and isinstance(value, Mapping):
            yield from _keys_missing_or_unknown(inner, value, where, f"{inside}{key}.")
        elif inner and isinstance(value, list | tuple):
            for number, each in enumerate(value, 1):
                if isinstance(each, Mapping):
                    yield from _keys_missing_or_unknown(inner, each, where, f"{inside}{key}.{number}.")


def _record_in(kind: Any) -> Any:
    """The record that a field holds, by itself or in a list."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    return next(filter(None, map(_record_in, getattr(kind, "__args__", ()))), None)


def _values_of(kind: Any) -> Any:
    """What a table holds whose names are free; None if its keys are known."""
    if get_origin(kind) is dict:
        return get_args(kind)[1]
    return next(filter(None, map(_values_of, get_args(kind))), None)


def _fits(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _key_problem(where: str, key: str, text: str) -> Problem:
    return Problem("record.key", f"{where}: {text}", f"{where}: {key}")


def _problem(message: str, data: Mapping[str, Any], model: Any, where: str) -> Problem:
    """msgspec's message as a sentence that names the key and says what to write."""
    said, _, path = message.replace(" | null", "").partition(" - at `$")
    keys, field, value, kind = _at(data, model, re.findall(r"\.\.\.|[^.\[\]`]+", path))
    own, _, sentence = said.partition(": ")
    if own in getattr(field, "__struct_fields__", ()):
        keys, said = [*keys, own], sentence
    key = ".".join(str(int(part) + 1) if part.isdigit() else part for part in keys)
    wanted = next((words for start, words in _WANTED if said.startswith(start)), None)
    if said.startswith("Invalid enum value"):
        wanted = f"write {' or '.join(map(repr, _choices(kind)))}"
    text = f"{key} is {_shown(value)}: {wanted}" if wanted else f"{key}: {said}" if key else said
    return _key_problem(where, key or "the file", text)


def _shown(value: Any) -> str:
    """A value as it stands in the file, or what kind of thing it is."""
    kinds = {list: "a list", tuple: "a list", dict: "a table", date: "a date", time: "a time", datetime: "a date"}
    text = kinds.get(type(value)) or (repr(value) if isinstance(value, str) else str(value).lower())
    return text if len(text) <= 40 else text[:37] + "..."


# How msgspec's messages begin, and the sentence for it.
_WANTED = (
    ("Expected `str`, got", 'write it as text, in quotes, such as "1.5 mg"'),
    ("Expected `str` of length <=", f"at most {LONGEST_NAME} characters; shorten it"),
    ("Expected `str` matching regex", "write letters, digits and hyphens, without spaces"),
    ("Expected `int`, got", "write a whole number without quotes"),
    ("Expected `int` >=", "write a number above zero"),
    ("Expected `int` <=", "that is too large"),
    ("Integer value out of range", "that is too large"),
    ("Expected `array`, got", "write a list in square brackets"),
    ("Expected `array` of length", "it has too few items or too many"),
    ("Expected `object`, got", "write it as a table of its own"),
    ("Expected `bool`, got", "write true or false without quotes"),
)


def _at(data: Any, kind: Any, keys: list[str]) -> tuple[list[str], Any, Any, Any]:
    """The path, the record there, the value as it was written, and the type of its field.

    Where names are free, msgspec writes ``...``: the name is that of the first value that does not fit.
    """
    path = []
    for key in keys:
        inner, values = _record_in(kind), _values_of(kind)
        if key == "...":
            key = next(name for name, each in data.items() if not _fits(each, values))
        path.append(key)
        if isinstance(data, Mapping):
            fields = {field.encode_name: field.type for field in msgspec.structs.fields(inner)} if inner else {}
            data, kind = data.get(key), values or fields.get(key, kind)
        elif key.isdigit():
            data = data[int(key)]
    return path, _record_in(kind), data, kind


def _choices(kind: Any) -> tuple[Any, ...]:
    """What a field that is one of a few words may say."""
    args = getattr(kind, "__args__", ())
    return args if args and not any(hasattr(arg, "__args__") for arg in args) else _choices(args[0]) if args else ()
