"""The leaflet as one plain page of HTML: the same words in the same order, for screens, large print and screen readers.

No script, nothing fetched, sizes that follow the reader's own. Text is escaped: markup in a name stays a name.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from html.parser import HTMLParser

from compounding.records.leaflet import Block, Face, Grid, Items, LeafletText, Paragraph, Section, Sheet

# Widths in the reader's letters, so that lines stay short at 200 % too; a page of paper begins with each part.
STYLE = """\
body { font: 1.125rem/1.5 Arial, "Liberation Sans", sans-serif; color: #000; background: #fff; max-width: 38em; margin: 1em auto; padding: 0 1em; }
h1 { font-size: 1.5em; line-height: 1.25; } h2 { font-size: 1.25em; margin: 1.2em 0 0.3em; } p, ul { margin: 0.3em 0; }
main > section + section { border-top: 2px solid #000; margin-top: 2em; }
.warning { border: 3px solid #000; margin: 1em 0; padding: 0 0.8em 0.6em; }
.warning h2 { background: #000; color: #fff; margin: 0 -0.64em 0.4em; padding: 0.2em 0.64em; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid #555; padding: 0.3em 0.5em; text-align: left; vertical-align: top; overflow-wrap: break-word; }
thead th { background: #eee; } td:empty { min-width: 7em; height: 2.2em; }
.card { border: 2px dashed #000; max-width: 24em; padding: 0.5em 0.8em; } .card h3 { margin: 0.2em 0; } .card div + div { border-top: 1px dotted #000; }
@media print { body { font-size: 12pt; max-width: none; margin: 0; padding: 0; } main > section + section { border: 0; break-before: page; margin: 0; }
  h2, h3 { break-after: avoid; } tr, li, .warning, .card { break-inside: avoid; } .warning h2 { color: #000; background: none; } thead { display: table-header-group; } }
"""


def leaflet_page(text: LeafletText) -> bytes:
    """The page as a file that stands alone."""
    lines = [
        "<!DOCTYPE html>",
        f'<html lang="{escape(text.language)}">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{escape(text.title)}</title>",
        f"<style>\n{STYLE}</style>",
        "</head>",
        "<body>",
        "<main>",
        *(line for sheet in text.sheets for line in _sheet(sheet)),
        "</main>",
        "</body>",
        "</html>",
        "",
    ]
    return "\n".join(lines).encode("utf-8")


def _sheet(sheet: Sheet) -> Iterator[str]:
    yield "<section>"
    yield f"<h1>{escape(sheet.heading)}</h1>"
    yield from map(_paragraph, sheet.opening)
    for section in sheet.sections:
        yield from _section(section)
    if sheet.card:
        yield '<div class="card">'
        for face in sheet.card:
            yield from _face(face)
        yield "</div>"
    yield "</section>"


def _section(section: Section) -> Iterator[str]:
    yield '<section class="warning">' if section.id == "opioids" else "<section>"
    yield f"<h2>{escape(section.heading)}</h2>"
    for block in section.blocks:
        yield from _block(block)
    yield "</section>"


def _face(face: Face) -> Iterator[str]:
    yield f"<div>\n<h3>{escape(face.heading)}</h3>"
    yield from map(_paragraph, face.blocks)
    yield "</div>"


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph():
            yield _paragraph(block)
        case Items(items):
            yield "<ul>"
            yield from (f"<li>{_words(each)}</li>" for each in items)
            yield "</ul>"
        case Grid(head, rows):
            yield '<div class="scroll"><table>'
            yield f"<thead><tr>{''.join(_cell('th', each, 'col') for each in head)}</tr></thead>"
            yield "<tbody>"
            for first, *others in rows:
                yield f"<tr>{_cell('th', first, 'row')}{''.join(_cell('td', each) for each in others)}</tr>"
            yield "</tbody></table></div>"


def _paragraph(paragraph: Paragraph) -> str:
    return f"<p>{_words(paragraph)}</p>"


def _words(paragraph: Paragraph) -> str:
    text = escape(paragraph.text)
    if paragraph.strong:
        text = f"<strong>{text}</strong>"
    return f"<strong>{escape(paragraph.lead)}</strong> {text}" if paragraph.lead else text


def _cell(kind: str, words: str, scope: str = "") -> str:
    return f'<{kind} scope="{scope}">{escape(words)}</{kind}>' if scope else f"<{kind}>{escape(words)}</{kind}>"


class _Words(HTMLParser):
    """What of a page is read: the words inside its body, parted where an element begins or ends."""

    # Elements inside a sentence do not part it.
    INLINE = frozenset({"strong"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside = False
        self.text = ""
        self.language = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._part(tag)
        self.inside = self.inside or tag == "body"
        if tag == "html":
            self.language = dict(attrs).get("lang") or ""

    def handle_endtag(self, tag: str) -> None:
        self._part(tag)
        self.inside = self.inside and tag != "body"

    def handle_data(self, data: str) -> None:
        self.text += data if self.inside else ""

    def _part(self, tag: str) -> None:
        if tag not in self.INLINE:
            if self.text.strip():
                self.found.append(" ".join(self.text.split()))
            self.text = ""


def words_of_page(page: bytes) -> list[str]:
    """Every string of a page's body, in order, as software other than ours reads it."""
    return _read(page).found


def language_of_page(page: bytes) -> str:
    """The language that a page says it is in; empty if it says none."""
    return _read(page).language


def _read(page: bytes) -> _Words:
    parser = _Words()
    parser.feed(page.decode("utf-8"))
    parser.close()
    return parser
