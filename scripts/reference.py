"""Writes docs/reference/ out of the code: every command with its options, every calculation with its equation.

python scripts/reference.py
"""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "reference"

COMMANDS = """\
# Commands

Every command with its options, as `--help` and the manual pages have them. Exit codes: 0 done; 1 the answer is no;
2 input not understood; 3 the environment failed. `--json` gives one JSON object on standard output.

"""
CALCULATIONS = """\
# Calculations

Every equation that the tool computes with, and where it comes from; the keys in brackets stand in the
[sources](../references.md). Values are exact: nothing is rounded before the balance or the label. A plan shows the same
lines with its own numbers (`compounding plan … --explain`), and a test evaluates each equation against the code.
"""


def commands_page() -> str:
    """Every command, in the order of --help."""
    from compounding.cli.main import compounding
    from compounding.cli.manual import as_markdown, pages

    return COMMANDS + "\n".join(as_markdown(page) for page in pages(compounding, "compounding"))


def calculations_page() -> str:
    """Every public function of calc/ that documents an equation, module by module."""
    parts = [CALCULATIONS]
    for path in sorted((ROOT / "compounding" / "calc").glob("[a-z]*.py")):
        if path.stem == "simulation":  # numpy is not there for everyone
            continue
        module = importlib.import_module(f"compounding.calc.{path.stem}")
        found = [entry for function in _public(module) if (entry := _entry(function))]
        if found:
            parts += [f"\n## {path.stem.replace('_', ' ').capitalize()}\n", f"{_first_paragraph(module)}\n", *found]
    return "\n".join(parts)


def _public(module: ModuleType) -> list[object]:
    """The functions of a module, in the order of its text."""
    own = [
        each
        for name, each in vars(module).items()
        if inspect.isfunction(each) and each.__module__ == module.__name__ and not name.startswith("_")
    ]
    return sorted(own, key=lambda each: inspect.unwrap(each).__code__.co_firstlineno)


def _first_paragraph(thing: object) -> str:
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def _entry(function: object) -> str | None:
    """What a calculation gives, its equation, what goes in, and its source; None without an equation."""
    from compounding.calc.measured import equation_of

    text = inspect.getdoc(function) or ""
    equation = equation_of(function)  # type: ignore[arg-type]
    if not equation:
        return None
    name = function.__name__.replace("_", " ")  # type: ignore[attr-defined]
    lines = [f"### {name}\n", f"{_first_paragraph(function)}\n", f"```text\n{equation}\n```\n"]
    lines += [f"- **{given.replace('_', ' ')}**: {says}" for given, says in _given(text)]
    if source := _section(text, "Source"):
        lines.append(f"\n[{' '.join(source.split())}]")
    return "\n".join(lines) + "\n"


def _section(text: str, name: str) -> str:
    found = re.search(rf"^{name}:\n((?:    .*\n?|\n)+)", text, re.MULTILINE)
    return found[1].rstrip() if found else ""


def _given(text: str) -> list[tuple[str, str]]:
    """The arguments of a docstring with what it says of each."""
    items = re.split(r"^    (?=\w[\w, ]*:)", _section(text, "Args"), flags=re.MULTILINE)
    return [(name, " ".join(says.split())) for name, _, says in (item.partition(":") for item in items) if says.strip()]


PAGES = {"commands.md": commands_page, "calculations.md": calculations_page}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), "utf-8")
