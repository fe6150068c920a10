"""Where the formulas and labels that travel with the package lie, and how their files are read."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from compounding.problems import EnvironmentFails, NotUnderstood, Problem

PACKAGE = Path(__file__).parent

T = TypeVar("T")


def data_folder(name: str, *, package: Path = PACKAGE) -> Path:
    """The folder of data that is shipped: ``formulas``, ``labels`` or ``verifier``.

    A checkout comes first, because an editable install copies the data into the wheel's place once
    and never again; a wheel carries them under ``compounding/data``.

    Args:
        name: the folder's name.
        package: the folder of the package itself.

    Raises:
        EnvironmentFails: the data is missing: the installation is damaged.
    """
    checkout = package.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / name).is_dir():
        return checkout / name
    inside = package / "data" / name
    if inside.is_dir():
        return inside
    raise EnvironmentFails(
        Problem("data.missing", f"The folder {name} is missing beside {package}. Install compounding-pharmacy again.")
    )


class Table:
    """One table of a TOML file whose every key is asked for once: what is left over was misspelt."""

    def __init__(self, values: dict[str, Any], file: Path, name: str = "") -> None:
        self.values = dict(values)
        self.file = file
        self.name = name

    def wrong(self, key: str, text: str) -> NotUnderstood:
        """The exception that says what is wrong with a key, and in which file."""
        where = f"{self.name}.{key}" if self.name else key
        return NotUnderstood(Problem("data.not-understood", f"{self.file.name}: {where}: {text}", where=str(self.file)))

    def take(self, key: str, kind: type[T], default: T | None = None) -> T:
        """The value of a key, which must be of a kind; without a default it must be there."""
        if key not in self.values:
            if default is None:
                raise self.wrong(key, f"is missing. Write a {kind.__name__} there.")
            return default
        value = self.values.pop(key)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool):
            raise self.wrong(key, f"{value!r} is not a {kind.__name__}.")
        return value

    def numbers(self, key: str, default: list[float] | None = None) -> tuple[float, ...]:
        """A list of numbers."""
        values = self.take(key, list, default)
        if not values or not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            raise self.wrong(key, "must be a list of numbers.")
        return tuple(float(value) for value in values)

    def tables(self, key: str) -> list[Table]:
        """A list of tables, each in its turn to be read to its end."""
        values = self.take(key, list, [])
        if not all(isinstance(value, dict) for value in values):
            raise self.wrong(key, "must be a list of tables.")
        prefix = f"{self.name}.{key}" if self.name else key
        return [Table(value, self.file, f"{prefix}[{number}]") for number, value in enumerate(values, 1)]

    def end(self) -> None:
        """Every key has been asked for; any other is refused, because it would be ignored."""
        for key in self.values:
            raise self.wrong(key, "is not a key of this file. Correct or remove it.")


def read_table(path: Path) -> Table:
    """A TOML file as a table.

    Raises:
        NotUnderstood: the file cannot be read, or is not TOML.
    """
    try:
        return Table(tomllib.loads(path.read_text(encoding="utf-8")), path)
    except FileNotFoundError:
        names = ", ".join(sorted(other.stem for other in path.parent.glob("*.toml"))) or "none"
        raise NotUnderstood(
            Problem("data.unknown", f"There is no {path.name} in {path.parent.name}. There are: {names}.", str(path))
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise NotUnderstood(
            Problem("data.not-understood", f"{path.name} cannot be read: {error}.", str(path))
        ) from None
