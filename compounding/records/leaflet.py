"""What a leaflet says: words already written as they are told; PDF and HTML are drawn from the same one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Paragraph:
    """A few sentences, perhaps led in by words in bold, or bold as a whole."""

    text: str
    lead: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Part:
    """A part of a section as its wording has it: texts with placeholders such as ``{drug}``, or something inserted.

    Args:
        texts: one paragraph, or the items of a list; empty where something is inserted.
        insert: ``warning``, ``directions``, ``calendar``, ``bottles`` or ``follow-up``.
        when: what must be true of the leaflet; without any, the part always stands.
    """

    texts: tuple[Paragraph, ...] = ()
    is_list: bool = False
    insert: str = ""
    when: tuple[str, ...] = ()


@dataclass(frozen=True)
class WordingSection:
    """A heading and what stands below it; ``sheet`` is the page it belongs to: ``leaflet``, ``calendar`` or ``card``."""

    id: str
    sheet: str
    heading: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class LeafletWording:
    """The words of the leaflet in one language, for one place, each where it stands.

    Args:
        id, revision: language and name, ``en/leaflet``; number of its revision [1; from 1].
        words: by their names what stands in no section: titles, days and months, forms, tests; a bar parts a list.
        card: the lines on both sides of the card for the wallet.
        digest: SHA-256 of every word, those for other places too.
    """

    id: str
    revision: int
    language: str
    words: Mapping[str, str]
    sections: tuple[WordingSection, ...]
    card: tuple[tuple[str, ...], tuple[str, ...]]
    digest: str

    def listed(self, name: str) -> tuple[str, ...]:
        """The words of a list."""
        return listed(self.words[name])


def listed(words: str) -> tuple[str, ...]:
    """Words that bars part, such as ``Mon | Tue``."""
    return tuple(each.strip() for each in words.split("|"))


@dataclass(frozen=True)
class Items:
    """A list."""

    items: tuple[Paragraph, ...]


@dataclass(frozen=True)
class Grid:
    """A table: titles of its columns, and rows whose first cell says what the row is about; an empty cell is written in."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Paragraph | Items | Grid


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    id: str
    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Face:
    """One side of the wallet card."""

    heading: str
    blocks: tuple[Paragraph, ...]


@dataclass(frozen=True)
class Sheet:
    """One page: its heading, its sections, and the wallet card if it is on this one.

    Args:
        id: ``leaflet``, ``calendar`` or ``card``.
        opening: what stands between heading and sections.
    """

    id: str
    heading: str
    opening: tuple[Paragraph, ...]
    sections: tuple[Section, ...]
    card: tuple[Face, Face] | None = None


@dataclass(frozen=True)
class LeafletText:
    """Every word of one leaflet.

    Args:
        title: of the document; without the patient's name, as viewers show it.
        record: prescription and labels, repeated on each page.
        pharmacy: who made it, and the telephone, repeated on each page.
        page: ``Page {number} of {count}``.
        element: what the barcode beside the title holds: the first label's.
        code: what the barcode is, in words.
    """

    language: str
    title: str
    record: str
    pharmacy: str
    page: str
    element: str
    code: str
    sheets: tuple[Sheet, ...]


def strings(text: LeafletText) -> Iterator[tuple[str, str]]:
    """Every string that is read on the pages, in reading order, each with where it stands; running lines are not among them."""
    for sheet in text.sheets:
        yield sheet.id, sheet.heading
        for paragraph in sheet.opening:
            yield sheet.id, said(paragraph)
        for section in sheet.sections:
            where = f"{sheet.id}, {section.id}"
            yield where, section.heading
            for block in section.blocks:
                yield from ((where, each) for each in _in_block(block) if each)
        for face in sheet.card or ():
            yield f"{sheet.id}, card", face.heading
            yield from ((f"{sheet.id}, card", said(each)) for each in face.blocks)


def said(paragraph: Paragraph) -> str:
    """A paragraph with the words that lead it in."""
    return f"{paragraph.lead} {paragraph.text}".strip()


def _in_block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph():
            yield said(block)
        case Items(items):
            yield from map(said, items)
        case Grid(head, rows):
            yield from head
            for row in rows:
                yield from row
