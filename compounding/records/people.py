"""The keys of a site's people, as the facts about them add up: who signs with which key, from where to where.

What counts is the place in the journal, never a clock: a key is good from its entry to the one that ends it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from compounding.frozen import dataclass

if TYPE_CHECKING:
    from compounding.records.facts import Recorded


@dataclass(frozen=True)
class Key:
    """One key of one person.

    Args:
        person: id of the person.
        name: name as it is printed beside a signature.
        roles: what the person may do.
        public: public half [64 hexadecimal digits].
        created: sequence of the entry that introduced it.
        ended: sequence of the entry that ended it; None while it signs.
        why: ``retired``, ``revoked`` or ``replaced`` once it ended.
        since: first entry whose signature by it is in doubt, if it was revoked with that.
        unvouched: True if it was made though nobody was there who could vouch for its owner.
    """

    person: str
    name: str
    roles: tuple[str, ...]
    public: str
    created: int
    ended: int | None = None
    why: str = ""
    unvouched: bool = False
    since: int | None = None


def keys_of(recorded: Iterable[Recorded]) -> dict[str, Key]:
    """Every key there was, by its public half, in the order of the journal."""
    from compounding.records.facts import KeyCreated, KeyRetired, KeyRevoked  # whoever verifies a journal needs none

    keys: dict[str, Key] = {}
    for each in recorded:
        fact = each.fact
        if isinstance(fact, KeyCreated):
            for old in [key for key in keys.values() if key.person == fact.person and key.ended is None]:
                keys[old.public] = replace(old, ended=each.sequence, why="replaced")
            keys[fact.key] = Key(fact.person, fact.name, fact.roles, fact.key, each.sequence, unvouched=fact.unvouched)
        elif isinstance(fact, KeyRetired | KeyRevoked) and fact.key in keys:
            why, since = ("retired", None) if isinstance(fact, KeyRetired) else ("revoked", fact.since)
            keys[fact.key] = replace(keys[fact.key], ended=each.sequence, why=why, since=since)
    return keys


def active_key(keys: dict[str, Key], person: str) -> Key | None:
    """The key that a person signs with now."""
    return next((key for key in keys.values() if key.person == person and key.ended is None), None)
