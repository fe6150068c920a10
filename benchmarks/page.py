"""Where the figures of a benchmark stand in docs/performance.md: between two marks with its name."""

from __future__ import annotations

import platform
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"


def write_table(name: str, table: str) -> None:
    """Puts a table, with the interpreter and machine it was measured on, between the marks of its benchmark."""
    page = PAGE.read_text("utf-8")
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, after = page.split(begin)[0], page.split(end)[1]
    machine = f"CPython {platform.python_version()} on {platform.system()} {platform.machine()}."
    PAGE.write_text(f"{before}{begin}\n{machine}\n\n{table}\n{end}{after}", "utf-8")
