"""Pages whose commands are run: what a ``console`` block shows is what the command says.

In a block, a line that begins with ``$ `` is a command, ended lines with a backslash go on in the next, and the
rest is what the command prints, standard output first. ``$ export NAME=value`` is kept for the commands after it.
What must differ from day to day is set aside before two outputs are compared: dates, times, the journal's head, and a new key.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)
_DIFFERS = (
    (re.compile(r"\b20\d\d-\d\d-\d\d\b"), "DATE"),
    (re.compile(r"\b\d\d:\d\d UTC"), "TIME"),
    (re.compile(r"\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){5}-[0-9A-Z]{2}\b"), "HEAD"),
    (re.compile(r"\bage1[0-9a-z]{58}\b"), "KEY"),
)


@dataclass(frozen=True)
class Shown:
    """A command as it is typed, perhaps over several lines, and what it prints."""

    typed: str
    printed: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.typed.replace("\\\n", " "))


def shown_in(page: str) -> list[Shown]:
    """Every command of a page, in order."""
    return [shown for block in _BLOCK.findall(page) for shown in _shown_in_block(block)]


def _shown_in_block(block: str) -> Iterator[Shown]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        typed = re.match(r"(?:.*\\\n)*.*", part)
        assert typed
        yield Shown(typed[0], part[typed.end() + 1 :])


def alike(printed: str) -> str:
    """What is printed on any day by any journal; a page leaves out the lines that name the next command."""
    printed = "".join(line for line in printed.splitlines(keepends=True) if not line.startswith("Next: "))
    for differs, name in _DIFFERS:
        printed = differs.sub(name, printed)
    return printed


def run_all(commands: list[Shown], folder: Path) -> list[tuple[int, str]]:
    """Run the commands in a folder, each in a process of its own: exit codes, and what they print."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("COMPOUNDING_")}
    surroundings |= dict.fromkeys(("XDG_CONFIG_HOME", "XDG_STATE_HOME"), str(folder))  # nobody's own settings
    results = []
    for shown in commands:
        program, *arguments = shown.words
        if program == "export":
            name, _, value = arguments[0].partition("=")
            surroundings[name] = value
            results.append((0, ""))
            continue
        assert program == "compounding", shown.typed
        done = subprocess.run(
            [sys.executable, "-m", "compounding", *arguments],
            cwd=folder,
            env=surroundings,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        results.append((done.returncode, done.stdout + done.stderr))
    return results


def rewritten(page: str, printed: list[str]) -> str:
    """The page with what its commands print now; what differs only by the day stays as it is."""
    outputs = iter(printed)

    def block_now(block: re.Match[str]) -> str:
        lines = []
        for shown in _shown_in_block(block[0]):
            now = next(outputs)
            lines.append(f"$ {shown.typed}\n" + (shown.printed if alike(now) == alike(shown.printed) else now))
        return "".join(lines)

    return _BLOCK.sub(block_now, page)
