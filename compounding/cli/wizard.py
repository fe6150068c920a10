"""What ``init`` asks on a terminal: one thing at a time, each checked as it is given and asked again until it fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from compounding.cli.show import notice
from compounding.problems import CompoundingError

T = TypeVar("T")


def asked(question: str, read: Callable[[str], T], default: str | None = None) -> T:
    """One answer, read; what is wrong with it is said, and it is asked again."""
    while True:
        answer = click.prompt(question, default=default, show_default=bool(default), err=True)
        try:
            return read(str(answer).strip())
        except CompoundingError as error:
            for problem in error.problems:
                notice(f"  {problem.text}")


def several(another: str, ask: Callable[[], T], *, first: bool = True) -> tuple[T, ...]:
    """Answers of one kind until there are no more; ``first`` is asked without asking whether there is one."""
    found = [ask()] if first else []
    while click.confirm(another, default=False, err=True):
        found.append(ask())
    return tuple(found)
