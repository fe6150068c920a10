"""What every test shares: Hypothesis gives CI the same examples every run, and a person new ones; keys are cheap to open.

Commands that run in a process of their own, such as those of the pages, seal keys at the full cost.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from compounding.store import keys, sealing
from tests.bench import Bench
from tests.released import released
from tests.servers import Server, running

settings.register_profile("default", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

# The heads that this machine has seen of the journals of tests are kept where they are thrown away.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="compounding-state-")
keys.COST = keys.Cost(passes=1, memory=8, lanes=1)
sealing.WORK = 4


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server with an empty database, one for each process that runs tests."""
    with running() as server:
        yield server


@pytest.fixture(params=["file", "server"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where a journal may be begun: a file in an empty folder, and an empty database on a server."""
    if request.param == "file":
        return tmp_path / "journal.db"
    server: Server = request.getfixturevalue("server")
    return server.emptied()


@pytest.fixture(scope="session")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """CAPS-1 is released, the English words are approved, and it has no label: nobody writes to it."""
    return released(tmp_path_factory.mktemp("released"))
