"""A key was in other hands: which signatures are in doubt, and who may say of each that it stands."""

from __future__ import annotations

from collections.abc import Iterable

from compounding.problems import Problem
from compounding.records.batch import Batch
from compounding.records.facts import KeyRevoked, Recorded, Released, SignatureConfirmed, Verified, kind_of
from compounding.records.people import Key
from compounding.records.signatures import doubted
from compounding.settings import Person


def revoke(key: Key, since: int | None, last: int) -> tuple[KeyRevoked | None, list[Problem]]:
    """A key signs nothing more; what it signed since an entry is in doubt.

    Args:
        key: the key that ends.
        since: first entry whose signature by it is in doubt, if any is.
        last: the last entry of the journal.
    """
    if since is not None and not key.created <= since <= last:
        text = f"The key of {key.name} signed from entry {key.created} on, and the last entry is {last}: entry {since} is none of them"
        return None, [Problem("key.since", text, str(since))]
    return KeyRevoked(person=key.person, key=key.public, since=since), []


def confirm(
    about: Batch | None, recorded: Iterable[Recorded], entry: int, by: str, person: Person, reason: str | None
) -> tuple[SignatureConfirmed | None, list[Problem]]:
    """A pharmacist looked at what a doubtful signature signed, and it stands.

    What had to be signed by somebody other than the makers is confirmed by somebody other than they.

    Args:
        about: the batch that the entry is about; None for a formula.
        recorded: the facts about the same batch or formula.
        entry: the entry whose signature is in doubt.
        by: who confirms.
        person: the same.
        reason: what shows that it stands.
    """
    problems = []
    found = next((each for each in doubted(recorded) if each.sequence == entry), None)
    if found is None:
        text = f"The signature of entry {entry} is not in doubt: there is nothing to confirm"
        problems.append(Problem("signature.not-doubted", text, str(entry)))
    if "pharmacist" not in person.roles:
        text = f"{person.name} is {' and '.join(person.roles)}: a pharmacist must confirm a signature"
        problems.append(Problem("person.role", text, person.name))
    if about and found and not isinstance(found.fact, Released) and by in about.makers | _investigators(about):
        text = f"{person.name} took part in making or investigating {about.id}: another person must confirm entry {entry}"
        problems.append(Problem("signature.own-work", text, by))
    if not reason:
        problems.append(Problem("signature.reason", "Say what shows that it stands: give --reason", str(entry)))
    return (None if problems else SignatureConfirmed(entry=entry, batch=about.id if about else None)), problems


def check_signatures(batch: Batch) -> list[Problem]:
    """No signature of the batch is in doubt because its key was in other hands."""
    return [
        Problem(
            "signature.doubtful",
            f"The signature of entry {each.sequence} ({kind_of(each.fact)}) is in doubt, because its key was revoked: look at "
            f"it again with compounding person confirm {each.sequence}{', or verify again' * isinstance(each.fact, Verified)}",
            str(each.sequence),
        )
        for each in batch.doubted
    ]


def _investigators(batch: Batch) -> frozenset[str]:
    """Who opened, tested again, set aside or concluded in an investigation of the batch."""
    found = set()
    for each in batch.investigations:
        concerned = (each.opened, each.invalidated, each.was_concluded, *each.retests)
        found |= {one.person for one in concerned if one}
    return frozenset(found)
