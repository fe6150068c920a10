"""What the project needs is what its locked environments hold."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
NEEDED = {
    "base.lock": PROJECT["project"]["dependencies"],
    "dev.lock": [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]],
    "mutants.lock": PROJECT["dependency-groups"]["mutants"],
    "simulation.lock": PROJECT["project"]["optional-dependencies"]["simulation"],
}


def name_of(requirement: str) -> str:
    """The name of a distribution as a lock writes it."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return re.sub(r"[-_.]+", "-", found[0]).lower()


@pytest.mark.parametrize("lock", NEEDED)
def test_a_lock_pins_everything_that_the_project_names(lock: str) -> None:
    lines = (ROOT / "requirements" / lock).read_text("utf-8").splitlines()
    pinned = {name_of(line) for line in lines if re.match(r"[a-z0-9]", line)}
    assert sorted({name_of(each) for each in NEEDED[lock]} - pinned) == []


def test_a_lock_names_no_library_that_the_project_left() -> None:
    lines = (ROOT / "requirements" / "base.lock").read_text("utf-8").splitlines()
    asked_for = {
        name
        for place, line in enumerate(lines)
        if (found := re.match(r"([a-z0-9-]+)==", line))
        for name in [found[1]]
        if "pyproject.toml" in "".join(lines[place : place + 400]).split("==", 2)[1]
    }
    assert asked_for == {name_of(each) for each in NEEDED["base.lock"]}
