"""The manual says what --help says, and man sets it without a complaint."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click
import pytest

from compounding.cli.main import COMMANDS, compounding
from compounding.cli.manual import as_markdown, as_roff, pages
from tests.bench import ran

PAGES = {page.name: page for page in pages(compounding, "compounding")}


def test_every_command_has_a_page_that_names_each_option_of_its_help() -> None:
    for name, page in PAGES.items():
        shown = ran([*name.split()[1:], "--help"]).out
        for option, _ in page.options:
            assert option.split()[0].rstrip(",") in shown, (name, option)
        assert page.says, name


@pytest.mark.parametrize("name", PAGES)
def test_a_page_holds_its_options_whole_in_both_forms(name: str) -> None:
    page = PAGES[name]
    markdown, roff = as_markdown(page), as_roff(page)
    for option, says in page.options:
        assert " ".join(option.split()).replace("|", "\\|") in markdown
        assert says.split()[0].replace("-", "\\-").replace("'", "\\(aq") in roff
    assert all(example.splitlines()[0] in markdown for example in page.examples)


def test_groff_sets_each_page_without_a_warning(tmp_path: Path) -> None:
    ran(["man", "--all", str(tmp_path)])
    for path in sorted(tmp_path.glob("*.1")):
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", path], capture_output=True, text=True, check=True)
        assert done.stderr == "", path.name
    plan = subprocess.run(["groff", "-man", "-Tascii", tmp_path / "compounding-plan.1"], capture_output=True, text=True, check=True)
    assert "compounding plan naltrexone-capsule --strength" in plan.stdout


def test_the_first_help_names_every_command_below_a_command() -> None:
    for name in COMMANDS:
        command = compounding.get_command(click.Context(compounding), name)
        below = command.commands if isinstance(command, click.Group) else {}
        unnamed = [each for each in below if each not in COMMANDS[name][1]]
        assert unnamed == (["write", "reprint"] if name == "label" else []), name  # what `label BATCH` does


def test_a_command_that_is_none_has_no_page() -> None:
    told = ran(["man", "plann"])
    assert (told.code, told.codes) == (2, ["man.unknown"]) and "did you mean compounding plan?" in told.err
