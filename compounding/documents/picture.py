"""A picture of a page as its printer burns it, for eyes: a PNG of black and white dots."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

BLACK_BELOW = 128
# Between two labels, in dots: white, with a line in the middle of it.
GAP = 16

Picture = tuple[int, int, bytes]  # width, height, and one byte a dot


def png(width: int, height: int, dots: bytes, dots_per_inch: int) -> bytes:
    """A PNG of one bit a dot, with its resolution, so that it is shown in its real size.

    Args:
        dots: one byte each, 0 black to 255 white, row by row from the top.

    Source:
        png-iso-15948
    """
    rows = bytearray()
    for row in range(height):
        bits = "".join("0" if dot < BLACK_BELOW else "1" for dot in dots[row * width : (row + 1) * width])
        rows.append(0)  # no filter
        rows += int(bits.ljust(-(-width // 8) * 8, "1"), 2).to_bytes(-(-width // 8), "big")
    per_metre = round(dots_per_inch / 0.0254)
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)),
        (b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1)),
        (b"IDAT", zlib.compress(bytes(rows), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_part(name, data) for name, data in parts)


def below_each_other(pictures: Sequence[Picture]) -> Picture:
    """The labels of a set, or the pages of some stickers, as one picture.

    Example:
        >>> below_each_other([(1, 1, b"\\0"), (2, 1, b"\\0\\0")])[:2]
        (2, 18)
    """
    width = max(across for across, _, _ in pictures)
    white = b"\xff" * width
    line = [white] * (GAP // 2 - 1) + [b"\0" * width] + [white] * (GAP // 2)
    rows: list[bytes] = []
    for across, height, dots in pictures:
        rows += line if rows else []
        rows += [dots[row * across : (row + 1) * across].ljust(width, b"\xff") for row in range(height)]
    return width, len(rows), b"".join(rows)


def _part(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
