"""Printers for tests: a private CUPS on this machine alone, thermal printers that listen, and a reader of their ZPL."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

PROGRAMS = Path("/usr/lib/cups")
READY = b"\x02030,0,0,0406,000,0,0,0,000,0,0,0\x03\r\n\x02000,0,0,0,0,2,4,0,00000000,1,000\x03\r\n\x021234,0\x03\r\n"
OUT_OF_LABELS = READY.replace(b"030,0,", b"030,1,", 1)
HEAD_OPEN = READY.replace(b"\x02000,0,0,", b"\x02000,0,1,", 1)


@dataclass
class Thermal:
    """A thermal printer on a port of its own: keeps each label that it is sent.

    Args:
        answer: what it says to ``~HS``; None for one that says nothing.
    """

    answer: bytes | None = None
    labels: list[bytes] = field(default_factory=list)
    port: int = 0

    def listen(self, server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                got = self._heard(connection)
            if got := got.replace(b"~HS\r\n", b""):
                self.labels.append(got)

    def _heard(self, connection: socket.socket) -> bytes:
        connection.settimeout(0.5)
        got = b""
        try:
            while part := connection.recv(65536):
                got += part
                if self.answer and part.endswith(b"~HS\r\n"):
                    connection.sendall(self.answer)
        except (TimeoutError, ConnectionError):
            pass
        return got

    def waited(self, count: int = 1) -> list[bytes]:
        """The labels, once there are so many."""
        end = time.monotonic() + 10
        while len(self.labels) < count and time.monotonic() < end:
            time.sleep(0.02)
        assert len(self.labels) == count
        return self.labels


@contextmanager
def thermal(answer: bytes | None = None) -> Iterator[Thermal]:
    """A thermal printer, switched on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        printer = Thermal(answer, port=server.getsockname()[1])
        threading.Thread(target=printer.listen, args=(server,), daemon=True).start()
        yield printer
        server.shutdown(socket.SHUT_RDWR)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


# A printer that says that its roll is empty and takes nothing.
NO_ROLL = """#!/bin/sh
[ $# -eq 0 ] && { echo 'direct noroll "Unknown" "a printer without labels"'; exit 0; }
echo 'STATE: +media-empty-error' >&2
trap 'exit 1' TERM
while :; do sleep 0.1; done
"""

DAEMON = """Listen 127.0.0.1:{port}
Browsing Off
DefaultAuthType None
WebInterface No
<Location />
Order allow,deny
Allow 127.0.0.1
</Location>
<Location /admin>
Order allow,deny
Allow 127.0.0.1
</Location>
<Policy default>
<Limit All>
Order deny,allow
</Limit>
</Policy>
"""


@dataclass(frozen=True)
class Cups:
    """A printing system of our own; `server` is its address for CUPS_SERVER."""

    folder: Path
    server: str

    def run(self, *words: str) -> str:
        """Run a program of CUPS against this server."""
        done = subprocess.run(words, env=os.environ | {"CUPS_SERVER": self.server, "LC_ALL": "C"},
                              capture_output=True, text=True, check=True)  # fmt: skip
        return done.stdout

    def queue(self, name: str, uri: str, driver: str = "drv:///sample.drv/zebra.ppd") -> str:
        """A new queue, which takes jobs."""
        self.run("lpadmin", "-p", name, "-E", "-v", uri, "-m", driver)
        return name


@contextmanager
def cups() -> Iterator[Cups]:
    """A private CUPS in a folder of its own, stopped by its process id."""
    folder, port = Path(tempfile.mkdtemp(prefix="cups-")), free_port()
    folder.chmod(0o755)  # its filters run as another user
    for name in ("etc", "spool", "cache", "run", "tmp", "bin/backend"):
        (folder / name).mkdir(parents=True)
    (folder / "tmp").chmod(0o1777)
    for program in PROGRAMS.iterdir():
        if program.name != "backend":
            (folder / "bin" / program.name).symlink_to(program)
    (folder / "bin/backend/socket").symlink_to(PROGRAMS / "backend/socket")
    (folder / "bin/backend/noroll").write_text(NO_ROLL)
    (folder / "bin/backend/noroll").chmod(0o755)
    places = {"ServerRoot": "etc", "RequestRoot": "spool", "CacheDir": "cache", "StateDir": "run", "TempDir": "tmp",
              "ServerBin": "bin", "AccessLog": "access", "ErrorLog": "error", "PageLog": "page"}  # fmt: skip
    files = "".join(f"{key} {folder / name}\n" for key, name in places.items())
    (folder / "etc/cups-files.conf").write_text(f"{files}SystemGroup root\n")
    (folder / "etc/cupsd.conf").write_text(DAEMON.format(port=port))
    words = ["cupsd", "-f", "-c", str(folder / "etc/cupsd.conf"), "-s", str(folder / "etc/cups-files.conf")]
    daemon = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        system = Cups(folder, f"127.0.0.1:{port}")
        _wait_for(port, daemon)
        yield system
    finally:
        daemon.terminate()
        daemon.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int, daemon: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end and daemon.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("cupsd did not start: run scripts/setup-tests.sh")


def burned_from(zpl: bytes) -> Image.Image:
    """The picture in a label's ZPL, as the printer burns it: hexadecimal with ZPL's counts and repeats."""
    text = zpl.decode("ascii")
    graphic = re.search(r"\^GFA,\d+,(\d+),(\d+),([0-9A-F,:]+)\^FS", text)
    if graphic:
        size, row_bytes, packed = int(graphic[1]), int(graphic[2]), graphic[3]
    else:
        stored = re.search(r"~DGR:CUPS\.GRF,(\d+),(\d+),\n?(.*?)\^XA", text, re.DOTALL)
        assert stored
        size, row_bytes, packed = int(stored[1]), int(stored[2]), stored[3]
    rows, row, count = [], "", 0
    for character in packed:
        if character == ":":
            rows.append(rows[-1])
        elif character in ",!":
            rows.append(row.ljust(row_bytes * 2, "0" if character == "," else "F"))
            row = ""
        elif "G" <= character <= "Y":
            count += ord(character) - ord("F")
        elif "g" <= character <= "z":
            count += (ord(character) - ord("f")) * 20
        elif character in "0123456789ABCDEF":
            row += character * (count or 1)
            count = 0
        if len(row) == row_bytes * 2:
            rows.append(row)
            row = ""
    assert len(rows) * row_bytes == size
    black = bytes.fromhex("".join(rows))
    return Image.frombytes("1", (row_bytes * 8, len(rows)), bytes(255 - byte for byte in black)).convert("L")
