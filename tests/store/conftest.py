"""What the harnesses of faults share."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compounding.store.journal import Journal
from tests.servers import new_folder
from tests.store.pen import Pen


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory if there is room: what a failing call leaves behind does not depend on the disk."""
    folder = new_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our own code between SQLite and the system."""
    built = tmp_path_factory.mktemp("shim") / "shim.so"
    source = Path(__file__).with_name("shim.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(built), str(source), "-ldl"], check=True)
    return built


@pytest.fixture
def pen(tmp_path: Path) -> Any:
    with Journal.create(tmp_path / "journal.db", "main") as journal:
        pen = Pen(journal)
        pen.people()
        yield pen
