"""Every code of a problem is explained, and nothing is explained that is no code."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from compounding.cli import explain
from tests.bench import ran

PACKAGE = Path(__file__).parent.parent / "compounding"
CODE = re.compile(r"[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*")
# Words with a point that are no codes: names of files, kinds of network disks, and modules.
FILES = re.compile(r".*\.(pdf|toml|json|sqlite|py|txt|svg|ics|csv|xlsx|example|db|png|html|xml)")
OTHERS = {"fuse", "importlib", "pint"}


def texts(file: Path) -> Iterator[ast.AST]:
    """Where codes may stand; the second path names with such words what it compares, too."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if "second" not in file.parts:
            yield node
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Problem", "CannotCompute"):
            yield from (*node.args, *(keyword.value for keyword in node.keywords))


def codes_of_the_package() -> set[str]:
    return {
        node.value
        for file in PACKAGE.rglob("*.py")
        for node in texts(file)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value)
        if not FILES.fullmatch(node.value) and node.value.split(".")[0] not in OTHERS
    }


def test_every_code_of_the_package_is_explained_and_no_other() -> None:
    assert codes_of_the_package() - {*explain.codes()} == set()
    assert {*explain.codes()} - codes_of_the_package() == set()


def test_what_is_said_of_some_codes_is_said_of_codes_that_are_there() -> None:
    for name, row in explain.subjects().items():
        assert set(row.get("means", {})) <= set(row["codes"]), name


def test_each_source_stands_in_the_references() -> None:
    references = [tomllib.loads(file.read_text("utf-8")) for file in (PACKAGE.parent / "docs/references.d").glob("*.toml")]
    keys = {source["key"] for each in references for source in each["source"]}
    assert {row["source"] for row in explain.subjects().values() if "source" in row} <= keys


def test_a_code_is_explained_as_it_stands_in_a_message() -> None:
    told = ran(["explain", "[weighing.outside-limits]"])
    assert told.code == 0 and "Source  usp-41" in told.out and "the batch waits" in told.out
    assert ran(["explain", "lot.expired", "--json"]).json["means"] == "The lot is past its expiry."


@pytest.mark.parametrize(
    ("typed", "near"), [("weighing.outside-limit", "weighing.outside-limits"), ("wieghing.outside-limits", "weighing.outside-limits")]
)
def test_an_unknown_code_gets_the_near_one(typed: str, near: str) -> None:
    told = ran(["explain", typed])
    assert (told.code, told.codes) == (2, ["explain.unknown"]) and f"did you mean {near}?" in told.err


def test_a_code_that_is_made_while_a_command_runs_is_explained_by_its_subject() -> None:
    told = ran(["explain", "verify.structure"])
    assert told.code == 0 and "newest backup" in told.out


@pytest.mark.parametrize("typed", ["weighing", "nothing.at-all", "verify."])
def test_what_is_no_code_is_refused(typed: str) -> None:
    assert ran(["explain", typed]).codes == ["explain.unknown"]
