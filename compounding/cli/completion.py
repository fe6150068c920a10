"""Completion of ids in the shell: batches, lots, formulas, stocks. Imported only when a shell asks.

``compounding completion bash`` prints the lines for the shell's start-up file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem, get_completion_class

from compounding.cli.app import App
from compounding.problems import CompoundingError

Known = Callable[[App], Iterable[tuple[str, str]]]


def completions(ctx: click.Context, known: Iterable[Known], words: Iterable[str], begun: str) -> list[CompletionItem]:
    """What begins as it was typed; a shell that completes is told nothing rather than an error."""
    given = ctx.find_root().params
    app = App(given.get("settings"), given.get("person"), None)
    found = [CompletionItem(word) for word in words if word.startswith(begun)]
    try:
        for each in known:
            found += [CompletionItem(id, help=says) for id, says in each(app) if id.startswith(begun)]
    except CompoundingError:
        return found
    finally:
        app.close()
    return found


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
