"""What a page's parts are, for whoever hears it instead of seeing it: headings, lists, tables, in reading order.

Pages are laid out as before; each run of marks carries the way from the document down to what it belongs to. Marks
without a way are artifacts: running lines, edges, shading, which nobody reads aloud.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from compounding.documents.boxes import Mark, Page


@dataclass(frozen=True, slots=True)
class Tag:
    """One element of the structure.

    Args:
        kind: as PDF names it: ``Sect``, ``H1``, ``P``, ``L``, ``LI``, ``LBody``, ``Table``, ``TR``, ``TH``, ``TD``, ``Figure``.
        number: tells two elements of a kind apart; runs of one number are one element.
        alt: what a figure shows, in words.
        scope: whether a title of a table is a ``Column``'s or a ``Row``'s.
    """

    kind: str
    number: int
    alt: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Tagged:
    """Marks that belong to one element, named with all elements around it, the outermost first; none for an artifact."""

    way: tuple[Tag, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class TaggedPage:
    """A page in reading order."""

    width: float
    height: float
    content: tuple[Tagged, ...]

    @property
    def page(self) -> Page:
        """The same page without its structure."""
        return Page(self.width, self.height, tuple(mark for each in self.content for mark in each.marks))


@dataclass
class Element:
    """An element with what is inside it, in order: other elements, and pieces of pages as page and number."""

    tag: Tag
    kids: list[Element | tuple[int, int]] = field(default_factory=list)


def structure(pages: Sequence[TaggedPage]) -> tuple[Element, list[list[Element]]]:
    """The tree of all elements, and for each page the element of each of its pieces, in the order of their numbers."""
    root = Element(Tag("Document", 0))
    known: dict[tuple[Tag, ...], Element] = {}
    owners: list[list[Element]] = []
    for number, page in enumerate(pages):
        owners.append([])
        for each in page.content:
            if not each.way:
                continue
            above = root
            for depth in range(1, len(each.way) + 1):
                way = each.way[:depth]
                if way not in known:
                    known[way] = Element(way[-1])
                    above.kids.append(known[way])
                above = known[way]
            if each.marks:
                above.kids.append((number, len(owners[-1])))
                owners[-1].append(above)
    return root, owners
