"""A label as ZPL: one picture of the dots that were proved. No word of the label reaches the printer as a word.

The printer's own settings (darkness, speed, tear-off) are left as they are.
"""

from __future__ import annotations

BLACK_BELOW = 128


def picture(width: int, height: int, dots: bytes) -> bytes:
    """The ZPL that burns a picture, once.

    Args:
        width, height: in the printer's dots.
        dots: one byte each, 0 black to 255 white, row by row from the top.

    Source:
        zpl-guide: ^GFA holds rows of whole bytes in hexadecimal, ``,`` fills a row with white, ``:`` repeats the one before
    """
    row_bytes = (width + 7) // 8
    rows = [_packed(dots[row * width : (row + 1) * width], row_bytes) for row in range(height)]
    written, before = [], ""
    for row in rows:
        inked = row.rstrip("0")  # what is left of a row without its white end
        written.append(":" if row == before else row if inked == row else f"{inked},")
        before = row
    size = row_bytes * height
    head = f"^XA^PW{width}^LL{height}^LH0,0^FO0,0^GFA,{size},{size},{row_bytes},"
    return f"{head}{''.join(written)}^FS^PQ1^XZ\n".encode("ascii")


def _packed(row: bytes, row_bytes: int) -> str:
    """A row as hexadecimal: eight dots a byte, black is 1; what fills the last byte is white."""
    bits = "".join("1" if dot < BLACK_BELOW else "0" for dot in row).ljust(row_bytes * 8, "0")
    return f"{int(bits, 2):0{row_bytes * 2}X}"
