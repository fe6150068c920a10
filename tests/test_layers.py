"""Imports point down only, and each outside thing has one home: read from the source, without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "compounding"

# From the bottom up; those on one line do not know each other.
LAYERS = (
    ("frozen",),
    ("problems", "units"),
    ("quantities", "data_files", "texts"),
    ("calc", "records"),
    ("settings",),
    ("rules",),
    ("work",),
    ("store", "documents", "printing"),
    ("cli",),
    ("__main__",),
)
HEIGHT = {subject: height for height, layer in enumerate(LAYERS) for subject in layer}
HOME = {
    "pint": "units",
    "msgspec": "records",
    "sqlite3": "store",
    "psycopg": "store",
    "rfc8785": "store",
    "cryptography": "store",
    "argon2": "store",
    "reportlab": "documents/pdf",
    "zxingcpp": "documents",
    "pypdfium2": "documents",
    "click": "cli",
    "platformdirs": "cli",
    "getpass": "cli",
    ".now": "cli",
    ".today": "cli",
    ".utcnow": "cli",
}


def names_used(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported, anywhere in the file, and every attribute, as ``.name``."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                assert level == 0, "imports are written in full: from compounding.calc import amounts"
                yield from (f"{module}.{name.name}" for name in names)
            case ast.Attribute(attr=attribute):
                yield f".{attribute}"


def faults(package: Path) -> list[str]:
    """What each module of a package imports or asks that its place does not allow."""
    found = []
    for path in sorted(package.rglob("*.py")):
        module = path.relative_to(package).with_suffix("").as_posix()
        subject = module.split("/")[0]
        for name in names_used(ast.parse(path.read_text("utf-8"))):
            first, _, rest = name.partition(".")
            other = rest.split(".")[0] if first == "compounding" else subject
            if other != subject and HEIGHT[other] >= HEIGHT[subject]:
                found.append(f"{module} imports {name}, which is not below it")
            home = HOME.get(first or name)
            if home and module != home and not module.startswith(f"{home}/"):
                found.append(f"{module} uses {name}, whose home is {home}")
    return found


def test_imports_point_down_and_each_outside_thing_has_one_home() -> None:
    assert faults(PACKAGE) == []


def test_a_module_that_looks_up_and_asks_the_clock_is_caught(tmp_path: Path) -> None:
    (tmp_path / "calc").mkdir()
    (tmp_path / "calc" / "bad.py").write_text(
        "from datetime import datetime\nfrom compounding import quantities\n"
        "def f():\n    import pint\n    from compounding.records import plan\n    return datetime.now()\n"
    )
    assert faults(tmp_path) == [
        "calc/bad uses pint, whose home is units",
        "calc/bad imports compounding.records.plan, which is not below it",
        "calc/bad uses .now, whose home is cli",
    ]
