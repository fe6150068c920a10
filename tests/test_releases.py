"""A journal of each release is kept here, and still adds up: it is read in, verified, and says of each batch what it said then.

    PYTHONPATH=. .venv/bin/python tests/test_releases.py --write

writes those of the version in pyproject.toml anew from the demo; once a version is released, its files stay as they are.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.bench import Bench, begun, forget_what_was_seen, ran, story

ROOT = Path(__file__).parent.parent
RELEASES = ROOT / "tests" / "releases"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
BATCHES = ("CAPS-1", "LIQ-1")


def adds_up(bench: Bench) -> dict[str, Any]:
    """What a journal says, in the words that people script against."""
    told: dict[str, Any] = {"head": bench.do("journal head --json").json["head"]}
    for batch in BATCHES:
        shown = bench.do(f"batch show {batch} --json").json
        told[batch] = {key: shown[key] for key in ("state", "held", "weighed", "yielded", "labels")} | {
            "plan": {key: shown["plan"][key] for key in ("formula", "strength", "made", "beyond_use", "lines")},
            "results": bench.do(f"qc results {batch} --json").json["results"],
            "portions": bench.do(f"trace {batch} --json").json["portions"],
        }
    told["lots"] = {each["lot"]: each["left"] for each in bench.do("lot list --json").json["lots"]}
    return told


@pytest.fixture(params=sorted(folder.name for folder in RELEASES.iterdir()))
def release(request: pytest.FixtureRequest) -> Path:
    return RELEASES / request.param


@pytest.fixture
def restored(release: Path, tmp_path: Path) -> Bench:
    """The journal of a release, read into a folder with its settings."""
    shutil.copy(release / "settings.toml", tmp_path)
    forget_what_was_seen()
    bench = Bench(tmp_path)
    bench.do(f"journal import {release}/journal.jsonl")
    return bench


def test_every_release_has_its_journal_here() -> None:
    assert VERSION in {folder.name for folder in RELEASES.iterdir()}


def test_the_journal_of_a_release_still_adds_up(release: Path, restored: Bench) -> None:
    assert adds_up(restored) == json.loads((release / "adds-up.json").read_text("utf-8"))
    assert "is whole" in restored.do("journal verify").out


def test_its_exported_batches_still_verify(release: Path) -> None:
    for batch in BATCHES:
        checked = ran(["verify", str(release / f"{batch}.batch")])
        assert checked.code == 0, checked.err
        assert "Everything holds" in checked.out and "released" in checked.out


def test_its_head_on_paper_is_still_that_of_its_journal(release: Path, restored: Bench) -> None:
    head = json.loads((release / "adds-up.json").read_text("utf-8"))["head"]
    restored.do(["journal", "verify", "--witness", head])


def write() -> None:
    """The files of the version that is being made."""
    unreleased = f"## {VERSION}, not yet released" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert unreleased, f"{VERSION} is released: its journal stays as it is. Raise the version first"
    folder = RELEASES / VERSION
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as place:
        os.environ["XDG_STATE_HOME"] = place
        bench = begun(Path(place) / "bench", signed=True)
        bench.do("formula approve naltrexone-capsule")
        bench.do("formula approve naltrexone-oral-liquid")
        for part in ("lot receive", *BATCHES):
            for person, command in story(part):
                bench.do(command.replace("--out ", "--out {folder}/"), person)
        bench.do(f"journal export {folder}/journal.jsonl")
        for batch in BATCHES:
            bench.do(f"batch export {batch} --out {folder}/{batch}.batch")
        (folder / "adds-up.json").write_text(json.dumps(adds_up(bench), indent=1, ensure_ascii=False) + "\n", "utf-8")
        shutil.copy(bench.folder / "settings.toml", folder)


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    import platform

    from compounding.store import keys

    keys.COST = keys.Cost(passes=1, memory=8, lanes=1)
    platform.node = lambda: "bench-1"  # not the name of whose machine this is
    write()
