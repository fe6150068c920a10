"""``compounding explain``: what the code of a problem means, why it is looked at, and what to do."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click

from compounding.cli.app import nearest
from compounding.cli.show import emit, json_option, say
from compounding.problems import NotUnderstood, Problem

FILE = Path(__file__).with_name("explain.toml")


@cache
def subjects() -> dict[str, dict[str, Any]]:
    """Each subject of the problems there are, by the word before the point of their codes."""
    return tomllib.loads(FILE.read_text("utf-8"))


def codes() -> Iterator[str]:
    """Every code, sorted."""
    for name, row in subjects().items():
        yield from (f"{name}.{each}" for each in row["codes"])


def explained(code: str) -> dict[str, str | None]:
    """What a code means.

    Raises:
        NotUnderstood: there is no such code.

    Example:
        >>> explained("weighing.below-minimum")["means"]
        'The mass is less than the balance may weigh: its error would be too large a part of it.'
    """
    known = list(codes())
    name, _, last = code.partition(".")
    near = difflib.get_close_matches(code, known, n=1, cutoff=0.8)
    # Some codes are made while a command runs, of the state of a batch or of what the inspector's program found.
    if code not in known and (near or not last or name not in subjects()):
        subject = [each for each in known if each.startswith(f"{name}.")]
        text = f"{code} is no code of a problem{nearest(code, subject or known)}"
        raise NotUnderstood(Problem("explain.unknown", text, code))
    row = subjects()[name]
    return {
        "code": code,
        "means": row.get("means", {}).get(last),
        "about": row["about"],
        "why": row["why"],
        "mend": row["mend"],
        "source": row.get("source"),
    }


class _Code(click.ParamType[str]):
    name = "code"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        return [click.shell_completion.CompletionItem(code) for code in codes() if code.startswith(incomplete)]


@click.command()
@click.argument("code", type=_Code())
@json_option
def explain(code: str, as_json: bool) -> None:
    """Say what the code of a problem means: the words in brackets at the end of a message.

    \b
    compounding explain weighing.outside-limits
    compounding explain journal.older-copy
    """
    found = explained(code.strip("[]"))
    if as_json:
        emit(found)
        return
    say(str(found["code"]))
    for title, key in (("Means", "means"), ("About", "about"), ("Why", "why"), ("To do", "mend")):
        if found[key]:
            say(f"  {title:<7} {found[key]}")
    if found["source"]:
        say(f"  Source  {found['source']}, in docs/references.md")
    if found["means"] is None:
        say("  The message itself says what was seen and what was expected.")
