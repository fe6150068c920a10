"""``compounding journal``: the record itself."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from compounding.cli.app import App, Decision
from compounding.cli.show import emit, json_option, notice, say
from compounding.problems import NotUnderstood, Problem, Refused
from compounding.records.facts import JournalResumed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from compounding.store.sealing import Opens, Seal
    from compounding.store.witness import Found


@click.group()
def journal() -> None:
    """The record itself."""


@journal.command()
@click.option(
    "--owner", metavar="ADDRESS", help="On a server: the same database, as the role that shall own the tables."
)
@click.option(
    "--writer",
    metavar="ROLE",
    help="On a server: the role of the bench, which may read and add at this site, nothing else; a further one later too.",
)
@json_option
@click.pass_obj
def init(app: App, owner: str | None, writer: str | None, as_json: bool) -> None:
    """Begin an empty journal where the settings say, of the site that they name.

    \b
    compounding journal init
    compounding journal init --owner postgresql://pharmacy_owner@db1/pharmacy --writer bench
    """
    place = app.journal_place
    where = begin_journal(place, app.settings.site, owner, writer)
    if as_json:
        emit({"journal": where, "site": app.settings.site, "problems": []})
    elif writer and app.journal.head().size:
        say(f"{writer} may write into the journal of {app.settings.site} at {where}")
    else:
        say(f"The journal of {app.settings.site} begins at {where}")


def begin_journal(place: Path | str, site: str, owner: str | None, writer: str | None) -> str:
    """An empty journal of a site; its place as a message names it."""
    from compounding.store.database import check_site
    from compounding.store.journal import Journal

    if isinstance(place, Path):
        if owner or writer:
            text = f"The journal in the settings is a file ({place}): --owner and --writer are for a server"
            raise NotUnderstood(Problem("journal.no-server", text, "--owner" if owner else "--writer"))
        with Journal.create(place, site) as made:
            return made.database.where
    from compounding.store import postgresql

    database = postgresql.create(owner or place, check_site(site), writer)
    database.close()
    return database.where


@journal.command()
@click.option(
    "--witness",
    "witnesses",
    multiple=True,
    metavar="CODE",
    help="Head from a worksheet, record, certificate or recall, typed or scanned; repeat it.",
)
@click.option(
    "--from",
    "trusted",
    metavar="CODE",
    help="Head that was found good before: only what came after it is judged in full.",
)
@click.option("--quick", is_flag=True, help="Compare the bytes of every entry with the head, and nothing else.")
@json_option
@click.pass_obj
def verify(app: App, witnesses: tuple[str, ...], trusted: str | None, quick: bool, as_json: bool) -> None:
    """Check every byte of the journal and of the files that its results name; name the first entry that fails, and why.

    Every byte, the tree over them, signatures, keys, who may do what after what, and what the entries are listed under.
    A head from paper shows besides that nothing before it was rewritten or cut off.

    \b
    compounding journal verify
    compounding journal verify --witness 4T7K-9QXB-2M5C-VD8R-1J6N-HW3E-ZA
    """
    from compounding.store.attachments import check
    from compounding.store.log import read_short_code
    from compounding.store.seen import check as check_seen
    from compounding.store.verify import verify as verify_journal
    from compounding.store.witness import find_heads

    if quick and trusted:
        raise NotUnderstood(Problem("verify.both", "--quick judges no entry in full: leave --from out", "--from"))
    typed = [_scanned(code) for code in witnesses]
    start = [_scanned(trusted)] if trusted else []
    asked = [read_short_code(code) for code in (*start, *typed)]
    progress = _Progress("comparing heads")
    found = find_heads(app.journal, asked, progress) if asked else []
    problems = [problem for each in found if (problem := _strange(each))]
    size = found[0].size or 0 if start else 0
    notes: list[str] = []
    if not (start and problems):
        problems += verify_journal(app.journal, _Progress("verifying"), trusted=size, quick=quick, notes=notes)
    problems += check(app.attachments, app.ids("attachment:"))
    problems += check_seen(app.witness_file, app.journal)
    if problems:
        raise Refused(problems)
    head = app.journal.head()
    if as_json:
        shown = [{"head": each.code, "entries": each.size} for each in found]
        emit({"entries": head.size, "head": app.journal.short_code(), "witnesses": shown, "notes": notes, "problems": []})
        return
    for note in notes:
        say(note)
    for each in found:
        say(f"The head {each.code} is that of the first {each.size} entries: they are what they were then")
    how = "byte for byte as its head says" if quick else "whole"
    say(f"The journal is {how}: {head.size} entries, head {app.journal.short_code()}")


def _scanned(text: str) -> str:
    """The code out of what was typed, or scanned with the words before it."""
    found = re.search(r"(?i)(?:^|[^0-9a-z])((?:[0-9a-z][ -]?){25}[0-9a-z])$", text.strip())
    return found[1] if found else text


def _strange(found: Found) -> Problem | None:
    """What is wrong if a head on paper is none of this journal's."""
    if found.size is not None:
        return None
    if found.near:
        size, code = found.near
        text = f"{found.code} is no head of this journal, but {code}, after entry {size}, is almost the same: read the paper again"
        return Problem("witness.misread", text, found.code)
    text = (
        f"No head of this journal was ever {found.code}. If the paper is of this site, entries that it stands for were "
        "changed or cut off, or an older copy was put back. Keep the file as it is, and look for the newest backup that has this head"
    )
    return Problem("witness.unknown", text, found.code)


