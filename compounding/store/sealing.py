"""Files that only a passphrase opens, or the private half of a key: in the open format age, piece by piece.

Any program that knows the format opens them too, so a backup needs this tool neither in ten years nor when it is lost.
A key of 128 bits, drawn for the one file, is wrapped for whoever may open it: with X25519 for the public half of a key,
or with scrypt for a passphrase. The content follows in pieces of 64 KiB, each sealed with its number and with whether it
is the last, so that none can be changed, moved, repeated or cut off, and none is in memory with another.

Source:
    age-v1; rfc-7748; rfc-5869; rfc-8439; rfc-7914; bip-173
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac
from typing import TYPE_CHECKING, BinaryIO
from unicodedata import normalize

from compounding.frozen import dataclass
from compounding.problems import NotUnderstood, Problem, Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

BEGINS = b"age-encryption.org/v1\n"
PIECE = 64 * 1024

# Scrypt of a new passphrase: 2^18 blocks of 1 KiB, some 0.7 s. What is opened may ask for four times as much. No option,
# setting or variable changes it; only the tests put another one here.
WORK = 18
MOST_WORK = 20

_KEY, _NONCE, _TAG, _SALT = 16, 16, 16, 16
_X25519, _SCRYPT = b"age-encryption.org/v1/X25519", b"age-encryption.org/v1/scrypt"
_PUBLIC, _PRIVATE = "age", "age-secret-key-"
_LONGEST_HEADER = 64 * 1024

Stanza = tuple[tuple[bytes, ...], bytes]  # its words, and what is wrapped in it
Opens = Callable[[Sequence[Stanza]], bytes | None]  # the key of the file, if it is wrapped for this one


@dataclass(frozen=True)
class Seal:
    """A seal for one file: its key, and the head of the file in which the key is wrapped.

    Args:
        key: of the file [16 bytes].
        header: bytes before the content.
    """

    key: bytes
    header: bytes

    def opens(self, _: Sequence[Stanza]) -> bytes:
        """The key, for reading back what has just been written."""
        return self.key


def seal_with_passphrase(passphrase: str) -> Seal:
    """A seal that a passphrase opens."""
    key, salt = os.urandom(_KEY), os.urandom(_SALT)
    words = b"scrypt", _base64(salt), str(WORK).encode()
    return _seal(key, [(words, _wrapped(key, _stretched(passphrase, salt, WORK)))])


def seal_for(recipients: Iterable[str]) -> Seal:
    """A seal that the private half of any of these keys opens.

    Args:
        recipients: public halves, ``age1…`` [1 or more].

    Raises:
        NotUnderstood: one of them is no public half.
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    key = os.urandom(_KEY)
    stanzas: list[tuple[tuple[bytes, ...], bytes]] = []
    for recipient in recipients:
        public = read_public(recipient)
        once = X25519PrivateKey.generate()
        share = once.public_key().public_bytes_raw()
        stanzas.append(((b"X25519", _base64(share)), _wrapped(key, _shared(once, public, share, public, recipient))))
    return _seal(key, stanzas)


def passphrase_opens(passphrase: str) -> Opens:
    """What a passphrase opens."""

    def opens(stanzas: Sequence[Stanza]) -> bytes | None:
        if len(stanzas) != 1 or stanzas[0][0][0] != b"scrypt" or len(stanzas[0][0]) != 3:
            return None
        (_, salt, work), wrapped = stanzas[0]
        if not work.isdigit() or len(work) > 2 or not 1 <= int(work) <= MOST_WORK:
            raise _not_sealed("its seal asks for more work than a workstation can bear")
        return _unwrapped(wrapped, _stretched(passphrase, _from_base64(salt, _SALT), int(work)))

    return opens


def key_opens(private: str) -> Opens:
    """What the private half of a key opens.

    Raises:
        NotUnderstood: this is no private half.
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    own = X25519PrivateKey.from_private_bytes(_from_bech32(private, _PRIVATE))
    public = own.public_key().public_bytes_raw()

    def opens(stanzas: Sequence[Stanza]) -> bytes | None:
        for words, wrapped in stanzas:
            if words[0] == b"X25519" and len(words) == 2:
                share = _from_base64(words[1], 32)
                if key := _unwrapped(wrapped, _shared(own, share, share, public, "the seal")):
                    return key
        return None

    return opens


def new_pair() -> tuple[str, str]:
    """Public and private half of a new key: ``age1…``, ``AGE-SECRET-KEY-1…``."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    made = X25519PrivateKey.generate()
    return _bech32(_PUBLIC, made.public_key().public_bytes_raw()), _bech32(_PRIVATE, made.private_bytes_raw()).upper()


