"""A bench to try commands at: a folder with settings and a journal, and the command line run in this process.

The real command line is run, from its arguments to its exit code; only the start of a process is left out,
because it takes longer than everything else. Names and numbers are those of the demo, all invented.
"""

from __future__ import annotations

import gc
import io
import json
import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compounding.cli import demo
from compounding.cli.main import run

EXPIRY = "2099-12-31"


@dataclass(frozen=True)
class Ran:
    """What a command did: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def codes(self) -> list[str]:
        """The code of each problem that was told, in order; ``usage`` for what click itself refused."""
        told = [line.rpartition(" [")[2].removesuffix("]") for line in self.err.splitlines() if line.endswith("]")]
        return ["usage"] if self.err.startswith("Usage:") else told


@dataclass(frozen=True)
class Bench:
    """A folder where one pharmacy works, under its settings or under others."""

    folder: Path
    settings: str = "settings.toml"

    @property
    def journal(self) -> Path:
        return self.folder / "journal.sqlite"

    def run(self, command: str | list[str], person: str = "ana") -> Ran:
        """Run one command as a person would; ``{folder}`` and ``{expiry}`` stand for this folder and a far day."""
        words = command if isinstance(command, list) else shlex.split(command)
        words = [word.replace("{folder}", str(self.folder)).replace("{expiry}", EXPIRY) for word in words]
        secrets = self.folder / "passphrases"
        asked = ["--passphrase-file", str(secrets)] if secrets.is_dir() else []
        return ran(["--settings", str(self.folder / self.settings), "--as", person, *asked, *words])

    def under(self, begin: str, end: str = "") -> Bench:
        """The same bench under its settings with lines at their beginning, and tables at their end."""
        other = self.folder / "other.toml"
        other.write_text(f"{begin}\n{(self.folder / self.settings).read_text()}\n{end}")
        return Bench(self.folder, other.name)

    def do(self, command: str | list[str], person: str = "ana") -> Ran:
        """Run a command that must succeed."""
        done = self.run(command, person)
        assert done.code == 0, f"{command}: {done.err}"
        return done

    def head(self) -> str:
        """The journal's head, after every byte of it was checked."""
        return str(self.do("journal verify --json").json["head"])


def ran(arguments: list[str]) -> Ran:
    """Run the command line in this process."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    try:
        with redirect_stdout(out), redirect_stderr(err):
            run(arguments)
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        gc.enable()  # a real command ends its process without having collected
    return Ran(code, out.getvalue(), err.getvalue())


def begun(folder: Path, *, signed: bool = False) -> Bench:
    """A bench as the demo sets it up, nothing received yet; signed, if everyone shall have a key."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tablets.txt").write_text(demo.TABLETS)
    words = shlex.split(demo.SETUP)
    words[words.index("--folder") + 1] = str(folder)
    done = ran([*words, "--signatures", "required" if signed else "optional"])
    assert done.code == 0, done.err
    bench = Bench(folder)
    if signed:
        passphrases(folder)
        for person, introducer in {"ana": "ana", "ben": "ana", "tom": "ana", "kim": "ben"}.items():
            bench.do(f"person add {person}", introducer)
    return bench


def words_approved(bench: Bench, language: str = "en") -> None:
    """A pharmacist has approved the words of labels; once is enough."""
    done = bench.run(f"label text approve {language}")
    assert done.codes in ([], ["text.approved"] * len(done.codes)), done.err


def passphrases(folder: Path) -> None:
    """A file with a passphrase for each person, as scripts name it."""
    demo.write_passphrases(folder)


def forget_what_was_seen() -> None:
    """This machine has seen no journal before."""
    shutil.rmtree(os.environ["XDG_STATE_HOME"], ignore_errors=True)


def story(part: str) -> Iterator[tuple[str, str]]:
    """The commands of the demo that are not refused and name a part (``lot receive``, ``CAPS-1``), with their person."""
    for _, person, command in demo.STORY:
        if part in command and not command.startswith("! "):
            yield person, command.replace("--weights tablets.txt", "--weights {folder}/tablets.txt")


def stocked(folder: Path, *, signed: bool = False) -> Bench:
    """A bench with every lot of the demo received."""
    bench = begun(folder, signed=signed)
    for person, command in story("lot receive"):
        bench.do(command, person)
    return bench


def carried_on(bench: Bench, batch: str, to: str, begin: str = "batch open", id: str | None = None) -> None:
    """Make the demo's batch, perhaps under another id, from one command up to before another; no paper."""
    commands = [(person, command) for person, command in story(batch) if ".pdf" not in command or to in command]
    first = next(place for place, (_, command) in enumerate(commands) if begin in command)
    for person, command in commands[first:]:
        if to in command:
            return
        bench.do(command.replace(batch, id or batch), person)
