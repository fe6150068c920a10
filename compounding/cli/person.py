"""``compounding person``: who works here, and the keys that they sign with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from compounding.cli.app import App, Decision
from compounding.cli.ids import PERSON
from compounding.cli.show import emit, json_option, notice, say, table
from compounding.cli.signing import Signing, passphrase_of, site_keys
from compounding.problems import NotUnderstood, Problem, Refused
from compounding.records.facts import KeyCreated, KeyRetired, NameErased
from compounding.records.people import Key, active_key
from compounding.records.record import Record
from compounding.settings import Person, keys_folder, read_settings
from compounding.store import keys as store
from compounding.work.confirming import confirm as confirm_signature
from compounding.work.confirming import revoke as end_at_once
from compounding.work.duties import Vouching, ending, vouching

if TYPE_CHECKING:
    from compounding.store.journal import Entry

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


@click.group()
def person() -> None:
    """People and their signing keys."""


@person.command()
@click.argument("id", metavar="ID")
@click.option("--name", help="Name as it is printed beside a signature; from the settings if they know the person.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice(["pharmacist", "technician", "qc"]),
    help="Repeat for each role.",
)
@click.option("--with", "second", metavar="ID", help="Second person who signs, for a person who had a key before.")
@click.option("--reason", help="Why a key is replaced, such as: passphrase forgotten.")
@click.option("--unvouched", is_flag=True, help="There is nobody to sign for it: the record says so of this key for ever.")
@json_option
@click.pass_obj
def add(
    app: App,
    id: str,
    name: str | None,
    roles: tuple[str, ...],
    second: str | None,
    reason: str | None,
    unvouched: bool,
    as_json: bool,
) -> None:
    """Make a signing key for a person, sealed with the person's passphrase.

    The first key of a site needs nobody else. After that a pharmacist who has a key introduces each new person,
    and a key that takes the place of another is signed by two others, one of them a pharmacist.

    \b
    compounding --as ana person add ana
    compounding --as ana person add ben --name "Ben Fox" --role pharmacist
    compounding --as ana person add ben --with kim --reason "passphrase forgotten"
    """
    text, who = _with_person(app, id, name, roles)
    keys, _ = site_keys(app)
    old = active_key(keys, id)
    if any(key.person == id for key in keys.values()) and not reason:
        known = f"{who.name} has a key already" if old else f"{who.name} had a key before"
        raise NotUnderstood(Problem("key.reason", f"{known}: give --reason to make another in its place", id))
    vouched = vouching(keys, id)
    _check_vouched(app, vouched, id, unvouched)
    others = _others(app, vouched, id, second)
    passphrase = passphrase_of(
        app, id, f"New passphrase of {who.name}", new=lambda given: store.check_passphrase(given, id, who.name)
    )
    key = store.new_key()
    fact = KeyCreated(
        person=id,
        name=who.name,
        roles=who.roles,
        key=key.public,
        replaces=old.public if old else None,
        unvouched=unvouched,
    )
    file = store.keep(keys_folder(app.settings_file), key.public, store.sealed(key, id, passphrase))
    try:
        entry = _signed(app, fact, others, reason, key)
        if text is not None:
            from compounding.store.files import write_whole

            write_whole(app.settings_file, text.encode("utf-8"))
    except BaseException:
        if key.public not in site_keys(app)[0]:
            file.unlink(missing_ok=True)
        raise
    if old:
        store.sealed_file(keys_folder(app.settings_file), old.public).unlink(missing_ok=True)
    mark = store.fingerprint(key.public)
    if as_json:
        emit({"person": id, "key": key.public, "fingerprint": mark, "file": str(file), "entry": entry, "problems": []})
        return
    if unvouched:
        notice(f"Nobody vouched for this key: the paper with it, signed by hand, is all that shows that it is {who.name}'s.")
    replaced = f" in place of {store.fingerprint(old.public)}" if old else ""
    say(f"{who.name} signs with key {mark}{replaced} (entry {entry})")
    notice(
        f"Next: print this line, let {who.name} sign it by hand, and keep it; without the passphrase nobody opens the key."
    )


def _with_person(app: App, id: str, name: str | None, roles: tuple[str, ...]) -> tuple[str | None, Person]:
    """The person; and the settings with the person in them, if they did not know the person yet."""
    from compounding.cli.init import person_table

    known = app.settings.people.get(id)
    if known is None:
        if not (_ID.fullmatch(id) and name and roles):
            text = f"{id} is nobody in the settings: give --name and --role, and an id in small letters such as ben"
            raise NotUnderstood(Problem("person.unknown", text, id))
        text = (
            app.settings_file.read_text("utf-8").rstrip("\n")
            + "\n\n"
            + person_table(id, name, roles).rstrip("\n")
            + "\n"
        )
        return text, read_settings(text, str(app.settings_file)).people[id]
    if (name and name != known.name) or (roles and set(roles) != set(known.roles)):
        text = f"{id} is {known.name}, {' and '.join(known.roles)}, in the settings: correct them there, then leave --name and --role out"
        raise Refused(Problem("person.differs", text, id))
    if known.retired:
        raise Refused(
            Problem("person.retired", f"{known.name} is retired in the settings: correct them there first", id)
        )
    return None, known


def _check_vouched(app: App, vouched: Vouching, id: str, unvouched: bool) -> None:
    """A key that nobody can vouch for is made only if that is said, and only then."""
    name = app.names.get(id, id)
    if vouched.short and not unvouched:
        there = ", ".join(app.names.get(each, each) for each in sorted(vouched.others)) or "nobody else"
        how = "two others, one of them a pharmacist" if vouched.needed > 1 else "a pharmacist"
        text = (
            f"A key of {name} is signed by {how}, and {there} has a key here. If it cannot be otherwise, give "
            "--unvouched: every verification and every export will say that nobody could vouch for this key"
        )
        raise Refused(Problem("key.nobody-vouches", text, id))
    if unvouched and not vouched.short:
        raise Refused(Problem("key.vouched", f"Others can vouch for {name}: leave --unvouched out, and let them sign", id))


def _others(app: App, vouched: Vouching, id: str, second: str | None) -> tuple[str, ...]:
    """Who signs besides the new key: the person who acts and the second one, if so many are needed."""
    acting = tuple(dict.fromkeys(each for each in (app.person_id, second) if each in vouched.others))[: vouched.needed]
    if vouched.lack(acting):
        names = ", ".join(app.names.get(each, each) for each in sorted(vouched.others))
        who = f"{min(vouched.needed, len(vouched.others))} of {names}"
        if vouched.pharmacists != vouched.others and not vouched.short:
            who += f" (one of them {' or '.join(app.names.get(each, each) for each in sorted(vouched.pharmacists))})"
        how = "as one of them with --as" if vouched.needed == 1 else "as one of them with --as, and name the other with --with"
        raise Refused(Problem("key.signers", f"{who} must sign this for {app.names.get(id, id)}: run it {how}", id))
    return acting


def _signed(
    app: App, fact: Record, others: tuple[str, ...], reason: str | None, introduced: store.OpenKey | None = None
) -> int:
    """Record a fact about a key; whoever must sign it does."""
    id: str = getattr(fact, "person")  # noqa: B009  # one of three facts, each with its person

    def decide() -> Decision:
        _, entries = site_keys(app)
        seen = {f"person:{each}": about[-1] for each, about in entries.items()} | {
            f"person:{id}": entries.get(id, (0,))[-1]
        }
        return Decision([(fact, (f"person:{id}",))], [], seen, reason)

    _, entries = app.record(decide, Signing(app, others, introduced))
    return entries[0].sequence


@person.command()
@click.argument("prescription")
@click.option("--reason", required=True, help="Why the name is erased.")
@click.pass_obj
def forget(app: App, prescription: str, reason: str) -> None:
    """Erase the patient's name of a prescription; the record keeps the number, and stays whole.

    \b
    compounding --as ana person forget 1234567 --reason "asked for on 3 May"
    """
    if "pharmacist" not in app.person.roles:
        text = f"{app.person.name} is {' and '.join(app.person.roles)}: a pharmacist must erase a name"
        raise Refused(Problem("person.role", text, app.person_id))
    if app.journal.recall_personal(prescription) is None:
        raise Refused(Problem("person.no-name", f"No name is kept for prescription {prescription}", prescription))
    fact = NameErased(prescription=prescription)
    app.record(lambda: Decision([(fact, (f"rx:{prescription}",))], [], {}, reason))
    app.journal.forget_personal(prescription)
    say(f"The name kept for prescription {prescription} is erased.")


@person.command("list")
@json_option
@click.pass_obj
def list_people(app: App, as_json: bool) -> None:
    """List people and every key they have or had."""
    keys, _ = site_keys(app)
    found: list[dict[str, Any]] = []
    for id, who in app.settings.people.items():
        theirs = [key for key in keys.values() if key.person == id]
        found.append(
            {
                "id": id,
                "name": who.name,
                "roles": list(who.roles),
                "retired": who.retired,
                "keys": [
                    {
                        "key": key.public,
                        "fingerprint": store.fingerprint(key.public),
                        "name": key.name,
                        "roles": list(key.roles),
                        "created": key.created,
                        "ended": key.ended,
                        "why": key.why,
                        "unvouched": key.unvouched,
                        "since": key.since,
                    }
                    for key in theirs
                ],
            }
        )
    if as_json:
        emit({"people": found, "problems": []})
        return
    rows = []
    for each in found:
        base = (each["id"], each["name"] + (" (retired)" if each["retired"] else ""), ", ".join(each["roles"]))
        for key in each["keys"] or [None]:
            state = f"{key['why']} in entry {key['ended']}" if key and key["ended"] else "signs" if key else "no key"
            state += f", in doubt since entry {key['since']}" if key and key["since"] else ""
            state += ", nobody vouched" if key and key["unvouched"] else ""
            rows.append((*base, key["fingerprint"] if key else "", str(key["created"]) if key else "", state))
            base = ("", "", "")
    say(table(("id", "name", "roles", "key", "since entry", "state"), rows, right=(4,)))


def _key_in_use(app: App, id: str) -> Key:
    key = active_key(site_keys(app)[0], id)
    if key is None:
        raise Refused(Problem("key.none", f"{app.names.get(id, id)} has no key in use: there is nothing to end", id))
    return key


@person.command()
@click.argument("id", type=PERSON, metavar="ID")
@click.option("--with", "second", metavar="ID", help="Second person who signs.")
@click.option("--reason", required=True, help="Why, such as: left the pharmacy.")
@json_option
@click.pass_obj
def retire(app: App, id: str, second: str | None, reason: str, as_json: bool) -> None:
    """End the key of a person who leaves; two others sign. What it signed stays signed.

    \b
    compounding --as ana person retire ben --with kim --reason "left the pharmacy"
    """
    key = _key_in_use(app, id)
    others = _others(app, ending(site_keys(app)[0], id), id, second) or (id,)
    text = _with_retired(app, id)
    entry = _signed(app, KeyRetired(person=id, key=key.public), others, reason)
    if text is not None:
        from compounding.store.files import write_whole

        write_whole(app.settings_file, text.encode("utf-8"))
    _say_ended(app, key, "retired", entry, as_json)


def _with_retired(app: App, id: str) -> str | None:
    """The settings with a person retired in them; None if they do not name the person in a table of its own."""
    if id not in app.settings.people or app.settings.people[id].retired:
        return None
    text = re.sub(
        rf"^(\[people\.{re.escape(id)}\][^\n]*)$",
        r"\1\nretired = true",
        app.settings_file.read_text("utf-8"),
        flags=re.M,
    )
    return text if read_settings(text, str(app.settings_file)).people[id].retired else None


@person.command()
@click.argument("id", type=PERSON, metavar="ID")
@click.option("--reason", required=True, help="Why, such as: laptop stolen.")
@click.option("--since", type=click.IntRange(min=1), help="First entry whose signature by this key is in doubt.")
@json_option
@click.pass_obj
def revoke(app: App, id: str, reason: str, since: int | None, as_json: bool) -> None:
    """End a key that may be in other hands, at once; any one person with a key signs.

    \b
    compounding --as ana person revoke ben --reason "laptop stolen" --since 812
    """
    key = _key_in_use(app, id)
    doubtful: list[Entry] = []

    def decide() -> Decision:
        doubtful[:] = app.journal.signed_with(key.public, since) if since else ()
        fact, problems = end_at_once(key, since, app.journal.head().size)
        held = {subject for entry in doubtful for subject in entry.subjects if subject.startswith(("batch:", "formula:", "text:"))}
        subjects = (f"person:{id}", *sorted(held))
        seen = app.journal.last_seen(subjects)
        return Decision([(fact, subjects)] if fact else [], problems, seen, reason)

    _, entries = app.record(decide)
    _say_ended(app, key, "revoked", entries[0].sequence, as_json, [_doubt(each) for each in doubtful])
    if doubtful and not as_json:
        say(
            table(("entry", "what", "about", "on"), [tuple(map(str, _doubt(each).values())) for each in doubtful], right=(0,))
        )
        notice("Next: look at each of these; compounding person confirm ENTRY --reason, or verify again, where it stands.")


def _doubt(entry: Entry) -> dict[str, Any]:
    """A signature that is in doubt, for people."""
    return {
        "entry": entry.sequence,
        "kind": entry.kind,
        "about": ", ".join(each for each in entry.subjects if each.startswith(("batch:", "formula:", "text:", "person:"))),
        "on": entry.time.date().isoformat(),
    }


@person.command()
@click.argument("entry", type=click.IntRange(min=1))
@click.option("--reason", help="What shows that it stands, such as: the signed worksheet says so.")
@json_option
@click.pass_obj
def confirm(app: App, entry: int, reason: str | None, as_json: bool) -> None:
    """Say of a signature that is in doubt that it stands, after looking at what it signed; a pharmacist signs that.

    A key that was in other hands puts what it signed in doubt, and holds the batches until then. A verification is confirmed by
    somebody who could have verified; an open batch can be verified again instead.

    \b
    compounding --as ana person confirm 812 --reason "Ben was here that day, and his initials are on the worksheet"
    """

    def decide() -> Decision:
        subject = _subject_of(app, entry)
        kind, _, id = subject.partition(":")
        batch = app.batch(id) if kind == "batch" else None
        fact, problems = confirm_signature(batch, app.recorded(subject), entry, app.person_id, app.person, reason)
        return Decision([(fact, (subject,))] if fact else [], problems, app.journal.last_seen([subject]), reason)

    _, entries = app.record(decide)
    if as_json:
        emit({"confirmed": entry, "entry": entries[0].sequence, "problems": []})
    else:
        say(f"The signature of entry {entry} stands, confirmed by {app.person.name} (entry {entries[0].sequence})")


def _subject_of(app: App, sequence: int) -> str:
    """The batch, formula or text that an entry signed something of."""
    found = app.journal.entry(sequence)
    subjects = [each for each in found.subjects if each.startswith(("batch:", "formula:", "text:"))] if found else []
    if not subjects:
        text = f"Entry {sequence} signed nothing of a batch, a formula or a label's words: there is nothing to confirm"
        raise Refused(Problem("signature.not-doubted", text, str(sequence)))
    return subjects[0]


def _say_ended(
    app: App, key: Key, how: str, entry: int, as_json: bool, doubtful: list[dict[str, Any]] | None = None
) -> None:
    if as_json:
        said = {} if doubtful is None else {"doubtful": doubtful}
        emit({"person": key.person, "key": key.public, how: entry, **said, "problems": []})
        return
    many = f"{len(doubtful)} entries are" if doubtful and len(doubtful) > 1 else "1 entry is"
    stays = f"; of what it signed, {many} in doubt" if doubtful else "; what it signed stays signed"
    say(f"The key of {key.name}, {store.fingerprint(key.public)}, is {how} (entry {entry}){stays}")
