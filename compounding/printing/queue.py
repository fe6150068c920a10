"""A queue of CUPS: what it offers is asked first, and a job is followed until the printer has had it.

``lp`` says that a job was accepted, which is not that it was printed: a job may fail later. A queue that does not
know the label's size puts it on a sheet of Letter without a word (cups-trial).
"""

from __future__ import annotations

import csv
import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence

from compounding.frozen import dataclass
from compounding.problems import EnvironmentFails, Problem

POINTS = {"in": 72.0, "mm": 72 / 25.4}
SAME_SIZE = 1.5  # a queue's sizes are rounded to millimetres or hundredths of an inch [pt]
SIZE = re.compile(r"_([0-9.]+)x([0-9.]+)(in|mm)$")
ANSWER_SECONDS = 10.0
POLL_SECONDS = 0.25

# What a printer says of itself (ipp-rfc8011, 5.4.12), and what to do.
REASONS = {
    "media-empty": ("printer.out-of-paper", "is out of labels: load the roll"),
    "media-needed": ("printer.out-of-paper", "is out of labels: load the roll"),
    "media-jam": ("printer.jam", "has a jam: clear it"),
    "cover-open": ("printer.open", "is open: close it"),
    "door-open": ("printer.open", "is open: close it"),
    "marker-supply-empty": ("printer.out-of-ribbon", "is out of ribbon or toner: load it"),
    "offline": ("printer.away", "is away: switch it on and check the cable"),
    "connecting-to-device": ("printer.away", "is away: switch it on and check the cable"),
    "timed-out": ("printer.away", "is away: switch it on and check the cable"),
    "shutdown": ("printer.away", "is shut down: switch it on"),
}
# What CUPS says, in English, when it finds nobody at the printer's address.
UNREACHABLE = re.compile(
    "not exist|unavailable|not responding|unreachable|Unable to locate|not connected", re.IGNORECASE
)
ENDED = {"completed", "canceled", "aborted"}


@dataclass(frozen=True)
class Queue:
    """What a queue offers and how it is.

    Args:
        media: names of sizes with width and height [pt].
        least, most: the sizes between which it takes any other, or None [pt].
        dots_per_inch: what it can print; empty if it does not say.
        message: what it last said in words; it may be about a job of yesterday.
    """

    name: str
    accepting: bool
    state: str
    reasons: tuple[str, ...]
    media: tuple[tuple[str, float, float], ...]
    least: tuple[float, float] | None
    most: tuple[float, float] | None
    dots_per_inch: frozenset[int]
    message: str


@dataclass(frozen=True)
class Ended:
    """What became of a job: its number, whether the printer took it, and why not."""

    job: str
    done: bool
    problem: Problem | None = None


def ask_queue(name: str) -> Queue:
    """What a queue offers and how it is now.

    Raises:
        EnvironmentFails: there is no printing system, or no such queue.
    """
    wanted = (
        "printer-is-accepting-jobs", "printer-state", "printer-state-reasons", "printer-resolution-supported",
        "media-supported", "printer-state-message",
    )  # fmt: skip
    found = _ipp("Get-Printer-Attributes", f"printers/{name}", "printer-uri", wanted)
    if found is None:
        queues = ", ".join(queue_names()) or "none"
        raise EnvironmentFails(Problem("printer.unknown", f"There is no queue {name} here. There are: {queues}", name))
    accepting, state, reasons, resolutions, media, message = found
    sizes = tuple(_sizes(media.split(",")))
    bounds = {key: size for key, *size in sizes if key.startswith(("custom_min_", "custom_max_"))}
    least = next((size for key, size in bounds.items() if key.startswith("custom_min")), None)
    most = next((size for key, size in bounds.items() if key.startswith("custom_max")), None)
    return Queue(
        name,
        accepting == "true",
        state,
        tuple(_bare(reason) for reason in reasons.split(",") if reason and not reason.endswith("-report")),
        tuple(size for size in sizes if size[0] not in bounds),
        (least[0], least[1]) if least else None,
        (most[0], most[1]) if most else None,
        frozenset(int(each) for each in re.findall(r"(?:x|^|,)([0-9]+)dpi", resolutions)),
        message,
    )


