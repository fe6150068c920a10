"""What a real shell completes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import Bench, ran, stocked

PROGRAM = Path(sys.executable).parent


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    made = stocked(tmp_path_factory.mktemp("completion"))
    made.do('batch open naltrexone-capsule --strength "1.5 mg" --count 100 --from TAB-1 --id CAPS-1')
    return made


@pytest.mark.parametrize(
    ("typed", "replies"),
    [
        ("compounding pla", ["plan"]),
        ("compounding batch show C", ["CAPS-1"]),
        ("compounding lot show T", ["TAB-1"]),
        ("compounding plan naltrexone-o", ["naltrexone-oral-liquid"]),
        ("compounding plan naltrexone-capsule --from M", ["MCC-1"]),
        ("compounding plan naltrexone-capsule --overage-on b", ["batch"]),
        ("compounding --as to", ["tom"]),
    ],
)
def test_bash_completes_commands_ids_and_choices(bench: Bench, typed: str, replies: list[str]) -> None:
    words = " ".join(f"'{word}'" for word in typed.split(" "))
    script = (
        'source <(compounding completion bash 2>/dev/null) 2>/dev/null; compopt() { :; }; '
        f"COMP_WORDS=({words}); COMP_CWORD={len(typed.split(' ')) - 1}; _compounding_completion compounding; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    surroundings = {**os.environ, "PATH": f"{PROGRAM}:{os.environ['PATH']}"}
    surroundings |= {"COMPOUNDING_SETTINGS": str(bench.folder / "settings.toml")}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=surroundings, check=False)
    assert done.stdout.split() == replies, done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_lines(shell: str) -> None:
    printed = ran(["completion", shell]).out
    assert "_COMPOUNDING_COMPLETE" in printed and f"{shell}_complete" in printed


def test_completion_without_settings_is_silent(tmp_path: Path) -> None:
    surroundings = {**os.environ, "COMPOUNDING_SETTINGS": str(tmp_path / "none.toml"), "COMP_WORDS": "compounding batch show ", "COMP_CWORD": "3", "_COMPOUNDING_COMPLETE": "bash_complete"}  # fmt: skip
    done = subprocess.run([PROGRAM / "compounding"], capture_output=True, text=True, env=surroundings, check=False)
    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_a_mistyped_command_gets_the_near_one() -> None:
    assert "Did you mean 'certificate'?" in ran(["certifcate"]).err
