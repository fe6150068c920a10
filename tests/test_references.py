"""Every source that the project names is in the references, so that a reader can follow each number."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from scripts import references

ROOT = Path(__file__).parent.parent
KEY_AND_PLACE = re.compile(r"([a-z0-9]+(?:-[a-z0-9]+)*)(?:,.*| \(.*| for .*)?", re.DOTALL)


def sources_used() -> dict[str, str]:
    """Every source key that code, formulas, rules and worked examples name, with one file that names it."""
    used: dict[str, str] = {}
    for path in sorted(ROOT.glob("compounding/**/*.py")):
        text = path.read_text("utf-8")
        for block in re.findall(r"\n +Source:\n +(.*?)(?:\n\n|\n *\"\"\")", text, re.DOTALL):
            pieces = [KEY_AND_PLACE.fullmatch(piece) for piece in re.split(r";\s+", block)]
            used |= {piece[1]: path.name for piece in pieces if piece}
        used |= dict.fromkeys(re.findall(r'source="([^"]+)"', text), path.name)
    for folder in ("formulas", "compounding/rules", "tests/cases"):
        for path in ROOT.glob(f"{folder}/*.toml"):
            text = path.read_text("utf-8")
            sources = re.findall(r'^source = "([^"]+)"', text, re.MULTILINE)
            pieces = [KEY_AND_PLACE.fullmatch(piece) for source in sources for piece in source.split("; ")]
            keys = [piece[1] for piece in pieces if piece and piece[1] != "computed"]
            used |= dict.fromkeys([*keys, *tomllib.loads(text).get("references", [])], path.name)
    for path in ROOT.glob("labels/**/*.toml"):
        used |= dict.fromkeys(tomllib.loads(path.read_text("utf-8"))["sources"], path.name)
    return used


def listed() -> list[str]:
    return [source["key"] for subject in references.subjects() for source in subject["source"]]


def everything_that_may_name_a_source() -> str:
    folders = ("compounding", "formulas", "labels", "tests/cases", "docs/decisions")
    paths = [
        path for folder in folders for ending in ("py", "toml", "md") for path in ROOT.glob(f"{folder}/**/*.{ending}")
    ]
    paths.append(ROOT / "docs" / "rules.md")
    return "\n".join(path.read_text("utf-8") for path in paths)


def test_every_source_is_in_the_references() -> None:
    assert {key: file for key, file in sources_used().items() if key not in listed()} == {}


def test_no_source_is_listed_twice() -> None:
    assert sorted(listed()) == sorted(set(listed()))
    places = [source["where"] for subject in references.subjects() for source in subject["source"]]
    assert {where for where in places if places.count(where) > 1} <= {"our own judgement; a pharmacist confirms it"}


def test_every_source_that_is_listed_is_named_somewhere() -> None:
    text = everything_that_may_name_a_source()
    assert [key for key in listed() if not re.search(rf"(?<![a-z0-9-]){re.escape(key)}(?![a-z0-9-])", text)] == []


def test_every_source_has_a_grade() -> None:
    graded = {source["grade"] for subject in references.subjects() for source in subject["source"]}
    assert graded == {"A", "B", "C", "ours"}


def test_the_page_of_references_is_current() -> None:
    assert (ROOT / "docs" / "references.md").read_text("utf-8") == references.page(), "run `make references`"
