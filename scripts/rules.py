"""Writes docs/rules.md: each rule that the records enforce, what it serves, and the tests that prove it, out of the tests.

python scripts/rules.py
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent.parent

HEAD = """\
# Rules

What the records enforce, rule by rule: the requirement that it serves, and the tests that prove it. This page is made from
the tests by `make references`, and a test holds it to them: a rule without a test cannot stand here. A rule keeps its number.

Requirements are named with the key of their [source](references.md), which says what was read of it; "from memory" marks
what was not. A pharmacy answers for its own procedures (21 CFR 11.10(i) to (k), 11.100(c)): a program cannot.

Every rule about signatures, order and stock is enforced three times: by the command that would write against it, by
`compounding journal verify`, and, as far as one batch can show it, by the program for inspectors, written apart from both.
"""


def proofs() -> Iterator[tuple[str, str, str, str]]:
    """Every proof: number of the rule, file and name of the test, and the case of it if only some cases are meant."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if "rule" not in path.read_text("utf-8"):
            continue
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for test in _tests(module):
            where = path.relative_to(ROOT).as_posix(), test.__name__
            for mark in getattr(test, "pytestmark", ()):
                if mark.name == "rule":
                    yield from ((id, *where, "") for id in mark.args)
                elif mark.name == "parametrize":
                    cases = ((case, each) for case in mark.args[1] for each in getattr(case, "marks", ()))
                    yield from ((id, *where, case.id) for case, each in cases if each.name == "rule" for id in each.args)


def _tests(module: ModuleType) -> list[object]:
    """The tests of a module, in the order of its text."""
    own = [each for name, each in vars(module).items() if name.startswith("test_") and each.__module__ == module.__name__]
    return sorted(own, key=lambda each: each.__code__.co_firstlineno)


def page() -> str:
    """The whole page."""
    from tests.enforced import RULES

    found: dict[str, dict[tuple[str, str], list[str]]] = {}
    for id, file, name, case in proofs():
        found.setdefault(id, {}).setdefault((file, name), []).append(case)
    parts, about = [HEAD], ""
    for rule in RULES:
        if rule.about != about:
            about = rule.about
            parts.append(f"\n## {about}\n")
        parts.append(f"\n**{rule.id}.** {rule.says}\n\n- *Serves:* {rule.serves}.\n")
        for (file, name), cases in found.get(rule.id, {}).items():
            said = name.removeprefix("test_").replace("_", " ")
            only = f": {'; '.join(cases)}" if any(cases) else ""
            parts.append(f"- *Proved by:* [{said}](../{file}){only}.\n")
    return "".join(parts)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    (ROOT / "docs" / "rules.md").write_text(page(), "utf-8")
