"""A PostgreSQL server of our own, in a folder of its own, for as long as the tests run.

The server refuses to run as root: then it runs as the user ``postgres``. It listens on a socket in its folder only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

WRITER = "bench"


def programs() -> Path:
    """The folder of the newest server's programs, where Debian and most others put them."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]))
    on_path = shutil.which("initdb")
    assert found or on_path, "no PostgreSQL server here: sh scripts/setup-tests.sh installs one"
    return found[-1].parent if found else Path(str(on_path)).parent


def run(program: str, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a program of the server, as a user who may."""
    becoming = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    command = [*becoming, str(programs() / program), *map(str, arguments)]
    # A server inherits what is open: it must not hold the pipe that is read to its end here.
    with tempfile.TemporaryFile("w+") as told:
        done = subprocess.run(command, stdout=told, stderr=told, stdin=subprocess.DEVNULL, cwd="/", check=False)
        told.seek(0)
        text = told.read()
    assert done.returncode == 0 or not check, text
    return subprocess.CompletedProcess(command, done.returncode, text)


@dataclass(frozen=True)
class Server:
    """One server; its socket lies in `folder`, its files in `folder`/data."""

    folder: Path
    port: int = 5432

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def address(self, role: str = WRITER, database: str = "pharmacy") -> str:
        return f"postgresql://{role}@/{database}?host={self.folder}&port={self.port}"

    def emptied(self) -> str:
        """The address for the bench, after everything was taken out of the database; nobody has seen a journal there."""
        shutil.rmtree(os.environ["XDG_STATE_HOME"], ignore_errors=True)
        self.run("DROP SCHEMA IF EXISTS compounding CASCADE")
        return self.address()

    def start(self) -> None:
        run("pg_ctl", "start", "-w", "-D", self.data, "-l", self.folder / "log")

    def stop(self, how: str = "immediate") -> None:
        run("pg_ctl", "stop", "-m", how, "-D", self.data, check=False)

    def postmaster(self) -> int:
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def run(self, *statements: str, database: str = "pharmacy") -> list[tuple[object, ...]]:
        """Statements as the owner of everything; the rows of the last one."""
        import psycopg

        with psycopg.connect(self.address("postgres", database), autocommit=True) as connection:
            for statement in statements:
                done = connection.execute(statement.encode())
            return done.fetchall() if done.description else []

    def configure(self, **settings: str) -> None:
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())


def new_folder(*, on_disk: bool = False) -> Path:
    """A folder that the server's user owns; in memory if there is room, for there a commit costs nothing."""
    memory = Path("/dev/shm")
    roomy = not on_disk and memory.is_dir() and shutil.disk_usage(memory).free > 1 << 30
    folder = Path(tempfile.mkdtemp(prefix="compounding-server-", dir=memory if roomy else None))
    give(folder)
    return folder


def give(folder: Path) -> None:
    """Let the server's user have a folder."""
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")


def made(folder: Path, port: int = 5432) -> Server:
    """A new server, not started."""
    server = Server(folder, port)
    run("initdb", "-D", server.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync",
        "--data-checksums", "--wal-segsize=1")  # fmt: skip
    server.configure(
        listen_addresses="", unix_socket_directories=str(folder), port=str(port), max_connections="300",
        shared_buffers="32MB", dynamic_shared_memory_type="mmap", max_wal_size="64MB", min_wal_size="8MB", autovacuum="off",
    )  # fmt: skip
    return server


def prepared(server: Server) -> Server:
    """A server that runs, with a database and the role of the bench."""
    server.start()
    server.run("CREATE DATABASE pharmacy", f"CREATE ROLE {WRITER} LOGIN", database="postgres")
    return server


@contextmanager
def running() -> Iterator[Server]:
    """A server with a database ``pharmacy`` and the role of the bench."""
    folder = new_folder()
    try:
        yield prepared(made(folder))
    finally:
        Server(folder).stop()
        shutil.rmtree(folder, ignore_errors=True)
