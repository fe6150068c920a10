"""Keys are what the standards say, open to one passphrase alone, and sign one kind of thing at a time."""

from __future__ import annotations

import json
import os
import random
import tomllib
from pathlib import Path
from typing import Any

import pytest
from argon2.low_level import Type, core, ffi, lib

from compounding.problems import CompoundingError, EnvironmentFails, NotUnderstood, Refused
from compounding.store import keys
from compounding.store.keys import OpenKey, WrongPassphrase, framed, opened, sealed, signature_holds

CASES = tomllib.loads((Path(__file__).parents[1] / "cases" / "ed25519.toml").read_text("utf-8"))
WORDS = "four quiet words of ana"


@pytest.mark.parametrize("case", CASES["case"], ids=lambda case: case["name"])
def test_signatures_are_those_of_the_published_vectors(case: dict[str, str]) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(case["seed"]))
    assert private.sign(bytes.fromhex(case["message"])).hex() == case["signature"]
    assert OpenKey(bytes.fromhex(case["seed"])).public == case["public"]


def test_argon2id_gives_the_tag_of_the_published_vector() -> None:
    case = CASES["argon2id"]
    parts = {name: bytes.fromhex(case[name]) for name in ("password", "salt", "secret", "associated")}
    held = {name: ffi.new("uint8_t[]", part) for name, part in parts.items()}
    out = ffi.new("uint8_t[]", 32)
    context = ffi.new(
        "argon2_context *",
        {
            "out": out, "outlen": 32, "version": 0x13, "flags": lib.ARGON2_DEFAULT_FLAGS,
            "pwd": held["password"], "pwdlen": 32, "salt": held["salt"], "saltlen": 16,
            "secret": held["secret"], "secretlen": 8, "ad": held["associated"], "adlen": 12,
            "t_cost": case["passes"], "m_cost": case["memory"], "lanes": case["lanes"], "threads": 1,
            "allocate_cbk": ffi.NULL, "free_cbk": ffi.NULL,
        },
    )  # fmt: skip
    assert core(context, Type.ID.value) == 0
    assert bytes(ffi.buffer(out)).hex() == case["tag"]


def test_the_frame_is_that_of_the_published_example() -> None:
    assert framed(b"hello world", "http://example.com/HelloWorld") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_a_key_is_sealed_at_the_recommended_cost_and_nothing_but_the_tests_makes_it_cheaper() -> None:
    source = Path(keys.__file__).read_text("utf-8")
    assert "\nCOST = Cost(passes=3, memory=65_536, lanes=4)\n" in source
    assert source.count("COST =") == 1
    assert "environ" not in source


def test_a_sealed_key_opens_with_its_passphrase_and_signs() -> None:
    key = keys.new_key()
    again = opened(sealed(key, "ana", WORDS), "ana", key.public, WORDS)
    signature = again.sign(b"an entry")
    assert signature_holds(key.public, signature, b"an entry")
    assert not signature_holds(key.public, signature, b"another entry")
    assert not signature_holds(key.public, signature, b"an entry", keys.EXPORT_TYPE)
    assert not signature_holds(keys.new_key().public, signature, b"an entry")
    assert not signature_holds("00" * 32, signature, b"an entry")


def test_two_spellings_of_a_passphrase_open_the_same_key() -> None:
    key = keys.new_key()
    content = sealed(key, "ana", "four quiet words of Zo\u0065\u0308")
    assert opened(content, "ana", key.public, "four quiet words of Zo\u00eb").public == key.public


def test_a_wrong_passphrase_opens_nothing() -> None:
    key = keys.new_key()
    with pytest.raises(WrongPassphrase, match="does not open the key of ana"):
        opened(sealed(key, "ana", WORDS), "ana", key.public, WORDS + " ")


def test_a_sealed_key_says_nothing_of_its_private_half() -> None:
    key = keys.new_key()
    assert key._seed.hex() not in sealed(key, "ana", WORDS).decode()