class _Progress:
    """A line on a terminal that says how far a long work is, from its second second on; nothing anywhere else."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.begun = time.monotonic()
        self.told = self.begun
        self.shows = sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if not self.shows or (done < total and now - self.told < 1):
            return
        if self.told > self.begun or done < total:
            bar = "#" * (30 * done // max(total, 1))
            click.echo(f"\r{self.what} [{bar:<30}] {done:,} of {total:,}", err=True, nl=done >= total)
        self.told = now


@journal.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
@click.pass_obj
def export(app: App, file: Path, as_json: bool) -> None:
    """Write the journal as lines of JSON that any tool reads; names of patients and attached files stay here.

    \b
    compounding journal export journal.jsonl
    """
    _write(app, file, as_json)


@journal.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--seal", is_flag=True, help="Seal it with a passphrase; without it, whoever has the file reads the names.")
@click.option(
    "--to",
    "recipients",
    multiple=True,
    metavar="age1...",
    help="Seal it for a backup key, by its public half, so that no passphrase is asked for; repeat it for each key.",
)
@json_option
@click.pass_obj
def backup(app: App, file: Path, seal: bool, recipients: tuple[str, ...], as_json: bool) -> None:
    """Write everything into one file: entries, names, attached files; it is read back before this is said to be done.

    Others may go on working meanwhile. An attached file that is lost does not keep the rest from being written: it is named,
    and the exit code is 1.

    \b
    compounding journal backup 2026-05-12.backup --seal
    compounding journal backup 2026-05-12.backup --to age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa
    """
    from compounding.store import sealing

    made = None
    if seal and recipients:
        text = "--seal asks for a passphrase, --to for none: give one of them"
        raise NotUnderstood(Problem("backup.two-seals", text, "--to"))
    if recipients:
        made = sealing.seal_for(recipients)
    elif seal:
        made = sealing.seal_with_passphrase(_new_passphrase(app, "backup", "Passphrase of the backup"))
    _write(app, file, as_json, attached=app.attachments, seal=made)


def _new_passphrase(app: App, id: str, ask: str) -> str:
    from compounding.cli.signing import passphrase_of
    from compounding.store.keys import check_passphrase

    return passphrase_of(app, id, ask, new=check_passphrase)


def _write(
    app: App, file: Path, as_json: bool, *, attached: Path | None = None, seal: Seal | None = None
) -> None:
    from compounding.store.carry import write_journal
    from compounding.store.files import check_new
    from compounding.store.log import short_code

    check_new(file)
    done = write_journal(file, app.journal, attached, seal, _Progress)
    lost = done.lost if attached else ()
    if as_json:
        emit({"file": str(file), "entries": done.head.size, "root": done.head.root.hex(), "sealed": bool(seal), "problems": [vars(each) for each in lost]})
    else:
        say(f"{done.head.size} entries written to {file} and read back, head {short_code(app.journal.origin, done.head)}")
    _end_with(lost, "All else is in the backup")


def _end_with(lost: Sequence[Problem], rest: str) -> None:
    """Name what is lost, when all else is done; exit code 1 if anything is."""
    for problem in lost:
        notice(f"{problem.text} [{problem.code}]")
    if lost:
        notice(f"Files lost: {len(lost)}. {rest}")
        raise click.exceptions.Exit(1)


@journal.command("backup-key")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
@click.pass_obj
def backup_key(app: App, file: Path, as_json: bool) -> None:
    """Make a key for backups: the public half is shown, the private half is written to FILE, sealed with a passphrase.

    Backups that are sealed --to the public half need no passphrase where they are made, so a machine can make them at
    night; without FILE and its passphrase nobody opens them. Keep FILE apart from the backups, twice. Both are in the
    format of the program age.

    \b
    compounding journal backup-key backup.key
    """
    from compounding.store import sealing
    from compounding.store.files import check_new, write_whole
    from compounding.store.keys import PRIVATE_FILE

    check_new(file)
    seal = sealing.seal_with_passphrase(_new_passphrase(app, "backup-key", "Passphrase of the backup key"))
    public, private = sealing.new_pair()
    write_whole(file, sealing.sealed([f"# public key: {public}\n{private}\n".encode()], seal), mode=PRIVATE_FILE)
    if as_json:
        emit({"file": str(file), "public": public, "problems": []})
    else:
        say(f"The private half is in {file}. Seal backups with --to {public}")


@journal.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The backup key that the file is sealed for.",
)
@json_option
@click.pass_obj
def restore(app: App, file: Path, key: Path | None, as_json: bool) -> None:
    """Read a backup or an export into the place that the settings name, which must be empty: all of it, verified.

    A journal moves to a server, or back, in the same way: export, change the settings, restore. An attached file that
    the journal names and that did not come along is named at the end; then the exit code is 1.

    \b
    compounding journal restore 2026-05-12.backup
    compounding journal restore 2026-05-12.backup --key backup.key
    """
    from compounding.store.carry import read_journal

    opens = _opens(app, file, key)
    done = read_journal(file, app.journal_place, app.settings.site, app.attachments, opens, _Progress)
    if as_json:
        emit({"entries": done.head.size, "head": app.journal.short_code(), "problems": [vars(each) for each in done.lost]})
    else:
        say(f"The journal is restored and verified: {done.head.size} entries, head {app.journal.short_code()}")
    _end_with(done.lost, f"All else is restored; copy these into {app.attachments}, each named by its digest")


def _opens(app: App, file: Path, key: Path | None) -> Opens | None:
    """What opens a backup: nothing is needed, its passphrase, or a backup key, which opens with its own."""
    from compounding.cli.signing import passphrase_of
    from compounding.store import carry, sealing

    if not carry.is_sealed(file):
        return None
    if carry.wants_passphrase(file):
        return sealing.passphrase_opens(passphrase_of(app, "backup", "Passphrase of the backup"))
    if key is None:
        text = f"{file} is sealed for a backup key: give the file of its private half with --key"
        raise NotUnderstood(Problem("backup.sealed", text, "--key"))
    opens = None
    if carry.is_sealed(key):
        opens = sealing.passphrase_opens(passphrase_of(app, "backup-key", "Passphrase of the backup key"))
    return sealing.key_opens(carry.private_half(key, opens))


journal.add_command(restore, "import")


@journal.command()
@click.option("--reason", required=True, help="Why an older copy goes on, and what was lost with the newer one.")
@json_option
@click.pass_obj
def resume(app: App, reason: str, as_json: bool) -> None:
    """Go on with an older copy of the journal, knowingly, when the newer one is lost; a pharmacist says so.

    \b
    compounding --as ana journal resume --reason "disk failed on 12 May; entries after the backup are on paper"
    """
    from compounding.store.log import read_checkpoint
    from compounding.store.seen import check

    if not check(app.witness_file, app.journal):
        raise Refused(Problem("journal.not-older", "The journal holds all that this workstation has seen: nothing to resume"))
    if "pharmacist" not in app.person.roles:
        text = f"{app.person.name} is {' and '.join(app.person.roles)}: a pharmacist must say so"
        raise Refused(Problem("person.role", text, app.person_id))
    lost = app.witness_file.read_text("utf-8")
    _, seen = read_checkpoint(lost)
    fact = JournalResumed(seen_entries=seen.size, seen_root=seen.root.hex())
    _, entries = app.record(lambda: Decision([(fact, ("journal:resumed",))], [], {}, reason), older_copy=True)
    app.witness_file.with_suffix(f".{seen.size}.lost").write_text(lost, "utf-8")
    if as_json:
        emit({"entry": entries[0].sequence, "seen_entries": seen.size, "problems": []})
    else:
        say(f"The journal goes on from {entries[0].sequence - 1} entries; {seen.size} had been seen (entry {entries[0].sequence})")


@journal.command()
@click.option("--reason", required=True, help="What was wrong with a clock, or why nothing was recorded for so long.")
@json_option
@click.pass_obj
def clock(app: App, reason: str, as_json: bool) -> None:
    """Say that the clock of this workstation is right, although the last entry was dated later, or long before.

    An entry that was written with a wrong clock stays as it is; what is recorded from here on follows this one.

    
    compounding --as ana journal clock --reason "bench 2 had an empty battery and wrote entry 812 in 2040"
    """
    from compounding.work.clocks import confirm_clock

    def decide() -> Decision:
        size = app.journal.head().size
        fact, problems = confirm_clock(app.now(), app.journal.last_time(), size, app.person)
        return Decision([(fact, ("journal:clock",))] if fact else [], problems, {}, reason)

    _, entries = app.record(decide)
    if as_json:
        emit({"entry": entries[0].sequence, "time": entries[0].time.isoformat(timespec="seconds"), "problems": []})
    else:
        say(f"The clock of this workstation is right: {entries[0].time:%Y-%m-%d %H:%M} UTC (entry {entries[0].sequence})")


@journal.command()
@json_option
@click.pass_obj
def head(app: App, as_json: bool) -> None:
    """Show the head: the short code that papers carry, and the checkpoint behind it."""
    if as_json:
        emit(
            {
                "entries": app.journal.head().size,
                "head": app.journal.short_code(),
                "checkpoint": app.journal.checkpoint(),
            }
        )
    else:
        say(app.journal.short_code())
        say(app.journal.checkpoint().rstrip())
