"""Pages that are laid out, as SVG: the same marks that the PDF is painted from.

Text is escaped, never read as markup. The font is named, not embedded; Arial and Helvetica have the same widths.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from compounding.documents.boxes import BOLD, NBSP, Box, Dot, Page, Rule, Symbol, Word

FONTS = "Liberation Sans, Arial, Helvetica, sans-serif"


def drawn(page: Page, *, title: str, says: str) -> bytes:
    """One page as an SVG file; the same page gives the same bytes.

    Args:
        page: without barcodes, whose dots only a printer's own form keeps sharp.
        title: shown by viewers and read aloud.
        says: what the picture shows, for who cannot see it.
    """
    size = f'width="{page.width:g}pt" height="{page.height:g}pt" viewBox="0 0 {page.width:g} {page.height:g}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{FONTS}">',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(says)}</desc>",
        f'<rect width="{page.width:g}" height="{page.height:g}" fill="#fff"/>',
        *_marks(page),
        "</svg>",
    ]
    return ("\n".join(lines) + "\n").encode("utf-8")


def _marks(page: Page) -> Iterator[str]:
    """Each mark, from y that grows upwards to y that grows downwards."""
    top = page.height
    for mark in page.marks:
        match mark:
            case Word(x, y, size, font, text, grey):
                weight = ' font-weight="bold"' if font == BOLD else ""
                place = f'x="{x:.2f}" y="{top - y:.2f}" font-size="{size:g}"{weight}{_paint("fill", grey)}'
                yield f'<text {place} xml:space="preserve">{escape(text.replace(NBSP, " "))}</text>'
            case Box(x, y, width, height, fill, line, grey):
                inside = _paint("fill", fill) if fill is not None else ' fill="none"'
                edge = f'{_paint("stroke", grey)} stroke-width="{line:g}"' if line else ""
                half = line / 2
                at = f'x="{x + half:.2f}" y="{top - y - height + half:.2f}"'
                yield f'<rect {at} width="{width - line:.2f}" height="{height - line:.2f}"{inside}{edge}/>'
            case Rule(x, y, to_x, to_y, width, grey, dashes):
                dashed = f' stroke-dasharray="{" ".join(f"{each:g}" for each in dashes)}"' if dashes else ""
                ends = f'x1="{x:.2f}" y1="{top - y:.2f}" x2="{to_x:.2f}" y2="{top - to_y:.2f}"'
                yield f'<line {ends} stroke-width="{width:g}"{_paint("stroke", grey)}{dashed}/>'
            case Dot(x, y, radius, fill, line):
                inside = _paint("fill", fill) if fill is not None else ' fill="none"'
                edge = f' stroke="#000" stroke-width="{line:g}"' if line else ""
                yield f'<circle cx="{x:.2f}" cy="{top - y:.2f}" r="{radius:g}"{inside}{edge}/>'
            case Symbol():
                raise ValueError("a barcode is drawn as PDF only")


def _paint(what: str, grey: float) -> str:
    level = round(grey * 255)
    return f' {what}="#{level:02x}{level:02x}{level:02x}"'
