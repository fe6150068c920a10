"""Published vectors, against the tool and against the program that an inspector runs: each knows them by itself."""

from __future__ import annotations

import json
import runpy
import tomllib
from base64 import b64decode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from compounding.data_files import data_folder
from compounding.problems import NotUnderstood
from compounding.store import keys, log
from compounding.store.canonical import read_canonical
from compounding.store.journal import Journal, Signer, Signing
from compounding.store.log import Head
from tests.store.journals import SITE, draft
from tests.store.killing import LONG, tell

TESTS = Path(__file__).parents[1]
OFFLINE: dict[str, Any] = runpy.run_path(str(data_folder("verifier") / "verify_batch.py"))
ED25519 = tomllib.loads((TESTS / "cases" / "ed25519.toml").read_text("utf-8"))["case"]
RFC6962 = tomllib.loads((TESTS / "cases" / "rfc6962.toml").read_text("utf-8"))
RFC8785 = tomllib.loads((TESTS / "cases" / "rfc8785.toml").read_text("utf-8"))["case"]
# All 1,024 of them, where `make faults` put them.
MANY_SIGNATURES = TESTS.parent / "build" / "vectors" / "cryptography_vectors" / "asymmetric" / "Ed25519" / "sign.input"

LARGEST = 256
LEAVES = [log.leaf_hash(b"%d" % number) for number in range(LARGEST)]
TREE, FORKED = log.Tree(LEAVES), log.Tree([log.leaf_hash(b"forged"), *LEAVES[1:]])


def signatures() -> Iterator[tuple[bytes, str, bytes, bytes]]:
    """Seed, public half, message and signature of each vector."""
    for case in ED25519:
        yield bytes.fromhex(case["seed"]), case["public"], bytes.fromhex(case["message"]), bytes.fromhex(case["signature"])
    if LONG:
        for line in MANY_SIGNATURES.read_text("ascii").splitlines():
            private, public, message, signed = line.rstrip(":").split(":")
            yield bytes.fromhex(private[:64]), public, bytes.fromhex(message), bytes.fromhex(signed[:128])


def test_keys_sign_as_the_vectors_do_and_the_inspectors_program_takes_what_they_sign() -> None:
    number = 0
    for seed, public, message, signature in signatures():
        number += 1
        key = keys.OpenKey(seed)
        assert key.public == public and key._private.sign(message) == signature
        framed = key.sign(message)
        assert keys.signature_holds(public, framed, message)
        assert OFFLINE["signed"](public, framed.hex(), OFFLINE["ENTRY_TYPE"], message)
        assert not OFFLINE["signed"](public, signature.hex(), OFFLINE["ENTRY_TYPE"], message)  # a signature of no frame
    assert number == len(ED25519) + (1024 if LONG else 0)
    tell("published signatures of Ed25519", runs=number, fired=number)


@pytest.mark.parametrize("case", RFC8785, ids=lambda case: case["name"])
def test_canonical_bytes_of_the_vectors_are_read_if_records_may_hold_them_and_refused_if_not(case: dict[str, Any]) -> None:
    raw = case["bytes"].encode("utf-8")
    if case["ours"]:
        assert read_canonical(raw) == json.loads(case["json"]) == OFFLINE["strict"](case["bytes"])
    else:
        with pytest.raises(NotUnderstood):
            read_canonical(raw)


def test_the_inspectors_tree_is_that_of_the_vectors() -> None:
    leaves = [OFFLINE["sha"](b"\0", bytes.fromhex(leaf)) for leaf in RFC6962["leaves"]]
    for size in range(1, 9):
        for index in range(size):
            proof = list(log.inclusion_proof(leaves[:size], index))
            assert OFFLINE["climb"](leaves[index], index, size - 1, proof).hex() == RFC6962["roots"][size]
    for case in RFC6962["consistency"]:
        first, second = case["first"], case["second"]
        roots = [bytes.fromhex(RFC6962["roots"][each]) for each in (first, second)]
        assert OFFLINE["is_beginning"](first, roots[0], second, roots[1], [bytes.fromhex(each) for each in case["proof"]])


def test_any_two_heads_up_to_256_entries_are_proven_to_be_one_history_and_a_forked_one_is_not() -> None:
    heads = [TREE.head(size) for size in range(LARGEST + 1)]
    forks = [FORKED.head(size) for size in range(LARGEST + 1)]
    pairs = 0
    for second in range(1, LARGEST + 1):
        tree = log.Tree(LEAVES[:second])
        for first in range(1, second + 1):
            proof = tree.consistency_proof(first)
            one, other = heads[first], heads[second]
            assert log.consistency_holds(one, other, proof)
            assert OFFLINE["is_beginning"](first, one.root, second, other.root, list(proof))
            assert not log.consistency_holds(forks[first], other, proof)
            assert not OFFLINE["is_beginning"](first, forks[first].root, second, other.root, list(proof))
            pairs += 1
    assert pairs == LARGEST * (LARGEST + 1) // 2
    tell("pairs of heads up to 256 entries", runs=pairs, fired=pairs)


def test_the_checkpoint_is_that_of_the_specifications_example() -> None:
    """The text before the signature lines of the example in c2sp-tlog-checkpoint."""
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    head = Head(20852163, b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="))
    assert log.read_checkpoint(text) == ("example.com/behind-the-sofa", head)
    assert log.checkpoint("example.com/behind-the-sofa", head) == text
    assert OFFLINE["code_of"](OFFLINE["sha"](text.encode())) == log.short_code("example.com/behind-the-sofa", head)


def test_every_single_bit_of_a_signed_entry_counts(tmp_path: Path) -> None:
    key = keys.OpenKey(bytes(32))
    signing = Signing("ana", "Ana Müller", key.public, "I reviewed the complete record.", sha256(b"page").hexdigest())
    number = 20 if LONG else 1
    bits = 0
    with Journal.create(tmp_path / "journal.db", SITE) as journal:
        drafts = [draft("Weighed", minute=each, signers=(Signer(signing, key.sign),)) for each in range(number)]
        for entry in journal.append(drafts, {}):
            assert keys.signature_holds(key.public, entry.signatures, entry.raw)
            for place in range(8 * len(entry.raw)):
                spoiled = bytearray(entry.raw)
                spoiled[place // 8] ^= 1 << place % 8
                assert not keys.signature_holds(key.public, entry.signatures, bytes(spoiled))
                assert not OFFLINE["signed"](key.public, entry.signatures, OFFLINE["ENTRY_TYPE"], bytes(spoiled))
                bits += 1
    assert bits > 4000 * number
    tell("one bit of a signed entry changed", runs=bits, fired=bits, lost=0)