def read_public(text: str) -> bytes:
    """The public half of a key, from how it is written [32 bytes].

    Raises:
        NotUnderstood: it is none, or was mistyped.
    """
    return _from_bech32(text, _PUBLIC)


def wants_passphrase(file: BinaryIO) -> bool:
    """Whether a sealed file, at its beginning, opens with a passphrase; with a key otherwise."""
    _, stanzas, _ = _read_header(file)
    return [words[0] for words, _ in stanzas] == [b"scrypt"]


# ---- the content ----


def sealed(content: Iterable[bytes], seal: Seal) -> Iterator[bytes]:
    """A sealed file, in pieces."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    nonce = os.urandom(_NONCE)
    yield seal.header
    yield nonce
    cipher, number, waiting = ChaCha20Poly1305(_derived(seal.key, nonce, b"payload")), 0, bytearray()
    for part in content:
        waiting += part
        while len(waiting) > PIECE:
            yield cipher.encrypt(_numbered(number, last=False), bytes(waiting[:PIECE]), None)
            del waiting[:PIECE]
            number += 1
    yield cipher.encrypt(_numbered(number, last=True), bytes(waiting), None)


def opened(file: BinaryIO, opens: Opens) -> Iterator[bytes]:
    """The content of a sealed file, in pieces, each of them as it was sealed.

    Args:
        file: at its beginning.
        opens: finds the key of the file.

    Raises:
        Refused: it does not open, or the file was changed or cut; nothing of the piece where that is seen is given.
        NotUnderstood: it is no sealed file.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    header, stanzas, mac = _read_header(file)
    key = opens(stanzas)
    if key is None:
        text = "It does not open: another passphrase or key sealed it, or it was changed. Nothing was read"
        raise Refused(Problem("seal.does-not-open", text))
    if not compare_digest(_mac(key, header), mac):
        raise _changed()
    cipher = ChaCha20Poly1305(_derived(key, file.read(_NONCE), b"payload"))
    number, piece = 0, file.read(PIECE + _TAG)
    while True:
        following = file.read(PIECE + _TAG)
        try:
            part = cipher.decrypt(_numbered(number, last=not following), piece, None)
        except InvalidTag:
            raise _changed() from None
        if not part and number:
            raise _changed()
        yield part
        if not following:
            return
        number, piece = number + 1, following


def _numbered(number: int, *, last: bool) -> bytes:
    """The nonce of a piece: its number, and whether another follows."""
    return number.to_bytes(11, "big") + bytes([last])


# ---- the head ----


def _seal(key: bytes, stanzas: Sequence[Stanza]) -> Seal:
    header = BEGINS
    for words, wrapped in stanzas:
        header += b"-> " + b" ".join(words) + b"\n" + _base64(wrapped) + b"\n"
    header += b"---"
    return Seal(key, header + b" " + _base64(_mac(key, header)) + b"\n")


def _read_header(file: BinaryIO) -> tuple[bytes, list[Stanza], bytes]:
    """What the key of a file vouches for, who may open it, and the proof that this was not changed."""
    read = file.readline(_LONGEST_HEADER)
    stanzas: list[Stanza] = []
    if read != BEGINS:
        raise _not_sealed("it does not begin as a sealed file does")
    while len(read) < _LONGEST_HEADER:
        line = file.readline(_LONGEST_HEADER)
        if line.startswith(b"--- ") and line.endswith(b"\n") and stanzas:
            return read + b"---", stanzas, _from_base64(line[4:-1], 32)
        words = tuple(line[3:-1].split(b" "))
        if not line.startswith(b"-> ") or not all(words):
            break
        read, wrapped, full = read + line, b"", True
        while full and len(read) < _LONGEST_HEADER:
            line = file.readline(_LONGEST_HEADER)
            full = len(line) == 65
            read, wrapped = read + line, wrapped + _from_base64(line.removesuffix(b"\n"))
        stanzas.append((words, wrapped))
    raise _not_sealed("its head is not that of a sealed file")


