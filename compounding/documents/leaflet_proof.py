"""Proof of a leaflet before it is given out: PDF and HTML are read back and compared with the record.

What is seen is read by PDFium from the page, what is heard from the structure; both must be the record's words, whole
and in order.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

from compounding.documents import pdf
from compounding.documents.leaflet import SIZE
from compounding.documents.proof import PAPER, ROUNDING, Letter, Raster, plain_words, read_pages, read_symbols
from compounding.documents.sheet import MARGIN
from compounding.documents.webpage import language_of_page, words_of_page
from compounding.problems import Problem
from compounding.records.label import WarningText
from compounding.records.leaflet import LeafletText, strings

CHECKS = ("words", "warning", "structure", "language", "size", "ink", "glyphs", "barcode", "writing")
EDGE = MARGIN - 2.0  # white along the edges of a page [pt]
DOTS_PER_INCH = 150


def prove_leaflet(
    document: bytes, page: bytes | None, text: LeafletText, warning: WarningText
) -> tuple[list[Problem], tuple[str, ...]]:
    """Everything that is wrong with a leaflet's files, and the checks that were made.

    Its writing was judged with its words (`work.leaflets`), before they were laid out.

    Args:
        document: the PDF.
        page: the HTML, if there is one.
        text: what both must say.
        warning: what they must say too, word for word, whatever the text is.
    """
    wanted = [plain_words(words) for _, words in strings(text)]
    problems = [*_seen(document, text, wanted), *_heard(document, text, wanted)]
    readings = {"PDF": [plain_words(words) for _, words in spoken(document)]}
    if page is not None:
        readings["HTML"] = [plain_words(each) for each in words_of_page(page)]
        if readings["HTML"] != wanted or language_of_page(page) != text.language:
            problems.append(Problem("proof.html", "The HTML does not read as the record does. Do not give it out."))
    for name, read in readings.items():
        if not {plain_words(warning.heading), plain_words(warning.text)}.issubset(read):
            said = f"The {name} does not hold the opioid warning whole: “{warning.heading}: {warning.text}”. Do not give it out."
            problems.append(Problem("proof.warning", said))
    return problems, CHECKS if page is None else (*CHECKS, "html")


def _seen(document: bytes, text: LeafletText, wanted: list[str]) -> Iterator[Problem]:
    """Each page as it is looked at: its words, their size and their ink, its margins, its barcode."""
    pages = read_pages(document, DOTS_PER_INCH)
    if len(pages) != len(text.sheets):
        yield Problem("proof.pages", f"The PDF has {len(pages)} pages, the leaflet {len(text.sheets)}. Draw it again.")
        return
    read = [plain_words("".join(letter.text for letter in letters)) for letters, _ in pages]
    at, page = 0, 0
    for words in wanted:
        found = read[page].find(words, at)
        if found < 0 and page + 1 < len(read):
            page, found = page + 1, read[page + 1].find(words)
        if found < 0:
            yield Problem(
                "proof.text-missing", f"The leaflet does not read “{words}” in its place. Do not give it out."
            )
            return
        at = found + len(words)
    for number, (letters, raster) in enumerate(pages, 1):
        where = f"page {number}"
        for running in (
            text.record,
            text.pharmacy,
            text.page.replace("{number}", str(number)).replace("{count}", str(len(pages))),
        ):
            if plain_words(running) not in read[number - 1]:
                yield Problem(
                    "proof.text-missing", f"Page {number} does not read “{running}”. Do not give it out.", where
                )
        yield from _letters(letters, raster, where)
        if _edge(raster):
            yield Problem("proof.margin", f"There is ink in the margin of page {number}. Do not give it out.", where)
    if text.element not in [symbol.element for symbol in read_symbols(pages[0][1])]:
        yield Problem("proof.barcode", f"The barcode does not read {text.element}. Do not give it out.", "page 1")


def elements_of(document: bytes) -> list[str]:
    """What the barcodes on a leaflet's first page hold; nothing for a file of one page, which is no leaflet."""
    pages = read_pages(document, DOTS_PER_INCH) if page_count(document) > 1 else []
    return [symbol.element for symbol in read_symbols(pages[0][1])] if pages else []


def _letters(letters: tuple[Letter, ...], raster: Raster, where: str) -> Iterator[Problem]:
    for letter in letters:
        if letter.text.isspace():
            continue
        if letter.font not in pdf.FONT_NAMES.values():
            yield Problem("proof.not-readable", f"{where}: “{letter.text}” is in the font {letter.font}", where)
        elif letter.size < SIZE - ROUNDING:
            yield Problem("proof.too-small", f"{where}: “{letter.text}” is {letter.size:.1f} pt, not {SIZE:g}", where)
        elif not _has_ink(letter, raster):
            yield Problem(
                "proof.not-readable", f"{where}: “{letter.text}” is not there as ink: pale, covered or off", where
            )
        else:
            continue
        return


