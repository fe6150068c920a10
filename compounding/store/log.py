"""The Merkle tree over the journal, its head on paper, and what both can prove.

Pure: bytes in, bytes out. The tree is that of RFC 6962 (SHA-256; a leaf is hashed after a 0x00, a
node after a 0x01, so that neither can be passed off as the other). A head (size and root) stands
for every byte before it. Two heads are one history if a consistency proof joins them, and one
entry belongs to a head if an inclusion proof says so, without showing any other entry.

What a leaf covers is decided here once and for ever (`leaf_data`): the canonical bytes of the entry
and, when there are any, its signatures. So a signature cannot be removed or exchanged later.

Source:
    rfc-6962, section 2.1; c2sp-tlog-checkpoint; crockford-base32
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from hashlib import sha256

from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem

EMPTY_ROOT = sha256(b"").digest()
HASH_BYTES = 32

CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 26  # characters of 5 bits: 130 bits, so that grinding two histories to one code takes 2^65 tries
CODE_GROUP = 4  # as many characters as a listener keeps in mind


@dataclass(frozen=True)
class Head:
    """What the log is at one moment.

    Args:
        size: number of entries [0 or more].
        root: root of their tree [32 bytes].
    """

    size: int
    root: bytes


@dataclass(frozen=True)
class Frontier:
    """The peaks of the tree: all that is needed to add the next leaf.

    Args:
        size: number of leaves [0 or more].
        peaks: roots of the complete subtrees, largest first, one for each 1 in the binary size [32 bytes each].
    """

    size: int
    peaks: tuple[bytes, ...]


EMPTY = Frontier(0, ())


def leaf_data(body: bytes, signatures: bytes) -> bytes:
    """What the log keeps of one entry.

        without signatures: body
        with signatures:    "signed-entry/v1 " length-of-body " " body signatures

    A canonical body begins with ``{``, so one form can never be read as the other, and the length
    says where the body ends.

    Args:
        body: canonical bytes of the entry.
        signatures: bytes of its signatures, empty if it has none.
    """
    if not signatures:
        return body
    return b"signed-entry/v1 %d " % len(body) + body + signatures


def leaf_hash(data: bytes) -> bytes:
    """Hash of one leaf."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of the node above two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Root over leaf hashes, by the definition of RFC 6962; the slow way that the others are held against."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = _split(len(leaves))
    return node_hash(root_of(leaves[:split]), root_of(leaves[split:]))


def grown(frontier: Frontier, leaf: bytes) -> Frontier:
    """The frontier after one more leaf hash; at most log2(size) node hashes."""
    peaks, size, node = frontier.peaks, frontier.size, leaf
    while size & 1:  # two complete subtrees of one size become one of double size
        node = node_hash(peaks[-1], node)
        peaks = peaks[:-1]
        size >>= 1
    return Frontier(frontier.size + 1, (*peaks, node))


def head_of(frontier: Frontier) -> Head:
    """The head: the peaks folded from the smallest to the largest."""
    if not frontier.peaks:
        return Head(0, EMPTY_ROOT)
    root = frontier.peaks[-1]
    for peak in reversed(frontier.peaks[:-1]):
        root = node_hash(peak, root)
    return Head(frontier.size, root)


def frontier_of(size: int, peaks: bytes) -> Frontier:
    """Read back the peaks that were stored one after the other.

    Raises:
        NotUnderstood: the bytes cannot be the peaks of a tree of this size.
    """
    if len(peaks) != HASH_BYTES * size.bit_count():
        raise NotUnderstood(Problem("log.peaks", f"{len(peaks)} bytes of peaks cannot belong to a tree of {size}"))
    return Frontier(size, tuple(peaks[at : at + HASH_BYTES] for at in range(0, len(peaks), HASH_BYTES)))


def inclusion_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The hashes that lead from one leaf to the root.

    Args:
        leaves: all leaf hashes of the tree.
        index: place of the leaf [0 to number of leaves - 1].

    Source:
        rfc-6962, section 2.1.1
    """
    if not 0 <= index < len(leaves):
        raise NotUnderstood(Problem("log.index", f"There is no leaf {index} in a tree of {len(leaves)}."))
    if len(leaves) == 1:
        return ()
    split = _split(len(leaves))
    if index < split:
        return (*inclusion_proof(leaves[:split], index), root_of(leaves[split:]))
    return (*inclusion_proof(leaves[split:], index - split), root_of(leaves[:split]))


def inclusion_holds(leaf: bytes, index: int, head: Head, proof: Sequence[bytes]) -> bool:
    """True if the proof leads from this leaf hash at this place to the head.

    Source:
        rfc-9162, section 2.1.3.2
    """
    if not 0 <= index < head.size:
        return False
    place, last, node = index, head.size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            node = node_hash(step, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, step)
        place, last = place >> 1, last >> 1
    return last == 0 and node == head.root


def consistency_proof(leaves: Sequence[bytes], first: int) -> tuple[bytes, ...]:
    """The hashes that show that the first leaves are the beginning of all of them.

    Args:
        leaves: all leaf hashes of the later tree.
        first: size of the earlier tree [0 to number of leaves]; nothing needs proof at 0 and at the end.

    Source:
        rfc-6962, section 2.1.2
    """
    if not 0 <= first <= len(leaves):
        raise NotUnderstood(Problem("log.size", f"A log of {len(leaves)} entries never had {first}."))
    return _subproof(leaves, first, whole=True) if first else ()


def consistency_holds(first: Head, second: Head, proof: Sequence[bytes]) -> bool:
    """True if the proof shows that the first head is a beginning of the second.

    Source:
        rfc-9162, section 2.1.4.2
    """
    if first.size > second.size:
        return False
    if first.size == second.size:
        return first.root == second.root and not proof
    if first.size == 0:
        return first.root == EMPTY_ROOT and not proof
    steps = list(proof)
    if first.size & (first.size - 1) == 0:  # a complete tree is its own first step
        steps.insert(0, first.root)
    if not steps:
        return False
    place, last = first.size - 1, second.size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    earlier = later = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            earlier, later = node_hash(step, earlier), node_hash(step, later)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            later = node_hash(later, step)
        place, last = place >> 1, last >> 1
    return last == 0 and earlier == first.root and later == second.root


class Tree:
    """All nodes of a tree whose leaves are at hand, so that each proof costs a few hashes more and not all of them.

    Args:
        leaves: all leaf hashes, in order.
    """

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.size = len(leaves)
        self._levels: list[Sequence[bytes]] = [leaves]  # of complete subtrees of 1, 2, 4 and so on leaves
        while len(below := self._levels[-1]) > 1:
            pairs = zip(below[::2], below[1::2], strict=False)  # a single one at the end waits for its neighbour
            self._levels.append([node_hash(left, right) for left, right in pairs])

    def head(self, size: int | None = None) -> Head:
        """The head of the first so many leaves, or of all."""
        size = self.size if size is None else size
        return Head(size, self._root(0, size) if size else EMPTY_ROOT)

    def inclusion_proof(self, index: int) -> tuple[bytes, ...]:
        """The same as `inclusion_proof` over all leaves."""
        if not 0 <= index < self.size:
            raise NotUnderstood(Problem("log.index", f"There is no leaf {index} in a tree of {self.size}."))
        return self._path(index, 0, self.size)

    def consistency_proof(self, first: int) -> tuple[bytes, ...]:
        """The same as `consistency_proof` over all leaves."""
        if not 0 <= first <= self.size:
            raise NotUnderstood(Problem("log.size", f"A log of {self.size} entries never had {first}."))
        return self._subproof(first, 0, self.size, whole=True) if first else ()

    def _root(self, begin: int, end: int) -> bytes:
        count = end - begin
        if count & (count - 1) == 0:  # complete, and where it stands aligned to its size
            level = count.bit_length() - 1
            return self._levels[level][begin >> level]
        split = begin + _split(count)
        return node_hash(self._root(begin, split), self._root(split, end))

    def _path(self, index: int, begin: int, end: int) -> tuple[bytes, ...]:
        if end - begin == 1:
            return ()
        split = begin + _split(end - begin)
        if index < split:
            return (*self._path(index, begin, split), self._root(split, end))
        return (*self._path(index, split, end), self._root(begin, split))

    def _subproof(self, first: int, begin: int, end: int, *, whole: bool) -> tuple[bytes, ...]:
        if first == end:
            return () if whole else (self._root(begin, end),)
        split = begin + _split(end - begin)
        if first <= split:
            return (*self._subproof(first, begin, split, whole=whole), self._root(split, end))
        return (*self._subproof(first, split, end, whole=False), self._root(begin, split))


def checkpoint(origin: str, head: Head) -> str:
    """The head as text: origin, size and base64 root, one a line (the body of a C2SP signed note).

    Args:
        origin: the name of the log; without white space and plus, for a line break in it would frame another head.

    Source:
        c2sp-tlog-checkpoint
    """
    if not origin or "+" in origin or any(character.isspace() for character in origin):
        raise NotUnderstood(Problem("log.origin", f"{origin!r} cannot name a log: no white space and no plus in it."))
    return f"{origin}\n{head.size}\n{b2a_base64(head.root, newline=False).decode('ascii')}\n"


def read_checkpoint(text: str) -> tuple[str, Head]:
    """Origin and head from the text of a checkpoint.

    Raises:
        NotUnderstood: it is not exactly what `checkpoint` writes.
    """
    try:
        origin, size, root = text.removesuffix("\n").split("\n")
        head = Head(int(size), a2b_base64(root, strict_mode=True))
        if len(head.root) == HASH_BYTES and head.size >= 0 and checkpoint(origin, head) == text:
            return origin, head
    except (ValueError, Base64Error):
        pass
    raise NotUnderstood(
        Problem("log.checkpoint", "This is not a checkpoint: expected three lines, the log's name, its size, its root.")
    )


def short_code(origin: str, head: Head) -> str:
    """The head as 26 characters for eyes and voices: ``4T7K-9Q…``.

    Crockford's base 32 of the first 130 bits of the SHA-256 of the checkpoint: no I, L, O and U, so
    that nobody reads a 1 or a 0 wrongly.
    """
    digest = sha256(checkpoint(origin, head).encode("utf-8")).digest()
    bits = int.from_bytes(digest, "big") >> (8 * len(digest) - 5 * CODE_LENGTH)
    return _grouped("".join(CODE_ALPHABET[bits >> 5 * place & 31] for place in reversed(range(CODE_LENGTH))))


def read_short_code(text: str) -> str:
    """A code as someone typed or scanned it, in the spelling of `short_code`.

    Small letters, spaces and dashes do not matter; O is read as 0, I and L as 1.

    Raises:
        NotUnderstood: a character that is in no code, or not 26 of them.
    """
    characters = "".join(text.split()).replace("-", "").upper().translate(str.maketrans("OIL", "011"))
    strange = [character for character in characters if character not in CODE_ALPHABET]
    if strange:
        raise NotUnderstood(
            Problem("log.code", f"{strange[0]!r} is in no code of a journal: read the code again from the paper.")
        )
    if len(characters) != CODE_LENGTH:
        raise NotUnderstood(
            Problem("log.code", f"The code has {len(characters)} characters, expected {CODE_LENGTH}: read it again.")
        )
    return _grouped(characters)


def _grouped(characters: str) -> str:
    return "-".join(characters[at : at + CODE_GROUP] for at in range(0, len(characters), CODE_GROUP))


def _split(size: int) -> int:
    """The largest power of two below the size [2 or more]."""
    return 1 << ((size - 1).bit_length() - 1)


def _subproof(leaves: Sequence[bytes], first: int, *, whole: bool) -> tuple[bytes, ...]:
    """SUBPROOF of RFC 6962; `whole` while the earlier tree is one that the reader knows the root of."""
    if first == len(leaves):
        return () if whole else (root_of(leaves),)
    split = _split(len(leaves))
    if first <= split:
        return (*_subproof(leaves[:split], first, whole=whole), root_of(leaves[split:]))
    return (*_subproof(leaves[split:], first - split, whole=False), root_of(leaves[:split]))