def _mac(key: bytes, header: bytes) -> bytes:
    return hmac(_derived(key, b"", b"header"), header, "sha256")


def _wrapped(key: bytes, wraps: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    return ChaCha20Poly1305(wraps).encrypt(bytes(12), key, None)


def _unwrapped(wrapped: bytes, wraps: bytes) -> bytes | None:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    if len(wrapped) != _KEY + _TAG:
        raise _not_sealed("what its seal wraps has not the length of a key")
    try:
        return ChaCha20Poly1305(wraps).decrypt(bytes(12), wrapped, None)
    except InvalidTag:
        return None


def _shared(own: X25519PrivateKey, other: bytes, share: bytes, recipient: bytes, where: str) -> bytes:
    """The key that wraps, which only the owners of the two private halves can make."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    try:
        secret = own.exchange(X25519PublicKey.from_public_bytes(other))
    except ValueError:  # a point that makes the same secret with everybody
        raise NotUnderstood(Problem("seal.key", f"{where} holds a key that would seal nothing", where)) from None
    return _derived(secret, share + recipient, _X25519)


def _derived(secret: bytes, salt: bytes, what: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), sha256().digest_size, salt, what).derive(secret)


def _stretched(passphrase: str, salt: bytes, work: int) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(_SCRYPT + salt, 32, 2**work, 8, 1).derive(normalize("NFC", passphrase).encode("utf-8"))


def _base64(content: bytes) -> bytes:
    return b64encode(content).rstrip(b"=")


def _from_base64(text: bytes, length: int | None = None) -> bytes:
    try:
        content = b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except Base64Error:
        content = None
    if content is None or _base64(content) != text or length not in (None, len(content)):
        raise _not_sealed("its head is not that of a sealed file")
    return content


def _changed() -> Refused:
    text = "It was changed or cut after it was sealed: take another copy. Nothing was read"
    return Refused(Problem("seal.changed", text))


def _not_sealed(why: str) -> NotUnderstood:
    return NotUnderstood(Problem("seal.not-sealed", f"It cannot be opened: {why}. Take another copy"))


# ---- how keys are written: Bech32, whose last six characters find what was mistyped ----

_CHARACTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def _checksum(prefix: str, values: Sequence[int]) -> int:
    state = 1
    for value in (*(ord(each) >> 5 for each in prefix), 0, *(ord(each) & 31 for each in prefix), *values):
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for place, part in enumerate(_GENERATOR):
            state ^= part if top >> place & 1 else 0
    return state


def _bech32(prefix: str, content: bytes) -> str:
    bits = int.from_bytes(content, "big") << (-8 * len(content) % 5)
    length = -(-8 * len(content) // 5)
    values = [bits >> 5 * place & 31 for place in reversed(range(length))]
    check = _checksum(prefix, [*values, 0, 0, 0, 0, 0, 0]) ^ 1
    values += [check >> 5 * place & 31 for place in reversed(range(6))]
    return f"{prefix}1{''.join(_CHARACTERS[value] for value in values)}"


def _from_bech32(text: str, prefix: str) -> bytes:
    """The 32 bytes of half a key.

    Raises:
        NotUnderstood: another prefix, another length, or a character that was mistyped.
    """
    small = text.lower()
    begins, _, rest = small.rpartition("1")
    values = [_CHARACTERS.find(each) for each in rest]
    right = text in (small, text.upper()) and begins == prefix and len(values) == 52 + 6 and min(values) >= 0
    if not right or _checksum(prefix, values) != 1 or values[51] & 15:
        what = "public half of a backup key: it begins with age1" if prefix == _PUBLIC else "private half of a backup key"
        seen = text if prefix == _PUBLIC else "What was given"
        raise NotUnderstood(Problem("seal.key", f"{seen} is no {what}. Copy it again", seen))
    bits = 0
    for value in values[:52]:
        bits = bits << 5 | value
    return (bits >> 4).to_bytes(32, "big")
