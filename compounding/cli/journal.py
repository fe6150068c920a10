"""``compounding journal``: the record itself."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from compounding.cli.app import App, Decision
from compounding.cli.show import emit, json_option
from compounding.problems import NotUnderstood, Problem, Refused
from compounding.records.facts import JournalResumed

if TYPE_CHECKING:
    from compounding.store.witness import Found


@click.group()
def journal() -> None:
    """The record itself."""


@journal.command()
@click.option(
    "--owner", metavar="ADDRESS", help="On a server: the same database, as the role that shall own the tables."
)
@click.option(
    "--writer", metavar="ROLE", help="On a server: the role of the bench, which may read and add, nothing else."
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
    else:
        click.echo(f"The journal of {app.settings.site} begins at {where}")


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
    help="Head from a worksheet, label or certificate, typed or scanned; repeat it.",
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
        click.echo(note)
    for each in found:
        click.echo(f"The head {each.code} is that of the first {each.size} entries: they are what they were then")
    how = "byte for byte as its head says" if quick else "whole"
    click.echo(f"The journal is {how}: {head.size} entries, head {app.journal.short_code()}")


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
    """Write the journal as lines of JSON that any tool reads; names of patients stay here.

    \b
    compounding journal export journal.jsonl
    """
    _write(app, file, as_json, names=False, passphrase=None)


@journal.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--seal", is_flag=True, help="Seal it with a passphrase; without it, whoever has the file reads the names.")
@json_option
@click.pass_obj
def backup(app: App, file: Path, seal: bool, as_json: bool) -> None:
    """Write everything into one file: entries, names, attached files; it is read back before this is said to be done.

    Others may go on working meanwhile.

    \b
    compounding journal backup 2026-05-12.backup --seal
    """
    passphrase = None
    if seal:
        from compounding.cli.signing import passphrase_of
        from compounding.store.keys import check_passphrase

        passphrase = passphrase_of(app, "backup", "Passphrase of the backup", new=check_passphrase)
    _write(app, file, as_json, names=True, passphrase=passphrase)


def _write(app: App, file: Path, as_json: bool, *, names: bool, passphrase: str | None) -> None:
    from compounding.store.attachments import read
    from compounding.store.carry import lines_of, write_journal
    from compounding.store.files import check_new

    check_new(file)
    files = [(digest, read(app.attachments, digest)) for digest in app.ids("attachment:")] if names else []
    head = write_journal(file, lines_of(app.journal, names=names, files=files), passphrase)
    if as_json:
        emit({"file": str(file), "entries": head.size, "root": head.root.hex(), "sealed": bool(passphrase), "problems": []})
    else:
        click.echo(f"{head.size} entries written to {file} and read back, head {app.journal.short_code()}")


@journal.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@click.pass_obj
def restore(app: App, file: Path, as_json: bool) -> None:
    """Read a backup or an export into the place that the settings name, which must be empty: all of it, verified.

    A journal moves to a server, or back, in the same way: export, change the settings, restore.

    \b
    compounding journal restore 2026-05-12.backup
    """
    from compounding.cli.signing import passphrase_of
    from compounding.store.carry import is_sealed, read_journal

    passphrase = passphrase_of(app, "backup", "Passphrase of the backup") if is_sealed(file) else None
    head = read_journal(file, app.journal_place, app.attachments, passphrase)
    if as_json:
        emit({"entries": head.size, "head": app.journal.short_code(), "problems": []})
    else:
        click.echo(f"The journal is restored and verified: {head.size} entries, head {app.journal.short_code()}")


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
        click.echo(f"The journal goes on from {entries[0].sequence - 1} entries; {seen.size} had been seen (entry {entries[0].sequence})")


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
        click.echo(f"The clock of this workstation is right: {entries[0].time:%Y-%m-%d %H:%M} UTC (entry {entries[0].sequence})")


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
        click.echo(app.journal.short_code())
        click.echo(app.journal.checkpoint().rstrip())
