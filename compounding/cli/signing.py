"""Asking for passphrases, and signing what was decided. The rules are in `work.duties` and `records.people`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import click

from compounding.cli.app import App, Decision
from compounding.cli.show import notice
from compounding.problems import NotUnderstood, Problem, Refused
from compounding.records.facts import KeyCreated, PassphraseRefused, Recorded, body_of, kind_of
from compounding.records.people import Key, active_key, keys_of
from compounding.records.record import Record
from compounding.settings import keys_folder
from compounding.store import keys as store
from compounding.store.journal import Draft, Signer
from compounding.store.journal import Signing as Stated
from compounding.texts import page_of
from compounding.work.duties import MEANINGS, OF_THE_JOURNAL, SIGNED

# Wrong passphrases of one key within this time; one more is refused without being tried, until some of them are older.
MOST_REFUSALS, REST = 5, timedelta(minutes=15)


class Signing:
    """The signatures of one command: shown first, asked for once, made while the journal is held.

    Args:
        app: the run of the command.
        people: ids of those who sign, in order.
        introduced: a key that the command introduces, which signs first.
    """

    def __init__(self, app: App, people: Sequence[str], introduced: store.OpenKey | None = None) -> None:
        self.app = app
        self.people = tuple(people)
        self.introduced = introduced
        self._open: dict[str, tuple[Key, store.OpenKey]] = {}
        self._shown: tuple[str, ...] | None = None

    @property
    def shown(self) -> tuple[str, ...]:
        """The page that is signed, line by line, as it is kept with each entry; empty if nobody signs."""
        return self._shown or ()

    def begin(self, decision: Decision) -> dict[str, int]:
        """Show what is signed, and open the keys; a second time only if what was shown is still the same.

        Returns:
            The last entry about each person who signs, as it was seen: a key that is revoked meanwhile does not sign.

        Raises:
            Refused: somebody has no key that signs now, or what was shown has changed since.
        """
        keys, last = site_keys(self.app)
        if not keys and not self.introduced:
            early = all(kind_of(fact) in OF_THE_JOURNAL for fact, _ in decision.facts)
            if early or self.app.settings.signatures == "optional":
                return {}
        shown = page_of(decision.shown or told([fact for fact, _ in decision.facts]))
        if self._shown is not None and shown != self._shown:
            text = "What you were shown has changed since, because somebody recorded something: look at it again, and sign then"
            raise Refused(Problem("signature.changed", text))
        for person in self.people:
            key = _signing_key(self.app, keys, person, [kind_of(fact) for fact, _ in decision.facts])
            if self._open.get(person, (None,))[0] != key:
                if self._shown is None and sys.stdin.isatty():
                    notice("\n".join(shown))
                    self._shown = shown
                self._open[person] = key, opened(self.app, key, last)
        self._shown = shown
        return {f"person:{person}": last.get(person, (0,))[-1] for person in self.people}

    def signers(self, fact: Record) -> tuple[Signer, ...]:
        """The signatures of one fact."""
        kind = kind_of(fact)
        if kind not in SIGNED or self._shown is None:
            return ()
        meaning = getattr(fact, "meaning", None) or MEANINGS[kind]
        shown = sha256("\n".join(self._shown).encode("utf-8")).hexdigest()
        made = []
        if self.introduced and isinstance(fact, KeyCreated):
            stated = Stated(fact.person, fact.name, fact.key, meaning, shown)
            made.append(Signer(stated, self.introduced.sign))
        for person in self.people:
            key, private = self._open[person]
            made.append(Signer(Stated(person, key.name, key.public, meaning, shown), private.sign))
        return tuple(made)


def told(facts: Sequence[Record]) -> str:
    """Facts as they are shown before they are signed, where no page shows them."""
    return "\n".join(
        f"{kind_of(fact)}: {json.dumps(body_of(fact), ensure_ascii=False, sort_keys=True)}" for fact in facts
    )


def site_keys(app: App) -> tuple[dict[str, Key], dict[str, tuple[int, ...]]]:
    """Every key of the site, and the entries about each person."""
    recorded: dict[int, Recorded] = {}
    entries = {}
    for person in app.ids("person:"):
        about = app.recorded(f"person:{person}")
        recorded |= {each.sequence: each for each in about}
        entries[person] = tuple(each.sequence for each in about)
    return keys_of(recorded[sequence] for sequence in sorted(recorded)), entries


def _signing_key(app: App, keys: Mapping[str, Key], person: str, kinds: Sequence[str]) -> Key:
    """The key that a person signs with now, if the person may sign these kinds of facts."""
    key = active_key(dict(keys), person)
    name = app.names.get(person, person)
    if key is None:
        ended = [each for each in keys.values() if each.person == person]
        why = f"the key of {name} was {ended[-1].why} in entry {ended[-1].ended}" if ended else f"{name} has no key yet"
        text = f"This is signed, and {why}: make one with compounding person add {person}"
        raise Refused(Problem("key.ended" if ended else "key.none", text, person))
    for kind in kinds:
        if kind in SIGNED and not set(SIGNED[kind]) & set(key.roles):
            text = f"{name} signs as {' and '.join(key.roles)}: a {SIGNED[kind][0]} must do this"
            raise Refused(Problem("person.role", text, person))
    return key


def opened(app: App, key: Key, entries: Mapping[str, tuple[int, ...]]) -> store.OpenKey:
    """A person's key, opened with the passphrase; a wrong one is recorded, and after five in a row the key rests."""
    _refuse_while_resting(app, key)
    content = store.kept(keys_folder(app.settings_file), key.person, key.public)
    passphrase = passphrase_of(app, key.person, f"Passphrase of {key.name}")
    try:
        return store.opened(content, key.person, key.public, passphrase)
    except store.WrongPassphrase:
        import platform

        fact = PassphraseRefused(person=key.person, key=key.public)
        station = platform.node() or "unnamed"
        subjects = (f"person:{key.person}",)
        app.journal.append([Draft(kind_of(fact), body_of(fact), subjects, app.person_id, station, "", app.now())], {})
        raise


