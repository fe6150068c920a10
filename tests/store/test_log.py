"""The Merkle tree: RFC 6962's own numbers, its definition, and every proof up to 64 entries."""

from __future__ import annotations

import tomllib
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compounding.problems import NotUnderstood
from compounding.store import log
from compounding.store.log import Head

CASES = tomllib.loads((Path(__file__).parents[1] / "cases" / "rfc6962.toml").read_text("utf-8"))
LEAVES = [log.leaf_hash(bytes.fromhex(leaf)) for leaf in CASES["leaves"]]
MANY = [log.leaf_hash(b"%d" % number) for number in range(64)]
ROOTS = [log.root_of(MANY[:size]) for size in range(65)]
FEW = Head(1234, sha256(b"a tree").digest())


def frontier_over(leaves: list[bytes]) -> log.Frontier:
    frontier = log.EMPTY
    for leaf in leaves:
        frontier = log.grown(frontier, leaf)
    return frontier


def unhexed(proof: list[str]) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(step) for step in proof)


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_published_vectors(size: int) -> None:
    assert log.root_of(LEAVES[:size]).hex() == CASES["roots"][size]
    assert log.head_of(frontier_over(LEAVES[:size])) == Head(size, bytes.fromhex(CASES["roots"][size]))


def test_proofs_are_those_of_the_published_vectors() -> None:
    for case in CASES["inclusion"]:
        assert log.inclusion_proof(LEAVES[: case["size"]], case["index"]) == unhexed(case["proof"])
    for case in CASES["consistency"]:
        assert log.consistency_proof(LEAVES[: case["second"]], case["first"]) == unhexed(case["proof"])


@given(st.lists(st.binary(max_size=8), max_size=80))
def test_growing_leaf_by_leaf_gives_the_root_of_the_definition(data: list[bytes]) -> None:
    leaves = [log.leaf_hash(part) for part in data]
    frontier = frontier_over(leaves)
    assert log.head_of(frontier) == Head(len(leaves), log.root_of(leaves))
    assert log.frontier_of(frontier.size, b"".join(frontier.peaks)) == frontier


def test_every_leaf_of_every_tree_is_proven_and_no_other_leaf_place_size_or_root() -> None:
    for size in range(1, 65):
        head = Head(size, ROOTS[size])
        for index in range(size):
            proof = log.inclusion_proof(MANY[:size], index)
            assert log.inclusion_holds(MANY[index], index, head, proof)
            assert not log.inclusion_holds(log.leaf_hash(b"another"), index, head, proof)
            assert not log.inclusion_holds(MANY[index], index, Head(size, ROOTS[size - 1]), proof)
            assert not log.inclusion_holds(MANY[index], index + size, head, proof)
            assert not log.inclusion_holds(MANY[index], index, head, (*proof, ROOTS[1]))
            assert size == 1 or not log.inclusion_holds(MANY[index], index ^ 1, head, proof)


def test_every_pair_of_heads_is_proven_to_be_one_history_and_no_forked_pair_is() -> None:
    forked = [log.leaf_hash(b"forged"), *MANY[1:]]
    for second in range(65):
        head = Head(second, ROOTS[second])
        for first in range(second + 1):
            proof = log.consistency_proof(MANY[:second], first)
            assert log.consistency_holds(Head(first, ROOTS[first]), head, proof)
            if first:
                fork = Head(first, log.root_of(forked[:first]))
                assert not log.consistency_holds(fork, head, proof)
                assert not log.consistency_holds(fork, head, log.consistency_proof(forked[:second], first))
                assert not log.consistency_holds(Head(first, ROOTS[first]), head, (*proof, ROOTS[1]))
    assert not log.consistency_holds(Head(3, ROOTS[3]), Head(2, ROOTS[2]), ())


def test_proofs_beyond_the_log_are_refused() -> None:
    with pytest.raises(NotUnderstood, match="no leaf 8"):
        log.inclusion_proof(LEAVES, 8)
    with pytest.raises(NotUnderstood, match="never had 9"):
        log.consistency_proof(LEAVES, 9)
    with pytest.raises(NotUnderstood, match="31 bytes of peaks"):
        log.frontier_of(1, bytes(31))


def test_a_leaf_covers_the_signatures_and_where_the_body_ends() -> None:
    assert log.leaf_data(b'{"a":1}', b"") == b'{"a":1}'
    signed = log.leaf_data(b'{"a":1}', b"signature")
    assert len({signed, log.leaf_data(b'{"a":1}', b""), log.leaf_data(b'{"a":1}s', b"ignature")}) == 3


def test_a_checkpoint_reads_back_and_any_change_of_it_does_not() -> None:
    text = log.checkpoint("compounding-pharmacy/main", FEW)
    assert text.splitlines()[:2] == ["compounding-pharmacy/main", "1234"]
    assert log.read_checkpoint(text) == ("compounding-pharmacy/main", FEW)
    for spoiled in (text[:-1], text + "\n", text.replace("1234", "01234"), text.replace("1234", "-1"), "", text[:-5]):
        with pytest.raises(NotUnderstood, match="not a checkpoint"):
            log.read_checkpoint(spoiled)


@pytest.mark.parametrize("origin", ["", "two\nlines", "two words", "a+b", "tab\t", "line\u2028break"])
def test_an_origin_that_could_frame_another_checkpoint_is_refused(origin: str) -> None:
    with pytest.raises(NotUnderstood, match="cannot name a log"):
        log.checkpoint(origin, FEW)


def test_a_short_code_is_the_first_130_bits_of_the_checkpoints_digest() -> None:
    code = log.short_code("compounding-pharmacy/main", FEW)
    digest = sha256(log.checkpoint("compounding-pharmacy/main", FEW).encode()).digest()
    value = 0
    for character in code.replace("-", ""):
        value = value * 32 + "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(character)
    assert value == int.from_bytes(digest, "big") >> 126
    assert [len(group) for group in code.split("-")] == [4, 4, 4, 4, 4, 4, 2]


@given(st.binary(min_size=32, max_size=32), st.integers(0, 10**9))
def test_a_code_is_read_whatever_its_case_dashes_and_look_alikes(root: bytes, size: int) -> None:
    code = log.short_code("x", Head(size, root))
    assert log.read_short_code(code) == code
    assert log.read_short_code(f" {code.lower().replace('-', ' ')}\n") == code
    assert log.read_short_code(code.replace("0", "O").replace("1", "l")) == code
    assert log.read_short_code(code.replace("0", "o").replace("1", "I")) == code


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [("U" * 26, "'U' is in no code"), ("0" * 25, "25 characters"), ("0" * 27, "27 characters"), ("", "0 characters")],
)
def test_what_is_no_code_is_refused_with_the_reason(typed: str, sentence: str) -> None:
    with pytest.raises(NotUnderstood, match=sentence):
        log.read_short_code(typed)


def test_a_tree_gives_every_head_and_proof_that_the_definition_gives() -> None:
    for size in range(1, 65):
        tree = log.Tree(MANY[:size])
        assert [tree.head(first) for first in range(size + 1)] == [
            Head(first, ROOTS[first]) for first in range(size + 1)
        ]
        for index in range(size):
            assert tree.inclusion_proof(index) == log.inclusion_proof(MANY[:size], index)
            assert tree.consistency_proof(index + 1) == log.consistency_proof(MANY[:size], index + 1)
    with pytest.raises(NotUnderstood):
        log.Tree(MANY).inclusion_proof(64)
    with pytest.raises(NotUnderstood):
        log.Tree(MANY).consistency_proof(65)