def queue_names() -> list[str]:
    """The queues that there are."""
    done = _run(["lpstat", "-e"])
    return sorted(done.stdout.split()) if done.returncode == 0 else []


def medium_for(queue: Queue, width: float, height: float, dots_per_inch: int) -> tuple[str, list[Problem]]:
    """The queue's own name for a size of label, and everything that keeps it from being printed there.

    Args:
        width, height: of the page [pt].
        dots_per_inch: for which the barcode's modules are whole dots.
    """
    problems = []
    if not queue.accepting or queue.state == "stopped":
        text = f"Queue {queue.name} {'is stopped' if queue.accepting else 'takes no jobs'}: start it (cupsenable, cupsaccept)"
        problems.append(Problem("printer.stopped", text, queue.name))
    for code, words in dict.fromkeys(REASONS[reason] for reason in queue.reasons if reason in REASONS):
        problems.append(Problem(code, f"The printer of {queue.name} {words}. Nothing was sent", queue.name))
    if queue.dots_per_inch and dots_per_inch not in queue.dots_per_inch:
        offered = ", ".join(map(str, sorted(queue.dots_per_inch)))
        text = (
            f"Queue {queue.name} prints {offered} dots per inch, the stock is for {dots_per_inch}: choose another stock"
        )
        problems.append(Problem("printer.resolution", text, queue.name))
    name = _name_of(queue, width, height)
    if not name:
        size = f"{width / 72:.2f} x {height / 72:.2f} in"
        offered = ", ".join(each for each, *_ in queue.media[:4]) + (" and others" if len(queue.media) > 4 else "")
        text = (
            f"Queue {queue.name} does not offer {size}; it has {offered or 'no sizes'}. The label would come out on "
            "another page: set the queue up for this roll, or choose another stock"
        )
        problems.append(Problem("printer.media", text, queue.name))
    return name, problems


def _name_of(queue: Queue, width: float, height: float) -> str:
    for across, along in ((width, height), (height, width)):
        for name, wide, high in queue.media:
            if abs(wide - across) <= SAME_SIZE and abs(high - along) <= SAME_SIZE:
                return name
    if queue.least and queue.most:
        inside = queue.least[0] <= width <= queue.most[0] and queue.least[1] <= height <= queue.most[1]
        return f"Custom.{width:g}x{height:g}" if inside else ""
    return ""


def print_label(queue: Queue, medium: str, dots_per_inch: int, document: bytes, title: str, seconds: float) -> Ended:
    """Hand a label to a queue and follow the job to its end.

    A job that is not done in time is cancelled, so that no label comes out that counts as not printed.

    Args:
        title: for the list of jobs, which others can read: no patient's name.
        seconds: how long the printer may take.

    Raises:
        EnvironmentFails: the queue did not accept the job: nothing was sent.
    """
    options = (f"media={medium}", "print-scaling=none", f"Resolution={dots_per_inch}dpi")
    words = ["lp", "-d", queue.name, "-n", "1", "-t", title, *(word for each in options for word in ("-o", each))]
    done = _run(words, document)
    found = re.search(r"request id is \S*-([0-9]+)", done.stdout)
    if done.returncode or not found:
        text = f"Queue {queue.name} did not accept the label: {done.stderr.strip() or 'it does not say why'}"
        raise EnvironmentFails(Problem("printer.not-accepted", text, queue.name))
    job = found[1]
    ended = _followed(queue, job, seconds)
    if ended:
        return ended
    why = _why_not(queue)
    _run(["cancel", job])
    return _followed(queue, job, ANSWER_SECONDS, why) or Ended(job, False, why)