def exporter_of(app: App) -> tuple[Stated | None, Callable[[bytes], bytes] | None]:
    """Who signs a file that leaves the house, and with what; nobody at a site without keys."""
    keys, entries = site_keys(app)
    if not keys:
        return None, None
    key = _signing_key(app, keys, app.person_id, ())
    private = opened(app, key, entries)
    stated = Stated(key.person, key.name, key.public, "", "")
    return stated, partial(private.sign, kind=store.EXPORT_TYPE)


def _refuse_while_resting(app: App, key: Key) -> None:
    since = app.now() - REST
    refused = [
        each
        for each in app.recorded(f"person:{key.person}")
        if isinstance(each.fact, PassphraseRefused) and datetime.fromisoformat(each.time) > since
    ]
    if len(refused) >= MOST_REFUSALS:
        minutes = int(REST.total_seconds() // 60)
        text = f"{len(refused)} wrong passphrases were given for the key of {key.name} in {minutes} minutes, the first in entry {refused[0].sequence}"
        raise Refused(Problem("key.rests", f"{text}: wait, and find out who tried; or revoke the key", key.person))


def passphrase_of(app: App, person: str, ask: str, *, new: Callable[[str], None] | None = None) -> str:
    """A passphrase: from the file or folder that was named, else typed; a new one is typed twice.

    Raises:
        NotUnderstood: there is none, or a new one is weak.
        Refused: others can read its file.
    """
    given = Path(app.passphrase_file) if app.passphrase_file else None
    if given is not None and given.is_dir():
        passphrase = store.read_passphrase(given / f"{person}.txt")
    elif given is not None and person == app.person_id:
        passphrase = store.read_passphrase(given)
    elif sys.stdin.isatty():
        passphrase = click.prompt(ask, hide_input=True, confirmation_prompt=new is not None, err=True)
    else:
        text = f"{ask} is needed: run this on a terminal, or give --passphrase-file with a file, or with a folder that holds {person}.txt"
        raise NotUnderstood(Problem("passphrase.missing", text, person))
    if new:
        new(passphrase)
    return passphrase
