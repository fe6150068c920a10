"""``compounding qc results``, ``attachment`` and ``sampling``; how a report and its files join a result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

import click

from compounding.cli.app import App, Decision, fail_if_stopped, nearest
from compounding.cli.ids import BATCH
from compounding.cli.show import emit, json_option, notice, say, table
from compounding.problems import NotUnderstood, Problem
from compounding.quantities import decimal_text, told
from compounding.records.facts import Attached, Tested, Yielded
from compounding.records.record import as_data
from compounding.store import attachments
from compounding.work.results import ResultRow, attached_to, result_rows
from compounding.work.sampling import SampleLine, Sampling
from compounding.work.sampling import sampling as sampling_of

Command = TypeVar("Command", bound=Callable[..., Any])
WIDTH = 44  # letters of a cell of the table before it goes on in the next line


def files_option(*names: str) -> Callable[[Command], Command]:
    """The option for the files that prove a result."""
    return click.option(
        *names,
        "certificates",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="File that proves it, such as a laboratory's report; kept beside the journal. Repeat it.",
    )


def given_files(paths: Sequence[Path]) -> list[tuple[Attached, bytes]]:
    """What the record will say of each file, and its bytes."""
    contents = [(path.name, attachments.read_given(path)) for path in paths]
    return [
        (Attached(name=name, digest=attachments.digest_of(content), size=len(content)), content)
        for name, content in contents
    ]


def kept(app: App, decision: Decision, files: Sequence[tuple[Attached, bytes]]) -> Decision:
    """The decision with the files among its subjects; their bytes are kept durably before the entry that names them."""
    for _, content in files if decision.facts else ():
        attachments.keep(app.attachments, content)
    about = tuple(dict.fromkeys(f"attachment:{each.digest}" for each, _ in files))
    return replace(decision, facts=[(fact, (*subjects, *about)) for fact, subjects in decision.facts])


@click.command()
@click.argument("id", type=BATCH)
@json_option
@click.pass_obj
def results(app: App, id: str, as_json: bool) -> None:
    """List the results of a batch against its formula, and check the files that prove them.

    \b
    compounding qc results 2026-0001
    """
    batch = app.batch(id)
    rows = result_rows(batch, app.names)
    files = attached_to(batch)
    problems = attachments.check(app.attachments, [each.digest for each in files])
    if as_json:
        emit({"batch": id, "results": [row_data(row) for row in rows], "problems": [vars(each) for each in problems]})
    else:
        say(results_text(rows))
        for file in files:
            say(f"{file.name}: {file.size:,} bytes, {file.digest}")
    fail_if_stopped(problems)


def row_data(row: ResultRow) -> dict[str, Any]:
    """A row as JSON; what is not known yet is null."""
    data = asdict(row) | {"attachments": [as_data(each) for each in row.attachments]}
    return {name: None if each == "" else each for name, each in data.items()} | {"entry": row.entry or None}


def results_text(rows: tuple[ResultRow, ...]) -> str:
    """The rows for people; long cells go on in the next line."""
    cells: list[tuple[str, ...]] = []
    for row in rows:
        missing = "not done" if row.required else "not done, not required"
        who = f"{row.person}, {row.time[:10]}" if row.entry else ""
        verdict = row.verdict.upper() if row.verdict == "fail" else row.verdict.replace("_", " ")
        found = _folded(row.observed + (f" [{row.laboratory}]" if row.laboratory else ""))
        wanted = _folded(row.limits)
        for at in range(max(len(found), len(wanted), 1)):
            first = (row.trait, verdict or missing, who) if at == 0 else ("", "", "")
            cells.append((first[0], *(each[at] if at < len(each) else "" for each in (wanted, found)), *first[1:]))
    return table(("trait", "expected", "observed", "verdict", "by"), cells)


def _folded(text: str) -> list[str]:
    """A text in lines of at most `WIDTH` letters, parted at spaces."""
    import textwrap

    return textwrap.wrap(text, WIDTH)


@click.command()
@click.argument("id", type=BATCH)
@click.argument("name")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Where to write it.")
@click.pass_obj
def attachment(app: App, id: str, name: str, out: Path) -> None:
    """Write an attached file as it was attached; NAME is its file name or its digest.

    \b
    compounding qc attachment 2026-0001 certificate.pdf --out copy.pdf
    """
    from compounding.store.files import check_new, write_whole

    files = attached_to(app.batch(id))
    found = [each for each in files if name in (each.name, each.digest)]
    if not found:
        text = f"No file {name} is attached to {id}{nearest(name, [each.name for each in files])}"
        raise NotUnderstood(Problem("attachment.unknown", text, name))
    if len(found) > 1:
        text = f"{len(found)} files {name} are attached to {id}: give the digest of one, as qc results shows it"
        raise NotUnderstood(Problem("attachment.ambiguous", text, name))
    check_new(out)
    write_whole(out, attachments.read(app.attachments, found[0].digest))
    say(f"{found[0].name} written to {out}: {found[0].digest}")


@click.command()
@click.argument("id", type=BATCH)
@click.option(
    "--also", multiple=True, metavar="TRAIT", help="A test that is not required and shall be done; repeat it."
)
@json_option
@click.pass_obj
def sampling(app: App, id: str, also: tuple[str, ...], as_json: bool) -> None:
    """What the tests of a batch take from it, and what is left to dispense.

    \b
    compounding qc sampling 2026-0001
    compounding qc sampling 2026-0002 --also "total aerobic count"
    """
    batch = app.batch(id)
    last = batch.yielded[-1].fact if batch.yielded else None
    made = last.made if isinstance(last, Yielded) else batch.plan.made
    done = [each.fact.trait for each in batch.tested if isinstance(each.fact, Tested)]
    found, problems = sampling_of(batch.formula, made, batch.plan.ordered, (*done, *also))
    if as_json:
        emit(sampling_data(found) | {"batch": id, "problems": [vars(each) for each in problems]})
    else:
        say("\n".join(sampling_lines(found, "made" if last else "planned")))
        for problem in problems:
            notice(problem.text)


def sampling_data(found: Sampling) -> dict[str, Any]:
    """The samples as JSON."""
    return {
        "samples": [
            {
                "trait": each.test.trait,
                "take": told(each.take) if each.take is not None else None,
                "destroyed": each.destroyed,
                "counted": each.counted,
                "possible": each.possible,
                "source": each.source,
            }
            for each in found.lines
        ],
        "made": told(found.made),
        "ordered": told(found.ordered),
        "used": told(found.destroyed),
        "left": told(found.left),
        "used_percent": decimal_text(found.cost_percent, 1),
        "covered": found.covered,
    }


def sampling_lines(found: Sampling, word: str) -> list[str]:
    """The samples for people."""
    rows = [
        (
            each.test.trait,
            _take(each),
            "yes" if each.destroyed else "no",
            "yes" if each.counted else "if asked for" if each.possible else "not of this batch",
            each.source,
        )
        for each in found.lines
    ]
    return [
        table(("test", "takes", "used up", "of this batch", "source"), rows, right=(1,)),
        f"{told(found.made)} {word}, {told(found.destroyed)} used up by tests "
        f"({decimal_text(found.cost_percent, 1)} %), {told(found.left)} left for the {told(found.ordered)} ordered",
    ]


def _take(line: SampleLine) -> str:
    return told(line.take) if line.take is not None else "nothing"
