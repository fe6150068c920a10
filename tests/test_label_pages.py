"""The pages on printing and scanning: every command says what its page shows. Run with --write to write them anew."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pages import alike, rewritten, run_all, shown_in
from tests.printers import READY, cups, thermal
from tests.released import copied, labelled, released

HOW_TO = Path(__file__).parent.parent / "docs" / "how-to"
ADDRESS = "zebra.local:9100"


def printing(folder: Path) -> list[str]:
    """What the commands on printing print, with real printers in the place of the page's."""
    with pytest.MonkeyPatch.context() as patch, cups() as system, thermal(READY) as printer:
        patch.setenv("CUPS_SERVER", system.server)
        system.queue("ZEBRA", f"socket://127.0.0.1:{printer.port}")
        here = f"127.0.0.1:{printer.port}"
        page = (HOW_TO / "print-a-label.md").read_text("utf-8").replace(ADDRESS, here)
        return [printed.replace(here, ADDRESS) for _, printed in run_all(shown_in(page), folder)]


def scanning(folder: Path) -> list[str]:
    """What the commands on scanning print."""
    page = (HOW_TO / "scan.md").read_text("utf-8")
    return [printed for _, printed in run_all(shown_in(page), folder)]


PAGES: dict[str, Callable[[Path], list[str]]] = {"print-a-label": printing, "scan": scanning}


def ran(name: str, folder: Path) -> list[str]:
    bench = released(folder / "released")
    if name == "scan":
        labelled(bench)
    return PAGES[name](copied(bench, folder / "bench").folder)


@pytest.mark.parametrize("name", PAGES)
def test_the_commands_of_the_page_say_what_it_shows(name: str, tmp_path: Path) -> None:
    shown = shown_in((HOW_TO / f"{name}.md").read_text("utf-8"))
    for each, printed in zip(shown, ran(name, tmp_path), strict=True):
        assert alike(printed) == alike(each.printed), f"{each.typed}\nrun this file with --write to write the page anew"


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    for name in PAGES:
        with tempfile.TemporaryDirectory() as place:
            now = ran(name, Path(place))
        page = HOW_TO / f"{name}.md"
        page.write_text(rewritten(page.read_text("utf-8"), now), "utf-8")
