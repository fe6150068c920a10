"""Every source that the project names is in the references, so that a reader can follow each number."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

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
    return used


def listed() -> list[str]:
    keys = [
        source["key"]
        for path in ROOT.glob("docs/references.d/*.toml")
        for source in tomllib.loads(path.read_text("utf-8"))["source"]
    ]
    references = ROOT / "docs/references.md"
    return keys + (
        re.findall(r"^\W*`([a-z0-9.-]+)`", references.read_text("utf-8"), re.M) if references.exists() else []
    )


def test_every_source_is_in_the_references() -> None:
    assert {key: file for key, file in sources_used().items() if key not in listed()} == {}


def test_no_source_is_listed_twice() -> None:
    assert sorted(listed()) == sorted(set(listed()))