def test_every_changed_byte_of_a_sealed_key_is_refused() -> None:
    key = keys.new_key()
    content = sealed(key, "ana", WORDS)
    for place in range(len(content)):
        spoiled = bytearray(content)
        spoiled[place] ^= 1
        with pytest.raises(CompoundingError):
            opened(bytes(spoiled), "ana", key.public, WORDS)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"person": "ben"}, "key.other"),
        ({"key": "00" * 32}, "key.other"),
        ({"memory": 7}, "key.cost"),
        ({"memory": 2**30}, "key.cost"),
        ({"passes": 0}, "key.cost"),
        ({"salt": "00" * 16}, "passphrase.wrong"),
        ({"nonce": "00" * 12}, "passphrase.wrong"),
        ({"sealed": ""}, "passphrase.wrong"),
        ({"format": "sealed-key/v2"}, "key.not-sealed"),
        ({"more": 1}, "key.not-sealed"),
        ({"lanes": "1"}, "key.not-sealed"),
    ],
)
def test_a_sealed_key_with_one_changed_field_is_refused(change: dict[str, Any], code: str) -> None:
    key = keys.new_key()
    content = json.dumps(json.loads(sealed(key, "ana", WORDS)) | change).encode()
    with pytest.raises(CompoundingError) as caught:
        opened(content, "ana", key.public, WORDS)
    assert [problem.code for problem in caught.value.problems] == [code]


@pytest.mark.parametrize("weak", ["short", "x" * 129, "abababababababababab", "Ana Ortiz Ana Ortiz ana"])
def test_a_weak_passphrase_is_refused(weak: str) -> None:
    with pytest.raises(NotUnderstood, match="four or five words"):
        keys.check_passphrase(weak, "ana", "Ana Ortiz")


@pytest.mark.parametrize(
    "common",
    ["password1234567", "P@ssw0rd 1234567", "123456789012345", "qwertyuiop 12345!", "letmein-letmein-letmein", "iloveyou princess 1",
     "TrustNo1 TrustNo1", "1q2w3e4r5t6y7u8i9o0p"],
)  # fmt: skip
def test_a_passphrase_that_is_tried_first_is_refused(common: str) -> None:
    with pytest.raises(NotUnderstood, match="most common passwords"):
        keys.check_passphrase(common, "ana", "Ana Ortiz")


def test_each_of_the_common_passwords_is_refused_with_figures_behind_it() -> None:
    file = Path(keys.__file__).with_name("common_passphrases.txt")
    words = file.read_text("utf-8").split("\n")[:-1]
    assert len(words) > 10_000 and len(set(words)) == len(words)
    for word in random.Random(1).sample(words, 50):
        with pytest.raises(NotUnderstood):
            keys.check_passphrase(f"{word}{'1928374650' * 3}"[:30])


def test_a_passphrase_of_some_words_is_taken() -> None:
    keys.check_passphrase(WORDS, "ana", "Ana Ortiz")


def test_keys_and_their_folder_are_read_by_their_owner_alone(tmp_path: Path) -> None:
    key = keys.new_key()
    before = os.umask(0)
    try:
        file = keys.keep(tmp_path / "keys", key.public, sealed(key, "ana", WORDS))
    finally:
        os.umask(before)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert keys.kept(tmp_path / "keys", "ana", key.public) == file.read_bytes()
    file.unlink()
    with pytest.raises(EnvironmentFails, match="copy it here, or replace the key"):
        keys.kept(tmp_path / "keys", "ana", key.public)


def test_a_passphrase_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "words"
    file.write_text(WORDS + "\n")
    file.chmod(0o640)
    with pytest.raises(Refused, match="can be read by other accounts"):
        keys.read_passphrase(file)
    file.chmod(0o600)
    assert keys.read_passphrase(file) == WORDS
    file.write_text("\n")
    for missing in (file, tmp_path, tmp_path / "none"):
        with pytest.raises((NotUnderstood, Refused)):
            keys.read_passphrase(missing)
