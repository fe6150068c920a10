"""Where a label goes: to a file, to a queue of CUPS, or straight to a thermal printer; and a picture of it.

A label leaves once: the ways exclude each other. It joins the record before it is sent, so that no paper is without
its entry, and what became of it is recorded after that.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from compounding.cli.app import App, Decision
from compounding.cli.show import notice
from compounding.frozen import dataclass
from compounding.problems import EnvironmentFails, NotUnderstood, Problem, Refused

if TYPE_CHECKING:
    from compounding.documents.picture import Picture
    from compounding.documents.stocks import Stock
    from compounding.printing.queue import Queue
    from compounding.store.journal import Entry

F = TypeVar("F", bound=Callable[..., Any])
SECONDS = 30.0


@dataclass(frozen=True)
class Way:
    """What was asked for; at most one of the first three.

    Args:
        preview: where to draw a picture of the label; alone, nothing is recorded.
        seconds: how long a printer may take.
    """

    out: Path | None
    queue: str | None
    raw: str | None
    preview: Path | None
    seconds: float

    @property
    def sent_to(self) -> str | None:
        """The printer, as the record names it."""
        return f"queue {self.queue}" if self.queue else f"raw {self.raw}" if self.raw else None

    @property
    def records(self) -> bool:
        """True if a label leaves the tool."""
        return bool(self.out or self.queue or self.raw)


def way_options(command: F) -> F:
    """The options that say where a label goes."""
    file = click.Path(dir_okay=False, path_type=Path)
    for option in (
        click.option("--timeout", default=SECONDS, type=click.FloatRange(1, 600), metavar="SECONDS",
                     help="How long a printer may take; default: 30."),
        click.option("--preview", type=file, metavar="FILE.png",
                     help="A picture of the dots that are burned; alone, a preview that is no label."),
        click.option("--raw", metavar="HOST:PORT", help="Send it as ZPL to a thermal printer; port 9100 if none is given."),
        click.option("--print", "queue", metavar="QUEUE", help="Print it on a queue of CUPS."),
        click.option("--out", type=file, metavar="FILE.pdf", help="Where to write the PDF; it replaces no file."),
    ):  # fmt: skip
        command = option(command)
    return command


def chosen_way(out: Path | None, queue: str | None, raw: str | None, preview: Path | None, timeout: float) -> Way:
    """The way that was asked for.

    Raises:
        NotUnderstood: none, or two that exclude each other, or a name that is no file's or printer's.
        Refused: a file is there already.
    """
    from compounding.store.files import check_paper, check_picture

    asked = [name for name, value in (("--out", out), ("--print", queue), ("--raw", raw)) if value]
    if len(asked) > 1:
        text = f"{' and '.join(asked)} exclude each other: a label leaves once. Choose one"
        raise NotUnderstood(Problem("label.ways", text, asked[1]))
    if not asked and not preview:
        text = "Say where the label goes: --out FILE.pdf, --print QUEUE, --raw HOST:PORT, or --preview FILE.png to look at it"
        raise NotUnderstood(Problem("label.ways", text, "--out"))
    if out:
        check_paper(out, may_replace=False)
    if preview:
        check_picture(preview)
    if raw:
        from compounding.printing.raw import read_address

        host, port = read_address(raw)
        raw = f"{host}:{port}"
    return Way(out, queue, raw, preview, timeout)


@dataclass(frozen=True)
class Printer:
    """A queue that takes this stock, and what it calls it."""

    queue: Queue
    medium: str


def ready_printer(way: Way, stock: Stock) -> Printer | None:
    """The queue, if a label of this stock can be printed on it now; asked before anything is recorded.

    Raises:
        EnvironmentFails: the printer is away, out of labels, or stopped.
        Refused: it does not offer the stock's size or resolution, or the stock is a sheet and it burns rolls.
    """
    if way.raw and stock.kind == "sheet":
        text = f"{stock.name} is a sheet: --raw is for rolls. Use --print or --out"
        raise Refused(Problem("printer.media", text, way.raw))
    if way.raw:
        from compounding.printing.raw import check_ready

        check_ready(way.raw)
    if not way.queue:
        return None
    from compounding.printing.queue import ask_queue, medium_for

    queue = ask_queue(way.queue)
    medium, problems = medium_for(queue, stock.page_width, stock.page_height, stock.dots_per_inch)
    wrong_setting = [problem for problem in problems if problem.code in ("printer.media", "printer.resolution")]
    if problems:
        raise (EnvironmentFails if not wrong_setting else Refused)(problems)
    return Printer(queue, medium)


def deliver(
    app: App,
    way: Way,
    printer: Printer | None,
    stock: Stock,
    label: tuple[str, ...],
    document: bytes,
    decide: Callable[[], Decision],
) -> tuple[Entry, str]:
    """Record a proved label, and let it go where it was asked for.

    Args:
        label: batch and id of the label, or ids of the stickers that go together.
        document: its PDF, proved.
        decide: the decision to record it.

    Returns:
        The entry of the label, and what became of it, in words.

    Raises:
        EnvironmentFails: it was not printed; that is on record, and the label is void.
    """
    from compounding.store.files import written_whole

    if way.out:
        with written_whole(way.out, document):
            _, entries = app.record(decide)
        return entries[0], f"written to {way.out}"
    _, entries = app.record(decide)
    try:
        job, printed = _sent(way, printer, stock, label[1], document)
    except EnvironmentFails as error:
        _record_outcome(app, way, label, None, error.problems[0].text)
        raise
    if isinstance(printed, Problem):
        _record_outcome(app, way, label, job, printed.text)
        raise EnvironmentFails(
            Problem(printed.code, f"{printed.text}. Label {label[1]} counts as not printed", label[1])
        )
    if not printed:
        notice(
            f"The printer does not say what became of it: read it back with compounding scan --printed --expect {label[1]}"
        )
        return entries[0], f"sent to {way.raw}"
    _record_outcome(app, way, label, job, None)
    return entries[0], f"printed on {way.queue or way.raw}"


def let_go(way: Way, printer: Printer | None, stock: Stock, document: bytes, what: str) -> str:
    """Let something go that names no product and is not recorded; says what became of it.

    Raises:
        EnvironmentFails: it was not printed.
    """
    from compounding.store.files import write_whole

    if way.out:
        write_whole(way.out, document)
        return f"written to {way.out}"
    _, printed = _sent(way, printer, stock, what, document)
    if isinstance(printed, Problem):
        raise EnvironmentFails(printed)
    return f"{'printed on' if printed else 'sent to'} {way.queue or way.raw}"


def _sent(
    way: Way,
    printer: Printer | None,
    stock: Stock,
    label: str,
    document: bytes,
) -> tuple[str | None, bool | Problem]:
    """The job's number, and whether it was printed: True, why not, or False if nobody knows."""
    if printer:
        from compounding.printing.queue import print_label

        ended = print_label(printer.queue, printer.medium, stock.dots_per_inch, document, f"label {label}", way.seconds)
        return ended.job, ended.problem or ended.done
    from compounding.printing.raw import send
    from compounding.printing.zpl import picture as as_zpl

    assert way.raw
    return None, send(way.raw, b"".join(as_zpl(*each) for each in pictures(document, stock)), way.seconds)


def pictures(document: bytes, stock: Stock) -> list[Picture]:
    """The pages of a proved PDF as the dots that are burned."""
    from compounding.documents.proof import burned

    return [(page.width, page.height, page.dots) for page in burned(document, stock.dots_per_inch)]


def write_preview(file: Path, document: bytes, stock: Stock) -> None:
    """A picture of every page, below each other."""
    from compounding.documents.picture import below_each_other, png
    from compounding.store.files import write_whole

    write_whole(file, png(*below_each_other(pictures(document, stock)), stock.dots_per_inch))


def _record_outcome(app: App, way: Way, label: tuple[str, ...], job: str | None, why: str | None) -> None:
    from compounding.records.facts import PrintDone, PrintFailed

    batch, *ids = label
    assert way.sent_to
    fact = (PrintFailed if why else PrintDone)(batch=batch, label=ids[0], sent_to=way.sent_to, job=job)
    subjects = [f"label:{id}" for id in ids]

    def decide() -> Decision:
        return Decision([(fact, (f"batch:{batch}", *subjects))], [], app.journal.last_seen(subjects), reason=why)

    app.record(decide)
