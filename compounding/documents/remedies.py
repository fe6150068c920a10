"""What helps where a label does not fit: only what was laid out with the same words, and fitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from compounding.documents.label import layout_set
from compounding.documents.profiles import Profile
from compounding.documents.stocks import Stock, read_stock, stock_names
from compounding.documents.templates import Template, read_template, under
from compounding.problems import NotUnderstood, Problem
from compounding.records.label import LabelText

DOES_NOT_FIT = frozenset({"label.does-not-fit", "label.word-too-wide", "label.barcode-too-wide"})
# The sets that a label may be printed as instead, those of fewer pieces first.
SETS = {
    "prescription": ("two-piece", "three-piece"),
    "bottle": ("two-piece", "three-piece"),
    "two-piece": ("three-piece",),
    **{kind: (f"{kind}-two-piece",) for kind in ("quarantine", "released", "bulk", "sample")},
}


def sets_for(template: Template, profile: Profile, language: str, texts: Path | None) -> list[Template]:
    """The sets that a label may be printed as instead, under a profile whose fields they have room for."""
    found = []
    for name in SETS.get(template.id, ()):
        with suppress(NotUnderstood):
            found.append(under(read_template(name, language=language, texts=texts), profile))
    return found


def with_remedies(
    problems: Sequence[Problem],
    text: LabelText,
    stock: Stock,
    template: Template,
    sets: Sequence[Template] = (),
    folder: Path | None = None,
) -> list[Problem]:
    """The problems of a label that does not fit, each with what to do, in the order in which to try it.

    Args:
        text: the words that do not fit the stock by this template.
        sets: to be tried on the same stock (`sets_for`).
        folder: a pharmacy's own folder of stocks.
    """
    if not any(problem.code in DOES_NOT_FIT for problem in problems):
        return list(problems)
    larger = next((each.id for each in _larger(stock, folder) if layout_set(text, each, template)[0]), None)
    fitting = next((each.id for each in sets if layout_set(text, stock, each)[0]), None)
    ways = [
        f"print on a larger stock ({larger})" if larger else "" if stock.next_larger else "print on a larger stock",
        f"print a {fitting.removeprefix(f'{template.id}-')} set" if fitting else "",
        "shorten the text",
    ]
    ways = [way for way in ways if way]
    advice = f"{', '.join(ways)}, or move words to an auxiliary label."
    advice = advice[0].upper() + advice[1:]
    return [
        replace(problem, text=f"{problem.text} {advice}") if problem.code in DOES_NOT_FIT else problem
        for problem in problems
    ]


def _larger(stock: Stock, folder: Path | None) -> Iterator[Stock]:
    """The stocks to try after one, each larger than the one before."""
    seen, known = {stock.id}, stock_names(folder)
    while stock.next_larger in known and stock.next_larger not in seen:
        stock = read_stock(stock.next_larger, folder)
        seen.add(stock.id)
        yield stock
