"""Signing keys: made, sealed under a passphrase, opened for one signature, and checked without it.

A key is Ed25519. Its private half lies on disk sealed with ChaCha20-Poly1305 under a key that Argon2id
makes of the passphrase; person, public half and parameters are bound to the seal, so a file that was
altered, renamed or given to another person does not open. A signature is over a frame that names what kind
of thing is signed, so that a signature of an entry can never pass for one of anything else.

Source:
    rfc-8032; rfc-9106, section 4 (second recommended parameters); rfc-8439; dsse-v1
"""

from __future__ import annotations

import json
import os
import stat
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from compounding.frozen import dataclass
from compounding.problems import EnvironmentFails, NotUnderstood, Problem, Refused
from compounding.store.canonical import canonical_bytes
from compounding.store.files import write_whole
from compounding.store.log import CODE_ALPHABET

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ENTRY_TYPE = "application/vnd.compounding.entry.v1+json"
EXPORT_TYPE = "application/vnd.compounding.batch-export.v1+json"
SIGNATURE_BYTES = 64
SHORTEST_PASSPHRASE, LONGEST_PASSPHRASE, FEWEST_CHARACTERS = 15, 128, 6
PRIVATE_FILE = 0o600

_SALT_BYTES, _NONCE_BYTES, _SEALING_BYTES = 16, 12, 32
_FINGERPRINT_LENGTH = 26  # characters of 5 bits, as in a head's short code


@dataclass(frozen=True)
class Cost:
    """What one guess at a passphrase costs.

    Args:
        passes: passes over the memory.
        memory: [KiB].
        lanes: lanes that may run at once.
    """

    passes: int
    memory: int
    lanes: int


# The second recommendation of RFC 9106: 64 MiB, some 0.2 s. It is also the least that a sealed file may name, so a
# file that was made cheaper is refused. No option, setting or variable changes it; only the tests put another one here.
COST = Cost(passes=3, memory=65_536, lanes=4)


class WrongPassphrase(Refused):
    """The passphrase does not open the key."""


class OpenKey:
    """A key whose private half is in memory, for as long as one command runs. Make it with `new_key` or `opened`."""

    def __init__(self, seed: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._seed = seed
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._private.public_key().public_bytes_raw().hex()

    def sign(self, content: bytes, kind: str = ENTRY_TYPE) -> bytes:
        """Signature of bytes of a kind [64 bytes]."""
        return self._private.sign(framed(content, kind))


def new_key() -> OpenKey:
    """A key that nobody has had before."""
    return OpenKey(os.urandom(32))


def framed(content: bytes, kind: str) -> bytes:
    """What is signed: the kind of thing and its bytes, each with its length, so that neither can be shifted.

    Example:
        >>> framed(b"hello world", "http://example.com/HelloWorld")
        b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode("ascii"), len(content), content)


@lru_cache(maxsize=256)  # a site has few keys and many signatures
def _public_key(public: str) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))


def signature_holds(public: str, signature: bytes, content: bytes, kind: str = ENTRY_TYPE) -> bool:
    """True if the private half of this key signed these bytes as this kind of thing."""
    from cryptography.exceptions import InvalidSignature

    try:
        _public_key(public).verify(signature, framed(content, kind))
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(public: str) -> str:
    """A public key in 26 characters for paper: the first 130 bits of its SHA-256, as a head's short code is written."""
    bits = int.from_bytes(sha256(bytes.fromhex(public)).digest(), "big") >> (256 - 5 * _FINGERPRINT_LENGTH)
    text = "".join(CODE_ALPHABET[bits >> 5 * place & 31] for place in reversed(range(_FINGERPRINT_LENGTH)))
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def check_passphrase(passphrase: str, *about: str) -> None:
    """Whether a new passphrase is worth its name.

    Args:
        passphrase: as it was typed.
        about: names that it must not consist of.

    Raises:
        NotUnderstood: too short, too long, too few different characters, little more than a name, or one or two of the
            most common passwords with figures and signs around them.

    Source:
        owasp-asvs-4 (2.1; the least length here is stricter); django-common-passwords
    """
    rest = passphrase.casefold()
    for name in sorted(about, key=len, reverse=True):
        rest = rest.replace(name.casefold(), "").strip()
    text = ""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        text = f"The passphrase has {len(passphrase)} characters, at least {SHORTEST_PASSPHRASE} are needed"
    elif len(passphrase) > LONGEST_PASSPHRASE:
        text = f"The passphrase has {len(passphrase)} characters, at most {LONGEST_PASSPHRASE} are taken"
    elif len(set(passphrase.casefold())) < FEWEST_CHARACTERS or len(rest) < SHORTEST_PASSPHRASE // 2:
        text = "The passphrase repeats itself or is little more than a name"
    elif _is_common(passphrase):
        text = "The passphrase is made of the most common passwords, which are tried first"
    if text:
        raise NotUnderstood(Problem("passphrase.weak", f"{text}: choose four or five words that nobody would guess"))


# Signs that stand for a letter in what people take for a disguise.
_DISGUISES = str.maketrans("@4031!5$7+", "aaoeiisstt")


def _is_common(passphrase: str) -> bool:
    """True if, without figures and signs, hardly a letter is left, or one or two of the most common passwords, or one again
    and again."""
    listed = Path(__file__).with_name("common_passphrases.txt").read_text("utf-8").split("\n")
    common = set(map(_letters, listed))
    typed = normalize("NFKC", passphrase).casefold()
    return any(_made_of(common, _letters(text)) for text in (typed, typed.strip("0123456789 -_.,!?").translate(_DISGUISES)))


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalpha())


