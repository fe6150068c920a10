"""Heads that stood on paper, looked for in the journal of today.

Every head that the journal ever had follows from its bytes. A head from paper that is among them is the
beginning of this journal, proven; one that is not shows that entries were changed, cut off, or that an older copy
was put back. A code that almost is one of them was misread: by chance that happens once in 2^100 heads.

Source:
    rfc-6962, section 2.1; crockford-base32
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Iterator
from hashlib import sha256

from compounding.frozen import dataclass
from compounding.store import log
from compounding.store.journal import Journal

MOST_MISREAD = 2  # characters

_BITS = 5 * log.CODE_LENGTH
_TOLD_EVERY = 1000  # entries


@dataclass(frozen=True)
class Found:
    """What became of one code.

    Args:
        code: as it was read.
        size: number of entries that the journal had under this head; None if it never had this head.
        near: number of entries and code of a head that differs in a character or two; None if there is none.
    """

    code: str
    size: int | None = None
    near: tuple[int, str] | None = None


def find_heads(journal: Journal, codes: list[str], progress: Callable[[int, int], None] | None = None) -> list[Found]:
    """Look for heads among all that the journal had, from its bytes.

    Args:
        journal: an open journal.
        codes: short codes, as `log.read_short_code` gives them.
        progress: is told now and then how many entries of how many are done.
    """
    asked = {code: _number(code) for code in codes}
    found = {code: Found(code) for code in codes}
    total = journal.database.count(journal.site)
    with journal.database.reading():
        for size, head in _heads(journal):
            for code, number in asked.items():
                differing = number ^ head
                if not differing:
                    found[code] = Found(code, size=size)
                elif differing.bit_count() <= 5 * MOST_MISREAD and _characters(differing) <= MOST_MISREAD:
                    found[code] = Found(code, found[code].size, (size, _code(head)))
            if progress and size % _TOLD_EVERY == 0:
                progress(size, total)
    return [found[code] for code in codes]


def _heads(journal: Journal) -> Iterator[tuple[int, int]]:
    """Size and code, as a number, of every head from the first entry on."""
    origin = journal.origin.encode("utf-8")
    peaks: list[bytes] = []
    for sequence, body, signatures, *_ in journal.database.every_leaf(journal.site):
        node = log.leaf_hash(log.leaf_data(body, signatures))
        rest = sequence - 1
        while rest & 1 and peaks:
            node = log.node_hash(peaks.pop(), node)
            rest >>= 1
        peaks.append(node)
        root = peaks[-1]
        for peak in peaks[-2::-1]:
            root = log.node_hash(peak, root)
        stated = b"%s\n%d\n%s" % (origin, sequence, b2a_base64(root))
        yield sequence, int.from_bytes(sha256(stated).digest(), "big") >> (256 - _BITS)


def _number(code: str) -> int:
    number = 0
    for character in code.replace("-", ""):
        number = number << 5 | log.CODE_ALPHABET.index(character)
    return number


def _code(number: int) -> str:
    text = "".join(log.CODE_ALPHABET[number >> 5 * place & 31] for place in reversed(range(log.CODE_LENGTH)))
    return log.read_short_code(text)


def _characters(differing: int) -> int:
    """How many characters two codes differ in."""
    return sum(1 for place in range(log.CODE_LENGTH) if differing >> 5 * place & 31)
