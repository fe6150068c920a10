"""What every command shares: the settings, the journal, who is acting, and the clock. Nothing is decided here."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from compounding.frozen import dataclass
from compounding.problems import EnvironmentFails, NotUnderstood, Problem, Refused, stopping

if TYPE_CHECKING:
    from compounding.cli.signing import Signing
    from compounding.records.batch import Batch
    from compounding.records.facts import Recorded
    from compounding.records.record import Record
    from compounding.records.stock import Lot
    from compounding.settings import Person, Settings
    from compounding.store.database import PersonalRow
    from compounding.store.journal import Entry, Journal

# How often a command decides while others may write about the same thing meanwhile; after that it holds the journal.
DECISIONS = 2


@dataclass(frozen=True)
class Decision:
    """What a command decided on: facts to record with their subjects, and every problem seen.

    A problem beside a fact is recorded with it (a reading outside its limits); without a fact it refuses.
    Who a prescription is for is kept beside the journal, in one go with the facts. ``shown`` is what a person sees
    before signing the facts; without it they see the facts themselves.
    """

    facts: Sequence[tuple[Record, tuple[str, ...]]]
    problems: Sequence[Problem]
    seen: Mapping[str, int]
    reason: str | None = None
    personal: PersonalRow | None = None
    shown: str | None = None


class App:
    """One run of one command.

    ``retest_of`` is the investigation that a result is recorded in as a retest, with its reason if one is needed.
    """

    retest_of: str | None = None
    retest_reason: str | None = None

    def __init__(self, settings: str | None, person: str | None, passphrase_file: str | None = None) -> None:
        self._settings_option = settings
        self._person_option = person
        self.passphrase_file = passphrase_file

    def close(self) -> None:
        """Let go of the journal's file, if it was opened."""
        if "journal" in self.__dict__:
            self.journal.close()

    # ---- settings and people ----

    @cached_property
    def settings_file(self) -> Path:
        if self._settings_option:
            return Path(self._settings_option)
        import platformdirs

        return Path(platformdirs.user_config_dir("compounding")) / "settings.toml"

    @cached_property
    def settings(self) -> Settings:
        from compounding.settings import read_settings

        return read_settings(
            read_text(self.settings_file, "settings", "run compounding init, or give --settings"),
            str(self.settings_file),
        )

    @property
    def has_settings(self) -> bool:
        return self.settings_file.is_file()

    @cached_property
    def person_id(self) -> str:
        """Who is acting: --as, COMPOUNDING_PERSON, or the user's name if it is a person's id."""
        import getpass

        people = self.settings.people
        asked = self._person_option or getpass.getuser()
        if asked not in people:
            known = ", ".join(people)
            raise NotUnderstood(
                Problem("person.unknown", f"{asked} is nobody in the settings: give --as with one of {known}", asked)
            )
        if people[asked].retired:
            raise Refused(Problem("person.retired", f"{people[asked].name} is retired: another person must act", asked))
        return asked

    @property
    def person(self) -> Person:
        return self.settings.people[self.person_id]

    @property
    def names(self) -> dict[str, str]:
        return {id: person.name for id, person in self.settings.people.items()}

    # ---- the clock ----

    def now(self) -> datetime:
        return datetime.now(UTC)

    def today(self) -> date:
        return datetime.now().astimezone().date()

    @staticmethod
    def day_of(time: str) -> date:
        """The day here at a time in UTC, as entries have it."""
        return datetime.fromisoformat(time).astimezone().date()

    # ---- formulas ----

    def formula_files(self) -> dict[str, Path]:
        """Every formula file by its name; the pharmacy's own folder comes before the one that is shipped."""
        from compounding.data_files import data_folder

        folders = [data_folder("formulas")]
        if self.has_settings:
            folders.append(self.settings_file.parent / self.settings.formulas)
        return {file.stem: file for folder in folders for file in sorted(folder.glob("*.toml"))}

    def formula_text(self, id: str) -> tuple[str, str]:
        """The text of a formula and its file's name."""
        files = self.formula_files()
        if id not in files:
            raise NotUnderstood(Problem("formula.unknown", f"{id} is not a formula here{nearest(id, files)}", id))
        return read_text(files[id], "formula", "restore it"), files[id].name

    # ---- the journal ----

    @property
    def journal_place(self) -> Path | str:
        from compounding.settings import journal_place

        return journal_place(self.settings, self.settings_file)

    @cached_property
    def journal(self) -> Journal:
        from compounding.store.journal import Journal

        try:
            return Journal.open(self.journal_place, self.settings.site)
        except EnvironmentFails as failure:
            from compounding.store.seen import gone

            raise gone(self.witness_file, failure) from None

    @property
    def attachments(self) -> Path:
        """The folder of the files that prove results."""
        from compounding.settings import attachments_path

        return attachments_path(self.settings, self.settings_file)

    @cached_property
    def witness_file(self) -> Path:
        """Where this workstation keeps the head that it saw last, apart from the journal."""
        import platformdirs

        from compounding.store.seen import witness_file

        return witness_file(self.journal_place, self.settings.site, Path(platformdirs.user_state_dir("compounding")))

    def recorded(self, subject: str) -> list[Recorded]:
        return [recorded_of(entry) for entry in self.journal.entries(subject)]

    def batch(self, id: str) -> Batch:
        from compounding.records.batch import batch_of

        batch = batch_of(self.recorded(f"batch:{id}"))
        if batch is None:
            raise Refused(
                Problem("batch.unknown", f"Batch {id} was never opened here{nearest(id, self.ids('batch:'))}", id)
            )
        return batch

    def lot(self, id: str) -> Lot | None:
        from compounding.records.stock import lot_of

        return lot_of(self.recorded(f"lot:{id}"))

    def lots(self) -> list[Lot]:
        return [lot for id in self.ids("lot:") if (lot := self.lot(id)) is not None]

    def ids(self, prefix: str) -> list[str]:
        return [subject.removeprefix(prefix) for subject in self.journal.subjects(prefix)]

    def record(
        self, decide: Callable[[], Decision], signing: Signing | None = None, *, older_copy: bool = False
    ) -> tuple[Decision, tuple[Entry, ...]]:
        """Decide, and write the facts down; decide again if the journal moved meanwhile.

        A command that waited for others longer than clocks may differ takes the time anew too; at last it decides while it
        holds the journal, where only a clock that is wrong is behind.

        Facts that are signed are signed by the person who acts, unless it is said who signs. Into an older copy of the
        journal than this workstation has seen nothing is written but that it knowingly goes on (``older_copy``).

        Raises:
            Refused: the decision gave no fact; nothing is recorded.
        """
        from compounding.store.journal import ClockBehind, JournalMoved

        def asked() -> Signing:  # once, whatever happens in between: a passphrase is typed once
            nonlocal signing
            if signing is None:
                from compounding.cli.signing import Signing

                signing = Signing(self, (self.person_id,))
            return signing

        from compounding.store.seen import check, remember

        if not older_copy and (problems := check(self.witness_file, self.journal)):
            raise Refused(problems)
        for _ in range(DECISIONS):
            try:
                done = self._decided(decide, asked)
                break
            except (JournalMoved, ClockBehind):
                continue
        else:
            with self.journal.alone():
                done = self._decided(decide, asked)
        remember(self.witness_file, self.journal)
        return done

    def _decided(
        self, decide: Callable[[], Decision], asked: Callable[[], Signing]
    ) -> tuple[Decision, tuple[Entry, ...]]:
        from compounding.records.facts import ClockConfirmed, body_of, kind_of
        from compounding.store.journal import Draft
        from compounding.work.clocks import check_clock
        from compounding.work.duties import SIGNED

        decision = decide()
        if not decision.facts:
            raise Refused(decision.problems)
        last, confirmed = self.journal.last_time(), isinstance(decision.facts[0][0], ClockConfirmed)
        if not confirmed and (ahead := check_clock(self.now(), last)):
            raise Refused(ahead)
        seen, signing = dict(decision.seen), None
        if any(kind_of(fact) in SIGNED for fact, _ in decision.facts):
            signing = asked()
            seen |= signing.begin(decision)
        drafts = [
            Draft(
                kind=kind_of(fact),
                body=body_of(fact),
                subjects=subjects,
                person=self.person_id,
                workstation=platform.node() or "unnamed",
                reason=decision.reason or "",
                time=(now := self.now()),
                clock_set_back=confirmed and last is not None and now < last,
                signers=(signers := signing.signers(fact) if signing else ()),
                shown=signing.shown if signing and signers else (),
            )
            for fact, subjects in decision.facts
        ]
        return decision, self.journal.append(drafts, seen, decision.personal)


