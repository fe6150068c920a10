"""Signatures that are in doubt: a key was in other hands since an entry, and nobody has looked at what it signed since."""

from __future__ import annotations

from collections.abc import Iterable

from compounding.records.facts import (
    DeviationAccepted,
    FormulaApproved,
    InvestigationClosed,
    KeyRevoked,
    Recorded,
    Rejected,
    Released,
    SignatureConfirmed,
    TextApproved,
    Verified,
)

_SIGNED = (
    FormulaApproved, TextApproved, DeviationAccepted, InvestigationClosed, Verified, Released, Rejected,
    SignatureConfirmed,
)  # fmt: skip


def doubted(recorded: Iterable[Recorded]) -> tuple[Recorded, ...]:
    """The facts about one thing whose signatures are in doubt, oldest first.

    A later confirmation settles one; a later verification takes the place of every earlier one.

    Args:
        recorded: facts about a batch, a formula or a text, oldest first, with the revocations that concern it.
    """
    signed: list[Recorded] = []
    found: dict[int, Recorded] = {}
    for each in recorded:
        if isinstance(each.fact, KeyRevoked) and each.fact.since:
            since, person = each.fact.since, each.fact.person
            found |= {old.sequence: old for old in signed if old.person == person and old.sequence >= since}
        elif isinstance(each.fact, SignatureConfirmed):
            found.pop(each.fact.entry, None)
        elif isinstance(each.fact, Verified):
            found = {at: old for at, old in found.items() if not isinstance(old.fact, Verified)}
        if isinstance(each.fact, _SIGNED):
            signed.append(each)
    return tuple(found[at] for at in sorted(found))
