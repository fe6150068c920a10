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
_LARGEST = 10**15


def _no_float(text: str) -> float:
    raise ValueError(text)


_decode = msgspec.json.Decoder(Written, float_hook=_no_float).decode
_encode = msgspec.json.Encoder(order="sorted").encode


def read_written(raw: bytes) -> Written | None:
    """The entry that bytes spell, in whatever spelling; None if they spell none."""
    try:
        return _decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def surely_written(raw: bytes) -> Written | None:
    """The entry, if the bytes are surely the one spelling of one; None if somebody must look closely.

    Whether every character of it can be seen is not judged here.
    """
    # A character beyond U+FFFF, which sorts otherwise, is looked at closely, and any escape but those of " and \\.
    if not (raw.isascii() or max(raw) < 0xF0):
        return None
    if b"\\" in raw and b"\\" in raw.replace(rb"\\", b"").replace(rb'\"', b""):
        return None
    written = read_written(raw)
    if written is None or (_has_more(written) and _LONG.search(raw)):
        return None
    return written if _encode(written) == raw else None


def _has_more(written: Written) -> bool:
    """Whether an entry holds more than text and small numbers, one beside the other."""
    for number in (written.schema, written.sequence, written.head.size, *(written.previous or ())):
        if not -_LARGEST < number < _LARGEST:
            return True
    for value in written.body.values():
        if type(value) is not str and not (type(value) is int and -_LARGEST < value < _LARGEST) and type(value) is not bool:
            return True
    return False