def _followed(queue: Queue, job: str, seconds: float, why: Problem | None = None) -> Ended | None:
    """What became of a job; None if it did not end in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = _ipp("Get-Job-Attributes", f"jobs/{job}", "job-uri", ("job-state", "job-state-reasons"))
        state, reasons = found or ("canceled", "")
        failed = "errors" in reasons or state in ("processing-stopped", "aborted", "canceled")
        if state in ENDED or failed:
            text = (
                f"Job {job} of queue {queue.name} failed ({state}: {reasons or 'no reason given'}). Look at the printer"
            )
            return Ended(job, not failed, (why or Problem("printer.job-failed", text, queue.name)) if failed else None)
        time.sleep(POLL_SECONDS)
    return None


def _why_not(queue: Queue) -> Problem:
    """Why a job does not come out, by what the printer says of itself now."""
    now = ask_queue(queue.name)
    _, problems = medium_for(now, 0, 0, 0)
    named = {code for code, _ in REASONS.values()} | {"printer.stopped"}
    known = next((problem for problem in problems if problem.code in named), None)
    if known:
        words = known.text.removesuffix(". Nothing was sent")
        return Problem(known.code, f"{words}. The job was cancelled", queue.name)
    said = f" ({now.message.rstrip('.')})" if now.message else ""
    if UNREACHABLE.search(now.message):
        text = f"The printer of {queue.name} is away{said}: switch it on and check the cable. The job was cancelled"
        return Problem("printer.away", text, queue.name)
    text = (
        f"The printer of {queue.name} did not take the label in time{said}; the job was cancelled. Look at the printer"
    )
    return Problem("printer.too-slow", text, queue.name)


def _sizes(names: Sequence[str]) -> Iterator[tuple[str, float, float]]:
    for name in names:
        size = SIZE.search(name)
        if size:
            yield name, float(size[1]) * POINTS[size[3]], float(size[2]) * POINTS[size[3]]


def _bare(reason: str) -> str:
    return reason.removesuffix("-error").removesuffix("-warning")


def _ipp(operation: str, path: str, uri: str, wanted: Sequence[str]) -> tuple[str, ...] | None:
    """The wanted attributes of a queue or a job, as text; None if there is no such thing."""
    server = _run(["lpstat", "-H"]).stdout.strip()
    host = "localhost" if server.startswith("/") or not server else server
    lines = (
        f"OPERATION {operation}",
        "GROUP operation-attributes-tag",
        "ATTR charset attributes-charset utf-8",
        "ATTR naturalLanguage attributes-natural-language en",
        f"ATTR uri {uri} $uri",
        f"ATTR keyword requested-attributes {','.join(wanted)}",
        *(f"DISPLAY {name}" for name in wanted),
    )
    asked = "{\n" + "\n".join(lines) + "\n}\n"
    done = _run(["ipptool", "-c", "-T", f"{ANSWER_SECONDS:.0f}", f"ipp://{host}/{path}", "/dev/stdin"], asked.encode())
    if done.returncode:
        text = f"The printing system does not answer: {(done.stderr or done.stdout).strip() or 'start CUPS'}"
        raise EnvironmentFails(Problem("printer.no-system", text))
    rows = list(csv.reader(done.stdout.splitlines()))
    return tuple(rows[-1]) if len(rows) > 1 and len(rows[-1]) == len(wanted) else None


def _run(words: list[str], given: bytes = b"") -> subprocess.CompletedProcess[str]:
    """Run a program of the printing system, in English; words go to it as they are, through no shell."""
    surroundings = os.environ | {"LC_ALL": "C.UTF-8", "LANGUAGE": ""}
    try:
        done = subprocess.run(words, input=given, env=surroundings, capture_output=True, check=False, timeout=60)
    except FileNotFoundError:
        text = f"{words[0]} is not here: install the client of CUPS (cups-client and cups-ipp-utils)"
        raise EnvironmentFails(Problem("printer.no-system", text, words[0])) from None
    except subprocess.TimeoutExpired:
        raise EnvironmentFails(Problem("printer.no-system", f"{words[0]} does not answer: restart CUPS")) from None
    out, err = (part.decode("utf-8", "replace") for part in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(words, done.returncode, out, err)
