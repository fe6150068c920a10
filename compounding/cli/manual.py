"""``compounding man``: the manual of each command, made from the text that --help shows; the reference page too."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click

from compounding.cli.app import nearest
from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem


@dataclass(frozen=True)
class Page:
    """The manual of one command.

    Args:
        name: as it is typed, such as ``compounding batch open``.
        usage: what may follow it.
        says: its help, in paragraphs; those of ``examples`` are commands as they are typed.
        options: each with what it means.
        commands: of a group: each with its first sentence.
    """

    name: str
    usage: str
    says: tuple[str, ...]
    examples: tuple[str, ...]
    options: tuple[tuple[str, str], ...]
    commands: tuple[tuple[str, str], ...]


def pages(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[Page]:
    """The pages of a command and of all commands inside it, in their order."""
    # As click makes it when the command runs: without its settings, a page would differ from what --help says.
    last = name if parent is None else name.rpartition(" ")[2]
    ctx = click.Context(command, info_name=last, parent=parent, **command.context_settings)
    says, examples = _paragraphs(inspect.cleandoc(command.help or ""))
    inside = []
    if isinstance(command, click.Group):
        inside = [(each, command.get_command(ctx, each)) for each in command.list_commands(ctx)]
    yield Page(
        name=name,
        usage=" ".join(command.collect_usage_pieces(ctx)),
        says=says,
        examples=examples,
        options=tuple(
            record for each in command.get_params(ctx) if (record := each.get_help_record(ctx)) and record[1]
        ),
        commands=tuple((each, found.get_short_help_str(200)) for each, found in inside if found),
    )
    for each, found in inside:
        if found is not None and not found.hidden:
            yield from pages(found, f"{name} {each}", ctx)


def _paragraphs(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Help in paragraphs, and apart from them what click keeps as it stands: examples."""
    parts = [part for part in re.split(r"\n\s*\n", text.strip()) if part.strip()]
    examples = [part for part in parts if part.lstrip().startswith("\b")]
    says = [" ".join(part.split()) for part in parts if part not in examples]
    return tuple(says), tuple(part.replace("\b", "", 1).strip("\n ") for part in examples)


def as_markdown(page: Page) -> str:
    """A page as a section of the reference."""
    depth = "#" * min(4, 1 + len(page.name.split()))
    lines = [f"{depth} {page.name}", "", *(f"{text}\n" for text in page.says)]
    lines += [f"```text\n{example}\n```\n" for example in page.examples]
    lines += ["```text", f"{page.name} {page.usage}", "```", ""]
    if page.options:
        lines += ["| option | |", "| --- | --- |"]
        lines += [f"| `{_cell(option)}` | {_cell(says)} |" for option, says in page.options]
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def as_roff(page: Page) -> str:
    """A page for ``man``."""
    title = page.name.replace(" ", "-")
    lines = [
        f'.TH "{_roff(title.upper())}" "1"',
        ".SH NAME",
        f"{_roff(title)} \\- {_roff(page.says[0] if page.says else '')}",
    ]
    lines += [".SH SYNOPSIS", f"\\fB{_roff(page.name)}\\fR {_roff(page.usage)}"]
    if page.examples:
        lines += [".SH EXAMPLES", *(f".nf\n{_roff(each)}\n.fi" for each in page.examples)]
    if page.says:
        lines += [".SH DESCRIPTION", *(f".PP\n{_roff(each)}" for each in page.says)]
    for heading, records in (("COMMANDS", page.commands), ("OPTIONS", page.options)):
        if records:
            lines += [f".SH {heading}", *(f".TP\n\\fB{_roff(name)}\\fR\n{_roff(says)}" for name, says in records)]
    return "\n".join(lines) + "\n"


def _roff(text: str) -> str:
    """Text that roff prints as it stands: no line of it is taken for a command."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return "\n".join(f"\\&{line}" if line.startswith((".", "\\(aq")) else line for line in escaped.splitlines())


@click.command("man")
@click.argument("command", nargs=-1)
@click.option(
    "--all",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write the pages of all commands into a folder such as ~/.local/share/man/man1.",
)
def man(command: tuple[str, ...], folder: Path | None) -> None:
    """Print the manual page of a command, for man.

    \b
    compounding man plan | man -l -
    compounding man --all ~/.local/share/man/man1
    """
    from compounding.cli.main import compounding

    found = {page.name: page for page in pages(compounding, "compounding")}
    if folder is not None:
        from compounding.store.files import write_whole

        folder.mkdir(parents=True, exist_ok=True)
        for page in found.values():
            write_whole(folder / f"{page.name.replace(' ', '-')}.1", as_roff(page).encode())
        click.echo(f"{len(found)} pages written to {folder}")
        return
    name = " ".join(("compounding", *command))
    if name not in found:
        text = f"{name} is not a command{nearest(name, found)}"
        raise NotUnderstood(Problem("man.unknown", text, name))
    click.echo(as_roff(found[name]), nl=False)
