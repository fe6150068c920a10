"""The form of an entry's bytes, read and written by msgspec: a first look at an entry, at the speed of C.

It only ever says "surely as it must be" or "look closely": what it does not vouch for is judged by
`store.journal.entry_of` and `store.canonical`, which say why. It knows no quantities, so that a
verification starts without them.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec


class WrittenSigning(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an entry says of one signature; the parts stand in the order of their names."""

    key: str
    meaning: str
    name: str
    person: str
    shown: str


class WrittenHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The head of the log before an entry."""

    root: str
    size: int


class Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An entry as its bytes spell it; the parts stand in the order of their names."""

    body: dict[str, Any]
    clock_set_back: bool = False
    head: WrittenHead
    idempotency_key: str
    kind: str
    person: str
    previous: tuple[int, ...] | None = None
    reason: str
    schema: int
    sequence: int
    shown: tuple[str, ...] | None = None
    signing: tuple[WrittenSigning, ...] = ()
    site: str
    subjects: tuple[str, ...]
    time: str
    workstation: str


# A number of more than 15 digits (perhaps inside a text) is looked at closely.
_LONG = re.compile(rb"[:,\[]-?\d{16}")


def _no_float(text: str) -> float:
    raise ValueError(text)


_decode = msgspec.json.Decoder(Written, float_hook=_no_float).decode
_encode = msgspec.json.Encoder(order="sorted").encode


def surely_written(raw: bytes) -> Written | None:
    """The entry, if the bytes are surely the one spelling of one; None if somebody must look closely.

    Whether every character of it can be seen is not judged here.
    """
    # An escape, and a character beyond U+FFFF, which sorts otherwise, are looked at closely too.
    if b"\\" in raw or not (raw.isascii() or max(raw) < 0xF0) or _LONG.search(raw):
        return None
    try:
        written = _decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return written if _encode(written) == raw else None
