"""The one home of ReportLab: fonts, widths, and painting of pages that are laid out.

Text goes to the page as it is: no markup is ever read in it. A character that the font cannot show
is found here beforehand, because ReportLab prints an empty box in its place without a word.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from compounding.documents.boxes import BOLD, NBSP, REGULAR, Box, Dot, Page, Rule, Symbol, Word
from compounding.documents.tags import Element, TaggedPage, structure
from compounding.problems import Problem

FONT_FILES = {
    REGULAR: Path(__file__).parent / "fonts" / "LiberationSans-Regular.ttf",
    BOLD: Path(__file__).parent / "fonts" / "LiberationSans-Bold.ttf",
}
FONT_NAMES = {REGULAR: "LiberationSans", BOLD: "LiberationSans-Bold"}

# 1-bit printers blacken every dot that an edge touches: edges of a barcode are drawn in by this part of a
# dot. A half breaks grey rendering, none makes dark modules grow (barcode-raster-trial).
INSET = 0.25


@cache
def _faces() -> dict[str, Any]:
    """The embedded fonts, registered once."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    faces = {font: TTFont(FONT_NAMES[font], str(path)) for font, path in FONT_FILES.items()}
    for face in faces.values():
        pdfmetrics.registerFont(face)
    return faces


@lru_cache(maxsize=8192)
def width_of(text: str, font: str) -> float:
    """Width of a text at a size of 1 point [pt].

    Args:
        text: without line breaks.
        font: ``regular`` or ``bold``.
    """
    width: float = _faces()[font].stringWidth(text, 1)
    return width


@lru_cache(maxsize=4096)
def cannot_print(character: str) -> str | None:
    """Why a character cannot be printed, or nothing.

    Letters written right to left and accents that stand apart are refused: they need shaping, and
    would come out in the wrong order or place.
    """
    kind = unicodedata.category(character)
    if kind in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return "is invisible"
    if unicodedata.bidirectional(character) in ("R", "AL", "AN"):
        return "is written from right to left"
    if kind in ("Mn", "Me", "Mc"):
        return "is an accent without its letter"
    if any(ord(character) not in face.face.charToGlyph for face in _faces().values()):
        return "is not in the font Liberation Sans"
    return None


@lru_cache(maxsize=1024)
def _strange(text: str) -> frozenset[str]:
    """The characters of a text that cannot be printed: most texts of one label are those of the next."""
    return frozenset(character for character in set(text) if cannot_print(character))


def unprintable(text: str, where: str) -> list[Problem]:
    """Every character of a text that cannot be printed, each named once.

    Args:
        text: in composed form (NFC).
        where: the field it stands in.
    """
    problems = []
    for character in sorted(_strange(text), key=text.index):
        reason = cannot_print(character)
        if reason:
            visible = f"“{character}” " if reason.startswith("is not") else ""
            problems.append(
                Problem(
                    "text.cannot-print",
                    f"{where}: {visible}(U+{ord(character):04X}, {unicodedata.name(character, 'unnamed')}) {reason}. "
                    "Write it with Latin letters, figures and ordinary signs.",
                    where=where,
                )
            )
    return problems


def paint(pages: Sequence[Page], *, title: str, language: str = "en-US") -> bytes:
    """A PDF of pages that are laid out; the same pages give the same bytes.

    Args:
        title: shown by viewers; holds no patient's name.
    """
    buffer, canvas = _canvas(pages[0], title, language)
    for page in pages:
        canvas.setPageSize((page.width, page.height))
        _paint_marks(canvas, page.marks)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def paint_tagged(pages: Sequence[TaggedPage], *, title: str, language: str) -> bytes:
    """A PDF that can be read aloud: its structure, its language, and its title in the viewer's frame.

    It is printed on one side and at full size, because a card is cut out of it. Tagged is all that is claimed:
    whether it meets PDF/UA in every point was not proved.

    Args:
        language: of its words, as in ``en-US``.

    Source:
        pdf-structure
    """
    buffer, canvas = _canvas(pages[0], title, language)
    root, owners = structure(pages)
    for page, elements in zip(pages, owners, strict=True):
        canvas.setPageSize((page.width, page.height))
        numbers = iter(range(len(elements)))
        for each in page.content:
            if each.marks and each.way:
                _operator(canvas, f"/{each.way[-1].kind} <</MCID {next(numbers)}>> BDC")
            elif each.marks:
                _operator(canvas, "/Artifact BMC")
            _paint_marks(canvas, each.marks, " ")
            if each.marks:
                _operator(canvas, "EMC")
        canvas.showPage()
    _write_structure(canvas, root, owners)
    for name, value in (("DisplayDocTitle", "true"), ("Duplex", "Simplex"), ("PrintScaling", "None")):
        canvas.setViewerPreference(name, value)
    canvas.save()
    return buffer.getvalue()


def _canvas(first: Any, title: str, language: str) -> tuple[BytesIO, Any]:
    from reportlab import rl_config
    from reportlab.pdfgen.canvas import Canvas

    _faces()
    rl_config.useA85 = 0
    buffer = BytesIO()
    canvas = Canvas(
        buffer,
        pagesize=(first.width, first.height),
        pageCompression=1,
        invariant=1,
        initialFontName=FONT_NAMES[REGULAR],
        lang=language,
    )
    canvas.setTitle(title)
    canvas.setAuthor("")
    canvas.setSubject("")
    canvas.setCreator("compounding")
    return buffer, canvas


def _operator(canvas: Any, operator: str) -> None:
    """An operator of the page that ReportLab has no function for. Its list of them is private; this is the one place."""
    canvas._code.append(operator)


