"""The fast look at an entry vouches for nothing that the close look would refuse, and for what the bench writes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compounding.problems import NotUnderstood
from compounding.records.written import surely_written
from compounding.store.canonical import read_canonical, visible
from compounding.store.journal import Journal
from tests.bench import stocked


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    bench = stocked(tmp_path_factory.mktemp("written"))
    with Journal.open(bench.journal, "main") as journal:
        return [entry.raw for entry in journal.entries()]


def is_canonical(raw: bytes) -> bool:
    try:
        read_canonical(raw)
    except NotUnderstood:
        return False
    return True


def test_what_the_bench_writes_needs_no_close_look(entries: list[bytes]) -> None:
    assert [raw for raw in entries if surely_written(raw) is None] == []


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b'"schema":1', b'"schema":1.0'),
        (b'"schema":1', b'"schema":1e0'),
        (b'"schema":1', b'"schema": 1'),
        (b'"schema":1', b'"schema":12345678901234567'),
        (b'"schema":1', b'"schema":1,"shema":1'),
        (b'"schema":1', b'"schema":-12345678901234567'),
        (b'"previous":[0', b'"previous":[12345678901234567'),
        (b'"reason":"', b'"reason":"\\n'),
        (b'"reason":"', b'"reason":"\\\\\\n'),
        (b'"reason":"', b'"reason":"\\/'),
        (b'"reason":"', b'"reason":"\\u0022'),
        (b'"person":"', b'"person":"\\u0061'),
        (b'"person":"', b'"person":"\xf0\x9f\x98\x80'),
        (b'"reason":', b'"reasons":'),
        (b'{"body":', b'{"sequence":1,"body":'),
    ],
)
def test_what_is_spelled_otherwise_gets_the_close_look(entries: list[bytes], was: bytes, becomes: bytes) -> None:
    assert was in entries[0]
    assert surely_written(entries[0].replace(was, becomes, 1)) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_changed_byte_is_vouched_for_that_is_not_canonical(data: st.DataObject, entries: list[bytes]) -> None:
    raw = bytearray(data.draw(st.sampled_from(entries)))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    changed = bytes(raw)
    if surely_written(changed) is not None and visible(changed.decode("utf-8")):
        assert is_canonical(changed)
