"""One value has one spelling, and nothing that an eye cannot see gets in."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from compounding.problems import NotUnderstood
from compounding.store.canonical import canonical_bytes, plain_text, read_canonical
from compounding.texts import page_of

CASES = tomllib.loads((Path(__file__).parents[1] / "cases" / "rfc8785.toml").read_text("utf-8"))["case"]

text = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), max_size=12).map(
    lambda typed: normalize("NFC", typed)
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_examples_of_the_rfc_come_out_byte_for_byte(case: dict[str, Any]) -> None:
    value = json.loads(case["json"])
    assert rfc8785.dumps(value) == case["bytes"].encode()
    if case["ours"]:
        assert canonical_bytes(value) == case["bytes"].encode()
        assert read_canonical(canonical_bytes(value)) == value


@given(st.dictionaries(text, values, max_size=4))
def test_what_is_written_reads_back_the_same(value: dict[str, Any]) -> None:
    raw = canonical_bytes(value)
    assert read_canonical(raw) == value
    assert rfc8785.dumps(value) == raw


def test_two_spellings_of_one_text_have_one_form() -> None:
    assert canonical_bytes({"name": "Zo\u0065\u0308"}) == canonical_bytes({"name": "Zo\u00eb"})


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"mass": 0.1}, r'body\.mass: 0\.1 has no exact form; write it as text, such as "0\.1 mg"'),
        ({"mass": float("nan")}, "no exact form"),
        ({1: "a"}, "the key 1 is not text"),
        ({"a": {"b": [1, (2,)]}}, r"body\.a\.b\[1\]: tuple cannot be recorded"),
        ({"a": b"bytes"}, "bytes cannot be recorded"),
        ({"a": 2**53}, "beyond 2"),
        ({"a": -(2**53)}, "beyond 2"),
        ({"\u00e9": 1, "e\u0301": 2}, "stands there twice"),
        ({"a": "x" * 2**20}, "at most 1048576"),
        (["a"], "an object was expected, not list"),
    ],
)
def test_what_has_no_exact_form_is_refused_with_its_place(value: Any, sentence: str) -> None:
    with pytest.raises(NotUnderstood, match=sentence):
        canonical_bytes(value)


def test_a_body_nested_beyond_reason_is_refused() -> None:
    value: dict[str, Any] = {}
    for _ in range(5000):
        value = {"a": value}
    with pytest.raises(NotUnderstood, match="nested more than 32"):
        canonical_bytes(value)


@pytest.mark.parametrize(
    "point",
    [
        0x00,
        0x09,
        0x0A,
        0x1B,
        0x7F,
        0x9B,
        0xAD,
        0x200B,
        0x200D,
        0x200E,
        0x2028,
        0x2029,
        0x202E,
        0x2066,
        0xFEFF,
        0xD800,
        0xDFFF,
        0xE000,
        0xF0000,
        0x0378,
        0xFFFF,
        0xE0041,
    ],
    ids=hex,
)
def test_a_character_that_cannot_be_seen_is_refused_by_name_and_place(point: int) -> None:
    with pytest.raises(NotUnderstood, match=f"reason: character 4 is U\\+{point:04X} "):
        plain_text(f"abc{chr(point)}d", "reason")
    with pytest.raises(NotUnderstood):
        canonical_bytes({f"k{chr(point)}": 1})


@pytest.mark.parametrize(
    "name", ["O'Brien", 'Bobby"; DROP TABLE entries;--', "Łukasz Żółć", "山田", "😀", "%s {} \\", ""]
)
def test_names_of_people_are_kept_as_they_are(name: str) -> None:
    assert read_canonical(canonical_bytes({"name": name})) == {"name": name}


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b' {"a":1}',
        b'{"a":1}\n',
        b'{"a":1.0}',
        b'{"a":1e2}',
        b'{"a":-0}',
        b'{"a":01}',
        b'{"a":9007199254740992}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":"\\u0041"}',
        b'{"a":"\\/"}',
        b'{"a":"\\n"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\x7f"}',
        b'{"a":"\xc3\xa9\xff"}',
        b'{"a":"e\xcc\x81"}',
        b'{"a":"\xe2\x80\xae"}',
        b'{"a":"\xee\x80\x80"}',
        b'{"\xef\xbf\xa6":1,"\xf0\x9f\x98\x80":2}',  # sorted by code point, not by UTF-16 unit
        b'\xef\xbb\xbf{"a":1}',
        b"[1]",
        b'"a"',
        b"",
        b"{",
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_bytes_that_are_not_the_one_spelling_are_refused(raw: bytes) -> None:
    with pytest.raises(NotUnderstood, match="not canonical JSON"):
        read_canonical(raw)


def test_a_character_newer_than_this_python_still_reads_back() -> None:
    assert read_canonical('{"a":"\u0378"}'.encode()) == {"a": "\u0378"}


def test_a_page_is_kept_as_paper_can_show_it() -> None:
    assert page_of("Cafe\u0301\n\x1b[2Jx\u202ey\n") == ("Caf\u00e9", "?[2Jx?y", "")