def _has_ink(letter: Letter, raster: Raster) -> bool:
    """Whether a letter shows: its box on the page holds both ink and paper."""
    left, right = int(letter.left * raster.scale) - 1, int(letter.right * raster.scale) + 2
    top = raster.height - int(letter.top * raster.scale) - 2
    bottom = raster.height - int(letter.bottom * raster.scale) + 1
    if left < 0 or top < 0 or right > raster.width or bottom > raster.height:
        return False
    dots = raster.area(left, top, right, bottom)
    return min(dots) < 128 < max(dots)


def _edge(raster: Raster) -> bool:
    """Whether there is ink along an edge of the page."""
    strip, wide, high = int(EDGE * raster.scale), raster.width, raster.height
    areas = ((0, 0, wide, strip), (0, high - strip, wide, high), (0, 0, strip, high), (wide - strip, 0, wide, high))
    return any(min(raster.area(*area)) < PAPER for area in areas)


def _heard(document: bytes, text: LeafletText, wanted: list[str]) -> Iterator[Problem]:
    """What a screen reader makes of it: the record's words in their order, said in the record's language."""
    if (language := language_of(document)) != text.language:
        said = f"The PDF says that its words are in “{language}”, not in {text.language}. Draw it again."
        yield Problem("proof.language", said)
    heard = [plain_words(words) for _, words in spoken(document) if words.strip()]
    if heard != wanted:
        wrong = next((said for said, words in zip(heard, wanted, strict=False) if said != words), "too few words")
        yield Problem(
            "proof.structure", f"The leaflet is not read aloud as the record has it: “{wrong}”. Draw it again."
        )


def page_count(document: bytes) -> int:
    """How many pages a PDF has; none if it is no PDF."""
    import pypdfium2

    try:
        return len(pypdfium2.PdfDocument(document))
    except pypdfium2.PdfiumError:
        return 0


def language_of(document: bytes) -> str:
    """The language that a PDF says its words are in; empty if it says none."""
    import pypdfium2
    from pypdfium2 import raw

    read = pypdfium2.PdfDocument(document)
    size = raw.FPDFCatalog_GetLanguage(read, None, 0)
    buffer = (ctypes.c_ushort * size)()
    raw.FPDFCatalog_GetLanguage(read, buffer, size)
    return bytes(buffer).decode("utf-16-le").rstrip("\0")


def spoken(document: bytes) -> list[tuple[str, str]]:
    """What a screen reader makes of a PDF: kind and words of each element that holds words, in the order of the structure."""
    import pypdfium2

    return [found for page in pypdfium2.PdfDocument(document) for found in _spoken_on(page)]


def _spoken_on(page: Any) -> Iterator[tuple[str, str]]:
    from pypdfium2 import raw

    words = _marked(page)
    tree = raw.FPDF_StructTree_GetForPage(page)

    def walk(element: Any) -> Iterator[tuple[str, str]]:
        kind = _text(raw.FPDF_StructElement_GetType, element)
        said = ""
        for place in range(raw.FPDF_StructElement_CountChildren(element)):
            number = raw.FPDF_StructElement_GetChildMarkedContentID(element, place)
            said += words.get(number, "") if number >= 0 else ""
        if said:
            yield kind, said
        for place in range(raw.FPDF_StructElement_CountChildren(element)):
            kid = raw.FPDF_StructElement_GetChildAtIndex(element, place)
            if kid:
                yield from walk(kid)

    try:
        for place in range(raw.FPDF_StructTree_CountChildren(tree)):
            yield from walk(raw.FPDF_StructTree_GetChildAtIndex(tree, place))
    finally:
        raw.FPDF_StructTree_Close(tree)


def _marked(page: Any) -> dict[int, str]:
    """The words of each piece of marked content of a page, by its number; artifacts have none."""
    from pypdfium2 import raw

    text = page.get_textpage()
    words: dict[int, str] = {}
    for place in range(raw.FPDFPage_CountObjects(page)):
        piece = raw.FPDFPage_GetObject(page, place)
        number = raw.FPDFPageObj_GetMarkedContentID(piece)
        if number >= 0 and raw.FPDFPageObj_GetType(piece) == raw.FPDF_PAGEOBJ_TEXT:
            size = raw.FPDFTextObj_GetText(piece, text, None, 0)
            buffer = (ctypes.c_ushort * size)()
            raw.FPDFTextObj_GetText(piece, text, buffer, size)
            said = bytes(buffer).decode("utf-16-le").rstrip("\0")
            words[number] = words.get(number, "") + said
    return words


def _text(ask: Any, element: Any) -> str:
    size = ask(element, None, 0)
    buffer = ctypes.create_string_buffer(size)
    ask(element, buffer, size)
    return buffer.raw.decode("utf-16-le").rstrip("\0")