def recorded_of(entry: Entry) -> Recorded:
    """An entry of the journal as a fact with its place."""
    from compounding.records.facts import Recorded, read_fact

    fact = read_fact(entry.kind, entry.body, f"entry {entry.sequence}")
    time = entry.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Recorded(entry.sequence, time, entry.person, entry.reason or None, fact)


def read_text(file: Path, what: str, remedy: str) -> str:
    """The text of a file.

    Raises:
        NotUnderstood: there is no such file, or it is not text; says what to do.
    """
    try:
        return file.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise NotUnderstood(Problem("file.missing", f"There is no {what} file {file}: {remedy}", str(file))) from None
    except UnicodeDecodeError:
        raise NotUnderstood(
            Problem("file.not-text", f"The {what} file {file} is not UTF-8 text: {remedy}", str(file))
        ) from None


def nearest(asked: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the near one, or all of them."""
    import difflib

    names = list(known)
    near = difflib.get_close_matches(asked, names, n=1)
    if near:
        return f": did you mean {near[0]}?"
    return f": there are {', '.join(names[:8])}" if names else ": there are none yet"


def unknown_lot(app: App, id: str) -> Problem:
    """That nothing was received under this id, with the near one."""
    return Problem("lot.unknown", f"Lot {id} was never received here{nearest(id, app.ids('lot:'))}", id)


def fail_if_stopped(problems: Sequence[Problem]) -> None:
    """End the command with exit code 1 if a problem stops it; what was recorded stays recorded."""
    if stopping(problems):
        raise Refused(problems)
