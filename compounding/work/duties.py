"""Who may sign what: the rules of keys and signatures that every entry of a journal keeps, from the first to the last.

`Duties` reads the entries in order and says of each why it may not stand there. It believes no flag: it knows
only the entries before. The command line asks the same questions before it writes; this asks them of what
was written, by whatever way it came in. What may follow what is for `states` to say.

Source:
    cfr-21-11 (11.10(g), 11.50, 11.100, 11.200); usp-795 (verified by another person than who made it)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from compounding.frozen import dataclass
from compounding.records.people import Key, active_key

PHARMACIST = ("pharmacist",)
ANYONE = ("pharmacist", "technician", "qc")

# Facts that are signed, and the roles that may sign them.
SIGNED: Mapping[str, tuple[str, ...]] = {
    "formula-approved": PHARMACIST,
    "text-approved": PHARMACIST,
    "deviation-accepted": PHARMACIST,
    "investigation-closed": PHARMACIST,
    "verified": PHARMACIST,
    "released": PHARMACIST,
    "rejected": PHARMACIST,
    "signature-confirmed": PHARMACIST,
    "journal-resumed": PHARMACIST,
    "clock-confirmed": PHARMACIST,
    "key-created": ANYONE,
    "key-retired": ANYONE,
    "key-revoked": ANYONE,
}
# What a signature of a fact without a meaning of its own says.
MEANINGS: Mapping[str, str] = {
    "deviation-accepted": "I looked at this deviation and let the batch go on, for the reason given.",
    "investigation-closed": "I reviewed this investigation and its conclusion, and close it.",
    "rejected": "I reject this batch, for the reason given.",
    "signature-confirmed": "I looked at what this signature signed, and it stands, for the reason given.",
    "journal-resumed": "I know that this copy is older than what was seen, and that it goes on, for the reason given.",
    "clock-confirmed": "I looked at the clock of this workstation, and it is right.",
    "key-created": "This key is in the hands of the person whose name it bears, and I know that person.",
    "key-retired": "This key shall sign nothing more, for the reason given.",
    "key-revoked": "This key may be in other hands and shall sign nothing more, for the reason given.",
}


class SigningLike(Protocol):
    """What an entry says of one signature."""

    @property
    def person(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def key(self) -> str: ...


class EntryLike(Protocol):
    """What is read of an entry."""

    @property
    def sequence(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def time(self) -> object: ...  # in UTC; an instant, or its text
    @property
    def person(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def clock_set_back(self) -> bool: ...
    @property
    def body(self) -> Mapping[str, Any]: ...
    @property
    def subjects(self) -> Sequence[str]: ...
    @property
    def signing(self) -> Sequence[SigningLike]: ...


class DutyBroken(Exception):
    """An entry may not stand where it stands. ``code`` is a stable name, the text says why."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


@dataclass(frozen=True)
class Vouching:
    """Who must sign a new key beside the key itself: so many others who have one, and a pharmacist among them.

    Args:
        needed: how many others [0 to 2].
        others: everyone else whose key signs now.
        pharmacists: those of them who sign as pharmacists.
    """

    needed: int
    others: frozenset[str]
    pharmacists: frozenset[str]

    @property
    def short(self) -> bool:
        """There are not so many others, or no pharmacist among them: nobody can vouch as it should be."""
        return self.needed > 0 and (len(self.others) < self.needed or not self.pharmacists)

    def lack(self, signers: Iterable[str]) -> str:
        """Who has not signed, in words; empty if it is enough. Where they are too few, as many as there are sign."""
        signed = set(signers) & self.others
        if len(signed) < min(self.needed, len(self.others)):
            return f"{self.needed} of {', '.join(sorted(self.others))}"
        if self.needed and not self.short and not signed & self.pharmacists:
            return f"a pharmacist, {' or '.join(sorted(self.pharmacists))},"
        return ""


def vouching(keys: Mapping[str, Key], person: str) -> Vouching:
    """Who must sign a new key of a person.

    A new person is introduced by a pharmacist; before there was one, by nobody. Who had a key before gets another
    from two persons, one of them a pharmacist: nobody takes a colleague's place alone.
    """
    others = {key.person: key for key in keys.values() if key.ended is None and key.person != person}
    pharmacists = frozenset(id for id, key in others.items() if "pharmacist" in key.roles)
    again = any(key.person == person for key in keys.values())
    introduced = any("pharmacist" in key.roles for key in keys.values())
    return Vouching(2 if again else int(introduced), frozenset(others), pharmacists)


def ending(keys: Mapping[str, Key], person: str) -> Vouching:
    """Who must sign when a key is retired: two others, or as many as there are."""
    others = frozenset(key.person for key in keys.values() if key.ended is None and key.person != person)
    return Vouching(min(2, len(others)), others, others)