def _made_of(common: set[str], letters: str) -> bool:
    if len(letters) < FEWEST_CHARACTERS or letters in common:
        return True
    for place in range(1, len(letters)):
        first, rest = letters[:place], letters[place:]
        again = len(letters) % place == 0 and first * (len(letters) // place) == letters
        if first in common and (again or rest in common):
            return True
    return False


def sealed(key: OpenKey, person: str, passphrase: str) -> bytes:
    """The content of a sealed file."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    stated = {
        "format": "sealed-key/v1",
        "key": key.public,
        "lanes": COST.lanes,
        "memory": COST.memory,
        "passes": COST.passes,
        "person": person,
        "salt": salt.hex(),
    }
    seal = ChaCha20Poly1305(stretched(passphrase, salt, COST)).encrypt(nonce, key._seed, canonical_bytes(stated))
    return canonical_bytes(stated | {"nonce": nonce.hex(), "sealed": seal.hex()})


def opened(content: bytes, person: str, public: str, passphrase: str) -> OpenKey:
    """The key in a sealed file.

    Args:
        content: of the file.
        person: whose key it must be.
        public: which key it must be.
        passphrase: as it was typed.

    Raises:
        WrongPassphrase: it does not open the seal, or the file was altered; the two cannot be told apart.
        Refused: the file is another person's, another key, or was sealed more cheaply than is allowed.
        NotUnderstood: it is not a sealed key.
    """
    from argon2.exceptions import HashingError
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    stated, nonce, seal = _read_sealed(content)
    if (stated["person"], stated["key"]) != (person, public):
        text = f"The sealed key is {stated['person']}'s, or not the one that {person} signs with now: restore the right file"
        raise Refused(Problem("key.other", text, person))
    cost = Cost(stated["passes"], stated["memory"], stated["lanes"])
    if not allowed(cost):
        text = (
            f"The sealed key of {person} asks for {cost.passes} passes over {cost.memory} KiB, outside what is allowed"
        )
        raise Refused(Problem("key.cost", f"{text}: restore the file, or replace the key", person))
    try:
        opens = stretched(passphrase, bytes.fromhex(stated["salt"]), cost)
        key = OpenKey(ChaCha20Poly1305(opens).decrypt(nonce, seal, canonical_bytes(stated)))
    except (HashingError, InvalidTag, ValueError):
        text = f"The passphrase does not open the key of {person}: nothing was signed or done. Type it again"
        raise WrongPassphrase(Problem("passphrase.wrong", text, person)) from None
    if key.public != public:
        raise Refused(Problem("key.other", f"The sealed key of {person} holds another key: restore the file", person))
    return key


def allowed(cost: Cost) -> bool:
    """No cheaper than keys are sealed here, and no dearer than a workstation can bear."""
    return COST.passes <= cost.passes <= 64 and COST.memory <= cost.memory <= 2**22 and 1 <= cost.lanes <= 64


def stretched(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    """A key made of a passphrase by argon2id, at a cost."""
    from argon2.low_level import Type, hash_secret_raw

    return hash_secret_raw(
        normalize("NFC", passphrase).encode("utf-8"),
        salt,
        cost.passes,
        cost.memory,
        cost.lanes,
        _SEALING_BYTES,
        Type.ID,
    )


_TEXTS, _NUMBERS = ("format", "key", "nonce", "person", "salt", "sealed"), ("lanes", "memory", "passes")


def _read_sealed(content: bytes) -> tuple[dict[str, Any], bytes, bytes]:
    """What a sealed file states, its nonce and its seal."""
    try:
        stated = json.loads(content)
        fits = set(stated) == {*_TEXTS, *_NUMBERS} and stated["format"] == "sealed-key/v1"
        if fits and all(type(stated[name]) is str for name in _TEXTS) and all(type(stated[n]) is int for n in _NUMBERS):
            return stated, bytes.fromhex(stated.pop("nonce")), bytes.fromhex(stated.pop("sealed"))
    except (ValueError, TypeError, RecursionError):
        pass
    raise NotUnderstood(Problem("key.not-sealed", "This is not a sealed key: restore the file, or replace the key"))


# ---- the folder of sealed keys ----


def sealed_file(folder: Path, public: str) -> Path:
    """Where a key lies; the name says nothing about its person."""
    return folder / f"{public[:16]}.key"


def keep(folder: Path, public: str, content: bytes) -> Path:
    """Write a sealed key where only its owner's account reads it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = sealed_file(folder, public)
    write_whole(file, content, mode=PRIVATE_FILE)
    return file


def kept(folder: Path, person: str, public: str) -> bytes:
    """The sealed key of a person.

    Raises:
        EnvironmentFails: it is not there, or cannot be read.
    """
    file = sealed_file(folder, public)
    try:
        return file.read_bytes()
    except OSError as error:
        text = (
            f"The sealed key of {person}, {file}, cannot be read ({error.strerror}): copy it here, or replace the key"
        )
        raise EnvironmentFails(Problem("key.missing", text, str(file))) from None


def read_passphrase(file: Path) -> str:
    """A passphrase from a file that nobody else can read: its first line.

    Raises:
        NotUnderstood: there is no such file, or it holds no line.
        Refused: other accounts of the machine can read it.
    """
    try:
        mode = file.stat().st_mode
        content = file.read_text("utf-8") if stat.S_ISREG(mode) else ""
    except (OSError, UnicodeDecodeError):
        raise NotUnderstood(Problem("passphrase.missing", f"There is no passphrase file {file}", str(file))) from None
    if mode & 0o077:
        text = f"{file} can be read by other accounts: run chmod 600 on it, and think about a new passphrase"
        raise Refused(Problem("passphrase.readable", text, str(file)))
    line = content.split("\n")[0].removesuffix("\r")
    if not line:
        raise NotUnderstood(Problem("passphrase.missing", f"{file} holds no passphrase in its first line", str(file)))
    return line
