"""Ids as they are typed at a bench: scanned, in another case, or abbreviated to what only one of them begins with.

Each parameter that takes an id says so by its type; what a shell completes follows from that. An id that is not known
here is passed on as it was typed, and the command says so.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import click

from compounding.cli.app import App
from compounding.cli.show import notice
from compounding.problems import CompoundingError, NotUnderstood, Problem

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Known = Callable[[App], Iterable[tuple[str, str]]]
FEWEST = 2  # characters of an abbreviation
MOST_LISTED = 9


def _of_journal(kind: str) -> Known:
    return lambda app: ((id, kind) for id in app.ids(f"{kind}:"))


def _lots(app: App) -> Iterable[tuple[str, str]]:
    return ((lot.id, lot.received.material) for lot in app.lots())


def _formulas(app: App) -> Iterable[tuple[str, str]]:
    return ((name, "formula") for name in app.formula_files())


def _stocks(app: App) -> Iterable[tuple[str, str]]:
    from compounding.documents.stocks import stock_names

    own = app.settings_file.parent / app.settings.stocks if app.has_settings and app.settings.stocks else None
    return ((name, "label stock") for name in stock_names(own))


def _people(app: App) -> Iterable[tuple[str, str]]:
    return app.names.items()


def _balances(app: App) -> Iterable[tuple[str, str]]:
    return ((name, each.readability) for name, each in app.settings.balances.items())


def _devices(app: App) -> Iterable[tuple[str, str]]:
    return ((name, "device") for name in app.settings.devices)


# What each kind of id may be, with a word about each for the shells that show one.
KNOWN: Mapping[str, Known] = {
    "batch": _of_journal("batch"),
    "lot": _lots,
    "label": _of_journal("label"),
    "investigation": _of_journal("investigation"),
    "rx": _of_journal("rx"),
    "formula": _formulas,
    "stock": _stocks,
    "person": _people,
    "balance": _balances,
    "device": _devices,
}
# Those whose ids are many; a name of the settings is read where it is used.
RECORDED = {"batch", "lot", "label", "investigation", "rx", "formula"}
# Those that are abbreviated. The last character of a label's id checks the others, a prescription is a patient's, and
# the other names are short.
ABBREVIATED = {"batch", "lot", "investigation", "formula"}


class Id(click.ParamType[str]):
    """The id of one of some kinds of things, or one of some words in its place.

    Args:
        kinds: keys of `KNOWN`.
        words: what may stand in place of an id, such as ``tablet``.
        whole: True if it is never abbreviated, because it is typed to identify what is in the hand.
    """

    name = "id"

    def __init__(self, *kinds: str, words: tuple[str, ...] = (), whole: bool = False) -> None:
        self.kinds, self.words, self.whole = kinds, words, whole

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "|".join((*self.words, *(kind.upper() for kind in self.kinds)))

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        app = ctx.find_object(App) if ctx else None
        if app is None or value in self.words or not RECORDED.issuperset(self.kinds):
            return value
        return meant(app, value, self.kinds, whole=self.whole)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from compounding.cli.completion import completions

        return completions(ctx, [KNOWN[kind] for kind in self.kinds], self.words, incomplete)


def meant(app: App, typed: str, kinds: tuple[str, ...], *, whole: bool = False) -> str:
    """The id that was meant; says which, where it is another text than was typed.

    Raises:
        NotUnderstood: several begin so, and nobody is there to pick one.
    """
    try:
        if _is_known(app, typed, kinds):
            return typed
        from compounding.work.scanning import abbreviated, ids_of, meant_label

        ids = [id for kind in kinds for id in _ids(app, kind)]
        for read in ids_of(typed):
            if "label" in kinds and (label := meant_label(read)):
                return label
            alike = [id for id in ids if id.casefold() == read.casefold()]
            if not (alike or whole):
                short = [id for kind in kinds if kind in ABBREVIATED for id in _ids(app, kind)]
                alike = abbreviated(read, short) if len(read) >= FEWEST else []
            if alike:
                return _one(typed, alike)
    except NotUnderstood as error:
        if error.problems[0].code == "id.ambiguous":
            raise
    except CompoundingError:  # the command meets the same, and knows better what to do about it
        pass
    return typed


def _is_known(app: App, id: str, kinds: tuple[str, ...]) -> bool:
    """True if there is this very id, found without listing the others."""
    if "formula" in kinds and id in app.formula_files():
        return True
    subjects = [f"{kind}:{id}" for kind in kinds if kind != "formula"]
    return bool(subjects) and any(app.journal.last_seen(subjects).values())


def _ids(app: App, kind: str) -> Iterable[str]:
    return app.formula_files() if kind == "formula" else app.ids(f"{kind}:")


def _one(typed: str, alike: list[str]) -> str:
    """The one of these, or the one that is picked on a terminal."""
    alike = sorted(dict.fromkeys(alike))
    if len(alike) == 1:
        notice(f"{typed}: {alike[0]}")
        return alike[0]
    shown = alike[:MOST_LISTED]
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        more = f" and {len(alike) - len(shown)} more" if len(alike) > len(shown) else ""
        text = f"{typed} may be {', '.join(shown)}{more}: type more of it"
        raise NotUnderstood(Problem("id.ambiguous", text, typed))
    for number, id in enumerate(shown, 1):
        notice(f"{number}  {id}")
    return shown[click.prompt("Which", type=click.IntRange(1, len(shown)), err=True) - 1]


BATCH, LOT, LABEL, FORMULA = Id("batch"), Id("lot"), Id("label"), Id("formula")
INVESTIGATION, PERSON, STOCK, BALANCE, DEVICE = Id("investigation"), Id("person"), Id("stock"), Id("balance"), Id("device")
