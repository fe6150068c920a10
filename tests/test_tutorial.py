"""The tutorial is the demo in words, and every command on the pages says what the page shows.

After the demo or what a command prints has changed, ``make tutorial`` writes the outputs on the pages anew.
"""

from __future__ import annotations

import re
import shlex
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from compounding.cli import demo
from tests.pages import Shown, alike, rewritten, run_all, shown_in

ROOT = Path(__file__).parent.parent
TUTORIAL, README = ROOT / "docs" / "tutorial.md", ROOT / "README.md"
PICTURES = ROOT / "docs" / "pictures"
SIZES = {"capsules-worksheet": 110, "capsules-label": 180, "capsules-leaflet": 90}  # dots per inch


def expiry() -> str:
    """The last day of use that the demo gives its lots."""
    return f"{datetime.now(UTC).year + 2}-12-31"


def commands_of_the_demo() -> list[tuple[list[str], bool]]:
    """The words of each command, and whether it is refused."""
    story = [("", demo.SETUP), *((f"--as {person} ", command) for _, person, command in demo.STORY)]
    return [
        (shlex.split(f"compounding {acting}{command.removeprefix('! ')}".format(expiry=expiry())), command[0] == "!")
        for acting, command in story
    ]


def commands_of(page: Path) -> list[Shown]:
    """The commands of a page; lots that expire at the end of a year do so as far ahead as in the demo."""
    return [
        replace(shown, typed=re.sub(r"(?<=--expires )\d{4}-12-31", expiry(), shown.typed))
        for shown in shown_in(page.read_text("utf-8"))
    ]


def ran(page: Path, folder: Path) -> list[tuple[int, str]]:
    """The exit code of each command of a page, and what it prints."""
    (folder / "tablets.txt").write_text(demo.TABLETS)
    demo.write_passphrases(folder)
    return run_all(commands_of(page), folder)


def test_the_tutorial_is_the_demo_and_its_commands_say_what_it_shows(tmp_path: Path) -> None:
    shown, ran_now = commands_of(TUTORIAL), ran(TUTORIAL, tmp_path)
    done = [(each.words, code != 0) for each, (code, _) in zip(shown, ran_now, strict=True)]
    assert [each for each in done if each[0][0] != "export"] == commands_of_the_demo()
    for each, (_, printed) in zip(shown, ran_now, strict=True):
        assert alike(printed) == alike(each.printed), f"{each.typed}\n`make tutorial` writes the page anew"
    assert {name for name, _ in demo.FILES} <= {file.name for file in tmp_path.iterdir()}


def test_the_tablets_of_the_tutorial_are_those_of_the_demo() -> None:
    assert f"\n```text\n{demo.TABLETS}```\n" in TUTORIAL.read_text("utf-8")


def test_the_commands_of_the_readme_say_what_it_shows(tmp_path: Path) -> None:
    for shown, (code, printed) in zip(commands_of(README), ran(README, tmp_path), strict=True):
        assert (code, alike(printed)) == (0, alike(shown.printed)), shown.typed


def test_the_pictures_of_the_pages_are_there_and_small() -> None:
    shown = {
        (page.parent / name).resolve()
        for page in (TUTORIAL, README)
        for name in re.findall(r"!\[[^]]+\]\(([^)]+)\)", page.read_text("utf-8"))
    }
    assert shown == {(PICTURES / f"{name}.png").resolve() for name in SIZES}
    assert max(file.stat().st_size for file in shown) < 100_000


def draw_pictures(folder: Path) -> None:
    """The first page of some of the papers that the tutorial made, in 16 greys so that they stay small."""
    import pypdfium2

    for name, dots_per_inch in SIZES.items():
        page = pypdfium2.PdfDocument(folder / f"{name}.pdf")[0]
        picture = page.render(scale=dots_per_inch / 72, grayscale=True).to_pil()
        picture.quantize(16).save(PICTURES / f"{name}.png", optimize=True)


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    for page in (TUTORIAL, README):
        with tempfile.TemporaryDirectory() as folder:
            printed = [text for _, text in ran(page, Path(folder))]
            if page == TUTORIAL:
                draw_pictures(Path(folder))
        page.write_text(rewritten(page.read_text("utf-8"), printed), "utf-8")
