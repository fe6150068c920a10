"""Where things stand: at every moment of the demo's batches the next command is the one that the demo gives next."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from tests.bench import Bench, ran, stocked, story


def items(bench: Bench) -> dict[str, dict[str, str]]:
    return {each["about"]: each for each in bench.do("status --json").json["items"]}


def until_a_blank(command: str) -> list[str]:
    """The words of a command up to the first that somebody has to fill in."""
    words = shlex.split(command)[1:]
    blank = next((place for place, word in enumerate(words) if re.fullmatch("[A-Z]{3,}", word)), len(words))
    return words[:blank]


@pytest.mark.parametrize("batch", ["CAPS-1", "LIQ-1"])
def test_what_comes_next_is_what_the_demo_does_next(batch: str, tmp_path: Path) -> None:
    bench = stocked(tmp_path)
    begun = False
    for person, command in story(batch):
        if ".pdf" in command or "sodium benzoate" in command:  # weighed twice there, the first time outside its limits
            if "sodium benzoate" in command:
                bench.run(command, person)
            continue
        if begun:
            now = until_a_blank(items(bench)[batch]["command"])
            assert shlex.split(command)[: len(now)] == now, command
        bench.do(command, person)
        begun = True
    assert batch not in items(bench)


def test_a_failing_result_is_what_a_batch_waits_for_first(tmp_path: Path) -> None:
    bench = stocked(tmp_path)
    for person, command in story("CAPS-1"):
        if "qc assay" in command:
            break
        if ".pdf" not in command:
            bench.do(command, person)
    bench.run('qc assay CAPS-1 "70 %"', "kim")
    found = items(bench)
    assert found["CAPS-1"]["command"].startswith("compounding qc investigate show INV-")
    assert any(each["group"] == "Open investigations" for each in found.values())


def test_lots_that_cannot_be_used_or_soon_cannot_are_named(tmp_path: Path) -> None:
    bench = stocked(tmp_path)
    bench.do('lot quarantine MCC-1 --reason "seal broken"')
    assert items(bench)["MCC-1"]["group"] == "Lots in quarantine"
    assert bench.do("status").out == ran(["--settings", str(tmp_path / "settings.toml"), "--as", "ana"]).out


def test_without_settings_the_help_is_shown(tmp_path: Path) -> None:
    told = ran(["--settings", str(tmp_path / "none.toml")])
    assert told.code == 0 and "First look:" in told.out


def test_each_command_names_the_next_one(tmp_path: Path) -> None:
    bench = stocked(tmp_path)
    commands = [command for _, command in story("CAPS-1") if ".pdf" not in command]
    person = {command: who for who, command in story("CAPS-1")}
    for command, after in pairwise(commands):
        told = bench.do(command, person[command]).err
        named = [line.removeprefix("Next: ") for line in told.splitlines() if line.startswith("Next: compounding")]
        if not command.startswith("batch open"):  # which names its worksheet first
            now = until_a_blank(named[0])
            assert shlex.split(after)[: len(now)] == now
