"""A thermal printer that is spoken to directly, over TCP port 9100.

Before a label is sent the printer is asked how it is (``~HS``). A Zebra without media or with its head open may not
answer at all, and other printers never do: then nobody knows whether the label came out until it is scanned.
"""

from __future__ import annotations

import socket
import time

from compounding.frozen import dataclass
from compounding.problems import EnvironmentFails, NotUnderstood, Problem

PORT = 9100
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 1.0
POLL_SECONDS = 0.2
ASK = b"~HS\r\n"
END = b"\x03"
# What is wrong, by its place in the three strings that a printer answers with.
FLAGS = (
    (0, 1, "printer.out-of-paper", "is out of labels: load the roll"),
    (0, 2, "printer.paused", "is paused: press its pause key"),
    (0, 10, "printer.not-ready", "is too cold"),
    (0, 11, "printer.not-ready", "is too hot: let it cool"),
    (1, 2, "printer.open", "has its head open: close it"),
    (1, 3, "printer.out-of-ribbon", "is out of ribbon: load one"),
)
WAITING = ((0, 4), (1, 8))  # formats in its buffer; labels left of a batch


@dataclass(frozen=True)
class Status:
    """What a printer says of itself.

    Args:
        faults: pairs of code and words.
        waiting: labels that it has taken and not printed.
    """

    faults: tuple[tuple[str, str], ...]
    waiting: int


def read_address(text: str) -> tuple[str, int]:
    """Host and port of ``HOST`` or ``HOST:PORT``.

    Example:
        >>> read_address("zebra.local")
        ('zebra.local', 9100)
    """
    host, _, port = text.partition(":")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536 if port else ":" not in text):
        raise NotUnderstood(Problem("printer.address", f"{text!r} is no printer's address: write HOST:9100", text))
    return host, int(port or PORT)


def check_ready(address: str) -> None:
    """Whether a printer is there and, if it says so, ready.

    Raises:
        EnvironmentFails: it is away or not ready, and why.
    """
    try:
        with socket.create_connection(read_address(address), timeout=CONNECT_SECONDS) as connection:
            _refuse_faults(address, _asked(connection))
    except OSError as error:
        raise _away(address, error) from None


def send(address: str, document: bytes, seconds: float) -> bool:
    """Send a label to a printer that was found ready (`check_ready`).

    Args:
        address: ``HOST:PORT``.
        document: ZPL.
        seconds: how long the printer may take to say that it is done.

    Returns:
        True if the printer said afterwards that nothing is left to print; False if it does not say.

    Raises:
        EnvironmentFails: the printer went away; if it has a part of the label, it prints none of it.
    """
    try:
        with socket.create_connection(read_address(address), timeout=CONNECT_SECONDS) as connection:
            connection.sendall(document)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                status = _asked(connection)
                if status is None:
                    return False
                if not status.faults and not status.waiting:
                    return True
                time.sleep(POLL_SECONDS)
            return False
    except OSError as error:
        raise _away(address, error) from None


def _refuse_faults(address: str, status: Status | None) -> None:
    if status and status.faults:
        raise EnvironmentFails(
            Problem(code, f"The printer at {address} {words}. Nothing was sent", address)
            for code, words in status.faults
        )


def _away(address: str, error: OSError) -> EnvironmentFails:
    text = f"The printer at {address} is away ({error.strerror or error}): switch it on and check the cable"
    return EnvironmentFails(Problem("printer.away", text, address))


def _asked(connection: socket.socket) -> Status | None:
    """How the printer is; None if it does not say."""
    connection.settimeout(ANSWER_SECONDS)
    answer = b""
    try:
        connection.sendall(ASK)
        while answer.count(END) < 3:
            part = connection.recv(4096)
            if not part:
                return None
            answer += part
    except OSError:  # it says nothing in time, or has closed the line
        return None
    return read_status(answer)


def read_status(answer: bytes) -> Status | None:
    """A printer's answer to ``~HS``; None if it is none.

    Source:
        zpl-guide, ~HS

    Example:
        >>> read_status(b"\\x02030,1,0,0406,000,0,0,0,000,0,0,0\\x03\\x02000,0,0,0,0,2,4,0,00000000,1,000\\x03\\x021234,0\\x03")
        Status(faults=(('printer.out-of-paper', 'is out of labels: load the roll'),), waiting=0)
    """
    strings = [part.strip(b"\x02\r\n ").split(b",") for part in answer.split(END)][:3]
    try:
        faults = [(code, words) for string, place, code, words in FLAGS if int(strings[string][place])]
        waiting = sum(int(strings[string][place]) for string, place in WAITING)
    except (IndexError, ValueError):
        return None
    return Status(tuple(faults), waiting)
