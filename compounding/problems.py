"""What can be wrong: a judgement is a value, a broken promise an exception.

Deciding functions return every `Problem` they saw. Exceptions end a command; the command line
catches them in one place and turns each into its exit code.
"""

from __future__ import annotations

from collections.abc import Iterable

from compounding.frozen import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, or that someone should know.

    Args:
        code: the stable name people script against, such as ``weighing.outside-limits``.
        text: what was seen, what was expected, what to do now; a sentence or two.
        where: the ingredient, option, file or key it is about.
        stops: True if work may not go on until someone has dealt with it.
        source: key in ``docs/references.md`` of the rule behind it.
    """

    code: str
    text: str
    where: str | None = None
    stops: bool = True
    source: str | None = None


class CompoundingError(Exception):
    """A command cannot go on; carries the problems and the exit code."""

    exit_code = 1

    def __init__(self, problems: Iterable[Problem] | Problem) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("; ".join(problem.text for problem in self.problems))


class Refused(CompoundingError):
    """The answer is no: a plan is impossible, a test fails, a rule or a record says no."""


class NotUnderstood(CompoundingError):
    """The input could not be read: it is refused, never guessed."""

    exit_code = 2


class CannotCompute(NotUnderstood):
    """A calculation was given a number outside its range."""

    def __init__(self, text: str, *, code: str = "calculation.out-of-range") -> None:
        super().__init__(Problem(code, text))


class EnvironmentFails(CompoundingError):
    """Disk, database or printer failed: nothing was recorded."""

    exit_code = 3


def stopping(problems: Iterable[Problem]) -> list[Problem]:
    """The problems that forbid going on, in the order they were seen."""
    return [problem for problem in problems if problem.stops]
