"""Many batches at a glance: the few words of each that a list shows, read without adding up all its facts."""

from __future__ import annotations

import msgspec


class _Date(msgspec.Struct, frozen=True):
    date: str


class _Plan(msgspec.Struct, frozen=True):
    name: str
    strength: str
    made: str
    prepared: str
    beyond_use: _Date


class _Body(msgspec.Struct, frozen=True):
    batch: str
    plan: _Plan | None = None


class _Entry(msgspec.Struct, frozen=True):
    kind: str
    body: _Body


class Glance(msgspec.Struct, frozen=True):
    """One batch in a list; ``state`` is ``open``, ``released`` or ``rejected``."""

    id: str
    name: str
    strength: str
    made: str
    prepared: str
    use_by: str
    state: str


_READ = msgspec.json.Decoder(_Entry)


def ended_as(raw: bytes) -> tuple[str, str]:
    """Batch and state, from the bytes of the entry that ended it."""
    entry = _READ.decode(raw)
    return entry.body.batch, entry.kind


def glance(raw: bytes, ended: dict[str, str]) -> Glance:
    """A batch from the bytes of the entry that opened it, and the states of those that ended."""
    body = _READ.decode(raw).body
    plan = body.plan
    assert plan is not None
    state = ended.get(body.batch, "open")
    return Glance(body.batch, plan.name, plan.strength, plan.made, plan.prepared, plan.beyond_use.date, state)
