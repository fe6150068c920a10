"""A sealed file opens for whoever it was sealed for, here and with the program age; one changed bit, and it does not."""

from __future__ import annotations

import io
import random
import subprocess
from pathlib import Path

import pytest

from compounding.problems import CompoundingError, NotUnderstood, Refused
from compounding.store import sealing
from compounding.store.sealing import PIECE, Opens, Seal

PASSPHRASE = "four quiet lanterns by the mill"
# Pairs that other programs made: testAgeKeys.ts of ehmpathy/rhachet, fixture.dart of Producement/age-yubikey-pgp.
PAIRS = (
    ("age18nv85p4lm076rfe5nmkpk8vq66u3eql09ruxalxlfsxu86dlyq0sfgykj4",
     "AGE-SECRET-KEY-1XLS8V9YY2HKFFU3QWGHWC7CUTY9A08NSSZU8MAQHECDJC2E26EJQHS7AG7"),
    ("age12v6newahxev3mukn7tmr2ycvu5wa0tzkf2yuwret3j8mjg49mggqnawwlu",
     "AGE-SECRET-KEY-13W6UT6Z3H72N3YY9MXJMPPMN2K0KQGW863HPH258UCUXKLK3S3RQA32XH3"),
)  # fmt: skip


def sealed(content: bytes, seal: Seal) -> bytes:
    return b"".join(sealing.sealed([content[:7], content[7:]], seal))


def opened(content: bytes, opens: Opens) -> bytes:
    return b"".join(sealing.opened(io.BytesIO(content), opens))


@pytest.mark.parametrize("length", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 5])
def test_a_file_of_any_length_opens_here_and_with_the_program_age(length: int, tmp_path: Path) -> None:
    content, (public, private) = random.Random(length).randbytes(length), PAIRS[0]
    (tmp_path / "key").write_text(private)
    ours = sealed(content, sealing.seal_for([PAIRS[1][0], public]))
    theirs = subprocess.run(["age", "-r", public], input=content, capture_output=True, check=True).stdout
    opened_by_it = subprocess.run(["age", "-d", "-i", tmp_path / "key"], input=ours, capture_output=True, check=True)
    assert opened_by_it.stdout == content
    for each in (ours, theirs):
        assert opened(each, sealing.key_opens(private)) == content
    assert opened(ours, sealing.key_opens(PAIRS[1][1])) == content
    with pytest.raises(Refused, match="does not open"):
        opened(theirs, sealing.key_opens(PAIRS[1][1]))


@pytest.mark.parametrize(("public", "private"), PAIRS)
def test_pairs_that_other_programs_made_belong_together(public: str, private: str) -> None:
    assert opened(sealed(b"x", sealing.seal_for([public])), sealing.key_opens(private)) == b"x"


def test_a_new_pair_belongs_together_and_is_new() -> None:
    (public, private), (other, _) = sealing.new_pair(), sealing.new_pair()
    assert opened(sealed(b"x", sealing.seal_for([public])), sealing.key_opens(private)) == b"x"
    assert public != other


@pytest.mark.parametrize(
    "written",
    [
        "", "age1", PAIRS[0][1], PAIRS[0][0][:-1], PAIRS[0][0].replace("8nv", "8vn"), PAIRS[0][0].replace("nv", "nV"),
        PAIRS[0][0] + "q", "A12UEL5L", "pzry9x0s0muk",
    ],
)  # fmt: skip
def test_what_is_no_public_half_seals_nothing(written: str) -> None:
    with pytest.raises(NotUnderstood, match="is no public half"):
        sealing.seal_for([written])


def test_a_private_half_that_was_mistyped_is_not_repeated_in_the_message() -> None:
    with pytest.raises(NotUnderstood) as caught:
        sealing.key_opens(PAIRS[0][1].replace("XLS8", "XLS9"))
    assert "XLS9" not in str(caught.value)


def test_a_key_that_makes_one_secret_with_everybody_seals_nothing() -> None:
    with pytest.raises(NotUnderstood, match="would seal nothing"):
        sealing.seal_for([sealing._bech32("age", bytes(32))])


@pytest.mark.parametrize("seal", [sealing.seal_with_passphrase(PASSPHRASE), sealing.seal_for([PAIRS[0][0]])])
def test_one_changed_bit_anywhere_and_nothing_opens(seal: Seal) -> None:
    good = sealed(b"the names of patients", seal)
    opens = (sealing.passphrase_opens(PASSPHRASE), sealing.key_opens(PAIRS[0][1]))
    assert any(opened_or_not(good, each) == b"the names of patients" for each in opens)
    for place in range(len(good)):
        for bit in range(8):
            spoiled = bytearray(good)
            spoiled[place] ^= 1 << bit
            assert not any(opened_or_not(bytes(spoiled), each) for each in opens), (place, bit)
    for length in range(len(good)):
        assert not any(opened_or_not(good[:length], each) for each in opens), length


def opened_or_not(content: bytes, opens: Opens) -> bytes | None:
    try:
        return opened(content, opens)
    except CompoundingError:
        return None


def test_pieces_cannot_be_swapped_repeated_or_left_out() -> None:
    content, seal = bytes(3 * PIECE), sealing.seal_with_passphrase(PASSPHRASE)
    good = sealed(content, seal)
    begins, pieces = good[: -(3 * (PIECE + 16))], [good[-n * (PIECE + 16) :][: PIECE + 16] for n in (3, 2, 1)]
    first, second, last = pieces
    opens = sealing.passphrase_opens(PASSPHRASE)
    assert opened(begins + first + second + last, opens) == content
    for spoiled in ([second, first, last], [first, last], [first, second], [first, second, second, last], [last]):
        with pytest.raises(Refused, match="changed or cut"):
            opened(begins + b"".join(spoiled), opens)


def test_a_passphrase_costs_a_guess_much_and_a_file_may_not_ask_for_more_than_a_machine_bears() -> None:
    source = Path(sealing.__file__).read_text("utf-8")
    assert "\nWORK = 18\n" in source and source.count("\nWORK =") == 1
    good = sealed(b"x", sealing.seal_with_passphrase(PASSPHRASE))
    for work in (b"21", b"99", b"0", b"-1", b"999"):
        with pytest.raises(NotUnderstood, match="more work than a workstation can bear"):
            opened(good.replace(b" %d\n" % sealing.WORK, b" %s\n" % work), sealing.passphrase_opens(PASSPHRASE))


def test_a_head_that_never_ends_is_not_read_on() -> None:
    for spoiled in (b"", b"x" * 10**6, sealing.BEGINS, sealing.BEGINS + b"-> X25519 " + b"A" * 10**6, sealing.BEGINS + b"-> a\n" * 10**6):
        with pytest.raises(NotUnderstood, match="cannot be opened"):
            opened(spoiled, sealing.passphrase_opens(PASSPHRASE))
