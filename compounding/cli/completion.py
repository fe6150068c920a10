"""Completion of ids in the shell: batches, lots, formulas, stocks. Imported only when a shell asks.

``compounding completion bash`` prints the lines for the shell's start-up file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import click
from click.shell_completion import CompletionItem, get_completion_class

from compounding.cli.app import App
from compounding.problems import CompoundingError

Known = Callable[[App], Iterable[tuple[str, str]]]


def _batches(app: App) -> Iterable[tuple[str, str]]:
    return ((id, "batch") for id in app.ids("batch:"))


def _lots(app: App) -> Iterable[tuple[str, str]]:
    return ((lot.id, lot.received.material) for lot in app.lots())


def _formulas(app: App) -> Iterable[tuple[str, str]]:
    return ((name, "formula") for name in app.formula_files())


def _stocks(app: App) -> Iterable[tuple[str, str]]:
    from compounding.documents.stocks import stock_names

    return ((name, "label stock") for name in stock_names())


def _people(app: App) -> Iterable[tuple[str, str]]:
    return app.names.items()


def _balances(app: App) -> Iterable[tuple[str, str]]:
    return ((name, each.readability) for name, each in app.settings.balances.items())


# What a parameter takes: by the command or group that it belongs to and its name, else by its name alone.
KNOWN: dict[tuple[str, str], Known] = {
    ("plan", "id"): _formulas,
    ("options", "id"): _formulas,
    ("titrate", "id"): _formulas,
    ("formula", "id"): _formulas,
    ("", "formula_id"): _formulas,
    ("lot", "id"): _lots,
    ("", "source"): _lots,
    ("", "lot_id"): _lots,
    ("stocks", "name"): _stocks,
    ("", "stock"): _stocks,
    ("", "balance"): _balances,
    ("", "id"): _batches,
    ("weights", "words"): _batches,
    ("", "batch"): _batches,
}


def completed(command: click.Command, group: str = "") -> click.Command:
    """The command, whose parameters now know the ids that they may take."""
    name = command.name or ""
    for parameter in command.params:
        known = next(
            (
                KNOWN[key]
                for key in ((name, parameter.name), (group, parameter.name), ("", parameter.name))
                if key in KNOWN
            ),
            None,
        )
        if known and not isinstance(parameter.type, click.Path | click.Choice):
            parameter._custom_shell_complete = _completing(known)
    if isinstance(command, click.Group):
        for each in command.commands.values():
            completed(each, name)
    return command


def _completing(known: Known) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return list(_items(ctx, known, incomplete))

    return complete


def _items(ctx: click.Context, known: Known, incomplete: str) -> Iterator[CompletionItem]:
    """What begins as it was typed; a shell that completes is told nothing rather than an error."""
    given = ctx.find_root().params
    app = App(given.get("settings"), given.get("person"), None)
    try:
        for id, says in known(app):
            if id.startswith(incomplete):
                yield CompletionItem(id, help=says)
    except CompoundingError:
        return
    finally:
        app.close()


complete_people = _completing(_people)


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> None:
    """Print what makes a shell complete commands, options and ids.

    \b
    compounding completion bash >> ~/.bashrc
    compounding completion zsh >> ~/.zshrc
    compounding completion fish > ~/.config/fish/completions/compounding.fish
    """
    from compounding.cli.main import compounding

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(compounding, {}, "compounding", "_COMPOUNDING_COMPLETE").source())
