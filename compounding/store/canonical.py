"""One value, one spelling in bytes, so that it has one digest.

JSON in the canonical form of RFC 8785, of text, whole numbers, true, false, nothing, lists and
objects only. A number with a point would pass through binary on its way, so quantities travel as
text (``"952.6 mg"``). Text is in Unicode normal form C. Characters that an eye on paper cannot see or
that turn the text around (control, zero-width, bidirectional, private, unassigned) are refused when
something is written down.

Source:
    rfc-8785; unicode-15 (general categories, normal form C)
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, NoReturn

import rfc8785

from compounding.problems import NotUnderstood, Problem

LARGEST_INTEGER = 2**53 - 1  # beyond it other readers of JSON round
DEEPEST = 32
LONGEST = 1 << 20  # bytes

# Cc control, Cf format (zero-width, bidirectional), Cs surrogate, Co private, Cn unassigned, Zl and Zp line breaks.
REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

# Canonical text that could be ours: the only other escapes of RFC 8785 are those of control characters.
_ESCAPED = re.compile(r'(?:[^\x00-\x1f\\]++|\\["\\])*+')
# The same bytes as rfc8785 at a sixth of its time, as long as code points and UTF-16 units sort alike.
_write = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False).encode
_SORTS_OTHERWISE = re.compile("[\U00010000-\U0010ffff]")


def canonical_bytes(value: dict[str, Any], where: str = "body") -> bytes:
    """The bytes of an object, after its text was normalised.

    Args:
        value: an object of text, whole numbers, booleans, None, lists and such objects.
        where: what to call it in a message.

    Raises:
        NotUnderstood: something in it has no exact or no visible form, or there is too much of it.

    Example:
        >>> canonical_bytes({"b": "1.5 mg", "a": [1, True, None]})
        b'{"a":[1,true,null],"b":"1.5 mg"}'
    """
    if not isinstance(value, dict):
        raise _not_understood("kind-of-value", where, f"an object was expected, not {type(value).__name__}")
    raw = rfc8785.dumps(_normalised(value, where, 1))
    if len(raw) > LONGEST:
        raise _not_understood("too-long", where, f"{len(raw)} bytes, at most {LONGEST} can be recorded; shorten it")
    return raw


def read_canonical(raw: bytes) -> dict[str, Any]:
    """The object that these bytes spell.

    A character that this Python's Unicode tables do not know yet is let pass: it may have been
    written by a newer one.

    Raises:
        NotUnderstood: the bytes are not the one canonical spelling of an object (a key twice, a space, another
            order, a number with a point, a hidden character).
    """
    try:
        text = raw.decode("utf-8")
        value = _read(text)
        if isinstance(value, dict) and _spelled(value, text) == text and visible(text):
            return value
    except (ValueError, RecursionError):  # not UTF-8, not JSON, a float, a surrogate, nested beyond reason
        pass
    raise NotUnderstood(Problem("canonical.bytes", "the bytes are not canonical JSON (RFC 8785)"))


def plain_text(text: str, where: str) -> str:
    """Text as it may be written down: normal form C, every character visible or a space.

    Raises:
        NotUnderstood: a character that cannot be seen on paper; the message names it and its place.
    """
    if text.isascii() and text.isprintable():
        return text
    normal = unicodedata.normalize("NFC", text)
    for place, character in enumerate(normal, start=1):
        if unicodedata.category(character) in REFUSED_CATEGORIES:
            name = unicodedata.name(character, "no name")
            raise _not_understood(
                "character",
                where,
                f"character {place} is U+{ord(character):04X} ({name}), which cannot be seen on paper."
                " Type the text again on one line without it",
            )
    return normal


def page_of(text: str) -> tuple[str, ...]:
    """A page line by line as it may be written down: normal form C, a question mark for what cannot be seen on paper."""
    lines = unicodedata.normalize("NFC", text).split("\n")
    return tuple(
        "".join("?" if unicodedata.category(each) in REFUSED_CATEGORIES else each for each in line) for line in lines
    )


def _normalised(value: object, where: str, depth: int) -> Any:
    if depth > DEEPEST:
        raise _not_understood("too-deep", where, f"nested more than {DEEPEST} levels deep")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return plain_text(value, where)
    if isinstance(value, int):
        if abs(value) > LARGEST_INTEGER:
            raise _not_understood("integer", where, "a whole number beyond 2^53 - 1; write it as text")
        return int(value)
    if isinstance(value, list):
        return [_normalised(part, f"{where}[{place}]", depth + 1) for place, part in enumerate(value)]
    if isinstance(value, dict):
        return _normalised_object(value, where, depth)
    if isinstance(value, float):
        raise _not_understood("number", where, f'{value} has no exact form; write it as text, such as "{value} mg"')
    raise _not_understood("kind-of-value", where, f"{type(value).__name__} cannot be recorded; write it as text")


def _normalised_object(value: dict[Any, Any], where: str, depth: int) -> dict[str, Any]:
    normal: dict[str, Any] = {}
    for key, part in value.items():
        if not isinstance(key, str):
            raise _not_understood("key", where, f"the key {key!r} is not text")
        name = plain_text(key, f"a key of {where}")
        if name in normal:
            raise _not_understood("key", where, f"the key {name!r} stands there twice")
        normal[name] = _normalised(part, f"{where}.{name}", depth + 1)
    return normal


def _spelled(value: dict[str, Any], text: str) -> str | None:
    """The canonical text of the value that was read from a text; None if it would need an escape we never write."""
    if not _ESCAPED.fullmatch(text):
        return None
    if _SORTS_OTHERWISE.search(text):
        return rfc8785.dumps(value).decode("utf-8")
    return _write(value)


def visible(text: str) -> bool:
    """True if every character can be seen on paper or is a space, and the text is in its normal form."""
    if text.isascii() and text.isprintable():
        return True
    categories = set(map(unicodedata.category, set(text)))
    if "Cn" in categories:  # the tables here are older than the text: they cannot judge its normal form
        return not categories & (REFUSED_CATEGORIES - {"Cn"})
    return not categories & REFUSED_CATEGORIES and unicodedata.is_normalized("NFC", text)


def _whole(digits: str) -> int:
    number = int(digits)
    if abs(number) > LARGEST_INTEGER:
        raise ValueError(digits)
    return number


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


_read = json.JSONDecoder(parse_float=_no_number, parse_int=_whole, parse_constant=_no_number).decode


def _not_understood(code: str, where: str, text: str) -> NotUnderstood:
    return NotUnderstood(Problem(f"canonical.{code}", f"{where}: {text}.", where=where))