class Duties:
    """The keys that the entries so far add up to.

    ``notes`` are what is in order, and must be known all the same: each with the entry that says so.
    """

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {}
        self.notes: list[str] = []

    def take(self, entry: EntryLike) -> None:
        """The next entry.

        Raises:
            DutyBroken: it breaks a rule.
        """
        self._check_signing(entry)
        if entry.clock_set_back and entry.kind != "clock-confirmed":
            raise DutyBroken("clock", "it is dated before the entry before it, and nobody said that the clock is right")
        rule = _RULES.get(entry.kind)
        if rule:
            try:
                rule(self, entry)
            except (KeyError, TypeError, IndexError) as wrong:
                raise DutyBroken("body", f"it lacks what every {entry.kind} has ({wrong})") from None

    def _resumed(self, entry: EntryLike) -> None:
        self._note(entry, f"an older copy went on, though {entry.body['seen_entries']} entries had been seen: {entry.reason}")

    def _clock_confirmed(self, entry: EntryLike) -> None:
        self._note(entry, f"the clock was said to be right, after an entry of {entry.body['was']}: {entry.reason}")

    def _note(self, entry: EntryLike, what: str) -> None:
        self.notes.append(f"Entry {entry.sequence}: {what}")

    # ---- signatures and keys ----

    def _check_signing(self, entry: EntryLike) -> None:
        """Every signature is by a key that signed at this place, under its own person and name."""
        roles = SIGNED.get(entry.kind)
        if roles and not entry.signing and (self.keys or entry.kind.startswith("key-")):
            raise DutyBroken("unsigned", f"it is {entry.kind} and nobody signed it, though keys exist")
        people = [signing.person for signing in entry.signing]
        if len(set(people)) < len(people):
            raise DutyBroken("signed-twice", "one person signed it twice")
        for place, signing in enumerate(entry.signing):
            if entry.kind == "key-created" and place == 0:
                continue  # the key that this entry introduces
            key = self.keys.get(signing.key)
            if key is None:
                raise DutyBroken(
                    "key-unknown", f"it is signed with a key of {signing.person} that was not introduced before"
                )
            if key.ended is not None:
                raise DutyBroken(
                    "key-ended", f"it is signed with a key of {key.person} that was {key.why} in entry {key.ended}"
                )
            if (key.person, key.name) != (signing.person, signing.name):
                raise DutyBroken("key-of-another", f"it is signed as {signing.name} with the key of {key.name}")
            if roles and not set(roles) & set(key.roles):
                raise DutyBroken(
                    "role", f"{key.name} is {' and '.join(key.roles)}, and {entry.kind} needs a {roles[0]}"
                )
        if entry.signing and entry.kind in SIGNED and entry.kind not in KEYS and people != [entry.person]:
            raise DutyBroken("signer", f"it is {entry.person}'s, but {', '.join(people)} signed it")

    def _key_created(self, entry: EntryLike) -> None:
        body = entry.body
        person, public = str(body["person"]), str(body["key"])
        first = entry.signing[0]
        if (first.person, first.name, first.key) != (person, body["name"], public):
            raise DutyBroken("possession", "the key that it introduces did not sign it")
        if public in self.keys:
            raise DutyBroken("key-taken", f"it introduces a key that {self.keys[public].name} had before")
        old = active_key(self.keys, person)
        if (old.public if old else None) != body.get("replaces"):
            raise DutyBroken("replaces", "the key that it says it replaces is not the one in use")
        vouched = vouching(self.keys, person)
        if bool(body.get("unvouched")) != vouched.short:
            says = "nobody could vouch for it, and it does not say so" if vouched.short else "others could vouch for it"
            raise DutyBroken("unvouched", f"{says}: {', '.join(sorted(vouched.others)) or 'nobody'} had keys then")
        self._check_others(vouched, entry.signing[1:])
        if vouched.short:
            self._note(entry, f"nobody could vouch for this key of {body['name']}: only the sheet signed by hand does")
        if old:
            self.keys[old.public] = replace(old, ended=entry.sequence, why="replaced")
        self.keys[public] = Key(person, str(body["name"]), tuple(body["roles"]), public, entry.sequence, unvouched=vouched.short)

    def _check_others(self, vouched: Vouching, signing: Sequence[SigningLike]) -> None:
        if lack := vouched.lack(each.person for each in signing):
            raise DutyBroken("too-few-signers", f"{lack} must sign it")

    def _key_retired(self, entry: EntryLike) -> None:
        key = self._key_in_use(entry)
        self._check_others(ending(self.keys, key.person), entry.signing)
        self.keys[key.public] = replace(key, ended=entry.sequence, why="retired")

    def _key_revoked(self, entry: EntryLike) -> None:
        key = self._key_in_use(entry)
        self.keys[key.public] = replace(key, ended=entry.sequence, why="revoked")

    def _key_in_use(self, entry: EntryLike) -> Key:
        key = self.keys.get(str(entry.body["key"]))
        if key is None or key.person != entry.body["person"] or key.ended is not None:
            raise DutyBroken("key-ended", "the key that it ends is not in use")
        return key


# What befalls the journal itself can be said before there is a key, whatever the settings ask for.
OF_THE_JOURNAL = ("journal-resumed", "clock-confirmed")
# Kinds about keys: their signers are others than the one who wrote them down, or more than one.
KEYS = ("key-created", "key-retired", "key-revoked")
_RULES: Mapping[str, Callable[[Duties, EntryLike], None]] = {
    "key-created": Duties._key_created,
    "key-retired": Duties._key_retired,
    "key-revoked": Duties._key_revoked,
    "journal-resumed": Duties._resumed,
    "clock-confirmed": Duties._clock_confirmed,
}
