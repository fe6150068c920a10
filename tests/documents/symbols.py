"""Barcodes read as a hand scanner does: its prefix, then the message."""

from __future__ import annotations

from pathlib import Path

import pypdfium2
import zxingcpp


def scanned_from(pdf: Path, dots_per_inch: int = 203) -> str:
    """What a scanner types when it sees the only barcode of a page."""
    bitmap = pypdfium2.PdfDocument(pdf)[0].render(scale=dots_per_inch / 72, grayscale=True)
    (symbol,) = zxingcpp.read_barcodes(bitmap.to_pil())
    return symbol.symbology_identifier + symbol.bytes.decode()