def _write_structure(canvas: Any, root: Element, owners: Sequence[Sequence[Element]]) -> None:
    """The tree of elements, and the way back from each piece of a page to its element."""
    from reportlab.pdfbase.pdfdoc import PDFArray, PDFDictionary, PDFName, PDFString

    document = canvas._doc
    pages = document.Pages.pages
    written: dict[int, Any] = {}

    def write(element: Element, above: Any) -> Any:
        values = PDFDictionary({"Type": PDFName("StructElem"), "S": PDFName(element.tag.kind), "P": above})
        reference = written[id(element)] = document.Reference(values)
        if element.tag.alt:
            values["Alt"] = PDFString(element.tag.alt)
        if element.tag.scope:
            values["A"] = PDFDictionary({"O": PDFName("Table"), "Scope": PDFName(element.tag.scope)})
        values["K"] = PDFArray([write(kid, reference) if isinstance(kid, Element) else piece(*kid) for kid in element.kids])
        return reference

    def piece(page: int, number: int) -> Any:
        return PDFDictionary({"Type": PDFName("MCR"), "Pg": document.Reference(pages[page]), "MCID": number})

    tree = PDFDictionary({"Type": PDFName("StructTreeRoot"), "ParentTreeNextKey": len(pages)})
    reference = document.Reference(tree)
    tree["K"] = write(root, reference)
    numbers: list[Any] = []
    for number, (page, elements) in enumerate(zip(pages, owners, strict=True)):
        numbers += [number, PDFArray([written[id(each)] for each in elements])]
        page.StructParents, page.Tabs = number, PDFName("S")
        page.__NoDefault__ = [*page.__NoDefault__, "StructParents", "Tabs"]
    tree["ParentTree"] = PDFDictionary({"Nums": PDFArray(numbers)})
    document.Catalog.StructTreeRoot = tree
    document.Catalog.MarkInfo = PDFDictionary({"Marked": "true"})
    document._pdfVersion = (1, 7)


def _paint_marks(canvas: Any, marks: Iterable[Any], after: str = "") -> None:
    """Marks in their order; ``after`` follows each run of words, so that what is read aloud is parted at a line's end too."""
    run: list[Word] = []
    for mark in marks:
        if isinstance(mark, Word) and run and _follows(run[-1], mark):
            run.append(mark)
            continue
        _paint_run(canvas, run, after)
        run = [mark] if isinstance(mark, Word) else []
        if isinstance(mark, Box):
            _paint_box(canvas, mark)
        elif isinstance(mark, Rule):
            canvas.setStrokeGray(mark.grey)
            canvas.setLineWidth(mark.width)
            if mark.dashes:
                canvas.setDash(list(mark.dashes))
            canvas.line(mark.x, mark.y, mark.to_x, mark.to_y)
            if mark.dashes:
                canvas.setDash()
        elif isinstance(mark, Dot):
            canvas.setFillGray(mark.fill or 0)
            canvas.setStrokeGray(0)
            canvas.setLineWidth(mark.line)
            canvas.circle(mark.x, mark.y, mark.radius, stroke=int(mark.line > 0), fill=int(mark.fill is not None))
        elif isinstance(mark, Symbol):
            _paint_symbol(canvas, mark)
    _paint_run(canvas, run, after)


def _follows(before: Word, word: Word) -> bool:
    """True if a word stands one ordinary space after the one before, in the same look."""
    if (before.y, before.size, before.font, before.grey) != (word.y, word.size, word.font, word.grey):
        return False
    end = before.x + (width_of(before.text, before.font) + width_of(" ", word.font)) * word.size
    return abs(end - word.x) < 0.01


def _paint_run(canvas: Any, run: list[Word], after: str) -> None:
    """Words that follow each other as one text, so that copying and reading aloud find the spaces."""
    if not run:
        return
    first = run[0]
    canvas.setFillGray(first.grey)
    canvas.setFont(FONT_NAMES[first.font], first.size)
    canvas.drawString(first.x, first.y, " ".join(word.text for word in run).replace(NBSP, " ") + after)


def _paint_box(canvas: Any, box: Box) -> None:
    if box.fill is not None:
        canvas.setFillGray(box.fill)
        canvas.rect(box.x, box.y, box.width, box.height, stroke=0, fill=1)
    if box.line:
        half = box.line / 2
        canvas.setStrokeGray(box.grey)
        canvas.setLineWidth(box.line)
        canvas.rect(box.x + half, box.y + half, box.width - box.line, box.height - box.line, stroke=1, fill=0)


def _paint_symbol(canvas: Any, symbol: Symbol) -> None:
    """Dark modules as runs across and down in one path, filled as a whole: no hairlines between rows."""
    module = symbol.dots * symbol.dot
    inset = INSET * symbol.dot
    count = len(symbol.rows)
    path = canvas.beginPath()
    for number, row in enumerate(symbol.rows):
        y = symbol.y + (count - 1 - number) * module
        for start, length in _runs(row):
            path.rect(symbol.x + start * module + inset, y + inset, length * module - 2 * inset, module - 2 * inset)
    for number in range(len(symbol.rows[0])):
        column = "".join(row[number] for row in symbol.rows)
        x = symbol.x + number * module
        for start, length in _runs(column):
            y = symbol.y + (count - start - length) * module
            path.rect(x + inset, y + inset, module - 2 * inset, length * module - 2 * inset)
    canvas.setFillGray(0)
    canvas.drawPath(path, stroke=0, fill=1, fillMode=1)


def _runs(row: str) -> list[tuple[int, int]]:
    """Where the dark runs of a row begin, and how long they are.

    Example:
        >>> _runs("1101")
        [(0, 2), (3, 1)]
    """
    runs = []
    start = row.find("1")
    while start >= 0:
        end = row.find("0", start)
        end = len(row) if end < 0 else end
        runs.append((start, end - start))
        start = row.find("1", end)
    return runs
